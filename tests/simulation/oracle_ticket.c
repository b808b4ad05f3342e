/* Whether a ticket is right, and whether there is one contact for a number. */
#include <string.h>

#include "simulation/oracle.h"
#include "simulation/world.h"

static const char unknown_caller[] = "Unknown caller";

/* The digits that a contact is found by. */
static bool has_number(const struct truth_contact *contact, const char *digits)
{
    char own[TRUTH_DIGITS + 1] = "";

    if (contact->phone)
        truth_last_digits(contact->phone, own);
    if (strcmp(own, digits) == 0)
        return true;
    if (contact->mobile)
        truth_last_digits(contact->mobile, own);
    return strcmp(own, digits) == 0;
}

static bool is_for(const struct truth_contact *contact, const char *digits)
{
    if (*digits)
        return has_number(contact, digits);
    return !contact->phone && !contact->mobile && strcmp(contact->last_name, unknown_caller) == 0;
}

/* The mood is known when there is a transcript: a note shows that there was one. After a restore, or another try, the note
 * may be younger than its ticket. */
static const char *expected_priority(const struct oracle_facts *facts, const struct truth_call *call,
                                     const struct truth_ticket *ticket)
{
    const struct oracle_end *end = oracle_end_of(facts, call);
    bool is_known = oracle_has_note(facts, ticket) && !(end && end->was_retried);

    if (!call->is_urgent)
        return "Medium";
    return is_known && facts->restores == 0 && facts->faults[FAULT_CONFIG] == 0 ? "High" : NULL;
}

void oracle_check_ticket(const struct oracle_facts *facts, const struct truth_call *call,
                         const struct truth_ticket *ticket)
{
    const char *department = oracle_field(ticket, "departmentId");
    const char *priority = oracle_field(ticket, "priority");
    const char *expected = expected_priority(facts, call, ticket);
    char digits[TRUTH_DIGITS + 1];

    if (!is_for(ticket->contact_then, call->digits))
        oracle_say(facts, "right-ticket", "call %s of %s: ticket #%s is on contact %s (%s, '%s')", call->sid,
                   *call->digits ? call->digits : "a withheld number", ticket->number,
                   ticket->contact_then->id,
                   ticket->contact_then->phone ? ticket->contact_then->phone : "no number",
                   ticket->contact_then->last_name);
    if (strcmp(department, SIM_DESK_DEPARTMENT) != 0)
        oracle_say(facts, "right-ticket", "call %s: ticket #%s is in department '%s', expected '%s'",
                   call->sid, ticket->number, department, SIM_DESK_DEPARTMENT);
    if (expected && strcmp(priority, expected) != 0)
        oracle_say(facts, "right-ticket", "call %s: ticket #%s has priority '%s', expected '%s'", call->sid,
                   ticket->number, priority, expected);
    truth_last_digits(oracle_field(ticket, "phone"), digits);
    if (*call->digits && strcmp(digits, call->digits) != 0)
        oracle_say(facts, "right-ticket", "call %s: ticket #%s has the number '%s', expected %s", call->sid,
                   ticket->number, oracle_field(ticket, "phone"), call->digits);
    if (!strstr(oracle_field(ticket, "description"), call->sid))
        oracle_say(facts, "right-ticket", "call %s: the description of ticket #%s does not name the call",
                   call->sid, ticket->number);
}

/* ---- contacts ------------------------------------------------------------------------------------------ */

size_t oracle_gone_contacts(const struct truth *truth, const struct truth_call *call)
{
    size_t count = 0;

    for (size_t i = 0; i < truth->contact_count; i++)
        count += is_for(truth->contacts[i], call->digits) && truth->contacts[i]->gone_ms != TRUTH_NEVER;
    return count;
}

static void check_number(const struct oracle_facts *facts, const char *digits)
{
    const struct truth *truth = facts->truth;
    size_t made = 0, gone = 0, found = 0;

    for (size_t i = 0; i < truth->contact_count; i++) {
        const struct truth_contact *contact = truth->contacts[i];
        if (!is_for(contact, digits))
            continue;
        made += contact->by_engine;
        gone += contact->gone_ms != TRUTH_NEVER;
        found += !contact->by_engine && contact->created_ms == 0;
    }
    /* After a restore, or with its record dropped, nobody remembers a contact that searches do not show yet. */
    size_t allowed = (found ? 0 : 1) + gone + (size_t)facts->restores + oracle_drops(facts) +
                     oracle_users_with(truth, digits);
    if (made > allowed)
        oracle_say(facts, "one-contact", "%zu contacts were made for %s, at most %zu expected", made,
                   *digits ? digits : "callers without a number", allowed);
}

/* Each number once: at the first call that has it. */
void oracle_check_contacts(const struct oracle_facts *facts)
{
    const struct truth *truth = facts->truth;

    for (size_t i = 0; i < truth->call_count; i++) {
        size_t first = 0;
        while (strcmp(truth->calls[first]->digits, truth->calls[i]->digits) != 0)
            first++;
        if (first == i)
            check_number(facts, truth->calls[i]->digits);
    }
}
