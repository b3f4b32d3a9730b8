/*
 * Operators from Lua, all by one function: arguments are handed to the lab_call by the names in the
 * descriptor, checked there, and the result comes back as a value, rows or a string. So
 *
 *     v:NAME{width = 3}      options by name
 *     v:NAME(3)              the operator's main parameter alone
 *     v:NAME(3, {…})         and options
 *     v:NAME{"a", "b", x=1}  the positional part of a table is the main parameter, as a list
 *
 * Methods of services (lua_service.c) are called the same way.
 */
#include "lua/lua_util.h"

#include <string.h>

/* ---- one argument ---- */

typedef struct call_site {
    lab_call *call;
    const lab_op *op;
} call_site;

static int fail_call(lua_State *L, const call_site *site, const lab_error *error)
{
    /* Messages of the call interface start with the operator's name; the rest may not. */
    size_t length = strlen(site->op->name);
    if (error->status == LAB_E_INVALID && strncmp(error->message, site->op->name, length) != 0)
        return luaL_error(L, "%s: %s", site->op->name, error->message);
    return lab_lua_fail(L, error);
}

/* Setting an argument fails only by misuse or for want of memory: both raise. */
static void must_set(lua_State *L, const call_site *site, lab_status status, lab_error *error)
{
    if (!status)
        return;
    error->status = LAB_E_INVALID;
    fail_call(L, site, error);
}

static void set_list(lua_State *L, const call_site *site, uint32_t param, int at)
{
    lab_error error = { LAB_OK, "" };
    lua_Integer count = (lua_Integer)lua_rawlen(L, at);
    if (count == 0)
        must_set(L, site, lab_call_set_empty(site->call, param, &error), &error);
    for (lua_Integer i = 1; i <= count; i++) {
        lab_status status = LAB_OK;
        switch (lua_rawgeti(L, at, i)) {
        case LUA_TNUMBER:
            status = lab_call_add_number(site->call, param, lua_tonumber(L, -1), &error);
            break;
        case LUA_TSTRING:
            status = lab_call_add_name(site->call, param, lua_tostring(L, -1), &error);
            break;
        default:
            luaL_error(L, "%s: %s[%I] must be a number or a string, got a %s", site->op->name,
                       site->op->params[param].name, (LUAI_UACINT)i, luaL_typename(L, -1));
        }
        must_set(L, site, status, &error);
        lua_pop(L, 1);
    }
}

/* The argument at index `at` (absolute). */
static void set_argument(lua_State *L, const call_site *site, uint32_t param, int at)
{
    const char *name = site->op->params[param].name;
    lab_error error = { LAB_OK, "" };
    lab_status status = LAB_OK;
    switch (lua_type(L, at)) {
    case LUA_TBOOLEAN:
        status = lab_call_set_bool(site->call, param, lua_toboolean(L, at), &error);
        break;
    case LUA_TNUMBER:
        if (lua_isinteger(L, at))
            status = lab_call_set_int(site->call, param, lua_tointeger(L, at), &error);
        else
            status = lab_call_set_float(site->call, param, lua_tonumber(L, at), &error);
        break;
    case LUA_TSTRING: {
        size_t size;
        const char *text = lua_tolstring(L, at, &size);
        status = lab_call_set_string(site->call, param, text, size, &error);
        break;
    }
    case LUA_TTABLE: {
        lab_type type = site->op->params[param].type;
        if (type == LAB_FLOATS || type == LAB_CLASSES || type == LAB_COLOR) {
            set_list(L, site, param, at);
        } else if (lua_rawlen(L, at) == 1) { /* mask:feather{3} */
            lua_rawgeti(L, at, 1);
            if (lua_istable(L, -1))
                luaL_error(L, "%s: %s takes no list", site->op->name, name);
            set_argument(L, site, param, lua_gettop(L));
            lua_pop(L, 1);
        } else {
            luaL_error(L, "%s: %s takes no list", site->op->name, name);
        }
        return;
    }
    default: {
        lab_lua_value *value = lab_lua_test_value(L, at);
        if (!value)
            luaL_error(L, "%s: %s must be %s %s, got %s", site->op->name, name,
                       strchr("aeiou", *lab_type_name(site->op->params[param].type)) ? "an" : "a",
                       lab_type_name(site->op->params[param].type), luaL_tolstring(L, at, NULL));
        status = lab_call_set_tensor(site->call, param, &value->tensor, &error);
    }
    }
    must_set(L, site, status, &error);
}

/* ---- all arguments ---- */

static uint32_t main_parameter(lua_State *L, const call_site *site, int at)
{
    const lab_param *params = site->op->params;
    for (uint32_t i = 0; params && params[i].name; i++) {
        if (params[i].flags & LAB_PARAM_MAIN)
            return i;
    }
    return (uint32_t)luaL_error(L, "%s: options go in a table, {name = value}; got %s",
                                site->op->name, luaL_tolstring(L, at, NULL));
}

/* Named options of the table at `at`; whole-number keys are its positional part. */
static void set_options(lua_State *L, const call_site *site, int at, bool positional)
{
    lab_error error;
    lua_pushnil(L);
    while (lua_next(L, at)) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            uint32_t param;
            if (lab_call_param(site->call, lua_tostring(L, -2), &param, &error))
                fail_call(L, site, &error);
            set_argument(L, site, param, lua_gettop(L));
        } else if (!positional || !lua_isinteger(L, -2)) {
            luaL_error(L, "%s: options have names, got a %s as a key", site->op->name,
                       luaL_typename(L, -2));
        }
        lua_pop(L, 1);
    }
}

static void set_table(lua_State *L, const call_site *site, int at)
{
    bool positional = lua_rawlen(L, at) > 0;
    if (positional) {
        uint32_t param = main_parameter(L, site, at);
        const char *name = site->op->params[param].name;
        if (lab_lua_push_field(L, at, name) != LUA_TNIL)
            luaL_error(L, "%s: %s is given twice, by position and by name", site->op->name, name);
        lua_pop(L, 1);
        set_argument(L, site, param, at);
    }
    set_options(L, site, at, positional);
}

static void set_arguments(lua_State *L, const call_site *site, int top)
{
    if (top > 3)
        luaL_error(L, "%s: too many arguments (at most one and a table of options)",
                   site->op->name);
    if (top == 3 && lua_isnil(L, 3))
        top = 2;
    if (top == 2 && lua_istable(L, 2)) {
        set_table(L, site, 2);
        return;
    }
    if (top >= 2 && !lua_isnil(L, 2))
        set_argument(L, site, main_parameter(L, site, 2), 2);
    if (top == 3) {
        luaL_checktype(L, 3, LUA_TTABLE);
        set_options(L, site, 3, false);
    }
}

int lab_lua_new_call(lua_State *L, const lab_op *op, lab_call **call, int options)
{
    lab_error error;
    const lab_tensor *input = &lab_lua_check_value(L, 1, op->in)->tensor;
    if (lab_call_new(lab_lua_binding(L)->registry, op, input, call, &error)) {
        *call = NULL;
        return fail_call(L, &(call_site){ NULL, op }, &error);
    }
    if (lua_istable(L, options))
        set_options(L, &(call_site){ *call, op }, options, false);
    return 0;
}

/* ---- the result ---- */

static void push_field(lua_State *L, const lab_field *field)
{
    switch (field->type) {
    case LAB_INT:
        lua_pushinteger(L, field->integer);
        break;
    case LAB_FLOAT:
        lua_pushnumber(L, field->number);
        break;
    case LAB_BOOL:
        lua_pushboolean(L, field->integer != 0);
        break;
    case LAB_STRING:
        lua_pushstring(L, field->string);
        break;
    case LAB_BYTES:
        lua_pushlstring(L, field->string, field->size);
        break;
    default: /* a list of integers */
        lua_createtable(L, (int)field->count, 0);
        for (uint32_t i = 0; i < field->count; i++) {
            lua_pushinteger(L, field->list[i]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
    }
}

static void push_record(lua_State *L, const lab_record *record)
{
    lua_newtable(L);
    for (const lab_field *field = record->fields; field; field = field->next) {
        push_field(L, field);
        lua_setfield(L, -2, field->name);
    }
}

static void push_records(lua_State *L, const lab_record *record)
{
    lua_newtable(L);
    for (lua_Integer n = 1; record; record = record->next, n++) {
        push_record(L, record);
        lua_rawseti(L, -2, n);
    }
}

/* What has no userdata of its own. */
static void push_data(lua_State *L, const call_site *site)
{
    const lab_record *rows = lab_call_records(site->call);
    size_t size;
    const uint8_t *bytes;
    switch (site->op->out) {
    case LAB_NONE:
        lua_pushboolean(L, true);
        break;
    case LAB_RECORDS:
        push_records(L, rows);
        break;
    case LAB_RECORD:
        if (rows)
            push_record(L, rows);
        else
            lua_pushnil(L);
        break;
    case LAB_BYTES:
        bytes = lab_call_bytes(site->call, &size);
        lua_pushlstring(L, bytes ? (const char *)bytes : "", bytes ? size : 0);
        break;
    default:
        push_field(L, lab_call_value(site->call));
    }
}

static int push_result(lua_State *L, const call_site *site, lab_lua_value *out)
{
    lab_error error;
    if (out) {
        if (lab_call_take_tensor(site->call, &out->tensor, &error))
            return fail_call(L, site, &error);
        lab_lua_value_opened(L, out);
    } else {
        push_data(L, site);
    }
    return 1;
}

lab_lua_value *lab_lua_push_out(lua_State *L, const lab_op *op)
{
    return op->out >= LAB_TENSOR && op->out <= LAB_MASK ? lab_lua_push_value(L, op->out) : NULL;
}

/* ---- for lua_service.c ---- */

int lab_lua_call_failed(lua_State *L, const lab_op *op, const lab_error *error)
{
    return fail_call(L, &(call_site){ NULL, op }, error);
}

void lab_lua_set_arguments(lua_State *L, lab_call *call, const lab_op *op, int top)
{
    set_arguments(L, &(call_site){ call, op }, top);
}

int lab_lua_push_result(lua_State *L, lab_call *call, const lab_op *op, lab_lua_value *out)
{
    return push_result(L, &(call_site){ call, op }, out);
}

/* ---- the call ---- */

static void release_call(void *ptr)
{
    lab_call_free(ptr);
}

lab_lua_guard *lab_lua_new_call_guard(lua_State *L)
{
    return lab_lua_new_guard(L, release_call);
}

static int run_op(lua_State *L)
{
    const lab_op *op = lua_touserdata(L, lua_upvalueindex(1));
    call_site site = { NULL, op };
    int top = lua_gettop(L);
    lab_error error;
    lab_lua_check_value(L, 1, op->in);
    lab_lua_guard *guard = lab_lua_new_call_guard(L);
    lab_registry *registry = lab_lua_binding(L)->registry;
    const lab_tensor *input = &lab_lua_check_value(L, 1, op->in)->tensor;
    if (lab_call_new(registry, op, input, &site.call, &error))
        return fail_call(L, &site, &error);
    guard->ptr = site.call;
    set_arguments(L, &site, top);
    lab_lua_value *out = lab_lua_push_out(L, op);
    if (lab_call_run(site.call, &error))
        return fail_call(L, &site, &error);
    return push_result(L, &site, out);
}

void lab_lua_push_op(lua_State *L, const lab_op *op)
{
    lua_pushlightuserdata(L, (void *)op);
    lua_pushcclosure(L, run_op, 1);
}

int lab_lua_op_name(lua_State *L)
{
    lua_CFunction f = lua_tocfunction(L, 1);
    if ((f != run_op && f != lab_lua_run_method) || !lua_getupvalue(L, 1, 1))
        return 0;
    const lab_op *op = lua_touserdata(L, -1);
    lua_pushstring(L, op->name);
    return 1;
}
