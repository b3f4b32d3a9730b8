/*
 * Whole networks in miniature, written with tflite_writer: the shape of DeepLab (strided and
 * dilated convolutions, a residual sum, pooled context, resizes, arg-max) at 17x17 pixels and a few
 * channels. Weights are pseudo-random and always the same.
 */
#ifndef TESTS_SUPPORT_SMALL_MODELS_H
#define TESTS_SUPPORT_SMALL_MODELS_H

#include "lab_plugin.h"

#define SMALL_SIZE 17  /* height and width of the input, [1,17,17,3] */
#define SMALL_SCORES 9 /* height and width of the scores */
#define SMALL_CLASSES 4
#define SMALL_OUT 33 /* height and width of the output: align-corners from 9 at ratio 4 */

/*
 * LAB_U8: u8 per tensor, label map i64 [1,33,33]. LAB_I8: u8 input quantised to i8, filters per
 * channel, label map i32. LAB_F32: f16 weights behind DEQUANTIZE, scores f32 [1,33,33,4] after
 * SOFTMAX. malloc'd.
 */
uint8_t *small_deeplab(lab_dtype dtype, size_t *size);

/*
 * Each operator that the DeepLabs do not have, one after the other: f32 [1,8,8,4] to probabilities
 * f32 [1,40,80,2].
 */
#define SMALL_ZOO_H 40
#define SMALL_ZOO_W 80
uint8_t *small_zoo(size_t *size);

/* One RELU from f32 "x" to "y", both of this shape. */
uint8_t *small_relu(uint32_t rank, const int32_t *shape, size_t *size);

#endif
