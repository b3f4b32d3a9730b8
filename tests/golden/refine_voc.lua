-- What map:refine brings on photos of Pascal VOC with ground truth: mean IoU over the classes that
-- occur, of all pixels and of those within 5 pixels of a border of the truth, before and after:
-- refine_voc.lua FOLDER MODEL
-- Exit code 77 (skipped) where photos or weights cannot be had, 1 where a method makes maps worse.

local core = require "lab.core"
local lab = require "lab"
local sys = require "lab.sys"

local folder, model_name = arg[1], arg[2]
local classes, void, reach = 21, 255, 5

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

--- Whether a pixel's neighbour to some side is of another class; void counts as one.
local function find_edges(ids, w, h)
  local edges = {}
  for i = 1, w * h do
    local x, id = (i - 1) % w, ids:byte(i)
    local edge = x > 0 and ids:byte(i - 1) ~= id or x < w - 1 and ids:byte(i + 1) ~= id
      or i > w and ids:byte(i - w) ~= id or i + w <= w * h and ids:byte(i + w) ~= id
    edges[i] = edge and 1 or 0
  end
  return edges
end

--- For `count` elements from `first`, `step` apart: how many of those within reach are not 0.
local function spread(from, to, first, step, count)
  local sum = 0
  for k = 0, math.min(reach, count) - 1 do
    sum = sum + from[first + k * step]
  end
  for k = 0, count - 1 do
    if k + reach < count then
      sum = sum + from[first + (k + reach) * step]
    end
    to[first + k * step] = sum
    if k >= reach then
      sum = sum - from[first + (k - reach) * step]
    end
  end
end

--- The truth with everything void that is farther from a border.
local function trimap(truth)
  local w, h, ids = truth:width(), truth:height(), truth:bytes()
  local edges, rows, near, out = find_edges(ids, w, h), {}, {}, {}
  for y = 0, h - 1 do
    spread(edges, rows, y * w + 1, 1, w)
  end
  for x = 1, w do
    spread(rows, near, x, w, h)
  end
  for i = 1, w * h do
    out[i] = near[i] > 0 and ids:sub(i, i) or string.char(void)
  end
  return core.labelmap(w, h, table.concat(out))
end

local function add(total, map, truth)
  local counts = assert(map:confusion { truth = truth, classes = classes, ignore = void })
  for i = 1, #counts do
    total[i] = (total[i] or 0) + counts:get(i)
  end
end

local function mean_iou(total)
  local sum, present = 0, 0
  for c = 0, classes - 1 do
    local truth, found, both = 0, 0, total[c * classes + c + 1]
    for other = 0, classes - 1 do
      truth, found = truth + total[c * classes + other + 1], found + total[other * classes + c + 1]
    end
    if truth > 0 then
      sum, present = sum + both / (truth + found - both), present + 1
    end
  end
  return 100 * sum / present
end

-- Of each method: confusions of all pixels and of the trimap, for all photos and for each half.
local methods = { "none", "guided", "crf" }
local totals, seconds = {}, { none = 0, guided = 0, crf = 0 }
for _, method in ipairs(methods) do
  totals[method] = { all = {}, all_trimap = {}, [0] = {}, [1] = {} }
end

local photos = 0
for name in list:gmatch "%S+" do
  local r = assert(lab.segment(folder .. "/images/" .. name .. ".jpg", { model = model }))
  local truth = assert(core.decode_map(assert(core.read_file(
    folder .. "/truth/" .. name .. ".png"))))
  local band = trimap(truth)
  photos = photos + 1
  for _, method in ipairs(methods) do
    local start = sys.clock()
    local map = method == "none" and r.map
      or assert(r.map:refine { image = r.image, method = method })
    seconds[method] = seconds[method] + sys.clock() - start
    local total = totals[method]
    add(total.all, map, truth)
    add(total.all_trimap, map, band)
    add(total[photos % 2], map, band)
  end
end
assert(photos > 1, "the list is too short")

local base = totals.none
local worse = false
for _, method in ipairs(methods) do
  local t = totals[method]
  print(("%-6s mean IoU %.2f %% (%+.2f), trimap of %d pixels %.2f %% (%+.2f; defaults chosen on: "
    .. "%+.2f, others: %+.2f), %.2f s a photo"):format(method, mean_iou(t.all),
    mean_iou(t.all) - mean_iou(base.all), reach, mean_iou(t.all_trimap),
    mean_iou(t.all_trimap) - mean_iou(base.all_trimap), mean_iou(t[1]) - mean_iou(base[1]),
    mean_iou(t[0]) - mean_iou(base[0]), seconds[method] / photos))
  -- Half of what was measured when the defaults were chosen.
  if method ~= "none" then
    worse = worse or mean_iou(t.all) < mean_iou(base.all) + 0.2
      or mean_iou(t.all_trimap) < mean_iou(base.all_trimap) + 0.7
      or mean_iou(t[0]) < mean_iou(base[0]) + 0.7
  end
end
if worse then
  error("refining brings less than it should", 0)
end
