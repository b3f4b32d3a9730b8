/* SQL statements of a catalog in Lua. NULL is nil; text and blobs are strings. */
#include "lua/lua_util.h"

#include <string.h>

#define STATEMENT "lab.Statement"

/* User value 1 is the catalog: it stays reachable as long as the statement. */
typedef struct lua_statement {
    lab_statement *statement; /* NULL: closed */
} lua_statement;

/* Using a statement after its catalog was closed is misuse, like using it closed. */
static lab_statement *check_statement(lua_State *L)
{
    lua_statement *box = luaL_checkudata(L, 1, STATEMENT);
    if (!box->statement)
        luaL_error(L, "attempt to use a closed statement");
    lua_getiuservalue(L, 1, 1);
    lab_lua_check_catalog(L, -1);
    lua_pop(L, 1);
    return box->statement;
}

int lab_lua_prepare(lua_State *L)
{
    const char *sql = luaL_checkstring(L, 2);
    lab_lua_check_catalog(L, 1);
    lua_settop(L, 2);
    lua_statement *box = lua_newuserdatauv(L, sizeof *box, 1);
    box->statement = NULL;
    luaL_setmetatable(L, STATEMENT);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    lab_error error;
    const char *tail = sql;
    if (lab_statement_new(lab_lua_check_catalog(L, 1), sql, &tail, &box->statement, &error)) {
        box->statement = NULL;
        return lab_lua_fail(L, &error);
    }
    if (!box->statement) { /* nothing but white space and comments */
        lua_pushboolean(L, false);
        lua_replace(L, 3);
    }
    lua_pushstring(L, tail ? tail : "");
    return 2;
}

static int statement_close(lua_State *L)
{
    lua_statement *box = luaL_checkudata(L, 1, STATEMENT);
    lab_statement *statement = box->statement;
    box->statement = NULL;
    lab_statement_free(statement);
    return 0;
}

static int statement_tostring(lua_State *L)
{
    lua_statement *box = luaL_checkudata(L, 1, STATEMENT);
    lua_pushstring(L, box->statement ? "statement" : "statement (closed)");
    return 1;
}

/* ---- binding ---- */

/* The value on top: nil, boolean, number, string, or {blob = bytes}. `name` is for messages. */
static void bind_value(lua_State *L, int param, const char *name)
{
    lab_statement *statement = check_statement(L);
    lab_error error;
    lab_status status;
    size_t size;
    switch (lua_type(L, -1)) {
    case LUA_TNIL:
        status = lab_statement_bind_null(statement, param, &error);
        break;
    case LUA_TBOOLEAN:
        status = lab_statement_bind_integer(statement, param, lua_toboolean(L, -1), &error);
        break;
    case LUA_TNUMBER:
        status = lua_isinteger(L, -1)
                     ? lab_statement_bind_integer(statement, param, lua_tointeger(L, -1), &error)
                     : lab_statement_bind_real(statement, param, lua_tonumber(L, -1), &error);
        break;
    case LUA_TSTRING: {
        const char *text = lua_tolstring(L, -1, &size);
        status = lab_statement_bind_text(statement, param, text, size, &error);
        break;
    }
    case LUA_TTABLE: {
        static const char *const options[] = { "blob", NULL };
        lab_lua_check_options(L, lua_gettop(L), "bind", options, false);
        lab_lua_need_field(L, -1, "bind", "blob");
        const char *bytes = lab_lua_field_string(L, -1, "bind", "blob", NULL, &size);
        status = lab_statement_bind_blob(check_statement(L), param, bytes, size, &error);
        break;
    }
    default:
        luaL_error(L, "bind: parameter %s cannot be a %s", name, luaL_typename(L, -1));
        return;
    }
    if (status)
        luaL_error(L, "bind: parameter %s: %s", name, error.message);
}

static void bind_position(lua_State *L, lua_Integer param)
{
    lua_Integer count = lab_statement_parameter_count(check_statement(L));
    if (param < 1 || param > count)
        luaL_error(L, "bind: there is no parameter %I: the statement has %I", (LUAI_UACINT)param,
                   (LUAI_UACINT)count);
    const char *name = lua_pushfstring(L, "%I", (LUAI_UACINT)param);
    lua_insert(L, -2);
    bind_value(L, (int)param, name);
    lua_pop(L, 2);
}

/* Keys are names, or positions. */
static void bind_table(lua_State *L, int at)
{
    lua_pushnil(L);
    while (lua_next(L, at)) {
        if (lua_isinteger(L, -2)) {
            bind_position(L, lua_tointeger(L, -2));
            continue; /* the value is popped */
        }
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "bind: parameters have names or positions, got a %s",
                       luaL_typename(L, -2));
        const char *name = lua_tostring(L, -2);
        int param = lab_statement_parameter(check_statement(L), name);
        if (param == 0)
            luaL_error(L, "bind: the statement has no parameter '%s'", name);
        bind_value(L, param, name);
        lua_pop(L, 1);
    }
}

static int statement_bind(lua_State *L)
{
    int top = lua_gettop(L);
    check_statement(L);
    if (top == 2 && lua_istable(L, 2)) {
        bind_table(L, 2);
    } else {
        int count = lab_statement_parameter_count(check_statement(L));
        if (top - 1 != count)
            return luaL_error(L, "bind: the statement has %d parameter%s, got %d value%s", count,
                              count == 1 ? "" : "s", top - 1, top == 2 ? "" : "s");
        for (int i = 1; i <= count; i++) {
            lua_pushvalue(L, i + 1);
            bind_position(L, i);
        }
    }
    lua_settop(L, 1);
    return 1;
}

/* ---- stepping ---- */

static int statement_step(lua_State *L)
{
    lab_error error;
    bool row = false;
    if (lab_statement_step(check_statement(L), &row, &error))
        return lab_lua_fail(L, &error);
    lua_pushboolean(L, row);
    return 1;
}

static void push_column(lua_State *L, int column)
{
    lab_statement *statement = check_statement(L);
    switch (lab_statement_column_type(statement, column)) {
    case LAB_COLUMN_INTEGER:
        lua_pushinteger(L, lab_statement_integer(statement, column));
        break;
    case LAB_COLUMN_REAL:
        lua_pushnumber(L, lab_statement_real(statement, column));
        break;
    case LAB_COLUMN_TEXT:
    case LAB_COLUMN_BLOB: {
        size_t size = 0;
        const char *bytes = lab_statement_bytes(statement, column, &size);
        lua_pushlstring(L, bytes ? bytes : "", bytes ? size : 0);
        break;
    }
    case LAB_COLUMN_NULL:
        lua_pushnil(L);
        break;
    }
}

static int statement_row(lua_State *L)
{
    lua_settop(L, 1);
    int count = lab_statement_columns(check_statement(L));
    lua_createtable(L, count, 1);
    for (int i = 0; i < count; i++) {
        push_column(L, i);
        lua_rawseti(L, 2, i + 1);
    }
    lab_lua_set_integer(L, "n", count);
    return 1;
}

static int statement_columns(lua_State *L)
{
    lua_settop(L, 1);
    int count = lab_statement_columns(check_statement(L));
    lua_createtable(L, count, 0);
    for (int i = 0; i < count; i++) {
        lua_pushstring(L, lab_statement_column_name(check_statement(L), i));
        lua_rawseti(L, 2, i + 1);
    }
    return 1;
}

static int statement_parameters(lua_State *L)
{
    lua_pushinteger(L, lab_statement_parameter_count(check_statement(L)));
    return 1;
}

static int statement_reset(lua_State *L)
{
    lab_error error;
    if (lab_statement_reset(check_statement(L), &error))
        return lab_lua_fail(L, &error);
    lua_settop(L, 1);
    return 1;
}

void lab_lua_open_statements(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__tostring", statement_tostring }, { NULL, NULL } };
    static const luaL_Reg methods[] = {
        { "bind", statement_bind },
        { "step", statement_step },
        { "row", statement_row },
        { "columns", statement_columns },
        { "reset", statement_reset },
        { "parameters", statement_parameters },
        { NULL, NULL },
    };
    lab_lua_new_class(L, STATEMENT, statement_close, meta, methods);
    lua_pop(L, 1);
}
