-- Tensors, pictures, label maps and masks as Lua values.

require "busted.runner"()

local core = require "lab.core"
local support = require "support"
local raises, fails = support.raises, support.fails

describe("constructors", function()
  it("make zeros without bytes", function()
    assert.equal(("\0"):rep(24), core.image(4, 2, 3):bytes())
    assert.equal(("\0"):rep(8), core.mask(4, 2):bytes())
    assert.equal(("\0"):rep(8), core.labelmap(4, 2):bytes())
    assert.equal(("\0"):rep(24), core.tensor { dtype = "f32", shape = { 3, 2 } }:bytes())
  end)

  it("keep the bytes they are given", function()
    assert.equal("abcdef", core.image(2, 1, 3, "abcdef"):bytes())
    assert.equal("ab", core.mask(2, 1, "ab"):bytes())
    assert.equal("u8", core.labelmap(2, 1, "ab"):dtype())
    assert.equal("u16", core.labelmap(2, 1, "abcd"):dtype())
    local t = core.tensor { dtype = "i16", shape = { 2 }, data = "\1\0\255\255" }
    assert.same({ 1, -1 }, { t:get(1), t:get(2) })
  end)

  it("refuse wrong sizes", function()
    raises("width must be 1..65535, got 0", core.image, 0, 1, 3)
    raises("height must be 1..65535, got 65536", core.mask, 1, 65536)
    raises("channels must be 1, 3 or 4", core.image, 1, 1, 2)
    raises("channels must be 1..4, got 5", core.image, 1, 1, 5)
    raises("core.image: expected 6 bytes, got 5", core.image, 2, 1, 3, "abcde")
    raises("core.mask: expected 2 bytes, got 3", core.mask, 2, 1, "abc")
    raises("core.labelmap: expected 2 bytes (or twice that), got 3", core.labelmap, 2, 1, "abc")
    raises("number expected, got no value", core.image)
    raises("number expected, got table", core.mask, {}, 1)
  end)

  it("refuse wrong tensors", function()
    raises("table expected", core.tensor)
    raises("dtype is missing", core.tensor, { shape = { 1 } })
    raises("dtype must be u8, i8, u16, i16, i32, i64, f16 or f32, got 'f64'", core.tensor,
      { dtype = "f64", shape = { 1 } })
    raises("shape must be a list", core.tensor, { dtype = "u8" })
    raises("shape[2] must be 1..2147483647, got 0", core.tensor, { dtype = "u8", shape = { 1, 0 } })
    raises("shape[1] must be 1..2147483647, got x", core.tensor, { dtype = "u8", shape = { "x" } })
    raises("shape has 6 dimensions", core.tensor, { dtype = "u8", shape = { 1, 1, 1, 1, 1, 1 } })
    raises("core.tensor: expected 4 bytes, got 3", core.tensor,
      { dtype = "f32", shape = { 1 }, data = "abc" })
    raises('core.tensor: unknown option "shap"; did you mean "shape"?', core.tensor,
      { dtype = "u8", shap = { 1 } })
    raises("options have names, got a number as a key", core.tensor, { "u8" })
  end)

  it("refuse what is too large, before allocating it", function()
    local big = { 65536, 65536, 16 }
    fails("LIMIT", "65536", core.tensor { dtype = "f32", shape = big })
  end)
end)

describe("a value", function()
  it("tells what it is", function()
    local img = support.picture(3, 2, 4)
    assert.same({ "image", "u8", 3, 2, 4, 24 },
      { img:kind(), img:dtype(), img:width(), img:height(), img:channels(), #img })
    assert.same({ 2, 3, 4 }, img:shape())
    local map = support.map(5, 4)
    assert.same({ "labelmap", 5, 4, 1, 20 },
      { map:kind(), map:width(), map:height(), map:channels(), #map })
    assert.is_nil(map:labels())
    assert.is_nil((img:quant()))
    assert.equal("image 3x2x4 u8", tostring(img))
    assert.is_truthy(tostring(support.map(2, 2, support.labels())):find("pets", 1, true))
  end)

  it("gives single elements", function()
    local img = support.picture(3, 2, 3)
    assert.same({ 7, 14, 21 }, { img:at(0, 0) })
    assert.same({ img:bytes():byte(-3, -1) }, { img:at(2, 1) })
    assert.same({}, { img:at(3, 0) })
    assert.same({}, { img:at(0, -1) })
    assert.equal(7, img:get(1))
    assert.same({}, { img:get(0) })
    assert.same({}, { img:get(19) })
    assert.equal(2, core.labelmap(2, 1, "\1\0\2\0"):at(1, 0))
    raises("number has no integer representation", img.at, img, 0.5, 0)
    raises("number expected, got string", img.get, img, "x")
    assert.equal(select(2, img:at(1, 1)), img:get(2, 2, 2))
    raises("one position or 3 are expected", img.get, img, 1, 2)
  end)

  it("gives elements of every dtype", function()
    local cases = {
      { "u8", "\255", 255 }, { "i8", "\255", -1 }, { "u16", "\1\255", 0xff01 },
      { "i16", "\0\128", -32768 }, { "i32", "\254\255\255\255", -2 },
      { "i64", "\253\255\255\255\255\255\255\255", -3 }, { "f16", "\0\192", -2.0 },
      { "f32", string.pack("<f", 0.5), 0.5 },
    }
    for _, case in ipairs(cases) do
      local t = core.tensor { dtype = case[1], shape = { 1 }, data = case[2] }
      assert.equal(case[3], t:get(1))
    end
  end)

  it("has no methods of other kinds", function()
    local t = core.tensor { dtype = "u8", shape = { 2 } }
    raises('lab.Tensor has no method "width"', function() return t:width() end)
    raises('lab.Image has no method "widht"; did you mean "width"?', function()
      return core.image(1, 1, 1):widht()
    end)
    assert.is_nil(t[3])
    assert.is_nil(core.mask(2, 2)[1])
  end)

  it("is checked as the first argument", function()
    local img = core.image(1, 1, 1)
    raises("tensor, image, labelmap or mask expected, got number", img.bytes, 5)
    raises("tensor, image, labelmap or mask expected, got FILE*", img.bytes, io.stdout)
    raises("image, labelmap or mask expected", img.width,
      core.tensor { dtype = "u8", shape = { 1 } })
    raises("lab.LabelMap expected, got lab.Image", core.methods.labelmap.with_labels, img)
  end)

  it("equals another with the same bytes", function()
    local a, b = support.picture(4, 3, 3), support.picture(4, 3, 3)
    assert.is_true(a == b)
    assert.is_false(a == support.picture(3, 4, 3))
    assert.is_false(a == core.image(4, 3, 3))
    assert.is_false(core.mask(2, 2) == core.labelmap(2, 2))
    assert.is_false(a == 5)
    b:close()
    assert.is_false(a == b)
    assert.is_true(b == b)
  end)

  it("hides its metatable", function()
    assert.is_false(getmetatable(core.image(1, 1, 1)))
    assert.has_error(function() setmetatable(core.image(1, 1, 1), {}) end)
  end)

  it("cannot be assigned to", function()
    assert.has_error(function() core.image(1, 1, 1).name = "x" end)
  end)

  it("takes methods from the library", function()
    core.methods.image.spec_twice = function(img) return img:width() * 2 end
    assert.equal(6, core.image(3, 1, 1):spec_twice())
    core.methods.image.spec_twice = nil
    raises("spec_twice", function() return core.image(3, 1, 1):spec_twice() end)
  end)
end)

describe("views", function()
  it("share the data under another kind", function()
    local t = core.tensor { dtype = "u8", shape = { 2, 3 }, data = "abcdef" }
    local mask, map = t:as "mask", t:as "labelmap"
    t:close()
    assert.equal("abcdef", mask:bytes())
    assert.same({ "mask", "labelmap", 3 }, { mask:kind(), map:kind(), map:width() })
    raises("invalid option 'picture'", mask.as, mask, "picture")
  end)

  it("are refused where the kind does not fit", function()
    local t = core.tensor { dtype = "f32", shape = { 2, 2 } }
    assert.has_error(function() return t:as "mask" end)
    assert.has_error(function() return core.mask(2, 2):as "image" end)
  end)

  it("carry another label set", function()
    local labels = support.labels()
    local map = support.map(3, 1)
    local named = map:with_labels(labels)
    labels:close()
    assert.is_nil(map:labels())
    assert.equal("dog", named:labels():label(2))
    assert.is_nil(named:with_labels(nil):labels())
    assert.is_true(named == map)
    raises("lab.Labels expected, got string", map.with_labels, map, "pets")
    raises("attempt to use a closed label set", map.with_labels, map, labels)
  end)
end)

describe("closing", function()
  it("can be done again and by <close>", function()
    local img = core.image(2, 2, 3)
    img:close()
    img:close()
    assert.equal("image (closed)", tostring(img))
    local kept
    do
      local mask <close> = core.mask(2, 2)
      kept = mask
    end
    assert.equal("mask (closed)", tostring(kept))
  end)

  it("ends every use with a sentence", function()
    local closed = { image = core.image(2, 2, 3), labelmap = core.labelmap(2, 2),
      mask = core.mask(2, 2), tensor = core.tensor { dtype = "u8", shape = { 2 } } }
    for kind, value in pairs(closed) do
      value:close()
      for name, method in pairs(core.methods[kind]) do
        if name ~= "close" then
          raises("attempt to use a closed " .. kind, method, value,
            name == "as" and "tensor" or 1, 1)
        end
      end
      raises("attempt to use a closed " .. kind, function() return #value end)
    end
    raises("attempt to use a closed image", function()
      return closed.image:resize { width = 1, height = 1 }
    end)
  end)

  it("gives the memory back", function()
    collectgarbage()
    collectgarbage()
    local before = core.memory()
    local img = core.image(1000, 1000, 3)
    assert.equal(before + 3000000, core.memory())
    img:close()
    assert.equal(before, core.memory())
    for _ = 1, 10 do
      core.mask(100, 100)
    end
    collectgarbage()
    collectgarbage()
    assert.equal(before, core.memory())
  end)

  it("does not happen twice when the collector comes", function()
    for _ = 1, 100 do
      local img = core.image(8, 8, 3)
      img:close()
    end
    collectgarbage()
    assert.is_true(core.memory() >= 0)
  end)
end)
