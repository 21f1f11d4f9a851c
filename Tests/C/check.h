/* A test harness in one header. Each test runs in a child process, so a crash is one failed test and nothing a test
 * does to its process (limits, closed files) reaches the next. C11, and C++17. */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <flip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*test_function)(void);
typedef struct { const char *name; test_function run; } test_case;

extern int check_failures;             /* of the test that runs */
extern const char *check_lib_path;     /* the library under test */

/* Reports and counts; the test goes on. */
void check_fail(const char *file, int line, const char *format, ...);

#define CHECK(condition) do { if (!(condition)) check_fail(__FILE__, __LINE__, "%s", #condition); } while (0)

/* `call` gives `wanted` and, when that is no success, a message. `err` is a flip_error in scope that the call was
 * given. */
#define GIVES(wanted, call) do { memset(&err, 0x55, sizeof err); flip_status got_ = (call); \
    if (got_ != (wanted)) check_fail(__FILE__, __LINE__, "%s gave %s, wanted %s: %.200s", #call, \
                                     flip_status_name(got_), flip_status_name(wanted), err.message); \
    else if (err.code != got_) check_fail(__FILE__, __LINE__, "%s: err.code is %d", #call, (int)err.code); \
    else if (got_ && !err.message[0]) check_fail(__FILE__, __LINE__, "%s: no message", #call); } while (0)

#define MESSAGE_HAS(part) do { if (!strstr(err.message, part)) check_fail(__FILE__, __LINE__, \
    "message lacks \"%s\": %.300s", part, err.message); } while (0)
#define MESSAGE_LACKS(part) do { if (strstr(err.message, part)) check_fail(__FILE__, __LINE__, \
    "message has \"%s\": %.300s", part, err.message); } while (0)

/* A path in the test's own folder; each call's text is kept. */
const char *path_of(const char *name);
void write_file(const char *path, const char *text);
void write_bytes(const char *path, const void *bytes, size_t size);
char *read_file(const char *path, size_t *size);      /* malloc'd, NUL behind the end; NULL when there is none */
int file_exists(const char *path);
int thread_count(void);                               /* of this process */
/* within two seconds: the system counts a thread for a moment after it was joined */
int threads_are(int wanted);

/* Ready-made things; a test that cannot have them fails and stops. The table has 600 rows of the small schema, drawn
 * from a fixed generator. */
extern const char *small_schema;
flip_schema *a_schema(void);
flip_table *a_table(const flip_schema *schema, int rows);
flip_plan *a_plan(const flip_schema *schema);
flip_model *a_model(void);
extern const char *small_plan;         /* a plan whose training takes about a second */

/* The suites. Each ends in {NULL, NULL}. */
extern const test_case library_tests[], schema_tests[], accountant_tests[], table_tests[], arrow_tests[], file_tests[],
    plan_tests[], trainer_tests[], model_tests[], evaluate_tests[], guest_tests[], budget_tests[], persons_tests[],
    sums_tests[];

#endif
