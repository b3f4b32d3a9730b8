-- Ten thousand random calls (a million with LUALAB_TEST_LONG): whatever a script does, it gets a
-- value or a sentence, never a crash. LUALAB_SEED repeats a run.

require "busted.runner"()

local core = require "lab.core"
local support = require "support"

local calls = os.getenv "LUALAB_TEST_LONG" and 1000000 or 10000
local seed = tonumber(os.getenv "LUALAB_SEED") or os.time()
local kinds = { "tensor", "image", "labelmap", "mask" }
local prefixes = { tensor = "tensor", image = "image", labelmap = "map", mask = "mask" }

local pool, ops_of = {}, {}

local function pick(list)
  return list[math.random(#list)]
end

--- Large values are not worked on again: they would take all the time.
local function keep(value)
  if type(value) == "userdata" then
    local ok, count = pcall(function() return #value end)
    if not ok or count < 200000 then
      pool[math.random(40)] = value
    end
  end
end

local function any_size()
  return pick { 1, 2, 3, 7, 16, 33 }
end

local makers = {
  function() return support.picture(any_size(), any_size(), pick { 1, 3, 4 }) end,
  function() return support.map(any_size(), any_size(), support.labels()) end,
  function() return core.labelmap(any_size(), any_size()) end,
  function() return core.mask(any_size(), any_size()) end,
  function()
    return core.tensor { dtype = pick { "u8", "i8", "i32", "i64", "f16", "f32" },
      shape = { 1, any_size(), any_size(), any_size() } }
  end,
}

local function any_value()
  return pool[math.random(40)] or pick(makers)()
end

--- Something that may or may not fit anywhere.
local function any_argument(depth)
  local choice = math.random(14)
  if choice <= 3 then
    return math.random(-2, 40)
  elseif choice == 4 then
    return pick { 0.5, -1.0, 1e300, -1e300, 0 / 0, 1 / 0, math.maxinteger, math.mininteger, 0 }
  elseif choice <= 6 then
    return pick { "", "cat", "dog", "#ff8000", "#f", "red", "nearest", "area", "png", "a\0b",
      ("x"):rep(1000), "12" }
  elseif choice == 7 then
    return pick { true, false }
  elseif choice == 8 then
    return nil
  elseif choice == 9 then
    return pick { print, io.stdout, coroutine.create(print), support.labels() }
  elseif choice <= 11 and depth < 3 then
    local list = {}
    for i = 1, math.random(0, 4) do
      list[i] = any_argument(depth + 1)
    end
    return list
  end
  return any_value()
end

--- A value that a parameter may well accept; now and then not.
local function likely(param)
  if math.random(12) == 1 then
    return any_argument(0)
  elseif param.type == "int" then
    return math.random(math.max(param.min or 0, -3) // 1, math.min(param.max or 40, 40) // 1)
  elseif param.type == "float" then
    return math.random() * math.min(param.max or 5, 5)
  elseif param.type == "bool" then
    return math.random(2) == 1
  elseif param.type == "enum" then
    return pick(param.choices)
  elseif param.type == "color" then
    return pick { "#102030", "red", "#10203040" }
  elseif param.type == "classes" then
    return pick { { 0 }, { 1, 2 }, "cat", { "dog", 0 } }
  elseif param.type == "floats" then
    return pick { { 0.5 }, { 1, 2, 3 }, {} }
  end
  return any_value()
end

local function call_op()
  local value = any_value()
  local kind = value:kind()
  local op = pick(ops_of[kind])
  local options = {}
  for _, param in ipairs(op.params) do
    if param.required or math.random(3) == 1 then
      options[param.name] = likely(param)
    end
  end
  local other = math.random(30) == 1 and any_value() or value
  return value[op.method](other, options)
end

local function call_method()
  local value = any_value()
  local methods = {}
  for name in pairs(core.methods[value:kind()]) do
    if name ~= "close" or math.random(5) == 1 then
      methods[#methods + 1] = name
    end
  end
  table.sort(methods)
  return value[pick(methods)](value, any_argument(0), any_argument(0))
end

local function call_core()
  local names = { "decode", "probe", "decode_map", "read", "image", "labelmap", "mask", "tensor",
    "labels", "load_model", "load_model_bytes", "load_plugin", "nearest", "sha256", "op_name",
    "read_file", "ops", "plugins", "kernels", "loaders", "readers", "cpu", "threads", "job_threads",
    "memory", "stopped", "clear_stop" }
  return core[pick(names)](any_argument(0), any_argument(0), any_argument(0), any_argument(0))
end

local function call_compare()
  local a, b = any_value(), any_value()
  return a == b, #a, tostring(b)
end

--- Lua's own operators; a tensor or mask on one side at least.
local function call_operator()
  local a, b = any_value(), math.random(3) == 1 and any_argument(0) or any_value()
  if math.random(4) == 1 then
    a, b = b, a
  end
  return pick {
    function() return a + b end, function() return a - b end, function() return a * b end,
    function() return a / b end, function() return -a end, function() return a & b end,
    function() return a | b end, function() return ~a end, function() return a .. b end,
    function() return a < b end,
  }()
end

--- Elements, read and written, mostly where there are some.
local function call_element()
  local value = any_value()
  local function position()
    return math.random(20) == 1 and any_argument(0) or math.random(0, 12)
  end
  return pick {
    function() return value[position()] end,
    function() value[position()] = any_argument(0) end,
    function() value[position()] = math.random(0, 255) end,
    function() return value:get(position(), position(), position()) end,
    function() value:set(position(), math.random(0, 255)) end,
    function() value:set(position(), position(), position(), math.random(-1, 256)) end,
    function() return value:reshape { position(), -1 } end,
  }()
end

-- Whatever is written is written here.
local folder

--- Files and jobs: mostly of the folder's own files, now and then of what is none.
local function call_files()
  local path = folder .. "/"
    .. pick { "a.png", "b.jpg", "c", "missing/d.png", "a.png/e", "", "f\0g" }
  if math.random(12) == 1 then
    path = any_argument(0)
    return core.read_file(path, any_argument(0))
  end
  local choice = math.random(5)
  if choice == 1 then
    return core.write_file(path, pick { "", "bytes", any_argument(0) }, any_argument(0))
  elseif choice == 2 then
    return core.read_file(path, any_argument(0))
  elseif choice == 3 then
    return core.make_dirs(folder .. "/" .. pick { "x", "x/y", "c", "" })
  end
  local options = math.random(3) == 1 and any_argument(0) or nil
  local job = choice == 4 and core.read_picture(path, options)
    or core.save(any_value(), path, options)
  for _ = 1, math.random(4) do
    local method = pick { "start", "done", "wait", "ms", "close" }
    job[method](job, any_argument(0))
  end
  return job:wait()
end

local db, statement

local function call_catalog()
  local choice = math.random(5)
  if choice == 1 then
    local made = db:prepare(pick { "SELECT 1", "SELECT ?, :a", "SELECT * FROM runs", "bad", "",
      "INSERT INTO runs (started) VALUES (?)", "SELECT x'00', NULL, 2.5", "DELETE FROM labels" })
    statement = made or statement
    return made
  elseif choice <= 3 and statement then
    local methods = { "bind", "step", "step", "row", "columns", "reset", "parameters", "close" }
    return statement[pick(methods)](statement, any_argument(0), any_argument(0))
  end
  local methods = { "path", "version", "changes", "last_id", "time_limit", "add_model", "begin_run",
    "finish_run", "begin_result", "finish_result", "fail_result", "map" }
  local options = {}
  for _, name in ipairs { "sha256", "name", "command", "run", "path", "labels", "image", "legend",
    "map" } do
    options[name] = math.random(3) == 1 and any_argument(0) or nil
  end
  return db[pick(methods)](db, math.random(2) == 1 and options or any_argument(0), options)
end

local function call_labels()
  local labels = support.labels()
  local methods = { "name", "label", "color", "find", "close" }
  return labels[pick(methods)](labels, any_argument(0), any_argument(0))
end

local function use_model(model)
  local methods = { "run", "start", "profile", "nodes", "input", "output", "head", "stats", "name",
    "format", "sha256", "removed", "operators" }
  return model[pick(methods)](model, any_argument(0), any_argument(0))
end

describe("random calls", function()
  it(("end in a value or a sentence (seed %d)"):format(seed), function()
    math.randomseed(seed)
    for _, kind in ipairs(kinds) do
      ops_of[kind] = {}
      for _, op in ipairs(core.ops()) do
        if op.name:match "^[^.]*" == prefixes[kind] then
          table.insert(ops_of[kind], op)
        end
      end
      assert.is_true(#ops_of[kind] > 0)
    end
    local sys = require "lab.sys"
    folder = assert(sys.tmp_dir "random-spec-")
    assert.equal(0, sys.spawn { support.tools .. "/make_model", "colors", folder .. "/m.tflite" })
    local model = assert(core.load_model(folder .. "/m.tflite"))
    db = assert(core.catalog(":memory:", "create"))
    local worked = 0
    for i = 1, calls do
      local f = pick { call_op, call_op, call_op, call_method, call_core, call_compare,
        call_operator, call_element, call_element,
        call_catalog, call_labels, call_files, function() return use_model(model) end }
      local results = table.pack(pcall(f))
      if results[1] then
        worked = worked + (results[2] ~= nil and 1 or 0)
        keep(results[2])
        if results.n == 4 and results[2] == nil then
          assert.equal("string", type(results[3]))
        end
      else
        assert.equal("string", type(results[2]))
        assert.is_true(#results[2] > 0)
      end
      if i % 1000 == 0 then
        collectgarbage()
      end
    end
    assert.is_true(worked > calls / 4, worked .. " calls gave something")
    pool, statement = {}, nil
    model:close()
    db:close()
    assert(sys.remove_tree(folder))
    collectgarbage()
    collectgarbage()
    assert.is_true(core.memory() >= 0 and core.memory() < 1e6)
  end)
end)
