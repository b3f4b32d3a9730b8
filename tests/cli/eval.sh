# lualab eval: measures, what is left out, what fails, the plot, and the catalog's rows.
# shellcheck shell=sh disable=SC2154

photo photos/a.png 60 40 red
photo photos/deep/b.png 60 40 green
photo photos/deep/c.png 48 48 blue

# A truth that is what the model says: everything is right.
run 0 "$LUALAB" photos -o right --no-record
run 0 "$LUALAB" eval --images photos --truth right --plot plots/right.svg
has out "mean IoU                100.00 %  over 4 classes"
has out "boundary IoU            100.00 %  band: 2 % of the diagonal"
has out "3 pictures, evaluation 1 in"
has plots/right.svg "<title>colors on 3 pictures</title>"
is "$(sql "SELECT count(*) FROM v_evaluations WHERE mean_iou = 1 AND pictures = 3")" 1
is "$(sql "SELECT count(*) FROM evaluation_confusions WHERE truth <> found")" 0
is "$(sql "SELECT count(*) FROM results WHERE state = 'done'")" 3

# Half of what is red in the truth is green in it: known figures. The rest has no truth.
mkdir truth
lua 'local core = require "lab.core"; require "lab"
local map = assert(core.decode_map(assert(core.read_file "right/a.labels.png")))
local bytes, n = map:bytes(), 0
local changed = bytes:gsub("\1", function() n = n + 1; return n % 2 == 0 and "\2" or nil end)
assert(core.labelmap(map:width(), map:height(), changed):save "truth/a.png")
local _, red = bytes:gsub("\1", "")
assert(n == red and red > 0)
io.open("red", "w"):write(("%.17g %.17g"):format((red - red // 2) / red, 1 - red // 2 / #bytes))
  :close()'
run 0 "$LUALAB" eval --images photos --truth truth --json --band 3 --absent-zero
lua 'local e = assert(require "lab.json".decode(io.read "a"))
local iou, accuracy = io.open "red":read("n", "n")
local function near(a, b) return math.abs(a - b) < 1e-12 end
assert(e.pictures == 1 and e.classes == 3 and e.evaluation == 2 and e.failed == 0)
assert(e.rows[1].iou == 1 and near(e.rows[2].iou, iou) and e.rows[3].iou == 0)
assert(e.rows[4].iou == nil and near(e.pixel_accuracy, accuracy))
assert(near(e.mean_iou, (1 + iou) / 3) and near(e.mean_iou_all, (1 + iou) / 4))
assert(e.confusion[3][2] > 0 and e.confusion[2][3] == 0)' <out
run 0 "$LUALAB" eval --images photos --truth truth --no-record
has out "1 pictures, 2 without a truth"
is "$(sql "SELECT count(*) FROM evaluations")" 2
run 0 "$LUALAB" sql evaluations
has out "standard"
run 0 "$LUALAB" sql --format csv confusions
is "$(sed -n 2p out | cut -d, -f1-3)" "colors,green,red"
run 0 "$LUALAB" sql evaluation-classes
has out "green"

# Truths that do not fit are named, and the others count.
mkdir bad
cp right/a.labels.png bad/a.png
lua 'local core = require "lab.core"; require "lab"
assert(core.labelmap(60, 40, ("\7"):rep(2400)):save "bad/b.png")
assert(core.labelmap(10, 10):save "bad/c.png")'
run 1 "$LUALAB" eval --images photos --truth bad
has err "bad/b.png: the truth has 2400 pixels of class 7, but there are only classes 0 to 3"
has err "bad/c.png: the truth is 10x10, the label map 48x48"
has out "1 pictures, 2 failed"
is "$(sql "SELECT failed FROM evaluations ORDER BY id DESC LIMIT 1")" 2
is "$(sql "SELECT count(*) FROM v_failures WHERE reason LIKE '%bad/b.png%'")" 1
run 1 "$LUALAB" eval --images photos --truth bad --ignore 7
has_not err "bad/b.png: the truth has"
echo "no picture" >bad/a.png
rm bad/b.png bad/c.png
run 1 "$LUALAB" eval --images photos --truth bad
has err "bad/a.png"
has err "no picture has been evaluated"

# MLPerf's rule: the photo stretched to the network's size, truth as raw bytes, class 0 left out.
mkdir raw
lua 'local core = require "lab.core"; local lab = require "lab"
local m = assert(lab.load "colors")
local r = assert(lab.segment("photos/a.png", { model = m, fit = "stretch", output = "model" }))
assert(r.width == m.width)
local f = assert(io.open("raw/a.raw", "wb"))
f:write(r.map:bytes()):close()'
run 0 "$LUALAB" eval --images photos --truth raw --rule mlperf --no-record --json
lua 'local e = assert(require "lab.json".decode(io.read "a"))
assert(e.rows[1].id == 1 and e.rows[1].iou == 1 and #e.rows == 3)
assert(math.abs(e.mean_iou - 1 / 3) < 1e-12 and e.classes == 1)' <out
printf 'short' >raw/a.raw
run 1 "$LUALAB" eval --images photos --truth raw --rule mlperf --no-record
has err "raw/a.raw: it has 5 bytes"

# Misuse, and folders that are not there.
run 2 "$LUALAB" eval --images photos
has err "--truth DIR"
run 2 "$LUALAB" eval --images photos --truth right --band wide
has err "'wide' is neither a percentage"
run 2 "$LUALAB" eval --images photos --truth right --plot plot.png
has err "SVG"
run 2 "$LUALAB" eval --images photos --truth right --rule mlperf --fit pad
run 1 "$LUALAB" eval --images photos --truth nowhere
has err "none of the 3 pictures of photos has a truth in nowhere"
run 1 "$LUALAB" eval --images nowhere --truth right
has err "nowhere"
