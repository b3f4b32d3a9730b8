/*
 * conv_avx2.c: 8-bit conv_2d as a matrix product. A tile is some dozens of output pixels. The input
 * values under the filter are widened to int16, zero point subtracted, into one row of scratch
 * memory for each pixel (zero for taps outside the picture); rows are then multiplied with panels
 * of 16 filters. A 1x1 convolution without stride needs no gathering: its rows lie one after the
 * other in the picture.
 *
 * Weights are int16 with their zero point subtracted, [panel][k / 2][lane][2], the lanes of a panel
 * in the order of store_avx2.h. vpmaddwd multiplies two k of eight filters at once: products of
 * values in -255 .. 255 added in int32, exact; sums wrap modulo 2^32 like those of reference.
 * (vpmaddubsw would do twice as many bytes, but saturates.)
 *
 * The inner loop keeps ROWS x 2 accumulators, two vectors of weights, one pair of values and one
 * product in the 16 registers. An odd k and the filters after the last are padded with zeros.
 */
#include "kernels.h"
#include "store_avx2.h"

#define ROWS 6
#define MAX_K 32768       /* beyond it a tile outgrows every cache; reference takes those */
#define TILE_VALUES 49152 /* int16 of a tile: with a panel of weights they stay in the L2 cache */
#define MIN_TILE ((size_t)4 * ROWS)
#define MAX_TILE ((size_t)64 * ROWS)

typedef struct conv_avx2 {
    window w;
    tiling tiles;  /* of output pixels */
    size_t k;      /* values of a row … */
    size_t stride; /* … and from row to row: k rounded up to even */
    size_t n, panels;
    const int16_t *weights; /* [panels][stride / 2][BLOCK][2] */
    const int32_t *bias;    /* [panels][BLOCK], by lane, as is scale */
    const float *scale;
    q8_range range;
    uint8_t flip;
    int16_t zero;
    bool direct;
} conv_avx2;

static int match(const lab_node *node)
{
    return conv_q8_match(node) && elements(node->in[1]) / (size_t)node->in[1]->shape[0] <= MAX_K
               ? 20
               : 0;
}

static bool pack(lab_prepare *prepare, conv_avx2 *s, const lab_node *node)
{
    const lab_tensor *w = node->in[1], *bias = input_or_null(node, 2);
    int16_t *weights = prepare_array(prepare, s->panels, s->stride * BLOCK * sizeof *weights);
    int32_t *biases = prepare_array(prepare, s->panels * BLOCK, sizeof *biases);
    float *scale = prepare_array(prepare, s->panels * BLOCK, sizeof *scale);
    if (!weights || !biases || !scale)
        return false;
    for (size_t c = 0; c < s->n; c++) {
        int32_t zero = lab_quant_zero(&w->quant, (uint32_t)c);
        size_t panel = c / BLOCK, lane = lane_of(c % BLOCK);
        int16_t *to = weights + panel * BLOCK * s->stride + 2 * lane;
        for (size_t i = 0; i < s->k; i++)
            to[i / 2 * (2 * BLOCK) + i % 2] =
                (int16_t)(q8_load(w->data, c * s->k + i, w->dtype) - zero);
        biases[panel * BLOCK + lane] = bias ? ((const int32_t *)bias->data)[c] : 0;
        scale[panel * BLOCK + lane] = q8_scale(node->in[0], w, node->out[0], (uint32_t)c);
    }
    s->weights = weights;
    s->bias = biases;
    s->scale = scale;
    return true;
}

static size_t tile_rows(size_t stride)
{
    size_t rows = TILE_VALUES / stride / ROWS * ROWS;
    return rows < MIN_TILE ? MIN_TILE : rows > MAX_TILE ? MAX_TILE : rows;
}

static lab_status prepare_conv(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *filter = node->in[1], *y = node->out[0];
    conv_avx2 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->n = (size_t)filter->shape[0];
    s->k = elements(filter) / s->n;
    s->stride = (s->k + 1) / 2 * 2;
    s->panels = (s->n + BLOCK - 1) / BLOCK;
    if (!pack(prepare, s, node))
        return prepare_no_memory(prepare, node);
    s->w = window_of(&node->attrs, x, y, filter->shape[1], filter->shape[2]);
    s->flip = q8_flip(x);
    s->zero = q8_flipped_zero(x);
    s->range = q8_output_range(y, node->attrs.activation);
    s->direct = window_is_pixel(&s->w) && s->stride == s->k;
    s->tiles = (tiling){ elements(y) / s->n, tile_rows(s->stride) };
    lab_prepare_tiles(prepare,
                      (uint32_t)((s->tiles.count + s->tiles.per_tile - 1) / s->tiles.per_tile),
                      s->tiles.per_tile * s->stride * sizeof(int16_t));
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static inline __m128i widen8(const uint8_t *x, __m128i flip, __m128i zero)
{
    __m128i bytes = _mm_xor_si128(_mm_loadl_epi64((const void *)x), flip);
    return _mm_sub_epi16(_mm_cvtepu8_epi16(bytes), zero);
}

/*
 * widen() for the short runs of a picture's three channels: the last eight values overlap those
 * before, so that nothing is left over and nothing outside is touched.
 */
static void widen_run(const conv_avx2 *s, const uint8_t *src, int16_t *dst, size_t n)
{
    if (n < 8 || n > 32) {
        widen(src, s->flip, s->zero, dst, n);
        return;
    }
    __m128i flip = _mm_set1_epi8((char)s->flip), zero = _mm_set1_epi16(s->zero);
    for (size_t i = 0; i + 8 < n; i += 8)
        store_128u(dst + i, widen8(src + i, flip, zero));
    store_128u(dst + n - 8, widen8(src + n - 8, flip, zero));
}

/* The values under the filter for an output pixel; what is outside counts as zero. */
static void gather(const conv_avx2 *s, const uint8_t *x, pixel out, int16_t *row)
{
    const window *w = &s->w;
    taps ys = taps_y(w, out.y), xs = taps_x(w, out.x);
    size_t channels = (size_t)w->in_c;
    row[s->stride - 1] = 0;
    if (ys.end - ys.begin < w->filter_h || xs.end - xs.begin < w->filter_w)
        memset(row, 0, s->stride * sizeof *row);
    /* Without dilation the taps of a filter row are neighbours in memory: one run. */
    int32_t run = w->dilation_w == 1 ? xs.end - xs.begin : 1;
    for (int32_t ty = ys.begin; ty < ys.end; ty++)
        for (int32_t tx = xs.begin; tx < xs.end; tx += run)
            widen_run(s, x + tap_pixel(w, out.batch, &ys, ty, &xs, tx) * channels,
                      row + ((size_t)ty * (size_t)w->filter_w + (size_t)tx) * channels,
                      (size_t)run * channels);
}

static void gather_tile(const conv_avx2 *s, const uint8_t *x, size_t first, size_t count,
                        int16_t *rows)
{
    pixel out = pixel_at(first, s->w.out_h, s->w.out_w);
    for (size_t r = 0; r < count; r++, out = pixel_after(out, s->w.out_h, s->w.out_w))
        gather(s, x, out, rows + r * s->stride);
}

static __m256i broadcast_pair(const int16_t *x)
{
    int32_t pair;
    memcpy(&pair, x, sizeof pair);
    return _mm256_set1_epi32(pair);
}

/* One panel of filters times `rows` rows; `rows` is constant where this is inlined. */
static inline __attribute__((always_inline)) void multiply(const conv_avx2 *s,
                                                           const int16_t *restrict x, size_t panel,
                                                           const int rows, uint8_t *y,
                                                           const store_avx2 *store)
{
    const int16_t *w = s->weights + panel * BLOCK * s->stride;
    __m256i acc[ROWS][2];
    for (int r = 0; r < rows; r++) {
        acc[r][0] = load_256(s->bias + panel * BLOCK);
        acc[r][1] = load_256(s->bias + panel * BLOCK + 8);
    }
    for (size_t i = 0; i < s->stride; i += 2, w += 2 * BLOCK) {
        __m256i w0 = load_256(w), w1 = load_256(w + BLOCK);
        for (int r = 0; r < rows; r++) {
            __m256i pair = broadcast_pair(x + (size_t)r * s->stride + i);
            acc[r][0] = _mm256_add_epi32(acc[r][0], _mm256_madd_epi16(pair, w0));
            acc[r][1] = _mm256_add_epi32(acc[r][1], _mm256_madd_epi16(pair, w1));
        }
    }
    size_t left = s->n - panel * BLOCK;
    for (int r = 0; r < rows; r++) {
        __m128i bytes = requant16(acc[r][0], acc[r][1], s->scale + panel * BLOCK, store);
        uint8_t *to = y + (size_t)r * s->n + panel * BLOCK;
        if (left >= BLOCK) {
            store_128u(to, bytes);
        } else {
            uint8_t part[BLOCK];
            store_128u(part, bytes);
            memcpy(to, part, left);
        }
    }
}

/* Rows first .. first + count - 1 of the tile, the last ones singly. */
static void multiply_tile(const conv_avx2 *s, const int16_t *x, size_t count, uint8_t *y)
{
    store_avx2 store = store_of(&s->range, s->flip);
    for (size_t panel = 0; panel < s->panels; panel++) {
        size_t r = 0;
        for (; r + ROWS <= count; r += ROWS)
            multiply(s, x + r * s->stride, panel, ROWS, y + r * s->n, &store);
        for (; r + 2 <= count; r += 2)
            multiply(s, x + r * s->stride, panel, 2, y + r * s->n, &store);
        for (; r < count; r++)
            multiply(s, x + r * s->stride, panel, 1, y + r * s->n, &store);
    }
}

static void run(const lab_task *task)
{
    const conv_avx2 *s = task->state;
    const uint8_t *x = task->in[0];
    int16_t *rows = task->scratch;
    size_t end = tile_end(&s->tiles, task);
    for (size_t at = tile_begin(&s->tiles, task); at < end; at += s->tiles.per_tile) {
        size_t count = end - at < s->tiles.per_tile ? end - at : s->tiles.per_tile;
        if (s->direct)
            widen(x + at * s->k, s->flip, s->zero, rows, count * s->k);
        else
            gather_tile(s, x, at, count, rows);
        multiply_tile(s, rows, count, (uint8_t *)task->out[0] + at * s->n);
    }
}

const lab_kernel x86_conv_2d_q8_avx2 = {
    .name = "x86.conv_2d.q8.avx2",
    .op = "conv_2d",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = match,
    .prepare = prepare_conv,
    .run = run,
};
