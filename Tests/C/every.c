/* Every function of flip.h, called once as a well-behaved host does, everything freed. Run under valgrind (`make
 * memory`): what it reports is ours. A test compares the names in this file with symbols.txt. usage: every FOLDER */
#include <flip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static flip_error err;

#define OK(call) do { if ((call) != FLIP_OK) { fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, \
                                                       flip_status_name(err.code), err.message); \
    exit(1); } } while (0)
#define SHOULD(condition) do { if (!(condition)) { fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
    exit(1); } } while (0)

enum { ROWS = 60 };
static const char *folder;
static char paths[8][300];

static const char *in(int slot, const char *name) {
    snprintf(paths[slot], sizeof paths[slot], "%s/%s", folder, name);
    return paths[slot];
}

static void text(flip_buffer *buffer) {
    SHOULD(flip_buffer_size(buffer) == strlen(flip_buffer_data(buffer)) && flip_buffer_size(buffer) > 0);
    flip_buffer_free(buffer);
}

static int32_t told(void *user, const flip_event *event) {
    *(int *)user += event->kind == FLIP_EVENT_PROGRESS && event->progress->step >= 0;
    return 0;
}

static flip_schema *the_schema(void) {
    static const char json[] =
        "{\"fields\": [{\"name\": \"age\", \"type\": \"integer\", \"constraints\": {\"minimum\": 0, \"maximum\": 99}},"
        "{\"name\": \"sex\", \"type\": \"string\", \"constraints\": {\"enum\": [\"f\", \"m\"], \"required\": true}},"
        "{\"name\": \"size\", \"type\": \"number\", \"constraints\": {\"minimum\": 0, \"maximum\": 2, \"multipleOf\": "
        "0.5}},"
        "{\"name\": \"day\", \"type\": \"date\", \"constraints\": {\"minimum\": \"2024-01-01\", \"maximum\": "
        "\"2024-12-31\"}}]}";
    flip_schema *schema = NULL;
    OK(flip_schema_parse(json, strlen(json), &schema, &err));
    return schema;
}

static flip_table *the_table(const flip_schema *schema) {
    static const char *const levels[] = {"m", "f"};
    int64_t ages[ROWS], offsets[ROWS + 1];
    int32_t sexes[ROWS];
    double sizes[ROWS];
    uint8_t valid[ROWS];
    char days[ROWS * 10 + 1];
    flip_table *table = NULL;
    int i;
    for (i = 0; i < ROWS; i++) {
        ages[i] = i; sexes[i] = i % 2; sizes[i] = i % 5 / 2.0; valid[i] = (uint8_t)(i % 7 != 0); offsets[i] = 10 * i;
        snprintf(days + 10 * i, 11, "2024-%02d-%02d", i % 12 + 1, i % 28 + 1);
    }
    offsets[ROWS] = 10 * ROWS;
    OK(flip_table_create(schema, ROWS, &table, &err));
    OK(flip_table_set_int64(table, "age", ages, valid, &err));
    OK(flip_table_set_codes(table, "sex", sexes, levels, 2, &err));
    OK(flip_table_set_float64(table, "size", sizes, NULL, &err));
    OK(flip_table_set_strings(table, "day", days, offsets, NULL, &err));
    return table;
}

static void library(void) {
    flip_buffer *json = NULL;
    SHOULD(flip_version() == FLIP_VERSION);
    OK(flip_build_info(&json, &err)); text(json);
    OK(flip_config_schema("plan", &json, &err)); text(json);
    /* an error leaves nothing behind */
    SHOULD(flip_schema_parse("{", 1, (flip_schema **)&json, &err) == FLIP_E_SCHEMA && json == NULL);
}

static void schemas(const flip_schema *schema) {
    static const char cells[] = "17x";
    static const int64_t offsets[] = {0, 2, 3};
    flip_schema *found = NULL;
    flip_buffer *json = NULL;
    int calls = 0;
    OK(flip_schema_json(schema, &json, &err)); text(json);
    OK(flip_schema_infer_csv(in(0, "t.csv"), NULL, told, &calls, &found, &err)); flip_schema_free(found);
    OK(flip_schema_infer_hdf5(in(0, "t.h5"), NULL, NULL, &found, &err)); flip_schema_free(found);
    OK(flip_schema_infer_strings("n", cells, offsets, NULL, 1, NULL, &found, &err)); flip_schema_free(found);
    OK(flip_schema_check_csv(schema, in(0, "t.csv"), NULL, told, &calls, &json, &err)); text(json);
    OK(flip_schema_check_hdf5(schema, in(0, "t.h5"), NULL, told, &calls, &json, &err)); text(json);
    OK(flip_schema_check_strings(schema, "age", cells, offsets, NULL, 2, &json, &err)); text(json);
    OK(flip_schema_check_rules(schema, "[\"age\"]", cells, offsets, NULL, 2, &json, &err)); text(json);
    SHOULD(calls > 0);
}

static void tables(const flip_schema *schema, const flip_table *table) {
    flip_table *again = NULL, *third = NULL;
    flip_schema *own = NULL;
    flip_buffer *json = NULL;
    struct ArrowArrayStream stream;
    int64_t whole[ROWS];
    int32_t codes[ROWS];
    double x[ROWS];
    uint8_t valid[ROWS];
    int calls = 0;
    OK(flip_table_write_csv(table, in(0, "t.csv"), NULL, &err));
    OK(flip_table_read_csv(schema, in(0, "t.csv"), NULL, told, &calls, &again, &err)); flip_table_free(again);
    OK(flip_table_write_hdf5(table, in(0, "t.h5"), NULL, &err));
    OK(flip_table_read_hdf5_with(NULL, in(0, "t.h5"), NULL, "{\"invalid\": \"coerce\"}", &again, &err));
    flip_table_free(again);
    OK(flip_table_create_with(schema, ROWS, NULL, &again, &err)); flip_table_free(again);
    OK(flip_table_read_hdf5(NULL, in(0, "t.h5"), NULL, &again, &err));
    OK(flip_table_convert(schema, in(0, "t.csv"), in(1, "u.h5"), NULL, told, &calls, &err));
    OK(flip_table_convert_group(schema, in(0, "t.csv"), NULL, in(1, "u.h5"), "/a", NULL, told, &calls, &json, &err));
    text(json);
    OK(flip_table_replaced(again, &json, &err)); text(json);
    OK(flip_table_schema(again, &own, &err)); flip_schema_free(own);
    SHOULD(flip_table_rows(again) == ROWS);
    OK(flip_table_get_int64(again, "age", 0, ROWS, whole, valid, &err));
    OK(flip_table_get_codes(again, "sex", 0, ROWS, codes, &err));
    OK(flip_table_get_float64(again, "size", 0, ROWS, x, valid, &err));
    OK(flip_table_get_reasons(again, "size", 0, ROWS, codes, &err));
    SHOULD(codes[1] == -1);
    OK(flip_table_get_codes(again, "sex", 0, ROWS, codes, &err));
    SHOULD(whole[1] == 1 && codes[1] == 0 && x[1] == 0.5);
    OK(flip_table_export(again, &stream, &err));
    flip_table_free(again);                              /* the stream keeps the rows alive */
    OK(flip_table_import(schema, &stream, NULL, told, &calls, &third, &err));
    SHOULD(flip_table_rows(third) == ROWS && stream.release == NULL);
    flip_table_free(third);
}

static const char *config =
    "{\"epsilon\": 4, \"delta\": 1e-3, \"protected\": [\"sex\"], \"rows\": {\"guess\": 60}, \"threads\": 1,"
    " \"autoencoder\": {\"width\": 4, \"heads\": 1, \"feed_forward\": 8, \"latent\": 4, \"batch\": 16, \"steps\": 3},"
    " \"diffusion\": {\"hidden\": 16, \"layers\": 1, \"noise_levels\": 2, \"batch\": 16, \"steps\": 3, "
    "\"sampler_steps\": 3}}";

static flip_plan *plans(const flip_schema *schema) {
    flip_plan *plan = NULL;
    flip_buffer *json = NULL;
    double epsilon = 0;
    int64_t bytes = 0;
    OK(flip_plan_create(schema, config, &plan, &err));
    OK(flip_plan_epsilon(plan, "renyi", 1e-4, &epsilon, &err));
    OK(flip_plan_explain(plan, &json, &err)); text(json);
    OK(flip_plan_explanation(plan, &json, &err)); text(json);
    OK(flip_plan_json(plan, &json, &err)); text(json);
    OK(flip_plan_memory(plan, ROWS, &bytes, &err));
    SHOULD(epsilon > 0 && bytes > 0);
    return plan;
}

static flip_model *trainings(const flip_plan *plan, const flip_table *table) {
    flip_trainer *trainer = NULL;
    flip_plan *own = NULL;
    flip_model *model = NULL, *other = NULL;
    flip_buffer *json = NULL;
    flip_progress progress;
    int calls = 0;
    progress.size = sizeof progress;
    OK(flip_trainer_create(plan, table, &trainer, &err));
    flip_trainer_cancel(trainer);
    SHOULD(flip_trainer_step(trainer, 1, 0, &progress, &err) == FLIP_E_CANCELLED);
    OK(flip_trainer_step(trainer, 2, 0, &progress, &err));
    OK(flip_trainer_checkpoint(trainer, in(0, "c.h5"), &err));
    flip_trainer_free(trainer);
    OK(flip_trainer_resume(in(0, "c.h5"), table, &trainer, &err));
    OK(flip_trainer_plan(trainer, &own, &err)); flip_plan_free(own);
    OK(flip_trainer_ledger(trainer, &json, &err)); text(json);
    do OK(flip_trainer_step(trainer, 0, 0.1, &progress, &err)); while (progress.step < progress.total);
    OK(flip_trainer_finish(trainer, &model, &err));
    flip_trainer_free(trainer);
    OK(flip_train(plan, table, told, &calls, &other, &err));
    SHOULD(calls > 0);
    flip_model_free(other);
    return model;
}

static void models(flip_model *model, const flip_table *table) {
    flip_model *again = NULL;
    flip_schema *schema = NULL;
    flip_table *rows = NULL, *whole = NULL;
    flip_buffer *bytes = NULL;
    int calls = 0;
    OK(flip_model_save(model, in(0, "m.h5"), &err));
    OK(flip_file_check(in(0, "m.h5"), &bytes, &err)); text(bytes);
    OK(flip_model_load(in(0, "m.h5"), &again, &err)); flip_model_free(again);
    OK(flip_model_to_bytes(model, &bytes, &err));
    OK(flip_model_from_bytes(flip_buffer_data(bytes), flip_buffer_size(bytes), &again, &err)); flip_model_free(again);
    flip_buffer_free(bytes);
    OK(flip_model_json(model, &bytes, &err)); text(bytes);
    OK(flip_model_ledger(model, &bytes, &err)); text(bytes);
    OK(flip_model_ledger_report(model, &bytes, &err)); text(bytes);
    OK(flip_model_estimate(model, "{\"what\": \"share\", \"column\": \"sex\"}", &bytes, &err)); text(bytes);
    struct ArrowArrayStream drawn;
    OK(flip_model_stream(model, 0, 100, "{\"seed\": 1, \"batch_rows\": 30}", &drawn, &err));
    drawn.release(&drawn);
    /* Only a preset that releases tables of several columns has replicates. */
    flip_model_replicate(model, 1, 40, "{\"seed\": 1}", told, &calls, &rows, &err);
    flip_table_free(rows);
    /* Nor is another one refitted, or asked for its frontier. */
    again = NULL;
    flip_model_refit(model, NULL, told, &calls, &again, &err); flip_model_free(again);
    bytes = NULL;
    flip_model_frontier(model, "{\"strengths\": [0, 1]}", &bytes, &err); flip_buffer_free(bytes);
    OK(flip_model_report(model, "{\"rows\": 100}", &bytes, &err));
    flip_buffer *page = NULL;
    OK(flip_report_page(flip_buffer_data(bytes), flip_buffer_size(bytes), &page, &err)); text(page);
    flip_buffer_free(bytes);
    double rates[2] = {0.01, 0.1}, found[2];
    OK(flip_model_trade_off(model, NULL, rates, 2, found, &err));
    OK(flip_model_schema(model, &schema, &err)); flip_schema_free(schema);
    OK(flip_model_sample(model, 0, 40, "{\"seed\": 1}", told, &calls, &rows, &err));
    OK(flip_model_complete(model, rows, "{\"seed\": 1}", told, &calls, &whole, &err));
    flip_table_free(whole);
    OK(flip_evaluate(table, rows, NULL, "{\"protected\": [\"sex\"], \"classifiers\": \"none\", \"threads\": 1}", &bytes,
                     &err)); text(bytes);
    flip_table_free(rows);
}

/* A budget that trainings share, one of them begun, checkpointed and gone on with; the table is bounded to one row a
 * person. */
static void budgets(const flip_schema *schema, const flip_table *table) {
    flip_budget *budget = NULL, *again = NULL;
    flip_plan *plan = NULL;
    flip_table *bounded = NULL;
    flip_trainer *trainer = NULL;
    flip_buffer *json = NULL;
    flip_progress progress;
    int64_t persons[ROWS];
    double epsilon = 0;
    char under[600], run[100] = "";
    const char *name;
    int i;
    for (i = 0; i < ROWS; i++) persons[i] = i;
    OK(flip_table_bound_persons(table, persons, 1, &bounded, &err));
    SHOULD(flip_table_max_rows_per_person(bounded) == 1);
    OK(flip_budget_create(in(0, "b.budget"), "{\"epsilon\": 8, \"delta\": 1e-3, \"max_rows_per_person\": 1}", &budget,
                          &err));
    snprintf(under, sizeof under, "{\"share\": 0.6, \"rows\": {\"guess\": 60}, \"threads\": 1,"
             " \"autoencoder\": {\"width\": 4, \"heads\": 1, \"feed_forward\": 8, \"latent\": 4, \"batch\": 16, "
             "\"steps\": 3},"
             " \"diffusion\": {\"enabled\": false}}");
    OK(flip_plan_create_under(schema, budget, under, &plan, &err));
    OK(flip_trainer_create(plan, bounded, &trainer, &err));
    OK(flip_trainer_checkpoint(trainer, in(0, "u.h5"), &err));
    progress.size = sizeof progress;
    OK(flip_trainer_step(trainer, 1, 0, &progress, &err));
    OK(flip_trainer_checkpoint(trainer, in(0, "u.h5"), &err));
    flip_trainer_free(trainer);
    OK(flip_budget_open(in(0, "b.budget"), &again, &err));
    OK(flip_trainer_resume_under(in(0, "u.h5"), bounded, again, &trainer, &err));
    flip_trainer_free(trainer);
    OK(flip_budget_charge(again, "own", "{\"mechanism\": \"laplace\", \"scale\": 50}", &err));
    OK(flip_budget_spent(again, &epsilon, &err));
    OK(flip_budget_remaining(again, &epsilon, &err));
    OK(flip_budget_report(again, &json, &err));
    name = strstr(flip_buffer_data(json), "\"run\":\"");
    SHOULD(name != NULL && sscanf(name, "\"run\":\"%99[^\"]", run) == 1);
    text(json);
    OK(flip_budget_settle(again, run, &err));
    flip_budget_free(again); flip_budget_free(budget); flip_plan_free(plan); flip_table_free(bounded);
}

/* A training without a table: the rows come as sums of two parts, one of them a stream and one a file. */
static void elsewhere(const flip_schema *schema, const flip_table *table) {
    flip_plan *plan = NULL;
    flip_trainer *trainer = NULL;
    flip_buffer *ask = NULL, *bytes = NULL;
    flip_progress progress;
    int asks = 0;
    OK(flip_plan_create(schema, "{\"epsilon\": 8, \"delta\": 1e-3, \"threads\": 1, \"preset\": \"best\"}", &plan,
                        &err));
    OK(flip_table_write_csv(table, in(0, "part.csv"), NULL, &err));
    OK(flip_trainer_create_remote(plan, NULL, &trainer, &err));
    for (;;) {
        flip_sums *sums = NULL, *total = NULL;
        struct ArrowArrayStream stream;
        uint64_t *words = NULL;
        size_t count = 0;
        OK(flip_trainer_ask(trainer, 3, &ask, &err));
        if (!flip_buffer_size(ask)) break;
        OK(flip_ask_json(flip_buffer_data(ask), flip_buffer_size(ask), &bytes, &err)); text(bytes);
        OK(flip_sums_create(flip_buffer_data(ask), flip_buffer_size(ask), &sums, &err));
        OK(flip_sums_create(flip_buffer_data(ask), flip_buffer_size(ask), &total, &err));
        flip_buffer_free(ask);
        OK(flip_table_export(table, &stream, &err));
        OK(flip_sums_add_stream(sums, 0, &stream, NULL, told, &asks, &err));
        OK(flip_sums_add_csv(sums, 1, in(0, "part.csv"), NULL, told, &asks, &err));
        OK(flip_sums_add_table(sums, 2, table, &err));
        OK(flip_sums_export(sums, 0, 1, &bytes, &err));
        OK(flip_sums_merge(total, flip_buffer_data(bytes), flip_buffer_size(bytes), &err));
        flip_buffer_free(bytes); flip_sums_free(sums);
        OK(flip_sums_words(total, &words, &count, &err));
        SHOULD(count > 3 && words[0] == 1);
        progress.size = sizeof progress;
        OK(flip_trainer_answer(trainer, total, &progress, &err));
        flip_sums_free(total);
        OK(flip_trainer_checkpoint(trainer, in(1, "r.h5"), &err));
        flip_trainer_free(trainer);
        OK(flip_trainer_resume_remote(in(1, "r.h5"), NULL, NULL, &trainer, &err));
    }
    flip_buffer_free(ask); flip_trainer_free(trainer); flip_plan_free(plan);
}

/* Bounds and levels that nobody knows, bought from a budget. */
static void purchase(void) {
    static const char sketch[] = "{\"fields\": [{\"name\": \"age\", \"type\": \"integer\"}, {\"name\": \"ward\", "
                                 "\"type\": \"string\"}]}";
    flip_budget *budget = NULL;
    flip_schema *bought = NULL;
    flip_domain *domain = NULL;
    flip_buffer *report = NULL, *ask = NULL;
    FILE *file = fopen(in(0, "open.csv"), "w");
    int i;
    SHOULD(file != NULL);
    fputs("age,ward\n", file);
    for (i = 0; i < 400; i++) fprintf(file, "%d,%s\n", i % 90, i % 2 ? "north" : "south");
    fclose(file);
    OK(flip_budget_create(in(1, "d.budget"), "{\"epsilon\": 8, \"delta\": 1e-3, \"selection_delta\": 1e-4}", &budget,
                          &err));
    OK(flip_domain_buy(budget, sketch, strlen(sketch), in(0, "open.csv"),
                       "{\"share\": 0.5, \"selection_delta\": 5e-5}", NULL, NULL, &bought, &report, &err));
    SHOULD(bought != NULL);
    text(report);
    flip_schema_free(bought);
    OK(flip_domain_create_remote(budget, sketch, strlen(sketch), "{\"share\": 0.2, "
                                 "\"roll_call\": \"once\"}", &domain, &err));
    for (;;) {
        flip_sums *sums = NULL;
        OK(flip_domain_ask(domain, 1, &ask, &err));
        if (!flip_buffer_size(ask)) break;
        OK(flip_sums_create(flip_buffer_data(ask), flip_buffer_size(ask), &sums, &err));
        flip_buffer_free(ask);
        OK(flip_sums_add_csv(sums, 0, in(0, "open.csv"), NULL, NULL, NULL, &err));
        OK(flip_domain_answer(domain, sums, &err));
        flip_sums_free(sums);
    }
    flip_buffer_free(ask);
    OK(flip_domain_finish(domain, &bought, &report, &err));
    text(report);
    flip_schema_free(bought); flip_domain_free(domain); flip_budget_free(budget);
}

static void accounting(const flip_model *model) {
    flip_accountant *accountant = NULL;
    double x = 0;
    OK(flip_accountant_of_model(model, "renyi", NULL, &accountant, &err)); flip_accountant_free(accountant);
    OK(flip_accountant_create("renyi", &accountant, &err));
    OK(flip_accountant_set_rows(accountant, 2, &err));
    OK(flip_accountant_compose_gaussian(accountant, 0.1, 1, 10, &err));
    OK(flip_accountant_compose_laplace(accountant, 4, 1, &err));
    OK(flip_accountant_compose_discrete_gaussian(accountant, 10, 1, 1, &err));
    OK(flip_accountant_compose_pure(accountant, 0.1, 1, &err));
    OK(flip_accountant_compose_zcdp(accountant, 0.01, 1, &err));
    OK(flip_accountant_compose_selection(accountant, 1e-9, 1, &err));
    OK(flip_accountant_epsilon(accountant, 1e-5, &x, &err));
    OK(flip_accountant_delta(accountant, 1, &x, &err));
    OK(flip_calibrate("renyi", "[{\"sampling_rate\": 0.1, \"noise_multiplier\": 1, \"count\": 5}]", 1, 1e-5, &x, &err));
    flip_accountant_free(accountant);
}

int main(int count, char **arguments) {
    flip_schema *schema;
    flip_table *table;
    flip_plan *plan;
    flip_model *model;
    if (count != 2) return 2;
    folder = arguments[1];
    library();
    schema = the_schema();
    table = the_table(schema);
    tables(schema, table);
    elsewhere(schema, table);
    schemas(schema);
    plan = plans(schema);
    model = trainings(plan, table);
    models(model, table);
    accounting(model);
    budgets(schema, table);
    purchase();
    flip_model_free(model); flip_plan_free(plan); flip_table_free(table); flip_schema_free(schema);
    puts("every function was called");
    return 0;
}
