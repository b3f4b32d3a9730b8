/*
 * Completion in shells as a user has them: bash, zsh and fish run under a pseudo-terminal, read
 * what `lualab completion SHELL` writes, and the same keys are typed into each. Like that of the
 * prompt, completion is tested by its effect: words are begun, completed by Tab and entered, and
 * what the program then says tells whether they were right.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/cmocka_all.h"
#include "support/pseudo_terminal.h"

#define MAX_ENV 12

typedef struct fixture {
    terminal terminal;
    char folder[64]; /* the user's */
    char text[MAX_ENV][512];
    const char *env[MAX_ENV + 1];
    int n_env;
} fixture;

typedef struct shell {
    const char *name;
    const char *const paths[3];
    const char *const arguments[4];
    const char *set_up; /* after which the prompt is READY; quotes hide it from the echo */
} user_shell;

#define READY "rea>dy "

static const user_shell shells[] = {
    { "bash",
      { "/bin/bash", "/usr/bin/bash" },
      { "--norc", "--noprofile", "-i" },
      ". <(lualab completion bash); PS1='rea''>dy '\r" },
    { "zsh",
      { "/usr/bin/zsh", "/bin/zsh" },
      { "-f", "-i" },
      "autoload -Uz compinit; compinit -D -u; eval \"$(lualab completion zsh)\"; "
      "PS1='rea''>dy '\r" },
    { "fish",
      { "/usr/bin/fish", "/bin/fish" },
      { "--no-config", "-i" },
      "lualab completion fish | source; function fish_prompt; printf 'rea''>dy '; end\r" },
};

/* ---- a user ---- */

static void set(fixture *f, const char *name, const char *value)
{
    assert_true(f->n_env < MAX_ENV);
    int length = snprintf(f->text[f->n_env], sizeof f->text[0], "%s=%s", name, value);
    assert_true(length > 0 && (size_t)length < sizeof f->text[0]);
    f->env[f->n_env] = f->text[f->n_env];
    f->env[++f->n_env] = NULL;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static int set_up(void **state)
{
    static fixture f;
    char path[512];
    memset(&f, 0, sizeof f);
    snprintf(f.folder, sizeof f.folder, "/tmp/lualab-shell-XXXXXX");
    if (!mkdtemp(f.folder))
        return -1;
    snprintf(path, sizeof path, "%s:/usr/bin:/bin", TEST_BIN);
    set(&f, "PATH", path);
    set(&f, "TERM", "xterm");
    set(&f, "LC_ALL", "C.UTF-8");
    set(&f, "LUALAB_OFFLINE", "1");
    const char *const folders[] = { "HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
                                    "XDG_CACHE_HOME" };
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        set(&f, folders[i], f.folder);
    snprintf(path, sizeof path, "%s/unusual name.txt", f.folder);
    FILE *file = fopen(path, "w");
    if (!file || fputs("print('it ' .. 'ran')\n", file) < 0 || fclose(file) || chdir(f.folder))
        return -1;
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    terminal_close(&f->terminal);
    if (chdir("/"))
        return -1;
    return nftw(f->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static terminal *start(void **state, const user_shell *shell)
{
    fixture *f = *state;
    const char *path = NULL;
    for (size_t i = 0; !path && shell->paths[i]; i++)
        path = access(shell->paths[i], X_OK) == 0 ? shell->paths[i] : NULL;
    if (!path) {
        print_message("skipped: %s is not installed\n", shell->name);
        skip();
    }
    const char *argv[6] = { path };
    for (size_t i = 0; shell->arguments[i]; i++)
        argv[i + 1] = shell->arguments[i];
    terminal_start(&f->terminal, argv, f->env);
    terminal_type(&f->terminal, shell->set_up);
    terminal_expect_prompt(&f->terminal, READY);
    return &f->terminal;
}

/* Types a line; the program answers. */
static void ask(terminal *t, const char *keys, const char *answer)
{
    terminal_type(t, keys);
    terminal_type(t, "\r");
    terminal_expect(t, answer);
    terminal_expect_prompt(t, READY);
}

/* ---- the keys ---- */

static void completes(void **state, const user_shell *shell)
{
    terminal *t = start(state, shell);
    ask(t, "lualab --vers\t", "lualab 0.");
    ask(t, "lualab compl\tfis\t| head -n 1", "written by `lualab");      /* an argument's choices */
    ask(t, "lualab op\timage.resi\t", "image.resize: a picture of");     /* operators */
    ask(t, "lualab mod\tinf\tpascal-fl\t", "257");                       /* an action, a model */
    ask(t, "lualab sql --lis\ttoge\t", "occur in the same picture");     /* named queries */
    ask(t, "lualab segment --fi\tstre\t--no-rec\tno.jpg", "no.jpg: No"); /* values and flags */
    ask(t, "lualab no.jpg --fi\tcro\t--quie\t", "no.jpg: No");           /* segment is meant */
    ask(t, "lualab segment --model=ade20k-i\tno.jpg", "no.jpg: No");
    ask(t, "lualab run unus\t", "it ran"); /* files, quoted as the shell does */
    terminal_type(t, "exit\r");
    terminal_expect_exit(t, 0);
}

static void bash_completes(void **state)
{
    completes(state, &shells[0]);
}

static void zsh_completes(void **state)
{
    completes(state, &shells[1]);
}

static void fish_completes(void **state)
{
    completes(state, &shells[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bash_completes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(zsh_completes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fish_completes, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("completion", tests, NULL, NULL);
}
