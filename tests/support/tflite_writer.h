/*
 * Builds TensorFlow Lite files in memory, so that tests have real models of any shape without
 * shipping one. It writes what it is told, sensible or not: tests of the loader depend on that.
 *
 *     tflw *w = tflw_new();
 *     int32_t x = tflw_value(w, "x", LAB_F32, 4, (int32_t[]){ 1, 8, 8, 3 }, 0, 0);
 *     int32_t y = tflw_value(w, "y", LAB_F32, 4, (int32_t[]){ 1, 8, 8, 3 }, 0, 0);
 *     tflw_op(w, TFLW_RELU, (int32_t[]){ x }, 1, (int32_t[]){ y }, 1, NULL);
 *     tflw_input(w, x);
 *     tflw_output(w, y);
 *     size_t size;
 *     uint8_t *file = tflw_finish(w, &size);   // frees the writer; free(file) when done
 *
 * Out of memory ends the test program.
 */
#ifndef TESTS_SUPPORT_TFLITE_WRITER_H
#define TESTS_SUPPORT_TFLITE_WRITER_H

#include "lab_plugin.h"

typedef struct tflw tflw;

/* Codes of the schema's BuiltinOperator. */
enum {
    TFLW_ADD = 0,
    TFLW_AVERAGE_POOL_2D = 1,
    TFLW_CONCATENATION = 2,
    TFLW_CONV_2D = 3,
    TFLW_DEPTHWISE_CONV_2D = 4,
    TFLW_DEQUANTIZE = 6,
    TFLW_FULLY_CONNECTED = 9,
    TFLW_LOGISTIC = 14,
    TFLW_MUL = 18,
    TFLW_RELU = 19,
    TFLW_RELU6 = 21,
    TFLW_RESHAPE = 22,
    TFLW_RESIZE_BILINEAR = 23,
    TFLW_SOFTMAX = 25,
    TFLW_CUSTOM = 32,
    TFLW_PAD = 34,
    TFLW_BATCH_TO_SPACE_ND = 37,
    TFLW_SPACE_TO_BATCH_ND = 38,
    TFLW_MEAN = 40,
    TFLW_MAXIMUM = 55, /* not one of ours */
    TFLW_ARG_MAX = 56,
    TFLW_TRANSPOSE_CONV = 67,
    TFLW_TILE = 69,
    TFLW_QUANTIZE = 114,
    TFLW_HARD_SWISH = 117
};

/* Everything a tensor can be; all is copied. */
typedef struct tflw_tensor {
    const char *name;
    lab_dtype dtype;
    int32_t raw_type; /* > 0: the schema's TensorType instead of dtype */
    uint32_t rank;
    int32_t shape[8];
    bool no_shape;    /* leave the shape out */
    const void *data; /* constants */
    size_t size;
    uint32_t n_scales;
    const float *scales;
    const int64_t *zero_points; /* NULL: left out */
    int32_t axis;
    bool variable, sparse, misaligned; /* misaligned: data at an odd offset */
} tflw_tensor;

tflw *tflw_new(void);

/* Each returns the number of the new tensor. scale 0: not quantised. */
int32_t tflw_add(tflw *w, const tflw_tensor *tensor);
int32_t tflw_value(tflw *w, const char *name, lab_dtype dtype, uint32_t rank, const int32_t *shape,
                   float scale, int32_t zero_point);
/* A constant; `data` has as many bytes as the shape says. */
int32_t tflw_const(tflw *w, const char *name, lab_dtype dtype, uint32_t rank, const int32_t *shape,
                   const void *data, float scale, int32_t zero_point);
/* A constant vector of i32, as sizes, axes and block shapes are. */
int32_t tflw_ints(tflw *w, const char *name, uint32_t count, const int32_t *values);

/*
 * Adds an operator. Its options are taken from the members of `attrs` that the operator has in the
 * schema (padding, strides, dilation, filter, depth_multiplier, activation, axis, keep_dims,
 * align_corners, half_pixel_centers, beta); NULL leaves the options table out.
 */
void tflw_op(tflw *w, int32_t code, const int32_t *in, uint32_t n_in, const int32_t *out,
             uint32_t n_out, const lab_attrs *attrs);
/* A custom operator with the bytes of its options. */
void tflw_custom(tflw *w, const char *name, const void *options, size_t size, const int32_t *in,
                 uint32_t n_in, const int32_t *out, uint32_t n_out);
/* Gives the operator added last a new_shape option (RESHAPE). */
void tflw_new_shape(tflw *w, uint32_t count, const int32_t *shape);
/* Makes the operator added last of this type in the union of options, whatever it is. */
void tflw_options_type(tflw *w, uint8_t type);

void tflw_input(tflw *w, int32_t tensor);
void tflw_output(tflw *w, int32_t tensor);

void tflw_version(tflw *w, uint32_t version);
/* How many copies of the (first) subgraph the file lists; 1 unless set. */
void tflw_subgraphs(tflw *w, uint32_t count);

uint8_t *tflw_finish(tflw *w, size_t *size);

#endif
