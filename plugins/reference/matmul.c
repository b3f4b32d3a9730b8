/*
 * matmul.c: patches times filters, see matmul.h.
 *
 * 8 bits: x - zx and w - zw lie in -255 .. 255, so a product needs 17 bits and sums of 32768 of
 * them stay in int32. The dot product of int16 values is a loop that compilers turn into
 * multiply-add instructions even on plain SSE2. Longer sums are added as uint32: like every
 * implementation of the contract, an accumulator wraps modulo 2^32 where a file asks for more than
 * int32 holds.
 *
 * float: products are added in the order of k, starting with the bias; no fused multiply-add.
 */
#include "matmul.h"

#include <string.h>

#define K_MULTIPLE 8     /* int16 values in a 16-byte vector */
#define SAFE_TERMS 32768 /* 32768 * 255 * 255 < 2^31 */

bool matmul_q8_prepare(lab_prepare *prepare, matmul_q8 *m, const lab_tensor *x, const lab_tensor *w,
                       const lab_tensor *bias, const lab_tensor *y, lab_activation activation)
{
    m->n = w->shape[0];
    m->k = (int32_t)(elements(w) / (size_t)m->n);
    if (m->k > INT32_MAX - SAFE_TERMS)
        return false;
    m->k_padded = (m->k + K_MULTIPLE - 1) / K_MULTIPLE * K_MULTIPLE;
    size_t n = (size_t)m->n, k = (size_t)m->k, stride = (size_t)m->k_padded;
    int16_t *weights = prepare_array(prepare, n, stride * sizeof *weights);
    int32_t *bias_copy = prepare_array(prepare, n, sizeof *bias_copy);
    float *scale = prepare_array(prepare, n, sizeof *scale);
    if (!weights || !bias_copy || !scale)
        return false;
    for (size_t c = 0; c < n; c++) {
        uint32_t channel = (uint32_t)c;
        int32_t zero = lab_quant_zero(&w->quant, channel);
        for (size_t i = 0; i < k; i++)
            weights[c * stride + i] = (int16_t)(q8_load(w->data, c * k + i, w->dtype) - zero);
        bias_copy[c] = bias ? ((const int32_t *)bias->data)[c] : 0;
        scale[c] = q8_scale(x, w, y, channel);
    }
    m->weights = weights;
    m->bias = bias_copy;
    m->scale = scale;
    m->range = q8_output_range(y, activation);
    return true;
}

/* Four dot products of at most SAFE_TERMS values with the same filter. */
static void dot4(const int16_t *restrict w, const int16_t *restrict x, size_t stride, int32_t k,
                 int32_t sums[PATCHES])
{
    const int16_t *x0 = x, *x1 = x + stride, *x2 = x + 2 * stride, *x3 = x + 3 * stride;
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (int32_t i = 0; i < k; i++) {
        s0 += w[i] * x0[i];
        s1 += w[i] * x1[i];
        s2 += w[i] * x2[i];
        s3 += w[i] * x3[i];
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

void matmul_q8_run(const matmul_q8 *m, void *scratch, int count, uint8_t *out)
{
    size_t stride = (size_t)m->k_padded, n = (size_t)m->n;
    const int16_t *patches = matmul_q8_patches(scratch);
    int32_t *acc = (int32_t *)(void *)(matmul_q8_patches(scratch) + PATCHES * stride);
    for (size_t c = 0; c < n; c++) {
        uint32_t total[PATCHES];
        for (int p = 0; p < PATCHES; p++)
            total[p] = (uint32_t)m->bias[c];
        for (int32_t i = 0; i < m->k_padded; i += SAFE_TERMS) {
            int32_t terms = m->k_padded - i < SAFE_TERMS ? m->k_padded - i : SAFE_TERMS;
            int32_t sums[PATCHES];
            dot4(m->weights + c * stride + i, patches + i, stride, terms, sums);
            for (int p = 0; p < PATCHES; p++)
                total[p] += (uint32_t)sums[p];
        }
        for (int p = 0; p < PATCHES; p++)
            acc[(size_t)p * n + c] = (int32_t)total[p];
    }
    for (int p = 0; p < count; p++)
        for (size_t c = 0; c < n; c++)
            out[(size_t)p * n + c] = requantize(acc[(size_t)p * n + c], m->scale[c], &m->range);
}

bool matmul_f32_prepare(lab_prepare *prepare, matmul_f32 *m, const lab_tensor *w,
                        const lab_tensor *bias, lab_activation activation)
{
    m->n = w->shape[0];
    size_t n = (size_t)m->n, k = elements(w) / n;
    m->k = (int32_t)k;
    size_t panels = (n + PANEL - 1) / PANEL;
    float *weights = prepare_array(prepare, panels * PANEL, k * sizeof *weights);
    float *bias_copy = prepare_array(prepare, panels * PANEL, sizeof *bias_copy);
    if (!weights || !bias_copy)
        return false;
    const float *filters = w->data;
    for (size_t c = 0; c < n; c++) {
        float *panel = weights + c / PANEL * (k * PANEL) + c % PANEL;
        for (size_t i = 0; i < k; i++)
            panel[i * PANEL] = filters[c * k + i];
        bias_copy[c] = bias ? ((const float *)bias->data)[c] : 0.0f;
    }
    m->weights = weights;
    m->bias = bias_copy;
    m->range = f32_activation(activation);
    return true;
}

/*
 * Four filters side by side, a type GCC and Clang have on every machine. Each lane is one sum that
 * takes its products in order, so lanes change no result; left to itself the compiler would rather
 * shuffle four k at a time.
 */
#define LANES 4
typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), may_alias));
#define PANEL_VECTORS (PANEL / LANES)

/* One panel of filters on four rows; the sums stay in registers. */
static void panel4(const lanes *restrict w, const lanes *restrict bias, int32_t k,
                   const float *const rows[PATCHES], lanes sums[PATCHES][PANEL_VECTORS])
{
    lanes s[PATCHES][PANEL_VECTORS];
    for (int p = 0; p < PATCHES; p++)
        for (int l = 0; l < PANEL_VECTORS; l++)
            s[p][l] = bias[l];
    for (int32_t i = 0; i < k; i++, w += PANEL_VECTORS)
        for (int p = 0; p < PATCHES; p++)
            for (int l = 0; l < PANEL_VECTORS; l++)
                s[p][l] += rows[p][i] * w[l];
    memcpy(sums, s, sizeof s);
}

void matmul_f32_run(const matmul_f32 *m, const float *const rows[PATCHES], int count, float *out)
{
    lanes sums[PATCHES][PANEL_VECTORS];
    for (int32_t first = 0; first < m->n; first += PANEL) {
        panel4((const lanes *)(const void *)(m->weights + (size_t)first * (size_t)m->k),
               (const lanes *)(const void *)(m->bias + first), m->k, rows, sums);
        int32_t width = m->n - first < PANEL ? m->n - first : PANEL;
        for (int p = 0; p < count; p++)
            for (int32_t c = 0; c < width; c++)
                out[(size_t)p * (size_t)m->n + (size_t)(first + c)] =
                    f32_clamp(sums[p][c / LANES][c % LANES], m->range);
    }
}
