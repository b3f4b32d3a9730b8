/*
 * lualab_sqlite.so: the map_… functions for any program with SQLite, such as its shell or Python.
 *
 *     sqlite> .load lualab_sqlite
 *     sqlite> SELECT path, map_pixels(map, 15) FROM results WHERE map IS NOT NULL;
 *
 * Compiled with LAB_SQLITE_EXTENSION from the sources that lualab itself uses. It links no SQLite
 * of its own: all calls go through the table of the program that loads it.
 */
#include "catalog/map_functions.h"

#include <stdlib.h>

#include "base/error.h"

SQLITE_EXTENSION_INIT1

#define LEAST_VERSION 3031000 /* the first with SQLITE_INNOCUOUS */
#define EXPORT __attribute__((visibility("default")))

/* SQLite derives the name of the entry point from the file's name; a renamed file needs the other
 * one. */
EXPORT int sqlite3_lualabsqlite_init(sqlite3 *db, char **message, const sqlite3_api_routines *api);
EXPORT int sqlite3_extension_init(sqlite3 *db, char **message, const sqlite3_api_routines *api);

static void end_context(void *user)
{
    lab_context_finish(user);
    free(user);
}

int sqlite3_lualabsqlite_init(sqlite3 *db, char **message, const sqlite3_api_routines *api)
{
    SQLITE_EXTENSION_INIT2(api);
    lab_error error;
    if (sqlite3_libversion_number() < LEAST_VERSION) {
        *message = sqlite3_mprintf("lualab_sqlite needs SQLite 3.31 or newer, this is %s",
                                   sqlite3_libversion());
        return SQLITE_ERROR;
    }
    lab_context *ctx = calloc(1, sizeof *ctx);
    if (!ctx)
        return SQLITE_NOMEM;
    if (lab_context_init(ctx, NULL, 1, &error)) {
        free(ctx);
        *message = sqlite3_mprintf("%s", error.message);
        return SQLITE_ERROR;
    }
    return lab_functions_register(db, ctx, end_context);
}

int sqlite3_extension_init(sqlite3 *db, char **message, const sqlite3_api_routines *api)
{
    return sqlite3_lualabsqlite_init(db, message, api);
}
