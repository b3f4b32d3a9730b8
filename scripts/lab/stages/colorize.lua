-- Stage 3: the picture with the classes' colours laid over it.

local check = require "lab.options"
local pipeline = require "lab.pipeline"

local known = { alpha = "number", background = "boolean", save = "string" }

local Colorize = { name = "colorize", runs_ahead = true }
Colorize.__index = Colorize

function Colorize:run(r)
  local overlay, message, code = r:overlay { alpha = self.alpha, background = self.background }
  if not overlay then
    return nil, message, code
  end
  r.overlay_image = overlay
  if self.save then
    return pipeline.save(r, "overlay", overlay, self.save)
  end
  return true
end

--- Lays the colours over the picture (r.overlay_image).
---@param options? table  alpha = 0..1 (0.6); background = true: tint it too; save = template
---@return table stage
return function(options)
  options = check.check(options, known, "stages.colorize")
  return setmetatable({ alpha = options.alpha, background = options.background,
    save = options.save }, Colorize)
end
