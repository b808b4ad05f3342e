/* Spans of steps under one lock: what holds when the lock was lost in the middle, because the process died. */
#include "unit/flow_shop.h"

/* Where a process left the record when it died. */
static void put_at(struct flow_world_test *w, int64_t id, const char *step)
{
    struct store_change *change = store_change_new();

    assert_non_null(change);
    change->now_ms = w->now_ms;
    change->record_id = id;
    change->sets_place = true;
    change->state = STORE_ACTIVE;
    change->place = (struct store_place){
        .phase = STORE_PHASE_SINK, .instance = "desk", .step = step, .since_ms = w->now_ms
    };
    apply(w, change);
}

/* Both found no contact under the lock, one after the other, in lives that ended before either could make one. */
static void whoever_comes_first_after_a_death_makes_the_one_contact(void **state)
{
    static const char *const places[][2] = { { "find_contact", "create_contact" },
                                             { "create_contact", "find_contact" },
                                             { "create_contact", "create_contact" } };

    (void)state;
    for (size_t i = 0; i < ROWS(places); i++) {
        struct flow_world_test *w = flow_world_new(&plan);
        emit_call(w, "calls", "call1");
        emit_call(w, "calls", "call2");
        put_at(w, 1, places[i][0]);
        put_at(w, 2, places[i][1]);
        w->shop.lag_ms = HOUR_MS / 2;
        assert_true(flow_world_run(w, HOUR_MS));
        check_ticket_once(places[i][0], w, 2);
        CHECK_INT(places[i][0], 2, count_state(w, "done"));
        flow_world_free(w);
    }
}

static const char *no_key(struct sb_exchange *x)
{
    (void)x;
    return NULL;
}

static int visits;

static enum sb_verdict visit(struct sb_exchange *x)
{
    (void)x;
    visits++;
    return SB_SKIP;
}

/* A span without a lock, too, begins anew once and not for ever. */
static void a_span_that_needs_no_lock_comes_to_its_end(void **state)
{
    static const struct sb_step steps[] = {
        { .name = "one", .effect = SB_READ, .build = visit, .key = no_key },
        { .name = "two", .effect = SB_READ, .build = visit, .key = no_key },
        { .name = NULL },
    };

    (void)state;
    set_desk_steps(steps);
    visits = 0;
    struct flow_world_test *w = flow_world_new(&plan);
    emit_call(w, "calls", "call1");
    put_at(w, 1, "two");
    assert_true(flow_world_run(w, HOUR_MS));
    CHECK_INT("each step once, from the first on", 2, visits);
    CHECK_INT("done", 1, count_state(w, "done"));
    flow_world_free(w);
}

static const char *ticket_key(struct sb_exchange *x)
{
    return sb_printf(x, "ticket:%s", "same");
}

/* What was refused has not happened, whatever its step does next: when a death begins the span anew, it must not look done. */
static void what_was_refused_is_not_done_when_its_span_begins_anew(void **state)
{
    const struct sb_step steps[] = {
        desk_steps[DESK_FIND_CONTACT],
        desk_steps[DESK_CREATE_CONTACT],
        { .name = "look_around", .effect = SB_READ, .build = visit, .key = ticket_key },
        { .name = "create_ticket",
          .build = build_ticket,
          .fold = fold_ticket_or_go_on,
          .key = ticket_key,
          .reconcile = &look_ticket },
        { .name = NULL },
    };
    int deaths = 0;

    (void)state;
    set_desk_steps(steps);
    for (int at = 0, commits = 1; at < commits; at++, deaths++) {
        struct flow_world_test *w = flow_world_new(&plan);
        emit_call(w, "calls", "call1");
        w->mishap = MISHAP_422;
        w->mishap_at = 0;
        w->mishap_path = "/tickets";
        w->die_after_commit = at;
        assert_true(flow_world_run(w, HOUR_MS));
        CHECK_INT("one ticket", 1, w->shop.ticket_count);
        CHECK_INT("done", 1, count_state(w, "done"));
        commits = w->commits;
        flow_world_free(w);
    }
    assert_true(deaths > 5);
}

static const char *broken_key(struct sb_exchange *x)
{
    (void)x;
    return "";
}

/* Without its lock it would run beside another one of the same key. */
static void a_step_whose_key_breaks_its_rules_never_runs(void **state)
{
    static const struct sb_step steps[] = {
        { .name = "one", .effect = SB_READ, .build = visit, .key = broken_key },
        { .name = NULL },
    };

    (void)state;
    set_desk_steps(steps);
    visits = 0;
    struct flow_world_test *w = flow_world_new(&plan);
    emit_call(w, "calls", "call1");
    assert_true(flow_world_run(w, HOUR_MS));
    CHECK_INT("not once", 0, visits);
    CHECK_INT("where people look", 1, count_state(w, "dead"));
    flow_world_free(w);
}

/* ---- whose lock it is ---------------------------------------------------------------------------------- */

static const char *other_key(struct sb_exchange *x)
{
    return sb_printf(x, "other:%s", "one");
}

static enum sb_verdict remember(struct sb_exchange *x)
{
    sb_key_set(x, "seen", json_true());
    return SB_SKIP;
}

/* The lock that a restart gives back is that of the intent's span, not of the one that comes behind it. */
static void what_follows_an_intent_of_the_last_life_has_a_lock_of_its_own(void **state)
{
    struct sb_error err = SB_ERROR_INIT;
    AUTO_STR own = NULL;
    AUTO_STR other = NULL;
    struct sb_step steps[] = {
        desk_steps[DESK_CREATE_CONTACT],
        { .name = "remember", .effect = SB_READ, .build = remember, .key = other_key },
        { .name = NULL },
    };

    (void)state;
    set_desk_steps(steps);
    struct flow_world_test *w = flow_world_new(&plan);
    w->mishap = MISHAP_LOST_REPLY;
    w->mishap_path = "/contacts";
    w->mishap_at = 0;
    shop_add_call(w, "call1");
    assert_false(flow_world_run(w, 5000));
    CHECK_INT("unknown", 1, count_state(w, "unknown"));
    die_and_restart(w);
    assert_true(flow_world_run(w, HOUR_MS));
    CHECK_INT("done", 1, count_state(w, "done"));
    assert_int_equal(0, store_key(w->store, "desk", "caller:same", &own, &err));
    assert_int_equal(0, store_key(w->store, "desk", "other:one", &other, &err));
    assert_non_null(own);
    CHECK_STR("the contact", "{\"id\":\"1\"}", own);
    assert_non_null(other);
    CHECK_STR("what follows it", "{\"seen\":true}", other);
    flow_world_free(w);
}

/* Two sinks of one plugin, whose only step needs the lock: each has its own. */
static void each_of_two_instances_has_a_lock_of_its_own(void **state)
{
    static const struct sb_step steps[] = {
        { .name = "remember", .effect = SB_READ, .build = remember, .key = other_key },
        { .name = NULL },
    };
    static const char *const names[] = { "desk", "desk2" };
    struct flow_pipeline two = pipeline;

    (void)state;
    set_desk_steps(steps);
    instance_free(planned[3].instance);
    planned[3] = (struct flow_plan_instance){ .instance = make_instance("desk2", planned[2].instance->plugin),
                                              .name = "desk2" };
    two.sinks[1] = 3;
    two.sink_count = 2;
    plan.pipelines = &two;
    struct flow_world_test *w = flow_world_new(&plan);
    shop_add_call(w, "call1");
    assert_true(flow_world_run(w, HOUR_MS));
    CHECK_INT("done", 1, count_state(w, "done"));
    for (size_t i = 0; i < ROWS(names); i++) {
        struct sb_error err = SB_ERROR_INIT;
        AUTO_STR doc = NULL;
        assert_int_equal(0, store_key(w->store, names[i], "other:one", &doc, &err));
        assert_non_null(doc);
    }
    flow_world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SHOP(whoever_comes_first_after_a_death_makes_the_one_contact),
        IN_SHOP(a_span_that_needs_no_lock_comes_to_its_end),
        IN_SHOP(what_was_refused_is_not_done_when_its_span_begins_anew),
        IN_SHOP(a_step_whose_key_breaks_its_rules_never_runs),
        IN_SHOP(what_follows_an_intent_of_the_last_life_has_a_lock_of_its_own),
        IN_SHOP(each_of_two_instances_has_a_lock_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
