/*
 * A copy of a catalog as it is at one moment, while others go on writing to it. It is made beside
 * its place under a name of its own and moved there when it is whole, so that a program that is
 * killed leaves no half copy under the name that was asked for.
 */
#include "catalog/catalog_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#define PAGES_A_STEP 4096 /* 16 MB at a time: in between, Ctrl-C is noticed */

static lab_status copy_failed(const char *path, sqlite3 *copy, int rc, lab_error *error)
{
    if ((rc & 0xff) == SQLITE_FULL || sqlite3_system_errno(copy) == ENOSPC)
        return lab_error_set(error, LAB_E_IO,
                             "backup %s: no space left on the disk; the catalog itself is whole",
                             path);
    return lab_error_set(error, rc == SQLITE_NOMEM ? LAB_E_NOMEM : LAB_E_IO, "backup %s: %s", path,
                         copy ? sqlite3_errmsg(copy) : sqlite3_errstr(rc));
}

/* `to` is an empty database; the read transaction of the catalog is the moment that is copied. */
static lab_status copy_pages(lab_catalog *catalog, sqlite3 *to, const char *path, lab_error *error)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", catalog->db, "main");
    int rc = backup ? SQLITE_OK : sqlite3_errcode(to);
    bool stopped = false;
    while (backup && rc == SQLITE_OK && !stopped) {
        rc = sqlite3_backup_step(backup, PAGES_A_STEP);
        stopped = rc == SQLITE_OK && lab_stopped(catalog->ctx);
    }
    int finished = backup ? sqlite3_backup_finish(backup) : rc;
    if (stopped)
        return lab_error_set(error, LAB_E_INTERRUPTED, "backup %s: stopped; nothing was written",
                             path);
    if (rc == SQLITE_DONE && finished == SQLITE_OK)
        return LAB_OK;
    return copy_failed(path, to, rc == SQLITE_DONE ? finished : rc, error);
}

static lab_status write_copy(lab_catalog *catalog, const char *partial, const char *path,
                             lab_error *error)
{
    sqlite3 *to = NULL;
    unlink(partial); /* of a program that was killed */
    int rc = sqlite3_open_v2(partial, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    lab_status status = LAB_OK;
    if (rc)
        status = copy_failed(path, to, rc, error);
    else if ((rc = sqlite3_exec(catalog->db, "BEGIN; SELECT count(*) FROM sqlite_schema", NULL,
                                NULL, NULL)))
        status = lab_sql_error(catalog, rc, "reading it for a backup", error);
    if (!status)
        status = copy_pages(catalog, to, path, error);
    if (!sqlite3_get_autocommit(catalog->db))
        sqlite3_exec(catalog->db, "COMMIT", NULL, NULL, NULL); /* it has only read */
    rc = sqlite3_close(to);
    return status || !rc ? status : copy_failed(path, NULL, rc, error);
}

lab_status lab_catalog_backup(lab_catalog *catalog, const char *path, lab_error *error)
{
    struct stat info;
    if (!*path)
        return lab_error_set(error, LAB_E_INVALID, "the path of a backup is empty");
    if (lstat(path, &info) == 0)
        return lab_error_set(error, LAB_E_IO,
                             "backup %s: it is there already; remove it or choose another name",
                             path);
    if (!sqlite3_get_autocommit(catalog->db))
        return lab_error_set(error, LAB_E_INVALID, "backup %s: a transaction is open; end it first",
                             path);
    lab_status status = lab_make_parent(path, error);
    if (status)
        return lab_error_prefix(error, "backup %s", path);
    /* Never a URI by accident. */
    char *partial = sqlite3_mprintf("%s%s.partial", strncmp(path, "file:", 5) ? "" : "./", path);
    if (!partial)
        return lab_error_nomem(error, strlen(path), "the name of a backup");
    status = write_copy(catalog, partial, path, error);
    if (!status && rename(partial, path))
        status = lab_error_set(error, LAB_E_IO, "backup %s: %s", path, strerror(errno));
    if (status)
        unlink(partial);
    sqlite3_free(partial);
    return status;
}
