#!/usr/bin/env python3
"""Calls whose contact is refused for the ticket, as a process: the caller gets another contact, and the call its ticket."""

import concurrent.futures
import unittest

import world
from world import IS_LONG, World, call

CALLER = "05550100077"
ELSEWHERE = "5000001000000006009"


class RefusedContactWorld(World):
    """One caller, whose contact the first call has made known; it is not asked for again within the hour."""

    def __init__(self, **options):
        super().__init__([call(1, **{"from": CALLER})], **options)

    def contacts(self):
        return self.control("/desk/contacts")

    def change(self, contact, **what):
        self.control("/desk/contacts", {"id": contact, **what})

    def call_again(self, *numbers, **environment):
        self.add_calls(*(call(number, **{"from": CALLER}) for number in numbers))
        return self.run_once(**environment)

    def ticket_contacts(self):
        """The contact of each ticket, in the order of the calls."""
        return [ticket["contactId"] for ticket in self.tickets()]

    def timeline(self, record):
        return self.verb("show", str(record)).stdout


class RefusedContactTest(unittest.TestCase):
    def assert_all_done(self, w, ended, calls, refused_max=0):
        """`refused_max`: tickets that were refused for their contact, at least one where there may be any."""
        self.assertEqual(ended.code, 0, ended)
        self.assertEqual(w.states(), {"done": calls})
        desk = w.report()["services"]["desk"]
        self.assertEqual(sorted(desk["tickets_per_call"].values()), [1] * calls)
        self.assertEqual([len(rows) for rows in desk["notes"].values()], [1] * calls)
        refused = [each["what"] for each in w.report()["violations"]]
        self.assertTrue(min(refused_max, 1) <= len(refused) <= refused_max, refused)
        self.assertTrue(all('"/contactId"' in each for each in refused), refused)

    def test_calls_at_once_share_another_contact_and_the_next_one_finds_it(self):
        for what in ({"trashed": True}, {"department_id": ELSEWHERE}):
            with self.subTest(what), RefusedContactWorld(knobs={"desk": {"index_lag_ms": 600000}}) as w:
                self.assert_all_done(w, w.run_once(), 1)
                first, = w.ticket_contacts()
                w.change(first, **what)
                self.assert_all_done(w, w.call_again(2, 3, 4), 4, refused_max=3)
                others = set(w.ticket_contacts()[1:])
                self.assertEqual(len(others), 1, others)
                self.assertNotIn(first, others)
                self.assertEqual(len(w.contacts()), 2)
                self.assertIn("another contact of the caller is looked for, or made", w.timeline(2))
                self.assertIn("zoho_desk.create_ticket_anew", w.timeline(2))
                self.assert_all_done(w, w.call_again(5), 5, refused_max=3)
                self.assertEqual({w.ticket_contacts()[-1]}, others)
                self.assertEqual(len(w.contacts()), 2)
                self.assertNotIn("anew", w.timeline(5))

    def test_a_contact_that_was_merged_gives_way_to_the_one_that_is_left(self):
        people = [{"lastName": "Rao", "phone": "+91 " + CALLER[1:]}] * 2
        with RefusedContactWorld(scenario={"desk": {"contacts": people}}) as w:
            first, left = (contact["id"] for contact in w.contacts())
            self.assert_all_done(w, w.run_once(), 1)
            self.assertEqual(w.ticket_contacts(), [first])
            w.change(first, merged_into=left)
            self.assert_all_done(w, w.call_again(2), 2, refused_max=1)
            self.assertEqual(w.ticket_contacts()[-1], left)
            self.assertEqual(len(w.contacts()), 2)

    def test_whatever_answer_is_lost_there_is_one_ticket_and_one_contact_more(self):
        for path, nth in (("*/contacts", 1), ("*/tickets", 2)):
            with self.subTest(path), RefusedContactWorld() as w:
                self.assert_all_done(w, w.run_once(), 1)
                first, = w.ticket_contacts()
                w.change(first, trashed=True)
                w.fault("desk", "commit_then_reset", method="POST", path=path, nth=nth)
                self.assert_all_done(w, w.call_again(2), 2, refused_max=1)
                self.assertEqual([rule["hits"] for rule in w.control("/faults")], [1])
                self.assertNotEqual(w.ticket_contacts()[-1], first)
                self.assertEqual(len(w.contacts()), 2)

    def killed(self, point):
        """The engine dies at that point of two refused calls, and is started again. What it said at its death, and what is wrong."""
        with RefusedContactWorld() as w:
            self.assert_all_done(w, w.run_once(), 1)
            first, = w.ticket_contacts()
            w.change(first, trashed=True)
            died = w.call_again(2, 3, **w.crash_environment(CRASH_AT=point))
            ended = w.run_once()
            contacts = w.ticket_contacts()
            wrong = [] if ended.code == 0 and w.states() == {"done": 3} else ["%s %s" % (w.states(), ended)]
            if len(contacts) != 3 or len(set(contacts[1:])) != 1 or first in contacts[1:] or len(w.contacts()) != 2:
                wrong.append("tickets on %s of %d contacts" % (contacts, len(w.contacts())))
            return died.code, ["killed at %s: %s" % (point, each) for each in wrong]

    def test_killed_anywhere_there_is_one_ticket_each_and_one_contact_more(self):
        points = ["%s:%d:%s" % (kind, number, when) for kind, when in (("sync", "after"), ("send", "after"), ("recv", "before"))
                  for number in range(2, 40, 2 if IS_LONG else 6)]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            ends = list(pool.map(self.killed, points))
        self.assertEqual([each for _, wrong in ends for each in wrong], [])
        self.assertGreater(sum(code == -9 for code, _ in ends), len(points) // 2, "it hardly died at all")

    def test_without_leave_to_make_contacts_a_person_decides_and_retry_goes_on(self):
        with RefusedContactWorld() as w:
            self.assert_all_done(w, w.run_once(), 1)
            first, = w.ticket_contacts()
            w.change(first, trashed=True)
            w.blocks["zoho_desk"]["auto_create_contact"] = False
            self.assertEqual(w.call_again(2).code, 1)
            self.assertEqual(w.states(), {"done": 1, "dead": 1})
            self.assertIn("no contact in Zoho Desk but %s, which was refused, has the caller's number" % first,
                          w.query("SELECT reason FROM record WHERE state = 'dead'")[0][0])
            w.blocks["zoho_desk"]["auto_create_contact"] = True
            self.assertEqual(w.verb("retry", "--all").returncode, 0)
            self.assert_all_done(w, w.run_once(), 2, refused_max=1)
            self.assertNotEqual(w.ticket_contacts()[-1], first)


if __name__ == "__main__":
    world.main()
