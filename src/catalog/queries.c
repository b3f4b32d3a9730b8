/* The statements of our own: their texts, how values reach them, and transactions. */
#include "catalog/catalog_internal.h"

#include "base/error.h"

#define NOW "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

typedef struct query_text {
    const char *what; /* for messages */
    const char *sql;
} query_text;

static const query_text texts[LAB_QUERY_COUNT] = {
    [LAB_QUERY_BEGIN] = { "waiting to write", "BEGIN IMMEDIATE" },
    [LAB_QUERY_COMMIT] = { "writing", "COMMIT" },
    [LAB_QUERY_ROLLBACK] = { "undoing", "ROLLBACK" },
    [LAB_QUERY_SAVEPOINT] = { "writing", "SAVEPOINT lualab" },
    [LAB_QUERY_RELEASE] = { "writing", "RELEASE lualab" },
    [LAB_QUERY_ROLLBACK_TO] = { "undoing", "ROLLBACK TO lualab" },
    [LAB_QUERY_JSON_VALID] = { "checking JSON", "SELECT json_valid(?1)" },
    [LAB_QUERY_FIND_LABEL_SET] = { "reading the label sets",
                                   "SELECT id FROM label_sets WHERE digest = ?1" },
    [LAB_QUERY_ADD_LABEL_SET] = { "storing a label set",
                                  "INSERT INTO label_sets (name, digest, classes) "
                                  "VALUES (?1, ?2, ?3) RETURNING id" },
    [LAB_QUERY_ADD_LABEL] = { "storing a label", "INSERT INTO labels VALUES (?1, ?2, ?3, ?4)" },
    [LAB_QUERY_READ_LABEL_SET] = { "reading a label set",
                                   "SELECT name, classes FROM label_sets WHERE id = ?1" },
    [LAB_QUERY_READ_LABELS] = { "reading labels", "SELECT class_id, name, color FROM labels "
                                                  "WHERE label_set = ?1 ORDER BY class_id" },
    [LAB_QUERY_ADD_MODEL] = { "recording a model",
                              "INSERT INTO models (sha256, name, path, format, licence, label_set, "
                              "input_width, input_height, added) "
                              "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, " NOW ") "
                              "ON CONFLICT (sha256, name, ifnull(label_set, 0)) DO UPDATE SET "
                              "path = excluded.path, format = excluded.format, "
                              "licence = excluded.licence, input_width = excluded.input_width, "
                              "input_height = excluded.input_height RETURNING id" },
    [LAB_QUERY_BEGIN_RUN] = { "recording a run",
                              "INSERT INTO runs (command, pipeline, version, kernels, threads, "
                              "started) VALUES (?1, ?2, ?3, ?4, ?5, " NOW ") RETURNING id" },
    [LAB_QUERY_RUN_STATE] = { "reading a run", "SELECT state = 'running' FROM runs WHERE id = ?1" },
    [LAB_QUERY_FINISH_RUN] = { "finishing a run",
                               "UPDATE runs SET state = ?2, finished = " NOW " WHERE id = ?1" },
    [LAB_QUERY_END_RESULTS] = { "finishing the results of a run",
                                "UPDATE results SET state = 'failed', finished = " NOW ", "
                                "reason = 'the run ended (' || ?2 || ') before this was finished' "
                                "WHERE run = ?1 AND state = 'running'" },
    [LAB_QUERY_BEGIN_RESULT] = { "recording a result",
                                 "INSERT INTO results (run, model, path, started) "
                                 "VALUES (?1, ?2, ?3, " NOW ") RETURNING id" },
    [LAB_QUERY_RESULT_STATE] = { "reading a result",
                                 "SELECT state = 'running' FROM results WHERE id = ?1" },
    [LAB_QUERY_ADD_IMAGE] = { "recording a picture",
                              "INSERT INTO images (sha256, path, bytes, width, height, format, "
                              "added) VALUES (?1, ?2, ?3, ?4, ?5, ?6, " NOW ") "
                              "ON CONFLICT (sha256) DO UPDATE SET path = excluded.path, "
                              "bytes = excluded.bytes, width = excluded.width, "
                              "height = excluded.height, format = excluded.format RETURNING id" },
    [LAB_QUERY_FINISH_RESULT] = { "recording a result",
                                  "UPDATE results SET state = 'done', image = ?2, label_set = ?3, "
                                  "width = ?4, height = ?5, timings = ?6, map = ?7, "
                                  "finished = " NOW " WHERE id = ?1" },
    [LAB_QUERY_ADD_SEGMENT] = { "recording a segment",
                                "INSERT INTO segments VALUES "
                                "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)" },
    [LAB_QUERY_FAIL_RESULT] = { "recording a failure",
                                "UPDATE results SET state = 'failed', reason = ?2, "
                                "finished = " NOW " WHERE id = ?1" },
    [LAB_QUERY_READ_MAP] = { "reading a label map",
                             "SELECT state, reason, label_set, map FROM results WHERE id = ?1" },
};

static int bind(sqlite3_stmt *stmt, int i, const lab_sql_value *value)
{
    switch (value->type) {
    case LAB_COLUMN_INTEGER:
        return sqlite3_bind_int64(stmt, i, value->integer);
    case LAB_COLUMN_REAL:
        return sqlite3_bind_double(stmt, i, value->real);
    case LAB_COLUMN_TEXT:
        return sqlite3_bind_text(stmt, i, value->bytes, -1, SQLITE_STATIC);
    case LAB_COLUMN_BLOB:
        return sqlite3_bind_blob64(stmt, i, value->bytes, value->size, SQLITE_STATIC);
    case LAB_COLUMN_NULL:
        break;
    }
    return sqlite3_bind_null(stmt, i);
}

lab_status lab_query_bind(lab_catalog *catalog, lab_query query, const lab_sql_value *values,
                          int n_values, sqlite3_stmt **out, lab_error *error)
{
    sqlite3_stmt **stmt = &catalog->queries[query];
    int rc = SQLITE_OK;
    if (!*stmt)
        rc = sqlite3_prepare_v3(catalog->db, texts[query].sql, -1, SQLITE_PREPARE_PERSISTENT, stmt,
                                NULL);
    for (int i = 0; i < n_values && !rc; i++)
        rc = bind(*stmt, i + 1, &values[i]);
    *out = *stmt;
    return rc ? lab_sql_error(catalog, rc, texts[query].what, error) : LAB_OK;
}

lab_status lab_query_run(lab_catalog *catalog, lab_query query, const lab_sql_value *values,
                         int n_values, int64_t *id, lab_error *error)
{
    sqlite3_stmt *stmt;
    if (id)
        *id = 0;
    lab_status status = lab_query_bind(catalog, query, values, n_values, &stmt, error);
    if (status)
        return status;
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        if (id)
            *id = sqlite3_column_int64(stmt, 0);
    if (rc != SQLITE_DONE)
        status = lab_sql_error(catalog, rc, texts[query].what, error);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt); /* they borrow the caller's memory */
    return status;
}

lab_status lab_transaction_begin(lab_catalog *catalog, lab_transaction *out, lab_error *error)
{
    *out = (lab_transaction){ catalog, !sqlite3_get_autocommit(catalog->db) };
    /* Prepared beforehand, so that undoing after a failure needs no memory. */
    sqlite3_stmt *undo;
    lab_status status = lab_query_bind(
        catalog, out->nested ? LAB_QUERY_ROLLBACK_TO : LAB_QUERY_ROLLBACK, NULL, 0, &undo, error);
    if (status)
        return status;
    return lab_query_run(catalog, out->nested ? LAB_QUERY_SAVEPOINT : LAB_QUERY_BEGIN, NULL, 0,
                         NULL, error);
}

static lab_status query(lab_catalog *catalog, lab_query which, lab_error *error)
{
    return lab_query_run(catalog, which, NULL, 0, NULL, error);
}

lab_status lab_transaction_end(lab_transaction *transaction, lab_status status, lab_error *error)
{
    lab_catalog *catalog = transaction->catalog;
    bool nested = transaction->nested;
    if (!status)
        status = query(catalog, nested ? LAB_QUERY_RELEASE : LAB_QUERY_COMMIT, error);
    /* A full disk and the like may have ended the transaction already. */
    if (status && !sqlite3_get_autocommit(catalog->db)) {
        query(catalog, nested ? LAB_QUERY_ROLLBACK_TO : LAB_QUERY_ROLLBACK, NULL);
        if (nested)
            query(catalog, LAB_QUERY_RELEASE, NULL);
    }
    return status;
}
