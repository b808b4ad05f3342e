#!/usr/bin/env python3
"""Shows the tickets that the local helpdesk holds, and, with --check, that they are what the demo's calls must become.

usage: show.py CONTROL_URL [--check CALLS.json]
"""
import json
import pathlib
import re
import sys
import urllib.request

NO_TICKET = {"missed_no_answer"}
EXPECTED = {  # what even an imperfect transcription must lead to
    "billing1": ("Billing", None),
    "refund": ("Refund", None),
    "internet": ("Technical", "High"),
    "outbound1": ("Refund", None),
}


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def field(ticket, name):
    found = re.search(rf"{name}: (.*?)(?:<br>|$)", ticket["description"] or "")
    return found.group(1) if found else "-"


def cut(text, width):
    text = text or "-"
    return text if len(text) <= width else text[: width - 1] + "…"


def show(tickets):
    rows = [("#", "subject", "contact", "mood", "category", "priority", "note")]
    for ticket in tickets:
        notes = sum(len(note["content"]) for note in ticket["comments"])
        contact = ticket["contact"]
        rows.append((ticket["ticketNumber"], cut(ticket["subject"], 62), cut(contact["phone"] or contact["mobile"], 15),
                     field(ticket, "Mood"), cut(ticket["category"], 12), ticket["priority"] or "-",
                     f"{notes} chars" if notes else "none"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for i, row in enumerate(rows):
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        if i == 0:
            print("  " + "  ".join("-" * width for width in widths))


def check(tickets, contacts, calls):
    """Every call that must have a ticket has exactly one, and the clear ones are classified right."""
    wrong = []
    for call in calls:
        found = [ticket for ticket in tickets if call["sid"] in (ticket["description"] or "")]
        wanted = 0 if call["kind"] in NO_TICKET else 1
        if len(found) != wanted:
            wrong.append(f"{call['sid']}: {len(found)} tickets instead of {wanted}")
        for name, (category, priority) in EXPECTED.items():
            if found and call["sid"].endswith(name):
                if found[0]["category"] != category:
                    wrong.append(f"{call['sid']}: category {found[0]['category']} instead of {category}")
                if priority and found[0]["priority"] != priority:
                    wrong.append(f"{call['sid']}: priority {found[0]['priority']} instead of {priority}")
    callers = {ticket["contactId"] for ticket in tickets}
    if contacts != len(callers):
        wrong.append(f"{contacts} contacts for {len(callers)} callers")
    return wrong


def main():
    if len(sys.argv) not in (2, 4):
        sys.exit(__doc__.strip().splitlines()[-1])
    tickets = get(sys.argv[1] + "/control/tickets")
    if len(sys.argv) == 2:
        show(tickets)
        return
    report = get(sys.argv[1] + "/control/report")["services"]["desk"]
    calls = json.loads(pathlib.Path(sys.argv[3]).read_text(encoding="utf-8"))
    contacts = sum(report["contacts_per_phone"].values())
    wrong = check(tickets, contacts, calls)
    print("\n".join(wrong) if wrong else f"{len(calls)} calls, {len(tickets)} tickets: as they must be")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
