/*
 * The rewrites of rewrite.h: one walk along the nodes, each rule a function.
 *
 * Nodes come in execution order, so that by the time a node is looked at what its inputs became is
 * known: `alias` sends each bypassed value to the one that is read instead, in one step.
 */
#include "model/rewrite.h"

#include <string.h>

#include "base/error.h"

typedef struct rewriter {
    lab_graph *graph;
    uint32_t *alias;   /* by value: what is read in its place; itself unless bypassed */
    uint32_t *readers; /* by value: inputs of nodes, and outputs of the graph */
    bool *is_output;   /* by value */
} rewriter;

/* ---- what may be compared ---- */

static bool same_shape(const lab_tensor *a, const lab_tensor *b)
{
    return a->rank == b->rank && !memcmp(a->shape, b->shape, a->rank * sizeof *a->shape);
}

/* The same type, and one pair of scale and zero point for all of it, or none at all. */
static bool same_numbers(const lab_tensor *a, const lab_tensor *b)
{
    const lab_quant *p = &a->quant, *q = &b->quant;
    if (a->dtype != b->dtype)
        return false;
    if (a->dtype == LAB_F32)
        return true; /* scales mean nothing to floats */
    return p->count == 1 && q->count == 1 && p->scale == q->scale && p->zero_point == q->zero_point;
}

static bool is_op(const lab_graph_node *node, const char *op)
{
    return strcmp(node->node.op, op) == 0;
}

/* ---- changing the graph ---- */

static void set_input(lab_graph *graph, lab_graph_node *node, uint32_t i, uint32_t value)
{
    node->in[i] = value;
    node->tensors[i] = &graph->values[value]->tensor;
}

static void set_output(lab_graph *graph, lab_graph_node *node, uint32_t i, uint32_t value)
{
    node->out[i] = value;
    node->tensors[node->node.n_in + i] = &graph->values[value]->tensor;
    if (i == 0)
        node->node.name = graph->values[value]->name;
}

/* The node at `n` is gone; `into`: the node that computes its output now, NULL when none need. */
static void remove_node(rewriter *r, uint32_t n, const lab_graph_node *into, const char *reason)
{
    lab_graph *graph = r->graph;
    graph->removed[graph->n_removed++] = (lab_removed){
        .node = graph->nodes[n],
        .into = into,
        .reason = reason,
    };
    graph->nodes[n] = NULL;
}

/* ---- the rules: true when the node is gone ---- */

/* Everyone who read the node's output reads its first input instead. */
static bool bypass(rewriter *r, uint32_t n, const char *reason)
{
    const lab_graph_node *node = r->graph->nodes[n];
    uint32_t in = node->in[0], out = node->out[0];
    if (r->is_output[out])
        return false;
    r->alias[out] = in;
    r->readers[in] += r->readers[out] - 1;
    remove_node(r, n, NULL, reason);
    return true;
}

/* Every place of the output is a place of the input: the weights of the neighbours are 0. */
static bool identity_resize(rewriter *r, uint32_t n)
{
    const lab_node *node = &r->graph->nodes[n]->node;
    return is_op(r->graph->nodes[n], "resize_bilinear") && same_shape(node->in[0], node->out[0]) &&
           same_numbers(node->in[0], node->out[0]) &&
           bypass(r, n, "resizes to the size it has already");
}

/* The multiplier is 256 / 256: ((x - z) * 256 + 128) >> 8 is x - z. */
static bool identity_quantize(rewriter *r, uint32_t n)
{
    const lab_node *node = &r->graph->nodes[n]->node;
    return is_op(r->graph->nodes[n], "quantize") && same_numbers(node->in[0], node->out[0]) &&
           bypass(r, n, "quantises to the numbers it has already");
}

/* LAB_ACT_NONE: the node is no activation. */
static lab_activation activation_of(const lab_graph_node *node)
{
    if (is_op(node, "relu"))
        return LAB_ACT_RELU;
    return is_op(node, "relu6") ? LAB_ACT_RELU6 : LAB_ACT_NONE;
}

/* The node before that can take an activation in, if it has none and nobody else reads it. */
static lab_graph_node *find_fusable(const rewriter *r, uint32_t value)
{
    uint32_t producer = r->graph->values[value]->producer;
    if (producer == UINT32_MAX || r->readers[value] != 1 || r->is_output[value])
        return NULL;
    lab_graph_node *node = r->graph->nodes[producer];
    bool can = is_op(node, "conv_2d") || is_op(node, "depthwise_conv_2d") || is_op(node, "add");
    return can && node->node.attrs.activation == LAB_ACT_NONE ? node : NULL;
}

/*
 * With the same quantisation on both sides the activation is a clamp of integers. Clamping before
 * rounding to integers, as kernels do, or after it is the same, because the bounds are integers.
 */
static bool fuse_activation(rewriter *r, uint32_t n)
{
    lab_graph *graph = r->graph;
    const lab_graph_node *node = graph->nodes[n];
    lab_activation activation = activation_of(node);
    if (activation == LAB_ACT_NONE || !same_numbers(node->node.in[0], node->node.out[0]))
        return false;
    lab_graph_node *into = find_fusable(r, node->in[0]);
    if (!into)
        return false;
    uint32_t out = node->out[0], between = node->in[0];
    graph->values[out]->producer = graph->values[between]->producer;
    graph->values[between]->producer = UINT32_MAX;
    r->readers[between] = 0;
    into->node.attrs.activation = activation;
    set_output(graph, into, 0, out);
    remove_node(r, n, into, "is done by the node before");
    return true;
}

/* ---- the walk ---- */

static void count_readers(rewriter *r)
{
    const lab_graph *graph = r->graph;
    for (uint32_t v = 0; v < graph->n_values; v++)
        r->alias[v] = v;
    for (uint32_t n = 0; n < graph->n_nodes; n++)
        for (uint32_t i = 0; i < graph->nodes[n]->node.n_in; i++)
            if (graph->nodes[n]->in[i] != LAB_VALUE_NONE)
                r->readers[graph->nodes[n]->in[i]]++;
    for (uint32_t i = 0; i < graph->n_outputs; i++) {
        r->readers[graph->outputs[i]]++;
        r->is_output[graph->outputs[i]] = true;
    }
}

static void read_aliases(const rewriter *r, lab_graph_node *node)
{
    for (uint32_t i = 0; i < node->node.n_in; i++)
        if (node->in[i] != LAB_VALUE_NONE && r->alias[node->in[i]] != node->in[i])
            set_input(r->graph, node, i, r->alias[node->in[i]]);
}

/* Closes the gaps; what wrote a value is found by its new place. */
static void compact(lab_graph *graph)
{
    uint32_t kept = 0;
    for (uint32_t n = 0; n < graph->n_nodes; n++) {
        lab_graph_node *node = graph->nodes[n];
        if (!node)
            continue;
        for (uint32_t i = 0; i < node->node.n_out; i++)
            graph->values[node->out[i]]->producer = kept;
        graph->nodes[kept++] = node;
    }
    graph->n_nodes = kept;
    for (uint32_t i = 0; i < graph->n_removed; i++) {
        const lab_removed *gone = &graph->removed[i];
        if (!gone->into) /* nobody writes or reads it any more */
            graph->values[gone->node->out[0]]->producer = UINT32_MAX;
    }
}

static void walk(rewriter *r)
{
    lab_graph *graph = r->graph;
    count_readers(r);
    for (uint32_t n = 0; n < graph->n_nodes; n++) {
        read_aliases(r, graph->nodes[n]);
        if (!identity_resize(r, n) && !identity_quantize(r, n))
            fuse_activation(r, n);
    }
    compact(graph);
}

lab_status lab_graph_rewrite(lab_graph *graph, lab_error *error)
{
    rewriter r = {
        .graph = graph,
        .alias = lab_alloc_array(graph->ctx, graph->n_values, sizeof *r.alias),
        .readers = lab_alloc_array(graph->ctx, graph->n_values, sizeof *r.readers),
        .is_output = lab_alloc_array(graph->ctx, graph->n_values, sizeof *r.is_output),
    };
    graph->removed = lab_arena_array(&graph->arena, graph->n_nodes, sizeof *graph->removed);
    bool ok = r.alias && r.readers && r.is_output && graph->removed;
    if (ok)
        walk(&r);
    lab_free(graph->ctx, r.alias);
    lab_free(graph->ctx, r.readers);
    lab_free(graph->ctx, r.is_output);
    return ok ? LAB_OK
              : lab_error_nomem(error, (size_t)graph->n_values * sizeof *r.alias, "graph rewrites");
}
