/* The oracle's walk through the truth: every call with its ticket and its end, every ticket with its call. */
#include "simulation/oracle.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "simulation/world.h"

enum { TEXT_MAX = 400, HOUR_MS = 3600 * 1000, REQUESTS_FREE = 150, REFRESHES_FREE = 5 };

void oracle_say(const struct oracle_facts *facts, const char *name, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    facts->violation(facts->ctx, name, text);
}

static bool has_started_after(const struct oracle_facts *facts, int64_t when_ms)
{
    for (size_t i = 0; i < facts->up_count; i++)
        if (facts->up[i].from_ms > when_ms)
            return true;
    return false;
}

size_t oracle_drops(const struct oracle_facts *facts)
{
    size_t count = 0;

    for (size_t i = 0; i < facts->end_count; i++)
        count += facts->ends[i].was_dropped && has_started_after(facts, facts->ends[i].dropped_ms);
    return count;
}

const struct oracle_end *oracle_end_of(const struct oracle_facts *facts, const struct truth_call *call)
{
    for (size_t i = 0; i < facts->end_count; i++)
        if (strcmp(facts->ends[i].external_id, call->sid) == 0)
            return &facts->ends[i];
    return NULL;
}

const char *oracle_field(const struct truth_ticket *ticket, const char *key)
{
    const char *text = json_string_value(json_object_get(ticket->fields, key));

    return text ? text : "";
}

bool oracle_is_about(const struct truth_ticket *ticket, const struct truth_call *call)
{
    char reference[REFERENCE_SIZE], tail[REFERENCE_SIZE + 8];
    const char *subject = oracle_field(ticket, "subject");

    digest_reference(SIM_ACCOUNT, call->sid, reference);
    int size = snprintf(tail, sizeof(tail), "[SB-%s]", reference);
    size_t subject_size = strlen(subject);
    return subject_size >= (size_t)size && strcmp(subject + subject_size - (size_t)size, tail) == 0;
}

const struct truth_ticket *oracle_ticket_of(const struct oracle_facts *facts, const struct truth_call *call)
{
    for (size_t i = 0; i < facts->truth->ticket_count; i++)
        if (oracle_is_about(facts->truth->tickets[i], call))
            return facts->truth->tickets[i];
    return NULL;
}

/* ---- calls --------------------------------------------------------------------------------------------- */

static bool is_state(const struct oracle_end *end, const char *state)
{
    return end && strcmp(end->state, state) == 0;
}

/* Ended without a ticket, in a way that a person sees, and says why. */
static bool ended_visibly(const struct oracle_facts *facts, const struct oracle_end *end)
{
    bool has_reason = end && end->reason && *end->reason;

    if (is_state(end, "dropped"))
        return has_reason && end->was_dropped;
    /* Where nothing goes wrong, nothing is given up. */
    return has_reason && facts->fault_count > 0 && (is_state(end, "dead") || is_state(end, "disabled"));
}

/* A contact that is refused gives way to another one of the caller: a person is needed when that one is refused as well. */
static bool is_left_behind(const struct oracle_facts *facts, const struct truth_call *call,
                           const struct oracle_end *end)
{
    return is_state(end, "dead") && end->reason && strstr(end->reason, "refuses contact") &&
           oracle_gone_contacts(facts->truth, call) < 2;
}

static void check_missing(const struct oracle_facts *facts, const struct truth_call *call,
                          const struct oracle_end *end)
{
    if (!end)
        oracle_say(facts, "nothing-is-missed",
                   "call %s began at %" PRId64 " and ended at %" PRId64 "%s: there is no record of it",
                   call->sid, call->created_ms, call->ended_ms,
                   call->listed_ms ? " and was listed" : " and was never asked for");
    else if (!is_state(end, "active") && (!ended_visibly(facts, end) || is_left_behind(facts, call, end)))
        oracle_say(facts, "one-ticket",
                   "call %s: a ticket was expected, there is none, and the record is '%s' (%s)", call->sid,
                   end->state, end->reason && *end->reason ? end->reason : "no reason");
}

static size_t count_tickets(const struct oracle_facts *facts, const struct truth_call *call)
{
    size_t count = 0;

    for (size_t i = 0; i < facts->truth->ticket_count; i++)
        count += oracle_is_about(facts->truth->tickets[i], call);
    return count;
}

/* A clock that jumps makes the engine take a call as it is before it has settled: then nobody knows yet that nobody
 * answered. */
static bool may_look_wanted(const struct oracle_facts *facts, const struct truth_call *call)
{
    /* It was wanted, before an older journal began anew. */
    if (facts->restores > 0 && call->kind != TRUTH_MISSED && !call->agent_is_inactive)
        return true;
    return call->created_ms >= facts->truth->floor_ms && facts->faults[FAULT_WALL_JUMP] > 0;
}

/* A helpdesk that hides what it made for too long gets it twice, and so does one whose operator is wrong: then somebody must
 * hear of it. A setting that was changed meanwhile may be another `settle`. */
bool oracle_was_told(const struct oracle_facts *facts, const struct oracle_end *end)
{
    bool is_doubled = end && end->is_doubled;

    if (facts->hides_tickets && (is_doubled || facts->faults[FAULT_CONFIG] > 0))
        return true;
    /* What a backup does not know is not looked at a second time. */
    return end && end->was_misled && (is_doubled || facts->restores > 0);
}

static void check_call(const struct oracle_facts *facts, const struct truth_call *call)
{
    const struct oracle_end *end = oracle_end_of(facts, call);
    const struct truth_ticket *ticket = oracle_ticket_of(facts, call);
    size_t count = count_tickets(facts, call);

    if (is_state(end, "active"))
        oracle_say(facts, "everything-ends", "call %s: its record is still under way (%s)", call->sid,
                   end->reason && *end->reason ? end->reason : "no reason");
    if (count > 1 && !oracle_was_told(facts, end))
        oracle_say(facts, "one-ticket", "call %s: one ticket was expected, there are %zu%s", call->sid, count,
                   facts->hides_tickets ? ", and nobody was told" : "");
    if (!truth_is_wanted(facts->truth, call)) {
        if (count > 0 && !may_look_wanted(facts, call))
            oracle_say(facts, "no-unwanted-ticket", "call %s is not wanted and has ticket #%s", call->sid,
                       ticket->number);
        return;
    }
    if (count == 0) {
        check_missing(facts, call, end);
        return;
    }
    oracle_check_ticket(facts, call, ticket);
    if (count == 1) /* of two, one has the note */
        oracle_check_note(facts, call, ticket);
}

static void check_strangers(const struct oracle_facts *facts)
{
    const struct truth *truth = facts->truth;

    for (size_t i = 0; i < truth->ticket_count; i++) {
        size_t call = 0;
        while (call < truth->call_count && !oracle_is_about(truth->tickets[i], truth->calls[call]))
            call++;
        if (call == truth->call_count && !oracle_is_about_escalation(facts, truth->tickets[i]))
            oracle_say(facts, "no-unwanted-ticket", "ticket #%s '%s' is about no call",
                       truth->tickets[i]->number, oracle_field(truth->tickets[i], "subject"));
    }
}

/* ---- frugality ----------------------------------------------------------------------------------------- */

static void check_frugality(const struct oracle_facts *facts)
{
    uint64_t requests_max = REQUESTS_FREE + 4 * facts->fault_count + 10 * facts->starts;
    uint64_t refreshes_max =
        REFRESHES_FREE + facts->virtual_ms / HOUR_MS * 2 + facts->fault_count + facts->starts;

    for (size_t i = 0; i < facts->end_count; i++) {
        const struct oracle_end *end = &facts->ends[i];
        if (end->after_transcript > 0 && facts->restores == 0)
            oracle_say(facts, "frugal",
                       "call %s was sent to a transcriber %" PRIu64
                       " times after its transcript was committed",
                       end->external_id, end->after_transcript);
        if (end->requests > requests_max)
            oracle_say(facts, "frugal",
                       "call %s: %" PRIu64 " requests were sent for it, at most %" PRIu64 " expected",
                       end->external_id, end->requests, requests_max);
    }
    /* Each start may have lost the token, and each fault the answer that brought it. */
    if (facts->truth->needless_refreshes > facts->starts + facts->fault_count)
        oracle_say(facts, "frugal",
                   "%" PRIu64 " token refreshes while the token before was good, at most %" PRIu64
                   " expected",
                   facts->truth->needless_refreshes, facts->starts + facts->fault_count);
    if (facts->truth->refreshes > refreshes_max)
        oracle_say(facts, "frugal", "%" PRIu64 " token refreshes, at most %" PRIu64 " expected",
                   facts->truth->refreshes, refreshes_max);
}

void oracle_check(const struct oracle_facts *facts)
{
    const struct truth *truth = facts->truth;

    for (size_t i = 0; i < truth->breach_count; i++)
        oracle_say(facts, truth->breaches[i].name, "%s", truth->breaches[i].text);
    if (!truth->has_floor)
        oracle_say(facts, "nothing-is-missed", "the source was never asked for its calls");
    for (size_t i = 0; i < truth->call_count; i++)
        check_call(facts, truth->calls[i]);
    check_strangers(facts);
    oracle_check_escalations(facts);
    oracle_check_contacts(facts);
    check_frugality(facts);
}
