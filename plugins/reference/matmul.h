/*
 * matmul.h: rows of gathered input values ("patches") times a filter matrix. Convolution, transpose
 * convolution and fully connected layers differ only in how a patch is gathered; what happens to it
 * is here, once for 8 bits and once for float.
 *
 * Four patches are multiplied at a time, so that each weight that is read is used four times.
 */
#ifndef REFERENCE_MATMUL_H
#define REFERENCE_MATMUL_H

#include "layers.h"

#define PATCHES 4

/* The patches of a node, cut into tiles of whole groups of PATCHES. */
typedef struct patch_groups {
    size_t patches;
    tiling tiles;
} patch_groups;

static inline patch_groups tile_patches(lab_prepare *prepare, size_t patches, int32_t k, int32_t n,
                                        size_t scratch)
{
    /* A multiply is much cheaper than a step of TILE_WORK. */
    size_t work = ((size_t)k * (size_t)n + (size_t)n * 8) / 4 + 1;
    return (patch_groups){ patches,
                           tile_items(prepare, (patches + PATCHES - 1) / PATCHES, work, scratch) };
}

/* Patches in the group that starts at `first`: the last one may have fewer than PATCHES. */
static inline int group_size(const patch_groups *groups, size_t first)
{
    size_t left = groups->patches - first;
    return left < PATCHES ? (int)left : PATCHES;
}

/*
 * 8 bits: weights are kept as int16 (zero point subtracted) rows of `k` values a filter, padded
 * with zeros to a multiple of 8; patches likewise.
 */
typedef struct matmul_q8 {
    int32_t k, k_padded;    /* values of a patch */
    int32_t n;              /* filters = output channels */
    const int16_t *weights; /* [n][k_padded] */
    const int32_t *bias;    /* [n] */
    const float *scale;     /* [n]: (sx * sw[c]) / sy */
    q8_range range;
} matmul_q8;

/*
 * x, w [n, ...], bias (may be NULL), y as in the node. False: out of memory.
 * Scratch of run: MATMUL_Q8_SCRATCH bytes.
 */
bool matmul_q8_prepare(lab_prepare *prepare, matmul_q8 *m, const lab_tensor *x, const lab_tensor *w,
                       const lab_tensor *bias, const lab_tensor *y, lab_activation activation);

static inline size_t matmul_q8_scratch(const matmul_q8 *m)
{
    return (size_t)PATCHES *
           ((size_t)m->k_padded * sizeof(int16_t) + (size_t)m->n * sizeof(int32_t));
}

/* The patches of the scratch memory: [PATCHES][k_padded], to be filled before matmul_q8_run. */
static inline int16_t *matmul_q8_patches(void *scratch)
{
    return scratch;
}

/* Multiplies the patches; writes the first `count` results: `count` * n bytes from `out`. */
void matmul_q8_run(const matmul_q8 *m, void *scratch, int count, uint8_t *out);

/* float: weights as panels of PANEL filters, [panels][k][PANEL], the last padded with zeros. */
#define PANEL 8

typedef struct matmul_f32 {
    int32_t k, n;
    const float *weights;
    const float *bias; /* [panels * PANEL] */
    f32_range range;
} matmul_f32;

bool matmul_f32_prepare(lab_prepare *prepare, matmul_f32 *m, const lab_tensor *w,
                        const lab_tensor *bias, lab_activation activation);

/* rows[0 .. PATCHES-1]: k floats each; the first `count` results go to `out`, n floats each. */
void matmul_f32_run(const matmul_f32 *m, const float *const rows[PATCHES], int count, float *out);

#endif
