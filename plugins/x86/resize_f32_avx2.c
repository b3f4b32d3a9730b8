/*
 * resize_f32_avx2.c: float resize_bilinear, the steps and the bytes of ../reference/resize.c: the
 * two input rows are blended first, then their columns, each value a + (b - a) f.
 *
 * With eight channels and more the last vector of a pixel overlaps the one before. With fewer the
 * vector of a pixel reaches over those that follow, which are written after it; the last of a row
 * are cut to size.
 */
#include "../reference/bilinear.h"
#include "kernels.h"
#include "vector_f32_avx2.h"

#define SHARED_VECTORS 4 /* of starts and of differences, kept in registers */

typedef struct resize_f32 {
    const corner *ys, *xs; /* for each output row and column */
    size_t in_h, in_w, out_h, out_w, channels;
    tiling tiles; /* of output rows, batch by batch */
} resize_f32;

static int match(const lab_node *node)
{
    if (!has_arity(node, 1, 2))
        return 0;
    const lab_tensor *x = node->in[0], *y = node->out[0];
    return x->rank == 4 && y->rank == 4 && x->shape[0] == y->shape[0] &&
                   x->shape[3] == y->shape[3] && has_dtype(x, LAB_F32) && has_dtype(y, LAB_F32)
               ? 20
               : 0;
}

static lab_status prepare_resize(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *y = node->out[0];
    resize_f32 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->in_h = (size_t)x->shape[1];
    s->in_w = (size_t)x->shape[2];
    s->out_h = (size_t)y->shape[1];
    s->out_w = (size_t)y->shape[2];
    s->channels = (size_t)x->shape[3];
    s->ys = make_corners(prepare, &node->attrs, x->shape[1], y->shape[1]);
    s->xs = make_corners(prepare, &node->attrs, x->shape[2], y->shape[2]);
    if (!s->ys || !s->xs)
        return prepare_no_memory(prepare, node);
    size_t row = s->in_w * s->channels, vectors = (s->channels + LANES - 1) / LANES;
    s->tiles = tile_items(prepare, (size_t)y->shape[0] * s->out_h,
                          (s->out_w * vectors + row / LANES) * 4, (row + LANES) * sizeof(float));
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static inline __m256 blend(__m256 a, __m256 b, __m256 f)
{
    return _mm256_add_ps(a, _mm256_mul_ps(_mm256_sub_ps(b, a), f));
}

/* Reads and writes up to seven floats more than n. */
static void blend_rows(const float *top, const float *bottom, float f, float *row, size_t n)
{
    __m256 weight = _mm256_set1_ps(f);
    for (size_t i = 0; i < n; i += LANES)
        _mm256_storeu_ps(row + i,
                         blend(_mm256_loadu_ps(top + i), _mm256_loadu_ps(bottom + i), weight));
}

static void blend_wide(const float *left, const float *right, float f, float *y, size_t channels)
{
    __m256 weight = _mm256_set1_ps(f);
    for (size_t i = 0; i < channels; i += LANES) {
        size_t at = i + LANES <= channels ? i : channels - LANES;
        _mm256_storeu_ps(y + at,
                         blend(_mm256_loadu_ps(left + at), _mm256_loadu_ps(right + at), weight));
    }
}

/*
 * For channels that fill `vectors` (constant where this is inlined), the last overlapping the one
 * before. Enlarging, many outputs lie between the same two columns, whose difference is kept.
 */
static inline __attribute__((always_inline)) void
shared_columns(const resize_f32 *s, const float *row, float *y, const size_t vectors)
{
    size_t channels = s->channels, last = channels - LANES;
    for (size_t o = 0; o < s->out_w;) {
        corner h = s->xs[o];
        const float *left = row + (size_t)h.lo * channels, *right = row + (size_t)h.hi * channels;
        __m256 start[SHARED_VECTORS], difference[SHARED_VECTORS];
        for (size_t v = 0; v < vectors; v++) {
            size_t at = v + 1 < vectors ? v * LANES : last;
            start[v] = _mm256_loadu_ps(left + at);
            difference[v] = _mm256_sub_ps(_mm256_loadu_ps(right + at), start[v]);
        }
        do {
            __m256 f = _mm256_broadcast_ss(&s->xs[o].f);
            for (size_t v = 0; v < vectors; v++)
                _mm256_storeu_ps(y + (v + 1 < vectors ? v * LANES : last),
                                 _mm256_add_ps(start[v], _mm256_mul_ps(difference[v], f)));
            y += channels;
        } while (++o < s->out_w && s->xs[o].lo == h.lo && s->xs[o].hi == h.hi);
    }
}

static void wide_columns(const resize_f32 *s, const float *row, float *y)
{
    switch ((s->channels + LANES - 1) / LANES) {
    case 1:
        shared_columns(s, row, y, 1);
        return;
    case 2:
        shared_columns(s, row, y, 2);
        return;
    case 3:
        shared_columns(s, row, y, 3);
        return;
    case SHARED_VECTORS:
        shared_columns(s, row, y, SHARED_VECTORS);
        return;
    default:
        break;
    }
    for (size_t o = 0; o < s->out_w; o++, y += s->channels) {
        corner h = s->xs[o];
        blend_wide(row + (size_t)h.lo * s->channels, row + (size_t)h.hi * s->channels, h.f, y,
                   s->channels);
    }
}

/* `row` is readable for seven floats after its end. */
static void narrow_columns(const resize_f32 *s, const float *row, float *y)
{
    size_t left = s->out_w * s->channels;
    for (size_t o = 0; o < s->out_w; o++, y += s->channels, left -= s->channels) {
        corner h = s->xs[o];
        __m256 v = blend(_mm256_loadu_ps(row + (size_t)h.lo * s->channels),
                         _mm256_loadu_ps(row + (size_t)h.hi * s->channels), _mm256_set1_ps(h.f));
        if (left >= LANES)
            _mm256_storeu_ps(y, v);
        else
            store_first(y, v, s->channels);
    }
}

static void run(const lab_task *task)
{
    const resize_f32 *s = task->state;
    float *row = task->scratch;
    size_t in_row = s->in_w * s->channels, end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        corner v = s->ys[i % s->out_h];
        const float *x = (const float *)task->in[0] + i / s->out_h * s->in_h * in_row;
        float *y = (float *)task->out[0] + i * s->out_w * s->channels;
        blend_rows(x + (size_t)v.lo * in_row, x + (size_t)v.hi * in_row, v.f, row, in_row);
        if (s->channels >= LANES)
            wide_columns(s, row, y);
        else
            narrow_columns(s, row, y);
    }
}

const lab_kernel x86_resize_bilinear_f32_avx2 = {
    .name = "x86.resize_bilinear.f32.avx2",
    .op = "resize_bilinear",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = match,
    .prepare = prepare_resize,
    .run = run,
};
