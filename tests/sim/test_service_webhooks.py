"""Exotel's webhooks as a sender (E6): what they say, when they come, and everything that goes wrong with them."""

import json
import time
import urllib.parse

from receiver import Receiver
from services_case import Case, basic, run

PHONE = "05550100900"
CONNECT = "/v1/Accounts/acmedemo1/Calls/connect.json"
LIST = "/v1/Accounts/acmedemo1/Calls.json"
ALL = ["CallSid", "EventType", "DateCreated", "DateUpdated", "To", "From", "PhoneNumberSid", "StartTime", "EndTime", "Status",
       "ConversationDuration", "Direction", "CustomField", "RecordingUrl", "Legs"]
PASSTHRU = ["CallSid", "CallFrom", "CallTo", "Direction", "ForwardedFrom", "Created", "DialCallDuration", "RecordingUrl",
            "StartTime", "EndTime", "DialCallStatus", "CallType", "DialWhomNumber", "ProcessStatus", "flow_id", "tenant_id",
            "From", "To", "RecordingAvailableBy", "CurrentTime", "OutgoingPhoneNumber"]
LEG = ["Legs[0][%s]" % name for name in ("Number", "Type", "OnCallDuration", "CallerId", "CauseCode", "Cause")]


class Hooks(Case):
    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)

    def tell(self, **urls):
        self.remote.control("/load", {"exotel": {"webhooks": {name: self.receiver.url + path for name, path in urls.items()}}})

    def send(self, sid, kind="passthru", **plan):
        plan.setdefault("url", self.receiver.url + "/hook")
        return self.remote.control("/exotel/webhooks", {"kind": kind, "sid": sid, **plan})["sent"]

    def sent(self):
        return self.remote.control("/sent?service=exotel")

    def states(self):
        return [row["state"] for row in self.sent()]

    def wait_for(self, states, seconds=10):
        until = time.monotonic() + seconds
        while self.states() != states and time.monotonic() < until:
            time.sleep(0.005)
        self.assertEqual(self.states(), states, self.sent())

    def call(self, **plan):
        """An answered call: 96 s, of which 64 are talk, settled."""
        made = {"start": "2026-03-10 11:30:00", "duration_s": 96, "talk_s": 64, "exophone": PHONE, "settle_s": 0,
                "from": "05550100001", "to": "05550100101", **plan}
        return self.add(made)[0]

    def one(self, sid, kind, **plan):
        before = len(self.receiver.requests)
        self.send(sid, kind, **plan)
        return self.receiver.wait(before + 1)[-1]


class StatusCallbackTest(Hooks):
    def outbound(self, **plan):
        return self.call(kind="outbound_answered", to="05550100006", **{"from": "05550100101", **plan})

    def test_json_has_every_member_in_its_order(self):
        sid = self.outbound(custom_field="demo_order_1")
        request = self.one(sid, "status_callback", form="json")
        self.assertEqual((request.method, request.headers["Content-Type"]), ("POST", "application/json"))
        body = json.loads(request.body)
        self.assertEqual(list(body), ALL)
        self.assertEqual(body["Legs"][1]["AnsweredBy"], "HUMAN")
        self.assertEqual({name: body[name] for name in ALL if name not in ("Legs", "RecordingUrl")}, {
            "CallSid": sid, "EventType": "terminal", "DateCreated": "2026-03-10 11:30:00",
            "DateUpdated": "2026-03-10 12:00:00", "To": "05550100006", "From": "05550100101", "PhoneNumberSid": PHONE,
            "StartTime": "2026-03-10 11:30:00", "EndTime": "2026-03-10 11:31:36", "Status": "completed",
            "ConversationDuration": 64, "Direction": "outbound-api", "CustomField": "demo_order_1"})
        self.assertEqual(body["RecordingUrl"],
                         "%s/exotelrecordings/acmedemo1/%s.mp3" % (self.services.urls["recordings"], sid))

    def test_multipart_is_the_default_and_names_legs_by_number(self):
        sid = self.outbound()
        request = self.one(sid, "status_callback")
        fields = request.multipart()
        self.assertEqual([name for name, _ in fields],
                         ALL[:-1] + ["Legs[%d][%s]" % (leg, name) for leg in (0, 1)
                                     for name in ("OnCallDuration", "Status", "AnsweredBy")])
        self.assertEqual((dict(fields)["CallSid"], dict(fields)["ConversationDuration"]), (sid, "64"))

    def test_a_form_says_the_same(self):
        sid = self.outbound()
        self.assertEqual(self.one(sid, "status_callback", form="form").form(),
                         self.one(sid, "status_callback").multipart())
        self.assertEqual(self.receiver.requests[0].headers["Content-Type"], "application/x-www-form-urlencoded")

    def test_the_short_one_has_four_members(self):
        body = self.one(self.outbound(), "status_callback", form="json", fields="four").json()
        self.assertEqual(list(body), ["CallSid", "DateUpdated", "Status", "RecordingUrl"])

    def test_a_call_without_a_recording_has_no_url(self):
        sid = self.outbound(recording=False)
        self.assertNotIn("RecordingUrl", self.one(sid, "status_callback", form="json").json())

    def test_an_outbound_call_is_told_of_three_times(self):
        self.tell(status_callback="/sc")
        self.remote.knobs("exotel", status_callback_form="json")
        self.outbound(start="now")
        for seconds, count in ((1, 0), (2, 1), (28, 1), (2, 2), (62, 2), (2, 3)):
            self.remote.advance(seconds)
            self.wait_for(["delivered"] * count)
        bodies = [request.json() for request in self.receiver.wait(3)]
        self.assertEqual([body["EventType"] for body in bodies], ["answered", "answered", "terminal"])
        self.assertEqual([[leg["Status"] for leg in body["Legs"]] for body in bodies],
                         [["in-progress", ""], ["in-progress", "in-progress"], ["completed", "completed"]])
        self.assertEqual([body["Status"] for body in bodies], ["in-progress", "in-progress", "completed"])
        self.assertNotIn("CustomField", bodies[0])

    def test_inbound_calls_are_told_of_when_that_is_asked_for(self):
        self.tell(status_callback="/sc")
        self.call(start="now")
        self.remote.advance(200)
        self.assertEqual(self.states(), [])
        self.remote.knobs("exotel", status_callback_inbound=True)
        self.call(start="now", **{"from": "05550100002"})
        self.remote.advance(200)
        self.receiver.wait(1)
        self.assertEqual([row["tag"] for row in self.sent()], [self.remote.control("/exotel/calls")["calls"][1]["sid"]])

    def connect(self, **form):
        form = {"From": "05550100101", "To": "05550100006", "CallerId": PHONE,
                "StatusCallback": self.receiver.url + "/connected", **form}
        answer = self.remote.request("exotel", CONNECT, "POST", urllib.parse.urlencode(form), {
            "Content-Type": "application/x-www-form-urlencoded", **basic()})
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json["Call"]["Sid"]

    def test_connect_without_events_gets_the_four_members_as_multipart(self):
        sid = self.connect()
        self.remote.advance(100)
        request, = self.receiver.wait(1)
        self.assertEqual([name for name, _ in request.multipart()], ["CallSid", "DateUpdated", "Status", "RecordingUrl"])
        self.assertEqual((request.path, dict(request.multipart())["CallSid"]), ("/connected", sid))

    def test_connect_with_events_gets_them_as_json(self):
        self.connect(**{"StatusCallbackEvents[0]": "terminal", "StatusCallbackEvents[1]": "answered",
                        "StatusCallbackContentType": "application/json", "CustomField": "demo"})
        self.remote.advance(100)
        bodies = [request.json() for request in self.receiver.wait(3)]
        self.assertEqual(sorted(body["EventType"] for body in bodies), ["answered", "answered", "terminal"])

    def test_connect_to_a_flow_or_with_a_comma_list_knows_four_members_only(self):
        self.connect(**{"StatusCallbackEvents": "terminal,answered", "StatusCallbackContentType": "application/json"})
        self.remote.advance(100)
        self.assertEqual(len(self.receiver.wait(1)[0].json()), 4)
        self.wait_for(["delivered"])


class PassthruTest(Hooks):
    def fields(self, sid, **plan):
        request = self.one(sid, "passthru", **plan)
        self.assertEqual((request.method, request.body), ("GET", b""))
        return request.query

    def test_each_outcome_has_its_own_members(self):
        no_talk = {"duration_s": 47, "talk_s": 0, "recording": False}
        unanswered = [name for name in PASSTHRU if name not in ("RecordingUrl", "RecordingAvailableBy")] + LEG
        ivr = [name for name in unanswered if not name.startswith(("Dial", "Legs", "Outgoing"))]
        table = [
            ("answered_inbound", {}, PASSTHRU + LEG,
             {"CallType": "completed", "DialCallStatus": "completed", "DialCallDuration": "71",
              "Legs[0][OnCallDuration]": "64", "Legs[0][CauseCode]": "NORMAL_CLEARING", "Legs[0][Cause]": "16"}),
            ("missed_no_answer", no_talk, unanswered,
             {"CallType": "incomplete", "DialCallStatus": "no-answer", "DialCallDuration": "0",
              "Legs[0][CauseCode]": "RING_TIMEOUT", "Legs[0][Cause]": "1003"}),
            ("missed_busy", no_talk, unanswered,
             {"CallType": "incomplete", "DialCallStatus": "busy", "Legs[0][CauseCode]": "USER_BUSY", "Legs[0][Cause]": "17"}),
            ("missed_canceled", no_talk, unanswered, {"CallType": "client-hangup", "DialCallStatus": "canceled"}),
            ("missed_ivr", no_talk, ivr, {"CallType": "call-attempt"}),
        ]
        for number, (kind, plan, names, values) in enumerate(table):
            with self.subTest(kind):
                sid = self.call(kind=kind, **{"from": "0555010010%d" % number, **plan})
                fields = self.fields(sid)
                self.assertEqual([name for name, _ in fields], names)
                values = {"CallSid": sid, "CallTo": PHONE, "To": PHONE, "Direction": "incoming", "EndTime": "1970-01-01 05:30:00",
                          "ForwardedFrom": "null", "ProcessStatus": "null", "Created": "Tue, 10 Mar 2026 11:30:00",
                          "CurrentTime": "2026-03-10 12:00:00", **values}
                self.assertEqual({name: dict(fields)[name] for name in values}, values)

    def test_voicemail_digits_and_a_field_of_the_flow(self):
        sid = self.call(kind="missed_ivr", recording=True, custom_field="demo \u00e9")
        fields = dict(self.fields(sid, call_type="voicemail", digits="12"))
        self.assertEqual((fields["CallType"], fields["digits"], fields["CustomField"]), ("voicemail", '"12"', "demo \u00e9"))
        self.assertEqual(fields["RecordingAvailableBy"], "Tue, 10 Mar 2026 12:05:00")
        self.assertIn(sid, fields["RecordingUrl"])

    def test_names_are_escaped_and_what_the_url_has_stays(self):
        request = self.one(self.call(), "passthru", url=self.receiver.url + "/flow/secret1?key=k%201&x=2")
        self.assertEqual((request.path, request.query[:2]), ("/flow/secret1", [("key", "k 1"), ("x", "2")]))
        self.assertIn("Legs%5B0%5D%5BNumber%5D=05550100101", request.target.replace("%5b", "%5B").replace("%5d", "%5D"))

    def test_the_agent_may_be_missing(self):
        self.remote.knobs("exotel", passthru_agent=False)
        self.assertNotIn("DialWhomNumber", dict(self.fields(self.call())))

    def test_it_may_be_a_post(self):
        self.remote.knobs("exotel", passthru_method="POST")
        request = self.one(self.call(), "passthru")
        self.assertEqual((request.method, request.query, [name for name, _ in request.form()]), ("POST", [], PASSTHRU + LEG))

    def test_an_inbound_call_is_told_of_at_its_end(self):
        self.tell(passthru="/flow", popup="/popup")
        sid = self.call(start="now", duration_s=100)
        self.remote.advance(2)
        self.assertEqual(self.states(), [])
        self.remote.advance(2)
        dial, = self.receiver.wait(1)
        self.remote.advance(50)
        self.remote.control("/exotel/calls/" + sid, {"end": "now"})
        rest = self.receiver.wait(3)[1:]
        self.assertEqual((dial.path, dict(dial.query)["EventType"], dict(dial.query)["Status"]), ("/popup", "Dial", "busy"))
        self.assertEqual(sorted(request.path for request in rest), ["/flow", "/popup"])
        self.remote.advance(1000)
        self.wait_for(["delivered"] * 3)

    def test_calls_of_the_past_are_not_told_of(self):
        self.tell(passthru="/flow")
        self.call()
        self.remote.advance(1000)
        self.assertEqual(self.states(), [])


class PopupTest(Hooks):
    def test_it_says_the_state_of_the_agents_line(self):
        sid = self.call()
        for event, status in (("Dial", "busy"), ("Ringing", "busy"), ("Answered", "busy"), ("Terminal", "free")):
            fields = self.one(sid, "popup", event=event).query
            self.assertEqual([name for name, _ in fields],
                             ["CallSid", "CallFrom", "CallTo", "Direction", "Created", "From", "To", "CurrentTime",
                              "DialWhomNumber", "Status", "EventType", "AgentEmail"])
            self.assertEqual((dict(fields)["Status"], dict(fields)["EventType"]), (status, event))
            self.assertEqual((dict(fields)["CallTo"], dict(fields)["AgentEmail"]), (PHONE, "agent.1@example.com"))


class TroubleTest(Hooks):
    def tries(self):
        return [[(each["at_ms"] - self.start_ms, each["status"]) for each in row["tries"]] for row in self.sent()]

    def setUp(self):
        super().setUp()
        self.start_ms = self.remote.control("/clock")["now_ms"]

    def test_what_fails_is_tried_again_after_5_and_15_minutes(self):
        self.receiver.statuses = [500, 302, 404]
        self.send(self.call())
        for count, seconds in ((1, 299), (1, 1), (2, 899), (2, 1)):
            self.receiver.wait(count)
            self.wait_for(["waiting"])
            self.assertEqual(len(self.receiver.requests), count)
            self.remote.advance(seconds)
        self.wait_for(["given up"])
        self.assertEqual(self.tries(), [[(0, 500), (300000, 302), (1200000, 404)]])
        self.assertEqual(len({request.target for request in self.receiver.requests}), 1)

    def test_a_retry_that_is_taken_ends_it(self):
        self.receiver.statuses = [0]
        self.send(self.call())
        self.wait_for(["waiting"])
        self.remote.advance(300)
        self.wait_for(["delivered"])
        self.assertEqual([each["status"] for each in self.sent()[0]["tries"]], [0, 200])

    def test_without_retries_one_failure_is_the_end(self):
        self.remote.knobs("exotel", webhook_retries=False)
        self.receiver.statuses = [503]
        self.send(self.call())
        self.wait_for(["given up"])

    def test_who_does_not_answer_in_time_has_failed(self):
        self.remote.knobs("exotel", webhook_timeout_ms=100)
        self.receiver.statuses = ["hang"]
        self.send(self.call())
        self.wait_for(["waiting"])
        self.assertRegex(self.sent()[0]["tries"][0]["fault"], "imed out")

    def test_nobody_there_is_a_failure_too(self):
        self.send(self.call(), url="http://127.0.0.1:1/hook")
        self.wait_for(["waiting"])
        self.assertEqual(self.tries(), [[(0, 0)]])

    def test_a_host_of_the_world_is_looked_for_at_home(self):
        request = self.one(self.call(), "passthru", url="http://hooks.example.com:%d/x" % self.receiver.port)
        self.assertEqual(request.headers["Host"], "hooks.example.com:%d" % self.receiver.port)

    def test_copies_come_as_often_as_asked_for(self):
        self.assertEqual(self.send(self.call(), copies=3), 3)
        requests = self.receiver.wait(3)
        self.assertEqual(len({request.target for request in requests}), 1)
        self.wait_for(["delivered"] * 3)

    def test_a_delay_is_simulated_time(self):
        self.send(self.call(), delay_s=60)
        self.remote.advance(59)
        self.wait_for(["waiting"])
        self.remote.advance(1)
        self.wait_for(["delivered"])

    def test_jitter_changes_the_order(self):
        self.remote.knobs("exotel", webhook_jitter_s=600)
        sids = [self.call(**{"from": "0555010020%d" % number}) for number in range(8)]
        for sid in sids:
            self.send(sid)
        for _ in range(600):
            self.remote.advance(1)
            if "waiting" not in self.states():
                break
        came = [dict(request.query)["CallSid"] for request in self.receiver.wait(8)]
        self.assertEqual(sorted(came), sorted(sids))
        self.assertNotEqual(came, sids)

    def test_what_is_lost_is_never_sent(self):
        sid = self.call()
        self.send(sid, lost=True)
        self.remote.knobs("exotel", webhook_lost_percent=100)
        self.send(sid, copies=2)
        self.remote.advance(5000)
        self.assertEqual((self.states(), self.receiver.requests), (["lost"] * 3, []))

    def test_some_are_lost_by_chance(self):
        self.remote.knobs("exotel", webhook_lost_percent=50)
        self.send(self.call(), copies=40)
        lost = self.states().count("lost")
        self.assertTrue(5 < lost < 35, lost)
        self.receiver.wait(40 - lost)

    def test_the_last_one_can_come_before_the_call_is_listed(self):
        self.tell(passthru="/flow")
        self.remote.knobs("exotel", webhook_early_s=30)
        sid = self.call(start="now")
        self.remote.advance(67)
        self.receiver.wait(1)
        listed = lambda: [each["Sid"] for each in self.remote.request("exotel", LIST, headers=basic()).json["Calls"]]
        self.assertEqual(listed(), [])
        self.remote.advance(30)
        self.assertEqual(listed(), [sid])

    def test_members_can_be_added_changed_and_left_out(self):
        fields = dict(self.one(self.call(), "passthru", set={"DialCallStatus": "busy"}, omit=["DialWhomNumber"],
                               extra_fields=True).query)
        self.assertEqual((fields["DialCallStatus"], fields["NobodyKnowsThis"], fields["Insights[Sentiment]"]),
                         ("busy", "1", "unknown"))
        self.assertNotIn("DialWhomNumber", fields)

    def test_a_wrong_secret_is_the_key_or_the_end_of_the_path(self):
        sid = self.call()
        for path, want in (("/hook/s3cret", "/hook/not-the-secret?"), ("/hook?a=1&key=s3cret&b=2", "/hook?a=1&key=not-the-secret&b=2&")):
            request = self.one(sid, "passthru", url=self.receiver.url + path, wrong_secret=True)
            self.assertTrue(request.target.startswith(want), request.target)

    def test_a_body_of_a_megabyte_arrives_whole(self):
        sid = self.call(kind="outbound_answered")
        for form in ("json", "form", "multipart"):
            request = self.one(sid, "status_callback", form=form, pad_bytes=1048576)
            self.assertEqual(request.body.count(b"x" * 1048576), 1, form)
            self.assertEqual(int(request.headers["Content-Length"]), len(request.body))

    def test_bodies_may_claim_to_be_something_else(self):
        request = self.one(self.call(), "status_callback", form="json", content_type="text/plain")
        self.assertEqual(request.headers["Content-Type"], "text/plain")
        self.assertEqual(request.json()["EventType"], "terminal")

    def test_nothing_is_signed(self):
        sid = self.call()
        for kind in ("passthru", "popup", "status_callback"):
            names = {name.lower() for name in self.one(sid, kind).headers.keys()}
            self.assertEqual(names - {"host", "accept", "content-type", "content-length"}, set())

    def test_a_reset_forgets_what_was_to_be_sent(self):
        self.send(self.call(), delay_s=10)
        self.tell(passthru="/flow")
        self.assertEqual(self.services.control("POST", "/reset").status, 200)
        self.remote.control("/clock", {"mode": "driven", "now": self.clock})
        self.call(start="now")
        self.remote.advance(5000)
        self.assertEqual((self.sent(), self.receiver.requests), ([], []))

    def test_it_comes_on_a_clock_that_runs_fast(self):
        self.remote.control("/clock", {"mode": "real", "speed": 3000})
        self.receiver.statuses = [500]
        self.send(self.call())
        self.receiver.wait(2)
        self.wait_for(["delivered"])
        tries = self.sent()[0]["tries"]
        self.assertGreaterEqual(tries[1]["at_ms"] - tries[0]["at_ms"], 300000)

    def test_mistakes_are_said(self):
        sid = self.call()
        for plan, want in (({"kind": "passthru"}, "'kind' and 'sid'"), ({"kind": "heartbeat", "sid": sid}, "unknown kind"),
                           ({"kind": "passthru", "sid": "x"}, "no call"), ({"kind": "passthru", "sid": sid}, "no URL is known"),
                           ({"kind": "popup", "sid": sid, "url": self.receiver.url, "event": "terminal"}, "unknown event"),
                           ({"kind": "passthru", "sid": sid, "url": "file:///etc/passwd"}, "no URL"),
                           ({"kind": "passthru", "sid": sid, "url": self.receiver.url, "copys": 2}, "copys")):
            answer = self.services.control("POST", "/exotel/webhooks", plan)
            self.assertEqual(answer.status, 400, plan)
            self.assertIn(want, answer.json["error"])
        for urls in ({"heartbeat": self.receiver.url}, {"passthru": "nowhere"}, []):
            answer = self.services.control("POST", "/load", {"exotel": {"webhooks": urls}})
            self.assertEqual(answer.status, 400, urls)


if __name__ == "__main__":
    run()
