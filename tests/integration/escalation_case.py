"""What the tests of escalations share: a case that asks for answers, tickets and a good end."""

import unittest


class EscalationCase(unittest.TestCase):
    def assert_status(self, reply, status):
        self.assertEqual(reply.status, status, reply)

    def assert_one_ticket(self, local, *ids):
        for name in ids:
            self.assertEqual(len(local.tickets_of(name)), 1, name)

    def assert_ends_well(self, ended):
        self.assertEqual(ended.code, 0, ended)
