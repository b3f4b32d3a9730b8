-- Mean intersection over union on photos of Pascal VOC with ground truth, at the photos' own size,
-- with the default fit: voc_mini.lua FOLDER MODEL LEAST
-- Every class's figure is printed. Exit code 77 (skipped) where photos or weights cannot be had.

local core = require "lab.core"
local lab = require "lab"
local sys = require "lab.sys"

local folder, model_name, least = arg[1], arg[2], tonumber(arg[3])
local classes = 21

local function skip(reason)
  print("skipped: " .. reason)
  os.exit(77, true)
end

local list = core.read_file(folder .. "/list.txt")
if not list then
  skip(folder .. " is not here")
end
local model, message, code = lab.load(model_name)
if not model then
  if code ~= "NOT_FOUND" and code ~= "IO" then
    error(message, 0)
  end
  skip(message)
end

-- total[t * classes + p]: pixels of class t in the truth that the model gave class p; 255 in the
-- truth is void and not counted.
local total = {}
local photos, start = 0, sys.clock()
for name in list:gmatch "%S+" do
  local r = assert(lab.segment(folder .. "/images/" .. name .. ".jpg", { model = model }))
  local truth = assert(core.decode_map(assert(core.read_file(
    folder .. "/truth/" .. name .. ".png"))))
  assert(truth:width() == r.width and truth:height() == r.height, name .. ": sizes differ")
  local counts = assert(r.map:confusion { truth = truth, classes = classes, ignore = 255 })
  assert(#counts == classes * classes)
  for i = 1, #counts do
    total[i] = (total[i] or 0) + counts:get(i)
  end
  photos = photos + 1
end
assert(photos > 0, "the list is empty")

local function count(t, p)
  return total[t * classes + p + 1]
end

-- A class that no truth contains cannot be found, only be seen where it is not: it has no figure of
-- its own, but what is wrongly called it is missing from the class that it is.
local sum, present, right, all = 0, 0, 0, 0
for c = 0, classes - 1 do
  local both, truth, found = count(c, c), 0, 0
  for other = 0, classes - 1 do
    truth, found = truth + count(c, other), found + count(other, c)
  end
  local name = model:labels():label(c)
  if truth > 0 then
    local iou = both / (truth + found - both)
    print(("%-14s %6.2f %%"):format(name, 100 * iou))
    sum, present = sum + iou, present + 1
  else
    print(("%-14s is in no truth; %d pixels are called so"):format(name, found))
  end
  right, all = right + both, all + truth
end
local mean = sum / present
print(("%s: mean IoU %.2f %% over %d classes and %d photos, pixel accuracy %.2f %%, %.2f s a photo")
  :format(model_name, 100 * mean, present, photos, 100 * right / all,
    (sys.clock() - start) / photos))
if mean < least then
  error(("mean IoU %.4f is below %.4f"):format(mean, least), 0)
end
