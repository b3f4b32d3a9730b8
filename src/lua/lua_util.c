/* What the files of the binding share; see lua_util.h. */
#include "lua/lua_util.h"

#include <string.h>

/* Garbage of less than this is not worth a collection (about half a millisecond). A model, or the
 * memory for another run of it beside the first, is no garbage yet. */
static const size_t least_garbage[LAB_HELD_KINDS] = {
    [LAB_HELD_VALUES] = (size_t)4 << 20,
    [LAB_HELD_MODELS] = (size_t)32 << 20,
};

/* ---- the state behind the module ---- */

static const char binding_key = 0;

lab_binding *lab_lua_binding(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &binding_key);
    lab_binding *binding = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return binding;
}

/* Runs last when the state is closed, since its metatable was set first: no job is left then. */
static int end_binding(lua_State *L)
{
    lab_binding *binding = lua_touserdata(L, 1);
    lab_jobs_free(binding->jobs);
    binding->jobs = NULL;
    return 0;
}

static void new_binding(lua_State *L, lab_host *host)
{
    lab_binding *binding = lua_newuserdatauv(L, sizeof *binding, 0);
    *binding = (lab_binding){ .host = host,
                              .ctx = lab_host_context(host),
                              .registry = lab_host_registry(host) };
    for (size_t i = 0; i < LAB_HELD_KINDS; i++)
        binding->budgets[i].collect_at = least_garbage[i];
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, end_binding);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &binding_key);
}

lab_jobs *lab_lua_jobs(lua_State *L)
{
    lab_binding *binding = lab_lua_binding(L);
    lab_error error;
    unsigned threads = lab_jobs_default_threads(lab_pool_threads(binding->ctx->pool));
    if (!binding->jobs && lab_jobs_new(binding->ctx, threads, &binding->jobs, &error))
        binding->jobs = NULL;
    return binding->jobs;
}

/* After a collection: how much more each kind may hold before the next. */
static void set_budgets(lab_binding *binding)
{
    for (size_t i = 0; i < LAB_HELD_KINDS; i++) {
        lab_lua_budget *budget = &binding->budgets[i];
        size_t least = least_garbage[i];
        size_t garbage = budget->held / 2 > least ? budget->held / 2 : least;
        budget->collect_at = budget->held < SIZE_MAX - garbage ? budget->held + garbage : SIZE_MAX;
    }
}

void lab_lua_hold(lua_State *L, lab_held kind, size_t bytes)
{
    lab_binding *binding = lab_lua_binding(L);
    lab_lua_budget *budget = &binding->budgets[kind];
    budget->held += bytes;
    if (budget->held <= budget->collect_at || !lua_gc(L, LUA_GCISRUNNING))
        return;
    lua_gc(L, LUA_GCCOLLECT);
    set_budgets(binding);
}

void lab_lua_drop(lua_State *L, lab_held kind, size_t bytes)
{
    lab_lua_binding(L)->budgets[kind].held -= bytes;
}

size_t lab_lua_held(lua_State *L)
{
    const lab_binding *binding = lab_lua_binding(L);
    size_t sum = 0;
    for (size_t i = 0; i < LAB_HELD_KINDS; i++)
        sum += binding->budgets[i].held;
    return sum;
}

/* ---- errors ---- */

int lab_lua_fail(lua_State *L, const lab_error *error)
{
    if (error->status == LAB_E_INVALID)
        return luaL_error(L, "%s", error->message);
    luaL_pushfail(L);
    lua_pushstring(L, error->message);
    lua_pushstring(L, lab_status_name(error->status));
    return 3;
}

void lab_lua_push_nearest(lua_State *L, const char *word, int names)
{
    names = lua_absindex(L, names);
    size_t count = 0;
    size_t length = (size_t)luaL_len(L, names);
    const char **list = lua_newuserdatauv(L, (length + 1) * sizeof *list, 0);
    for (size_t i = 1; i <= length; i++) {
        if (lua_rawgeti(L, names, (lua_Integer)i) == LUA_TSTRING)
            list[count++] = lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    lua_pushstring(L, lab_nearest(word, list, count));
    lua_remove(L, -2);
}

int lab_lua_unknown(lua_State *L, const char *what, const char *word, int names)
{
    lab_lua_push_nearest(L, word, names);
    if (lua_isnil(L, -1))
        return luaL_error(L, "%s \"%s\"", what, word);
    return luaL_error(L, "%s \"%s\"; did you mean \"%s\"?", what, word, lua_tostring(L, -1));
}

/* ---- guards ---- */

#define GUARD "lab.Guard"

static int guard_release(lua_State *L)
{
    lab_lua_guard *guard = lua_touserdata(L, 1);
    void *ptr = guard->ptr;
    guard->ptr = NULL;
    if (ptr)
        guard->release(ptr);
    return 0;
}

static void open_guards(lua_State *L)
{
    static const luaL_Reg meta[] = { { "__gc", guard_release },
                                     { "__close", guard_release },
                                     { NULL, NULL } };
    luaL_newmetatable(L, GUARD);
    luaL_setfuncs(L, meta, 0);
    lua_pop(L, 1);
}

lab_lua_guard *lab_lua_new_guard(lua_State *L, void (*release)(void *ptr))
{
    lab_lua_guard *guard = lua_newuserdatauv(L, sizeof *guard, 0);
    *guard = (lab_lua_guard){ .release = release };
    luaL_setmetatable(L, GUARD);
    lua_toclose(L, -1);
    return guard;
}

static void release_buffer(void *ptr)
{
    lab_buffer_unref(ptr);
}

lab_lua_guard *lab_lua_new_buffer_guard(lua_State *L)
{
    return lab_lua_new_guard(L, release_buffer);
}

void lab_lua_open_util(lua_State *L, lab_host *host)
{
    new_binding(L, host);
    open_guards(L);
}

/* ---- classes ---- */

void lab_lua_new_class(lua_State *L, const char *name, lua_CFunction close, const luaL_Reg *meta,
                       const luaL_Reg *methods)
{
    luaL_newmetatable(L, name);
    luaL_setfuncs(L, meta, 0);
    lua_pushcfunction(L, close);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, close);
    lua_setfield(L, -2, "__close");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_pushcfunction(L, close);
    lua_setfield(L, -2, "close");
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__index");
    lua_remove(L, -2);
}

/* ---- tables of options ---- */

static void push_names(lua_State *L, const char *const *names)
{
    lua_newtable(L);
    for (int i = 0; names[i]; i++) {
        lua_pushstring(L, names[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

static bool has_name(const char *const *names, const char *word)
{
    for (; *names; names++) {
        if (strcmp(*names, word) == 0)
            return true;
    }
    return false;
}

bool lab_lua_check_options(lua_State *L, int at, const char *what, const char *const *names,
                           bool optional)
{
    if (optional && lua_isnoneornil(L, at))
        return false;
    luaL_checktype(L, at, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, at)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "%s: options have names, got a %s as a key", what, luaL_typename(L, -1));
        if (!has_name(names, lua_tostring(L, -1))) {
            const char *word = lua_tostring(L, -1);
            const char *prefix = lua_pushfstring(L, "%s: unknown option", what);
            push_names(L, names);
            lab_lua_unknown(L, prefix, word, -1);
        }
    }
    return true;
}

int lab_lua_push_field(lua_State *L, int at, const char *name)
{
    at = lua_absindex(L, at);
    lua_pushstring(L, name);
    return lua_rawget(L, at);
}

void lab_lua_need_field(lua_State *L, int at, const char *what, const char *name)
{
    if (lab_lua_push_field(L, at, name) == LUA_TNIL)
        luaL_error(L, "%s: %s is missing", what, name);
    lua_pop(L, 1);
}

static int wrong_field(lua_State *L, const char *what, const char *name, const char *expected)
{
    return luaL_error(L, "%s: %s must be %s, got %s", what, name, expected,
                      luaL_tolstring(L, -1, NULL));
}

const char *lab_lua_field_string(lua_State *L, int at, const char *what, const char *name,
                                 const char *def, size_t *size)
{
    const char *text = def;
    int type = lab_lua_push_field(L, at, name);
    if (type == LUA_TSTRING)
        text = lua_tolstring(L, -1, size);
    else if (type != LUA_TNIL)
        wrong_field(L, what, name, "a string");
    else if (size)
        *size = def ? strlen(def) : 0;
    lua_pop(L, 1);
    return text;
}

lua_Integer lab_lua_field_integer(lua_State *L, int at, const char *what, const char *name,
                                  lua_Integer def)
{
    lua_Integer value = def;
    int type = lab_lua_push_field(L, at, name);
    if (type != LUA_TNIL) {
        int exact = 0;
        if (type == LUA_TNUMBER)
            value = lua_tointegerx(L, -1, &exact);
        if (!exact)
            wrong_field(L, what, name, "a whole number");
    }
    lua_pop(L, 1);
    return value;
}

lua_Number lab_lua_field_number(lua_State *L, int at, const char *what, const char *name,
                                lua_Number def)
{
    lua_Number value = def;
    int type = lab_lua_push_field(L, at, name);
    if (type == LUA_TNUMBER)
        value = lua_tonumber(L, -1);
    else if (type != LUA_TNIL)
        wrong_field(L, what, name, "a number");
    lua_pop(L, 1);
    return value;
}

bool lab_lua_field_bool(lua_State *L, int at, const char *what, const char *name, bool def)
{
    bool value = def;
    int type = lab_lua_push_field(L, at, name);
    if (type == LUA_TBOOLEAN)
        value = lua_toboolean(L, -1);
    else if (type != LUA_TNIL)
        wrong_field(L, what, name, "true or false");
    lua_pop(L, 1);
    return value;
}

void lab_lua_set_string(lua_State *L, const char *field, const char *value)
{
    if (!value)
        return;
    lua_pushstring(L, value);
    lua_setfield(L, -2, field);
}

void lab_lua_set_integer(lua_State *L, const char *field, lua_Integer value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, field);
}

void lab_lua_set_number(lua_State *L, const char *field, lua_Number value)
{
    lua_pushnumber(L, value);
    lua_setfield(L, -2, field);
}

void lab_lua_set_bool(lua_State *L, const char *field, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, field);
}

int32_t lab_lua_check_int32(lua_State *L, int at, const char *name, int32_t min, int32_t max)
{
    lua_Integer value = luaL_checkinteger(L, at);
    if (value < min || value > max)
        luaL_error(L, "%s must be %d..%d, got %I", name, (int)min, (int)max, (LUAI_UACINT)value);
    return (int32_t)value;
}
