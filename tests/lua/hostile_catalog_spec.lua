-- Catalogs that somebody has broken, by chance or on purpose: bits that flip in pages, logs and
-- label maps, cut files, numbers out of all bounds, texts where numbers belong, foreign schemas.
-- Whatever is asked of one ends in an answer or in a sentence, and another catalog that takes one
-- in stays whole. 150 of them; with LUALAB_TEST_LONG ten minutes of them (LUALAB_TEST_SECONDS: so
-- many). LUALAB_TEST_SEED repeats a run; the files that ended one are left where it says.

require "busted.runner"()

local core = require "lab.core"
local lab = require "lab"
local care = require "lab.catalog_care"
local evaluation = require "lab.evaluation"
local queries = require "lab.queries"
local support = require "support"
local sys = require "lab.sys"

local scripts = os.getenv "TEST_SCRIPTS"
local seconds = tonumber(os.getenv "LUALAB_TEST_SECONDS" or "")
  or os.getenv "LUALAB_TEST_LONG" and 600
local seed = tonumber(os.getenv "LUALAB_TEST_SEED" or "") or seconds and os.time() or 1795371646
local work = assert(sys.tmp_dir "lualab-hostile-")
local random = math.random

local function write(path, bytes)
  local file = assert(io.open(path, "wb"))
  assert(file:write(bytes))
  file:close()
end

local function remove(path)
  for _, ending in ipairs { "", "-wal", "-shm", "-journal" } do
    os.remove(path .. ending)
  end
end

-- ---- a good catalog ----

--- Maps of noise, of stripes, of one class, with 16-bit ids; an evaluation, a failure, words.
local function make(path)
  local db = assert(lab.catalog(path))
  local connection, labels = db:connection(), support.labels()
  local run = assert(connection:begin_run { command = "lualab photos", pipeline = "[]" })
  local models = {}
  for i, name in ipairs { "one", "two" } do
    models[i] = assert(connection:add_model { sha256 = (i .. "a"):rep(32), name = name,
      labels = labels })
  end
  math.randomseed(1)
  for k = 1, 12 do
    local width, height, bytes = 40 + k, 30, {}
    for i = 1, width * height do
      bytes[i] = string.char(k % 3 == 0 and random(0, 2) or k % 3 == 1 and i // (40 * k) % 3 or 1)
    end
    local map = core.labelmap(width, height, table.concat(bytes), labels)
    local id = assert(connection:begin_result { run = run, model = models[k % 2 + 1],
      path = ("/photos/street %d.png"):format(k // 2) })
    assert(connection:finish_result(id, { map = map, legend = map:legend {},
      timings = '{"decode":2.5,"segment":100}', image = { sha256 = core.sha256("p" .. k // 2),
        path = ("/photos/street %d.png"):format(k // 2), bytes = 9, width = width, height = height,
        format = "png" } }))
  end
  assert(connection:fail_result(assert(connection:begin_result { run = run, path = "lost.png" }),
    "it is lost"))
  local e = evaluation.new { classes = 3 }
  assert(e:add(support.map(6, 4, labels), support.map(6, 4, labels)))
  assert(e:record(db, { run = run, model = models[1], images = "a", truth = "b", failed = 0 }))
  assert(db:exec "INSERT INTO tags (image, tag) VALUES (1, 'night')")
  assert(db:exec "INSERT INTO notes (image, note) VALUES (1, 'of a picture')")
  assert(db:exec "INSERT INTO notes (result, note) VALUES (1, 'of a result')")
  return db
end

local good_path = work .. "/good.db"
make(good_path):close()
local good = assert(support.read(good_path))

-- What is in the log and not yet in the file, while the catalog is open.
local log_base, log
do
  local path = work .. "/log.db"
  local db = make(path)
  log_base, log = assert(support.read(path)), assert(support.read(path .. "-wal"))
  db:close()
end

--- The good catalog with other SQL in its schema, by the stock shell, which is less careful.
local function with_schema(name, sql)
  local path = work .. "/" .. name .. ".db"
  write(path, good)
  local shell = assert(io.popen(("sqlite3 -batch '%s' >%s/said 2>&1"):format(path, work), "w"))
  shell:write(".dbconfig defensive off\nPRAGMA writable_schema = 1;\n", sql, "\n")
  shell:close()
  return assert(support.read(path))
end

-- Tables that take a value of any type, and no conditions on them.
local loose = with_schema("loose", [[
UPDATE sqlite_schema
SET sql = replace(replace(sql, ') STRICT, WITHOUT', ') WITHOUT'), ') STRICT', ')')
WHERE type = 'table';]])

local schemas = {
  "DROP VIEW v_results; CREATE VIEW v_results AS SELECT 1 AS result, 2 AS run;",
  "DROP VIEW v_maps; CREATE VIEW v_maps AS SELECT load_extension('x') AS map;",
  "CREATE TRIGGER again AFTER INSERT ON images BEGIN DELETE FROM images; END;",
  "DROP TABLE segments; CREATE VIEW segments AS SELECT 1 AS result, x'00' AS class_id;",
  "DROP TABLE segment_boxes; CREATE TABLE segment_boxes (id, x0, x1, y0, y1, result, class_id);",
  "DROP TABLE path_search;",
  "UPDATE sqlite_schema SET rootpage = 3 WHERE name = 'results';",
  "UPDATE sqlite_schema SET rootpage = 2000000 WHERE name = 'segments';",
  "UPDATE sqlite_schema SET sql = replace(sql, 'map       BLOB', 'map TEXT AS (hex(id))');",
  "UPDATE sqlite_schema SET sql = 'CREATE TABLE results (id)' WHERE name = 'results';",
  "UPDATE sqlite_schema SET sql = 'CREATE TABLE' WHERE name = 'labels';",
  "PRAGMA user_version = 2;", "PRAGMA user_version = 1;", "PRAGMA user_version = -1;",
  "DELETE FROM segment_boxes_node;", "UPDATE segment_boxes_node SET data = randomblob(500);",
  "UPDATE path_search_data SET block = randomblob(length(block));",
  "UPDATE label_search_content SET c0 = x'ff00';",
}
for i, sql in ipairs(schemas) do
  schemas[i] = with_schema("schema" .. i, sql)
end

-- Views that never end: only what has a limit of time ends there.
local endless = with_schema("endless", [[
DROP VIEW v_runs; DROP VIEW v_results;
CREATE VIEW v_runs AS
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS run FROM n;
CREATE VIEW v_results AS SELECT run AS result, 'done' AS state FROM v_runs;]])

-- ---- how it is broken ----

local function flip(bytes, count, from)
  from = math.min(from or 1, #bytes)
  local list, at = {}, 1
  local places = {}
  for i = 1, count do
    places[i] = random(from, #bytes)
  end
  table.sort(places)
  for _, place in ipairs(places) do
    if place >= at then
      list[#list + 1] = bytes:sub(at, place - 1)
      list[#list + 1] = string.char(random() < 0.5 and bytes:byte(place) ~ (1 << random(0, 7))
        or random(0, 255))
      at = place + 1
    end
  end
  list[#list + 1] = bytes:sub(at)
  return table.concat(list)
end

local page = 4096

local values = { -1, 0, 1, math.maxinteger, math.mininteger, 1 << 31, 65536, 1e308, -1e-308, 0.5,
  "", "done", "'; DROP TABLE results; --", "<script>alert(1)</script>", ("x"):rep(100000), "\0\1",
  "\xff\xfe", "=cmd|' /C calc'!A0", "#12345g", "9e999", "{", '{"a":{"b":[1,2]}}', "[1,2,3]",
  "2024-13-45T99:99:99", { blob = "" }, { blob = "\0" }, { blob = ("\xff"):rep(300) } }

local columns = {
  results = { "run", "model", "image", "label_set", "path", "state", "reason", "width", "height",
    "timings", "started", "finished", "map" },
  segments = { "class_id", "pixels", "fraction", "x", "y", "width", "height", "centroid_x",
    "centroid_y", "regions", "score" },
  runs = { "state", "command", "pipeline", "version", "kernels", "threads", "started", "finished" },
  models = { "sha256", "name", "path", "format", "licence", "label_set", "input_width", "added" },
  images = { "sha256", "path", "bytes", "width", "height", "format", "added" },
  label_sets = { "name", "digest", "classes" }, labels = { "class_id", "name", "color" },
  evaluations = { "model", "label_set", "digest", "rule", "mean_iou", "pictures", "added" },
  evaluation_classes = { "class_id", "truth", "both", "iou" },
  evaluation_confusions = { "truth", "found", "pixels" },
  tags = { "image", "tag", "author" }, notes = { "image", "result", "note" },
}
local names = {}
for name in pairs(columns) do
  names[#names + 1] = name
end
table.sort(names)

--- A label map with a few bytes of others: the header as well as the rows.
local function broken_map(map)
  local kind = random(5)
  if kind == 1 then
    return map:sub(1, random(0, #map))
  elseif kind == 2 then
    return flip(map:sub(1, 8), random(3)) .. map:sub(9)
  elseif kind == 3 then
    return map .. ("\xff"):rep(random(20))
  end
  return flip(map, random(1, 6), kind == 4 and 7 or 1)
end

local breakers = {
  function(path) -- anywhere
    write(path, flip(good, random(1, 12)))
  end,
  function(path) -- in one page, its head above all
    local start = page * random(0, #good // page - 1)
    write(path, good:sub(1, start) .. flip(good:sub(start + 1, start + (random() < 0.5 and 64
      or page)), random(1, 8)) .. good:sub(start + page + 1))
  end,
  function(path) -- a page in the place of another
    local from, to = page * random(0, #good // page - 1), page * random(0, #good // page - 1)
    write(path, good:sub(1, to) .. good:sub(from + 1, from + page) .. good:sub(to + page + 1))
  end,
  function(path) -- cut off, or with more behind it
    write(path, random() < 0.7 and good:sub(1, random(0, #good))
      or good .. ("\xa5"):rep(random(9999)))
  end,
  function(path) -- a log that was cut off or is damaged
    write(path, random() < 0.8 and log_base or flip(log_base, random(1, 5)))
    write(path .. "-wal", random() < 0.5 and log:sub(1, random(0, #log)) or flip(log, random(1, 9)))
  end,
  function(path) -- a log of another file
    write(path, good)
    write(path .. "-wal", log)
  end,
  function(path) -- label maps
    write(path, loose)
    local db = assert(lab.catalog(path, "write"))
    for _ = 1, random(4) do
      local map = db:value("SELECT map FROM results WHERE id = ?", random(12)) or ""
      assert(db:exec("UPDATE results SET map = ? WHERE id = ?", { blob = broken_map(map) },
        random(12)))
    end
    db:close()
  end,
  function(path) -- values
    write(path, loose)
    local db = assert(lab.catalog(path, "write"))
    assert(db:exec "PRAGMA ignore_check_constraints = 1")
    assert(db:exec "PRAGMA foreign_keys = 0")
    for _ = 1, random(6) do
      local name = names[random(#names)]
      local column = columns[name][random(#columns[name])]
      db:exec(("UPDATE %s SET %s = ?1 WHERE abs(random()) %% 3 = 0"):format(name, column),
        { values[random(#values)] })
    end
    db:close()
  end,
  function(path) -- a schema from elsewhere
    write(path, schemas[random(#schemas)])
  end,
}

-- ---- what is asked of it ----

local functions = {
  "SELECT map_width(map), map_height(map), map_pixels(map, 1), map_at(map, 3, 3) FROM results",
  "SELECT map_iou(a.map, b.map, 1), map_agreement(a.map, b.map, 0) FROM results a, results b "
    .. "WHERE b.id = a.id + 3",
  "SELECT length(map_crop(map, 3, 2, 20, 30)), length(map_merge(map, 1, 0, 2)) FROM results",
  "SELECT length(map_png(map)), length(map_png(map, colors)) FROM results, v_palettes",
  "SELECT length(map_union(map, 1)), miou(map, map, 2) FROM results WHERE width = 41",
  "SELECT sum(s.pixels) FROM results r, map_segments(r.map) s",
  "SELECT sum(s.length) FROM results r, map_runs(r.map) s",
  "SELECT sum(s.pixels), sum(centroid_x) FROM results r, map_regions(r.map) s",
  "SELECT sum(c.pixels) FROM results r, map_confusion(r.map, r.map) c",
  "SELECT * FROM v_segments", "SELECT * FROM v_label_areas", "SELECT * FROM v_images",
  "SELECT * FROM v_notes", "SELECT * FROM v_tags", "SELECT * FROM v_failures",
  "SELECT * FROM v_evaluation_classes", "SELECT * FROM v_palettes",
}

local counts, raised = { answers = 0, sentences = 0, refused = 0 }, {}

--- An answer or a sentence. Whatever Lua raises by itself is a mistake of ours.
local function ask(what, fn, ...)
  local ok, value, message = pcall(fn, ...)
  if not ok then
    value, message = nil, tostring(value)
    if message:find "%.lua:%d+: " then
      raised[#raised + 1] = what .. ": " .. message
    end
  end
  if value == nil then
    assert(type(message) == "string" and message ~= "", what .. " failed without a sentence")
    counts.sentences = counts.sentences + 1
  else
    counts.answers = counts.answers + 1
  end
end

local function ask_all(db)
  db:time_limit(0.5)
  ask("info", care.info, db)
  ask("check", care.check, db, function(sentence) assert(type(sentence) == "string") end)
  for _, query in ipairs(queries.list()) do
    local given = { label = "cat", words = "street*", x = 5, y = 5 }
    local parameters = {}
    for _, one in ipairs(query.parameters) do
      parameters[one.name] = given[one.name]
    end
    ask(query.name, db.query, db, query.sql, next(parameters) and parameters or nil)
  end
  for _, sql in ipairs(functions) do
    ask(sql, db.query, db, sql)
  end
  for id = 1, 4 do
    ask("result", function()
      local r, message = db:result(id)
      if not r then
        return nil, message
      end
      local image
      image, message = r.map:colorize {}
      r:to_json()
      return image, message
    end)
  end
end

--- A command of the program, without a word on the terminal; its exit code.
local function command(name, ...)
  local stdout, stderr, said = io.stdout, io.stderr, {}
  local silent = { write = function(self, ...)
    said[#said + 1] = table.concat { ... }
    return self
  end, flush = function() end, setvbuf = function() end }
  local given_print, arguments = _G.print, table.pack(...)
  -- luacheck: ignore 121 122
  io.stdout, io.stderr, _G.print = silent, silent, function() end
  local ok, code = pcall(function()
    return dofile(scripts .. "/commands/" .. name .. ".lua").run(arguments)
  end)
  io.stdout, io.stderr, _G.print = stdout, stderr, given_print
  if not ok then
    return nil, code
  end
  assert(code == 0 or #said > 0, name .. " failed without a sentence")
  return code
end

local into = work .. "/into.db"

local function merge(path)
  remove(into)
  write(into, log_base)
  write(into .. "-wal", log)
  local db <close> = assert(lab.catalog(into))
  db:time_limit(2)
  local other <close>, message = lab.catalog(path, "read")
  if not other then
    return nil, message
  end
  local before = db:value "SELECT count(*) FROM results"
  local merged
  merged, message = care.merge(db, other)
  if not merged then
    -- Nothing of it is left.
    assert(db:value "SELECT count(*) FROM results" == before, "a merge that failed left rows")
    assert(db:value "PRAGMA integrity_check" == "ok")
  end
  return merged, message
end

local function exercise(path)
  local db, message = lab.catalog(path, "read")
  if db then
    ask_all(db)
    db:close()
  else
    counts.refused = counts.refused + 1
    assert(type(message) == "string" and message ~= "")
  end
  ask("merge", merge, path)
  local formats = { "coco", "csv", "geojson", "labelstudio", "png", "svg" }
  local format = formats[random(#formats)]
  local out = assert(sys.tmp_dir "lualab-hostile-")
  ask("export " .. format, command, "export", "--db", path, "--run", "1", "--format", format, "-o",
    out .. "/made")
  sys.remove_tree(out)
  ask("report", command, "report", "--db", path, "-o", work .. "/page.html", "--size", "16")
  ask("check", command, "catalog", "check", "--db", path)
  -- Opened for writing: recorded into, pruned, made smaller.
  local writer = lab.catalog(path)
  if writer then
    writer:time_limit(0.5)
    ask("begin_run", writer.connection(writer).begin_run, writer:connection(), { command = "x" })
    ask("prune", care.prune, writer, { before = "2999", failed = true })
    ask("vacuum", care.vacuum, writer)
    writer:close()
  end
end

describe("broken catalogs", function()
  it("give answers or sentences", function()
    print(("# seed %d, in %s"):format(seed, work))
    math.randomseed(seed)
    local path, start, rounds = work .. "/bad.db", sys.clock(), 0
    while seconds and sys.clock() - start < seconds or not seconds and rounds < 150 do
      rounds = rounds + 1
      remove(path)
      breakers[rounds % #breakers + 1](path)
      exercise(path)
    end
    print(("# %d catalogs: %d answers, %d sentences, %d not opened"):format(rounds, counts.answers,
      counts.sentences, counts.refused))
    assert.is_true(counts.answers > rounds and counts.sentences > rounds / 4 and counts.refused > 0)
    remove(path)
    write(path, endless)
    local db <close> = assert(lab.catalog(path, "read"))
    for _, sql in ipairs { "SELECT max(run) FROM v_runs", "SELECT count(*) FROM v_results" } do
      db:time_limit(0.2)
      support.fails("LIMIT", "the limit for one statement", db:query(sql))
    end
    local first = {}
    for i = 1, math.min(#raised, 20) do
      first[i] = raised[i]
    end
    assert.equal("", table.concat(first, "\n"))
    sys.remove_tree(work)
  end)
end)
