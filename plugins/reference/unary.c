/*
 * unary.c: relu, relu6, hard_swish, logistic, quantize, dequantize.
 *
 * 8 bits to 8 bits: the tables of byte_tables.h.
 *
 * float to 8 bits: v = x * (1 / s_out), clamped and rounded as requant.h does. 8 bits to float:
 * (float)(x - z) * s. Halves become floats exactly.
 */
#include <string.h>

#include "byte_tables.h"
#include "kernels.h"

/* ---- 8 bits to 8 bits ---- */

typedef struct byte_table {
    tiling tiles; /* of elements */
    uint8_t value[256];
} byte_table;

static lab_status table_prepare(lab_prepare *prepare, const lab_node *node, table_fn *fn)
{
    byte_table *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    fill_table(s->value, node, fn);
    s->tiles = tile_items(prepare, elements(node->out[0]), 1, 0);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static void table_run(const lab_task *task)
{
    const byte_table *s = task->state;
    const uint8_t *x = task->in[0];
    uint8_t *y = task->out[0];
    size_t end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++)
        y[i] = s->value[x[i]];
}

static lab_status relu_prepare(lab_prepare *prepare, const lab_node *node)
{
    return table_prepare(prepare, node, relu_value);
}

static lab_status relu6_prepare(lab_prepare *prepare, const lab_node *node)
{
    return table_prepare(prepare, node, relu6_value);
}

static lab_status hard_swish_prepare(lab_prepare *prepare, const lab_node *node)
{
    return table_prepare(prepare, node, hard_swish_value);
}

static lab_status logistic_prepare(lab_prepare *prepare, const lab_node *node)
{
    return table_prepare(prepare, node, logistic_value);
}

static lab_status quantize_prepare(lab_prepare *prepare, const lab_node *node)
{
    return table_prepare(prepare, node, quantize_value);
}

/* ---- float to float ---- */

typedef struct unary_f32 {
    tiling tiles; /* of elements */
    float (*fn)(float x);
} unary_f32;

static int f32_match(const lab_node *node)
{
    return unary_match(node) && has_dtype(node->in[0], LAB_F32) && has_dtype(node->out[0], LAB_F32);
}

static lab_status f32_prepare(lab_prepare *prepare, const lab_node *node, float (*fn)(float x))
{
    unary_f32 *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    s->fn = fn;
    s->tiles = tile_items(prepare, elements(node->out[0]), 4, 0);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static void f32_run(const lab_task *task)
{
    const unary_f32 *s = task->state;
    const float *x = task->in[0];
    float *y = task->out[0];
    size_t end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++)
        y[i] = s->fn(x[i]);
}

static float relu_f32(float x)
{
    return x < 0.0f ? 0.0f : x;
}

static float relu6_f32(float x)
{
    return x < 0.0f ? 0.0f : x > 6.0f ? 6.0f : x;
}

static float hard_swish_f32(float x)
{
    return x * relu6_f32(x + 3.0f) / 6.0f;
}

/* exp of a negative number only: neither branch overflows. */
static float logistic_f32(float x)
{
    float e = expf(-fabsf(x));
    return x < 0.0f ? e / (1.0f + e) : 1.0f / (1.0f + e);
}

static lab_status relu_f32_prepare(lab_prepare *prepare, const lab_node *node)
{
    return f32_prepare(prepare, node, relu_f32);
}

static lab_status relu6_f32_prepare(lab_prepare *prepare, const lab_node *node)
{
    return f32_prepare(prepare, node, relu6_f32);
}

static lab_status hard_swish_f32_prepare(lab_prepare *prepare, const lab_node *node)
{
    return f32_prepare(prepare, node, hard_swish_f32);
}

static lab_status logistic_f32_prepare(lab_prepare *prepare, const lab_node *node)
{
    return f32_prepare(prepare, node, logistic_f32);
}

/* ---- between float and 8 or 16 bits ---- */

typedef struct convert {
    tiling tiles; /* of elements */
    q8_range range;
    float inverse; /* 1 / s_out */
    size_t inner;  /* elements for one index of the quantised axis */
} convert;

static lab_status convert_prepare(lab_prepare *prepare, const lab_node *node)
{
    const lab_tensor *x = node->in[0], *y = node->out[0];
    convert *s = prepare_array(prepare, 1, sizeof *s);
    if (!s)
        return prepare_no_memory(prepare, node);
    if (is_q8(y)) {
        s->range = q8_output_range(y, LAB_ACT_NONE);
        s->inverse = 1.0f / y->quant.scale;
    }
    s->inner = 1;
    for (uint32_t i = (uint32_t)x->quant.axis + 1; x->quant.count > 1 && i < x->rank; i++)
        s->inner *= (size_t)x->shape[i];
    s->tiles = tile_items(prepare, elements(y), 2, 0);
    lab_prepare_state(prepare, s);
    return LAB_OK;
}

static int quantize_f32_match(const lab_node *node)
{
    return unary_match(node) && has_dtype(node->in[0], LAB_F32) && is_q8(node->out[0]);
}

static void quantize_f32_run(const lab_task *task)
{
    const convert *s = task->state;
    const float *x = task->in[0];
    uint8_t *y = task->out[0];
    size_t end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++)
        y[i] = q8_store(x[i] * s->inverse, &s->range);
}

static int dequantize_q8_match(const lab_node *node)
{
    if (!unary_match(node) || !is_8bit(node->in[0]) || !has_dtype(node->out[0], LAB_F32))
        return 0;
    const lab_tensor *x = node->in[0];
    uint32_t axis = (uint32_t)x->quant.axis;
    return x->quant.count == 1 ||
           (x->quant.count > 1 && axis < x->rank && x->quant.count == (uint32_t)x->shape[axis]);
}

static void dequantize_q8_run(const lab_task *task)
{
    const convert *s = task->state;
    const lab_tensor *x = task->node->in[0];
    float *y = task->out[0];
    size_t end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++) {
        uint32_t c = (uint32_t)(i / s->inner % x->quant.count);
        y[i] = (float)(q8_load(task->in[0], i, x->dtype) - lab_quant_zero(&x->quant, c)) *
               lab_quant_scale(&x->quant, c);
    }
}

static int dequantize_f16_match(const lab_node *node)
{
    return unary_match(node) && has_dtype(node->in[0], LAB_F16) && has_dtype(node->out[0], LAB_F32);
}

/* Every binary16 value is a binary32 value: only the fields move. */
static float half_value(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16, exponent = (half >> 10) & 31u;
    uint32_t fraction = half & 0x3ffu, bits;
    if (exponent == 0) { /* zero and subnormals: fraction * 2^-24 */
        float v = (float)fraction * 0x1p-24f;
        return sign ? -v : v;
    }
    bits = sign | (exponent == 31 ? 255u : exponent + 112u) << 23 | fraction << 13;
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static void dequantize_f16_run(const lab_task *task)
{
    const convert *s = task->state;
    const uint16_t *x = task->in[0];
    float *y = task->out[0];
    size_t end = tile_end(&s->tiles, task);
    for (size_t i = tile_begin(&s->tiles, task); i < end; i++)
        y[i] = half_value(x[i]);
}

#define KERNEL(symbol, op_name, type, match_fn, prepare_fn, run_fn)                                \
    const lab_kernel symbol = { .name = "reference." op_name "." type,                             \
                                .op = (op_name),                                                   \
                                .isa = "reference",                                                \
                                .match = (match_fn),                                               \
                                .prepare = (prepare_fn),                                           \
                                .run = (run_fn) }

KERNEL(reference_relu_q8, "relu", "q8", q8_match, relu_prepare, table_run);
KERNEL(reference_relu_f32, "relu", "f32", f32_match, relu_f32_prepare, f32_run);
KERNEL(reference_relu6_q8, "relu6", "q8", q8_match, relu6_prepare, table_run);
KERNEL(reference_relu6_f32, "relu6", "f32", f32_match, relu6_f32_prepare, f32_run);
KERNEL(reference_hard_swish_q8, "hard_swish", "q8", q8_match, hard_swish_prepare, table_run);
KERNEL(reference_hard_swish_f32, "hard_swish", "f32", f32_match, hard_swish_f32_prepare, f32_run);
KERNEL(reference_logistic_q8, "logistic", "q8", q8_match, logistic_prepare, table_run);
KERNEL(reference_logistic_f32, "logistic", "f32", f32_match, logistic_f32_prepare, f32_run);
KERNEL(reference_quantize_q8, "quantize", "q8", quantize_q8_match, quantize_prepare, table_run);
KERNEL(reference_quantize_f32, "quantize", "f32", quantize_f32_match, convert_prepare,
       quantize_f32_run);
KERNEL(reference_dequantize_q8, "dequantize", "q8", dequantize_q8_match, convert_prepare,
       dequantize_q8_run);
KERNEL(reference_dequantize_f16, "dequantize", "f16", dequantize_f16_match, convert_prepare,
       dequantize_f16_run);
