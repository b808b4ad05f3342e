"""What the tests of calls on their way to the helpdesk share: a case that asks for one ticket, one contact, one note of each."""

import unittest

from world import PATIENCE


def sids_of(calls):
    return [each["sid"] for each in calls]


class PipelineCase(unittest.TestCase):
    def assert_delivered(self, w, calls, callers=None, ended=None, states=None):
        wrong = w.faults_of_delivery(sids_of(calls), callers)
        if w.states() != (states or {"done": len(calls)}):
            wrong.append("the journal holds %s" % w.states())
        if ended is not None and ended.code != 0:
            wrong.append("exit code %s" % ended.code)
        self.assertEqual(wrong, [], "\n%s\n%s" % (wrong, ended or w.engines[-1].log()[-6000:]))

    def finish(self, w, calls, callers=None, timeout=60 * PATIENCE):
        ended = w.run_once(timeout)
        self.assert_delivered(w, calls, callers, ended)
        return ended
