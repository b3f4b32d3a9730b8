/* The catalog in Lua: opening, recording, reading maps back. SQL itself is lua_statement.c. */
#include "lua/lua_util.h"

#include <string.h>

#define CATALOG "lab.Catalog"

typedef struct lua_catalog {
    lab_catalog *catalog; /* NULL: closed */
} lua_catalog;

lab_catalog *lab_lua_check_catalog(lua_State *L, int at)
{
    lua_catalog *box = luaL_checkudata(L, at, CATALOG);
    if (!box->catalog)
        luaL_error(L, "attempt to use a closed catalog");
    return box->catalog;
}

static lab_catalog *check(lua_State *L)
{
    return lab_lua_check_catalog(L, 1);
}

/* ---- life ---- */

int lab_lua_open_catalog(lua_State *L)
{
    static const char *const modes[] = { "read", "write", "create", NULL };
    static const lab_catalog_mode values[] = { LAB_CATALOG_READ, LAB_CATALOG_WRITE,
                                               LAB_CATALOG_CREATE };
    const char *path = luaL_checkstring(L, 1);
    lab_catalog_mode mode = values[luaL_checkoption(L, 2, NULL, modes)];
    lua_catalog *box = lua_newuserdatauv(L, sizeof *box, 0);
    box->catalog = NULL;
    luaL_setmetatable(L, CATALOG);
    lab_error error;
    if (lab_catalog_open(lab_lua_binding(L)->ctx, path, mode, &box->catalog, &error)) {
        box->catalog = NULL;
        return lab_lua_fail(L, &error);
    }
    return 1;
}

static int catalog_close(lua_State *L)
{
    lua_catalog *box = luaL_checkudata(L, 1, CATALOG);
    lab_catalog *catalog = box->catalog;
    box->catalog = NULL;
    lab_catalog_close(catalog);
    return 0;
}

static int catalog_tostring(lua_State *L)
{
    lua_catalog *box = luaL_checkudata(L, 1, CATALOG);
    if (box->catalog)
        lua_pushfstring(L, "catalog %s", lab_catalog_path(box->catalog));
    else
        lua_pushliteral(L, "catalog (closed)");
    return 1;
}

/* ---- about it ---- */

static int catalog_path(lua_State *L)
{
    lua_pushstring(L, lab_catalog_path(check(L)));
    return 1;
}

static int catalog_version(lua_State *L)
{
    lua_pushinteger(L, lab_catalog_version(check(L)));
    return 1;
}

static int catalog_changes(lua_State *L)
{
    lua_pushinteger(L, lab_catalog_changes(check(L)));
    return 1;
}

static int catalog_last_id(lua_State *L)
{
    lua_pushinteger(L, lab_catalog_last_id(check(L)));
    return 1;
}

static int catalog_time_limit(lua_State *L)
{
    lua_Number seconds = luaL_checknumber(L, 2);
    luaL_argcheck(L, seconds >= 0 && seconds < 1e9, 2, "seconds must be 0 (no limit) or more");
    lab_catalog_time_limit(check(L), seconds);
    return 0;
}

static int catalog_value_limit(lua_State *L)
{
    lua_Integer bytes = luaL_checkinteger(L, 2);
    luaL_argcheck(L, bytes >= 1 && bytes <= 1000000000, 2, "bytes must be 1 to 1000000000");
    lab_catalog_value_limit(check(L), (int)bytes);
    return 0;
}

static int catalog_backup(lua_State *L)
{
    const char *path = luaL_checkstring(L, 2);
    lab_error error;
    if (lab_catalog_backup(check(L), path, &error))
        return lab_lua_fail(L, &error);
    lua_pushboolean(L, true);
    return 1;
}

/* ---- recording ---- */

static int push_id(lua_State *L, lab_status status, int64_t id, const lab_error *error)
{
    if (status)
        return lab_lua_fail(L, error);
    lua_pushinteger(L, id);
    return 1;
}

static int push_done(lua_State *L, lab_status status, const lab_error *error)
{
    if (status)
        return lab_lua_fail(L, error);
    lua_pushboolean(L, true);
    return 1;
}

/* A field that fits in int32_t. */
static int32_t field_int32(lua_State *L, int at, const char *what, const char *name, int32_t def)
{
    lua_Integer value = lab_lua_field_integer(L, at, what, name, def);
    if (value < INT32_MIN || value > INT32_MAX)
        luaL_error(L, "%s: %s is out of range: %I", what, name, (LUAI_UACINT)value);
    return (int32_t)value;
}

static const char *field_text(lua_State *L, int at, const char *what, const char *name)
{
    return lab_lua_field_string(L, at, what, name, NULL, NULL);
}

static const char *need_text(lua_State *L, int at, const char *what, const char *name)
{
    lab_lua_need_field(L, at, what, name);
    return field_text(L, at, what, name);
}

static int catalog_add_model(lua_State *L)
{
    static const char *const options[] = { "sha256",      "name",         "path",
                                           "format",      "licence",      "labels",
                                           "input_width", "input_height", NULL };
    static const char what[] = "add_model";
    check(L);
    lab_lua_check_options(L, 2, what, options, false);
    lab_model_record record = {
        .sha256 = need_text(L, 2, what, "sha256"),
        .name = need_text(L, 2, what, "name"),
        .path = field_text(L, 2, what, "path"),
        .format = field_text(L, 2, what, "format"),
        .licence = field_text(L, 2, what, "licence"),
        .input_width = field_int32(L, 2, what, "input_width", 0),
        .input_height = field_int32(L, 2, what, "input_height", 0),
    };
    lab_lua_push_field(L, 2, "labels");
    record.labels = lab_lua_opt_labels(L, lua_gettop(L));
    lab_error error;
    int64_t id = 0;
    lab_status status = lab_catalog_add_model(check(L), &record, &id, &error);
    return push_id(L, status, id, &error);
}

static int catalog_begin_run(lua_State *L)
{
    static const char *const options[] = { "command", "pipeline", "version",
                                           "kernels", "threads",  NULL };
    static const char what[] = "begin_run";
    check(L);
    lab_lua_check_options(L, 2, what, options, false);
    lab_run_record record = {
        .command = need_text(L, 2, what, "command"),
        .pipeline = field_text(L, 2, what, "pipeline"),
        .version = lab_lua_field_string(L, 2, what, "version", LAB_VERSION, NULL),
        .kernels = lab_lua_field_string(L, 2, what, "kernels", "best", NULL),
        .threads = field_int32(L, 2, what, "threads",
                               (int32_t)lab_pool_threads(lab_lua_binding(L)->ctx->pool)),
    };
    lab_error error;
    int64_t id = 0;
    lab_status status = lab_catalog_begin_run(check(L), &record, &id, &error);
    return push_id(L, status, id, &error);
}

static int catalog_finish_run(lua_State *L)
{
    static const char *const states[] = { "done", "failed", "interrupted", NULL };
    lua_Integer run = luaL_checkinteger(L, 2);
    const char *state = states[luaL_checkoption(L, 3, NULL, states)];
    lab_error error;
    lab_status status = lab_catalog_finish_run(check(L), run, state, &error);
    return push_done(L, status, &error);
}

static int catalog_begin_result(lua_State *L)
{
    static const char *const options[] = { "run", "model", "path", NULL };
    static const char what[] = "begin_result";
    check(L);
    lab_lua_check_options(L, 2, what, options, false);
    lab_lua_need_field(L, 2, what, "run");
    lua_Integer run = lab_lua_field_integer(L, 2, what, "run", 0);
    lua_Integer model = lab_lua_field_integer(L, 2, what, "model", 0);
    const char *path = need_text(L, 2, what, "path");
    lab_error error;
    int64_t id = 0;
    lab_status status = lab_catalog_begin_result(check(L), run, model, path, &id, &error);
    return push_id(L, status, id, &error);
}

static int catalog_fail_result(lua_State *L)
{
    lua_Integer result = luaL_checkinteger(L, 2);
    const char *reason = luaL_checkstring(L, 3);
    lab_error error;
    lab_status status = lab_catalog_fail_result(check(L), result, reason, &error);
    return push_done(L, status, &error);
}

/* ---- finish_result ---- */

static const char finish[] = "finish_result";

static void read_image(lua_State *L, lab_image_record *image)
{
    static const char *const options[] = { "sha256", "path",   "bytes", "width",
                                           "height", "format", NULL };
    if (lab_lua_push_field(L, 3, "image") != LUA_TTABLE)
        luaL_error(L, "%s: image must be a table, got a %s", finish, luaL_typename(L, -1));
    int at = lua_gettop(L);
    lab_lua_check_options(L, at, "finish_result: image", options, false);
    *image = (lab_image_record){
        .sha256 = need_text(L, at, finish, "sha256"),
        .path = need_text(L, at, finish, "path"),
        .bytes = lab_lua_field_integer(L, at, finish, "bytes", 0),
        .width = field_int32(L, at, finish, "width", 0),
        .height = field_int32(L, at, finish, "height", 0),
        .format = field_text(L, at, finish, "format"),
    };
    lua_pop(L, 1);
}

/* The list {x, y, width, height} in field "box" of the row on top; absent: left alone. */
static void read_box(lua_State *L, int32_t box[4])
{
    int type = lab_lua_push_field(L, -1, "box");
    if (type != LUA_TNIL && type != LUA_TTABLE)
        luaL_error(L, "%s: legend: box must be a list, got a %s", finish, luaL_typename(L, -1));
    for (lua_Integer i = 1; type == LUA_TTABLE && i <= 4; i++) {
        int exact;
        lua_rawgeti(L, -1, i);
        lua_Integer side = lua_tointegerx(L, -1, &exact);
        if (!exact || side < INT32_MIN || side > INT32_MAX)
            luaL_error(L, "%s: legend: box[%I] must be a whole number, got %s", finish,
                       (LUAI_UACINT)i, luaL_tolstring(L, -1, NULL));
        box[i - 1] = (int32_t)side;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* The row on top, as map:legend{} makes it; names and colours are the label set's business. */
static void read_segment(lua_State *L, lab_segment_record *segment)
{
    int32_t box[4] = { 0, 0, 0, 0 };
    int at = lua_gettop(L);
    lab_lua_need_field(L, at, finish, "id");
    lab_lua_need_field(L, at, finish, "pixels");
    read_box(L, box);
    *segment = (lab_segment_record){
        .class_id = field_int32(L, at, finish, "id", 0),
        .pixels = lab_lua_field_integer(L, at, finish, "pixels", 0),
        .fraction = lab_lua_field_number(L, at, finish, "fraction", 0),
        .box = { box[0], box[1], box[2], box[3] },
        .centroid = { lab_lua_field_number(L, at, finish, "centroid_x", 0),
                      lab_lua_field_number(L, at, finish, "centroid_y", 0) },
        .regions = field_int32(L, at, finish, "regions", 0),
        .score = lab_lua_field_number(L, at, finish, "score", -1),
    };
}

/* Pushes an array that Lua owns. */
static lab_segment_record *read_legend(lua_State *L, uint32_t *count)
{
    if (lab_lua_push_field(L, 3, "legend") != LUA_TTABLE)
        luaL_error(L, "%s: legend must be a list of rows, got a %s", finish, luaL_typename(L, -1));
    int at = lua_gettop(L);
    lua_Unsigned n = lua_rawlen(L, at);
    if (n > LAB_LABELS_MAX)
        luaL_error(L, "%s: legend has %I rows (max %d)", finish, (LUAI_UACINT)n,
                   (int)LAB_LABELS_MAX);
    lab_segment_record *segments = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *segments, 0);
    for (lua_Unsigned i = 0; i < n; i++) {
        if (lua_rawgeti(L, at, (lua_Integer)i + 1) != LUA_TTABLE)
            luaL_error(L, "%s: legend[%I] must be a table, got a %s", finish, (LUAI_UACINT)i + 1,
                       luaL_typename(L, -1));
        read_segment(L, &segments[i]);
        lua_pop(L, 1);
    }
    *count = (uint32_t)n;
    return segments;
}

static int catalog_finish_result(lua_State *L)
{
    static const char *const options[] = { "image", "map", "legend", "timings", NULL };
    lua_settop(L, 3);
    check(L);
    lua_Integer result = luaL_checkinteger(L, 2);
    lab_lua_check_options(L, 3, finish, options, false);
    lab_image_record image;
    read_image(L, &image);
    uint32_t count;
    const lab_segment_record *segments = read_legend(L, &count);
    const char *timings = lab_lua_field_string(L, 3, finish, "timings", "{}", NULL);
    lab_lua_push_field(L, 3, "map");
    lab_lua_value *map = lab_lua_test_value(L, -1);
    if (!map || map->kind != LAB_LABELMAP)
        return luaL_error(L, "%s: map must be a labelmap, got a %s", finish, luaL_typename(L, -1));
    lab_error error;
    lab_status status = lab_catalog_finish_result(check(L), result, &image, &map->tensor, segments,
                                                  count, timings, &error);
    return push_done(L, status, &error);
}

static int catalog_map(lua_State *L)
{
    lua_Integer result = luaL_checkinteger(L, 2);
    check(L);
    lab_lua_value *out = lab_lua_push_value(L, LAB_LABELMAP);
    lab_error error;
    if (lab_catalog_map(check(L), result, &out->tensor, &error))
        return lab_lua_fail(L, &error);
    lab_lua_value_opened(L, out);
    return 1;
}

void lab_lua_open_catalogs(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__tostring", catalog_tostring }, { NULL, NULL } };
    static const luaL_Reg methods[] = {
        { "path", catalog_path },
        { "version", catalog_version },
        { "changes", catalog_changes },
        { "last_id", catalog_last_id },
        { "time_limit", catalog_time_limit },
        { "value_limit", catalog_value_limit },
        { "backup", catalog_backup },
        { "prepare", lab_lua_prepare },
        { "add_model", catalog_add_model },
        { "begin_run", catalog_begin_run },
        { "finish_run", catalog_finish_run },
        { "begin_result", catalog_begin_result },
        { "finish_result", catalog_finish_result },
        { "fail_result", catalog_fail_result },
        { "map", catalog_map },
        { NULL, NULL },
    };
    lab_lua_new_class(L, CATALOG, catalog_close, meta, methods);
    lua_pop(L, 1);
}
