/* Runs all tests, or those whose names contain an argument. Prints one line a failure and "C: N passed, N failed". */
#include "check.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int check_failures = 0;
const char *check_lib_path = "../../build/lib/libflip.so";
static char folder[200] = "";

void check_fail(const char *file, int line, const char *format, ...) {
    va_list list;
    check_failures++;
    fprintf(stderr, "    %s:%d: ", file, line);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
}

const char *path_of(const char *name) {
    char *path = (char *)malloc(strlen(folder) + strlen(name) + 2);
    sprintf(path, "%s/%s", folder, name);
    return path;
}

void write_bytes(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file)) {
        check_fail(__FILE__, __LINE__, "cannot write %s: %s", path, strerror(errno));
        exit(1);
    }
}

void write_file(const char *path, const char *text) { write_bytes(path, text, strlen(text)); }

char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    struct stat info;
    char *bytes;
    if (!file || fstat(fileno(file), &info)) return NULL;
    bytes = (char *)malloc((size_t)info.st_size + 1);
    *size = fread(bytes, 1, (size_t)info.st_size, file);
    bytes[*size] = 0;
    fclose(file);
    return bytes;
}

int file_exists(const char *path) { return access(path, F_OK) == 0; }

int thread_count(void) {
    char line[200];
    int count = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file)) if (sscanf(line, "Threads: %d", &count) == 1) break;
    if (file) fclose(file);
    return count;
}

int threads_are(int wanted) {
    struct timespec pause = {0, 1000000};
    int tries;
    for (tries = 0; tries < 2000 && thread_count() != wanted; tries++) nanosleep(&pause, NULL);
    return thread_count() == wanted;
}

static void remove_folder(void) {
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command)) fprintf(stderr, "left behind: %s\n", folder);
}

/* 1 when it passed. */
static int run(const test_case *test) {
    int status = 0;
    pid_t child;
    strcpy(folder, "/tmp/flip-test-XXXXXX");
    if (!mkdtemp(folder)) { perror("mkdtemp"); exit(2); }
    fflush(NULL);
    child = fork();
    if (child == 0) {
        alarm(120);
        test->run();
        fflush(NULL);
        _exit(check_failures ? 1 : 0);
    }
    waitpid(child, &status, 0);
    remove_folder();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 1;
    if (WIFSIGNALED(status)) fprintf(stderr, "    ended by signal %d (%s)\n", WTERMSIG(status),
                                     strsignal(WTERMSIG(status)));
    fprintf(stderr, "FAILED %s\n", test->name);
    return 0;
}

int main(int count, char **arguments) {
    static const test_case *const suites[] = {
        library_tests, schema_tests, accountant_tests, budget_tests, table_tests, arrow_tests, file_tests, plan_tests,
        trainer_tests, model_tests, evaluate_tests, guest_tests, persons_tests, sums_tests};
    int passed = 0, failed = 0;
    size_t s;
    int k;
    if (getenv("FLIP_LIB")) check_lib_path = getenv("FLIP_LIB");
    for (s = 0; s < sizeof suites / sizeof *suites; s++) {
        const test_case *test;
        for (test = suites[s]; test->name; test++) {
            int wanted = count == 1;
            for (k = 1; k < count; k++) wanted |= strstr(test->name, arguments[k]) != NULL;
            if (!wanted) continue;
            if (run(test)) passed++; else failed++;
        }
    }
    printf("C: %d passed, %d failed\n", passed, failed);
    return failed || !passed;
}
