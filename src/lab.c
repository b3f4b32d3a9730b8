/*
 * The facade: one host owns the context, the table of services, the registry and the plugins, and
 * registers what is built in the way plugins register; see lab.h.
 */
#include "lab.h"

#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"
#include "ops/ops.h"
#include "plugin/static_plugins.h"

struct lab_host {
    lab_context ctx;
    lab_host_api api;
    lab_registry *registry;
    lab_plugins *plugins;
    char *kernels; /* isa to force; NULL: the best */
};

static void fill_api(lab_host_api *api)
{
    api->abi = LAB_ABI_VERSION;
    api->size = sizeof *api;
    api->version = LAB_VERSION;
    lab_call_fill_api(api);
    lab_model_fill_api(api);
    lab_graph_fill_api(api);
}

static lab_status add_builtin(lab_registry *registry, lab_error *error)
{
    const lab_plugin *const builtin[] = { &lab_builtin_ops, &lab_builtin_nodes,
                                          &lab_builtin_formats };
    for (size_t i = 0; i < sizeof builtin / sizeof builtin[0]; i++) {
        lab_status status = lab_registry_add(registry, builtin[i], "built in", error);
        if (status)
            return status;
    }
    return LAB_OK;
}

/* Plugins that are part of this program fail like loaded ones: with a warning, never an abort. */
static lab_status add_static(lab_host *host, lab_error *error)
{
    for (const lab_static_plugin *p = lab_static_plugins; p->name; p++) {
        lab_error why = { 0 };
        lab_status status = LAB_E_ABI;
        const lab_plugin *plugin = p->entry(&host->api);
        if (plugin)
            status = lab_registry_add(host->registry, plugin, "linked in", &why);
        else
            lab_error_set(&why, status, "lab_plugin_entry_%s returned no descriptor", p->name);
        if (status == LAB_E_NOMEM)
            return lab_error_set(error, status, "%s", why.message);
        if (status)
            lab_log(&host->ctx, LAB_LOG_WARNING, "plugin %s not registered: %s", p->name,
                    why.message);
    }
    return LAB_OK;
}

static lab_status set_kernels(lab_host *host, const char *wanted, lab_error *error)
{
    const char *isa = wanted ? wanted : getenv("LUALAB_KERNELS");
    if (!isa || !*isa)
        return LAB_OK;
    host->kernels = lab_strdup(&host->ctx, isa);
    return host->kernels ? LAB_OK : lab_error_nomem(error, strlen(isa), "the name of an isa");
}

/* All that is left to do once there is a context. */
static lab_status build_host(lab_host *host, const lab_host_options *options, lab_error *error)
{
    host->ctx.log = options->log;
    host->ctx.log_user = options->log_user;
    host->ctx.log_level = options->log_level;
    fill_api(&host->api);
    lab_status status = lab_registry_new(&host->ctx, &host->api, &host->registry, error);
    if (!status)
        status = add_builtin(host->registry, error);
    if (!status)
        status = lab_plugins_new(host->registry, &host->plugins, error);
    if (!status)
        status = add_static(host, error);
    if (!status)
        status = set_kernels(host, options->kernels, error);
    return status;
}

lab_status lab_host_new(const lab_host_options *options, lab_host **out, lab_error *error)
{
    static const lab_host_options defaults;
    *out = NULL;
    if (!options)
        options = &defaults;
    const lab_allocator *allocator =
        options->allocator ? options->allocator : &lab_system_allocator;
    lab_host *host = allocator->allocate(allocator->user, sizeof *host, LAB_ALIGN);
    if (!host)
        return lab_error_nomem(error, sizeof *host, "the host");
    memset(host, 0, sizeof *host);
    lab_status status = lab_context_init(&host->ctx, allocator, options->threads, error);
    if (status) {
        allocator->release(allocator->user, host);
        return status;
    }
    status = build_host(host, options, error);
    if (status) {
        lab_host_free(host);
        return status;
    }
    *out = host;
    return LAB_OK;
}

void lab_host_free(lab_host *host)
{
    if (!host)
        return;
    lab_allocator allocator = host->ctx.allocator;
    lab_plugins_free(host->plugins);
    lab_registry_free(host->registry);
    lab_free(&host->ctx, host->kernels);
    lab_context_finish(&host->ctx);
    allocator.release(allocator.user, host);
}

lab_context *lab_host_context(lab_host *host)
{
    return &host->ctx;
}

lab_registry *lab_host_registry(lab_host *host)
{
    return host->registry;
}

lab_plugins *lab_host_plugins(lab_host *host)
{
    return host->plugins;
}

/* A folder that is not there is logged at `level`; only running out of memory is a failure. */
static lab_status load_folder(lab_host *host, const char *folder, lab_log_level level,
                              lab_error *error)
{
    lab_error why = { 0 };
    lab_log(&host->ctx, LAB_LOG_INFO, "plugins from %s", folder);
    lab_status status = lab_plugins_load_folder(host->plugins, folder, &why);
    if (status == LAB_E_NOMEM)
        return lab_error_set(error, status, "%s", why.message);
    if (status)
        lab_log(&host->ctx, level, "%s", why.message);
    return LAB_OK;
}

/* The folders of LUALAB_PLUGIN_PATH. A relative one would mean the working directory. */
static lab_status load_plugin_path(lab_host *host, const char *path, lab_error *error)
{
    char *copy = lab_strdup(&host->ctx, path);
    if (!copy)
        return lab_error_nomem(error, strlen(path), "LUALAB_PLUGIN_PATH");
    lab_status status = LAB_OK;
    char *folder = copy;
    while (!status && folder) {
        char *colon = strchr(folder, ':');
        if (colon)
            *colon = '\0';
        if (folder[0] == '/')
            status = load_folder(host, folder, LAB_LOG_WARNING, error);
        else if (folder[0] != '\0')
            lab_log(&host->ctx, LAB_LOG_WARNING,
                    "LUALAB_PLUGIN_PATH: %s is left out, plugin folders must be absolute", folder);
        folder = colon ? colon + 1 : NULL;
    }
    lab_free(&host->ctx, copy);
    return status;
}

lab_status lab_host_load_plugins(lab_host *host, const char *folder, lab_error *error)
{
    lab_status status = LAB_OK;
    const char *path = getenv("LUALAB_PLUGIN_PATH");
    if (path)
        status = load_plugin_path(host, path, error);
    if (!status && folder) { /* with plugins linked in, there need not be a folder */
        bool linked_in = lab_static_plugins[0].name != NULL;
        status = load_folder(host, folder, linked_in ? LAB_LOG_INFO : LAB_LOG_WARNING, error);
    }
    if (!status)
        status = lab_registry_force_isa(host->registry, host->kernels, error);
    return status;
}
