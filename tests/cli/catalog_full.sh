# A disk that is full, a limit on the size of files, a catalog or a folder that is read-only: a
# sentence each, and what was in the catalog is in it still.
# shellcheck shell=sh disable=SC2154

photo photos/a.png 60 40 red
mkdir noise
lua 'local core = require "lab.core"; require "lab"
math.randomseed(7) -- maps of noise: large in the catalog
for i = 1, 12 do
  local bytes = {}
  for k = 1, 200 * 150 do
    bytes[k] = math.random() < 0.5 and "\220\20\20" or "\20\220\20"
  end
  assert(core.image(200, 150, 3, table.concat(bytes)):save(("noise/%02d.png"):format(i)))
end'
run 0 "$LUALAB" photos --db small.db
run 0 "$LUALAB" noise --db large.db -q
cp small.db kept.db
sqlite3 large.db "
    INSERT INTO results (run, model, image, label_set, path, state, width, height, started,
                         finished, map)
    SELECT run, model, image, label_set, '/made/' || value, state, width, height, started, finished,
           map FROM results, generate_series(1, 800) WHERE id = 1;
    INSERT INTO segments SELECT r.id, g.class_id, g.pixels, g.fraction, g.x, g.y, g.width, g.height,
           g.centroid_x, g.centroid_y, g.regions, g.score
    FROM results r JOIN segments g ON g.result = 1 WHERE r.path LIKE '/made/%'"

whole() { # CATALOG LEAST: it is whole and has at least so many results
    run 0 "$LUALAB" catalog check --db "$1"
    n=$(sqlite3 "$1" "SELECT count(*) FROM results WHERE state = 'done'")
    [ "$n" -ge "$2" ] || fail "$1 has $n results"
}
first_still_there() { # CATALOG: its first result is that of small.db
    is "$(sqlite3 "$1" "SELECT hex(map) FROM results WHERE id = 1")" \
        "$(sqlite3 small.db "SELECT hex(map) FROM results WHERE id = 1")"
}

# All that writes, where no file may grow much beyond the small one; ulimit counts in blocks of 512
# bytes.
blocks=$((($(wc -c <small.db) + 60000) / 512))
limited() { # CODE COMMAND…
    want=$1
    shift
    got=0
    (
        ulimit -f "$blocks"
        exec "$@"
    ) >out 2>err </dev/null || got=$?
    [ "$got" -eq "$want" ] || fail "exit code $got instead of $want: $* ($(tail -n 2 err))"
}
cp small.db grown.db
limited 1 "$LUALAB" noise --db grown.db -q
grep -qE "no space left|limit on the size of files" err || fail "no reason given: $(tail -n 3 err)"
whole grown.db 1
first_still_there grown.db
cp small.db merged.db
limited 1 "$LUALAB" catalog --db merged.db merge large.db
grep -qE "no space left|limit on the size of files" err || fail "no reason given: $(tail -n 3 err)"
whole merged.db 1
is "$(sqlite3 merged.db "SELECT count(*) FROM results")" 1
limited 1 "$LUALAB" catalog --db large.db backup copy.db
absent copy.db copy.db.partial
limited 1 "$LUALAB" catalog --db large.db vacuum
whole large.db 812
sqlite3 old.db <"$SOURCE/tests/db/versions/0001.sql" >/dev/null
sqlite3 old.db "INSERT INTO label_sets VALUES (100, 'many', 'many', 20000);
    INSERT INTO labels SELECT 100, value, 'the label ' || value, '#000000'
    FROM generate_series(0, 19999)"
limited 1 "$LUALAB" photos --db old.db
is "$(sqlite3 old.db 'PRAGMA user_version')" 1
is "$(sqlite3 old.db 'PRAGMA integrity_check')" ok
run 0 "$LUALAB" photos --db old.db
limited 1 "$LUALAB" report -o page.html --db large.db
absent page.html
limited 1 "$LUALAB" export --all --format coco --shape counts -o all.json --db large.db
absent all.json

# The same on a small disk.
mkdir disk
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=400k lualab-test disk 2>/dev/null; then
    clean_up_test() { umount "$work/disk" 2>/dev/null || true; }
    cp small.db disk/c.db
    run 1 "$LUALAB" noise --db disk/c.db -q
    has err "no space left"
    whole disk/c.db 1
    first_still_there disk/c.db
    rm -f disk/*
    cp small.db disk/c.db
    head -c 160k /dev/zero >disk/fill
    run 1 "$LUALAB" catalog --db disk/c.db merge large.db
    has err "no space left"
    whole disk/c.db 1
    is "$(sqlite3 disk/c.db "SELECT count(*) FROM results")" 1
    rm -f disk/*
    cp small.db disk/c.db
    head -c 1M /dev/zero >disk/fill 2>/dev/null || true
    run 1 "$LUALAB" catalog --db disk/c.db vacuum
    run 1 "$LUALAB" photos --db disk/c.db
    rm disk/fill
    first_still_there disk/c.db
    run 0 "$LUALAB" photos --db disk/c.db
    whole disk/c.db 2
    umount disk
    # A disk that cannot be written at all.
    mount -t tmpfs -o size=400k lualab-test disk
    cp small.db disk/c.db
    mount -o remount,ro disk
    run 0 "$LUALAB" sql --db disk/c.db "SELECT path, map_pixels(map, 1) FROM v_maps"
    run 0 "$LUALAB" catalog check --db disk/c.db
    run 0 "$LUALAB" report -o page.html --db disk/c.db
    for action in "photos --db disk/c.db" "catalog vacuum --db disk/c.db" \
        "catalog prune --failed --db disk/c.db" "catalog --db disk/c.db merge large.db" \
        "eval -m colors --images photos --truth photos --db disk/c.db"; do
        # shellcheck disable=SC2086  # words
        run 1 "$LUALAB" $action
        has err "read-only"
    done
    umount disk
fi

# Files and folders that others own. Root may write them all: so as nobody.
as_nobody() { "$@"; }
if [ "$(id -u)" = 0 ]; then
    command -v setpriv >/dev/null || skip "setpriv is not here: root may write read-only files"
    as_nobody() { setpriv --reuid 65534 --clear-groups "$@"; }
    chmod a+rx "$work"
fi
mkdir locked
cp small.db locked/c.db
chmod a-w locked/c.db locked
run 0 as_nobody "$LUALAB" sql --db locked/c.db "SELECT count(*) FROM v_results"
has out " 1"
run 1 as_nobody "$LUALAB" photos --db locked/c.db
has err "read-only"
run 1 as_nobody "$LUALAB" catalog prune --failed --db locked/c.db
has err "read-only"
run 1 as_nobody "$LUALAB" photos --db locked/new.db
has err "locked/new.db"
chmod u+w locked
cmp small.db locked/c.db || fail "a read-only catalog was changed"
cmp small.db kept.db || fail "the catalog that was copied has changed"
