-- What segmenting a picture gives: a plain table with the picture, its label map, the legend and
-- the timings, and methods to make something of them.

local check = require "lab.options"
local core = require "lab.core"
local font = require "lab.font"
local geometry = require "lab.geometry"
local json = require "lab.json"
local model = require "lab.model"
local paths = require "lab.paths"
local picture = require "lab.picture"
local show = require "lab.show"

local result = {}

---@class lab.Result
---@field path string          of the picture, as given; "picture" when it came as a value
---@field image lab.Image      upright; what the label map is about
---@field map lab.LabelMap     class ids at the picture's size
---@field model lab.Model
---@field legend lab.LegendRow[]  largest class first
---@field width integer
---@field height integer
---@field timings table<string, number>  milliseconds by stage, and their order
---@field given lab.Image?     the picture, if it came as a value: not the result's to free
---@field error string?        why there is no map
local Result = {}
Result.__name = "lab.Result"

---@class lab.LegendRow
---@field id integer
---@field name string
---@field color integer[]   {r, g, b}
---@field pixels integer
---@field fraction number   of the picture
---@field box integer[]     {x, y, width, height} in pixels

--- Methods; and the legend, which is made when it is first asked for in a pipeline without a legend
--- stage.
function Result:__index(key)
  if key == "legend" and rawget(self, "map") then
    self.legend = assert(self.map:legend {})
    return self.legend
  elseif key == "image" and rawget(self, "open_image") then
    self.image = self:open_image()
    return rawget(self, "image")
  end
  return Result[key]
end

--- The picture, in colour. That of a result from the catalog is a file, which may be gone by now.
local function rgb(self)
  local image = self.image
  if not image then
    return nil, table.unpack(self.image_missing)
  end
  return picture.rgb(image)
end

--- A result about to be filled by the stages.
---@param path string
---@return lab.Result
function result.new(path)
  return setmetatable({ path = path, timings = {}, files = {} }, Result)
end

local holders = { "image", "map", "input", "canvas", "logits", "overlay_image", "mask_image",
  "cutout_image" }

--- Frees the pictures, the map and the scores that the result holds now rather than when the
--- collector finds it; not a picture that came as a value. What is text or numbers stays.
function Result:close()
  for _, name in ipairs(holders) do
    local value = rawget(self, name)
    if value and value ~= self.given then
      value:close()
    end
    self[name] = nil
  end
end

Result.__close = Result.close

local function percent(fraction)
  return ("%.1f %%"):format(100 * fraction)
end
result.percent = percent

--- The label set of the map; a damaged catalog may have lost it.
---@return lab.Labels?
function Result:labels()
  return self.map:labels()
end

--- One line: name, size, model, and the classes with their shares.
---@param count? integer  how many classes at most (5)
---@return string
function Result:summary(count)
  if not self.map then
    return ("%s: %s"):format(self.path, self.error or "not segmented yet")
  end
  count = count or 5
  local parts = {}
  for i, row in ipairs(self.legend) do
    if i > count then
      parts[i] = ("and %d more"):format(#self.legend - count)
      break
    end
    parts[i] = row.name .. " " .. percent(row.fraction)
  end
  return ("%s %dx%d %s: %s"):format(self.path, self.width, self.height, self.model.name,
    table.concat(parts, ", "))
end

Result.__tostring = function(self) return self:summary() end

--- The ids that a choice of classes means. nil is everything but the background.
local function choose(self, labels)
  local set = self:labels()
  if not set then
    return nil, ("the label map of %s has no labels: its classes cannot be named"):format(
      self.path), "INVALID"
  elseif labels ~= nil then
    return model.label_ids(set, labels)
  end
  local background = self.model.background
  if not background then
    return nil, ("the labels '%s' have no background: say which classes, for example '%s'"):format(
      set:name(), self.legend[1] and self.legend[1].name or set:label(0)), "INVALID"
  end
  local ids = {}
  for id = 0, #set - 1 do
    if id ~= background then
      ids[#ids + 1] = id
    end
  end
  return ids
end

--- The scores of the network for this picture: kept by the segment stage, or computed now when the
--- picture went through as the network's own map.
local function logits(self)
  if not self.logits then
    local values, message, code = self.model:run(self.input, { want = "logits" })
    if not values then
      return nil, message, code
    end
    self.logits = values[1]
  end
  return self.logits
end

local function soft_mask(self, ids)
  local scores, message, code = logits(self)
  if not scores then
    return nil, message, code
  end
  local head = self.model.head
  local arguments = self.grid or geometry.grid(self.plan, head)
  local given = {}
  for key, value in pairs(arguments) do
    given[key] = value
  end
  given.classes = ids
  given.activation = head.channels == 1 and "logistic" or "softmax"
  return scores:upsample_score(given)
end

local mask_options = { soft = "boolean", feather = "number" }

--- The mask of classes: 255 inside, 0 outside; soft: the network's probability, 0..255.
---@param labels? string|integer|(string|integer)[]  nil: everything but the background
---@param options? table  soft = true, feather = radius in pixels
---@return lab.Mask? mask
---@return string? message
---@return string? code
function Result:mask(labels, options)
  options = check.check(options, mask_options, "r:mask")
  local ids, message, code = choose(self, labels)
  if not ids then
    return nil, message, code
  end
  local mask
  if options.soft then
    mask, message, code = soft_mask(self, ids)
  else
    mask, message, code = self.map:mask { include = ids }
  end
  if mask and options.feather and options.feather > 0 then
    local sharp <close> = mask
    mask, message, code = sharp:feather { radius = options.feather }
  end
  return mask, message, code
end

--- How sure the network is, as a mask: of some classes, or of the class that the map shows at each
--- pixel (its probability, 0..255).
---@param labels? string|integer|(string|integer)[]  nil: whatever the map shows
---@return lab.Mask? scores
---@return string? message
---@return string? code
function Result:scores(labels)
  if labels ~= nil then
    return self:mask(labels, { soft = true })
  end
  local best
  for _, row in ipairs(self.legend) do
    -- The class that is shown has the largest probability: the largest of all of them is its.
    local score, message, code = soft_mask(self, { row.id })
    if score and best then
      score, message, code = best:unite(score)
    end
    if not score then
      return nil, message, code
    end
    best = score
  end
  return best
end

--- Shows the overlay on a terminal that can show pictures, and says what there is; elsewhere only
--- says it.
---@param options? table  of lab.show: columns, rows, mode, colors, file
---@return true? ok
---@return string? message
---@return string? code
function Result:show(options)
  local image, message, code = self:overlay()
  if not image then
    return nil, message, code
  end
  local given = { text = self:summary(10) }
  for key, value in pairs(options or {}) do
    given[key] = value
  end
  return show.show(image, given)
end

--- Writes the picture with its overlay, or what the name says: STEM.labels.png is the label map as
--- indexed PNG, STEM.mask.png the mask of all but the background, STEM.legend.png the legend,
--- STEM.json the prediction.
---@param path string
---@return true? ok
---@return string? message
---@return string? code
function Result:save(path)
  local value, message, code
  if path:find "%.labels%.png$" then
    value = self.map
  elseif path:find "%.mask%.png$" then
    value, message, code = self:mask()
  elseif path:find "%.legend%.png$" then
    value, message, code = self:legend_image()
  elseif path:find "%.json$" then
    return picture.write(path, self:to_json() .. "\n")
  else
    value, message, code = self:overlay()
  end
  if not value then
    return nil, message, code
  end
  return picture.save(value, path)
end

--- The stage's hooks in the order a pipeline calls them, for one result that is there already.
local function record_with(stage, self)
  local stand_in = { model = self.model, describe = function() return "[]" end }
  for _, step in ipairs { { "prepare", stand_in }, { "start", stand_in }, { "begin", self },
    { "run", self }, { "finish", stand_in, "done" } } do
    local ok, message, code = stage[step[1]](stage, table.unpack(step, 2))
    if not ok and message then
      if step[1] == "run" then
        stage:fail(self, message)
      end
      if stage.run_id then
        stage:finish(stand_in, "failed")
      end
      return nil, message, code
    end
  end
  return self.row
end

--- Writes the result into the catalog, as the record stage of a pipeline does.
---@param db? string|lab.Catalog  its path, or the catalog (default: the user's)
---@return integer? id
---@return string? message
---@return string? code
function Result:record(db)
  local stage = require "lab.stages.record" { db = db, command = "r:record" }
  if paths.exists(self.path, "file") then
    local source, message, code = picture.source(self.path,
      picture.reading(self.path, { sha256 = true }):wait())
    if not source then
      return nil, message, code
    end
    self.source = source
  end
  self.item = {}
  local id, message, code = record_with(stage, self)
  self.item, self.source = nil, nil
  stage:close()
  return id, message, code
end

local overlay_options = { alpha = "number", background = "boolean", colors = "table" }

--- The picture with the classes' colours laid over it. The background, where the labels have one,
--- stays as it is unless background = true.
---@param options? table  alpha = 0..1 (0.6), background = boolean, colors = { label = color }
---                       (see map:recolor) instead of the label set's
---@return lab.Image? image
---@return string? message
---@return string? code
function Result:overlay(options)
  options = check.check(options, overlay_options, "r:overlay")
  local image, message, code = rgb(self)
  if not image then
    return nil, message, code
  end
  local map = options.colors and self.map:recolor(options.colors) or self.map
  local colors <close>, why, kind = map:colorize {}
  if not colors then
    return nil, why, kind
  end
  local arguments = { with = colors, alpha = options.alpha or 0.6 }
  if options.background or not self.model.background then
    return image:blend(arguments)
  end
  local mask <close>, no_mask, no_kind = self:mask()
  if not mask then
    return nil, no_mask, no_kind
  end
  arguments.mask = mask
  return image:blend(arguments)
end

--- Puts a cut-out on a background: a colour, the path of a picture, or a picture.
local function put_on(cutout, background)
  if background == nil or background == "transparent" then
    return cutout
  end
  if type(background) == "string" and (background:find "/" or paths.exists(background, "file")) then
    local opened, message, code = picture.open(background)
    if not opened then
      return nil, message, code
    end
    background = opened
  end
  if type(background) == "string" then
    local ok, value, message, code = pcall(cutout.composite, cutout, { color = background })
    if not ok then
      return nil, ("background '%s' is neither a picture nor a colour: %s"):format(background,
        value), "INVALID"
    end
    return value, message, code
  end
  local covered, message, code = picture.cover(background, cutout:width(), cutout:height())
  if not covered then
    return nil, message, code
  end
  return cutout:composite { picture = covered }
end

local cutout_options = { soft = "boolean", feather = "number", background = "string|userdata" }

--- What is left when the rest is cut away: RGBA, or on a background.
---@param labels? string|integer|(string|integer)[]  nil: everything but the background
---@param options? table  soft, feather; background = "transparent" (default), a colour, the path
---                       of a picture, or a picture
---@return lab.Image? image
---@return string? message
---@return string? code
function Result:cutout(labels, options)
  options = check.check(options, cutout_options, "r:cutout")
  local mask <close>, message, code = self:mask(labels, { soft = options.soft,
    feather = options.feather })
  if not mask then
    return nil, message, code
  end
  local image = self.image
  if not image then
    return nil, table.unpack(self.image_missing)
  end
  local why, kind
  image, why, kind = image:cutout { mask = mask }
  if not image then
    return nil, why, kind
  end
  return put_on(image, options.background)
end

--- The legend as a picture: colours, names, shares.
---@param options? table  of map:draw_legend
---@return lab.Image? image
---@return string? message
---@return string? code
function Result:legend_image(options)
  local given = { font = font.bytes() }
  for key, value in pairs(options or {}) do
    given[key] = value
  end
  return self.map:draw_legend(given)
end

--- The object that DeepLab's JavaScript users know: legend by name, size, and the coloured map as
--- RGBA bytes.
---@return table? prediction  {legend = {name = {r, g, b}}, height, width, segmentationMap}
---@return string? message
---@return string? code
function Result:prediction()
  local colors, message, code = self.map:colorize {}
  if colors then
    colors, message, code = colors:convert { channels = 4 }
  end
  if not colors then
    return nil, message, code
  end
  local legend = {}
  for _, row in ipairs(self.legend) do
    legend[row.name] = row.color
  end
  return { legend = legend, height = self.map:height(), width = self.map:width(),
    segmentationMap = colors:bytes() }
end

local row_order = { "id", "name", "color", "pixels", "fraction", "box", "regions", "centroid_x",
  "centroid_y" }

--- The milliseconds of each stage as JSON, in the order they were spent.
---@return table
function Result:timings_json()
  local order, object = {}, {}
  for i, name in ipairs(self.timings) do
    order[i] = name
    object[name] = tonumber(("%.3f"):format(self.timings[name]))
  end
  return json.ordered(order, object)
end

--- The prediction as JSON text, with the ordered legend, the model and the timings beside it.
---@return string
function Result:to_json()
  local legend, order, rows = {}, {}, {}
  for i, row in ipairs(self.legend) do
    if not legend[row.name] then
      order[#order + 1] = row.name
    end
    legend[row.name] = json.list(row.color)
    local copy = {}
    for key, value in pairs(row) do
      copy[key] = value
    end
    rows[i] = json.ordered(row_order, copy)
  end
  local labels = self:labels()
  return json.encode(json.ordered({ "legend", "height", "width", "segmentationMap", "classes",
    "model", "path", "timings", "version" }, {
    legend = json.ordered(order, legend),
    height = self.map:height(), width = self.map:width(),
    segmentationMap = json.raw(json.rgba_array(self.map)),
    classes = json.list(rows),
    model = json.ordered({ "name", "sha256", "labels" }, { name = self.model.name,
      sha256 = self.model.sha256, labels = labels and labels:name() }),
    path = self.path,
    timings = self:timings_json(),
    version = core.version,
  }))
end

return result
