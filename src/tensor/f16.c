/* IEEE 754 binary16 in integer arithmetic: exact, whatever the CPU or its rounding mode. */
#include "tensor/tensor.h"

#include <string.h>

float lab_f16_to_f32(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = (half >> 10) & 31u;
    uint32_t fraction = half & 0x3ffu;
    uint32_t bits;
    if (exponent == 31) { /* infinity, NaN with its payload */
        bits = sign | 0x7f800000u | (fraction << 13);
    } else if (exponent > 0) {
        bits = sign | ((exponent + 112) << 23) | (fraction << 13);
    } else if (fraction == 0) {
        bits = sign;
    } else { /* subnormal: fraction * 2^-24, normalised */
        exponent = 113;
        while (!(fraction & 0x400u)) {
            fraction <<= 1;
            exponent--;
        }
        bits = sign | (exponent << 23) | ((fraction & 0x3ffu) << 13);
    }
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Shifts right by `by` (1..31), rounding to nearest, ties to even. */
static uint32_t shift_round(uint32_t value, uint32_t by)
{
    uint32_t kept = value >> by;
    uint32_t lost = value & ((1u << by) - 1);
    uint32_t tie = 1u << (by - 1);
    return kept + (lost > tie || (lost == tie && (kept & 1u)));
}

uint16_t lab_f32_to_f16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = (bits >> 16) & 0x8000u;
    uint32_t exponent = (bits >> 23) & 0xffu;
    uint32_t fraction = bits & 0x7fffffu;
    if (exponent == 255) { /* a NaN stays one: quiet bit set, upper payload kept */
        uint32_t nan = fraction ? 0x200u | (fraction >> 13) : 0;
        return (uint16_t)(sign | 0x7c00u | nan);
    }
    if (exponent > 142) /* 2^16 and above */
        return (uint16_t)(sign | 0x7c00u);
    if (exponent > 112) /* a carry out of the fraction moves into the exponent, up to infinity */
        return (uint16_t)(sign + shift_round(((exponent - 112) << 23) | fraction, 13));
    if (exponent < 102) /* below half of the smallest subnormal */
        return (uint16_t)sign;
    return (uint16_t)(sign + shift_round(fraction | 0x800000u, 126 - exponent));
}
