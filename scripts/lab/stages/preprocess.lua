-- Stage 1: a picture becomes what the network takes. The picture is upright already; here it is
-- fitted to the network's input (lab.geometry) and its bytes are scaled.

local check = require "lab.options"
local geometry = require "lab.geometry"
local picture = require "lab.picture"

local known = { fit = "string" }

local Preprocess = { name = "preprocess", runs_ahead = true }
Preprocess.__index = Preprocess

--- The picture on a canvas of the network's size.
---@return lab.Image? canvas
---@return string? message
---@return string? code
local function fit(image, plan, mean)
  if plan.fit == "exact" then
    return image
  end
  local scaled, message, code = image, nil, nil
  if image:width() ~= plan.inner_width or image:height() ~= plan.inner_height then
    scaled, message, code = image:resize { width = plan.inner_width, height = plan.inner_height,
      method = "area" }
  end
  local right, bottom = plan.net_width - plan.inner_width, plan.net_height - plan.inner_height
  if not scaled or right == 0 and bottom == 0 then
    return scaled, message, code
  end
  local canvas
  canvas, message, code = scaled:pad { right = right, bottom = bottom,
    color = { mean, mean, mean } }
  if scaled ~= image then
    scaled:close()
  end
  return canvas, message, code
end

function Preprocess:run(r, pipeline)
  local model = pipeline.model
  if not model then
    error("the preprocess stage needs a segment stage in the same pipeline", 0)
  end
  local image = r.image
  local plan = geometry.plan(self.fit or model.fit, image:width(), image:height(), model.width,
    model.height)
  local rgb, message, code = image, nil, nil
  if plan.crop then
    rgb, message, code = image:crop(plan.crop)
    r.image = rgb
  end
  if rgb then
    rgb, message, code = picture.rgb(rgb)
  end
  local canvas = rgb
  if rgb then
    canvas, message, code = fit(rgb, plan, model.mean)
  end
  if not canvas then
    return nil, message, code
  end
  r.plan, r.canvas, r.model = plan, canvas, model
  r.input, message, code = canvas:normalize { dtype = model.dtype, scale = model.scale,
    offset = model.offset }
  return r.input and true, message, code
end

function Preprocess:describe()
  return "preprocess" .. (self.fit and " fit=" .. self.fit or "")
end

--- Fits pictures to the network's input.
---@param options? table  fit = "pad", "stretch" or "crop": instead of the model's own
---@return table stage
return function(options)
  options = check.check(options, known, "stages.preprocess")
  local ok, message = geometry.check_fit(options.fit or "pad")
  if not ok then
    error("stages.preprocess: " .. message, 2)
  end
  return setmetatable({ fit = options.fit }, Preprocess)
end
