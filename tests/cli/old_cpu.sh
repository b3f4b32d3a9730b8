# A CPU that has none of the instruction sets that kernels are written for: everything works by way
# of the reference kernels, and the program says what cannot be used. Emulated by qemu-user.
# shellcheck shell=sh disable=SC2154

emulator=qemu-x86_64-static
[ "$(uname -m)" = x86_64 ] || skip "this machine is no x86-64: $(uname -m)"
command -v "$emulator" >/dev/null 2>&1 || skip "no $emulator"

# Its own CPU: SSE4.2 and nothing beyond.
old() {
    "$emulator" -cpu Nehalem "$LUALAB" "$@"
}

photo photos/a.png 60 40

run 0 old plugins -v -m colors
has out "reference.conv_2d"
grep -E 'x86\.conv_2d.*avx2 +no ' out >/dev/null || fail "AVX2 kernels are not listed as unusable"
if grep -E 'x86\..* yes ' out; then
    fail "a kernel of plugins/x86 is listed as usable"
fi
# What the nodes of the model got.
sed -n '/ARG_MAX/p;/CONV/p' out >nodes
has nodes "reference."
has_not nodes "x86."
run 0 old doctor
grep -E 'plugins .*[0-9]+ of [0-9]+ kernels can run here' out >/dev/null || fail "no count of kernels"
run 1 old --kernels avx2 plugins
has err "this CPU cannot run"

# The same label map, byte for byte.
run 0 "$LUALAB" segment photos/a.png -o new --no-record
run 0 old segment photos/a.png -o old --no-record
has out "red"
cmp new/a.labels.png old/a.labels.png || fail "the label maps differ"
