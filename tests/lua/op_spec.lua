-- Operators as methods: how arguments are passed, what is refused, what comes back.

require "busted.runner"()

local core = require "lab.core"
local support = require "support"
local raises = support.raises

local img = support.picture(8, 6, 3)
local mask = core.mask(8, 6, ("\0\255"):rep(24))
local map = support.map(8, 6, support.labels())

describe("arguments", function()
  it("go in a table by name", function()
    local small = img:resize { width = 4, height = 3, method = "nearest" }
    assert.same({ 4, 3 }, { small:width(), small:height() })
    assert.equal(4, img:resize({ width = 4, height = 3 }, nil):width())
    assert.equal(4, img:resize { width = 4.0, height = 3 }:width())
  end)

  it("include the main one alone, or in front", function()
    local soft = mask:feather { radius = 2 }
    assert.is_true(mask:feather(2) == soft)
    assert.is_true(mask:feather { 2 } == soft)
    assert.is_true(mask:feather(2, {}) == soft)
    assert.is_true(mask:feather(nil, { radius = 2 }) == soft)
  end)

  it("include lists of classes by name and by id", function()
    local cats = map:mask { include = { "cat" } }
    assert.is_true(map:mask { include = { 1 } } == cats)
    assert.is_true(map:mask { include = "cat" } == cats)
    local both = map:mask { include = { "cat", "dog" } }
    assert.is_true(map:mask { include = { 2, 1 } } == both)
    raises("dgo", map.mask, map, { include = { "dgo" } })
    raises("include[2] must be a number or a string, got a table", map.mask, map,
      { include = { 1, {} } })
  end)

  it("include pictures and masks", function()
    local cut = img:cutout { mask = mask }
    assert.equal(4, cut:channels())
    assert.is_true(mask:cutout { image = img } == cut)
    raises("attempt to use a closed mask", function()
      local gone = core.mask(8, 6)
      gone:close()
      return img:cutout { mask = gone }
    end)
    raises("image.cutout: mask must be", img.cutout, img, { mask = io.stdout })
    raises("image.cutout", img.cutout, img, { mask = img })
  end)
end)

describe("misuse", function()
  it("names the nearest option", function()
    raises('image.resize: there is no option "widht"; did you mean "width"?', img.resize, img,
      { widht = 4, height = 3 })
    raises('there is no option "zzzzzzzz"', img.resize, img, { zzzzzzzz = 1 })
  end)

  it("names the operator, the option and the values", function()
    raises("image.resize: width must be 1..65535, got 0", img.resize, img,
      { width = 0, height = 3 })
    raises("image.resize: width", img.resize, img, { width = "wide", height = 3 })
    raises("image.resize: width", img.resize, img, { width = 2.5, height = 3 })
    raises("image.resize: width takes no list", img.resize, img, { width = { 1, 2 }, height = 3 })
    raises("image.resize: method", img.resize, img, { width = 4, height = 3, method = "neerest" })
    raises("nearest", img.resize, img, { width = 4, height = 3, method = "neerest" })
    raises("image.resize", img.resize, img, { height = 3, width = print })
    raises("image.resize", img.resize, img, { height = 3, width = true })
  end)

  it("of the table itself is told too", function()
    raises("image.resize: options go in a table", img.resize, img, 4)
    raises("options go in a table", img.resize, img, { 4, height = 3 })
    raises("too many arguments", img.resize, img, 4, 3, "nearest")
    raises("options have names, got a boolean as a key", img.resize, img, { [true] = 4 })
    raises("table expected, got number", mask.feather, mask, 2, 3)
    raises("options have names, got a number as a key", mask.feather, mask, 2, { 3 })
    raises("radius is given twice", mask.feather, mask, { 2, radius = 3 })
  end)

  it("of the receiver is told", function()
    raises("lab.Image expected, got number", img.resize, 5)
    raises("lab.Image expected, got lab.Mask", img.resize, mask, { width = 1, height = 1 })
    raises("lab.Image expected, got no value", img.resize)
  end)

  it("leaves nothing behind", function()
    collectgarbage()
    collectgarbage()
    local before = core.memory()
    for _ = 1, 200 do
      pcall(img.resize, img, { width = 100, height = 0 })
      pcall(img.cutout, img, { mask = core.mask(3, 3) })
      pcall(map.mask, map, { include = { 1, "dog", {} } })
    end
    collectgarbage()
    collectgarbage()
    assert.equal(before, core.memory())
  end)
end)

describe("results", function()
  it("are values, strings and rows", function()
    assert.equal("image", map:colorize():kind())
    assert.equal("\137PNG", img:encode { format = "png" }:sub(1, 4))
    local rows = map:legend()
    assert.equal(3, #rows)
    local total = 0
    for i, row in ipairs(rows) do
      assert.is_true(i == 1 or rows[i - 1].pixels >= row.pixels)
      assert.equal(support.labels():label(row.id), row.name)
      assert.equal(4, #row.box)
      assert.equal(3, #row.color)
      total = total + row.pixels
    end
    assert.equal(48, total)
  end)

  it("keep the label set", function()
    assert.equal("pets", map:resize { width = 4, height = 3 }:labels():name())
  end)

  it("are found once and kept", function()
    assert.equal(img.resize, core.image(1, 1, 1).resize)
  end)
end)
