/*
 * map_png(map [, colors]): a label map as an indexed PNG whose pixels are the class ids. `colors`
 * is a text with a colour like #c0ffee for each class from 0 on, whatever stands between them:
 *
 *     SELECT map_png(r.map, p.colors) FROM results r JOIN v_palettes p USING (label_set)
 *
 * Without it, and for classes beyond it, the colours are those of Pascal VOC. Maps with 16-bit ids
 * become 16-bit grey. NULL in, NULL out, except that NULL colours are none.
 */
#include "catalog/map_functions.h"

#include <string.h>

#include "base/error.h"
#include "catalog/map_codec.h"
#include "image/indexed_png.h"

#define MAX_COLORS 256u
#define LEVEL 4 /* of compression: pictures for looking at, made while somebody waits */

static const char name[] = "map_png";

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)((at - digits) & 15) : -1;
}

/* "#rrggbb" at `text`. */
static bool read_color(const char *text, uint32_t *color)
{
    *color = 0;
    for (int i = 1; i <= 6; i++) {
        int digit = hex_digit(text[i]);
        if (digit < 0)
            return false;
        *color = *color << 4 | (uint32_t)digit;
    }
    return true;
}

static lab_status read_colors(lab_context *ctx, const char *text, lab_labels **out,
                              lab_error *error)
{
    const char *names[MAX_COLORS];
    uint32_t colors[MAX_COLORS], n = 0;
    for (const char *at = strchr(text, '#'); at; at = strchr(at + 1, '#')) {
        if (n == MAX_COLORS || !read_color(at, &colors[n]))
            return lab_error_set(error, LAB_E_INVALID,
                                 "colour %u at \"%.8s\": at most %u colours like #c0ffee are "
                                 "expected",
                                 n, at, MAX_COLORS);
        names[n++] = "-";
    }
    return n ? lab_labels_new(ctx, "colors", n, names, colors, out, error) : LAB_OK;
}

static lab_status encode(lab_context *ctx, sqlite3_value *value, lab_labels *labels,
                         lab_buffer **out, lab_error *error)
{
    lab_tensor map;
    if (sqlite3_value_type(value) != SQLITE_BLOB)
        return lab_error_set(error, LAB_E_INVALID, "expected a label map (a blob)");
    const void *bytes = sqlite3_value_blob(value);
    size_t size = (size_t)sqlite3_value_bytes(value);
    lab_status status = lab_map_decode(ctx, bytes ? bytes : "", bytes ? size : 0, &map, error);
    if (status)
        return status;
    if (labels)
        lab_tensor_set_labels(&map, labels);
    status = lab_labelmap_encode(ctx, &map, LEVEL, out, error);
    lab_tensor_clear(&map);
    return status;
}

static void map_png(sqlite3_context *context, int n, sqlite3_value **values)
{
    lab_context *ctx = sqlite3_user_data(context);
    lab_labels *labels = NULL;
    lab_buffer *png = NULL;
    lab_error error;
    lab_status status = LAB_OK;
    if (n < 1 || n > 2)
        status = lab_error_set(&error, LAB_E_INVALID,
                               "expected a map and perhaps its colours, got %d arguments", n);
    else if (lab_any_null(1, values))
        return;
    if (!status && n > 1 && sqlite3_value_type(values[1]) != SQLITE_NULL) {
        const char *text = (const char *)sqlite3_value_text(values[1]);
        status =
            text ? read_colors(ctx, text, &labels, &error) : lab_error_nomem(&error, 1, "a text");
    }
    if (!status)
        status = encode(ctx, values[0], labels, &png, &error);
    if (status)
        lab_map_fail(context, name, &error);
    else
        sqlite3_result_blob64(context, lab_buffer_data(png), lab_buffer_size(png),
                              SQLITE_TRANSIENT);
    lab_buffer_unref(png);
    lab_labels_unref(labels);
}

int lab_map_picture_register(sqlite3 *db, lab_context *ctx, void (*end)(void *ctx))
{
    return sqlite3_create_function_v2(db, name, -1, LAB_SQL_PURE, ctx, map_png, NULL, NULL, end);
}
