/* The loop of a worker: numbers in, outcomes into a shared page, limits on time and memory. */
#include "worker.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

enum { SECONDS = 20 };
static const rlim_t ADDRESSES = 3UL << 30;                /* what a process may map */
static const long RESIDENT = 2L << 20;                    /* KiB that it may touch */

void die(const char *message) {
    fprintf(stderr, "%s\n", message);
    exit(2);
}

uint8_t *file_bytes(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    fseek(file, 0, SEEK_END);
    long n = ftell(file);
    rewind(file);
    uint8_t *bytes = n < 0 ? NULL : malloc((size_t)n + 1);
    if (!bytes || fread(bytes, 1, (size_t)n, file) != (size_t)n) die("cannot read a file");
    bytes[n] = 0;
    *size = (size_t)n;
    fclose(file);
    return bytes;
}

void write_bytes(const char *path, const void *bytes, size_t size) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || write(file, bytes, size) != (ssize_t)size) die("cannot write a file");
    close(file);
}

/* Removes a folder of files. */
static void remove_folder(const char *folder) {
    char path[4096];
    DIR *list = opendir(folder);
    for (struct dirent *entry; list && (entry = readdir(list));) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.') unlink(path);
    }
    if (list) closedir(list);
    rmdir(folder);
}

/* An input that takes longer than this, of processor time or of time, ends the worker by the signal. */
static void set_limits(int seconds) {
    struct itimerval processor = {{0, 0}, {seconds, 0}};
    setitimer(ITIMER_PROF, &processor, NULL);
    alarm((unsigned)(6 * seconds));
}

int serve(const char *state) {
    struct rlimit addresses = {ADDRESSES, ADDRESSES}, none = {0, 0};
    setrlimit(RLIMIT_AS, &addresses);
    setrlimit(RLIMIT_CORE, &none);
    int file = open(state, O_RDWR | O_CLOEXEC);
    volatile uint64_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file < 0 || page == MAP_FAILED) die("no state");
    char folder[] = "/dev/shm/fuzz-XXXXXX", fallback[] = "/tmp/fuzz-XXXXXX", line[80];
    const char *own = mkdtemp(folder);
    if (!own) own = mkdtemp(fallback);
    if (!own) die("no folder");
    while (fgets(line, sizeof line, stdin)) {
        unsigned long long first, count;
        if (sscanf(line, "%llu %llu", &first, &count) != 2) die("expected two numbers");
        for (unsigned long long number = first; number < first + count; number++) {
            page[0] = number;
            set_limits(SECONDS);
            outcome what = attempt(number, own);
            set_limits(0);
            struct rusage usage;
            if (what != OTHER && number % 64 == 0 && !getrusage(RUSAGE_SELF, &usage) && usage.ru_maxrss > RESIDENT)
                die("more than 2 GB");
            if (what == OTHER) printf("other %llu %s\n", number, name_of(number));
            page[1 + what]++;
        }
        printf("done\n");
        fflush(stdout);
    }
    remove_folder(own);
    return 0;
}
