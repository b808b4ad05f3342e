/* What a record that has ended may have made under its lock, and nobody sees yet: the lock rests, and whoever comes next waits
 * for it, in this life of the process and in the next ones. */
#include "unit/flow_shop.h"

/* ---- in one life --------------------------------------------------------------------------------------- */

enum {
    BEGIN_MS = 10 * 1000,
    SHORT_MS = 2 * 60 * 1000,
    LAG_MS = 5 * 60 * 1000,
    SETTLE_MS = 10 * 60 * 1000,
    BREAKER_MS = 6 * 60 * 1000 /* it opens again after five minutes */
};

/* Two calls of one person. The first has asked for a contact, and nobody knows what came of it; the helpdesk shows for some
 * minutes only what it had before. */
static struct flow_world_test *world_of_unknown_contact(enum mishap mishap)
{
    struct flow_world_test *w = flow_world_new(&plan);

    w->mishap = mishap;
    w->mishap_path = "/contacts";
    w->mishap_at = 1; /* the first looks, the second creates */
    w->shop.lag_ms = LAG_MS;
    shop_add_call(w, "call1");
    assert_false(flow_world_run(w, BEGIN_MS));
    CHECK_INT("unknown", 1, count_state(w, "unknown"));
    shop_add_call(w, "call2");
    return w;
}

static void who_follows_a_dropped_record_finds_the_contact_that_it_has_made(void **state)
{
    static const struct {
        const char *row;
        enum mishap mishap;
        bool dies, waits; /* before it is dropped; for the call that comes next */
    } rows[] = { { "before the next call", MISHAP_LOST_REPLY, false, false },
                 { "while the next call waits", MISHAP_LOST_REPLY, false, true },
                 { "after a restart", MISHAP_LOST_REPLY, true, false },
                 { "after a restart, while the next call waits", MISHAP_LOST_REPLY, true, true },
                 { "that was never made", MISHAP_LOST_REQUEST, false, true } };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct flow_world_test *w = world_of_unknown_contact(rows[i].mishap);
        if (rows[i].dies)
            die_and_restart(w);
        if (rows[i].waits)
            flow_world_pass(w, w->now_ms + SHORT_MS);
        CHECK_INT(rows[i].row, true, flow_drop(w->flow, 1, "nobody wants it"));
        assert_false(flow_world_run(w, SETTLE_MS));
        CHECK_INT(rows[i].row, 1, count_state(w, "dropped"));
        CHECK_INT(rows[i].row, 0, w->shop.ticket_count);      /* as long as it may be hidden */
        assert_true(flow_world_run(w, SETTLE_MS + SHORT_MS)); /* and not longer */
        check_ticket_once(rows[i].row, w, 1);
        CHECK_INT(rows[i].row, 1, count_state(w, "done"));
        flow_world_free(w);
    }
}

/* Its contact may be hidden no longer: nobody waits for it. */
static void what_was_dropped_when_it_could_be_seen_holds_up_nobody(void **state)
{
    struct flow_world_test *w = world_of_unknown_contact(MISHAP_LOST_REPLY);

    (void)state;
    w->mishap = MISHAP_503; /* looking says nothing, until it is dropped */
    w->mishap_at = 0;
    w->mishap_lasts = true;
    flow_world_pass(w, HOUR_MS);
    CHECK_INT("still unknown", 1, count_state(w, "unknown"));
    w->mishap_at = -1;
    assert_true(flow_drop(w->flow, 1, "nobody wants it"));
    assert_true(flow_world_run(w, HOUR_MS + BREAKER_MS));
    check_ticket_once("the other", w, 1);
    flow_world_free(w);
}

/* A stop, and the end of a flow, with a lock that rests. */
static void a_lock_that_rests_holds_up_no_stop(void **state)
{
    struct flow_world_test *w = world_of_unknown_contact(MISHAP_LOST_REPLY);

    (void)state;
    flow_world_pass(w, w->now_ms + SHORT_MS);
    assert_true(flow_drop(w->flow, 1, "nobody wants it"));
    flow_world_pass(w, w->now_ms + 1000);
    flow_stop(w->flow);
    assert_true(flow_is_quiet(w->flow));
    flow_world_pass(w, HOUR_MS);
    CHECK_INT("nothing is begun any more", 0, w->shop.ticket_count);
    flow_world_free(w);
}

static int refusals;

/* The contact is there, but its answer cannot be read. */
static enum sb_verdict fold_contact_badly(struct sb_exchange *x)
{
    return sb_http_status(x) == 200 && refusals-- > 0 ? sb_reject(x, "an answer of another kind")
                                                      : fold_contact(x);
}

static void who_follows_a_dead_letter_finds_the_contact_that_it_has_made(void **state)
{
    (void)state;
    set_desk_fold(DESK_CREATE_CONTACT, fold_contact_badly);
    refusals = 1;
    struct flow_world_test *w = flow_world_new(&plan);
    w->shop.lag_ms = LAG_MS;
    shop_add_call(w, "call1");
    shop_add_call(w, "call2");
    assert_true(flow_world_run(w, SETTLE_MS + SHORT_MS));
    check_ticket_once("the other", w, 1);
    CHECK_INT("dead", 1, count_state(w, "dead"));
    CHECK_INT("done", 1, count_state(w, "done"));
    flow_world_free(w);
}

/* ---- over restarts ------------------------------------------------------------------------------------- */

static void drop_in_store(struct flow_world_test *w)
{
    struct sb_error err = SB_ERROR_INIT;

    if (store_drop(w->store, 1, "nobody wants it", world_wall(w), &err) < 0)
        fail_msg("%s", err.text);
}

static void dropped_by_the_flow(struct flow_world_test *w)
{
    assert_true(flow_drop(w->flow, 1, "nobody wants it"));
    flow_world_pass(w, w->now_ms + 1000);
    die_and_restart(w);
}

/* By a command, while no engine runs. */
static void dropped_between_two_lives(struct flow_world_test *w)
{
    drop_in_store(w);
    die_and_restart(w);
}

static void dropped_and_the_clock_set_back(struct flow_world_test *w)
{
    dropped_by_the_flow(w);
    w->wall_skew_ms = -HOUR_MS;
    die_and_restart(w);
}

/* Its pipeline was switched off, so that nothing looks for what it has asked for; another one has the same desk. */
static void dropped_while_its_pipeline_is_off(struct flow_world_test *w)
{
    static struct flow_pipeline pipelines[2];

    pipelines[0] = pipelines[1] = pipeline;
    pipelines[0].is_off = true;
    pipelines[1].name = "others";
    plan.pipelines = pipelines;
    plan.pipeline_count = 2;
    die_and_restart(w);
    flow_world_pass(w, w->now_ms + 1000);
    assert_false(flow_drop(w->flow, 1, "nobody wants it"));
    drop_in_store(w);
    shop_add_call(w, "call3"); /* of the other; the second call waits for its pipeline */
}

static void a_lock_goes_on_resting_in_the_next_life(void **state)
{
    static const struct {
        const char *row;
        void (*drop)(struct flow_world_test *w);
    } rows[] = { { "dropped by the flow", dropped_by_the_flow },
                 { "dropped between two lives", dropped_between_two_lives },
                 { "dropped, and the clock set back", dropped_and_the_clock_set_back },
                 { "dropped while its pipeline is off", dropped_while_its_pipeline_is_off } };

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct flow_world_test *w = world_of_unknown_contact(MISHAP_LOST_REPLY);
        flow_world_pass(w, w->now_ms + SHORT_MS);
        rows[i].drop(w);
        flow_world_pass(w, SETTLE_MS);
        CHECK_INT(rows[i].row, 1, count_state(w, "dropped"));
        CHECK_INT(rows[i].row, 0, w->shop.ticket_count);
        assert_true(flow_world_run(w, SETTLE_MS + 2 * SHORT_MS));
        check_ticket_once(rows[i].row, w, 1);
        flow_world_free(w);
        assert_int_equal(0, tear_down(state));
        assert_int_equal(0, set_up(state));
    }
}

static void a_rest_that_is_over_holds_up_nobody_in_the_next_life(void **state)
{
    struct flow_world_test *w = world_of_unknown_contact(MISHAP_LOST_REPLY);

    (void)state;
    flow_world_pass(w, w->now_ms + SHORT_MS);
    dropped_by_the_flow(w);
    flow_world_pass(w, HOUR_MS);
    shop_add_call(w, "call3");
    die_and_restart(w);
    assert_true(flow_world_run(w, HOUR_MS + SHORT_MS));
    check_ticket_once("the other two", w, 2);
    flow_world_free(w);
}

/* The first call's contact was made, but its answer could not be read; from now on answers can be. */
static struct flow_world_test *world_of_dead_letter(int64_t lag_ms)
{
    struct flow_world_test *w = flow_world_new(&plan);

    set_desk_fold(DESK_CREATE_CONTACT, fold_contact_badly);
    refusals = 1;
    w->shop.lag_ms = lag_ms;
    shop_add_call(w, "call1");
    assert_true(flow_world_run(w, SHORT_MS));
    CHECK_INT("dead", 1, count_state(w, "dead"));
    return w;
}

/* An operator's command, which the journal alone sees at first. */
static void retry_dead(struct flow_world_test *w)
{
    struct sb_error err = SB_ERROR_INIT;
    size_t count = 0;

    assert_int_equal(0, store_retry(w->store, 1, STORE_DEAD, world_wall(w), &count, &err));
    assert_int_equal(1, count);
}

/* The record that left the lock at rest comes back: it goes on at once, and alone. */
static void what_is_retried_has_its_lock_back(void **state)
{
    struct flow_world_test *w = world_of_dead_letter(LAG_MS);

    (void)state;
    shop_add_call(w, "call2");
    flow_world_pass(w, 2 * SHORT_MS);
    retry_dead(w);
    flow_admit(w->flow, 1, "calls");
    assert_true(flow_world_run(w, 3 * SHORT_MS));
    check_ticket_once("both, and long before the lock has rested", w, 2);
    flow_world_free(w);
}

/* The first ended with an answer that nobody could read; somebody has then taken its contact away, and the second asks for
 * another one. An operator takes up the first again, and the process dies with both. */
static void two_that_have_asked_under_one_key_are_both_taken_up_again(void **state)
{
    struct flow_world_test *w = world_of_dead_letter(0);

    (void)state;
    w->shop.contact_count = 0;
    w->shop.lag_ms = LAG_MS;
    w->mishap = MISHAP_LOST_REPLY;
    w->mishap_path = "/contacts";
    w->mishap_at = w->sends_of_path + 1;
    shop_add_call(w, "call2");
    flow_world_pass(w, SETTLE_MS + SHORT_MS);
    CHECK_INT("unknown", 1, count_state(w, "unknown"));
    retry_dead(w);
    die_and_restart(w);
    assert_true(flow_world_run(w, HOUR_MS));
    CHECK_INT("both have a ticket", 2, count_state(w, "done"));
    check_ticket_once("both", w, 2);
    flow_world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SHOP(who_follows_a_dropped_record_finds_the_contact_that_it_has_made),
        IN_SHOP(what_was_dropped_when_it_could_be_seen_holds_up_nobody),
        IN_SHOP(a_lock_that_rests_holds_up_no_stop),
        IN_SHOP(who_follows_a_dead_letter_finds_the_contact_that_it_has_made),
        IN_SHOP(a_lock_goes_on_resting_in_the_next_life),
        IN_SHOP(a_rest_that_is_over_holds_up_nobody_in_the_next_life),
        IN_SHOP(what_is_retried_has_its_lock_back),
        IN_SHOP(two_that_have_asked_under_one_key_are_both_taken_up_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
