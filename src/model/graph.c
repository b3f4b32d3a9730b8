/* From the bytes of a model file to a graph: picks the loader, runs it, checks what it built. */
#include <string.h>

#include "model/builder.h"

/* Loaders pass constants as little-endian bytes and they are used in place. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "model files are little-endian and read in place: this needs a little-endian CPU"
#endif

/* "tflite (tflite|lite), …" into `text`. */
static const char *loader_names(const lab_registry *registry, char *text, size_t size)
{
    size_t used = 0;
    const lab_loader *loader;
    text[0] = '\0';
    for (size_t i = 0; (loader = lab_registry_loader_at(registry, i)) && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s (%s)", i ? ", " : "", loader->name,
                                 loader->extensions ? loader->extensions : "");
    return text[0] ? text : "none";
}

static lab_status no_loader(const lab_registry *registry, size_t size, lab_error *error)
{
    char names[160];
    if (size == 0)
        return lab_error_set(error, LAB_E_FORMAT, "the file is empty");
    return lab_error_set(error, LAB_E_FORMAT,
                         "not a model file: no loader knows its first bytes (loaders: %s)",
                         loader_names(registry, names, sizeof names));
}

static lab_status run_loader(lab_registry *registry, const lab_loader *loader, lab_graph *graph,
                             lab_error *error)
{
    lab_builder builder = {
        .api = lab_registry_api(registry),
        .registry = registry,
        .graph = graph,
    };
    lab_status status =
        loader->load(&builder, lab_buffer_data(graph->file), lab_buffer_size(graph->file));
    if (status && builder.error.status == LAB_OK)
        lab_error_set(&builder.error, status, "the %s loader failed without saying why",
                      loader->name);
    status = lab_builder_finish(&builder);
    if (status)
        *error = builder.error;
    return status;
}

static lab_status list_operators(lab_graph *graph, lab_error *error)
{
    size_t size = sizeof *graph->operators;
    graph->operators = lab_arena_array(&graph->arena, graph->n_nodes, size);
    if (!graph->operators)
        return lab_error_nomem(error, graph->n_nodes * size, "the graph");
    for (uint32_t n = 0; n < graph->n_nodes; n++)
        graph->operators[n] = (lab_operator){ graph->nodes[n], graph->nodes[n]->out[0] };
    graph->n_operators = graph->n_nodes;
    return LAB_OK;
}

static lab_status load(lab_registry *registry, lab_buffer *file, const char *name, lab_graph *graph,
                       lab_error *error)
{
    const char *slash = strrchr(name, '/');
    const uint8_t *bytes = lab_buffer_data(file);
    size_t size = lab_buffer_size(file);
    const lab_loader *loader =
        size ? lab_registry_probe(registry, bytes, size, slash ? slash + 1 : name) : NULL;
    if (!loader)
        return no_loader(registry, size, error);
    graph->format = loader->name;
    lab_status status = run_loader(registry, loader, graph, error);
    return status ? status : list_operators(graph, error);
}

lab_status lab_graph_load(lab_registry *registry, lab_buffer *file, const char *name,
                          lab_graph **out, lab_error *error)
{
    lab_error local = { LAB_OK, "" };
    lab_context *ctx = lab_registry_context(registry);
    lab_graph *graph = lab_alloc_zero(ctx, sizeof *graph);
    if (!graph)
        return lab_error_nomem(error, sizeof *graph, "the graph");
    graph->ctx = ctx;
    graph->file = lab_buffer_ref(file);
    lab_arena_init(&graph->arena, ctx);
    if (load(registry, file, name, graph, &local)) {
        lab_graph_free(graph);
        lab_error_prefix(&local, "%s", name);
        if (error)
            *error = local;
        return local.status;
    }
    *out = graph;
    return LAB_OK;
}

void lab_graph_free(lab_graph *graph)
{
    if (!graph)
        return;
    lab_context *ctx = graph->ctx;
    lab_free(ctx, graph->values);
    lab_free(ctx, graph->nodes);
    lab_free(ctx, graph->inputs);
    lab_free(ctx, graph->outputs);
    lab_arena_reset(&graph->arena);
    lab_buffer_unref(graph->file);
    lab_free(ctx, graph);
}
