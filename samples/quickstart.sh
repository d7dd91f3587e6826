#!/usr/bin/env bash
# From a fresh clone to a trained network: sets up (see setup.sh), lists the OpenCL devices, trains a
# small CNN on photographs of clothes (Fashion-MNIST) for one epoch, evaluates it, and shows what it
# makes of pictures it has never seen.
set -euo pipefail
cd "$(dirname "$0")/.."

samples/setup.sh

clcnn=build/samples/cli/clcnn
weights=build/fashion-mnist.safetensors
echo
echo "== Devices"
$clcnn devices
echo
echo "== Training"
$clcnn train mnist-cnn --data fashion-mnist --epochs 1 --save "$weights"
echo
echo "== Evaluation on the 10,000 test images"
$clcnn evaluate mnist-cnn --weights "$weights" --data fashion-mnist
echo
echo "== Predictions of test images"
$clcnn predict mnist-cnn --weights "$weights" --data fashion-mnist --limit 4
echo
echo "Go on with: $clcnn --help"
