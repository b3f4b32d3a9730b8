-- Label sets: what class ids mean.

require "busted.runner"()

local core = require "lab.core"
local support = require "support"
local raises, fails = support.raises, support.fails

describe("a label set", function()
  local labels = support.labels()

  it("gives names and colours by 0-based id", function()
    assert.equal("pets", labels:name())
    assert.equal(3, #labels)
    assert.equal("background", labels:label(0))
    assert.equal("dog", labels:label(2))
    assert.same({ 0x40, 0xff, 0x80 }, { labels:color(2) })
    assert.same({}, { labels:label(3) })
    assert.same({}, { labels:label(-1) })
    assert.same({}, { labels:color(math.maxinteger) })
    assert.equal("labels pets (3 classes)", tostring(labels))
    raises("number expected, got string", labels.label, labels, "cat")
  end)

  it("finds ids by name", function()
    assert.equal(1, labels:find "cat")
    assert.equal(2, labels:find "DOG")
    fails("NOT_FOUND", "cat", labels:find "cta")
    fails("NOT_FOUND", "zebra", labels:find "zebra")
    local screens = core.labels { name = "s", names = { "screen", "door", "screen" },
      colors = { 1, 2, 3 } }
    assert.equal(0, screens:find "screen")
    assert.equal(2, screens:find("screen", 1))
    assert.is_nil((screens:find("screen", 3)))
    raises("out of range", screens.find, screens, "screen", -1)
    raises("string expected", screens.find, screens)
  end)

  it("refuses wrong descriptions", function()
    local function new(t)
      return function() return core.labels(t) end
    end
    raises("table expected", core.labels)
    raises("core.labels: name is missing", new { names = { "a" }, colors = { 0 } })
    raises("core.labels: name must be a string, got 5", new { name = 5, names = {}, colors = {} })
    raises("core.labels: names must be a list, got nil", new { name = "x", colors = { 0 } })
    raises("core.labels: colors must be a list, got red", new { name = "x", names = { "a" },
      colors = "red" })
    raises("names must have 1..65536 entries, got 0", new { name = "x", names = {}, colors = {} })
    raises("2 names need as many colors, got 1", new { name = "x", names = { "a", "b" },
      colors = { 0 } })
    raises("names[2] must be a string, got 7", new { name = "x", names = { "a", 7 },
      colors = { 0, 0 } })
    raises("colors[1] must be 0x000000..0xFFFFFF, got -1", new { name = "x", names = { "a" },
      colors = { -1 } })
    raises("colors[1] must be 0x000000..0xFFFFFF, got 16777216", new { name = "x",
      names = { "a" }, colors = { 0x1000000 } })
    raises("colors[1] must be 0x000000..0xFFFFFF, got 1.5", new { name = "x", names = { "a" },
      colors = { 1.5 } })
    raises('unknown option "colours"; did you mean "colors"?', new { name = "x", names = { "a" },
      colours = { 0 } })
  end)

  it("is the same set wherever it is asked for", function()
    local map = support.map(3, 3, labels)
    assert.is_true(map:labels() == labels)
    assert.is_false(map:labels() == support.labels())
  end)

  it("outlives the map it came from, and is closed once", function()
    local map = support.map(3, 3, support.labels())
    local own = map:labels()
    map:close()
    collectgarbage()
    assert.equal("cat", own:label(1))
    own:close()
    own:close()
    assert.equal("labels (closed)", tostring(own))
    raises("attempt to use a closed label set", own.name, own)
    raises("attempt to use a closed label set", function() return #own end)
    assert.is_false(own == support.labels())
  end)
end)
