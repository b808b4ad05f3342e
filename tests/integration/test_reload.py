#!/usr/bin/env python3
"""SIGHUP: the configuration is read again and taken over without a new process, a broken one is refused, and every
conversation that comes meanwhile becomes exactly one ticket."""

import http.client
import os
import pty
import re
import signal
import socket
import unittest

import world
from escalation_world import TOKEN, AgentWorld, escalation, send
from world import PATIENCE, Engine, World, call

NEW_TOKEN = "demo-agent-token-0002"
LISTENING = r'listening for webhooks"? host=\S+ port=(\d+)'
TAKEN_OVER = "read again and is taken over"
SENDS_MAX = 12


def reload(local, engine, times=1):
    """Sends the signal with what `local` has for a configuration now."""
    local.write_conf()
    engine.process.send_signal(signal.SIGHUP)
    local.wait_until(lambda: engine.log().count(TAKEN_OVER) >= times, "the new configuration is taken over")


def new_port(local, engine, times=2):
    """Where the engine listens for the n-th time."""
    ports = local.wait_until(lambda: re.findall(LISTENING, engine.log())[times - 1:], "the next engine listens")
    return int(ports[0])


class ReloadTest(unittest.TestCase):
    def assert_ends_well(self, ended):
        self.assertEqual(ended.code, 0, ended)

    def assert_one_ticket_each(self, local, count):
        local.wait_until(lambda: local.states() == {"done": count}, "all records are done")
        for number in range(1, count + 1):
            self.assertEqual(len(local.tickets_of("esc-%04d" % number)), 1, number)

    def test_a_token_is_rotated_without_a_new_process(self):
        with AgentWorld() as local:
            local.knobs("desk", latency_ms=300)
            engine, port = local.listening()
            self.assertEqual(send(port, body=escalation(1)).status, 202)
            local.agent["tokens"] = [NEW_TOKEN]
            reload(local, engine)
            port = new_port(local, engine)
            self.assertEqual(send(port, body=escalation(2)).status, 401)
            self.assertEqual(send(port, body=escalation(2), token=NEW_TOKEN).status, 202)
            self.assertEqual(send(port, path="/v1/escalations/esc-0001", method="GET", token=NEW_TOKEN).status, 200)
            self.assert_one_ticket_each(local, 2)
            self.assert_ends_well(engine.stop())
            self.assertNotIn(NEW_TOKEN, engine.log())

    def test_what_comes_while_it_changes_is_taken_once_or_refused_in_words(self):
        with AgentWorld() as local:
            engine, port = local.listening()
            count = 0
            for times in range(1, 4):
                answers = []
                local.write_conf()
                engine.process.send_signal(signal.SIGHUP)
                while len(re.findall(LISTENING, engine.log())) <= times:
                    if len(answers) < SENDS_MAX:
                        count += 1
                        answers.append(self.try_to_send(port, count))
                port = new_port(local, engine, times + 1)
                self.assertLessEqual(set(answers), {202, 503, None})
            for number in range(1, count + 1):
                self.assertEqual(send(port, body=escalation(number)).status, 202)
            self.assert_one_ticket_each(local, count)
            self.assert_ends_well(engine.stop())

    @staticmethod
    def try_to_send(port, number):
        try:
            return send(port, body=escalation(number)).status
        except (OSError, http.client.HTTPException):
            return None  # nobody listens for a moment

    def test_a_broken_configuration_is_refused_with_its_line_and_the_old_one_stays(self):
        with AgentWorld() as local:
            engine, port = local.listening()
            path = local.write_conf()
            path.write_text(path.read_text(encoding="utf-8") + "zoho_desk = { attach_to_opne = \"always\" }\n", encoding="utf-8")
            engine.process.send_signal(signal.SIGHUP)
            engine.wait_for_log("is not taken over: the one before stays")
            self.assertRegex(engine.log(), r"engine\.conf:\d+: ")
            path.unlink()
            engine.process.send_signal(signal.SIGHUP)
            local.wait_until(lambda: engine.log().count("is not taken over") == 2, "the missing file is told, too")
            self.assertEqual(send(port, body=escalation(1)).status, 202)
            self.assert_one_ticket_each(local, 1)
            self.assert_ends_well(engine.stop())
            self.assertEqual(engine.log().count("listening for webhooks"), 1)

    def test_what_cannot_be_started_with_gives_way_to_the_one_before(self):
        with AgentWorld() as local, socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            engine, _ = local.listening()
            before = dict(local.settings)
            local.settings["listen"] = "127.0.0.1:%d" % taken.getsockname()[1]
            reload(local, engine)
            engine.wait_for_log("cannot start with the new configuration: going on with the one before")
            port = new_port(local, engine)
            self.assertEqual(send(port, body=escalation(1)).status, 202)
            self.assert_one_ticket_each(local, 1)
            local.settings = before
            local.agent["tokens"] = [NEW_TOKEN, TOKEN]
            reload(local, engine, 2)
            port = new_port(local, engine, 3)
            self.assertEqual(send(port, body=escalation(2), token=NEW_TOKEN).status, 202)
            self.assert_one_ticket_each(local, 2)
            self.assert_ends_well(engine.stop())

    def test_calls_under_way_become_one_ticket_each(self):
        calls = [call(number) for number in range(1, 13)]
        with World(calls) as local:
            for service in ("exotel", "deepgram", "desk"):
                local.knobs(service, latency_ms=100)
            engine = local.start()
            for times in range(1, 6):
                local.wait_until(lambda n=times: local.states() and len(local.timeline()) > 20 * n, "some steps are done")
                reload(local, engine, times)
            local.wait_until(lambda: local.states() == {"done": len(calls)}, "all calls are done")
            self.assert_ends_well(engine.stop())
            self.assertEqual(local.faults_of_delivery([each["sid"] for each in calls]), [])

    def test_what_is_changed_while_a_change_is_taken_over_counts_too(self):
        with AgentWorld() as local:
            local.knobs("desk", latency_ms=600)
            engine, port = local.listening()
            self.assertEqual(send(port, body=escalation(1)).status, 202)
            local.wait_until(lambda: local.requests("desk"), "the helpdesk is asked")
            local.agent["tokens"] = ["demo-agent-token-0003"]
            reload(local, engine)
            path = local.write_conf()
            whole = path.read_text(encoding="utf-8")
            path.write_text("pipelines = {", encoding="utf-8")
            engine.process.send_signal(signal.SIGHUP)
            engine.wait_for_log("is not taken over")
            path.write_text(whole.replace("demo-agent-token-0003", NEW_TOKEN), encoding="utf-8")
            engine.process.send_signal(signal.SIGHUP)
            local.wait_until(lambda: engine.log().count(TAKEN_OVER) == 2, "the last configuration is taken over, too")
            ports = local.wait_until(lambda: re.findall(LISTENING, engine.log())[1:], "the next engine listens")
            local.wait_until(lambda: local.states() == {"done": 1}, "the record is done")
            port = int(re.findall(LISTENING, engine.log())[-1])
            self.assertEqual(send(port, body=escalation(2), token="demo-agent-token-0003").status, 401)
            self.assertEqual(send(port, body=escalation(2), token=NEW_TOKEN).status, 202)
            self.assert_one_ticket_each(local, 2)
            self.assertEqual(len(ports), 1)
            self.assert_ends_well(engine.stop())

    def test_told_to_end_in_the_middle_it_ends(self):
        with AgentWorld() as local:
            local.knobs("desk", latency_ms=600)
            engine, port = local.listening()
            self.assertEqual(send(port, body=escalation(1)).status, 202)
            local.wait_until(lambda: local.requests("desk"), "the helpdesk is asked")
            reload(local, engine)
            self.assert_ends_well(engine.stop())
            self.assertEqual(engine.log().count("listening for webhooks"), 1)
            self.assert_ends_well(local.run_once(timeout=20 * PATIENCE))
            self.assert_one_ticket_each(local, 1)

    def test_when_its_terminal_goes_it_stops(self):
        with AgentWorld() as local:
            local.write_conf()
            main, terminal = pty.openpty()
            engine = TerminalEngine(local, terminal)
            local.engines.append(engine)
            os.close(terminal)
            local.wait_until(lambda: (local.folder / "var" / "control").exists() or engine.has_said(main, "started"), "it has started")
            os.close(main)
            engine.process.send_signal(signal.SIGHUP)
            self.assertEqual(engine.process.wait(30 * PATIENCE), 0)


class TerminalEngine(Engine):
    """Its stderr is a terminal."""

    def __init__(self, local, terminal):
        self.said = b""
        self.log_path = local.folder / "none.log"
        self.log_path.touch()
        self.process = world.subprocess.Popen([world.ENGINE, "run"], cwd=local.folder, env=local.environment(),
                                              stdin=terminal, stdout=terminal, stderr=terminal)

    def has_said(self, main, word):
        self.said += os.read(main, 65536)
        return word.encode() in self.said


if __name__ == "__main__":
    world.main()
