# The Lua examples of our plugins' READMEs, as they stand there; and the walkthrough of
# plugins/README.md, command by command.
# shellcheck shell=sh disable=SC2154

command -v cmake >/dev/null || skip "cmake is not here"
photo photo.png 60 40

# blocks FILE LANGUAGE: the fenced blocks of that language, one after another.
blocks() {
    awk -v open="\`\`\`$2" '$0 == open { on = 1; next } /^```/ { on = 0 } on' "$1"
}

for plugin in refine superpixels npy; do
    blocks "$SOURCE/plugins/$plugin/README.md" lua >"$plugin.lua"
    exists "$plugin.lua"
    run 0 "$LUALAB" --script "$plugin.lua"
done
exists photo.labels.png photo.cutout.png map.npy scores.npy

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
