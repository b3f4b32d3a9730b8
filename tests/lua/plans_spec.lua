-- Every statement that the library and the commands prepare on a catalog, by how SQLite would run
-- it: no table that grows with the history is gone through where an index leads to the rows that
-- are meant, and no index is built for one statement. Those of the C side: tests/db/test_plans.c.

require "busted.runner"()

local core = require "lab.core"
local lab = require "lab"
local care = require "lab.catalog_care"
local evaluation = require "lab.evaluation"
local queries = require "lab.queries"
local report = require "lab.report"
local support = require "support"
local sys = require "lab.sys"

-- What grows with every picture. The other tables have a row a model, a run, a label, …
local large = { "results", "segments", "images" }

-- Statements that go through a large table, by words of them and the name of the table there.
local allowed = {
  { "sum(state = 'done') AS done", "results", "catalog info is about all results" },
  { "count(*) FROM images) AS images", "images", "catalog info counts the pictures" },
  { "SELECT count(*) FROM results", "results", "catalog prune counts them" },
  { "SELECT id FROM results WHERE map IS NOT NULL", "results", "catalog check reads every map" },
  { "but has the numbers of", "r", "catalog check looks at every result that is not done" },
  { "has not the box of class", "g", "catalog check compares every box" },
  { "boxes without a segment", "segments", "catalog check counts the segments" },
  { "FROM other.images", "images", "merge takes in every picture of the other catalog" },
  { "INSERT INTO merge_images", "o", "merge finds every picture of the other catalog" },
  { "INSERT INTO merge_results", "r", "merge finds every result of the other catalog" },
  { "DELETE FROM images WHERE NOT EXISTS", "images", "prune asks of every picture who needs it" },
  { "path LIKE '%one%'", "r", "export --where takes any condition" },
  { "-- name: agreement", "b", "the newest results first, until there are enough" },
  { "-- name: failures", "r", "all that are not done, out of the index of these" },
  { "-- name: find", "r", "the newest results first, until there are enough" },
  { "-- name: labels", "r", "all results, out of an index" },
  { "-- name: together", "r", "all results, out of an index; those of a label are looked up" },
}

-- Statements for which SQLite builds an index that lives as long as they.
local built = {
  { "INSERT INTO merge_runs", "the nth run of a moment is no column" },
  { "INSERT INTO merge_results", "the nth result of a moment is no column" },
}

local function is_in(list, sql, table_name)
  for i, entry in ipairs(list) do
    if sql:find(entry[1], 1, true) and (not table_name or entry[2] == table_name) then
      return i
    end
  end
end

local plans = {} -- { sql, views, steps } in the order in which they were prepared
local open = core.catalog

--- The SQL of the views that a statement names: their tables have names of their own.
local function views_in(db, sql)
  local parts = {}
  for name in sql:gmatch "v_%w+" do
    local view = db:prepare "SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = ?1"
    view:bind(name)
    parts[#parts + 1] = view:step() and view:row()[1] or ""
    view:close()
  end
  return table.concat(parts, "\n")
end

local function look_at(db, sql)
  local statement = db:prepare("EXPLAIN QUERY PLAN " .. sql)
  if not statement then
    return
  end
  local plan = { sql = sql, views = views_in(db, sql) }
  while statement:step() do
    plan[#plan + 1] = statement:row()[4]
  end
  statement:close()
  plans[#plans + 1] = plan
end

--- A connection whose statements are looked at before they are prepared.
local function watched(...)
  local db, message, code = open(...)
  return db and setmetatable({}, { __index = function(_, name)
    return function(_, ...)
      if name == "prepare" then
        look_at(db, (...))
      end
      return db[name](db, ...)
    end
  end }), message, code
end

--- The large table that a step of a plan goes through, by its name there.
local function scanned(plan, step)
  local name = step:match "^SCAN ([%w_.]+)"
  name = name and name:gsub("^%a+%.", "")
  for _, known in ipairs(large) do
    local text = plan.sql .. "\n" .. plan.views
    if name and not step:find "VIRTUAL TABLE" and (name == known
      or text:find("%f[%w_]" .. known .. "%s+" .. name .. "%f[^%w_]")
      or text:find("%f[%w_]" .. known .. "%s+AS%s+" .. name .. "%f[^%w_]")) then
      return name
    end
  end
end

local work = assert(sys.tmp_dir "lualab-plans-")
local evaluated = 0

--- A catalog with two pictures of two models each, a failure, an evaluation, a tag and notes.
local function make(path)
  local db = assert(lab.catalog(path))
  local connection, labels = db:connection(), support.labels()
  local run = assert(connection:begin_run { command = "spec " .. path })
  local model
  for i, name in ipairs { "one", "two" } do
    model = assert(connection:add_model { sha256 = (i .. "a"):rep(32), name = name,
      labels = labels })
    for k = 1, 2 do
      local id = assert(connection:begin_result { run = run, model = model,
        path = path .. k .. ".png" })
      local map = support.map(6 + k, 4, labels)
      assert(connection:finish_result(id, { map = map, legend = map:legend {},
        timings = '{"decode":2}', image = { sha256 = core.sha256(path .. k),
          path = path .. k .. ".png", bytes = 1, width = 6 + k, height = 4, format = "png" } }))
    end
  end
  assert(connection:fail_result(assert(connection:begin_result { run = run, model = model,
    path = "lost" }), "it is lost"))
  assert(connection:finish_run(run, "done"))
  local e = evaluation.new { classes = 3 }
  assert(e:add(support.map(6, 4, labels), support.map(6, 4, labels)))
  evaluated = assert(e:record(db, { run = run, model = model, images = "a", truth = "b",
    failed = 0 }))
  local last = #plans -- what follows only makes rows
  assert(db:exec "INSERT INTO tags (image, tag) SELECT id, 'night' FROM images")
  assert(db:exec "INSERT INTO notes (image, note) SELECT id, 'of a picture' FROM images")
  assert(db:exec "INSERT INTO notes (result, note) SELECT id, 'of a result' FROM results")
  plans = table.move(plans, 1, last, 1, {})
  return db
end

local function export(path, ...)
  local command = dofile(sys.getenv "TEST_SCRIPTS" .. "/commands/export.lua")
  assert.equal(0, command.run { "--db", path, "--format", "csv", "-o", work .. "/x.csv", ... })
end

--- All that asks a catalog.
local function ask(db, path)
  assert(care.info(db))
  assert(db:result(1))
  assert(report.gather(db, { run = 1 }))
  assert(report.gather(db, {}))
  local record = lab.stages.record { db = db }
  record.catalog, record.model_id = db, 1
  assert(record:state_of "/a.png" == false)
  for _, arguments in ipairs { { "1", "2" }, { "--run", "1" }, { "--run", "last" },
    { "-m", "one" }, { "--where", "path LIKE '%one%'" } } do
    export(path, table.unpack(arguments))
  end
  for _, query in ipairs(queries.list()) do
    assert(db:query(query.sql), query.name)
  end
  local problems = {}
  assert(care.check(db, function(sentence) problems[#problems + 1] = sentence end))
  assert.same({}, problems)
end

local function complaints(with_statistics)
  local list, used = {}, {}
  for _, plan in ipairs(plans) do
    for _, step in ipairs(plan) do
      local name = scanned(plan, step)
      local entry = name and is_in(allowed, plan.sql, name)
      if entry then
        used[entry] = true
      elseif name then
        list[#list + 1] = step .. " in\n" .. plan.sql
      end
      if step:find "AUTOMATIC" and not is_in(built, plan.sql) then
        list[#list + 1] = step .. " in\n" .. plan.sql
      end
    end
  end
  for i, entry in ipairs(allowed) do
    if not used[i] and not with_statistics then
      list[#list + 1] = ("no plan goes through %s of '%s' any more"):format(entry[2], entry[1])
    end
  end
  return list
end

describe("plans of statements", function()
  local other_path = work .. "/other-one.db"
  local path = work .. "/one.db"

  setup(function()
    core.catalog = watched
    make(other_path):close()
  end)

  teardown(function()
    core.catalog = open
    sys.remove_tree(work)
  end)

  it("go through no table that an index leads into", function()
    local db <close> = make(path)
    local other <close> = assert(lab.catalog(other_path, "read"))
    ask(db, path)
    assert(care.merge(db, other))
    assert(care.merge(db, other))
    assert(care.prune(db, { before = "2020", failed = true }))
    assert.is_true(#plans > 100 and evaluated > 0)
    assert.equal("", table.concat(complaints(false), "\n"))
  end)

  it("stay so once ANALYZE has counted the rows", function()
    local db <close> = assert(lab.catalog(path))
    -- As many as make an index worth while: every row of small tables is as near as an index.
    assert(db:transaction(function()
      assert(db:exec [[
        WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
        INSERT INTO images (sha256, path, bytes, width, height, added)
        SELECT printf('%064x', i), i, 1, 9, 9, '2024' FROM n]])
      assert(db:exec [[
        WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
        INSERT INTO runs (state, started, finished) SELECT 'done', i, i FROM n]])
      assert(db:exec [[
        WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        INSERT INTO results (run, model, image, label_set, path, state, width, height, started,
                             finished, map)
        SELECT 2 + i % 60, model, 10 + i % 250, label_set, i, state, width, height, started,
               finished, map FROM results, n WHERE id = 1]])
      assert(db:exec [[
        INSERT INTO segments SELECT r.id, class_id, pixels, fraction, x, y, g.width, g.height,
               centroid_x, centroid_y, regions, score
        FROM segments g, results r WHERE g.result = 1 AND r.path = CAST(r.path AS INTEGER)]])
      return true
    end))
    plans = {}
    assert(care.vacuum(db))
    ask(db, path)
    assert.equal("", table.concat(complaints(true), "\n"))
  end)
end)
