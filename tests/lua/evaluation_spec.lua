-- The measures of an evaluation against their definitions, and what goes into the catalog.

require "busted.runner"()

local care = require "lab.catalog_care"
local catalog = require "lab.catalog"
local core = require "lab.core"
local evaluation = require "lab.evaluation"
local json = require "lab.json"
local plot = require "lab.evaluation_plot"
require "lab"

local W, H = 24, 17

local function random_map(seed, classes, void)
  math.randomseed(seed)
  local bytes = {}
  for i = 1, W * H do
    bytes[i] = string.char(math.random() < 0.1 and void or math.random(0, classes - 1))
  end
  return core.labelmap(W, H, table.concat(bytes))
end

--- Of each class: right, in the truth, found; of pixels whose truth counts.
local function count_all(pairs_of_maps, classes, counts)
  local right, truly, found = {}, {}, {}
  for c = 0, classes - 1 do
    right[c], truly[c], found[c] = 0, 0, 0
  end
  for _, pair in ipairs(pairs_of_maps) do
    local map, truth = pair[1]:bytes(), pair[2]:bytes()
    for i = 1, #map do
      local p, t = map:byte(i), truth:byte(i)
      if counts(t) then
        truly[t], found[p] = truly[t] + 1, found[p] + 1
        right[t] = right[t] + (p == t and 1 or 0)
      end
    end
  end
  return right, truly, found
end

local function near(expected, got)
  assert.is_true(math.abs(expected - got) < 1e-12, ("%s instead of %s"):format(got, expected))
end

describe("measures", function()
  it("are those of the field", function()
    local e = evaluation.new { classes = 7, ignore = 9 }
    local maps = {}
    for i = 1, 4 do
      -- Class 5 is in no truth but found, class 6 in neither.
      maps[i] = { random_map(i, 6, 5), random_map(10 + i, 5, 9) }
      assert.is_true(e:add(maps[i][1], maps[i][2], "t" .. i))
    end
    local right, truly, found = count_all(maps, 7, function(t) return t ~= 9 end)
    local m = assert(e:measures())
    local sum, weighted, hits, all, recall = 0, 0, 0, 0, 0
    for c = 0, 4 do
      local iou = right[c] / (truly[c] + found[c] - right[c])
      near(iou, m.rows[c + 1].iou)
      near(right[c] / found[c], m.rows[c + 1].precision)
      sum, weighted, recall = sum + iou, weighted + iou * truly[c], recall + right[c] / truly[c]
      hits, all = hits + right[c], all + truly[c]
    end
    assert.is_nil(m.rows[6].iou)
    assert.equal(found[5], m.rows[6].found)
    assert.is_nil(m.rows[7].iou)
    assert.equal(5, m.present)
    assert.equal(all, m.pixels)
    near(sum / 5, m.mean_iou)
    near(sum / 7, m.mean_iou_all)
    near(hits / all, m.pixel_accuracy)
    near(recall / 5, m.mean_accuracy)
    near(weighted / all, m.frequency_iou)
    assert.is_true(m.boundary_iou > 0 and m.boundary_iou <= 1)
  end)

  it("follow MLPerf's rule", function()
    local e = evaluation.new { classes = 6, rule = "mlperf" }
    local map, truth = random_map(1, 6, 0), random_map(2, 5, 77)
    assert.is_true(e:add(map, truth))
    local p, t, sum = map:bytes(), truth:bytes(), 0
    for c = 1, 5 do -- class 5 is in no truth: it counts as 0
      local tp, fp, fn = 0, 0, 0
      for i = 1, #p do
        local found, right = p:byte(i), t:byte(i)
        if found == c and right == c then
          tp = tp + 1
        elseif found == c and right > 0 and right <= 5 then
          fp = fp + 1
        elseif right == c then
          fn = fn + 1
        end
      end
      sum = sum + tp / (tp + fp + fn)
    end
    near(sum / 5, assert(e:measures()).mean_iou)
  end)

  it("of a perfect map are 1, and of nothing are none", function()
    local map = random_map(1, 4, 0)
    local e = evaluation.new { classes = 4, width = 2 }
    assert.is_nil((e:measures()))
    assert.is_true(e:add(map, map))
    local m = e:measures()
    near(1, m.mean_iou)
    near(1, m.boundary_iou)
    assert.equal("2 pixels", e:band())
    -- All void: nothing counts.
    e = evaluation.new { classes = 4, ignore = 3 }
    assert.is_true(e:add(map, core.labelmap(W, H, ("\3"):rep(W * H))))
    m = e:measures()
    assert.is_nil(m.mean_iou)
    assert.equal(0, m.pixels)
    assert.is_truthy(plot.draw(e, core.labels { name = "x",
      names = { "a", "b", "c", "d" }, colors = { 0, 1, 2, 3 } }, "t"))
  end)

  it("refuse what does not fit, and keep what was counted", function()
    local e = evaluation.new { classes = 4 }
    local map = random_map(1, 4, 0)
    assert.is_true(e:add(map, random_map(2, 4, 0)))
    local before = json.encode(assert(e:measures()))
    local ok, message = e:add(map, core.labelmap(3, 3))
    assert.is_nil(ok)
    assert.is_truthy(message:find("3x3", 1, true))
    ok, message = e:add(map, random_map(3, 6, 0))
    assert.is_nil(ok)
    assert.is_truthy(message:find("the truth has", 1, true))
    assert.equal(before, json.encode(assert(e:measures())))
    assert.equal(1, e.pictures)
  end)
end)

describe("the catalog", function()
  it("has the measures, the classes and the matrix", function()
    local db <close> = assert(catalog.open(":memory:"))
    local names = { "back", "cat's \"<b>", "dog", "cow" }
    local labels = core.labels { name = "four", names = names, colors = { 0, 255, 128, 64 } }
    local model = assert(db:connection():add_model { sha256 = ("0"):rep(64), name = "m",
      labels = labels })
    local run = assert(db:connection():begin_run { command = "test" })
    local e = evaluation.new { classes = 4, ignore = -1, width = 3 }
    local map, truth = random_map(1, 4, 0), random_map(2, 3, 0)
    assert.is_true(e:add(map, truth, "digest"))
    local id = assert(e:record(db, { run = run, model = model, images = "i", truth = "t",
      failed = 2 }))
    local m = assert(e:measures())
    local row = assert(db:one("SELECT * FROM v_evaluations WHERE evaluation = ?1", id))
    assert.same({ "m", "four", 1, 2, 3, m.mean_iou, m.boundary_iou, 3 }, { row.model, row.labels,
      row.pictures, row.failed, row.classes, row.mean_iou, row.boundary_iou, row.band_width })
    assert.is_nil(row.ignored_id)
    assert.equal(4, db:value "SELECT count(*) FROM evaluation_classes")
    assert.equal(m.rows[2].iou, db:value("SELECT iou FROM v_evaluation_classes WHERE label = ?1",
      names[2]))
    assert.equal(W * H, db:value "SELECT sum(pixels) FROM evaluation_confusions")
    assert.equal(e:count(1, 2), db:value([[SELECT pixels FROM v_evaluation_confusions
      WHERE truth = ?1 AND found = 'dog']], names[2]))
    local svg = assert(plot.draw(e, labels, "a < b"))
    assert.is_truthy(svg:find("cat&#39;s &quot;&lt;b&gt;", 1, true))
    assert.is_truthy(svg:find("a &lt; b", 1, true))
    -- Deleting the run deletes its evaluations.
    assert(db:exec("DELETE FROM runs WHERE id = ?1", run))
    assert.equal(0, db:value "SELECT count(*) FROM evaluation_confusions")
  end)

  it("knows the same truths in any order", function()
    local digests = {}
    for i, order in ipairs { { "a", "b" }, { "b", "a" }, { "a", "c" } } do
      local e = evaluation.new { classes = 4 }
      for _, digest in ipairs(order) do
        assert.is_true(e:add(random_map(1, 4, 0), random_map(2, 4, 0), digest))
      end
      digests[i] = e:digest()
    end
    assert.equal(digests[1], digests[2])
    assert.not_equal(digests[1], digests[3])
  end)
end)

describe("evaluations of two catalogs", function()
  local names = { "back", "cat", "dog", "cow" }

  --- A catalog with the model; with others before it, so that ids are not those of the other.
  local function make(first)
    local db = assert(catalog.open ":memory:")
    local c = db:connection()
    if first then
      assert(c:add_model { sha256 = ("f"):rep(64), name = "first", labels = core.labels {
        name = "other", names = { "x" }, colors = { 0 } } })
      assert(c:begin_run { command = "earlier" })
    end
    return db, assert(c:add_model { sha256 = ("0"):rep(64), name = "m", labels = core.labels {
      name = "four", names = names, colors = { 0, 255, 128, 64 } } })
  end

  local function evaluate(db, model, seed, options)
    options = options or {}
    options.classes = 4
    local run = options.run or assert(db:connection():begin_run { command = "eval " .. seed })
    options.run = nil
    local e = evaluation.new(options)
    assert.is_true(e:add(random_map(seed, 4, 0), random_map(seed + 1, 4, 0), "digest"))
    return assert(e:record(db, { run = run, model = model, images = "i", truth = "t",
      failed = 0 })), run
  end

  --- The other catalog has to be a file: it is attached.
  local function as_file(db, name)
    local path = os.tmpname()
    os.remove(path)
    assert(db:connection():backup(path .. name))
    return path .. name
  end

  local function all(db, sql)
    local rows = assert(db:query(sql))
    for i, row in ipairs(rows) do
      for k = 1, row.n do
        row[k] = tostring(row[k])
      end
      rows[i] = table.concat(row, " ")
    end
    return table.concat(rows, "\n")
  end

  local said = [[SELECT model, labels, mean_iou, boundary_iou, pixel_accuracy,
    ignored_id, band_ratio, band_width, rule, digest, pixels FROM v_evaluations
    ORDER BY mean_iou, ignored_id, band_width]]
  local classes = [[SELECT e.mean_iou, e.band_width, c.class_id, c.label, c.iou, c.truth, c.found,
    c.both, c.band_both FROM v_evaluation_classes c JOIN evaluations e ON e.id = c.evaluation
    ORDER BY 1, 2, 3]]
  local matrix = [[SELECT e.mean_iou, e.band_width, c.truth, c.found, c.pixels
    FROM v_evaluation_confusions c JOIN evaluations e ON e.id = c.evaluation
    ORDER BY 1, 2, 3, 4]]

  it("come together with their rows, each once", function()
    local here <close>, model = make(false)
    local there <close>, other_model = make(true)
    evaluate(here, model, 1)
    evaluate(there, other_model, 5)
    -- One run measured thrice in one moment: what they leave out and their bands tell them apart.
    local _, run = evaluate(there, other_model, 9)
    evaluate(there, other_model, 9, { run = run, width = 3 })
    evaluate(there, other_model, 9, { run = run, ignore = 2 })
    assert(there:exec "UPDATE evaluations SET added = '2026-01-01T00:00:00.000Z'")
    local path = as_file(there, ".db")
    local other <close> = assert(catalog.open(path, "read"))
    assert(care.merge(here, other))
    assert.equal(5, here:value "SELECT count(*) FROM evaluations")
    assert.equal(20, here:value "SELECT count(*) FROM evaluation_classes")
    -- As in the catalog they came from, though ids of models, runs and label sets differ.
    assert(here:exec "DELETE FROM runs WHERE command = 'eval 1'")
    for _, sql in ipairs { said, classes, matrix } do
      assert.equal(all(there, sql), all(here, sql))
    end
    assert.equal(0, here:value "SELECT count(*) FROM pragma_foreign_key_check")
    -- Again, and after one more was measured there.
    assert(care.merge(here, other))
    assert.equal(4, here:value "SELECT count(*) FROM evaluations")
    other:close()
    os.remove(path)
    evaluate(there, other_model, 13)
    path = as_file(there, ".db")
    local later <close> = assert(catalog.open(path, "read"))
    assert(care.merge(here, later))
    assert(care.merge(here, later))
    assert.equal(5, here:value "SELECT count(*) FROM evaluations")
    for _, sql in ipairs { said, classes, matrix } do
      assert.equal(all(there, sql), all(here, sql))
    end
    later:close()
    os.remove(path)
  end)

  it("of one run that both have are one", function()
    local here <close>, model = make(false)
    evaluate(here, model, 1)
    local path = as_file(here, ".db")
    evaluate(here, model, 3)
    local copy = assert(catalog.open(path, "write"))
    evaluate(copy, 1, 7)
    assert(care.merge(here, copy))
    assert.equal(3, here:value "SELECT count(*) FROM evaluations")
    copy:close()
    os.remove(path)
  end)
end)
