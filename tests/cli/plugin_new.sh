# lualab plugin new: each kind builds with nothing but a compiler, passes its own tests with and
# without lualab, and works in it; what is refused; the same from an installed lualab.
# shellcheck shell=sh disable=SC2154

command -v cmake >/dev/null || skip "cmake is not here"

# build KIND NAME LUALAB: a new plugin in ./NAME, built and tested.
build() {
    run 0 "$3" plugin new --kind "$1" "$2"
    has out "lab_plugin.h is a copy of"
    exists "$2/$2.c" "$2/CMakeLists.txt" "$2/check.c" "$2/test.lua" "$2/README.md" \
        "$2/lab_plugin.h"
    if grep -rq '@[A-Z]*@' --include='*.c' --include='*.lua' --include='*.md' "$2"; then
        fail "a word was not filled in: $(grep -r '@[A-Z]*@' "$2" | head -n 3)"
    fi
    run 0 cmake -S "$2" -B "$2/build" -DLUALAB="$3" -DCMAKE_C_FLAGS=-Werror
    run 0 cmake --build "$2/build"
    run 0 ctest --test-dir "$2/build" --no-tests=error --output-on-failure
    has out "100% tests passed"
    run 0 "$3" --plugin "./$2/build/lualab_$2.so" plugins
    has out "$2"
    has_not out "failed:"
    no_word err "warning"
}

no_word() {
    if grep -q "$2" "$1"; then
        fail "$1: $(cat "$1")"
    fi
}

build op brighten "$LUALAB"
build kernel fastrelu "$LUALAB"
build loader oneline "$LUALAB"
run 0 "$LUALAB" --plugin ./brighten/build/lualab_brighten.so ops image.brighten
has out "every value is multiplied by this"
run 0 "$LUALAB" --plugin ./fastrelu/build/lualab_fastrelu.so --kernels fastrelu plugins
run 0 "$LUALAB" --plugin ./oneline/build/lualab_oneline.so plugins -v
has out "oneline"

# By way of LUALAB_PLUGIN_PATH; and twice is once: the second is a sentence.
run 0 env LUALAB_PLUGIN_PATH="$work/brighten/build" "$LUALAB" ops brighten
has out "image.brighten"

# Without lualab one test is left.
run 0 env -u LUALAB cmake -S brighten -B alone
run 0 cmake --build alone
run 0 ctest --test-dir alone --no-tests=error
has out "entry"
has_not out "in_lualab"

# A folder of one's own choice; an empty one will do; anything else is left as it is.
mkdir -p empty
run 0 "$LUALAB" plugin new other empty
exists empty/other.c
run 1 "$LUALAB" plugin new brighten
has err "brighten is there already; nothing was written"
run 1 "$LUALAB" plugin new fresh photos/../brighten
absent brighten/fresh.c
photo photos/a.png 4 4
run 1 "$LUALAB" plugin new fresh photos/a.png
has err "there already"

# Names.
for name in Upper 9lives with-dash 'a b' '../up' "$(printf 'x%.0s' $(seq 41))"; do
    run 2 "$LUALAB" plugin new "$name"
    has err "cannot be a plugin's name"
done
run 2 "$LUALAB" plugin new resize
has err "there is an operator image.resize already"
run 2 "$LUALAB" plugin new reference
has err "there is a plugin reference already"
run 2 "$LUALAB" plugin new x --kind stage
run 2 "$LUALAB" plugin new
run 2 "$LUALAB" plugin old x
run 0 "$LUALAB" plugin --help
has out "new"

# Installed, with the header in include/.
if [ -n "${BUILD:-}" ]; then
    run 0 cmake --install "$BUILD" --prefix "$work/prefix"
    build op installed "$work/prefix/bin/lualab"
fi
