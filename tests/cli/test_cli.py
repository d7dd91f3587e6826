#!/usr/bin/env python3
"""The clcnn command as a user meets it: exit codes, JSON, files, errors.

usage: test_cli.py PATH/TO/clcnn
"""
import gzip
import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

CLCNN = os.path.abspath(sys.argv.pop(1))
COMMANDS = ["devices", "summary", "train", "evaluate", "predict", "export", "verify", "bench gemm",
            "bench conv", "bench train", "bench start"]


def run(*arguments, code=0, **more):
    """Runs the command and checks its exit code."""
    done = subprocess.run([CLCNN, *map(str, arguments)], capture_output=True, text=True,
                          timeout=300, **more)
    assert done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stderr}"
    return done


def run_json(*arguments):
    """Standard output must be one JSON object and nothing else."""
    return json.loads(run(*arguments, "--json").stdout)


def write_idx(path, dims, data):
    content = struct.pack(">I", 0x0800 | len(dims)) + struct.pack(f">{len(dims)}I", *dims) + data
    with (gzip.open(path, "wb") if path.suffix == ".gz" else open(path, "wb")) as file:
        file.write(content)


def make_data(folder, train=320, test=80):
    """Ten classes, told apart by which tenth of the image is bright."""
    for name, count in (("train", train), ("t10k", test)):
        labels = bytes(i % 10 for i in range(count))
        images = bytearray()
        for i in range(count):
            image = bytearray((i * 37 + j * 11) % 64 for j in range(784))
            image[labels[i] * 78:labels[i] * 78 + 78] = bytes([255]) * 78
            images += image
        write_idx(folder / f"{name}-images-idx3-ubyte.gz", (count, 28, 28), bytes(images))
        write_idx(folder / f"{name}-labels-idx1-ubyte", (count,), labels)


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.place.name)
        cls.data = cls.folder / "data"
        cls.data.mkdir()
        make_data(cls.data)
        cls.weights = cls.folder / "w.safetensors"
        cls.history = cls.folder / "h.csv"
        cls.result = run_json("train", "mnist-cnn", "--data", cls.data, "--epochs", 5, "--batch",
                              16, "--seed", 3, "--save", cls.weights, "--history", cls.history)

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()

    def test_help_of_each_command(self):
        self.assertIn("devices", run("--help").stdout)
        for command in COMMANDS:
            text = run(*command.split(), "--help").stdout
            self.assertIn(f"usage: clcnn {command}", text)
            self.assertIn("--device", text)
            self.assertIn("--json", text)

    def test_wrong_usage_is_2(self):
        for words in ([], ["nonsense"], ["train"], ["train", "mnist-cnn"], ["bench"],
                      ["train", "mnist-cnn", "--data", "x", "--epochs", "0"],
                      ["train", "mnist-cnn", "--data", "x", "--optimizer", "magic"],
                      ["train", "mnist-cnn", "--data"], ["devices", "--nonsense"],
                      ["predict", "mnist-cnn"], ["export", "mnist-cnn"],
                      ["bench", "gemm", "12,x"],
                      ["bench", "gemm", "--algorithm", "best"],
                      ["bench", "conv", "--pass", "sideways"],
                      ["bench", "conv", "--storage", "int8"],
                      ["bench", "model", "--storage", "half"]):
            self.assertNotEqual(run(*words, code=2).stderr, "")

    def test_failures_are_1_and_say_why(self):
        for words, expected in (
                (["summary", "no-such-net"], "mnist-cnn"),
                (["train", "mnist-cnn", "--data", self.folder / "absent"], "absent"),
                (["evaluate", "mnist-cnn", "--weights", self.folder / "none", "--data", self.data],
                 "none"),
                (["devices", "--device", "no-such-device"], "no-such-device"),
                (["train", "vgg-16", "--data", self.data, "--limit", "1", "--device", "9:9"],
                 "9:9")):
            self.assertIn(expected, run(*words, code=1).stderr)

    def test_onnx(self):
        file, tuned = self.folder / "m.onnx", self.folder / "tuned.onnx"
        exported = subprocess.run([CLCNN, "export", "mnist-cnn", "--weights", self.weights,
                                   "--output", file], capture_output=True, text=True)
        if "compiled without" in exported.stderr:
            self.skipTest("compiled without ONNX")
        self.assertEqual(exported.returncode, 0, exported.stderr)
        self.assertEqual(run_json("summary", file)["parameters"], 93322)
        wanted = run_json("evaluate", "mnist-cnn", "--weights", self.weights, "--data", self.data)
        result = run_json("evaluate", file, "--data", self.data)
        self.assertEqual(result["accuracy"], wanted["accuracy"])
        self.assertAlmostEqual(result["loss"], wanted["loss"], places=5)
        bench = run_json("bench", "model", file, "--batch", "1,3", "--rounds", "1")
        self.assertEqual([entry["batch"] for entry in bench["results"]], [1, 3])
        run("train", file, "--data", self.data, "--epochs", 1, "--save", tuned)
        self.assertGreater(run_json("evaluate", tuned, "--data", self.data)["accuracy"], 0.9)
        verified = run("verify", tuned, code=1) # there is nothing to compare with
        self.assertIn("no test data", verified.stdout)

    def test_devices(self):
        devices = run_json("devices")["devices"]
        self.assertEqual(sum(device["chosen"] for device in devices), 1)
        self.assertIn(devices[0]["name"], run("devices").stdout)

    def test_summary(self):
        self.assertEqual(run_json("summary", "alexnet")["parameters"], 62378344)
        self.assertIn("93,322", run("summary", "mnist-cnn").stdout)

    def test_train_learns_and_reports(self):
        self.assertEqual(self.result["epochs"], 5)
        self.assertFalse(self.result["interrupted"])
        self.assertGreater(self.result["test_accuracy"], 0.9)
        rows = self.history.read_text().splitlines()
        self.assertEqual(rows[0], "epoch,accuracy,loss,val_accuracy,val_loss,seconds")
        self.assertEqual(len(rows), 6)

    def test_same_seed_same_bits(self):
        again = self.folder / "again.safetensors"
        run("train", "mnist-cnn", "--data", self.data, "--epochs", 5, "--batch", 16, "--seed", 3,
            "--save", again)
        self.assertEqual(self.weights.read_bytes(), again.read_bytes())
        run("train", "mnist-cnn", "--data", self.data, "--epochs", 5, "--batch", 16, "--seed", 4,
            "--save", again)
        self.assertNotEqual(self.weights.read_bytes(), again.read_bytes())

    def test_evaluate_agrees_with_train(self):
        result = run_json("evaluate", "mnist-cnn", "--weights", self.weights, "--data", self.data)
        self.assertEqual(result["samples"], 80)
        self.assertAlmostEqual(result["accuracy"], self.result["test_accuracy"], places=6)

    def test_float16_storage(self):
        wide, narrow = (run_json("evaluate", "mnist-cnn", "--weights", self.weights,
                                 "--data", self.data, "--storage", storage)
                        for storage in ("float32", "float16"))
        self.assertEqual(narrow["samples"], 80)
        self.assertAlmostEqual(narrow["accuracy"], wide["accuracy"], delta=0.0126)  # one image
        self.assertAlmostEqual(narrow["loss"], wide["loss"], delta=0.01)
        layer = run_json("bench", "conv", "--batch", 1, "--rounds", 1, "--storage", "float16")
        self.assertLess(layer["results"][0]["error"], 1e-4)

    def test_state_resumes(self):
        state, whole = self.folder / "s.state", self.folder / "whole.safetensors"
        run("train", "mnist-cnn", "--data", self.data, "--epochs", 2, "--batch", 16, "--seed", 3,
            "--state", state)
        run("train", "mnist-cnn", "--data", self.data, "--epochs", 5, "--batch", 16, "--seed", 3,
            "--resume", state, "--save", whole)
        self.assertEqual(self.weights.read_bytes(), whole.read_bytes())

    def test_interrupt_leaves_a_state(self):
        saved = self.folder / "i.safetensors"
        process = subprocess.Popen([CLCNN, "train", "mnist-cnn", "--data", str(self.data),
                                    "--epochs", "100000", "--save", str(saved), "--json"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(4)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)
        self.assertTrue(json.loads(out)["interrupted"])
        self.assertTrue(saved.exists())
        state = pathlib.Path(f"{saved}.state")
        self.assertTrue(state.exists())
        self.assertIn(str(state), err)

    def test_predict_pictures(self):
        picture = self.folder / "seven.pgm"
        image = bytearray(784)
        image[7 * 78:8 * 78] = bytes([255]) * 78
        picture.write_bytes(b"P5 28 28 255\n" + image)
        result = run_json("predict", "mnist-cnn", "--weights", self.weights, picture)
        self.assertEqual(result["predictions"][0]["class"], 7)
        inverted = self.folder / "inverted.pgm"
        inverted.write_bytes(b"P5 28 28 255\n" + bytes(255 - value for value in image))
        result = run_json("predict", "mnist-cnn", "--weights", self.weights, "--dark-on-light",
                          inverted)
        self.assertEqual(result["predictions"][0]["class"], 7)
        self.assertIn("seven.pgm", run("predict", "mnist-cnn", "--weights", self.weights,
                                       picture).stdout)
        picture.write_bytes(b"P5 28 28 255\n" + image[:100])
        self.assertIn("seven.pgm", run("predict", "mnist-cnn", "--weights", self.weights, picture,
                                       code=1).stderr)

    def test_damaged_weights_are_refused(self):
        damaged = self.folder / "damaged.safetensors"
        damaged.write_bytes(self.weights.read_bytes()[:-5])
        run("evaluate", "mnist-cnn", "--weights", damaged, "--data", self.data, code=1)

    def test_full_disk_is_an_error(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        with open("/dev/full", "w") as full:
            done = subprocess.run([CLCNN, "summary", "mnist-cnn"], stdout=full,
                                  stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)

    def test_benchmarks(self):
        for row in run_json("bench", "gemm", "32", "33,17,40")["results"]:
            self.assertGreater(row["gflops"], 0)
        row = run_json("bench", "conv", "--batch", 2, "--algorithm", "direct")["results"][0]
        self.assertEqual(row["algorithm"], "direct")
        self.assertLessEqual(row["error"], row["error_bound"])
        self.assertGreater(run_json("bench", "train", "--steps", 2)["images_per_second"], 0)
        start = run_json("bench", "start")
        self.assertGreater(start["cold"]["programs_built"], 0)
        self.assertEqual(start["warm"]["programs_built"], 0)

    def test_convolutions_of_a_table(self):
        table = self.folder / "layers.tsv"
        table.write_text("#name\tN C H W K R S G pads strides dilations\n"
                         "strided\t2 6 9 8 4 3 3 2 1 1 0 2 2 2 1 1\n"
                         "pointwise 1 16 5 5 8 1 1 1 0 0 0 0 1 1 1 1\n")
        quick = ["bench", "conv", "--list", table, "--rounds", 1, "--seconds", 0]
        for direction in ("fwd", "bwd-data", "bwd-filter"):
            rows = run_json(*quick, "--algorithm", "all", "--pass", direction)["results"]
            for name in ("strided", "pointwise"):
                ours = [row for row in rows if row["name"] == name]
                self.assertIn("direct", [row["algorithm"] for row in ours])
                self.assertEqual(sum(row["chosen"] for row in ours), 1)
            for row in rows:
                self.assertEqual(row["pass"], direction)
                self.assertTrue(0 <= row["error"] <= row["error_bound"], row)
        rows = run_json(*quick, "--filter", "point")["results"]
        self.assertEqual([row["name"] for row in rows], ["pointwise"])
        self.assertEqual(run_json(*quick, "--algorithm", "gemm_1x1")["results"][0]["name"],
                         "pointwise")
        self.assertIn("one of auto direct", run(*quick, "--algorithm", "fast", code=2).stderr)
        table.write_text("broken 1 2 3\n")
        self.assertIn("layers.tsv:1: not 17 fields", run(*quick, code=1).stderr)

    def test_verbose_says_which_algorithm(self):
        verbose = {**os.environ, "CLCNN_VERBOSE": "choose"}
        done = run("bench", "conv", "--batch", 2, env=verbose)
        self.assertIn("im2col_gemm", done.stderr)

    def choices(self, *words, **more):
        """What is logged of the choice, and the command that repeats it."""
        done = run(*words, "--rounds", 1, "--seconds", 0, **more,
                   env={**os.environ, "CLCNN_VERBOSE": "choose"})
        lines = [line.split("choose: ", 1)[1] for line in done.stderr.splitlines()
                 if ": conv2d " in line or ": again: " in line]
        self.assertGreaterEqual(len(lines), 2, done.stderr)  # --training chooses once more
        return lines[0], lines[1].split("again: clcnn ", 1)[1].split()

    def test_the_logged_command_repeats_the_problem(self):
        for words in (
                ["--batch", 2],
                ["--batch", 1, "--same", "--stride", 2, "--pass", "bwd-data"],
                ["--batch", 2, "--pads", "1,0,2,3", "--strides", "1,2", "--groups", 4, "--bias",
                 "--activation", "leaky_relu", "--alpha", 0.1, "--max-workspace", 123457,
                 "--max-error", 0.00123, "--forbid", "im2col_gemm,gemm_1x1", "--training"],
                ["--batch", 1, "--dilation", "2,1", "--accumulate", "--activation", "tanh",
                 "--algorithm", "direct", "--max-workspace", 1],
                ["--batch", 1, "--height", 4, "--width", 5, "--channels", 3, "--filters", 5,
                 "--rows", 1, "--columns", 2, "--pass", "bwd-filter", "--class", "gpu"]):
            first, command = self.choices("bench", "conv", *words)
            second, again = self.choices(*command)
            self.assertEqual(second, first)
            self.assertEqual(again, command)

    def test_tuning(self):
        with tempfile.TemporaryDirectory() as place:
            here = {**os.environ, "CLCNN_VERBOSE": "choose", "CLCNN_CACHE": place + "/cache"}
            words = ["bench", "conv", "--batch", 1, "--rounds", 1, "--seconds", 0]
            self.assertNotIn("measured,", run(*words, env=here).stderr)
            self.assertIn("ms measured,", run(*words, "--tune", env=here).stderr)
            self.assertIn("ms measured,", run(*words, env=here).stderr)
            run("bench", "model", "mnist-cnn", "--batch", 1, "--rounds", 1, "--tune", env=here)
            self.assertIn("ms measured,", run("bench", "model", "mnist-cnn", "--batch", 1,
                                              "--rounds", 1, env=here).stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
