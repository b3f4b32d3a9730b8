-- Results of the catalog in the formats of other tools. A format either makes one file of all
-- results (coco, csv, labelstudio) or one for each (png, geojson, svg).
--
-- An exported result is {id, path, model, sha256, labels, map, classes}: classes are the rows of
-- map:legend that were asked for.

local coco = require "lab.coco"
local json = require "lab.json"
local polygons = require "lab.polygons"
local svg = require "lab.svg"
local tables = require "lab.tables"

local exports = {}

---@class lab.Exported
---@field id integer
---@field path string
---@field model string
---@field labels string
---@field map lab.LabelMap
---@field classes lab.LegendRow[]

--- Text for JSON, which is UTF-8: bytes that are none become U+FFFD.
local function text(value)
  if value and not utf8.len(value) then
    return (value:gsub("[\x80-\xff]", "\u{FFFD}"))
  end
  return value
end

--- Calls make(class, mask) for each class. What it gives is a list.
local function each_class(r, make)
  local list = {}
  for _, class in ipairs(r.classes) do
    local mask, message, code = r.map:mask { include = { class.id } }
    local made
    if mask then
      made, message, code = make(class, mask)
      mask:close()
    end
    if not made then
      return nil, message, code
    end
    list[#list + 1] = made
  end
  return list
end

-- ---- coco ----

local Coco = { ending = "json", one_file = true }

function Coco.new(options)
  return setmetatable({ options = options, images = {}, annotations = {}, categories = {},
    known = {} }, { __index = Coco })
end

function Coco:add(r)
  if self.labels and self.labels ~= r.labels then
    return nil, ("the results are of two label sets, '%s' and '%s', whose class ids would mix: "
      .. "export them one by one (--model)"):format(self.labels, r.labels), "INVALID"
  end
  self.labels = r.labels
  local list, message, code = each_class(r, function(class, mask)
    if not self.known[class.id] then
      self.known[class.id] = true
      self.categories[#self.categories + 1] = json.ordered({ "id", "name", "supercategory" },
        { id = class.id, name = text(class.name), supercategory = text(r.labels) })
    end
    self.next_id = (self.next_id or 0) + 1
    return coco.annotation(class, mask, self.options, self.next_id, r.id)
  end)
  if not list then
    return nil, message, code
  end
  table.move(list, 1, #list, #self.annotations + 1, self.annotations)
  self.images[#self.images + 1] = json.ordered({ "id", "width", "height", "file_name" },
    { id = r.id, width = r.map:width(), height = r.map:height(), file_name = text(r.path) })
  return true
end

--- One annotation a line: tools that compare lines can compare such files.
function Coco:finish()
  table.sort(self.categories, function(a, b) return a.id < b.id end)
  local function lines(list)
    local encoded = {}
    for i, object in ipairs(list) do
      encoded[i] = json.encode(object)
    end
    return "[\n" .. table.concat(encoded, ",\n") .. "\n]"
  end
  return ('{"info":{"description":"lualab export"},"licenses":[],\n"images":%s,\n"annotations":%s'
    .. ',\n"categories":%s}\n'):format(lines(self.images), lines(self.annotations),
    lines(self.categories))
end

-- ---- csv ----

local Csv = { ending = "csv", one_file = true }

local csv_columns = { "result", "path", "model", "class_id", "label", "color", "pixels", "fraction",
  "x", "y", "width", "height", "centroid_x", "centroid_y" }

function Csv.new()
  return setmetatable({ rows = {} }, { __index = Csv })
end

function Csv:add(r)
  for _, class in ipairs(r.classes) do
    local x, y, width, height = table.unpack(class.box)
    self.rows[#self.rows + 1] = { r.id, r.path, r.model, class.id, class.name,
      svg.color(class.color), class.pixels, class.fraction, x, y, width, height, class.centroid_x,
      class.centroid_y }
  end
  return true
end

function Csv:finish()
  return tables.csv(csv_columns, self.rows)
end

-- ---- labelstudio ----

local LabelStudio = { ending = "json", one_file = true }

function LabelStudio.new(options)
  return setmetatable({ options = options, tasks = {} }, { __index = LabelStudio })
end

--- A ring's points in percent of the picture's sides.
local function percent_points(ring, width, height)
  local points = {}
  for i = 1, #ring, 2 do
    points[#points + 1] = json.list { 100 * ring[i] / width, 100 * ring[i + 1] / height }
  end
  return json.list(points)
end

local function region(class, ring, r, id)
  local width, height = r.map:width(), r.map:height()
  return json.ordered({ "id", "type", "from_name", "to_name", "original_width", "original_height",
    "image_rotation", "value" }, {
    id = id, type = "polygonlabels", from_name = "label", to_name = "image",
    original_width = width, original_height = height, image_rotation = 0,
    value = json.ordered({ "points", "closed", "polygonlabels" }, {
      points = percent_points(ring, width, height), closed = true,
      polygonlabels = json.list { text(class.name) } }),
  })
end

function LabelStudio:add(r)
  local regions = {}
  local ok, message, code = each_class(r, function(class, mask)
    local list, why, kind = polygons.of(mask, self.options.tolerance)
    for i, polygon in ipairs(list or {}) do
      regions[#regions + 1] = region(class, polygons.keyhole(polygon), r,
        ("%d-%d-%d"):format(r.id, class.id, i))
    end
    return list, why, kind
  end)
  if not ok then
    return nil, message, code
  end
  self.tasks[#self.tasks + 1] = json.encode(json.ordered({ "data", "predictions" }, {
    data = { image = text(r.path) },
    predictions = json.list { json.ordered({ "model_version", "result" }, {
      model_version = text(r.model), result = json.list(regions) }) },
  }))
  return true
end

function LabelStudio:finish()
  return "[\n" .. table.concat(self.tasks, ",\n") .. "\n]\n"
end

-- ---- one file for each result ----

local Png = { ending = "labels.png" }

--- Pixels are class ids, the palette the label set's colours; what was not asked for stays, too.
function Png.make(r)
  return r.map:encode {}
end

local GeoJson = { ending = "geojson" }

local function closed(ring)
  local points = {}
  for i = 1, #ring, 2 do
    points[#points + 1] = json.list { ring[i], ring[i + 1] }
  end
  points[#points + 1] = json.list { ring[1], ring[2] }
  return json.list(points)
end

local function feature(class, list)
  local coordinates = {}
  for i, polygon in ipairs(list) do
    coordinates[i] = json.list { closed(polygon.outer) }
    for k, hole in ipairs(polygon.holes) do
      coordinates[i][k + 1] = closed(hole)
    end
  end
  return json.ordered({ "type", "properties", "geometry" }, {
    type = "Feature",
    properties = json.ordered({ "class_id", "label", "color", "pixels", "fraction" }, {
      class_id = class.id, label = text(class.name), color = svg.color(class.color),
      pixels = class.pixels, fraction = class.fraction }),
    geometry = json.ordered({ "type", "coordinates" }, {
      type = "MultiPolygon", coordinates = json.list(coordinates) }),
  })
end

--- Coordinates are pixels: x to the right, y downwards, from the picture's top left corner.
function GeoJson.make(r, options)
  local features, message, code = each_class(r, function(class, mask)
    local list, why, kind = polygons.of(mask, options.tolerance)
    return list and feature(class, list), why, kind
  end)
  if not features then
    return nil, message, code
  end
  return json.encode(json.ordered({ "type", "image", "features" }, {
    type = "FeatureCollection",
    image = json.ordered({ "path", "width", "height", "model", "labels", "result" }, {
      path = text(r.path), width = r.map:width(), height = r.map:height(), model = text(r.model),
      labels = text(r.labels), result = r.id }),
    features = json.list(features),
  })) .. "\n"
end

local Svg = { ending = "svg" }

local function svg_path(class, list)
  local parts = {}
  local function ring_to_path(ring)
    for i = 1, #ring, 2 do
      parts[#parts + 1] = ("%s%g %g"):format(i == 1 and "M" or "L", ring[i], ring[i + 1])
    end
    parts[#parts + 1] = "Z"
  end
  for _, polygon in ipairs(list) do
    ring_to_path(polygon.outer)
    for _, hole in ipairs(polygon.holes) do
      ring_to_path(hole)
    end
  end
  local name = svg.escape(class.name)
  return ('<path id="class-%d" fill="%s" data-label="%s" d="%s"><title>%s</title></path>'):format(
    class.id, svg.color(class.color), name, table.concat(parts), name)
end

function Svg.make(r, options)
  local paths, message, code = each_class(r, function(class, mask)
    local list, why, kind = polygons.of(mask, options.tolerance)
    return list and svg_path(class, list), why, kind
  end)
  if not paths then
    return nil, message, code
  end
  local width, height = r.map:width(), r.map:height()
  return ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" '
    .. 'fill-rule="evenodd" shape-rendering="crispEdges">\n<title>%s</title>\n%s\n</svg>\n'):format(
    width, height, width, height, svg.escape(r.path), table.concat(paths, "\n"))
end

exports.formats = { coco = Coco, csv = Csv, geojson = GeoJson, labelstudio = LabelStudio, png = Png,
  svg = Svg }
exports.names = { "coco", "csv", "geojson", "labelstudio", "png", "svg" }

return exports
