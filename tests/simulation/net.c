/* The way of a request: there, through the service, and back; or what goes wrong on it. */
#include "simulation/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/url.h"
#include "simulation/memory.h"
#include "simulation/net_answer.h"
#include "simulation/net_request.h"
#include "simulation/world_inner.h"

enum {
    MINUTE_MS = 60 * 1000,
    STALL_MS = 30 * 1000,
    CONNECT_MS = 10 * 1000,
    LATE_MS = 30 * 1000,
    REDIRECTS_MAX = 4
};

void net_init(struct net *net, uint64_t seed)
{
    *net = (struct net){ .latency = chance_stream(seed, "latency of the network") };
}

/* Mostly quick, now and then slow. */
static int64_t way_ms(struct net *net)
{
    return chance_below(&net->latency, 12) ? chance_between(&net->latency, 5, 150)
                                           : chance_between(&net->latency, 150, 4000);
}

/* ---- back in the engine -------------------------------------------------------------------------------- */

struct arrival {
    struct net_request *request;
    enum sim_fault fault; /* SIM_FAULT_COUNT: none */
    bool is_answered;     /* the engine has its answer already */
};

struct answer {
    struct world *world;
    uint64_t ticket;
    struct http_response *response; /* owned */
};

static void drop_answer(void *ctx)
{
    struct answer *answer = ctx;

    http_response_free(answer->response);
    free(answer);
}

static void on_answer(void *ctx)
{
    struct answer *answer = ctx;
    struct sim_engine *engine = &answer->world->engine;

    flow_on_answered(engine->flow, answer->ticket, answer->response);
    free(answer);
    engine_settle(engine);
}

/* Takes `response`. Nobody hears it when the engine has died meanwhile. */
static void answer_at(struct world *world, int64_t at_ms, uint32_t life, uint64_t ticket,
                      struct http_response *response)
{
    struct answer *answer = sim_new(sizeof(*answer));

    *answer = (struct answer){ .world = world, .ticket = ticket, .response = response };
    if (!world->engine.is_up || world->engine.life != life)
        drop_answer(answer);
    else
        world_plan(world, at_ms, on_answer, answer, drop_answer);
}

/* Reads "<before> <host><after>". */
static void fail_at(const struct net_request *request, int64_t at_ms, enum http_sent sent, const char *before,
                    const char *after)
{
    struct http_response *response = http_response_new(0, "", 0);

    if (!response)
        sim_die("out of memory");
    response->sent = sent;
    (void)snprintf(response->fault, sizeof(response->fault), "%s %.80s%s", before, request->host, after);
    response->duration_ms = (uint32_t)(at_ms - request->sent_ms);
    world_trace(request->world, "  %s %s%s -> %s", request->method, request->host, request->path,
                response->fault);
    answer_at(request->world, at_ms, request->life, request->ticket, response);
}

/* ---- at the service ------------------------------------------------------------------------------------ */

static const struct sim_service *find_service(const struct world *world, const char *host)
{
    for (size_t i = 0; i < world->hooks.service_count; i++)
        if (strcmp(world->hooks.services[i].host, host) == 0)
            return &world->hooks.services[i];
    return NULL;
}

static const char *reply_header(const struct sim_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->header_count; i++)
        if (strcasecmp(reply->headers[i].name, name) == 0)
            return reply->headers[i].value;
    return NULL;
}

static bool may_follow(const struct net_request *request, const struct sim_reply *reply)
{
    struct url_place place;
    struct sb_error err = SB_ERROR_INIT;
    const char *to = reply_header(reply, "Location");
    bool is_alive = request->world->engine.is_up && request->world->engine.life == request->life;

    if (reply->status < 301 || reply->status > 308 || !to || !is_alive || !request->redirect_hosts ||
        strcmp(request->method, "GET") != 0 || url_place(to, &place, &err) < 0)
        return false;
    for (const char *const *host = request->redirect_hosts; *host; host++)
        if (url_host_fits(place.host, *host))
            return true;
    return false;
}

/* Credentials never go to another host. */
static void follow(struct net_request *request, const struct sim_reply *reply)
{
    char *host = sim_copy(request->host);

    (void)net_request_aim(request, reply_header(reply, "Location"));
    for (size_t i = 0; strcmp(host, request->host) != 0 && i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, "Authorization") == 0) {
            free((char *)(uintptr_t)request->headers[i].value);
            request->headers[i].value = sim_copy("");
        }
    free(host);
}

static void ask_service(struct net_request *request, bool is_answered, struct sim_reply *ret_reply)
{
    struct world *world = request->world;
    bool is_stray = is_answered || !world->engine.is_up || world->engine.life != request->life;
    struct sim_request shown;

    for (int i = 0; i <= REDIRECTS_MAX; i++) {
        const struct sim_service *service = find_service(world, request->host);
        *ret_reply = (struct sim_reply){ .status = 0 };
        net_request_show(request, world->now_ms, &shown);
        shown.is_stray = is_stray;
        if (!service)
            sim_die("nobody serves '%s'", request->host);
        service->handle(service->state, &shown, ret_reply);
        if (ret_reply->status < 200)
            sim_die("%s answered '%s %s' with status %d", request->host, request->method, request->path,
                    ret_reply->status);
        if (i == REDIRECTS_MAX || !may_follow(request, ret_reply))
            return;
        follow(request, ret_reply);
        free(ret_reply->body);
    }
}

static bool is_before(enum sim_fault fault, struct world *world)
{
    switch (fault) {
    case FAULT_RESET_BEFORE:
    case FAULT_500_BEFORE:
    case FAULT_429:
    case FAULT_429_AFTER:
        return true;
    case FAULT_HTML_200:
    case FAULT_HTML_502:
    case FAULT_HTML_503:
        return world_fault_between(world, fault, 0, 1) == 0;
    default:
        return false;
    }
}

static void send_back(struct net_request *request, enum sim_fault fault, struct sim_reply *reply)
{
    struct world *world = request->world;
    int64_t at_ms = world->now_ms + reply->think_ms + way_ms(&world->net);

    if (fault == FAULT_RESET_BEFORE || fault == FAULT_RESET_AFTER) {
        fail_at(request, at_ms, HTTP_MAYBE_SENT, "connection lost, no answer from", "");
        return;
    }
    if (fault == FAULT_DRIP || fault == FAULT_REPLY_LOST || at_ms > request->deadline_ms) {
        bool stalls = fault == FAULT_DRIP && request->sent_ms + STALL_MS < request->deadline_ms;
        fail_at(request, stalls ? request->sent_ms + STALL_MS : request->deadline_ms, HTTP_MAYBE_SENT,
                fault == FAULT_DRIP ? "no complete answer from" : "no answer from", " within its time");
        return;
    }
    struct http_response *response = net_answer(request, fault, reply);
    response->duration_ms = (uint32_t)(at_ms - request->sent_ms);
    if (response->status)
        world_trace(world, "  %s %s%s%s%.60s -> %d %.*s", request->method, request->host, request->path,
                    request->query[0] ? "?" : "", request->query, response->status, 160,
                    response->is_saved ? "(saved)" : response->body);
    else
        world_trace(world, "  %s %s%s -> %s", request->method, request->host, request->path, response->fault);
    answer_at(world, at_ms, request->life, request->ticket, response);
}

static void drop_arrival(void *ctx)
{
    struct arrival *arrival = ctx;

    net_request_unref(arrival->request);
    free(arrival);
}

static void on_arrival(void *ctx)
{
    struct arrival *arrival = ctx;
    struct net_request *request = arrival->request;
    struct sim_reply reply = { .status = 0 };

    if (!is_before(arrival->fault, request->world))
        ask_service(request, arrival->is_answered, &reply);
    if (!arrival->is_answered)
        send_back(request, arrival->fault, &reply);
    else
        world_trace(request->world, "  (late) %s %s%s -> %d", request->method, request->host, request->path,
                    reply.status);
    free(reply.body);
    drop_arrival(arrival);
}

/* Whoever has sent it: it is on its way. */
static void arrive_at(struct net_request *request, int64_t at_ms, enum sim_fault fault, bool is_answered)
{
    struct arrival *arrival = sim_new(sizeof(*arrival));
    const struct sim_event event = { .at_ms = at_ms, .fn = on_arrival, .ctx = arrival, .drop = drop_arrival };

    request->refs++;
    *arrival = (struct arrival){ .request = request, .fault = fault, .is_answered = is_answered };
    events_add(&request->world->events, &event);
}

/* ---- sending ------------------------------------------------------------------------------------------- */

static bool is_down(struct world *world, const struct net_request *request)
{
    static const int64_t most[] = { 10 * MINUTE_MS, 60 * MINUTE_MS, 240 * MINUTE_MS };
    struct net *net = &world->net;
    size_t at = 0;

    while (at < NET_HOSTS_MAX - 1 && net->outages[at].host &&
           strcmp(net->outages[at].host, request->host) != 0)
        at++;
    if (net->outages[at].until_ms <= world->now_ms && world_fault(world, FAULT_DOWN)) {
        const struct sim_service *service = find_service(world, request->host);
        net->outages[at].host = service ? service->host : NULL;
        net->outages[at].until_ms =
            world->now_ms + world_fault_between(world, FAULT_DOWN, MINUTE_MS,
                                                most[world_fault_between(world, FAULT_DOWN, 0, 2)]);
        net->outages[at].is_refusing = world_fault_between(world, FAULT_DOWN, 0, 1) == 0;
        if (net->outages[at].until_ms > world->scenario.quiet_ms)
            net->outages[at].until_ms = world->scenario.quiet_ms;
    }
    if (net->outages[at].until_ms <= world->now_ms)
        return false;
    if (net->outages[at].is_refusing)
        fail_at(request, world->now_ms + 5, HTTP_NOT_SENT, "connection refused by", "");
    else
        fail_at(request, world->now_ms + CONNECT_MS, HTTP_NOT_SENT, "no connection to", " within 10s");
    return true;
}

static enum sim_fault draw_fault(struct world *world)
{
    for (int fault = FAULT_REFUSED; fault < FAULT_DOWN; fault++)
        if (world_fault(world, (enum sim_fault)fault))
            return (enum sim_fault)fault;
    return SIM_FAULT_COUNT;
}

static void set_out(struct world *world, struct net_request *request)
{
    if (is_down(world, request))
        return;
    enum sim_fault fault = draw_fault(world);
    if (fault == FAULT_REFUSED) {
        fail_at(request, world->now_ms + 5, HTTP_NOT_SENT, "connection refused by", "");
        return;
    }
    if (fault == FAULT_LATE) {
        int64_t late_ms = world_fault_between(world, FAULT_LATE, 1000, request->timeout_ms + LATE_MS);
        fail_at(request, request->deadline_ms, HTTP_MAYBE_SENT, "no answer from", " within its time");
        arrive_at(request, world->now_ms + late_ms, fault, /* is_answered= */ true);
        return;
    }
    arrive_at(request, world->now_ms + way_ms(&world->net), fault, /* is_answered= */ false);
}

void net_send(struct world *world, const struct http_request *request, struct sb_instance *instance,
              const struct net_sender *sender)
{
    char fault[200];
    struct net_request *sent = net_request_new(world, world->disk, request, instance, fault);

    if (!sent) {
        struct http_response *response = http_response_new(0, "", 0);
        if (!response)
            sim_die("out of memory");
        response->sent = HTTP_NOT_SENT;
        (void)snprintf(response->fault, sizeof(response->fault), "%s", fault);
        world_trace(world, "  cannot send: %s", fault);
        answer_at(world, world->now_ms, world->engine.life, sender->ticket, response);
        return;
    }
    sent->life = world->engine.life;
    sent->ticket = sender->ticket;
    sent->sent_ms = world->now_ms;
    sent->deadline_ms = world->now_ms + sent->timeout_ms;
    world->totals.requests++;
    world_trace(world, "%s %s: %s %s%s %.*s", sender->external_id[0] ? sender->external_id : "-",
                sender->step, sent->method, sent->host, sent->path, 120, sent->body);
    ledger_asked(&world->ledger, sender->external_id, sent->host, sender->step, world->now_ms);
    set_out(world, sent);
    net_request_unref(sent);
}
