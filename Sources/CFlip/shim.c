// The C header as a clang module, so that tests can compare it with the exports; and one function of the C library.
#include "flip.h"
#include <math.h>

// The Swift runtime calls hypotf, whose newest version exists from glibc 2.35 on: alone in that. With this one the
// library runs where 2.34 is. Not exported. Squares of floats do not overflow in doubles.
__attribute__((visibility("hidden"))) float hypotf(float x, float y) {
    if (isinf(x) || isinf(y)) return INFINITY;
    return (float)sqrt((double)x * x + (double)y * y);
}
