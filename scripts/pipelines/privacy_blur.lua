-- Makes people unrecognisable: STEM.private.jpg beside each photo, or below a folder of your
-- choice, with everyone in it blurred. Nobody is missed for want of a few pixels: gaps are closed,
-- the mask is grown, and its edge is soft. Look at the results before you publish them, though.
--
--   lualab run scripts/pipelines/privacy_blur.lua PHOTO|FOLDER... [-o DIR] [-l LABEL]

local lab = require "lab"
local pipeline = require "lab.pipeline"
local s = lab.stages

local photos, folder, label = {}, nil, "person"
local i = 1
while arg[i] do
  if arg[i] == "-o" or arg[i] == "-l" then
    local value = assert(arg[i + 1], arg[i] .. " needs a value")
    folder = arg[i] == "-o" and value or folder
    label = arg[i] == "-l" and value or label
    i = i + 1
  else
    photos[#photos + 1] = arg[i]
  end
  i = i + 1
end
assert(#photos > 0, "which photos? lualab run scripts/pipelines/privacy_blur.lua photos/ -o public")

--- Blurs by how large the photo is: a thirtieth of its longer side leaves no face.
local function blur(r)
  local size = math.max(r.width, r.height)
  local mask = r:mask(label):closing(math.max(1, size // 100)):fill_holes()
    :dilate(math.max(1, size // 80)):feather(size / 100)
  local private, message, code = r.image:blur { radius = math.max(4, size / 30), mask = mask }
  if private and private:channels() == 4 then
    private, message, code = private:composite "white"
  end
  if not private then
    return nil, message, code
  end
  r.people = #r.map:regions { label, min_pixels = size }
  return pipeline.save(r, "private", private,
    folder and folder .. "/{stem}.private.jpg" or "{dir}/{stem}.private.jpg")
end

local privacy <close> = lab.pipeline {
  s.preprocess {},
  s.segment { model = os.getenv "LUALAB_MODEL" or "pascal" },
  blur,
}

local failed = 0
for r, why in privacy:each(table.unpack(photos)) do
  if why then
    failed = failed + 1
    io.stderr:write(r.path, ": ", why, "\n")
  else
    print(("%s (%d blurred)"):format(r.files[1].path, r.people))
  end
end
return failed > 0 and 1 or 0
