/* Largest values in windows: what dilation, and everything made of it, stands on. */
#ifndef LAB_OPS_MORPHOLOGY_H
#define LAB_OPS_MORPHOLOGY_H

#include "ops/support.h"

#define MORPHOLOGY_MAX_RADIUS 1024

enum { MORPHOLOGY_DISC, MORPHOLOGY_SQUARE }; /* in the order of the choices */

/*
 * dst = the largest value of src within `radius` pixels (a disc: x^2 + y^2 <= radius^2; a square:
 * both at most radius); beyond the border there is nothing. Both are u8 [height, width] and may be
 * the same.
 */
lab_status morphology_dilate(lab_call *call, const uint8_t *src, uint8_t *dst, uint32_t width,
                             uint32_t height, uint32_t radius, int64_t shape);

#endif
