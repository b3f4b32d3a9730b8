/* Means over square windows in constant time a pixel, four planes at once. */
#ifndef REFINE_BOX_H
#define REFINE_BOX_H

#include "refine.h"

typedef struct quad {
    float v[4];
} quad;

/*
 * dst = the mean of src over the pixels of a (2 radius + 1)^2 window that lie in the picture; `tmp`
 * is as large as both. dst may be src.
 */
lab_status refine_box(lab_call *call, const quad *src, quad *tmp, quad *dst, int32_t width,
                      int32_t height, int32_t radius);

#endif
