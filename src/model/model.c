/*
 * Loading a model: graph, rewrites (rewrite.c), head, kernels (prepare.c), memory plan, and the
 * tables that let a run do without looking anything up.
 */
#include "model/model.h"

#include <string.h>

#include "model/model_parts.h"
#include "model/rewrite.h"

static lab_status take_tables(lab_model *model, lab_error *error)
{
    const lab_graph *graph = model->graph;
    lab_arena *arena = &model->arena;
    model->steps = lab_arena_array(arena, graph->n_nodes, sizeof *model->steps);
    model->kernels = lab_arena_array(arena, graph->n_nodes, sizeof(void *));
    model->want = lab_arena_array(arena, graph->n_nodes, sizeof *model->want);
    model->data = lab_arena_array(arena, graph->n_values, sizeof *model->data);
    model->plan = lab_arena_array(arena, graph->n_values, sizeof *model->plan);
    model->planned = lab_arena_array(arena, graph->n_values, sizeof *model->planned);
    model->outputs = lab_arena_array(arena, graph->n_outputs, sizeof *model->outputs);
    if (!model->steps || !model->kernels || !model->want || !model->data || !model->plan ||
        !model->planned || !model->outputs)
        return lab_error_nomem(error, graph->n_nodes * sizeof *model->steps, "the model's tables");
    return LAB_OK;
}

/*
 * When each value is alive, by step. `slot` is scratch by value: 1 + its place in the plan, 0 for
 * none yet.
 */
static void find_lives(lab_model *model, uint32_t *slot)
{
    const lab_graph *graph = model->graph;
    for (uint32_t s = 0; s < model->n_steps; s++) {
        const lab_graph_node *node = model->steps[s].node;
        for (uint32_t i = 0; i < node->node.n_in + node->node.n_out; i++) {
            bool written = i >= node->node.n_in;
            uint32_t id = written ? node->out[i - node->node.n_in] : node->in[i];
            if (id == LAB_VALUE_NONE || graph->values[id]->tensor.data)
                continue;
            if (!slot[id]) {
                model->planned[model->n_planned] = id;
                model->plan[model->n_planned] = (lab_plan_item){
                    .size = graph->values[id]->tensor.size,
                    .first = written ? s : 0, /* inputs are there from the start */
                };
                slot[id] = ++model->n_planned;
            }
            model->plan[slot[id] - 1].last = s;
        }
    }
    for (uint32_t i = 0; i < graph->n_outputs; i++)
        if (slot[graph->outputs[i]])
            model->plan[slot[graph->outputs[i]] - 1].last = model->n_steps;
    if (model->head.found)
        model->plan[slot[model->head.logits] - 1].last = model->n_steps;
}

/* Where most is alive: no plan can do with less. */
static lab_status find_peak(lab_model *model, lab_error *error)
{
    size_t steps = (size_t)model->n_steps + 2; /* outputs are alive after the last one too */
    size_t *born = lab_alloc_array(model->ctx, 2 * steps, sizeof *born);
    if (!born)
        return lab_error_nomem(error, 2 * steps * sizeof *born, "the memory plan");
    size_t *gone = born + steps, alive = 0;
    for (uint32_t i = 0; i < model->n_planned; i++) {
        born[model->plan[i].first] += model->plan[i].size;
        gone[model->plan[i].last + 1] += model->plan[i].size;
    }
    for (uint32_t s = 0; s < model->n_steps; s++) {
        alive += born[s] - gone[s];
        if (alive > model->stats.peak_bytes) {
            model->stats.peak_bytes = alive;
            model->stats.peak_node = model->steps[s].node;
        }
    }
    lab_free(model->ctx, born);
    return LAB_OK;
}

static lab_status place_values(lab_model *model, lab_error *error)
{
    const lab_graph *graph = model->graph;
    uint32_t *slot = lab_alloc_array(model->ctx, graph->n_values, sizeof *slot);
    if (!slot)
        return lab_error_nomem(error, graph->n_values * sizeof *slot, "the memory plan");
    find_lives(model, slot);
    lab_free(model->ctx, slot);
    size_t total;
    lab_status status = lab_plan(model->ctx, model->plan, model->n_planned, &total, error);
    if (status || (status = find_peak(model, error)))
        return status;
    model->own.activations = lab_alloc(model->ctx, total);
    if (!model->own.activations)
        return lab_error_nomem(error, total, "activations");
    model->stats.arena_bytes = total;
    for (uint32_t v = 0; v < graph->n_values; v++)
        model->data[v] = graph->values[v]->tensor.data;
    for (uint32_t i = 0; i < model->n_planned; i++)
        model->data[model->planned[i]] = (uint8_t *)model->own.activations + model->plan[i].offset;
    return LAB_OK;
}

static lab_tensor tensor_with_data(const lab_model *model, uint32_t id)
{
    lab_tensor tensor = model->graph->values[id]->tensor;
    tensor.data = model->data[id];
    return tensor;
}

static lab_status wire_step(lab_model *model, lab_step *step)
{
    const lab_graph_node *node = step->node;
    step->in = lab_arena_array(&model->arena, node->node.n_in, sizeof *step->in);
    step->out = lab_arena_array(&model->arena, node->node.n_out, sizeof *step->out);
    step->outputs = lab_arena_array(&model->arena, node->node.n_out, sizeof *step->outputs);
    if (!step->in || !step->out || !step->outputs)
        return LAB_E_NOMEM;
    for (uint32_t i = 0; i < node->node.n_in; i++)
        step->in[i] = node->in[i] == LAB_VALUE_NONE ? NULL : model->data[node->in[i]];
    for (uint32_t i = 0; i < node->node.n_out; i++) {
        step->out[i] = model->data[node->out[i]];
        step->outputs[i] = tensor_with_data(model, node->out[i]);
    }
    return LAB_OK;
}

static lab_status wire(lab_model *model, lab_error *error)
{
    for (uint32_t s = 0; s < model->n_steps; s++)
        if (wire_step(model, &model->steps[s]))
            return lab_error_nomem(error, sizeof(lab_tensor), "the model's tables");
    for (uint32_t i = 0; i < model->graph->n_outputs; i++)
        model->outputs[i] = tensor_with_data(model, model->graph->outputs[i]);
    if (model->head.found)
        model->logits = tensor_with_data(model, model->head.logits);
    return LAB_OK;
}

static void count_constants(lab_model *model)
{
    const lab_graph *graph = model->graph;
    for (uint32_t v = 0; v < graph->n_values; v++) {
        const lab_value *value = graph->values[v];
        if (value->tensor.data && value->producer == UINT32_MAX)
            model->stats.constant_bytes += value->tensor.size;
    }
    model->stats.nodes = model->n_steps;
    model->stats.removed = graph->n_removed;
}

static lab_status build(lab_model *model, const lab_model_options *options, lab_error *error)
{
    lab_status status = LAB_OK;
    if (!options || !options->as_in_file)
        status = lab_graph_rewrite(model->graph, model->registry, error);
    if (status || (status = take_tables(model, error)))
        return status;
    lab_model_find_head(model);
    if ((status = lab_model_prepare(model, error)) || (status = place_values(model, error)) ||
        (status = wire(model, error)))
        return status;
    count_constants(model);
    return LAB_OK;
}

lab_status lab_model_load_with(lab_registry *registry, lab_buffer *file, const char *name,
                               const lab_model_options *options, lab_model **out, lab_error *error)
{
    lab_error local = { LAB_OK, "" };
    lab_context *ctx = lab_registry_context(registry);
    lab_graph *graph;
    lab_status status = lab_graph_load(registry, file, name, &graph, error);
    if (status)
        return status;
    lab_model *model = lab_alloc_zero(ctx, sizeof *model);
    if (!model) {
        lab_graph_free(graph);
        return lab_error_nomem(error, sizeof *model, "the model");
    }
    model->ctx = ctx;
    model->registry = registry;
    model->graph = graph;
    atomic_init(&model->workspaces, 0);
    atomic_init(&model->references, 1);
    for (uint32_t i = 0; i < LAB_SPARE_WORKSPACES; i++)
        atomic_init(&model->spare[i], NULL);
    lab_arena_init(&model->arena, ctx);
    if ((status = build(model, options, &local))) {
        lab_model_free(model);
        lab_error_prefix(&local, "%s", name);
        if (error)
            *error = local;
        return status;
    }
    *out = model;
    return LAB_OK;
}

lab_status lab_model_load(lab_registry *registry, lab_buffer *file, const char *name,
                          lab_model **out, lab_error *error)
{
    return lab_model_load_with(registry, file, name, NULL, out, error);
}

void lab_model_ref(lab_model *model)
{
    atomic_fetch_add_explicit(&model->references, 1, memory_order_relaxed);
}

void lab_model_free(lab_model *model)
{
    if (!model || atomic_fetch_sub_explicit(&model->references, 1, memory_order_acq_rel) > 1)
        return;
    lab_context *ctx = model->ctx;
    lab_workspace_free_spares(model);
    lab_free(ctx, model->own.activations);
    lab_free(ctx, model->own.scratch);
    lab_arena_reset(&model->arena);
    lab_graph_free(model->graph);
    lab_free(ctx, model);
}

const lab_head *lab_model_head(const lab_model *model)
{
    return &model->head;
}

const lab_graph *lab_model_graph(const lab_model *model)
{
    return model->graph;
}

const lab_tensor *lab_model_input(const lab_model *model, uint32_t i)
{
    const lab_graph *graph = model->graph;
    return i < graph->n_inputs ? &graph->values[graph->inputs[i]]->tensor : NULL;
}

const lab_tensor *lab_model_output(const lab_model *model, uint32_t i)
{
    const lab_graph *graph = model->graph;
    return i < graph->n_outputs ? &graph->values[graph->outputs[i]]->tensor : NULL;
}

void lab_model_observe(lab_model *model, lab_observe_fn *fn, void *user)
{
    model->observe = fn;
    model->observe_user = user;
}

void lab_model_get_stats(const lab_model *model, lab_model_stats *stats)
{
    *stats = model->stats;
}

const lab_kernel *lab_model_kernel(const lab_model *model, uint32_t i)
{
    return i < model->graph->n_nodes ? model->kernels[i] : NULL;
}
