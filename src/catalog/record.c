/*
 * Recording: a result is a row before the work and a finished row after it. Each function is one
 * transaction that takes the write lock at its start, so several programs take turns.
 */
#include "catalog/map_codec.h"

#include <string.h>

#include "base/error.h"
#include "catalog/catalog_internal.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

lab_status lab_catalog_add_model(lab_catalog *catalog, const lab_model_record *model, int64_t *id,
                                 lab_error *error)
{
    *id = 0;
    lab_transaction transaction;
    lab_status status = lab_transaction_begin(catalog, &transaction, error);
    if (status)
        return status;
    int64_t labels;
    status = lab_label_set_store(catalog, model->labels, &labels, error);
    if (!status) {
        lab_sql_value values[] = {
            lab_sql_text(model->sha256),    lab_sql_text(model->name),
            lab_sql_text(model->path),      lab_sql_text(model->format),
            lab_sql_text(model->licence),   lab_sql_id(labels),
            lab_sql_id(model->input_width), lab_sql_id(model->input_height),
        };
        status = lab_query_run(catalog, LAB_QUERY_ADD_MODEL, values, COUNT(values), id, error);
    }
    return lab_transaction_end(&transaction, status, error);
}

/* Not a CHECK in the schema: SQLite 3.40 takes json_valid for unsafe there. NULL is allowed. */
static lab_status check_json(lab_catalog *catalog, const char *what, const char *text,
                             lab_error *error)
{
    int64_t valid = 1;
    lab_sql_value value = lab_sql_text(text);
    lab_status status = LAB_OK;
    if (text)
        status = lab_query_run(catalog, LAB_QUERY_JSON_VALID, &value, 1, &valid, error);
    if (status || valid)
        return status;
    return lab_error_set(error, LAB_E_INVALID, "catalog %s: the %s must be JSON, not \"%.60s\"",
                         catalog->path, what, text);
}

lab_status lab_catalog_begin_run(lab_catalog *catalog, const lab_run_record *run, int64_t *id,
                                 lab_error *error)
{
    lab_sql_value values[] = { lab_sql_text(run->command), lab_sql_text(run->pipeline),
                               lab_sql_text(run->version), lab_sql_text(run->kernels),
                               lab_sql_id(run->threads) };
    *id = 0;
    lab_transaction transaction;
    lab_status status = check_json(catalog, "pipeline", run->pipeline, error);
    if (!status)
        status = lab_transaction_begin(catalog, &transaction, error);
    if (status)
        return status;
    status = lab_query_run(catalog, LAB_QUERY_BEGIN_RUN, values, COUNT(values), id, error);
    return lab_transaction_end(&transaction, status, error);
}

/* A row that is not there, or not running any more, is a mistake of the caller. */
static lab_status check_running(lab_catalog *catalog, lab_query query, const char *thing,
                                int64_t id, lab_error *error)
{
    sqlite3_stmt *stmt;
    lab_sql_value value = lab_sql_int(id);
    lab_status status = lab_query_bind(catalog, query, &value, 1, &stmt, error);
    if (status)
        return status;
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_DONE)
        status = lab_error_set(error, LAB_E_NOT_FOUND, "catalog %s: there is no %s %lld",
                               catalog->path, thing, (long long)id);
    else if (rc != SQLITE_ROW)
        status = lab_sql_error(catalog, rc, "reading a state", error);
    else if (!sqlite3_column_int(stmt, 0))
        status = lab_error_set(error, LAB_E_INVALID, "catalog %s: %s %lld is finished already",
                               catalog->path, thing, (long long)id);
    sqlite3_reset(stmt);
    return status;
}

lab_status lab_catalog_finish_run(lab_catalog *catalog, int64_t run, const char *state,
                                  lab_error *error)
{
    lab_sql_value values[] = { lab_sql_int(run), lab_sql_text(state) };
    bool known = state && (strcmp(state, "done") == 0 || strcmp(state, "failed") == 0 ||
                           strcmp(state, "interrupted") == 0);
    if (!known)
        return lab_error_set(error, LAB_E_INVALID,
                             "a run ends as done, failed or interrupted, not as %s",
                             state ? state : "nothing");
    lab_transaction transaction;
    lab_status status = lab_transaction_begin(catalog, &transaction, error);
    if (status)
        return status;
    status = check_running(catalog, LAB_QUERY_RUN_STATE, "run", run, error);
    if (!status)
        status = lab_query_run(catalog, LAB_QUERY_END_RESULTS, values, 2, NULL, error);
    if (!status)
        status = lab_query_run(catalog, LAB_QUERY_FINISH_RUN, values, 2, NULL, error);
    return lab_transaction_end(&transaction, status, error);
}

lab_status lab_catalog_begin_result(lab_catalog *catalog, int64_t run, int64_t model,
                                    const char *path, int64_t *id, lab_error *error)
{
    lab_sql_value values[] = { lab_sql_int(run), lab_sql_id(model), lab_sql_text(path) };
    *id = 0;
    lab_transaction transaction;
    lab_status status = lab_transaction_begin(catalog, &transaction, error);
    if (status)
        return status;
    status = check_running(catalog, LAB_QUERY_RUN_STATE, "run", run, error);
    if (!status)
        status = lab_query_run(catalog, LAB_QUERY_BEGIN_RESULT, values, COUNT(values), id, error);
    return lab_transaction_end(&transaction, status, error);
}

static lab_status add_segments(lab_catalog *catalog, int64_t result,
                               const lab_segment_record *segments, uint32_t n_segments,
                               lab_error *error)
{
    lab_status status = LAB_OK;
    for (uint32_t i = 0; i < n_segments && !status; i++) {
        const lab_segment_record *s = &segments[i];
        lab_sql_value values[] = {
            lab_sql_int(result),          lab_sql_int(s->class_id),
            lab_sql_int(s->pixels),       lab_sql_real(s->fraction),
            lab_sql_int(s->box[0]),       lab_sql_int(s->box[1]),
            lab_sql_int(s->box[2]),       lab_sql_int(s->box[3]),
            lab_sql_real(s->centroid[0]), lab_sql_real(s->centroid[1]),
            lab_sql_id(s->regions),       s->score < 0 ? lab_sql_null() : lab_sql_real(s->score),
        };
        status = lab_query_run(catalog, LAB_QUERY_ADD_SEGMENT, values, COUNT(values), NULL, error);
        if (status)
            lab_error_prefix(error, "class %d", s->class_id);
    }
    return status;
}

/* What a finished result consists of, once everything that takes time is done. */
typedef struct finished {
    const lab_image_record *image;
    const lab_tensor *map;
    lab_buffer *encoded; /* NULL when there is no map */
    const char *timings;
} finished;

static lab_status update_result(lab_catalog *catalog, int64_t result, const finished *what,
                                lab_error *error)
{
    const lab_image_record *image = what->image;
    const lab_tensor *map = what->map;
    int64_t image_id = 0, label_set = 0;
    lab_status status = check_running(catalog, LAB_QUERY_RESULT_STATE, "result", result, error);
    if (!status) {
        lab_sql_value values[] = { lab_sql_text(image->sha256), lab_sql_text(image->path),
                                   lab_sql_int(image->bytes),   lab_sql_int(image->width),
                                   lab_sql_int(image->height),  lab_sql_text(image->format) };
        status =
            lab_query_run(catalog, LAB_QUERY_ADD_IMAGE, values, COUNT(values), &image_id, error);
    }
    if (!status && map)
        status = lab_label_set_store(catalog, map->labels, &label_set, error);
    if (status)
        return status;
    lab_sql_value values[] = {
        lab_sql_int(result),
        lab_sql_int(image_id),
        lab_sql_id(label_set),
        lab_sql_int(map ? map->shape[1] : image->width),
        lab_sql_int(map ? map->shape[0] : image->height),
        lab_sql_text(what->timings),
        map ? lab_sql_blob(lab_buffer_data(what->encoded), lab_buffer_size(what->encoded))
            : lab_sql_null(),
    };
    return lab_query_run(catalog, LAB_QUERY_FINISH_RESULT, values, COUNT(values), NULL, error);
}

lab_status lab_catalog_finish_result(lab_catalog *catalog, int64_t result,
                                     const lab_image_record *image, const lab_tensor *map,
                                     const lab_segment_record *segments, uint32_t n_segments,
                                     const char *timings, lab_error *error)
{
    finished what = { image, map, NULL, timings };
    lab_status status = check_json(catalog, "timings", timings, error);
    if (!status && map) /* before the write lock is taken: others need not wait for it */
        status = lab_map_encode(catalog->ctx, map, &what.encoded, error);
    if (status)
        return status;
    lab_transaction transaction;
    status = lab_transaction_begin(catalog, &transaction, error);
    if (!status) {
        status = update_result(catalog, result, &what, error);
        if (!status)
            status = add_segments(catalog, result, segments, n_segments, error);
        status = lab_transaction_end(&transaction, status, error);
    }
    lab_buffer_unref(what.encoded);
    return status;
}

lab_status lab_catalog_fail_result(lab_catalog *catalog, int64_t result, const char *reason,
                                   lab_error *error)
{
    lab_sql_value values[] = { lab_sql_int(result),
                               lab_sql_text(reason && *reason ? reason : "no reason given") };
    lab_transaction transaction;
    lab_status status = lab_transaction_begin(catalog, &transaction, error);
    if (status)
        return status;
    status = check_running(catalog, LAB_QUERY_RESULT_STATE, "result", result, error);
    if (!status)
        status = lab_query_run(catalog, LAB_QUERY_FAIL_RESULT, values, COUNT(values), NULL, error);
    return lab_transaction_end(&transaction, status, error);
}

/* Decodes the map in the row that `stmt` stands on. */
static lab_status read_map(lab_catalog *catalog, sqlite3_stmt *stmt, int64_t result,
                           lab_tensor *out, int64_t *label_set, lab_error *error)
{
    const void *bytes = sqlite3_column_blob(stmt, 3);
    size_t size = (size_t)sqlite3_column_bytes(stmt, 3);
    *label_set = sqlite3_column_int64(stmt, 2);
    if (sqlite3_column_type(stmt, 3) == SQLITE_NULL) {
        const char *state = (const char *)sqlite3_column_text(stmt, 0);
        const char *reason = (const char *)sqlite3_column_text(stmt, 1);
        return lab_error_set(error, LAB_E_NOT_FOUND,
                             "catalog %s: result %lld has no label map (%s%s%s)", catalog->path,
                             (long long)result, state ? state : "?", reason ? ": " : "",
                             reason ? reason : "");
    }
    if (!bytes && size)
        return lab_error_nomem(error, size, "a label map");
    lab_status status = lab_map_decode(catalog->ctx, bytes ? bytes : "", size, out, error);
    if (status)
        lab_error_prefix(error, "catalog %s: result %lld", catalog->path, (long long)result);
    return status;
}

lab_status lab_catalog_map(lab_catalog *catalog, int64_t result, lab_tensor *out, lab_error *error)
{
    memset(out, 0, sizeof *out);
    sqlite3_stmt *stmt;
    int64_t label_set = 0;
    lab_sql_value value = lab_sql_int(result);
    lab_status status = lab_query_bind(catalog, LAB_QUERY_READ_MAP, &value, 1, &stmt, error);
    if (status)
        return status;
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        status = read_map(catalog, stmt, result, out, &label_set, error);
    else if (rc == SQLITE_DONE)
        status = lab_error_set(error, LAB_E_NOT_FOUND, "catalog %s: there is no result %lld",
                               catalog->path, (long long)result);
    else
        status = lab_sql_error(catalog, rc, "reading a label map", error);
    sqlite3_reset(stmt);
    lab_labels *labels = NULL;
    if (!status && label_set)
        status = lab_label_set_load(catalog, label_set, &labels, error);
    if (labels)
        lab_tensor_set_labels(out, labels);
    lab_labels_unref(labels);
    if (status)
        lab_tensor_clear(out);
    return status;
}
