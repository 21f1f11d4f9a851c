/* Mutations of HDF5 files that keep the checksums of structures, so that mutants reach what lies behind the checks. */
#include "mutate.h"
#include "worker.h"
#include <stdio.h>

/* Structures that end with a checksum (HDF5 File Format Specification), and their size where it is fixed. */
static const struct { const char *word; size_t size; } checked_words[] = {
    {"OHDR", 0}, {"OCHK", 0}, {"FRHP", 146}, {"FHIB", 0}, {"BTHD", 38}, {"BTLF", 0}, {"BTIN", 0}, {"FAHD", 28},
    {"FADB", 0}, {"EAHD", 72}, {"EAIB", 0}, {"EASB", 0}, {"EADB", 0}, {"FSHD", 0}, {"SMTB", 0}};
static const char *plain_words[] = {"TREE", "SNOD", "HEAP", "GCOL", "FHDB"};
enum { LONGEST = 2500, SEAL = 78 };
static const char seal_mark[] = "\nflip-sha256 ";

/* MARK: random numbers (SplitMix64) */

typedef struct { uint64_t state; } source;

static uint64_t next(source *r) {
    uint64_t z = r->state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}
static size_t below(source *r, size_t n) { return n ? (size_t)(next(r) % n) : 0; }
#define PICK(r, list) (list)[below(r, sizeof(list) / sizeof *(list))]

/* MARK: checksums */

static uint32_t word_at(const uint8_t *p, size_t n) {
    uint32_t value = 0;
    for (size_t i = 0; i < n && i < 4; i++) value |= (uint32_t)p[i] << 8 * i;
    return value;
}

static uint32_t turned(uint32_t x, int k) { return x << k | x >> (32 - k); }

/* Bob Jenkins' lookup3 with the initial value 0, as HDF5 uses it. */
static uint32_t lookup3(const uint8_t *p, size_t n) {
    uint32_t a = 0xDEADBEEFu + (uint32_t)n, b = a, c = a;
    for (; n > 12; p += 12, n -= 12) {
        a += word_at(p, 4); b += word_at(p + 4, 4); c += word_at(p + 8, 4);
        a = (a - c) ^ turned(c, 4); c += b;
        b = (b - a) ^ turned(a, 6); a += c;
        c = (c - b) ^ turned(b, 8); b += a;
        a = (a - c) ^ turned(c, 16); c += b;
        b = (b - a) ^ turned(a, 19); a += c;
        c = (c - b) ^ turned(b, 4); b += a;
    }
    if (!n) return c;
    a += word_at(p, n); b += n > 4 ? word_at(p + 4, n - 4) : 0; c += n > 8 ? word_at(p + 8, n - 8) : 0;
    c = (c ^ b) - turned(b, 14);
    a = (a ^ c) - turned(c, 11);
    b = (b ^ a) - turned(a, 25);
    c = (c ^ b) - turned(b, 16);
    a = (a ^ c) - turned(c, 4);
    b = (b ^ a) - turned(a, 14);
    return (c ^ b) - turned(b, 24);
}

/* SHA-256 (FIPS 180-4). The constants are the first bits of the fractions of roots of primes. */
static void sha256(const uint8_t *data, size_t size, char hex[65]) {
    static const uint32_t k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
        0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
        0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
        0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
        0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
        0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
        0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
        0xc67178f2};
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    size_t blocks = (size + 8) / 64 + 1;
    for (size_t block = 0; block < blocks; block++) {
        uint8_t m[64] = {0};
        size_t at = 64 * block, n = at >= size ? 0 : size - at < 64 ? size - at : 64;
        memcpy(m, data + at, n);
        if (n < 64 && at + n == size) m[n] = 0x80;
        if (block + 1 == blocks)
            for (int i = 0; i < 8; i++) m[63 - i] = (uint8_t)((uint64_t)size * 8 >> 8 * i);
        uint32_t w[64], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], z = h[7];
        for (int i = 0; i < 16; i++)
            w[i] = (uint32_t)m[4 * i] << 24 | (uint32_t)m[4 * i + 1] << 16 | (uint32_t)m[4 * i + 2] << 8 | m[4 * i + 3];
        for (int i = 16; i < 64; i++)
            w[i] = w[i - 16] + (turned(w[i - 15], 25) ^ turned(w[i - 15], 14) ^ w[i - 15] >> 3) + w[i - 7]
                + (turned(w[i - 2], 15) ^ turned(w[i - 2], 13) ^ w[i - 2] >> 10);
        for (int i = 0; i < 64; i++) {
            uint32_t one = z + (turned(e, 26) ^ turned(e, 21) ^ turned(e, 7)) + ((e & f) ^ (~e & g)) + k[i] + w[i];
            uint32_t two = (turned(a, 30) ^ turned(a, 19) ^ turned(a, 10)) + ((a & b) ^ (a & c) ^ (b & c));
            z = g; g = f; f = e; e = d + one; d = c; c = b; b = a; a = one + two;
        }
        h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += z;
    }
    for (int i = 0; i < 8; i++) snprintf(hex + 8 * i, 9, "%08x", (unsigned)h[i]);
}

/* MARK: places */

static const uint8_t *find(const uint8_t *data, size_t size, const char *word, size_t length, const uint8_t *from) {
    return (size_t)(data + size - from) < length ? NULL : memmem(from, (size_t)(data + size - from), word, length);
}

static void add_address(seed *s, size_t address) {
    s->addresses = realloc(s->addresses, (s->n_addresses + 1) * sizeof *s->addresses);
    s->addresses[s->n_addresses++] = address;
}

static void add_checked(seed *s, size_t start, size_t length) {
    s->checked = realloc(s->checked, (s->n_checked + 1) * sizeof *s->checked);
    s->checked[s->n_checked++] = (span){start, length};
    add_address(s, start);
}

static int is_checked(const seed *s, size_t at, size_t length) {
    return at + length + 4 <= s->size && word_at(s->data + at + length, 4) == lookup3(s->data + at, length);
}

static int in_order(const void *a, const void *b) {
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

void seed_load(seed *s, const char *name, const char *path) {
    memset(s, 0, sizeof *s);
    s->name = name;
    s->data = file_bytes(path, &s->size);
    if (!s->data || s->size < 64) die("a seed that cannot be read");
    if (s->size > SEAL && !memcmp(s->data + s->size - SEAL, seal_mark, sizeof seal_mark - 1))
        s->sealed = 1, s->size -= SEAL;
    add_address(s, 0);
    for (size_t i = 0; i < sizeof checked_words / sizeof *checked_words; i++)
        for (const uint8_t *p = s->data; (p = find(s->data, s->size, checked_words[i].word, 4, p)); p++) {
            size_t at = (size_t)(p - s->data), fixed = checked_words[i].size;
            size_t from = fixed ? fixed - 4 : 8, to = fixed ? fixed - 4 : LONGEST;
            for (size_t length = from; length <= to; length++)
                if (is_checked(s, at, length)) { add_checked(s, at, length); break; }
        }
    if (!memcmp(s->data, "\x89HDF\r\n\x1a\n", 8) && s->data[8] >= 2) add_checked(s, 0, 44);
    for (size_t i = 0; i < sizeof plain_words / sizeof *plain_words; i++)
        for (const uint8_t *p = s->data; (p = find(s->data, s->size, plain_words[i], 4, p)); p++)
            add_address(s, (size_t)(p - s->data));
    /* Object headers of version 1 have no signature: they are found by what points at them. */
    for (size_t i = 0; i + 8 <= s->size; i += 8) {
        uint64_t value = word_at(s->data + i, 4) | (uint64_t)word_at(s->data + i + 4, 4) << 32;
        if (value && value < s->size) add_address(s, (size_t)value);
    }
    qsort(s->addresses, s->n_addresses, sizeof *s->addresses, in_order);
    size_t kept = 0;
    for (size_t i = 0; i < s->n_addresses; i++)
        if (!kept || s->addresses[kept - 1] != s->addresses[i]) s->addresses[kept++] = s->addresses[i];
    s->n_addresses = kept;
}

/* MARK: mutants */

static void put(uint8_t *data, size_t size, size_t at, uint64_t value, size_t width) {
    for (size_t i = 0; i < width && at + i < size; i++) data[at + i] = (uint8_t)(value >> 8 * i);
}

static void change(const seed *s, uint8_t *data, source *r) {
    size_t start = 0, reach = s->size;
    if (below(r, 5)) start = s->addresses[below(r, s->n_addresses)], reach = 512;
    size_t at = start + below(r, reach < s->size - start ? reach : s->size - start);
    static const uint8_t bytes[] = {0, 1, 2, 3, 4, 7, 8, 16, 127, 128, 254, 255};
    static const size_t widths[] = {2, 4, 8}, lengths[] = {4, 8, 16, 40, 96};
    switch (below(r, 8)) {
    case 0: case 1: data[at] ^= (uint8_t)(1 << below(r, 8)); break;
    case 2: data[at] = PICK(r, bytes); break;
    case 3: case 4: {
        const uint64_t values[] = {0, 1, 2, 8, 255, 1u << 15, (1u << 31) - 1, 1u << 31, UINT32_MAX, 1ULL << 40,
                                   (1ULL << 63) - 1, 1ULL << 63, UINT64_MAX, s->size, s->size - 1, s->size - 8,
                                   next(r)};
        put(data, s->size, at, PICK(r, values), PICK(r, widths));
        break;
    }
    case 5:                                      /* one address for another: cycles, structures of other kinds */
        put(data, s->size, at - at % 8, s->addresses[below(r, s->n_addresses)], 8);
        break;
    case 6: {                                            /* a piece of the file over another */
        size_t from = s->addresses[below(r, s->n_addresses)], length = PICK(r, lengths), rest = s->size - at;
        if (length > rest) length = rest;
        if (length > s->size - from) length = s->size - from;
        memmove(data + at, data + from, length);
        break;
    }
    default: {
        static const int steps[] = {-8, -1, 1, 8};
        put(data, s->size, at, word_at(data + at, s->size - at) + (uint32_t)PICK(r, steps), 4);
    }
    }
}

static size_t seal(const seed *s, uint8_t *data, size_t size) {
    if (!s->sealed) return size;
    char line[SEAL + 1], hex[65];
    sha256(data, size, hex);
    snprintf(line, sizeof line, "%s%s\n", seal_mark, hex);
    memcpy(data + size, line, SEAL);
    return size + SEAL;
}

size_t seed_mutant(const seed *s, uint64_t number, uint8_t **out) {
    static const int counts[] = {1, 1, 1, 2, 2, 3, 5, 9};
    source r = {number * 0xD1342543DE82EF95u + 1};
    uint8_t *data = *out = realloc(*out, s->size + SEAL + 1);
    if (!data) die("no memory");
    memcpy(data, s->data, s->size);
    for (int n = PICK(&r, counts); n > 0; n--) change(s, data, &r);
    size_t size = below(&r, 100) < 3 ? below(&r, s->size) : s->size;
    if (below(&r, 100) < 85)
        for (size_t i = 0; i < s->n_checked; i++) {
            size_t at = s->checked[i].start, length = s->checked[i].length;
            if (at + length + 4 <= size && memcmp(data + at, s->data + at, length))
                put(data, size, at + length, lookup3(data + at, length), 4);
        }
    return seal(s, data, size);
}

int seed_put_digest(const seed *s, uint8_t **data, size_t *size, const char *digest) {
    if (!s->sealed || *size < SEAL || !s->digest_at || s->digest_at + 64 > *size - SEAL) return 0;
    memcpy(*data + s->digest_at, digest, 64);
    *size = seal(s, *data, *size - SEAL);
    return 1;
}

void seed_set_digest(seed *s, const char *digest) {
    const uint8_t *found = find(s->data, s->size, digest, 64, s->data);
    s->digest_at = found ? (size_t)(found - s->data) : 0;
}
