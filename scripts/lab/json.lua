-- JSON by dkjson, with what pictures need: keys in a given order, and the RGBA array of a label map
-- written pixel by pixel instead of as a table of millions of numbers.

local dkjson = require "dkjson"

local json = {}

--- What is written as null; where a table has nil nothing is written.
json.null = dkjson.null

--- An object whose keys are written in this order.
---@param order string[]
---@param object table
---@return table
function json.ordered(order, object)
  return setmetatable(object, { __jsonorder = order, __jsontype = "object" })
end

--- A list, even when it is empty.
---@param list table
---@return table
function json.list(list)
  return setmetatable(list, { __jsontype = "array" })
end

--- Text that is JSON already.
---@param text string
---@return table
function json.raw(text)
  return setmetatable({}, { __tojson = function() return text end })
end

--- The array "[r,g,b,255, r,g,b,255, …]" of a label map: one look-up a pixel.
---@param map lab.LabelMap
---@return string
function json.rgba_array(map)
  local labels = map:labels()
  local unit = map:dtype() == "u16" and 2 or 1
  local pixels = setmetatable({}, {
    __index = function(self, key)
      local id = string.unpack(unit == 2 and "<I2" or "B", key)
      local r, g, b = 0, 0, 0
      if labels and id < #labels then
        r, g, b = labels:color(id)
      end
      local text = ("%d,%d,%d,255,"):format(r, g, b)
      rawset(self, key, text)
      return text
    end,
  })
  -- gsub with a table calls the metamethod once an id, then finds the text by itself.
  local text = map:bytes():gsub(unit == 2 and ".." or ".", pixels)
  return "[" .. text:sub(1, -2) .. "]"
end

---@param value any
---@param indent? boolean
---@return string
function json.encode(value, indent)
  return (dkjson.encode(value, { indent = indent }))
end

---@param text string
---@return any value
---@return string? message
function json.decode(text)
  local value, _, message = dkjson.decode(text, 1, nil, nil)
  if message then
    return nil, message
  end
  return value
end

return json
