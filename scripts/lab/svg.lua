-- Texts and colours as SVG needs them (XML 1.0): whatever a label or a path contains stays text.

local html = require "lab.html"

local svg = {}

--- Text for an element or a quoted attribute. As on a page, and without the two characters of
--- Unicode that no XML file may hold.
---@param text string
---@return string
function svg.escape(text)
  return (html.escape(text):gsub("\xef\xbf[\xbe\xbf]", "\u{FFFD}"))
end

--- "#rrggbb".
---@param rgb integer[]
---@return string
function svg.color(rgb)
  return ("#%02x%02x%02x"):format(rgb[1], rgb[2], rgb[3])
end

return svg
