/* Schemas: what is accepted, what is refused and why. */
#include "check.h"

static void round_trip(void) {
    flip_schema *first = a_schema(), *second = NULL;
    flip_buffer *one = NULL, *two = NULL;
    flip_error err;
    GIVES(FLIP_OK, flip_schema_json(first, &one, &err));
    GIVES(FLIP_OK, flip_schema_parse(flip_buffer_data(one), flip_buffer_size(one), &second, &err));
    GIVES(FLIP_OK, flip_schema_json(second, &two, &err));
    CHECK(!strcmp(flip_buffer_data(one), flip_buffer_data(two)));
    flip_schema_free(first);               /* the text outlives the schema */
    CHECK(strstr(flip_buffer_data(one), "K\xc3\xb6ln"));
    flip_buffer_free(one); flip_buffer_free(two); flip_schema_free(second);
}

static void refused(const char *json, flip_status status, const char *part) {
    flip_schema *schema = (flip_schema *)&json;
    flip_error err;
    GIVES(status, flip_schema_parse(json, strlen(json), &schema, &err));
    CHECK(schema == NULL);
    MESSAGE_HAS(part);
}

static void bad_schemas(void) {
    refused("", FLIP_E_SCHEMA, "");
    refused("{", FLIP_E_SCHEMA, "JSON");
    refused("[]", FLIP_E_SCHEMA, "");
    refused("{\"fields\": []}", FLIP_E_SCHEMA, "");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"boolean\"}], \"colour\": 1}", FLIP_E_SCHEMA, "colour");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"boolean\", \"sort\": 1}]}", FLIP_E_SCHEMA, "sort");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"boolean\"}, {\"name\": \"a\", \"type\": \"boolean\"}]}",
            FLIP_E_SCHEMA, "a");
    refused("{\"fields\": [{\"name\": \"a\", \"name\": \"b\", \"type\": \"boolean\"}]}", FLIP_E_SCHEMA, "");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"integer\"}]}", FLIP_E_SCHEMA, "minimum");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"integer\", \"constraints\": {\"minimum\": 5, \"maximum\": "
            "4}}]}", FLIP_E_SCHEMA, "a");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"number\", \"constraints\": {\"minimum\": 0}}]}", FLIP_E_SCHEMA,
            "maximum");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"string\"}]}", FLIP_E_SCHEMA, "enum");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"string\", \"constraints\": {\"enum\": []}}]}", FLIP_E_SCHEMA,
            "enum");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"string\", \"constraints\": {\"enum\": [\"x\", \"x\"]}}]}",
            FLIP_E_SCHEMA, "a");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"date\", \"constraints\": {\"minimum\": \"yesterday\", "
            "\"maximum\": \"2020-01-01\"}}]}",
            FLIP_E_SCHEMA, "minimum");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"geopoint\"}]}", FLIP_E_UNSUPPORTED, "geopoint");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"number\", \"constraints\": {\"minimum\": 1e999, \"maximum\": "
            "2}}]}", FLIP_E_SCHEMA, "");
}

static void arguments(void) {
    flip_schema *schema = NULL;
    flip_buffer *json = NULL;
    flip_accountant *a = NULL;
    flip_error err;
    static const char broken[] = "{\"fields\": [{\"name\": \"\xff\", \"type\": \"boolean\"}]}";
    GIVES(FLIP_E_ARG, flip_schema_parse(NULL, 0, &schema, &err));
    GIVES(FLIP_E_ARG, flip_schema_parse(small_schema, strlen(small_schema), NULL, &err));
    GIVES(FLIP_E_ARG, flip_schema_parse(broken, sizeof broken - 1, &schema, &err));
    GIVES(FLIP_E_ARG, flip_schema_parse(small_schema, SIZE_MAX, &schema, &err));
    CHECK(flip_schema_parse("{", 1, &schema, NULL) == FLIP_E_SCHEMA);
    GIVES(FLIP_E_ARG, flip_schema_json(NULL, &json, &err));
    schema = a_schema();
    GIVES(FLIP_E_ARG, flip_schema_json(schema, NULL, &err));
    GIVES(FLIP_OK, flip_accountant_create("renyi", &a, &err));
    GIVES(FLIP_E_ARG, flip_schema_json((const flip_schema *)(const void *)a, &json, &err));
    MESSAGE_HAS("flip_accountant");
    flip_schema_free((flip_schema *)(void *)a);          /* refused: it is still there */
    GIVES(FLIP_OK, flip_accountant_compose_gaussian(a, 1, 1, 1, &err));
    flip_accountant_free(a);
    flip_schema_free(schema);
}

/* Deep nesting and long text end in an error, not in a stack overflow. */
static void hostile_text(void) {
    size_t n = 1000000, i;
    char *text = (char *)malloc(n);
    flip_schema *schema = NULL;
    flip_error err;
    for (i = 0; i < n; i++) text[i] = '[';
    GIVES(FLIP_E_SCHEMA, flip_schema_parse(text, n, &schema, &err));
    memset(text, '"', 1);
    GIVES(FLIP_E_SCHEMA, flip_schema_parse(text, n, &schema, &err));
    CHECK(strlen(err.message) < 1020);
    free(text);
}

/* Every prefix of a schema is refused, and none does harm. */
static void truncated(void) {
    size_t n = strlen(small_schema), i;
    flip_error err;
    for (i = 0; i < n; i++) {
        flip_schema *schema = NULL;
        flip_status status = flip_schema_parse(small_schema, i, &schema, &err);
        if (status == FLIP_OK || schema) check_fail(__FILE__, __LINE__, "a prefix of %zu bytes is a schema", i);
    }
}

static const char small_csv[] =
    "age,sex,city,income,member,joined\n"
    "18,Female,Bonn,0.5,true,2020-01-01\n"
    "90,Male,K\xc3\xb6ln,1000,false,2020-12-31\n"
    "31,Female,,12,,2020-05-05\n";

/* Read off a file and edited in two ways: as it is, and without its mark. The ledger tells the two apart. */
static void read_off_a_file(void) {
    const char *path = path_of("rows.csv");
    flip_schema *schema = NULL, *open = NULL;
    flip_plan *plan = NULL;
    flip_buffer *json = NULL, *text = NULL;
    flip_error err;
    char *edited, *mark;
    static const char wanted[] = "\"flip:domain\":\"assume-public\",";
    write_file(path, small_csv);
    GIVES(FLIP_OK, flip_schema_infer_csv(path, "{\"levels\": 5, \"skip\": [\"income\"]}", NULL, NULL, &schema, &err));
    GIVES(FLIP_OK, flip_schema_json(schema, &json, &err));
    CHECK(strstr(flip_buffer_data(json), "\"minimum\":15,\"maximum\":90"));
    CHECK(!strstr(flip_buffer_data(json), "income"));
    CHECK((mark = strstr((char *)flip_buffer_data(json), wanted)) != NULL);
    GIVES(FLIP_OK, flip_plan_create(schema, "{\"epsilon\": 1, \"delta\": 1e-6}", &plan, &err));
    GIVES(FLIP_OK, flip_plan_explanation(plan, &text, &err));
    CHECK(strstr(flip_buffer_data(text), "the schema was read off the rows"));
    flip_buffer_free(text); flip_plan_free(plan); flip_schema_free(schema);

    edited = (char *)malloc(flip_buffer_size(json));
    memcpy(edited, flip_buffer_data(json), (size_t)(mark - flip_buffer_data(json)));
    strcpy(edited + (mark - flip_buffer_data(json)), mark + strlen(wanted));
    GIVES(FLIP_OK, flip_schema_parse(edited, strlen(edited), &open, &err));
    GIVES(FLIP_OK, flip_plan_create(open, "{\"epsilon\": 1, \"delta\": 1e-6}", &plan, &err));
    GIVES(FLIP_OK, flip_plan_explanation(plan, &text, &err));
    CHECK(!strstr(flip_buffer_data(text), "read off the rows"));
    flip_buffer_free(text); flip_plan_free(plan); flip_schema_free(open); flip_buffer_free(json);
    free(edited);

    GIVES(FLIP_E_ARG, flip_schema_infer_csv(path, "{\"level\": 5}", NULL, NULL, &schema, &err));
    GIVES(FLIP_E_ARG, flip_schema_infer_csv(NULL, NULL, NULL, NULL, &schema, &err));
    GIVES(FLIP_E_ARG, flip_schema_infer_csv(path, NULL, NULL, NULL, NULL, &err));
    GIVES(FLIP_E_IO, flip_schema_infer_csv(path_of("none.csv"), NULL, NULL, NULL, &schema, &err));
    GIVES(FLIP_E_SCHEMA, flip_schema_infer_csv(path, "{\"levels\": 1}", NULL, NULL, &schema, &err));
    CHECK(schema == NULL);
    MESSAGE_HAS("\"city\"");
    MESSAGE_LACKS("Bonn");
}

static void read_off_a_dataframe(void) {
    flip_schema *schema = a_schema(), *found = NULL;
    flip_table *table = a_table(schema, 60);
    flip_buffer *one = NULL, *two = NULL;
    flip_error err;
    GIVES(FLIP_OK, flip_table_write_hdf5(table, path_of("t.h5"), NULL, &err));
    /* its own is stored with it */
    GIVES(FLIP_OK, flip_schema_infer_hdf5(path_of("t.h5"), NULL, NULL, &found, &err));
    GIVES(FLIP_OK, flip_schema_json(schema, &one, &err));
    GIVES(FLIP_OK, flip_schema_json(found, &two, &err));
    CHECK(!strcmp(flip_buffer_data(one), flip_buffer_data(two)));
    flip_buffer_free(one); flip_buffer_free(two); flip_schema_free(found); flip_table_free(table);
    flip_schema_free(schema);
    write_file(path_of("t.csv"), small_csv);
    GIVES(FLIP_E_FORMAT, flip_schema_infer_hdf5(path_of("t.csv"), NULL, NULL, &found, &err));
    GIVES(FLIP_E_ARG, flip_schema_infer_hdf5(NULL, NULL, NULL, &found, &err));
}

static void read_off_memory(void) {
    static const char bytes[] = "7340";
    static const int64_t offsets[] = {0, 1, 2, 2, 4}, falling[] = {0, 2, 1};
    static const uint8_t valid[] = {1, 1, 0, 1};
    flip_schema *schema = NULL;
    flip_buffer *json = NULL;
    flip_error err;
    GIVES(FLIP_OK, flip_schema_infer_strings("n", bytes, offsets, valid, 4, NULL, &schema, &err));
    GIVES(FLIP_OK, flip_schema_json(schema, &json, &err));
    CHECK(strstr(flip_buffer_data(json),
                 "{\"name\":\"n\",\"type\":\"integer\",\"constraints\":{\"minimum\":2,\"maximum\":40}}"));
    flip_buffer_free(json); flip_schema_free(schema);
    GIVES(FLIP_E_ARG, flip_schema_infer_strings(NULL, bytes, offsets, valid, 4, NULL, &schema, &err));
    GIVES(FLIP_E_ARG, flip_schema_infer_strings("n", bytes, NULL, NULL, 4, NULL, &schema, &err));
    GIVES(FLIP_E_ARG, flip_schema_infer_strings("n", bytes, falling, NULL, 2, NULL, &schema, &err));
    GIVES(FLIP_E_ARG, flip_schema_infer_strings("n", bytes, offsets, NULL, -1, NULL, &schema, &err));
    GIVES(FLIP_E_SCHEMA, flip_schema_infer_strings("n", "\xff", offsets, NULL, 1, NULL, &schema, &err));
    GIVES(FLIP_E_SCHEMA, flip_schema_infer_strings("n", bytes, offsets, NULL, 0, NULL, &schema, &err));
}

static int32_t stop(void *user, const flip_event *event) { (void)event; ++*(int *)user; return 1; }

static void broken_rules(void) {
    static const char bytes[] = "x17";
    static const int64_t offsets[] = {0, 1, 3, 3};
    const char *path = path_of("bad.csv");
    flip_schema *schema = a_schema();
    flip_buffer *json = NULL;
    flip_error err;
    int calls = 0;
    write_file(path, "age,sex,city,income,member,joined\n17,Female,Bonn,0.5,true,2020-01-01\n"
               "91,CANARY,CANARY,0.3,2,2019-01-01\n95,Male,,,,\n");
    GIVES(FLIP_OK, flip_schema_check_csv(schema, path, NULL, NULL, NULL, &json, &err));
    CHECK(strstr(flip_buffer_data(json), "{\"fits\":false,\"rows\":3,"));
    CHECK(strstr(flip_buffer_data(json),
                 "{\"column\":\"age\",\"rule\":\"above the maximum 90\",\"count\":2,\"first_line\":3}"));
    CHECK(strstr(flip_buffer_data(json),
                 "{\"column\":\"income\",\"rule\":\"not a multiple of 0.5\",\"count\":1,\"first_line\":3}"));
    CHECK(!strstr(flip_buffer_data(json), "CANARY"));
    flip_buffer_free(json);
    GIVES(FLIP_E_CANCELLED, flip_schema_check_csv(schema, path, NULL, stop, &calls, &json, &err));
    CHECK(calls == 1 && json == NULL);
    GIVES(FLIP_E_ARG, flip_schema_check_csv(NULL, path, NULL, NULL, NULL, &json, &err));
    GIVES(FLIP_E_IO, flip_schema_check_csv(schema, path_of("none.csv"), NULL, NULL, NULL, &json, &err));

    GIVES(FLIP_OK, flip_schema_check_strings(schema, "age", bytes, offsets, NULL, 3, &json, &err));
    CHECK(strstr(flip_buffer_data(json),
                 "{\"column\":\"age\",\"rule\":\"not a whole number\",\"count\":1,\"first_row\":1}"));
    CHECK(strstr(flip_buffer_data(json),
                 "{\"column\":\"age\",\"rule\":\"missing in a required column\",\"count\":1,\"first_row\":3}"));
    flip_buffer_free(json);
    GIVES(FLIP_E_ARG, flip_schema_check_strings(schema, "weather", bytes, offsets, NULL, 3, &json, &err));
    flip_schema_free(schema);
}

const test_case schema_tests[] = {
    {"schema: read off a file", read_off_a_file}, {"schema: read off a dataframe", read_off_a_dataframe},
    {"schema: read off memory", read_off_memory}, {"schema: broken rules", broken_rules},
    {"schema: round trip", round_trip}, {"schema: refused", bad_schemas}, {"schema: arguments", arguments},
    {"schema: hostile text", hostile_text}, {"schema: truncated", truncated}, {NULL, NULL}};
