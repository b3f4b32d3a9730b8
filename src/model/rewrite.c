/*
 * The walk along the nodes that applies the rules of rewrite.h, and the ways of changing a graph
 * that the rules share (rewriter.h).
 *
 * Bypassed values are never looked up in chains: `alias` sends each of them in one step to the one
 * that is read instead, because the input of a node has been resolved before the node is bypassed.
 */
#include "model/rewrite.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/rewriter.h"

/* In the order in which they are tried; the first that fits ends it for this node. */
static lab_rewrite_rule *const rules[] = {
    lab_rewrite_identity, lab_rewrite_activation, lab_rewrite_batches, lab_rewrite_pad,
    lab_rewrite_head,     lab_rewrite_function,   lab_rewrite_concat,
};

/* ---- questions ---- */

bool lab_node_is(const lab_graph_node *node, const char *op)
{
    return strcmp(node->node.op, op) == 0;
}

bool lab_same_shape(const lab_tensor *a, const lab_tensor *b)
{
    return a->rank == b->rank && !memcmp(a->shape, b->shape, a->rank * sizeof *a->shape);
}

bool lab_same_numbers(const lab_tensor *a, const lab_tensor *b)
{
    const lab_quant *p = &a->quant, *q = &b->quant;
    if (a->dtype != b->dtype)
        return false;
    if (a->dtype == LAB_F32)
        return true; /* scales mean nothing to floats */
    return p->count == 1 && q->count == 1 && p->scale == q->scale && p->zero_point == q->zero_point;
}

uint32_t lab_rewrite_sole_producer(const lab_rewriter *r, uint32_t value)
{
    if (value == LAB_VALUE_NONE || r->readers[value] != 1 || r->is_output[value])
        return UINT32_MAX;
    return r->graph->values[value]->producer;
}

int lab_rewrite_score(const lab_rewriter *r, const lab_graph_node *node)
{
    const lab_kernel *kernel = lab_registry_match(r->registry, &node->node);
    return kernel ? kernel->match(&node->node) : 0;
}

/* ---- changes ---- */

static void point_input(lab_graph *graph, lab_graph_node *node, uint32_t i, uint32_t value)
{
    node->in[i] = value;
    node->tensors[i] = value == LAB_VALUE_NONE ? NULL : &graph->values[value]->tensor;
}

void lab_rewrite_set_inputs(lab_rewriter *r, lab_graph_node *node, const uint32_t *values,
                            uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (node->in[i] != LAB_VALUE_NONE)
            r->readers[node->in[i]]--;
        if (values[i] != LAB_VALUE_NONE)
            r->readers[values[i]]++;
        point_input(r->graph, node, i, values[i]);
    }
}

void lab_rewrite_take_output(lab_rewriter *r, uint32_t n, uint32_t value)
{
    lab_graph *graph = r->graph;
    lab_graph_node *node = graph->nodes[n];
    graph->values[node->out[0]]->producer = UINT32_MAX;
    graph->values[value]->producer = n;
    node->out[0] = value;
    node->tensors[node->node.n_in] = &graph->values[value]->tensor;
    node->node.name = graph->values[value]->name;
}

void lab_rewrite_drop(lab_rewriter *r, uint32_t n)
{
    lab_graph *graph = r->graph;
    const lab_graph_node *node = graph->nodes[n];
    for (uint32_t i = 0; i < node->node.n_in; i++)
        if (node->in[i] != LAB_VALUE_NONE)
            r->readers[node->in[i]]--;
    for (uint32_t i = 0; i < node->node.n_out; i++)
        if (graph->values[node->out[i]]->producer == n)
            graph->values[node->out[i]]->producer = UINT32_MAX;
    graph->nodes[n] = NULL;
}

void lab_rewrite_remove(lab_rewriter *r, uint32_t n, const lab_graph_node *into, const char *reason)
{
    lab_graph *graph = r->graph;
    graph->removed[graph->n_removed++] = (lab_removed){
        .node = graph->nodes[n],
        .into = into,
        .reason = reason,
    };
    lab_rewrite_drop(r, n);
}

bool lab_rewrite_bypass(lab_rewriter *r, uint32_t n, uint32_t i, const char *reason)
{
    const lab_graph_node *node = r->graph->nodes[n];
    uint32_t in = node->in[i], out = node->out[0];
    if (r->is_output[out])
        return false;
    r->alias[out] = in;
    r->readers[in] += r->readers[out];
    r->readers[out] = 0;
    lab_rewrite_remove(r, n, NULL, reason);
    return true;
}

/* Room for `count` values in the arrays by value; new ones are read by nobody. */
static bool reserve(lab_rewriter *r, uint32_t count)
{
    lab_context *ctx = r->graph->ctx;
    if (count <= r->capacity)
        return true;
    uint32_t room = count + count / 2 + 16, old = r->capacity;
    uint32_t *alias = lab_alloc_array(ctx, room, sizeof *alias);
    uint32_t *readers = lab_alloc_array(ctx, room, sizeof *readers);
    bool *is_output = lab_alloc_array(ctx, room, sizeof *is_output);
    if (!alias || !readers || !is_output) {
        lab_free(ctx, alias);
        lab_free(ctx, readers);
        lab_free(ctx, is_output);
        lab_error_nomem(&r->builder.error, room * sizeof *alias, "graph rewrites");
        return false;
    }
    for (uint32_t v = 0; v < room; v++) {
        alias[v] = v < old ? r->alias[v] : v;
        readers[v] = v < old ? r->readers[v] : 0;
        is_output[v] = v < old && r->is_output[v];
    }
    lab_free(ctx, r->alias);
    lab_free(ctx, r->readers);
    lab_free(ctx, r->is_output);
    r->alias = alias;
    r->readers = readers;
    r->is_output = is_output;
    r->capacity = room;
    return true;
}

uint32_t lab_rewrite_add_value(lab_rewriter *r, const lab_value_desc *desc)
{
    uint32_t id;
    if (r->graph->n_values >= LAB_GRAPH_MAX_VALUES || !reserve(r, r->graph->n_values + 1) ||
        lab_add_value(&r->builder, desc, &id))
        return LAB_VALUE_NONE;
    return id;
}

lab_graph_node *lab_rewrite_make_node(lab_rewriter *r, const lab_node_desc *desc)
{
    lab_graph *graph = r->graph;
    if (graph->n_nodes >= LAB_GRAPH_MAX_NODES || lab_add_node(&r->builder, desc))
        return NULL;
    lab_graph_node *node = graph->nodes[--graph->n_nodes];
    for (uint32_t i = 0; i < desc->n_out; i++)
        graph->values[desc->out[i]]->producer = UINT32_MAX;
    return node;
}

void lab_rewrite_place(lab_rewriter *r, uint32_t n, lab_graph_node *node)
{
    r->graph->nodes[n] = node;
    for (uint32_t i = 0; i < node->node.n_in; i++)
        if (node->in[i] != LAB_VALUE_NONE)
            r->readers[node->in[i]]++;
    for (uint32_t i = 0; i < node->node.n_out; i++)
        r->graph->values[node->out[i]]->producer = n;
}

/* ---- the walk ---- */

static void count_readers(lab_rewriter *r)
{
    const lab_graph *graph = r->graph;
    for (uint32_t n = 0; n < graph->n_nodes; n++)
        for (uint32_t i = 0; i < graph->nodes[n]->node.n_in; i++)
            if (graph->nodes[n]->in[i] != LAB_VALUE_NONE)
                r->readers[graph->nodes[n]->in[i]]++;
    for (uint32_t i = 0; i < graph->n_outputs; i++) {
        r->readers[graph->outputs[i]]++;
        r->is_output[graph->outputs[i]] = true;
    }
}

static void read_aliases(const lab_rewriter *r, lab_graph_node *node)
{
    for (uint32_t i = 0; i < node->node.n_in; i++)
        if (node->in[i] != LAB_VALUE_NONE && r->alias[node->in[i]] != node->in[i])
            point_input(r->graph, node, i, r->alias[node->in[i]]);
}

/* From the last node to the first, so that what only a dead node read is dead as well. */
static void remove_dead(lab_rewriter *r)
{
    const lab_graph *graph = r->graph;
    for (uint32_t n = graph->n_nodes; n-- > 0;) {
        const lab_graph_node *node = graph->nodes[n];
        bool read = false;
        for (uint32_t i = 0; node && i < node->node.n_out; i++)
            read = read || r->readers[node->out[i]] > 0;
        if (node && !read)
            lab_rewrite_remove(r, n, NULL, "computes what nobody reads");
    }
}

static int by_index(const void *a, const void *b)
{
    uint32_t x = ((const lab_removed *)a)->node->node.index;
    uint32_t y = ((const lab_removed *)b)->node->node.index;
    return (x > y) - (x < y);
}

/* Closes the gaps; what wrote a value is found by its new place. Removed nodes in file order. */
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
    qsort(graph->removed, graph->n_removed, sizeof *graph->removed, by_index);
}

static void walk(lab_rewriter *r)
{
    const lab_graph *graph = r->graph;
    count_readers(r);
    for (uint32_t n = 0; n < graph->n_nodes && !r->builder.error.status; n++) {
        bool done = false;
        read_aliases(r, graph->nodes[n]);
        for (size_t i = 0; i < sizeof rules / sizeof *rules && !done; i++)
            done = rules[i](r, n);
    }
    remove_dead(r);
    compact(r->graph);
}

lab_status lab_graph_rewrite(lab_graph *graph, lab_registry *registry, lab_error *error)
{
    lab_rewriter r = {
        .graph = graph,
        .registry = registry,
        .builder = { .api = lab_registry_api(registry), .registry = registry, .graph = graph },
    };
    /* At each node a rule takes out at most two; what is left may be dead. */
    size_t most = 3 * (size_t)graph->n_nodes;
    graph->removed = lab_arena_array(&graph->arena, most, sizeof *graph->removed);
    if (!graph->removed)
        lab_error_nomem(&r.builder.error, most * sizeof *graph->removed, "graph rewrites");
    else if (reserve(&r, graph->n_values) && r.readers) /* no values: nothing to rewrite */
        walk(&r);
    lab_free(graph->ctx, r.alias);
    lab_free(graph->ctx, r.readers);
    lab_free(graph->ctx, r.is_output);
    if (r.builder.error.status && error)
        *error = r.builder.error;
    return r.builder.error.status;
}
