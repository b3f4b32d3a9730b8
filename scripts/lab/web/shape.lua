-- What a result looks like in JSON, fresh from the network or out of the catalog.

local html = require "lab.html"
local json = require "lab.json"
local paths = require "lab.paths"

local shape = {}

--- The name of a picture: the last part of its path, in UTF-8.
---@param path string
---@return string
function shape.name(path)
  return html.valid(paths.name(path) or path)
end

local row_order = { "id", "name", "color", "pixels", "fraction", "box" }

--- The classes of a picture in their order, the largest first.
---@param legend lab.LegendRow[]
---@return table
function shape.legend(legend)
  local rows = {}
  for i, row in ipairs(legend) do
    rows[i] = json.ordered(row_order, { id = row.id, name = html.valid(row.name),
      color = json.list { table.unpack(row.color) }, pixels = row.pixels, fraction = row.fraction,
      box = json.list { table.unpack(row.box) } })
  end
  return json.list(rows)
end

--- DeepLab's prediction object without its pixels, which the map has.
local function prediction(r)
  local legend, order = {}, {}
  for _, row in ipairs(r.legend) do
    local name = html.valid(row.name)
    if not legend[name] then
      order[#order + 1] = name
    end
    legend[name] = json.list { table.unpack(row.color) }
  end
  return json.ordered({ "legend", "height", "width" }, { legend = json.ordered(order, legend),
    height = r.height, width = r.width })
end

-- Base64 of 30 bytes at a time, kept: the rows of a map are long runs of few classes, so most
-- groups have been seen before and cost one look-up.
local GROUP = 30
local MAX_GROUPS = 1 << 16
local pattern = ("."):rep(GROUP)

--- The bytes of a map in base64.
---@param bytes string
---@return string
function shape.base64(bytes)
  local count = 0
  local groups = setmetatable({}, { __index = function(self, group)
    local text = html.base64(group)
    count = count + 1
    if count < MAX_GROUPS then
      rawset(self, group, text)
    end
    return text
  end })
  local whole = #bytes - #bytes % GROUP
  return bytes:sub(1, whole):gsub(pattern, groups) .. html.base64(bytes:sub(whole + 1))
end

local function number(milliseconds)
  return tonumber(("%.3f"):format(milliseconds))
end

--- Milliseconds in the order they were spent.
---@param timings table
---@return table
function shape.timings(timings)
  local order, object = {}, {}
  for i, name in ipairs(timings) do
    order[i] = name
    object[name] = number(timings[name])
  end
  return json.ordered(order, object)
end

--- A result.
---@param r lab.Result
---@param options { id: integer?, created: string?, photo: boolean?, timings: table,
---                 data: boolean? }  photo: whether it is still there; data: the map, in base64
---@return table
function shape.result(r, options)
  local null = json.null
  local data = options.data and json.raw('"' .. shape.base64(r.map:bytes()) .. '"')
  local map = json.ordered({ "width", "height", "type", "url", "data" }, { width = r.width,
    height = r.height, type = r.map:dtype(), data = data or null,
    url = options.id and ("/api/results/%d/map"):format(options.id) or null })
  return json.ordered({ "id", "name", "model", "dataset", "width", "height", "created", "photo",
    "legend", "prediction", "map", "timings" }, {
    id = options.id or null, name = shape.name(r.path), model = html.valid(r.model.name),
    dataset = r.map:labels() and html.valid(r.map:labels():name()) or null,
    width = r.width, height = r.height, created = options.created, photo = options.photo,
    legend = shape.legend(r.legend), prediction = prediction(r), map = map,
    timings = shape.timings(options.timings),
  })
end

return shape
