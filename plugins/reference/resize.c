/*
 * resize.c: resize_bilinear. Where an output comes from and with which weights is in bilinear.h.
 *
 * 8 bits: the weighted sum of the four corners, exact in int32, becomes (s + 2^21) >> 22: half up,
 * also for negative values. At ratios that are powers of two the weights are exact and this is the
 * rounding of the sum itself. The rows are blended first, then the columns: nothing is rounded in
 * between. i8 is computed as u8 (128 added), which moves the rounding nowhere.
 *
 * float: a + (b - a) * f, rows first.
 */
#include "bilinear.h"
#include "kernels.h"
#include "requant.h"

typedef struct resize {
    const corner *ys, *xs; /* for each output row and column */
    int32_t in_h, in_w, out_h, out_w, channels;
    tiling tiles; /* of output rows, batch by batch */
    uint8_t flip;
} resize;

static bool resize_match(const lab_node *node)
{
    if (!has_arity(node, 1, 2))
        return false;
    const lab_tensor *x = node->in[0], *y = node->out[0];
    return x->rank == 4 && y->rank == 4 && x->shape[0] == y->shape[0] && x->shape[3] == y->shape[3];
}

static int resize_q8_match(const lab_node *node)
{
    return resize_match(node) && is_8bit(node->in[0]) &&
           node->in[0]->dtype == node->out[0]->dtype && same_quant(node->in[0], node->out[0]);
}

static int resize_f32_match(const lab_node *node)
{
    return resize_match(node) && has_dtype(node->in[0], LAB_F32) &&
           has_dtype(node->out[0], LAB_F32);
}

static lab_status resize_prepare(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *y = node->out[0];
    resize *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->in_h = x->shape[1];
    s->in_w = x->shape[2];
    s->out_h = y->shape[1];
    s->out_w = y->shape[2];
    s->channels = x->shape[3];
    s->flip = q8_flip(x);
    s->ys = make_corners(prepare, &node->attrs, s->in_h, s->out_h);
    s->xs = make_corners(prepare, &node->attrs, s->in_w, s->out_w);
    if (!s->ys || !s->xs)
        return prepare_no_memory(prepare, node);
    size_t channels = (size_t)s->channels;
    s->tiles = tile_items(prepare, (size_t)y->shape[0] * (size_t)s->out_h,
                          (size_t)s->out_w * channels + (size_t)s->in_w * channels,
                          (size_t)s->in_w * channels * sizeof(int32_t));
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

/* Elements of one input row; index of the first of row `y` of batch `b`. */
static size_t row_at(const resize *s, size_t b, int32_t y)
{
    return (b * (size_t)s->in_h + (size_t)y) * (size_t)s->in_w * (size_t)s->channels;
}

static void resize_q8_run(const lab_task *task)
{
    const resize *s = task->state;
    const uint8_t *x = task->in[0];
    int32_t *row = task->scratch; /* the two input rows, blended */
    size_t end = tile_end(&s->tiles, task), channels = (size_t)s->channels;
    size_t in_row = (size_t)s->in_w * channels;
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        size_t b = i / (size_t)s->out_h;
        corner v = s->ys[i % (size_t)s->out_h];
        const uint8_t *top = x + row_at(s, b, v.lo), *bottom = x + row_at(s, b, v.hi);
        for (size_t c = 0; c < in_row; c++)
            row[c] = (top[c] ^ s->flip) * (ONE - v.w) + (bottom[c] ^ s->flip) * v.w;
        uint8_t *y = (uint8_t *)task->out[0] + i * (size_t)s->out_w * channels;
        for (int32_t o = 0; o < s->out_w; o++, y += channels) {
            corner h = s->xs[o];
            const int32_t *left = row + (size_t)h.lo * channels;
            const int32_t *right = row + (size_t)h.hi * channels;
            for (size_t c = 0; c < channels; c++) {
                int32_t sum = left[c] * (ONE - h.w) + right[c] * h.w;
                y[c] = (uint8_t)(((sum + (1 << 21)) >> 22) ^ s->flip);
            }
        }
    }
}

static void resize_f32_run(const lab_task *task)
{
    const resize *s = task->state;
    const float *x = task->in[0];
    float *row = task->scratch;
    size_t end = tile_end(&s->tiles, task), channels = (size_t)s->channels;
    size_t in_row = (size_t)s->in_w * channels;
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        size_t b = i / (size_t)s->out_h;
        corner v = s->ys[i % (size_t)s->out_h];
        const float *top = x + row_at(s, b, v.lo), *bottom = x + row_at(s, b, v.hi);
        for (size_t c = 0; c < in_row; c++)
            row[c] = top[c] + (bottom[c] - top[c]) * v.f;
        float *y = (float *)task->out[0] + i * (size_t)s->out_w * channels;
        for (int32_t o = 0; o < s->out_w; o++, y += channels) {
            corner h = s->xs[o];
            const float *left = row + (size_t)h.lo * channels;
            const float *right = row + (size_t)h.hi * channels;
            for (size_t c = 0; c < channels; c++)
                y[c] = left[c] + (right[c] - left[c]) * h.f;
        }
    }
}

const lab_kernel reference_resize_bilinear_q8 = {
    .name = "reference.resize_bilinear.q8",
    .op = "resize_bilinear",
    .isa = "reference",
    .match = resize_q8_match,
    .prepare = resize_prepare,
    .run = resize_q8_run,
};

const lab_kernel reference_resize_bilinear_f32 = {
    .name = "reference.resize_bilinear.f32",
    .op = "resize_bilinear",
    .isa = "reference",
    .match = resize_f32_match,
    .prepare = resize_prepare,
    .run = resize_f32_run,
};
