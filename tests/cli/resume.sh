# kill -9 in the middle of a folder, then --resume: everything is done, no row is lost or doubled, no
# partial file has a final name.
# shellcheck shell=sh disable=SC2154

i=0
while [ $i -lt 40 ]; do
    cp photos/a.png photos/p$i.png 2>/dev/null || photo photos/a.png 600 400
    i=$((i + 1))
done
rm photos/a.png
count=$(find photos -name '*.png' | wc -l)

"$LUALAB" photos -o made --overlay >out 2>err &
pid=$!
# Wait until some are done, then kill while others are not.
tries=0
while [ "$(find made -name '*.overlay.png' 2>/dev/null | wc -l)" -lt 4 ]; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] || fail "nothing was written in a minute"
    kill -0 $pid 2>/dev/null || break
    sleep 0.1
done
kill -9 $pid 2>/dev/null || true
wait $pid 2>/dev/null || true
done_before=$(sql "SELECT count(*) FROM v_results WHERE state = 'done'")
[ "$done_before" -ge 1 ] || fail "nothing was done before the kill"
# What is there under a final name is whole.
for file in made/*.png; do
    lua 'local core = require "lab.core"
assert(core.decode(assert(core.read_file(arg[1]))))' "$file"
done

run 0 "$LUALAB" photos -o made --overlay --resume
if [ "$done_before" -lt "$count" ]; then
    has err "done before"
fi
is "$(find made -name '*.labels.png' | wc -l)" "$count"
is "$(find made -name '*.overlay.png' | wc -l)" "$count"
is "$(sql 'SELECT count(*) FROM v_results')" "$count" "rows"
is "$(sql "SELECT count(DISTINCT path) FROM v_results WHERE state = 'done'")" "$count" "done"
is "$(sql "SELECT count(*) FROM v_runs WHERE state = 'running'")" 0 "runs that stay running"

# Once more there is nothing to do; a file that is missing is made again.
run 0 "$LUALAB" photos -o made --overlay --resume
lines out 0
has err "0 done, 0 failed, $count done before"
rm made/p3.overlay.png
run 0 "$LUALAB" photos -o made --overlay --resume
lines out 1
exists made/p3.overlay.png

# Another model is another result; without the catalog the files decide.
run 0 "$LUALAB" photos/p1.png photos/p2.png -m glow -o made --resume
lines out 2
run 0 "$LUALAB" photos -o made --overlay --resume --no-record
lines out 0

# Ctrl-C: it stops soon, the run says so, and the rest can be resumed.
rm -r made "$LUALAB_DB"*
"$LUALAB" photos -o made >out 2>err &
pid=$!
tries=0
while [ "$(find made -name '*.labels.png' 2>/dev/null | wc -l)" -lt 2 ]; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] || fail "nothing was written in a minute"
    kill -0 $pid 2>/dev/null || break
    sleep 0.05
done
kill -INT $pid 2>/dev/null || true
code=0
wait $pid || code=$?
if [ "$code" -ne 0 ]; then
    is "$code" 130 "exit code after Ctrl-C"
    is "$(sql 'SELECT state FROM v_runs')" interrupted
fi
run 0 "$LUALAB" photos -o made --resume
is "$(sql "SELECT count(DISTINCT path) FROM v_results WHERE state = 'done'")" "$count"
