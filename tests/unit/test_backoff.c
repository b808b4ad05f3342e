/* Waiting times: before the next try, and before the next look for an unknown outcome. */
#include "flow/backoff.h"

#include "check.h"

static void ceilings_double_up_to_the_limit(void **state)
{
    (void)state;
    static const struct {
        uint32_t attempt;
        int64_t ms;
    } rows[] = { { 0, 1000 },   { 1, 1000 },    { 2, 2000 },    { 3, 4000 },         { 8, 128000 },
                 { 9, 256000 }, { 10, 300000 }, { 11, 300000 }, { 1000000, 300000 }, { UINT32_MAX, 300000 } };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char name[24];
        (void)snprintf(name, sizeof(name), "attempt %u", rows[i].attempt);
        CHECK_INT(name, rows[i].ms, backoff_ceiling_ms(rows[i].attempt));
    }
}

static void looks_come_early_and_at_the_end_of_the_wait(void **state)
{
    (void)state;
    enum { MINUTE = 60 * 1000 };
    static const struct {
        uint32_t ask;
        int64_t wait_ms, due_ms;
    } rows[] = {
        { 0, 15 * MINUTE, 30010 },
        { 1, 15 * MINUTE, 112510 },
        { 2, 15 * MINUTE, 5 * MINUTE + 10 },
        { 3, 15 * MINUTE, 10 * MINUTE + 10 },
        { 4, 15 * MINUTE, 15 * MINUTE + 10 }, /* now "not there" may be believed */
        { 5, 15 * MINUTE, 20 * MINUTE + 10 },
        { 6, 15 * MINUTE, 25 * MINUTE + 10 },
        { 5, 120 * MINUTE, 130 * MINUTE + 10 }, /* never more than ten minutes apart */
        { 0, 0, 10 },
        { 4, 0, 10 },
        { 5, 0, 1010 }, /* and never a storm */
        { 6, 0, 2010 },
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char name[48];
        (void)snprintf(name, sizeof(name), "look %u of a wait of %d ms", rows[i].ask, (int)rows[i].wait_ms);
        CHECK_INT(name, rows[i].due_ms, reconcile_ask_ms(rows[i].ask, rows[i].wait_ms));
    }
}

static void looks_never_go_back(void **state)
{
    (void)state;
    for (int64_t wait_ms = 0; wait_ms < 4000000; wait_ms = wait_ms * 2 + 7) {
        int64_t before = -1, looks_before_the_end = 0;
        for (uint32_t ask = 0; ask < 100; ask++) {
            int64_t due_ms = reconcile_ask_ms(ask, wait_ms);
            assert_true(due_ms >= before);
            looks_before_the_end += due_ms < wait_ms;
            before = due_ms;
        }
        if (wait_ms > 1000)
            assert_int_equal(looks_before_the_end, 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ceilings_double_up_to_the_limit),
        cmocka_unit_test(looks_come_early_and_at_the_end_of_the_wait),
        cmocka_unit_test(looks_never_go_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
