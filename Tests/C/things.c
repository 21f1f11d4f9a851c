/* What several suites need: a small schema, a table for it, a plan and a model. All of it is made up. */
#include "check.h"

const char *small_schema =
    "{\"fields\": ["
    "{\"name\": \"age\", \"type\": \"integer\", \"constraints\": {\"minimum\": 18, \"maximum\": 90, \"required\": "
    "true}},"
    "{\"name\": \"sex\", \"type\": \"string\", \"constraints\": {\"enum\": [\"Female\", \"Male\"], \"required\": "
    "true}},"
    "{\"name\": \"city\", \"type\": \"string\", \"constraints\": {\"enum\": [\"Bonn\", \"K\xc3\xb6ln\", \"Trier, "
    "\\\"S\xc3\xbc""d\\\"\"]}},"
    "{\"name\": \"income\", \"type\": \"number\", \"constraints\": {\"minimum\": 0, \"maximum\": 1000, \"multipleOf\": "
    "0.5}},"
    "{\"name\": \"member\", \"type\": \"boolean\"},"
    "{\"name\": \"joined\", \"type\": \"date\", \"constraints\": {\"minimum\": \"2020-01-01\", \"maximum\": "
    "\"2020-12-31\"}}"
    "], \"missingValues\": [\"\", \"NA\"]}";

const char *small_plan =
    "{\"epsilon\": 4, \"delta\": 1e-5, \"preset\": \"published\", \"protected\": [\"sex\"], \"rows\": {\"guess\": "
    "600}, \"threads\": 2,"
    " \"autoencoder\": {\"width\": 4, \"heads\": 1, \"feed_forward\": 8, \"latent\": 4, \"batch\": 64, \"steps\": 12},"
    " \"diffusion\": {\"hidden\": 16, \"layers\": 1, \"noise_levels\": 2, \"batch\": 64, \"steps\": 12, "
    "\"sampler_steps\": 4}}";

static void must(flip_status status, const flip_error *err, const char *what) {
    if (status == FLIP_OK) return;
    check_fail(__FILE__, __LINE__, "cannot make %s: %s: %s", what, flip_status_name(status), err->message);
    fflush(NULL);
    exit(1);
}

flip_schema *a_schema(void) {
    flip_schema *schema = NULL;
    flip_error err;
    must(flip_schema_parse(small_schema, strlen(small_schema), &schema, &err), &err, "a schema");
    return schema;
}

flip_table *a_table(const flip_schema *schema, int rows) {
    static const char *const sexes[] = {"Female", "Male"},
    *const cities[] = {"Bonn", "K\xc3\xb6ln", "Trier, \"S\xc3\xbc""d\""};
    int64_t *whole = (int64_t *)malloc(sizeof *whole * (size_t)rows);
    int32_t *codes = (int32_t *)malloc(sizeof *codes * (size_t)rows);
    double *income = (double *)malloc(sizeof *income * (size_t)rows);
    uint8_t *valid = (uint8_t *)malloc((size_t)rows);
    flip_table *table = NULL;
    flip_error err;
    uint32_t state = 12345;
    int i;
#define DRAW(n) ((state = state * 1664525u + 1013904223u) >> 8) % (n)
    must(flip_table_create(schema, rows, &table, &err), &err, "a table");
    for (i = 0; i < rows; i++) whole[i] = 18 + (int64_t)(DRAW(73));
    must(flip_table_set_int64(table, "age", whole, NULL, &err), &err, "ages");
    for (i = 0; i < rows; i++) codes[i] = (int32_t)(DRAW(2));
    must(flip_table_set_codes(table, "sex", codes, sexes, 2, &err), &err, "sexes");
    for (i = 0; i < rows; i++) codes[i] = (int32_t)(DRAW(4)) - 1;
    must(flip_table_set_codes(table, "city", codes, cities, 3, &err), &err, "cities");
    for (i = 0; i < rows; i++) { income[i] = (double)(DRAW(2001)) / 2; valid[i] = (uint8_t)(DRAW(10) != 0); }
    must(flip_table_set_float64(table, "income", income, valid, &err), &err, "incomes");
    for (i = 0; i < rows; i++) { whole[i] = (int64_t)(DRAW(2)); valid[i] = (uint8_t)(DRAW(10) != 0); }
    must(flip_table_set_int64(table, "member", whole, valid, &err), &err, "members");
    for (i = 0; i < rows; i++) whole[i] = 18262 + (int64_t)(DRAW(366));
    must(flip_table_set_int64(table, "joined", whole, NULL, &err), &err, "dates");
    free(whole); free(codes); free(income); free(valid);
    return table;
}

flip_plan *a_plan(const flip_schema *schema) {
    flip_plan *plan = NULL;
    flip_error err;
    must(flip_plan_create(schema, small_plan, &plan, &err), &err, "a plan");
    return plan;
}

flip_model *a_model(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 600);
    flip_plan *plan = a_plan(schema);
    flip_model *model = NULL;
    flip_error err;
    must(flip_train(plan, table, NULL, NULL, &model, &err), &err, "a model");
    flip_plan_free(plan);
    flip_table_free(table);
    flip_schema_free(schema);
    return model;
}
