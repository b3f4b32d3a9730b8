/*
 * conv_f32_neon.c: float conv_2d with fused multiply-add. Rows of values (rows.h) are multiplied
 * with panels of 16 filters; weights are [panel][k][16 filters], zero behind a row's last value.
 * Every sum takes its products in the order of k, from the bias on, whatever tile it is in: the
 * bytes do not depend on how work is divided. They differ from reference's by rounding, because
 * fmla rounds once where reference rounds twice.
 */
#include <arm_neon.h>

#include "kernels.h"
#include "rows.h"

typedef struct conv_f32_neon {
    row_plan rows;
    size_t n, panels;
    size_t stride;        /* of rows, in values */
    const float *weights; /* [panels][stride][BLOCK] */
    const float *bias;    /* [panels][BLOCK] */
    f32_range range;
} conv_f32_neon;

static int match(const lab_node *node)
{
    return conv_f32_match(node) && rows_match(node) ? 20 : 0;
}

static bool pack(lab_prepare *prepare, conv_f32_neon *s, const lab_node *node)
{
    const lab_tensor *w = node->in[1], *bias = input_or_null(node, 2);
    size_t k = filter_values(node), padded = s->panels * BLOCK;
    float *weights = prepare_array(prepare, padded, s->stride * sizeof *weights);
    float *biases = prepare_array(prepare, padded, sizeof *biases);
    if (!weights || !biases)
        return false;
    for (size_t c = 0; c < s->n; c++) {
        float *to = weights + c / BLOCK * BLOCK * s->stride + c % BLOCK;
        for (size_t i = 0; i < k; i++)
            to[i * BLOCK] = ((const float *)w->data)[c * k + i];
        biases[c] = bias ? ((const float *)bias->data)[c] : 0.0f;
    }
    s->weights = weights;
    s->bias = biases;
    return true;
}

static lab_status prepare_conv(lab_prepare *prepare, const lab_node *node)
{
    conv_f32_neon *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->n = (size_t)node->in[1]->shape[0];
    s->panels = panels_of(s->n);
    s->rows = plan_rows(prepare, node, 0, 0, 0);
    s->stride = s->rows.stride / sizeof(float);
    s->range = f32_activation(node->attrs.activation);
    if (!pack(prepare, s, node))
        return prepare_no_memory(prepare, node);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

/* fmax and fmin give a NaN for a NaN, as f32_clamp does. */
static inline float32x4_t clamp4(float32x4_t v, f32_range range)
{
    return vminq_f32(vmaxq_f32(v, vdupq_n_f32(range.lo)), vdupq_n_f32(range.hi));
}

static inline void store_row(const conv_f32_neon *s, const float32x4_t acc[4], size_t panel,
                             float *y)
{
    float32x4_t v[4];
    for (int i = 0; i < 4; i++)
        v[i] = clamp4(acc[i], s->range);
    size_t left = s->n - panel * BLOCK;
    if (left >= BLOCK)
        for (size_t i = 0; i < 4; i++)
            vst1q_f32(y + i * 4, v[i]);
    else
        memcpy(y, v, left * sizeof *y);
}

/* One value of a row (`lane` of its vector) times one k of 16 filters. */
#define MULTIPLY_LANE(lane)                                                                        \
    do {                                                                                           \
        for (size_t v = 0; v < 4; v++) {                                                           \
            float32x4_t filters = vld1q_f32(w + (lane)*BLOCK + v * 4);                             \
            for (int r = 0; r < rows; r++)                                                         \
                acc[r][v] = vfmaq_laneq_f32(acc[r][v], filters, values[r], lane);                  \
        }                                                                                          \
    } while (0)

/* One panel of filters times `rows` rows; `rows` is constant where this is inlined. */
static inline __attribute__((always_inline)) void multiply(const conv_f32_neon *s, const float *x,
                                                           size_t panel, const int rows, float *y)
{
    const float *w = s->weights + panel * BLOCK * s->stride;
    float32x4_t values[ROWS], acc[ROWS][4];
    for (int r = 0; r < rows; r++)
        for (size_t v = 0; v < 4; v++)
            acc[r][v] = vld1q_f32(s->bias + panel * BLOCK + v * 4);
    for (size_t i = 0; i < s->stride; i += 4, w += 4 * BLOCK) {
        for (int r = 0; r < rows; r++)
            values[r] = vld1q_f32(x + (size_t)r * s->stride + i);
        MULTIPLY_LANE(0);
        MULTIPLY_LANE(1);
        MULTIPLY_LANE(2);
        MULTIPLY_LANE(3);
    }
    for (int r = 0; r < rows; r++)
        store_row(s, acc[r], panel, y + (size_t)r * s->n + panel * BLOCK);
}

static void multiply_tile(const conv_f32_neon *s, const float *x, size_t count, float *y)
{
    for (size_t panel = 0; panel < s->panels; panel++) {
        size_t r = 0;
        for (; r + ROWS <= count; r += ROWS)
            multiply(s, x + r * s->stride, panel, ROWS, y + r * s->n);
        for (; r < count; r++)
            multiply(s, x + r * s->stride, panel, 1, y + r * s->n);
    }
}

static void run(const lab_task *task)
{
    const conv_f32_neon *s = task->state;
    size_t end = tile_end(&s->rows.tiles, task);
    for (size_t at = tile_begin(&s->rows.tiles, task); at < end; at += s->rows.tiles.per_tile) {
        size_t count = tile_count(&s->rows, at, end);
        const void *x = tile_rows(&s->rows, task->in[0], at, count, task->scratch);
        multiply_tile(s, x, count, (float *)task->out[0] + at * s->n);
    }
}

const lab_kernel arm_conv_2d_f32_neon = {
    .name = "arm.conv_2d.f32.neon",
    .op = "conv_2d",
    .isa = "neon",
    .cpu = LAB_CPU_NEON,
    .match = match,
    .prepare = prepare_conv,
    .run = run,
};
