/*
 * From graph to steps: nodes that read only constants are computed now, each other node that a
 * result needs gets the best kernel for it, and that kernel packs its weights. The lab_prepare
 * behind a kernel's prepare function is here.
 */
#include <string.h>

#include "base/checked.h"
#include "base/pool.h"
#include "model/model_parts.h"

/* More than this for one thread of one node, or for the packed weights of a model, is a mistake
 * of the file or the kernel. */
#define MAX_SCRATCH ((size_t)1 << 30)
#define MAX_PACKED ((size_t)1 << 31)

struct lab_prepare {
    const lab_host_api *api; /* first: LAB_API_OF */
    lab_arena *arena;
    size_t bytes; /* taken through this prepare */
    const void *state;
    uint32_t tiles;
    size_t scratch_size;
    lab_error error; /* of the first failure */
};

static lab_status prepare_vfail(lab_prepare *prepare, lab_status status, const char *fmt,
                                va_list args)
{
    if (prepare->error.status == LAB_OK)
        lab_error_vset(&prepare->error, status, fmt, args);
    return prepare->error.status;
}

static void *prepare_alloc(lab_prepare *prepare, size_t size)
{
    if (prepare->error.status)
        return NULL;
    if (size > MAX_PACKED || prepare->arena->total > MAX_PACKED - size) {
        lab_prepare_fail(prepare, LAB_E_LIMIT, "packed weights need more than %zu bytes",
                         MAX_PACKED);
        return NULL;
    }
    void *memory = lab_arena_alloc(prepare->arena, size);
    if (!memory)
        lab_error_nomem(&prepare->error, size, "packed weights");
    else
        prepare->bytes += size;
    return memory;
}

static void prepare_state(lab_prepare *prepare, const void *state)
{
    prepare->state = state;
}

static void prepare_tiles(lab_prepare *prepare, uint32_t tiles, size_t scratch_size)
{
    if (tiles < 1 || scratch_size > MAX_SCRATCH)
        lab_prepare_fail(prepare, LAB_E_LIMIT,
                         "the kernel asks for %u tiles with %zu bytes of scratch memory (1 or more "
                         "and at most %zu are possible)",
                         tiles, scratch_size, MAX_SCRATCH);
    prepare->tiles = tiles;
    prepare->scratch_size = scratch_size;
}

void lab_model_fill_api(lab_host_api *api)
{
    api->prepare_alloc = prepare_alloc;
    api->prepare_state = prepare_state;
    api->prepare_tiles = prepare_tiles;
    api->prepare_vfail = prepare_vfail;
}

/* Which kernels there are for a node type, for the sentence that none of them fits. */
static void kernel_names(const lab_registry *registry, const char *op, char *text, size_t size)
{
    size_t used = 0;
    const lab_kernel *kernel;
    text[0] = '\0';
    for (size_t i = 0; (kernel = lab_registry_kernel_at(registry, i)) && used < size; i++)
        if (!strcmp(kernel->op, op))
            used +=
                (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", kernel->name);
}

static lab_status no_kernel(const lab_model *model, const lab_node *node, lab_error *error)
{
    char names[200], types[120];
    size_t used = 0;
    kernel_names(model->registry, node->op, names, sizeof names);
    if (!names[0])
        return lab_error_set(error, LAB_E_UNSUPPORTED,
                             "there is no kernel for %s: are the plugins in place? (see `lualab "
                             "plugins`)",
                             node->op);
    types[0] = '\0';
    for (uint32_t i = 0; i < node->n_in && used < sizeof types; i++)
        used += (size_t)snprintf(types + used, sizeof types - used, "%s%s", i ? ", " : "",
                                 node->in[i] ? lab_dtype_name(node->in[i]->dtype) : "none");
    return lab_error_set(error, LAB_E_UNSUPPORTED,
                         "no kernel computes %s of %s -> %s; there are %s", node->op, types,
                         lab_dtype_name(node->out[0]->dtype), names);
}

/* Chooses the kernel of `step` and lets it prepare; `packed` is increased by what it keeps. */
static lab_status prepare_step(const lab_model *model, lab_arena *arena, lab_step *step,
                               size_t *packed, lab_error *error)
{
    const lab_node *node = &step->node->node;
    step->kernel = lab_registry_match(model->registry, node);
    if (!step->kernel)
        return no_kernel(model, node, error);
    lab_prepare prepare = {
        .api = lab_registry_api(model->registry),
        .arena = arena,
        .tiles = 1,
    };
    lab_status status = step->kernel->prepare ? step->kernel->prepare(&prepare, node) : LAB_OK;
    if (status && prepare.error.status == LAB_OK)
        lab_error_set(&prepare.error, status, "failed without saying why");
    if (prepare.error.status) {
        *error = prepare.error;
        return lab_error_prefix(error, "%s", step->kernel->name);
    }
    step->state = prepare.state;
    step->tiles = prepare.tiles;
    step->scratch_size = prepare.scratch_size;
    *packed += prepare.bytes;
    return LAB_OK;
}

static bool reads_only_constants(const lab_node *node)
{
    for (uint32_t i = 0; i < node->n_in; i++)
        if (node->in[i] && !node->in[i]->data)
            return false;
    return true;
}

/* Scratch memory for every thread; *stride is what each gets. NULL with LAB_OK: none is needed. */
static lab_status take_scratch(lab_context *ctx, size_t size, void **scratch, size_t *stride,
                               lab_error *error)
{
    size_t total;
    *scratch = NULL;
    *stride = 0;
    if (size == 0)
        return LAB_OK;
    if (!lab_round_up(size, LAB_ALIGN, stride) || !lab_add_size(*stride, LAB_TAIL, stride) ||
        !lab_mul_size(*stride, lab_pool_threads(ctx->pool), &total))
        return lab_error_set(error, LAB_E_LIMIT, "%zu bytes of scratch memory are too much", size);
    *scratch = lab_alloc_zero(ctx, total);
    return *scratch ? LAB_OK : lab_error_nomem(error, total, "scratch memory");
}

/* Runs a step on memory of the graph; its outputs become constants. */
static lab_status fold_step(lab_model *model, const lab_step *step, lab_error *error)
{
    lab_graph *graph = model->graph;
    const lab_node *node = &step->node->node;
    const void *in[LAB_NODE_MAX_IN];
    void *out[LAB_NODE_MAX_OUT], *scratch;
    size_t stride;
    for (uint32_t i = 0; i < node->n_in; i++)
        in[i] = node->in[i] ? node->in[i]->data : NULL;
    for (uint32_t i = 0; i < node->n_out; i++) {
        size_t size = node->out[i]->size;
        if (size > LAB_GRAPH_MAX_BYTES || graph->arena.total > LAB_GRAPH_MAX_BYTES - size)
            return lab_error_set(error, LAB_E_LIMIT,
                                 "constants computed from the file need more than %zu bytes",
                                 LAB_GRAPH_MAX_BYTES);
        if (!(out[i] = lab_arena_alloc(&graph->arena, size)))
            return lab_error_nomem(error, size, "a constant");
    }
    lab_status status = take_scratch(model->ctx, step->scratch_size, &scratch, &stride, error);
    if (status)
        return status;
    lab_step run = *step;
    run.in = in;
    run.out = out;
    bool done = lab_step_run(model->ctx, &run, scratch, stride);
    lab_free(model->ctx, scratch);
    if (!done)
        return lab_error_set(error, LAB_E_INTERRUPTED, "stopped while loading");
    for (uint32_t i = 0; i < node->n_out; i++)
        graph->values[step->node->out[i]]->tensor.data = out[i];
    model->stats.folded++;
    return LAB_OK;
}

/* What the kernel packs for a node that is folded is of no use afterwards. */
static lab_status fold_node(lab_model *model, lab_step *step, lab_error *error)
{
    lab_arena temporary;
    size_t packed = 0;
    lab_arena_init(&temporary, model->ctx);
    lab_status status = prepare_step(model, &temporary, step, &packed, error);
    if (!status)
        status = fold_step(model, step, error);
    lab_arena_reset(&temporary);
    return status;
}

/* Which results need which nodes, found from the results back to the inputs. */
static lab_status find_wanted(lab_model *model, lab_error *error)
{
    const lab_graph *graph = model->graph;
    unsigned *value_want = lab_alloc_array(model->ctx, graph->n_values, sizeof *value_want);
    if (!value_want)
        return lab_error_nomem(error, graph->n_values * sizeof *value_want, "the model");
    for (uint32_t i = 0; i < graph->n_outputs; i++)
        value_want[graph->outputs[i]] |= LAB_WANT_OUTPUTS;
    if (model->head.found)
        value_want[model->head.logits] |= LAB_WANT_LOGITS;
    for (uint32_t n = graph->n_nodes; n-- > 0;) {
        const lab_graph_node *node = graph->nodes[n];
        for (uint32_t i = 0; i < node->node.n_out; i++)
            model->want[n] |= value_want[node->out[i]];
        for (uint32_t i = 0; i < node->node.n_in; i++)
            if (node->in[i] != LAB_VALUE_NONE)
                value_want[node->in[i]] |= model->want[n];
    }
    lab_free(model->ctx, value_want);
    return LAB_OK;
}

/*
 * Folds in the order of the nodes, so that what reads a folded value sees its data, and gives every
 * other node that a result needs its step, not yet prepared.
 */
static lab_status fold_all(lab_model *model, lab_error *error)
{
    const lab_graph *graph = model->graph;
    for (uint32_t n = 0; n < graph->n_nodes; n++) {
        const lab_graph_node *node = graph->nodes[n];
        lab_step step = { .node = node, .want = model->want[n] };
        if (!model->want[n]) /* nothing wanted depends on it */
            continue;
        if (!reads_only_constants(&node->node))
            model->steps[model->n_steps++] = step;
        else if (fold_node(model, &step, error))
            return lab_error_prefix(error, "op %u %.64s", node->node.index, node->label);
    }
    return LAB_OK;
}

/* What a thread packs goes into an arena of its own, which the model's takes over. */
typedef struct packer {
    lab_arena arena;
    size_t packed;
    uint32_t failed; /* the first step of its own that failed; UINT32_MAX: none … */
    lab_error error; /* … and why */
} packer;

typedef struct packing {
    lab_model *model;
    packer *packers; /* one a thread */
} packing;

/* A failure ends nothing: the first of all is told, however the steps were shared out. */
static void pack_steps(void *user, uint32_t begin, uint32_t end, unsigned thread)
{
    const packing *all = user;
    packer *own = &all->packers[thread];
    for (uint32_t s = begin; s < end; s++) {
        lab_error error;
        if (prepare_step(all->model, &own->arena, &all->model->steps[s], &own->packed, &error) &&
            s < own->failed) {
            own->failed = s;
            own->error = error;
        }
    }
}

static lab_status take_over(lab_model *model, packer *packers, unsigned threads, lab_error *error)
{
    const packer *failed = NULL;
    for (unsigned i = 0; i < threads; i++) {
        packer *p = &packers[i];
        if (p->failed != UINT32_MAX && (!failed || p->failed < failed->failed))
            failed = p;
        model->stats.packed_bytes += p->packed;
        lab_arena_take(&model->arena, &p->arena);
    }
    if (!failed)
        return LAB_OK;
    const lab_graph_node *node = model->steps[failed->failed].node;
    *error = failed->error;
    return lab_error_prefix(error, "op %u %.64s", node->node.index, node->label);
}

/* Kernels and packed weights of all steps. Packing takes longest of all loading: on every thread.
 */
static lab_status pack_all(lab_model *model, lab_error *error)
{
    lab_context *ctx = model->ctx;
    unsigned threads = lab_pool_threads(ctx->pool);
    packer *packers = lab_alloc_array(ctx, threads, sizeof *packers);
    if (!packers)
        return lab_error_nomem(error, threads * sizeof *packers, "the model's tables");
    for (unsigned i = 0; i < threads; i++) {
        lab_arena_init(&packers[i].arena, ctx);
        packers[i].failed = UINT32_MAX;
    }
    packing all = { model, packers };
    bool done = lab_pool_run(ctx->pool, model->n_steps, 1, pack_steps, &all, &ctx->stop);
    lab_status status = take_over(model, packers, threads, error);
    lab_free(ctx, packers);
    if (!status && !done)
        return lab_error_set(error, LAB_E_INTERRUPTED, "stopped while loading");
    return status;
}

/* Sums over the steps, and the kernels by node. */
static void describe_steps(lab_model *model)
{
    for (uint32_t n = 0, s = 0; n < model->graph->n_nodes && s < model->n_steps; n++) {
        const lab_step *step = &model->steps[s];
        if (step->node != model->graph->nodes[n])
            continue;
        model->kernels[n] = step->kernel;
        model->stats.macs += lab_node_macs(&step->node->node);
        if (step->scratch_size > model->scratch_stride)
            model->scratch_stride = step->scratch_size;
        s++;
    }
}

lab_status lab_model_prepare(lab_model *model, lab_error *error)
{
    const lab_graph *graph = model->graph;
    lab_status status = find_wanted(model, error);
    if (status)
        return status;
    if ((status = fold_all(model, error)) || (status = pack_all(model, error)))
        return status;
    describe_steps(model);
    if (model->head.found && graph->values[model->head.logits]->tensor.data)
        model->head = (lab_head){ .found = false }; /* folded: the same for every picture */
    status = take_scratch(model->ctx, model->scratch_stride, &model->own.scratch,
                          &model->scratch_stride, error);
    model->stats.scratch_bytes = model->scratch_stride * lab_pool_threads(model->ctx->pool);
    return status;
}
