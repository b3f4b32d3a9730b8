/*
 * Running a prepared model: inputs are copied to their places, then the steps that the wanted
 * results need, one after the other, each split into tiles over the pool. In the model's own
 * workspace nothing is allocated; runs at the same time have each its own (workspace.c).
 */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/pool.h"
#include "model/model_parts.h"
#include "model/nodes.h"

typedef struct tile_job {
    const lab_step *step;
    uint8_t *scratch;
    size_t scratch_stride;
} tile_job;

static void run_tiles(void *user, uint32_t begin, uint32_t end, unsigned thread)
{
    const tile_job *job = user;
    const lab_step *step = job->step;
    lab_task task = {
        .node = &step->node->node,
        .state = step->state,
        .in = step->in,
        .out = step->out,
        .begin = begin,
        .end = end,
        .scratch = job->scratch ? job->scratch + thread * job->scratch_stride : NULL,
    };
    step->kernel->run(&task);
}

bool lab_step_run(lab_context *ctx, const lab_step *step, void *scratch, size_t scratch_stride)
{
    tile_job job = { .step = step, .scratch = scratch, .scratch_stride = scratch_stride };
    return lab_pool_run(ctx->pool, step->tiles, 1, run_tiles, &job, &ctx->stop);
}

static lab_status check_input(const lab_model *model, uint32_t i, const lab_tensor *given,
                              lab_error *error)
{
    const lab_value *value = model->graph->values[model->graph->inputs[i]];
    const lab_tensor *want = &value->tensor;
    char a[LAB_SHAPE_TEXT], b[LAB_SHAPE_TEXT];
    if (!given || !given->data)
        return lab_error_set(error, LAB_E_INVALID, "input %u '%.80s' has no data", i, value->name);
    if (given->dtype != want->dtype || given->rank != want->rank || given->size < want->size ||
        memcmp(given->shape, want->shape, want->rank * sizeof *want->shape) != 0)
        return lab_error_set(
            error, LAB_E_INVALID, "input %u '%.80s' must be %s %s, got %s %s", i, value->name,
            lab_dtype_name(want->dtype), lab_shape_text(a, want->rank, want->shape),
            lab_dtype_name(given->dtype), lab_shape_text(b, given->rank, given->shape));
    return LAB_OK;
}

lab_status lab_model_check_run(const lab_model *model, const lab_tensor *const *inputs,
                               uint32_t n_inputs, unsigned want, lab_error *error)
{
    if (want == 0 || (want & ~(unsigned)(LAB_WANT_OUTPUTS | LAB_WANT_LOGITS)))
        return lab_error_set(error, LAB_E_INVALID, "%#x is not a set of results to want", want);
    if ((want & LAB_WANT_LOGITS) && !model->head.found)
        return lab_error_set(error, LAB_E_UNSUPPORTED,
                             "this network has no class scores: its first output is not "
                             "[1,height,width,classes] or an arg-max of that");
    if (n_inputs != model->graph->n_inputs)
        return lab_error_set(error, LAB_E_INVALID, "the network has %u inputs, got %u",
                             model->graph->n_inputs, n_inputs);
    lab_status status = LAB_OK;
    for (uint32_t i = 0; i < n_inputs && !status; i++)
        status = check_input(model, i, inputs[i], error);
    return status;
}

/* The same place in another workspace; constants are where they are. */
static void *moved(const lab_model *model, const lab_workspace *workspace, const void *data)
{
    uintptr_t offset = (uintptr_t)data - (uintptr_t)model->own.activations;
    if (!data || offset >= model->stats.arena_bytes)
        return (void *)data;
    return (uint8_t *)workspace->activations + offset;
}

static bool run_moved(const lab_model *model, const lab_workspace *workspace, const lab_step *step)
{
    const lab_node *node = &step->node->node;
    const void *in[LAB_NODE_MAX_IN];
    void *out[LAB_NODE_MAX_OUT];
    for (uint32_t i = 0; i < node->n_in; i++)
        in[i] = moved(model, workspace, step->in[i]);
    for (uint32_t i = 0; i < node->n_out; i++)
        out[i] = moved(model, workspace, step->out[i]);
    lab_step here = *step;
    here.in = in;
    here.out = out;
    return lab_step_run(model->ctx, &here, workspace->scratch, model->scratch_stride);
}

static bool run_own(const lab_model *model, const lab_step *step)
{
    int64_t start = model->observe ? lab_now_ns() : 0;
    bool done = lab_step_run(model->ctx, step, model->own.scratch, model->scratch_stride);
    if (done && model->observe)
        model->observe(model->observe_user, step->node, step->outputs,
                       (uint64_t)(lab_now_ns() - start));
    return done;
}

/* Inputs that were checked, through the steps that `want` needs. */
static lab_status run_in(const lab_model *model, const lab_workspace *workspace,
                         const lab_tensor *const *inputs, unsigned want, lab_error *error)
{
    for (uint32_t i = 0; i < model->graph->n_inputs; i++) {
        uint32_t id = model->graph->inputs[i];
        if (model->data[id]) /* NULL: nothing reads it */
            memcpy(moved(model, workspace, model->data[id]), inputs[i]->data,
                   model->graph->values[id]->tensor.size);
    }
    for (uint32_t i = 0; i < model->n_steps; i++) {
        const lab_step *step = &model->steps[i];
        if (!(step->want & want))
            continue;
        bool done =
            workspace == &model->own ? run_own(model, step) : run_moved(model, workspace, step);
        if (!done)
            return lab_error_set(error, LAB_E_INTERRUPTED, "stopped before op %u %s",
                                 step->node->node.index, step->node->label);
    }
    return LAB_OK;
}

lab_status lab_model_run(lab_model *model, const lab_tensor *const *inputs, uint32_t n_inputs,
                         unsigned want, lab_error *error)
{
    lab_status status = lab_model_check_run(model, inputs, n_inputs, want, error);
    if (status)
        return status;
    model->ran = 0;
    status = run_in(model, &model->own, inputs, want, error);
    model->ran = status ? 0 : want;
    return status;
}

/* ---- results ---- */

/* With the data of the model's own workspace. */
static const lab_tensor *own_result(const lab_model *model, unsigned want, uint32_t i)
{
    if (want == LAB_WANT_LOGITS)
        return i == 0 && model->head.found ? &model->logits : NULL;
    return i < model->graph->n_outputs ? &model->outputs[i] : NULL;
}

const lab_tensor *lab_model_result_layout(const lab_model *model, unsigned want, uint32_t i)
{
    if (want == LAB_WANT_OUTPUTS)
        return lab_model_output(model, i);
    return i == 0 && model->head.found ? &model->graph->values[model->head.logits]->tensor : NULL;
}

static lab_status copy_from(const lab_model *model, const lab_workspace *workspace, unsigned want,
                            lab_tensor *const *results, uint32_t n_results, lab_error *error)
{
    for (uint32_t i = 0; i < n_results; i++) {
        const lab_tensor *from = own_result(model, want, i);
        if (!from || from->size != results[i]->size)
            return lab_error_set(error, LAB_E_UNSUPPORTED,
                                 "the network gave %zu bytes where its shape says %zu",
                                 from ? from->size : 0, results[i]->size);
        memcpy(results[i]->data, moved(model, workspace, from->data), from->size);
    }
    return LAB_OK;
}

lab_status lab_model_copy_results(const lab_model *model, unsigned want, lab_tensor *const *results,
                                  uint32_t n_results, lab_error *error)
{
    if (!(model->ran & want))
        return lab_error_set(error, LAB_E_INVALID, "there is no run whose results could be copied");
    return copy_from(model, &model->own, want, results, n_results, error);
}

lab_status lab_model_run_apart(lab_model *model, const lab_tensor *const *inputs, uint32_t n_inputs,
                               unsigned want, lab_tensor *const *results, uint32_t n_results,
                               lab_error *error)
{
    lab_status status = lab_model_check_run(model, inputs, n_inputs, want, error);
    if (status)
        return status;
    lab_workspace *workspace = lab_workspace_take(model);
    if (!workspace)
        return lab_error_nomem(error, model->stats.arena_bytes, "activations of one more run");
    status = run_in(model, workspace, inputs, want, error);
    if (!status)
        status = copy_from(model, workspace, want, results, n_results, error);
    lab_workspace_give_back(model, workspace);
    return status;
}

const lab_tensor *lab_model_result(const lab_model *model, uint32_t i)
{
    if (!(model->ran & LAB_WANT_OUTPUTS) || i >= model->graph->n_outputs)
        return NULL;
    return &model->outputs[i];
}

const lab_tensor *lab_model_logits(const lab_model *model)
{
    return model->ran & LAB_WANT_LOGITS ? &model->logits : NULL;
}
