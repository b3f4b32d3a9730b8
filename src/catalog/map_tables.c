/*
 * Label maps as tables, for joins and sums:
 *
 *     SELECT * FROM map_segments(:map)   class_id, pixels, x, y, width, height: one row a class
 *     SELECT * FROM map_runs(:map)       y, x, length, class_id: one row a horizontal run
 *
 *     SELECT r.path, s.class_id, s.pixels FROM results r, map_segments(r.map) s;
 *
 * Both are eponymous virtual tables: the map is a hidden column that becomes an argument (of_map,
 * so that it does not hide results.map). NULL is an empty table. Positions and sizes are in pixels,
 * from the top left.
 */
#include "catalog/map_functions.h"

#include <string.h>

#include "base/error.h"

/* Which of the two a table is. */
typedef struct table_kind {
    const char *name, *schema;
    int map_column; /* the hidden one, after all others */
} table_kind;

static const table_kind segments_kind = {
    "map_segments", "CREATE TABLE x(class_id, pixels, x, y, width, height, of_map HIDDEN)", 6
};
static const table_kind runs_kind = { "map_runs",
                                      "CREATE TABLE x(y, x, length, class_id, of_map HIDDEN)", 4 };

typedef struct table {
    sqlite3_vtab base;
    const table_kind *kind;
} table;

/* What one class covers: a box with inclusive edges. */
typedef struct extent {
    int64_t pixels;
    uint32_t left, top, right, bottom;
} extent;

typedef struct cursor {
    sqlite3_vtab_cursor base;
    void *bytes;   /* a copy of the map: the argument may not outlive xFilter */
    void *scratch; /* of the reader */
    lab_map_reader reader;
    lab_map_rows rows;
    uint32_t row, run; /* map_runs: where in `rows` */
    extent *extents;   /* map_segments: by class id */
    uint32_t n_extents, class_id;
    int64_t rowid;
    bool end;
} cursor;

static int connect(sqlite3 *db, void *kind, int n, const char *const *arguments, sqlite3_vtab **out,
                   char **message)
{
    (void)n, (void)arguments, (void)message;
    const table_kind *which = kind;
    int rc = sqlite3_declare_vtab(db, which->schema);
    if (rc)
        return rc;
    table *made = sqlite3_malloc64(sizeof *made);
    if (!made)
        return SQLITE_NOMEM;
    *made = (table){ .kind = which };
    *out = &made->base;
    return sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
}

static int disconnect(sqlite3_vtab *base)
{
    sqlite3_free(base);
    return SQLITE_OK;
}

/* Without a map there is nothing to read: such a plan is refused. */
static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    int map_column = ((table *)base)->kind->map_column;
    info->estimatedCost = 1000;
    info->estimatedRows = 1000;
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *c = &info->aConstraint[i];
        if (c->iColumn != map_column || c->op != SQLITE_INDEX_CONSTRAINT_EQ)
            continue;
        if (!c->usable)
            return SQLITE_CONSTRAINT;
        info->aConstraintUsage[i].argvIndex = 1;
        info->aConstraintUsage[i].omit = 1;
        return SQLITE_OK;
    }
    base->zErrMsg = sqlite3_mprintf("%s needs a label map: %s(map)", ((table *)base)->kind->name,
                                    ((table *)base)->kind->name);
    return SQLITE_ERROR;
}

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    (void)base;
    cursor *made = sqlite3_malloc64(sizeof *made);
    if (!made)
        return SQLITE_NOMEM;
    memset(made, 0, sizeof *made);
    *out = &made->base;
    return SQLITE_OK;
}

static void clear(cursor *c)
{
    sqlite3_free(c->bytes);
    sqlite3_free(c->scratch);
    sqlite3_free(c->extents);
    c->bytes = c->scratch = NULL;
    c->extents = NULL;
    c->row = c->run = c->n_extents = c->class_id = 0;
    c->rowid = 1;
    c->end = true;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    clear((cursor *)base);
    sqlite3_free(base);
    return SQLITE_OK;
}

static int fail(cursor *c, const lab_error *error)
{
    table *owner = (table *)c->base.pVtab;
    if (error->status == LAB_E_NOMEM)
        return SQLITE_NOMEM;
    sqlite3_free(owner->base.zErrMsg);
    owner->base.zErrMsg = sqlite3_mprintf("%s: %s", owner->kind->name, error->message);
    return SQLITE_ERROR;
}

static void extend(extent *e, const lab_map_rows *rows, uint32_t x, uint32_t end)
{
    uint32_t bottom = rows->y + rows->count - 1;
    if (!e->pixels)
        *e = (extent){ 0, x, rows->y, end - 1, bottom };
    e->pixels += (int64_t)(end - x) * rows->count;
    e->left = x < e->left ? x : e->left;
    e->right = end - 1 > e->right ? end - 1 : e->right;
    e->bottom = bottom; /* rows come from the top */
}

static lab_status measure(cursor *c, lab_error *error)
{
    c->n_extents = c->reader.id_bytes == 1 ? 256 : 65536;
    c->extents = sqlite3_malloc64(c->n_extents * sizeof *c->extents);
    if (!c->extents)
        return lab_error_set(error, LAB_E_NOMEM, "out of memory for the segments of a map");
    memset(c->extents, 0, c->n_extents * sizeof *c->extents);
    lab_status status;
    while (!(status = lab_map_next(&c->reader, &c->rows, error)) && c->rows.count)
        for (uint32_t i = 0; i < c->rows.n_runs; i++)
            extend(&c->extents[c->rows.runs[i].class_id], &c->rows, c->rows.runs[i].x,
                   c->rows.runs[i + 1].x);
    return status;
}

static void find_class(cursor *c)
{
    while (c->class_id < c->n_extents && !c->extents[c->class_id].pixels)
        c->class_id++;
    c->end = c->class_id == c->n_extents;
}

static int next_run(cursor *c)
{
    lab_error error;
    if (++c->run < c->rows.n_runs)
        return SQLITE_OK;
    c->run = 0;
    if (++c->row < c->rows.count)
        return SQLITE_OK;
    c->row = 0;
    if (lab_map_next(&c->reader, &c->rows, &error)) {
        c->end = true;
        return fail(c, &error);
    }
    c->end = !c->rows.count;
    return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *base)
{
    cursor *c = (cursor *)base;
    c->rowid++;
    if (!c->extents)
        return next_run(c);
    c->class_id++;
    find_class(c);
    return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int plan, const char *name, int n,
                  sqlite3_value **values)
{
    (void)plan, (void)name;
    cursor *c = (cursor *)base;
    lab_error error;
    clear(c);
    if (n < 1 || sqlite3_value_type(values[0]) == SQLITE_NULL)
        return SQLITE_OK;
    if (lab_map_from_value(&c->reader, values[0], &c->scratch, &error))
        return fail(c, &error);
    c->bytes = sqlite3_malloc64(c->reader.size);
    if (!c->bytes)
        return SQLITE_NOMEM;
    memcpy(c->bytes, c->reader.bytes, c->reader.size);
    c->reader.bytes = c->bytes;
    bool segments = ((table *)base->pVtab)->kind == &segments_kind;
    if (segments ? measure(c, &error) : lab_map_next(&c->reader, &c->rows, &error)) {
        clear(c);
        return fail(c, &error);
    }
    c->end = false;
    if (segments)
        find_class(c);
    return SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *base)
{
    return ((cursor *)base)->end;
}

static int64_t segment_column(const cursor *c, int i)
{
    const extent *e = &c->extents[c->class_id];
    int64_t values[] = { c->class_id,           e->pixels, e->left, e->top, e->right - e->left + 1,
                         e->bottom - e->top + 1 };
    return values[i];
}

static int64_t run_column(const cursor *c, int i)
{
    const lab_map_run *run = &c->rows.runs[c->run];
    int64_t values[] = { c->rows.y + c->row, run->x, run[1].x - run->x, run->class_id };
    return values[i];
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int i)
{
    const cursor *c = (const cursor *)base;
    if (i == ((table *)base->pVtab)->kind->map_column)
        sqlite3_result_blob64(context, c->bytes, c->reader.size, SQLITE_TRANSIENT);
    else
        sqlite3_result_int64(context, c->extents ? segment_column(c, i) : run_column(c, i));
    return SQLITE_OK;
}

static int rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    *out = ((cursor *)base)->rowid;
    return SQLITE_OK;
}

/* No xCreate: eponymous only, there is nothing to CREATE VIRTUAL TABLE. */
static const sqlite3_module module = {
    .xConnect = connect,
    .xBestIndex = best_index,
    .xDisconnect = disconnect,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next,
    .xEof = at_end,
    .xColumn = column,
    .xRowid = rowid,
};

int lab_map_tables_register(sqlite3 *db)
{
    int rc = sqlite3_create_module(db, segments_kind.name, &module, (void *)&segments_kind);
    if (!rc)
        rc = sqlite3_create_module(db, runs_kind.name, &module, (void *)&runs_kind);
    return rc;
}
