/* Built with the first lab_plugin.h, whose descriptor ended with fini: what lies behind is not its.
 */
#include "lab_plugin.h"

static lab_status run(lab_call *call)
{
    return lab_result_like(call, lab_input(call)) ? LAB_OK : lab_call_status(call);
}

static const lab_op op = {
    .name = "image.older", .summary = "s", .in = LAB_IMAGE, .out = LAB_IMAGE, .run = run
};
static const lab_op *const ops[] = { &op, NULL };

static const lab_plugin plugin = {
    .abi = LAB_ABI_MAJOR << 16,
    .size = (uint32_t)offsetof(lab_plugin, readers),
    .name = "older",
    .version = "1",
    .summary = "s",
    .licence = "MIT",
    .ops = ops,
    .readers = (const lab_reader *const *)(const void *)"no list at all",
};
LAB_PLUGIN_ENTRY(older_minor, &plugin)
