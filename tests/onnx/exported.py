#!/usr/bin/env python3
"""What clcnn writes as ONNX, in the eyes of others: onnx.checker must accept it (with shapes
inferred), and OpenCV must compute from it what clcnn computes.

usage: exported.py CLCNN
Skipped (exit code 77) without Python's onnx (Debian: python3-onnx); without cv2 (python3-opencv)
only its part is.
"""
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy
    import onnx
    from onnx import numpy_helper
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)
try:
    import cv2
except ImportError as missing:
    cv2 = None
    print(f"SKIPPED: the comparison with OpenCV: {missing}")

NETWORKS = ["mnist-cnn", "lenet-5", "lenet-5-max", "cnn-strided", "mobilenet"]
CLCNN = sys.argv[1]


def write_tensor(path, array):
    path.write_bytes(numpy_helper.from_array(array).SerializeToString())


def compare(folder, model):
    """OpenCV's answers become the test data that clcnn verifies."""
    sizes = [d.dim_value or 2 for d in model.graph.input[0].type.tensor_type.shape.dim]
    x = numpy.random.default_rng(1).random(sizes, numpy.float32)
    network = cv2.dnn.readNetFromONNX(str(folder / "model.onnx"))
    network.setInput(x)
    data = folder / "test_data_set_0"
    data.mkdir()
    write_tensor(data / "input_0.pb", x)
    write_tensor(data / "output_0.pb", network.forward())
    subprocess.run([CLCNN, "verify", folder], check=True)


def main():
    with tempfile.TemporaryDirectory() as place:
        for name in NETWORKS:
            folder = pathlib.Path(place) / name
            folder.mkdir()
            path = folder / "model.onnx"
            subprocess.run([CLCNN, "export", name, "--output", path], check=True)
            model = onnx.load(str(path))
            onnx.checker.check_model(model, full_check=True)
            if cv2:
                compare(folder, model)


main()
