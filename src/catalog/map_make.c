/*
 * SQL functions that make label maps of label maps:
 *
 *     map_crop(map, x, y, width, height)   the part of the rectangle that lies in the map; NULL
 * when nothing does map_merge(map, into, class, …)       every listed class has become class `into`
 *     map_union(map, class)                aggregate: 1 where any of the maps has the class, else
 *                                          0; all maps of one size
 *
 * NULL in, NULL out (map_union passes over rows with a NULL map). The results are lossless and
 * encoded as results.map is; whether ids have 8 or 16 bits follows from the ids that can occur.
 */
#include "catalog/map_functions.h"

#include <string.h>

#include "base/error.h"

#define MAX_IDS 65536u

/* Takes runs one after the other and joins neighbours of one class. */
typedef struct row_builder {
    lab_map_run *runs; /* lab_sqlite_memory */
    uint32_t n, capacity;
    bool no_memory;
} row_builder;

static void add_run(row_builder *row, uint32_t x, uint32_t class_id)
{
    if (row->n && row->runs[row->n - 1].class_id == class_id)
        return;
    /* One more for the sentinel. */
    if (row->n + 1 >= row->capacity) {
        uint32_t capacity = row->capacity ? 2 * row->capacity : 64;
        lab_map_run *runs =
            row->no_memory ? NULL : sqlite3_realloc64(row->runs, capacity * sizeof *runs);
        if (!runs) {
            row->no_memory = true;
            return;
        }
        row->runs = runs;
        row->capacity = capacity;
    }
    row->runs[row->n++] = (lab_map_run){ x, class_id };
}

static void end_row(row_builder *row, lab_map_writer *writer, uint32_t count)
{
    if (row->no_memory || !row->n)
        return;
    row->runs[row->n] = (lab_map_run){ writer->width, 0 };
    lab_map_write_rows(writer, row->runs, row->n, count);
    row->n = 0;
}

/* Hands the bytes to SQLite, which frees them. */
static lab_status give_result(sqlite3_context *context, row_builder *row, lab_map_writer *writer,
                              lab_error *error)
{
    if (row->no_memory || !lab_map_writer_finish(writer) || !lab_map_writer_shorten(writer))
        return lab_error_nomem(error, writer->capacity, "a label map");
    sqlite3_result_blob64(context, writer->bytes, writer->size, sqlite3_free);
    writer->bytes = NULL;
    return LAB_OK;
}

typedef struct rectangle {
    uint32_t left, top, right, bottom; /* right and bottom are outside */
} rectangle;

/* From x, width of SQL to pixels of the map; false: nothing of it is inside. Cannot overflow, as a
 * negative length is refused before it is added to a negative place. */
static bool clip(int64_t from, int64_t length, uint32_t size, uint32_t *begin, uint32_t *end)
{
    if (from >= size || length <= 0)
        return false;
    int64_t to = from < 0 ? from + length : length < size - from ? from + length : size;
    if (to <= 0)
        return false;
    *begin = from < 0 ? 0 : (uint32_t)from;
    *end = to > size ? size : (uint32_t)to;
    return true;
}

static lab_status crop_rows(lab_map_reader *reader, const rectangle *part, row_builder *row,
                            lab_map_writer *writer, lab_error *error)
{
    lab_map_rows rows;
    lab_status status;
    while (!(status = lab_map_next(reader, &rows, error)) && rows.count) {
        uint32_t top = rows.y > part->top ? rows.y : part->top;
        uint32_t end = rows.y + rows.count < part->bottom ? rows.y + rows.count : part->bottom;
        if (top >= end)
            continue;
        for (uint32_t i = 0; i < rows.n_runs && rows.runs[i].x < part->right; i++) {
            uint32_t x = rows.runs[i].x > part->left ? rows.runs[i].x : part->left;
            if (rows.runs[i + 1].x > part->left)
                add_run(row, x - part->left, rows.runs[i].class_id);
        }
        end_row(row, writer, end - top);
    }
    return status;
}

static void map_crop(sqlite3_context *context, int n, sqlite3_value **values)
{
    static const char *const names[] = { "", "x", "y", "width", "height" };
    lab_map_reader reader = { .size = 0 };
    lab_map_writer writer = { .memory = &lab_sqlite_memory };
    row_builder row = { .runs = NULL };
    lab_error error;
    void *scratch = NULL;
    int64_t box[5] = { 0 };
    rectangle part = { 0, 0, 0, 0 };
    if (lab_any_null(n, values))
        return;
    bool fine = true;
    for (int i = 1; i < 5 && fine; i++)
        fine = lab_integer_argument(values[i], names[i], &box[i], &error);
    if (!fine || lab_map_from_value(&reader, values[0], &scratch, &error)) {
        lab_map_fail_named(context, &error);
        return;
    }
    bool inside = clip(box[1], box[3], reader.width, &part.left, &part.right);
    inside = clip(box[2], box[4], reader.height, &part.top, &part.bottom) && inside;
    if (inside) {
        lab_map_writer_start(&writer, &lab_sqlite_memory, part.right - part.left,
                             part.bottom - part.top, reader.id_bytes);
        if (crop_rows(&reader, &part, &row, &writer, &error) ||
            give_result(context, &row, &writer, &error))
            lab_map_fail_named(context, &error);
    }
    lab_map_writer_free(&writer);
    sqlite3_free(row.runs);
    sqlite3_free(scratch);
}

/* The class that each class becomes. `ids` has MAX_IDS entries; false with a sentence. */
static bool read_merge(int n, sqlite3_value **values, uint16_t *ids, uint32_t *into,
                       lab_error *error)
{
    if (!lab_class_argument(values[1], "the class to merge into", into, error))
        return false;
    for (uint32_t i = 0; i < MAX_IDS; i++)
        ids[i] = (uint16_t)i;
    for (int i = 2; i < n; i++) {
        uint32_t class_id;
        if (!lab_class_argument(values[i], "a class to merge", &class_id, error))
            return false;
        ids[class_id] = (uint16_t)*into;
    }
    return true;
}

static lab_status merge_rows(lab_map_reader *reader, const uint16_t *ids, row_builder *row,
                             lab_map_writer *writer, lab_error *error)
{
    lab_map_rows rows;
    lab_status status;
    while (!(status = lab_map_next(reader, &rows, error)) && rows.count) {
        for (uint32_t i = 0; i < rows.n_runs; i++)
            add_run(row, rows.runs[i].x, ids[rows.runs[i].class_id]);
        end_row(row, writer, rows.count);
    }
    return status;
}

static void map_merge(sqlite3_context *context, int n, sqlite3_value **values)
{
    lab_map_reader reader = { .size = 0 };
    lab_map_writer writer = { .memory = &lab_sqlite_memory };
    row_builder row = { .runs = NULL };
    lab_error error;
    void *scratch = NULL;
    uint32_t into;
    if (n < 3) {
        lab_error_set(&error, LAB_E_INVALID,
                      "expected a map, the class to merge into and at least one class to merge, "
                      "got %d arguments",
                      n);
        lab_map_fail_named(context, &error);
        return;
    }
    if (lab_any_null(n, values))
        return;
    uint16_t *ids = sqlite3_malloc64(MAX_IDS * sizeof *ids);
    if (!ids)
        lab_error_nomem(&error, MAX_IDS * sizeof *ids, "the classes of map_merge");
    bool fine = ids && read_merge(n, values, ids, &into, &error) &&
                !lab_map_from_value(&reader, values[0], &scratch, &error);
    if (fine) {
        lab_map_writer_start(&writer, &lab_sqlite_memory, reader.width, reader.height,
                             into > UINT8_MAX ? 2 : reader.id_bytes);
        fine = !merge_rows(&reader, ids, &row, &writer, &error) &&
               !give_result(context, &row, &writer, &error);
    }
    if (!fine)
        lab_map_fail_named(context, &error);
    lab_map_writer_free(&writer);
    sqlite3_free(row.runs);
    sqlite3_free(ids);
    sqlite3_free(scratch);
}

/* SQLite zeroes it and keeps it for a group of rows. */
typedef struct united {
    uint8_t *bytes; /* the union so far, an encoded map; NULL: no row yet. sqlite3_free */
    size_t size;
    bool failed;
} united;

/* One map as ones and zeros. */
static lab_status one_class(lab_map_reader *reader, int64_t class_id, row_builder *row,
                            lab_map_writer *writer, lab_error *error)
{
    lab_map_rows rows;
    lab_status status;
    while (!(status = lab_map_next(reader, &rows, error)) && rows.count) {
        for (uint32_t i = 0; i < rows.n_runs; i++)
            add_run(row, rows.runs[i].x, rows.runs[i].class_id == class_id);
        end_row(row, writer, rows.count);
    }
    return status;
}

static lab_status unite(lab_map_pair *pair, int64_t class_id, row_builder *row,
                        lab_map_writer *writer, lab_error *error)
{
    uint32_t count;
    lab_status status;
    while (!(status = lab_map_pair_next(pair, &count, error)) && count) {
        const lab_map_run *a = pair->in_a.runs, *b = pair->in_b.runs;
        for (uint32_t x = 0; x < pair->a.width;) {
            uint32_t end = a[1].x < b[1].x ? a[1].x : b[1].x;
            add_run(row, x, a->class_id || b->class_id == class_id);
            a += end == a[1].x;
            b += end == b[1].x;
            x = end;
        }
        end_row(row, writer, count);
    }
    return status;
}

/* Opens the union so far beside the next map. */
static lab_status open_both(const united *u, sqlite3_value *map, lab_map_pair *pair,
                            lab_error *error)
{
    lab_status status = lab_map_from_value(&pair->b, map, &pair->b_scratch, error);
    if (!status)
        status = lab_map_open(&pair->a, u->bytes, u->size, error);
    if (status)
        return status;
    if (pair->a.width != pair->b.width || pair->a.height != pair->b.height)
        return lab_error_set(error, LAB_E_INVALID,
                             "the maps have different sizes: %ux%u and %ux%u pixels", pair->a.width,
                             pair->a.height, pair->b.width, pair->b.height);
    pair->a_scratch = sqlite3_malloc64(lab_map_scratch(&pair->a));
    if (!pair->a_scratch)
        return lab_error_set(error, LAB_E_NOMEM, "out of memory for the rows of a label map");
    lab_map_start(&pair->a, pair->a_scratch);
    return LAB_OK;
}

static lab_status add_map(united *u, sqlite3_value *map, int64_t class_id, lab_error *error)
{
    lab_map_pair pair = { .a_scratch = NULL };
    lab_map_writer writer = { .memory = &lab_sqlite_memory };
    row_builder row = { .runs = NULL };
    lab_status status = u->bytes ? open_both(u, map, &pair, error)
                                 : lab_map_from_value(&pair.b, map, &pair.b_scratch, error);
    if (!status) {
        lab_map_writer_start(&writer, &lab_sqlite_memory, pair.b.width, pair.b.height, 1);
        status = u->bytes ? unite(&pair, class_id, &row, &writer, error)
                          : one_class(&pair.b, class_id, &row, &writer, error);
    }
    if (!status &&
        (row.no_memory || !lab_map_writer_finish(&writer) || !lab_map_writer_shorten(&writer)))
        status = lab_error_nomem(error, writer.capacity, "a label map");
    if (!status) {
        sqlite3_free(u->bytes);
        u->bytes = writer.bytes;
        u->size = writer.size;
        writer.bytes = NULL;
    }
    lab_map_writer_free(&writer);
    sqlite3_free(row.runs);
    lab_map_pair_close(&pair);
    return status;
}

static void union_step(sqlite3_context *context, int n, sqlite3_value **values)
{
    lab_error error;
    int64_t class_id;
    united *u = sqlite3_aggregate_context(context, sizeof *u);
    if (!u) {
        sqlite3_result_error_nomem(context);
        return;
    }
    if (u->failed || lab_any_null(n, values))
        return;
    if (!lab_integer_argument(values[1], "the class", &class_id, &error) ||
        add_map(u, values[0], class_id, &error)) {
        u->failed = true;
        lab_map_fail_named(context, &error);
    }
}

static void union_final(sqlite3_context *context)
{
    united *u = sqlite3_aggregate_context(context, 0);
    if (!u || !u->bytes)
        return;
    if (u->failed)
        sqlite3_free(u->bytes);
    else
        sqlite3_result_blob64(context, u->bytes, u->size, sqlite3_free);
    u->bytes = NULL;
}

int lab_map_make_register(sqlite3 *db)
{
    int rc = lab_sql_scalar(db, "map_crop", 5, map_crop);
    if (!rc)
        rc = lab_sql_scalar(db, "map_merge", -1, map_merge);
    return rc ? rc
              : sqlite3_create_function(db, "map_union", 2, LAB_SQL_PURE, "map_union", NULL,
                                        union_step, union_final);
}
