/* Room in memory: who takes it, and who need not wait for it. */
#include "unit/flow_shop.h"

enum { MINUTE_MS = 60 * 1000 };

/* One waits for the lock in the only room in memory, others wait for that room: whoever holds the lock must come before
 * them when its time has come, or nobody ever moves again. */
static void whoever_holds_a_lock_needs_no_room(void **state)
{
    static const char *const calls[] = { "call1", "call2", "call3", "call4" };
    struct flow_world_test *w = flow_world_new(&plan);

    (void)state;
    w->options.in_flight_max = 1;
    w->mishap = MISHAP_LOST_REPLY;
    w->mishap_path = "/contacts";
    w->mishap_at = 1; /* the first looks, the second creates */
    for (size_t i = 0; i < ROWS(calls); i++)
        shop_add_call(w, calls[i]);
    assert_true(flow_world_run(w, INT64_C(2) * HOUR_MS));
    check_ticket_once("one room", w, (int)ROWS(calls));
    flow_world_free(w);
}

/* The first pipeline's thinker says nothing but "not now", and has more records waiting than there is room for. The other
 * pipeline needs no thinker. */
static void a_pipeline_that_waits_for_a_service_takes_no_room_from_others(void **state)
{
    static const struct {
        const char *row;
        size_t room;
        bool dies; /* all that wait come back at once */
    } rows[] = { { "room for one each", 1, false },
                 { "for two each", 5, false },
                 { "after a restart", 4, true } };
    static const char *const calls[] = { "call1", "call2", "call3", "call4", "call5", "call6" };
    struct flow_pipeline pipelines[2];

    (void)state;
    pipelines[0] = pipelines[1] = pipeline;
    pipelines[1].name = "others";
    pipelines[1].stage_count = 0;
    plan.pipelines = pipelines;
    plan.pipeline_count = 2;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct flow_world_test *w = flow_world_new(&plan);
        w->options.in_flight_max = rows[i].room;
        w->mishap = MISHAP_503;
        w->mishap_path = "/think";
        w->mishap_at = 0;
        w->mishap_lasts = true;
        for (size_t j = 0; j < ROWS(calls); j++)
            shop_add_call(w, calls[j]);
        assert_false(flow_world_run(w, HOUR_MS));
        CHECK_INT(rows[i].row, 0, w->shop.ticket_count);
        if (rows[i].dies)
            die_and_restart(w);
        int64_t id = emit_call(w, "others", "another");
        flow_admit(w->flow, id, "others");
        flow_world_pass(w, HOUR_MS + MINUTE_MS);
        CHECK_INT(rows[i].row, 1, count_state(w, "done"));
        w->mishap_at = -1;
        assert_true(flow_world_run(w, HOUR_MS + 20 * MINUTE_MS)); /* nobody is forgotten */
        check_ticket_once(rows[i].row, w, (int)ROWS(calls) + 1);
        flow_world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SHOP(whoever_holds_a_lock_needs_no_room),
        IN_SHOP(a_pipeline_that_waits_for_a_service_takes_no_room_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
