# Shared by demo.sh and test.sh: packages, and building one preset. Sourced, not run; who sources it
# has set root, the checkout, and reads the lists of packages.
# shellcheck shell=sh disable=SC2034,SC2154

packages_build='build-essential cmake ninja-build pkg-config lua5.4 liblua5.4-dev lua-argparse
lua-dkjson libsqlite3-dev sqlite3 libstb-dev libpng-dev zlib1g-dev libdeflate-dev nettle-dev
libexif-dev libedit-dev libmicrohttpd-dev fonts-dejavu-core curl ca-certificates'
packages_test='libcmocka-dev libcjson-dev libsimde-dev lua-busted lua-check clang clang-tidy
clang-format libchafa-dev libglib2.0-dev luarocks mandoc zsh fish'
# For the tests of pages (label browser), which are skipped without it.
packages_browser='chromium'
# Read what `lualab export` writes, without knowing of it.
packages_readers='python3-geojson python3-shapely python3-gdal python3-numpy python3-pil'
packages_aarch64='gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static'

say() {
    printf '\n== %s\n' "$*"
}

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# What to install where this script does not know how to.
elsewhere() {
    cat >&2 <<'EOF'
This script installs packages on Debian 12 and its relatives only. Elsewhere, install these first:

  Fedora   dnf install gcc cmake ninja-build pkgconf lua lua-devel lua-argparse lua-dkjson
           sqlite sqlite-devel stb-devel libpng-devel zlib-devel libdeflate-devel nettle-devel
           libexif-devel libedit-devel libmicrohttpd-devel dejavu-sans-fonts curl
           (tests: libcmocka-devel cjson-devel clang clang-tools-extra lua-busted luacheck)
  macOS    brew install cmake ninja pkg-config lua@5.4 luarocks sqlite stb libpng libdeflate nettle
           libexif libedit libmicrohttpd; luarocks install argparse dkjson
           (tests: brew install cmocka cjson llvm; luarocks install busted luacheck)

then run it again with LUALAB_NO_INSTALL=1.
EOF
    exit 1
}

# Installs those of the packages that are missing; says nothing and asks nothing when none is.
need_packages() {
    [ -z "${LUALAB_NO_INSTALL:-}" ] || return 0
    command -v dpkg-query >/dev/null 2>&1 || elsewhere
    missing=
    # One query for all: a name that dpkg does not know is missing too.
    installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
        sed -n 's/ installed$//p') || true
    for package in "$@"; do
        case "
$installed
" in
        *"
$package
"*) ;;
        *) missing="$missing $package" ;;
        esac
    done
    [ -n "$missing" ] || return 0
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            die "these packages are missing and this is neither root nor is there sudo:$missing"
        as_root=sudo
    fi
    say "installing:$missing"
    $as_root apt-get update -q ||
        die "apt-get update failed; install these packages and run this again:$missing"
    # shellcheck disable=SC2086  # a list of words
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
        $missing || die "apt-get could not install:$missing"
}

# The libraries that the aarch64 preset links against: those this build uses, for AArch64, unpacked
# into build/sysroot-aarch64. Fails with the reason on stderr.
need_sysroot_aarch64() {
    # shellcheck disable=SC2046,SC2086  # lists of words
    "$root/scripts/sysroot.sh" arm64 "$root/build/sysroot-aarch64" \
        $(printf '%s\n' $packages_build $packages_test | grep -- '-dev$')
}

# What drives Chromium in tests of the page: from npm, into build/node, where those tests look for it.
need_playwright() {
    [ ! -f "$root/build/node/node_modules/playwright-core/package.json" ] || return 0
    [ -z "${LUALAB_NO_INSTALL:-}" ] || return 1
    command -v npm >/dev/null 2>&1 || need_packages npm
    say "installing playwright-core into build/node"
    mkdir -p "$root/build/node"
    npm install --prefix "$root/build/node" --no-save --no-audit --no-fund playwright-core
}

# Configures (once) and builds a preset into build/PRESET.
build_preset() {
    if [ ! -f "$root/build/$1/build.ninja" ]; then
        say "configuring $1"
        (cd "$root" && cmake --preset "$1" ${2:+"$2"})
    fi
    (cd "$root" && cmake --build --preset "$1")
}
