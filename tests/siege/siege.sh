# lualab serve under load and under attack: starts a server of its own and lets $SIEGE_PART.py at it.
# LUALAB_TEST_LONG gives the full forms; SIEGE_SANITIZE says that times and memory tell nothing.
# shellcheck shell=sh disable=SC2034,SC2153,SC2154

command -v python3 >/dev/null || skip "python3 is not here"
"$LUALAB" plugins | grep -q '^http ' || skip "built without libmicrohttpd"
export PYTHONDONTWRITEBYTECODE=1 ASAN_OPTIONS="${ASAN_OPTIONS:-}:allocator_may_return_null=1"

clean_up_test() {
    [ -z "${server:-}" ] || kill "$server" 2>/dev/null || true
    [ -z "${server:-}" ] || wait "$server" 2>/dev/null || true
}

# start ARGUMENTS...: a server; its address is in $url.
start() {
    : >address
    "$LUALAB" serve --port 0 "$@" >address 2>errors &
    server=$!
    n=0
    while [ ! -s address ]; do
        n=$((n + 1))
        [ "$n" -lt 400 ] || fail "the server does not start: $(cat errors)"
        kill -0 "$server" 2>/dev/null || fail "the server has ended: $(cat errors)"
        sleep 0.05
    done
    url=$(cat address)
}

# It ends as after Ctrl-C, and neither Lua nor a sanitizer has found a mistake on the way.
stop() {
    code=0
    kill -INT "$server"
    wait "$server" || code=$?
    server=
    [ "$code" -eq 130 ] || fail "exit code $code: $(tail -n 60 errors)"
    if grep -qE 'traceback|runtime error|Sanitizer' errors; then
        fail "$(head -n 60 errors)"
    fi
    is "$(sql "SELECT count(*) FROM results WHERE state = 'running'")" 0
    is "$(sql 'PRAGMA integrity_check')" ok
}

# Everything below the test's folder but what the server is meant to write.
listing() {
    find . -type f ! -name 'catalog.db*' ! -name address ! -name errors ! -name before \
        ! -name out ! -name err -exec sha256sum {} + | sort -k 2
}

nothing_written() {
    listing | cmp before - || fail "files were written: $(listing | diff before -)"
    is "$(sql "SELECT count(*) FROM sqlite_master WHERE name = 'pwned'")" 0
    is "$(sql "SELECT count(*) FROM tags")" 0
}

full=${LUALAB_TEST_LONG:-}
case $SIEGE_PART in
load)
    # A published network where there is one; without it, or where all is slow, waiting is not compared
    # with computing.
    requests=$([ -n "$full" ] && echo 2000 || echo 200)
    shared=$SOURCE/../shared
    if [ -z "$SIEGE_SANITIZE" ] && [ -d "$shared/voc-mini/images" ] &&
        LUALAB_WEIGHTS_PATH=$shared/weights "$LUALAB" models 2>/dev/null |
        grep -q '^pascal .* yes '; then
        LUALAB_WEIGHTS_PATH=$shared/weights
        model=pascal
        set -- "$shared"/voc-mini/images/2007_00[0-3]*.jpg "$shared"/voc-mini/images/2008_00[78]*.jpg \
            "$shared"/samples/ade20k.jpg "$shared"/samples/cats_and_dogs.jpg \
            "$shared"/samples/chelsea.png "$shared"/samples/kodim23.png \
            "$shared"/samples/multi_objects.jpg "$shared"/samples/rocket.jpg
    else
        echo "with the test's own small model"
        model=colors
        photo photos/a.jpg 500 333
        photo photos/b.png 640 480 green
        photo photos/c.png 90 200 blue
        set -- photos/a.jpg photos/b.png photos/c.png
        SIEGE_WAIT=0
    fi
    # The short form is too short for more than a gross mistake to show.
    export SIEGE_WAIT="${SIEGE_WAIT:-$([ -n "$full" ] && echo 1.5 || echo 4)}"
    start --model "$model"
    python3 "$SOURCE/tests/siege/load.py" "$url" "$server" "$model" "$requests" "$@" ||
        fail "the load test: $(tail -n 20 errors)"
    stop
    ;;
hostile)
    photo photo.png 130 90
    start --model colors --sql-seconds 0.3
    listing >before
    python3 "$SOURCE/tests/siege/hostile.py" "$url" photo.png || fail "$(tail -n 40 errors)"
    stop
    nothing_written
    is "$(sql "SELECT count(*) FROM results WHERE path LIKE '%/%'")" 0 "a name has become a path"
    is "$(sql "SELECT count(*) FROM results WHERE path = 'stranger'")" 0 "a stranger was served"
    ;;
fuzz)
    photo photo.png 130 90
    "$LUALAB" photo.png >/dev/null # result 1
    start --model colors --sql-seconds 0.3 --no-record
    listing >before
    rows=$(sql "SELECT count(*) FROM results")
    count=${SIEGE_COUNT:-$([ -n "$full" ] && echo 20000 || echo 1500)}
    python3 "$SOURCE/tests/siege/fuzz.py" "$url" "$server" photo.png "$count" \
        "${SIEGE_SEED:-$(date +%s)}" || fail "$(tail -n 40 errors)"
    stop
    nothing_written
    is "$(sql "SELECT count(*) FROM results")" "$rows" "rows were written"
    ;;
esac
