-- Pictures from files and into files. A picture is upright when it comes in: the EXIF orientation
-- is applied, here and nowhere else.

local core = require "lab.core"
local paths = require "lab.paths"

local picture = {}

--- The endings that make a file in a folder a picture.
picture.endings = {
  jpg = true, jpeg = true, jpe = true, jfif = true, png = true, bmp = true, gif = true, tga = true,
  psd = true, pgm = true, ppm = true, pnm = true,
}

--- Largest file that is read as a picture.
local limit = 1 << 30

---@class lab.Source
---@field path string    as given; "-" for standard input
---@field data string    the file's bytes
---@field image lab.Image
---@field format string

--- Reads and decodes a picture and keeps what the catalog wants to know of its file.
---@param path string
---@return lab.Source? source
---@return string? message  starts with the path
---@return string? code
function picture.read(path)
  local data, message, code = core.read_file(path, limit)
  if not data then
    return nil, message, code
  end
  local name = path == "-" and "standard input" or path
  if data == "" then
    return nil, name .. ": the file is empty", "FORMAT"
  end
  local info, image
  info, message, code = core.probe(data)
  if info then
    image, message, code = core.decode(data, { orient = true })
  end
  if not image then
    return nil, name .. ": " .. message, code
  end
  return { path = path, data = data, image = image, format = info.format }
end

--- Opens a picture, upright.
---@param path string  "-" is standard input
---@return lab.Image? image
---@return string? message
---@return string? code
function picture.open(path)
  local source, message, code = picture.read(path)
  return source and source.image, message, code
end

local formats = { png = "png", jpg = "jpeg", jpeg = "jpeg", bmp = "bmp" }

--- Writes a picture, mask or label map, all or nothing; its folders are made. The ending says the
--- format: png, jpg or bmp for pictures; masks and label maps are PNG.
---@param value lab.Image|lab.Mask|lab.LabelMap
---@param path string     "-" is standard output
---@param options? table  quality (JPEG, 1..100), level (PNG, 0..9)
---@return true? ok
---@return string? message
---@return string? code
function picture.save(value, path, options)
  local arguments = {}
  for key, given in pairs(options or {}) do
    arguments[key] = given
  end
  if value:kind() == "image" and path ~= "-" then
    local _, _, ext = paths.split(path)
    arguments.format = formats[ext:lower()]
    if not arguments.format then
      return nil, ("%s: the ending says no format: .png, .jpg or .bmp"):format(path), "INVALID"
    end
  end
  local bytes, message, code = value:encode(arguments)
  if not bytes then
    return nil, path .. ": " .. message, code
  end
  return picture.write(path, bytes)
end

--- Writes bytes, all or nothing, making the folders.
---@param path string
---@param bytes string
---@return true? ok
---@return string? message
---@return string? code
function picture.write(path, bytes)
  local dir = paths.split(path)
  if path ~= "-" and dir ~= "." then
    local ok, message, code = core.make_dirs(dir)
    if not ok then
      return nil, message, code
    end
  end
  return core.write_file(path, bytes)
end

--- Three channels: what networks take. Grey becomes grey in colour, alpha is put on white.
---@param image lab.Image
---@return lab.Image? image
---@return string? message
---@return string? code
function picture.rgb(image)
  local channels = image:channels()
  if channels == 3 then
    return image
  elseif channels == 4 then
    return image:composite { color = "white" }
  end
  return image:convert { channels = 3 }
end

--- A picture of exactly this size: scaled until it covers it, the middle cut out.
---@param image lab.Image
---@param width integer
---@param height integer
---@return lab.Image? image
---@return string? message
---@return string? code
function picture.cover(image, width, height)
  local scale = math.max(width / image:width(), height / image:height())
  local w = math.max(width, math.floor(image:width() * scale + 0.5))
  local h = math.max(height, math.floor(image:height() * scale + 0.5))
  local scaled, message, code = image:resize { width = w, height = h, method = "area" }
  if not scaled then
    return nil, message, code
  end
  return scaled:crop { x = (w - width) // 2, y = (h - height) // 2, width = width,
    height = height }
end

for _, kind in ipairs { "image", "mask", "labelmap" } do
  core.methods[kind].save = picture.save
end

return picture
