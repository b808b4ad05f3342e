#!/usr/bin/env python3
"""The process dies at every point where something has just become, or is about to become, durable or known: before and
after each fsync, in the middle of each commit, after each request has left, before each answer is read; alone, or together
with the machine, which takes along what was not synced. Each time it is started again and runs to its end; then the
helpdesk holds exactly one ticket, one contact and one note for each call or escalation, and the agent was told once."""

import concurrent.futures
import http.client
import os
import random
import re
import sys
import time
import unittest

import world
from escalation_world import AgentWorld, escalation, send
from world import World, call, quote, require_programs

# Each world mostly waits: for the next round of polling, and for what may not be sent again yet.
WORKERS = 6
# The longest that all points of one test together may take.
BUDGET_S = 300 if world.IS_LONG else 150
COUNT_KINDS = ("sync", "write", "send", "recv")


class Calls:
    """Finished calls that the source lists. What the helpdesk must hold in the end: a ticket, a note and a caller's contact."""

    def __init__(self, *calls):
        self.calls = calls
        self.sids = [each["sid"] for each in calls]
        self.callers = len({each["from"] for each in calls})
        self.records = len(calls)

    def world(self):
        return World(self.calls)

    @staticmethod
    def live(w, **environment):
        """One life: to its end, however that comes."""
        return w.run_once(**environment)

    def digests(self, w):
        """What must be the same with a crash as without."""
        return w.note_digests()

    def faults(self, w, digests):
        return w.faults_of_delivery(self.sids, self.callers, digests)


class EscalationWorld(AgentWorld):
    """The whole pipeline: an agent hands over, the helpdesk gets a ticket, the agent is told of it."""

    def write_conf(self):
        callback = {"hosts": "${CALLBACK_HOSTS}", "secret": "${CALLBACK_SECRET}", "allow_private": True, "timeout": "1s"}
        lines = ["%s = %s" % (name, quote(value)) for name, value in self.settings.items()]
        lines.append('pipelines = { escalations = { source = "ai_agent" stages = [ "keyword" ] sinks = [ "zoho_desk", "callback" ] } }')
        blocks = {"ai_agent": self.agent, "keyword": self.blocks["keyword"], "zoho_desk": self.blocks["zoho_desk"], "callback": callback}
        lines += ["%s = %s" % (name, quote(options)) for name, options in blocks.items()]
        path = self.folder / "engine.conf"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path


class Escalations:
    """Conversations that an agent hands over. It says the same again until it hears that it was heard."""

    def __init__(self, *numbers):
        self.numbers = numbers
        self.records = len(numbers)

    @staticmethod
    def world():
        return EscalationWorld(zoho_desk={"contact_check": "0s"})

    def live(self, w, **environment):
        """One life: until all has ended, or the engine. What has ended is read from the log: who looks into the journal while
        a power cut takes parts of it along dies with it."""
        left = self.records - w.states().get("done", 0)
        engine = w.start(**environment)
        port = self.wait_for_port(engine)
        for number in self.numbers if port else ():
            self.hand_over(w, engine, port, number)
        until = time.monotonic() + 60 * world.PATIENCE
        while engine.is_running() and time.monotonic() < until and engine.log().count('msg="record ended"') < left:
            time.sleep(0.02)
        return engine.stop() if engine.is_running() else engine.wait(1)

    @staticmethod
    def wait_for_port(engine):
        """None: it has ended before it listened."""
        try:
            return int(engine.wait_for_log(r'listening for webhooks"? host=\S+ port=(\d+)').group(1))
        except AssertionError:
            return None

    @staticmethod
    def hand_over(w, engine, port, number):
        body = escalation(number, callback_url=w.services.urls["callback"] + "/tickets")
        while engine.is_running():
            try:
                answer = send(port, body=body, timeout=10 * world.PATIENCE)
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
                continue
            if answer.status >= 300:
                raise AssertionError(answer)
            return

    def digests(self, w):
        """The tickets' texts but for their numbers, which are of this moment; and, by name, how many of everything there is."""
        desk = w.report()["services"]["desk"]
        totals = {name: value for name, value in desk.items() if name.endswith("_total") and isinstance(value, int)}
        keep = {name: value for name, value in totals.items() if name in ("tickets_total", "contacts_total", "notes_total", "uploads_total")}
        return {**keep, **w.note_digests(), "texts": sorted(re.sub(r"\d", "0", ticket["description"]) for ticket in w.tickets())}

    def faults(self, w, digests):
        report = w.report()
        desk, events = report["services"]["desk"], report["services"]["callback"]["events"]
        now = self.digests(w)
        wrong = ["%s: %s instead of %s" % (name, now.get(name), value) for name, value in (digests or {}).items() if now.get(name) != value]
        for total in ("tickets_total", "contacts_total"):
            if desk[total] != self.records:
                wrong.append("%d %s" % (desk[total], total))
        told = [seen["body"]["escalation_id"] for seen in events.values() if seen["body"]["event"] == "ticket.created"]
        if sorted(told) != sorted("esc-%04d" % number for number in self.numbers):
            wrong.append("told of %s" % told)
        if any(not seen["accepted"] for seen in events.values()) or report["services"]["callback"]["refused"]:
            wrong.append("the agent did not accept what it was told: %s" % events)
        if report["violations_total"]:
            wrong.append("violations: %s" % report["violations"][:3])
        return wrong


class Matrix:
    """A scenario, what it leads to without a crash, and how many system calls of each kind that takes."""

    def __init__(self, scenario, **plan):
        self.scenario = scenario
        self.counts, self.digests = {}, {}
        self.plan = plan  # more of the crash library's environment

    def measure(self):
        for kind in COUNT_KINDS:
            with self.scenario.world() as w:
                path = w.folder / "count"
                ended = self.scenario.live(w, **w.crash_environment(CRASH_KIND=kind, CRASH_COUNT_FILE=path))
                wrong = self.scenario.faults(w, None)
                if ended.code != 0 or wrong:
                    raise AssertionError("a run without a crash: %s\n%s" % (wrong, ended))
                self.counts[kind] = int(path.read_text(encoding="utf-8"))
                self.digests = self.scenario.digests(w)
        return self

    def points(self, *kinds):
        """Every one of them, before and after; what came in is only there once."""
        return [(kind, number, when) for kind in kinds for number in range(1, self.counts[kind] + 1)
                for when in (("before",) if kind == "recv" else ("before", "after"))]

    def crash_at(self, kind, number, when):
        """One life that ends at this point, and the next. Gives what is wrong, and whether the first life ended there."""
        point = "%s:%d:%s" % (kind, number, when)
        with self.scenario.world() as w:
            first = self.scenario.live(w, **w.crash_environment(CRASH_AT=point, **self.plan))
            second = self.scenario.live(w)
            wrong = self.scenario.faults(w, self.digests)
            if first.code not in (0, -9):
                wrong.append("the first life ended otherwise than by the crash")
            if second.code != 0:
                wrong.append("the second life failed")
            if w.states() != {"done": self.scenario.records}:
                wrong.append("the journal holds %s" % w.states())
            open_intents = w.query("SELECT count(*) FROM intent WHERE state = 'open'")[0][0]
            if open_intents:
                wrong.append("%d intents stay open" % open_intents)
            if wrong:
                wrong = ["crash at %s: %s" % (point, each) for each in wrong]
                wrong.append("first life: %s\nsecond life: %s" % (first, second))
            return wrong, first.code == -9


class CrashMatrixTest(unittest.TestCase):
    def check(self, matrix, points, min_crashes, is_whole):
        """Runs all points side by side, bounded in time; the order is mixed, so that a cut leaves a fair sample. Where all
        points are promised (`is_whole`), a cut is a failure."""
        points = list(points)
        random.Random(20).shuffle(points)
        until = time.monotonic() + BUDGET_S
        failures, crashes, runs = [], 0, 0

        def run(point):
            if time.monotonic() > until or len(failures) > 5:
                return None
            return matrix.crash_at(*point)

        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for result in pool.map(run, points):
                if result is None:
                    continue
                runs += 1
                failures += result[0]
                crashes += result[1]
        print("%s: %d of %d points, %d crashes, system calls of a clean run: %s" %
              (self.id().rsplit(".", 1)[1], runs, len(points), crashes, matrix.counts), file=sys.stderr)
        self.assertEqual(failures, [], "\n".join(failures[:8]))
        if is_whole:
            self.assertEqual(runs, len(points), "not all points were played in %d s" % BUDGET_S)
        self.assertGreaterEqual(crashes, min(min_crashes, len(points)), "too few points were reached")

    @staticmethod
    def sample(points, number):
        if world.IS_LONG or number is None:
            return points
        return random.Random(7).sample(points, min(number, len(points)))

    def play(self, row):
        scenario, kinds, number, plan = row
        matrix = Matrix(scenario, **plan).measure()
        points = matrix.points(*kinds)
        if world.IS_SANITIZED:
            number = 20
        chosen = self.sample(points, number)
        self.check(matrix, chosen, len(chosen) * 9 // 10 if kinds == ("sync",) else 10, number is None)


ONE_CALL, ONE_ESCALATION = Calls(call(1)), Escalations(1)
# Three calls of two callers: the contact of two of them must be made once, whoever comes first.
CALLERS_IN_COMMON = Calls(call(1), call(2), call(3, **{"from": call(1)["from"]}))
POWER = {"CRASH_LOSES": "unsynced"}

# What is played, where it dies, at how many points when time is short (None: at all of them), and how. A pipeline of its own is
# a scenario and its rows.
ROWS = {
    "dies_around_every_sync_of_one_call": (ONE_CALL, ("sync",), None, {}),
    "dies_before_every_answer_and_after_every_request_of_one_call": (ONE_CALL, ("recv", "send"), 60, {}),
    "dies_in_the_middle_of_commits_of_one_call": (ONE_CALL, ("write",), 40, {}),
    "power_is_cut_around_every_sync_request_and_answer": (ONE_CALL, ("sync", "send", "recv"), 80, POWER),
    "dies_with_several_calls_under_way": (CALLERS_IN_COMMON, COUNT_KINDS, 40, {}),
    "dies_around_every_sync_of_one_escalation": (ONE_ESCALATION, ("sync",), None, {}),
    "dies_around_requests_answers_and_writes_of_one_escalation": (ONE_ESCALATION, ("recv", "send", "write"), 60, {}),
    "power_is_cut_in_one_escalation": (ONE_ESCALATION, ("sync", "send", "recv"), 40, POWER),
    "dies_with_several_escalations_under_way": (Escalations(1, 2, 3), COUNT_KINDS, 30, {}),
}
for name, row in ROWS.items():
    setattr(CrashMatrixTest, "test_" + name, lambda self, row=row: self.play(row))


if __name__ == "__main__":
    require_programs()
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    unittest.main(verbosity=2)
