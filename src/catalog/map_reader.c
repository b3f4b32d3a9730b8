/*
 * The reader of encoded label maps. A row is rebuilt from the boundaries of the row above it:
 * they are kept, moved a little, skipped, and new ones are added (db/MAP_FORMAT.md). Keeps reach
 * over row ends, so that rows which repeat cost nothing here either.
 */
#include "catalog/map_reader.h"

#include <string.h>

static lab_status bad(const lab_map_reader *reader, size_t at, lab_error *error, const char *what)
{
    return lab_error_set(error, LAB_E_FORMAT, "label map: byte %zu of %zu: %s", at, reader->size,
                         what);
}

/* LEB128 without padding beyond 32 bits of value. */
static bool read_varint(lab_map_reader *reader, uint32_t *value)
{
    uint64_t result = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (reader->at >= reader->size)
            return false;
        uint8_t byte = reader->bytes[reader->at++];
        result |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *value = (uint32_t)result;
            return result <= UINT32_MAX;
        }
    }
    return false;
}

static lab_status read_size(lab_map_reader *reader, lab_error *error)
{
    size_t at = reader->at;
    if (!read_varint(reader, &reader->width) || !read_varint(reader, &reader->height))
        return bad(reader, at, error, "the width or the height is cut off or too large");
    uint64_t pixels = (uint64_t)reader->width * reader->height;
    if (!pixels || pixels > LAB_MAP_MAX_PIXELS)
        return lab_error_set(
            error, LAB_E_FORMAT,
            "label map: byte %zu of %zu: %ux%u pixels, where 1 to %llu are allowed", at,
            reader->size, reader->width, reader->height, (unsigned long long)LAB_MAP_MAX_PIXELS);
    if (reader->raw && (uint64_t)(reader->size - reader->at) != pixels * reader->id_bytes)
        return lab_error_set(error, LAB_E_FORMAT,
                             "label map: byte %zu of %zu: %ux%u plain class ids of %u bytes do not "
                             "fill the rest exactly",
                             reader->at, reader->size, reader->width, reader->height,
                             reader->id_bytes);
    return LAB_OK;
}

lab_status lab_map_open(lab_map_reader *reader, const void *bytes, size_t size, lab_error *error)
{
    *reader = (lab_map_reader){ .bytes = bytes, .size = size };
    if (size < 6 || memcmp(bytes, "LM", 2) != 0)
        return bad(reader, 0, error, "not an encoded label map (it starts with \"LM\")");
    unsigned version = reader->bytes[2], layout = reader->bytes[3];
    if (version != LAB_MAP_VERSION)
        return lab_error_set(error, LAB_E_UNSUPPORTED,
                             "label map: byte 2 of %zu: format version %u, this lualab reads %u: "
                             "update lualab",
                             size, version, LAB_MAP_VERSION);
    reader->id_bytes = layout & LAB_MAP_ID_BYTES;
    reader->raw = layout & LAB_MAP_RAW;
    if ((reader->id_bytes != 1 && reader->id_bytes != 2) ||
        layout & ~(LAB_MAP_ID_BYTES | LAB_MAP_RAW))
        return bad(reader, 3, error, "unknown layout (bytes a class id must be 1 or 2)");
    reader->at = 4;
    lab_status status = read_size(reader, error);
    if (status)
        return status;
    /* A boundary costs at least a byte the first time it is added, so the size of what is left
     * bounds the runs of a row: a few hostile bytes cannot ask for much memory. */
    size_t left = reader->size - reader->at;
    reader->capacity = left + 1 < reader->width ? (uint32_t)left + 1 : reader->width;
    return LAB_OK;
}

size_t lab_map_scratch(const lab_map_reader *reader)
{
    return 2 * ((size_t)reader->capacity + 1) * sizeof(lab_map_run);
}

void lab_map_start(lab_map_reader *reader, void *scratch)
{
    reader->above = scratch;
    reader->row = reader->above + reader->capacity + 1;
    /* Above the first row lies one run of class 0. */
    reader->above[0] = (lab_map_run){ 0, 0 };
    reader->above[1] = (lab_map_run){ reader->width, 0 };
    reader->n_above = 1;
}

static inline uint32_t id_at(const uint8_t *bytes, uint32_t x, uint32_t id_bytes)
{
    uint16_t id;
    if (id_bytes == 1)
        return bytes[x];
    memcpy(&id, bytes + 2 * (size_t)x, 2);
    return id;
}

uint32_t lab_map_scan(const void *ids, uint32_t width, uint32_t id_bytes, lab_map_run *runs)
{
    const uint8_t *bytes = ids;
    uint32_t n = 0, per_word = 8 / id_bytes, x = 1;
    uint32_t last = id_at(bytes, 0, id_bytes);
    runs[n++] = (lab_map_run){ 0, last };
    while (x < width) {
        /* Eight bytes that equal those one id before them hold no boundary. */
        uint64_t here, before;
        while (x + per_word <= width) {
            memcpy(&here, bytes + (size_t)x * id_bytes, 8);
            memcpy(&before, bytes + (size_t)(x - 1) * id_bytes, 8);
            if (here != before)
                break;
            x += per_word;
        }
        uint32_t end = x + per_word <= width ? x + per_word : width;
        for (; x < end; x++) {
            uint32_t id = id_at(bytes, x, id_bytes);
            if (id != last)
                runs[n++] = (lab_map_run){ x, id };
            last = id;
        }
    }
    runs[n] = (lab_map_run){ width, 0 };
    return n;
}

/* Plain rows; 16-bit ids are stored little-endian. */
static void next_raw(lab_map_reader *reader, lab_map_rows *rows)
{
    const uint8_t *ids = reader->bytes + reader->at;
    uint32_t n = 0;
    if (reader->id_bytes == 1) {
        n = lab_map_scan(ids, reader->width, 1, reader->row);
    } else {
        for (uint32_t x = 0; x < reader->width; x++) {
            uint32_t id = ids[2 * (size_t)x] | (uint32_t)ids[2 * (size_t)x + 1] << 8;
            if (!x || id != reader->row[n - 1].class_id)
                reader->row[n++] = (lab_map_run){ x, id };
        }
        reader->row[n] = (lab_map_run){ reader->width, 0 };
    }
    reader->at += (size_t)reader->width * reader->id_bytes;
    *rows = (lab_map_rows){ reader->y++, 1, n, reader->row };
}

/* The row that is being rebuilt: n boundaries so far, `above` ones of the row above used up. */
typedef struct building {
    uint32_t n, above;
} building;

static lab_status add_run(lab_map_reader *reader, building *row, uint64_t x, uint32_t class_id,
                          size_t at, lab_error *error)
{
    if (x >= reader->width)
        return bad(reader, at, error, "a run begins beyond the row");
    if (row->n ? x <= reader->row[row->n - 1].x : x != 0)
        return bad(reader, at, error, "a run begins before the one to its left ends");
    if (row->n >= reader->capacity)
        return bad(reader, at, error, "more runs than the bytes can hold");
    reader->row[row->n++] = (lab_map_run){ (uint32_t)x, class_id };
    return LAB_OK;
}

/* Takes over boundaries that are due; *done when the row's end was among them. */
static lab_status apply_due(lab_map_reader *reader, building *row, bool *done, lab_error *error)
{
    lab_status status = LAB_OK;
    for (; reader->keep && row->above < reader->n_above && !status; reader->keep--) {
        lab_map_run run = reader->above[row->above++];
        status = add_run(reader, row, run.x, run.class_id, reader->at, error);
    }
    if (status)
        return status;
    if (reader->keep) {
        reader->keep--;
        *done = true;
        return row->n ? LAB_OK : bad(reader, reader->at, error, "a row without a run");
    }
    if (reader->move) {
        if (row->above >= reader->n_above)
            return bad(reader, reader->at, error, "the end of a row cannot move");
        lab_map_run run = reader->above[row->above++];
        int64_t x = (int64_t)run.x + reader->move;
        reader->move = 0;
        return add_run(reader, row, x < 0 ? UINT32_MAX : (uint64_t)x, run.class_id, reader->at,
                       error);
    }
    return LAB_OK;
}

static lab_status read_add(lab_map_reader *reader, building *row, uint8_t op, size_t at,
                           lab_error *error)
{
    uint32_t distance = op & 15, class_id = 0;
    if (!distance && !read_varint(reader, &distance))
        return bad(reader, at, error, "the distance of a run is cut off or too large");
    if (op >= 0xf0) {
        if (row->n < 2)
            return bad(reader, at, error, "no class two runs to the left");
        class_id = reader->row[row->n - 2].class_id;
    } else if (!read_varint(reader, &class_id) || class_id >> (8 * reader->id_bytes)) {
        return bad(reader, at, error, "a class id is cut off or too large");
    }
    uint64_t from = row->n ? reader->row[row->n - 1].x : UINT64_MAX;
    return add_run(reader, row, from + distance, class_id, at, error);
}

static lab_status read_op(lab_map_reader *reader, building *row, lab_error *error)
{
    size_t at = reader->at;
    if (at >= reader->size)
        return bad(reader, at, error, "the rows end too early");
    uint8_t op = reader->bytes[reader->at++];
    uint32_t more = 0;
    if (op < 0x80) {
        int32_t m = op & 15;
        reader->keep = op >> 4;
        reader->move = m < 8 ? m - 8 : m - 7;
    } else if (op < 0xc0) {
        if (op == 0xbf && !read_varint(reader, &more))
            return bad(reader, at, error, "a number of kept runs is cut off or too large");
        reader->keep = UINT64_C(1) + (op & 63) + more;
    } else if (op < 0xe0) {
        if (op == 0xdf && !read_varint(reader, &more))
            return bad(reader, at, error, "a number of skipped runs is cut off or too large");
        uint64_t skip = UINT64_C(1) + (op & 31) + more;
        if (skip > reader->n_above - row->above)
            return bad(reader, at, error, "more runs are skipped than the row above has");
        row->above += (uint32_t)skip;
    } else {
        return read_add(reader, row, op, at, error);
    }
    return LAB_OK;
}

/* Rows that are wholly kept, in one step: no row is rebuilt. */
static bool repeat(lab_map_reader *reader, lab_map_rows *rows)
{
    uint64_t whole = reader->keep / ((uint64_t)reader->n_above + 1);
    uint32_t left = reader->height - reader->y;
    if (!whole)
        return false;
    uint32_t count = whole < left ? (uint32_t)whole : left;
    reader->keep -= (uint64_t)count * (reader->n_above + 1);
    *rows = (lab_map_rows){ reader->y, count, reader->n_above, reader->above };
    reader->y += count;
    return true;
}

lab_status lab_map_next(lab_map_reader *reader, lab_map_rows *rows, lab_error *error)
{
    *rows = (lab_map_rows){ .y = reader->y };
    if (reader->y == reader->height) {
        if (reader->keep || reader->move || reader->at != reader->size)
            return bad(reader, reader->at, error, "more rows than the height says");
        return LAB_OK;
    }
    if (reader->raw) {
        next_raw(reader, rows);
        return LAB_OK;
    }
    building row = { 0, 0 };
    bool done = false;
    lab_status status = LAB_OK;
    while (!done && !status) {
        if (!row.n && !row.above && repeat(reader, rows))
            return LAB_OK;
        status = reader->keep || reader->move ? apply_due(reader, &row, &done, error)
                                              : read_op(reader, &row, error);
    }
    if (status)
        return status;
    reader->row[row.n] = (lab_map_run){ reader->width, 0 };
    lab_map_run *built = reader->row;
    reader->row = reader->above;
    reader->above = built;
    reader->n_above = row.n;
    *rows = (lab_map_rows){ reader->y++, 1, row.n, built };
    return LAB_OK;
}
