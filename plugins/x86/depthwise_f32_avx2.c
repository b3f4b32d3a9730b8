/*
 * depthwise_f32_avx2.c: float depthwise_conv_2d with multiplier 1. Six neighbouring output pixels x
 * 16 channels are in registers at a time, so that a weight that is read is used six times. Where
 * all their taps fall on columns of the picture, which is nearly everywhere, a tap is a fixed
 * distance; elsewhere there is a list of pointers, those of taps outside the picture at zeros. Taps
 * on rows outside are left out.
 *
 * The last six pixels of a row end with the row and may overlap those before, which computes the
 * same values twice.
 *
 * Rows of a grid of 3 x 3 taps are left to depthwise_f32_slide_avx2.h, but for those that have one
 * row of the three in the picture. They are computed in bands, in which each row has its partner,
 * and in two parts of the channels where bands are few: for threads to share.
 *
 * Filters that were dilated by filling them with zeros (9x9 with 9 weights) are common in converted
 * networks. Taps that are zero for every channel are left out as well: infinity or NaN under such a
 * tap does not reach the result, where reference would make it NaN.
 */
#include "../reference/layers.h"
#include "depthwise_f32_slide_avx2.h"
#include "kernels.h"
#include "vector_f32_avx2.h"

#define BLOCK (2 * LANES) /* channels */
#define PIXELS ((size_t)6)
#define MAX_TAPS 1024

typedef struct tap {
    ptrdiff_t offset;    /* floats from the window's first value */
    int64_t row, column; /* from the window's first */
} tap;

typedef struct depthwise_f32 {
    window w;
    size_t n, blocks;
    const tap *taps;      /* those that are not zero, row by row */
    size_t count;         /* of taps */
    const size_t *row;    /* [filter_h + 1]: the first tap of each row of the filter */
    const float *weights; /* [blocks][taps][BLOCK] */
    const float *bias;    /* [blocks][BLOCK] */
    const float *zeros;   /* [blocks][BLOCK] */
    f32_range range;
    int64_t spacing; /* of the columns of a grid of 3 x 3 taps along which sums slide; 0: do not */
    int32_t apart;   /* output rows that share input rows; 0: none do */
    int32_t band, bands; /* output rows of a band; bands of a picture */
    size_t parts;        /* of the blocks of channels */
    tiling tiles;        /* of parts of bands */
} depthwise_f32;

static int match(const lab_node *node)
{
    return depthwise_f32_match(node) && node->in[0]->shape[3] == node->out[0]->shape[3] &&
                   elements(node->in[1]) / (size_t)node->in[1]->shape[3] <= MAX_TAPS
               ? 20
               : 0;
}

static bool tap_is_zero(const float *weights, size_t n)
{
    for (size_t c = 0; c < n; c++)
        if (weights[c] != 0.0f)
            return false;
    return true;
}

/* Which taps there are, and where. */
static bool list_taps(lab_prepare *prepare, depthwise_f32 *s, const float *filter)
{
    size_t rows = (size_t)s->w.filter_h, columns = (size_t)s->w.filter_w;
    tap *list = prepare_array(prepare, rows * columns, sizeof *list);
    size_t *row = prepare_array(prepare, rows + 1, sizeof *row);
    if (!list || !row)
        return false;
    for (size_t ty = 0; ty < rows; ty++) {
        for (size_t tx = 0; tx < columns; tx++) {
            if (tap_is_zero(filter + (ty * columns + tx) * s->n, s->n))
                continue;
            int64_t y = (int64_t)ty * s->w.dilation_h, x = (int64_t)tx * s->w.dilation_w;
            list[s->count++] = (tap){ (ptrdiff_t)((y * s->w.in_w + x) * s->w.in_c), y, x };
        }
        row[ty + 1] = s->count;
    }
    s->taps = list;
    s->row = row;
    return true;
}

/* Weights and bias by block; channels after the last are zero. */
static bool pack(lab_prepare *prepare, depthwise_f32 *s, const float *filter, const float *bias)
{
    float *weights = prepare_array(prepare, s->blocks * s->count, BLOCK * sizeof *weights);
    float *biases = prepare_array(prepare, s->blocks, BLOCK * sizeof *biases);
    s->zeros = prepare_array(prepare, s->blocks, BLOCK * sizeof *s->zeros);
    if (!weights || !biases || !s->zeros)
        return false;
    size_t all = (size_t)s->w.filter_h * (size_t)s->w.filter_w, kept = 0;
    for (size_t t = 0; t < all; t++) {
        const float *from = filter + t * s->n;
        if (tap_is_zero(from, s->n))
            continue;
        for (size_t c = 0; c < s->n; c++)
            weights[(c / BLOCK * s->count + kept) * BLOCK + c % BLOCK] = from[c];
        kept++;
    }
    for (size_t c = 0; bias && c < s->n; c++)
        biases[c] = bias[c];
    s->weights = weights;
    s->bias = biases;
    return true;
}

/* See `spacing`. */
static int64_t sliding_spacing(const depthwise_f32 *s)
{
    const tap *t = s->taps;
    if (s->count != SLIDE_TAPS * SLIDE_TAPS || s->w.stride_w != 1 || s->n % LANES != 0)
        return 0;
    int64_t spacing = t[1].column - t[0].column;
    for (size_t i = 0; i < s->count; i++) {
        size_t first = i - i % SLIDE_TAPS; /* of its row */
        if (t[i].row != t[first].row || t[i].column != t[0].column + (int64_t)(i - first) * spacing)
            return 0;
    }
    return spacing > 0 && t[0].column - s->w.pad_left >= -2 * spacing ? spacing : 0;
}

#define LEAST_BANDS INT64_C(4) /* for threads to share */
#define FEW_BANDS 16           /* fewer are split once more */

/* See `apart`. */
static int32_t rows_apart(const depthwise_f32 *s)
{
    const tap *t = s->taps;
    if (!s->spacing || s->w.stride_h != 1)
        return 0;
    int64_t apart = t[SLIDE_TAPS].row - t[0].row;
    bool grid = t[2 * SLIDE_TAPS].row - t[SLIDE_TAPS].row == apart;
    return grid && s->w.out_h / apart >= 2 * LEAST_BANDS ? (int32_t)apart : 0;
}

static void lay_out(lab_prepare *prepare, depthwise_f32 *s, size_t pictures)
{
    s->spacing = sliding_spacing(s);
    s->apart = rows_apart(s);
    s->band = s->apart ? 2 * s->apart : 1;
    s->bands = (int32_t)(((int64_t)s->w.out_h + s->band - 1) / s->band);
    s->parts = s->apart && s->bands < FEW_BANDS && s->blocks > 1 ? 2 : 1;
    size_t work = s->blocks * (s->count + 2) * (size_t)s->w.out_w * (size_t)s->band / s->parts;
    s->tiles = tile_items(prepare, pictures * (size_t)s->bands * s->parts, work,
                          (s->count + 1) * PIXELS * sizeof(const float *));
}

static lab_status prepare_depthwise(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *filter = node->in[1], *y = node->out[0];
    const lab_tensor *bias = input_or_null(node, 2);
    depthwise_f32 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->w = window_of(&node->attrs, x, y, filter->shape[1], filter->shape[2]);
    s->n = (size_t)y->shape[3];
    s->blocks = (s->n + BLOCK - 1) / BLOCK;
    if (!list_taps(prepare, s, filter->data) ||
        !pack(prepare, s, filter->data, bias ? bias->data : NULL))
        return prepare_no_memory(prepare, node);
    s->range = f32_activation(node->attrs.activation);
    lay_out(prepare, s, (size_t)y->shape[0]);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

/* PIXELS neighbouring output pixels. */
typedef struct group {
    const float *x;          /* the picture */
    ptrdiff_t origin;        /* of the first pixel's window in it, in floats */
    size_t step;             /* from pixel to pixel, in floats */
    size_t begin, end;       /* taps on rows inside the picture */
    size_t block, end_block; /* of channels */
    const float **reads;     /* [taps][PIXELS] from begin; NULL: all columns are inside */
    float *y;
    size_t count; /* pixels to be stored */
    clamp_avx2 clamp;
} group;

/* `vectors` and `direct` (no list of pointers) are constants where this is inlined. */
static inline __attribute__((always_inline)) void one_block(const depthwise_f32 *s, const group *g,
                                                            size_t block, const size_t vectors,
                                                            const bool direct)
{
    size_t c = block * BLOCK, step = g->step;
    const float *w = s->weights + (block * s->count + g->begin) * BLOCK;
    const float *const *reads = g->reads;
    __m256 sum[PIXELS][2];
    for (size_t p = 0; p < PIXELS; p++)
        for (size_t v = 0; v < vectors; v++)
            sum[p][v] = _mm256_load_ps(s->bias + c + v * LANES);
    for (size_t t = g->begin; t < g->end; t++, w += BLOCK, reads += direct ? 0 : PIXELS) {
        const float *at = direct ? g->x + (g->origin + s->taps[t].offset) + c : NULL;
        __m256 w0 = _mm256_load_ps(w), w1 = vectors > 1 ? _mm256_load_ps(w + LANES) : w0;
        for (size_t p = 0; p < PIXELS; p++) {
            const float *from = direct ? at + p * step : reads[p] + c;
            sum[p][0] = _mm256_fmadd_ps(w0, _mm256_loadu_ps(from), sum[p][0]);
            if (vectors > 1)
                sum[p][1] = _mm256_fmadd_ps(w1, _mm256_loadu_ps(from + LANES), sum[p][1]);
        }
    }
    size_t width = s->n - c;
    float *y = g->y + c;
    if (g->count == PIXELS && width >= vectors * LANES) {
        for (size_t p = 0; p < PIXELS; p++)
            for (size_t v = 0; v < vectors; v++)
                _mm256_storeu_ps(y + p * s->n + v * LANES, clamp8(sum[p][v], g->clamp));
        return;
    }
    /* Indexed at run time, these live in memory; the sums do not. */
    __m256 done[PIXELS][2];
    for (size_t p = 0; p < PIXELS; p++)
        for (size_t v = 0; v < vectors; v++)
            done[p][v] = clamp8(sum[p][v], g->clamp);
    for (size_t p = 0; p < g->count; p++)
        for (size_t v = 0; v < vectors && v * LANES < width; v++)
            store_first(y + p * s->n + v * LANES, done[p][v], width - v * LANES);
}

static void blocks_direct(const depthwise_f32 *s, const group *g)
{
    for (size_t b = g->block; b < g->end_block; b++)
        if (s->n - b * BLOCK > LANES)
            one_block(s, g, b, 2, true);
        else
            one_block(s, g, b, 1, true);
}

static void blocks_listed(const depthwise_f32 *s, const group *g)
{
    for (size_t b = g->block; b < g->end_block; b++)
        one_block(s, g, b, 2, false);
}

/* Lists where the taps read for a group whose first window starts at column `left`. */
static void list_reads(const depthwise_f32 *s, const group *g, int64_t left)
{
    const float **reads = g->reads;
    for (size_t t = g->begin; t < g->end; t++)
        for (size_t p = 0; p < PIXELS; p++) {
            int64_t column = left + (int64_t)p * s->w.stride_w + s->taps[t].column;
            bool inside = p < g->count && column >= 0 && column < s->w.in_w;
            *reads++ = inside ? g->x + (g->origin + (ptrdiff_t)(p * g->step) + s->taps[t].offset)
                              : s->zeros;
        }
}

/* Sliding: output rows out_y and, where both are computed, out_y + apart. */
static void slide(const depthwise_f32 *s, const group *g, int32_t out_y, float *y,
                  const slide_shape shape)
{
    const window *w = &s->w;
    size_t row = (size_t)w->out_w * s->n, end = g->end_block * BLOCK;
    ptrdiff_t in_row = (ptrdiff_t)w->in_w * w->in_c;
    int64_t top = (int64_t)out_y * w->stride_h - w->pad_top;
    slide_f32 to = { .pitch = BLOCK,
                     .y_next = (ptrdiff_t)row * s->apart,
                     .n = (ptrdiff_t)s->n,
                     .spacing = s->spacing,
                     .left = s->taps[0].column - w->pad_left,
                     .in_w = w->in_w,
                     .out_w = w->out_w,
                     .clamp = g->clamp };
    for (size_t c = g->block * BLOCK; c < end && c < s->n; c += LANES) {
        for (size_t r = shape.begin; r < shape.end; r++) {
            int64_t at = r < SLIDE_TAPS ? s->taps[r * SLIDE_TAPS].row
                                        : s->taps[2 * SLIDE_TAPS].row + s->apart;
            to.x[r] = g->x + (top + at) * in_row + c;
        }
        to.weights = s->weights + c / BLOCK * s->count * BLOCK + c % BLOCK;
        to.bias = s->bias + c;
        to.y = y + c;
        if (shape.outputs == 2)
            slide_rows(&to, (slide_shape){ 0, SLIDE_ROWS, 2 });
        else if (shape.begin > 0)
            slide_rows(&to, (slide_shape){ 1, 3, 1 });
        else if (shape.end < SLIDE_TAPS)
            slide_rows(&to, (slide_shape){ 0, 2, 1 });
        else
            slide_rows(&to, (slide_shape){ 0, 3, 1 });
    }
}

/* Output row `out_y`; `g` holds what all rows share. */
static void one_row(const depthwise_f32 *s, group g, int32_t out_y, float *y, const float **reads)
{
    const window *w = &s->w;
    taps ys = taps_y(w, out_y);
    size_t width = (size_t)w->out_w;
    int64_t top = (int64_t)out_y * w->stride_h - w->pad_top;
    int64_t right =
        (int64_t)(PIXELS - 1) * w->stride_w + (int64_t)(w->filter_w - 1) * w->dilation_w;
    g.begin = s->row[ys.begin];
    g.end = s->row[ys.end];
    g.step = (size_t)w->stride_w * s->n;
    if (s->spacing && g.end - g.begin > SLIDE_TAPS) {
        slide(s, &g, out_y, y, (slide_shape){ g.begin / SLIDE_TAPS, g.end / SLIDE_TAPS, 1 });
        return;
    }
    for (size_t p = 0; p < width; p += PIXELS) {
        size_t first = p + PIXELS <= width || width < PIXELS ? p : width - PIXELS;
        int64_t left = (int64_t)first * w->stride_w - w->pad_left;
        g.origin = (ptrdiff_t)((top * w->in_w + left) * w->in_c);
        g.y = y + first * s->n;
        g.count = width < PIXELS ? width : PIXELS;
        if (g.count == PIXELS && left >= 0 && left + right < w->in_w) {
            g.reads = NULL;
            blocks_direct(s, &g);
        } else {
            g.reads = reads;
            list_reads(s, &g, left);
            blocks_listed(s, &g);
        }
    }
}

/* Whether all input rows under out_y and the row `apart` below are inside the picture. */
static bool is_pair(const depthwise_f32 *s, int32_t out_y)
{
    int64_t top = (int64_t)out_y - s->w.pad_top;
    return s->apart && s->w.out_h - out_y > s->apart && top + s->taps[0].row >= 0 &&
           top + s->taps[2 * SLIDE_TAPS].row + s->apart < s->w.in_h;
}

/* Rows from `begin` of a picture; `y` is where the picture's begin. */
static void one_band(const depthwise_f32 *s, const group *g, int32_t begin, float *y,
                     const float **reads)
{
    size_t row = (size_t)s->w.out_w * s->n;
    int32_t end = s->w.out_h - begin > s->band ? begin + s->band : s->w.out_h;
    int32_t first = s->apart ? s->apart : s->band; /* rows that come before their partners */
    for (int32_t i = begin; i - begin < first && i < end; i++) {
        if (is_pair(s, i)) {
            slide(s, g, i, y + (size_t)i * row, (slide_shape){ 0, SLIDE_ROWS, 2 });
            continue;
        }
        one_row(s, *g, i, y + (size_t)i * row, reads);
        if (s->apart && end - i > s->apart)
            one_row(s, *g, i + s->apart, y + (size_t)(i + s->apart) * row, reads);
    }
}

static void run(const lab_task *task)
{
    const depthwise_f32 *s = task->state;
    const window *w = &s->w;
    size_t bands = (size_t)s->bands, end = tile_end(&s->tiles, task);
    size_t in_size = (size_t)w->in_h * (size_t)w->in_w * s->n;
    size_t out_size = (size_t)w->out_h * (size_t)w->out_w * s->n;
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        size_t part = i % s->parts, band = i / s->parts % bands, picture = i / s->parts / bands;
        group g = { .x = (const float *)task->in[0] + picture * in_size,
                    .block = part * s->blocks / s->parts,
                    .end_block = (part + 1) * s->blocks / s->parts,
                    .clamp = clamp_of(s->range) };
        one_band(s, &g, (int32_t)band * s->band, (float *)task->out[0] + picture * out_size,
                 task->scratch);
    }
}

const lab_kernel x86_depthwise_conv_2d_f32_avx2 = {
    .name = "x86.depthwise_conv_2d.f32.avx2",
    .op = "depthwise_conv_2d",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = match,
    .prepare = prepare_depthwise,
    .run = run,
};
