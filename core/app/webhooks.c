/* Webhooks: from a call to the route that is meant, if its caller may call it. */
#include "app/webhooks.h"

#include <stdlib.h>
#include <string.h>

#include "app/engine.h"
#include "app/webhook_delivery.h"
#include "app/webhook_reply.h"
#include "base/scope.h"
#include "base/timefmt.h"
#include "plugin/callers.h"

enum { BODY_MAX_DEFAULT = 1024 * 1024, ALLOW_MAX = 1024, WATCH_MS = 1000, REFUSAL_EVERY_MS = 60 * 1000 };

/* ---- routes -------------------------------------------------------------------------------------------- */

/* What a call is for. */
struct target {
    size_t pipeline; /* index in the plan */
    struct sb_instance *instance;
    const struct sb_route *route; /* NULL: none */
    bool has_path;                /* there is one for another method */
};

static const struct sb_plugin *source_plugin(const struct engine *engine,
                                             const struct flow_pipeline *pipeline)
{
    const struct flow_plan_instance *source = &engine->setup->plan.instances[pipeline->source];

    return pipeline->is_off || pipeline->is_notices || source->off_reason ? NULL : source->instance->plugin;
}

static struct target find_target(const struct webhooks *webhooks, const struct http_call *call)
{
    const struct engine *engine = webhooks->engine;
    const struct flow_plan *plan = &engine->setup->plan;
    struct target target = { .route = NULL };

    for (size_t i = 0; i < plan->pipeline_count && !target.route; i++) {
        const struct sb_plugin *plugin = source_plugin(engine, &plan->pipelines[i]);
        bool has_path = false;
        if (!plugin)
            continue;
        target.route = route_find(plugin, http_call_method(call), http_call_path(call), &has_path);
        target.has_path = target.has_path || has_path;
        target.pipeline = i;
        target.instance = plan->instances[plan->pipelines[i].source].instance;
    }
    return target;
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

/* ---- who may call -------------------------------------------------------------------------------------- */

/* Only when it has callers at all, and the route is not open to everybody. */
static struct callers *callers_of(const struct webhooks *webhooks, const struct target *target)
{
    return target->route->flags & SB_ROUTE_OPEN ? NULL : webhooks->callers[target->pipeline];
}

static size_t route_room(const struct target *target)
{
    size_t most = target->route->body_max;
    int64_t option = target->route->body_max_option
                         ? instance_number(target->instance, target->route->body_max_option, (int64_t)most)
                         : (int64_t)most;

    return option >= 0 && (uint64_t)option < most ? (size_t)option : most;
}

/* Nobody keeps megabytes in memory for somebody whom he does not know. */
static size_t room(void *ctx, const struct http_call *call)
{
    const struct webhooks *webhooks = ctx;
    struct target target = find_target(webhooks, call);

    if (!target.route)
        return 0;
    const struct callers *callers = callers_of(webhooks, &target);
    if (callers && !callers_name(callers, http_call_header(call, "Authorization")))
        return 0;
    return route_room(&target);
}

/* Refusals are told together, so that nobody can fill a disk with them. */
static void tell_refusal(struct webhooks *webhooks, struct http_call *call, const char *source)
{
    int64_t now_ms = clock_mono_ms();

    webhooks->refused_count++;
    if (webhooks->refused_ms && now_ms - webhooks->refused_ms < REFUSAL_EVERY_MS)
        return;
    LOG_WARN(webhooks->engine->log, "calls refused: no right credentials", LOG_STR("source", source),
             LOG_INT("calls", (int64_t)webhooks->refused_count), LOG_STR("last_peer", http_call_peer(call)));
    webhooks->refused_ms = now_ms;
    webhooks->refused_count = 0;
}

/* Gives the caller's name. False: it was answered. */
static bool admit_caller(struct webhooks *webhooks, const struct target *target, struct http_call *call,
                         const char **ret_name)
{
    struct callers *callers = callers_of(webhooks, target);
    struct caller_proof proof = { .authorization = http_call_header(call, "Authorization"),
                                  .timestamp = http_call_header(call, "X-Switchboard-Timestamp"),
                                  .signature = http_call_header(call, "X-Switchboard-Signature") };

    *ret_name = NULL;
    if (!callers)
        return true;
    proof.body = http_call_body(call, &proof.body_size);
    const char *name = callers_name(callers, proof.authorization);
    /* A body that was too large cannot be verified, and is not taken either. */
    if (!name || (!http_call_is_cut(call) && !callers_is_signed(callers, &proof, clock_wall_ms()))) {
        tell_refusal(webhooks, call, target->instance->name);
        http_call_add_header(call, "WWW-Authenticate", "Bearer");
        webhook_reply_error(call, 401, "unauthorized", "the credentials are missing or wrong");
        return false;
    }
    int64_t wait_ms = callers_take(callers, name, clock_mono_ms());
    if (wait_ms > 0) {
        webhook_reply_busy(call, 429, "too_many_calls", "you call too often; call again later",
                           (wait_ms + 999) / 1000);
        return false;
    }
    *ret_name = name;
    return true;
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

static void each_header(void *ctx, void (*fn)(void *to, const char *name, const char *value), void *to)
{
    http_call_each_header(ctx, fn, to);
}

static void run_route(struct webhooks *webhooks, struct http_call *call, const struct target *target)
{
    const char *caller = NULL;
    size_t body_size = 0;

    if (!admit_caller(webhooks, target, call, &caller))
        return;
    const char *body = http_call_body(call, &body_size);
    if (http_call_is_cut(call) || body_size > route_room(target)) {
        webhook_reply_error(call, 413, "too_large", "the body is too large");
        return;
    }
    const struct route_input input = { .instance = target->instance,
                                       .route = target->route,
                                       .path = http_call_path(call),
                                       .header = header_of,
                                       .query = query_of,
                                       .each_header = each_header,
                                       .ctx = call,
                                       .body = body,
                                       .body_size = body_size,
                                       .now_ms = clock_wall_ms(),
                                       .caller = caller };
    if (!delivery_start(webhooks, call, &webhooks->engine->setup->plan.pipelines[target->pipeline], &input))
        webhook_reply_busy(call, 503, "try_again", "out of memory", WEBHOOK_RETRY_AFTER_S);
}

static void on_call(void *ctx, struct http_call *call)
{
    struct webhooks *webhooks = ctx;
    struct engine *engine = webhooks->engine;

    if (engine->is_stopping || engine->has_failed) {
        webhook_reply_busy(call, 503, "stopping", "the engine is stopping; send it again later",
                           WEBHOOK_RETRY_AFTER_S);
        return;
    }
    struct target target = find_target(webhooks, call);
    if (target.route) {
        run_route(webhooks, call, &target);
    } else if (target.has_path) {
        add_allow(engine, call);
        webhook_reply_error(call, 405, "method_not_allowed", "not with this method");
    } else {
        webhook_reply_error(call, 404, "not_found", "there is nothing here");
    }
}

/* ---- calls that wait ----------------------------------------------------------------------------------- */

void webhooks_watch(struct webhooks *webhooks)
{
    uint64_t now_ms = loop_now_ms(webhooks->engine->loop), delay_ms = WATCH_MS;

    for (const struct delivery *delivery = webhooks->deliveries; delivery; delivery = delivery->next) {
        if (delivery->state != DELIVERY_WAITING)
            continue;
        uint64_t left_ms = delivery->until_ms > now_ms ? delivery->until_ms - now_ms : 0;
        delay_ms = left_ms < delay_ms ? left_ms : delay_ms;
    }
    loop_timer_arm(webhooks->watch, delay_ms);
}

/* A delivery that is woken goes to the store first: none leaves the list from within. */
static void on_watch(void *ctx)
{
    struct webhooks *webhooks = ctx;
    uint64_t now_ms = loop_now_ms(webhooks->engine->loop);

    for (struct delivery *delivery = webhooks->deliveries; delivery; delivery = delivery->next)
        if (delivery->state == DELIVERY_WAITING &&
            (delivery->until_ms <= now_ms || http_call_is_gone(delivery->call)))
            delivery_wake(delivery);
    if (webhooks->waiting_count > 0)
        webhooks_watch(webhooks);
}

void webhooks_on_news(struct webhooks *webhooks, int64_t record_id)
{
    if (!webhooks || webhooks->waiting_count == 0)
        return;
    for (struct delivery *delivery = webhooks->deliveries; delivery; delivery = delivery->next)
        if (delivery->state == DELIVERY_WAITING && delivery->record_id == record_id)
            delivery_wake(delivery);
}

void webhooks_stop(struct webhooks *webhooks)
{
    for (struct delivery *delivery = webhooks ? webhooks->deliveries : NULL; delivery;
         delivery = delivery->next)
        if (delivery->state == DELIVERY_WAITING)
            delivery_wake(delivery);
}

bool webhooks_is_quiet(const struct webhooks *webhooks)
{
    return !webhooks || !webhooks->deliveries;
}

/* ---- life ---------------------------------------------------------------------------------------------- */

/* The largest body of any route; 0: there are no routes. */
static size_t most_room(const struct engine *engine)
{
    const struct flow_plan *plan = &engine->setup->plan;
    size_t most = 0;

    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct sb_plugin *plugin = source_plugin(engine, &plan->pipelines[i]);
        for (const struct sb_route *route = plugin ? plugin->routes : NULL; route && route->method; route++)
            most = route->body_max > most ? route->body_max : most;
    }
    return most;
}

static int make_callers(struct webhooks *webhooks, struct sb_error *err)
{
    const struct flow_plan *plan = &webhooks->engine->setup->plan;

    webhooks->callers = calloc(plan->pipeline_count + 1, sizeof(struct callers *));
    if (!webhooks->callers)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct sb_plugin *plugin = source_plugin(webhooks->engine, &plan->pipelines[i]);
        if (!plugin || !plugin->callers)
            continue;
        webhooks->callers[i] = callers_new(plan->instances[plan->pipelines[i].source].instance);
        if (!webhooks->callers[i])
            return sb_fail(err, SB_ENOMEM, "out of memory");
    }
    return 0;
}

static int listen_on(struct webhooks *webhooks, struct sb_error *err)
{
    struct engine *engine = webhooks->engine;
    const struct conf_settings *settings = &engine->setup->conf->settings;
    size_t most = most_room(engine);
    const struct http_server_options options = { .host = settings->listen_host,
                                                 .port = settings->listen_port,
                                                 .body_max =
                                                     most > BODY_MAX_DEFAULT ? most : BODY_MAX_DEFAULT,
                                                 .cert_file = settings->listen_tls_cert,
                                                 .key_file = settings->listen_tls_key,
                                                 .room = room };

    if (most == 0)
        return 0;
    webhooks->server = http_server_new(engine->loop, &options, on_call, webhooks, engine->log, err);
    if (!webhooks->server)
        return err->status;
    LOG_NOTICE(engine->log, "listening for webhooks", LOG_STR("host", settings->listen_host),
               LOG_INT("port", http_server_port(webhooks->server)),
               LOG_STR("scheme", settings->listen_tls_cert ? "https" : "http"));
    return 0;
}

int webhooks_new(struct engine *engine, struct webhooks **ret_webhooks, struct sb_error *err)
{
    struct webhooks *webhooks = calloc(1, sizeof(*webhooks));

    if (!webhooks)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    webhooks->engine = engine;
    webhooks->waiting =
        metrics_get(engine->metrics, METRIC_GAUGE, "switchboard_webhook_calls_waiting",
                    "calls that wait for the ticket of their conversation", /* labels= */ NULL);
    webhooks->watch = loop_timer_new(engine->loop, on_watch, webhooks);
    int rc = webhooks->watch ? make_callers(webhooks, err) : sb_fail(err, SB_ENOMEM, "out of memory");
    if (rc == 0)
        rc = listen_on(webhooks, err);
    if (rc < 0) {
        webhooks_close(webhooks);
        webhooks_free(webhooks);
        return rc;
    }
    *ret_webhooks = webhooks;
    return 0;
}

uint16_t webhooks_port(const struct webhooks *webhooks)
{
    return webhooks->server ? http_server_port(webhooks->server) : 0;
}

void webhooks_close(struct webhooks *webhooks)
{
    if (!webhooks)
        return;
    http_server_free(webhooks->server);
    webhooks->server = NULL;
    loop_timer_free(webhooks->watch);
    webhooks->watch = NULL;
}

void webhooks_free(struct webhooks *webhooks)
{
    if (!webhooks)
        return;
    size_t count = webhooks->callers ? webhooks->engine->setup->plan.pipeline_count : 0;
    for (struct delivery *delivery = webhooks->deliveries, *next = NULL; delivery; delivery = next) {
        next = delivery->next;
        delivery_free(delivery);
    }
    for (size_t i = 0; i < count; i++)
        callers_free(webhooks->callers[i]);
    free(webhooks->callers);
    free(webhooks);
}
