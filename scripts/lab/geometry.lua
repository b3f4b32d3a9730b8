-- Where a pixel of a picture lies in a network's grid of logits, and back. A picture is fitted into
-- the network's input in one of three ways, and the network shrinks its input to a coarser grid.
-- Both steps are linear, so for each axis   u = scale * x + offset   takes the pixel x of the
-- result to its place u in the grid. Pixel centres are integers in every coordinate here.

local words = require "lab.words"

local geometry = {}

--- The ways to fit a picture into a network's input.
geometry.fits = { "pad", "stretch", "crop" }

--- Whether there is a fit of that name.
---@param fit string
---@return true? ok
---@return string? message  names the nearest
function geometry.check_fit(fit)
  for _, known in ipairs(geometry.fits) do
    if fit == known then
      return true
    end
  end
  return nil, words.unknown("fit", fit, geometry.fits)
end

---@class lab.Plan
---@field fit string           "exact" when the picture has the network's size already
---@field width integer        of the picture (after cropping) in pixels
---@field height integer
---@field crop table?          {x, y, width, height}: the part of the picture that is used
---@field inner_width integer  of the picture inside the network's input
---@field inner_height integer
---@field net_width integer    of the network's input
---@field net_height integer

local function round(x)
  return math.floor(x + 0.5)
end

--- The largest part of the picture, in its middle, with the network's aspect ratio.
local function centre_crop(width, height, net_width, net_height)
  local scale = math.max(net_width / width, net_height / height)
  local w = math.min(width, math.max(1, round(net_width / scale)))
  local h = math.min(height, math.max(1, round(net_height / scale)))
  return { x = (width - w) // 2, y = (height - h) // 2, width = w, height = h }
end

--- Enlarging by less than this is not done: it shows a network nothing new, and the blur of
--- resampling costs more than the size gains (a point of mean IoU for `pascal` on photos of 500
--- pixels, which a network of 513 would get enlarged by 2.6 %). From a tenth on, enlarging wins.
local least_enlargement = 1.1

--- The scale at which a picture just fits.
local function fitting_scale(width, height, net_width, net_height)
  local scale = math.min(net_width / width, net_height / height)
  return scale > 1 and scale <= least_enlargement and 1 or scale
end

--- Plans how a picture goes into a network.
---   pad      scaled, ratio kept, until it touches the input's edges (if it nearly does already, it
---            is left as it is); the rest, right and below, is filled with the network's mean
---   stretch  scaled to the input's size, ratio lost
---   crop     the middle of the picture with the input's ratio; the result is about that part
--- A picture that has the input's size goes in as it is, whatever the fit.
---@param fit string
---@param width integer
---@param height integer
---@param net_width integer
---@param net_height integer
---@return lab.Plan
function geometry.plan(fit, width, height, net_width, net_height)
  local plan = {
    fit = fit, width = width, height = height, net_width = net_width, net_height = net_height,
    inner_width = net_width, inner_height = net_height,
  }
  if width == net_width and height == net_height then
    plan.fit = "exact"
  elseif fit == "pad" then
    local scale = fitting_scale(width, height, net_width, net_height)
    plan.inner_width = math.min(net_width, math.max(1, round(width * scale)))
    plan.inner_height = math.min(net_height, math.max(1, round(height * scale)))
  elseif fit == "crop" then
    plan.crop = centre_crop(width, height, net_width, net_height)
    plan.width, plan.height = plan.crop.width, plan.crop.height
  end
  return plan
end

--- One axis of the network: from a pixel of its input to the grid of logits.
--- A network whose output has another size than its input, without a resize that tells how they
--- correspond, keeps its corners when the strides divide (513 -> 33), else its pixel areas.
local function input_to_grid(net, out, grid, head)
  local scale, offset = 1.0, 0.0
  if out ~= net then
    if out > 1 and (net - 1) % (out - 1) == 0 then
      scale = (out - 1) / (net - 1)
    else
      scale = out / net
      offset = 0.5 * scale - 0.5
    end
  end
  if not head.resized or out == grid then
    return scale, offset
  end
  local ratio
  if head.align_corners and out > 1 then
    ratio = (grid - 1) / (out - 1)
  else
    ratio = grid / out
  end
  local shift = head.half_pixel_centers and 0.5 * ratio - 0.5 or 0.0
  return ratio * scale, ratio * offset + shift
end

--- One axis as a whole: from a pixel of the result (`size` pixels, which became `inner` pixels of
--- the input, area for area) to the grid.
local function axis(size, inner, net, out, grid, head)
  local zoom = inner / size
  local shift = 0.5 * zoom - 0.5
  local scale, offset = input_to_grid(net, out, grid, head)
  return scale * zoom, scale * shift + offset
end

--- The arguments that tensor:upsample_argmax and tensor:upsample_score need to give a result of the
--- picture's size.
---@param plan lab.Plan
---@param head table   of the model: logits_w, logits_h, out_w, out_h, resized, align_corners, …
---@return table arguments  width, height, x_scale, x_offset, y_scale, y_offset
function geometry.grid(plan, head)
  local x_scale, x_offset = axis(plan.width, plan.inner_width, plan.net_width,
    head.out_w, head.logits_w, head)
  local y_scale, y_offset = axis(plan.height, plan.inner_height, plan.net_height,
    head.out_h, head.logits_h, head)
  return {
    width = plan.width, height = plan.height,
    x_scale = x_scale, x_offset = x_offset, y_scale = y_scale, y_offset = y_offset,
  }
end

--- The same for a result of the network's own input size, padding included.
---@param plan lab.Plan
---@param head table
---@return table arguments
function geometry.own_grid(plan, head)
  return geometry.grid({
    width = plan.net_width, height = plan.net_height,
    inner_width = plan.net_width, inner_height = plan.net_height,
    net_width = plan.net_width, net_height = plan.net_height,
  }, head)
end

return geometry
