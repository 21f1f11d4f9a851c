/* A valid HDF5 file, the places in it that matter, and mutants of it whose checksums and seal are right again. */
#ifndef MUTATE_H
#define MUTATE_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct { size_t start, length; } span;

typedef struct {
    const char *name;
    uint8_t *data;                     /* without the seal */
    size_t size;
    int sealed;
    size_t digest_at;                  /* where the digest over the content stands; 0 where there is none */
    span *checked;                     /* structures that end with a checksum, which is not in the length */
    size_t n_checked;
    size_t *addresses;                 /* where something begins: signatures, and whatever an address points at */
    size_t n_addresses;
} seed;

void seed_load(seed *into, const char *name, const char *path);

/* Mutant `number` in *out, which is grown as needed. Returns its size. */
size_t seed_mutant(const seed *from, uint64_t number, uint8_t **out);

/* Says which text of 64 hexadecimal digits in the seed is its digest. */
void seed_set_digest(seed *into, const char *digest);

/* Puts `digest` in its place in a mutant, and seals the mutant again. Returns 0 when there is none. */
int seed_put_digest(const seed *from, uint8_t **data, size_t *size, const char *digest);

#endif
