/*
 * Flatbuffers, read from bytes that may be anything. Every table, vtable, vector and string is held
 * against the end of the file when it is reached and every scalar is copied out, so neither offsets
 * nor alignment are trusted.
 *
 * The first failure is remembered with its byte offset and reported to the builder; from then on
 * getters return zeros and empty vectors. So a caller may read several things and look at
 * tfl_status once, as long as it does so before it relies on any of them.
 *
 * Layout: a table starts with an i32, the distance back to its vtable; a vtable is u16s: its own
 * size, the size of the table, then for each slot the offset of the field from the start of the
 * table, 0 when absent. References are u32 distances forward. A vector is a u32 count and its
 * elements; a string is a vector of bytes followed by a NUL that is not counted.
 */
#ifndef LAB_FORMATS_TFLITE_READER_H
#define LAB_FORMATS_TFLITE_READER_H

#include "lab_plugin.h"

typedef struct tfl_reader {
    lab_builder *builder; /* failures are told to it */
    const uint8_t *bytes;
    size_t size;
    lab_status status;
    char context[96]; /* "op 17 CONV_2D": put in front of messages when not empty */
} tfl_reader;

typedef struct tfl_table {
    size_t at; /* offset in the file; 0: absent */
    size_t vtable;
    uint16_t vtable_size, size;
} tfl_table;

typedef struct tfl_vector {
    size_t at; /* offset of the first element */
    uint32_t count;
    bool present;
} tfl_vector;

LAB_PRINTF(3, 4)
lab_status tfl_fail(tfl_reader *reader, lab_status status, const char *fmt, ...);

/* The root table of the file. */
tfl_table tfl_root(tfl_reader *reader);

/* Scalars: `fallback` when the field is absent. */
uint8_t tfl_u8(tfl_reader *reader, const tfl_table *table, uint32_t slot, uint8_t fallback);
int8_t tfl_i8(tfl_reader *reader, const tfl_table *table, uint32_t slot, int8_t fallback);
int32_t tfl_i32(tfl_reader *reader, const tfl_table *table, uint32_t slot, int32_t fallback);
uint32_t tfl_u32(tfl_reader *reader, const tfl_table *table, uint32_t slot, uint32_t fallback);
uint64_t tfl_u64(tfl_reader *reader, const tfl_table *table, uint32_t slot, uint64_t fallback);
float tfl_f32(tfl_reader *reader, const tfl_table *table, uint32_t slot, float fallback);

/* References; `what` names them in messages. Absent: at is 0, or count is 0 and present false. */
tfl_table tfl_get_table(tfl_reader *reader, const tfl_table *table, uint32_t slot,
                        const char *what);
tfl_vector tfl_get_vector(tfl_reader *reader, const tfl_table *table, uint32_t slot,
                          size_t item_size, const char *what);
/* NUL-terminated, in the file; "" when absent. May contain any bytes. */
const char *tfl_get_string(tfl_reader *reader, const tfl_table *table, uint32_t slot,
                           const char *what);

/* Elements; the index must be below the count. */
tfl_table tfl_table_at(tfl_reader *reader, const tfl_vector *vector, uint32_t i, const char *what);
int32_t tfl_i32_at(const tfl_reader *reader, const tfl_vector *vector, uint32_t i);
int64_t tfl_i64_at(const tfl_reader *reader, const tfl_vector *vector, uint32_t i);
float tfl_f32_at(const tfl_reader *reader, const tfl_vector *vector, uint32_t i);

#endif
