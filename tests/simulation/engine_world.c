/* Flow's world, played: what core/app/engine_world.c does with libuv, libcurl and the journal's thread. */
#include <stdlib.h>
#include <string.h>

#include "flow/run.h"
#include "flow/state.h"
#include "simulation/memory.h"
#include "simulation/webhook.h"
#include "simulation/world_inner.h"

/* ---- clock and chance ---------------------------------------------------------------------------------- */

static int64_t mono_ms(void *ctx)
{
    const struct sim_engine *engine = ctx;
    return engine->world->now_ms - engine->mono_base_ms;
}

static int64_t wall_ms(void *ctx)
{
    const struct sim_engine *engine = ctx;
    return engine->world->now_ms + engine->wall_skew_ms;
}

static uint64_t random_number(void *ctx)
{
    struct sim_engine *engine = ctx;
    return chance_next(&engine->world->jitter);
}

/* ---- journal ------------------------------------------------------------------------------------------- */

static void on_committed(struct sim_engine *engine, struct store_change *change, const struct sb_error *err,
                         uint64_t ticket)
{
    flow_on_committed(engine->flow, ticket, change, err);
}

static void commit(void *ctx, struct store_change *change, uint64_t ticket)
{
    engine_commit(ctx, change, on_committed, ticket);
}

/* One read of the journal. */
struct errand {
    uint64_t ticket;
    int64_t record_id;
    char *instance, *name; /* owned */
    struct store_record *record;
    char *doc; /* owned */
    int (*read)(struct errand *errand, struct store *store, struct sb_error *err);
};

static void drop_errand(void *ctx)
{
    struct errand *errand = ctx;

    store_record_free(errand->record);
    free(errand->instance);
    free(errand->name);
    free(errand->doc);
    free(errand);
}

static void run_read(void *ctx, struct sim_engine *engine)
{
    struct errand *errand = ctx;
    struct sb_error err = SB_ERROR_INIT;

    if (errand->read(errand, engine->store, &err) < 0) {
        world_trace(engine->world, "cannot read the journal: %s", err.text);
        if (engine->world->now_ms > engine->world->scenario.quiet_ms)
            world_violation(engine->world, "the journal can be read", "%s", err.text);
        engine_doom(engine, "because the journal cannot be read");
    }
}

static int read_record(struct errand *errand, struct store *store, struct sb_error *err)
{
    return store_load(store, errand->record_id, &errand->record, err);
}

static void on_record(void *ctx, struct sim_engine *engine)
{
    struct errand *errand = ctx;
    struct store_record *record = errand->record;

    errand->record = NULL;
    if (record)
        ledger_named(&engine->world->ledger, record->id, record->external_id);
    flow_on_loaded(engine->flow, errand->ticket, record);
}

static void on_document(void *ctx, struct sim_engine *engine)
{
    const struct errand *errand = ctx;
    flow_on_document(engine->flow, errand->ticket, errand->doc);
}

static int read_key_doc(struct errand *errand, struct store *store, struct sb_error *err)
{
    return store_key(store, errand->instance, errand->name, &errand->doc, err);
}

static int read_cursor_doc(struct errand *errand, struct store *store, struct sb_error *err)
{
    return store_cursor(store, errand->name, &errand->doc, err);
}

static int read_token_doc(struct errand *errand, struct store *store, struct sb_error *err)
{
    return store_token(store, errand->name, &errand->doc, err);
}

static int read_next_sweep(struct errand *errand, struct store *store, struct sb_error *err)
{
    return store_next_sweep(store, &errand->doc, err);
}

static void load(void *ctx, int64_t record_id, uint64_t ticket)
{
    struct errand *errand = sim_new(sizeof(*errand));

    *errand = (struct errand){ .ticket = ticket, .record_id = record_id, .read = read_record };
    engine_run(ctx, run_read, on_record, drop_errand, errand);
}

static void read_document(struct sim_engine *engine, const char *instance, const char *name, uint64_t ticket,
                          int (*read)(struct errand *errand, struct store *store, struct sb_error *err))
{
    struct errand *errand = sim_new(sizeof(*errand));

    *errand = (struct errand){
        .ticket = ticket, .instance = sim_copy(instance), .name = sim_copy(name), .read = read
    };
    engine_run(engine, run_read, on_document, drop_errand, errand);
}

static void read_key(void *ctx, const char *instance, const char *name, uint64_t ticket)
{
    read_document(ctx, instance, name, ticket, read_key_doc);
}

static void read_cursor(void *ctx, const char *name, uint64_t ticket)
{
    read_document(ctx, NULL, name, ticket, read_cursor_doc);
}

static void read_token(void *ctx, const char *name, uint64_t ticket)
{
    read_document(ctx, NULL, name, ticket, read_token_doc);
}

static void read_sweep(void *ctx, uint64_t ticket)
{
    read_document(ctx, NULL, NULL, ticket, read_next_sweep);
}

/* ---- network and work ---------------------------------------------------------------------------------- */

/* Written ahead: nothing leaves for a record while what was found out about it before may still be lost. */
static void check_order(struct sim_engine *engine, const struct run *run)
{
    if (engine_awaits_commit(engine, run->id))
        world_violation(engine->world, "commit-before-effect",
                        "call %s: '%s' was sent before the commit ahead of it was on the disk",
                        run->record->external_id, run->call.step->name);
}

/* Whose request it is, read out of flow's own table: the plan of the test does not decide what it sees. */
static struct net_sender find_sender(struct sim_engine *engine, uint64_t ticket)
{
    struct net_sender sender = { .ticket = ticket, .external_id = "", .step = "refresh_token" };
    const struct actor *actor = engine->flow->actors.slots[ticket & UINT32_MAX];

    if (actor->class_ == &token_class)
        return sender;
    sender.step = ((const struct call *)actor)->step->name;
    if (strcmp(actor->class_->name, "run") == 0) {
        const struct run *run = (const struct run *)actor;
        sender.external_id = run->record->external_id;
        check_order(engine, run);
        if (run->is_reconciling)
            engine->world->totals.reconciliations++;
    }
    return sender;
}

static void send_request(void *ctx, const struct http_request *request, struct sb_instance *instance,
                         uint64_t ticket)
{
    struct sim_engine *engine = ctx;
    struct world *world = engine->world;

    if (engine->is_dying)
        return;
    if (world_fault(world, FAULT_CRASH_SEND)) {
        engine_doom(engine, "before a request was sent");
        return;
    }
    const struct net_sender sender = find_sender(engine, ticket);
    net_send(world, request, instance, &sender);
    if (world_fault(world, FAULT_CRASH_SENT))
        engine_doom(engine, "after a request was sent");
}

struct work {
    struct sim_engine *engine;
    struct sb_exchange *x; /* flow's */
    uint64_t ticket;
};

static void on_work(void *ctx)
{
    struct work *work = ctx;
    struct sim_engine *engine = work->engine;

    flow_on_worked(engine->flow, work->ticket, exchange_work(work->x));
    free(work);
    engine_settle(engine);
}

static void do_work(void *ctx, struct sb_exchange *x, uint64_t ticket)
{
    struct sim_engine *engine = ctx;
    struct world *world = engine->world;
    struct work *work = sim_new(sizeof(*work));

    *work = (struct work){ .engine = engine, .x = x, .ticket = ticket };
    world_plan(world, world->now_ms + chance_between(&world->latency, 0, 20), on_work, work, free);
}

/* ---- sleep and alerts ---------------------------------------------------------------------------------- */

struct wake {
    struct sim_engine *engine;
    uint64_t serial;
};

static void on_wake(void *ctx)
{
    struct wake *wake = ctx;
    struct sim_engine *engine = wake->engine;
    bool is_latest = wake->serial == engine->wake_serial;

    free(wake);
    if (!is_latest)
        return;
    engine->wake_at_ms = INT64_MAX;
    flow_on_wake(engine->flow);
    engine_settle(engine);
}

static void wake(void *ctx, int64_t at_ms)
{
    struct sim_engine *engine = ctx;

    if (at_ms == engine->wake_at_ms)
        return;
    engine->wake_at_ms = at_ms;
    engine->wake_serial++;
    if (at_ms == INT64_MAX || engine->is_dying)
        return;
    struct wake *planned = sim_new(sizeof(*planned));
    *planned = (struct wake){ .engine = engine, .serial = engine->wake_serial };
    world_plan(engine->world, at_ms + engine->mono_base_ms, on_wake, planned, free);
}

static void news(void *ctx, int64_t record_id)
{
    delivery_news(ctx, record_id);
}

static void alert(void *ctx, enum flow_alert kind, const char *subject, const char *text)
{
    const struct sim_engine *engine = ctx;
    world_trace(engine->world, "alert %s: %s %s", flow_alert_word(kind), subject, text);
}

void engine_flow_world(struct sim_engine *engine, struct flow_world *ret_world)
{
    engine->wake_at_ms = INT64_MAX;
    *ret_world = (struct flow_world){ .ctx = engine,
                                      .mono_ms = mono_ms,
                                      .wall_ms = wall_ms,
                                      .random = random_number,
                                      .commit = commit,
                                      .load = load,
                                      .read_key = read_key,
                                      .read_cursor = read_cursor,
                                      .read_token = read_token,
                                      .read_sweep = read_sweep,
                                      .send = send_request,
                                      .work = do_work,
                                      .wake = wake,
                                      .alert = alert,
                                      .news = news };
}
