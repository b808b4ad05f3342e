/* What the receiver of callbacks heard: of the ticket, once by its key; of a delay, at most once and before it in rank. */
#include <string.h>

#include "simulation/oracle_escalation.h"

/* A delay is noticed at the next look, and its telling tried again after what may go wrong with it. */
enum { TELLING_MS = 8 * 60 * 1000 };

static const struct truth_event *find_event(const struct oracle_facts *facts,
                                            const struct truth_escalation *escalation, bool is_delay)
{
    const struct truth_event *found = NULL;

    for (size_t i = 0; i < facts->truth->event_count; i++) {
        const struct truth_event *event = facts->truth->events[i];
        if (event->escalation != escalation || event->is_delay != is_delay)
            continue;
        if (found)
            oracle_say(facts, "told-once", "escalation %s of %s was told of under two keys: '%s' and '%s'",
                       escalation->id, escalation->agent, found->key, event->key);
        found = event;
    }
    return found;
}

static void check_delay(const struct oracle_facts *facts, const struct truth_escalation *escalation,
                        const struct truth_event *delay, const struct truth_event *created)
{
    int64_t after_ms = facts->delayed_after_ms;

    if (after_ms == 0)
        oracle_say(facts, "told-once", "escalation %s of %s: a delay was told, although none is wanted",
                   escalation->id, escalation->agent);
    else if (facts->faults[FAULT_WALL_JUMP] == 0 && delay->first_ms < escalation->planned_ms + after_ms)
        oracle_say(facts, "told-once", "escalation %s of %s: a delay was told %lld s after it came",
                   escalation->id, escalation->agent,
                   (long long)(delay->first_ms - escalation->planned_ms) / 1000);
    if (created && delay->sequence >= created->sequence)
        oracle_say(facts, "told-once", "escalation %s of %s: the delay has sequence %lld, the ticket %lld",
                   escalation->id, escalation->agent, (long long)delay->sequence,
                   (long long)created->sequence);
}

/* ---- what is late ------------------------------------------------------------------------------------- */

/* For how long the engine was up without a break between two moments, at most. */
static int64_t longest_up_ms(const struct oracle_facts *facts, int64_t from_ms, int64_t until_ms)
{
    int64_t longest_ms = 0;

    for (size_t i = 0; i < facts->up_count; i++) {
        int64_t begin_ms = facts->up[i].from_ms > from_ms ? facts->up[i].from_ms : from_ms;
        int64_t end_ms = facts->up[i].until_ms < until_ms ? facts->up[i].until_ms : until_ms;
        if (end_ms - begin_ms > longest_ms)
            longest_ms = end_ms - begin_ms;
    }
    return longest_ms;
}

/* By an operator: the escalation itself, or the notice. */
static bool was_dropped(const struct oracle_facts *facts, const struct truth_escalation *escalation)
{
    size_t size = strlen(escalation->id);

    for (size_t i = 0; i < facts->end_count; i++)
        if (facts->ends[i].was_dropped && strncmp(facts->ends[i].external_id, escalation->id, size) == 0)
            return true;
    return false;
}

/* A clock that jumps, or an older journal, knows another time at which it came in. A gateway that says 200 in the receiver's
 * name cannot be told from it. */
static bool may_be_untold(const struct oracle_facts *facts, const struct truth_escalation *escalation)
{
    return facts->delayed_after_ms == 0 || !escalation->has_callback || !escalation->taken_ms ||
           facts->faults[FAULT_WALL_JUMP] > 0 || facts->restores > 0 || facts->agent_was_down ||
           facts->faults[FAULT_HTML_200] > 0 || was_dropped(facts, escalation);
}

static void check_untold(const struct oracle_facts *facts, const struct truth_escalation *escalation,
                         const struct oracle_place *place, const struct oracle_end *end)
{
    bool is_late_yet =
        end && (strcmp(end->state, "dead") == 0 || strcmp(end->state, "active") == 0 || place->own == 1);

    /* One that was added to another's ticket leaves no time when that was. */
    if (may_be_untold(facts, escalation) || place->hosts > 0 || place->own > 1 || !is_late_yet)
        return;
    int64_t from_ms = escalation->taken_ms + facts->delayed_after_ms;
    int64_t until_ms = place->ticket ? place->ticket->created_ms : facts->now_ms;
    int64_t up_ms = longest_up_ms(facts, from_ms, until_ms);
    if (up_ms >= TELLING_MS)
        oracle_say(
            facts, "delay-is-told",
            "escalation %s of %s had no ticket for %lld s, and its agent was never told that it is late, "
            "although the engine was up for %lld s",
            escalation->id, escalation->agent, (long long)(until_ms - escalation->taken_ms) / 1000,
            (long long)up_ms / 1000);
}

void oracle_check_told(const struct oracle_facts *facts, const struct truth_escalation *escalation,
                       const struct oracle_place *place, const struct oracle_end *end)
{
    const struct truth_event *created = find_event(facts, escalation, false);
    const struct truth_event *delay = find_event(facts, escalation, true);
    bool is_done = end && strcmp(end->state, "done") == 0;

    if (delay)
        check_delay(facts, escalation, delay, created);
    else
        check_untold(facts, escalation, place, end);
    if (created && !place->ticket)
        oracle_say(facts, "told-once",
                   "escalation %s of %s: its agent was told of a ticket, and there is none", escalation->id,
                   escalation->agent);
    else if (created && place->own + place->hosts == 1 && strcmp(created->number, place->ticket->number) != 0)
        oracle_say(facts, "told-once",
                   "escalation %s of %s: its agent was told of ticket '%s', and it is #%s", escalation->id,
                   escalation->agent, created->number, place->ticket->number);
    if (!escalation->has_callback || !place->ticket || !is_done || (created && created->accepted_ms))
        return;
    if (facts->faults[FAULT_HTML_200] > 0)
        return; /* as above */
    oracle_say(facts, "told-once", "escalation %s of %s has ticket #%s, and its agent was %s", escalation->id,
               escalation->agent, place->ticket->number,
               created ? "asked, but never accepted it" : "never told");
}
