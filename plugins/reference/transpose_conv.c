/*
 * transpose_conv.c: transpose_conv_2d. Inputs: output shape (constant), filter OHWI, x
 * [N, H, W, C], optional bias. Input pixel i spreads over output positions
 * i * stride - pad + t for the taps t of the filter. Turned round: an output position gathers
 * those taps for which (out + pad - t) is a multiple of the stride and lies inside the input; the
 * others contribute 0. Requantisation is that of a convolution.
 */
#include "transpose_conv.h"

#include <string.h>

#include "kernels.h"
#include "matmul.h"

typedef struct transpose_state {
    transpose_inputs at;
    patch_groups groups; /* of output pixels */
    int32_t in_h, in_w, in_c, out_h, out_w;
    int32_t filter_h, filter_w, stride_h, stride_w, pad_top, pad_left;
    matmul_q8 q8;
    matmul_f32 f32;
    uint8_t flip;
    int16_t zero;
} transpose_state;

int transpose_q8_match(const lab_node *node, transpose_inputs at)
{
    return transpose_shapes_match(node, at) &&
           matmul_q8_match(node->in[at.x], node->in[at.filter], input_or_null(node, at.bias),
                           node->out[0]);
}

int transpose_f32_match(const lab_node *node, transpose_inputs at)
{
    return transpose_shapes_match(node, at) &&
           matmul_f32_match(node->in[at.x], node->in[at.filter], input_or_null(node, at.bias),
                            node->out[0]);
}

static void transpose_geometry(transpose_state *s, const lab_node *node, transpose_inputs at)
{
    const lab_tensor *x = node->in[at.x], *w = node->in[at.filter], *y = node->out[0];
    s->at = at;
    s->in_h = x->shape[1];
    s->in_w = x->shape[2];
    s->in_c = x->shape[3];
    s->out_h = y->shape[1];
    s->out_w = y->shape[2];
    s->filter_h = w->shape[1];
    s->filter_w = w->shape[2];
    s->stride_h = node->attrs.stride_h;
    s->stride_w = node->attrs.stride_w;
    s->pad_top = node->attrs.pad_top;
    s->pad_left = node->attrs.pad_left;
}

lab_status transpose_q8_prepare(lab_prepare *prepare, const lab_node *node, transpose_inputs at)
{
    const lab_tensor *x = node->in[at.x], *y = node->out[0];
    transpose_state *s = prepare_array(prepare, 1, sizeof *s);
    if (!s || !matmul_q8_prepare(prepare, &s->q8, x, node->in[at.filter],
                                 input_or_null(node, at.bias), y, node->attrs.activation))
        return prepare_no_memory(prepare, node);
    transpose_geometry(s, node, at);
    s->flip = q8_flip(x);
    s->zero = q8_flipped_zero(x);
    s->groups = tile_patches(prepare, elements(y) / (size_t)s->q8.n, s->q8.k, s->q8.n,
                             matmul_q8_scratch(&s->q8));
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

lab_status transpose_f32_prepare(lab_prepare *prepare, const lab_node *node, transpose_inputs at)
{
    transpose_state *s = prepare_array(prepare, 1, sizeof *s);
    if (!s || !matmul_f32_prepare(prepare, &s->f32, node->in[at.filter],
                                  input_or_null(node, at.bias), node->attrs.activation))
        return prepare_no_memory(prepare, node);
    transpose_geometry(s, node, at);
    s->groups = tile_patches(prepare, elements(node->out[0]) / (size_t)s->f32.n, s->f32.k, s->f32.n,
                             PATCHES * (size_t)s->f32.k * sizeof(float));
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

/* The input position that reaches `out` through tap `t`; -1 when there is none. */
static int32_t source(int32_t out, int32_t pad, int32_t t, int32_t stride, int32_t in)
{
    int64_t spread = (int64_t)out + pad - t;
    if (spread < 0 || spread % stride != 0 || spread / stride >= in)
        return -1;
    return (int32_t)(spread / stride);
}

/* Fills the taps that contribute; `patch` is zero elsewhere. */
static void gather(const transpose_state *s, const void *x, size_t index, void *patch, bool is_q8)
{
    size_t hw = (size_t)s->out_h * (size_t)s->out_w, channels = (size_t)s->in_c;
    size_t batch = index / hw;
    int32_t out_y = (int32_t)(index % hw / (size_t)s->out_w);
    int32_t out_x = (int32_t)(index % (size_t)s->out_w);
    for (int32_t ty = 0; ty < s->filter_h; ty++) {
        int32_t y = source(out_y, s->pad_top, ty, s->stride_h, s->in_h);
        for (int32_t tx = 0; y >= 0 && tx < s->filter_w; tx++) {
            int32_t col = source(out_x, s->pad_left, tx, s->stride_w, s->in_w);
            if (col < 0)
                continue;
            size_t from =
                ((batch * (size_t)s->in_h + (size_t)y) * (size_t)s->in_w + (size_t)col) * channels;
            size_t to = ((size_t)ty * (size_t)s->filter_w + (size_t)tx) * channels;
            if (is_q8)
                widen((const uint8_t *)x + from, s->flip, s->zero, (int16_t *)patch + to, channels);
            else
                memcpy((float *)patch + to, (const float *)x + from, channels * sizeof(float));
        }
    }
}

void transpose_q8_run(const lab_task *task)
{
    const transpose_state *s = task->state;
    const void *x = task->in[s->at.x];
    int16_t *patches = matmul_q8_patches(task->scratch);
    size_t stride = (size_t)s->q8.k_padded, end = tile_end(&s->groups.tiles, task);
    for (size_t g = tile_begin(&s->groups.tiles, task); g < end; g++) {
        size_t first = g * PATCHES;
        int count = group_size(&s->groups, first);
        memset(patches, 0, PATCHES * stride * sizeof *patches);
        for (int p = 0; p < count; p++)
            gather(s, x, first + (size_t)p, patches + (size_t)p * stride, true);
        matmul_q8_run(&s->q8, task->scratch, count,
                      (uint8_t *)task->out[0] + first * (size_t)s->q8.n);
    }
}

void transpose_f32_run(const lab_task *task)
{
    const transpose_state *s = task->state;
    const void *x = task->in[s->at.x];
    float *patches = task->scratch;
    size_t k = (size_t)s->f32.k, end = tile_end(&s->groups.tiles, task);
    for (size_t g = tile_begin(&s->groups.tiles, task); g < end; g++) {
        size_t first = g * PATCHES;
        int count = group_size(&s->groups, first);
        const float *rows[PATCHES];
        memset(patches, 0, PATCHES * k * sizeof *patches);
        for (int p = 0; p < PATCHES; p++) {
            rows[p] = patches + (size_t)p * k;
            if (p < count)
                gather(s, x, first + (size_t)p, patches + (size_t)p * k, false);
        }
        matmul_f32_run(&s->f32, rows, count, (float *)task->out[0] + first * (size_t)s->f32.n);
    }
}

static const transpose_inputs file_order = { .x = 2, .filter = 1, .bias = 3 };

static int q8_match(const lab_node *node)
{
    return transpose_q8_match(node, file_order);
}

static lab_status q8_prepare(lab_prepare *prepare, const lab_node *node)
{
    return transpose_q8_prepare(prepare, node, file_order);
}

static int f32_match(const lab_node *node)
{
    return transpose_f32_match(node, file_order);
}

static lab_status f32_prepare(lab_prepare *prepare, const lab_node *node)
{
    return transpose_f32_prepare(prepare, node, file_order);
}

const lab_kernel reference_transpose_conv_2d_q8 = {
    .name = "reference.transpose_conv_2d.q8",
    .op = "transpose_conv_2d",
    .isa = "reference",
    .match = q8_match,
    .prepare = q8_prepare,
    .run = transpose_q8_run,
};

const lab_kernel reference_transpose_conv_2d_f32 = {
    .name = "reference.transpose_conv_2d.f32",
    .op = "transpose_conv_2d",
    .isa = "reference",
    .match = f32_match,
    .prepare = f32_prepare,
    .run = transpose_f32_run,
};
