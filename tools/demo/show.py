#!/usr/bin/env python3
"""Shows the tickets that the local helpdesk holds and what the AI agent was told, and, with --check, that all of it is what
the demo's calls and escalations must become.

usage: show.py CONTROL_URL [--check CALLS.json ESCALATIONS.json]
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


def print_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for i, row in enumerate(rows):
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        if i == 0:
            print("  " + "  ".join("-" * width for width in widths))


def show(tickets, events):
    rows = [("#", "subject", "contact", "mood", "category", "priority", "note")]
    for ticket in tickets:
        notes = sum(len(note["content"]) for note in ticket["comments"])
        contact = ticket["contact"]
        who = contact["phone"] or contact["mobile"] or contact.get("email")
        files = len(ticket["attachments"])
        rows.append((ticket["ticketNumber"], cut(ticket["subject"], 62), cut(who, 22),
                     field(ticket, "Mood"), cut(ticket["category"], 12), ticket["priority"] or "-",
                     f"{notes} chars" if notes else f"{files} file" if files else "none"))
    print_table(rows)
    if events:
        print("\n  what the AI agent was told:\n")
        print_table([("escalation", "event", "#", "message for the user")] +
                    [(body["escalation_id"], body["event"], body["ticket_number"] or "-", cut(body["message"], 90))
                     for body in (event["body"] for event in events)])


def check_calls(tickets, calls):
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
    return wrong


def check_escalations(tickets, escalations, events):
    """Every escalation has one ticket with all that was said and attached, and its agent was told of that ticket, once."""
    wrong = []
    told = {event["body"]["escalation_id"]: event for event in events if event["body"]["event"] == "ticket.created"}
    for escalation in escalations:
        name, found = escalation["id"], [ticket for ticket in tickets if escalation["id"] in (ticket["description"] or "")]
        if len(found) != 1:
            wrong.append(f"{name}: {len(found)} tickets instead of 1")
            continue
        whole = found[0]["description"] + "".join(note["content"] for note in found[0]["comments"])
        # HTML escapes what follows such signs.
        wrong += [f"{name}: the ticket does not say '{message['content']}'" for message in escalation["conversation"]
                  if re.split(r"[,'\"&<>]", message["content"])[0] not in whole]
        wanted = {file["name"] for message in escalation["conversation"] for file in message.get("attachments", [])}
        attached = [file["name"] for file in found[0]["attachments"]]
        # Names begin with the reference, by which they are found again after a lost answer.
        if len(attached) != len(wanted) or not all(any(each.endswith(file) for each in attached) for file in wanted):
            wrong.append(f"{name}: the attached files are {attached} instead of {sorted(wanted)}")
        event = told.pop(name, None)
        if not event or event["accepted"] != 1:
            wrong.append(f"{name}: the agent was not told of its ticket, once")
        elif event["body"]["ticket_number"] != found[0]["ticketNumber"]:
            wrong.append(f"{name}: the agent was told of ticket {event['body']['ticket_number']}")
    return wrong + [f"{name}: told, and never escalated" for name in told]


def check(tickets, report, calls, escalations):
    contacts, people = report["desk"]["contacts_total"], {ticket["contactId"] for ticket in tickets}
    events = list(report["callback"]["events"].values())
    wrong = check_calls(tickets, calls) + check_escalations(tickets, escalations, events)
    if contacts != len(people):
        wrong.append(f"{contacts} contacts for {len(people)} people")
    if report["callback"]["refused"]:
        wrong.append(f"{report['callback']['refused']} callbacks that were not believed")
    return wrong


def main():
    if len(sys.argv) not in (2, 5):
        sys.exit(__doc__.strip().splitlines()[-1])
    tickets = get(sys.argv[1] + "/control/tickets")
    report = get(sys.argv[1] + "/control/report")["services"]
    if len(sys.argv) == 2:
        show(tickets, list(report["callback"]["events"].values()))
        return
    calls, escalations = (json.loads(pathlib.Path(path).read_text(encoding="utf-8")) for path in sys.argv[3:])
    wrong = check(tickets, report, calls, escalations)
    print("\n".join(wrong) if wrong
          else f"{len(calls)} calls, {len(escalations)} escalations, {len(tickets)} tickets: as they must be")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
