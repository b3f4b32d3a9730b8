/*
 * Label maps to bytes and back. The encoder describes each row by the boundaries of the row above
 * it (db/MAP_FORMAT.md); where that would be longer than the plain class ids (noise), it writes
 * those instead, so a map never grows by more than its header.
 */
#include "catalog/map_codec.h"

#include <string.h>

#include "base/checked.h"
#include "catalog/map_reader.h"

#define NEAR 8 /* a boundary may move by this many pixels in one byte */

/* The longest header: magic, version, layout and two varints of 32 bits. */
#define HEADER_MAX 14u

typedef struct encoder {
    lab_context *ctx;
    uint8_t *bytes;
    size_t size, capacity, limit; /* limit: beyond it plain ids are shorter */
    bool no_memory;
    uint64_t keep; /* kept boundaries that are not written yet */
} encoder;

static bool grow(encoder *e)
{
    size_t capacity = e->capacity ? 2 * e->capacity : 4096;
    uint8_t *bytes = e->no_memory ? NULL : lab_alloc(e->ctx, capacity);
    if (!bytes) {
        e->no_memory = true;
        return false;
    }
    if (e->size)
        memcpy(bytes, e->bytes, e->size);
    lab_free(e->ctx, e->bytes);
    e->bytes = bytes;
    e->capacity = capacity;
    return true;
}

static void put(encoder *e, unsigned byte)
{
    if (e->size == e->capacity && !grow(e))
        return;
    e->bytes[e->size++] = (uint8_t)byte;
}

static void put_varint(encoder *e, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        put(e, 0x80 | (value & 0x7f));
    put(e, (unsigned)value);
}

/* An operation with a count of at least 1 in its low bits; `full` says that more follows. */
static void put_count(encoder *e, unsigned op, unsigned full, uint64_t count)
{
    if (count <= full) {
        put(e, op | (unsigned)(count - 1));
        return;
    }
    put(e, op | full);
    put_varint(e, count - 1 - full);
}

static void flush_keep(encoder *e)
{
    /* The count of one KEEP has 32 bits. */
    while (e->keep) {
        uint64_t count = e->keep < UINT32_MAX ? e->keep : UINT32_MAX;
        put_count(e, 0x80, 63, count);
        e->keep -= count;
    }
}

static void put_skip(encoder *e, uint32_t count)
{
    if (!count)
        return;
    flush_keep(e);
    put_count(e, 0xc0, 31, count);
}

static void put_move(encoder *e, int32_t by)
{
    if (e->keep > 7)
        flush_keep(e);
    put(e, (unsigned)e->keep << 4 | (unsigned)(by < 0 ? by + 8 : by + 7));
    e->keep = 0;
}

static void put_add(encoder *e, const lab_map_run *row, uint32_t i)
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

static void encode_row(encoder *e, const lab_map_run *above, uint32_t n_above,
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

static void put_header(encoder *e, uint32_t width, uint32_t height, unsigned layout)
{
    put(e, 'L');
    put(e, 'M');
    put(e, LAB_MAP_VERSION);
    put(e, layout);
    put_varint(e, width);
    put_varint(e, height);
}

/* False when plain ids would be as short, or memory ran out (e->no_memory). */
static bool encode_rows(encoder *e, const lab_tensor *map, lab_map_run *scratch)
{
    uint32_t height = (uint32_t)map->shape[0], width = (uint32_t)map->shape[1], n_above = 1;
    uint32_t id_bytes = (uint32_t)lab_dtype_size(map->dtype);
    size_t stride = (size_t)width * id_bytes;
    const uint8_t *ids = map->data;
    lab_map_run *above = scratch, *row = scratch + width + 1;
    above[0] = (lab_map_run){ 0, 0 };
    above[1] = (lab_map_run){ width, 0 };
    for (uint32_t y = 0; y < height; y++, ids += stride) {
        if (y && !memcmp(ids, ids - stride, stride)) {
            e->keep += n_above + 1;
            continue;
        }
        uint32_t n = lab_map_scan(ids, width, id_bytes, row);
        encode_row(e, above, n_above, row, n);
        if (e->no_memory || e->size >= e->limit)
            return false;
        lab_map_run *built = row;
        row = above;
        above = built;
        n_above = n;
    }
    flush_keep(e);
    return !e->no_memory && e->size < e->limit;
}

/* Copies between the tensor and little-endian bytes; the same in both directions. */
static void copy_ids(void *to, const void *from, size_t size, uint32_t id_bytes)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    for (size_t i = 0; i < size && id_bytes == 2; i += 2) {
        ((uint8_t *)to)[i] = ((const uint8_t *)from)[i + 1];
        ((uint8_t *)to)[i + 1] = ((const uint8_t *)from)[i];
    }
    if (id_bytes == 1)
#endif
        memcpy(to, from, size);
    (void)id_bytes;
}

static lab_status finish(encoder *e, const lab_tensor *map, bool raw, lab_buffer **out,
                         lab_error *error)
{
    size_t total = e->size + (raw ? map->size : 0);
    *out = lab_buffer_new(e->ctx, total);
    if (!*out)
        return lab_error_nomem(error, total, "an encoded label map");
    uint8_t *bytes = lab_buffer_data(*out);
    memcpy(bytes, e->bytes, e->size);
    if (raw)
        copy_ids(bytes + e->size, map->data, map->size, (uint32_t)lab_dtype_size(map->dtype));
    return LAB_OK;
}

static lab_status check_map(const lab_tensor *map, lab_error *error)
{
    char text[128];
    if (map->kind == LAB_LABELMAP && (map->dtype == LAB_U8 || map->dtype == LAB_U16) &&
        map->rank == 2 && map->shape[0] > 0 && map->shape[1] > 0 && map->data) {
        uint64_t pixels = (uint64_t)map->shape[0] * (uint64_t)map->shape[1];
        if (pixels <= LAB_MAP_MAX_PIXELS)
            return LAB_OK;
        return lab_error_set(
            error, LAB_E_LIMIT,
            "a label map of %dx%d pixels is larger than the %llu that can be stored", map->shape[1],
            map->shape[0], (unsigned long long)LAB_MAP_MAX_PIXELS);
    }
    lab_tensor_describe(map, text, sizeof text);
    return lab_error_set(error, LAB_E_INVALID, "expected a label map to encode, got %s", text);
}

lab_status lab_map_encode(lab_context *ctx, const lab_tensor *map, lab_buffer **out,
                          lab_error *error)
{
    *out = NULL;
    lab_status status = check_map(map, error);
    if (status)
        return status;
    uint32_t height = (uint32_t)map->shape[0], width = (uint32_t)map->shape[1];
    size_t scratch_size = 2 * ((size_t)width + 1) * sizeof(lab_map_run);
    lab_map_run *scratch = lab_alloc(ctx, scratch_size);
    if (!scratch)
        return lab_error_nomem(error, scratch_size, "the rows of a label map");
    unsigned id_bytes = (unsigned)lab_dtype_size(map->dtype);
    encoder e = { .ctx = ctx, .limit = map->size + HEADER_MAX };
    put_header(&e, width, height, id_bytes);
    bool raw = !encode_rows(&e, map, scratch);
    if (raw) {
        e.size = 0;
        put_header(&e, width, height, id_bytes | LAB_MAP_RAW);
    }
    status = e.no_memory ? lab_error_nomem(error, 2 * e.capacity, "an encoded label map")
                         : finish(&e, map, raw, out, error);
    lab_free(ctx, scratch);
    lab_free(ctx, e.bytes);
    return status;
}

static void fill(lab_tensor *out, const lab_map_rows *rows, uint32_t id_bytes)
{
    size_t stride = (size_t)out->shape[1] * id_bytes;
    uint8_t *first = (uint8_t *)out->data + rows->y * stride;
    for (uint32_t i = 0; i < rows->n_runs; i++) {
        uint32_t x = rows->runs[i].x, end = rows->runs[i + 1].x, id = rows->runs[i].class_id;
        if (id_bytes == 1) {
            memset(first + x, (int)id, end - x);
        } else {
            uint16_t *ids = (uint16_t *)(void *)first;
            for (; x < end; x++)
                ids[x] = (uint16_t)id;
        }
    }
    for (uint32_t k = 1; k < rows->count; k++)
        memcpy(first + k * stride, first, stride);
}

static lab_status decode_rows(lab_context *ctx, lab_map_reader *reader, lab_tensor *out,
                              lab_error *error)
{
    size_t scratch_size = lab_map_scratch(reader);
    void *scratch = lab_alloc(ctx, scratch_size);
    if (!scratch)
        return lab_error_nomem(error, scratch_size, "the rows of a label map");
    lab_map_start(reader, scratch);
    lab_map_rows rows;
    lab_status status;
    while (!(status = lab_map_next(reader, &rows, error)) && rows.count)
        fill(out, &rows, reader->id_bytes);
    lab_free(ctx, scratch);
    return status;
}

lab_status lab_map_decode(lab_context *ctx, const void *bytes, size_t size, lab_tensor *out,
                          lab_error *error)
{
    memset(out, 0, sizeof *out);
    lab_map_reader reader;
    lab_status status = lab_map_open(&reader, bytes, size, error);
    if (status)
        return status;
    int32_t shape[2] = { (int32_t)reader.height, (int32_t)reader.width };
    status = lab_tensor_new(ctx, LAB_LABELMAP, reader.id_bytes == 1 ? LAB_U8 : LAB_U16, 2, shape,
                            out, error);
    if (status)
        return status;
    if (reader.raw)
        copy_ids(out->data, reader.bytes + reader.at, out->size, reader.id_bytes);
    else
        status = decode_rows(ctx, &reader, out, error);
    if (status)
        lab_tensor_clear(out);
    return status;
}
