/* The struct behind struct flow, for core/flow only. */
#ifndef FLOW_STATE_H
#define FLOW_STATE_H

#include "flow/actor.h"
#include "flow/flow.h"
#include "flow/gate.h"
#include "flow/keys.h"
#include "flow/run_index.h"
#include "flow/token.h"

struct lister;
struct looker;
struct poll;
struct run;

/* Room in memory of one pipeline; see room.h. */
struct room {
    struct actor_queue waiting;
    size_t loaded_count, loaded_max; /* more than that only with those that hold a lock */
};

struct flow {
    struct flow_world world;
    const struct flow_plan *plan;
    struct flow_options options;
    struct log *log;
    struct metrics *metrics;

    struct actor_table actors;
    struct actor_queue ready; /* their turn comes before the event ends */
    struct room *rooms;       /* owned: one a pipeline of the plan */
    struct gate *gates;       /* one an instance of the plan */
    struct token **tokens;    /* owned, distinct */
    size_t token_count;
    struct poll **polls; /* owned */
    size_t poll_count;
    struct looker *looker; /* owned */
    struct lister *lister; /* owned; NULL: nothing is listed anew */
    struct keys keys;
    struct run *runs; /* all that have not ended; doubly linked */
    struct run_index index;

    size_t run_count, held_count, unknown_count, sending_count, working_count;
    size_t done_count, dead_count, other_count;
    int64_t last_emit_ms; /* monotonic: something new came in */
    bool is_stopping;
    bool has_failed; /* a commit failed: nothing moves any more */
};

static inline int64_t flow_mono_ms(const struct flow *flow)
{
    return flow->world.mono_ms(flow->world.ctx);
}

static inline int64_t flow_wall_ms(const struct flow *flow)
{
    return flow->world.wall_ms(flow->world.ctx);
}

/* Gives `actor` its turn before the current event ends. It must be in no queue. */
void flow_ready(struct flow *flow, struct actor *actor);
/* A uniform number in 0 .. limit (inclusive). */
int64_t flow_random_up_to(struct flow *flow, int64_t limit);
void flow_alert(struct flow *flow, enum flow_alert alert, const char *subject, const char *text);
/* Nothing can be remembered any more (out of memory in the middle of a record, failed commit): stops
 * everything. */
void flow_fail(struct flow *flow, const char *why);
struct gate *flow_gate(struct flow *flow, size_t index);

#endif
