"""Runs the clients of tests/clients, which are installed when they are not there yet."""

import json
import os
import shutil
import subprocess

from world import PATIENCE, ROOT

PLACE = ROOT / "build" / "clients"


def install():
    done = subprocess.run([str(ROOT / "tools" / "install_clients.sh")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=300, check=False)
    if done.returncode != 0:
        raise RuntimeError("the clients could not be installed:\n%s" % done.stdout)
    # A module is looked for beside the file that names it.
    for script in (ROOT / "tests" / "clients").glob("*.mjs"):
        copy = PLACE / script.name
        if not copy.exists() or copy.read_bytes() != script.read_bytes():
            other = PLACE / ("%s.%d" % (script.name, os.getpid()))
            shutil.copy(script, other)
            other.replace(copy)


def run(folder, script, *arguments, cases):
    """The one JSON object that a client prints."""
    path = folder / "cases.json"
    path.write_text(json.dumps(cases), encoding="utf-8")
    done = subprocess.run(["node", str(PLACE / script), *arguments, str(path)], cwd=PLACE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=60 * PATIENCE, check=False)
    if done.returncode != 0:
        raise AssertionError("%s failed:\n%s%s" % (script, done.stdout, done.stderr))
    return json.loads(done.stdout)
