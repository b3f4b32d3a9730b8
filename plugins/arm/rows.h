/*
 * rows.h: a convolution as rows of input bytes, one for each output pixel, that a kernel multiplies
 * with its filters. A row holds the values under the filter, tap by tap and channel by channel, as
 * they are in the picture: 8-bit and float kernels share this file and widen for themselves.
 *
 * Rows begin `stride` bytes apart, whole vectors; what is behind a row's values holds `rest`. Where
 * nothing needs gathering, in a 1x1 convolution without stride whose pixels are whole vectors, the
 * picture is the rows.
 */
#ifndef ARM_ROWS_H
#define ARM_ROWS_H

#include <string.h>

#include "../reference/layers.h"

#define VECTOR ((size_t)16)        /* bytes */
#define ROWS 4                     /* that a kernel multiplies together */
#define BLOCK ((size_t)16)         /* filters that a kernel multiplies together: a panel */
#define TILE_BYTES ((size_t)49152) /* of rows: with a panel of filters they stay in an L2 cache */
#define MAX_ROW_BYTES ((size_t)65536) /* beyond it a tile outgrows it; reference takes those */

typedef struct row_plan {
    window w;
    tiling tiles;          /* of output pixels */
    size_t pixel;          /* bytes of an input pixel */
    size_t size, stride;   /* bytes of a row's values; from row to row */
    uint8_t outside, rest; /* byte for taps outside the picture; byte after the values */
    bool direct;
} row_plan;

static inline size_t filter_values(const lab_node *node)
{
    return elements(node->in[1]) / (size_t)node->in[1]->shape[0];
}

static inline bool rows_match(const lab_node *node)
{
    return filter_values(node) <= MAX_ROW_BYTES / lab_dtype_size(node->in[0]->dtype);
}

static inline size_t panels_of(size_t filters)
{
    return (filters + BLOCK - 1) / BLOCK;
}

/* Asks for tiles, and for the memory of a tile's rows with `extra` bytes more for each row. */
static inline row_plan plan_rows(lab_prepare *prepare, const lab_node *node, uint8_t outside,
                                 uint8_t rest, size_t extra)
{
    const lab_tensor *x = node->in[0], *filter = node->in[1], *y = node->out[0];
    size_t item = lab_dtype_size(x->dtype);
    row_plan p = { .w = window_of(&node->attrs, x, y, filter->shape[1], filter->shape[2]),
                   .pixel = (size_t)x->shape[3] * item,
                   .size = filter_values(node) * item,
                   .outside = outside,
                   .rest = rest };
    p.stride = (p.size + VECTOR - 1) / VECTOR * VECTOR;
    p.direct = window_is_pixel(&p.w) && p.stride == p.size;
    size_t rows = TILE_BYTES / p.stride / ROWS * ROWS;
    rows = rows < (size_t)4 * ROWS ? (size_t)4 * ROWS : rows;
    rows = rows > (size_t)64 * ROWS ? (size_t)64 * ROWS : rows;
    p.tiles = (tiling){ elements(y) / (size_t)filter->shape[0], rows };
    lab_prepare_tiles(prepare, (uint32_t)((p.tiles.count + rows - 1) / rows),
                      rows * (p.stride + extra));
    return p;
}

/* The values under the filter for one output pixel. */
static inline void gather_row(const row_plan *p, const uint8_t *x, pixel out, uint8_t *row)
{
    const window *w = &p->w;
    taps ys = taps_y(w, out.y), xs = taps_x(w, out.x);
    memset(row + p->size, p->rest, p->stride - p->size);
    if (ys.end - ys.begin < w->filter_h || xs.end - xs.begin < w->filter_w)
        memset(row, p->outside, p->size);
    /* Without dilation the taps of a filter row are neighbours in memory: one run. */
    int32_t run = w->dilation_w == 1 ? xs.end - xs.begin : 1;
    for (int32_t ty = ys.begin; ty < ys.end; ty++)
        for (int32_t tx = xs.begin; tx < xs.end; tx += run)
            memcpy(row + ((size_t)ty * (size_t)w->filter_w + (size_t)tx) * p->pixel,
                   x + tap_pixel(w, out.batch, &ys, ty, &xs, tx) * p->pixel,
                   (size_t)run * p->pixel);
}

/* The rows of output pixels first .. first + count - 1: in the picture itself, or in `memory`. */
static inline const uint8_t *tile_rows(const row_plan *p, const uint8_t *x, size_t first,
                                       size_t count, uint8_t *memory)
{
    if (p->direct)
        return x + first * p->stride;
    pixel out = pixel_at(first, p->w.out_h, p->w.out_w);
    for (size_t r = 0; r < count; r++, out = pixel_after(out, p->w.out_h, p->w.out_w))
        gather_row(p, x, out, memory + r * p->stride);
    return memory;
}

/* Memory for the extra bytes of rows, behind the rows of a tile. */
static inline void *tile_extra(const row_plan *p, void *memory)
{
    return (uint8_t *)memory + p->tiles.per_tile * p->stride;
}

/* The output pixels of the tile that starts at `first`, within the task's piece ending at `end`. */
static inline size_t tile_count(const row_plan *p, size_t first, size_t end)
{
    return end - first < p->tiles.per_tile ? end - first : p->tiles.per_tile;
}

#endif
