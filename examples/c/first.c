/* A whole training in C: a CSV file and its schema in, a model file and synthetic rows out.
 *
 *     make && ./first rows.csv rows.schema.json 2.0 1e-5 model.flip.h5 synthetic.csv 1000
 *
 * The loop is ours, so a progress bar is a printf and Ctrl-C is a flag: the step that runs ends, the training is left
 * cleanly. */
#include <flip.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static flip_trainer *running = NULL;

/* flip_trainer_cancel may be called here: it takes no lock. */
static void on_interrupt(int signal_number) {
    (void)signal_number;
    if (running) flip_trainer_cancel(running);
}

static char *read_text(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    char *text = NULL, *more;
    size_t room = 0, n;
    *size = 0;
    if (!file) return NULL;
    do {
        room = room ? 2 * room : 4096;
        more = realloc(text, room);
        if (!more) { free(text); fclose(file); return NULL; }
        text = more;
        n = fread(text + *size, 1, room - *size, file);
        *size += n;
    } while (*size == room);
    fclose(file);
    return text;
}

static void show(const flip_progress *p) {
    int full = (int)(24 * p->step / p->total), i;
    fprintf(stderr, "\r%-12s [", p->stage_name);
    for (i = 0; i < 24; i++) fputc(i < full ? '#' : '.', stderr);
    fprintf(stderr, "] %lld/%lld  epsilon %.3f  %.0f s ", (long long)p->step, (long long)p->total, p->epsilon,
            p->seconds);
}

int main(int count, char **arguments) {
    flip_schema *schema = NULL;
    flip_table *table = NULL, *rows = NULL;
    flip_plan *plan = NULL;
    flip_trainer *trainer = NULL;
    flip_model *model = NULL;
    flip_buffer *ledger = NULL;
    flip_progress progress;
    flip_error err;
    char *json = NULL, config[200];
    size_t size = 0;
    int code = 1;

    if (count != 8) {
        fprintf(stderr, "usage: %s ROWS.csv SCHEMA.json EPSILON DELTA MODEL.flip.h5 SYNTHETIC.csv COUNT\n",
                arguments[0]);
        return 2;
    }
    memset(&err, 0, sizeof err);
    if (flip_version() / 1000000 != FLIP_VERSION_MAJOR) {
        fprintf(stderr, "libflip %u, but this was compiled for %d\n", (unsigned)flip_version(), FLIP_VERSION);
        return 1;
    }
    json = read_text(arguments[2], &size);
    if (!json) {
        fprintf(stderr, "%s: cannot be read\n", arguments[2]);
        return 1;
    }
    snprintf(config, sizeof config, "{\"epsilon\": %g, \"delta\": %g, \"preset\": \"published\"}", atof(arguments[3]),
             atof(arguments[4]));

    /* Public: the schema and the plan. Private: the table, until the trainer has made a model of it. */
    if (flip_schema_parse(json, size, &schema, &err)) goto end;
    if (flip_plan_create(schema, config, &plan, &err)) goto end;
    if (flip_table_read_csv(schema, arguments[1], NULL, NULL, NULL, &table, &err)) goto end;
    if (flip_trainer_create(plan, table, &trainer, &err)) goto end;

    running = trainer;
    signal(SIGINT, on_interrupt);
    progress.size = sizeof progress;
    do {
        if (flip_trainer_step(trainer, 0, 0.1, &progress, &err)) {
            fputc('\n', stderr);
            if (err.code == FLIP_E_CANCELLED) code = 130;
            goto end;
        }
        show(&progress);
    } while (progress.step < progress.total);
    fputc('\n', stderr);
    signal(SIGINT, SIG_DFL);
    running = NULL;

    /* From here on everything is public and free of charge. */
    if (flip_trainer_finish(trainer, &model, &err)) goto end;
    if (flip_model_save(model, arguments[5], &err)) goto end;
    if (flip_model_sample(model, 0, atoll(arguments[7]), "{\"seed\": 1}", NULL, NULL, &rows, &err)) goto end;
    if (flip_table_write_csv(rows, arguments[6], NULL, &err)) goto end;
    if (flip_model_ledger(model, &ledger, &err)) goto end;
    printf("%s\n", flip_buffer_data(ledger));
    code = 0;

end:
    if (code) fprintf(stderr, "%s: %s\n", flip_status_name(err.code), err.message);
    signal(SIGINT, SIG_DFL);                       /* before the trainer goes: the handler must not meet a freed one */
    running = NULL;
    flip_buffer_free(ledger);
    flip_table_free(rows);
    flip_model_free(model);
    flip_trainer_free(trainer);
    flip_table_free(table);
    flip_plan_free(plan);
    flip_schema_free(schema);
    free(json);
    return code;
}
