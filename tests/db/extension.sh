#!/bin/sh
# lualab_sqlite.so in Debian's sqlite3 shell and in Python: loads, brings every function, links no
# SQLite of its own, and says what is wrong with what it is given.
#
#   extension.sh PATH/lualab_sqlite.so
set -u
extension=${1%.so}
# 6 x 4 pixels, a shape of class 5 on class 0: the example of db/MAP_FORMAT.md.
map="x'4c4d0101060482e205f22785'"
failed=0

command -v sqlite3 >/dev/null || {
    echo "skipped: there is no sqlite3 here"
    exit 77
}

ask() { # SQL
    sqlite3 :memory: ".load $extension" "$1" 2>&1
}

is() { # SQL EXPECTED
    got=$(ask "$1")
    [ "$got" = "$2" ] && return
    printf '%s\n  gives    %s\n  expected %s\n' "$1" "$got" "$2"
    failed=1
}

is "SELECT map_width($map), map_height($map), map_pixels($map, 5), map_at($map, 2, 1)" "6|4|8|5"
is "SELECT map_iou($map, $map, 5), map_agreement($map, map_merge($map, 9, 5))" "1.0|0.666666666666667"
is "SELECT hex(map_crop($map, 0, 1, 6, 1))" "4C4D0101060180E205F280"
is "SELECT map_pixels(map_union(m, 5), 1), miou(m, m) FROM (SELECT $map AS m)" "8|1.0"
is "SELECT hex(substr(map_png($map), 2, 3))" "504E47"
is "SELECT * FROM map_segments($map)" "0|16|0|0|6|4
5|8|1|1|3|3"
is "SELECT y, x, length FROM map_runs($map) WHERE class_id = 5" "1|2|2
2|1|3
3|1|3"
is "SELECT region, class_id, pixels, centroid_x FROM map_regions($map)" "0|0|16|2.6875
1|5|8|2.125"
is "SELECT * FROM map_confusion($map, map_merge($map, 7, 5))" "0|0|16
5|7|8"
is "SELECT map_pixels(NULL, 1) IS NULL" 1
# A table of the user's own, an index on a function, twice in one connection.
is "CREATE TABLE t (m); INSERT INTO t VALUES ($map); CREATE INDEX i ON t (map_pixels(m, 5));
    SELECT count(*) FROM t WHERE map_pixels(m, 5) = 8" 1
got=$(sqlite3 :memory: ".load $extension" ".load $extension" "SELECT length(map_png($map)) > 60")
[ "$got" = 1 ] || {
    echo "loaded twice: $got"
    failed=1
}
case $(ask "SELECT map_pixels(x'4c4d', 1)") in
*"map_pixels: label map: byte 0 of 2"*) ;;
*)
    echo "no sentence for bytes that are no map"
    failed=1
    ;;
esac

# A Python built by hand often cannot load extensions; the system's can.
python=/usr/bin/python3
[ -x "$python" ] || python=python3
if command -v "$python" >/dev/null && "$python" -c 'import sqlite3
sqlite3.connect(":memory:").enable_load_extension(True)' 2>/dev/null; then
    got=$("$python" - "$extension" "4c4d0101060482e205f22785" <<'PYTHON'
import sqlite3, sys
db = sqlite3.connect(":memory:")
db.enable_load_extension(True)
db.load_extension(sys.argv[1])
png = db.execute("SELECT map_png(?)", (bytes.fromhex(sys.argv[2]),)).fetchone()[0]
print(png[:4] == b"\x89PNG", db.execute("SELECT count(*) FROM map_regions(?)",
      (bytes.fromhex(sys.argv[2]),)).fetchone()[0])
PYTHON
)
    [ "$got" = "True 2" ] || {
        echo "Python: $got"
        failed=1
    }
else
    echo "Python cannot load extensions here: not tried"
fi

if command -v readelf >/dev/null; then
    readelf -d "$1" | grep -q 'NEEDED.*sqlite' && {
        echo "the extension links an SQLite of its own"
        failed=1
    }
    readelf --dyn-syms -W "$1" | grep -q 'UND sqlite3_' && {
        echo "the extension calls SQLite past the table it is handed"
        failed=1
    }
fi
exit $failed
