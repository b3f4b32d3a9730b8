/*
 * A program under a pseudo-terminal, for tests: keys are sent and what it writes is watched. What
 * is typed comes back as the line editor's echo, with its control sequences, so tests wait for what
 * the program prints. Whatever does not happen within WAIT_MS fails the test and shows the screen.
 */
#ifndef TESTS_PSEUDO_TERMINAL_H
#define TESTS_PSEUDO_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define TERMINAL_WAIT_MS 20000

typedef struct terminal {
    pid_t pid;
    int fd;
    char screen[65536]; /* everything since what was waited for last */
    size_t used;
} terminal;

/* Starts a program on 24 lines of 80 columns; `env` holds "NAME=value" and ends with NULL. */
void terminal_start(terminal *t, const char *const argv[], const char *const env[]);

void terminal_type(const terminal *t, const char *keys);

/* Waits until `text` is on the screen, and forgets everything up to its end. */
void terminal_expect(terminal *t, const char *text);

/* The same for a prompt, then until the line editor has taken over: earlier keys would be the
 * terminal driver's. */
void terminal_expect_prompt(terminal *t, const char *prompt);

/* Whether `text` was written before `until`, for which it waits and up to which it forgets. */
bool terminal_wrote(terminal *t, const char *text, const char *until);

/* Waits for the end of the program. */
void terminal_expect_exit(terminal *t, int code);

/* Ends a program that a failed test left behind. */
void terminal_close(terminal *t);

#endif
