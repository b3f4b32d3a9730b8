/*
 * lab.sys: lines typed by a user, with editing and history (libedit) when standard input and output
 * are a terminal, plainly otherwise.
 *
 *   sys.read_line(prompt [, complete])   the line without its end | nil at the end of input
 *                                | nil, "interrupted!", "INTERRUPTED" after Ctrl-C
 *     complete(line, position)   is called for the Tab key with the bytes before the cursor in
 *                                `position`; it gives what to insert there, and nil or lines of
 *                                text to show below. It must not read a line itself
 *   sys.history_add(line)        several lines are one entry
 *   sys.history_load(path), sys.history_save(path)    true | nil, …
 *   sys.history_append(path, line)   adds an entry to a file: several programs can share it
 *
 * Text that the terminal says was pasted (bracketed paste) is inserted as it is, so that a tab in
 * it completes nothing and the end of a line in it enters nothing.
 *
 * With libedit's own interface instead of its imitation of readline: that one keeps its state in
 * globals.
 */
#include <errno.h>
#include <fcntl.h>
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
#define MAX_PASTE ((size_t)1 << 20) /* bytes; what goes beyond is not taken */
#define PASTE_BEGIN "\033[200~"
#define PASTE_END "\033[201~"
#define PASTE_ON "\033[?2004h" /* asks the terminal to mark what is pasted with these two */
#define PASTE_OFF "\033[?2004l"

typedef struct editor {
    EditLine *edit; /* NULL: no terminal */
    History *history;
    const char *prompt; /* during a call */
    lua_State *L;       /* during a call that has a function for completion, which is */
    int complete;       /* at this place of its stack */
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

/* ---- keys ---- */

/* Tab. Nothing may be raised through libedit: what goes wrong in Lua is a beep. */
static unsigned char complete_key(EditLine *edit, int key)
{
    (void)key;
    editor *e = NULL;
    el_get(edit, EL_CLIENTDATA, &e);
    if (!e->L || !lua_checkstack(e->L, 4))
        return CC_ERROR;
    lua_State *L = e->L;
    const LineInfo *line = el_line(edit);
    int top = lua_gettop(L);
    unsigned char done = CC_ERROR;
    lua_pushvalue(L, e->complete);
    lua_pushlightuserdata(L, (void *)line);
    if (lua_pcall(L, 1, 2, 0) == LUA_OK) {
        const char *insert = lua_tostring(L, -2), *list = lua_tostring(L, -1);
        if (insert && *insert && el_insertstr(edit, insert) == 0)
            done = CC_REFRESH;
        if (list) {
            fprintf(stdout, "\n%s\n", list);
            fflush(stdout);
            done = CC_REDISPLAY;
        }
    }
    lua_settop(L, top);
    return done;
}

/* What libedit has of the line, for a Lua function; upvalue 1: the function. */
static int call_complete(lua_State *L)
{
    const LineInfo *line = lua_touserdata(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushlstring(L, line->buffer, (size_t)(line->lastchar - line->buffer));
    lua_pushinteger(L, line->cursor - line->buffer);
    lua_call(L, 2, 2);
    return 2;
}

typedef struct paste {
    char text[MAX_PASTE + 1];
    size_t size;
    char last;
} paste;

/* One more byte: line ends become "\n"; bytes that no text has are left out. */
static void add_pasted(paste *p, char byte)
{
    bool second_half = byte == '\n' && p->last == '\r';
    p->last = byte;
    if (byte != '\0' && !second_half && p->size < MAX_PASTE)
        p->text[p->size++] = byte == '\r' ? '\n' : byte;
}

/* Reads up to PASTE_END; false when the input ends or is given up before. */
static bool read_paste(editor *e, paste *p)
{
    size_t matched = 0; /* bytes of PASTE_END */
    char byte;
    while (PASTE_END[matched]) {
        if (get_byte(e, &byte) <= 0)
            return false;
        if (byte == PASTE_END[matched]) {
            matched++;
            continue;
        }
        /* It was not the end. Its escape is left out: what is pasted controls no terminal. */
        for (size_t i = 1; i < matched; i++)
            add_pasted(p, PASTE_END[i]);
        matched = byte == PASTE_END[0];
        if (!matched)
            add_pasted(p, byte);
    }
    p->text[p->size] = '\0';
    return true;
}

/* The start of a paste: everything up to its end goes into the line. */
static unsigned char paste_key(EditLine *edit, int key)
{
    (void)key;
    editor *e = NULL;
    el_get(edit, EL_CLIENTDATA, &e);
    paste *p = calloc(1, sizeof *p);
    bool done = p && read_paste(e, p) && (p->size == 0 || el_insertstr(edit, p->text) == 0);
    bool whole = done && p->size < MAX_PASTE;
    free(p);
    return whole ? CC_REFRESH : done ? CC_REFRESH_BEEP : CC_ERROR;
}

static void bind_keys(EditLine *edit)
{
    /* Names stay ours in the wide variant; the narrow one keeps copies that nobody frees. */
    el_wset(edit, EL_ADDFN, L"lab-complete", L"Complete the word before the cursor", complete_key);
    el_wset(edit, EL_ADDFN, L"lab-paste", L"Insert what is pasted", paste_key);
    el_set(edit, EL_BIND, "^I", "lab-complete", NULL);
    el_set(edit, EL_BIND, PASTE_BEGIN, "lab-paste", NULL);
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
    bind_keys(e->edit);
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
    fputs(PASTE_ON, stdout);
    fflush(stdout);
    const char *line = el_gets(e->edit, &count);
    fputs(e->interrupted ? PASTE_OFF "\n" : PASTE_OFF, stdout);
    fflush(stdout);
    e->prompt = NULL;
    if (e->interrupted) {
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
    if (!e->edit)
        return read_plain(L, e, prompt);
    if (!lua_isnoneornil(L, 2)) {
        luaL_checktype(L, 2, LUA_TFUNCTION);
        lua_pushvalue(L, 2);
        lua_pushcclosure(L, call_complete, 1);
        e->complete = lua_gettop(L);
        e->L = L;
    }
    int results = read_edited(L, e, prompt);
    e->L = NULL;
    return results;
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

/* Adds an entry to an open file in the format of H_SAVE; a new file gets its first line. */
static bool append_entry(const char *line, int fd)
{
    HistEvent event;
    FILE *file = fdopen(fd, "a");
    if (!file) {
        close(fd);
        return false;
    }
    History *one = history_init();
    bool done = one && fseek(file, 0, SEEK_END) == 0 && history(one, &event, H_SETSIZE, 1) >= 0 &&
                history(one, &event, H_ENTER, line) >= 0 &&
                history(one, &event, H_SAVE_FP, file) >= 0;
    if (one)
        history_end(one);
    return fclose(file) == 0 && done;
}

static int sys_history_append(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1), *line = luaL_checkstring(L, 2);
    errno = 0;
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || !append_entry(line, fd))
        return lab_sys_fail(L, path, errno ? errno : EIO);
    lua_pushboolean(L, true);
    return 1;
}

const luaL_Reg lab_sys_line_functions[] = {
    { "read_line", sys_read_line },           { "history_add", sys_history_add },
    { "history_append", sys_history_append }, { "history_load", sys_history_load },
    { "history_save", sys_history_save },     { NULL, NULL },
};
