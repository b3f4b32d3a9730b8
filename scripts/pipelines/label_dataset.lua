-- A first labelling of a folder of photos, to be corrected by hand: DIR/labels/ gets maps (pixel =
-- class id), DIR/classes.txt the names, and DIR/catalog.db everything, to find photos by what is
-- in them.
--
--   lualab run scripts/pipelines/label_dataset.lua FOLDER DIR

local lab = require "lab"
local files = require "lab.files"
local s = lab.stages

local source, target = ...
assert(source and target, "lualab run scripts/pipelines/label_dataset.lua photos/ dataset/")

local db <close> = assert(lab.catalog(target .. "/catalog.db"))
local model <close> = assert(lab.load(os.getenv "LUALAB_MODEL" or "ade20k"))
local labelling <close> = lab.pipeline {
  s.preprocess {},
  s.segment { model = model },
  s.legend {},
  s.save { labels = "{dir}/{stem}.png" },
  s.record { db = db, command = "label_dataset" },
}

local items = lab.expand({ source }, { skip = target })
assert(files.place(items, target .. "/labels"))
local done = 0
for r, why in labelling:over(items) do
  if why then
    io.stderr:write(r.path, ": ", why, "\n")
  else
    done = done + 1
  end
end

local names = {}
for id = 0, #model:labels() - 1 do
  names[#names + 1] = model:labels():label(id) .. "\n"
end
assert(lab.core.write_file(target .. "/classes.txt", table.concat(names)))

print(("%d of %d photos labelled; the commonest classes:"):format(done, #items))
for row in db:rows [[SELECT label, results, round(100 * mean_fraction, 1) AS percent
                     FROM v_label_areas ORDER BY pixels DESC LIMIT 10]] do
  print(("  %-16s in %4d photos, %5.1f %% of them"):format(row.label, row.results, row.percent))
end
return done == #items and 0 or 1
