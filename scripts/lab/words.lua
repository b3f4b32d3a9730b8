-- Words in messages: the nearest name to one that does not exist, said the same way everywhere.

local core = require "lab.core"

local words = {}

--- '; did you mean "x"?' for the nearest of the names, or nothing when none is near.
---@param word string
---@param names string[]
---@return string
function words.hint(word, names)
  local near = core.nearest(tostring(word), names)
  return near and ('; did you mean "%s"?'):format(near) or ""
end

--- 'there is no model "pascla"; did you mean "pascal"? There are ade20k, pascal'
---@param kind string
---@param word string
---@param names string[]
---@return string
function words.unknown(kind, word, names)
  local hint = words.hint(word, names)
  return ('there is no %s "%s"%s%s are %s'):format(kind, tostring(word), hint,
    hint == "" and "; there" or " There", table.concat(names, ", "))
end

return words
