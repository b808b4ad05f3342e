#!/usr/bin/env python3
"""The verbs of the command line, as people and scripts use them: output, exit codes, with and without a running engine,
with and without a terminal. The sign-in at Zoho is in test_cli_login.py, imports and copies in test_cli_journal.py."""

import http.client
import json
import os
import re
import socket
import sqlite3
import stat
import subprocess
import tempfile

import world
from verb_case import VerbCase, on_terminal
from world import ENGINE, PATIENCE, ROOT, World, call

VERBS = ("run", "check", "plugins", "records", "show", "prove", "reconcile", "retry", "drop", "import", "login", "backup", "restore", "version")
REFUSED = {"status": 422, "body": {"errorCode": "UNPROCESSABLE_ENTITY", "message": "refused by a test"}}


def plain(*arguments, folder="/", **environment):
    """The program in a folder without anything."""
    env = {name: value for name, value in os.environ.items() if name in ("PATH", "UBSAN_OPTIONS", "ASAN_OPTIONS")}
    env.update(environment)
    return subprocess.run([ENGINE, *arguments], cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=30 * PATIENCE, check=False, text=True)


class Door(http.client.HTTPConnection):
    """HTTP over the engine's Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=10 * PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10 * PATIENCE)
        self.sock.connect(self.path)


class UsageTest(VerbCase):
    def test_every_verb_explains_itself_with_an_example(self):
        overview = plain("--help").stdout
        for verb in VERBS:
            self.assertIn("\n  %-9s " % verb, overview)
            self.assertEqual(plain("help", verb).stdout, plain(verb, "--help").stdout)
            done = self.assert_done(plain(verb, "--help"), "usage: switchboard " + verb, "\nExample:\n")
            self.assertEqual(done.stderr, "")
            self.assertLess(max(map(len, done.stdout.splitlines())), 121, verb)

    def test_wrong_usage_is_named_and_ends_with_2(self):
        rows = [
            (["records", "--colour"], "there is no option '--colour'"), (["records", "-x"], "there is no option '-x'"),
            (["records", "--json=1"], "option '--json' takes no argument"),
            (["records", "--limit"], "option '--limit' needs an argument"),
            (["records", "--limit", "0"], "'0' is not a limit: 1 to 10000"),
            (["records", "--limit", "10001"], "'10001' is not a limit"),
            (["records", "--limit", "5x"], "'5x' is not a limit"),
            (["records", "--state", "ded"], "there is no state 'ded' (did you mean 'dead'?)"),
            (["records", "12"], "'switchboard show 12' shows one record"),
            (["show"], "which record?"), (["show", "1", "2"], "unexpected argument '2'"),
            (["retry"], "which record?"), (["retry", "1", "--all"], "not both"),
            (["retry", "--all", "--disabled"], "exclude each other"), (["retry", "1", "2"], "unexpected argument '2'"),
            (["drop"], "which record?"), (["drop", "1", "because", "so"], "unexpected argument 'because'"),
            (["drop", "1", "--reason", ""], "a reason has 1 to 500 bytes"),
            (["import"], "which file?"), (["import", "a", "b"], "unexpected argument 'b'"),
            (["backup"], "which file"), (["restore"], "which backup?"), (["plugins", "a", "b"], "unexpected argument 'b'"),
            (["login"], "'login zoho' is known"), (["login", "zendesk"], "only 'zoho' is known"),
            (["login", "zoho", "--port", "70000"], "'70000' is not a port"),
            (["login", "zoho", "--wait", "5"], "'5' needs a unit"),
            (["check", "--online-ish"], "there is no option '--online-ish'"), (["run", "-c"], "option '-c' needs an argument"),
            (["run", "twice"], "unexpected argument 'twice'"), (["version", "2"], "unexpected argument '2'"),
            (["help", "recrods"], "did you mean 'records'?"), (["recrods"], "there is no verb 'recrods'; did you mean 'records'?"),
            (["xyzzy"], "there is no verb 'xyzzy'"), ([], "usage: switchboard VERB"),
        ]
        for arguments, words in rows:
            with self.subTest(arguments=arguments):
                self.assert_refused(plain(*arguments), words, code=2)

    def test_without_a_configuration_it_says_how_to_name_one(self):
        for arguments in (["records"], ["show", "1"], ["retry", "--all"], ["drop", "1"], ["backup", "b"], ["restore", "b"],
                          ["import", "list.json"]):
            with self.subTest(arguments=arguments):
                self.assert_refused(plain(*arguments), "there is no 'engine.conf' here; -c FILE names it")

    def test_a_wrong_configuration_is_told_by_line(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "engine.conf"), "w", encoding="utf-8") as conf:
                conf.write("data_dir = \"var\"\nmax_in_flight = \"many\"\n")
            done = plain("records", folder=folder)
        self.assert_refused(done, "engine.conf:2: ", "cannot use 'engine.conf'")

    def test_all_that_plugins_refuse_is_told_in_one_run(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "engine.conf"), "w", encoding="utf-8") as conf:
                conf.write('pipelines = { calls = { source = "exotel" stages = [ "deepgram", "openai" ] sinks = [ "zoho_desk" ] } }\n'
                           'exotel = { account_sid = "acmedemo1" api_key = "k" api_token = "t" utc_offset = "5" since = "yesterday" }\n'
                           'deepgram = { api_key = "k" model = "flux-1" redact = [ "ssn", "aggressive_numbers" ] keyterms = "refund" }\n'
                           'openai = { api_key = "k" categories = [ "%s", "a", "a" ] }\n' % ("x" * 101) +
                           'zoho_desk = { mapping = "%s" org_id = "abc" department_id = "77" client_id = "c" client_secret = "s" refresh_token = "r"'
                           ' reference_field = "ref" base_url = "https://desk.example.com" }\n' % (ROOT / "scripts" / "zoho_ticket.lua"))
            done = plain("check", folder=folder)
        self.assert_refused(done, "engine.conf:2: 'utc_offset' is '5'", "engine.conf:2: 'since' is 'yesterday'", "engine.conf:3: 'model' is 'flux-1'",
                            "engine.conf:3: 'keyterms' need a model of nova-3", "engine.conf:3: 'redact' has 'ssn'",
                            "engine.conf:3: 'redact' has 'aggressive_numbers'", "engine.conf:4: category 1 is empty or longer",
                            "engine.conf:4: category 'a' is listed twice", "engine.conf:5: 'abc' is not an id for org_id",
                            "engine.conf:5: reference_field 'ref'", "engine.conf:5: cannot tell the accounts server")
        self.assertEqual(done.stderr.count("engine.conf:"), 11, done.stderr)

    def test_without_a_journal_reading_says_who_makes_it(self):
        with World() as w:
            for arguments in (["records"], ["show", "1"], ["backup", "copy.db"], ["drop", "1"]):
                self.assert_refused(w.verb(*arguments), "there is no journal in", "'switchboard run' makes it")
            self.assertFalse(os.path.exists(w.data))


class PluginsTest(VerbCase):
    KINDS = {"exotel": "source", "deepgram": "processor", "openai": "processor", "keyword": "processor",
             "pocketsphinx": "processor", "zoho_desk": "sink"}

    def test_they_are_listed_with_kind_and_summary(self):
        done = self.assert_done(plain("plugins"))
        for name, kind in self.KINDS.items():
            self.assertRegex(done.stdout, r"(?m)^%s +%s +\d\S* +\S" % (name, kind))
        rows = {row["name"]: row for row in json.loads(plain("plugins", "--json").stdout)}
        self.assertEqual({name: rows[name]["kind"] for name in self.KINDS}, self.KINDS)
        self.assertTrue(all(row["summary"] and os.path.isabs(row["file"]) for row in rows.values()))

    def test_one_is_shown_with_every_option_once(self):
        for name in self.KINDS:
            shown = json.loads(plain("plugins", name, "--json").stdout)
            names = [option["name"] for option in shown["options"]]
            self.assertEqual(len(names), len(set(names)), name)
            self.assertLessEqual({"enabled", "retries"}, set(names), name)
            self.assertTrue(all(option["help"] for option in shown["options"]), name)
            text = plain("plugins", name).stdout
            for option in names:
                self.assertRegex(text, r"(?m)^  %s +\S" % option)
        options = {option["name"]: option for option in json.loads(plain("plugins", "zoho_desk", "--json").stdout)["options"]}
        self.assertEqual((options["client_secret"]["type"], options["client_secret"]["required"]), ("secret", True))
        self.assertEqual((options["settle"]["default"], options["settle"]["max"]), ("15m", 24 * 3600 * 1000))
        self.assertFalse(options["settle"]["common"])
        self.assertTrue(options["retries"]["common"])
        self.assertRegex(plain("plugins", "zoho_desk").stdout, r"(?m)^  org_id +text +required +\S")

    def test_an_unknown_one_is_answered_with_the_nearest(self):
        self.assert_refused(plain("plugins", "exotl"), "there is no plugin 'exotl'; did you mean 'exotel'?")
        self.assert_refused(plain("plugins", "qqqqqqqq"), "there is no plugin 'qqqqqqqq'")

    def test_what_cannot_be_loaded_is_in_the_list_with_the_reason(self):
        with World() as w:
            folder = w.folder / "more"
            folder.mkdir()
            (folder / "broken.so").write_bytes(b"\x7fELF and nothing else")
            w.settings["plugin_dir"] = [str(folder)]
            text = self.verb(w, "plugins")
            self.assertRegex(text, r"(?m)^broken +cannot be loaded +\S")
            rows = {row["name"]: row for row in self.json(w, "plugins")}
            self.assertTrue(rows["broken"]["error"])
            self.assertNotIn("error", rows["exotel"])
            self.assert_refused(w.verb("plugins", "broken"), "broken")

    def test_a_configuration_that_was_named_must_be_there(self):
        self.assert_refused(plain("plugins", "-c", "missing.conf"), "there is no 'missing.conf' here")


class LookingTest(VerbCase):
    """One world for all: a delivered call, a missed one, and a dead letter."""

    GOOD, MISSED, DEAD = "examplecall%021d" % 1, "examplecall%021d" % 2, "examplecall%021d" % 3
    EVIL = "My invoice is wrong. \x1b[31mRED\x1b]0;title\x07 \u202eturned \u0939\u093f\u0928\u094d\u0926\u0940"

    def make(self):
        calls = [call(1, transcript=[{"speaker": "agent", "text": "Hello, how can I help?"},
                                     {"speaker": "customer", "text": self.EVIL}]),
                 call(2, kind="missed_no_answer"), call(3)]
        for plan in calls[1:2]:
            for key in ("recording", "transcript", "duration_s", "talk_s"):
                plan.pop(key)
        w = World(calls)
        w.fault("desk", "status", method="POST", path="/api/v1/tickets", match_body=self.DEAD, **REFUSED)
        ended = w.run_once()
        self.assertEqual(ended.code, 1, ended)
        return w

    def test_records_are_listed_filtered_and_counted(self):
        with self.make() as w:
            self.assertEqual(self.states(w), {self.GOOD: "done", self.MISSED: "dropped", self.DEAD: "dead"})
            text = self.verb(w, "records")
            self.assertRegex(text, r"(?m)^ID +STATE +RECEIVED +PIPELINE +CONVERSATION +WHERE, OR WHY$")
            self.assertRegex(text, r"(?m)^ ?\d+ +done +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +calls +%s$" % self.GOOD)
            self.assertRegex(text, r"(?m)^ ?\d+ +dead .* %s +zoho_desk\.create_ticket.*refused by a test" % self.DEAD)
            self.assertRegex(text, r"\n3 shown; in all: 1 done, 1 dropped, 1 dead\n$")
            self.assertNotIn("\x1b", text)

            dead = self.json(w, "records", "--state", "dead")
            self.assertEqual([row["external_id"] for row in dead], [self.DEAD])
            self.assertEqual(self.json(w, "records", "--state", "unknown"), [])
            self.assertEqual(self.json(w, "records", "--state", "incomplete"), [])
            self.assertEqual(len(self.json(w, "records", "--limit", "2")), 2)
            self.assertEqual(len(self.json(w, "records", "--pipeline", "calls")), 3)
            done = self.assert_done(w.verb("records", "--pipeline", "cals", "--json"), "did you mean 'calls'?")
            self.assertEqual(json.loads(done.stdout), [])
            ids = [row["id"] for row in self.json(w, "records")]
            self.assertEqual(ids, sorted(ids, reverse=True))
            self.records_on_a_terminal(w)
            self.one_record_by_all_its_names(w)
            self.one_record_for_people(w)
            self.one_record_for_scripts(w)
            self.shows_why_it_is_dead(w)

    def records_on_a_terminal(self, w):
        wide, narrow = on_terminal(w, 200, "records"), on_terminal(w, 70, "records")
        self.assertIn("\x1b[31mdead\x1b[0m", wide)
        self.assertNotIn("\x1b", on_terminal(w, 200, "records", NO_COLOR="1"))
        lines = re.sub(r"\x1b\[\d+m", "", narrow).splitlines()
        self.assertTrue(any("refused by a test" in " ".join(lines[i:i + 4]) for i in range(len(lines))))
        self.assertLessEqual(max(len(line) for line in lines), 70, narrow)

    def one_record_by_all_its_names(self, w):
        whole = self.json(w, "show", self.GOOD)
        for name in (str(whole["id"]), whole["reference"], whole["reference"].lower(), "SB-" + whole["reference"],
                     "[SB-%s]" % whole["reference"], "sb-" + whole["reference"]):
            self.assertEqual(self.json(w, "show", name)["external_id"], self.GOOD, name)
        self.assert_refused(w.verb("show", "no-such-call"), "there is no record 'no-such-call'")
        self.assert_refused(w.verb("show", "SB-0000000000000"), "there is no record 'SB-0000000000000'")

    def one_record_for_people(self, w):
        text = self.verb(w, "show", self.GOOD)
        number = w.tickets()["tickets"][0]["ticketNumber"] if isinstance(w.tickets(), dict) else w.tickets()[0]["ticketNumber"]
        self.assertRegex(text, r"\Arecord \d+  done\n")
        for label in ("reference +SB-", "pipeline +calls", "customer +05550100001", "duration +1 min 0 s", "mood +\\S",
                      "number +#%s" % number, "link +https?://", "contact +\\d+, new", "private notes +1"):
            self.assertRegex(text, r"(?m)^  " + label)
        self.assertRegex(text, r"(?m)^    0:00  \S.*Hello, how can I help\?$")
        self.assertRegex(text, r"(?m)^  (\S+ )?\d\d:\d\d:\d\d  zoho_desk\.create_ticket +1 +ok +200 ")
        self.assertRegex(text, r"zoho_desk\.create_ticket +1 +intent done")
        self.assertNotIn("POST ", text)
        for steering in ("\x1b", "\x07", "\u202e"):
            self.assertNotIn(steering, text)
        self.assertIn("\ufffd[31mRED", text)
        self.assertIn("\u0939\u093f\u0928\u094d\u0926\u0940", text)

        requests = self.verb(w, "show", self.GOOD, "--requests")
        self.assertRegex(requests, r"POST http://127\.0\.0\.1:\d+/api/v1/tickets\n")
        self.assertIn("    Authorization: Zoho-oauthtoken [token]\n", requests)
        self.assertRegex(requests, r'      "subject": "Call from 05550100001 - .* \[SB-\w{13}\]"')
        shown = on_terminal(w, 80, "show", self.GOOD)
        self.assertNotIn("\x1b]", shown)
        self.assertIn("\x1b[1mTranscript\x1b[0m", shown)

    def one_record_for_scripts(self, w):
        whole = self.json(w, "show", self.GOOD)
        self.assertEqual((whole["state"], whole["pipeline"], whole["account"]), ("done", "calls", "acmedemo1"))
        self.assertEqual(whole["record"]["call"]["customer"], "05550100001")
        self.assertIn("Hello, how can I help?", whole["record"]["transcript"]["text"])
        intents = {row["step"]: row for row in whole["timeline"] if row["kind"] == "intent"}
        self.assertEqual(set(intents), {"create_contact", "create_ticket", "add_note"})
        self.assertTrue(all(row["state"] == "done" for row in intents.values()))
        self.assertIn("[SB-%s]" % whole["reference"], intents["create_ticket"]["request"]["body"]["subject"])
        token = w.services.env()["ZOHO_DESK_REFRESH_TOKEN"]
        self.assertNotIn(token, json.dumps(whole))

    def shows_why_it_is_dead(self, w):
        text = self.verb(w, "show", self.DEAD)
        self.assertRegex(text, r"\Arecord \d+  dead\n")
        self.assertRegex(text, r"(?m)^  where +sink zoho_desk\.create_ticket, since \d{4}-")
        self.assertRegex(text, r"(?m)^  reason +.*refused by a test")
        self.assertRegex(text, r"(?m)^  number +not created yet$")
        text = self.verb(w, "show", self.MISSED)
        self.assertRegex(text, r"\Arecord \d+  dropped\n")
        self.assertRegex(text, r"(?m)^  reason +\S")

    def test_an_unknown_outcome_is_shown_as_such(self):
        calls = [call(1)]
        with World(calls, zoho_desk={"settle": "10m"}) as w:
            w.fault("desk", "commit_then_reset", method="POST", path="/api/v1/tickets", count=1)
            w.fault("desk", "status", method="GET", path="*/tickets*", status=500)
            engine = w.start()
            engine.wait_for_log("started")
            w.wait_until(lambda: self.json(w, "records", "--state", "unknown"),
                         "the outcome is unknown")
            text = self.verb(w, "records", "--state", "unknown")
            self.assertRegex(text, r"(?m)^ ?1 +%s +zoho_desk\.create_ticket " % calls[0]["sid"])
            shown = self.verb(w, "show", "1")
            self.assertRegex(shown, r"\Arecord 1  unknown\n")
            self.assertRegex(shown, r"(?m)^  unknown +zoho_desk\.create_ticket was sent or about to be")
            self.assertRegex(shown, r"zoho_desk\.create_ticket +1 +intent open")
            engine.kill()


class ChangingTest(VerbCase):
    def dead_letters(self, count, **more):
        """A world in which every ticket was refused; nothing runs any more."""
        w = World([call(number) for number in range(1, count + 1)], **more)
        w.fault("desk", "status", method="POST", path="/api/v1/tickets", **REFUSED)
        self.assertEqual(w.run_once().code, 1)
        self.assertEqual(w.states(), {"dead": count})
        w.no_faults()
        return w

    def assert_delivered(self, w, *numbers):
        self.assertEqual(w.faults_of_delivery(["examplecall%021d" % number for number in numbers]), [])

    def test_retry_without_an_engine_waits_for_the_next_run(self):
        with self.dead_letters(3) as w:
            sid = "examplecall%021d" % 2
            text = self.verb(w, "retry", sid)
            self.assertRegex(text, r"^record \d+ goes on when 'switchboard run' is started\n$")
            self.assertEqual(w.states(), {"dead": 2, "active": 1})
            self.assert_refused(w.verb("retry", sid), "is active: only records that are dead, disabled, or done with problems")
            self.assertEqual(self.json(w, "retry", "--all"), {"retried": 2, "engine_runs": False})
            self.assertEqual(self.verb(w, "retry", "--all"), "0 records go on\n")
            self.assertEqual(w.run_once().code, 0)
            self.assert_delivered(w, 1, 2, 3)
            self.assert_refused(w.verb("retry", sid), "is done")
            self.assert_refused(w.verb("retry", "999"), "there is no record '999'")

    def test_retry_with_an_engine_begins_at_once(self):
        with self.dead_letters(3) as w:
            engine = w.start()
            engine.wait_for_log("started")
            self.assertEqual(self.verb(w, "retry", "2"), "record 2 goes on\n")
            w.wait_until(lambda: w.states() == {"dead": 2, "done": 1}, "the retried record is done")
            self.assertEqual(self.json(w, "retry", "--all"), {"retried": 2, "engine_runs": True})
            w.wait_until(lambda: w.states() == {"done": 3}, "all are done")
            self.assert_refused(w.verb("retry", "2"), "is done")
            self.assert_delivered(w, 1, 2, 3)
            self.assertEqual(engine.stop().code, 0)

    def test_disabled_records_get_their_ticket_only_when_asked_for(self):
        with World([call(1), call(2)]) as w:
            self.assertEqual(w.run_once(ZOHO_DESK_ENABLED="false").code, 0)
            self.assertEqual(w.states(), {"disabled": 2})
            self.assertEqual(w.run_once().code, 0)
            self.assertEqual(w.states(), {"disabled": 2})
            self.assertEqual(self.verb(w, "retry", "--disabled"),
                             "2 records go on when 'switchboard run' is started\n")
            self.assertEqual(w.run_once().code, 0)
            self.assert_delivered(w, 1, 2)

    def test_what_was_missing_is_tried_again(self):
        with World([call(1)], stages=["deepgram", "openai"], deepgram={"retries": 0}) as w:
            w.fault("deepgram", "status", status=400, body={"err_code": "Bad Request", "err_msg": "refused by a test"})
            self.assertEqual(w.run_once().code, 0)
            rows = self.json(w, "records", "--state", "incomplete")
            self.assertEqual([row["state"] for row in rows], ["done"])
            self.assertRegex(self.verb(w, "records"), r"(?m)^ ?1 +incomplete ")
            self.assertTrue(self.verb(w, "records").endswith("1 shown; in all: 1 done; of them 1 incomplete\n"))
            self.assertRegex(self.verb(w, "prove"), r"(?m)^  records +1 done; of them 1 incomplete$")
            self.assertRegex(self.verb(w, "show", "1"), r"(?m)^  problem +deepgram: ")
            w.no_faults()
            self.assertEqual(self.json(w, "retry", "--incomplete")["retried"], 1)
            self.assertEqual(w.run_once().code, 0)
            self.assertEqual(self.json(w, "records", "--state", "incomplete"), [])
            self.assert_delivered(w, 1)

    def test_drop_ends_a_record_with_its_reason(self):
        with self.dead_letters(2) as w:
            self.assertEqual(self.verb(w, "drop", "1", "--reason", "a test of our own"), "record 1 is dropped\n")
            self.assertEqual(self.json(w, "show", "1")["reason"], "a test of our own")
            self.assert_refused(w.verb("drop", "1"), "dropped already")
            engine = w.start()
            engine.wait_for_log("started")
            self.assertEqual(self.json(w, "drop", "2"), {"dropped": 2})
            self.assertEqual(self.json(w, "show", "2")["reason"], "dropped by an operator")
            self.assert_refused(w.verb("drop", "2"), "dropped already")
            self.assertEqual(engine.stop().code, 0)
            self.assertEqual(w.states(), {"dropped": 2})
            self.assertEqual(w.report()["services"]["desk"]["tickets_total"], 0)

    def test_a_reason_that_is_no_text_is_refused_and_a_stored_one_is_mended(self):
        with self.dead_letters(1) as w:
            done = w.verb("drop", "1", "--reason", b"half \xe2\x82")
            self.assert_refused(done, "the reason is not UTF-8 text")
            journal = sqlite3.connect(w.data / "journal.db")
            journal.execute("UPDATE record SET reason = CAST(X'68616c6620e282' AS TEXT)")
            journal.commit()
            journal.close()
            for text in (self.json(w, "show", "1")["reason"], self.json(w, "records")[0]["reason"]):
                self.assertRegex(text, "^half \ufffd+$")
            self.assertRegex(self.verb(w, "show", "1"), r"(?m)^  reason +half \ufffd+$")

    def test_drop_of_a_record_under_way_ends_it_at_a_safe_point(self):
        with World([call(1)], deepgram={"retries": 100}) as w:
            w.fault("deepgram", "status", status=503)
            engine = w.start()
            engine.wait_for_log("started")
            w.wait_until(lambda: any(
                row["step"] == "transcribe" for row in self.json(w, "records")), "it is under way")
            self.assertIn("record 1 is dropped", self.verb(w, "drop", "1", "--reason", "enough"))
            w.wait_until(lambda: w.states() == {"dropped": 1}, "it is dropped")
            self.assertEqual(self.json(w, "show", "1")["reason"], "enough")
            self.assertEqual(engine.stop().code, 0)

    def test_the_door_refuses_what_it_does_not_understand(self):
        rows = [
            ("/retry", {}, "retry needs an 'id', or the 'state' dead, disabled or done"),
            ("/retry", {"state": "active"}, "retry needs an 'id'"), ("/retry", {"id": 99}, "there is no record 99"),
            ("/retry", [], "the body must be a JSON object"), ("/retry", None, "the body must be a JSON object"),
            ("/drop", {}, "drop needs an 'id'"), ("/drop", {"id": 99, "reason": "x"}, "there is no record 99"),
            ("/import", {"ids": ["a"]}, "import needs an 'account'"),
            ("/import", {"account": "", "ids": ["a"]}, "import needs an 'account'"),
            ("/import", {"account": "acmedemo1"}, "import needs an 'account' and 'ids', a list of texts"),
            ("/import", {"account": "acmedemo1", "ids": ["a", 5]}, "a list of texts"),
            ("/import", {"account": "acmedemo1", "ids": [""]}, "a list of texts"),
            ("/shutdown", {}, "there are /retry, /drop, /import, /decide,"), ("/decide", {"id": 1}, "decide needs an 'id', and either"),
            ("/decide", {"id": 1, "adopt": "1", "send_again": True}, "decide needs an 'id', and either"),
            ("/decide", {"id": 1, "adopt": "1"}, "there is no record 1"), ("/reconcile", {}, "reconcile needs 'since_ms'"),
        ]
        with World() as w:
            engine = w.start()
            engine.wait_for_log("started")
            self.assertEqual(stat.S_IMODE(os.stat(w.data / "control.sock").st_mode), 0o600)
            for path, body, words in rows:
                with self.subTest(path=path, body=body):
                    connection = Door(str(w.data / "control.sock"))
                    connection.request("POST", path, None if body is None else json.dumps(body))
                    answer = connection.getresponse()
                    self.assertIn(words, json.loads(answer.read())["error"])
                    self.assertIn(answer.status, (404, 422))
                    connection.close()
            self.assertEqual(engine.stop().code, 0)

    def test_an_engine_that_was_killed_leaves_a_door_that_nobody_answers(self):
        with self.dead_letters(1) as w:
            engine = w.start()
            engine.wait_for_log("started")
            engine.kill()
            self.assertTrue(os.path.exists(w.data / "control.sock"))
            self.assertEqual(self.json(w, "retry", "--all"), {"retried": 1, "engine_runs": False})

    def test_a_long_folder_name_does_not_matter(self):
        with World([call(1)]) as w:
            w.data = w.folder / ("d" * 100) / ("e" * 60)
            engine = w.start()
            log = engine.wait_for_log("record ended|cannot|too long").group(0)
            self.assertEqual(log, "record ended", engine.log())
            self.assertEqual(self.json(w, "retry", "--all"), {"retried": 0, "engine_runs": True})
            self.assertEqual(engine.stop().code, 0)


if __name__ == "__main__":
    world.main()
