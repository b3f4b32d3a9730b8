-- What `lualab eval` says of photos of Pascal VOC, against counts made here, byte by byte, from the
-- label maps that `lualab segment` writes and from the truths: eval_voc.lua FOLDER MODEL PROGRAM
-- Exit code 77 (skipped) where photos or weights cannot be had.

local core = require "lab.core"
local json = require "lab.json"
local lab = require "lab"
local paths = require "lab.paths"
local sys = require "lab.sys"

local folder, model_name, program = arg[1], arg[2], arg[3]
local classes, void = 21, 255

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
model:close()

local work = assert(sys.tmp_dir "lualab-eval-")
local _ <close> = setmetatable({}, { __close = function() sys.remove_tree(work) end })

local function shell(format, ...)
  local words = { ... }
  for i, word in ipairs(words) do
    words[i] = "'" .. word:gsub("'", "'\\''") .. "'"
  end
  local pipe = assert(io.popen("LUALAB_DB=" .. work .. "/catalog.db " .. format:format(
    table.unpack(words))))
  local text = pipe:read "a"
  assert(pipe:close(), format)
  return text
end

shell("%s segment %s -m %s -o %s -q", program, folder .. "/images", model_name, work .. "/out")
local said = assert(json.decode(shell("%s eval -m %s --images %s --truth %s --ignore 255 --json",
  program, model_name, folder .. "/images", folder .. "/truth")))

-- One pixel at a time: how often each class is right, in the truth, found.
local right, truly, found, photos = {}, {}, {}, 0
for c = 0, classes - 1 do
  right[c], truly[c], found[c] = 0, 0, 0
end
local function bytes(path)
  return assert(core.decode_map(assert(core.read_file(path)))):bytes()
end
for name in list:gmatch "%S+" do
  local truth = bytes(paths.join(folder, "truth", name .. ".png"))
  local map = bytes(paths.join(work, "out", name .. ".labels.png"))
  assert(#truth == #map, name)
  for i = 1, #truth do
    local t, p = truth:byte(i), map:byte(i)
    if t ~= void then
      truly[t], found[p] = truly[t] + 1, found[p] + 1
      if t == p then
        right[t] = right[t] + 1
      end
    end
  end
  photos = photos + 1
end

local sum, present, hits, all, weighted = 0.0, 0, 0, 0, 0.0
for c = 0, classes - 1 do
  if truly[c] > 0 then
    local iou = right[c] / (truly[c] + found[c] - right[c])
    sum, present, weighted = sum + iou, present + 1, weighted + iou * truly[c]
    assert(math.abs(said.rows[c + 1].iou - iou) < 1e-12, "IoU of class " .. c)
  else
    assert(said.rows[c + 1].iou == nil, "class " .. c .. " is in no truth")
  end
  hits, all = hits + right[c], all + truly[c]
end

local function same(name, value)
  print(("%-16s %.15f, counted here %.15f"):format(name, said[name], value))
  assert(math.abs(said[name] - value) < 1e-9, name)
end
same("mean_iou", sum / present)
same("mean_iou_all", sum / classes)
same("pixel_accuracy", hits / all)
same("frequency_iou", weighted / all)
assert(said.pictures == photos and said.classes == present and said.pixels == all)
assert(said.boundary_iou > 0 and said.boundary_iou < said.mean_iou)
