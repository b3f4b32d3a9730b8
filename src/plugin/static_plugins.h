/* The plugins linked into a static build (LAB_STATIC_PLUGINS); the list is written by CMake. */
#ifndef LAB_PLUGIN_STATIC_PLUGINS_H
#define LAB_PLUGIN_STATIC_PLUGINS_H

#include "lab_plugin.h"

typedef struct lab_static_plugin {
    const char *name;
    lab_plugin_entry_fn *entry;
} lab_static_plugin;

/* Ends with an entry whose name is NULL; holds nothing else where plugins are loaded. */
extern const lab_static_plugin lab_static_plugins[];

#endif
