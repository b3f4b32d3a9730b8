/*
 * conv_dotprod.c: 8-bit conv_2d with the dot-product extension. sdot multiplies four signed bytes
 * with four and adds to int32, exact and without saturation, so activations and weights are both
 * read as i8 (store_neon.h). Their zero points are multiplied out of the sum over a row:
 *
 *     sum (x - zx)(w - zw) = sum x w - zw sum x + (K zx zw - zx sum w)
 *
 * The last bracket depends on the filter alone and is in its bias. sum x is taken once for each row
 * of a tile, and only where some zw is not zero: filters quantised symmetrically have none. Bytes
 * behind a row's values are zero as i8 and add nothing to any sum. All modulo 2^32, as in
 * reference.
 *
 * Weights are [panel][k / 4][16 filters][4]. The inner loop keeps 4 rows x 16 filters of
 * accumulators, 16 k of each row and four k of a panel in the 32 registers.
 */
#include "kernels.h"
#include "rows.h"
#include "store_neon.h"

#define QUAD ((size_t)4) /* k that one instruction multiplies */

typedef struct conv_dotprod {
    row_plan rows;
    size_t n, panels;
    const int8_t *weights; /* [panels][rows.stride / QUAD][BLOCK][QUAD] */
    const int32_t *bias;   /* [panels][BLOCK] */
    const int32_t *zero;   /* [panels][BLOCK], zw; NULL when all are zero */
    const float *scale;    /* [panels][BLOCK] */
    q8_range range;
    uint8_t flip;
} conv_dotprod;

static int match(const lab_node *node)
{
    return conv_q8_match(node) && rows_match(node) ? 30 : 0;
}

static bool has_zeros(const lab_tensor *w)
{
    for (uint32_t i = 0; i < w->quant.count; i++)
        if (i8_zero(w, lab_quant_zero(&w->quant, i)) != 0)
            return true;
    return false;
}

/* Packs filter `c` and gives the sum of its weights. */
static int32_t pack_filter(const conv_dotprod *s, const lab_tensor *w, size_t c, size_t k,
                           int8_t *weights)
{
    const uint8_t *from = (const uint8_t *)w->data + c * k;
    uint8_t flip = i8_flip(w);
    int8_t *to = weights + c / BLOCK * BLOCK * s->rows.stride + c % BLOCK * QUAD;
    int32_t sum = 0;
    for (size_t i = 0; i < k; i++) {
        int8_t value = (int8_t)(from[i] ^ flip);
        to[i / QUAD * (QUAD * BLOCK) + i % QUAD] = value;
        sum += value;
    }
    return sum;
}

static bool pack(lab_prepare *prepare, conv_dotprod *s, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *w = node->in[1], *bias = input_or_null(node, 2);
    size_t k = filter_values(node), padded = s->panels * BLOCK;
    int8_t *weights = prepare_array(prepare, padded, s->rows.stride);
    int32_t *biases = prepare_array(prepare, padded, sizeof *biases);
    int32_t *zeros = prepare_array(prepare, padded, sizeof *zeros);
    float *scale = prepare_array(prepare, padded, sizeof *scale);
    if (!weights || !biases || !zeros || !scale)
        return false;
    int32_t zx = i8_zero(x, x->quant.zero_point);
    for (size_t c = 0; c < s->n; c++) {
        int32_t sum = pack_filter(s, w, c, k, weights);
        zeros[c] = i8_zero(w, lab_quant_zero(&w->quant, (uint32_t)c));
        /* k < 2^16 and the others are bytes: no product here leaves int32. */
        uint32_t start = bias ? (uint32_t)((const int32_t *)bias->data)[c] : 0;
        biases[c] =
            (int32_t)(start + (uint32_t)((int32_t)k * zx * zeros[c]) - (uint32_t)(zx * sum));
        scale[c] = q8_scale(x, w, node->out[0], (uint32_t)c);
    }
    s->weights = weights;
    s->bias = biases;
    s->zero = has_zeros(w) ? zeros : NULL;
    s->scale = scale;
    return true;
}

static lab_status prepare_conv(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *y = node->out[0];
    conv_dotprod *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->n = (size_t)node->in[1]->shape[0];
    s->panels = panels_of(s->n);
    s->flip = i8_flip(x);
    s->rows = plan_rows(prepare, node, (uint8_t)x->quant.zero_point, s->flip, sizeof(int32_t));
    s->range = q8_output_range(y, node->attrs.activation);
    if (!pack(prepare, s, node))
        return prepare_no_memory(prepare, node);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static void sum_rows(const conv_dotprod *s, const uint8_t *x, size_t count, int32_t *sums)
{
    uint8x16_t flip = vdupq_n_u8(s->flip);
    int8x16_t one = vdupq_n_s8(1);
    for (size_t r = 0; r < count; r++, x += s->rows.stride) {
        int32x4_t sum = vdupq_n_s32(0);
        for (size_t i = 0; i < s->rows.stride; i += VECTOR)
            sum = vdotq_s32(sum, load_i8(x + i, flip), one);
        sums[r] = vaddvq_s32(sum);
    }
}

/* Four values of each row (`lane` of its vector) times four k of 16 filters. */
#define MULTIPLY_QUAD(lane)                                                                        \
    do {                                                                                           \
        for (int v = 0; v < 4; v++) {                                                              \
            int8x16_t filters = vld1q_s8(w + ((size_t)(lane)*4 + (size_t)v) * VECTOR);             \
            for (int r = 0; r < rows; r++)                                                         \
                acc[r][v] = vdotq_laneq_s32(acc[r][v], filters, values[r], lane);                  \
        }                                                                                          \
    } while (0)

/*
 * One panel of filters times `rows` rows; `rows` is constant where this is inlined. `sums` are
 * those of the rows, looked at where filters have zero points.
 */
static inline __attribute__((always_inline)) void multiply(const conv_dotprod *s, const uint8_t *x,
                                                           const int32_t *sums, size_t panel,
                                                           const int rows, uint8_t *y,
                                                           const store_neon *store)
{
    const int8_t *w = s->weights + panel * BLOCK * s->rows.stride;
    uint8x16_t flip = vdupq_n_u8(s->flip);
    int8x16_t values[ROWS];
    int32x4_t acc[ROWS][4];
    for (int v = 0; v < 4; v++) {
        size_t at = panel * BLOCK + (size_t)v * 4;
        int32x4_t bias = vld1q_s32(s->bias + at);
        for (int r = 0; r < rows; r++)
            acc[r][v] = s->zero ? vmlsq_n_s32(bias, vld1q_s32(s->zero + at), sums[r]) : bias;
    }
    for (size_t i = 0; i < s->rows.stride; i += VECTOR, w += VECTOR * BLOCK) {
        for (int r = 0; r < rows; r++)
            values[r] = load_i8(x + (size_t)r * s->rows.stride + i, flip);
        MULTIPLY_QUAD(0);
        MULTIPLY_QUAD(1);
        MULTIPLY_QUAD(2);
        MULTIPLY_QUAD(3);
    }
    for (int r = 0; r < rows; r++)
        store_some(y + (size_t)r * s->n + panel * BLOCK,
                   requant16(acc[r], s->scale + panel * BLOCK, store), s->n - panel * BLOCK);
}

static void multiply_tile(const conv_dotprod *s, const uint8_t *x, const int32_t *sums,
                          size_t count, uint8_t *y, const store_neon *store)
{
    for (size_t panel = 0; panel < s->panels; panel++) {
        size_t r = 0;
        for (; r + ROWS <= count; r += ROWS)
            multiply(s, x + r * s->rows.stride, sums + r, panel, ROWS, y + r * s->n, store);
        for (; r < count; r++)
            multiply(s, x + r * s->rows.stride, sums + r, panel, 1, y + r * s->n, store);
    }
}

static void run(const lab_task *task)
{
    const conv_dotprod *s = task->state;
    store_neon store = store_of(&s->range, task->node->out[0]);
    int32_t *sums = tile_extra(&s->rows, task->scratch);
    size_t end = tile_end(&s->rows.tiles, task);
    for (size_t at = tile_begin(&s->rows.tiles, task); at < end; at += s->rows.tiles.per_tile) {
        size_t count = tile_count(&s->rows, at, end);
        const uint8_t *x = tile_rows(&s->rows, task->in[0], at, count, task->scratch);
        if (s->zero)
            sum_rows(s, x, count, sums);
        multiply_tile(s, x, sums, count, (uint8_t *)task->out[0] + at * s->n, &store);
    }
}

const lab_kernel arm_conv_2d_q8_dotprod = {
    .name = "arm.conv_2d.q8.dotprod",
    .op = "conv_2d",
    .isa = "dotprod",
    .cpu = LAB_CPU_NEON | LAB_CPU_DOTPROD,
    .match = match,
    .prepare = prepare_conv,
    .run = run,
};
