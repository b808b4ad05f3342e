"""Items LR of the language-model contract: the Responses API.

With OPENAI_OPENAPI naming the vendor's OpenAPI description (JSON), every kind of answer is compared with it, too."""

import copy
import json

from openai_case import ANGRY, KEY, OpenAI, SCHEMA, validate
from services_case import run


class Responses(OpenAI):
    def ask(self, said=ANGRY, schema=SCHEMA, strict=True, **more):
        body = {"model": "gpt-6-luna", "reasoning": {"effort": "none"}, "max_output_tokens": 1500, "store": False,
                "instructions": "Classify.", "input": [{"role": "user", "content": [
                    {"type": "input_text", "text": "The data:\n<<x1>>\n%s\n<</x1>>" % json.dumps(said)}]}]}
        if schema:
            body["text"] = {"format": {"type": "json_schema", "name": "conversation_v1", "strict": strict,
                                       "schema": schema}}
        body.update(more)
        return {name: value for name, value in body.items() if value is not None}

    def send(self, body=None, headers=KEY, **more):
        return self.post(body if body is not None else self.ask(**more), headers, "/v1/responses")

    def got(self, **more):
        answer = self.send(**more)
        self.assertEqual(answer.status, 200, answer.body)
        self.described("Response", answer.json)
        return answer.json

    def message(self, response):
        found = [item for item in response["output"] if item["type"] == "message"]
        self.assertEqual(len(found), 1, response["output"])
        self.assertEqual(len(found[0]["content"]), 1)
        return found[0]

    def refuses(self, status, message, param, code, **more):
        answer = self.send(**more)
        self.assertEqual((answer.status, answer.json["error"]),
                         (status, {"message": message, "type": "invalid_request_error", "param": param, "code": code}))
        self.described("ErrorResponse", answer.json)

    def test_lr_1_flat_format(self):
        value = json.loads(self.message(self.got())["content"][0]["text"])
        self.assertTrue(validate(SCHEMA, value, SCHEMA), value)
        self.assertEqual((value["mood"], value["category"]), ("Negative", "Billing inquiry"))
        nested = {"format": {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": SCHEMA}}}
        self.refuses(400, "Missing required parameter: 'text.format.name'.", "text.format.name",
                     "missing_required_parameter", text=nested)

    def test_lr_1_schema_errors(self):
        loose = copy.deepcopy(SCHEMA)
        loose.pop("additionalProperties")
        self.refuses(400, "Invalid schema for response_format 'conversation_v1': In context=(), 'additionalProperties' is "
                          "required to be supplied and to be false.", "text.format.schema", "invalid_json_schema",
                     schema=loose)
        self.got(schema=loose, strict=False)

    def test_lr_1_limit_and_names(self):
        self.refuses(400, "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 15 "
                          "instead.", "max_output_tokens", "integer_below_min_value", max_output_tokens=15)
        self.got(max_output_tokens=16)
        self.refuses(400, "Unknown parameter: 'colour'.", "colour", "unknown_parameter", colour=1)
        for name in ("response_format", "max_tokens", "max_completion_tokens", "messages", "reasoning_effort"):
            answer = self.send(**{name: 5})
            self.assertEqual((answer.status, answer.json["error"]["param"], answer.json["error"]["code"]),
                             (400, name, "unsupported_parameter"))

    def test_lr_1_what_is_refused(self):
        self.assertEqual(self.send(headers={}).status, 401)
        self.refuses(404, "The model `no-such-model` does not exist or you do not have access to it.", None,
                     "model_not_found", model="no-such-model")
        self.refuses(400, "Missing required parameter: 'input'.", "input", "missing_required_parameter", input=None)
        for changes in ({"input": 5}, {"input": [{"role": "boss", "content": "x"}]}, {"input": [{"role": "user"}]},
                        {"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
                        {"input": [{"type": "item_reference", "id": "x"}]}, {"store": "no"}, {"stream": True},
                        {"background": True}, {"reasoning": {"effort": "huge"}}, {"reasoning": {"depth": 1}},
                        {"text": {"format": {"type": "xml"}}}, {"text": {"verbosity": "loud"}}, {"text": {"mode": 1}},
                        {"text": {"format": {"type": "json_object"}}}, {"instructions": 5}, {"truncation": "some"},
                        {"previous_response_id": "resp_0"}, {"safety_identifier": "x" * 65}, {"top_logprobs": 21},
                        {"temperature": 0, "reasoning": {"effort": "low"}}, {"tools": [{"type": "web_search"}]},
                        {"text": {"format": {"type": "json_schema", "name": "bad name", "schema": {}}}}):
            answer = self.send(**changes)
            self.assertEqual((answer.status, answer.json["error"]["type"]), (400, "invalid_request_error"), changes)
        self.assertEqual(self.send(b"[]").status, 400)
        self.assertEqual(self.remote.report("openai")["responses"], 0)

    def test_lr_2_output_and_store(self):
        response = self.got(store=None)
        self.assertEqual([item["type"] for item in response["output"]], ["reasoning", "message"])
        self.assertNotIn("output_text", response)
        self.assertEqual((response["object"], response["status"], response["error"], response["incomplete_details"],
                          response["store"]), ("response", "completed", None, None, True))
        self.assertEqual(self.message(response)["status"], "completed")
        self.assertEqual(sorted(self.message(response)["content"][0]), ["annotations", "logprobs", "text", "type"])
        usage = response["usage"]
        self.assertEqual(usage["total_tokens"], usage["input_tokens"] + usage["output_tokens"])
        self.assertEqual(self.got()["store"], False)
        report = self.remote.report("openai")
        self.assertEqual((report["responses"], report["stored"], report["completions"]), (2, 1, 0))
        self.assertEqual(list(report["by_content"].values()), [2])
        self.remote.knobs("openai", reasoning_item="without")
        self.assertEqual([item["type"] for item in self.got()["output"]], ["message"])
        self.remote.knobs("openai", reasoning_item="with")
        self.assertEqual([item["type"] for item in self.got(model="gpt-4o", reasoning=None)["output"]], ["message"])

    def test_lr_2_echoes_headers_and_ids(self):
        answer = self.send(metadata={"a": "b"}, input="Hello, my invoice is wrong.", schema=None)
        self.described("Response", answer.json)
        self.assertEqual((answer.json["metadata"], answer.json["text"], answer.json["instructions"],
                          answer.json["max_output_tokens"]),
                         ({"a": "b"}, {"format": {"type": "text"}, "verbosity": "medium"}, "Classify.", 1500))
        self.assertIn("invoice", self.message(answer.json)["content"][0]["text"])
        self.assertRegex(answer.headers["x-request-id"], "^req_[0-9a-f]{32}$")
        self.assertEqual(answer.headers["x-ratelimit-remaining-requests"], "9999")
        headers = dict(KEY, **{"Idempotency-Key": "same"})
        self.assertEqual(len({self.send(headers=headers).json["id"] for _ in range(2)}), 2)

    def test_lr_3_incomplete(self):
        response = self.got(max_output_tokens=16)
        self.assertEqual((response["status"], response["incomplete_details"], response["completed_at"]),
                         ("incomplete", {"reason": "max_output_tokens"}, None))
        self.assertEqual(self.message(response)["status"], "incomplete")
        self.assertRaises(ValueError, json.loads, self.message(response)["content"][0]["text"])
        response = self.got(max_output_tokens=64, reasoning={"effort": "medium"})
        self.assertEqual((response["status"], [item["type"] for item in response["output"]],
                          response["usage"]["output_tokens_details"]), ("incomplete", ["reasoning"],
                                                                        {"reasoning_tokens": 64}))
        for word, reason in (("content_filter", "content_filter"), ("length_empty", "max_output_tokens"),
                             ("length_cut", "max_output_tokens")):
            self.remote.knobs("openai", answer=word)
            response = self.got()
            self.assertEqual((response["status"], response["incomplete_details"]), ("incomplete", {"reason": reason}))

    def test_lr_3_refusal_and_failure(self):
        self.remote.knobs("openai", answer="refusal")
        part = self.message(self.got())["content"][0]
        self.assertEqual((part["type"], sorted(part)), ("refusal", ["refusal", "type"]))
        self.remote.knobs("openai", answer="failed")
        for code in ("server_error", "rate_limit_exceeded", "invalid_prompt"):
            self.remote.knobs("openai", failure_code=code)
            response = self.got()
            self.assertEqual((response["status"], response["error"]["code"], response["output"]), ("failed", code, []))
            self.assertTrue(response["error"]["message"])

    def test_faults_and_length_as_in_the_chat(self):
        self.remote.knobs("openai", context_tokens=100)
        answer = self.send(said="word " * 800)
        self.assertEqual((answer.status, answer.json["error"]["param"], answer.json["error"]["code"]),
                         (400, "input", "context_length_exceeded"))
        self.remote.knobs("openai", fault="credit_balance_exhausted")
        self.assertEqual(self.send().status, 429)


if __name__ == "__main__":
    run()
