// zlib's one function that unpacking the chunks of an HDF5 file needs: uncompress.
#pragma once
#include <zlib.h>
