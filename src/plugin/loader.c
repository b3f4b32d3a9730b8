/* Shared objects to descriptors; see loader.h. LAB_NO_DLOPEN: a system that has none. */
#include "plugin/loader.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#ifndef LAB_NO_DLOPEN
#include <dlfcn.h>
#endif

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

#ifdef __APPLE__
#define SUFFIX ".dylib"
#else
#define SUFFIX ".so"
#endif
#define PREFIX "lualab_"
#define ENTRY "lab_plugin_entry"

typedef struct loaded {
    void *handle;
    char *path;
    struct loaded *before; /* loaded earlier */
} loaded;

typedef struct failure {
    char *path;
    char *message;
    struct failure *next;
} failure;

struct lab_plugins {
    lab_context *ctx;
    lab_registry *registry;
    loaded *last;
    failure *failures;
};

lab_status lab_plugins_new(lab_registry *registry, lab_plugins **out, lab_error *error)
{
    lab_context *ctx = lab_registry_context(registry);
    *out = lab_alloc_zero(ctx, sizeof **out);
    if (!*out)
        return lab_error_nomem(error, sizeof **out, "the list of plugins");
    (*out)->ctx = ctx;
    (*out)->registry = registry;
    return LAB_OK;
}

#ifndef LAB_NO_DLOPEN

static void *open_object(const char *path)
{
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

static void close_object(void *handle)
{
    dlclose(handle);
}

static lab_plugin_entry_fn *find_entry_point(void *handle)
{
    /* POSIX promises that the pointer fits; ISO C has no cast for it. */
    void *symbol = dlsym(handle, ENTRY);
    lab_plugin_entry_fn *entry;
    memcpy(&entry, &symbol, sizeof entry);
    return entry;
}

/* Why the last call failed, without the path when the system begins with it. */
static const char *open_problem(const char *path)
{
    const char *why = dlerror();
    size_t length = strlen(path);
    if (why && strncmp(why, path, length) == 0 && strncmp(why + length, ": ", 2) == 0)
        why += length + 2;
    return why ? why : "unknown reason";
}

#else

static void *open_object(const char *path)
{
    (void)path;
    return NULL;
}

static void close_object(void *handle)
{
    (void)handle;
}

static lab_plugin_entry_fn *find_entry_point(void *handle)
{
    (void)handle;
    return NULL;
}

static const char *open_problem(const char *path)
{
    (void)path;
    return "this lualab was built without dlopen; link the plugin in (LAB_STATIC_PLUGINS)";
}

#endif

void lab_plugins_free(lab_plugins *plugins)
{
    if (!plugins)
        return;
    lab_context *ctx = plugins->ctx;
    while (plugins->last) {
        loaded *l = plugins->last;
        plugins->last = l->before;
        lab_registry_finish(plugins->registry, l->path);
        close_object(l->handle);
        lab_free(ctx, l->path);
        lab_free(ctx, l);
    }
    while (plugins->failures) {
        failure *f = plugins->failures;
        plugins->failures = f->next;
        lab_free(ctx, f->path);
        lab_free(ctx, f->message);
        lab_free(ctx, f);
    }
    lab_free(ctx, plugins);
}

/* Asks an open object for its descriptor and registers it. */
static lab_status register_object(lab_plugins *plugins, void *handle, const char *path,
                                  lab_error *error)
{
    lab_plugin_entry_fn *entry = find_entry_point(handle);
    if (!entry)
        return lab_error_set(error, LAB_E_ABI,
                             "not a lualab plugin: it exports no function " ENTRY
                             " (LAB_PLUGIN_ENTRY defines it)");
    const lab_plugin *plugin = entry(lab_registry_api(plugins->registry));
    if (!plugin)
        return lab_error_set(error, LAB_E_ABI, ENTRY " returned no descriptor");
    return lab_registry_add(plugins->registry, plugin, path, error);
}

/* Opens and registers. `path` has been resolved: the system searches nowhere for it. */
static lab_status open_and_register(lab_plugins *plugins, const char *path, void **handle,
                                    lab_error *error)
{
    *handle = open_object(path);
    if (!*handle)
        return lab_error_set(error, LAB_E_ABI, "cannot be loaded: %s", open_problem(path));
    lab_status status = register_object(plugins, *handle, path, error);
    if (status)
        close_object(*handle);
    return status;
}

static lab_status load_object(lab_plugins *plugins, const char *path, lab_error *error)
{
    lab_context *ctx = plugins->ctx;
    loaded *l = lab_alloc_zero(ctx, sizeof *l);
    char *copy = lab_strdup(ctx, path);
    if (!l || !copy) {
        lab_free(ctx, copy);
        lab_free(ctx, l);
        return lab_error_nomem(error, sizeof *l, "a plugin");
    }
    lab_status status = open_and_register(plugins, path, &l->handle, error);
    if (status) {
        lab_free(ctx, copy);
        lab_free(ctx, l);
        return status;
    }
    l->path = copy;
    l->before = plugins->last;
    plugins->last = l;
    return LAB_OK;
}

lab_status lab_plugins_load(lab_plugins *plugins, const char *path, lab_error *error)
{
    char resolved[PATH_MAX];
    if (!realpath(path, resolved)) {
        lab_status status = errno == ENOENT || errno == ENOTDIR ? LAB_E_NOT_FOUND : LAB_E_IO;
        return lab_error_set(error, status, "%s: cannot be loaded: %s", path, strerror(errno));
    }
    for (const loaded *l = plugins->last; l; l = l->before) {
        if (strcmp(l->path, resolved) == 0)
            return lab_error_set(error, LAB_E_INVALID, "%s: is loaded already", path);
    }
    lab_error why = { 0 };
    lab_status status = load_object(plugins, resolved, &why);
    if (status)
        return lab_error_set(error, status, "%s: %s", path, why.message);
    return LAB_OK;
}

/* ---- folders ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_plugin_file(const char *name)
{
    size_t length = strlen(name), suffix = strlen(SUFFIX);
    return strncmp(name, PREFIX, strlen(PREFIX)) == 0 && length > strlen(PREFIX) + suffix &&
           strcmp(name + length - suffix, SUFFIX) == 0;
}

/* Names of the plugin files of a folder, sorted; a linked list would need a sort of its own. */
typedef struct names {
    char **items;
    size_t count, room;
} names;

static void free_names(lab_context *ctx, names *n)
{
    for (size_t i = 0; i < n->count; i++)
        lab_free(ctx, n->items[i]);
    lab_free(ctx, n->items);
}

static bool add_name(lab_context *ctx, names *n, const char *name)
{
    if (n->count == n->room) {
        size_t larger = n->room ? 2 * n->room : 16;
        char **moved = lab_alloc_array(ctx, larger, sizeof *moved);
        if (!moved)
            return false;
        if (n->count > 0)
            memcpy(moved, n->items, n->count * sizeof *moved);
        lab_free(ctx, n->items);
        n->items = moved;
        n->room = larger;
    }
    char *copy = lab_strdup(ctx, name);
    if (!copy)
        return false;
    size_t at = n->count++;
    for (; at > 0 && strcmp(n->items[at - 1], copy) > 0; at--)
        n->items[at] = n->items[at - 1];
    n->items[at] = copy;
    return true;
}

static lab_status list_folder(lab_context *ctx, const char *folder, names *n, lab_error *error)
{
    DIR *dir = opendir(folder);
    if (!dir) {
        lab_status status = errno == ENOENT || errno == ENOTDIR ? LAB_E_NOT_FOUND : LAB_E_IO;
        return lab_error_set(error, status, "%s: the plugin folder cannot be opened: %s", folder,
                             strerror(errno));
    }
    bool ok = true;
    const struct dirent *d;
    while (ok && (d = readdir(dir)) != NULL) {
        if (is_plugin_file(d->d_name))
            ok = add_name(ctx, n, d->d_name);
    }
    closedir(dir);
    return ok ? LAB_OK : lab_error_nomem(error, n->room * sizeof *n->items, "a list of plugins");
}

/* The file of the same name that an earlier folder (or --plugin) gave; NULL when there is none. */
static const char *shadowing(const lab_plugins *plugins, const char *name)
{
    for (const loaded *l = plugins->last; l; l = l->before) {
        if (strcmp(base_name(l->path), name) == 0)
            return l->path;
    }
    return NULL;
}

/* Remembers a failure at the end of the list; false when there is no memory for it. */
static bool remember(lab_plugins *plugins, const char *path, const char *message)
{
    lab_context *ctx = plugins->ctx;
    failure *f = lab_alloc_zero(ctx, sizeof *f);
    char *path_copy = lab_strdup(ctx, path), *message_copy = lab_strdup(ctx, message);
    if (!f || !path_copy || !message_copy) {
        lab_free(ctx, message_copy);
        lab_free(ctx, path_copy);
        lab_free(ctx, f);
        return false;
    }
    f->path = path_copy;
    f->message = message_copy;
    failure **end = &plugins->failures;
    while (*end)
        end = &(*end)->next;
    *end = f;
    return true;
}

/* One file of a folder. Only running out of memory ends the walk. */
static lab_status load_one(lab_plugins *plugins, const char *folder, const char *name,
                           lab_error *error)
{
    const char *earlier = shadowing(plugins, name);
    if (earlier) {
        lab_log(plugins->ctx, LAB_LOG_INFO, "%s/%s: left out, %s is loaded instead", folder, name,
                earlier);
        return LAB_OK;
    }
    char path[PATH_MAX];
    lab_error why = { 0 };
    lab_status status;
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof path)
        status = lab_error_set(&why, LAB_E_LIMIT, "%s: the path is too long", name);
    else
        status = lab_plugins_load(plugins, path, &why);
    if (!status)
        return LAB_OK;
    if (status == LAB_E_NOMEM)
        return lab_error_set(error, status, "%s", why.message);
    lab_log(plugins->ctx, LAB_LOG_WARNING, "plugin not loaded: %s", why.message);
    return remember(plugins, path, why.message)
               ? LAB_OK
               : lab_error_nomem(error, sizeof(failure), "the list of plugins");
}

lab_status lab_plugins_load_folder(lab_plugins *plugins, const char *folder, lab_error *error)
{
    names n = { 0 };
    lab_status status = list_folder(plugins->ctx, folder, &n, error);
    for (size_t i = 0; !status && i < n.count; i++)
        status = load_one(plugins, folder, n.items[i], error);
    free_names(plugins->ctx, &n);
    return status;
}

bool lab_plugins_failure(const lab_plugins *plugins, size_t i, const char **path,
                         const char **message)
{
    const failure *f = plugins->failures;
    for (; f && i > 0; i--)
        f = f->next;
    if (!f)
        return false;
    *path = f->path;
    *message = f->message;
    return true;
}
