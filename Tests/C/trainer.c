/* Training: the host's loop, stopping, going on. */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

static void step_by_step(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 600);
    flip_plan *plan = a_plan(schema);
    flip_trainer *trainer = NULL;
    flip_model *model = NULL;
    flip_buffer *json = NULL;
    flip_progress p;
    flip_error err;
    int64_t last = 0;
    double spent = 0;
    GIVES(FLIP_OK, flip_trainer_create(plan, table, &trainer, &err));
    flip_plan_free(plan); flip_table_free(table); flip_schema_free(schema);      /* in any order */
    GIVES(FLIP_E_STATE, flip_trainer_finish(trainer, &model, &err));
    CHECK(model == NULL);
    memset(&p, 0, sizeof p);
    GIVES(FLIP_E_ARG, flip_trainer_step(trainer, 1, 0, &p, &err));               /* size not set */
    p.size = sizeof p;
    GIVES(FLIP_E_ARG, flip_trainer_step(trainer, -1, 0, &p, &err));
    GIVES(FLIP_E_ARG, flip_trainer_step(trainer, 1, -1, &p, &err));
    GIVES(FLIP_E_ARG, flip_trainer_step(NULL, 1, 0, &p, &err));
    do {
        GIVES(FLIP_OK, flip_trainer_step(trainer, 3, 0, &p, &err));
        CHECK(p.step > last && p.step <= last + 3 && p.step <= p.total);
        CHECK(p.epsilon >= spent && p.epsilon <= 4 && p.seconds >= 0);
        CHECK(strlen(p.stage_name) > 0 && strlen(p.stage_name) < sizeof p.stage_name);
        last = p.step;
        spent = p.epsilon;
    } while (!check_failures && p.step < p.total);
    GIVES(FLIP_OK, flip_trainer_step(trainer, 3, 0, &p, &err));                  /* nothing left to do */
    CHECK(p.step == p.total && p.epsilon == spent);
    GIVES(FLIP_OK, flip_trainer_ledger(trainer, &json, &err));
    CHECK(strstr(flip_buffer_data(json), "\"releases\""));
    flip_buffer_free(json);
    GIVES(FLIP_E_ARG, flip_trainer_finish(NULL, &model, &err));
    GIVES(FLIP_E_ARG, flip_trainer_finish(trainer, NULL, &err));
    GIVES(FLIP_OK, flip_trainer_finish(trainer, &model, &err));
    flip_trainer_free(trainer);
    GIVES(FLIP_OK, flip_model_ledger(model, &json, &err));
    flip_buffer_free(json); flip_model_free(model);
}

static void refused(void) {
    static const char *const other = "{\"fields\": [{\"name\": \"a\", \"type\": \"boolean\"}]}";
    flip_schema *schema = a_schema(), *foreign = NULL;
    flip_table *table = a_table(schema, 50), *half = NULL, *strange = NULL;
    flip_plan *plan = a_plan(schema);
    flip_trainer *trainer = (flip_trainer *)(void *)plan;
    flip_buffer *json = NULL;
    flip_error err;
    int64_t flags[3] = {0, 1, 0};
    GIVES(FLIP_E_ARG, flip_trainer_create(NULL, table, &trainer, &err));
    CHECK(trainer == NULL);
    GIVES(FLIP_E_ARG, flip_trainer_create(plan, NULL, &trainer, &err));
    GIVES(FLIP_E_ARG, flip_trainer_create(plan, table, NULL, &err));
    GIVES(FLIP_E_ARG, flip_trainer_create((flip_plan *)(void *)table, (flip_table *)(void *)plan, &trainer, &err));
    GIVES(FLIP_OK, flip_table_create(schema, 3, &half, &err));
    GIVES(FLIP_E_STATE, flip_trainer_create(plan, half, &trainer, &err));
    GIVES(FLIP_OK, flip_schema_parse(other, strlen(other), &foreign, &err));
    GIVES(FLIP_OK, flip_table_create(foreign, 3, &strange, &err));
    GIVES(FLIP_OK, flip_table_set_int64(strange, "a", flags, NULL, &err));
    GIVES(FLIP_E_SCHEMA, flip_trainer_create(plan, strange, &trainer, &err));
    GIVES(FLIP_E_ARG, flip_trainer_ledger(NULL, &json, &err));
    GIVES(FLIP_E_ARG, flip_trainer_checkpoint(NULL, path_of("c"), &err));
    GIVES(FLIP_OK, flip_trainer_create(plan, table, &trainer, &err));
    GIVES(FLIP_E_ARG, flip_trainer_ledger(trainer, NULL, &err));
    GIVES(FLIP_E_ARG, flip_trainer_checkpoint(trainer, NULL, &err));
    GIVES(FLIP_E_IO, flip_trainer_checkpoint(trainer, "/proc/flip.ckpt", &err));
    GIVES(FLIP_OK, flip_trainer_step(trainer, 1, 0, NULL, &err));
    flip_trainer_free(trainer);
    GIVES(FLIP_E_ARG, flip_train(NULL, table, NULL, NULL, (flip_model **)(void *)&trainer, &err));
    GIVES(FLIP_E_ARG, flip_train(plan, NULL, NULL, NULL, (flip_model **)(void *)&trainer, &err));
    GIVES(FLIP_E_ARG, flip_train(plan, table, NULL, NULL, NULL, &err));
    flip_table_free(half); flip_table_free(strange); flip_table_free(table); flip_plan_free(plan);
    flip_schema_free(schema); flip_schema_free(foreign);
}

/* A table whose noisy row count shows delta to be too large is refused, after the first release, by what was released.
 * */
static void delta_against_the_noisy_count(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 5000);
    flip_plan *plan = NULL;
    flip_model *model = NULL;
    flip_error err;
    GIVES(FLIP_OK, flip_plan_create(schema,
                                    "{\"epsilon\": 8, \"delta\": 0.01, \"preset\": \"published\", \"autoencoder\": "
                                    "{\"steps\": 5, \"batch\": 64}, "
                                            "\"diffusion\": {\"steps\": 5, \"batch\": 64}}", &plan, &err));
    GIVES(FLIP_E_BUDGET, flip_train(plan, table, NULL, NULL, &model, &err));
    MESSAGE_HAS("delta");
    CHECK(model == NULL);
    flip_plan_free(plan); flip_table_free(table); flip_schema_free(schema);
}

/* One row is the least a table can have: nothing that follows depends on there being more. */
static void one_row(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 1), *rows = NULL;
    flip_plan *plan = a_plan(schema);
    flip_model *model = NULL;
    flip_error err;
    GIVES(FLIP_OK, flip_train(plan, table, NULL, NULL, &model, &err));
    GIVES(FLIP_OK, flip_model_sample(model, 0, 50, NULL, NULL, NULL, &rows, &err));
    CHECK(flip_table_rows(rows) == 50);
    flip_table_free(rows); flip_model_free(model); flip_plan_free(plan); flip_table_free(table);
    flip_schema_free(schema);
}

static void checkpoint_and_resume(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 600), *rows = NULL;
    flip_plan *plan = a_plan(schema);
    flip_trainer *trainer = NULL;
    flip_model *model = NULL;
    flip_plan *same = NULL;
    flip_buffer *json = NULL, *own = NULL;
    flip_progress p, q;
    flip_error err;
    size_t size = 0, keep;
    char *bytes;
    const char *path = path_of("run.ckpt"), *bad = path_of("bad.ckpt");
    int at;
    p.size = q.size = sizeof p;
    GIVES(FLIP_OK, flip_trainer_create(plan, table, &trainer, &err));
    for (at = 0; at < 4; at++) {                  /* before the first step, and in the middle of things */
        GIVES(FLIP_OK, flip_trainer_checkpoint(trainer, path, &err));
        flip_trainer_free(trainer);
        GIVES(FLIP_OK, flip_trainer_resume(path, table, &trainer, &err));
        GIVES(FLIP_OK, flip_trainer_step(trainer, 8, 0, &p, &err));
    }
    GIVES(FLIP_OK, flip_trainer_checkpoint(trainer, path, &err));
    flip_trainer_free(trainer);
    GIVES(FLIP_OK, flip_trainer_resume(path, table, &trainer, &err));
    GIVES(FLIP_OK, flip_trainer_plan(trainer, &same, &err));
    GIVES(FLIP_OK, flip_plan_json(same, &json, &err));
    GIVES(FLIP_OK, flip_plan_json(plan, &own, &err));
    CHECK(!strcmp(flip_buffer_data(json), flip_buffer_data(own)));
    flip_buffer_free(json); flip_buffer_free(own); flip_plan_free(same);
    GIVES(FLIP_E_ARG, flip_trainer_plan(NULL, &same, &err));
    GIVES(FLIP_E_ARG, flip_plan_json(NULL, &json, &err));
    CHECK(!same && !json);
    do GIVES(FLIP_OK, flip_trainer_step(trainer, 0, 0, &q, &err)); while (!check_failures && q.step < q.total);
    CHECK(q.epsilon <= 4 && q.epsilon >= p.epsilon && q.total == p.total);
    GIVES(FLIP_OK, flip_trainer_finish(trainer, &model, &err));
    GIVES(FLIP_OK, flip_model_sample(model, 0, 100, "{\"seed\": 1}", NULL, NULL, &rows, &err));
    flip_trainer_free(trainer); flip_model_free(model); flip_table_free(rows);

    bytes = read_file(path, &size);
    for (keep = 0; keep < size; keep += 1 + size / 23) {
        write_bytes(bad, bytes, keep);
        GIVES(FLIP_E_FORMAT, flip_trainer_resume(bad, table, &trainer, &err));
        CHECK(trainer == NULL);
    }
    GIVES(FLIP_E_FORMAT, flip_model_load(path, &model, &err));            /* a checkpoint is no model */
    GIVES(FLIP_E_IO, flip_trainer_resume(path_of("none"), table, &trainer, &err));
    GIVES(FLIP_E_ARG, flip_trainer_resume(NULL, table, &trainer, &err));
    GIVES(FLIP_E_ARG, flip_trainer_resume(path, NULL, &trainer, &err));
    GIVES(FLIP_E_ARG, flip_trainer_resume(path, table, NULL, &err));
    free(bytes); flip_plan_free(plan); flip_table_free(table); flip_schema_free(schema);
}

static void full_disk(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 600);
    flip_plan *plan = a_plan(schema);
    flip_trainer *trainer = NULL;
    flip_error err;
    struct rlimit limit = {1000, 1000};
    const char *path = path_of("run.ckpt");
    GIVES(FLIP_OK, flip_trainer_create(plan, table, &trainer, &err));
    GIVES(FLIP_OK, flip_trainer_step(trainer, 3, 0, NULL, &err));
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit)) abort();
    GIVES(FLIP_E_IO, flip_trainer_checkpoint(trainer, path, &err));
    CHECK(!file_exists(path));
    GIVES(FLIP_OK, flip_trainer_step(trainer, 3, 0, NULL, &err));         /* the training is unharmed */
    flip_trainer_free(trainer); flip_plan_free(plan); flip_table_free(table); flip_schema_free(schema);
}

static void *cancel_soon(void *trainer) {
    usleep(150000);
    flip_trainer_cancel((flip_trainer *)trainer);
    return NULL;
}

static void cancel_from_another_thread(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 600);
    flip_plan *plan = NULL;
    flip_trainer *trainer = NULL;
    flip_progress p;
    flip_error err;
    pthread_t thread;
    p.size = sizeof p;
    GIVES(FLIP_OK, flip_plan_create(schema,
                                    "{\"epsilon\": 4, \"delta\": 1e-5, \"preset\": \"published\", \"autoencoder\": "
                                    "{\"steps\": 1000000}}", &plan, &err));
    GIVES(FLIP_OK, flip_trainer_create(plan, table, &trainer, &err));
    pthread_create(&thread, NULL, cancel_soon, trainer);
    GIVES(FLIP_E_CANCELLED, flip_trainer_step(trainer, 0, 0, NULL, &err));
    pthread_join(thread, NULL);
    GIVES(FLIP_OK, flip_trainer_step(trainer, 1, 0, &p, &err));           /* still good */
    CHECK(p.step > 1);
    flip_trainer_cancel(trainer);                                         /* between two steps: the next one stops */
    GIVES(FLIP_E_CANCELLED, flip_trainer_step(trainer, 1, 0, NULL, &err));
    GIVES(FLIP_OK, flip_trainer_step(trainer, 1, 0, NULL, &err));
    flip_trainer_free(trainer); flip_plan_free(plan); flip_table_free(table); flip_schema_free(schema);
}

typedef struct { int calls, stop_at; int64_t step, total; double epsilon; pthread_t thread; } reports;

static int32_t watch(void *user, const flip_event *event) {
    reports *r = (reports *)user;
    if (event->kind != FLIP_EVENT_PROGRESS || event->size < sizeof *event
        || !pthread_equal(r->thread, pthread_self())) abort();
    r->step = event->progress->step;
    r->total = event->progress->total;
    r->epsilon = event->progress->epsilon;
    return ++r->calls == r->stop_at ? 77 : 0;
}

static void callback(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 600);
    flip_plan *plan = a_plan(schema);
    flip_model *model = NULL;
    flip_error err;
    reports all, stop;
    memset(&all, 0, sizeof all);
    all.thread = pthread_self();
    stop = all;
    stop.stop_at = 1;
    GIVES(FLIP_OK, flip_train(plan, table, watch, &all, &model, &err));
    CHECK(all.calls >= 1 && all.step == all.total && all.epsilon > 0 && all.epsilon <= 4);
    flip_model_free(model);
    flip_plan_free(plan);
    GIVES(FLIP_OK, flip_plan_create(schema,
                                    "{\"epsilon\": 4, \"delta\": 1e-5, \"preset\": \"published\", \"autoencoder\": "
                                    "{\"steps\": 1000000}}", &plan, &err));
    GIVES(FLIP_E_CANCELLED, flip_train(plan, table, watch, &stop, &model, &err));
    CHECK(model == NULL && stop.calls == 1);
    flip_plan_free(plan); flip_table_free(table); flip_schema_free(schema);
}

const test_case trainer_tests[] = {
    {"trainer: step by step", step_by_step}, {"trainer: refused", refused},
    {"trainer: delta against the noisy count", delta_against_the_noisy_count},
    {"trainer: one row", one_row}, {"trainer: checkpoint and resume", checkpoint_and_resume},
    {"trainer: full disk", full_disk},
    {"trainer: cancel from another thread", cancel_from_another_thread}, {"trainer: callback", callback}, {NULL, NULL}};
