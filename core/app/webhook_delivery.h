/* One call to a route, from its handler to its reply: what was emitted is committed, the record that it asks for is
 * looked up and waited for. Loop thread, but for the look itself, which runs on the store's. */
#ifndef APP_WEBHOOK_DELIVERY_H
#define APP_WEBHOOK_DELIVERY_H

#include "app/webhooks.h"
#include "flow/flow.h"
#include "io/http_server.h"
#include "plugin/route_run.h"

enum delivery_state {
    DELIVERY_RUNNING = 0, /* within its handler */
    DELIVERY_COMMITTING,
    DELIVERY_LOOKING, /* the store's thread may write to it */
    DELIVERY_WAITING  /* for news of its record, its time, or its caller's leave */
};

struct delivery {
    struct delivery *prev, *next;
    struct webhooks *webhooks;
    struct http_call *call;
    const struct flow_pipeline *pipeline;
    struct route_input input; /* the exchange borrows it */
    struct sb_exchange *x;
    struct route_reply reply;
    enum delivery_state state;
    bool goes_on; /* COMMITTING: another round follows */

    int64_t record_id; /* 0: not known */
    bool is_new;       /* this call has brought it */
    bool has_waited;
    uint64_t until_ms; /* WAITING: loop time */
    char reference[REFERENCE_SIZE];

    bool is_known;               /* what the look has found */
    struct store_record *record; /* owned; NULL: there is none */
    struct sb_error err;
};

/* Starts with the handler's first round. False when out of memory: the call is then still to be answered. */
bool delivery_start(struct webhooks *webhooks, struct http_call *call, const struct flow_pipeline *pipeline,
                    const struct route_input *input);
/* Looks again at what a WAITING delivery waits for, and goes on whatever is found. */
void delivery_wake(struct delivery *delivery);
/* Frees it without a reply. */
void delivery_free(struct delivery *delivery);

#endif
