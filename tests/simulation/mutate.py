#!/usr/bin/env python3
"""Writes copies of the engine's sources in which seeded bugs can be switched on.

    mutate.py ROOT OUT TABLE...     writes OUT/<file> for each mutated file, and OUT/simulation/mutant_list.h
    mutate.py --list ROOT TABLE...  prints the mutated files, one a line

Each TABLE is one bug: a line "about: ...", a line "file: ...", then "--- good" with text that must be in the file exactly
once (white space counts as one space), then "--- bad" with what takes its place. An expression becomes
(bug ? (bad) : (good)), what ends in ';' or '}' becomes if (bug) { bad } else { good }. A bug in several places has
several such pairs, each after a line "file: ..." of its own when the file is another one.
"""
import pathlib
import re
import sys


def read_table(path):
    """One bug, and its places."""
    head, *rest = path.read_text().split("--- good\n")
    fields = dict(line.split(": ", 1) for line in head.strip().splitlines())
    mutant = {"name": path.stem, "about": fields.get("about"), "path": path, "places": []}
    file = fields.get("file")
    for place in rest:
        good, _, bad = place.partition("--- bad\n")
        bad, _, file_next = bad.partition("\nfile: ")
        mutant["places"].append({"file": file, "good": good.strip(), "bad": bad.strip(), "mutant": mutant})
        file = file_next.strip() or file
    if not mutant["about"] or not rest or not all(all(place.values()) for place in mutant["places"]):
        sys.exit(f"{path}: needs 'about:', 'file:', '--- good' and '--- bad'")
    return mutant


def find(place, text):
    """Where the good text is, once."""
    pattern = r"\s+".join(re.escape(word) for word in place["good"].split())
    found = [match.span() for match in re.finditer(pattern, text)]
    if len(found) != 1:
        sys.exit(f"{place['mutant']['path']}: its good text is {len(found)} times in {place['file']}, and must be there "
                 f"once:\n{place['good']}\n"
                 "The source was changed: write the bug anew for it.")
    return found[0]


def switch(place):
    good, bad, bug = place["good"], place["bad"], f"sim_mutant_is({place['mutant']['index']})"
    if good[-1] in ";}":
        return f"if ({bug}) {{ {bad} }} else {{ {good} }}"
    return f"({bug} ? ({bad}) : ({good}))"


def mutated(root, name, places):
    text = (root / name).read_text()
    spans = sorted(((find(place, text), place) for place in places), key=lambda found: found[0])
    for (first, _), (second, place) in zip(spans, spans[1:]):
        if second[0] < first[1]:
            sys.exit(f"{place['mutant']['path']}: overlaps with another bug in {name}")
    for (begin, end), place in reversed(spans):
        text = text[:begin] + switch(place) + text[end:]
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
    places = [place for mutant in mutants for place in mutant["places"]]
    files = sorted({place["file"] for place in places})
    if is_listing:
        print("\n".join(files))
        return
    out = pathlib.Path(arguments[1])
    for name in files:
        write(out / name, mutated(root, name, [place for place in places if place["file"] == name]))
    rows = "".join(f' \\\n    X("{mutant["name"]}", "{mutant["about"]}")' for mutant in mutants)
    write(out / "simulation" / "mutant_list.h", f"#define SIM_MUTANTS(X){rows}\n")


if __name__ == "__main__":
    main()
