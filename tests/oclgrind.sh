#!/usr/bin/env bash
# Runs a program under oclgrind with its checks for data races and out-of-bounds accesses. oclgrind itself
# exits with 0 whatever it finds, so its log decides.
#
# Its check for uninitialised memory is left out: Oclgrind 21.10 reports values that the host has just
# written (a buffer's memory used again), and cannot interpret "freeze", which optimised code has.
# usage: oclgrind.sh PROGRAM [ARGUMENT...]
set -euo pipefail
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# It counts the local memory of all kernels of a program together.
oclgrind --data-races --local-mem-size 200000 --log "$log" "$@"
if [ -s "$log" ]; then
    echo "oclgrind found:"
    head -n 60 "$log"
    exit 1
fi
