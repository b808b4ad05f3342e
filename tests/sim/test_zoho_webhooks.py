"""Webhooks of Zoho Desk (ZG.1): who is told of what, how it is signed, and what becomes of those who do not answer."""

import base64
import hashlib
import json
import threading
import time
import unittest
import urllib.parse

from localservices import CLIENT, DEPARTMENT, ORG, REFRESH, SECRET, Services, ServicesTest
from receiver import Receiver
from services_case import run

OTHER_DEPARTMENT = "5000001000000006002"
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def is_signed_by(token, key):
    """RS256 by hand: the signature to the power of e is the padded digest."""
    signed, _, signature = token.rpartition(".")
    modulus, exponent = (int.from_bytes(decode(key[name]), "big") for name in ("n", "e"))
    size = len(decode(key["n"]))
    tail = SHA256_INFO + hashlib.sha256(signed.encode()).digest()
    padded = b"\x00\x01" + b"\xff" * (size - len(tail) - 3) + b"\x00" + tail
    return pow(int.from_bytes(decode(signature), "big"), exponent, modulus).to_bytes(size, "big") == padded


class Webhooks(ServicesTest):
    def setUp(self):
        super().setUp()
        scope = ("Desk.tickets.ALL Desk.contacts.READ Desk.contacts.CREATE Desk.contacts.UPDATE Desk.search.READ "
                 "Desk.basic.READ Desk.webhooks.ALL")
        self.load(accounts={"refresh_tokens": [
            {"token": REFRESH, "scope": scope}]})
        self.services.control("POST", "/clock", {"mode": "driven", "now": "2026-03-10T09:00:00Z"})
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)

    def subscribe(self, subscriptions=None, path="/zoho", **more):
        """A webhook that is there; what its validation sent is forgotten."""
        before = len(self.receiver.requests)
        answer = self.desk("POST", "/webhooks", {"url": self.receiver.url + path, "name": "tests",
                                                 "subscriptions": subscriptions or {"Ticket_Add": None}, **more})
        self.assertEqual(answer.status, 200, answer.body)
        del self.receiver.requests[before:]
        return answer.json

    def sent(self):
        return [row for row in self.services.control("GET", "/sent?service=desk").json if row["what"] != "validation"]

    def wait_for(self, states):
        until = time.monotonic() + 10
        while [row["state"] for row in self.sent()] != states and time.monotonic() < until:
            time.sleep(0.005)
        self.assertEqual([row["state"] for row in self.sent()], states, self.sent())

    def one(self, request):
        """The only event of a body, which is an array."""
        events = request.json()
        self.assertEqual((type(events), len(events)), (list, 1))
        return events[0]


class CreationTest(Webhooks):
    def test_the_url_is_tried_before_the_answer_comes(self):
        answer = self.desk("POST", "/webhooks", {"url": self.receiver.url + "/z?k=1", "name": "tests", "isEnabled": True,
                                                 "subscriptions": {"Contact_Add": None}})
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual([(request.method, request.target) for request in self.receiver.requests],
                         [("GET", "/z?k=1"), ("POST", "/z?k=1")])
        self.assertEqual(self.receiver.requests[1].json(), [])
        made = answer.json
        self.assertEqual((made["url"], made["name"], made["isEnabled"], made["subscriptions"]),
                         (self.receiver.url + "/z?k=1", "tests", True, {"Contact_Add": None}))
        self.assertEqual(self.desk("GET", "/webhooks/" + made["id"]).json, made)
        self.assertEqual(self.desk("GET", "/webhooks").json["data"], [made])

    def test_others_are_answered_while_a_url_is_tried(self):
        self.knobs("desk", webhook_timeout_ms=1000)
        self.receiver.statuses = ["hang"]
        token = self.refresh().json["access_token"]
        answers = []
        body = {"url": self.receiver.url, "name": "slow", "subscriptions": {"Ticket_Add": None}}
        waiting = threading.Thread(target=lambda: answers.append(self.desk("POST", "/webhooks", body, token=token)))
        waiting.start()
        self.receiver.wait(1)
        self.assertEqual(self.desk("GET", "/organizations", token=token).status, 200)
        self.assertEqual(self.desk("GET", "/webhooks", token=token).status, 204)
        self.assertEqual(answers, [])
        waiting.join(20)
        self.assert_invalid(answers[0], "/url")
        self.assertEqual(self.desk("GET", "/webhooks", token=token).status, 204)

    def test_a_url_that_refuses_the_get_or_the_post_makes_none(self):
        for statuses in ([404], [200, 500], [0], [302]):
            self.receiver.statuses = list(statuses)
            self.assert_invalid(self.desk("POST", "/webhooks", {
                "url": self.receiver.url, "name": "x", "subscriptions": {"Ticket_Add": None}}), "/url")
        self.assertEqual(self.desk("GET", "/webhooks").status, 204)

    def test_the_validation_may_be_the_get_alone_or_none(self):
        for word, count in (("get", 1), ("off", 0)):
            self.knobs("desk", webhook_validation=word)
            del self.receiver.requests[:]
            self.desk("POST", "/webhooks", {"url": self.receiver.url, "name": "x", "subscriptions": {"Ticket_Add": None}})
            self.assertEqual([request.method for request in self.receiver.requests], ["GET"] * count)

    def test_a_reset_answers_who_still_waits(self):
        self.receiver.statuses = ["hang"]
        token = self.refresh().json["access_token"]
        answers = []
        body = {"url": self.receiver.url, "name": "slow", "subscriptions": {"Ticket_Add": None}}
        waiting = threading.Thread(target=lambda: answers.append(self.desk("POST", "/webhooks", body, token=token)))
        waiting.start()
        self.receiver.wait(1)
        self.assertEqual(self.services.control("POST", "/reset").status, 200)
        waiting.join(20)
        self.assert_invalid(answers[0], "/url")

    def test_mistakes_in_a_creation_are_refused(self):
        good = {"url": self.receiver.url, "name": "x", "subscriptions": {"Ticket_Add": None}}
        table = [({"url": None}, "/url"), ({"url": "ftp://example.com"}, "/url"), ({"name": "n" * 51}, "/name"),
                 ({"subscriptions": {}}, "/subscriptions"), ({"subscriptions": {"Ticket_Sold": None}}, "/subscriptions/Ticket_Sold"),
                 ({"subscriptions": {"Ticket_Update": {"fields": ["a", "b", "c", "d", "e", "f"]}}}, "/subscriptions/Ticket_Update"),
                 ({"subscriptions": {"Ticket_Update": {"colour": 1}}}, "/subscriptions/Ticket_Update"),
                 ({"subscriptions": {"Ticket_Add": {"departmentIds": ["x"]}}}, "/subscriptions/Ticket_Add")]
        for change, field in table:
            with self.subTest(change):
                self.assert_invalid(self.desk("POST", "/webhooks", {**good, **change}), field)
        for name in good:
            self.assert_invalid(self.desk("POST", "/webhooks", {key: good[key] for key in good if key != name}),
                                "/" + name, "missing")
        self.assert_error(self.desk("POST", "/webhooks", {**good, "secret": "x"}), 422, "UNPROCESSABLE_ENTITY")
        self.assertEqual(self.receiver.requests, [])

    def test_the_edition_allows_so_many(self):
        self.knobs("desk", webhooks_max=1)
        made = self.subscribe()
        body = {"url": self.receiver.url, "name": "x", "subscriptions": {"Ticket_Add": None}}
        self.assert_error(self.desk("POST", "/webhooks", body), 403, "FORBIDDEN")
        self.assertEqual(self.desk("DELETE", "/webhooks/" + made["id"]).status, 204)
        self.assertEqual(self.desk("GET", "/webhooks/" + made["id"]).status, 404)
        self.subscribe()

    def test_it_needs_its_scope(self):
        self.load()
        self.token = None
        self.assert_error(self.desk("GET", "/webhooks"), 403, "SCOPE_MISMATCH")


class EventsTest(Webhooks):
    def test_a_ticket_made_by_the_api_is_told_of_too(self):
        self.subscribe()
        ticket = self.ticket()
        request, = self.receiver.wait(1)
        event = self.one(request)
        self.assertEqual(list(event), ["payload", "eventTime", "eventType", "orgId"])
        self.assertEqual((event["eventType"], event["orgId"], event["eventTime"]), ("Ticket_Add", ORG, "1773133200000"))
        self.assertEqual(event["payload"], self.desk("GET", "/tickets/" + ticket["id"]).json)
        self.assertEqual((request.method, request.headers["Content-Type"]), ("POST", "application/json"))

    def test_an_update_says_what_was_before_to_those_who_asked(self):
        contact = self.contact()
        ticket = self.ticket(contact)
        self.subscribe({"Ticket_Update": {"includePrevState": True}})
        self.assertEqual(self.desk("PATCH", "/tickets/" + ticket["id"], {"status": "Closed"}).status, 200)
        event = self.one(self.receiver.wait(1)[0])
        self.assertEqual((event["payload"]["status"], event["payload"]["statusType"], event["prevState"]["status"]),
                         ("Closed", "Closed", "Open"))
        self.assertEqual((event["payload"]["closedTime"], event["prevState"]["closedTime"]),
                         ("2026-03-10T09:00:00.000Z", None))

    def test_only_the_fields_and_departments_that_were_asked_for(self):
        contact = self.contact()
        ours, theirs = self.ticket(contact), self.ticket(contact, departmentId=OTHER_DEPARTMENT)
        self.subscribe({"Ticket_Update": {"departmentIds": [DEPARTMENT], "fields": ["status", "priority"]}})
        for ticket, change in ((ours, {"subject": "Another"}), (theirs, {"status": "Closed"}), (ours, {"priority": "High"})):
            self.assertEqual(self.desk("PATCH", "/tickets/" + ticket["id"], change).status, 200)
        self.wait_for(["delivered"])
        event = self.one(self.receiver.requests[0])
        self.assertEqual((event["payload"]["id"], event["payload"]["priority"]), (ours["id"], "High"))
        self.assertNotIn("prevState", event)

    def test_each_kind_of_event_has_its_payload(self):
        self.subscribe({name: None for name in ("Ticket_Add", "Ticket_Delete", "Ticket_Comment_Add", "Contact_Add",
                                                "Contact_Update")})
        contact = self.contact()
        ticket = self.ticket(contact)
        comment = self.desk("POST", "/tickets/%s/comments" % ticket["id"], {"content": "A note", "isPublic": False}).json
        self.desk("PATCH", "/contacts/" + contact["id"], {"phone": "05550100001"})
        self.desk("POST", "/tickets/moveToTrash", {"ticketIds": [ticket["id"]]})
        events = {event["eventType"]: event["payload"] for event in (self.one(each) for each in self.receiver.wait(5))}
        self.assertEqual({name: payload["id"] for name, payload in events.items()},
                         {"Contact_Add": contact["id"], "Ticket_Add": ticket["id"], "Ticket_Comment_Add": comment["id"],
                          "Contact_Update": contact["id"], "Ticket_Delete": ticket["id"]})
        self.assertEqual((events["Ticket_Comment_Add"]["ticketId"], events["Ticket_Comment_Add"]["content"]),
                         (ticket["id"], "A note"))
        self.assertEqual(events["Contact_Update"]["phone"], "05550100001")

    def test_an_inline_contact_is_told_of_with_its_ticket(self):
        self.subscribe({"Contact_Add": None})
        body = {"subject": "x", "departmentId": DEPARTMENT, "contact": {"lastName": "Caller", "email": "caller@example.com"}}
        for _ in range(2):
            self.assertEqual(self.desk("POST", "/tickets", body).status, 200)
        self.wait_for(["delivered"])

    def test_what_comes_from_an_ignored_source_is_not_told(self):
        self.subscribe(ignoreSourceId="switchboard")
        contact = self.contact()["id"]
        body = {"subject": "x", "departmentId": DEPARTMENT, "contactId": contact}
        self.desk("POST", "/tickets", body, headers={"sourceId": "switchboard"})
        self.desk("POST", "/tickets", body, headers={"sourceId": "another"})
        self.wait_for(["delivered"])

    def test_a_disabled_webhook_hears_nothing_until_it_is_enabled(self):
        made = self.subscribe()
        contact = self.contact()
        for is_enabled in (False, True):
            self.assertEqual(self.desk("PATCH", "/webhooks/" + made["id"], {"isEnabled": is_enabled}).status, 200)
            self.ticket(contact)
        self.wait_for(["delivered"])

    def test_a_request_that_is_refused_is_no_event(self):
        self.subscribe()
        self.desk("POST", "/tickets", {"subject": "x"})
        self.assertEqual(self.sent(), [])


class SignatureTest(Webhooks):
    def token_of(self, request):
        token = request.headers["X-ZDesk-JWT"]
        head, claims = (json.loads(decode(part)) for part in token.split(".")[:2])
        return token, head, claims

    def test_the_token_names_portal_and_webhook_and_fits_the_published_key(self):
        made = self.subscribe()
        self.ticket()
        token, head, claims = self.token_of(self.receiver.wait(1)[0])
        keys = self.services.call("desk", "GET", "/.well-known/jwks.json").json["keys"]
        self.assertEqual(len(keys), 1)
        self.assertEqual((head["alg"], head["kid"], keys[0]["kty"], keys[0]["alg"]), ("RS256", keys[0]["kid"], "RSA", "RS256"))
        self.assertEqual((claims["iss"], claims["aud"]), ("orgId:" + ORG, "webhookId:" + made["id"]))
        self.assertTrue(claims["iat"] <= 1773133200 < claims["exp"])
        self.assertTrue(is_signed_by(token, keys[0]))

    def test_it_can_be_wrong_in_each_way(self):
        made = self.subscribe()
        contact = self.contact()
        key = self.services.call("desk", "GET", "/.well-known/jwks.json").json["keys"][0]
        seen = {}
        for word in ("good", "wrong_key", "other_webhook", "other_portal", "expired"):
            self.knobs("desk", webhook_signature=word)
            self.ticket(contact)
            token, _, claims = self.token_of(self.receiver.wait(len(seen) + 1)[-1])
            seen[word] = (is_signed_by(token, key), claims["iss"] == "orgId:" + ORG,
                          claims["aud"] == "webhookId:" + made["id"], claims["exp"] > 1773133200)
        self.assertEqual(seen, {"good": (True,) * 4, "wrong_key": (False, True, True, True),
                                "other_webhook": (True, True, False, True), "other_portal": (True, False, True, True),
                                "expired": (True, True, True, False)})
        self.knobs("desk", webhook_signature="none")
        self.ticket(contact)
        self.assertIsNone(self.receiver.wait(6)[-1].headers["X-ZDesk-JWT"])


class TroubleTest(Webhooks):
    def test_410_ends_the_subscription(self):
        made = self.subscribe()
        contact = self.contact()
        self.receiver.statuses = [410]
        self.ticket(contact)
        self.wait_for(["given up"])
        self.assertIs(self.desk("GET", "/webhooks/" + made["id"]).json["isEnabled"], False)
        self.ticket(contact)
        self.wait_for(["given up"])

    def test_who_takes_longer_than_the_limit_has_failed(self):
        self.knobs("desk", webhook_timeout_ms=100)
        self.subscribe()
        self.receiver.statuses = ["hang"]
        self.ticket()
        self.wait_for(["given up"])
        self.assertRegex(self.sent()[0]["tries"][0]["fault"], "imed out")
        self.assertEqual(self.services.control("GET", "/knobs").json["desk"]["webhook_timeout_ms"]["initial"], "5000")

    def test_retries_are_there_for_those_who_believe_in_them(self):
        self.knobs("desk", webhook_retries=2, webhook_retry_ms=30000)
        self.subscribe()
        self.receiver.statuses = [500, 503]
        self.ticket()
        for count in (1, 2):
            self.receiver.wait(count)
            self.wait_for(["waiting"])
            self.advance(30000)
        self.wait_for(["delivered"])
        self.assertEqual(len({request.body for request in self.receiver.requests}), 1)

    def test_duplicates_and_another_order(self):
        self.subscribe()
        contact = self.contact()
        self.knobs("desk", webhook_copies=2, webhook_jitter_ms=60000)
        tickets = [self.ticket(contact)["id"] for _ in range(6)]
        for _ in range(60):
            self.advance(1000)
        came = [self.one(request)["payload"]["id"] for request in self.receiver.wait(12)]
        self.assertEqual(sorted(came), sorted(tickets * 2))
        self.assertNotEqual(came, sorted(came))

    def test_an_event_can_come_late(self):
        self.subscribe()
        self.knobs("desk", webhook_delay_ms=60000)
        self.ticket()
        self.advance(59999)
        self.wait_for(["waiting"])
        self.advance(1)
        self.wait_for(["delivered"])


class EndTest(unittest.TestCase):
    """A program of its own, because it ends."""

    def test_it_ends_with_messages_under_way_and_a_creation_that_waits(self):
        services = Services(ServicesTest.program, "--seed", "7")
        receiver = Receiver()
        self.addCleanup(receiver.close)
        receiver.statuses = ["hang"] * 3
        scope = {"accounts": {"refresh_tokens": [{"token": REFRESH, "scope": "Desk.webhooks.ALL"}]}}
        self.assertEqual(services.control("POST", "/scenario", scope).status, 200)
        form = {"grant_type": "refresh_token", "refresh_token": REFRESH, "client_id": CLIENT, "client_secret": SECRET}
        token = services.call("accounts", "POST", "/oauth/v2/token?" + urllib.parse.urlencode(form)).json["access_token"]
        faults = []

        def create():
            try:
                services.call("desk", "POST", "/api/v1/webhooks",
                              {"url": receiver.url, "name": "x", "subscriptions": {"Ticket_Add": None}},
                              {"Authorization": "Bearer " + token, "orgId": ORG})
            except OSError as fault:
                faults.append(fault)

        waiting = threading.Thread(target=create)
        waiting.start()
        receiver.wait(1)
        sid = services.control("POST", "/exotel/calls", {"start": "-20m"}).json["sids"][0]
        for more in ({"copies": 2}, {"delay_s": 100}):
            plan = {"kind": "passthru", "sid": sid, "url": receiver.url, **more}
            self.assertEqual(services.control("POST", "/exotel/webhooks", plan).status, 200)
        receiver.wait(3)
        self.assertEqual(services.close(), 0)
        waiting.join(20)
        self.assertEqual(len(faults), 1)


if __name__ == "__main__":
    run()
