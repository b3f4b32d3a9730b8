# Several photos in flight: the same files, rows and order as one after the other, for good photos
# and bad ones; what a stage of one's own may rely on; mistakes, early ends and Ctrl-C in the middle.
# shellcheck shell=sh disable=SC2154

for i in 1 2 3 4 5 6 7 8 9; do
    photo photos/p$i.png $((40 + 17 * i)) $((90 - 5 * i)) "$(echo red green blue | cut -d' ' -f$((i % 3 + 1)))"
done
printf 'not a picture' >photos/p4.png
: >photos/p8.png

# ---- the same as one after the other ----

for ahead in 1 2 3 16; do
    run 1 "$LUALAB" photos photos/none.png -o made$ahead --ahead $ahead --threads 4 --db $ahead.db \
        --overlay --mask --legend --cutout --json
    sed "s/made$ahead/made/" out >lines$ahead
    sed "s/ *time .*//" err >errors$ahead
    "$LUALAB" sql --db $ahead.db --format csv "SELECT r.id, r.path, r.state, r.reason, r.width,
        r.height, hex(r.map) AS map, i.sha256, i.bytes, i.format FROM results r
        LEFT JOIN images i ON i.id = r.image ORDER BY r.id" >rows$ahead
done
is "$(wc -l <lines1)" 7
for ahead in 2 3 16; do
    cmp lines1 lines$ahead
    cmp errors1 errors$ahead
    cmp rows1 rows$ahead
    for file in made1/*.png; do
        cmp "$file" "made$ahead/$(basename "$file")"
    done
    is "$(find made$ahead -type f | wc -l)" "$(find made1 -type f | wc -l)"
    no_leftovers made$ahead
done
is "$(find made1 -name '*.png' | wc -l)" 35
has errors3 "photos/p4.png: "
has errors3 "photos/p8.png: the file is empty"
run 2 "$LUALAB" photos --ahead 0
has err "'0' is not a whole number from 1 to 64"

# ---- in a script ----

cat >stages.lua <<'EOF'
local lab = require "lab"
local core = require "lab.core"
local s = lab.stages

--- A pipeline with overlays, and a stage of one's own at the end.
function pipe(ahead, own)
  return lab.pipeline { ahead = ahead, s.preprocess {}, s.segment { model = "colors" },
    s.colorize { save = "script/{stem}.overlay.png" }, s.save { labels = "script/{stem}.labels.png" },
    own, s.record {} }
end

function there(r)
  return #r.files == 2 and core.read_file(r.files[1].path) and core.read_file(r.files[2].path)
end
return core
EOF

# Files are there when a stage of one's own runs; results come in order.
lua 'dofile "stages.lua"
local order = {}
local p <close> = pipe(3, function(r) assert(there(r), r.path .. ": files are missing") end)
for r, err in p:each "photos" do
  order[#order + 1] = r.path:match "p%d" .. (err and "!" or "")
  assert(err or r.timings.decode > 0 and r.timings.save > 0)
end
print(table.concat(order, " "))' >out
is "$(cat out)" "p1 p2 p3 p4! p5 p6 p7 p8! p9"

# A mistake in a stage arrives after the results before it, and is a failed row.
rm -rf script "$LUALAB_DB"*
lua 'dofile "stages.lua"
local p <close> = pipe(4, function(r) if r.path:find "p5" then error "my mistake" end end)
local n = 0
local ok, message = pcall(function() for _ in p:each "photos" do n = n + 1 end end)
print(n, ok, message:match "my mistake")' >out
is "$(cat out)" "4	false	my mistake"
is "$(sql "SELECT count(*) FROM results WHERE reason LIKE '%my mistake%'")" 1
is "$(sql "SELECT count(*) FROM results WHERE state = 'running'")" 0
is "$(sql 'SELECT state FROM runs')" interrupted

# So is a loop that is left: what was in flight is no row that stays running.
rm -rf script "$LUALAB_DB"*
lua 'dofile "stages.lua"
local p <close> = pipe(4, function() end)
for r in p:each "photos" do if r.path:find "p3" then break end end' >out
is "$(sql 'SELECT state FROM runs')" interrupted
is "$(sql "SELECT count(*) FROM results WHERE state = 'running'")" 0
is "$(sql "SELECT count(*) FROM results WHERE state = 'done' AND path GLOB '*p[123].png'")" 3
no_leftovers script

# A file that cannot be written fails its photo alone.
rm -rf script "$LUALAB_DB"*
mkdir -p script/p3.overlay.png/in-the-way
lua 'dofile "stages.lua"
local p <close> = pipe(3, function() end)
for r, err in p:each "photos" do if err then print(r.path:match "p%d", err) end end' >out
has out "p3	script/p3.overlay.png: "
lines out 3

# Pipelines within a stage, and images instead of paths.
lua 'dofile "stages.lua"
local lab = require "lab"
local inner = 0
local p <close> = pipe(3, function(r)
  for other in lab.pipeline { lab.stages.preprocess {}, lab.stages.segment { model = "colors" },
    function() end }:each("photos/p1.png", "photos/p2.png") do
    inner = inner + (other.map and 1 or 0)
  end
end)
for r, err in p:each(lab.open "photos/p1.png", "photos/p2.png") do assert(not err, err) end
print(inner)' >out
is "$(cat out)" 4

# ---- Ctrl-C while a stage loops in Lua ----

rm -rf script "$LUALAB_DB"*
cat >loop.lua <<'EOF'
dofile "stages.lua"
local p <close> = pipe(3, function(r)
  if r.path:find "p5" then
    io.open("looping", "w"):close()
    while true do
      io.open("looping"):close() -- sanitizers deliver signals at calls of the system only
    end
  end
end)
for r, err, code in p:each "photos" do
  print(r.path:match "p%d", err and code or "done")
end
EOF
"$LUALAB" --script loop.lua >out 2>err &
pid=$!
tries=0
while [ ! -e looping ]; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] || fail "the stage was not reached in a minute"
    sleep 0.1
done
kill -INT $pid
code=0
wait $pid || code=$?
is "$code" 0 "exit code of a script that goes on after Ctrl-C"
has out "p3	done"
has out "p5	INTERRUPTED"
has_not out "p6"
is "$(sql 'SELECT state FROM runs')" interrupted
is "$(sql "SELECT count(*) FROM results WHERE state = 'running'")" 0
