-- The laboratory of values: tensors with elements and arithmetic, masks as sets, label maps that
-- are asked and changed. What the operators compute is tested in tests/unit; here, how it reads.

require "busted.runner"()

local core = require "lab.core"
local support = require "support"
require "lab"
local raises = support.raises

local function tensor(dtype, shape, numbers)
  local t = core.tensor { dtype = dtype, shape = shape }
  for i, x in ipairs(numbers) do
    t[i] = x
  end
  return t
end

local function numbers(t)
  local list = {}
  for i = 1, #t do
    list[i] = t[i]
  end
  return list
end

describe("elements", function()
  it("of every dtype are stored and read", function()
    local cases = { u8 = { 0, 255 }, i8 = { -128, 127 }, u16 = { 0, 65535 },
      i16 = { -32768, 32767 }, i32 = { -0x80000000, 0x7fffffff },
      i64 = { math.mininteger, math.maxinteger },
      f16 = { -0.5, 65504.0 }, f32 = { 0.25, -1e30 } }
    for dtype, pair in pairs(cases) do
      local t = core.tensor { dtype = dtype, shape = { 2 } }
      t[1], t[2] = pair[1], pair[2]
      if dtype == "f32" then
        assert.near(-1e30, t[2], 1e24)
      else
        assert.same(pair, numbers(t), dtype)
      end
    end
  end)

  it("have a place in each dimension, or a flat one", function()
    local t = tensor("i32", { 2, 3 }, { 1, 2, 3, 4, 5, 6 })
    assert.equal(6, t:get(2, 3))
    assert.equal(4, t:get(4))
    t:set(1, 3, 30)
    assert.equal(30, t[3])
    assert.is_nil(t:get(3, 1))
    assert.is_nil(t[7])
    assert.is_nil(t[0])
    local sum = 0
    for _, x in ipairs(t) do
      sum = sum + x
    end
    assert.equal(1 + 2 + 30 + 4 + 5 + 6, sum)
  end)

  it("that do not exist or do not fit are refused", function()
    local t = tensor("u8", { 2, 3 }, {})
    raises("must be 0..255, got 256", function() t[1] = 256 end)
    raises("must be 0..255, got -1", t.set, t, 1, -1)
    raises("no such element: the value has 6", function() t[7] = 0 end)
    raises("no such element", t.set, t, 3, 1, 0)
    raises("one position or 2 are expected", t.set, t, 1, 1, 1, 0)
    raises("number has no integer representation", function() t[1] = 0.5 end)
    raises("number expected, got string", function() t[1] = "x" end)
    raises("lab.Tensor has no field 'name' to assign to", function() t.name = 1 end)
    raises("a position and a number are expected", t.set, t, 1)
    t:close()
    raises("attempt to use a closed tensor", function() t[1] = 1 end)
    raises("attempt to use a closed tensor", function() return t[1] end)
  end)

  it("of values that share their data are written in a copy", function()
    local t = tensor("u8", { 4 }, { 1, 2, 3, 4 })
    local square, mask = t:reshape { 2, 2 }, t:reshape { 2, 2 }:as "mask"
    t[1] = 100
    square:set(2, 2, 50)
    assert.same({ 100, 2, 3, 4 }, numbers(t))
    assert.same({ 1, 2, 3, 50 }, numbers(square))
    assert.equal("\1\2\3\4", mask:bytes())
    local map = core.labelmap(2, 1, "\0\1", support.labels())
    local named = map:with_labels(support.labels())
    named:set(1, 2, 2)
    assert.equal("\0\1", map:bytes())
    assert.equal("\0\2", named:bytes())
    assert.equal("pets", named:labels():name())
  end)
end)

describe("arithmetic", function()
  local t = tensor("i32", { 2, 2 }, { 1, 2, 3, 4 })
  local u = tensor("f32", { 2 }, { 0.5, 10 })

  it("is written as in Lua", function()
    assert.same({ 2, 4, 6, 8 }, numbers(t + t))
    assert.same({ 1.5, 12.0, 3.5, 14.0 }, numbers(t + u))
    assert.same({ 9, 8, 7, 6 }, numbers(10 - t))
    assert.same({ -9, -8, -7, -6 }, numbers(t - 10))
    assert.same({ 2, 4, 6, 8 }, numbers(2 * t))
    assert.same({ 0.5, 1.0, 1.5, 2.0 }, numbers(t / 2))
    assert.same({ 12.0, 6.0, 4.0, 3.0 }, numbers(12 / t))
    assert.same({ -1.0, -2.0, -3.0, -4.0 }, numbers(-t))
    assert.equal("i32", (t + 1):dtype())
    assert.equal("f32", (t + 0.5):dtype())
  end)

  it("says what does not go together", function()
    raises("the shapes do not go together", function() return t + tensor("u8", { 3 }, {}) end)
    raises("tensor.add: with must be a tensor", function() return t + "x" end)
    raises("tensor.add: with", function() return t + {} end)
    raises("lab.Image has no method \"add\"", function() return core.image(1, 1, 1) + t end)
    raises("attempt to use a closed tensor", function()
      local gone = t + 0
      gone:close()
      return gone + 1
    end)
    raises("give either a tensor (with) or a number", t.add, t)
  end)

  it("is enough to write an operator: the entropy of a network's output", function()
    local logits = tensor("f32", { 1, 1, 2, 3 }, { 1, 1, 1, 100, 0, 0 })
    local p = logits:softmax()
    local entropy = -(p * (p:maximum { number = 1e-12 }):apply "log"):sum(-1)
    assert.near(math.log(3), entropy[1], 1e-6)
    assert.near(0, entropy[2], 1e-6)
    local most = p:max { axis = -1, keep = true }
    assert.same({ 1, 1, 2, 1 }, most:shape())
    assert.equal(1, p:position_of_max(-1)[2])
  end)
end)

describe("masks", function()
  local a, b = core.mask(4, 1, "\0\255\200\0"), core.mask(4, 1, "\0\0\100\255")

  it("are sets", function()
    assert.equal("\0\0\100\0", (a & b):bytes())
    assert.equal("\0\255\200\255", (a | b):bytes())
    assert.equal("\0\255\155\0", (a - b):bytes())
    assert.equal("\255\0\55\255", (~a):bytes())
    assert.is_true((a - b) == (a & ~b))
    assert.is_true((a | b) == ~(~a & ~b))
  end)

  it("of different sizes or with something else are refused", function()
    raises("the mask is 4x1, the other mask 2x2", function() return a & core.mask(2, 2) end)
    raises("mask.intersect: with must be a mask, got 3", function() return a & 3 end)
    raises("mask.unite: with must be", function() return a | core.image(4, 1, 1) end)
  end)

  it("have outlines, regions and a size", function()
    local ring = core.mask(5, 5, ("\255"):rep(12) .. "\0" .. ("\255"):rep(12))
    local borders = ring:outline()
    assert.equal(2, #borders)
    assert.equal(0, borders[1].hole)
    assert.same({ 5, 0, 5, 5, 0, 5, 0, 0 }, borders[1].points)
    assert.equal(1, borders[2].hole)
    assert.equal(1, borders[2].pixels)
    assert.equal(25, ring:fill_holes():measure()[1].pixels)
    assert.equal(24, ring:fill_holes(0):measure()[1].pixels)
    assert.is_nil(core.mask(2, 2):measure()[1].box)
    local parts = core.mask(5, 1, "\255\0\255\255\0")
    assert.equal("\0\0\255\255\0", parts:largest_region():bytes())
    assert.equal("\255\0\0\0\0", parts:region { x = 0, y = 0 }:bytes())
  end)
end)

describe("label maps", function()
  local labels = support.labels()
  local map = core.labelmap(4, 2, "\0\1\1\2\0\0\1\2", labels)

  it("tell their classes and regions", function()
    assert.same({ { id = 0, name = "background", pixels = 3 }, { id = 1, name = "cat", pixels = 3 },
      { id = 2, name = "dog", pixels = 2 } }, map:classes())
    local cats = map:regions "cat"
    assert.equal(1, #cats)
    assert.same({ 1, 0, 2, 2 }, cats[1].box)
    assert.equal("cat", cats[1].name)
    assert.equal(2, #map:regions { "cat", "dog", connectivity = "4" })
    assert.equal(0, #map:regions { "dog", min_pixels = 3 })
    raises('map.regions: ', map.regions, map, "dgo")
  end)

  it("change their classes", function()
    assert.equal("\0\1\1\1\0\0\1\1", map:merge { "dog", into = "cat" }:bytes())
    assert.equal("\0\2\2\1\0\0\2\1", map:replace { cat = "dog", dog = "cat" }:bytes())
    assert.equal("\0\1\1\0\0\0\1\0", map:replace { [2] = 0 }:bytes())
    assert.equal("pets", map:replace { [2] = 0 }:labels():name())
    raises("did you mean", map.replace, map, { cta = 0 })
    raises("a table { old = new } is expected, got string", map.replace, map, "cat")
    raises("class ids are 0..65535, got -1", map.replace, map, { [-1] = 0 })
    raises("the label map has no labels", core.labelmap(1, 1).replace, core.labelmap(1, 1),
      { cat = 1 })
  end)

  it("have boundaries", function()
    assert.equal(8, map:boundary():measure()[1].pixels)
    assert.equal(0, core.labelmap(4, 2):boundary(3):measure()[1].pixels)
    assert.is_true(map:smooth(255):classes()[1].pixels > 0)
  end)
end)
