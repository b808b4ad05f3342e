/* What an operator decides about an outcome that nobody knows: in time, too early, wrongly, several times. */
#include "unit/flow_proof.h"

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

/* Says "send again" all the time until the next request to that path is sent, whose answer is lost. How often that counted
 * for nothing, as nothing was unknown. */
static int say_again_until_sent(struct flow_world_test *w, const char *path)
{
    int refused = 0;

    w->mishap = MISHAP_LOST_REPLY;
    w->mishap_path = path;
    w->mishap_lasts = false;
    w->sends_of_path = 0;
    while (w->sends_of_path == 0 && w->now_ms < HOUR_MS) {
        flow_world_pass(w, w->now_ms); /* to the commits of this moment, and not beyond */
        refused += flow_decide(w->flow, 1, NULL, false) == FLOW_IS_SENDING;
        flow_world_pass(w, w->now_ms + 1);
    }
    return refused;
}

/* Several people see the same record and say the same: what they say is about the request that was sent before. */
static void what_is_said_twice_is_not_taken_for_the_next_request(void **state)
{
    struct flow_world_test *w = world_of_unknown(MISHAP_LOST_REQUEST);

    (void)state;
    CHECK_INT("decided", FLOW_DECIDED, flow_decide(w->flow, 1, NULL, false));
    assert_true(say_again_until_sent(w, "/tickets") > 0);
    assert_true(flow_world_run(w, HOUR_MS));
    check_ticket_once("said twice", w, 1);
    assert_true(has_outcome(w, 1, "found", NULL));
    check_chain(w);
    flow_world_free(w);
}

static void what_is_said_of_a_ticket_that_was_found_is_not_taken_for_its_note(void **state)
{
    struct flow_world_test *w = world_of_unknown(MISHAP_LOST_REPLY);

    (void)state;
    w->mishap_at = -1;
    CHECK_INT("decided", FLOW_DECIDED, flow_decide(w->flow, 1, "1", false));
    while (!is_looking(w) && w->now_ms < HOUR_MS)
        flow_world_pass(w, w->now_ms + 1);
    w->mishap_at = 0;
    assert_true(say_again_until_sent(w, "/notes") > 0);
    assert_true(flow_world_run(w, HOUR_MS));
    check_ticket_once("ticket and note", w, 1);
    assert_true(has_outcome(w, 1, "adopted", NULL));
    assert_false(has_outcome(w, 1, "sent again by an operator", NULL));
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

/* Goes on to the moment at which the commit that ends the record so is under way. */
static void pass_to_end(struct flow_world_test *w, enum store_state state)
{
    for (; w->now_ms < HOUR_MS; flow_world_pass(w, w->now_ms + 1)) {
        flow_world_pass(w, w->now_ms);
        for (size_t i = 0; i < w->event_count; i++)
            if (w->events[i].kind == EVENT_COMMIT && w->events[i].change->state == state)
                return;
    }
    fail_msg("it never ends");
}

static void what_is_said_of_a_record_that_is_just_being_dropped_is_not_taken_for_decided(void **state)
{
    static const char *const adopts[] = { "1", NULL };

    (void)state;
    for (size_t i = 0; i < ROWS(adopts); i++) {
        struct flow_world_test *w = world_of_unknown(MISHAP_LOST_REPLY);
        assert_true(flow_drop(w->flow, 1, "nobody wants it"));
        CHECK_INT("was dropped", FLOW_IS_ENDING, flow_decide(w->flow, 1, adopts[i], false));
        pass_to_end(w, STORE_DROPPED);
        CHECK_INT("is being dropped", FLOW_IS_ENDING, flow_decide(w->flow, 1, adopts[i], false));
        assert_true(flow_drop(w->flow, 1, "said twice"));
        assert_true(flow_world_run(w, HOUR_MS));
        CHECK_INT("dropped", 1, count_state(w, "dropped"));
        CHECK_INT("over", FLOW_NOT_UNDER_WAY, flow_decide(w->flow, 1, adopts[i], false));
        CHECK_INT("nothing was sent again", 1, w->shop.ticket_count);
        flow_world_free(w);
    }
}

/* The journal is asked then, behind the commit that is under way, and knows how it ended. */
static void a_record_that_is_just_being_done_is_not_said_to_be_dropped(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);
    struct sb_error err = SB_ERROR_INIT;

    (void)state;
    shop_add_call(w, "call1");
    start_flow(w);
    pass_to_end(w, STORE_DONE);
    assert_false(flow_drop(w->flow, 1, "nobody wants it"));
    CHECK_INT("nor decided", FLOW_IS_ENDING, flow_decide(w->flow, 1, "1", false));
    assert_true(flow_world_run(w, HOUR_MS));
    CHECK_INT("done", 1, count_state(w, "done"));
    CHECK_INT("refused", SB_EINPUT, store_drop(w->store, 1, "nobody wants it", world_wall(w), &err));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SHOP(an_operator_lets_an_unknown_record_take_its_ticket),
        IN_SHOP(an_operators_word_outranks_a_look_that_is_under_way),
        IN_SHOP(a_ticket_that_cannot_be_it_is_refused_unless_forced),
        IN_SHOP(an_operator_lets_an_unknown_record_be_sent_again),
        IN_SHOP(what_is_said_twice_is_not_taken_for_the_next_request),
        IN_SHOP(what_is_said_of_a_ticket_that_was_found_is_not_taken_for_its_note),
        IN_SHOP(an_operator_who_is_wrong_is_told_so),
        IN_SHOP(what_is_not_unknown_cannot_be_decided),
        IN_SHOP(what_is_said_of_a_record_that_is_just_being_dropped_is_not_taken_for_decided),
        IN_SHOP(a_record_that_is_just_being_done_is_not_said_to_be_dropped),
        IN_SHOP(a_decision_that_was_made_while_nothing_ran_counts_at_the_next_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
