/*
 * convert_avx2.c: between float and 8 bits with one scale and zero point, the steps of
 * ../reference/requant.h on vectors. quantize: v = x * (1 / s_out), held within the output's range,
 * rounded half to even, plus the zero point. dequantize: (float)(x - z) * s.
 */
#include "../reference/byte_tables.h"
#include "kernels.h"
#include "vector_f32_avx2.h"

#include <string.h>

#define CONVERT_LANES ((size_t)32)

typedef struct convert_avx2 {
    tiling tiles; /* of 32 elements; the last may be fewer */
    size_t n;
    q8_range range;
    float factor; /* 1 / s_out or s_in */
    int32_t zero; /* of the byte read as u8 */
    uint8_t flip;
} convert_avx2;

static int match_quantize(const lab_node *node)
{
    return unary_match(node) && has_dtype(node->in[0], LAB_F32) && is_q8(node->out[0]) ? 20 : 0;
}

static int match_dequantize(const lab_node *node)
{
    return unary_match(node) && is_8bit(node->in[0]) && node->in[0]->quant.count == 1 &&
                   has_dtype(node->out[0], LAB_F32)
               ? 20
               : 0;
}

static lab_status prepare_convert(lab_prepare *prepare, const lab_node *node,
                                  const lab_tensor *bytes)
{
    convert_avx2 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->n = elements(bytes);
    s->flip = q8_flip(bytes);
    s->zero = bytes->quant.zero_point - q8_min(bytes->dtype);
    s->factor = bytes->quant.scale;
    s->tiles = tile_items(prepare, (s->n + CONVERT_LANES - 1) / CONVERT_LANES, CONVERT_LANES, 0);
    lab_prepare_state(prepare, s);
    if (bytes == node->out[0]) {
        s->range = q8_output_range(bytes, LAB_ACT_NONE);
        s->factor = 1.0f / bytes->quant.scale;
    }
    return LAB_OK;
}

static lab_status prepare_quantize(lab_prepare *prepare, const lab_node *node)
{
    return prepare_convert(prepare, node, node->out[0]);
}

static lab_status prepare_dequantize(lab_prepare *prepare, const lab_node *node)
{
    return prepare_convert(prepare, node, node->in[0]);
}

/* max and min give their second operand for a NaN, which becomes lo as in q8_store. */
static inline __m256i quantize8(const convert_avx2 *s, const float *x)
{
    __m256 v = _mm256_mul_ps(_mm256_loadu_ps(x), _mm256_set1_ps(s->factor));
    v = _mm256_max_ps(v, _mm256_set1_ps(s->range.lo));
    return _mm256_cvtps_epi32(_mm256_min_ps(v, _mm256_set1_ps(s->range.hi)));
}

static inline void quantize32(const convert_avx2 *s, const float *x, uint8_t *y)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i zero = _mm256_set1_epi16((int16_t)s->zero);
    __m256i low = _mm256_packs_epi32(quantize8(s, x), quantize8(s, x + 8));
    __m256i high = _mm256_packs_epi32(quantize8(s, x + 16), quantize8(s, x + 24));
    __m256i bytes = _mm256_packus_epi16(_mm256_add_epi16(low, zero), _mm256_add_epi16(high, zero));
    bytes = _mm256_permutevar8x32_epi32(bytes, order);
    _mm256_storeu_si256((__m256i *)(void *)y,
                        _mm256_xor_si256(bytes, _mm256_set1_epi8((char)s->flip)));
}

static inline void dequantize32(const convert_avx2 *s, const uint8_t *x, float *y)
{
    __m128i flip = _mm_set1_epi8((char)s->flip);
    __m256i zero = _mm256_set1_epi32(s->zero);
    for (size_t i = 0; i < CONVERT_LANES; i += LANES) {
        __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)(x + i));
        __m256i v = _mm256_cvtepu8_epi32(_mm_xor_si128(bytes, flip));
        _mm256_storeu_ps(y + i, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(v, zero)),
                                              _mm256_set1_ps(s->factor)));
    }
}

static void run_quantize(const lab_task *task)
{
    const convert_avx2 s = *(const convert_avx2 *)task->state;
    const float *x = task->in[0];
    uint8_t *y = task->out[0];
    size_t i = tile_begin(&s.tiles, task) * CONVERT_LANES;
    size_t end = tile_end(&s.tiles, task) * CONVERT_LANES;
    end = end < s.n ? end : s.n;
    for (; i + CONVERT_LANES <= end; i += CONVERT_LANES)
        quantize32(&s, x + i, y + i);
    if (i < end) {
        float values[CONVERT_LANES] = { 0 };
        uint8_t bytes[CONVERT_LANES];
        memcpy(values, x + i, (end - i) * sizeof *values);
        quantize32(&s, values, bytes);
        memcpy(y + i, bytes, end - i);
    }
}

static void run_dequantize(const lab_task *task)
{
    const convert_avx2 s = *(const convert_avx2 *)task->state;
    const uint8_t *x = task->in[0];
    float *y = task->out[0];
    size_t i = tile_begin(&s.tiles, task) * CONVERT_LANES;
    size_t end = tile_end(&s.tiles, task) * CONVERT_LANES;
    end = end < s.n ? end : s.n;
    for (; i + CONVERT_LANES <= end; i += CONVERT_LANES)
        dequantize32(&s, x + i, y + i);
    if (i < end) {
        uint8_t bytes[CONVERT_LANES] = { 0 };
        float values[CONVERT_LANES];
        memcpy(bytes, x + i, end - i);
        dequantize32(&s, bytes, values);
        memcpy(y + i, values, (end - i) * sizeof *values);
    }
}

const lab_kernel x86_quantize_f32_avx2 = {
    .name = "x86.quantize.f32.avx2",
    .op = "quantize",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = match_quantize,
    .prepare = prepare_quantize,
    .run = run_quantize,
};

const lab_kernel x86_dequantize_q8_avx2 = {
    .name = "x86.dequantize.q8.avx2",
    .op = "dequantize",
    .isa = "avx2",
    .cpu = LAB_CPU_AVX2,
    .match = match_dequantize,
    .prepare = prepare_dequantize,
    .run = run_dequantize,
};
