/* map.regions and the number of regions of each class, on top of components.c. */
#include <stdlib.h>

#include "ops/components.h"
#include "ops/families.h"
#include "ops/legend.h"

lab_status legend_regions(lab_call *call, const lab_tensor *map, uint32_t *regions)
{
    components c;
    lab_status status =
        components_find(call, map, (component_rules){ .level = 0, .diagonal = true }, &c);
    for (uint32_t i = 0; !status && i < components_runs(&c); i++)
        regions[c.runs[i].id] += c.root[i] == i;
    return status;
}

enum { REGIONS_CLASSES, REGIONS_CONNECTIVITY, REGIONS_MIN_PIXELS };

typedef struct region {
    uint32_t id, root;
    component_stats stats;
} region;

static int larger_first(const void *a, const void *b)
{
    const region *x = a, *y = b;
    if (x->stats.pixels != y->stats.pixels)
        return x->stats.pixels > y->stats.pixels ? -1 : 1;
    return x->root < y->root ? -1 : 1;
}

/* Which ids are asked for, as a table of 65536 flags; NULL: all are, or there is no memory. */
static const bool *chosen_ids(lab_call *call)
{
    uint32_t count;
    const int32_t *ids = lab_arg_classes(call, REGIONS_CLASSES, &count);
    bool *chosen =
        lab_given(call, REGIONS_CLASSES) ? lab_call_alloc(call, 65536 * sizeof *chosen) : NULL;
    for (uint32_t i = 0; chosen && i < count; i++)
        chosen[ids[i]] = true;
    return chosen;
}

static void add_region(lab_call *call, const components *c, const region *r)
{
    char spare[32];
    const component_stats *s = &r->stats;
    int32_t box[4] = { s->x0, s->y0, s->x1 - s->x0 + 1, s->y1 - s->y0 + 1 };
    lab_record_begin(call);
    lab_record_int(call, "id", r->id);
    lab_record_string(call, "name", legend_name(c->in, r->id, spare, sizeof spare));
    lab_record_int(call, "pixels", s->pixels);
    lab_record_list(call, "box", box, 4);
    lab_record_float(call, "centroid_x", component_x(s));
    lab_record_float(call, "centroid_y", component_y(s));
    /* The first pixel: y0 is the row of the root's run. */
    lab_record_int(call, "x", c->runs[r->root].begin);
    lab_record_int(call, "y", s->y0);
}

static lab_status regions_run(lab_call *call)
{
    components c;
    component_rules rules = { 0, components_arg_diagonal(call, REGIONS_CONNECTIVITY) };
    lab_status status = components_find(call, lab_input(call), rules, &c);
    if (status)
        return status;
    const bool *chosen = chosen_ids(call);
    component_stats *stats = components_measure(call, &c);
    int64_t least = lab_arg_int(call, REGIONS_MIN_PIXELS);
    uint32_t n = 0;
    if (lab_call_status(call))
        return lab_call_status(call);
    for (uint32_t i = 0; i < components_runs(&c); i++) {
        bool wanted = stats[i].pixels >= least && stats[i].pixels > 0;
        stats[i].pixels = wanted && (!chosen || chosen[c.runs[i].id]) ? stats[i].pixels : 0;
        n += stats[i].pixels > 0;
    }
    region *list = lab_call_alloc(call, n * sizeof *list);
    if (!list)
        return lab_call_status(call);
    n = 0;
    for (uint32_t i = 0; i < components_runs(&c); i++)
        if (stats[i].pixels > 0)
            list[n++] = (region){ c.runs[i].id, i, stats[i] };
    qsort(list, n, sizeof *list, larger_first);
    for (uint32_t i = 0; i < n; i++)
        add_region(call, &c, &list[i]);
    return lab_call_status(call);
}

static const lab_param regions_params[] = {
    { .name = "classes",
      .type = LAB_CLASSES,
      .doc = "classes whose regions are listed; without it all",
      .flags = LAB_PARAM_OPTIONAL | LAB_PARAM_MAIN },
    COMPONENTS_CONNECTIVITY,
    { .name = "min_pixels",
      .type = LAB_INT,
      .doc = "smaller regions are left out",
      .def = "1",
      .min = 1,
      .max = 2147483647 },
    LAB_PARAM_END,
};

const lab_op lab_op_map_regions = {
    .name = "map.regions",
    .summary = "the connected regions of classes, largest first",
    .doc = "One row a region: id and name of its class, pixels, box {x, y, width, height}, "
           "centroid_x and centroid_y (mean column and row, counted from 0), x and y (its topmost, "
           "then leftmost pixel: mask:region{x=, y=} finds it again).",
    .in = LAB_LABELMAP,
    .out = LAB_RECORDS,
    .params = regions_params,
    .run = regions_run,
};
