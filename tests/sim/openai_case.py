"""What the tests of the language model share: a schema, what is posted, and how an answer is judged."""

import json

from openapi import OPENAI as DESCRIPTION
from services_case import Case

KEY = {"Authorization": "Bearer sk-demo-openai-key-0000"}
ANGRY = ("Agent: Thank you for calling.\nCustomer: My last invoice shows a wrong charge. I am very frustrated.\n"
         "Agent: I will send the corrected invoice today.")


def text(**more):
    return dict({"type": "string"}, **more)


def members(**properties):
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


SCHEMA = members(
    summary=text(maxLength=60),
    concern=text(),
    mood=text(enum=["Positive", "Neutral", "Negative", "Urgent"]),
    category=text(enum=["Billing inquiry", "Technical support request", "Refund/cancellation request", "other"]),
    priority=text(enum=["low", "normal", "high", "urgent"]),
    resolved=text(enum=["yes", "no", "partial", "unclear"]),
    evidence={"type": "array", "items": members(quote=text(), segment={"type": "integer", "minimum": 0})},
    action_items={"type": "array", "items": members(owner=text(enum=["agent", "customer", "unknown"]), text=text(),
                                                    due={"type": ["string", "null"]})},
    subcategory={"anyOf": [{"type": "string"}, {"type": "null"}]},
    callback_requested={"type": "boolean"},
    injection_suspected={"type": "boolean"},
    score={"type": "number", "minimum": 0, "exclusiveMaximum": 0.5},
    tags={"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/tag"}},
)
SCHEMA["$defs"] = {"tag": text(minLength=3, maxLength=5)}


def validate(schema, value, root):
    """True when `value` fits; as much of JSON schema as SCHEMA uses."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if "anyOf" in schema:
        return any(validate(option, value, root) for option in schema["anyOf"])
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    names = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
             "null": type(None)}
    if not any(isinstance(value, names[name]) for name in types):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, str) and not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 1 << 30):
        return False
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value < schema.get("minimum", value) or value >= schema.get("exclusiveMaximum", value + 1):
            return False
    if isinstance(value, list):
        return len(value) >= schema.get("minItems", 0) and all(validate(schema["items"], v, root) for v in value)
    if isinstance(value, dict):
        return list(value) == schema["required"] and all(
            validate(schema["properties"][name], member, root) for name, member in value.items())
    return True


class OpenAI(Case):
    def described(self, name, value):
        """Compares with the vendor's description, when there is one."""
        if DESCRIPTION:
            self.assertEqual(DESCRIPTION.faults(name, value), [])

    def body(self, said=ANGRY, schema=SCHEMA, strict=True, **more):
        body = {"model": "gpt-6-luna", "reasoning_effort": "none", "max_completion_tokens": 1500, "store": False,
                "messages": [{"role": "developer", "content": "Classify."},
                             {"role": "user", "content": "The data:\n<<x1>>\n%s\n<</x1>>" % json.dumps(said)}]}
        if schema:
            body["response_format"] = {"type": "json_schema",
                                       "json_schema": {"name": "conversation_v1", "strict": strict, "schema": schema}}
        body.update(more)
        return {name: value for name, value in body.items() if value is not None}

    def post(self, body=None, headers=KEY, path="/v1/chat/completions"):
        return self.remote.request("openai", path, "POST", self.body() if body is None else body, headers)

    def say(self, body=None, **more):
        answer = self.post(body if body is not None else self.body(**more))
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def content(self, **more):
        return json.loads(self.say(**more)["choices"][0]["message"]["content"])

    def refused(self, body, status, message, type_="invalid_request_error", param=None, code=None):
        answer = self.post(body)
        self.assertEqual((answer.status, answer.json["error"]),
                         (status, {"message": message, "type": type_, "param": param, "code": code}))
        return answer
