/*
 * conv_neon.c: 8-bit conv_2d on every AArch64. Rows of bytes (rows.h) are widened to int16 in
 * registers, zero point subtracted, and multiplied with panels of 16 filters in int16, theirs
 * subtracted too: smlal adds products of values in -255 .. 255 in int32, exact; sums wrap modulo
 * 2^32 like those of reference.
 *
 * Weights are [panel][k][16 filters]. The inner loop keeps 4 rows x 16 filters of accumulators, one
 * k of a panel and eight k of each row in the 32 registers; a lane of a row's vector is multiplied
 * with all filters. Weights behind a row's last value are zero.
 */
#include "kernels.h"
#include "rows.h"
#include "store_neon.h"

typedef struct conv_neon {
    row_plan rows;
    size_t n, panels;
    const int16_t *weights; /* [panels][rows.stride][BLOCK] */
    const int32_t *bias;    /* [panels][BLOCK] */
    const float *scale;     /* [panels][BLOCK] */
    q8_range range;
    uint8_t flip;
    int16_t zero; /* of x read as i8 */
} conv_neon;

static int match(const lab_node *node)
{
    return conv_q8_match(node) && rows_match(node) ? 20 : 0;
}

static bool pack(lab_prepare *prepare, conv_neon *s, const lab_node *node)
{
    const lab_tensor *w = node->in[1], *bias = input_or_null(node, 2);
    size_t k = filter_values(node), padded = s->panels * BLOCK;
    int16_t *weights = prepare_array(prepare, padded, s->rows.stride * sizeof *weights);
    int32_t *biases = prepare_array(prepare, padded, sizeof *biases);
    float *scale = prepare_array(prepare, padded, sizeof *scale);
    if (!weights || !biases || !scale)
        return false;
    for (size_t c = 0; c < s->n; c++) {
        int32_t zero = lab_quant_zero(&w->quant, (uint32_t)c);
        int16_t *to = weights + c / BLOCK * BLOCK * s->rows.stride + c % BLOCK;
        for (size_t i = 0; i < k; i++)
            to[i * BLOCK] = (int16_t)(q8_load(w->data, c * k + i, w->dtype) - zero);
        biases[c] = bias ? ((const int32_t *)bias->data)[c] : 0;
        scale[c] = q8_scale(node->in[0], w, node->out[0], (uint32_t)c);
    }
    s->weights = weights;
    s->bias = biases;
    s->scale = scale;
    return true;
}

static lab_status prepare_conv(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *y = node->out[0];
    conv_neon *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->n = (size_t)node->in[1]->shape[0];
    s->panels = panels_of(s->n);
    s->rows = plan_rows(prepare, node, (uint8_t)x->quant.zero_point, 0, 0);
    s->flip = i8_flip(x);
    s->zero = (int16_t)i8_zero(x, x->quant.zero_point);
    s->range = q8_output_range(y, node->attrs.activation);
    if (!pack(prepare, s, node))
        return prepare_no_memory(prepare, node);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

/* One value of a row (`lane` of x, constant where inlined) times one k of 16 filters. */
#define MULTIPLY_LANE(acc, w, x, lane)                                                             \
    do {                                                                                           \
        (acc)[0] = vmlal_laneq_s16((acc)[0], vget_low_s16((w)[0]), x, lane);                       \
        (acc)[1] = vmlal_high_laneq_s16((acc)[1], (w)[0], x, lane);                                \
        (acc)[2] = vmlal_laneq_s16((acc)[2], vget_low_s16((w)[1]), x, lane);                       \
        (acc)[3] = vmlal_high_laneq_s16((acc)[3], (w)[1], x, lane);                                \
    } while (0)

#define MULTIPLY_K(lane)                                                                           \
    do {                                                                                           \
        const int16x8_t v[2] = { vld1q_s16(w + (lane)*BLOCK), vld1q_s16(w + (lane)*BLOCK + 8) };   \
        for (int r = 0; r < rows; r++)                                                             \
            MULTIPLY_LANE(acc[r], v, values[r], lane);                                             \
    } while (0)

/* One panel of filters times `rows` rows; `rows` is constant where this is inlined. */
static inline __attribute__((always_inline)) void multiply(const conv_neon *s, const uint8_t *x,
                                                           size_t panel, const int rows, uint8_t *y,
                                                           const store_neon *store)
{
    const int16_t *w = s->weights + panel * BLOCK * s->rows.stride;
    uint8x8_t flip = vdup_n_u8(s->flip);
    int16x8_t zero = vdupq_n_s16(s->zero), values[ROWS];
    int32x4_t acc[ROWS][4];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < 4; v++)
            acc[r][v] = vld1q_s32(s->bias + panel * BLOCK + (size_t)v * 4);
    for (size_t i = 0; i < s->rows.stride; i += 8, w += 8 * BLOCK) {
        for (int r = 0; r < rows; r++) {
            uint8x8_t bytes = veor_u8(vld1_u8(x + (size_t)r * s->rows.stride + i), flip);
            values[r] = vsubq_s16(vmovl_s8(vreinterpret_s8_u8(bytes)), zero);
        }
        MULTIPLY_K(0);
        MULTIPLY_K(1);
        MULTIPLY_K(2);
        MULTIPLY_K(3);
        MULTIPLY_K(4);
        MULTIPLY_K(5);
        MULTIPLY_K(6);
        MULTIPLY_K(7);
    }
    for (int r = 0; r < rows; r++)
        store_some(y + (size_t)r * s->n + panel * BLOCK,
                   requant16(acc[r], s->scale + panel * BLOCK, store), s->n - panel * BLOCK);
}

static void multiply_tile(const conv_neon *s, const uint8_t *x, size_t count, uint8_t *y,
                          const store_neon *store)
{
    for (size_t panel = 0; panel < s->panels; panel++) {
        size_t r = 0;
        for (; r + ROWS <= count; r += ROWS)
            multiply(s, x + r * s->rows.stride, panel, ROWS, y + r * s->n, store);
        for (; r < count; r++)
            multiply(s, x + r * s->rows.stride, panel, 1, y + r * s->n, store);
    }
}

static void run(const lab_task *task)
{
    const conv_neon *s = task->state;
    store_neon store = store_of(&s->range, task->node->out[0]);
    size_t end = tile_end(&s->rows.tiles, task);
    for (size_t at = tile_begin(&s->rows.tiles, task); at < end; at += s->rows.tiles.per_tile) {
        size_t count = tile_count(&s->rows, at, end);
        const uint8_t *x = tile_rows(&s->rows, task->in[0], at, count, task->scratch);
        multiply_tile(s, x, count, (uint8_t *)task->out[0] + at * s->n, &store);
    }
}

const lab_kernel arm_conv_2d_q8_neon = {
    .name = "arm.conv_2d.q8.neon",
    .op = "conv_2d",
    .isa = "neon",
    .cpu = LAB_CPU_NEON,
    .match = match,
    .prepare = prepare_conv,
    .run = run,
};
