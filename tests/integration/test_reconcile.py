#!/usr/bin/env python3
"""`switchboard reconcile`: the sources, the journal and the helpdesk compared, with and without a running engine, and what
is missing filled in."""

import json
import sqlite3
import unittest

import world
from world import PATIENCE, World, call

FORGET = """
DELETE FROM section WHERE record_id = {0}; DELETE FROM intent WHERE record_id = {0}; DELETE FROM outcome WHERE record_id = {0};
DELETE FROM chain WHERE record_id = {0}; DELETE FROM identity WHERE record_id = {0}; DELETE FROM record WHERE id = {0};
"""


class ReconcileCase(unittest.TestCase):
    def compare(self, w, *arguments, code=0):
        done = w.verb("reconcile", "--json", *arguments, timeout=90 * PATIENCE)
        self.assertEqual(done.returncode, code, done)
        return json.loads(done.stdout)

    def forget(self, w, record):
        """As if the journal had never heard of the record."""
        journal = sqlite3.connect(str(w.data / "journal.db"), timeout=10)
        with journal:
            journal.executescript(FORGET.format(record))
        journal.close()

    def why(self, report):
        return {row["external_id"]: (row["what"], row["why"]) for row in report["rows"]}


class ReconcileTest(ReconcileCase):
    def test_what_was_delivered_once_is_told_so_with_and_without_an_engine(self):
        with World([call(1), call(2)]) as w:
            self.assertEqual(w.run_once().code, 0)
            before = w.query("SELECT doc FROM cursor_doc")
            for runs in (False, True):
                if runs:
                    w.start().wait_for_log("started")
                report = self.compare(w)
                self.assertEqual((report["listed"], report["delivered"], report["rows"]), (2, 2, []))
                if not runs:
                    self.assertEqual(w.query("SELECT doc FROM cursor_doc"), before, "the cursor was moved")
            self.assertEqual(len(w.tickets()), 2)
            self.assertIn("2 listed, 0 missing, 0 doubled", w.verb("prove").stdout)

    def test_others_are_explained(self):
        calls = [call(1), call(2, start="-30h"), call(3, start="-1m", duration_s=3600, talk_s=3500)]
        with World(calls, stages=["keyword"]) as w:
            w.knobs("exotel", list_ongoing=True)
            self.assertEqual(w.run_once().code, 0)
            w.add_calls(call(4))
            report = self.compare(w, "--since", "36h")
            self.assertEqual((report["missing"], report["delivered"]), (0, 1))
            why = self.why(report)
            self.assertIn("before the first start looked back", why[call(2)["sid"]][1])
            self.assertIn("has not ended yet", why[call(3)["sid"]][1])
            self.assertIn("the next rounds take it", why[call(4)["sid"]][1])

    def test_a_conversation_without_a_ticket_is_explained_by_its_state(self):
        with World([call(1)], stages=["keyword"]) as w:
            w.fault("desk", "status", status=422, method="POST", path="/api/v1/tickets",
                    body={"errorCode": "INVALID_DATA", "message": "wrong", "errors": []})
            w.run_once()
            what, why = self.why(self.compare(w))[call(1)["sid"]]
            self.assertEqual(what, "explained")
            self.assertIn("dead: ", why)

    def test_what_is_missing_is_named_and_filled_in_without_a_second_ticket(self):
        calls = [call(1, start="-6h"), call(2, start="-7h")]
        for runs in (False, True):
            with self.subTest(engine_runs=runs), World(calls, stages=["keyword"]) as w:
                self.assertEqual(w.run_once().code, 0)
                self.forget(w, 1)
                lost = ({call(1)["sid"], call(2)["sid"]} - {row[0] for row in w.query("SELECT external_id FROM identity")}).pop()
                if runs:
                    w.start().wait_for_log("started")
                report = self.compare(w, code=1)
                self.assertEqual((report["missing"], report["delivered"]), (1, 1))
                self.assertEqual(self.why(report)[lost][0], "missing")
                self.assertIn("found 1 missing", w.verb("prove").stdout)
                self.assertEqual(self.compare(w, "--back-fill", code=1)["back_filled"], 1)
                if runs:
                    w.wait_until(lambda: w.states() == {"done": 2}, "it was worked on", 60 * PATIENCE)
                else:
                    self.assertEqual(w.states(), {"active": 1, "done": 1})
                    self.assertEqual(w.run_once().code, 0)
                self.assertEqual(len(w.tickets()), 2, "it had its ticket already")
                self.assertEqual(self.compare(w)["delivered"], 2)

    def test_a_second_ticket_is_named(self):
        with World([call(1)], stages=["keyword"]) as w:
            w.extra_env["ZOHO_DESK_SETTLE"] = "%ds" % (2 * PATIENCE)
            w.fault("desk", "delay_then_commit", method="POST", path="/api/v1/tickets", nth=1, latency_ms=3000 * PATIENCE + 1000)
            w.start()
            w.wait_until(lambda: len(w.tickets()) == 2, "the helpdesk has two", 60 * PATIENCE)
            w.wait_until(lambda: w.states() == {"done": 1}, "it is done", 60 * PATIENCE)
            report = self.compare(w, code=1)
            self.assertEqual(report["doubled"], 1)
            done = w.verb("reconcile", timeout=90 * PATIENCE)
            self.assertEqual(done.returncode, 1)
            for words in ("doubled", call(1)["sid"], "1 doubled"):
                self.assertIn(words, done.stdout)

    def test_what_was_made_a_moment_ago_need_not_be_shown_yet(self):
        with World([call(1)], stages=["keyword"], zoho_desk={"settle": "10m"},
                   knobs={"desk": {"index_lag_ms": 600000, "contact_tickets_lag_ms": 600000}}) as w:
            self.assertEqual(w.run_once().code, 0)
            what, why = self.why(self.compare(w))[call(1)["sid"]]
            self.assertEqual(what, "explained")
            self.assertIn("not shown yet: the settle time has not passed", why)
            w.blocks["zoho_desk"]["settle"] = "1ms"
            self.assertIn("deleted or merged", self.why(self.compare(w))[call(1)["sid"]][1])

    def test_a_helpdesk_that_does_not_answer_makes_nothing_doubled(self):
        with World([call(1)], stages=["keyword"]) as w:
            self.assertEqual(w.run_once().code, 0)
            w.fault("desk", "status", status=400, method="GET", path="/api/v1/contacts/*/tickets",
                    body={"errorCode": "BAD_REQUEST", "message": "no"})
            report = self.compare(w)
            self.assertEqual((report["uncertain"], report["doubled"]), (1, 0))

    def test_a_source_that_does_not_answer_is_told(self):
        with World([call(1)], stages=["keyword"]) as w:
            self.assertEqual(w.run_once().code, 0)
            w.knobs("exotel", access="not_in_plan")
            report = self.compare(w)
            self.assertEqual((report["listed"], report["told"], report["delivered"]), (0, 1, 1))
            self.assertIn("source 'exotel' could not be listed", report["faults"][0])

    def test_it_runs_by_itself(self):
        with World([call(1)], settings={"reconcile": "daily"}, stages=["keyword"]) as w:
            engine = w.start()
            engine.wait_for_log("msg=compared", 60 * PATIENCE)
            w.wait_until(lambda: w.query("SELECT count(*) FROM report")[0][0] == 1, "the report is kept")
            engine.stop()
            again = w.start()
            again.wait_for_log("started")
            self.assertEqual(again.stop().code, 0)
            self.assertNotIn("msg=compared", again.log())

    def test_wrong_usage_is_named(self):
        with World() as w:
            for arguments, words in ((["--since", "5"], "needs a unit"), (["--since", "400d"], "at most 180d"),
                                     (["twice"], "unexpected argument 'twice'")):
                done = w.verb("reconcile", *arguments)
                self.assertEqual(done.returncode, 2, done)
                self.assertIn(words, done.stderr)


if __name__ == "__main__":
    world.main()
