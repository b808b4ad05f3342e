/* One exchange with an instance, from the gate to the answer: what runs, reconciliation and polls have in
 * common.
 *
 *     IDLE -> GATE -> (build) -> TOKEN -> [built: the owner commits an intent] -> SENDING -> (fold) -> ended
 *               `-> WORK_QUEUED / WORKING for CPU steps -------------------------------------------------^
 *
 * A 401 to an OAuth token goes back to TOKEN once: a 401 was refused, so nothing happened. */
#ifndef FLOW_CALL_H
#define FLOW_CALL_H

#include "flow/actor.h"
#include "flow/delivery.h"
#include "flow/flow.h"

struct gate;
struct call;

enum call_state { CALL_IDLE = 0, CALL_GATE, CALL_TOKEN, CALL_HELD, CALL_SENDING, CALL_WORKING };

struct call_result {
    enum sb_verdict verdict;
    enum delivery delivery; /* NOT_SENT when build ended it */
    bool was_sent;
    int http_status;
    uint32_t duration_ms;
    int64_t delay_ms; /* asked for by the plugin or by Retry-After; 0: none */
    bool is_limited;  /* 429: costs no attempt */
    bool is_service_fault;
    bool is_defect;
    const char *reason; /* "" none; lives until the call is reset */
};

struct call_class {
    struct actor_class
        actor; /* on_turn and on_timer of the owner; on_turn passes on to call_turn while the call is busy */
    /* Fills in what the exchange is about; `document` and `key_doc` borrowed. */
    void (*input)(struct flow *flow, struct call *call, struct exchange_input *ret_input);
    /* The request is ready: call_send now, or later (after an intent). */
    void (*built)(struct flow *flow, struct call *call);
    /* It is over, the gate was left; call->x holds what the plugin wrote until call_reset. */
    void (*ended)(struct flow *flow, struct call *call, const struct call_result *result);
};

struct call {
    struct actor actor; /* class_ points to a struct call_class */
    struct gate *gate;
    const struct sb_step *step;
    struct sb_exchange *x; /* owned */
    enum call_state state;
    bool is_inside; /* of the gate */
    bool was_refreshed;
    uint32_t token_serial;
    int64_t started_ms; /* monotonic */
};

/* Begins. The call must be idle. May end before it returns only through `built` or `ended`. */
void call_start(struct flow *flow, struct call *call, struct gate *gate, const struct sb_step *step);
/* Sends what was built. */
void call_send(struct flow *flow, struct call *call);
/* The actor's turn while the call is in CALL_GATE or CALL_TOKEN. */
void call_turn(struct flow *flow, struct call *call);
/* Gives up a call that waits in CALL_GATE: back to idle. */
void call_withdraw(struct call *call);
/* Frees the exchange; the call is idle. */
void call_reset(struct flow *flow, struct call *call);

void call_on_answered(struct flow *flow, struct call *call, struct http_response *response); /* takes */
void call_on_worked(struct flow *flow, struct call *call, enum sb_verdict verdict);
/* Folds an answer that was kept in the journal, without a gate: `ended` is called. Takes `response`. */
void call_fold_again(struct flow *flow, struct call *call, struct gate *gate, const struct sb_step *step,
                     struct http_response *response);

#endif
