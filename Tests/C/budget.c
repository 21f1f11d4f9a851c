/* A budget that several trainings share. */
#include "check.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static flip_budget *a_budget(const char *path) {
    flip_budget *b = NULL;
    flip_error err;
    GIVES(FLIP_OK, flip_budget_create(path, "{\"epsilon\": 4, \"delta\": 1e-5}", &b, &err));
    return b;
}

static flip_plan *a_plan_under(const flip_schema *schema, const flip_budget *b, const char *part) {
    char config[4000];
    flip_plan *plan = NULL;
    flip_error err;
    snprintf(config, sizeof config,
             "{%s, \"name\": \"run\", \"preset\": \"published\", \"protected\": [\"sex\"], \"autoencoder\": "
             "{\"steps\": 3, \"batch\": 64}, \"diffusion\": {\"steps\": 3, \"batch\": 64}}", part);
    GIVES(FLIP_OK, flip_plan_create_under(schema, b, config, &plan, &err));
    return plan;
}

static void shared(void) {
    const char *path = path_of("b.budget"), *point = path_of("c.h5");
    flip_budget *b = a_budget(path), *again = NULL;
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 300);
    flip_plan *plan = a_plan_under(schema, b, "\"share\": 0.6");
    flip_trainer *trainer = NULL, *other = NULL;
    flip_model *model = NULL;
    flip_buffer *json = NULL;
    flip_progress progress;
    flip_error err;
    double spent = 9, left = 9;
    memset(&progress, 0, sizeof progress);
    progress.size = sizeof progress;
    GIVES(FLIP_OK, flip_budget_spent(b, &spent, &err));
    GIVES(FLIP_OK, flip_budget_remaining(b, &left, &err));
    CHECK(spent == 0 && left > 4 - 1e-6 && left <= 4);
    GIVES(FLIP_OK, flip_trainer_create(plan, table, &trainer, &err));
    GIVES(FLIP_E_BUDGET, flip_trainer_create(plan, table, &other, &err));
    CHECK(!other);
    GIVES(FLIP_OK, flip_trainer_checkpoint(trainer, point, &err));
    GIVES(FLIP_OK, flip_trainer_step(trainer, 2, 0, &progress, &err));
    flip_trainer_free(trainer);
    GIVES(FLIP_E_STATE, flip_trainer_resume(point, table, &trainer, &err));
    GIVES(FLIP_OK, flip_trainer_resume_under(point, table, b, &trainer, &err));
    GIVES(FLIP_OK, flip_trainer_step(trainer, 0, 0, &progress, &err));
    CHECK(progress.step == progress.total);
    GIVES(FLIP_OK, flip_trainer_finish(trainer, &model, &err));
    flip_trainer_free(trainer);
    GIVES(FLIP_OK, flip_budget_open(path, &again, &err));
    GIVES(FLIP_OK, flip_budget_report(again, &json, &err));
    CHECK(strstr(flip_buffer_data(json), "\"name\":\"run\"") && strstr(flip_buffer_data(json), "\"open\":false"));
    flip_buffer_free(json);
    GIVES(FLIP_E_BUDGET, flip_train(plan, table, NULL, NULL, &model, &err));
    CHECK(!model);
    GIVES(FLIP_OK, flip_budget_charge(again, "own", "{\"mechanism\": \"laplace\", \"scale\": 30}", &err));
    GIVES(FLIP_E_BUDGET, flip_budget_charge(b, "own", "{\"noise_multiplier\": 0.2}", &err));
    GIVES(FLIP_OK, flip_budget_spent(b, &spent, &err));
    CHECK(spent > 0 && spent <= 4);
    flip_budget_free(again);
    flip_budget_free(b);
    flip_plan_free(plan);
    flip_table_free(table);
    flip_schema_free(schema);
}

static void refused(void) {
    const char *path = path_of("b.budget");
    flip_schema *schema = a_schema();
    flip_budget *b = NULL, *other = NULL;
    flip_plan *plan = NULL;
    flip_buffer *json = NULL;
    flip_error err;
    double x = 0;
    GIVES(FLIP_E_ARG, flip_budget_create(NULL, "{\"epsilon\": 1, \"delta\": 1e-5}", &b, &err));
    GIVES(FLIP_E_ARG, flip_budget_create(path, NULL, &b, &err));
    GIVES(FLIP_E_ARG, flip_budget_create(path, "{\"epsilon\": 1}", &b, &err));
    GIVES(FLIP_E_ARG, flip_budget_create(path, "{\"epsilon\": 0, \"delta\": 1e-5}", &b, &err));
    GIVES(FLIP_E_ARG, flip_budget_create(path, "{\"epsilon\": 1, \"delta\": 1e-5, \"orders\": 8}", &b, &err));
    MESSAGE_HAS("order");
    GIVES(FLIP_E_ARG, flip_budget_create(path, "{\"epsilon\": 1, \"delta\": 1e-5, \"order\": 65}", &b, &err));
    GIVES(FLIP_E_ARG, flip_budget_create(path, "{\"epsilon\": 1, \"delta\": 1e-5}", NULL, &err));
    GIVES(FLIP_E_FORMAT, flip_budget_create(path, "{", &b, &err));
    GIVES(FLIP_E_BUDGET, flip_budget_create(path, "{\"epsilon\": 0.1, \"delta\": 1e-9, \"order\": 2}", &b, &err));
    GIVES(FLIP_E_IO, flip_budget_create(path_of("no/b"), "{\"epsilon\": 1, \"delta\": 1e-5}", &b, &err));
    GIVES(FLIP_E_IO, flip_budget_open(path, &b, &err));
    CHECK(!b && !file_exists(path));
    b = a_budget(path);
    GIVES(FLIP_E_STATE, flip_budget_create(path, "{\"epsilon\": 1, \"delta\": 1e-5}", &other, &err));
    write_file(path_of("text"), "not a budget");
    GIVES(FLIP_E_FORMAT, flip_budget_open(path_of("text"), &other, &err));
    GIVES(FLIP_E_ARG, flip_plan_create_under(schema, NULL, "{\"epsilon\": 1}", &plan, &err));
    GIVES(FLIP_E_ARG, flip_plan_create_under(schema, b, NULL, &plan, &err));
    GIVES(FLIP_E_ARG, flip_plan_create_under(schema, b, "{\"share\": 1.5}", &plan, &err));
    GIVES(FLIP_E_ARG, flip_plan_create_under(schema, b, "{\"share\": 0.5, \"name\": 1}", &plan, &err));
    GIVES(FLIP_E_ARG, flip_plan_create_under(schema, b, "{\"share\": 0.5, \"delta\": 1e-6}", &plan, &err));
    GIVES(FLIP_E_BUDGET, flip_plan_create_under(schema, b, "{\"epsilon\": 0.001}", &plan, &err));
    GIVES(FLIP_E_ARG, flip_budget_charge(b, NULL, "{\"noise_multiplier\": 9}", &err));
    GIVES(FLIP_E_ARG, flip_budget_charge(b, "x", NULL, &err));
    GIVES(FLIP_E_ARG, flip_budget_charge(b, "x", "{\"noise\": 9}", &err));
    GIVES(FLIP_E_FORMAT, flip_budget_charge(b, "x", "{", &err));
    GIVES(FLIP_E_ARG, flip_budget_settle(b, "nobody", &err));
    GIVES(FLIP_E_ARG, flip_budget_report(NULL, &json, &err));
    GIVES(FLIP_E_ARG, flip_budget_report(b, NULL, &err));
    GIVES(FLIP_E_ARG, flip_budget_spent((flip_budget *)schema, &x, &err));
    GIVES(FLIP_E_ARG, flip_budget_remaining(b, NULL, &err));
    GIVES(FLIP_OK, flip_budget_spent(b, &x, &err));
    CHECK(x == 0);
    write_file(path, "gone");                  /* under our feet */
    GIVES(FLIP_E_FORMAT, flip_budget_spent(b, &x, &err));
    GIVES(FLIP_E_FORMAT, flip_budget_charge(b, "x", "{\"noise_multiplier\": 9}", &err));
    flip_budget_free(NULL);
    flip_budget_free(b);
    flip_schema_free(schema);
}

/* A process that dies in the middle of its charges gives the lock back and loses none. */
static void killed(void) {
    const char *path = path_of("b.budget");
    flip_budget *b = a_budget(path);
    flip_buffer *json = NULL;
    flip_error err;
    int k, status;
    double spent = 0, before = 0;
    for (k = 0; k < 6; k++) {
        pid_t child = fork();
        if (!child) {
            flip_budget *own = NULL;
            if (flip_budget_spent(b, &spent, &err) != FLIP_E_STATE || flip_budget_open(path, &own, &err)) _exit(1);
            for (;;) if (flip_budget_charge(own, "own", "{\"noise_multiplier\": 400}", &err)) _exit(2);
        }
        usleep(60000);
        kill(child, 9);
        CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
        GIVES(FLIP_OK, flip_budget_spent(b, &spent, &err));
        CHECK(spent >= before);
        before = spent;
    }
    CHECK(spent > 0 && spent <= 4);
    GIVES(FLIP_OK, flip_budget_report(b, &json, &err));
    flip_buffer_free(json);
    flip_budget_free(b);
}

/* Bounds and levels bought from a budget; the training under them spends from the same one. */
static void domain(void) {
    const char *sketch = "{\"fields\": [{\"name\": \"age\", \"type\": \"integer\"}, {\"name\": \"ward\", \"type\": "
                         "\"string\"}]}", *path = path_of("t.csv");
    char *text = (char *)malloc(40000), *end = text;
    flip_budget *b = NULL;
    flip_schema *schema = NULL;
    flip_buffer *report = NULL, *json = NULL;
    flip_table *table = NULL;
    flip_plan *plan = NULL;
    flip_trainer *trainer = NULL;
    flip_error err;
    int i;
    end += sprintf(end, "age,ward\n");
    for (i = 0; i < 2000; i++) end += sprintf(end, "%d,%s\n", 20 + i % 60, i % 3 ? "north" : "south");
    sprintf(end, "70000,alone\n");
    write_file(path, text);
    free(text);
    GIVES(FLIP_OK, flip_budget_create(path_of("d.budget"),
                                      "{\"epsilon\": 5, \"delta\": 1e-5, \"selection_delta\": 1e-7}", &b, &err));
    GIVES(FLIP_E_ARG, flip_domain_buy(NULL, sketch, strlen(sketch), path, "{\"share\": 0.2}", NULL, NULL, &schema,
                                      &report, &err));
    GIVES(FLIP_E_ARG, flip_domain_buy(b, NULL, 0, path, "{\"share\": 0.2}", NULL, NULL, &schema, &report, &err));
    GIVES(FLIP_E_ARG, flip_domain_buy(b, sketch, strlen(sketch), path, NULL, NULL, NULL, &schema, &report, &err));
    GIVES(FLIP_E_ARG, flip_domain_buy(b, sketch, strlen(sketch), path, "{\"share\": 0.2, \"epsilon\": 1}", NULL, NULL,
                                      &schema, &report, &err));
    GIVES(FLIP_E_ARG, flip_domain_buy(b, sketch, strlen(sketch), path, "{\"share\": 0.2, \"others\": \"x\"}", NULL,
                                      NULL, &schema, &report, &err));
    GIVES(FLIP_E_SCHEMA, flip_domain_buy(b, "{}", 2, path, "{\"share\": 0.2}", NULL, NULL, &schema, &report, &err));
    GIVES(FLIP_E_IO, flip_domain_buy(b, sketch, strlen(sketch), path_of("none"), "{\"share\": 0.2}", NULL, NULL,
                                     &schema, &report, &err));
    CHECK(!schema && !report);
    GIVES(FLIP_OK, flip_domain_buy(b, sketch, strlen(sketch), path, "{\"share\": 0.2}", NULL, NULL, &schema, &report,
                                   &err));
    CHECK(strstr(flip_buffer_data(report), "\"deviation\"") && strstr(flip_buffer_data(report), "\"selection_delta\""));
    flip_buffer_free(report);
    GIVES(FLIP_OK, flip_schema_json(schema, &json, &err));
    CHECK(strstr(flip_buffer_data(json), "\"other\"") && !strstr(flip_buffer_data(json), "alone")
          && strstr(flip_buffer_data(json), "\"maximum\":127"));
    flip_buffer_free(json);
    GIVES(FLIP_OK, flip_table_read_csv(schema, path, NULL, NULL, NULL, &table, &err));
    GIVES(FLIP_OK, flip_plan_create(schema, "{\"epsilon\": 2, \"delta\": 1e-5}", &plan, &err));
    GIVES(FLIP_E_STATE, flip_trainer_create(plan, table, &trainer, &err));
    flip_plan_free(plan);
    GIVES(FLIP_OK, flip_plan_create_under(schema, b, "{\"share\": 0.7}", &plan, &err));
    GIVES(FLIP_OK, flip_trainer_create(plan, table, &trainer, &err));
    flip_trainer_free(trainer);
    flip_plan_free(plan);
    flip_table_free(table);
    flip_schema_free(schema);
    schema = NULL;
    GIVES(FLIP_E_BUDGET, flip_domain_buy(b, sketch, strlen(sketch), path, "{\"share\": 0.9}", NULL, NULL, &schema, NULL,
                                         &err));
    flip_budget_free(b);
}

const test_case budget_tests[] = {{"budget: a domain is bought", domain}, {"budget: trainings share it", shared},
    {"budget: what is refused", refused}, {"budget: killed holders", killed}, {NULL, NULL}};
