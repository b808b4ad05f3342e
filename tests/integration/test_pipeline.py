#!/usr/bin/env python3
"""The engine as a process against the local services: what every kind of call becomes, and how it is operated. Every test ends
with the helpdesk's own view: one ticket, one contact, one note for each call."""

import http.client
import json
import re
import socket
import stat
import time

import world
from pipeline_case import PipelineCase
from world import PATIENCE, ROOT, World, call

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


if __name__ == "__main__":
    world.main()
