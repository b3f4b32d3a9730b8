# lualab serve with a real socket: what serve_client.py expects of the API, the legends of real
# models beside the command line's, the token, and how it ends.
# shellcheck shell=sh disable=SC2154

command -v python3 >/dev/null || skip "python3 is not here"
"$LUALAB" plugins | grep -q '^http ' || skip "built without libmicrohttpd"

# start ARGUMENTS...: a server; its address is in $url.
start() {
    : >address
    "$LUALAB" serve --port 0 "$@" >address 2>errors &
    server=$!
    n=0
    while [ ! -s address ]; do
        n=$((n + 1))
        [ "$n" -lt 200 ] || fail "the server does not start: $(cat errors)"
        kill -0 "$server" 2>/dev/null || fail "the server has ended: $(cat errors)"
        sleep 0.05
    done
    url=$(cat address)
}

# stop SIGNAL: it ends as after Ctrl-C, without leaving anything unfinished.
stop() {
    kill -"$1" "$server"
    code=0
    wait "$server" || code=$?
    server=
    [ "$code" -eq 130 ] || fail "exit code $code after SIG$1: $(cat errors)"
}

clean_up_test() {
    [ -z "${server:-}" ] || kill "$server" 2>/dev/null || true
}

photo photo.png 130 90
"$LUALAB" photo.png --json --no-record >cli.json

start --sql-seconds 0.3
python3 "$SOURCE/tests/cli/serve_client.py" "$url" photo.png cli.json || fail "$(cat errors)"
has_not errors traceback
stop INT
is "$(sql "SELECT count(*) FROM runs WHERE state <> 'done'")" 0
is "$(sql "SELECT count(*) FROM results WHERE state = 'running'")" 0
is "$(sql "SELECT count(*) FROM results WHERE path LIKE '%/%'")" 0 "an upload has become a path"
is "$(sql 'SELECT DISTINCT command FROM runs')" "lualab serve"

# The examples of the API's README, as they stand there; "#>" says what they show.
readme=$SOURCE/plugins/http/README.md
photo photo.jpg 130 90
start --db readme.db
sed -n '/^## API/,$p' "$readme" | awk '$0 == "```sh" { on = 1; next } /^```/ { on = 0 } on' |
    sed "s|http://127.0.0.1:8080/|$url|g" >examples.sh
[ "$(grep -c '^curl' examples.sh)" -ge 8 ] || fail "only a few examples in $readme"
run 0 sh -eu examples.sh
sed -n 's/^.*#> //p' examples.sh | while read -r text; do
    has out "$text"
done
exists overlay.png cutout.png photo.u8
stop INT
"$LUALAB" serve --api >tables
lua 'local function read(name) return assert(io.open(name)):read "a" end
assert(read(arg[1]):find(read "tables", 1, true))' "$readme" ||
    fail "$readme has not the tables that lualab serve --api prints"

# Real models, where they are: the same legend as the command line's.
for model in pascal cityscapes ade20k selfie; do
    sample=$SOURCE/../shared/samples/cats_and_dogs.jpg
    if [ ! -f "$sample" ] || ! "$LUALAB" models 2>/dev/null | grep -q "^$model .* yes "; then
        echo "$model or its photo is not here"
        continue
    fi
    start --no-record --model "$model"
    "$LUALAB" -m "$model" "$sample" --json --no-record >cli.json
    curl -sf --data-binary "@$sample" "${url}api/segment?map=base64" >web.json
    python3 - <<'END' || fail "$model: another legend than the command line's"
import json
cli, web = json.load(open("cli.json")), json.load(open("web.json"))
fields = ("id", "name", "color", "pixels", "fraction", "box")
assert web["legend"] == [{f: row[f] for f in fields} for row in cli["classes"]]
assert web["prediction"]["legend"] == cli["legend"] and web["id"] is None
END
    stop TERM
done

# A model that is not here is fetched by a process of its own, unless that is forbidden.
mkdir -p remote
mv models/glow.tflite remote/
start --no-record
is "$(curl -s -X POST -o refused.json -w '%{http_code}' "${url}api/models/glow/load")" 404
has refused.json "--offline forbids"
stop TERM
unset LUALAB_OFFLINE
start --no-record
curl -sN -X POST -H 'Accept: text/event-stream' "${url}api/models/glow/load" >told
has told '"stage":"fetch"'
has told '"state":"loaded"'
exists models/glow.tflite
is "$(curl -s -o /dev/null -w '%{http_code}' --data-binary @photo.png \
    "${url}api/segment?model=glow")" 200
stop TERM
export LUALAB_OFFLINE=1

# A token; a folder for what is sent; names of other machines; what cannot be.
start --token secret --no-record
is "$(curl -s -o /dev/null -w '%{http_code}' "${url%%\?*}api/status")" 401
is "$(curl -s -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer secret' \
    "${url%%\?*}api/status")" 200
is "$(curl -s -c jar -o /dev/null -w '%{http_code}' "$url")" 303
is "$(curl -s -b jar -o /dev/null -w '%{http_code}' "${url%%\?*}api/status")" 200
port=$(printf %s "$url" | sed 's/.*:\([0-9]*\).*/\1/')
run 1 "$LUALAB" serve --port "$port" --no-record
has err "$port"
stop INT
start --keep kept
id=$(curl -sf --data-binary @photo.png "${url}api/segment?name=a.png" | sed 's/{"id":\([0-9]*\).*/\1/')
exists "kept/$(sha256sum photo.png | cut -c1-64).png"
stop INT
start
curl -sf -o overlay.png "${url}api/results/$id/overlay.png"
exists overlay.png
stop INT
rm -r kept
start
is "$(curl -s -o gone.json -w '%{http_code}' "${url}api/results/$id/overlay.png")" 404
has gone.json "kept"
is "$(curl -s -o thumb.png -w '%{http_code}' "${url}api/results/$id/thumbnail.png")" 200
stop INT
run 2 "$LUALAB" serve --token "a b"
run 2 "$LUALAB" serve --port 70000
run 1 "$LUALAB" serve --port 0 --model nonesuch
has err 'there is no model "nonesuch"'
