/* Tables in memory: columns in, columns out, and everything a host can get wrong. */
#include "check.h"
#include <math.h>

static void columns_come_back(void) {
    flip_schema *schema = a_schema(), *again = NULL;
    flip_table *table = NULL;
    flip_error err;
    static const int64_t ages[] = {18, 90, 44}, days[] = {18262, 18627, 18300};
    static const int32_t sexes[] = {1, 0, 0}, cities[] = {2, -1, 0};
    static const char *const sex_levels[] = {"Male", "Female"};          /* another order than the schema's */
    static const char *const city_levels[] = {"K\xc3\xb6ln", "Rome", "Bonn"};   /* Rome is not used */
    static const double incomes[] = {0.5, NAN, 1000};
    static const uint8_t valid[] = {1, 0, 1};
    static const char *const text = "trueNAfalse";
    static const int64_t offsets[] = {0, 4, 6, 11};
    int64_t x[3];
    double d[3];
    int32_t codes[3];
    uint8_t v[3];
    GIVES(FLIP_OK, flip_table_create(schema, 3, &table, &err));
    CHECK(flip_table_rows(table) == 3);
    GIVES(FLIP_E_STATE, flip_table_get_int64(table, "age", 0, 3, x, v, &err));
    GIVES(FLIP_E_STATE, flip_table_write_csv(table, path_of("half.csv"), NULL, &err));
    CHECK(!file_exists(path_of("half.csv")));
    GIVES(FLIP_OK, flip_table_set_int64(table, "age", ages, NULL, &err));
    GIVES(FLIP_OK, flip_table_set_codes(table, "sex", sexes, sex_levels, 2, &err));
    GIVES(FLIP_OK, flip_table_set_codes(table, "city", cities, city_levels, 3, &err));
    GIVES(FLIP_OK, flip_table_set_float64(table, "income", incomes, NULL, &err));
    GIVES(FLIP_OK, flip_table_set_strings(table, "member", text, offsets, NULL, &err));
    GIVES(FLIP_OK, flip_table_set_int64(table, "joined", days, valid, &err));

    GIVES(FLIP_OK, flip_table_get_int64(table, "age", 0, 3, x, v, &err));
    CHECK(x[0] == 18 && x[1] == 90 && x[2] == 44 && v[0] && v[1] && v[2]);
    GIVES(FLIP_OK, flip_table_get_codes(table, "sex", 0, 3, codes, &err));
    CHECK(codes[0] == 0 && codes[1] == 1 && codes[2] == 1);
    GIVES(FLIP_OK, flip_table_get_codes(table, "city", 0, 3, codes, &err));
    CHECK(codes[0] == 0 && codes[1] == -1 && codes[2] == 1);
    GIVES(FLIP_OK, flip_table_get_float64(table, "income", 0, 3, d, v, &err));
    CHECK(d[0] == 0.5 && isnan(d[1]) && d[2] == 1000 && v[0] == 1 && v[1] == 0);
    GIVES(FLIP_OK, flip_table_get_codes(table, "member", 0, 3, codes, &err));
    CHECK(codes[0] == 1 && codes[1] == -1 && codes[2] == 0);
    GIVES(FLIP_OK, flip_table_get_int64(table, "joined", 1, 2, x, v, &err));
    CHECK(x[0] == INT64_MIN && v[0] == 0 && x[1] == 18300 && v[1] == 1);
    GIVES(FLIP_OK, flip_table_get_float64(table, "age", 2, 1, d, NULL, &err));
    CHECK(d[0] == 44);
    GIVES(FLIP_OK, flip_table_get_float64(table, "age", 3, 0, d, NULL, &err));
    GIVES(FLIP_OK, flip_table_set_int64(table, "joined", days, NULL, &err));       /* again: replaced */
    GIVES(FLIP_OK, flip_table_get_int64(table, "joined", 1, 1, x, v, &err));
    CHECK(x[0] == 18627 && v[0] == 1);
    GIVES(FLIP_OK, flip_table_schema(table, &again, &err));
    flip_table_free(table);
    flip_schema_free(schema);
    flip_schema_free(again);
}

/* Labelled missing values are states of their own, told by one call and missing to every other. */
static void reasons(void) {
    static const char json[] =
        "{\"fields\": [{\"name\": \"x\", \"type\": \"number\", \"constraints\": {\"minimum\": 0, \"maximum\": "
        "9}}, {\"name\": \"n\", \"type\": \"integer\", \"constraints\": {\"minimum\": 0, \"maximum\": 9}}], "
        "\"missingValues\": ["
        "{\"value\": \"\"}, {\"value\": \"-9\", \"label\": \"refused\"}, "
        "{\"value\": \"REF\", \"label\": \"not asked\"}]}";
    const double x[] = {1.5, -9, NAN};
    const int64_t n[] = {-9, 3, 4};
    static const int64_t offsets[] = {0, 3, 4, 6};
    double d[3];
    int64_t whole[3];
    int32_t why[3];
    flip_schema *schema = NULL;
    flip_table *table = NULL;
    flip_error err;
    GIVES(FLIP_OK, flip_schema_parse(json, strlen(json), &schema, &err));
    GIVES(FLIP_OK, flip_table_create(schema, 3, &table, &err));
    GIVES(FLIP_OK, flip_table_set_float64(table, "x", x, NULL, &err));
    GIVES(FLIP_E_STATE, flip_table_get_reasons(table, "x", 0, 3, why, &err));
    GIVES(FLIP_OK, flip_table_set_int64(table, "n", n, NULL, &err));
    GIVES(FLIP_OK, flip_table_get_reasons(table, "x", 0, 3, why, &err));
    CHECK(why[0] == -1 && why[1] == 0 && why[2] == -1);
    GIVES(FLIP_OK, flip_table_get_float64(table, "x", 0, 3, d, NULL, &err));
    CHECK(d[0] == 1.5 && isnan(d[1]) && isnan(d[2]));
    GIVES(FLIP_OK, flip_table_set_strings(table, "n", "REF7-9", offsets, NULL, &err));
    GIVES(FLIP_OK, flip_table_get_reasons(table, "n", 0, 3, why, &err));
    CHECK(why[0] == 1 && why[1] == -1 && why[2] == 0);
    GIVES(FLIP_OK, flip_table_get_int64(table, "n", 0, 3, whole, NULL, &err));
    CHECK(whole[0] == INT64_MIN && whole[1] == 7 && whole[2] == INT64_MIN);
    GIVES(FLIP_E_ARG, flip_table_get_reasons(table, "nobody", 0, 3, why, &err));
    GIVES(FLIP_E_ARG, flip_table_get_reasons(table, "n", 1, 3, why, &err));
    GIVES(FLIP_E_ARG, flip_table_get_reasons(table, "n", 0, 3, NULL, &err));
    flip_table_free(table); flip_schema_free(schema);
}

static void bad_cells(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 3);
    flip_error err;
    static const int64_t young[] = {18, 17, 18}, days[] = {18262, 18261, 18262}, many[] = {0, 2, 0};
    static const double thirds[] = {0, 1.0 / 3, 0}, endless[] = {0, INFINITY, 0}, halves[] = {18.5, 20, 20};
    static const int32_t codes[] = {0, 1, 0}, outside[] = {0, 2, 0}, low[] = {0, -2, 0};
    static const char *const levels[] = {"Female", "Zebra-canary"};
    static const uint8_t gap[] = {1, 0, 1};
    static const char *const text = "18x17x";
    static const int64_t offsets[] = {0, 2, 5, 6}, falling[] = {0, 4, 2, 6}, negative[] = {-1, 2, 4, 6};
    int64_t x[3];
    GIVES(FLIP_E_SCHEMA, flip_table_set_int64(table, "age", young, NULL, &err));
    MESSAGE_HAS("age");
    MESSAGE_LACKS("17");
    GIVES(FLIP_E_STATE, flip_table_get_int64(table, "age", 0, 3, x, NULL, &err));     /* unset now */
    /* required, and may not be missing */
    GIVES(FLIP_E_SCHEMA, flip_table_set_int64(table, "age", young + 2, gap, &err));
    GIVES(FLIP_E_SCHEMA, flip_table_set_float64(table, "age", halves, NULL, &err));
    GIVES(FLIP_E_SCHEMA, flip_table_set_int64(table, "joined", days, NULL, &err));
    GIVES(FLIP_E_SCHEMA, flip_table_set_int64(table, "member", many, NULL, &err));
    GIVES(FLIP_E_SCHEMA, flip_table_set_float64(table, "income", thirds, NULL, &err));
    GIVES(FLIP_E_SCHEMA, flip_table_set_float64(table, "income", endless, NULL, &err));
    GIVES(FLIP_E_SCHEMA, flip_table_set_codes(table, "sex", codes, levels, 2, &err));
    MESSAGE_LACKS("canary");
    GIVES(FLIP_E_SCHEMA, flip_table_set_codes(table, "sex", outside, levels, 2, &err));
    GIVES(FLIP_E_SCHEMA, flip_table_set_codes(table, "sex", low, levels, 2, &err));
    GIVES(FLIP_E_SCHEMA, flip_table_set_strings(table, "age", text, offsets, NULL, &err));
    MESSAGE_LACKS("x17");
    GIVES(FLIP_E_ARG, flip_table_set_strings(table, "age", text, falling, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_set_strings(table, "age", text, negative, NULL, &err));
    /* levels are set by codes or text */
    GIVES(FLIP_E_ARG, flip_table_set_int64(table, "city", young, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_set_int64(table, "aeg", young, NULL, &err));
    flip_table_free(table);
    flip_schema_free(schema);
}

static flip_schema *parsed(const char *json) {
    flip_schema *schema = NULL;
    flip_error err;
    GIVES(FLIP_OK, flip_schema_parse(json, strlen(json), &schema, &err));
    return schema;
}

/* A table that coerces: cells become the nearest value or missing, rows that break a rule are left out. */
static void coerced(void) {
    flip_schema *schema = parsed("{\"fields\": ["
        "{\"name\": \"a\", \"type\": \"integer\","
        " \"constraints\": {\"minimum\": 0, \"maximum\": 9, \"required\": true}},"
        "{\"name\": \"b\", \"type\": \"integer\", \"constraints\": {\"minimum\": 0, \"maximum\": 9}}],"
        "\"flip:rules\": [{\"name\": \"ab\", \"order\": [\"a\", \"b\"]}]}");
    flip_table *table = NULL, *again = NULL;
    flip_buffer *json = NULL;
    flip_error err;
    static const int64_t a[] = {1, 5, 99, 2}, offsets[] = {0, 1, 2, 3, 6}, both[] = {0, 1, 2, 3, 4, 5, 6, 7, 10};
    int64_t x[3];
    uint8_t valid[3];
    GIVES(FLIP_E_ARG, flip_table_create_with(schema, 4, "{\"invalid\": \"guess\"}", &table, &err));
    GIVES(FLIP_OK, flip_table_create_with(schema, 4, "{\"invalid\": \"coerce\"}", &table, &err));
    GIVES(FLIP_OK, flip_table_set_int64(table, "a", a, NULL, &err));                       /* 1 5 9 2 */
    GIVES(FLIP_OK, flip_table_set_strings(table, "b", "349six", offsets, NULL, &err));     /* 3 4 9 and none */
    CHECK(flip_table_rows(table) == 3);                                                    /* 5 is above 4 */
    GIVES(FLIP_OK, flip_table_get_int64(table, "a", 0, 3, x, NULL, &err));
    CHECK(x[0] == 1 && x[1] == 9 && x[2] == 2);
    GIVES(FLIP_OK, flip_table_get_int64(table, "b", 0, 3, x, valid, &err));
    CHECK(x[0] == 3 && x[1] == 9 && valid[0] && !valid[2]);
    GIVES(FLIP_OK, flip_table_replaced(table, &json, &err));
    CHECK(strstr(flip_buffer_data(json), "\"dropped\":1") && strstr(flip_buffer_data(json), "\"a\":1")
          && strstr(flip_buffer_data(json), "\"b\":1"));
    flip_buffer_free(json);
    GIVES(FLIP_E_STATE, flip_table_set_int64(table, "a", a, NULL, &err));
    GIVES(FLIP_OK, flip_table_write_hdf5(table, path_of("coerced.h5"), NULL, &err));
    GIVES(FLIP_OK, flip_table_read_hdf5_with(schema, path_of("coerced.h5"), NULL, "{\"invalid\": \"coerce\"}", &again,
                                             &err));
    CHECK(flip_table_rows(again) == 3);
    GIVES(FLIP_OK, flip_schema_check_rules(schema, "[\"a\", \"b\"]", "1592349six", both, NULL, 4, &json, &err));
    CHECK(strstr(flip_buffer_data(json), "\"count\":1") && strstr(flip_buffer_data(json), "\"first_row\":2"));
    flip_buffer_free(json);
    GIVES(FLIP_E_ARG, flip_schema_check_rules(schema, "[\"a\", \"a\"]", "", offsets, NULL, 0, &json, &err));
    GIVES(FLIP_E_ARG, flip_schema_check_rules(schema, "[\"nobody\"]", "", offsets, NULL, 0, &json, &err));
    flip_table_free(again); flip_table_free(table); flip_schema_free(schema);
}

static void arguments(void) {
    flip_schema *schema = a_schema(), *s = NULL;
    flip_table *table = a_table(schema, 3), *other = (flip_table *)(void *)schema;
    flip_error err;
    int64_t x[3] = {18, 18, 18};
    double d[3] = {1, 1, 1};
    int32_t codes[3] = {0, 0, 0};
    int64_t offsets[4] = {0, 0, 0, 0};
    static const char *const levels[] = {"Male", NULL};
    GIVES(FLIP_E_ARG, flip_table_create(NULL, 3, &other, &err));
    CHECK(other == NULL);
    GIVES(FLIP_E_ARG, flip_table_create(schema, 3, NULL, &err));
    GIVES(FLIP_E_SCHEMA, flip_table_create(schema, 0, &other, &err));
    GIVES(FLIP_E_SCHEMA, flip_table_create(schema, -5, &other, &err));
    GIVES(FLIP_E_SCHEMA, flip_table_create(schema, INT64_MAX, &other, &err));
    GIVES(FLIP_E_SCHEMA, flip_table_create(schema, INT64_MAX / 2, &other, &err));
    GIVES(FLIP_E_ARG, flip_table_set_int64(NULL, "age", x, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_set_int64(table, NULL, x, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_set_int64(table, "age", NULL, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_set_int64(table, "\xff", x, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_set_int64((flip_table *)(void *)schema, "age", x, NULL, &err));
    MESSAGE_HAS("flip_schema");
    GIVES(FLIP_E_ARG, flip_table_set_float64(NULL, "age", d, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_set_float64(table, "age", NULL, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_set_codes(table, "sex", NULL, levels, 1, &err));
    GIVES(FLIP_E_ARG, flip_table_set_codes(table, "sex", codes, NULL, 1, &err));
    GIVES(FLIP_E_ARG, flip_table_set_codes(table, "sex", codes, levels, 2, &err));
    GIVES(FLIP_E_ARG, flip_table_set_codes(table, "sex", codes, levels, -1, &err));
    GIVES(FLIP_E_SCHEMA, flip_table_set_codes(table, "sex", codes, NULL, 0, &err));
    GIVES(FLIP_OK, flip_table_set_codes(table, "sex", codes, levels, 1, &err));
    GIVES(FLIP_E_ARG, flip_table_set_strings(table, "city", "", NULL, NULL, &err));
    GIVES(FLIP_OK, flip_table_set_strings(table, "city", NULL, offsets, NULL, &err));    /* all empty: all missing */
    GIVES(FLIP_E_ARG, flip_table_get_int64(table, "age", 0, 3, NULL, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_get_int64(table, "age", -1, 1, x, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_get_int64(table, "age", 0, 4, x, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_get_int64(table, "age", 3, 1, x, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_get_int64(table, "age", 0, -1, x, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_get_int64(table, "age", INT64_MAX, INT64_MAX, x, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_get_int64(table, "sex", 0, 3, x, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_get_float64(table, "sex", 0, 3, d, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_get_codes(table, "age", 0, 3, codes, &err));
    GIVES(FLIP_E_ARG, flip_table_get_codes(table, "sex", 0, 3, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_schema(NULL, &s, &err));
    GIVES(FLIP_E_ARG, flip_table_schema(table, NULL, &err));
    flip_table_free(table);
    flip_schema_free(schema);
}

static const char *x_schema =
    "{\"fields\":[{\"name\":\"x\",\"type\":\"integer\",\"constraints\":{\"minimum\":0,\"maximum\":9}}]}";

/* At most k rows of each person; a plan must promise for the same unit. */
static void persons(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 300), *bounded = NULL, *again = NULL;
    flip_plan *plan = NULL;
    flip_trainer *trainer = NULL;
    flip_error err;
    int64_t who[300];
    int i;
    for (i = 0; i < 300; i++) who[i] = i / 6;
    CHECK(flip_table_max_rows_per_person(NULL) == 0 && flip_table_max_rows_per_person(table) == 0);
    GIVES(FLIP_E_ARG, flip_table_bound_persons(NULL, who, 2, &bounded, &err));
    GIVES(FLIP_E_ARG, flip_table_bound_persons(table, NULL, 2, &bounded, &err));
    GIVES(FLIP_E_ARG, flip_table_bound_persons(table, who, 0, &bounded, &err));
    GIVES(FLIP_E_ARG, flip_table_bound_persons(table, who, 1025, &bounded, &err));
    GIVES(FLIP_E_ARG, flip_table_bound_persons(table, who, 2, NULL, &err));
    CHECK(!bounded);
    GIVES(FLIP_OK, flip_table_bound_persons(table, who, 2, &bounded, &err));
    CHECK(flip_table_rows(bounded) == 100 && flip_table_max_rows_per_person(bounded) == 2);
    GIVES(FLIP_E_STATE, flip_table_bound_persons(bounded, who, 2, &again, &err));
    plan = a_plan(schema);
    GIVES(FLIP_E_STATE, flip_trainer_create(plan, bounded, &trainer, &err));
    flip_plan_free(plan);
    GIVES(FLIP_OK, flip_plan_create(schema, "{\"epsilon\": 4, \"delta\": 1e-5, \"max_rows_per_person\": 2}", &plan,
                                    &err));
    GIVES(FLIP_E_STATE, flip_trainer_create(plan, table, &trainer, &err));
    GIVES(FLIP_OK, flip_trainer_create(plan, bounded, &trainer, &err));
    flip_trainer_free(trainer);
    flip_plan_free(plan);
    write_file(path_of("p.csv"), "who,x\na,1\nb,2\na,3\n");
    flip_schema_free(schema);
    schema = NULL;
    GIVES(FLIP_OK, flip_schema_parse(x_schema, strlen(x_schema), &schema, &err));
    GIVES(FLIP_OK, flip_table_read_csv(schema, path_of("p.csv"), "{\"person\": \"who\", \"max_rows_per_person\": 1}",
                                       NULL, NULL, &again, &err));
    CHECK(flip_table_rows(again) == 2 && flip_table_max_rows_per_person(again) == 1);
    flip_table_free(again);
    GIVES(FLIP_E_ARG, flip_table_read_csv(schema, path_of("p.csv"), "{\"person\": \"who\"}", NULL, NULL, &again, &err));
    GIVES(FLIP_E_SCHEMA, flip_table_read_csv(schema, path_of("p.csv"),
                                             "{\"person\": \"x\", \"max_rows_per_person\": 1}", NULL, NULL, &again,
                                             &err));
    flip_table_free(bounded);
    flip_table_free(table);
    flip_schema_free(schema);
}

const test_case table_tests[] = {{"table: persons", persons}, 
    {"table: columns come back", columns_come_back}, {"table: bad cells", bad_cells},
    {"table: coerced", coerced},
    {"table: reasons of missing values", reasons}, {"table: arguments", arguments},
    {NULL, NULL}};
