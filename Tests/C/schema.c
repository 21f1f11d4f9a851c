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
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"boolean\"}, {\"name\": \"a\", \"type\": \"boolean\"}]}", FLIP_E_SCHEMA, "a");
    refused("{\"fields\": [{\"name\": \"a\", \"name\": \"b\", \"type\": \"boolean\"}]}", FLIP_E_SCHEMA, "");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"integer\"}]}", FLIP_E_SCHEMA, "minimum");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"integer\", \"constraints\": {\"minimum\": 5, \"maximum\": 4}}]}", FLIP_E_SCHEMA, "a");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"number\", \"constraints\": {\"minimum\": 0}}]}", FLIP_E_SCHEMA, "maximum");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"string\"}]}", FLIP_E_SCHEMA, "enum");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"string\", \"constraints\": {\"enum\": []}}]}", FLIP_E_SCHEMA, "enum");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"string\", \"constraints\": {\"enum\": [\"x\", \"x\"]}}]}", FLIP_E_SCHEMA, "a");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"date\", \"constraints\": {\"minimum\": \"yesterday\", \"maximum\": \"2020-01-01\"}}]}",
            FLIP_E_SCHEMA, "minimum");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"geopoint\"}]}", FLIP_E_UNSUPPORTED, "geopoint");
    refused("{\"fields\": [{\"name\": \"a\", \"type\": \"number\", \"constraints\": {\"minimum\": 1e999, \"maximum\": 2}}]}", FLIP_E_SCHEMA, "");
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

const test_case schema_tests[] = {
    {"schema: round trip", round_trip}, {"schema: refused", bad_schemas}, {"schema: arguments", arguments},
    {"schema: hostile text", hostile_text}, {"schema: truncated", truncated}, {NULL, NULL}};
