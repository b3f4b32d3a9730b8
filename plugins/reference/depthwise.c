/*
 * depthwise.c: depthwise_conv_2d. Inputs x [N, H, W, C], filter [1, h, w, C * multiplier], optional
 * bias; output channel = input channel * multiplier + m. Taps outside the image are skipped. The
 * inner loop runs over channels, which are neighbours in memory in x, filter and sums alike.
 */
#include <string.h>

#include "kernels.h"
#include "layers.h"

/* ---- 8 bits ---- */

typedef struct depthwise_q8 {
    window w;
    tiling tiles; /* of output pixels */
    int32_t n, multiplier;
    const int16_t *weights; /* [taps][n], zero point subtracted */
    const int32_t *bias;    /* [n] */
    const float *scale;     /* [n] */
    q8_range range;
    uint8_t flip;
    int16_t zero;
} depthwise_q8;

static int match_q8(const lab_node *node)
{
    return depthwise_q8_match(node);
}

static bool depthwise_q8_pack(lab_prepare *prepare, depthwise_q8 *s, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *w = node->in[1], *y = node->out[0];
    const lab_tensor *bias = input_or_null(node, 2);
    size_t n = (size_t)s->n, count = elements(w);
    int16_t *weights = prepare_array(prepare, count, sizeof *weights);
    int32_t *bias_copy = prepare_array(prepare, n, sizeof *bias_copy);
    float *scale = prepare_array(prepare, n, sizeof *scale);
    if (!weights || !bias_copy || !scale)
        return false;
    for (size_t i = 0; i < count; i++)
        weights[i] =
            (int16_t)(q8_load(w->data, i, w->dtype) - lab_quant_zero(&w->quant, (uint32_t)(i % n)));
    for (size_t c = 0; c < n; c++) {
        bias_copy[c] = bias ? ((const int32_t *)bias->data)[c] : 0;
        scale[c] = q8_scale(x, w, y, (uint32_t)c);
    }
    s->weights = weights;
    s->bias = bias_copy;
    s->scale = scale;
    return true;
}

static lab_status depthwise_q8_prepare(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *filter = node->in[1], *y = node->out[0];
    depthwise_q8 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->w = window_of(&node->attrs, x, y, filter->shape[1], filter->shape[2]);
    s->n = y->shape[3];
    s->multiplier = s->n / x->shape[3];
    if (!depthwise_q8_pack(prepare, s, node))
        return prepare_no_memory(prepare, node);
    s->range = q8_output_range(y, node->attrs.activation);
    s->flip = q8_flip(x);
    s->zero = q8_flipped_zero(x);
    s->tiles = tile_items(prepare, elements(y) / (size_t)s->n, elements(filter) / 4 + 1,
                          (size_t)s->n * sizeof(int32_t));
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

/*
 * acc += (x - zero) * w for one tap. Sums are taken modulo 2^32, where int32 does not reach. A
 * product of two int16 that fits in int32 is what the vectoriser knows.
 */
static void tap_q8(const uint8_t *restrict x, const int16_t *restrict w, uint32_t *restrict acc,
                   const depthwise_q8 *s)
{
    uint8_t flip = s->flip;
    int16_t zero = s->zero;
    if (s->multiplier == 1) {
        for (int32_t c = 0; c < s->n; c++) {
            int16_t value = (int16_t)((x[c] ^ flip) - zero);
            acc[c] += (uint32_t)((int32_t)value * w[c]);
        }
        return;
    }
    for (int32_t c = 0; c < s->n; c++)
        acc[c] += (uint32_t)(((x[c / s->multiplier] ^ flip) - zero) * w[c]);
}

static void depthwise_q8_run(const lab_task *task)
{
    const depthwise_q8 *s = task->state;
    const window *w = &s->w;
    const uint8_t *x = task->in[0];
    uint32_t *acc = task->scratch;
    size_t end = tile_end(&s->tiles, task), n = (size_t)s->n;
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        pixel out = pixel_at(i, w->out_h, w->out_w);
        taps ys = taps_y(w, out.y), xs = taps_x(w, out.x);
        memcpy(acc, s->bias, n * sizeof *acc);
        for (int32_t ty = ys.begin; ty < ys.end; ty++)
            for (int32_t tx = xs.begin; tx < xs.end; tx++)
                tap_q8(x + tap_pixel(w, out.batch, &ys, ty, &xs, tx) * (size_t)w->in_c,
                       s->weights + ((size_t)ty * (size_t)w->filter_w + (size_t)tx) * n, acc, s);
        uint8_t *y = (uint8_t *)task->out[0] + i * n;
        for (size_t c = 0; c < n; c++)
            y[c] = requantize((int32_t)acc[c], s->scale[c], &s->range);
    }
}

const lab_kernel reference_depthwise_conv_2d_q8 = {
    .name = "reference.depthwise_conv_2d.q8",
    .op = "depthwise_conv_2d",
    .isa = "reference",
    .match = match_q8,
    .prepare = depthwise_q8_prepare,
    .run = depthwise_q8_run,
};

/* ---- float ---- */

typedef struct depthwise_f32 {
    window w;
    tiling tiles;
    int32_t n, multiplier;
    f32_range range;
} depthwise_f32;

static int match_f32(const lab_node *node)
{
    return depthwise_f32_match(node);
}

static lab_status depthwise_f32_prepare(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *filter = node->in[1], *y = node->out[0];
    depthwise_f32 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->w = window_of(&node->attrs, x, y, filter->shape[1], filter->shape[2]);
    s->n = y->shape[3];
    s->multiplier = s->n / x->shape[3];
    s->range = f32_activation(node->attrs.activation);
    s->tiles = tile_items(prepare, elements(y) / (size_t)s->n, elements(filter) / 4 + 1, 0);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static void tap_f32(const float *restrict x, const float *restrict w, float *restrict y,
                    const depthwise_f32 *s)
{
    if (s->multiplier == 1) {
        for (int32_t c = 0; c < s->n; c++)
            y[c] += x[c] * w[c];
        return;
    }
    for (int32_t c = 0; c < s->n; c++)
        y[c] += x[c / s->multiplier] * w[c];
}

static void depthwise_f32_run(const lab_task *task)
{
    const depthwise_f32 *s = task->state;
    const window *w = &s->w;
    const float *x = task->in[0], *filter = task->in[1];
    const float *bias = task->node->n_in > 2 ? task->in[2] : NULL;
    size_t end = tile_end(&s->tiles, task), n = (size_t)s->n;
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        pixel out = pixel_at(i, w->out_h, w->out_w);
        taps ys = taps_y(w, out.y), xs = taps_x(w, out.x);
        float *y = (float *)task->out[0] + i * n;
        for (size_t c = 0; c < n; c++)
            y[c] = bias ? bias[c] : 0.0f;
        for (int32_t ty = ys.begin; ty < ys.end; ty++)
            for (int32_t tx = xs.begin; tx < xs.end; tx++)
                tap_f32(x + tap_pixel(w, out.batch, &ys, ty, &xs, tx) * (size_t)w->in_c,
                        filter + ((size_t)ty * (size_t)w->filter_w + (size_t)tx) * n, y, s);
        for (size_t c = 0; c < n; c++)
            y[c] = f32_clamp(y[c], s->range);
    }
}

const lab_kernel reference_depthwise_conv_2d_f32 = {
    .name = "reference.depthwise_conv_2d.f32",
    .op = "depthwise_conv_2d",
    .isa = "reference",
    .match = match_f32,
    .prepare = depthwise_f32_prepare,
    .run = depthwise_f32_run,
};
