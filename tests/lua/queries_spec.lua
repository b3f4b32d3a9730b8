-- What lualab sql is made of: the named queries and their plans, completion, the formats.

require "busted.runner"()

local lab = require "lab"
local core = require "lab.core"
local html = require "lab.html"
local queries = require "lab.queries"
local sql_complete = require "lab.sql_complete"
local sql_output = require "lab.sql_output"
local sql_shell = require "lab.sql_shell"
local support = require "support"
local tables = require "lab.tables"

--- Whole-history questions go through these once; everything else is looked up by an index.
local scanned = {
  agreement = { b = true, c = true }, -- the newest results; the pairs found
  models = { m = true }, runs = { r = true }, labels = { r = true, a = true },
  stages = { m = true },
}

describe("named queries", function()
  local db = assert(lab.catalog ":memory:")
  local list = queries.list()

  it("are at least ten, each documented", function()
    assert.is_true(#list >= 10)
    for _, query in ipairs(list) do
      assert.equal("-- name: " .. query.name, query.sql:match "^[^\n]*", query.name)
      assert.is_true(#query.summary > 20, query.name)
      for _, parameter in ipairs(query.parameters) do
        assert.is_truthy(query.sql:find(":" .. parameter.name, 1, true))
      end
      -- Every parameter of the SQL has its line.
      local body = query.sql:gsub("%-%-[^\n]*", "")
      for name in body:gmatch "[^:%w]:([%a_]+)" do
        local documented = false
        for _, parameter in ipairs(query.parameters) do
          documented = documented or parameter.name == name
        end
        assert.is_true(documented, query.name .. ": :" .. name)
      end
    end
  end)

  it("run on an empty catalog", function()
    for _, query in ipairs(list) do
      local rows, message = db:query(query.sql)
      assert(rows, query.name .. ": " .. tostring(message))
    end
  end)

  --- The steps of a query's plan.
  local function plan(name)
    local query = assert(queries.get(name))
    local steps = {}
    for i, row in ipairs(assert(db:query("EXPLAIN QUERY PLAN " .. query.sql))) do
      steps[i] = row[4]
    end
    return steps
  end

  it("build no index of their own: there is one for every join", function()
    for _, query in ipairs(list) do
      for _, step in ipairs(plan(query.name)) do
        assert.is_nil(step:find "AUTOMATIC", query.name .. ": " .. step)
      end
    end
  end)

  it("go through a whole table only where the whole history is asked for", function()
    for name, allowed in pairs(scanned) do
      for _, step in ipairs(plan(name)) do
        local alias = step:match "^SCAN (%a) *" or step:match "^SCAN (%a)$"
        assert.is_true(not alias or allowed[alias] or step:find "INDEX" ~= nil,
          name .. ": " .. step)
      end
    end
  end)

  local function uses(name, ...)
    local text = table.concat(plan(name), "\n")
    for _, index in ipairs { ... } do
      assert.is_truthy(text:find(index, 1, true), name .. " without " .. index .. ":\n" .. text)
    end
  end

  it("use the indexes that are there for them", function()
    uses("failures", "results_not_done")
    uses("pictures-with", "labels_by_name (name=?)", "segments_by_class (class_id=?)")
    uses("together", "labels_by_name (name=?)", "segments_by_class (class_id=?)")
    uses("agreement", "results_by_image (image=?)")
    uses("models", "results_by_model (model=?)")
    uses("stages", "results_by_model (model=?)")
    uses("runs", "results_by_run (run=?)")
    uses("labels", "results_by_label_set")
  end)

  it("say which parameters they need", function()
    local query = assert(queries.get "pictures-with")
    assert.is_truthy(queries.missing(query, {}):find("-p label=", 1, true))
    assert.is_nil(queries.missing(query, { label = "cat" }))
    local none, message = queries.get "picture-with"
    assert.is_nil(none)
    assert.is_truthy(message:find('did you mean "pictures-with"', 1, true))
    assert.is_truthy(queries.overview():find("\nruns ", 1, true))
    assert.is_truthy(queries.describe(query):find("-p fraction=", 1, true))
  end)

  it("answer", function()
    local connection = db:connection()
    local labels = support.labels()
    local run = assert(connection:begin_run { command = "spec" })
    for i, name in ipairs { "one", "two" } do
      local model = assert(connection:add_model { sha256 = (i .. "a"):rep(32), name = name,
        labels = labels })
      local id = assert(connection:begin_result { run = run, model = model, path = "/p.png" })
      local map = support.map(6, 2, labels)
      assert(connection:finish_result(id, { map = map, legend = map:legend {},
        timings = '{"decode":2}', image = { sha256 = ("cd"):rep(32), path = "/p.png", bytes = 1,
          width = 6, height = 2, format = "png" } }))
    end
    local function first(name, values)
      return db:one(queries.get(name).sql, values)
    end
    assert.same({ path = "/p.png", model = "one", other_model = "two", label = "cat", iou = 1.0 },
      first("agreement", { label = "cat" }))
    assert.same({ path = "/p.png", model = "two", label = "dog", percent = 33.33, pixels = 4,
      x = 2, y = 0, width = 4, height = 2 }, (function()
      local row = first("pictures-with", { label = "dog" })
      row.model, row.regions = "two", nil
      return row
    end)())
    assert.same({ label = "cat", with_label = "background", results = 2 },
      first("together", { label = "cat" }))
    assert.equal(3, #db:query(queries.get "together".sql))
    assert.equal(8, first "labels".pixels)
    assert.equal(1, first("models", { model = "two" }).results)
    assert.equal(2.0, first "stages".mean_ms)
    assert.equal(2, first "runs".done)
    assert.is_nil(first "failures")
  end)
end)

describe("parameters", function()
  it("are numbers where they look like one", function()
    assert.same({ a = 5, b = -2.5, c = "5x", d = "", e = "x=y", f = "0x10", g = "1e5" },
      queries.read_parameters { "a=5", ":b=-2.5", "$c=5x", "@d=", "e=x=y", "f=0x10", "g=1e5" })
    assert.equal("integer", math.type(queries.read_parameters { "a=5" }.a))
    assert.is_nil((queries.read_parameters { "no value" }))
  end)
end)

describe("completion of SQL", function()
  local schema = { tables = { v_segments = { "label", "pixels", "path" },
    results = { "id", "path" }, runs = { "id", "state" } }, functions = { "map_png", "max" } }
  local function complete(text, after)
    return (sql_complete.complete(text, schema, after))
  end

  it("knows tables and columns", function()
    assert.same({ "results", "runs" }, complete "SELECT * FROM r")
    assert.same({ "label" }, complete("SELECT la", " FROM v_segments"))
    assert.same({ "label", "path", "pixels" }, complete "SELECT * FROM v_segments s WHERE s.")
    assert.same({ "id", "path" }, complete('SELECT r.', " FROM v_segments AS s JOIN results AS r"))
    assert.same({ "map_png", "match", "max" }, complete "SELECT ma")
    assert.same({ "GROUP" }, complete "SELECT label FROM v_segments GR")
    assert.same({ "group" }, complete "SELECT label FROM v_segments gr")
    assert.same({}, complete "SELECT 'v_se")
    assert.same({}, complete "SELECT 12")
    assert.same({}, complete "SELECT x.")
    local candidates, start = sql_complete.complete("SELECT * FROM v_s", schema)
    assert.same({ "v_segments" }, candidates)
    assert.equal(15, start)
  end)

  it("knows when a statement is whole", function()
    for text, whole in pairs { ["SELECT 1;"] = true, ["SELECT 1"] = false, ["SELECT ';"] = false,
      ["SELECT ';';"] = true, ["SELECT 1; -- x"] = true, ["SELECT 1 -- ;"] = false,
      ["SELECT 'it''s;"] = false, ["SELECT 'it''s';"] = true, ["/* ; */"] = false,
      ["SELECT [a;]"] = false, [""] = false, ["SELECT /* open ;"] = false } do
      assert.equal(whole, sql_complete.is_whole(text), text)
    end
  end)

  it("comes from the catalog at the prompt", function()
    local db <close> = assert(lab.catalog ":memory:")
    local shell = { db = db, format = "table" }
    local function tab(line, position)
      return sql_shell.complete(shell, "", line, position or #line)
    end
    assert.equal("ents ", (tab "SELECT * FROM v_segm"))
    assert.equal("els ", (tab "SELECT * FROM mod"))
    assert.equal("and ", (tab("SELECT comm FROM runs", #"SELECT comm")))
    assert.equal("ction ", (tab "SELECT map_bytes, fra")) -- no table yet: columns of all
    assert.equal("les ", (tab ".tab"))
    assert.equal("h ", (tab "pictures-wit"))
    assert.equal("ures", (tab "pict")) -- a query, and columns
    local insert, list = tab "SELECT * FROM label"
    assert.is_nil(insert)
    assert.is_truthy(list:find "label_sets" and list:find "labels")
    assert.is_nil((tab "SELECT nonesuch_"))
    assert.equal("in ", (sql_shell.complete(shell, "SELECT *\nFROM runs\n", "jo", 2)))
  end)
end)

describe("formats", function()
  local columns = { "a", "b" }
  local rows = { { 1, "x\ty|<b>\\", n = 2 }, { 2.5, nil, n = 2 }, { 3, "\0\255", n = 2 } }

  it("keep rows apart whatever is in them", function()
    assert.equal("a\tb\n1\tx\\ty|<b>\\\\\n2.5\t\n3\t00ff\n", tables.tsv(columns, rows))
    assert.equal('{"a":1,"b":"x\\ty|<b>\\\\"}\n{"a":2.5,"b":null}\n{"a":3,"b":"00ff"}\n',
      tables.ndjson(columns, rows))
    assert.equal("", tables.ndjson(columns, {}))
    assert.equal("| a | b |\n| ---: | --- |\n| 1 | x y\\|&lt;b>\\\\ |\n| 2.5 |  |\n"
      .. "| 3 | (2 bytes) |\n", tables.markdown(columns, rows))
  end)

  --- What sql_output writes.
  local function written(format, given, options)
    local parts = {}
    options = options or {}
    options.file = { write = function(_, ...)
      for _, text in ipairs { ... } do
        parts[#parts + 1] = text
      end
    end }
    sql_output.write(columns, given, format, options)
    return table.concat(parts)
  end

  it("name pictures and show them where they can be", function()
    local png = assert(support.picture(20, 10, 3):encode {})
    local given = { { 1, png, n = 2 } }
    assert.is_truthy(written("table", given):find("1  (PNG 20x10)\n", 1, true))
    assert.equal(png, written("raw", { { png } }))
    assert.equal("", written("raw", {}))
    assert.is_nil(written("csv", given):find("\137", 1, true))
    local shown = written("table", given, { pictures = true })
    local terminal = false
    for _, op in ipairs(core.ops()) do
      terminal = terminal or op.name == "image.terminal"
    end
    assert.equal(terminal, shown:find("row 1, b (PNG 20x10)", 1, true) ~= nil)
    -- Bytes that only begin like a picture are bytes.
    assert.is_truthy(written("table", { { 1, "\137PNG\r\n\26\n\0", n = 2 } }, { pictures = true })
      :find("(9 bytes)", 1, true))
  end)
end)

describe("texts in pages", function()
  it("stay text", function()
    assert.equal("&lt;b a=&quot;&#39;&amp;&#39;&quot;&gt;", html.escape "<b a=\"'&'\">")
    assert.equal("a\u{240A}b\u{2400}\u{FFFD}\u{FFFD}é", html.escape "a\nb\0\255\254é")
    assert.equal("#808080", html.color "#12345")
    assert.equal("#808080", html.color "#123456;}")
    assert.equal("#12ab9F", html.color "#12ab9F")
  end)

  it("can be read on every colour", function()
    local function light(v)
      return v <= 0.04045 and v / 12.92 or ((v + 0.055) / 1.055) ^ 2.4
    end
    for r = 0, 255, 51 do
      for g = 0, 255, 51 do
        for b = 0, 255, 51 do
          local on = html.text_color(("#%02x%02x%02x"):format(r, g, b)) == "#ffffff" and 1 or 0
          local below = 0.2126 * light(r / 255) + 0.7152 * light(g / 255) + 0.0722 * light(b / 255)
          local high, low = math.max(on, below), math.min(on, below)
          assert.is_true((high + 0.05) / (low + 0.05) >= 4.5)
        end
      end
    end
  end)

  it("hold bytes in base64", function()
    for text, digits in pairs { [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==",
      ["\255\254\253"] = "//79" } do
      assert.equal(digits, html.base64(text))
    end
  end)
end)
