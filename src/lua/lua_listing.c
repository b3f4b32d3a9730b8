/* What is registered: operators, plugins, kernels, loaders, … as lists of tables. */
#include "lua/lua_util.h"

#include <string.h>

#include "base/cpu.h"
#include "base/peak.h"

/* ---- operators ---- */

/* Pushes the parts of "a|b|c" as a list. */
static void push_choices(lua_State *L, const char *choices)
{
    lua_newtable(L);
    for (lua_Integer n = 1; choices; n++) {
        const char *bar = strchr(choices, '|');
        lua_pushlstring(L, choices, bar ? (size_t)(bar - choices) : strlen(choices));
        lua_rawseti(L, -2, n);
        choices = bar ? bar + 1 : NULL;
    }
}

static void push_bound(lua_State *L, const lab_param *param, const char *field, double bound)
{
    if (param->type == LAB_INT)
        lab_lua_set_integer(L, field, (lua_Integer)bound);
    else
        lab_lua_set_number(L, field, bound);
}

static void push_param(lua_State *L, const lab_param *param)
{
    lua_newtable(L);
    lab_lua_set_string(L, "name", param->name);
    lab_lua_set_string(L, "type", lab_type_name(param->type));
    lab_lua_set_string(L, "doc", param->doc);
    lab_lua_set_string(L, "default", param->def);
    if (param->min < 0 || param->min > 0 || param->max < 0 || param->max > 0) {
        push_bound(L, param, "min", param->min);
        push_bound(L, param, "max", param->max);
    }
    if (param->choices) {
        push_choices(L, param->choices);
        lua_setfield(L, -2, "choices");
    }
    lab_lua_set_bool(L, "required", !param->def && !(param->flags & LAB_PARAM_OPTIONAL));
    lab_lua_set_bool(L, "main", param->flags & LAB_PARAM_MAIN);
}

static void set_params(lua_State *L, const lab_param *params)
{
    lua_newtable(L);
    for (lua_Integer i = 0; params && params[i].name; i++) {
        push_param(L, &params[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "params");
}

static void push_op(lua_State *L, const lab_op *op, const lab_plugin *owner)
{
    lua_newtable(L);
    lab_lua_set_string(L, "name", op->name);
    lab_lua_set_string(L, "summary", op->summary);
    lab_lua_set_string(L, "doc", op->doc);
    lab_lua_set_string(L, "input", lab_type_name(op->in));
    lab_lua_set_string(L, "output", lab_type_name(op->out));
    const char *dot = strchr(op->name, '.');
    lab_lua_set_string(L, "method", dot ? dot + 1 : op->name);
    lab_lua_set_string(L, "plugin", owner ? owner->name : NULL);
    set_params(L, op->params);
}

static int list_ops(lua_State *L)
{
    const lab_registry *registry = lab_lua_binding(L)->registry;
    const lab_op *op;
    lua_newtable(L);
    for (size_t i = 0; (op = lab_registry_op_at(registry, i)); i++) {
        push_op(L, op, lab_registry_owner(registry, op));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* ---- services ---- */

static void push_service(lua_State *L, const lab_service *service, const lab_plugin *owner)
{
    lua_newtable(L);
    lab_lua_set_string(L, "name", service->name);
    lab_lua_set_string(L, "summary", service->summary);
    lab_lua_set_string(L, "doc", service->doc);
    lab_lua_set_string(L, "plugin", owner ? owner->name : NULL);
    set_params(L, service->params);
    lua_newtable(L);
    for (lua_Integer i = 0; service->methods[i]; i++) {
        push_op(L, service->methods[i], owner);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "methods");
}

static int list_services(lua_State *L)
{
    const lab_registry *registry = lab_lua_binding(L)->registry;
    const lab_service *service;
    lua_newtable(L);
    for (size_t i = 0; (service = lab_registry_service_at(registry, i)); i++) {
        push_service(L, service, lab_registry_owner(registry, service));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* ---- plugins ---- */

/* Length of a list of pointers that ends with NULL; 0 for no list. */
#define LIST_LENGTH(list, n)                                                                       \
    do {                                                                                           \
        (n) = 0;                                                                                   \
        while ((list) && (list)[n])                                                                \
            (n)++;                                                                                 \
    } while (0)

static void push_plugin(lua_State *L, const lab_plugin *plugin, const char *origin)
{
    lua_Integer n;
    lua_newtable(L);
    lab_lua_set_string(L, "name", plugin->name);
    lab_lua_set_string(L, "version", plugin->version);
    lab_lua_set_string(L, "summary", plugin->summary);
    lab_lua_set_string(L, "licence", plugin->licence);
    lab_lua_set_string(L, "origin", origin);
    lab_lua_set_string(L, "build", plugin->build);
    LIST_LENGTH(plugin->ops, n);
    lab_lua_set_integer(L, "ops", n);
    LIST_LENGTH(plugin->node_types, n);
    lab_lua_set_integer(L, "node_types", n);
    LIST_LENGTH(plugin->kernels, n);
    lab_lua_set_integer(L, "kernels", n);
    LIST_LENGTH(plugin->loaders, n);
    lab_lua_set_integer(L, "loaders", n);
    LIST_LENGTH(plugin->readers, n);
    lab_lua_set_integer(L, "readers", n);
    LIST_LENGTH(plugin->services, n);
    lab_lua_set_integer(L, "services", n);
}

static int list_plugins(lua_State *L)
{
    const lab_binding *binding = lab_lua_binding(L);
    const lab_plugin *plugin;
    const char *origin, *message;
    lua_newtable(L);
    for (size_t i = 0; (plugin = lab_registry_plugin_at(binding->registry, i, &origin)); i++) {
        push_plugin(L, plugin, origin);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    const lab_plugins *plugins = lab_host_plugins(binding->host);
    lua_newtable(L);
    for (size_t i = 0; lab_plugins_failure(plugins, i, &origin, &message); i++) {
        lua_newtable(L);
        lab_lua_set_string(L, "path", origin);
        lab_lua_set_string(L, "message", message);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 2;
}

static int load_plugin(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    lab_error error;
    if (lab_plugins_load(lab_host_plugins(lab_lua_binding(L)->host), path, &error))
        return lab_lua_fail(L, &error);
    lua_pushboolean(L, true);
    return 1;
}

/* ---- kernels, loaders and readers ---- */

static int list_kernels(lua_State *L)
{
    const lab_registry *registry = lab_lua_binding(L)->registry;
    uint64_t cpu = lab_cpu_features();
    const lab_kernel *kernel;
    lua_newtable(L);
    for (size_t i = 0; (kernel = lab_registry_kernel_at(registry, i)); i++) {
        lua_newtable(L);
        lab_lua_set_string(L, "name", kernel->name);
        lab_lua_set_string(L, "op", kernel->op);
        lab_lua_set_string(L, "isa", kernel->isa);
        const lab_plugin *owner = lab_registry_owner(registry, kernel);
        lab_lua_set_string(L, "plugin", owner ? owner->name : NULL);
        lab_lua_set_bool(L, "usable", (kernel->cpu & ~cpu) == 0);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int list_loaders(lua_State *L)
{
    const lab_registry *registry = lab_lua_binding(L)->registry;
    const lab_loader *loader;
    lua_newtable(L);
    for (size_t i = 0; (loader = lab_registry_loader_at(registry, i)); i++) {
        lua_newtable(L);
        lab_lua_set_string(L, "name", loader->name);
        lab_lua_set_string(L, "summary", loader->summary);
        lab_lua_set_string(L, "extensions", loader->extensions);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int list_readers(lua_State *L)
{
    const lab_registry *registry = lab_lua_binding(L)->registry;
    const lab_reader *reader;
    lua_newtable(L);
    for (size_t i = 0; (reader = lab_registry_reader_at(registry, i)); i++) {
        lua_newtable(L);
        lab_lua_set_string(L, "name", reader->name);
        lab_lua_set_string(L, "summary", reader->summary);
        lab_lua_set_string(L, "extensions", reader->extensions);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* ---- the machine ---- */

static int list_cpu(lua_State *L)
{
    static const struct {
        uint64_t bit;
        const char *name;
    } features[] = {
        { LAB_CPU_SSE41, "sse4.1" },    { LAB_CPU_AVX2, "avx2" },
        { LAB_CPU_AVX512, "avx512" },   { LAB_CPU_AVX512VNNI, "avx512vnni" },
        { LAB_CPU_AVXVNNI, "avxvnni" }, { LAB_CPU_NEON, "neon" },
        { LAB_CPU_DOTPROD, "dotprod" },
    };
    char name[128] = "";
    lab_cpu_name(name, sizeof name);
    lua_pushstring(L, name);
    uint64_t cpu = lab_cpu_features();
    lua_newtable(L);
    lua_Integer n = 0;
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        if (!(cpu & features[i].bit))
            continue;
        lua_pushstring(L, features[i].name);
        lua_rawseti(L, -2, ++n);
    }
    return 2;
}

/* core.peak(): what the threads of this host can do, in multiply-adds a second. Takes some ms. */
static int measure_peak(lua_State *L)
{
    lab_peak peak;
    lab_peak_measure(lab_lua_binding(L)->ctx->pool, &peak);
    lua_newtable(L);
    lab_lua_set_number(L, "int8", peak.int8);
    lab_lua_set_number(L, "f32", peak.f32);
    lab_lua_set_string(L, "isa", peak.isa);
    return 1;
}

const luaL_Reg lab_lua_listing_functions[] = {
    { "ops", list_ops },
    { "plugins", list_plugins },
    { "load_plugin", load_plugin },
    { "kernels", list_kernels },
    { "loaders", list_loaders },
    { "readers", list_readers },
    { "cpu", list_cpu },
    { "peak", measure_peak },
    { "services", list_services },
    { NULL, NULL },
};
