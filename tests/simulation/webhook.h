/* Calls to the engine's webhooks: the call itself, which travels like a request and outlives the engine (webhook.c), and its
 * rounds inside of the engine (webhook_delivery.c). */
#ifndef TESTS_SIMULATION_WEBHOOK_H
#define TESTS_SIMULATION_WEBHOOK_H

#include "flow/flow.h"
#include "plugin/callers.h"
#include "plugin/route_run.h"
#include "simulation/world.h"

struct sim_engine;

enum { WEBHOOK_HEADERS_MAX = 8 };

struct webhook_call {
    struct world *world;
    char *method, *path, *body; /* owned */
    struct sim_header headers[WEBHOOK_HEADERS_MAX];
    size_t header_count;
    world_answer_fn done;
    void *ctx;
    int status;
    char *answer; /* owned; NULL: no body */
    bool is_over;
    int refs; /* who knows it: the call itself, its engine's side, its time-out */
};

void webhook_unref(void *call);
/* The engine answers: the reply is on its way, and may be lost on it. Borrows `json`; NULL: no body. */
void webhook_reply(struct webhook_call *call, int status, const json_t *json);

/* ---- in the engine ------------------------------------------------------------------------------------- */

/* Begins with a call whose caller may call. */
void delivery_start(struct sim_engine *engine, struct webhook_call *call,
                    const struct flow_pipeline *pipeline, const struct sb_route *route, const char *caller);
/* What is known of the record has changed: who waits for it looks again. */
void delivery_news(struct sim_engine *engine, int64_t record_id);
/* An orderly stop: nobody waits any more. */
void delivery_stop(struct sim_engine *engine);
void delivery_free_all(struct sim_engine *engine);

#endif
