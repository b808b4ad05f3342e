/* Every allocation of conf fails once: the load fails, or the conf has an error, or nothing is missing from it. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/scope.h"
#include "check.h"
#include "conf_fixture.h"
#include "nomem.h"

enum { ALLOCATIONS_MAX = 5000, ALLOCATIONS_MIN = 50 };

/* Loads and checks with one failing allocation. True when the result claims to be right; `out` has all of it then. */
static bool claims_success(int nth, struct buf *out, bool *ret_was_spent)
{
    const struct conf_source source = { .lookup = fixture_lookup, .share_dir = "/usr/share/switchboard" };
    struct sb_error err = SB_ERROR_INIT;
    struct conf *conf = NULL;

    nomem_countdown = nth;
    int rc = conf_load("shipped_shape.conf", &source, &conf, &err);
    if (rc == 0)
        fixture_check(conf);
    *ret_was_spent = nomem_countdown == NOMEM_NEVER;
    nomem_countdown = NOMEM_NEVER;
    if (rc < 0) {
        CHECK_INT("status", SB_ENOMEM, err.status);
        assert_null(conf);
        return false;
    }
    bool is_right = conf_error_count(conf) == 0;
    conf_write_diagnostics(conf, out);
    conf_write_summary(conf, out);
    const struct conf_value *agents = conf_find_value(conf_find_block(conf, "exotel"), "agents");
    buf_printf(out, "%s", agents && agents->json ? "agents" : "no agents");
    conf_free(conf);
    return is_right;
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    AUTO_BUF whole;
    bool was_spent = true;
    int nth = 0;

    json_set_alloc_funcs(nomem_json_malloc, free);
    buf_init(&whole, 1 << 20);
    assert_true(claims_success(NOMEM_NEVER, &whole, &was_spent));
    assert_non_null(strstr(whole.data, "agents"));
    for (was_spent = true; was_spent; nth++) {
        AUTO_BUF got;
        buf_init(&got, 1 << 20);
        if (claims_success(nth, &got, &was_spent))
            CHECK_STR("whole", whole.data, got.data);
        assert_true(nth < ALLOCATIONS_MAX);
    }
    assert_true(nth > ALLOCATIONS_MIN);
    json_set_alloc_funcs(malloc, free);
}

static int enter_folder(void **state)
{
    (void)state;
    return chdir(TEST_SOURCE_DIR "/tests/conf/right");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_allocation_may_fail) };
    return cmocka_run_group_tests(tests, enter_folder, NULL);
}
