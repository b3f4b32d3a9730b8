-- Values for people at a terminal: a picture where the terminal can show one (operator
-- image.terminal of the plugin "terminal", which needs libchafa), else a summary in words.

local check = require "lab.options"
local core = require "lab.core"
local sys = require "lab.sys"

local show = {}

local function percent(fraction)
  return ("%.1f %%"):format(100 * fraction)
end

--- Words about a value: "labelmap 500x375 pascal: background 69.3 %, person 27.8 %".
---@param value lab.Image|lab.LabelMap|lab.Mask|lab.Tensor
---@return string
function show.text(value)
  local kind, parts = value:kind(), {}
  if kind == "labelmap" then
    for i, row in ipairs(assert(value:legend())) do
      parts[i] = i <= 8 and row.name .. " " .. percent(row.fraction) or nil
    end
  elseif kind == "mask" then
    parts[1] = percent(assert(value:measure())[1].fraction) .. " inside"
  end
  return tostring(value) .. (#parts > 0 and ": " .. table.concat(parts, ", ") or "")
end

--- What a terminal shows of a value: pictures as they are, label maps in colours, masks in grey.
local function as_picture(value)
  local kind = value:kind()
  if kind == "labelmap" then
    return value:colorize()
  elseif kind == "mask" then
    return core.image(value:width(), value:height(), 1, value:bytes())
  end
  return kind == "image" and value or nil
end

--- The bytes that make a terminal show a picture; nil where nothing can.
---@param value lab.Image|lab.LabelMap|lab.Mask
---@param options? table  columns, rows, mode, colors: of image.terminal
---@return string? bytes
---@return string? message
---@return string? code
function show.bytes(value, options)
  local found
  for _, op in ipairs(core.ops()) do
    found = found or op.name == "image.terminal"
  end
  if not found then
    return nil, "there is no operator image.terminal: the plugin 'terminal' needs libchafa",
      "UNSUPPORTED"
  end
  local image, message, code = as_picture(value)
  if not image then
    return nil, message or ("a %s is no picture"):format(value:kind()), code or "INVALID"
  end
  -- Label maps and masks keep their classes and edges when they shrink.
  local longest = math.max(image:width(), image:height())
  if longest > 1600 then
    local method = value:kind() == "image" and "area" or "nearest"
    image, message, code = image:resize { method = method,
      width = math.max(1, image:width() * 1600 // longest),
      height = math.max(1, image:height() * 1600 // longest) }
  end
  if not image then
    return nil, message, code
  end
  return image:terminal(options or {})
end

local known = { columns = "integer", rows = "integer", mode = "string", colors = "string",
  file = "userdata|table", text = "string" }

--- Shows a value: a picture on a terminal that can, else words. mode = "text" wants words; another
--- mode a picture, also where no terminal is.
---@param value lab.Image|lab.LabelMap|lab.Mask|lab.Tensor
---@param options? table  columns (the terminal's), rows (24), mode = "text", or of image.terminal;
---                       file (standard output); text = other words
---@return true
function show.show(value, options)
  options = check.check(options, known, "show", 3)
  local file = options.file or io.stdout
  local words = options.text or show.text(value)
  local wanted = options.mode ~= "text" and value:kind() ~= "tensor"
    and (options.mode ~= nil or not options.file and sys.is_tty(1))
  local bytes = wanted and show.bytes(value, { columns = options.columns
    or math.min(sys.columns(), 1000), rows = options.rows, mode = options.mode,
    colors = options.colors })
  if bytes then
    file:write(bytes, "\n")
  end
  file:write(words, "\n")
  return true
end

for _, kind in ipairs { "image", "labelmap", "mask", "tensor" } do
  core.methods[kind].show = show.show
end

return show
