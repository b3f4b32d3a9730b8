/*
 * What the rules of rewrite_*.c share: the graph being rewritten, who reads what in it, and the
 * few ways of changing it. A rule looks at the node at `n`, the last of its pattern, and is true
 * when it changed something. Rules run in the order of the nodes, so that what a node's inputs
 * became is known by the time it is looked at. Private to the model room.
 */
#ifndef LAB_MODEL_REWRITER_H
#define LAB_MODEL_REWRITER_H

#include "model/builder.h"

typedef struct lab_rewriter {
    lab_graph *graph;
    lab_registry *registry;
    lab_builder builder; /* adds values and nodes; its error, once set, ends the walk */
    uint32_t capacity;   /* of the arrays below, in values */
    uint32_t *alias;     /* by value: what is read in its place; itself unless bypassed */
    uint32_t *readers;   /* by value: inputs of nodes, and outputs of the graph */
    bool *is_output;     /* by value */
} lab_rewriter;

typedef bool lab_rewrite_rule(lab_rewriter *r, uint32_t n);

/* rewrite_identity.c */
lab_rewrite_rule lab_rewrite_identity;
/* rewrite_activation.c */
lab_rewrite_rule lab_rewrite_activation;
/* rewrite_window.c */
lab_rewrite_rule lab_rewrite_pad, lab_rewrite_batches;
/* rewrite_head.c */
lab_rewrite_rule lab_rewrite_head;
/* rewrite_concat.c */
lab_rewrite_rule lab_rewrite_function, lab_rewrite_concat;

/* ---- questions ---- */

bool lab_node_is(const lab_graph_node *node, const char *op);
bool lab_same_shape(const lab_tensor *a, const lab_tensor *b);
/* The same type, and one pair of scale and zero point for all of it, or none at all. */
bool lab_same_numbers(const lab_tensor *a, const lab_tensor *b);

/*
 * The place in graph->nodes of the node that writes `value`, when nobody else reads the value and
 * it is no output of the graph; UINT32_MAX otherwise.
 */
uint32_t lab_rewrite_sole_producer(const lab_rewriter *r, uint32_t value);

/* How well the best kernel computes a node (lab_kernel.match); 0: none does. */
int lab_rewrite_score(const lab_rewriter *r, const lab_graph_node *node);

/* ---- changes ---- */

/* Makes the node read these values (LAB_VALUE_NONE: nothing) as its first inputs. */
void lab_rewrite_set_inputs(lab_rewriter *r, lab_graph_node *node, const uint32_t *values,
                            uint32_t count);

/* Makes the node at `n` write `value`, whose producer is being removed, as its first output. */
void lab_rewrite_take_output(lab_rewriter *r, uint32_t n, uint32_t value);

/* Takes out the node at `n`. `into`: the node that does its work now; NULL: none needs to. */
void lab_rewrite_remove(lab_rewriter *r, uint32_t n, const lab_graph_node *into,
                        const char *reason);
/* The same for a node whose work another does in its stead, in another place. */
void lab_rewrite_drop(lab_rewriter *r, uint32_t n);

/* Everyone who reads the node's output reads its input `i` instead. False: it is an output. */
bool lab_rewrite_bypass(lab_rewriter *r, uint32_t n, uint32_t i, const char *reason);

/* A new value; LAB_VALUE_NONE when it cannot be had. */
uint32_t lab_rewrite_add_value(lab_rewriter *r, const lab_value_desc *desc);

/*
 * Makes a node that is not in the graph yet: NULL when it cannot be had. Its outputs must have no
 * producer. lab_rewrite_place puts it at a place whose node has been removed.
 */
lab_graph_node *lab_rewrite_make_node(lab_rewriter *r, const lab_node_desc *desc);
void lab_rewrite_place(lab_rewriter *r, uint32_t n, lab_graph_node *node);

#endif
