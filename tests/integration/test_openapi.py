#!/usr/bin/env python3
"""/openapi.json: it is valid OpenAPI 3.1, a client made from it alone drives the API, every answer is as it describes, and what
its schema refuses the parser refuses, too."""

import unittest

import clients
import world
from escalation_world import TOKEN, AgentWorld, escalation, send


def create(body, **more):
    return {"operation": "createEscalation", "parameters": more.pop("parameters", None), "body": body, **more}


class OpenApiTest(unittest.TestCase):
    def drive(self, local, port, cases):
        found = clients.run(local.folder, "openapi.mjs", "http://127.0.0.1:%d" % port, TOKEN, cases=cases)
        self.assertTrue(found["valid"], found.get("errors"))
        self.assertEqual(found["version"], "3.1.0")
        self.assertEqual([each["faults"] for each in found["answers"]], [[]] * len(cases))
        return found["answers"]

    def test_a_client_made_from_it_drives_the_api(self):
        with AgentWorld() as local:
            local.fault("desk", "status", status=422, method="POST", path="*/tickets", nth=3)
            engine, port = local.listening()
            cases = [(create(escalation(1)), 202), (create(escalation(1)), 202), (create(escalation(1, summary="Other.")), 409),
                     (create(escalation(2), parameters={"wait": "20s"}), 201), (create(escalation(3), headers={"Prefer": "wait=20"}), 202),
                     (create({"id": "x"}), 422), (create(escalation(4), parameters={"wait": "soon"}), 400),
                     (create(escalation(4), headers={"Authorization": "Bearer wrong"}), 401),
                     ({"operation": "getEscalation", "parameters": {"id": "esc-0002"}}, 200),
                     ({"operation": "getEscalation", "parameters": {"id": "esc-0003"}}, 200),
                     ({"operation": "getEscalation", "parameters": {"id": "none"}}, 404),
                     ({"operation": "createEscalationFrom", "parameters": {"name": "chat"}, "body": {}}, 422)]
            answers = self.drive(local, port, [case for case, _ in cases])
            self.assertEqual([each["status"] for each in answers], [status for _, status in cases])
            self.assertEqual([answers[i]["location"] for i in (0, 3)], ["/v1/escalations/esc-0001", "/v1/escalations/esc-0002"])
            self.assertEqual(answers[8]["data"]["ticket"], answers[3]["data"]["ticket"])
            self.assertEqual(engine.stop().code, 0)

    def test_schema_and_parser_agree(self):
        bad = [{"id": "a b"}, {"id": None}, {"user": {}}, {"user": {"id": "u", "email": "x"}}, {"user": {"id": "u", "phone": "call"}}, {"summary": ""},
               {"summary": "x" * 4001}, {"priority": "soon"}, {"language": "english!"}, {"conversation": {}}, {"conversation": [{"role": "bot"}]},
               {"conversation": [{"role": "user", "at": "noon"}]}, {"steps_tried": [{"result": "x"}]}, {"metadata": []}, {"reason": "x"},
               {"callback_url": "ftp://example.com"}, {"other": 1}, {"user": {"id": "u", "nick": "n"}},
               {"conversation": [{"role": "user", "attachments": [{"name": "a/b", "base64": "AAAA"}]}]}]
        good = [{}, {"priority": None, "category": None, "reason": None, "conversation": None}, {"priority": "urgent"},
                {"conversation": [{"role": "tool", "content": "{}"}]}, {"metadata": {"a": [1, {"b": None}]}}, {"user": {"id": "u", "locale": "hi"}},
                {"conversation": [{"role": "user", "attachments": [{"name": "a.txt", "content_type": "text/plain", "base64": "AAAA"}]}]}]
        with AgentWorld() as local:
            engine, port = local.listening()
            cases = [create({**escalation(number), **changes}) for number, changes in enumerate(bad + good, 1)]
            answers = self.drive(local, port, cases)
            for changes, answer in zip(bad + good, answers):
                is_good = changes in good
                self.assertEqual((answer["status"], answer["fitsInput"]), (202 if is_good else 422, is_good), changes)
            self.assertEqual(engine.stop().code, 0)

    def test_it_follows_the_options(self):
        with AgentWorld(agent={"public_url": "https://agents.example.com/hand-off", "unknown_keys": "metadata", "messages_max": 7, "inline_max": "3k"}) as local:
            engine, port = local.listening()
            reply = send(port, "GET", "/openapi.json", token=None)
            self.assertEqual(reply.headers["Content-Type"], "application/json")
            self.assertEqual(reply.json["servers"], [{"url": "https://agents.example.com/hand-off"}])
            body = reply.json["components"]["schemas"]["EscalationInput"]
            self.assertTrue(body["additionalProperties"])
            self.assertEqual(body["properties"]["conversation"]["maxItems"], 7)
            attachment = body["properties"]["conversation"]["items"]["properties"]["attachments"]["items"]["properties"]
            self.assertEqual(attachment["base64"]["maxLength"], 4096)
            self.assertEqual(engine.stop().code, 0)


if __name__ == "__main__":
    clients.install()
    world.main()
