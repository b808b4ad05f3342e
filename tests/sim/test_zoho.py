#!/usr/bin/env python3
"""Zoho accounts and Zoho Desk: the numbered items ZA to ZF of what a faithful simulator must do."""

import concurrent.futures
import gzip
import re
import sys
import unittest
import urllib.parse

from localservices import CLIENT, DEPARTMENT, ORG, REFRESH, SECRET, ServicesTest

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
CONTACT_KEYS = set(
    "id layoutId firstName lastName facebook twitter accountCount email secondaryEmail mobile phone city country state "
    "street zip description title type createdTime modifiedTime ownerId language accountId customFields cf "
    "layoutDetails zohoCRMContact customerHappiness isTrashed isAnonymous isDeleted isFollowing isEndUser photoURL "
    "isSpam webUrl".split())
CONTACT_LIST_KEYS = set(
    "accountCount accountId createdTime customerHappiness email firstName id isAnonymous isEndUser isSpam lastName "
    "mobile ownerId phone photoURL secondaryEmail title type webUrl zohoCRMContact".split())
CONTACT_SEARCH_KEYS = (CONTACT_KEYS - {"isDeleted", "isFollowing", "isTrashed", "layoutDetails"}) | {"account", "owner"}
COMMENT_KEYS = set("id content commenterId commentedTime modifiedTime contentType commenter impersonatedUser isPublic "
                   "encodedContent attachments".split())
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$")


def multipart(name="file", file_name="call.mp3", data=b"abc", boundary="xyz", more=b""):
    body = (b"--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\nContent-Type: audio/mpeg\r\n\r\n"
            % (boundary.encode(), name.encode(), file_name.encode())) + data + b"\r\n" + more
    return body + b"--%s--\r\n" % boundary.encode(), {"Content-Type": "multipart/form-data; boundary=" + boundary}


def quote(text):
    return urllib.parse.quote(text, safe="")


class ZA(ServicesTest):
    def test_za1_refresh_has_the_documented_body(self):
        body = self.refresh().json
        self.assertEqual(set(body), {"access_token", "scope", "api_domain", "token_type", "expires_in"})
        self.assertEqual((body["expires_in"], body["token_type"]), (3600, "Bearer"))
        self.assertEqual(body["api_domain"], "https://www.zohoapis.in")
        self.assertRegex(body["access_token"], r"^1000\.[0-9a-f]{32}\.[0-9a-f]{32}$")

    def test_za1_query_string_works_too(self):
        query = "?" + urllib.parse.urlencode({"grant_type": "refresh_token", "refresh_token": REFRESH,
                                              "client_id": CLIENT, "client_secret": SECRET})
        self.assertIn("access_token", self.token_call(query).json)

    def test_za1_expiry_may_be_said_otherwise(self):
        self.knobs("accounts", expires_key="expires_in_sec")
        self.assertEqual(self.refresh().json["expires_in_sec"], 3600)
        self.knobs("accounts", expires_key="absent")
        self.assertFalse([key for key in self.refresh().json if key.startswith("expires")])

    def authorize(self, **changes):
        query = {"response_type": "code", "client_id": CLIENT, "scope": "Desk.tickets.ALL,Desk.basic.READ",
                 "redirect_uri": "http://127.0.0.1:9/back", "access_type": "offline", "prompt": "consent",
                 "state": "a b&c"}
        query.update(changes)
        query = {key: value for key, value in query.items() if value is not None}
        return self.services.call("accounts", "GET", "/oauth/v2/auth?" + urllib.parse.urlencode(query))

    def code(self, **changes):
        answer = self.authorize(**changes)
        self.assertEqual(answer.status, 302, answer.body)
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["Location"]).query))

    def exchange(self, code, **changes):
        form = {"grant_type": "authorization_code", "client_id": CLIENT, "client_secret": SECRET,
                "redirect_uri": "http://127.0.0.1:9/back", "code": code}
        form.update(changes)
        return self.token_call(**form).json

    def test_za1_authorization_code(self):
        back = self.code()
        self.assertEqual((back["location"], back["state"]), ("in", "a b&c"))
        self.assertEqual(back["accounts-server"], self.services.urls["accounts"])
        body = self.exchange(back["code"])
        self.assertEqual(body["scope"], "Desk.tickets.ALL Desk.basic.READ")
        self.assertIn("refresh_token", body)
        self.assertEqual(self.exchange(back["code"]), {"error": "invalid_code"})
        self.assertIn("access_token", self.refresh(refresh_token=body["refresh_token"]).json)
        self.assertNotIn("refresh_token", self.exchange(self.code(access_type="online")["code"]))

    def test_za1_code_expires_and_is_bound_to_its_redirect(self):
        self.assertEqual(self.exchange(self.code()["code"], redirect_uri="http://127.0.0.1:9/other"),
                         {"error": "invalid_code"})
        code = self.code()["code"]
        self.advance(121000)
        self.assertEqual(self.exchange(code), {"error": "invalid_code"})

    def test_za1_consent_refuses_what_is_wrong(self):
        for changes, text in (({"scope": "Desk.tickets.ALL,Desk.nothing.READ"}, b"invalid_oauthscope"),
                              ({"client_id": "1000.NOBODY"}, b"invalid_client"),
                              ({"redirect_uri": "https://example.com/back"}, b"invalid_redirect_uri"),
                              ({"redirect_uri": None}, b"invalid_redirect_uri"),
                              ({"scope": None}, b"invalid_oauthscope"), ({"response_type": "token"}, b"response_type")):
            answer = self.authorize(**changes)
            self.assertEqual(answer.status, 400)
            self.assertIn(text, answer.body)

    def test_za1_server_info(self):
        body = self.services.call("accounts", "GET", "/oauth/serverinfo").json
        self.assertEqual(body["result"], "success")
        self.assertEqual(body["locations"]["in"], self.services.urls["accounts"])
        self.assertEqual(body["locations"]["ca"], "https://accounts.zohocloud.ca")

    def test_za1_client_credentials(self):
        form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET,
                "scope": "Desk.tickets.READ", "soid": "ZohoDesk." + ORG}
        self.assertNotIn("refresh_token", self.token_call(**form).json)
        self.assertEqual(self.token_call(**dict(form, scope="Desk.x.READ")).json, {"error": "invalid_scope"})
        self.assertEqual(self.token_call(**dict(form, soid="ZohoDesk.1")).json, {"error": "invalid_soid"})
        del form["soid"]
        self.assertEqual(self.token_call(**form).json, {"error": "missing_org_info"})

    def test_za2_errors_come_with_200(self):
        for changes, word in (({"refresh_token": "1000.x.y"}, "invalid_code"), ({"client_id": "x"}, "invalid_client"),
                              ({"client_secret": "x"}, "invalid_client_secret"),
                              ({"grant_type": "magic"}, "general_error")):
            answer = self.refresh(**changes)
            self.assertEqual((answer.status, answer.json), (200, {"error": word}))

    def test_za2_client_of_another_data_centre(self):
        self.load(accounts={"clients": [{"id": "1000.EU", "secret": "s", "elsewhere": True},
                                        {"id": CLIENT, "secret": SECRET}]})
        self.assertEqual(self.refresh(client_id="1000.EU", client_secret="s").json, {"error": "invalid_client"})

    def test_za3_eleventh_request_is_denied_until_the_window_ends(self):
        for _ in range(10):
            self.assertIn("access_token", self.refresh().json)
        answer = self.refresh()
        self.assertEqual((answer.status, answer.json["error"], answer.json["status"]),
                         (400, "Access Denied", "failure"))
        self.knobs("accounts", denied_status="200")
        self.assertEqual(self.refresh().status, 200)
        self.advance(590000)
        self.assertEqual(self.refresh().json["error"], "Access Denied")
        self.advance(11000)
        self.assertIn("access_token", self.refresh().json)
        report = self.services.report()["services"]["accounts"]
        self.assertEqual((report["token_refreshes"], report["token_denied"]), (11, 3))

    def test_za4_eleventh_live_token_kills_the_oldest(self):
        self.knobs("accounts", token_requests_max=0)
        tokens = [self.refresh().json["access_token"] for _ in range(11)]
        self.assert_error(self.desk("GET", "/departments", token=tokens[0]), 401, "INVALID_OAUTH")
        for token in tokens[1:]:
            self.assertEqual(self.desk("GET", "/departments", token=token).status, 200)

    def test_za4_revoked_refresh_token(self):
        self.assertEqual(self.desk("GET", "/departments").status, 200)
        answer = self.services.call("accounts", "POST", "/oauth/v2/token/revoke?token=" + REFRESH)
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.refresh().json, {"error": "invalid_code"})
        self.assert_error(self.desk("GET", "/departments"), 401, "INVALID_OAUTH")

    def test_za4_twenty_first_refresh_token_deletes_the_oldest(self):
        self.knobs("accounts", codes_max=0)
        for _ in range(20):
            self.exchange(self.code()["code"])
        self.assertEqual(self.refresh().json, {"error": "invalid_code"})


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


class ZD(ServicesTest):
    def search(self, query):
        answer = self.desk("GET", "/contacts/search?" + query)
        self.assertIn(answer.status, (200, 204), answer.body)
        return [row["lastName"] for row in answer.json["data"]] if answer.json else []

    def test_zd1_create_needs_only_a_last_name(self):
        contact = self.contact(lastName="Caller", mobile="(555) 010-0001")
        self.assertEqual(set(contact), CONTACT_KEYS)
        self.assertEqual((contact["mobile"], contact["phone"], contact["accountCount"]), ("(555) 010-0001", None, "0"))
        self.assertEqual(contact["webUrl"].rsplit("/", 1)[1], contact["id"])
        self.assert_invalid(self.desk("POST", "/contacts", {"phone": "1"}), "/lastName", "missing")
        for field, value in (("lastName", "l" * 201), ("firstName", "f" * 41), ("phone", "1" * 51),
                             ("mobile", "1" * 51), ("email", "e"), ("ownerId", "1"), ("street", "s" * 251),
                             ("description", "d" * 65536), ("phone", ""), ("phone", 5550100001)):
            self.assert_invalid(self.desk("POST", "/contacts", dict({"lastName": "x"}, **{field: value})), "/" + field)

    def test_zd1_duplicates_are_accepted_unless_the_layout_forbids(self):
        ids = {self.contact(email="a@example.com")["id"] for _ in range(3)}
        self.assertEqual(len(ids), 3)
        self.knobs("desk", unique_contact_field="email")
        answer = self.desk("POST", "/contacts", {"lastName": "x", "email": "a@example.com"})
        self.assert_invalid(answer, "/email", "duplicate")
        self.assertEqual(self.services.report()["violations_total"], 0)

    def test_zd1_get_patch_and_list(self):
        contact = self.contact(phone="1 555 010 0001")
        self.assertEqual(self.desk("GET", "/contacts/" + contact["id"]).json, contact)
        answer = self.desk("PATCH", "/contacts/" + contact["id"], {"mobile": "5550100002"})
        self.assertEqual((answer.status, set(answer.json), answer.json["phone"], answer.json["mobile"]),
                         (200, CONTACT_KEYS, "1 555 010 0001", "5550100002"))
        self.contact(lastName="Second")
        rows = self.desk("GET", "/contacts?limit=50").json["data"]
        self.assertEqual([row["lastName"] for row in rows], ["Caller", "Second"])
        self.assertEqual(set(rows[0]), CONTACT_LIST_KEYS)

    def test_zd2_numbers_are_texts(self):
        self.contact(lastName="Plus", phone="+915550100001")
        self.contact(lastName="Zero", phone="05550100001")
        self.contact(lastName="Bare", mobile="5550100001")
        self.contact(lastName="Spaced", phone="555 010 0001")
        cases = {"phone=5550100001": [], "phone=*5550100001": ["Plus", "Zero"], "mobile=*5550100001": ["Bare"],
                 "phone=%2B915550100001": ["Plus"], "phone=+915550100001": [], "phone=*555*": ["Plus", "Zero", "Spaced"],
                 "phone=555*": ["Spaced"], "phone=05550100001,%2B915550100001": ["Plus", "Zero"],
                 "phone=*5550100001&lastName=Zero": ["Zero"], "phone=%24%7Bempty%7D": ["Bare"],
                 "phone=%24%7Bnotempty%7D": ["Plus", "Zero", "Spaced"], "phone=*5550100009": []}
        for query, wanted in cases.items():
            self.assertEqual(self.search(query), wanted, query)

    def test_zd2_other_criteria_and_shape(self):
        self.contact(lastName="Alpha", firstName="Ann", email="ann@example.com", cf={"cf_crm_id": "17"})
        self.contact(lastName="Beta", email="ann@example.com.example.org", cf={"cf_crm_id": "171"})
        cases = {"email=ann@example.com": ["Alpha"], "email=ann@example.com*": ["Alpha", "Beta"],
                 "email=*example.com": [], "customField1=cf_crm_id:17": ["Alpha"],
                 "customField2=cf_crm_id:17*": ["Alpha", "Beta"], "fullName=Ann%20Alpha": ["Alpha"],
                 "lastName=alp*": ["Alpha"], "_all=example.org": ["Beta"], "sortBy=-lastName": ["Beta", "Alpha"],
                 "": ["Alpha", "Beta"], "createdTimeRange=2020-01-01T00:00:00Z,null": ["Alpha", "Beta"],
                 "createdTimeRange=null,2020-01-01T00:00:00.000Z": [], "limit=1": ["Alpha"], "from=1": ["Beta"]}
        for query, wanted in cases.items():
            self.assertEqual(self.search(query), wanted, query)
        body = self.desk("GET", "/contacts/search?limit=1").json
        self.assertEqual(body["count"], 2)
        self.assertEqual(set(body["data"][0]), CONTACT_SEARCH_KEYS)
        self.assertEqual(body["data"][0]["owner"]["emailId"], "agent.one@example.com")

    def test_zd2_default_limit_is_ten(self):
        for number in range(12):
            self.contact(lastName="N%02d" % number)
        body = self.desk("GET", "/contacts/search").json
        self.assertEqual((len(body["data"]), body["count"]), (10, 12))

    def test_zd3_index_lag_of_both_searches_also_after_an_update(self):
        self.knobs("desk", index_lag_ms=60000)
        contact = self.contact(phone="5550100001")
        ticket = self.ticket(contact, subject="Call one", cf={"cf_ref": "C-1"})
        contacts, tickets = "/contacts/search?phone=*5550100001", "/tickets/search?customField1=cf_ref:C-1"
        self.assertEqual((self.desk("GET", contacts).status, self.desk("GET", tickets).status), (204, 204))
        self.assertEqual(self.desk("GET", "/contacts/" + contact["id"]).status, 200)
        self.advance(61000)
        self.assertEqual((self.desk("GET", contacts).status, self.desk("GET", tickets).status), (200, 200))
        self.desk("PATCH", "/contacts/" + contact["id"], {"phone": "5550100002"})
        self.desk("PATCH", "/tickets/" + ticket["id"], {"cf": {"cf_ref": "C-2"}})
        self.assertEqual(self.desk("GET", contacts).json["data"][0]["phone"], "5550100001")
        self.assertEqual(self.desk("GET", tickets).status, 200)
        self.assertEqual(self.desk("GET", "/contacts/search?phone=*5550100002").status, 204)
        self.advance(61000)
        self.assertEqual((self.desk("GET", contacts).status, self.desk("GET", tickets).status), (204, 204))
        self.assertEqual(self.desk("GET", "/contacts/search?phone=*5550100002").status, 200)

    def test_ticket_search_criteria(self):
        contact = self.contact(lastName="Alpha", email="a@example.com")
        first = self.ticket(contact, subject="Call from 05550100001 - Billing [C-01]", phone="05550100001",
                            priority="High", cf={"cf_ref": "C-01"})
        self.advance(2000)
        self.ticket(subject="Other one", status="Closed")
        cases = {"subject=Call%20from*": 1, "subject=Call%20from": 0, "_all=C-01": 1, "customField1=cf_ref:C-01": 1,
                 "customField1=cf_ref:C-0": 0, "customField1=cf_ref:C-0*": 1, "contactId=" + contact["id"]: 1,
                 "contactName=Alpha": 1, "departmentId=" + DEPARTMENT: 2, "phone=*5550100001": 1, "priority=High": 1,
                 "status=%24%7BOPEN%7D": 1, "status=Closed": 1, "status=Open,Closed": 2, "channel=Phone": 2,
                 "ticketNumber=" + first["ticketNumber"]: 1, "assigneeId=%24%7Bempty%7D": 0, "accountName=Acme": 0,
                 "createdTimeRange=null,2020-01-01T00:00:00Z": 0, "": 2}
        for query, count in cases.items():
            answer = self.desk("GET", "/tickets/search?" + query)
            self.assertEqual(answer.json["count"] if answer.json else 0, count, (query, answer.body))
        rows = self.desk("GET", "/tickets/search?sortBy=modifiedTime").json["data"]
        self.assertEqual(rows[0]["id"], first["id"])
        self.assertEqual(rows[0]["contact"]["lastName"], "Alpha")

    def test_spam_is_not_found_by_search(self):
        contact = self.contact()
        ticket = self.ticket(contact)
        self.assertEqual(self.services.control("POST", "/desk/spam", {"id": ticket["id"]}).status, 204)
        self.assertEqual(self.desk("GET", "/tickets/search?id=" + ticket["id"]).status, 204)
        self.assertEqual(len(self.desk("GET", "/contacts/%s/tickets" % contact["id"]).json["data"]), 1)
        self.assertEqual(self.desk("GET", "/contacts/%s/tickets?isSpam=false" % contact["id"]).status, 204)


class ContactHistoryTest(ServicesTest):
    """What people and the CRM do to contacts: merged, deleted, of one department, linked."""

    def refused(self, contact, **more):
        body = {"subject": "x", "departmentId": DEPARTMENT, "contactId": contact["id"], **more}
        return self.desk("POST", "/tickets", body)

    def change(self, contact, **what):
        return self.services.control("POST", "/desk/contacts", {"id": contact["id"], **what}).status

    def find(self, query):
        answer = self.desk("GET", "/contacts/search?" + query)
        return [row["id"] for row in answer.json["data"]] if answer.status == 200 else []

    def test_a_merged_contact_is_gone_and_its_tickets_are_the_others(self):
        old, new = self.contact(email="old@example.com"), self.contact(email="new@example.com")
        ticket = self.ticket(old)
        self.assertEqual(self.change(old, merged_into=new["id"]), 204)
        self.assertEqual(self.desk("GET", "/contacts/" + old["id"]).status, 404)
        self.assertEqual(self.find("email=old@example.com"), [])
        self.assertEqual(self.desk("GET", "/contacts/%s/tickets" % old["id"]).status, 404)
        self.assertEqual(self.desk("GET", "/tickets/" + ticket["id"]).json["contactId"], new["id"])
        self.assert_invalid(self.refused(old), "/contactId")
        self.knobs("desk", merged_contact="survivor")
        self.assertEqual(self.desk("GET", "/contacts/" + old["id"]).json["id"], new["id"])

    def test_a_trashed_contact_says_so_and_takes_no_ticket(self):
        contact = self.contact(email="old@example.com")
        self.assertEqual(self.change(contact, trashed=True), 204)
        self.assertTrue(self.desk("GET", "/contacts/" + contact["id"]).json["isTrashed"])
        self.assertEqual(self.find("email=old@example.com"), [])
        self.assert_invalid(self.refused(contact), "/contactId")

    def test_a_contact_of_one_department_takes_no_ticket_of_another(self):
        contact = self.contact(email="a@example.com")
        self.assertEqual(self.change(contact, department_id="5000001000000006009"), 204)
        self.assert_invalid(self.refused(contact), "/contactId")
        body = {"subject": "x", "departmentId": DEPARTMENT, "contact": {"lastName": "Rao", "email": "a@example.com"}}
        self.assertNotEqual(self.desk("POST", "/tickets", body).json["contactId"], contact["id"])

    def test_the_scenario_tells_of_the_crm(self):
        rows = [{"lastName": "Rao", "email": "a@example.com", "zohoCRMContact": {"id": "7000001", "type": "contacts"}},
                {"lastName": "Rao", "email": "b@example.com", "merged_into": 0}]
        self.assertLess(self.services.control("POST", "/load", {"desk": {"contacts": rows}}).status, 300)
        found = self.desk("GET", "/contacts/search?email=a@example.com").json["data"][0]
        self.assertEqual(found["zohoCRMContact"], {"id": "7000001", "type": "contacts"})
        self.assertEqual(self.find("email=b@example.com"), [])
        rows = self.services.control("GET", "/desk/contacts").json
        self.assertEqual([row["merged_into"] for row in rows], [None, rows[0]["id"]])

    def test_a_custom_field_is_searched_exactly(self):
        contact = self.contact(cf={"cf_crm_id": "7000001"})
        self.contact(cf={"cf_crm_id": "70000012"})
        self.assertEqual(self.find("customField1=cf_crm_id:7000001"), [contact["id"]])


class ZE(ServicesTest):
    def setUp(self):
        super().setUp()
        scope = "Desk.tickets.ALL Desk.contacts.ALL Desk.search.READ Desk.basic.READ Desk.basic.CREATE"
        self.load(accounts={"refresh_tokens": [{"token": REFRESH, "scope": scope}]})
        self.path = "/tickets/" + self.ticket()["id"]

    def comment(self, **fields):
        return self.desk("POST", self.path + "/comments", fields)

    def test_ze1_comment_shape_and_list(self):
        answer = self.comment(content="Part 1 <b>", isPublic=False, contentType="plainText")
        self.assertEqual((answer.status, set(answer.json)), (200, COMMENT_KEYS))
        self.assertEqual((answer.json["isPublic"], answer.json["contentType"], answer.json["content"]),
                         (False, "plainText", "Part 1 <b>"))
        self.assertEqual(answer.json["commenter"]["roleName"], "CEO")
        self.assertEqual(self.comment(content="Part 2").json["contentType"], "html")
        rows = self.desk("GET", self.path + "/comments?sortBy=commentedTime&limit=100&from=0").json["data"]
        self.assertEqual([row["content"] for row in rows], ["Part 1 <b>", "Part 2"])
        self.assertEqual(self.desk("GET", self.path + "/comments/" + rows[0]["id"]).json["content"], "Part 1 <b>")
        self.assertEqual(self.desk("GET", self.path).json["commentCount"], "2")
        self.assertEqual(self.desk("GET", self.path + "/comments?from=2").status, 204)

    def test_ze1_content_limit_and_strict_keys(self):
        self.assertEqual(self.comment(content="\u0928" * 32000).status, 200)
        self.assert_invalid(self.comment(content="x" * 32001), "/content")
        self.assert_invalid(self.comment(isPublic=False), "/content", "missing")
        self.assert_invalid(self.comment(content="x", isPublic="false"), "/isPublic")
        self.assert_invalid(self.comment(content="x", contentType="text"), "/contentType")
        self.assert_error(self.comment(content="x", private=True), 422, "UNPROCESSABLE_ENTITY",
                          "An extra parameter 'private' is found")

    def test_ze1_attachment_shape(self):
        body, headers = multipart(data=b"a\r\n--x\0b" * 9)
        answer = self.desk("POST", self.path + "/attachments?isPublic=false", body, headers)
        self.assertEqual((answer.status, set(answer.json)),
                         (200, {"id", "creatorId", "name", "size", "isPublic", "createdTime", "previewurl", "href"}))
        self.assertEqual((answer.json["name"], answer.json["size"], answer.json["isPublic"]), ("call.mp3", "72", False))
        path = self.path + "/attachments/" + answer.json["id"]
        self.assertEqual(self.desk("GET", path + "/content").body, b"a\r\n--x\0b" * 9)
        self.assertEqual(self.desk("PATCH", path, {"isPublic": True}).status, 200)
        self.assertTrue(self.desk("GET", self.path + "/attachments").json["data"][0]["isPublic"])
        self.assertEqual(self.desk("DELETE", path).status, 200)
        self.assertEqual(self.desk("GET", self.path + "/attachments").status, 204)

    def test_ze2_field_must_be_file_and_small_enough(self):
        body, headers = multipart(name="upload")
        self.assert_error(self.desk("POST", self.path + "/attachments", body, headers), 422, "UNPROCESSABLE_ENTITY",
                          "An extra parameter 'upload' is found")
        body, headers = multipart(more=b"--xyz\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nx\r\n")
        self.assert_error(self.desk("POST", self.path + "/attachments", body, headers), 422, "UNPROCESSABLE_ENTITY")
        self.assert_error(self.desk("POST", self.path + "/attachments", {"file": "x"}), 415, "UNSUPPORTED_MEDIA_TYPE")
        self.assert_error(self.desk("POST", self.path + "/attachments", body[:-9], headers), 422,
                          "UNPROCESSABLE_ENTITY")
        self.knobs("desk", attachment_max_bytes=10)
        body, headers = multipart(data=b"x" * 11)
        self.assert_error(self.desk("POST", self.path + "/attachments", body, headers), 413, "RESOURCE_SIZE_EXCEEDED")
        self.knobs("desk", attachment_max_bytes=0)
        self.assertEqual(self.desk("POST", self.path + "/attachments", body, headers).status, 200)

    def test_ze2_uploads_are_used_once(self):
        body, headers = multipart()
        upload = self.desk("POST", "/uploads", body, headers).json
        self.assertIn("/uploads/", upload["href"])
        self.assertEqual(len(self.comment(content="x", attachmentIds=[upload["id"]]).json["attachments"]), 1)
        self.assert_invalid(self.comment(content="x", attachmentIds=[upload["id"]]), "/attachmentIds")
        self.knobs("desk", upload_shape="short")
        upload = self.desk("POST", "/uploads", body, headers).json
        self.assertEqual(upload["fileName"], "call.mp3")
        self.assertEqual(self.ticket(uploads=[upload["id"]])["attachmentCount"], "1")

    def test_ze3_comment_on_unknown_or_trashed_ticket(self):
        self.assert_error(self.desk("POST", "/tickets/1/comments", {"content": "x"}), 404, "URL_NOT_FOUND")
        self.desk("POST", "/tickets/moveToTrash", {"ticketIds": [self.path.rsplit("/", 1)[1]]})
        self.assert_error(self.comment(content="x"), 404, "URL_NOT_FOUND")


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
