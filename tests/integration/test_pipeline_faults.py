#!/usr/bin/env python3
"""What a hostile world cannot make of calls: lost answers, refusals, tokens that end, services that are down. Every test ends with
the helpdesk's own view: one ticket, one contact, one note for each call."""

import json
import re
import time

import world
from pipeline_case import PipelineCase
from world import PATIENCE, World, call

CREATIONS = {"contact": "/api/v1/contacts", "ticket": "/api/v1/tickets", "note": "*/comments"}


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


if __name__ == "__main__":
    world.main()
