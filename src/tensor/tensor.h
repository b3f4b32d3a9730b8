/*
 * Tensors as values: a lab_tensor (lab_plugin.h) holds references to its buffer and label set;
 * lab_tensor_clear gives them back. A tensor of all zero bytes is empty and may be cleared.
 */
#ifndef LAB_TENSOR_TENSOR_H
#define LAB_TENSOR_TENSOR_H

#include "base/buffer.h"
#include "tensor/labels.h"

/* No single tensor is larger (2^31 - 1 bytes): indexes fit in int32_t in kernels. */
#define LAB_TENSOR_LIMIT ((size_t)INT32_MAX)

/*
 * Bytes of dtype[shape]: rank at most LAB_MAX_RANK, each dimension >= 1, product within
 * LAB_TENSOR_LIMIT. LAB_E_INVALID or LAB_E_LIMIT with the shape in the sentence.
 */
lab_status lab_shape_size(lab_dtype dtype, uint32_t rank, const int32_t *shape, size_t *size,
                          lab_error *error);

/* Number of elements (1 for rank 0). */
size_t lab_shape_count(uint32_t rank, const int32_t *shape);

/* Allocates: kind rules (lab_type) are checked; data are not initialised. */
lab_status lab_tensor_new(lab_context *ctx, lab_type kind, lab_dtype dtype, uint32_t rank,
                          const int32_t *shape, lab_tensor *out, lab_error *error);

/* Shares the data: both have their own reference. Lists of scales stay those of `in`, with their
 * lifetime. */
void lab_tensor_ref(lab_tensor *out, const lab_tensor *in);
void lab_tensor_clear(lab_tensor *tensor);

/* Another kind for the same data (a u8 [H,W] tensor as a mask, …) if the kind's rules allow it. */
lab_status lab_tensor_set_kind(lab_tensor *tensor, lab_type kind, lab_error *error);

/* Gives a label map its label set (a reference is taken; NULL removes it). */
void lab_tensor_set_labels(lab_tensor *tensor, lab_labels *labels);

const char *lab_dtype_name(lab_dtype dtype); /* "u8" */
const char *lab_type_name(lab_type type);    /* "image", "labelmap", "int", … */

/* "image 640x480x3 u8" (width first for pictures, maps and masks), "tensor 1x33x33x21 u8 …". */
void lab_tensor_describe(const lab_tensor *tensor, char *text, size_t size);

/* Exact conversions of IEEE binary16. */
float lab_f16_to_f32(uint16_t half);
uint16_t lab_f32_to_f16(float value); /* round to nearest even */

#endif
