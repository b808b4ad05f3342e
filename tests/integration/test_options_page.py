#!/usr/bin/env python3
"""docs/OPTIONS.md is what the program says of itself. To write it anew: `switchboard plugins --markdown > docs/OPTIONS.md`,
from a folder without an engine.conf of yours."""

import difflib
import os
import re
import subprocess
import tempfile
import unittest

import world


def page_of_the_program(*arguments):
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run([world.ENGINE, "plugins", "--markdown", *arguments], cwd=folder, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)


class OptionsPageTest(unittest.TestCase):
    def test_the_page_is_what_the_program_writes(self):
        done = page_of_the_program()
        self.assertEqual(done.returncode, 0, done.stderr)
        kept = (world.ROOT / "docs" / "OPTIONS.md").read_text(encoding="utf-8")
        difference = "".join(difflib.unified_diff(kept.splitlines(True), done.stdout.splitlines(True), "docs/OPTIONS.md", "the program"))
        self.assertEqual(difference, "", "write it anew: see the head of %s" % os.path.basename(__file__))

    def test_every_plugin_has_a_chapter_and_every_row_four_cells(self):
        page = page_of_the_program().stdout
        for plugin in (path.name for path in (world.ROOT / "plugins").iterdir() if path.is_dir()):
            self.assertIn("\n## %s\n" % plugin, page)
        for line in page.splitlines():
            if line.startswith("|"):
                self.assertEqual(len(re.findall(r"(?<!\\)\|", line)), 5, line)

    def test_it_goes_with_nothing_else(self):
        for arguments in (("exotel",), ("--json",)):
            done = page_of_the_program(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
