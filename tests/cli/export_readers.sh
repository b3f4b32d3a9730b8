# What `lualab export` writes, read by programs that know nothing of lualab: geojson and shapely for
# GeoJSON, pycocotools for COCO. Maps are noise, with many holes and regions that touch at corners.
# shellcheck shell=sh disable=SC2154

python=/usr/bin/python3
[ -x "$python" ] || python=python3
can() {
    command -v "$python" >/dev/null && "$python" -c "import $1" 2>/dev/null
}
can geojson,shapely || can pycocotools || skip "neither python3-geojson with python3-shapely nor pycocotools"

lua 'local core = require "lab.core"; local lab = require "lab"
local db <close> = assert(lab.catalog())
local c = db:connection()
local labels = core.labels { name = "noise", names = { "a", "b", "c" }, colors = { 0, 255, 65535 } }
local model = assert(c:add_model { sha256 = ("0"):rep(64), name = "noise", labels = labels })
local run = assert(c:begin_run { command = "noise" })
math.randomseed(5)
for i = 1, 8 do
  local w, h, bytes = 20 + 5 * i, 70 - 6 * i, {}
  for k = 1, w * h do bytes[k] = string.char(math.random() < 0.1 * i and 1 or math.random(0, 2)) end
  local map = core.labelmap(w, h, table.concat(bytes), labels)
  local result = assert(c:begin_result { run = run, model = model, path = "/noise/" .. i })
  assert(c:finish_result(result, { image = { sha256 = core.sha256(map:bytes()), path = "/noise/" .. i,
    bytes = 1, width = w, height = h, format = "memory" }, map = map, legend = map:legend {} }))
end
assert(c:finish_run(run, "done"))'

run 0 "$LUALAB" export --all --format geojson -o geojson
if can geojson,shapely; then
    run 0 "$python" "$SOURCE/tests/cli/check_geojson.py" geojson/*.geojson
    has out "8 files are as they should be"
else
    echo "not read: GeoJSON (python3-geojson and python3-shapely are not here)"
fi

for shape in rle counts polygon; do
    run 0 "$LUALAB" export --all --format coco --shape $shape -o coco/$shape.json
    if can pycocotools; then
        run 0 "$python" "$SOURCE/tests/cli/check_coco.py" coco/$shape.json
    fi
done
can pycocotools || echo "not read: COCO (pycocotools is not here)"
