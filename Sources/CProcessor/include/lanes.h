// Shuffles, comparisons and choices inside a vector, which Swift would compile to loops over lanes.
// Header only: every kernel module gets copies of its own, for its own instruction set.
#pragma once

typedef float flip_f8 __attribute__((ext_vector_type(8)));
typedef float flip_f16 __attribute__((ext_vector_type(16)));
typedef int flip_i8 __attribute__((ext_vector_type(8)));
typedef int flip_i16 __attribute__((ext_vector_type(16)));
#define FLIP_INLINE static inline __attribute__((always_inline))

/// In every group of four lanes: (a0 + a1, a2 + a3, b0 + b1, b2 + b3).
FLIP_INLINE flip_f8 flip_pairs8(flip_f8 a, flip_f8 b) {
    return __builtin_shufflevector(a, b, 0, 2, 8, 10, 4, 6, 12, 14)
        + __builtin_shufflevector(a, b, 1, 3, 9, 11, 5, 7, 13, 15);
}
FLIP_INLINE flip_f16 flip_pairs16(flip_f16 a, flip_f16 b) {
    return __builtin_shufflevector(a, b, 0, 2, 16, 18, 4, 6, 20, 22, 8, 10, 24, 26, 12, 14, 28, 30) +
           __builtin_shufflevector(a, b, 1, 3, 17, 19, 5, 7, 21, 23, 9, 11, 25, 27, 13, 15, 29, 31);
}
/// The sum of a's groups of four, then the sum of b's.
FLIP_INLINE flip_f8 flip_groups8(flip_f8 a, flip_f8 b) {
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
        + __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
}
FLIP_INLINE flip_f8 flip_groups16(flip_f16 a, flip_f16 b) {
    const flip_f16 s = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
                       __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    return __builtin_shufflevector(s, s, 0, 1, 2, 3, 8, 9, 10, 11)
        + __builtin_shufflevector(s, s, 4, 5, 6, 7, 12, 13, 14, 15);
}

/// All bits set where the comparison holds.
FLIP_INLINE flip_i8 flip_less8(flip_f8 a, flip_f8 b) { return a < b; }
FLIP_INLINE flip_i16 flip_less16(flip_f16 a, flip_f16 b) { return a < b; }
FLIP_INLINE flip_i8 flip_equal8(flip_i8 a, flip_i8 b) { return a == b; }
FLIP_INLINE flip_i16 flip_equal16(flip_i16 a, flip_i16 b) { return a == b; }
/// `yes` where the condition's sign bit is set.
FLIP_INLINE flip_f8 flip_pick8(flip_i8 condition, flip_f8 yes, flip_f8 no) { return condition ? yes : no; }
FLIP_INLINE flip_f16 flip_pick16(flip_i16 condition, flip_f16 yes, flip_f16 no) { return condition ? yes : no; }
/// a * b for what a shuffle reads next.
FLIP_INLINE flip_f8 flip_product8(flip_f8 a, flip_f8 b) { return a * b; }
FLIP_INLINE flip_f16 flip_product16(flip_f16 a, flip_f16 b) { return a * b; }
