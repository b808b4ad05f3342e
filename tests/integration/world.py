"""A world for the engine as a process: the local services, an engine.conf made for the test, and the helpdesk's own view
of what came out. Python 3 alone. The programs are named by the environment (see CMakeLists.txt)."""

import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "sim"))
from localservices import Services  # noqa: E402


def program(variable, path):
    """A program of the build that the environment names, else of a build in this tree, for who starts a test by hand."""
    paths = [str(ROOT / "build" / preset / path) for preset in ("clang", "debug")]
    return os.environ.get(variable, "") or next((each for each in paths if os.path.exists(each)), "")


ENGINE = program("SWITCHBOARD_BIN", "switchboard")
LOCAL_SERVICES = program("LOCALSERVICES_BIN", "bin/switchboard-localservices")
PRELOAD = program("CRASH_PRELOAD", "tests/crash_preload.so")
IS_SANITIZED = os.environ.get("SWITCHBOARD_SANITIZED", "0") == "1"
IS_LONG = os.environ.get("SWITCHBOARD_TEST_LONG", "") == "long"
# Sanitizers make the engine several times slower; a loaded machine does the rest.
PATIENCE = 4 if IS_SANITIZED else 1

NO_LIMITS = {
    "exotel": {"rate_per_minute": 0},
    "deepgram": {"concurrency_max": 0},
    "openai": {"tokens_per_minute": 0, "requests_per_minute": 0},
    "desk": {"concurrency_max": 0, "credits_per_day": 0},
    "accounts": {"token_requests_max": 0},
}

BLOCKS = {
    "exotel": {
        "account_sid": "${EXOTEL_SID}", "api_key": "${EXOTEL_API_KEY}", "api_token": "${EXOTEL_API_TOKEN}",
        "base_url": "${EXOTEL_API_URL}", "recordings_url": "${EXOTEL_RECORDINGS_URL}", "since": "24h",
        "poll_interval": "1s", "rate": "100000/min", "timeout": "5s",
    },
    "deepgram": {"api_key": "${DEEPGRAM_API_KEY}", "base_url": "${DEEPGRAM_API_URL}", "timeout": "5s", "concurrency": 100},
    "openai": {"api_key": "${OPENAI_API_KEY}", "base_url": "${OPENAI_API_URL}", "timeout": "5s", "concurrency": 100},
    "keyword": {"rules": str(ROOT / "scripts" / "classify.lua")},
    "zoho_desk": {
        "enabled": "${ZOHO_DESK_ENABLED:-true}", "org_id": "${ZOHO_DESK_ORG_ID}",
        "department_id": "${ZOHO_DESK_DEPARTMENT_ID}", "client_id": "${ZOHO_DESK_CLIENT_ID}",
        "client_secret": "${ZOHO_DESK_CLIENT_SECRET}", "refresh_token": "${ZOHO_DESK_REFRESH_TOKEN}",
        "base_url": "${ZOHO_DESK_API_DOMAIN}", "accounts_url": "${ZOHO_ACCOUNTS_URL}",
        "mapping": str(ROOT / "scripts" / "zoho_ticket.lua"), "settle": "${ZOHO_DESK_SETTLE:-1s}", "timeout": "1s",
        "concurrency": 50,
    },
}
SETTINGS = {"data_dir": "${SWITCHBOARD_DATA}", "listen": "127.0.0.1:0", "admin_listen": "127.0.0.1:0",
            "shutdown_timeout": "10s"}
STAGES = ["deepgram", "openai"]


def call(number, **plan):
    """The plan of one answered call of its own caller, long settled, with a small recording."""
    made = {"sid": "examplecall%021d" % number, "from": "0555010%04d" % (number % 10000), "to": "05550109001",
            "start": "-20m", "duration_s": 60, "talk_s": 45, "settle_s": 0,
            "recording": {"bytes": 4000, "delay_s": 0},
            "transcript": [{"speaker": "agent", "text": "Hello, how can I help?"},
                           {"speaker": "customer", "text": "This is call %d. My invoice is wrong." % number}]}
    made.update(plan)
    return made


def quote(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "[ %s ]" % ", ".join(quote(each) for each in value)
    if isinstance(value, dict):
        return "{ %s }" % " ".join("%s = %s" % (name, quote(each)) for name, each in value.items())
    return '"%s"' % str(value).replace("\\", "\\\\").replace('"', '\\"')


class Ended:
    """A process of the engine that has ended."""

    def __init__(self, code, log, seconds):
        self.code, self.log, self.seconds = code, log, seconds

    def __repr__(self):
        return "exit code %s after %.1f s\n%s" % (self.code, self.seconds, self.log[-6000:])


class Engine:
    """A process of the engine that runs. Its log is a file, so that it never waits for a reader."""

    def __init__(self, world, arguments, environment):
        self.log_path = world.folder / ("engine-%d.log" % world.next_number())
        self.began = time.monotonic()
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([ENGINE, *arguments], cwd=world.folder, env=environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def is_running(self):
        return self.process.poll() is None

    def wait(self, timeout):
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = "none: it had to be killed after %d s" % timeout
        return Ended(code, self.log(), time.monotonic() - self.began)

    def kill(self):
        self.process.kill()
        return self.wait(10)

    def stop(self, timeout=30 * PATIENCE):
        self.process.send_signal(signal.SIGTERM)
        return self.wait(timeout)

    def wait_for_log(self, pattern, timeout=20 * PATIENCE):
        """The first match of a regular expression in what it says."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            found = re.search(pattern, self.log())
            if found:
                return found
            if not self.is_running():
                break
            time.sleep(0.02)
        raise AssertionError("the engine never said '%s':\n%s" % (pattern, self.log()[-6000:]))


class World:
    """Services and folders of one test. A context: everything ends with it."""

    def __init__(self, calls=(), limits=False, seed=7, stages=STAGES, settings=None, knobs=None, scenario=None,
                 services=(), **blocks):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="switchboard-test-"))
        self.count = 0
        self.engines = []
        self.stages = list(stages)
        self.settings = {**SETTINGS, **(settings or {})}
        self.blocks = {name: {**BLOCKS[name], **blocks.get(name, {})} for name in BLOCKS}
        self.extra_env = {}
        all_knobs = {} if limits else {name: dict(values) for name, values in NO_LIMITS.items()}
        for name, values in (knobs or {}).items():
            all_knobs.setdefault(name, {}).update(values)
        start = {"seed": seed, "knobs": all_knobs, "exotel": {"calls": list(calls)}}
        for name, values in (scenario or {}).items():
            start[name] = {**start.get(name, {}), **values} if isinstance(values, dict) else values
        path = self.folder / "scenario.json"
        path.write_text(json.dumps(start), encoding="utf-8")
        self.services = Services(LOCAL_SERVICES, "--seed", str(seed), "--scenario", str(path), *services)
        self.data = self.folder / "var"

    def __enter__(self):
        return self

    def __exit__(self, kind, _value, _trace):
        for engine in self.engines:
            if engine.is_running():
                engine.kill()
        self.services.close()
        if kind and os.environ.get("SWITCHBOARD_TEST_KEEP"):
            print("kept: %s" % self.folder, file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def next_number(self):
        self.count += 1
        return self.count

    # ---- the engine

    def write_conf(self):
        """engine.conf as it stands in `settings`, `stages` and `blocks`; written anew before each start."""
        lines = ["%s = %s" % (name, quote(value)) for name, value in self.settings.items()]
        lines.append("pipelines = { calls = { source = \"exotel\" stages = %s sinks = [ \"zoho_desk\" ] } }" % quote(self.stages))
        used = {word for stage in self.stages for word in re.findall(r"\w+", stage)} | {"exotel", "zoho_desk"}
        for name, options in self.blocks.items():
            if name in used:
                lines.append("%s = %s" % (name, quote({key: value for key, value in options.items() if value is not None})))
        path = self.folder / "engine.conf"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def environment(self, **more):
        env = {name: value for name, value in os.environ.items()
               if name in ("PATH", "HOME", "LANG", "SWITCHBOARD_LIB_DIR", "UBSAN_OPTIONS", "ASAN_OPTIONS", "TSAN_OPTIONS")}
        # LeakSanitizer of gcc 12 crashes when it looks through thread-local storage of objects that were loaded late.
        # And its list of suppressions would stand among the log lines.
        env["LSAN_OPTIONS"] = "use_tls=0:print_suppressions=0"
        env.update(self.services.env())
        env["SWITCHBOARD_DATA"] = str(self.data)
        env.update(self.extra_env)
        env.update({name: str(value) for name, value in more.items()})
        return env

    def crash_environment(self, **plan):
        """Environment of a run with the library of crash_preload.c in front."""
        options = os.environ.get("ASAN_OPTIONS", "")
        return {"LD_PRELOAD": PRELOAD, "ASAN_OPTIONS": options + ":verify_asan_link_order=0", **plan}

    def start(self, *arguments, **environment):
        self.write_conf()
        engine = Engine(self, ["run", *arguments], self.environment(**environment))
        self.engines.append(engine)
        return engine

    def run_once(self, timeout=60 * PATIENCE, **environment):
        return self.start("--once", **environment).wait(timeout)

    def verb(self, *arguments, timeout=30 * PATIENCE, **environment):
        """Another verb of the command line, to its end."""
        path = self.write_conf()
        done = subprocess.run([ENGINE, arguments[0], "-c", str(path), *arguments[1:]], cwd=self.folder, timeout=timeout,
                              env=self.environment(**environment), stdin=subprocess.DEVNULL, capture_output=True, check=False)
        done.stdout = done.stdout.decode("utf-8", "replace")
        done.stderr = done.stderr.decode("utf-8", "replace")
        return done

    # ---- the services

    def control(self, path, body=None, method=None):
        answer = self.services.control(method or ("GET" if body is None else "POST"), path, body)
        if answer.status >= 300:
            raise AssertionError("%s: %d %s" % (path, answer.status, answer.body))
        return answer.json

    def knobs(self, service, **values):
        self.control("/knobs", {service: values})

    def fault(self, service, action, **rule):
        return self.control("/faults", {"service": service, "action": action, **rule})

    def no_faults(self):
        self.control("/faults", method="DELETE")

    def refuse(self, service, seconds):
        self.control("/refuse", {"service": service, "for_ms": int(seconds * 1000)})

    def add_calls(self, *plans):
        return self.control("/exotel/calls", list(plans))["sids"]

    def report(self):
        return self.control("/report")

    def tickets(self):
        return self.control("/tickets")

    def requests(self, service, **query):
        """The last requests of a service, as its log has them."""
        return self.control("/log?" + urllib.parse.urlencode({"service": service, **query}))

    def wait_until(self, condition, what, timeout=30 * PATIENCE):
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            value = condition()
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError("waited %d s in vain until %s\n%s" %
                             (timeout, what, self.engines[-1].log()[-6000:] if self.engines else ""))

    # ---- the journal

    def query(self, sql, *values):
        path = self.data / "journal.db"
        with_path = "file:%s?mode=ro" % urllib.parse.quote(str(path))
        journal = sqlite3.connect(with_path, uri=True, timeout=10)
        try:
            return journal.execute(sql, values).fetchall()
        finally:
            journal.close()

    def states(self):
        """How many records are in each state; none while there is no journal."""
        try:
            return dict(self.query("SELECT state, count(*) FROM record GROUP BY state"))
        except sqlite3.OperationalError:
            return {}  # the engine is about to make the journal

    def timeline(self, sid=None):
        """The outcomes of all records, or of one call: (instance, step, verdict, status, text)."""
        sql = ("SELECT o.instance, o.step, o.verdict, o.http_status, o.text FROM outcome o"
               " JOIN identity i ON i.record_id = o.record_id")
        if sid:
            return self.query(sql + " WHERE i.external_id = ? ORDER BY o.id", sid)
        return self.query(sql + " ORDER BY o.id")

    # ---- what must hold

    def faults_of_delivery(self, sids, callers=None, notes=None):
        """What is wrong in the helpdesk's own view: exactly one ticket and one whole note for each call of `sids`, one
        contact for each number, nothing else. `notes` maps a call to the SHA-256 of its note."""
        wrong = []
        report = self.report()
        desk = report["services"]["desk"]
        per_call = desk["tickets_per_call"]
        for sid in sids:
            if per_call.get(sid, 0) != 1:
                wrong.append("%s has %d tickets" % (sid, per_call.get(sid, 0)))
        wrong += ["%s has a ticket and should have none" % sid for sid in per_call if sid not in set(sids)]
        if desk["tickets_total"] != len(set(sids)):
            wrong.append("%d tickets in all instead of %d" % (desk["tickets_total"], len(set(sids))))
        wrong += ["%d contacts of %s" % (count, phone) for phone, count in desk["contacts_per_phone"].items() if count != 1]
        if callers is not None and desk["contacts_total"] != callers:
            wrong.append("%d contacts in all instead of %d" % (desk["contacts_total"], callers))
        for ticket, rows in desk["notes"].items():
            if len(rows) != 1:
                wrong.append("ticket %s has %d notes" % (ticket, len(rows)))
            for row in rows:
                if row["is_public"]:
                    wrong.append("a note of ticket %s is public" % ticket)
                if notes and notes.get(row["call"], row["sha256"]) != row["sha256"]:
                    wrong.append("the note of %s is not what it is without a crash" % row["call"])
        if desk["notes_total"] != len(set(sids)):
            wrong.append("%d notes in all instead of %d" % (desk["notes_total"], len(set(sids))))
        if report["violations_total"]:
            wrong.append("violations: %s" % report["violations"][:3])
        return wrong

    def note_digests(self):
        desk = self.report()["services"]["desk"]
        return {row["call"]: row["sha256"] for rows in desk["notes"].values() for row in rows}


def get(address, path, timeout=5):
    """One GET to host:port: status, headers, text."""
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode("utf-8")
    finally:
        connection.close()


def free_port():
    """A port that was free a moment ago, for an engine that has to be told one."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def require_programs():
    for name, path in (("SWITCHBOARD_BIN", ENGINE), ("LOCALSERVICES_BIN", LOCAL_SERVICES), ("CRASH_PRELOAD", PRELOAD)):
        if not path or not os.path.exists(path):
            sys.exit("%s must name a program that was built: run this through ctest, or build the preset 'clang'" % name)


def main(workers=6):
    """Runs the tests of the calling module side by side: they mostly wait. Prints each with its time; exit code 1 when one
    failed. Names on the command line select tests by a part of their name."""
    require_programs()
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    cases = [case for group in unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]) for case in group]
    cases = [case for case in cases if not words or any(word in case.id() for word in words)]

    def run(case):
        began, result = time.monotonic(), unittest.TestResult()
        case.run(result)
        faults = [text for _, text in result.failures + result.errors]
        print("%s %-70s %5.1f s" % ("FAILED" if faults else "ok    ", case.id().split(".", 1)[1], time.monotonic() - began),
              flush=True)
        return faults

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        faults = [(case, text) for case, texts in zip(cases, pool.map(run, cases)) for text in texts]
    for case, text in faults:
        print("\n==== %s\n%s" % (case.id(), text))
    print("\n%d tests, %d failed" % (len(cases), len({case.id() for case, _ in faults})))
    sys.exit(1 if faults or not cases else 0)
