#!/usr/bin/env bash
# Runs the conformance tests of ONNX (Debian: libonnx-testdata): none may fail; what is not
# supported is listed. Skipped where they are not installed.
# usage: conformance.sh CLCNN
set -euo pipefail
data=/usr/share/libonnx-testdata/data
[ -d "$data" ] || { echo "skipped: there is no $data"; exit 77; }
"$1" verify --quiet "$data/node" "$data/simple" "$data/pytorch-converted" "$data/pytorch-operator"
