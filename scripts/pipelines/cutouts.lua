-- Cuts people out of photos: STEM.person.png (transparent around them) beside each photo, or below
-- a folder of your choice.
--
--   lualab run scripts/pipelines/cutouts.lua PHOTO|FOLDER... [-o DIR]

local lab = require "lab"
local s = lab.stages

local photos, folder = {}, nil
local i = 1
while arg[i] do
  if arg[i] == "-o" then
    i = i + 1
    folder = assert(arg[i], "-o needs a folder")
  else
    photos[#photos + 1] = arg[i]
  end
  i = i + 1
end
assert(#photos > 0, "which photos? lualab run scripts/pipelines/cutouts.lua photos/ -o people")

local where = folder and folder .. "/{stem}" or "{dir}/{stem}"
local cutouts <close> = lab.pipeline {
  s.preprocess {},
  s.segment { model = os.getenv "LUALAB_MODEL" or "pascal" },
  s.legend {},
  -- A stage of one's own is a function: photos without people end here, with a reason.
  function(r)
    for _, row in ipairs(r.legend) do
      if row.name == "person" then
        return true
      end
    end
    return nil, "nobody is in this photo", "NOT_FOUND"
  end,
  s.mask { label = "person", soft = true, feather = 1, cutout = true,
    save = where .. ".person.png" },
}

local failed = 0
for r, why in cutouts:each(table.unpack(photos)) do
  if why then
    failed = failed + 1
    io.stderr:write(r.path, ": ", why, "\n")
  else
    print(r.files[1].path)
  end
end
return failed > 0 and 1 or 0
