/* Label sets in Lua: names and colours by class id. Class ids are 0-based data. */
#include "lua/lua_util.h"

#define LABELS "lab.Labels"

typedef struct lua_labels {
    lab_labels *labels; /* NULL: closed */
} lua_labels;

static lua_labels *push_closed(lua_State *L)
{
    lua_labels *box = lua_newuserdatauv(L, sizeof *box, 0);
    box->labels = NULL;
    luaL_setmetatable(L, LABELS);
    return box;
}

void lab_lua_push_labels_of(lua_State *L, int at)
{
    at = lua_absindex(L, at);
    lua_labels *box = push_closed(L);
    box->labels = lab_labels_ref(lab_lua_check_value(L, at, LAB_NONE)->tensor.labels);
    if (!box->labels)
        lua_pushnil(L);
}

static lab_labels *check_labels(lua_State *L, int at)
{
    lua_labels *box = luaL_checkudata(L, at, LABELS);
    if (!box->labels)
        luaL_error(L, "attempt to use a closed label set");
    return box->labels;
}

lab_labels *lab_lua_opt_labels(lua_State *L, int at)
{
    return lua_isnoneornil(L, at) ? NULL : check_labels(L, at);
}

/* ---- core.labels{name=, names={…}, colors={…}} ---- */

static uint32_t check_color(lua_State *L, lua_Integer i)
{
    int exact;
    lua_Integer color = lua_tointegerx(L, -1, &exact);
    if (!exact || lua_type(L, -1) != LUA_TNUMBER || color < 0 || color > 0xFFFFFF)
        luaL_error(L, "core.labels: colors[%I] must be 0x000000..0xFFFFFF, got %s", (LUAI_UACINT)i,
                   luaL_tolstring(L, -1, NULL));
    return (uint32_t)color;
}

/* The table in field `name` of argument 1, left on the stack; its length. */
static size_t push_list(lua_State *L, const char *name)
{
    if (lab_lua_push_field(L, 1, name) != LUA_TTABLE)
        luaL_error(L, "core.labels: %s must be a list, got %s", name, luaL_tolstring(L, -1, NULL));
    return (size_t)lua_rawlen(L, -1);
}

int lab_lua_new_labels(lua_State *L)
{
    static const char *const options[] = { "name", "names", "colors", NULL };
    static const char what[] = "core.labels";
    lab_lua_check_options(L, 1, what, options, false);
    lua_settop(L, 1);
    lab_lua_need_field(L, 1, what, "name");
    const char *set = lab_lua_field_string(L, 1, what, "name", NULL, NULL);
    size_t count = push_list(L, "names");
    size_t n_colors = push_list(L, "colors");
    if (count == 0 || count > LAB_LABELS_MAX)
        return luaL_error(L, "core.labels: names must have 1..%d entries, got %I",
                          (int)LAB_LABELS_MAX, (LUAI_UACINT)count);
    if (n_colors < count)
        return luaL_error(L, "core.labels: %I names need as many colors, got %I",
                          (LUAI_UACINT)count, (LUAI_UACINT)n_colors);
    const char **names = lua_newuserdatauv(L, count * sizeof *names, 0);
    uint32_t *colors = lua_newuserdatauv(L, count * sizeof *colors, 0);
    for (size_t i = 0; i < count; i++) {
        lua_Integer position = (lua_Integer)i + 1;
        if (lua_rawgeti(L, 2, position) != LUA_TSTRING)
            return luaL_error(L, "core.labels: names[%I] must be a string, got %s",
                              (LUAI_UACINT)position, luaL_tolstring(L, -1, NULL));
        names[i] = lua_tostring(L, -1); /* kept alive by the caller's table */
        lua_rawgeti(L, 3, position);
        colors[i] = check_color(L, position);
        lua_pop(L, 2);
    }
    lua_labels *box = push_closed(L);
    lab_error error;
    if (lab_labels_new(lab_lua_binding(L)->ctx, set, (uint32_t)count, names, colors, &box->labels,
                       &error)) {
        box->labels = NULL;
        return lab_lua_fail(L, &error);
    }
    return 1;
}

/* ---- methods ---- */

static int labels_close(lua_State *L)
{
    lua_labels *box = luaL_checkudata(L, 1, LABELS);
    lab_labels *labels = box->labels;
    box->labels = NULL;
    lab_labels_unref(labels);
    return 0;
}

static int labels_name(lua_State *L)
{
    lua_pushstring(L, lab_labels_set_name(check_labels(L, 1)));
    return 1;
}

static int labels_length(lua_State *L)
{
    lua_pushinteger(L, lab_labels_count(check_labels(L, 1)));
    return 1;
}

/* The id at argument 2; false when it is outside the set. */
static bool check_id(lua_State *L, const lab_labels *labels, uint32_t *id)
{
    lua_Integer value = luaL_checkinteger(L, 2);
    *id = (uint32_t)value;
    return value >= 0 && value < (lua_Integer)lab_labels_count(labels);
}

static int labels_label(lua_State *L)
{
    const lab_labels *labels = check_labels(L, 1);
    uint32_t id;
    if (!check_id(L, labels, &id))
        return 0;
    lua_pushstring(L, lab_labels_name(labels, id));
    return 1;
}

static int labels_color(lua_State *L)
{
    const lab_labels *labels = check_labels(L, 1);
    uint32_t id;
    if (!check_id(L, labels, &id))
        return 0;
    uint32_t color = lab_labels_color(labels, id);
    lua_pushinteger(L, color >> 16 & 255);
    lua_pushinteger(L, color >> 8 & 255);
    lua_pushinteger(L, color & 255);
    return 3;
}

/* l:find(name [, from]): the lowest id >= from (default 0) with this name. */
static int labels_find(lua_State *L)
{
    const char *name = luaL_checkstring(L, 2);
    lua_Integer from = luaL_optinteger(L, 3, 0);
    luaL_argcheck(L, from >= 0 && from <= (lua_Integer)LAB_LABELS_MAX, 3, "out of range");
    const lab_labels *labels = check_labels(L, 1);
    lab_error error;
    uint32_t id;
    if (lab_labels_find(labels, name, (uint32_t)from, &id, &error))
        return lab_lua_fail(L, &error);
    lua_pushinteger(L, id);
    return 1;
}

static int labels_eq(lua_State *L)
{
    const lua_labels *a = luaL_testudata(L, 1, LABELS), *b = luaL_testudata(L, 2, LABELS);
    lua_pushboolean(L, a && b && a->labels && a->labels == b->labels);
    return 1;
}

static int labels_tostring(lua_State *L)
{
    lua_labels *box = luaL_checkudata(L, 1, LABELS);
    if (!box->labels)
        lua_pushliteral(L, "labels (closed)");
    else
        lua_pushfstring(L, "labels %s (%I classes)", lab_labels_set_name(box->labels),
                        (LUAI_UACINT)lab_labels_count(box->labels));
    return 1;
}

void lab_lua_open_labels(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__len", labels_length },
                                     { "__eq", labels_eq },
                                     { "__tostring", labels_tostring },
                                     { NULL, NULL } };
    static const luaL_Reg methods[] = { { "name", labels_name },
                                        { "label", labels_label },
                                        { "color", labels_color },
                                        { "find", labels_find },
                                        { NULL, NULL } };
    lab_lua_new_class(L, LABELS, labels_close, meta, methods);
    lua_pop(L, 1);
}
