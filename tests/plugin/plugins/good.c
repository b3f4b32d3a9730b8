/* A plugin as it should be: one operator, init and fini. */
#include "lab_plugin.h"

static lab_status invert_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    lab_tensor *out = lab_result_like(call, in);
    if (!out)
        return lab_call_status(call);
    const uint8_t *src = in->data;
    uint8_t *dst = out->data;
    for (size_t i = 0; i < in->size; i++)
        dst[i] = (uint8_t)(255 - src[i]);
    return LAB_OK;
}

static const lab_op image_invert = {
    .name = "image.invert",
    .summary = "negative of a picture",
    .in = LAB_IMAGE,
    .out = LAB_IMAGE,
    .run = invert_run,
};
static const lab_op *const ops[] = { &image_invert, NULL };

static lab_status init(const lab_host_api *api, lab_error *error)
{
    (void)error;
    return api->abi == LAB_ABI_VERSION && api->size >= sizeof *api ? LAB_OK : LAB_E_ABI;
}

static void fini(void)
{
}

static const lab_plugin plugin = {
    LAB_PLUGIN_HEAD,  .name = "good", .version = "1.2.3", .summary = "negatives",
    .licence = "MIT", .ops = ops,     .init = init,       .fini = fini,
};
LAB_PLUGIN_ENTRY(good, &plugin)
