/*
 * Reads an encoded label map (db/MAP_FORMAT.md) as rows of runs, without ever unfolding it into
 * pixels: what the SQL functions and the decoder stand on. Allocates nothing and knows neither the
 * context nor SQLite, so the same file serves every front end. The bytes are not trusted.
 */
#ifndef LAB_CATALOG_MAP_READER_H
#define LAB_CATALOG_MAP_READER_H

#include "base/error.h"

#define LAB_MAP_VERSION 1u
#define LAB_MAP_MAX_PIXELS (UINT64_C(1) << 28)

/* Fourth byte of a map: bytes a class id (1, 2), and how the rows are written. */
#define LAB_MAP_ID_BYTES 0x0fu
#define LAB_MAP_RAW 0x10u

/* A run reaches from x to the x of the next one; the last one of a row is followed by a sentinel
 * whose x is the width. */
typedef struct lab_map_run {
    uint32_t x;
    uint32_t class_id;
} lab_map_run;

/* `count` equal rows, the first at y; count is 0 after the last row of the map. */
typedef struct lab_map_rows {
    uint32_t y, count;
    uint32_t n_runs;
    const lab_map_run *runs; /* n_runs + 1 with the sentinel; borrowed until the next call */
} lab_map_rows;

typedef struct lab_map_reader {
    const uint8_t *bytes;
    size_t size, at;
    uint32_t width, height;
    uint32_t id_bytes; /* 1 or 2 */
    bool raw;
    uint32_t y;        /* the next row */
    uint32_t capacity; /* runs in a row, at most */
    lab_map_run *above, *row;
    uint32_t n_above;
    uint64_t keep; /* boundaries still to be taken over from the row above */
    int32_t move;  /* after those, the next one moves by this; 0: no move is due */
} lab_map_reader;

/* Reads the header: width, height and id_bytes are known then. */
lab_status lab_map_open(lab_map_reader *reader, const void *bytes, size_t size, lab_error *error);
/* Bytes of working memory for lab_map_start; at most a small multiple of the encoded size. */
size_t lab_map_scratch(const lab_map_reader *reader);
/* `scratch`: lab_map_scratch bytes, aligned for lab_map_run, kept until reading ends. */
void lab_map_start(lab_map_reader *reader, void *scratch);
lab_status lab_map_next(lab_map_reader *reader, lab_map_rows *rows, lab_error *error);

/*
 * Finds the runs of one row of class ids of 1 or 2 bytes; `runs` has room for width + 1. Returns
 * their number and writes the sentinel.
 */
uint32_t lab_map_scan(const void *ids, uint32_t width, uint32_t id_bytes, lab_map_run *runs);

#endif
