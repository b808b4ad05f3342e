#!/usr/bin/env python3
"""The framework of the local services: start and end, control, clock, knobs, faults, log, latency, load."""

import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from localservices import ORG, REFRESH, Services, ServicesTest


class Starting(unittest.TestCase):
    program = None

    def run_program(self, *options):
        return subprocess.run([self.program, *options], stdin=subprocess.DEVNULL, capture_output=True, timeout=20,
                              text=True, check=False)

    def test_env_file_names_every_service_and_credential(self):
        services = Services(self.program)
        env = services.env()
        self.assertEqual(env["ZOHO_DESK_API_DOMAIN"], services.urls["desk"])
        self.assertEqual(env["ZOHO_ACCOUNTS_URL"], services.urls["accounts"])
        self.assertEqual(env["ZOHO_DESK_REFRESH_TOKEN"], REFRESH)
        self.assertEqual(env["ZOHO_DESK_ORG_ID"], ORG)
        for name in ("ZOHO_DESK_CLIENT_ID", "ZOHO_DESK_CLIENT_SECRET", "ZOHO_DESK_DEPARTMENT_ID"):
            self.assertTrue(env[name])
        self.assertEqual(services.close(), 0)

    def test_sigterm_ends_it_with_connections_open(self):
        services = Services(self.program)
        self.assertEqual(services.control("POST", "/knobs", {"desk": {"latency_ms": 60000}}).status, 200)
        waiting = services.connect("desk")
        waiting.request("GET", "/")
        idle = services.connect("control")
        idle.request("GET", "/control/health")
        idle.getresponse().read()
        services.process.send_signal(signal.SIGTERM)
        self.assertEqual(services.process.wait(timeout=10), 0)
        waiting.close()
        idle.close()
        services.close()

    def test_ends_with_its_parent(self):
        with tempfile.TemporaryDirectory() as directory:
            ports = os.path.join(directory, "ports")
            parent = subprocess.Popen(
                [sys.executable, "-c",
                 "import subprocess, sys, time\n"
                 "subprocess.Popen([sys.argv[1], '--exit-with-parent', '--ports-file', sys.argv[2]],\n"
                 "                 stdout=subprocess.PIPE).stdout.readline()\n"
                 "time.sleep(60)", self.program, ports])
            deadline = time.monotonic() + 20
            while not os.path.exists(ports) or os.path.getsize(ports) == 0:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)
            with open(ports, encoding="utf-8") as file:
                pid = json.load(file)["pid"]
            parent.kill()
            parent.wait()
            while self.is_running(pid):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)

    @staticmethod
    def is_running(pid):
        try:
            with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
                return file.read().rsplit(")", 1)[1].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    def test_wrong_options_are_refused(self):
        for options, text in ((["--port", "nobody=1"], "unknown service 'nobody' in --port"),
                              (["--port", "desk=x"], "'x' is not a port"),
                              (["--clock", "fast"], "--clock must be 'real' or 'driven'"),
                              (["--seed", "x"], "'x' is not a seed"),
                              (["more"], "unexpected argument 'more'")):
            ended = self.run_program(*options)
            self.assertEqual(ended.returncode, 2)
            self.assertIn(text, ended.stderr)
        ended = self.run_program("--help")
        self.assertEqual(ended.returncode, 0)
        self.assertIn("example:", ended.stdout)

    def test_wrong_scenario_is_refused(self):
        cases = (({"nobody": {}}, "unknown key 'nobody'"), ({"knobs": {"desk": {"lag": 1}}}, "unknown knob 'desk.lag'"),
                 ({"faults": [{"service": "desk", "action": "explode"}]}, "unknown action 'explode'"),
                 ({"desk": {"colour": 1}}, "unknown key 'colour' of 'desk'"),
                 ({"clock": {"now": "noon"}}, "neither milliseconds"))
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "scenario.json")
            for scenario, text in cases:
                with open(path, "w", encoding="utf-8") as file:
                    json.dump(scenario, file)
                ended = self.run_program("--scenario", path)
                self.assertEqual(ended.returncode, 1)
                self.assertIn(text, ended.stderr)

    def test_scenario_file_is_the_start_state_and_what_reset_goes_back_to(self):
        scenario = {"seed": 3, "clock": {"mode": "driven", "now": "2026-03-10T09:00:00Z"},
                    "knobs": {"desk": {"index_lag_ms": 5}}, "faults": [{"service": "desk", "action": "reset_before"}],
                    "desk": {"contacts": [{"lastName": "Early", "phone": "+91 5550100001"}]}}
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "scenario.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(scenario, file)
            services = Services(self.program, "--scenario", path)
            for _ in range(2):
                report = services.report()
                self.assertEqual(report["clock"]["now"], "2026-03-10T09:00:00Z")
                self.assertEqual(len(report["faults"]), 1)
                self.assertEqual(report["services"]["desk"]["contacts_per_phone"], {"5550100001": 1})
                self.assertEqual(services.control("GET", "/knobs").json["desk"]["index_lag_ms"]["value"], 5)
                services.control("DELETE", "/faults")
                services.control("POST", "/clock", {"advance_ms": 1000})
                services.control("POST", "/knobs", {"desk": {"index_lag_ms": 9}})
                self.assertEqual(services.control("POST", "/reset").status, 200)
            self.assertEqual(services.close(), 0)


class Control(ServicesTest):
    def test_unknown_knob_is_refused_with_the_known_ones(self):
        answer = self.services.control("POST", "/knobs", {"desk": {"index_lag": 1}})
        self.assertEqual(answer.status, 400)
        self.assertIn("unknown knob 'desk.index_lag'; there are: index_lag_ms", answer.json["error"])

    def test_knob_values_are_checked_and_nothing_is_half_set(self):
        cases = (({"desk": {"subject_max": 0}}, "'desk.subject_max' must be a whole number from 1 to 1000"),
                 ({"desk": {"subject_max": "9"}}, "must be a whole number"),
                 ({"desk": {"blueprint": "404"}}, "'desk.blueprint' must be one of off|403|422"),
                 ({"desk": {"gzip": 1}}, "'desk.gzip' must be true or false"),
                 ({"nobody": {}}, "unknown service 'nobody'"), ([], "an object"))
        for body, text in cases:
            answer = self.services.control("POST", "/knobs", body)
            self.assertEqual(answer.status, 400)
            self.assertIn(text, answer.json["error"])
        self.assertEqual(
            self.services.control("POST", "/knobs", {"desk": {"subject_max": 9, "gzip": 7}}).status, 400)
        self.assertEqual(self.services.control("GET", "/knobs").json["desk"]["subject_max"]["value"], 255)

    def test_readme_names_every_knob_and_fault(self):
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "README.md"), encoding="utf-8") as file:
            text = file.read()
        for service, knobs in self.services.control("GET", "/knobs").json.items():
            for name in knobs:
                self.assertIn("| `%s` |" % name, text, "%s.%s" % (service, name))
        actions = self.services.control("POST", "/faults", {"service": "desk", "action": "?"}).json["error"]
        for name in actions.split("there are: ")[1].split():
            self.assertIn("| `%s` |" % name, text)

    def test_readme_of_the_lists_names_what_is_there(self):
        folder = os.path.dirname(os.path.abspath(__file__))
        with open(os.path.join(folder, "README-lists.md"), encoding="utf-8") as lines:
            words = re.findall(r"`([^`]+)`", "".join(line for line in lines if line.startswith("|")))
        names = os.listdir(folder)
        tests = "".join(pathlib.Path(folder, name).read_text(encoding="utf-8") for name in names
                        if name.startswith("test_") and name.endswith(".py"))
        knobs = self.services.control("GET", "/knobs").json
        for word in words:
            with self.subTest(word):
                stem, _, tail = word.partition(".")
                if word.startswith("tests/"):
                    self.assertTrue(os.path.exists(os.path.join(folder, "..", "..", word)))
                elif tail in ("c", "py"):
                    self.assertIn(word, names)
                elif word.startswith("test_"):
                    self.assertIn("def " + word.removesuffix("..."), tests)
                elif stem in knobs:
                    found = [name for name in knobs[stem] if name == tail or
                             (tail.endswith("...") and name.startswith(tail[:-3]))]
                    self.assertNotEqual(found, [])

    def test_clock_is_driven_offset_and_scaled(self):
        def now():
            return self.services.control("GET", "/clock").json["now_ms"]

        self.services.control("POST", "/clock", {"mode": "driven", "now": 1000})
        self.assertEqual(now(), 1000)
        self.advance(500)
        self.assertEqual(now(), 1500)
        self.services.control("POST", "/clock", {"mode": "real", "speed": 1000})
        time.sleep(0.02)
        self.assertGreaterEqual(now(), 1500 + 15000)
        answer = self.services.control("POST", "/clock", {"pace": 2})
        self.assertEqual(answer.status, 400)
        self.assertIn("unknown key 'pace'", answer.json["error"])

    def test_unknown_calls_and_bodies_are_refused(self):
        self.assertEqual(self.services.control("GET", "/nothing").status, 404)
        answer = self.services.call("control", "POST", "/control/knobs", b"{")
        self.assertEqual(answer.status, 400)
        self.assertIn("not JSON", answer.json["error"])

    def test_log_keeps_what_was_asked(self):
        self.desk("GET", "/contacts?limit=5")
        self.desk("POST", "/contacts", {"lastName": "A"})
        self.services.call("desk", "POST", "/api/v1/contacts", b"abc")
        rows = self.services.control("GET", "/log?service=desk&path=/api/v1/contacts").json
        self.assertEqual([(row["method"], row["query"], row["status"]) for row in rows],
                         [("GET", "limit=5", 204), ("POST", "", 200), ("POST", "", 401)])
        self.assertEqual(rows[2]["sha256"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        self.assertEqual(rows[2]["size"], 3)
        self.assertEqual(len(self.services.control("GET", "/log?service=desk&limit=1").json), 1)
        paths = self.services.report()["services"]["desk"]["paths"]
        self.assertEqual(paths["POST /api/v1/contacts"], 2)
        self.services.control("DELETE", "/log")
        self.assertEqual(self.services.control("GET", "/log").json, [])

    def test_same_seed_gives_same_tokens(self):
        first = self.refresh().json["access_token"]
        self.services.control("POST", "/reset")
        self.assertEqual(self.refresh().json["access_token"], first)
        other = Services(self.program, "--seed", "8")
        self.services, mine = other, self.services
        try:
            self.assertNotEqual(self.refresh().json["access_token"], first)
        finally:
            self.services = mine
            other.close()


class Faults(ServicesTest):
    def tickets(self):
        return self.services.report()["services"]["desk"]["tickets_total"]

    def create(self, timeout=10):
        return self.desk("POST", "/tickets", self.body, timeout=timeout)

    def setUp(self):
        super().setUp()
        self.body = {"subject": "Fault", "departmentId": "5000001000000006001", "contactId": self.contact()["id"]}

    def create_with(self, **rule):
        self.fault(service="desk", method="POST", path="/api/v1/tickets", **rule)
        return self.create()

    def test_reset_before_leaves_no_ticket(self):
        with self.assertRaises(ConnectionResetError):
            self.create_with(action="reset_before")
        self.assertEqual(self.tickets(), 0)

    def test_read_then_reset_leaves_no_ticket(self):
        with self.assertRaises(ConnectionResetError):
            self.create_with(action="read_then_reset")
        self.assertEqual(self.tickets(), 0)

    def test_commit_then_reset_leaves_a_ticket(self):
        with self.assertRaises(ConnectionResetError):
            self.create_with(action="commit_then_reset")
        self.assertEqual(self.tickets(), 1)

    def test_commit_then_status_leaves_a_ticket(self):
        for status in (500, 502, 504):
            self.services.control("DELETE", "/faults")
            self.assertEqual(self.create_with(action="commit_then_status", status=status).status, status)
        self.assertEqual(self.tickets(), 3)

    def test_commit_then_cut_sends_half(self):
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.create_with(action="commit_then_cut")
        self.assertTrue(caught.exception.partial.startswith(b'{"'))
        self.assertEqual(self.tickets(), 1)

    def test_truncate_says_more_than_it_sends(self):
        with self.assertRaises((http.client.IncompleteRead, ConnectionResetError)):
            self.create_with(action="truncate", bytes=100)
        self.assertEqual(self.tickets(), 1)

    def test_delay_then_commit_happens_after_the_client_gave_up(self):
        self.fault(service="desk", method="POST", path="/api/v1/tickets", action="delay_then_commit", latency_ms=300)
        with self.assertRaises((socket.timeout, TimeoutError)):
            self.create(timeout=0.05)
        self.assertEqual(self.tickets(), 0)
        deadline = time.monotonic() + 10
        while self.tickets() == 0:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def test_latency_fault_commits_first(self):
        self.fault(service="desk", action="latency", latency_ms=300, method="POST", path="/api/v1/tickets")
        with self.assertRaises((socket.timeout, TimeoutError)):
            self.create(timeout=0.05)
        self.assertEqual(self.tickets(), 1)

    def test_slow_drip_arrives_whole(self):
        started = time.monotonic()
        answer = self.create_with(action="slow_drip", bytes=400, every_ms=30)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json["subject"], "Fault")
        self.assertGreater(time.monotonic() - started, 0.05)

    def test_bad_json_and_html(self):
        answer = self.create_with(action="bad_json", count=1)
        self.assertEqual((answer.status, answer.json), (200, None))
        self.services.control("DELETE", "/faults")
        answer = self.create_with(action="html_with_200")
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "text/html"))
        self.assertIn(b"<html>", answer.body)
        self.assertEqual(self.tickets(), 1)

    def test_wrong_length_both_ways(self):
        with self.assertRaises(http.client.IncompleteRead):
            self.create_with(action="wrong_length", by=10)
        self.services.control("DELETE", "/faults")
        answer = self.create_with(action="wrong_length", by=-10)
        self.assertEqual((answer.status, answer.json), (200, None))

    def test_status_with_body_and_headers(self):
        answer = self.create_with(action="status", status=503, body={"errorCode": "X"}, headers={"Retry-After": "7"})
        self.assertEqual((answer.status, answer.json, answer.headers["Retry-After"]), (503, {"errorCode": "X"}, "7"))
        self.services.control("DELETE", "/faults")
        answer = self.create_with(action="status", status=401, body="<html>", headers={"Content-Type": "text/html"})
        self.assertEqual((answer.status, answer.headers["Content-Type"], answer.body), (401, "text/html", b"<html>"))
        self.assertEqual(self.tickets(), 0)

    def test_refuse_closes_the_port_and_opens_it_again(self):
        kept = self.services.connect("desk")
        kept.request("GET", "/x")
        kept.getresponse().read()
        self.assertEqual(self.services.control("POST", "/refuse", {"service": "desk", "for_ms": 400}).status, 204)
        with self.assertRaises(ConnectionRefusedError):
            self.create()
        with self.assertRaises((ConnectionError, http.client.RemoteDisconnected)):
            kept.request("GET", "/x")
            kept.getresponse()
        deadline = time.monotonic() + 10
        while True:
            try:
                self.assertEqual(self.create().status, 200)
                break
            except ConnectionRefusedError:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)
        with self.assertRaises(ConnectionResetError):
            self.create_with(action="refuse", for_ms=5000)
        with self.assertRaises(ConnectionRefusedError):
            self.create()

    def test_counts_choose_the_requests(self):
        cases = (({"nth": 2}, [200, 503, 200, 200]), ({"every": 2}, [200, 503, 200, 503]),
                 ({"count": 1}, [503, 200, 200, 200]), ({"after": 2}, [200, 200, 503, 503]),
                 ({"after": 1, "count": 2}, [200, 503, 503, 200]))
        for rule, wanted in cases:
            self.services.control("DELETE", "/faults")
            self.fault(service="desk", method="POST", path="*/tickets", action="status", status=503, **rule)
            self.assertEqual([self.create().status for _ in wanted], wanted, rule)
        shown = self.services.control("GET", "/faults").json[0]
        self.assertEqual((shown["seen"], shown["hits"]), (4, 2))
        self.assertEqual(self.services.control("DELETE", "/faults?id=%d" % shown["id"]).json, [])
        self.assertEqual(self.services.control("DELETE", "/faults?id=99999").status, 404)

    def test_probability_is_seeded(self):
        def pattern():
            self.services.control("POST", "/reset")
            self.token = None
            self.fault(service="desk", action="status", status=503, probability=0.5)
            return [self.desk("GET", "/contacts").status for _ in range(20)]

        first = pattern()
        self.assertEqual(pattern(), first)
        self.assertEqual(set(first), {204, 503})

    def test_match_body_and_query(self):
        self.fault(service="desk", match_body="Fault", action="status", status=503)
        self.fault(service="desk", query="*limit=7*", action="status", status=502)
        self.assertEqual(self.create().status, 503)
        self.assertEqual(self.desk("GET", "/contacts?limit=7").status, 502)
        self.assertEqual(self.desk("GET", "/contacts?limit=8").status, 200)

    def test_match_header_hits_one_key_only(self):
        self.fault(service="desk", match_header="authorization: Zoho-oauthtoken *", action="status", status=503)
        self.assertEqual(self.desk("GET", "/contacts").status, 503)
        self.assertEqual(self.desk("GET", "/contacts", headers={"Authorization": "Bearer " + self.token}).status, 200)
        self.services.control("DELETE", "/faults")
        self.fault(service="desk", match_header="X-Key: a?c", action="reset_before")
        self.assertEqual(self.desk("GET", "/contacts", headers={"X-Key": "ac"}).status, 200)
        with self.assertRaises((OSError, http.client.HTTPException)):
            self.desk("GET", "/contacts", headers={"X-Key": "abc"})

    def test_wrong_rules_are_refused(self):
        cases = (({"service": "desk", "action": "explode"}, "unknown action 'explode'; there are: latency status"),
                 ({"action": "status", "status": 500}, "needs a 'service'"),
                 ({"service": "mars", "action": "reset_before"}, "unknown service 'mars'"),
                 ({"service": "desk", "action": "status"}, "needs 'status'"),
                 ({"service": "desk", "action": "status", "status": 500, "often": 1}, "unknown key 'often'"),
                 ({"service": "desk", "action": "latency"}, "needs 'latency_ms'"),
                 ({"service": "desk", "action": "reset_before", "nth": 0}, "'nth' of a fault"),
                 ({"service": "desk", "action": "reset_before", "probability": 2}, "'probability' of a fault"))
        for rule, text in cases:
            answer = self.services.control("POST", "/faults", [{"service": "desk", "action": "reset_before"}, rule])
            self.assertEqual(answer.status, 400)
            self.assertIn(text, answer.json["error"])
        self.assertEqual(self.services.control("GET", "/faults").json, [])


class Transport(ServicesTest):
    def test_reset_is_a_real_tcp_reset(self):
        self.fault(service="desk", action="reset_before")
        connection = socket.create_connection(("127.0.0.1", int(self.services.urls["desk"].rsplit(":", 1)[1])))
        connection.settimeout(10)
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
        with self.assertRaises(ConnectionResetError):
            while connection.recv(100):
                pass
        connection.close()

    def test_keep_alive_expect_and_chunked_upload(self):
        self.token = self.refresh().json["access_token"]
        connection = socket.create_connection(("127.0.0.1", int(self.services.urls["desk"].rsplit(":", 1)[1])))
        connection.settimeout(10)
        head = ("POST /api/v1/contacts HTTP/1.1\r\nHost: x\r\norgId: %s\r\nAuthorization: Bearer %s\r\n"
                "Content-Type: application/json\r\n" % (ORG, self.token)).encode()
        body = b'{"lastName":"Chunk"}'
        connection.sendall(head + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        self.assertTrue(connection.recv(1000).startswith(b"HTTP/1.1 100 "))
        connection.sendall(body)
        self.assertIn(b" 200 OK", self.read_answer(connection))
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(body), 7):
            piece = body[at:at + 7]
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.sendall(b"0\r\n\r\n")
        self.assertIn(b" 200 OK", self.read_answer(connection))
        connection.close()
        self.assertEqual(self.services.report()["services"]["desk"]["contacts_total"], 2)

    @staticmethod
    def read_answer(connection):
        text = b""
        while not text.endswith(b"0\r\n\r\n") and b"\r\n\r\n{" not in text:
            text += connection.recv(65536)
        while text.count(b"{") > text.count(b"}"):
            text += connection.recv(65536)
        return text

    def test_too_large_upload_is_read_and_refused(self):
        self.knobs("desk", upload_max_bytes=1000)
        self.assertEqual(self.desk("POST", "/contacts", b"x" * 300000).status, 413)

    def test_latency_does_not_block_others(self):
        self.knobs("desk", latency_ms=300, concurrency_max=0)
        self.token = self.refresh().json["access_token"]
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: self.desk("GET", "/contacts").status, range(20)))
        self.assertEqual(set(answers), {204})
        took = time.monotonic() - started
        self.assertGreaterEqual(took, 0.3)
        self.assertLess(took, 3)
        self.assertEqual(self.services.report()["services"]["desk"]["in_flight_max"], 20)
        self.assertEqual(self.services.report()["services"]["desk"]["in_flight"], 0)

    def test_six_hundred_connections(self):
        self.knobs("desk", latency_ms=500, concurrency_max=0)
        token = self.refresh().json["access_token"]
        address = ("127.0.0.1", int(self.services.urls["desk"].rsplit(":", 1)[1]))
        request = ("GET /api/v1/contacts HTTP/1.1\r\nHost: x\r\norgId: %s\r\nAuthorization: Bearer %s\r\n\r\n"
                   % (ORG, token)).encode()
        connections = [socket.create_connection(address, timeout=20) for _ in range(600)]
        for _ in range(2):
            for connection in connections:
                connection.sendall(request)
            for connection in connections:
                self.assertIn(b" 204 ", connection.recv(4000))
        for connection in connections:
            connection.close()
        report = self.services.report()["services"]["desk"]
        self.assertEqual(report["requests"], 1200)
        self.assertGreater(report["in_flight_max"], 400)


if __name__ == "__main__":
    program = sys.argv.pop(1)
    ServicesTest.program = Starting.program = program
    unittest.main()
