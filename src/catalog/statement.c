/* SQL of the user's: prepared, bound, stepped and ended by time, by request or by closing. */
#include "catalog/catalog_internal.h"

#include <string.h>

#include "base/error.h"

struct lab_statement {
    lab_context *ctx;
    lab_catalog *catalog; /* NULL once the catalog is closed */
    sqlite3_stmt *stmt;   /* NULL then, too */
    lab_statement *next, **link;
    double spent; /* seconds in steps since the last reset */
    bool has_row;
};

static lab_status closed(lab_error *error)
{
    return lab_error_set(error, LAB_E_INVALID, "the catalog of this statement is closed");
}

/* SQLite's sentence, with the place in the text where it knows one. */
static lab_status sql_message(const lab_catalog *catalog, int rc, const char *what,
                              lab_error *error)
{
    int primary = rc & 0xff;
    if (primary != SQLITE_ERROR && primary != SQLITE_CONSTRAINT && primary != SQLITE_MISMATCH)
        return lab_sql_error(catalog, rc, what, error);
#if SQLITE_VERSION_NUMBER >= 3038000
    int at = sqlite3_error_offset(catalog->db);
    if (at >= 0)
        return lab_error_set(error, LAB_E_DB, "SQL: %s (at character %d)",
                             sqlite3_errmsg(catalog->db), at + 1);
#endif
    return lab_error_set(error, LAB_E_DB, "SQL: %s", sqlite3_errmsg(catalog->db));
}

lab_status lab_statement_new(lab_catalog *catalog, const char *sql, const char **tail,
                             lab_statement **out, lab_error *error)
{
    *out = NULL;
    lab_statement *statement = lab_alloc_zero(catalog->ctx, sizeof *statement);
    if (!statement)
        return lab_error_nomem(error, sizeof *statement, "an SQL statement");
    const char *rest = sql;
    int rc = sqlite3_prepare_v2(catalog->db, sql, -1, &statement->stmt, &rest);
    if (tail)
        *tail = rest;
    lab_status status = rc ? sql_message(catalog, rc, "preparing a statement", error) : LAB_OK;
    if (rc || !statement->stmt) {
        lab_free(catalog->ctx, statement);
        return status;
    }
    statement->ctx = catalog->ctx;
    statement->catalog = catalog;
    statement->next = catalog->statements;
    statement->link = &catalog->statements;
    if (statement->next)
        statement->next->link = &statement->next;
    catalog->statements = statement;
    *out = statement;
    return LAB_OK;
}

/* Detaches a statement from its catalog. */
static void end(lab_statement *statement)
{
    if (!statement->catalog)
        return;
    sqlite3_finalize(statement->stmt);
    *statement->link = statement->next;
    if (statement->next)
        statement->next->link = statement->link;
    statement->stmt = NULL;
    statement->catalog = NULL;
    statement->has_row = false;
}

void lab_statements_end(lab_catalog *catalog)
{
    while (catalog->statements)
        end(catalog->statements);
}

void lab_statement_free(lab_statement *statement)
{
    if (!statement)
        return;
    end(statement);
    lab_free(statement->ctx, statement);
}

/* ---- parameters ---- */

int lab_statement_parameter_count(const lab_statement *statement)
{
    return statement->stmt ? sqlite3_bind_parameter_count(statement->stmt) : 0;
}

int lab_statement_parameter(const lab_statement *statement, const char *name)
{
    int count = lab_statement_parameter_count(statement);
    for (int i = 1; i <= count; i++) {
        const char *here = sqlite3_bind_parameter_name(statement->stmt, i);
        if (here && *here != '?' && strcmp(here + 1, name) == 0)
            return i;
    }
    return 0;
}

static lab_status bound(const lab_statement *statement, int rc, int i, lab_error *error)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
        return LAB_OK;
    case SQLITE_RANGE:
        return lab_error_set(error, LAB_E_INVALID, "SQL: there is no parameter %d, only %d", i,
                             lab_statement_parameter_count(statement));
    case SQLITE_MISUSE:
        return lab_error_set(error, LAB_E_INVALID,
                             "SQL: parameter %d: the statement is running; reset it first", i);
    case SQLITE_TOOBIG:
        return lab_error_set(error, LAB_E_LIMIT, "SQL: parameter %d is too large", i);
    default:
        return lab_sql_error(statement->catalog, rc, "binding a parameter", error);
    }
}

lab_status lab_statement_bind_null(lab_statement *statement, int i, lab_error *error)
{
    if (!statement->stmt)
        return closed(error);
    return bound(statement, sqlite3_bind_null(statement->stmt, i), i, error);
}

lab_status lab_statement_bind_integer(lab_statement *statement, int i, int64_t value,
                                      lab_error *error)
{
    if (!statement->stmt)
        return closed(error);
    return bound(statement, sqlite3_bind_int64(statement->stmt, i, value), i, error);
}

lab_status lab_statement_bind_real(lab_statement *statement, int i, double value, lab_error *error)
{
    if (!statement->stmt)
        return closed(error);
    return bound(statement, sqlite3_bind_double(statement->stmt, i, value), i, error);
}

/* SQLite takes a NULL pointer for NULL, even of size 0. */
lab_status lab_statement_bind_text(lab_statement *statement, int i, const char *text, size_t size,
                                   lab_error *error)
{
    if (!statement->stmt)
        return closed(error);
    int rc = sqlite3_bind_text64(statement->stmt, i, size ? text : "", size, SQLITE_TRANSIENT,
                                 SQLITE_UTF8);
    return bound(statement, rc, i, error);
}

lab_status lab_statement_bind_blob(lab_statement *statement, int i, const void *bytes, size_t size,
                                   lab_error *error)
{
    if (!statement->stmt)
        return closed(error);
    int rc = sqlite3_bind_blob64(statement->stmt, i, size ? bytes : "", size, SQLITE_TRANSIENT);
    return bound(statement, rc, i, error);
}

/* ---- running ---- */

static lab_status step_error(lab_statement *statement, int rc, lab_error *error)
{
    lab_catalog *catalog = statement->catalog;
    int primary = rc & 0xff;
    bool ended = primary == SQLITE_INTERRUPT || primary == SQLITE_BUSY;
    if (ended && catalog->timed_out)
        return lab_error_set(error, LAB_E_LIMIT,
                             "SQL: stopped after %.3g s, the limit for one statement",
                             catalog->time_limit);
    if (ended && lab_stopped(catalog->ctx))
        return lab_error_set(error, LAB_E_INTERRUPTED, "SQL: stopped");
    return sql_message(catalog, rc, "running a statement", error);
}

lab_status lab_statement_step(lab_statement *statement, bool *row, lab_error *error)
{
    *row = false;
    lab_catalog *catalog = statement->catalog;
    if (!catalog)
        return closed(error);
    statement->has_row = false;
    if (lab_stopped(catalog->ctx))
        return lab_error_set(error, LAB_E_INTERRUPTED, "SQL: stopped");
    double start = lab_clock();
    catalog->timed_out = false;
    catalog->deadline =
        catalog->time_limit > 0 ? start + catalog->time_limit - statement->spent : 0;
    catalog->stoppable = true;
    int rc = sqlite3_step(statement->stmt);
    catalog->stoppable = false;
    statement->spent += lab_clock() - start;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        lab_status status = step_error(statement, rc, error);
        sqlite3_reset(statement->stmt); /* gives its locks back; the error is told */
        statement->spent = 0;
        return status;
    }
    *row = statement->has_row = rc == SQLITE_ROW;
    if (rc == SQLITE_DONE)
        statement->spent = 0; /* the next step begins anew */
    return LAB_OK;
}

lab_status lab_statement_reset(lab_statement *statement, lab_error *error)
{
    if (!statement->stmt)
        return closed(error);
    sqlite3_reset(statement->stmt); /* repeats the error of the last step, which was told then */
    statement->spent = 0;
    statement->has_row = false;
    return LAB_OK;
}

/* ---- rows ---- */

int lab_statement_columns(const lab_statement *statement)
{
    return statement->stmt ? sqlite3_column_count(statement->stmt) : 0;
}

const char *lab_statement_column_name(const lab_statement *statement, int column)
{
    const char *name = statement->stmt ? sqlite3_column_name(statement->stmt, column) : NULL;
    return name ? name : "";
}

lab_column lab_statement_column_type(const lab_statement *statement, int column)
{
    if (!statement->has_row)
        return LAB_COLUMN_NULL;
    switch (sqlite3_column_type(statement->stmt, column)) {
    case SQLITE_INTEGER:
        return LAB_COLUMN_INTEGER;
    case SQLITE_FLOAT:
        return LAB_COLUMN_REAL;
    case SQLITE_TEXT:
        return LAB_COLUMN_TEXT;
    case SQLITE_BLOB:
        return LAB_COLUMN_BLOB;
    default:
        return LAB_COLUMN_NULL;
    }
}

int64_t lab_statement_integer(const lab_statement *statement, int column)
{
    return statement->has_row ? sqlite3_column_int64(statement->stmt, column) : 0;
}

double lab_statement_real(const lab_statement *statement, int column)
{
    return statement->has_row ? sqlite3_column_double(statement->stmt, column) : 0;
}

const void *lab_statement_bytes(const lab_statement *statement, int column, size_t *size)
{
    *size = 0;
    if (!statement->has_row)
        return NULL;
    const void *bytes = lab_statement_column_type(statement, column) == LAB_COLUMN_BLOB
                            ? sqlite3_column_blob(statement->stmt, column)
                            : sqlite3_column_text(statement->stmt, column);
    if (bytes)
        *size = (size_t)sqlite3_column_bytes(statement->stmt, column);
    return bytes;
}

int64_t lab_catalog_changes(const lab_catalog *catalog)
{
    return sqlite3_changes64(catalog->db);
}

int64_t lab_catalog_last_id(const lab_catalog *catalog)
{
    return sqlite3_last_insert_rowid(catalog->db);
}
