#!/usr/bin/env python3
"""Zoho accounts: the numbered items ZA of what a faithful simulator must do."""

import sys
import unittest
import urllib.parse

from localservices import CLIENT, ORG, REFRESH, SECRET, ServicesTest


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


if __name__ == "__main__":
    ServicesTest.program = sys.argv.pop(1)
    unittest.main()
