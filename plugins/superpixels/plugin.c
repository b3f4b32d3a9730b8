/* Superpixels: pictures cut into small pieces of one colour, and label maps tidied by them. */
#include "superpixels.h"

enum { COUNT, COMPACTNESS, ITERATIONS };

static lab_status superpixels_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    int32_t height = in->shape[0], width = in->shape[1];
    size_t pixels = (size_t)width * (size_t)height;
    slic_params params = { (uint32_t)lab_arg_int(call, COUNT), lab_arg_float(call, COMPACTNESS),
                           (uint32_t)lab_arg_int(call, ITERATIONS) };
    float *lab = superpixels_alloc(call, pixels, 3 * sizeof *lab);
    uint32_t *labels = superpixels_alloc(call, pixels, sizeof *labels);
    if (!lab || !labels)
        return lab_call_status(call);
    lab_tensor *out = lab_result(call, LAB_LABELMAP, LAB_U16, 2, in->shape);
    if (!out)
        return lab_call_status(call);
    uint32_t n_centers = 0;
    lab_status status = superpixels_to_lab(call, in, lab);
    if (!status)
        status = superpixels_slic(call, lab, width, height, &params, labels, &n_centers);
    if (!status)
        status = superpixels_connect(call, labels, width, height, n_centers, out->data);
    return status;
}

static const lab_param superpixels_params[] = {
    { .name = "count",
      .type = LAB_INT,
      .doc = "about how many",
      .def = "400",
      .min = 1,
      .max = SUPERPIXELS_MAX,
      .flags = LAB_PARAM_MAIN },
    { .name = "compactness",
      .type = LAB_FLOAT,
      .doc = "how much their shape counts against colour: near 1 they follow every edge, near 40 "
             "they are almost squares",
      .def = "10",
      .min = 0.01,
      .max = 1000 },
    { .name = "iterations",
      .type = LAB_INT,
      .doc = "rounds of k-means",
      .def = "10",
      .min = 1,
      .max = 100 },
    LAB_PARAM_END,
};

const lab_op superpixels_op = {
    .name = "image.superpixels",
    .summary = "a picture cut into connected pieces of similar colour (SLIC)",
    .doc = "Achanta et al., PAMI 2012: k-means of CIELAB colour and place from a grid of centres, "
           "each looking one grid step S = sqrt(pixels / count) far, with D^2 = dc^2 + "
           "(compactness / S)^2 ds^2. Then 4-connected pieces are numbered by rows from 0; one of "
           "less than a quarter of the mean size joins the piece before it. Alpha is ignored. The "
           "same ids with any number of threads.",
    .in = LAB_IMAGE,
    .out = LAB_LABELMAP,
    .params = superpixels_params,
    .run = superpixels_run,
};

static const lab_op *const ops[] = { &superpixels_op, &vote_op, NULL };

static const lab_plugin plugin = {
    LAB_PLUGIN_HEAD,    .name = "superpixels",
    .version = "1.0.0", .summary = "SLIC superpixels and majority votes",
    .licence = "MIT",   .ops = ops,
};
LAB_PLUGIN_ENTRY(superpixels, &plugin)
