/*
 * The prompt of `lualab sql` at a pseudo-terminal: Tab completes tables and columns, a statement
 * may take several lines, Ctrl-C gives up a line and ends what runs, and lines are remembered.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/cmocka_all.h"
#include "support/pseudo_terminal.h"

typedef struct fixture {
    terminal terminal;
    char folder[64]; /* the user's */
    char catalog[96], home[96], state[96];
} fixture;

static int set_up(void **state)
{
    static fixture f;
    memset(&f, 0, sizeof f);
    snprintf(f.folder, sizeof f.folder, "/tmp/lualab-sql-XXXXXX");
    if (!mkdtemp(f.folder))
        return -1;
    snprintf(f.catalog, sizeof f.catalog, "LUALAB_DB=%s/catalog.db", f.folder);
    snprintf(f.home, sizeof f.home, "HOME=%s", f.folder);
    snprintf(f.state, sizeof f.state, "XDG_STATE_HOME=%s", f.folder);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    terminal_close(&f->terminal);
    char line[128];
    snprintf(line, sizeof line, "rm -rf '%s'", f->folder);
    return system(line);
}

static terminal *start(void **state, const char *const argv[])
{
    fixture *f = *state;
    const char *const env[] = {
        "TERM=xterm", "LC_ALL=C.UTF-8", f->catalog, f->home, f->state, NULL
    };
    terminal_start(&f->terminal, argv, env);
    return &f->terminal;
}

/* An empty catalog is made by whatever opens one to write. */
static terminal *start_prompt(void **state)
{
    static const char *const make[] = { TEST_LUALAB, "repl", "-e", "assert(lab.catalog()):close()",
                                        NULL };
    static const char *const prompt[] = { TEST_LUALAB, "sql", NULL };
    terminal_expect_exit(start(state, make), 0);
    terminal *t = start(state, prompt);
    terminal_expect(t, ".help tells more");
    terminal_expect_prompt(t, "sql> ");
    return t;
}

static void leave(terminal *t)
{
    terminal_type(t, "\x04"); /* Ctrl-D */
    terminal_expect_exit(t, 0);
}

static void completes_tables_and_columns(void **state)
{
    terminal *t = start_prompt(state);
    terminal_type(t, "SELECT count(*) + 40 AS answer FROM v_segm\t");
    terminal_type(t, "WHERE frac\t IS NULL;\r");
    terminal_expect(t, "answer\r\n------\r\n    40\r\n");
    terminal_expect_prompt(t, "sql> ");
    terminal_type(t, "SELECT 1 FROM label\t\t");
    terminal_expect(t, "label_sets");
    /* The line comes again below each list, so that its prompt tells nothing: empty it. */
    terminal_type(t, "\x15"); /* Ctrl-U */
    leave(t);
}

static void goes_on_over_lines(void **state)
{
    terminal *t = start_prompt(state);
    terminal_type(t, "SELECT 6\r");
    terminal_expect_prompt(t, "  -> ");
    terminal_type(t, "* 7 AS x;\r");
    terminal_expect(t, "x\r\n--\r\n42\r\n");
    terminal_expect(t, "1 row, ");
    terminal_expect_prompt(t, "sql> ");
    terminal_type(t, "SELECT 'half\r");
    terminal_expect_prompt(t, "  -> ");
    terminal_type(t, "\x03");
    terminal_expect_prompt(t, "sql> ");
    terminal_type(t, "SELECT 'whole' AS y;\r");
    terminal_expect(t, "whole\r\n");
    terminal_expect_prompt(t, "sql> ");
    leave(t);
}

static void interrupts_what_runs(void **state)
{
    terminal *t = start_prompt(state);
    if (TEST_THREAD_SANITIZER) /* it holds signals back while Lua runs */
        skip();
    terminal_type(t, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                     "SELECT max(i) FROM n;\r");
    usleep(500000); /* it says nothing while it runs */
    terminal_type(t, "\x03");
    terminal_expect(t, "interrupted");
    terminal_expect_prompt(t, "sql> ");
    terminal_type(t, "SELECT 5 AS five;\r");
    terminal_expect(t, "five\r\n");
    terminal_expect_prompt(t, "sql> ");
    leave(t);
}

static void remembers_lines(void **state)
{
    terminal *t = start_prompt(state);
    terminal_type(t, "SELECT 'before' AS z;\r");
    terminal_expect(t, "before\r\n");
    terminal_expect_prompt(t, "sql> ");
    leave(t);
    t = start_prompt(state);
    terminal_type(t, "\x10\r"); /* Ctrl-P: the line before */
    terminal_expect(t, "before\r\n");
    terminal_expect_prompt(t, "sql> ");
    leave(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(completes_tables_and_columns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(goes_on_over_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interrupts_what_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(remembers_lines, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("sql_prompt", tests, NULL, NULL);
}
