/* Sinks that only tell, and notices: what becomes of a record whose user could not be told, and what a notice goes through. */
#include "unit/flow_shop.h"

static enum sb_verdict tells_with;
static int told;

static enum sb_verdict build_tell(struct sb_exchange *x)
{
    told++;
    if (tells_with == SB_REJECT)
        return sb_reject(x, "the receiver is gone");
    if (tells_with == SB_RETRY)
        return sb_retry(x, "the receiver is busy");
    return SB_SKIP;
}

static const struct sb_step tell_steps[] = { { .name = "tell", .effect = SB_IDEMPOTENT, .build = build_tell },
                                             { .name = NULL } };
static const struct sb_plugin tell_plugin = { .abi = SB_ABI,
                                              .size = sizeof(struct sb_plugin),
                                              .kind = SB_SINK,
                                              .name = "tell",
                                              .flags = SB_TELLS,
                                              .options = source_options,
                                              .auth = &plain_auth,
                                              .steps = tell_steps };

static struct flow_pipeline pipelines[2];

/* The shop's plan, with "tell" in the place of the processor that refuses, behind the desk and in a pipeline for notices. */
static int set_up_tells(void **state)
{
    (void)set_up(state);
    instance_free(planned[3].instance);
    planned[3] =
        (struct flow_plan_instance){ .instance = make_instance("tell", &tell_plugin), .name = "tell" };
    pipelines[0] = pipeline;
    pipelines[0].sinks[1] = 3;
    pipelines[0].sink_count = 2;
    pipelines[1] = (struct flow_pipeline){
        .name = "calls/delayed", .source = 0, .is_notices = true, .sinks = { 3 }, .sink_count = 1
    };
    plan.pipelines = pipelines;
    plan.pipeline_count = 2;
    told = 0;
    return 0;
}

static json_t *load_problems(struct flow_world_test *w, int64_t id)
{
    struct store_record *record = NULL;
    struct sb_error err = SB_ERROR_INIT;

    assert_int_equal(store_load(w->store, id, &record, &err), 0);
    json_t *problems = json_incref(json_object_get(record->sections, "problems"));
    store_record_free(record);
    return problems;
}

static void what_could_not_be_told_is_a_problem_and_no_dead_letter(void **state)
{
    static const enum sb_verdict verdicts[] = { SB_REJECT, SB_RETRY };

    (void)state;
    for (size_t i = 0; i < ROWS(verdicts); i++) {
        struct flow_world_test *w = flow_world_new(&plan);
        tells_with = verdicts[i];
        shop_add_call(w, "call1");
        assert_true(flow_world_run(w, INT64_C(100) * HOUR_MS));
        check_ticket_once("told", w, 1);
        CHECK_INT("done", 1, count_state(w, "done"));
        CHECK_INT("incomplete", 1, count_state(w, "incomplete"));
        CHECK_INT("nobody is woken", 0, w->alerts[FLOW_ALERT_DEAD_LETTER]);
        json_t *problems = load_problems(w, 1);
        CHECK_INT("one problem", 1, json_array_size(problems));
        assert_string_equal(json_str(json_array_get(problems, 0), "phase"), "sink");
        assert_string_equal(json_str(json_array_get(problems, 0), "instance"), "tell");
        json_decref(problems);
        flow_world_free(w);
    }
}

static void a_sink_that_tells_and_stands_alone_is_a_sink_like_any_other(void **state)
{
    (void)state;
    pipelines[0].sinks[0] = 3;
    pipelines[0].sink_count = 1;
    tells_with = SB_REJECT;
    struct flow_world_test *w = flow_world_new(&plan);
    shop_add_call(w, "call1");
    assert_true(flow_world_run(w, HOUR_MS));
    CHECK_INT("dead", 1, count_state(w, "dead"));
    flow_world_free(w);
}

/* ---- notices ------------------------------------------------------------------------------------------- */

static int64_t count_notices(struct flow_world_test *w, const char *state)
{
    AUTO_JSON totals = NULL;
    struct sb_error err = SB_ERROR_INIT;

    assert_int_equal(store_totals(w->store, &totals, &err), 0);
    assert_int_equal(json_int(json_object_get(totals, "records"), state, -1), 0);
    return json_int(json_object_get(totals, "notices"), state, 0);
}

/* Gives the id of its record. */
static int64_t emit_notice_of(struct flow_world_test *w, const char *in_pipeline, const char *external_id)
{
    const struct store_text sections[] = { { "source", "{\"plugin\":\"calls\"}" },
                                           { "notice", "{\"event\":\"ticket.delayed\"}" } };
    struct store_emit emit = { .pipeline = in_pipeline,
                               .account = "acmedemo1",
                               .external_id = external_id,
                               .sections = sections,
                               .section_count = ROWS(sections) };
    struct store_change *change = store_change_new();
    struct sb_error err = SB_ERROR_INIT;

    assert_non_null(change);
    change->now_ms = w->now_ms;
    change->emits = &emit;
    change->emit_count = 1;
    assert_int_equal(store_apply(w->store, &change, 1, &err), 0);
    store_change_free(change);
    return emit.ret_id;
}

static void emit_notice(struct flow_world_test *w, const char *in_pipeline)
{
    (void)emit_notice_of(w, in_pipeline, "call1#delayed");
}

static void a_notice_goes_to_those_who_tell_and_nowhere_else(void **state)
{
    static const enum sb_verdict verdicts[] = { SB_OK, SB_REJECT };

    (void)state;
    for (size_t i = 0; i < ROWS(verdicts); i++) {
        struct flow_world_test *w = flow_world_new(&plan);
        struct flow_counts counts;
        tells_with = verdicts[i];
        told = 0;
        emit_notice(w, "calls/delayed");
        assert_true(flow_world_run(w, HOUR_MS));
        CHECK_INT("told", 1, told);
        CHECK_INT("no transcription", 0, w->shop.transcriptions);
        CHECK_INT("no ticket", 0, w->shop.ticket_count);
        CHECK_INT("done, told or not", 1, count_notices(w, "done"));
        flow_counts(w->flow, &counts);
        CHECK_INT("not counted as a conversation", 0, counts.ended_done);
        flow_world_free(w);
    }
}

static void a_source_is_asked_once_and_not_for_its_notices_too(void **state)
{
    (void)state;
    tells_with = SB_OK;
    struct flow_world_test *w = flow_world_new(&plan);
    shop_add_call(w, "call1");
    w->mishap_path = "/calls";
    assert_true(flow_world_run(w, HOUR_MS));
    check_ticket_once("once", w, 1);
    CHECK_INT("one conversation", 1, count_state(w, "done"));
    flow_world_free(w);
}

/* The pipeline was renamed, or the sink taken out of it: a notice finds the notices of its source, or waits. */
static void a_notice_never_becomes_a_ticket(void **state)
{
    (void)state;
    tells_with = SB_OK;
    struct flow_world_test *w = flow_world_new(&plan);
    emit_notice(w, "old/delayed");
    assert_true(flow_world_run(w, HOUR_MS));
    CHECK_INT("told", 1, told);
    CHECK_INT("no ticket", 0, w->shop.ticket_count);
    flow_world_free(w);

    plan.pipeline_count = 1;
    w = flow_world_new(&plan);
    emit_notice(w, "calls/delayed");
    (void)flow_world_run(w, HOUR_MS);
    CHECK_INT("not told again", 1, told);
    CHECK_INT("no ticket", 0, w->shop.ticket_count);
    CHECK_INT("it waits", 1, count_notices(w, "active"));
    flow_world_free(w);
}

/* ---- room for notices ---------------------------------------------------------------------------------- */

/* The helpdesk is down, and more records wait for it than have room. */
static struct flow_world_test *world_that_is_full(size_t in_flight_max)
{
    struct flow_world_test *w = flow_world_new(&plan);

    w->options.in_flight_max = in_flight_max;
    w->mishap = MISHAP_503;
    w->mishap_path = "/contacts";
    w->mishap_at = 0;
    w->mishap_lasts = true;
    for (int i = 0; i < 8; i++) {
        char id[32];
        (void)snprintf(id, sizeof(id), "call%d", i + 1);
        shop_add_call(w, id);
    }
    assert_false(flow_world_run(w, HOUR_MS));
    return w;
}

static size_t count_loaded(const struct flow_world_test *w)
{
    struct flow_counts counts;

    flow_counts(w->flow, &counts);
    return counts.loaded;
}

/* That the helpdesk is down is what a notice tells: it must not wait for those who wait for the helpdesk. */
static void a_delay_is_told_while_all_room_is_taken_by_those_that_are_late(void **state)
{
    (void)state;
    tells_with = SB_OK;
    struct flow_world_test *w = world_that_is_full(2);
    CHECK_INT("no room", 2, count_loaded(w));
    CHECK_INT("nothing told", 0, told);
    flow_admit(w->flow, emit_notice_of(w, "calls/delayed", "call1#delayed"), "calls/delayed");
    flow_world_pass(w, w->now_ms + 1000);
    CHECK_INT("told within a second", 1, told);
    CHECK_INT("done", 1, count_notices(w, "done"));
    w->mishap_at = -1;
    assert_true(flow_world_run(w, INT64_C(3) * HOUR_MS));
    check_ticket_once("told", w, 8);
    flow_world_free(w);
}

/* The same after a restart, which takes them up in the order in which they came. */
static void a_delay_that_was_not_told_is_told_after_a_restart_into_full_room(void **state)
{
    (void)state;
    tells_with = SB_OK;
    struct flow_world_test *w = world_that_is_full(2);
    (void)emit_notice_of(w, "calls/delayed", "call1#delayed");
    die_and_restart(w);
    flow_world_pass(w, w->now_ms + 1000);
    CHECK_INT("told within a second", 1, told);
    flow_world_free(w);
}

/* A tenth of what conversations have, at least one: memory stays bounded, and conversations lose nothing. */
static void notices_have_a_bounded_room_of_their_own(void **state)
{
    static const struct {
        const char *row;
        size_t in_flight_max, notices_max;
    } rows[] = { { "at least one", 1, 1 }, { "also of few", 19, 1 }, { "a tenth", 40, 4 } };
    enum { NOTICES = 12 };

    (void)state;
    tells_with = SB_OK;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct flow_world_test *w = world_that_is_full(rows[i].in_flight_max);
        size_t before = count_loaded(w);
        told = 0;
        for (int j = 0; j < NOTICES; j++) {
            char id[32];
            (void)snprintf(id, sizeof(id), "call%d#delayed", j + 1);
            flow_admit(w->flow, emit_notice_of(w, "calls/delayed", id), "calls/delayed");
        }
        CHECK_INT(rows[i].row, before + rows[i].notices_max, count_loaded(w));
        flow_world_pass(w, w->now_ms + 1000);
        CHECK_INT(rows[i].row, NOTICES, told);
        CHECK_INT(rows[i].row, before, count_loaded(w));
        flow_world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_could_not_be_told_is_a_problem_and_no_dead_letter, set_up_tells,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_sink_that_tells_and_stands_alone_is_a_sink_like_any_other,
                                        set_up_tells, tear_down),
        cmocka_unit_test_setup_teardown(a_notice_goes_to_those_who_tell_and_nowhere_else, set_up_tells,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_source_is_asked_once_and_not_for_its_notices_too, set_up_tells,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_notice_never_becomes_a_ticket, set_up_tells, tear_down),
        cmocka_unit_test_setup_teardown(a_delay_is_told_while_all_room_is_taken_by_those_that_are_late,
                                        set_up_tells, tear_down),
        cmocka_unit_test_setup_teardown(a_delay_that_was_not_told_is_told_after_a_restart_into_full_room,
                                        set_up_tells, tear_down),
        cmocka_unit_test_setup_teardown(notices_have_a_bounded_room_of_their_own, set_up_tells, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
