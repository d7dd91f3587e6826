#!/usr/bin/env bash
# Makes the seeds and runs every target on its own.
# usage: replay.sh SEEDS_PROGRAM FUZZ_TARGET...
set -euo pipefail
CLCNN_SEEDS=$(mktemp -d)
export CLCNN_SEEDS
trap 'rm -rf "$CLCNN_SEEDS"' EXIT
"$1"
shift
for target in "$@"; do
    name=${target##*/fuzz_}
    "$target" "$CLCNN_SEEDS/$name"/*
done
