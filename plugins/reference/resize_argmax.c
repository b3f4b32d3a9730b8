/*
 * resize_argmax.c: resize_argmax. 8 bits: resize_argmax.h. float: the scores of one output row at a
 * time, as resize.c computes them, each compared as argmax.c does.
 */
#include "resize_argmax.h"

#include "kernels.h"

static int match_q8(const lab_node *node)
{
    return resize_argmax_q8_match(node);
}

const lab_kernel reference_resize_argmax_q8 = {
    .name = "reference.resize_argmax.q8",
    .op = "resize_argmax",
    .isa = "reference",
    .match = match_q8,
    .prepare = resize_argmax_q8_prepare,
    .run = resize_argmax_q8_run,
};

/* ---- float ---- */

typedef struct resize_argmax_f32 {
    const corner *ys, *xs;
    int32_t in_h, in_w, out_h, out_w, channels;
    tiling tiles; /* of output rows, picture by picture */
    bool wide;
} resize_argmax_f32;

static int match_f32(const lab_node *node)
{
    return resize_argmax_match(node) && has_dtype(node->in[0], LAB_F32);
}

static lab_status prepare_f32(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *y = node->out[0];
    resize_argmax_f32 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    *s = (resize_argmax_f32){ .in_h = x->shape[1],
                              .in_w = x->shape[2],
                              .out_h = y->shape[1],
                              .out_w = y->shape[2],
                              .channels = x->shape[3],
                              .wide = y->dtype == LAB_I64 };
    s->ys = make_corners(prepare, &node->attrs, s->in_h, s->out_h);
    s->xs = make_corners(prepare, &node->attrs, s->in_w, s->out_w);
    if (!s->ys || !s->xs)
        return prepare_no_memory(prepare, node);
    size_t row = (size_t)s->in_w * (size_t)s->channels;
    s->tiles = tile_items(prepare, (size_t)y->shape[0] * (size_t)s->out_h,
                          row + (size_t)s->out_w * (size_t)s->channels, row * sizeof(float));
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

/* The channel with the largest interpolated value; a NaN is never larger. */
static int32_t largest(const float *left, const float *right, float f, int32_t channels)
{
    float most = left[0] + (right[0] - left[0]) * f;
    int32_t index = 0;
    for (int32_t c = 1; c < channels; c++) {
        float v = left[c] + (right[c] - left[c]) * f;
        index = v > most ? c : index;
        most = v > most ? v : most;
    }
    return index;
}

static void run_f32(const lab_task *task)
{
    const resize_argmax_f32 *s = task->state;
    float *row = task->scratch; /* the two rows of scores, blended */
    size_t end = tile_end(&s->tiles, task), in_row = (size_t)s->in_w * (size_t)s->channels;
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        corner v = s->ys[i % (size_t)s->out_h];
        const float *x =
            (const float *)task->in[0] + i / (size_t)s->out_h * (size_t)s->in_h * in_row;
        const float *top = x + (size_t)v.lo * in_row, *bottom = x + (size_t)v.hi * in_row;
        for (size_t c = 0; c < in_row; c++)
            row[c] = top[c] + (bottom[c] - top[c]) * v.f;
        for (int32_t o = 0; o < s->out_w; o++) {
            corner h = s->xs[o];
            int32_t label = largest(row + (size_t)h.lo * (size_t)s->channels,
                                    row + (size_t)h.hi * (size_t)s->channels, h.f, s->channels);
            size_t at = i * (size_t)s->out_w + (size_t)o;
            if (s->wide)
                ((int64_t *)task->out[0])[at] = label;
            else
                ((int32_t *)task->out[0])[at] = label;
        }
    }
}

const lab_kernel reference_resize_argmax_f32 = {
    .name = "reference.resize_argmax.f32",
    .op = "resize_argmax",
    .isa = "reference",
    .match = match_f32,
    .prepare = prepare_f32,
    .run = run_f32,
};
