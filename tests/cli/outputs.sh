# What -o DIR writes: names, formats, sizes, contents; and that names never clash silently.
# shellcheck shell=sh disable=SC2154

photo photos/half.png 200 100
run 0 "$LUALAB" photos/half.png -o made --overlay --mask --cutout --legend --json --label red
exists made/half.labels.png made/half.overlay.png made/half.mask.png made/half.cutout.png \
    made/half.legend.png made/half.json
has out "made/half.cutout.png"

# The label map: ids as pixels, the dataset's colours as palette, the photo's size.
lua 'local core, lab = require "lab.core", require "lab"
local json = require "lab.json"
local function read(name) return assert(core.read_file("made/half." .. name)) end
local map, palette = assert(core.decode_map(read "labels.png"))
assert(map:width() == 200 and map:height() == 100)
assert(map:at(10, 50) == 1 and map:at(190, 50) == 0)
assert(palette[0] == 0 and palette[1] == 0xff0000 and palette[2] == 0x00ff00)
local overlay = assert(core.decode(read "overlay.png"))
assert(overlay:width() == 200 and overlay:channels() == 3)
local r, g = overlay:at(10, 50)
assert(r > 220 and g < 20, "the class is tinted")
assert(overlay:at(190, 50) == 40, "the background is not")
local cutout = assert(core.decode(read "cutout.png"))
assert(cutout:channels() == 4)
assert(select(4, cutout:at(10, 50)) == 255 and select(4, cutout:at(190, 50)) == 0)
local mask = assert(core.decode(read "mask.png"))
assert(mask:at(10, 50) == 255 and mask:at(190, 50) == 0)
assert(assert(core.decode(read "legend.png")):width() > 50)
local object = assert(json.decode(read "json"))
assert(object.width == 200 and object.height == 100)
assert(#object.segmentationMap == 4 * 200 * 100)
assert(object.segmentationMap[1] == 255 and object.segmentationMap[4] == 255)
assert(object.segmentationMap[4 * 199 + 1] == 0)
assert(object.legend.red[1] == 255 and object.legend.background[1] == 0)
assert(#object.classes == 2 and object.classes[1].fraction >= object.classes[2].fraction)
assert(object.classes[1].pixels + object.classes[2].pixels == 20000)
assert(object.model.name == "colors" and #object.model.sha256 == 64)
assert(object.timings.segment >= 0)
local r2 = assert(lab.segment("photos/half.png", { model = "colors" }))
local p = r2:prediction()
assert(#p.segmentationMap == 80000 and p.segmentationMap:byte(1) == 255)
assert(p.height == 100 and p.width == 200 and p.legend.red[1] == 255)
assert(r2.map == map, "the command line and the library agree")'

# A photo that has the network's size goes in unscaled: its map is the network's own.
photo photos/exact.png 65 65
run 0 "$LUALAB" photos/exact.png -o made
run 0 "$LUALAB" photos/exact.png -o own --output model
cmp made/exact.labels.png own/exact.labels.png || fail "the network's own map is another"
run 0 "$LUALAB" photos/half.png -o own --output model
lua 'local core = require "lab.core"
local map = assert(core.decode_map(assert(core.read_file "own/half.labels.png")))
assert(map:width() == 65 and map:height() == 65)'

# Other ways to cut out: soft, feathered, on a colour, on a picture.
lua 'local core = require "lab.core"; require "lab"
assert(core.image(30, 50, 3, ("\20\20\220"):rep(1500)):save "beach.png")'
for background in white '#102030' beach.png; do
    run 0 "$LUALAB" photos/half.png -o cut --background "$background" --label red --soft --feather 2
    exists cut/half.cutout.png
done
lua 'local core = require "lab.core"
local image = assert(core.decode(assert(core.read_file "cut/half.cutout.png")))
assert(image:channels() == 3 and image:width() == 200)
local r, g, b = image:at(40, 50)
assert(r > 200 and b < 60, "what is kept")
r, g, b = image:at(120, 50)
assert(b > r and b > g, "the beach behind it: " .. r .. "," .. g .. "," .. b)'
run 1 "$LUALAB" photos/half.png -o cut --background nocolour --label red
has err "neither a picture nor a colour"

# JSON on standard output without -o.
run 0 "$LUALAB" photos/half.png --json --no-record
lua 'local o = require "lab.json".decode(io.read "a"); assert(o.width == 200)' <out

# a.jpg and a.png would both be a.labels.png: they keep their endings.
photo photos/twin.png 40 30 red
photo photos/twin.jpg 40 30 green
run 0 "$LUALAB" photos/twin.png photos/twin.jpg -o twins
exists twins/twin.png.labels.png twins/twin.jpg.labels.png
absent twins/twin.labels.png
if cmp -s twins/twin.png.labels.png twins/twin.jpg.labels.png; then
    fail "one of the twins wrote over the other"
fi
# The same name from two folders is refused before anything is written.
mkdir photos/sub
cp photos/half.png photos/sub/half.png
run 2 "$LUALAB" photos/half.png photos/sub/half.png -o clash
has err "would write the same files"
absent clash
# The same photo twice is one photo.
run 0 "$LUALAB" photos/half.png ./photos/half.png -o once
is "$(find once -type f | wc -l)" 1
is "$(grep -c 'half.png 200x100' out)" 1
