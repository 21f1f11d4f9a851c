/* Arrow streams in and out. A producer of our own counts every struct it hands out and every release, so that what is
 * leaked or released twice shows, on the paths of success and on those of hostile arrays alike. */
#include "check.h"
#include <errno.h>

/* -- a producer: batches of three rows under the small schema ---------------------------------- */

enum { COLUMNS = 6, ROWS = 3 };

typedef struct { void *blocks[16]; int count; struct ArrowArray **arrays; struct ArrowSchema **schemas; int children;
                 struct ArrowArray *array_dictionary; struct ArrowSchema *schema_dictionary; } owned;

typedef void (*array_harm)(struct ArrowArray *batch);
typedef void (*schema_harm)(struct ArrowSchema *schema);
static struct { int live, streams, batches, given, status, schema_status; array_harm array; schema_harm schema;
    } producer;

static void *keep(owned *o, const void *bytes, size_t size) {
    void *copy = malloc(size + 1);
    if (bytes) memcpy(copy, bytes, size); else memset(copy, 0, size);
    ((char *)copy)[size] = 0;
    return o->blocks[o->count++] = copy;
}

static void free_owned(owned *o) {
    int i;
    for (i = 0; i < o->children; i++) {
        if (o->arrays) { if (o->arrays[i]->release) o->arrays[i]->release(o->arrays[i]); free(o->arrays[i]); }
        if (o->schemas) { if (o->schemas[i]->release) o->schemas[i]->release(o->schemas[i]); free(o->schemas[i]); }
    }
    if (o->array_dictionary) { if (o->array_dictionary->release) o->array_dictionary->release(o->array_dictionary);
        free(o->array_dictionary); }
    if (o->schema_dictionary) { if (o->schema_dictionary->release) o->schema_dictionary->release(o->schema_dictionary);
        free(o->schema_dictionary); }
    free(o->arrays);
    free(o->schemas);
    for (i = 0; i < o->count; i++) free(o->blocks[i]);
    free(o);
    producer.live--;
}

static void array_release(struct ArrowArray *array) { free_owned((owned *)array->private_data); array->release = NULL; }
static void schema_release(struct ArrowSchema *schema) { free_owned((owned *)schema->private_data);
    schema->release = NULL; }

static owned *new_array(struct ArrowArray *out, int64_t length, int buffers) {
    owned *o = (owned *)calloc(1, sizeof *o);
    memset(out, 0, sizeof *out);
    out->length = length;
    out->n_buffers = buffers;
    out->buffers = (const void **)keep(o, NULL, sizeof(void *) * 4);
    out->private_data = o;
    out->release = array_release;
    producer.live++;
    return o;
}

static owned *new_schema(struct ArrowSchema *out, const char *format, const char *name) {
    owned *o = (owned *)calloc(1, sizeof *o);
    memset(out, 0, sizeof *out);
    out->format = (const char *)keep(o, format, strlen(format));
    out->name = (const char *)keep(o, name, strlen(name));
    out->private_data = o;
    out->release = schema_release;
    producer.live++;
    return o;
}

static const char *const names[COLUMNS] = {"age", "sex", "city", "income", "member", "joined"};
static const char *const formats[COLUMNS] = {"l", "c", "u", "g", "b", "tdD"};

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out) {
    owned *o;
    int i;
    (void)stream;
    if (producer.schema_status) return producer.schema_status;
    o = new_schema(out, "+s", "");
    o->schemas = (struct ArrowSchema **)calloc(COLUMNS, sizeof *o->schemas);
    o->children = COLUMNS;
    for (i = 0; i < COLUMNS; i++) {
        o->schemas[i] = (struct ArrowSchema *)calloc(1, sizeof **o->schemas);
        owned *child = new_schema(o->schemas[i], formats[i], names[i]);
        if (i == 1) {
            child->schema_dictionary = o->schemas[i]->dictionary = (struct ArrowSchema *)calloc(1, sizeof **o->schemas);
            new_schema(child->schema_dictionary, "u", "");
        }
    }
    out->children = (struct ArrowSchema **)keep(o, o->schemas, sizeof *o->schemas * COLUMNS);
    out->n_children = COLUMNS;
    if (producer.schema) producer.schema(out);
    return 0;
}

/* Rows (20, "Female", "Bonn", 0.5, true, 2020-01-01), (30, "Male", missing, missing, false, missing), (40, "Female",
 * "Bonn", 7, missing, 2020-01-03). */
static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out) {
    static const int64_t ages[] = {20, 30, 40};
    static const int8_t sexes[] = {1, 0, 1};
    static const int32_t sex_offsets[] = {0, 4, 10}, city_offsets[] = {0, 4, 4, 8}, days[] = {18262, 0, 18264};
    static const double incomes[] = {0.5, 0, 7};
    static const uint8_t not_second = 5, not_third = 3, members = 1;
    const void *data[COLUMNS], *valid[COLUMNS];
    size_t size[COLUMNS];
    owned *o;
    int i;
    (void)stream;
    memset(out, 0, sizeof *out);
    if (producer.given == producer.batches) return producer.status;
    producer.given++;
    o = new_array(out, ROWS, 1);
    o->arrays = (struct ArrowArray **)calloc(COLUMNS, sizeof *o->arrays);
    o->children = COLUMNS;
    data[0] = ages, data[1] = sexes, data[2] = city_offsets, data[3] = incomes, data[4] = &members, data[5] = days;
    size[0] = sizeof ages, size[1] = sizeof sexes, size[2] = sizeof city_offsets, size[3] = sizeof incomes, size[4] = 1,
    size[5] = sizeof days;
    valid[0] = valid[1] = NULL, valid[2] = valid[3] = valid[5] = &not_second, valid[4] = &not_third;
    for (i = 0; i < COLUMNS; i++) {
        struct ArrowArray *child = o->arrays[i] = (struct ArrowArray *)calloc(1, sizeof **o->arrays);
        owned *c = new_array(child, ROWS, i == 2 ? 3 : 2);
        child->null_count = valid[i] ? 1 : 0;
        child->buffers[0] = valid[i] ? keep(c, valid[i], 1) : NULL;
        child->buffers[1] = keep(c, data[i], size[i]);
        if (i == 2) child->buffers[2] = keep(c, "BonnBonn", 8);
        if (i == 1) {
            struct ArrowArray *levels = c->array_dictionary = child->dictionary = (struct ArrowArray *)calloc(1,
                sizeof *levels);
            owned *l = new_array(levels, 2, 3);
            levels->buffers[1] = keep(l, sex_offsets, sizeof sex_offsets);
            levels->buffers[2] = keep(l, "MaleFemale", 10);
        }
    }
    out->children = (struct ArrowArray **)keep(o, o->arrays, sizeof *o->arrays * COLUMNS);
    out->n_children = COLUMNS;
    if (producer.array) producer.array(out);
    return 0;
}

static const char *last_error(struct ArrowArrayStream *stream) { (void)stream; return "Zebra-canary"; }
static void stream_release(struct ArrowArrayStream *stream) { producer.streams--; stream->release = NULL; }

static struct ArrowArrayStream a_stream(int batches) {
    struct ArrowArrayStream stream;
    stream.get_schema = get_schema;
    stream.get_next = get_next;
    stream.get_last_error = last_error;
    stream.release = stream_release;
    stream.private_data = NULL;
    memset(&producer, 0, sizeof producer);
    producer.batches = batches;
    producer.streams = 1;
    return stream;
}

#define ALL_RELEASED(stream) do { CHECK(producer.live == 0); CHECK(producer.streams == 0); \
    CHECK((stream).release == NULL); } while (0)

/* -- in ---------------------------------------------------------------------------------------- */

static void batches_become_rows(void) {
    flip_schema *schema = a_schema();
    flip_table *table = NULL;
    struct ArrowArrayStream stream = a_stream(2);
    flip_error err;
    int64_t x[6];
    int32_t codes[6];
    double d[6];
    uint8_t valid[6];
    GIVES(FLIP_OK, flip_table_import(schema, &stream, NULL, NULL, NULL, &table, &err));
    ALL_RELEASED(stream);
    CHECK(flip_table_rows(table) == 6);
    GIVES(FLIP_OK, flip_table_get_int64(table, "age", 0, 6, x, NULL, &err));
    CHECK(x[0] == 20 && x[1] == 30 && x[2] == 40 && x[3] == 20 && x[5] == 40);
    GIVES(FLIP_OK, flip_table_get_codes(table, "sex", 0, 6, codes, &err));
    CHECK(codes[0] == 0 && codes[1] == 1 && codes[2] == 0 && codes[4] == 1);
    GIVES(FLIP_OK, flip_table_get_codes(table, "city", 0, 6, codes, &err));
    CHECK(codes[0] == 0 && codes[1] == -1 && codes[2] == 0 && codes[4] == -1);
    GIVES(FLIP_OK, flip_table_get_float64(table, "income", 0, 6, d, valid, &err));
    CHECK(d[0] == 0.5 && !valid[1] && d[2] == 7 && valid[5]);
    GIVES(FLIP_OK, flip_table_get_codes(table, "member", 0, 6, codes, &err));
    CHECK(codes[0] == 1 && codes[1] == 0 && codes[2] == -1);
    GIVES(FLIP_OK, flip_table_get_int64(table, "joined", 0, 6, x, valid, &err));
    CHECK(x[0] == 18262 && !valid[1] && x[2] == 18264);
    flip_table_free(table);
    flip_schema_free(schema);
}

/* the rows behind the first: an offset of the batch and one of a column */
static void slice(struct ArrowArray *batch) {
    batch->offset = 1;
    batch->length = 1;
    batch->children[0]->offset = 1;
    batch->children[0]->length = 2;
}

static void slices_are_honoured(void) {
    flip_schema *schema = a_schema();
    flip_table *table = NULL;
    struct ArrowArrayStream stream = a_stream(1);
    flip_error err;
    int64_t age;
    int32_t sex;
    producer.array = slice;
    GIVES(FLIP_OK, flip_table_import(schema, &stream, NULL, NULL, NULL, &table, &err));
    ALL_RELEASED(stream);
    CHECK(flip_table_rows(table) == 1);
    GIVES(FLIP_OK, flip_table_get_int64(table, "age", 0, 1, &age, NULL, &err));
    GIVES(FLIP_OK, flip_table_get_codes(table, "sex", 0, 1, &sex, &err));
    CHECK(age == 40 && sex == 1);
    flip_table_free(table);
    flip_schema_free(schema);
}

/* Imports one batch under the small schema; what was handed out must be back whatever the outcome. */
static void import(flip_status wanted, const char *part, array_harm array, schema_harm harm, const char *config) {
    flip_schema *schema = a_schema();
    flip_table *table = (flip_table *)(void *)schema;
    struct ArrowArrayStream stream = a_stream(1);
    flip_error err;
    producer.array = array;
    producer.schema = harm;
    GIVES(wanted, flip_table_import(schema, &stream, config, NULL, NULL, &table, &err));
    if (wanted != FLIP_OK) { CHECK(table == NULL); MESSAGE_HAS(part); }
    MESSAGE_LACKS("canary");
    ALL_RELEASED(stream);
    if (wanted == FLIP_OK) flip_table_free(table);
    flip_schema_free(schema);
}

#define HARM(name, ...) static void name(struct ArrowArray *b) { __VA_ARGS__; }
HARM(negative_length, b->length = -1)
HARM(endless, b->length = INT64_MAX)
HARM(endless_offset, b->offset = INT64_MAX; b->length = INT64_MAX)
HARM(no_children, b->n_children = 0)
HARM(more_children, b->n_children = INT64_MAX)
HARM(null_children, b->children = NULL)
HARM(null_child, b->children[0] = NULL)
HARM(batch_missing_rows, b->null_count = 1)
HARM(batch_buffers, b->n_buffers = 7)
HARM(child_negative, b->children[0]->length = -3)
HARM(child_short, b->children[0]->length = 2)
HARM(child_negative_offset, b->children[0]->offset = -1)
HARM(child_far_offset, b->children[0]->offset = INT64_MAX - 1)
HARM(child_no_buffers, b->children[0]->n_buffers = 0)
HARM(child_negative_buffers, b->children[0]->n_buffers = -2)
HARM(child_null_buffers, b->children[0]->buffers = NULL)
HARM(child_no_data, b->children[0]->buffers[1] = NULL)
HARM(child_no_validity, b->children[3]->buffers[0] = NULL)
HARM(null_count_below, b->children[3]->null_count = -2)
HARM(child_released, b->children[0]->release(b->children[0]))
HARM(text_two_buffers, b->children[2]->n_buffers = 2)
HARM(text_falls, ((int32_t *)(void *)(size_t)b->children[2]->buffers[1])[1] = -4)
HARM(text_falls_later, ((int32_t *)(void *)(size_t)b->children[2]->buffers[1])[2] = 100)
HARM(text_without_bytes, b->children[2]->buffers[2] = NULL)
HARM(no_dictionary, b->children[1]->dictionary = NULL)
HARM(unexpected_dictionary, b->children[0]->dictionary = b->children[1]->dictionary)
HARM(dictionary_negative, b->children[1]->dictionary->length = -1)
HARM(dictionary_huge, b->children[1]->dictionary->length = INT64_MAX / 64)
HARM(dictionary_released, b->children[1]->dictionary->release(b->children[1]->dictionary))
HARM(index_beyond, ((int8_t *)(void *)(size_t)b->children[1]->buffers[1])[0] = 2)
HARM(index_negative, ((int8_t *)(void *)(size_t)b->children[1]->buffers[1])[0] = -1)
HARM(young, ((int64_t *)(void *)(size_t)b->children[0]->buffers[1])[1] = 17)
HARM(required_is_missing,
     static const uint8_t none = 0; b->children[0]->buffers[0] = &none; b->children[0]->null_count = -1)
HARM(empty, b->length = 0)
HARM(unknown_city, memcpy((void *)(size_t)b->children[2]->buffers[2], "Zebr", 4))
#undef HARM

static void hostile_arrays(void) {
    static const array_harm format[] = {negative_length, endless_offset, no_children, more_children, null_children,
        null_child, batch_missing_rows,
        batch_buffers, child_negative, child_short, child_negative_offset, child_far_offset, child_no_buffers,
        child_negative_buffers,
        child_null_buffers, child_no_data, child_no_validity, null_count_below, child_released, text_two_buffers,
        text_falls, text_falls_later,
        text_without_bytes, no_dictionary, unexpected_dictionary, dictionary_negative, dictionary_released};
    size_t i;
    for (i = 0; i < sizeof format / sizeof *format; i++) import(FLIP_E_FORMAT, "Arrow", format[i], NULL, NULL);
    import(FLIP_E_FORMAT, "length", endless, NULL, NULL);
    import(FLIP_E_NOMEM, "", dictionary_huge, NULL, NULL);
    import(FLIP_E_SCHEMA, "sex", index_beyond, NULL, NULL);
    import(FLIP_E_SCHEMA, "sex", index_negative, NULL, NULL);
    import(FLIP_E_SCHEMA, "column \"age\", row 2: below the minimum 18", young, NULL, NULL);
    import(FLIP_E_SCHEMA, "missing in a required column", required_is_missing, NULL, NULL);
    import(FLIP_E_SCHEMA, "row 1: not one of the levels", unknown_city, NULL, NULL);
    import(FLIP_E_SCHEMA, "no rows", empty, NULL, NULL);
    import(FLIP_OK, "", young, NULL, "{\"invalid\": \"coerce\"}");
    import(FLIP_OK, "", unknown_city, NULL, "{\"invalid\": \"coerce\"}");
}

static char long_name[70000];
#define HARM(name, ...) static void name(struct ArrowSchema *s) { __VA_ARGS__; }
HARM(no_struct, s->format = "l")
HARM(no_format, s->format = NULL)
HARM(list, s->format = "+l")
HARM(schema_negative, s->n_children = -1)
HARM(schema_endless, s->n_children = INT64_MAX)
HARM(schema_null_children, s->children = NULL)
HARM(schema_null_child, s->children[2] = NULL)
HARM(schema_fewer, s->n_children = 5)
HARM(schema_released_child, s->children[2]->release(s->children[2]))
HARM(schema_extra, s->children[5]->name = "Zebra")
HARM(schema_twice, s->children[5]->name = "age")
HARM(schema_nameless, s->children[5]->name = NULL)
HARM(schema_latin, s->children[5]->name = "\xff")
HARM(schema_long, memset(long_name, 'x', sizeof long_name - 1); s->children[5]->name = long_name)
HARM(child_no_format, s->children[0]->format = NULL)
HARM(child_empty_format, s->children[0]->format = "")
HARM(child_list, s->children[0]->format = "+l")
HARM(child_odd, s->children[0]->format = "tsx:")
HARM(child_odder, s->children[0]->format = "d:a,b")
HARM(dates_as_numbers, s->children[5]->format = "l")
HARM(numbers_as_dates, s->children[0]->format = "tdD")
HARM(indices_real, s->children[1]->format = "g")
HARM(dictionary_of_lists, s->children[1]->dictionary->format = "+l")
HARM(dictionary_no_format, s->children[1]->dictionary->format = NULL)
HARM(dictionary_twice, s->children[1]->dictionary->dictionary = s->children[1]->dictionary)
HARM(dictionary_schema_released, s->children[1]->dictionary->release(s->children[1]->dictionary))
#undef HARM

static void hostile_schemas(void) {
    static const struct { schema_harm harm; flip_status status; const char *part; } cases[] = {
        {no_struct, FLIP_E_SCHEMA, "tables"}, {no_format, FLIP_E_SCHEMA, "tables"}, {list, FLIP_E_SCHEMA, "tables"},
        {schema_negative, FLIP_E_FORMAT, "columns"}, {schema_endless, FLIP_E_FORMAT, "columns"},
        {schema_null_children, FLIP_E_FORMAT, "columns"},
        {schema_null_child, FLIP_E_FORMAT, "column 3"}, {schema_fewer, FLIP_E_SCHEMA, "lacks the column \"joined\""},
        {schema_released_child, FLIP_E_FORMAT, "column 3"}, {schema_extra, FLIP_E_SCHEMA, "joined"},
        {schema_twice, FLIP_E_SCHEMA, "two columns \"age\""},
        {schema_nameless, FLIP_E_SCHEMA, "joined"}, {schema_latin, FLIP_E_FORMAT, "UTF-8"},
        {schema_long, FLIP_E_FORMAT, "too long"},
        {child_no_format, FLIP_E_FORMAT, "age"}, {child_empty_format, FLIP_E_SCHEMA, "not supported"},
        {child_list, FLIP_E_SCHEMA, "not supported"},
        {child_odd, FLIP_E_SCHEMA, "not supported"}, {child_odder, FLIP_E_SCHEMA, "not supported"},
        {dates_as_numbers, FLIP_E_SCHEMA, "joined"},
        {numbers_as_dates, FLIP_E_SCHEMA, "cannot fill"}, {indices_real, FLIP_E_FORMAT, "indices"},
        {dictionary_of_lists, FLIP_E_SCHEMA, "sex"},
        {dictionary_no_format, FLIP_E_FORMAT, "dictionary"}, {dictionary_twice, FLIP_E_SCHEMA, "sex"},
        {dictionary_schema_released, FLIP_E_FORMAT, "sex"}};
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) import(cases[i].status, cases[i].part, NULL, cases[i].harm,
                                                              NULL);
}

static int32_t stop(void *user, const flip_event *event) { (void)event; return ++*(int *)user > 1; }

static void every_path_releases(void) {
    static const struct { int status, schema_status; flip_status wanted; } failing[] = {
        {EIO, 0, FLIP_E_IO}, {ENOMEM, 0, FLIP_E_NOMEM}, {ECANCELED, 0, FLIP_E_CANCELLED}, {0, EINVAL, FLIP_E_IO},
        {-5, 0, FLIP_E_IO}};
    flip_schema *schema = a_schema();
    flip_table *table = NULL;
    struct ArrowArrayStream stream, released;
    flip_error err;
    size_t i;
    int calls = 0;
    /* the producer fails, after a good batch or at once */
    for (i = 0; i < sizeof failing / sizeof *failing; i++) {
        stream = a_stream(1);
        producer.status = failing[i].status;
        producer.schema_status = failing[i].schema_status;
        GIVES(failing[i].wanted, flip_table_import(schema, &stream, NULL, NULL, NULL, &table, &err));
        CHECK(table == NULL);
        MESSAGE_LACKS("canary");
        ALL_RELEASED(stream);
    }
    stream = a_stream(3);                                          /* the host stops */
    GIVES(FLIP_E_CANCELLED, flip_table_import(schema, &stream, NULL, stop, &calls, &table, &err));
    ALL_RELEASED(stream);
    CHECK(producer.given == 1);
    stream = a_stream(1);                                          /* the other arguments are wrong */
    GIVES(FLIP_E_ARG, flip_table_import(NULL, &stream, NULL, NULL, NULL, &table, &err));
    ALL_RELEASED(stream);
    stream = a_stream(1);
    GIVES(FLIP_E_ARG, flip_table_import(schema, &stream, NULL, NULL, NULL, NULL, &err));
    ALL_RELEASED(stream);
    stream = a_stream(1);
    GIVES(FLIP_E_ARG, flip_table_import(schema, &stream, "{\"delimiter\": \";\"}", NULL, NULL, &table, &err));
    MESSAGE_HAS("delimiter");
    ALL_RELEASED(stream);
    stream = a_stream(1);
    GIVES(FLIP_E_FORMAT, flip_table_import(schema, &stream, "{", NULL, NULL, &table, &err));
    ALL_RELEASED(stream);
    stream = a_stream(0);                                          /* nothing in it */
    GIVES(FLIP_E_SCHEMA, flip_table_import(schema, &stream, NULL, NULL, NULL, &table, &err));
    MESSAGE_HAS("no rows");
    ALL_RELEASED(stream);
    GIVES(FLIP_E_ARG, flip_table_import(schema, NULL, NULL, NULL, NULL, &table, &err));
    memset(&released, 0, sizeof released);
    GIVES(FLIP_E_ARG, flip_table_import(schema, &released, NULL, NULL, NULL, &table, &err));
    MESSAGE_HAS("released");
    stream = a_stream(1);
    stream.get_schema = NULL;
    GIVES(FLIP_E_ARG, flip_table_import(schema, &stream, NULL, NULL, NULL, &table, &err));
    ALL_RELEASED(stream);
    stream = a_stream(1);
    stream.get_next = NULL;
    GIVES(FLIP_E_ARG, flip_table_import(schema, &stream, NULL, NULL, NULL, &table, &err));
    ALL_RELEASED(stream);
    flip_schema_free(schema);
}

/* -- out --------------------------------------------------------------------------------------- */

static void tables_come_back(void) {
    enum { MANY = 70000 };                         /* more than a batch */
    flip_schema *schema = a_schema(), *other = NULL;
    flip_table *table = a_table(schema, MANY), *again = NULL;
    struct ArrowArrayStream stream;
    flip_error err;
    size_t size = 0, size_again = 1;
    char *text, *text_again;
    GIVES(FLIP_OK, flip_table_write_csv(table, path_of("a.csv"), NULL, &err));
    GIVES(FLIP_OK, flip_table_export(table, &stream, &err));
    flip_table_free(table);                        /* the stream keeps what it needs */
    GIVES(FLIP_OK, flip_table_import(schema, &stream, NULL, NULL, NULL, &again, &err));
    CHECK(stream.release == NULL);
    CHECK(flip_table_rows(again) == MANY);
    GIVES(FLIP_OK, flip_table_write_csv(again, path_of("b.csv"), NULL, &err));
    text = read_file(path_of("a.csv"), &size);
    text_again = read_file(path_of("b.csv"), &size_again);
    CHECK(size == size_again && memcmp(text, text_again, size) == 0);
    free(text);
    free(text_again);
    flip_table_free(again);
    flip_schema_free(schema);
    flip_schema_free(other);
}

static void what_comes_out(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 70000);
    struct ArrowArrayStream stream, unused;
    struct ArrowSchema columns;
    struct ArrowArray first, second, end, moved;
    flip_error err;
    static const char *const wanted[COLUMNS] = {"l", "i", "i", "g", "b", "tdD"};
    int i;
    GIVES(FLIP_OK, flip_table_export(table, &stream, &err));
    GIVES(FLIP_OK, flip_table_export(table, &unused, &err));
    unused.release(&unused);                       /* unread */
    CHECK(unused.release == NULL);
    flip_table_free(table);
    CHECK(stream.get_schema(&stream, &columns) == 0);
    CHECK(stream.get_next(&stream, &first) == 0);
    CHECK(stream.get_next(&stream, &second) == 0);
    CHECK(stream.get_next(&stream, &end) == 0 && end.release == NULL);
    CHECK(stream.get_next(&stream, NULL) == EINVAL);
    CHECK(stream.get_last_error(&stream) == NULL);
    stream.release(&stream);                       /* batches outlive it */
    CHECK(strcmp(columns.format, "+s") == 0 && columns.n_children == COLUMNS);
    for (i = 0; i < COLUMNS; i++) {
        CHECK(strcmp(columns.children[i]->name, names[i]) == 0);
        CHECK(strcmp(columns.children[i]->format, wanted[i]) == 0);
        CHECK(columns.children[i]->flags == (i < 2 ? 0 : ARROW_FLAG_NULLABLE));
        CHECK((columns.children[i]->dictionary != NULL) == (i == 1 || i == 2));
        CHECK((size_t)first.children[i]->buffers[1] % 64 == 0);
    }
    CHECK(first.length + second.length == 70000 && first.length == 65536);
    CHECK(first.children[1]->dictionary->length == 2);
    CHECK(memcmp(first.children[1]->dictionary->buffers[2], "FemaleMale", 10) == 0);
    moved = *first.children[0];                    /* a consumer may take a column out and keep it */
    first.children[0]->release = NULL;
    first.release(&first);
    CHECK(first.release == NULL && moved.length == 65536);
    CHECK(((const int64_t *)moved.buffers[1])[0] >= 18);
    moved.release(&moved);
    second.release(&second);
    columns.release(&columns);
    GIVES(FLIP_E_ARG, flip_table_export(NULL, &stream, &err));
    CHECK(stream.release == NULL);
    table = a_table(schema, 3);
    GIVES(FLIP_E_ARG, flip_table_export(table, NULL, &err));
    GIVES(FLIP_E_ARG, flip_table_export((flip_table *)(void *)schema, &stream, &err));
    flip_table_free(table);
    GIVES(FLIP_OK, flip_table_create(schema, 3, &table, &err));
    GIVES(FLIP_E_STATE, flip_table_export(table, &stream, &err));
    flip_table_free(table);
    flip_schema_free(schema);
}

const test_case arrow_tests[] = {
    {"arrow: batches become rows", batches_become_rows}, {"arrow: slices are honoured", slices_are_honoured},
    {"arrow: hostile arrays", hostile_arrays}, {"arrow: hostile schemas", hostile_schemas},
    {"arrow: every path releases", every_path_releases},
    {"arrow: tables come back", tables_come_back}, {"arrow: what comes out", what_comes_out}, {NULL, NULL}};
