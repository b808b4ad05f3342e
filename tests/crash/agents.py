"""AI agents that hand conversations over while the engine is killed and started again. Each says the same with the same id
until it hears 2xx, as docs/ESCALATIONS.md asks of agents. In the end the helpdesk holds one whole ticket of each, and the
agent was told of it with one key."""

import base64
import http.client
import pathlib
import re
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from escalation_world import escalation, send  # noqa: E402

PAUSE_S = 0.03
LINE = "Message %d of %s says what the human must know."
WAYS = ("post", "wait", "mcp")


def person_of(number):
    """The user of that number: always the same. Every fourth has no phone; the others may have called, too."""
    user = {"id": "user-%04d" % number, "name": "Asha Rao", "locale": "en-IN", "email": "asha%d@example.com" % number}
    return user if number % 4 == 0 else {**user, "phone": "555010%04d" % number}


def key_of(user):
    """What two conversations of one person have in common: the number, as calls have it, else the address."""
    return user["phone"][-10:] if "phone" in user else user["email"]


def make_escalations(chance):
    """Some users come twice, with differently written numbers; some talk for longer than a description holds, some send files."""
    made = []
    for number in range(1, chance.randint(3, 8)):
        user = person_of(chance.randint(1, number + 1))
        if "phone" in user:
            user["phone"] = chance.choice(("0%s", "+91%s", "%s")) % user["phone"]
        name = "esc-%04d" % number
        count = 900 if chance.random() < 0.15 else chance.randint(1, 5)
        talk = [{"role": "user" if i % 2 else "agent", "content": LINE % (i, name) + (" And more." * 4 if count > 5 else "")}
                for i in range(count)]
        files = chance.choice((0, 0, 1, 2))
        talk[0]["attachments"] = [{"name": "bill.txt", "content_type": "text/plain",
                                   "base64": base64.b64encode(b"file %d of %s" % (i, name.encode())).decode()} for i in range(files)]
        made.append(escalation(number, user=user, conversation=talk))
    return made


class Agent(threading.Thread):
    """One conversation, handed over at its moment by one of the ways there are. `port` gives where the engine listens, or None
    while it does not; `unanswered` counts how often nobody knows what became of a call."""

    def __init__(self, body, way, delay_s, port):
        super().__init__(daemon=True)
        self.body, self.way, self.delay_s, self.port = body, way, delay_s, port
        self.is_over = threading.Event()
        self.unanswered, self.wrong, self.is_taken = 0, None, False

    def run(self):
        self.is_over.wait(self.delay_s)
        while not self.is_over.is_set() and not self.is_taken and not self.wrong:
            self.try_once()
            if not self.is_taken:
                self.is_over.wait(PAUSE_S)

    def try_once(self):
        port = self.port()
        if port is None:
            return
        try:
            answer = self.say(port)
        except ConnectionRefusedError:
            return
        except (OSError, http.client.HTTPException, ValueError):
            self.unanswered += 1
            return
        if answer.status in (429, 503):
            return
        what = self.understood(answer)
        if what is None:
            self.wrong = "%s was answered %s" % (self.body["id"], answer)
        self.is_taken = what is not None

    def say(self, port):
        if self.way == "mcp":
            call = {"name": "escalate_to_human", "arguments": self.body}
            return send(port, path="/mcp", body={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call},
                        headers={"Accept": "application/json, text/event-stream"})
        return send(port, path="/v1/escalations" + ("?wait=3s" if self.way == "wait" else ""), body=self.body)

    def understood(self, answer):
        """What the engine says of the escalation; None: it was not taken."""
        if answer.status not in (200, 201, 202):
            return None
        result = answer.json
        if self.way == "mcp":
            result = result.get("result", {})
            result = None if result.get("isError") else result.get("structuredContent")
        return result if result and result.get("id") == self.body["id"] else None

    def number(self, port):
        """The ticket's number, by asking, and by saying the same again."""
        asked = send(port, "GET", "/v1/escalations/" + self.body["id"])
        again = self.understood(self.say(port)) or {}
        numbers = {(each or {}).get("ticket", {}).get("number") for each in (asked.json, again)}
        return numbers.pop() if len(numbers) == 1 else None


class Agents:
    """All agents of a round. Where the engine listens is told them by `listens_at`, life by life."""

    def __init__(self, chance, bodies, url, seconds):
        self.at = None
        for body in bodies:
            if chance.random() < 0.5:
                body["callback_url"] = url + "/of/its/own"
        self.all = [Agent(body, chance.choice(WAYS), chance.uniform(0, seconds), lambda: self.at) for body in bodies]

    def __enter__(self):
        for agent in self.all:
            agent.start()
        return self

    def __exit__(self, *_):
        for agent in self.all:
            agent.is_over.set()
        for agent in self.all:
            agent.join()

    def listens_at(self, port):
        self.at = port

    def wait_until_taken(self, timeout):
        """Until all were heard, or one was refused."""
        until = time.monotonic() + timeout
        while time.monotonic() < until and not all(agent.is_taken or agent.wrong for agent in self.all):
            time.sleep(0.02)

    def unanswered(self):
        return sum(agent.unanswered for agent in self.all)

    # ---- what must hold

    def check(self, w, report, wrong):
        """Each has one ticket with the whole conversation, which is the one that the agent hears of."""
        events = report["services"]["callback"]["events"].values()
        tickets = {}
        for ticket in w.tickets():
            found = re.search(r"Escalation id: ([\w-]+)<br>", ticket["description"] or "")
            tickets.setdefault(found.group(1) if found else None, []).append(ticket)
        for agent in self.all:
            name = agent.body["id"]
            if agent.wrong or not agent.is_taken:
                wrong.append(agent.wrong or "%s was never taken" % name)
            elif len(tickets.get(name, [])) != 1:
                wrong.append("%s has %d tickets" % (name, len(tickets.get(name, []))))
            else:
                ticket = tickets[name][0]
                self.check_ticket(agent, ticket, wrong)
                self.check_told(agent, ticket, [each for each in events if each["body"].get("escalation_id") == name], wrong)
        if len(events) != len(self.all) or report["services"]["callback"]["refused"]:
            wrong.append("%d events of %d escalations, %d refused" %
                         (len(events), len(self.all), report["services"]["callback"]["refused"]))

    def check_ticket(self, agent, ticket, wrong):
        name = agent.body["id"]
        text = ticket["description"].replace("<br>", "\n") + "\n".join(note["content"] for note in ticket["comments"])
        for message in agent.body["conversation"]:
            if text.count(message["content"]) != 1:
                wrong.append("%s has '%s' %d times" % (name, message["content"], text.count(message["content"])))
                break
        if " of esc-" in text.replace(" of %s " % name, " "):
            wrong.append("%s has words of another" % name)
        markers = re.findall(r"\[SB-\w+/(\w+)\]", text)
        if len(markers) != len(set(markers)):
            wrong.append("%s has a note twice: %s" % (name, markers))
        files = sorted(each["name"][13:] for each in ticket["attachments"])
        expected = ["-%d-bill.txt" % (i + 1) for i in range(len(agent.body["conversation"][0]["attachments"]))]
        if files != expected:
            wrong.append("%s has the files %s instead of %s" % (name, files, expected))
        heard = agent.number(self.at)
        if heard != ticket["ticketNumber"]:
            wrong.append("%s is ticket %s, and the agent hears of %s" % (name, ticket["ticketNumber"], heard))

    @staticmethod
    def check_told(agent, ticket, events, wrong):
        """ticket.created: at least once, always with the same key, of the right ticket, at the right address."""
        name = agent.body["id"]
        path = "/of/its/own" if "callback_url" in agent.body else "/tickets"
        if [each["body"]["event"] for each in events] != ["ticket.created"]:
            wrong.append("the agent was told of %s: %s" % (name, [each["body"] for each in events]))
            return
        told, body = events[0], events[0]["body"]
        if not told["accepted"]:
            wrong.append("the agent of %s never took it" % name)
        if (told["path"], body["ticket_number"], body["id"]) != (path, ticket["ticketNumber"], body["reference"] + ".ticket.created"):
            wrong.append("the agent of %s was told %s at %s; it is ticket %s" % (name, body, told["path"], ticket["ticketNumber"]))
        if "[SB-%s]" % body["reference"] not in ticket["subject"]:
            wrong.append("%s was told by the reference %s of '%s'" % (name, body["reference"], ticket["subject"]))
