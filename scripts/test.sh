#!/bin/sh
# Everything that says whether lualab is well: installs what is missing, builds with warnings as
# errors, runs the whole suite and ends in its summary.
#
#   scripts/test.sh          the suite
#   scripts/test.sh clang    the same, built by Clang
#   scripts/test.sh asan     the same under AddressSanitizer and UBSan
#   scripts/test.sh tsan     the same under ThreadSanitizer
#   scripts/test.sh browser  what is made for browsers, in headless Chromium, which it installs
#   scripts/test.sh fuzz     a minute of libFuzzer on each reader of foreign bytes
#   scripts/test.sh lint     clang-format, clang-tidy, luacheck, shellcheck
#   scripts/test.sh long     optimised, with the tests that take long
#   scripts/test.sh aarch64  built for AArch64, under emulated CPUs: by default the kernels, and the
#                            models without and with the dot-product extension
# What follows is given to ctest: scripts/test.sh asan -L unit
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/setup.sh
. "$root/scripts/setup.sh"

variant=dev
case ${1:-} in
clang | asan | tsan | browser | fuzz | lint | long | aarch64)
    variant=$1
    shift
    ;;
-*) ;;
'') ;;
*) die "unknown variant '$1': clang, asan, tsan, browser, fuzz, lint, long or aarch64" ;;
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
    # What the other architecture's compiler reads is looked at with its flags and headers.
    foreign=arm
    [ "$(uname -m)" = x86_64 ] || foreign=x86
    find "$root/src" "$root/plugins" -name '*.c' ! -path "$root/plugins/$foreign/*" -print0 |
        xargs -0 -P "$(nproc)" -n 8 clang-tidy --quiet -p "$root/build/dev" || status=1
    if [ "$foreign" = arm ]; then
        # shellcheck disable=SC2086  # a list of words
        need_packages $packages_aarch64
        need_sysroot_aarch64 || return 1
        [ -f "$root/build/aarch64/compile_commands.json" ] ||
            (cd "$root" && cmake --preset aarch64)
        clang-tidy --quiet -p "$root/build/aarch64" "$root"/plugins/arm/*.c || status=1
    fi
    return "$status"
}

# shellcheck disable=SC2086  # lists of words
need_packages $packages_build $packages_test

preset=$variant
case $variant in
dev)
    # shellcheck disable=SC2086  # a list of words
    need_packages $packages_readers
    # The suite runs the kernels of plugins/arm under an emulator, where it can be had.
    # shellcheck disable=SC2086  # a list of words
    if [ "$(uname -m)" = x86_64 ] && [ -z "${LUALAB_NO_INSTALL:-}" ]; then
        need_packages $packages_aarch64
        need_sysroot_aarch64 || say "no libraries for AArch64: its kernels are not tested"
    fi
    ;;
aarch64)
    # shellcheck disable=SC2086  # a list of words
    need_packages $packages_aarch64
    need_sysroot_aarch64 || die "no libraries to build for AArch64 with"
    ;;
browser)
    need_packages "$packages_browser"
    command -v node >/dev/null 2>&1 || need_packages nodejs
    need_playwright || say "no playwright-core: the page of lualab serve is not tested"
    preset=dev
    set -- -L browser "$@"
    ;;
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
run_tests() {
    ctest --output-on-failure --no-tests=error "$@" || status=$?
    # The summary names what was skipped; this is why.
    sed -n 's/^skipped: /  skipped: /p' Testing/Temporary/LastTest.log | sort -u
}
if [ "$variant" = aarch64 ]; then
    # Emulation is slow: by default each kernel meets one CPU that has it.
    for chosen in cortex-a72:neon neoverse-n1:dotprod; do
        QEMU_CPU=${chosen%:*}
        export QEMU_CPU
        say "on $QEMU_CPU"
        if [ $# -gt 0 ]; then
            run_tests "$@"
        else
            run_tests -L 'kernel|golden' -R "\\.${chosen#*:}\$"
        fi
    done
else
    run_tests "$@"
fi
exit "$status"
