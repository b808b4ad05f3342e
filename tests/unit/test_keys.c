/* Locks by name: one holder, first come first served, forgotten when nobody wants them. */
#include "flow/keys.h"

#include "check.h"
#include "flow/state.h"

static struct key_lock *acquire(struct keys *keys, const char *instance, const char *name,
                                struct actor *actor, bool want)
{
    struct key_lock *lock = NULL;

    CHECK_INT(name, want, keys_acquire(keys, instance, name, actor, &lock));
    assert_non_null(lock);
    return lock;
}

static void one_holds_and_the_others_wait_in_order(void **state)
{
    (void)state;
    struct flow flow = { 0 };
    struct keys keys = { 0 };
    struct actor actors[4] = { 0 };

    assert_int_equal(keys_init(&keys), 0);
    struct key_lock *lock = acquire(&keys, "desk", "+915550100001", &actors[0], true);
    for (size_t i = 1; i < 4; i++)
        assert_ptr_equal(acquire(&keys, "desk", "+915550100001", &actors[i], false), lock);
    assert_int_equal(keys.count, 1);
    for (size_t i = 1; i < 4; i++) {
        keys_release(&flow, &keys, lock);
        assert_ptr_equal(lock->holder, &actors[i]); /* handed over before anybody else can come */
        assert_ptr_equal(queue_take(&flow.ready), &actors[i]);
        assert_null(queue_take(&flow.ready));
    }
    keys_release(&flow, &keys, lock);
    assert_int_equal(keys.count, 0);
    lock = acquire(&keys, "desk", "+915550100001", &actors[0], true);
    keys_release(&flow, &keys, lock);
    keys_done(&keys);
}

static void names_and_instances_are_apart(void **state)
{
    (void)state;
    struct flow flow = { 0 };
    struct keys keys = { 0 };
    struct actor actors[4] = { 0 };
    struct key_lock *locks[4];

    assert_int_equal(keys_init(&keys), 0);
    locks[0] = acquire(&keys, "desk", "a", &actors[0], true);
    locks[1] = acquire(&keys, "desk2", "a", &actors[1], true);
    locks[2] = acquire(&keys, "desk", "b", &actors[2], true);
    locks[3] = acquire(&keys, "des", "ka", &actors[3], true); /* the same letters in a row, another lock */
    assert_int_equal(keys.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_ptr_equal(locks[i]->holder, &actors[i]);
    for (size_t i = 0; i < 4; i++)
        keys_release(&flow, &keys, locks[i]);
    assert_int_equal(keys.count, 0);
    keys_done(&keys);
}

/* More locks than buckets: every bucket has a chain, and any link of it can go. */
static void many_locks_are_kept_apart(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    struct flow flow = { 0 };
    struct keys keys = { 0 };
    static struct actor actors[MANY];
    static struct key_lock *locks[MANY];
    char name[32];

    assert_int_equal(keys_init(&keys), 0);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "+9155501%05d", i);
        locks[i] = acquire(&keys, "desk", name, &actors[i], true);
    }
    for (int step = 0; step < 3; step++)
        for (int i = step; i < MANY; i += 3)
            keys_release(&flow, &keys, locks[i]);
    assert_int_equal(keys.count, 0);
    acquire(&keys, "desk", "left over", &actors[0], true); /* keys_done frees what is still held */
    keys_done(&keys);
}

static void who_waits_may_leave(void **state)
{
    (void)state;
    struct flow flow = { 0 };
    struct keys keys = { 0 };
    struct actor actors[3] = { 0 };

    assert_int_equal(keys_init(&keys), 0);
    struct key_lock *lock = acquire(&keys, "desk", "a", &actors[0], true);
    acquire(&keys, "desk", "a", &actors[1], false);
    acquire(&keys, "desk", "a", &actors[2], false);
    queue_remove(&actors[1]);
    keys_release(&flow, &keys, lock);
    assert_ptr_equal(lock->holder, &actors[2]);
    assert_ptr_equal(queue_take(&flow.ready), &actors[2]);
    keys_release(&flow, &keys, lock);
    keys_done(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_holds_and_the_others_wait_in_order),
        cmocka_unit_test(names_and_instances_are_apart),
        cmocka_unit_test(many_locks_are_kept_apart),
        cmocka_unit_test(who_waits_may_leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
