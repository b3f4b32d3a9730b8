-- A result as a picture: its map, an overlay, a mask, a cut-out, or a small view of it.

local core = require "lab.core"
local flight = require "lab.flight"
local model = require "lab.model"
local picture = require "lab.picture"

local pictures = {}

--- What there is. "map" is an indexed PNG whose pixels are the class ids.
pictures.kinds = { "map", "overlay", "mask", "cutout", "thumbnail" }

local SMALL = 192 -- pixels of a thumbnail's longer side

---@class lab.WebPictureOptions
---@field classes integer[]?   nil: everything but the background
---@field opacity number?      of an overlay
---@field background string?   a colour behind a cut-out

--- The class ids that a list with commas means, by id or name; nil alone for no list.
---@param labels lab.Labels
---@param text string?
---@return integer[]? ids
---@return string? message
function pictures.read_classes(labels, text)
  if not text or text == "" then
    return nil
  end
  local list = {}
  for word in text:gmatch "[^,]+" do
    local name = word:match "^%s*(.-)%s*$"
    list[#list + 1] = name:find "^%d+$" and math.tointeger(tonumber(name)) or name
  end
  return model.label_ids(labels, list)
end

--- Whether a text is a colour, by the operator that will take it.
---@param text string
---@return boolean
function pictures.is_color(text)
  return (pcall(function() return assert(core.image(1, 1, 4):composite { color = text }) end))
end

local draw = {}

function draw.map(r)
  return r.map
end

--- The picture in colour, or why it cannot be had.
local function photo(r)
  local image = r.image
  if not image then
    return nil, table.unpack(r.image_missing)
  end
  return picture.rgb(image)
end

function draw.overlay(r, options)
  if not options.classes then
    return r:overlay { alpha = options.opacity }
  end
  local image, message, code = photo(r)
  local mask, colors
  if image then
    mask, message, code = r.map:mask { include = options.classes }
  end
  if mask then
    colors, message, code = r.map:colorize {}
  end
  if not colors then
    return nil, message, code
  end
  return image:blend { with = colors, alpha = options.opacity or 0.6, mask = mask }
end

function draw.mask(r, options)
  return r:mask(options.classes)
end

function draw.cutout(r, options)
  -- The background is a colour, never a path that a client names: not left to r:cutout.
  local image, message, code = r:cutout(options.classes)
  if not image or not options.background or options.background == "transparent" then
    return image, message, code
  end
  return image:composite { color = options.background }
end

--- The map over the picture where that is to be had, else the map in its colours; both small.
function draw.thumbnail(r)
  local scale = math.min(1, SMALL / math.max(r.width, r.height))
  local width = math.max(1, math.floor(r.width * scale + 0.5))
  local height = math.max(1, math.floor(r.height * scale + 0.5))
  local map, message, code = r.map:resize { width = width, height = height }
  local colors
  if map then
    colors, message, code = map:colorize {}
  end
  local image = colors and photo(r)
  if not image then
    return colors, message, code
  end
  local small
  small, message, code = image:resize { width = width, height = height, method = "area" }
  local mask
  if small and r.model.background then
    mask, message, code = map:mask { exclude = { r.model.background } }
    small = mask and small
  end
  if not small then
    return nil, message, code
  end
  return small:blend { with = colors, alpha = 0.6, mask = mask }
end

--- Draws a picture of a result, as PNG, which a thread makes while others go on.
---@param r lab.Result
---@param kind string
---@param options lab.WebPictureOptions
---@return string? png
---@return string? message
---@return string? code
function pictures.png(r, kind, options)
  local value, message, code = draw[kind](r, options)
  if not value then
    return nil, message, code
  end
  return flight.await(core.encode(value))
end

return pictures
