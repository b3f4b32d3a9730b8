/* How much work a node is: multiply-adds, the figure that speed is judged by. */
#include <string.h>

#include "model/model_parts.h"

static uint64_t count(const lab_tensor *tensor)
{
    return lab_shape_count(tensor->rank, tensor->shape);
}

uint64_t lab_node_macs(const lab_node *node)
{
    const lab_tensor *out = node->out[0];
    if (!strcmp(node->op, "conv_2d"))
        return count(out) * (count(node->in[1]) / (uint64_t)node->in[1]->shape[0]);
    if (!strcmp(node->op, "conv_bias"))
        return count(node->in[1]);
    if (!strcmp(node->op, "depthwise_conv_2d"))
        return count(out) * (uint64_t)(node->in[1]->shape[1] * (int64_t)node->in[1]->shape[2]);
    /* Each input element meets each filter weight of its channel. */
    if (!strcmp(node->op, "transpose_conv_2d"))
        return count(node->in[2]) * (count(node->in[1]) / (uint64_t)node->in[1]->shape[3]);
    if (!strcmp(node->op, "fully_connected"))
        return count(out) * (uint64_t)node->in[1]->shape[1];
    return 0;
}

uint64_t lab_model_macs(const lab_model *model, uint32_t i)
{
    const lab_graph *graph = lab_model_graph(model);
    return i < graph->n_nodes ? lab_node_macs(&graph->nodes[i]->node) : 0;
}
