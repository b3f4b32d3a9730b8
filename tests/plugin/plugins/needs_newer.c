/* Built for a later minor version, without which it is of no use. */
#include "lab_plugin.h"

static lab_status init(const lab_host_api *api, lab_error *error)
{
    return lab_need_minor(api, LAB_ABI_MINOR + 1, error);
}

static const lab_plugin plugin = {
    .abi = LAB_ABI_VERSION + 1,
    .size = sizeof(lab_plugin),
    .name = "needy",
    .version = "1",
    .summary = "s",
    .licence = "MIT",
    .init = init,
};
LAB_PLUGIN_ENTRY(needs_newer, &plugin)
