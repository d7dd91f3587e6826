#!/usr/bin/env bash
# Prepares a Debian or Ubuntu machine and builds clcnn in ./build: installs the packages that are
# missing (root or sudo), configures, compiles. Run again it does nothing that is done already.
#
# usage: samples/setup.sh [--tests] [MESON OPTION...]
#   --tests   also what the tests need
set -euo pipefail
cd "$(dirname "$0")/.."

packages="meson ninja-build gcc pkg-config python3-minimal ocl-icd-opencl-dev opencl-headers
    pocl-opencl-icd libclblast-dev libsqlite3-dev libxxhash-dev zlib1g-dev libpng-dev
    libjpeg-dev libonnx-dev libprotobuf-c-dev protobuf-c-compiler dataset-fashion-mnist"
if [ "${1:-}" = --tests ]; then
    shift
    packages="$packages g++ catch2 mesa-opencl-icd oclgrind libonnx-testdata
        python3-onnx"
fi

# Names of the installed packages and of what they provide (libjpeg-dev is a virtual package).
present=$(dpkg-query -W -f='${db:Status-Status} ${Package} ${Provides}\n' |
    awk '$1 == "installed" { gsub(/,/, " "); for (i = 2; i <= NF; i++) print $i }')

missing=""
for package in $packages; do
    grep -qxF -e "$package" <<<"$present" || missing="$missing $package"
done
if [ -n "$missing" ]; then
    echo "setup: installing with apt-get:$missing"
    as_root=""
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { echo "setup: root or sudo is needed" >&2; exit 1; }
        as_root=sudo
    fi
    $as_root apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends \
        $missing >/dev/null
fi

if [ ! -f build/build.ninja ]; then
    echo "setup: configuring in ./build"
    meson setup build "$@"
elif [ $# -gt 0 ]; then
    meson configure build "$@"
fi
echo "setup: compiling"
ninja -C build --quiet
