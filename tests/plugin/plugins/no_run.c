/* A good operator, then one without a run function. */
#include "lab_plugin.h"

static lab_status run(lab_call *call)
{
    return lab_result_like(call, lab_input(call)) ? LAB_OK : lab_call_status(call);
}

static const lab_op whole = {
    .name = "image.whole", .summary = "s", .in = LAB_IMAGE, .out = LAB_IMAGE, .run = run
};
static const lab_op half = {
    .name = "image.half", .summary = "s", .in = LAB_IMAGE, .out = LAB_IMAGE
};
static const lab_op *const ops[] = { &whole, &half, NULL };
static const lab_plugin plugin = {
    LAB_PLUGIN_HEAD, .name = "norun", .version = "1", .summary = "s", .licence = "MIT", .ops = ops,
};
LAB_PLUGIN_ENTRY(no_run, &plugin)
