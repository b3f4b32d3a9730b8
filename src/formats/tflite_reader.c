/* Bounds-checked flatbuffer access: see tflite_reader.h. */
#include "formats/tflite_reader.h"

#include <string.h>

#include "base/checked.h"

lab_status tfl_fail(tfl_reader *reader, lab_status status, const char *fmt, ...)
{
    if (reader->status == LAB_OK) {
        char text[LAB_MESSAGE_MAX];
        va_list args;
        va_start(args, fmt);
        vsnprintf(text, sizeof text, fmt, args);
        va_end(args);
        reader->status = status;
        lab_builder_fail(reader->builder, status, "%s%s%s", reader->context,
                         reader->context[0] ? ": " : "", text);
    }
    return reader->status;
}

/* Whether `length` bytes at `at` are in the file. */
static bool inside(const tfl_reader *reader, size_t at, size_t length)
{
    return at <= reader->size && length <= reader->size - at;
}

static uint16_t get_u16(const tfl_reader *reader, size_t at)
{
    return (uint16_t)(reader->bytes[at] | reader->bytes[at + 1] << 8);
}

static uint32_t get_u32(const tfl_reader *reader, size_t at)
{
    return get_u16(reader, at) | (uint32_t)get_u16(reader, at + 2) << 16;
}

static uint64_t get_u64(const tfl_reader *reader, size_t at)
{
    return get_u32(reader, at) | (uint64_t)get_u32(reader, at + 4) << 32;
}

static float as_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The target of the reference at `at`, which is known to be inside. */
static size_t follow(tfl_reader *reader, size_t at, size_t length, const char *what)
{
    size_t distance = get_u32(reader, at), to;
    if (distance == 0 || !lab_add_size(at, distance, &to) || !inside(reader, to, length)) {
        tfl_fail(reader, LAB_E_FORMAT,
                 "byte %zu: %s is said to be %zu bytes further on; the file ends at %zu", at, what,
                 distance, reader->size);
        return 0;
    }
    return to;
}

static tfl_table open_table(tfl_reader *reader, size_t at, const char *what)
{
    tfl_table none = { 0, 0, 0, 0 }, table = { at, 0, 0, 0 };
    int64_t vtable = (int64_t)at - (int32_t)get_u32(reader, at);
    if (vtable < 0 || !inside(reader, (size_t)vtable, 4)) {
        tfl_fail(reader, LAB_E_FORMAT, "byte %zu: the field list of %s is outside the file", at,
                 what);
        return none;
    }
    table.vtable = (size_t)vtable;
    table.vtable_size = get_u16(reader, table.vtable);
    table.size = get_u16(reader, table.vtable + 2);
    if (table.vtable_size < 4 || !inside(reader, table.vtable, table.vtable_size) ||
        table.size < 4 || !inside(reader, at, table.size)) {
        tfl_fail(reader, LAB_E_FORMAT,
                 "byte %zu: %s of %u bytes with a field list of %u at byte %zu does not fit the "
                 "file",
                 at, what, table.size, table.vtable_size, table.vtable);
        return none;
    }
    return table;
}

/* The offset of a field of `length` bytes; 0 when it is absent. */
static size_t find_field(tfl_reader *reader, const tfl_table *table, uint32_t slot, size_t length)
{
    size_t entry = 4 + 2 * (size_t)slot;
    if (reader->status || table->at == 0 || entry + 2 > table->vtable_size)
        return 0;
    size_t offset = get_u16(reader, table->vtable + entry);
    if (offset == 0)
        return 0;
    if (offset < 4 || offset + length > table->size) {
        tfl_fail(reader, LAB_E_FORMAT,
                 "byte %zu: field %u lies at %zu of a table of %u bytes at byte %zu",
                 table->vtable + entry, slot, offset, table->size, table->at);
        return 0;
    }
    return table->at + offset;
}

tfl_table tfl_root(tfl_reader *reader)
{
    tfl_table none = { 0, 0, 0, 0 };
    if (!inside(reader, 0, 8)) {
        tfl_fail(reader, LAB_E_FORMAT, "the file has only %zu bytes", reader->size);
        return none;
    }
    size_t at = follow(reader, 0, 4, "the model");
    return reader->status ? none : open_table(reader, at, "the model");
}

uint8_t tfl_u8(tfl_reader *reader, const tfl_table *table, uint32_t slot, uint8_t fallback)
{
    size_t at = find_field(reader, table, slot, 1);
    return at ? reader->bytes[at] : fallback;
}

int8_t tfl_i8(tfl_reader *reader, const tfl_table *table, uint32_t slot, int8_t fallback)
{
    return (int8_t)tfl_u8(reader, table, slot, (uint8_t)fallback);
}

uint32_t tfl_u32(tfl_reader *reader, const tfl_table *table, uint32_t slot, uint32_t fallback)
{
    size_t at = find_field(reader, table, slot, 4);
    return at ? get_u32(reader, at) : fallback;
}

int32_t tfl_i32(tfl_reader *reader, const tfl_table *table, uint32_t slot, int32_t fallback)
{
    return (int32_t)tfl_u32(reader, table, slot, (uint32_t)fallback);
}

uint64_t tfl_u64(tfl_reader *reader, const tfl_table *table, uint32_t slot, uint64_t fallback)
{
    size_t at = find_field(reader, table, slot, 8);
    return at ? get_u64(reader, at) : fallback;
}

float tfl_f32(tfl_reader *reader, const tfl_table *table, uint32_t slot, float fallback)
{
    size_t at = find_field(reader, table, slot, 4);
    return at ? as_float(get_u32(reader, at)) : fallback;
}

tfl_table tfl_get_table(tfl_reader *reader, const tfl_table *table, uint32_t slot, const char *what)
{
    tfl_table none = { 0, 0, 0, 0 };
    size_t at = find_field(reader, table, slot, 4);
    size_t to = at ? follow(reader, at, 4, what) : 0;
    return to ? open_table(reader, to, what) : none;
}

tfl_vector tfl_get_vector(tfl_reader *reader, const tfl_table *table, uint32_t slot,
                          size_t item_size, const char *what)
{
    tfl_vector none = { 0, 0, false };
    size_t at = find_field(reader, table, slot, 4);
    size_t to = at ? follow(reader, at, 4, what) : 0;
    if (!to)
        return none;
    uint32_t count = get_u32(reader, to);
    size_t length;
    if (!lab_mul_size(count, item_size, &length) || !inside(reader, to + 4, length)) {
        tfl_fail(reader, LAB_E_FORMAT,
                 "byte %zu: %s has %u elements of %zu bytes; the file ends at %zu", to, what, count,
                 item_size, reader->size);
        return none;
    }
    return (tfl_vector){ to + 4, count, true };
}

const char *tfl_get_string(tfl_reader *reader, const tfl_table *table, uint32_t slot,
                           const char *what)
{
    tfl_vector text = tfl_get_vector(reader, table, slot, 1, what);
    if (!text.present)
        return "";
    if (!inside(reader, text.at, (size_t)text.count + 1) || reader->bytes[text.at + text.count]) {
        tfl_fail(reader, LAB_E_FORMAT, "byte %zu: %s is text without an end", text.at, what);
        return "";
    }
    return (const char *)reader->bytes + text.at;
}

tfl_table tfl_table_at(tfl_reader *reader, const tfl_vector *vector, uint32_t i, const char *what)
{
    tfl_table none = { 0, 0, 0, 0 };
    if (reader->status || i >= vector->count)
        return none;
    size_t to = follow(reader, vector->at + 4 * (size_t)i, 4, what);
    return to ? open_table(reader, to, what) : none;
}

int32_t tfl_i32_at(const tfl_reader *reader, const tfl_vector *vector, uint32_t i)
{
    return i < vector->count ? (int32_t)get_u32(reader, vector->at + 4 * (size_t)i) : 0;
}

int64_t tfl_i64_at(const tfl_reader *reader, const tfl_vector *vector, uint32_t i)
{
    return i < vector->count ? (int64_t)get_u64(reader, vector->at + 8 * (size_t)i) : 0;
}

float tfl_f32_at(const tfl_reader *reader, const tfl_vector *vector, uint32_t i)
{
    return i < vector->count ? as_float(get_u32(reader, vector->at + 4 * (size_t)i)) : 0.0f;
}
