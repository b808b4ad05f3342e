#!/usr/bin/env python3
"""kill -9 at random moments, again and again, with slow services, lost replies and a search that lags at the same time.
The shipped engine.conf is played with both of its pipelines: calls that the source lists, and escalations that agents hand
over until they are heard. At the end the helpdesk's own report holds exactly one ticket with whole notes for each call and
each escalation, one contact for each person, and each agent was told of its ticket with one key. Seeded: a failing round
names its seed, and `random_kill.py SEED` plays that round alone. `--rounds N` plays N of them, `--kills N` as many as it
takes to kill that often, `--jobs N` so many at a time, `--first SEED` begins there."""

import argparse
import concurrent.futures
import itertools
import os
import pathlib
import random
import re
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import world  # noqa: E402
from agents import Agents, key_of, make_escalations  # noqa: E402
from escalation_world import TOKEN  # noqa: E402
from world import ROOT, World, call, require_programs  # noqa: E402

ROUNDS = 400 if world.IS_LONG else 10 if world.IS_SANITIZED else 30
BUDGET_S = 5400 if world.IS_LONG else 400
# A round mostly waits: for services, for what may not be sent again yet.
WORKERS = 12
FIRST_SEED = 1
LISTENING = re.compile(r'listening for webhooks"? host=\S+ port=(\d+)')
NOTE_OF = "The customer of call %d says: my invoice %d is wrong."


class ShippedWorld(World):
    """engine.conf as it is shipped, told by its environment where everything is. Nothing but the times is other than in earnest."""

    ENVIRONMENT = {"SWITCHBOARD_LISTEN": "127.0.0.1:0", "SWITCHBOARD_ADMIN": "127.0.0.1:0", "EXOTEL_SINCE": "24h",
                   "EXOTEL_POLL_INTERVAL": "1s", "EXOTEL_RATE": "100000/min", "ZOHO_DESK_SETTLE": "1500ms",
                   "ZOHO_DESK_CONCURRENCY": "50", "AI_AGENT_TOKEN": TOKEN}

    def __init__(self, calls, seed):
        super().__init__(calls, seed=seed)
        self.extra_env.update(self.ENVIRONMENT)
        shutil.copytree(ROOT / "scripts", self.folder / "scripts")

    def write_conf(self):
        return pathlib.Path(shutil.copy(ROOT / "engine.conf", self.folder))


def make_calls(chance):
    """Some callers call twice, from differently written numbers; some conversations need several notes."""
    calls = []
    for i in range(1, chance.randint(4, 10)):
        caller = chance.randint(1, i)
        written = chance.choice(("0%s", "+91%s", "%s")) % ("555010%04d" % caller)
        turns = [{"speaker": "customer", "text": NOTE_OF % (i, i)}]
        if chance.random() < 0.2:
            turns += [{"speaker": chance.choice(("agent", "customer")), "text": "Word %d of a long talk. " % n * 20} for n in range(40)]
        calls.append(call(i, **{"from": written, "transcript": turns, "recording": {"bytes": chance.choice((500, 9000, 60000)), "delay_s": 0}}))
    return calls, {each["from"][-10:] for each in calls}


def make_hostile(w, chance):
    """Latencies as they are (a tenth of them and less, so that a round is short), lost replies, a lagging index."""
    for service, latency in (("exotel", 10), ("recordings", 10), ("deepgram", 70), ("openai", 40), ("desk", 15), ("accounts", 15)):
        w.knobs(service, latency_ms=latency, latency_jitter_ms=latency)
    lag = chance.choice((0, 300, 600))
    w.knobs("desk", index_lag_ms=lag, contact_tickets_lag_ms=lag)
    actions = (("commit_then_reset", {}), ("commit_then_status", {"status": 502}), ("commit_then_cut", {}), ("reset_before", {}),
               ("read_then_reset", {}), ("status", {"status": 503}), ("delay_then_commit", {"latency_ms": 300}))
    for path in ("/api/v1/contacts", "/api/v1/tickets", "*/comments", "*/attachments"):
        for action, more in chance.sample(actions, 3):
            w.fault("desk", action, method="POST", path=path, probability=0.15, count=3, **more)
    for service in ("exotel", "recordings", "deepgram", "openai", "desk", "accounts"):
        w.fault(service, "status", status=500, probability=0.02, count=2)
        w.fault(service, "reset_before", probability=0.02, count=2)
    for action, more in (("commit_then_reset", {}), ("commit_then_status", {"status": 502}), ("status", {"status": 503})):
        w.fault("callback", action, probability=0.15, count=1, **more)


def live(w, agents, seconds):
    """One life that ends with SIGKILL after so many seconds. Gives whether it did; it ends by itself only when something is wrong."""
    engine = w.start()
    until, port = time.monotonic() + seconds, None
    while time.monotonic() < until and engine.is_running():
        if not port:
            port = port_of(engine)
            agents.listens_at(port)
        time.sleep(0.003)
    agents.listens_at(None)
    return (True, engine.kill()) if engine.is_running() else (False, engine.wait(1))


def port_of(engine):
    found = LISTENING.search(engine.log())
    return int(found.group(1)) if found else None


def live_on(w, agents, records, wrong):
    """The last life: until all was heard and has ended. The engine still runs, for who has questions."""
    engine = w.start()
    try:
        agents.listens_at(int(engine.wait_for_log(LISTENING.pattern).group(1)))
        agents.wait_until_taken(60 * world.PATIENCE)
        w.wait_until(lambda: w.states() == {"done": records}, "all has ended", 120 * world.PATIENCE)
    except AssertionError as mishap:
        wrong.append("the last life: %s" % str(mishap).split("\n", 1)[0])
    return engine


def check_notes(w, calls, wrong):
    """Each call's notes: all parts, each once, together the whole conversation."""
    by_call = {}
    for ticket in w.tickets():
        for each in calls:
            if each["sid"] in (ticket["description"] or ""):
                by_call.setdefault(each["sid"], []).append(ticket)
    for number, each in enumerate(calls, 1):
        tickets = by_call.get(each["sid"], [])
        if len(tickets) != 1:
            wrong.append("%s has %d tickets" % (each["sid"], len(tickets)))
            continue
        notes = [note["content"] for note in tickets[0]["comments"]]
        firsts = [text.split("\n", 2)[1] for text in notes if "\n" in text]
        if len(firsts) != len(set(firsts)):
            wrong.append("%s has a note twice: %s" % (each["sid"], firsts))
        whole = "\n".join(notes)
        for text in [NOTE_OF % (number, number)] + ["Word %d of a long talk." % n for n in range(len(each["transcript"]) - 1)]:
            if text not in whole:
                wrong.append("%s: its note lacks '%s'" % (each["sid"], text))
                break
        if any(other != number and NOTE_OF % (other, other) in whole for other in range(1, len(calls) + 1)):
            wrong.append("%s has a note of another call" % each["sid"])


def check_counts(w, report, records, people, wrong):
    desk = report["services"]["desk"]
    if w.states() != {"done": records}:
        wrong.append("the journal holds %s" % w.states())
    if desk["tickets_total"] != records:
        wrong.append("%d tickets for %d conversations" % (desk["tickets_total"], records))
    if desk["contacts_total"] != people:
        wrong.append("%d contacts for %d people: %s" % (desk["contacts_total"], people, desk["contacts_per_phone"]))
    if report["violations_total"]:
        wrong.append("violations: %s" % report["violations"][:2])
    if w.states() and w.query("SELECT count(*) FROM intent WHERE state = 'open'")[0][0]:
        wrong.append("an intent stays open")


def moments_of(chance):
    """How long each life is: some end before the engine is there, some when it has nearly done its work."""
    slow = 1.5 if world.IS_SANITIZED else 1
    return [slow * (chance.uniform(0.02, 0.2) if chance.random() < 0.3 else chance.uniform(0.1, 1.3)) for _ in range(chance.randint(3, 9))]


def play(seed):
    """A round. Gives what is wrong, the number of kills and of calls to the engine that it left without an answer, and the log
    of the last life."""
    chance = random.Random(seed)
    calls, callers = make_calls(chance)
    bodies, moments = make_escalations(chance), moments_of(chance)
    people, records = callers | {key_of(body["user"]) for body in bodies}, len(calls) + len(bodies)
    kills, wrong = 0, []
    with ShippedWorld(calls, seed) as w:
        make_hostile(w, chance)
        with Agents(chance, bodies, w.services.urls["callback"], sum(moments)) as agents:
            for seconds in moments:
                killed, ended = live(w, agents, seconds)
                kills += killed
                if not killed:
                    wrong.append("a life ended by itself with exit code %s" % ended.code)
            engine = live_on(w, agents, records, wrong)
            report = w.report()
            check_counts(w, report, records, len(people), wrong)
            check_notes(w, calls, wrong)
            agents.check(w, report, wrong)
            # Each has just said the same once more.
            check_counts(w, w.report(), records, len(people), wrong)
        ended = engine.stop()
        if ended.code != 0:
            wrong.append("the last life: exit code %s" % ended.code)
        if wrong and os.environ.get("SWITCHBOARD_TEST_KEEP"):
            for each in w.engines:
                print("---- %s\n%s" % (each.log_path.name, each.log()))
    return wrong, kills, agents.unanswered(), ended


def arguments():
    parser = argparse.ArgumentParser(description="kill -9 at random moments; every conversation still gets one ticket")
    parser.add_argument("seeds", nargs="*", type=int, metavar="SEED", help="play these rounds alone")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--kills", type=int, default=0, help="as many rounds as it takes to kill that often")
    parser.add_argument("--jobs", type=int, default=WORKERS)
    parser.add_argument("--first", type=int, default=FIRST_SEED)
    return parser.parse_args()


class Tally:
    def __init__(self, given):
        self.rounds, self.kills, self.unanswered, self.failed = 0, 0, 0, []
        self.wanted_kills = given.kills
        # What was asked for by number is played to its end.
        is_asked_for = given.seeds or given.kills or given.rounds != ROUNDS
        self.until = time.monotonic() + (86400 if is_asked_for else BUDGET_S)

    def is_over(self):
        return time.monotonic() > self.until or len(self.failed) >= 5 or 0 < self.wanted_kills <= self.kills

    def add(self, seed, wrong, kills, unanswered, ended):
        self.rounds += 1
        self.kills += kills
        self.unanswered += unanswered
        if wrong:
            self.failed.append(seed)
            print("seed %d: %s\nlast life: %s\n" % (seed, "; ".join(wrong), ended), flush=True)


def play_all(given, tally):
    """Some at a time, until there are no more seeds or it is over."""
    last = given.first + given.rounds if not given.kills else None
    seeds = iter(given.seeds or (itertools.count(given.first) if last is None else range(given.first, last)))
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        playing = {pool.submit(play, seed): seed for seed in itertools.islice(seeds, given.jobs)}
        while playing:
            done, _ = concurrent.futures.wait(playing, return_when=concurrent.futures.FIRST_COMPLETED)
            for each in done:
                tally.add(playing.pop(each), *each.result())
                if not tally.is_over():
                    playing.update({pool.submit(play, seed): seed for seed in itertools.islice(seeds, 1)})


def main():
    require_programs()
    given = arguments()
    tally, began = Tally(given), time.monotonic()
    play_all(given, tally)
    print("%d rounds, %d kills, %d calls without an answer, %d failed%s, %d s" % (
        tally.rounds, tally.kills, tally.unanswered, len(tally.failed), ": seeds %s" % tally.failed if tally.failed else "",
        time.monotonic() - began))
    sys.exit(1 if tally.failed or not tally.kills else 0)


if __name__ == "__main__":
    main()
