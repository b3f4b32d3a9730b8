# Folders: recursion, a mirrored tree, patterns, one bad picture among ten.
# shellcheck shell=sh disable=SC2154

mkdir -p photos/trip/day1 photos/trip/day2 photos/.hidden
i=0
while [ $i -lt 4 ]; do
    photo photos/trip/day1/p$i.png 50 40 red
    photo photos/trip/day2/p$i.jpg 50 40 green
    i=$((i + 1))
done
photo photos/top.bmp 50 40 blue
photo photos/.hidden/no.png 50 40
echo "no picture" >photos/trip/notes.txt
echo "not a picture either" >photos/trip/bad.png

# Nine are done, one is named, exit code 1.
run 1 "$LUALAB" photos -o made --overlay
lines out 9
has err "photos/trip/bad.png"
has err "9 done, 1 failed"
exists made/top.labels.png made/trip/day1/p0.labels.png made/trip/day2/p3.overlay.png
absent made/.hidden made/trip/notes.labels.png made/trip/bad.labels.png
is "$(find made -name '*.labels.png' | wc -l)" 9
no_leftovers made
is "$(sql "SELECT count(*) FROM v_results WHERE state = 'done'")" 9
is "$(sql "SELECT count(*) FROM v_failures WHERE path LIKE '%bad.png'")" 1
is "$(sql 'SELECT state FROM v_runs')" "done"

# No progress line and no colours where standard error is no terminal.
has_not err "$(printf '\033')"
has_not err "1/10"

# Results inside the folder that is walked are no photos of the next run.
rm photos/trip/bad.png
run 0 "$LUALAB" photos -o photos/results --overlay --no-record
lines out 9
run 0 "$LUALAB" photos -o photos/results --overlay --no-record
lines out 9
rm -r photos/results

# Patterns, for shells and quotes that do not expand them.
run 0 "$LUALAB" 'photos/**/*.jpg' --no-record
lines out 4
run 0 "$LUALAB" 'photos/trip/day?/p[01].*' --no-record
lines out 4
run 1 "$LUALAB" 'photos/*.gif' photos/top.bmp --no-record
lines out 1
has err "nothing matches"

# A link that leads in a circle does not; an empty folder is said to be empty.
ln -s .. photos/trip/up
run 0 "$LUALAB" photos --no-record
lines out 9
mkdir empty
run 1 "$LUALAB" empty
has err "no picture"
run 1 "$LUALAB" nowhere/at/all.png
has err "nowhere/at/all.png"
