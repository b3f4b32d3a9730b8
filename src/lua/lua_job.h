/*
 * What the kinds of jobs share: the state that a job's work reads and writes, which is C's alone,
 * and the three functions that make a kind. Jobs as objects are in lua_job.c.
 */
#ifndef LAB_LUA_LUA_JOB_H
#define LAB_LUA_LUA_JOB_H

#include "lua/lua_util.h"

typedef struct lab_lua_job_kind {
    lab_job_fn *run;                        /* perhaps on another thread: nothing of Lua */
    int (*push)(lua_State *L, void *state); /* the results of a job that went well */
    void (*release)(void *state);
} lab_lua_job_kind;

/* What the state of every kind begins with. */
typedef struct lab_lua_job_head {
    lab_context *ctx;
    char *path;        /* or what else the work is about */
    lab_status status; /* set by run */
    lab_error error;
} lab_lua_job_head;

/*
 * Pushes a job, not started, with a zeroed state of `size` bytes but for its head, and returns the
 * state. Its user value is for what the work borrows from Lua.
 */
void *lab_lua_push_job(lua_State *L, const lab_lua_job_kind *kind, size_t size, const char *path);
/* Starts the job at `at`, which was not started; without memory for threads it stays so. */
void lab_lua_start_job(lua_State *L, int at);

#endif
