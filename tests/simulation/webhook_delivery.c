/* A call inside of the engine, in rounds as core/app/webhook_delivery.c takes it: handler, commit of what it emitted, look-up
 * of the record it asks for, a wait, the handler again, the reply. What comes back from the journal's thread finds its
 * delivery by number: it may be gone by then. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "base/json.h"
#include "simulation/memory.h"
#include "simulation/webhook.h"
#include "simulation/world_inner.h"

struct sim_delivery {
    struct sim_delivery *next;
    uint64_t serial;
    struct sim_engine *engine;
    struct webhook_call *call;
    const struct flow_pipeline *pipeline;
    struct route_input input;
    struct sb_exchange *x;
    struct route_reply reply;

    bool goes_on, is_new, is_known, has_waited, is_waiting;
    struct store_record *record; /* owned; NULL: none */
    int64_t record_id;
    char reference[REFERENCE_SIZE];
};

static void run(struct sim_delivery *delivery);

/* ---- life ---------------------------------------------------------------------------------------------- */

static struct sim_delivery *find(const struct sim_engine *engine, uint64_t serial)
{
    struct sim_delivery *delivery = engine->deliveries;

    while (delivery && delivery->serial != serial)
        delivery = delivery->next;
    return delivery;
}

static void end(struct sim_delivery *delivery)
{
    struct sim_delivery **at = &delivery->engine->deliveries;

    while (*at != delivery)
        at = &(*at)->next;
    *at = delivery->next;
    route_reply_done(&delivery->reply);
    exchange_free(delivery->x);
    store_record_free(delivery->record);
    webhook_unref(delivery->call);
    free(delivery);
}

void delivery_free_all(struct sim_engine *engine)
{
    while (engine->deliveries)
        end(engine->deliveries);
}

static void end_with(struct sim_delivery *delivery, int status)
{
    webhook_reply(delivery->call, status, NULL);
    end(delivery);
}

/* ---- the next round ------------------------------------------------------------------------------------ */

static void go_on(struct sim_delivery *delivery, const struct sb_known *known, json_t *sections)
{
    if (!route_next(delivery->x, known, known->state ? delivery->reference : NULL, sections))
        sim_die("out of memory");
    run(delivery);
}

static void go_on_as_found(struct sim_delivery *delivery)
{
    const struct store_record *record = delivery->record;
    struct sb_known known = { .state = delivery->is_known ? "expired" : NULL, .is_new = delivery->is_new };

    if (record) {
        known.state = store_state_word(record->state);
        known.reason = record->reason;
        known.received_ms = record->received_ms;
        known.updated_ms = record->updated_ms;
        known.ended_ms = record->ended_ms;
    }
    go_on(delivery, &known, record ? record->sections : NULL);
}

/* ---- looking ------------------------------------------------------------------------------------------- */

/* One look into the journal, for one delivery. */
struct look {
    uint64_t serial;
    char *account, *external_id; /* owned */
    bool is_known;
    int64_t record_id;
    struct store_record *record; /* owned */
    struct sb_error err;
};

static void free_look(void *ctx)
{
    struct look *look = ctx;

    store_record_free(look->record);
    free(look->account);
    free(look->external_id);
    free(look);
}

static void look_up(void *ctx, struct sim_engine *engine)
{
    struct look *look = ctx;
    int rc = store_find_identity(engine->store, look->account, look->external_id, &look->is_known,
                                 &look->record_id, &look->err);

    if (rc == 0 && look->record_id > 0)
        rc = store_load(engine->store, look->record_id, &look->record, &look->err);
    if (rc < 0)
        engine_doom(engine, "because the journal cannot be read");
}

static bool is_settled(const struct store_record *record)
{
    return record->state != STORE_ACTIVE || json_at(record->sections, "ticket.user_message");
}

static void look(struct sim_delivery *delivery);

struct patience {
    struct sim_engine *engine;
    uint64_t serial;
};

static void on_waited(void *ctx)
{
    struct patience *patience = ctx;
    struct sim_engine *engine = patience->engine;
    struct sim_delivery *delivery = find(engine, patience->serial);

    free(patience);
    if (delivery && delivery->is_waiting)
        look(delivery);
    engine_settle(engine);
}

static void wait(struct sim_delivery *delivery, int64_t wait_ms)
{
    struct world *world = delivery->engine->world;
    struct patience *patience = sim_new(sizeof(*patience));

    delivery->is_waiting = delivery->has_waited = true;
    *patience = (struct patience){ .engine = delivery->engine, .serial = delivery->serial };
    world_plan(world, world->now_ms + wait_ms, on_waited, patience, free);
}

static void on_looked(void *ctx, struct sim_engine *engine)
{
    struct look *found = ctx;
    struct sim_delivery *delivery = find(engine, found->serial);

    if (!delivery)
        return;
    delivery->is_known = found->is_known;
    delivery->record_id = found->record_id;
    delivery->record = found->record;
    found->record = NULL;
    int64_t wait_ms = route_wanted(delivery->x).wait_ms;
    if (delivery->record && !is_settled(delivery->record) && !delivery->has_waited && wait_ms > 0 &&
        !engine->is_stopping)
        wait(delivery, wait_ms);
    else
        go_on_as_found(delivery);
}

static void look(struct sim_delivery *delivery)
{
    struct route_wanted wanted = route_wanted(delivery->x);
    struct look *look = sim_new(sizeof(*look));

    delivery->is_waiting = false;
    store_record_free(delivery->record);
    delivery->record = NULL;
    digest_reference(wanted.account, wanted.external_id, delivery->reference);
    *look = (struct look){ .serial = delivery->serial,
                           .account = sim_copy(wanted.account),
                           .external_id = sim_copy(wanted.external_id),
                           .err = SB_ERROR_INIT };
    engine_run(delivery->engine, look_up, on_looked, free_look, look);
}

void delivery_news(struct sim_engine *engine, int64_t record_id)
{
    for (struct sim_delivery *delivery = engine->deliveries; delivery; delivery = delivery->next)
        if (delivery->is_waiting && delivery->record_id == record_id)
            look(delivery);
}

void delivery_stop(struct sim_engine *engine)
{
    for (struct sim_delivery *delivery = engine->deliveries; delivery; delivery = delivery->next)
        if (delivery->is_waiting)
            look(delivery);
}

/* ---- committing ---------------------------------------------------------------------------------------- */

/* The record that the handler asked for, when it was new. */
static json_t *find_new(const struct sim_delivery *delivery, const struct store_change *change)
{
    struct route_wanted wanted = route_wanted(delivery->x);

    for (size_t i = 0; i < change->emit_count && i < delivery->x->emit_count; i++) {
        const struct exchange_emit *emit = &delivery->x->emits[i];
        if (change->emits[i].ret_id && strcmp(emit->account, wanted.account) == 0 &&
            strcmp(emit->external_id, wanted.external_id) == 0)
            return emit->record;
    }
    return NULL;
}

static void after_commit(struct sim_delivery *delivery, const struct store_change *change)
{
    if (!delivery->goes_on) {
        webhook_reply(delivery->call, delivery->reply.status, delivery->reply.json);
        end(delivery);
        return;
    }
    json_t *record = find_new(delivery, change);
    delivery->is_new = record != NULL;
    if (!record) {
        look(delivery);
        return;
    }
    struct route_wanted wanted = route_wanted(delivery->x);
    digest_reference(wanted.account, wanted.external_id, delivery->reference);
    const struct sb_known known = { .state = store_state_word(STORE_ACTIVE),
                                    .is_new = true,
                                    .received_ms = change->now_ms,
                                    .updated_ms = change->now_ms };
    go_on(delivery, &known, record);
}

static void on_committed(struct sim_engine *engine, struct store_change *change, const struct sb_error *err,
                         uint64_t tag)
{
    struct sim_delivery *delivery = find(engine, tag);

    if (err) {
        if (delivery)
            end_with(delivery, 503);
        engine_doom(engine, "because a webhook cannot be kept");
        return;
    }
    if (change->ret_is_left_out)
        sim_die("out of memory");
    for (size_t i = 0; i < change->emit_count; i++)
        if (change->emits[i].ret_id)
            flow_admit(engine->flow, change->emits[i].ret_id, change->emits[i].pipeline);
    if (delivery)
        after_commit(delivery, change);
}

static void commit(struct sim_delivery *delivery, bool goes_on)
{
    struct sim_engine *engine = delivery->engine;

    if (flow_is_full(engine->flow)) {
        end_with(delivery, 429);
        return;
    }
    struct store_change *change = flow_emit_change(engine->flow, delivery->pipeline, delivery->x);
    if (!change)
        sim_die("out of memory");
    delivery->goes_on = goes_on;
    engine_commit(engine, change, on_committed, delivery->serial);
}

/* ---- the handler --------------------------------------------------------------------------------------- */

static const char *header_of(void *ctx, const char *name)
{
    const struct webhook_call *call = ctx;

    for (size_t i = 0; i < call->header_count; i++)
        if (strcasecmp(call->headers[i].name, name) == 0)
            return call->headers[i].value;
    return NULL;
}

static const char *query_of(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return NULL;
}

static void run(struct sim_delivery *delivery)
{
    enum sb_verdict verdict = route_run(delivery->x, &delivery->reply);

    if ((verdict == SB_OK || verdict == SB_AGAIN) && delivery->x->emit_count) {
        commit(delivery, verdict == SB_AGAIN);
        return;
    }
    if (verdict == SB_AGAIN) {
        look(delivery);
        return;
    }
    webhook_reply(delivery->call, delivery->reply.status, delivery->reply.json);
    end(delivery);
}

void delivery_start(struct sim_engine *engine, struct webhook_call *call,
                    const struct flow_pipeline *pipeline, const struct sb_route *route, const char *caller)
{
    struct sim_delivery *delivery = sim_new(sizeof(*delivery));

    call->refs++;
    *delivery = (struct sim_delivery){
        .next = engine->deliveries,
        .serial = ++engine->delivery_serial,
        .engine = engine,
        .call = call,
        .pipeline = pipeline,
        .input = { .instance = engine->setup->plan.instances[pipeline->source].instance,
                   .route = route,
                   .path = call->path,
                   .header = header_of,
                   .query = query_of,
                   .ctx = call,
                   .body = call->body,
                   .body_size = strlen(call->body),
                   .now_ms = engine->world->now_ms + engine->wall_skew_ms,
                   .caller = caller },
    };
    delivery->x = route_exchange(&delivery->input);
    if (!delivery->x)
        sim_die("out of memory");
    engine->deliveries = delivery;
    run(delivery);
}
