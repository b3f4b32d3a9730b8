#!/bin/sh
# Runs one test script of this folder: gives it a folder of its own to work in, with its own home,
# catalog and manifest (the models "colors" and "glow" of make_model), no network, and the words
# below to say what it expects. A script ends at the first thing that is not as expected.
#
#   LUALAB=… MAKE_MODEL=… SOURCE=… PLUGINS=… run.sh TEST.sh
set -eu

test_script=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
work=$(mktemp -d "${TMPDIR:-/tmp}/lualab-cli-XXXXXX")
cleanup() {
    status=$?
    trap - EXIT INT TERM
    if command -v clean_up_test >/dev/null 2>&1; then
        clean_up_test
    fi
    chmod -R u+w "$work" 2>/dev/null || true
    rm -rf "$work"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

export HOME="$work/home" XDG_CONFIG_HOME="$work/config" XDG_DATA_HOME="$work/data" \
    XDG_CACHE_HOME="$work/cache" LUALAB_DB="$work/catalog.db" LUALAB_WEIGHTS_PATH="$work/models" \
    LUALAB_OFFLINE=1 LUALAB_MODEL=colors NO_COLOR=1
unset LUALAB_KERNELS LUALAB_PLUGIN_PATH
mkdir -p "$HOME" "$XDG_CONFIG_HOME/lualab" "$work/models" "$work/photos"
cd "$work"

"$MAKE_MODEL" colors models/colors.tflite
"$MAKE_MODEL" glow models/glow.tflite

# entry NAME SUMMARY-OF-FIELDS: an entry of the manifest for models/NAME.tflite.
entry() {
    printf '{ name = "%s", file = "%s.tflite", summary = "for tests", licence = "MIT",\n' "$1" "$1"
    printf '  sha256 = "%s", bytes = %s,\n' "$(sha256sum "models/$1.tflite" | cut -c1-64)" \
        "$(wc -c <"models/$1.tflite")"
    printf '  url = "file://%s/remote/%s.tflite", mean = 0, %s },\n' "$work" "$1" "$2"
}
{
    printf 'return { models = {\n'
    entry colors 'labels = { "background", "red", "green", "blue" }, fit = "pad",
  colors = { 0x000000, 0xff0000, 0x00ff00, 0x0000ff }'
    entry glow 'dataset = "person", fit = "stretch", scale = 1 / 255, offset = 0, threshold = 0'
    printf '} }\n'
} >"$XDG_CONFIG_HOME/lualab/models.lua"

# ---- words for test scripts ----

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

skip() {
    printf 'skipped: %s\n' "$*"
    exit 77
}

# run CODE COMMAND...: runs it with stdout in ./out and stderr in ./err and checks its exit code.
run() {
    want=$1
    shift
    got=0
    "$@" >out 2>err </dev/null || got=$?
    [ "$got" -eq "$want" ] || {
        printf -- '--- stdout\n' >&2
        head -c 4000 out >&2
        printf -- '--- stderr\n' >&2
        head -c 4000 err >&2
        fail "exit code $got instead of $want: $*"
    }
}

# has FILE TEXT: the file contains this text.
has() {
    grep -qF -- "$2" "$1" || {
        head -c 4000 "$1" >&2
        fail "'$2' is not in $1"
    }
}

has_not() {
    if grep -qF -- "$2" "$1"; then
        head -c 4000 "$1" >&2
        fail "'$2' is in $1"
    fi
}

lines() {
    n=$(wc -l <"$1")
    [ "$n" -eq "$2" ] || {
        head -c 4000 "$1" >&2
        fail "$1 has $n lines instead of $2"
    }
}

exists() {
    for name in "$@"; do
        [ -s "$name" ] || fail "$name is not there, or empty"
    done
}

absent() {
    for name in "$@"; do
        [ ! -e "$name" ] || fail "$name should not be there"
    done
}

# No temporary file of a write that was cut off is left below these folders.
no_leftovers() {
    left=$(find "$@" -type f ! -name '*.png' ! -name '*.json' ! -name '*.jpg' ! -name '*.db*' \
        ! -name '*.txt' | head -n 5)
    [ -z "$left" ] || fail "left behind: $left"
}

# blocks FILE LANGUAGE: the fenced blocks of that language, one after another; without one, those of
# none.
blocks() {
    awk -v open="\`\`\`${2:-}" '$0 == open && !fenced { on = fenced = 1; next }
        /^```/ { fenced = !fenced; on = 0; next } on' "$1"
}

# sql QUERY: its first value.
sql() {
    "$LUALAB" sql --format csv "$1" | sed -n 2p
}

is() {
    [ "$1" = "$2" ] || fail "'$1' instead of '$2' ${3:+($3)}"
}

# lua SCRIPT-TEXT ARGS...: runs Lua in the program.
lua() {
    text=$1
    shift
    printf '%s\n' "$text" >"$work/script.lua"
    "$LUALAB" --script "$work/script.lua" "$@"
}

# photo FILE WIDTH HEIGHT [COLOR]: the left half in the colour (red), the right half dark; the format
# goes by the ending.
photo() {
    lua 'local core = require "lab.core"; require "lab"
local path, w, h = arg[1], tonumber(arg[2]), tonumber(arg[3])
local colors = { red = "\220\20\20", green = "\20\220\20", blue = "\20\20\220", grey = "\40\40\40" }
local row = colors[arg[4] or "red"]:rep(w // 2) .. colors.grey:rep(w - w // 2)
assert(core.image(w, h, 3, row:rep(h)):save(path))' "$@"
}

# shellcheck source=/dev/null
. "$test_script"
