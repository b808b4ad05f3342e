#!/usr/bin/env python3
"""Which lines of the engine and the plugins ran, after tests of a build of the preset 'coverage'.

usage: coverage.py BUILD_FOLDER [--files]     --files: each file, the least covered first, instead of each folder

    cmake --preset coverage && cmake --build --preset coverage
    ctest --test-dir build/coverage -L 'unit|plugin|integration'
    tools/coverage.py build/coverage

A line that several objects hold ran when it ran in one of them. Exit codes: 0 printed, 1 nothing has run there, 2 usage.
"""
import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
COUNTED = ("core", "plugins")


def lines_of(data):
    """The lines of one object as gcov tells them: [(file, line, has run)]."""
    told = subprocess.run(["gcov", "--json-format", "--stdout", str(data)], capture_output=True, check=True, cwd=data.parent)
    found = []
    for each in told.stdout.splitlines():
        for file in json.loads(each)["files"]:
            path = pathlib.Path(file["file"])
            if not path.is_relative_to(ROOT):
                continue
            name = path.relative_to(ROOT)
            if name.parts[0] in COUNTED:
                found += [(str(name), line["line_number"], line["count"] > 0) for line in file["lines"]]
    return found


def gather(build):
    """{file: {line: has run}} of everything that ran in the build folder."""
    files = collections.defaultdict(dict)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for lines in pool.map(lines_of, sorted(build.rglob("*.gcda"))):
            for name, line, has_run in lines:
                files[name][line] = files[name].get(line, False) or has_run
    return files


def show(rows):
    """Rows of name, lines that ran, lines in all."""
    width = max(len(row[0]) for row in rows)
    for name, ran, whole in rows:
        print("%-*s  %6d of %6d  %5.1f %%" % (width, name, ran, whole, 100 * ran / whole))


def main():
    arguments = [each for each in sys.argv[1:] if each != "--files"]
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    files = gather(pathlib.Path(arguments[0]).resolve())
    if not files:
        print("nothing has run in '%s': build the preset 'coverage', and run its tests" % arguments[0], file=sys.stderr)
        return 1
    sums = collections.defaultdict(lambda: [0, 0])
    for name, lines in files.items():
        for key in (name if "--files" in sys.argv else "/".join(name.split("/")[:2]), "in all"):
            sums[key][0] += sum(lines.values())
            sums[key][1] += len(lines)
    rows = [(name, *count) for name, count in sums.items() if name != "in all"]
    rows.sort(key=(lambda row: row[1] / row[2]) if "--files" in sys.argv else None)
    show([*rows, ("in all", *sums["in all"])])
    return 0


if __name__ == "__main__":
    sys.exit(main())
