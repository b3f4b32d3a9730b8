-- The catalog as scripts see it: rows by name, one, exec, transactions, statements that are kept,
-- and results that are made anew from it.

require "busted.runner"()

local lab = require "lab"
local core = require "lab.core"
local sys = require "lab.sys"
local support = require "support"
local raises, fails = support.raises, support.fails

local function memory()
  return assert(lab.catalog ":memory:")
end

local add_run = "INSERT INTO runs (command, started) VALUES (?, '2026-01-01T00:00:00.000Z')"

describe("queries", function()
  it("give rows by name", function()
    local db <close> = memory()
    local seen = {}
    for row in db:rows("SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, NULL") do
      seen[#seen + 1] = row
    end
    assert.same({ { a = 1, b = "x" }, { a = 2 } }, seen)
    assert.same({ a = 7, b = "y" }, db:one("SELECT ? AS a, ? AS b", 7, "y"))
    assert.same({ a = 7 }, db:one("SELECT :n AS a", { n = 7 }))
    assert.same({ a = 7 }, db:one("SELECT ? AS a", { 7 }))
    assert.same({ t = "blob" }, db:one("SELECT typeof(?) AS t", { blob = "x" }))
    assert.equal(0, select("#", db:one "SELECT 1 WHERE 0") - 1)
    assert.is_nil(db:one "SELECT 1 WHERE 0")
    assert.equal(5, db:value("SELECT ? + 3", 2))
    fails("DB", "no such table", db:one "SELECT * FROM nowhere")
    raises("no such table", db.rows, db, "SELECT * FROM nowhere")
    fails("INVALID", "one statement at a time", db:query "SELECT 1; SELECT 2")
    fails("INVALID", "there is no SQL", db:query "-- nothing")
    raises("the statement has no parameter 'x'", db.query, db, "SELECT :y", { x = 1 })
    raises("2 parameters, got 1 value", db.query, db, "SELECT ?, ?", 1)
  end)

  it("keep statements, but no values", function()
    local db <close> = memory()
    local prepared = 0
    local connection = db.db
    db.db = setmetatable({}, { __index = function(_, name)
      return function(_, ...)
        prepared = prepared + (name == "prepare" and 1 or 0)
        return connection[name](connection, ...)
      end
    end })
    local sql = "SELECT :a AS a, :b AS b"
    for i = 1, 10 do
      assert.same({ a = i, b = 1 }, db:one(sql, { a = i, b = 1 }))
    end
    assert.same({ a = 5 }, db:one(sql, { a = 5 }))
    assert.same({}, db:one(sql))
    assert.equal(1, prepared)
    -- The same text twice at once is two statements.
    local list = {}
    for outer in db:rows "SELECT 1 AS x UNION SELECT 2" do
      for inner in db:rows "SELECT 1 AS x UNION SELECT 2" do
        list[#list + 1] = outer.x * 10 + inner.x
      end
    end
    assert.same({ 11, 12, 21, 22 }, list)
    -- No end of texts is no end of statements.
    for i = 1, 200 do
      assert.equal(i, db:value("SELECT " .. i))
    end
    assert.is_true(db.idle_count <= 64)
    local count = 0
    for _ in pairs(db.idle) do
      count = count + 1
    end
    assert.equal(count, db.idle_count)
    -- A table that changes under a statement.
    assert(db:exec "CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    assert.same({ a = 1 }, db:one "SELECT * FROM t")
    assert(db:exec "ALTER TABLE t ADD COLUMN b DEFAULT 2")
    assert.same({ a = 1, b = 2 }, db:one "SELECT * FROM t")
    db.db = connection
  end)

  it("let go of what a loop leaves", function()
    local db <close> = memory()
    local left
    for row in db:rows "SELECT 5 AS n UNION ALL SELECT 6 UNION ALL SELECT 7" do
      left = row.n
      if left == 6 then
        break
      end
    end
    assert.equal(6, left)
    assert(db:exec "DROP TABLE IF EXISTS nonesuch") -- an open statement would lock
    assert.equal(1, db:exec(add_run, "after"))
  end)

  it("exec several statements, or one with values", function()
    local db <close> = memory()
    assert.equal(1, db:exec(add_run, "one"))
    assert.equal(2, db:exec("UPDATE runs SET threads = 1; " ..
      "INSERT INTO runs (started) VALUES ('x'), ('y'); -- the end"))
    assert.equal(3, db:value "SELECT count(*) FROM runs")
    fails("DB", "syntax error", db:exec "UPDATE runs SET threads = 2; SELEKT")
    assert.equal(2, db:value "SELECT max(threads) FROM runs")
    fails("INVALID", "one statement", db:exec(add_run .. "; SELECT 1", "x"))
  end)
end)

describe("a transaction", function()
  local db
  before_each(function() db = memory() end)
  after_each(function() db:close() end)
  local function count() return db:value "SELECT count(*) FROM runs" end

  it("keeps what a function wrote and gives what it returns", function()
    assert.same({ 1, nil, 3, n = 3 }, table.pack(db:transaction(function(same, x)
      assert.equal(db, same)
      assert(same:exec(add_run, "in"))
      return x, nil, 3
    end, 1)))
    assert.is_true(db:transaction(function() end))
    assert.equal(1, count())
  end)

  it("is undone by an error, which goes on, and by a failure", function()
    raises("oops", db.transaction, db, function()
      assert(db:exec(add_run, "lost"))
      error "oops"
    end)
    local object = {}
    local ok, problem = pcall(db.transaction, db, function() error(object) end)
    assert.is_false(ok)
    assert.equal(object, problem)
    fails("IO", "no disk", db:transaction(function()
      assert(db:exec(add_run, "lost"))
      return nil, "no disk", "IO"
    end))
    assert.equal(0, count())
    assert.equal(1, db:exec(add_run, "goes on"))
  end)

  it("inside another can be undone by itself", function()
    assert(db:transaction(function()
      assert(db:exec(add_run, "outer"))
      fails("LIMIT", "inner", db:transaction(function()
        assert(db:exec(add_run, "inner"))
        return nil, "inner", "LIMIT"
      end))
      assert(db:transaction(function() return db:exec(add_run, "inner, kept") end))
    end))
    assert.equal(2, count())
    raises("outer", db.transaction, db, function()
      assert(db:transaction(function() return db:exec(add_run, "inner") end))
      error "outer"
    end)
    assert.equal(2, count())
  end)

  it("that cannot begin says so", function()
    local folder = assert(sys.tmp_dir "database-spec-")
    local path = folder .. "/c.db"
    assert(lab.catalog(path)):close()
    local reader = assert(lab.catalog(path, "read"))
    local called = false
    local ok, message = reader:transaction(function()
      called = true
      return reader:exec(add_run, "x")
    end)
    assert.is_nil(ok)
    assert.is_truthy(message:find "read%-only")
    assert.is_false(called)
    reader:close()
    raises("the catalog is closed", reader.one, reader, "SELECT 1")
    assert(sys.remove_tree(folder))
  end)

  it("with recording inside is one with it", function()
    raises("stop", db.transaction, db, function()
      local connection = db:connection()
      local run = assert(connection:begin_run { command = "spec" })
      assert(connection:begin_result { run = run, path = "/p.png" })
      error "stop"
    end)
    assert.equal(0, count())
    assert.equal(0, db:value "SELECT count(*) FROM results")
  end)
end)

describe("a result of the catalog", function()
  local folder, db, id, path, failed
  local labels = support.labels()
  setup(function()
    folder = assert(sys.tmp_dir "database-spec-")
    path = folder .. "/p.png"
    db = memory()
    assert(support.picture(8, 6, 3):save(path))
    local connection = db:connection()
    local model = assert(connection:add_model { sha256 = ("ab"):rep(32), name = "pets",
      labels = labels, licence = "MIT" })
    local run = assert(connection:begin_run { command = "spec" })
    id = assert(connection:begin_result { run = run, model = model, path = path })
    local map = support.map(8, 6, labels)
    assert(connection:finish_result(id, { map = map, legend = map:legend { regions = true },
      timings = '{"decode":1.5,"segment":20}',
      image = { sha256 = core.sha256(support.read(path)), path = path, bytes = 1, width = 8,
        height = 6, format = "png" } }))
    failed = assert(connection:begin_result { run = run, model = model, path = "/bad.png" })
    assert(connection:fail_result(failed, "not a picture"))
  end)
  teardown(function()
    db:close()
    assert(sys.remove_tree(folder))
  end)

  it("is what it was", function()
    local r = assert(db:result(id))
    local map = support.map(8, 6, labels)
    assert.is_true(r.map == map)
    assert.is_true(r.image == support.picture(8, 6, 3))
    assert.same({ 8, 6, path, "pets" }, { r.width, r.height, r.path, r.model.name })
    assert.same(map:legend { regions = true }, r.legend)
    assert.same({ "decode", "segment", decode = 1.5, segment = 20 }, r.timings)
    assert.equal(path .. " 8x6 pets: background 33.3 %, cat 33.3 %, dog 33.3 %", tostring(r))
    assert.is_true(assert(r:mask "cat") == map:mask { include = { 1 } })
    fails("UNSUPPORTED", "no scores of pets", r:mask("cat", { soft = true }))
    assert.is_truthy(r:to_json():find('"licence"', 1, true) == nil)
  end)

  it("can be overlaid in a new colour", function()
    local r = assert(db:result(id))
    local plain = assert(r:overlay { alpha = 1 })
    local fresh = assert(r:overlay { alpha = 1, colors = { cat = "#0a0b0c", [2] = { 1, 2, 3 } } })
    -- Pixels are background, cat, dog in turn; the background stays the picture.
    assert.same({ 0x40, 0, 0 }, { plain:at(1, 0) })
    assert.same({ 10, 11, 12 }, { fresh:at(1, 0) })
    assert.same({ 1, 2, 3 }, { fresh:at(2, 0) })
    assert.same({ r.image:at(0, 0) }, { fresh:at(0, 0) })
    assert.same({ 0x40, 0, 0 }, { r:labels():color(1) }) -- the result keeps its own
    raises("must be \"#rrggbb\"", r.map.recolor, r.map, { cat = "blue" })
    raises("did you mean", r.map.recolor, r.map, { cta = 0 })
    raises("has no labels", core.methods.labelmap.recolor, support.map(2, 2), { cat = 0 })
  end)

  it("without its picture says so where that is needed", function()
    local bytes = support.read(path)
    assert(core.write_file(path, bytes .. "more"))
    local r = assert(db:result(id))
    assert.is_nil(r.image)
    fails("NOT_FOUND", "its bytes have changed", r:overlay())
    assert(os.remove(path))
    r = assert(db:result(id))
    fails("NOT_FOUND", path, r:cutout "cat")
    assert.is_truthy(r:mask "cat")
    assert(core.write_file(path, bytes))
  end)

  it("that there is not is a sentence", function()
    fails("NOT_FOUND", "no result 9999", db:result(9999))
    fails("INVALID", "not a picture", db:result(failed))
    raises("id of a result is expected", db.result, db, "x")
  end)
end)
