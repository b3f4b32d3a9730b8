/*
 * Scalar SQL functions over label maps (results.map). NULL in, NULL out; a blob that is no map is
 * an error. x and y are 0-based pixels, as class ids are 0-based.
 *
 *     map_width(map), map_height(map)
 *     map_pixels(map, class)     how many pixels have this class
 *     map_at(map, x, y)          the class there; NULL outside the map
 */
#include "catalog/map_functions.h"

static void map_size(sqlite3_context *context, sqlite3_value *value, bool height)
{
    lab_map_reader reader = { .size = 0 };
    lab_error error;
    void *scratch = NULL;
    if (lab_any_null(1, &value))
        return;
    if (lab_map_from_value(&reader, value, &scratch, &error))
        lab_map_fail_named(context, &error);
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
    if (lab_any_null(n, values))
        return;
    if (!lab_integer_argument(values[1], "the class", &class_id, &error) ||
        lab_map_from_value(&reader, values[0], &scratch, &error) ||
        count_pixels(&reader, class_id, &pixels, &error))
        lab_map_fail_named(context, &error);
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
    if (lab_any_null(n, values))
        return;
    if (!lab_integer_argument(values[1], "x", &x, &error) ||
        !lab_integer_argument(values[2], "y", &y, &error) ||
        lab_map_from_value(&reader, values[0], &scratch, &error)) {
        lab_map_fail_named(context, &error);
    } else if (x >= 0 && y >= 0 && x < reader.width && y < reader.height) {
        if (class_at(&reader, x, y, &class_id, &error))
            lab_map_fail_named(context, &error);
        else
            sqlite3_result_int64(context, class_id);
    }
    sqlite3_free(scratch);
}

int lab_map_scalars_register(sqlite3 *db)
{
    int rc = lab_sql_scalar(db, "map_width", 1, map_width);
    if (!rc)
        rc = lab_sql_scalar(db, "map_height", 1, map_height);
    if (!rc)
        rc = lab_sql_scalar(db, "map_pixels", 2, map_pixels);
    return rc ? rc : lab_sql_scalar(db, "map_at", 3, map_at);
}
