// A file driver for HDF5 that writes through a descriptor of ours and never fails a write.
// HDF5 cannot live with failed writes: what it could not write stays pending, the file cannot be closed, and the
// library crashes on it later. Here a write that the disk refuses is kept in memory instead, its error number is noted
// for us, and HDF5 goes on undisturbed until we give up the file. Used for every file on disk; files in memory use
// HDF5's core driver. (HDF5, "Virtual File Layer", H5FD_class_t.)

#pragma once
#include <hdf5.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// A piece of the file that is not on the disk.
typedef struct flip_h5_piece {
    struct flip_h5_piece *next;
    haddr_t start;
    size_t size;
    unsigned char bytes[];
} flip_h5_piece;

// The file behind the driver; the caller's, and must outlive the HDF5 file.
typedef struct {
    int descriptor;
    int error;                  // of the first write that failed; 0 while all is well
    flip_h5_piece *first, *last; // in the order they were written
} flip_h5_disk;

typedef struct { H5FD_t base; flip_h5_disk *disk; haddr_t eoa, eof; } flip_h5_file;

static H5FD_t *flip_h5fd_open(const char *name, unsigned flags, hid_t fapl, haddr_t maxaddr) {
    (void)name; (void)flags; (void)maxaddr;
    flip_h5_disk *const *info = (flip_h5_disk *const *)H5Pget_driver_info(fapl);
    struct stat s;
    if (!info || fstat((*info)->descriptor, &s) < 0) return 0;
    flip_h5_file *f = (flip_h5_file *)calloc(1, sizeof *f);
    if (!f) return 0;
    f->disk = *info;
    f->eof = (haddr_t)s.st_size;
    return &f->base;
}
static herr_t flip_h5fd_close(H5FD_t *file) { free(file); return 0; }
static herr_t flip_h5fd_query(const H5FD_t *file, unsigned long *flags) {
    (void)file;
    if (flags) *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE
        | H5FD_FEAT_AGGREGATE_SMALLDATA;
    return 0;
}
static haddr_t flip_h5fd_get_eoa(const H5FD_t *file, H5FD_mem_t type) {
    (void)type;
    return ((const flip_h5_file *)file)->eoa;
}
static herr_t flip_h5fd_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t a) {
    (void)type;
    ((flip_h5_file *)file)->eoa = a;
    return 0;
}
static haddr_t flip_h5fd_get_eof(const H5FD_t *file, H5FD_mem_t type) {
    (void)type;
    return ((const flip_h5_file *)file)->eof;
}

static int flip_h5fd_outside(haddr_t a, size_t size) { return a > (haddr_t)INT64_MAX || size > (haddr_t)INT64_MAX - a; }

static herr_t flip_h5fd_read(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t a, size_t size, void *buffer) {
    (void)type; (void)dxpl;
    const flip_h5_disk *disk = ((flip_h5_file *)file)->disk;
    unsigned char *p = (unsigned char *)buffer;
    if (flip_h5fd_outside(a, size)) return -1;
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(disk->descriptor, p + done, size - done, (off_t)(a + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) break;
        done += (size_t)n;
    }
    memset(p + done, 0, size - done);           // behind the end: zeros, as HDF5's own drivers give
    for (const flip_h5_piece *q = disk->first; q; q = q->next) {
        haddr_t from = q->start > a ? q->start : a, to = q->start + q->size < a + size ? q->start + q->size : a + size;
        if (from < to) memcpy(p + (from - a), q->bytes + (from - q->start), (size_t)(to - from));
    }
    return 0;
}

static herr_t flip_h5fd_keep(flip_h5_disk *disk, haddr_t a, const unsigned char *p, size_t size) {
    flip_h5_piece *q = (flip_h5_piece *)malloc(sizeof *q + size);
    if (!q) return -1;
    q->next = 0; q->start = a; q->size = size;
    memcpy(q->bytes, p, size);
    if (disk->last) disk->last->next = q; else disk->first = q;
    disk->last = q;
    return 0;
}

static herr_t flip_h5fd_write(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t a, size_t size, const void *buffer) {
    (void)type; (void)dxpl;
    flip_h5_file *f = (flip_h5_file *)file;
    const unsigned char *p = (const unsigned char *)buffer;
    if (flip_h5fd_outside(a, size)) return -1;
    size_t done = 0;
    while (done < size && !f->disk->error) {
        ssize_t n = pwrite(f->disk->descriptor, p + done, size - done, (off_t)(a + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) f->disk->error = n < 0 ? errno : ENOSPC;
        else done += (size_t)n;
    }
    // Once one write failed all others stay in memory, so that order does not matter.
    if (done < size && flip_h5fd_keep(f->disk, a + done, p + done, size - done) < 0) return -1;
    if (a + size > f->eof) f->eof = a + size;
    return 0;
}

static herr_t flip_h5fd_truncate(H5FD_t *file, hid_t dxpl, hbool_t closing) {
    (void)dxpl; (void)closing;
    flip_h5_file *f = (flip_h5_file *)file;
    if (f->eoa == f->eof) return 0;
    if (!f->disk->error && ftruncate(f->disk->descriptor, (off_t)f->eoa) < 0) f->disk->error = errno;
    f->eof = f->eoa;
    return 0;
}

// The driver, made known to the library. `known`: what an earlier call gave, or -1; it is kept for good, because HDF5
// 1.10 reads a driver's table once more after it has let go of the driver. Host and library may meanwhile have been
// through H5close.
static inline hid_t flip_h5fd_driver(hid_t known) {
    static const H5FD_class_t driver = {
#if H5_VERSION_GE(1, 13, 0)
        // any number from 512 on that is free in the process
        .version = H5FD_CLASS_VERSION, .value = (H5FD_class_value_t)612,
#endif
        .name = "libflip", .maxaddr = (haddr_t)INT64_MAX, .fc_degree = H5F_CLOSE_STRONG,
            .fapl_size = sizeof(flip_h5_disk *),
        .open = flip_h5fd_open, .close = flip_h5fd_close, .query = flip_h5fd_query, .get_eoa = flip_h5fd_get_eoa,
            .set_eoa = flip_h5fd_set_eoa,
        .get_eof = flip_h5fd_get_eof, .read = flip_h5fd_read, .write = flip_h5fd_write, .truncate = flip_h5fd_truncate,
        .fl_map = H5FD_FLMAP_DICHOTOMY,
    };
    return known >= 0 && H5Iget_type(known) == H5I_VFL ? known : H5FDregister(&driver);
}
// Makes `fapl` use the driver on `disk`.
static inline herr_t flip_h5p_disk(hid_t fapl, hid_t driver, flip_h5_disk *disk) {
    return H5Pset_driver(fapl, driver, &disk);
}

static inline void flip_h5_disk_empty(flip_h5_disk *disk) {
    for (flip_h5_piece *q = disk->first, *next; q; q = next) { next = q->next; free(q); }
    disk->first = disk->last = 0;
}
