/*
 * The inside of a lab_model, shared by the files that build it (model.c, prepare.c, head.c,
 * macs.c), run it (run.c) and test it. Private to the model room.
 */
#ifndef LAB_MODEL_MODEL_PARTS_H
#define LAB_MODEL_MODEL_PARTS_H

#include <stdatomic.h>

#include "model/model.h"
#include "model/plan.h"

/* A node that runs, with everything a run needs at hand. */
typedef struct lab_step {
    const lab_graph_node *node;
    const lab_kernel *kernel;
    const void *state; /* what prepare left */
    uint32_t tiles;
    size_t scratch_size;
    unsigned want;   /* LAB_WANT_… results that need this node */
    const void **in; /* data, constants included; NULL where absent */
    void **out;
    lab_tensor *outputs; /* with data, for the observer */
} lab_step;

/*
 * What a run writes to. The steps point into the model's own; a run in another finds the same
 * places there.
 */
typedef struct lab_workspace {
    void *activations; /* stats.arena_bytes */
    void *scratch;     /* of all threads, scratch_stride bytes each */
} lab_workspace;

/* Workspaces kept for runs at the same time; more than that are made and freed again. */
#define LAB_SPARE_WORKSPACES 34u

struct lab_model {
    lab_context *ctx;
    lab_registry *registry;
    lab_graph *graph;
    lab_arena arena; /* steps, packed weights, tables below */
    lab_step *steps;
    uint32_t n_steps;
    const lab_kernel **kernels; /* by node; NULL: folded, or nothing needs it */
    unsigned *want;             /* by node: LAB_WANT_… results that need it */
    void **data;                /* by value: constant, place in own.activations, or NULL */
    lab_plan_item *plan;        /* planned values … */
    uint32_t *planned;          /* … and which values they are */
    uint32_t n_planned;
    lab_workspace own;                                    /* of lab_model_run */
    _Atomic(lab_workspace *) spare[LAB_SPARE_WORKSPACES]; /* NULL: none, or in use */
    atomic_size_t workspaces;                             /* made beside `own` and not freed */
    atomic_uint references;
    size_t scratch_stride;
    lab_tensor *outputs; /* by graph output, with data */
    lab_tensor logits;
    lab_head head;
    lab_model_stats stats;
    unsigned ran; /* LAB_WANT_… results that are there */
    lab_observe_fn *observe;
    void *observe_user;
};

/* Finds model->head (head.c). */
void lab_model_find_head(lab_model *model);

/*
 * Folds the nodes that read only constants and gives each other node that a result needs its
 * kernel and step (prepare.c).
 */
lab_status lab_model_prepare(lab_model *model, lab_error *error);

/* A workspace for one run, and the end of that (workspace.c). NULL: there is no memory for one. */
lab_workspace *lab_workspace_take(lab_model *model);
void lab_workspace_give_back(lab_model *model, lab_workspace *workspace);
void lab_workspace_free_spares(lab_model *model);

/* Runs one step's tiles on the pool; false when stopped. `scratch` as in lab_model (run.c). */
bool lab_step_run(lab_context *ctx, const lab_step *step, void *scratch, size_t scratch_stride);

/* Multiply-adds of a node; 0 for those that are not sums of products (macs.c). */
uint64_t lab_node_macs(const lab_node *node);

#endif
