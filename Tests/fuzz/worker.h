/* What every worker of Tests/fuzz/fuzz does, whatever it feeds to the library.
 *
 * Lines "FIRST COUNT" come in on stdin. For each, the inputs FIRST ... FIRST + COUNT - 1 are tried, and "done" goes
 * out.
 * STATE is a file of eight numbers of 64 bits that survive the worker: the input being tried, and how many were read,
 * refused, something else. An input that takes 20 seconds of
 * processor time ends the worker by SIGPROF, one that takes 120 seconds by SIGALRM. */
#ifndef WORKER_H
#define WORKER_H

#include <stddef.h>
#include <stdint.h>

typedef enum { READ, REFUSED, OTHER } outcome;

/* Tries one input. `folder` is the worker's own. */
outcome attempt(uint64_t number, const char *folder);
/* What input `number` was made from, for messages. */
const char *name_of(uint64_t number);

/* Reads lines until there are no more. Returns the exit code. */
int serve(const char *state);

uint8_t *file_bytes(const char *path, size_t *size);      /* malloc'd, a NUL behind the end; NULL when there is none */
void write_bytes(const char *path, const void *bytes, size_t size);
void die(const char *message);

#endif
