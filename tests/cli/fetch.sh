# Fetching: announced, checked, put in its place in one step; forbidden offline; a wrong file is not
# kept. The remote side is a folder, by file:// urls.
# shellcheck shell=sh disable=SC2154

command -v curl >/dev/null 2>&1 || skip "curl is not here"
photo photos/a.png 60 40
mkdir remote
mv models/*.tflite remote/

# Fetched files go to the folder that LUALAB_WEIGHTS_PATH names.
where() {
    find models -name "$1"
}

run 1 "$LUALAB" photos/a.png --no-record
has err "--offline forbids"
has err "LUALAB_WEIGHTS_PATH"
is "$(where colors.tflite)" ""

unset LUALAB_OFFLINE
run 1 "$LUALAB" photos/a.png --no-record --offline
has err "--offline forbids"

run 0 "$LUALAB" photos/a.png --no-record
has err "fetching colors ("
has err "file://$work/remote/colors.tflite"
has out "red"
[ -n "$(where colors.tflite)" ] || fail "it was not kept"
run 0 "$LUALAB" photos/a.png --no-record
lines err 0
run 0 "$LUALAB" models fetch colors
has out "colors.tflite"
run 0 "$LUALAB" models fetch colors --force
has err "fetching colors"

# Another file under that url is refused and nothing is kept.
echo "something else" >remote/glow.tflite
run 1 "$LUALAB" models fetch glow
has err "sha256"
is "$(where glow.tflite)" ""
rm remote/glow.tflite
run 1 "$LUALAB" models fetch glow
has err "glow could not be fetched from file://"
is "$(where glow.tflite)" ""
is "$(find models -name '.writable*' | wc -l)" 0
run 2 "$LUALAB" models fetch nonesuch
has err "there is no model \"nonesuch\""

# A mirror is tried when the first source fails.
{
    printf 'return { samples = { { name = "twice", file = "twice.png", sha256 = "%s",\n' \
        "$(sha256sum photos/a.png | cut -c1-64)"
    printf 'bytes = %s, url = "file:///nowhere/at/all", mirrors = { "file://%s" } } } }\n' \
        "$(wc -c <photos/a.png)" "$work/photos/a.png"
} >"$XDG_CONFIG_HOME/lualab/models.lua"
run 0 "$LUALAB" models fetch twice
has err "file:///nowhere"
cmp photos/a.png models/samples/twice.png || fail "the mirror's file is another"

# Only https, file, npm and deb.
cat >"$XDG_CONFIG_HOME/lualab/models.lua" <<'EOF'
return { models = { { name = "plain", file = "plain.tflite", bytes = 3, sha256 = "0",
  url = "http://example.org/plain.tflite" } } }
EOF
run 1 "$LUALAB" models fetch plain
has err "only https, file and npm"

# A manifest with a mistake in it is named.
echo 'return { models = { { name = "x" } } }' >"$XDG_CONFIG_HOME/lualab/models.lua"
run 1 "$LUALAB" models
has err "must be a"
