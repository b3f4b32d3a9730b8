/* Its init finds that something is missing. */
#include "lab_plugin.h"

static lab_status run(lab_call *call)
{
    return lab_result_like(call, lab_input(call)) ? LAB_OK : lab_call_status(call);
}

static const lab_op op = {
    .name = "image.unreachable", .summary = "s", .in = LAB_IMAGE, .out = LAB_IMAGE, .run = run
};
static const lab_op *const ops[] = { &op, NULL };

static lab_status init(const lab_host_api *api, lab_error *error)
{
    (void)api;
    snprintf(error->message, sizeof error->message, "no device of this name");
    return LAB_E_NOT_FOUND;
}

static const lab_plugin plugin = {
    LAB_PLUGIN_HEAD,  .name = "failing", .version = "1", .summary = "s",
    .licence = "MIT", .ops = ops,        .init = init,
};
LAB_PLUGIN_ENTRY(failing_init, &plugin)
