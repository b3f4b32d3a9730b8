# The rock: its description is right, and (LUALAB_TEST_LONG: it is a whole build) what LuaRocks makes
# of a copy of the sources works in stock Lua from any folder, also when that copy is gone.
# shellcheck shell=sh disable=SC2154

command -v luarocks >/dev/null || skip "luarocks is not here"
command -v lua5.4 >/dev/null || skip "lua5.4 is not here"

run 0 luarocks --lua-version 5.4 lint "$SOURCE/scripts/lualab-scm-1.rockspec"
[ -n "${LUALAB_TEST_LONG:-}" ] || exit 0

mkdir copy elsewhere
(cd "$SOURCE" && tar -cf - --exclude=./build --exclude=./.git .) | tar -xf - -C copy
cd copy || fail "no copy"
# What the rock depends on is the system's: nothing is fetched.
run 0 luarocks --lua-version 5.4 --tree "$work/tree" make --deps-mode none \
    scripts/lualab-scm-1.rockspec
cd "$work" || fail "no folder"
rm -rf copy
mkdir -p "$HOME/.cache/lualab/weights" "$HOME/.config/lualab"
cp models/colors.tflite "$HOME/.cache/lualab/weights/"
cp "$XDG_CONFIG_HOME/lualab/models.lua" "$HOME/.config/lualab/"
photo photos/a.png 40 30
cd elsewhere || fail "no other folder"
run 0 env -i HOME="$HOME" LUA_CPATH="$work/tree/lib/lua/5.4/?.so;;" lua5.4 -e '
local lab = require "lab"
local r = assert(lab.segment("../photos/a.png", { model = "colors" }))
print(r, #lab.core.plugins() > 1, (require "lab.sys".data_dir()))'
has out "../photos/a.png 40x30 colors: "
has out "true	$work/tree/"
