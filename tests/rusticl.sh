#!/usr/bin/env bash
# Runs tests on a second OpenCL implementation, Mesa's rusticl over llvmpipe; skipped (77) without it.
# usage: rusticl.sh PROGRAM [ARGUMENT...]
set -euo pipefail
export RUSTICL_ENABLE=llvmpipe CLCNN_DEVICE=llvmpipe
if ! ls /etc/OpenCL/vendors/rusticl.icd >/dev/null 2>&1; then
    echo "SKIPPED: rusticl is not installed (package mesa-opencl-icd)"
    exit 77
fi
"$@"
