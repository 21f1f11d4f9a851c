// What of HDF5's C interface Swift cannot import: macros, and functions that differ between releases.
// No logic of ours beyond that. Constants are spelled as numbers where HDF5's own macro would first call
// H5check_version, which ends the process when the header and the loaded library differ; we compare them ourselves and
// return an error.

#pragma once
#include <hdf5.h>
#include <stdlib.h>

// 1 when the loaded library may be used with this header: same major and minor, release not older.
static inline int flip_h5_matches(unsigned *major, unsigned *minor, unsigned *release) {
    if (H5get_libversion(major, minor, release) < 0) return 0;
    return *major == H5_VERS_MAJOR && *minor == H5_VERS_MINOR && *release >= H5_VERS_RELEASE;
}

// The handler that prints errors, as the host has set it: taken away around our calls and put back.
typedef struct { H5E_auto2_t f2; H5E_auto1_t f1; void *data; unsigned is2; } flip_h5_handler;

static inline void flip_h5_silence(flip_h5_handler *h) {
    h->f2 = 0; h->f1 = 0; h->data = 0; h->is2 = 1;
    H5Eauto_is_v2(H5E_DEFAULT, &h->is2);
    if (h->is2) H5Eget_auto2(H5E_DEFAULT, &h->f2, &h->data);
    else H5Eget_auto1(&h->f1, &h->data);
    H5Eset_auto2(H5E_DEFAULT, 0, 0);
}
static inline void flip_h5_restore(const flip_h5_handler *h) {
    H5Eclear2(H5E_DEFAULT);
    if (h->is2) H5Eset_auto2(H5E_DEFAULT, h->f2, h->data);
    else H5Eset_auto1(h->f1, h->data);
}

// Property list classes (macros that initialise the library first).
static inline hid_t flip_h5p_file_access(void) { return H5Pcreate(H5P_FILE_ACCESS); }
static inline hid_t flip_h5p_file_create(void) { return H5Pcreate(H5P_FILE_CREATE); }
static inline hid_t flip_h5p_group_create(void) { return H5Pcreate(H5P_GROUP_CREATE); }
static inline hid_t flip_h5p_dataset_create(void) { return H5Pcreate(H5P_DATASET_CREATE); }

// The oldest format the objects need, never newer than 1.10.
static inline herr_t flip_h5p_bounds(hid_t fapl) {
    return H5Pset_libver_bounds(fapl, H5F_LIBVER_EARLIEST, H5F_LIBVER_V110);
}
// truncate
static inline hid_t flip_h5f_create(const char *name, hid_t fcpl, hid_t fapl) {
    return H5Fcreate(name, 0x0002u, fcpl, fapl);
}

// Types. `kind`: 0 float32, 1 float64, 2 int8, 3 int16, 4 int32, 5 int64, 6 uint8, 7 uint16, 8 uint32, 9 uint64.
static inline hid_t flip_h5t_memory(int kind) {
    switch (kind) {
    case 0: return H5T_NATIVE_FLOAT;
    case 1: return H5T_NATIVE_DOUBLE;
    case 2: return H5T_NATIVE_INT8;
    case 3: return H5T_NATIVE_INT16;
    case 4: return H5T_NATIVE_INT32;
    case 5: return H5T_NATIVE_INT64;
    case 6: return H5T_NATIVE_UINT8;
    case 7: return H5T_NATIVE_UINT16;
    case 8: return H5T_NATIVE_UINT32;
    case 9: return H5T_NATIVE_UINT64;
    default: return -1;
    }
}
static inline hid_t flip_h5t_file(int kind, int big) {
    switch (kind) {
    case 0: return big ? H5T_IEEE_F32BE : H5T_IEEE_F32LE;
    case 1: return big ? H5T_IEEE_F64BE : H5T_IEEE_F64LE;
    case 2: return big ? H5T_STD_I8BE : H5T_STD_I8LE;
    case 3: return big ? H5T_STD_I16BE : H5T_STD_I16LE;
    case 4: return big ? H5T_STD_I32BE : H5T_STD_I32LE;
    case 5: return big ? H5T_STD_I64BE : H5T_STD_I64LE;
    case 6: return big ? H5T_STD_U8BE : H5T_STD_U8LE;
    case 7: return big ? H5T_STD_U16BE : H5T_STD_U16LE;
    case 8: return big ? H5T_STD_U32BE : H5T_STD_U32LE;
    case 9: return big ? H5T_STD_U64BE : H5T_STD_U64LE;
    default: return -1;
    }
}
// Text of `size` bytes padded with zeros or spaces, or of variable length when `size` is 0.
static inline hid_t flip_h5t_text(size_t size, int spaces, int ascii) {
    hid_t t = H5Tcopy(H5T_C_S1);
    if (t >= 0
        && (H5Tset_size(t, size ? size : H5T_VARIABLE) < 0 || H5Tset_cset(t, ascii ? H5T_CSET_ASCII : H5T_CSET_UTF8) < 0
                   || H5Tset_strpad(t, !size ? H5T_STR_NULLTERM : spaces ? H5T_STR_SPACEPAD : H5T_STR_NULLPAD) < 0)) {
        H5Tclose(t);
        return -1;
    }
    return t;
}

static inline hid_t flip_h5s_simple(int rank, const hsize_t *shape, int grows) {
    const hsize_t unlimited[1] = { H5S_UNLIMITED };
    return rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, shape, grows && rank == 1 ? unlimited : 0);
}
static inline herr_t flip_h5s_rows(hid_t space, hsize_t start, hsize_t count) {
    return H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, 0, &count, 0);
}

// The whole of a dataset, or the rows selected in `filespace` from or to `memspace` (0: all).
static inline herr_t flip_h5d_write(hid_t d, hid_t type, hid_t memspace, hid_t filespace, const void *p) {
    return H5Dwrite(d, type, memspace, filespace, 0, p);
}
