-- A catalog of 10,000 results, made of the label maps that two models give of photos of Pascal VOC:
-- what recording costs beside the networks, how fast the named queries answer, how large the file
-- gets: large_catalog.lua FOLDER [RESULTS [FILE]]. By default RESULTS is 500, and 10,000 with
-- LUALAB_TEST_LONG; only then times must keep their limits. With FILE the catalog is kept there.
-- Exit code 77 (skipped) where photos or weights cannot be had.

local care = require "lab.catalog_care"
local core = require "lab.core"
local json = require "lab.json"
local lab = require "lab"
local paths = require "lab.paths"
local queries = require "lab.queries"
local sys = require "lab.sys"

local folder = arg[1]
local long = os.getenv "LUALAB_TEST_LONG" ~= nil
local results = tonumber(arg[2]) or long and 10000 or 500
local limits = { record_ms = 2, query_ms = 100, bytes = 150e6 }

local function skip(reason)
  print("skipped: " .. reason)
  os.exit(77, true)
end

local list = core.read_file(folder .. "/list.txt")
if not list then
  skip(folder .. " is not here")
end
local models = {}
for i, name in ipairs { "pascal", "pascal-small" } do
  local message, code
  models[i], message, code = lab.load(name)
  if not models[i] then
    if code ~= "NOT_FOUND" and code ~= "IO" then
      error(message, 0)
    end
    skip(message)
  end
end

local work = assert(sys.tmp_dir "lualab-large-")
local _ <close> = setmetatable({}, { __close = function() sys.remove_tree(work) end })
local file = arg[3] or work .. "/catalog.db"
local db <close> = assert(lab.catalog(file))
local connection = db:connection()

local function milliseconds(f, ...)
  local start = sys.clock()
  local value = table.pack(f(...))
  return (sys.clock() - start) * 1e3, table.unpack(value, 1, value.n)
end

local function mean(times)
  local sum = 0
  for _, ms in ipairs(times) do
    sum = sum + ms
  end
  return sum / #times
end

local function quantile(times, q)
  table.sort(times)
  return times[math.max(1, math.ceil(q * #times))]
end

-- ---- real maps, and what recording them costs while the networks run ----

--- The record stage with a clock around what it does for each picture.
local function timed_record(times)
  local stage = lab.stages.record { db = db, command = "large_catalog" }
  local began
  return setmetatable({
    begin = function(_, r)
      local row, message, code
      began, row, message, code = milliseconds(stage.begin, stage, r)
      return row, message, code
    end,
    run = function(_, r)
      local ms, ok, message, code = milliseconds(stage.run, stage, r)
      times[#times + 1] = began + ms
      return ok, message, code
    end,
  }, { __index = function(_, name)
    local value = stage[name]
    return type(value) == "function" and function(_, ...) return value(stage, ...) end or value
  end })
end

local beside, maps, photos = {}, {}, {}
for name in list:gmatch "%S+" do
  photos[#photos + 1] = paths.join(folder, "images", name .. ".jpg")
end
for i, model in ipairs(models) do
  maps[i] = {}
  local line = lab.pipeline { model = model, lab.stages.preprocess {}, lab.stages.segment {},
    lab.stages.legend {}, timed_record(beside) }
  for r, message in line:each(table.unpack(photos)) do
    assert(not message, message)
    maps[i][#maps[i] + 1] = r.map
  end
  line:close()
end

-- ---- the rest of the history ----

local words = { "street", "holiday", "garden", "kitchen", "station", "harbour", "market" }
local labels = models[1]:labels()
local model_ids, alone, alone_cpu = {}, {}, {}
for i, model in ipairs(models) do
  model_ids[i] = assert(connection:add_model { sha256 = model.sha256, name = model.name,
    path = model.path, format = "tflite", labels = labels, input_width = model.width,
    input_height = model.height })
end

--- A part of a map, somewhere else in its picture: no two are alike.
local function variant(map, i)
  local width, height = map:width(), map:height()
  local part = assert(map:crop { x = i % 29, y = i % 31, width = width - 30 - i % 37,
    height = height - 32 - i % 41 })
  return assert(part:resize { width = width, height = height })
end

local function record(run, model, i, map)
  local path = ("/photos/%s %d/%05d.jpg"):format(words[i % #words + 1], 2000 + i % 25, i)
  local legend = map:legend {}
  local timings = json.encode { decode = 5 + i % 3, segment = 300 + i % 50, record = 0.5 }
  local sha256 = core.sha256(path)
  local cpu = os.clock()
  alone[#alone + 1] = milliseconds(function()
    local id = assert(connection:begin_result { run = run, model = model, path = path })
    if i % 97 == 0 then
      assert(connection:fail_result(id, path .. ": No such file or directory"))
    else
      assert(connection:finish_result(id, { map = map, legend = legend, timings = timings,
        image = { sha256 = sha256, path = path, bytes = 90000 + i, width = map:width(),
          height = map:height(), format = "jpeg" } }))
    end
  end)
  alone_cpu[#alone_cpu + 1] = (os.clock() - cpu) * 1e3
end

--- Both models look at the same pictures, 250 in a run.
local function fill()
  local made, k = db:value "SELECT count(*) FROM results", 0
  while made < results do
    for m = 1, #models do
      local run = assert(connection:begin_run { command = "lualab segment photos", version = "0",
        pipeline = '["segment","legend","record"]', kernels = "best", threads = 2 })
      for i = k * 250 + 1, k * 250 + math.min(250, (results - made + 1) // 2) do
        local base = maps[m][i % #maps[m] + 1]
        record(run, model_ids[m], i, variant(base, i))
      end
      assert(connection:finish_run(run, "done"))
    end
    k, made = k + 1, db:value "SELECT count(*) FROM results"
  end
end
fill()

--- Evaluations of 21 classes with whole confusion matrices, over two sets of truths.
local function evaluate()
  local run = db:value "SELECT max(id) FROM runs"
  for n = 1, 40 do
    assert(db:transaction(function()
      assert(db:exec([[INSERT INTO evaluations (run, model, label_set, images, truth, digest, rule,
        ignored_id, band_ratio, pictures, failed, pixels, classes, mean_iou, pixel_accuracy,
        mean_accuracy, frequency_iou, boundary_iou, added)
        SELECT ?1, id, label_set, 'a', 'b', ?2, 'standard', 255, 0.02, 63, 0, 1, 21, 0.5, 0.5, 0.5,
        0.5, 0.5, '2024' FROM models WHERE id = ?3]], run, core.sha256("truth" .. n % 2),
        model_ids[n % 2 + 1]))
      local id = connection:last_id()
      assert(db:exec([[INSERT INTO evaluation_classes
        SELECT ?1, class_id, 1000, 1000, 10 * class_id, 0.01 * class_id, 9, 9, 1, 0.1 FROM labels
        WHERE label_set = (SELECT label_set FROM models WHERE id = ?2)]], id, model_ids[1]))
      assert(db:exec([[INSERT INTO evaluation_confusions
        SELECT ?1, a.class_id, b.class_id, 1 + a.class_id * b.class_id FROM labels a, labels b
        WHERE a.label_set = (SELECT label_set FROM models WHERE id = ?2)
        AND b.label_set = a.label_set]], id, model_ids[1]))
      return true
    end))
  end
end
evaluate()

-- ---- what it says ----

local failures = {}
local function demand(truth, format, ...)
  if not truth and long then
    failures[#failures + 1] = format:format(...)
  end
end

local function about_recording(name, times)
  local average = mean(times)
  print(("recording %-22s %6d results: mean %.3f ms, median %.3f ms, p95 %.3f ms, most %.3f ms")
    :format(name, #times, average, quantile(times, 0.5), quantile(times, 0.95), quantile(times, 1)))
  return average
end
about_recording("while networks run", beside)
about_recording("one after another", alone)
-- Of these three the only one that other programs on the machine leave alone.
local cost = about_recording("…, time of the CPU", alone_cpu)
demand(cost < limits.record_ms, "recording a result takes %.3f ms", cost)

local parameters = {
  agreement = { { label = "person" } }, confusions = { { evaluation = 3 } },
  covering = { { x = 250, y = 180 } }, ["evaluation-classes"] = { { evaluation = 9 } },
  evaluations = { { model = "pascal" } }, failures = { { run = 3 } },
  find = { { words = "street 2010" }, { words = "gard*" } }, labels = { { labels = "pascal" } },
  models = { { model = "pascal" } }, ["pictures-with"] = { { label = "person" },
    { label = "person", fraction = 0.5 }, { label = "boat" } },
  runs = { { limit = 1000 } }, stages = { { model = "pascal" } },
  together = { { label = "person" }, { label = "boat" } },
}

local function describe(values)
  local parts = {}
  for name, value in pairs(values or {}) do
    parts[#parts + 1] = name .. "=" .. value
  end
  table.sort(parts)
  return table.concat(parts, " ")
end

local function about_query(query, values, when)
  local times, cpu, rows = {}, {}, nil
  for i = 1, 8 do
    local start = os.clock()
    times[i], rows = milliseconds(db.query, db, query.sql, values)
    cpu[i] = (os.clock() - start) * 1e3
    assert(rows, query.name)
  end
  table.remove(times, 1) -- the first warms the cache
  local middle, busy = quantile(times, 0.5), quantile(cpu, 0.5)
  print(("  %-18s %-28s %5d rows  least %7.2f  median %7.2f ms, time of the CPU %7.2f ms"):format(
    query.name, describe(values), #rows, times[1], middle, busy))
  -- On a machine that others use, too, only the time of the CPU says what the query costs.
  demand(busy < limits.query_ms, "%s %s %s: %.1f ms", query.name, describe(values), when, busy)
end

local function about_queries(when)
  print("named queries, " .. when .. ":")
  for _, query in ipairs(queries.list()) do
    if not queries.missing(query, {}) then
      about_query(query, nil, when)
    end
    for _, values in ipairs(parameters[query.name] or {}) do
      about_query(query, values, when)
    end
  end
end
about_queries "as recorded"

local wrong = {}
local ms, checked = milliseconds(care.check, db, function(sentence)
  wrong[#wrong + 1] = sentence
end)
print(("check: %d label maps in %.1f s"):format(checked, ms / 1e3))
assert(#wrong == 0, wrong[1])
assert(db:value "SELECT count(*) FROM results" >= results)
assert(db:exec "PRAGMA wal_checkpoint(TRUNCATE)")
local bytes = sys.stat(file).size
local map_bytes = db:value "SELECT sum(length(map)) FROM results"
local pixels = db:value "SELECT sum(width * height) FROM results WHERE map IS NOT NULL"
print(("file: %.1f MB, label maps %.1f MB of it: %.2f %% of a byte a pixel"):format(bytes / 1e6,
  map_bytes / 1e6, 100 * map_bytes / pixels))
demand(bytes < limits.bytes, "the file has %d bytes", bytes)
-- VACUUM and ANALYZE change which indexes SQLite chooses.
local took = milliseconds(function() return assert(care.vacuum(db)) end)
print(("vacuum: %.1f s, %.1f MB"):format(took / 1e3, sys.stat(file).size / 1e6))
about_queries "after vacuum"

if #failures > 0 then
  error(table.concat(failures, "\n"), 0)
end
