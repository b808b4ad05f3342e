/* Webhooks: from a call to a route, to a commit, to the reply. */
#include "app/webhooks.h"

#include <stdlib.h>
#include <string.h>

#include "app/engine.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/timefmt.h"
#include "io/http_server.h"
#include "plugin/route_run.h"

enum { RETRY_AFTER_S = 10, BODY_MAX_DEFAULT = 1024 * 1024, ALLOW_MAX = 1024 };

struct webhooks {
    struct engine *engine;
    struct http_server *server;  /* NULL: no source has routes */
    struct delivery *deliveries; /* calls whose commit is under way */
};

/* One call between its handler and its reply. */
struct delivery {
    struct delivery *prev, *next;
    struct webhooks *webhooks;
    struct http_call *call;
    const struct flow_pipeline *pipeline;
    struct route_input input; /* the exchange borrows it */
    struct sb_exchange *x;
    struct route_reply reply;
};

/* ---- replies ------------------------------------------------------------------------------------------- */

static void reply_json(struct http_call *call, int status, json_t *body)
{
    AUTO_STR text = body ? json_text(body) : NULL;

    json_decref(body);
    http_call_reply(call, status, "application/json", text ? text : "", text ? strlen(text) : 0);
}

static void reply_error(struct http_call *call, int status, const char *text)
{
    reply_json(call, status, json_pack("{s:s}", "error", text));
}

static void reply_busy(struct http_call *call, int status, const char *text)
{
    char seconds[16];

    (void)snprintf(seconds, sizeof(seconds), "%d", RETRY_AFTER_S);
    http_call_add_header(call, "Retry-After", seconds);
    reply_error(call, status, text);
}

static void reply_route(struct http_call *call, struct route_reply *reply)
{
    for (size_t i = 0; i < reply->header_count; i++)
        http_call_add_header(call, reply->headers[i].name, reply->headers[i].value);
    reply_json(call, reply->status, json_incref(reply->json));
}

/* ---- deliveries ---------------------------------------------------------------------------------------- */

static void release_delivery(struct delivery *delivery)
{
    route_reply_done(&delivery->reply);
    exchange_free(delivery->x);
    free(delivery);
}

static void free_delivery(struct delivery *delivery)
{
    if (delivery->prev)
        delivery->prev->next = delivery->next;
    else
        delivery->webhooks->deliveries = delivery->next;
    if (delivery->next)
        delivery->next->prev = delivery->prev;
    release_delivery(delivery);
}

static struct delivery *new_delivery(struct webhooks *webhooks, struct http_call *call,
                                     const struct flow_pipeline *pipeline)
{
    struct delivery *delivery = calloc(1, sizeof(*delivery));

    if (!delivery)
        return NULL;
    delivery->webhooks = webhooks;
    delivery->call = call;
    delivery->pipeline = pipeline;
    delivery->next = webhooks->deliveries;
    if (delivery->next)
        delivery->next->prev = delivery;
    webhooks->deliveries = delivery;
    return delivery;
}

static void on_committed(void *ctx, struct store_change *change, const struct sb_error *err)
{
    struct delivery *delivery = ctx;
    struct engine *engine = delivery->webhooks->engine;

    if (err) {
        /* Nothing can be kept any more: the sender keeps it, and the engine ends. */
        LOG_ERROR(engine->log, "webhook not committed", LOG_STR("error", err->text));
        reply_busy(delivery->call, 503, "it could not be kept; send it again later");
        engine->has_failed = true;
        loop_stop(engine->loop);
    } else {
        for (size_t i = 0; i < change->emit_count; i++)
            if (change->emits[i].ret_id)
                flow_admit(engine->flow, change->emits[i].ret_id, delivery->pipeline->name);
        reply_route(delivery->call, &delivery->reply);
    }
    free_delivery(delivery);
    engine_look(engine);
}

static void commit(struct delivery *delivery)
{
    struct engine *engine = delivery->webhooks->engine;
    struct store_change *change = flow_emit_change(engine->flow, delivery->pipeline, delivery->x);

    if (!change) {
        reply_busy(delivery->call, 503, "out of memory");
        free_delivery(delivery);
        return;
    }
    store_thread_commit(engine->store, change, on_committed, delivery);
}

/* ---- calls --------------------------------------------------------------------------------------------- */

static const char *header_of(void *ctx, const char *name)
{
    return http_call_header(ctx, name);
}

static const char *query_of(void *ctx, const char *name)
{
    return http_call_query(ctx, name);
}

static void run_delivery(struct delivery *delivery)
{
    struct engine *engine = delivery->webhooks->engine;
    enum sb_verdict verdict = route_run(delivery->x, &delivery->reply);

    if (verdict == SB_OK && delivery->x->emit_count) {
        commit(delivery);
        return;
    }
    if (delivery->x->is_defect)
        LOG_ERROR(engine->log, "webhook handler failed", LOG_STR("source", delivery->input.instance->name),
                  LOG_STR("reason", delivery->x->reason));
    reply_route(delivery->call, &delivery->reply);
    free_delivery(delivery);
}

static void run_route(struct webhooks *webhooks, struct http_call *call, const struct flow_pipeline *pipeline,
                      const struct sb_route *route)
{
    struct sb_instance *instance = webhooks->engine->setup->plan.instances[pipeline->source].instance;
    size_t body_size = 0;
    const char *body = http_call_body(call, &body_size);

    if (body_size > (route->body_max ? route->body_max : BODY_MAX_DEFAULT)) {
        reply_error(call, 413, "the body is too large");
        return;
    }
    struct delivery *delivery = new_delivery(webhooks, call, pipeline);
    if (!delivery) {
        reply_busy(call, 503, "out of memory");
        return;
    }
    delivery->input = (struct route_input){ .instance = instance,
                                            .route = route,
                                            .path = http_call_path(call),
                                            .header = header_of,
                                            .query = query_of,
                                            .ctx = call,
                                            .body = body,
                                            .body_size = body_size,
                                            .now_ms = clock_wall_ms() };
    delivery->x = route_exchange(&delivery->input);
    if (delivery->x) {
        run_delivery(delivery);
        return;
    }
    reply_busy(call, 503, "out of memory");
    free_delivery(delivery);
}

static const struct sb_plugin *source_plugin(const struct engine *engine,
                                             const struct flow_pipeline *pipeline)
{
    const struct flow_plan_instance *source = &engine->setup->plan.instances[pipeline->source];

    return pipeline->is_off || pipeline->is_notices || source->off_reason ? NULL : source->instance->plugin;
}

/* A 405 names the methods that the path has. */
static void add_allow(const struct engine *engine, struct http_call *call)
{
    const struct flow_plan *plan = &engine->setup->plan;
    AUTO_BUF methods;

    buf_init(&methods, ALLOW_MAX);
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct sb_plugin *plugin = source_plugin(engine, &plan->pipelines[i]);
        for (const struct sb_route *route = plugin ? plugin->routes : NULL; route && route->method; route++)
            if (route_fits(route->path, http_call_path(call)))
                buf_printf(&methods, "%s%s", methods.len ? ", " : "", route->method);
    }
    http_call_add_header(call, "Allow", methods.data);
}

static void on_call(void *ctx, struct http_call *call)
{
    struct webhooks *webhooks = ctx;
    struct engine *engine = webhooks->engine;
    const struct flow_plan *plan = &engine->setup->plan;
    bool is_known = false;

    if (engine->is_stopping || engine->has_failed) {
        reply_busy(call, 503, "the engine is stopping; send it again later");
        return;
    }
    if (flow_is_full(engine->flow)) {
        reply_busy(call, 429, "too much is waiting; send it again later");
        return;
    }
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct sb_plugin *plugin = source_plugin(engine, &plan->pipelines[i]);
        bool has_path = false;
        const struct sb_route *route =
            plugin ? route_find(plugin, http_call_method(call), http_call_path(call), &has_path) : NULL;
        is_known = is_known || has_path;
        if (route) {
            run_route(webhooks, call, &plan->pipelines[i], route);
            return;
        }
    }
    if (is_known)
        add_allow(engine, call);
    reply_error(call, is_known ? 405 : 404, is_known ? "not with this method" : "there is nothing here");
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static size_t body_max(const struct engine *engine, bool *ret_has_routes)
{
    const struct flow_plan *plan = &engine->setup->plan;
    size_t most = BODY_MAX_DEFAULT;

    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct sb_plugin *plugin = source_plugin(engine, &plan->pipelines[i]);
        for (const struct sb_route *route = plugin ? plugin->routes : NULL; route && route->method; route++) {
            *ret_has_routes = true;
            if (route->body_max > most)
                most = route->body_max;
        }
    }
    return most;
}

int webhooks_new(struct engine *engine, struct webhooks **ret_webhooks, struct sb_error *err)
{
    const struct conf_settings *settings = &engine->setup->conf->settings;
    struct webhooks *webhooks = calloc(1, sizeof(*webhooks));
    bool has_routes = false;

    if (!webhooks)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    webhooks->engine = engine;
    const struct http_server_options options = { .host = settings->listen_host,
                                                 .port = settings->listen_port,
                                                 .body_max = body_max(engine, &has_routes) };
    if (has_routes) {
        webhooks->server = http_server_new(engine->loop, &options, on_call, webhooks, engine->log, err);
        if (!webhooks->server) {
            free(webhooks);
            return err->status;
        }
        LOG_NOTICE(engine->log, "listening for webhooks", LOG_STR("host", settings->listen_host),
                   LOG_INT("port", http_server_port(webhooks->server)));
    }
    *ret_webhooks = webhooks;
    return 0;
}

uint16_t webhooks_port(const struct webhooks *webhooks)
{
    return webhooks->server ? http_server_port(webhooks->server) : 0;
}

void webhooks_free(struct webhooks *webhooks)
{
    if (!webhooks)
        return;
    http_server_free(webhooks->server);
    for (struct delivery *delivery = webhooks->deliveries, *next = NULL; delivery; delivery = next) {
        next = delivery->next;
        release_delivery(delivery);
    }
    free(webhooks);
}
