#!/usr/bin/env python3
"""Escalations as tickets: on the right contact, complete, with their files, each once; counted at the helpdesk's side."""

import base64
import concurrent.futures
import json
import re
import unittest

from escalation_world import AgentWorld, escalation, send
from world import IS_LONG, call, quote

FIELD = "cf_crm_id"
DEPARTMENT = "5000001000000006001"


class TicketWorld(AgentWorld):
    """Escalations only, classified by nobody, so that a ticket is what the agent and the script make of it."""

    def __init__(self, contacts=(), tickets=(), with_calls=False, **options):
        self.with_calls = with_calls
        options.setdefault("scenario", {"desk": {"contacts": list(contacts), "tickets": list(tickets)}})
        zoho = {"crm_id_field": FIELD, "contact_check": "0s", **options.pop("zoho_desk", {})}
        super().__init__(zoho_desk=zoho, **options)
        self.given = [row["id"] for row in self.contacts()]

    def write_conf(self):
        lines = ["%s = %s" % (name, quote(value)) for name, value in self.settings.items()]
        calls = 'calls = { source = "exotel" stages = [ "keyword" ] sinks = [ "zoho_desk" ] }' if self.with_calls else ""
        lines.append('pipelines = { escalations = { source = "ai_agent" sinks = [ "zoho_desk" ] } %s }' % calls)
        for name in ("exotel", "keyword") if self.with_calls else ():
            lines.append("%s = %s" % (name, quote(self.blocks[name])))
        lines.append("ai_agent = %s" % quote({"tokens": self.agent["tokens"]}))
        lines.append("zoho_desk = %s" % quote(self.blocks["zoho_desk"]))
        path = self.folder / "engine.conf"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def contacts(self):
        return self.control("/desk/contacts")

    def change_contact(self, contact, **what):
        self.control("/desk/contacts", {"id": contact, **what})

    def escalate(self, port, number=1, user=None, wait="40s", **changes):
        """The answer to one escalation; `user` replaces the user."""
        body = escalation(number, **({"user": user} if user else {}), **changes)
        answer = send(port, path="/v1/escalations" + ("?wait=" + wait if wait else ""), body=body)
        if answer.status not in (201, 202):
            raise AssertionError(answer)
        return answer

    def by_escalation(self):
        """Tickets by the id of the escalation that they are about."""
        found = {}
        for ticket in self.tickets():
            match = re.search(r"Escalation id: ([\w-]+)", ticket["description"] or "")
            found.setdefault(match.group(1) if match else None, []).append(ticket)
        return found

    def lose(self, action, path, nth=1):
        self.fault("desk", action, method="POST", path=path, nth=nth)

    def hits(self):
        """How often an answer was lost: a fault that never came proves nothing."""
        return sum(rule["hits"] for rule in self.control("/faults"))

    def settled(self, tickets, timeout=60):
        """Waits until so many tickets are there and nothing is under way."""
        self.wait_until(lambda: len(self.tickets()) >= tickets and set(self.states()) <= {"done", "dead"}, "the tickets are there",
                        timeout)
        return self.tickets()


def person(last="Rao", **fields):
    return {"lastName": last, **fields}


# name, contacts, mapping rows, user, position of the contact that must get the ticket (None: a new one), ambiguous
RULES = [
    ("a Desk contact's id that the agent gave", [person(email="u@example.com"), person()], {}, {"crm": 1, "email": "u@example.com"}, 1, False),
    ("a CRM id in the custom field", [person(cf={FIELD: "7000001"}), person(email="u@example.com")], {},
     {"crm_contact_id": "7000001", "email": "u@example.com"}, 0, False),
    ("the mapping file's contact", [person(), person(email="u@example.com")], {"contact": 0}, {"email": "u@example.com"}, 0, False),
    ("the mapping file's CRM id", [person(cf={FIELD: "7000002"}), person(email="u@example.com")], {"crm": "7000002"},
     {"email": "u@example.com"}, 0, False),
    ("a mapped contact that is deleted", [person(trashed=True), person(email="u@example.com")], {"contact": 0},
     {"email": "u@example.com"}, 1, False),
    ("the canonical id in the custom field", [person(cf={FIELD: "@id"}), person(email="u@example.com")], {},
     {"email": "u@example.com"}, 0, False),
    ("the e-mail address, letter case aside", [person(email="U@Example.com"), person(phone="05550100077")], {},
     {"email": "u@example.com", "phone": "05550100077"}, 0, False),
    ("never one that carries another's id", [person(email="u@example.com", cf={FIELD: "1"})], {},
     {"email": "u@example.com", "crm_contact_id": "2"}, None, False),
    ("but one whose CRM id nobody told us", [person(email="u@example.com", cf={FIELD: "1"})], {}, {"email": "u@example.com"}, 0, False),
    ("never one that was made for another user", [person(email="u@example.com", description="User id: other")], {},
     {"email": "u@example.com"}, None, False),
    ("never one of another CRM contact", [person(email="u@example.com", zohoCRMContact={"id": "1", "type": "contacts"})], {},
     {"email": "u@example.com", "crm_contact_id": "2"}, None, False),
    ("of several the one that the CRM names", [person(email="u@example.com"),
                                               person(email="u@example.com", zohoCRMContact={"id": "2", "type": "contacts"})], {},
     {"email": "u@example.com", "crm_contact_id": "2"}, 1, False),
    ("of several the one with the number as well", [person(email="u@example.com"), person(email="u@example.com", phone="05550100077")], {},
     {"email": "u@example.com", "phone": "05550100077"}, 1, True),
    ("of equals the oldest", [person(email="u@example.com"), person(email="u@example.com")], {}, {"email": "u@example.com"}, 0, True),
    ("the number, as calls find it", [person(mobile="+91 5550100077")], {}, {"phone": "0555 010 0077"}, 0, False),
    ("nothing fits", [person(email="v@example.com", phone="05550100078")], {}, {"email": "u@example.com", "phone": "05550100077"}, None,
     False),
    ("nothing is known but the id", [person()], {}, {}, None, False),
]


class ContactTest(unittest.TestCase):
    def test_the_contact_is_found_in_the_order_of_the_rules(self):
        for number, (name, contacts, mapping, user, expected, is_ambiguous) in enumerate(RULES, 1):
            with self.subTest(name):
                self.one_rule(number, contacts, mapping, user, expected, is_ambiguous)

    def one_rule(self, number, contacts, mapping, user, expected, is_ambiguous):
        identity = "user-%04d" % number
        rows = json.loads(json.dumps(contacts).replace('"@id"', '"%s"' % identity))
        with TicketWorld(rows) as w:
            if mapping:
                contact = w.given[mapping["contact"]] if "contact" in mapping else ""
                (w.folder / "contacts.csv").write_text("canonical_id,crm_id,contact_id\n%s,%s,%s\n" %
                                                       (identity, mapping.get("crm", ""), contact), encoding="utf-8")
                done = w.verb("import", "contacts.csv")
                self.assertEqual(done.returncode, 0, done.stderr)
            given = {"id": identity, "name": "Asha Rao", **user}
            if "crm" in given:
                given["crm_contact_id"] = w.given[given.pop("crm")]
            engine, port = w.listening()
            answer = w.escalate(port, number, given)
            self.assertEqual(answer.status, 201, answer)
            w.settled(1)
            ticket, = w.tickets()
            if expected is None:
                self.assertNotIn(ticket["contactId"], w.given)
                self.assertEqual(len(w.contacts()), len(rows) + 1)
                self.assertIn("User id: " + identity, ticket["contact"]["description"])
            else:
                self.assertEqual(ticket["contactId"], w.given[expected])
                self.assertEqual(len(w.contacts()), len(rows))
            remarks = [note for note in ticket["comments"] if "/R]" in note["content"]]
            self.assertEqual(len(remarks), 1 if is_ambiguous else 0)
            for note in remarks:
                self.assertFalse(note["isPublic"])
                for contact in w.given:
                    self.assertIn("- " + contact, note["content"])
            self.assertEqual(w.report()["violations_total"], 0, w.report()["violations"])
            self.assertEqual(engine.stop().code, 0)

    def test_escalations_of_one_user_at_once_make_one_contact(self):
        users = [{"id": "user-x", "email": "x@example.com", "phone": "0555010007%d" % (i % 3)} if i % 2 else {"id": "user-x", "name": "X"}
                 for i in range(12)]
        with TicketWorld(knobs={"desk": {"index_lag_ms": 600000}}) as w:
            _, port = w.listening()
            with concurrent.futures.ThreadPoolExecutor(12) as pool:
                list(pool.map(lambda i: w.escalate(port, i + 1, users[i], wait=None), range(12)))
            tickets = w.settled(12)
            self.assertEqual(len(tickets), 12)
            self.assertEqual(len({ticket["contactId"] for ticket in tickets}), 1)
            self.assertEqual(len(w.contacts()), 1)

    def test_a_call_and_an_escalation_of_one_number_at_once_make_one_contact(self):
        calls = [call(i, **{"from": "05550100077"}) for i in (1, 2)]
        with TicketWorld(calls=calls, with_calls=True, knobs={"desk": {"index_lag_ms": 600000}}) as w:
            w.fault("desk", "delay_then_commit", method="POST", path="*/contacts", latency_ms=500)
            _, port = w.listening()
            w.escalate(port, 1, {"id": "user-c", "email": "c@example.com", "phone": "+91 5550 100077"}, wait=None)
            # Were the second one first, nobody could know that the user and the caller are one person.
            w.wait_until(lambda: [row for row in w.timeline() if row[1] == "choose_lock"], "the first one goes on by its number")
            w.escalate(port, 2, {"id": "user-c"}, wait=None)
            tickets = w.settled(4)
            self.assertEqual(len({ticket["contactId"] for ticket in tickets}), 1)
            self.assertEqual(len(w.contacts()), 1)
            self.assertEqual(w.states(), {"done": 4})

    def test_what_was_learnt_outlives_the_searches_and_is_looked_for_anew_when_it_is_gone(self):
        user = {"id": "user-y", "email": "y@example.com"}
        for how in ("merged_into", "trashed"):
            for merged in ("gone", "survivor"):
                with self.subTest(how, merged=merged), TicketWorld([person(email="y@example.com"), person()],
                                                                   knobs={"desk": {"merged_contact": merged}}) as w:
                    _, port = w.listening()
                    w.escalate(port, 1, user)
                    # By the id alone: nothing but what was learnt leads there.
                    w.escalate(port, 2, {"id": "user-y"})
                    self.assertEqual([ticket["contactId"] for ticket in w.settled(2)], [w.given[0]] * 2)
                    w.change_contact(w.given[0], **{how: w.given[1] if how == "merged_into" else True})
                    w.escalate(port, 3, {"id": "user-y"})
                    last = w.settled(3)[-1]["contactId"]
                    if how == "merged_into" and merged == "survivor":
                        self.assertEqual(last, w.given[1])
                    else:
                        self.assertNotIn(last, w.given)
                    w.escalate(port, 4, {"id": "user-y"})
                    self.assertEqual(w.settled(4)[-1]["contactId"], last)

    def test_a_contact_of_another_department_gives_way_in_the_same_step(self):
        contacts = [person(email="z@example.com", department_id="5000001000000006009")]
        for lost in (0, 2):
            with self.subTest(lost=lost), TicketWorld(contacts) as w:
                if lost:
                    w.lose("commit_then_reset", "*/tickets", lost)
                _, port = w.listening()
                w.escalate(port, 1, {"id": "user-z", "email": "z@example.com"})
                ticket, = w.settled(1)
                self.assertEqual(w.hits(), 1 if lost else 0)
                self.assertNotIn(ticket["contactId"], w.given)
                self.assertIn("could not be given this ticket", " ".join(note["content"] for note in ticket["comments"]))
                w.escalate(port, 2, {"id": "user-z", "email": "z@example.com"})
                self.assertEqual(w.settled(2)[-1]["contactId"], ticket["contactId"])

    def test_an_address_that_must_be_unique_goes_to_whom_it_belongs(self):
        contacts = [person(email="q@example.com", description="User id: other")]
        with TicketWorld(contacts, knobs={"desk": {"unique_contact_field": "email"}}) as w:
            _, port = w.listening()
            w.escalate(port, 1, {"id": "user-q", "email": "q@example.com"})
            ticket, = w.settled(1)
            self.assertEqual(ticket["contactId"], w.given[0])
            self.assertIn("The contact is not certain", ticket["comments"][0]["content"])

    def test_a_mapping_is_imported_whole_or_not_at_all_also_while_the_engine_runs(self):
        with TicketWorld([person(), person()]) as w:
            path = w.folder / "c.csv"
            path.write_text("canonical_id,contact_id\nuser-i,%s\nuser-j,x\n,1\n" % w.given[0], encoding="utf-8")
            done = w.verb("import", "c.csv")
            self.assertEqual((done.returncode, done.stderr.splitlines()), (1, [
                "c.csv:3: 'x' is no id of a Desk contact, which is digits", "c.csv:4: 'canonical_id' is empty",
                "switchboard: cannot take 'c.csv' over: it has 2 mistakes"]))
            _, port = w.listening()
            w.escalate(port, 1, {"id": "user-i"})
            self.assertNotIn(w.settled(1)[0]["contactId"], w.given)
            rows = "".join("user-%d,%s\n" % (i, w.given[0]) for i in range(5000))
            path.write_text("canonical_id,contact_id\nuser-i,%s\n%s" % (w.given[1], rows), encoding="utf-8")
            done = w.verb("import", "--json", "c.csv")
            self.assertEqual(json.loads(done.stdout), {"contacts": 5001, "instances": ["zoho_desk"]})
            # It goes before what was learnt.
            w.escalate(port, 2, {"id": "user-i"})
            w.escalate(port, 3, {"id": "user-4999"})
            self.assertEqual([ticket["contactId"] for ticket in w.settled(3)[1:]], [w.given[1], w.given[0]])
            for arguments, words in ((["--instance", "other", "c.csv"], "no zoho_desk block of the name 'other'"),
                                     (["--account", "acmedemo1", "c.csv"], "--account is for lists of calls")):
                done = w.verb("import", *arguments)
                self.assertEqual(done.returncode, 1)
                self.assertIn(words, done.stderr)

    def test_the_mapping_file_is_read_again_and_a_broken_one_is_refused(self):
        header = "canonical_id,crm_id,contact_id\n"
        with TicketWorld([person(), person()], zoho_desk={"contacts": "contacts.csv"}) as w:
            path = w.folder / "contacts.csv"
            path.write_text(header + "user-m,,%s\n" % w.given[0], encoding="utf-8")
            engine, port = w.listening()
            w.escalate(port, 1, {"id": "user-m"})
            path.write_text(header + "user-m,,%s\nuser-n,,\n" % w.given[1], encoding="utf-8")
            engine.wait_for_log(r"contacts\.csv:3: 'crm_id' and 'contact_id' are both empty")
            done = w.verb("check")
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, r"contacts\.csv:3: 'crm_id' and 'contact_id' are both empty")
            w.escalate(port, 2, {"id": "user-m"})
            path.write_text(header + "user-m,,%s\n" % w.given[1], encoding="utf-8")
            engine.wait_for_log(r"read the mapping file.*rows=1 changed=1[\s\S]*read the mapping file.*rows=1 changed=1")
            w.escalate(port, 3, {"id": "user-m"})
            path.write_text(header, encoding="utf-8")
            engine.wait_for_log(r"rows=0 changed=1")
            self.assertEqual(w.verb("check").returncode, 0)
            w.escalate(port, 4, {"id": "user-m"})
            got = {key: rows[0]["contactId"] for key, rows in w.by_escalation().items()}
            self.assertEqual(got, {"esc-0001": w.given[0], "esc-0002": w.given[0], "esc-0003": w.given[1], "esc-0004": w.given[1]})


class TicketTest(unittest.TestCase):
    LOST = [("*/contacts", 1), ("*/tickets", 1), ("*/comments", 1), ("*/comments", 2), ("*/attachments", 1), ("*/attachments", 2)]

    def long_escalation(self):
        lines = ["Message %d says something that the human must know: %s" % (i, "x" * 60) for i in range(800)]
        files = [{"name": "same.txt", "content_type": "text/plain", "base64": base64.b64encode(b"file %d" % i).decode()} for i in (1, 2)]
        talk = [{"role": "user" if i % 2 else "assistant", "content": line} for i, line in enumerate(lines)]
        talk[0]["attachments"] = files
        return lines, {"conversation": talk}

    def test_everything_is_there_once_whatever_answer_is_lost(self):
        lines, changes = self.long_escalation()
        for action in ("commit_then_reset", "reset_before"):
            for path, nth in self.LOST:
                with self.subTest(action, path=path, nth=nth), TicketWorld() as w:
                    w.lose(action, path, nth)
                    _, port = w.listening()
                    w.escalate(port, 1, {"id": "user-l", "email": "l@example.com"}, **changes)
                    ticket, = w.settled(1)
                    self.assertEqual(w.hits(), 1)
                    self.assertEqual(len(w.contacts()), 1)
                    text = ticket["description"].replace("<br>", "\n") + "\n".join(note["content"] for note in ticket["comments"])
                    for line in lines:
                        self.assertEqual(text.count(line), 1, line)
                    markers = re.findall(r"\[SB-\w+/(\w+)\]", text)
                    self.assertEqual(sorted(markers), sorted(set(markers)))
                    names = sorted(file["name"] for file in ticket["attachments"])
                    self.assertEqual([name[13:] for name in names], ["-1-same.txt", "-2-same.txt"])
                    self.assertEqual(w.report()["violations_total"], 0, w.report()["violations"])

    def killed(self, after, mode):
        """The engine is killed once the helpdesk has had so many requests, and started again. Gives what went wrong."""
        lines, changes = self.long_escalation()
        contacts = [person(email="k@example.com"), person(email="k@example.com")]
        tickets = [{"contact": 0, "fields": {"subject": "An older matter"}}]
        with TicketWorld(contacts, tickets, zoho_desk={"attach_to_open": mode}) as w:
            engine, port = w.listening()
            w.escalate(port, 1, {"id": "user-k", "email": "k@example.com"}, wait=None, **changes)
            requests = lambda: w.report()["services"]["desk"]["requests"]  # noqa: E731
            w.wait_until(lambda: requests() >= after or w.states() == {"done": 1}, "it is under way")
            engine.kill()
            w.listening()
            w.wait_until(lambda: w.states() == {"done": 1}, "it is done", 90)
            made = [ticket for ticket in w.tickets() if ticket["subject"] != "An older matter"]
            ticket = w.tickets()[0] if mode == "always" else made[0]
            text = ticket["description"] or ""
            text = text.replace("<br>", "\n") + "\n".join(note["content"] for note in ticket["comments"])
            wrong = ["line %d is there %d times" % (i, text.count(line)) for i, line in enumerate(lines) if text.count(line) != 1]
            if len(made) != (0 if mode == "always" else 1):
                wrong.append("%d tickets" % len(made))
            if len(w.contacts()) != 2 or text.count("The contact is not certain") != 1:
                wrong.append("%d contacts, %d remarks" % (len(w.contacts()), text.count("The contact is not certain")))
            names = sorted(file["name"][13:] for file in ticket["attachments"])
            if names != ["-1-same.txt", "-2-same.txt"]:
                wrong.append("files %s" % names)
            return ["killed after %d requests, %s: %s" % (after, mode, each) for each in wrong]

    def test_killed_anywhere_it_is_all_there_once(self):
        plans = [(after, mode) for mode in ("never", "always") for after in range(1, 15, 1 if IS_LONG else 2)]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            wrong = [each for found in pool.map(lambda plan: self.killed(*plan), plans) for each in found]
        self.assertEqual(wrong, [])

    def test_a_file_that_is_too_large_is_remarked_and_the_others_are_there(self):
        files = [{"name": "small.txt", "content_type": "text/plain", "base64": base64.b64encode(b"abc").decode()},
                 {"name": "large.txt", "content_type": "text/plain", "base64": base64.b64encode(b"abcdefghij").decode()}]
        talk = [{"role": "user", "content": "Look at these.", "attachments": files}]
        with TicketWorld(knobs={"desk": {"attachment_max_bytes": 5}}) as w:
            _, port = w.listening()
            answer = w.escalate(port, 1, {"id": "user-f"}, conversation=talk)
            self.assertEqual(answer.status, 201)
            ticket, = w.settled(1)
            self.assertEqual([file["name"][13:] for file in ticket["attachments"]], ["-1-small.txt"])
            note, = ticket["comments"]
            self.assertIn("large.txt: Zoho Desk calls it too large", note["content"])
            self.assertEqual(w.states(), {"done": 1})

    def test_the_user_is_told_the_number_in_their_language(self):
        with TicketWorld() as w:
            _, port = w.listening()
            for number, locale, word in ((1, "en-IN", "Your ticket is #"), (2, "hi-IN", "टिकट संख्या: #")):
                answer = w.escalate(port, number, {"id": "user-%d" % number, "locale": locale})
                self.assertEqual(answer.status, 201, answer)
                self.assertIn(word + answer.json["ticket"]["number"], json.dumps(answer.json, ensure_ascii=False))


class AttachTest(unittest.TestCase):
    CONTACT = [person(email="a@example.com")]
    USER = {"id": "user-a", "email": "a@example.com"}

    def open_ticket(self, subject="Charged twice for order 1 and wants the payment back", **fields):
        return {"contact": 0, "fields": {"subject": subject, "priority": "Low", **fields}}

    def run_one(self, mode, tickets, lost=None, number=1, **options):
        with TicketWorld(self.CONTACT, tickets, zoho_desk={"attach_to_open": mode, **options}) as w:
            before = {ticket["id"] for ticket in w.tickets()}
            if lost:
                w.lose(lost, "*/comments")
            _, port = w.listening()
            answer = w.escalate(port, number, self.USER)
            w.settled(len(before))
            w.wait_until(lambda: w.states() == {"done": 1}, "it is done")
            self.assertEqual(w.hits(), 1 if lost else 0)
            after = w.tickets()
            made = [ticket for ticket in after if ticket["id"] not in before]
            noted = [ticket for ticket in after if ticket["id"] in before and ticket["comments"]]
            self.assertEqual(w.report()["violations_total"], 0, w.report()["violations"])
            return answer, made, noted

    def test_never_is_never(self):
        _, made, noted = self.run_one("never", [self.open_ticket()])
        self.assertEqual((len(made), len(noted)), (1, 0))

    def test_the_rules_are_asked(self):
        for name, ticket, attaches in (("same matter", self.open_ticket(), True),
                                       ("another matter", self.open_ticket("Cannot log in"), False),
                                       ("another category", self.open_ticket(category="Login"), False),
                                       ("closed", self.open_ticket(status="Closed"), False)):
            with self.subTest(name):
                answer, made, noted = self.run_one("ask_rules", [ticket])
                self.assertEqual((len(made), len(noted)), (0, 1) if attaches else (1, 0))
                if attaches:
                    note, = noted[0]["comments"]
                    self.assertFalse(note["isPublic"])
                    self.assertIn("I was charged twice for order 1.", note["content"])
                    self.assertRegex(note["content"], r"\[SB-\w{13}/A1\]")
                    self.assertEqual(noted[0]["priority"], "High")
                    self.assertEqual(answer.json["ticket"]["number"], noted[0]["ticketNumber"])

    def test_always_takes_the_newest_open_one_once_whatever_answer_is_lost(self):
        tickets = [self.open_ticket("Old"), self.open_ticket("New"), self.open_ticket("Done", status="Closed")]
        for lost in (None, "commit_then_reset", "reset_before"):
            with self.subTest(lost=lost):
                _, made, noted = self.run_one("always", tickets, lost=lost)
                self.assertEqual([ticket["subject"] for ticket in noted], ["New"])
                self.assertEqual((len(made), len(noted[0]["comments"])), (0, 1))

    def test_of_two_at_the_same_time_the_second_is_added_to_the_ticket_of_the_first(self):
        for name, contacts in (("a known contact", self.CONTACT), ("a new contact", [])):
            with self.subTest(name), TicketWorld(contacts, zoho_desk={"attach_to_open": "always"}) as w:
                w.fault("desk", "delay_then_commit", method="POST", path="*/tickets", latency_ms=500)
                _, port = w.listening()
                with concurrent.futures.ThreadPoolExecutor(4) as pool:
                    answers = list(pool.map(lambda number: w.escalate(port, number, self.USER), range(1, 5)))
                w.wait_until(lambda: w.states() == {"done": 4}, "all are done")
                ticket, = w.tickets()
                self.assertEqual({answer.json["ticket"]["number"] for answer in answers}, {ticket["ticketNumber"]})
                self.assertEqual(len(re.findall(r"\[SB-\w{13}/A1\]", "".join(note["content"] for note in ticket["comments"]))), 3)
                self.assertEqual(len(w.contacts()), 1)

    def test_what_is_older_than_the_window_is_left_alone(self):
        # Tickets of the scenario are a day old.
        for window, attaches in (("2d", True), ("1h", False)):
            with self.subTest(window):
                _, made, noted = self.run_one("always", [self.open_ticket("New")], attach_window=window)
                self.assertEqual((len(made), len(noted)), (0, 1) if attaches else (1, 0))


if __name__ == "__main__":
    unittest.main()
