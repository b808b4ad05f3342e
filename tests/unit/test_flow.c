/* The flow, over a real journal and a shop that fails: every conversation ends in exactly one ticket. */
#include "unit/flow_shop.h"

static void a_call_becomes_a_ticket_with_its_notes(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);

    (void)state;
    shop_add_call(w, "call1");
    assert_true(flow_world_run(w, HOUR_MS));
    check_ticket_once("plain", w, 1);
    CHECK_INT("done", 1, count_state(w, "done"));
    CHECK_INT("token is asked for once", 1, w->shop.token_count);
    flow_world_free(w);
}

static void ten_calls_of_one_caller_make_one_contact(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);
    char id[16];

    (void)state;
    for (int i = 0; i < 10; i++) {
        (void)snprintf(id, sizeof(id), "call%d", i);
        shop_add_call(w, id);
    }
    w->shop.lag_ms = 5 * 60 * 1000;
    assert_true(flow_world_run(w, HOUR_MS));
    check_ticket_once("ten at once", w, 10);
    CHECK_INT("single flight", 1, w->shop.token_count);
    flow_world_free(w);
}

static void a_second_run_creates_nothing(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);

    (void)state;
    shop_add_call(w, "call1");
    assert_true(flow_world_run(w, HOUR_MS));
    die_and_restart(w);
    assert_true(flow_world_run(w, 2 * HOUR_MS));
    check_ticket_once("second run", w, 1);
    flow_world_free(w);
}

static void death_at_every_commit_makes_one_ticket(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);

    (void)state;
    shop_add_call(w, "call1");
    shop_add_call(w, "call2");
    assert_true(flow_world_run(w, HOUR_MS));
    int commits = w->commits;
    assert_true(commits > 10);
    flow_world_free(w);

    for (int at = 0; at < commits * 2; at++) {
        char row[48];
        (void)snprintf(row, sizeof(row), "death %s commit %d", at % 2 ? "after" : "before", at / 2);
        w = flow_world_new(&plan);
        shop_add_call(w, "call1");
        shop_add_call(w, "call2");
        *(at % 2 ? &w->die_after_commit : &w->die_before_commit) = at / 2;
        assert_true(flow_world_run(w, 4 * HOUR_MS));
        CHECK_INT(row, true, w->is_dead);
        check_ticket_once(row, w, 2);
        CHECK_INT(row, 2, count_state(w, "done"));
        flow_world_free(w);
    }
}

static void every_mishap_at_every_request_makes_one_ticket(void **state)
{
    (void)state;
    for (enum mishap mishap = MISHAP_REFUSED; mishap <= MISHAP_GARBLED; mishap++) {
        for (int at = 0; at < 16; at++) {
            char row[48];
            struct flow_world_test *w = flow_world_new(&plan);
            (void)snprintf(row, sizeof(row), "mishap %d at request %d", mishap, at);
            shop_add_call(w, "call1");
            w->mishap = mishap;
            w->mishap_at = at;
            w->shop.lag_ms = 60 * 1000;
            assert_true(flow_world_run(w, 12 * HOUR_MS));
            check_ticket_once(row, w, 1);
            CHECK_INT(row, 1, count_state(w, "done"));
            flow_world_free(w);
        }
    }
}

static void a_lost_request_is_sent_again_only_after_settle(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);

    (void)state;
    shop_add_call(w, "call1");
    w->mishap = MISHAP_LOST_REQUEST;
    w->mishap_path = "/tickets";
    w->mishap_at = 0;
    assert_false(flow_world_run(w, 9 * 60 * 1000));
    CHECK_INT("before settle", 0, w->shop.ticket_count);
    CHECK_INT("shown as unknown", 1, count_state(w, "unknown"));
    assert_true(flow_world_run(w, HOUR_MS));
    check_ticket_once("after settle", w, 1);
    flow_world_free(w);
}

static void a_service_that_is_down_for_hours_costs_no_attempts(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);

    (void)state;
    shop_add_call(w, "call1");
    shop_add_call(w, "call2");
    w->mishap = MISHAP_REFUSED;
    w->mishap_path = "/contacts";
    w->mishap_at = 0;
    w->mishap_lasts = true;
    assert_false(flow_world_run(w, 6 * HOUR_MS));
    CHECK_INT("nobody is dead", 0, count_state(w, "dead"));
    CHECK_INT("people were told", 1, w->alerts[FLOW_ALERT_BREAKER_OPEN]);
    assert_true(w->sends_of_path < 100);
    w->mishap_at = -1;
    assert_true(flow_world_run(w, 8 * HOUR_MS));
    check_ticket_once("after the outage", w, 2);
    CHECK_INT("recovered", 1, w->alerts[FLOW_ALERT_RECOVERED]);
    flow_world_free(w);
}

static void a_refused_alternative_gives_way_to_the_next(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);

    (void)state;
    pipeline.stages[0] = (struct flow_stage){ .alternatives = { 3, 1 }, .alternative_count = 2 };
    shop_add_call(w, "call1");
    assert_true(flow_world_run(w, HOUR_MS));
    CHECK_INT("the second one did it", 1, w->shop.transcriptions);
    CHECK_INT("nothing is missing", 0, count_state(w, "incomplete"));
    check_ticket_once("alternative", w, 1);
    flow_world_free(w);
}

static void a_stage_that_fails_leaves_a_ticket_that_says_so(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);

    (void)state;
    pipeline.stages[0] = (struct flow_stage){ .alternatives = { 3 }, .alternative_count = 1 };
    shop_add_call(w, "call1");
    assert_true(flow_world_run(w, HOUR_MS));
    CHECK_INT("said", 1, count_state(w, "incomplete"));
    check_ticket_once("no transcript", w, 1);
    flow_world_free(w);
}

static void switched_off_sinks_end_a_record_without_a_ticket(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);

    (void)state;
    planned[2].off_reason = "enabled = false";
    shop_add_call(w, "call1");
    assert_true(flow_world_run(w, HOUR_MS));
    CHECK_INT("disabled", 1, count_state(w, "disabled"));
    CHECK_INT("no ticket", 0, w->shop.ticket_count);
    planned[2].off_reason = NULL;
    die_and_restart(w);
    assert_true(flow_world_run(w, 2 * HOUR_MS));
    CHECK_INT("switching on creates nothing by itself", 0, w->shop.ticket_count);
    flow_world_free(w);
}

static void a_refused_token_is_got_anew_once_and_then_suspends(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);

    (void)state;
    shop_add_call(w, "call1");
    w->mishap = MISHAP_401;
    w->mishap_path = "/tickets";
    w->mishap_at = 0;
    w->mishap_lasts = true;
    assert_false(flow_world_run(w, 2 * 60 * 1000));
    CHECK_INT("two tokens, no storm", 2, w->shop.token_count);
    CHECK_INT("one clear message", 1, w->alerts[FLOW_ALERT_REVOKED]);
    w->mishap_at = -1;
    assert_true(flow_world_run(w, 2 * HOUR_MS));
    check_ticket_once("after the token is good", w, 1);
    flow_world_free(w);
}

static void records_wait_in_the_journal_when_memory_is_full(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);
    struct flow_counts counts;
    char id[16];

    (void)state;
    w->options.in_flight_max = 2;
    for (int i = 0; i < 20; i++) {
        (void)snprintf(id, sizeof(id), "call%d", i);
        shop_add_call(w, id);
    }
    (void)flow_world_run(w, 1100);
    flow_counts(w->flow, &counts);
    assert_true(counts.loaded <= 2);
    assert_true(flow_world_run(w, HOUR_MS));
    check_ticket_once("two at a time", w, 20);
    flow_world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SHOP(a_call_becomes_a_ticket_with_its_notes),
        IN_SHOP(ten_calls_of_one_caller_make_one_contact),
        IN_SHOP(a_second_run_creates_nothing),
        IN_SHOP(death_at_every_commit_makes_one_ticket),
        IN_SHOP(every_mishap_at_every_request_makes_one_ticket),
        IN_SHOP(a_lost_request_is_sent_again_only_after_settle),
        IN_SHOP(a_service_that_is_down_for_hours_costs_no_attempts),
        IN_SHOP(a_refused_alternative_gives_way_to_the_next),
        IN_SHOP(a_stage_that_fails_leaves_a_ticket_that_says_so),
        IN_SHOP(switched_off_sinks_end_a_record_without_a_ticket),
        IN_SHOP(a_refused_token_is_got_anew_once_and_then_suspends),
        IN_SHOP(records_wait_in_the_journal_when_memory_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
