/* A world for flow tests: one clock that jumps to the next event, the real journal, and the services of flow_services.h.
 * Nothing here is shared with the engine but the journal.
 *
 * The process can die at any commit: flow_world_run() then drops the flow and what was under way, opens the
 * journal again and goes on, as a restarted engine would. */
#ifndef TESTS_UNIT_FLOW_WORLD_H
#define TESTS_UNIT_FLOW_WORLD_H

#include <stdlib.h>
#include <unistd.h>

#include "base/scope.h"
#include "switchboard/look.h"
#include "unit/flow_services.h"

enum { EVENTS_MAX = 4096, FLOW_WORLD_STEPS_MAX = 20000 };

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

/* ---- what the engine asks of its world -------------------------------------------------------------- */

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

/* ---- life ------------------------------------------------------------------------------------------- */

static void open_store(struct flow_world_test *w)
{
    const struct store_options options = { .data_dir = w->dir, .skip_check = true };
    struct sb_error err = SB_ERROR_INIT;

    if (store_open(&options, &w->store, &err) < 0)
        fail_msg("%s", err.text);
}

static void start_flow(struct flow_world_test *w)
{
    struct sb_error err = SB_ERROR_INIT;
    struct arena *arena = arena_new(1 << 20);
    struct store_unfinished unfinished;

    w->flow = flow_new(&w->world, w->plan, &w->options, NULL, w->metrics, &err);
    assert_non_null(w->flow);
    if (store_unfinished(w->store, arena, &unfinished, &err) < 0)
        fail_msg("%s", err.text);
    flow_start(w->flow, &unfinished);
    store_unfinished_done(&unfinished);
    arena_free(arena);
}

static struct flow_world_test *flow_world_new(const struct flow_plan *plan)
{
    struct flow_world_test *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    (void)snprintf(w->dir, sizeof(w->dir), "/tmp/sb-flow-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    w->world = (struct flow_world){ .ctx = w,
                                    .mono_ms = world_now,
                                    .wall_ms = world_wall,
                                    .random = world_random,
                                    .commit = world_commit,
                                    .load = world_load,
                                    .read_key = world_read_key,
                                    .read_cursor = world_read_cursor,
                                    .read_token = world_read_token,
                                    .read_sweep = world_read_sweep,
                                    .send = world_send,
                                    .work = world_work,
                                    .wake = world_wake,
                                    .alert = world_alert };
    w->plan = plan;
    w->now_ms = 1000;
    w->chance = 42;
    w->mishap_at = w->die_before_commit = w->die_after_commit = -1;
    w->metrics = metrics_new();
    open_store(w);
    return w;
}

static void drop_events(struct flow_world_test *w)
{
    for (size_t i = 0; i < w->event_count; i++) {
        store_change_free(w->events[i].change);
        http_response_free(w->events[i].response);
    }
    w->event_count = 0;
}

static void flow_world_free(struct flow_world_test *w)
{
    char command[128];

    flow_free(w->flow);
    drop_events(w);
    store_close(w->store);
    metrics_free(w->metrics);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", w->dir);
    assert_int_equal(system(command), 0); /* NOLINT: a folder this test has made */
    free(w);
}

static void die_and_restart(struct flow_world_test *w)
{
    flow_free(w->flow);
    drop_events(w);
    store_close(w->store);
    w->die_before_commit = w->die_after_commit = -1;
    w->is_dead = true;
    w->now_ms += 500;
    open_store(w);
    start_flow(w);
}

static size_t first_event(const struct flow_world_test *w)
{
    size_t first = 0;

    for (size_t i = 1; i < w->event_count; i++) {
        const struct event *a = &w->events[i], *b = &w->events[first];
        if (a->due_ms < b->due_ms || (a->due_ms == b->due_ms && a->order < b->order))
            first = i;
    }
    return first;
}

static void deliver_commit(struct flow_world_test *w, struct event *event)
{
    struct sb_error err = SB_ERROR_INIT;
    int index = w->commits++;

    if (index == w->die_before_commit) {
        store_change_free(event->change);
        die_and_restart(w);
        return;
    }
    if (store_apply(w->store, &event->change, 1, &err) < 0)
        fail_msg("%s", err.text);
    if (index == w->die_after_commit) {
        store_change_free(event->change);
        die_and_restart(w);
        return;
    }
    flow_on_committed(w->flow, event->ticket, event->change, NULL);
    store_change_free(event->change);
}

static void deliver_document(struct flow_world_test *w, const struct event *event)
{
    struct sb_error err = SB_ERROR_INIT;
    AUTO_STR doc = NULL;
    int rc = 0;

    if (event->kind == EVENT_KEY)
        rc = store_key(w->store, event->instance, event->name, &doc, &err);
    else if (event->kind == EVENT_CURSOR)
        rc = store_cursor(w->store, event->name, &doc, &err);
    else if (event->kind == EVENT_SWEEP)
        rc = store_next_sweep(w->store, &doc, &err);
    else
        rc = store_token(w->store, event->name, &doc, &err);
    if (rc < 0)
        fail_msg("%s", err.text);
    flow_on_document(w->flow, event->ticket, doc);
}

static void deliver(struct flow_world_test *w, struct event *event)
{
    struct sb_error err = SB_ERROR_INIT;
    struct store_record *record = NULL;

    switch (event->kind) {
    case EVENT_COMMIT:
        deliver_commit(w, event);
        break;
    case EVENT_LOAD:
        if (store_load(w->store, event->record_id, &record, &err) < 0)
            fail_msg("%s", err.text);
        flow_on_loaded(w->flow, event->ticket, record);
        break;
    case EVENT_KEY:
    case EVENT_CURSOR:
    case EVENT_TOKEN:
    case EVENT_SWEEP:
        deliver_document(w, event);
        break;
    case EVENT_SEND:
        flow_on_answered(w->flow, event->ticket, event->response);
        break;
    case EVENT_WORK:
        flow_on_worked(w->flow, event->ticket, exchange_work(event->x));
        break;
    }
}

/* Goes on to the next event, unless it comes after that time. Returns whether there was one. */
static bool step_world(struct flow_world_test *w, int64_t until_ms)
{
    size_t first = w->event_count ? first_event(w) : 0;
    bool is_event = w->event_count && w->events[first].due_ms <= w->wake_ms;
    int64_t next_ms = is_event ? w->events[first].due_ms : w->wake_ms;

    if (next_ms > until_ms)
        return false;
    if (next_ms > w->now_ms)
        w->now_ms = next_ms;
    if (is_event) {
        struct event event = w->events[first];
        w->events[first] = w->events[--w->event_count];
        deliver(w, &event);
    } else {
        flow_on_wake(w->flow);
    }
    return true;
}

/* Runs until everything has ended and the source had nothing new, or `until_ms` of the world's clock. Returns whether it
 * is done. */
static bool flow_world_run(struct flow_world_test *w, int64_t until_ms)
{
    if (!w->flow)
        start_flow(w);
    for (int steps = 0; steps < FLOW_WORLD_STEPS_MAX; steps++) {
        if (flow_is_done(w->flow))
            return true;
        if (!step_world(w, until_ms))
            return false;
    }
    fail_msg("no end in sight after %d steps", FLOW_WORLD_STEPS_MAX);
    return false;
}

/* Runs until that time, whatever has ended. */
static inline void flow_world_pass(struct flow_world_test *w, int64_t until_ms)
{
    for (int steps = 0; steps < FLOW_WORLD_STEPS_MAX && step_world(w, until_ms); steps++)
        ;
    w->now_ms = until_ms;
}

static void shop_add_call(struct flow_world_test *w, const char *id)
{
    (void)snprintf(w->shop.calls[w->shop.call_count++], 32, "%s", id);
}

#endif
