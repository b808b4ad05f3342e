#!/usr/bin/env python3
"""`switchboard login zoho` against the local Zoho: consent by callback and by pasting, every refusal of the token server,
and what is printed where."""

import http.client
import json
import os
import pty
import re
import subprocess
import threading
import unittest
import urllib.parse

import world
from world import ENGINE, PATIENCE, ROOT, World

CLIENT = "1000.DEMOCLIENT0000000000000000000001"
SECRET = "demosecret0000000000000000000000000001"
DEPARTMENTS = {"5000001000000006001": "AcmeDesk", "5000001000000006002": "Acme Sales"}
SCOPES = {"Desk.tickets.CREATE", "Desk.tickets.READ", "Desk.tickets.UPDATE", "Desk.contacts.CREATE", "Desk.contacts.READ",
          "Desk.search.READ", "Desk.basic.READ"}


def fetch(url):
    """One GET, redirects not followed: status, Location, text."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10 * PATIENCE)
    connection.request("GET", parts.path + ("?" + parts.query if parts.query else ""))
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.getheader("Location"), text


def query_of(url):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


class Login:
    """A login under way. Its stdin stays open until something is pasted."""

    def __init__(self, w, *arguments, **environment):
        port = () if "--port" in arguments or "--redirect-uri" in arguments else ("--port", "0")
        env = {name: value for name, value in w.environment(**environment).items() if value != ""}
        self.process = subprocess.Popen([ENGINE, "login", "zoho", *port, *arguments], cwd=w.folder, env=env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.said = ""
        self.stdout = ""

    def read_until(self, pattern):
        """Its stderr, until a line matches."""
        for line in self.process.stderr:
            self.said += line
            found = re.search(pattern, line)
            if found:
                return found
        raise AssertionError("it never said '%s':\n%s" % (pattern, self.said))

    def consent_url(self):
        return self.read_until(r"^  (http\S+/oauth/v2/auth\S+)$").group(1)

    def agree(self):
        """What the browser does: the consent page, whose answer leads to an address of the login's own."""
        status, location, text = fetch(self.consent_url())
        assert status == 302, text
        return location

    def finish(self, pasted=None):
        self.stdout, rest = self.process.communicate(pasted, timeout=60 * PATIENCE)
        self.said += rest
        return self.process.returncode

    def env(self):
        return dict(line.split("=", 1) for line in self.stdout.splitlines() if line and line[0] != "#")


class LoginCase(unittest.TestCase):
    def assert_signed_in(self, w, login):
        env = login.env()
        self.assertEqual(set(env), {"ZOHO_DESK_ENABLED", "ZOHO_DESK_API_DOMAIN", "ZOHO_ACCOUNTS_URL", "ZOHO_DESK_ORG_ID",
                                    "ZOHO_DESK_DEPARTMENT_ID", "ZOHO_DESK_CLIENT_ID", "ZOHO_DESK_CLIENT_SECRET",
                                    "ZOHO_DESK_REFRESH_TOKEN"}, login.said)
        self.assertEqual((env["ZOHO_DESK_ORG_ID"], env["ZOHO_DESK_DEPARTMENT_ID"]), ("600000001", "5000001000000006001"))
        self.assertEqual((env["ZOHO_DESK_CLIENT_ID"], env["ZOHO_DESK_CLIENT_SECRET"]), (CLIENT, SECRET))
        self.assertEqual(env["ZOHO_DESK_API_DOMAIN"], w.services.urls["desk"])
        self.assertNotEqual(env["ZOHO_DESK_REFRESH_TOKEN"], w.services.env()["ZOHO_DESK_REFRESH_TOKEN"])
        self.assert_no_secret_said(login, env["ZOHO_DESK_REFRESH_TOKEN"])

    def assert_no_secret_said(self, login, *more):
        for secret in (SECRET, *more):
            self.assertNotIn(secret, login.said)

    def assert_refused(self, login, code, *words):
        self.assertEqual((code, login.stdout), (1, ""), login.said)
        for word in words:
            self.assertIn(word, login.said)
        self.assert_no_secret_said(login)


class ConsentTest(LoginCase):
    def test_the_callback_ends_in_lines_that_the_engine_runs_on(self):
        with World([world.call(1)]) as w:
            login = Login(w)
            url = login.consent_url()
            asked = query_of(url)
            self.assertTrue(url.startswith(w.services.urls["accounts"] + "/oauth/v2/auth?"))
            self.assertEqual({name: asked[name] for name in ("response_type", "client_id", "access_type", "prompt")},
                             {"response_type": "code", "client_id": CLIENT, "access_type": "offline", "prompt": "consent"})
            self.assertEqual(set(asked["scope"].split(",")), SCOPES)
            self.assertGreaterEqual(len(asked["state"]), 32)
            self.assertRegex(asked["redirect_uri"], r"^http://127\.0\.0\.1:\d+/$")
            login.read_until("Waiting for the answer")
            status, _, text = fetch(fetch(url)[1])
            self.assertEqual((status, "You can close this page" in text), (200, True))
            self.assertEqual(login.finish(), 0, login.said)
            self.assert_signed_in(w, login)
            self.assertIn("# ZOHO_DESK_DEPARTMENT_ID=5000001000000006002 would be \"Acme Sales\"\n", login.stdout)
            self.assertEqual(w.report()["violations_total"], 0)
            # The engine takes the lines as they are.
            w.extra_env = login.env()
            ended = w.run_once()
            self.assertEqual(ended.code, 0, ended)
            self.assertEqual(w.faults_of_delivery(["examplecall%021d" % 1]), [])

    def test_strangers_at_the_door_change_nothing(self):
        with World() as w:
            login = Login(w)
            home = login.agree()
            login.read_until("Waiting")
            base = home.split("?")[0]
            state = query_of(home)["state"]
            self.assertEqual(fetch(base)[0], 404)
            self.assertEqual(fetch(base + "favicon.ico?code=1000.stolen&state=" + state)[0], 404)
            self.assertEqual(fetch(base + "?code=1000.stolen")[0], 400)
            self.assertEqual(fetch(base + "?code=1000.stolen&state=" + state[:-1] + "x")[0], 400)
            self.assertEqual(fetch(base + "?error=access_denied&state=x")[0], 400)
            self.assertEqual(fetch(home)[0], 200)
            self.assertEqual(login.finish(), 0, login.said)
            self.assertEqual(login.said.count("ignored an answer that does not belong to this login"), 3)
            self.assert_signed_in(w, login)

    def test_the_secret_goes_to_no_server_that_only_the_answer_names(self):
        with World() as w:
            login = Login(w)
            home = login.agree()
            other = urllib.parse.quote("https://accounts.example.com", safe="")
            fetch(re.sub("accounts-server=[^&]*", "accounts-server=" + other, home))
            self.assert_refused(login, login.finish(), "'https://accounts.example.com' is none of Zoho's accounts servers")
            self.assertEqual(w.report()["services"]["accounts"]["token_grants"], 0)

    def test_refused_consent_is_said(self):
        with World() as w:
            login = Login(w)
            home = login.agree()
            status, _, text = fetch(home.split("?")[0] + "?error=access_denied&state=" + query_of(home)["state"])
            self.assertEqual((status, "refused" in text), (200, True))
            self.assert_refused(login, login.finish(), "consent was refused in the browser")

    def test_waiting_has_an_end(self):
        with World() as w:
            login = Login(w, "--wait", "200ms")
            self.assert_refused(login, login.finish(""), "no answer came within 200ms")

    def test_pasting_works_in_every_form(self):
        forms = {
            "the whole address": lambda home: home + "\n",
            "in quotes, without a line end": lambda home: " '%s' " % home,
            "only the query": lambda home: home.split("?")[1] + "\n",
            "only the code": lambda home: query_of(home)["code"] + "\n",
            "after lines that are none": lambda home: "\nwhat?\n%s\n" % home,
        }
        with World() as w:
            for name, form in forms.items():
                with self.subTest(form=name):
                    login = Login(w)
                    code = login.finish(form(login.agree()))
                    self.assertEqual(code, 0, login.said)
                    self.assert_signed_in(w, login)

    def test_a_pasted_address_of_another_login_is_refused(self):
        with World() as w:
            login = Login(w, "--redirect-uri", "https://desk.example.com/done")
            self.assertEqual(login.finish("https://desk.example.com/done?code=1000.a.b&state=other\n"), 1)
            self.assertIn("this address belongs to another login", login.said)
            self.assertIn("no code came", login.said)

    def test_a_redirect_address_of_ones_own_is_used_as_it_is(self):
        with World() as w:
            port = world.free_port()
            login = Login(w, "--redirect-uri", "http://localhost:%d/zoho/done" % port)
            home = login.agree()
            self.assertTrue(home.startswith("http://localhost:%d/zoho/done?" % port))
            self.assertEqual(fetch(home.replace("localhost", "127.0.0.1"))[0], 200)
            self.assertEqual(login.finish(), 0, login.said)
            self.assert_signed_in(w, login)

    def test_a_taken_port_leaves_pasting(self):
        with World() as w:
            first = Login(w)
            port = urllib.parse.urlsplit(query_of(first.consent_url())["redirect_uri"]).port
            login = Login(w, "--port", str(port))
            home = login.agree()
            self.assertIn("must be pasted, or --port names a free one", login.said)
            self.assertEqual(login.finish(home + "\n"), 0, login.said)
            self.assert_signed_in(w, login)
            first.process.kill()
            first.finish()


class CodeTest(LoginCase):
    URI = "http://127.0.0.1:8765/"

    def code(self, w, scope=",".join(sorted(SCOPES)), access="offline"):
        """A code of an earlier consent."""
        asked = {"response_type": "code", "client_id": CLIENT, "scope": scope, "redirect_uri": self.URI,
                 "access_type": access}
        return query_of(fetch(w.services.urls["accounts"] + "/oauth/v2/auth?" + urllib.parse.urlencode(asked))[1])["code"]

    def sign_in(self, w, code, *arguments, **environment):
        login = Login(w, "--code", code, "--redirect-uri", self.URI, *arguments, **environment)
        return login, login.finish("")

    def test_a_code_is_exchanged_without_asking(self):
        with World() as w:
            login, code = self.sign_in(w, self.code(w))
            self.assertEqual(code, 0, login.said)
            self.assert_signed_in(w, login)
            self.assertNotIn("Open this address", login.said)

    def test_json_has_everything(self):
        with World() as w:
            login, code = self.sign_in(w, self.code(w), "--json")
            self.assertEqual(code, 0, login.said)
            found = json.loads(login.stdout)
            self.assertEqual({row["id"]: row["name"] for row in found["departments"]}, DEPARTMENTS)
            self.assertEqual([row["id"] for row in found["organizations"]], ["600000001"])
            self.assertEqual(found["env"]["ZOHO_DESK_DEPARTMENT_ID"], "5000001000000006001")
            self.assertIsNone(found["missing_scopes"])

    def test_a_department_can_be_chosen(self):
        with World() as w:
            login, code = self.sign_in(w, self.code(w), "--department", "5000001000000006002")
            self.assertEqual((code, login.env()["ZOHO_DESK_DEPARTMENT_ID"]), (0, "5000001000000006002"), login.said)
            self.assertIn("# ZOHO_DESK_DEPARTMENT_ID is \"Acme Sales\"\n", login.stdout)

    def test_many_departments_are_read_page_by_page(self):
        rows = [{"id": str(5000001000000007000 + number), "name": "Team %d" % number} for number in range(230)]
        with World(scenario={"desk": {"departments": rows}}) as w:
            login, code = self.sign_in(w, self.code(w), "--department", rows[229]["id"])
            self.assertEqual((code, login.env()["ZOHO_DESK_DEPARTMENT_ID"]), (0, rows[229]["id"]), login.said)
            self.assertEqual(login.stdout.count(" would be \"Team "), 229)

    def test_the_refresh_token_is_not_lost_when_the_rest_fails(self):
        rows = [
            (["--org", "1"], None, "sees no organization '1'"),
            (["--department", "1"], None, "sees no department '1'"),
            ([], {"path": "*/organizations", "status": 500, "body": "{}"}, "cannot list organizations"),
            ([], {"path": "*/departments", "status": 403, "body": {"errorCode": "OAUTH_ORG_MISMATCH", "message": "no"}},
             "was given for another organization"),
            ([], {"path": "*/organizations", "status": 401, "body": {"errorCode": "INVALID_OAUTH", "message": "no"}},
             "Zoho Desk in another data centre? --dc"),
            ([], {"path": "*/organizations", "status": 204}, "the token sees no organization"),
        ]
        with World() as w:
            for arguments, fault, words in rows:
                with self.subTest(words=words):
                    w.no_faults()
                    if fault:
                        w.fault("desk", "status", **fault)
                    login, code = self.sign_in(w, self.code(w), *arguments)
                    self.assertEqual(code, 1, login.said)
                    self.assertIn(words, login.said)
                    self.assertTrue(login.env()["ZOHO_DESK_REFRESH_TOKEN"].startswith("1000."))
                    self.assertRegex(login.stdout, r"(?m)^# ZOHO_DESK_DEPARTMENT_ID=$")

    def test_missing_scopes_are_named_at_once(self):
        with World() as w:
            login, code = self.sign_in(w, self.code(w, scope="Desk.tickets.ALL,Desk.basic.READ"))
            self.assertEqual(code, 1)
            self.assertIn("lacks scopes that the engine needs: Desk.contacts.CREATE,Desk.contacts.READ,Desk.search.READ\n",
                          login.said)
            self.assertEqual(login.env()["ZOHO_DESK_ORG_ID"], "600000001")
            login, code = self.sign_in(w, self.code(w, scope="Desk.tickets.ALL"))
            self.assertIn("the consent lacks the scope Desk.basic.READ", login.said)

    def test_every_refusal_says_what_to_do(self):
        with World() as w:
            good = self.code(w)
            self.assert_refused(*self.sign_in(w, good, ZOHO_DESK_CLIENT_ID="1000.OTHER"), "does not know this client id", "--dc")
            self.assert_refused(*self.sign_in(w, good, "--client-secret", "wrong"), "the client secret is wrong")
            self.assert_refused(*self.sign_in(w, "1000.never.was"), "Zoho refuses the code", "begin again")
            login = Login(w, "--code", good, "--redirect-uri", "http://127.0.0.1:1/other")
            self.assert_refused(login, login.finish(""), "Zoho refuses the code")
            login, code = self.sign_in(w, good)
            self.assertEqual(code, 0, login.said)
            self.assert_refused(*self.sign_in(w, good), "it was used before")
            self.assert_refused(*self.sign_in(w, self.code(w, access="online")), "no refresh token", "offline")
            self.assert_refused(*self.sign_in(w, "not a code at all"), "there is no code in what was pasted")
            w.fault("accounts", "status", status=400, path="/oauth/v2/token",
                    body={"error": "Access Denied", "status": "failure", "error_description": "too many"})
            self.assert_refused(*self.sign_in(w, good), "15 to 30 minutes")
            w.no_faults()
            w.fault("accounts", "reset_before", path="/oauth/v2/token")
            self.assert_refused(*self.sign_in(w, good), "cannot reach '%s/oauth/v2/token'" % w.services.urls["accounts"])

    def test_a_passing_fault_of_zoho_is_tried_again(self):
        for fault in ({"status": 200, "body": {"error": "general_error"}}, {"status": 503}):
            with self.subTest(fault=fault), World() as w:
                w.fault("accounts", "status", path="/oauth/v2/token", count=1, **fault)
                login, code = self.sign_in(w, self.code(w))
                self.assertEqual(code, 0, login.said)
                self.assert_signed_in(w, login)

    def test_a_fault_that_stays_is_said(self):
        with World() as w:
            w.fault("accounts", "status", path="/oauth/v2/token", status=200, body={"error": "general_error"})
            self.assert_refused(*self.sign_in(w, self.code(w)), "a fault of its own just now")

    def test_what_a_server_names_itself_cannot_steer_the_terminal(self):
        with World(scenario={"desk": {"departments": [{"id": "5000001000000006001", "name": "Desk\u001b]0;x\u0007\nEVIL=1"}]}}) as w:
            login, code = self.sign_in(w, self.code(w))
            self.assertEqual(code, 0, login.said)
            self.assertNotIn("\x1b", login.stdout)
            self.assertNotIn("EVIL", login.env())


class ChoiceTest(LoginCase):
    def address(self, w, *arguments, **environment):
        login = Login(w, *arguments, **environment)
        url = login.consent_url()
        login.process.kill()
        login.finish()
        return url

    def test_the_data_centre_follows_from_option_variables_or_none(self):
        with World() as w:
            rows = [
                ((), {"ZOHO_ACCOUNTS_URL": "", "ZOHO_DESK_API_DOMAIN": ""}, "https://accounts.zoho.com/"),
                ((), {"ZOHO_ACCOUNTS_URL": "", "ZOHO_DESK_API_DOMAIN": "https://desk.zoho.in/"}, "https://accounts.zoho.in/"),
                ((), {"ZOHO_ACCOUNTS_URL": "https://accounts.zoho.eu", "ZOHO_DESK_API_DOMAIN": ""}, "https://accounts.zoho.eu/"),
                (("--dc", "ca"), {}, "https://accounts.zohocloud.ca/"), (("--dc", "AU"), {}, "https://accounts.zoho.com.au/"),
            ]
            for arguments, environment, base in rows:
                with self.subTest(base=base):
                    self.assertTrue(self.address(w, *arguments, **environment).startswith(base + "oauth/v2/auth?"))

    def test_what_is_missing_is_asked_for_or_named(self):
        with World() as w:
            rows = [
                (("--dc", "xx"), {}, "there is no data centre 'xx': us, eu, in, au"),
                ((), {"ZOHO_DESK_CLIENT_ID": ""}, "there is no client id"),
                ((), {"ZOHO_DESK_CLIENT_SECRET": ""}, "there is no client secret"),
                ((), {"ZOHO_DESK_API_DOMAIN": ""}, "set ZOHO_DESK_API_DOMAIN"),
                ((), {"ZOHO_ACCOUNTS_URL": ""}, "set ZOHO_ACCOUNTS_URL, or say --dc"),
            ]
            for arguments, environment, words in rows:
                with self.subTest(words=words):
                    login = Login(w, *arguments, **environment)
                    self.assertEqual((login.finish(""), login.stdout), (2, ""), login.said)
                    self.assertIn(words, login.said)

    def test_the_env_file_of_engine_conf_is_read_and_never_written(self):
        with World() as w:
            values = w.services.env()
            before = "".join("%s=%s  # kept\n" % (name, values[name]) for name in (
                "ZOHO_DESK_CLIENT_ID", "ZOHO_DESK_CLIENT_SECRET", "ZOHO_ACCOUNTS_URL", "ZOHO_DESK_API_DOMAIN"))
            (w.folder / ".env").write_text(before)
            (w.folder / "engine.conf").write_text((ROOT / "engine.conf").read_text())
            empty = {name: "" for name in values}
            login = Login(w, **empty)
            self.assertEqual(login.finish(login.agree() + "\n"), 0, login.said)
            self.assert_signed_in(w, login)
            self.assertEqual((w.folder / ".env").read_text(), before)

    def test_on_a_terminal_the_secret_is_asked_for_and_not_shown(self):
        with World() as w:
            env = {name: value for name, value in w.environment().items() if not name.startswith("ZOHO_DESK_CLIENT")}
            screen, other = pty.openpty()
            process = subprocess.Popen([ENGINE, "login", "zoho", "--port", "0"], cwd=w.folder, env=env, stdin=other,
                                       stdout=subprocess.PIPE, stderr=other, start_new_session=True, text=True)
            os.close(other)
            seen = ""

            def wait_for(pattern):
                nonlocal seen
                while not re.search(pattern, seen):
                    piece = os.read(screen, 4096).decode()
                    self.assertTrue(piece, seen)
                    seen += piece.replace("\r\n", "\n")
                return re.search(pattern, seen)

            watchdog = threading.Timer(60 * PATIENCE, process.kill)
            watchdog.start()
            try:
                wait_for("client id: ")
                os.write(screen, (CLIENT + "\n").encode())
                wait_for(r"client secret \(is not shown\): ")
                os.write(screen, (SECRET + "\n").encode())
                url = wait_for(r"(?m)^  (http\S+/oauth/v2/auth\S+)\n").group(1)
                os.write(screen, (fetch(url)[1] + "\n").encode())
                text = process.stdout.read()
                self.assertEqual(process.wait(), 0, seen)
            finally:
                watchdog.cancel()
                process.kill()
                process.stdout.close()
                os.close(screen)
            self.assertIn("ZOHO_DESK_CLIENT_SECRET=" + SECRET, text)
            self.assertNotIn(SECRET, seen)
            self.assertIn(CLIENT, seen)


if __name__ == "__main__":
    world.main()
