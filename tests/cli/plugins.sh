# lualab plugins and ops: what is loaded, what failed, and that a bad plugin ends nothing.
# shellcheck shell=sh disable=SC2154

photo photos/a.png 60 40
run 0 "$LUALAB" plugins
has out "reference"
run 0 "$LUALAB" plugins -v
has out "tflite"
has out "reference.conv_2d"
run 0 "$LUALAB" plugins -v -m colors
has out "ARG_MAX"

run 0 "$LUALAB" ops
has out "image.resize"
has out "map.legend"
run 0 "$LUALAB" ops image.resize
has out "width"
has out "lanczos"
run 0 "$LUALAB" ops resize
has out "image.resize"
has out "mask.resize"

# A file that is no plugin: a warning, a line in the list, and the work goes on.
mkdir bad
echo "not a shared object" >bad/lualab_broken.so
run 0 env LUALAB_PLUGIN_PATH="$work/bad" "$LUALAB" plugins
has out "failed: "
has out "lualab_broken.so"
run 0 env LUALAB_PLUGIN_PATH="$work/bad" "$LUALAB" photos/a.png --no-record
has out "red"
has err "lualab_broken.so"
run 0 "$LUALAB" --plugin ./nowhere.so photos/a.png --no-record
has err "nowhere.so"

# Kernels that do not exist.
run 2 "$LUALAB" --kernels avx9000 plugins
has err "avx9000"

run 0 "$LUALAB" doctor
has out "threads"
has out "colors"
