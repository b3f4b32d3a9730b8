/*
 * depthwise_f32_neon.c: float depthwise_conv_2d with fused multiply-add, four channels at a time,
 * reading through the pointers of taps.h. Filters are used as they are in the model:
 * [tap][channel]. A sum takes its taps in order, from the bias on; taps outside the picture add
 * zero.
 */
#include <arm_neon.h>

#include "kernels.h"
#include "taps.h"

#define BLOCK ((size_t)4) /* channels */

typedef struct depthwise_f32_neon {
    tap_plan taps;
    size_t n, blocks;
    f32_range range;
} depthwise_f32_neon;

static int match(const lab_node *node)
{
    return depthwise_f32_match(node) && taps_match(node, (int32_t)BLOCK) ? 20 : 0;
}

static lab_status prepare_depthwise(lab_prepare *prepare, const lab_node *node)
{
    depthwise_f32_neon *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->n = (size_t)node->out[0]->shape[3];
    s->blocks = (s->n + BLOCK - 1) / BLOCK;
    s->range = f32_activation(node->attrs.activation);
    if (!plan_taps(prepare, &s->taps, node, 0, s->blocks))
        return prepare_no_memory(prepare, node);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static void one_pixel(const depthwise_f32_neon *s, const uint8_t *const *reads, const float *filter,
                      const float *bias, float *y)
{
    float32x4_t lo = vdupq_n_f32(s->range.lo), hi = vdupq_n_f32(s->range.hi);
    for (size_t block = 0; block < s->blocks; block++) {
        size_t c = block_start(block, BLOCK, s->n);
        float32x4_t acc = bias ? vld1q_f32(bias + c) : vdupq_n_f32(0.0f);
        for (size_t t = 0; t < s->taps.count; t++) {
            const float *x = (const float *)(const void *)reads[t] + c;
            acc = vfmaq_f32(acc, vld1q_f32(x), vld1q_f32(filter + t * s->n + c));
        }
        vst1q_f32(y + c, vminq_f32(vmaxq_f32(acc, lo), hi));
    }
}

static void run(const lab_task *task)
{
    const depthwise_f32_neon *s = task->state;
    const lab_tensor *bias = input_or_null(task->node, 2);
    const uint8_t **reads = task->scratch;
    size_t i = tile_begin(&s->taps.tiles, task), end = tile_end(&s->taps.tiles, task);
    pixel out = pixel_at(i, s->taps.w.out_h, s->taps.w.out_w);
    for (; i < end; i++, out = pixel_after(out, s->taps.w.out_h, s->taps.w.out_w)) {
        point(&s->taps, task->in[0], out, reads);
        one_pixel(s, reads, task->in[1], bias ? bias->data : NULL,
                  (float *)task->out[0] + i * s->n);
    }
}

const lab_kernel arm_depthwise_conv_2d_f32_neon = {
    .name = "arm.depthwise_conv_2d.f32.neon",
    .op = "depthwise_conv_2d",
    .isa = "neon",
    .cpu = LAB_CPU_NEON,
    .match = match,
    .prepare = prepare_depthwise,
    .run = run,
};
