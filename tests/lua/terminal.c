/*
 * Lines typed at a terminal, as sys.read_line gives them to a script; tests/repl has the prompt
 * itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/cmocka_all.h"
#include "support/pseudo_terminal.h"

typedef struct fixture {
    terminal terminal;
    char script[64], history[64];
} fixture;

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
    "    local ok, why = pcall(function() print('[looping]') while true do end end)\n"
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

static terminal *start(void **state)
{
    fixture *f = *state;
    const char *const argv[] = { TEST_LUALAB, "--script", f->script, f->history, NULL };
    const char *const env[] = { "TERM=xterm", "LC_ALL=C.UTF-8", NULL };
    terminal_start(&f->terminal, argv, env);
    return &f->terminal;
}

static int set_up(void **state)
{
    static fixture f;
    make_file(f.script, script_text);
    make_file(f.history, "");
    remove(f.history);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    terminal_close(&f->terminal);
    remove(f->script);
    remove(f->history);
    return 0;
}

static void reads_lines_and_ends(void **state)
{
    terminal *t = start(state);
    terminal_expect_prompt(t, "ready> ");
    terminal_type(t, "first\r");
    terminal_expect(t, "[got first]");
    terminal_expect_prompt(t, "ready> ");
    terminal_type(t, "\r");
    terminal_expect(t, "[got ]");
    terminal_expect_prompt(t, "ready> ");
    terminal_type(t, "\x04"); /* Ctrl-D */
    terminal_expect(t, "[end]");
    terminal_expect_exit(t, 0);
}

static void edits_utf8(void **state)
{
    terminal *t = start(state);
    terminal_expect_prompt(t, "ready> ");
    terminal_type(t, "a\xc3\xa4"
                     "b\xe2\x82\xac\x7f\x7f"
                     "c\r"); /* "aäb€", two deleted, "c" */
    terminal_expect(t, "[got a\xc3\xa4"
                       "c]");
    terminal_expect_prompt(t, "ready> ");
    terminal_type(t, "\xc3\xb6"
                     "z\x01"
                     "y\r"); /* Ctrl-A goes to the start */
    terminal_expect(t, "[got y\xc3\xb6z]");
    terminal_expect_prompt(t, "ready> ");
    terminal_type(t, "\x04");
    terminal_expect(t, "[end]");
    terminal_expect_exit(t, 0);
}

static void interrupt_gives_up_the_line(void **state)
{
    terminal *t = start(state);
    for (int i = 0; i < 3; i++) {
        terminal_expect_prompt(t, "ready> ");
        terminal_type(t, "half a li");
        terminal_expect(t, "i");
        terminal_type(t, "\x03"); /* Ctrl-C */
        terminal_expect(t, "[gave up: interrupted! INTERRUPTED false]");
    }
    terminal_expect_prompt(t, "ready> ");
    terminal_type(t, "whole\r");
    terminal_expect(t, "[got whole]");
    terminal_expect_prompt(t, "ready> ");
    terminal_type(t, "\x04");
    terminal_expect(t, "[end]");
    terminal_expect_exit(t, 0);
}

static void interrupt_ends_what_runs(void **state)
{
    if (TEST_THREAD_SANITIZER) /* it holds signals back while Lua runs */
        skip();
    terminal *t = start(state);
    for (int i = 0; i < 2; i++) {
        terminal_expect_prompt(t, "ready> ");
        terminal_type(t, "loop\r");
        terminal_expect(t, "[looping]");
        terminal_type(t, "\x03");
        terminal_expect(t, "[interrupted!]");
    }
    terminal_expect_prompt(t, "ready> ");
    terminal_type(t, "\x04");
    terminal_expect(t, "[end]");
    terminal_expect_exit(t, 0);
}

static void history_is_kept(void **state)
{
    terminal *t = start(state);
    terminal_expect_prompt(t, "ready> ");
    terminal_type(t, "older\r");
    terminal_expect(t, "[got older]");
    terminal_expect_prompt(t, "ready> ");
    terminal_type(t, "newer\r");
    terminal_expect(t, "[got newer]");
    terminal_expect_prompt(t, "ready> ");
    terminal_type(t, "\x10\x10\r"); /* Ctrl-P: the line before */
    terminal_expect(t, "[got older]");
    terminal_expect_prompt(t, "ready> ");
    terminal_type(t, "\x04");
    terminal_expect(t, "[end]");
    terminal_expect_exit(t, 0);
    start(state);
    terminal_expect_prompt(t, "ready> ");
    terminal_type(
        t, "\x10\x10!\r"); /* in another process: "older" was entered last, "newer" before it */
    terminal_expect(t, "[got newer!]");
    terminal_expect_prompt(t, "ready> ");
    terminal_type(t, "\x04");
    terminal_expect(t, "[end]");
    terminal_expect_exit(t, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_lines_and_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(edits_utf8, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interrupt_gives_up_the_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interrupt_ends_what_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(history_is_kept, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("terminal", tests, NULL, NULL);
}
