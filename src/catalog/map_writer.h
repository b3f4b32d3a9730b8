/*
 * Writes encoded label maps (db/MAP_FORMAT.md) from rows of runs: the counterpart of map_reader.h.
 * Knows neither the context nor SQLite; memory comes from the allocator it is handed.
 */
#ifndef LAB_CATALOG_MAP_WRITER_H
#define LAB_CATALOG_MAP_WRITER_H

#include "base/context.h"
#include "catalog/map_reader.h"

/* The longest header: magic, version, layout and two varints of 32 bits. */
#define LAB_MAP_HEADER_MAX 14u

typedef struct lab_map_writer {
    const lab_allocator *memory;
    uint32_t width, height, id_bytes;
    uint8_t *bytes; /* what is written so far; the writer's until lab_map_writer_free */
    size_t size, capacity;
    bool no_memory; /* sticky: writing goes on to nowhere */
    uint64_t keep;  /* kept boundaries that are not written yet */
    lab_map_run *above;
    uint32_t n_above, above_capacity;
} lab_map_writer;

/* Writes the header. width * height is 1 to LAB_MAP_MAX_PIXELS, id_bytes 1 or 2. */
void lab_map_writer_start(lab_map_writer *writer, const lab_allocator *memory, uint32_t width,
                          uint32_t height, uint32_t id_bytes);
/* `count` equal rows of n runs with their sentinel; neighbouring runs differ in class. */
void lab_map_write_rows(lab_map_writer *writer, const lab_map_run *runs, uint32_t n,
                        uint32_t count);
/* The last row, `count` times more. */
void lab_map_repeat_row(lab_map_writer *writer, uint32_t count);
/* After height rows: the bytes are complete. False: no memory. */
bool lab_map_writer_finish(lab_map_writer *writer);
/*
 * After lab_map_writer_finish: puts plain rows in the place of the bytes where those are shorter
 * (noise). False: no memory.
 */
bool lab_map_writer_shorten(lab_map_writer *writer);
void lab_map_writer_free(lab_map_writer *writer);

/* A header for `layout` (LAB_MAP_RAW and the bytes of an id) into LAB_MAP_HEADER_MAX bytes; returns
 * its length. */
size_t lab_map_write_header(uint8_t *bytes, uint32_t width, uint32_t height, unsigned layout);

#endif
