#!/usr/bin/env python3
"""The verbs that bring something into the journal or copy it: import, backup, restore, with and without a running engine."""

import json
import os
import shutil
import sqlite3
import stat
import subprocess

import world
from verb_case import VerbCase, on_terminal
from world import ENGINE, PATIENCE, World, call


class ImportTest(VerbCase):
    def write(self, w, value):
        path = w.folder / "processed_calls.json"
        path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        return str(path)

    def test_imported_calls_get_no_ticket(self):
        calls = [call(1), call(2), call(3)]
        with World(calls) as w:
            path = self.write(w, [calls[0]["sid"], calls[1]["sid"], calls[0]["sid"]])
            self.assertEqual(self.verb(w, "import", path), "3 calls of account 'acmedemo1': 2 new, 1 known already; none of "
                                                           "them will get a ticket\n")
            self.assertEqual(self.json(w, "import", path), {"account": "acmedemo1", "new": 0, "known": 3})
            self.assertEqual(w.run_once().code, 0)
            self.assertEqual(w.faults_of_delivery([calls[2]["sid"]]), [])

    def test_a_long_list_is_quick_with_and_without_an_engine(self):
        with World() as w:
            path = self.write(w, ["examplecall%021d" % number for number in range(100000)])
            # What synced each of them, or compared each with all, would not be done within the time that a verb has.
            self.assertEqual(self.json(w, "import", path)["new"], 100000)
            path = self.write(w, ["examplecall%021d" % number for number in range(50000, 150000)])
            engine = w.start()
            engine.wait_for_log("started")
            self.assertEqual(self.json(w, "import", path), {"account": "acmedemo1", "new": 50000, "known": 50000})
            self.assertEqual(engine.stop().code, 0)

    def test_an_engine_ends_when_a_verb_cannot_write_though_no_record_moves(self):
        with World() as w:
            engine = w.start()
            engine.wait_for_log("started")
            journal = sqlite3.connect(w.data / "journal.db", timeout=10)
            journal.execute("CREATE TRIGGER no_room BEFORE INSERT ON identity BEGIN SELECT RAISE(ABORT, 'no room'); END")
            journal.commit()
            journal.close()
            self.assert_refused(w.verb("import", self.write(w, [call(1)["sid"]])), "no room")
            ended = engine.wait(20 * PATIENCE)
            self.assertEqual(ended.code, 1, ended.log)
            self.assertRegex(ended.log, "the journal cannot be written.*no room")

    def test_a_wrong_file_is_refused_with_its_position_and_nothing_is_taken(self):
        rows = [
            ("", "processed_calls.json:1:0: "), ("[\"a\",\n \"b\"", "processed_calls.json:2:"),
            ("[\"a\",]", "processed_calls.json:1:"), ("{\"calls\": []}", "the file is an object, but must be a JSON list"),
            ("\"a\"", "the file is a text"), ("17", "the file is a number"), ("[\"a\", 17]", "item 2 of the list is a number"),
            ("[\"a\", \"b\", null]", "item 3 of the list is null"), ("[[\"a\"]]", "item 1 of the list is a list"),
            ("[\"\"]", "item 1 of the list is no call's id"), ("[\"%s\"]" % ("x" * 201), "item 1 of the list is no call's id"),
            ("[\"a\\u0000b\"]", "processed_calls.json:1:"),
        ]
        with World() as w:
            for text, words in rows:
                with self.subTest(text=text[:40]):
                    self.assert_refused(w.verb("import", self.write(w, text)), words)
            self.assert_refused(w.verb("import", "nowhere.json"), "nowhere.json", "No such file")
            self.assertFalse(os.path.exists(w.data))
            self.assertEqual(self.json(w, "import", self.write(w, [])), {"account": "acmedemo1", "new": 0, "known": 0})

    def test_the_account_must_be_known(self):
        with World() as w:
            path = self.write(w, ["a"])
            self.assert_refused(w.verb("import", path, EXOTEL_SID=""), "cannot tell whose calls these are", "--account SID")
            self.assertEqual(self.json(w, "import", path, "--account", "acmedemo2", EXOTEL_SID="")["account"], "acmedemo2")
            self.assertEqual(self.json(w, "import", path)["new"], 1)
            w.blocks["exotel_two"] = {"plugin": "exotel", "account_sid": "acmedemo3"}
            conf = w.write_conf()
            conf.write_text(conf.read_text() + "exotel_two = { plugin = \"exotel\" account_sid = \"acmedemo3\" }\n")
            done = subprocess.run([ENGINE, "import", "-c", str(conf), path], cwd=w.folder, env=w.environment(),
                                  capture_output=True, text=True, timeout=30 * PATIENCE, check=False)
            self.assert_refused(done, "several Exotel accounts", "--account")


class BackupTest(VerbCase):
    def test_a_backup_is_taken_while_the_engine_runs_and_belongs_to_its_owner(self):
        with World([call(1)]) as w:
            engine = w.start()
            engine.wait_for_log("started")
            w.wait_until(lambda: w.states() == {"done": 1}, "the call is done")
            copy = w.folder / "copy.db"
            self.assertIn("recordings are not in it", self.verb(w, "backup", str(copy)))
            self.assertEqual(stat.S_IMODE(os.stat(copy).st_mode), 0o600)
            self.assert_refused(w.verb("backup", str(copy)), "exists already")
            self.assert_refused(w.verb("backup", "/nowhere/copy.db"), "/nowhere/copy.db")
            told = self.json(w, "backup", "second.db")
            self.assertEqual(told["bytes"], os.stat(w.folder / "second.db").st_size)
            self.assert_refused(w.verb("restore", str(copy)), "is in use by process %d" % engine.process.pid)
            self.assertEqual(engine.stop().code, 0)
            self.assertEqual(self.json(w, "restore", str(copy)), {"restored": str(copy), "records": 1, "active": 0})
            self.assertEqual(w.run_once().code, 0)
            self.assertEqual(w.faults_of_delivery(["examplecall%021d" % 1]), [])

    def test_long_work_is_followed_on_a_terminal_and_nowhere_else(self):
        copying = r"\r\x1b\[Kcopying: 100 % of [0-9.]+[kM]\r\x1b\[K"
        with World([call(1)]) as w:
            self.assertEqual(w.run_once().code, 0)
            self.assertRegex(on_terminal(w, 80, "backup", "one.db"), copying + "the journal is copied to 'one.db'")
            self.assertRegex(on_terminal(w, 80, "restore", "one.db"),
                             r"\r\x1b\[Kchecking [0-9.]+[kM]" + copying + "'one.db' is the journal")
            (w.folder / "list.json").write_text('["a", "b"]', encoding="utf-8")
            self.assertRegex(on_terminal(w, 80, "import", "list.json"), r"^\r\x1b\[Kimporting: 2 of 2\r\x1b\[K2 calls")
            self.assertRegex(on_terminal(w, 80, "reconcile"), r"\r\x1b\[Klooking: 1 of 1\r\x1b\[K")
            for arguments in (["backup", "two.db"], ["restore", "one.db"], ["prove"], ["reconcile"], ["import", "list.json"]):
                self.assertEqual(w.verb(*arguments).stderr, "", arguments)
            for arguments in (["backup", "three.db"], ["restore", "one.db"], ["prove"], ["reconcile"], ["import", "list.json"]):
                text = on_terminal(w, 80, *arguments, "--json")
                self.assertTrue(text.startswith("{") and "\x1b" not in text, text)

    def test_what_was_delivered_after_the_backup_is_not_delivered_again(self):
        calls = [call(1), call(2)]
        with World(calls[:1]) as w:
            w.fault("desk", "status", method="POST", path="/api/v1/tickets", status=503)
            engine = w.start()
            engine.wait_for_log("started")
            w.wait_until(lambda: any(
                row["step"] == "create_ticket" for row in self.json(w, "records")), "it waits for the helpdesk")
            self.verb(w, "backup", "early.db")
            engine.kill()
            w.no_faults()
            w.add_calls(calls[1])
            self.assertEqual(w.run_once().code, 0)
            self.assertEqual(w.faults_of_delivery([each["sid"] for each in calls]), [])

            text = self.verb(w, "restore", "early.db")
            self.assertIn("1 records, 1 of them on their way", text)
            self.assertIn("doubtful", text)
            self.assertEqual(len([name for name in os.listdir(w.data) if name.startswith("journal.db.replaced-")
                                  and name.endswith("Z")]), 1)
            self.assertTrue(self.json(w, "show", "1")["is_doubtful"])
            self.assertRegex(self.verb(w, "show", "1"), r"(?m)^  doubtful +it may have been delivered before")
            self.assertEqual(w.run_once(120 * PATIENCE).code, 0)
            self.assertEqual(w.faults_of_delivery([each["sid"] for each in calls]), [])
            self.assertEqual(self.states(w), {each["sid"]: "done" for each in calls})

    def test_what_is_no_backup_is_refused_and_changes_nothing(self):
        with World([call(1)]) as w:
            self.assertEqual(w.run_once().code, 0)
            (w.folder / "letter.txt").write_text("dear reader\n" * 200)
            self.assert_refused(w.verb("restore", "letter.txt"), "cannot restore")
            self.assert_refused(w.verb("restore", "nowhere.db"), "cannot read 'nowhere.db'")
            self.assertEqual(w.states(), {"done": 1})
            shutil.copy(w.data / "journal.db", w.folder / "cut.db")
            os.truncate(w.folder / "cut.db", 5000)
            self.assert_refused(w.verb("restore", "cut.db"), "cannot restore")
            self.assertEqual(w.states(), {"done": 1})


if __name__ == "__main__":
    world.main()
