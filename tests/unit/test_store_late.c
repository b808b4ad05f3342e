/* Which conversations wait for long, and which notices about them have been overtaken. */
#include "unit/store_fixture.h"

#include "store/late.h"

enum { ROOM = 10, MINUTE_MS = 60 * 1000 };
#define SUFFIX "#delayed"

static int64_t emit_at(struct store *store, const char *pipeline, const char *external_id, int64_t at_ms)
{
    struct sb_error err = SB_ERROR_INIT;
    struct store_change *change = new_change(0);
    struct store_emit *emit = add_emit(change, external_id);

    emit->pipeline = pipeline;
    change->now_ms = at_ms;
    if (try_apply(store, change, &err) < 0)
        fail_msg("cannot emit: %s", err.text);
    int64_t id = emit->ret_id;
    store_change_free(change);
    return id;
}

/* The late records of a state must be exactly `ids` (0 ends), those with a notice negative. */
static void assert_late(struct store *store, enum store_state state, int64_t after_id, int64_t until_ms,
                        const int64_t *ids)
{
    const struct store_late_query query = { .pipeline = "told",
                                            .state = state,
                                            .after_id = after_id,
                                            .received_until_ms = until_ms,
                                            .suffix = SUFFIX };
    struct sb_error err = SB_ERROR_INIT;
    struct store_late found[ROOM];
    size_t count = 0;

    if (store_late(store, &query, ROOM, found, &count, &err) < 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(found[i].id, ids[i] < 0 ? -ids[i] : ids[i]);
        assert_int_equal(found[i].has_notice, ids[i] < 0);
    }
    assert_int_equal(ids[count], 0);
}

static void what_is_not_delivered_is_late_and_nothing_else(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = fixture->store;
    int64_t active = emit_at(store, "told", "a", T0);
    int64_t dead = emit_at(store, "told", "b", T0 + 1);
    int64_t done = emit_at(store, "told", "c", T0 + 2);
    int64_t dropped = emit_at(store, "told", "d", T0 + 3);
    int64_t disabled = emit_at(store, "told", "e", T0 + 4);
    int64_t other = emit_at(store, "calls", "f", T0 + 5);
    int64_t young = emit_at(store, "told", "g", T0 + MINUTE_MS);

    end_record(store, dead, STORE_DEAD, "gave up", T0);
    end_record(store, done, STORE_DONE, NULL, T0);
    end_record(store, dropped, STORE_DROPPED, "a rule", T0);
    end_record(store, disabled, STORE_DISABLED, NULL, T0);
    assert_true(other > 0);

    assert_late(store, STORE_ACTIVE, 0, T0 + 100, (int64_t[]){ active, 0 });
    assert_late(store, STORE_DEAD, 0, T0 + 100, (int64_t[]){ dead, 0 });
    assert_late(store, STORE_ACTIVE, 0, T0 + MINUTE_MS, (int64_t[]){ active, young, 0 });
    assert_late(store, STORE_ACTIVE, active, T0 + MINUTE_MS, (int64_t[]){ young, 0 });
    assert_late(store, STORE_ACTIVE, 0, T0 - 1, (int64_t[]){ 0 });
}

static void a_notice_is_known_by_its_identity_for_ever(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = fixture->store;
    int64_t first = emit_at(store, "told", "a", T0), second = emit_at(store, "told", "b", T0);
    int64_t notice = emit_at(store, "told/delayed", "a" SUFFIX, T0);

    assert_late(store, STORE_ACTIVE, 0, T0, (int64_t[]){ -first, second, 0 });
    end_record(store, notice, STORE_DONE, NULL, T0);
    assert_late(store, STORE_ACTIVE, 0, T0, (int64_t[]){ -first, second, 0 });
    assert_int_equal(0, emit_at(store, "told/delayed", "a" SUFFIX, T0 + 1)); /* no second one */
}

static void no_more_than_asked_for_are_given(void **state)
{
    struct fixture *fixture = *state;
    const struct store_late_query query = {
        .pipeline = "told", .state = STORE_ACTIVE, .received_until_ms = T0, .suffix = SUFFIX
    };
    struct sb_error err = SB_ERROR_INIT;
    struct store_late found[2];
    size_t count = 0;

    for (int i = 0; i < 3; i++) {
        const char id[] = { (char)('a' + i), '\0' };
        (void)emit_at(fixture->store, "told", id, T0);
    }
    assert_int_equal(0, store_late(fixture->store, &query, 2, found, &count, &err));
    assert_int_equal(2, count);
    assert_int_equal(1, found[0].id);
    assert_int_equal(2, found[1].id);
}

static void assert_overtaken(struct store *store, const int64_t *ids)
{
    struct sb_error err = SB_ERROR_INIT;
    int64_t found[ROOM];
    size_t count = 0;

    if (store_late_overtaken(store, "told/delayed", SUFFIX, "callback", ROOM, found, &count, &err) < 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(found[i], ids[i]);
    assert_int_equal(ids[count], 0);
}

static void a_notice_is_overtaken_when_its_conversation_is_done(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = fixture->store;
    int64_t late = emit_at(store, "told", "a", T0), dead = emit_at(store, "told", "b", T0);
    int64_t of_late = emit_at(store, "told/delayed", "a" SUFFIX, T0);
    int64_t of_dead = emit_at(store, "told/delayed", "b" SUFFIX, T0);

    end_record(store, dead, STORE_DEAD, "gave up", T0);
    assert_overtaken(store, (int64_t[]){ 0 });
    end_record(store, late, STORE_DONE, NULL, T0);
    assert_overtaken(store, (int64_t[]){ of_late, 0 });
    end_record(store, of_late, STORE_DROPPED, "overtaken", T0);
    assert_overtaken(store, (int64_t[]){ 0 });
    assert_true(of_dead > 0);
}

static void put_at_sink(struct store *store, int64_t id, const char *instance)
{
    struct store_change *change = move_change(id, STORE_ACTIVE, NULL);

    change->place.instance = instance;
    apply(store, change);
}

static void a_notice_is_overtaken_when_its_ticket_is_being_told_of(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = fixture->store;
    int64_t late = emit_at(store, "told", "a", T0), notice = emit_at(store, "told/delayed", "a" SUFFIX, T0);

    put_at_sink(store, late, "zoho_desk");
    assert_overtaken(store, (int64_t[]){ 0 });
    put_at_sink(store, late, "callback");
    assert_overtaken(store, (int64_t[]){ notice, 0 });
    end_record(store, late, STORE_DEAD, "a defect", T0);
    assert_overtaken(store, (int64_t[]){ 0 });
}

static void a_notice_without_a_conversation_stays(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = fixture->store;

    (void)emit_at(store, "told/delayed", "gone" SUFFIX, T0);
    end_record(store, emit_at(store, "told", "short", T0), STORE_DONE, NULL, T0);
    (void)emit_at(store, "told/delayed", "short12345678", T0); /* as long as a suffix, and none */
    assert_overtaken(store, (int64_t[]){ 0 });
}

static void notices_are_counted_apart(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = fixture->store;
    struct sb_error err = SB_ERROR_INIT;
    AUTO_JSON totals = NULL;
    int64_t late = emit_at(store, "told", "a", T0), notice = emit_at(store, "told/delayed", "a" SUFFIX, T0);
    struct store_change *change = move_change(notice, STORE_DONE, NULL);

    (void)emit_at(store, "told/delayed", "b" SUFFIX, T0);
    change->adds_problem = true;
    apply(store, change);
    assert_true(late > 0);
    assert_int_equal(0, store_totals(store, &totals, &err));
    assert_int_equal(1, json_int(json_object_get(totals, "records"), "active", -1));
    assert_int_equal(0, json_int(json_object_get(totals, "records"), "done", -1));
    assert_int_equal(0, json_int(json_object_get(totals, "records"), "incomplete", -1));
    assert_int_equal(1, json_int(json_object_get(totals, "notices"), "active", -1));
    assert_int_equal(1, json_int(json_object_get(totals, "notices"), "done", -1));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_not_delivered_is_late_and_nothing_else, setup_store,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_notice_is_known_by_its_identity_for_ever, setup_store, teardown),
        cmocka_unit_test_setup_teardown(no_more_than_asked_for_are_given, setup_store, teardown),
        cmocka_unit_test_setup_teardown(a_notice_is_overtaken_when_its_conversation_is_done, setup_store,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_notice_is_overtaken_when_its_ticket_is_being_told_of, setup_store,
                                        teardown),
        cmocka_unit_test_setup_teardown(notices_are_counted_apart, setup_store, teardown),
        cmocka_unit_test_setup_teardown(a_notice_without_a_conversation_stays, setup_store, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
