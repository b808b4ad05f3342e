/* Counting what is asked for, by conversation, host and step. */
#include "simulation/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "simulation/memory.h"

struct ledger_entry *ledger_find(const struct ledger *ledger, const char *external_id)
{
    for (size_t i = 0; i < ledger->count; i++)
        if (strcmp(ledger->entries[i]->external_id, external_id) == 0)
            return ledger->entries[i];
    return NULL;
}

static struct ledger_entry *find_or_add(struct ledger *ledger, const char *external_id)
{
    struct ledger_entry *entry = ledger_find(ledger, external_id);

    if (entry)
        return entry;
    entry = sim_new(sizeof(*entry));
    entry->external_id = sim_copy(external_id);
    ledger->entries = sim_grow(ledger->entries, ledger->count + 1, sizeof(struct ledger_entry *));
    ledger->entries[ledger->count++] = entry;
    return entry;
}

void ledger_done(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->count; i++) {
        struct ledger_entry *entry = ledger->entries[i];
        for (size_t k = 0; k < entry->step_count; k++) {
            free((char *)(uintptr_t)entry->steps[k].host);
            free((char *)(uintptr_t)entry->steps[k].step);
        }
        free(entry->external_id);
        free(entry);
    }
    free(ledger->entries);
    free(ledger->by_id);
    *ledger = (struct ledger){ 0 };
}

void ledger_named(struct ledger *ledger, int64_t id, const char *external_id)
{
    size_t at = (size_t)id;

    if (at >= ledger->id_room) {
        size_t room = at * 2 + 16;
        ledger->by_id = sim_grow(ledger->by_id, room, sizeof(struct ledger_entry *));
        memset(ledger->by_id + ledger->id_room, 0, (room - ledger->id_room) * sizeof(struct ledger_entry *));
        ledger->id_room = room;
    }
    if (!ledger->by_id[at] || strcmp(ledger->by_id[at]->external_id, external_id) != 0)
        ledger->by_id[at] = find_or_add(ledger, external_id);
}

struct ledger_entry *ledger_of_record(const struct ledger *ledger, int64_t id)
{
    return id > 0 && (size_t)id < ledger->id_room ? ledger->by_id[id] : NULL;
}

static struct ledger_step *step_of(struct ledger_entry *entry, const char *host, const char *step)
{
    for (size_t i = 0; i < entry->step_count; i++)
        if (strcmp(entry->steps[i].step, step) == 0 && strcmp(entry->steps[i].host, host) == 0)
            return &entry->steps[i];
    if (entry->step_count == LEDGER_STEPS_MAX)
        sim_die("a record with more than %d steps", LEDGER_STEPS_MAX);
    struct ledger_step *added = &entry->steps[entry->step_count++];
    *added = (struct ledger_step){ .host = sim_copy(host), .step = sim_copy(step) };
    return added;
}

void ledger_asked(struct ledger *ledger, const char *external_id, const char *host, const char *step,
                  int64_t now_ms)
{
    struct ledger_entry *entry = find_or_add(ledger, external_id);
    struct ledger_step *counted = step_of(entry, host, step);

    counted->requests++;
    if (strcmp(host, SIM_HOST_DESK) == 0)
        entry->last_asked_ms = now_ms;
    if (strcmp(host, SIM_HOST_DEEPGRAM) == 0 && entry->has_transcript)
        counted->after_transcript++;
}

void ledger_committed(struct ledger *ledger, struct world *world, const struct store_change *change)
{
    struct ledger_entry *entry = ledger_of_record(ledger, change->record_id);

    for (size_t i = 0; i < change->emit_count; i++) {
        const struct store_emit *emit = &change->emits[i];
        if (!emit->ret_id)
            continue;
        ledger_named(ledger, emit->ret_id, emit->external_id);
        world_trace(world, "%s emitted as record %lld", emit->external_id, (long long)emit->ret_id);
    }
    if (!entry)
        return;
    for (size_t i = 0; i < change->section_count; i++)
        if (strcmp(change->sections[i].name, "transcript") == 0)
            entry->has_transcript = change->sections[i].text != NULL;
    if (change->outcome)
        world_trace(world, "%s %s: %s %s%s", entry->external_id, change->outcome->step,
                    change->outcome->verdict, change->outcome->text ? change->outcome->text : "",
                    change->intent ? " (intent)" : "");
    else if (change->intent)
        world_trace(world, "%s %s: intent", entry->external_id, change->intent->step);
    if (change->sets_place && change->state != STORE_ACTIVE)
        world_trace(world, "%s ENDED %s %s", entry->external_id, store_state_word(change->state),
                    change->reason ? change->reason : "");
}

void ledger_forget(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->count; i++)
        ledger->entries[i]->has_transcript = false;
    if (ledger->by_id)
        memset(ledger->by_id, 0, ledger->id_room * sizeof(struct ledger_entry *));
}
