/*
 * mean_avx2.c: mean of 8 bits and of floats over neighbouring dimensions, with at least eight
 * channels inside them (the global average of height and width); the arithmetic of
 * ../reference/pool.c, float sums in double and in the same order: the same bytes.
 */
#include "column_sums_avx2.h"
#include "kernels.h"
#include "vector_f32_avx2.h"

#define BLOCK_F32 (2 * LANES)
#define MAX_COUNT ((size_t)1 << 23) /* values of a mean: 8-bit sums stay in int32 */

typedef struct mean_avx2 {
    size_t outer, count, inner;
    size_t blocks; /* of channels */
    tiling tiles;  /* of blocks, for each of `outer` */
    float k;
    int32_t zero; /* of the input byte read as u8 */
    uint8_t flip;
    q8_range range;
} mean_avx2;

/* Splits the input's dimensions around those that are summed over; false: they are no neighbours.
 */
static bool split(const lab_node *node, size_t *outer, size_t *count, size_t *inner)
{
    if (!has_arity(node, 2, 2) || !is_constant_ints(node->in[1]))
        return false;
    const lab_tensor *x = node->in[0], *axes = node->in[1];
    bool reduced[LAB_MAX_RANK] = { false };
    for (size_t i = 0; i < elements(axes); i++) {
        int64_t axis = constant_int(axes, i);
        axis += axis < 0 ? (int64_t)x->rank : 0;
        if (axis >= 0 && axis < (int64_t)x->rank)
            reduced[axis] = true;
    }
    *outer = *count = *inner = 1;
    for (uint32_t d = 0; d < x->rank; d++) {
        size_t n = (size_t)x->shape[d];
        if (reduced[d] && *inner > 1)
            return false;
        if (reduced[d])
            *count *= n;
        else if (*count > 1)
            *inner *= n;
        else
            *outer *= n;
    }
    return *inner >= LANES && *count <= MAX_COUNT;
}

static int match_q8(const lab_node *node)
{
    size_t outer, count, inner;
    return split(node, &outer, &count, &inner) && is_q8(node->in[0]) && is_q8(node->out[0]) &&
                   node->in[0]->dtype == node->out[0]->dtype
               ? 20
               : 0;
}

static int match_f32(const lab_node *node)
{
    size_t outer, count, inner;
    return split(node, &outer, &count, &inner) && has_dtype(node->in[0], LAB_F32) &&
                   has_dtype(node->out[0], LAB_F32)
               ? 20
               : 0;
}

static lab_status prepare_mean(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *y = node->out[0];
    mean_avx2 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    if (!split(node, &s->outer, &s->count, &s->inner))
        return lab_prepare_fail(prepare, LAB_E_INVALID, "mean: its axes are no neighbours");
    size_t block = is_8bit(x) ? COLUMNS : BLOCK_F32;
    s->blocks = (s->inner + block - 1) / block;
    if (is_8bit(y)) {
        s->k = x->quant.scale / (y->quant.scale * (float)s->count);
        s->range = q8_output_range(y, LAB_ACT_NONE);
        s->flip = q8_flip(x);
        s->zero = q8_flipped_zero(x);
    }
    s->tiles = tile_items(prepare, s->outer * s->blocks, (s->count + 8) * 8, 0);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

/* A block's first value in the input, and where its means go. */
typedef struct mean_at {
    size_t from, to, width;
} mean_at;

static mean_at block_at(const mean_avx2 *s, size_t i, size_t block)
{
    size_t row = i / s->blocks, c = i % s->blocks * block;
    size_t width = s->inner - c < block ? s->inner - c : block;
    return (mean_at){ row * s->count * s->inner + c, row * s->inner + c, width };
}

static void run_q8(const lab_task *task)
{
    const mean_avx2 *s = task->state;
    const places p = { 1, 0, s->count, s->inner };
    size_t end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        int32_t sums[COLUMNS];
        uint8_t bytes[COLUMNS];
        mean_at at = block_at(s, i, COLUMNS);
        column_sums((const uint8_t *)task->in[0] + at.from, &p, s->flip, sums);
        for (size_t c = 0; c < COLUMNS; c++)
            bytes[c] = requantize(sums[c] - s->zero * (int32_t)s->count, s->k, &s->range);
        memcpy((uint8_t *)task->out[0] + at.to, bytes, at.width);
    }
}

/* Reads up to 15 floats more than there are channels. */
static void mean_f32(const float *x, size_t count, size_t step, float *y, size_t width)
{
    __m256d sum[4], n = _mm256_set1_pd((double)count);
    for (size_t k = 0; k < 4; k++)
        sum[k] = _mm256_setzero_pd();
    for (size_t i = 0; i < count; i++, x += step)
        for (size_t k = 0; k < 4; k++)
            sum[k] = _mm256_add_pd(sum[k], _mm256_cvtps_pd(_mm_loadu_ps(x + 4 * k)));
    __m256 means[2];
    for (size_t k = 0; k < 2; k++)
        means[k] = _mm256_set_m128(_mm256_cvtpd_ps(_mm256_div_pd(sum[2 * k + 1], n)),
                                   _mm256_cvtpd_ps(_mm256_div_pd(sum[2 * k], n)));
    store_first(y, means[0], width);
    if (width > LANES)
        store_first(y + LANES, means[1], width - LANES);
}

static void run_f32(const lab_task *task)
{
    const mean_avx2 *s = task->state;
    size_t end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        mean_at at = block_at(s, i, BLOCK_F32);
        mean_f32((const float *)task->in[0] + at.from, s->count, s->inner,
                 (float *)task->out[0] + at.to, at.width);
    }
}

const lab_kernel x86_mean_q8_avx2 = {
    .name = "x86.mean.q8.avx2",
    .op = "mean",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = match_q8,
    .prepare = prepare_mean,
    .run = run_q8,
};

const lab_kernel x86_mean_f32_avx2 = {
    .name = "x86.mean.f32.avx2",
    .op = "mean",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = match_f32,
    .prepare = prepare_mean,
    .run = run_f32,
};
