-- Checking the options tables that library functions take: a wrong name or type is a mistake in the
-- script, so it raises, with the nearest name there is.

local words = require "lab.words"

local options = {}

--- Whether a value is of a type as options.check writes them: Lua's types, "integer", or "any".
local function is_a(value, kinds)
  for kind in kinds:gmatch "[^|]+" do
    if kind == "any" or type(value) == kind
      or kind == "integer" and math.type(value) == "integer" then
      return true
    end
  end
  return false
end

--- Checks a table of options against { name = "type|type" } and gives it back ({} for nil).
---@param given table?
---@param known table<string, string>
---@param where string   for the message: the function that was called
---@param level? integer where the error points: 2 is the caller of the caller
---@return table
function options.check(given, known, where, level)
  level = (level or 2) + 1
  if given == nil then
    return {}
  elseif type(given) ~= "table" then
    error(("%s: a table of options is expected, got %s"):format(where, type(given)), level)
  end
  for key, value in pairs(given) do
    local kinds = known[key]
    if not kinds then
      local names = {}
      for name in pairs(known) do
        names[#names + 1] = name
      end
      table.sort(names)
      error(("%s: %s"):format(where, words.unknown("option", key, names)), level)
    elseif not is_a(value, kinds) then
      error(("%s: option '%s' must be %s, got %s"):format(where, key,
        (kinds:gsub("|", " or ")), type(value)), level)
    end
  end
  return given
end

return options
