/* The gate of an instance: how many enter, how fast, what a pause does, and when the breaker opens and closes. */
#include "flow/gate.h"

#include "check.h"
#include "flow/state.h"

enum { ACTORS = 400 };

struct gate_world {
    struct flow flow;
    struct gate gate;
    struct sb_instance instance;
    struct instance_value values[2];
    int64_t now_ms;
    uint64_t random;
    int alerts[FLOW_ALERT_COUNT];
    struct actor actors[ACTORS];
};

static int64_t world_mono(void *ctx)
{
    return ((struct gate_world *)ctx)->now_ms;
}

static uint64_t world_random(void *ctx)
{
    return ((struct gate_world *)ctx)->random;
}

static void world_alert(void *ctx, enum flow_alert alert, const char *subject, const char *text)
{
    assert_string_equal(subject, "desk");
    assert_true(text[0]);
    ((struct gate_world *)ctx)->alerts[alert]++;
}

static const struct sb_option concurrency_option = { .name = "concurrency", .type = SB_OPT_INT };
static const struct sb_option rate_option = { .name = "rate", .type = SB_OPT_RATE };

/* A gate for `concurrency` at once and `events` in `period_ms` (0 events: unlimited). */
static struct gate_world *world_new(int64_t concurrency, int64_t events, int64_t period_ms)
{
    static struct gate_world worlds[1];
    struct gate_world *w = worlds;

    memset(w, 0, sizeof(*w));
    w->now_ms = 1000000;
    w->flow.world = (struct flow_world){
        .ctx = w, .mono_ms = world_mono, .wall_ms = world_mono, .random = world_random, .alert = world_alert
    };
    w->flow.options.alert_breaker_ms = 60000;
    w->flow.metrics = metrics_new();
    assert_non_null(w->flow.metrics);
    w->values[0] =
        (struct instance_value){ .option = &concurrency_option, .is_set = true, .number = concurrency };
    w->values[1] = (struct instance_value){
        .option = &rate_option, .is_set = true, .number = events, .period_ms = period_ms
    };
    w->instance = (struct sb_instance){ .name = "desk", .values = w->values, .value_count = 2 };
    const struct flow_plan_instance planned = { .instance = &w->instance, .name = "desk" };
    assert_int_equal(gate_init(&w->flow, &w->gate, &planned), 0);
    return w;
}

static void world_free(struct gate_world *w)
{
    gate_done(&w->flow, &w->gate);
    actor_table_done(&w->flow.actors);
    metrics_free(w->flow.metrics);
}

/* Lets time pass, timer by timer. */
static void pass(struct gate_world *w, int64_t ms)
{
    int64_t end_ms = w->now_ms + ms;

    while (actor_next_due(&w->flow.actors) <= end_ms) {
        w->now_ms = actor_next_due(&w->flow.actors);
        struct actor *actor = actor_take_due(&w->flow.actors, w->now_ms);
        actor->class_->on_timer(&w->flow, actor);
        if (w->flow.ready.count)
            return; /* somebody's turn: the caller decides */
    }
    w->now_ms = end_ms;
}

/* How many of the actors from `first` on get in; the others wait. */
static size_t enter_many(struct gate_world *w, size_t first, size_t count)
{
    size_t entered = 0;

    for (size_t i = first; i < first + count; i++)
        entered += gate_enter(&w->flow, &w->gate, &w->actors[i]);
    return entered;
}

static void fail_times(struct gate_world *w, int times)
{
    for (int i = 0; i < times; i++) {
        assert_true(gate_enter(&w->flow, &w->gate, &w->actors[ACTORS - 1]));
        gate_leave(&w->flow, &w->gate, GATE_FAILED, "HTTP 500");
    }
}

static void drain_ready(struct gate_world *w)
{
    while (queue_take(&w->flow.ready)) {
    }
}

/* ---- concurrency --------------------------------------------------------------------------------------- */

static void no_more_than_the_concurrency_enter(void **state)
{
    (void)state;
    struct gate_world *w = world_new(3, 0, 0);

    CHECK_INT("at once", 3, enter_many(w, 0, 10));
    CHECK_INT("waiting", 7, w->gate.queue.count);
    gate_leave(&w->flow, &w->gate, GATE_WORKED, NULL);
    CHECK_INT("one leaves, one has its turn", 1, w->flow.ready.count);
    assert_ptr_equal(queue_take(&w->flow.ready), &w->actors[3]);
    assert_true(gate_enter(&w->flow, &w->gate, &w->actors[3]));
    CHECK_INT("inside", 3, w->gate.in_use);
    world_free(w);
}

/* ---- rate ---------------------------------------------------------------------------------------------- */

/* Keeps the gate busy for three periods and looks at every window of one period. */
static void check_rate(int64_t events, int64_t period_ms)
{
    struct gate_world *w = world_new(1000000, events, period_ms);
    static int64_t entered_at[100000];
    size_t count = 0;
    int64_t end_ms = w->now_ms + 3 * period_ms;

    while (w->now_ms < end_ms) {
        struct actor *actor = queue_take(&w->flow.ready);
        if (!actor)
            actor = &w->actors[count % 2];
        if (actor->queue) {
            pass(w, 1);
        } else if (gate_enter(&w->flow, &w->gate, actor)) {
            assert_true(count < ROWS(entered_at));
            entered_at[count++] = w->now_ms;
            gate_leave(&w->flow, &w->gate, GATE_WORKED, NULL);
        }
    }
    size_t first = 0;
    for (size_t i = 0; i < count; i++) {
        while (entered_at[i] - entered_at[first] >= period_ms)
            first++;
        assert_true((int64_t)(i - first + 1) <= (events > 1 ? events : 2));
    }
    assert_true((int64_t)count >= events * 2); /* and it is used */
    world_free(w);
}

static void no_window_sees_more_than_the_rate(void **state)
{
    (void)state;
    check_rate(200, 60000);
    check_rate(10, 1000);
    check_rate(5, 1000);
    check_rate(1000, 3600000);
}

static void a_refund_gives_the_token_back(void **state)
{
    (void)state;
    struct gate_world *w = world_new(10, 1, 1000000);

    assert_true(gate_enter(&w->flow, &w->gate, &w->actors[0]));
    gate_refund(&w->gate);
    gate_leave(&w->flow, &w->gate, GATE_NEUTRAL, NULL);
    assert_true(gate_enter(&w->flow, &w->gate, &w->actors[0]));
    gate_leave(&w->flow, &w->gate, GATE_WORKED, NULL);
    assert_true(!gate_enter(&w->flow, &w->gate, &w->actors[0]));
    world_free(w);
}

/* ---- pauses -------------------------------------------------------------------------------------------- */

static void nobody_enters_during_a_pause(void **state)
{
    (void)state;
    struct gate_world *w = world_new(3, 0, 0);

    gate_pause(&w->flow, &w->gate, 5000);
    gate_pause(&w->flow, &w->gate, 1000); /* a shorter one changes nothing */
    CHECK_INT("paused", 0, enter_many(w, 0, 5));
    assert_true(!gate_is_broken(&w->gate));
    pass(w, 4999);
    CHECK_INT("still", 0, w->flow.ready.count);
    pass(w, 1);
    CHECK_INT("as many as fit", 3, w->flow.ready.count);
    CHECK_INT("the others wait on", 2, w->gate.queue.count);
    drain_ready(w);
    world_free(w);
}

/* ---- what the other side bears --------------------------------------------------------------------------- */

static void a_refusal_halves_what_is_inside_once(void **state)
{
    (void)state;
    struct gate_world *w = world_new(10, 0, 0);

    CHECK_INT("all", 10, enter_many(w, 0, 20));
    for (int i = 0; i < 7; i++)
        gate_leave(&w->flow, &w->gate, GATE_LIMITED, "HTTP 429");
    CHECK_INT("seven refusals of one volley are one", 5, gate_width(&w->gate));
    for (int i = 0; i < 3; i++)
        gate_leave(&w->flow, &w->gate, GATE_WORKED, NULL);
    CHECK_INT("its successes say nothing new", 5, gate_width(&w->gate));
    drain_ready(w);
    for (size_t i = 100; i < 105; i++)
        assert_true(gate_enter(&w->flow, &w->gate, &w->actors[i]));
    assert_true(!gate_enter(&w->flow, &w->gate, &w->actors[105]));
    gate_leave(&w->flow, &w->gate, GATE_LIMITED, "HTTP 429");
    CHECK_INT("the next volley is another", 2, gate_width(&w->gate));
    assert_string_equal(gate_word(&w->gate), "closed");
    while (w->gate.in_use > 0)
        gate_leave(&w->flow, &w->gate, GATE_NEUTRAL, NULL);
    drain_ready(w);
    world_free(w);
}

static void one_may_always_be_inside(void **state)
{
    (void)state;
    struct gate_world *w = world_new(4, 0, 0);

    for (int i = 0; i < 5; i++) {
        assert_true(gate_enter(&w->flow, &w->gate, &w->actors[0]));
        gate_leave(&w->flow, &w->gate, GATE_LIMITED, "HTTP 429");
    }
    CHECK_INT("one", 1, gate_width(&w->gate));
    world_free(w);
}

/* Rounds of as many as fit, all of which work, until `width` may be inside. */
static int rounds_until(struct gate_world *w, uint32_t width)
{
    int rounds = 0;

    for (; gate_width(&w->gate) < width; rounds++) {
        assert_true(rounds < 1000);
        size_t count = gate_width(&w->gate);
        CHECK_INT("all that may", count, enter_many(w, 0, count));
        for (size_t i = 0; i < count; i++)
            gate_leave(&w->flow, &w->gate, GATE_WORKED, NULL);
        drain_ready(w);
    }
    return rounds;
}

static void it_widens_fast_below_the_last_refusal_and_slowly_beyond(void **state)
{
    (void)state;
    struct gate_world *w = world_new(20, 0, 0);

    CHECK_INT("inside", 12, enter_many(w, 0, 12));
    for (int i = 0; i < 12; i++)
        gate_leave(&w->flow, &w->gate, GATE_LIMITED, "HTTP 429");
    CHECK_INT("half", 6, gate_width(&w->gate));
    int fast = rounds_until(w, 11);
    assert_in_range(fast, 5, 8);
    int slow = rounds_until(w, 12);
    assert_in_range(slow, GATE_SLOWLY - 4, GATE_SLOWLY + 4);
    w->now_ms += GATE_LIMIT_KEPT_MS;
    fast = rounds_until(w, 20);
    assert_in_range(fast, 8, 12);
    CHECK_INT("never more than is configured", 20, gate_width(&w->gate));
    world_free(w);
}

static void an_idle_gate_proves_nothing(void **state)
{
    (void)state;
    struct gate_world *w = world_new(20, 0, 0);

    CHECK_INT("inside", 12, enter_many(w, 0, 12));
    for (int i = 0; i < 12; i++)
        gate_leave(&w->flow, &w->gate, GATE_LIMITED, "HTTP 429");
    for (int i = 0; i < 100; i++) {
        assert_true(gate_enter(&w->flow, &w->gate, &w->actors[0]));
        gate_leave(&w->flow, &w->gate, GATE_WORKED, NULL);
    }
    CHECK_INT("one at a time is no proof for seven", 6, gate_width(&w->gate));
    world_free(w);
}

/* A service that bears three at once, and a gate that may send ten: few are refused, and nearly three are always at
 * work. */
static void a_limit_that_nobody_configured_is_found(void **state)
{
    (void)state;
    enum { BORNE = 3, TURNS = 400 };
    struct gate_world *w = world_new(10, 0, 0);
    int refused = 0, worked = 0;

    for (int turn = 0; turn < TURNS; turn++) {
        size_t inside = enter_many(w, 0, gate_width(&w->gate));
        for (size_t i = 0; i < inside; i++) {
            bool is_refused = i >= BORNE;
            gate_leave(&w->flow, &w->gate, is_refused ? GATE_LIMITED : GATE_WORKED, "HTTP 429");
            refused += is_refused;
            worked += !is_refused;
        }
        drain_ready(w);
    }
    assert_true(refused * 20 < worked);
    assert_true(worked > TURNS * BORNE * 9 / 10);
    world_free(w);
}

/* ---- the breaker --------------------------------------------------------------------------------------- */

static void failures_in_a_row_open_it(void **state)
{
    (void)state;
    struct gate_world *w = world_new(10, 0, 0);

    fail_times(w, GATE_FAILURES_MAX - 1);
    assert_string_equal(gate_word(&w->gate), "closed");
    assert_true(gate_enter(&w->flow, &w->gate, &w->actors[0]));
    gate_leave(&w->flow, &w->gate, GATE_WORKED, NULL); /* the row is broken */
    fail_times(w, GATE_FAILURES_MAX - 1);
    assert_true(gate_enter(&w->flow, &w->gate, &w->actors[0]));
    gate_leave(&w->flow, &w->gate, GATE_NEUTRAL, NULL); /* that says nothing either way */
    assert_string_equal(gate_word(&w->gate), "closed");
    fail_times(w, 1);
    assert_string_equal(gate_word(&w->gate), "open");
    assert_true(gate_is_broken(&w->gate));
    assert_string_equal(w->gate.reason, "HTTP 500");
    CHECK_INT("nobody", 0, enter_many(w, 0, 3));
    world_free(w);
}

static void everybody_looks_once_when_it_opens(void **state)
{
    (void)state;
    struct gate_world *w = world_new(1, 0, 0);

    fail_times(w, GATE_FAILURES_MAX - 1);
    CHECK_INT("one inside", 1, enter_many(w, 0, 20));
    gate_leave(&w->flow, &w->gate, GATE_FAILED, "HTTP 500");
    CHECK_INT("all may look for an alternative", 19, w->flow.ready.count);
    drain_ready(w);
    world_free(w);
}

static void one_probe_decides(void **state)
{
    (void)state;
    struct gate_world *w = world_new(10, 0, 0);

    fail_times(w, GATE_FAILURES_MAX);
    CHECK_INT("nobody", 0, enter_many(w, 0, 5));
    pass(w, GATE_OPEN_MS_FIRST - 1);
    CHECK_INT("not yet", 0, w->flow.ready.count);
    pass(w, 1);
    assert_string_equal(gate_word(&w->gate), "half-open");
    CHECK_INT("one probe", 1, w->flow.ready.count);
    struct actor *probe = queue_take(&w->flow.ready);
    assert_true(gate_enter(&w->flow, &w->gate, probe));
    assert_true(gate_is_broken(&w->gate)); /* for all others */
    CHECK_INT("no second probe", 0, enter_many(w, 10, 2));
    gate_leave(&w->flow, &w->gate, GATE_WORKED, NULL);
    assert_string_equal(gate_word(&w->gate), "closed");
    CHECK_INT("all have their turn", 6, w->flow.ready.count);
    assert_string_equal(w->gate.reason, "");
    drain_ready(w);
    world_free(w);
}

static void a_failed_probe_waits_longer(void **state)
{
    (void)state;
    struct gate_world *w = world_new(10, 0, 0);
    int64_t want_ms = GATE_OPEN_MS_FIRST;

    fail_times(w, GATE_FAILURES_MAX);
    for (int i = 0; i < 8; i++) {
        CHECK_INT("until the next probe", want_ms, w->gate.probe_ms - w->now_ms);
        pass(w, want_ms);
        assert_string_equal(gate_word(&w->gate), "half-open");
        fail_times(w, 1);
        assert_string_equal(gate_word(&w->gate), "open");
        want_ms = want_ms * 2 > GATE_OPEN_MS_MAX ? GATE_OPEN_MS_MAX : want_ms * 2;
    }
    CHECK_INT("one alert for the long failure", 1, w->alerts[FLOW_ALERT_BREAKER_OPEN]);
    pass(w, want_ms);
    assert_true(gate_enter(&w->flow, &w->gate, &w->actors[0]));
    gate_leave(&w->flow, &w->gate, GATE_WORKED, NULL);
    CHECK_INT("and one for the recovery", 1, w->alerts[FLOW_ALERT_RECOVERED]);
    fail_times(w, GATE_FAILURES_MAX);
    CHECK_INT("it begins anew", GATE_OPEN_MS_FIRST, w->gate.probe_ms - w->now_ms);
    world_free(w);
}

static void chance_takes_up_to_a_quarter_off(void **state)
{
    (void)state;
    struct gate_world *w = world_new(10, 0, 0);

    w->random = GATE_OPEN_MS_FIRST / 4; /* modulo (limit + 1): the limit itself */
    fail_times(w, GATE_FAILURES_MAX);
    CHECK_INT("shorter", GATE_OPEN_MS_FIRST * 3 / 4, w->gate.probe_ms - w->now_ms);
    world_free(w);
}

static void a_probe_that_says_nothing_is_followed_by_another(void **state)
{
    (void)state;
    struct gate_world *w = world_new(10, 0, 0);

    fail_times(w, GATE_FAILURES_MAX);
    CHECK_INT("nobody", 0, enter_many(w, 0, 2));
    pass(w, GATE_OPEN_MS_FIRST);
    assert_true(gate_enter(&w->flow, &w->gate, queue_take(&w->flow.ready)));
    gate_leave(&w->flow, &w->gate, GATE_NEUTRAL, NULL);
    assert_string_equal(gate_word(&w->gate), "half-open");
    CHECK_INT("the next one", 1, w->flow.ready.count);
    drain_ready(w);
    world_free(w);
}

static void late_failures_do_not_open_it_again(void **state)
{
    (void)state;
    struct gate_world *w = world_new(10, 0, 0);

    CHECK_INT("inside", 10, enter_many(w, 0, 10));
    for (int i = 0; i < 10; i++)
        gate_leave(&w->flow, &w->gate, GATE_FAILED, "HTTP 500");
    CHECK_INT("opened once", 1, w->gate.times_opened);
    world_free(w);
}

static void a_suspended_instance_waits_and_alerts_once(void **state)
{
    (void)state;
    struct gate_world *w = world_new(10, 0, 0);

    gate_suspend(&w->flow, &w->gate, 600000, FLOW_ALERT_REVOKED, "the refresh token was revoked");
    gate_suspend(&w->flow, &w->gate, 600000, FLOW_ALERT_REVOKED, "the refresh token was revoked");
    assert_string_equal(gate_word(&w->gate), "suspended");
    CHECK_INT("one alert", 1, w->alerts[FLOW_ALERT_REVOKED]);
    CHECK_INT("nobody", 0, enter_many(w, 0, 1));
    pass(w, 599999);
    CHECK_INT("not yet", 0, w->flow.ready.count);
    pass(w, 1);
    assert_true(gate_enter(&w->flow, &w->gate, queue_take(&w->flow.ready)));
    gate_leave(&w->flow, &w->gate, GATE_WORKED, NULL);
    assert_string_equal(gate_word(&w->gate), "closed");
    CHECK_INT("recovered", 1, w->alerts[FLOW_ALERT_RECOVERED]);
    world_free(w);
}

static void an_instance_that_is_off_says_so(void **state)
{
    (void)state;
    struct gate_world *w = world_new(1, 0, 0);

    w->gate.off_reason = "OPENAI_API_KEY is not set";
    assert_string_equal(gate_word(&w->gate), "off");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_than_the_concurrency_enter),
        cmocka_unit_test(no_window_sees_more_than_the_rate),
        cmocka_unit_test(a_refund_gives_the_token_back),
        cmocka_unit_test(nobody_enters_during_a_pause),
        cmocka_unit_test(a_refusal_halves_what_is_inside_once),
        cmocka_unit_test(one_may_always_be_inside),
        cmocka_unit_test(it_widens_fast_below_the_last_refusal_and_slowly_beyond),
        cmocka_unit_test(an_idle_gate_proves_nothing),
        cmocka_unit_test(a_limit_that_nobody_configured_is_found),
        cmocka_unit_test(failures_in_a_row_open_it),
        cmocka_unit_test(everybody_looks_once_when_it_opens),
        cmocka_unit_test(one_probe_decides),
        cmocka_unit_test(a_failed_probe_waits_longer),
        cmocka_unit_test(chance_takes_up_to_a_quarter_off),
        cmocka_unit_test(a_probe_that_says_nothing_is_followed_by_another),
        cmocka_unit_test(late_failures_do_not_open_it_again),
        cmocka_unit_test(a_suspended_instance_waits_and_alerts_once),
        cmocka_unit_test(an_instance_that_is_off_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
