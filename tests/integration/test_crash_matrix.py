#!/usr/bin/env python3
"""The process dies at every point where something has just become, or is about to become, durable or known: before and
after each fsync, in the middle of each commit, after each request has left, before each answer is read; alone, or together
with the machine, which takes along what was not synced. Each time it is started again and runs to its end; then the
helpdesk holds exactly one ticket, one contact and one note for each call."""

import concurrent.futures
import os
import random
import sys
import time
import unittest

import world
from world import World, call, require_programs

# Each world mostly waits: for the next round of polling, and for what may not be sent again yet.
WORKERS = 6
# The longest that all points of one test together may take.
BUDGET_S = 300 if world.IS_LONG else 150
COUNT_KINDS = ("sync", "write", "send", "recv")


def one_call():
    return [call(1)]


def callers_in_common():
    """Three calls of two callers: the contact of two of them must be made once, whoever comes first."""
    return [call(1), call(2), call(3, **{"from": call(1)["from"]})]


class Matrix:
    """A scenario, what it leads to without a crash, and how many system calls of each kind that takes."""

    def __init__(self, make_calls):
        self.make_calls = make_calls
        self.calls = make_calls()
        self.sids = [each["sid"] for each in self.calls]
        self.callers = len({each["from"] for each in self.calls})
        self.counts = {}
        self.notes = {}
        self.plan = {}  # more of the crash library's environment

    def measure(self):
        for kind in COUNT_KINDS:
            with World(self.calls) as w:
                path = w.folder / "count"
                ended = w.run_once(**w.crash_environment(CRASH_KIND=kind, CRASH_COUNT_FILE=path))
                wrong = w.faults_of_delivery(self.sids, self.callers)
                if ended.code != 0 or wrong:
                    raise AssertionError("a run without a crash: %s\n%s" % (wrong, ended))
                self.counts[kind] = int(path.read_text(encoding="utf-8"))
                self.notes = w.note_digests()

    def crash_at(self, kind, number, when):
        """One life that ends at this point, and the next. Gives what is wrong, and whether the first life ended there."""
        point = "%s:%d:%s" % (kind, number, when)
        with World(self.calls) as w:
            first = w.run_once(**w.crash_environment(CRASH_AT=point, **self.plan))
            second = w.run_once()
            wrong = w.faults_of_delivery(self.sids, self.callers, self.notes)
            if first.code not in (0, -9):
                wrong.append("the first life ended otherwise than by the crash")
            if second.code != 0:
                wrong.append("the second life failed")
            if w.states() != {"done": len(self.sids)}:
                wrong.append("the journal holds %s" % w.states())
            open_intents = w.query("SELECT count(*) FROM intent WHERE state = 'open'")[0][0]
            if open_intents:
                wrong.append("%d intents stay open" % open_intents)
            if wrong:
                wrong = ["crash at %s: %s" % (point, each) for each in wrong]
                wrong.append("first life: %s\nsecond life: %s" % (first, second))
            return wrong, first.code == -9


class CrashMatrixTest(unittest.TestCase):
    def check(self, matrix, points, min_crashes):
        """Runs all points side by side, bounded in time; the order is mixed, so that a cut leaves a fair sample."""
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
        self.assertGreaterEqual(crashes, min(min_crashes, len(points)), "too few points were reached")

    @staticmethod
    def sample(points, number):
        points = list(points)
        if world.IS_LONG:
            return points
        if world.IS_SANITIZED:
            number = number // 4
        return random.Random(7).sample(points, min(number, len(points)))

    def test_dies_around_every_sync_of_one_call(self):
        matrix = Matrix(one_call)
        matrix.measure()
        points = [("sync", number, when) for number in range(1, matrix.counts["sync"] + 1) for when in ("before", "after")]
        if world.IS_SANITIZED:
            points = self.sample(points, 80)
        self.check(matrix, points, len(points) * 9 // 10)

    def test_dies_before_every_answer_and_after_every_request_of_one_call(self):
        matrix = Matrix(one_call)
        matrix.measure()
        points = [("recv", number, "before") for number in range(1, matrix.counts["recv"] + 1)]
        points += [("send", number, when) for number in range(1, matrix.counts["send"] + 1) for when in ("before", "after")]
        self.check(matrix, self.sample(points, 90), 10)

    def test_dies_in_the_middle_of_commits_of_one_call(self):
        matrix = Matrix(one_call)
        matrix.measure()
        points = [("write", number, when) for number in range(1, matrix.counts["write"] + 1) for when in ("before", "after")]
        self.check(matrix, self.sample(points, 60), 10)

    def test_power_is_cut_around_every_sync_request_and_answer(self):
        matrix = Matrix(one_call)
        matrix.measure()
        matrix.plan = {"CRASH_LOSES": "unsynced"}
        points = [(kind, number, when) for kind in ("sync", "send") for number in range(1, matrix.counts[kind] + 1)
                  for when in ("before", "after")]
        points += [("recv", number, "before") for number in range(1, matrix.counts["recv"] + 1)]
        self.check(matrix, self.sample(points, 120), 10)

    def test_dies_with_several_calls_under_way(self):
        matrix = Matrix(callers_in_common)
        matrix.measure()
        points = [(kind, number, when) for kind in COUNT_KINDS for number in range(1, matrix.counts[kind] + 1)
                  for when in ("before", "after")]
        self.check(matrix, self.sample(points, 60), 10)


if __name__ == "__main__":
    require_programs()
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    unittest.main(verbosity=2)
