/* What the SQL functions over label maps share; each group of them is one file. */
#ifndef LAB_CATALOG_MAP_FUNCTIONS_H
#define LAB_CATALOG_MAP_FUNCTIONS_H

#include <sqlite3.h>

#include "catalog/map_reader.h"

/* map_scalars.c: map_pixels, map_at, map_iou, map_width, map_height */
int lab_map_scalars_register(sqlite3 *db);
/* map_tables.c: map_segments(map), map_runs(map) */
int lab_map_tables_register(sqlite3 *db);

/*
 * Opens an SQL value as a label map. The working memory is SQLite's and *scratch is the caller's to
 * free with sqlite3_free; the bytes are borrowed from the value. Fails with a sentence.
 */
lab_status lab_map_from_value(lab_map_reader *reader, sqlite3_value *value, void **scratch,
                              lab_error *error);

#endif
