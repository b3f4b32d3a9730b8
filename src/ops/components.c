/*
 * Connected regions: runs of equal ids, joined from row to row with union-find. The work is
 * proportional to runs, not pixels.
 */
#include "ops/components.h"

/* The root, halving the path to it. */
static uint32_t find(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

/* The lower of two roots stays one: the root of a region is its first run. */
static void join(uint32_t *parent, uint32_t a, uint32_t b)
{
    a = find(parent, a);
    b = find(parent, b);
    parent[a > b ? a : b] = a > b ? b : a;
}

static uint32_t read_id(const lab_tensor *in, size_t i, uint32_t level)
{
    uint32_t id = ops_id(in, i);
    return level ? id >= level : id;
}

/* The runs of row y; `runs` may be NULL to count only. */
static uint32_t row_runs(const lab_tensor *in, size_t y, uint32_t level, component_run *runs)
{
    uint32_t width = (uint32_t)ops_width(in), n = 0;
    size_t first = y * width;
    uint32_t id = read_id(in, first, level);
    for (uint32_t begin = 0, x = 1; x <= width; x++) {
        uint32_t next = x < width ? read_id(in, first + x, level) : id + 1;
        if (next == id)
            continue;
        if (runs)
            runs[n] = (component_run){ (uint16_t)begin, (uint16_t)x, (uint16_t)id };
        n++;
        begin = x;
        id = next;
    }
    return n;
}

/* Joins the runs of row y with those above that touch them. */
static void join_rows(const components *c, size_t y, component_rules rules)
{
    uint32_t a = c->first[y - 1];
    for (uint32_t i = c->first[y]; i < c->first[y + 1]; i++) {
        component_run run = c->runs[i];
        bool diagonal = rules.level && run.id == 0 ? !rules.diagonal : rules.diagonal;
        uint32_t reach = diagonal ? 1 : 0;
        while (a < c->first[y] && c->runs[a].end < run.begin)
            a++;
        for (uint32_t k = a; k < c->first[y] && c->runs[k].begin < run.end + reach; k++)
            if (c->runs[k].id == run.id && c->runs[k].end + reach > run.begin)
                join(c->root, k, i);
    }
}

/* Counts the runs into first[], then makes room for them. */
static lab_status allocate(lab_call *call, uint32_t level, components *c)
{
    size_t height = (size_t)ops_height(c->in), total = 0;
    c->first = lab_call_alloc(call, (height + 1) * sizeof *c->first);
    if (!c->first)
        return lab_call_status(call);
    for (size_t y = 0; y < height; y++) {
        c->first[y] = (uint32_t)total;
        total += row_runs(c->in, y, level, NULL);
    }
    c->first[height] = (uint32_t)total;
    c->runs = lab_call_alloc(call, total * sizeof *c->runs);
    c->root = lab_call_alloc(call, total * sizeof *c->root);
    return lab_call_status(call);
}

lab_status components_find(lab_call *call, const lab_tensor *in, component_rules rules,
                           components *out)
{
    *out = (components){ .in = in };
    lab_status status = allocate(call, rules.level, out);
    if (status)
        return status;
    size_t height = (size_t)ops_height(in);
    for (size_t y = 0; y < height; y++) {
        if (lab_should_stop(call))
            return lab_fail(call, LAB_E_INTERRUPTED, "stopped on request");
        row_runs(in, y, rules.level, out->runs + out->first[y]);
        for (uint32_t i = out->first[y]; i < out->first[y + 1]; i++)
            out->root[i] = i;
        if (y > 0)
            join_rows(out, y, rules);
    }
    /* Parents come before their children, so one pass leaves every run at its root. */
    for (uint32_t i = 0; i < components_runs(out); i++)
        out->root[i] = out->root[out->root[i]];
    return LAB_OK;
}

/* A run counts as a whole: its columns sum to n (first + last) / 2. */
static void add_run(component_stats *s, int32_t y, component_run run)
{
    int64_t n = run.end - run.begin;
    if (s->pixels == 0)
        *s = (component_stats){ .x0 = run.begin, .y0 = y, .x1 = run.end - 1 };
    s->pixels += n;
    s->sum_x2 += n * (run.begin + run.end - 1);
    s->sum_y += n * y;
    s->x0 = run.begin < s->x0 ? run.begin : s->x0;
    s->x1 = run.end - 1 > s->x1 ? run.end - 1 : s->x1;
    s->y1 = y;
}

component_stats *components_measure(lab_call *call, const components *c)
{
    component_stats *stats = lab_call_alloc(call, components_runs(c) * sizeof *stats);
    if (!stats)
        return NULL;
    for (int32_t y = 0; y < ops_height(c->in); y++)
        for (uint32_t i = c->first[y]; i < c->first[y + 1]; i++)
            add_run(&stats[c->root[i]], y, c->runs[i]);
    return stats;
}
