/* Offers an operator that another plugin has, behind one that nobody has. */
#include "lab_plugin.h"

static lab_status run(lab_call *call)
{
    return lab_result_like(call, lab_input(call)) ? LAB_OK : lab_call_status(call);
}

static const lab_op fresh = {
    .name = "image.fresh", .summary = "s", .in = LAB_IMAGE, .out = LAB_IMAGE, .run = run
};
static const lab_op invert = {
    .name = "image.invert", .summary = "s", .in = LAB_IMAGE, .out = LAB_IMAGE, .run = run
};
static const lab_op *const ops[] = { &fresh, &invert, NULL };
static const lab_plugin plugin = {
    LAB_PLUGIN_HEAD, .name = "duplicate", .version = "1",
    .summary = "s",  .licence = "MIT",    .ops = ops,
};
LAB_PLUGIN_ENTRY(late_duplicate, &plugin)
