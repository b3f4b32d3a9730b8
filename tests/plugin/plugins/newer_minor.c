/* Built for a later minor version of the plugin ABI. */
#include "lab_plugin.h"

static const lab_plugin plugin = {
    .abi = LAB_ABI_VERSION + 1,
    .size = sizeof(lab_plugin),
    .name = "newer",
    .version = "1",
    .summary = "s",
    .licence = "MIT",
};
LAB_PLUGIN_ENTRY(newer_minor, &plugin)
