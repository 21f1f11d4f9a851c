/* Accountants and calibration. That the figures are right is tested elsewhere; here: that they are these, and that bad
 * input is refused. */
#include "check.h"
#include <math.h>

static void known_figures(void) {
    flip_accountant *a = NULL;
    flip_error err;
    double epsilon = -1, delta = -1;
    GIVES(FLIP_OK, flip_accountant_create("renyi", &a, &err));
    GIVES(FLIP_OK, flip_accountant_epsilon(a, 1e-5, &epsilon, &err));
    CHECK(epsilon == 0);
    /* One release of a Gaussian with noise 1 and rate 1: min over orders of a/2 + log((a-1)/a) - (log delta + log
     * a)/(a-1). */
    GIVES(FLIP_OK, flip_accountant_compose_gaussian(a, 1, 1, 1, &err));
    GIVES(FLIP_OK, flip_accountant_epsilon(a, 1e-5, &epsilon, &err));
    {
        double best = INFINITY;
        int order;
        for (order = 2; order <= 64; order++) {
            double e = order / 2.0 + log1p(-1.0 / order) - (log(1e-5) + log(order)) / (order - 1);
            if (e < best) best = e;
        }
        CHECK(fabs(epsilon - best) < 1e-9 && epsilon >= best);
    }
    GIVES(FLIP_OK, flip_accountant_delta(a, epsilon, &delta, &err));
    CHECK(delta >= 1e-5 * (1 - 1e-9) && delta < 1.0001e-5);
    GIVES(FLIP_OK, flip_accountant_compose_gaussian(a, 0.5, 0, 1, &err));       /* no noise */
    GIVES(FLIP_OK, flip_accountant_epsilon(a, 1e-5, &epsilon, &err));
    CHECK(isinf(epsilon) && epsilon > 0);
    GIVES(FLIP_OK, flip_accountant_delta(a, 1, &delta, &err));
    CHECK(delta == 1);
    flip_accountant_free(a);
}

static void counts_add(void) {
    flip_accountant *one = NULL, *many = NULL;
    flip_error err;
    double e1 = 0, e2 = 1;
    int i;
    GIVES(FLIP_OK, flip_accountant_create("renyi", &one, &err));
    GIVES(FLIP_OK, flip_accountant_create("renyi", &many, &err));
    GIVES(FLIP_OK, flip_accountant_compose_gaussian(one, 0.03, 1.6, 400, &err));
    for (i = 0; i < 40; i++) GIVES(FLIP_OK, flip_accountant_compose_gaussian(many, 0.03, 1.6, 10, &err));
    GIVES(FLIP_OK, flip_accountant_epsilon(one, 1e-5, &e1, &err));
    GIVES(FLIP_OK, flip_accountant_epsilon(many, 1e-5, &e2, &err));
    CHECK(fabs(e1 - e2) < 1e-9 * e1);
    flip_accountant_free(one); flip_accountant_free(many);
}

static void refused(void) {
    flip_accountant *a = NULL;
    flip_error err;
    double x = 7;
    GIVES(FLIP_E_UNSUPPORTED, flip_accountant_create("moments", &a, &err));
    MESSAGE_HAS("pld");
    CHECK(a == NULL);
    GIVES(FLIP_E_ARG, flip_accountant_create(NULL, &a, &err));
    GIVES(FLIP_E_ARG, flip_accountant_create("renyi", NULL, &err));
    GIVES(FLIP_OK, flip_accountant_create("renyi", &a, &err));
    GIVES(FLIP_E_ARG, flip_accountant_compose_gaussian(NULL, 0.1, 1, 1, &err));
    GIVES(FLIP_E_ARG, flip_accountant_compose_gaussian(a, -0.1, 1, 1, &err));
    GIVES(FLIP_E_ARG, flip_accountant_compose_gaussian(a, 1.1, 1, 1, &err));
    GIVES(FLIP_E_ARG, flip_accountant_compose_gaussian(a, NAN, 1, 1, &err));
    GIVES(FLIP_E_ARG, flip_accountant_compose_gaussian(a, 0.1, -1, 1, &err));
    GIVES(FLIP_E_ARG, flip_accountant_compose_gaussian(a, 0.1, NAN, 1, &err));
    GIVES(FLIP_E_ARG, flip_accountant_compose_gaussian(a, 0.1, INFINITY, 1, &err));
    GIVES(FLIP_E_ARG, flip_accountant_compose_gaussian(a, 0.1, 1, -1, &err));
    GIVES(FLIP_E_ARG, flip_accountant_compose_gaussian(a, 0.1, 1, INT64_MAX, &err));
    GIVES(FLIP_OK, flip_accountant_epsilon(a, 1e-5, &x, &err));
    CHECK(x == 0);                                             /* nothing of the above was added */
    GIVES(FLIP_E_ARG, flip_accountant_epsilon(a, 0, &x, &err));
    GIVES(FLIP_E_ARG, flip_accountant_epsilon(a, 1, &x, &err));
    GIVES(FLIP_E_ARG, flip_accountant_epsilon(a, NAN, &x, &err));
    GIVES(FLIP_E_ARG, flip_accountant_epsilon(a, 1e-5, NULL, &err));
    GIVES(FLIP_E_ARG, flip_accountant_epsilon(NULL, 1e-5, &x, &err));
    GIVES(FLIP_E_ARG, flip_accountant_delta(a, -1, &x, &err));
    GIVES(FLIP_E_ARG, flip_accountant_delta(a, NAN, &x, &err));
    GIVES(FLIP_E_ARG, flip_accountant_delta(a, 1, NULL, &err));
    GIVES(FLIP_E_ARG, flip_accountant_of_model(NULL, "renyi", NULL, &a, &err));
    CHECK(a == NULL);
}

/* Every mechanism under both kinds; closed forms where there are some. */
static void mechanisms(void) {
    static const char *const kinds[] = {"renyi", "pld"};
    int k;
    for (k = 0; k < 2; k++) {
        flip_accountant *a = NULL;
        flip_error err;
        double epsilon = 0, more = 0, delta = 1;
        GIVES(FLIP_OK, flip_accountant_create(kinds[k], &a, &err));
        GIVES(FLIP_OK, flip_accountant_compose_laplace(a, 4, 1, &err));
        GIVES(FLIP_OK, flip_accountant_epsilon(a, 1e-9, &epsilon, &err));
        CHECK(epsilon > 0.2499 && epsilon < (k ? 0.2501 : 0.6));       /* one release is 1/4-private */
        GIVES(FLIP_OK, flip_accountant_compose_pure(a, 0.1, 2, &err));
        GIVES(FLIP_OK, flip_accountant_epsilon(a, 1e-9, &more, &err));
        CHECK(more > epsilon && more < (k ? 0.4501 : 1));
        GIVES(FLIP_OK, flip_accountant_compose_zcdp(a, 0.01, 1, &err));
        GIVES(FLIP_OK, flip_accountant_epsilon(a, 1e-9, &epsilon, &err));
        CHECK(epsilon > more);
        GIVES(FLIP_OK, flip_accountant_compose_discrete_gaussian(a, 10, 1, 3, &err));
        GIVES(FLIP_OK, flip_accountant_epsilon(a, 1e-9, &more, &err));
        CHECK(more > epsilon);
        GIVES(FLIP_OK, flip_accountant_compose_selection(a, 1e-7, 1, &err));
        GIVES(FLIP_OK, flip_accountant_epsilon(a, 1e-7, &more, &err));
        CHECK(isinf(more));                                            /* nothing of delta is left */
        GIVES(FLIP_OK, flip_accountant_epsilon(a, 1e-5, &epsilon, &err));
        GIVES(FLIP_OK, flip_accountant_delta(a, epsilon, &delta, &err));
        CHECK(delta > 0.9e-5 && delta < 1.1e-5);
        GIVES(FLIP_OK, flip_accountant_set_rows(a, 3, &err));
        GIVES(FLIP_OK, flip_accountant_epsilon(a, 1e-5, &more, &err));
        CHECK(more > 2 * epsilon);
        GIVES(FLIP_OK, flip_accountant_set_rows(a, 1, &err));
        GIVES(FLIP_OK, flip_accountant_epsilon(a, 1e-5, &more, &err));
        CHECK(more == epsilon);
        GIVES(FLIP_E_ARG, flip_accountant_set_rows(a, 0, &err));
        GIVES(FLIP_E_ARG, flip_accountant_set_rows(a, 1025, &err));
        GIVES(FLIP_E_ARG, flip_accountant_set_rows(NULL, 1, &err));
        GIVES(FLIP_E_ARG, flip_accountant_compose_laplace(a, -1, 1, &err));
        GIVES(FLIP_E_ARG, flip_accountant_compose_laplace(NULL, 1, 1, &err));
        GIVES(FLIP_E_ARG, flip_accountant_compose_discrete_gaussian(a, 1, 0, 1, &err));
        GIVES(FLIP_E_ARG, flip_accountant_compose_discrete_gaussian(a, NAN, 1, 1, &err));
        GIVES(FLIP_E_ARG, flip_accountant_compose_discrete_gaussian(a, 1, INT64_MAX, 1, &err));
        GIVES(FLIP_E_ARG, flip_accountant_compose_pure(a, INFINITY, 1, &err));
        GIVES(FLIP_E_ARG, flip_accountant_compose_zcdp(a, -1, 1, &err));
        GIVES(FLIP_E_ARG, flip_accountant_compose_selection(a, 1, 1, &err));
        GIVES(FLIP_E_ARG, flip_accountant_compose_selection(a, 1e-9, -1, &err));
        GIVES(FLIP_OK, flip_accountant_epsilon(a, 1e-5, &more, &err));
        CHECK(more == epsilon);                                        /* nothing of the above was added */
        flip_accountant_free(a);
    }
}

static void calibration(void) {
    static const char *const events = "[{\"sampling_rate\": 0.03, \"noise_multiplier\": 1, \"count\": 400}, "
                                      "{\"sampling_rate\": 1, \"noise_multiplier\": 20}]";
    double scale = 0, epsilon = 0;
    flip_accountant *a = NULL;
    flip_error err;
    GIVES(FLIP_OK, flip_calibrate("renyi", events, 2, 1e-5, &scale, &err));
    GIVES(FLIP_OK, flip_accountant_create("renyi", &a, &err));
    GIVES(FLIP_OK, flip_accountant_compose_gaussian(a, 0.03, scale, 400, &err));
    GIVES(FLIP_OK, flip_accountant_compose_gaussian(a, 1, 20 * scale, 1, &err));
    GIVES(FLIP_OK, flip_accountant_epsilon(a, 1e-5, &epsilon, &err));
    CHECK(epsilon <= 2 && epsilon > 2 - 1e-6);
    flip_accountant_free(a);
    GIVES(FLIP_E_ARG, flip_calibrate("renyi", events, 0, 1e-5, &scale, &err));
    CHECK(scale == 0);
    GIVES(FLIP_E_ARG, flip_calibrate("renyi", events, NAN, 1e-5, &scale, &err));
    GIVES(FLIP_E_ARG, flip_calibrate("renyi", events, 2, 0, &scale, &err));
    GIVES(FLIP_E_ARG, flip_calibrate("renyi", events, 2, 1, &scale, &err));
    GIVES(FLIP_E_ARG, flip_calibrate("renyi", NULL, 2, 1e-5, &scale, &err));
    GIVES(FLIP_E_ARG, flip_calibrate("renyi", events, 2, 1e-5, NULL, &err));
    GIVES(FLIP_E_FORMAT, flip_calibrate("renyi", "[", 2, 1e-5, &scale, &err));
    GIVES(FLIP_E_ARG, flip_calibrate("renyi", "{}", 2, 1e-5, &scale, &err));
    GIVES(FLIP_E_ARG, flip_calibrate("renyi", "[]", 2, 1e-5, &scale, &err));
    GIVES(FLIP_E_ARG, flip_calibrate("renyi", "[{\"sampling_rate\": 2, \"noise_multiplier\": 1}]", 2, 1e-5, &scale,
                                     &err));
    GIVES(FLIP_E_ARG, flip_calibrate("renyi", "[{\"sampling_rate\": 0.1, \"noise_multiplier\": 1, \"rows\": 5}]", 2,
                                     1e-5, &scale, &err));
    MESSAGE_HAS("rows");
    GIVES(FLIP_E_UNSUPPORTED, flip_calibrate("moments", events, 2, 1e-5, &scale, &err));
    {
        double smaller = 0, several = 0;
        GIVES(FLIP_OK, flip_calibrate("renyi", events, 2, 1e-5, &scale, &err));
        GIVES(FLIP_OK, flip_calibrate("pld", events, 2, 1e-5, &smaller, &err));
        CHECK(smaller < scale && smaller > 0.5 * scale);
        GIVES(FLIP_OK, flip_calibrate("renyi",
                                      "{\"rows\": 2, \"events\": [{\"sampling_rate\": 0.03, \"noise_multiplier\": 1, "
                                      "\"count\": 400}]}", 2, 1e-5, &several, &err));
        CHECK(several > scale);
        GIVES(FLIP_OK, flip_calibrate("pld",
                                      "[{\"mechanism\": \"laplace\", \"noise_multiplier\": 1}, {\"mechanism\": "
                                      "\"zcdp\", \"rho\": 0.01}]", 2, 1e-5, &scale, &err));
        GIVES(FLIP_E_ARG, flip_calibrate("pld", "[{\"mechanism\": \"geometric\", \"noise_multiplier\": 1}]", 2, 1e-5,
                                         &scale, &err));
        GIVES(FLIP_E_BUDGET, flip_calibrate("pld", "[{\"mechanism\": \"pure\", \"epsilon\": 3}]", 2, 1e-5, &scale,
                                            &err));
    }
    GIVES(FLIP_E_BUDGET, flip_calibrate("renyi",
                                        "[{\"sampling_rate\": 1, \"noise_multiplier\": 1, \"count\": "
                                        "9007199254740992}]", 1e-4, 1e-300, &scale, &err));
}

const test_case accountant_tests[] = {
    {"accountant: known figures", known_figures}, {"accountant: counts add", counts_add},
    {"accountant: refused", refused},
    {"accountant: mechanisms", mechanisms},
    {"accountant: calibration", calibration}, {NULL, NULL}};
