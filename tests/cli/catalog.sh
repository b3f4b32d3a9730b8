# lualab sql: formats, parameters, named queries, read-only; and catalogs that are none.
# shellcheck shell=sh disable=SC2154

photo photos/a.png 60 40 red
photo photos/b.png 60 40 green
run 0 "$LUALAB" photos

run 0 "$LUALAB" sql "SELECT label, count(*) AS photos FROM v_segments GROUP BY label ORDER BY label"
has out "label       photos"
has out "background       2"
run 0 "$LUALAB" sql --format csv "SELECT label, pixels FROM v_segments WHERE label <> 'background'
    ORDER BY label"
is "$(sed -n 1p out)" "label,pixels"
lines out 3
run 0 "$LUALAB" sql --format json -p label=red "SELECT label, fraction FROM v_segments
    WHERE label = :label"
lua 'local rows = require "lab.json".decode(io.read "a")
assert(#rows == 1 and rows[1].label == "red" and math.abs(rows[1].fraction - 0.5) < 0.05)' <out
run 0 "$LUALAB" sql --format csv "SELECT 'a,\"b' AS x, NULL AS y, x'00ff' AS z"
is "$(sed -n 2p out)" '"a,""b",,00ff'
run 0 "$LUALAB" sql --format json -p n=3 -p x=1.5 "SELECT :n AS n, :x AS x, typeof(:n) AS t"
has out '"t":"integer"'
echo "SELECT 42 AS answer;" | "$LUALAB" sql --format csv - >out || fail "SQL from standard input"
is "$(sed -n 2p out)" 42

# Named queries.
run 0 "$LUALAB" sql --list
name=$(sed -n '1s/ .*//p' out)
[ -n "$name" ] || fail "there is no named query"

# Only reading; and errors are sentences.
run 1 "$LUALAB" sql "DELETE FROM results"
has err "read-only"
is "$(sql 'SELECT count(*) FROM results')" 2
run 1 "$LUALAB" sql "SELECT * FROM nonesuch"
has err "nonesuch"
run 1 "$LUALAB" sql "SELECT 1; SELECT 2"
has err "one statement at a time"
run 1 "$LUALAB" sql --time-limit 0.2 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
    SELECT max(i) FROM n"

# Every recorded row is complete, and the map in it is the map of the file.
is "$(sql "SELECT count(*) FROM v_results WHERE seconds IS NULL OR timings IS NULL")" 0
is "$(sql "SELECT count(*) FROM segments")" 4
run 0 "$LUALAB" photos/a.png -o made
lua 'local core, lab = require "lab.core", require "lab"
local db <close> = assert(lab.catalog(nil, "read"))
local id = db:value "SELECT max(id) FROM results"
local map = assert(core.decode_map(assert(core.read_file "made/a.labels.png")))
assert(assert(db:map(id)) == map)
for row in db:rows "SELECT path, state FROM v_results" do
  assert(row.path:sub(1, 1) == "/" and row.state == "done")
end'

# Another catalog, one in memory, and things that are no catalog.
run 0 "$LUALAB" photos/a.png --db other.db
run 0 "$LUALAB" sql --db other.db --format csv "SELECT count(*) FROM results"
is "$(sed -n 2p out)" 1
run 0 "$LUALAB" photos/a.png --db :memory:
run 1 "$LUALAB" sql --db missing.db "SELECT 1"
has err "missing.db"
absent missing.db
echo "this is a text file, long enough to be read as one" >text.db
run 1 "$LUALAB" photos/a.png --db text.db
has err "text.db"
has text.db "this is a text file"
sqlite3 newer.db 'PRAGMA application_id = 0x6c75616c; PRAGMA user_version = 999; CREATE TABLE t (x)'
run 1 "$LUALAB" photos/a.png --db newer.db
has err "newer.db"
has err "999"
sqlite3 "$LUALAB_DB" "BEGIN EXCLUSIVE" "SELECT 1" ".shell sleep 8" >/dev/null &
sleep 0.5
run 1 "$LUALAB" photos/a.png
has err "locked"
wait
