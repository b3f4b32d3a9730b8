/* Networks in miniature: see small_models.h. */
#include "support/small_models.h"

#include <stdlib.h>
#include <string.h>

#include "support/tflite_writer.h"

#define MAX_WEIGHTS 4096

typedef struct net {
    tflw *w;
    lab_dtype dtype;
    uint32_t random;
} net;

/* Activations are quantised alike unless a test of another scale needs otherwise. */
static const float act_scale = 0.0235f;

static uint8_t next_byte(net *n)
{
    n->random = n->random * 1664525u + 1013904223u;
    return (uint8_t)(n->random >> 24);
}

static int32_t zero_of(const net *n)
{
    return n->dtype == LAB_U8 ? 3 : n->dtype == LAB_I8 ? -125 : 0;
}

static int32_t activation(net *n, const char *name, int32_t h, int32_t w, int32_t c, float scale)
{
    return tflw_value(n->w, name, n->dtype, 4, (int32_t[]){ 1, h, w, c },
                      n->dtype == LAB_F32 ? 0.0f : scale, zero_of(n));
}

/* Half floats with exponents -1 .. -8 and any sign and mantissa, behind a DEQUANTIZE. */
static int32_t f16_constant(net *n, const char *name, uint32_t rank, const int32_t *shape,
                            size_t count)
{
    uint16_t half[MAX_WEIGHTS];
    for (size_t i = 0; i < count; i++) {
        uint32_t b = (uint32_t)next_byte(n) << 8 | next_byte(n);
        half[i] = (uint16_t)((b & 0x83ffu) | (7u + (b >> 10 & 7u)) << 10);
    }
    int32_t stored = tflw_const(n->w, name, LAB_F16, rank, shape, half, 0, 0);
    int32_t real = tflw_value(n->w, name, LAB_F32, rank, shape, 0, 0);
    tflw_op(n->w, TFLW_DEQUANTIZE, &stored, 1, &real, 1, NULL);
    return real;
}

static int32_t filter(net *n, const char *name, const int32_t shape[4], int32_t axis)
{
    size_t count = (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2] * (size_t)shape[3];
    if (n->dtype == LAB_F32)
        return f16_constant(n, name, 4, shape, count);
    uint8_t bytes[MAX_WEIGHTS];
    for (size_t i = 0; i < count; i++)
        bytes[i] = next_byte(n);
    if (n->dtype == LAB_U8)
        return tflw_const(n->w, name, LAB_U8, 4, shape, bytes, 0.006f, 120);
    float scales[64];
    int64_t zeros[64] = { 0 };
    for (int32_t i = 0; i < shape[axis]; i++)
        scales[i] = 0.004f + 0.0007f * (float)i;
    tflw_tensor t = {
        .name = name,
        .dtype = LAB_I8,
        .rank = 4,
        .shape = { shape[0], shape[1], shape[2], shape[3] },
        .data = bytes,
        .size = count,
        .n_scales = (uint32_t)shape[axis],
        .scales = scales,
        .zero_points = zeros,
        .axis = axis,
    };
    return tflw_add(n->w, &t);
}

static int32_t bias(net *n, const char *name, int32_t channels)
{
    if (n->dtype == LAB_F32)
        return f16_constant(n, name, 1, &channels, (size_t)channels);
    int32_t values[64];
    for (int32_t i = 0; i < channels; i++)
        values[i] = (next_byte(n) - 128) * 20;
    /* The scale of a bias is input scale * filter scale; nobody reads it. */
    return tflw_const(n->w, name, LAB_I32, 1, &channels, values, 1e-4f, 0);
}

static int32_t conv(net *n, const char *name, int32_t in, int32_t c, int32_t out, int32_t k,
                    int32_t stride, int32_t size, lab_activation act)
{
    lab_attrs a = { .padding = LAB_PAD_SAME,
                    .stride_h = stride,
                    .stride_w = stride,
                    .dilation_h = 1,
                    .dilation_w = 1,
                    .activation = act };
    int32_t ins[3] = { in, filter(n, name, (int32_t[]){ out, k, k, c }, 0), bias(n, name, out) };
    int32_t y = activation(n, name, size, size, out, act_scale);
    tflw_op(n->w, TFLW_CONV_2D, ins, 3, &y, 1, &a);
    return y;
}

static int32_t depthwise(net *n, const char *name, int32_t in, int32_t c, int32_t dilation)
{
    lab_attrs a = { .padding = LAB_PAD_SAME,
                    .stride_h = 1,
                    .stride_w = 1,
                    .depth_multiplier = 1,
                    .dilation_h = dilation,
                    .dilation_w = dilation,
                    .activation = LAB_ACT_RELU6 };
    int32_t ins[3] = { in, filter(n, name, (int32_t[]){ 1, 3, 3, c }, 3), bias(n, name, c) };
    int32_t y = activation(n, name, SMALL_SCORES, SMALL_SCORES, c, act_scale);
    tflw_op(n->w, TFLW_DEPTHWISE_CONV_2D, ins, 3, &y, 1, &a);
    return y;
}

static int32_t resize(net *n, const char *name, int32_t in, int32_t to, int32_t c)
{
    int32_t ins[2] = { in, tflw_ints(n->w, "size", 2, (int32_t[]){ to, to }) };
    int32_t y = activation(n, name, to, to, c, act_scale);
    tflw_op(n->w, TFLW_RESIZE_BILINEAR, ins, 2, &y, 1, &(lab_attrs){ .align_corners = true });
    return y;
}

/* The picture as the network's own dtype; the i8 network has a QUANTIZE in front. */
static int32_t input(net *n)
{
    int32_t shape[4] = { 1, SMALL_SIZE, SMALL_SIZE, 3 };
    if (n->dtype == LAB_F32) {
        int32_t x = tflw_value(n->w, "input", LAB_F32, 4, shape, 0, 0);
        tflw_input(n->w, x);
        return x;
    }
    int32_t x = tflw_value(n->w, "input", LAB_U8, 4, shape, 1.0f / 128, 128);
    tflw_input(n->w, x);
    if (n->dtype == LAB_U8)
        return x;
    int32_t q = tflw_value(n->w, "input_i8", LAB_I8, 4, shape, 1.0f / 128, 0);
    tflw_op(n->w, TFLW_QUANTIZE, &x, 1, &q, 1, NULL);
    return q;
}

/* 9x9x8 features: a strided convolution, a dilated block and the sum of both. */
static int32_t backbone(net *n)
{
    int32_t x = conv(n, "stem", input(n), 3, 8, 3, 2, SMALL_SCORES, LAB_ACT_RELU6);
    int32_t d = depthwise(n, "block/depthwise", x, 8, 2);
    int32_t p = conv(n, "block/project", d, 8, 8, 1, 1, SMALL_SCORES, LAB_ACT_NONE);
    int32_t sum = activation(n, "block/add", SMALL_SCORES, SMALL_SCORES, 8, 1.5f * act_scale);
    tflw_op(n->w, TFLW_ADD, (int32_t[]){ x, p }, 2, &sum, 1, &(lab_attrs){ .axis = 0 });
    return sum;
}

/* Beside the features their mean over the picture, as DeepLab's image pooling. */
static int32_t with_context(net *n, int32_t x)
{
    lab_attrs pool = { .padding = LAB_PAD_VALID,
                       .stride_h = 1,
                       .stride_w = 1,
                       .filter_h = SMALL_SCORES,
                       .filter_w = SMALL_SCORES };
    int32_t mean = activation(n, "pool", 1, 1, 8, 1.5f * act_scale);
    tflw_op(n->w, TFLW_AVERAGE_POOL_2D, &x, 1, &mean, 1, &pool);
    int32_t context = conv(n, "pool/conv", mean, 8, 8, 1, 1, 1, LAB_ACT_RELU);
    int32_t spread = resize(n, "pool/spread", context, SMALL_SCORES, 8);
    int32_t features = conv(n, "features", x, 8, 8, 1, 1, SMALL_SCORES, LAB_ACT_RELU);
    int32_t both = activation(n, "concat", SMALL_SCORES, SMALL_SCORES, 16, act_scale);
    tflw_op(n->w, TFLW_CONCATENATION, (int32_t[]){ spread, features }, 2, &both, 1,
            &(lab_attrs){ .axis = 3 });
    return both;
}

static void finish(net *n, int32_t scores)
{
    if (n->dtype == LAB_F32) {
        int32_t y = activation(n, "probabilities", SMALL_OUT, SMALL_OUT, SMALL_CLASSES, 0);
        tflw_op(n->w, TFLW_SOFTMAX, &scores, 1, &y, 1, &(lab_attrs){ .beta = 1.0f });
        tflw_output(n->w, y);
        return;
    }
    int32_t axis = 3;
    lab_dtype map = n->dtype == LAB_U8 ? LAB_I64 : LAB_I32;
    int32_t ins[2] = { scores, tflw_const(n->w, "axis", LAB_I32, 0, NULL, &axis, 0, 0) };
    int32_t y = tflw_value(n->w, "map", map, 3, (int32_t[]){ 1, SMALL_OUT, SMALL_OUT }, 0, 0);
    tflw_op(n->w, TFLW_ARG_MAX, ins, 2, &y, 1, NULL);
    tflw_output(n->w, y);
}

uint8_t *small_deeplab(lab_dtype dtype, size_t *size)
{
    net n = { .w = tflw_new(), .dtype = dtype, .random = 12345 };
    int32_t both = with_context(&n, backbone(&n));
    int32_t scores = conv(&n, "logits", both, 16, SMALL_CLASSES, 1, 1, SMALL_SCORES, LAB_ACT_NONE);
    int32_t same = resize(&n, "logits/same", scores, SMALL_SCORES, SMALL_CLASSES);
    finish(&n, resize(&n, "logits/full", same, SMALL_OUT, SMALL_CLASSES));
    return tflw_finish(n.w, size);
}

/* An operator of f32 with its inputs; gives its output, whose shape is left to inference. */
static int32_t step(tflw *w, const char *name, int32_t code, const int32_t *in, uint32_t n_in,
                    const lab_attrs *attrs)
{
    int32_t y = tflw_add(w, &(tflw_tensor){ .name = name, .dtype = LAB_F32, .no_shape = true });
    tflw_op(w, code, in, n_in, &y, 1, attrs);
    return y;
}

static int32_t pairs(tflw *w, const char *name, uint32_t count, const int32_t *values)
{
    int32_t shape[2] = { (int32_t)count, 2 };
    return tflw_const(w, name, LAB_I32, 2, shape, values, 0, 0);
}

/* Padded by one and through blocks of 2x2 and back: [1,10,10,4]. */
static int32_t zoo_blocks(tflw *w, int32_t x)
{
    static const int32_t around[8] = { 0, 0, 1, 1, 1, 1, 0, 0 }, none[4] = { 0 };
    int32_t block = tflw_ints(w, "block", 2, (int32_t[]){ 2, 2 });
    int32_t zero = pairs(w, "none", 2, none);
    int32_t padded[2] = { x, pairs(w, "around", 4, around) };
    int32_t to[3] = { step(w, "pad", TFLW_PAD, padded, 2, NULL), block, zero };
    int32_t y = step(w, "to_batch", TFLW_SPACE_TO_BATCH_ND, to, 3, NULL);
    int32_t swish = step(w, "hard_swish", TFLW_HARD_SWISH, &y, 1, NULL);
    int32_t back[3] = { swish, block, zero };
    return step(w, "to_space", TFLW_BATCH_TO_SPACE_ND, back, 3, NULL);
}

/* Channels weighted by what the whole picture says about them, as squeeze-and-excite does. */
static int32_t zoo_excite(tflw *w, int32_t x)
{
    float weights[16];
    for (int i = 0; i < 16; i++)
        weights[i] = i % 5 == 0 ? 1.0f : -0.25f;
    int32_t mean[2] = { x, tflw_ints(w, "axes", 2, (int32_t[]){ 1, -2 }) };
    int32_t dense[2] = { step(w, "mean", TFLW_MEAN, mean, 2, &(lab_attrs){ .keep_dims = true }),
                         tflw_const(w, "dense/weights", LAB_F32, 2, (int32_t[]){ 4, 4 }, weights, 0,
                                    0) };
    int32_t y = step(w, "dense", TFLW_FULLY_CONNECTED, dense, 2, &(lab_attrs){ .axis = 0 });
    int32_t gate = step(w, "gate", TFLW_LOGISTIC, &y, 1, NULL);
    int32_t shape[2] = { gate, tflw_ints(w, "shape", 4, (int32_t[]){ 1, 1, 1, -1 }) };
    int32_t product[2] = { x, step(w, "reshape", TFLW_RESHAPE, shape, 2, NULL) };
    return step(w, "mul", TFLW_MUL, product, 2, &(lab_attrs){ .activation = LAB_ACT_RELU });
}

/* To i8, clamped there, and back. */
static int32_t zoo_quantised(tflw *w, int32_t x)
{
    int32_t shape[4] = { 1, 10, 10, 4 };
    int32_t q = tflw_value(w, "q", LAB_I8, 4, shape, 0.05f, -128);
    int32_t clamped = tflw_value(w, "q6", LAB_I8, 4, shape, 0.05f, -128);
    tflw_op(w, TFLW_QUANTIZE, &x, 1, &q, 1, NULL);
    tflw_op(w, TFLW_RELU6, &q, 1, &clamped, 1, NULL);
    return step(w, "dequantize", TFLW_DEQUANTIZE, &clamped, 1, NULL);
}

uint8_t *small_zoo(size_t *size)
{
    float weights[32];
    for (int i = 0; i < 32; i++)
        weights[i] = (float)(i % 7) / 4 - 0.5f;
    const int32_t options[3] = { 1, 2, 2 }; /* SAME, strides */
    const float bias[2] = { 0.5f, -0.5f };
    tflw *w = tflw_new();
    int32_t x = tflw_value(w, "x", LAB_F32, 4, (int32_t[]){ 1, 8, 8, 4 }, 0, 0);
    int32_t features = zoo_quantised(w, zoo_excite(w, zoo_blocks(w, x)));
    int32_t up[3] = {
        tflw_ints(w, "up/shape", 4, (int32_t[]){ 1, 20, 20, 2 }),
        tflw_const(w, "up/weights", LAB_F32, 4, (int32_t[]){ 2, 2, 2, 4 }, weights, 0, 0), features
    };
    lab_attrs twice = { .padding = LAB_PAD_SAME, .stride_h = 2, .stride_w = 2 };
    int32_t tile[2] = { step(w, "up", TFLW_TRANSPOSE_CONV, up, 3, &twice),
                        tflw_ints(w, "multiples", 4, (int32_t[]){ 1, 1, 2, 1 }) };
    int32_t last[3] = { step(w, "tile", TFLW_TILE, tile, 2, NULL),
                        tflw_const(w, "last/weights", LAB_F32, 4, (int32_t[]){ 2, 2, 2, 2 },
                                   weights, 0, 0),
                        tflw_const(w, "last/bias", LAB_F32, 1, (int32_t[]){ 2 }, bias, 0, 0) };
    int32_t scores =
        tflw_add(w, &(tflw_tensor){ .name = "scores", .dtype = LAB_F32, .no_shape = true });
    tflw_custom(w, "Convolution2DTransposeBias", options, sizeof options, last, 3, &scores, 1);
    int32_t y = step(w, "y", TFLW_SOFTMAX, &scores, 1, &(lab_attrs){ .beta = 1.0f });
    tflw_input(w, x);
    tflw_output(w, y);
    return tflw_finish(w, size);
}

uint8_t *small_relu(uint32_t rank, const int32_t *shape, size_t *size)
{
    tflw *w = tflw_new();
    int32_t x = tflw_value(w, "x", LAB_F32, rank, shape, 0, 0);
    int32_t y = tflw_value(w, "y", LAB_F32, rank, shape, 0, 0);
    tflw_op(w, TFLW_RELU, &x, 1, &y, 1, NULL);
    tflw_input(w, x);
    tflw_output(w, y);
    return tflw_finish(w, size);
}
