-- Files that stages write: where they go, and that they are written while other work goes on.
-- lab.pipeline hands these on to stages and waits for what is pending.

local paths = require "lab.paths"
local picture = require "lab.picture"

local saving = {}

--- The path a stage saves to: a template with {dir}, {stem}, {ext}, filled from where the result is
--- to go (its target, else the picture's own place).
---@param r lab.Result
---@param template string
---@return string
function saving.path_for(r, template)
  return paths.fill(template, r.target or r.path)
end

--- Writes a value for a stage and notes it in r.files. A picture, mask or label map may be written
--- later, while other work goes on, but before a stage that does not say runs_ahead.
---@param r lab.Result
---@param what string      "overlay", "labels", …
---@param value userdata|string
---@param template string
---@return true? ok
---@return string? message
---@return string? code
function saving.save(r, what, value, template)
  local path = saving.path_for(r, template)
  local ok, message, code = true, nil, nil
  if type(value) == "string" then
    ok, message, code = picture.write(path, value)
  else
    local job, why, kind = picture.saving(value, path)
    if not job then
      return nil, why, kind
    elseif r.pending then
      r.pending[#r.pending + 1] = { job = job:start(), stage = r.stage }
    else
      ok, message, code = job:wait()
    end
  end
  if ok then
    r.files[#r.files + 1] = { what = what, path = path }
  end
  return ok, message, code
end

return saving
