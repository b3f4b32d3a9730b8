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

--- Text broken between words into lines of at most `width` characters (78), the second and later
--- ones indented.
---@param text string
---@param indent? string
---@param width? integer
---@return string
function words.wrap(text, indent, width)
  indent, width = indent or "", width or 78
  local lines, line = {}, text:match "^%s*"
  for word in text:gmatch "%S+" do
    local wider = line:find "%S" and line .. " " .. word or line .. word
    if utf8.len(wider) > width and line:find "%S" then
      lines[#lines + 1] = line
      wider = indent .. word
    end
    line = wider
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

--- Paragraphs broken anew to a width. Indented lines, which are examples and tables, stay as they
--- are, and so do empty ones.
---@param text string
---@param width integer
---@return string
function words.flow(text, width)
  local lines, paragraph = {}, nil
  for line in (text .. "\n\n"):gmatch "(.-)\n" do
    if line:find "^%S" then
      paragraph = paragraph and paragraph .. " " .. line or line
    else
      lines[#lines + 1] = paragraph and words.wrap(paragraph, nil, width)
      lines[#lines + 1] = line
      paragraph = nil
    end
  end
  return (table.concat(lines, "\n"):gsub("\n+$", ""))
end

return words
