/* Adds lualab's SQL functions to a connection. A new group is one file and one line here. */
#include "catalog/map_functions.h"

int lab_functions_register(sqlite3 *db, lab_context *ctx, void (*end)(void *ctx))
{
    int rc = lab_map_picture_register(db, ctx, end); /* first: it is what ends the context */
    if (!rc)
        rc = lab_map_scalars_register(db);
    if (!rc)
        rc = lab_map_compare_register(db);
    if (!rc)
        rc = lab_map_make_register(db);
    return rc ? rc : lab_map_tables_register(db);
}
