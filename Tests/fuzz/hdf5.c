/* Mutants of HDF5 files, made and read in one process, thousands a second: a worker of Tests/fuzz/fuzz.
 *
 * usage: hdf5 tables|sealed SEEDS STATE          see worker.h for what it reads and answers
 *        hdf5 tables|sealed SEEDS - NUMBER FILE  writes one mutant to FILE, its digest repaired as for reading
 * SEEDS is a folder of valid files. Beside NAME may be NAME.schema (a JSON schema) and NAME.group. "sealed" takes the
 * files that begin with model, checkpoint or budget, "tables" the others. A mutant is made from its number alone. */
#include "mutate.h"
#include "worker.h"
#include <dirent.h>
#include <flip.h>
#include <stdio.h>

enum { MAX_SEEDS = 64 };
static seed seeds[MAX_SEEDS];
static flip_schema *schemas[MAX_SEEDS];
static char *groups[MAX_SEEDS];
static int n_seeds;
static flip_table *checkpoint_table;
static flip_error err;

static char *text_beside(const char *folder, const char *name, const char *suffix) {
    char path[4096];
    size_t size;
    snprintf(path, sizeof path, "%s/%s%s", folder, name, suffix);
    return (char *)file_bytes(path, &size);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int is_sealed_name(const char *name) {
    return !strncmp(name, "model", 5) || !strncmp(name, "checkpoint", 10) || !strncmp(name, "budget", 6);
}

/* The digest that the content of a file has, when flip_file_check's answer has the text `condition`. */
static int content_digest(const char *path, const char *condition, char digest[65]) {
    flip_buffer *json = NULL;
    if (flip_file_check(path, &json, &err)) return 0;
    const char *text = flip_buffer_data(json), *found = strstr(text, "\"sha256\"");
    const char *begin = found && strstr(text, condition) ? strchr(found + 8, '"') : NULL;
    int known = begin && strspn(begin + 1, "0123456789abcdef") == 64;
    if (known) memcpy(digest, begin + 1, 64), digest[64] = 0;
    flip_buffer_free(json);
    return known;
}

/* The seeds in the order of their names, so that a number stands for the same mutant everywhere. */
static void load(const char *kind, const char *folder) {
    char *names[4 * MAX_SEEDS], path[4096];
    int n = 0;
    DIR *list = opendir(folder);
    if (!list) die("no folder of seeds");
    for (struct dirent *entry; n < 4 * MAX_SEEDS && (entry = readdir(list));)
        if (entry->d_name[0] != '.' && !strstr(entry->d_name, ".schema") && !strstr(entry->d_name, ".group"))
            names[n++] = strdup(entry->d_name);
    closedir(list);
    qsort(names, (size_t)n, sizeof *names, by_name);
    for (int i = 0; i < n && n_seeds < MAX_SEEDS; i++) {
        if (is_sealed_name(names[i]) != !strcmp(kind, "sealed")) continue;
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        char *schema = text_beside(folder, names[i], ".schema");
        groups[n_seeds] = text_beside(folder, names[i], ".group");
        if (schema && flip_schema_parse(schema, strlen(schema), &schemas[n_seeds], &err)) die(err.message);
        seed_load(&seeds[n_seeds], names[i], path);
        if (!strcmp(kind, "sealed")) {
            char digest[65];
            if (!content_digest(path, "\"verified\"", digest)) die("a sealed seed that is not valid");
            seed_set_digest(&seeds[n_seeds], digest);
        }
        n_seeds++;
    }
    if (!n_seeds) die("no seeds");
}

static size_t make(uint64_t number, uint8_t **out) {
    return seed_mutant(&seeds[number % (uint64_t)n_seeds], number, out);
}

/* FLIP_E_INTERNAL is a fault of the library whatever the file; want of memory is one under this worker's limits. */
static int good(flip_status status, outcome *what) {
    if (status == FLIP_E_INTERNAL || status == FLIP_E_NOMEM) *what = OTHER;
    return status == FLIP_OK;
}

static outcome read_table(uint64_t number, int which, const char *path) {
    outcome what = REFUSED;
    flip_table *table = NULL;
    flip_schema *schema = NULL;
    flip_buffer *json = NULL;
    if (good(flip_table_read_hdf5(schemas[which], path, groups[which], &table, &err), &what) && what != OTHER)
        what = READ;
    flip_table_free(table);
    if (number / (uint64_t)n_seeds % 4 == 0 || !schemas[which]) {
        if (good(flip_schema_infer_hdf5(path, groups[which], NULL, &schema, &err), &what) && what != OTHER) what = READ;
        flip_schema_free(schema);
    }
    if (number / (uint64_t)n_seeds % 16 == 1) {
        good(flip_file_check(path, &json, &err), &what);
        flip_buffer_free(json);
    }
    return what;
}

/* Whether this mutant's ledger is written too: that prices its releases anew, which takes longer than reading it. */
static int is_priced(uint64_t number) { return number / (uint64_t)n_seeds % 8 == 0; }

static outcome read_model(uint64_t number, const char *path) {
    outcome what = REFUSED;
    flip_model *model = NULL;
    flip_table *rows = NULL;
    flip_buffer *json = NULL;
    if (good(flip_model_load(path, &model, &err), &what)) {
        if (good(flip_model_sample(model, 0, 2, "{\"seed\": 1}", NULL, NULL, &rows, &err), &what) && what != OTHER)
            what = READ;
        flip_table_free(rows);
        if (is_priced(number)) good(flip_model_ledger(model, &json, &err), &what);
        flip_buffer_free(json);
    }
    flip_model_free(model);
    return what;
}

static outcome read_checkpoint(uint64_t number, const char *path) {
    outcome what = REFUSED;
    flip_trainer *trainer = NULL;
    flip_buffer *json = NULL;
    if (good(flip_trainer_resume(path, checkpoint_table, &trainer, &err), &what)) {
        if (what != OTHER) what = READ;
        if (is_priced(number)) good(flip_trainer_ledger(trainer, &json, &err), &what);
        flip_buffer_free(json);
        /* The first step of the preset "best" may fit a whole table. */
        if (number / (uint64_t)n_seeds % (strstr(name_of(number), "best") ? 256 : 4) == 0)
            good(flip_trainer_step(trainer, 1, 0, NULL, &err), &what);
    }
    flip_trainer_free(trainer);
    return what;
}

static outcome read_budget(const char *path) {
    outcome what = REFUSED;
    flip_budget *budget = NULL;
    flip_buffer *json = NULL;
    double epsilon;
    if (good(flip_budget_open(path, &budget, &err), &what)) {
        if (good(flip_budget_report(budget, &json, &err), &what) && what != OTHER) what = READ;
        flip_buffer_free(json);
        good(flip_budget_remaining(budget, &epsilon, &err), &what);
    }
    flip_budget_free(budget);
    return what;
}

static outcome read_sealed(uint64_t number, const char *path) {
    char kind = name_of(number)[0];
    return kind == 'm' ? read_model(number, path) : kind == 'c' ? read_checkpoint(number, path) : read_budget(path);
}

/* Writes a mutant with the digest that its content has, as somebody could write it who knows the format. Returns 0 when
 * the digest is right already, or when the file fails before its digest is looked at. */
static int write_with_digest(const seed *from, const char *path, uint8_t **data, size_t *size) {
    char digest[65];
    if (!content_digest(path, "\"mismatch\"", digest) || !seed_put_digest(from, data, size, digest)) return 0;
    write_bytes(path, *data, *size);
    return 1;
}

outcome attempt(uint64_t number, const char *folder) {
    static char path[4096], lock[4104];
    static uint8_t *data;
    int which = (int)(number % (uint64_t)n_seeds);
    const seed *from = &seeds[which];
    size_t size = make(number, &data);
    if (!path[0]) {
        snprintf(path, sizeof path, "%s/mutant.h5", folder);
        snprintf(lock, sizeof lock, "%s.lock", path);
    }
    write_bytes(path, data, size);
    if (!is_sealed_name(from->name)) return read_table(number, which, path);
    outcome what = read_sealed(number, path);
    /* A file that fails at the digest of its content is tried again with the right one. */
    if (what == REFUSED && strstr(err.message, "digest") && write_with_digest(from, path, &data, &size))
        what = read_sealed(number, path);
    if (from->name[0] == 'b') remove(lock);
    return what;
}

const char *name_of(uint64_t number) { return seeds[number % (uint64_t)n_seeds].name; }

/* The table that checkpoints go on with: that of the seed maker, two columns. */
static void make_table(const char *folder) {
    char path[4096];
    snprintf(path, sizeof path, "%s/.rows.csv", folder);
    for (int i = 0; i < n_seeds; i++)
        if (seeds[i].name[0] == 'c' && schemas[i] && !checkpoint_table
            && flip_table_read_csv(schemas[i], path, NULL, NULL, NULL, &checkpoint_table, &err)) die(err.message);
}

int main(int count, char **argument) {
    if (count < 4) die("usage: hdf5 tables|sealed SEEDS STATE");
    load(argument[1], argument[2]);
    if (!strcmp(argument[1], "sealed")) make_table(argument[2]);
    if (count == 6) {
        uint64_t number = strtoull(argument[4], NULL, 10);
        const seed *from = &seeds[number % (uint64_t)n_seeds];
        uint8_t *data = NULL;
        size_t size = make(number, &data);
        write_bytes(argument[5], data, size);            /* first, in case that looking at it is what ends a process */
        if (is_sealed_name(from->name)) write_with_digest(from, argument[5], &data, &size);
        return 0;
    }
    return serve(argument[3]);
}
