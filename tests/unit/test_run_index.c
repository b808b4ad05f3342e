/* Runs by the id of their record: whatever is added and removed in whatever order is found, and nothing else. */
#include "unit/check.h"

#include <stdlib.h>
#include <string.h>

#include "flow/run.h"
#include "flow/run_index.h"

enum { RUNS = 5000, ROUNDS = 40000 };

static struct run *make_runs(void)
{
    struct run *runs = calloc(RUNS, sizeof(*runs));

    assert_non_null(runs);
    for (int i = 0; i < RUNS; i++)
        runs[i].id = i + 1;
    return runs;
}

static void an_empty_index_finds_and_removes_nothing(void **state)
{
    struct run_index index = { .slots = NULL };
    const struct run run = { .id = 7 };

    (void)state;
    assert_null(run_index_find(&index, 7));
    run_index_remove(&index, &run);
    run_index_done(&index);
}

static void another_run_with_the_same_id_is_not_removed(void **state)
{
    struct run_index index = { .slots = NULL };
    struct run mine = { .id = 7 };
    const struct run other = { .id = 7 };

    (void)state;
    assert_int_equal(0, run_index_add(&index, &mine));
    run_index_remove(&index, &other);
    assert_ptr_equal(&mine, run_index_find(&index, 7));
    run_index_done(&index);
}

/* A fixed sequence of chances; the truth is an array of flags. */
static void what_is_in_is_found_and_what_is_not_is_not(void **state)
{
    struct run_index index = { .slots = NULL };
    struct run *runs = make_runs();
    bool *is_in = calloc(RUNS, sizeof(*is_in));
    uint64_t chance = 42;
    size_t count = 0;

    (void)state;
    assert_non_null(is_in);
    for (int i = 0; i < ROUNDS; i++) {
        chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        size_t at = (size_t)(chance >> 33) % RUNS;
        if (is_in[at])
            run_index_remove(&index, &runs[at]);
        else
            assert_int_equal(0, run_index_add(&index, &runs[at]));
        is_in[at] = !is_in[at];
        count += is_in[at] ? 1 : (size_t)-1;
        assert_int_equal(count, index.count);
        assert_ptr_equal(is_in[at] ? &runs[at] : NULL, run_index_find(&index, runs[at].id));
    }
    for (size_t at = 0; at < RUNS; at++)
        assert_ptr_equal(is_in[at] ? &runs[at] : NULL, run_index_find(&index, runs[at].id));
    assert_true(index.capacity >= 2 * index.count);
    run_index_done(&index);
    free(is_in);
    free(runs);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_index_finds_and_removes_nothing),
        cmocka_unit_test(another_run_with_the_same_id_is_not_removed),
        cmocka_unit_test(what_is_in_is_found_and_what_is_not_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
