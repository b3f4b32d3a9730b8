/*
 * pool_avx2.c: average_pool_2d of 8 bits and of floats, the rules of ../reference/pool.c. Work
 * falls into output pixels, and those of large windows (the global average of a network's head is
 * one pixel) into blocks of channels as well.
 *
 * Quotients of 8-bit sums are taken in double: of whole numbers below 2^53 that cuts to the same
 * whole number. Floats of one row of a large window are added in four sums, so that one addition
 * need not wait for the other; windows narrower than eight give the bytes of reference.
 */
#include "../reference/window.h"
#include "column_sums_avx2.h"
#include "kernels.h"
#include "vector_f32_avx2.h"

#define LARGE_WINDOW 64 /* taps from which blocks of channels are work of their own */
#define BLOCK_F32 (2 * LANES)

typedef struct pool_avx2 {
    window w;
    tiling tiles; /* of parts of output pixels */
    size_t parts; /* of a pixel */
    size_t part;  /* channels of one */
    f32_range range;
    int32_t lo, hi;
    uint8_t flip;
} pool_avx2;

static bool shapes_match(const lab_node *node)
{
    if (!has_arity(node, 1, 1))
        return false;
    lab_attrs a = node->attrs;
    a.dilation_h = a.dilation_w = 1;
    return window_match(&a, node->in[0], node->out[0]) && a.filter_h >= 1 && a.filter_w >= 1 &&
           node->in[0]->shape[3] == node->out[0]->shape[3];
}

static int match_q8(const lab_node *node)
{
    return shapes_match(node) && is_q8(node->in[0]) && is_q8(node->out[0]) &&
                   node->in[0]->dtype == node->out[0]->dtype &&
                   same_quant(node->in[0], node->out[0]) &&
                   (int64_t)node->attrs.filter_h * node->attrs.filter_w < 1 << 23
               ? 20
               : 0;
}

static int match_f32(const lab_node *node)
{
    return shapes_match(node) && has_dtype(node->in[0], LAB_F32) && has_dtype(node->out[0], LAB_F32)
               ? 20
               : 0;
}

static lab_status prepare_pool(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *y = node->out[0];
    pool_avx2 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    lab_attrs a = node->attrs;
    a.dilation_h = a.dilation_w = 1;
    s->w = window_of(&a, x, y, a.filter_h, a.filter_w);
    s->range = f32_activation(a.activation);
    s->flip = is_8bit(x) ? q8_flip(x) : 0;
    if (is_8bit(y))
        q8_activation(y, a.activation, &s->lo, &s->hi);
    size_t channels = (size_t)y->shape[3], block = is_8bit(x) ? COLUMNS : BLOCK_F32;
    size_t area = (size_t)a.filter_h * (size_t)a.filter_w, blocks = (channels + block - 1) / block;
    bool large = area >= LARGE_WINDOW;
    s->parts = large ? blocks : 1;
    s->part = large ? block : blocks * block;
    s->tiles = tile_items(prepare, elements(y) / channels * s->parts,
                          (area + 8) * (large ? 1 : blocks) * 8, 0);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

/* The window of an output pixel: its first value, and how far it goes. */
static size_t window_at(const pool_avx2 *s, size_t index, places *p)
{
    const window *w = &s->w;
    size_t channels = (size_t)w->in_c;
    pixel out = pixel_at(index, w->out_h, w->out_w);
    taps ys = taps_y(w, out.y), xs = taps_x(w, out.x);
    *p = (places){ (size_t)(ys.end - ys.begin), (size_t)w->in_w * channels,
                   (size_t)(xs.end - xs.begin), channels };
    return p->rows && p->columns ? tap_pixel(w, out.batch, &ys, ys.begin, &xs, xs.begin) * channels
                                 : 0;
}

/* ---- 8 bits ---- */

static void average_q8(const pool_avx2 *s, const uint8_t *x, const places *p, uint8_t *y,
                       size_t width)
{
    int32_t sums[COLUMNS];
    uint8_t bytes[COLUMNS];
    int32_t n = (int32_t)(p->rows * p->columns), offset = s->flip ? 128 * n : 0;
    double divisor = n > 0 ? n : 1;
    column_sums(x, p, s->flip, sums);
    for (size_t c = 0; c < COLUMNS; c++) {
        int32_t sum = sums[c] - offset;
        sum += sum > 0 ? n / 2 : -(n / 2);
        int32_t v = (int32_t)((double)sum / divisor);
        v = v < s->lo ? s->lo : v;
        bytes[c] = (uint8_t)(v > s->hi ? s->hi : v);
    }
    memcpy(y, bytes, width);
}

static void run_q8(const lab_task *task)
{
    const pool_avx2 *s = task->state;
    size_t end = tile_end(&s->tiles, task), channels = (size_t)s->w.in_c;
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        places p;
        const uint8_t *x = (const uint8_t *)task->in[0] + window_at(s, i / s->parts, &p);
        uint8_t *y = (uint8_t *)task->out[0] + i / s->parts * channels;
        size_t c = i % s->parts * s->part, stop = c + s->part < channels ? c + s->part : channels;
        for (; c < stop; c += COLUMNS)
            average_q8(s, x + c, &p, y + c, stop - c < COLUMNS ? stop - c : COLUMNS);
    }
}

/* ---- floats ---- */

/* Reads up to 15 floats more than there are channels. */
static void average_f32(const pool_avx2 *s, const float *x, const places *p, float *y, size_t width)
{
    const __m256 zero = _mm256_setzero_ps();
    __m256 sum[4][2] = { { zero, zero }, { zero, zero }, { zero, zero }, { zero, zero } };
    size_t step = p->column_step;
    for (size_t r = 0; r < p->rows; r++, x += p->row_step) {
        const float *at = x;
        size_t left = p->columns;
        for (; left >= 8; left -= 4, at += 4 * step)
            for (size_t k = 0; k < 4; k++)
                for (size_t v = 0; v < 2; v++)
                    sum[k][v] =
                        _mm256_add_ps(sum[k][v], _mm256_loadu_ps(at + k * step + v * LANES));
        for (; left > 0; left--, at += step)
            for (size_t v = 0; v < 2; v++)
                sum[0][v] = _mm256_add_ps(sum[0][v], _mm256_loadu_ps(at + v * LANES));
    }
    float n = (float)p->rows * (float)p->columns;
    __m256 divisor = _mm256_set1_ps(n > 0.0f ? n : 1.0f);
    clamp_avx2 clamp = clamp_of(s->range);
    for (size_t v = 0; v < 2 && v * LANES < width; v++) {
        __m256 all =
            _mm256_add_ps(_mm256_add_ps(sum[0][v], sum[1][v]), _mm256_add_ps(sum[2][v], sum[3][v]));
        store_first(y + v * LANES, clamp8(_mm256_div_ps(all, divisor), clamp), width - v * LANES);
    }
}

static void run_f32(const lab_task *task)
{
    const pool_avx2 *s = task->state;
    size_t end = tile_end(&s->tiles, task), channels = (size_t)s->w.in_c;
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        places p;
        const float *x = (const float *)task->in[0] + window_at(s, i / s->parts, &p);
        float *y = (float *)task->out[0] + i / s->parts * channels;
        size_t c = i % s->parts * s->part, stop = c + s->part < channels ? c + s->part : channels;
        for (; c < stop; c += BLOCK_F32)
            average_f32(s, x + c, &p, y + c, stop - c < BLOCK_F32 ? stop - c : BLOCK_F32);
    }
}

const lab_kernel x86_average_pool_2d_q8_avx2 = {
    .name = "x86.average_pool_2d.q8.avx2",
    .op = "average_pool_2d",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = match_q8,
    .prepare = prepare_pool,
    .run = run_q8,
};

const lab_kernel x86_average_pool_2d_f32_avx2 = {
    .name = "x86.average_pool_2d.f32.avx2",
    .op = "average_pool_2d",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = match_f32,
    .prepare = prepare_pool,
    .run = run_f32,
};
