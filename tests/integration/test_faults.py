#!/usr/bin/env python3
"""The machine refuses: the n-th allocation, write, fsync, open, socket, thread fails, once or from then on, for each n of a
whole run of one call. The engine goes on, or ends with a message and an exit code; never by a signal (but for the abort that
says that there is no memory), never without an end. Then it runs again on a machine that works, and the helpdesk holds
exactly one ticket, one contact and one note.

`test_faults.py FAMILY[:NUMBER[:ERRNO[:once|onward]]]` plays a part of it alone and shows where the calls came from."""

import concurrent.futures
import dataclasses
import os
import random
import re
import sys
import time

import world
from world import World, call, require_programs

PRELOAD = world.program("FAIL_PRELOAD", "tests/fail_preload.so")
WORKERS = 12
BUDGET_S = 7200 if world.IS_LONG else 300
# Lives in a row that end before anything is sent can share one world.
LIVES_MAX = 60
TRY_S = 2  # how long a life may go on that cannot succeed

# Whose calls are left out, and why. They are counted by the object that calls, not by what it is called for.
FOREIGN = {
    "libconfig": "it does not look whether it got memory for the file that it reads",
    "libcrypto": "OpenSSL 3.0 does not look either while it sets itself up",
    "ld-linux": "the loader gives up by itself when it has no memory",
    "libstdc++": "libphonenumber makes 39,000 small strings when it starts: and looks at none of them",
    "libphonenumber": "as above",
    "libprotobuf": "as above",
    "libabsl": "as above",
    "libicu": "as above",
}


@dataclasses.dataclass(frozen=True)
class Fault:
    """One family of calls, how it fails, and how many of its calls are tried when time is short (None: all)."""
    family: str
    error: str
    how: str
    sample: int = None

    def at(self, number):
        return "%s:%d:%s:%s" % (self.family, number, self.error, self.how)


FAULTS = [
    Fault("sync", "EIO", "once"), Fault("sync", "EIO", "onward"),
    Fault("write", "ENOSPC", "once"), Fault("write", "ENOSPC", "onward", 60),
    Fault("write", "EIO", "once", 40), Fault("write", "EIO", "onward", 40), Fault("write", "SHORT", "once", 40),
    Fault("open", "EMFILE", "once"), Fault("open", "EMFILE", "onward"), Fault("open", "EIO", "once"),
    Fault("file", "EIO", "once"), Fault("file", "ENOSPC", "onward", 20),
    Fault("net", "ENOMEM", "once"), Fault("net", "EMFILE", "onward", 10),
    Fault("system", "ENOMEM", "once"), Fault("system", "EAGAIN", "onward"),
    Fault("alloc", "ENOMEM", "once", 250), Fault("alloc", "ENOMEM", "onward", 40),
]


class Case:
    """One call on its way, with a library in front that lets something fail."""

    def __init__(self):
        self.calls = [call(1)]
        self.sids = [each["sid"] for each in self.calls]
        self.counts, self.starts = {}, {}
        self.notes = {}

    @staticmethod
    def environment(w, **plan):
        skips = ",".join(FOREIGN)
        given = w.crash_environment()
        # What a life that is cut short leaves behind is not looked for, nor what the loader keeps.
        given["ASAN_OPTIONS"] += ":detect_leaks=0"
        return {**given, "LD_PRELOAD": PRELOAD, "FAIL_SKIP": skips, **plan}

    def measure(self, family):
        """How many calls a whole run makes, and how many one that has nothing to do."""
        with World(self.calls) as w:
            path = w.folder / "count"
            plan = self.environment(w, FAIL_FAMILY=family, FAIL_COUNT_FILE=path)
            for counts in (self.counts, self.starts):
                ended = w.run_once(**plan)
                wrong = w.faults_of_delivery(self.sids, 1)
                if ended.code != 0 or wrong:
                    raise AssertionError("a run without a fault: %s\n%s" % (wrong, ended))
                counts[family] = int(path.read_text(encoding="utf-8"))
            self.notes = w.note_digests()

    def play(self, fault, numbers):
        """Lives in one world, each with its fault, until one has sent something; then one without. Gives the numbers that are
        left for another world, what is wrong, and the ways in which the lives ended."""
        numbers = list(numbers)
        with World(self.calls) as w:
            report = w.folder / "report"
            wrong, ends, lives = [], [], []
            while numbers:
                point = fault.at(numbers.pop(0))
                report.unlink(missing_ok=True)
                life, is_stopped = self.live(w, fault, FAIL_AT=point, FAIL_REPORT=report)
                end, complaint = ("kept trying", None) if is_stopped and life.code in (0, -15) else judge(life)
                ends.append(end)
                lives.append((point, life, report.read_text(encoding="utf-8") if report.exists() else "(nothing failed)"))
                if life.code == 0 and not is_stopped and w.states() != {"done": len(self.sids)}:
                    complaint = "it said that all is done, and the journal holds %s" % w.states()
                if complaint:
                    wrong.append("%s: %s" % (point, complaint))
                if complaint or life.code == 0 or w.states():
                    break
            last = w.run_once()
            wrong += ["%s: %s" % (point, each) for each in self.after(w, last)]
            if wrong:
                wrong.append("".join("\n== %s: %s\n%s" % life for life in lives[-1:]) + "\n== the last life: %s" % last)
            return numbers, wrong, ends

    def live(self, w, fault, **plan):
        """One life. Where the machine stays broken the engine may go on trying; then it is asked to stop, and has to hear it (or
        is just ending: then nobody listens any more)."""
        engine = w.start("--once", **self.environment(w, **plan))
        until = time.monotonic() + (TRY_S if fault.how == "onward" else 30) * world.PATIENCE
        while engine.is_running() and time.monotonic() < until:
            time.sleep(0.01)
        if fault.how == "once" or not engine.is_running():
            return engine.wait(0.1), False
        return engine.stop(15 * world.PATIENCE), True

    def after(self, w, last):
        wrong = w.faults_of_delivery(self.sids, 1, self.notes)
        if last.code != 0:
            wrong.append("the life after it failed")
        if w.states() != {"done": len(self.sids)}:
            wrong.append("the journal holds %s" % w.states())
        if w.states() and w.query("SELECT count(*) FROM intent WHERE state = 'open'")[0][0]:
            wrong.append("an intent stays open")
        return wrong


def judge(life):
    """How a life ended, and what is wrong with that."""
    if life.code == 0:
        return "went on", None
    if life.code == -6 and re.search(r"^switchboard: |out of memory", life.log, re.MULTILINE) and "Assertion" not in life.log:
        return "aborted", None
    if life.code in (1, 2):
        if re.search(r"^switchboard: |level=error|^[\w./-]+:\d+: ", life.log, re.MULTILINE):
            return "stopped", None
        return "stopped", "it ended with exit code %d and did not say why" % life.code
    return "wrong", "it ended with %s" % life.code


def plan_of(case, fault, chosen=None):
    """Numbers in groups that may share a world: those of the start in rows, the others alone."""
    count, start = case.counts[fault.family], case.starts[fault.family]
    start = min(start, count)
    if chosen:
        return [[chosen]]
    rest = list(range(start + 1, count + 1))
    first = list(range(1, start + 1))
    if not world.IS_LONG and fault.sample is not None:
        chance = random.Random(11)
        rest = chance.sample(rest, min(len(rest), fault.sample))
        if fault.how == "onward":
            first = chance.sample(first, min(len(first), fault.sample))
    rows = [first[i:i + LIVES_MAX] for i in range(0, len(first), LIVES_MAX)]
    return rows + [[number] for number in rest]


class Run:
    """All numbers of one fault, as they are played."""

    def __init__(self, case, fault):
        self.case, self.fault = case, fault
        self.ends, self.left_out = {}, 0

    def add(self, ended):
        for end in ended:
            self.ends[end] = self.ends.get(end, 0) + 1

    def __str__(self):
        fault, case = self.fault, self.case
        ends = ", ".join("%d %s" % (count, end) for end, count in sorted(self.ends.items()))
        return "%-6s %-6s %-6s of %5d calls, %4d at the start: %s%s" % (
            fault.family, fault.error, fault.how, case.counts[fault.family], case.starts[fault.family], ends,
            ", %d left out" % self.left_out if self.left_out else "")


def play_all(case, faults, chosen):
    """Side by side, for most of a life is waiting; what is to be whole first. Gives what is wrong."""
    until, wrong = time.monotonic() + BUDGET_S, []
    runs = [Run(case, fault) for fault in faults]
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(case.measure, sorted({fault.family for fault in faults})))
        rows = [(run, row) for run in runs for row in plan_of(case, run.fault, chosen)]
        waiting = {pool.submit(case.play, run.fault, row): run for run, row in rows}
        while waiting:
            done, _ = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
            is_over = time.monotonic() > until or len(wrong) >= MISTAKES_MAX
            for each in done:
                run = waiting.pop(each)
                left, faults_found, ended = each.result()
                run.add(ended)
                wrong += ["\n".join(faults_found)] if faults_found else []
                if left and not is_over:
                    waiting[pool.submit(case.play, run.fault, left)] = run
                else:
                    run.left_out += len(left)
            for each in [each for each in waiting if is_over and each.cancel()]:
                waiting.pop(each).left_out += 1
    for run in runs:
        print(run, flush=True)
    return wrong


MISTAKES_MAX = int(os.environ.get("FAULTS_MISTAKES_MAX", "5"))


def main():
    require_programs()
    if not os.path.exists(PRELOAD):
        sys.exit("FAIL_PRELOAD must name the library that lets calls fail: run this through ctest")
    words = (sys.argv[1] if len(sys.argv) > 1 else "").split(":")
    chosen = int(words[1]) if len(words) > 1 and words[1] else None
    faults = [fault for fault in FAULTS if words[0] in ("", fault.family) and
              all(given in ("", own) for given, own in zip(words[2:], (fault.error, fault.how)))]
    began = time.monotonic()
    wrong = play_all(Case(), faults, chosen)
    for each in wrong:
        print("\n" + each)
    print("\n%d mistakes, %d s" % (len(wrong), time.monotonic() - began))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
