/* Models: files good and bad, sampling, the ledger. */
#include "check.h"
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char *as_csv(const flip_table *table, size_t *size) {
    flip_error err;
    GIVES(FLIP_OK, flip_table_write_csv(table, path_of("rows.csv"), NULL, &err));
    return read_file(path_of("rows.csv"), size);
}

static flip_table *sample(const flip_model *model, int64_t first, int64_t count, const char *config) {
    flip_table *table = NULL;
    flip_error err;
    GIVES(FLIP_OK, flip_model_sample(model, first, count, config, NULL, NULL, &table, &err));
    CHECK(flip_table_rows(table) == count);
    return table;
}

static int same_sample(const flip_model *a, const flip_model *b, const char *config_a, const char *config_b) {
    size_t n = 0, m = 1;
    flip_table *x = sample(a, 0, 700, config_a), *y = sample(b, 0, 700, config_b);
    char *s = as_csv(x, &n), *t = as_csv(y, &m);
    int same = n == m && !memcmp(s, t, n);
    free(s); free(t); flip_table_free(x); flip_table_free(y);
    return same;
}

static void saved_and_loaded(void) {
    flip_model *model = a_model(), *again = NULL, *from_bytes = NULL;
    flip_buffer *bytes = NULL, *one = NULL, *two = NULL;
    flip_schema *schema = NULL;
    flip_error err;
    size_t size = 0;
    char *file;
    GIVES(FLIP_OK, flip_model_save(model, path_of("m.flip.h5"), &err));
    GIVES(FLIP_OK, flip_model_load(path_of("m.flip.h5"), &again, &err));
    CHECK(same_sample(model, again, "{\"seed\": 5}", "{\"seed\": 5}"));
    GIVES(FLIP_OK, flip_model_to_bytes(model, &bytes, &err));
    file = read_file(path_of("m.flip.h5"), &size);
    CHECK(size == flip_buffer_size(bytes) && !memcmp(file, flip_buffer_data(bytes), size));
    GIVES(FLIP_OK, flip_model_from_bytes(flip_buffer_data(bytes), flip_buffer_size(bytes), &from_bytes, &err));
    CHECK(same_sample(model, from_bytes, "{\"seed\": 6}", "{\"seed\": 6, \"threads\": 1}"));
    GIVES(FLIP_OK, flip_model_ledger(model, &one, &err));
    GIVES(FLIP_OK, flip_model_ledger(again, &two, &err));
    CHECK(!strcmp(flip_buffer_data(one), flip_buffer_data(two)));
    flip_buffer_free(one); flip_buffer_free(two);
    GIVES(FLIP_OK, flip_model_ledger_report(model, &one, &err));
    CHECK(strstr(flip_buffer_data(one), "What was promised\n") && strstr(flip_buffer_data(one), " histograms ")
          && strstr(flip_buffer_data(one), "What is not covered\n"));
    flip_buffer_free(one);
    GIVES(FLIP_OK, flip_model_json(model, &one, &err));
    flip_buffer_free(one);
    GIVES(FLIP_OK, flip_model_schema(model, &schema, &err));
    GIVES(FLIP_OK, flip_file_check(path_of("m.flip.h5"), &one, &err));
    CHECK(strstr(flip_buffer_data(one), "\"usable\":true") && strstr(flip_buffer_data(one), "\"verified\""));
    flip_buffer_free(one);
    free(file); flip_buffer_free(bytes); flip_schema_free(schema);
    flip_model_free(model); flip_model_free(again); flip_model_free(from_bytes);
}

static void rows_of_a_seed(void) {
    flip_model *model = a_model();
    flip_table *all = sample(model, 0, 1000, "{\"seed\": 3}"), *part, *fresh;
    int64_t x[1000], y[300];
    int32_t c[1000], d[300];
    double income;
    uint8_t valid;
    flip_error err;
    int i;
    GIVES(FLIP_OK, flip_table_get_int64(all, "age", 0, 1000, x, NULL, &err));
    GIVES(FLIP_OK, flip_table_get_codes(all, "city", 0, 1000, c, &err));
    part = sample(model, 613, 300, "{\"seed\": 3, \"threads\": 1}");
    GIVES(FLIP_OK, flip_table_get_int64(part, "age", 0, 300, y, NULL, &err));
    GIVES(FLIP_OK, flip_table_get_codes(part, "city", 0, 300, d, &err));
    CHECK(!memcmp(x + 613, y, sizeof y) && !memcmp(c + 613, d, sizeof d));
    for (i = 0; i < 1000; i++) {
        CHECK(x[i] >= 18 && x[i] <= 90 && c[i] >= -1 && c[i] < 3);
        GIVES(FLIP_OK, flip_table_get_float64(all, "income", i, 1, &income, &valid, &err));
        CHECK(!valid || (income >= 0 && income <= 1000 && income * 2 == floor(income * 2)));
    }
    CHECK(!same_sample(model, model, "{\"seed\": 3}", "{\"seed\": 4}"));
    CHECK(!same_sample(model, model, NULL, "{}"));                     /* fresh randomness each time */
    fresh = sample(model, INT64_MAX - 5, 5, "{\"seed\": 9223372036854775807}");
    flip_table_free(all); flip_table_free(part); flip_table_free(fresh); flip_model_free(model);
}

static void rows_that_meet_a_condition(void) {
    static const char *const where = "{\"seed\": 3, \"where\": {\"sex\": \"Male\", \"city\": [\"Bonn\", null], "
                                     "\"age\": {\"minimum\": 30, \"maximum\": 60}}}";
    flip_model *model = a_model();
    flip_table *all = sample(model, 0, 400, where), *part = sample(model, 113, 100, where), *none = NULL;
    int64_t x[400], y[100];
    int32_t sex[400], city[400];
    flip_error err;
    int i;
    GIVES(FLIP_OK, flip_table_get_int64(all, "age", 0, 400, x, NULL, &err));
    GIVES(FLIP_OK, flip_table_get_codes(all, "sex", 0, 400, sex, &err));
    GIVES(FLIP_OK, flip_table_get_codes(all, "city", 0, 400, city, &err));
    for (i = 0; i < 400; i++) CHECK(x[i] >= 30 && x[i] <= 60 && sex[i] == 1 && city[i] <= 0);
    GIVES(FLIP_OK, flip_table_get_int64(part, "age", 0, 100, y, NULL, &err));
    CHECK(!memcmp(x + 113, y, sizeof y));
    GIVES(FLIP_E_ARG, flip_model_sample(model, 0, 5, "{\"where\": {\"gender\": \"Male\"}}", NULL, NULL, &none, &err));
    MESSAGE_HAS("gender");
    GIVES(FLIP_E_ARG, flip_model_sample(model, 0, 5, "{\"where\": {\"age\": 17}}", NULL, NULL, &none, &err));
    GIVES(FLIP_E_ARG, flip_model_sample(model, 0, 5, "{\"where\": {\"sex\": null}}", NULL, NULL, &none, &err));
    GIVES(FLIP_E_ARG, flip_model_sample(model, 0, 5, "{\"where\": [1]}", NULL, NULL, &none, &err));
    CHECK(none == NULL);
    flip_table_free(all); flip_table_free(part); flip_model_free(model);
}

/* Several conditions in one call, and half rows completed. */
static void requests_and_half_rows(void) {
    static const char *const where = "{\"seed\": 3, \"where\": [{\"where\": {\"sex\": \"Male\"}, \"rows\": 30}, "
                                     "{\"where\": {\"age\": 44, \"sex\": \"Female\"}, \"rows\": 20}, {\"rows\": 5}]}";
    static const char half_schema[] =
        "{\"fields\": [{\"name\": \"age\", \"type\": \"integer\", "
        "\"constraints\": {\"minimum\": 18, \"maximum\": 90}}]}";
    flip_model *model = a_model();
    flip_table *rows = sample(model, 0, 55, where), *half = NULL, *whole = NULL, *none = NULL;
    flip_schema *schema = NULL;
    int64_t x[55], given[3] = {20, 0, 90};
    uint8_t valid[3] = {1, 0, 1};
    int32_t sex[55];
    flip_error err;
    int i;
    GIVES(FLIP_OK, flip_table_get_int64(rows, "age", 0, 55, x, NULL, &err));
    GIVES(FLIP_OK, flip_table_get_codes(rows, "sex", 0, 55, sex, &err));
    for (i = 0; i < 30; i++) CHECK(sex[i] == 1);
    for (i = 30; i < 50; i++) CHECK(sex[i] == 0 && x[i] == 44);
    GIVES(FLIP_E_ARG, flip_model_sample(model, 0, 9, where, NULL, NULL, &none, &err));
    MESSAGE_HAS("count");
    GIVES(FLIP_OK, flip_schema_parse(half_schema, sizeof half_schema - 1, &schema, &err));
    GIVES(FLIP_OK, flip_table_create(schema, 3, &half, &err));
    GIVES(FLIP_OK, flip_table_set_int64(half, "age", given, valid, &err));
    GIVES(FLIP_OK, flip_model_complete(model, half, "{\"seed\": 1}", NULL, NULL, &whole, &err));
    GIVES(FLIP_OK, flip_table_get_int64(whole, "age", 0, 3, x, NULL, &err));
    CHECK(flip_table_rows(whole) == 3 && x[0] == 20 && x[2] == 90 && x[1] >= 18);
    GIVES(FLIP_E_ARG, flip_model_complete(model, half, "{\"where\": {}}", NULL, NULL, &none, &err));
    CHECK(none == NULL);
    flip_table_free(rows); flip_table_free(half); flip_table_free(whole); flip_schema_free(schema);
    flip_model_free(model);
}

static int32_t stop(void *user, const flip_event *event) { (void)event; ++*(int *)user; return 1; }

static void drawn_batch_by_batch(const flip_model *model) {
    flip_schema *schema = NULL;
    flip_table *whole = sample(model, 7, 700, "{\"seed\": 3}"), *again = NULL;
    struct ArrowArrayStream stream;
    flip_error err;
    size_t n = 0, m = 1;
    char *s, *t;
    GIVES(FLIP_OK, flip_model_schema(model, &schema, &err));
    GIVES(FLIP_OK, flip_model_stream(model, 7, 700, "{\"seed\": 3, \"batch_rows\": 64}", &stream, &err));
    GIVES(FLIP_OK, flip_table_import(schema, &stream, NULL, NULL, NULL, &again, &err));
    s = as_csv(whole, &n);
    t = as_csv(again, &m);
    CHECK(n == m && !memcmp(s, t, n));
    free(s); free(t); flip_table_free(whole); flip_table_free(again); flip_schema_free(schema);
    memset(&stream, 1, sizeof stream);
    GIVES(FLIP_E_ARG, flip_model_stream(model, 0, 0, NULL, &stream, &err));
    CHECK(stream.release == NULL);
    GIVES(FLIP_E_ARG, flip_model_stream(model, -1, 5, NULL, &stream, &err));
    GIVES(FLIP_E_ARG, flip_model_stream(model, INT64_MAX, 5, NULL, &stream, &err));
    GIVES(FLIP_E_ARG, flip_model_stream(model, 0, 5, "{\"batch_rows\": 0}", &stream, &err));
    GIVES(FLIP_E_ARG, flip_model_stream(model, 0, 5, "{\"where\": []}", &stream, &err));
    GIVES(FLIP_E_ARG, flip_model_stream(model, 0, 5, "{\"sead\": 1}", &stream, &err));
    MESSAGE_HAS("sead");
    GIVES(FLIP_E_ARG, flip_model_stream(NULL, 0, 5, NULL, &stream, &err));
    GIVES(FLIP_E_ARG, flip_model_stream(model, 0, 5, NULL, NULL, &err));
    CHECK(stream.release == NULL);
}

static void arguments(void) {
    flip_model *model = a_model(), *m = model;
    flip_table *table = (flip_table *)(void *)model;
    flip_buffer *b = NULL;
    flip_schema *s = NULL;
    flip_accountant *a = NULL;
    flip_error err;
    double e1 = 0;
    int calls = 0;
    GIVES(FLIP_E_ARG, flip_model_sample(model, 0, 0, NULL, NULL, NULL, &table, &err));
    CHECK(table == NULL);
    GIVES(FLIP_E_ARG, flip_model_sample(model, 0, -1, NULL, NULL, NULL, &table, &err));
    GIVES(FLIP_E_ARG, flip_model_sample(model, -1, 5, NULL, NULL, NULL, &table, &err));
    GIVES(FLIP_E_ARG, flip_model_sample(model, INT64_MAX, 5, NULL, NULL, NULL, &table, &err));
    GIVES(FLIP_E_ARG, flip_model_sample(model, 0, INT64_MAX, NULL, NULL, NULL, &table, &err));
    GIVES(FLIP_E_ARG, flip_model_sample(model, 0, 5, "{\"seed\": -1}", NULL, NULL, &table, &err));
    GIVES(FLIP_E_ARG, flip_model_sample(model, 0, 5, "{\"seed\": 1.5}", NULL, NULL, &table, &err));
    GIVES(FLIP_E_ARG, flip_model_sample(model, 0, 5, "{\"sead\": 1}", NULL, NULL, &table, &err));
    MESSAGE_HAS("sead");
    GIVES(FLIP_E_ARG, flip_model_sample(model, 0, 5, "{\"threads\": 1000000}", NULL, NULL, &table, &err));
    GIVES(FLIP_E_ARG, flip_model_sample(NULL, 0, 5, NULL, NULL, NULL, &table, &err));
    GIVES(FLIP_E_ARG, flip_model_sample(model, 0, 5, NULL, NULL, NULL, NULL, &err));
    GIVES(FLIP_E_CANCELLED, flip_model_sample(model, 0, 100000, NULL, stop, &calls, &table, &err));
    CHECK(calls == 1 && table == NULL);
    GIVES(FLIP_E_ARG, flip_model_save(NULL, path_of("x"), &err));
    GIVES(FLIP_E_ARG, flip_model_save(model, NULL, &err));
    GIVES(FLIP_E_ARG, flip_model_load(NULL, &m, &err));
    GIVES(FLIP_E_ARG, flip_model_load(path_of("x"), NULL, &err));
    GIVES(FLIP_E_ARG, flip_model_from_bytes(NULL, 5, &m, &err));
    GIVES(FLIP_E_FORMAT, flip_model_from_bytes("", 0, &m, &err));
    GIVES(FLIP_E_FORMAT, flip_model_from_bytes("hello", 5, &m, &err));
    GIVES(FLIP_E_ARG, flip_model_from_bytes("hello", SIZE_MAX, &m, &err));
    CHECK(m == NULL);
    GIVES(FLIP_E_ARG, flip_model_to_bytes(NULL, &b, &err));
    GIVES(FLIP_E_ARG, flip_model_to_bytes(model, NULL, &err));
    GIVES(FLIP_E_ARG, flip_model_json(NULL, &b, &err));
    GIVES(FLIP_E_ARG, flip_model_json(model, NULL, &err));
    GIVES(FLIP_E_ARG, flip_model_ledger(NULL, &b, &err));
    GIVES(FLIP_E_ARG, flip_model_ledger(model, NULL, &err));
    GIVES(FLIP_E_ARG, flip_model_ledger_report(NULL, &b, &err));
    GIVES(FLIP_E_ARG, flip_model_ledger_report(model, NULL, &err));
    GIVES(FLIP_E_ARG, flip_model_estimate(NULL, NULL, &b, &err));
    GIVES(FLIP_E_ARG, flip_model_estimate(model, NULL, NULL, &err));
    GIVES(FLIP_E_ARG, flip_model_estimate(model, "{\"column\": \"no such column\"}", &b, &err));
    CHECK(b == NULL && strstr(err.message, "no such column"));
    GIVES(FLIP_E_ARG, flip_model_estimate(model, "{\"what\": \"mode\"}", &b, &err));
    GIVES(FLIP_E_ARG, flip_model_report(NULL, NULL, &b, &err));
    GIVES(FLIP_E_ARG, flip_model_report(model, "{\"rows\": 1}", &b, &err));
    GIVES(FLIP_OK, flip_model_report(model, "{\"rows\": 100, \"title\": \"<b>\"}", &b, &err));
    flip_buffer *page = NULL;
    GIVES(FLIP_OK, flip_report_page(flip_buffer_data(b), flip_buffer_size(b), &page, &err));
    CHECK(strstr(flip_buffer_data(page), "&lt;b&gt;") && !strstr(flip_buffer_data(page), "<b>\""));
    flip_buffer_free(page); flip_buffer_free(b);
    GIVES(FLIP_E_ARG, flip_report_page("{}", 2, &page, &err));
    GIVES(FLIP_E_FORMAT, flip_report_page("{", 1, &page, &err));
    GIVES(FLIP_E_ARG, flip_report_page(NULL, 2, &page, &err));
    CHECK(page == NULL);
    flip_table *again_rows = NULL;
    drawn_batch_by_batch(model);
    GIVES(FLIP_E_ARG, flip_model_replicate(model, 0, 10, NULL, NULL, NULL, &again_rows, &err));
    GIVES(FLIP_E_ARG, flip_model_replicate(model, 1, 0, NULL, NULL, NULL, &again_rows, &err));
    GIVES(FLIP_E_ARG, flip_model_replicate(model, 1, 10, "{\"stage\": \"projection\"}", NULL, NULL, &again_rows, &err));
    CHECK(again_rows == NULL);
    flip_model *refitted = NULL;
    GIVES(FLIP_E_ARG, flip_model_refit(NULL, NULL, NULL, NULL, &refitted, &err));
    GIVES(FLIP_E_ARG, flip_model_refit(model, NULL, NULL, NULL, NULL, &err));
    CHECK(refitted == NULL);
    GIVES(FLIP_E_ARG, flip_model_frontier(NULL, NULL, &b, &err));
    GIVES(FLIP_E_ARG, flip_model_frontier(model, "{\"strength\": [1]}", &b, &err));
    double rates[3] = {0, 0.1, 1}, found[3];
    GIVES(FLIP_OK, flip_model_trade_off(model, NULL, rates, 3, found, &err));
    CHECK(found[0] >= 0 && found[0] < found[1] && found[1] < 1 && found[1] > 0.1 && found[2] == 1);
    GIVES(FLIP_E_ARG, flip_model_trade_off(NULL, NULL, rates, 3, found, &err));
    GIVES(FLIP_E_ARG, flip_model_trade_off(model, "nobody", rates, 3, found, &err));
    GIVES(FLIP_E_ARG, flip_model_trade_off(model, NULL, NULL, 3, found, &err));
    GIVES(FLIP_E_ARG, flip_model_trade_off(model, NULL, rates, 0, found, &err));
    rates[1] = -0.1;
    GIVES(FLIP_E_ARG, flip_model_trade_off(model, NULL, rates, 3, found, &err));
    GIVES(FLIP_E_ARG, flip_model_schema(NULL, &s, &err));
    GIVES(FLIP_E_ARG, flip_model_schema(model, NULL, &err));
    GIVES(FLIP_E_ARG, flip_accountant_of_model(model, "renyi", "nobody", &a, &err));
    GIVES(FLIP_E_ARG, flip_accountant_of_model(model, NULL, NULL, &a, &err));
    GIVES(FLIP_E_UNSUPPORTED, flip_accountant_of_model(model, "pld", NULL, &a, &err));
    GIVES(FLIP_OK, flip_accountant_of_model(model, "renyi", NULL, &a, &err));
    GIVES(FLIP_OK, flip_accountant_epsilon(a, 1e-5, &e1, &err));
    CHECK(e1 > 0 && e1 <= 4 * (1 + 1e-9));
    flip_accountant_free(a);
    GIVES(FLIP_OK, flip_accountant_of_model(model, "renyi", "sex=Male", &a, &err));
    flip_accountant_free(a); flip_model_free(model);
}

/* Cut, changed, foreign and newer files: an error each, never a model, never a crash. */
static void bad_files(void) {
    flip_model *model = a_model(), *out = NULL;
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 10);
    flip_buffer *json = NULL;
    flip_error err;
    const char *path = path_of("m.flip.h5"), *bad = path_of("bad.flip.h5");
    /* the line behind the HDF5 file: a digest of all before it */
    const size_t seal = 78;
    size_t size = 0, keep;
    char *bytes, *copy, command[700];
    uint32_t state = 7;
    int round, changed = 0;
    GIVES(FLIP_OK, flip_model_save(model, path, &err));
    bytes = read_file(path, &size);
    for (keep = 0; keep < size; keep += keep < 400 ? 13 : 1 + size / 41) {
        write_bytes(bad, bytes, keep);
        GIVES(FLIP_E_FORMAT, flip_model_load(bad, &out, &err));
        CHECK(out == NULL);
    }
    copy = (char *)malloc(size + 1);
    for (round = 0; round < 200; round++) {
        memcpy(copy, bytes, size);
        state = state * 1664525u + 1013904223u;
        copy[(state >> 3) % size] ^= (char)(1 << (state % 8));
        if (flip_model_from_bytes(copy, size, &out, &err) == FLIP_OK) check_fail(__FILE__, __LINE__,
            "round %d: a changed file was accepted", round);
        if (err.code != FLIP_E_FORMAT && err.code != FLIP_E_VERSION) check_fail(__FILE__, __LINE__, "round %d: %s",
            round, err.message);
    }
    /* A whole file of format 9.0: versions changed, sealed again. */
    memcpy(copy, bytes, size);
    for (keep = 1; keep + 4 < size - seal; keep++) if (!memcmp(copy + keep, "1.0", 4)
                                                       && copy[keep - 1] != '.') { copy[keep] = '9'; changed++; }
    CHECK(changed >= 2);
    write_bytes(bad, copy, size - seal);
    snprintf(command, sizeof command, "d=$(sha256sum < '%s' | cut -c1-64) && printf '\\nflip-sha256 %%s\\n' $d >> '%s'",
             bad, bad);
    CHECK(system(command) == 0);
    GIVES(FLIP_E_VERSION, flip_model_load(bad, &out, &err));
    MESSAGE_HAS("9.0");
    GIVES(FLIP_OK, flip_file_check(bad, &json, &err));
    CHECK(strstr(flip_buffer_data(json), "\"usable\":false") && strstr(flip_buffer_data(json), "\"problem\""));
    flip_buffer_free(json);
    GIVES(FLIP_OK, flip_table_write_hdf5(table, bad, NULL, &err));         /* HDF5, but of another kind */
    GIVES(FLIP_E_FORMAT, flip_model_load(bad, &out, &err));
    write_file(bad, "age,sex\n18,Male\n");
    GIVES(FLIP_E_FORMAT, flip_model_load(bad, &out, &err));
    GIVES(FLIP_E_IO, flip_model_load(path_of("none.h5"), &out, &err));
    GIVES(FLIP_E_IO, flip_model_load("/tmp", &out, &err));
    mkfifo(path_of("pipe"), 0600);
    GIVES(FLIP_E_IO, flip_model_load(path_of("pipe"), &out, &err));        /* not a regular file: does not wait */
    if (geteuid() == 0 && !seteuid(65534)) {
        chmod(path, 0600);
        GIVES(FLIP_E_IO, flip_model_load(path, &out, &err));               /* somebody else's */
        if (seteuid(0)) abort();
    }
    CHECK(out == NULL);
    free(bytes); free(copy); flip_model_free(model); flip_table_free(table); flip_schema_free(schema);
}

static void full_disk_and_read_only(void) {
    flip_model *model = a_model(), *again = NULL;
    flip_error err;
    struct rlimit limit = {5000, 5000};
    const char *path = path_of("m.flip.h5"), *folder = path_of("locked"), *inside = path_of("locked/m.flip.h5");
    GIVES(FLIP_OK, flip_model_save(model, path, &err));
    GIVES(FLIP_E_IO, flip_model_save(model, path_of("no/such/m.h5"), &err));
    GIVES(FLIP_E_IO, flip_model_save(model, "/proc/m.h5", &err));
    GIVES(FLIP_E_IO, flip_model_save(model, "/dev/full", &err));
    mkdir(folder, 0500);
    if (geteuid() == 0) {
        if (seteuid(65534)) abort();
        GIVES(FLIP_E_IO, flip_model_save(model, inside, &err));
        if (seteuid(0)) abort();
    } else {
        GIVES(FLIP_E_IO, flip_model_save(model, inside, &err));
    }
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit)) abort();
    GIVES(FLIP_E_IO, flip_model_save(model, path, &err));
    GIVES(FLIP_OK, flip_model_load(path, &again, &err));                   /* the old one is still there, whole */
    flip_model_free(again); flip_model_free(model);
}

const test_case model_tests[] = {
    {"model: saved and loaded", saved_and_loaded}, {"model: rows of a seed", rows_of_a_seed},
    {"model: rows that meet a condition", rows_that_meet_a_condition},
    {"model: requests and half rows", requests_and_half_rows}, {"model: arguments", arguments},
    {"model: bad files", bad_files}, {"model: full disk, read-only target", full_disk_and_read_only}, {NULL, NULL}};
