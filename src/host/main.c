/*
 * The program: a host, its plugins and a Lua state; then scripts/lab/cli.lua decides. Exit codes:
 * what the script says; 1 when it fails or standard output cannot be written; 2 for wrong options;
 * 130 when interrupted.
 */
#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"
#include "lua/lab_lua.h"

#define EXIT_USAGE 2
#define EXIT_INTERRUPTED 130

typedef struct program {
    lab_options options;
    lab_places places;
    lab_host *host;
    lua_State *L;
    lua_State *volatile *running; /* the coroutine L is in, if any; NULL before there are any */
    int exit_code;
} program;

/* ---- Ctrl-C ---- */

/* A signal handler has no other way to know whom it is for. */
static program *interrupted_program;

static void raise_interrupted(lua_State *L, lua_Debug *where)
{
    (void)where;
    lua_sethook(L, NULL, 0, 0);
    luaL_error(L, "interrupted!");
}

/*
 * The first Ctrl-C asks: running C work ends soon, and Lua code gets an error at its next step.
 * While that has not been answered (core.clear_stop), the second kills.
 */
static void on_interrupt(int number)
{
    program *p = interrupted_program;
    if (atomic_exchange(&lab_host_context(p->host)->stop, true)) {
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    lua_State *running = p->running ? *p->running : NULL;
    lua_sethook(running ? running : p->L, raise_interrupted,
                LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

static void catch_signals(program *p)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_interrupt; /* without SA_RESTART: a read from a terminal must end */
    interrupted_program = p;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL); /* asked to end: rows are finished, as with Ctrl-C */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write beyond `ulimit -f` fails with a sentence instead */
}

/* ---- Lua ---- */

/* Adds a traceback; an error object that is no string is described. */
static int add_traceback(lua_State *L)
{
    const char *message = lua_tostring(L, 1);
    if (!message) {
        if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING)
            return 1;
        message = lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
    }
    luaL_traceback(L, L, message, 1);
    return 1;
}

/* `arg`: the arguments from 1, what is run at 0, the program before it. */
static void set_arg(lua_State *L, const program *p)
{
    const lab_options *options = &p->options;
    lua_createtable(L, options->argc, 2);
    if (options->script) {
        lua_pushstring(L, p->places.exe);
        lua_rawseti(L, -2, -1);
    }
    lua_pushstring(L, options->script ? options->script : p->places.exe);
    lua_rawseti(L, -2, 0);
    for (int i = 1; i < options->argc; i++) {
        lua_pushstring(L, options->argv[i]);
        lua_rawseti(L, -2, i);
    }
    lua_setglobal(L, "arg");
}

/* Pushes the function to run and its arguments; returns how many arguments. */
static int push_entry(lua_State *L, const lab_options *options)
{
    if (!options->script) {
        lua_getglobal(L, "require");
        lua_pushliteral(L, "lab.cli");
        lua_call(L, 1, 1);
        lua_getfield(L, -1, "main");
        lua_getglobal(L, "arg");
        return 1;
    }
    if (luaL_loadfile(L, strcmp(options->script, "-") == 0 ? NULL : options->script) != LUA_OK)
        lua_error(L);
    luaL_checkstack(L, options->argc, "too many arguments");
    for (int i = 1; i < options->argc; i++)
        lua_pushstring(L, options->argv[i]);
    return options->argc - 1;
}

/* A script's result as an exit code: a number, nothing or true (0), false (1). */
static int to_exit_code(lua_State *L)
{
    if (lua_isinteger(L, -1)) {
        lua_Integer code = lua_tointeger(L, -1);
        return code >= 0 && code <= 255 ? (int)code : 1;
    }
    return lua_isboolean(L, -1) && !lua_toboolean(L, -1) ? 1 : 0;
}

static int protected_main(lua_State *L)
{
    program *p = lua_touserdata(L, 1);
    luaL_checkversion(L);
    luaL_openlibs(L);
    lab_lua_open(L, p->host);
    p->running = lab_lua_running(L);
    lab_sys_open(L, &p->places, &p->options);
    lab_set_package_path(L, &p->places);
    set_arg(L, p);
    if (p->options.verbose)
        lua_warning(L, "@on", 0);
    lua_pushcfunction(L, add_traceback);
    int handler = lua_gettop(L);
    int arguments = push_entry(L, &p->options);
    if (lua_pcall(L, arguments, 1, handler) != LUA_OK)
        return lua_error(L);
    p->exit_code = to_exit_code(L);
    return 0;
}

static void run_lua(program *p)
{
    lua_State *L = p->L;
    lua_pushcfunction(L, protected_main);
    lua_pushlightuserdata(L, p);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK)
        return;
    const char *message = lua_tostring(L, -1);
    fflush(stdout);
    if (lab_stopped(lab_host_context(p->host))) {
        fputs("lualab: interrupted\n", stderr);
        p->exit_code = EXIT_INTERRUPTED;
    } else {
        fprintf(stderr, "lualab: %s\n", message ? message : "(error object is not a string)");
        p->exit_code = EXIT_FAILURE;
    }
}

/* ---- around Lua ---- */

/* Whether what went to standard output arrived. */
static bool finish_stdout(void)
{
    errno = 0;
    bool failed = fflush(stdout) != 0 || ferror(stdout);
    int code = errno;
    if (!failed)
        return true;
    struct pollfd out = { .fd = 1, .events = POLLOUT };
    if (code == 0 && poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLHUP)))
        code = EPIPE;
    if (code == EPIPE)
        fputs("lualab: standard output was closed before everything was written\n", stderr);
    else
        fprintf(stderr, "lualab: standard output: %s\n",
                code ? strerror(code) : "could not be written; is the disk full?");
    return false;
}

/*
 * One picture is decoded, worked on and encoded by several threads: what one of them has freed is
 * for any other to take. Blocks of a picture's size are kept for the next picture rather than given
 * back and asked for again, but not many of them. What the user's environment says goes first.
 */
static void share_free_memory(void)
{
#ifdef __GLIBC__
    if (!getenv("MALLOC_ARENA_MAX"))
        mallopt(M_ARENA_MAX, 1);
    if (getenv("MALLOC_MMAP_THRESHOLD_") || getenv("MALLOC_TRIM_THRESHOLD_"))
        return;
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
#endif
}

static int fail(const lab_error *error, int exit_code)
{
    fprintf(stderr, "lualab: %s\n", error->message);
    return exit_code;
}

int main(int argc, char **argv)
{
    static program p; /* large, and its address is known to the signal handler */
    lab_error error;
    share_free_memory();
    if (lab_options_parse(argc, argv, &p.options, &error))
        return fail(&error, EXIT_USAGE);
    if (lab_places_find(&p.places, &error))
        return fail(&error, EXIT_FAILURE);
    lab_status status = lab_start_host(&p.options, &p.places, &p.host, &error);
    if (status) {
        lab_host_free(p.host);
        return fail(&error, status == LAB_E_NOT_FOUND ? EXIT_USAGE : EXIT_FAILURE);
    }
    p.L = luaL_newstate();
    if (!p.L) {
        lab_error_nomem(&error, 0, "the Lua state");
        lab_host_free(p.host);
        return fail(&error, EXIT_FAILURE);
    }
    catch_signals(&p);
    run_lua(&p);
    signal(SIGINT, SIG_DFL); /* the handler's state goes away */
    signal(SIGTERM, SIG_DFL);
    lua_close(p.L);
    if (!finish_stdout() && p.exit_code == 0)
        p.exit_code = EXIT_FAILURE;
    lab_host_free(p.host);
    return p.exit_code;
}
