# One photo, in the ways a user types it; and the answer is right: the photo is half red.
# shellcheck shell=sh disable=SC2154

photo photos/half.png 200 100
run 0 "$LUALAB" photos/half.png
has out "photos/half.png 200x100 colors: "
has out "red 5"
has out "background 4"
has out "#ff0000"
has out " ms ("
lines err 0
is "$(sql "SELECT count(*) FROM v_results WHERE state = 'done'")" 1
absent photos/half.labels.png

# With and without the word segment, and the options that C takes.
run 0 "$LUALAB" segment photos/half.png --no-record --threads 1
has out "red 5"
run 0 "$LUALAB" --kernels reference photos/half.png --no-record -v
has err "colors.tflite"
is "$(sql 'SELECT count(*) FROM v_results')" 1 "--no-record leaves the catalog alone"

# Standard input and a JPEG.
photo photos/half.jpg 200 100 green
"$LUALAB" segment - --no-record <photos/half.jpg >out 2>err || fail "segment -"
has out "- 200x100 colors: "
has out "green 5"
"$LUALAB" - --no-record <photos/half.png >out || fail "- alone"
has out "red 5"

# A model by its path has numbers for labels, and says so with -v; names come from a file.
cp models/colors.tflite other.tflite
printf '\0' >>other.tflite # other bytes: not the manifest's model
run 0 "$LUALAB" photos/half.png -m ./other.tflite --no-record -v
has out "class 1 5"
has err "labels are not known"
printf 'nothing\nrot\ngrün\t#00ff00\nblau\n' >names.txt
run 0 "$LUALAB" photos/half.png -m ./other.tflite --no-record --labels names.txt
has out "rot 5"
has out "nothing 4"
printf 'only one\n' >names.txt
run 1 "$LUALAB" photos/half.png -m ./other.tflite --no-record --labels names.txt
has err "4 classes"

# The same file as the manifest's, by path, is known again.
run 0 "$LUALAB" photos/half.png -m models/colors.tflite --no-record -v
has out "red 5"
has err "is the manifest's 'colors'"

# One channel and a logistic: bright is person, dark is background.
lua 'local core = require "lab.core"; require "lab"
local row = ("\250\250\250"):rep(48) .. ("\5\5\5"):rep(48)
assert(core.image(96, 64, 3, row:rep(64)):save "photos/bright.png")'
run 0 "$LUALAB" photos/bright.png -m glow --no-record
has out "person 50.0 %"
has out "background 50.0 %"

# Fits: all three give a map of the photo (or its middle) with both classes.
for fit in pad stretch crop; do
    run 0 "$LUALAB" photos/half.png --fit "$fit" --no-record
    has out "red"
    has out "background"
done
run 0 "$LUALAB" photos/half.png --fit crop --no-record
has out "photos/half.png 100x100 colors"

# Nothing to do with a photo of one pixel, grey, or with alpha: it works.
photo photos/dot.png 1 1
run 0 "$LUALAB" photos/dot.png --no-record
has out "photos/dot.png 1x1 colors: "
lua 'local core = require "lab.core"; require "lab"
assert(core.image(40, 30, 1, ("\200"):rep(1200)):save "photos/grey.png")
assert(core.image(40, 30, 4, ("\220\20\20\255"):rep(1200)):save "photos/alpha.png")'
run 0 "$LUALAB" photos/grey.png --no-record
run 0 "$LUALAB" photos/alpha.png --no-record
has out "red 100.0 %"
