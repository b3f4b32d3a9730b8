/* Has an entry, but nothing to say. */
#include "lab_plugin.h"

LAB_PLUGIN_ENTRY(null_descriptor, NULL)
