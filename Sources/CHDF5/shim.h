// What of HDF5's C interface Swift cannot import: macros, functions that are macros over versions, and the few places where the
// releases differ. No logic of ours beyond that. Constants are spelled as numbers where HDF5's own macro would first call
// H5check_version, which ends the process when the header and the loaded library differ; we compare them ourselves and return an error.

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
static inline hid_t flip_h5p_dataset_access(void) { return H5Pcreate(H5P_DATASET_ACCESS); }

// The oldest format the objects need, never newer than 1.10.
static inline herr_t flip_h5p_bounds(hid_t fapl) { return H5Pset_libver_bounds(fapl, H5F_LIBVER_EARLIEST, H5F_LIBVER_V110); }
static inline hid_t flip_h5f_create(const char *name, hid_t fcpl, hid_t fapl) { return H5Fcreate(name, 0x0002u, fcpl, fapl); } // truncate
static inline hid_t flip_h5f_open(const char *name, hid_t fapl) { return H5Fopen(name, 0x0000u, fapl); }                       // read only

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
    if (t >= 0 && (H5Tset_size(t, size ? size : H5T_VARIABLE) < 0 || H5Tset_cset(t, ascii ? H5T_CSET_ASCII : H5T_CSET_UTF8) < 0
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
static inline herr_t flip_h5d_read(hid_t d, hid_t type, hid_t memspace, hid_t filespace, void *p) {
    return H5Dread(d, type, memspace, filespace, 0, p);
}
// Texts of variable length, allocated by us so that a file cannot ask for more than `left` bytes.
typedef struct { size_t left; } flip_h5_budget;
static inline void *flip_h5_take(size_t size, void *info) {
    flip_h5_budget *b = (flip_h5_budget *)info;
    if (size > b->left) return 0;
    b->left -= size;
    return malloc(size ? size : 1);
}
static inline void flip_h5_give(void *p, void *info) { (void)info; free(p); }
static inline herr_t flip_h5d_read_texts(hid_t d, hid_t type, hid_t memspace, hid_t filespace, void *p, size_t most) {
    flip_h5_budget budget = { most };
    hid_t transfer = H5Pcreate(H5P_DATASET_XFER);
    herr_t result = -1;
    if (transfer >= 0 && H5Pset_vlen_mem_manager(transfer, flip_h5_take, &budget, flip_h5_give, 0) >= 0)
        result = H5Dread(d, type, memspace, filespace, transfer, p);
    if (transfer >= 0) H5Pclose(transfer);
    return result;
}
// Gives back what a text attribute's read allocated.
static inline herr_t flip_h5a_reclaim(hid_t type, hid_t space, void *p) {
#if H5_VERSION_GE(1, 12, 0)
    return H5Treclaim(type, space, 0, p);
#else
    return H5Dvlen_reclaim(type, space, 0, p);
#endif
}

// Bits of one byte, PyTables' booleans.
static inline hid_t flip_h5t_bits(int big) { return big ? H5T_STD_B8BE : H5T_STD_B8LE; }

// The address an attribute refers to, when it is one object reference; it is not followed.
static inline herr_t flip_h5a_reference(hid_t object, const char *name, uint64_t *address) {
    hobj_ref_t reference = 0;
    hid_t a = H5Aopen(object, name, 0), type = a < 0 ? -1 : H5Aget_type(a), space = a < 0 ? -1 : H5Aget_space(a);
    herr_t result = -1;
    if (type >= 0 && space >= 0 && H5Tequal(type, H5T_STD_REF_OBJ) > 0 && H5Sget_simple_extent_npoints(space) == 1)
        result = H5Aread(a, H5T_STD_REF_OBJ, &reference);
    *address = (uint64_t)reference;
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (a >= 0) H5Aclose(a);
    return result;
}
// The address of an open object, in the terms of such a reference; 0 when it cannot be had.
static inline uint64_t flip_h5o_address(hid_t object) {
#if H5_VERSION_GE(1, 12, 0)
    H5O_info1_t info;
    return H5Oget_info2(object, &info, H5O_INFO_BASIC) < 0 ? 0 : (uint64_t)info.addr;
#else
    H5O_info_t info;
    return H5Oget_info2(object, &info, H5O_INFO_BASIC) < 0 ? 0 : (uint64_t)info.addr;
#endif
}

// What kind of link `name` is in `group`: 0 hard, 1 soft, 64 external; -1 when it is not there.
static inline int flip_h5l_kind(hid_t group, const char *name) {
    H5L_info_t info;
    return H5Lget_info(group, name, &info, 0) < 0 ? -1 : (int)info.type;
}
static inline ssize_t flip_h5l_name(hid_t group, hsize_t i, char *name, size_t size) {
    return H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, size, 0);
}
static inline int64_t flip_h5g_count(hid_t group) {
    H5G_info_t info;
    return H5Gget_info(group, &info) < 0 ? -1 : (int64_t)info.nlinks;
}
static inline int64_t flip_h5a_count(hid_t object) {
#if H5_VERSION_GE(1, 12, 0)
    H5O_info2_t info;
    if (H5Oget_info3(object, &info, H5O_INFO_NUM_ATTRS) < 0) return -1;
#else
    H5O_info_t info;
    if (H5Oget_info2(object, &info, H5O_INFO_NUM_ATTRS) < 0) return -1;
#endif
    return (int64_t)info.num_attrs;
}
static inline ssize_t flip_h5a_name(hid_t object, hsize_t i, char *name, size_t size) {
    return H5Aget_name_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, size, 0);
}
