# What the documents show is true: the examples of db/README.md and weights/README.md and of a new
# plugin's README are run as they stand there. README.md is run by golden.readme, OPERATORS.md by
# lua.reference, the plugins' pages by cli.plugin_readmes (plugins/http's also by cli.serve), and
# MAP_FORMAT.md's bytes by db.map_codec; the examples of --help are parsed by cli.library. A document with examples that nobody knows of fails here.
# shellcheck shell=sh disable=SC2154

# ---- every document with fenced blocks has a test that runs them ----

known="README.md db/MAP_FORMAT.md db/README.md plugins/README.md plugins/http/README.md
plugins/npy/README.md plugins/refine/README.md plugins/superpixels/README.md plugins/terminal/README.md
scripts/OPERATORS.md scripts/plugin_kit/README.md.in weights/README.md"
(cd "$SOURCE" && find README.md db plugins scripts src tests weights \
    \( -name '*.md' -o -name '*.md.in' \) -exec grep -l '^```' {} +) | sort >documents.txt
for document in $known; do
    has documents.txt "$document"
done
# shellcheck disable=SC2086
printf '%s\n' $known | sort | comm -13 - documents.txt >unknown.txt
[ ! -s unknown.txt ] || fail "examples that no test runs: $(cat unknown.txt)"

mkdir bin
ln -s "$LUALAB" bin/lualab
PATH="$work/bin:$PATH"

# ---- db/README.md: in the sqlite3 shell, on a catalog with something in it ----

if command -v sqlite3 >/dev/null && [ -n "${EXTENSION:-}" ]; then
    mkdir lib
    ln -s "$EXTENSION" lib/lualab_sqlite.so
    photo "photos/street 2024 0042.jpg" 640 480 red
    photo photos/0042.jpg 640 480 green
    echo broken >photos/broken.png
    run 1 "$LUALAB" photos
    # The commands, each with what it must say.
    blocks "$SOURCE/db/README.md" | sed -n 's/^\$ //p' >commands.txt
    lines commands.txt 3
    while read -r command; do
        run 0 sh -c "$command"
        case $command in
        *v_segments*) has out "red|" ;;
        *v_failures*) has out "broken.png|" ;;
        *map_pixels*) has out "street 2024 0042.jpg|0" ;;
        esac
    done <commands.txt
    blocks "$SOURCE/db/README.md" sql >statements.sql
    [ "$(grep -c ';' statements.sql)" -ge 7 ] || fail "examples of SQL are missing"
    run 0 sqlite3 -bail -cmd ".load ./lib/lualab_sqlite" catalog.db ".read statements.sql"
    is "$(cat err)" "" "what sqlite3 says"
    has out "street 2024 0042.jpg"
    is "$(sql "SELECT count(*) FROM tags WHERE tag = 'blurred'")" 1
    is "$(find . -maxdepth 1 -name "[0-9].png" -size +0 | wc -l)" 2
fi

# ---- weights/README.md: a model of one's own, and what there is of the others ----

cp models/glow.tflite models/roofs.tflite
blocks "$SOURCE/weights/README.md" lua |
    sed "s/sha256 = \"…\", bytes = 123456/sha256 = \"$(sha256sum models/roofs.tflite |
        cut -c1-64)\", bytes = $(wc -c <models/roofs.tflite)/" >"$XDG_CONFIG_HOME/lualab/models.lua"
photo roof.png 40 30
run 0 "$LUALAB" roof.png -m roofs
has out "roofs: "
run 0 "$LUALAB" models info roofs
has out "https://example.org/roofs.tflite"
blocks "$SOURCE/weights/README.md" sh | sed 's/ *#.*//' >commands.txt
lines commands.txt 4
while read -r command; do
    case $command in
    *fetch | *verify) # these need all of them; elsewhere they say what is missing
        got=0
        sh -c "$command" >out 2>err || got=$?
        [ "$got" -eq 0 ] || has err "lualab models: " ;;
    *info*)
        if "$LUALAB" models info pascal >/dev/null 2>&1; then
            run 0 sh -c "$command"
            has out "As it runs:"
        fi ;;
    *)
        run 0 sh -c "$command"
        has out "roofs" ;;
    esac
done <commands.txt

# ---- the README of a new plugin ----

if command -v cmake >/dev/null; then
    run 0 "$LUALAB" plugin new brighter
    blocks brighter/README.md sh >walk.sh
    exists walk.sh
    run 0 sh -euc 'cd brighter && . ../walk.sh'
    has out "100% tests passed"
fi
