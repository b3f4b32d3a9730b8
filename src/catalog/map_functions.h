/*
 * What the SQL functions over label maps share; each group of them is one file. The same sources
 * make lualab_sqlite.so: there LAB_SQLITE_EXTENSION is defined, and every sqlite3_… call goes
 * through the table that the program which loads it hands over (extension.c).
 */
#ifndef LAB_CATALOG_MAP_FUNCTIONS_H
#define LAB_CATALOG_MAP_FUNCTIONS_H

#ifdef LAB_SQLITE_EXTENSION
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3
#else
#include <sqlite3.h>
#endif

#include "catalog/map_writer.h"

/* All of them are functions of their arguments alone, and harmless in a schema from elsewhere. */
#define LAB_SQL_PURE (SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS)

/*
 * Adds the map_… functions to a connection. `end` (may be NULL: ctx outlives the connection) is
 * called with the context when it is not needed any more, also after a failure. functions.c
 */
int lab_functions_register(sqlite3 *db, lab_context *ctx, void (*end)(void *ctx));

/* map_scalars.c: map_width, map_height, map_pixels, map_at */
int lab_map_scalars_register(sqlite3 *db);
/* map_compare.c: map_iou, map_agreement, the aggregate miou */
int lab_map_compare_register(sqlite3 *db);
/* map_make.c: map_crop, map_merge, the aggregate map_union */
int lab_map_make_register(sqlite3 *db);
/* map_picture.c: map_png */
int lab_map_picture_register(sqlite3 *db, lab_context *ctx, void (*end)(void *ctx));
/* map_tables.c: map_segments(map), map_runs(map), map_regions(map), map_confusion(pred, truth) */
int lab_map_tables_register(sqlite3 *db);

/* ---- map_values.c ---- */

/* SQLite's memory, for what reads and writes maps here. */
extern const lab_allocator lab_sqlite_memory;

typedef void lab_sql_call(sqlite3_context *, int, sqlite3_value **);
/* A pure scalar function whose user data is its name; SQLite keeps the pointer. */
int lab_sql_scalar(sqlite3 *db, const char *name, int arguments, lab_sql_call *call);

/* Ends a function with "NAME: sentence". */
void lab_map_fail(sqlite3_context *context, const char *name, const lab_error *error);
/* The same for a function whose user data is its name. */
void lab_map_fail_named(sqlite3_context *context, const lab_error *error);
bool lab_any_null(int n, sqlite3_value **values);
/* False with a sentence about `what` when the value is no whole number. */
bool lab_integer_argument(sqlite3_value *value, const char *what, int64_t *out, lab_error *error);
/* The same for a class id, 0 to 65535. */
bool lab_class_argument(sqlite3_value *value, const char *what, uint32_t *out, lab_error *error);

/*
 * Opens an SQL value as a label map. The working memory is SQLite's and *scratch is the caller's to
 * free with sqlite3_free; the bytes are borrowed from the value. Fails with a sentence.
 */
lab_status lab_map_from_value(lab_map_reader *reader, sqlite3_value *value, void **scratch,
                              lab_error *error);

/* Two maps of one size, read side by side. */
typedef struct lab_map_pair {
    lab_map_reader a, b;
    void *a_scratch, *b_scratch;
    lab_map_rows in_a, in_b;
} lab_map_pair;

/* lab_map_pair_close is due whether it succeeds or not. */
lab_status lab_map_pair_open(lab_map_pair *pair, sqlite3_value *a, sqlite3_value *b,
                             lab_error *error);
/* The next rows in which both repeat: *count of them, 0 after the last. */
lab_status lab_map_pair_next(lab_map_pair *pair, uint32_t *count, lab_error *error);
void lab_map_pair_close(lab_map_pair *pair);

/* `pixels` pixels have class `a` in the one and `b` in the other. */
typedef void lab_overlap_fn(void *user, uint32_t a, uint32_t b, int64_t pixels);
/* Calls `fn` until every pixel has been counted. */
lab_status lab_map_overlaps(lab_map_pair *pair, lab_overlap_fn *fn, void *user, lab_error *error);

/* ---- map_measures.c: maps as rows of numbers, for map_tables.c ---- */

/* Rows of a table, all there at once. Free `cells` with sqlite3_free. */
typedef struct lab_measures {
    double *cells; /* counts stay below 2^53 and are exact */
    uint32_t columns;
    size_t n_rows, capacity;
} lab_measures;

lab_status lab_measure_segments(lab_map_reader *map, lab_measures *out, lab_error *error);
lab_status lab_measure_regions(lab_map_reader *map, lab_measures *out, lab_error *error);
lab_status lab_measure_confusion(lab_map_pair *pair, lab_measures *out, lab_error *error);

#endif
