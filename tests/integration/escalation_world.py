"""A world whose source is an AI agent: the engine listens, tests call it."""

import hashlib
import hmac
import http.client
import json
import re
import time

from world import PATIENCE, ROOT, World, get, quote

TOKEN = "demo-agent-token-0001"
BLOCK = {"tokens": [TOKEN], "adapter": str(ROOT / "scripts" / "escalation.lua")}


def escalation(number=1, **changes):
    """A whole escalation of its own user; None takes a member away."""
    made = {
        "id": "esc-%04d" % number,
        "user": {"id": "user-%04d" % number, "name": "Asha Rao", "email": "asha%d@example.com" % number,
                 "phone": "0555 0100 %03d" % (number % 1000), "locale": "en-IN"},
        "reason": {"code": "billing_dispute", "text": "The user disputes a charge."},
        "summary": "Charged twice for order %d and wants one payment back." % number,
        "conversation": [
            {"role": "user", "content": "I was charged twice for order %d." % number, "at": "2026-03-10T14:28:11+05:30"},
            {"role": "assistant", "content": "I see two payments, but may not refund one.", "at": "2026-03-10T14:28:40+05:30"},
            {"role": "user", "content": "Then let me talk to a human."},
        ],
        "steps_tried": [{"what": "Looked up the payments", "result": "two of the same amount"}],
        "category": "Billing", "priority": "high", "language": "en-IN", "channel": "web", "metadata": {"order": str(number)},
    }
    made.update(changes)
    return {name: value for name, value in made.items() if value is not None}


class Reply:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()
        self.json = json.loads(self.body) if self.body else None

    def __repr__(self):
        return "%d %s" % (self.status, self.body.decode("utf-8", "replace"))


def send(port, method="POST", path="/v1/escalations", body=None, headers=None, token=TOKEN, timeout=40 * PATIENCE):
    """One call on a connection of its own. A dict or list becomes JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    given = {"Authorization": "Bearer " + token} if token else {}
    if body is not None:
        given["Content-Type"] = "application/json"
    given.update(headers or {})
    content = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
    try:
        connection.request(method, path, content, {name: value for name, value in given.items() if value is not None})
        return Reply(connection.getresponse())
    finally:
        connection.close()


def signature(key, body, at=None):
    """The headers that sign `body`."""
    stamp = str(int(time.time()) if at is None else at)
    content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    digest = hmac.new(key.encode(), stamp.encode() + b"." + content, hashlib.sha256).hexdigest()
    return {"X-Switchboard-Timestamp": stamp, "X-Switchboard-Signature": "sha256=" + digest}


class AgentWorld(World):
    def __init__(self, agent=None, **options):
        super().__init__(**options)
        self.agent = {**BLOCK, **(agent or {})}

    def write_conf(self):
        lines = ["%s = %s" % (name, quote(value)) for name, value in self.settings.items()]
        lines.append('pipelines = { escalations = { source = "ai_agent" stages = [ "keyword" ] sinks = [ "zoho_desk" ] } }')
        lines.append("ai_agent = %s" % quote(self.agent))
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

    def tickets_of(self, escalation_id):
        """What the helpdesk has of one escalation, by the line that the mapping writes."""
        line = "Escalation id: %s<br>" % escalation_id
        return [ticket for ticket in self.tickets() if line in ticket["description"]]

    def sections(self, escalation_id):
        """The record as the journal has it."""
        rows = self.query("SELECT s.name, s.doc FROM section s JOIN identity i ON i.record_id = s.record_id WHERE i.external_id = ?",
                          escalation_id)
        return {name: json.loads(doc) for name, doc in rows}

    def waiting_calls(self, engine):
        """How many calls the engine lets wait, by its own metric."""
        port = int(engine.wait_for_log(r'listening for operators"? host=\S+ port=(\d+)').group(1))
        text = get("127.0.0.1:%d" % port, "/metrics")[2]
        return int(float(re.search(r"^switchboard_webhook_calls_waiting (\S+)$", text, re.MULTILINE).group(1)))
