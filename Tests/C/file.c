/* Tables in files: CSV and HDF5, good ones and all the bad ones. */
#include "check.h"
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const good =
    "joined,sex,age,member,city,income\r\n"
    "2020-01-01,Male,18,true,\"Trier, \"\"S\xc3\xbc""d\"\"\",0.5\r\n"
    "2020-12-31,Female,90.0,NA,,\r\n"
    ",Female,44,false,K\xc3\xb6ln,1000\r\n";

static flip_table *read_text(const char *text, const char *config, flip_status wanted, flip_error *err_out) {
    flip_schema *schema = a_schema();
    flip_table *table = (flip_table *)(void *)schema;
    flip_error err;
    const char *path = path_of("in.csv");
    write_file(path, text);
    GIVES(wanted, flip_table_read_csv(schema, path, config, NULL, NULL, &table, &err));
    CHECK((table == NULL) == (wanted != FLIP_OK));
    if (err_out) *err_out = err;
    flip_schema_free(schema);
    return table;
}

/* Two tables hold the same cells: as text they are equal. */
static void same_rows(const flip_table *a, const flip_table *b) {
    flip_error err;
    size_t n = 0, m = 1;
    char *x, *y;
    GIVES(FLIP_OK, flip_table_write_csv(a, path_of("a.csv"), NULL, &err));
    GIVES(FLIP_OK, flip_table_write_csv(b, path_of("b.csv"), NULL, &err));
    x = read_file(path_of("a.csv"), &n);
    y = read_file(path_of("b.csv"), &m);
    CHECK(x && y && n == m && !memcmp(x, y, n));
    free(x); free(y);
}

static void csv_round_trip(void) {
    flip_table *table = read_text(good, NULL, FLIP_OK, NULL), *again = NULL;
    flip_schema *schema = a_schema();
    flip_error err;
    CHECK(flip_table_rows(table) == 3);
    GIVES(FLIP_OK, flip_table_write_csv(table, path_of("out.csv"), NULL, &err));
    GIVES(FLIP_OK, flip_table_read_csv(schema, path_of("out.csv"), NULL, NULL, NULL, &again, &err));
    same_rows(table, again);
    flip_table_free(again);
    GIVES(FLIP_OK, flip_table_write_csv(table, path_of("out.csv"), "{\"delimiter\": \";\"}", &err));
    GIVES(FLIP_OK, flip_table_read_csv(schema, path_of("out.csv"), "{\"delimiter\": \";\"}", NULL, NULL, &again, &err));
    same_rows(table, again);
    flip_table_free(again); flip_table_free(table); flip_schema_free(schema);
}

static void bad_csv(void) {
    flip_error err;
    /* not even a header */
    read_text("", NULL, FLIP_E_FORMAT, &err);
    read_text("age,sex,city,income,member,joined\n", NULL, FLIP_E_SCHEMA, &err);                       /* no rows */
    /* column missing */
    read_text("age,sex,city,income,member\n18,Male,,,\n", NULL, FLIP_E_SCHEMA, &err);
    MESSAGE_HAS("joined");
    read_text("age,sex,city,income,member,joined,extra\n18,Male,,,,,1\n", NULL, FLIP_E_SCHEMA, &err);
    flip_table_free(read_text("age,sex,city,income,member,joined,extra\n18,Male,,,,,1\n", "{\"extra\": \"ignore\"}",
                              FLIP_OK, &err));
    read_text("age,sex,city,income,member,joined\n18,Male,,,,\n18,Canary-cell,,,,\n", NULL, FLIP_E_SCHEMA, &err);
    MESSAGE_HAS("in.csv");
    MESSAGE_HAS("3");
    MESSAGE_HAS("sex");
    MESSAGE_LACKS("Canary");
    read_text("age,sex,city,income,member,joined\n17,Male,,,,\n", NULL, FLIP_E_SCHEMA, &err);
    MESSAGE_LACKS("17");
    flip_table_free(read_text("age,sex,city,income,member,joined\n17,Male,Canary,0.3,maybe,2033-01-01\n",
                              "{\"invalid\": \"coerce\"}", FLIP_OK, &err));
    read_text("age,sex,city,income,member,joined\n18,Male,\"open,,,\n", NULL, FLIP_E_FORMAT, &err);
    read_text("age,sex,city,income,member,joined\n18,Male,\xff,,,\n", NULL, FLIP_E_FORMAT, &err);
    read_text("age,sex,city,income,member,joined\n18,Male\n", NULL, FLIP_E_FORMAT, &err);
    read_text(good, "{\"delimitre\": \";\"}", FLIP_E_ARG, &err);
    MESSAGE_HAS("delimitre");
    read_text(good, "{\"delimiter\": \"ab\"}", FLIP_E_ARG, &err);
    read_text(good, "{\"invalid\": \"ignore\"}", FLIP_E_ARG, &err);
    read_text(good, "{", FLIP_E_FORMAT, &err);
    read_text(good, "[]", FLIP_E_ARG, &err);
}

static void hdf5_round_trip(void) {
    flip_table *table = read_text(good, NULL, FLIP_OK, NULL), *again = NULL;
    flip_schema *schema = a_schema();
    flip_error err;
    const char *path = path_of("t.h5");
    GIVES(FLIP_OK, flip_table_write_hdf5(table, path, NULL, &err));
    GIVES(FLIP_OK, flip_table_read_hdf5(NULL, path, NULL, &again, &err));
    same_rows(table, again);
    flip_table_free(again);
    GIVES(FLIP_OK, flip_table_read_hdf5(schema, path, "/data", &again, &err));
    same_rows(table, again);
    flip_table_free(again);
    GIVES(FLIP_E_FORMAT, flip_table_read_hdf5(schema, path, "/nothing", &again, &err));
    GIVES(FLIP_OK, flip_table_write_hdf5(table, path_of("u.h5"), "/deep/er", &err));
    GIVES(FLIP_OK, flip_table_read_hdf5(NULL, path_of("u.h5"), "/deep/er", &again, &err));
    same_rows(table, again);
    flip_table_free(again); flip_table_free(table); flip_schema_free(schema);
}

static void convert(void) {
    flip_table *table = read_text(good, NULL, FLIP_OK, NULL), *again = NULL;
    flip_schema *schema = a_schema();
    flip_error err;
    GIVES(FLIP_OK, flip_table_convert(schema, path_of("in.csv"), path_of("c.h5"), NULL, NULL, NULL, &err));
    GIVES(FLIP_OK, flip_table_read_hdf5(NULL, path_of("c.h5"), NULL, &again, &err));
    same_rows(table, again);
    GIVES(FLIP_OK, flip_table_convert(NULL, path_of("c.h5"), path_of("c.csv"), NULL, NULL, NULL, &err));
    flip_table_free(again);
    GIVES(FLIP_OK, flip_table_read_csv(schema, path_of("c.csv"), NULL, NULL, NULL, &again, &err));
    same_rows(table, again);
    GIVES(FLIP_E_ARG, flip_table_convert(NULL, path_of("in.csv"), path_of("d.h5"), NULL, NULL, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_convert(schema, NULL, path_of("d.h5"), NULL, NULL, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_convert(schema, path_of("in.csv"), NULL, NULL, NULL, NULL, &err));
    GIVES(FLIP_E_IO, flip_table_convert(schema, path_of("none.csv"), path_of("d.h5"), NULL, NULL, NULL, &err));
    write_file(path_of("bad.csv"), "age,sex,city,income,member,joined\n18,Male,,,,\n17,Male,,,,\n");
    GIVES(FLIP_E_SCHEMA, flip_table_convert(schema, path_of("bad.csv"), path_of("d.h5"), NULL, NULL, NULL, &err));
    CHECK(!file_exists(path_of("d.h5")));
    flip_table_free(again); flip_table_free(table); flip_schema_free(schema);
}

/* What `coerce` replaced, in a table and in a file that is converted; groups of both files; the check of a
 * dataframe. */
static void replaced_and_groups(void) {
    static const char *const bad = "age,sex,city,income,member,joined\n999,Male,,,,\n-5,Male,Nowhere,,,\n18,Male,,,,\n";
    const char *coerce = "{\"invalid\": \"coerce\"}";
    flip_table *table = read_text(bad, coerce, FLIP_OK, NULL), *again = NULL;
    flip_schema *schema = a_schema();
    flip_buffer *json = NULL;
    flip_error err;
    GIVES(FLIP_OK, flip_table_replaced(table, &json, &err));
    CHECK(strstr(flip_buffer_data(json), "\"rows\":3,\"replaced\":{\"age\":2,\"city\":1}") != NULL);
    flip_buffer_free(json);
    GIVES(FLIP_OK, flip_table_convert_group(schema, path_of("in.csv"), NULL, path_of("g.h5"), "/a/b", coerce,
                                            NULL, NULL, &json, &err));
    CHECK(strstr(flip_buffer_data(json), "\"rows\":3,\"replaced\":{\"age\":2,\"city\":1}") != NULL);
    flip_buffer_free(json);
    GIVES(FLIP_OK, flip_table_read_hdf5(NULL, path_of("g.h5"), "/a/b", &again, &err));
    same_rows(table, again);
    GIVES(FLIP_OK, flip_table_replaced(again, &json, &err));
    CHECK(strstr(flip_buffer_data(json), "\"replaced\":{}") != NULL);
    flip_buffer_free(json); flip_table_free(again);
    GIVES(FLIP_OK, flip_table_convert_group(NULL, path_of("g.h5"), "/a/b", path_of("g.csv"), NULL, NULL, NULL,
                                            NULL, NULL, &err));
    GIVES(FLIP_OK, flip_table_read_csv(schema, path_of("g.csv"), NULL, NULL, NULL, &again, &err));
    same_rows(table, again);
    flip_table_free(again);
    GIVES(FLIP_E_FORMAT, flip_table_convert_group(NULL, path_of("g.h5"), NULL, path_of("n.csv"), NULL, NULL, NULL,
                                                  NULL, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_convert_group(schema, path_of("in.csv"), "/a", path_of("n.h5"), NULL, coerce,
                                               NULL, NULL, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_convert_group(NULL, path_of("g.h5"), "/a/b", path_of("n.csv"), "/a", NULL, NULL,
                                               NULL, NULL, &err));
    GIVES(FLIP_OK, flip_table_convert_group(NULL, path_of("g.h5"), "/a/b", path_of("n.csv"), NULL, coerce,
                                               NULL, NULL, NULL, &err));
    GIVES(FLIP_OK, flip_schema_check_hdf5(schema, path_of("g.h5"), "/a/b", NULL, NULL, &json, &err));
    CHECK(strstr(flip_buffer_data(json), "\"fits\":true,\"rows\":3") != NULL);
    flip_buffer_free(json);
    GIVES(FLIP_E_FORMAT, flip_schema_check_hdf5(schema, path_of("g.h5"), NULL, NULL, NULL, &json, &err));
    flip_table_free(table); flip_schema_free(schema);
}

/* Files that are damaged, foreign, or no files at all. */
static void bad_files(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 40), *out = NULL;
    flip_buffer *json = NULL;
    flip_error err;
    size_t size = 0, keep;
    char *bytes;
    const char *path = path_of("t.h5"), *cut = path_of("cut.h5");
    GIVES(FLIP_OK, flip_table_write_hdf5(table, path, NULL, &err));
    bytes = read_file(path, &size);
    for (keep = 0; keep < size; keep += keep < 600 ? 7 : size / 37) {
        write_bytes(cut, bytes, keep);
        GIVES(FLIP_E_FORMAT, flip_table_read_hdf5(NULL, cut, NULL, &out, &err));
        CHECK(out == NULL);
    }
    write_file(cut, "this is no HDF5 file at all, it is text");
    GIVES(FLIP_E_FORMAT, flip_table_read_hdf5(NULL, cut, NULL, &out, &err));
    GIVES(FLIP_OK, flip_file_check(cut, &json, &err));
    CHECK(strstr(flip_buffer_data(json), "\"usable\":false"));
    flip_buffer_free(json);
    GIVES(FLIP_E_IO, flip_table_read_hdf5(NULL, path_of("absent.h5"), NULL, &out, &err));
    GIVES(FLIP_E_IO, flip_file_check(path_of("absent.h5"), &json, &err));
    CHECK(json == NULL);
    GIVES(FLIP_E_IO, flip_table_read_csv(schema, path_of("absent.csv"), NULL, NULL, NULL, &out, &err));
    MESSAGE_HAS("absent.csv");
    GIVES(FLIP_E_IO, flip_table_read_csv(schema, "/tmp", NULL, NULL, NULL, &out, &err));
    GIVES(FLIP_E_IO, flip_table_read_hdf5(NULL, "/tmp", NULL, &out, &err));
    if (geteuid() != 0) {
        chmod(path, 0);
        GIVES(FLIP_E_IO, flip_table_read_hdf5(NULL, path, NULL, &out, &err));
    }
    GIVES(FLIP_E_ARG, flip_table_read_csv(schema, NULL, NULL, NULL, NULL, &out, &err));
    GIVES(FLIP_E_ARG, flip_table_read_csv(NULL, path, NULL, NULL, NULL, &out, &err));
    GIVES(FLIP_E_ARG, flip_table_read_csv(schema, path, NULL, NULL, NULL, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_read_hdf5(NULL, NULL, NULL, &out, &err));
    GIVES(FLIP_E_ARG, flip_table_read_hdf5(NULL, path, NULL, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_write_csv(NULL, path, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_write_csv(table, NULL, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_write_hdf5(NULL, path, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_write_hdf5(table, NULL, NULL, &err));
    GIVES(FLIP_E_ARG, flip_file_check(NULL, &json, &err));
    GIVES(FLIP_E_ARG, flip_file_check(path, NULL, &err));
    free(bytes); flip_table_free(table); flip_schema_free(schema);
}

/* Bytes of a good file changed at random: an error or a table, never a crash. */
static void damaged(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 40);
    flip_error err;
    size_t size = 0;
    char *bytes;
    const char *path = path_of("t.h5");
    uint32_t state = 99;
    int round, k;
    GIVES(FLIP_OK, flip_table_write_hdf5(table, path, NULL, &err));
    bytes = read_file(path, &size);
    for (round = 0; round < 300; round++) {
        char *copy = (char *)malloc(size);
        flip_table *out = NULL;
        flip_status status;
        memcpy(copy, bytes, size);
        for (k = 0; k <= round % 4; k++) {
            state = state * 1664525u + 1013904223u;
            copy[(state >> 4) % size] ^= (char)(1 << (state % 8));
        }
        write_bytes(path, copy, size);
        status = flip_table_read_hdf5(NULL, path, NULL, &out, &err);
        if (status != FLIP_OK && status != FLIP_E_FORMAT && status != FLIP_E_SCHEMA && status != FLIP_E_VERSION
            && status != FLIP_E_NOMEM && status != FLIP_E_UNSUPPORTED)
            check_fail(__FILE__, __LINE__, "round %d: %s: %s", round, flip_status_name(status), err.message);
        flip_table_free(out);
        free(copy);
    }
    free(bytes); flip_table_free(table); flip_schema_free(schema);
}

/* A full disk: every write fails, what was there stays, nothing is left behind. */
static void full_disk(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 20000);
    flip_error err;
    struct rlimit limit = {20000, 20000};
    size_t size = 0;
    char *text;
    write_file(path_of("out.csv"), "old");
    write_file(path_of("out.h5"), "old");
    signal(SIGXFSZ, SIG_IGN);                /* as a host that wants an error rather than the signal */
    if (setrlimit(RLIMIT_FSIZE, &limit)) check_fail(__FILE__, __LINE__, "setrlimit: %s", strerror(errno));
    GIVES(FLIP_E_IO, flip_table_write_csv(table, path_of("out.csv"), NULL, &err));
    GIVES(FLIP_E_IO, flip_table_write_hdf5(table, path_of("out.h5"), NULL, &err));
    text = read_file(path_of("out.csv"), &size);
    CHECK(size == 3 && !memcmp(text, "old", 3));
    free(text);
    text = read_file(path_of("out.h5"), &size);
    CHECK(size == 3 && !memcmp(text, "old", 3));
    free(text);
    {
        char command[400];
        snprintf(command, sizeof command, "test \"$(ls -A '%s' | wc -l)\" -eq 2", path_of("."));
        CHECK(system(command) == 0);
    }
    GIVES(FLIP_E_IO, flip_table_write_csv(table, "/dev/full", NULL, &err));
    flip_table_free(table); flip_schema_free(schema);
}

static void read_only_target(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 10);
    flip_error err;
    const char *folder = path_of("locked"), *inside = path_of("locked/out.csv"), *inside5 = path_of("locked/out.h5");
    GIVES(FLIP_E_IO, flip_table_write_csv(table, path_of("no/such/folder.csv"), NULL, &err));
    GIVES(FLIP_E_IO, flip_table_write_hdf5(table, path_of("no/such/folder.h5"), NULL, &err));
    GIVES(FLIP_E_IO, flip_table_write_csv(table, "/proc/flip.csv", NULL, &err));
    GIVES(FLIP_E_IO, flip_table_write_hdf5(table, "/proc/flip.h5", NULL, &err));
    mkdir(folder, 0500);
    if (geteuid() == 0 && seteuid(65534)) check_fail(__FILE__, __LINE__, "seteuid: %s", strerror(errno));
    GIVES(FLIP_E_IO, flip_table_write_csv(table, inside, NULL, &err));
    GIVES(FLIP_E_IO, flip_table_write_hdf5(table, inside5, NULL, &err));
    flip_table_free(table); flip_schema_free(schema);
}

typedef struct { int calls, stop_at; int64_t last; } reports;

static int32_t watch(void *user, const flip_event *event) {
    reports *r = (reports *)user;
    if (event->size < sizeof(flip_event) || event->kind != FLIP_EVENT_PROGRESS || !event->progress) abort();
    if (event->progress->size < sizeof(flip_progress) || event->progress->step < r->last) abort();
    r->last = event->progress->step;
    return ++r->calls == r->stop_at;
}

static void progress_and_cancel(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 200000), *out = NULL;
    flip_error err;
    reports all = {0, 0, 0}, stop = {0, 1, 0};
    const char *path = path_of("big.csv");
    GIVES(FLIP_OK, flip_table_write_csv(table, path, NULL, &err));
    flip_table_free(table);
    GIVES(FLIP_OK, flip_table_read_csv(schema, path, NULL, watch, &all, &out, &err));
    CHECK(all.calls > 1);
    flip_table_free(out);
    GIVES(FLIP_E_CANCELLED, flip_table_read_csv(schema, path, NULL, watch, &stop, &out, &err));
    CHECK(stop.calls == 1 && out == NULL);
    stop.calls = 0; stop.last = 0;
    GIVES(FLIP_E_CANCELLED, flip_table_convert(schema, path, path_of("big.h5"), NULL, watch, &stop, &err));
    CHECK(!file_exists(path_of("big.h5")));
    flip_schema_free(schema);
}

const test_case file_tests[] = {
    {"file: csv round trip", csv_round_trip}, {"file: bad csv", bad_csv}, {"file: hdf5 round trip", hdf5_round_trip},
    {"file: convert", convert},
    {"file: replaced cells, groups", replaced_and_groups},
    {"file: bad files", bad_files}, {"file: damaged hdf5", damaged}, {"file: full disk", full_disk},
    {"file: read-only target", read_only_target}, {"file: progress and cancel", progress_and_cancel}, {NULL, NULL}};
