---@meta
-- Written by `lualab ops --meta` from the descriptors of the operators.

---@class lab.Tensor
---@field [integer] number  an element, by its 1-based flat position
---@operator add(number|lab.Tensor): lab.Tensor
---@operator sub(number|lab.Tensor): lab.Tensor
---@operator mul(number|lab.Tensor): lab.Tensor
---@operator div(number|lab.Tensor): lab.Tensor
---@operator unm: lab.Tensor
---@operator len: integer
local Tensor = {}

--- "tensor", "image", "labelmap" or "mask".
---@return string
function Tensor:kind() end

--- "u8", "i8", "u16", "i16", "i32", "i64", "f16" or "f32".
---@return string
function Tensor:dtype() end

--- The dimensions; the last varies fastest.
---@return integer[]
function Tensor:shape() end

--- The elements as they are in memory.
---@return string
function Tensor:bytes() end

--- The label set, of a label map that has one.
---@return lab.Labels?
function Tensor:labels() end

--- Scale and zero point, of a quantised tensor.
---@return number?
---@return integer?
function Tensor:quant() end

--- An element as it is stored; nil outside.
---@param i integer 1-based flat position, or one position for each dimension
---@param ... integer
---@return number?
function Tensor:get(i, ...) end

--- Stores an element. Values that share the data keep theirs.
---@param i integer 1-based flat position, or one position for each dimension
---@param ... number more positions, and the new element last
function Tensor:set(i, ...) end

--- The same data as another kind, where that fits.
---@param kind "tensor"|"image"|"labelmap"|"mask" the new kind
---@return any
function Tensor:as(kind) end

--- Frees the memory now; also done by <close> and by the collector.
function Tensor:close() end

--- Shows it on a terminal that can show pictures, and says in words what it is.
---@param options table? columns, rows, mode, colors, file
---@return true
function Tensor:show(options) end

---@class lab.tensor.add
---@field with? lab.Tensor|lab.Image|lab.LabelMap|lab.Mask the other tensor: of the same shape, or of that of the last dimensions, over which it is repeated
---@field number? number a number in its place
---@field reversed? boolean the other one comes first; default false

--- the sum with a tensor or a number: t + u. Whole numbers give whole numbers: i32, or i64
--- where one is i64; results that do not fit stop at the largest or smallest that does. All
--- else gives f32, computed in double precision and rounded once; quantised tensors count as
--- the real numbers they stand for. Numbers whose fraction is 0 are whole.
---@overload fun(self: lab.Tensor, with: lab.Tensor|lab.Image|lab.LabelMap|lab.Mask, options?: lab.tensor.add): lab.Tensor|lab.Image|lab.LabelMap|lab.Mask?, string?, string?
---@param options? lab.tensor.add
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:add(options) end

---@class lab.tensor.apply
---@field function "abs"|"negate"|"square"|"sqrt"|"exp"|"log"|"logistic"|"relu"|"round"|"floor"|"ceil"|"sign" logistic is 1 / (1 + e^-x), round is half up, sign is -1, 0 or 1

--- a function of each element. f32, computed in double precision and rounded once; quantised
--- tensors count as the real numbers they stand for. log is the C library's, the others are the
--- same on every machine.
---@overload fun(self: lab.Tensor, function: "abs"|"negate"|"square"|"sqrt"|"exp"|"log"|"logistic"|"relu"|"round"|"floor"|"ceil"|"sign", options?: lab.tensor.apply): lab.Tensor|lab.Image|lab.LabelMap|lab.Mask?, string?, string?
---@param options lab.tensor.apply
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:apply(options) end

--- the class with the largest value at each position, as a label map. The lowest id wins a tie.
--- The map has the tensor's height and width; tensor.upsample_argmax gives one of any size.
---@return lab.LabelMap? result
---@return string? message
---@return string? code
function Tensor:argmax() end

---@class lab.tensor.cast
---@field dtype "u8"|"i8"|"u16"|"i16"|"i32"|"i64"|"f16"|"f32" number type of the result

--- the same numbers as another type. Floats are rounded to the nearest, integers half to even;
--- what does not fit becomes the nearest that does, NaN 0. Quantised tensors count as the real
--- numbers they stand for; the result is not quantised.
---@overload fun(self: lab.Tensor, dtype: "u8"|"i8"|"u16"|"i16"|"i32"|"i64"|"f16"|"f32", options?: lab.tensor.cast): lab.Tensor|lab.Image|lab.LabelMap|lab.Mask?, string?, string?
---@param options lab.tensor.cast
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:cast(options) end

---@class lab.tensor.clamp
---@field min? number smaller elements become this; without it none do
---@field max? number larger elements become this; without it none do

--- elements kept within bounds. f32; quantised tensors count as the real numbers they stand
--- for. NaN stays.
---@param options? lab.tensor.clamp
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:clamp(options) end

---@class lab.tensor.concat
---@field with lab.Tensor|lab.Image|lab.LabelMap|lab.Mask the tensor that follows: of the same type, other dimensions alike
---@field axis? integer dimension along which they follow one another: 1 the first, -1 the last; -5..5; default -1

--- two tensors one after the other.
---@overload fun(self: lab.Tensor, with: lab.Tensor|lab.Image|lab.LabelMap|lab.Mask, options?: lab.tensor.concat): lab.Tensor|lab.Image|lab.LabelMap|lab.Mask?, string?, string?
---@param options lab.tensor.concat
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:concat(options) end

--- the real numbers that a quantised tensor stands for. scale (q - zero_point) in double
--- precision, rounded to f32. A tensor that is not quantised is cast.
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:dequantize() end

---@class lab.tensor.divide
---@field with? lab.Tensor|lab.Image|lab.LabelMap|lab.Mask the other tensor: of the same shape, or of that of the last dimensions, over which it is repeated
---@field number? number a number in its place
---@field reversed? boolean the other one comes first; default false

--- the quotient by a tensor or a number: t / u. Always f32, computed in double precision and
--- rounded once; quantised tensors count as the real numbers they stand for. Division by 0
--- gives infinity or NaN.
---@overload fun(self: lab.Tensor, with: lab.Tensor|lab.Image|lab.LabelMap|lab.Mask, options?: lab.tensor.divide): lab.Tensor|lab.Image|lab.LabelMap|lab.Mask?, string?, string?
---@param options? lab.tensor.divide
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:divide(options) end

--- a network's class ids as a label map. For networks that end in an arg-max: integers of any
--- width, [height, width], [1, height, width] or with a last dimension of 1. The map has 8-bit
--- ids where all fit, else 16-bit ones.
---@return lab.LabelMap? result
---@return string? message
---@return string? code
function Tensor:labelmap() end

---@class lab.tensor.max
---@field axis? integer dimension that is taken together: 1 the first, -1 the last; without it all elements; -5..5
---@field keep? boolean the dimension stays, with length 1; default false

--- the largest along a dimension or of all elements. Of whole numbers i64, else f32 (made in
--- double precision, in order); quantised tensors count as the real numbers they stand for.
--- Over all elements: a tensor of one, t[1] is it.
---@overload fun(self: lab.Tensor, axis: integer, options?: lab.tensor.max): lab.Tensor|lab.Image|lab.LabelMap|lab.Mask?, string?, string?
---@param options? lab.tensor.max
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:max(options) end

---@class lab.tensor.maximum
---@field with? lab.Tensor|lab.Image|lab.LabelMap|lab.Mask the other tensor: of the same shape, or of that of the last dimensions, over which it is repeated
---@field number? number a number in its place
---@field reversed? boolean the other one comes first; default false

--- the larger of each element and a tensor's or a number. Whole numbers give whole numbers:
--- i32, or i64 where one is i64; results that do not fit stop at the largest or smallest that
--- does. All else gives f32, computed in double precision and rounded once; quantised tensors
--- count as the real numbers they stand for. Numbers whose fraction is 0 are whole.
---@overload fun(self: lab.Tensor, with: lab.Tensor|lab.Image|lab.LabelMap|lab.Mask, options?: lab.tensor.maximum): lab.Tensor|lab.Image|lab.LabelMap|lab.Mask?, string?, string?
---@param options? lab.tensor.maximum
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:maximum(options) end

---@class lab.tensor.mean
---@field axis? integer dimension that is taken together: 1 the first, -1 the last; without it all elements; -5..5
---@field keep? boolean the dimension stays, with length 1; default false

--- the mean along a dimension or of all elements. f32, made in double precision, in order;
--- quantised tensors count as the real numbers they stand for. Over all elements: a tensor of
--- one, t[1] is it.
---@overload fun(self: lab.Tensor, axis: integer, options?: lab.tensor.mean): lab.Tensor|lab.Image|lab.LabelMap|lab.Mask?, string?, string?
---@param options? lab.tensor.mean
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:mean(options) end

---@class lab.tensor.min
---@field axis? integer dimension that is taken together: 1 the first, -1 the last; without it all elements; -5..5
---@field keep? boolean the dimension stays, with length 1; default false

--- the smallest along a dimension or of all elements. Of whole numbers i64, else f32 (made in
--- double precision, in order); quantised tensors count as the real numbers they stand for.
--- Over all elements: a tensor of one, t[1] is it.
---@overload fun(self: lab.Tensor, axis: integer, options?: lab.tensor.min): lab.Tensor|lab.Image|lab.LabelMap|lab.Mask?, string?, string?
---@param options? lab.tensor.min
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:min(options) end

---@class lab.tensor.minimum
---@field with? lab.Tensor|lab.Image|lab.LabelMap|lab.Mask the other tensor: of the same shape, or of that of the last dimensions, over which it is repeated
---@field number? number a number in its place
---@field reversed? boolean the other one comes first; default false

--- the smaller of each element and a tensor's or a number. Whole numbers give whole numbers:
--- i32, or i64 where one is i64; results that do not fit stop at the largest or smallest that
--- does. All else gives f32, computed in double precision and rounded once; quantised tensors
--- count as the real numbers they stand for. Numbers whose fraction is 0 are whole.
---@overload fun(self: lab.Tensor, with: lab.Tensor|lab.Image|lab.LabelMap|lab.Mask, options?: lab.tensor.minimum): lab.Tensor|lab.Image|lab.LabelMap|lab.Mask?, string?, string?
---@param options? lab.tensor.minimum
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:minimum(options) end

---@class lab.tensor.multiply
---@field with? lab.Tensor|lab.Image|lab.LabelMap|lab.Mask the other tensor: of the same shape, or of that of the last dimensions, over which it is repeated
---@field number? number a number in its place
---@field reversed? boolean the other one comes first; default false

--- the product with a tensor or a number: t * u. Whole numbers give whole numbers: i32, or i64
--- where one is i64; results that do not fit stop at the largest or smallest that does. All
--- else gives f32, computed in double precision and rounded once; quantised tensors count as
--- the real numbers they stand for. Numbers whose fraction is 0 are whole.
---@overload fun(self: lab.Tensor, with: lab.Tensor|lab.Image|lab.LabelMap|lab.Mask, options?: lab.tensor.multiply): lab.Tensor|lab.Image|lab.LabelMap|lab.Mask?, string?, string?
---@param options? lab.tensor.multiply
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:multiply(options) end

---@class lab.tensor.position_of_max
---@field axis? integer dimension that is taken together: 1 the first, -1 the last; without it all elements; -5..5
---@field keep? boolean the dimension stays, with length 1; default false

--- where the largest is along a dimension or of all elements. i64, from 1; the first of
--- several. (tensor.argmax makes a label map of a network's output: class ids start at 0.)
---@overload fun(self: lab.Tensor, axis: integer, options?: lab.tensor.position_of_max): lab.Tensor|lab.Image|lab.LabelMap|lab.Mask?, string?, string?
---@param options? lab.tensor.position_of_max
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:position_of_max(options) end

---@class lab.tensor.reshape
---@field shape number[] the new dimensions; one may be -1: what is left; -1..2.14748e+09

--- the same elements in another shape. The last dimension varies fastest. The data are shared
--- until one of the two is written to.
---@overload fun(self: lab.Tensor, shape: number[], options?: lab.tensor.reshape): lab.Tensor|lab.Image|lab.LabelMap|lab.Mask?, string?, string?
---@param options lab.tensor.reshape
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:reshape(options) end

---@class lab.tensor.slice
---@field axis integer dimension to cut: 1 the first, -1 the last; -5..5
---@field from integer first position kept: 1 the first, -1 the last; -2147483647..2147483647
---@field to? integer last position kept, counted likewise; without it only `from`; -2147483647..2147483647

--- a part of a tensor along one dimension. A copy: writing to it does not change the original.
--- All dimensions stay, the one that is cut with fewer positions (reshape drops it).
---@param options lab.tensor.slice
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:slice(options) end

---@class lab.tensor.softmax
---@field axis? integer dimension over which the results sum to 1: 1 the first, -1 the last; -5..5; default -1

--- logits as probabilities along one axis. e^(x - max) / sum of these, in double precision, as
--- f32: the same on every machine. Quantised tensors count as the real numbers they stand for.
---@overload fun(self: lab.Tensor, axis: integer, options?: lab.tensor.softmax): lab.Tensor|lab.Image|lab.LabelMap|lab.Mask?, string?, string?
---@param options? lab.tensor.softmax
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:softmax(options) end

---@class lab.tensor.subtract
---@field with? lab.Tensor|lab.Image|lab.LabelMap|lab.Mask the other tensor: of the same shape, or of that of the last dimensions, over which it is repeated
---@field number? number a number in its place
---@field reversed? boolean the other one comes first; default false

--- the difference to a tensor or a number: t - u. Whole numbers give whole numbers: i32, or i64
--- where one is i64; results that do not fit stop at the largest or smallest that does. All
--- else gives f32, computed in double precision and rounded once; quantised tensors count as
--- the real numbers they stand for. Numbers whose fraction is 0 are whole.
---@overload fun(self: lab.Tensor, with: lab.Tensor|lab.Image|lab.LabelMap|lab.Mask, options?: lab.tensor.subtract): lab.Tensor|lab.Image|lab.LabelMap|lab.Mask?, string?, string?
---@param options? lab.tensor.subtract
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:subtract(options) end

---@class lab.tensor.sum
---@field axis? integer dimension that is taken together: 1 the first, -1 the last; without it all elements; -5..5
---@field keep? boolean the dimension stays, with length 1; default false

--- the sum along a dimension or of all elements. Of whole numbers i64, else f32 (made in double
--- precision, in order); quantised tensors count as the real numbers they stand for. Over all
--- elements: a tensor of one, t[1] is it.
---@overload fun(self: lab.Tensor, axis: integer, options?: lab.tensor.sum): lab.Tensor|lab.Image|lab.LabelMap|lab.Mask?, string?, string?
---@param options? lab.tensor.sum
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:sum(options) end

---@class lab.tensor.transpose
---@field axes? number[] the old dimensions in their new order, from 1; without it they are reversed; 1..5

--- a tensor with its dimensions in another order. {1, 4, 2, 3} makes [n, h, w, c] into [n, c,
--- h, w].
---@overload fun(self: lab.Tensor, axes: number[], options?: lab.tensor.transpose): lab.Tensor|lab.Image|lab.LabelMap|lab.Mask?, string?, string?
---@param options? lab.tensor.transpose
---@return lab.Tensor|lab.Image|lab.LabelMap|lab.Mask? result
---@return string? message
---@return string? code
function Tensor:transpose(options) end

---@class lab.tensor.upsample_argmax
---@field width integer pixels of the result; 1..65535
---@field height integer pixels of the result; 1..65535
---@field x_scale? number grid positions a pixel: pixel x reads the grid at x_scale x + x_offset; default 1
---@field x_offset? number grid position of pixel 0; default 0
---@field y_scale? number as x_scale, downwards; default 1
---@field y_offset? number as x_offset, downwards; default 0
---@field threshold? number for networks with one output channel: class 1 where the value is above it, else 0; default 0
---@field levels? boolean 8-bit logits: round interpolated values to whole levels before they are compared, as the network's own resize does; default false

--- a network's logits to a label map of any size. Pixel (x, y) reads the grid at u = x_scale x
--- + x_offset, v = y_scale y + y_offset, clamped to it, bilinearly between the four neighbours;
--- the class with the largest value wins, the lowest id on ties. 8-bit logits: weights of 11
--- bits rounded half to even, exact sums: the same bytes everywhere. With levels, sums are
--- rounded half up, which at the network's own size gives its own map; without, fewer classes
--- tie. f32: left (1 - f) + right f in float32, columns first. Not a number never wins.
---@param options lab.tensor.upsample_argmax
---@return lab.LabelMap? result
---@return string? message
---@return string? code
function Tensor:upsample_argmax(options) end

---@class lab.tensor.upsample_score
---@field width integer pixels of the result; 1..65535
---@field height integer pixels of the result; 1..65535
---@field x_scale? number grid positions a pixel: pixel x reads the grid at x_scale x + x_offset; default 1
---@field x_offset? number grid position of pixel 0; default 0
---@field y_scale? number as x_scale, downwards; default 1
---@field y_offset? number as x_offset, downwards; default 0
---@field classes lab.Classes whose probabilities are added up; a network with one channel has 1 (its value) and 0 (the rest)
---@field activation? "softmax"|"logistic"|"none" what makes logits probabilities: softmax over the classes, logistic for each channel, none when they are probabilities already; default "softmax"

--- a network's logits to a soft mask of some classes, of any size. Coordinates as in
--- tensor.upsample_argmax. Quantised logits are made real numbers, interpolated in float32,
--- then activated; the mask is 255 times the sum of the probabilities of the classes, rounded.
--- Classes that are more than 16 below another in a whole cell are left out of the softmax.
---@param options lab.tensor.upsample_score
---@return lab.Mask? result
---@return string? message
---@return string? code
function Tensor:upsample_score(options) end
