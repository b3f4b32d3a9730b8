-- What class ids mean: the label sets and colour maps of the datasets that models are trained on.
-- Ids are 0-based data (pixel values, catalog keys); names[1] and colors[1] belong to id 0.
-- tests/lua holds the checksums that the colour maps must have.

local core = require "lab.core"
local words = require "lab.words"

local datasets = {}

---@class lab.Dataset
---@field name string            "pascal"
---@field summary string
---@field names string[]         names[1] is class 0
---@field colors integer[]       0xRRGGBB; may be longer than names
---@field background integer?    the id that stands for "nothing of interest", if there is one

--- Splits "a, b c, d" into its names.
local function split_names(text)
  local names = {}
  for name in text:gmatch "[^,]+" do
    names[#names + 1] = name:match "^%s*(.-)%s*$"
  end
  return names
end

local function split_colors(text)
  local colors = {}
  for hex in text:gmatch "%x+" do
    colors[#colors + 1] = tonumber(hex, 16)
  end
  return colors
end

--- The colour map of the Pascal VOC development kit: the bits of an id, three at a time from the
--- lowest, become the bits of red, green and blue from the highest. Neighbouring ids so get colours
--- far apart, for any number of classes.
---@param count integer
---@return integer[] colors  0xRRGGBB by id + 1
function datasets.bit_colors(count)
  local colors = {}
  for id = 0, count - 1 do
    local rgb = { 0, 0, 0 }
    for triple = 0, 7 do
      for channel = 0, 2 do
        local bit = id >> (3 * triple + channel) & 1
        rgb[channel + 1] = rgb[channel + 1] | bit << (7 - triple)
      end
    end
    colors[id + 1] = rgb[1] << 16 | rgb[2] << 8 | rgb[3]
  end
  return colors
end

local pascal_names = split_names [[
  background, aeroplane, bicycle, bird, boat, bottle, bus, car, cat, chair, cow, dining table,
  dog, horse, motorbike, person, potted plant, sheep, sofa, train, TV
]]

-- The 19 train ids: there is no background.
local cityscapes_names = split_names [[
  road, sidewalk, building, wall, fence, pole, traffic light, traffic sign, vegetation, terrain,
  sky, person, rider, car, truck, bus, train, motorcycle, bicycle
]]
local cityscapes_colors = split_colors [[
  804080 f423e8 464646 66669c be9999 999999 faaa1e dcdc00 6b8e23 98fb98 4682b4 dc143c ff0000
  00008e 000046 003c64 005064 0000e6 770b20
]]

-- The name "screen" stands for three classes and the colour 8c8c8c for two: the dataset's own.
local ade20k_names = split_names [[
  background, wall, building, sky, floor, tree, ceiling, road, bed, windowpane, grass,
  cabinet, sidewalk, person, earth, door, table, mountain, plant, curtain, chair, car, water,
  painting, sofa, shelf, house, sea, mirror, rug, field, armchair, seat, fence, desk, rock,
  wardrobe, lamp, bathtub, railing, cushion, base, box, column, signboard, chest, counter,
  sand, sink, skyscraper, fireplace, refrigerator, grandstand, path, stairs, runway, case,
  pool, pillow, screen, stairway, river, bridge, bookcase, blind, coffee, toilet, flower,
  book, hill, bench, countertop, stove, palm, kitchen, computer, swivel, boat, bar, arcade,
  hovel, bus, towel, light, truck, tower, chandelier, awning, streetlight, booth, television,
  airplane, dirt, apparel, pole, land, bannister, escalator, ottoman, bottle, buffet, poster,
  stage, van, ship, fountain, conveyer, canopy, washer, plaything, swimming, stool, barrel,
  basket, waterfall, tent, bag, minibike, cradle, oven, ball, food, step, tank, trade,
  microwave, pot, animal, bicycle, lake, dishwasher, screen, blanket, sculpture, hood, sconce,
  vase, traffic, tray, ashcan, fan, pier, screen, plate, monitor, bulletin, shower, radiator,
  glass, clock, flag
]]
local ade20k_colors = split_colors [[
  000000 787878 b47878 06e6e6 503232 04c803 787850 8c8c8c cc05ff e6e6e6 04fa07 e005ff ebff07
  96053d 787846 08ff33 ff0652 8fff8c ccff04 ff3307 cc4603 0066c8 3de6fa ff0633 0b66ff ff0747
  ff09e0 0907e6 dcdcdc ff095c 7009ff 08ffd6 07ffe0 ffb806 0aff47 ff290a 07ffff e0ff08 6608ff
  ff3d06 ffc207 ff7a08 00ff14 ff0829 ff0599 0633ff eb0cff a09614 00a3ff 8c8c8c fa0a0f 14ff00
  1fff00 ff1f00 ffe000 99ff00 0000ff ff4700 00ebff 00adff 1f00ff 0bc8c8 ff5200 00fff5 003dff
  00ff70 00ff85 ff0000 ffa300 ff6600 c2ff00 008fff 33ff00 0052ff 00ff29 00ffad 0a00ff adff00
  00ff99 ff5c00 ff00ff ff00f5 ff0066 ffad00 ff0014 ffb8b8 001fff 00ff3d 0047ff ff00cc 00ffc2
  00ff52 000aff 0070ff 3300ff 00c2ff 007aff 00ffa3 ff9900 00ff0a ff7000 8fff00 5200ff a3ff00
  ffeb00 08b8aa 8500ff 00ff5c b800ff ff001f 00b8ff 00d6ff ff0070 5cff00 00e0ff 70e0ff 46b8a0
  a300ff 9900ff 47ff00 ff00a3 ffcc00 ff008f 00ffeb 85ff00 ff00eb f500ff ff007a fff500 0abed4
  d6ff00 00ccff 1400ff ffff00 0099ff 0029ff 00ffcc 2900ff 29ff00 ad00ff 00f5ff 4700ff 7a00ff
  00ffb8 005cff b8ff00 0085ff ffd600 19c2c2 66ff00 5c00ff
]]

--- "other" and the first 31 classes: what networks with 32 channels know of ADE20K.
local function first_classes(names, colors, count, other)
  local some_names, some_colors = { other }, { colors[1] }
  for i = 2, count do
    some_names[i], some_colors[i] = names[i], colors[i]
  end
  return some_names, some_colors
end
local ade32_names, ade32_colors = first_classes(ade20k_names, ade20k_colors, 32, "other")

---@type table<string, lab.Dataset>
local known = {
  pascal = {
    summary = "Pascal VOC 2012: 20 kinds of things and the background",
    names = pascal_names, colors = datasets.bit_colors(256), background = 0,
  },
  cityscapes = {
    summary = "Cityscapes: 19 kinds of things in streets, by train id",
    names = cityscapes_names, colors = cityscapes_colors,
  },
  ade20k = {
    summary = "ADE20K scene parsing: 150 kinds of things and the background",
    names = ade20k_names, colors = ade20k_colors, background = 0,
  },
  ["ade20k-32"] = {
    summary = "ADE20K in 32 classes: other, and the first 31 of the 150",
    names = ade32_names, colors = ade32_colors, background = 0,
  },
  person = {
    summary = "a person, and everything else",
    names = { "background", "person" }, colors = { 0x000000, 0xc08080 }, background = 0,
  },
}
for name, dataset in pairs(known) do
  dataset.name = name
end

--- The names of the datasets, sorted.
---@return string[]
function datasets.list()
  local names = {}
  for name in pairs(known) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

--- A dataset by name.
---@param name string
---@return lab.Dataset? dataset
---@return string? message
---@return string? code
function datasets.get(name)
  local dataset = known[name]
  if dataset then
    return dataset
  end
  return nil, words.unknown("dataset", name, datasets.list()), "NOT_FOUND"
end

local sets = {}

--- The label set that label maps of this dataset carry. One set a dataset is made and shared.
---@param name string
---@return lab.Labels? labels
---@return string? message
---@return string? code
function datasets.labels(name)
  local dataset, message, code = datasets.get(name)
  if not dataset then
    return nil, message, code
  end
  if not sets[name] then
    sets[name] = datasets.make(name, dataset.names, dataset.colors)
  end
  return sets[name]
end

--- A label set of one's own. Colours that are missing come from the Pascal formula.
---@param name string
---@param names string[]      names[1] is class 0
---@param colors? integer[]   0xRRGGBB
---@return lab.Labels
function datasets.make(name, names, colors)
  local formula = datasets.bit_colors(#names)
  local own = {}
  for i = 1, #names do
    own[i] = colors and colors[i] or formula[i]
  end
  return core.labels { name = name, names = names, colors = own }
end

--- "class 0", "class 1", …: for networks of which nothing is known.
---@param count integer
---@return lab.Labels
function datasets.numbered(count)
  local names = {}
  for id = 0, count - 1 do
    names[id + 1] = "class " .. id
  end
  return datasets.make("classes", names)
end

--- Reads a label file: one name a line in order of ids, optionally followed by a tab or comma and a
--- colour "#rrggbb". Empty lines and lines that start with # are skipped.
---@param path string
---@return lab.Labels? labels
---@return string? message
---@return string? code
function datasets.read(path)
  local text, message, code = core.read_file(path, 1 << 20)
  if not text then
    return nil, message, code
  end
  local names, colors = {}, {}
  for line in (text:gsub("\r\n", "\n") .. "\n"):gmatch "([^\n]*)\n" do
    local trimmed = line:match "^%s*(.-)%s*$"
    if trimmed ~= "" and trimmed:sub(1, 1) ~= "#" then
      local name, color = trimmed:match "^(.-)%s*[\t,]%s*#(%x%x%x%x%x%x)$"
      names[#names + 1] = name or trimmed
      colors[#names] = color and tonumber(color, 16)
    end
  end
  if #names == 0 then
    return nil, path .. ": no label in it; one name a line is expected", "FORMAT"
  end
  return datasets.make(path:match "([^/]*)$", names, colors)
end

return datasets
