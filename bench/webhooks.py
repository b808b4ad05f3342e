"""Webhook to 202, validated and durably committed, of the engine and of bench_bare_webhook in turn, under wrk: the bare
program once as one that checks what any must, which the ratio is to, and once as one that only keeps bytes."""

import http.client
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time

TOKEN = "demo-agent-token-0001"
CONNECTIONS = (64, 512)
SCRIPT = str(pathlib.Path(__file__).resolve().parent / "webhooks.lua")

# What comes in is measured, and not what becomes of it: the one thing after the commit never answers, so that records wait
# behind it as they do when a service is down. The first ones, which go as far as that, come before the measurement. So many
# may wait that none is refused: 20 times max_in_flight.
CONF = """
data_dir = "%(data)s"
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
max_in_flight = %(in_flight)d
pipelines = { escalations = { source = "ai_agent" stages = [ "openai" ] sinks = [ "zoho_desk" ] } }
ai_agent = { tokens = "%(token)s" rate_per_caller = "unlimited" }
openai = { api_key = "demo" base_url = "%(openai)s" concurrency = 1 timeout = "30m" }
zoho_desk = { %(desk)s }
"""
DESK = ('org_id = "${ZOHO_DESK_ORG_ID}" department_id = "${ZOHO_DESK_DEPARTMENT_ID}" client_id = "${ZOHO_DESK_CLIENT_ID}"'
        ' client_secret = "${ZOHO_DESK_CLIENT_SECRET}" refresh_token = "${ZOHO_DESK_REFRESH_TOKEN}"'
        ' base_url = "${ZOHO_DESK_API_DOMAIN}" accounts_url = "${ZOHO_ACCOUNTS_URL}" mapping = "%s"')
IN_FLIGHT = 5000
TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")


def wrk(port, connections, seconds, run, pid=None):
    """One run; with the CPU time of the process `pid` for each request, in µs."""
    before = cpu_ticks(pid) if pid else 0
    done = subprocess.run(["wrk", "-t1", "-c%d" % connections, "-d%ds" % seconds, "--timeout", "30s", "-s", SCRIPT,
                           "http://127.0.0.1:%d" % port, "--", TOKEN, run],
                          capture_output=True, text=True, timeout=seconds + 60, check=True)
    found = re.search(r"^bench:(.*)$", done.stdout, re.MULTILINE)
    said = json.loads(found.group(1))
    if said["refused"] or said["broken"]:
        raise RuntimeError("calls were refused or broken:\n" + done.stdout)
    return {"rps": said["requests"] / said["us"] * 1e6, "p50": said["p50_us"] / 1000, "p99": said["p99_us"] / 1000,
            "requests": said["requests"], "cpu_us": ((cpu_ticks(pid) if pid else 0) - before) * TICK_US / said["requests"]}


def run_bare(program, way, connections, seconds, number):
    folder = tempfile.mkdtemp(prefix="switchboard-bench-")
    process = subprocess.Popen([program, folder + "/bare.db", way], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        return wrk(int(process.stdout.readline()), connections, seconds, "bare%d" % number, process.pid)
    finally:
        process.stdin.close()
        process.wait(timeout=60)
        shutil.rmtree(folder)


class WebhookWorld:
    """Made of world.World with a pipeline of its own."""

    def __new__(cls, world, **more):
        class Made(world.World):
            def write_conf(self):
                path = self.folder / "engine.conf"
                path.write_text(CONF % {"data": self.data, "in_flight": IN_FLIGHT, "token": TOKEN,
                                        "openai": self.services.env()["OPENAI_API_URL"],
                                        "desk": DESK % (world.ROOT / "scripts" / "zoho_ticket.lua")}, encoding="utf-8")
                return path
        return Made(**more)


def count_records(local):
    return local.query("SELECT count(*) FROM record")[0][0]


def warm_up(local, port, connections):
    """Fills the room of those that are in flight; how many records there are then."""
    number = 0
    while count_records(local) < IN_FLIGHT:
        number += 1
        wrk(port, connections, 1, "first%d" % number)
    local.wait_until(lambda: is_quiet(local), "the first ones wait")
    return count_records(local)


def is_quiet(local):
    """Whether nothing moves: no CPU time in a moment."""
    pid = local.engines[-1].process.pid
    before = cpu_ticks(pid)
    time.sleep(0.3)
    return cpu_ticks(pid) - before <= 1


def cpu_ticks(pid):
    fields = pathlib.Path("/proc/%d/stat" % pid).read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def run_engine(world, connections, seconds, number):
    with WebhookWorld(world, knobs={"openai": {"latency_ms": 3600000}}, settings={"shutdown_timeout": "1s"}) as local:
        engine = local.start()
        port = int(engine.wait_for_log(r'listening for webhooks"? host=\S+ port=(\d+)').group(1))
        before = warm_up(local, port, connections)
        result = wrk(port, connections, seconds, "run%d" % number, engine.process.pid)
        kept = count_records(local) - before
        engine.kill()
        # What was on its way when wrk stopped was kept, too, and never answered.
        if not result["requests"] <= kept <= result["requests"] + connections:
            raise RuntimeError("%d calls were answered, %d records kept" % (result["requests"], kept))
        return result


def check_one(world):
    """That a good call is good and a bad one is not: or nothing would be validated."""
    with WebhookWorld(world, knobs={"openai": {"latency_ms": 3600000}}) as local:
        engine = local.start()
        port = int(engine.wait_for_log(r'listening for webhooks"? host=\S+ port=(\d+)').group(1))
        for body, token, status in (({"id": "a"}, TOKEN, 422), ({}, "wrong", 401)):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("POST", "/v1/escalations", json.dumps(body),
                               {"Content-Type": "application/json", "Authorization": "Bearer " + token})
            got = connection.getresponse().status
            connection.close()
            if got != status:
                raise RuntimeError("a bad call was answered %d instead of %d" % (got, status))
        engine.kill()


def measure(world, options, row, goal):
    """Rows for each number of connections; whether every ratio reaches the goal. The two take turns, so that whatever else
    the machine does meets both."""
    check_one(world)
    is_met = True
    for connections in CONNECTIONS:
        engines, keepers, bares = [], [], []
        for number in range(options.repeat):
            keepers.append(run_bare(options.bare_webhook, "keep", connections, options.seconds, number))
            bares.append(run_bare(options.bare_webhook, "check", connections, options.seconds, number))
            engines.append(run_engine(world, connections, options.seconds, number))
        ratio = statistics.median(e["rps"] / b["rps"] for e, b in zip(engines, bares))
        of_bytes = statistics.median(e["rps"] / k["rps"] for e, k in zip(engines, keepers))
        for name, results in (("bare, keeps bytes", keepers), ("bare, checks", bares), ("engine", engines)):
            best = max(results, key=lambda result: result["rps"])
            row("webhook to 202, %d connections, %s" % (connections, name), best["rps"], "/s", digits=0,
                note="p50 %.1f ms, p99 %.1f ms, %.0f µs of CPU a request" % (best["p50"], best["p99"], best["cpu_us"]))
        row("ratio to who keeps bytes, %d connections" % connections, of_bytes, "")
        is_met = row("ratio to who checks, %d connections" % connections, ratio, "", goal, at_least=True) and is_met
    return is_met
