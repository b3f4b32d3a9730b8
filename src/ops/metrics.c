/* Operators that compare two label maps: confusion, compare. */
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
