/* What the receiver of callbacks heard: of the ticket, once by its key; of a delay, at most once and before it in rank. */
#include <string.h>

#include "simulation/oracle_escalation.h"

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

void oracle_check_told(const struct oracle_facts *facts, const struct truth_escalation *escalation,
                       const struct oracle_place *place, const struct oracle_end *end)
{
    const struct truth_event *created = find_event(facts, escalation, false);
    const struct truth_event *delay = find_event(facts, escalation, true);
    bool is_done = end && strcmp(end->state, "done") == 0;

    if (delay)
        check_delay(facts, escalation, delay, created);
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
        return; /* a gateway that says 200 in the receiver's name cannot be told from it */
    oracle_say(facts, "told-once", "escalation %s of %s has ticket #%s, and its agent was %s", escalation->id,
               escalation->agent, place->ticket->number,
               created ? "asked, but never accepted it" : "never told");
}
