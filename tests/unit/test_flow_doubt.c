/* The flow where it cannot be sure: after a restore, with answers that cannot be read, and when things are done again. */
#include "unit/flow_shop.h"

/* ---- after a restore ----------------------------------------------------------------------------------- */

static void restore_from(struct flow_world_test *w, const char *backup)
{
    struct sb_error err = SB_ERROR_INIT;

    flow_free(w->flow);
    w->flow = NULL;
    drop_events(w);
    store_close(w->store);
    if (store_restore(w->dir, backup, world_wall(w), NULL, &err) < 0)
        fail_msg("%s", err.text);
    open_store(w);
}

static void a_restored_backup_finds_what_was_delivered_after_it(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);
    struct sb_error err = SB_ERROR_INIT;
    char backup[96];

    (void)state;
    (void)snprintf(backup, sizeof(backup), "%s/backup.db", w->dir);
    if (store_backup(w->store, backup, &err) < 0)
        fail_msg("%s", err.text);
    shop_add_call(w, "call1");
    assert_true(flow_world_run(w, HOUR_MS));
    check_ticket_once("before the restore", w, 1);
    /* The journal has never heard of the call; the source lists it again. */
    restore_from(w, backup);
    w->now_ms += 1000;
    assert_true(flow_world_run(w, 12 * HOUR_MS));
    check_ticket_once("after the restore", w, 1);
    CHECK_INT("done", 1, count_state(w, "done"));
    flow_world_free(w);
}

static void an_unfinished_record_of_a_backup_is_looked_for_and_finished(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);
    struct sb_error err = SB_ERROR_INIT;
    char backup[96];

    (void)state;
    (void)snprintf(backup, sizeof(backup), "%s/backup.db", w->dir);
    shop_add_call(w, "call1");
    w->mishap = MISHAP_REFUSED;
    w->mishap_path = "/tickets";
    w->mishap_at = 0;
    w->mishap_lasts = true;
    assert_false(flow_world_run(w, 30 * 1000));
    if (store_backup(w->store, backup, &err) < 0)
        fail_msg("%s", err.text);
    w->mishap_at = -1;
    assert_true(flow_world_run(w, HOUR_MS));
    restore_from(w, backup);
    w->now_ms += 1000;
    assert_true(flow_world_run(w, 12 * HOUR_MS));
    check_ticket_once("delivered between backup and restore", w, 1);
    flow_world_free(w);
}

/* ---- answers that cannot be folded --------------------------------------------------------------------- */

static bool is_mended;

static enum sb_verdict fold_broken(struct sb_exchange *x)
{
    return is_mended ? fold_ticket(x) : sb_reject(x, "this version cannot read the answer");
}

static void an_answer_that_was_kept_is_folded_by_a_mended_plugin(void **state)
{
    static const struct sb_step steps[] = {
        { .name = "create_ticket", .build = build_ticket, .fold = fold_broken, .reconcile = &look_ticket },
        { .name = NULL }
    };
    struct flow_world_test *w = flow_world_new(&plan);
    struct sb_error err = SB_ERROR_INIT;
    size_t count = 0;

    (void)state;
    set_desk_steps(steps);
    is_mended = false;
    shop_add_call(w, "call1");
    assert_true(flow_world_run(w, HOUR_MS));
    CHECK_INT("it was created", 1, w->shop.ticket_count);
    CHECK_INT("a person must look", 1, count_state(w, "dead"));
    CHECK_INT("people were told", 1, w->alerts[FLOW_ALERT_DEAD_LETTER]);
    is_mended = true;
    assert_int_equal(store_retry(w->store, 0, STORE_DEAD, world_wall(w), &count, &err), 0);
    CHECK_INT("retried", 1, count);
    die_and_restart(w);
    assert_true(flow_world_run(w, 2 * HOUR_MS));
    CHECK_INT("folded, not sent again", 1, w->shop.ticket_count);
    CHECK_INT("done", 1, count_state(w, "done"));
    flow_world_free(w);
}

/* ---- done again ---------------------------------------------------------------------------------------- */

static void an_incomplete_record_that_is_retried_creates_nothing_twice(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);
    struct sb_error err = SB_ERROR_INIT;
    size_t count = 0;

    (void)state;
    pipeline.stages[0] = (struct flow_stage){ .alternatives = { 3 }, .alternative_count = 1 };
    shop_add_call(w, "call1");
    assert_true(flow_world_run(w, HOUR_MS));
    CHECK_INT("something is missing", 1, count_state(w, "incomplete"));
    pipeline.stages[0] = (struct flow_stage){ .alternatives = { 1 }, .alternative_count = 1 };
    assert_int_equal(store_retry(w->store, 1, STORE_DONE, world_wall(w), &count, &err), 0);
    die_and_restart(w);
    assert_true(flow_world_run(w, 2 * HOUR_MS));
    CHECK_INT("the transcript was made", 1, w->shop.transcriptions);
    check_ticket_once("retried", w, 1);
    CHECK_INT("nothing is missing any more", 0, count_state(w, "incomplete"));
    flow_world_free(w);
}

static void an_open_breaker_hands_the_stage_to_the_alternative(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);
    char id[16];

    (void)state;
    /* The first does its work over HTTP and is down; the second only says no, so that the stage is given up at once. */
    pipeline.stages[0] = (struct flow_stage){ .alternatives = { 1, 3 }, .alternative_count = 2 };
    w->mishap = MISHAP_503;
    w->mishap_path = "/think";
    w->mishap_at = 0;
    w->mishap_lasts = true;
    for (int i = 0; i < 8; i++) {
        (void)snprintf(id, sizeof(id), "call%d", i);
        shop_add_call(w, id);
    }
    assert_true(flow_world_run(w, HOUR_MS));
    CHECK_INT("all incomplete", 8, count_state(w, "incomplete"));
    check_ticket_once("all have their ticket", w, 8);
    assert_true(w->sends_of_path < 20);
    flow_world_free(w);
}

static void a_dropped_record_ends_without_a_ticket(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);

    (void)state;
    shop_add_call(w, "call1");
    w->mishap = MISHAP_REFUSED;
    w->mishap_path = "/contacts";
    w->mishap_at = 0;
    w->mishap_lasts = true;
    assert_false(flow_world_run(w, 10 * 60 * 1000));
    assert_true(flow_drop(w->flow, 1, "nobody wants it"));
    w->mishap_at = -1;
    assert_true(flow_world_run(w, HOUR_MS));
    CHECK_INT("dropped", 1, count_state(w, "dropped"));
    CHECK_INT("no ticket", 0, w->shop.ticket_count);
    flow_world_free(w);
}

static void a_stop_lets_what_is_under_way_come_to_its_commit(void **state)
{
    struct flow_world_test *w = flow_world_new(&plan);

    (void)state;
    shop_add_call(w, "call1");
    for (int64_t until_ms = 1001; until_ms < 1100; until_ms++) {
        if (flow_world_run(w, until_ms))
            break;
        if (until_ms == 1040)
            flow_stop(w->flow);
    }
    CHECK_INT("nothing is under way", true, flow_is_quiet(w->flow));
    die_and_restart(w);
    assert_true(flow_world_run(w, HOUR_MS));
    check_ticket_once("after a stop", w, 1);
    flow_world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SHOP(a_restored_backup_finds_what_was_delivered_after_it),
        IN_SHOP(an_unfinished_record_of_a_backup_is_looked_for_and_finished),
        IN_SHOP(an_answer_that_was_kept_is_folded_by_a_mended_plugin),
        IN_SHOP(an_incomplete_record_that_is_retried_creates_nothing_twice),
        IN_SHOP(an_open_breaker_hands_the_stage_to_the_alternative),
        IN_SHOP(a_dropped_record_ends_without_a_ticket),
        IN_SHOP(a_stop_lets_what_is_under_way_come_to_its_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
