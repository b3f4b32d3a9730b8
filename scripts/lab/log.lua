-- What goes to standard error beside progress: warnings always, remarks with -v.

local progress = require "lab.progress"
local sys = require "lab.sys"

local log = { level = sys.options().verbose }

local function write(format, ...)
  progress.clear()
  io.stderr:write("lualab: ", format:format(...), "\n")
end

--- Something is wrong but work goes on, or something is fetched.
---@param format string
---@param ... any
function log.warn(format, ...)
  write(format, ...)
end

--- Where things came from: shown with -v.
---@param format string
---@param ... any
function log.info(format, ...)
  if log.level >= 1 then
    write(format, ...)
  end
end

return log
