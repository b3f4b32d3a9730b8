-- Label maps as COCO annotations: categories are the classes, an annotation is what one class
-- covers in one picture, as run lengths or as polygons.

local json = require "lab.json"
local polygons = require "lab.polygons"

local coco = {}

--- Run lengths as the text that COCO's tools read. From the fourth on a length is written as the
--- difference to the one two before it; each number in digits of 5 bits with sign, lowest first, 32
--- added where more follow, as characters from "0" on.
---@param counts integer[]
---@return string
function coco.rle_text(counts)
  local bytes = {}
  for i, count in ipairs(counts) do
    local x = i > 3 and count - counts[i - 2] or count
    repeat
      local digit = x & 31
      x = x // 32 -- rounds down: the sign stays
      local more = (digit & 16 ~= 0 and x ~= -1) or (digit & 16 == 0 and x ~= 0)
      bytes[#bytes + 1] = string.char(48 + digit + (more and 32 or 0))
    until not more
  end
  return table.concat(bytes)
end

local function run_lengths(mask, as_text)
  local rows, message, code = mask:rle()
  if not rows then
    return nil, message, code
  end
  local rle = rows[1]
  return json.ordered({ "size", "counts" }, {
    size = json.list { rle.height, rle.width },
    counts = as_text and coco.rle_text(rle.counts) or json.list(rle.counts),
  })
end

local function rings(mask, tolerance)
  local list, message, code = polygons.of(mask, tolerance)
  if not list then
    return nil, message, code
  end
  local result = {}
  for i, polygon in ipairs(list) do
    result[i] = json.list(polygons.keyhole(polygon))
  end
  return json.list(result)
end

local annotation_order = { "id", "image_id", "category_id", "segmentation", "area", "bbox",
  "iscrowd" }

--- The annotation of a class.
---@param class lab.LegendRow
---@param mask lab.Mask
---@param options table  shape: "rle" (text), "counts" (numbers) or "polygon"; tolerance
---@param id integer
---@param image integer
---@return table? annotation
---@return string? message
---@return string? code
function coco.annotation(class, mask, options, id, image)
  local segmentation, message, code
  if options.shape == "polygon" then
    segmentation, message, code = rings(mask, options.tolerance)
  else
    segmentation, message, code = run_lengths(mask, options.shape == "rle")
  end
  if not segmentation then
    return nil, message, code
  end
  return json.ordered(annotation_order, { id = id, image_id = image, category_id = class.id,
    segmentation = segmentation, area = class.pixels, bbox = json.list(class.box), iscrowd = 0 })
end

return coco
