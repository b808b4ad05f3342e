/* The life of a flow in its world: the clock jumps to the next event, over the real journal.
 *
 * The process can die at any commit: flow_world_run() then drops the flow and what was under way, opens the
 * journal again and goes on, as a restarted engine would. */
#ifndef TESTS_UNIT_FLOW_LIFE_H
#define TESTS_UNIT_FLOW_LIFE_H

#include <stdlib.h>
#include <unistd.h>

#include "base/scope.h"
#include "unit/flow_world.h"

enum { FLOW_WORLD_STEPS_MAX = 20000 };

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

#endif
