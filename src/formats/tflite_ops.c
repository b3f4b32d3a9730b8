/*
 * The table of builtin operators. Codes, union members and slots are those of version 3 of the
 * TensorFlow Lite schema.
 */
#include "formats/tflite_ops.h"

#include <string.h>

/* Slots of the table Operator. */
enum { OPERATOR_OPTIONS_TYPE = 3, OPERATOR_OPTIONS = 4 };

static void set_padding(tfl_reader *reader, const tfl_table *options, uint32_t slot,
                        lab_attrs *attrs)
{
    int8_t padding = tfl_i8(reader, options, slot, 0);
    if (padding != 0 && padding != 1)
        tfl_fail(reader, LAB_E_FORMAT, "padding %d is neither SAME (0) nor VALID (1)", padding);
    attrs->padding = padding == 1 ? LAB_PAD_VALID : LAB_PAD_SAME;
}

static void set_activation(tfl_reader *reader, const tfl_table *options, uint32_t slot,
                           lab_attrs *attrs)
{
    int8_t activation = tfl_i8(reader, options, slot, 0);
    switch (activation) {
    case 0:
        attrs->activation = LAB_ACT_NONE;
        break;
    case 1:
        attrs->activation = LAB_ACT_RELU;
        break;
    case 2:
        attrs->activation = LAB_ACT_RELU_N1_TO_1;
        break;
    case 3:
        attrs->activation = LAB_ACT_RELU6;
        break;
    default:
        tfl_fail(reader, LAB_E_UNSUPPORTED,
                 "fused activation %d is not one of NONE 0, RELU 1, RELU_N1_TO_1 2, RELU6 3",
                 activation);
    }
}

static void conv_2d(tfl_reader *reader, const tfl_table *options, lab_attrs *attrs)
{
    set_padding(reader, options, 0, attrs);
    attrs->stride_w = tfl_i32(reader, options, 1, 0);
    attrs->stride_h = tfl_i32(reader, options, 2, 0);
    set_activation(reader, options, 3, attrs);
    attrs->dilation_w = tfl_i32(reader, options, 4, 1);
    attrs->dilation_h = tfl_i32(reader, options, 5, 1);
}

static void depthwise_conv_2d(tfl_reader *reader, const tfl_table *options, lab_attrs *attrs)
{
    set_padding(reader, options, 0, attrs);
    attrs->stride_w = tfl_i32(reader, options, 1, 0);
    attrs->stride_h = tfl_i32(reader, options, 2, 0);
    attrs->depth_multiplier = tfl_i32(reader, options, 3, 0);
    set_activation(reader, options, 4, attrs);
    attrs->dilation_w = tfl_i32(reader, options, 5, 1);
    attrs->dilation_h = tfl_i32(reader, options, 6, 1);
}

static void transpose_conv(tfl_reader *reader, const tfl_table *options, lab_attrs *attrs)
{
    set_padding(reader, options, 0, attrs);
    attrs->stride_w = tfl_i32(reader, options, 1, 0);
    attrs->stride_h = tfl_i32(reader, options, 2, 0);
    set_activation(reader, options, 3, attrs);
    attrs->dilation_w = attrs->dilation_h = 1;
}

static void pool_2d(tfl_reader *reader, const tfl_table *options, lab_attrs *attrs)
{
    set_padding(reader, options, 0, attrs);
    attrs->stride_w = tfl_i32(reader, options, 1, 0);
    attrs->stride_h = tfl_i32(reader, options, 2, 0);
    attrs->filter_w = tfl_i32(reader, options, 3, 0);
    attrs->filter_h = tfl_i32(reader, options, 4, 0);
    set_activation(reader, options, 5, attrs);
}

static void fully_connected(tfl_reader *reader, const tfl_table *options, lab_attrs *attrs)
{
    set_activation(reader, options, 0, attrs);
    int8_t format = tfl_i8(reader, options, 1, 0);
    if (format != 0)
        tfl_fail(reader, LAB_E_UNSUPPORTED, "weights format %d is not supported, only DEFAULT (0)",
                 format);
    attrs->keep_dims = tfl_u8(reader, options, 2, 0) != 0;
}

static void activation_only(tfl_reader *reader, const tfl_table *options, lab_attrs *attrs)
{
    set_activation(reader, options, 0, attrs);
}

static void concatenation(tfl_reader *reader, const tfl_table *options, lab_attrs *attrs)
{
    attrs->axis = tfl_i32(reader, options, 0, 0);
    set_activation(reader, options, 1, attrs);
}

/* Slots 0 and 1 were the size, before it became an input. */
static void resize_bilinear(tfl_reader *reader, const tfl_table *options, lab_attrs *attrs)
{
    attrs->align_corners = tfl_u8(reader, options, 2, 0) != 0;
    attrs->half_pixel_centers = tfl_u8(reader, options, 3, 0) != 0;
}

static void reducer(tfl_reader *reader, const tfl_table *options, lab_attrs *attrs)
{
    attrs->keep_dims = tfl_u8(reader, options, 0, 0) != 0;
}

static void softmax(tfl_reader *reader, const tfl_table *options, lab_attrs *attrs)
{
    attrs->beta = tfl_f32(reader, options, 0, 0.0f);
}

static const tfl_op table[] = {
    { "ADD", "add", 0, 11, activation_only },
    { "AVERAGE_POOL_2D", "average_pool_2d", 1, 5, pool_2d },
    { "CONCATENATION", "concat", 2, 10, concatenation },
    { "CONV_2D", "conv_2d", 3, 1, conv_2d },
    { "DEPTHWISE_CONV_2D", "depthwise_conv_2d", 4, 2, depthwise_conv_2d },
    { "DEQUANTIZE", "dequantize", 6, 0, NULL },
    { "FULLY_CONNECTED", "fully_connected", 9, 8, fully_connected },
    { "LOGISTIC", "logistic", 14, 0, NULL },
    { "MUL", "mul", 18, 21, activation_only },
    { "RELU", "relu", 19, 0, NULL },
    { "RELU6", "relu6", 21, 0, NULL },
    { "RESHAPE", "reshape", 22, 17, NULL }, /* its options are an input to us: tflite.c */
    { "RESIZE_BILINEAR", "resize_bilinear", 23, 15, resize_bilinear },
    { "SOFTMAX", "softmax", 25, 9, softmax },
    { "PAD", "pad", 34, 0, NULL },
    { "BATCH_TO_SPACE_ND", "batch_to_space_nd", 37, 0, NULL },
    { "SPACE_TO_BATCH_ND", "space_to_batch_nd", 38, 0, NULL },
    { "MEAN", "mean", 40, 27, reducer },
    { "ARG_MAX", "argmax", 56, 0, NULL }, /* the output's dtype says what its options say */
    { "TRANSPOSE_CONV", "transpose_conv_2d", 67, 49, transpose_conv },
    { "TILE", "tile", 69, 0, NULL },
    { "QUANTIZE", "quantize", 114, 0, NULL },
    { "HARD_SWISH", "hard_swish", 117, 0, NULL },
};

const tfl_op *tfl_find_op(int32_t code)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].code == code)
            return &table[i];
    return NULL;
}

bool tfl_is_builtin(const char *node_type)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(table[i].node_type, node_type))
            return true;
    return false;
}

const char *tfl_foreign_name(int32_t code)
{
    static const struct {
        int32_t code;
        const char *name;
    } foreign[] = {
        { 5, "DEPTH_TO_SPACE" }, { 17, "MAX_POOL_2D" },   { 28, "TANH" },
        { 36, "GATHER" },        { 39, "TRANSPOSE" },     { 41, "SUB" },
        { 42, "DIV" },           { 43, "SQUEEZE" },       { 45, "STRIDED_SLICE" },
        { 47, "EXP" },           { 49, "SPLIT" },         { 53, "CAST" },
        { 54, "PRELU" },         { 55, "MAXIMUM" },       { 57, "MINIMUM" },
        { 60, "PADV2" },         { 65, "SLICE" },         { 70, "EXPAND_DIMS" },
        { 74, "SUM" },           { 77, "SHAPE" },         { 82, "REDUCE_MAX" },
        { 83, "PACK" },          { 88, "UNPACK" },        { 97, "RESIZE_NEAREST_NEIGHBOR" },
        { 98, "LEAKY_RELU" },    { 111, "ELU" },          { 118, "IF" },
        { 119, "WHILE" },        { 126, "BATCH_MATMUL" }, { 150, "GELU" },
    };
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (foreign[i].code == code)
            return foreign[i].name;
    return NULL;
}

lab_status tfl_read_options(tfl_reader *reader, const tfl_op *op, const tfl_table *operator_table,
                            lab_attrs *attrs)
{
    if (!op->options)
        return reader->status;
    uint8_t type = tfl_u8(reader, operator_table, OPERATOR_OPTIONS_TYPE, 0);
    tfl_table options = tfl_get_table(reader, operator_table, OPERATOR_OPTIONS, "its options");
    if (options.at && type != op->options_type)
        return tfl_fail(reader, LAB_E_FORMAT, "options are of type %u, %s has type %u", type,
                        op->label, op->options_type);
    /* An absent table reads as one without fields. */
    op->options(reader, &options, attrs);
    return reader->status;
}
