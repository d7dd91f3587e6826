#!/usr/bin/env bash
# Sets up as samples/quickstart.sh does, with what the tests need, then runs every test.
# usage: tests/run.sh [TEST...]      names as listed by: meson test -C build --list
set -euo pipefail
cd "$(dirname "$0")/.."

samples/setup.sh --tests -Dtests=enabled -Dtools=true
export POCL_CACHE_DIR="${POCL_CACHE_DIR:-$PWD/build/pocl-cache}"
mkdir -p "$POCL_CACHE_DIR"
meson test -C build --no-rebuild --print-errorlogs --num-processes 1 "$@"
