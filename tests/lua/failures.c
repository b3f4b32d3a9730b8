/*
 * Memory that runs out under one long script, which uses each type in the ways a script does; every
 * function of the binding by itself is swept in failures_all.c.
 */
#include "support/cmocka_all.h"

#include "support/refusals.h"

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
    "local run_1, run_2 = check(model:start(t)), check(model:start({ t }, { want = 'logits' }))\n"
    "core.wait_any { run_1, run_2 }\n"
    "check(check(run_1:wait())[1] == out[1] and run_2:wait())\n"
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

static void works_without_refusals(void **state)
{
    long ours = 0, lua = 0;
    assert_true(refusals_run(*state, "", script, &ours, &lua));
    assert_true(ours > 50);
    assert_true(lua > 100);
}

static void ours_refused(void **state)
{
    refusals *f = *state;
    long base = atomic_load(&f->memory.live), failed = 0;
    for (long k = 1;; k++) {
        long ours = k, lua = 0;
        bool finished = refusals_run(f, "", script, &ours, &lua);
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
    refusals *f = *state;
    long base = atomic_load(&f->memory.live), failed = 0;
    for (long k = 1;; k++) {
        long ours = 0, lua = k;
        bool finished = refusals_run(f, "", script, &ours, &lua);
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
        cmocka_unit_test_setup_teardown(works_without_refusals, refusals_set_up,
                                        refusals_tear_down),
        cmocka_unit_test_setup_teardown(ours_refused, refusals_set_up, refusals_tear_down),
        cmocka_unit_test_setup_teardown(lua_refused, refusals_set_up, refusals_tear_down),
    };
    return cmocka_run_group_tests_name("failures", tests, NULL, NULL);
}
