-- What is in the streets: a line of CSV for each photo and class of Cityscapes, to standard output.
--
--   lualab run scripts/pipelines/street_statistics.lua PHOTO|FOLDER... > streets.csv

local lab = require "lab"
local s = lab.stages

assert(arg[1], "which photos? lualab run scripts/pipelines/street_statistics.lua photos/")

local streets <close> = lab.pipeline {
  s.preprocess {},
  s.segment { model = os.getenv "LUALAB_MODEL" or "cityscapes" },
  s.legend { regions = true },
}

--- Text as a cell of CSV.
local function cell(text)
  return text:find '[",\n]' and '"' .. text:gsub('"', '""') .. '"' or text
end

print "path,label,fraction,pixels,regions"
local failed = 0
for r, why in streets:each(...) do
  if why then
    failed = failed + 1
    io.stderr:write(r.path, ": ", why, "\n")
  else
    for _, row in ipairs(r.legend) do
      print(("%s,%s,%.6f,%d,%d"):format(cell(r.path), cell(row.name), row.fraction, row.pixels,
        row.regions))
    end
  end
end
return failed > 0 and 1 or 0
