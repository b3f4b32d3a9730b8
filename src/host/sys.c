/*
 * Module "lab.sys": the operating system, for scripts. As everywhere, misuse raises and the outside
 * world gives nil, message, code.
 *
 *   sys.exe(), sys.data_dir()     the program's file; the folder of scripts/, weights/ and db/
 *   sys.plugin_dir()              where the build's or installation's plugins are
 *   sys.options()                 what C took from the command line: {threads=, verbose=0|1|2,
 *                                 kernels=, plugins={…}}
 *   sys.clock(), sys.now()        seconds: monotonic; since 1970
 *   sys.utc([seconds])            "2026-01-31T12:00:00Z"
 *   sys.getenv(name), sys.setenv(name, value | nil)
 *   sys.home()                    the user's folder: HOME, else what the system knows of the user
 *   sys.pid(), sys.peak_memory()  bytes this process ever held at once
 *   sys.is_tty(fd), sys.columns() 0, 1 or 2; width of the terminal (COLUMNS, else 80 without one)
 * Files: sys_files.c. Processes: sys_process.c. Lines typed by a user: read_line.c.
 */
#include <errno.h>
#include <lauxlib.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "host/host.h"
#include "lua/lua_util.h"

int lab_sys_fail(lua_State *L, const char *what, int code)
{
    lab_status status = code == ENOENT ? LAB_E_NOT_FOUND : code == ENOMEM ? LAB_E_NOMEM : LAB_E_IO;
    luaL_pushfail(L);
    lua_pushfstring(L, "%s: %s", what, strerror(code));
    lua_pushstring(L, lab_status_name(status));
    return 3;
}

/* ---- facts ---- */

/* Upvalue 1: the string. */
static int get_fact(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    return 1;
}

static int sys_options(lua_State *L)
{
    const lab_options *options = lua_touserdata(L, lua_upvalueindex(1));
    lua_newtable(L);
    if (options->threads)
        lab_lua_set_integer(L, "threads", options->threads);
    lab_lua_set_integer(L, "verbose", options->verbose);
    lab_lua_set_string(L, "kernels", options->kernels);
    lua_newtable(L);
    for (int i = 0; i < options->n_plugins; i++) {
        lua_pushstring(L, options->plugins[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "plugins");
    return 1;
}

/* ---- time ---- */

static int push_clock(lua_State *L, clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    lua_pushnumber(L, (lua_Number)now.tv_sec + (lua_Number)now.tv_nsec / 1e9);
    return 1;
}

static int sys_clock(lua_State *L)
{
    return push_clock(L, CLOCK_MONOTONIC);
}

static int sys_now(lua_State *L)
{
    return push_clock(L, CLOCK_REALTIME);
}

static int sys_utc(lua_State *L)
{
    lua_Number seconds = luaL_optnumber(L, 1, (lua_Number)time(NULL));
    luaL_argcheck(L, seconds > -6.2e10 && seconds < 2.5e11, 1, "outside the years 0..9999");
    time_t whole = (time_t)seconds;
    struct tm parts;
    char text[32];
    if (!gmtime_r(&whole, &parts) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts))
        return luaL_argerror(L, 1, "not a time");
    lua_pushstring(L, text);
    return 1;
}

/* ---- environment and process ---- */

static int sys_getenv(lua_State *L)
{
    lua_pushstring(L, getenv(luaL_checkstring(L, 1)));
    return 1;
}

static int sys_setenv(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const char *value = luaL_optstring(L, 2, NULL);
    luaL_argcheck(L, *name && !strchr(name, '='), 1, "not a variable's name");
    if ((value ? setenv(name, value, 1) : unsetenv(name)) != 0)
        return lab_sys_fail(L, name, errno);
    lua_pushboolean(L, true);
    return 1;
}

static int sys_home(lua_State *L)
{
    char text[4096];
    struct passwd entry, *found = NULL;
    const char *home = getenv("HOME");
    if (!home || *home != '/') {
        bool known = getpwuid_r(getuid(), &entry, text, sizeof text, &found) == 0 && found;
        home = known && found->pw_dir && *found->pw_dir ? found->pw_dir : "/";
    }
    lua_pushstring(L, home);
    return 1;
}

static int sys_pid(lua_State *L)
{
    lua_pushinteger(L, getpid());
    return 1;
}

static int sys_peak_memory(lua_State *L)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return lab_sys_fail(L, "getrusage", errno);
#if defined(__APPLE__)
    lua_pushinteger(L, usage.ru_maxrss);
#else
    lua_pushinteger(L, (lua_Integer)usage.ru_maxrss * 1024);
#endif
    return 1;
}

/* ---- terminal ---- */

static int sys_is_tty(lua_State *L)
{
    lua_pushboolean(L, isatty(lab_lua_check_int32(L, 1, "fd", 0, 2)));
    return 1;
}

static int sys_columns(lua_State *L)
{
    struct winsize size;
    for (int fd = 2; fd >= 0; fd--) {
        if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
            lua_pushinteger(L, size.ws_col);
            return 1;
        }
    }
    const char *columns = getenv("COLUMNS");
    long n = columns ? strtol(columns, NULL, 10) : 0;
    lua_pushinteger(L, n > 0 && n < 10000 ? n : 80);
    return 1;
}

void lab_sys_open(lua_State *L, const lab_places *places, const lab_options *options)
{
    static const luaL_Reg functions[] = {
        { "clock", sys_clock },   { "now", sys_now },
        { "utc", sys_utc },       { "getenv", sys_getenv },
        { "setenv", sys_setenv }, { "home", sys_home },
        { "pid", sys_pid },       { "peak_memory", sys_peak_memory },
        { "is_tty", sys_is_tty }, { "columns", sys_columns },
        { NULL, NULL },
    };
    const char *const facts[][2] = { { "exe", places->exe },
                                     { "data_dir", places->data },
                                     { "plugin_dir", places->plugins } };
    lua_newtable(L);
    luaL_setfuncs(L, functions, 0);
    luaL_setfuncs(L, lab_sys_file_functions, 0);
    luaL_setfuncs(L, lab_sys_process_functions, 0);
    luaL_setfuncs(L, lab_sys_line_functions, 0);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        lua_pushstring(L, facts[i][1]);
        lua_pushcclosure(L, get_fact, 1);
        lua_setfield(L, -2, facts[i][0]);
    }
    lua_pushlightuserdata(L, (void *)options);
    lua_pushcclosure(L, sys_options, 1);
    lua_setfield(L, -2, "options");
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "lab.sys");
    lua_pop(L, 2);
}
