/*
 * taps.h: where a depthwise convolution reads, as one pointer for each tap of an output pixel. Taps
 * outside the picture point at a row of `outside` values, so borders, strides and dilations cost a
 * kernel's loop over channels nothing. Pixels are counted in bytes: 8-bit and float kernels share
 * this file.
 */
#ifndef ARM_TAPS_H
#define ARM_TAPS_H

#include <string.h>

#include "../reference/layers.h"

#define MAX_TAPS 1024

typedef struct tap_plan {
    window w;
    tiling tiles;           /* of output pixels */
    size_t count;           /* taps */
    size_t pixel;           /* bytes of an input pixel */
    const uint8_t *outside; /* [pixel] */
} tap_plan;

/* Each output channel reads the input channel of its own number; at least `least` of them. */
static inline bool taps_match(const lab_node *node, int32_t least)
{
    const lab_tensor *x = node->in[0], *y = node->out[0], *w = node->in[1];
    return x->shape[3] == y->shape[3] && y->shape[3] >= least &&
           elements(w) / (size_t)w->shape[3] <= MAX_TAPS;
}

/*
 * Asks for tiles, each of pixels of `blocks` blocks of channels, and for memory for the pointers.
 * False: out of memory.
 */
static inline bool plan_taps(lab_prepare *prepare, tap_plan *p, const lab_node *node,
                             uint8_t outside, size_t blocks)
{
    const lab_tensor *x = node->in[0], *filter = node->in[1], *y = node->out[0];
    p->w = window_of(&node->attrs, x, y, filter->shape[1], filter->shape[2]);
    p->count = (size_t)filter->shape[1] * (size_t)filter->shape[2];
    p->pixel = (size_t)x->shape[3] * lab_dtype_size(x->dtype);
    uint8_t *row = prepare_array(prepare, p->pixel, 1);
    if (!row)
        return false;
    memset(row, outside, p->pixel);
    p->outside = row;
    p->tiles = tile_items(prepare, elements(y) / (size_t)y->shape[3], blocks * (p->count + 2),
                          p->count * sizeof(const uint8_t *));
    return true;
}

/* The taps of one row of the filter; `row` is the row of the picture, NULL outside. */
static inline void point_row(const tap_plan *p, const uint8_t *row, int64_t left,
                             const uint8_t **reads)
{
    for (int32_t t = 0; t < p->w.filter_w; t++) {
        int64_t column = left + (int64_t)t * p->w.dilation_w;
        bool inside = row && column >= 0 && column < p->w.in_w;
        reads[t] = inside ? row + (size_t)column * p->pixel : p->outside;
    }
}

/* The taps of an output pixel: `count` pointers. */
static inline void point(const tap_plan *p, const uint8_t *x, pixel out, const uint8_t **reads)
{
    const window *w = &p->w;
    int64_t top = (int64_t)out.y * w->stride_h - w->pad_top;
    int64_t left = (int64_t)out.x * w->stride_w - w->pad_left;
    size_t row_size = (size_t)w->in_w * p->pixel;
    const uint8_t *picture = x + (size_t)out.batch * (size_t)w->in_h * row_size;
    for (int32_t t = 0; t < w->filter_h; t++, reads += w->filter_w) {
        int64_t y = top + (int64_t)t * w->dilation_h;
        bool inside = y >= 0 && y < w->in_h;
        point_row(p, inside ? picture + (size_t)y * row_size : NULL, left, reads);
    }
}

/*
 * Channels are done in blocks of `size`. The last block ends with the last channel and may overlap
 * the one before, which then computes the same values twice and touches nothing outside.
 */
static inline size_t block_start(size_t block, size_t size, size_t channels)
{
    return block * size + size <= channels ? block * size : channels - size;
}

#endif
