/* What the catalog's tests share: a folder that goes away, maps to record, and short SQL. */
#ifndef TESTS_DB_SUPPORT_H
#define TESTS_DB_SUPPORT_H

#include "support/cmocka_all.h"

#include "base/error.h"
#include "catalog/catalog.h"

typedef struct db_fixture {
    lab_context ctx;
    char folder[256]; /* removed with what is in it at the end */
} db_fixture;

/* cmocka's setup and teardown: *state is a db_fixture. */
int db_setup(void **state);
int db_teardown(void **state);

/* "FOLDER/name", valid until the next call with the same `slot` (0..3). */
const char *db_path(const db_fixture *fixture, int slot, const char *name);

/* `error` must be in scope. */
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        if ((call) != LAB_OK)                                                                      \
            fail_msg("%s: %s", #call, error.message);                                              \
    } while (0)

/* That a call fails with a status and a sentence that contains `text`. */
#define assert_fails(call, expected, text)                                                         \
    do {                                                                                           \
        error.message[0] = '\0';                                                                   \
        lab_status status_ = (call);                                                               \
        if (status_ != (expected) || !strstr(error.message, text))                                 \
            fail_msg("%s: %s \"%s\", expected %s \"…%s…\"", #call, lab_status_name(status_),       \
                     error.message, lab_status_name(expected), text);                              \
    } while (0)

#define DB_SHA(digit)                                                                              \
    digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit      \
        digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit  \
            digit digit digit digit digit digit digit digit digit digit digit digit digit digit    \
                digit digit digit digit digit digit digit digit digit digit digit digit digit      \
                    digit digit digit digit digit digit digit

/* Deterministic noise. */
uint32_t db_random(uint64_t *state);

/* A map of `discs` discs of classes 1, 2, 3, … on class 0; labels (may be NULL) are shared. */
lab_status db_scene(lab_context *ctx, lab_dtype dtype, int32_t width, int32_t height,
                    uint32_t discs, lab_labels *labels, lab_tensor *out, lab_error *error);
/* "sky", "person", "bicycle" and "O'Brien's\nsign". */
lab_labels *db_labels(lab_context *ctx);
uint32_t db_class(const lab_tensor *map, int32_t x, int32_t y);

/* The first column of the first row; fails the test on an error. -1 where there is no row. */
int64_t db_integer(lab_catalog *catalog, const char *sql);
double db_real(lab_catalog *catalog, const char *sql);
/* Into `text`; "(none)" without a row, "(null)" for NULL. */
const char *db_text(lab_catalog *catalog, const char *sql, char *text, size_t size);
/* Runs one statement to its end. */
lab_status db_execute(lab_catalog *catalog, const char *sql, lab_error *error);

/* Row `id` of a table m(id, map): bytes, or a map encoded. Fail the test on an error. */
void db_insert_bytes(lab_catalog *catalog, int id, const void *bytes, size_t size);
void db_insert_map(lab_context *ctx, lab_catalog *catalog, int id, const lab_tensor *map);

/* Segments as a legend would give them, by counting; returns how many (at most `limit`). */
uint32_t db_measure(const lab_tensor *map, lab_segment_record *out, uint32_t limit);

/* A whole result: begin, measure, finish. `path` doubles as the picture's. */
lab_status db_record(lab_catalog *catalog, int64_t run, int64_t model, const char *path,
                     const char *sha256, const lab_tensor *map, int64_t *id, lab_error *error);

#endif
