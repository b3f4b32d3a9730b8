-- An example of each built-in operator, for its entry in scripts/OPERATORS.md. The test suite runs
-- every one of them, with these values at hand:
--   img, other   pictures of the same size        cut    a picture with alpha
--   map, truth   label maps of that size (labels background, cat, dog)
--   mask, zone   masks of that size
--   t, u         tensors of 2 x 3 numbers         logits a network's output, 1 x 5 x 5 x 3

local examples = {
  -- pictures
  ["image.resize"] = 'local small = img:resize { width = 32 }',
  ["image.crop"] = 'local corner = img:crop { width = 16, height = 16 }',
  ["image.pad"] = 'local framed = img:pad { left = 4, right = 4, color = "#fff" }',
  ["image.orient"] = 'local upright = img:orient(6)',
  ["image.convert"] = 'local grey = img:convert(1)',
  ["image.normalize"] = 'local input = img:normalize { dtype = "f32", scale = 1 / 255 }',
  ["image.blend"] = 'local half = img:blend { with = other, alpha = 0.5, mask = mask }',
  ["image.composite"] = 'local page = cut:composite "white"',
  ["image.cutout"] = 'local cat = img:cutout(map:mask "cat")',
  ["image.encode"] = 'local bytes = img:encode { format = "jpeg", quality = 90 }',
  ["image.blur"] = 'local private = img:blur { radius = 12, mask = mask:dilate(3) }',
  ["image.paste"] = 'local sheet = img:paste { with = cut, x = 8, y = -4 }',
  -- tensors
  ["tensor.argmax"] = 'local small_map = logits:argmax()',
  ["tensor.labelmap"] = 'local ids = t:cast "u8":labelmap()',
  ["tensor.upsample_argmax"] = [[
local full = logits:upsample_argmax { width = 64, height = 48,
  x_scale = 4 / 63, y_scale = 4 / 47 }]],
  ["tensor.upsample_score"] = [[
local sure = logits:upsample_score { width = 64, height = 48,
  x_scale = 4 / 63, y_scale = 4 / 47, classes = { 1, 2 } }]],
  ["tensor.add"] = 'local sum, more = t:add(u), t + 1',
  ["tensor.subtract"] = 'local difference, from_one = t:subtract(u), 1 - t',
  ["tensor.multiply"] = 'local product, double = t:multiply(u), 2 * t',
  ["tensor.divide"] = 'local mean = (t + u):divide { number = 2 }',
  ["tensor.minimum"] = 'local low = t:minimum(u)',
  ["tensor.maximum"] = 'local positive = t:maximum { number = 0 }',
  ["tensor.apply"] = 'local p = t:apply "logistic"',
  ["tensor.clamp"] = 'local unit = t:clamp { min = 0, max = 1 }',
  ["tensor.cast"] = 'local bytes = t:cast "u8"',
  ["tensor.dequantize"] = 'local reals = logits:dequantize()',
  ["tensor.softmax"] = 'local p = logits:softmax()',
  ["tensor.reshape"] = 'local column = t:reshape { -1, 1 }',
  ["tensor.transpose"] = 'local planes = logits:transpose { 1, 4, 2, 3 }',
  ["tensor.slice"] = 'local cat_logits = logits:slice { axis = -1, from = 2 }',
  ["tensor.concat"] = 'local six = t:concat { with = u, axis = 1 }',
  ["tensor.sum"] = 'local total, rows = t:sum()[1], t:sum(2)',
  ["tensor.mean"] = 'local per_channel = logits:reshape { -1, 3 }:mean(1)',
  ["tensor.min"] = 'local least = t:min()[1]',
  ["tensor.max"] = 'local best = logits:softmax():max { axis = -1, keep = true }',
  ["tensor.position_of_max"] = 'local class = logits:position_of_max(-1) - 1',
  -- label maps
  ["map.resize"] = 'local small = map:resize { width = 32, height = 24 }',
  ["map.crop"] = 'local part = map:crop { x = 8, y = 8, width = 16, height = 16 }',
  ["map.colorize"] = 'local picture = map:colorize()',
  ["map.mask"] = 'local animals = map:mask { "cat", "dog" }',
  ["map.legend"] = [[
for _, row in ipairs(map:legend { regions = true }) do
  print(row.name, row.fraction, row.regions)
end]],
  ["map.draw_legend"] = 'local key = map:draw_legend()',
  ["map.encode"] = 'local png = map:encode()',
  ["map.boundary_overlap"] = 'local bands = map:boundary_overlap { truth = truth, classes = 3 }',
  ["map.confusion"] = 'local matrix = map:confusion { truth = truth, classes = 3, ignore = 255 }',
  ["map.compare"] = 'print(map:compare(truth)[1].mean_iou)',
  ["map.merge"] = 'local one_kind = map:merge { classes = { "cat", "dog" }, into = "cat" }',
  ["map.remap"] = 'local swapped = map:remap { 0, 2, 1 }',
  ["map.classes"] = [[
for _, class in ipairs(map:classes()) do
  print(class.id, class.name, class.pixels)
end]],
  ["map.boundary"] = 'local edges = map:boundary { width = 2 }',
  ["map.smooth"] = 'local calm = map:smooth { radius = 2 }',
  ["map.regions"] = [[
for _, cat in ipairs(map:regions { "cat", min_pixels = 20 }) do
  print(cat.pixels, table.unpack(cat.box))
end]],
  -- masks
  ["mask.resize"] = 'local large = mask:resize { width = 128 }',
  ["mask.crop"] = 'local top = mask:crop { height = 10 }',
  ["mask.feather"] = 'local soft = mask:feather(3)',
  ["mask.invert"] = 'local outside = ~mask',
  ["mask.threshold"] = 'local hard = mask:feather(3):threshold(200)',
  ["mask.cutout"] = 'local cat = mask:feather(2):cutout(img)',
  ["mask.encode"] = 'local png = mask:encode()',
  ["mask.intersect"] = 'local both = mask & zone',
  ["mask.unite"] = 'local either = mask | zone',
  ["mask.subtract"] = 'local rest = mask - zone',
  ["mask.erode"] = 'local core = mask:erode(2)',
  ["mask.dilate"] = 'local ring = mask:dilate(3) - mask',
  ["mask.opening"] = 'local without_specks = mask:opening(2)',
  ["mask.closing"] = 'local without_cracks = mask:closing { radius = 2, shape = "square" }',
  ["mask.fill_holes"] = 'local solid = mask:fill_holes { max_pixels = 50 }',
  ["mask.largest_region"] = 'local main = mask:largest_region()',
  ["mask.region"] = 'local this_one = mask:region { x = 10, y = 10 }',
  ["mask.measure"] = 'print(mask:measure()[1].area)',
  ["mask.outline"] = [[
for _, border in ipairs(mask:outline { tolerance = 1 }) do
  print(border.hole, #border.points // 2)
end]],
  ["mask.rle"] = 'local counts = mask:rle()[1].counts',
}

return examples
