// The C header as a clang module, so that tests can compare it with the exports. No code.
#include "flip.h"
