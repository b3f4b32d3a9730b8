/* Operators from a network's output as it is to a label map of the same size. */
#include <math.h>

#include "ops/families.h"
#include "ops/support.h"

/* ---- argmax ---- */

typedef struct argmax_job {
    const lab_tensor *in;
    lab_tensor *out;
    uint32_t classes;
    size_t width;
} argmax_job;

static uint32_t best_u8(const uint8_t *v, uint32_t n)
{
    uint32_t best = 0;
    for (uint32_t k = 1; k < n; k++)
        best = v[k] > v[best] ? k : best;
    return best;
}

static uint32_t best_i8(const int8_t *v, uint32_t n)
{
    uint32_t best = 0;
    for (uint32_t k = 1; k < n; k++)
        best = v[k] > v[best] ? k : best;
    return best;
}

/* Not a number is never best. */
static uint32_t best_f32(const float *v, uint32_t n)
{
    uint32_t best = 0;
    float most = -INFINITY;
    for (uint32_t k = 0; k < n; k++) {
        if (v[k] > most) {
            most = v[k];
            best = k;
        }
    }
    return best;
}

static void argmax_rows(void *user, uint32_t begin, uint32_t end)
{
    const argmax_job *job = user;
    for (size_t i = begin * job->width; i < end * job->width; i++) {
        size_t at = i * job->classes;
        uint32_t best = 0;
        if (job->in->dtype == LAB_U8)
            best = best_u8((const uint8_t *)job->in->data + at, job->classes);
        else if (job->in->dtype == LAB_I8)
            best = best_i8((const int8_t *)job->in->data + at, job->classes);
        else
            best = best_f32((const float *)job->in->data + at, job->classes);
        if (job->out->dtype == LAB_U8)
            ((uint8_t *)job->out->data)[i] = (uint8_t)best;
        else
            ((uint16_t *)job->out->data)[i] = (uint16_t)best;
    }
}

static lab_status argmax_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    char text[160];
    lab_tensor_describe(in, text, sizeof text);
    if (in->rank != 4 || in->shape[0] != 1)
        return lab_fail(call, LAB_E_INVALID,
                        "the input must be [1, height, width, classes], got %s", text);
    if (in->dtype != LAB_U8 && in->dtype != LAB_I8 && in->dtype != LAB_F32)
        return lab_fail(call, LAB_E_UNSUPPORTED, "the input must be u8, i8 or f32, got %s", text);
    if (in->quant.count > 1)
        return lab_fail(call, LAB_E_UNSUPPORTED,
                        "logits quantised class by class cannot be compared as they are: use "
                        "upsample_argmax");
    uint32_t classes = (uint32_t)in->shape[3];
    if (classes > 65536)
        return lab_fail(call, LAB_E_LIMIT, "at most 65536 classes, got %u", classes);
    int32_t shape[2] = { in->shape[1], in->shape[2] };
    lab_tensor *out = lab_result(call, LAB_LABELMAP, classes > 256 ? LAB_U16 : LAB_U8, 2, shape);
    if (!out)
        return lab_call_status(call);
    argmax_job job = { in, out, classes, (size_t)in->shape[2] };
    return lab_parallel_for(call, (uint32_t)in->shape[1], 8, argmax_rows, &job);
}

const lab_op lab_op_tensor_argmax = {
    .name = "tensor.argmax",
    .summary = "the class with the largest value at each position, as a label map",
    .doc = "The lowest id wins a tie. The map has the tensor's height and width; "
           "tensor.upsample_argmax gives one of any size.",
    .in = LAB_TENSOR,
    .out = LAB_LABELMAP,
    .run = argmax_run,
};

/* ---- labelmap ---- */

static bool read_id(const lab_tensor *in, size_t i, int64_t *id)
{
    switch (in->dtype) {
    case LAB_U8:
        *id = ((const uint8_t *)in->data)[i];
        return true;
    case LAB_I8:
        *id = (int64_t)((const int8_t *)in->data)[i];
        return true;
    case LAB_U16:
        *id = ((const uint16_t *)in->data)[i];
        return true;
    case LAB_I16:
        *id = ((const int16_t *)in->data)[i];
        return true;
    case LAB_I32:
        *id = ((const int32_t *)in->data)[i];
        return true;
    case LAB_I64:
        *id = ((const int64_t *)in->data)[i];
        return true;
    default:
        return false;
    }
}

/* Height and width of [H, W], [1, H, W] or [1, H, W, 1]. */
static bool map_shape(const lab_tensor *in, int32_t shape[2])
{
    uint32_t skip = in->rank >= 3 ? 1 : 0;
    bool fits = in->rank == 2 || (in->rank == 3 && in->shape[0] == 1) ||
                (in->rank == 4 && in->shape[0] == 1 && in->shape[3] == 1);
    if (fits) {
        shape[0] = in->shape[skip];
        shape[1] = in->shape[skip + 1];
    }
    return fits;
}

static lab_status labelmap_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    char text[160];
    lab_tensor_describe(in, text, sizeof text);
    int32_t shape[2] = { 0, 0 };
    if (!map_shape(in, shape))
        return lab_fail(call, LAB_E_INVALID,
                        "the input must be [height, width] or [1, height, width], got %s", text);
    size_t count = (size_t)shape[0] * (size_t)shape[1];
    int64_t id = 0, max = 0;
    for (size_t i = 0; i < count; i++) {
        if (!read_id(in, i, &id))
            return lab_fail(call, LAB_E_INVALID, "class ids are integers, got %s", text);
        if (id < 0 || id > 65535)
            return lab_fail(call, LAB_E_INVALID,
                            "class ids are 0..65535, but there is %lld at x = %zu, y = %zu",
                            (long long)id, i % (size_t)shape[1], i / (size_t)shape[1]);
        max = id > max ? id : max;
    }
    lab_tensor *out = lab_result(call, LAB_LABELMAP, max > 255 ? LAB_U16 : LAB_U8, 2, shape);
    if (!out)
        return lab_call_status(call);
    for (size_t i = 0; i < count; i++) {
        read_id(in, i, &id);
        if (out->dtype == LAB_U8)
            ((uint8_t *)out->data)[i] = (uint8_t)id;
        else
            ((uint16_t *)out->data)[i] = (uint16_t)id;
    }
    return LAB_OK;
}

const lab_op lab_op_tensor_labelmap = {
    .name = "tensor.labelmap",
    .summary = "a network's class ids as a label map",
    .doc = "For networks that end in an arg-max: integers of any width, [height, width], "
           "[1, height, width] or with a last dimension of 1. The map has 8-bit ids where all fit, "
           "else 16-bit ones.",
    .in = LAB_TENSOR,
    .out = LAB_LABELMAP,
    .run = labelmap_run,
};
