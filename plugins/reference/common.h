/*
 * common.h: the questions every kernel asks about its tensors, memory with checked sizes, and how
 * work is cut into tiles.
 *
 * An 8-bit tensor ("q8") is u8 or i8. Kernels read both as bytes: an i8 value x is the byte
 * x ^ 0x80 as u8 with 128 added to the zero point, so x - zero is the same number either way and
 * one loop serves both.
 */
#ifndef REFERENCE_COMMON_H
#define REFERENCE_COMMON_H

#include <math.h>

#include "lab_plugin.h"

static inline size_t elements(const lab_tensor *t)
{
    size_t n = 1;
    for (uint32_t i = 0; i < t->rank; i++)
        n *= (size_t)t->shape[i];
    return n;
}

static inline bool same_shape(const lab_tensor *a, const lab_tensor *b)
{
    if (a->rank != b->rank)
        return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->shape[i] != b->shape[i])
            return false;
    return true;
}

/* Absent inputs are of no type. */
static inline bool has_dtype(const lab_tensor *t, lab_dtype dtype)
{
    return t && t->dtype == dtype;
}

/* The inputs and outputs that a kernel is about to look at are all there. */
static inline bool has_arity(const lab_node *node, uint32_t min_in, uint32_t max_in)
{
    if (node->n_in < min_in || node->n_in > max_in || node->n_out != 1 || !node->out[0])
        return false;
    for (uint32_t i = 0; i < min_in; i++)
        if (!node->in[i])
            return false;
    return true;
}

/* An optional input, or NULL. */
static inline const lab_tensor *input_or_null(const lab_node *node, uint32_t i)
{
    return i < node->n_in ? node->in[i] : NULL;
}

static inline bool is_8bit(const lab_tensor *t)
{
    return has_dtype(t, LAB_U8) || has_dtype(t, LAB_I8);
}

static inline int32_t q8_min(lab_dtype dtype)
{
    return dtype == LAB_I8 ? -128 : 0;
}

static inline int32_t q8_max(lab_dtype dtype)
{
    return dtype == LAB_I8 ? 127 : 255;
}

static inline bool is_q8_pair(lab_dtype dtype, float scale, int32_t zero)
{
    return scale > 0.0f && isfinite(scale) && zero >= q8_min(dtype) && zero <= q8_max(dtype);
}

/* 8-bit with one usable scale and zero point. */
static inline bool is_q8(const lab_tensor *t)
{
    return is_8bit(t) && t->quant.count == 1 &&
           is_q8_pair(t->dtype, t->quant.scale, t->quant.zero_point);
}

/* 8-bit and constant, with one pair or one a channel, channels being `n` along `axis`. */
static inline bool is_q8_weights(const lab_tensor *t, int32_t axis, int32_t n)
{
    if (!is_8bit(t) || !t->data || t->quant.count == 0)
        return false;
    if (t->quant.count > 1 && (t->quant.axis != axis || t->quant.count != (uint32_t)n))
        return false;
    for (uint32_t i = 0; i < t->quant.count; i++)
        if (!is_q8_pair(t->dtype, lab_quant_scale(&t->quant, i), lab_quant_zero(&t->quant, i)))
            return false;
    return true;
}

static inline bool same_quant(const lab_tensor *a, const lab_tensor *b)
{
    return a->quant.count <= 1 && a->quant.count == b->quant.count &&
           (a->quant.count == 0 ||
            (a->quant.scale == b->quant.scale && a->quant.zero_point == b->quant.zero_point));
}

/* XOR this to a byte of the tensor to read it as u8 … */
static inline uint8_t q8_flip(const lab_tensor *t)
{
    return t->dtype == LAB_I8 ? 0x80 : 0;
}

/* … and subtract this from it: 0 .. 255. */
static inline int16_t q8_flipped_zero(const lab_tensor *t)
{
    return (int16_t)(t->quant.zero_point - q8_min(t->dtype));
}

/* What byte `i` of an 8-bit array stands for. */
static inline int32_t q8_load(const void *data, size_t i, lab_dtype dtype)
{
    return dtype == LAB_I8 ? ((const int8_t *)data)[i] : ((const uint8_t *)data)[i];
}

/* Element `i` of a constant i32 or i64 tensor (axes, paddings, block shapes). */
static inline int64_t constant_int(const lab_tensor *t, size_t i)
{
    return t->dtype == LAB_I64 ? ((const int64_t *)t->data)[i] : ((const int32_t *)t->data)[i];
}

static inline bool is_constant_ints(const lab_tensor *t)
{
    return (has_dtype(t, LAB_I32) || has_dtype(t, LAB_I64)) && t->data;
}

/* Zeroed memory for count * size bytes; NULL also when the product does not fit. */
static inline void *prepare_array(lab_prepare *prepare, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return lab_prepare_alloc(prepare, bytes);
}

/* For prepare functions whose prepare_array gave nothing. */
static inline lab_status prepare_no_memory(lab_prepare *prepare, const lab_node *node)
{
    return lab_prepare_fail(prepare, LAB_E_NOMEM, "%s: no memory for the prepared node", node->op);
}

/*
 * Work on `count` like items, cut into tiles of `per_tile`: enough that a tile is worth handing to
 * a thread, few enough that threads end together.
 */
typedef struct tiling {
    size_t count, per_tile;
} tiling;

#define TILE_WORK 16384u /* elementary steps a tile should have at least */

static inline tiling tile_items(lab_prepare *prepare, size_t count, size_t work_per_item,
                                size_t scratch)
{
    size_t per_tile = TILE_WORK / (work_per_item ? work_per_item : 1);
    tiling t = { count, per_tile ? per_tile : 1 };
    lab_prepare_tiles(prepare, (uint32_t)((count + t.per_tile - 1) / t.per_tile), scratch);
    return t;
}

static inline size_t tile_begin(const tiling *t, const lab_task *task)
{
    return task->begin * t->per_tile;
}

static inline size_t tile_end(const tiling *t, const lab_task *task)
{
    size_t end = task->end * t->per_tile;
    return end < t->count ? end : t->count;
}

#endif
