# cmake --install: everything arrives, the installed program and stock Lua work from any folder with
# an empty environment, also after the whole prefix was moved; programs build against it.
# shellcheck shell=sh disable=SC2154,SC2016

command -v cmake >/dev/null || skip "cmake is not here"

run 0 cmake --install "$BUILD" --prefix "$work/first"
p=$work/first
exists "$p/bin/lualab" "$p/lib/lua/5.4/lab.so" "$p/share/lua/5.4/lab/init.lua" \
    "$p/share/lualab/scripts/commands/segment.lua" "$p/share/lualab/weights/models.lua" \
    "$p/share/lualab/db/queries/labels.sql" "$p/include/lab_plugin.h" "$p/include/lualab/lab.h" \
    "$p/lib/liblualab.a" "$p/lib/pkgconfig/lualab.pc" "$p/share/man/man1/lualab.1" \
    "$p/share/bash-completion/completions/lualab" "$p/share/zsh/site-functions/_lualab" \
    "$p/share/fish/vendor_completions.d/lualab.fish"

# Moved: nothing in it knows where it was.
mv "$p" "$work/second prefix"
p="$work/second prefix"

# The model is where fetched ones are, and the manifest where the user's own is.
mkdir -p "$HOME/.cache/lualab/weights" "$HOME/.config/lualab" elsewhere
cp models/colors.tflite "$HOME/.cache/lualab/weights/"
cp "$XDG_CONFIG_HOME/lualab/models.lua" "$HOME/.config/lualab/"
photo photos/a.png 40 30

alone() {
    (cd elsewhere && env -i HOME="$HOME" "$@")
}

run 0 env -i "$p/bin/lualab" --version
run 0 alone "$p/bin/lualab" -v segment --model colors --overlay -o . ../photos/a.png
has out "red"
has err "$HOME/.cache/lualab/weights/colors.tflite"
has_not err "$BUILD"
has_not err "$SOURCE"
exists "$HOME/.local/share/lualab/catalog.db"
is "$(find "$p/share" -name '*.sh')" "" "scripts of the checkout among what is installed"
run 0 alone "$p/bin/lualab" plugins
has out "reference"
has_not out "$BUILD"
run 0 alone "$p/bin/lualab" sql labels
has out "red"
run 0 alone "$p/bin/lualab" repl -e 'require("lab.sys").data_dir()'
has out "$p/share/lualab"

# Stock Lua, with its own variables; then with that of C modules alone; then from the build folder.
if command -v lua5.4 >/dev/null; then
    question='local lab = require "lab"
local r = assert(lab.segment("../photos/a.png", { model = "colors" }))
print(lab.version, r, r.map:width(), (require "lab.sys".data_dir()))'
    run 0 alone LUA_CPATH="$p/lib/lua/5.4/?.so;;" \
        LUA_PATH="$p/share/lua/5.4/?.lua;$p/share/lua/5.4/?/init.lua;;" lua5.4 -e "$question"
    has out "../photos/a.png 40x30 colors: "
    has out "$p/share/lualab"
    run 0 alone LUA_CPATH="$p/lib/lua/5.4/?.so;;" lua5.4 -e "$question"
    has out "../photos/a.png 40x30 colors: "
    run 0 alone LUA_CPATH="$BUILD/lua/?.so;;" lua5.4 -e "$question"
    has out "$SOURCE"
    # The host outlives what hangs on it, and goes with the state; misuse is an error as ever.
    run 0 alone LUA_CPATH="$p/lib/lua/5.4/?.so;;" lua5.4 -e 'local core = require "lab.core"
local sys = require "lab.sys"
kept = core.image(4, 4, 3) print(pcall(kept.resize, kept, { widht = 3 }))
assert(sys.clock() > 0)'
    has out 'did you mean "width"'
    # A module without its scripts says so, unless there are some where it was built for.
    if [ ! -e "$PREFIX/share/lualab" ]; then
        cp "$p/lib/lua/5.4/lab.so" elsewhere/lab.so
        run 1 alone LUA_CPATH="./?.so" lua5.4 -e 'require "lab.core"'
        has err "installed with the scripts"
    fi
fi

# What pkg-config tells is enough for a program and for a plugin.
if command -v pkg-config >/dev/null && command -v cc >/dev/null; then
    mv "$p" "$work/third" # pkg-config and the shell do not agree on spaces
    p=$work/third
    export PKG_CONFIG_PATH="$p/lib/pkgconfig"
    run 0 pkg-config --variable=plugindir lualab
    ls "$(cat out)" >plugins.txt
    has plugins.txt "lualab_reference.so"
    cat >embed.c <<'END'
#include <lab.h>
#include <stdio.h>

int main(void)
{
    lab_error error;
    lab_host *host;
    if (lab_host_new(&(lab_host_options){ .threads = 1 }, &host, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("lualab %s, %u thread\n", LAB_VERSION, lab_pool_threads(lab_host_context(host)->pool));
    lab_host_free(host);
    return 0;
}
END
    # shellcheck disable=SC2046
    run 0 cc -std=c11 -Wall -Werror embed.c -o embed $(pkg-config --cflags --libs lualab)
    run 0 ./embed
    has out ", 1 thread"
fi

# The pages come from the commands themselves.
for command in "$p"/share/lualab/scripts/commands/*.lua; do
    name=$(basename "$command" .lua)
    has "$p/share/man/man1/lualab.1" ".SS lualab $name"
    has "$p/share/bash-completion/completions/lualab" "    $name) words='"
done
has "$p/share/man/man1/lualab.1" '\-\-overlay'
if command -v bash >/dev/null; then
    run 0 bash -c '. "$1"; COMP_WORDS=(lualab segm); COMP_CWORD=1; _lualab
        printf "%s\n" "${COMPREPLY[@]}"' bash "$p/share/bash-completion/completions/lualab"
    has out segment
fi
if command -v fish >/dev/null; then
    run 0 env PATH="$p/bin:$PATH" XDG_DATA_DIRS="$p/share" fish -c 'complete -C "lualab segm"'
    has out segment
fi
if command -v zsh >/dev/null; then
    run 0 env FPATH_FIRST="$p/share/zsh/site-functions" zsh -f -c 'fpath=($FPATH_FIRST $fpath)
        autoload -Uz compinit && compinit -D -u && print -r -- $_comps[lualab]
        autoload +X _lualab && functions _lualab'
    has out "_lualab"
    has out "segment"
fi
if command -v mandoc >/dev/null; then
    run 0 mandoc -T lint -W style "$p/share/man/man1/lualab.1"
    is "$(cat out)" "" "what mandoc says"
fi
if command -v man >/dev/null; then
    run 0 env MANWIDTH=80 man --warnings -l "$p/share/man/man1/lualab.1"
    is "$(cat err)" "" "warnings of man"
fi
