/*
 * Label maps as tables, for joins and sums:
 *
 *     SELECT * FROM map_segments(:map)   class_id, pixels, x, y, width, height: one row a class
 *     SELECT * FROM map_runs(:map)       y, x, length, class_id: one row a horizontal run
 *     SELECT * FROM map_regions(:map)    region, class_id, pixels, x, y, width, height, centroid_x,
 *                                        centroid_y: one row an 8-connected part of a class, from
 *                                        the top
 *     SELECT * FROM map_confusion(:pred, :truth)   predicted, truth, pixels: one row a pair of
 *                                        classes that occurs at a pixel; maps of one size
 *
 *     SELECT r.path, s.class_id, s.pixels FROM results r, map_segments(r.map) s;
 *
 * All are eponymous virtual tables: the maps are hidden columns that become arguments (of_map, so
 * that it does not hide results.map). NULL is an empty table. Positions and sizes are in pixels,
 * from the top left; a pixel's centre is at whole numbers.
 */
#include "catalog/map_functions.h"

#include <string.h>

#include "base/error.h"

/* Which of the tables it is. map_runs walks the map; the others measure it at once. */
typedef struct table_kind {
    const char *name, *call, *schema;
    int columns;    /* before the hidden ones */
    int first_real; /* columns from here on are numbers, those before whole numbers */
    int n_maps;
    lab_status (*measure)(lab_map_reader *map, lab_measures *out, lab_error *error);
} table_kind;

static const table_kind kinds[] = {
    { "map_segments", "map_segments(map)",
      "CREATE TABLE x(class_id, pixels, x, y, width, height, of_map HIDDEN)", 6, 6, 1,
      lab_measure_segments },
    { "map_runs", "map_runs(map)", "CREATE TABLE x(y, x, length, class_id, of_map HIDDEN)", 4, 4, 1,
      NULL },
    { "map_regions", "map_regions(map)",
      "CREATE TABLE x(region, class_id, pixels, x, y, width, height, centroid_x, centroid_y, "
      "of_map HIDDEN)",
      9, 7, 1, lab_measure_regions },
    { "map_confusion", "map_confusion(pred, truth)",
      "CREATE TABLE x(predicted, truth, pixels, of_pred HIDDEN, of_truth HIDDEN)", 3, 3, 2, NULL },
};

typedef struct table {
    sqlite3_vtab base;
    const table_kind *kind;
} table;

typedef struct cursor {
    sqlite3_vtab_cursor base;
    void *maps[2]; /* copies of the arguments: those may not outlive xFilter */
    size_t sizes[2];
    lab_measures rows_measured;
    size_t row_measured;
    void *scratch; /* map_runs: of the reader */
    lab_map_reader reader;
    lab_map_rows rows;
    uint32_t row, run; /* where in `rows` */
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

/* Without its maps there is nothing to read: such a plan is refused. */
static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const table_kind *kind = ((table *)base)->kind;
    int found = 0;
    info->estimatedCost = 1000;
    info->estimatedRows = 1000;
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *c = &info->aConstraint[i];
        int argument = c->iColumn - kind->columns;
        if (argument < 0 || c->op != SQLITE_INDEX_CONSTRAINT_EQ || found & 1 << argument)
            continue;
        if (!c->usable)
            return SQLITE_CONSTRAINT;
        info->aConstraintUsage[i].argvIndex = argument + 1;
        info->aConstraintUsage[i].omit = 1;
        found |= 1 << argument;
    }
    if (found == (1 << kind->n_maps) - 1)
        return SQLITE_OK;
    base->zErrMsg =
        sqlite3_mprintf("%s needs %s: %s", kind->name,
                        kind->n_maps == 1 ? "a label map" : "two label maps", kind->call);
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
    sqlite3_free(c->maps[0]);
    sqlite3_free(c->maps[1]);
    sqlite3_free(c->scratch);
    sqlite3_free(c->rows_measured.cells);
    c->maps[0] = c->maps[1] = c->scratch = NULL;
    c->rows_measured = (lab_measures){ .cells = NULL };
    c->row_measured = 0;
    c->row = c->run = 0;
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
    if (c->scratch)
        return next_run(c);
    c->end = ++c->row_measured >= c->rows_measured.n_rows;
    return SQLITE_OK;
}

static int copy_argument(cursor *c, int i, sqlite3_value *value)
{
    const void *bytes = sqlite3_value_blob(value);
    c->sizes[i] = (size_t)sqlite3_value_bytes(value);
    c->maps[i] = sqlite3_malloc64(c->sizes[i] ? c->sizes[i] : 1);
    if (!c->maps[i])
        return SQLITE_NOMEM;
    if (c->sizes[i])
        memcpy(c->maps[i], bytes, c->sizes[i]);
    return SQLITE_OK;
}

/* The first run of the map whose copy is there. */
static lab_status start_runs(cursor *c, sqlite3_value *value, lab_error *error)
{
    lab_status status = lab_map_from_value(&c->reader, value, &c->scratch, error);
    if (status)
        return status;
    c->reader.bytes = c->maps[0];
    status = lab_map_next(&c->reader, &c->rows, error);
    c->end = false;
    return status;
}

static lab_status start_measured(cursor *c, const table_kind *kind, sqlite3_value **values,
                                 lab_error *error)
{
    lab_status status;
    c->rows_measured.columns = (uint32_t)kind->columns;
    if (kind->n_maps == 2) {
        lab_map_pair pair;
        status = lab_map_pair_open(&pair, values[0], values[1], error);
        if (!status)
            status = lab_measure_confusion(&pair, &c->rows_measured, error);
        lab_map_pair_close(&pair);
    } else {
        lab_map_reader reader;
        void *scratch;
        status = lab_map_from_value(&reader, values[0], &scratch, error);
        if (!status)
            status = kind->measure(&reader, &c->rows_measured, error);
        sqlite3_free(scratch);
    }
    c->end = !c->rows_measured.n_rows;
    return status;
}

static int filter(sqlite3_vtab_cursor *base, int plan, const char *name, int n,
                  sqlite3_value **values)
{
    (void)plan, (void)name;
    cursor *c = (cursor *)base;
    const table_kind *kind = ((table *)base->pVtab)->kind;
    lab_error error;
    clear(c);
    if (n < kind->n_maps || lab_any_null(n, values))
        return SQLITE_OK;
    bool walks = kind->n_maps == 1 && !kind->measure;
    lab_status status = LAB_OK;
    for (int i = 0; i < kind->n_maps && !status; i++)
        if (copy_argument(c, i, values[i]))
            status = lab_error_nomem(&error, c->sizes[i], "a label map");
    if (!status)
        status = walks ? start_runs(c, values[0], &error) : start_measured(c, kind, values, &error);
    if (!status)
        return SQLITE_OK;
    clear(c);
    return fail(c, &error);
}

static int at_end(sqlite3_vtab_cursor *base)
{
    return ((cursor *)base)->end;
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
    const table_kind *kind = ((table *)base->pVtab)->kind;
    int argument = i - kind->columns;
    if (argument >= 0) {
        sqlite3_result_blob64(context, c->maps[argument], c->sizes[argument], SQLITE_TRANSIENT);
        return SQLITE_OK;
    }
    if (c->scratch) {
        sqlite3_result_int64(context, run_column(c, i));
        return SQLITE_OK;
    }
    double value = c->rows_measured.cells[c->row_measured * c->rows_measured.columns + (size_t)i];
    if (i < kind->first_real)
        sqlite3_result_int64(context, (int64_t)value);
    else
        sqlite3_result_double(context, value);
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
    int rc = SQLITE_OK;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !rc; i++)
        rc = sqlite3_create_module(db, kinds[i].name, &module, (void *)&kinds[i]);
    return rc;
}
