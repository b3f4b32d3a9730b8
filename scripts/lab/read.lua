-- Files of values (arrays, label maps) by the readers of plugins. Pictures are lab.open's.

local core = require "lab.core"
local paths = require "lab.paths"

--- Largest file that is read.
local limit = 1 << 31

--- Reads a file with the reader that knows it, for example "map.npy"; what it holds decides the
--- kind of the value. `lualab plugins -v` lists the readers.
---@param path string  "-" is standard input
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask|nil value
---@return string? message  starts with the path
---@return string? code
return function(path)
  local data, message, code = core.read_file(path, limit)
  if not data then
    return nil, message, code
  end
  local value
  value, message, code = core.read(data, paths.name(path))
  if not value then
    return nil, (path == "-" and "standard input" or path) .. ": " .. message, code
  end
  return value
end
