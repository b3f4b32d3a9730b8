/* Operators that change or list the classes of a label map: merge, remap, classes, boundary. */
#include <stdlib.h>
#include <string.h>

#include "ops/families.h"
#include "ops/legend.h"
#include "ops/morphology.h"

/* ---- merge, remap: a new id for each id ---- */

typedef struct remap_job {
    const lab_tensor *map;
    lab_tensor *out;
    const uint16_t *ids; /* by old id */
} remap_job;

static void remap_rows(void *user, uint32_t begin, uint32_t end)
{
    const remap_job *job = user;
    size_t width = (size_t)ops_width(job->map);
    for (size_t i = begin * width; i < end * width; i++) {
        uint16_t id = job->ids[ops_id(job->map, i)];
        if (job->out->dtype == LAB_U8)
            ((uint8_t *)job->out->data)[i] = (uint8_t)id;
        else
            ((uint16_t *)job->out->data)[i] = id;
    }
}

/* Every id as itself; NULL: no memory (status set). */
static uint16_t *identity(lab_call *call)
{
    uint16_t *ids = lab_call_alloc(call, 65536 * sizeof *ids);
    for (uint32_t i = 0; ids && i < 65536; i++)
        ids[i] = (uint16_t)i;
    return ids;
}

/* The result has 8-bit ids unless the map has 16-bit ones or a new id needs them. */
static lab_status remap(lab_call *call, const uint16_t *ids)
{
    const lab_tensor *in = lab_input(call);
    uint32_t n_ids = in->dtype == LAB_U8 ? 256 : 65536, most = 0;
    for (uint32_t i = 0; i < n_ids; i++)
        most = ids[i] > most ? ids[i] : most;
    lab_tensor *out = lab_result(call, LAB_LABELMAP, most > 255 ? LAB_U16 : LAB_U8, 2, in->shape);
    if (!out)
        return lab_call_status(call);
    lab_result_labels(call, in);
    remap_job job = { in, out, ids };
    return lab_parallel_for(call, (uint32_t)ops_height(in), 16, remap_rows, &job);
}

enum { MERGE_CLASSES, MERGE_INTO };

static lab_status merge_run(lab_call *call)
{
    uint32_t count, n_into;
    const int32_t *classes = lab_arg_classes(call, MERGE_CLASSES, &count);
    const int32_t *into = lab_arg_classes(call, MERGE_INTO, &n_into);
    if (n_into < 1)
        return lab_fail(call, LAB_E_INVALID, "into must be one class, got none");
    uint16_t *ids = identity(call);
    if (!ids)
        return lab_call_status(call);
    for (uint32_t i = 0; i < count; i++)
        ids[classes[i]] = (uint16_t)into[0];
    return remap(call, ids);
}

static const lab_param merge_params[] = {
    { .name = "classes",
      .type = LAB_CLASSES,
      .doc = "classes to be taken together",
      .flags = LAB_PARAM_MAIN },
    { .name = "into",
      .type = LAB_CLASSES,
      .doc = "the class that they become; of several the first (a name may stand for several)" },
    LAB_PARAM_END,
};

const lab_op lab_op_map_merge = {
    .name = "map.merge",
    .summary = "a label map in which several classes have become one",
    .doc = "All other classes stay. The label set stays, too.",
    .in = LAB_LABELMAP,
    .out = LAB_LABELMAP,
    .params = merge_params,
    .run = merge_run,
};

static lab_status remap_run(lab_call *call)
{
    uint32_t count;
    const double *list = lab_arg_floats(call, 0, &count);
    uint16_t *ids = identity(call);
    if (!ids)
        return lab_call_status(call);
    if (count > 65536)
        return lab_fail(call, LAB_E_INVALID, "ids has %u entries, at most 65536 make sense", count);
    for (uint32_t i = 0; i < count; i++) {
        ids[i] = (uint16_t)list[i];
        if ((double)ids[i] != list[i])
            return lab_fail(call, LAB_E_INVALID, "ids[%u] must be a whole number, got %g", i + 1,
                            list[i]);
    }
    return remap(call, ids);
}

static const lab_param remap_params[] = {
    { .name = "ids",
      .type = LAB_FLOATS,
      .doc = "the new ids of ids 0, 1, 2, …; ids beyond the list stay",
      .min = 0,
      .max = 65535,
      .flags = LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

const lab_op lab_op_map_remap = {
    .name = "map.remap",
    .summary = "a label map with other ids",
    .doc = "The first entry of the list is the new id of class 0. The label set stays: "
           "map:with_labels gives another.",
    .in = LAB_LABELMAP,
    .out = LAB_LABELMAP,
    .params = remap_params,
    .run = remap_run,
};

/* ---- classes ---- */

static int by_id(const void *a, const void *b)
{
    const legend_entry *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static lab_status classes_run(lab_call *call)
{
    legend_entry *entries = NULL;
    uint32_t count = 0;
    if (legend_collect(call, lab_input(call), &entries, &count))
        return lab_call_status(call);
    qsort(entries, count, sizeof *entries, by_id);
    for (uint32_t i = 0; i < count; i++) {
        char spare[32];
        lab_record_begin(call);
        lab_record_int(call, "id", entries[i].id);
        lab_record_string(call, "name",
                          legend_name(lab_input(call), entries[i].id, spare, sizeof spare));
        lab_record_int(call, "pixels", entries[i].pixels);
    }
    return lab_call_status(call);
}

const lab_op lab_op_map_classes = {
    .name = "map.classes",
    .summary = "the classes that occur in a label map, by id",
    .doc = "One row a class: id, name (\"class N\" outside the label set), pixels. map.legend "
           "tells more of each.",
    .in = LAB_LABELMAP,
    .out = LAB_RECORDS,
    .run = classes_run,
};

/* ---- boundary ---- */

typedef struct edge_job {
    const lab_tensor *map;
    uint8_t *dst;
} edge_job;

/* 255 where one of the eight neighbours has another id. */
static void edge_rows(void *user, uint32_t begin, uint32_t end)
{
    const edge_job *job = user;
    int32_t width = ops_width(job->map), height = ops_height(job->map);
    for (int32_t y = (int32_t)begin; y < (int32_t)end; y++)
        for (int32_t x = 0; x < width; x++) {
            uint32_t id = ops_id(job->map, (size_t)y * (size_t)width + (size_t)x);
            bool edge = false;
            for (int32_t v = y > 0 ? y - 1 : 0; v <= y + 1 && v < height; v++)
                for (int32_t u = x > 0 ? x - 1 : 0; u <= x + 1 && u < width; u++)
                    edge |= ops_id(job->map, (size_t)v * (size_t)width + (size_t)u) != id;
            job->dst[(size_t)y * (size_t)width + (size_t)x] = edge ? 255 : 0;
        }
}

/* A pixel has another class within n of it exactly when one within n - 1 has another beside it:
 * on the way there the class changes for a first time. */
static lab_status boundary_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    lab_tensor *out = lab_result(call, LAB_MASK, LAB_U8, 2, in->shape);
    if (!out)
        return lab_call_status(call);
    edge_job job = { in, out->data };
    lab_status status = lab_parallel_for(call, (uint32_t)ops_height(in), 8, edge_rows, &job);
    uint32_t radius = (uint32_t)lab_arg_int(call, 0) - 1;
    if (!status && radius > 0)
        status = morphology_dilate(call, out->data, out->data, (uint32_t)ops_width(in),
                                   (uint32_t)ops_height(in), radius, MORPHOLOGY_SQUARE);
    return status;
}

static const lab_param boundary_params[] = {
    { .name = "width",
      .type = LAB_INT,
      .doc = "pixels on each side of a boundary between two classes",
      .def = "1",
      .min = 1,
      .max = MORPHOLOGY_MAX_RADIUS,
      .flags = LAB_PARAM_MAIN },
    LAB_PARAM_END,
};

const lab_op lab_op_map_boundary = {
    .name = "map.boundary",
    .summary = "where classes meet, as a mask",
    .doc = "255 where another class is at most `width` columns and rows away, else 0. With ground "
           "truth as map it is the trimap in which edges are evaluated.",
    .in = LAB_LABELMAP,
    .out = LAB_MASK,
    .params = boundary_params,
    .run = boundary_run,
};
