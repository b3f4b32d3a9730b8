-- Masks as polygons and COCO's run lengths, and what the exports make of hostile names.

require "busted.runner"()

local coco = require "lab.coco"
local core = require "lab.core"
local exports = require "lab.exports"
local json = require "lab.json"
local polygons = require "lab.polygons"
require "lab"

local W, H = 31, 22

--- A mask of random blobs: many holes, specks, and regions that touch at corners.
local function random_mask(seed, share)
  math.randomseed(seed)
  local bytes = {}
  for i = 1, W * H do
    bytes[i] = math.random() < share and "\255" or "\0"
  end
  return core.mask(W, H, table.concat(bytes))
end

--- Whether the centre of a pixel is in rings drawn with the even-odd rule.
local function even_odd(rings, x, y)
  local inside = false
  for _, ring in ipairs(rings) do
    for i = 1, #ring, 2 do
      local j = i + 2 <= #ring and i + 2 or 1
      local x1, y1, x2, y2 = ring[i], ring[i + 1], ring[j], ring[j + 1]
      if (y1 > y) ~= (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1) then
        inside = not inside
      end
    end
  end
  return inside
end

local function same_pixels(mask, rings)
  local bytes = mask:bytes()
  for y = 0, H - 1 do
    for x = 0, W - 1 do
      assert.equal(bytes:byte(y * W + x + 1) >= 128, even_odd(rings, x + 0.5, y + 0.5),
        ("pixel %d, %d"):format(x, y))
    end
  end
end

local function area(ring)
  local sum = 0
  for i = 1, #ring, 2 do
    local j = i + 2 <= #ring and i + 2 or 1
    sum = sum + ring[i] * ring[j + 1] - ring[j] * ring[i + 1]
  end
  return sum / 2
end

describe("polygons", function()
  it("cover the mask, each hole in its polygon, no ring touching itself", function()
    for seed = 1, 12 do
      local mask = random_mask(seed, 0.35 + 0.05 * seed)
      local list = assert(polygons.of(mask))
      local rings = {}
      for _, polygon in ipairs(list) do
        local pixels = area(polygon.outer)
        assert.equal(polygon.pixels, pixels)
        rings[#rings + 1] = polygon.outer
        for _, hole in ipairs(polygon.holes) do
          assert.is_true(area(hole) < 0)
          rings[#rings + 1] = hole
        end
      end
      same_pixels(mask, rings)
      for _, ring in ipairs(rings) do
        local seen = {}
        for i = 1, #ring, 2 do
          local key = ring[i] .. "," .. ring[i + 1]
          assert.is_nil(seen[key])
          seen[key] = true
        end
      end
      local borders = assert(mask:outline { connectivity = "4" })
      assert.is_true(#rings >= #borders) -- every hole found its polygon
    end
  end)

  it("without holes cover the same", function()
    for seed = 1, 12 do
      local mask = random_mask(seed, 0.35 + 0.05 * seed)
      local rings, pixels = {}, 0
      for _, polygon in ipairs(assert(polygons.of(mask))) do
        local ring = polygons.keyhole(polygon)
        pixels = pixels + area(ring)
        rings[#rings + 1] = ring
      end
      same_pixels(mask, rings)
      assert.equal(mask:rle()[1].pixels, pixels)
    end
  end)

  it("become simpler with a tolerance, and none is lost", function()
    local mask = core.mask(W, H, (("\0"):rep(5) .. ("\255"):rep(20) .. ("\0"):rep(6)):rep(H))
    local exact, simple = assert(polygons.of(mask)), assert(polygons.of(mask, 2))
    assert.same(exact[1].outer, simple[1].outer)
    for seed = 1, 5 do
      mask = random_mask(seed, 0.6)
      local list = assert(polygons.of(mask, 1.5))
      assert.equal(#mask:outline { connectivity = "4" }, (function()
        local n = #list
        for _, polygon in ipairs(list) do
          n = n + #polygon.holes
        end
        return n
      end)())
      for _, polygon in ipairs(list) do
        assert.is_true(#polygons.keyhole(polygon) >= 6)
      end
    end
  end)
end)

--- The run lengths of COCO's text, read by its own rules.
local function read_rle(text)
  local counts, at = {}, 1
  while at <= #text do
    local x, shift, digit = 0, 0, 32
    while digit & 32 ~= 0 do
      digit = text:byte(at) - 48
      x, shift, at = x | (digit & 31) << shift, shift + 5, at + 1
    end
    if digit & 16 ~= 0 then
      x = x | -1 << shift
    end
    if #counts > 2 then
      x = x + counts[#counts - 1]
    end
    counts[#counts + 1] = x
  end
  return counts
end

describe("coco", function()
  it("writes run lengths as its tools do", function()
    assert.equal("61X13mN000`0", coco.rle_text { 6, 1, 40, 4, 5, 4, 5, 4, 21 })
    assert.equal("52203", coco.rle_text { 5, 2, 2, 2, 5 })
    assert.equal("e75S10000000ST1", coco.rle_text { 245, 5, 35, 5, 35, 5, 35, 5, 35, 5, 1190 })
    assert.equal("0", coco.rle_text { 0 })
    math.randomseed(7)
    for _ = 1, 200 do
      local counts = {}
      for i = 1, math.random(1, 40) do
        counts[i] = math.random(0, 1) == 0 and math.random(0, 50) or math.random(0, 2147483647)
      end
      assert.same(counts, read_rle(coco.rle_text(counts)))
    end
  end)
end)

describe("names", function()
  local nasty = 'a"b,c\n<script>alert(1)</script>&\'\\ \1'
  local path = "/x/" .. nasty .. "\xff.jpg" -- labels are UTF-8, paths need not be
  local labels = core.labels { name = "set<\"", names = { "back,ground", nasty },
    colors = { 0x000000, 0xff8000 } }
  local map = core.labelmap(4, 3, "\0\0\0\0\0\1\1\0\0\1\0\0", labels)

  local function exported(id)
    return { id = id or 1, path = path, model = nasty, labels = "set", map = map,
      classes = map:legend {} }
  end

  it("stay data in JSON", function()
    for _, shape in ipairs { "rle", "counts", "polygon" } do
      local writer = exports.formats.coco.new { shape = shape, tolerance = 0 }
      assert.is_true(writer:add(exported(1)))
      assert.is_true(writer:add(exported(2)))
      local text = writer:finish()
      assert.is_truthy(utf8.len(text))
      local data = assert(json.decode(text))
      assert.equal(2, #data.images)
      assert.equal(4, #data.annotations)
      assert.equal("/x/" .. nasty .. "\u{FFFD}.jpg", data.images[1].file_name)
      assert.equal("back,ground", data.categories[1].name)
      assert.equal(nasty, data.categories[2].name)
      local a = data.annotations[2]
      assert.same({ 2, 1, 1 }, { a.id, a.image_id, a.category_id })
      assert.same({ 1, 1, 2, 2 }, { table.unpack(a.bbox) })
      assert.equal(3, a.area)
      if shape == "counts" then
        assert.same({ 3, 4 }, { table.unpack(a.segmentation.size) })
        assert.same({ 4, 2, 1, 1, 4 }, { table.unpack(a.segmentation.counts) })
      end
    end
    local geo = assert(json.decode(exports.formats.geojson.make(exported(), { tolerance = 0 })))
    assert.equal(nasty, geo.features[2].properties.label)
    local tasks = exports.formats.labelstudio.new { tolerance = 0 }
    assert.is_true(tasks:add(exported()))
    local list = assert(json.decode(tasks:finish()))
    assert.equal(nasty, list[1].predictions[1].result[2].value.polygonlabels[1])
  end)

  it("stay data in CSV and SVG", function()
    local csv = exports.formats.csv.new()
    assert.is_true(csv:add(exported()))
    local text = csv:finish()
    assert.is_truthy(text:find('"back,ground"', 1, true))
    local svg = exports.formats.svg.make(exported(), { tolerance = 0 })
    assert.is_nil(svg:find("<script", 1, true))
    assert.is_truthy(svg:find("&lt;script&gt;", 1, true))
    assert.is_truthy(utf8.len(svg))
    assert.is_nil(svg:find "[\0-\8\11\12\14-\31]")
  end)

  it("of two label sets do not mix", function()
    local writer = exports.formats.coco.new { shape = "rle" }
    assert.is_true(writer:add(exported()))
    local other = exported(2)
    other.labels = "other"
    local ok, message = writer:add(other)
    assert.is_nil(ok)
    assert.is_truthy(message:find("two label sets", 1, true))
  end)
end)
