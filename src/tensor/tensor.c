/* Tensors: shapes, kinds and references; see tensor.h. */
#include "tensor/tensor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"

const char *lab_dtype_name(lab_dtype dtype)
{
    switch (dtype) {
    case LAB_U8:
        return "u8";
    case LAB_I8:
        return "i8";
    case LAB_U16:
        return "u16";
    case LAB_I16:
        return "i16";
    case LAB_I32:
        return "i32";
    case LAB_I64:
        return "i64";
    case LAB_F16:
        return "f16";
    case LAB_F32:
        return "f32";
    }
    return "no dtype";
}

const char *lab_type_name(lab_type type)
{
    static const char *const names[] = {
        [LAB_NONE] = "none",       [LAB_BOOL] = "bool",         [LAB_INT] = "int",
        [LAB_FLOAT] = "float",     [LAB_ENUM] = "enum",         [LAB_STRING] = "string",
        [LAB_COLOR] = "color",     [LAB_CLASSES] = "classes",   [LAB_FLOATS] = "floats",
        [LAB_RECORDS] = "records", [LAB_BYTES] = "bytes",       [LAB_TENSOR] = "tensor",
        [LAB_IMAGE] = "image",     [LAB_LABELMAP] = "labelmap", [LAB_MASK] = "mask",
        [LAB_RECORD] = "record",
    };
    size_t i = (size_t)type;
    return i < sizeof names / sizeof names[0] ? names[i] : "no type";
}

/* "1x33x33x21"; a text that does not fit is cut. */
static void print_shape(char *text, size_t size, uint32_t rank, const int32_t *shape)
{
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < rank && i < LAB_MAX_RANK && used < size; i++) {
        int n = snprintf(text + used, size - used, "%s%" PRId32, i ? "x" : "", shape[i]);
        used += n > 0 ? (size_t)n : 0;
    }
}

lab_status lab_shape_size(lab_dtype dtype, uint32_t rank, const int32_t *shape, size_t *size,
                          lab_error *error)
{
    size_t bytes = lab_dtype_size(dtype);
    if (bytes == 0)
        return lab_error_set(error, LAB_E_INVALID, "%d is no dtype", (int)dtype);
    if (rank > LAB_MAX_RANK)
        return lab_error_set(error, LAB_E_INVALID, "a tensor has at most %d dimensions, got %u",
                             LAB_MAX_RANK, rank);
    char text[16 * LAB_MAX_RANK];
    print_shape(text, sizeof text, rank, shape);
    for (uint32_t i = 0; i < rank; i++) {
        if (shape[i] < 1)
            return lab_error_set(error, LAB_E_INVALID,
                                 "shape %s: every dimension must be at least 1", text);
        if (!lab_mul_size(bytes, (size_t)shape[i], &bytes) || bytes > LAB_TENSOR_LIMIT)
            return lab_error_set(error, LAB_E_LIMIT,
                                 "shape %s of %s is larger than the limit of %zu bytes", text,
                                 lab_dtype_name(dtype), LAB_TENSOR_LIMIT);
    }
    *size = bytes;
    return LAB_OK;
}

size_t lab_shape_count(uint32_t rank, const int32_t *shape)
{
    size_t count = 1;
    for (uint32_t i = 0; i < rank; i++)
        count *= (size_t)shape[i];
    return count;
}

/* The rules of lab_type for what a kind may look like. */
static lab_status check_kind(lab_type kind, lab_dtype dtype, uint32_t rank, const int32_t *shape,
                             lab_error *error)
{
    const char *rule = NULL;
    switch (kind) {
    case LAB_TENSOR:
        return LAB_OK;
    case LAB_IMAGE:
        if (dtype != LAB_U8 || rank != 3 || (shape[2] != 1 && shape[2] != 3 && shape[2] != 4))
            rule = "an image is u8 [height, width, 1, 3 or 4]";
        break;
    case LAB_LABELMAP:
        if ((dtype != LAB_U8 && dtype != LAB_U16) || rank != 2)
            rule = "a label map is u8 or u16 [height, width]";
        break;
    case LAB_MASK:
        if (dtype != LAB_U8 || rank != 2)
            rule = "a mask is u8 [height, width]";
        break;
    default:
        return lab_error_set(error, LAB_E_INVALID, "%s is no kind of tensor", lab_type_name(kind));
    }
    if (!rule)
        return LAB_OK;
    char text[16 * LAB_MAX_RANK];
    print_shape(text, sizeof text, rank, shape);
    return lab_error_set(error, LAB_E_INVALID, "%s, got %s [%s]", rule, lab_dtype_name(dtype),
                         text);
}

lab_status lab_tensor_new(lab_context *ctx, lab_type kind, lab_dtype dtype, uint32_t rank,
                          const int32_t *shape, lab_tensor *out, lab_error *error)
{
    *out = (lab_tensor){ 0 };
    size_t size = 0;
    lab_status status = lab_shape_size(dtype, rank, shape, &size, error);
    if (!status)
        status = check_kind(kind, dtype, rank, shape, error);
    if (status)
        return status;
    lab_buffer *buffer = lab_buffer_new(ctx, size);
    if (!buffer)
        return lab_error_nomem(error, size, lab_type_name(kind));
    out->kind = kind;
    out->dtype = dtype;
    out->rank = rank;
    for (uint32_t i = 0; i < rank; i++)
        out->shape[i] = shape[i];
    out->data = lab_buffer_data(buffer);
    out->size = size;
    out->buffer = buffer;
    return LAB_OK;
}

void lab_tensor_ref(lab_tensor *out, const lab_tensor *in)
{
    *out = *in;
    lab_buffer_ref(out->buffer);
    lab_labels_ref(out->labels);
}

void lab_tensor_clear(lab_tensor *tensor)
{
    lab_buffer_unref(tensor->buffer);
    lab_labels_unref(tensor->labels);
    *tensor = (lab_tensor){ 0 };
}

lab_status lab_tensor_set_kind(lab_tensor *tensor, lab_type kind, lab_error *error)
{
    lab_status status = check_kind(kind, tensor->dtype, tensor->rank, tensor->shape, error);
    if (status)
        return status;
    if (kind != LAB_LABELMAP)
        lab_tensor_set_labels(tensor, NULL);
    tensor->kind = kind;
    return LAB_OK;
}

void lab_tensor_set_labels(lab_tensor *tensor, lab_labels *labels)
{
    lab_labels *before = tensor->labels;
    tensor->labels = lab_labels_ref(labels);
    lab_labels_unref(before);
}

/* ", scale 0.0235, zero point 128": what a quantised tensor adds to its description. */
static void print_quant(char *text, size_t size, const lab_quant *quant)
{
    text[0] = '\0';
    if (quant->count == 1)
        snprintf(text, size, ", scale %.9g, zero point %" PRId32, (double)quant->scale,
                 quant->zero_point);
    else if (quant->count > 1)
        snprintf(text, size, ", %" PRIu32 " scales on axis %" PRId32, quant->count, quant->axis);
}

void lab_tensor_describe(const lab_tensor *tensor, char *text, size_t size)
{
    int32_t shape[LAB_MAX_RANK];
    memcpy(shape, tensor->shape, sizeof shape);
    if (tensor->kind != LAB_TENSOR && tensor->rank >= 2) { /* width first, as people say it */
        shape[0] = tensor->shape[1];
        shape[1] = tensor->shape[0];
    }
    char dimensions[16 * LAB_MAX_RANK], quant[96];
    print_shape(dimensions, sizeof dimensions, tensor->rank, shape);
    print_quant(quant, sizeof quant, &tensor->quant);
    snprintf(text, size, "%s %s %s%s%s%s", lab_type_name(tensor->kind),
             tensor->rank ? dimensions : "scalar", lab_dtype_name(tensor->dtype),
             tensor->labels ? ", labels " : "",
             tensor->labels ? lab_labels_set_name(tensor->labels) : "", quant);
}
