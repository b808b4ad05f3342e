#!/usr/bin/env python3
"""Escalations over real sockets: kept before they are answered, one ticket for each id whatever happens, answers that say how
one stands, callers who may not, and the server's own TLS."""

import concurrent.futures
import json
import socket
import ssl
import subprocess
import time

import world
from escalation_case import EscalationCase
from escalation_world import BLOCK, TOKEN, AgentWorld, Reply, escalation, send, signature
from world import PATIENCE, ROOT

WEB, WEB_NEXT, APP = "web-token-00000001", "web-token-00000002", "app-token-00000001"
KEY, NEXT_KEY = "demo-signing-key-0001", "demo-signing-key-0002"


class TakingTest(EscalationCase):
    def test_an_escalation_is_kept_and_becomes_one_ticket(self):
        with AgentWorld() as local:
            engine, port = local.listening()
            reply = send(port, body=escalation(1))
            self.assert_status(reply, 202)
            self.assertEqual(reply.headers["Location"], "/v1/escalations/esc-0001")
            self.assertEqual((reply.json["id"], reply.json["status"], reply.json["state"]), ("esc-0001", "accepted", "active"))
            local.wait_until(lambda: local.states() == {"done": 1}, "the record is done")
            found = send(port, "GET", reply.headers["Location"])
            self.assert_status(found, 200)
            ticket = local.tickets_of("esc-0001")[0]
            self.assertEqual(found.json["status"], "ticket_created")
            self.assertEqual((found.json["ticket"]["number"], found.json["ticket"]["url"]), (ticket["ticketNumber"], ticket["webUrl"]))
            self.assertIn(ticket["ticketNumber"], found.json["user_message"])
            self.assertTrue(ticket["subject"].endswith("%s]" % reply.json["reference"]), ticket["subject"])
            self.assert_ends_well(engine.stop())
            self.assertNotIn(TOKEN, engine.log())
            self.assertNotIn("asha1@example.com", engine.log())

    def test_the_record_holds_what_was_sent(self):
        with AgentWorld() as local:
            engine, port = local.listening()
            self.assert_status(send(port, body=escalation(1)), 202)
            held = local.sections("esc-0001")
            given = escalation(1)
            self.assertEqual(held["escalation"]["summary"], given["summary"])
            self.assertEqual((held["escalation"]["reason_code"], held["escalation"]["reason"]),
                             (given["reason"]["code"], given["reason"]["text"]))
            self.assertEqual((held["escalation"]["agent"], held["escalation"]["priority"]), ("agent", "High"))
            self.assertEqual(held["escalation"]["metadata"], {"order": "1"})
            self.assertEqual(held["escalation"]["steps_tried"], given["steps_tried"])
            self.assertEqual(held["user"]["email"], given["user"]["email"])
            local.wait_until(lambda: local.sections("esc-0001")["user"].get("phone_e164") == "+915550100001",
                             "its first step adds the number in full")
            self.assertEqual([message["role"] for message in held["conversation"]["messages"]], ["user", "agent", "user"])
            self.assertEqual([message["content"] for message in held["conversation"]["messages"]],
                             [message["content"] for message in given["conversation"]])
            self.assert_ends_well(engine.stop())

    def test_an_operator_sees_all_of_it(self):
        with AgentWorld() as local:
            engine, port = local.listening()
            self.assert_status(send(port, path="/v1/escalations?wait=20s", body=escalation(1)), 201)
            shown = local.verb("show", "esc-0001").stdout
            for line in ("agent         agent", "summary       Charged twice for order 1 and wants one payment back.",
                         "because       billing_dispute: The user disputes a charge.", "tried         Looked up the payments: two of the same amount",
                         "e-mail        asha1@example.com", "2026-03-10 14:28:11  user   I was charged twice for order 1."):
                self.assertIn(line, shown)
            self.assert_ends_well(engine.stop())

    def test_the_same_again_is_answered_the_same_and_makes_no_second_ticket(self):
        with AgentWorld() as local:
            engine, port = local.listening()
            first = send(port, body=escalation(1))
            # Neither the order of members nor white space makes it another one.
            turned = json.dumps(dict(reversed(list(escalation(1).items()))), indent=3)
            again = send(port, body=turned)
            self.assertEqual((again.status, again.json["reference"]), (202, first.json["reference"]))
            local.wait_until(lambda: local.states() == {"done": 1}, "the record is done")
            for _ in range(3):
                again = send(port, body=escalation(1))
                self.assertEqual((again.status, again.json["reference"]), (202, first.json["reference"]))
            engine.kill()
            engine, port = local.listening()
            again = send(port, body=escalation(1))
            self.assertEqual((again.status, again.json["status"]), (202, "ticket_created"))
            waited = send(port, path="/v1/escalations?wait=10s", body=escalation(1))
            self.assertEqual((waited.status, waited.json["ticket"]), (201, again.json["ticket"]))
            self.assert_ends_well(engine.stop())
            self.assertEqual(len(local.tickets()), 1)

    def test_fifty_of_the_same_at_once_make_one_ticket(self):
        with AgentWorld() as local:
            engine, port = local.listening()
            with concurrent.futures.ThreadPoolExecutor(50) as pool:
                replies = list(pool.map(lambda _: send(port, body=escalation(1)), range(50)))
            self.assertEqual({(reply.status, reply.json["reference"]) for reply in replies},
                             {(202, replies[0].json["reference"])})
            self.assertEqual(local.query("SELECT count(*) FROM record")[0][0], 1)
            local.wait_until(lambda: local.states() == {"done": 1}, "the record is done")
            self.assert_ends_well(engine.stop())
            self.assertEqual(len(local.tickets()), 1)

    def test_the_same_id_with_another_content_is_a_conflict_that_says_what_differs(self):
        with AgentWorld() as local:
            engine, port = local.listening()
            self.assert_status(send(port, body=escalation(1)), 202)
            cases = [({"summary": "Something else."}, ["/summary"]),
                     ({"user": {"id": "user-0009"}, "priority": None}, ["/priority", "/user"]),
                     ({"conversation": []}, ["/conversation"])]
            for changes, differs in cases:
                reply = send(port, body=escalation(1, **changes))
                self.assert_status(reply, 409)
                self.assertEqual(sorted(reply.json["error"]["differs"]), differs)
                self.assertEqual(reply.json["error"]["id"], "esc-0001")
            local.wait_until(lambda: local.states() == {"done": 1}, "the record is done")
            self.assertEqual(local.tickets_of("esc-0001")[0]["subject"].split(" - ")[0], escalation(1)["summary"])
            self.assert_ends_well(engine.stop())

    def test_two_agents_with_the_same_id_are_two_conversations(self):
        with AgentWorld(agent={"tokens": ["web:" + WEB, "app:" + APP]}) as local:
            engine, port = local.listening()
            replies = [send(port, body=escalation(1, summary="From %s" % token), token=token) for token in (WEB, APP)]
            self.assertEqual([reply.status for reply in replies], [202, 202])
            self.assertNotEqual(replies[0].json["reference"], replies[1].json["reference"])
            self.assert_status(send(port, body=escalation(2), token=WEB), 202)
            self.assert_status(send(port, "GET", "/v1/escalations/esc-0002", token=APP), 404)
            self.assert_status(send(port, "GET", "/v1/escalations/esc-0002", token=WEB), 200)
            local.wait_until(lambda: local.states() == {"done": 3}, "the records are done")
            self.assert_ends_well(engine.stop())
            self.assertEqual(len(local.tickets_of("esc-0001")), 2)

    def test_what_was_answered_survives_a_kill(self):
        with AgentWorld() as local:
            local.knobs("desk", latency_ms=400)
            for number in range(1, 6):
                engine, port = local.listening()
                self.assert_status(send(port, body=escalation(number)), 202)
                engine.kill()
                self.assertEqual(local.query("SELECT count(*) FROM record")[0][0], number)
            local.knobs("desk", latency_ms=0)
            engine, port = local.listening()
            local.wait_until(lambda: local.states() == {"done": 5}, "all records are done")
            for number in range(1, 6):
                self.assertEqual(send(port, body=escalation(number)).json["status"], "ticket_created")
            self.assert_ends_well(engine.stop())
            self.assert_one_ticket(local, *[escalation(number)["id"] for number in range(1, 6)])

    def test_no_answer_leaves_before_the_commit(self):
        answered = unanswered = 0
        with AgentWorld() as local:
            local.listening()[0].kill()  # there is a journal: what is synced from now on is what calls bring
            for number in range(1, 13):
                try:
                    engine, port = local.listening(**local.crash_environment(CRASH_AT="sync:%d:before" % number))
                except AssertionError:
                    continue  # it died while it started
                try:
                    is_answered = send(port, body=escalation(number)).status == 202
                except (OSError, world.http.client.HTTPException):
                    is_answered = False
                engine.kill()
                known = local.query("SELECT count(*) FROM identity WHERE external_id = ?", escalation(number)["id"])[0][0]
                if is_answered:
                    self.assertEqual(known, 1, "answered and lost, with a crash at sync %d" % number)
                answered += is_answered
                unanswered += not is_answered
                engine, port = local.listening()
                self.assert_status(send(port, path="/v1/escalations?wait=30s", body=escalation(number)), 201)
                engine.kill()
                self.assert_one_ticket(local, escalation(number)["id"])
            self.assertGreater(unanswered, 0, "no crash came before an answer")
            self.assertGreater(answered, 0, "no crash came after an answer")


class WaitingTest(EscalationCase):
    def test_a_call_that_waits_gets_the_ticket(self):
        with AgentWorld() as local:
            local.knobs("desk", latency_ms=100)
            engine, port = local.listening()
            for number, path, headers in ((1, "/v1/escalations?wait=20s", {}), (2, "/v1/escalations", {"Prefer": "respond-async, wait=20"}),
                                          (3, "/v1/escalations?wait=20000ms", {}), (4, "/v1/escalations?wait=20", {})):
                reply = send(port, path=path, body=escalation(number), headers=headers)
                self.assert_status(reply, 201)
                ticket = local.tickets_of(escalation(number)["id"])[0]
                self.assertEqual(reply.json["status"], "ticket_created")
                self.assertEqual(reply.json["ticket"]["number"], ticket["ticketNumber"])
                self.assertEqual(reply.json["ticket"]["url"], ticket["webUrl"])
                self.assertIn(ticket["ticketNumber"], reply.json["user_message"])
                self.assertEqual(reply.headers["Preference-Applied"], "wait=20" if headers else None)
            self.assert_ends_well(engine.stop())

    def test_the_text_for_the_user_is_in_the_users_language(self):
        with AgentWorld() as local:
            engine, port = local.listening()
            user = {**escalation(1)["user"], "locale": "hi-IN"}
            hindi = send(port, path="/v1/escalations?wait=20s", body=escalation(1, user=user))
            english = send(port, path="/v1/escalations?wait=20s", body=escalation(2))
            self.assertNotEqual(hindi.json["user_message"].replace(hindi.json["ticket"]["number"], ""),
                                english.json["user_message"].replace(english.json["ticket"]["number"], ""))
            self.assert_ends_well(engine.stop())

    def test_a_wait_that_is_too_short_is_answered_without_the_ticket(self):
        with AgentWorld() as local:
            local.refuse("desk", 60)
            engine, port = local.listening()
            began = time.monotonic()
            reply = send(port, path="/v1/escalations?wait=1s", body=escalation(1))
            self.assert_status(reply, 202)
            self.assertEqual(reply.json["status"], "accepted")
            self.assertGreaterEqual(time.monotonic() - began, 1)
            self.assert_status(send(port, "GET", "/v1/escalations/esc-0001?wait=1s"), 200)
            for wait in ("", "x", "-1", "1h", "1.5", "10s%20"):
                self.assert_status(send(port, path="/v1/escalations?wait=" + wait, body=escalation(2)), 400)
            self.assertEqual(local.query("SELECT count(*) FROM record")[0][0], 1)
            self.assert_ends_well(engine.stop())

    def test_a_wait_is_no_longer_than_the_option_allows(self):
        with AgentWorld(agent={"wait_max": "1s"}) as local:
            local.refuse("desk", 60)
            engine, port = local.listening()
            began = time.monotonic()
            self.assert_status(send(port, path="/v1/escalations?wait=999999", body=escalation(1)), 202)
            self.assertLess(time.monotonic() - began, 8 * PATIENCE)
            self.assert_ends_well(engine.stop())

    def test_who_goes_away_waits_no_longer(self):
        with AgentWorld() as local:
            local.refuse("desk", 120)
            engine, port = local.listening()
            body = json.dumps(escalation(1)).encode()
            head = ("POST /v1/escalations?wait=30s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
                    "Content-Length: %d\r\n\r\n" % (TOKEN, len(body))).encode()
            sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
            for each in sockets:
                each.sendall(head + body)
            local.wait_until(lambda: local.waiting_calls(engine) == 20, "twenty calls wait")
            for each in sockets:
                each.close()
            local.wait_until(lambda: local.waiting_calls(engine) == 0, "nobody waits", timeout=10 * PATIENCE)
            self.assert_status(send(port, "GET", "/v1/escalations/esc-0001"), 200)
            self.assert_ends_well(engine.stop())

    def test_no_more_than_256_calls_wait_at_once(self):
        with AgentWorld(agent={"rate_per_caller": "unlimited"}) as local:
            local.refuse("desk", 120)
            engine, port = local.listening()
            self.assert_status(send(port, body=escalation(1)), 202)
            ask = "GET /v1/escalations/esc-0001?wait=30s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n" % TOKEN
            sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(256)]
            for each in sockets:
                each.sendall(ask.encode())
            local.wait_until(lambda: local.waiting_calls(engine) == 256, "256 calls wait")
            began = time.monotonic()
            self.assert_status(send(port, "GET", "/v1/escalations/esc-0001?wait=30s"), 200)
            self.assertLess(time.monotonic() - began, 20)
            self.assertEqual(local.waiting_calls(engine), 256)
            for each in sockets:
                each.close()
            self.assert_ends_well(engine.stop())

    def test_a_stop_answers_those_who_wait(self):
        with AgentWorld() as local:
            local.refuse("desk", 120)
            engine, port = local.listening()
            with concurrent.futures.ThreadPoolExecutor(5) as pool:
                calls = [pool.submit(send, port, path="/v1/escalations?wait=30s", body=escalation(number)) for number in range(1, 6)]
                local.wait_until(lambda: local.waiting_calls(engine) == 5, "five calls wait")
                self.assert_ends_well(engine.stop())
                self.assertEqual({call.result().status for call in calls}, {202})

    def test_an_escalation_that_cannot_be_delivered_says_so(self):
        with AgentWorld() as local:
            local.fault("desk", "status", status=422, method="POST", path="*/tickets")
            engine, port = local.listening()
            reply = send(port, path="/v1/escalations?wait=20s", body=escalation(1))
            self.assert_status(reply, 202)
            self.assertEqual((reply.json["status"], reply.json["state"]), ("failed", "dead"))
            found = send(port, "GET", "/v1/escalations/esc-0001")
            self.assertEqual((found.json["status"], found.json["state"]), ("failed", "dead"))
            self.assertTrue(found.json["why"])
            self.assertNotIn("ticket", found.json)
            local.no_faults()
            self.assertEqual(local.verb("retry", "esc-0001").returncode, 0)
            found = send(port, "GET", "/v1/escalations/esc-0001?wait=20s")
            self.assertEqual(found.json["status"], "ticket_created")
            self.assert_ends_well(engine.stop())
            self.assert_one_ticket(local, "esc-0001")

    def test_what_was_known_and_is_gone_is_said_to_be_expired(self):
        with AgentWorld() as local:
            engine, port = local.listening()
            self.assert_status(send(port, path="/v1/escalations?wait=20s", body=escalation(1)), 201)
            local.wait_until(lambda: local.states() == {"done": 1}, "the record is done")
            engine.kill()
            journal = world.sqlite3.connect(local.data / "journal.db")
            with journal:
                journal.execute("UPDATE identity SET record_id = NULL")
            journal.close()
            engine, port = local.listening()
            for reply in (send(port, body=escalation(1, summary="Whatever.")), send(port, "GET", "/v1/escalations/esc-0001")):
                self.assert_status(reply, 200)
                self.assertEqual((reply.json["status"], reply.json["state"]), ("expired", "expired"))
            self.assert_ends_well(engine.stop())
            self.assertEqual(len(local.tickets()), 1)


class CallerTest(EscalationCase):
    def test_wrong_credentials_are_refused_without_a_hint(self):
        with AgentWorld(agent={"tokens": ["web:" + WEB]}) as local:
            engine, port = local.listening()
            bodies = set()
            for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer " + WEB[:-1]}, {"Authorization": "Bearer web:" + WEB},
                            {"Authorization": "Basic " + WEB}, {"Authorization": "Bearer " + WEB + " x"}, {"Authorization": WEB}):
                for method, path, body in (("POST", "/v1/escalations", escalation(1)), ("GET", "/v1/escalations/esc-0001", None),
                                           ("POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "ping"}),
                                           ("POST", "/v1/escalations/from/chat", {})):
                    reply = send(port, method, path, body, headers=headers, token=None)
                    self.assert_status(reply, 401)
                    self.assertEqual(reply.headers["WWW-Authenticate"], "Bearer")
                    bodies.add(reply.body)
            self.assertEqual(len(bodies), 1)
            self.assert_status(send(port, body=escalation(1), headers={"authorization": "bearer " + WEB}, token=None), 202)
            self.assert_ends_well(engine.stop())
            self.assertEqual(engine.log().count("calls refused"), 1, "a flood of refusals fills the log")

    def test_a_token_is_replaced_without_a_gap(self):
        with AgentWorld(agent={"tokens": "web:%s,web:%s" % (WEB, WEB_NEXT)}) as local:
            engine, port = local.listening()
            first = send(port, body=escalation(1), token=WEB)
            again = send(port, body=escalation(1), token=WEB_NEXT)
            self.assertEqual((first.status, again.status, first.json["reference"]), (202, 202, again.json["reference"]))
            engine.kill()
            local.agent["tokens"] = ["web:" + WEB_NEXT]
            engine, port = local.listening()
            self.assert_status(send(port, body=escalation(1), token=WEB), 401)
            self.assert_status(send(port, body=escalation(1), token=WEB_NEXT), 202)
            self.assert_ends_well(engine.stop())
            self.assertEqual(local.query("SELECT count(*) FROM record")[0][0], 1)

    def test_tokens_that_are_weak_are_refused_at_the_start(self):
        for tokens, want in (([WEB, "web:short"], "the secret of 'web' is too short"), (["web:"], "the secret of 'web' is too short"),
                             (["web:" + WEB, "app:" + WEB], "'web' and 'app' have the same secret"), ([], "required option 'tokens' is"),
                             ([""], "required option 'tokens' is")):
            with AgentWorld(agent={"tokens": tokens}) as local:
                done = local.verb("check")
                self.assertEqual(done.returncode, 1, tokens)
                self.assertIn(want, done.stderr)
                self.assertNotIn(WEB, done.stdout + done.stderr)

    def test_a_signature_must_fit_body_and_time(self):
        body = json.dumps(escalation(1)).encode()
        now = int(time.time())
        with AgentWorld(agent={"hmac_secret": [KEY, NEXT_KEY], "replay_window": "60s"}) as local:
            engine, port = local.listening()
            good = signature(KEY, body)
            refused = [{}, {**good, "X-Switchboard-Timestamp": None}, {**good, "X-Switchboard-Signature": None},
                       signature("another-key-000001", body), signature(KEY, body + b" "), signature(KEY, body, now - 3600),
                       signature(KEY, body, now + 3600), {**good, "X-Switchboard-Timestamp": str(now - 1)},
                       {**good, "X-Switchboard-Timestamp": "soon"}, {**good, "X-Switchboard-Timestamp": "9" * 30},
                       {**good, "X-Switchboard-Signature": good["X-Switchboard-Signature"][:-1]},
                       {**good, "X-Switchboard-Signature": good["X-Switchboard-Signature"].replace("sha256", "sha1")}]
            for headers in refused:
                reply = send(port, body=body, headers=headers)
                self.assertEqual((reply.status, reply.json["error"]["code"]), (401, "unauthorized"), headers)
            self.assert_status(send(port, body=body, headers=good, token=None), 401)
            self.assertEqual(local.query("SELECT count(*) FROM record")[0][0], 0)
            self.assert_status(send(port, body=body, headers=good), 202)
            self.assert_status(send(port, body=body, headers=signature(NEXT_KEY, body, now - 30)), 202)
            self.assert_status(send(port, "GET", "/v1/escalations/esc-0001"), 401)
            self.assert_status(send(port, "GET", "/v1/escalations/esc-0001", headers=signature(KEY, None)), 200)
            self.assert_ends_well(engine.stop())

    def test_a_caller_who_calls_too_often_is_told_when_to_come_back(self):
        with AgentWorld(agent={"tokens": ["web:" + WEB, "app:" + APP], "rate_per_caller": "5/min"}) as local:
            engine, port = local.listening()
            replies = [send(port, "GET", "/v1/escalations/none", token=WEB) for _ in range(7)]
            self.assertEqual([reply.status for reply in replies], [404] * 5 + [429] * 2)
            for reply in replies[5:]:
                self.assertTrue(0 < int(reply.headers["Retry-After"]) <= 12, reply.headers["Retry-After"])
                self.assertEqual(reply.json["error"]["code"], "too_many_calls")
            self.assert_status(send(port, "GET", "/v1/escalations/none", token=APP), 404)
            self.assert_ends_well(engine.stop())

    def test_a_full_engine_asks_to_come_back_later(self):
        with AgentWorld(settings={"max_in_flight": 1}) as local:
            local.refuse("desk", 60)
            engine, port = local.listening()
            replies = [send(port, body=escalation(number)) for number in range(1, 31)]
            self.assertEqual({reply.status for reply in replies}, {202, 429})
            refused = [reply for reply in replies if reply.status == 429]
            self.assertTrue(all(int(reply.headers["Retry-After"]) > 0 and reply.json["error"]["code"] == "full" for reply in refused))
            self.assert_status(send(port, "GET", "/v1/escalations/esc-0001"), 200)
            self.assert_status(send(port, body={"id": "x"}), 422)
            engine.kill()


class TlsTest(EscalationCase):
    def test_the_server_speaks_tls_with_its_own_certificate(self):
        with AgentWorld() as local:
            key, cert = local.folder / "key.pem", local.folder / "cert.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert,
                            "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True, timeout=60)
            local.settings.update(listen_tls_cert=str(cert))
            done = local.verb("check")
            self.assertEqual(done.returncode, 1)
            self.assertIn("'listen_tls_cert' and 'listen_tls_key' belong together", done.stderr)
            local.settings.update(listen_tls_key=str(key))
            engine, port = local.listening()
            trust = ssl.create_default_context(cafile=cert)
            connection = world.http.client.HTTPSConnection("localhost", port, timeout=20 * PATIENCE, context=trust)
            connection.request("POST", "/v1/escalations?wait=20s", json.dumps(escalation(1)),
                               {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"})
            self.assert_status(Reply(connection.getresponse()), 201)
            connection.close()
            with self.assertRaises((OSError, world.http.client.HTTPException)):
                send(port, body=escalation(2), timeout=5 * PATIENCE)
            self.assert_ends_well(engine.stop())


if __name__ == "__main__":
    assert BLOCK["adapter"].startswith(str(ROOT))
    world.main()
