/*
 * Label maps to bytes and back, as db/MAP_FORMAT.md has them: pixels to runs for the writer, runs
 * of the reader to pixels. Where runs would be longer than the plain class ids (noise), those are
 * stored instead, so a map never grows by more than its header.
 */
#include "catalog/map_codec.h"

#include <string.h>

#include "base/checked.h"
#include "catalog/map_writer.h"

/* False when plain ids would be as short, or memory ran out (writer->no_memory). */
static bool encode_rows(lab_map_writer *writer, const lab_tensor *map, lab_map_run *row)
{
    uint32_t height = (uint32_t)map->shape[0], width = (uint32_t)map->shape[1];
    size_t stride = (size_t)width * writer->id_bytes, limit = map->size + LAB_MAP_HEADER_MAX;
    const uint8_t *ids = map->data;
    for (uint32_t y = 0; y < height; y++, ids += stride) {
        if (y && !memcmp(ids, ids - stride, stride)) {
            lab_map_repeat_row(writer, 1);
            continue;
        }
        uint32_t n = lab_map_scan(ids, width, writer->id_bytes, row);
        lab_map_write_rows(writer, row, n, 1);
        if (writer->no_memory || writer->size >= limit)
            return false;
    }
    return lab_map_writer_finish(writer) && writer->size < limit;
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

static lab_status finish(lab_context *ctx, const lab_map_writer *writer, const lab_tensor *map,
                         bool raw, lab_buffer **out, lab_error *error)
{
    uint8_t header[LAB_MAP_HEADER_MAX];
    size_t at =
        lab_map_write_header(header, writer->width, writer->height, writer->id_bytes | LAB_MAP_RAW);
    size_t total = raw ? at + map->size : writer->size;
    *out = lab_buffer_new(ctx, total);
    if (!*out)
        return lab_error_nomem(error, total, "an encoded label map");
    uint8_t *bytes = lab_buffer_data(*out);
    memcpy(bytes, raw ? header : writer->bytes, raw ? at : writer->size);
    if (raw)
        copy_ids(bytes + at, map->data, map->size, writer->id_bytes);
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
    lab_error_set(error, LAB_E_INVALID, "expected a label map to encode, got %s", text);
    return LAB_E_INVALID;
}

lab_status lab_map_encode(lab_context *ctx, const lab_tensor *map, lab_buffer **out,
                          lab_error *error)
{
    *out = NULL;
    lab_status status = check_map(map, error);
    if (status)
        return status;
    uint32_t height = (uint32_t)map->shape[0], width = (uint32_t)map->shape[1];
    size_t row_size = ((size_t)width + 1) * sizeof(lab_map_run);
    lab_map_run *row = lab_alloc(ctx, row_size);
    if (!row)
        return lab_error_nomem(error, row_size, "the rows of a label map");
    lab_map_writer writer;
    lab_map_writer_start(&writer, &ctx->allocator, width, height,
                         (uint32_t)lab_dtype_size(map->dtype));
    bool raw = !encode_rows(&writer, map, row);
    status = writer.no_memory ? lab_error_nomem(error, 2 * writer.capacity, "an encoded label map")
                              : finish(ctx, &writer, map, raw, out, error);
    lab_free(ctx, row);
    lab_map_writer_free(&writer);
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
