/* Stands before the C library (LD_PRELOAD) and makes the n-th call of a kind fail, or do a part of what was asked.
 * The host arms it around one call of libflip: fault_arm, the call, fault_disarm, which says how often it struck. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

enum { READS = 1, WRITES = 2, OPENS = 4, SYNCS = 8, RENAMES = 16, TRUNCATES = 32 };
static struct { int kinds, error, at, forever, seen, struck; } fault;

/* kinds: a sum of the above. error: what errno says, 0 for a short read or write. at: which call, from 1.
 * forever: whether all later ones fail too. */
void fault_arm(int kinds, int error, int at, int forever) {
    fault.seen = fault.struck = 0;
    fault.error = error, fault.at = at, fault.forever = forever;
    fault.kinds = kinds;
}

int fault_disarm(void) {
    fault.kinds = 0;
    return fault.struck;
}

static int strikes(int kind) {
    if (!(fault.kinds & kind)) return 0;
    fault.seen++;
    if (fault.seen != fault.at && !(fault.forever && fault.seen > fault.at)) return 0;
    fault.struck++;
    return 1;
}

/* What a call of `count` bytes does: -1 and errno, or a smaller count. */
#define NEXT(name) static __typeof__(&name) next; if (!next) *(void **)&next = dlsym(RTLD_NEXT, #name)
#define STRIKE(kind) do { if (strikes(kind)) { if (fault.error) { errno = fault.error; return -1; } \
    if (count > 1) count /= 2; } } while (0)

ssize_t read(int file, void *buffer, size_t count) { NEXT(read); STRIKE(READS); return next(file, buffer, count); }
ssize_t pread(int file, void *buffer, size_t count, off_t at) {
    NEXT(pread); STRIKE(READS); return next(file, buffer, count, at);
}
ssize_t pread64(int file, void *buffer, size_t count, off64_t at) {
    NEXT(pread64); STRIKE(READS); return next(file, buffer, count, at);
}
ssize_t write(int file, const void *buffer, size_t count) {
    NEXT(write); STRIKE(WRITES); return next(file, buffer, count);
}
ssize_t pwrite(int file, const void *buffer, size_t count, off_t at) {
    NEXT(pwrite); STRIKE(WRITES); return next(file, buffer, count, at);
}
ssize_t pwrite64(int file, const void *buffer, size_t count, off64_t at) {
    NEXT(pwrite64); STRIKE(WRITES); return next(file, buffer, count, at);
}

#define FAIL(kind) do { if (strikes(kind) && fault.error) { errno = fault.error; return -1; } } while (0)

int open(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
    va_end(list);
    NEXT(open); FAIL(OPENS); return next(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
    va_end(list);
    NEXT(open64); FAIL(OPENS); return next(path, flags, mode);
}
int fsync(int file) { NEXT(fsync); FAIL(SYNCS); return next(file); }
int fdatasync(int file) { NEXT(fdatasync); FAIL(SYNCS); return next(file); }
int rename(const char *from, const char *to) { NEXT(rename); FAIL(RENAMES); return next(from, to); }
int ftruncate(int file, off_t size) { NEXT(ftruncate); FAIL(TRUNCATES); return next(file, size); }
int ftruncate64(int file, off64_t size) { NEXT(ftruncate64); FAIL(TRUNCATES); return next(file, size); }
