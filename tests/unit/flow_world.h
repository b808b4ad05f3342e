/* A world for flow tests: one clock, what happens next, and all that the engine asks of the real world. Requests go to the
 * services of flow_services.h, as well or as badly as the test has said; nothing else is shared with the engine but the
 * journal. flow_life.h makes such worlds and lets their time pass. */
#ifndef TESTS_UNIT_FLOW_WORLD_H
#define TESTS_UNIT_FLOW_WORLD_H

#include "unit/flow_services.h"

enum { EVENTS_MAX = 4096 };

enum event_kind {
    EVENT_COMMIT,
    EVENT_LOAD,
    EVENT_KEY,
    EVENT_CURSOR,
    EVENT_TOKEN,
    EVENT_SWEEP,
    EVENT_SEND,
    EVENT_WORK
};

struct event {
    int64_t due_ms;
    uint64_t order;
    enum event_kind kind;
    uint64_t ticket;
    struct store_change *change;
    int64_t record_id;
    char instance[64], name[96];
    struct http_response *response;
    struct sb_exchange *x;
};

struct flow_world_test {
    struct flow_world world;
    struct flow *flow;
    struct store *store;
    char dir[64];
    int64_t now_ms;
    int64_t wall_skew_ms; /* the wall clock was set */
    uint64_t chance, order;
    struct event events[EVENTS_MAX];
    size_t event_count;
    int64_t wake_ms;
    struct shop shop;

    int mishap_at;                   /* index of the request that goes wrong; -1: none */
    enum mishap mishap, mishap_then; /* then: of the next POST after it */
    const char *mishap_path;         /* only requests to this path count; NULL: all */
    bool mishap_lasts;               /* all from then on */
    int requests, commits, sends_of_path;
    int die_before_commit, die_after_commit; /* -1: never */
    bool is_dead;
    int alerts[FLOW_ALERT_COUNT];

    const struct flow_plan *plan;
    struct flow_options options;
    struct metrics *metrics;
};

/* The source lists it when it is asked the next time. */
static void shop_add_call(struct flow_world_test *w, const char *id)
{
    (void)snprintf(w->shop.calls[w->shop.call_count++], 32, "%s", id);
}

/* ---- what the engine asks --------------------------------------------------------------------------- */

static int64_t world_now(void *ctx)
{
    return ((struct flow_world_test *)ctx)->now_ms;
}

static int64_t world_wall(void *ctx)
{
    const struct flow_world_test *w = ctx;

    return INT64_C(1773133200000) + w->wall_skew_ms + w->now_ms;
}

static uint64_t world_random(void *ctx)
{
    struct flow_world_test *w = ctx;

    w->chance = w->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return w->chance >> 16;
}

static struct event *add_event(struct flow_world_test *w, enum event_kind kind, int64_t delay_ms,
                               uint64_t ticket)
{
    assert_true(w->event_count < EVENTS_MAX);
    struct event *event = &w->events[w->event_count++];
    *event =
        (struct event){ .due_ms = w->now_ms + delay_ms, .order = w->order++, .kind = kind, .ticket = ticket };
    return event;
}

static void world_commit(void *ctx, struct store_change *change, uint64_t ticket)
{
    add_event(ctx, EVENT_COMMIT, 1, ticket)->change = change;
}

static void world_load(void *ctx, int64_t record_id, uint64_t ticket)
{
    add_event(ctx, EVENT_LOAD, 0, ticket)->record_id = record_id;
}

static void world_read_key(void *ctx, const char *instance, const char *name, uint64_t ticket)
{
    struct event *event = add_event(ctx, EVENT_KEY, 0, ticket);

    (void)snprintf(event->instance, sizeof(event->instance), "%s", instance);
    (void)snprintf(event->name, sizeof(event->name), "%s", name);
}

static void world_read_cursor(void *ctx, const char *name, uint64_t ticket)
{
    struct event *event = add_event(ctx, EVENT_CURSOR, 0, ticket);
    (void)snprintf(event->name, sizeof(event->name), "%s", name);
}

static void world_read_token(void *ctx, const char *name, uint64_t ticket)
{
    struct event *event = add_event(ctx, EVENT_TOKEN, 0, ticket);
    (void)snprintf(event->name, sizeof(event->name), "%s", name);
}

static void world_read_sweep(void *ctx, uint64_t ticket)
{
    add_event(ctx, EVENT_SWEEP, 0, ticket);
}

static void world_send(void *ctx, const struct http_request *request, struct sb_instance *instance,
                       uint64_t ticket)
{
    struct flow_world_test *w = ctx;
    int index = -1;

    (void)instance;
    w->requests++;
    if (!w->mishap_path || strstr(request->url, w->mishap_path))
        index = w->sends_of_path++;
    bool goes_wrong = index >= 0 && w->mishap_at >= 0 &&
                      (index == w->mishap_at || (w->mishap_lasts && index > w->mishap_at));
    enum mishap mishap = goes_wrong ? w->mishap : MISHAP_NONE;
    if (index > w->mishap_at && w->mishap_then && strcmp(request->method, "POST") == 0) {
        mishap = w->mishap_then;
        w->mishap_then = MISHAP_NONE;
    }
    struct http_response *response = mishap_answer(&w->shop, w->now_ms, mishap, request);
    add_event(w, EVENT_SEND, 5, ticket)->response = response;
}

static void world_work(void *ctx, struct sb_exchange *x, uint64_t ticket)
{
    add_event(ctx, EVENT_WORK, 5, ticket)->x = x;
}

static void world_wake(void *ctx, int64_t at_ms)
{
    ((struct flow_world_test *)ctx)->wake_ms = at_ms;
}

static void world_alert(void *ctx, enum flow_alert kind, const char *subject, const char *text)
{
    (void)subject;
    (void)text;
    ((struct flow_world_test *)ctx)->alerts[kind]++;
}

#endif
