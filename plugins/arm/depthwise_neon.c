/*
 * depthwise_neon.c: 8-bit depthwise_conv_2d, 16 channels at a time, reading through the pointers of
 * taps.h. Values are multiplied as the signed bytes they are (store_neon.h) with int16 weights less
 * their zero point, and the zero point of the values is taken from the bias instead:
 *
 *     sum (x - zx) w = sum x w - zx sum w
 *
 * exact in int32 and, like reference, modulo 2^32 beyond. Weights are [block][tap][16 channels].
 */
#include "kernels.h"
#include "store_neon.h"
#include "taps.h"

#define BLOCK ((size_t)16) /* channels */

typedef struct depthwise_neon {
    tap_plan taps;
    size_t n, blocks;
    const int16_t *weights; /* [blocks][taps.count][BLOCK] */
    const int32_t *bias;    /* [blocks][BLOCK] */
    const float *scale;     /* [blocks][BLOCK] */
    q8_range range;
    uint8_t flip;
} depthwise_neon;

static int match(const lab_node *node)
{
    return depthwise_q8_match(node) && taps_match(node, (int32_t)BLOCK) ? 20 : 0;
}

/* Packs channel `c` as channel `lane` of `block`. */
static void pack_channel(const depthwise_neon *s, const lab_node *node, size_t c, size_t block,
                         size_t lane, int16_t *weights, int32_t *bias, float *scale)
{
    const lab_tensor *x = node->in[0], *w = node->in[1], *b = input_or_null(node, 2);
    int32_t zero = lab_quant_zero(&w->quant, (uint32_t)c), sum = 0;
    int16_t *to = weights + block * s->taps.count * BLOCK + lane;
    for (size_t t = 0; t < s->taps.count; t++) {
        int32_t value = q8_load(w->data, t * s->n + c, w->dtype) - zero;
        to[t * BLOCK] = (int16_t)value;
        sum += value;
    }
    uint32_t start = b ? (uint32_t)((const int32_t *)b->data)[c] : 0;
    size_t at = block * BLOCK + lane;
    bias[at] = (int32_t)(start - (uint32_t)(i8_zero(x, x->quant.zero_point) * sum));
    scale[at] = q8_scale(x, w, node->out[0], (uint32_t)c);
}

static bool pack(lab_prepare *prepare, depthwise_neon *s, const lab_node *node)
{
    int16_t *weights = prepare_array(prepare, s->blocks * s->taps.count, BLOCK * sizeof *weights);
    int32_t *bias = prepare_array(prepare, s->blocks * BLOCK, sizeof *bias);
    float *scale = prepare_array(prepare, s->blocks * BLOCK, sizeof *scale);
    if (!weights || !bias || !scale)
        return false;
    for (size_t block = 0; block < s->blocks; block++)
        for (size_t lane = 0; lane < BLOCK; lane++)
            pack_channel(s, node, block_start(block, BLOCK, s->n) + lane, block, lane, weights,
                         bias, scale);
    s->weights = weights;
    s->bias = bias;
    s->scale = scale;
    return true;
}

static lab_status prepare_depthwise(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *y = node->out[0];
    depthwise_neon *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->n = (size_t)y->shape[3];
    s->blocks = (s->n + BLOCK - 1) / BLOCK;
    s->flip = i8_flip(x);
    s->range = q8_output_range(y, node->attrs.activation);
    if (!plan_taps(prepare, &s->taps, node, (uint8_t)x->quant.zero_point, s->blocks) ||
        !pack(prepare, s, node))
        return prepare_no_memory(prepare, node);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

/* One pixel; `count`, of taps, is constant where this is inlined. */
static inline __attribute__((always_inline)) void blocks(const depthwise_neon *s,
                                                         const uint8_t *const *reads,
                                                         const size_t count, uint8_t *y,
                                                         const store_neon *store)
{
    const int16_t *w = s->weights;
    uint8x16_t flip = vdupq_n_u8(s->flip);
    for (size_t block = 0; block < s->blocks; block++) {
        size_t c = block_start(block, BLOCK, s->n), at = block * BLOCK;
        int32x4_t acc[4];
        for (size_t v = 0; v < 4; v++)
            acc[v] = vld1q_s32(s->bias + at + v * 4);
        for (size_t t = 0; t < count; t++, w += BLOCK) {
            int8x16_t bytes = load_i8(reads[t] + c, flip);
            int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_high_s8(bytes);
            int16x8_t w0 = vld1q_s16(w), w1 = vld1q_s16(w + 8);
            acc[0] = vmlal_s16(acc[0], vget_low_s16(low), vget_low_s16(w0));
            acc[1] = vmlal_high_s16(acc[1], low, w0);
            acc[2] = vmlal_s16(acc[2], vget_low_s16(high), vget_low_s16(w1));
            acc[3] = vmlal_high_s16(acc[3], high, w1);
        }
        vst1q_u8(y + c, requant16(acc, s->scale + at, store));
    }
}

/* The common sizes, 3x3 and 5x5, get loops of known length. */
static void one_pixel(const depthwise_neon *s, const uint8_t *const *reads, uint8_t *y,
                      const store_neon *store)
{
    if (s->taps.count == 9)
        blocks(s, reads, 9, y, store);
    else if (s->taps.count == 25)
        blocks(s, reads, 25, y, store);
    else
        blocks(s, reads, s->taps.count, y, store);
}

static void run(const lab_task *task)
{
    const depthwise_neon *s = task->state;
    const uint8_t **reads = task->scratch;
    store_neon store = store_of(&s->range, task->node->out[0]);
    size_t i = tile_begin(&s->taps.tiles, task), end = tile_end(&s->taps.tiles, task);
    pixel out = pixel_at(i, s->taps.w.out_h, s->taps.w.out_w);
    for (; i < end; i++, out = pixel_after(out, s->taps.w.out_h, s->taps.w.out_w)) {
        point(&s->taps, task->in[0], out, reads);
        one_pixel(s, reads, (uint8_t *)task->out[0] + i * s->n, &store);
    }
}

const lab_kernel arm_depthwise_conv_2d_q8_neon = {
    .name = "arm.depthwise_conv_2d.q8.neon",
    .op = "depthwise_conv_2d",
    .isa = "neon",
    .cpu = LAB_CPU_NEON,
    .match = match,
    .prepare = prepare_depthwise,
    .run = run,
};
