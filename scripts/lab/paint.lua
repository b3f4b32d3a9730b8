-- Colours of what is written to a terminal. The variable NO_COLOR, when it is not empty, switches
-- them off, as does a file descriptor that is no terminal.

local sys = require "lab.sys"

local paint = {}

--- Whether what is written to a file descriptor (1: standard output, 2: errors) may have colours.
---@param fd integer
---@return boolean
function paint.wanted(fd)
  local none = sys.getenv "NO_COLOR"
  return (none == nil or none == "") and sys.getenv "TERM" ~= "dumb" and sys.is_tty(fd)
end

--- Text between the codes of a style ("1": bold, "31": red, "1;31") and of its end.
---@param style string
---@param text string
---@return string
function paint.text(style, text)
  return ("\27[%sm%s\27[0m"):format(style, text)
end

return paint
