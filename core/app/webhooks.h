/* The server on `listen`: runs the routes of sources that are told. A reply leaves after what was emitted is committed. */
#ifndef APP_WEBHOOKS_H
#define APP_WEBHOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "switchboard/error.h"

struct callers;
struct delivery;
struct engine;
struct http_server;
struct loop_timer;
struct metric;

/* Shared with webhook_delivery.c; for others it is opaque. */
struct webhooks {
    struct engine *engine;
    struct http_server *server;  /* NULL: no source has routes, or it is closed */
    struct loop_timer *watch;    /* over calls that wait */
    struct callers **callers;    /* owned: one a pipeline of the plan; NULL entries: its routes are open */
    struct delivery *deliveries; /* calls between their handler and their reply */
    size_t waiting_count;
    struct metric *waiting; /* the same, for people */
    int64_t refused_ms;     /* monotonic: when a refusal was last told */
    size_t refused_count;
};

/* Listens only when a running pipeline has a source with routes. */
int webhooks_new(struct engine *engine, struct webhooks **ret_webhooks, struct sb_error *err) SB_MUST_CHECK;
/* No reply leaves any more. NULL allowed. */
void webhooks_close(struct webhooks *webhooks);
/* After webhooks_close and the end of the store's thread. NULL allowed. */
void webhooks_free(struct webhooks *webhooks);
uint16_t webhooks_port(const struct webhooks *webhooks); /* 0: it does not listen */

/* Record `record_id` has what is waited for, or has ended: whoever waits for it is told. NULL allowed. */
void webhooks_on_news(struct webhooks *webhooks, int64_t record_id);
/* Nobody waits any longer: the engine is about to stop. NULL allowed. */
void webhooks_stop(struct webhooks *webhooks);
/* Whether every call has its reply. NULL allowed. */
bool webhooks_is_quiet(const struct webhooks *webhooks);
/* For a delivery that has begun to wait. */
void webhooks_watch(struct webhooks *webhooks);

#endif
