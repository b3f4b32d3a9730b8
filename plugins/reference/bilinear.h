/*
 * bilinear.h: where along an axis an output of a bilinear resize comes from.
 *
 * Source position of output o in float32: align_corners (and out > 1): o * ((in-1) / (out-1)); half
 * pixel centres: o * (in/out) + (0.5 * (in/out) - 0.5), held within 0 .. in-1; else o * (in/out).
 * lo = its integer part, f = its fraction, hi = min(lo + 1, in - 1). With 8 bits weights are whole
 * numbers, w = rne(f * 2048) of hi and 2048 - w of lo.
 */
#ifndef REFERENCE_BILINEAR_H
#define REFERENCE_BILINEAR_H

#include "common.h"

#define ONE 2048 /* weight 1.0 of 8-bit interpolation */

typedef struct corner {
    int32_t lo, hi;
    float f;
    int32_t w; /* of hi, in 1/2048 */
} corner;

/* One for each output along an axis; NULL: no memory. */
static inline corner *make_corners(lab_prepare *prepare, const lab_attrs *a, int32_t in,
                                   int32_t out)
{
    corner *corners = prepare_array(prepare, (size_t)out, sizeof *corners);
    int32_t ends = a->align_corners && out > 1 ? 1 : 0;
    float scale = (float)(in - ends) / (float)(out - ends);
    float shift = a->half_pixel_centers && !a->align_corners ? 0.5f * scale - 0.5f : 0.0f;
    for (int32_t o = 0; corners && o < out; o++) {
        float at = (float)o * scale + shift;
        at = at < 0.0f ? 0.0f : at > (float)(in - 1) ? (float)(in - 1) : at;
        int32_t lo = (int32_t)at < in - 1 ? (int32_t)at : in - 1;
        float f = at - (float)lo;
        corners[o] = (corner){ lo, lo + 1 < in ? lo + 1 : in - 1, f, (int32_t)lrintf(f * ONE) };
    }
    return corners;
}

#endif
