/*
 * Lines typed at a terminal: the program runs under a pseudo-terminal, keys are sent and the screen
 * is watched. What is typed is echoed by the line editor with its own control sequences, so only
 * what the script prints is compared.
 */
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "support/cmocka_all.h"

#define WAIT_MS 20000

typedef struct terminal {
    pid_t pid;
    int fd;
    char screen[65536]; /* everything since the last expect */
    size_t used;
    char script[64], history[64];
} terminal;

static const char script_text[] =
    "local sys = require 'lab.sys'\n"
    "local core = require 'lab.core'\n"
    "local history = arg[1]\n"
    "sys.history_load(history)\n"
    "while true do\n"
    "  local line, message, code = sys.read_line('ready> ')\n"
    "  if not line and message then\n"
    "    print('[gave up: ' .. message .. ' ' .. code .. ' ' .. tostring(core.stopped()) .. ']')\n"
    "  elseif not line then\n"
    "    print('[end]')\n"
    "    break\n"
    "  elseif line == 'loop' then\n"
    "    print('[looping]')\n"
    "    local ok, why = pcall(function() while true do end end)\n"
    "    print('[' .. why:match 'interrupted!' .. ']')\n"
    "    core.clear_stop()\n"
    "  else\n"
    "    print('[got ' .. line .. ']')\n"
    "    sys.history_add(line)\n"
    "  end\n"
    "end\n"
    "assert(sys.history_save(history))\n";

static void make_file(char path[64], const char *text)
{
    snprintf(path, 64, "lualab-terminal-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void start(terminal *t)
{
    struct winsize size = { .ws_row = 24, .ws_col = 80 };
    t->used = 0;
    t->pid = forkpty(&t->fd, NULL, NULL, &size);
    assert_true(t->pid >= 0);
    if (t->pid == 0) {
        setenv("TERM", "xterm", 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        execl(TEST_LUALAB, "lualab", "--script", t->script, t->history, (char *)NULL);
        _exit(127);
    }
}

/* Waits until `text` is on the screen, and forgets everything up to it. */
static void expect(terminal *t, const char *text)
{
    for (;;) {
        t->screen[t->used] = '\0';
        char *found = strstr(t->screen, text);
        if (found) {
            size_t rest = t->used - (size_t)(found - t->screen) - strlen(text);
            memmove(t->screen, found + strlen(text), rest);
            t->used = rest;
            return;
        }
        struct pollfd ready = { .fd = t->fd, .events = POLLIN };
        ssize_t n = -1;
        if (poll(&ready, 1, WAIT_MS) > 0 && t->used + 1 < sizeof t->screen)
            n = read(t->fd, t->screen + t->used, sizeof t->screen - 1 - t->used);
        if (n <= 0)
            fail_msg("waited for \"%s\" in vain; on the screen: \"%s\"", text, t->screen);
        t->used += (size_t)n;
    }
}

/* After a prompt: until the line editor has taken over, keys would be the terminal driver's. */
static void await_editor(const terminal *t)
{
    struct termios modes;
    for (int ms = 0; ms < WAIT_MS; ms++) {
        assert_int_equal(tcgetattr(t->fd, &modes), 0);
        if (!(modes.c_lflag & ICANON))
            return;
        usleep(1000);
    }
    fail_msg("the line editor did not start");
}

static void expect_prompt(terminal *t, const char *prompt)
{
    expect(t, prompt);
    await_editor(t);
}

static void type(terminal *t, const char *keys)
{
    assert_int_equal(write(t->fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

static void expect_exit(terminal *t, int code)
{
    int status;
    assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
    close(t->fd);
}

static int set_up(void **state)
{
    static terminal t;
    make_file(t.script, script_text);
    make_file(t.history, "");
    remove(t.history);
    *state = &t;
    return 0;
}

static int tear_down(void **state)
{
    terminal *t = *state;
    remove(t->script);
    remove(t->history);
    return 0;
}

static void reads_lines_and_ends(void **state)
{
    terminal *t = *state;
    start(t);
    expect_prompt(t, "ready> ");
    type(t, "first\r");
    expect(t, "[got first]");
    expect_prompt(t, "ready> ");
    type(t, "\r");
    expect(t, "[got ]");
    expect_prompt(t, "ready> ");
    type(t, "\x04"); /* Ctrl-D */
    expect(t, "[end]");
    expect_exit(t, 0);
}

static void edits_utf8(void **state)
{
    terminal *t = *state;
    start(t);
    expect_prompt(t, "ready> ");
    type(t, "a\xc3\xa4"
            "b\xe2\x82\xac\x7f\x7f"
            "c\r"); /* "aäb€", two deleted, "c" */
    expect(t, "[got a\xc3\xa4"
              "c]");
    expect_prompt(t, "ready> ");
    type(t, "\xc3\xb6"
            "z\x01"
            "y\r"); /* Ctrl-A goes to the start */
    expect(t, "[got y\xc3\xb6z]");
    expect_prompt(t, "ready> ");
    type(t, "\x04");
    expect(t, "[end]");
    expect_exit(t, 0);
}

static void interrupt_gives_up_the_line(void **state)
{
    terminal *t = *state;
    start(t);
    for (int i = 0; i < 3; i++) {
        expect_prompt(t, "ready> ");
        type(t, "half a li");
        expect(t, "i");
        type(t, "\x03"); /* Ctrl-C */
        expect(t, "[gave up: interrupted! INTERRUPTED false]");
    }
    expect_prompt(t, "ready> ");
    type(t, "whole\r");
    expect(t, "[got whole]");
    expect_prompt(t, "ready> ");
    type(t, "\x04");
    expect(t, "[end]");
    expect_exit(t, 0);
}

static void interrupt_ends_what_runs(void **state)
{
    terminal *t = *state;
    if (TEST_THREAD_SANITIZER) /* it holds signals back while Lua runs */
        skip();
    start(t);
    for (int i = 0; i < 2; i++) {
        expect_prompt(t, "ready> ");
        type(t, "loop\r");
        expect(t, "[looping]");
        type(t, "\x03");
        expect(t, "[interrupted!]");
    }
    expect_prompt(t, "ready> ");
    type(t, "\x04");
    expect(t, "[end]");
    expect_exit(t, 0);
}

static void history_is_kept(void **state)
{
    terminal *t = *state;
    start(t);
    expect_prompt(t, "ready> ");
    type(t, "older\r");
    expect(t, "[got older]");
    expect_prompt(t, "ready> ");
    type(t, "newer\r");
    expect(t, "[got newer]");
    expect_prompt(t, "ready> ");
    type(t, "\x10\x10\r"); /* Ctrl-P: the line before */
    expect(t, "[got older]");
    expect_prompt(t, "ready> ");
    type(t, "\x04");
    expect(t, "[end]");
    expect_exit(t, 0);
    start(t);
    expect_prompt(t, "ready> ");
    type(t, "\x10\x10!\r"); /* in another process: "older" was entered last, "newer" before it */
    expect(t, "[got newer!]");
    expect_prompt(t, "ready> ");
    type(t, "\x04");
    expect(t, "[end]");
    expect_exit(t, 0);
}

/* The real loop: Ctrl-C at the prompt, in a chunk of several lines and in running code. */
static void repl_goes_on(void **state)
{
    terminal *t = *state;
    t->used = 0;
    struct winsize size = { .ws_row = 24, .ws_col = 80 };
    t->pid = forkpty(&t->fd, NULL, NULL, &size);
    assert_true(t->pid >= 0);
    if (t->pid == 0) {
        setenv("TERM", "xterm", 1);
        setenv("XDG_STATE_HOME", "/nonexistent", 1); /* the history cannot be kept: no matter */
        execl(TEST_LUALAB, "lualab", "repl", (char *)NULL);
        _exit(127);
    }
    expect_prompt(t, "> ");
    type(t, "half\x03");
    expect_prompt(t, "> ");
    type(t, "for i = 1, 3 do\r");
    expect_prompt(t, ">> ");
    type(t, "\x03");
    expect_prompt(t, "> ");
    type(t, "'still ' .. 'here'\r");
    expect(t, "still here");
    expect_prompt(t, "> ");
    if (!TEST_THREAD_SANITIZER) {
        type(t, "print '[looping]' while true do end\r");
        expect(t, "\n[looping]");
        type(t, "\x03");
        expect(t, "interrupted!");
        expect_prompt(t, "> ");
    }
    type(t, "6 * 7\r");
    expect(t, "\n42");
    expect_prompt(t, "> ");
    type(t, "\x04");
    expect_exit(t, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_lines_and_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(edits_utf8, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interrupt_gives_up_the_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interrupt_ends_what_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(history_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(repl_goes_on, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("terminal", tests, NULL, NULL);
}
