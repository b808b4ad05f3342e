#!/usr/bin/env python3
"""Alerts as whoever stands behind alerts.url sees them: what is told and when, that it is told once and that it is over, that
nothing private is in it, and that a receiver which is down hears of it later."""

import http.server
import json
import re
import threading
import unittest

import world
from world import PATIENCE, World, call


class Receiver:
    """A web server that keeps what is posted to it. `answers` are the statuses of the first posts; then 204."""

    def __init__(self, answers=()):
        self.bodies, self.types, self.answers = [], [], list(answers)
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.bodies.append(body.decode("utf-8"))
                receiver.types.append((self.path, self.headers["Content-Type"], self.headers.get("Authorization")))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        self.url = "http://127.0.0.1:%d/hook" % self.server.server_address[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def alerts(self, kind=None):
        return [alert for alert in map(json.loads, list(self.bodies)) if kind in (None, alert["alert"])]


class AlertsTest(unittest.TestCase):
    def world(self, receiver, calls=(), knobs=None, **alerts):
        return World(calls, settings={"alerts": {"url": receiver.url, **alerts}}, knobs=knobs)

    def wait_for(self, local, receiver, kind, count=1, timeout=60 * PATIENCE):
        local.wait_until(lambda: len(receiver.alerts(kind)) >= count, "'%s' was told: %s" % (kind, receiver.bodies), timeout)
        return receiver.alerts(kind)

    def assert_harmless(self, local, receiver):
        """Neither secrets nor whom it was about, in any body."""
        names = ("EXOTEL_API_KEY", "EXOTEL_API_TOKEN", "DEEPGRAM_API_KEY", "OPENAI_API_KEY", "ZOHO_DESK_CLIENT_SECRET",
                 "ZOHO_DESK_REFRESH_TOKEN")
        secrets = [local.services.env()[name] for name in names]
        self.assertTrue(receiver.bodies)
        for body in receiver.bodies:
            for secret in secrets:
                self.assertNotIn(secret, body)
            self.assertNotRegex(body, r"555010\d{3}|invoice|@")
            alert = json.loads(body)
            self.assertLessEqual(set(alert), {"alert", "at", "subject", "text", "count"})
            self.assertRegex(alert["at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
        self.assertEqual({(path, kind, authorization) for path, kind, authorization in receiver.types},
                         {("/hook", "application/json", None)})

    def test_a_revoked_token_is_told_once_with_what_to_do(self):
        with Receiver() as receiver, self.world(receiver, [call(number) for number in range(1, 6)]) as local:
            local.control("/accounts/revoke", {"refresh_tokens": True})
            engine = local.start()
            told = self.wait_for(local, receiver, "revoked")
            self.assertEqual(told[0]["subject"], "zoho_desk")
            self.assertIn("switchboard login", told[0]["text"])
            local.wait_until(lambda: len(local.query("SELECT 1 FROM record")) == 5, "all calls are known")
            engine.wait_for_log("alert=revoked")
            self.assertEqual(engine.stop().code, 0)
            self.assertEqual(len(receiver.alerts("revoked")), 1, receiver.bodies)
            self.assert_harmless(local, receiver)

    def test_a_breaker_that_stays_open_is_told_and_so_is_its_end(self):
        calls = [call(number) for number in range(1, 4)]
        with Receiver() as receiver, self.world(receiver, calls, breaker_open="3s") as local:
            local.fault("desk", "status", status=503)
            engine = local.start()
            told = self.wait_for(local, receiver, "breaker_open")
            self.assertEqual(told[0]["subject"], "zoho_desk")
            self.assertTrue(told[0]["text"])
            local.no_faults()
            self.assertEqual([alert["subject"] for alert in self.wait_for(local, receiver, "recovered")], ["zoho_desk"])
            local.wait_until(lambda: local.states() == {"done": 3}, "the tickets are made after all")
            self.assertEqual(engine.stop().code, 0)
            self.assertEqual([alert["alert"] for alert in receiver.alerts()], ["breaker_open", "recovered"])
            self.assertEqual(local.faults_of_delivery([each["sid"] for each in calls]), [])
            self.assert_harmless(local, receiver)

    def test_a_short_disturbance_is_not_told(self):
        with Receiver() as receiver, self.world(receiver, [call(1)]) as local:
            local.fault("desk", "status", status=503, count=2)
            local.fault("exotel", "status", status=500, count=1)
            ended = local.run_once()
            self.assertEqual(ended.code, 0, ended)
            self.assertEqual(receiver.bodies, [])

    def test_a_silent_source_is_told_and_so_is_its_end(self):
        with Receiver() as receiver, self.world(receiver, [call(1)], source_silent="1s") as local:
            local.fault("exotel", "status", status=500)
            engine = local.start()
            self.assertEqual(self.wait_for(local, receiver, "source_silent")[0]["subject"], "exotel")
            local.no_faults()
            self.wait_for(local, receiver, "recovered")
            local.wait_until(lambda: local.states() == {"done": 1}, "the call has its ticket")
            self.assertEqual(engine.stop().code, 0)
            self.assertEqual(len(receiver.alerts("source_silent")), 1)
            self.assert_harmless(local, receiver)

    def test_dead_letters_are_told_when_there_are_too_many(self):
        with Receiver() as receiver, self.world(receiver, [call(1), call(2)], dead_letters=3) as local:
            refusal = {"errorCode": "INVALID_DATA", "message": "The data is invalid due to validation restrictions"}
            local.fault("desk", "status", status=422, body=refusal, method="POST", path="*/tickets")
            engine = local.start()
            local.wait_until(lambda: local.states() == {"dead": 2}, "two are dead letters")
            self.assertEqual(receiver.bodies, [])
            local.add_calls(call(3), call(4), call(5))
            told = self.wait_for(local, receiver, "dead_letter")
            self.assertEqual(told[0]["count"], 3)
            self.assertRegex(told[0]["subject"], r"^examplecall\d{21}$")
            self.assertTrue(told[0]["text"])
            local.wait_until(lambda: local.states() == {"dead": 5}, "five are dead letters")
            self.assertEqual(engine.stop().code, 0)
            self.assertEqual(len(receiver.alerts()), 1, receiver.bodies)
            self.assert_harmless(local, receiver)

    def test_a_receiver_that_fails_hears_of_it_later(self):
        with Receiver(answers=[500, 302]) as receiver, self.world(receiver, [call(1)]) as local:
            local.control("/accounts/revoke", {"refresh_tokens": True})
            engine = local.start()
            told = self.wait_for(local, receiver, "revoked", count=3)
            self.assertEqual(told[0], told[2])
            self.assertEqual(len(re.findall("alert not delivered", engine.log())), 2)
            self.assertEqual(engine.stop().code, 0)
            self.assertEqual(len(receiver.bodies), 3)

    def test_a_receiver_that_is_down_holds_nothing_up(self):
        port = world.free_port()
        receiver_url = {"url": "http://127.0.0.1:%d/hook" % port, "dead_letters": 1}
        with World([call(1), call(2)], settings={"alerts": receiver_url}) as local:
            local.fault("desk", "status", status=422, body={"errorCode": "INVALID_DATA"}, method="POST", path="*/tickets", count=1)
            engine = local.start()
            local.wait_until(lambda: local.states() == {"dead": 1, "done": 1}, "both calls have ended")
            engine.wait_for_log("alert not delivered")
            self.assertEqual(engine.stop().code, 0)


if __name__ == "__main__":
    world.main()
