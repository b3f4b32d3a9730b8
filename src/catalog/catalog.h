/*
 * The catalog: a plain SQLite file that remembers models, pictures, runs and results. This header
 * is the only door; nothing outside this room includes sqlite3.h.
 */
#ifndef LAB_CATALOG_CATALOG_H
#define LAB_CATALOG_CATALOG_H

#include "tensor/tensor.h"

typedef struct lab_catalog lab_catalog;

typedef enum lab_catalog_mode {
    LAB_CATALOG_READ,  /* read-only connection with query_only; the file must exist */
    LAB_CATALOG_WRITE, /* the file must exist; migrated if older */
    LAB_CATALOG_CREATE /* made if absent, with its folders; migrated if older */
} lab_catalog_mode;

/*
 * Opens a catalog (":memory:" is allowed with CREATE). A file that is no database, is of a newer
 * version, is locked for more than the busy timeout (5 s) or belongs to another program is an error
 * that says so; nothing is changed then.
 */
lab_status lab_catalog_open(lab_context *ctx, const char *path, lab_catalog_mode mode,
                            lab_catalog **out, lab_error *error);
/* NULL is allowed; unfinished statements end, an open transaction is undone. */
void lab_catalog_close(lab_catalog *catalog);
const char *lab_catalog_path(const lab_catalog *catalog);
int lab_catalog_version(const lab_catalog *catalog); /* schema version (user_version) */

/* ---- recording: a row is written before the work and finished after it ---- */

typedef struct lab_model_record {
    const char *sha256, *name, *path, *format, *licence;
    const lab_labels *labels; /* stored once a set */
    int32_t input_width, input_height;
} lab_model_record;

typedef struct lab_run_record {
    const char *command;  /* what was asked, for people */
    const char *pipeline; /* JSON description; may be NULL, as all texts here */
    const char *version;  /* of lualab */
    const char *kernels;  /* forced isa, or "best" */
    int32_t threads;
} lab_run_record;

typedef struct lab_image_record {
    const char *sha256; /* of the file's bytes: the identity of a picture */
    const char *path;   /* absolute, or as given where there is none ("-") */
    int64_t bytes;
    int32_t width, height; /* after orientation */
    const char *format;
} lab_image_record;

/* Per class of a result, as map:legend() computes it. score < 0: not known. */
typedef struct lab_segment_record {
    int32_t class_id;
    int32_t regions; /* 8-connected components; 0 when not counted */
    int64_t pixels;
    double fraction;
    int32_t box[4];     /* x, y, width, height in pixels */
    double centroid[2]; /* x, y in pixels, pixel centres at integers */
    double score;
} lab_segment_record;

lab_status lab_catalog_add_model(lab_catalog *catalog, const lab_model_record *model, int64_t *id,
                                 lab_error *error);
lab_status lab_catalog_begin_run(lab_catalog *catalog, const lab_run_record *run, int64_t *id,
                                 lab_error *error);
/*
 * `state`: "done", "failed" or "interrupted". Results of the run that are still "running" become
 * "failed", with a reason that says so. Works also when the context was asked to stop.
 */
lab_status lab_catalog_finish_run(lab_catalog *catalog, int64_t run, const char *state,
                                  lab_error *error);
/* Writes a result row in state "running". `model` may be 0 when it is not known yet. */
lab_status lab_catalog_begin_result(lab_catalog *catalog, int64_t run, int64_t model,
                                    const char *path, int64_t *id, lab_error *error);
/*
 * One transaction: picture, label map (encoded here), segments, timings (JSON), state "done". The
 * map's label set is stored with it. `map` may be NULL (nothing is kept but the numbers), and so
 * may `timings`. LAB_E_INVALID when the result is finished already.
 */
lab_status lab_catalog_finish_result(lab_catalog *catalog, int64_t result,
                                     const lab_image_record *image, const lab_tensor *map,
                                     const lab_segment_record *segments, uint32_t n_segments,
                                     const char *timings, lab_error *error);
/* State "failed" with the reason. */
lab_status lab_catalog_fail_result(lab_catalog *catalog, int64_t result, const char *reason,
                                   lab_error *error);
/* The label map of a result, with its label set. */
lab_status lab_catalog_map(lab_catalog *catalog, int64_t result, lab_tensor *out, lab_error *error);

/* ---- SQL ---- */

typedef struct lab_statement lab_statement;
typedef enum lab_column {
    LAB_COLUMN_NULL = 0,
    LAB_COLUMN_INTEGER,
    LAB_COLUMN_REAL,
    LAB_COLUMN_TEXT,
    LAB_COLUMN_BLOB
} lab_column;

/*
 * Prepares the first statement of `sql`; *tail (may be NULL) points at what follows it. *out is
 * NULL for white space and comments only. Closing the catalog ends its statements: they can then
 * still be asked (LAB_E_INVALID, no columns) and must still be freed.
 */
lab_status lab_statement_new(lab_catalog *catalog, const char *sql, const char **tail,
                             lab_statement **out, lab_error *error);
void lab_statement_free(lab_statement *statement);

/* Parameters are 1-based, or by name without the sigil; 0 when there is none of that name. */
int lab_statement_parameter(const lab_statement *statement, const char *name);
int lab_statement_parameter_count(const lab_statement *statement);
lab_status lab_statement_bind_null(lab_statement *statement, int i, lab_error *error);
lab_status lab_statement_bind_integer(lab_statement *statement, int i, int64_t value,
                                      lab_error *error);
lab_status lab_statement_bind_real(lab_statement *statement, int i, double value, lab_error *error);
lab_status lab_statement_bind_text(lab_statement *statement, int i, const char *text, size_t size,
                                   lab_error *error);
lab_status lab_statement_bind_blob(lab_statement *statement, int i, const void *bytes, size_t size,
                                   lab_error *error);

/* *row: whether there is a row. Honours the context's stop flag (LAB_E_INTERRUPTED). After a
 * failure the statement is reset. */
lab_status lab_statement_step(lab_statement *statement, bool *row, lab_error *error);
lab_status lab_statement_reset(lab_statement *statement, lab_error *error);
int lab_statement_columns(const lab_statement *statement);
const char *lab_statement_column_name(const lab_statement *statement, int column); /* 0-based */
lab_column lab_statement_column_type(const lab_statement *statement, int column);
int64_t lab_statement_integer(const lab_statement *statement, int column);
double lab_statement_real(const lab_statement *statement, int column);
/* Text or blob; borrowed until the next step. */
const void *lab_statement_bytes(const lab_statement *statement, int column, size_t *size);

/* Rows changed by the last statement, and the rowid it inserted. */
int64_t lab_catalog_changes(const lab_catalog *catalog);
int64_t lab_catalog_last_id(const lab_catalog *catalog);

/*
 * Writes a copy of the catalog as it is now to a file that must not be there yet; others may write
 * to the catalog meanwhile. Under that name there is a whole copy or none. Honours the stop flag.
 */
lab_status lab_catalog_backup(lab_catalog *catalog, const char *path, lab_error *error);

/* Ends statements that run longer than this with LAB_E_LIMIT; 0: no limit. */
void lab_catalog_time_limit(lab_catalog *catalog, double seconds);

/*
 * Ends statements that make a text, a blob or a row of more bytes with LAB_E_LIMIT. Time limits
 * are looked at between steps of a statement only, not while one function makes a gigabyte.
 */
void lab_catalog_value_limit(lab_catalog *catalog, int bytes);

#endif
