#!/usr/bin/env bash
# Runs a program under oclgrind with its checks for data races, uninitialised memory and out-of-bounds
# accesses. oclgrind itself exits with 0 whatever it finds, so its log decides.
# usage: oclgrind.sh PROGRAM [ARGUMENT...]
set -euo pipefail
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Optimised code has an instruction (freeze) that the check for uninitialised memory of Oclgrind 21.10
# cannot interpret; and it counts the local memory of all kernels of a program together.
oclgrind --data-races --uninitialized --build-options -cl-opt-disable --local-mem-size 200000 \
    --log "$log" "$@"
if [ -s "$log" ]; then
    echo "oclgrind found:"
    head -n 60 "$log"
    exit 1
fi
