/*
 * The end of many networks: scores enlarged to the picture's size only to find the largest of each
 * pixel. As one node the enlarged scores, the largest tensor of the network, never exist.
 */
#include "model/rewriter.h"

static bool is_head(const lab_graph_node *resize, const lab_graph_node *argmax)
{
    return lab_node_is(resize, "resize_bilinear") && resize->node.out[0]->rank == 4 &&
           argmax->node.attrs.axis == 3;
}

bool lab_rewrite_head(lab_rewriter *r, uint32_t n)
{
    lab_graph *graph = r->graph;
    const lab_graph_node *argmax = graph->nodes[n];
    if (!lab_node_is(argmax, "argmax"))
        return false;
    uint32_t m = lab_rewrite_sole_producer(r, argmax->in[0]);
    if (m == UINT32_MAX || !is_head(graph->nodes[m], argmax))
        return false;
    const lab_graph_node *resize = graph->nodes[m];
    uint32_t out = argmax->out[0];
    graph->values[out]->producer = UINT32_MAX;
    lab_graph_node *node =
        lab_rewrite_make_node(r, &(lab_node_desc){ .op = "resize_argmax",
                                                   .label = "RESIZE+ARG_MAX",
                                                   .index = argmax->node.index,
                                                   .in = resize->in,
                                                   .n_in = 2,
                                                   .out = &out,
                                                   .n_out = 1,
                                                   .attrs = resize->node.attrs });
    graph->values[out]->producer = n;
    if (!node || !lab_rewrite_score(r, node))
        return false;
    lab_rewrite_remove(r, n, node, "is done together with the resize");
    lab_rewrite_remove(r, m, node, "is done together with the arg-max");
    lab_rewrite_place(r, n, node);
    return true;
}
