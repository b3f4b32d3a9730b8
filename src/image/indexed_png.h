/* Label maps as PNG: class ids stay ids, colours are only the palette (map_png.c). */
#ifndef LAB_IMAGE_INDEXED_PNG_H
#define LAB_IMAGE_INDEXED_PNG_H

#include "image/image.h"

lab_status lab_labelmap_encode(lab_context *ctx, const lab_tensor *map, int level, lab_buffer **out,
                               lab_error *error);

#endif
