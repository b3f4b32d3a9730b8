/*
 * requant.h: from accumulators back to 8 bits, the one way all kernels do it:
 *
 *     v = (float)acc * k;   v = max(v, lo - zy);   v = min(v, hi - zy);   y = rne(v) + zy
 *
 * in float32, each step rounded on its own, rne = round half to even. (float)acc itself rounds to
 * nearest even above 2^24. [lo, hi] is the fused activation in output units.
 */
#ifndef REFERENCE_REQUANT_H
#define REFERENCE_REQUANT_H

#include "common.h"

typedef struct q8_range {
    float lo, hi; /* of the output, zero point subtracted */
    int32_t zero;
} q8_range;

/* round(x / scale), half away from zero, held within 16 bits: more than any 8-bit clamp needs. */
static inline int32_t round_ratio(float x, float scale)
{
    float r = roundf(x / scale);
    return r > 32767.0f ? 32767 : r < -32768.0f ? -32768 : (int32_t)r;
}

/* The clamp [lo, hi] of an activation in units of a q8 output. */
static inline void q8_activation(const lab_tensor *out, lab_activation activation, int32_t *lo,
                                 int32_t *hi)
{
    int32_t zero = out->quant.zero_point;
    *lo = q8_min(out->dtype);
    *hi = q8_max(out->dtype);
    int32_t low = *lo, high = *hi;
    if (activation == LAB_ACT_RELU || activation == LAB_ACT_RELU6)
        low = zero;
    if (activation == LAB_ACT_RELU6)
        high = zero + round_ratio(6.0f, out->quant.scale);
    if (activation == LAB_ACT_RELU_N1_TO_1) {
        low = zero + round_ratio(-1.0f, out->quant.scale);
        high = zero + round_ratio(1.0f, out->quant.scale);
    }
    *lo = low > *lo ? low : *lo;
    *hi = high < *hi ? high : *hi;
}

static inline q8_range q8_output_range(const lab_tensor *out, lab_activation activation)
{
    int32_t lo, hi;
    q8_activation(out, activation, &lo, &hi);
    int32_t zero = out->quant.zero_point;
    return (q8_range){ (float)(lo - zero), (float)(hi - zero), zero };
}

/*
 * Round half to even for |v| < 2^22: adding 1.5 * 2^23 leaves no fraction bits, so the addition
 * does the rounding. As exact as lrintf, and loops over it vectorise.
 */
static inline int32_t round_even(float v)
{
    const float shift = 12582912.0f;
    return (int32_t)((v + shift) - shift);
}

/* A NaN (0 times an infinite k) becomes lo. */
static inline uint8_t q8_store(float v, const q8_range *range)
{
    v = v > range->lo ? v : range->lo;
    v = v < range->hi ? v : range->hi;
    return (uint8_t)(round_even(v) + range->zero);
}

static inline uint8_t requantize(int32_t acc, float k, const q8_range *range)
{
    return q8_store((float)acc * k, range);
}

/* The fused activation of float kernels. */
typedef struct f32_range {
    float lo, hi;
} f32_range;

static inline f32_range f32_activation(lab_activation activation)
{
    f32_range range = { -INFINITY, INFINITY };
    if (activation == LAB_ACT_RELU || activation == LAB_ACT_RELU6)
        range.lo = 0.0f;
    if (activation == LAB_ACT_RELU6)
        range.hi = 6.0f;
    if (activation == LAB_ACT_RELU_N1_TO_1)
        range = (f32_range){ -1.0f, 1.0f };
    return range;
}

/* NaN stays NaN. */
static inline float f32_clamp(float v, f32_range range)
{
    v = v < range.lo ? range.lo : v;
    return v > range.hi ? range.hi : v;
}

#endif
