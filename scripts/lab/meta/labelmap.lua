---@meta
-- Written by `lualab ops --meta` from the descriptors of the operators.

---@class lab.LabelMap
---@operator len: integer
local LabelMap = {}

--- "tensor", "image", "labelmap" or "mask".
---@return string
function LabelMap:kind() end

--- "u8", "i8", "u16", "i16", "i32", "i64", "f16" or "f32".
---@return string
function LabelMap:dtype() end

--- The dimensions; the last varies fastest.
---@return integer[]
function LabelMap:shape() end

--- The elements as they are in memory.
---@return string
function LabelMap:bytes() end

--- The label set, of a label map that has one.
---@return lab.Labels?
function LabelMap:labels() end

--- Scale and zero point, of a quantised tensor.
---@return number?
---@return integer?
function LabelMap:quant() end

--- An element as it is stored; nil outside.
---@param i integer 1-based flat position, or one position for each dimension
---@param ... integer
---@return number?
function LabelMap:get(i, ...) end

--- Stores an element. Values that share the data keep theirs.
---@param i integer 1-based flat position, or one position for each dimension
---@param ... number more positions, and the new element last
function LabelMap:set(i, ...) end

--- The same data as another kind, where that fits.
---@param kind "tensor"|"image"|"labelmap"|"mask" the new kind
---@return any
function LabelMap:as(kind) end

--- Frees the memory now; also done by <close> and by the collector.
function LabelMap:close() end

--- Pixels.
---@return integer
function LabelMap:width() end

--- Pixels.
---@return integer
function LabelMap:height() end

--- Samples of a pixel: 1, 3 or 4.
---@return integer
function LabelMap:channels() end

--- The samples of a pixel: a class id, an alpha, or a colour; nothing outside.
---@param x integer column, from 0
---@param y integer row, from 0
---@return integer?
---@return integer?
---@return integer?
---@return integer?
function LabelMap:at(x, y) end

--- Writes a file.
---@param path string its ending says the format
---@return true?
---@return string?
---@return string?
function LabelMap:save(path) end

--- Shows it on a terminal that can show pictures, and says in words what it is.
---@param options table? columns, rows, mode, colors, file
---@return true
function LabelMap:show(options) end

--- The same ids with another label set.
---@param labels lab.Labels? nil: none
---@return lab.LabelMap
function LabelMap:with_labels(labels) end

--- Other classes for some of the pixels.
---@param classes table<string|integer, string|integer> the new class of each old one, by name or id
---@return lab.LabelMap?
---@return string?
---@return string?
function LabelMap:replace(classes) end

--- The same ids with other colours for some classes.
---@param colors table<string|integer, string|integer|integer[]> "#rrggbb", 0xRRGGBB or {r, g, b} of some classes, by name or id
---@return lab.LabelMap
function LabelMap:recolor(colors) end

---@class lab.map.boundary
---@field width? integer pixels on each side of a boundary between two classes; 1..1024; default 1

--- where classes meet, as a mask. 255 where another class is at most `width` columns and rows
--- away, else 0. With ground truth as map it is the trimap in which edges are evaluated.
---@overload fun(self: lab.LabelMap, width: integer, options?: lab.map.boundary): lab.Mask?, string?, string?
---@param options? lab.map.boundary
---@return lab.Mask? result
---@return string? message
---@return string? code
function LabelMap:boundary(options) end

---@class lab.map.boundary_overlap
---@field truth lab.LabelMap what is right, of the same size
---@field classes integer how many classes there are; ids are 0 .. classes - 1; 1..4096
---@field ignore? integer id in the truth whose pixels do not count (255: void); -1 none; -1..65535; default 255
---@field ratio? number how far the band reaches into a class, as a part of the picture's diagonal; at least one pixel; 0..1; default 0.02
---@field width? integer how far it reaches in pixels, instead of ratio; 1..65535

--- how far the borders of classes agree with those of the truth. What boundary IoU (Cheng et
--- al., CVPR 2021) is made of, i64 [classes, 3]: pixels in the band of each class in the truth,
--- in this map, and in both. A class's band are those of its pixels that have a pixel of
--- another class, or of beyond the picture's edge, at most so many columns and rows away.
--- Pixels that the truth ignores are a class of their own in both maps, which is not counted.
--- Tensors of several pictures are added up; then boundary IoU = both / (truth + map - both).
---@overload fun(self: lab.LabelMap, truth: lab.LabelMap, options?: lab.map.boundary_overlap): lab.Tensor|lab.Image|lab.LabelMap|lab.Mask?, string?, string?
---@param options lab.map.boundary_overlap
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function LabelMap:boundary_overlap(options) end

--- the classes that occur in a label map, by id. One row a class: id, name ("class N" outside
--- the label set), pixels. map.legend tells more of each.
---@return table[]? result
---@return string? message
---@return string? code
function LabelMap:classes() end

--- a label map as a picture in its classes' colours. The colours are those of the label set; an
--- id that it does not have is an error. Without a label set: the Pascal VOC colours, whose
--- red, green and blue take the id's bits in turn from the highest down.
---@return lab.Image? result
---@return string? message
---@return string? code
function LabelMap:colorize() end

---@class lab.map.compare
---@field with lab.LabelMap the other map, of the same size
---@field ignore? integer pixels where either map has this id do not count; -1 none; -1..65535; default -1

--- how much two label maps agree. One row: agreement (same / pixels), pixels counted, same,
--- different, ignored, classes that occur in either map, and mean_iou, the mean over them of
--- intersection over union.
---@overload fun(self: lab.LabelMap, with: lab.LabelMap, options?: lab.map.compare): table[]?, string?, string?
---@param options lab.map.compare
---@return table[]? result
---@return string? message
---@return string? code
function LabelMap:compare(options) end

---@class lab.map.confusion
---@field truth lab.LabelMap what is right, of the same size
---@field classes integer how many classes there are; ids are 0 .. classes - 1; 1..4096
---@field ignore? integer id in the truth whose pixels do not count (255: void); -1 none; -1..65535; default 255

--- how often each class was taken for each other. A matrix of pixel counts, i64 [classes,
--- classes]: row = class in the truth, column = class in this map. Matrices of several pictures
--- are added up before the intersection over union is taken: m[c][c] / (row c + column c -
--- m[c][c]).
---@overload fun(self: lab.LabelMap, truth: lab.LabelMap, options?: lab.map.confusion): lab.Tensor|lab.Image|lab.LabelMap|lab.Mask?, string?, string?
---@param options lab.map.confusion
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function LabelMap:confusion(options) end

---@class lab.map.crop
---@field x? integer pixels left of the part; 0..65535; default 0
---@field y? integer pixels above the part; 0..65535; default 0
---@field width? integer pixels; without it up to the right edge; 1..65535
---@field height? integer pixels; without it down to the bottom edge; 1..65535

--- a rectangular part of a label map.
---@param options? lab.map.crop
---@return lab.LabelMap? result
---@return string? message
---@return string? code
function LabelMap:crop(options) end

---@class lab.map.draw_legend
---@field width? integer pixels; 0 as wide as the content. Names that do not fit end in an ellipsis; 0..65535; default 0
---@field font? string the bytes of a TrueType font; without one a built-in font of dots is used: ASCII only, its height in steps of 12 pixels
---@field size? integer height of the text in pixels, from the highest to the lowest letter; 6..400; default 18
---@field percent? boolean show the share of each class; default true
---@field background? lab.Color behind all; text is dark on light colours and light on dark ones. With alpha below 255 the picture has alpha, too; default "#fff"

--- a picture of the legend: colours, names and shares, largest first. One line a class that
--- occurs. The picture is as high as its lines; with width 0 it is as wide as they need.
---@param options? lab.map.draw_legend
---@return lab.Image? result
---@return string? message
---@return string? code
function LabelMap:draw_legend(options) end

---@class lab.map.encode
---@field level? integer PNG: 0 not compressed .. 9 smallest and slowest; 0..9; default 6

--- a label map as the bytes of an indexed PNG. A pixel's value is its class id; the palette has
--- the label set's colours (the Pascal VOC colours without one, and for ids outside it). Maps
--- with 16-bit ids become 16-bit grey.
---@overload fun(self: lab.LabelMap, level: integer, options?: lab.map.encode): string?, string?, string?
---@param options? lab.map.encode
---@return string? result
---@return string? message
---@return string? code
function LabelMap:encode(options) end

---@class lab.map.legend
---@field regions? boolean count the connected regions of each class, too (neighbours touch at sides and corners); default false

--- the classes of a label map, largest first. One row a class that occurs: id (0-based), name,
--- color {r, g, b}, pixels, fraction of the map, box {x, y, width, height}, centroid_x and
--- centroid_y (mean column and row, counted from 0), regions (0 unless asked for). Ids outside
--- the label set are called "class N".
---@param options? lab.map.legend
---@return table[]? result
---@return string? message
---@return string? code
function LabelMap:legend(options) end

---@class lab.map.mask
---@field include? lab.Classes classes inside the mask; without it all that are not excluded
---@field exclude? lab.Classes classes outside the mask, also where they are included

--- where some classes are: 255 there, 0 elsewhere. Give the classes to include, those to
--- exclude, or both (then what is included and not excluded). Class ids are 0-based pixel
--- values.
---@overload fun(self: lab.LabelMap, include: lab.Classes, options?: lab.map.mask): lab.Mask?, string?, string?
---@param options? lab.map.mask
---@return lab.Mask? result
---@return string? message
---@return string? code
function LabelMap:mask(options) end

---@class lab.map.merge
---@field classes lab.Classes classes to be taken together
---@field into lab.Classes the class that they become; of several the first (a name may stand for several)

--- a label map in which several classes have become one. All other classes stay. The label set
--- stays, too.
---@overload fun(self: lab.LabelMap, classes: lab.Classes, options?: lab.map.merge): lab.LabelMap?, string?, string?
---@param options lab.map.merge
---@return lab.LabelMap? result
---@return string? message
---@return string? code
function LabelMap:merge(options) end

---@class lab.map.regions
---@field classes? lab.Classes classes whose regions are listed; without it all
---@field connectivity? "8"|"4" 8: pixels that touch at a corner belong together; 4: only those that share a side; default "8"
---@field min_pixels? integer smaller regions are left out; 1..2147483647; default 1

--- the connected regions of classes, largest first. One row a region: id and name of its class,
--- pixels, box {x, y, width, height}, centroid_x and centroid_y (mean column and row, counted
--- from 0), x and y (its topmost, then leftmost pixel: mask:region{x=, y=} finds it again).
---@overload fun(self: lab.LabelMap, classes: lab.Classes, options?: lab.map.regions): table[]?, string?, string?
---@param options? lab.map.regions
---@return table[]? result
---@return string? message
---@return string? code
function LabelMap:regions(options) end

---@class lab.map.remap
---@field ids number[] the new ids of ids 0, 1, 2, …; ids beyond the list stay; 0..65535

--- a label map with other ids. The first entry of the list is the new id of class 0. The label
--- set stays: map:with_labels gives another.
---@overload fun(self: lab.LabelMap, ids: number[], options?: lab.map.remap): lab.LabelMap?, string?, string?
---@param options lab.map.remap
---@return lab.LabelMap? result
---@return string? message
---@return string? code
function LabelMap:remap(options) end

---@class lab.map.resize
---@field width? integer pixels; when only height is given it follows from the aspect ratio, rounded; 1..65535
---@field height? integer pixels; when only width is given it follows from the aspect ratio, rounded; 1..65535

--- a label map of another size. Each new pixel takes the class of the old pixel that contains
--- its centre: class ids have no values in between.
---@param options? lab.map.resize
---@return lab.LabelMap? result
---@return string? message
---@return string? code
function LabelMap:resize(options) end

---@class lab.map.smooth
---@field radius? integer pixels: the window is 2 radius + 1 wide and high; 1..255; default 1

--- a label map without specks and ragged edges. Each pixel takes the class that most pixels of
--- the window around it have (majority filter); in a tie it keeps its own class if that is
--- among them, else takes the lowest id. At the border the window is cut off.
---@overload fun(self: lab.LabelMap, radius: integer, options?: lab.map.smooth): lab.LabelMap?, string?, string?
---@param options? lab.map.smooth
---@return lab.LabelMap? result
---@return string? message
---@return string? code
function LabelMap:smooth(options) end
