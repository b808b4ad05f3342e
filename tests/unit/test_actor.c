/* Actors: queues are first in first out, timers go off in one order, late answers find nobody. */
#include "flow/actor.h"

#include "check.h"

enum { MANY = 500 };

static const struct actor_class plain = { .name = "plain" };

/* ---- queues -------------------------------------------------------------------------------------------- */

static void queues_are_first_in_first_out(void **state)
{
    (void)state;
    struct actor_queue queue = { 0 };
    struct actor actors[4] = { 0 };

    assert_null(queue_take(&queue));
    for (size_t i = 0; i < 3; i++)
        queue_add(&queue, &actors[i]);
    queue_add_first(&queue, &actors[3]);
    assert_int_equal(queue.count, 4);
    static const size_t order[] = { 3, 0, 1, 2 };
    for (size_t i = 0; i < ROWS(order); i++) {
        assert_ptr_equal(queue_take(&queue), &actors[order[i]]);
        assert_null(actors[order[i]].queue);
    }
    assert_int_equal(queue.count, 0);
    assert_null(queue.head);
    assert_null(queue.tail);
}

static void any_place_of_a_queue_can_be_left(void **state)
{
    (void)state;
    for (size_t gone = 0; gone < 3; gone++) {
        struct actor_queue queue = { 0 };
        struct actor actors[3] = { 0 };
        for (size_t i = 0; i < 3; i++)
            queue_add(&queue, &actors[i]);
        queue_remove(&actors[gone]);
        queue_remove(&actors[gone]); /* in none: nothing happens */
        assert_int_equal(queue.count, 2);
        queue_add(&queue, &actors[gone]); /* at the end now */
        assert_ptr_equal(queue_take(&queue), &actors[gone == 0 ? 1 : 0]);
        assert_ptr_equal(queue_take(&queue), &actors[gone == 2 ? 1 : 2]);
        assert_ptr_equal(queue_take(&queue), &actors[gone]);
        assert_null(queue_take(&queue));
    }
}

/* ---- timers -------------------------------------------------------------------------------------------- */

static void timers_go_off_by_time_then_slot(void **state)
{
    (void)state;
    struct actor_table table = { 0 };
    static struct actor actors[MANY];
    uint32_t chance = 1;

    CHECK_INT("no timer", INT64_MAX, actor_next_due(&table));
    assert_null(actor_take_due(&table, INT64_MAX));
    for (size_t i = 0; i < MANY; i++) {
        actors[i] = (struct actor){ 0 };
        assert_int_equal(actor_add(&table, &actors[i], &plain), 0);
        chance = chance * 1664525 + 1013904223;
        actor_arm(&table, &actors[i], chance >> 27); /* 32 times for 500 timers */
    }
    for (size_t i = 0; i < MANY; i += 3) { /* moved, and moved back and forth */
        actor_arm(&table, &actors[i], 50);
        actor_arm(&table, &actors[i], actors[(i + 1) % MANY].due_ms);
    }
    for (size_t i = 1; i < MANY; i += 5)
        actor_disarm(&table, &actors[i]);
    actor_disarm(&table, &actors[1]); /* twice: nothing happens */

    int64_t due_ms = -1;
    uint32_t slot = 0;
    size_t count = 0;
    while (actor_next_due(&table) != INT64_MAX) {
        assert_null(actor_take_due(&table, actor_next_due(&table) - 1));
        struct actor *actor = actor_take_due(&table, actor_next_due(&table));
        assert_non_null(actor);
        assert_true(actor->due_ms > due_ms || (actor->due_ms == due_ms && actor->slot > slot));
        assert_true((size_t)(actor - actors) % 5 != 1);
        assert_true(actor->timer_index == SIZE_MAX);
        due_ms = actor->due_ms;
        slot = actor->slot;
        count++;
    }
    assert_int_equal(count, MANY - MANY / 5);
    actor_table_done(&table);
}

/* ---- tickets ------------------------------------------------------------------------------------------- */

static void answers_find_their_actor_once(void **state)
{
    (void)state;
    struct actor_table table = { 0 };
    struct actor first = { 0 }, second = { 0 }, third = { 0 };

    assert_int_equal(actor_add(&table, &first, &plain), 0);
    assert_int_equal(actor_add(&table, &second, &plain), 0);
    uint64_t a = actor_ticket(&first), b = actor_ticket(&second);
    assert_true(a != b);
    assert_ptr_equal(actor_answered(&table, b), &second);
    assert_true(!second.has_request && first.has_request);
    actor_remove(&table, &first);
    assert_null(actor_answered(&table, a)); /* it is gone */
    assert_int_equal(actor_add(&table, &third, &plain), 0);
    assert_int_equal(third.slot, first.slot);
    assert_null(actor_answered(&table, a)); /* its slot has another */
    uint64_t c = actor_ticket(&third);
    assert_true(c != a);
    assert_ptr_equal(actor_answered(&table, c), &third);
    assert_null(actor_answered(&table, UINT64_C(77) << 32 | 999)); /* never was */
    actor_table_done(&table);
}

static void removal_leaves_queue_and_timer(void **state)
{
    (void)state;
    struct actor_table table = { 0 };
    struct actor_queue queue = { 0 };
    struct actor actor = { 0 };

    assert_int_equal(actor_add(&table, &actor, &plain), 0);
    queue_add(&queue, &actor);
    actor_arm(&table, &actor, 5);
    actor_remove(&table, &actor);
    assert_int_equal(queue.count, 0);
    CHECK_INT("no timer", INT64_MAX, actor_next_due(&table));
    actor_table_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queues_are_first_in_first_out),   cmocka_unit_test(any_place_of_a_queue_can_be_left),
        cmocka_unit_test(timers_go_off_by_time_then_slot), cmocka_unit_test(answers_find_their_actor_once),
        cmocka_unit_test(removal_leaves_queue_and_timer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
