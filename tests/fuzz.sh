#!/usr/bin/env bash
# Builds the fuzz targets in build/fuzz with clang, libFuzzer and the address and undefined-behaviour
# sanitizers, and runs each; what is found is left in build/fuzz/findings.
# The conformance models of ONNX (Debian: libonnx-testdata) are seeds too, if they are there.
# usage: tests/fuzz.sh [SECONDS [TARGET...]]      60 seconds each, all targets
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true
export CC="${CC:-clang}" CXX="${CXX:-clang++}"
[ -f build/fuzz/build.ninja ] ||
    meson setup build/fuzz -Dfuzz=enabled -Dtests=enabled -Dtools=false \
        -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debugoptimized
targets="${*:-$(sed -n "s/^fuzz_targets = //p; s/^ *fuzz_targets += //p" tests/fuzz/meson.build |
    tr -d "[],'" | tr '\n' ' ')}"
programs=tests/fuzz/fuzz_seeds
for target in $targets; do
    programs="$programs tests/fuzz/fuzz_$target"
done
# shellcheck disable=SC2086
ninja -C build/fuzz --quiet $programs
export CLCNN_SEEDS="$PWD/build/fuzz/corpus" UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
build/fuzz/tests/fuzz/fuzz_seeds
mkdir -p build/fuzz/findings
[ ! -d /usr/share/libonnx-testdata/data/node ] ||
    find /usr/share/libonnx-testdata/data/node \( -name '*.onnx' -o -name '*.pb' \) -size -8k |
    while read -r file; do
        cp "$file" "$CLCNN_SEEDS/onnx/$(echo "${file#/usr/share/libonnx-testdata/data/}" | tr / -)"
    done
for target in $targets; do
    echo "== $target"
    "build/fuzz/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=2048 \
        -max_len=65536 -print_final_stats=1 -artifact_prefix="build/fuzz/findings/$target-" \
        "$CLCNN_SEEDS/$target"
done
