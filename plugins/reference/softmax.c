/*
 * softmax.c: softmax over the last dimension, y[i] = exp(beta (x[i] - max)) / sum.
 *
 * 8 bits: the exponentials of the 256 possible differences are a table in double;
 * y = clamp(rne((e[i] / sum) / s_out) + z_out), the sum taken in order. LiteRT does the same in
 * float32, so a value that falls on a half may differ by 1.
 */
#include "kernels.h"
#include "requant.h"

typedef struct softmax {
    tiling tiles;      /* of rows */
    size_t n;          /* values of a row */
    double table[256]; /* 8 bits: by max - x */
    float beta;
} softmax;

static bool softmax_shapes_match(const lab_node *node)
{
    return has_arity(node, 1, 1) && node->in[0]->rank >= 1 &&
           same_shape(node->in[0], node->out[0]) &&
           node->attrs.axis == (int32_t)node->in[0]->rank - 1;
}

static int softmax_q8_match(const lab_node *node)
{
    return softmax_shapes_match(node) && is_q8(node->in[0]) && is_q8(node->out[0]) &&
           node->in[0]->dtype == node->out[0]->dtype;
}

static int softmax_f32_match(const lab_node *node)
{
    return softmax_shapes_match(node) && has_dtype(node->in[0], LAB_F32) &&
           has_dtype(node->out[0], LAB_F32);
}

static lab_status softmax_prepare(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0];
    softmax *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->n = (size_t)x->shape[x->rank - 1];
    s->beta = node->attrs.beta;
    if (is_q8(x))
        for (int d = 0; d < 256; d++)
            s->table[d] = exp(-(double)s->beta * (double)x->quant.scale * d);
    s->tiles = tile_items(prepare, elements(x) / s->n, s->n * 8, 0);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static void softmax_q8_run(const lab_task *task)
{
    const softmax *s = task->state;
    const lab_tensor *in = task->node->in[0], *out = task->node->out[0];
    double lo = q8_min(out->dtype), hi = q8_max(out->dtype);
    uint8_t flip = q8_flip(in);
    size_t end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        const uint8_t *x = (const uint8_t *)task->in[0] + i * s->n;
        uint8_t *y = (uint8_t *)task->out[0] + i * s->n;
        int max = 0;
        for (size_t c = 0; c < s->n; c++)
            max = (x[c] ^ flip) > max ? x[c] ^ flip : max;
        double sum = 0.0;
        for (size_t c = 0; c < s->n; c++)
            sum += s->table[max - (x[c] ^ flip)];
        for (size_t c = 0; c < s->n; c++) {
            double v = s->table[max - (x[c] ^ flip)] / sum / (double)out->quant.scale;
            v = rint(v) + out->quant.zero_point;
            y[c] = (uint8_t)(int32_t)(v < lo ? lo : v > hi ? hi : v);
        }
    }
}

static void softmax_f32_run(const lab_task *task)
{
    const softmax *s = task->state;
    size_t end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        const float *x = (const float *)task->in[0] + i * s->n;
        float *y = (float *)task->out[0] + i * s->n;
        float max = x[0], sum = 0.0f;
        for (size_t c = 1; c < s->n; c++)
            max = x[c] > max ? x[c] : max;
        for (size_t c = 0; c < s->n; c++) {
            y[c] = expf(s->beta * (x[c] - max));
            sum += y[c];
        }
        for (size_t c = 0; c < s->n; c++)
            y[c] /= sum;
    }
}

const lab_kernel reference_softmax_q8 = {
    .name = "reference.softmax.q8",
    .op = "softmax",
    .isa = "reference",
    .match = softmax_q8_match,
    .prepare = softmax_prepare,
    .run = softmax_q8_run,
};

const lab_kernel reference_softmax_f32 = {
    .name = "reference.softmax.f32",
    .op = "softmax",
    .isa = "reference",
    .match = softmax_f32_match,
    .prepare = softmax_prepare,
    .run = softmax_f32_run,
};
