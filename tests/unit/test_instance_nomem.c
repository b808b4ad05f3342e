/* A token that could not be kept, for lack of memory, is said to be missing: its steps would wait for it without end. */
#include "unit/nomem.h"

#include "unit/exchange_kit.h"

static const struct sb_plugin plain = KIT_PLUGIN(&kit_header);

static void a_token_that_could_not_be_kept_is_told(void **state)
{
    struct kit kit;

    (void)state;
    kit_begin(&kit, &plain, "{}");
    assert_int_equal(instance_set_token(kit.instance, "first"), 0);
    nomem_countdown = 0;
    assert_int_equal(instance_set_token(kit.instance, "second"), -1);
    assert_null(kit.instance->access_token); /* nor is the old one sent instead */
    assert_int_equal(instance_set_token(kit.instance, "third"), 0);
    assert_string_equal(kit.instance->access_token, "third");
    nomem_countdown = 0;
    assert_int_equal(instance_set_token(kit.instance, NULL), 0); /* what is taken away needs no memory */
    nomem_countdown = NOMEM_NEVER;
    assert_null(kit.instance->access_token);
    kit_end(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_that_could_not_be_kept_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
