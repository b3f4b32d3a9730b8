/* Rewrites of nodes whose output is their input: they are bypassed. */
#include "model/rewriter.h"

/* Every place of the output is a place of the input: the weights of the neighbours are 0. */
static const char *why_resize(const lab_graph_node *node)
{
    return lab_node_is(node, "resize_bilinear") ? "resizes to the size it has already" : NULL;
}

/* The multiplier is 256 / 256: ((x - z) * 256 + 128) >> 8 is x - z. */
static const char *why_quantize(const lab_graph_node *node)
{
    return lab_node_is(node, "quantize") ? "quantises to the numbers it has already" : NULL;
}

/* Each of them copies, once shape and numbers are those of the input. */
static const char *why_copy(const lab_graph_node *node)
{
    if (lab_node_is(node, "tile"))
        return "repeats once, which is a copy";
    if (lab_node_is(node, "reshape"))
        return "gives the shape it has already";
    if (lab_node_is(node, "pad"))
        return "pads by nothing";
    if (lab_node_is(node, "concat") && node->node.n_in == 1)
        return "joins one value with nothing";
    return NULL;
}

bool lab_rewrite_identity(lab_rewriter *r, uint32_t n)
{
    const lab_graph_node *node = r->graph->nodes[n];
    const lab_tensor *in = node->node.in[0], *out = node->node.out[0];
    const char *why = why_resize(node);
    why = why ? why : why_quantize(node);
    why = why ? why : why_copy(node);
    /* A constant stays where it is: the node is computed at load time. */
    if (!why || !in || in->data || !lab_same_shape(in, out) || !lab_same_numbers(in, out))
        return false;
    return lab_rewrite_bypass(r, n, 0, why);
}
