/*
 * lab.so: lualab for a stock Lua interpreter. `require "lab"` with the library's scripts on
 * package.path finds "lab.core" and "lab.sys" here, because Lua looks for submodules in the module
 * that their name begins with; with package.cpath alone it finds luaopen_lab, which knows where the
 * scripts are.
 *
 * The host lives as long as the state. There is no handler for Ctrl-C: that is the interpreter's
 * business, whose hook stops Lua code; an operator that runs then ends first.
 */
#include <dlfcn.h>
#include <lauxlib.h>

#include "host/host.h"
#include "lua/lab_lua.h"

#define MODULE "lab.module"

/* Lua has no export macro for modules under -fvisibility=hidden. */
#define MODULE_EXPORT __attribute__((visibility("default")))

MODULE_EXPORT int luaopen_lab(lua_State *L);
MODULE_EXPORT int luaopen_lab_core(lua_State *L);
MODULE_EXPORT int luaopen_lab_sys(lua_State *L);

typedef struct module {
    lab_options options; /* none: an interpreter's command line is its script's */
    lab_places places;
    lab_host *host;
} module;

/* The first userdata of ours, so the last to be finalised when the state is closed. */
static int module_free(lua_State *L)
{
    module *m = luaL_checkudata(L, 1, MODULE);
    lab_host_free(m->host);
    m->host = NULL;
    return 0;
}

/* Something in this file, to ask in which file it is. */
static const char own_address[] = MODULE;

static lab_status start(module *m, lab_error *error)
{
    Dl_info info;
    if (!dladdr(own_address, &info) || !info.dli_fname)
        return lab_error_set(error, LAB_E_IO, "the module lab.so cannot find its own file");
    lab_status status = lab_places_find_module(info.dli_fname, &m->places, error);
    return status ? status : lab_start_host(&m->options, &m->places, &m->host, error);
}

/* Opens both modules in this state, once. */
static module *open_module(lua_State *L)
{
    luaL_checkversion(L);
    if (lua_getfield(L, LUA_REGISTRYINDEX, MODULE ".one") == LUA_TUSERDATA)
        return lua_touserdata(L, -1);
    module *m = lua_newuserdatauv(L, sizeof *m, 0);
    *m = (module){ .options = { 0 } };
    static const luaL_Reg meta[] = { { "__gc", module_free }, { NULL, NULL } };
    if (luaL_newmetatable(L, MODULE))
        luaL_setfuncs(L, meta, 0);
    lua_setmetatable(L, -2);
    lab_error error;
    if (start(m, &error))
        luaL_error(L, "%s", error.message);
    lab_lua_open(L, m->host);
    lab_sys_open(L, &m->places, &m->options);
    lab_set_package_path(L, &m->places);
    lua_setfield(L, LUA_REGISTRYINDEX, MODULE ".one");
    return m;
}

static int push_loaded(lua_State *L, const char *name)
{
    open_module(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, name);
    return 1;
}

int luaopen_lab_core(lua_State *L)
{
    return push_loaded(L, "lab.core");
}

int luaopen_lab_sys(lua_State *L)
{
    return push_loaded(L, "lab.sys");
}

int luaopen_lab(lua_State *L)
{
    const module *m = open_module(L);
    lua_pushfstring(L, "%s/scripts/lab/init.lua", m->places.data);
    if (luaL_loadfile(L, lua_tostring(L, -1)) != LUA_OK)
        return lua_error(L);
    lua_pushliteral(L, "lab");
    lua_call(L, 1, 1);
    return 1;
}
