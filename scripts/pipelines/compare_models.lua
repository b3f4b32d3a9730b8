-- Two models on the same photos: a line of CSV each with how much they agree and how long they
-- took, and with -o a picture of each photo in which they do not, red where they differ.
--
--   lualab run scripts/pipelines/compare_models.lua MODEL MODEL PHOTO|FOLDER... [-o DIR]

local lab = require "lab"
local paths = require "lab.paths"
local s = lab.stages

local words, folder = {}, nil
local i = 1
while arg[i] do
  if arg[i] == "-o" then
    i = i + 1
    folder = assert(arg[i], "-o needs a folder")
  else
    words[#words + 1] = arg[i]
  end
  i = i + 1
end
assert(#words > 2, "lualab run scripts/pipelines/compare_models.lua pascal pascal-small photos/")

local first <close> = assert(lab.load(words[1]))
local second <close> = assert(lab.load(words[2]))
assert(first:labels():name() == second:labels():name(),
  ("%s has the labels '%s', %s has '%s': they cannot be compared"):format(words[1],
    first:labels():name(), words[2], second:labels():name()))

local function pipeline_of(model)
  return lab.pipeline { s.preprocess {}, s.segment { model = model } }
end
local one <close> = pipeline_of(first)
local other <close> = pipeline_of(second)

--- Where the two maps show different classes.
local function differences(a, b)
  local different
  for _, class in ipairs(a:classes()) do
    local only = a:mask(class.id) - b:mask(class.id)
    different = different and different | only or only
  end
  return different
end

local function save_differences(a, b)
  local red = lab.core.image(1, 1, 3, "\255\0\0"):resize { width = a.width, height = a.height }
  local picture = assert(a.image:blend { with = red, alpha = 0.7,
    mask = differences(a.map, b.map) })
  assert(picture:save(paths.fill(folder .. "/{stem}.different.png", a.path)))
end

--- Text as a cell of CSV.
local function cell(text)
  return text:find '[",\n]' and '"' .. text:gsub('"', '""') .. '"' or text
end

print(("path,agreement,mean_iou,%s_ms,%s_ms"):format(cell(words[1]), cell(words[2])))
local failed, count, agreement = 0, 0, 0
for a, why in one:each(table.unpack(words, 3)) do
  local b, also = nil, why
  if not why then
    b, also = other:run(a.path)
  end
  if also then
    failed = failed + 1
    io.stderr:write(a.path, ": ", also, "\n")
  else
    local found = a.map:compare(b.map)[1]
    print(("%s,%.6f,%.6f,%.1f,%.1f"):format(cell(a.path), found.agreement, found.mean_iou,
      a.timings.segment, b.timings.segment))
    count, agreement = count + 1, agreement + found.agreement
    if folder and found.different > 0 then
      save_differences(a, b)
    end
  end
end
if count > 0 then
  io.stderr:write(("%d photos, mean agreement %.2f %%\n"):format(count, 100 * agreement / count))
end
return failed > 0 and 1 or 0
