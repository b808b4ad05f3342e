/* Calls to the engine's webhooks, as core/app/webhooks.c answers them: run the route, commit what it emits, then reply. A
 * call travels like a request; while the engine is down, or when it dies before it has replied, nobody answers. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plugin/route_run.h"
#include "simulation/memory.h"
#include "simulation/world_inner.h"

enum { WAY_MS_MOST = 300, PATIENCE_MS = 30 * 1000, HEADERS_MAX = 8, BODY_MAX_DEFAULT = 1024 * 1024 };

struct call {
    struct world *world;
    char *method, *path, *body; /* owned */
    struct sim_header headers[HEADERS_MAX];
    size_t header_count;
    void (*done)(void *ctx, struct world *world, int status);
    void *ctx;
    int status;
    bool is_over;
    int refs; /* who knows it: the call itself, its engine's side, its time-out */
};

/* The engine's side of a call. */
struct delivery {
    struct call *call;
    const struct flow_pipeline *pipeline;
    struct route_input input;
    struct sb_exchange *x;
    struct route_reply reply;
};

static void unref(void *ctx)
{
    struct call *call = ctx;

    if (--call->refs > 0)
        return;
    for (size_t i = 0; i < call->header_count; i++) {
        free((char *)(uintptr_t)call->headers[i].name);
        free((char *)(uintptr_t)call->headers[i].value);
    }
    free(call->method);
    free(call->path);
    free(call->body);
    free(call);
}

/* An event of the world, which outlives the engine. */
static void plan(struct call *call, int64_t at_ms, sim_event_fn fn)
{
    const struct sim_event event = { .at_ms = at_ms, .fn = fn, .ctx = call, .drop = unref };

    events_add(&call->world->events, &event);
}

static void on_reply(void *ctx)
{
    struct call *call = ctx;
    struct world *world = call->world;

    if (!call->is_over) {
        call->is_over = true;
        world_trace(world, "webhook %s -> %d", call->path, call->status);
        call->done(call->ctx, world, call->status);
    }
    unref(call);
}

static void reply(struct call *call, int status)
{
    call->status = status;
    call->refs++;
    plan(call, call->world->now_ms + chance_between(&call->world->latency, 1, WAY_MS_MOST), on_reply);
}

/* ---- in the engine ------------------------------------------------------------------------------------- */

static const char *header_of(void *ctx, const char *name)
{
    const struct call *call = ctx;

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

static void free_delivery(void *ctx)
{
    struct delivery *delivery = ctx;

    route_reply_done(&delivery->reply);
    exchange_free(delivery->x);
    unref(delivery->call);
    free(delivery);
}

static void on_committed(struct sim_engine *engine, struct store_change *change, const struct sb_error *err,
                         uint64_t tag)
{
    struct delivery *delivery = (struct delivery *)(uintptr_t)tag;

    for (size_t i = 0; !err && i < change->emit_count; i++)
        if (change->emits[i].ret_id)
            flow_admit(engine->flow, change->emits[i].ret_id, delivery->pipeline->name);
    reply(delivery->call, err ? 503 : delivery->reply.status);
    if (err)
        engine_doom(engine, "because a webhook cannot be kept");
}

static void run_route(struct sim_engine *engine, struct call *call, const struct flow_pipeline *pipeline,
                      const struct sb_route *route)
{
    struct delivery *delivery = sim_new(sizeof(*delivery));

    call->refs++;
    *delivery = (struct delivery){
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
                   .now_ms = engine->world->now_ms + engine->wall_skew_ms },
    };
    delivery->x = route_exchange(&delivery->input);
    if (!delivery->x)
        sim_die("out of memory");
    enum sb_verdict verdict = route_run(delivery->x, &delivery->reply);
    if (verdict == SB_OK && delivery->x->emit_count) {
        struct store_change *change = flow_emit_change(engine->flow, pipeline, delivery->x);
        if (!change)
            sim_die("out of memory");
        engine_commit_owned(engine, change, on_committed, (uint64_t)(uintptr_t)delivery, free_delivery,
                            delivery);
        return;
    }
    reply(call, delivery->reply.status);
    free_delivery(delivery);
}

static const struct sb_plugin *source_plugin(const struct flow_plan *plan,
                                             const struct flow_pipeline *pipeline)
{
    const struct flow_plan_instance *source = &plan->instances[pipeline->source];

    return pipeline->is_off || source->off_reason ? NULL : source->instance->plugin;
}

static void on_call(void *ctx)
{
    struct call *call = ctx;
    struct sim_engine *engine = &call->world->engine;
    const struct flow_plan *plan = engine->is_up ? &engine->setup->plan : NULL;
    bool is_known = false, has_path = false;

    for (size_t i = 0; plan && !engine->is_stopping && i < plan->pipeline_count; i++) {
        const struct sb_plugin *plugin = source_plugin(plan, &plan->pipelines[i]);
        const struct sb_route *route =
            plugin ? route_find(plugin, call->method, call->path, &has_path) : NULL;
        is_known = is_known || has_path;
        if (!route)
            continue;
        if (flow_is_full(engine->flow))
            reply(call, 429);
        else if (strlen(call->body) > (route->body_max ? route->body_max : BODY_MAX_DEFAULT))
            reply(call, 413);
        else
            run_route(engine, call, &plan->pipelines[i], route);
        engine_settle(engine);
        unref(call);
        return;
    }
    if (!plan)
        reply(call, 0);
    else
        reply(call, engine->is_stopping ? 503 : is_known ? 405 : 404);
    unref(call);
}

static void on_patience_over(void *ctx)
{
    struct call *call = ctx;

    call->status = call->is_over ? call->status : 0;
    on_reply(call);
}

void world_webhook(struct world *world, const char *method, const char *path,
                   const struct sim_header *headers, size_t header_count, const char *body,
                   void (*done)(void *ctx, struct world *world, int status), void *ctx)
{
    struct call *call = sim_new(sizeof(*call));

    if (header_count > HEADERS_MAX)
        sim_die("a webhook with more than %d headers", HEADERS_MAX);
    call->world = world;
    call->method = sim_copy(method);
    call->path = sim_copy(path);
    call->body = sim_copy(body ? body : "");
    for (size_t i = 0; i < header_count; i++)
        call->headers[call->header_count++] =
            (struct sim_header){ .name = sim_copy(headers[i].name), .value = sim_copy(headers[i].value) };
    call->done = done;
    call->ctx = ctx;
    call->refs = 2;
    plan(call, world->now_ms + chance_between(&world->latency, 1, WAY_MS_MOST), on_call);
    plan(call, world->now_ms + PATIENCE_MS, on_patience_over);
}
