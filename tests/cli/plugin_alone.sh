# Our plugins built alone: a copy of the folder and of lab_plugin.h, a compiler, nothing else of
# ours. What comes out is loaded in place of the build's own.
# shellcheck shell=sh disable=SC2154

command -v cmake >/dev/null || skip "cmake is not here"
for plugin in refine superpixels npy; do
    cp -R "$SOURCE/plugins/$plugin" "$plugin"
    cp "$SOURCE/src/lab_plugin.h" "$plugin/"
    run 0 cmake -S "$plugin" -B "$plugin/build" -DCMAKE_C_FLAGS=-Werror
    run 0 cmake --build "$plugin/build"
    run 0 "$LUALAB" --plugin "./$plugin/build/lualab_$plugin.so" plugins
    has out "$work/$plugin/build/lualab_$plugin.so"
    has_not out "failed:"
done
if pkg-config --exists 'libmicrohttpd >= 0.9.75' 2>/dev/null; then
    cp -R "$SOURCE/plugins/http" http
    cp "$SOURCE/src/lab_plugin.h" http/
    run 0 cmake -S http -B http/build -DCMAKE_C_FLAGS=-Werror
    run 0 cmake --build http/build
    run 0 "$LUALAB" --plugin ./http/build/lualab_http.so ops http.reply
    has out "answers a request"
fi
photo photo.png 50 30
cat >use.lua <<'LUA'
local lab = require "lab"
local image = assert(lab.open "photo.png")
local pieces = assert(image:superpixels(6))
assert(assert(pieces:refine { image = image }):npy():sub(2, 6) == "NUMPY")
LUA
run 0 "$LUALAB" --plugin ./refine/build/lualab_refine.so \
    --plugin ./superpixels/build/lualab_superpixels.so --plugin ./npy/build/lualab_npy.so \
    --script use.lua
