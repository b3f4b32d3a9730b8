/*
 * Memory for runs of one model at the same time. A run takes a workspace and gives it back; those
 * that nobody uses wait in a few slots, each taken and filled by one atomic exchange, so that there
 * are as many as there were runs at once and none of them waits for another.
 */
#include "base/checked.h"
#include "base/pool.h"
#include "model/model_parts.h"

static void free_workspace(lab_model *model, lab_workspace *workspace)
{
    lab_free(model->ctx, workspace->activations);
    lab_free(model->ctx, workspace->scratch);
    lab_free(model->ctx, workspace);
}

static lab_workspace *new_workspace(lab_model *model)
{
    lab_context *ctx = model->ctx;
    lab_workspace *workspace = lab_alloc_zero(ctx, sizeof *workspace);
    if (!workspace)
        return NULL;
    workspace->activations = lab_alloc(ctx, model->stats.arena_bytes);
    workspace->scratch = lab_alloc(ctx, model->stats.scratch_bytes);
    if (workspace->activations && workspace->scratch) {
        atomic_fetch_add_explicit(&model->workspaces, 1, memory_order_relaxed);
        return workspace;
    }
    free_workspace(model, workspace);
    return NULL;
}

lab_workspace *lab_workspace_take(lab_model *model)
{
    for (uint32_t i = 0; i < LAB_SPARE_WORKSPACES; i++) {
        lab_workspace *workspace =
            atomic_exchange_explicit(&model->spare[i], NULL, memory_order_acquire);
        if (workspace)
            return workspace;
    }
    return new_workspace(model);
}

void lab_workspace_give_back(lab_model *model, lab_workspace *workspace)
{
    for (uint32_t i = 0; i < LAB_SPARE_WORKSPACES; i++) {
        lab_workspace *none = NULL;
        if (atomic_compare_exchange_strong_explicit(&model->spare[i], &none, workspace,
                                                    memory_order_release, memory_order_relaxed))
            return;
    }
    atomic_fetch_sub_explicit(&model->workspaces, 1, memory_order_relaxed);
    free_workspace(model, workspace);
}

void lab_workspace_free_spares(lab_model *model)
{
    for (uint32_t i = 0; i < LAB_SPARE_WORKSPACES; i++) {
        lab_workspace *workspace =
            atomic_exchange_explicit(&model->spare[i], NULL, memory_order_acquire);
        if (workspace)
            free_workspace(model, workspace);
    }
}

size_t lab_model_workspace_bytes(lab_model *model)
{
    size_t one = model->stats.arena_bytes + model->stats.scratch_bytes;
    return one * atomic_load_explicit(&model->workspaces, memory_order_relaxed);
}
