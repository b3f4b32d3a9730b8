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
