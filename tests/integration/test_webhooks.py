#!/usr/bin/env python3
"""Sources that are told, over real sockets: a call is answered with 2xx when what it brought is safe, and never before; the
same call twice makes one ticket; whoever may not speak, or speaks wrongly, is told so; a handler that breaks its contract
harms nobody else. The plugin is a third party's, built here against the public headers alone."""

import concurrent.futures
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import world
from world import PATIENCE, ROOT, World, quote

TOKEN, SIGNING_KEY = "demo-hook-token", "demo-signing-key"
PLUGINS = None


def setUpModule():
    global PLUGINS
    PLUGINS = pathlib.Path(tempfile.mkdtemp(prefix="switchboard-plugins-"))
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-I", str(ROOT / "include"), "-o",
                    str(PLUGINS / "hooks.so"), str(ROOT / "tests" / "integration" / "plugins" / "hooks.c")], check=True, timeout=120)


def tearDownModule():
    shutil.rmtree(PLUGINS)


def conversation(number):
    return {"id": "examplehook%021d" % number, "from": "0555010%04d" % number, "text": "My invoice %d is wrong." % number}


class Reply:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()
        is_json = self.headers["Content-Type"] == "application/json"
        self.json = json.loads(self.body) if is_json and self.body else None

    def __repr__(self):
        return "%d %s" % (self.status, self.body)


class HookWorld(World):
    """A world whose only source is told."""

    def write_conf(self):
        settings = {**self.settings, "plugin_dir": str(PLUGINS)}
        lines = ["%s = %s" % (name, quote(value)) for name, value in settings.items()]
        lines.append('pipelines = { told = { source = "hooks" stages = [ "keyword" ] sinks = [ "zoho_desk" ] } }')
        lines.append("hooks = %s" % quote({"token": TOKEN, "signing_key": SIGNING_KEY}))
        for name in ("keyword", "zoho_desk"):
            lines.append("%s = %s" % (name, quote(self.blocks[name])))
        path = self.folder / "engine.conf"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def listening(self, **environment):
        """An engine that listens; its port."""
        engine = self.start(**environment)
        found = engine.wait_for_log(r'listening for webhooks"? host=\S+ port=(\d+)')
        return engine, int(found.group(1))


def send(port, method="POST", path="/hooks/calls", body=None, headers=None, token=TOKEN, timeout=20 * PATIENCE):
    """One call on a connection of its own. A dict becomes JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    given = {"Authorization": "Bearer " + token} if token else {}
    try:
        connection.request(method, path, json.dumps(body) if isinstance(body, dict) else body, {**given, **(headers or {})})
        return Reply(connection.getresponse())
    finally:
        connection.close()


class WebhookTest(unittest.TestCase):
    def assert_status(self, reply, status):
        self.assertEqual(reply.status, status, reply)

    def assert_ends_well(self, ended):
        self.assertEqual(ended.code, 0, ended)

    def assert_tickets(self, local, numbers):
        sids = [conversation(number)["id"] for number in numbers]
        per_call = local.report()["services"]["desk"]["tickets_per_call"]
        self.assertEqual(per_call, {sid: 1 for sid in sids})

    # ---- the good case

    def test_a_call_becomes_a_ticket(self):
        with HookWorld() as local:
            engine, port = local.listening()
            reply = send(port, body=conversation(1))
            self.assert_status(reply, 202)
            self.assertEqual(reply.json, {"accepted": conversation(1)["id"]})
            self.assertEqual(reply.headers["X-Accepted"], conversation(1)["id"])
            self.assertEqual(reply.headers["Content-Type"], "application/json")
            local.wait_until(lambda: local.states().get("done") == 1, "the record is done")
            self.assert_ends_well(engine.stop())
            self.assert_tickets(local, [1])
            self.assertNotIn(TOKEN, engine.log())

    def test_many_calls_at_once_each_become_one_ticket(self):
        with HookWorld() as local:
            engine, port = local.listening()
            numbers = list(range(1, 41))
            with concurrent.futures.ThreadPoolExecutor(20) as pool:
                replies = list(pool.map(lambda number: send(port, body=conversation(number)).status, numbers + numbers))
            self.assertEqual(set(replies), {202})
            local.wait_until(lambda: local.states() == {"done": 40}, "all records are done")
            self.assert_ends_well(engine.stop())
            self.assert_tickets(local, numbers)

    def test_the_same_id_again_makes_no_second_ticket(self):
        with HookWorld() as local:
            engine, port = local.listening()
            self.assert_status(send(port, body=conversation(1)), 202)
            self.assert_status(send(port, body=conversation(1)), 202)
            local.wait_until(lambda: local.states().get("done") == 1, "the record is done")
            self.assert_status(send(port, body=conversation(1)), 202)
            engine.kill()
            engine, port = local.listening()
            self.assert_status(send(port, body=conversation(1)), 202)
            self.assert_status(send(port, body=conversation(2)), 202)
            local.wait_until(lambda: local.states() == {"done": 2}, "both records are done")
            self.assert_ends_well(engine.stop())
            self.assert_tickets(local, [1, 2])

    # ---- safe before the answer

    def test_what_was_answered_survives_a_kill(self):
        with HookWorld() as local:
            local.knobs("desk", latency_ms=400)
            for number in range(1, 6):
                engine, port = local.listening()
                self.assert_status(send(port, body=conversation(number)), 202)
                engine.kill()
                self.assertEqual(local.query("SELECT count(*) FROM record")[0][0], number)
            local.knobs("desk", latency_ms=0)
            ended = local.run_once()
            self.assertEqual(ended.code, 0, ended)
            self.assert_tickets(local, range(1, 6))

    def test_no_answer_leaves_before_the_commit(self):
        """The process dies at one sync after the other: whatever was answered is there, and sent again it is made once."""
        unanswered = answered = 0
        with HookWorld() as local:
            local.listening()[0].kill()  # there is a journal: what is synced from now on is what calls bring
            for number in range(1, 13):
                try:
                    engine, port = local.listening(**local.crash_environment(CRASH_AT="sync:%d:before" % number))
                except AssertionError:
                    continue  # it died while it started
                try:
                    is_answered = send(port, body=conversation(number)).status == 202
                except (OSError, http.client.HTTPException):
                    is_answered = False
                engine.kill()
                known = local.query("SELECT count(*) FROM identity WHERE external_id = ?", conversation(number)["id"])[0][0]
                if is_answered:
                    self.assertEqual(known, 1, "answered and lost, with a crash at sync %d" % number)
                answered += is_answered
                unanswered += not is_answered
                engine, port = local.listening()
                self.assert_status(send(port, body=conversation(number)), 202)
                sid = conversation(number)["id"]
                local.wait_until(lambda: local.report()["services"]["desk"]["tickets_per_call"].get(sid), "the ticket is made")
                engine.kill()
            self.assertGreater(unanswered, 0, "no crash came before an answer")
            self.assertGreater(answered, 0, "no crash came after an answer")
            self.assert_ends_well(local.run_once())
            per_call = local.report()["services"]["desk"]["tickets_per_call"]
            self.assertEqual(set(per_call.values()), {1}, per_call)
            self.assertEqual(len(per_call), answered + unanswered)

    # ---- who may speak, and how

    def test_a_wrong_or_missing_token_is_refused(self):
        with HookWorld() as local:
            engine, port = local.listening()
            for token in (None, "", "demo-hook-toke", TOKEN + "x", SIGNING_KEY):
                self.assert_status(send(port, body=conversation(1), token=token), 401)
            self.assert_status(send(port, body=conversation(1), token=None, headers={"Authorization": "Basic " + TOKEN}), 401)
            self.assert_status(send(port, body=conversation(1), token=None, headers={"authorization": "bearer " + TOKEN}), 202)
            self.assert_ends_well(engine.stop())
            self.assertEqual(local.query("SELECT count(*) FROM record")[0][0], 1)

    def test_a_signature_must_be_that_of_the_body(self):
        body = json.dumps(conversation(1)).encode()
        good = hmac.new(SIGNING_KEY.encode(), body, hashlib.sha256).hexdigest()
        with HookWorld() as local:
            engine, port = local.listening()

            def signed(signature, content=body):
                headers = {"X-Signature": signature} if signature is not None else {}
                return send(port, path="/hooks/signed", body=content, headers=headers, token=None).status

            wrong = hmac.new(b"another key", body, hashlib.sha256).hexdigest()
            for signature in (None, "", "sha256=", wrong, good[:-1], good + "0", "sha1=" + good):
                self.assertEqual(signed(signature), 401, signature)
            self.assertEqual(signed(good, body + b" "), 401)
            self.assertEqual(signed(good), 202)
            self.assertEqual(signed("sha256=" + good.upper()), 202)
            self.assert_ends_well(engine.stop())
            self.assertEqual(local.query("SELECT count(*) FROM record")[0][0], 1)

    def test_wrong_places_and_methods_are_named(self):
        with HookWorld() as local:
            engine, port = local.listening()
            for path in ("/", "/hooks", "/hooks/calls/", "/hooks/calls/1/2", "/metrics", "/healthz", "/retry"):
                self.assert_status(send(port, path=path, body=conversation(1)), 404)
            reply = send(port, "PUT", body=conversation(1))
            self.assert_status(reply, 405)
            self.assertEqual(reply.headers["Allow"], "POST")
            self.assert_status(send(port, "POST", "/hooks/calls/17", conversation(1)), 405)
            reply = send(port, "GET", "/hooks/calls/a%20b?note=c%26d")
            self.assert_status(reply, 200)
            self.assertEqual(reply.json, {"id": "a b", "note": "c&d"})
            self.assert_ends_well(engine.stop())

    def test_wrong_bodies_are_refused(self):
        with HookWorld() as local:
            engine, port = local.listening()
            for body in ("", "{", "[]", '{"id": 1}', '{"id":"a","from":"b"}', b"\xff\xfe", "{" * 5000):
                self.assert_status(send(port, body=body), 400)
            self.assertEqual(local.query("SELECT count(*) FROM record")[0][0], 0)
            self.assert_ends_well(engine.stop())

    def test_large_bodies_are_refused_by_their_route_and_by_the_server(self):
        with HookWorld() as local:
            engine, port = local.listening()
            large = {**conversation(1), "text": "x" * 1000}
            content = json.dumps(large).encode()
            signature = hmac.new(SIGNING_KEY.encode(), content, hashlib.sha256).hexdigest()
            self.assert_status(send(port, path="/hooks/signed", body=content, headers={"X-Signature": signature}), 413)
            self.assert_status(send(port, body=large), 202)
            try:
                self.assert_status(send(port, body={**large, "text": "x" * 1100000}), 413)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it was refused from its head, while it was still being sent
            self.assert_status(send(port, body=conversation(2)), 202)
            self.assert_ends_well(engine.stop())
            self.assertEqual(local.query("SELECT count(*) FROM record")[0][0], 2)

    # ---- too much, and the end

    def test_a_full_engine_asks_to_come_back_later(self):
        with HookWorld(settings={"max_in_flight": 1}) as local:
            local.fault("desk", "status", status=503)
            engine, port = local.listening()
            replies = [send(port, body=conversation(number)) for number in range(1, 31)]
            self.assertEqual({reply.status for reply in replies}, {202, 429})
            refused = [reply for reply in replies if reply.status == 429]
            self.assertTrue(all(int(reply.headers["Retry-After"]) > 0 for reply in refused))
            accepted = [number for number, reply in zip(range(1, 31), replies) if reply.status == 202]
            self.assertEqual(local.query("SELECT count(*) FROM record")[0][0], len(accepted))
            engine.kill()
            local.no_faults()
            engine, port = local.listening()
            local.wait_until(lambda: local.states() == {"done": len(accepted)}, "what was accepted is done")
            late = next(number for number in range(1, 31) if number not in accepted)
            self.assert_status(send(port, body=conversation(late)), 202)
            local.wait_until(lambda: local.states() == {"done": len(accepted) + 1}, "the late one is done")
            self.assert_ends_well(engine.stop())
            self.assert_tickets(local, accepted + [late])

    def test_a_stopping_engine_takes_nothing_new(self):
        with HookWorld() as local:
            local.blocks["zoho_desk"]["timeout"] = "20s"
            local.fault("desk", "latency", latency_ms=2500, method="POST", path="*/tickets", nth=1)
            engine, port = local.listening()
            self.assert_status(send(port, body=conversation(1)), 202)
            local.wait_until(lambda: local.requests("desk", method="POST", path="*/tickets"), "the ticket is being created")
            engine.process.terminate()
            engine.wait_for_log("msg=stopping|msg=\"stopping")
            reply = send(port, body=conversation(2))
            self.assert_status(reply, 503)
            self.assertGreater(int(reply.headers["Retry-After"]), 0)
            self.assert_ends_well(engine.wait(30 * PATIENCE))
            self.assert_ends_well(local.run_once())
            self.assert_tickets(local, [1])

    # ---- handlers that fail

    def test_a_handler_that_breaks_its_contract_is_a_500_and_emits_nothing(self):
        with HookWorld() as local:
            engine, port = local.listening()
            for path in ("/hooks/careless", "/hooks/confused"):
                reply = send(port, path=path, body=conversation(1))
                self.assert_status(reply, 500)
                self.assertNotIn(conversation(1)["from"].encode(), reply.body)
            self.assertEqual(local.query("SELECT count(*) FROM record")[0][0], 0)
            engine.wait_for_log("webhook handler failed")
            self.assert_status(send(port, body=conversation(1)), 202)
            local.wait_until(lambda: local.states() == {"done": 1}, "the engine goes on")
            self.assert_ends_well(engine.stop())
            self.assert_tickets(local, [1])

    def test_a_handler_that_cannot_now_is_a_503_and_emits_nothing(self):
        with HookWorld() as local:
            engine, port = local.listening()
            self.assert_status(send(port, path="/hooks/later", body=conversation(1)), 503)
            self.assertEqual(local.query("SELECT count(*) FROM record")[0][0], 0)
            self.assert_ends_well(engine.stop())


if __name__ == "__main__":
    world.require_programs()
    unittest.main(verbosity=2)
