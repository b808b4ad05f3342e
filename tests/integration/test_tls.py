#!/usr/bin/env python3
"""The engine against the local services over HTTPS, as it speaks with the real ones: it trusts the authority that it was
told, the name that it asked for, and nothing else."""

import pathlib
import shutil
import tempfile
import unittest

import world
from world import PATIENCE, World, call

TRUST = {"ca_file": "${SWITCHBOARD_CA_FILE}"}


class TlsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.mkdtemp(prefix="switchboard-tls-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.ca = str(pathlib.Path(folder) / "ca.pem")

    def world(self, calls, *options, settings=None):
        return World(calls, services=("--tls", self.ca, *options), settings=settings)

    def assert_refused(self, w, why):
        """It says why, keeps trying, and nobody it does not trust hears a word of it."""
        engine = w.start()
        engine.wait_for_log(why, timeout=30 * PATIENCE)
        ended = engine.stop()
        self.assertEqual(ended.code, 0, ended)
        seen = w.report()["services"]
        self.assertEqual({name: each["requests"] for name, each in seen.items() if each["requests"]}, {}, ended)
        self.assertEqual((w.tickets(), w.states()), ([], {}))

    def test_calls_become_tickets_over_https(self):
        calls = [call(number) for number in range(1, 6)]
        with self.world(calls, settings=TRUST) as w:
            self.assertTrue(all(value.startswith("https://") for name, value in w.services.env().items()
                                if name.endswith(("_URL", "_API_DOMAIN"))))
            ended = w.run_once()
            self.assertEqual(w.faults_of_delivery([each["sid"] for each in calls], len(calls)), [], ended)
            self.assertEqual((ended.code, w.states()), (0, {"done": len(calls)}), ended)

    def test_a_lost_answer_over_https_makes_no_second_ticket(self):
        calls = [call(number) for number in range(1, 4)]
        with self.world(calls, settings=TRUST) as w:
            for path in ("/api/v1/tickets", "/api/v1/contacts", "*/comments"):
                w.fault("desk", "commit_then_reset", method="POST", path=path, nth=1)
            ended = w.run_once()
            self.assertEqual(w.faults_of_delivery([each["sid"] for each in calls], len(calls)), [], ended)
            self.assertEqual([rule["hits"] for rule in w.report()["faults"]], [1, 1, 1])

    def test_an_unknown_authority_is_refused(self):
        with self.world([call(1)]) as w:
            self.assert_refused(w, "TLS certificate not trusted: unable to get local issuer certificate")

    def test_a_certificate_for_another_name_is_refused(self):
        with self.world([call(1)], "--tls-name", "desk.example.com", settings=TRUST) as w:
            self.assert_refused(w, "TLS certificate not trusted: it is not for 127.0.0.1")


if __name__ == "__main__":
    world.main()
