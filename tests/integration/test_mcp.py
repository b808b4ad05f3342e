#!/usr/bin/env python3
"""/mcp: the official SDK connects, finds the tools and calls them; what is wrong is told so that a model can mend it; and the
protocol's corners, by hand."""

import unittest

import clients
import world
from escalation_world import TOKEN, AgentWorld, escalation, send


def without_id(number):
    return escalation(number, id=None)


class SdkTest(unittest.TestCase):
    def drive(self, local, port, calls, token=TOKEN):
        return clients.run(local.folder, "mcp.mjs", "http://127.0.0.1:%d/mcp" % port, token,
                           cases=[{"name": name, "arguments": arguments} for name, arguments in calls])

    def test_an_agent_hands_a_conversation_over(self):
        with AgentWorld() as local:
            engine, port = local.listening()
            found = self.drive(local, port, [("escalate_to_human", without_id(1)), ("escalate_to_human", without_id(1)),
                                             ("escalate_to_human", {"user": {"id": "u-2"}, "summary": "It is broken."})])
            self.assertNotIn("failed", found)
            self.assertEqual((found["server"]["name"], found["protocol"]), ("switchboard", "2025-11-25"))
            self.assertIn("tools", found["capabilities"])
            self.assertIn("escalate_to_human", found["instructions"])
            self.assertEqual([tool["name"] for tool in found["tools"]], ["escalate_to_human", "get_escalation"])
            first, again, other = found["calls"]
            ticket = first["structuredContent"]["ticket"]
            self.assertFalse(first.get("isError"))
            self.assertIn(ticket["number"], first["content"][0]["text"])
            self.assertIn(first["structuredContent"]["user_message"], first["content"][0]["text"])
            self.assertEqual(again["structuredContent"]["ticket"], ticket)
            self.assertNotEqual(other["structuredContent"]["ticket"]["number"], ticket["number"])
            found = self.drive(local, port, [("get_escalation", {"id": first["structuredContent"]["id"]}), ("get_escalation", {"id": "none"})])
            self.assertEqual(found["calls"][0]["structuredContent"]["ticket"], ticket)
            self.assertTrue(found["calls"][1]["isError"])
            self.assertEqual(engine.stop().code, 0)
            self.assertEqual(len(local.tickets()), 2)

    def test_the_same_id_is_one_escalation_for_http_and_mcp(self):
        with AgentWorld() as local:
            engine, port = local.listening()
            self.assertEqual(send(port, path="/v1/escalations?wait=20s", body=escalation(1)).status, 201)
            found = self.drive(local, port, [("escalate_to_human", escalation(1)), ("escalate_to_human", escalation(1, summary="Other."))])
            self.assertEqual(found["calls"][0]["structuredContent"]["id"], "esc-0001")
            self.assertTrue(found["calls"][1]["isError"])
            self.assertIn('"/summary"', found["calls"][1]["content"][0]["text"])
            self.assertEqual(engine.stop().code, 0)
            self.assertEqual(len(local.tickets()), 1)

    def test_mistakes_are_told_so_that_a_model_can_mend_them(self):
        with AgentWorld() as local:
            engine, port = local.listening()
            found = self.drive(local, port, [("escalate_to_human", {"user": {"email": "x"}, "summary": 7}), ("get_escalation", {}), ("refund", {})])
            wrong, no_id, unknown = found["calls"]
            self.assertTrue(wrong["isError"])
            for part in ("/user/id", "/user/email", "/summary", "an e-mail address such as"):
                self.assertIn(part, wrong["content"][0]["text"])
            self.assertTrue(no_id["isError"])
            self.assertEqual(unknown["code"], -32602)
            self.assertEqual(engine.stop().code, 0)

    def test_without_the_right_token_there_is_no_connection(self):
        with AgentWorld() as local:
            engine, port = local.listening()
            self.assertIn("failed", self.drive(local, port, [], token="wrong-token-000001"))
            self.assertEqual(engine.stop().code, 0)

    def test_a_slow_ticket_is_asked_for_later(self):
        with AgentWorld(agent={"mcp_wait": "1s"}) as local:
            local.knobs("desk", latency_ms=3000)
            local.blocks["zoho_desk"]["timeout"] = "20s"
            engine, port = local.listening()
            call = self.drive(local, port, [("escalate_to_human", escalation(1))])["calls"][0]
            self.assertEqual(call["structuredContent"]["status"], "accepted")
            self.assertIn("get_escalation", call["content"][0]["text"])
            local.knobs("desk", latency_ms=0)
            local.wait_until(lambda: local.states() == {"done": 1}, "the record is done")
            call = self.drive(local, port, [("get_escalation", {"id": "esc-0001"})])["calls"][0]
            self.assertEqual(call["structuredContent"]["status"], "ticket_created")
            self.assertEqual(engine.stop().code, 0)


class ProtocolTest(unittest.TestCase):
    def test_messages_by_hand(self):
        def ask(method, number=1, **params):
            return {"jsonrpc": "2.0", "id": number, "method": method, **({"params": params} if params else {})}

        with AgentWorld(agent={"allowed_origins": ["https://app.example.com"]}) as local:
            engine, port = local.listening()

            def post(body, **headers):
                return send(port, path="/mcp", body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})

            for wanted, given in (("2025-06-18", "2025-06-18"), ("2025-03-26", "2025-03-26"), ("1999-01-01", "2025-11-25")):
                reply = post(ask("initialize", protocolVersion=wanted, capabilities={}, clientInfo={"name": "x", "version": "1"}))
                self.assertEqual((reply.status, reply.json["result"]["protocolVersion"]), (200, given))
            self.assertEqual(post({"jsonrpc": "2.0", "method": "notifications/initialized"}).status, 202)
            self.assertEqual(post({"jsonrpc": "2.0", "id": 1, "result": {}}).status, 202)
            self.assertEqual(post(ask("ping", "text")).json, {"jsonrpc": "2.0", "id": "text", "result": {}})
            self.assertEqual(post(ask("ping", 0)).json["id"], 0)
            for body, status, code in ((b"{", 400, -32700), ([ask("ping")], 400, -32600), ({"id": 1, "method": "ping"}, 400, -32600),
                                       ({"jsonrpc": "2.0", "id": {}, "method": "ping"}, 400, -32600), ({"jsonrpc": "2.0", "id": 1, "method": 7}, 400, -32600),
                                       (ask("resources/list"), 200, -32601), (ask("tools/call", name="x"), 200, -32602)):
                reply = post(body)
                self.assertEqual((reply.status, reply.json["error"]["code"]), (status, code), body)
            self.assertEqual(post(ask("ping"), Origin="https://evil.example.com").status, 403)
            self.assertEqual(post(ask("ping"), Origin="null").status, 403)
            self.assertEqual(post(ask("ping"), Origin="https://app.example.com").status, 200)
            self.assertEqual(post(ask("ping"), MCP_Protocol_Version="2025-06-18").status, 200)
            self.assertEqual(post(ask("ping"), MCP_Protocol_Version="2020-01-01").status, 400)
            self.assertEqual(post(ask("ping"), Content_Type="text/plain").status, 415)
            reply = send(port, "GET", "/mcp")
            self.assertEqual((reply.status, reply.headers["Allow"]), (405, "POST"))
            self.assertEqual(engine.stop().code, 0)


if __name__ == "__main__":
    clients.install()
    world.main()
