/* Operators on the connected regions of a mask: fill_holes, largest_region, region, measure. */
#include <string.h>

#include "ops/components.h"
#include "ops/families.h"

/* Masks are inside from here on. */
#define INSIDE 128

/* The mask's regions, `inside` ones connected as the parameter says. */
static lab_status find_regions(lab_call *call, uint32_t connectivity, components *c)
{
    component_rules rules = { INSIDE, components_arg_diagonal(call, connectivity) };
    return components_find(call, lab_input(call), rules, c);
}

/* Sets the pixels of every run whose root has been chosen. */
static void paint(const components *c, const bool *chosen, lab_tensor *out, uint8_t value)
{
    size_t width = (size_t)ops_width(out);
    for (size_t y = 0; y < (size_t)ops_height(out); y++)
        for (uint32_t i = c->first[y]; i < c->first[y + 1]; i++)
            if (chosen[c->root[i]])
                memset((uint8_t *)out->data + y * width + c->runs[i].begin, value,
                       (size_t)(c->runs[i].end - c->runs[i].begin));
}

/* Keeps the mask's own values in the runs of one root (UINT32_MAX: of none), 0 elsewhere. */
static lab_status keep_region(lab_call *call, const components *c, uint32_t root)
{
    const lab_tensor *in = lab_input(call);
    lab_tensor *out = lab_result_like(call, in);
    if (!out)
        return lab_call_status(call);
    size_t width = (size_t)ops_width(in);
    memset(out->data, 0, out->size);
    for (size_t y = 0; y < (size_t)ops_height(in); y++)
        for (uint32_t i = c->first[y]; i < c->first[y + 1]; i++)
            if (c->root[i] == root) {
                size_t at = y * width + c->runs[i].begin;
                memcpy((uint8_t *)out->data + at, (const uint8_t *)in->data + at,
                       (size_t)(c->runs[i].end - c->runs[i].begin));
            }
    return LAB_OK;
}

/* ---- fill_holes ---- */

enum { FILL_MAX_PIXELS, FILL_CONNECTIVITY };

/* A hole is a region outside the mask that does not reach the border of the picture. */
static bool is_hole(const lab_tensor *in, const component_stats *s)
{
    return s->x0 > 0 && s->y0 > 0 && s->x1 < ops_width(in) - 1 && s->y1 < ops_height(in) - 1;
}

static lab_status fill_holes_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    components c;
    if (find_regions(call, FILL_CONNECTIVITY, &c))
        return lab_call_status(call);
    component_stats *stats = components_measure(call, &c);
    bool *chosen = lab_call_alloc(call, components_runs(&c));
    lab_tensor *out = stats && chosen ? lab_result_like(call, in) : NULL;
    if (!out)
        return lab_call_status(call);
    bool limited = lab_given(call, FILL_MAX_PIXELS);
    int64_t most = limited ? lab_arg_int(call, FILL_MAX_PIXELS) : INT64_MAX;
    for (uint32_t i = 0; i < components_runs(&c); i++)
        chosen[i] = c.runs[i].id == 0 && c.root[i] == i && is_hole(in, &stats[i]) &&
                    stats[i].pixels <= most;
    ops_copy(out, in);
    paint(&c, chosen, out, 255);
    return LAB_OK;
}

static const lab_param fill_holes_params[] = {
    { .name = "max_pixels",
      .type = LAB_INT,
      .doc = "larger holes stay; without it all are filled",
      .min = 0,
      .max = 2147483647,
      .flags = LAB_PARAM_OPTIONAL | LAB_PARAM_MAIN },
    COMPONENTS_CONNECTIVITY,
    LAB_PARAM_END,
};

const lab_op lab_op_mask_fill_holes = {
    .name = "mask.fill_holes",
    .summary = "a mask whose holes have become inside",
    .doc = "Inside is from 128 on. A hole is outside, does not reach the border, and is all around "
           "it inside; where inside is connected at corners, outside is not, and the other way "
           "round.",
    .in = LAB_MASK,
    .out = LAB_MASK,
    .params = fill_holes_params,
    .run = fill_holes_run,
};

/* ---- largest_region, region ---- */

static lab_status largest_region_run(lab_call *call)
{
    components c;
    if (find_regions(call, 0, &c))
        return lab_call_status(call);
    const component_stats *stats = components_measure(call, &c);
    if (!stats)
        return lab_call_status(call);
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < components_runs(&c); i++)
        if (c.runs[i].id == 1 && c.root[i] == i &&
            (best == UINT32_MAX || stats[i].pixels > stats[best].pixels))
            best = i;
    return keep_region(call, &c, best);
}

static const lab_param largest_region_params[] = { COMPONENTS_CONNECTIVITY, LAB_PARAM_END };

const lab_op lab_op_mask_largest_region = {
    .name = "mask.largest_region",
    .summary = "the largest connected region of a mask alone",
    .doc = "Inside is from 128 on; the region keeps its values, all else becomes 0. Of regions of "
           "the same size the topmost, then leftmost stays; an empty mask stays empty.",
    .in = LAB_MASK,
    .out = LAB_MASK,
    .params = largest_region_params,
    .run = largest_region_run,
};

enum { REGION_X, REGION_Y, REGION_CONNECTIVITY };

static lab_status region_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    int64_t x = lab_arg_int(call, REGION_X), y = lab_arg_int(call, REGION_Y);
    if (x >= ops_width(in) || y >= ops_height(in))
        return lab_fail(call, LAB_E_INVALID, "x = %lld, y = %lld is outside the mask of %dx%d",
                        (long long)x, (long long)y, ops_width(in), ops_height(in));
    components c;
    if (find_regions(call, REGION_CONNECTIVITY, &c))
        return lab_call_status(call);
    uint32_t i = c.first[y];
    while (c.runs[i].end <= x)
        i++;
    return keep_region(call, &c, c.runs[i].id == 1 ? c.root[i] : UINT32_MAX);
}

static const lab_param region_params[] = {
    { .name = "x", .type = LAB_INT, .doc = "column, from 0", .min = 0, .max = OPS_MAX_SIDE },
    { .name = "y", .type = LAB_INT, .doc = "row, from 0", .min = 0, .max = OPS_MAX_SIDE },
    COMPONENTS_CONNECTIVITY,
    LAB_PARAM_END,
};

const lab_op lab_op_mask_region = {
    .name = "mask.region",
    .summary = "the connected region of a mask that a pixel belongs to",
    .doc = "Inside is from 128 on; the region keeps its values, all else becomes 0. Empty where "
           "the pixel is outside.",
    .in = LAB_MASK,
    .out = LAB_MASK,
    .params = region_params,
    .run = region_run,
};

/* ---- measure ---- */

typedef struct measure {
    int64_t pixels, sum_x, sum_y, sum;
    int32_t x0, y0, x1, y1;
} measure;

static measure measure_mask(const lab_tensor *in)
{
    int32_t width = ops_width(in), height = ops_height(in);
    measure m = { .x0 = width, .y0 = height, .x1 = -1, .y1 = -1 };
    const uint8_t *p = in->data;
    for (int32_t y = 0; y < height; y++)
        for (int32_t x = 0; x < width; x++, p++) {
            m.sum += *p;
            if (*p < INSIDE)
                continue;
            m.pixels++;
            m.sum_x += x;
            m.sum_y += y;
            m.x0 = x < m.x0 ? x : m.x0;
            m.x1 = x > m.x1 ? x : m.x1;
            m.y0 = y < m.y0 ? y : m.y0;
            m.y1 = y;
        }
    return m;
}

static lab_status measure_run(lab_call *call)
{
    const lab_tensor *in = lab_input(call);
    measure m = measure_mask(in);
    lab_record_begin(call);
    lab_record_int(call, "pixels", m.pixels);
    lab_record_float(call, "fraction",
                     (double)m.pixels / ((double)ops_width(in) * (double)ops_height(in)));
    lab_record_float(call, "area", (double)m.sum / 255.0);
    if (m.pixels > 0) {
        int32_t box[4] = { m.x0, m.y0, m.x1 - m.x0 + 1, m.y1 - m.y0 + 1 };
        lab_record_list(call, "box", box, 4);
        lab_record_float(call, "centroid_x", (double)m.sum_x / (double)m.pixels);
        lab_record_float(call, "centroid_y", (double)m.sum_y / (double)m.pixels);
    }
    return lab_call_status(call);
}

const lab_op lab_op_mask_measure = {
    .name = "mask.measure",
    .summary = "how large a mask is and where",
    .doc = "One row: pixels inside (from 128 on), their fraction of the picture, area (the sum of "
           "all values / 255), and where there are pixels inside: box {x, y, width, height}, "
           "centroid_x and centroid_y (mean column and row, counted from 0).",
    .in = LAB_MASK,
    .out = LAB_RECORDS,
    .run = measure_run,
};
