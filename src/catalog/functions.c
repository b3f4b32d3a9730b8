/* Adds lualab's SQL functions to a connection. A new group is one file and one line here. */
#include "catalog/catalog_internal.h"
#include "catalog/map_functions.h"

int lab_functions_register(sqlite3 *db)
{
    int rc = lab_map_scalars_register(db);
    return rc ? rc : lab_map_tables_register(db);
}
