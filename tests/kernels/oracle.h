/*
 * oracle.h: the arithmetic of the kernels written a second time, straight from the formulas, in
 * 64-bit integers and doubles. Slow and independent of the kernels' sources on purpose.
 *
 * A double holds the exact product of two floats, and the quotient of two floats rounded to double
 * and then to float is the correctly rounded float quotient, so "(float)(double expression)" here
 * is what one float32 operation gives.
 */
#ifndef TEST_KERNELS_ORACLE_H
#define TEST_KERNELS_ORACLE_H

#include "lab_plugin.h"

int32_t type_min(lab_dtype dtype);
int32_t type_max(lab_dtype dtype);

/* (sx * sw) / sy */
float oracle_scale(float sx, float sw, float sy);

/* The fused clamp of `out` in output units. */
void oracle_clamp(const lab_tensor *out, lab_activation activation, int32_t *lo, int32_t *hi);

/* acc wraps to int32 first; then the requantisation of convolutions. */
int32_t oracle_requant(int64_t acc, float k, const lab_tensor *out, lab_activation activation);

double oracle_activate(double v, lab_activation activation);

/* Half to even, half up and half away from zero, for values that doubles hold exactly. */
int64_t round_half_even(double v);
int64_t round_half_away(double v);

/* floor(a / b) for b > 0 */
int64_t floor_div(int64_t a, int64_t b);

#endif
