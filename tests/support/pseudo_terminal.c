/* A program under a pseudo-terminal; see pseudo_terminal.h. */
#include "support/pseudo_terminal.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "support/cmocka_all.h"

void terminal_start(terminal *t, const char *const argv[], const char *const env[])
{
    struct winsize size = { .ws_row = 24, .ws_col = 80 };
    t->used = 0;
    t->pid = forkpty(&t->fd, NULL, NULL, &size);
    assert_true(t->pid >= 0);
    if (t->pid == 0) {
        for (; *env; env++)
            putenv((char *)*env);
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
}

void terminal_type(const terminal *t, const char *keys)
{
    assert_int_equal(write(t->fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

/* Where `text` is on the screen, once it is. */
static char *find(terminal *t, const char *text)
{
    for (;;) {
        t->screen[t->used] = '\0';
        char *found = strstr(t->screen, text);
        if (found)
            return found;
        struct pollfd ready = { .fd = t->fd, .events = POLLIN };
        ssize_t n = -1;
        if (poll(&ready, 1, TERMINAL_WAIT_MS) > 0 && t->used + 1 < sizeof t->screen)
            n = read(t->fd, t->screen + t->used, sizeof t->screen - 1 - t->used);
        if (n <= 0)
            fail_msg("waited for \"%s\" in vain; on the screen: \"%s\"", text, t->screen);
        for (ssize_t i = 0; i < n; i++) /* NULs are padding */
            if (!t->screen[t->used + (size_t)i])
                t->screen[t->used + (size_t)i] = ' ';
        t->used += n > 0 ? (size_t)n : 0;
    }
}

static void forget(terminal *t, const char *up_to)
{
    size_t gone = (size_t)(up_to - t->screen);
    memmove(t->screen, up_to, t->used - gone);
    t->used -= gone;
}

void terminal_expect(terminal *t, const char *text)
{
    forget(t, find(t, text) + strlen(text));
}

bool terminal_wrote(terminal *t, const char *text, const char *until)
{
    const char *end = find(t, until);
    const char *found = strstr(t->screen, text);
    bool wrote = found && found + strlen(text) <= end;
    forget(t, end + strlen(until));
    return wrote;
}

void terminal_expect_prompt(terminal *t, const char *prompt)
{
    terminal_expect(t, prompt);
    struct termios modes;
    for (int ms = 0; ms < TERMINAL_WAIT_MS; ms++) {
        assert_int_equal(tcgetattr(t->fd, &modes), 0);
        if (!(modes.c_lflag & ICANON))
            return;
        usleep(1000);
    }
    fail_msg("the line editor did not start");
}

/* Takes what the program writes at its end, which otherwise could wait for that for ever. */
static void drain(terminal *t)
{
    char text[4096];
    struct pollfd ready = { .fd = t->fd, .events = POLLIN };
    if (poll(&ready, 1, 1) > 0 && read(t->fd, text, sizeof text) <= 0)
        usleep(1000); /* hung up already */
}

void terminal_expect_exit(terminal *t, int code)
{
    int status = 0;
    pid_t ended = 0;
    for (int ms = 0; ms < TERMINAL_WAIT_MS && ended == 0; ms++) {
        drain(t);
        ended = waitpid(t->pid, &status, WNOHANG);
    }
    if (ended != t->pid)
        fail_msg("the program did not end within %d s", TERMINAL_WAIT_MS / 1000);
    close(t->fd);
    t->pid = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

void terminal_close(terminal *t)
{
    if (t->pid <= 0)
        return;
    kill(t->pid, SIGKILL);
    waitpid(t->pid, NULL, 0);
    close(t->fd);
    t->pid = 0;
}
