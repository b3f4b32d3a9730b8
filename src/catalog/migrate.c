/*
 * Is this file ours, and of which version? Then the migrations it lacks, each in a transaction of
 * its own, so that a crash leaves a whole version. Nothing is written to a file that is not ours.
 */
#include "catalog/catalog_internal.h"

#include "base/error.h"

typedef struct identity {
    int application_id, version, objects;
} identity;

static lab_status read_identity(lab_catalog *catalog, identity *out, lab_error *error)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(catalog->db,
                                "SELECT application_id, user_version, "
                                "(SELECT count(*) FROM sqlite_schema) "
                                "FROM pragma_application_id, pragma_user_version",
                                -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        *out = (identity){ sqlite3_column_int(stmt, 0), sqlite3_column_int(stmt, 1),
                           sqlite3_column_int(stmt, 2) };
    lab_status status = rc == SQLITE_ROW ? LAB_OK : lab_sql_error(catalog, rc, "opening it", error);
    sqlite3_finalize(stmt);
    return status;
}

static lab_status check_identity(const lab_catalog *catalog, const identity *found, int latest,
                                 lab_error *error)
{
    const char *path = catalog->path;
    bool fresh = !found->application_id && !found->objects;
    if (fresh && catalog->mode == LAB_CATALOG_READ)
        return lab_error_set(error, LAB_E_FORMAT,
                             "catalog %s is an empty database: nothing has been recorded in it yet",
                             path);
    if (fresh)
        return LAB_OK;
    if (found->application_id != LAB_APPLICATION_ID)
        return lab_error_set(error, LAB_E_FORMAT,
                             "%s is a database of another program (application id 0x%08x, a "
                             "catalog has 0x%08x): use another --db",
                             path, (unsigned)found->application_id, LAB_APPLICATION_ID);
    if (found->version > latest)
        return lab_error_set(error, LAB_E_UNSUPPORTED,
                             "catalog %s is version %d, this lualab knows up to %d: update lualab "
                             "or use another --db",
                             path, found->version, latest);
    return LAB_OK;
}

static int execute(lab_catalog *catalog, const char *sql)
{
    return sqlite3_exec(catalog->db, sql, NULL, NULL, NULL);
}

/*
 * Readers then do not wait for writers. Switching needs the file for a moment, and SQLite does not
 * wait by itself when several programs create the same catalog at once.
 */
static lab_status use_wal(lab_catalog *catalog, lab_error *error)
{
    double end = lab_clock() + catalog->busy_seconds;
    int rc;
    while ((rc = execute(catalog, "PRAGMA journal_mode = WAL")) == SQLITE_BUSY && lab_clock() < end)
        sqlite3_sleep(5);
    return rc ? lab_sql_error(catalog, rc, "preparing it", error) : LAB_OK;
}

/* Rows that break a reference after a migration are a mistake in it. */
static lab_status check_references(lab_catalog *catalog, const char *what, lab_error *error)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(catalog->db, "PRAGMA foreign_key_check", -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    lab_status status = LAB_OK;
    if (rc == SQLITE_ROW)
        status = lab_error_set(error, LAB_E_DB,
                               "catalog %s: %s: rows of %s refer to others that are not there",
                               catalog->path, what, (const char *)sqlite3_column_text(stmt, 0));
    else if (rc != SQLITE_DONE)
        status = lab_sql_error(catalog, rc, what, error);
    sqlite3_finalize(stmt);
    return status;
}

/* One transaction; does nothing when another program has migrated meanwhile. */
static lab_status apply(lab_catalog *catalog, const lab_migration *migration, lab_error *error)
{
    char what[128], pragma[64];
    identity now = { 0, 0, 0 };
    snprintf(what, sizeof what, "migrating to version %d (%s)", migration->version,
             migration->name);
    int rc = execute(catalog, "BEGIN IMMEDIATE");
    if (rc)
        return lab_sql_error(catalog, rc, what, error);
    lab_status status = read_identity(catalog, &now, error);
    if (!status && now.version < migration->version) {
        snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d", migration->version);
        rc = execute(catalog, migration->sql);
        if (!rc)
            rc = execute(catalog, pragma);
        status =
            rc ? lab_sql_error(catalog, rc, what, error) : check_references(catalog, what, error);
    }
    if (!status && (rc = execute(catalog, "COMMIT")))
        status = lab_sql_error(catalog, rc, what, error);
    if (status)
        execute(catalog, "ROLLBACK"); /* the first error is the one to tell */
    return status;
}

lab_status lab_catalog_migrate(lab_catalog *catalog, const lab_migration *migrations, int count,
                               lab_error *error)
{
    int latest = count ? migrations[count - 1].version : 0;
    identity found = { 0, 0, 0 };
    lab_status status = read_identity(catalog, &found, error);
    if (!status)
        status = check_identity(catalog, &found, latest, error);
    if (status)
        return status;
    catalog->version = found.version;
    if (catalog->mode == LAB_CATALOG_READ || found.version == latest)
        return LAB_OK;
    if (found.version == 0)
        status = use_wal(catalog, error);
    /* Off while tables are rebuilt; it cannot be changed within a transaction. */
    sqlite3_db_config(catalog->db, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
    for (int i = 0; i < count && !status; i++) {
        if (migrations[i].version <= found.version)
            continue;
        status = apply(catalog, &migrations[i], error);
        if (!status)
            lab_log(catalog->ctx, LAB_LOG_INFO, "catalog %s: version %d (%s)", catalog->path,
                    migrations[i].version, migrations[i].name);
    }
    sqlite3_db_config(catalog->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    if (!status)
        catalog->version = latest;
    return status;
}
