/* v:npy(): a value as the bytes of a .npy file, for numpy.load. */
#include "npy.h"

#include <string.h>

static const char *descr_of(lab_dtype dtype)
{
    switch (dtype) {
    case LAB_U8:
        return "|u1";
    case LAB_I8:
        return "|i1";
    case LAB_U16:
        return "<u2";
    case LAB_I16:
        return "<i2";
    case LAB_I32:
        return "<i4";
    case LAB_I64:
        return "<i8";
    case LAB_F16:
        return "<f2";
    case LAB_F32:
        return "<f4";
    }
    return NULL;
}

/* "(3, 4)"; a single dimension needs its comma: "(3,)". */
static void write_shape(const lab_tensor *in, char *text, size_t size)
{
    size_t used = 0;
    snprintf(text, size, "()");
    for (uint32_t i = 0; i < in->rank; i++) {
        int n = snprintf(text + used, size - used, "%s%d%s", i ? ", " : "(", in->shape[i],
                         i + 1 < in->rank ? ""
                         : in->rank == 1  ? ",)"
                                          : ")");
        used += n > 0 ? (size_t)n : 0;
    }
}

/* Little-endian, whatever the machine is. */
static void write_data(const lab_tensor *in, uint8_t *dst)
{
    const uint16_t one = 1;
    size_t item = lab_dtype_size(in->dtype);
    uint8_t first;
    memcpy(&first, &one, 1);
    memcpy(dst, in->data, in->size);
    for (size_t i = 0; !first && i < in->size; i += item) {
        for (size_t k = 0; k < item; k++)
            dst[i + k] = ((const uint8_t *)in->data)[i + item - 1 - k];
    }
}

static lab_status write_npy(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    char shape[80], header[256];
    write_shape(in, shape, sizeof shape);
    int length =
        snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }",
                 descr_of(in->dtype), shape);
    /* The elements begin at a multiple of 64 bytes; the header ends with a line's end. */
    size_t prefix = NPY_MAGIC_SIZE + 4;
    size_t start = (prefix + (size_t)length + 1 + 63) / 64 * 64, room = start - prefix;
    uint8_t *out = lab_result_bytes(call, start + in->size);
    if (!out)
        return lab_call_status(call);
    memcpy(out, NPY_MAGIC "\1\0", prefix - 2);
    out[8] = (uint8_t)room;
    out[9] = (uint8_t)(room >> 8);
    memset(out + prefix, ' ', room);
    memcpy(out + prefix, header, (size_t)length);
    out[start - 1] = '\n';
    write_data(in, out + start);
    return LAB_OK;
}

#define NPY_OP(kind_name, kind)                                                                    \
    {                                                                                              \
        .name = kind_name ".npy", .summary = "the bytes of a NumPy file (.npy)",                   \
        .doc =                                                                                     \
            "Format version 1.0, little-endian, C order: numpy.load reads it. Quantisation and "   \
            "label sets are not kept.",                                                            \
        .in = (kind), .out = LAB_BYTES, .run = write_npy,                                          \
    }

const lab_op npy_tensor_op = NPY_OP("tensor", LAB_TENSOR);
const lab_op npy_image_op = NPY_OP("image", LAB_IMAGE);
const lab_op npy_map_op = NPY_OP("map", LAB_LABELMAP);
const lab_op npy_mask_op = NPY_OP("mask", LAB_MASK);
