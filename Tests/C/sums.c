/* Rows elsewhere: asks, sums, answers; hostile bytes; what is refused, and that nothing is charged for it. */
#include "check.h"

static const char *best =
    "{\"epsilon\": 4, \"delta\": 1e-5, \"preset\": \"best\", \"threads\": 1, \"test_seed\": 5,"
    " \"projection\": {\"rows\": 60, \"steps\": 20}, \"autoencoder\": {\"width\": 8, \"heads\": 2,"
    " \"feed_forward\": 16, \"latent\": 4, \"batch\": 64, \"steps\": 3}, \"diffusion\": {\"hidden\": 16,"
    " \"layers\": 1, \"batch\": 64, \"steps\": 3, \"sampler_steps\": 4}, \"rake\": {\"pool\": 1000, \"steps\": 2}}";

enum { PARTS = 3, EACH = 100 };
typedef struct { flip_schema *schema; flip_table *table, *parts[PARTS]; flip_plan *plan; } things;

/* A table and the same rows in parts. */
static things the_things(void) {
    things t;
    flip_error err;
    int k;
    t.schema = a_schema();
    t.table = a_table(t.schema, PARTS * EACH);
    GIVES(FLIP_OK, flip_plan_create(t.schema, best, &t.plan, &err));
    GIVES(FLIP_OK, flip_table_write_csv(t.table, path_of("all.csv"), NULL, &err));
    {
        size_t size = 0;
        char *text = read_file(path_of("all.csv"), &size), *header = strchr(text, '\n') + 1, *at = header;
        for (k = 0; k < PARTS; k++) {
            char name[20], *end = at;
            FILE *file;
            int i;
            for (i = 0; i < EACH; i++) end = strchr(end, '\n') + 1;
            snprintf(name, sizeof name, "part%d.csv", k);
            file = fopen(path_of(name), "wb");
            fwrite(text, 1, (size_t)(header - text), file);
            fwrite(at, 1, (size_t)(end - at), file);
            fclose(file);
            at = end;
            GIVES(FLIP_OK, flip_table_read_csv(t.schema, path_of(name), NULL, NULL, NULL, &t.parts[k], &err));
        }
        free(text);
    }
    return t;
}

static void free_things(things *t) {
    int k;
    for (k = 0; k < PARTS; k++) flip_table_free(t->parts[k]);
    flip_table_free(t->table); flip_plan_free(t->plan); flip_schema_free(t->schema);
}

/* Sums of some parts, by way of bytes; part k of the table as a table, a stream or a file. */
static flip_sums *summed(const things *t, flip_buffer *ask, const int *which, int count) {
    flip_sums *total = NULL;
    flip_error err;
    int i;
    GIVES(FLIP_OK, flip_sums_create(flip_buffer_data(ask), flip_buffer_size(ask), &total, &err));
    for (i = 0; i < count; i++) {
        flip_sums *sums = NULL;
        flip_buffer *bytes = NULL;
        struct ArrowArrayStream stream;
        int k = which[i];
        GIVES(FLIP_OK, flip_sums_create(flip_buffer_data(ask), flip_buffer_size(ask), &sums, &err));
        if (k == 0) GIVES(FLIP_OK, flip_sums_add_table(sums, k, t->parts[k], &err));
        if (k == 1) {
            GIVES(FLIP_OK, flip_table_export(t->parts[k], &stream, &err));
            GIVES(FLIP_OK, flip_sums_add_stream(sums, k, &stream, NULL, NULL, NULL, &err));
            CHECK(stream.release == NULL);
        }
        if (k == 2) GIVES(FLIP_OK, flip_sums_add_csv(sums, k, path_of("part2.csv"), NULL, NULL, NULL, &err));
        GIVES(FLIP_OK, flip_sums_export(sums, 0, 1, &bytes, &err));
        GIVES(FLIP_OK, flip_sums_merge(total, flip_buffer_data(bytes), flip_buffer_size(bytes), &err));
        flip_buffer_free(bytes); flip_sums_free(sums);
    }
    return total;
}

static int charges(flip_trainer *trainer) {
    flip_buffer *json = NULL;
    flip_error err;
    const char *at;
    int n = 0;
    GIVES(FLIP_OK, flip_trainer_ledger(trainer, &json, &err));
    for (at = flip_buffer_data(json); (at = strstr(at, "\"histograms\"")); at++) n++;
    flip_buffer_free(json);
    return n;
}

static void same_as_a_table(void) {
    static const int all[] = {2, 0, 1};
    things t = the_things();
    flip_model *here = NULL, *there = NULL;
    flip_trainer *trainer = NULL;
    flip_buffer *ask = NULL, *a = NULL, *b = NULL, *json = NULL;
    flip_progress p;
    flip_error err;
    int asks = 0;
    p.size = sizeof p;
    GIVES(FLIP_OK, flip_train(t.plan, t.table, NULL, NULL, &here, &err));
    GIVES(FLIP_OK, flip_trainer_create_remote(t.plan, "{\"roll_call\": \"once\"}", &trainer, &err));
    GIVES(FLIP_E_STATE, flip_trainer_step(trainer, 1, 0, &p, &err));
    GIVES(FLIP_E_ARG, flip_trainer_answer(trainer, NULL, &p, &err));
    for (;;) {
        flip_sums *sums;
        GIVES(FLIP_OK, flip_trainer_ask(trainer, PARTS, &ask, &err));
        if (check_failures || !flip_buffer_size(ask)) break;
        GIVES(FLIP_OK, flip_ask_json(flip_buffer_data(ask), flip_buffer_size(ask), &json, &err));
        CHECK(strstr(flip_buffer_data(json), "\"parts\":3"));
        flip_buffer_free(json);
        sums = summed(&t, ask, all, PARTS);
        GIVES(FLIP_OK, flip_trainer_answer(trainer, sums, &p, &err));
        GIVES(FLIP_E_STATE, flip_trainer_answer(trainer, sums, &p, &err));
        GIVES(FLIP_E_STATE, flip_sums_export(sums, 0, 1, &json, &err));
        flip_sums_free(sums); flip_buffer_free(ask);
        asks++;
    }
    flip_buffer_free(ask);
    CHECK(asks == 3);                                               /* roll call, histograms, marginals */
    do GIVES(FLIP_OK, flip_trainer_step(trainer, 0, 0, &p, &err)); while (!check_failures && p.step < p.total);
    GIVES(FLIP_OK, flip_trainer_finish(trainer, &there, &err));
    GIVES(FLIP_OK, flip_model_to_bytes(here, &a, &err));
    GIVES(FLIP_OK, flip_model_to_bytes(there, &b, &err));
    CHECK(flip_buffer_size(a) == flip_buffer_size(b)
          && !memcmp(flip_buffer_data(a), flip_buffer_data(b), flip_buffer_size(a)));
    flip_buffer_free(a); flip_buffer_free(b);
    flip_model_free(here); flip_model_free(there); flip_trainer_free(trainer);
    free_things(&t);
}

static void refused(void) {
    static const int lost[] = {0, 1}, twice[] = {0, 1, 2, 1}, both[] = {0, 1, 1}, all[] = {0, 1, 2};
    things t = the_things();
    flip_trainer *trainer = NULL, *local = NULL;
    flip_plan *published = a_plan(t.schema);
    flip_buffer *ask = NULL, *next = NULL;
    flip_sums *sums = NULL;
    flip_error err;
    uint64_t *words = NULL;
    size_t count = 0;
    GIVES(FLIP_E_UNSUPPORTED, flip_trainer_create_remote(published, NULL, &trainer, &err));
    GIVES(FLIP_E_ARG, flip_trainer_create_remote(t.plan, "{\"rollcall\": true}", &trainer, &err));
    GIVES(FLIP_OK, flip_trainer_create(t.plan, t.table, &local, &err));
    GIVES(FLIP_E_STATE, flip_trainer_ask(local, 1, &ask, &err));
    GIVES(FLIP_OK, flip_trainer_create_remote(t.plan, NULL, &trainer, &err));
    GIVES(FLIP_E_ARG, flip_trainer_ask(trainer, 0, &ask, &err));
    GIVES(FLIP_E_ARG, flip_trainer_ask(trainer, INT64_C(1) << 40, &ask, &err));
    GIVES(FLIP_OK, flip_trainer_ask(trainer, PARTS, &ask, &err));
    sums = summed(&t, ask, lost, 2);
    GIVES(FLIP_E_STATE, flip_trainer_answer(trainer, sums, NULL, &err));
    MESSAGE_HAS("missing: 2"); flip_sums_free(sums);
    sums = summed(&t, ask, twice, 4);
    GIVES(FLIP_E_STATE, flip_trainer_answer(trainer, sums, NULL, &err));
    MESSAGE_HAS("more than once: 1"); flip_sums_free(sums);
    sums = summed(&t, ask, both, 3);
    GIVES(FLIP_E_STATE, flip_trainer_answer(trainer, sums, NULL, &err));
    GIVES(FLIP_E_ARG, flip_sums_add_table(sums, 3, t.table, &err));
    flip_sums_free(sums);
    sums = summed(&t, ask, all, 3);
    GIVES(FLIP_OK, flip_sums_words(sums, &words, &count, &err));
    CHECK(count > 6 && words[0] == 1 && words[2] == 1 && words[3] == PARTS * EACH);
    GIVES(FLIP_OK, flip_trainer_ask(trainer, PARTS, &next, &err));              /* the first one is void */
    GIVES(FLIP_E_ARG, flip_trainer_answer(trainer, sums, NULL, &err));
    flip_sums_free(sums);
    sums = summed(&t, next, all, 3);
    CHECK(charges(trainer) == 0);
    GIVES(FLIP_OK, flip_trainer_answer(trainer, sums, NULL, &err));
    CHECK(charges(trainer) >= 1);
    flip_sums_free(sums); flip_buffer_free(ask); flip_buffer_free(next);
    GIVES(FLIP_OK, flip_trainer_checkpoint(trainer, path_of("remote.ckpt"), &err));
    flip_trainer_free(trainer); flip_trainer_free(local);
    GIVES(FLIP_OK, flip_trainer_resume_remote(path_of("remote.ckpt"), NULL, NULL, &trainer, &err));
    GIVES(FLIP_OK, flip_trainer_ask(trainer, 1, &ask, &err));
    CHECK(flip_buffer_size(ask) > 0);
    flip_buffer_free(ask); flip_trainer_free(trainer); flip_plan_free(published);
    free_things(&t);
}

/* Bytes that are no asks and no sums: refused, whatever they are. */
static void hostile_bytes(void) {
    static const int all[] = {0};
    things t = the_things();
    flip_trainer *trainer = NULL;
    flip_buffer *ask = NULL, *good = NULL;
    flip_sums *sums = NULL, *other = NULL;
    flip_error err;
    unsigned char *bytes;
    size_t size, i;
    unsigned seed = 1;
    GIVES(FLIP_OK, flip_trainer_create_remote(t.plan, NULL, &trainer, &err));
    GIVES(FLIP_OK, flip_trainer_ask(trainer, PARTS, &ask, &err));
    sums = summed(&t, ask, all, 1);
    GIVES(FLIP_OK, flip_sums_export(sums, 0, 1, &good, &err));
    size = flip_buffer_size(ask);
    bytes = (unsigned char *)malloc(size);
    for (i = 0; i < 300; i++) {
        memcpy(bytes, flip_buffer_data(ask), size);
        seed = seed * 1664525u + 1013904223u;
        bytes[(seed >> 8) % (i % 3 ? 64 : size)] ^= (unsigned char)(1u << (seed % 8));
        CHECK(flip_sums_create(bytes, i % 5 ? size : (seed >> 9) % size, &other, &err) != FLIP_OK && other == NULL);
    }
    free(bytes);
    size = flip_buffer_size(good);
    bytes = (unsigned char *)malloc(size);
    for (i = 0; i < 300; i++) {
        memcpy(bytes, flip_buffer_data(good), size);
        seed = seed * 1664525u + 1013904223u;
        bytes[(seed >> 8) % (i % 3 ? 56 : size)] ^= (unsigned char)(1u << (seed % 8));
        CHECK(flip_sums_merge(sums, bytes, i % 5 ? size : (seed >> 9) % size, &err) != FLIP_OK);
    }
    free(bytes);
    flip_buffer_free(good);
    GIVES(FLIP_E_ARG, flip_sums_merge(sums, NULL, 5, &err));
    GIVES(FLIP_E_ARG, flip_sums_create(NULL, 5, &other, &err));
    GIVES(FLIP_E_ARG, flip_sums_export(sums, 1, 1, &good, &err));
    flip_buffer_free(ask); flip_sums_free(sums); flip_trainer_free(trainer);
    free_things(&t);
}

/* -- a domain -- */

static const char sketch[] = "{\"fields\": [{\"name\": \"age\", \"type\": \"integer\"}, {\"name\": \"ward\", "
                             "\"type\": \"string\"}]}";

static const char *lines_from(const char *name, int first, int end) {
    static char text[40000];
    char *at = text + sprintf(text, "age,ward\n");
    int i;
    for (i = first; i < end; i++) at += sprintf(at, "%d,%s\n", 20 + i % 60, i % 3 ? "north" : "south");
    write_file(path_of(name), text);
    return path_of(name);
}

static flip_budget *domain_budget(const char *name) {
    flip_budget *b = NULL;
    flip_error err;
    GIVES(FLIP_OK, flip_budget_create(path_of(name), "{\"epsilon\": 5, \"delta\": 1e-5, \"selection_delta\": 1e-7}",
                                      &b, &err));
    return b;
}

/* A schema's text without the names of its run and its budget, which are drawn. */
static char *nameless(const flip_schema *schema) {
    static const char *const keys[] = {"\"run\":\"", "\"budget\":\""};
    flip_buffer *json = NULL;
    flip_error err;
    char *text;
    int k;
    GIVES(FLIP_OK, flip_schema_json(schema, &json, &err));
    text = (char *)malloc(flip_buffer_size(json) + 1);
    memcpy(text, flip_buffer_data(json), flip_buffer_size(json));
    text[flip_buffer_size(json)] = 0;
    flip_buffer_free(json);
    for (k = 0; k < 2; k++) {
        char *at = strstr(text, keys[k]);
        CHECK(at != NULL);
        if (at) for (at += strlen(keys[k]); *at && *at != '"'; at++) *at = 'x';
    }
    return text;
}

static flip_sums *domain_sums(flip_buffer *ask, const int *which, int count) {
    flip_sums *total = NULL;
    flip_error err;
    int i;
    GIVES(FLIP_OK, flip_sums_create(flip_buffer_data(ask), flip_buffer_size(ask), &total, &err));
    for (i = 0; i < count; i++) {
        flip_sums *sums = NULL;
        flip_buffer *bytes = NULL;
        char name[20];
        sprintf(name, "d%d.csv", which[i]);
        GIVES(FLIP_OK, flip_sums_create(flip_buffer_data(ask), flip_buffer_size(ask), &sums, &err));
        GIVES(FLIP_OK, flip_sums_add_csv(sums, which[i], path_of(name), NULL, NULL, NULL, &err));
        GIVES(FLIP_OK, flip_sums_export(sums, 0, 1, &bytes, &err));
        GIVES(FLIP_OK, flip_sums_merge(total, flip_buffer_data(bytes), flip_buffer_size(bytes), &err));
        flip_buffer_free(bytes); flip_sums_free(sums);
    }
    return total;
}

static void domain_of_parts(void) {
    static const int all[] = {1, 2, 0}, lost[] = {0, 2}, twice[] = {0, 1, 1, 2};
    static const char config[] = "{\"share\": 0.2, \"test_seed\": 4}";
    const char *path = lines_from("d.csv", 0, 2000);
    flip_budget *here = domain_budget("here.budget"), *there = domain_budget("there.budget");
    flip_schema *one = NULL, *many = NULL;
    flip_domain *domain = NULL;
    flip_buffer *ask = NULL, *report = NULL, *json = NULL;
    flip_sums *sums = NULL;
    uint64_t *words = NULL;
    size_t count = 0;
    char *a, *b;
    double spent = 1;
    things t = the_things();
    flip_error err;
    lines_from("d0.csv", 0, 700); lines_from("d1.csv", 700, 700); lines_from("d2.csv", 700, 2000);
    GIVES(FLIP_OK, flip_domain_buy(here, sketch, strlen(sketch), path, config, NULL, NULL, &one, NULL, &err));
    GIVES(FLIP_E_ARG, flip_domain_create_remote(NULL, sketch, strlen(sketch), config, &domain, &err));
    GIVES(FLIP_E_ARG, flip_domain_create_remote(there, NULL, 0, config, &domain, &err));
    GIVES(FLIP_E_ARG, flip_domain_create_remote(there, sketch, strlen(sketch), NULL, &domain, &err));
    GIVES(FLIP_E_ARG, flip_domain_create_remote(there, sketch, strlen(sketch), "{\"share\": 0.2, \"rolls\": 1}",
                                                &domain, &err));
    GIVES(FLIP_E_SCHEMA, flip_domain_create_remote(there, "{}", 2, config, &domain, &err));
    GIVES(FLIP_E_BUDGET, flip_domain_create_remote(there, sketch, strlen(sketch), "{\"epsilon\": 1e-5}", &domain,
                                                   &err));
    GIVES(FLIP_OK, flip_domain_create_remote(there, sketch, strlen(sketch), config, &domain, &err));
    GIVES(FLIP_E_STATE, flip_domain_finish(domain, &many, &report, &err));
    GIVES(FLIP_E_ARG, flip_domain_ask(domain, 0, &ask, &err));
    GIVES(FLIP_OK, flip_domain_ask(domain, PARTS, &ask, &err));
    GIVES(FLIP_OK, flip_ask_json(flip_buffer_data(ask), flip_buffer_size(ask), &json, &err));
    CHECK(strstr(flip_buffer_data(json), "\"stage\":\"domain\""));
    flip_buffer_free(json);
    sums = domain_sums(ask, lost, 2);
    GIVES(FLIP_E_STATE, flip_domain_answer(domain, sums, &err));
    MESSAGE_HAS("missing: 1"); flip_sums_free(sums);
    sums = domain_sums(ask, twice, 4);
    GIVES(FLIP_E_STATE, flip_domain_answer(domain, sums, &err));
    MESSAGE_HAS("more than once: 1");
    GIVES(FLIP_E_UNSUPPORTED, flip_sums_words(sums, &words, &count, &err));
    GIVES(FLIP_E_UNSUPPORTED, flip_sums_add_table(sums, 0, t.table, &err));
    flip_sums_free(sums);
    GIVES(FLIP_OK, flip_budget_spent(there, &spent, &err));
    CHECK(spent == 0);
    sums = domain_sums(ask, all, 3);
    GIVES(FLIP_OK, flip_domain_answer(domain, sums, &err));
    GIVES(FLIP_E_STATE, flip_domain_answer(domain, sums, &err));
    GIVES(FLIP_E_STATE, flip_sums_export(sums, 0, 1, &report, &err));
    flip_sums_free(sums); flip_buffer_free(ask);
    GIVES(FLIP_OK, flip_domain_ask(domain, PARTS, &ask, &err));
    CHECK(flip_buffer_size(ask) == 0);
    flip_buffer_free(ask);
    GIVES(FLIP_OK, flip_domain_finish(domain, &many, &report, &err));
    CHECK(strstr(flip_buffer_data(report), "\"deviation\""));
    flip_buffer_free(report);
    a = nameless(one); b = nameless(many);
    CHECK(!strcmp(a, b));
    free(a); free(b);
    flip_schema_free(one); flip_schema_free(many); flip_domain_free(domain);
    flip_budget_free(here); flip_budget_free(there);
    free_things(&t);
}

const test_case sums_tests[] = {{"sums: the same model as with a table", same_as_a_table},
    {"sums: refused before the charge", refused}, {"sums: hostile bytes", hostile_bytes},
    {"sums: a domain of parts", domain_of_parts}, {NULL, NULL}};
