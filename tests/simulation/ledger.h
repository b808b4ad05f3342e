/* What was asked for on behalf of each conversation, and what the journal was told about it: for the oracle's bounds on
 * requests. Nothing of it is known to the engine. */
#ifndef TESTS_SIMULATION_LEDGER_H
#define TESTS_SIMULATION_LEDGER_H

#include "simulation/world.h"

enum { LEDGER_STEPS_MAX = 64 };

struct ledger_step {
    const char *host, *step; /* owned */
    uint32_t requests, after_transcript;
};

struct ledger_entry {
    char *external_id; /* owned */
    struct ledger_step steps[LEDGER_STEPS_MAX];
    size_t step_count;
    bool has_transcript; /* committed, and the journal was not taken back since */
    bool was_dropped, was_retried;
    int64_t dropped_ms;    /* when an operator first asked for it */
    bool was_misled;       /* an operator had something sent again that was there */
    int64_t last_asked_ms; /* the helpdesk, the last time */
};

/* Zeroed is empty. */
struct ledger {
    struct ledger_entry **entries; /* owned */
    size_t count;
    struct ledger_entry **by_id; /* owned array: whose record that is */
    size_t id_room;
};

void ledger_done(struct ledger *ledger);
/* The journal says whose record `id` is. */
void ledger_named(struct ledger *ledger, int64_t id, const char *external_id);
struct ledger_entry *ledger_find(const struct ledger *ledger, const char *external_id);
struct ledger_entry *ledger_of_record(const struct ledger *ledger, int64_t id);
void ledger_asked(struct ledger *ledger, const char *external_id, const char *host, const char *step,
                  int64_t now_ms);
void ledger_committed(struct ledger *ledger, struct world *world, const struct store_change *change);
/* An older journal is in place: what it does not know was never told. */
void ledger_forget(struct ledger *ledger);

#endif
