/*
 * gemm_f32_avx2.h: rows of values times filters in float32, what convolution and transpose
 * convolution come down to. Products are added in the order of k with fused multiply-adds, starting
 * with the bias: the same bytes for any number of threads and any tiling, but not those of
 * reference, which rounds each product.
 */
#ifndef X86_GEMM_F32_AVX2_H
#define X86_GEMM_F32_AVX2_H

#include "../reference/layers.h"

#define GEMM_ROWS                                                                                  \
    ((size_t)6) /* multiplied at a time: rows in multiples of it have no remainder                 \
                 */

typedef struct gemm_f32 {
    size_t k, n;    /* values of a row; filters */
    size_t k_block; /* of k, at a time */
    /*
     * A row is `runs` runs of k / runs neighbours, which lie run_step floats apart; at first it is
     * one. Only where k is multiplied at once: see gemm_f32_takes_runs.
     */
    size_t runs, run_step;
    float *weights; /* [panels][k][16], zeros after the last filter */
    float *bias;    /* [panels][16] */
    f32_range range;
} gemm_f32;

/* Weights all zero; `bias` (n values) may be NULL. False: out of memory. */
bool gemm_f32_prepare(lab_prepare *prepare, gemm_f32 *g, size_t n, size_t k, const float *bias,
                      lab_activation activation);

/* Whether rows of `k` values may be several runs. */
bool gemm_f32_takes_runs(size_t k);

/* Value `i` of filter `c`; while preparing. */
void gemm_f32_set(const gemm_f32 *g, size_t c, size_t i, float value);

/* Rows as many as a tile should have: its values and a panel of weights stay in the cache. */
size_t gemm_f32_tile_rows(const gemm_f32 *g);

/*
 * y[r][c] = clamp(bias[c] + x[r] . filter[c]) for `rows` rows that lie x_step and y_step floats
 * apart. Exactly k values of a row are read and n written.
 */
void gemm_f32_run(const gemm_f32 *g, const float *x, size_t x_step, size_t rows, float *y,
                  size_t y_step);

#endif
