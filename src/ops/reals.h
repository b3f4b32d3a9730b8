/* Elements of tensors of any dtype as real numbers, a block at a time, and back. */
#ifndef LAB_OPS_REALS_H
#define LAB_OPS_REALS_H

#include "ops/support.h"

#define REALS_BLOCK 256u

/*
 * Elements first .. first + count - 1 as doubles: exact for every dtype but i64 beyond 2^53. With
 * one pair of quantisation values: scale (q - zero_point). Per-axis quantisation is not applied.
 */
void reals_read(const lab_tensor *in, size_t first, size_t count, double *out);

/* Writes doubles: floats are rounded to the nearest, integers half to even; what does not fit
 * becomes the nearest that does, NaN 0. Quantisation of `out` is not applied. */
void reals_write(lab_tensor *out, size_t first, size_t count, const double *values);

/* An element as it is stored, of an integer dtype. */
int64_t reals_integer(const lab_tensor *in, size_t i);

bool reals_is_integer(lab_dtype dtype);

/* Refuses a tensor that is quantised axis by axis: `dequantize` first. */
lab_status reals_check(lab_call *call, const lab_tensor *in);

/*
 * A dimension from a parameter: 1-based, or from the end when negative (-1 the last). False: the
 * call has failed.
 */
bool reals_axis(lab_call *call, uint32_t param, const lab_tensor *in, uint32_t *axis);

#define REALS_AXIS(text, flag)                                                                     \
    {                                                                                              \
        .name = "axis", .type = LAB_INT, .doc = (text), .min = -LAB_MAX_RANK, .max = LAB_MAX_RANK, \
        .flags = (flag)                                                                            \
    }

#endif
