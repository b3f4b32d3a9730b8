/* Label maps as bytes, losslessly: the format of db/MAP_FORMAT.md. */
#ifndef LAB_CATALOG_MAP_CODEC_H
#define LAB_CATALOG_MAP_CODEC_H

#include "tensor/tensor.h"

/* *out is a buffer with one reference. */
lab_status lab_map_encode(lab_context *ctx, const lab_tensor *map, lab_buffer **out,
                          lab_error *error);
/* Every length and id is checked: hostile bytes give LAB_E_FORMAT with the offset. */
lab_status lab_map_decode(lab_context *ctx, const void *bytes, size_t size, lab_tensor *out,
                          lab_error *error);

#endif
