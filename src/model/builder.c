/*
 * lab_builder: how a loader makes a graph. Nodes come in execution order and may read only what is
 * an input, a constant or written by an earlier node, so a finished graph has no cycle and every
 * value one origin. The first failure stays: all later calls return it.
 */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/text.h"
#include "model/builder.h"
#include "model/nodes.h"

/* Longer names are cut: many tensors of a small file could share one long string. */
#define NAME_MAX_BYTES 1023u

static lab_status builder_vfail(lab_builder *builder, lab_status status, const char *fmt,
                                va_list args)
{
    if (builder->error.status == LAB_OK)
        lab_error_vset(&builder->error, status, fmt, args);
    return builder->error.status;
}

void *lab_builder_take(lab_builder *builder, size_t size)
{
    lab_arena *arena = &builder->graph->arena;
    if (builder->error.status)
        return NULL;
    if (size > LAB_GRAPH_MAX_BYTES || arena->total > LAB_GRAPH_MAX_BYTES - size) {
        lab_builder_fail(builder, LAB_E_LIMIT,
                         "the graph needs more than %zu bytes beside its file",
                         LAB_GRAPH_MAX_BYTES);
        return NULL;
    }
    void *memory = lab_arena_alloc(arena, size);
    if (!memory)
        lab_error_nomem(&builder->error, size, "the graph");
    return memory;
}

/* A copy that can be shown on a terminal: control characters and broken UTF-8 become '?'. */
static const char *take_name(lab_builder *builder, const char *name)
{
    size_t size = strnlen(name, NAME_MAX_BYTES + 1);
    size = lab_utf8_cut(name, size, NAME_MAX_BYTES);
    bool utf8 = lab_utf8_valid(name, size);
    char *copy = lab_builder_take(builder, size + 1);
    for (size_t i = 0; copy && i < size; i++) {
        unsigned char c = (unsigned char)name[i];
        copy[i] = (char)(c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8) ? '?' : c);
    }
    return copy;
}

/* Room for one more pointer or id: arrays double whenever their count is a power of two. */
static lab_status grow(lab_builder *builder, void *array, uint32_t count, size_t item)
{
    if (count & (count - 1))
        return LAB_OK;
    lab_context *ctx = builder->graph->ctx;
    size_t room = count ? 2 * (size_t)count : 1;
    void *old, *grown = lab_alloc_array(ctx, room, item);
    if (!grown)
        return lab_error_nomem(&builder->error, room * item, "the graph");
    memcpy(&old, array, sizeof old);
    if (count)
        memcpy(grown, old, count * item);
    lab_free(ctx, old);
    memcpy(array, &grown, sizeof grown);
    return LAB_OK;
}

static bool zero_point_fits(lab_dtype dtype, int32_t zero)
{
    switch (dtype) {
    case LAB_U8:
        return zero >= 0 && zero <= UINT8_MAX;
    case LAB_I8:
        return zero >= INT8_MIN && zero <= INT8_MAX;
    case LAB_U16:
        return zero >= 0 && zero <= UINT16_MAX;
    case LAB_I16:
        return zero >= INT16_MIN && zero <= INT16_MAX;
    default:
        return zero == 0;
    }
}

static lab_status check_pair(lab_builder *builder, lab_dtype dtype, float scale, int32_t zero)
{
    if (!(scale > 0.0f) || !isfinite(scale))
        return lab_builder_fail(builder, LAB_E_FORMAT, "scale %g is not a positive number",
                                (double)scale);
    if (!zero_point_fits(dtype, zero))
        return lab_builder_fail(builder, LAB_E_FORMAT, "zero point %d is outside %s", zero,
                                lab_dtype_name(dtype));
    return LAB_OK;
}

static lab_status set_quant(lab_builder *builder, lab_tensor *tensor, const lab_quant *from)
{
    /* Converters leave ranges on floats too; they mean nothing there. */
    if (from->count == 0 || tensor->dtype == LAB_F32 || tensor->dtype == LAB_F16)
        return LAB_OK;
    tensor->quant = (lab_quant){ .count = 1, .axis = from->axis };
    if (from->count == 1) {
        tensor->quant.scale = from->scales ? from->scales[0] : from->scale;
        tensor->quant.zero_point = from->zero_points ? from->zero_points[0] : from->zero_point;
        return check_pair(builder, tensor->dtype, tensor->quant.scale, tensor->quant.zero_point);
    }
    if (tensor->rank > LAB_MAX_RANK || from->axis < 0 || (uint32_t)from->axis >= tensor->rank ||
        (uint32_t)tensor->shape[from->axis] != from->count)
        return lab_builder_fail(builder, LAB_E_FORMAT,
                                "%u scales do not fit dimension %d of its shape", from->count,
                                from->axis);
    float *scales = lab_builder_take(builder, from->count * sizeof *scales);
    int32_t *zeros = lab_builder_take(builder, from->count * sizeof *zeros);
    if (!scales || !zeros)
        return builder->error.status;
    for (uint32_t i = 0; i < from->count; i++) {
        scales[i] = from->scales[i];
        zeros[i] = from->zero_points ? from->zero_points[i] : 0;
        if (check_pair(builder, tensor->dtype, scales[i], zeros[i]))
            return builder->error.status;
    }
    tensor->quant = (lab_quant){
        .count = from->count,
        .axis = from->axis,
        .scale = scales[0],
        .zero_point = zeros[0],
        .scales = scales,
        .zero_points = zeros,
    };
    return LAB_OK;
}

/* Constants stay where they are in the file unless an element could not be read there. */
static lab_status set_data(lab_builder *builder, lab_tensor *tensor, const lab_value_desc *desc)
{
    if (!desc->data)
        return LAB_OK;
    if (tensor->rank > LAB_MAX_RANK || desc->size != tensor->size)
        return lab_builder_fail(builder, LAB_E_FORMAT,
                                "its shape needs %zu bytes, the file has %zu for it", tensor->size,
                                desc->size);
    size_t align = lab_dtype_size(tensor->dtype);
    if ((uintptr_t)desc->data % align == 0) {
        tensor->data = (void *)desc->data;
        return LAB_OK;
    }
    tensor->data = lab_builder_take(builder, desc->size);
    if (!tensor->data)
        return builder->error.status;
    memcpy(tensor->data, desc->data, desc->size);
    return LAB_OK;
}

static lab_status fill_tensor(lab_builder *builder, lab_tensor *tensor, const lab_value_desc *desc)
{
    *tensor = (lab_tensor){ .kind = LAB_TENSOR, .dtype = desc->dtype, .rank = desc->rank };
    if (!lab_dtype_size(desc->dtype))
        return lab_builder_fail(builder, LAB_E_FORMAT, "dtype %d does not exist", (int)desc->dtype);
    if (desc->rank != UINT32_MAX) {
        lab_status status =
            lab_shape_size(desc->dtype, desc->rank, desc->shape, &tensor->size, &builder->error);
        if (status)
            return builder->error.status = status == LAB_E_INVALID ? LAB_E_FORMAT : status;
        memcpy(tensor->shape, desc->shape, desc->rank * sizeof *desc->shape);
    }
    if (set_quant(builder, tensor, &desc->quant) || set_data(builder, tensor, desc))
        return builder->error.status;
    return LAB_OK;
}

static lab_status add_value(lab_builder *builder, const lab_value_desc *desc, uint32_t *id)
{
    lab_graph *graph = builder->graph;
    if (builder->error.status)
        return builder->error.status;
    if (graph->n_values >= LAB_GRAPH_MAX_VALUES)
        return lab_builder_fail(builder, LAB_E_LIMIT, "more than %u tensors", LAB_GRAPH_MAX_VALUES);
    lab_value *value = lab_builder_take(builder, sizeof *value);
    if (!value || grow(builder, &graph->values, graph->n_values, sizeof(void *)))
        return builder->error.status;
    value->name = take_name(builder, desc->name ? desc->name : "");
    value->producer = UINT32_MAX;
    if (!value->name)
        return builder->error.status;
    if (fill_tensor(builder, &value->tensor, desc))
        return lab_error_prefix(&builder->error, "tensor %u '%.80s'", graph->n_values, value->name);
    *id = graph->n_values;
    graph->values[graph->n_values++] = value;
    return LAB_OK;
}

static lab_status add_input(lab_builder *builder, uint32_t id)
{
    lab_graph *graph = builder->graph;
    if (builder->error.status)
        return builder->error.status;
    if (id >= graph->n_values)
        return lab_builder_fail(builder, LAB_E_FORMAT, "input: there is no tensor %u (of %u)", id,
                                graph->n_values);
    lab_value *value = graph->values[id];
    if (value->is_input || value->tensor.data || value->producer != UINT32_MAX)
        return lab_builder_fail(builder, LAB_E_FORMAT, "input: tensor %u '%.80s' is already %s", id,
                                value->name,
                                value->is_input      ? "an input"
                                : value->tensor.data ? "a constant"
                                                     : "written by an operator");
    if (value->tensor.rank > LAB_MAX_RANK)
        return lab_builder_fail(builder, LAB_E_UNSUPPORTED,
                                "input: tensor %u '%.80s' has no shape in the file", id,
                                value->name);
    if (grow(builder, &graph->inputs, graph->n_inputs, sizeof *graph->inputs))
        return builder->error.status;
    value->is_input = true;
    graph->inputs[graph->n_inputs++] = id;
    return LAB_OK;
}

static lab_status add_output(lab_builder *builder, uint32_t id)
{
    lab_graph *graph = builder->graph;
    if (builder->error.status)
        return builder->error.status;
    if (id >= graph->n_values)
        return lab_builder_fail(builder, LAB_E_FORMAT, "output: there is no tensor %u (of %u)", id,
                                graph->n_values);
    if (graph->n_outputs >= LAB_GRAPH_MAX_VALUES)
        return lab_builder_fail(builder, LAB_E_LIMIT, "more than %u outputs", LAB_GRAPH_MAX_VALUES);
    if (grow(builder, &graph->outputs, graph->n_outputs, sizeof *graph->outputs))
        return builder->error.status;
    graph->outputs[graph->n_outputs++] = id;
    return LAB_OK;
}

static const char *node_type_names(lab_builder *builder)
{
    size_t size = 1;
    const lab_node_type *type;
    for (size_t i = 0; (type = lab_registry_node_type_at(builder->registry, i)); i++)
        size += strlen(type->name) + 2;
    char *text = lab_arena_alloc(&builder->graph->arena, size);
    if (!text)
        return "";
    size_t used = 0;
    for (size_t i = 0; (type = lab_registry_node_type_at(builder->registry, i)); i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", type->name);
    return text;
}

static bool has_node_type(const lab_builder *builder, const char *op)
{
    return lab_registry_node_type(builder->registry, op) != NULL;
}

static lab_status check_counts(lab_builder *builder, const lab_node_type *type,
                               const lab_node_desc *desc)
{
    if (desc->n_in < type->min_in || desc->n_in > type->max_in || desc->n_in > LAB_NODE_MAX_IN)
        return lab_builder_fail(builder, LAB_E_FORMAT, "has %u inputs; %u to %u are possible",
                                desc->n_in, type->min_in,
                                type->max_in < LAB_NODE_MAX_IN ? type->max_in : LAB_NODE_MAX_IN);
    if (desc->n_out != type->n_out || desc->n_out < 1 || desc->n_out > LAB_NODE_MAX_OUT)
        return lab_builder_fail(builder, LAB_E_FORMAT, "has %u outputs; it must have %u",
                                desc->n_out, type->n_out);
    return LAB_OK;
}

static lab_status check_reads(lab_builder *builder, const lab_node_type *type,
                              const lab_node_desc *desc)
{
    const lab_graph *graph = builder->graph;
    for (uint32_t i = 0; i < desc->n_in; i++) {
        uint32_t id = desc->in[i];
        if (id == LAB_VALUE_NONE && i >= type->min_in)
            continue;
        if (id == LAB_VALUE_NONE)
            return lab_builder_fail(builder, LAB_E_FORMAT, "input %u is absent", i);
        if (id >= graph->n_values)
            return lab_builder_fail(builder, LAB_E_FORMAT,
                                    "input %u is tensor %u; the file has %u tensors", i, id,
                                    graph->n_values);
        const lab_value *value = graph->values[id];
        if (!value->is_input && !value->tensor.data && value->producer == UINT32_MAX)
            return lab_builder_fail(builder, LAB_E_FORMAT,
                                    "reads tensor %u '%.80s', which nothing before it writes", id,
                                    value->name);
    }
    return LAB_OK;
}

static lab_status check_writes(lab_builder *builder, const lab_node_desc *desc)
{
    const lab_graph *graph = builder->graph;
    for (uint32_t i = 0; i < desc->n_out; i++) {
        uint32_t id = desc->out[i];
        if (id >= graph->n_values)
            return lab_builder_fail(builder, LAB_E_FORMAT,
                                    "output %u is tensor %u; the file has %u tensors", i, id,
                                    graph->n_values);
        const lab_value *value = graph->values[id];
        bool again = false;
        for (uint32_t k = 0; k < i; k++)
            again = again || desc->out[k] == id;
        if (value->is_input || value->tensor.data || value->producer != UINT32_MAX || again)
            return lab_builder_fail(builder, LAB_E_FORMAT,
                                    "writes tensor %u '%.80s', which is already %s", id,
                                    value->name,
                                    value->is_input      ? "an input"
                                    : value->tensor.data ? "a constant"
                                                         : "written");
    }
    return LAB_OK;
}

/* Everything of the node in the graph's memory; in and out tensors as kernels will see them. */
static lab_graph_node *copy_node(lab_builder *builder, const lab_node_type *type,
                                 const lab_node_desc *desc)
{
    lab_graph *graph = builder->graph;
    lab_graph_node *node = lab_builder_take(builder, sizeof *node);
    uint32_t *ids = lab_builder_take(builder, (desc->n_in + desc->n_out) * sizeof *ids);
    const lab_tensor **tensors =
        lab_builder_take(builder, (desc->n_in + desc->n_out) * sizeof(void *));
    const char *label = take_name(builder, desc->label ? desc->label : type->name);
    if (!node || !ids || !tensors || !label)
        return NULL;
    for (uint32_t i = 0; i < desc->n_in; i++) {
        ids[i] = desc->in[i];
        tensors[i] = ids[i] == LAB_VALUE_NONE ? NULL : &graph->values[ids[i]]->tensor;
    }
    for (uint32_t i = 0; i < desc->n_out; i++) {
        ids[desc->n_in + i] = desc->out[i];
        tensors[desc->n_in + i] = &graph->values[desc->out[i]]->tensor;
    }
    node->node = (lab_node){
        .op = type->name,
        .name = graph->values[desc->out[0]]->name,
        .index = desc->index,
        .n_in = desc->n_in,
        .n_out = desc->n_out,
        .in = tensors,
        .out = tensors + desc->n_in,
        .attrs = desc->attrs,
    };
    node->label = label;
    node->in = ids;
    node->out = ids + desc->n_in;
    node->tensors = tensors;
    node->type = type;
    return node;
}

/* Runs the node type's rule and holds what it made of the outputs against the limits. */
static lab_status infer_node(lab_builder *builder, lab_graph_node *node)
{
    lab_graph *graph = builder->graph;
    lab_tensor *out[LAB_NODE_MAX_OUT];
    for (uint32_t i = 0; i < node->node.n_out; i++)
        out[i] = &graph->values[node->out[i]]->tensor;
    lab_infer infer = {
        .in = node->node.in,
        .n_in = node->node.n_in,
        .n_out = node->node.n_out,
        .attrs = &node->node.attrs,
        .out = out,
        .error = &builder->error,
    };
    lab_status status = node->type->infer(&infer);
    if (status) {
        if (builder->error.status == LAB_OK)
            lab_builder_fail(builder, status, "the rule of %s refuses it", node->type->name);
        return builder->error.status;
    }
    builder->error.status = LAB_OK;
    for (uint32_t i = 0; i < node->node.n_out; i++) {
        out[i]->data = NULL;
        status = lab_shape_size(out[i]->dtype, out[i]->rank, out[i]->shape, &out[i]->size,
                                &builder->error);
        if (status)
            return builder->error.status = status == LAB_E_INVALID ? LAB_E_FORMAT : status;
    }
    return LAB_OK;
}

static lab_status try_node(lab_builder *builder, const lab_node_desc *desc)
{
    lab_graph *graph = builder->graph;
    const lab_node_type *type = lab_registry_node_type(builder->registry, desc->op);
    if (!type)
        return lab_builder_fail(builder, LAB_E_UNSUPPORTED,
                                "there is no node type '%.64s'; there are: %s", desc->op,
                                node_type_names(builder));
    if (graph->n_nodes >= LAB_GRAPH_MAX_NODES)
        return lab_builder_fail(builder, LAB_E_LIMIT, "more than %u operators",
                                LAB_GRAPH_MAX_NODES);
    if (check_counts(builder, type, desc) || check_reads(builder, type, desc) ||
        check_writes(builder, desc) || grow(builder, &graph->nodes, graph->n_nodes, sizeof(void *)))
        return builder->error.status;
    lab_graph_node *node = copy_node(builder, type, desc);
    if (!node || infer_node(builder, node))
        return builder->error.status;
    for (uint32_t i = 0; i < desc->n_out; i++)
        graph->values[desc->out[i]]->producer = graph->n_nodes;
    graph->nodes[graph->n_nodes++] = node;
    return LAB_OK;
}

static lab_status add_node(lab_builder *builder, const lab_node_desc *desc)
{
    if (builder->error.status)
        return builder->error.status;
    if (try_node(builder, desc))
        return lab_error_prefix(&builder->error, "op %u %.64s", desc->index,
                                desc->label ? desc->label : desc->op);
    return LAB_OK;
}

lab_status lab_builder_finish(lab_builder *builder)
{
    const lab_graph *graph = builder->graph;
    if (builder->error.status)
        return builder->error.status;
    if (!graph->n_nodes || !graph->n_inputs || !graph->n_outputs)
        return lab_builder_fail(builder, LAB_E_FORMAT,
                                "a network needs operators, inputs and outputs; this has %u, %u "
                                "and %u",
                                graph->n_nodes, graph->n_inputs, graph->n_outputs);
    for (uint32_t i = 0; i < graph->n_outputs; i++) {
        const lab_value *value = graph->values[graph->outputs[i]];
        if (value->producer == UINT32_MAX)
            return lab_builder_fail(builder, LAB_E_FORMAT,
                                    "output %u is tensor %u '%.80s', which no operator writes", i,
                                    graph->outputs[i], value->name);
    }
    return LAB_OK;
}

void lab_graph_fill_api(lab_host_api *api)
{
    api->add_value = add_value;
    api->add_node = add_node;
    api->add_input = add_input;
    api->add_output = add_output;
    api->builder_alloc = lab_builder_take;
    api->has_node_type = has_node_type;
    api->node_type_names = node_type_names;
    api->builder_vfail = builder_vfail;
}
