---@meta
-- Written by `lualab ops --meta` from the descriptors of the operators.

---@class lab.Mask
---@operator band(lab.Mask): lab.Mask
---@operator bor(lab.Mask): lab.Mask
---@operator sub(lab.Mask): lab.Mask
---@operator bnot: lab.Mask
---@operator len: integer
local Mask = {}

--- "tensor", "image", "labelmap" or "mask".
---@return string
function Mask:kind() end

--- "u8", "i8", "u16", "i16", "i32", "i64", "f16" or "f32".
---@return string
function Mask:dtype() end

--- The dimensions; the last varies fastest.
---@return integer[]
function Mask:shape() end

--- The elements as they are in memory.
---@return string
function Mask:bytes() end

--- The label set, of a label map that has one.
---@return lab.Labels?
function Mask:labels() end

--- Scale and zero point, of a quantised tensor.
---@return number?
---@return integer?
function Mask:quant() end

--- An element as it is stored; nil outside.
---@param i integer 1-based flat position, or one position for each dimension
---@param ... integer
---@return number?
function Mask:get(i, ...) end

--- Stores an element. Values that share the data keep theirs.
---@param i integer 1-based flat position, or one position for each dimension
---@param ... number more positions, and the new element last
function Mask:set(i, ...) end

--- The same data as another kind, where that fits.
---@param kind "tensor"|"image"|"labelmap"|"mask" the new kind
---@return any
function Mask:as(kind) end

--- Frees the memory now; also done by <close> and by the collector.
function Mask:close() end

--- Pixels.
---@return integer
function Mask:width() end

--- Pixels.
---@return integer
function Mask:height() end

--- Samples of a pixel: 1, 3 or 4.
---@return integer
function Mask:channels() end

--- The samples of a pixel: a class id, an alpha, or a colour; nothing outside.
---@param x integer column, from 0
---@param y integer row, from 0
---@return integer?
---@return integer?
---@return integer?
---@return integer?
function Mask:at(x, y) end

--- Writes a file.
---@param path string its ending says the format
---@return true?
---@return string?
---@return string?
function Mask:save(path) end

--- Shows it on a terminal that can show pictures, and says in words what it is.
---@param options table? columns, rows, mode, colors, file
---@return true
function Mask:show(options) end

---@class lab.mask.closing
---@field radius integer pixels; 0 changes nothing; 0..1024
---@field shape? "disc"|"square" disc: all within the radius; square: radius pixels to each side, at the same cost for any radius; default "disc"

--- a mask without gaps and cracks. Dilated, then eroded: gaps that the disc or square does not
--- fit into are filled. (Not called close, which frees a value.) Soft masks keep their levels.
--- What is beyond the border has no say.
---@overload fun(self: lab.Mask, radius: integer, options?: lab.mask.closing): lab.Mask?, string?, string?
---@param options lab.mask.closing
---@return lab.Mask? result
---@return string? message
---@return string? code
function Mask:closing(options) end

---@class lab.mask.crop
---@field x? integer pixels left of the part; 0..65535; default 0
---@field y? integer pixels above the part; 0..65535; default 0
---@field width? integer pixels; without it up to the right edge; 1..65535
---@field height? integer pixels; without it down to the bottom edge; 1..65535

--- a rectangular part of a mask.
---@param options? lab.mask.crop
---@return lab.Mask? result
---@return string? message
---@return string? code
function Mask:crop(options) end

---@class lab.mask.cutout
---@field image lab.Image the picture to cut from, of the same size

--- the part of a picture that this mask keeps, the rest transparent. The result has four
--- channels: the picture's colours, and alpha = mask times the alpha the picture has already, /
--- 255, rounded. Colours under alpha 0 are kept.
---@overload fun(self: lab.Mask, image: lab.Image, options?: lab.mask.cutout): lab.Image?, string?, string?
---@param options lab.mask.cutout
---@return lab.Image? result
---@return string? message
---@return string? code
function Mask:cutout(options) end

---@class lab.mask.dilate
---@field radius integer pixels; 0 changes nothing; 0..1024
---@field shape? "disc"|"square" disc: all within the radius; square: radius pixels to each side, at the same cost for any radius; default "disc"

--- a mask grown at its edges. Each pixel takes the largest value within the radius. Soft masks
--- keep their levels. What is beyond the border has no say.
---@overload fun(self: lab.Mask, radius: integer, options?: lab.mask.dilate): lab.Mask?, string?, string?
---@param options lab.mask.dilate
---@return lab.Mask? result
---@return string? message
---@return string? code
function Mask:dilate(options) end

---@class lab.mask.encode
---@field level? integer PNG: 0 not compressed .. 9 smallest and slowest; 0..9; default 6

--- a mask as the bytes of a grey PNG.
---@overload fun(self: lab.Mask, level: integer, options?: lab.mask.encode): string?, string?, string?
---@param options? lab.mask.encode
---@return string? result
---@return string? message
---@return string? code
function Mask:encode(options) end

---@class lab.mask.erode
---@field radius integer pixels; 0 changes nothing; 0..1024
---@field shape? "disc"|"square" disc: all within the radius; square: radius pixels to each side, at the same cost for any radius; default "disc"

--- a mask shrunk from its edges. Each pixel takes the smallest value within the radius. Soft
--- masks keep their levels. What is beyond the border has no say.
---@overload fun(self: lab.Mask, radius: integer, options?: lab.mask.erode): lab.Mask?, string?, string?
---@param options lab.mask.erode
---@return lab.Mask? result
---@return string? message
---@return string? code
function Mask:erode(options) end

---@class lab.mask.feather
---@field radius number pixels: how far on either side of an edge the mask fades (about 95 % of the way); 0 changes nothing; 0..1024

--- a mask with soft edges. A Gaussian blur with a standard deviation of radius / 2, cut off at
--- three of them; beyond the border the edge pixels go on. Weights of 14 bits, integer sums,
--- rounded half up: the same bytes everywhere.
---@overload fun(self: lab.Mask, radius: number, options?: lab.mask.feather): lab.Mask?, string?, string?
---@param options lab.mask.feather
---@return lab.Mask? result
---@return string? message
---@return string? code
function Mask:feather(options) end

---@class lab.mask.fill_holes
---@field max_pixels? integer larger holes stay; without it all are filled; 0..2147483647
---@field connectivity? "8"|"4" 8: pixels that touch at a corner belong together; 4: only those that share a side; default "8"

--- a mask whose holes have become inside. Inside is from 128 on. A hole is outside, does not
--- reach the border, and is all around it inside; where inside is connected at corners, outside
--- is not, and the other way round.
---@overload fun(self: lab.Mask, max_pixels: integer, options?: lab.mask.fill_holes): lab.Mask?, string?, string?
---@param options? lab.mask.fill_holes
---@return lab.Mask? result
---@return string? message
---@return string? code
function Mask:fill_holes(options) end

---@class lab.mask.intersect
---@field with lab.Mask the other mask, of the same size

--- what is inside both masks: a & b. The smaller of the two values at each pixel.
---@overload fun(self: lab.Mask, with: lab.Mask, options?: lab.mask.intersect): lab.Mask?, string?, string?
---@param options lab.mask.intersect
---@return lab.Mask? result
---@return string? message
---@return string? code
function Mask:intersect(options) end

--- inside becomes outside: 255 minus each value.
---@return lab.Mask? result
---@return string? message
---@return string? code
function Mask:invert() end

---@class lab.mask.largest_region
---@field connectivity? "8"|"4" 8: pixels that touch at a corner belong together; 4: only those that share a side; default "8"

--- the largest connected region of a mask alone. Inside is from 128 on; the region keeps its
--- values, all else becomes 0. Of regions of the same size the topmost, then leftmost stays; an
--- empty mask stays empty.
---@param options? lab.mask.largest_region
---@return lab.Mask? result
---@return string? message
---@return string? code
function Mask:largest_region(options) end

--- how large a mask is and where. One row: pixels inside (from 128 on), their fraction of the
--- picture, area (the sum of all values / 255), and where there are pixels inside: box {x, y,
--- width, height}, centroid_x and centroid_y (mean column and row, counted from 0).
---@return table[]? result
---@return string? message
---@return string? code
function Mask:measure() end

---@class lab.mask.opening
---@field radius integer pixels; 0 changes nothing; 0..1024
---@field shape? "disc"|"square" disc: all within the radius; square: radius pixels to each side, at the same cost for any radius; default "disc"

--- a mask without specks and thin parts. Eroded, then dilated: what the disc or square does not
--- fit into goes. Soft masks keep their levels. What is beyond the border has no say.
---@overload fun(self: lab.Mask, radius: integer, options?: lab.mask.opening): lab.Mask?, string?, string?
---@param options lab.mask.opening
---@return lab.Mask? result
---@return string? message
---@return string? code
function Mask:opening(options) end

---@class lab.mask.outline
---@field tolerance? number pixels that a polygon may be away from the border (Ramer, Douglas & Peucker); 0: every corner is kept; 0..65535; default 0
---@field min_pixels? integer borders around fewer pixels are left out, those of holes, too; 1..2147483647; default 1
---@field connectivity? "8"|"4" 8: pixels that touch at a corner share a border; 4: they do not; default "8"

--- the borders of a mask as polygons, with those of its holes. Inside is from 128 on. One row a
--- border: hole (0 or 1), pixels (the area around which it goes, before simplification), points
--- {x1, y1, x2, y2, …}. Points are corners of pixels: pixel x goes from x to x + 1. Outer
--- borders run clockwise on the screen, those of holes anticlockwise. Drawn with the even-odd
--- rule they give the mask again.
---@overload fun(self: lab.Mask, tolerance: number, options?: lab.mask.outline): table[]?, string?, string?
---@param options? lab.mask.outline
---@return table[]? result
---@return string? message
---@return string? code
function Mask:outline(options) end

---@class lab.mask.region
---@field x integer column, from 0; 0..65535
---@field y integer row, from 0; 0..65535
---@field connectivity? "8"|"4" 8: pixels that touch at a corner belong together; 4: only those that share a side; default "8"

--- the connected region of a mask that a pixel belongs to. Inside is from 128 on; the region
--- keeps its values, all else becomes 0. Empty where the pixel is outside.
---@param options lab.mask.region
---@return lab.Mask? result
---@return string? message
---@return string? code
function Mask:region(options) end

---@class lab.mask.resize
---@field width? integer pixels; when only height is given it follows from the aspect ratio, rounded; 1..65535
---@field height? integer pixels; when only width is given it follows from the aspect ratio, rounded; 1..65535
---@field method? "area"|"bilinear"|"nearest"|"lanczos" area: the mean of what a new pixel covers (bilinear when enlarging); bilinear: between the four nearest; nearest: one old pixel; lanczos: three lobes, sharpest; default "bilinear"

--- a mask of another size. As image.resize.
---@param options? lab.mask.resize
---@return lab.Mask? result
---@return string? message
---@return string? code
function Mask:resize(options) end

--- a mask as COCO's run lengths, column by column. Inside is from 128 on. One row: width,
--- height, pixels (inside), counts {outside, inside, outside, …}: the pixels of one column
--- after another, each from the top; the first count is 0 when the first pixel is inside.
---@return table[]? result
---@return string? message
---@return string? code
function Mask:rle() end

---@class lab.mask.subtract
---@field with lab.Mask the other mask, of the same size

--- what is inside this mask and outside the other: a - b. The smaller of a and 255 - b at each
--- pixel: a & ~b.
---@overload fun(self: lab.Mask, with: lab.Mask, options?: lab.mask.subtract): lab.Mask?, string?, string?
---@param options lab.mask.subtract
---@return lab.Mask? result
---@return string? message
---@return string? code
function Mask:subtract(options) end

---@class lab.mask.threshold
---@field level? integer values from here on become 255, the others 0; 0..255; default 128

--- a mask with hard edges.
---@overload fun(self: lab.Mask, level: integer, options?: lab.mask.threshold): lab.Mask?, string?, string?
---@param options? lab.mask.threshold
---@return lab.Mask? result
---@return string? message
---@return string? code
function Mask:threshold(options) end

---@class lab.mask.unite
---@field with lab.Mask the other mask, of the same size

--- what is inside either mask: a | b. The larger of the two values at each pixel.
---@overload fun(self: lab.Mask, with: lab.Mask, options?: lab.mask.unite): lab.Mask?, string?, string?
---@param options lab.mask.unite
---@return lab.Mask? result
---@return string? message
---@return string? code
function Mask:unite(options) end
