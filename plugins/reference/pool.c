/*
 * pool.c: average_pool_2d and mean.
 *
 * average_pool_2d: n = taps inside the image. u8: (sum + n/2) / n; i8: (sum + n/2) / n for sum > 0,
 * else (sum - n/2) / n, truncating division; then the activation's clamp. Input and output are
 * quantised alike.
 *
 * mean, 8 bits: acc = sum of (x - z_in), k = s_in / (s_out * (float)n), requantised like a
 * convolution (XNNPACK's rule for global average pooling). float: the sum is taken in double.
 */
#include <string.h>

#include "kernels.h"
#include "requant.h"
#include "window.h"

/* ---- average_pool_2d ---- */

typedef struct pool_state {
    window w;
    tiling tiles; /* of output pixels */
    f32_range range;
    int32_t lo, hi;
} pool_state;

static bool pool_match(const lab_node *node)
{
    if (!has_arity(node, 1, 1))
        return false;
    lab_attrs a = node->attrs;
    a.dilation_h = a.dilation_w = 1;
    return window_match(&a, node->in[0], node->out[0]) && a.filter_h >= 1 && a.filter_w >= 1 &&
           node->in[0]->shape[3] == node->out[0]->shape[3];
}

static int pool_q8_match(const lab_node *node)
{
    return pool_match(node) && is_q8(node->in[0]) && is_q8(node->out[0]) &&
           node->in[0]->dtype == node->out[0]->dtype && same_quant(node->in[0], node->out[0]) &&
           (int64_t)node->attrs.filter_h * node->attrs.filter_w <= INT32_MAX / 256;
}

static int pool_f32_match(const lab_node *node)
{
    return pool_match(node) && has_dtype(node->in[0], LAB_F32) && has_dtype(node->out[0], LAB_F32);
}

static lab_status pool_prepare(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *y = node->out[0];
    pool_state *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    lab_attrs a = node->attrs;
    a.dilation_h = a.dilation_w = 1;
    s->w = window_of(&a, x, y, a.filter_h, a.filter_w);
    s->range = f32_activation(a.activation);
    if (is_q8(y))
        q8_activation(y, a.activation, &s->lo, &s->hi);
    size_t channels = (size_t)y->shape[3];
    s->tiles =
        tile_items(prepare, elements(y) / channels,
                   (size_t)a.filter_h * (size_t)a.filter_w * channels, channels * sizeof(int32_t));
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static void sum_q8(const void *x, size_t at, lab_dtype dtype, int32_t *sums, size_t n)
{
    for (size_t c = 0; c < n; c++)
        sums[c] += q8_load(x, at + c, dtype);
}

static uint8_t mean_q8(int32_t sum, int32_t n, const pool_state *s)
{
    int32_t v = sum > 0 ? (sum + n / 2) / n : (sum - n / 2) / n;
    return (uint8_t)(v < s->lo ? s->lo : v > s->hi ? s->hi : v);
}

static void pool_q8_run(const lab_task *task)
{
    const pool_state *s = task->state;
    const window *w = &s->w;
    int32_t *sums = task->scratch;
    lab_dtype dtype = task->node->in[0]->dtype;
    size_t end = tile_end(&s->tiles, task), channels = (size_t)w->in_c;
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        pixel out = pixel_at(i, w->out_h, w->out_w);
        taps ys = taps_y(w, out.y), xs = taps_x(w, out.x);
        memset(sums, 0, channels * sizeof *sums);
        for (int32_t ty = ys.begin; ty < ys.end; ty++)
            for (int32_t tx = xs.begin; tx < xs.end; tx++)
                sum_q8(task->in[0], tap_pixel(w, out.batch, &ys, ty, &xs, tx) * channels, dtype,
                       sums, channels);
        int32_t n = (ys.end - ys.begin) * (xs.end - xs.begin);
        uint8_t *y = (uint8_t *)task->out[0] + i * channels;
        for (size_t c = 0; c < channels; c++)
            y[c] = mean_q8(sums[c], n > 0 ? n : 1, s);
    }
}

static void pool_f32_run(const lab_task *task)
{
    const pool_state *s = task->state;
    const window *w = &s->w;
    float *sums = task->scratch;
    size_t end = tile_end(&s->tiles, task), channels = (size_t)w->in_c;
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        pixel out = pixel_at(i, w->out_h, w->out_w);
        taps ys = taps_y(w, out.y), xs = taps_x(w, out.x);
        memset(sums, 0, channels * sizeof *sums);
        for (int32_t ty = ys.begin; ty < ys.end; ty++)
            for (int32_t tx = xs.begin; tx < xs.end; tx++) {
                const float *x = (const float *)task->in[0] +
                                 tap_pixel(w, out.batch, &ys, ty, &xs, tx) * channels;
                for (size_t c = 0; c < channels; c++)
                    sums[c] += x[c];
            }
        float n = (float)(ys.end - ys.begin) * (float)(xs.end - xs.begin);
        float *y = (float *)task->out[0] + i * channels;
        for (size_t c = 0; c < channels; c++)
            y[c] = f32_clamp(sums[c] / (n > 0.0f ? n : 1.0f), s->range);
    }
}

const lab_kernel reference_average_pool_2d_q8 = {
    .name = "reference.average_pool_2d.q8",
    .op = "average_pool_2d",
    .isa = "reference",
    .match = pool_q8_match,
    .prepare = pool_prepare,
    .run = pool_q8_run,
};

const lab_kernel reference_average_pool_2d_f32 = {
    .name = "reference.average_pool_2d.f32",
    .op = "average_pool_2d",
    .isa = "reference",
    .match = pool_f32_match,
    .prepare = pool_prepare,
    .run = pool_f32_run,
};

/* ---- mean ---- */

/* Dimensions of the input, split into those that stay and those that are summed over. */
typedef struct mean_state {
    uint32_t n_kept, n_reduced;
    size_t kept[LAB_MAX_RANK], kept_step[LAB_MAX_RANK];
    size_t reduced[LAB_MAX_RANK], reduced_step[LAB_MAX_RANK];
    size_t count; /* elements summed for each output */
    tiling tiles; /* of output elements */
    float k;
    q8_range range;
} mean_state;

static bool mean_match(const lab_node *node)
{
    return has_arity(node, 2, 2) && is_constant_ints(node->in[1]) && node->in[0]->rank >= 1;
}

static int mean_q8_match(const lab_node *node)
{
    return mean_match(node) && is_q8(node->in[0]) && is_q8(node->out[0]) &&
           node->in[0]->dtype == node->out[0]->dtype;
}

static int mean_f32_match(const lab_node *node)
{
    return mean_match(node) && has_dtype(node->in[0], LAB_F32) && has_dtype(node->out[0], LAB_F32);
}

static void mean_dimensions(mean_state *s, const lab_tensor *x, const lab_tensor *axes)
{
    bool reduced[LAB_MAX_RANK] = { false };
    for (size_t i = 0; i < elements(axes); i++) {
        int64_t axis = constant_int(axes, i);
        axis += axis < 0 ? (int64_t)x->rank : 0;
        if (axis >= 0 && axis < (int64_t)x->rank)
            reduced[axis] = true;
    }
    size_t step = 1;
    s->count = 1;
    for (uint32_t i = x->rank; i-- > 0; step *= (size_t)x->shape[i]) { /* innermost first */
        if (reduced[i]) {
            s->reduced[s->n_reduced] = (size_t)x->shape[i];
            s->reduced_step[s->n_reduced++] = step;
            s->count *= (size_t)x->shape[i];
        } else {
            s->kept[s->n_kept] = (size_t)x->shape[i];
            s->kept_step[s->n_kept++] = step;
        }
    }
}

static lab_status mean_prepare(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *y = node->out[0];
    mean_state *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    mean_dimensions(s, x, node->in[1]);
    if (is_q8(y)) {
        s->k = x->quant.scale / (y->quant.scale * (float)s->count);
        s->range = q8_output_range(y, LAB_ACT_NONE);
    }
    s->tiles = tile_items(prepare, elements(y), s->count, 0);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

/* Offset of index `i` counted over `n` dimensions, innermost first. */
static size_t offset_of(size_t i, uint32_t n, const size_t *shape, const size_t *step)
{
    size_t offset = 0;
    for (uint32_t d = 0; d < n; i /= shape[d], d++)
        offset += i % shape[d] * step[d];
    return offset;
}

static void mean_q8_run(const lab_task *task)
{
    const mean_state *s = task->state;
    const lab_tensor *x = task->node->in[0];
    size_t end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        size_t from = offset_of(i, s->n_kept, s->kept, s->kept_step);
        int64_t acc = 0;
        for (size_t j = 0; j < s->count; j++) {
            size_t at = from + offset_of(j, s->n_reduced, s->reduced, s->reduced_step);
            acc += q8_load(task->in[0], at, x->dtype) - x->quant.zero_point;
        }
        ((uint8_t *)task->out[0])[i] = q8_store((float)acc * s->k, &s->range);
    }
}

static void mean_f32_run(const lab_task *task)
{
    const mean_state *s = task->state;
    const float *x = task->in[0];
    size_t end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        size_t from = offset_of(i, s->n_kept, s->kept, s->kept_step);
        double sum = 0.0;
        for (size_t j = 0; j < s->count; j++)
            sum += (double)x[from + offset_of(j, s->n_reduced, s->reduced, s->reduced_step)];
        ((float *)task->out[0])[i] = (float)(sum / (double)s->count);
    }
}

const lab_kernel reference_mean_q8 = {
    .name = "reference.mean.q8",
    .op = "mean",
    .isa = "reference",
    .match = mean_q8_match,
    .prepare = mean_prepare,
    .run = mean_q8_run,
};

const lab_kernel reference_mean_f32 = {
    .name = "reference.mean.f32",
    .op = "mean",
    .isa = "reference",
    .match = mean_f32_match,
    .prepare = mean_prepare,
    .run = mean_f32_run,
};
