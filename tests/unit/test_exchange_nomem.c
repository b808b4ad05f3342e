/* Every allocation of a build fails, once: the step is asked again later, for memory is a fault that passes. It is never taken
 * for a mistake of the plugin, which would end the record. */
#include "unit/nomem.h"

#include "unit/exchange_kit.h"

enum { ALLOCATIONS_MAX = 1000 };

static const struct sb_plugin plain = KIT_PLUGIN(&kit_header);

static enum sb_verdict build_json(struct sb_exchange *x)
{
    sb_request(x, "POST", sb_option_str(x, "base_url"));
    sb_query(x, "page", "1");
    sb_header(x, "X-One", sb_printf(x, "%d", 1));
    sb_body_json(x, json_pack("{s:s}", "text", "hello"));
    return SB_OK;
}

static enum sb_verdict build_form(struct sb_exchange *x)
{
    sb_request(x, "POST", sb_option_str(x, "base_url"));
    sb_form(x, "text", "hello & goodbye");
    return SB_OK;
}

/* Builds with the `nth` allocation failing. Gives whether there was one. */
static bool build_without(struct kit *kit, kit_fn build, int nth, unsigned *retries)
{
    kit->step.build = build;
    kit_exchange(kit);
    nomem_countdown = nth;
    enum sb_verdict verdict = exchange_build(kit->x);
    bool was_reached = nomem_countdown == NOMEM_NEVER;
    nomem_countdown = NOMEM_NEVER;
    if (kit->x->is_defect || (verdict != SB_OK && verdict != SB_RETRY))
        fail_msg("allocation %d: verdict %d, defect %d: %s", nth, (int)verdict, kit->x->is_defect,
                 kit->x->reason);
    if (verdict == SB_RETRY)
        assert_non_null(strstr(kit->x->reason, "no memory"));
    *retries += verdict == SB_RETRY;
    return was_reached;
}

static void a_build_without_memory_is_tried_again(void **state)
{
    static const kit_fn builds[] = { build_json, build_form };
    struct kit kit;

    (void)state;
    kit_begin(&kit, &plain, "{}");
    for (size_t i = 0; i < COUNT_OF(builds); i++) {
        unsigned retries = 0;
        int nth = 0;
        while (build_without(&kit, builds[i], nth, &retries)) {
            nth++;
            assert_true(nth < ALLOCATIONS_MAX);
        }
        assert_true(retries > 0);
        print_message("%d allocations, %u tried again\n", nth, retries);
    }
    kit_end(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_build_without_memory_is_tried_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
