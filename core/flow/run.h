/* One record on its way.
 *
 *   PARKED --room--> LOADING --> READY --> [KEY] --> CALLING --> COMMITTING --> READY ... --> ended
 *     ^                                                 |             |
 *     `---- a wait longer than PARK_MS ----- DELAYED <--+-------------'
 *
 * A CREATE step commits its intent between build and send. Its outcome may be UNKNOWN: then the record looks,
 * with the step's `reconcile`, until it is found, or is certainly not there and is sent again (create.c). */
#ifndef FLOW_RUN_H
#define FLOW_RUN_H

#include "flow/call.h"
#include "flow/keys.h"

enum run_state {
    RUN_PARKED = 0, /* only the struct is in memory; a timer or nothing brings it back */
    RUN_ADMISSION,  /* waits for room in memory */
    RUN_LOADING,
    RUN_READY, /* about to move, or held back by a stop */
    RUN_KEY,   /* waits for a lock */
    RUN_KEY_READING,
    RUN_CALLING,
    RUN_COMMITTING,
    RUN_DELAYED /* loaded, waits for its timer */
};

/* What follows the commit under way. */
enum run_after { AFTER_STEP = 0, AFTER_SEND, AFTER_DELAY, AFTER_UNKNOWN, AFTER_END };

enum { RUN_PARK_MS = 5000 };

struct run {
    struct call call;
    struct run *prev, *next;
    int64_t id;
    const struct flow_pipeline *pipeline; /* NULL until loaded */
    struct store_record *record;          /* owned; NULL while parked */
    struct room *room;                    /* where it is loaded, from the beginning to the end */
    enum run_state state;
    enum run_after after;
    int64_t delay_ms; /* AFTER_DELAY */
    uint64_t seed;

    struct key_lock *lock; /* held, or waited for in RUN_KEY */
    /* Whose span it is, also when it needs no lock; NULL outside of spans. */
    const char *(*lock_fn)(struct sb_exchange *x);
    const struct gate *lock_gate;
    json_t *key_doc; /* owned; NULL: not read */

    uint32_t call_round, call_attempt; /* of the call under way, for the timeline */
    bool is_reconciling;               /* the call under way is a look */
    bool has_intent;                   /* committed for the call under way */
    bool is_unknown;
    bool survived_restart; /* its request may still be on the way */
    bool doubt_resolved;   /* this CREATE was looked for and is not there */
    int64_t unknown_ms;    /* monotonic: since when */
    int64_t certain_ms;    /* monotonic: from when on "not there" may be believed; 0: not known */
    uint32_t asks, not_found, reconcile_round;
    json_t *kept; /* owned: what the open intent kept */

    bool is_held;                      /* its pipeline is not running: nothing brings it back but a restart */
    bool effects_began;                /* something was created at this place: no alternative takes over */
    bool adds_problem;                 /* the next commit writes the section */
    const char *drop_reason;           /* owned; asked for by an operator */
    char *adopt;                       /* owned; an operator says that the unknown request made this */
    bool adopt_is_forced, is_adopting; /* is_adopting: the call under way looks at it */
    bool sends_again;                  /* an operator says that the unknown request made nothing */
    json_t *notes;                     /* owned: said when the commit is through */
};

/* ---- life (run.c) -------------------------------------------------------------------------------------- */

/* Takes up an unfinished record. NULL: out of memory. */
struct run *run_adopt(struct flow *flow, const struct store_active *active);
struct run *run_find(const struct flow *flow, int64_t id);
void run_free(struct flow *flow, struct run *run);
void run_request_drop(struct flow *flow, struct run *run, const char *reason);
/* `adopt` NULL: send again. */
void run_request_decision(struct flow *flow, struct run *run, const char *adopt, bool is_forced);
void run_on_loaded(struct flow *flow, struct run *run, struct store_record *record); /* takes */
void run_on_document(struct flow *flow, struct run *run, const char *doc);
void run_on_committed(struct flow *flow, struct run *run);
/* Moves on from RUN_READY. */
void run_advance(struct flow *flow, struct run *run);
/* Commits `change` (taken) and goes on with `after`. */
void run_commit(struct flow *flow, struct run *run, struct store_change *change, enum run_after after);
/* Waits, loaded or parked. */
void run_wait(struct flow *flow, struct run *run, int64_t ms);

/* What the record is told in its next call. */
void run_fill_input(struct flow *flow, struct call *call, struct exchange_input *ret_input);

/* ---- its lock (run_lock.c) ----------------------------------------------------------------------------- */

/* After a restart: the key of an intent that is not settled, before anybody else can have it. False: out of memory. */
bool run_lock_take_back(struct flow *flow, struct run *run, const struct store_active *active);
/* Of a loaded record: the same when it comes back without a restart, and whose span the lock is. False: it has to wait for
 * it. */
bool run_lock_reclaim(struct flow *flow, struct run *run);
/* Takes the lock of the span that begins at `step`. False: it has to wait for it, or for its document. */
bool run_lock_take(struct flow *flow, struct run *run, struct gate *gate, const struct sb_step *step);
/* Reads what is kept under the key; run_on_document(). */
void run_lock_read(struct flow *flow, struct run *run);
/* The record ends or goes out of memory: releases the lock, or lets it rest. */
void run_lock_leave(struct flow *flow, struct run *run);

/* ---- the way (itinerary.c) ----------------------------------------------------------------------------- */

enum spot { SPOT_STEP, SPOT_END, SPOT_DISABLED };
/* Where the record stands now; moves over whatever is off or unknown by name. */
enum spot itinerary_find(struct flow *flow, struct run *run, struct gate **ret_gate,
                         const struct sb_step **ret_step);
/* Moves the record's place to the next step of the same instance, or beyond it. */
void itinerary_next(struct flow *flow, struct run *run);
/* Before `step`, in the middle of a span whose lock is not held any more (a restart, a retry): back to the span's first
 * step, for what the steps in between found out may have changed meanwhile. False: `step` begins its span, or is in none.
 */
bool itinerary_rewind(struct flow *flow, struct run *run, const struct gate *gate,
                      const struct sb_step *step);
/* Moves to the next place after this whole instance. */
void itinerary_leave(struct flow *flow, struct run *run);
/* Moves to another alternative of the stage that is on and not broken (`only_later`: or broken, but behind
 * this one). False: there is none, or effects began here. */
bool itinerary_switch(struct flow *flow, struct run *run, bool only_later);
/* Notes on the record why a stage has no result. False: out of memory. */
bool itinerary_add_problem(struct run *run, const char *instance, const char *reason);

/* ---- results (conclude.c) ------------------------------------------------------------------------------ */

/* How the open intent ends with this result. */
struct settlement {
    bool settles;
    enum store_intent_state state;
    const char *answer;  /* ANSWERED */
    const char *made;    /* DONE: the id of what was made; NULL: not told */
    const char *verdict; /* what the timeline says; NULL: the step's verdict */
    int64_t sweep_ms;    /* look again after so long whether there are two; 0: no need */
};
/* Draws the consequence of a step's verdict: one commit. */
void conclude(struct flow *flow, struct run *run, const struct call_result *result,
              const struct settlement *settlement);
/* Ends the record. `reason` NULL: none. */
void conclude_end(struct flow *flow, struct run *run, enum store_state state, const char *reason);

/* ---- creating (create.c) ------------------------------------------------------------------------------- */

void create_on_built(struct flow *flow, struct call *call);
void create_on_sent(struct flow *flow, struct run *run, const struct call_result *result);
void create_on_asked(struct flow *flow, struct run *run, const struct call_result *result);
/* A loaded record has an open or answered intent: looks, or folds again. */
void create_resume(struct flow *flow, struct run *run);
/* From now on the outcome is unknown; after the commit the first look is planned. */
void create_become_unknown(struct flow *flow, struct run *run);
void create_schedule(struct flow *flow, struct run *run);
/* For how long it may be hidden what the record has asked for with an intent that is not settled; 0: there is none. */
int64_t create_hidden_ms(struct flow *flow, struct run *run);
/* The step that the record's intent is of, and its gate; NULL: it is not configured any more. */
const struct sb_step *create_intent_step(struct flow *flow, const struct run *run, struct gate **ret_gate);
void create_forget_intent(struct flow *flow, struct run *run);
/* Adds to the change what is settled beside the state: what was made, and when to look again. False: out of memory. */
bool create_add_settled(struct flow *flow, struct run *run, struct store_change *change,
                        const struct settlement *settlement);

#endif
