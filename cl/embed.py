#!/usr/bin/env python3
"""Turns kernel sources into one C file: a table of {name, source}, with #include "x.cl" resolved.

usage: embed.py OUTPUT.c INPUT.cl...
"""
import pathlib
import re
import sys


def resolve(path, seen):
    if path in seen:
        return ""
    seen.add(path)
    lines = []
    for line in path.read_text(encoding="ascii").splitlines():
        match = re.fullmatch(r'\s*#include "([^"]+)"\s*', line)
        lines.append(resolve(path.parent / match.group(1), seen) if match else line)
    return "\n".join(lines) + "\n"


def quote(text):
    rows = (line.replace("\\", "\\\\").replace('"', '\\"') for line in text.splitlines())
    return "\n".join(f'    "{row}\\n"' for row in rows)


def main():
    output, inputs = pathlib.Path(sys.argv[1]), [pathlib.Path(name) for name in sys.argv[2:]]
    parts = ['#include "device/sources.h"\n\n#pragma GCC diagnostic ignored "-Woverlength-strings"\n\n'
             "const struct clcnn_source clcnn_sources[] = {\n"]
    for path in sorted(inputs):
        parts.append(f'  {{ "{path.stem}",\n{quote(resolve(path, set()))} }},\n')
    parts.append("  { 0, 0 },\n};\n")
    output.write_text("".join(parts), encoding="ascii")


if __name__ == "__main__":
    main()
