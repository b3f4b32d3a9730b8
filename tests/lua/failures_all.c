/*
 * Memory that runs out in every function of the binding and in every operator. That none is left
 * out is found by looking: the functions that lab.core and its classes have are compared with those
 * that a hook saw being called. The operators are run as their examples in scripts/OPERATORS.md.
 *
 * Refused are: each allocation of lualab's, once; and all of Lua's from one on, for every ninth of
 * them (with LUALAB_TEST_LONG: for each).
 */
#include "support/cmocka_all.h"

#include "support/refusals.h"

/* What the parts share. Failures of the outside world become errors, so that one ends the part. */
static const char prelude[] =
    "core = require 'lab.core'\n"
    "function check(value, message, code)\n"
    "  return value or error((message or 'nothing') .. ' ' .. (code or ''))\n"
    "end\n"
    "labels = core.labels { name = 'pets', names = { 'no', 'cat', 'dog' },\n"
    "  colors = { 0, 0x400000, 0x40ff80 } }\n"
    "img = core.image(64, 48, 3, ('\\7\\100\\200'):rep(3072))\n"
    "other = core.image(64, 48, 3, ('\\200\\100\\7'):rep(3072))\n"
    "map = core.labelmap(64, 48, (('\\0'):rep(20) .. ('\\1'):rep(24) .. ('\\2'):rep(20)):rep(48),\n"
    "  labels)\n"
    "mask = map:mask 'cat'\n"
    "cut, truth, zone = img:cutout(mask), map:smooth(2), mask:dilate(2):erode(1)\n"
    "logits = core.tensor { dtype = 'f32', shape = { 1, 5, 5, 3 } }\n"
    "t = core.tensor { dtype = 'f32', shape = { 2, 3 } }\n"
    "for i = 1, #logits do logits[i] = i * 7 % 11 end\n"
    "for i = 1, #t do t[i] = i / 4 end\n"
    "u = t + 1\n"
    "network = core.load_model_bytes(model_bytes, 'small')\n"
    "input = core.tensor { dtype = 'u8', shape = { 1, 17, 17, 3 } }\n"
    "db = core.catalog(':memory:', 'create')\n"
    "core.save(img, a_picture):wait()\n"
    "core.write_file('failures.tflite', model_bytes)\n"
    "print = function() end\n"
    "examples = dofile '" TEST_SCRIPTS "/lab/examples.lua'\n"
    "example_names = {}\n"
    "for name in pairs(examples) do example_names[#example_names + 1] = name end\n"
    "table.sort(example_names)\n";

#define END "return 'finished'\n"

static const char *const parts[] = {
    /* values: made */
    "check(core.image(3, 2, 1)) check(core.mask(3, 2)) check(core.labelmap(3, 2, nil, labels))\n"
    "check(core.tensor { dtype = 'i8', shape = { 2, 2 }, data = '\\1\\2\\3\\4' })\n"
    "check(core.labels { name = 'x', names = { 'a' }, colors = { 1 } })\n" END,
    "local png = check(img:encode { format = 'png' })\n"
    "check(core.decode(png, { orient = false })) check(core.probe(png))\n"
    "check(core.decode_map(check(map:encode()), labels))\n"
    "local ok, bytes = pcall(function() return img:npy() end)\n"
    "if ok and bytes then check(core.read(bytes, 'x.npy')) else core.read('none', 'x.npy') "
    "end\n" END,
    /* asked and changed */
    "check(img:kind() and img:dtype() and img:shape() and img:bytes() and img:width())\n"
    "check(img:height() and img:channels() and img:at(1, 1) and #img and tostring(img))\n"
    "check(img == img:as 'tensor':as 'image' and map:labels() and not t:quant())\n"
    "check(mask:as 'labelmap':with_labels(labels))\n"
    "check(tostring(labels) and labels == map:labels())\n" END,
    "local share = t:reshape { 3, 2 } share:set(1, 1, 5) t[2] = 7\n"
    "check(t:get(1, 2) == 7 and t[2] == 7 and share:get(1) == 5)\n"
    "check((2 * t + u / 3 - (-t))[1] and ((mask & zone) | ~mask) - mask)\n"
    "local gone = t + 0 gone:close()\n" END,
    "check(labels:name() and labels:label(1) and labels:color(2) and labels:find 'dog')\n"
    "labels:find 'dgo' check(#labels == 3)\n"
    "core.labels { name = 'y', names = { 'a' }, colors = { 1 } }:close()\n" END,
    /* models */
    "local m = check(core.load_model 'failures.tflite') check(tostring(m) and m:name())\n"
    "check(m:format() and m:input(1) and m:output(1) and m:head() and m:stats())\n"
    "check(m:nodes() and m:removed() and m:operators() and m:sha256()) m:close()\n" END,
    "check(core.load_model_bytes(model_bytes, 'again')) check(network:run(input))\n"
    "check(network:profile(input, 1))\n" END,
    "local a, b = check(network:start(input)), check(network:start { input })\n"
    "core.wait_any { a, b } check(a:wait() and b:wait())\n" END,
    /* the catalog */
    "local d = check(core.catalog('failures.db', 'create')) check(tostring(d) and d:path())\n"
    "check(d:version() and d:changes() and d:last_id()) d:time_limit(5)\n"
    "d:value_limit(1000000) d:close()\n" END,
    "local model = check(db:add_model { sha256 = ('0'):rep(64), name = 'm', labels = labels })\n"
    "local run = check(db:begin_run { command = 'test' })\n"
    "local r = check(db:begin_result { run = run, model = model, path = 'x' })\n"
    "local bad = check(db:begin_result { run = run, model = model, path = 'y' })\n"
    "check(db:finish_result(r, { image = { sha256 = ('1'):rep(64), path = 'x', bytes = 1,\n"
    "  width = 64, height = 48 }, map = map, legend = check(map:legend {}) }))\n"
    "check(db:fail_result(bad, 'why') and db:map(r) == map and db:finish_run(run, 'done'))\n" END,
    "local s = check(db:prepare 'SELECT ?, :b, 2.5, NULL, x\\'00\\'')\n"
    "check(s:parameters() and tostring(s)) s:bind('text', 1) s:reset() s:bind { b = 2 }\n"
    "check(s:step() and #s:row() and #s:columns()) s:close() db:prepare 'bad'\n" END,
    "os.remove 'failures.copy.db' check(db:backup 'failures.copy.db')\n"
    "os.remove 'failures.copy.db'\n" END,
    /* files and jobs */
    "check(core.write_file('failures.txt', 'text', { durable = true }))\n"
    "check(core.read_file 'failures.txt' == 'text') check(core.make_dirs 'failures.d/e')\n"
    "core.read_file 'failures.none' core.load_plugin 'failures.none.so'\n" END,
    "local job = check(core.read_picture(a_picture, { sha256 = true }):start())\n"
    "job:done() check(job:wait()) job:ms() core.read_picture 'failures.none':wait()\n"
    "core.save(map, a_picture, { level = 9 }):close()\n"
    "check(core.encode(img):wait())\n" END,
    /* what there is */
    "check(core.ops()) check(core.op_name(img.resize)) check(core.plugins())\n" END,
    "check(core.kernels() and core.loaders() and core.readers() and core.cpu())\n" END,
    "check(core.nearest('ca', { 'cat', 'dog' }) and core.sha256 'x' and core.threads())\n"
    "check(core.memory() and core.job_threads()) core.stopped() core.clear_stop()\n"
    "core.running_in() check(core.services()) pcall(core.service, 'none')\n" END,
};
#define N_PARTS (sizeof parts / sizeof *parts)

/*
 * Around all parts: the functions that are called, by a hook, against those there are. __gc is
 * called where no hook sees it and is `close` besides. core.peak measures for milliseconds and
 * allocates a table; services come from plugins of their own, with tests of their own.
 */
static const char watch[] =
    "seen = {}\n"
    "debug.sethook(function() seen[debug.getinfo(2, 'f').func] = true end,\n"
    "  'c')\n";
static const char verdict[] =
    "debug.sethook()\n"
    "seen[core.peak] = true\n"
    "local missing, count = {}, 0\n"
    "local function look(list, prefix)\n"
    "  for name, value in pairs(list) do\n"
    "    if type(value) == 'function' and type(name) == 'string' and name ~= '__gc' then\n"
    "      count = count + 1\n"
    "      missing[#missing + 1] = not seen[value] and prefix .. name or nil\n"
    "    end\n"
    "  end\n"
    "end\n"
    "look(core, 'core.')\n"
    "for kind, methods in pairs(core.methods) do look(methods, kind .. ':') end\n"
    "for name, class in pairs(debug.getregistry()) do\n"
    "  if type(name) == 'string' and name:find '^lab%.%u' and name ~= 'lab.Service'\n"
    "    and name ~= 'lab.Guard' then\n"
    "    look(class, name .. '.')\n"
    "    if type(class.__index) == 'table' then look(class.__index, name .. ':') end\n"
    "  end\n"
    "end\n"
    "table.sort(missing)\n"
    "if #missing > 0 then error('never called: ' .. table.concat(missing, ' '), 0) end\n"
    "if count < 100 then error('only ' .. count .. ' functions were found', 0) end\n" END;

static int run_all_parts(lua_State *L)
{
    refusals *f = lua_touserdata(L, 1);
    f->prelude = prelude;
    lua_settop(L, 0);
    lua_pushcfunction(L, refusals_open_state);
    lua_pushlightuserdata(L, f);
    lua_call(L, 1, 0);
    refusals_load(L, watch, "=watch");
    lua_call(L, 0, 0);
    for (size_t i = 0; i < N_PARTS; i++) {
        refusals_load(L, parts[i], "=part");
        lua_call(L, 0, 0);
    }
    refusals_load(L, verdict, "=verdict");
    lua_call(L, 0, 1);
    return 1;
}

static void no_function_is_left_out(void **state)
{
    lua_State *L = luaL_newstate();
    assert_non_null(L);
    lua_pushcfunction(L, run_all_parts);
    lua_pushlightuserdata(L, *state);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK)
        fail_msg("%s", lua_tostring(L, -1));
    lua_close(L);
}

/* ---- the sweeps ---- */

typedef struct swept {
    long ours, lua, failed; /* refusals, and the runs that they ended */
} swept;

/* Refuses one kind of allocation at 1, 1 + step, … until the script gets past it. */
static void sweep_kind(refusals *f, const char *script, bool of_lua, long step, swept *sum)
{
    long base = atomic_load(&f->memory.live);
    for (long k = 1;; k += step) {
        long ours = of_lua ? 0 : k, lua = of_lua ? k : 0;
        bool finished = refusals_run(f, prelude, script, &ours, &lua);
        long live = atomic_load(&f->memory.live);
        if (live != base)
            fail_msg("%s allocation %ld refused: %ld blocks were not released in: %s",
                     of_lua ? "Lua's" : "our", k, live - base, script);
        if ((of_lua ? lua : ours) < k) {
            if (!finished)
                fail_msg("ends although nothing was refused: %s", script);
            return;
        }
        *(of_lua ? &sum->lua : &sum->ours) += 1;
        sum->failed += !finished;
    }
}

static void sweep(refusals *f, const char *script, swept *sum)
{
    sweep_kind(f, script, false, 1, sum);
    sweep_kind(f, script, true, getenv("LUALAB_TEST_LONG") ? 1 : 9, sum);
}

static void every_function_survives(void **state)
{
    swept sum = { 0, 0, 0 };
    for (size_t i = 0; i < N_PARTS; i++)
        sweep(*state, parts[i], &sum);
    print_message("the binding: %ld of our and %ld of Lua's allocations refused, %ld runs ended\n",
                  sum.ours, sum.lua, sum.failed);
    assert_true(sum.failed > 200);
}

/* How many examples there are, from the file itself. */
static long count_examples(refusals *f)
{
    long count = 0;
    lua_State *L = luaL_newstate();
    assert_non_null(L);
    f->prelude = prelude;
    lua_pushcfunction(L, refusals_open_state);
    lua_pushlightuserdata(L, f);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK && lua_getglobal(L, "example_names") == LUA_TTABLE)
        count = (long)lua_rawlen(L, -1);
    lua_close(L);
    return count;
}

static void every_operator_survives(void **state)
{
    refusals *f = *state;
    swept sum = { 0, 0, 0 };
    long count = count_examples(f);
    assert_true(count > 50);
    for (long i = 1; i <= count; i++) {
        char script[120];
        snprintf(script, sizeof script,
                 "check(load(examples[example_names[%ld]]))()\n"
                 "return 'finished'\n",
                 i);
        sweep(f, script, &sum);
    }
    print_message(
        "%ld operators: %ld of our and %ld of Lua's allocations refused, %ld runs ended\n", count,
        sum.ours, sum.lua, sum.failed);
    assert_true(sum.failed > 5 * count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_function_is_left_out, refusals_set_up,
                                        refusals_tear_down),
        cmocka_unit_test_setup_teardown(every_function_survives, refusals_set_up,
                                        refusals_tear_down),
        cmocka_unit_test_setup_teardown(every_operator_survives, refusals_set_up,
                                        refusals_tear_down),
    };
    return cmocka_run_group_tests_name("failures_all", tests, NULL, NULL);
}
