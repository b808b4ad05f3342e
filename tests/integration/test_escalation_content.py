#!/usr/bin/env python3
"""What an escalation may hold: mistakes and limits that are told with their place, attachments, and what other platforms send."""

import base64
import http.server
import json
import socket
import threading

import world
from escalation_case import EscalationCase
from escalation_world import BLOCK, TOKEN, AgentWorld, escalation, send
from world import PATIENCE, ROOT


class Files:
    """A web server with files to attach: {path: (status, type, content)}."""

    def __init__(self, files):
        asked = self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, content_type, content = files.get(self.path, (404, "text/plain", b"no"))
                asked.append((self.path, self.headers.get("Authorization")))
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = "127.0.0.1:%d" % self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def url(self, path):
        return "http://%s%s" % (self.host, path)


class ContentTest(EscalationCase):
    def test_every_mistake_is_told_with_its_place(self):
        wrong = escalation(1, id="a b", summary="  ", priority="Highest", language="english!", callback_url="ftp://example.com/x",
                           user={"name": 7, "email": "asha@", "phone": "call me", "locale": "e"}, reason="because",
                           conversation=[{"role": "user", "content": "x", "at": "yesterday"}, {"content": "y"}, {"role": "bot", "content": []}, 3,
                                         {"role": "user", "attachments": [{"name": "../x"}, {"name": "a", "url": "https://example.com/a", "base64": "AAAA"},
                                                                          {"name": "b", "base64": "A A="}]}],
                           steps_tried={"what": "x"}, metadata=[], callbackUrl="x", other=1)
        with AgentWorld() as local:
            engine, port = local.listening()
            reply = send(port, body=wrong)
            self.assert_status(reply, 422)
            found = {each["pointer"]: each for each in reply.json["error"]["details"]}
            self.assertEqual(sorted(found), sorted([
                "/id", "/summary", "/priority", "/language", "/callback_url", "/user/id", "/user/name", "/user/email", "/user/phone",
                "/user/locale", "/reason", "/conversation/0/at", "/conversation/1/role", "/conversation/2/role", "/conversation/2/content",
                "/conversation/3", "/conversation/4/attachments/0/name", "/conversation/4/attachments/0", "/conversation/4/attachments/1",
                "/conversation/4/attachments/2/base64", "/steps_tried", "/metadata", "/callbackUrl", "/other"]))
            self.assertEqual(found["/callbackUrl"]["expected"], "callback_url")
            self.assertEqual(found["/priority"]["expected"], "one of low, medium, high, urgent")
            self.assertEqual(found["/user/id"]["message"], "is missing")
            self.assertIn("asha@example.com", found["/user/email"]["expected"])
            self.assertEqual(local.query("SELECT count(*) FROM record")[0][0], 0)
            self.assert_ends_well(engine.stop())

    def test_bodies_that_are_no_json_or_too_large_are_refused(self):
        with AgentWorld(agent={"body_max": "8k", "depth_max": 6, "messages_max": 3, "rate_per_caller": "unlimited"}) as local:
            engine, port = local.listening()
            for body in (b"", b"{", b'{"id":1,}', b"\xff\xfe", b'{"id":"a","id":"b"}'):
                self.assert_status(send(port, body=body), 400)
            for body in (b"[]", b'"x"', b"null", b"17"):
                reply = send(port, body=body)
                self.assertEqual((reply.status, reply.json["error"]["details"][0]["pointer"]), (422, ""), body)
            for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None):
                self.assert_status(send(port, body=json.dumps(escalation(1)), headers={"Content-Type": kind}), 415)
            large = escalation(1, summary="x" * 9000)
            try:
                self.assert_status(send(port, body=large), 413)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it was refused from its head, while it was still being sent
            deep = send(port, body=escalation(1, metadata={"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}))
            self.assertEqual((deep.status, deep.json["error"]["details"][0]["message"]), (422, "nests too deep"))
            many = send(port, body=escalation(1, conversation=[{"role": "user", "content": "x"}] * 4))
            self.assertEqual(many.json["error"]["details"], [{"pointer": "/conversation", "message": "has 4 items", "expected": "at most 3 items"}])
            for kind in ("application/json", "application/json; charset=utf-8", "Application/JSON", "application/vnd.agent+json"):
                self.assert_status(send(port, body=json.dumps(escalation(1)), headers={"Content-Type": kind}), 202)
            self.assert_ends_well(engine.stop())

    def test_a_large_body_of_a_stranger_is_not_even_read(self):
        with AgentWorld() as local:
            engine, port = local.listening()
            connection = socket.create_connection(("127.0.0.1", port))
            connection.settimeout(20 * PATIENCE)
            connection.sendall(b"POST /v1/escalations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4000000\r\n\r\n")
            self.assertIn(b" 401 ", connection.recv(4096))
            connection.close()
            self.assert_ends_well(engine.stop())

    def test_wrong_places_and_methods_are_named(self):
        with AgentWorld() as local:
            engine, port = local.listening()
            for method, path, allow in (("GET", "/mcp", "POST"), ("DELETE", "/mcp", "POST"), ("GET", "/v1/escalations", "POST"),
                                        ("PUT", "/v1/escalations/esc-1", "GET"), ("POST", "/openapi.json", "GET")):
                reply = send(port, method, path)
                self.assertEqual((reply.status, reply.headers["Allow"]), (405, allow), path)
            for path in ("/", "/v1", "/v1/escalations/", "/v1/escalations/a/b", "/metrics"):
                self.assert_status(send(port, "GET", path), 404)
            self.assert_ends_well(engine.stop())

    def test_unknown_members_go_into_the_metadata_where_that_is_wanted(self):
        with AgentWorld(agent={"unknown_keys": "metadata"}) as local:
            engine, port = local.listening()
            given = escalation(1, mood="angry", metadata={"order": "1", "mood": "kept"}, user={"id": "u", "nickname": "A"})
            given["conversation"][0]["model"] = {"name": "m"}
            self.assert_status(send(port, body=given), 202)
            self.assertEqual(local.sections("esc-0001")["escalation"]["metadata"],
                             {"order": "1", "mood": "kept", "user.nickname": "A", "conversation.0.model": {"name": "m"}})
            self.assert_ends_well(engine.stop())

    def test_attachments_are_fetched_from_allowed_hosts_and_those_that_fail_are_named(self):
        picture, page = b"\x89PNG not really" * 100, b"<p>gone</p>"
        with Files({"/a.png": (200, "image/png; x=y", picture), "/large": (200, "application/pdf", b"x" * 5000), "/gone": (410, "text/html", page), "/login.pdf": (200, "text/html", page)}) as files:
            with AgentWorld(agent={"attachment_hosts": [files.host], "attachment_max": "4k", "attachment_wait": "2s", "allow_private": True}) as local:
                engine, port = local.listening()
                conversation = [{"role": "user", "content": "See.", "attachments": [
                    {"name": "a.png", "url": files.url("/a.png")}, {"name": "gone.html", "url": files.url("/gone")},
                    {"name": "large.pdf", "url": files.url("/large")}, {"name": "in.txt", "content_type": "text/plain",
                                                                       "base64": base64.b64encode(b"hello").decode()},
                    {"name": "bill", "url": files.url("/login.pdf")}]}]
                reply = send(port, path="/v1/escalations?wait=30s", body=escalation(1, conversation=conversation))
                self.assert_status(reply, 201)
                local.wait_until(lambda: local.states() == {"done": 1}, "the record is done")
                held = local.sections("esc-0001")
                self.assertEqual(held["conversation"]["messages"][0]["attachments"], [0, 1, 2, 3, 4])
                a, gone, large, inside, login = held["attachments"]["items"]
                self.assertEqual((a["size"], a["content_type"]), (len(picture), "image/png"))
                self.assertEqual((local.data / "files" / a["file"]).read_bytes(), picture)
                self.assertEqual(gone["why"], "the server answered 410")
                self.assertEqual(login["why"], "the server answered with a web page instead of the file")
                notes = " ".join(note["content"] for note in local.tickets_of("esc-0001")[0]["comments"])
                self.assertIn("bill: the server answered with a web page instead of the file", notes)
                self.assertIn("why", large)
                self.assertNotIn("file", large)
                self.assertEqual((inside["size"], inside["base64"]), (5, "aGVsbG8="))
                self.assertNotIn(TOKEN, str(files.asked))
                elsewhere = [{"role": "user", "attachments": [{"name": "x", "url": "https://files.example.org/x"}]}]
                reply = send(port, body=escalation(2, conversation=elsewhere))
                self.assert_status(reply, 422)
                self.assertEqual(reply.json["error"]["details"][0]["pointer"], "/conversation/0/attachments/0/url")
                self.assert_ends_well(engine.stop())

    def test_an_allowed_host_that_is_at_home_is_not_asked(self):
        with Files({"/a.png": (200, "image/png", b"secret")}) as files:
            names = [files.host, files.host.replace("127.0.0.1", "localhost")]
            with AgentWorld(agent={"attachment_hosts": names, "attachment_wait": "20s"}) as local:
                engine, port = local.listening()
                conversation = [{"role": "user", "content": "See.", "attachments": [
                    {"name": "plain.png", "url": files.url("/a.png")},
                    {"name": "tls.png", "url": files.url("/a.png").replace("http://", "https://")},
                    # A name is known to lead home only once it was resolved.
                    {"name": "name.png", "url": "https://%s/a.png" % names[1]}]}]
                reply = send(port, path="/v1/escalations?wait=30s", body=escalation(1, conversation=conversation))
                self.assert_status(reply, 201)
                local.wait_until(lambda: local.states() == {"done": 1}, "the record is done")
                items = local.sections("esc-0001")["attachments"]["items"]
                self.assertEqual(len(items), 3)
                for item in items:
                    self.assertIn("has no address on the public internet", item["why"])
                    self.assertNotIn("file", item)
                self.assertEqual(files.asked, [])
                ticket, = local.tickets_of("esc-0001")
                self.assertIn("tls.png", " ".join(note["content"] for note in ticket["comments"]))
                self.assert_ends_well(engine.stop())

    def test_limits_of_attachments_are_told(self):
        with AgentWorld(agent={"inline_max": "10", "attachments_max": 2}) as local:
            engine, port = local.listening()
            one = {"name": "a", "base64": base64.b64encode(b"x" * 11).decode()}
            reply = send(port, body=escalation(1, conversation=[{"role": "user", "attachments": [one]}]))
            self.assertEqual(reply.json["error"]["details"], [{"pointer": "/conversation/0/attachments/0/base64", "message": "is too large",
                                                               "expected": "at most 10 bytes once decoded"}])
            small = {"name": "a", "base64": "aGVsbG8="}
            reply = send(port, body=escalation(1, conversation=[{"role": "user", "attachments": [small, small]}, {"role": "user", "attachments": [small]}]))
            self.assertEqual(reply.json["error"]["details"], [{"pointer": "/conversation", "message": "has 3 attachments", "expected": "at most 2"}])
            self.assert_ends_well(engine.stop())


class AdapterTest(EscalationCase):
    def test_what_other_platforms_send_becomes_an_escalation(self):
        flat = {"session_id": "s-1", "customer": {"external_id": 17, "full_name": "Asha Rao", "email": "asha@example.com"},
                "handoff_reason": "user_request", "summary": "Wants a human.", "language": "en", "urgency": "urgent", "variables": {"plan": "gold"},
                "transcript": [{"speaker": "customer", "text": "Human, please.", "timestamp": "2026-03-10T09:00:00Z"}, {"speaker": "bot", "text": "One moment."}]}
        chat = {"event": "conversation.escalated", "data": {
            "conversation_id": "c-1", "contact": {"id": "u-2", "crm_id": "crm-2"}, "escalation": {"reason": "No rights.", "summary": "Refund wanted."},
            "messages": [{"role": "user", "content": "Refund!"}, {"role": "assistant", "content": "I may not."}, {"role": "function", "content": "{}"}],
            "actions": [{"name": "refund", "outcome": "not allowed"}]}}
        with AgentWorld() as local:
            engine, port = local.listening()
            self.assert_status(send(port, path="/v1/escalations/from/handoff?wait=20s", body=flat), 201)
            self.assert_status(send(port, path="/v1/escalations/from/chat", body=chat), 202)
            self.assert_status(send(port, path="/v1/escalations/from/chat", body=chat), 202)
            held = local.sections("s-1")
            self.assertEqual((held["user"]["id"], held["escalation"]["priority"], held["escalation"]["metadata"]), ("17", "High", {"plan": "gold"}))
            self.assertEqual([message["role"] for message in held["conversation"]["messages"]], ["user", "agent"])
            held = local.sections("c-1")
            self.assertEqual((held["user"]["crm_contact_id"], held["escalation"]["reason"]), ("crm-2", "No rights."))
            self.assertEqual([message["role"] for message in held["conversation"]["messages"]], ["user", "agent", "tool"])
            self.assertEqual(held["escalation"]["steps_tried"], [{"what": "refund", "result": "not allowed"}])
            reply = send(port, path="/v1/escalations/from/chat", body={**chat, "event": "changed"})
            self.assertEqual((reply.status, reply.json["error"]["differs"]), (409, ["/reason"]))
            reply = send(port, path="/v1/escalations/from/elsewhere", body=flat)
            self.assertEqual((reply.status, reply.json["error"]["code"]), (422, "not_an_escalation"))
            self.assertIn("elsewhere", reply.json["error"]["message"])
            reply = send(port, path="/v1/escalations/from/handoff", body={"session_id": "s-2"})
            self.assertEqual({each["pointer"] for each in reply.json["error"]["details"]}, {"/user", "/summary"})
            local.wait_until(lambda: local.states() == {"done": 2}, "the records are done")
            self.assert_ends_well(engine.stop())

    def test_a_script_that_fails_is_a_500_and_is_logged(self):
        with AgentWorld() as local:
            script = local.folder / "broken.lua"
            script.write_text("function escalation(payload, call)\n  if call.headers['x-fail'] then return payload.a.b.c end\n  return 7\nend\n")
            local.agent["adapter"] = str(script)
            engine, port = local.listening()
            reply = send(port, path="/v1/escalations/from/any", body={"id": 1}, headers={"X-Fail": "yes"})
            self.assertEqual((reply.status, reply.json["error"]["code"]), (500, "internal_error"))
            self.assertNotIn("lua", reply.body.decode())
            engine.wait_for_log("webhook handler failed.*broken.lua:2")
            self.assert_status(send(port, path="/v1/escalations/from/any", body={"id": 1}), 422)
            self.assert_status(send(port, path="/v1/escalations/from/any", body=[]), 422)
            self.assert_status(send(port, body=escalation(1)), 202)
            self.assert_ends_well(engine.stop())

    def test_without_a_script_there_is_no_adapter(self):
        with AgentWorld() as local:
            del local.agent["adapter"]
            engine, port = local.listening()
            self.assert_status(send(port, path="/v1/escalations/from/chat", body={}), 404)
            self.assert_ends_well(engine.stop())


if __name__ == "__main__":
    assert BLOCK["adapter"].startswith(str(ROOT))
    world.main()
