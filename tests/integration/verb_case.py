"""What the tests of verbs share: what one writes to a terminal, and whether it did what it was asked for."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import termios
import unittest

from world import ENGINE, PATIENCE


def on_terminal(w, columns, *arguments, **environment):
    """What a verb writes to a terminal of that width."""
    path = w.write_conf()
    environment = w.environment(TERM="xterm", **environment)
    screen, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen([ENGINE, arguments[0], "-c", str(path), *arguments[1:]], cwd=w.folder, env=environment,
                               stdin=subprocess.DEVNULL, stdout=other, stderr=other)
    os.close(other)
    text = b""
    while True:
        try:
            piece = os.read(screen, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    os.close(screen)
    assert process.wait(30 * PATIENCE) == 0, text
    return text.decode().replace("\r\n", "\n")


class VerbCase(unittest.TestCase):
    def assert_done(self, done, *words, code=0):
        self.assertEqual(done.returncode, code, done)
        for word in words:
            self.assertIn(word, done.stdout + done.stderr)
        return done

    def assert_refused(self, done, *words, code=1):
        """Says why on stderr, and nothing on stdout."""
        self.assertEqual(done.returncode, code, done)
        self.assertEqual(done.stdout, "")
        for word in words:
            self.assertIn(word, done.stderr)

    def verb(self, w, *arguments, **more):
        done = w.verb(*arguments, **more)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout

    def json(self, w, *arguments, **more):
        return json.loads(self.verb(w, *arguments, "--json", **more))

    def states(self, w):
        return {row["external_id"]: row["state"] for row in self.json(w, "records")}
