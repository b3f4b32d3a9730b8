-- The catalog: SQL, recording, and what happens to statements.

require "busted.runner"()

local core = require "lab.core"
local sys = require "lab.sys"
local support = require "support"
local raises, fails = support.raises, support.fails

local function memory()
  return assert(core.catalog(":memory:", "create"))
end

--- All rows of a query, as lists.
local function rows(db, sql, ...)
  local s <close> = assert(db:prepare(sql))
  s:bind(...)
  local list = {}
  while true do
    local more, message = s:step()
    assert(more ~= nil, message)
    if not more then
      return list
    end
    list[#list + 1] = s:row()
  end
end

describe("opening", function()
  local folder
  setup(function() folder = assert(sys.tmp_dir "catalog-spec-") end)
  teardown(function() assert(sys.remove_tree(folder)) end)

  it("makes, reads and writes", function()
    local path = folder .. "/new/lab.db"
    fails("NOT_FOUND", path, core.catalog(path, "read"))
    fails("NOT_FOUND", path, core.catalog(path, "write"))
    local db <close> = assert(core.catalog(path, "create"))
    assert.equal(path, db:path())
    assert.is_true(db:version() >= 1)
    assert.equal("catalog " .. path, tostring(db))
    local reader <close> = assert(core.catalog(path, "read"))
    local s <close> = assert(reader:prepare "DELETE FROM runs")
    local value, message = s:step()
    assert.is_nil(value)
    assert.is_truthy(message:find "read.?only")
  end)

  it("refuses what is no catalog", function()
    local path = folder .. "/text.db"
    core.write_file(path, ("this is no database\n"):rep(100))
    local db, message = core.catalog(path, "read")
    assert.is_nil(db)
    assert.is_truthy(message:find(path, 1, true))
    assert.is_nil((core.catalog(path, "create")))
    raises("invalid option 'append'", core.catalog, path, "append")
    raises("string expected", core.catalog)
  end)
end)

describe("SQL", function()
  it("gives rows with NULL as nil", function()
    local db <close> = memory()
    local s <close> = assert(db:prepare "SELECT 1 AS one, 2.5, 'text', x'0041ff', NULL")
    assert.same({ "one", "2.5", "'text'", "x'0041ff'", "NULL" }, s:columns())
    assert.is_true(s:step())
    local row = s:row()
    assert.same({ 1, 2.5, "text", "\0A\255", n = 5 }, row)
    assert.equal("integer", math.type(row[1]))
    assert.is_false(s:step())
    assert.equal(s, s:reset())
    assert.is_true(s:step())
  end)

  it("binds by position and by name", function()
    local db <close> = memory()
    local sql = "SELECT typeof(?1), typeof(?2), ?2, ?3, typeof(?4), ?5"
    assert.same({ "null", "integer", 7, 0.5, "text", 1, n = 6 },
      rows(db, sql, nil, 7, 0.5, "x", true)[1])
    local s <close> = assert(db:prepare "SELECT :a, @b, $c, typeof($c)")
    assert.equal(3, s:parameters())
    s:bind { a = 1, b = "two", c = { blob = "\0three" } }
    s:step()
    assert.same({ 1, "two", "\0three", "blob", n = 4 }, s:row())
    local t <close> = assert(db:prepare "SELECT ?, typeof(?)")
    t:bind { "x", { blob = "y" } }
    t:step()
    assert.same({ "x", "blob", n = 2 }, t:row())
  end)

  it("refuses wrong bindings", function()
    local db <close> = memory()
    local s <close> = assert(db:prepare "SELECT ?, ?")
    raises("the statement has 2 parameters, got 1 value", s.bind, s, 1)
    raises("the statement has 2 parameters, got 3 values", s.bind, s, 1, 2, 3)
    raises("the statement has no parameter 'x'", s.bind, s, { x = 1 })
    raises("there is no parameter 3: the statement has 2", s.bind, s, { [3] = 1 })
    raises("parameter 2 cannot be a function", s.bind, s, 1, print)
    raises('unknown option "bolb"; did you mean "blob"?', s.bind, s, 1, { bolb = "" })
    raises("blob is missing", s.bind, s, 1, {})
    raises("got a boolean", s.bind, s, { [true] = 1 })
  end)

  it("prepares one statement after another", function()
    local db <close> = memory()
    local s, rest = db:prepare "SELECT 1; SELECT 2"
    s:close()
    assert.equal(" SELECT 2", rest)
    local none, left = db:prepare "  -- nothing\n"
    assert.is_false(none)
    assert.equal("", left)
    fails("DB", "syntax error", db:prepare "SELEKT 1")
    fails("DB", "no such table", db:prepare "SELECT * FROM nowhere")
    raises("string expected", db.prepare, db)
  end)

  it("stops at the time limit", function()
    local db <close> = memory()
    db:time_limit(0.05)
    local s <close> = assert(db:prepare [[WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL
      SELECT i + 1 FROM n) SELECT count(*) FROM n]])
    local value, message, code = s:step()
    assert.same({ nil, "LIMIT" }, { value, code })
    assert.is_true(#message > 0)
    raises("seconds must be 0", db.time_limit, db, -1)
  end)

  it("stops at values that are too large", function()
    local db <close> = memory()
    db:value_limit(100000)
    local s <close> = assert(db:prepare "SELECT length(randomblob(:n)) > 0")
    for n, wanted in pairs { [90000] = true, [110000] = "LIMIT", [999999999] = "LIMIT" } do
      s:bind { n = n }
      local value, _, code = s:step()
      assert.equal(wanted, value or code)
      s:reset()
    end
    raises("bytes must be 1", db.value_limit, db, 0)
    raises("bytes must be 1", db.value_limit, db, 1 << 40)
  end)

  it("counts changes", function()
    local db <close> = memory()
    rows(db, "INSERT INTO runs (started) VALUES ('2026-01-01T00:00:00.000Z')")
    assert.equal(1, db:changes())
    assert.is_true(db:last_id() >= 1)
  end)
end)

describe("closing", function()
  it("a statement or its catalog ends its use", function()
    local db = memory()
    local s = assert(db:prepare "SELECT 1")
    s:close()
    s:close()
    assert.equal("statement (closed)", tostring(s))
    raises("attempt to use a closed statement", s.step, s)
    local t = assert(db:prepare "SELECT 1")
    assert.is_true(t:step())
    db:close()
    db:close()
    assert.equal("catalog (closed)", tostring(db))
    for _, name in ipairs { "step", "row", "columns", "reset", "bind", "parameters" } do
      raises("attempt to use a closed catalog", t[name], t)
    end
    raises("attempt to use a closed catalog", db.prepare, db, "SELECT 1")
    raises("attempt to use a closed catalog", db.add_model, db, {})
    t:close()
    raises("lab.Statement expected, got lab.Catalog", t.step, db)
  end)

  it("by the collector in any order is harmless", function()
    for _ = 1, 20 do
      local db = memory()
      for _ = 1, 5 do
        assert(db:prepare "SELECT 1"):step()
      end
    end
    collectgarbage()
    local s = assert(memory():prepare "SELECT 5")
    collectgarbage()
    s:step()
    assert.equal(5, s:row()[1]) -- the statement keeps its catalog
  end)
end)

describe("recording", function()
  local db, model, run
  local labels = support.labels()
  local sha = ("ab"):rep(32)
  before_each(function()
    db = memory()
    model = assert(db:add_model { sha256 = sha, name = "pets", path = "/m.tflite",
      format = "tflite", licence = "MIT", labels = labels, input_width = 8, input_height = 6 })
    run = assert(db:begin_run { command = "spec", threads = 2 })
  end)
  after_each(function() db:close() end)

  local function picture_record()
    return { sha256 = sha, path = "/p.png", bytes = 100, width = 8, height = 6, format = "png" }
  end

  it("writes before and finishes after", function()
    local map = support.map(8, 6, labels)
    local result = assert(db:begin_result { run = run, model = model, path = "/p.png" })
    assert.same({ "running" }, { rows(db, "SELECT state FROM results")[1][1] })
    assert.is_true(db:finish_result(result, { image = picture_record(), map = map,
      legend = map:legend { regions = true }, timings = '{"run": 1.5}' }))
    assert.is_true(db:finish_run(run, "done"))
    local row = rows(db, "SELECT state, width, height FROM results")[1]
    assert.same({ "done", 8, 6, n = 3 }, row)
    local sum = rows(db, "SELECT sum(pixels), count(*), sum(width > 0) FROM segments")[1]
    assert.same({ 48, 3, 3, n = 3 }, sum)
    local back = assert(db:map(result))
    assert.is_true(back == map)
    assert.equal("cat", back:labels():label(1))
    assert.equal("pets", back:labels():name())
  end)

  it("keeps the reason of a failure", function()
    local result = assert(db:begin_result { run = run, path = "/bad.png" })
    assert.is_true(db:fail_result(result, "not a picture"))
    assert.same({ "failed", "not a picture", n = 2 },
      rows(db, "SELECT state, reason FROM results")[1])
    assert.is_nil((db:map(result)))
    assert.is_nil((db:map(result + 100)))
  end)

  it("is misused with a sentence", function()
    raises("add_model: sha256 is missing", db.add_model, db, { name = "x" })
    raises('add_model: unknown option "license"; did you mean "licence"?', db.add_model, db,
      { license = "MIT" })
    raises("lab.Labels expected", db.add_model, db, { sha256 = sha, name = "x", labels = "pets" })
    raises("input_width is out of range", db.add_model, db,
      { sha256 = sha, name = "x", input_width = 1 << 40 })
    raises("begin_run: command is missing", db.begin_run, db, {})
    raises("begin_run: threads must be a whole number, got many", db.begin_run, db,
      { command = "x", threads = "many" })
    raises("invalid option 'finished'", db.finish_run, db, run, "finished")
    raises("begin_result: run is missing", db.begin_result, db, { path = "x" })
    raises("string expected", db.fail_result, db, 1)
    raises("finish_result: image must be a table, got a nil", db.finish_result, db, 1, {})
    raises("finish_result: legend must be a list of rows, got a nil", db.finish_result, db, 1,
      { image = picture_record() })
    raises("finish_result: map must be a labelmap, got a nil", db.finish_result, db, 1,
      { image = picture_record(), legend = {} })
    raises("finish_result: legend[1] must be a table, got a number", db.finish_result, db, 1,
      { image = picture_record(), legend = { 5 } })
    raises("finish_result: pixels is missing", db.finish_result, db, 1,
      { image = picture_record(), legend = { { id = 1 } } })
    raises("box[2] must be a whole number, got x", db.finish_result, db, 1,
      { image = picture_record(), legend = { { id = 1, pixels = 1, box = { 0, "x" } } } })
    local closed = support.map(8, 6)
    closed:close()
    raises("attempt to use a closed labelmap", db.finish_result, db, 1,
      { image = picture_record(), legend = {}, map = closed })
  end)

  it("of what is not there fails", function()
    assert.is_nil((db:finish_run(run + 5, "done")))
    assert.is_nil((db:fail_result(12345, "why")))
  end)
end)
