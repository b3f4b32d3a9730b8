/*
 * Compression of whole buffers by libdeflate: a picture's PNG takes a sixth of the time that zlib
 * takes for about the same size.
 */
#ifndef LAB_IMAGE_DEFLATE_H
#define LAB_IMAGE_DEFLATE_H

#include <stddef.h>

/* No stream of `size` bytes of input is longer. */
size_t lab_deflate_bound(size_t size);

/*
 * Writes a zlib stream at level 0 (stored) .. 9 (smallest) and returns its length; `room` must be
 * lab_deflate_bound(size). 0: no memory. libdeflate's own tables (at most some 100 KB at level 1, a
 * megabyte above) come from malloc: its allocator hook is process-wide and would be another
 * library's, too.
 */
size_t lab_deflate(const void *in, size_t size, int level, void *out, size_t room);

#endif
