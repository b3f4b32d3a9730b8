/*
 * A model ready to run: graph, kernels with packed weights, memory plan. Loading does all the work
 * and all the allocation; lab_model_run allocates nothing.
 */
#ifndef LAB_MODEL_MODEL_H
#define LAB_MODEL_MODEL_H

#include "model/graph.h"

typedef struct lab_model lab_model;

/* Fills the kernel part of a host's table of services. */
void lab_model_fill_api(lab_host_api *api);

/*
 * Loads, checks, folds constants (nodes that read only constants run now), chooses and prepares
 * kernels, plans memory. `name` is for messages.
 */
lab_status lab_model_load(lab_registry *registry, lab_buffer *file, const char *name,
                          lab_model **out, lab_error *error);

typedef struct lab_model_options {
    /* No rewrites: every operator of the file is a node of its own, with its own output to
     * observe. Slower, and the same results. */
    bool as_in_file;
} lab_model_options;

/* As lab_model_load; `options` NULL: as it does. */
lab_status lab_model_load_with(lab_registry *registry, lab_buffer *file, const char *name,
                               const lab_model_options *options, lab_model **out, lab_error *error);
/* Another reference: as many lab_model_free as there are references free the model. */
void lab_model_ref(lab_model *model);
void lab_model_free(lab_model *model); /* NULL is allowed */

/*
 * How the network ends, found by walking back from its first output through arg-max, softmax or
 * logistic, and bilinear resize:  logits -> [resize] -> [softmax | logistic] -> [argmax].
 * All sizes in elements; logits is [1, h, w, C].
 */
typedef enum lab_head_activation {
    LAB_HEAD_NONE = 0,
    LAB_HEAD_SOFTMAX,
    LAB_HEAD_LOGISTIC
} lab_head_activation;

typedef struct lab_head {
    bool found;        /* false: the output is not [1, h, w(, C)]; the rest is zero */
    uint32_t logits;   /* value id */
    uint32_t channels; /* C */
    int32_t logits_h, logits_w;
    int32_t out_h, out_w;                   /* of the network's own map */
    bool align_corners, half_pixel_centers; /* of the resize */
    bool resized;                           /* there is a resize between logits and output */
    lab_head_activation activation;
    bool argmax; /* the network ends in a label map */
} lab_head;

const lab_head *lab_model_head(const lab_model *model);
const lab_graph *lab_model_graph(const lab_model *model);

/* Shapes, dtypes and quantisation of the inputs and outputs (no data); NULL past the end. */
const lab_tensor *lab_model_input(const lab_model *model, uint32_t i);
const lab_tensor *lab_model_output(const lab_model *model, uint32_t i);

typedef enum lab_want {
    LAB_WANT_OUTPUTS = 1, /* everything the file calls an output */
    LAB_WANT_LOGITS = 2   /* head.logits; alone, what comes after it is not computed */
} lab_want;

/*
 * Runs the network on inputs of exactly the declared dtype and shape (data are read during the
 * call only). Not for two threads at once on one model. LAB_E_INTERRUPTED when the context's stop
 * flag was set: results are then undefined.
 */
lab_status lab_model_run(lab_model *model, const lab_tensor *const *inputs, uint32_t n_inputs,
                         unsigned want, lab_error *error);

/* Whether a run can have these inputs and give that: what it would refuse them with. */
lab_status lab_model_check_run(const lab_model *model, const lab_tensor *const *inputs,
                               uint32_t n_inputs, unsigned want, lab_error *error);

/* After a run that wanted it: the value, borrowed until the next run. */
const lab_tensor *lab_model_result(const lab_model *model, uint32_t i);
const lab_tensor *lab_model_logits(const lab_model *model);

/* The layout of result `i` of a run that wants `want` (one of them); NULL past the last. */
const lab_tensor *lab_model_result_layout(const lab_model *model, unsigned want, uint32_t i);
/* After a run that wanted `want`: copies of its results, in tensors of their layouts. */
lab_status lab_model_copy_results(const lab_model *model, unsigned want, lab_tensor *const *results,
                                  uint32_t n_results, lab_error *error);

/*
 * As lab_model_run and lab_model_copy_results, in memory of the run's own: several threads may do
 * this at once on one model, beside a lab_model_run of another. That memory is kept for later runs.
 * `want` is one kind of result; no observer hears of it.
 */
lab_status lab_model_run_apart(lab_model *model, const lab_tensor *const *inputs, uint32_t n_inputs,
                               unsigned want, lab_tensor *const *results, uint32_t n_results,
                               lab_error *error);
/* Bytes that are kept for runs apart. */
size_t lab_model_workspace_bytes(lab_model *model);

/* Called after each node with the data of its outputs (valid during the call); NULL stops it. */
typedef void lab_observe_fn(void *user, const lab_graph_node *node, const lab_tensor *outputs,
                            uint64_t nanoseconds);
void lab_model_observe(lab_model *model, lab_observe_fn *fn, void *user);

/* Figures for `models info`. */
typedef struct lab_model_stats {
    uint32_t nodes;                  /* that run */
    uint32_t folded;                 /* computed at load time */
    uint32_t removed;                /* taken out by rewrites: see lab_graph.removed */
    uint64_t macs;                   /* multiply-adds of one run */
    size_t constant_bytes;           /* weights in the file */
    size_t packed_bytes;             /* what kernels keep */
    size_t arena_bytes;              /* activations, planned by lifetime */
    size_t peak_bytes;               /* activations alive at the same time, at most … */
    const lab_graph_node *peak_node; /* … which is while this node runs; NULL: none runs */
    size_t scratch_bytes;            /* all threads */
} lab_model_stats;
void lab_model_get_stats(const lab_model *model, lab_model_stats *stats);

/* The kernel that node `i` of the graph got; NULL for a folded one. */
const lab_kernel *lab_model_kernel(const lab_model *model, uint32_t i);

/* Multiply-adds of node `i` in one run; 0 for nodes that only move or compare. */
uint64_t lab_model_macs(const lab_model *model, uint32_t i);

#endif
