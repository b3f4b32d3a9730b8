# One part of the page's tests: starts a server of its own and lets $PAGE_PART.mjs drive the page in
# headless Chromium. Screenshots go to $PAGE_SHOTS.
# shellcheck shell=sh disable=SC2034,SC2154

CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
    skip "there is no Chromium"
command -v node >/dev/null || skip "there is no Node.js to drive Chromium with"
for PLAYWRIGHT in "${PLAYWRIGHT_CORE:-}" "$SOURCE/build/node/node_modules/playwright-core" \
    "$(npm root -g 2>/dev/null)/playwright-core"; do
    [ ! -f "$PLAYWRIGHT/package.json" ] || break
    PLAYWRIGHT=
done
[ -n "$PLAYWRIGHT" ] ||
    skip "playwright-core is not there: npm install --prefix $SOURCE/build/node playwright-core"
"$LUALAB" plugins | grep -q '^http ' ||
    skip "lualab was built without its http plugin (libmicrohttpd)"

# The shared photos and weights lie beside the checkout.
SHARED=$SOURCE/../shared
mkdir -p "$PAGE_SHOTS"
export CHROMIUM PLAYWRIGHT SHARED PAGE_SHOTS

# Runs the server until the test ends; `serve PORT` also starts one again where the last one was.
serve() {
    : >served
    "$LUALAB" serve --port "$1" >served 2>served.err &
    server=$!
    for _ in $(seq 200); do
        PAGE=$(sed -n 's/.*\(http:\/\/[^ ]*\).*/\1/p' served served.err | head -n 1)
        [ -z "$PAGE" ] || break
        kill -0 "$server" 2>/dev/null || break
        sleep 0.05
    done
    [ -n "$PAGE" ] || {
        cat served served.err >&2
        fail "the server did not say where it is"
    }
    PAGE=${PAGE%/}
    export PAGE
}

clean_up_test() {
    [ -z "${server:-}" ] || kill "$server" 2>/dev/null || true
    [ -z "${server:-}" ] || wait "$server" 2>/dev/null || true
}

photo photos/red.png 300 200 red
photo photos/green.png 200 300 green
photo photos/blue.png 320 240 blue
photo photos/wide.png 1000 1000 red
photo photos/panorama.png 1200 100 red
photo "photos/a picture with a name that is so much longer than anything has room for, 2024.png" \
    300 200 green
echo "no picture" >photos/bad.png

serve 0
if [ "$PAGE_PART" = offline ]; then
    # The test asks for the server to go and to come by files, so that a server is always ours.
    (
        until [ -e stop ]; do sleep 0.05; done
        kill "$server"
        until [ -e start ]; do sleep 0.05; done
    ) &
    watcher=$!
    run_node() { node "$SOURCE/tests/page/offline.mjs"; }
    run_node >out 2>err &
    node=$!
    wait "$watcher"
    wait "$server" 2>/dev/null || true
    serve "${PAGE##*:}"
    wait "$node" || {
        cat out err >&2
        fail "offline.mjs"
    }
else
    run 0 node "$SOURCE/tests/page/$PAGE_PART.mjs"
fi
cat out
