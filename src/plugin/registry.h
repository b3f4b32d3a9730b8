/*
 * The registry: every operator, node type, kernel, loader, reader and service there is, built in or
 * from a plugin. Entries are pointers to static descriptors; the registry copies nothing and never
 * changes after start-up (registration is not thread-safe; look-ups are).
 */
#ifndef LAB_PLUGIN_REGISTRY_H
#define LAB_PLUGIN_REGISTRY_H

#include "base/context.h"

typedef struct lab_registry lab_registry;

/* `api` must outlive the registry. */
lab_status lab_registry_new(lab_context *ctx, const lab_host_api *api, lab_registry **out,
                            lab_error *error);
/* Calls the fini of each plugin that still waits for it, last registered first. */
void lab_registry_free(lab_registry *registry);

lab_context *lab_registry_context(const lab_registry *registry);
const lab_host_api *lab_registry_api(const lab_registry *registry);

/*
 * Registers everything a descriptor lists, or nothing. Checked: ABI major, size, name and
 * version present, each entry complete (lab_op: dotted name whose first half is the kind of its
 * input, run, parameters well formed …), no name there already. The sentence names the plugin, the
 * entry, what was expected and what was found. `origin` ("built in" or a path) is copied, and so
 * is the descriptor's head (the lists are not): see lab_registry_owner. Calls the plugin's init
 * when everything else is in order.
 */
lab_status lab_registry_add(lab_registry *registry, const lab_plugin *plugin, const char *origin,
                            lab_error *error);

/*
 * Calls the fini of the plugin registered from `origin` now, before its code is unloaded, rather
 * than in lab_registry_free. Its entries must not be used any more.
 */
void lab_registry_finish(lab_registry *registry, const char *origin);

/* Look-up by full name ("image.resize"); NULL when there is none. */
const lab_op *lab_registry_op(const lab_registry *registry, const char *name);
/* By kind of the first input and method name, as a script calls it. */
const lab_op *lab_registry_method(const lab_registry *registry, lab_type kind, const char *method);
const lab_node_type *lab_registry_node_type(const lab_registry *registry, const char *name);
const lab_service *lab_registry_service(const lab_registry *registry, const char *name);
/* The kind that the first half of an operator's name stands for ("map" -> LAB_LABELMAP). */
lab_type lab_op_kind(const char *name);

/*
 * Enumeration: sorted by name for ops, node types and services, in order of registration otherwise;
 * NULL at the end.
 */
const lab_op *lab_registry_op_at(const lab_registry *registry, size_t i);
const lab_node_type *lab_registry_node_type_at(const lab_registry *registry, size_t i);
const lab_kernel *lab_registry_kernel_at(const lab_registry *registry, size_t i);
const lab_loader *lab_registry_loader_at(const lab_registry *registry, size_t i);
const lab_reader *lab_registry_reader_at(const lab_registry *registry, size_t i);
const lab_service *lab_registry_service_at(const lab_registry *registry, size_t i);
/*
 * The plugin an entry came from (any registered descriptor pointer). What is returned is the
 * registry's copy, in which members that the plugin's older lab_plugin.h lacked are zero.
 */
const lab_plugin *lab_registry_owner(const lab_registry *registry, const void *descriptor);
const lab_plugin *lab_registry_plugin_at(const lab_registry *registry, size_t i,
                                         const char **origin);

/*
 * Restricts kernels: isa NULL or "" takes the best this CPU can run; else only kernels of that isa
 * and of "reference" are used, the isa's first. LAB_E_NOT_FOUND lists the isas there are;
 * LAB_E_UNSUPPORTED when this CPU can run none of its kernels.
 */
lab_status lab_registry_force_isa(lab_registry *registry, const char *isa, lab_error *error);

/* The kernel with the best score that this CPU can run; NULL when there is none. */
const lab_kernel *lab_registry_match(const lab_registry *registry, const lab_node *node);

/* The loader that is surest; NULL when none takes the bytes. */
const lab_loader *lab_registry_probe(const lab_registry *registry, const uint8_t *bytes,
                                     size_t size, const char *filename);
/* The same for readers; `bytes` is the whole file. */
const lab_reader *lab_registry_probe_reader(const lab_registry *registry, const uint8_t *bytes,
                                            size_t size, const char *filename);

#endif
