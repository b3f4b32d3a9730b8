# lualab export: which results, every format, names that are no harmless words, and failures.
# shellcheck shell=sh disable=SC2154

photo photos/a.png 60 40 red
photo photos/deep/a.png 60 40 green
nasty='photos/b,"c" <i>&
;'"'"'.png'
photo "$nasty" 48 48 blue
run 0 "$LUALAB" photos -o made
run 0 "$LUALAB" photos/a.png -m glow

# One file of all: to a file or to standard output.
run 0 "$LUALAB" export --run 1 --format coco -o files/coco.json
exists files/coco.json
lua 'local data = assert(require "lab.json".decode(io.read "a"))
assert(#data.images == 3 and #data.annotations == 6 and #data.categories == 4)
local names = {}
for _, image in ipairs(data.images) do names[image.file_name:match "[^/]*$"] = image end
local nasty = arg[1]:match "[^/]*$"
assert(names[nasty].width == 48, "the name is not what it was")
for _, a in ipairs(data.annotations) do
  assert(a.iscrowd == 0 and a.area > 0 and #a.bbox == 4 and type(a.segmentation.counts) == "string")
end' "$nasty" <files/coco.json
run 0 "$LUALAB" export --run 1 --format coco --shape counts
lua 'local data = assert(require "lab.json".decode(io.read "a"))
for _, a in ipairs(data.annotations) do
  local pixels, inside = 0, 0
  for i, n in ipairs(a.segmentation.counts) do
    pixels, inside = pixels + n, inside + (i % 2 == 0 and n or 0)
  end
  assert(inside == a.area and pixels == a.segmentation.size[1] * a.segmentation.size[2])
end' <out
run 0 "$LUALAB" export --all --model colors --label red --label blue --format coco --shape polygon
lua 'local data = assert(require "lab.json".decode(io.read "a"))
assert(#data.images == 3 and #data.annotations == 2)
assert(#data.annotations[1].segmentation[1] >= 8)' <out
run 0 "$LUALAB" export --run last --format labelstudio
lua 'local tasks = assert(require "lab.json".decode(io.read "a"))
assert(#tasks == 1 and tasks[1].data.image:find "a.png" and tasks[1].predictions[1].result[1])' <out
run 0 "$LUALAB" export --run 1 --format csv
lua 'local text, rows = io.read "a", 0
local at = 1
-- RFC 4180: cells in quotes may hold commas, line ends and doubled quotes.
while at <= #text do
  local cells, cell = {}
  repeat
    if text:sub(at, at) == "\"" then
      local close = at
      repeat close = text:find("\"", close + 1, true); local twice = text:sub(close + 1, close + 1)
        == "\""; if twice then close = close + 1 end until not twice
      cell, at = text:sub(at + 1, close - 1):gsub("\"\"", "\""), close + 1
    else
      cell = text:match("^[^,\n]*", at); at = at + #cell
    end
    cells[#cells + 1] = cell
    local stop = text:sub(at, at); at = at + 1
  until stop == "\n"
  rows = rows + 1
  assert(#cells == 14, "a line has " .. #cells .. " cells")
  found = found or cells[2]:sub(-#arg[1]) == arg[1]
end
assert(rows == 7 and found)' "$nasty" <out

# One file for each; equal names get the result's number.
for format in png geojson svg; do
    run 0 "$LUALAB" export --run 1 --format "$format" -o "files/$format"
    is "$(find "files/$format" -type f | grep -c "$format\$")" 3
done
exists files/png/a.1.labels.png files/geojson/a.1.geojson files/svg/a.1.svg
lua 'local core = require "lab.core"
local function map(path) return assert(core.decode_map(assert(core.read_file(path)))) end
assert(map "files/png/a.1.labels.png" == map "made/a.labels.png")'
for file in files/svg/*.svg; do
    has_not "$file" "<i>"
done
lua 'local json, sys = require "lab.json", require "lab.sys"
for _, entry in ipairs(sys.list "files/geojson") do
  local file = assert(io.open("files/geojson/" .. entry.name))
  local data = assert(json.decode(file:read "a"))
  file:close()
  assert(data.type == "FeatureCollection" and #data.features == 2)
  for _, f in ipairs(data.features) do
    local ring = f.geometry.coordinates[1][1]
    assert(ring[1][1] == ring[#ring][1] and ring[1][2] == ring[#ring][2])
  end
end'
run 0 "$LUALAB" export 1 --format svg -o files/one
exists files/one/a.svg

# Which results.
run 0 "$LUALAB" export --where "path LIKE '%/deep/%' -- those below" --format csv
lines out 3
run 1 "$LUALAB" export 77 --format csv
has err "there is no finished result 77"
run 1 "$LUALAB" export 1 --model glow --format csv
has err "there is no finished result 1 that meets the other conditions"
run 1 "$LUALAB" export --where "nonesuch = 1" --format csv
has err "nonesuch"
run 1 "$LUALAB" export --where "1); DELETE FROM results; --" --format csv
is "$(sql "SELECT count(*) FROM results")" 4
run 1 "$LUALAB" export --model nobody --format csv
has err "no finished result meets the conditions"
run 1 "$LUALAB" export --all --format coco -o files/mixed.json
has err "two label sets"
absent files/mixed.json
run 1 "$LUALAB" export 1 --label rad --format csv
has err "red"
run 2 "$LUALAB" export --format csv
has err "say which results"
run 2 "$LUALAB" export --all
has err "say --format"
run 2 "$LUALAB" export --all --format svg
has err "-o DIR"
run 2 "$LUALAB" export --all --format tiff -o x
run 1 "$LUALAB" export --all --format csv --db missing.db
has err "missing.db"
absent missing.db

# Damaged maps and places that cannot be written: a sentence, no file.
run 1 "$LUALAB" export 1 --format coco -o photos/a.png/coco.json
has err "photos/a.png"
sqlite3 "$LUALAB_DB" "UPDATE results SET map = x'4c4d01ffffff' WHERE id = 2"
run 1 "$LUALAB" export --run 1 --format coco -o files/broken.json
has err "result 2"
has err "nothing is written"
absent files/broken.json
run 1 "$LUALAB" export --run 1 --format svg -o files/rest
has err "result 2"
is "$(find files/rest -type f | grep -c 'svg$')" 2
