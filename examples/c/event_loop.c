/* A training inside somebody else's event loop: poll() waits for a timer, for commands and for Ctrl-C, and whenever
 * nothing has happened the training gets a slice of 20 milliseconds. No thread, no callback. Linux.
 *
 *     ./event_loop rows.csv rows.schema.json 2.0 1e-5 model.flip.h5 checkpoint.flip.h5
 *
 * Commands on standard input: "status", "pause", "resume", "cancel". Cancelling leaves a checkpoint; the same command
 * line goes on from it. Exit codes: 0 done, 1 failed, 2 called wrongly, 130 cancelled. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <flip.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

static flip_trainer *running = NULL;
static volatile sig_atomic_t interrupted = 0;

/* Takes no lock: the slice that is running ends early with FLIP_E_CANCELLED. */
static void on_interrupt(int signal_number) {
    (void)signal_number;
    interrupted = 1;
    if (running) flip_trainer_cancel(running);
}

typedef struct state {
    flip_progress progress;
    int paused, cancelled, input_open;
    long ticks;
} state;

static void status(const state *s) {
    printf("%s %lld of %lld, epsilon %.3f, %ld ticks%s\n", s->progress.stage_name, (long long)s->progress.step,
           (long long)s->progress.total,
           s->progress.epsilon, s->ticks, s->paused ? ", paused" : "");
    fflush(stdout);
}

/* All commands that have arrived. A line longer than the buffer is no command of ours. */
static void obey(state *s) {
    static char line[200];
    static size_t used = 0;
    char *end;
    ssize_t n = read(STDIN_FILENO, line + used, sizeof line - 1 - used);
    if (n <= 0) {
        if (n == 0 || errno != EINTR) s->input_open = 0;
        return;
    }
    used += (size_t)n;
    line[used] = 0;
    while ((end = strchr(line, '\n')) != NULL) {
        *end = 0;
        if (!strcmp(line, "status")) status(s);
        else if (!strcmp(line, "pause")) s->paused = 1;
        else if (!strcmp(line, "resume")) s->paused = 0;
        else if (!strcmp(line, "cancel")) s->cancelled = 1;
        else fprintf(stderr, "no such command\n");
        used -= (size_t)(end + 1 - line);
        memmove(line, end + 1, used + 1);
    }
    if (used == sizeof line - 1) used = 0;
}

/* Until the training is complete (0), was cancelled (130) or failed (1). */
static int loop(flip_trainer *trainer, int timer, state *s, flip_error *err) {
    while (s->progress.total == 0 || s->progress.step < s->progress.total) {
        struct pollfd watched[2] = {{timer, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
        int ready;
        if (!s->input_open) watched[1].fd = -1;
        ready = poll(watched, 2, s->paused ? -1 : 0);         /* while there is work nobody waits */
        if (ready < 0 && errno != EINTR) { perror("poll"); return 1; }
        if (ready > 0 && watched[0].revents) {
            unsigned long long times = 0;
            if (read(timer, &times, sizeof times) == (ssize_t)sizeof times) s->ticks += (long)times;
        }
        if (ready > 0 && watched[1].revents) obey(s);
        if (interrupted || s->cancelled) return 130;
        if (s->paused) continue;
        if (flip_trainer_step(trainer, 0, 0.02, &s->progress, err)) return err->code == FLIP_E_CANCELLED ? 130 : 1;
    }
    return 0;
}

static char *read_text(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    long length = -1;
    char *text = NULL;
    if (file && !fseek(file, 0, SEEK_END)) length = ftell(file);
    if (length >= 0 && (text = malloc((size_t)length + 1)) != NULL) {
        rewind(file);
        *size = fread(text, 1, (size_t)length, file);
    }
    if (file) fclose(file);
    return text;
}

int main(int count, char **a) {
    flip_schema *schema = NULL;
    flip_table *table = NULL;
    flip_plan *plan = NULL;
    flip_trainer *trainer = NULL;
    flip_model *model = NULL;
    flip_error err = {0, ""};
    struct itimerspec every = {{0, 100000000}, {0, 100000000}};      /* ten times a second */
    struct sigaction action;
    char *json, config[100];
    size_t size = 0;
    int code = 1, timer;
    state s;

    if (count != 7) {
        fprintf(stderr, "usage: %s ROWS.csv SCHEMA.json EPSILON DELTA MODEL.flip.h5 CHECKPOINT.flip.h5\n", a[0]);
        return 2;
    }
    memset(&s, 0, sizeof s);
    s.progress.size = sizeof s.progress;
    s.input_open = 1;
    snprintf(config, sizeof config, "{\"epsilon\": %g, \"delta\": %g}", atof(a[3]), atof(a[4]));
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    json = read_text(a[2], &size);
    if (timer < 0 || timerfd_settime(timer, 0, &every, NULL) || !json) {
        fprintf(stderr, "%s: %s\n", a[2], strerror(errno));
        return 1;
    }
    if (flip_schema_parse(json, size, &schema, &err)) goto end;
    if (flip_table_read_csv(schema, a[1], NULL, NULL, NULL, &table, &err)) goto end;
    if (access(a[6], F_OK) == 0) {
        if (flip_trainer_resume(a[6], table, &trainer, &err)) goto end;
    } else {
        if (flip_plan_create(schema, config, &plan, &err)) goto end;
        if (flip_trainer_create(plan, table, &trainer, &err)) goto end;
        /* bound before the first release: a crash loses no charge */
        if (flip_trainer_checkpoint(trainer, a[6], &err)) goto end;
    }
    running = trainer;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    sigaction(SIGINT, &action, NULL);

    code = loop(trainer, timer, &s, &err);
    if (code == 130) {
        flip_buffer *ledger = NULL;
        /* What was charged stays charged: the file keeps the ledger as well as the weights. */
        if (flip_trainer_checkpoint(trainer, a[6], &err) || flip_trainer_ledger(trainer, &ledger, &err)) code = 1;
        else printf("cancelled: %s goes on from here\n%s\n", a[6], flip_buffer_data(ledger));
        flip_buffer_free(ledger);
    }
    if (code == 0) {
        code = flip_trainer_finish(trainer, &model, &err) || flip_model_save(model, a[5], &err);
        if (code == 0) printf("%s after %ld ticks\n", a[5], s.ticks);
    }

end:
    if (code == 1 && err.code) fprintf(stderr, "%s: %s\n", flip_status_name(err.code), err.message);
    signal(SIGINT, SIG_DFL);                       /* before the trainer goes: the handler must not meet a freed one */
    running = NULL;
    flip_model_free(model);
    flip_trainer_free(trainer);
    flip_plan_free(plan);
    flip_table_free(table);
    flip_schema_free(schema);
    free(json);
    close(timer);
    return code;
}
