/* What the files of this room share. */
#ifndef LAB_CATALOG_CATALOG_INTERNAL_H
#define LAB_CATALOG_CATALOG_INTERNAL_H

#include <sqlite3.h>

#include "base/clock.h"
#include "catalog/catalog.h"

#define LAB_APPLICATION_ID 0x6c75616c /* "lual" */
#define LAB_BUSY_SECONDS 5.0          /* how long to wait for another program's lock */

/* One step of the schema: the text of db/NNNN_name.sql and the version it leads to. */
typedef struct lab_migration {
    int version;
    const char *name;
    const char *sql;
} lab_migration;

extern const lab_migration lab_migrations[]; /* generated at build time, in order */
extern const int lab_migrations_count;

/* Statements of our own, prepared when first needed and kept: the texts are in queries.c. */
typedef enum lab_query {
    LAB_QUERY_BEGIN = 0,
    LAB_QUERY_COMMIT,
    LAB_QUERY_ROLLBACK,
    LAB_QUERY_SAVEPOINT,
    LAB_QUERY_RELEASE,
    LAB_QUERY_ROLLBACK_TO,
    LAB_QUERY_JSON_VALID,
    LAB_QUERY_FIND_LABEL_SET,
    LAB_QUERY_ADD_LABEL_SET,
    LAB_QUERY_ADD_LABEL,
    LAB_QUERY_READ_LABEL_SET,
    LAB_QUERY_READ_LABELS,
    LAB_QUERY_ADD_MODEL,
    LAB_QUERY_BEGIN_RUN,
    LAB_QUERY_RUN_STATE,
    LAB_QUERY_FINISH_RUN,
    LAB_QUERY_END_RESULTS,
    LAB_QUERY_BEGIN_RESULT,
    LAB_QUERY_RESULT_STATE,
    LAB_QUERY_ADD_IMAGE,
    LAB_QUERY_FINISH_RESULT,
    LAB_QUERY_ADD_SEGMENT,
    LAB_QUERY_FAIL_RESULT,
    LAB_QUERY_READ_MAP,
    LAB_QUERY_COUNT
} lab_query;

struct lab_catalog {
    lab_context *ctx;
    sqlite3 *db; /* NULL once closed */
    char *path;  /* as it was given */
    lab_catalog_mode mode;
    int version;
    double busy_seconds;
    double waiting_since; /* when the current wait for a lock began */
    sqlite3_stmt *queries[LAB_QUERY_COUNT];
    lab_statement *statements; /* those not freed yet */
    double time_limit;         /* seconds; 0: none */
    double deadline;           /* of the step that runs, on lab_clock; 0: none */
    bool stoppable;            /* a user's statement is running: the stop flag ends it */
    bool timed_out;
};

/* Seconds of a clock that never goes back. */
static inline double lab_clock(void)
{
    return (double)lab_now_ns() * 1e-9;
}

typedef struct lab_catalog_options {
    double busy_seconds;
    const lab_migration *migrations;
    int n_migrations;
} lab_catalog_options;

/* lab_catalog_open with other than the usual limits and schema. */
lab_status lab_catalog_open_with(lab_context *ctx, const char *path, lab_catalog_mode mode,
                                 const lab_catalog_options *options, lab_catalog **out,
                                 lab_error *error);

/* Whether the file is ours and of a version we know; then brings it up to date. migrate.c */
lab_status lab_catalog_migrate(lab_catalog *catalog, const lab_migration *migrations, int count,
                               lab_error *error);

/* The sentence and status for an SQLite result code: "catalog PATH: WHAT: …". sql_error.c */
lab_status lab_sql_error(const lab_catalog *catalog, int code, const char *what, lab_error *error);

/* A value for a parameter of a query of our own. */
typedef struct lab_sql_value {
    lab_column type;
    int64_t integer;
    double real;
    const void *bytes;
    size_t size;
} lab_sql_value;

static inline lab_sql_value lab_sql_null(void)
{
    return (lab_sql_value){ .type = LAB_COLUMN_NULL };
}
static inline lab_sql_value lab_sql_int(int64_t value)
{
    return (lab_sql_value){ .type = LAB_COLUMN_INTEGER, .integer = value };
}
/* A reference to a row: 0 is none. */
static inline lab_sql_value lab_sql_id(int64_t id)
{
    return id ? lab_sql_int(id) : lab_sql_null();
}
static inline lab_sql_value lab_sql_real(double value)
{
    return (lab_sql_value){ .type = LAB_COLUMN_REAL, .real = value };
}
/* NULL is NULL. */
static inline lab_sql_value lab_sql_text(const char *text)
{
    return (lab_sql_value){ .type = text ? LAB_COLUMN_TEXT : LAB_COLUMN_NULL, .bytes = text };
}
static inline lab_sql_value lab_sql_blob(const void *bytes, size_t size)
{
    return (lab_sql_value){ .type = LAB_COLUMN_BLOB, .bytes = bytes, .size = size };
}

/* Prepares (once) and binds a query; text and blobs are borrowed until it is reset. queries.c */
lab_status lab_query_bind(lab_catalog *catalog, lab_query query, const lab_sql_value *values,
                          int n_values, sqlite3_stmt **out, lab_error *error);
/* Runs a query to its end. *id (may be NULL): the first column of its row, 0 when there is none. */
lab_status lab_query_run(lab_catalog *catalog, lab_query query, const lab_sql_value *values,
                         int n_values, int64_t *id, lab_error *error);

/* A transaction that can write from its start; a savepoint where the user has begun one. */
typedef struct lab_transaction {
    lab_catalog *catalog;
    bool nested;
} lab_transaction;
lab_status lab_transaction_begin(lab_catalog *catalog, lab_transaction *out, lab_error *error);
/* Commits when status is LAB_OK, else undoes; returns the status there is then. */
lab_status lab_transaction_end(lab_transaction *transaction, lab_status status, lab_error *error);

/* Ends all statements: what the catalog does before it closes its connection. statement.c */
void lab_statements_end(lab_catalog *catalog);

/* Stores a label set unless it is there; NULL gives id 0. Within a transaction. label_sets.c */
lab_status lab_label_set_store(lab_catalog *catalog, const lab_labels *labels, int64_t *id,
                               lab_error *error);
lab_status lab_label_set_load(lab_catalog *catalog, int64_t id, lab_labels **out, lab_error *error);

#endif
