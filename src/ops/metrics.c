/* Operators that compare two label maps: confusion, compare, boundary_overlap. */
#include <math.h>
#include <string.h>

#include "ops/families.h"
#include "ops/support.h"

/* ---- confusion ---- */

enum { CONFUSION_TRUTH, CONFUSION_CLASSES, CONFUSION_IGNORE };

#define MAX_CLASSES 4096 /* a matrix of 128 MB */

static lab_status outside(lab_call *call, const char *what, uint32_t id, size_t i, size_t width,
                          int64_t classes)
{
    return lab_fail(call, LAB_E_INVALID,
                    "the %s has class id %u at x = %zu, y = %zu, but there are only classes "
                    "0..%lld (ignore leaves one id of the truth out)",
                    what, id, i % width, i / width, (long long)classes - 1);
}

static lab_status confusion_run(lab_call *call)
{
    const lab_tensor *map = lab_input(call), *truth = lab_arg_tensor(call, CONFUSION_TRUTH);
    int64_t classes = lab_arg_int(call, CONFUSION_CLASSES);
    int64_t ignore = lab_arg_int(call, CONFUSION_IGNORE);
    lab_status status = ops_same_size(call, map, truth, "truth");
    if (status)
        return status;
    int32_t shape[2] = { (int32_t)classes, (int32_t)classes };
    lab_tensor *out = lab_result(call, LAB_TENSOR, LAB_I64, 2, shape);
    if (!out)
        return lab_call_status(call);
    int64_t *matrix = out->data;
    memset(matrix, 0, out->size);
    size_t width = (size_t)ops_width(map), count = width * (size_t)ops_height(map);
    for (size_t i = 0; i < count; i++) {
        if (i % (1u << 20) == 0 && lab_should_stop(call))
            return lab_fail(call, LAB_E_INTERRUPTED, "stopped on request");
        uint32_t row = ops_id(truth, i), column = ops_id(map, i);
        if (row == ignore)
            continue;
        if (row >= classes)
            return outside(call, "truth", row, i, width, classes);
        if (column >= classes)
            return outside(call, "prediction", column, i, width, classes);
        matrix[row * classes + column]++;
    }
    return LAB_OK;
}

static const lab_param confusion_params[] = {
    { .name = "truth",
      .type = LAB_LABELMAP,
      .doc = "what is right, of the same size",
      .flags = LAB_PARAM_MAIN },
    { .name = "classes",
      .type = LAB_INT,
      .doc = "how many classes there are; ids are 0 .. classes - 1",
      .min = 1,
      .max = MAX_CLASSES },
    { .name = "ignore",
      .type = LAB_INT,
      .doc = "id in the truth whose pixels do not count (255: void); -1 none",
      .def = "255",
      .min = -1,
      .max = 65535 },
    LAB_PARAM_END,
};

const lab_op lab_op_map_confusion = {
    .name = "map.confusion",
    .summary = "how often each class was taken for each other",
    .doc = "A matrix of pixel counts, i64 [classes, classes]: row = class in the truth, column = "
           "class in this map. Matrices of several pictures are added up before the intersection "
           "over union is taken: m[c][c] / (row c + column c - m[c][c]).",
    .in = LAB_LABELMAP,
    .out = LAB_TENSOR,
    .params = confusion_params,
    .run = confusion_run,
};

/* ---- compare ---- */

enum { COMPARE_WITH, COMPARE_IGNORE };

typedef struct class_count {
    int64_t both, here, there; /* pixels of a class in both maps, in this one, in the other */
} class_count;

typedef struct comparison {
    int64_t pixels, same, ignored;
    class_count *classes;
    uint32_t n_ids;
} comparison;

static lab_status count_pixels(lab_call *call, const lab_tensor *a, const lab_tensor *b,
                               int64_t ignore, comparison *c)
{
    size_t count = (size_t)ops_width(a) * (size_t)ops_height(a);
    for (size_t i = 0; i < count; i++) {
        if (i % (1u << 20) == 0 && lab_should_stop(call))
            return lab_fail(call, LAB_E_INTERRUPTED, "stopped on request");
        uint32_t here = ops_id(a, i), there = ops_id(b, i);
        if (here == ignore || there == ignore) {
            c->ignored++;
            continue;
        }
        c->pixels++;
        c->classes[here].here++;
        c->classes[there].there++;
        if (here == there) {
            c->same++;
            c->classes[here].both++;
        }
    }
    return LAB_OK;
}

static lab_status report(lab_call *call, const comparison *c)
{
    int64_t present = 0;
    double iou = 0.0;
    for (uint32_t id = 0; id < c->n_ids; id++) {
        const class_count *n = &c->classes[id];
        int64_t either = n->here + n->there - n->both;
        if (either == 0)
            continue;
        present++;
        iou += (double)n->both / (double)either;
    }
    lab_record_begin(call);
    lab_record_float(call, "agreement", c->pixels ? (double)c->same / (double)c->pixels : 1.0);
    lab_record_int(call, "pixels", c->pixels);
    lab_record_int(call, "same", c->same);
    lab_record_int(call, "different", c->pixels - c->same);
    lab_record_int(call, "ignored", c->ignored);
    lab_record_int(call, "classes", present);
    lab_record_float(call, "mean_iou", present ? iou / (double)present : 1.0);
    return lab_call_status(call);
}

static lab_status compare_run(lab_call *call)
{
    const lab_tensor *a = lab_input(call), *b = lab_arg_tensor(call, COMPARE_WITH);
    lab_status status = ops_same_size(call, a, b, "map to compare with");
    if (status)
        return status;
    uint32_t max_a = ops_max_id(a), max_b = ops_max_id(b);
    comparison c = { .n_ids = (max_a > max_b ? max_a : max_b) + 1 };
    c.classes = lab_call_alloc(call, c.n_ids * sizeof *c.classes);
    if (!c.classes)
        return lab_call_status(call);
    status = count_pixels(call, a, b, lab_arg_int(call, COMPARE_IGNORE), &c);
    return status ? status : report(call, &c);
}

static const lab_param compare_params[] = {
    { .name = "with",
      .type = LAB_LABELMAP,
      .doc = "the other map, of the same size",
      .flags = LAB_PARAM_MAIN },
    { .name = "ignore",
      .type = LAB_INT,
      .doc = "pixels where either map has this id do not count; -1 none",
      .def = "-1",
      .min = -1,
      .max = 65535 },
    LAB_PARAM_END,
};

const lab_op lab_op_map_compare = {
    .name = "map.compare",
    .summary = "how much two label maps agree",
    .doc = "One row: agreement (same / pixels), pixels counted, same, different, ignored, classes "
           "that occur in either map, and mean_iou, the mean over them of intersection over union.",
    .in = LAB_LABELMAP,
    .out = LAB_RECORDS,
    .params = compare_params,
    .run = compare_run,
};

/* ---- boundary_overlap ---- */

enum { BAND_TRUTH, BAND_CLASSES, BAND_IGNORE, BAND_RATIO, BAND_WIDTH };

#define VOID_ID 0x10000u /* one more than a label map can hold */

enum { IN_TRUTH, IN_MAP }; /* which of the two; its bit in `inner` */

/*
 * A pixel is inside its class when all of the square of 2 reach + 1 pixels around it has that class
 * and lies in the picture; else it belongs to the band along the class's border.
 */
typedef struct band_job {
    const lab_tensor *truth, *map;
    int64_t ignore;
    int32_t width, height, reach;
    uint8_t *inner; /* [height][width], bits as above */
    int32_t *down;  /* [width]: rows above and here whose flat stretch around x has one class */
    uint32_t *rows; /* [2][width]: the ids of this row and the one above, in turn */
} band_job;

/* What the truth leaves out is left out of both, as a class of its own that nobody counts. */
static uint32_t band_id(const band_job *job, int which, size_t i)
{
    uint32_t id = ops_id(job->truth, i);
    if (id == job->ignore)
        return VOID_ID;
    return which == IN_TRUTH ? id : ops_id(job->map, i);
}

/* One row: `flat` tells of each pixel that its row has one class `reach` to either side; enough
 * flat pixels of that class one below the other make the one in their middle an inner one. */
static void mark_row(band_job *job, int which, int32_t y)
{
    size_t width = (size_t)job->width;
    uint32_t *here = job->rows + (size_t)(y & 1) * width;
    const uint32_t *above = job->rows + (size_t)(~y & 1) * width;
    int64_t side = 2 * (int64_t)job->reach + 1, run = 0;
    for (int32_t x = 0; x < job->width; x++) {
        here[x] = band_id(job, which, (size_t)y * width + (size_t)x);
        run = x > 0 && here[x] == here[x - 1] ? run + 1 : 1;
        if (x + 1 < side)
            continue;
        int32_t middle = x - job->reach, *down = &job->down[middle];
        bool flat = run >= side;
        *down = !flat ? 0 : *down > 0 && above[middle] == here[middle] ? *down + 1 : 1;
        if (*down >= side)
            job->inner[(size_t)(y - job->reach) * width + (size_t)middle] |= (uint8_t)(1 << which);
    }
}

static lab_status mark_inner(lab_call *call, band_job *job, int which)
{
    memset(job->down, 0, (size_t)job->width * sizeof *job->down);
    for (int32_t y = 0; y < job->height; y++) {
        if (lab_should_stop(call))
            return lab_fail(call, LAB_E_INTERRUPTED, "stopped on request");
        mark_row(job, which, y);
    }
    return LAB_OK;
}

static lab_status count_bands(lab_call *call, const band_job *job, int64_t classes,
                              int64_t (*counts)[3])
{
    size_t width = (size_t)job->width, count = width * (size_t)job->height;
    for (size_t i = 0; i < count; i++) {
        uint32_t right = ops_id(job->truth, i), found = ops_id(job->map, i);
        if (right == job->ignore)
            continue;
        if (right >= classes)
            return outside(call, "truth", right, i, width, classes);
        if (found >= classes)
            return outside(call, "prediction", found, i, width, classes);
        bool in_truth_band = !(job->inner[i] & 1 << IN_TRUTH);
        bool in_map_band = !(job->inner[i] & 1 << IN_MAP);
        counts[right][0] += in_truth_band;
        counts[found][1] += in_map_band;
        counts[right][2] += right == found && in_truth_band && in_map_band;
    }
    return LAB_OK;
}

static int32_t band_reach(const lab_call *call, int32_t width, int32_t height)
{
    if (lab_given(call, BAND_WIDTH))
        return (int32_t)lab_arg_int(call, BAND_WIDTH);
    double diagonal = sqrt((double)width * width + (double)height * height);
    double reach = nearbyint(lab_arg_float(call, BAND_RATIO) * diagonal);
    return reach < 1 ? 1 : (int32_t)reach;
}

static lab_status band_run(lab_call *call)
{
    const lab_tensor *map = lab_input(call), *truth = lab_arg_tensor(call, BAND_TRUTH);
    int64_t classes = lab_arg_int(call, BAND_CLASSES);
    lab_status status = ops_same_size(call, map, truth, "truth");
    if (status)
        return status;
    band_job job = { .truth = truth,
                     .map = map,
                     .ignore = lab_arg_int(call, BAND_IGNORE),
                     .width = ops_width(map),
                     .height = ops_height(map),
                     .reach = band_reach(call, ops_width(map), ops_height(map)) };
    size_t width = (size_t)job.width;
    job.inner = lab_call_alloc(call, width * (size_t)job.height);
    job.down = lab_call_alloc(call, width * sizeof *job.down);
    job.rows = lab_call_alloc(call, 2 * width * sizeof *job.rows);
    lab_tensor *out =
        lab_result(call, LAB_TENSOR, LAB_I64, 2, (const int32_t[]){ (int32_t)classes, 3 });
    if (!job.inner || !job.down || !job.rows || !out)
        return lab_call_status(call);
    memset(out->data, 0, out->size);
    status = mark_inner(call, &job, IN_TRUTH);
    if (!status)
        status = mark_inner(call, &job, IN_MAP);
    return status ? status : count_bands(call, &job, classes, out->data);
}

static const lab_param band_params[] = {
    { .name = "truth",
      .type = LAB_LABELMAP,
      .doc = "what is right, of the same size",
      .flags = LAB_PARAM_MAIN },
    { .name = "classes",
      .type = LAB_INT,
      .doc = "how many classes there are; ids are 0 .. classes - 1",
      .min = 1,
      .max = MAX_CLASSES },
    { .name = "ignore",
      .type = LAB_INT,
      .doc = "id in the truth whose pixels do not count (255: void); -1 none",
      .def = "255",
      .min = -1,
      .max = 65535 },
    { .name = "ratio",
      .type = LAB_FLOAT,
      .doc = "how far the band reaches into a class, as a part of the picture's diagonal; at "
             "least one pixel",
      .def = "0.02",
      .min = 0,
      .max = 1 },
    { .name = "width",
      .type = LAB_INT,
      .doc = "how far it reaches in pixels, instead of ratio",
      .min = 1,
      .max = OPS_MAX_SIDE,
      .flags = LAB_PARAM_OPTIONAL },
    LAB_PARAM_END,
};

const lab_op lab_op_map_boundary_overlap = {
    .name = "map.boundary_overlap",
    .summary = "how far the borders of classes agree with those of the truth",
    .doc =
        "What boundary IoU (Cheng et al., CVPR 2021) is made of, i64 [classes, 3]: pixels in the "
        "band of each class in the truth, in this map, and in both. A class's band are those of "
        "its pixels that have a pixel of another class, or of beyond the picture's edge, at most "
        "so many columns and rows away. Pixels that the truth ignores are a class of their own "
        "in both maps, which is not counted. Tensors of several pictures are added up; then "
        "boundary IoU = both / (truth + map - both).",
    .in = LAB_LABELMAP,
    .out = LAB_TENSOR,
    .params = band_params,
    .run = band_run,
};
