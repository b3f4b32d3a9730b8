/* The spatial Gaussian of the random field, over planes of class probabilities. */
#ifndef REFINE_GAUSS_H
#define REFINE_GAUSS_H

#include "refine.h"

typedef struct gauss {
    float *taps; /* 0 .. radius */
    int32_t radius;
} gauss;

/* Weights exp(-x^2 / (2 sigma^2)) up to three sigma. LAB_OK or the status of the call. */
lab_status refine_gauss_new(lab_call *call, float sigma, gauss *out);

/*
 * dst = weighted sums of src over the neighbourhood, what lies outside the picture counting as
 * nothing. [height][width][stride] floats; dst may be src, tmp is as large.
 */
lab_status refine_gauss(lab_call *call, const gauss *g, const float *src, float *tmp, float *dst,
                        int32_t width, int32_t height, uint32_t stride);

#endif
