/* See db_support.h. */
#include "db/db_support.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog/map_codec.h"

int db_setup(void **state)
{
    lab_error error;
    db_fixture *fixture = calloc(1, sizeof *fixture);
    const char *base = getenv("TMPDIR");
    if (!fixture)
        return -1;
    snprintf(fixture->folder, sizeof fixture->folder, "%s/lualab-db-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(fixture->folder) || lab_context_init(&fixture->ctx, NULL, 1, &error)) {
        free(fixture);
        return -1;
    }
    *state = fixture;
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info, (void)type, (void)at;
    return remove(path);
}

int db_teardown(void **state)
{
    db_fixture *fixture = *state;
    lab_context_finish(&fixture->ctx);
    nftw(fixture->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return 0;
}

const char *db_path(const db_fixture *fixture, int slot, const char *name)
{
    static char paths[4][512];
    snprintf(paths[slot], sizeof paths[slot], "%s/%s", fixture->folder, name);
    return paths[slot];
}

uint32_t db_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

static void put_class(lab_tensor *map, int32_t x, int32_t y, uint32_t id)
{
    size_t at = (size_t)y * (size_t)map->shape[1] + (size_t)x;
    if (map->dtype == LAB_U8)
        ((uint8_t *)map->data)[at] = (uint8_t)id;
    else
        ((uint16_t *)map->data)[at] = (uint16_t)id;
}

uint32_t db_class(const lab_tensor *map, int32_t x, int32_t y)
{
    size_t at = (size_t)y * (size_t)map->shape[1] + (size_t)x;
    return map->dtype == LAB_U8 ? ((const uint8_t *)map->data)[at]
                                : ((const uint16_t *)map->data)[at];
}

lab_status db_scene(lab_context *ctx, lab_dtype dtype, int32_t width, int32_t height,
                    uint32_t discs, lab_labels *labels, lab_tensor *out, lab_error *error)
{
    int32_t shape[2] = { height, width };
    lab_status status = lab_tensor_new(ctx, LAB_LABELMAP, dtype, 2, shape, out, error);
    if (status)
        return status;
    memset(out->data, 0, out->size);
    uint64_t noise = 42;
    for (uint32_t i = 0; i < discs; i++) {
        int32_t cx = (int32_t)(db_random(&noise) % (uint32_t)width);
        int32_t cy = (int32_t)(db_random(&noise) % (uint32_t)height);
        int32_t r = 2 + (int32_t)(db_random(&noise) % (uint32_t)(height / 4 + 1));
        uint32_t id = dtype == LAB_U8 ? 1 + i % 3 : 1 + i % 3 * 1000;
        for (int32_t y = 0; y < height; y++)
            for (int32_t x = 0; x < width; x++)
                if ((x - cx) * (x - cx) + 2 * (y - cy) * (y - cy) < r * r)
                    put_class(out, x, y, id);
    }
    if (labels)
        lab_tensor_set_labels(out, labels);
    return LAB_OK;
}

lab_labels *db_labels(lab_context *ctx)
{
    static const char *const names[] = { "sky", "person", "bicycle", "O'Brien's\nsign" };
    static const uint32_t colors[] = { 0x000000, 0xc08080, 0x008000, 0xffffff };
    lab_labels *labels = NULL;
    lab_error error;
    assert_ok(lab_labels_new(ctx, "street", 4, names, colors, &labels, &error));
    return labels;
}

/* Steps once; the caller frees *statement. */
static bool first_row(lab_catalog *catalog, const char *sql, lab_statement **statement)
{
    lab_error error;
    bool row;
    assert_ok(lab_statement_new(catalog, sql, NULL, statement, &error));
    assert_ok(lab_statement_step(*statement, &row, &error));
    return row;
}

int64_t db_integer(lab_catalog *catalog, const char *sql)
{
    lab_statement *statement;
    int64_t value = first_row(catalog, sql, &statement) ? lab_statement_integer(statement, 0) : -1;
    lab_statement_free(statement);
    return value;
}

double db_real(lab_catalog *catalog, const char *sql)
{
    lab_statement *statement;
    double value = first_row(catalog, sql, &statement) ? lab_statement_real(statement, 0) : -1;
    lab_statement_free(statement);
    return value;
}

const char *db_text(lab_catalog *catalog, const char *sql, char *text, size_t size)
{
    lab_statement *statement;
    const char *value = "(none)";
    size_t length;
    if (first_row(catalog, sql, &statement)) {
        value = lab_statement_bytes(statement, 0, &length);
        value = value ? value : "(null)";
    }
    snprintf(text, size, "%s", value);
    lab_statement_free(statement);
    return text;
}

lab_status db_execute(lab_catalog *catalog, const char *sql, lab_error *error)
{
    lab_statement *statement;
    lab_status status = lab_statement_new(catalog, sql, NULL, &statement, error);
    bool row = true;
    while (!status && row)
        status = lab_statement_step(statement, &row, error);
    lab_statement_free(statement);
    return status;
}

uint32_t db_measure(const lab_tensor *map, lab_segment_record *out, uint32_t limit)
{
    uint32_t n = 0;
    int32_t height = map->shape[0], width = map->shape[1];
    for (int32_t y = 0; y < height; y++) {
        for (int32_t x = 0; x < width; x++) {
            int32_t id = (int32_t)db_class(map, x, y);
            uint32_t i = 0;
            while (i < n && out[i].class_id != id)
                i++;
            if (i == n && n == limit)
                continue;
            if (i == n)
                out[n++] = (lab_segment_record){
                    .class_id = id, .regions = 1, .box = { x, y, x, y }, .score = -1
                };
            lab_segment_record *s = &out[i];
            s->pixels++;
            s->box[0] = x < s->box[0] ? x : s->box[0];
            s->box[2] = x > s->box[2] ? x : s->box[2];
            s->box[3] = y;
            s->centroid[0] += x;
            s->centroid[1] += y;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        lab_segment_record *s = &out[i];
        s->fraction = (double)s->pixels / ((double)width * height);
        s->centroid[0] /= (double)s->pixels;
        s->centroid[1] /= (double)s->pixels;
        s->box[2] += 1 - s->box[0];
        s->box[3] += 1 - s->box[1];
    }
    return n;
}

lab_status db_record(lab_catalog *catalog, int64_t run, int64_t model, const char *path,
                     const char *sha256, const lab_tensor *map, int64_t *id, lab_error *error)
{
    lab_status status = lab_catalog_begin_result(catalog, run, model, path, id, error);
    if (status)
        return status;
    lab_segment_record segments[8];
    uint32_t n = db_measure(map, segments, 8);
    lab_image_record image = { sha256, path, 12345, map->shape[1], map->shape[0], "jpeg" };
    return lab_catalog_finish_result(catalog, *id, &image, map, segments, n,
                                     "{\"decode\": 9.25, \"segment\": 895.1}", error);
}

void db_insert_bytes(lab_catalog *catalog, int id, const void *bytes, size_t size)
{
    lab_error error;
    lab_statement *s;
    bool row;
    assert_ok(
        lab_statement_new(catalog, "INSERT OR REPLACE INTO m VALUES (?, ?)", NULL, &s, &error));
    assert_ok(lab_statement_bind_integer(s, 1, id, &error));
    assert_ok(lab_statement_bind_blob(s, 2, bytes, size, &error));
    assert_ok(lab_statement_step(s, &row, &error));
    lab_statement_free(s);
}

void db_insert_map(lab_context *ctx, lab_catalog *catalog, int id, const lab_tensor *map)
{
    lab_error error;
    lab_buffer *bytes;
    assert_ok(lab_map_encode(ctx, map, &bytes, &error));
    db_insert_bytes(catalog, id, lab_buffer_data(bytes), lab_buffer_size(bytes));
    lab_buffer_unref(bytes);
}
