/* Set algebra of masks: intersect, unite, subtract. Soft masks follow fuzzy sets (Zadeh). */
#include "ops/families.h"
#include "ops/support.h"

typedef struct set_job {
    const uint8_t *a, *b;
    uint8_t *dst;
    size_t width;
} set_job;

static void intersect_rows(void *user, uint32_t begin, uint32_t end)
{
    const set_job *job = user;
    for (size_t i = begin * job->width; i < end * job->width; i++)
        job->dst[i] = job->a[i] < job->b[i] ? job->a[i] : job->b[i];
}

static void unite_rows(void *user, uint32_t begin, uint32_t end)
{
    const set_job *job = user;
    for (size_t i = begin * job->width; i < end * job->width; i++)
        job->dst[i] = job->a[i] > job->b[i] ? job->a[i] : job->b[i];
}

static void subtract_rows(void *user, uint32_t begin, uint32_t end)
{
    const set_job *job = user;
    for (size_t i = begin * job->width; i < end * job->width; i++) {
        uint8_t rest = (uint8_t)(255 - job->b[i]);
        job->dst[i] = job->a[i] < rest ? job->a[i] : rest;
    }
}

static lab_status combine(lab_call *call, lab_range_fn *rows)
{
    const lab_tensor *in = lab_input(call), *with = lab_arg_tensor(call, 0);
    lab_status status = ops_same_size(call, in, with, "other mask");
    lab_tensor *out = status ? NULL : lab_result_like(call, in);
    if (!out)
        return lab_call_status(call);
    set_job job = { in->data, with->data, out->data, (size_t)ops_width(in) };
    return lab_parallel_for(call, (uint32_t)ops_height(in), 32, rows, &job);
}

static lab_status intersect_run(lab_call *call)
{
    return combine(call, intersect_rows);
}

static lab_status unite_run(lab_call *call)
{
    return combine(call, unite_rows);
}

static lab_status subtract_run(lab_call *call)
{
    return combine(call, subtract_rows);
}

static const lab_param set_params[] = {
    { .name = "with",
      .type = LAB_MASK,
      .doc = "the other mask, of the same size",
      .flags = LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

const lab_op lab_op_mask_intersect = {
    .name = "mask.intersect",
    .summary = "what is inside both masks: a & b",
    .doc = "The smaller of the two values at each pixel.",
    .in = LAB_MASK,
    .out = LAB_MASK,
    .params = set_params,
    .run = intersect_run,
};

const lab_op lab_op_mask_unite = {
    .name = "mask.unite",
    .summary = "what is inside either mask: a | b",
    .doc = "The larger of the two values at each pixel.",
    .in = LAB_MASK,
    .out = LAB_MASK,
    .params = set_params,
    .run = unite_run,
};

const lab_op lab_op_mask_subtract = {
    .name = "mask.subtract",
    .summary = "what is inside this mask and outside the other: a - b",
    .doc = "The smaller of a and 255 - b at each pixel: a & ~b.",
    .in = LAB_MASK,
    .out = LAB_MASK,
    .params = set_params,
    .run = subtract_run,
};
