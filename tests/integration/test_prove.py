#!/usr/bin/env python3
"""Proof as an operator sees it: `prove` for one conversation and for all, `records --state unknown` with its evidence, the
decisions `retry --adopt` and `--send-again`, and the later look that finds a second ticket."""

import json
import sqlite3
import unittest

import world
from world import PATIENCE, World, call

# Nothing that looks for tickets gets an answer, so that an unknown outcome stays unknown.
LOOKS = ("/api/v1/contacts/*/tickets", "/api/v1/tickets/search")


class ProofCase(unittest.TestCase):
    def done(self, w, *arguments, code=0):
        done = w.verb(*arguments)
        self.assertEqual(done.returncode, code, done)
        return done.stdout

    def json(self, w, *arguments, code=0):
        return json.loads(self.done(w, *arguments, "--json", code=code))

    def meddle(self, w, sql):
        journal = sqlite3.connect(str(w.data / "journal.db"), timeout=10)
        with journal:
            journal.executescript(sql)
        journal.close()

    def delivered(self, w, count):
        w.wait_until(lambda: w.states() == {"done": count}, "%d are done: %s" % (count, w.states()), 60 * PATIENCE)

    def ticket_ids(self, w):
        return [ticket["id"] for ticket in w.tickets()]


class ProveTest(ProofCase):
    def test_what_was_delivered_is_proven_with_every_digest(self):
        with World([call(1), call(2)]) as w:
            self.assertEqual(w.run_once().code, 0)
            text = self.done(w, "prove")
            for words in ("2 done", "zoho_desk.create_ticket: 2 done", "no outcome was ever unknown", "whole: ",
                          "Proven: each of 2 conversations"):
                self.assertIn(words, text)
            proof = self.json(w, "prove", "1")
            self.assertTrue(proof["proven"])
            self.assertRegex(proof["verdict"], r"^Proven: this conversation has one ticket, #\d+, id \d+, made by the request")
            record = proof["record"]
            self.assertIn(record["ticket"]["id"], self.ticket_ids(w))
            self.assertEqual(len(record["notes"]), 1)
            self.assertTrue(record["contact"]["id"])
            intents = [row for row in record["timeline"] if row["kind"] == "intent"]
            self.assertEqual([row["state"] for row in intents], ["done"] * 3)
            self.assertEqual([row.get("made") for row in intents[1:]], [record["ticket"]["id"], record["notes"][0]])
            for row in intents:
                self.assertRegex(row["request_digest"], "^[0-9a-f]{64}$")
            for row in record["timeline"]:
                self.assertRegex(row["digest"], "^[0-9a-f]{64}$")
            text = self.done(w, "prove", record["external_id"])
            for words in ("What happened", "intent done", "request " + intents[1]["request_digest"][:12],
                          "made " + record["ticket"]["id"], "At the helpdesk", "Proven: "):
                self.assertIn(words, text)

    def test_a_changed_journal_is_told_with_the_record(self):
        rows = [("UPDATE outcome SET text = 'nothing happened' WHERE record_id = 2 AND step = 'create_ticket'",
                 "record 2: the outcome 'ok' of zoho_desk.create_ticket was changed"),
                ("UPDATE intent SET made = '1' WHERE record_id = 2 AND step = 'create_ticket'",
                 "record 2: the intent of zoho_desk.create_ticket was changed"),
                ("DELETE FROM outcome WHERE record_id = 2 AND step = 'create_ticket'", "was removed")]
        for sql, words in rows:
            with self.subTest(sql=sql), World([call(1), call(2)]) as w:
                self.assertEqual(w.run_once().code, 0)
                self.meddle(w, sql)
                text = self.done(w, "prove", code=1)
                self.assertIn(words, text)
                self.assertIn("hash chain    BROKEN", text)
                self.assertIn("Not proven: the journal does not fit its hash chain", text)
                if "DELETE" not in sql:
                    self.assertIn("Not proven: 1 row of this record", self.done(w, "prove", "2", code=1))
                self.done(w, "prove", "1")

    def test_a_backup_and_what_is_restored_from_it_are_whole(self):
        with World([call(1)]) as w:
            self.assertEqual(w.run_once().code, 0)
            before = self.json(w, "prove")["chain"]
            self.done(w, "backup", str(w.folder / "copy.db"))
            self.done(w, "restore", str(w.folder / "copy.db"))
            after = self.json(w, "prove")["chain"]
            self.assertEqual(before["end"], after["end"])
            w.add_calls(call(2))
            self.assertEqual(w.run_once().code, 0)
            chain = self.json(w, "prove")["chain"]
            self.assertTrue(chain["is_whole"])
            self.assertGreater(chain["links"], after["links"])

    def test_a_conversation_without_a_ticket_says_why(self):
        with World([call(1)], stages=["keyword"], zoho_desk={"enabled": "false"}) as w:
            self.assertEqual(w.run_once().code, 0)
            self.assertIn("has no ticket, its sinks are switched off", self.done(w, "prove", "1"))

    def test_a_request_that_arrives_too_late_is_found_and_told(self):
        """The helpdesk takes longer than the time limit, the settle time and the retake together: nobody can know before.
        What can be known later is."""
        with World([call(1)]) as w:
            w.fault("desk", "delay_then_commit", method="POST", path="/api/v1/tickets", nth=1, latency_ms=3000 * PATIENCE + 1000)
            w.extra_env["ZOHO_DESK_SETTLE"] = "%ds" % (2 * PATIENCE)
            engine = w.start()
            self.delivered(w, 1)
            engine.wait_for_log("created twice", 60 * PATIENCE)
            self.assertRegex(engine.log(), "alert=doubled")
            first, second = sorted(self.ticket_ids(w))
            w.wait_until(lambda: w.query("SELECT count(*) FROM doubled")[0][0] == 1, "the double is kept")
            text = self.done(w, "prove", code=1)
            self.assertIn("DOUBLED", text)
            self.assertIn("Not proven: 1 thing was created twice", text)
            proof = self.json(w, "prove", "1", code=1)
            self.assertEqual(sorted([proof["doubled"][0]["made"]] + proof["doubled"][0]["others"]), [first, second])
            self.assertIn("doubled", self.done(w, "show", "1"))
            self.assertTrue(proof["chain"]["is_whole"])


class UnknownTest(ProofCase):
    """An outcome that nobody can find out, and an operator who knows."""

    def unknown(self, w, action):
        w.extra_env["ZOHO_DESK_SETTLE"] = "20m"
        for path in LOOKS:
            w.fault("desk", "status", status=500, method="GET", path=path)
        w.fault("desk", action, method="POST", path="/api/v1/tickets", nth=1)
        engine = w.start()
        engine.wait_for_log("outcome unknown", 60 * PATIENCE)
        w.wait_until(lambda: "unknown" in [row[2] for row in w.timeline()], "that is kept")
        return engine

    def test_the_evidence_is_shown_with_the_timers_of_the_engine(self):
        with World([call(1)]) as w:
            engine = self.unknown(w, "commit_then_reset")
            text = self.done(w, "records", "--state", "unknown")
            for words in ("zoho_desk.create_ticket", "NEXT LOOK", "SURE FROM", "--send-again"):
                self.assertIn(words, text)
            row = self.json(w, "records", "--state", "unknown")[0]["evidence"]
            self.assertGreater(row["next_ms"], row["sent_ms"])
            self.assertGreaterEqual(row["certain_ms"] - row["sent_ms"], 19 * 60 * 1000)
            proof = self.json(w, "prove")
            self.assertEqual(proof["unknown"][0]["request_digest"], row["request_digest"])
            self.assertIn("Of 1 it is not known yet", proof["verdict"])
            self.assertIn("Not known yet: whether zoho_desk.create_ticket", self.done(w, "prove", "1"))
            engine.stop()
            self.assertIn("an engine has to run for that", self.done(w, "prove", "1"))

    def test_an_operator_names_the_ticket(self):
        with World([call(1)]) as w:
            engine = self.unknown(w, "commit_then_reset")
            ticket, = self.ticket_ids(w)
            self.assertIn("is not the id of a ticket", self.done(w, "retry", "1", "--adopt", "#103", code=1))
            self.assertIn("has no ticket with the id 424242", self.done(w, "retry", "1", "--adopt", "424242", code=1))
            self.assertEqual(w.states(), {"active": 1})
            self.assertIn("adopted", self.done(w, "retry", "1", "--adopt", ticket))
            self.delivered(w, 1)
            self.assertEqual(self.ticket_ids(w), [ticket])
            proof = self.json(w, "prove", "1")
            self.assertEqual(proof["record"]["ticket"]["id"], ticket)
            self.assertEqual(len(proof["record"]["notes"]), 1)
            self.assertIn("an operator has said that it is this one", proof["verdict"])
            engine.stop()

    def test_a_ticket_without_the_reference_is_taken_only_by_force(self):
        with World([call(1), call(2)]) as w:
            w.fault("desk", "status", status=500, method="GET", path=LOOKS[0])
            engine = self.unknown(w, "read_then_reset")
            w.wait_until(lambda: w.states().get("done") == 1, "the other one is done", 60 * PATIENCE)
            other, = self.ticket_ids(w)
            unknown = str(self.json(w, "records", "--state", "unknown")[0]["id"])
            self.assertIn("does not carry the reference", self.done(w, "retry", unknown, "--adopt", other, code=1))
            self.assertIn("adopted", self.done(w, "retry", unknown, "--adopt", other, "--force"))
            self.delivered(w, 2)
            self.assertEqual(self.ticket_ids(w), [other])
            engine.stop()

    def test_an_operator_has_it_sent_again(self):
        with World([call(1)]) as w:
            engine = self.unknown(w, "read_then_reset")
            answer = self.json(w, "retry", "1", "--send-again")
            self.assertEqual((answer["result"], answer["engine_runs"]), ("sent again by an operator", True))
            self.delivered(w, 1)
            self.assertEqual(len(self.ticket_ids(w)), 1)
            proof = self.json(w, "prove", "1")
            self.assertEqual(len(proof["sweeps"]), 1)
            self.assertRegex(proof["verdict"], "first asked for at .*an operator has said that an earlier request made nothing")
            engine.stop()

    def test_a_decision_without_an_engine_counts_at_the_next_start(self):
        for action, arguments in (("commit_then_reset", ["--adopt"]), ("read_then_reset", ["--send-again"])):
            with self.subTest(arguments=arguments), World([call(1)]) as w:
                self.unknown(w, action).stop()
                ticket = self.ticket_ids(w)
                self.assertIn("when 'switchboard run' is started", self.done(w, "retry", "1", *arguments, *ticket))
                w.start()
                self.delivered(w, 1)
                self.assertEqual(len(self.ticket_ids(w)), 1)
                self.assertTrue(self.json(w, "prove")["proven"])

    def test_what_is_not_unknown_is_refused(self):
        with World([call(1)]) as w:
            self.assertEqual(w.run_once().code, 0)
            for arguments in (["--send-again"], ["--adopt", "1"]):
                refused = w.verb("retry", "1", *arguments)
                self.assertEqual(refused.returncode, 1)
                self.assertIn("record 1 is not unknown", refused.stderr)
            engine = w.start()
            engine.wait_for_log("started")
            self.assertIn("record 1 is not unknown", w.verb("retry", "1", "--send-again").stderr)
            engine.stop()

    def test_wrong_usage_is_named(self):
        with World() as w:
            rows = [(["--all", "--adopt", "1"], "are for one record"), (["1", "--adopt", "1", "--send-again"], "exclude"),
                    (["1", "--force"], "--force goes with --adopt"), (["1", "--adopt", ""], "an id has 1 to 200 bytes")]
            for arguments, words in rows:
                done = w.verb("retry", *arguments)
                self.assertEqual(done.returncode, 2, done)
                self.assertIn(words, done.stderr)


if __name__ == "__main__":
    world.main()
