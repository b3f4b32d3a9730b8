/*
 * lab.sys: lines typed by a user, with editing and history (libedit) when standard input and output
 * are a terminal, plainly otherwise.
 *
 *   sys.read_line(prompt)        the line without its end | nil at the end of input
 *                                | nil, "interrupted!", "INTERRUPTED" after Ctrl-C
 *   sys.history_add(line)        several lines are one entry
 *   sys.history_load(path), sys.history_save(path)    true | nil, …
 *
 * With libedit's own interface instead of its imitation of readline: that one keeps its state in
 * globals.
 */
#include <errno.h>
#include <histedit.h>
#include <lauxlib.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>
#include <wchar.h>

#include "host/host.h"
#include "lua/lua_util.h"

#define EDITOR "lab.LineEditor"
#define HISTORY_SIZE 2000

typedef struct editor {
    EditLine *edit; /* NULL: no terminal */
    History *history;
    const char *prompt; /* during a call */
    lab_context *ctx;
    bool interrupted;
} editor;

/* ---- the editor, one a state ---- */

static int editor_close(lua_State *L)
{
    editor *e = luaL_checkudata(L, 1, EDITOR);
    if (e->edit)
        el_end(e->edit);
    if (e->history)
        history_end(e->history);
    e->edit = NULL;
    e->history = NULL;
    return 0;
}

static char *get_prompt(EditLine *edit)
{
    static char none[] = "";
    editor *e = NULL;
    el_get(edit, EL_CLIENTDATA, &e);
    return e && e->prompt ? (char *)e->prompt : none;
}

/*
 * Waits for a byte: 1, 0 at the end of input, -1 after Ctrl-C or a failure. SIGINT is let in only
 * while waiting and looking at the flag, so that none slips in between. libedit's own handler gives
 * the signal on to ours, which then runs at the next unblocking.
 */
static int get_byte(editor *e, char *byte)
{
    sigset_t interrupt, before;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    for (;;) {
        fd_set ready;
        FD_ZERO(&ready);
        FD_SET(0, &ready);
        pthread_sigmask(SIG_BLOCK, &interrupt, &before);
        bool stopped = lab_stopped(e->ctx);
        int n = stopped ? -1 : pselect(1, &ready, NULL, NULL, NULL, &before);
        int code = errno;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (stopped || lab_stopped(e->ctx)) {
            e->interrupted = true;
            return -1;
        }
        if (n > 0) {
            ssize_t got = read(0, byte, 1);
            if (got >= 0)
                return (int)got;
            code = errno;
        }
        if (code != EINTR)
            return -1;
    }
}

/* One character for libedit: 1, 0 at the end of input, -1 to give up the line. */
static int get_char(EditLine *edit, wchar_t *c)
{
    editor *e = NULL;
    el_get(edit, EL_CLIENTDATA, &e);
    mbstate_t state;
    memset(&state, 0, sizeof state);
    for (;;) {
        char byte;
        int got = get_byte(e, &byte);
        if (got <= 0)
            return got;
        size_t used = mbrtowc(c, &byte, 1, &state);
        if (used == (size_t)-1) /* not of this locale: the byte is dropped */
            memset(&state, 0, sizeof state);
        else if (used != (size_t)-2)
            return 1;
    }
}

/* libedit counts columns by the locale; a locale that is not UTF-8 would garble what is typed. */
static void use_utf8(void)
{
    if (setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
        return;
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        setlocale(LC_CTYPE, "C");
}

static void start_editing(editor *e)
{
    if (!isatty(0) || !isatty(1))
        return;
    const char *terminal = getenv("TERM");
    if (terminal && strcmp(terminal, "dumb") == 0)
        return;
    use_utf8();
    e->edit = el_init("lualab", stdin, stdout, stderr);
    if (!e->edit)
        return;
    el_set(e->edit, EL_CLIENTDATA, e);
    el_set(e->edit, EL_PROMPT, get_prompt);
    el_set(e->edit, EL_EDITOR, "emacs");
    el_set(e->edit, EL_SIGNAL, 1);
    el_set(e->edit, EL_GETCFN, get_char);
    el_set(e->edit, EL_HIST, history, e->history);
    el_source(e->edit, NULL); /* the user's ~/.editrc */
}

static editor *get_editor(lua_State *L)
{
    if (lua_getfield(L, LUA_REGISTRYINDEX, EDITOR ".one") == LUA_TUSERDATA) {
        editor *e = lua_touserdata(L, -1);
        lua_pop(L, 1);
        return e;
    }
    lua_pop(L, 1);
    static const luaL_Reg meta[] = { { "__gc", editor_close }, { NULL, NULL } };
    if (luaL_newmetatable(L, EDITOR))
        luaL_setfuncs(L, meta, 0);
    lua_pop(L, 1);
    editor *e = lua_newuserdatauv(L, sizeof *e, 0);
    *e = (editor){ .ctx = lab_lua_binding(L)->ctx };
    luaL_setmetatable(L, EDITOR);
    lua_setfield(L, LUA_REGISTRYINDEX, EDITOR ".one");
    HistEvent event;
    e->history = history_init();
    if (e->history) {
        history(e->history, &event, H_SETSIZE, HISTORY_SIZE);
        history(e->history, &event, H_SETUNIQUE, 1);
        start_editing(e);
    }
    return e;
}

/* ---- reading ---- */

/* Ctrl-C while a line was typed is about that line alone. */
static int give_up_line(lua_State *L, editor *e)
{
    atomic_store(&e->ctx->stop, false);
    lua_sethook(L, NULL, 0, 0);
    luaL_pushfail(L);
    lua_pushliteral(L, "interrupted!");
    lua_pushstring(L, lab_status_name(LAB_E_INTERRUPTED));
    return 3;
}

static int read_edited(lua_State *L, editor *e, const char *prompt)
{
    int count = 0;
    e->prompt = prompt;
    e->interrupted = false;
    const char *line = el_gets(e->edit, &count);
    e->prompt = NULL;
    if (e->interrupted) {
        fputs("\n", stdout);
        fflush(stdout);
        return give_up_line(L, e);
    }
    if (!line || count <= 0)
        return 0;
    size_t size = strlen(line);
    if (size > 0 && line[size - 1] == '\n')
        size--;
    lua_pushlstring(L, line, size);
    return 1;
}

static int read_plain(lua_State *L, editor *e, const char *prompt)
{
    if (isatty(0)) {
        fputs(prompt, stdout);
        fflush(stdout);
    }
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    int c;
    while ((c = getc(stdin)) != EOF && c != '\n')
        luaL_addchar(&buffer, (char)c);
    if (c == EOF && lab_stopped(e->ctx)) {
        clearerr(stdin);
        return give_up_line(L, e);
    }
    size_t size = luaL_bufflen(&buffer);
    luaL_pushresult(&buffer);
    return c == EOF && size == 0 ? 0 : 1;
}

static int sys_read_line(lua_State *L)
{
    const char *prompt = luaL_optstring(L, 1, "");
    editor *e = get_editor(L);
    fflush(stdout);
    return e->edit ? read_edited(L, e, prompt) : read_plain(L, e, prompt);
}

/* ---- history ---- */

static int sys_history_add(lua_State *L)
{
    const char *line = luaL_checkstring(L, 1);
    editor *e = get_editor(L);
    HistEvent event;
    if (e->history && *line)
        history(e->history, &event, H_ENTER, line);
    return 0;
}

static int use_history(lua_State *L, int operation)
{
    const char *path = luaL_checkstring(L, 1);
    editor *e = get_editor(L);
    HistEvent event;
    errno = 0;
    if (!e->history || history(e->history, &event, operation, path) < 0)
        return lab_sys_fail(L, path, errno ? errno : EIO);
    lua_pushboolean(L, true);
    return 1;
}

static int sys_history_load(lua_State *L)
{
    return use_history(L, H_LOAD);
}

static int sys_history_save(lua_State *L)
{
    return use_history(L, H_SAVE);
}

const luaL_Reg lab_sys_line_functions[] = {
    { "read_line", sys_read_line },
    { "history_add", sys_history_add },
    { "history_load", sys_history_load },
    { "history_save", sys_history_save },
    { NULL, NULL },
};
