/* The library as a guest in somebody's process: silent, without threads of its own, safe beside fork and without
 * memory. */
#include "check.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Loaded anew by a process that was not linked with it: says nothing, starts nothing, changes nothing; unloading and
 * loading again is harmless. */
static void loading(void) {
    char command[1200];
    const char *source = path_of("loader.c"), *program = path_of("loader");
    write_file(source,
        "#include <dlfcn.h>\n#include <locale.h>\n#include <signal.h>\n#include <stdio.h>\n#include <string.h>\n"
        "static int threads(void) { char l[99]; int n = -1; FILE *f = fopen(\"/proc/self/status\", \"r\");\n"
        "  while (fgets(l, sizeof l, f)) sscanf(l, \"Threads: %d\", &n); fclose(f); return n; }\n"
        "int main(int c, char **v) { int i, s; void *p = 0; unsigned (*version)(void); struct sigaction before[65], "
        "now;\n"
        "  (void)c; for (s = 1; s < 65; s++) sigaction(s, 0, &before[s]);\n"
        "  for (i = 0; i < 3; i++) { p = dlopen(v[1], RTLD_NOW | RTLD_LOCAL); if (!p) { puts(dlerror()); return 1; }\n"
        "    *(void **)&version = dlsym(p, \"flip_version\"); if (!version || version() < 1000000) return 2;\n"
        "    if (threads() != 1) return 3; dlclose(p); if (threads() != 1) return 4; }\n"
        "  for (s = 1; s < 65; s++) if (!sigaction(s, 0, &now) && now.sa_handler != before[s].sa_handler) return 5;\n"
        "  return strcmp(setlocale(LC_ALL, 0), \"C\") ? 6 : 0; }\n");
    snprintf(command, sizeof command, "cc -o '%s' '%s' -ldl && '%s' \"$(realpath '%s')\" > '%s' 2>&1; echo $? > '%s'",
             program, source, program,
             check_lib_path, path_of("said"), path_of("code"));
    CHECK(system(command) == 0);
    {
        size_t n = 1;
        char *said = read_file(path_of("said"), &n), *code = read_file(path_of("code"), &n);
        CHECK(said && !*said);
        CHECK(code && !strcmp(code, "0\n"));
        free(said); free(code);
    }
}

/* Nothing is printed by any of the usual calls, good ones and bad ones. */
static void silent(void) {
    int out = dup(1), error = dup(2), sink = open(path_of("sink"), O_CREAT | O_RDWR, 0600);
    size_t n = 1;
    char *said;
    flip_schema *schema = NULL;
    flip_table *table = NULL;
    flip_model *model = NULL;
    fflush(NULL);
    dup2(sink, 1);
    dup2(sink, 2);
    schema = a_schema();
    table = a_table(schema, 50);
    flip_table_write_hdf5(table, path_of("t.h5"), NULL, NULL);
    flip_table_read_hdf5(schema, path_of("sink"), NULL, &table, NULL);
    flip_model_load(path_of("t.h5"), &model, NULL);
    flip_model_load(path_of("none"), &model, NULL);
    model = a_model();
    flip_model_free(model);
    fflush(NULL);
    dup2(out, 1);
    dup2(error, 2);
    said = read_file(path_of("sink"), &n);
    CHECK(n == 0);
    if (n) fprintf(stderr, "said: %.300s\n", said);
}

static void no_thread_stays(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 5000), *rows = NULL;
    flip_plan *plan = a_plan(schema);
    flip_trainer *trainer = NULL;
    flip_model *model = NULL;
    flip_progress progress;
    flip_error err;
    progress.size = sizeof progress;
    CHECK(threads_are(1));
    GIVES(FLIP_OK, flip_trainer_create(plan, table, &trainer, &err));
    CHECK(threads_are(1));
    do {
        GIVES(FLIP_OK, flip_trainer_step(trainer, 1, 0, &progress, &err));
        CHECK(threads_are(1));
    } while (!check_failures && progress.step < progress.total);
    GIVES(FLIP_OK, flip_trainer_finish(trainer, &model, &err));
    GIVES(FLIP_OK, flip_model_sample(model, 0, 3000, "{\"seed\": 1, \"threads\": 2}", NULL, NULL, &rows, &err));
    CHECK(threads_are(1));
    flip_trainer_free(trainer); flip_table_free(rows); flip_table_free(table); flip_plan_free(plan);
    flip_schema_free(schema); flip_model_free(model);
    CHECK(threads_are(1));
}

static void fork_makes_handles_useless(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 600);
    flip_plan *plan = a_plan(schema);
    flip_model *model = a_model();
    flip_trainer *trainer = NULL;
    flip_accountant *accountant = NULL;
    flip_buffer *buffer = NULL;
    flip_error err;
    pid_t child;
    int status = -1;
    GIVES(FLIP_OK, flip_trainer_create(plan, table, &trainer, &err));
    GIVES(FLIP_OK, flip_trainer_step(trainer, 2, 0, NULL, &err));
    GIVES(FLIP_OK, flip_accountant_create("renyi", &accountant, &err));
    GIVES(FLIP_OK, flip_schema_json(schema, &buffer, &err));
    child = fork();
    if (child == 0) {
        flip_schema *s = NULL;
        flip_table *t = NULL;
        flip_plan *p = NULL;
        flip_trainer *tr = NULL;
        flip_model *m = NULL;
        flip_buffer *b = NULL;
        double x;
        check_failures = 0;
        GIVES(FLIP_E_STATE, flip_schema_json(schema, &b, &err));
        MESSAGE_HAS("fork");
        GIVES(FLIP_E_STATE, flip_table_create(schema, 3, &t, &err));
        GIVES(FLIP_E_STATE, flip_table_schema(table, &s, &err));
        GIVES(FLIP_E_STATE, flip_table_write_csv(table, path_of("x.csv"), NULL, &err));
        GIVES(FLIP_E_STATE, flip_plan_create(schema, small_plan, &p, &err));
        GIVES(FLIP_E_STATE, flip_plan_explain(plan, &b, &err));
        GIVES(FLIP_E_STATE, flip_trainer_create(plan, table, &tr, &err));
        GIVES(FLIP_E_STATE, flip_trainer_step(trainer, 1, 0, NULL, &err));
        GIVES(FLIP_E_STATE, flip_trainer_checkpoint(trainer, path_of("x.ckpt"), &err));
        GIVES(FLIP_E_STATE, flip_trainer_finish(trainer, &m, &err));
        GIVES(FLIP_E_STATE, flip_model_ledger(model, &b, &err));
        GIVES(FLIP_E_STATE, flip_model_sample(model, 0, 5, NULL, NULL, NULL, &t, &err));
        GIVES(FLIP_E_STATE, flip_model_save(model, path_of("x.h5"), &err));
        GIVES(FLIP_E_STATE, flip_accountant_epsilon(accountant, 1e-5, &x, &err));
        CHECK(flip_buffer_data(buffer) == NULL && flip_table_rows(table) == 0);
        flip_trainer_cancel(trainer);
        flip_schema_free(schema); flip_table_free(table); flip_plan_free(plan); flip_trainer_free(trainer);
        flip_model_free(model);
        flip_accountant_free(accountant); flip_buffer_free(buffer);
        s = a_schema();                            /* new things work */
        t = a_table(s, 600);
        p = a_plan(s);
        GIVES(FLIP_OK, flip_train(p, t, NULL, NULL, &m, &err));
        fflush(NULL);
        _exit(check_failures ? 1 : 0);
    }
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    GIVES(FLIP_OK, flip_trainer_step(trainer, 1, 0, NULL, &err));      /* the parent goes on */
    flip_schema_free(schema); flip_table_free(table); flip_plan_free(plan); flip_trainer_free(trainer);
    flip_model_free(model);
    flip_accountant_free(accountant); flip_buffer_free(buffer);
}

static void limit_memory(size_t more) {
    long pages = 0;
    struct rlimit limit;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld", &pages) != 1) abort();
    fclose(file);
    limit.rlim_cur = limit.rlim_max = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + more;
    if (setrlimit(RLIMIT_AS, &limit)) abort();
}

/* Memory that cannot be had is FLIP_E_NOMEM, and the process goes on. */
static void allocation_fails(void) {
    flip_schema *schema = a_schema(), *wide = NULL;
    flip_table *small = a_table(schema, 600), *table = NULL;
    flip_model *model = a_model();
    flip_buffer *json = NULL;
    flip_error err;
    FILE *csv = fopen(path_of("big.csv"), "w");
    char text[2000] = "{\"fields\": [";
    int i;
    for (i = 0; i < 12; i++)                                           /* eight bytes a cell: 60 MB */
        sprintf(text + strlen(text),
                "%s{\"name\": \"x%d\", \"type\": \"number\", \"constraints\": {\"minimum\": 0, \"maximum\": 9}}", i
                ? "," : "", i);
    strcat(text, "]}");
    GIVES(FLIP_OK, flip_schema_parse(text, strlen(text), &wide, &err));
    fputs("x0,x1,x2,x3,x4,x5,x6,x7,x8,x9,x10,x11\n", csv);
    for (i = 0; i < 600000; i++) fputs("1,2,3,4,5,6,7,8,9,1,2,3\n", csv);
    fclose(csv);
    limit_memory(4u << 20);
    GIVES(FLIP_E_NOMEM, flip_table_create(schema, 100000000, &table, &err));
    CHECK(table == NULL);
    GIVES(FLIP_E_NOMEM, flip_model_sample(model, 0, 50000000, "{\"seed\": 1}", NULL, NULL, &table, &err));
    CHECK(table == NULL);
    GIVES(FLIP_E_NOMEM, flip_table_read_csv(wide, path_of("big.csv"), NULL, NULL, NULL, &table, &err));
    CHECK(table == NULL);
    GIVES(FLIP_OK, flip_model_ledger(model, &json, &err));             /* what is small still works */
    CHECK(flip_table_rows(small) == 600);
    flip_buffer_free(json); flip_table_free(small); flip_model_free(model); flip_schema_free(schema);
    flip_schema_free(wide);
}

/* A whole training and a sample under limits from nothing on, closest where they are small: it works or says that
 * memory is missing. */
static void memory_runs_out_anywhere(void) {
    long kilobytes, step;
    for (kilobytes = 0; kilobytes <= 100000; kilobytes += step) {
        step = kilobytes < 600 ? 20 : kilobytes < 3000 ? 100 : kilobytes / 3;
        pid_t child = fork();
        int status = -1;
        if (child == 0) {
            flip_schema *schema = a_schema();
            flip_table *table = a_table(schema, 5000), *rows = NULL;
            flip_plan *plan = a_plan(schema);
            flip_model *model = NULL;
            flip_status s;
            limit_memory((size_t)kilobytes << 10);
            s = flip_train(plan, table, NULL, NULL, &model, NULL);
            if (s == FLIP_OK) s = flip_model_sample(model, 0, 50000, NULL, NULL, NULL, &rows, NULL);
            _exit(s == FLIP_OK || s == FLIP_E_NOMEM ? 0 : 1);
        }
        waitpid(child, &status, 0);
        if (!WIFEXITED(status) || WEXITSTATUS(status)) check_fail(__FILE__, __LINE__, "with %ld KB: status %x",
                                                                  kilobytes, (unsigned)status);
    }
}

/* A training on a wide table, and loading its model, in a child process that may take `more` bytes: done, or
 * FLIP_E_NOMEM; no other end. */
static void with_little_memory(const char *text, const char *path, size_t more) {
    static const char *const config = "{\"epsilon\": 4, \"delta\": 1e-5, \"preset\": \"published\", \"rows\": "
                                      "{\"guess\": 50}, \"threads\": 2,"
        " \"autoencoder\": {\"width\": 4, \"heads\": 1, \"feed_forward\": 8, \"latent\": 4, \"batch\": 16, \"steps\": "
        "2},"
        " \"diffusion\": {\"hidden\": 16, \"layers\": 1, \"noise_levels\": 2, \"batch\": 16, \"steps\": 2, "
        "\"sampler_steps\": 2}}";
    flip_schema *schema = NULL;
    flip_table *table = NULL;
    flip_plan *plan = NULL;
    flip_trainer *trainer = NULL;
    flip_model *model = NULL;
    flip_progress progress;
    flip_error err;
    flip_status status;
    double x[50];
    char name[20];
    int i;
    progress.size = sizeof progress;
    for (i = 0; i < 50; i++) x[i] = i * 0.17;
    GIVES(FLIP_OK, flip_schema_parse(text, strlen(text), &schema, &err));
    GIVES(FLIP_OK, flip_table_create(schema, 50, &table, &err));
    for (i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "x%d", i);
        GIVES(FLIP_OK, flip_table_set_float64(table, name, x, NULL, &err));
    }
    GIVES(FLIP_OK, flip_plan_create(schema, config, &plan, &err));
    if (more) limit_memory(more);
    status = flip_trainer_create(plan, table, &trainer, &err);
    if (!status) do status = flip_trainer_step(trainer, 1, 0, &progress, &err);
    while (!status && progress.step < progress.total);
    if (!status) status = flip_trainer_finish(trainer, &model, &err);
    CHECK(status == FLIP_OK || (more && status == FLIP_E_NOMEM));
    if (status && status != FLIP_E_NOMEM) fprintf(stderr, "training: %s\n", err.message);
    if (!more) GIVES(FLIP_OK, flip_model_save(model, path, &err));
    flip_model_free(model); flip_trainer_free(trainer);
    model = NULL;
    status = flip_model_load(path, &model, &err);
    CHECK(status == FLIP_OK || (more && status == FLIP_E_NOMEM));
    if (status && status != FLIP_E_NOMEM) fprintf(stderr, "loading: %s\n", err.message);
    CHECK((status == FLIP_OK) == (model != NULL));
    flip_model_free(model); flip_plan_free(plan); flip_table_free(table); flip_schema_free(schema);
}

static void a_wide_table_and_little_memory(void) {
    /* 0: none; writes the model that the others load */
    static const size_t limits[] = {0, 20, 60, 150};
    static char text[30000] = "{\"fields\": [";
    size_t i;
    for (i = 0; i < 200; i++)
        sprintf(text + strlen(text),
                "%s{\"name\": \"x%d\", \"type\": \"number\", \"constraints\": {\"minimum\": 0, \"maximum\": 9}}", i
                ? "," : "", (int)i);
    strcat(text, "]}");
    for (i = 0; i < sizeof limits / sizeof *limits; i++) {
        int status = -1;
        pid_t child;
        fflush(NULL);
        child = fork();
        if (child == 0) {
            check_failures = 0;
            with_little_memory(text, path_of("wide.h5"), limits[i] << 20);
            fflush(NULL);
            _exit(check_failures ? 1 : 0);
        }
        waitpid(child, &status, 0);
        if (!WIFEXITED(status) || WEXITSTATUS(status))
            check_fail(__FILE__, __LINE__, "with %d MB more: %s %d", (int)limits[i], WIFSIGNALED(status) ? "signal"
                       : "code", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
}

/* Two threads, each with handles of its own. */
static void *busy(void *user) {
    int i;
    flip_error err;
    (void)user;
    for (i = 0; i < 5; i++) {
        flip_schema *schema = a_schema();
        flip_table *table = a_table(schema, 300);
        flip_plan *plan = a_plan(schema);
        flip_trainer *trainer = NULL;
        if (flip_trainer_create(plan, table, &trainer, &err)
            || flip_trainer_step(trainer, 3, 0, NULL, &err)) check_failures++;
        flip_trainer_free(trainer); flip_plan_free(plan); flip_table_free(table); flip_schema_free(schema);
    }
    return NULL;
}

static void different_handles_are_independent(void) {
    pthread_t a, b;
    pthread_create(&a, NULL, busy, NULL);
    pthread_create(&b, NULL, busy, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
}

static int descriptors(void) {
    int n = 0, fd;
    for (fd = 0; fd < 1024; fd++) n += fcntl(fd, F_GETFD) != -1;
    return n;
}

static long resident(void) {
    long total = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &total, &pages) != 2) abort();
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

/* A round of good and bad calls on files. */
static void use_files(const flip_schema *schema, const flip_table *table, const flip_model *model) {
    flip_table *t = NULL;
    flip_model *m = NULL;
    flip_buffer *b = NULL;
    flip_error err;
    GIVES(FLIP_OK, flip_model_save(model, path_of("m"), &err));
    GIVES(FLIP_OK, flip_model_load(path_of("m"), &m, &err));
    GIVES(FLIP_OK, flip_model_sample(m, 0, 600, NULL, NULL, NULL, &t, &err));
    flip_table_free(t);
    GIVES(FLIP_OK, flip_model_to_bytes(m, &b, &err));
    flip_buffer_free(b);
    flip_model_free(m);
    GIVES(FLIP_OK, flip_table_write_hdf5(table, path_of("t.h5"), NULL, &err));
    GIVES(FLIP_OK, flip_table_read_hdf5(NULL, path_of("t.h5"), NULL, &t, &err));
    flip_table_free(t);
    GIVES(FLIP_OK, flip_table_write_csv(table, path_of("t.csv"), NULL, &err));
    GIVES(FLIP_OK, flip_table_read_csv(schema, path_of("t.csv"), NULL, NULL, NULL, &t, &err));
    flip_table_free(t);
    GIVES(FLIP_E_FORMAT, flip_table_read_hdf5(schema, path_of("m"), NULL, &t, &err));
    GIVES(FLIP_E_FORMAT, flip_table_read_hdf5(schema, path_of("t.csv"), NULL, &t, &err));
    GIVES(FLIP_E_FORMAT, flip_model_load(path_of("t.h5"), &m, &err));
    GIVES(FLIP_E_IO, flip_model_load(path_of("none"), &m, &err));
    GIVES(FLIP_E_IO, flip_model_save(model, "/proc/m", &err));
    GIVES(FLIP_OK, flip_file_check(path_of("m"), &b, &err));
    flip_buffer_free(b);
}

static void nothing_piles_up(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 600);
    flip_model *model = a_model();
    int i, open_before, window;
    long before, grown = 0;
    for (i = 0; i < 10; i++) use_files(schema, table, model);
    open_before = descriptors();
    /* The allocator may keep room once; a leak takes more in every window of 60 rounds. */
    for (window = 0; window < 3 && !check_failures; window++) {
        before = resident();
        for (i = 0; i < 60 && !check_failures; i++) use_files(schema, table, model);
        grown = resident() - before;
        if (grown <= 4000000) break;
    }
    CHECK(descriptors() == open_before);
    if (grown > 4000000) check_fail(__FILE__, __LINE__, "60 rounds took %ld bytes", grown);
    flip_model_free(model); flip_table_free(table); flip_schema_free(schema);
}

/* What belongs to the process is as it was: signals, rounding, denormals, folder, mask of new files. */
static void manners(void) {
    flip_schema *schema = a_schema();
    flip_table *table = a_table(schema, 600);
    flip_model *model;
    struct sigaction before[65], now;
    sigset_t mask_before, mask_now;
    volatile double tiny = 4.9e-324, small = 1e-310;
    char here[1000], there[1000];
    mode_t mode = umask(027);
    int s, rounding = fegetround();
    for (s = 1; s < 65; s++) sigaction(s, NULL, &before[s]);
    pthread_sigmask(SIG_SETMASK, NULL, &mask_before);
    if (!getcwd(here, sizeof here)) abort();
    model = a_model();
    use_files(schema, table, model);
    for (s = 1; s < 65; s++) CHECK(sigaction(s, NULL, &now) || now.sa_handler == before[s].sa_handler);
    pthread_sigmask(SIG_SETMASK, NULL, &mask_now);
    for (s = 1; s < 65; s++) CHECK(sigismember(&mask_now, s) == sigismember(&mask_before, s));
    CHECK(fegetround() == rounding && tiny > 0 && small * 0.5 > 0 && small * 0.5 < small);
    CHECK(getcwd(there, sizeof there) && !strcmp(here, there));
    CHECK(umask(mode) == 027);
    CHECK(!strcmp(setlocale(LC_ALL, NULL), "C"));
    flip_model_free(model); flip_table_free(table); flip_schema_free(schema);
}

const test_case guest_tests[] = {
    {"guest: nothing piles up", nothing_piles_up}, {"guest: manners", manners},
    {"guest: loading", loading}, {"guest: silent", silent}, {"guest: no thread stays", no_thread_stays},
    {"guest: fork", fork_makes_handles_useless},
    {"guest: allocation fails", allocation_fails}, {"guest: memory runs out anywhere", memory_runs_out_anywhere},
    {"guest: a wide table and little memory", a_wide_table_and_little_memory},
    {"guest: independent handles", different_handles_are_independent},
    {NULL, NULL}};
