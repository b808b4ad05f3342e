/* The gate in front of an instance: concurrency, rate, pauses that the other side asked for, and the circuit
 * breaker.
 *
 * How many may be inside follows what the other side bears: a 429 halves it, what works raises it again, fast up to
 * where it was refused last and slowly beyond. So a limit that nobody has configured here, or that other programs share,
 * is found, and neither run against again and again nor given up for long.
 *
 *     CLOSED --failures_max in a row--> OPEN --after a while--> HALF_OPEN --probe worked--> CLOSED
 *        |                                ^                         |
 *        `--------- suspended ------------+------- probe failed ----'
 *
 * While it is open nobody enters; records take an alternative or wait in the queue without spending attempts.
 */
#ifndef FLOW_GATE_H
#define FLOW_GATE_H

#include "flow/actor.h"
#include "flow/flow.h"

struct token;

enum gate_state { GATE_CLOSED = 0, GATE_OPEN, GATE_HALF_OPEN };
enum gate_result {
    GATE_NEUTRAL, /* says nothing about the service */
    GATE_WORKED,
    GATE_LIMITED, /* it answered, and wants less at once: a 429 */
    GATE_FAILED
};

enum {
    GATE_SLOWLY = 16,                   /* so many times slower it goes beyond what was refused */
    GATE_LIMIT_KEPT_MS = 10 * 60 * 1000 /* after so long without a refusal it is tried anew */
};

enum { GATE_FAILURES_MAX = 5, GATE_OPEN_MS_FIRST = 10 * 1000, GATE_OPEN_MS_MAX = 5 * 60 * 1000 };

struct gate {
    struct actor actor;           /* its timer: the end of a pause, the next rate token, the next probe */
    struct sb_instance *instance; /* NULL: off */
    const char *name;
    const char *off_reason; /* NULL: on */
    struct token *token;    /* NULL: no OAuth */

    uint32_t concurrency, in_use;
    uint32_t entered_as; /* how many were inside with the last that entered */
    double width;        /* how many may be inside now: 1 to concurrency, grows by fractions */
    uint32_t refused_at; /* so many were inside at the last 429; 0: none, or forgotten */
    int64_t refused_at_ms;
    uint32_t from_before; /* still inside since the last cut: their 429 is the same news */
    uint32_t from_full;   /* still inside since it was full: their successes prove that so many are borne */
    int64_t rate_events, rate_period_ms; /* 0 events: unlimited */
    double rate_room, rate_left;
    int64_t rate_at_ms;
    int64_t paused_until_ms;

    enum gate_state state;
    bool is_suspended; /* OPEN by sb_suspend or a refused token, not by failures */
    bool has_alerted;
    bool is_probing;
    uint32_t failures;     /* in a row */
    uint32_t times_opened; /* in a row */
    int64_t opened_ms, probe_ms;
    char reason[EXCHANGE_REASON_MAX];

    struct actor_queue queue;
    struct metric *state_metric, *in_use_metric, *width_metric, *pause_metric;
};

int gate_init(struct flow *flow, struct gate *gate, const struct flow_plan_instance *planned);
void gate_done(struct flow *flow, struct gate *gate);

/* How many may be inside now. */
uint32_t gate_width(const struct gate *gate);
/* Whether nobody may enter because of the breaker. */
bool gate_is_broken(const struct gate *gate);
/* True: the caller is in, and must leave. False: `actor` was queued; on_turn comes when it may try again
 * (also when the breaker opens, so that it can look for an alternative). */
bool gate_enter(struct flow *flow, struct gate *gate, struct actor *actor);
/* Gives the rate token back that entering took: nothing was sent. */
void gate_refund(struct gate *gate);
void gate_leave(struct flow *flow, struct gate *gate, enum gate_result result, const char *reason);
/* Nobody enters for `ms`: the other side asked for it. */
void gate_pause(struct flow *flow, struct gate *gate, int64_t ms);
/* Opens the breaker for `ms`: the instance cannot work; raises one alert. */
void gate_suspend(struct flow *flow, struct gate *gate, int64_t ms, enum flow_alert alert,
                  const char *reason);
/* How long what `step` has asked for may still be on its way or hidden from searches: its settle time and the time limit of
 * a request. */
int64_t gate_settle_ms(const struct gate *gate, const struct sb_step *step);
/* The longest of all its steps; 0 for an instance that is off. */
int64_t gate_settle_ms_max(const struct gate *gate);
const char *gate_word(const struct gate *gate); /* "closed", "open", "half-open", "suspended", "off" */

#endif
