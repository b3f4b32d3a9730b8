/*
 * Memory that runs out under a script: every allocation of lualab's is refused once, and from every
 * allocation of Lua's on all are, while a script uses each type. Whatever was made must be gone
 * when the state is closed.
 */
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "support/cmocka_all.h"

#include "support/fail_alloc.h"
#include "support/small_models.h"

#include "lua/lab_lua.h"

/* Failures of the outside world become errors, so that one refusal ends the script. */
static const char script[] =
    "local core = require 'lab.core'\n"
    "local function check(value, message, code)\n"
    "  return value or error((message or 'nothing') .. ' ' .. (code or ''))\n"
    "end\n"
    "local labels = core.labels { name = 'pets', names = { 'no', 'cat' }, colors = { 0, 255 } }\n"
    "local img = check(core.image(9, 7, 3))\n"
    "local png = check(img:encode { format = 'png' })\n"
    "local back = check(core.decode(png))\n"
    "local small = check(back:resize { width = 4, height = 3 })\n"
    "local map = check(core.labelmap(9, 7, ('\\1'):rep(63), labels))\n"
    "local rows = check(map:legend {})\n"
    "local mask = check(map:mask { include = { 'cat', 1 } })\n"
    "local soft = check(mask:feather(2))\n"
    "local cut = check(soft:cutout { image = img })\n"
    "check(core.decode_map(check(map:encode()), labels))\n"
    "check(check(core.mask(2, 2):as 'labelmap'):with_labels(labels))\n"
    "local t1 = check(core.tensor { dtype = 'f32', shape = { 2, 3 } })\n"
    "local t2 = t1:reshape { 3, 2 }\n"
    "t1[1], t2[2] = 2, 3\n"
    "t1:set(2, 1, 7)\n"
    "check(t1:get(2, 3) == 0 and t1[4] == 7 and t2[1] == 0)\n"
    "check((2 * t1 + t1 / 3 - (-t1)):softmax():sum(-1)[1])\n"
    "check(t1:transpose():slice { axis = 1, from = 2 }:concat(t1:slice { axis = 1, from = 1 }\n"
    "  :reshape { 1, 3 }:cast 'f32':slice { axis = 2, from = 1, to = 2 }))\n"
    "check(((mask & soft) | ~mask) - mask)\n"
    "check(mask:dilate(1):closing { radius = 1, shape = 'square' }:fill_holes())\n"
    "check(#mask:outline { tolerance = 1 } > 0 and mask:largest_region():measure()[1].pixels)\n"
    "check(#map:regions 'cat' == 1 and map:smooth(1):boundary(2))\n"
    "check(map:merge { 'cat', into = 'no' }:remap { 1, 0 }:classes()[1].id == 1)\n"
    "check(img:blur { radius = 2, mask = mask }:paste { with = cut, x = 2 })\n"
    "local model = check(core.load_model_bytes(model_bytes, 'small'))\n"
    "local t = check(core.tensor { dtype = 'u8', shape = { 1, 17, 17, 3 } })\n"
    "local out = check(model:run(t))\n"
    "check(model:run(t, { want = 'logits' }))\n"
    "check(model:profile(t, 1))\n"
    "check(#model:nodes() > 3 and model:head() and model:stats())\n"
    "local db = check(core.catalog(':memory:', 'create'))\n"
    "local id = check(db:add_model { sha256 = ('0'):rep(64), name = 'm', labels = labels })\n"
    "local run = check(db:begin_run { command = 'test' })\n"
    "local result = check(db:begin_result { run = run, model = id, path = 'x' })\n"
    "check(db:finish_result(result, { image = { sha256 = ('1'):rep(64), path = 'x', bytes = 1,\n"
    "  width = 9, height = 7 }, map = map, legend = rows }))\n"
    "check(check(db:map(result)) == map)\n"
    "local s = check(db:prepare 'SELECT path, ? FROM results')\n"
    "s:bind('text')\n"
    "check(s:step())\n"
    "check(#s:row() == 2 and #s:columns() == 2)\n"
    "check(#core.ops() > 5 and core.plugins() and core.kernels() and core.loaders())\n"
    "check(core.read_file(a_file))\n"
    "check(core.save(img, a_picture, { level = 9 }):wait())\n"
    "check(core.read_picture(a_picture, { sha256 = true }):wait())\n"
    "check(core.save(map, a_picture):start():wait())\n"
    "check(core.read_picture(a_picture):start():wait())\n"
    "return 'finished'\n";

typedef struct lua_memory {
    long calls;
    long refuse_from; /* 0: never */
} lua_memory;

static void *lua_allocate(void *user, void *ptr, size_t old_size, size_t new_size)
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

typedef struct fixture {
    fail_alloc memory;
    lab_host *host;
    uint8_t *model;
    size_t model_size;
} fixture;

static int set_up(void **state)
{
    static fixture f;
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

static int tear_down(void **state)
{
    fixture *f = *state;
    lab_host_free(f->host);
    free(f->model);
    assert_int_equal(atomic_load(&f->memory.live), 0);
    return 0;
}

static int open_state(lua_State *L)
{
    fixture *f = lua_touserdata(L, 1);
    luaL_openlibs(L);
    lab_lua_open(L, f->host);
    lua_pushlstring(L, (const char *)f->model, f->model_size);
    lua_setglobal(L, "model_bytes");
    lua_pushliteral(L, __FILE__);
    lua_setglobal(L, "a_file");
    lua_pushliteral(L, "failures.png"); /* in the test's own folder of the build */
    lua_setglobal(L, "a_picture");
    return 0;
}

/* Everything that may raise happens in here, as in the program. */
static int run_script(lua_State *L)
{
    if (luaL_loadbuffer(L, script, sizeof script - 1, "=script") != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 1);
    return 1;
}

/*
 * Runs the script with the given refusals (0: none); true when it went through. The numbers of
 * allocations that it made replace them.
 */
static bool run(fixture *f, long *refuse_ours, long *refuse_lua)
{
    lua_memory memory = { 0, 0 };
    lua_State *L = lua_newstate(lua_allocate, &memory);
    assert_non_null(L);
    lua_pushcfunction(L, open_state);
    lua_pushlightuserdata(L, f);
    assert_int_equal(lua_pcall(L, 1, 0, 0), LUA_OK);
    lua_pushcfunction(L, run_script);
    long ours = atomic_load(&f->memory.calls), lua = memory.calls;
    bool refused = *refuse_ours || *refuse_lua;
    f->memory.fail_at = *refuse_ours ? ours + *refuse_ours : 0;
    memory.refuse_from = *refuse_lua ? lua + *refuse_lua : 0;
    int status = lua_pcall(L, 0, 1, 0);
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

static void works_without_refusals(void **state)
{
    long ours = 0, lua = 0;
    assert_true(run(*state, &ours, &lua));
    assert_true(ours > 50);
    assert_true(lua > 100);
}

static void ours_refused(void **state)
{
    fixture *f = *state;
    long base = atomic_load(&f->memory.live), failed = 0;
    for (long k = 1;; k++) {
        long ours = k, lua = 0;
        bool finished = run(f, &ours, &lua);
        long live = atomic_load(&f->memory.live);
        if (live != base)
            fail_msg("our allocation %ld refused: %ld blocks were not released", k, live - base);
        if (ours < k)
            break;
        failed += !finished;
    }
    assert_true(failed > 50);
}

static void lua_refused(void **state)
{
    fixture *f = *state;
    long base = atomic_load(&f->memory.live), failed = 0;
    for (long k = 1;; k++) {
        long ours = 0, lua = k;
        bool finished = run(f, &ours, &lua);
        long live = atomic_load(&f->memory.live);
        if (live != base)
            fail_msg("Lua's allocation %ld refused: %ld blocks were not released", k, live - base);
        if (lua < k)
            break;
        failed += !finished;
    }
    assert_true(failed > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(works_without_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ours_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lua_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("failures", tests, NULL, NULL);
}
