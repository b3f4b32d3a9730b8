/*
 * SQL values as label maps and class ids, and sentences for those that are none: what the groups of
 * map_… functions share.
 */
#include "catalog/map_functions.h"

#include "base/error.h"

/* SQLite aligns to 8 bytes, which is enough for runs: no vectors are read here. */
static void *take(void *user, size_t size, size_t align)
{
    (void)user, (void)align;
    return sqlite3_malloc64(size);
}

static void give(void *user, void *ptr)
{
    (void)user;
    sqlite3_free(ptr);
}

const lab_allocator lab_sqlite_memory = { take, give, NULL };

int lab_sql_scalar(sqlite3 *db, const char *name, int arguments, lab_sql_call *call)
{
    return sqlite3_create_function(db, name, arguments, LAB_SQL_PURE, (void *)name, call, NULL,
                                   NULL);
}

static const char *type_name(sqlite3_value *value)
{
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        return "an integer";
    case SQLITE_FLOAT:
        return "a number";
    case SQLITE_TEXT:
        return "a text";
    case SQLITE_BLOB:
        return "a blob";
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

void lab_map_fail(sqlite3_context *context, const char *name, const lab_error *error)
{
    if (error->status == LAB_E_NOMEM) {
        sqlite3_result_error_nomem(context);
        return;
    }
    char *text = sqlite3_mprintf("%s: %s", name, error->message);
    if (text)
        sqlite3_result_error(context, text, -1);
    else
        sqlite3_result_error_nomem(context);
    sqlite3_free(text);
}

void lab_map_fail_named(sqlite3_context *context, const lab_error *error)
{
    lab_map_fail(context, sqlite3_user_data(context), error);
}

bool lab_any_null(int n, sqlite3_value **values)
{
    for (int i = 0; i < n; i++)
        if (sqlite3_value_type(values[i]) == SQLITE_NULL)
            return true;
    return false;
}

bool lab_integer_argument(sqlite3_value *value, const char *what, int64_t *out, lab_error *error)
{
    if (sqlite3_value_numeric_type(value) == SQLITE_INTEGER) {
        *out = sqlite3_value_int64(value);
        return true;
    }
    lab_error_set(error, LAB_E_INVALID, "%s must be an integer, not %s", what, type_name(value));
    return false;
}

bool lab_class_argument(sqlite3_value *value, const char *what, uint32_t *out, lab_error *error)
{
    int64_t id;
    if (!lab_integer_argument(value, what, &id, error))
        return false;
    *out = (uint32_t)id;
    if (id >= 0 && id <= UINT16_MAX)
        return true;
    lab_error_set(error, LAB_E_INVALID, "%s must be a class id from 0 to 65535, not %lld", what,
                  (long long)id);
    return false;
}

lab_status lab_map_pair_open(lab_map_pair *pair, sqlite3_value *a, sqlite3_value *b,
                             lab_error *error)
{
    *pair = (lab_map_pair){ .a_scratch = NULL };
    lab_status status = lab_map_from_value(&pair->a, a, &pair->a_scratch, error);
    if (!status)
        status = lab_map_from_value(&pair->b, b, &pair->b_scratch, error);
    if (status)
        return status;
    if (pair->a.width != pair->b.width || pair->a.height != pair->b.height)
        return lab_error_set(error, LAB_E_INVALID,
                             "the maps have different sizes: %ux%u and %ux%u pixels", pair->a.width,
                             pair->a.height, pair->b.width, pair->b.height);
    return LAB_OK;
}

lab_status lab_map_pair_next(lab_map_pair *pair, uint32_t *count, lab_error *error)
{
    lab_status status = LAB_OK;
    *count = 0;
    if (!pair->in_a.count)
        status = lab_map_next(&pair->a, &pair->in_a, error);
    if (!status && !pair->in_b.count)
        status = lab_map_next(&pair->b, &pair->in_b, error);
    if (status)
        return status;
    *count = pair->in_a.count < pair->in_b.count ? pair->in_a.count : pair->in_b.count;
    pair->in_a.count -= *count;
    pair->in_b.count -= *count;
    return LAB_OK;
}

void lab_map_pair_close(lab_map_pair *pair)
{
    sqlite3_free(pair->a_scratch);
    sqlite3_free(pair->b_scratch);
    pair->a_scratch = pair->b_scratch = NULL;
}

lab_status lab_map_overlaps(lab_map_pair *pair, lab_overlap_fn *fn, void *user, lab_error *error)
{
    uint32_t count;
    lab_status status;
    while (!(status = lab_map_pair_next(pair, &count, error)) && count) {
        const lab_map_run *a = pair->in_a.runs, *b = pair->in_b.runs;
        for (uint32_t x = 0; x < pair->a.width;) {
            uint32_t end = a[1].x < b[1].x ? a[1].x : b[1].x;
            fn(user, a->class_id, b->class_id, (int64_t)(end - x) * count);
            a += end == a[1].x;
            b += end == b[1].x;
            x = end;
        }
    }
    return status;
}
