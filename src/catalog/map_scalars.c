/*
 * Scalar SQL functions over label maps (results.map). NULL in, NULL out; a blob that is no map is
 * an error. x and y are 0-based pixels, as class ids are 0-based.
 *
 *     map_width(map), map_height(map)
 *     map_pixels(map, class)     how many pixels have this class
 *     map_at(map, x, y)          the class there; NULL outside the map
 *     map_iou(a, b, class)       intersection over union of the class in two maps of one size;
 *                                NULL where neither has it
 */
#include "catalog/map_functions.h"

#include "base/error.h"

static const char *type_name(sqlite3_value *value)
{
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        return "an integer";
    case SQLITE_FLOAT:
        return "a number";
    case SQLITE_TEXT:
        return "a text";
    default:
        return "NULL";
    }
}

lab_status lab_map_from_value(lab_map_reader *reader, sqlite3_value *value, void **scratch,
                              lab_error *error)
{
    *scratch = NULL;
    if (sqlite3_value_type(value) != SQLITE_BLOB)
        return lab_error_set(error, LAB_E_INVALID, "expected a label map (a blob), got %s",
                             type_name(value));
    const void *bytes = sqlite3_value_blob(value);
    size_t size = (size_t)sqlite3_value_bytes(value);
    lab_status status = lab_map_open(reader, bytes ? bytes : "", bytes ? size : 0, error);
    if (status)
        return status;
    *scratch = sqlite3_malloc64(lab_map_scratch(reader));
    if (!*scratch)
        return lab_error_set(error, LAB_E_NOMEM, "out of memory for the rows of a label map");
    lab_map_start(reader, *scratch);
    return LAB_OK;
}

/* Ends a function with "NAME: sentence". */
static void fail(sqlite3_context *context, const lab_error *error)
{
    if (error->status == LAB_E_NOMEM) {
        sqlite3_result_error_nomem(context);
        return;
    }
    char *text =
        sqlite3_mprintf("%s: %s", (const char *)sqlite3_user_data(context), error->message);
    if (text)
        sqlite3_result_error(context, text, -1);
    else
        sqlite3_result_error_nomem(context);
    sqlite3_free(text);
}

/* SQL leaves the result NULL when nothing is set. */
static bool any_null(int n, sqlite3_value **values)
{
    for (int i = 0; i < n; i++)
        if (sqlite3_value_type(values[i]) == SQLITE_NULL)
            return true;
    return false;
}

static bool integer_argument(sqlite3_value *value, const char *what, int64_t *out, lab_error *error)
{
    if (sqlite3_value_numeric_type(value) == SQLITE_INTEGER) {
        *out = sqlite3_value_int64(value);
        return true;
    }
    lab_error_set(error, LAB_E_INVALID, "%s must be an integer, not %s", what,
                  sqlite3_value_type(value) == SQLITE_BLOB ? "a blob" : type_name(value));
    return false;
}

static void map_size(sqlite3_context *context, sqlite3_value *value, bool height)
{
    lab_map_reader reader = { .size = 0 };
    lab_error error;
    void *scratch = NULL;
    if (any_null(1, &value))
        return;
    if (lab_map_from_value(&reader, value, &scratch, &error))
        fail(context, &error);
    else
        sqlite3_result_int64(context, height ? reader.height : reader.width);
    sqlite3_free(scratch);
}

static void map_width(sqlite3_context *context, int n, sqlite3_value **values)
{
    (void)n;
    map_size(context, values[0], false);
}

static void map_height(sqlite3_context *context, int n, sqlite3_value **values)
{
    (void)n;
    map_size(context, values[0], true);
}

static lab_status count_pixels(lab_map_reader *reader, int64_t class_id, int64_t *pixels,
                               lab_error *error)
{
    lab_map_rows rows;
    lab_status status;
    *pixels = 0;
    while (!(status = lab_map_next(reader, &rows, error)) && rows.count) {
        int64_t here = 0;
        for (uint32_t i = 0; i < rows.n_runs; i++)
            if (rows.runs[i].class_id == class_id)
                here += rows.runs[i + 1].x - rows.runs[i].x;
        *pixels += here * rows.count;
    }
    return status;
}

static void map_pixels(sqlite3_context *context, int n, sqlite3_value **values)
{
    lab_map_reader reader = { .size = 0 };
    lab_error error;
    void *scratch = NULL;
    int64_t class_id = 0, pixels = 0;
    if (any_null(n, values))
        return;
    if (!integer_argument(values[1], "the class", &class_id, &error) ||
        lab_map_from_value(&reader, values[0], &scratch, &error) ||
        count_pixels(&reader, class_id, &pixels, &error))
        fail(context, &error);
    else
        sqlite3_result_int64(context, pixels);
    sqlite3_free(scratch);
}

static lab_status class_at(lab_map_reader *reader, int64_t x, int64_t y, int64_t *class_id,
                           lab_error *error)
{
    lab_map_rows rows;
    lab_status status;
    while (!(status = lab_map_next(reader, &rows, error)) && rows.count) {
        if (y >= (int64_t)rows.y + rows.count)
            continue;
        uint32_t i = 0;
        while (rows.runs[i + 1].x <= x)
            i++;
        *class_id = rows.runs[i].class_id;
        return LAB_OK;
    }
    return status;
}

static void map_at(sqlite3_context *context, int n, sqlite3_value **values)
{
    lab_map_reader reader = { .size = 0 };
    lab_error error;
    void *scratch = NULL;
    int64_t x = 0, y = 0, class_id = 0;
    if (any_null(n, values))
        return;
    if (!integer_argument(values[1], "x", &x, &error) ||
        !integer_argument(values[2], "y", &y, &error) ||
        lab_map_from_value(&reader, values[0], &scratch, &error)) {
        fail(context, &error);
    } else if (x >= 0 && y >= 0 && x < reader.width && y < reader.height) {
        if (class_at(&reader, x, y, &class_id, &error))
            fail(context, &error);
        else
            sqlite3_result_int64(context, class_id);
    }
    sqlite3_free(scratch);
}

/* Adds the pixels of a row in which a, b, or both have the class. */
static void overlap(const lab_map_rows *a, const lab_map_rows *b, int64_t class_id, uint32_t width,
                    int64_t rows, int64_t *both, int64_t *either)
{
    uint32_t i = 0, j = 0;
    for (uint32_t x = 0; x < width;) {
        uint32_t a_end = a->runs[i + 1].x, b_end = b->runs[j + 1].x;
        uint32_t end = a_end < b_end ? a_end : b_end;
        bool in_a = a->runs[i].class_id == class_id, in_b = b->runs[j].class_id == class_id;
        *both += in_a && in_b ? (int64_t)(end - x) * rows : 0;
        *either += in_a || in_b ? (int64_t)(end - x) * rows : 0;
        i += end == a_end;
        j += end == b_end;
        x = end;
    }
}

static lab_status compare(lab_map_reader *a, lab_map_reader *b, int64_t class_id, int64_t *both,
                          int64_t *either, lab_error *error)
{
    lab_map_rows in_a = { .count = 0 }, in_b = { .count = 0 };
    *both = *either = 0;
    if (a->width != b->width || a->height != b->height)
        return lab_error_set(error, LAB_E_INVALID,
                             "the maps have different sizes: %ux%u and %ux%u pixels", a->width,
                             a->height, b->width, b->height);
    for (;;) {
        lab_status status = LAB_OK;
        if (!in_a.count)
            status = lab_map_next(a, &in_a, error);
        if (!status && !in_b.count)
            status = lab_map_next(b, &in_b, error);
        if (status || !in_a.count || !in_b.count)
            return status;
        uint32_t rows = in_a.count < in_b.count ? in_a.count : in_b.count;
        overlap(&in_a, &in_b, class_id, a->width, rows, both, either);
        in_a.count -= rows;
        in_b.count -= rows;
    }
}

static void map_iou(sqlite3_context *context, int n, sqlite3_value **values)
{
    lab_map_reader a = { .size = 0 }, b = { .size = 0 };
    lab_error error;
    void *a_scratch = NULL, *b_scratch = NULL;
    int64_t class_id = 0, both = 0, either = 0;
    if (any_null(n, values))
        return;
    if (!integer_argument(values[2], "the class", &class_id, &error) ||
        lab_map_from_value(&a, values[0], &a_scratch, &error) ||
        lab_map_from_value(&b, values[1], &b_scratch, &error) ||
        compare(&a, &b, class_id, &both, &either, &error))
        fail(context, &error);
    else if (either)
        sqlite3_result_double(context, (double)both / (double)either);
    sqlite3_free(a_scratch);
    sqlite3_free(b_scratch);
}

int lab_map_scalars_register(sqlite3 *db)
{
    static const struct {
        const char *name;
        int arguments;
        void (*call)(sqlite3_context *, int, sqlite3_value **);
    } functions[] = {
        { "map_width", 1, map_width },   { "map_height", 1, map_height },
        { "map_pixels", 2, map_pixels }, { "map_at", 3, map_at },
        { "map_iou", 3, map_iou },
    };
    int rc = SQLITE_OK;
    for (size_t i = 0; i < sizeof functions / sizeof *functions && !rc; i++)
        rc = sqlite3_create_function(db, functions[i].name, functions[i].arguments,
                                     SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
                                     (void *)functions[i].name, functions[i].call, NULL, NULL);
    return rc;
}
