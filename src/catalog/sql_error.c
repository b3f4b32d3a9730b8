/* SQLite's result codes as sentences that say what to do next. */
#include "catalog/catalog_internal.h"

#include <errno.h>

#include "base/error.h"

typedef struct advice {
    int code;
    lab_status status;
    const char *text; /* instead of SQLite's message; NULL: its message */
} advice;

static const advice table[] = {
    { SQLITE_NOMEM, LAB_E_NOMEM, "out of memory" },
    { SQLITE_FULL, LAB_E_IO, "no space left on the disk; free some, or use another --db" },
    { SQLITE_CANTOPEN, LAB_E_IO,
      "the file cannot be opened; check that its folder exists and that you may write there" },
    { SQLITE_PERM, LAB_E_IO, "permission denied" },
    { SQLITE_READONLY, LAB_E_IO,
      "it cannot be written: the file, its folder or this connection is read-only" },
    { SQLITE_NOTADB, LAB_E_FORMAT, "not an SQLite database; use another --db" },
    { SQLITE_CORRUPT, LAB_E_FORMAT,
      "the file is damaged; `sqlite3 FILE .recover` may save what it holds" },
    { SQLITE_TOOBIG, LAB_E_LIMIT, "a text or blob is larger than a catalog can hold" },
    { SQLITE_INTERRUPT, LAB_E_INTERRUPTED, "stopped" },
    { SQLITE_IOERR, LAB_E_IO, NULL },
};

lab_status lab_sql_error(const lab_catalog *catalog, int code, const char *what, lab_error *error)
{
    int primary = code & 0xff;
    if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
        return lab_error_set(error, LAB_E_DB,
                             "catalog %s: %s: another program has kept it locked for more than "
                             "%.3g s; try again when it is done",
                             catalog->path, what, catalog->busy_seconds);
    /* A full disk can surface as a failed write or sync. */
    int reason = primary == SQLITE_IOERR && catalog->db ? sqlite3_system_errno(catalog->db) : 0;
    if (reason == ENOSPC || reason == EDQUOT)
        primary = SQLITE_FULL;
    else if (code == SQLITE_IOERR_WRITE) /* SQLite does not keep why */
        return lab_error_set(error, LAB_E_IO,
                             "catalog %s: %s: a write failed; look at the disk, and at the limit "
                             "on the size of files (ulimit -f)",
                             catalog->path, what);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].code != primary)
            continue;
        const char *text = table[i].text;
        if (!text)
            text = catalog->db ? sqlite3_errmsg(catalog->db) : sqlite3_errstr(code);
        return lab_error_set(error, table[i].status, "catalog %s: %s: %s", catalog->path, what,
                             text);
    }
    return lab_error_set(error, LAB_E_DB, "catalog %s: %s: %s", catalog->path, what,
                         catalog->db ? sqlite3_errmsg(catalog->db) : sqlite3_errstr(code));
}
