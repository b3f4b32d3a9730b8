/*
 * conv.c: conv_2d. Inputs x [N, H, W, C], filter OHWI, optional bias. For each output pixel the
 * values under the filter are gathered into a patch (zero for taps outside the image, which is the
 * same as skipping them once the zero point is subtracted) and multiplied with the filters by
 * matmul.c.
 */
#include <string.h>

#include "kernels.h"
#include "matmul.h"

/* ---- 8 bits ---- */

typedef struct conv_q8 {
    window w;
    patch_groups groups; /* of output pixels */
    matmul_q8 matmul;
    uint8_t flip;
    int16_t zero;
    bool bias_computed; /* in 2 is read at each run */
} conv_q8;

static int match_q8(const lab_node *node)
{
    return conv_q8_match_computed(node);
}

static lab_status conv_q8_prepare(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *filter = node->in[1], *y = node->out[0];
    conv_q8 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->bias_computed = conv_bias_is_computed(node);
    const lab_tensor *bias = s->bias_computed ? NULL : input_or_null(node, 2);
    if (!matmul_q8_prepare(prepare, &s->matmul, x, filter, bias, y, node->attrs.activation))
        return prepare_no_memory(prepare, node);
    s->w = window_of(&node->attrs, x, y, filter->shape[1], filter->shape[2]);
    s->flip = q8_flip(x);
    s->zero = q8_flipped_zero(x);
    s->groups = tile_patches(prepare, elements(y) / (size_t)s->matmul.n, s->matmul.k, s->matmul.n,
                             matmul_q8_scratch(&s->matmul));
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static void gather_q8(const conv_q8 *s, const uint8_t *x, size_t index, int16_t *patch)
{
    const window *w = &s->w;
    pixel out = pixel_at(index, w->out_h, w->out_w);
    taps ys = taps_y(w, out.y), xs = taps_x(w, out.x);
    size_t channels = (size_t)w->in_c;
    if (ys.end - ys.begin < w->filter_h || xs.end - xs.begin < w->filter_w)
        memset(patch, 0, (size_t)s->matmul.k * sizeof *patch);
    /* Without dilation the taps of a filter row are neighbours in memory: one run. */
    int32_t run = w->dilation_w == 1 ? xs.end - xs.begin : 1;
    for (int32_t ty = ys.begin; ty < ys.end; ty++)
        for (int32_t tx = xs.begin; tx < xs.end; tx += run)
            widen(x + tap_pixel(w, out.batch, &ys, ty, &xs, tx) * channels, s->flip, s->zero,
                  patch + ((size_t)ty * (size_t)w->filter_w + (size_t)tx) * channels,
                  (size_t)run * channels);
}

static void conv_q8_run(const lab_task *task)
{
    const conv_q8 *s = task->state;
    const uint8_t *x = task->in[0];
    uint8_t *y = task->out[0];
    int16_t *patches = matmul_q8_patches(task->scratch);
    matmul_q8 matmul = s->matmul;
    if (s->bias_computed)
        matmul.bias = task->in[2];
    size_t end = tile_end(&s->groups.tiles, task), stride = (size_t)s->matmul.k_padded;
    memset(patches, 0, PATCHES * stride * sizeof *patches);
    for (size_t g = tile_begin(&s->groups.tiles, task); g < end; g++) {
        size_t first = g * PATCHES;
        int count = group_size(&s->groups, first);
        for (int p = 0; p < count; p++)
            gather_q8(s, x, first + (size_t)p, patches + (size_t)p * stride);
        matmul_q8_run(&matmul, task->scratch, count, y + first * (size_t)matmul.n);
    }
}

const lab_kernel reference_conv_2d_q8 = {
    .name = "reference.conv_2d.q8",
    .op = "conv_2d",
    .isa = "reference",
    .match = match_q8,
    .prepare = conv_q8_prepare,
    .run = conv_q8_run,
};

/* ---- float ---- */

typedef struct conv_f32 {
    window w;
    patch_groups groups;
    matmul_f32 matmul;
    bool direct; /* 1x1 without stride: a patch is the input pixel itself */
} conv_f32;

static int match_f32(const lab_node *node)
{
    return conv_f32_match(node);
}

static lab_status conv_f32_prepare(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *filter = node->in[1], *y = node->out[0];
    conv_f32 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s || !matmul_f32_prepare(prepare, &s->matmul, filter, input_or_null(node, 2),
                                  node->attrs.activation))
        return prepare_no_memory(prepare, node);
    s->w = window_of(&node->attrs, x, y, filter->shape[1], filter->shape[2]);
    s->direct = window_is_pixel(&s->w);
    s->groups = tile_patches(prepare, elements(y) / (size_t)s->matmul.n, s->matmul.k, s->matmul.n,
                             s->direct ? 0 : PATCHES * (size_t)s->matmul.k * sizeof(float));
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static void gather_f32(const conv_f32 *s, const float *x, size_t index, float *patch)
{
    const window *w = &s->w;
    pixel out = pixel_at(index, w->out_h, w->out_w);
    taps ys = taps_y(w, out.y), xs = taps_x(w, out.x);
    size_t channels = (size_t)w->in_c;
    if (ys.end - ys.begin < w->filter_h || xs.end - xs.begin < w->filter_w)
        memset(patch, 0, (size_t)s->matmul.k * sizeof *patch);
    for (int32_t ty = ys.begin; ty < ys.end; ty++)
        for (int32_t tx = xs.begin; tx < xs.end; tx++)
            memcpy(patch + ((size_t)ty * (size_t)w->filter_w + (size_t)tx) * channels,
                   x + tap_pixel(w, out.batch, &ys, ty, &xs, tx) * channels,
                   channels * sizeof *patch);
}

static void conv_f32_run(const lab_task *task)
{
    const conv_f32 *s = task->state;
    const float *x = task->in[0];
    float *y = task->out[0], *patches = task->scratch;
    size_t end = tile_end(&s->groups.tiles, task), k = (size_t)s->matmul.k;
    for (size_t g = tile_begin(&s->groups.tiles, task); g < end; g++) {
        size_t first = g * PATCHES;
        int count = group_size(&s->groups, first);
        const float *rows[PATCHES];
        for (int p = 0; p < PATCHES; p++) {
            /* Past the end the last pixel stands in; its results are not kept. */
            size_t index = first + (size_t)(p < count ? p : count - 1);
            rows[p] = s->direct ? x + index * k : patches + (index - first) * k;
            if (!s->direct && p < count)
                gather_f32(s, x, index, patches + (size_t)p * k);
        }
        matmul_f32_run(&s->matmul, rows, count, y + first * (size_t)s->matmul.n);
    }
}

const lab_kernel reference_conv_2d_f32 = {
    .name = "reference.conv_2d.f32",
    .op = "conv_2d",
    .isa = "reference",
    .match = match_f32,
    .prepare = conv_f32_prepare,
    .run = conv_f32_run,
};
