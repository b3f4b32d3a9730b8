# lualab run and repl, and the pipelines that ship as examples.
# shellcheck shell=sh disable=SC2154

cat >script.lua <<'EOF'
local lab = require "lab"
assert(arg[0] == "script.lua" and arg[1] == "one" and select(2, ...) == "--two")
print("ran with", ...)
return tonumber(arg[3])
EOF
run 0 "$LUALAB" run script.lua one --two
has out "one	--two"
run 7 "$LUALAB" run script.lua one --two 7
echo 'local x = nil; print(x.y)' >broken.lua
run 1 "$LUALAB" run broken.lua
has err "broken.lua:1:"
has err "stack traceback"
echo 'syntax error here' >broken.lua
run 1 "$LUALAB" run broken.lua
has err "broken.lua:1:"
run 1 "$LUALAB" run nowhere.lua
has err "nowhere.lua"
run 2 "$LUALAB" run
echo 'print(6 * 7)' | "$LUALAB" run - >out || fail "a script from standard input"
has out 42

# The line-by-line Lua: expressions, statements, several lines, errors.
printf '1 + 1\nx = 5\nx * 2\nfor i = 1, 2 do\nprint("line " .. i)\nend\nerror "oops"\nlab.version\n' |
    "$LUALAB" repl >out 2>err || fail repl
has out 2
has out 10
has out "line 2"
has err "oops"
has out "0."
run 0 "$LUALAB" repl -e 'help "image.resize"'
has out "width"
run 1 "$LUALAB" repl -e 'x ='

# The library refuses mistakes with the nearest name, and says what is wrong outside.
lua 'local lab = require "lab"
local function raises(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and tostring(message):find(text, 1, true), tostring(message))
end
raises("did you mean \"model\"?", lab.segment, "x.png", { modle = "pascal" })
raises("must be string", lab.segment, "x.png", { fit = 3 })
raises("there is no fit", lab.stages.preprocess, { fit = "padd" })
raises("did you mean \"colorize\"?", function() return lab.stages.colorise end)
local image, message, code = lab.open "nowhere.png"
assert(image == nil and message:find "nowhere.png" and code == "NOT_FOUND", code)
local model
model, message, code = lab.load "pascl"
assert(model == nil and message:find "did you mean" and code == "NOT_FOUND")
model = assert(lab.load "colors")
assert(#model:labels() == 4 and model:info().classes == 4)
model:close()
model:close()
raises("closed", model.run, model)'

# The examples, on photos of the tests.
mkdir people
photo people/a.png 80 60
photo people/b.png 80 60 green
run 1 env LUALAB_MODEL=glow "$LUALAB" run "$SOURCE/scripts/pipelines/cutouts.lua" people -o cut
has err "nobody is in this photo"
lua 'local core = require "lab.core"; require "lab"
assert(core.image(80, 60, 3, (("\250\250\250"):rep(40) .. ("\5\5\5"):rep(40)):rep(60)):save
  "people/c.png")'
run 0 env LUALAB_MODEL=glow "$LUALAB" run "$SOURCE/scripts/pipelines/cutouts.lua" people/c.png -o cut
exists cut/c.person.png
run 0 "$LUALAB" run "$SOURCE/scripts/pipelines/street_statistics.lua" people
is "$(sed -n 1p out)" "path,label,fraction,pixels,regions"
has out "people/a.png,red,0."
run 0 "$LUALAB" run "$SOURCE/scripts/pipelines/label_dataset.lua" people dataset
exists dataset/labels/a.png dataset/labels/b.png dataset/classes.txt dataset/catalog.db
has out "3 of 3 photos labelled"
has out "green"

# Everyone is blurred, the rest is as sharp as before (but for JPEG).
run 0 env LUALAB_MODEL=glow "$LUALAB" run "$SOURCE/scripts/pipelines/privacy_blur.lua" people/c.png \
    -o public
exists public/c.private.jpg
has out "public/c.private.jpg (1 blurred)"
run 1 "$LUALAB" run "$SOURCE/scripts/pipelines/privacy_blur.lua"
has err "which photos?"

run 0 "$LUALAB" run "$SOURCE/scripts/pipelines/contact_sheet.lua" sheet.png people photos
has out "row 1, column 3: people/c.png"
lua 'local sheet = assert(require "lab".open "sheet.png")
assert(sheet:width() == 760 and sheet:height() == 208, sheet)
-- The bar of the red photo: red from its left edge on.
local r, g, b = sheet:at(12, 194)
assert(r == 255 and g == 0 and b == 0, r)'

run 0 "$LUALAB" run "$SOURCE/scripts/pipelines/compare_models.lua" colors colors people -o different
is "$(sed -n 1p out)" "path,agreement,mean_iou,colors_ms,colors_ms"
has out "people/b.png,1.000000,1.000000,"
has err "3 photos, mean agreement 100.00 %"
run 1 "$LUALAB" run "$SOURCE/scripts/pipelines/compare_models.lua" colors glow people
has err "they cannot be compared"

# Several products of one segmentation; what a run did is in its row.
lua 'local lab = require "lab"
local json = require "lab.json"
local s = lab.stages
local seen = {}
local made <close> = lab.pipeline {
  s.preprocess { fit = "pad" }, s.segment { model = "colors" },
  s.outputs {
    mask = function(r) return r:mask "red" end,
    cutout = { s.mask { label = "red", cutout = true, save = "cuts/{stem}.png" },
      function(r) r.note = "mine" end },
    nothing = function() end,
  },
  s.record { db = "runs.db" },
  function(r) seen[#seen + 1] = r.note or "kept apart" end,
}
for r, why in made:each("people/a.png") do
  assert(not why, why)
  assert(r.outputs.mask:kind() == "mask" and r.outputs.nothing == nil)
  assert(r.outputs.cutout.note == "mine" and r.outputs.cutout.cutout_image:channels() == 4)
  assert(rawget(r, "cutout_image") == nil and #r.files == 1 and r.files[1].path == "cuts/a.png")
end
assert(seen[1] == "kept apart")
local text, sum = made:describe()
local object = assert(json.decode(text))
assert(object.sha256 == sum and #sum == 64 and object.stages[2].model == "colors")
assert(object.stages[3].stage == "outputs" and object.stages[5].stage == "function")
assert(object.stages[5]["function"].code and text == made:describe())
local other = lab.pipeline { s.preprocess { fit = "stretch" } }
assert(select(2, other:describe()) ~= sum)
assert(select(2, other:describe()) == select(2, lab.pipeline { s.preprocess { fit = "stretch" } }
  :describe()))
local db <close> = assert(lab.catalog "runs.db")
for row in db:rows "SELECT json_extract(pipeline, '"'"'$.sha256'"'"') AS sum FROM runs" do
  assert(row.sum == sum)
end
local broken = lab.pipeline { s.preprocess {}, s.segment { model = "colors" },
  s.outputs { bad = function() return nil, "no luck", "IO" end } }
local r, message, code = broken:run "people/a.png"
assert(r == nil and message:find("bad.*no luck") and code == "IO", message)
assert(not pcall(s.outputs, {}) and not pcall(s.outputs, { x = 3 }))'
exists cuts/a.png

# What a result can do by itself.
lua 'local lab = require "lab"
local r = assert(lab.segment("people/a.png", { model = "colors" }))
local scores = assert(r:scores())
assert(scores:width() == r.width and scores:kind() == "mask")
local red = assert(r:scores "red")
for _, x in ipairs { 2, 20, 39 } do -- the map shows red there, so red is what it is sure of
  assert(r.map:at(x, 30) == 1 and scores:at(x, 30) == red:at(x, 30), x)
end
assert(r:save "saved/a.png" and r:save "saved/a.labels.png" and r:save "saved/a.json"
  and r:save "saved/a.legend.png" and r:save "saved/a.mask.png")
local id = assert(r:record "one.db")
local db <close> = assert(lab.catalog "one.db")
local row = assert(db:query("SELECT state, path FROM results WHERE id = ?", { id }))[1]
assert(row[1] == "done" and row[2]:find "a.png$", row[1])
local text = {}
local file = { write = function(_, ...) for _, x in ipairs { ... } do text[#text + 1] = x end end }
assert(r:show { file = file })
assert(table.concat(text):find "^people/a.png 80x60 colors: .*red", table.concat(text))
text = {}
assert(r.map:show { file = file } and r:mask "red":show { file = file } and r.image:show
  { file = file })
text = table.concat(text)
assert(text:find "labelmap 80x60.*red" and text:find "%% inside" and text:find "image 80x60x3", text)
assert(not pcall(r.map.show, r.map, { colums = 3 }))
local shown = pcall(function() return r.image.terminal end)
if shown then
  local blocks = r.image:terminal { columns = 20, rows = 8, mode = "blocks", colors = "true" }
  assert(blocks:find("38;2;", 1, true) and select(2, blocks:gsub("\n", "")) < 8, blocks)
  assert(r.image:terminal { mode = "kitty" }:find("\27_G", 1, true))
  assert(r.image:terminal { mode = "sixel" }:find("\27P", 1, true))
  assert(r.image:terminal { mode = "iterm" }:find("1337;File=", 1, true))
end'
exists saved/a.png saved/a.labels.png saved/a.json saved/a.legend.png saved/a.mask.png

# What stock Lua's interpreter takes: -e, -l, -i, a script with its arguments, - for standard input.
printf 'print("script", arg[0], arg[-1], ...) name = "kept"\n' >stock.lua
run 0 "$LUALAB" -e 'print("line", lab.version ~= nil)' stock.lua one -e
has out "line	true"
has out "script	stock.lua	lualab	one	-e"
run 0 "$LUALAB" stock.lua two
has out "script	stock.lua	"
has out "	two"
echo 'name .. "!"' | "$LUALAB" -i stock.lua >out 2>err || fail "the prompt after a script"
has out "kept!"
echo 'print("from", ...)' | "$LUALAB" repl - a >out 2>err || fail "a script from standard input"
has out "from	a"
run 0 "$LUALAB" -lj=lab.json -e 'j.encode { 1 }'
has out "[1]"
run 1 "$LUALAB" -l nonesuch
is "$(head -n 1 err)" "module 'nonesuch' not found:"
run 1 "$LUALAB" -e 'x ='
has err "(command line):1: "
run 1 "$LUALAB" -i none.lua
has err "cannot open none.lua"
run 7 "$LUALAB" -e 'os.exit(7)'
