/* Says that its descriptor ends before the lists begin. */
#include "lab_plugin.h"

static const lab_plugin plugin = {
    .abi = LAB_ABI_VERSION,
    .size = 16,
    .name = "small",
    .version = "1",
    .summary = "s",
    .licence = "MIT",
};
LAB_PLUGIN_ENTRY(too_small, &plugin)
