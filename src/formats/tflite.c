/*
 * TensorFlow Lite files (schema version 3) to graphs.
 *
 * The first subgraph is the network. Others are bodies of control-flow operators (IF, WHILE,
 * CALL_ONCE), none of which we have: a network that needs them is refused by the operator's name,
 * so what is left over is unused. Tensors become values with the same numbers, operators become
 * nodes in the file's order, which the schema defines to be the order of execution.
 */
#include "formats/tflite.h"

#include <string.h>
#include <strings.h>

#include "formats/tflite_ops.h"

/* Slots of the schema's tables. */
enum { MODEL_VERSION = 0, MODEL_CODES = 1, MODEL_SUBGRAPHS = 2, MODEL_BUFFERS = 4 };
enum { SUBGRAPH_TENSORS = 0, SUBGRAPH_INPUTS = 1, SUBGRAPH_OUTPUTS = 2, SUBGRAPH_OPERATORS = 3 };
enum { CODE_OLD = 0, CODE_CUSTOM = 1, CODE_VERSION = 2, CODE_BUILTIN = 3 };
enum { BUFFER_DATA = 0, BUFFER_OFFSET = 1 };
enum {
    TENSOR_SHAPE = 0,
    TENSOR_TYPE = 1,
    TENSOR_BUFFER = 2,
    TENSOR_NAME = 3,
    TENSOR_QUANTIZATION = 4,
    TENSOR_IS_VARIABLE = 5,
    TENSOR_SPARSITY = 6,
    TENSOR_HAS_RANK = 8
};
enum { QUANT_SCALE = 2, QUANT_ZERO_POINT = 3, QUANT_DETAILS_TYPE = 4, QUANT_DIMENSION = 6 };
enum {
    OPERATOR_CODE = 0,
    OPERATOR_INPUTS = 1,
    OPERATOR_OUTPUTS = 2,
    OPERATOR_OPTIONS = 4,
    OPERATOR_CUSTOM_OPTIONS = 5,
    OPERATOR_LARGE_OPTIONS = 9
};

typedef struct tfl_model {
    tfl_reader reader;
    lab_builder *builder;
    tfl_vector codes, buffers, tensors, operators, inputs, outputs;
} tfl_model;

/* The schema's TensorType, by number; dtype 0: not ours. */
static const struct {
    lab_dtype dtype;
    const char *name;
} types[] = {
    { LAB_F32, "FLOAT32" }, { LAB_F16, "FLOAT16" }, { LAB_I32, "INT32" }, { LAB_U8, "UINT8" },
    { LAB_I64, "INT64" },   { 0, "STRING" },        { 0, "BOOL" },        { LAB_I16, "INT16" },
    { 0, "COMPLEX64" },     { LAB_I8, "INT8" },     { 0, "FLOAT64" },     { 0, "COMPLEX128" },
    { 0, "UINT64" },        { 0, "RESOURCE" },      { 0, "VARIANT" },     { 0, "UINT32" },
    { LAB_U16, "UINT16" },  { 0, "INT4" },
};

static void read_type(tfl_reader *reader, const tfl_table *tensor, lab_value_desc *value)
{
    uint8_t type = tfl_u8(reader, tensor, TENSOR_TYPE, 0);
    size_t known = sizeof types / sizeof *types;
    value->dtype = type < known ? types[type].dtype : 0;
    if (!value->dtype)
        tfl_fail(reader, LAB_E_UNSUPPORTED, "element type %u (%s) is not supported", type,
                 type < known ? types[type].name : "unknown");
}

static void read_shape(tfl_reader *reader, const tfl_table *tensor, lab_value_desc *value)
{
    tfl_vector shape = tfl_get_vector(reader, tensor, TENSOR_SHAPE, 4, "its shape");
    if (shape.count > LAB_MAX_RANK) {
        tfl_fail(reader, LAB_E_UNSUPPORTED, "%u dimensions are more than %d", shape.count,
                 LAB_MAX_RANK);
        return;
    }
    value->rank = shape.count;
    for (uint32_t i = 0; i < shape.count; i++)
        value->shape[i] = tfl_i32_at(reader, &shape, i);
    /* [] stands for a scalar and for "unknown"; computed values get what inference says. */
    if (shape.count == 0 && !value->data && !tfl_u8(reader, tensor, TENSOR_HAS_RANK, 0))
        value->rank = UINT32_MAX;
}

/* A buffer without data is how the schema says that a tensor is not a constant. */
static void read_data(tfl_model *model, const tfl_table *tensor, lab_value_desc *value)
{
    tfl_reader *reader = &model->reader;
    uint32_t index = tfl_u32(reader, tensor, TENSOR_BUFFER, 0);
    if (index >= model->buffers.count) {
        tfl_fail(reader, LAB_E_FORMAT, "its data are in buffer %u; the file has %u", index,
                 model->buffers.count);
        return;
    }
    tfl_table buffer = tfl_table_at(reader, &model->buffers, index, "a buffer");
    if (tfl_u64(reader, &buffer, BUFFER_OFFSET, 0) > 1) {
        tfl_fail(reader, LAB_E_UNSUPPORTED,
                 "its data are appended to the file (the form for models above 2 GB), which is "
                 "not supported");
        return;
    }
    tfl_vector data = tfl_get_vector(reader, &buffer, BUFFER_DATA, 1, "its data");
    if (data.count) {
        value->data = reader->bytes + data.at;
        value->size = data.count;
    }
}

/* Scales and zero points in the builder's memory, as lab_quant wants them. */
static void copy_pairs(tfl_model *model, const tfl_vector *scales, const tfl_vector *zeros,
                       lab_quant *quant)
{
    tfl_reader *reader = &model->reader;
    float *scale = lab_builder_alloc(model->builder, scales->count * sizeof *scale);
    int32_t *zero = lab_builder_alloc(model->builder, scales->count * sizeof *zero);
    if (!scale || !zero) {
        reader->status = LAB_E_NOMEM; /* the builder has the sentence */
        return;
    }
    for (uint32_t i = 0; i < scales->count; i++) {
        int64_t z = tfl_i64_at(reader, zeros, i);
        if (z < INT32_MIN || z > INT32_MAX) {
            tfl_fail(reader, LAB_E_FORMAT, "zero point %lld is out of range", (long long)z);
            return;
        }
        scale[i] = tfl_f32_at(reader, scales, i);
        zero[i] = (int32_t)z;
    }
    quant->count = scales->count;
    quant->scale = scale[0];
    quant->zero_point = zero[0];
    quant->scales = scale;
    quant->zero_points = zero;
}

static void read_quant(tfl_model *model, const tfl_table *tensor, lab_quant *quant)
{
    tfl_reader *reader = &model->reader;
    tfl_table table = tfl_get_table(reader, tensor, TENSOR_QUANTIZATION, "its quantisation");
    tfl_vector scales = tfl_get_vector(reader, &table, QUANT_SCALE, 4, "its scales");
    tfl_vector zeros = tfl_get_vector(reader, &table, QUANT_ZERO_POINT, 8, "its zero points");
    if (reader->status)
        return;
    if (tfl_u8(reader, &table, QUANT_DETAILS_TYPE, 0) != 0) {
        tfl_fail(reader, LAB_E_UNSUPPORTED, "custom quantisation is not supported");
        return;
    }
    if (scales.count == 0)
        return;
    if (zeros.count != 0 && zeros.count != scales.count) {
        tfl_fail(reader, LAB_E_FORMAT, "has %u scales and %u zero points", scales.count,
                 zeros.count);
        return;
    }
    quant->axis = tfl_i32(reader, &table, QUANT_DIMENSION, 0);
    copy_pairs(model, &scales, &zeros, quant);
}

static lab_status add_tensor(tfl_model *model, uint32_t index)
{
    tfl_reader *reader = &model->reader;
    snprintf(reader->context, sizeof reader->context, "tensor %u", index);
    tfl_table tensor = tfl_table_at(reader, &model->tensors, index, "a tensor");
    lab_value_desc value = { .name = tfl_get_string(reader, &tensor, TENSOR_NAME, "its name") };
    if (tfl_u8(reader, &tensor, TENSOR_IS_VARIABLE, 0))
        tfl_fail(reader, LAB_E_UNSUPPORTED,
                 "is a variable (state kept between runs), which is not supported");
    if (tfl_get_table(reader, &tensor, TENSOR_SPARSITY, "its sparsity").at)
        tfl_fail(reader, LAB_E_UNSUPPORTED, "is stored sparsely, which is not supported");
    read_type(reader, &tensor, &value);
    read_data(model, &tensor, &value);
    read_shape(reader, &tensor, &value);
    read_quant(model, &tensor, &value.quant);
    reader->context[0] = '\0';
    uint32_t id;
    return reader->status ? reader->status : lab_add_value(model->builder, &value, &id);
}

/* Printable, for messages: names of custom operators are whatever the file says. */
static const char *printable(char *out, size_t size, const char *text)
{
    size_t i = 0;
    for (; text[i] && i + 1 < size; i++)
        out[i] = (char)(text[i] < 0x20 || text[i] > 0x7e ? '?' : text[i]);
    out[i] = '\0';
    return out;
}

/* What an operator is: fills node type and label. *builtin is NULL for a custom one. */
static lab_status identify(tfl_model *model, const tfl_table *operator_table, lab_node_desc *node,
                           const tfl_op **builtin)
{
    tfl_reader *reader = &model->reader;
    uint32_t index = tfl_u32(reader, operator_table, OPERATOR_CODE, 0);
    if (!reader->status && index >= model->codes.count)
        return tfl_fail(reader, LAB_E_FORMAT, "is of kind %u; the file has %u kinds", index,
                        model->codes.count);
    tfl_table code = tfl_table_at(reader, &model->codes, index, "an operator code");
    int32_t number = tfl_i32(reader, &code, CODE_BUILTIN, 0);
    int8_t old = tfl_i8(reader, &code, CODE_OLD, 0);
    int32_t version = tfl_i32(reader, &code, CODE_VERSION, 1);
    number = old > number ? old : number; /* older files have only the byte */
    const char *custom = tfl_get_string(reader, &code, CODE_CUSTOM, "a custom operator's name");
    if (reader->status)
        return reader->status;
    *builtin = tfl_find_op(number);
    if (*builtin) {
        node->op = (*builtin)->node_type;
        node->label = (*builtin)->label;
        return LAB_OK;
    }
    if (number != TFL_BUILTIN_CUSTOM) {
        const char *name = tfl_foreign_name(number);
        return tfl_fail(reader, LAB_E_UNSUPPORTED,
                        "operator %d%s%s (version %d) is not supported; there are: %s", number,
                        name ? " " : "", name ? name : "", version,
                        lab_node_type_names(model->builder));
    }
    if (tfl_is_builtin(custom) || !lab_has_node_type(model->builder, custom)) {
        char name[80];
        return tfl_fail(reader, LAB_E_UNSUPPORTED,
                        "custom operator '%s' (version %d) is not known; there are: %s",
                        printable(name, sizeof name, custom), version,
                        lab_node_type_names(model->builder));
    }
    node->op = node->label = custom;
    return LAB_OK;
}

/* Tensor numbers of an operator; -1 is an absent optional input. */
static void read_ids(tfl_reader *reader, const tfl_vector *from, const char *what, uint32_t *ids,
                     uint32_t limit)
{
    if (from->count > limit) {
        tfl_fail(reader, LAB_E_UNSUPPORTED, "has %u %s; at most %u are supported", from->count,
                 what, limit);
        return;
    }
    for (uint32_t i = 0; i < from->count; i++) {
        int32_t id = tfl_i32_at(reader, from, i);
        if (id < -1)
            tfl_fail(reader, LAB_E_FORMAT, "%s: there is no tensor %d", what, id);
        ids[i] = id == -1 ? LAB_VALUE_NONE : (uint32_t)id;
    }
}

/*
 * Old files give RESHAPE its shape as an option; everybody else reads an input, so it becomes one:
 * a constant with a number after the file's own tensors.
 */
static lab_status shape_as_input(tfl_model *model, const tfl_table *operator_table, uint32_t *ids,
                                 lab_node_desc *node)
{
    tfl_reader *reader = &model->reader;
    tfl_table options = tfl_get_table(reader, operator_table, OPERATOR_OPTIONS, "its options");
    tfl_vector shape = tfl_get_vector(reader, &options, 0, 4, "its new shape");
    if (reader->status || node->n_in != 1 || shape.count == 0)
        return reader->status;
    if (shape.count > LAB_MAX_RANK)
        return tfl_fail(reader, LAB_E_UNSUPPORTED, "%u dimensions are more than %d", shape.count,
                        LAB_MAX_RANK);
    lab_value_desc value = {
        .name = "new_shape",
        .dtype = LAB_I32,
        .rank = 1,
        .shape = { (int32_t)shape.count },
        .data = reader->bytes + shape.at,
        .size = 4 * (size_t)shape.count,
    };
    node->n_in = 2;
    return reader->status = lab_add_value(model->builder, &value, &ids[1]);
}

static void read_custom_options(tfl_reader *reader, const tfl_table *operator_table,
                                lab_attrs *attrs)
{
    if (tfl_u64(reader, operator_table, OPERATOR_LARGE_OPTIONS, 0) > 1)
        tfl_fail(reader, LAB_E_UNSUPPORTED,
                 "its options are appended to the file, which is not supported");
    tfl_vector options =
        tfl_get_vector(reader, operator_table, OPERATOR_CUSTOM_OPTIONS, 1, "its options");
    if (options.count) {
        attrs->custom = reader->bytes + options.at;
        attrs->custom_size = options.count;
    }
}

static lab_status add_operator(tfl_model *model, uint32_t index)
{
    tfl_reader *reader = &model->reader;
    const tfl_op *builtin = NULL;
    uint32_t in[LAB_NODE_MAX_IN] = { 0 }, out[LAB_NODE_MAX_OUT] = { 0 };
    lab_node_desc node = { .index = index, .in = in, .out = out };
    snprintf(reader->context, sizeof reader->context, "op %u", index);
    tfl_table table = tfl_table_at(reader, &model->operators, index, "an operator");
    if (identify(model, &table, &node, &builtin))
        return reader->status;
    snprintf(reader->context, sizeof reader->context, "op %u %.60s", index, node.label);
    tfl_vector inputs = tfl_get_vector(reader, &table, OPERATOR_INPUTS, 4, "its inputs");
    tfl_vector outputs = tfl_get_vector(reader, &table, OPERATOR_OUTPUTS, 4, "its outputs");
    read_ids(reader, &inputs, "inputs", in, LAB_NODE_MAX_IN);
    read_ids(reader, &outputs, "outputs", out, LAB_NODE_MAX_OUT);
    node.n_in = inputs.count;
    node.n_out = outputs.count;
    if (builtin)
        tfl_read_options(reader, builtin, &table, &node.attrs);
    else
        read_custom_options(reader, &table, &node.attrs);
    if (!reader->status && builtin && !strcmp(builtin->node_type, "reshape"))
        shape_as_input(model, &table, in, &node);
    reader->context[0] = '\0';
    return reader->status ? reader->status : lab_add_node(model->builder, &node);
}

/* Inputs are declared before the operators that read them, outputs after all. */
static lab_status add_ends(tfl_model *model, const tfl_vector *ids, bool outputs)
{
    for (uint32_t i = 0; i < ids->count; i++) {
        /* A negative number becomes one that is past the end, which the builder refuses. */
        uint32_t id = (uint32_t)tfl_i32_at(&model->reader, ids, i);
        lab_status status =
            outputs ? lab_add_output(model->builder, id) : lab_add_input(model->builder, id);
        if (status)
            return status;
    }
    return LAB_OK;
}

static lab_status open_model(tfl_model *model)
{
    tfl_reader *reader = &model->reader;
    tfl_table root = tfl_root(reader);
    uint32_t version = tfl_u32(reader, &root, MODEL_VERSION, 0);
    model->codes = tfl_get_vector(reader, &root, MODEL_CODES, 4, "the operator codes");
    model->buffers = tfl_get_vector(reader, &root, MODEL_BUFFERS, 4, "the buffers");
    tfl_vector subgraphs = tfl_get_vector(reader, &root, MODEL_SUBGRAPHS, 4, "the subgraphs");
    if (reader->status)
        return reader->status;
    if (version != 3)
        return tfl_fail(reader, LAB_E_UNSUPPORTED, "schema version %u is not supported, only 3",
                        version);
    if (subgraphs.count == 0)
        return tfl_fail(reader, LAB_E_FORMAT, "the file has no subgraph");
    tfl_table graph = tfl_table_at(reader, &subgraphs, 0, "the first subgraph");
    model->tensors = tfl_get_vector(reader, &graph, SUBGRAPH_TENSORS, 4, "the tensors");
    model->inputs = tfl_get_vector(reader, &graph, SUBGRAPH_INPUTS, 4, "the inputs");
    model->outputs = tfl_get_vector(reader, &graph, SUBGRAPH_OUTPUTS, 4, "the outputs");
    model->operators = tfl_get_vector(reader, &graph, SUBGRAPH_OPERATORS, 4, "the operators");
    return reader->status;
}

static lab_status tflite_load(lab_builder *builder, const uint8_t *bytes, size_t size)
{
    if (size < 8 || memcmp(bytes + 4, "TFL3", 4) != 0)
        return lab_builder_fail(builder, LAB_E_FORMAT,
                                "not a TensorFlow Lite file: bytes 4 to 7 must be \"TFL3\"%s",
                                size < 8 ? ", and the file ends before them" : "");
    tfl_model model = { .reader = { .builder = builder, .bytes = bytes, .size = size },
                        .builder = builder };
    lab_status status = open_model(&model);
    for (uint32_t i = 0; !status && i < model.tensors.count; i++)
        status = add_tensor(&model, i);
    if (!status)
        status = add_ends(&model, &model.inputs, false);
    for (uint32_t i = 0; !status && i < model.operators.count; i++)
        status = add_operator(&model, i);
    if (!status)
        status = add_ends(&model, &model.outputs, true);
    return status;
}

static int tflite_probe(const uint8_t *bytes, size_t size, const char *filename)
{
    if (size >= 8 && memcmp(bytes + 4, "TFL3", 4) == 0)
        return 100;
    /* By name only: so that a damaged file is told what is wrong with it. */
    const char *dot = strrchr(filename, '.');
    return dot && (!strcasecmp(dot, ".tflite") || !strcasecmp(dot, ".lite")) ? 10 : 0;
}

const lab_loader lab_tflite_loader = {
    .name = "tflite",
    .summary = "TensorFlow Lite flatbuffers, schema version 3",
    .extensions = "tflite|lite",
    .probe = tflite_probe,
    .load = tflite_load,
};
