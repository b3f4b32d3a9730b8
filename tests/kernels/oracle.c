/* oracle.c: see oracle.h. */
#include "oracle.h"

#include <math.h>

int32_t type_min(lab_dtype dtype)
{
    return dtype == LAB_I8 ? INT8_MIN : 0;
}

int32_t type_max(lab_dtype dtype)
{
    return dtype == LAB_I8 ? INT8_MAX : UINT8_MAX;
}

float oracle_scale(float sx, float sw, float sy)
{
    float product = (float)((double)sx * (double)sw);
    return (float)((double)product / (double)sy);
}

int64_t round_half_even(double v)
{
    double down = floor(v), rest = v - down;
    if (rest > 0.5 || (rest == 0.5 && fmod(down, 2.0) != 0.0))
        down += 1.0;
    return (int64_t)down;
}

int64_t round_half_away(double v)
{
    return v < 0.0 ? -(int64_t)floor(-v + 0.5) : (int64_t)floor(v + 0.5);
}

int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

void oracle_clamp(const lab_tensor *out, lab_activation activation, int32_t *lo, int32_t *hi)
{
    double s = (double)out->quant.scale;
    int64_t zero = out->quant.zero_point, low = type_min(out->dtype), high = type_max(out->dtype);
    int64_t from = low, to = high;
    switch (activation) {
    case LAB_ACT_NONE:
        break;
    case LAB_ACT_RELU:
        from = zero;
        break;
    case LAB_ACT_RELU6:
        from = zero;
        to = zero + round_half_away((double)(float)(6.0 / s));
        break;
    case LAB_ACT_RELU_N1_TO_1:
        from = zero - round_half_away((double)(float)(1.0 / s));
        to = zero + round_half_away((double)(float)(1.0 / s));
        break;
    }
    *lo = (int32_t)(from > low ? from : low);
    *hi = (int32_t)(to < high ? to : high);
}

int32_t oracle_requant(int64_t acc, float k, const lab_tensor *out, lab_activation activation)
{
    int32_t lo, hi, zero = out->quant.zero_point;
    oracle_clamp(out, activation, &lo, &hi);
    int64_t wrapped = acc & 0xffffffff;
    if (wrapped > INT32_MAX)
        wrapped -= INT64_C(1) << 32;
    float real = (float)wrapped;
    double v = (double)(float)((double)real * (double)k);
    if (v < lo - zero)
        v = lo - zero;
    if (v > hi - zero)
        v = hi - zero;
    return (int32_t)round_half_even(v) + zero;
}

double oracle_activate(double v, lab_activation activation)
{
    switch (activation) {
    case LAB_ACT_NONE:
        return v;
    case LAB_ACT_RELU:
        return fmax(v, 0.0);
    case LAB_ACT_RELU6:
        return fmin(fmax(v, 0.0), 6.0);
    case LAB_ACT_RELU_N1_TO_1:
        return fmin(fmax(v, -1.0), 1.0);
    }
    return v;
}
