/* Calls to the engine's webhooks, as core/app/webhooks.c takes them: the route that is meant, the caller who may, then the
 * rounds of a delivery. While the engine is down, or when it dies before it has replied, nobody answers. */
#include "simulation/webhook.h"

#include <stdlib.h>
#include <string.h>

#include "simulation/memory.h"
#include "simulation/world_inner.h"

enum { WAY_MS_MOST = 300, PATIENCE_MS = 60 * 1000, BODY_MAX_DEFAULT = 1024 * 1024 };

void webhook_unref(void *ctx)
{
    struct webhook_call *call = ctx;

    if (--call->refs > 0)
        return;
    for (size_t i = 0; i < call->header_count; i++) {
        free((char *)(uintptr_t)call->headers[i].name);
        free((char *)(uintptr_t)call->headers[i].value);
    }
    free(call->method);
    free(call->path);
    free(call->body);
    free(call->answer);
    free(call);
}

/* An event of the world, which outlives the engine. */
static void plan(struct webhook_call *call, int64_t at_ms, sim_event_fn fn)
{
    const struct sim_event event = { .at_ms = at_ms, .fn = fn, .ctx = call, .drop = webhook_unref };

    events_add(&call->world->events, &event);
}

static void on_reply(void *ctx)
{
    struct webhook_call *call = ctx;
    struct world *world = call->world;

    if (!call->is_over) {
        call->is_over = true;
        world_trace(world, "webhook %s %s -> %d %.200s", call->method, call->path, call->status,
                    call->answer ? call->answer : "");
        call->done(call->ctx, world, call->status, call->answer);
    }
    webhook_unref(call);
}

void webhook_reply(struct webhook_call *call, int status, const json_t *json)
{
    struct world *world = call->world;

    if (call->is_over || call->status || world_fault(world, FAULT_REPLY_LOST))
        return; /* its patience ends some time */
    call->status = status;
    call->answer = json ? json_dumps(json, JSON_COMPACT) : NULL;
    call->refs++;
    plan(call, world->now_ms + chance_between(&world->latency, 1, WAY_MS_MOST), on_reply);
}

/* ---- at the engine's door ------------------------------------------------------------------------------ */

static const char *header_of(const struct webhook_call *call, const char *name)
{
    for (size_t i = 0; i < call->header_count; i++)
        if (strcmp(call->headers[i].name, name) == 0)
            return call->headers[i].value;
    return NULL;
}

static const struct sb_plugin *source_plugin(const struct flow_plan *plan,
                                             const struct flow_pipeline *pipeline)
{
    const struct flow_plan_instance *source = &plan->instances[pipeline->source];

    return pipeline->is_off || pipeline->is_notices || source->off_reason ? NULL : source->instance->plugin;
}

static void take(struct sim_engine *engine, struct webhook_call *call, size_t pipeline,
                 const struct sb_route *route)
{
    struct callers *callers = route->flags & SB_ROUTE_OPEN ? NULL : engine->callers[pipeline];
    struct caller_proof proof = { .authorization = header_of(call, "Authorization"),
                                  .timestamp = header_of(call, "X-Switchboard-Timestamp"),
                                  .signature = header_of(call, "X-Switchboard-Signature"),
                                  .body = call->body,
                                  .body_size = strlen(call->body) };
    const char *name = callers ? callers_name(callers, proof.authorization) : NULL;

    if (callers && (!name || !callers_is_signed(callers, &proof, call->world->now_ms + engine->wall_skew_ms)))
        webhook_reply(call, 401, NULL);
    else if (callers && callers_take(callers, name, call->world->now_ms - engine->mono_base_ms) > 0)
        webhook_reply(call, 429, NULL);
    else if (proof.body_size > (route->body_max ? route->body_max : BODY_MAX_DEFAULT))
        webhook_reply(call, 413, NULL);
    else
        delivery_start(engine, call, &engine->setup->plan.pipelines[pipeline], route, name);
}

static void knock(struct sim_engine *engine, struct webhook_call *call)
{
    const struct flow_plan *plan = &engine->setup->plan;
    bool is_known = false;

    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct sb_plugin *plugin = source_plugin(plan, &plan->pipelines[i]);
        bool has_path = false;
        const struct sb_route *route =
            plugin ? route_find(plugin, call->method, call->path, &has_path) : NULL;
        is_known = is_known || has_path;
        if (!route)
            continue;
        take(engine, call, i, route);
        return;
    }
    webhook_reply(call, is_known ? 405 : 404, NULL);
}

static void on_call(void *ctx)
{
    struct webhook_call *call = ctx;
    struct world *world = call->world;
    struct sim_engine *engine = &world->engine;

    world_trace(world, "webhook %s %s %.120s%s", call->method, call->path, call->body,
                engine->is_up ? "" : " (nobody is there)");
    if (engine->is_up && !engine->is_dying && !world_fault(world, FAULT_REFUSED)) {
        if (engine->is_stopping)
            webhook_reply(call, 503, NULL);
        else
            knock(engine, call);
        engine_settle(engine);
    }
    webhook_unref(call);
}

static void on_patience_over(void *ctx)
{
    struct webhook_call *call = ctx;

    call->status = call->is_over ? call->status : 0;
    on_reply(call);
}

void world_webhook(struct world *world, const char *method, const char *path,
                   const struct sim_header *headers, size_t header_count, const char *body,
                   world_answer_fn done, void *ctx)
{
    struct webhook_call *call = sim_new(sizeof(*call));

    if (header_count > WEBHOOK_HEADERS_MAX)
        sim_die("a webhook with more than %d headers", WEBHOOK_HEADERS_MAX);
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
