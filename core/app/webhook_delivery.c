/* A call in rounds: handler, commit, look, wait, handler again, reply. */
#include "app/webhook_delivery.h"

#include <stdlib.h>
#include <string.h>

#include "app/engine.h"
#include "app/webhook_reply.h"
#include "base/json.h"
#include "base/scope.h"

enum { WAITING_CALLS_MAX = 256 };

static void run(struct delivery *delivery);

/* ---- life ---------------------------------------------------------------------------------------------- */

void delivery_free(struct delivery *delivery)
{
    route_reply_done(&delivery->reply);
    exchange_free(delivery->x);
    store_record_free(delivery->record);
    free(delivery);
}

static void end(struct delivery *delivery)
{
    struct webhooks *webhooks = delivery->webhooks;

    if (delivery->prev)
        delivery->prev->next = delivery->next;
    else
        webhooks->deliveries = delivery->next;
    if (delivery->next)
        delivery->next->prev = delivery->prev;
    delivery_free(delivery);
}

static void end_busy(struct delivery *delivery, int status, const char *code, const char *text)
{
    webhook_reply_busy(delivery->call, status, code, text, WEBHOOK_RETRY_AFTER_S);
    end(delivery);
}

/* A journal that cannot be written or read is the end of the engine. The sender keeps what it has. */
static void end_engine(struct delivery *delivery, const char *what, const char *why)
{
    struct engine *engine = delivery->webhooks->engine;

    LOG_ERROR(engine->log, what, LOG_STR("error", why));
    end_busy(delivery, 503, "not_kept", "it could not be kept; send it again later");
    engine->has_failed = true;
    loop_stop(engine->loop);
}

/* ---- the next round ------------------------------------------------------------------------------------ */

static void go_on(struct delivery *delivery, const struct sb_known *known, json_t *sections)
{
    delivery->state = DELIVERY_RUNNING;
    if (!route_next(delivery->x, known, known->state ? delivery->reference : NULL, sections)) {
        end_busy(delivery, 503, "try_again", "out of memory");
        return;
    }
    run(delivery);
}

static void go_on_as_found(struct delivery *delivery)
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

/* ---- waiting ------------------------------------------------------------------------------------------- */

/* Nothing more is to come that a caller waits for: see tell_news in core/flow/run.c. */
static bool is_settled(const struct store_record *record)
{
    return record->state != STORE_ACTIVE || json_at(record->sections, "ticket.user_message");
}

static bool may_wait(const struct delivery *delivery)
{
    const struct webhooks *webhooks = delivery->webhooks;

    return delivery->record && !is_settled(delivery->record) && !delivery->has_waited &&
           route_wanted(delivery->x).wait_ms > 0 && !webhooks->engine->is_stopping &&
           webhooks->waiting_count < WAITING_CALLS_MAX;
}

static void wait(struct delivery *delivery)
{
    struct webhooks *webhooks = delivery->webhooks;

    delivery->state = DELIVERY_WAITING;
    delivery->has_waited = true;
    delivery->until_ms = loop_now_ms(webhooks->engine->loop) + (uint64_t)route_wanted(delivery->x).wait_ms;
    metric_set(webhooks->waiting, (double)++webhooks->waiting_count);
    webhooks_watch(webhooks);
}

/* ---- looking ------------------------------------------------------------------------------------------- */

static void look_up(void *ctx, struct store *store)
{
    struct delivery *delivery = ctx;
    struct route_wanted wanted = route_wanted(delivery->x);

    int rc = store_find_identity(store, wanted.account, wanted.external_id, &delivery->is_known,
                                 &delivery->record_id, &delivery->err);
    if (rc == 0 && delivery->record_id > 0)
        rc = store_load(store, delivery->record_id, &delivery->record, &delivery->err);
    if (rc < 0 && !delivery->err.status)
        delivery->err.status = SB_EINTERNAL;
}

static void on_looked(void *ctx)
{
    struct delivery *delivery = ctx;
    struct engine *engine = delivery->webhooks->engine;

    if (delivery->err.status)
        end_engine(delivery, "cannot read the journal", delivery->err.text);
    else if (may_wait(delivery))
        wait(delivery);
    else
        go_on_as_found(delivery);
    engine_look(engine);
}

static void look(struct delivery *delivery)
{
    struct route_wanted wanted = route_wanted(delivery->x);

    delivery->state = DELIVERY_LOOKING;
    store_record_free(delivery->record);
    delivery->record = NULL;
    delivery->is_known = false;
    digest_reference(wanted.account, wanted.external_id, delivery->reference);
    store_thread_run(delivery->webhooks->engine->store, look_up, on_looked, delivery);
}

void delivery_wake(struct delivery *delivery)
{
    struct webhooks *webhooks = delivery->webhooks;

    metric_set(webhooks->waiting, (double)--webhooks->waiting_count);
    look(delivery);
}

/* ---- committing ---------------------------------------------------------------------------------------- */

/* The record that the handler asked for, when it was new: nobody can know more about it than what was emitted. Notes its
 * reference. */
static json_t *find_new(struct delivery *delivery, const struct store_change *change)
{
    struct route_wanted wanted = route_wanted(delivery->x);

    for (size_t i = 0; i < change->emit_count && i < delivery->x->emit_count; i++) {
        const struct exchange_emit *emit = &delivery->x->emits[i];
        if (change->emits[i].ret_id && strcmp(emit->account, wanted.account) == 0 &&
            strcmp(emit->external_id, wanted.external_id) == 0) {
            memcpy(delivery->reference, change->emits[i].ret_reference, sizeof(delivery->reference));
            return emit->record;
        }
    }
    return NULL;
}

static void admit(struct delivery *delivery, const struct store_change *change)
{
    struct flow *flow = delivery->webhooks->engine->flow;

    for (size_t i = 0; i < change->emit_count; i++)
        if (change->emits[i].ret_id)
            flow_admit(flow, change->emits[i].ret_id, delivery->pipeline->name);
}

static void after_commit(struct delivery *delivery, const struct store_change *change)
{
    if (!delivery->goes_on) {
        webhook_reply_route(delivery->call, &delivery->reply);
        end(delivery);
        return;
    }
    json_t *record = find_new(delivery, change);
    delivery->is_new = record != NULL;
    if (!record) {
        look(delivery);
        return;
    }
    const struct sb_known known = { .state = store_state_word(STORE_ACTIVE),
                                    .is_new = true,
                                    .received_ms = change->now_ms,
                                    .updated_ms = change->now_ms };
    go_on(delivery, &known, record);
}

static void on_committed(void *ctx, struct store_change *change, const struct sb_error *err)
{
    struct delivery *delivery = ctx;
    struct engine *engine = delivery->webhooks->engine;

    if (err) {
        end_engine(delivery, "webhook not committed", err->text);
    } else if (change->ret_is_left_out) {
        end_busy(delivery, 503, "try_again", "out of memory");
    } else {
        admit(delivery, change);
        after_commit(delivery, change);
    }
    engine_look(engine);
}

static void commit(struct delivery *delivery, bool goes_on)
{
    struct engine *engine = delivery->webhooks->engine;

    if (flow_is_full(engine->flow)) {
        end_busy(delivery, 429, "full", "too much is waiting; send it again later");
        return;
    }
    struct store_change *change = flow_emit_change(engine->flow, delivery->pipeline, delivery->x);
    if (!change) {
        end_busy(delivery, 503, "try_again", "out of memory");
        return;
    }
    delivery->state = DELIVERY_COMMITTING;
    delivery->goes_on = goes_on;
    store_thread_commit(engine->store, change, on_committed, delivery);
}

/* ---- the handler --------------------------------------------------------------------------------------- */

static void run(struct delivery *delivery)
{
    struct engine *engine = delivery->webhooks->engine;
    enum sb_verdict verdict = route_run(delivery->x, &delivery->reply);

    if ((verdict == SB_OK || verdict == SB_AGAIN) && delivery->x->emit_count) {
        commit(delivery, verdict == SB_AGAIN);
        return;
    }
    if (verdict == SB_AGAIN) {
        look(delivery);
        return;
    }
    if (delivery->x->is_defect)
        LOG_ERROR(engine->log, "webhook handler failed", LOG_STR("source", delivery->input.instance->name),
                  LOG_STR("reason", delivery->x->reason));
    webhook_reply_route(delivery->call, &delivery->reply);
    end(delivery);
}

bool delivery_start(struct webhooks *webhooks, struct http_call *call, const struct flow_pipeline *pipeline,
                    const struct route_input *input)
{
    struct delivery *delivery = calloc(1, sizeof(*delivery));

    if (!delivery)
        return false;
    delivery->webhooks = webhooks;
    delivery->call = call;
    delivery->pipeline = pipeline;
    delivery->input = *input;
    delivery->x = route_exchange(&delivery->input);
    if (!delivery->x) {
        free(delivery);
        return false;
    }
    delivery->next = webhooks->deliveries;
    if (delivery->next)
        delivery->next->prev = delivery;
    webhooks->deliveries = delivery;
    run(delivery);
    return true;
}
