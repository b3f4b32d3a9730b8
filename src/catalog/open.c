/* Opening and closing a catalog: which file, with which rights, and how defensively. */
#include "catalog/catalog_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "catalog/map_functions.h"

/* Called every few thousand steps of SQLite's machine; non-zero ends the statement. */
static int on_progress(void *user)
{
    lab_catalog *catalog = user;
    if (!catalog->stoppable)
        return 0; /* recording that work was stopped must not be stopped by it */
    if (catalog->deadline > 0 && lab_clock() > catalog->deadline)
        catalog->timed_out = true;
    return catalog->timed_out || lab_stopped(catalog->ctx);
}

/* Waits for another program's lock: briefly at first, so that writers take turns quickly. */
static int on_busy(void *user, int times)
{
    lab_catalog *catalog = user;
    if (times == 0)
        catalog->waiting_since = lab_clock();
    if (lab_clock() - catalog->waiting_since >= catalog->busy_seconds || on_progress(catalog))
        return 0;
    sqlite3_sleep(times < 10 ? 1 : times < 50 ? 5 : 20);
    return 1;
}

/*
 * What SQLite is to open: never a URI by accident ("file:x" is a name like any other). With
 * `immutable`, a URI that says the file will not change. The caller frees it with sqlite3_free.
 */
static char *sqlite_name(const char *path, bool immutable)
{
    if (!immutable)
        return sqlite3_mprintf("%s%s", strncmp(path, "file:", 5) ? "" : "./", path);
    sqlite3_str *uri = sqlite3_str_new(NULL);
    sqlite3_str_appendall(uri, *path == '/' ? "file://" : "file:");
    for (const char *c = path; *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || strchr("/._-", *c);
        if (plain)
            sqlite3_str_appendchar(uri, 1, *c);
        else
            sqlite3_str_appendf(uri, "%%%02X", (unsigned)(uint8_t)*c);
    }
    sqlite3_str_appendall(uri, "?immutable=1");
    return sqlite3_str_finish(uri);
}

static lab_status open_file(lab_catalog *catalog, bool immutable, lab_error *error)
{
    static const int flags[] = {
        [LAB_CATALOG_READ] = SQLITE_OPEN_READONLY,
        [LAB_CATALOG_WRITE] = SQLITE_OPEN_READWRITE,
        [LAB_CATALOG_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
    };
    char *name = sqlite_name(catalog->path, immutable);
    if (!name)
        return lab_error_nomem(error, strlen(catalog->path), "the name of a catalog");
    int rc = sqlite3_open_v2(name, &catalog->db,
                             flags[catalog->mode] | (immutable ? SQLITE_OPEN_URI : 0), NULL);
    sqlite3_free(name);
    return rc ? lab_sql_error(catalog, rc, "opening it", error) : LAB_OK;
}

/*
 * The file may come from anywhere, and so may the SQL: nothing in a schema may call functions that
 * are not harmless, no statement may corrupt the file or reach another one. The schema is trusted
 * all the same, because SQLite counts R*Tree and FTS5 as unsafe in the triggers that keep the
 * search tables up to date; what this connection knows beside those is harmless, or cannot be
 * called from a schema in any case (load_extension and its like).
 */
static lab_status configure(lab_catalog *catalog, lab_error *error)
{
    static const struct {
        int option, value;
    } settings[] = {
        { SQLITE_DBCONFIG_DEFENSIVE, 1 },       { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1 },
        { SQLITE_DBCONFIG_ENABLE_FKEY, 1 },     { SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
        { SQLITE_DBCONFIG_DQS_DML, 0 },         { SQLITE_DBCONFIG_DQS_DDL, 0 },
        { SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0 },
    };
    sqlite3 *db = catalog->db;
    int rc = sqlite3_extended_result_codes(db, 1);
    for (size_t i = 0; i < sizeof settings / sizeof *settings && !rc; i++)
        rc = sqlite3_db_config(db, settings[i].option, settings[i].value, NULL);
    sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 1000000);
    sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000);
    if (catalog->mode == LAB_CATALOG_READ) /* ATTACH and VACUUM INTO could write elsewhere */
        sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_busy_handler(db, on_busy, catalog);
    sqlite3_progress_handler(db, 2000, on_progress, catalog);
    if (!rc)
        rc = lab_functions_register(db, catalog->ctx, NULL);
    /* WAL makes NORMAL safe against crashes of programs; a power cut may lose the last rows. */
    if (!rc)
        rc = sqlite3_exec(db, "PRAGMA synchronous = NORMAL; PRAGMA cell_size_check = 1", NULL, NULL,
                          NULL);
    if (!rc && catalog->mode == LAB_CATALOG_READ)
        rc = sqlite3_exec(db, "PRAGMA query_only = 1", NULL, NULL, NULL);
    return rc ? lab_sql_error(catalog, rc, "preparing the connection", error) : LAB_OK;
}

/* Sentences for what SQLite would only call "unable to open database file". */
static lab_status look_at_file(const lab_catalog *catalog, lab_error *error)
{
    struct stat info;
    if (stat(catalog->path, &info) == 0) {
        if (S_ISDIR(info.st_mode))
            return lab_error_set(error, LAB_E_IO, "catalog %s is a folder, not a file",
                                 catalog->path);
        if (catalog->mode != LAB_CATALOG_READ && access(catalog->path, W_OK) != 0)
            return lab_sql_error(catalog, SQLITE_READONLY, "opening it", error);
        return LAB_OK;
    }
    if (errno == ENOENT && catalog->mode == LAB_CATALOG_CREATE)
        return LAB_OK;
    if (errno == ENOENT || errno == ENOTDIR)
        return lab_error_set(error, LAB_E_NOT_FOUND,
                             "there is no catalog %s yet: it is made when something is recorded, "
                             "or name another with --db",
                             catalog->path);
    return lab_error_set(error, LAB_E_IO, "catalog %s: %s", catalog->path, strerror(errno));
}

static lab_status make_parent(const lab_catalog *catalog, lab_error *error)
{
    lab_status status = lab_make_parent(catalog->path, error);
    return status ? lab_error_prefix(error, "catalog %s", catalog->path) : LAB_OK;
}

static lab_status connect(lab_catalog *catalog, const lab_catalog_options *options, bool immutable,
                          lab_error *error)
{
    lab_status status = open_file(catalog, immutable, error);
    if (!status)
        status = configure(catalog, error);
    if (!status && catalog->mode != LAB_CATALOG_READ && sqlite3_db_readonly(catalog->db, "main"))
        status = lab_sql_error(catalog, SQLITE_READONLY, "opening it", error);
    if (!status)
        status = lab_catalog_migrate(catalog, options->migrations, options->n_migrations, error);
    return status;
}

/*
 * A catalog in a folder that cannot be written has no place for SQLite's shared memory file. Unless
 * a write-ahead log lies beside it, it can be read as a file that nobody changes.
 */
static bool can_be_immutable(const lab_catalog *catalog)
{
    struct stat info;
    int code = sqlite3_errcode(catalog->db) & 0xff;
    if (catalog->mode != LAB_CATALOG_READ || (code != SQLITE_CANTOPEN && code != SQLITE_READONLY))
        return false;
    char *log = sqlite3_mprintf("%s-wal", catalog->path);
    bool clean = log && (stat(log, &info) != 0 ? errno == ENOENT : info.st_size == 0);
    sqlite3_free(log);
    return clean;
}

static lab_status connect_somehow(lab_catalog *catalog, const lab_catalog_options *options,
                                  lab_error *error)
{
    if (strcmp(catalog->path, ":memory:") == 0) {
        if (catalog->mode != LAB_CATALOG_CREATE)
            return lab_error_set(error, LAB_E_NOT_FOUND,
                                 "catalog :memory: is new each time: there is nothing to read");
        return connect(catalog, options, false, error);
    }
    lab_status status = LAB_OK;
    if (catalog->mode == LAB_CATALOG_CREATE)
        status = make_parent(catalog, error);
    if (!status)
        status = look_at_file(catalog, error);
    if (!status)
        status = connect(catalog, options, false, error);
    if (status && catalog->db && can_be_immutable(catalog)) {
        sqlite3_close(catalog->db);
        catalog->db = NULL;
        status = connect(catalog, options, true, error);
        if (!status)
            lab_log(catalog->ctx, LAB_LOG_INFO,
                    "catalog %s: its folder is read-only; reading it as it is now", catalog->path);
    }
    return status;
}

lab_status lab_catalog_open_with(lab_context *ctx, const char *path, lab_catalog_mode mode,
                                 const lab_catalog_options *options, lab_catalog **out,
                                 lab_error *error)
{
    *out = NULL;
    if (!path || !*path)
        return lab_error_set(error, LAB_E_INVALID, "the path of a catalog is empty");
    if (sqlite3_libversion_number() < 3037000)
        return lab_error_set(error, LAB_E_UNSUPPORTED,
                             "SQLite %s is too old for a catalog: 3.37 or newer is needed",
                             sqlite3_libversion());
    lab_catalog *catalog = lab_alloc_zero(ctx, sizeof *catalog);
    if (!catalog)
        return lab_error_nomem(error, sizeof *catalog, "a catalog");
    catalog->ctx = ctx;
    catalog->mode = mode;
    catalog->busy_seconds = options->busy_seconds;
    catalog->path = lab_strdup(ctx, path);
    lab_status status = catalog->path ? connect_somehow(catalog, options, error)
                                      : lab_error_nomem(error, strlen(path) + 1, "a path");
    if (status) {
        lab_catalog_close(catalog);
        return status;
    }
    *out = catalog;
    return LAB_OK;
}

lab_status lab_catalog_open(lab_context *ctx, const char *path, lab_catalog_mode mode,
                            lab_catalog **out, lab_error *error)
{
    lab_catalog_options options = { LAB_BUSY_SECONDS, lab_migrations, lab_migrations_count };
    return lab_catalog_open_with(ctx, path, mode, &options, out, error);
}

void lab_catalog_close(lab_catalog *catalog)
{
    if (!catalog)
        return;
    for (int i = 0; i < LAB_QUERY_COUNT; i++)
        sqlite3_finalize(catalog->queries[i]);
    lab_statements_end(catalog);
    sqlite3_close(catalog->db);
    lab_free(catalog->ctx, catalog->path);
    lab_free(catalog->ctx, catalog);
}

const char *lab_catalog_path(const lab_catalog *catalog)
{
    return catalog->path;
}

int lab_catalog_version(const lab_catalog *catalog)
{
    return catalog->version;
}

void lab_catalog_time_limit(lab_catalog *catalog, double seconds)
{
    catalog->time_limit = seconds > 0 ? seconds : 0;
}

void lab_catalog_value_limit(lab_catalog *catalog, int bytes)
{
    sqlite3_limit(catalog->db, SQLITE_LIMIT_LENGTH, bytes);
}
