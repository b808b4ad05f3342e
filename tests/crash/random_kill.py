#!/usr/bin/env python3
"""kill -9 at random moments, again and again, with slow services, lost replies and a search that lags at the same time.
At the end the helpdesk's own report holds exactly one ticket, one contact and one note for each call. Seeded: a failing
round names its seed, and `random_kill.py SEED` plays that round alone."""

import concurrent.futures
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import world  # noqa: E402
from world import World, call, require_programs  # noqa: E402

ROUNDS = 400 if world.IS_LONG else 10 if world.IS_SANITIZED else 30
BUDGET_S = 3000 if world.IS_LONG else 400
WORKERS = 4
FIRST_SEED = 1
NOTE_OF = "The customer of call %d says: my invoice %d is wrong."


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
    return calls, len({each["from"][-10:] for each in calls})


def make_hostile(w, chance):
    """Latencies as they are (a tenth of them, so that a round is short), lost replies, a lagging index."""
    for service, latency in (("exotel", 20), ("recordings", 20), ("deepgram", 150), ("openai", 70), ("desk", 25), ("accounts", 25)):
        w.knobs(service, latency_ms=latency, latency_jitter_ms=latency)
    lag = chance.choice((0, 400, 900))
    w.knobs("desk", index_lag_ms=lag, contact_tickets_lag_ms=lag)
    actions = (("commit_then_reset", {}), ("commit_then_status", {"status": 502}), ("commit_then_cut", {}), ("reset_before", {}),
               ("read_then_reset", {}), ("status", {"status": 503}), ("delay_then_commit", {"latency_ms": 300}))
    for path in ("/api/v1/contacts", "/api/v1/tickets", "*/comments"):
        for action, more in chance.sample(actions, 3):
            w.fault("desk", action, method="POST", path=path, probability=0.15, count=3, **more)
    for service in ("exotel", "recordings", "deepgram", "openai", "desk", "accounts"):
        w.fault(service, "status", status=500, probability=0.02, count=2)
        w.fault(service, "reset_before", probability=0.02, count=2)


def live_once(w, chance):
    """One life that ends with SIGKILL at a random moment. Gives whether it did: an engine may be done before."""
    engine = w.start("--once")
    moment = chance.uniform(0.02, 0.3) if chance.random() < 0.3 else chance.uniform(0.2, 2.5)
    until = time.monotonic() + moment * (1.5 if world.IS_SANITIZED else 1)
    while time.monotonic() < until and engine.is_running():
        time.sleep(0.003)
    if not engine.is_running():
        return False, engine.wait(1)
    return True, engine.kill()


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


def play(seed):
    """A round. Gives what is wrong, the number of kills, and the log of the last life."""
    chance = random.Random(seed)
    calls, callers = make_calls(chance)
    kills, ended, wrong = 0, None, []
    with World(calls, seed=seed, zoho_desk={"settle": "2s"}) as w:
        make_hostile(w, chance)
        for _ in range(chance.randint(1, 6)):
            killed, ended = live_once(w, chance)
            kills += killed
            if not killed and ended.code != 0:
                wrong.append("a life ended by itself with exit code %s" % ended.code)
        ended = w.run_once(120 * world.PATIENCE)
        report = w.report()
        desk = report["services"]["desk"]
        if ended.code != 0:
            wrong.append("the last life: exit code %s" % ended.code)
        if w.states() != {"done": len(calls)}:
            wrong.append("the journal holds %s" % w.states())
        if desk["tickets_total"] != len(calls):
            wrong.append("%d tickets for %d calls" % (desk["tickets_total"], len(calls)))
        if desk["contacts_total"] != callers:
            wrong.append("%d contacts for %d callers: %s" % (desk["contacts_total"], callers, desk["contacts_per_phone"]))
        check_notes(w, calls, wrong)
        if report["violations_total"]:
            wrong.append("violations: %s" % report["violations"][:2])
        if w.query("SELECT count(*) FROM intent WHERE state = 'open'")[0][0]:
            wrong.append("an intent stays open")
        if wrong and os.environ.get("SWITCHBOARD_TEST_KEEP"):
            for engine in w.engines:
                print("---- %s\n%s" % (engine.log_path.name, engine.log()))
    return wrong, kills, ended


def main():
    require_programs()
    seeds = [int(word) for word in sys.argv[1:]] or list(range(FIRST_SEED, FIRST_SEED + ROUNDS))
    until = time.monotonic() + BUDGET_S
    rounds, kills, failed = 0, 0, []

    def run(seed):
        return (seed, *play(seed)) if time.monotonic() < until and len(failed) < 5 else None

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for result in pool.map(run, seeds):
            if result is None:
                continue
            seed, wrong, killed, ended = result
            rounds += 1
            kills += killed
            if wrong:
                failed.append(seed)
                print("seed %d: %s\nlast life: %s\n" % (seed, "; ".join(wrong), ended), flush=True)
    print("%d rounds, %d kills, %d failed%s" % (rounds, kills, len(failed), ": seeds %s" % failed if failed else ""))
    sys.exit(1 if failed or not kills else 0)


if __name__ == "__main__":
    main()
