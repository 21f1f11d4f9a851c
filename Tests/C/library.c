/* Version, names, buffers, descriptions. */
#include "check.h"

static void version_and_names(void) {
    int32_t code;
    CHECK(flip_version() == FLIP_VERSION);
    CHECK(!strcmp(flip_status_name(FLIP_OK), "FLIP_OK"));
    CHECK(!strcmp(flip_status_name(FLIP_E_BUDGET), "FLIP_E_BUDGET"));
    CHECK(!strcmp(flip_status_name(FLIP_E_INTERNAL), "FLIP_E_INTERNAL"));
    for (code = 14; code < 20; code++) CHECK(!strcmp(flip_status_name(code), "FLIP_E_UNKNOWN"));
    CHECK(!strcmp(flip_status_name(-1), "FLIP_E_UNKNOWN"));
    CHECK(!strcmp(flip_status_name(INT32_MIN), "FLIP_E_UNKNOWN"));
    CHECK(sizeof(flip_error) == 1024);
}

static void build_info(void) {
    flip_buffer *json = NULL;
    flip_error err;
    GIVES(FLIP_E_ARG, flip_build_info(NULL, &err));
    GIVES(FLIP_OK, flip_build_info(&json, &err));
    CHECK(strstr(flip_buffer_data(json), "\"version\""));
    CHECK(strstr(flip_buffer_data(json), "\"hdf5\""));
    CHECK(strlen(flip_buffer_data(json)) == flip_buffer_size(json));
    flip_buffer_free(json);
}

static void config_schema(void) {
    static const char *const names[] = {"plan", "sample", "csv", "arrow", "infer", "evaluate"};
    size_t i;
    flip_buffer *json = NULL;
    flip_error err;
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        GIVES(FLIP_OK, flip_config_schema(names[i], &json, &err));
        CHECK(flip_buffer_data(json)[0] == '{');
        CHECK(strstr(flip_buffer_data(json), "\"default\""));
        flip_buffer_free(json);
    }
    json = (flip_buffer *)&err;
    GIVES(FLIP_E_ARG, flip_config_schema("weather", &json, &err));
    CHECK(json == NULL);
    GIVES(FLIP_E_ARG, flip_config_schema(NULL, &json, &err));
    GIVES(FLIP_E_ARG, flip_config_schema("plan", NULL, &err));
}

static void nothing_is_done_to_null(void) {
    CHECK(flip_buffer_data(NULL) == NULL);
    CHECK(flip_buffer_size(NULL) == 0);
    CHECK(flip_table_rows(NULL) == 0);
    flip_buffer_free(NULL); flip_schema_free(NULL); flip_table_free(NULL); flip_plan_free(NULL);
    flip_trainer_free(NULL);
    flip_model_free(NULL); flip_accountant_free(NULL); flip_trainer_cancel(NULL);
}

static void success_clears_the_error(void) {
    flip_error err;
    flip_accountant *a = NULL;
    memset(&err, 0x55, sizeof err);
    CHECK(flip_accountant_create("renyi", &a, &err) == FLIP_OK);
    CHECK(err.code == 0 && err.message[0] == 0);
    flip_accountant_free(a);
}

static void a_freed_handle_is_seen(void) {
    /* Not promised for all time: the memory may be used again. Straight after the free it is recognised. */
    flip_error err;
    double epsilon = 1;
    flip_accountant *a = NULL;
    GIVES(FLIP_OK, flip_accountant_create("renyi", &a, &err));
    flip_accountant_free(a);
    GIVES(FLIP_E_ARG, flip_accountant_epsilon(a, 1e-5, &epsilon, &err));
    CHECK(epsilon == 0);
}

const test_case library_tests[] = {
    {"library: version and names", version_and_names}, {"library: build info", build_info},
    {"library: config schema", config_schema},
    {"library: NULL handles", nothing_is_done_to_null}, {"library: success clears the error", success_clears_the_error},
    {"library: freed handle", a_freed_handle_is_seen}, {NULL, NULL}};
