-- Methods of values that need no loop over pixels: they say in Lua what operators then do.

local core = require "lab.core"
local model = require "lab.model"

local values = {}

--- The ids of a class, by name (all of that name) or id.
local function ids_of(map, class)
  if type(class) == "number" then
    return { class }
  end
  local labels = map:labels()
  if not labels then
    error(("replace: the label map has no labels, so '%s' means nothing: use ids"):format(
      tostring(class)), 3)
  end
  local ids, message = model.label_ids(labels, class)
  if not ids then
    error("replace: " .. message, 3)
  end
  return ids
end

--- Other classes for some of a label map's: map:replace { rider = "person", [255] = 0 }. All at
--- once: { cat = "dog", dog = "cat" } swaps.
---@param map lab.LabelMap
---@param classes table<string|integer, string|integer>
---@return lab.LabelMap? map
---@return string? message
---@return string? code
function values.replace(map, classes)
  if type(classes) ~= "table" then
    error("replace: a table { old = new } is expected, got " .. type(classes), 2)
  end
  local new, last = {}, -1
  for old, class in pairs(classes) do
    local to = ids_of(map, class)[1]
    for _, id in ipairs(ids_of(map, old)) do
      if math.type(id) ~= "integer" or id < 0 or id > 65535 then
        error(("replace: class ids are 0..65535, got %s"):format(tostring(id)), 2)
      end
      new[id] = to
      last = math.max(last, id)
    end
  end
  local ids = {}
  for id = 0, last do
    ids[id + 1] = new[id] or id
  end
  return map:remap { ids = ids }
end

--- "#rrggbb", 0xRRGGBB or { r, g, b } as 0xRRGGBB; nil for anything else.
local function color_number(color)
  if type(color) == "string" and color:find "^#%x%x%x%x%x%x$" then
    return tonumber(color:sub(2), 16)
  elseif type(color) == "table" and #color == 3 then
    local packed, bytes = pcall(string.pack, "BBB", color[1], color[2], color[3])
    return packed and string.unpack(">I3", bytes) or nil
  elseif math.type(color) == "integer" and color >= 0 and color <= 0xffffff then
    return color
  end
end

--- The same map whose label set has other colours for some classes:
--- map:recolor { person = "#ff00ff", [0] = 0x202020, cat = { 255, 128, 0 } }.
---@param map lab.LabelMap
---@param colors table<string|integer, string|integer|integer[]>
---@return lab.LabelMap map
function values.recolor(map, colors)
  if type(colors) ~= "table" then
    error("recolor: a table { label = color } is expected, got " .. type(colors), 2)
  end
  local labels = map:labels()
  if not labels then
    error("recolor: the label map has no labels, so it has no colours of its own", 2)
  end
  local given = { name = labels:name(), names = {}, colors = {} }
  for id = 0, #labels - 1 do
    given.names[id + 1] = labels:label(id)
    given.colors[id + 1] = color_number { labels:color(id) }
  end
  for class, color in pairs(colors) do
    local number = color_number(color)
    if not number then
      error(("recolor: the colour of '%s' must be \"#rrggbb\", 0xRRGGBB or {r, g, b}, got %s")
        :format(tostring(class), tostring(color)), 2)
    end
    local ids, message = model.label_ids(labels, class)
    if not ids then
      error("recolor: " .. message, 2)
    end
    for _, id in ipairs(ids) do
      given.colors[id + 1] = number
    end
  end
  return map:with_labels(core.labels(given))
end

core.methods.labelmap.replace = values.replace
core.methods.labelmap.recolor = values.recolor

return values
