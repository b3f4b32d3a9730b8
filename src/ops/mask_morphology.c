/* mask.erode, mask.dilate, mask.opening, mask.closing: shapes grown and shrunk. */
#include "ops/families.h"
#include "ops/morphology.h"

enum { PARAM_RADIUS, PARAM_SHAPE };

static void invert(uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(255 - data[i]);
}

/* Grows what is inside; with `inverted` what is outside: erosion. In place. */
static lab_status grow(lab_call *call, lab_tensor *mask, bool inverted)
{
    if (inverted)
        invert(mask->data, mask->size);
    lab_status status = morphology_dilate(
        call, mask->data, mask->data, (uint32_t)ops_width(mask), (uint32_t)ops_height(mask),
        (uint32_t)lab_arg_int(call, PARAM_RADIUS), lab_arg_int(call, PARAM_SHAPE));
    if (inverted)
        invert(mask->data, mask->size);
    return status;
}

static lab_status morph(lab_call *call, const bool *erosions, int count)
{
    const lab_tensor *in = lab_input(call);
    lab_tensor *out = lab_result_like(call, in);
    if (!out)
        return lab_call_status(call);
    ops_copy(out, in);
    lab_status status = LAB_OK;
    for (int i = 0; !status && i < count; i++)
        status = grow(call, out, erosions[i]);
    return status;
}

static lab_status erode_run(lab_call *call)
{
    return morph(call, (const bool[]){ true }, 1);
}

static lab_status dilate_run(lab_call *call)
{
    return morph(call, (const bool[]){ false }, 1);
}

static lab_status open_run(lab_call *call)
{
    return morph(call, (const bool[]){ true, false }, 2);
}

static lab_status close_run(lab_call *call)
{
    return morph(call, (const bool[]){ false, true }, 2);
}

static const lab_param morph_params[] = {
    { .name = "radius",
      .type = LAB_INT,
      .doc = "pixels; 0 changes nothing",
      .min = 0,
      .max = MORPHOLOGY_MAX_RADIUS,
      .flags = LAB_PARAM_MAIN },
    { .name = "shape",
      .type = LAB_ENUM,
      .doc = "disc: all within the radius; square: radius pixels to each side, at the same cost "
             "for any radius",
      .def = "disc",
      .choices = "disc|square" },
    LAB_PARAM_END,
};

#define MORPH_DOC " Soft masks keep their levels. What is beyond the border has no say."

const lab_op lab_op_mask_erode = {
    .name = "mask.erode",
    .summary = "a mask shrunk from its edges",
    .doc = "Each pixel takes the smallest value within the radius." MORPH_DOC,
    .in = LAB_MASK,
    .out = LAB_MASK,
    .params = morph_params,
    .run = erode_run,
};

const lab_op lab_op_mask_dilate = {
    .name = "mask.dilate",
    .summary = "a mask grown at its edges",
    .doc = "Each pixel takes the largest value within the radius." MORPH_DOC,
    .in = LAB_MASK,
    .out = LAB_MASK,
    .params = morph_params,
    .run = dilate_run,
};

const lab_op lab_op_mask_opening = {
    .name = "mask.opening",
    .summary = "a mask without specks and thin parts",
    .doc = "Eroded, then dilated: what the disc or square does not fit into goes." MORPH_DOC,
    .in = LAB_MASK,
    .out = LAB_MASK,
    .params = morph_params,
    .run = open_run,
};

const lab_op lab_op_mask_closing = {
    .name = "mask.closing",
    .summary = "a mask without gaps and cracks",
    .doc = "Dilated, then eroded: gaps that the disc or square does not fit into are filled. (Not "
           "called close, which frees a value.)" MORPH_DOC,
    .in = LAB_MASK,
    .out = LAB_MASK,
    .params = morph_params,
    .run = close_run,
};
