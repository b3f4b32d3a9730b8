/*
 * Plugins as shared objects: dlopen(RTLD_NOW | RTLD_LOCAL), check, register. A plugin stays loaded
 * until its list is freed, which happens after everything that uses it is gone.
 */
#ifndef LAB_PLUGIN_LOADER_H
#define LAB_PLUGIN_LOADER_H

#include "plugin/registry.h"

typedef struct lab_plugins lab_plugins;

lab_status lab_plugins_new(lab_registry *registry, lab_plugins **out, lab_error *error);
/* Calls each fini and closes the shared objects, last loaded first. */
void lab_plugins_free(lab_plugins *plugins);

/* Loads one file. On failure nothing of it is registered, and the sentence starts with the path. */
lab_status lab_plugins_load(lab_plugins *plugins, const char *path, lab_error *error);

/*
 * Loads each lualab_*.so (.dylib) of a folder in order of name. A failure is logged as a warning
 * and remembered (lab_plugins_failure), and the rest goes on. A folder that does not exist is
 * LAB_E_NOT_FOUND.
 */
lab_status lab_plugins_load_folder(lab_plugins *plugins, const char *folder, lab_error *error);

/* What failed to load, for `lualab plugins`; false past the end. */
bool lab_plugins_failure(const lab_plugins *plugins, size_t i, const char **path,
                         const char **message);

#endif
