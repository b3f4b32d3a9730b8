/* Operators that turn a label map into pictures and masks: colorize, mask. */
#include <string.h>

#include "image/palette.h"
#include "ops/families.h"
#include "ops/support.h"

/* ---- colorize ---- */

typedef struct colorize_job {
    const lab_tensor *map;
    uint8_t *dst;
    const uint8_t (*colors)[3]; /* by id */
    uint32_t count;             /* ids that have a colour */
    lab_call *call;
} colorize_job;

static void colorize_rows(void *user, uint32_t begin, uint32_t end)
{
    const colorize_job *job = user;
    size_t width = (size_t)ops_width(job->map);
    for (size_t i = begin * width; i < end * width; i++) {
        uint32_t id = ops_id(job->map, i);
        if (id >= job->count) {
            lab_fail(job->call, LAB_E_INVALID,
                     "class id %u at x = %zu, y = %zu has no colour: the label set %s has %u "
                     "classes",
                     id, i % width, i / width, lab_labels_set_name(job->map->labels), job->count);
            return;
        }
        memcpy(job->dst + i * 3, job->colors[id], 3);
    }
}

static lab_status colorize_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    uint32_t ids = in->dtype == LAB_U16 ? 65536 : 256;
    uint32_t count = in->labels ? lab_labels_count(in->labels) : ids;
    count = count < ids ? count : ids;
    uint8_t(*colors)[3] = lab_call_alloc(call, count * sizeof *colors);
    if (!colors)
        return lab_call_status(call);
    for (uint32_t id = 0; id < count; id++) {
        uint32_t color = lab_class_color(in->labels, id);
        for (int c = 0; c < 3; c++)
            colors[id][c] = (uint8_t)(color >> (16 - 8 * c));
    }
    int32_t shape[3] = { ops_height(in), ops_width(in), 3 };
    lab_tensor *out = lab_result(call, LAB_IMAGE, LAB_U8, 3, shape);
    if (!out)
        return lab_call_status(call);
    colorize_job job = { in, out->data, (const uint8_t(*)[3])colors, count, call };
    return lab_parallel_for(call, (uint32_t)ops_height(in), 16, colorize_rows, &job);
}

const lab_op lab_op_map_colorize = {
    .name = "map.colorize",
    .summary = "a label map as a picture in its classes' colours",
    .doc = "The colours are those of the label set; an id that it does not have is an error. "
           "Without a label set: the Pascal VOC colours, whose red, green and blue take the id's "
           "bits in turn from the highest down.",
    .in = LAB_LABELMAP,
    .out = LAB_IMAGE,
    .run = colorize_run,
};

/* ---- mask ---- */

enum { MASK_INCLUDE, MASK_EXCLUDE };

typedef struct mask_job {
    const lab_tensor *map;
    uint8_t *dst;
    const uint8_t *values; /* by id */
} mask_job;

static void mask_rows(void *user, uint32_t begin, uint32_t end)
{
    const mask_job *job = user;
    size_t width = (size_t)ops_width(job->map);
    if (job->map->dtype == LAB_U8) {
        const uint8_t *ids = job->map->data;
        for (size_t i = begin * width; i < end * width; i++)
            job->dst[i] = job->values[ids[i]];
    } else {
        const uint16_t *ids = job->map->data;
        for (size_t i = begin * width; i < end * width; i++)
            job->dst[i] = job->values[ids[i]];
    }
}

/* Classes that the map's type cannot hold are simply nowhere. */
static void set_values(const lab_call *call, uint32_t param, uint8_t *values, uint32_t n_ids,
                       uint8_t value)
{
    uint32_t count;
    const int32_t *ids = lab_arg_classes(call, param, &count);
    for (uint32_t i = 0; i < count; i++)
        if ((uint32_t)ids[i] < n_ids)
            values[ids[i]] = value;
}

static lab_status mask_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    bool include = lab_given(call, MASK_INCLUDE);
    if (!include && !lab_given(call, MASK_EXCLUDE))
        return lab_fail(call, LAB_E_INVALID, "say which classes to include or exclude");
    uint32_t n_ids = in->dtype == LAB_U16 ? 65536 : 256;
    uint8_t *values = lab_call_alloc(call, n_ids);
    if (!values)
        return lab_call_status(call);
    memset(values, include ? 0 : 255, n_ids);
    set_values(call, MASK_INCLUDE, values, n_ids, 255);
    set_values(call, MASK_EXCLUDE, values, n_ids, 0);
    int32_t shape[2] = { ops_height(in), ops_width(in) };
    lab_tensor *out = lab_result(call, LAB_MASK, LAB_U8, 2, shape);
    if (!out)
        return lab_call_status(call);
    mask_job job = { in, out->data, values };
    return lab_parallel_for(call, (uint32_t)ops_height(in), 16, mask_rows, &job);
}

static const lab_param mask_params[] = {
    { .name = "include",
      .type = LAB_CLASSES,
      .doc = "classes inside the mask; without it all that are not excluded",
      .flags = LAB_PARAM_OPTIONAL | LAB_PARAM_MAIN },
    { .name = "exclude",
      .type = LAB_CLASSES,
      .doc = "classes outside the mask, also where they are included",
      .flags = LAB_PARAM_OPTIONAL },
    LAB_PARAM_END,
};

const lab_op lab_op_map_mask = {
    .name = "map.mask",
    .summary = "where some classes are: 255 there, 0 elsewhere",
    .doc = "Give the classes to include, those to exclude, or both (then what is included and not "
           "excluded). Class ids are 0-based pixel values.",
    .in = LAB_LABELMAP,
    .out = LAB_MASK,
    .params = mask_params,
    .run = mask_run,
};
