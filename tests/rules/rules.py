#!/usr/bin/env python3
"""Checks the house rules that a compiler does not.

usage: rules.py tiers|headers|symbols|kernels|style [--source DIR] [--build DIR] [--compiler C...]

tiers    a tier includes only tiers to its left; OpenCL's headers are seen by the device tier alone
headers  every header compiles alone: public ones as C11 and C++17, internal ones as C11
symbols  global names begin with clcnn_; what the shared library exports is what the headers declare
kernels  every program compiles for each family and vector width, without a warning (needs clang)
style    line, function and file lengths, include guards, licence lines, nothing left to do
"""
import argparse
import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import sys

TIERS = {
    "base": {"base"},
    "tensor": {"base", "tensor"},
    "device": {"base", "tensor", "device"},
    "op": {"base", "tensor", "device", "op"},
    "model": {"base", "tensor", "model"},
    "io": {"base", "tensor", "model", "io"},
    "run": {"base", "tensor", "device", "op", "model", "io", "run"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
MAX_LINE, MAX_FUNCTION, MAX_FILE = 100, 60, 600
SKIPPED = 77  # what meson takes for "skipped"


def files(root, *patterns):
    return sorted(path for pattern in patterns for path in root.glob(pattern))


def run(command):
    return subprocess.run(command, capture_output=True, text=True)


def in_parallel(check, items):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return [problem for problems in pool.map(check, items) for problem in problems]


def flags(options):
    return [f"-I{options.source / 'include'}", f"-I{options.source / 'lib'}", f"-I{options.build}",
            f"-I{options.build / 'lib'}"]


# ---- tiers ---------------------------------------------------------------------------------------


def check_includes(path, root):
    tier = path.relative_to(root / "lib").parts[0]
    if tier not in TIERS:
        yield f"{path}: no tier is called '{tier}'"
        return
    for name in INCLUDE.findall(path.read_text(encoding="utf-8")):
        first = name.split("/")[0]
        if first in TIERS and first not in TIERS[tier]:
            yield f"{path}: tier '{tier}' includes \"{name}\""
        if (first == "CL" or name == "clcnn/opencl.h") and tier != "device":
            yield f"{path}: includes <{name}>, which only the device tier may"


def tiers(options):
    root = options.source
    problems = [p for path in files(root, "lib/**/*.[ch]", "lib/**/*.inc")
                for p in check_includes(path, root)]
    for path in files(root, "include/clcnn/*.h"):
        names = INCLUDE.findall(path.read_text(encoding="utf-8"))
        reached = any(name.startswith("CL/") or name == "clcnn/opencl.h" for name in names)
        if reached and path.name != "opencl.h":
            problems.append(f"{path}: includes OpenCL's headers, which only opencl.h may")

    def sees_opencl(path):
        result = run([*options.compiler, "-std=c11", "-M", *flags(options), str(path)])
        if result.returncode:
            return [result.stderr]
        return [f"{path}: OpenCL's headers reach it"] if "/CL/cl" in result.stdout else []

    others = [p for tier in TIERS if tier != "device" for p in files(root, f"lib/{tier}/*.c")]
    return problems + in_parallel(sees_opencl, others)


# ---- headers -------------------------------------------------------------------------------------


def headers(options):
    root = options.source
    public = files(root, "include/clcnn/*.h")
    internal = files(root, "lib/**/*.h")
    languages = [("c", "c11"), ("c++", "c++17")]
    jobs = [(path, language) for path in public for language in languages]
    jobs += [(path, languages[0]) for path in internal]

    def compiles(job):
        path, (language, standard) = job
        result = run([*options.compiler, "-x", language, f"-std={standard}", "-Wall", "-Wextra",
                      "-Wpedantic", "-Werror", "-fsyntax-only", *flags(options), str(path)])
        if result.returncode:
            return [f"{path} does not compile alone as {standard}:\n{result.stderr}"]
        return []

    problems = in_parallel(compiles, jobs)
    umbrella = INCLUDE.findall((root / "include/clcnn/clcnn.h").read_text(encoding="utf-8"))
    for path in public:
        if path.name not in ("clcnn.h", "opencl.h") and f"clcnn/{path.name}" not in umbrella:
            problems.append(f"clcnn.h does not include <clcnn/{path.name}>")
    return problems


# ---- symbols -------------------------------------------------------------------------------------


def global_symbols(library, dynamic):
    table = ["--dynamic"] if dynamic else []
    result = run(["nm", "--defined-only", "--extern-only", *table, str(library)])
    if result.returncode:
        sys.exit(result.stderr)
    lines = (line.split() for line in result.stdout.splitlines())
    names = {words[2] for words in lines if len(words) == 3 and words[1] in "TDBRV"}
    return {name for name in names if not name.startswith("__")}  # the toolchain's own


def declared_functions(root):
    names = set()
    for path in files(root, "include/clcnn/*.h"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
        names |= set(re.findall(r"CLCNN_API\b[^;(]*?\b(clcnn_\w+)\s*[(;]", text))
    return names


def symbols(options):
    if not shutil.which("nm"):
        print("skipped: there is no nm")
        sys.exit(SKIPPED)
    problems = [f"global symbol without prefix: {name}"
                for name in sorted(global_symbols(options.build / "libclcnn.a", False))
                if not name.startswith("clcnn_")]
    exported = global_symbols(options.build / "libclcnn.so", True)
    declared = declared_functions(options.source)
    problems += [f"exported, but in no public header: {n}" for n in sorted(exported - declared)]
    problems += [f"declared, but not exported: {n}" for n in sorted(declared - exported)]
    return problems


# ---- kernels -------------------------------------------------------------------------------------


def programs(root):
    text = (root / "cl/meson.build").read_text(encoding="utf-8")
    listed = re.search(r"^kernel_files = files\((.*?)\)", text, re.M | re.S).group(1)
    return [root / "cl" / name for name in re.findall(r"'(.+?)'", listed)]


def kernels(options):
    clang = shutil.which("clang") or shutil.which("clang-14")
    if not clang:
        print("skipped: there is no clang")
        sys.exit(SKIPPED)
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(options.source / "cl"))
    from embed import resolve  # the text that the library embeds: each include once
    cpu = [["-DCLCNN_CPU", f"-DVW={width}"] for width in (1, 4, 8, 16)]
    jobs = []
    for path in programs(options.source):
        jobs += [(path, family) for family in cpu if not path.stem.endswith("_gpu")]
        jobs += [(path, ["-DCLCNN_GPU"])] if not path.stem.endswith("_cpu") else []
    jobs += [(path, [*family, "-DSTORAGE_HALF=1"]) for path, family in jobs
             if re.search(r"(PUT|INPLACE)\((const )?stored,", resolve(path, set()))]

    def compiles(job):
        path, family = job
        command = [clang, "-x", "cl", "-cl-std=CL1.2", "-Xclang", "-finclude-default-header",
                   "-target", "spir64", "-Wall", "-Wno-unused-function", "-Werror",
                   "-fsyntax-only", *family, "-"]
        result = subprocess.run(command, input=resolve(path, set()), capture_output=True, text=True)
        return [f"{path} {' '.join(family)}:\n{result.stderr}"] if result.returncode else []

    return in_parallel(compiles, jobs)


# ---- style ---------------------------------------------------------------------------------------


def function_lengths(lines):
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            yield start, number - start - 1
            start = None


def style_of(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    text = "\n".join(lines)
    if len(lines) > MAX_FILE:
        yield f"{path}: {len(lines)} lines, more than {MAX_FILE}"
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE:
            yield f"{path}:{number}: {len(line)} columns, more than {MAX_LINE}"
        if "\t" in line or line != line.rstrip():
            yield f"{path}:{number}: a tab, or space at the end of the line"
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            yield f"{path}:{number}: something left to do"
    for number, length in function_lengths(lines):
        if length > MAX_FUNCTION and path.suffix != ".cpp":
            yield f"{path}:{number}: a function of {length} lines, more than {MAX_FUNCTION}"
    guard = re.search(r"^#ifndef CLCNN_\w+_HP?P?\n#define", text, re.M)
    if path.suffix in (".h", ".hpp") and not guard:
        yield f"{path}: no include guard CLCNN_..._H"
    if path.parent.name == "clcnn" and "SPDX-License-Identifier: Apache-2.0" not in text:
        yield f"{path}: no licence line"
    if path.suffix == ".cl" and not (text.isascii() and text.startswith("/*")):
        yield f"{path}: not ASCII, or no comment at its top"


def style(options):
    root = options.source
    paths = files(root, "include/**/*.h", "lib/**/*.[ch]", "lib/**/*.inc", "cl/*.cl",
                  "samples/**/*.[ch]", "tests/**/*.[ch]pp")
    return [problem for path in paths for problem in style_of(path)]


def main():
    checks = {"tiers": tiers, "headers": headers, "symbols": symbols, "kernels": kernels,
              "style": style}
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("check", choices=checks)
    parser.add_argument("--source", type=pathlib.Path, default=pathlib.Path(__file__).parents[2])
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    parser.add_argument("--compiler", nargs="+", default=["cc"])
    options = parser.parse_args()
    problems = checks[options.check](options)
    for problem in problems:
        print(problem)
    print(f"{options.check}: {len(problems)} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
