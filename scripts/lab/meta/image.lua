---@meta
-- Written by `lualab ops --meta` from the descriptors of the operators.

---@alias lab.Color string|integer[]  "#rgb", "#rrggbb", "#rrggbbaa", a CSS name, or {r, g, b[, a]}
---@alias lab.Classes string|integer|(string|integer)[]  ids or names

---@class lab.Image
---@operator len: integer
local Image = {}

--- "tensor", "image", "labelmap" or "mask".
---@return string
function Image:kind() end

--- "u8", "i8", "u16", "i16", "i32", "i64", "f16" or "f32".
---@return string
function Image:dtype() end

--- The dimensions; the last varies fastest.
---@return integer[]
function Image:shape() end

--- The elements as they are in memory.
---@return string
function Image:bytes() end

--- The label set, of a label map that has one.
---@return lab.Labels?
function Image:labels() end

--- Scale and zero point, of a quantised tensor.
---@return number?
---@return integer?
function Image:quant() end

--- An element as it is stored; nil outside.
---@param i integer 1-based flat position, or one position for each dimension
---@param ... integer
---@return number?
function Image:get(i, ...) end

--- Stores an element. Values that share the data keep theirs.
---@param i integer 1-based flat position, or one position for each dimension
---@param ... number more positions, and the new element last
function Image:set(i, ...) end

--- The same data as another kind, where that fits.
---@param kind "tensor"|"image"|"labelmap"|"mask" the new kind
---@return any
function Image:as(kind) end

--- Frees the memory now; also done by <close> and by the collector.
function Image:close() end

--- Pixels.
---@return integer
function Image:width() end

--- Pixels.
---@return integer
function Image:height() end

--- Samples of a pixel: 1, 3 or 4.
---@return integer
function Image:channels() end

--- The samples of a pixel: a class id, an alpha, or a colour; nothing outside.
---@param x integer column, from 0
---@param y integer row, from 0
---@return integer?
---@return integer?
---@return integer?
---@return integer?
function Image:at(x, y) end

--- Writes a file.
---@param path string its ending says the format
---@return true?
---@return string?
---@return string?
function Image:save(path) end

--- Shows it on a terminal that can show pictures, and says in words what it is.
---@param options table? columns, rows, mode, colors, file
---@return true
function Image:show(options) end

---@class lab.image.blend
---@field with lab.Image the picture on top, of the same size; where it is transparent it does not show
---@field alpha? number how much of the picture on top shows: 0 nothing .. 1 it alone; 0..1; default 0.5
---@field mask? lab.Mask where it shows, of the same size: alpha is multiplied by it

--- a picture with another one on top. With w = 255 alpha, rounded, and times mask / 255: (a
--- (255 - w) + b w) / 255, rounded. The result keeps the alpha of the picture below; it is grey
--- where both are.
---@overload fun(self: lab.Image, with: lab.Image, options?: lab.image.blend): lab.Image?, string?, string?
---@param options lab.image.blend
---@return lab.Image? result
---@return string? message
---@return string? code
function Image:blend(options) end

---@class lab.image.blur
---@field radius number pixels: how far a point spreads (about 95 % of it); 0 changes nothing; 0..1024
---@field mask? lab.Mask where to blur, of the same size: 255 fully, 0 not at all; without it everywhere

--- a picture blurred, everywhere or where a mask says so. A Gaussian with a standard deviation
--- of radius / 2, as mask.feather. Under a mask: (sharp (255 - mask) + blurred mask) / 255,
--- rounded. What cannot be recognised any more depends on its size: a face needs a radius of
--- about a third of its width.
---@overload fun(self: lab.Image, radius: number, options?: lab.image.blur): lab.Image?, string?, string?
---@param options lab.image.blur
---@return lab.Image? result
---@return string? message
---@return string? code
function Image:blur(options) end

---@class lab.image.composite
---@field color? lab.Color what is behind the transparent parts (its own alpha is not used); default "#fff"
---@field picture? lab.Image a picture of the same size behind it, in front of the colour

--- a cut-out on a colour or on another picture. (behind (255 - alpha) + front alpha) / 255,
--- rounded, for each of red, green and blue; the result has no alpha.
---@overload fun(self: lab.Image, color: lab.Color, options?: lab.image.composite): lab.Image?, string?, string?
---@param options? lab.image.composite
---@return lab.Image? result
---@return string? message
---@return string? code
function Image:composite(options) end

---@class lab.image.convert
---@field channels integer 1: grey, 3: colour, 4: colour with alpha; 1..4

--- a picture with other channels. Grey is (77 r + 150 g + 29 b) / 256, rounded. Grey becomes
--- colour by repeating it. New alpha is 255; alpha that goes is dropped (image.composite puts a
--- colour behind it instead).
---@overload fun(self: lab.Image, channels: integer, options?: lab.image.convert): lab.Image?, string?, string?
---@param options lab.image.convert
---@return lab.Image? result
---@return string? message
---@return string? code
function Image:convert(options) end

---@class lab.image.crop
---@field x? integer pixels left of the part; 0..65535; default 0
---@field y? integer pixels above the part; 0..65535; default 0
---@field width? integer pixels; without it up to the right edge; 1..65535
---@field height? integer pixels; without it down to the bottom edge; 1..65535

--- a rectangular part of a picture.
---@param options? lab.image.crop
---@return lab.Image? result
---@return string? message
---@return string? code
function Image:crop(options) end

---@class lab.image.cutout
---@field mask lab.Mask what stays, of the same size: 255 all, 0 nothing

--- the part of a picture that a mask keeps, the rest transparent. The result has four channels:
--- the picture's colours, and alpha = mask times the alpha the picture has already, / 255,
--- rounded. Colours under alpha 0 are kept.
---@overload fun(self: lab.Image, mask: lab.Mask, options?: lab.image.cutout): lab.Image?, string?, string?
---@param options lab.image.cutout
---@return lab.Image? result
---@return string? message
---@return string? code
function Image:cutout(options) end

---@class lab.image.encode
---@field format? "png"|"jpeg"|"bmp" of the file; JPEG has no alpha and loses a little; default "png"
---@field quality? integer JPEG: 1 smallest .. 100 best; 1..100; default 92
---@field level? integer PNG: 0 not compressed .. 9 smallest and slowest; 0..9; default 1

--- a picture as the bytes of a PNG, JPEG or BMP file.
---@param options? lab.image.encode
---@return string? result
---@return string? message
---@return string? code
function Image:encode(options) end

---@class lab.image.normalize
---@field dtype? "u8"|"i8"|"f32" number type the network takes; default "u8"
---@field scale? number factor of every byte; default 1
---@field offset? number added after scaling; default 0

--- a picture as a network's input, 1 x height x width x 3. value = byte * scale + offset in
--- double precision, rounded once: to float32, or half to even and clamped for integers. Grey
--- is repeated in the three channels; alpha is left out (composite the picture first if what is
--- behind matters).
---@param options? lab.image.normalize
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Image:normalize(options) end

---@class lab.image.orient
---@field orientation integer 1: as it is, 2: mirrored left to right, 3: turned by 180 degrees, 4: mirrored top to bottom, 5: transposed, 6: turned 90 degrees clockwise, 7: transposed across the other diagonal, 8: turned 90 degrees anticlockwise; 1..8

--- a picture turned or mirrored by an EXIF orientation. The numbers are those of the EXIF tag
--- Orientation (CIPA DC-008): what has to be done to a stored picture so that it is upright.
---@overload fun(self: lab.Image, orientation: integer, options?: lab.image.orient): lab.Image?, string?, string?
---@param options lab.image.orient
---@return lab.Image? result
---@return string? message
---@return string? code
function Image:orient(options) end

---@class lab.image.pad
---@field left? integer pixels added on the left; 0..65535; default 0
---@field top? integer pixels added above; 0..65535; default 0
---@field right? integer pixels added on the right; 0..65535; default 0
---@field bottom? integer pixels added below; 0..65535; default 0
---@field color? lab.Color of the added pixels; its alpha counts where the picture has alpha, a grey picture takes its luma; default "#000"

--- a picture with a border of one colour.
---@param options? lab.image.pad
---@return lab.Image? result
---@return string? message
---@return string? code
function Image:pad(options) end

---@class lab.image.paste
---@field with lab.Image the picture to put on top; where it is transparent it does not show
---@field x? integer column of its left edge; -65535..65535; default 0
---@field y? integer row of its top edge; -65535..65535; default 0

--- a picture with a smaller one somewhere on it. What is beyond the picture's edges is cut off.
--- Size and channels stay: on a grey picture colours become grey. (below (255 - alpha) + top
--- alpha) / 255, rounded; on a picture with alpha what is below counts by its own.
---@overload fun(self: lab.Image, with: lab.Image, options?: lab.image.paste): lab.Image?, string?, string?
---@param options lab.image.paste
---@return lab.Image? result
---@return string? message
---@return string? code
function Image:paste(options) end

---@class lab.image.resize
---@field width? integer pixels; when only height is given it follows from the aspect ratio, rounded; 1..65535
---@field height? integer pixels; when only width is given it follows from the aspect ratio, rounded; 1..65535
---@field method? "area"|"bilinear"|"nearest"|"lanczos" area: the mean of what a new pixel covers (bilinear when enlarging); bilinear: between the four nearest; nearest: one old pixel; lanczos: three lobes, sharpest; default "area"

--- a picture of another size. Pixel centres are at half-integers, so nothing shifts. The
--- arithmetic is in integers (14-bit weights), so the bytes are the same on every machine.
--- Colours are weighted by alpha where there is alpha.
---@param options? lab.image.resize
---@return lab.Image? result
---@return string? message
---@return string? code
function Image:resize(options) end
