#!/bin/sh
# Debian's libraries for another architecture, unpacked into a folder: what a cross build compiles
# and links against, and what an emulator finds its program's libraries in. apt works here on lists
# and a package state of its own, so nothing is installed on this machine, no architecture is added
# to it and nobody needs to be root.
#
#   scripts/sysroot.sh ARCHITECTURE FOLDER PACKAGE…
#
# A folder that already holds these packages is left as it is; one that was interrupted is not used.
set -eu

architecture=$1
folder=$2
shift 2

if [ -f "$folder/packages" ] && [ "$(cat "$folder/packages")" = "$architecture $*" ]; then
    exit 0
fi
for tool in apt-get dpkg-deb; do
    command -v "$tool" >/dev/null 2>&1 || {
        echo "sysroot.sh: no $tool here: this needs Debian or a relative of it" >&2
        exit 1
    }
done

rm -rf "$folder"
mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial"
folder=$(cd "$folder" && pwd)
: >"$folder/apt/status"

foreign_apt() {
    apt-get -q -y -o "APT::Architecture=$architecture" -o "APT::Architectures::=$architecture" \
        -o "Dir::State::lists=$folder/apt/lists" -o "Dir::State::status=$folder/apt/status" \
        -o "Dir::Cache=$folder/apt/cache" -o APT::Sandbox::User= -o Debug::NoLocking=1 \
        -o Acquire::Languages=none "$@" >>"$folder/apt/log" 2>&1 || {
        tail -n 5 "$folder/apt/log" >&2
        echo "sysroot.sh: apt-get could not fetch packages for $architecture" >&2
        exit 1
    }
}

foreign_apt update
foreign_apt install --no-install-recommends --download-only "$@"
for package in "$folder"/apt/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$folder"
done

# Links that name an absolute path would leave the folder; relative ones let it be moved.
find "$folder" -type l | while read -r link; do
    target=$(readlink "$link")
    case $target in
    /*) ln -sfnr "$folder$target" "$link" ;;
    esac
done
rm -rf "$folder/apt"
echo "$architecture $*" >"$folder/packages"
