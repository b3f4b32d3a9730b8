/* map.legend: which classes a label map shows, and how much and where of each. */
#include "ops/legend.h"

#include <stdlib.h>

#include "image/palette.h"
#include "ops/families.h"

#define BANDS 16u /* pieces of the map counted apart; more only cost memory */

typedef struct tally {
    int64_t pixels, sum_x2, sum_y; /* sum of 2x, of y */
    int32_t x0, y0, x1, y1;
} tally;

typedef struct count_job {
    const lab_tensor *map;
    tally *tallies; /* [bands][n_ids] */
    uint32_t bands, n_ids;
} count_job;

/* A run of equal ids counts as a whole: its columns sum to n (first + last) / 2. */
static void add_run(tally *t, int32_t y, int32_t begin, int32_t end)
{
    int64_t n = end - begin;
    if (t->pixels == 0) {
        t->x0 = begin;
        t->x1 = end - 1;
        t->y0 = y;
    }
    t->pixels += n;
    t->sum_x2 += n * (begin + end - 1);
    t->sum_y += n * y;
    t->x0 = begin < t->x0 ? begin : t->x0;
    t->x1 = end - 1 > t->x1 ? end - 1 : t->x1;
    t->y1 = y;
}

static void count_row_u8(const uint8_t *ids, int32_t width, int32_t y, tally *tallies)
{
    for (int32_t begin = 0, x = 1; begin < width; begin = x++) {
        while (x < width && ids[x] == ids[begin])
            x++;
        add_run(&tallies[ids[begin]], y, begin, x);
    }
}

static void count_row_u16(const uint16_t *ids, int32_t width, int32_t y, tally *tallies)
{
    for (int32_t begin = 0, x = 1; begin < width; begin = x++) {
        while (x < width && ids[x] == ids[begin])
            x++;
        add_run(&tallies[ids[begin]], y, begin, x);
    }
}

static void count_bands(void *user, uint32_t begin, uint32_t end)
{
    const count_job *job = user;
    int64_t height = ops_height(job->map);
    int32_t width = ops_width(job->map);
    for (uint32_t band = begin; band < end; band++) {
        tally *tallies = job->tallies + (size_t)band * job->n_ids;
        int32_t last = (int32_t)(height * (band + 1) / job->bands);
        for (int32_t y = (int32_t)(height * band / job->bands); y < last; y++) {
            size_t row = (size_t)y * (size_t)width;
            if (job->map->dtype == LAB_U8)
                count_row_u8((const uint8_t *)job->map->data + row, width, y, tallies);
            else
                count_row_u16((const uint16_t *)job->map->data + row, width, y, tallies);
        }
    }
}

/* Adds what a band below found of a class to what those above did. */
static void merge(tally *into, const tally *from)
{
    if (from->pixels == 0)
        return;
    if (into->pixels == 0) {
        *into = *from;
        return;
    }
    into->pixels += from->pixels;
    into->sum_x2 += from->sum_x2;
    into->sum_y += from->sum_y;
    into->x0 = from->x0 < into->x0 ? from->x0 : into->x0;
    into->x1 = from->x1 > into->x1 ? from->x1 : into->x1;
    into->y1 = from->y1;
}

static int larger_first(const void *a, const void *b)
{
    const legend_entry *x = a, *y = b;
    if (x->pixels != y->pixels)
        return x->pixels > y->pixels ? -1 : 1;
    return x->id < y->id ? -1 : 1;
}

lab_status legend_collect(lab_call *call, const lab_tensor *map, legend_entry **entries,
                          uint32_t *count)
{
    count_job job = { .map = map, .n_ids = map->dtype == LAB_U16 ? ops_max_id(map) + 1 : 256 };
    job.bands = (uint32_t)ops_height(map) < BANDS ? (uint32_t)ops_height(map) : BANDS;
    job.tallies = lab_call_alloc(call, (size_t)job.bands * job.n_ids * sizeof *job.tallies);
    if (!job.tallies)
        return lab_call_status(call);
    lab_status status = lab_parallel_for(call, job.bands, 1, count_bands, &job);
    if (status)
        return status;
    uint32_t n = 0;
    for (uint32_t id = 0; id < job.n_ids; id++) {
        for (uint32_t band = 1; band < job.bands; band++)
            merge(&job.tallies[id], &job.tallies[(size_t)band * job.n_ids + id]);
        n += job.tallies[id].pixels > 0;
    }
    legend_entry *list = lab_call_alloc(call, n * sizeof *list);
    if (!list)
        return lab_call_status(call);
    n = 0;
    for (uint32_t id = 0; id < job.n_ids; id++) {
        const tally *t = &job.tallies[id];
        if (t->pixels > 0)
            list[n++] = (legend_entry){ .id = id,
                                        .pixels = t->pixels,
                                        .x0 = t->x0,
                                        .y0 = t->y0,
                                        .x1 = t->x1,
                                        .y1 = t->y1,
                                        .centroid_x = (double)t->sum_x2 / 2.0 / (double)t->pixels,
                                        .centroid_y = (double)t->sum_y / (double)t->pixels };
    }
    qsort(list, n, sizeof *list, larger_first);
    *entries = list;
    *count = n;
    return LAB_OK;
}

const char *legend_name(const lab_tensor *map, uint32_t id, char *spare, size_t size)
{
    const char *name = map->labels ? lab_labels_name(map->labels, id) : NULL;
    if (name)
        return name;
    snprintf(spare, size, "class %u", id);
    return spare;
}

static void add_record(lab_call *call, const lab_tensor *map, const legend_entry *e,
                       const uint32_t *regions)
{
    char spare[32];
    uint32_t color = lab_class_color(map->labels, e->id);
    int32_t rgb[3] = { (int32_t)(color >> 16), (int32_t)(color >> 8 & 255),
                       (int32_t)(color & 255) };
    int32_t box[4] = { e->x0, e->y0, e->x1 - e->x0 + 1, e->y1 - e->y0 + 1 };
    double all = (double)ops_width(map) * (double)ops_height(map);
    lab_record_begin(call);
    lab_record_int(call, "id", e->id);
    lab_record_string(call, "name", legend_name(map, e->id, spare, sizeof spare));
    lab_record_list(call, "color", rgb, 3);
    lab_record_int(call, "pixels", e->pixels);
    lab_record_float(call, "fraction", (double)e->pixels / all);
    lab_record_list(call, "box", box, 4);
    lab_record_float(call, "centroid_x", e->centroid_x);
    lab_record_float(call, "centroid_y", e->centroid_y);
    lab_record_int(call, "regions", regions ? regions[e->id] : 0);
}

static lab_status legend_run(lab_call *call)
{
    const lab_tensor *map = lab_input(call);
    legend_entry *entries = NULL;
    uint32_t count = 0;
    lab_status status = legend_collect(call, map, &entries, &count);
    if (status)
        return status;
    uint32_t *regions = NULL;
    if (lab_arg_int(call, 0)) {
        regions = lab_call_alloc(call, ((size_t)ops_max_id(map) + 1) * sizeof *regions);
        if (!regions || legend_regions(call, map, regions))
            return lab_call_status(call);
    }
    for (uint32_t i = 0; i < count; i++)
        add_record(call, map, &entries[i], regions);
    return lab_call_status(call);
}

static const lab_param legend_params[] = {
    { .name = "regions",
      .type = LAB_BOOL,
      .doc = "count the connected regions of each class, too (neighbours touch at sides and "
             "corners)",
      .def = "false" },
    LAB_PARAM_END,
};

const lab_op lab_op_map_legend = {
    .name = "map.legend",
    .summary = "the classes of a label map, largest first",
    .doc = "One row a class that occurs: id (0-based), name, color {r, g, b}, pixels, fraction of "
           "the map, box {x, y, width, height}, centroid_x and centroid_y (mean column and row, "
           "counted from 0), regions (0 unless asked for). Ids outside the label set are called "
           "\"class N\".",
    .in = LAB_LABELMAP,
    .out = LAB_RECORDS,
    .params = legend_params,
    .run = legend_run,
};
