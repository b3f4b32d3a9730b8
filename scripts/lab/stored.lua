-- A result of the catalog as the result it was when it was made: the same table with the same
-- methods. The label map comes from the catalog; the picture from its file, opened when it is first
-- needed, and only if its bytes are still the recorded ones. Of the model there is what was
-- recorded; the scores of the network were not, so soft masks need the picture segmented again.

local datasets = require "lab.datasets"
local json = require "lab.json"
local picture = require "lab.picture"
local result = require "lab.result"

---@class lab.StoredModel
---@field name string
---@field sha256 string
---@field background integer?  the class that overlays leave out
---@field label_set lab.Labels?
local StoredModel = {}
StoredModel.__index = StoredModel
StoredModel.__name = "lab.StoredModel"

function StoredModel:labels()
  return self.label_set
end

--- Stands where the network ran: there is nothing to run here.
function StoredModel:run()
  return nil, ("a result of the catalog has no scores of %s: segment the picture again for soft "
    .. "masks"):format(self.name), "UNSUPPORTED"
end

function StoredModel:__tostring()
  return ("model %s, as recorded"):format(self.name)
end

--- The background of a label set: its dataset's, else a class 0 of that name.
local function background_of(labels)
  local dataset = labels and datasets.get(labels:name())
  return dataset and dataset.background or labels and labels:label(0) == "background" and 0 or nil
end

--- Reads a file and says what keeps it from being the picture of the result.
local function try_path(self, path)
  local source, message, code = picture.source(path,
    picture.reading(path, { sha256 = true }):wait())
  if not source then
    return nil, message, code
  elseif source.sha256 ~= self.recorded.sha256 then
    return nil, ("%s is another picture than the one that was segmented: its bytes have changed")
      :format(path), "NOT_FOUND"
  end
  local image = source.image
  if image:width() ~= self.width or image:height() ~= self.height then
    -- A map of the network's size: how the picture was fitted into it is not recorded.
    return nil, ("%s has %dx%d pixels, but its map %dx%d: it is the network's own"):format(path,
      image:width(), image:height(), self.width, self.height), "UNSUPPORTED"
  end
  return image
end

--- Opens the picture of a result: where its bytes were seen last, else under the name it had in its
--- run. Sets image_missing where that fails.
local function open_image(self)
  if self.recorded.format == "memory" or self.recorded.path == "-" then
    self.image_missing = { ("%s was not segmented from a file: there is none to open"):format(
      self.path), "NOT_FOUND" }
    return nil
  end
  local image, message, code = try_path(self, self.recorded.path)
  if not image and self.path ~= self.recorded.path then
    image, message, code = try_path(self, self.path)
  end
  if not image then
    self.image_missing = { message, code }
  end
  return image
end

local query = [[
  SELECT r.path, r.state, r.reason, r.width, r.height, r.timings, r.run, r.finished,
         m.name AS model, m.sha256 AS model_sha256, m.licence,
         i.sha256, i.path AS image_path, i.format
  FROM results r
  LEFT JOIN models m ON m.id = r.model
  LEFT JOIN images i ON i.id = r.image
  WHERE r.id = ?1]]

--- The milliseconds by stage, with the stages' order as far as JSON keeps it.
local function timings_of(text)
  local timings = {}
  local given = text and json.decode(text)
  for name, milliseconds in pairs(type(given) == "table" and given or {}) do
    if type(name) == "string" and type(milliseconds) == "number" then
      timings[#timings + 1] = name
      timings[name] = milliseconds
    end
  end
  table.sort(timings, function(a, b)
    return (text:find(json.encode(a), 1, true) or 0) < (text:find(json.encode(b), 1, true) or 0)
  end)
  return timings
end

--- A picture of these classes with boxes and shares as the segment stage gives them, from the
--- catalog's rows; regions and centres were counted then.
local function legend_of(db, id, labels)
  local rows, message, code = db:query([[
    SELECT class_id, pixels, fraction, x, y, width, height, centroid_x, centroid_y, regions, score
    FROM segments WHERE result = ?1 ORDER BY pixels DESC, class_id]], id)
  if not rows then
    return nil, message, code
  end
  local legend = {}
  for i, row in ipairs(rows) do
    local class = row[1]
    local known = labels and class < #labels
    legend[i] = { id = class, name = known and labels:label(class) or "class " .. class,
      color = known and { labels:color(class) } or { 0, 0, 0 }, pixels = row[2],
      fraction = row[3], box = { row[4], row[5], row[6], row[7] }, centroid_x = row[8],
      centroid_y = row[9], regions = row[10], score = row[11] }
  end
  return legend
end

--- The result with this id.
---@param db lab.Catalog
---@param id integer
---@return lab.Result? result
---@return string? message
---@return string? code
return function(db, id)
  if math.type(id) ~= "integer" then
    error("db:result: the id of a result is expected, got " .. tostring(id), 3)
  end
  local row, message, code = db:one(query, id)
  if message then
    return nil, message, code
  elseif not row then
    return nil, ("the catalog has no result %d"):format(id), "NOT_FOUND"
  elseif row.state ~= "done" then
    return nil, ("result %d (%s) has no label map: %s"):format(id, row.path,
      row.reason or "it was started, but never finished"), "INVALID"
  end
  local map
  map, message, code = db:map(id)
  if not map then
    return nil, message, code
  end
  local legend
  legend, message, code = legend_of(db, id, map:labels())
  if not legend then
    return nil, message, code
  end
  local r = result.new(row.path)
  r.row, r.run, r.finished = id, row.run, row.finished
  r.map, r.legend, r.width, r.height = map, legend, map:width(), map:height()
  r.timings = timings_of(row.timings)
  r.recorded = { sha256 = row.sha256, path = row.image_path, format = row.format }
  r.model = setmetatable({ name = row.model or "a model that was not recorded",
    sha256 = row.model_sha256, licence = row.licence, label_set = map:labels(),
    background = background_of(map:labels()) }, StoredModel)
  r.open_image = open_image
  return r
end
