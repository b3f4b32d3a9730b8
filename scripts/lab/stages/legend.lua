-- Stage 5: what is in the picture: for each class its pixels, share, box and centre (r.legend,
-- largest first), and on request the legend as a picture.

local check = require "lab.options"
local pipeline = require "lab.pipeline"

local known = { regions = "boolean", width = "integer", percent = "boolean", save = "string" }

local Legend = { name = "legend", runs_ahead = true }
Legend.__index = Legend

function Legend:run(r)
  local rows, message, code = r.map:legend { regions = self.regions }
  if not rows then
    return nil, message, code
  end
  r.legend = rows
  if not self.save then
    return true
  end
  local image <close>, why, kind = r:legend_image { width = self.width, percent = self.percent }
  if not image then
    return nil, why, kind
  end
  return pipeline.save(r, "legend", image, self.save)
end

--- Fills r.legend.
---@param options? table  regions = false: connected parts are not counted; save = template for the
---                       legend as a picture, with width and percent
---@return table stage
return function(options)
  options = check.check(options, known, "stages.legend")
  return setmetatable({ regions = options.regions ~= false, width = options.width,
    percent = options.percent, save = options.save }, Legend)
end
