/* Operators on masks alone: feather, invert, threshold. */
#include "ops/families.h"
#include "ops/support.h"

/* ---- feather ---- */

static lab_status feather_run(lab_call *call)
{
    lab_tensor out = { 0 };
    lab_error error = { 0 };
    double sigma = lab_arg_float(call, 0) / 2.0;
    lab_status status =
        lab_image_blur(lab_call_context(call), lab_input(call), sigma, &out, &error);
    return ops_finish(call, status, &out, &error);
}

static const lab_param feather_params[] = {
    { .name = "radius",
      .type = LAB_FLOAT,
      .doc = "pixels: how far on either side of an edge the mask fades (about 95 % of the way); 0 "
             "changes nothing",
      .min = 0,
      .max = 2 * LAB_BLUR_MAX_SIGMA,
      .flags = LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

const lab_op lab_op_mask_feather = {
    .name = "mask.feather",
    .summary = "a mask with soft edges",
    .doc = "A Gaussian blur with a standard deviation of radius / 2, cut off at three of them; "
           "beyond the border the edge pixels go on. Weights of 14 bits, integer sums, rounded "
           "half up: the same bytes everywhere.",
    .in = LAB_MASK,
    .out = LAB_MASK,
    .params = feather_params,
    .run = feather_run,
};

/* ---- what looks at one value at a time ---- */

typedef struct table_job {
    const uint8_t *src;
    uint8_t *dst;
    uint8_t table[256];
    size_t width;
} table_job;

static void look_up_rows(void *user, uint32_t begin, uint32_t end)
{
    const table_job *job = user;
    for (size_t i = begin * job->width; i < end * job->width; i++)
        job->dst[i] = job->table[job->src[i]];
}

static lab_status look_up(lab_call *call, table_job *job)
{
    const lab_tensor *in = lab_input(call);
    lab_tensor *out = lab_result_like(call, in);
    if (!out)
        return lab_call_status(call);
    job->src = in->data;
    job->dst = out->data;
    job->width = (size_t)ops_width(in);
    return lab_parallel_for(call, (uint32_t)ops_height(in), 32, look_up_rows, job);
}

static lab_status invert_run(lab_call *call)
{
    table_job job;
    for (int v = 0; v < 256; v++)
        job.table[v] = (uint8_t)(255 - v);
    return look_up(call, &job);
}

const lab_op lab_op_mask_invert = {
    .name = "mask.invert",
    .summary = "inside becomes outside: 255 minus each value",
    .in = LAB_MASK,
    .out = LAB_MASK,
    .run = invert_run,
};

static lab_status threshold_run(lab_call *call)
{
    table_job job;
    for (int v = 0; v < 256; v++)
        job.table[v] = v >= lab_arg_int(call, 0) ? 255 : 0;
    return look_up(call, &job);
}

static const lab_param threshold_params[] = {
    { .name = "level",
      .type = LAB_INT,
      .doc = "values from here on become 255, the others 0",
      .def = "128",
      .min = 0,
      .max = 255,
      .flags = LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

const lab_op lab_op_mask_threshold = {
    .name = "mask.threshold",
    .summary = "a mask with hard edges",
    .in = LAB_MASK,
    .out = LAB_MASK,
    .params = threshold_params,
    .run = threshold_run,
};
