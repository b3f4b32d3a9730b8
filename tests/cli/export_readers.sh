# What `lualab export` writes, read by programs that know nothing of lualab: geojson, shapely and GDAL
# for GeoJSON; coco-maskapi, pycocotools and the format's definition for COCO; the documented form for
# Label Studio. Maps are noise, with many holes and regions that touch at corners.
# shellcheck shell=sh disable=SC2154

python=/usr/bin/python3
[ -x "$python" ] || python=python3
can() {
    command -v "$python" >/dev/null && "$python" -c "import $1" 2>/dev/null
}
can geojson,shapely || can numpy,PIL || can osgeo.gdal || can pycocotools ||
    skip "python3-geojson with python3-shapely, python3-pil with python3-numpy, python3-gdal: none is here"

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

run 0 "$LUALAB" export --all --format png -o maps
run 0 "$LUALAB" export --all --format geojson -o geojson
if can geojson,shapely; then
    run 0 "$python" "$SOURCE/tests/cli/check_geojson.py" geojson/*.geojson
    has out "8 files are as they should be"
else
    echo "not read: GeoJSON (python3-geojson and python3-shapely are not here)"
fi
if can osgeo.gdal; then
    run 0 "$python" "$SOURCE/tests/cli/check_gdal.py" geojson maps
    has out "8 files are their label maps"
else
    echo "not read: GeoJSON by GDAL (python3-gdal is not here)"
fi

for shape in rle counts polygon; do
    run 0 "$LUALAB" export --all --format coco --shape $shape -o coco/$shape.json
    if can numpy,PIL; then
        run 0 "$python" "$SOURCE/tests/cli/check_coco_maps.py" coco/$shape.json maps
        has out "are those of 8 label maps"
    fi
    if can pycocotools; then
        run 0 "$python" "$SOURCE/tests/cli/check_coco.py" coco/$shape.json
    fi
done
can numpy,PIL || echo "not compared: COCO with its label maps (python3-numpy, python3-pil are not here)"
can pycocotools || echo "not read: COCO by pycocotools (it is not here)"

run 0 "$LUALAB" export --all --format labelstudio -o tasks.json
if can numpy,PIL; then
    run 0 "$python" "$SOURCE/tests/cli/check_labelstudio.py" tasks.json maps
    has out "8 tasks are as documented"
fi

# The package is what npm's registry has under this hash; without a network there is none.
package=coco-maskapi-0.0.2.tgz
if command -v node >/dev/null && command -v npm >/dev/null &&
    npm pack --silent --fetch-retries=0 coco-maskapi@0.0.2 >/dev/null 2>&1 && [ -s $package ]; then
    is "$(sha1sum $package | cut -c1-40)" 9d2068dcf769c6e1f1809cb45d3fa1338b7499ec
    tar -xzf $package
    run 0 node "$SOURCE/tests/cli/check_coco.mjs" package/mask.js coco/rle.json
    has out "annotations are as they should be"
else
    echo "not read: COCO by coco-maskapi (npm cannot get it)"
fi
