/*
 * Maps measured whole: the rows of map_segments, map_regions and map_confusion. All work goes over
 * runs; how much memory a few hostile bytes can ask for is bounded by MOST_ROWS.
 */
#include "catalog/map_functions.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define MOST_ROWS ((size_t)1 << 22)

static lab_status add_row(lab_measures *m, const double *cells, lab_error *error)
{
    if (m->n_rows == m->capacity) {
        size_t capacity = m->capacity ? 2 * m->capacity : 32;
        size_t size = capacity * m->columns * sizeof *m->cells;
        double *grown = sqlite3_realloc64(m->cells, size);
        if (!grown)
            return lab_error_nomem(error, size, "the rows of a table");
        m->cells = grown;
        m->capacity = capacity;
    }
    memcpy(m->cells + m->n_rows++ * m->columns, cells, m->columns * sizeof *cells);
    return LAB_OK;
}

/* What a class or a region covers: a box with inclusive edges. */
typedef struct extent {
    int64_t pixels;
    uint32_t left, top, right, bottom;
} extent;

static void extend(extent *e, const extent *by)
{
    if (!e->pixels)
        *e = (extent){ 0, by->left, by->top, by->right, by->bottom };
    e->pixels += by->pixels;
    e->left = by->left < e->left ? by->left : e->left;
    e->top = by->top < e->top ? by->top : e->top;
    e->right = by->right > e->right ? by->right : e->right;
    e->bottom = by->bottom > e->bottom ? by->bottom : e->bottom;
}

/* The rectangle that a run makes with the rows that repeat it. */
static extent of_run(const lab_map_rows *rows, uint32_t i)
{
    uint32_t x = rows->runs[i].x, end = rows->runs[i + 1].x;
    return (extent){ (int64_t)(end - x) * rows->count, x, rows->y, end - 1,
                     rows->y + rows->count - 1 };
}

lab_status lab_measure_segments(lab_map_reader *map, lab_measures *out, lab_error *error)
{
    uint32_t n = map->id_bytes == 1 ? 256 : 65536;
    extent *extents = sqlite3_malloc64(n * sizeof *extents);
    if (!extents)
        return lab_error_nomem(error, n * sizeof *extents, "the segments of a map");
    memset(extents, 0, n * sizeof *extents);
    lab_map_rows rows;
    lab_status status;
    while (!(status = lab_map_next(map, &rows, error)) && rows.count) {
        for (uint32_t i = 0; i < rows.n_runs; i++) {
            extent here = of_run(&rows, i);
            extend(&extents[rows.runs[i].class_id], &here);
        }
    }
    for (uint32_t i = 0; i < n && !status; i++) {
        const extent *e = &extents[i];
        double cells[] = { i,      (double)e->pixels,        e->left,
                           e->top, e->right - e->left + 1.0, e->bottom - e->top + 1.0 };
        if (e->pixels)
            status = add_row(out, cells, error);
    }
    sqlite3_free(extents);
    return status;
}

/* ---- regions ---- */

/* A provisional region; those that turn out to be one form a tree (union-find). */
typedef struct region {
    uint32_t parent, class_id;
    extent extent;
    double sum_x, sum_y; /* of its pixels; exact, below 2^28 * 2^28 */
} region;

typedef struct labelling {
    region *regions;
    uint32_t n, capacity;
    lab_map_run *above; /* the row above with its regions in `ids` */
    uint32_t *ids, *row_ids;
    uint32_t n_above, room;
} labelling;

static uint32_t root_of(region *regions, uint32_t i)
{
    while (regions[i].parent != i)
        i = regions[i].parent = regions[regions[i].parent].parent;
    return i;
}

/* The lower index stays, so that regions keep the order of their first pixels. */
static void join(region *regions, uint32_t a, uint32_t b)
{
    a = root_of(regions, a);
    b = root_of(regions, b);
    if (a < b)
        regions[b].parent = a;
    else
        regions[a].parent = b;
}

static lab_status new_region(labelling *l, uint32_t class_id, uint32_t *out, lab_error *error)
{
    if (l->n == MOST_ROWS) {
        lab_error_set(error, LAB_E_LIMIT,
                      "the map has more than the %zu regions that can be listed", MOST_ROWS);
        return LAB_E_LIMIT;
    }
    if (l->n == l->capacity) {
        uint32_t capacity = l->capacity ? 2 * l->capacity : 64;
        region *grown = sqlite3_realloc64(l->regions, capacity * sizeof *grown);
        if (!grown) {
            lab_error_nomem(error, capacity * sizeof *grown, "the regions of a map");
            return LAB_E_NOMEM;
        }
        l->regions = grown;
        l->capacity = capacity;
    }
    l->regions[l->n] = (region){ .parent = l->n, .class_id = class_id };
    *out = l->n++;
    return LAB_OK;
}

static lab_status make_room(labelling *l, uint32_t n, lab_error *error)
{
    if (n < l->room)
        return LAB_OK;
    uint32_t room = 2 * n + 64;
    lab_map_run *above = sqlite3_realloc64(l->above, room * sizeof *above);
    l->above = above ? above : l->above;
    uint32_t *ids = sqlite3_realloc64(l->ids, room * sizeof *ids);
    l->ids = ids ? ids : l->ids;
    uint32_t *row_ids = sqlite3_realloc64(l->row_ids, room * sizeof *row_ids);
    l->row_ids = row_ids ? row_ids : l->row_ids;
    if (!above || !ids || !row_ids) {
        lab_error_nomem(error, room * sizeof *above, "the regions of a map");
        return LAB_E_NOMEM;
    }
    l->room = room;
    return LAB_OK;
}

static void add_pixels(region *r, const lab_map_rows *rows, uint32_t i)
{
    extent here = of_run(rows, i);
    double pixels = (double)here.pixels;
    extend(&r->extent, &here);
    r->sum_x += pixels * ((double)here.left + here.right) / 2;
    r->sum_y += pixels * ((double)here.top + here.bottom) / 2;
}

/* Gives each run of these rows the region of the runs of its class that it touches above (corners
 * count) or to its left. */
static lab_status label_rows(labelling *l, const lab_map_rows *rows, lab_error *error)
{
    uint32_t j = 0;
    lab_status status = make_room(l, rows->n_runs, error);
    for (uint32_t i = 0; i < rows->n_runs && !status; i++) {
        uint32_t x = rows->runs[i].x, end = rows->runs[i + 1].x, id = UINT32_MAX;
        uint32_t class_id = rows->runs[i].class_id;
        if (i && rows->runs[i - 1].class_id == class_id)
            id = l->row_ids[i - 1];
        while (j < l->n_above && l->above[j + 1].x < x)
            j++;
        for (uint32_t k = j; k < l->n_above && l->above[k].x <= end; k++) {
            if (l->above[k].class_id != class_id)
                continue;
            if (id != UINT32_MAX)
                join(l->regions, id, l->ids[k]);
            else
                id = l->ids[k];
        }
        if (id == UINT32_MAX)
            status = new_region(l, class_id, &id, error);
        if (status)
            break;
        l->row_ids[i] = id;
        add_pixels(&l->regions[id], rows, i);
    }
    if (status)
        return status;
    uint32_t *ids = l->ids;
    l->ids = l->row_ids;
    l->row_ids = ids;
    memcpy(l->above, rows->runs, ((size_t)rows->n_runs + 1) * sizeof *l->above);
    l->n_above = rows->n_runs;
    return LAB_OK;
}

static lab_status list_regions(labelling *l, lab_measures *out, lab_error *error)
{
    /* Into their roots, which have lower indexes. */
    for (uint32_t i = l->n; i-- > 0;) {
        region *r = &l->regions[i], *root = &l->regions[root_of(l->regions, i)];
        if (root == r)
            continue;
        extend(&root->extent, &r->extent);
        root->sum_x += r->sum_x;
        root->sum_y += r->sum_y;
    }
    lab_status status = LAB_OK;
    for (uint32_t i = 0; i < l->n && !status; i++) {
        const region *r = &l->regions[i];
        if (r->parent != i)
            continue;
        const extent *e = &r->extent;
        double pixels = (double)e->pixels;
        double cells[] = { (double)out->n_rows,
                           r->class_id,
                           pixels,
                           e->left,
                           e->top,
                           e->right - e->left + 1.0,
                           e->bottom - e->top + 1.0,
                           r->sum_x / pixels,
                           r->sum_y / pixels };
        status = add_row(out, cells, error);
    }
    return status;
}

lab_status lab_measure_regions(lab_map_reader *map, lab_measures *out, lab_error *error)
{
    labelling l = { .regions = NULL };
    lab_map_rows rows;
    lab_status status;
    do {
        status = lab_map_next(map, &rows, error);
        if (!status && rows.count)
            status = label_rows(&l, &rows, error);
    } while (!status && rows.count);
    if (!status)
        status = list_regions(&l, out, error);
    sqlite3_free(l.regions);
    sqlite3_free(l.above);
    sqlite3_free(l.ids);
    sqlite3_free(l.row_ids);
    return status;
}

/* ---- confusion ---- */

/* Pairs of classes, by open addressing; slots with no pixels are free. */
typedef struct pair_count {
    uint32_t predicted, truth;
    int64_t pixels;
} pair_count;

typedef struct confusion {
    pair_count *slots;
    size_t n, capacity; /* capacity: a power of two, at least twice n */
    lab_status status;
    lab_error *error;
} confusion;

static pair_count *slot_of(pair_count *slots, size_t capacity, uint32_t predicted, uint32_t truth)
{
    size_t at = ((size_t)predicted * 40503u + truth) * 2654435761u;
    for (at ^= at >> 16;; at++) {
        pair_count *slot = &slots[at & (capacity - 1)];
        if (!slot->pixels || (slot->predicted == predicted && slot->truth == truth))
            return slot;
    }
}

static bool grow(confusion *c)
{
    size_t capacity = c->capacity ? 2 * c->capacity : 1024, size = capacity * sizeof *c->slots;
    if (c->n >= MOST_ROWS) {
        c->status =
            lab_error_set(c->error, LAB_E_LIMIT,
                          "more than the %zu pairs of classes that can be listed", MOST_ROWS);
        return false;
    }
    pair_count *slots = sqlite3_malloc64(size);
    if (!slots) {
        c->status = lab_error_nomem(c->error, size, "the pairs of map_confusion");
        return false;
    }
    memset(slots, 0, size);
    for (size_t i = 0; i < c->capacity; i++) {
        const pair_count *p = &c->slots[i];
        if (p->pixels)
            *slot_of(slots, capacity, p->predicted, p->truth) = *p;
    }
    sqlite3_free(c->slots);
    c->slots = slots;
    c->capacity = capacity;
    return true;
}

static void count_pair(void *user, uint32_t predicted, uint32_t truth, int64_t pixels)
{
    confusion *c = user;
    if (c->status || (2 * c->n >= c->capacity && !grow(c)))
        return;
    pair_count *slot = slot_of(c->slots, c->capacity, predicted, truth);
    c->n += !slot->pixels;
    slot->predicted = predicted;
    slot->truth = truth;
    slot->pixels += pixels;
}

/* By truth, then by prediction; free slots last. */
static int by_classes(const void *left, const void *right)
{
    const pair_count *a = left, *b = right;
    if (!a->pixels != !b->pixels)
        return a->pixels ? -1 : 1;
    if (a->truth != b->truth)
        return a->truth < b->truth ? -1 : 1;
    return a->predicted < b->predicted ? -1 : a->predicted > b->predicted;
}

lab_status lab_measure_confusion(lab_map_pair *pair, lab_measures *out, lab_error *error)
{
    confusion c = { .error = error };
    lab_status status = lab_map_overlaps(pair, count_pair, &c, error);
    if (!status)
        status = c.status;
    if (!status)
        qsort(c.slots, c.capacity, sizeof *c.slots, by_classes);
    for (size_t i = 0; i < c.n && !status; i++) {
        const pair_count *p = &c.slots[i];
        double cells[] = { p->predicted, p->truth, (double)p->pixels };
        status = add_row(out, cells, error);
    }
    sqlite3_free(c.slots);
    return status;
}
