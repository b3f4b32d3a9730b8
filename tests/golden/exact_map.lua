-- A picture of the network's own size goes in unscaled, and its map, through the whole pipeline, is
-- the network's own, byte for byte: exact_map.lua SHARED. Exit code 77 where pictures, golden data
-- or weights cannot be had.

local core = require "lab.core"
local json = require "lab.json"
local lab = require "lab"

local shared = arg[1]
local pictures = {
  bird_513 = "bird_segmentation.bmp",
  cityscapes_513 = "cityscapes_segmentation.bmp",
}

local index = core.read_file(shared .. "/golden/index.json")
if not index then
  print("skipped: there is no golden data in " .. shared)
  os.exit(77, true)
end

local checked = 0
for _, set in ipairs(assert(json.decode(index))) do
  local file = pictures[set.input]
  if file then
    local image, message = lab.open(shared .. "/samples/" .. file)
    local r
    if image then
      r, message = lab.segment(image, { model = set.model })
    end
    if not r then
      print("skipped: " .. message)
      os.exit(77, true)
    end
    assert(r.width == 513 and r.height == 513)
    local digest = core.sha256(r.map:bytes())
    print(set.model, set.input, digest == set.labels_sha256 and "equal" or "DIFFERENT")
    assert(digest == set.labels_sha256, set.file)
    -- output = "model" asks for the same map by name.
    local own = assert(lab.segment(image, { model = set.model, output = "model" }))
    assert(own.map == r.map)
    checked = checked + 1
  end
end
assert(checked >= 3, "only " .. checked .. " sets were checked")
