#!/bin/sh
# Everything that says whether lualab is well: installs what is missing, builds with warnings as
# errors, runs the whole suite and ends in its summary.
#
#   scripts/test.sh          the suite
#   scripts/test.sh clang    the same, built by Clang
#   scripts/test.sh asan     the same under AddressSanitizer and UBSan
#   scripts/test.sh tsan     the same under ThreadSanitizer
#   scripts/test.sh fuzz     a minute of libFuzzer on each reader of foreign bytes
#   scripts/test.sh lint     clang-format, clang-tidy, luacheck, shellcheck
#   scripts/test.sh long     optimised, with the tests that take long
# What follows is given to ctest: scripts/test.sh asan -L unit
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/setup.sh
. "$root/scripts/setup.sh"

variant=dev
case ${1:-} in
clang | asan | tsan | fuzz | lint | long)
    variant=$1
    shift
    ;;
-*) ;;
'') ;;
*) die "unknown variant '$1': clang, asan, tsan, fuzz, lint or long" ;;
esac

lint() {
    status=0
    need_packages shellcheck
    say "clang-format"
    find "$root/src" "$root/plugins" "$root/tests" -name '*.[ch]' ! -name lab_plugin.h -print0 |
        xargs -0 clang-format --dry-run --Werror || status=1
    say "luacheck"
    (cd "$root" && luacheck -q .) || status=1
    say "shellcheck"
    find "$root/scripts" "$root/tests" -name '*.sh' -print0 |
        xargs -0 shellcheck -x -P "$root" || status=1
    say "clang-tidy"
    [ -f "$root/build/dev/compile_commands.json" ] || (cd "$root" && cmake --preset dev)
    find "$root/src" "$root/plugins" -name '*.c' -print0 |
        xargs -0 -P "$(nproc)" -n 8 clang-tidy --quiet -p "$root/build/dev" || status=1
    return "$status"
}

# shellcheck disable=SC2086  # lists of words
need_packages $packages_build $packages_test

preset=$variant
case $variant in
fuzz)
    set -- -L fuzz "$@"
    ;;
lint)
    lint
    exit
    ;;
long)
    preset=release
    LUALAB_TEST_LONG=1
    export LUALAB_TEST_LONG
    ;;
esac

# A release build made by demo.sh is without tests.
if [ "$preset" = release ] && [ -f "$root/build/release/CMakeCache.txt" ]; then
    (cd "$root" && cmake --preset release -DLAB_TESTS=ON)
fi
build_preset "$preset"
say "testing $variant"
cd "$root/build/$preset"
# Cores are shared by tests that use threads themselves: one at a time measures and times right.
status=0
ctest --output-on-failure --no-tests=error "$@" || status=$?
# The summary names what was skipped; this is why.
sed -n 's/^skipped: /  skipped: /p' Testing/Temporary/LastTest.log | sort -u
exit "$status"
