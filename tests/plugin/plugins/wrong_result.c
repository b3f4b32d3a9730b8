/* Promises a mask; gives a picture, or nothing. */
#include "lab_plugin.h"

static lab_status run_picture(lab_call *call)
{
    return lab_result_like(call, lab_input(call)) ? LAB_OK : lab_call_status(call);
}

static lab_status run_nothing(lab_call *call)
{
    (void)call;
    return LAB_OK;
}

static const lab_op picture = {
    .name = "image.liar", .summary = "s", .in = LAB_IMAGE, .out = LAB_MASK, .run = run_picture
};
static const lab_op nothing = {
    .name = "image.idler", .summary = "s", .in = LAB_IMAGE, .out = LAB_MASK, .run = run_nothing
};
static const lab_op *const ops[] = { &picture, &nothing, NULL };
static const lab_plugin plugin = {
    LAB_PLUGIN_HEAD, .name = "wrong", .version = "1", .summary = "s", .licence = "MIT", .ops = ops,
};
LAB_PLUGIN_ENTRY(wrong_result, &plugin)
