#!/usr/bin/env bash
# Builds the tests in build/sanitize with the address, undefined-behaviour and leak sanitizers and runs
# them. What the drivers themselves leak is named below.
# usage: tests/sanitize.sh [CATCH2 ARGUMENT...]
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f build/sanitize/build.ninja ] ||
    meson setup build/sanitize -Db_sanitize=address,undefined -Dbuildtype=debugoptimized \
        -Dtools=false -Dtests=enabled
ninja -C build/sanitize --quiet
printf 'leak:%s\n' libpocl libLLVM libRusticlOpenCL >build/sanitize/drivers.supp
export LSAN_OPTIONS="suppressions=$PWD/build/sanitize/drivers.supp:print_suppressions=0"
# LLVM replaces the alternate signal stack of a thread, which ASan then fails to unmap.
export ASAN_OPTIONS="use_sigaltstack=0:allocator_may_return_null=1"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"
exec build/sanitize/tests/unit_tests "$@"
