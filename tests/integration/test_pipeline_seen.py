#!/usr/bin/env python3
"""What is seen of the engine while calls become tickets: health, metrics, and a log without secrets and numbers."""

import json
import re

import world
from pipeline_case import PipelineCase
from world import World, call, get


def parse_prometheus(text):
    """The text format, strictly: a value for each sample, a type before it, cumulative buckets. Gives {(name, labels): value}."""
    types, samples = {}, {}
    assert text.endswith("\n"), "the last line is not ended"
    for line in text.splitlines():
        if line.startswith("# HELP "):
            assert re.fullmatch(r"# HELP [a-zA-Z_:][a-zA-Z0-9_:]* .+", line), line
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert kind in ("counter", "gauge", "histogram") and name not in types, line
            types[name] = kind
        else:
            found = re.fullmatch(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)", line)
            assert found, line
            name, labels, value = found.groups()
            pairs = re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)', labels or "")
            assert ",".join('%s="%s"' % pair for pair in pairs) == (labels or ""), line
            family = re.sub(r"_(bucket|sum|count)$", "", name)
            assert name in types or types.get(family) == "histogram", "no type before: " + line
            key = (name, tuple(sorted(pairs)))
            assert key not in samples, "twice: " + line
            samples[key] = float(value)
    for (name, labels), value in samples.items():
        if types.get(re.sub(r"_count$", "", name)) == "histogram":
            family = name[:-len("_count")]
            buckets = [(float(dict(keys)["le"]), count) for (other, keys), count in samples.items() if other == family + "_bucket"
                       and {pair for pair in keys if pair[0] != "le"} == set(labels)]
            counts = [count for _, count in sorted(buckets)]
            assert counts == sorted(counts) and sorted(buckets)[-1] == (float("inf"), value), name
    return types, samples


class AdminTest(PipelineCase):
    def test_health_readiness_and_metrics_are_served(self):
        calls = [call(i) for i in range(1, 4)]
        with World(calls) as w:
            engine = w.start()
            address = "127.0.0.1:" + engine.wait_for_log(r"listening for operators.* port=(\d+)").group(1)
            w.wait_until(lambda: w.states() == {"done": 3}, "all is done")
            self.assertEqual(get(address, "/healthz")[0], 200)
            self.assertEqual(get(address, "/readyz")[0], 200)
            self.assertEqual(get(address, "/nothing")[0], 404)
            status, headers, text = get(address, "/metrics")
            self.assertEqual((status, headers["Content-Type"].split(";")[0]), (200, "text/plain"))
            types, samples = parse_prometheus(text)

            def total(name, **labels):
                return sum(value for (other, pairs), value in samples.items() if other == name and set(labels.items()) <= set(pairs))

            self.assertEqual(total("switchboard_records", state="done"), 3)
            self.assertEqual(total("switchboard_in_flight"), 0)
            self.assertEqual(total("switchboard_unknown"), 0)
            self.assertGreater(total("switchboard_journal_commits_total"), 3)
            self.assertEqual(types["switchboard_journal_commit_seconds"], "histogram")
            self.assertGreater(total("switchboard_journal_commit_seconds_bucket", le="+Inf"), 3)
            self.assertGreater(total("switchboard_journal_commit_seconds_sum"), 0)
            self.assertEqual(total("switchboard_token_refreshes_total"), 1)
            self.assertIn("histogram", types.values())
            steps = [name for name in types if "step" in name and types[name] == "counter"]
            self.assertTrue(steps, types)
            self.assertEqual(total(steps[0], step="create_ticket"), 3)
            self.assertGreater(total("switchboard_meter_total") + sum(v for (n, _), v in samples.items() if "audio_seconds" in n or
                                                                      ("meter" in n)), 0, "no meters")
            again = parse_prometheus(get(address, "/metrics")[2])[1]
            for key, value in samples.items():
                if types.get(key[0]) == "counter":
                    self.assertGreaterEqual(again[key], value, key)
            self.assertEqual(engine.stop().code, 0)

    def test_many_scrapes_at_once_while_it_works(self):
        calls = [call(i) for i in range(1, 41)]
        with World(calls, knobs={"desk": {"latency_ms": 20}}) as w:
            engine = w.start()
            address = "127.0.0.1:" + engine.wait_for_log(r"listening for operators.* port=(\d+)").group(1)
            for _ in range(50):
                parse_prometheus(get(address, "/metrics")[2])
            w.wait_until(lambda: w.states() == {"done": 40}, "all is done")
            self.assertEqual(engine.stop().code, 0)
            self.assert_delivered(w, calls, 40)


class SecrecyTest(PipelineCase):
    def check(self, **settings):
        calls = [call(i, **{"from": "0555010%04d" % (4000 + i)}) for i in range(1, 9)]
        with World(calls, settings=settings) as w:
            w.fault("desk", "status", status=422, body={"errorCode": "INVALID_DATA", "message": "wrong", "errors": []},
                    method="POST", path="*/tickets", nth=1)
            w.fault("desk", "commit_then_reset", method="POST", path="/api/v1/contacts", nth=2)
            w.fault("deepgram", "status", status=400, body={"err_msg": "no"}, nth=1)
            w.fault("exotel", "status", status=500, nth=2)
            w.fault("accounts", "status", status=500, nth=1)
            ended = w.run_once()
            self.assertEqual(ended.code, 1, ended)
            env = w.services.env()
            secrets = {name: env[name] for name in ("EXOTEL_API_KEY", "EXOTEL_API_TOKEN", "DEEPGRAM_API_KEY", "OPENAI_API_KEY",
                                                    "ZOHO_DESK_CLIENT_SECRET", "ZOHO_DESK_REFRESH_TOKEN", "ZOHO_DESK_CLIENT_ID")}
            tokens = [json.loads(doc)["access_token"] for doc, in w.query("SELECT doc FROM token_doc")]
            self.assertTrue(tokens)
            for name, secret in [*secrets.items(), *(("access token", token) for token in tokens)]:
                self.assertNotIn(secret, ended.log, name)
            for each in calls:
                self.assertNotIn(each["from"][-10:], ended.log, "a customer's number")
                self.assertNotIn("This is call", ended.log, "what a customer said")
            journal = b"".join(path.read_bytes() for path in w.data.glob("journal*"))
            for name, secret in secrets.items():
                self.assertNotIn(secret.encode(), journal, "%s is in the journal" % name)

    def test_no_secret_and_no_number_in_the_log(self):
        self.check(log_level="debug")

    def test_no_secret_and_no_number_in_a_json_log(self):
        self.check(log_level="debug", log_format="json")
        # Each line of such a log is one object.
        with World([call(1)], settings={"log_format": "json"}) as w:
            ended = self.finish(w, [call(1)])
            for line in ended.log.splitlines():
                self.assertTrue(line.startswith("{") and "msg" in json.loads(line), line)


if __name__ == "__main__":
    world.main()
