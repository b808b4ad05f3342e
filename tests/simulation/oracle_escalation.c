/* Escalations: each that was answered 2xx has exactly one ticket, or is on exactly one of others, or ended visibly. */
#include "simulation/oracle_escalation.h"

#include <stdio.h>
#include <string.h>

bool oracle_is_of_escalation(const struct oracle_facts *facts, const struct truth_comment *comment)
{
    char mark[REFERENCE_SIZE + 8], reference[REFERENCE_SIZE];

    for (size_t i = 0; i < facts->truth->escalation_count; i++) {
        const struct truth_escalation *escalation = facts->truth->escalations[i];
        digest_reference(escalation->agent, escalation->id, reference);
        (void)snprintf(mark, sizeof(mark), "[SB-%s/", reference);
        if (strstr(comment->content, mark))
            return true;
    }
    return false;
}

static bool is_own(const struct truth_ticket *ticket, const char *reference)
{
    char tail[REFERENCE_SIZE + 8];
    const char *subject = oracle_field(ticket, "subject");
    int size = snprintf(tail, sizeof(tail), "[SB-%s]", reference);
    size_t subject_size = strlen(subject);

    return subject_size >= (size_t)size && strcmp(subject + subject_size - (size_t)size, tail) == 0;
}

bool oracle_is_about_escalation(const struct oracle_facts *facts, const struct truth_ticket *ticket)
{
    char reference[REFERENCE_SIZE];

    for (size_t i = 0; i < facts->truth->escalation_count; i++) {
        const struct truth_escalation *escalation = facts->truth->escalations[i];
        digest_reference(escalation->agent, escalation->id, reference);
        if (is_own(ticket, reference))
            return true;
    }
    return false;
}

static bool holds_note(const struct truth *truth, const struct truth_ticket *ticket, const char *mark)
{
    for (size_t i = 0; i < truth->comment_count; i++)
        if (truth->comments[i]->ticket == ticket && strstr(truth->comments[i]->content, mark))
            return true;
    return false;
}

void oracle_find_place(const struct oracle_facts *facts, const struct truth_escalation *escalation,
                       struct oracle_place *ret_place)
{
    char mark[REFERENCE_SIZE + 8];

    *ret_place = (struct oracle_place){ .ticket = NULL };
    digest_reference(escalation->agent, escalation->id, ret_place->reference);
    (void)snprintf(mark, sizeof(mark), "[SB-%s/A", ret_place->reference);
    for (size_t i = 0; i < facts->truth->ticket_count; i++) {
        const struct truth_ticket *ticket = facts->truth->tickets[i];
        bool is_its_own = is_own(ticket, ret_place->reference);
        bool is_host = holds_note(facts->truth, ticket, mark);
        ret_place->own += is_its_own;
        ret_place->hosts += is_host;
        if (is_its_own || (is_host && !ret_place->ticket))
            ret_place->ticket = ticket;
    }
}

static const struct oracle_end *end_of(const struct oracle_facts *facts,
                                       const struct truth_escalation *escalation)
{
    for (size_t i = 0; i < facts->end_count; i++) {
        const struct oracle_end *end = &facts->ends[i];
        if (strcmp(end->external_id, escalation->id) == 0 && end->account &&
            strcmp(end->account, escalation->agent) == 0)
            return end;
    }
    return NULL;
}

static bool is_state(const struct oracle_end *end, const char *state)
{
    return end && strcmp(end->state, state) == 0;
}

/* A backup that was put in place does not know what was taken since, and agents do not come back for what was taken. */
static void check_missing(const struct oracle_facts *facts, const struct truth_escalation *escalation,
                          const struct oracle_end *end)
{
    bool has_reason = end && end->reason && *end->reason;
    bool is_visible = is_state(end, "dropped")
                          ? end->was_dropped
                          : facts->fault_count > 0 && (is_state(end, "dead") || is_state(end, "disabled"));

    if (!end && escalation->taken_ms && facts->restores == 0)
        oracle_say(facts, "taken-is-kept",
                   "escalation %s of %s was answered 2xx, and there is no record of it", escalation->id,
                   escalation->agent);
    else if (end && !is_state(end, "active") && !(has_reason && is_visible))
        oracle_say(facts, "one-ticket", "escalation %s of %s: no ticket, and the record is '%s' (%s)",
                   escalation->id, escalation->agent, end->state, has_reason ? end->reason : "no reason");
}

static void check_answer(const struct oracle_facts *facts, const struct truth_escalation *escalation,
                         const struct oracle_place *place)
{
    if (*escalation->number && strcmp(escalation->number, place->ticket->number) != 0 && place->own < 2)
        oracle_say(facts, "same-answer", "escalation %s of %s was told of ticket #%s, and is on #%s",
                   escalation->id, escalation->agent, escalation->number, place->ticket->number);
}

/* After a restore the tickets of the user's contact lead to the one that the escalation was added to, unless that contact
 * went meanwhile. */
static bool is_led_astray(const struct oracle_facts *facts, const struct oracle_place *place)
{
    bool has_gone = false;

    for (size_t i = 0; i < facts->truth->contact_count; i++)
        has_gone |= facts->truth->contacts[i]->gone_ms != TRUTH_NEVER;
    return has_gone && place->hosts > 0 && facts->restores > 0;
}

static void check_one(const struct oracle_facts *facts, const struct truth_escalation *escalation)
{
    const struct oracle_end *end = end_of(facts, escalation);
    struct oracle_place place;

    oracle_find_place(facts, escalation, &place);
    if (!escalation->taken_ms)
        oracle_say(facts, "agents-are-served", "escalation %s of %s was posted %u times and never taken",
                   escalation->id, escalation->agent, escalation->posts);
    if (is_state(end, "active"))
        oracle_say(facts, "everything-ends", "escalation %s of %s: its record is still under way (%s)",
                   escalation->id, escalation->agent, end->reason ? end->reason : "no reason");
    if (place.own + place.hosts > 1 && !oracle_was_told(facts, end) && !is_led_astray(facts, &place))
        oracle_say(facts, "one-ticket", "escalation %s of %s has %zu tickets, and notes on %zu of others",
                   escalation->id, escalation->agent, place.own, place.hosts);
    oracle_check_told(facts, escalation, &place, end);
    if (!place.ticket) {
        check_missing(facts, escalation, end);
        return;
    }
    check_answer(facts, escalation, &place);
    oracle_check_user(facts, escalation, &place);
    if (place.own + place.hosts > 1 || !is_state(end, "done") || end->was_misled)
        return;
    oracle_check_words(facts, escalation, &place);
    oracle_check_files(facts, escalation, &place);
}

/* Whether an agent has ever posted it; the word that a ticket is late has a record of its own. */
static bool is_known(const struct oracle_facts *facts, const struct oracle_end *end)
{
    static const char notice[] = "#delayed";
    size_t size = strlen(end->external_id), tail = sizeof(notice) - 1;
    char id[TRUTH_NAME_SIZE] = "";

    if (size > tail && strcmp(end->external_id + size - tail, notice) == 0)
        size -= tail;
    (void)snprintf(id, sizeof(id), "%.*s", (int)size, end->external_id);
    return truth_escalation_by_id(facts->truth, end->account, id) != NULL;
}

/* What comes from nobody who may call is not kept. */
static void check_strangers(const struct oracle_facts *facts)
{
    for (size_t i = 0; i < facts->end_count; i++) {
        const struct oracle_end *end = &facts->ends[i];
        bool is_agents =
            end->account && (strcmp(end->account, "web") == 0 || strcmp(end->account, "app") == 0);
        if (is_agents && !is_known(facts, end))
            oracle_say(facts, "strangers-are-refused", "there is a record '%s' of %s, which it never sent",
                       end->external_id, end->account);
    }
}

void oracle_check_escalations(const struct oracle_facts *facts)
{
    check_strangers(facts);
    for (size_t i = 0; i < facts->truth->escalation_count; i++)
        check_one(facts, facts->truth->escalations[i]);
    oracle_check_users(facts);
}
