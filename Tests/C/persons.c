/* Persons by numbers of a host in order of appearance: one person more moves the bounded table by its own rows. */
#include "check.h"

#define PERSONS 200
#define VISITS 5
#define ROWS (PERSONS * VISITS)

static const char *visit_schema =
    "{\"fields\":[{\"name\":\"x\",\"type\":\"integer\",\"constraints\":{\"minimum\":0,\"maximum\":999}}]}";

/* How often each value is among the at most `most` rows that are kept of each person. */
static void kept(const int64_t *x, const int64_t *who, int rows, int most, int counts[1000]) {
    flip_schema *schema = NULL;
    flip_table *table = NULL, *bounded = NULL;
    flip_error err;
    int64_t *values;
    int64_t count, i;
    memset(counts, 0, sizeof(int) * 1000);
    GIVES(FLIP_OK, flip_schema_parse(visit_schema, strlen(visit_schema), &schema, &err));
    GIVES(FLIP_OK, flip_table_create(schema, rows, &table, &err));
    GIVES(FLIP_OK, flip_table_set_int64(table, "x", x, NULL, &err));
    GIVES(FLIP_OK, flip_table_bound_persons(table, who, most, &bounded, &err));
    count = flip_table_rows(bounded);
    values = (int64_t *)malloc(sizeof *values * (size_t)(count + 1));
    GIVES(FLIP_OK, flip_table_get_int64(bounded, "x", 0, count, values, NULL, &err));
    for (i = 0; i < count; i++) counts[values[i]]++;
    free(values);
    flip_table_free(bounded);
    flip_table_free(table);
    flip_schema_free(schema);
}

static int distance(const int a[1000], const int b[1000]) {
    int i, sum = 0;
    for (i = 0; i < 1000; i++) sum += abs(a[i] - b[i]);
    return sum;
}

static void one_person_more(void) {
    static int64_t x[ROWS + 1], who[ROWS + 1];
    static int before[1000], after[1000];
    static const int places[] = {0, ROWS / 2, ROWS};
    int most, p, i;
    for (most = 1; most <= 3; most++) {
        for (i = 0; i < ROWS; i++) { x[i] = (int64_t)i * 37 % 991; who[i] = i / VISITS; }
        kept(x, who, ROWS, most, before);
        for (p = 0; p < 3; p++) {
            int place = places[p];
            /* The new person has one row; whoever comes behind it has a number that is higher by one. */
            for (i = 0; i <= ROWS; i++) {
                int old = i > place ? i - 1 : i;
                x[i] = i == place ? 995 : (int64_t)old * 37 % 991;
                who[i] = i == place ? place / VISITS : old / VISITS + (i > place ? 1 : 0);
            }
            kept(x, who, ROWS + 1, most, after);
            CHECK(distance(before, after) == 1);
        }
    }
}

static void numbers_choose_nothing(void) {
    static int64_t x[ROWS], who[ROWS], other[ROWS];
    static int before[1000], after[1000];
    int i;
    for (i = 0; i < ROWS; i++) {
        x[i] = (int64_t)i * 37 % 991;
        who[i] = i / VISITS;
        other[i] = INT64_MAX - who[i] * 12345;
    }
    kept(x, who, ROWS, 2, before);
    kept(x, other, ROWS, 2, after);
    CHECK(distance(before, after) == 0);
}

const test_case persons_tests[] = {{"persons: one more", one_person_more},
    {"persons: numbers choose nothing", numbers_choose_nothing}, {NULL, NULL}};
