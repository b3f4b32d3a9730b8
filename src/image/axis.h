/*
 * One axis of a separable filter: for every output position the input positions it reads and their
 * weights. Resizing and blurring differ only in this table.
 */
#ifndef LAB_IMAGE_AXIS_H
#define LAB_IMAGE_AXIS_H

#include "base/context.h"
#include "image/image.h"

#define LAB_AXIS_ONE 16384 /* the weights of a position sum to exactly this */

typedef struct lab_axis {
    uint32_t count;   /* output positions */
    uint32_t taps;    /* weights kept for each */
    uint32_t *first;  /* first input position read */
    uint32_t *used;   /* how many from there; all of them exist */
    int16_t *weights; /* [count][taps] */
} lab_axis;

/* NEAREST is not a weighted filter and has no axis. The table is freed with lab_axis_free. */
lab_status lab_axis_resample(lab_context *ctx, uint32_t in, uint32_t out, lab_resample method,
                             lab_axis *axis, lab_error *error);
/* A Gaussian cut off at 3 sigma; what lies outside repeats the edge. */
lab_status lab_axis_gaussian(lab_context *ctx, uint32_t size, double sigma, lab_axis *axis,
                             lab_error *error);
void lab_axis_free(lab_context *ctx, lab_axis *axis);

#endif
