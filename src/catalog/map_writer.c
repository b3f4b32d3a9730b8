/*
 * The writer of encoded label maps. Each row is described by the boundaries of the row above it
 * (db/MAP_FORMAT.md): kept, moved a little, skipped, or new.
 */
#include "catalog/map_writer.h"

#include <string.h>

#define NEAR 8    /* a boundary may move by this many pixels in one byte */
#define ALIGN 64u /* of the memory that is asked for */

/* A block of `size` bytes that begins with `used` bytes of the old one; NULL: no memory. */
static void *regrow(lab_map_writer *e, void *old, size_t used, size_t size)
{
    void *bytes = e->no_memory ? NULL : e->memory->allocate(e->memory->user, size, ALIGN);
    if (!bytes) {
        e->no_memory = true;
        return NULL;
    }
    if (used)
        memcpy(bytes, old, used);
    if (old)
        e->memory->release(e->memory->user, old);
    return bytes;
}

static bool grow(lab_map_writer *e)
{
    size_t capacity = e->capacity ? 2 * e->capacity : 4096;
    uint8_t *bytes = regrow(e, e->bytes, e->size, capacity);
    if (!bytes)
        return false;
    e->bytes = bytes;
    e->capacity = capacity;
    return true;
}

static void put(lab_map_writer *e, unsigned byte)
{
    if (e->size == e->capacity && !grow(e))
        return;
    e->bytes[e->size++] = (uint8_t)byte;
}

static void put_varint(lab_map_writer *e, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        put(e, 0x80 | (value & 0x7f));
    put(e, (unsigned)value);
}

/* An operation with a count of at least 1 in its low bits; `full` says that more follows. */
static void put_count(lab_map_writer *e, unsigned op, unsigned full, uint64_t count)
{
    if (count <= full) {
        put(e, op | (unsigned)(count - 1));
        return;
    }
    put(e, op | full);
    put_varint(e, count - 1 - full);
}

static void flush_keep(lab_map_writer *e)
{
    /* The count of one KEEP has 32 bits. */
    while (e->keep) {
        uint64_t count = e->keep < UINT32_MAX ? e->keep : UINT32_MAX;
        put_count(e, 0x80, 63, count);
        e->keep -= count;
    }
}

static void put_skip(lab_map_writer *e, uint32_t count)
{
    if (!count)
        return;
    flush_keep(e);
    put_count(e, 0xc0, 31, count);
}

static void put_move(lab_map_writer *e, int32_t by)
{
    if (e->keep > 7)
        flush_keep(e);
    put(e, (unsigned)e->keep << 4 | (unsigned)(by < 0 ? by + 8 : by + 7));
    e->keep = 0;
}

static void put_add(lab_map_writer *e, const lab_map_run *row, uint32_t i)
{
    uint32_t distance = i ? row[i].x - row[i - 1].x : 1;
    bool back = i >= 2 && row[i - 2].class_id == row[i].class_id;
    flush_keep(e);
    put(e, (back ? 0xf0u : 0xe0u) | (distance < 16 ? distance : 0));
    if (distance >= 16)
        put_varint(e, distance);
    if (!back)
        put_varint(e, row[i].class_id);
}

/* A cost in bytes (a kept run is nearly free) of making `run` from `above`; -1: it cannot be. */
static int cost_of(const lab_map_run *above, const lab_map_run *run, bool skip)
{
    int64_t by = (int64_t)run->x - above->x;
    if (above->class_id != run->class_id || by < -NEAR || by > NEAR || (by && !run->x))
        return -1;
    return (by != 0) + skip;
}

/*
 * Which of the runs of the row above, from `from` on, row[i] is best made from; UINT32_MAX: none,
 * add it. Looks one run ahead, so that a new run does not steal the boundary of its neighbour.
 */
static uint32_t match(const lab_map_run *above, uint32_t from, uint32_t n_above, bool skipped,
                      const lab_map_run *row, uint32_t i, uint32_t n)
{
    uint32_t best = UINT32_MAX;
    int best_cost = 3;
    for (uint32_t j = from; j < n_above && above[j].x <= row[i].x + NEAR && best_cost; j++) {
        int cost = cost_of(&above[j], &row[i], skipped || j > from);
        if (cost >= 0 && cost < best_cost) {
            best = j;
            best_cost = cost;
        }
    }
    if (best == UINT32_MAX || !best_cost || i + 1 == n)
        return best;
    int64_t by = (int64_t)row[i].x - above[best].x, next_by = (int64_t)row[i + 1].x - above[best].x;
    bool nearer = above[best].class_id == row[i + 1].class_id &&
                  (next_by < 0 ? -next_by : next_by) < (by < 0 ? -by : by);
    bool jumps = best > from && cost_of(&above[from], &row[i + 1], false) == 0;
    return nearer || jumps ? UINT32_MAX : best;
}

static void encode_row(lab_map_writer *e, const lab_map_run *above, uint32_t n_above,
                       const lab_map_run *row, uint32_t n)
{
    uint32_t j = 0, skip = 0; /* skip: runs above that are passed but not written yet */
    for (uint32_t i = 0; i < n; i++) {
        while (j < n_above && above[j].x + NEAR < row[i].x) {
            skip++;
            j++;
        }
        uint32_t found = match(above, j, n_above, skip != 0, row, i, n);
        if (found != UINT32_MAX) {
            skip += found - j;
            j = found;
        }
        put_skip(e, skip);
        skip = 0;
        if (found == UINT32_MAX) {
            put_add(e, row, i);
            continue;
        }
        int32_t by = (int32_t)((int64_t)row[i].x - above[j++].x);
        if (by)
            put_move(e, by);
        else
            e->keep++;
    }
    put_skip(e, n_above - j);
    e->keep++; /* the end of the row */
}

static size_t header_varint(uint8_t *bytes, size_t at, uint32_t value)
{
    for (; value >= 0x80; value >>= 7)
        bytes[at++] = (uint8_t)(0x80 | (value & 0x7f));
    bytes[at++] = (uint8_t)value;
    return at;
}

size_t lab_map_write_header(uint8_t *bytes, uint32_t width, uint32_t height, unsigned layout)
{
    bytes[0] = 'L';
    bytes[1] = 'M';
    bytes[2] = LAB_MAP_VERSION;
    bytes[3] = (uint8_t)layout;
    return header_varint(bytes, header_varint(bytes, 4, width), height);
}

/* Makes room for a row of n runs and its sentinel above the next one. */
static bool reserve_above(lab_map_writer *e, uint32_t n)
{
    if (n < e->above_capacity)
        return true;
    uint32_t capacity = n < 64 ? 128 : 2 * n;
    capacity = capacity > e->width ? e->width + 1 : capacity;
    lab_map_run *above = regrow(e, e->above, 0, capacity * sizeof *above);
    if (!above)
        return false;
    e->above = above;
    e->above_capacity = capacity;
    return true;
}

void lab_map_writer_start(lab_map_writer *writer, const lab_allocator *memory, uint32_t width,
                          uint32_t height, uint32_t id_bytes)
{
    *writer = (lab_map_writer){
        .memory = memory, .width = width, .height = height, .id_bytes = id_bytes
    };
    if (!grow(writer) || !reserve_above(writer, 1))
        return;
    writer->size = lab_map_write_header(writer->bytes, width, height, id_bytes);
    writer->above[0] = (lab_map_run){ 0, 0 };
    writer->above[1] = (lab_map_run){ width, 0 };
    writer->n_above = 1;
}

void lab_map_write_rows(lab_map_writer *writer, const lab_map_run *runs, uint32_t n, uint32_t count)
{
    if (writer->no_memory)
        return;
    encode_row(writer, writer->above, writer->n_above, runs, n);
    if (!reserve_above(writer, n))
        return;
    memcpy(writer->above, runs, ((size_t)n + 1) * sizeof *runs);
    writer->n_above = n;
    lab_map_repeat_row(writer, count - 1);
}

void lab_map_repeat_row(lab_map_writer *writer, uint32_t count)
{
    writer->keep += (uint64_t)count * (writer->n_above + 1);
}

bool lab_map_writer_finish(lab_map_writer *writer)
{
    flush_keep(writer);
    return !writer->no_memory;
}

static void fill_plain(uint8_t *ids, const lab_map_rows *rows, uint32_t width, uint32_t id_bytes)
{
    size_t stride = (size_t)width * id_bytes;
    for (uint32_t i = 0; i < rows->n_runs; i++) {
        for (uint32_t x = rows->runs[i].x; x < rows->runs[i + 1].x; x++) {
            ids[(size_t)x * id_bytes] = (uint8_t)rows->runs[i].class_id;
            if (id_bytes == 2)
                ids[2 * (size_t)x + 1] = (uint8_t)(rows->runs[i].class_id >> 8);
        }
    }
    for (uint32_t k = 1; k < rows->count; k++)
        memcpy(ids + k * stride, ids, stride);
}

/* Reads back what was written, so that callers need not make their rows twice. */
static bool read_back(const lab_map_writer *e, uint8_t *ids)
{
    lab_map_reader reader;
    lab_map_rows rows;
    if (lab_map_open(&reader, e->bytes, e->size, NULL))
        return false;
    void *scratch = e->memory->allocate(e->memory->user, lab_map_scratch(&reader), ALIGN);
    if (!scratch)
        return false;
    lab_map_start(&reader, scratch);
    lab_status status;
    while (!(status = lab_map_next(&reader, &rows, NULL)) && rows.count) {
        fill_plain(ids, &rows, e->width, e->id_bytes);
        ids += (size_t)rows.count * e->width * e->id_bytes;
    }
    e->memory->release(e->memory->user, scratch);
    return !status;
}

bool lab_map_writer_shorten(lab_map_writer *writer)
{
    uint8_t header[LAB_MAP_HEADER_MAX];
    size_t at =
        lab_map_write_header(header, writer->width, writer->height, writer->id_bytes | LAB_MAP_RAW);
    size_t plain = at + (size_t)writer->width * writer->height * writer->id_bytes;
    if (writer->size <= plain)
        return true;
    uint8_t *bytes = writer->memory->allocate(writer->memory->user, plain, ALIGN);
    if (!bytes)
        return false;
    memcpy(bytes, header, at);
    if (!read_back(writer, bytes + at)) {
        writer->memory->release(writer->memory->user, bytes);
        return false;
    }
    writer->memory->release(writer->memory->user, writer->bytes);
    writer->bytes = bytes;
    writer->size = writer->capacity = plain;
    return true;
}

void lab_map_writer_free(lab_map_writer *writer)
{
    if (writer->bytes)
        writer->memory->release(writer->memory->user, writer->bytes);
    if (writer->above)
        writer->memory->release(writer->memory->user, writer->above);
    writer->bytes = NULL;
    writer->above = NULL;
}
