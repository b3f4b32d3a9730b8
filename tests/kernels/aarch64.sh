#!/bin/sh
# The kernels of plugins/arm on a machine that is no AArch64: cross-builds the exactness sweeps and
# runs them under qemu-user on a CPU without and one with the dot-product extension. Sweeps of nodes
# that no kernel there computes are left to `scripts/test.sh aarch64`.
#
#   aarch64.sh SOURCE-FOLDER BUILD-FOLDER
set -eu

source=$1
build=$2
sysroot=$source/build/sysroot-aarch64

skip() {
    printf 'skipped: %s\n' "$*"
    exit 77
}

for tool in aarch64-linux-gnu-gcc qemu-aarch64-static ninja; do
    command -v "$tool" >/dev/null 2>&1 || skip "no AArch64 kernels without $tool"
done
[ -f "$sysroot/packages" ] ||
    skip "no AArch64 libraries in $sysroot: scripts/test.sh unpacks them there"

cmake -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DLAB_WERROR=ON \
    -DCMAKE_TOOLCHAIN_FILE="$source/scripts/cmake/aarch64-linux-gnu.cmake" -DLAB_SYSROOT="$sysroot"
cmake --build "$build" --target lualab_plugins test_kernels_conv test_kernels_elementwise \
    test_kernels_f32 test_kernels_requant test_kernels_match

cd "$build"
# A sweep that is skipped for want of the CPU feature would pass here: CTest must run them all.
sweep() {
    QEMU_CPU=$1 ctest --output-on-failure --no-tests=error -R "$2" | tee sweep.log
    if grep -q 'Skipped' sweep.log; then
        echo "a sweep was skipped on $1" >&2
        exit 1
    fi
    grep -q '^100% tests passed' sweep.log
}
sweep cortex-a72 '^kernel\.kernels_(conv|elementwise|f32|requant|match)\.neon$'
sweep neoverse-n1 '^kernel\.kernels_(conv|requant|match)\.dotprod$'

# A CPU without the extension must be told so, and not be given an instruction it does not have.
if ! QEMU_CPU=cortex-a72 LUALAB_KERNELS=dotprod qemu-aarch64-static -L "$sysroot" \
    bin/test_kernels_match >refused.log 2>&1; then
    grep -q '^skipped: .*dotprod' refused.log && exit 0
fi
cat refused.log >&2
echo "cortex-a72 should refuse the kernels of dotprod" >&2
exit 1
