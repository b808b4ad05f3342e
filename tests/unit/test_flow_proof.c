/* Proof in the flow: second looks, and listing a source anew. */
#include "switchboard/look.h"
#include "unit/flow_proof.h"

/* ---- second looks -------------------------------------------------------------------------------------- */

/* The second look is over, and has found the ticket of the request that came late. */
static void check_double_is_told(struct flow_world_test *w)
{
    CHECK_INT("people were told", 1, w->alerts[FLOW_ALERT_DOUBLED]);
    CHECK_INT("it is kept", 1, count_rows(w, "doubled"));
    CHECK_INT("it is over", 0, count_rows(w, "sweeps"));
    assert_true(has_outcome(w, 1, "doubled", "2 was made; there is also 1"));
    check_chain(w);
}

static void a_request_that_arrives_after_all_is_reported_as_a_double(void **state)
{
    struct flow_world_test *w = world_with(MISHAP_LATE);

    (void)state;
    assert_true(flow_world_run(w, 14 * MINUTE_MS));
    CHECK_INT("done, with a ticket of its own", 1, count_state(w, "done"));
    CHECK_INT("the second look is due", 1, count_rows(w, "sweeps"));
    CHECK_INT("nobody knows of two yet", 0, w->alerts[FLOW_ALERT_DOUBLED]);
    flow_world_pass(w, HOUR_MS);
    check_double_is_told(w);
    flow_world_free(w);
}

/* The first request arrives after all, and the second, which was refused, led to a third one, in another round. */
static void the_double_of_what_was_refused_and_done_in_another_way_is_reported_too(void **state)
{
    (void)state;
    set_desk_fold(DESK_CREATE_TICKET, fold_ticket_or_go_on);
    struct flow_world_test *w = world_with(MISHAP_LATE);
    w->mishap_then = MISHAP_422;
    assert_true(flow_world_run(w, 14 * MINUTE_MS));
    CHECK_INT("done, with a ticket of its own", 1, count_state(w, "done"));
    CHECK_INT("the second look is due", 1, count_rows(w, "sweeps"));
    flow_world_pass(w, 2 * HOUR_MS);
    CHECK_INT("two tickets", 2, w->shop.ticket_count);
    check_double_is_told(w);
    flow_world_free(w);
}

/* The search is further behind than it is trusted to be: the second look sees neither of the two. */
static void a_double_that_is_hidden_for_long_is_reported_when_it_is_shown(void **state)
{
    struct flow_world_test *w = world_with(MISHAP_LATE);

    (void)state;
    w->shop.lag_ms = 30 * MINUTE_MS;
    assert_true(flow_world_run(w, HOUR_MS));
    flow_world_pass(w, 3 * HOUR_MS);
    check_double_is_told(w);
    flow_world_free(w);
}

/* Somebody has deleted it: that is found out with a few requests. */
static void what_is_not_shown_for_hours_is_gone(void **state)
{
    struct flow_world_test *w = world_with(MISHAP_LOST_REPLY);

    (void)state;
    assert_true(flow_world_run(w, HOUR_MS));
    CHECK_INT("made", 1, w->shop.ticket_count);
    w->shop.ticket_count = 0;
    int before = w->sends_of_path;
    flow_world_pass(w, 5 * HOUR_MS);
    CHECK_INT("not yet", false, has_outcome(w, 1, "gone", NULL));
    flow_world_pass(w, 24 * HOUR_MS);
    CHECK_INT("gone", true, has_outcome(w, 1, "gone", NULL));
    CHECK_INT("looks", true, w->sends_of_path - before <= 8);
    CHECK_INT("no double", 0, w->alerts[FLOW_ALERT_DOUBLED]);
    flow_world_free(w);
}

static void a_double_that_was_mended_is_taken_back(void **state)
{
    struct flow_world_test *w = world_with(MISHAP_LATE);
    struct sb_error err = SB_ERROR_INIT;
    AUTO_JSON made = NULL;

    (void)state;
    assert_true(flow_world_run(w, 14 * MINUTE_MS));
    flow_world_pass(w, HOUR_MS);
    CHECK_INT("kept", 1, count_rows(w, "doubled"));
    assert_int_equal(store_made(w->store, 1, &made, &err), 0);
    assert_int_equal(store_forget_doubled(w->store, made, &err), 0);
    CHECK_INT("taken back", 0, count_rows(w, "doubled"));
    check_chain(w);
    flow_world_free(w);
}

static void a_second_look_survives_a_restart(void **state)
{
    struct flow_world_test *w = world_with(MISHAP_LATE);

    (void)state;
    assert_true(flow_world_run(w, 14 * MINUTE_MS));
    die_and_restart(w);
    flow_world_pass(w, HOUR_MS);
    CHECK_INT("people were told", 1, w->alerts[FLOW_ALERT_DOUBLED]);
    flow_world_free(w);
}

/* The number of commits until the double is in the journal. */
static int commits_of_a_second_look(void)
{
    struct flow_world_test *w = world_with(MISHAP_LATE);

    assert_true(flow_world_run(w, 14 * MINUTE_MS));
    while (count_rows(w, "doubled") == 0 && w->now_ms < 2 * HOUR_MS)
        flow_world_pass(w, w->now_ms + 1000);
    int commits = w->commits;
    flow_world_free(w);
    return commits;
}

static void a_death_around_the_commits_of_a_second_look_reports_it_all_the_same(void **state)
{
    int last = commits_of_a_second_look();

    (void)state;
    for (int at = last - 5; at <= last; at++) {
        for (int is_after = 0; is_after < 2; is_after++) {
            struct flow_world_test *w = world_with(MISHAP_LATE);
            *(is_after ? &w->die_after_commit : &w->die_before_commit) = at;
            (void)flow_world_run(w, 14 * MINUTE_MS);
            flow_world_pass(w, 3 * HOUR_MS);
            CHECK_INT("it died", true, w->is_dead);
            CHECK_INT("kept", 1, count_rows(w, "doubled"));
            check_chain(w);
            flow_world_free(w);
        }
    }
}

static void one_that_was_found_by_looking_is_looked_at_again(void **state)
{
    struct flow_world_test *w = world_with(MISHAP_LOST_REPLY);

    (void)state;
    assert_true(flow_world_run(w, HOUR_MS));
    check_ticket_once("a lost reply", w, 1);
    flow_world_pass(w, 2 * HOUR_MS);
    CHECK_INT("no double", 0, w->alerts[FLOW_ALERT_DOUBLED]);
    assert_true(has_outcome(w, 1, "found", "found by looking"));
    assert_true(has_outcome(w, 1, "one only", NULL));
    CHECK_INT("over", 0, count_rows(w, "sweeps"));
    flow_world_free(w);
}

static void what_was_certain_is_not_looked_at_again(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);

    (void)state;
    shop_add_call(w, "call1");
    assert_true(flow_world_run(w, HOUR_MS));
    CHECK_INT("nothing is due", 0, count_rows(w, "sweeps"));
    flow_world_free(w);
}

/* Notes name nothing with sb_found(): there is nothing to compare. */
static void a_plugin_that_names_nothing_is_not_asked_again(void **state)
{
    struct flow_world_test *w = world_with(MISHAP_LOST_REQUEST);

    (void)state;
    w->mishap_path = "/notes";
    assert_true(flow_world_run(w, HOUR_MS));
    int before = w->sends_of_path;
    flow_world_pass(w, 2 * HOUR_MS);
    CHECK_INT("over", 0, count_rows(w, "sweeps"));
    CHECK_INT("without a request", before, w->sends_of_path);
    flow_world_free(w);
}

static void a_second_look_waits_for_a_service_that_is_down(void **state)
{
    struct flow_world_test *w = world_with(MISHAP_LATE);

    (void)state;
    assert_true(flow_world_run(w, 14 * MINUTE_MS));
    w->mishap = MISHAP_503;
    w->mishap_at = w->sends_of_path;
    w->mishap_lasts = true;
    flow_world_pass(w, 2 * HOUR_MS);
    CHECK_INT("not sure", 0, w->alerts[FLOW_ALERT_DOUBLED]);
    CHECK_INT("still due", 1, count_rows(w, "sweeps"));
    w->mishap_at = -1;
    flow_world_pass(w, 3 * HOUR_MS);
    CHECK_INT("told when it answers", 1, w->alerts[FLOW_ALERT_DOUBLED]);
    flow_world_free(w);
}

/* ---- asked for ----------------------------------------------------------------------------------------- */

struct seen {
    int calls;
    json_t *found; /* owned */
    char fault[200];
};

static void on_looked(void *ctx, const json_t *job, const json_t *found, const char *fault)
{
    struct seen *seen = ctx;

    (void)job;
    seen->calls++;
    json_decref(seen->found);
    seen->found = found ? json_deep_copy(found) : NULL;
    (void)snprintf(seen->fault, sizeof(seen->fault), "%s", fault ? fault : "");
}

static void what_was_made_can_be_looked_at_any_time(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);
    struct sb_error err = SB_ERROR_INIT;
    struct seen seen = { .calls = 0 };
    AUTO_JSON made = NULL;

    (void)state;
    shop_add_call(w, "call1");
    assert_true(flow_world_run(w, HOUR_MS));
    assert_int_equal(store_made(w->store, 1, &made, &err), 0);
    CHECK_INT("the ticket has a name", 1, json_array_size(made));
    assert_string_equal("1", json_str(json_array_get(made, 0), "made"));
    for (int i = 0; i < 2; i++)
        assert_true(flow_look(w->flow, json_incref(json_array_get(made, 0)), on_looked, &seen));
    flow_world_pass(w, w->now_ms + MINUTE_MS);
    CHECK_INT("both were told", 2, seen.calls);
    CHECK_INT("it is there once", 1, json_array_size(seen.found));
    json_decref(seen.found);
    flow_world_free(w);
}

static void on_listed(void *ctx, json_t *listed, const char *fault)
{
    on_looked(ctx, NULL, listed, fault);
    json_decref(listed);
}

static void a_source_is_listed_anew_without_emitting_anything(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);
    struct seen seen = { .calls = 0 };

    (void)state;
    shop_add_call(w, "call1");
    shop_add_call(w, "call2");
    assert_true(flow_world_run(w, HOUR_MS));
    int before = w->commits;
    assert_true(flow_list(w->flow, 0, 1, on_listed, &seen));
    assert_false(flow_list(w->flow, 0, 1, on_listed, &seen));
    flow_world_pass(w, w->now_ms + 1000);
    CHECK_INT("told", 1, seen.calls);
    CHECK_INT("both calls", 2, json_array_size(seen.found));
    assert_string_equal("call1", json_str(json_array_get(seen.found, 0), "external_id"));
    CHECK_INT("nothing was written", before, w->commits);
    json_decref(seen.found);
    flow_world_free(w);
}

static void a_source_that_cannot_be_listed_says_why(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);
    struct seen seen = { .calls = 0 };

    (void)state;
    assert_true(flow_world_run(w, HOUR_MS));
    w->mishap = MISHAP_503;
    w->mishap_path = "/calls";
    w->mishap_at = 0;
    w->mishap_lasts = true;
    assert_true(flow_list(w->flow, 0, 1, on_listed, &seen));
    flow_world_pass(w, w->now_ms + HOUR_MS);
    CHECK_INT("told", 1, seen.calls);
    assert_null(seen.found);
    assert_non_null(strstr(seen.fault, "503"));
    flow_world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SHOP(a_request_that_arrives_after_all_is_reported_as_a_double),
        IN_SHOP(the_double_of_what_was_refused_and_done_in_another_way_is_reported_too),
        IN_SHOP(a_double_that_is_hidden_for_long_is_reported_when_it_is_shown),
        IN_SHOP(what_is_not_shown_for_hours_is_gone),
        IN_SHOP(a_double_that_was_mended_is_taken_back),
        IN_SHOP(a_second_look_survives_a_restart),
        IN_SHOP(a_death_around_the_commits_of_a_second_look_reports_it_all_the_same),
        IN_SHOP(one_that_was_found_by_looking_is_looked_at_again),
        IN_SHOP(what_was_certain_is_not_looked_at_again),
        IN_SHOP(a_plugin_that_names_nothing_is_not_asked_again),
        IN_SHOP(a_second_look_waits_for_a_service_that_is_down),
        IN_SHOP(what_was_made_can_be_looked_at_any_time),
        IN_SHOP(a_source_is_listed_anew_without_emitting_anything),
        IN_SHOP(a_source_that_cannot_be_listed_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
