/* Module "lab.core": its table, files, the stop flag, and small services. */
#include "lua/lua_util.h"

#include "base/file.h"
#include "base/sha256.h"

/* Files that core.read_file takes without a limit of the caller's: 2 GiB. */
#define READ_LIMIT ((lua_Integer)1 << 31)

static int core_read_file(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    lua_Integer limit = luaL_optinteger(L, 2, READ_LIMIT);
    luaL_argcheck(L, limit >= 0, 2, "must not be negative");
    lab_lua_guard *guard = lab_lua_new_buffer_guard(L);
    lab_buffer *file;
    lab_error error;
    if (lab_file_read(lab_lua_binding(L)->ctx, path, (size_t)limit, &file, &error))
        return lab_lua_fail(L, &error);
    guard->ptr = file;
    lua_pushlstring(L, lab_buffer_data(file), lab_buffer_size(file));
    return 1;
}

static int core_write_file(lua_State *L)
{
    static const char *const options[] = { "durable", NULL };
    static const char what[] = "core.write_file";
    const char *path = luaL_checkstring(L, 1);
    size_t size;
    const char *bytes = luaL_checklstring(L, 2, &size);
    bool durable = lab_lua_check_options(L, 3, what, options, true) &&
                   lab_lua_field_bool(L, 3, what, "durable", false);
    lab_error error;
    if (lab_file_write(lab_lua_binding(L)->ctx, path, bytes, size, durable, &error))
        return lab_lua_fail(L, &error);
    lua_pushboolean(L, true);
    return 1;
}

static int core_make_dirs(lua_State *L)
{
    lab_error error;
    if (lab_make_dirs(luaL_checkstring(L, 1), &error))
        return lab_lua_fail(L, &error);
    lua_pushboolean(L, true);
    return 1;
}

static int core_nearest(lua_State *L)
{
    const char *word = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lab_lua_push_nearest(L, word, 2);
    return 1;
}

static int core_sha256(lua_State *L)
{
    size_t size;
    const char *bytes = luaL_checklstring(L, 1, &size);
    char digits[LAB_SHA256_HEX];
    lab_sha256_hex(bytes, size, digits);
    lua_pushstring(L, digits);
    return 1;
}

static int core_threads(lua_State *L)
{
    lua_pushinteger(L, lab_pool_threads(lab_lua_binding(L)->ctx->pool));
    return 1;
}

static int core_memory(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)lab_lua_held(L));
    return 1;
}

static int core_stopped(lua_State *L)
{
    lua_pushboolean(L, lab_stopped(lab_lua_binding(L)->ctx));
    return 1;
}

static int core_clear_stop(lua_State *L)
{
    atomic_store(&lab_lua_binding(L)->ctx->stop, false);
    return 0;
}

static int core_running_in(lua_State *L)
{
    static const char anchor = 0;
    lab_binding *binding = lab_lua_binding(L);
    if (!lua_isnoneornil(L, 1))
        luaL_checktype(L, 1, LUA_TTHREAD);
    lua_settop(L, 1);
    binding->running = NULL;
    lua_rawsetp(L, LUA_REGISTRYINDEX, &anchor); /* alive as long as a signal may look for it */
    lua_rawgetp(L, LUA_REGISTRYINDEX, &anchor);
    binding->running = lua_tothread(L, -1);
    return 0;
}

lua_State *volatile *lab_lua_running(lua_State *L)
{
    return &lab_lua_binding(L)->running;
}

static const luaL_Reg core_functions[] = {
    { "read_file", core_read_file },
    { "write_file", core_write_file },
    { "make_dirs", core_make_dirs },
    { "nearest", core_nearest },
    { "sha256", core_sha256 },
    { "threads", core_threads },
    { "memory", core_memory },
    { "stopped", core_stopped },
    { "clear_stop", core_clear_stop },
    { "running_in", core_running_in },
    { "op_name", lab_lua_op_name },
    { "labels", lab_lua_new_labels },
    { "load_model", lab_lua_load_model },
    { "load_model_bytes", lab_lua_load_model_bytes },
    { "catalog", lab_lua_open_catalog },
    { NULL, NULL },
};

void lab_lua_open(lua_State *L, lab_host *host)
{
    lab_lua_open_util(L, host);
    lua_newtable(L);
    luaL_setfuncs(L, core_functions, 0);
    luaL_setfuncs(L, lab_lua_make_functions, 0);
    luaL_setfuncs(L, lab_lua_listing_functions, 0);
    luaL_setfuncs(L, lab_lua_job_functions, 0);
    luaL_setfuncs(L, lab_lua_service_functions, 0);
    lab_lua_open_values(L, -1);
    lab_lua_open_labels(L);
    lab_lua_open_models(L);
    lab_lua_open_catalogs(L);
    lab_lua_open_statements(L);
    lab_lua_open_jobs(L);
    lab_lua_open_services(L);
    lab_lua_set_string(L, "version", LAB_VERSION);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "lab.core");
    lua_pop(L, 2);
}
