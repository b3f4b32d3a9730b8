/* Rewrites of activations into the node whose output they clamp. */
#include "model/rewriter.h"

/* LAB_ACT_NONE: the node is no activation that other nodes can do. */
static lab_activation activation_of(const lab_graph_node *node)
{
    if (lab_node_is(node, "relu"))
        return LAB_ACT_RELU;
    return lab_node_is(node, "relu6") ? LAB_ACT_RELU6 : LAB_ACT_NONE;
}

static bool can_clamp(const lab_graph_node *node)
{
    static const char *const ops[] = {
        "conv_2d", "depthwise_conv_2d", "transpose_conv_2d", "fully_connected", "add",
        "mul",     "average_pool_2d"
    };
    bool can = false;
    for (size_t i = 0; i < sizeof ops / sizeof *ops && !can; i++)
        can = lab_node_is(node, ops[i]);
    return can && node->node.attrs.activation == LAB_ACT_NONE;
}

/*
 * With the same quantisation on both sides the activation is a clamp of integers. Clamping before
 * rounding to integers, as kernels do, or after it is the same, because the bounds are integers.
 */
bool lab_rewrite_activation(lab_rewriter *r, uint32_t n)
{
    lab_graph *graph = r->graph;
    const lab_graph_node *node = graph->nodes[n];
    lab_activation activation = activation_of(node);
    if (activation == LAB_ACT_NONE || !lab_same_numbers(node->node.in[0], node->node.out[0]))
        return false;
    uint32_t m = lab_rewrite_sole_producer(r, node->in[0]), out = node->out[0];
    if (m == UINT32_MAX || !can_clamp(graph->nodes[m]))
        return false;
    lab_graph_node *into = graph->nodes[m];
    lab_rewrite_remove(r, n, into, "is done by the node before");
    into->node.attrs.activation = activation;
    lab_rewrite_take_output(r, m, out);
    return true;
}
