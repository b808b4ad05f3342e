#!/usr/bin/env python3
"""The agent is told about its ticket: once for each, signed, through outages and kill -9; that it is late, and of the ticket
when it comes; and nobody is told whom the operator did not name, or who is at home. The source is a third party's, built
here against the public headers alone; what was told is what the receiver says."""

import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import world
from world import PATIENCE, ROOT, World, quote

PLUGINS = None
DELAYED_AFTER = 2 * PATIENCE  # seconds; what is not to be late must have its ticket by then


def setUpModule():
    global PLUGINS
    PLUGINS = pathlib.Path(tempfile.mkdtemp(prefix="switchboard-plugins-"))
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-I", str(ROOT / "include"), "-o",
                    str(PLUGINS / "handoff.so"), str(ROOT / "tests" / "integration" / "plugins" / "handoff.c")], check=True, timeout=120)


def tearDownModule():
    shutil.rmtree(PLUGINS)


def name(number):
    return "examplehandoff%018d" % number


class CallbackWorld(World):
    """A world whose source is told, and whose second sink tells. `callback` are options of that."""

    def __init__(self, callback=None, **arguments):
        super().__init__(**arguments)
        self.callback = {"hosts": "${CALLBACK_HOSTS}", "secret": "${CALLBACK_SECRET}", "allow_private": True, "timeout": "2s",
                         "delayed_after": "10m", **(callback or {})}

    def write_conf(self):
        settings = {**self.settings, "plugin_dir": str(PLUGINS)}
        lines = ["%s = %s" % (name, quote(value)) for name, value in settings.items()]
        lines.append('pipelines = { handoffs = { source = "handoff" stages = [ "keyword" ] sinks = [ "zoho_desk", "callback" ] } }')
        for block in ("keyword", "zoho_desk"):
            lines.append("%s = %s" % (block, quote(self.blocks[block])))
        lines.append("callback = %s" % quote({key: value for key, value in self.callback.items() if value is not None}))
        path = self.folder / "engine.conf"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def listening(self, **environment):
        engine = self.start(**environment)
        found = engine.wait_for_log(r'listening for webhooks"? host=\S+ port=(\d+)')
        return engine, int(found.group(1))

    def url(self, path="/tickets"):
        return self.services.urls["callback"] + path

    def hand_over(self, port, number, url=True, **more):
        body = {"id": name(number), "user": "user-%d" % number, "phone": "0555010%04d" % number,
                "summary": "My invoice %d is wrong." % number, "callback_url": self.url() if url is True else url, **more}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20 * PATIENCE)
        try:
            connection.request("POST", "/handoffs", json.dumps(body))
            reply = connection.getresponse()
            text = reply.read()
            if reply.status != 202:
                raise AssertionError("%d %s" % (reply.status, text))
        finally:
            connection.close()

    # ---- what was told

    def told(self, event="ticket.created"):
        """What the receiver saw of one kind, by escalation."""
        events = self.report()["services"]["callback"]["events"]
        return {seen["body"]["escalation_id"]: seen for seen in events.values() if seen["body"]["event"] == event}

    def accepted(self, event="ticket.created"):
        return {escalation for escalation, seen in self.told(event).items() if seen["accepted"]}

    def wait_for_told(self, *numbers, event="ticket.created", timeout=60 * PATIENCE):
        names = {name(number) for number in numbers}
        self.wait_until(lambda: names <= self.accepted(event), "%s is told of %s" % (event, sorted(names)), timeout)

    def wait_for_ended(self, count, timeout=60 * PATIENCE):
        """Until so many records have ended, notices included; the states of all."""
        self.wait_until(lambda: self.states().get("active", 0) == 0 and sum(self.states().values()) == count,
                        "%d records have ended" % count, timeout)
        return self.states()

    def problems(self, number):
        rows = self.query("SELECT s.doc FROM section s JOIN identity i ON i.record_id = s.record_id"
                          " WHERE i.external_id = ? AND s.name = 'problems'", name(number))
        return [problem["reason"] for problem in json.loads(rows[0][0])] if rows else []


class CallbackTest(unittest.TestCase):
    def assert_once(self, local, *numbers, event="ticket.created"):
        """Each was taken once, and one ticket made of it; nothing that the receiver would not believe."""
        told = local.told(event)
        self.assertEqual(set(told), {name(number) for number in numbers})
        for seen in told.values():
            self.assertEqual(seen["accepted"], 1, seen)
        report = local.report()
        self.assertEqual(report["violations_total"], 0, report["violations"][:3])
        self.assertEqual(report["services"]["callback"]["refused"], 0)

    def assert_tickets(self, local, *numbers):
        per_call = local.report()["services"]["desk"]["tickets_per_call"]
        self.assertEqual(per_call, {name(number): 1 for number in numbers})

    # ---- the good case

    def test_each_is_told_once_of_its_ticket(self):
        numbers = range(1, 7)
        with CallbackWorld() as local:
            engine, port = local.listening()
            for number in numbers:
                local.hand_over(port, number)
            local.wait_for_told(*numbers)
            self.assertEqual(local.wait_for_ended(len(numbers)), {"done": len(numbers)})
            self.assertEqual(engine.stop().code, 0)
            self.assert_once(local, *numbers)
            self.assert_tickets(local, *numbers)
            tickets = {ticket["ticketNumber"]: ticket for ticket in local.tickets()}
            for number, seen in ((number, local.told()[name(number)]) for number in numbers):
                body = seen["body"]
                self.assertEqual((seen["attempts"], seen["path"]), (1, "/tickets"))
                ticket = tickets[body["ticket_number"]]
                self.assertIn(body["reference"], ticket["subject"])
                self.assertEqual(body["ticket_url"], ticket["webUrl"])
                self.assertEqual((body["user_id"], body["sequence"], body["attached"]), ("user-%d" % number, 2, False))
                self.assertIn(body["ticket_number"], body["message"])
                self.assertEqual(body["id"], body["reference"] + ".ticket.created")
                self.assertEqual(local.problems(number), [])

    def test_the_fixed_address_is_told_when_the_conversation_names_none(self):
        with CallbackWorld({"url": "${CALLBACK_URL}", "hosts": None}) as local:
            engine, port = local.listening()
            local.hand_over(port, 1, url=None)
            local.hand_over(port, 2, url=local.url("/of/its/own"))
            local.wait_for_told(1, 2)
            self.assertEqual(engine.stop().code, 0)
            self.assertEqual(local.told()[name(1)]["path"], "/tickets")
            self.assertEqual(local.told()[name(2)]["path"], "/of/its/own")

    def test_without_an_address_nobody_is_told(self):
        with CallbackWorld() as local:
            engine, port = local.listening()
            local.hand_over(port, 1, url=None)
            self.assertEqual(local.wait_for_ended(1), {"done": 1})
            self.assertEqual(engine.stop().code, 0)
            self.assertEqual((local.told(), local.problems(1)), ({}, []))
            self.assert_tickets(local, 1)

    def test_the_message_is_in_the_users_language(self):
        script = ROOT / "tests" / "plugins" / "callback" / "messages.lua"
        with CallbackWorld({"messages": str(script)}) as local:
            _, port = local.listening()
            local.hand_over(port, 1, locale="hi")
            local.hand_over(port, 2, locale="en-IN")
            local.wait_for_told(1, 2)
            told = local.told()
            self.assertEqual(told[name(1)]["body"]["message"], "आपका अनुरोध टिकट %s है।" % told[name(1)]["body"]["ticket_number"])
            self.assertIn(" ticket ", told[name(2)]["body"]["message"])

    def start_receiver(self):
        """The receiver of docs/ESCALATIONS.md, as it stands there; the process and its port."""
        page = (ROOT / "docs" / "ESCALATIONS.md").read_text(encoding="utf-8")
        text = re.search(r"^```python\n(# receiver\.py.*?)^```$", page, re.M | re.S).group(1)
        env = {"PATH": os.environ["PATH"], "CALLBACK_SECRET": "demo-callback-secret-000000000001", "PORT": "0"}
        process = subprocess.Popen([sys.executable, "-c", text], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, int(process.stdout.readline().split()[-1])

    def test_the_receiver_of_the_manual_understands(self):
        process, at = self.start_receiver()
        with CallbackWorld({"hosts": ["127.0.0.1:%d" % at]}) as local:
            engine, port = local.listening()
            local.hand_over(port, 1, url="http://127.0.0.1:%d/tickets" % at)
            self.assertEqual(local.wait_for_ended(1), {"done": 1})
            self.assertEqual(engine.stop().code, 0)
            self.assertEqual(local.problems(1), [])
            said = process.stdout.readline()
            self.assertTrue(said.startswith("ticket.created %s " % name(1)), said)
        with CallbackWorld({"hosts": ["127.0.0.1:%d" % at], "secret": "another"}) as local:
            _, port = local.listening()
            local.hand_over(port, 1, url="http://127.0.0.1:%d/tickets" % at)
            self.assertEqual(local.wait_for_ended(1), {"done": 1})
            self.assertIn("HTTP 401", local.problems(1)[0])

    # ---- outages

    def test_a_receiver_that_fails_is_told_again(self):
        with CallbackWorld() as local:
            local.fault("callback", "status", status=503, count=2)
            local.fault("callback", "read_then_reset", count=1)
            engine, port = local.listening()
            local.hand_over(port, 1)
            local.wait_for_told(1, timeout=120 * PATIENCE)
            self.assertEqual(local.wait_for_ended(1), {"done": 1})
            self.assertEqual(engine.stop().code, 0)
            self.assert_once(local, 1)
            self.assertEqual(local.problems(1), [])

    def test_a_lost_answer_is_a_repetition_with_the_same_key_and_body(self):
        with CallbackWorld() as local:
            local.fault("callback", "commit_then_reset", count=1)
            local.fault("callback", "commit_then_status", status=502, count=1)
            _, port = local.listening()
            local.hand_over(port, 1)
            self.assertEqual(local.wait_for_ended(1), {"done": 1})
            self.assert_once(local, 1)
            self.assertEqual(local.told()[name(1)]["repeats"], 2)

    def test_it_is_told_after_kill_9(self):
        with CallbackWorld() as local:
            local.knobs("callback", status=503)
            engine, port = local.listening()
            for number in (1, 2, 3):
                local.hand_over(port, number)
            local.wait_until(lambda: len(local.told()) == 3, "all three were tried")
            engine.kill()
            local.knobs("callback", status=200)
            engine, _ = local.listening()
            local.wait_for_told(1, 2, 3, timeout=120 * PATIENCE)
            self.assertEqual(local.wait_for_ended(3), {"done": 3})
            self.assertEqual(engine.stop().code, 0)
            self.assert_once(local, 1, 2, 3)
            self.assert_tickets(local, 1, 2, 3)

    # ---- what cannot be told

    def assert_given_up(self, callback, reason, attempts, url=True, **knobs):
        """The ticket is there and the record ends with a problem; a record that can be told is not held up by it."""
        with CallbackWorld(callback) as local:
            if knobs:
                local.knobs("callback", **knobs)
            engine, port = local.listening()
            local.hand_over(port, 1, url=url(local) if callable(url) else url)
            self.assertEqual(local.wait_for_ended(1), {"done": 1})
            self.assertEqual(engine.stop().code, 0)
            self.assert_tickets(local, 1)
            problems = local.problems(1)
            self.assertEqual(len(problems), 1, problems)
            self.assertIn(reason, problems[0])
            self.assertEqual(sum(seen["attempts"] for seen in local.told().values()), attempts)
            listed = local.verb("records", "--state", "incomplete", "--json")
            self.assertIn(name(1), listed.stdout, listed.stderr)
            self.assertEqual(local.report()["violations_total"], 0)

    def test_a_receiver_that_is_gone_is_given_up(self):
        self.assert_given_up({}, "the receiver refused it with HTTP 410", 1, status=410)

    def test_what_could_not_be_told_is_told_on_retry(self):
        with CallbackWorld() as local:
            local.knobs("callback", status=410)
            _, port = local.listening()
            local.hand_over(port, 1)
            self.assertEqual(local.wait_for_ended(1), {"done": 1})
            local.knobs("callback", status=200)
            done = local.verb("retry", name(1))
            self.assertEqual(done.returncode, 0, done.stderr)
            local.wait_for_told(1)
            self.assertEqual(local.wait_for_ended(1), {"done": 1})
            self.assert_once(local, 1)
            self.assert_tickets(local, 1)
            self.assertEqual(local.query("SELECT problems FROM record"), [(0,)])

    def test_a_redirect_is_not_followed(self):
        with CallbackWorld() as local:
            local.knobs("callback", status=307, location=local.url("/elsewhere"))
            _, port = local.listening()
            local.hand_over(port, 1)
            self.assertEqual(local.wait_for_ended(1), {"done": 1})
            self.assertEqual([row["path"] for row in local.requests("callback")], ["/tickets"])
            self.assertIn("redirects are not followed", local.problems(1)[0])

    def test_a_host_that_the_operator_did_not_name_is_refused(self):
        self.assert_given_up({"hosts": ["agent.example.com"]}, "its host is not among 'hosts'", 0)

    def test_an_address_at_home_is_refused(self):
        self.assert_given_up({"allow_private": False}, "does not begin with https://", 0)
        self.assert_given_up({"allow_private": False}, "has no address on the public internet", 0,
                             url=lambda local: local.url().replace("http://", "https://"))
        # localhost is a name, which is known to lead home only when it was resolved.
        self.assert_given_up({"allow_private": False, "hosts": ["localhost:9"]}, "has no address on the public internet", 0,
                             url="https://localhost:9/tickets")
        self.assert_given_up({"allow_private": False, "hosts": None, "url": "${CALLBACK_URL}"},
                             "has no address on the public internet", 0, url=None)

    # ---- late tickets

    def late_world(self, **callback):
        return CallbackWorld({"delayed_after": "%ds" % DELAYED_AFTER, **callback})

    def test_a_late_ticket_is_told_of_and_then_the_ticket(self):
        with self.late_world() as local:
            rule = local.fault("desk", "status", status=503)
            engine, port = local.listening()
            for number in (1, 2):
                local.hand_over(port, number)
            local.wait_for_told(1, 2, event="ticket.delayed")
            self.assertEqual(local.accepted(), set())
            self.assertIsNotNone(rule)
            local.no_faults()
            local.wait_for_told(1, 2, timeout=120 * PATIENCE)
            self.assertEqual(local.wait_for_ended(4), {"done": 4})
            self.assertEqual(engine.stop().code, 0)
            self.assert_once(local, 1, 2)
            self.assert_once(local, 1, 2, event="ticket.delayed")
            self.assert_tickets(local, 1, 2)
            for number in (1, 2):
                late, made = local.told("ticket.delayed")[name(number)]["body"], local.told()[name(number)]["body"]
                self.assertEqual((late["reference"], late["user_id"]), (made["reference"], made["user_id"]))
                self.assertLess(late["sequence"], made["sequence"])
                self.assertLessEqual(late["created_at"][:19], made["created_at"][:19])  # both may be in one second
                self.assertIsNone(late["ticket_number"])
                self.assertNotEqual(late["id"], made["id"])

    def test_what_is_in_time_is_not_called_late(self):
        with self.late_world() as local:
            engine, port = local.listening()
            local.hand_over(port, 1)
            local.wait_for_told(1)
            engine.wait_for_log("record ended")
            # Another one is late: so the watch has looked since the first was due.
            local.fault("desk", "status", status=503)
            local.hand_over(port, 2)
            local.wait_for_told(2, event="ticket.delayed")
            self.assertEqual(local.accepted("ticket.delayed"), {name(2)})

    def test_a_receiver_that_is_late_itself_is_not_told_of_a_delay(self):
        with self.late_world() as local:
            local.knobs("callback", status=503)
            engine, port = local.listening()
            local.hand_over(port, 1)
            local.wait_until(lambda: local.told(), "the ticket was tried to be told of")
            local.fault("desk", "status", status=503)
            local.hand_over(port, 2)  # is late, and so the watch has looked beyond the first
            local.wait_until(lambda: local.query("SELECT 1 FROM identity WHERE external_id = ?", name(2) + "#delayed"),
                             "the second is known to be late")
            self.assertEqual(local.query("SELECT 1 FROM identity WHERE external_id = ?", name(1) + "#delayed"), [])
            self.assertTrue(engine.is_running())

    def test_a_dead_letter_is_told_of_too(self):
        with self.late_world() as local:
            local.fault("desk", "status", method="POST", path="*/tickets", status=422,
                        body={"errorCode": "INVALID_DATA", "message": "no", "errors": []})
            engine, port = local.listening()
            local.hand_over(port, 1)
            local.wait_for_told(1, event="ticket.delayed")
            self.assertEqual(local.wait_for_ended(2), {"dead": 1, "done": 1})
            local.no_faults()
            local.verb("retry", name(1))
            local.wait_for_told(1, timeout=120 * PATIENCE)
            self.assertEqual(local.wait_for_ended(2), {"done": 2})
            self.assertEqual(engine.stop().code, 0)
            self.assert_once(local, 1)
            self.assert_once(local, 1, event="ticket.delayed")

    def test_a_delay_is_told_once_whatever_dies(self):
        with self.late_world() as local:
            local.fault("desk", "status", status=503)
            engine, port = local.listening()
            local.hand_over(port, 1)
            engine.kill()  # before it was late
            local.knobs("callback", status=503)
            engine, _ = local.listening()
            local.wait_until(lambda: local.told("ticket.delayed"), "the delay was tried to be told of")
            engine.kill()  # while it is being told
            local.knobs("callback", status=200)
            engine, _ = local.listening()
            local.wait_for_told(1, event="ticket.delayed", timeout=120 * PATIENCE)
            engine.kill()  # after it was told
            local.no_faults()
            engine, _ = local.listening()
            local.wait_for_told(1, timeout=120 * PATIENCE)
            self.assertEqual(local.wait_for_ended(2), {"done": 2})
            self.assertEqual(engine.stop().code, 0)
            self.assert_once(local, 1)
            self.assert_once(local, 1, event="ticket.delayed")
            self.assert_tickets(local, 1)

    def test_a_notice_that_the_ticket_overtook_is_dropped(self):
        with self.late_world() as local:
            local.fault("desk", "status", status=503)
            local.knobs("callback", status=425)  # not now; it is no failure that would open a breaker
            engine, port = local.listening()
            local.hand_over(port, 1)
            local.wait_until(lambda: local.told("ticket.delayed"), "the delay was tried to be told of")
            local.no_faults()
            local.wait_until(lambda: local.states().get("dropped"), "the notice is dropped", 120 * PATIENCE)
            local.knobs("callback", status=200)
            local.wait_for_told(1, timeout=120 * PATIENCE)
            self.assertEqual(local.wait_for_ended(2), {"done": 1, "dropped": 1})
            self.assertEqual(engine.stop().code, 0)
            self.assertEqual(local.accepted("ticket.delayed"), set())
            self.assert_once(local, 1)

    def test_never_is_never(self):
        with CallbackWorld({"delayed_after": "0s"}) as local:
            local.fault("desk", "status", status=503, count=3)
            engine, port = local.listening()
            local.hand_over(port, 1)
            local.wait_for_told(1, timeout=120 * PATIENCE)
            self.assertEqual(engine.stop().code, 0)
            self.assertEqual(local.query("SELECT count(*) FROM record"), [(1,)])


if __name__ == "__main__":
    setUpModule()  # once for all, which run side by side
    try:
        world.main(workers=4)
    finally:
        tearDownModule()
