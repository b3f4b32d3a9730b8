/*
 * Label maps to PNG: class ids stay ids, colours are only the palette. The file is put together
 * here, signature, header, palette, data, because libpng (which reads it back, indexed_png.c) can
 * only compress with zlib and row by row.
 */
#include <libdeflate.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "image/bytes.h"
#include "image/deflate.h"
#include "image/indexed_png.h"
#include "image/palette.h"

#define SIGNATURE "\x89PNG\r\n\x1a\n"
#define CHUNK_EXTRA ((size_t)12) /* length, type, checksum */
#define HEADER_SIZE 13u
#define MAX_CHUNK ((size_t)INT32_MAX) /* PNG's own limit of a chunk's length */
#define MAX_COLORS 256u
/* Everything but the data. */
#define AROUND (sizeof SIGNATURE - 1 + 4 * CHUNK_EXTRA + HEADER_SIZE + (size_t)3 * MAX_COLORS)

static uint8_t *put_be32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
    return at + 4;
}

/* Closes the chunk at `at` whose `size` bytes of data lie 8 bytes further on; returns its end. */
static uint8_t *end_chunk(uint8_t *at, const char *type, size_t size)
{
    put_be32(at, (uint32_t)size);
    memcpy(at + 4, type, 4);
    return put_be32(at + 8 + size, libdeflate_crc32(0, at + 4, 4 + size));
}

static uint8_t *put_header(uint8_t *at, const lab_tensor *map)
{
    bool wide = map->dtype == LAB_U16;
    uint8_t *data = put_be32(at + 8, (uint32_t)map->shape[1]);
    data = put_be32(data, (uint32_t)map->shape[0]);
    data[0] = wide ? 16 : 8; /* bits */
    data[1] = wide ? 0 : 3;  /* grey : indexed */
    memset(data + 2, 0, 3);  /* deflate, the usual filters, not interlaced */
    return end_chunk(at, "IHDR", HEADER_SIZE);
}

/* The palette covers every id that occurs: a pixel beyond it would make the PNG invalid. */
static uint8_t *put_palette(uint8_t *at, const lab_tensor *map)
{
    const uint8_t *ids = map->data;
    uint32_t count = map->labels ? lab_labels_count(map->labels) : MAX_COLORS;
    uint8_t highest = 0;
    for (size_t i = 0; i < map->size; i++)
        highest = ids[i] > highest ? ids[i] : highest;
    count = count <= highest ? highest + 1u : count;
    count = count > MAX_COLORS ? MAX_COLORS : count;
    for (uint32_t id = 0; id < count; id++) {
        uint32_t color = lab_class_color(map->labels, id);
        uint8_t *rgb = at + 8 + 3 * (size_t)id;
        rgb[0] = (uint8_t)(color >> 16);
        rgb[1] = (uint8_t)(color >> 8);
        rgb[2] = (uint8_t)color;
    }
    return end_chunk(at, "PLTE", 3 * (size_t)count);
}

/* The rows as PNG has them: a filter byte, then big-endian samples. Neighbouring ids have no
 * arithmetic in common: filters would only hide their runs. */
static void fill_rows(uint8_t *rows, const lab_tensor *map)
{
    size_t width = (size_t)map->shape[1];
    for (int32_t y = 0; y < map->shape[0]; y++) {
        *rows++ = 0;
        if (map->dtype == LAB_U8) {
            memcpy(rows, (const uint8_t *)map->data + (size_t)y * width, width);
            rows += width;
            continue;
        }
        const uint16_t *ids = (const uint16_t *)map->data + (size_t)y * width;
        for (size_t x = 0; x < width; x++, rows += 2) {
            rows[0] = (uint8_t)(ids[x] >> 8);
            rows[1] = (uint8_t)ids[x];
        }
    }
}

/* Puts the file together in `bytes`, which has the room; false: no memory. */
static bool write_file(lab_bytes *bytes, const lab_tensor *map, const uint8_t *rows, size_t size,
                       int level)
{
    uint8_t *at = bytes->data;
    memcpy(at, SIGNATURE, sizeof SIGNATURE - 1);
    at = put_header(at + sizeof SIGNATURE - 1, map);
    if (map->dtype == LAB_U8)
        at = put_palette(at, map);
    size_t packed = lab_deflate(rows, size, level, at + 8, lab_deflate_bound(size));
    if (packed == 0)
        return false;
    at = end_chunk(at, "IDAT", packed);
    at = end_chunk(at, "IEND", 0);
    bytes->size = (size_t)(at - bytes->data);
    return true;
}

lab_status lab_labelmap_encode(lab_context *ctx, const lab_tensor *map, int level, lab_buffer **out,
                               lab_error *error)
{
    size_t size = 0;
    bool fits = lab_add_size(map->size, (size_t)map->shape[0], &size) && size <= MAX_CHUNK / 2 &&
                lab_deflate_bound(size) <= MAX_CHUNK;
    if (!fits)
        return lab_error_set(error, LAB_E_LIMIT, "a label map of %dx%d pixels is too large for PNG",
                             map->shape[1], map->shape[0]);
    lab_bytes bytes = { .ctx = ctx, .room = AROUND + lab_deflate_bound(size) };
    uint8_t *rows = lab_alloc(ctx, size);
    bytes.data = lab_alloc(ctx, bytes.room);
    bool written = false;
    if (rows && bytes.data) {
        fill_rows(rows, map);
        written = write_file(&bytes, map, rows, size, level);
    }
    lab_free(ctx, rows);
    if (written)
        return lab_bytes_take(&bytes, out, error);
    lab_bytes_free(&bytes);
    return lab_error_nomem(error, size, "a label map's PNG");
}
