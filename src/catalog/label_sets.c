/* Label sets in the catalog: equal ones are stored once, told apart by a digest of their text. */
#include "catalog/catalog_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/sha256.h"

/* One line a class, name first line: what the digest is of. NULL when there is no memory. */
static char *describe(lab_context *ctx, const lab_labels *labels, size_t *size)
{
    uint32_t count = lab_labels_count(labels);
    size_t capacity = strlen(lab_labels_set_name(labels)) + 2;
    for (uint32_t i = 0; i < count; i++)
        if (!lab_add_size(capacity, strlen(lab_labels_name(labels, i)) + 9, &capacity))
            return NULL;
    char *text = lab_alloc(ctx, capacity), *end = text;
    if (!text)
        return NULL;
    end += snprintf(end, capacity, "%s\n", lab_labels_set_name(labels));
    for (uint32_t i = 0; i < count; i++)
        end += snprintf(end, capacity - (size_t)(end - text), "#%06x %s",
                        lab_labels_color(labels, i) & 0xffffff, lab_labels_name(labels, i)) +
               1; /* the NUL between two classes keeps names with line breaks apart */
    *size = (size_t)(end - text);
    return text;
}

static lab_status add_labels(lab_catalog *catalog, const lab_labels *labels, int64_t set,
                             lab_error *error)
{
    lab_status status = LAB_OK;
    for (uint32_t i = 0; i < lab_labels_count(labels) && !status; i++) {
        char color[8];
        snprintf(color, sizeof color, "#%06x", lab_labels_color(labels, i) & 0xffffff);
        lab_sql_value values[] = { lab_sql_int(set), lab_sql_int(i),
                                   lab_sql_text(lab_labels_name(labels, i)), lab_sql_text(color) };
        status = lab_query_run(catalog, LAB_QUERY_ADD_LABEL, values, 4, NULL, error);
    }
    return status;
}

lab_status lab_label_set_store(lab_catalog *catalog, const lab_labels *labels, int64_t *id,
                               lab_error *error)
{
    *id = 0;
    if (!labels)
        return LAB_OK;
    char digest[LAB_SHA256_HEX];
    size_t size;
    char *text = describe(catalog->ctx, labels, &size);
    if (!text)
        return lab_error_nomem(error, 32 * (size_t)lab_labels_count(labels), "a label set");
    lab_sha256_hex(text, size, digest);
    lab_free(catalog->ctx, text);
    lab_sql_value find[] = { lab_sql_text(digest) };
    lab_status status = lab_query_run(catalog, LAB_QUERY_FIND_LABEL_SET, find, 1, id, error);
    if (status || *id)
        return status;
    lab_sql_value add[] = { lab_sql_text(lab_labels_set_name(labels)), lab_sql_text(digest),
                            lab_sql_int(lab_labels_count(labels)) };
    status = lab_query_run(catalog, LAB_QUERY_ADD_LABEL_SET, add, 3, id, error);
    return status ? status : add_labels(catalog, labels, *id, error);
}

/* What is read from the catalog before a label set is made of it. */
typedef struct loading {
    lab_arena arena;
    char *name;
    const char **names;
    uint32_t *colors;
    uint32_t count;
} loading;

static bool parse_color(const char *text, uint32_t *color)
{
    char *end;
    if (!text || *text != '#' || strlen(text) != 7)
        return false;
    *color = (uint32_t)strtoul(text + 1, &end, 16);
    return *end == '\0';
}

static char *column_text(loading *set, sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return text ? lab_arena_strdup(&set->arena, text) : NULL;
}

static lab_status load_head(lab_catalog *catalog, int64_t id, loading *set, lab_error *error)
{
    sqlite3_stmt *stmt;
    lab_sql_value value = lab_sql_int(id);
    lab_status status = lab_query_bind(catalog, LAB_QUERY_READ_LABEL_SET, &value, 1, &stmt, error);
    if (status)
        return status;
    int rc = sqlite3_step(stmt);
    int64_t count = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 1) : 0;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        status = lab_sql_error(catalog, rc, "reading a label set", error);
    } else if (count < 1 || count > LAB_LABELS_MAX) {
        status = lab_error_set(error, LAB_E_FORMAT,
                               "catalog %s: label set %lld has %lld classes, where 1 to %u are "
                               "allowed",
                               catalog->path, (long long)id, (long long)count, LAB_LABELS_MAX);
    } else {
        set->count = (uint32_t)count;
        set->name = column_text(set, stmt, 0);
        set->names = lab_arena_array(&set->arena, set->count, sizeof *set->names);
        set->colors = lab_arena_array(&set->arena, set->count, sizeof *set->colors);
        if (!set->name || !set->names || !set->colors)
            status = lab_error_nomem(error, set->count * sizeof *set->names, "a label set");
    }
    sqlite3_reset(stmt);
    return status;
}

static lab_status load_labels(lab_catalog *catalog, int64_t id, loading *set, lab_error *error)
{
    sqlite3_stmt *stmt;
    lab_sql_value value = lab_sql_int(id);
    lab_status status = lab_query_bind(catalog, LAB_QUERY_READ_LABELS, &value, 1, &stmt, error);
    if (status)
        return status;
    uint32_t n = 0;
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && n < set->count && !status) {
        if (sqlite3_column_int64(stmt, 0) != n ||
            !parse_color((const char *)sqlite3_column_text(stmt, 2), &set->colors[n]))
            break;
        set->names[n] = column_text(set, stmt, 1);
        if (!set->names[n++])
            status = lab_error_nomem(error, 16, "a label");
    }
    sqlite3_reset(stmt);
    if (!status && rc != SQLITE_ROW && rc != SQLITE_DONE)
        return lab_sql_error(catalog, rc, "reading labels", error);
    if (!status && (n != set->count || rc != SQLITE_DONE))
        return lab_error_set(error, LAB_E_FORMAT,
                             "catalog %s: label set %lld should have the classes 0 to %u, each "
                             "with a name and a colour like #c0ffee: class %u is wrong",
                             catalog->path, (long long)id, set->count - 1, n);
    return status;
}

lab_status lab_label_set_load(lab_catalog *catalog, int64_t id, lab_labels **out, lab_error *error)
{
    *out = NULL;
    loading set = { .count = 0 };
    lab_arena_init(&set.arena, catalog->ctx);
    lab_status status = load_head(catalog, id, &set, error);
    if (!status)
        status = load_labels(catalog, id, &set, error);
    if (!status)
        status =
            lab_labels_new(catalog->ctx, set.name, set.count, set.names, set.colors, out, error);
    if (status == LAB_E_INVALID) { /* not the caller's mistake, but the file's */
        lab_error_prefix(error, "catalog %s: label set %lld", catalog->path, (long long)id);
        status = LAB_E_FORMAT;
        if (error)
            error->status = status;
    }
    lab_arena_reset(&set.arena);
    return status;
}
