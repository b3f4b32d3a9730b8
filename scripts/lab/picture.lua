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

---@class lab.Source
---@field path string    as given; "-" for standard input
---@field image lab.Image
---@field format string
---@field bytes integer  of the file
---@field sha256 string? of the file, where it was asked for

---@class lab.Job
---@field start fun(self: lab.Job): lab.Job  hands it to a thread, if there is one
---@field done fun(self: lab.Job): boolean
---@field wait fun(self: lab.Job): ...       what it gives
---@field ms fun(self: lab.Job): number      after wait
---@field close fun(self: lab.Job)

--- A job that reads and decodes a picture; picture.source makes a source of what it gives.
---@param path string
---@param options? table  sha256 = true: of the file, for the catalog
---@return lab.Job
function picture.reading(path, options)
  return core.read_picture(path, options)
end

--- A source of what a reading job gave, or its failure.
---@param path string
---@param image lab.Image?
---@param file table|string
---@param code string?
---@return lab.Source? source
---@return string? message  starts with the path
---@return string? code
function picture.source(path, image, file, code)
  if not image then
    return nil, file, code
  end
  file.path, file.image = path, image
  return file
end

--- Reads and decodes a picture and keeps what the catalog wants to know of its file.
---@param path string
---@return lab.Source? source
---@return string? message  starts with the path
---@return string? code
function picture.read(path)
  return picture.source(path, picture.reading(path):wait())
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

--- A job that writes a picture, mask or label map: see picture.save.
---@param value lab.Image|lab.Mask|lab.LabelMap
---@param path string
---@param options? table
---@return lab.Job? job
---@return string? message
---@return string? code
function picture.saving(value, path, options)
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
  return core.save(value, path, arguments)
end

--- Writes a picture, mask or label map, all or nothing; its folders are made. The ending says the
--- format: png, jpg or bmp for pictures; masks and label maps are PNG.
---@param value lab.Image|lab.Mask|lab.LabelMap
---@param path string     "-" is standard output
---@param options? table  quality (JPEG, 1..100), level (PNG, 0..9)
---@return true? ok
---@return string? message
---@return string? code
function picture.save(value, path, options)
  local job, message, code = picture.saving(value, path, options)
  if not job then
    return nil, message, code
  end
  return job:wait()
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
