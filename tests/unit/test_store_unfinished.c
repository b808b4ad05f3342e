/* What an engine begins with: the records that are not finished, and the keys that ended ones have left. */
#include "unit/check.h"
#include "unit/store_fixture.h"

static void active_records_come_oldest_first_with_the_keys_they_hold(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    struct arena *arena = arena_new(1 << 20);
    struct store_active *list = NULL;
    size_t count = 0;
    int64_t plain = emit_one(fixture->store, "a");
    int64_t unknown = emit_one(fixture->store, "b");
    int64_t answered = emit_one(fixture->store, "c");
    int64_t ended = emit_one(fixture->store, "d");

    open_intent(fixture->store, unknown, "create_contact", 1);
    open_intent(fixture->store, answered, "create_contact", 1);
    settle_intent(fixture->store, answered, STORE_INTENT_ANSWERED, "{}");
    open_intent(fixture->store, plain, "create_contact", 1);
    settle_intent(fixture->store, plain, STORE_INTENT_DONE, NULL);
    end_record(fixture->store, ended, STORE_DONE, NULL, T0);
    reopen(fixture);
    assert_int_equal(0, store_active(fixture->store, arena, &list, &count, &err));
    assert_int_equal(3, count);
    assert_int_equal(plain, list[0].id);
    assert_string_equal("calls", list[0].pipeline);
    assert_false(list[0].has_open_intent);
    assert_null(list[0].intent_key);
    assert_int_equal(unknown, list[1].id);
    assert_true(list[1].has_open_intent);
    assert_string_equal("zoho_desk", list[1].intent_instance);
    assert_string_equal("phone:5550100001", list[1].intent_key);
    assert_int_equal(answered, list[2].id);
    assert_false(list[2].has_open_intent);
    assert_string_equal("phone:5550100001", list[2].intent_key);
    free(list);
    arena_free(arena);
}

static void ended_records_leave_the_keys_of_what_is_not_settled(void **state)
{
    static const struct {
        const char *row;
        enum store_intent_state intent_state; /* OPEN: it is left so */
        enum store_state state;               /* ACTIVE: it has not ended */
        int64_t ended_ms;                     /* of the last that has left the key; 0: nobody has */
    } rows[] = {
        { "active", STORE_INTENT_OPEN, STORE_ACTIVE, 0 },
        { "done", STORE_INTENT_DONE, STORE_DONE, 0 },
        { "dead, refused", STORE_INTENT_REFUSED, STORE_DEAD, 0 },
        { "dead, unread", STORE_INTENT_ANSWERED, STORE_DEAD, T0 + 4 },
        { "dropped, unknown", STORE_INTENT_OPEN, STORE_DROPPED, T0 + 5 },
    };
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct arena *arena = arena_new(1 << 20);
        struct store_unfinished unfinished;
        int64_t id = emit_one(fixture->store, rows[i].row);
        open_intent(fixture->store, id, "create_contact", 1);
        if (rows[i].intent_state != STORE_INTENT_OPEN)
            settle_intent(fixture->store, id, rows[i].intent_state, "{}");
        if (rows[i].state != STORE_ACTIVE)
            end_record(fixture->store, id, rows[i].state, NULL, T0 + (int64_t)i + 1);
        reopen(fixture);
        assert_int_equal(0, store_unfinished(fixture->store, arena, &unfinished, &err));
        CHECK_INT(rows[i].row, 1, unfinished.active_count);
        CHECK_INT(rows[i].row, rows[i].ended_ms > 0, unfinished.left_count);
        if (unfinished.left_count) {
            CHECK_STR(rows[i].row, "zoho_desk", unfinished.left[0].instance);
            CHECK_STR(rows[i].row, "phone:5550100001", unfinished.left[0].key);
            CHECK_INT(rows[i].row, rows[i].ended_ms, unfinished.left[0].ended_ms);
        }
        store_unfinished_done(&unfinished);
        arena_free(arena);
    }
}

static void many_active_records_are_all_listed(void **state)
{
    enum { MANY = 1000 };
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    struct arena *arena = arena_new(1 << 20);
    struct store_active *list = NULL;
    size_t count = 0;
    struct store_change *change = new_change(0);
    struct store_emit *emits = arena_alloc(change->arena, MANY * sizeof(*emits));

    for (int i = 0; i < MANY; i++)
        emits[i] = (struct store_emit){ .pipeline = "calls",
                                        .account = "acmedemo1",
                                        .external_id = arena_printf(change->arena, "call%d", i) };
    change->emits = emits;
    change->emit_count = MANY;
    apply(fixture->store, change);
    assert_int_equal(0, store_active(fixture->store, arena, &list, &count, &err));
    assert_int_equal(MANY, count);
    for (size_t i = 1; i < count; i++)
        assert_true(list[i].id > list[i - 1].id);
    free(list);
    arena_free(arena);
}

static void no_active_records_is_an_empty_list(void **state)
{
    struct fixture *fixture = *state;
    struct sb_error err = SB_ERROR_INIT;
    struct arena *arena = arena_new(1 << 20);
    struct store_active *list = NULL;
    size_t count = 1;

    assert_int_equal(0, store_active(fixture->store, arena, &list, &count, &err));
    assert_int_equal(0, count);
    free(list);
    arena_free(arena);
}

int main(void)
{
#define IN_STORE(test) cmocka_unit_test_setup_teardown(test, setup_store, teardown)
    const struct CMUnitTest tests[] = {
        IN_STORE(active_records_come_oldest_first_with_the_keys_they_hold),
        IN_STORE(ended_records_leave_the_keys_of_what_is_not_settled),
        IN_STORE(many_active_records_are_all_listed),
        IN_STORE(no_active_records_is_an_empty_list),
    };
#undef IN_STORE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
