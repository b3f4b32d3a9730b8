#!/bin/sh
# Checks that includes point down only: a room includes itself and the rooms below it; kernels and
# operators know neither Lua nor SQLite; plugins see lab_plugin.h alone; SQLite has one door.
#
#   arrows.sh SOURCE_FOLDER
#
# Prints each violation as FILE: sentence; exit 1 when there are any. Before that it proves on a
# small tree with one violation of each kind that it would notice.
set -u
export LC_ALL=C

# Rooms that each room may include, beside itself and lab_plugin.h.
allowed() {
    case $1 in
    base) echo "" ;;
    tensor) echo "base" ;;
    image) echo "tensor base" ;;
    plugin) echo "tensor base" ;;
    model) echo "plugin tensor base" ;;
    formats) echo "" ;;
    ops) echo "plugin image tensor base" ;;
    catalog) echo "image tensor base" ;;
    lua | host) echo "*" ;;
    *) echo "?" ;;
    esac
}

# "FILE INCLUDED" for each include of C files below a folder; <system> headers keep their brackets.
includes() {
    find "$1" -type f \( -name '*.c' -o -name '*.h' -o -name '*.in' \) -exec \
        sed -n -E '
            s|^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^"]*)".*|\1|p
            s|^[[:space:]]*#[[:space:]]*include[[:space:]]*(<[^>]*>).*|\1|p' /dev/null {} \; \
        -exec echo '= {}' \; 2>/dev/null
}

# The same with the file in front: the listing above names a file after what it includes.
pairs() {
    includes "$1" | awk '
        /^= / { for (i = 0; i < n; i++) print substr($0, 3), seen[i]; n = 0; next }
        { seen[n++] = $0 }'
}

# The room of a header as it is written in an include ("base/arena.h" -> base); "." for a header
# of the including file's own folder.
room_of() {
    case $1 in
    */*) echo "${1%%/*}" ;;
    *) echo "." ;;
    esac
}

complain() {
    echo "$1: $2"
    violations=$((violations + 1))
}

check_room() { # room file included
    case $3 in
    lab_plugin.h) return ;;
    "<sqlite3.h>" | "<sqlite3ext.h>")
        [ "$1" = catalog ] || complain "$2" "only catalog/ includes $3" ;;
    "<lua.h>" | "<lauxlib.h>" | "<lualib.h>")
        [ "$1" = lua ] || [ "$1" = host ] || complain "$2" "only lua/ and host/ include $3" ;;
    "<"*) return ;;
    *.c)
        complain "$2" "includes $3: .c files are compiled, not included" ;;
    lab.h)
        [ "$1" = lua ] || [ "$1" = host ] || complain "$2" "lab.h is above $1/" ;;
    base/checked.h)
        return ;;
    *)
        other=$(room_of "$3")
        [ "$other" = . ] && other=$1
        [ "$other" = "$1" ] && return
        case " $(allowed "$1") " in
        *" $other "* | " * ") ;;
        *) complain "$2" "$1/ may not include $3" ;;
        esac ;;
    esac
}

check_tree() { # root; sets violations
    violations=0
    checked=0
    list=$(mktemp)
    for folder in "$1"/src/*/; do
        room=$(basename "$folder")
        if [ "$(allowed "$room")" = "?" ]; then
            complain "src/$room" "a room that the arrows do not know"
            continue
        fi
        pairs "$folder" >"$list"
        while read -r file included; do
            checked=$((checked + 1))
            check_room "$room" "${file#"$1"/}" "$included"
        done <"$list"
    done
    for folder in "$1"/plugins/*/; do
        [ -d "$folder" ] || continue
        pairs "$folder" >"$list"
        while read -r file included; do
            checked=$((checked + 1))
            case $included in
            "<lua"* | "<sqlite3"* | "<lauxlib"*)
                complain "${file#"$1"/}" "a kernel or plugin may not include $included" ;;
            "<"* | lab_plugin.h) ;;
            *) [ -f "$(dirname "$file")/$included" ] ||
                complain "${file#"$1"/}" "a plugin may not include $included of ours" ;;
            esac
        done <"$list"
    done
    rm -f "$list"
}

# One violation of each kind, and files that are in order.
prove() {
    tree=$(mktemp -d)
    mkdir -p "$tree/src/base" "$tree/src/tensor" "$tree/src/ops" "$tree/src/lua" \
        "$tree/src/formats" "$tree/src/attic" "$tree/plugins/x"
    echo '#include "tensor/tensor.h"' >"$tree/src/base/a.c"        # 1: upwards
    echo '#include <sqlite3.h>' >"$tree/src/tensor/a.c"            # 2: another door
    echo '  #  include <lua.h>' >"$tree/src/ops/a.c"               # 3: Lua in an operator
    echo '#include "image/resize.c"' >"$tree/src/lua/a.c"          # 4: a .c file
    echo '#include "model/graph.h"' >"$tree/src/formats/a.h"       # 5: more than the ABI
    echo '#include "base/error.h"' >"$tree/plugins/x/a.c"          # 6: a plugin reaching in
    echo '#include "lab.h"' >"$tree/src/ops/b.c"                   # 7: the facade from below
    echo '#include "lab_plugin.h"' >"$tree/plugins/x/b.c"          # 8: attic is no known room
    printf '#include "base/arena.h"\n#include <math.h>\n#include "ops.h"\n' >"$tree/src/ops/c.c"
    echo '#include "base/checked.h"' >"$tree/src/formats/b.c"
    check_tree "$tree" >"$tree/said"
    if [ "$violations" -ne 8 ]; then
        echo "arrows.sh: found $violations of 8 violations in its own example:"
        cat "$tree/said"
        rm -rf "$tree"
        exit 1
    fi
    rm -rf "$tree"
}

prove
check_tree "$1"
if [ "$checked" -lt 50 ]; then
    echo "arrows.sh: found only $checked includes in $1; is it the source folder?"
    exit 1
fi
echo "$checked includes checked, $violations violations"
[ "$violations" -eq 0 ]
