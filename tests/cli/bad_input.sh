# Pictures that are none, places that cannot be written, models that are broken: a sentence each, the
# right exit code, nothing partial.
# shellcheck shell=sh disable=SC2154

clean_up_test() {
    umount "$work/small" 2>/dev/null || true
}

bad() {
    expected=$1
    shift
    run 1 "$LUALAB" "$@" --no-record
    has err "$expected"
    lines out 0
}

photo good.png 300 200
photo good.jpg 300 200
size=$(wc -c <good.jpg)
head -c $((size / 2)) good.jpg >half.jpg
head -c $(($(wc -c <good.png) / 2)) good.png >half.png
echo "words" >text.png
: >empty.png
printf '\211PNG\r\n\032\n\0\0\0\rIHDR\0\0N \0\0N \010\002\0\0\0\0\0\0\0' >header.png
bad half.jpg half.jpg
bad half.png half.png
bad text.png text.png
bad empty.png empty.png
has err "empty"
bad header.png header.png
bad missing.png missing.png

# A picture that may not be read: only where this is not root, who may.
if [ "$(id -u)" -ne 0 ]; then
    cp good.png secret.png
    chmod 0 secret.png
    bad secret.png secret.png
elif command -v setpriv >/dev/null 2>&1; then
    cp good.png secret.png
    chmod 600 secret.png
    chmod 755 "$work" && chmod -R a+rX models config photos
    got=0
    setpriv --reuid=65534 --regid=65534 --clear-groups "$LUALAB" secret.png --no-record \
        >out 2>err || got=$?
    case $(cat err) in
    *secret.png*ermission*) is "$got" 1 ;;
    # The program or its libraries may lie where only root can read.
    *) [ "$got" -ne 0 ] && echo "not tried: another user cannot run the program here" ;;
    esac
    # A folder that may not be written, for the same user.
    mkdir locked && chmod 755 locked
    chmod a+r good.png
    got=0
    setpriv --reuid=65534 --regid=65534 --clear-groups "$LUALAB" good.png -o locked --no-record \
        >out 2>err || got=$?
    case $(cat err) in
    *locked/good*ermission*) is "$got" 1 ;;
    *) [ "$got" -ne 0 ] && echo "not tried: another user cannot run the program here" ;;
    esac
    is "$(find locked -type f | wc -l)" 0
fi

# A folder that cannot be made, because a file is in the way.
run 1 "$LUALAB" good.png -o good.jpg/below --no-record
has err "good.jpg"

# A full disk: nothing partial stays, and the good ones before it are whole.
if [ "$(id -u)" -eq 0 ] && mkdir small && mount -t tmpfs -o size=64k tmpfs small 2>/dev/null; then
    lua 'local core = require "lab.core"; require "lab"
local state, bytes = 1, {}
for i = 1, 400 * 300 * 3 do
  state = (state * 1664525 + 1013904223) & 0xffffffff
  bytes[i] = string.char(state >> 24)
end
assert(core.image(400, 300, 3, table.concat(bytes)):save "noise.png")'
    run 1 "$LUALAB" noise.png -o small --overlay --no-record
    has err "small/noise"
    no_leftovers small
    for file in small/*.png; do
        [ ! -e "$file" ] || lua 'local core = require "lab.core"
assert(core.decode(assert(core.read_file(arg[1]))))' "$file"
    done
    absent small/noise.overlay.png
    umount small
else
    echo "not tried: a full disk (needs root and tmpfs)"
fi

# Standard output that is full or closed.
if [ -c /dev/full ]; then
    got=0
    "$LUALAB" good.png --json --no-record >/dev/full 2>err || got=$?
    is "$got" 1 "a full standard output"
    has err "standard output"
fi

# Models: cut off, empty, text, missing.
head -c 600 models/colors.tflite >cut.tflite
: >nothing.tflite
echo "no model" >words.tflite
for model in cut.tflite nothing.tflite words.tflite; do
    run 1 "$LUALAB" good.png -m "$model" --no-record
    has err "$model"
    lines out 0
done
run 2 "$LUALAB" good.png -m gone.tflite --no-record
has err "gone.tflite"

# A manifest's file that is another one is not run.
cp models/glow.tflite saved
printf 'x' | dd of=models/glow.tflite bs=1 seek=100 conv=notrunc 2>/dev/null
run 1 "$LUALAB" good.png -m glow --no-record
has err "sha256"
cp saved models/glow.tflite
