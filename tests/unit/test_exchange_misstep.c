/* Exchanges: how a step ends that misbehaves. */
#include "unit/exchange_kit.h"

static const struct sb_plugin plugin = KIT_PLUGIN(&kit_basic);
static const char document[] = "{\"talk\": {\"from\": \"a\"}}";

static enum sb_verdict set_through_text(struct sb_exchange *x)
{
    sb_set_int(x, "talk.from.number", 1);
    return SB_OK;
}

static enum sb_verdict set_without_path(struct sb_exchange *x)
{
    sb_set_int(x, "talk..from", 1);
    return SB_OK;
}

static enum sb_verdict ask_unknown_option(struct sb_exchange *x)
{
    /* A plugin that does not expect NULL must not take the engine down. */
    return strlen(sb_option_str(x, "api_kee")) > 0 ? SB_OK : SB_SKIP;
}

static enum sb_verdict ask_wrong_type(struct sb_exchange *x)
{
    return sb_option_int(x, "api_key") ? SB_OK : SB_SKIP;
}

static enum sb_verdict unknown_verdict(struct sb_exchange *x)
{
    (void)x;
    return (enum sb_verdict)42;
}

static enum sb_verdict key_without_lock(struct sb_exchange *x)
{
    sb_key_set(x, "id", json_string("c1"));
    return SB_OK;
}

static enum sb_verdict emit_from_record(struct sb_exchange *x)
{
    sb_emit(x, "acmedemo1", "id", json_object());
    return SB_OK;
}

static enum sb_verdict request_in_work(struct sb_exchange *x)
{
    sb_request(x, "GET", sb_option_str(x, "base_url"));
    return SB_OK;
}

static enum sb_verdict keep_intent_in_work(struct sb_exchange *x)
{
    sb_intent_keep(x, "id", json_string("1"));
    return SB_OK;
}

static enum sb_verdict read_other_file(struct sb_exchange *x)
{
    return sb_file_size(x, "13/recording.mp3") < 0 ? SB_SKIP : SB_OK;
}

/* Of record 123, whose name begins as that of record 12. */
static enum sb_verdict read_longer_file(struct sb_exchange *x)
{
    return sb_file_size(x, "0k/123-recording.mp3") < 0 ? SB_SKIP : SB_OK;
}

static enum sb_verdict climb(struct sb_exchange *x)
{
    return sb_file_size(x, "12/../../passwd") < 0 ? SB_SKIP : SB_OK;
}

static enum sb_verdict negative_meter(struct sb_exchange *x)
{
    sb_meter(x, "tokens_in", -1);
    return SB_OK;
}

static enum sb_verdict many_meters(struct sb_exchange *x)
{
    for (int i = 0; i < 9; i++)
        sb_meter(x, sb_printf(x, "meter_%d", i), 1);
    return SB_OK;
}

static enum sb_verdict route_reply_in_step(struct sb_exchange *x)
{
    sb_reply_json(x, 200, json_object());
    return SB_OK;
}

static enum sb_verdict wrong_word(struct sb_exchange *x)
{
    sb_set_str(x, "analysis.mood", "Ecstatic");
    return SB_OK;
}

static enum sb_verdict script_is_no_script(struct sb_exchange *x)
{
    json_t *result = NULL;
    struct sb_error err = SB_ERROR_INIT;
    return sb_script_call(x, "api_key", "f", NULL, &result, &err) < 0 ? sb_script_failed(x, &err) : SB_OK;
}

static const struct {
    kit_fn work;
    const char *reason;
} defects[] = {
    { set_through_text, "'talk.from.number' cannot be set: something that is not an object is in the way" },
    { set_without_path, "'talk..from' is not a path of a record" },
    { ask_unknown_option, "plugin 'kit' asked for the option 'api_kee', which its table does not have" },
    { ask_wrong_type, "plugin 'kit' asked for the option 'api_key' by the wrong type" },
    { unknown_verdict, "the step gave the unknown verdict 42" },
    { key_without_lock, "sb_key_set was called in a step that holds no key, or without a name" },
    { emit_from_record, "sb_emit was called where it may not be" },
    { request_in_work, "sb_request was called where it may not be" },
    { keep_intent_in_work, "sb_intent_keep was called where it may not be" },
    { read_other_file, "'13/recording.mp3' is not a file of this record" },
    { read_longer_file, "'0k/123-recording.mp3' is not a file of this record" },
    { climb, "'12/../../passwd' is not a file of this record" },
    { negative_meter, "sb_meter needs a name and an amount that is not negative" },
    { many_meters, "a step may use at most 8 meters" },
    { route_reply_in_step, "sb_reply_json was called outside of a route" },
    { script_is_no_script, "'api_key' is not a script option of the plugin" },
};

static void each_misstep_is_a_defect_with_its_reason(void **state)
{
    (void)state;
    struct kit kit;
    kit_begin(&kit, &plugin, document);

    for (size_t i = 0; i < COUNT_OF(defects); i++) {
        enum sb_verdict verdict = kit_work(&kit, defects[i].work);
        if (verdict != SB_REJECT || !kit.x->is_defect || strcmp(kit.x->reason, defects[i].reason) != 0)
            fail_msg("row %zu: verdict %d, defect %d, '%s' instead of '%s'", i, (int)verdict,
                     kit.x->is_defect, kit.x->reason, defects[i].reason);
        assert_ptr_equal(kit.x->document, kit.document);
    }
    assert_int_equal(kit_work(&kit, wrong_word), SB_REJECT);
    assert_true(kit.x->is_defect);
    assert_non_null(strstr(kit.x->reason, "analysis.mood"));
    kit_end(&kit);
}

static enum sb_verdict eat_memory(struct sb_exchange *x)
{
    sb_set_str(x, "talk.from", "b");
    for (size_t i = 0; i < 1000; i++)
        memset(sb_alloc(x, 1 << 20), 1, 1 << 20);
    return SB_OK;
}

static enum sb_verdict eat_at_once(struct sb_exchange *x)
{
    return sb_alloc(x, SIZE_MAX - 8) ? SB_OK : SB_SKIP;
}

static void memory_without_end_is_a_retry_of_the_step(void **state)
{
    (void)state;
    struct kit kit;
    kit_begin(&kit, &plugin, document);
    assert_int_equal(kit_work(&kit, eat_memory), SB_RETRY);
    assert_false(kit.x->is_defect);
    assert_string_equal(kit.x->reason, "no memory: the step needs more than 64 MiB, or the machine has none");
    assert_ptr_equal(kit.x->document, kit.document);
    assert_int_equal(kit_work(&kit, eat_at_once), SB_RETRY);
    kit_end(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_misstep_is_a_defect_with_its_reason),
        cmocka_unit_test(memory_without_end_is_a_retry_of_the_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
