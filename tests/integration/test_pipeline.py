#!/usr/bin/env python3
"""The engine as a process against the local services: what every kind of call becomes, and what a hostile world cannot
make it do. Every test ends with the helpdesk's own view: one ticket, one contact, one note for each call."""

import http.client
import json
import os
import re
import shutil
import socket
import stat
import time
import unittest

import world
from world import PATIENCE, ROOT, World, call, get

# What becomes of each kind of call (core of contracts/exotel.md 4): a ticket with a note, one without, or no ticket.
NOTE, NO_NOTE, NONE = "ticket and note", "ticket without a note", "no ticket"
ENDS = {
    "answered_inbound": NOTE, "answered_inbound_sip": NOTE, "missed_no_answer": NONE, "missed_busy": NONE,
    "missed_canceled": NONE, "missed_ivr": NONE, "outbound_answered": NOTE, "outbound_dial": NOTE,
    "outbound_no_answer": NONE, "outbound_agent_no_answer": NONE, "outbound_busy": NONE, "outbound_failed": NONE,
    "outbound_canceled": NONE, "flow": NO_NOTE, "empty_status": NOTE, "null_status": NOTE, "never_settles": NOTE,
    "recording_without_talk": NONE, "talk_without_recording": NO_NOTE, "renamed_recording": NOTE, "four_hours": NOTE,
    "zero_duration": NONE, "unicode_field": NOTE, "missing_fields": NOTE, "late_evening": NOTE, "wide_sid": NOTE,
    "late_recording": NOTE, "lost_recording": NO_NOTE, "silent": NO_NOTE, "stereo": NOTE,
}
CREATIONS = {"contact": "/api/v1/contacts", "ticket": "/api/v1/tickets", "note": "*/comments"}


def sids_of(calls):
    return [each["sid"] for each in calls]


class UnixConnection(http.client.HTTPConnection):
    """HTTP over the engine's control socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self.path)


def ask_engine(w, path, body=None):
    connection = UnixConnection(str(w.data / "control.sock"))
    connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body),
                       {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text)


class PipelineCase(unittest.TestCase):
    def assert_delivered(self, w, calls, callers=None, ended=None, states=None):
        wrong = w.faults_of_delivery(sids_of(calls), callers)
        if w.states() != (states or {"done": len(calls)}):
            wrong.append("the journal holds %s" % w.states())
        if ended is not None and ended.code != 0:
            wrong.append("exit code %s" % ended.code)
        self.assertEqual(wrong, [], "\n%s\n%s" % (wrong, ended or w.engines[-1].log()[-6000:]))

    def finish(self, w, calls, callers=None, timeout=60 * PATIENCE):
        ended = w.run_once(timeout)
        self.assert_delivered(w, calls, callers, ended)
        return ended


class KindsTest(PipelineCase):
    def test_every_kind_of_call_ends_as_it_must(self):
        recipe = {"generate": 2 * len(ENDS) + 4, "kind": "every", "settle_s": 0, "ended_s": 3000}
        with World([recipe], exotel={"recording_wait": "1s", "settle_wait": "1s"}) as w:
            ended = w.run_once()
            self.assertEqual(ended.code, 0, ended)
            listed = {each["sid"]: each["kind"] for each in w.control("/exotel/calls")["calls"]}
            tickets = {}
            for ticket in w.tickets():
                sid = re.search(r"Call id: (\w+)", ticket["description"]).group(1)
                self.assertNotIn(sid, tickets, "two tickets")
                tickets[sid] = ticket
            states = dict(w.query("SELECT i.external_id, r.state FROM record r JOIN identity i ON i.record_id = r.id"))
            wrong = []
            for sid, kind in listed.items():
                found = NONE if sid not in tickets else NOTE if tickets[sid]["comments"] else NO_NOTE
                state = "dropped" if ENDS[kind] == NONE else "done"
                if found != ENDS[kind] or states.get(sid) != state:
                    wrong.append("%s: %s and %s instead of %s and %s" % (kind, found, states.get(sid), ENDS[kind], state))
                if found == NO_NOTE and "No transcription: " not in tickets[sid]["description"]:
                    wrong.append("%s: the ticket does not say why there is no transcription" % kind)
            self.assertEqual(wrong, [])
            self.assertGreaterEqual({*listed.values()}, {*ENDS})
            self.assertEqual(w.report()["violations_total"], 0, w.report()["violations"])

    def test_no_recording_is_not_taken_for_silence(self):
        calls = [call(1, recording={"bytes": 4000, "delay_s": None}), call(2, recording=False), call(3, kind="silent", transcript=[])]
        with World(calls, exotel={"recording_wait": "1s", "settle_wait": "1s"}) as w:
            ended = w.run_once()
            self.assertEqual(ended.code, 0, ended)
            said = {}
            for ticket in w.tickets():
                sid = re.search(r"Call id: (\w+)", ticket["description"]).group(1)
                said[sid] = re.search(r"No transcription: (.*?)<br>", ticket["description"]).group(1)
            self.assertIn("recording is missing", said[calls[0]["sid"]])
            self.assertIn("recording is missing", said[calls[1]["sid"]])
            self.assertIn("nobody was heard", said[calls[2]["sid"]])
            self.assertEqual(w.report()["services"]["desk"]["notes_total"], 0)

    def test_missed_calls_get_tickets_when_asked_for(self):
        calls = [{"kind": kind, "sid": call(i)["sid"], "start": "-20m", "settle_s": 0}
                 for i, kind in enumerate(("missed_no_answer", "missed_busy", "outbound_no_answer"), 1)]
        with World(calls, exotel={"missed": "ticket"}) as w:
            ended = w.run_once()
            self.assertEqual(ended.code, 0, ended)
            self.assertEqual(w.states(), {"done": 3})
            self.assertEqual(w.report()["services"]["desk"]["tickets_total"], 3)
            for ticket in w.tickets():
                self.assertIn("Missed: ", ticket["description"])
                self.assertNotIn("No transcription", ticket["description"])
            self.assertEqual(w.report()["services"]["deepgram"]["requests"], 0)

    def test_many_calls_of_one_number_share_one_contact(self):
        calls = [call(i, **{"from": "0555010777%d" % (7 if i % 2 else 8)}) for i in range(1, 25)]
        calls += [call(25, **{"from": "+915550107777"}), call(26, **{"from": "5550107778"})]
        with World(calls) as w:
            self.finish(w, calls, callers=2)

    def test_a_long_transcription_becomes_several_notes(self):
        words = ["Sentence %d says something that matters." % i for i in range(2000)]
        turns = [{"speaker": ("agent", "customer")[i // 20 % 2], "text": " ".join(words[i:i + 20])} for i in range(0, 2000, 20)]
        calls = [call(1, transcript=turns, start="-1h", duration_s=1500, talk_s=1400)]
        for part in (1, 2, 3):
            with self.subTest(lost_answer_of_part=part), World(calls, zoho_desk={"settle": "1s"}) as w:
                w.fault("desk", "commit_then_reset", method="POST", path="*/comments", nth=part)
                ended = w.run_once()
                self.assertEqual(ended.code, 0, ended)
                tickets = w.tickets()
                self.assertEqual(len(tickets), 1)
                notes = [note["content"] for note in tickets[0]["comments"]]
                markers = sorted(re.search(r"\[SB-\w+/(\d+)\]", note).group(1) for note in notes)
                self.assertGreaterEqual(len(notes), 3)
                self.assertEqual(markers, sorted({*markers}), "a part came twice")
                heard = [int(number) for note in sorted(notes, key=lambda text: int(re.search(r"/(\d+)\]", text).group(1)))
                         for number in re.findall(r"Sentence (\d+) says", note)]
                self.assertEqual(heard, list(range(2000)))


class LostAnswersTest(PipelineCase):
    """Each way to lose an answer, at each creation: the engine looks before it sends again."""

    def check(self, action, look=True, **rule):
        for creation, path in CREATIONS.items():
            calls = [call(1), call(2), call(3, **{"from": call(1)["from"]})]
            with self.subTest(action=action, creation=creation), World(calls) as w:
                w.fault("desk", action, method="POST", path=path, nth=1, **rule)
                ended = self.finish(w, calls, callers=2)
                self.assertEqual(w.report()["faults"][0]["hits"], 1, "the fault never struck")
                if look:
                    verdicts = [verdict for _, step, verdict, _, _ in w.timeline() if creation in step]
                    self.assertIn("unknown", verdicts, ended)

    def test_reset_after_it_was_made(self):
        self.check("commit_then_reset")

    def test_bad_gateway_after_it_was_made(self):
        self.check("commit_then_status", status=502)

    def test_answer_cut_after_it_was_made(self):
        self.check("commit_then_cut")

    def test_answer_garbled_after_it_was_made(self):
        self.check("bad_json")

    def test_page_instead_of_an_answer_after_it_was_made(self):
        self.check("html_with_200", commit=True)

    def test_reset_before_anything_was_read(self):
        self.check("reset_before", look=False)

    def test_reset_after_it_was_read_and_thrown_away(self):
        self.check("read_then_reset")

    def test_made_after_the_engine_has_given_up_waiting(self):
        self.check("delay_then_commit", latency_ms=1400)

    def test_answer_that_drips_until_the_time_is_up(self):
        self.check("slow_drip", every_ms=500)

    def test_lost_every_other_time(self):
        calls = [call(i) for i in range(1, 13)]
        with World(calls) as w:
            for path in CREATIONS.values():
                w.fault("desk", "commit_then_reset", method="POST", path=path, every=2)
            self.finish(w, calls, callers=12)

    def test_lost_while_search_and_lists_lag(self):
        calls = [call(1), call(2), call(3, **{"from": call(1)["from"]}), call(4, **{"from": call(2)["from"]})]
        with World(calls, knobs={"desk": {"index_lag_ms": 2500, "contact_tickets_lag_ms": 2500}},
                   zoho_desk={"settle": "4s"}) as w:
            for path in CREATIONS.values():
                w.fault("desk", "commit_then_reset", method="POST", path=path, count=2)
            self.finish(w, calls, callers=2)

    def test_a_fresh_contact_is_known_although_search_lags(self):
        calls = [call(i, **{"from": "05550107777"}) for i in range(1, 6)]
        with World(calls, knobs={"desk": {"index_lag_ms": 60000}}) as w:
            self.finish(w, calls, callers=1)
            more = [call(6, **{"from": "05550107777"})]
            w.add_calls(*more)
            self.finish(w, calls + more, callers=1)


class RefusalsTest(PipelineCase):
    def test_too_many_calls_at_once_slows_down_and_loses_nothing(self):
        calls = [call(i) for i in range(1, 21)]
        with World(calls, knobs={"desk": {"concurrency_max": 3, "latency_ms": 20}}, zoho_desk={"concurrency": 10}) as w:
            self.finish(w, calls, callers=20, timeout=120 * PATIENCE)
            self.assertGreater(w.report()["services"]["desk"]["statuses"].get("429", 0), 0, "the limit was never met")

    def test_credits_used_up_pause_the_helpdesk(self):
        calls = [call(i) for i in range(1, 5)]
        body = {"errorCode": "THRESHOLD_EXCEEDED", "message": "You have exceeded the number of API credits"}
        with World(calls) as w:
            w.fault("desk", "status", status=429, body=body, headers={"Retry-After": "2"}, method="POST", path="*/tickets", nth=1)
            ended = self.finish(w, calls, callers=4)
            self.assertEqual(len(re.findall("alert=suspended", ended.log)), 1, ended)
            self.assertIn("credits", ended.log)

    def test_retry_after_of_every_service_is_kept(self):
        calls = [call(1)]
        for service, path in (("exotel", "*/Calls.json"), ("recordings", "*"), ("deepgram", "*"), ("openai", "*"), ("desk", "*/search")):
            with self.subTest(service=service), World(calls) as w:
                w.fault(service, "status", status=429, headers={"Retry-After": "2"}, path=path, nth=1)
                ended = self.finish(w, calls)
                self.assertGreater(ended.seconds, 1.9, "it did not wait")
                seen = w.control("/log?service=%s" % service)
                times = [row["at_ms"] for row in seen if row["status"] == 429]
                after = [row["at_ms"] for row in seen if row["status"] != 429 and row["at_ms"] > times[0]]
                self.assertGreaterEqual(after[0] - times[0], 1900, "asked again before it may")

    def test_without_credit_the_other_transcriber_takes_over_at_once(self):
        calls = [call(i) for i in range(1, 9)]
        keys = {"keys": [{"key": "demo-deepgram-key", "credit": False}, {"key": "other-key"}]}
        with World(calls, stages=["deepgram | other", "keyword"], scenario={"deepgram": keys}) as w:
            w.blocks["other"] = {**w.blocks["deepgram"], "plugin": "deepgram", "api_key": "other-key"}
            ended = self.finish(w, calls, callers=8)
            self.assertLess(ended.seconds, 15 * PATIENCE)
            self.assertEqual(ended.log.count("alert=suspended"), 1, ended)
            statuses = w.report()["services"]["deepgram"]["statuses"]
            self.assertLessEqual(statuses.get("402", 0), len(calls), statuses)

    def test_forbidden_model_falls_over_too(self):
        calls = [call(1), call(2)]
        keys = {"keys": [{"key": "demo-deepgram-key", "forbidden_models": ["nova-3"]}, {"key": "other-key"}]}
        with World(calls, stages=["deepgram | other", "keyword"], scenario={"deepgram": keys}) as w:
            w.blocks["other"] = {**w.blocks["deepgram"], "plugin": "deepgram", "api_key": "other-key"}
            self.finish(w, calls, callers=2)

    def test_used_up_quota_falls_over_to_the_rules_at_once(self):
        calls = [call(i) for i in range(1, 13)]
        for fault in ("insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached"):
            with self.subTest(fault=fault), World(calls, stages=["deepgram", "openai | keyword"], openai={"concurrency": 2},
                                                  knobs={"openai": {"fault": fault}}) as w:
                ended = self.finish(w, calls, callers=12)
                self.assertLess(ended.seconds, 10 * PATIENCE)
                self.assertLessEqual(w.report()["services"]["openai"]["requests"], 4, "asked again and again without credit")
                by = [json.loads(doc)["by"] for doc, in w.query("SELECT doc FROM section WHERE name = 'analysis'")]
                self.assertEqual(by, ["keyword"] * 12)

    def test_what_no_provider_can_transcribe_becomes_a_ticket_that_says_so(self):
        calls = [call(1), call(2)]
        with World(calls) as w:
            w.fault("deepgram", "status", status=400, body={"err_code": "Bad Request", "err_msg": "corrupt or unsupported data"})
            ended = w.run_once()
            self.assertEqual((ended.code, w.states()), (0, {"done": 2}), ended)
            for ticket in w.tickets():
                self.assertIn("No transcription: the recording could not be transcribed", ticket["description"])
            self.assertEqual(w.report()["services"]["desk"]["tickets_total"], 2)

    def test_a_refused_ticket_is_a_dead_letter_and_retry_makes_it(self):
        calls = [call(1), call(2)]
        body = {"errorCode": "INVALID_DATA", "message": "The data is invalid due to validation restrictions",
                "errors": [{"fieldName": "/priority", "errorType": "invalid", "errorMessage": ""}]}
        with World(calls) as w:
            w.fault("desk", "status", status=422, body=body, method="POST", path="*/tickets")
            ended = w.run_once()
            self.assertEqual(ended.code, 1, ended)
            self.assertEqual(w.states(), {"dead": 2})
            self.assertIn("/priority", w.query("SELECT reason FROM record")[0][0])
            w.no_faults()
            again = w.verb("retry", "--all")
            self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
            self.finish(w, calls, callers=2)


class TokensTest(PipelineCase):
    def test_expired_in_mid_run_is_refreshed_once(self):
        calls = [call(i) for i in range(1, 31)]
        with World(calls, knobs={"desk": {"latency_ms": 30}}, zoho_desk={"concurrency": 8}) as w:
            engine = w.start("--once")
            w.wait_until(lambda: w.report()["services"]["desk"]["tickets_total"] >= 3, "there are tickets")
            w.control("/accounts/revoke", {})
            self.assert_delivered_when(w, engine, calls)
            accounts = w.report()["services"]["accounts"]
            self.assertEqual(accounts["token_refreshes"], 2, accounts)
            self.assertGreater(w.report()["services"]["desk"]["statuses"].get("401", 0), 0)

    def assert_delivered_when(self, w, engine, calls):
        ended = engine.wait(60 * PATIENCE)
        self.assert_delivered(w, calls, len(calls), ended)

    def test_the_token_is_kept_over_a_restart(self):
        calls = [call(1)]
        with World(calls) as w:
            self.finish(w, calls)
            w.add_calls(call(2))
            self.finish(w, [call(1), call(2)])
            self.assertEqual(w.report()["services"]["accounts"]["token_refreshes"], 1)

    def test_short_lived_tokens_are_refreshed_in_time(self):
        calls = [call(i) for i in range(1, 11)]
        with World(calls, knobs={"accounts": {"expires_in_s": 2}, "desk": {"latency_ms": 150}}, zoho_desk={"concurrency": 4}) as w:
            self.finish(w, calls, callers=10)
            self.assertLess(w.report()["services"]["accounts"]["token_refreshes"], 15)

    def test_a_revoked_consent_stops_with_one_message_and_no_storm(self):
        calls = [call(i) for i in range(1, 21)]
        for denied in ("status 400", "status 200"):
            with self.subTest(denied=denied), World(calls, knobs={"accounts": {"denied_status": denied[-3:]}}) as w:
                w.control("/accounts/revoke", {"refresh_tokens": True})
                engine = w.start()
                engine.wait_for_log("alert=revoked")
                w.wait_until(lambda: len([1 for row in w.timeline() if row[1] == "classify"]) == 20, "all are classified")
                time.sleep(1.5)
                accounts = w.report()["services"]["accounts"]
                self.assertEqual((accounts["token_refreshes"], accounts["requests"]), (0, 1), accounts)
                self.assertEqual(engine.log().count("alert=revoked"), 1, engine.log())
                self.assertIn("switchboard login", engine.log())
                self.assertEqual(engine.stop().code, 0)
                self.assertEqual(w.states(), {"active": 20})
                w.control("/load", {"accounts": {"refresh_tokens": [{"token": "1000.new.new"}]}})
                w.extra_env["ZOHO_DESK_REFRESH_TOKEN"] = "1000.new.new"
                self.finish(w, calls, callers=20)

    def test_the_first_token_of_the_environment_is_used_until_it_is_refused(self):
        calls = [call(1)]
        with World(calls) as w:
            w.blocks["zoho_desk"]["access_token"] = "${ZOHO_DESK_ACCESS_TOKEN:-}"
            w.extra_env["ZOHO_DESK_ACCESS_TOKEN"] = "1000.stale.stale"
            self.finish(w, calls)
            self.assertGreaterEqual(w.report()["services"]["desk"]["statuses"]["401"], 1)
            self.assertEqual(w.report()["services"]["accounts"]["token_refreshes"], 1)

    def test_a_missing_scope_says_what_to_do(self):
        calls = [call(1)]
        token = {"refresh_tokens": [{"token": "1000.narrow.narrow", "scope": "Desk.tickets.READ,Desk.contacts.READ,Desk.search.READ"}]}
        with World(calls, scenario={"accounts": token}) as w:
            w.extra_env["ZOHO_DESK_REFRESH_TOKEN"] = "1000.narrow.narrow"
            engine = w.start()
            said = engine.wait_for_log(r"alert=suspended.*").group(0)
            self.assertIn("scope", said)
            self.assertIn("login zoho", said)
            time.sleep(1)
            self.assertEqual(engine.log().count("alert=suspended"), 1)
            self.assertEqual(engine.stop().code, 0)
            self.assertEqual(w.states(), {"active": 1})


class OutagesTest(PipelineCase):
    def check(self, service):
        calls = [call(i) for i in range(1, 11)]
        with World(calls) as w:
            w.refuse(service, 4)
            ended = w.run_once(120 * PATIENCE)
            self.assert_delivered(w, calls, 10, ended)
            self.assertLess(ended.seconds, 45 * PATIENCE)

    def test_telephone_company_down_for_a_while(self):
        self.check("exotel")

    def test_recordings_down_for_a_while(self):
        self.check("recordings")

    def test_transcriber_down_for_a_while(self):
        self.check("deepgram")

    def test_model_down_for_a_while(self):
        self.check("openai")

    def test_helpdesk_down_for_a_while(self):
        self.check("desk")

    def test_token_server_down_for_a_while(self):
        self.check("accounts")

    def test_records_wait_behind_an_open_breaker_without_spending_attempts(self):
        calls = [call(i) for i in range(1, 16)]
        with World(calls) as w:
            w.refuse("desk", 3600)
            engine = w.start()
            engine.wait_for_log("breaker open.*zoho_desk|zoho_desk.*breaker open")
            time.sleep(2)
            sent = len(re.findall(r"instance=zoho_desk step=\w+ outcome=retry", engine.log()))
            self.assertLess(sent, 40, "they did not wait")
            self.assertEqual(w.states(), {"active": 15})
            self.assertLessEqual(w.query("SELECT max(attempt) FROM record")[0][0], 2)
            self.assertEqual(engine.stop().code, 0)
            w.control("/refuse", {"service": "desk", "for_ms": 1})
            self.finish(w, calls, callers=15)

    def test_all_services_falter_at_random(self):
        calls = [call(i, **{"from": "0555010%04d" % (i % 11)}) for i in range(1, 31)]
        with World(calls, exotel={"poll_interval": "2s"}) as w:
            for service in ("exotel", "recordings", "deepgram", "openai", "desk", "accounts"):
                for action, more in (("status", {"status": 500}), ("reset_before", {}), ("commit_then_reset", {}), ("bad_json", {})):
                    w.fault(service, action, probability=0.04, count=6, **more)
            ended = w.run_once(240 * PATIENCE)
            self.assert_delivered(w, calls, 11, ended)


class OperatingTest(PipelineCase):
    def test_switched_off_helpdesk_ends_without_tickets_and_retry_makes_them(self):
        calls = [call(1), call(2)]
        with World(calls) as w:
            w.extra_env["ZOHO_DESK_ENABLED"] = "false"
            ended = w.run_once()
            self.assertEqual((ended.code, w.states()), (0, {"disabled": 2}), ended)
            self.assertEqual(w.report()["services"]["desk"]["requests"], 0)
            self.assertTrue(w.query("SELECT reason FROM record")[0][0])
            w.extra_env["ZOHO_DESK_ENABLED"] = "true"
            w.add_calls(call(3))
            ended = w.run_once()
            self.assertEqual((ended.code, w.states()), (0, {"disabled": 2, "done": 1}), ended)
            self.assertEqual(w.report()["services"]["desk"]["tickets_total"], 1)
            engine = w.start()
            engine.wait_for_log("msg=started")
            w.wait_until((w.data / "control.sock").exists, "the control socket is there")
            self.assertEqual(ask_engine(w, "/retry", {"state": "disabled"}), (200, {"retried": 2}))
            w.wait_until(lambda: w.states() == {"done": 3}, "all have tickets")
            self.assertEqual(engine.stop().code, 0)
            self.assert_delivered(w, calls + [call(3)], 3)

    def test_two_engines_on_one_journal(self):
        with World([call(1)]) as w:
            first = w.start()
            first.wait_for_log("msg=started")
            second = w.run_once(20 * PATIENCE)
            self.assertEqual(second.code, 1, second)
            self.assertIn(str(first.process.pid), second.log)
            self.assertIn("var", second.log)
            w.wait_until(lambda: w.states() == {"done": 1}, "the first goes on")
            self.assertEqual(first.stop().code, 0)
            self.assert_delivered(w, [call(1)])

    def test_a_second_run_makes_nothing(self):
        calls = [call(i) for i in range(1, 6)]
        with World(calls) as w:
            self.finish(w, calls)
            before = w.report()["services"]["desk"]["requests"]
            self.finish(w, calls)
            self.assertEqual(w.report()["services"]["desk"]["requests"], before)

    def test_stopped_in_mid_run_and_started_again(self):
        for after in (1, 5, 12):
            calls = [call(i, **{"from": "0555010%04d" % (i % 7)}) for i in range(1, 26)]
            with self.subTest(tickets_before=after), World(calls, knobs={"desk": {"latency_ms": 60}, "deepgram": {"latency_ms": 200}},
                                                           zoho_desk={"concurrency": 4}) as w:
                engine = w.start()
                w.wait_until(lambda: w.report()["services"]["desk"]["tickets_total"] >= after, "there are tickets")
                stopped = engine.stop()
                self.assertEqual(stopped.code, 0, stopped)
                self.assertLess(w.states().get("done", 0), 25, "it was not stopped in mid run")
                self.assertEqual(w.query("SELECT count(*) FROM intent WHERE state = 'open'")[0][0], 0, "left unsafe without need")
                self.finish(w, calls, callers=7)

    def test_a_stop_does_not_wait_for_a_service_that_hangs(self):
        calls = [call(1)]
        with World(calls, settings={"shutdown_timeout": "1s"}, deepgram={"timeout": "60s"}) as w:
            w.fault("deepgram", "latency", latency_ms=60000, count=1)
            engine = w.start()
            w.wait_until(lambda: w.report()["services"]["deepgram"]["in_flight"] == 1, "the request is under way")
            began = time.monotonic()
            stopped = engine.stop()
            self.assertEqual(stopped.code, 0, stopped)
            self.assertLess(time.monotonic() - began, 4 * PATIENCE)
            self.finish(w, calls)

    def test_recordings_are_deleted_when_they_were_kept_long_enough(self):
        calls = [call(1), call(2)]
        with World(calls, exotel={"keep_recordings": "1s"}) as w:
            engine = w.start()
            w.wait_until(lambda: w.states() == {"done": 2}, "all is done")
            self.assertEqual(w.query("SELECT count(*) FROM file")[0][0], 2)
            w.wait_until(lambda: not any(path.is_file() for path in (w.data / "files").rglob("*")), "the recordings are gone")
            w.wait_until(lambda: w.query("SELECT count(*) FROM file")[0][0] == 0, "the journal has forgotten them")
            self.assertEqual(engine.stop().code, 0)
            self.finish(w, calls)

    def test_files_and_folders_are_for_their_owner_only(self):
        with World([call(1)]) as w:
            self.finish(w, [call(1)])
            for path in [w.data, *w.data.rglob("*")]:
                mode = stat.S_IMODE(path.stat().st_mode)
                self.assertEqual(mode & 0o077, 0, "%s has mode %o" % (path, mode))

    def test_a_small_memory_limit_takes_all_calls_in_turn(self):
        calls = [call(i, **{"from": "0555010%04d" % (i % 5)}) for i in range(1, 61)]
        with World(calls, settings={"max_in_flight": 3}) as w:
            self.finish(w, calls, callers=5, timeout=120 * PATIENCE)

    def test_calls_that_arrive_while_it_runs_are_found(self):
        with World([call(1)]) as w:
            engine = w.start()
            w.wait_until(lambda: w.states() == {"done": 1}, "the first is done")
            w.add_calls(call(2, start="-2m"))
            w.wait_until(lambda: w.states() == {"done": 2}, "the second is done")
            w.add_calls(*[call(i, start="-1h") for i in range(3, 150)])
            w.wait_until(lambda: w.states() == {"done": 149}, "a burst is done", 60 * PATIENCE)
            self.assertEqual(engine.stop().code, 0)
            self.assert_delivered(w, [call(i) for i in range(1, 150)])


class SourceTest(PipelineCase):
    def test_a_running_call_and_a_late_recording_end_in_tickets(self):
        running = {"sid": call(1)["sid"], "from": call(1)["from"], "start": "-30s", "end": "+3s", "settle_s": 2,
                   "recording": {"bytes": 4000, "delay_s": 5}}
        late = call(2, start="-2m", recording={"bytes": 4000, "delay_s": 66})
        for restart in (False, True):
            with self.subTest(restart=restart), World([running, late]) as w:
                engine = w.start()
                if restart:
                    w.wait_until(lambda: w.states() == {"active": 1}, "the settled one waits for its recording")
                    engine.kill()
                    w.start()
                w.wait_until(lambda: w.states() == {"done": 2}, "both are done", 60 * PATIENCE)
                self.assertEqual(w.engines[-1].stop().code, 0)
                self.assert_delivered(w, [running, late], 2)

    def test_refused_credentials_are_told_once_and_not_asked_for_ever(self):
        with World([call(1)]) as w:
            w.extra_env["EXOTEL_API_TOKEN"] = "not-the-token"
            engine = w.start()
            said = engine.wait_for_log("level=(warn|error).*").group(0)
            self.assertRegex(said, "401|EXOTEL_API|api_token|api_key")
            time.sleep(3)
            self.assertLessEqual(w.report()["services"]["exotel"]["requests"], 3)
            self.assertNotIn("not-the-token", engine.log())
            self.assertEqual(engine.stop().code, 0)
            del w.extra_env["EXOTEL_API_TOKEN"]
            self.finish(w, [call(1)])

    def test_a_busy_account_is_listed_page_by_page_and_none_is_missed(self):
        with World([{"generate": 730, "settle_s": 0, "recording": {"bytes": 500, "delay_s": 0}, "callers": 50, "spread_s": 300}],
                   exotel={"page_size": 10}, zoho_desk={"concurrency": 50}) as w:
            ended = w.run_once(240 * PATIENCE)
            self.assertEqual((ended.code, w.states()), (0, {"done": 730}), ended)
            self.assertEqual(w.faults_of_delivery([each["sid"] for each in w.control("/exotel/calls")["calls"]], 50), [])


class LimitsTest(PipelineCase):
    def test_concurrency_of_each_instance_is_kept(self):
        calls = [call(i) for i in range(1, 31)]
        limits = {"deepgram": 3, "openai": 2, "desk": 4}
        with World(calls, knobs={name: {"latency_ms": 30} for name in limits}, deepgram={"concurrency": 3}, openai={"concurrency": 2},
                   zoho_desk={"concurrency": 4}) as w:
            self.finish(w, calls, callers=30)
            services = w.report()["services"]
            for name, limit in limits.items():
                self.assertLessEqual(services[name]["in_flight_max"], limit, name)
                self.assertGreaterEqual(services[name]["in_flight_max"], limit - 1, "%s was not used in parallel" % name)

    def test_rate_of_an_instance_is_kept(self):
        calls = [call(i) for i in range(1, 31)]
        with World(calls, deepgram={"rate": "600/min"}) as w:  # sixty at once, the others one by one
            self.finish(w, calls, callers=30)
        with World(calls, deepgram={"rate": "10/s"}) as w:
            self.finish(w, calls, callers=30)
            times = sorted(row["at_ms"] for row in w.requests("deepgram"))
            for first, last in zip(times, times[10:]):
                self.assertGreater(last - first, 900, "more than ten within a second")


class ScriptsTest(PipelineCase):
    def check(self, block, option, name, stages):
        calls = [call(1), call(2)]
        with World(calls, stages=stages) as w:
            script = w.folder / name
            w.blocks[block][option] = str(script)
            right = (ROOT / "scripts" / name).read_text(encoding="utf-8")
            script.write_text(right + "\nlocal nothing = nil\nfunction ticket() return nothing.field end\n"
                              "function classify() return nothing.field end\n", encoding="utf-8")
            ended = w.run_once()
            self.assertEqual(ended.code, 1, ended)
            self.assertEqual(w.states(), {"dead": 2})
            reason = w.query("SELECT reason FROM record")[0][0]
            self.assertRegex(reason, r"%s:\d+: " % re.escape(name))
            self.assertEqual(w.report()["services"]["desk"]["tickets_total"], 0)
            ended = w.run_once()
            self.assertEqual(w.states(), {"dead": 2}, "a dead letter was taken up without being asked for")
            script.write_text(right, encoding="utf-8")
            again = w.verb("retry", "--all")
            self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
            self.finish(w, calls, callers=2)

    def test_a_broken_mapping_is_a_dead_letter_until_it_is_mended(self):
        self.check("zoho_desk", "mapping", "zoho_ticket.lua", ["deepgram", "keyword"])

    def test_broken_rules_are_a_dead_letter_until_they_are_mended(self):
        self.check("keyword", "rules", "classify.lua", ["deepgram", "keyword"])

    def test_a_script_that_never_ends_is_stopped(self):
        calls = [call(1)]
        with World(calls, stages=["deepgram", "keyword"]) as w:
            script = w.folder / "zoho_ticket.lua"
            w.blocks["zoho_desk"]["mapping"] = str(script)
            script.write_text("function ticket() while true do pcall(string.rep, 'a', 10) end end\n", encoding="utf-8")
            ended = w.run_once()
            self.assertEqual((ended.code, w.states()), (1, {"dead": 1}), ended)


def parse_prometheus(text):
    """The text format, strictly: a value for each sample, a type before it, cumulative buckets. Gives {(name, labels): value}."""
    types, samples = {}, {}
    assert text.endswith("\n"), "the last line is not ended"
    for line in text.splitlines():
        if line.startswith("# HELP "):
            assert re.fullmatch(r"# HELP [a-zA-Z_:][a-zA-Z0-9_:]* .+", line), line
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert kind in ("counter", "gauge", "histogram") and name not in types, line
            types[name] = kind
        else:
            found = re.fullmatch(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)", line)
            assert found, line
            name, labels, value = found.groups()
            pairs = re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)', labels or "")
            assert ",".join('%s="%s"' % pair for pair in pairs) == (labels or ""), line
            family = re.sub(r"_(bucket|sum|count)$", "", name)
            assert name in types or types.get(family) == "histogram", "no type before: " + line
            key = (name, tuple(sorted(pairs)))
            assert key not in samples, "twice: " + line
            samples[key] = float(value)
    for (name, labels), value in samples.items():
        if types.get(re.sub(r"_count$", "", name)) == "histogram":
            family = name[:-len("_count")]
            buckets = [(float(dict(keys)["le"]), count) for (other, keys), count in samples.items() if other == family + "_bucket"
                       and {pair for pair in keys if pair[0] != "le"} == set(labels)]
            counts = [count for _, count in sorted(buckets)]
            assert counts == sorted(counts) and sorted(buckets)[-1] == (float("inf"), value), name
    return types, samples


class AdminTest(PipelineCase):
    def test_health_readiness_and_metrics_are_served(self):
        calls = [call(i) for i in range(1, 4)]
        with World(calls) as w:
            engine = w.start()
            address = "127.0.0.1:" + engine.wait_for_log(r"listening for operators.* port=(\d+)").group(1)
            w.wait_until(lambda: w.states() == {"done": 3}, "all is done")
            self.assertEqual(get(address, "/healthz")[0], 200)
            self.assertEqual(get(address, "/readyz")[0], 200)
            self.assertEqual(get(address, "/nothing")[0], 404)
            status, headers, text = get(address, "/metrics")
            self.assertEqual((status, headers["Content-Type"].split(";")[0]), (200, "text/plain"))
            types, samples = parse_prometheus(text)

            def total(name, **labels):
                return sum(value for (other, pairs), value in samples.items() if other == name and set(labels.items()) <= set(pairs))

            self.assertEqual(total("switchboard_records", state="done"), 3)
            self.assertEqual(total("switchboard_in_flight"), 0)
            self.assertEqual(total("switchboard_unknown"), 0)
            self.assertGreater(total("switchboard_journal_commits_total"), 3)
            self.assertEqual(types["switchboard_journal_commit_seconds"], "histogram")
            self.assertGreater(total("switchboard_journal_commit_seconds_bucket", le="+Inf"), 3)
            self.assertGreater(total("switchboard_journal_commit_seconds_sum"), 0)
            self.assertEqual(total("switchboard_token_refreshes_total"), 1)
            self.assertIn("histogram", types.values())
            steps = [name for name in types if "step" in name and types[name] == "counter"]
            self.assertTrue(steps, types)
            self.assertEqual(total(steps[0], step="create_ticket"), 3)
            self.assertGreater(total("switchboard_meter_total") + sum(v for (n, _), v in samples.items() if "audio_seconds" in n or
                                                                      ("meter" in n)), 0, "no meters")
            again = parse_prometheus(get(address, "/metrics")[2])[1]
            for key, value in samples.items():
                if types.get(key[0]) == "counter":
                    self.assertGreaterEqual(again[key], value, key)
            self.assertEqual(engine.stop().code, 0)

    def test_many_scrapes_at_once_while_it_works(self):
        calls = [call(i) for i in range(1, 41)]
        with World(calls, knobs={"desk": {"latency_ms": 20}}) as w:
            engine = w.start()
            address = "127.0.0.1:" + engine.wait_for_log(r"listening for operators.* port=(\d+)").group(1)
            for _ in range(50):
                parse_prometheus(get(address, "/metrics")[2])
            w.wait_until(lambda: w.states() == {"done": 40}, "all is done")
            self.assertEqual(engine.stop().code, 0)
            self.assert_delivered(w, calls, 40)


class SecrecyTest(PipelineCase):
    def check(self, **settings):
        calls = [call(i, **{"from": "0555010%04d" % (4000 + i)}) for i in range(1, 9)]
        with World(calls, settings=settings) as w:
            w.fault("desk", "status", status=422, body={"errorCode": "INVALID_DATA", "message": "wrong", "errors": []},
                    method="POST", path="*/tickets", nth=1)
            w.fault("desk", "commit_then_reset", method="POST", path="/api/v1/contacts", nth=2)
            w.fault("deepgram", "status", status=400, body={"err_msg": "no"}, nth=1)
            w.fault("exotel", "status", status=500, nth=2)
            w.fault("accounts", "status", status=500, nth=1)
            ended = w.run_once()
            self.assertEqual(ended.code, 1, ended)
            env = w.services.env()
            secrets = {name: env[name] for name in ("EXOTEL_API_KEY", "EXOTEL_API_TOKEN", "DEEPGRAM_API_KEY", "OPENAI_API_KEY",
                                                    "ZOHO_DESK_CLIENT_SECRET", "ZOHO_DESK_REFRESH_TOKEN", "ZOHO_DESK_CLIENT_ID")}
            tokens = [json.loads(doc)["access_token"] for doc, in w.query("SELECT doc FROM token_doc")]
            self.assertTrue(tokens)
            for name, secret in [*secrets.items(), *(("access token", token) for token in tokens)]:
                self.assertNotIn(secret, ended.log, name)
            for each in calls:
                self.assertNotIn(each["from"][-10:], ended.log, "a customer's number")
                self.assertNotIn("This is call", ended.log, "what a customer said")
            journal = b"".join(path.read_bytes() for path in w.data.glob("journal*"))
            for name, secret in secrets.items():
                self.assertNotIn(secret.encode(), journal, "%s is in the journal" % name)

    def test_no_secret_and_no_number_in_the_log(self):
        self.check(log_level="debug")

    def test_no_secret_and_no_number_in_a_json_log(self):
        self.check(log_level="debug", log_format="json")
        # Each line of such a log is one object.
        with World([call(1)], settings={"log_format": "json"}) as w:
            ended = self.finish(w, [call(1)])
            for line in ended.log.splitlines():
                self.assertTrue(line.startswith("{") and "msg" in json.loads(line), line)


if __name__ == "__main__":
    world.main()
