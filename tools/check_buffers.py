#!/usr/bin/env python3
"""Every AUTO_BUF is begun before its scope can be left: what was never begun must not be freed.

usage: tools/check_buffers.py
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DECLARED = re.compile(r"^\s*AUTO_BUF (\w+);")
LEAVES = re.compile(r"\b(return|continue|break|goto)\b|^}")


def first_use(lines, name):
    """Whether the buffer is handed to someone before a line that leaves."""
    for line in lines:
        if re.search(r"&%s\b" % name, line):
            return True
        if LEAVES.search(line):
            return False
    return False


def main():
    mistakes = []
    for folder in ("core", "plugins", "tests", "bench"):
        for path in sorted((ROOT / folder).rglob("*.[ch]")):
            lines = path.read_text(encoding="utf-8").split("\n")
            for number, line in enumerate(lines, 1):
                found = DECLARED.match(line)
                if found and not first_use(lines[number:], found[1]):
                    mistakes.append("%s:%d: '%s' may be left before buf_init(&%s, ...): begin it first"
                                    % (path.relative_to(ROOT), number, found[1], found[1]))
    print("\n".join(mistakes) or "every buffer is begun before its scope is left")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
