/* zlib streams: see deflate.h. */
#include "image/deflate.h"

#include <libdeflate.h>

size_t lab_deflate_bound(size_t size)
{
    return libdeflate_zlib_compress_bound(NULL, size);
}

size_t lab_deflate(const void *in, size_t size, int level, void *out, size_t room)
{
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(level);
    if (!compressor)
        return 0;
    size_t used = libdeflate_zlib_compress(compressor, in, size, out, room);
    libdeflate_free_compressor(compressor);
    return used;
}
