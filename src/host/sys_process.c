/*
 * lab.sys: other programs, without a shell.
 *
 *   sys.spawn({"curl", "-o", path, url}, {stdout = "inherit"|"capture"|"null",
 *                                         stderr = "inherit"|"capture"|"null", cwd = folder})
 *       -> exit code (128 + signal when killed), standard output, standard error
 *          (each a string when captured, else nil)
 *       |  nil, message, code when it cannot be started
 */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/host.h"
#include "lua/lua_util.h"

extern char **environ;

#define N_STREAMS 2 /* standard output and standard error */

/* A child until it has been waited for, and the ends of its pipes that we read. */
typedef struct child {
    pid_t pid;         /* 0: none */
    int fd[N_STREAMS]; /* -1: not captured, or at its end */
} child;

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int wait_for(child *c)
{
    int status = 0;
    for (int i = 0; i < N_STREAMS; i++)
        close_fd(&c->fd[i]);
    if (c->pid > 0) {
        while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    c->pid = 0;
    return status;
}

static void release_child(void *ptr)
{
    wait_for(ptr);
}

/* ---- starting ---- */

/* The list at argument 1 as argv; its strings stay alive with the list. */
static char **check_argv(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    size_t count = (size_t)lua_rawlen(L, 1);
    luaL_argcheck(L, count > 0 && count < 65536, 1, "must be a list: program, arguments…");
    char **argv = lua_newuserdatauv(L, (count + 1) * sizeof *argv, 0);
    for (size_t i = 0; i < count; i++) {
        if (lua_rawgeti(L, 1, (lua_Integer)i + 1) != LUA_TSTRING)
            luaL_error(L, "spawn: argument %I must be a string, got %s", (LUAI_UACINT)i + 1,
                       luaL_tolstring(L, -1, NULL));
        size_t size;
        const char *text = lua_tolstring(L, -1, &size);
        if (strlen(text) != size)
            luaL_error(L, "spawn: argument %I contains a zero byte", (LUAI_UACINT)i + 1);
        argv[i] = (char *)text;
        lua_pop(L, 1);
    }
    argv[count] = NULL;
    return argv;
}

typedef enum stream_use { STREAM_INHERIT, STREAM_CAPTURE, STREAM_NULL } stream_use;

typedef struct spawn_options {
    stream_use use[N_STREAMS];
    const char *cwd;
} spawn_options;

static stream_use check_stream(lua_State *L, const char *name)
{
    const char *use = lab_lua_field_string(L, 2, "spawn", name, "inherit", NULL);
    if (strcmp(use, "inherit") == 0)
        return STREAM_INHERIT;
    if (strcmp(use, "capture") == 0)
        return STREAM_CAPTURE;
    if (strcmp(use, "null") != 0)
        luaL_error(L, "spawn: %s must be \"inherit\", \"capture\" or \"null\", got \"%s\"", name,
                   use);
    return STREAM_NULL;
}

static spawn_options check_spawn_options(lua_State *L)
{
    static const char *const names[] = { "stdout", "stderr", "cwd", NULL };
    spawn_options options = { { STREAM_INHERIT, STREAM_INHERIT }, NULL };
    if (lab_lua_check_options(L, 2, "spawn", names, true)) {
        options.use[0] = check_stream(L, "stdout");
        options.use[1] = check_stream(L, "stderr");
        options.cwd = lab_lua_field_string(L, 2, "spawn", "cwd", NULL, NULL);
    }
    return options;
}

/* What the child gets as its streams; `ends` are what it writes to. */
static int set_actions(posix_spawn_file_actions_t *actions, const spawn_options *options,
                       const int ends[N_STREAMS])
{
    int code = 0;
    for (int i = 0; !code && i < N_STREAMS; i++) {
        if (options->use[i] == STREAM_CAPTURE)
            code = posix_spawn_file_actions_adddup2(actions, ends[i], i + 1);
        else if (options->use[i] == STREAM_NULL)
            code = posix_spawn_file_actions_addopen(actions, i + 1, "/dev/null", O_WRONLY, 0);
    }
    if (!code && options->cwd)
        code = posix_spawn_file_actions_addchdir_np(actions, options->cwd);
    return code;
}

/* We ignore SIGPIPE and SIGXFSZ and catch SIGINT: a child starts with the usual answers. */
static int set_signals(posix_spawnattr_t *attributes)
{
    sigset_t usual;
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGXFSZ);
    sigaddset(&usual, SIGINT);
    int code = posix_spawnattr_setsigdefault(attributes, &usual);
    return code ? code : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF);
}

static int spawn_with(child *c, char **argv, const spawn_options *options,
                      const int ends[N_STREAMS])
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (!argv[0])
        return EINVAL;
    int code = posix_spawn_file_actions_init(&actions);
    if (code)
        return code;
    code = posix_spawnattr_init(&attributes);
    if (!code) {
        code = set_actions(&actions, options, ends);
        if (!code)
            code = set_signals(&attributes);
        if (!code)
            code = posix_spawnp(&c->pid, argv[0], &actions, &attributes, argv, environ);
        if (code)
            c->pid = 0;
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

/* Calls nothing of Lua; after a failure nothing is left open. */
static int start(child *c, char **argv, const spawn_options *options)
{
    int ends[N_STREAMS] = { -1, -1 };
    int code = 0;
    for (int i = 0; !code && i < N_STREAMS; i++) {
        int both[2];
        if (options->use[i] != STREAM_CAPTURE)
            continue;
        if (pipe(both) != 0) {
            code = errno;
            break;
        }
        fcntl(both[0], F_SETFD, FD_CLOEXEC);
        fcntl(both[1], F_SETFD, FD_CLOEXEC);
        c->fd[i] = both[0];
        ends[i] = both[1];
    }
    if (!code)
        code = spawn_with(c, argv, options, ends);
    for (int i = 0; i < N_STREAMS; i++)
        close_fd(&ends[i]);
    if (code)
        wait_for(c);
    return code;
}

/* ---- reading ---- */

/* Adds what can be read now to the list of pieces on top; at the end closes the pipe. */
static int read_piece(lua_State *L, int *fd)
{
    char piece[8192];
    ssize_t n = read(*fd, piece, sizeof piece);
    if (n < 0)
        return errno == EINTR ? 0 : errno;
    if (n == 0) {
        close_fd(fd);
        return 0;
    }
    lua_pushlstring(L, piece, (size_t)n);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    return 0;
}

/* Reads both pipes as they fill, so that neither can block the child; an errno on failure. */
static int read_streams(lua_State *L, child *c, int first_list)
{
    while (c->fd[0] >= 0 || c->fd[1] >= 0) {
        struct pollfd ready[N_STREAMS] = { { c->fd[0], POLLIN, 0 }, { c->fd[1], POLLIN, 0 } };
        if (poll(ready, N_STREAMS, -1) < 0) {
            if (errno == EINTR)
                continue;
            return errno;
        }
        for (int i = 0; i < N_STREAMS; i++) {
            if (ready[i].fd < 0 || !ready[i].revents)
                continue;
            lua_pushvalue(L, first_list + i);
            int code = read_piece(L, &c->fd[i]);
            lua_pop(L, 1);
            if (code)
                return code;
        }
    }
    return 0;
}

static void push_joined(lua_State *L, int list)
{
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, list); i <= n; i++) {
        lua_rawgeti(L, list, i);
        luaL_addvalue(&buffer);
    }
    luaL_pushresult(&buffer);
}

static int sys_spawn(lua_State *L)
{
    lua_settop(L, 2);
    char **argv = check_argv(L);
    spawn_options options = check_spawn_options(L);
    child *c = lua_newuserdatauv(L, sizeof *c, 0);
    *c = (child){ 0, { -1, -1 } };
    lab_lua_guard *guard = lab_lua_new_guard(L, release_child);
    lua_newtable(L);
    lua_newtable(L);
    int lists = lua_gettop(L) - 1;
    fflush(stdout);
    int code = start(c, argv, &options);
    if (code)
        return lab_sys_fail(L, options.cwd && code == ENOENT ? options.cwd : argv[0], code);
    guard->ptr = c;
    code = read_streams(L, c, lists);
    if (code)
        return lab_sys_fail(L, argv[0], code);
    int status = wait_for(c);
    lua_pushinteger(L, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    for (int i = 0; i < N_STREAMS; i++) {
        if (options.use[i] == STREAM_CAPTURE)
            push_joined(L, lists + i);
        else
            lua_pushnil(L);
    }
    return 3;
}

const luaL_Reg lab_sys_process_functions[] = { { "spawn", sys_spawn }, { NULL, NULL } };
