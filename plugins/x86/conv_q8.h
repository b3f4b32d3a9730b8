/*
 * conv_q8.h: 8-bit conv_2d as a matrix product, all of it but the multiplication, which each
 * instruction set writes for itself: what it is, its types and its geometry. Included by those
 * files only, and compiled with their flags.
 *
 * A row of the product is an output pixel, seen as a pointer to the input values under the filter
 * and a list of offsets from it, one for each quad (four neighbouring k) of a panel of filters.
 * Padding, stride and dilation end up in pointers and offsets and cost the multiplication nothing:
 *
 *   direct  a 1x1 window that visits every pixel reads the input itself (i8: a copy as u8). A row
 *           may begin anywhere, and its last quad may read up to three bytes of what follows, which
 *           meet weights of zero.
 *   strips  else the input rows under one row of output pixels are copied, filter_h of them, with
 *           the columns that padding adds; pixels of one output row lie stride_w columns apart.
 *           Copying is filter_w * filters times less work than multiplying.
 *
 * Values are multiplied as they are, 0 .. 255, and weights less their zero point:
 * sum (x - zx) w = sum x w - zx sum w, where the second term goes into the bias and padding is
 * filled with zx. Sums wrap modulo 2^32 as those of reference do.
 *
 * A quad that would have to be split is multiplied in 16 bits where the instruction set has that
 * (`words`): then the rows of a block, or the strips, are widened once for all panels. It does not
 * pay where few quads need it; conv_q8_pack.h decides.
 *
 * What an instruction set provides is a conv_q8_isa, and a lab_kernel whose functions call
 * conv_q8_node_match, conv_q8_prepare (conv_q8_pack.h) and conv_q8_run (conv_q8_run.h). One that
 * multiplies bytes straight into 32 bits (vpdpbusd) has `saturates` false: then there are no
 * groups, and a second layer only where a weight less its zero point is no signed byte.
 */
#ifndef X86_CONV_Q8_H
#define X86_CONV_Q8_H

#include <string.h>

#include "../reference/layers.h"
#include "quad_list.h"

#define CONV_MAX_K 32768 /* beyond it a row outgrows the caches; reference takes those */
#define CONV_MAX_STRIP ((size_t)1 << 24) /* bytes under one row of output pixels; the same */
#define CONV_MAX_LANES MAX_QUAD_LANES
#define CONV_SLACK ((size_t)64)           /* readable bytes after scratch rows */
#define CONV_BLOCK_BYTES ((size_t)16384)  /* of rows and results of a block: some of L1 */
#define CONV_BLOCK_WORDS ((size_t)98304)  /* of rows of a block if they are widened: some of L2 */
#define CONV_MAX_BLOCK ((size_t)384)      /* rows */
#define CONV_EXTRA_ROWS ((size_t)15)      /* readable after a block: a group less its first row */
#define CONV_TILE_BYTES ((size_t)1 << 18) /* of the strips of a tile: half an L2 cache */
#define CONV_TILE_WORK ((size_t)1 << 20)  /* multiply-adds of a tile of strips, at least */

/*
 * Filters `channel` … of a layer. Weights are [entries][lanes][QUAD], the entries those of
 * quad_list.h: in `runs` of groups; or, where there are none, first `pairs` groups of two, then
 * `singles`. Quads in 16 bits follow in arrays of their own: [words][QUAD / 2][lanes][2].
 */
typedef struct conv_q8_panel {
    size_t channel, used; /* the first filter, how many there are */
    size_t lanes;         /* isa->lanes or isa->narrow */
    size_t pairs, singles, words;
    quad_run runs[MAX_GROUP + 1]; /* then there are no pairs, singles and words */
    const int8_t *weights;
    const uint32_t *offsets; /* of each entry from the pointer of a row, in bytes */
    const int16_t *word_weights;
    const uint32_t *word_offsets; /* from the pointer of a widened row, in bytes */
    const int32_t *bias;          /* [lanes], by lane: of s->biases or its copy */
    const float *scale; /* [CONV_MAX_LANES]: by lane, again and again, for several rows at once */
} conv_q8_panel;

typedef struct conv_q8 conv_q8;

/* The rows of a block, and the same widened to 16 bits if a panel needs them. */
typedef struct conv_q8_rows {
    const uint8_t *bytes[CONV_MAX_BLOCK + CONV_EXTRA_ROWS];
    const uint8_t *words[CONV_MAX_BLOCK + CONV_EXTRA_ROWS];
} conv_q8_rows;

/*
 * The first `count` rows times a panel: CONV_EXTRA_ROWS more may be read as well, their results
 * must not be stored. Results go to y + row * s->n + panel->channel, panel->used bytes.
 */
typedef void conv_q8_multiply(const conv_q8 *s, const conv_q8_panel *panel,
                              const conv_q8_rows *rows, size_t count, uint8_t *y);

typedef struct conv_q8_isa {
    size_t lanes,
        narrow;     /* filters of a panel, and of one for few filters; at most CONV_MAX_LANES */
    size_t rows;    /* blocks are multiples of it, so that rows taken together are whole */
    bool saturates; /* products are added in 16 bits: see quad_list.h */
    /*
     * What an entry costs in some unit: of two, and alone, in a panel of `lanes`; and the same in
     * one of `narrow`. Where two narrow panels are cheaper than a wide one they replace it.
     */
    unsigned cost_pair, cost_single, cost_narrow_pair, cost_narrow_single;
    unsigned cost_words; /* of a quad in 16 bits, panels of `lanes` only; 0: there is no such */
    unsigned cost_widen; /* of widening a quad, once for all panels */
    /*
     * In runs, of an entry, and more for each group and for each run; panels of `lanes` only. 0:
     * there is no such.
     */
    unsigned cost_entry, cost_group, cost_run;
    size_t (*lane)(size_t channel, size_t lanes); /* where a panel keeps a filter */
    conv_q8_multiply *multiply;
} conv_q8_isa;

struct conv_q8 {
    const conv_q8_isa *isa;
    window w;
    tiling tiles; /* of output pixels if direct, else of output rows */
    size_t k, n;
    size_t block;          /* rows that are multiplied with all panels before the next ones */
    size_t pitch, strip;   /* bytes of an input row in a strip; of a strip */
    size_t run, run_quads; /* neighbouring bytes under the filter, and the quads they need */
    size_t runs_x;         /* of one filter row */
    size_t n_panels;
    const conv_q8_panel *panels;
    size_t n_biases; /* lanes of all panels */
    int32_t *biases;
    size_t words_at, biases_at;       /* in scratch; 0: there are none */
    uint8_t flip, zero;               /* of the input, and flip of the output */
    uint8_t out_lo, out_hi, out_zero; /* of the output byte read as u8: the clamp, zero point */
    bool direct;
    bool computed_bias; /* in 2 is added to `biases` at each run */
    bool words;         /* quads that would be split are multiplied in 16 bits */
    bool plain;         /* scales below 1: products with an int32 stay within int32; no clamp */
};

/* ---- geometry ---- */

/* Columns of a strip: those that the windows of an output row cover. */
static inline int64_t conv_q8_columns(const window *w)
{
    return (int64_t)(w->out_w - 1) * w->stride_w + (int64_t)(w->filter_w - 1) * w->dilation_w + 1;
}

static inline bool conv_q8_node_match(const lab_node *node)
{
    if (!conv_q8_match_computed(node))
        return false;
    const lab_tensor *filter = node->in[1];
    window w =
        window_of(&node->attrs, node->in[0], node->out[0], filter->shape[1], filter->shape[2]);
    int64_t strip, limit = (int64_t)CONV_MAX_STRIP;
    return elements(filter) / (size_t)filter->shape[0] <= CONV_MAX_K && w.pad_left >= 0 &&
           !__builtin_mul_overflow(conv_q8_columns(&w), (int64_t)w.in_c * w.filter_h, &strip) &&
           strip <= limit;
}

static inline void conv_q8_geometry(conv_q8 *s)
{
    const window *w = &s->w;
    size_t channels = (size_t)w->in_c;
    s->direct = window_is_pixel(w);
    /* Without dilation the taps of a filter row are neighbours in memory: one run. */
    s->runs_x = w->dilation_w == 1 ? 1 : (size_t)w->filter_w;
    s->run = (size_t)w->filter_w / s->runs_x * channels;
    s->run_quads = (s->run + QUAD - 1) / QUAD;
    s->pitch = s->direct ? channels : (size_t)conv_q8_columns(w) * channels;
    s->strip = s->pitch * (size_t)w->filter_h;
}

static inline size_t conv_q8_quads(const conv_q8 *s)
{
    return (size_t)s->w.filter_h * s->runs_x * s->run_quads;
}

static inline uint32_t conv_q8_offset(const conv_q8 *s, size_t quad)
{
    size_t at = quad % s->run_quads, tap_run = quad / s->run_quads;
    size_t ty = tap_run / s->runs_x, tx = tap_run % s->runs_x;
    return (uint32_t)(ty * s->pitch + tx * (size_t)s->w.dilation_w * (size_t)s->w.in_c + at * QUAD);
}

#endif
