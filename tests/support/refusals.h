/*
 * Lua scripts under which memory runs out: an allocation of lualab's is refused once, or every
 * allocation of Lua's from one on. Whatever was made must be gone when the state is closed.
 *
 *     for (long k = 1;; k++) {
 *         long ours = k, lua = 0;
 *         refusals_run(f, prelude, script, &ours, &lua);
 *         …
 *     }
 *
 * Include after cmocka.h. Header only.
 */
#ifndef TEST_SUPPORT_REFUSALS_H
#define TEST_SUPPORT_REFUSALS_H

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "support/fail_alloc.h"
#include "support/small_models.h"

#include "lua/lab_lua.h"

typedef struct lua_memory {
    long calls;
    long refuse_from; /* 0: never */
} lua_memory;

static void *refusals_allocate(void *user, void *ptr, size_t old_size, size_t new_size)
{
    lua_memory *memory = user;
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    /* A block that shrinks may not be refused. */
    if (!ptr || new_size > old_size) {
        memory->calls++;
        if (memory->refuse_from && memory->calls >= memory->refuse_from)
            return NULL;
    }
    return realloc(ptr, new_size);
}

typedef struct refusals {
    fail_alloc memory;
    lab_host *host;
    uint8_t *model;
    size_t model_size;
    const char *prelude, *script; /* of the run that is going on */
} refusals;

static int refusals_set_up(void **state)
{
    static refusals f;
    lab_error error;
    fail_alloc_init(&f.memory, 0);
    lab_host_options options = { .threads = 2, .allocator = &f.memory.allocator };
    if (lab_host_new(&options, &f.host, &error) ||
        lab_host_load_plugins(f.host, TEST_PLUGIN_DIR, &error))
        fail_msg("%s", error.message);
    f.model = small_deeplab(LAB_U8, &f.model_size);
    *state = &f;
    return 0;
}

static int refusals_tear_down(void **state)
{
    refusals *f = *state;
    lab_host_free(f->host);
    free(f->model);
    assert_int_equal(atomic_load(&f->memory.live), 0);
    return 0;
}

static void refusals_load(lua_State *L, const char *text, const char *name)
{
    if (luaL_loadbuffer(L, text, strlen(text), name) != LUA_OK)
        lua_error(L);
}

static int refusals_open_state(lua_State *L)
{
    refusals *f = lua_touserdata(L, 1);
    luaL_openlibs(L);
    lab_lua_open(L, f->host);
    lua_pushlstring(L, (const char *)f->model, f->model_size);
    lua_setglobal(L, "model_bytes");
    lua_pushliteral(L, __FILE__);
    lua_setglobal(L, "a_file");
    lua_pushliteral(L, "failures.png"); /* in the test's own folder of the build */
    lua_setglobal(L, "a_picture");
    refusals_load(L, f->prelude, "=prelude");
    lua_call(L, 0, 0);
    return 0;
}

/* Everything that may raise happens in here, as in the program. */
static int refusals_run_script(lua_State *L)
{
    refusals *f = lua_touserdata(L, 1);
    refusals_load(L, f->script, "=script");
    lua_call(L, 0, 1);
    return 1;
}

/*
 * Runs the script, after the prelude, which nothing is refused, with the given refusals (0: none);
 * true when it went through, which it says by returning "finished". The numbers of allocations that
 * it made replace them.
 */
static bool refusals_run(refusals *f, const char *prelude, const char *script, long *refuse_ours,
                         long *refuse_lua)
{
    lua_memory memory = { 0, 0 };
    f->prelude = prelude;
    f->script = script;
    lua_State *L = lua_newstate(refusals_allocate, &memory);
    assert_non_null(L);
    lua_pushcfunction(L, refusals_open_state);
    lua_pushlightuserdata(L, f);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK)
        fail_msg("%s", lua_tostring(L, -1));
    lua_pushcfunction(L, refusals_run_script);
    lua_pushlightuserdata(L, f);
    long ours = atomic_load(&f->memory.calls), lua = memory.calls;
    bool refused = *refuse_ours || *refuse_lua;
    f->memory.fail_at = *refuse_ours ? ours + *refuse_ours : 0;
    memory.refuse_from = *refuse_lua ? lua + *refuse_lua : 0;
    int status = lua_pcall(L, 1, 1, 0);
    memory.refuse_from = 0;
    f->memory.fail_at = 0;
    *refuse_ours = atomic_load(&f->memory.calls) - ours;
    *refuse_lua = memory.calls - lua;
    const char *text = lua_tostring(L, -1);
    bool finished = status == LUA_OK && text && strcmp(text, "finished") == 0;
    if (!finished && (!text || !*text))
        fail_msg("an error without a message");
    if (!finished && !refused)
        fail_msg("nothing was refused, yet: %s", text);
    lua_close(L);
    return finished;
}

#endif
