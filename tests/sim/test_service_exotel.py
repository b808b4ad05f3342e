"""Items E1 to E5 and E7 of the Exotel contract, asked of the local services by number."""
import re

from services_case import Case, basic, query, run

LIST = "/v1/Accounts/acmedemo1/Calls.json"


class Exotel(Case):
    zone = "America/New_York"

    def get(self, path, headers=None, **values):
        return self.remote.request("exotel", path + query(values), headers=basic() if headers is None else headers)

    def list(self, **values):
        answer = self.get(LIST, **values)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def sids(self, **values):
        return [call["Sid"] for call in self.list(**values)["Calls"]]

    def one(self, sid, **values):
        answer = self.get("/v1/Accounts/acmedemo1/Calls/%s.json" % sid, **values)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json["Call"]

    def refused(self, message, **values):
        answer = self.get(LIST, **values)
        self.assertEqual((answer.status, answer.json), (400, {"RestException": {"Status": 400, "Message": message}}))


class Access(Exotel):
    def test_e1_2_bad_credentials_get_a_challenge(self):
        for headers in ({}, basic("demo-exotel-key", "wrong"), {"Authorization": "Bearer x"}):
            answer = self.get(LIST, headers=headers)
            self.assertEqual(answer.status, 401)
            self.assertTrue(answer.headers["WWW-Authenticate"].startswith('Basic realm="'))
            self.assertEqual(answer.json, {"RestException": {"Status": 401, "Message": "Authentication failed"}})
        self.remote.knobs("exotel", auth_body="empty")
        self.assertEqual(self.get(LIST, headers={}).body, b"")

    def test_e1_3_unknown_account_and_modes(self):
        path = "/v1/Accounts/nobody/Calls.json"
        self.assertEqual(self.get(path).status, 401)
        self.remote.knobs("exotel", unknown_account="404")
        self.assertEqual(self.get(path).status, 404)
        sid = self.add({"kind": "answered_inbound"})[0]
        for word, status in (("wrong_region", 404), ("ip_blocked", 403), ("not_in_plan", 402)):
            self.remote.knobs("exotel", access=word)
            self.assertEqual(self.get("/v1/Accounts/acmedemo1/Calls/%s.json" % sid).status, status)

    def test_e1_3_connect_without_kyc(self):
        self.remote.knobs("exotel", kyc=False)
        answer = self.remote.request("exotel", "/v1/Accounts/acmedemo1/Calls/connect.json", "POST",
                                       "From=05550100001&To=05550100002&CallerId=05550100900",
                                       dict(basic(), **{"Content-Type": "application/x-www-form-urlencoded"}))
        self.assertEqual(answer.status, 403)
        self.assertEqual(answer.json["RestException"]["Message"],
                         "Your account is not yet KYC compliant. This is mandatory by TRAI guidelines to connect "
                         "outbound voice calls.")
        self.assertNotIn("Code", answer.json["RestException"])

    def test_connect_starts_a_call(self):
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        path = "/v1/Accounts/acmedemo1/Calls/connect.json"
        answer = self.remote.request("exotel", path, "POST", "From=05550100001&To=05550100002&CallerId=05550100900",
                                       dict(basic(), **form))
        call = answer.json["Call"]
        self.assertEqual((call["Status"], call["EndTime"], call["Direction"]), ("in-progress", None, "outbound-api"))
        answer = self.remote.request("exotel", path, "POST", "From=05550100001", dict(basic(), **form))
        self.assertEqual(answer.status, 400)

    def test_e1_4_the_path_decides_the_language(self):
        self.add({"kind": "answered_inbound", "custom_field": "a < b & c"})
        answer = self.get("/v1/Accounts/acmedemo1/Calls", headers=dict(basic(), Accept="application/json"))
        self.assertEqual(answer.headers["content-type"], "application/xml")
        self.assertIn(b"<TwilioResponse><Metadata><Total>1</Total>", answer.body)
        self.assertIn(b"<Calls><Call><Sid>", answer.body)
        self.assertIn(b"a &lt; b &amp; c", answer.body)
        answer = self.get(LIST, headers=dict(basic(), Accept="application/xml"))
        self.assertEqual(answer.headers["content-type"], "application/json")
        answer = self.get("/v1/Accounts/acmedemo1/Calls", headers={})
        self.assertEqual(answer.body, b'<?xml version="1.0" encoding="UTF-8"?><TwilioResponse><RestException><Status>401'
                                      b"</Status><Message>Authentication failed</Message></RestException>"
                                      b"</TwilioResponse>")


class Filters(Exotel):
    def test_e2_1_filters(self):
        a, b, c = self.add({"kind": "answered_inbound", "from": "05550100001", "start": "-1h"},
                           {"kind": "missed_busy", "from": "05550100002", "start": "-2h"},
                           {"kind": "outbound_busy", "to": "05550100003", "from": "05550100101", "start": "-3h"})
        self.assertEqual(self.sids(), [a, b, c])
        self.assertEqual(self.sids(Sid=b + "," + c), [b, c])
        self.assertEqual(self.sids(From="+915550100001,+915550100002"), [a, b])
        self.assertEqual(self.sids(To="+915550100003"), [c])
        self.assertEqual(self.sids(PhoneNumber="+915550100900"), [a, b, c])
        self.assertEqual(self.sids(Status="busy,failed"), [c])
        self.assertEqual(self.sids(Direction="inbound"), [a, b])
        self.assertEqual(self.sids(Duration="gte:20s;lte:30s"), [b])
        self.assertEqual(self.sids(Duration="eq:96s"), [a])
        self.assertEqual(self.sids(Price="gte:0.50"), [a])
        self.assertEqual(self.sids(DateCreated="gte:2026-03-10 09:30:00;lte:2026-03-10 10:30:00"), [b])
        self.assertEqual(self.sids(DateCreated="gte:2026-03-10 10:00:00;lte:2026-03-10 10:00:00"), [b])

    def test_e2_2_time_range(self):
        old = self.add({"kind": "answered_inbound", "start": "-40d"}, {"kind": "answered_inbound", "start": "-1h"})[0]
        self.assertNotIn(old, self.sids())
        self.assertEqual(self.sids(Sid=old), [])
        self.assertEqual(self.sids(DateCreated="gte:2026-01-20 00:00:00;lte:2026-02-10 00:00:00"), [old])
        bounds = "time range is out of bounds"
        self.refused(bounds, DateCreated="gte:2026-02-01 00:00:00;lte:2026-03-10 00:00:00")
        self.refused(bounds, DateCreated="gte:2025-09-01 00:00:00;lte:2025-09-10 00:00:00")
        self.refused(bounds, DateCreated="gte:2026-03-10 00:00:00;lte:2026-03-11 00:00:00")
        self.list(DateCreated="gte:2026-03-10 00:00:00;lte:2026-03-10 23:59:59")
        self.list(DateCreated="gte:2025-09-12 00:00:00;lte:2025-09-20 00:00:00")
        self.remote.knobs("exotel", future_tolerance="strict")
        self.refused(bounds, DateCreated="gte:2026-03-10 00:00:00;lte:2026-03-10 12:00:01")
        self.list(DateCreated="gte:2026-03-10 00:00:00;lte:2026-03-10 12:00:00")
        self.remote.knobs("exotel", future_tolerance="unlimited")
        self.list(DateCreated="gte:2026-03-10 00:00:00;lte:2026-03-20 00:00:00")

    def test_e2_3_refusals(self):
        self.refused("valid values for Direction are inbound,outbound-dial,outbound-api", Direction="incoming")
        for name, value in (("DateCreated", "gte:2026-03-10"), ("DateCreated", "eq:2026-03-10 00:00:00"),
                            ("DateCreated", "gte:2026-02-30 00:00:00"), ("Duration", "gte:10"), ("Duration", "10s"),
                            ("Status", "done"), ("SortBy", "EndTime:asc"), ("details", "yes"), ("Offset", "5"),
                            ("StartTime>", "2026-03-10 00:00:00"), ("Price", "gte:x")):
            self.refused("Invalid parameter", **{name: value})
        self.refused("Invalid parameter", Sid=",".join("s%d" % i for i in range(101)))
        self.list(Sid=",".join("s%d" % i for i in range(100)))
        self.refused("Invalid parameter", From=",".join("+91555010000%d" % i for i in range(6)))
        for value in ("4", "61", "x", "5.5"):
            self.assertEqual(self.get(LIST, RecordingUrlValidity=value).status, 400)
        self.list(RecordingUrlValidity=60)
        self.remote.knobs("exotel", unknown_parameters="ignored")
        self.list(Offset="5")
        self.refused("Invalid parameter", **{"StartTime>": "2026-03-10 00:00:00"})

    def test_e2_4_page_size(self):
        self.add({"generate": 120})
        self.assertEqual(self.list()["Metadata"]["PageSize"], 50)
        self.assertEqual(len(self.sids(PageSize=1000)), 100)
        for value in ("0", "x", "-1", "1.5", ""):
            self.assertEqual(self.get(LIST, PageSize=value).status, 400)
        self.remote.knobs("exotel", page_size_over="rejected")
        self.assertEqual(self.get(LIST, PageSize=101).status, 400)


class Paging(Exotel):
    def walk(self, insert=None, **values):
        seen, uri = [], LIST + query(values)
        while uri:
            answer = self.get(uri)
            self.assertEqual(answer.status, 200, answer.body)
            page = answer.json
            seen += [call["Sid"] for call in page["Calls"]]
            uri = page["Metadata"]["NextPageUri"]
            if insert:
                insert()
        return seen

    def test_e2_5_order_and_stable_ties(self):
        first = self.add({"start": "-1h"}, {"start": "-1h"}, {"start": "-1h"}, {"start": "-2h"})
        ascending = self.sids(SortBy="DateCreated:asc")
        self.assertEqual(ascending, [first[i] for i in (3, 0, 1, 2)])
        self.assertEqual(self.sids(), ascending[::-1])
        self.assertEqual(self.sids(SortBy="DateCreated:desc"), ascending[::-1])

    def test_e2_5_inserts_neither_repeat_nor_drop(self):
        for order in ("asc", "desc"):
            before = set(self.add({"generate": 40, "spread_s": 60}))
            seen = self.walk(lambda: self.add({"start": "-25m"}, {"start": "-22m"}), PageSize=7,
                             SortBy="DateCreated:" + order)
            self.assertEqual(len(seen), len(set(seen)))
            self.assertTrue(before <= set(seen))

    def test_e2_5_before_goes_back(self):
        self.add({"generate": 10})
        everything = self.sids()
        second = self.get(self.list(PageSize=4)["Metadata"]["NextPageUri"]).json
        third = self.get(second["Metadata"]["NextPageUri"]).json
        self.assertEqual([c["Sid"] for c in third["Calls"]], everything[8:])
        back = self.get(third["Metadata"]["PrevPageUri"]).json
        self.assertEqual([c["Sid"] for c in back["Calls"]], everything[4:8])
        self.assertEqual(back["Metadata"]["NextPageUri"], second["Metadata"]["NextPageUri"])
        for bad in ("x", "c00", "Y3Vyc29yLTIx"):
            self.refused("Invalid parameter", After=bad)

    def test_e2_6_metadata(self):
        self.add({"generate": 4})
        window = "gte:2026-03-10 10:00:00;lte:2026-03-10 12:00:00"
        page = self.list(PageSize=2, DateCreated=window, details="true")
        uri = LIST + "?PageSize=2&DateCreated=gte%3A2026-03-10+10%3A00%3A00%3Blte%3A2026-03-10+12%3A00%3A00&details=true"
        self.assertEqual(list(page["Metadata"]), ["Total", "PageSize", "FirstPageUri", "PrevPageUri", "NextPageUri"])
        self.assertEqual((page["Metadata"]["Total"], page["Metadata"]["FirstPageUri"]), (4, uri))
        self.assertIsNone(page["Metadata"]["PrevPageUri"])
        self.assertRegex(page["Metadata"]["NextPageUri"], "^" + re.escape(uri) + "&After=[A-Za-z0-9_-]+$")
        last = self.get(page["Metadata"]["NextPageUri"]).json["Metadata"]
        self.assertIsNone(last["NextPageUri"], "a full last page names no further one")
        self.assertIn("&Before=", last["PrevPageUri"])

    def test_e2_6_switches(self):
        self.add({"generate": 4})
        self.remote.knobs("exotel", extra_empty_page=True)
        page = self.get(self.list(PageSize=2)["Metadata"]["NextPageUri"]).json
        self.assertEqual(self.get(page["Metadata"]["NextPageUri"]).json["Calls"], [])
        self.remote.knobs("exotel", extra_empty_page=False, last_page_uri="empty")
        self.assertEqual(self.list()["Metadata"]["NextPageUri"], "")
        self.remote.knobs("exotel", last_page_uri="absent")
        self.assertNotIn("NextPageUri", self.list()["Metadata"])
        self.remote.knobs("exotel", page_uri="absolute")
        self.assertTrue(self.list()["Metadata"]["FirstPageUri"].startswith(self.remote.urls["exotel"] + LIST))
        self.remote.knobs("exotel", page_uri="without_json")
        self.assertIn("/Calls?PageSize=2&After=", self.list(PageSize=2)["Metadata"]["NextPageUri"])


class Life(Exotel):
    def test_e2_7_running_calls_are_hidden_and_enter_late(self):
        early, running = self.add({"start": "-10m", "duration_s": 60},
                                  {"start": "-3h", "duration_s": 4 * 3600, "talk_s": 14000})
        self.assertEqual(self.sids(), [early])
        self.remote.knobs("exotel", list_ongoing=True)
        self.assertEqual(self.sids(), [early, running])
        self.remote.knobs("exotel", list_ongoing=False)
        self.remote.advance(3600)
        call = self.list()["Calls"][1]
        self.assertEqual((call["Sid"], call["DateCreated"]), (running, "2026-03-10 09:00:00"))

    def test_e2_8_times_are_indian_whatever_the_host_thinks(self):
        sid, = self.add({"start": "2026-03-10T05:30:00Z", "duration_s": 60})
        self.assertEqual(self.one(sid)["DateCreated"], "2026-03-10 11:00:00")

    def test_e3_1_e4_1_a_running_call(self):
        sid, = self.add({"start": "-1m", "duration_s": 600, "to": "05550100101"})
        call = self.one(sid, details="true")
        self.assertEqual([call[k] for k in ("Status", "EndTime", "Duration", "Price", "RecordingUrl", "To")],
                         ["in-progress", None, None, None, None, "05550100900"])

    def test_e4_the_life_of_a_call(self):
        sid, = self.add({"start": "now", "duration_s": 96, "talk_s": 64, "to": "05550100101", "price": 0.75})
        self.remote.advance(96)
        call = self.one(sid, Details="true")
        self.assertEqual([call[k] for k in ("Status", "EndTime", "Duration", "Price", "RecordingUrl", "To")],
                         ["completed", "1970-01-01 05:30:00", None, None, None, "05550100900"])
        self.assertEqual(call["Details"], {"ConversationDuration": 0, "Leg1Status": "completed", "Leg2Status": None,
                                           "Legs": []})
        self.assertEqual(call["DateUpdated"], "2026-03-10 12:01:36")
        self.remote.advance(119)
        self.assertIsNone(self.one(sid)["Duration"])
        self.remote.advance(1)
        call = self.one(sid, details="true")
        self.assertEqual(list(call), ["Sid", "ParentCallSid", "DateCreated", "DateUpdated", "AccountSid", "To", "From",
                                      "PhoneNumberSid", "Status", "StartTime", "EndTime", "Duration", "Price",
                                      "Direction", "AnsweredBy", "ForwardedFrom", "CallerName", "Uri", "RecordingUrl",
                                      "Details"])
        self.assertEqual([call[k] for k in ("DateCreated", "DateUpdated", "EndTime", "Duration", "Price", "To")],
                         ["2026-03-10 12:00:00", "2026-03-10 12:03:36", "2026-03-10 12:01:36", 96, 0.75, "05550100101"])
        self.assertEqual(call["Details"], {"ConversationDuration": 64, "Leg1Status": "completed",
                                           "Leg2Status": "completed",
                                           "Legs": [{"Leg": {"Id": 1, "OnCallDuration": 81}},
                                                    {"Leg": {"Id": 2, "OnCallDuration": 64}}]})
        self.assertTrue(call["RecordingUrl"].endswith("/exotelrecordings/acmedemo1/%s.mp3" % sid))

    def test_e4_3_e4_4_delays(self):
        self.remote.knobs("exotel", recording_url_at="end")
        sid, = self.add({"start": "-1m", "duration_s": 60, "settle_s": 900, "recording": {"delay_s": 30}})
        self.assertTrue(self.one(sid)["RecordingUrl"])
        self.remote.advance(899)
        self.assertIsNone(self.one(sid)["Duration"])
        self.remote.advance(1)
        self.assertEqual(self.one(sid)["Duration"], 60)

    def test_e2_9_switches(self):
        sid, = self.add({"kind": "answered_inbound", "price": 1.5})
        self.assertNotIn("PhoneNumber", self.one(sid))
        self.assertNotIn("Details", self.one(sid))
        self.assertNotIn("PreSignedRecordingUrl", self.one(sid))
        self.remote.knobs("exotel", phone_number=True, numbers_as_text=True, presigned=True)
        call = self.one(sid, RecordingUrlValidity=10)
        self.assertEqual((call["PhoneNumber"], call["Duration"], call["Price"]), ("05550100900", "96", "1.500"))
        self.assertIn("X-Amz-Expires=600&", call["PreSignedRecordingUrl"])

    def test_e2_10_rate_limit(self):
        for _ in range(200):
            self.assertEqual(self.get(LIST).status, 200)
        answer = self.get(LIST)
        self.assertEqual((answer.status, answer.json),
                         (429, {"RestException": {"Status": 429, "Message": "Too Many Requests"}}))
        self.assertNotIn("retry-after", answer.headers)
        self.remote.knobs("exotel", rate_body="html", rate_retry_after_s=30)
        answer = self.get(LIST)
        self.assertEqual((answer.headers["content-type"], answer.headers["retry-after"]), ("text/html", "30"))
        self.remote.advance(59.9)
        self.assertEqual(self.get(LIST).status, 429)
        self.remote.advance(0.2)
        self.assertEqual(self.get(LIST).status, 200)
        self.remote.knobs("exotel", rate_per_minute=0)
        self.assertEqual({self.get(LIST).status for _ in range(250)}, {200})

    def test_e3_2_unknown_calls(self):
        self.remote.control("/load", {"exotel": {
            "accounts": [{"sid": "acmedemo1", "api_key": "k1", "api_token": "t1"},
                         {"sid": "acmedemo2", "api_key": "k2", "api_token": "t2"}],
            "calls": [{"sid": "examplecall000000000000000000001", "account": "acmedemo1"}]}})
        path = "/v1/Accounts/%s/Calls/%s.json"
        missing = {"RestException": {"Status": 404, "Message": "Not Found"}}
        self.assertEqual(self.get(path % ("acmedemo1", "nosuchcall"), basic("k1", "t1")).json, missing)
        own = "examplecall000000000000000000001"
        self.assertEqual(self.get(path % ("acmedemo1", own), basic("k1", "t1")).status, 200)
        self.assertEqual(self.get(path % ("acmedemo2", own), basic("k2", "t2")).status, 404)
        self.assertEqual(self.get(path % ("acmedemo1", own), basic("k2", "t2")).status, 401)

    def test_control_changes_a_running_call(self):
        sid, = self.add({"start": "-1h", "duration_s": 14400})
        self.remote.control("/exotel/calls/" + sid, {"end": "now", "settle_s": 0})
        self.assertEqual(self.one(sid)["Duration"], 3600)


class Kinds(Exotel):
    def test_e4_5_every_kind_is_there(self):
        self.add({"generate": 1, "kind": "every"})
        calls = self.remote.control("/exotel/calls")["calls"]
        by_kind = {}
        for call in calls:
            by_kind.setdefault(call["kind"], call["sid"])
        listed = {call["Sid"]: call for call in self.list(PageSize=100, details="true")["Calls"]}
        self.assertEqual(len(listed), len(calls))

        def see(kind):
            call = listed[by_kind[kind]]
            return call, call.get("Details", {})

        self.assertEqual(see("answered_inbound_sip")[0]["To"], "sip:demoagent01")
        for kind, leg2 in (("missed_no_answer", "no-answer"), ("missed_busy", "busy"), ("missed_canceled", "canceled"),
                           ("missed_ivr", None)):
            call, details = see(kind)
            self.assertEqual((call["Status"], details["Leg2Status"], call["To"]), ("completed", leg2, "05550100900"))
        for kind, status in (("outbound_no_answer", "no-answer"), ("outbound_busy", "busy"),
                             ("outbound_failed", "failed"), ("outbound_canceled", "failed")):
            self.assertEqual(see(kind)[0]["Status"], status)
        self.assertEqual(see("outbound_canceled")[1]["Leg2Status"], "canceled")
        self.assertEqual(see("flow")[0]["To"], see("flow")[0]["PhoneNumberSid"])
        self.assertEqual((see("empty_status")[0]["Status"], see("null_status")[0]["Status"]), ("", None))
        self.assertEqual(see("empty_status")[1]["Legs"][1]["Leg"]["OnCallDuration"], 88)
        call, details = see("never_settles")
        self.assertEqual((call["EndTime"], details["Legs"], call["Price"], bool(call["RecordingUrl"])),
                         ("1970-01-01 05:30:00", [], None, True))
        self.assertEqual(see("recording_without_talk")[1]["ConversationDuration"], 0)
        self.assertTrue(see("recording_without_talk")[0]["RecordingUrl"])
        self.assertEqual(see("talk_without_recording")[0]["RecordingUrl"], "")
        self.assertNotIn(by_kind["renamed_recording"], see("renamed_recording")[0]["RecordingUrl"])
        self.assertEqual(see("four_hours")[0]["Duration"], 14400)
        self.assertEqual(see("zero_duration")[0]["Duration"], 0)
        self.assertIn("\U0001f600", see("unicode_field")[0]["CustomField"])
        self.assertNotIn("EndTime", see("missing_fields")[0])
        self.assertTrue(see("late_evening")[0]["StartTime"].endswith("23:59:59"))
        self.assertRegex(by_kind["wide_sid"], "^[g-z]{25}[0-9]{7}$")
        starts = [call["StartTime"] for call in listed.values()]
        self.assertLess(len(set(starts)), len(starts), "two calls began in the same second")
        for call in listed.values():
            self.assertRegex(call["Sid"], "^[0-9a-z]{32}$")

    def test_generator_is_deterministic(self):
        recipe = {"generate": 30, "kind": "mixed", "callers": 4, "recording_bytes": 5000}
        sids = self.add(recipe)
        calls = self.remote.control("/exotel/calls")["calls"]
        customers = {c["from"] if c["direction"] == "inbound" else c["to"] for c in calls}
        self.assertEqual(len(customers), 4)
        self.setUp()
        self.assertEqual(self.add(recipe), sids)

    def test_mistakes_in_plans_are_told(self):
        for plan, text in (({"kind": "nonsense"}, "unknown kind"), ({"strat": "now"}, "unknown member"),
                           ({"start": "yesterday"}, "not a time"), ({"sid": "a", "from": 5}, "not a text")):
            answer = self.remote.request("control", "/control/exotel/calls", "POST", plan)
            self.assertEqual(answer.status, 400)
            self.assertIn(text, answer.json["error"])

    def test_a_list_with_a_mistake_adds_nothing(self):
        kept = self.add({"start": "-1h"})
        plans = [{"sid": "a1", "start": "-2h"}, {"generate": 3}, {"sid": "a1"}]
        answer = self.remote.request("control", "/control/exotel/calls", "POST", plans)
        self.assertEqual((answer.status, answer.json["error"]), (400, "two calls have the sid 'a1'"))
        self.assertEqual(self.sids(), kept)
        self.assertEqual(len(self.add(*plans[:2])), 4)


class Ccm(Exotel):
    def test_e7_1_users(self):
        answer = self.get("/v2/accounts/acmedemo1/users", fields="devices", limit=2, offset=1).json
        self.assertEqual(answer["metadata"], {"total": 3, "count": 2, "offset": 1, "limit": 2})
        self.assertEqual(answer["response"][0]["data"]["devices"][0]["contact_uri"], "+915550100102")
        self.assertNotIn("devices", self.get("/v2/accounts/acmedemo1/users").json["response"][0]["data"])
        answer = self.get("/v2/accounts/acmedemo1/users", limit=51)
        self.assertEqual((answer.status, answer.json["response"]["error_data"]["code"]), (400, 1002))

    def test_e7_1_calls_and_legs(self):
        sid, = self.add({"start": "-20m", "duration_s": 300, "talk_s": 280, "kind": "outbound_answered",
                         "from": "05550100101", "to": "05550100001"})
        call = self.get("/v2/accounts/acmedemo1/calls/" + sid).json["response"]["call_details"]
        self.assertEqual((call["assigned_agent_details"]["contact_uri"], call["customer_details"]["number"],
                          call["start_time"], call["total_talk_time"]),
                         ("05550100101", "05550100001", "2026-03-10T06:10:00.000Z", 280))
        call = self.get("/v3/accounts/acmedemo1/calls/" + sid).json["response"]["call_details"]
        self.assertEqual((call["state"], call["end_time"], len(call["recordings"])),
                         ("terminal", "2026-03-10 11:45:00+05:30", 1))
        legs = self.get("/v3/accounts/acmedemo1/calls/%s/legs" % sid).json["response"]["leg_details"]
        self.assertEqual((legs["from"][0]["contact_uri"], legs["to"][0]["contact_uri"]), ("05550100101", "05550100001"))

    def test_e7_2_errors(self):
        answer = self.get("/v3/accounts/acmedemo1/calls/nosuch/legs")
        self.assertEqual((answer.status, answer.json["response"]["error_data"]["code"]), (404, 10744))
        answer = self.get("/v2/accounts/acmedemo1/users", headers={})
        self.assertEqual((answer.status, answer.json["response"]["error_data"]["code"]), (401, 1010))
        sid, = self.add({"kind": "answered_inbound"})
        self.remote.knobs("exotel", legs_per_minute=2)
        path = "/v3/accounts/acmedemo1/calls/%s/legs" % sid
        statuses = [self.get(path).status for _ in range(3)]
        self.assertEqual(statuses, [200, 200, 429])
        self.assertEqual(self.get(path).json["response"]["error_data"]["code"], 10724)
        self.remote.knobs("exotel", legs_rate_body="worded")
        answer = self.get(path)
        self.assertEqual((answer.status, answer.json["response"]),
                         (429, {"error": {"code": "rate_limit_exceeded",
                                          "message": "Rate limit exceeded. Please retry after some time."}}))

    def test_e1_3_the_newer_apis_know_the_same_modes(self):
        path = "/v2/accounts/%s/users"
        for access, status in (("ip_blocked", 403), ("not_in_plan", 402), ("normal", 200)):
            self.remote.knobs("exotel", access=access)
            self.assertEqual(self.get(path % "acmedemo1").status, status, access)
        self.assertEqual(self.get(path % "nobody").status, 401)
        self.remote.knobs("exotel", unknown_account="404")
        answer = self.get(path % "nobody")
        self.assertEqual((answer.status, answer.json["response"]["error_data"]["code"]), (404, 1017))

    def test_e7_3_an_active_call_has_no_end(self):
        sid, = self.add({"start": "-1m", "duration_s": 600})
        call = self.get("/v3/accounts/acmedemo1/calls/" + sid).json["response"]["call_details"]
        self.assertEqual((call["state"], call["status"], call["end_time"]),
                         ("active", None, "1970-01-01 05:30:00+05:30"))


class Report(Exotel):
    def test_report_counts_listings(self):
        seen, unseen = self.add({"start": "-10m"}, {"start": "-1m", "duration_s": 3600})
        self.list()
        self.list()
        report = self.remote.report("exotel")
        self.assertEqual((report["listed"], report["never_listed"], report["lists"]), ({seen: 2}, 1, 2))


if __name__ == "__main__":
    run()
