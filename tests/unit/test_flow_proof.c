/* Proof in the flow: second looks, an operator's decisions, and listing a source anew. */
#include "switchboard/look.h"
#include "unit/flow_shop.h"

enum { MINUTE_MS = 60 * 1000 };

static int64_t count_rows(struct flow_world_test *w, const char *path)
{
    AUTO_JSON proof = NULL;
    struct sb_error err = SB_ERROR_INIT;

    assert_int_equal(store_proof(w->store, 0, &proof, &err), 0);
    const json_t *found = json_at(proof, path);
    return json_is_array(found) ? (int64_t)json_array_size(found) : json_integer_value(found);
}

static bool has_outcome(struct flow_world_test *w, int64_t id, const char *verdict, const char *words)
{
    AUTO_JSON timeline = NULL;
    struct sb_error err = SB_ERROR_INIT;
    size_t index;
    json_t *row;

    assert_int_equal(store_timeline(w->store, id, &timeline, &err), 0);
    json_array_foreach (timeline, index, row) {
        const char *said = json_str(row, "verdict"), *text = json_str(row, "text");
        if (said && strcmp(said, verdict) == 0 && (!words || (text && strstr(text, words))))
            return true;
    }
    return false;
}

static void check_chain(struct flow_world_test *w)
{
    AUTO_JSON report = NULL;
    struct sb_error err = SB_ERROR_INIT;

    assert_int_equal(store_check_chain(w->store, &report, &err), 0);
    AUTO_STR text = json_dumps(report, JSON_COMPACT);
    if (!json_is_true(json_object_get(report, "is_whole")))
        fail_msg("%s", text);
}

/* The first request for a ticket goes wrong in this way. */
static struct flow_world_test *world_with(enum mishap mishap)
{
    struct flow_world_test *w = flow_world_new(&plan);

    w->mishap = mishap;
    w->mishap_path = "/tickets";
    w->mishap_at = 0;
    w->shop.late_ms = 15 * MINUTE_MS;
    shop_add_call(w, "call1");
    return w;
}

/* ---- second looks -------------------------------------------------------------------------------------- */

static void a_request_that_arrives_after_all_is_reported_as_a_double(void **state)
{
    struct flow_world_test *w = world_with(MISHAP_LATE);

    (void)state;
    assert_true(flow_world_run(w, 14 * MINUTE_MS));
    CHECK_INT("done, with a ticket of its own", 1, count_state(w, "done"));
    CHECK_INT("the second look is due", 1, count_rows(w, "sweeps"));
    CHECK_INT("nobody knows of two yet", 0, w->alerts[FLOW_ALERT_DOUBLED]);
    flow_world_pass(w, HOUR_MS);
    CHECK_INT("people were told", 1, w->alerts[FLOW_ALERT_DOUBLED]);
    CHECK_INT("it is kept", 1, count_rows(w, "doubled"));
    CHECK_INT("it is over", 0, count_rows(w, "sweeps"));
    assert_true(has_outcome(w, 1, "doubled", "2 was made; there is also 1"));
    check_chain(w);
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

/* ---- decisions of an operator -------------------------------------------------------------------------- */

/* One record whose ticket is unknown and stays so: the request was lost, looking says nothing. */
static struct flow_world_test *world_of_unknown(enum mishap mishap)
{
    struct flow_world_test *w = world_with(mishap);

    assert_false(flow_world_run(w, 15 * 1000));
    CHECK_INT("unknown", 1, count_state(w, "unknown"));
    w->mishap = MISHAP_503;
    w->mishap_at = 0;
    w->mishap_path = "/tickets/";
    w->sends_of_path = 0;
    w->mishap_lasts = true;
    return w;
}

static void an_operator_lets_an_unknown_record_take_its_ticket(void **state)
{
    struct flow_world_test *w = world_of_unknown(MISHAP_LOST_REPLY);

    (void)state;
    CHECK_INT("decided", FLOW_DECIDED, flow_decide(w->flow, 1, "1", false));
    assert_true(flow_world_run(w, HOUR_MS));
    check_ticket_once("adopted", w, 1);
    assert_true(has_outcome(w, 1, "adopted", "an operator says that it is this one"));
    check_chain(w);
    flow_world_free(w);
}

static bool is_looking(const struct flow_world_test *w)
{
    for (size_t i = 0; i < w->event_count; i++)
        if (w->events[i].kind == EVENT_SEND)
            return true;
    return false;
}

/* Goes on to the moment at which the helpdesk is asked for the `count`th time. False: it is asked less often. */
static bool pass_to_look(struct flow_world_test *w, int count)
{
    enum { TICK_MS = 20 };
    bool was_looking = true;

    while (w->now_ms < HOUR_MS && count_state(w, "unknown") == 1) {
        bool looks = is_looking(w);
        count -= looks && !was_looking;
        was_looking = looks;
        if (count == 0)
            return true;
        flow_world_pass(w, w->event_count || w->wake_ms < w->now_ms + TICK_MS ? w->now_ms + TICK_MS
                                                                              : w->wake_ms);
    }
    return false;
}

/* The helpdesk hides the ticket for longer than is believed: whatever a look says that is under way, the operator knows. */
static void an_operators_word_outranks_a_look_that_is_under_way(void **state)
{
    int looks = 0;

    (void)state;
    for (bool goes_on = true; goes_on;) {
        struct flow_world_test *w = world_with(MISHAP_LOST_REPLY);
        w->shop.lag_ms = 24 * HOUR_MS;
        assert_false(flow_world_run(w, 15 * 1000));
        CHECK_INT("unknown", 1, count_state(w, "unknown"));
        goes_on = pass_to_look(w, looks + 1);
        if (goes_on) {
            looks++;
            CHECK_INT("decided", FLOW_DECIDED, flow_decide(w->flow, 1, "1", false));
            assert_true(flow_world_run(w, 2 * HOUR_MS));
            CHECK_INT("tickets", 1, w->shop.ticket_count);
            assert_true(has_outcome(w, 1, "adopted", NULL));
        }
        flow_world_free(w);
    }
    assert_true(looks >= 2);
}

static void a_ticket_that_cannot_be_it_is_refused_unless_forced(void **state)
{
    struct flow_world_test *w = world_of_unknown(MISHAP_LOST_REQUEST);

    (void)state;
    (void)snprintf(w->shop.tickets[w->shop.ticket_count++].reference, 32, "somebody else's");
    CHECK_INT("decided", FLOW_DECIDED, flow_decide(w->flow, 1, "1", false));
    flow_world_pass(w, w->now_ms + 1000);
    assert_true(has_outcome(w, 1, "not adopted", "carries another reference"));
    CHECK_INT("still unknown", 1, count_state(w, "unknown"));
    CHECK_INT("decided", FLOW_DECIDED, flow_decide(w->flow, 1, "7", false));
    flow_world_pass(w, w->now_ms + 1000);
    assert_true(has_outcome(w, 1, "not adopted", "404"));
    CHECK_INT("forced", FLOW_DECIDED, flow_decide(w->flow, 1, "1", true));
    assert_true(flow_world_run(w, HOUR_MS));
    CHECK_INT("taken", 1, w->shop.ticket_count);
    CHECK_INT("done", 1, count_state(w, "done"));
    flow_world_free(w);
}

static void an_operator_lets_an_unknown_record_be_sent_again(void **state)
{
    struct flow_world_test *w = world_of_unknown(MISHAP_LOST_REQUEST);

    (void)state;
    CHECK_INT("decided", FLOW_DECIDED, flow_decide(w->flow, 1, NULL, false));
    assert_true(flow_world_run(w, HOUR_MS));
    check_ticket_once("sent again", w, 1);
    assert_true(has_outcome(w, 1, "sent again by an operator", NULL));
    CHECK_INT("looked at again", 1, count_rows(w, "sweeps"));
    flow_world_free(w);
}

static void an_operator_who_is_wrong_is_told_so(void **state)
{
    struct flow_world_test *w = world_of_unknown(MISHAP_LOST_REPLY);

    (void)state;
    CHECK_INT("decided", FLOW_DECIDED, flow_decide(w->flow, 1, NULL, false));
    assert_true(flow_world_run(w, HOUR_MS));
    w->mishap_at = -1;
    flow_world_pass(w, 3 * HOUR_MS);
    CHECK_INT("two tickets", 2, w->shop.ticket_count);
    CHECK_INT("people were told", 1, w->alerts[FLOW_ALERT_DOUBLED]);
    flow_world_free(w);
}

static void what_is_not_unknown_cannot_be_decided(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);
    struct sb_error err = SB_ERROR_INIT;
    const struct store_decision decision = { .adopt = NULL };
    enum store_state stands = STORE_STATE_INVALID;

    (void)state;
    shop_add_call(w, "call1");
    assert_true(flow_world_run(w, HOUR_MS));
    CHECK_INT("gone from the flow", FLOW_NOT_UNDER_WAY, flow_decide(w->flow, 1, "1", false));
    CHECK_INT("refused", SB_EINPUT, store_check_unknown(w->store, 1, &stands, &err));
    assert_non_null(strstr(err.text, "record 1 is not unknown"));
    err = (struct sb_error)SB_ERROR_INIT;
    CHECK_INT("refused", SB_EINPUT, store_decide(w->store, 1, &decision, world_wall(w), &err));
    flow_world_free(w);
}

static void a_decision_that_was_made_while_nothing_ran_counts_at_the_next_start(void **state)
{
    static const struct {
        const char *row, *adopt;
        enum mishap mishap;
        const char *verdict;
    } rows[] = { { "adopt", "1", MISHAP_LOST_REPLY, "adopted" },
                 { "send again", NULL, MISHAP_LOST_REQUEST, "sent again by an operator" } };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct flow_world_test *w = world_of_unknown(rows[i].mishap);
        struct sb_error err = SB_ERROR_INIT;
        const struct store_decision decision = { .adopt = rows[i].adopt,
                                                 .text = "an operator says that it is 1" };
        flow_free(w->flow);
        w->flow = NULL;
        drop_events(w);
        if (store_decide(w->store, 1, &decision, world_wall(w), &err) < 0)
            fail_msg("%s", err.text);
        assert_true(flow_world_run(w, HOUR_MS));
        check_ticket_once(rows[i].row, w, 1);
        assert_true(has_outcome(w, 1, rows[i].verdict, NULL));
        check_chain(w);
        flow_world_free(w);
    }
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

#define IN_SHOP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SHOP(a_request_that_arrives_after_all_is_reported_as_a_double),
        IN_SHOP(a_double_that_was_mended_is_taken_back),
        IN_SHOP(a_second_look_survives_a_restart),
        IN_SHOP(a_death_around_the_commits_of_a_second_look_reports_it_all_the_same),
        IN_SHOP(one_that_was_found_by_looking_is_looked_at_again),
        IN_SHOP(what_was_certain_is_not_looked_at_again),
        IN_SHOP(a_plugin_that_names_nothing_is_not_asked_again),
        IN_SHOP(a_second_look_waits_for_a_service_that_is_down),
        IN_SHOP(an_operator_lets_an_unknown_record_take_its_ticket),
        IN_SHOP(an_operators_word_outranks_a_look_that_is_under_way),
        IN_SHOP(a_ticket_that_cannot_be_it_is_refused_unless_forced),
        IN_SHOP(an_operator_lets_an_unknown_record_be_sent_again),
        IN_SHOP(an_operator_who_is_wrong_is_told_so),
        IN_SHOP(what_is_not_unknown_cannot_be_decided),
        IN_SHOP(a_decision_that_was_made_while_nothing_ran_counts_at_the_next_start),
        IN_SHOP(what_was_made_can_be_looked_at_any_time),
        IN_SHOP(a_source_is_listed_anew_without_emitting_anything),
        IN_SHOP(a_source_that_cannot_be_listed_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
