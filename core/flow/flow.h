/* What the product does: takes every record through its pipeline, once. A pure state machine: it has no
 * clock, no socket, no file and no thread of its own; see world.h. docs/ARCHITECTURE.md draws the states. */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include "base/log.h"
#include "base/metrics.h"
#include "flow/world.h"

enum { FLOW_ALTERNATIVES_MAX = 8, FLOW_STAGES_MAX = 16, FLOW_SINKS_MAX = 8 };

/* Which instance does what; indices into flow_plan.instances. */
struct flow_stage {
    size_t alternatives[FLOW_ALTERNATIVES_MAX];
    size_t alternative_count;
};

struct flow_pipeline {
    const char *name;
    bool is_off; /* no polling; its unfinished records wait */
    /* For notices about the records of another pipeline, whose source it names: nothing is asked or told here, its records
     * go to the sinks at once, and are not counted as conversations. */
    bool is_notices;
    size_t source;
    struct flow_stage stages[FLOW_STAGES_MAX];
    size_t stage_count;
    size_t sinks[FLOW_SINKS_MAX];
    size_t sink_count;
};

struct flow_plan_instance {
    struct sb_instance *instance; /* NULL when it is off and could not be made */
    const char *name;
    const char *off_reason; /* NULL: it is on */
};

/* Borrowed for the life of the flow. */
struct flow_plan {
    const struct flow_plan_instance *instances;
    size_t instance_count;
    const struct flow_pipeline *pipelines;
    size_t pipeline_count;
};

struct flow_options {
    size_t in_flight_max; /* records in memory at once */
    size_t backlog_max; /* records not ended beyond which sources are not asked; 0: 20 times in_flight_max */
    int64_t step_budget_ms;   /* a step that still fails after this long is given up; 0: 72 h */
    int64_t alert_breaker_ms; /* a breaker open for this long is an alert; 0: 10 min */
    bool is_once; /* only until all has ended: sources are asked again soon, not after their interval */
    int64_t alert_silent_ms; /* a source not heard for this long is an alert; 0: 30 min */
};

struct flow;

struct flow *flow_new(const struct flow_world *world, const struct flow_plan *plan,
                      const struct flow_options *options, struct log *log, struct metrics *metrics,
                      struct sb_error *err);
/* No request may be open, or its answer must not be delivered any more. NULL allowed. */
void flow_free(struct flow *flow);

/* Begins: takes up the unfinished records (those with an open key first hold their keys, and nobody gets those that are still
 * at rest), and starts asking. Borrows. */
void flow_start(struct flow *flow, const struct store_unfinished *unfinished);
/* No new work; what is under way is brought to its next commit. */
void flow_stop(struct flow *flow);
/* Whether something can not be remembered any more: nothing moves, the process must end. */
bool flow_has_failed(const struct flow *flow);
/* Whether nothing is under way: after flow_stop, the process may end. */
bool flow_is_quiet(const struct flow *flow);
/* Whether every record known has ended and every source was asked since and had nothing new. */
bool flow_is_done(const struct flow *flow);
/* Takes up a record that became active outside (retry), or tells that one was emitted outside (webhook). */
void flow_admit(struct flow *flow, int64_t record_id, const char *pipeline);
/* For a source that is told: the change that commits what its route emitted; then flow_admit each new record. NULL: out of
 * memory. */
struct store_change *flow_emit_change(struct flow *flow, const struct flow_pipeline *pipeline,
                                      const struct sb_exchange *x);
/* Whether so much waits already that sources are to hold back. */
bool flow_is_full(const struct flow *flow);
/* Ends a record without a ticket at its next safe point. False when it is not under way, or is ending otherwise: ask the
 * journal then, behind the commits that were handed in. */
bool flow_drop(struct flow *flow, int64_t record_id, const char *reason);

/* ---- proof --------------------------------------------------------------------------------------------- */

/* What an operator says of an outcome that nobody knows: the record made the thing of the id `adopt` (NULL: it made
 * nothing, and is sent again). Its timeline tells what came of it. `is_forced`: take it even if it does not carry the
 * reference. */
enum flow_decided {
    FLOW_DECIDED = 0,
    FLOW_NOT_UNDER_WAY, /* store_decide() does it */
    FLOW_IS_ENDING,     /* what ends it is under way, or was asked for before: nothing would come of it */
    FLOW_IS_SENDING,    /* its request is under way or being settled: there is nothing to decide yet */
    FLOW_IS_HELD        /* its pipeline is not running */
};
enum flow_decided flow_decide(struct flow *flow, int64_t record_id, const char *adopt, bool is_forced);

/* What is being found out: an array of {record_id, looks, not_found, next_ms, certain_ms}, in wall clock ms: when it is
 * looked for next, and from when on "not there" is believed; 0: not known. New reference. */
json_t *flow_unknown(const struct flow *flow);

/* Looks how many there are of what `job` names (taken; an object of store_made()): ids in `found`, or why it could not be
 * seen. Both borrowed. Not called any more once the flow is stopping. False: out of memory. */
typedef void (*flow_looked_fn)(void *ctx, const json_t *job, const json_t *found, const char *fault);
bool flow_look(struct flow *flow, json_t *job, flow_looked_fn done, void *ctx);
/* Lists the source of `pipeline` (an index of the plan) anew since then, one at a time: gives an array of {account,
 * external_id, record}, or with `reason` instead of `record` for what the source would not emit now; or why it could not
 * be read. Not called any more once the flow is stopping. False: it cannot be listed. */
typedef void (*flow_listed_fn)(void *ctx, json_t *listed, const char *fault);
bool flow_list(struct flow *flow, size_t pipeline, int64_t since_ms, flow_listed_fn done, void *ctx);

/* ---- answers of the world ------------------------------------------------------------------------------ */

/* `change` is borrowed; `err` NULL on success. After a failure nothing moves any more: the process must end.
 */
void flow_on_committed(struct flow *flow, uint64_t ticket, struct store_change *change,
                       const struct sb_error *err);
void flow_on_loaded(struct flow *flow, uint64_t ticket,
                    struct store_record *record);                           /* takes; NULL: it is gone */
void flow_on_document(struct flow *flow, uint64_t ticket, const char *doc); /* NULL: there is none */
void flow_on_answered(struct flow *flow, uint64_t ticket, struct http_response *response); /* takes */
void flow_on_worked(struct flow *flow, uint64_t ticket, enum sb_verdict verdict);
void flow_on_wake(struct flow *flow);

/* ---- for people ---------------------------------------------------------------------------------------- */

struct flow_counts {
    size_t loaded, active, sending, working, unknown, ended_done, ended_dead, ended_other;
};
void flow_counts(const struct flow *flow, struct flow_counts *ret_counts);
/* An array of {instance, breaker: "closed"|"open"|"half-open"|"suspended", reason, waiting, in_use}. New
 * reference. */
json_t *flow_instances(const struct flow *flow);

#endif
