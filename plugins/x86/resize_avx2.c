/*
 * resize_avx2.c: 8-bit resize_bilinear at ratios 1, 2, 4, 8 and 16, and of single rows or columns.
 * There all weights are multiples of 1/d: in units of that, blended rows are below 255 d and sums
 * of four corners below 255 d^2 + d^2 / 2 < 2^16, so that 16 channels fit in a vector and
 *
 *     y = (s + d_y d_x / 2) >> log2(d_y d_x)
 *
 * is what ../reference/resize.c computes in int32 with weights in 1/2048. i8 is computed as u8.
 */
#include <immintrin.h>
#include <string.h>

#include "../reference/bilinear.h"
#include "kernels.h"

#define LANES ((size_t)16)

typedef struct resize_avx2 {
    const corner *ys, *xs; /* for each output row and column */
    tiling tiles;          /* of output rows, batch by batch */
    size_t in_h, in_w, out_h, out_w, channels;
    int32_t log_y, log_x; /* of the ratios */
    uint8_t flip;
} resize_avx2;

/* log2 of the ratio along an axis; -1: none of ours. */
static int32_t log_ratio(const lab_attrs *a, int32_t in, int32_t out)
{
    if (in == 1)
        return 0;
    bool align = a->align_corners && out > 1;
    if (a->half_pixel_centers && !align && in != out)
        return -1;
    int32_t steps = align ? in - 1 : in, places = align ? out - 1 : out;
    for (int32_t log = 0; log <= 4; log++)
        if (places % steps == 0 && places / steps == 1 << log)
            return log;
    return -1;
}

static int match(const lab_node *node)
{
    if (!has_arity(node, 1, 2))
        return 0;
    const lab_tensor *x = node->in[0], *y = node->out[0];
    if (x->rank != 4 || y->rank != 4 || x->shape[0] != y->shape[0] || x->shape[3] != y->shape[3] ||
        !is_8bit(x) || x->dtype != y->dtype || !same_quant(x, y) || x->shape[3] < (int32_t)LANES)
        return 0;
    return log_ratio(&node->attrs, x->shape[1], y->shape[1]) >= 0 &&
                   log_ratio(&node->attrs, x->shape[2], y->shape[2]) >= 0
               ? 20
               : 0;
}

static lab_status prepare_resize(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *y = node->out[0];
    const lab_attrs *a = &node->attrs;
    resize_avx2 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->in_h = (size_t)x->shape[1];
    s->in_w = (size_t)x->shape[2];
    s->out_h = (size_t)y->shape[1];
    s->out_w = (size_t)y->shape[2];
    s->channels = (size_t)x->shape[3];
    s->log_y = log_ratio(a, x->shape[1], y->shape[1]);
    s->log_x = log_ratio(a, x->shape[2], y->shape[2]);
    s->flip = q8_flip(x);
    s->ys = make_corners(prepare, a, x->shape[1], y->shape[1]);
    s->xs = make_corners(prepare, a, x->shape[2], y->shape[2]);
    if (!s->ys || !s->xs)
        return prepare_no_memory(prepare, node);
    size_t row = s->in_w * s->channels;
    s->tiles = tile_items(prepare, (size_t)y->shape[0] * s->out_h,
                          (s->out_w * s->channels + row) / LANES + 1, row * sizeof(uint16_t));
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

/* The first of the last whole vector: the last one may overlap the one before. */
static size_t clip(size_t i, size_t n)
{
    return i + LANES <= n ? i : n - LANES;
}

static inline __m256i blend(__m256i a, __m256i b, __m256i wa, __m256i wb)
{
    return _mm256_add_epi16(_mm256_mullo_epi16(a, wa), _mm256_mullo_epi16(b, wb));
}

static inline __m256i load_u8(const uint8_t *p, __m128i flip)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    return _mm256_cvtepu8_epi16(_mm_xor_si128(v, flip));
}

static inline __m256i weight_of(int32_t w)
{
    return _mm256_set1_epi16((int16_t)w);
}

/* Two input rows of `n` bytes, in units of 1 / d_y. */
static void blend_rows(const resize_avx2 *s, const uint8_t *top, const uint8_t *bottom, int32_t w,
                       uint16_t *row, size_t n)
{
    int32_t one = 1 << s->log_y, far = w >> (11 - s->log_y);
    __m128i flip = _mm_set1_epi8((char)s->flip);
    for (size_t i = 0; i < n; i += LANES) {
        size_t at = clip(i, n);
        __m256i v = blend(load_u8(top + at, flip), load_u8(bottom + at, flip), weight_of(one - far),
                          weight_of(far));
        _mm256_storeu_si256((__m256i *)(void *)(row + at), v);
    }
}

static inline __m256i load_row(const uint16_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* One output pixel from two places of the blended row. */
static void blend_pixel(const resize_avx2 *s, const uint16_t *left, const uint16_t *right,
                        int32_t w, uint8_t *y)
{
    int32_t one = 1 << s->log_x, far = w >> (11 - s->log_x), log = s->log_y + s->log_x;
    __m256i half = weight_of((1 << log) / 2), w_left = weight_of(one - far),
            w_right = weight_of(far);
    __m128i shift = _mm_cvtsi32_si128(log), flip = _mm_set1_epi8((char)s->flip);
    for (size_t i = 0; i < s->channels; i += LANES) {
        size_t at = clip(i, s->channels);
        __m256i sum = blend(load_row(left + at), load_row(right + at), w_left, w_right);
        sum = _mm256_srl_epi16(_mm256_add_epi16(sum, half), shift);
        __m128i bytes =
            _mm_packus_epi16(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
        _mm_storeu_si128((__m128i *)(void *)(y + at), _mm_xor_si128(bytes, flip));
    }
}

static void run(const lab_task *task)
{
    const resize_avx2 *s = task->state;
    uint16_t *row = task->scratch;
    size_t in_row = s->in_w * s->channels, end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        corner v = s->ys[i % s->out_h];
        const uint8_t *x = (const uint8_t *)task->in[0] + i / s->out_h * s->in_h * in_row;
        blend_rows(s, x + (size_t)v.lo * in_row, x + (size_t)v.hi * in_row, v.w, row, in_row);
        uint8_t *y = (uint8_t *)task->out[0] + i * s->out_w * s->channels;
        for (size_t o = 0; o < s->out_w; o++, y += s->channels) {
            corner h = s->xs[o];
            blend_pixel(s, row + (size_t)h.lo * s->channels, row + (size_t)h.hi * s->channels, h.w,
                        y);
        }
    }
}

const lab_kernel x86_resize_bilinear_q8_avx2 = {
    .name = "x86.resize_bilinear.q8.avx2",
    .op = "resize_bilinear",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = match,
    .prepare = prepare_resize,
    .run = run,
};
