/* Elements of tensors as real numbers: see reals.h. */
#include "ops/reals.h"

#include <math.h>

#define READ(type, convert)                                                                        \
    do {                                                                                           \
        const type *p = (const type *)in->data + first;                                            \
        for (size_t i = 0; i < count; i++)                                                         \
            out[i] = convert(p[i]);                                                                \
    } while (0)

void reals_read(const lab_tensor *in, size_t first, size_t count, double *out)
{
    switch (in->dtype) {
    case LAB_U8:
        READ(uint8_t, (double));
        break;
    case LAB_I8:
        READ(int8_t, (double));
        break;
    case LAB_U16:
        READ(uint16_t, (double));
        break;
    case LAB_I16:
        READ(int16_t, (double));
        break;
    case LAB_I32:
        READ(int32_t, (double));
        break;
    case LAB_I64:
        READ(int64_t, (double));
        break;
    case LAB_F16:
        READ(uint16_t, (double)lab_f16_to_f32);
        break;
    case LAB_F32:
        READ(float, (double));
        break;
    }
    if (in->quant.count == 1)
        for (size_t i = 0; i < count; i++)
            out[i] = (double)in->quant.scale * (out[i] - in->quant.zero_point);
}

/* Half to even whatever the rounding mode of the process is, clamped; NaN gives 0. */
static double whole(double value, double lo, double hi)
{
    if (isnan(value))
        return 0;
    if (value <= lo)
        return lo;
    if (value >= hi)
        return hi;
    double below = floor(value), rest = value - below;
    return below + (rest > 0.5 || (rest == 0.5 && fmod(below, 2.0) != 0.0) ? 1.0 : 0.0);
}

#define WRITE(type, lo, hi)                                                                        \
    do {                                                                                           \
        for (size_t i = 0; i < count; i++)                                                         \
            ((type *)out->data)[first + i] = (type)whole(values[i], lo, hi);                       \
    } while (0)

/* 2^63 is no int64_t; the double before it is. */
static int64_t to_i64(double value)
{
    if (value >= 0x1p63)
        return INT64_MAX;
    return (int64_t)whole(value, -0x1p63, 0x1p63);
}

void reals_write(lab_tensor *out, size_t first, size_t count, const double *values)
{
    switch (out->dtype) {
    case LAB_U8:
        WRITE(uint8_t, 0, UINT8_MAX);
        break;
    case LAB_I8:
        WRITE(int8_t, INT8_MIN, INT8_MAX);
        break;
    case LAB_U16:
        WRITE(uint16_t, 0, UINT16_MAX);
        break;
    case LAB_I16:
        WRITE(int16_t, INT16_MIN, INT16_MAX);
        break;
    case LAB_I32:
        WRITE(int32_t, INT32_MIN, INT32_MAX);
        break;
    case LAB_I64:
        for (size_t i = 0; i < count; i++)
            ((int64_t *)out->data)[first + i] = to_i64(values[i]);
        break;
    case LAB_F16:
        for (size_t i = 0; i < count; i++)
            ((uint16_t *)out->data)[first + i] = lab_f32_to_f16((float)values[i]);
        break;
    case LAB_F32:
        for (size_t i = 0; i < count; i++)
            ((float *)out->data)[first + i] = (float)values[i];
        break;
    }
}

int64_t reals_integer(const lab_tensor *in, size_t i)
{
    switch (in->dtype) {
    case LAB_U8:
        return ((const uint8_t *)in->data)[i];
    case LAB_I8:
        return (int64_t)((const int8_t *)in->data)[i];
    case LAB_U16:
        return ((const uint16_t *)in->data)[i];
    case LAB_I16:
        return (int64_t)((const int16_t *)in->data)[i];
    case LAB_I32:
        return (int64_t)((const int32_t *)in->data)[i];
    case LAB_I64:
        return ((const int64_t *)in->data)[i];
    default:
        return 0;
    }
}

bool reals_is_integer(lab_dtype dtype)
{
    return dtype != LAB_F16 && dtype != LAB_F32;
}

lab_status reals_check(lab_call *call, const lab_tensor *in)
{
    if (in->quant.count <= 1)
        return LAB_OK;
    return lab_fail(call, LAB_E_UNSUPPORTED,
                    "the tensor is quantised with a scale for each of %u channels: use "
                    "t:dequantize() first",
                    in->quant.count);
}

bool reals_axis(lab_call *call, uint32_t param, const lab_tensor *in, uint32_t *axis)
{
    int64_t value = lab_arg_int(call, param), rank = in->rank;
    if (value == 0 || value > rank || value < -rank) {
        lab_fail(call, LAB_E_INVALID,
                 "axis must be 1..%lld, or -1 for the last and so on, got %lld", (long long)rank,
                 (long long)value);
        return false;
    }
    *axis = (uint32_t)(value > 0 ? value - 1 : rank + value);
    return true;
}
