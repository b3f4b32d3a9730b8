-- Stage 4: the mask of some classes, or the picture cut out with it.

local check = require "lab.options"
local pipeline = require "lab.pipeline"

local known = { label = "string|integer|table", soft = "boolean", feather = "number",
  cutout = "boolean", background = "string|userdata", save = "string" }

local Mask = { name = "mask", runs_ahead = true }
Mask.__index = Mask

function Mask:run(r)
  local options = self.options
  local value, message, code
  if options.cutout or options.background then
    value, message, code = r:cutout(options.label, { soft = options.soft,
      feather = options.feather, background = options.background })
    r.cutout_image = value
  else
    value, message, code = r:mask(options.label, { soft = options.soft,
      feather = options.feather })
    r.mask_image = value
  end
  if not value then
    return nil, message, code
  end
  if options.save then
    return pipeline.save(r, r.cutout_image == value and "cutout" or "mask", value, options.save)
  end
  return true
end

--- The mask (r.mask_image) or, with cutout or background, the cut-out (r.cutout_image) of classes.
---@param options? table  label = name, id or list (nil: all but the background); soft; feather;
---                       cutout = true; background = colour or picture; save = template
---@return table stage
return function(options)
  return setmetatable({ options = check.check(options, known, "stages.mask") }, Mask)
end
