/* Evaluations: that every figure comes, says that it is not private, and that bad input is refused. What the figures
 * mean is tested elsewhere. */
#include "check.h"

static const char *text_of(const flip_buffer *json) { return flip_buffer_data(json); }

static void figures(void) {
    flip_schema *schema = a_schema();
    flip_table *real = a_table(schema, 600), *holdout = a_table(schema, 300);
    flip_model *model = a_model();
    flip_table *synthetic = NULL;
    flip_buffer *one = NULL, *two = NULL, *split = NULL;
    flip_error err;
    int threads = thread_count();
    GIVES(FLIP_OK, flip_model_sample(model, 0, 400, "{\"seed\": 1}", NULL, NULL, &synthetic, &err));
    GIVES(FLIP_OK, flip_evaluate(real, synthetic, holdout,
                                 "{\"protected\": [\"sex\"], \"target\": \"member\", \"threads\": 1}", &one, &err));
    GIVES(FLIP_OK, flip_evaluate(real, synthetic, holdout,
                                 "{\"protected\": [\"sex\"], \"target\": \"member\", \"threads\": 3}", &two, &err));
    CHECK(strstr(text_of(one), "NOT PRIVATE") != NULL);
    CHECK(strstr(text_of(one), "\"target_dpd\":0.") != NULL && strstr(text_of(one), "\"membership_auc\":0.") != NULL);
    CHECK(strcmp(text_of(one), text_of(two)) == 0);            /* the threads do not show */
    CHECK(threads_are(threads));
    GIVES(FLIP_OK, flip_evaluate(real, synthetic, NULL, NULL, &split, &err));
    CHECK(strstr(text_of(split), "\"membership_auc\":null") != NULL
          && strstr(text_of(split), "\"holdout\":\"split\"") != NULL);
    flip_buffer_free(one); flip_buffer_free(two); flip_buffer_free(split);
    flip_table_free(real); flip_table_free(holdout); flip_table_free(synthetic);
    flip_model_free(model); flip_schema_free(schema);
}

static void refused(void) {
    static const char other_json[] = "{\"fields\": [{\"name\": \"age\", \"type\": \"boolean\"}]}";
    flip_schema *schema = a_schema(), *other = NULL;
    flip_table *real = a_table(schema, 60), *few = a_table(schema, 9), *unset = NULL, *foreign = NULL;
    flip_buffer *json = (flip_buffer *)(void *)schema;
    int64_t ages[60] = {0};
    flip_error err;
    GIVES(FLIP_OK, flip_table_create(schema, 60, &unset, &err));
    GIVES(FLIP_OK, flip_schema_parse(other_json, strlen(other_json), &other, &err));
    GIVES(FLIP_OK, flip_table_create(other, 60, &foreign, &err));
    GIVES(FLIP_OK, flip_table_set_int64(foreign, "age", ages, NULL, &err));
    GIVES(FLIP_E_ARG, flip_evaluate(NULL, real, NULL, NULL, &json, &err));
    CHECK(json == NULL);
    GIVES(FLIP_E_ARG, flip_evaluate(real, NULL, NULL, NULL, &json, &err));
    GIVES(FLIP_E_ARG, flip_evaluate(real, real, NULL, NULL, NULL, &err));
    GIVES(FLIP_E_ARG, flip_evaluate((const flip_table *)(const void *)schema, real, NULL, NULL, &json, &err));
    GIVES(FLIP_E_ARG, flip_evaluate(real, real, (const flip_table *)(const void *)schema, NULL, &json, &err));
    GIVES(FLIP_E_STATE, flip_evaluate(real, unset, NULL, NULL, &json, &err));
    GIVES(FLIP_E_STATE, flip_evaluate(real, real, unset, NULL, &json, &err));
    GIVES(FLIP_E_SCHEMA, flip_evaluate(real, foreign, NULL, NULL, &json, &err));
    GIVES(FLIP_E_SCHEMA, flip_evaluate(real, real, foreign, NULL, &json, &err));
    GIVES(FLIP_E_ARG, flip_evaluate(real, few, NULL, NULL, &json, &err));
    GIVES(FLIP_E_ARG, flip_evaluate(real, real, NULL, "{\"protected\": \"sex\"}", &json, &err));
    MESSAGE_HAS("protected");
    GIVES(FLIP_E_ARG, flip_evaluate(real, real, NULL, "{\"protected\": [\"sexe\"]}", &json, &err));
    GIVES(FLIP_E_ARG, flip_evaluate(real, real, NULL, "{\"target\": 3}", &json, &err));
    GIVES(FLIP_E_ARG, flip_evaluate(real, real, NULL, "{\"edges\": {\"age\": [1, 0]}, \"protected\": [\"age\"]}", &json,
                                    &err));
    GIVES(FLIP_E_ARG, flip_evaluate(real, real, NULL, "{\"threads\": -1}", &json, &err));
    GIVES(FLIP_E_ARG, flip_evaluate(real, real, NULL, "{\"nothing\": 1}", &json, &err));
    GIVES(FLIP_E_ARG, flip_evaluate(real, real, NULL, "[]", &json, &err));
    GIVES(FLIP_E_FORMAT, flip_evaluate(real, real, NULL, "{", &json, &err));
    GIVES(FLIP_E_ARG, flip_evaluate(real, real, NULL, "\xff", &json, &err));
    CHECK(json == NULL);
    GIVES(FLIP_OK, flip_config_schema("evaluate", &json, &err));
    CHECK(strstr(text_of(json), "\"classifiers\"") != NULL);
    flip_buffer_free(json);
    flip_table_free(real); flip_table_free(few); flip_table_free(unset); flip_table_free(foreign);
    flip_schema_free(schema); flip_schema_free(other);
}

const test_case evaluate_tests[] = {{"evaluate: figures", figures}, {"evaluate: refused", refused}, {NULL, NULL}};
