# lualab catalog: info, check, backup, merge, prune, vacuum; damage that check finds, catalogs of
# several machines, full disks, read-only files, and kill -9 in the middle of each.
# shellcheck shell=sh disable=SC2154

photo photos/a.png 60 40 red
photo photos/b.png 60 40 green
printf 'no picture' >photos/broken.png
run 1 "$LUALAB" photos

run 0 "$LUALAB" catalog
has out "results     2 done, 1 failed, 0 running"
run 0 "$LUALAB" catalog check
has out "is whole: 2 label maps read"

# A copy, whole and never over something else.
run 0 "$LUALAB" catalog backup copies/copy.db
run 0 "$LUALAB" catalog check --db copies/copy.db
is "$(sqlite3 copies/copy.db 'SELECT count(*) FROM results')" 3
run 1 "$LUALAB" catalog backup copies/copy.db
has err "there already"
absent copies/copy.db.partial
run 1 "$LUALAB" catalog backup photos/a.png/x.db
has err "photos/a.png"

# ---- merge ----

run 0 "$LUALAB" catalog --db all.db merge copies/copy.db "$LUALAB_DB"
has out "new runs 1, new results 3 of 3"
has out "new runs 0, new results 0 of 3"
is "$(sqlite3 all.db 'SELECT count(*) FROM results')" 3
# Another machine: the same picture under another name, a second model, tags and notes.
cp photos/a.png moved.png
run 0 "$LUALAB" moved.png --db other.db
run 0 "$LUALAB" moved.png -m glow --db other.db
sqlite3 other.db "INSERT INTO tags (image, tag) VALUES (1, 'night');
    INSERT INTO notes (result, note) VALUES (2, 'a note on the second')"
for _ in 1 2; do
    run 0 "$LUALAB" catalog --db all.db merge other.db
done
has out "new runs 0, new results 0 of 2"
is "$(sqlite3 all.db "SELECT count(*) FROM results")" 5
is "$(sqlite3 all.db "SELECT count(*) FROM images")" 2
is "$(sqlite3 all.db "SELECT count(*) FROM models")" 2
is "$(sqlite3 all.db "SELECT count(*) FROM tags")" 1
is "$(sqlite3 all.db "SELECT m.name FROM notes n JOIN results r ON r.id = n.result
    JOIN models m ON m.id = r.model")" glow
is "$(sqlite3 all.db "SELECT count(*) FROM path_search('moved')")" 2
run 0 "$LUALAB" catalog check --db all.db
# What was running the last time has been finished there since.
cp copies/copy.db late.db
sqlite3 late.db "DELETE FROM segments WHERE result = 2; UPDATE results SET state = 'running',
    finished = NULL, reason = NULL, map = NULL, image = NULL WHERE id = 2;
    UPDATE runs SET state = 'running', finished = NULL"
run 0 "$LUALAB" catalog check --db late.db
has out "started and never finished"
run 0 "$LUALAB" catalog --db late.db merge copies/copy.db
has out "new results 0 of 3, finished since the last time 1"
is "$(sqlite3 late.db "SELECT count(*) FROM results WHERE state = 'running'")" 0
is "$(sqlite3 late.db "SELECT group_concat(state) FROM runs")" \
    "$(sqlite3 copies/copy.db "SELECT group_concat(state) FROM runs")"
run 0 "$LUALAB" catalog check --db late.db
# An older catalog is taken in as it is; what is none, or the same, is refused.
sqlite3 one.db <"$SOURCE/tests/db/versions/0001.sql" >/dev/null
run 0 "$LUALAB" catalog --db all.db merge one.db
has out "new results 4 of 4"
is "$(sqlite3 one.db 'PRAGMA user_version')" 1
run 0 "$LUALAB" catalog check --db all.db
run 1 "$LUALAB" catalog --db all.db merge all.db
has err "into itself"
run 1 "$LUALAB" catalog --db all.db merge photos/a.png
has err "photos/a.png"
run 1 "$LUALAB" catalog --db all.db merge nowhere.db
has err "nowhere.db"

# ---- prune, vacuum ----

before=$(sqlite3 all.db "SELECT count(*) FROM results")
run 0 "$LUALAB" catalog prune --db all.db --failed --dry-run
has out "would forget runs 0, results 2"
is "$(sqlite3 all.db "SELECT count(*) FROM results")" "$before"
run 0 "$LUALAB" catalog prune --db all.db --before 2025-06-01
has out "forgotten: runs 2, results 4, pictures 2, models 0, label sets 0"
run 0 "$LUALAB" catalog check --db all.db
run 0 "$LUALAB" catalog prune --db all.db --before 0
# The tagged picture stays, and the notes on results are gone with them.
is "$(sqlite3 all.db "SELECT count(*) FROM results")" 0
is "$(sqlite3 all.db "SELECT count(*) FROM images")" 1
is "$(sqlite3 all.db "SELECT count(*) FROM notes")" 0
run 0 "$LUALAB" catalog vacuum --db all.db
has out "all.db: "
run 0 "$LUALAB" catalog check --db all.db
run 2 "$LUALAB" catalog prune --before yesterday
has err "neither a number of days nor a date"

# ---- damage ----

damaged() { # SQL SENTENCE
    rm -f bad.db*
    cp copies/copy.db bad.db
    sqlite3 bad.db "$1"
    run 1 "$LUALAB" catalog check --db bad.db
    has out "$2"
    has err "problems: "
}
damaged "UPDATE results SET map = x'4c4d0101020280' WHERE map IS NOT NULL" "result 2: "
damaged "UPDATE results SET width = 61 WHERE state = 'done'" "60x40 pixels, not 61x40"
damaged "UPDATE segments SET pixels = pixels + 1" "its segments are not those of its map"
damaged "DELETE FROM segment_boxes" "has not the box of class 0"
damaged "PRAGMA foreign_keys = 0; DELETE FROM images" "that is not there"
damaged "UPDATE label_search SET name = 'x' WHERE class_id = 1" "has not the name of class 1"

# ---- wrong words ----

run 2 "$LUALAB" catalog chek
has err "check"
run 2 "$LUALAB" catalog backup
has err "needs the name of a file"
run 2 "$LUALAB" catalog info x
has err "takes no file"
run 1 "$LUALAB" catalog --db missing.db
has err "missing.db"
absent missing.db

# ---- kill -9 ----

# A catalog with enough in it that each action takes a while.
cp copies/copy.db big.db
sqlite3 big.db "
    INSERT INTO runs (id, state, command, started, finished)
    SELECT 100 + value, 'done', 'made', '2024-01-01T00:00:' || value, '2024-01-01T00:01:00.000Z'
    FROM generate_series(1, 50);
    INSERT INTO results (id, run, model, image, label_set, path, state, width, height, timings,
                         started, finished, map)
    SELECT 1000 + n.value, 101 + n.value % 50, model, image, label_set, '/made/' || n.value,
           state, width, height, timings, started, finished, map
    FROM results r, generate_series(1, 3000) n WHERE r.id = 2;
    INSERT INTO segments SELECT r.id, g.class_id, g.pixels, g.fraction, g.x, g.y, g.width, g.height,
           g.centroid_x, g.centroid_y, g.regions, g.score
    FROM results r JOIN segments g ON g.result = 2 WHERE r.id > 1000"
run 0 "$LUALAB" catalog check --db big.db
# How long a whole merge takes here, in milliseconds. Kills fall anywhere within that, and within more
# or less when they come too early or too late: other programs are at work here, too.
begin=$(date +%s%N)
run 0 "$LUALAB" catalog --db merged.db merge big.db
most=$((($(date +%s%N) - begin) / 1000000))
kills=0
killed_at_work=0
kill_in() { # ARGUMENTS…
    delay=$(($(od -An -N4 -tu4 /dev/urandom) % most))
    "$LUALAB" catalog "$@" >/dev/null 2>&1 &
    sleep "$((delay / 1000)).$(printf %03d $((delay % 1000)))"
    kill -9 $! 2>/dev/null || true
    got=0
    wait $! 2>/dev/null || got=$?
    kills=$((kills + 1))
    if [ "$got" -eq 137 ]; then
        killed_at_work=$((killed_at_work + 1))
        most=$((most + most / 10))
    else
        most=$((most - most / 5 + 20))
    fi
}
rounds=6
[ -z "${LUALAB_TEST_LONG:-}" ] || rounds=67
round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    rm -f work.db* merged.db* copies/killed.db*
    cp big.db work.db
    kill_in merge big.db --db merged.db
    if [ -e merged.db ]; then
        n=$(sqlite3 merged.db "SELECT count(*) FROM results" 2>/dev/null || echo 0)
        case $n in 0 | 3003) ;; *) fail "a merge was left half done: $n" ;; esac
    fi
    run 0 "$LUALAB" catalog --db merged.db merge big.db
    run 0 "$LUALAB" catalog check --db merged.db
    kill_in prune --before 2025-01-01 --db work.db
    n=$(sqlite3 work.db "SELECT count(*) FROM results")
    case $n in 3 | 3003) ;; *) fail "a prune was left half done: $n" ;; esac
    kill_in vacuum --db work.db
    run 0 "$LUALAB" catalog check --db work.db
    kill_in backup copies/killed.db --db big.db
    [ ! -e copies/killed.db ] || run 0 "$LUALAB" catalog check --db copies/killed.db
done
echo "$kills kills, $killed_at_work of them at work"
[ "$killed_at_work" -gt "$((kills / 4))" ] || fail "of $kills kills only $killed_at_work hit"

# ---- no room, no rights ----

mkdir disk
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=600k lualab-test disk 2>/dev/null; then
    clean_up_test() { umount "$work/disk" 2>/dev/null || true; }
    run 1 "$LUALAB" catalog backup disk/copy.db --db big.db
    has err "no space left"
    absent disk/copy.db
    absent disk/copy.db.partial
    cp copies/copy.db disk/small.db
    run 1 "$LUALAB" catalog --db disk/small.db merge big.db
    has err "no space left"
    run 0 "$LUALAB" catalog check --db disk/small.db
    is "$(sqlite3 disk/small.db "SELECT count(*) FROM results")" 3
    umount disk
fi
if [ "$(id -u)" != 0 ]; then
    chmod a-w copies/copy.db copies
    run 1 "$LUALAB" catalog vacuum --db copies/copy.db
    has err "read-only"
    run 0 "$LUALAB" catalog --db copies/copy.db
    chmod u+w copies/copy.db copies
fi
