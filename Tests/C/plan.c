/* Plans: what is refused before any row is seen. */
#include "check.h"
#include <math.h>

static void explained(void) {
    flip_schema *schema = a_schema();
    flip_plan *plan = a_plan(schema);
    flip_buffer *json = NULL;
    flip_error err;
    double epsilon = 0, other = 0;
    int64_t small = 0, large = 0;
    GIVES(FLIP_OK, flip_plan_explain(plan, &json, &err));
    CHECK(strstr(flip_buffer_data(json), "\"epsilon\"") && strstr(flip_buffer_data(json), "\"releases\""));
    flip_buffer_free(json);
    GIVES(FLIP_OK, flip_plan_epsilon(plan, "renyi", 1e-5, &epsilon, &err));
    CHECK(epsilon <= 4 && epsilon > 4 - 1e-6);
    GIVES(FLIP_OK, flip_plan_epsilon(plan, "renyi", 1e-7, &other, &err));
    CHECK(other > epsilon);
    GIVES(FLIP_OK, flip_plan_memory(plan, 1000, &small, &err));
    GIVES(FLIP_OK, flip_plan_memory(plan, 10000000, &large, &err));
    CHECK(small > 0 && large > small);
    flip_schema_free(schema);                 /* the plan keeps what it needs */
    GIVES(FLIP_OK, flip_plan_explain(plan, &json, &err));
    flip_buffer_free(json);
    GIVES(FLIP_E_ARG, flip_plan_epsilon(plan, "renyi", 0, &epsilon, &err));
    CHECK(epsilon == 0);
    GIVES(FLIP_E_ARG, flip_plan_epsilon(plan, "renyi", 1, &epsilon, &err));
    GIVES(FLIP_E_ARG, flip_plan_epsilon(plan, "renyi", NAN, &epsilon, &err));
    GIVES(FLIP_E_UNSUPPORTED, flip_plan_epsilon(plan, "pld", 1e-5, &epsilon, &err));
    GIVES(FLIP_E_ARG, flip_plan_epsilon(plan, NULL, 1e-5, &epsilon, &err));
    GIVES(FLIP_E_ARG, flip_plan_epsilon(plan, "renyi", 1e-5, NULL, &err));
    GIVES(FLIP_E_ARG, flip_plan_epsilon(NULL, "renyi", 1e-5, &epsilon, &err));
    GIVES(FLIP_OK, flip_plan_explanation(plan, &json, &err));
    CHECK(strstr(flip_buffer_data(json), "\nhistograms ") && strstr(flip_buffer_data(json), "\ncalibration ")
          && strstr(flip_buffer_data(json), "free"));
    flip_buffer_free(json);
    GIVES(FLIP_E_ARG, flip_plan_explanation(NULL, &json, &err));
    GIVES(FLIP_E_ARG, flip_plan_explanation(plan, NULL, &err));
    GIVES(FLIP_E_ARG, flip_plan_explain(NULL, &json, &err));
    GIVES(FLIP_E_ARG, flip_plan_explain(plan, NULL, &err));
    GIVES(FLIP_E_ARG, flip_plan_memory(NULL, 5, &small, &err));
    GIVES(FLIP_E_ARG, flip_plan_memory(plan, 5, NULL, &err));
    GIVES(FLIP_E_ARG, flip_plan_memory(plan, -1, &small, &err));
    GIVES(FLIP_E_ARG, flip_plan_memory(plan, INT64_MAX, &small, &err));
    flip_plan_free(plan);
}

static void refused(const char *schema_json, const char *config, flip_status status, const char *part) {
    flip_schema *schema = NULL;
    flip_plan *plan = (flip_plan *)(void *)&schema;
    flip_error err;
    GIVES(FLIP_OK, flip_schema_parse(schema_json, strlen(schema_json), &schema, &err));
    GIVES(status, flip_plan_create(schema, config, &plan, &err));
    if (plan) check_fail(__FILE__, __LINE__, "a plan for %s", config);
    MESSAGE_HAS(part);
    flip_schema_free(schema);
}

static void bad_plans(void) {
    static const char *const one_level = "{\"fields\": [{\"name\": \"a\", \"type\": \"boolean\"}, "
        "{\"name\": \"one\", \"type\": \"string\", \"constraints\": {\"enum\": [\"x\"], \"required\": true}}]}";
    flip_plan *plan = NULL;
    flip_schema *schema = a_schema();
    flip_error err;
    refused(small_schema, NULL, FLIP_E_ARG, "epsilon");
    refused(small_schema, "{}", FLIP_E_ARG, "epsilon");
    refused(small_schema, "{\"epsilon\": 1}", FLIP_E_ARG, "delta");
    refused(small_schema, "{\"epsilon\": 0, \"delta\": 1e-5}", FLIP_E_ARG, "epsilon");
    refused(small_schema, "{\"epsilon\": -1, \"delta\": 1e-5}", FLIP_E_ARG, "epsilon");
    refused(small_schema, "{\"epsilon\": 1e9, \"delta\": 1e-5}", FLIP_E_ARG, "epsilon");
    refused(small_schema, "{\"epsilon\": \"two\", \"delta\": 1e-5}", FLIP_E_ARG, "epsilon");
    refused(small_schema, "{\"epsilon\": 1, \"delta\": 0}", FLIP_E_ARG, "delta");
    refused(small_schema, "{\"epsilon\": 1, \"delta\": 1}", FLIP_E_ARG, "delta");
    refused(small_schema, "{\"epsilon\": 1, \"delta\": 0.01, \"rows\": {\"declared\": 100}}", FLIP_E_ARG, "delta");
    refused(small_schema, "{\"epsilon\": 1, \"delta\": 0.001, \"rows\": {\"declared\": 32561}}", FLIP_E_ARG, "delta");
    refused(small_schema, "{\"epsilon\": 1, \"delta\": 1e-5, \"rows\": {\"declared\": 0}}", FLIP_E_ARG, "rows");
    refused(small_schema, "{\"epsilon\": 1, \"delta\": 1e-5, \"rows\": {\"declared\": 5, \"guess\": 6}}", FLIP_E_ARG,
            "rows");
    refused(small_schema, "{\"epsilon\": 1, \"delta\": 1e-5, \"protected\": [\"gender\"]}", FLIP_E_ARG, "gender");
    refused(small_schema, "{\"epsilon\": 1, \"delta\": 1e-5, \"protected\": \"sex\"}", FLIP_E_ARG, "protected");
    refused(small_schema, "{\"epsilon\": 1, \"delta\": 1e-5, \"protected\": [\"sex\", \"sex\"]}", FLIP_E_ARG, "sex");
    refused(small_schema, "{\"epsilon\": 1, \"delta\": 1e-5, \"preset\": \"published\", \"protected\": [\"age\"]}",
            FLIP_E_ARG, "cuts");
    refused(small_schema,
            "{\"epsilon\": 1, \"delta\": 1e-5, \"preset\": \"published\", \"protected\": [\"age\"], \"fairness\": "
            "{\"cuts\": {\"age\": [40, 30]}}}", FLIP_E_ARG, "ascend");
    refused(small_schema, "{\"epsilon\": 1, \"delta\": 1e-5, \"fairness\": {\"strength\": 1}}", FLIP_E_ARG,
            "protected");
    refused(small_schema,
            "{\"epsilon\": 1, \"delta\": 1e-5, \"preset\": \"published\", \"protected\": [\"sex\"], \"fairness\": "
            "{\"draw\": {\"sex=x\": 1}}}", FLIP_E_ARG, "sex=x");
    refused(small_schema,
            "{\"epsilon\": 1, \"delta\": 1e-5, \"preset\": \"published\", \"protected\": [\"sex\"], \"alignment\": "
            "{\"latent_means\": 1}}", FLIP_E_ARG, "latent_means");
    refused(one_level, "{\"epsilon\": 1, \"delta\": 1e-5, \"protected\": [\"one\"]}", FLIP_E_ARG, "one");
    refused(small_schema, "{\"epsilon\": 1, \"delta\": 1e-5, \"preset\": \"fastest\"}", FLIP_E_UNSUPPORTED, "preset");
    refused(small_schema, "{\"epsilon\": 1, \"delta\": 1e-5, \"learning\": 3}", FLIP_E_ARG, "learning");
    refused(small_schema, "{\"epsilon\": 1, \"delta\": 1e-5, \"autoencoder\": {\"colour\": 3}}", FLIP_E_ARG, "colour");
    refused(small_schema, "{\"epsilon\": 1, \"delta\": 1e-5, \"autoencoder\": {\"width\": 5, \"heads\": 2}}",
            FLIP_E_ARG, "heads");
    refused(small_schema, "{\"epsilon\": 1, \"delta\": 1e-5, \"autoencoder\": {\"steps\": -3}}", FLIP_E_ARG, "steps");
    refused(small_schema, "{\"epsilon\": 1, \"delta\": 1e-5, \"autoencoder\": {\"steps\": 1e30}}", FLIP_E_ARG, "steps");
    refused(small_schema, "{\"epsilon\": 1, \"epsilon\": 2, \"delta\": 1e-5}", FLIP_E_FORMAT, "epsilon");
    refused(small_schema, "{\"epsilon\": 1, \"delta\": 1e-5", FLIP_E_FORMAT, "");
    refused(small_schema, "[]", FLIP_E_ARG, "object");
    /* No noise within reach meets this. */
    refused(small_schema, "{\"epsilon\": 1e-9, \"delta\": 1e-300}", FLIP_E_BUDGET, "epsilon");
    GIVES(FLIP_E_ARG, flip_plan_create(NULL, small_plan, &plan, &err));
    GIVES(FLIP_E_ARG, flip_plan_create(schema, small_plan, NULL, &err));
    GIVES(FLIP_E_ARG, flip_plan_create(schema, "\xff", &plan, &err));
    flip_schema_free(schema);
}

const test_case plan_tests[] = {{"plan: explained", explained}, {"plan: refused", bad_plans}, {NULL, NULL}};
