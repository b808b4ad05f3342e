/* Intents: what survives a restart, what settles them, and what is a bug. */
#include "unit/store_fixture.h"

static void an_open_intent_survives_a_restart_with_everything(void **state)
{
    struct fixture *fixture = *state;
    int64_t id = emit_one(fixture->store, "a");

    open_intent(fixture->store, id, "create_ticket", 1);
    reopen(fixture);
    struct store_record *record = load(fixture->store, id);
    assert_true(record->has_intent);
    assert_int_equal(STORE_INTENT_OPEN, record->intent_state);
    assert_string_equal("zoho_desk", record->intent.instance);
    assert_string_equal("create_ticket", record->intent.step);
    assert_int_equal(0, record->intent.round);
    assert_int_equal(1, record->intent.attempt);
    assert_string_equal("phone:5550100001", record->intent.key);
    assert_string_equal("{\"method\":\"POST\"}", record->intent.request);
    assert_string_equal("{\"contact\":\"77\"}", record->intent.kept);
    assert_int_equal(T0 + 1, record->intent.at_ms);
    assert_null(record->intent_answer);
    assert_int_equal(0, record->settled_count);
    store_record_free(record);
}

static void a_later_attempt_replaces_the_intent_but_not_its_first_time(void **state)
{
    struct fixture *fixture = *state;
    int64_t id = emit_one(fixture->store, "a");

    open_intent(fixture->store, id, "create_ticket", 1);
    settle_intent(fixture->store, id, STORE_INTENT_REFUSED, NULL);
    open_intent(fixture->store, id, "create_ticket", 7);
    struct store_record *record = load(fixture->store, id);
    assert_true(record->has_intent);
    assert_int_equal(STORE_INTENT_OPEN, record->intent_state);
    assert_int_equal(7, record->intent.attempt);
    assert_int_equal(T0 + 1, record->intent.at_ms);
    assert_int_equal(0, record->settled_count);
    store_record_free(record);
}

static void settled_intents_are_listed_and_the_next_one_opens_in_the_same_commit(void **state)
{
    struct fixture *fixture = *state;
    int64_t id = emit_one(fixture->store, "a");

    open_intent(fixture->store, id, "create_contact", 1);
    struct store_change *change = intent_change(id, "create_ticket", 1);
    change->settles_intent = true;
    change->intent_state = STORE_INTENT_DONE;
    apply(fixture->store, change);
    settle_intent(fixture->store, id, STORE_INTENT_REFUSED, NULL);
    open_intent(fixture->store, id, "add_note", 1);

    struct store_record *record = load(fixture->store, id);
    assert_true(record->has_intent);
    assert_string_equal("add_note", record->intent.step);
    assert_int_equal(2, record->settled_count);
    assert_string_equal("create_contact", record->settled[0].step);
    assert_string_equal("zoho_desk", record->settled[0].instance);
    assert_int_equal(STORE_INTENT_DONE, record->settled[0].state);
    assert_string_equal("create_ticket", record->settled[1].step);
    assert_int_equal(STORE_INTENT_REFUSED, record->settled[1].state);
    store_record_free(record);
}

static void an_answer_that_could_not_be_folded_is_kept_and_settled_later(void **state)
{
    struct fixture *fixture = *state;
    int64_t id = emit_one(fixture->store, "a");

    open_intent(fixture->store, id, "create_ticket", 1);
    settle_intent(fixture->store, id, STORE_INTENT_ANSWERED, "{\"status\":200,\"body\":\"{}\"}");
    reopen(fixture);
    struct store_record *record = load(fixture->store, id);
    assert_true(record->has_intent);
    assert_int_equal(STORE_INTENT_ANSWERED, record->intent_state);
    assert_string_equal("{\"status\":200,\"body\":\"{}\"}", record->intent_answer);
    store_record_free(record);

    settle_intent(fixture->store, id, STORE_INTENT_DONE, NULL);
    record = load(fixture->store, id);
    assert_false(record->has_intent);
    assert_int_equal(1, record->settled_count);
    store_record_free(record);
}

static void repetitions_of_a_step_have_an_intent_each(void **state)
{
    struct fixture *fixture = *state;
    int64_t id = emit_one(fixture->store, "a");

    for (uint32_t round = 0; round < 3; round++) {
        struct store_change *change = intent_change(id, "add_note", 1);
        struct store_intent intent = *change->intent;
        intent.round = round;
        change->intent = &intent;
        apply(fixture->store, change);
        settle_intent(fixture->store, id, STORE_INTENT_DONE, NULL);
    }
    struct store_record *record = load(fixture->store, id);
    assert_int_equal(3, record->settled_count);
    for (uint32_t round = 0; round < 3; round++)
        assert_int_equal(round, record->settled[round].round);
    store_record_free(record);
}

/* ---- what must never happen ---------------------------------------------------------------------------- */

/* Each is a bug of the engine: it fails, changes nothing, and nothing can be written afterwards. */
static void assert_stops(struct fixture *fixture, struct store_change *bad, const char *words)
{
    struct sb_error err = SB_ERROR_INIT;
    struct sb_error again = SB_ERROR_INIT;
    struct store_change *good = new_change(0);
    struct store_emit *emit = add_emit(good, "fresh");
    struct store_change *changes[] = { good, bad };

    assert_int_equal(SB_EINTERNAL, store_apply(fixture->store, changes, 2, &err));
    if (!strstr(err.text, words))
        fail_msg("'%s' is missing in: %s", words, err.text);
    assert_int_equal(0, emit->ret_id);
    assert_int_equal(SB_EINTERNAL, try_apply(fixture->store, good, &again));
    assert_string_equal(err.text, again.text);
    assert_int_equal(0, find(fixture->store, "fresh"));
    store_change_free(good);
    store_change_free(bad);
    reopen(fixture);
    assert_int_equal(0, find(fixture->store, "fresh"));
}

static void a_change_of_no_record_is_a_bug(void **state)
{
    struct fixture *fixture = *state;

    assert_stops(fixture, move_change(12, STORE_ACTIVE, NULL), "record 12 is not in the journal");
    assert_stops(fixture, move_change(12, STORE_DONE, NULL), "record 12 is not in the journal");
    assert_stops(fixture, intent_change(12, "create_ticket", 1), "record 12 is not in the journal");
}

static void a_second_unsettled_intent_is_a_bug(void **state)
{
    struct fixture *fixture = *state;
    int64_t id = emit_one(fixture->store, "a");

    open_intent(fixture->store, id, "create_contact", 1);
    assert_stops(fixture, intent_change(id, "create_ticket", 1), "intent");
}

static void settling_nothing_is_a_bug(void **state)
{
    struct fixture *fixture = *state;
    struct store_change *change = new_change(emit_one(fixture->store, "a"));

    change->settles_intent = true;
    change->intent_state = STORE_INTENT_DONE;
    assert_stops(fixture, change, "has no open intent to settle");
}

int main(void)
{
#define IN_STORE(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown)
    const struct CMUnitTest tests[] = {
        IN_STORE(an_open_intent_survives_a_restart_with_everything),
        IN_STORE(a_later_attempt_replaces_the_intent_but_not_its_first_time),
        IN_STORE(settled_intents_are_listed_and_the_next_one_opens_in_the_same_commit),
        IN_STORE(an_answer_that_could_not_be_folded_is_kept_and_settled_later),
        IN_STORE(repetitions_of_a_step_have_an_intent_each),
        IN_STORE(a_change_of_no_record_is_a_bug),
        IN_STORE(a_second_unsettled_intent_is_a_bug),
        IN_STORE(settling_nothing_is_a_bug),
    };
#undef IN_STORE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
