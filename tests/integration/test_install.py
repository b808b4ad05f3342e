#!/usr/bin/env python3
"""What `cmake --install` leaves behind works by itself: in a prefix that was chosen only then, the program finds its plugins,
helpers, scripts and models, checks the shipped engine.conf, and makes tickets with it."""

import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import tempfile
import unittest
import urllib.parse

import world
from world import PATIENCE, World, call

BUILD = pathlib.Path(world.ENGINE).parent
LIMIT_S = 120 * PATIENCE
INVENTED = {
    "EXOTEL_SID": "acmedemo1", "EXOTEL_API_KEY": "demo-key", "EXOTEL_API_TOKEN": "demo-token",
    "DEEPGRAM_API_KEY": "demo-deepgram", "OPENAI_API_KEY": "demo-openai", "ZOHO_DESK_ORG_ID": "600000001",
    "ZOHO_DESK_DEPARTMENT_ID": "5000001000000006001", "ZOHO_DESK_CLIENT_ID": "1000.DEMO",
    "ZOHO_DESK_CLIENT_SECRET": "demo-secret", "ZOHO_DESK_REFRESH_TOKEN": "1000.demo.demo",
}


def installed_environment(more):
    """Nothing of the build may help: only what any shell has."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS")}
    kept["LSAN_OPTIONS"] = "use_tls=0"  # see world.py
    return {**kept, **more}


class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="switchboard-install-"))
        cls.prefix = cls.folder / "chosen later"
        done = subprocess.run(["cmake", "--install", str(BUILD), "--prefix", str(cls.prefix)], capture_output=True, text=True,
                              check=False, timeout=LIMIT_S)
        if done.returncode != 0:
            shutil.rmtree(cls.folder)
            raise AssertionError("cmake --install failed: %s%s" % (done.stdout, done.stderr))
        cls.program = cls.prefix / "bin" / "switchboard"
        cls.share = cls.prefix / "share" / "switchboard"

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def run_program(self, *arguments, cwd=None, **environment):
        return subprocess.run([str(self.program), *arguments], cwd=cwd or self.folder, env=installed_environment(environment),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, timeout=LIMIT_S)

    def find(self, pattern):
        found = list(self.prefix.glob(pattern))
        self.assertEqual(len(found), 1, "'%s' is installed %d times" % (pattern, len(found)))
        return found[0]

    def settings_folder(self, name):
        """A folder like /etc/switchboard that holds engine.conf alone: scripts come from the installed tree."""
        path = self.folder / name
        path.mkdir()
        shutil.copy(self.share / "engine.conf", path)
        return path

    def run_once(self, name, calls, **changes):
        """The shipped engine.conf, run once against local services. Gives its output and the tickets."""
        with World(calls) as local:
            environment = {**local.services.env(), "SWITCHBOARD_DATA": str(self.folder / (name + "-data")),
                           "SWITCHBOARD_LISTEN": "127.0.0.1:0", "SWITCHBOARD_ADMIN": "127.0.0.1:0", "EXOTEL_SINCE": "24h",
                           "EXOTEL_POLL_INTERVAL": "1s", "EXOTEL_RATE": "unlimited", **changes}
            done = self.run_program("run", "--once", cwd=self.settings_folder(name), **environment)
            self.assertEqual(done.returncode, 0, done.stdout)
            return done.stdout, local.tickets()

    # ---- what is there

    def test_everything_is_installed_once(self):
        for pattern in ("bin/switchboard", "lib/**/switchboard/sb_phone.so", "lib/**/switchboard/sb_audio.so",
                        "include/switchboard/plugin.h", "lib/**/pkgconfig/switchboard.pc", "share/switchboard/engine.conf",
                        "share/switchboard/scripts/classify.lua", "share/switchboard/scripts/zoho_ticket.lua",
                        "share/switchboard/pocketsphinx/support.lm", "share/switchboard/pocketsphinx/support.dict",
                        "lib/systemd/system/switchboard.service", "lib/sysusers.d/switchboard.conf",
                        "share/doc/switchboard/README.md", "share/doc/switchboard/docs/INSTALL.md"):
            self.find(pattern)
        built = {path.name for path in (BUILD / "plugins").glob("*.so")}
        self.assertEqual({path.name for path in self.prefix.glob("lib/**/switchboard/plugins/*.so")}, built)
        self.assertLessEqual({"exotel.so", "deepgram.so", "pocketsphinx.so", "keyword.so", "openai.so", "zoho_desk.so"}, built)

    def test_the_installed_plugins_are_listed_from_the_chosen_prefix(self):
        done = self.run_program("plugins", "--json")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(str(self.prefix), done.stdout)
        self.assertNotIn(str(BUILD) + "/", done.stdout)

    # ---- it works

    def test_the_shipped_configuration_is_right(self):
        for cwd, arguments in ((self.folder, ("check", "-c", str(self.share / "engine.conf"))),
                               (self.settings_folder("check"), ("check",))):
            done = self.run_program(*arguments, cwd=cwd, SWITCHBOARD_DATA=str(self.folder / "none"), **INVENTED)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertRegex(done.stdout, r"(?s)exotel.*deepgram.*zoho_desk")
            self.assertNotRegex(done.stdout, "demo-secret|demo-token|demo-key")

    def test_a_missing_key_is_named_by_the_installed_program(self):
        without = {name: value for name, value in INVENTED.items() if name != "EXOTEL_API_TOKEN"}
        done = self.run_program("check", "-c", str(self.share / "engine.conf"), **without)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, r"engine\.conf:\d+: .*EXOTEL_API_TOKEN")

    def test_calls_become_tickets(self):
        output, tickets = self.run_once("online", [call(1), call(2)])
        self.assertEqual(len(tickets), 2, output)
        for ticket in tickets:
            self.assertEqual(len(ticket["comments"]), 1)
            # The helper for numbers was found: the contact has the number in its international form.
            self.assertRegex(ticket["contact"]["phone"], r"^\+91555010\d{4}$")

    def test_the_offline_transcriber_finds_its_models_and_the_decoder(self):
        output, tickets = self.run_once("offline", [call(3)], TRANSCRIBER="pocketsphinx", DEEPGRAM_API_KEY="", OPENAI_API_KEY="")
        self.assertEqual(len(tickets), 1, output)
        self.assertNotRegex(output, "models cannot be read|not installed")
        journal = sqlite3.connect("file:%s?mode=ro" % urllib.parse.quote(str(self.folder / "offline-data" / "journal.db")), uri=True)
        verdicts = journal.execute("SELECT verdict FROM outcome WHERE instance = 'pocketsphinx' AND step = 'transcribe'").fetchall()
        journal.close()
        self.assertEqual(verdicts, [("ok",)], output)

    # ---- as a service

    def test_the_unit_names_the_chosen_prefix(self):
        unit = self.find("lib/systemd/system/switchboard.service").read_text(encoding="utf-8")
        self.assertIn("ExecStart=", unit)
        self.assertIn(str(self.program), unit)
        self.assertIsNone(re.search(r"@\w+@", unit), unit)

    def test_systemd_finds_nothing_wrong_with_the_unit(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not installed")
        plain = self.folder / "plain"  # systemd wants escapes for a blank in a path; real prefixes have none
        subprocess.run(["cmake", "--install", str(BUILD), "--prefix", str(plain)], check=True, capture_output=True, timeout=LIMIT_S)
        unit = plain / "lib" / "systemd" / "system" / "switchboard.service"
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False, timeout=60)
        own = [line for line in done.stdout.splitlines() if "switchboard" in line]
        if done.returncode != 0 and not own:
            self.skipTest("systemd-analyze cannot work here: %s" % done.stdout.strip())
        self.assertEqual(own, [], done.stdout)


if __name__ == "__main__":
    world.require_programs()
    unittest.main(verbosity=2)
