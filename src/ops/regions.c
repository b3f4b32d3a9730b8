/*
 * Connected regions of every class of a label map at once: runs of equal ids, joined from row to
 * row with union-find. The work is proportional to runs, not pixels.
 */
#include "ops/legend.h"

typedef struct region_run {
    uint32_t begin, end; /* columns begin <= x < end */
    uint32_t id;
} region_run;

/* The root, halving the path to it. */
static uint32_t find(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

/* True when they were apart. */
static bool join(uint32_t *parent, uint32_t a, uint32_t b)
{
    a = find(parent, a);
    b = find(parent, b);
    if (a == b)
        return false;
    parent[a > b ? a : b] = a > b ? b : a;
    return true;
}

/* The runs of row y; `runs` may be NULL to count only. */
static uint32_t row_runs(const lab_tensor *map, size_t y, region_run *runs)
{
    uint32_t width = (uint32_t)ops_width(map), n = 0;
    size_t first = y * width;
    for (uint32_t begin = 0, x = 1; x <= width; x++) {
        if (x < width && ops_id(map, first + x) == ops_id(map, first + begin))
            continue;
        if (runs)
            runs[n] = (region_run){ begin, x, ops_id(map, first + begin) };
        n++;
        begin = x;
    }
    return n;
}

/* Joins the runs of a row with those above that touch them, diagonally included. */
static void join_rows(uint32_t *parent, const region_run *above, uint32_t n_above,
                      uint32_t first_above, const region_run *row, uint32_t n_row,
                      uint32_t first_row, uint32_t *regions)
{
    uint32_t a = 0;
    for (uint32_t i = 0; i < n_row; i++) {
        while (a < n_above && above[a].end < row[i].begin)
            a++;
        for (uint32_t k = a; k < n_above && above[k].begin <= row[i].end; k++)
            if (above[k].id == row[i].id && join(parent, first_above + k, first_row + i))
                regions[row[i].id]--;
    }
}

lab_status legend_regions(lab_call *call, const lab_tensor *map, uint32_t *regions)
{
    size_t height = (size_t)ops_height(map), width = (size_t)ops_width(map), total = 0;
    for (size_t y = 0; y < height; y++)
        total += row_runs(map, y, NULL);
    uint32_t *parent = lab_call_alloc(call, total * sizeof *parent);
    region_run *row = lab_call_alloc(call, width * sizeof *row);
    region_run *above = lab_call_alloc(call, width * sizeof *above);
    if (!parent || !row || !above)
        return lab_call_status(call);
    uint32_t n_above = 0, first_above = 0, next = 0;
    for (size_t y = 0; y < height; y++) {
        if (lab_should_stop(call))
            return lab_fail(call, LAB_E_INTERRUPTED, "stopped on request");
        uint32_t n = row_runs(map, y, row), first = next;
        for (uint32_t i = 0; i < n; i++) {
            parent[next] = next;
            next++;
            regions[row[i].id]++;
        }
        join_rows(parent, above, n_above, first_above, row, n, first, regions);
        region_run *swap = above;
        above = row;
        row = swap;
        n_above = n;
        first_above = first;
    }
    return LAB_OK;
}
