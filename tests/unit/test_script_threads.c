/* One script, many threads: each call has the state for itself, and an abort of one harms no other. */
#include <pthread.h>

#include "script_fixture.h"

enum { THREADS = 6, CALLS = 60 };

struct caller {
    struct script *script;
    pthread_t thread;
    int number, wrong;
};

static void *call_often(void *ctx)
{
    struct caller *caller = ctx;

    for (int i = 0; i < CALLS; i++) {
        struct sb_error err = SB_ERROR_INIT;
        json_t *record = json_pack("{s:i, s:i}", "number", caller->number, "i", i), *result = NULL;
        int rc = script_call(caller->script, "f", record, NULL, (uint64_t)caller->number, i, &result, &err);
        bool is_aborted = i % 20 == 19;
        if (is_aborted ? rc == 0 || !strstr(err.text, "took longer")
                       : rc < 0 || json_integer_value(result) != (json_int_t)caller->number * 1000 + i)
            caller->wrong++;
        if (rc == 0)
            json_decref(result);
        json_decref(record);
    }
    return NULL;
}

static void threads_take_turns(void **state)
{
    (void)state;
    const struct script_limits limits = { .instructions_max = 100000 };
    struct caller callers[THREADS];
    struct script *script =
        fixture_load("function f(r) if r.i % 20 == 19 then while true do end end\n"
                     "local n = 0 for _ = 1, 100 do n = n + 1 end return r.number * 1000 + sb.now() end",
                     &limits);

    for (int i = 0; i < THREADS; i++) {
        callers[i] = (struct caller){ .script = script, .number = i };
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
        CHECK_INT("wrong answers", 0, callers[i].wrong);
    }
    script_free(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_take_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
