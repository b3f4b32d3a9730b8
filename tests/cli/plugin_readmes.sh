# The Lua examples of our plugins' READMEs, as they stand there; and the walkthrough of
# plugins/README.md, command by command.
# shellcheck shell=sh disable=SC2154

command -v cmake >/dev/null || skip "cmake is not here"
photo photo.png 60 40

for plugin in refine superpixels npy; do
    blocks "$SOURCE/plugins/$plugin/README.md" lua >"$plugin.lua"
    exists "$plugin.lua"
    run 0 "$LUALAB" --script "$plugin.lua"
done
exists photo.labels.png photo.cutout.png map.npy scores.npy
if [ -e "$PLUGINS/lualab_terminal.so" ]; then
    blocks "$SOURCE/plugins/terminal/README.md" lua >terminal.lua
    run 0 "$LUALAB" --script terminal.lua
    has out "48;2;220;20;20m"
fi
if [ -e "$PLUGINS/lualab_http.so" ]; then
    blocks "$SOURCE/plugins/http/README.md" lua >http.lua
    run 0 "$LUALAB" --script http.lua
    has out "http://127.0.0.1:"
fi

# The commands type `lualab`; what they show is checked by the text that follows "#>" in them.
mkdir bin
ln -s "$LUALAB" bin/lualab
PATH="$work/bin:$PATH"
unset LUALAB
blocks "$SOURCE/plugins/README.md" sh >walk.sh
exists walk.sh
lines=$(grep -c '^lualab\|^cmake' walk.sh)
[ "$lines" -ge 6 ] || fail "only $lines commands in the walkthrough"
run 0 sh -eu walk.sh
sed -n 's/^.*#> //p' walk.sh | while read -r text; do
    has out "$text"
done
