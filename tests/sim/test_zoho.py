#!/usr/bin/env python3
"""Zoho Desk: the numbered items ZB, ZC and ZF of what a faithful simulator must do."""

import concurrent.futures
import gzip
import re
import sys
import unittest

from localservices import DEPARTMENT, ORG, REFRESH, ServicesTest

CREATE_KEYS = set(
    "modifiedTime subCategory statusType subject dueDate departmentId channel onholdTime language source resolution "
    "sharedDepartments closedTime approvalCount isOverDue isTrashed createdTime id isResponseOverdue "
    "customerResponseTime productId contactId threadCount secondaryContacts priority classification commentCount "
    "taskCount accountId phone webUrl isSpam status entitySkills ticketNumber customFields isArchived description "
    "timeEntryCount channelRelatedInfo responseDueDate isDeleted modifiedBy email layoutDetails channelCode cf slaId "
    "layoutId assigneeId teamId attachmentCount isEscalated category".split())
GET_KEYS = CREATE_KEYS | {"sentiment", "createdBy", "tagCount", "followerCount", "isFollowing"}
LIST_KEYS = set(
    "accountId assigneeId category channel channelCode closedTime commentCount contactId createdTime "
    "customerResponseTime departmentId dueDate email id isArchived isSpam language lastThread layoutId onholdTime "
    "phone priority productId relationshipType responseDueDate sentiment source status statusType subCategory "
    "subject teamId threadCount ticketNumber webUrl".split())
SEARCH_KEYS = set(
    "accountId assignee assigneeId category cf channel childTicketCount classification closedTime commentCount contact "
    "contactId createdBy createdTime customFields customerResponseTime department departmentId description dueDate "
    "email entitySkills id isArchived isEscalated isOverDue isRead isSpam language lastThread layoutId modifiedBy "
    "modifiedTime onholdTime phone priority product productId relationshipType resolution responseDueDate "
    "secondaryContacts sharedDepartments slaId status statusType subCategory subject team teamId threadCount "
    "ticketNumber webUrl".split())
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$")


class ZB(ServicesTest):
    def test_zb1_without_authorization(self):
        answer = self.services.call("desk", "GET", "/api/v1/nothing")
        self.assert_error(answer, 401, "UNAUTHORIZED", "You are not authenticated to perform this operation.")
        self.assertIsNone(answer.headers["X-Rate-Limit-Remaining-v3"])

    def test_zb2_unknown_or_expired_token(self):
        self.assert_error(self.desk("GET", "/tickets", token="x"), 401, "INVALID_OAUTH",
                          "The OAuth Token you provided is invalid.")
        self.assert_error(self.desk("GET", "/tickets", headers={"Authorization": "Basic eDp5"}), 401, "INVALID_OAUTH")
        self.assertEqual(self.desk("GET", "/tickets").status, 204)
        self.advance(3601000)
        self.assert_error(self.desk("GET", "/tickets"), 401, "INVALID_OAUTH")

    def test_zb3_organization(self):
        text = "The value passed for the 'orgId' parameter is invalid."
        self.assert_error(self.desk("GET", "/tickets", org=None), 422, "UNPROCESSABLE_ENTITY", text)
        self.assert_error(self.desk("GET", "/tickets", org="12x"), 422, "UNPROCESSABLE_ENTITY", text)
        self.assert_error(self.desk("GET", "/tickets", org="600000009"), 403, "OAUTH_ORG_MISMATCH",
                          "The OAuthToken is not valid for specified organization")
        self.assertEqual(self.desk("GET", "/tickets?orgId=" + ORG, org=None).status, 204)
        self.assertEqual(self.desk("GET", "/organizations", org=None).status, 200)

    def test_zb4_scope(self):
        scopes = {"/tickets": "Desk.contacts.READ", "/tickets/search?subject=abc": "Desk.tickets.READ",
                  "/contacts/search?phone=1": "Desk.contacts.READ", "/departments": "Desk.tickets.ALL",
                  "/contacts/1/tickets": "Desk.contacts.READ Desk.tickets.READ"}
        for path, scope in scopes.items():
            self.load(accounts={"refresh_tokens": [{"token": REFRESH, "scope": scope}]})
            self.token = None
            self.assert_error(self.desk("GET", path), 403, "SCOPE_MISMATCH",
                              "The OAuth Token does not contain the scope to perform this operation.")
        self.load(accounts={"refresh_tokens": [{"token": REFRESH, "scope": "Desk.contacts.ALL Desk.search.READ"}]})
        self.token = None
        self.assertEqual(self.desk("GET", "/contacts/search?phone=1").status, 204)

    def test_zb5_concurrency(self):
        self.knobs("desk", concurrency_max=3, latency_ms=300)
        self.token = self.refresh().json["access_token"]
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _: self.desk("GET", "/tickets"), range(6)))
        refused = [answer for answer in answers if answer.status == 429]
        self.assertEqual(len(refused), 3)
        self.assert_error(refused[0], 429, "TOO_MANY_REQUESTS",
                          "The maximum number of Concurrent API Calls that can be made has been exceeded.")
        self.assertIsNone(refused[0].headers["Retry-After"])

    def test_zb5_credits_of_the_day(self):
        self.services.control("POST", "/clock", {"mode": "driven", "now": "2026-03-10T17:30:00Z"})
        self.knobs("desk", credits_per_day=7)
        self.assertEqual([self.desk("GET", "/contacts").status for _ in range(2)], [204, 204])
        answer = self.desk("GET", "/contacts")
        self.assert_error(answer, 429, "THRESHOLD_EXCEEDED")
        self.assertEqual(answer.headers["Retry-After"], "3600")
        self.advance(3600000)
        self.token = None
        self.assertEqual(self.desk("GET", "/contacts").status, 204)

    def test_zb6_unknown_path_verb_and_media_type(self):
        self.assert_error(self.desk("GET", "/nothing"), 404, "URL_NOT_FOUND",
                          "The URL you requested could not be found.")
        self.assert_error(self.desk("GET", "/tickets/5000001000000999999"), 404, "URL_NOT_FOUND")
        self.assert_error(self.desk("GET", "/contacts/abc"), 404, "URL_NOT_FOUND")
        self.assert_error(self.desk("DELETE", "/tickets/" + self.ticket()["id"]), 405, "METHOD_NOT_ALLOWED")
        self.assert_error(self.desk("POST", "/contacts", b"lastName=x", {"Content-Type": "text/plain"}), 415,
                          "UNSUPPORTED_MEDIA_TYPE")

    def test_zb7_extra_parameters_and_ranges(self):
        cases = (("/tickets?sortOrder=asc", "Extra query parameter 'sortOrder' is present in the input."),
                 ("/contacts/search?phone=1&x=2", "Extra query parameter 'x' is present in the input."),
                 ("/tickets?limit=101", "The value passed for field 'limit' exceeds the range of '1-100'."),
                 ("/contacts/search?limit=0", "The value passed for field 'limit' exceeds the range of '1-100'."),
                 ("/tickets/search?subject=abc&from=5000",
                  "The value passed for field 'from' exceeds the range of '0-4999'."),
                 ("/contacts/search?from=x", "The value passed for the 'from' query parameter is invalid."),
                 ("/tickets?sortBy=subject", "The value passed for the 'sortBy' query parameter is invalid."),
                 ("/tickets/search?subject=ab", "The value passed for the 'subject' query parameter is invalid."),
                 ("/contacts/search?phone=" + ",".join("1" * 31),
                  "The value passed for the 'phone' query parameter is invalid."),
                 ("/contacts/search?createdTimeRange=today",
                  "The value passed for the 'createdTimeRange' query parameter is invalid."),
                 ("/tickets/search?customField1=call", "The value passed for the 'customField1' query parameter is"
                                                       " invalid."),
                 ("/tickets/search?customField11=cf_x:1", "Extra query parameter 'customField11' is present in the"
                                                          " input."))
        for path, text in cases:
            self.assert_error(self.desk("GET", path), 422, "UNPROCESSABLE_ENTITY", text)
        self.assert_error(self.desk("POST", "/contacts", {"lastName": "x", "cf_a": "1"}), 422, "UNPROCESSABLE_ENTITY",
                          "An extra parameter 'cf_a' is found")
        self.assertGreaterEqual(self.services.report()["violations_total"], len(cases))

    def test_zb8_empty_payload(self):
        self.assert_error(self.desk("POST", "/contacts"), 422, "EMPTY_PAYLOAD")
        self.knobs("desk", empty_payload_status="400")
        self.assert_error(self.desk("POST", "/contacts"), 400, "EMPTY_PAYLOAD")

    def test_zb9_headers_and_both_schemes(self):
        token = self.refresh().json["access_token"]
        for scheme in ("Zoho-oauthtoken", "Bearer"):
            answer = self.services.call("desk", "GET", "/api/v1/departments",
                                        headers={"authorization": scheme + " " + token, "ORGID": ORG})
            self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], "application/json;charset=UTF-8")
        self.assertEqual(answer.headers["Server"], "ZGS")
        self.assertEqual(answer.headers["X-Rate-Limit-Request-Weight-v3"], "3")
        self.assertEqual(answer.headers["X-Rate-Limit-Remaining-v3"], str(101000 - 6))
        self.assertEqual(len(answer.headers.get_all("Set-Cookie")), 3)
        self.assertEqual(self.desk("POST", "/contacts", {"lastName": "x"}).headers["X-Rate-Limit-Request-Weight-v3"],
                         "1")
        self.assertEqual(self.desk("GET", "/contacts/search?lastName=q").headers["X-Rate-Limit-Request-Weight-v3"],
                         "3")

    def test_zb9_transfer_and_gzip(self):
        short = self.desk("POST", "/contacts", {"lastName": "x"})
        self.assertEqual(short.headers["Content-Length"], str(len(short.body)))
        self.assertIsNone(self.ticket_answer().headers["Content-Length"])
        self.knobs("desk", transfer="length")
        self.assertIsNotNone(self.ticket_answer().headers["Content-Length"])
        long = {"subject": "Long", "description": "x" * 65000}
        packed = self.ticket_answer({"Accept-Encoding": "gzip"}, **long)
        self.assertEqual(packed.headers["Content-Encoding"], "gzip")
        self.assertIn(b"x" * 65000, gzip.decompress(packed.body))
        self.assertIsNone(self.ticket_answer(**long).headers["Content-Encoding"])

    def ticket_answer(self, headers=None, **fields):
        body = {"subject": "T", "departmentId": DEPARTMENT, "contactId": self.contact()["id"]}
        body.update(fields)
        return self.desk("POST", "/tickets", body, headers)


class ZC(ServicesTest):
    def test_zc1_create_answers_the_recorded_ticket(self):
        contact = self.contact()
        answer = self.desk("POST", "/tickets", {"subject": "Call from 05550100001", "departmentId": DEPARTMENT,
                                                "contactId": contact["id"]})
        self.assertEqual(answer.status, 200)
        ticket = answer.json
        self.assertEqual(set(ticket), CREATE_KEYS)
        self.assertRegex(ticket["id"], r"^\d{16,19}$")
        for key in ("commentCount", "threadCount", "attachmentCount", "taskCount", "approvalCount"):
            self.assertEqual(ticket[key], "0")
        for key in ("createdTime", "modifiedTime", "customerResponseTime"):
            self.assertRegex(ticket[key], TIME)
        self.assertEqual([ticket[key] for key in ("status", "statusType", "channel", "language", "priority", "phone")],
                         ["Open", "Open", "Phone", "English", None, None])
        self.assertEqual(ticket["webUrl"], "https://desk.zoho.in/support/acmedesk/ShowHomePage.do#Cases/dv/"
                         + ticket["id"])
        self.assertEqual(ticket["source"], {"appName": None, "extId": None, "permalink": None, "type": "SYSTEM",
                                            "uuid": None, "appPhotoURL": None})
        self.assertEqual((ticket["cf"], ticket["isTrashed"]), ({}, False))
        self.assertEqual(answer.headers["isassignmentruleapplied"], "false")
        self.assertEqual(int(self.ticket(contact)["ticketNumber"]), int(ticket["ticketNumber"]) + 1)
        self.knobs("desk", default_language="null")
        self.assertIsNone(self.ticket(contact)["language"])

    def test_zc1_views_have_the_recorded_keys(self):
        contact = self.contact()
        ticket = self.ticket(contact)
        self.assertEqual(set(self.desk("GET", "/tickets/" + ticket["id"]).json), GET_KEYS)
        row = self.desk("GET", "/tickets").json["data"][0]
        self.assertEqual(set(row), LIST_KEYS)
        self.assertNotIn("uuid", row["source"])
        found = self.desk("GET", "/tickets/search?id=" + ticket["id"]).json
        self.assertEqual((set(found["data"][0]), found["count"]), (SEARCH_KEYS, 1))

    def test_zc2_missing_and_bad_fields(self):
        contact = self.contact()["id"]
        good = {"subject": "S", "departmentId": DEPARTMENT, "contactId": contact}
        for field in good:
            body = {key: value for key, value in good.items() if key != field}
            self.assert_invalid(self.desk("POST", "/tickets", body), "/" + field, "missing")
        wrong = {"departmentId": ["", "x", "5000001000000999999", None], "contactId": ["", "5000001000000999999"],
                 "subject": ["", "s" * 256, 7, None], "description": ["d" * 65536, 1],
                 "phone": ["(555) 0100001", "1" * 121], "email": ["x", "a@b", "@example.com", "a b@example.com"],
                 "priority": ["Urgent", 1], "classification": ["Other"], "productId": ["", "p"], "assigneeId": ["7"],
                 "dueDate": ["tomorrow", "2026-03-10", "2026-03-10T09:00:00+05:30", "1826-03-10T09:00:00Z"],
                 "responseDueDate": ["2026-03-10T09:00:00.000Z"], "secondaryContacts": [["1"] * 21, ["x"], "1"],
                 "entitySkills": [["1"] * 11], "webUrl": ["u" * 5001], "category": ["c" * 301],
                 "ticketCreationType": ["other"], "parentTicket": [{}, {"id": "x"}], "uploads": [["999"]],
                 "status": ["s" * 121], "teamId": ["x"], "cf": ["x", []], "sharedDepartments": [[{"id": "1"}]]}
        for field, values in wrong.items():
            for value in values:
                answer = self.desk("POST", "/tickets", dict(good, **{field: value}))
                self.assert_invalid(answer, "/" + field)
        self.assert_invalid(self.desk("POST", "/tickets", dict(good, cf={"cf_a": 1})), "/cf/cf_a")
        self.assert_invalid(self.desk("POST", "/tickets", dict(good, cf={"a": "1"})), "/cf/a")
        self.assert_error(self.desk("POST", "/tickets", dict(good, tags=["abc"])), 422, "UNPROCESSABLE_ENTITY",
                          "An extra parameter 'tags' is found")
        self.assertEqual(self.services.report()["services"]["desk"]["tickets_total"], 0)

    def test_zc2_what_is_allowed_at_the_limits(self):
        contact = self.contact()
        self.ticket(contact, subject="\u0928" * 255, description="d" * 65535, phone="+91 5550100001, ext;1'/!\u0928",
                    email="_a.b+c@sub-domain.example.com", priority="High", dueDate="2026/3/1T9:00:00Z", teamId="",
                    cf={"cf_a": "x" * 255, "cf_b": None}, status="On Hold", channel="Web", responseDueDate="null",
                    sharedDepartments=[{"id": "1", "type": "READ_ONLY"}], category="c" * 300)
        body = {"subject": "By number", "departmentId": int(DEPARTMENT), "contactId": int(contact["id"])}
        self.assertEqual(self.desk("POST", "/tickets", body).json["contactId"], contact["id"])
        self.knobs("desk", subject_max=10, picklists="open")
        self.ticket(contact, subject="s" * 10, priority="Urgent")
        self.assert_invalid(self.desk("POST", "/tickets", dict(body, subject="s" * 11)), "/subject")

    def test_zc2_inline_contact_matches_by_email_only(self):
        known = self.contact(email="Known@example.com", phone="5550100001")
        body = {"subject": "S", "departmentId": DEPARTMENT, "contact": {"lastName": "X", "email": "known@example.com"}}
        self.assertEqual(self.desk("POST", "/tickets", body).json["contactId"], known["id"])
        body["contact"]["email"] = "new@example.com"
        self.assertNotEqual(self.desk("POST", "/tickets", body).json["contactId"], known["id"])
        body["contact"] = {"firstName": "X"}
        self.assert_invalid(self.desk("POST", "/tickets", body), "/contact/lastName", "missing")
        body["contact"] = {"lastName": "X", "phone": "5550100001"}
        self.assert_error(self.desk("POST", "/tickets", body), 422, "UNPROCESSABLE_ENTITY",
                          "An extra parameter 'phone' is found")

    def test_zc2_mandatory_custom_field(self):
        self.knobs("desk", mandatory_cf="cf_branch")
        body = {"subject": "S", "departmentId": DEPARTMENT, "contactId": self.contact()["id"]}
        self.assert_invalid(self.desk("POST", "/tickets", body), "/cf/cf_branch", "missing")
        self.assertEqual(self.services.report()["violations_total"], 0)
        self.assertEqual(self.desk("POST", "/tickets", dict(body, cf={"cf_branch": "Pune"})).status, 200)

    def test_zc3_two_identical_posts_make_two_tickets(self):
        contact = self.contact()
        first, second = self.ticket(contact), self.ticket(contact)
        self.assertNotEqual(first["id"], second["id"])

    def test_zc4_patch(self):
        ticket = self.ticket()
        self.advance(5000)
        answer = self.desk("PATCH", "/tickets/" + ticket["id"] + "?disableClosureNotification=true",
                           {"status": "Closed", "cf": {"cf_a": "1"}})
        self.assertEqual((answer.status, set(answer.json)), (200, CREATE_KEYS))
        self.assertEqual((answer.json["statusType"], answer.json["cf"]), ("Closed", {"cf_a": "1"}))
        self.assertRegex(answer.json["closedTime"], TIME)
        self.assertGreater(answer.json["modifiedTime"], ticket["modifiedTime"])
        self.assertEqual(answer.json["subject"], ticket["subject"])
        self.desk("PATCH", "/tickets/" + ticket["id"], {"cf": {"cf_b": "2"}})
        self.assertEqual(self.desk("GET", "/tickets/" + ticket["id"]).json["cf"], {"cf_a": "1", "cf_b": "2"})
        for method in ("PUT", "DELETE"):
            self.assert_error(self.desk(method, "/tickets/" + ticket["id"], {}), 405, "METHOD_NOT_ALLOWED")

    def test_zc4_blueprint(self):
        ticket = self.ticket()
        self.knobs("desk", blueprint="403")
        self.assert_error(self.desk("PATCH", "/tickets/" + ticket["id"], {"status": "Closed"}), 403, "FORBIDDEN")
        self.assertEqual(self.desk("PATCH", "/tickets/" + ticket["id"], {"priority": "Low"}).status, 200)
        self.knobs("desk", blueprint="422")
        self.assert_invalid(self.desk("PATCH", "/tickets/" + ticket["id"], {"status": "Closed"}), "/status")

    def test_zc4_move_to_trash(self):
        self.load(accounts={"refresh_tokens": [{"token": REFRESH, "scope": "Desk.tickets.ALL Desk.contacts.ALL "
                                                                            "Desk.search.READ"}]})
        contact = self.contact()
        ticket = self.ticket(contact)
        self.assert_invalid(self.desk("POST", "/tickets/moveToTrash", {"ticketIds": ["1"]}), "/ticketIds")
        answer = self.desk("POST", "/tickets/moveToTrash", {"ticketIds": [ticket["id"]]})
        self.assertEqual((answer.status, answer.body, answer.headers["X-Rate-Limit-Request-Weight-v3"]),
                         (204, b"", "6"))
        self.assertEqual(self.desk("GET", "/contacts/%s/tickets" % contact["id"]).status, 204)
        self.assertEqual(self.desk("GET", "/tickets/search?id=" + ticket["id"]).status, 204)
        self.assertTrue(self.desk("GET", "/tickets/" + ticket["id"]).json["isTrashed"])

    def test_zc5_contact_tickets_are_there_at_once(self):
        contact = self.contact()
        path = "/contacts/%s/tickets" % contact["id"]
        self.assertEqual(self.desk("GET", path).status, 204)
        self.knobs("desk", index_lag_ms=60000)
        tickets = []
        for number in range(3):
            tickets.append(self.ticket(contact, subject="S%d" % number)["id"])
            self.advance(2000)
        rows = self.desk("GET", path + "?sortBy=-createdTime&limit=2&from=0").json["data"]
        self.assertEqual([row["id"] for row in rows], tickets[:0:-1])
        rows = self.desk("GET", path + "?sortBy=createdTime&from=2&departmentId=" + DEPARTMENT).json["data"]
        self.assertEqual([row["id"] for row in rows], tickets[2:])
        self.assertEqual(self.desk("GET", path + "?departmentId=1").status, 204)
        self.assert_error(self.desk("GET", path + "?sortBy=subject"), 422, "UNPROCESSABLE_ENTITY")
        self.assert_error(self.desk("GET", "/contacts/1/tickets"), 404, "URL_NOT_FOUND")
        self.knobs("desk", contact_tickets_lag_ms=3000)
        self.assertEqual(len(self.desk("GET", path).json["data"]), 2)

    def test_zc5_ticket_list_is_newest_first(self):
        contact = self.contact()
        ids = []
        for _ in range(3):
            ids.append(self.ticket(contact)["id"])
            self.advance(2000)
        self.assertEqual([row["id"] for row in self.desk("GET", "/tickets?limit=2").json["data"]], [ids[2], ids[1]])
        self.assertEqual([row["id"] for row in self.desk("GET", "/tickets?from=1&limit=1").json["data"]], [ids[1]])
        self.knobs("desk", list_from_base="1")
        self.assertEqual([row["id"] for row in self.desk("GET", "/tickets?from=1&limit=1").json["data"]], [ids[2]])
        self.assertEqual(self.desk("GET", "/tickets?status=Closed").status, 204)

    def test_tags_are_set_apart_and_searched(self):
        ticket = self.ticket()
        path = "/tickets/%s/associateTag" % ticket["id"]
        self.assert_invalid(self.desk("POST", path, {"tags": ["ab"]}), "/tags")
        self.assertEqual(self.desk("POST", path, {"tags": ["phone call"]}).status, 204)
        self.assertEqual(self.desk("GET", "/tickets/" + ticket["id"]).json["tagCount"], "1")
        self.assertEqual(self.desk("GET", "/tickets/search?tag=phone%20call").json["count"], 1)


class ZF(ServicesTest):
    def test_zf2_token_expires_in_mid_run(self):
        self.assertEqual(self.desk("GET", "/tickets").status, 204)
        self.assertEqual(self.services.control("POST", "/accounts/revoke", {}).status, 204)
        self.assert_error(self.desk("GET", "/tickets"), 401, "INVALID_OAUTH")
        self.token = None
        self.assertEqual(self.desk("GET", "/tickets").status, 204)
        self.services.control("POST", "/accounts/revoke", {"refresh_tokens": True})
        self.assertEqual(self.refresh().json, {"error": "invalid_code"})

    def test_zf2_html_pages_and_bursts_of_429(self):
        self.fault(service="desk", action="status", status=429, count=2,
                   body={"errorCode": "TOO_MANY_REQUESTS", "message": "x"}, headers={"Content-Type": "application/json"})
        self.fault(service="accounts", action="html_with_200", count=1)
        self.assertIsNone(self.refresh().json)
        self.assertEqual([self.desk("GET", "/tickets").status for _ in range(3)], [429, 429, 204])

    def test_zf3_empty_answers_with_and_without_type(self):
        answer = self.desk("GET", "/tickets")
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual(answer.headers["Content-Type"], "application/json;charset=UTF-8")
        self.knobs("desk", empty_has_type=False)
        self.assertIsNone(self.desk("GET", "/tickets").headers["Content-Type"])

    def test_zf3_extra_fields_other_order_other_texts(self):
        self.knobs("desk", extra_fields=True, reorder_keys=True, error_text="other")
        contact = self.contact()
        self.assertIn("fieldOfTomorrow", contact)
        self.assertEqual(list(contact), sorted(contact))
        answer = self.desk("GET", "/tickets", org="1")
        self.assert_error(answer, 403, "OAUTH_ORG_MISMATCH", "Something about this request is not right.")
        self.knobs("desk", error_text="openapi")
        self.assert_error(self.services.call("desk", "GET", "/api/v1/tickets"), 401, "UNAUTHORIZED",
                          "You are not authorized to perform this operation.")


class Report(ServicesTest):
    def test_report_and_tickets_for_the_demo(self):
        call = "examplecall000000000000000000001"
        contact = self.contact(phone="+91 5550100001", mobile="05550100001")
        ticket = self.ticket(contact, subject="Call from 05550100001 - Billing [C-ABC]",
                             description="Call id: %s<br>" % call)
        self.ticket(contact, subject="Call from 05550100001 - Billing [C-ABC]")
        self.desk("POST", "/tickets/%s/comments" % ticket["id"], {"content": "Transcript of " + call,
                                                                 "isPublic": False})
        report = self.services.report()["services"]
        desk = report["desk"]
        self.assertEqual((desk["tickets_total"], desk["contacts_total"], desk["notes_total"]), (2, 1, 1))
        self.assertEqual(desk["tickets_per_reference"], {"C-ABC": 2})
        self.assertEqual(desk["tickets_per_call"], {call: 1, "": 1})
        self.assertEqual(desk["contacts_per_phone"], {"5550100001": 1})
        note = desk["notes"][ticket["id"]][0]
        self.assertEqual((note["length"], note["is_public"], note["call"]), (14 + len(call), False, call))
        self.assertEqual(report["accounts"]["token_refreshes"], 1)
        rows = self.services.control("GET", "/tickets").json
        self.assertEqual([row["id"] for row in rows][0], ticket["id"])
        self.assertEqual((rows[0]["contact"]["id"], len(rows[0]["comments"])), (contact["id"], 1))
        self.assertEqual(rows[0]["description"], "Call id: %s<br>" % call)

    def test_places_for_login(self):
        organizations = self.desk("GET", "/organizations", org=None).json["data"]
        self.assertEqual((organizations[0]["id"], organizations[0]["portalName"]), (ORG, "acmedesk"))
        rows = self.desk("GET", "/departments?isEnabled=true&limit=200").json["data"]
        self.assertEqual([row["id"] for row in rows], [DEPARTMENT, "5000001000000006002"])
        self.assertEqual(rows[0]["chatStatus"], "NOT_CREATED")
        self.assertEqual(self.desk("GET", "/agents?from=1").json["data"][0]["status"], "ACTIVE")


if __name__ == "__main__":
    ServicesTest.program = sys.argv.pop(1)
    unittest.main()
