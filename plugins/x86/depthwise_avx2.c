/*
 * depthwise_avx2.c: 8-bit depthwise_conv_2d, 16 channels at a time. For each output pixel a list of
 * pointers says where each tap reads; taps outside the picture point at a row of zero points, so
 * borders, strides and dilations cost the inner loop nothing. Two taps of a channel make the pair
 * of int16 that vpmaddwd multiplies and adds: exact in int32.
 *
 * Values are multiplied as they are and the zero point is taken from the bias instead:
 * sum (x - zx) w = sum x w - zx sum w, with w the weight less its zero point.
 *
 * The last block ends with the last channel and may overlap the one before, which then computes
 * the same bytes twice and reads and writes nothing outside. An odd number of taps is made even
 * with weights of zero.
 */
#include "kernels.h"
#include "store_avx2.h"

#define PAIR_VALUES (2 * BLOCK) /* int16 of the weights of two taps of a block */
#define MAX_TAPS 1024

typedef struct depthwise_avx2 {
    window w;
    tiling tiles; /* of output pixels */
    size_t n, blocks, pairs;
    const int16_t *weights; /* [blocks][pairs][BLOCK by lane][2] */
    const int32_t *bias;    /* [blocks][BLOCK by lane] */
    const float *scale;
    const uint8_t *outside; /* [n] zero points */
    q8_range range;
    uint8_t flip;
} depthwise_avx2;

static int match(const lab_node *node)
{
    return depthwise_q8_match(node) && node->in[0]->shape[3] == node->out[0]->shape[3] &&
                   (size_t)node->out[0]->shape[3] >= BLOCK &&
                   elements(node->in[1]) / (size_t)node->in[1]->shape[3] <= MAX_TAPS
               ? 20
               : 0;
}

static size_t first_channel(const depthwise_avx2 *s, size_t block)
{
    return block * BLOCK + BLOCK <= s->n ? block * BLOCK : s->n - BLOCK;
}

/* Packs channel `c` as lane `lane` of `block`; `at` counts lanes of all blocks. */
static void pack_channel(const depthwise_avx2 *s, const lab_node *node, size_t c, size_t block,
                         size_t lane, int16_t *weights, int32_t *bias, float *scale)
{
    const lab_tensor *x = node->in[0], *w = node->in[1], *b = input_or_null(node, 2);
    size_t count = elements(w) / s->n, at = block * BLOCK + lane;
    int32_t zero = lab_quant_zero(&w->quant, (uint32_t)c), sum = 0;
    int16_t *to = weights + block * s->pairs * PAIR_VALUES + 2 * lane;
    for (size_t t = 0; t < count; t++) {
        int32_t value = q8_load(w->data, t * s->n + c, w->dtype) - zero;
        to[t / 2 * PAIR_VALUES + t % 2] = (int16_t)value;
        sum += value;
    }
    /* Modulo 2^32, as the sums of the products are. */
    uint32_t start = b ? (uint32_t)((const int32_t *)b->data)[c] : 0;
    bias[at] = (int32_t)(start - (uint32_t)(x->quant.zero_point * sum));
    scale[at] = q8_scale(x, w, node->out[0], (uint32_t)c);
}

static bool pack(lab_prepare *prepare, depthwise_avx2 *s, const lab_node *node)
{
    int16_t *weights = prepare_array(prepare, s->blocks * s->pairs, PAIR_VALUES * sizeof *weights);
    int32_t *bias = prepare_array(prepare, s->blocks * BLOCK, sizeof *bias);
    float *scale = prepare_array(prepare, s->blocks * BLOCK, sizeof *scale);
    uint8_t *outside = prepare_array(prepare, s->n, 1);
    if (!weights || !bias || !scale || !outside)
        return false;
    for (size_t block = 0; block < s->blocks; block++)
        for (size_t c = 0; c < BLOCK; c++)
            pack_channel(s, node, first_channel(s, block) + c, block, lane_of(c), weights, bias,
                         scale);
    memset(outside, (uint8_t)node->in[0]->quant.zero_point, s->n);
    s->weights = weights;
    s->bias = bias;
    s->scale = scale;
    s->outside = outside;
    return true;
}

static lab_status prepare_depthwise(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *filter = node->in[1], *y = node->out[0];
    depthwise_avx2 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->n = (size_t)y->shape[3];
    s->blocks = (s->n + BLOCK - 1) / BLOCK;
    s->pairs = (elements(filter) / s->n + 1) / 2;
    if (!pack(prepare, s, node))
        return prepare_no_memory(prepare, node);
    s->w = window_of(&node->attrs, x, y, filter->shape[1], filter->shape[2]);
    s->range = q8_output_range(y, node->attrs.activation);
    s->flip = q8_flip(x);
    s->tiles = tile_items(prepare, elements(y) / s->n, s->blocks * (s->pairs + 1),
                          2 * s->pairs * sizeof(const uint8_t *));
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

/*
 * Where the taps of one row of the filter read; `row` is the row of the picture, NULL outside.
 * Filters that lie within the row, which is nearly all, need no questions for each tap.
 */
static inline void point_row(const depthwise_avx2 *s, const uint8_t *row, int64_t left,
                             const uint8_t **reads)
{
    const window *w = &s->w;
    int64_t step = w->dilation_w, right = left + (w->filter_w - 1) * step;
    if (row && left >= 0 && right < w->in_w) {
        const uint8_t *at = row + (size_t)left * s->n;
        for (int32_t t = 0; t < w->filter_w; t++, at += (size_t)step * s->n)
            reads[t] = at;
        return;
    }
    for (int32_t t = 0; t < w->filter_w; t++) {
        int64_t column = left + t * step;
        bool inside = row && column >= 0 && column < w->in_w;
        reads[t] = inside ? row + (size_t)column * s->n : s->outside;
    }
}

/* Where the taps of an output pixel read. */
static void point(const depthwise_avx2 *s, const uint8_t *x, pixel out, const uint8_t **reads)
{
    const window *w = &s->w;
    int64_t top = (int64_t)out.y * w->stride_h - w->pad_top;
    int64_t left = (int64_t)out.x * w->stride_w - w->pad_left;
    size_t row_size = (size_t)w->in_w * s->n;
    const uint8_t *picture = x + (size_t)out.batch * (size_t)w->in_h * row_size;
    const uint8_t **end = reads + 2 * s->pairs;
    for (int32_t t = 0; t < w->filter_h; t++, reads += w->filter_w) {
        int64_t y = top + (int64_t)t * w->dilation_h;
        bool inside = y >= 0 && y < w->in_h;
        point_row(s, inside ? picture + (size_t)y * row_size : NULL, left, reads);
    }
    if (reads < end)
        *reads = s->outside; /* its weights are zero */
}

static inline __attribute__((always_inline)) __m256i widen16(const uint8_t *x, const bool is_signed)
{
    return is_signed ? _mm256_cvtepi8_epi16(load_128u(x)) : _mm256_cvtepu8_epi16(load_128u(x));
}

/* One pixel. `pairs` and `is_signed` are constants where this is inlined. */
static inline __attribute__((always_inline)) void blocks(const depthwise_avx2 *s,
                                                         const uint8_t *const *reads,
                                                         const size_t pairs, const bool is_signed,
                                                         uint8_t *y, const store_avx2 *store)
{
    const int16_t *w = s->weights;
    for (size_t block = 0; block < s->blocks; block++) {
        size_t c = first_channel(s, block), lane = block * BLOCK;
        __m256i first = load_256(s->bias + lane), second = load_256(s->bias + lane + 8);
        for (size_t p = 0; p < pairs; p++, w += PAIR_VALUES) {
            __m256i a = widen16(reads[2 * p] + c, is_signed);
            __m256i b = widen16(reads[2 * p + 1] + c, is_signed);
            first = _mm256_add_epi32(first,
                                     _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), load_256(w)));
            second = _mm256_add_epi32(
                second, _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), load_256(w + BLOCK)));
        }
        store_128u(y + c, requant16(first, second, s->scale + lane, store));
    }
}

/* The common sizes, 3x3 and 5x5, get loops of known length. */
static void one_pixel(const depthwise_avx2 *s, const uint8_t *const *reads, uint8_t *y,
                      const store_avx2 *store)
{
    bool is_signed = s->flip != 0;
    if (s->pairs == 5 && is_signed)
        blocks(s, reads, 5, true, y, store);
    else if (s->pairs == 5)
        blocks(s, reads, 5, false, y, store);
    else if (s->pairs == 13 && !is_signed)
        blocks(s, reads, 13, false, y, store);
    else if (is_signed)
        blocks(s, reads, s->pairs, true, y, store);
    else
        blocks(s, reads, s->pairs, false, y, store);
}

static void run(const lab_task *task)
{
    const depthwise_avx2 *s = task->state;
    const uint8_t **reads = task->scratch;
    store_avx2 store = store_of(&s->range, s->flip);
    size_t i = tile_begin(&s->tiles, task), end = tile_end(&s->tiles, task);
    pixel out = pixel_at(i, s->w.out_h, s->w.out_w);
    for (; i < end; i++, out = pixel_after(out, s->w.out_h, s->w.out_w)) {
        point(s, task->in[0], out, reads);
        one_pixel(s, reads, (uint8_t *)task->out[0] + i * s->n, &store);
    }
}

const lab_kernel x86_depthwise_conv_2d_q8_avx2 = {
    .name = "x86.depthwise_conv_2d.q8.avx2",
    .op = "depthwise_conv_2d",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = match,
    .prepare = prepare_depthwise,
    .run = run,
};
