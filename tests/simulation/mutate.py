#!/usr/bin/env python3
"""Writes copies of the engine's sources in which seeded bugs can be switched on.

    mutate.py ROOT OUT TABLE...     writes OUT/<file> for each mutated file, and OUT/simulation/mutant_list.h
    mutate.py --list ROOT TABLE...  prints the mutated files, one a line

Each TABLE is one bug: a line "about: ...", a line "file: ...", then "--- good" with text that must be in the file exactly
once (white space counts as one space), then "--- bad" with what takes its place. An expression becomes
(bug ? (bad) : (good)), what ends in ';' or '}' becomes if (bug) { bad } else { good }.
"""
import pathlib
import re
import sys


def read_table(path):
    head, _, rest = path.read_text().partition("--- good\n")
    good, _, bad = rest.partition("--- bad\n")
    fields = dict(line.split(": ", 1) for line in head.strip().splitlines())
    if not good.strip() or not bad.strip() or {"about", "file"} - fields.keys():
        sys.exit(f"{path}: needs 'about:', 'file:', '--- good' and '--- bad'")
    return {"name": path.stem, "about": fields["about"], "file": fields["file"], "path": path,
            "good": good.strip(), "bad": bad.strip()}


def find(mutant, text):
    """The one place of the good text."""
    pattern = r"\s+".join(re.escape(word) for word in mutant["good"].split())
    found = [match.span() for match in re.finditer(pattern, text)]
    if len(found) != 1:
        sys.exit(f"{mutant['path']}: its good text is {len(found)} times in {mutant['file']}, and must be there once:\n"
                 f"{mutant['good']}\n"
                 "The source was changed: write the bug anew for it.")
    return found[0]


def switch(mutant):
    good, bad, bug = mutant["good"], mutant["bad"], f"sim_mutant_is({mutant['index']})"
    if good[-1] in ";}":
        return f"if ({bug}) {{ {bad} }} else {{ {good} }}"
    return f"({bug} ? ({bad}) : ({good}))"


def mutated(root, name, mutants):
    text = (root / name).read_text()
    places = sorted(((find(mutant, text), mutant) for mutant in mutants), key=lambda place: place[0])
    for (first, _), (second, mutant) in zip(places, places[1:]):
        if second[0] < first[1]:
            sys.exit(f"{mutant['path']}: overlaps with another bug in {name}")
    for (begin, end), mutant in reversed(places):
        text = text[:begin] + switch(mutant) + text[end:]
    return f'#include <stdbool.h>\n#include <stddef.h>\nbool sim_mutant_is(size_t index);\n#line 1 "{root / name}"\n{text}'


def write(path, text):
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def main():
    arguments = sys.argv[1:]
    is_listing = arguments[0] == "--list"
    root = pathlib.Path(arguments[1 if is_listing else 0])
    mutants = [read_table(pathlib.Path(path)) for path in sorted(arguments[2:])]
    for index, mutant in enumerate(mutants):
        mutant["index"] = index
    files = sorted({mutant["file"] for mutant in mutants})
    if is_listing:
        print("\n".join(files))
        return
    out = pathlib.Path(arguments[1])
    for name in files:
        write(out / name, mutated(root, name, [mutant for mutant in mutants if mutant["file"] == name]))
    rows = "".join(f' \\\n    X("{mutant["name"]}", "{mutant["about"]}")' for mutant in mutants)
    write(out / "simulation" / "mutant_list.h", f"#define SIM_MUTANTS(X){rows}\n")


if __name__ == "__main__":
    main()
