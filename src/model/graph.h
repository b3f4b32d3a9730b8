/*
 * The graph (IR) a model file becomes: values and nodes in execution order. Built through
 * lab_builder by a loader, rewritten and prepared by model.c.
 */
#ifndef LAB_MODEL_GRAPH_H
#define LAB_MODEL_GRAPH_H

#include "base/arena.h"
#include "plugin/registry.h"
#include "tensor/tensor.h"

/* Limits on what a file may ask for; far above any segmentation network. */
#define LAB_GRAPH_MAX_VALUES 65536u
#define LAB_GRAPH_MAX_NODES 32768u
/* Names, nodes, copied and folded constants: memory a graph may take beside its file. */
#define LAB_GRAPH_MAX_BYTES ((size_t)1 << 30)

typedef struct lab_value {
    lab_tensor tensor; /* data set: a constant (borrowed from the file or the arena) */
    const char *name;
    uint32_t producer; /* node that writes it; UINT32_MAX for inputs and constants */
    bool is_input;
} lab_value;

typedef struct lab_graph_node {
    lab_node node;     /* what kernels see */
    const char *label; /* the file's name of the operator */
    uint32_t *in;      /* value ids; LAB_VALUE_NONE for absent ones */
    uint32_t *out;
    const lab_tensor **tensors; /* what node.in, and after them node.out, point to */
    const lab_node_type *type;
} lab_graph_node;

/* A node that a rewrite took out of the graph. */
typedef struct lab_removed {
    const lab_graph_node *node; /* as it was */
    const lab_graph_node *into; /* does its work now; NULL: nothing needs to */
    const char *reason;         /* "resizes to the size it has already" */
} lab_removed;

/* An operator of the file, whatever rewrites made of it. */
typedef struct lab_operator {
    const lab_graph_node *node; /* its output may be another by now … */
    uint32_t out;               /* … than this value, the first that it wrote in the file */
} lab_operator;

typedef struct lab_graph {
    lab_context *ctx;
    lab_arena arena;
    lab_buffer *file; /* keeps constants alive */
    lab_value **values;
    uint32_t n_values;
    lab_graph_node **nodes; /* each reads only what earlier ones wrote */
    uint32_t n_nodes;
    uint32_t *inputs, *outputs; /* value ids */
    uint32_t n_inputs, n_outputs;
    const char *format;      /* name of the loader */
    lab_operator *operators; /* in the file's order */
    uint32_t n_operators;
    lab_removed *removed; /* in the file's order */
    uint32_t n_removed;
} lab_graph;

/* Fills the loader part of a host's table of services. */
void lab_graph_fill_api(lab_host_api *api);

/*
 * Builds the graph of a model file with the loader that recognises it. A reference to `file` is
 * taken. Messages start with `name` (what the user called the file).
 */
lab_status lab_graph_load(lab_registry *registry, lab_buffer *file, const char *name,
                          lab_graph **out, lab_error *error);
void lab_graph_free(lab_graph *graph);

/* The node types of src/model/nodes*.c, as a plugin descriptor to register. */
extern const lab_plugin lab_builtin_nodes;

#endif
