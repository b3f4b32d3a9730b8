/* The registry: six lists of descriptors, each entry with the plugin it came from. */
#include "plugin/registry.h"

#include <string.h>

#include "base/checked.h"
#include "base/cpu.h"
#include "base/error.h"
#include "plugin/check.h"

enum { OPS, NODE_TYPES, KERNELS, LOADERS, READERS, SERVICES, LISTS };

static const char *const list_nouns[LISTS] = { "operator", "node type", "kernel",
                                               "loader",   "reader",    "service" };

typedef struct record {
    lab_plugin plugin; /* the descriptor, as much of it as the plugin has */
    char *origin;
    bool finished;                /* fini was called */
    struct record *next, *before; /* in order of registration */
} record;

typedef struct entry {
    const void *item;
    const char *name;
    const record *owner;
} entry;

typedef struct list {
    entry *entries;
    size_t count, room;
} list;

struct lab_registry {
    lab_context *ctx;
    const lab_host_api *api;
    uint64_t cpu;
    list lists[LISTS];
    record *first, *last;
    char *forced; /* isa; NULL: the best */
};

lab_status lab_registry_new(lab_context *ctx, const lab_host_api *api, lab_registry **out,
                            lab_error *error)
{
    *out = lab_alloc_zero(ctx, sizeof **out);
    if (!*out)
        return lab_error_nomem(error, sizeof **out, "the registry");
    (*out)->ctx = ctx;
    (*out)->api = api;
    (*out)->cpu = lab_cpu_features();
    return LAB_OK;
}

static void finish_record(record *r)
{
    if (!r->finished && r->plugin.fini)
        r->plugin.fini();
    r->finished = true;
}

static void free_record(lab_context *ctx, record *r)
{
    if (!r)
        return;
    lab_free(ctx, r->origin);
    lab_free(ctx, r);
}

void lab_registry_free(lab_registry *registry)
{
    if (!registry)
        return;
    lab_context *ctx = registry->ctx;
    while (registry->last) {
        record *r = registry->last;
        registry->last = r->before;
        finish_record(r);
        free_record(ctx, r);
    }
    for (int which = 0; which < LISTS; which++)
        lab_free(ctx, registry->lists[which].entries);
    lab_free(ctx, registry->forced);
    lab_free(ctx, registry);
}

lab_context *lab_registry_context(const lab_registry *registry)
{
    return registry->ctx;
}

const lab_host_api *lab_registry_api(const lab_registry *registry)
{
    return registry->api;
}

void lab_registry_finish(lab_registry *registry, const char *origin)
{
    for (record *r = registry->last; r; r = r->before) {
        if (strcmp(r->origin, origin) == 0)
            finish_record(r);
    }
}

/* ---- registration ---- */

/* Entry `i` of one of a plugin's lists; false past the end. */
static bool listed(const lab_plugin *plugin, int which, size_t i, entry *out)
{
    *out = (entry){ 0 };
    if (which == OPS && plugin->ops && plugin->ops[i])
        *out = (entry){ plugin->ops[i], plugin->ops[i]->name, NULL };
    else if (which == NODE_TYPES && plugin->node_types && plugin->node_types[i])
        *out = (entry){ plugin->node_types[i], plugin->node_types[i]->name, NULL };
    else if (which == KERNELS && plugin->kernels && plugin->kernels[i])
        *out = (entry){ plugin->kernels[i], plugin->kernels[i]->name, NULL };
    else if (which == LOADERS && plugin->loaders && plugin->loaders[i])
        *out = (entry){ plugin->loaders[i], plugin->loaders[i]->name, NULL };
    else if (which == READERS && plugin->readers && plugin->readers[i])
        *out = (entry){ plugin->readers[i], plugin->readers[i]->name, NULL };
    else if (which == SERVICES && plugin->services && plugin->services[i])
        *out = (entry){ plugin->services[i], plugin->services[i]->name, NULL };
    return out->item != NULL;
}

static const entry *find_entry(const list *l, const char *name)
{
    for (size_t i = 0; i < l->count; i++) {
        if (strcmp(l->entries[i].name, name) == 0)
            return &l->entries[i];
    }
    return NULL;
}

/* Names are unique in the whole registry, within one plugin too. */
static lab_status check_conflicts(const lab_registry *registry, const lab_plugin *plugin,
                                  lab_error *error)
{
    for (const record *r = registry->first; r; r = r->next) {
        if (strcmp(r->plugin.name, plugin->name) == 0)
            return lab_error_set(error, LAB_E_INVALID,
                                 "plugin %s: a plugin of that name is there already (%s)",
                                 plugin->name, r->origin);
    }
    for (int which = 0; which < LISTS; which++) {
        entry e, other;
        for (size_t i = 0; listed(plugin, which, i, &e); i++) {
            const entry *taken = find_entry(&registry->lists[which], e.name);
            if (taken)
                return lab_error_set(error, LAB_E_INVALID,
                                     "plugin %s: %s %s is there already, from plugin %s (%s)",
                                     plugin->name, list_nouns[which], e.name,
                                     taken->owner->plugin.name, taken->owner->origin);
            for (size_t j = 0; j < i && listed(plugin, which, j, &other); j++) {
                if (strcmp(e.name, other.name) == 0)
                    return lab_error_set(error, LAB_E_INVALID, "plugin %s: %s %s is listed twice",
                                         plugin->name, list_nouns[which], e.name);
            }
        }
    }
    return LAB_OK;
}

static size_t count_listed(const lab_plugin *plugin, int which)
{
    entry e;
    size_t n = 0;
    while (listed(plugin, which, n, &e))
        n++;
    return n;
}

/* Makes room for `more` entries; the list stays as it is when there is no memory. */
static bool grow(lab_context *ctx, list *l, size_t more)
{
    if (more <= l->room - l->count)
        return true;
    size_t larger = 2 * l->room > l->count + more ? 2 * l->room : l->count + more;
    entry *moved = lab_alloc_array(ctx, larger, sizeof *moved);
    if (!moved)
        return false;
    if (l->count > 0)
        memcpy(moved, l->entries, l->count * sizeof *moved);
    lab_free(ctx, l->entries);
    l->entries = moved;
    l->room = larger;
    return true;
}

/* Takes all memory that registering `plugin` needs, so that what follows cannot fail. */
static bool reserve(lab_registry *registry, const lab_plugin *plugin)
{
    for (int which = 0; which < LISTS; which++) {
        if (!grow(registry->ctx, &registry->lists[which], count_listed(plugin, which)))
            return false;
    }
    return true;
}

static record *new_record(lab_context *ctx, const lab_plugin *plugin, const char *origin)
{
    record *r = lab_alloc_zero(ctx, sizeof *r);
    char *copy = lab_strdup(ctx, origin);
    if (!r || !copy) {
        lab_free(ctx, copy);
        lab_free(ctx, r);
        return NULL;
    }
    r->plugin = *plugin;
    r->origin = copy;
    return r;
}

static void insert(list *l, entry e, bool sorted)
{
    size_t at = l->count;
    while (sorted && at > 0 && strcmp(l->entries[at - 1].name, e.name) > 0) {
        l->entries[at] = l->entries[at - 1];
        at--;
    }
    l->entries[at] = e;
    l->count++;
}

static void commit(lab_registry *registry, record *r)
{
    r->before = registry->last;
    if (registry->last)
        registry->last->next = r;
    else
        registry->first = r;
    registry->last = r;
    for (int which = 0; which < LISTS; which++) {
        entry e;
        for (size_t i = 0; listed(&r->plugin, which, i, &e); i++) {
            e.owner = r;
            insert(&registry->lists[which], e,
                   which == OPS || which == NODE_TYPES || which == SERVICES);
        }
    }
}

static lab_status call_init(const lab_registry *registry, const lab_plugin *plugin,
                            lab_error *error)
{
    if (!plugin->init)
        return LAB_OK;
    lab_error why = { 0 };
    lab_status status = plugin->init(registry->api, &why);
    if (!status)
        return LAB_OK;
    why.message[sizeof why.message - 1] = '\0';
    return lab_error_set(error, status < 0 ? status : LAB_E_UNSUPPORTED,
                         "plugin %s: its init failed: %s", plugin->name,
                         why.message[0] ? why.message : "it did not say why");
}

lab_status lab_registry_add(lab_registry *registry, const lab_plugin *plugin, const char *origin,
                            lab_error *error)
{
    lab_plugin checked;
    lab_status status = lab_check_abi(plugin, &checked, error);
    if (!status)
        status = lab_check_plugin(&checked, error);
    if (!status)
        status = check_conflicts(registry, &checked, error);
    if (status)
        return status;
    record *r = new_record(registry->ctx, &checked, origin);
    if (!r || !reserve(registry, &checked)) {
        free_record(registry->ctx, r);
        return lab_error_nomem(error, sizeof *r, "registering a plugin");
    }
    status = call_init(registry, &checked, error);
    if (status) {
        free_record(registry->ctx, r);
        return status;
    }
    commit(registry, r);
    if (lab_check_offers_more(plugin))
        lab_log(registry->ctx, LAB_LOG_WARNING,
                "plugin %s (%s) was built for plugin ABI %u.%u and has more than this lualab's "
                "%u.%u knows; the rest of it is left out",
                checked.name, origin, checked.abi >> 16, checked.abi & 0xffffu, LAB_ABI_MAJOR,
                LAB_ABI_MINOR);
    lab_log(registry->ctx, LAB_LOG_INFO,
            "plugin %s %s (%s): %zu operators, %zu node types, %zu kernels, %zu loaders, %zu "
            "readers, %zu services",
            checked.name, checked.version, origin, count_listed(&checked, OPS),
            count_listed(&checked, NODE_TYPES), count_listed(&checked, KERNELS),
            count_listed(&checked, LOADERS), count_listed(&checked, READERS),
            count_listed(&checked, SERVICES));
    return LAB_OK;
}

/* ---- look-up ---- */

/* Binary search in a sorted list. */
static const void *look_up(const list *l, const char *name)
{
    size_t low = 0, high = l->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(l->entries[middle].name, name);
        if (order == 0)
            return l->entries[middle].item;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static const void *item_at(const list *l, size_t i)
{
    return i < l->count ? l->entries[i].item : NULL;
}

/* How operators' names call the kinds. */
static const struct kind_prefix {
    lab_type kind;
    const char *prefix;
} kind_prefixes[] = {
    { LAB_IMAGE, "image" }, { LAB_LABELMAP, "map" }, { LAB_MASK, "mask" }, { LAB_TENSOR, "tensor" }
};
#define N_KINDS (sizeof kind_prefixes / sizeof kind_prefixes[0])

lab_type lab_op_kind(const char *name)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        size_t length = strlen(kind_prefixes[i].prefix);
        if (strncmp(name, kind_prefixes[i].prefix, length) == 0 && name[length] == '.')
            return kind_prefixes[i].kind;
    }
    return LAB_NONE;
}

const lab_op *lab_registry_op(const lab_registry *registry, const char *name)
{
    return look_up(&registry->lists[OPS], name);
}

const lab_op *lab_registry_method(const lab_registry *registry, lab_type kind, const char *method)
{
    char name[160];
    for (size_t i = 0; i < N_KINDS; i++) {
        if (kind_prefixes[i].kind != kind)
            continue;
        int n = snprintf(name, sizeof name, "%s.%s", kind_prefixes[i].prefix, method);
        return n > 0 && (size_t)n < sizeof name ? lab_registry_op(registry, name) : NULL;
    }
    return NULL;
}

const lab_node_type *lab_registry_node_type(const lab_registry *registry, const char *name)
{
    return look_up(&registry->lists[NODE_TYPES], name);
}

const lab_service *lab_registry_service(const lab_registry *registry, const char *name)
{
    return look_up(&registry->lists[SERVICES], name);
}

const lab_op *lab_registry_op_at(const lab_registry *registry, size_t i)
{
    return item_at(&registry->lists[OPS], i);
}

const lab_node_type *lab_registry_node_type_at(const lab_registry *registry, size_t i)
{
    return item_at(&registry->lists[NODE_TYPES], i);
}

const lab_kernel *lab_registry_kernel_at(const lab_registry *registry, size_t i)
{
    return item_at(&registry->lists[KERNELS], i);
}

const lab_loader *lab_registry_loader_at(const lab_registry *registry, size_t i)
{
    return item_at(&registry->lists[LOADERS], i);
}

const lab_reader *lab_registry_reader_at(const lab_registry *registry, size_t i)
{
    return item_at(&registry->lists[READERS], i);
}

const lab_service *lab_registry_service_at(const lab_registry *registry, size_t i)
{
    return item_at(&registry->lists[SERVICES], i);
}

const lab_plugin *lab_registry_owner(const lab_registry *registry, const void *descriptor)
{
    for (int which = 0; which < LISTS; which++) {
        const list *l = &registry->lists[which];
        for (size_t i = 0; i < l->count; i++) {
            if (l->entries[i].item == descriptor)
                return &l->entries[i].owner->plugin;
        }
    }
    return NULL;
}

const lab_plugin *lab_registry_plugin_at(const lab_registry *registry, size_t i,
                                         const char **origin)
{
    const record *r = registry->first;
    for (; r && i > 0; i--)
        r = r->next;
    if (r && origin)
        *origin = r->origin;
    return r ? &r->plugin : NULL;
}

/* ---- choosing ---- */

static bool can_run(const lab_registry *registry, const lab_kernel *kernel)
{
    return (kernel->cpu & ~registry->cpu) == 0;
}

/* "avx2, reference": each isa once, in order of registration. */
static void list_isas(const lab_registry *registry, char *text, size_t size)
{
    size_t used = 0;
    snprintf(text, size, "none");
    for (size_t i = 0; i < registry->lists[KERNELS].count; i++) {
        const char *isa = lab_registry_kernel_at(registry, i)->isa;
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++)
            seen = strcmp(lab_registry_kernel_at(registry, j)->isa, isa) == 0;
        if (seen || used >= size)
            continue;
        int n = snprintf(text + used, size - used, "%s%s", used ? ", " : "", isa);
        used += n > 0 ? (size_t)n : 0;
    }
}

lab_status lab_registry_force_isa(lab_registry *registry, const char *isa, lab_error *error)
{
    char *copy = NULL;
    if (isa && *isa) {
        bool there = false, usable = false;
        for (size_t i = 0; i < registry->lists[KERNELS].count; i++) {
            const lab_kernel *kernel = lab_registry_kernel_at(registry, i);
            bool same = strcmp(kernel->isa, isa) == 0;
            there = there || same;
            usable = usable || (same && can_run(registry, kernel));
        }
        if (!there) {
            char isas[256];
            list_isas(registry, isas, sizeof isas);
            return lab_error_set(error, LAB_E_NOT_FOUND,
                                 "there are no \"%.60s\" kernels (LUALAB_KERNELS); there are: %s",
                                 isa, isas);
        }
        if (!usable)
            return lab_error_set(error, LAB_E_UNSUPPORTED,
                                 "this CPU cannot run the \"%.60s\" kernels (LUALAB_KERNELS)", isa);
        copy = lab_strdup(registry->ctx, isa);
        if (!copy)
            return lab_error_nomem(error, strlen(isa) + 1, "the name of an isa");
    }
    lab_free(registry->ctx, registry->forced);
    registry->forced = copy;
    return LAB_OK;
}

/* The best of the kernels of one isa (NULL: of any); the first registered of equals. */
static const lab_kernel *best_kernel(const lab_registry *registry, const lab_node *node,
                                     const char *isa)
{
    const lab_kernel *best = NULL;
    int best_score = 0;
    for (size_t i = 0; i < registry->lists[KERNELS].count; i++) {
        const lab_kernel *kernel = lab_registry_kernel_at(registry, i);
        if (strcmp(kernel->op, node->op) != 0 || !can_run(registry, kernel) ||
            (isa && strcmp(kernel->isa, isa) != 0))
            continue;
        int score = kernel->match(node);
        if (score > best_score) {
            best_score = score;
            best = kernel;
        }
    }
    return best;
}

const lab_kernel *lab_registry_match(const lab_registry *registry, const lab_node *node)
{
    const lab_kernel *kernel = best_kernel(registry, node, registry->forced);
    if (!kernel && registry->forced)
        kernel = best_kernel(registry, node, "reference");
    return kernel;
}
