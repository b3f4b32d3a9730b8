#!/bin/sh
# A folder of photos with several in flight and one after the other, in turn (A B A B ...): the time
# a photo, the ratio of the fastest rounds, and whether the files are the same. Machines are shared
# and change their pace: only times taken side by side say which is faster, and the fastest round is
# the one that was disturbed least.
#
#   ahead.sh PHOTOS [ROUNDS]
#
# PHOTOS is a folder; a few photos are taken several times until there are COUNT (200). ROUNDS is 5.
# Environment: LUALAB (the program; lualab of the PATH), MODEL (pascal), THREADS (2), OPTIONS (what
# is made of each photo: "--overlay --legend --cutout"; the label map always is), AHEAD (photos in
# flight; unless given, what the program does by itself).
# Exit codes: 0 measured, 1 a run failed or files differ, 2 wrong usage.
set -eu

LUALAB=${LUALAB:-lualab}
MODEL=${MODEL:-pascal}
THREADS=${THREADS:-2}
OPTIONS=${OPTIONS---overlay --legend --cutout}
COUNT=${COUNT:-200}

if [ $# -lt 1 ] || [ $# -gt 2 ] || [ ! -d "$1" ]; then
    echo "usage: ahead.sh PHOTOS [ROUNDS]" >&2
    exit 2
fi
photos=$1
rounds=${2:-5}
case $rounds in
'' | *[!0-9]* | 0)
    echo "ahead.sh: ROUNDS must be a whole number, 1 or more; got '$rounds'" >&2
    exit 2
    ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
mkdir "$work/in"
find -L "$photos" -type f \( -name '*.jpg' -o -name '*.png' \) | sort >"$work/list"
[ -s "$work/list" ] || {
    echo "ahead.sh: $photos: no .jpg or .png file" >&2
    exit 2
}

# Copies: the program takes links to the same file for one photo.
n=0
while [ "$n" -lt "$COUNT" ]; do
    while [ "$n" -lt "$COUNT" ] && read -r photo; do
        n=$((n + 1))
        cp "$photo" "$work/in/$n.${photo##*.}"
    done <"$work/list"
done

# take NAME OPTION...: one run, and its time and processor time in seconds.
take() {
    name=$1
    shift
    rm -rf "${work:?}/$name" "$work/$name.db"*
    # shellcheck disable=SC2086  # OPTIONS is a list
    if ! TIMEFORMAT='%R %U %S' bash -c 'time "$@"' time "$LUALAB" segment "$work/in" -q \
        -o "$work/$name" -m "$MODEL" --threads "$THREADS" --db "$work/$name.db" $OPTIONS "$@" \
        >"$work/said" 2>&1; then
        cat "$work/said" >&2
        exit 1
    fi
    tail -n 1 "$work/said" | awk -v name="$name" -v n="$COUNT" \
        '{ printf "%s %.2f %.2f\n", name, 1000 * $1 / n, 1000 * ($2 + $3) / n }' >>"$work/times"
    tail -n 1 "$work/times" | awk '{ printf "%-7s %8.2f ms a photo, processor %8.2f ms\n", $1, $2, $3 }' >&2
}

round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    take single --ahead 1
    take ahead ${AHEAD:+--ahead "$AHEAD"}
done

if ! diff -r "$work/single" "$work/ahead" >&2; then
    echo "ahead.sh: the files differ" >&2
    exit 1
fi
awk -v n="$COUNT" '
    !($1 in wall) || $2 < wall[$1] { wall[$1] = $2 }
    !($1 in cpu) || $3 < cpu[$1] { cpu[$1] = $3 }
    END {
        printf "%d photos, fastest rounds: one after the other %.2f ms a photo, ahead %.2f ms: %.2f times as fast\n",
            n, wall["single"], wall["ahead"], wall["single"] / wall["ahead"]
        printf "processor time: %.2f and %.2f ms a photo; the same files\n", cpu["single"], cpu["ahead"]
    }' "$work/times"
