#!/usr/bin/env python3
"""Fails when a file includes what it may not know (docs/ARCHITECTURE.md, "Layers")."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# A layer may include itself and what stands to its right.
MAY_USE = {
    "base": [],
    "conf": ["base"],
    "store": ["base"],
    "io": ["base"],
    "plugin": ["io", "store", "conf", "base"],
    "script": ["plugin", "io", "store", "conf", "base"],
    "flow": ["script", "plugin", "io", "store", "conf", "base"],
    "app": ["flow", "script", "plugin", "io", "store", "conf", "base"],
}

# Third-party headers and the one folder that may know them. jansson.h may be everywhere.
OWNERS = {
    r"openssl/.*": {"core/base"},
    r"libconfig\.h": {"core/conf"},
    r"sqlite3\.h": {"core/store"},
    r"libpq-fe\.h": {"core/store"},
    r"uv\.h": {"core/io"},
    r"curl/.*": {"core/io"},
    r"microhttpd\.h": {"core/io"},
    r"ltdl\.h": {"core/plugin"},
    r"dlfcn\.h": {"core/plugin"},
    r"sndfile\.h": {"core/plugin/helpers"},
    r"samplerate\.h": {"core/plugin/helpers"},
    r"phonenumbers/.*": {"core/plugin/helpers"},
    r"lua\.h|lauxlib\.h|lualib\.h": {"core/script"},
    r"pocketsphinx\.h": {"plugins/pocketsphinx"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)


def tracked():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "core", "plugins", "include"],
        cwd=ROOT, check=True, capture_output=True, text=True)
    return [line for line in listed.stdout.splitlines() if line.endswith((".c", ".h", ".cc"))]


def check_layer(path, included):
    """core/<layer>/...: only itself, the public contract, and the layers below."""
    layer = path.split("/")[1]
    first = included.split("/")[0]
    if first in MAY_USE and first != layer and first not in MAY_USE[layer]:
        return f"layer '{layer}' may not know '{first}'"
    return None


def check_plugin(path, included):
    """A plugin sees include/, its own folder, libc and jansson."""
    first = included.split("/")[0]
    if first in MAY_USE:
        return f"a plugin may not know '{first}'"
    folder = (ROOT / path).parent
    if "/" in included and first not in ("switchboard", "sys") and not (folder / included).exists():
        return f"a plugin may include only its own folder and switchboard/, not '{included}'"
    return None


def check_owner(path, included):
    for pattern, folders in OWNERS.items():
        if re.fullmatch(pattern, included) and not any(path.startswith(folder + "/") for folder in folders):
            return f"'{included}' belongs to {', '.join(sorted(folders))}"
    return None


def check_public(_path, included):
    first = included.split("/")[0]
    return f"the public contract may not know '{included}'" if first in MAY_USE else None


def main():
    wrong = []
    files = tracked()
    for path in files:
        text = (ROOT / path).read_text(encoding="utf-8")
        for match in INCLUDE.finditer(text):
            included = match.group(1)
            line = text.count("\n", 0, match.start()) + 1
            checks = [check_owner]
            if path.startswith("core/"):
                checks.append(check_layer)
            elif path.startswith("plugins/"):
                checks.append(check_plugin)
            else:
                checks.append(check_public)
            for check in checks:
                why = check(path, included)
                if why:
                    wrong.append(f"{path}:{line}: {why}")
    print("\n".join(wrong) if wrong else f"{len(files)} files know only what they may")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
