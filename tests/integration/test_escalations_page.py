#!/usr/bin/env python3
"""docs/ESCALATIONS.md: every example marked "run" is run as it stands against an engine and the local services, in order; where
the page shows an answer, the real one has the same members."""

import json
import os
import re
import subprocess
import unittest

import clients
import world
from escalation_world import AgentWorld
from world import PATIENCE, ROOT

TOKEN, KEY = "demo-agent-token-0001", "demo-signing-key-0001"
PAGE = ROOT / "docs" / "ESCALATIONS.md"


def blocks():
    """(language, marks, text, the answer that follows or None) of each block that is to be run."""
    text = PAGE.read_text(encoding="utf-8")
    found = [(match.group(1).split(), match.group(2), match.end()) for match in re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.M | re.S)]
    runs = []
    for index, (words, body, _) in enumerate(found):
        if "run" not in words:
            continue
        answer = None
        if words[0] == "sh" and index + 1 < len(found) and found[index + 1][0] == ["json"]:
            answer = json.loads(found[index + 1][1])
        runs.append((words[0], words[2:], body, answer))
    return runs


def shape(value):
    """The members of a document without their values."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    return [shape(each) for each in value] if isinstance(value, list) else type(value).__name__


class PageTest(unittest.TestCase):
    def run_block(self, local, language, text, port, key):
        environment = {**{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
                       "SWITCHBOARD": "http://127.0.0.1:%d" % port, "AI_AGENT_TOKEN": TOKEN, "AI_AGENT_HMAC_SECRET": key}
        folder = local.folder
        if language == "js":
            folder = clients.PLACE
            path = folder / ("page.%d.mjs" % os.getpid())
        else:
            path = folder / ("example." + language)
        path.write_text(text, encoding="utf-8")
        program = {"sh": "sh", "python": "python3", "js": "node"}[language]
        try:
            return subprocess.run([program, str(path)], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  timeout=60 * PATIENCE, check=False)
        finally:
            path.unlink()

    def run_all(self, is_signed):
        count = 0
        with AgentWorld(agent={"tokens": TOKEN, **({"hmac_secret": KEY} if is_signed else {})}) as local:
            engine, port = local.listening()
            for language, marks, text, answer in blocks():
                if ("signed" in marks) != is_signed:
                    continue
                count += 1
                done = self.run_block(local, language, text, port, KEY if is_signed else "")
                self.assertEqual((done.returncode, done.stderr), (0, ""), text)
                self.assertTrue(done.stdout.strip(), text)
                if answer is not None:
                    self.assertEqual(shape(json.loads(done.stdout)), shape(answer), done.stdout)
                if answer is not None and "error" in answer:
                    self.assertEqual(json.loads(done.stdout), answer)
            local.wait_until(lambda: set(local.states()) == {"done"}, "all of them have tickets")
            self.assertEqual(engine.stop().code, 0)
            return count, len(local.tickets())

    def test_the_examples_run_as_they_stand(self):
        count, tickets = self.run_all(is_signed=False)
        self.assertGreaterEqual(count, 6)
        self.assertEqual(tickets, 4)

    def test_the_signed_example_runs_as_it_stands(self):
        self.assertEqual(self.run_all(is_signed=True), (1, 1))

    def test_the_page_names_every_option_of_the_pipeline_that_it_speaks_of(self):
        options = subprocess.run([world.ENGINE, "plugins", "ai_agent", "--json"], stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout
        names = {option["name"] for option in json.loads(options)["options"]} | {"listen_tls_cert", "listen_tls_key"}
        for name in ("tokens", "hmac_secret", "replay_window", "rate_per_caller", "attachment_hosts", "inline_max", "unknown_keys", "wait_max", "mcp_wait",
                     "allowed_origins", "listen_tls_cert"):
            self.assertIn(name, names)
            self.assertIn("`%s" % name, PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    clients.install()
    world.main()
