/* Exchanges: what a step may change, and what survives its verdict. */
#include "unit/exchange_kit.h"

static const struct sb_plugin plugin = KIT_PLUGIN(&kit_basic);
static const char document[] =
    "{\"talk\": {\"from\": \"a\", \"legs\": [{\"n\": 1}, {\"n\": 2}]}, \"big\": {\"text\": \"t\"}}";

/* ---- the record ---------------------------------------------------------------------------------------- */

static enum sb_verdict change(struct sb_exchange *x)
{
    sb_set_str(x, "talk.from", "b");
    sb_set_int(x, "talk.legs.1.n", 22);
    sb_set_number(x, "guess.confidence", 0.5);
    sb_set_bool(x, "guess.sure", true);
    sb_set(x, "talk.gone", json_object());
    sb_set(x, "talk.gone", NULL);
    sb_set(x, "never.was.there", NULL);
    return SB_OK;
}

static void a_change_is_a_copy_and_shares_the_rest(void **state)
{
    (void)state;
    struct kit kit;
    kit_begin(&kit, &plugin, document);
    AUTO_JSON before = json_deep_copy(kit.document);

    assert_int_equal(kit_work(&kit, change), SB_OK);
    AUTO_JSON after = exchange_document(kit.x);
    kit_same(after,
             "{\"talk\": {\"from\": \"b\", \"legs\": [{\"n\": 1}, {\"n\": 22}]}, \"big\": {\"text\": \"t\"},"
             " \"guess\": {\"confidence\": 0.5, \"sure\": true}}");
    assert_true(json_equal(kit.document, before));
    assert_ptr_equal(json_object_get(after, "big"), json_object_get(kit.document, "big"));
    assert_ptr_equal(json_at(after, "talk.legs.0"), json_at(kit.document, "talk.legs.0"));
    assert_int_equal(kit.x->dirty_count, 3);
    assert_string_equal(kit.x->dirty[0], "talk");
    assert_string_equal(kit.x->dirty[1], "guess");
    kit_end(&kit);
}

static enum sb_verdict change_and_retry(struct sb_exchange *x)
{
    sb_set_str(x, "talk.from", "b");
    sb_key_set(x, "id", json_string("c1"));
    sb_note(x, "tried");
    sb_meter(x, "tokens_in", 10);
    return sb_retry(x, "down");
}

static enum sb_verdict change_and_reject(struct sb_exchange *x)
{
    (void)change_and_retry(x);
    return sb_reject(x, "no");
}

static enum sb_verdict change_and_drop(struct sb_exchange *x)
{
    (void)change_and_retry(x);
    return sb_drop(x, "nobody wants it");
}

static void only_verdicts_that_keep_changes_keep_them(void **state)
{
    (void)state;
    static const struct {
        kit_fn work;
        enum sb_verdict verdict;
        const char *from, *reason;
        bool has_key;
    } rows[] = {
        { change_and_retry, SB_RETRY, "a", "down", false },
        { change_and_reject, SB_REJECT, "a", "no", false },
        { change_and_drop, SB_DROP, "b", "nobody wants it", true },
    };
    struct kit kit;
    kit_begin(&kit, &plugin, document);
    kit.key_doc = json_object();

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(kit_work(&kit, rows[i].work), rows[i].verdict);
        AUTO_JSON after = exchange_document(kit.x);
        assert_string_equal(json_string_value(json_at(after, "talk.from")), rows[i].from);
        assert_string_equal(kit.x->reason, rows[i].reason);
        assert_int_equal(kit.x->key_is_dirty, rows[i].has_key);
        /* What was said and spent stays whatever came of it. */
        kit_same(kit.x->notes, "[\"tried\"]");
        assert_string_equal(kit.x->meters[0].name, "tokens_in");
        kit_same(kit.key_doc, "{}");
    }
    kit_end(&kit);
}

static enum sb_verdict hold_what_is_replaced(struct sb_exchange *x)
{
    sb_set_str(x, "talk.from", "first");
    const char *first = sb_get_str(x, "talk.from");
    const json_t *call = sb_get(x, "talk");
    sb_set_str(x, "talk.from", "second");
    sb_set(x, "talk", json_pack("{s:s}", "from", "third"));
    sb_set(x, "talk", NULL);
    return strcmp(first, "first") == 0 && json_is_object(call) ? SB_OK : SB_REJECT;
}

static void what_a_step_read_lives_until_the_end(void **state)
{
    (void)state;
    struct kit kit;
    kit_begin(&kit, &plugin, document);
    assert_int_equal(kit_work(&kit, hold_what_is_replaced), SB_OK);
    AUTO_JSON after = exchange_document(kit.x);
    assert_null(json_object_get(after, "talk"));
    kit_end(&kit);
}

static enum sb_verdict alias(struct sb_exchange *x)
{
    /* One value in two places: a change in one must not show in the other, nor in the document that came in. */
    sb_set(x, "copy", json_incref((json_t *)(uintptr_t)sb_get(x, "talk")));
    sb_set(x, "box", json_pack("{s:O}", "legs", sb_get(x, "talk.legs")));
    sb_set_str(x, "copy.from", "changed");
    sb_set_int(x, "box.legs.0.n", 100);
    return SB_OK;
}

static void a_shared_value_becomes_the_records_own(void **state)
{
    (void)state;
    struct kit kit;
    kit_begin(&kit, &plugin, document);
    assert_int_equal(kit_work(&kit, alias), SB_OK);
    AUTO_JSON after = exchange_document(kit.x);
    assert_string_equal(json_string_value(json_at(after, "talk.from")), "a");
    assert_int_equal(json_integer_value(json_at(after, "talk.legs.0.n")), 1);
    assert_int_equal(json_integer_value(json_at(kit.document, "talk.legs.0.n")), 1);
    assert_int_equal(json_integer_value(json_at(after, "box.legs.0.n")), 100);
    kit_end(&kit);
}

static enum sb_verdict read_all_kinds(struct sb_exchange *x)
{
    bool right = sb_get_int(x, "n", 0) == 5 && sb_get_int(x, "s", 3) == 3 && sb_get_int(x, "r", 4) == 4 &&
                 sb_get_number(x, "r", 0) > 2.4 && sb_get_number(x, "n", 0) > 4.9 &&
                 sb_get_bool(x, "b", false) && sb_get_bool(x, "n", true) && !sb_get_str(x, "n") &&
                 !sb_get_str(x, "absent.far") && !sb_get(x, "") && strcmp(sb_get_str(x, "s"), "text") == 0 &&
                 sb_now_ms(x) == INT64_C(1773133200000) && sb_step_age_ms(x) == 10000 && sb_round(x) == 0 &&
                 strcmp(sb_reference(x), "0123456789ABC") == 0 &&
                 strcmp(sb_json_kind(sb_get(x, "b")), "true or false") == 0 &&
                 strcmp(sb_json_kind(sb_get(x, "absent")), "nothing") == 0;
    return right ? SB_OK : SB_REJECT;
}

static void values_are_read_by_kind(void **state)
{
    (void)state;
    struct kit kit;
    kit_begin(&kit, &plugin, "{\"n\": 5, \"s\": \"text\", \"r\": 2.5, \"b\": true}");
    assert_int_equal(kit_work(&kit, read_all_kinds), SB_OK);
    kit_end(&kit);
}

static enum sb_verdict write_odd_values(struct sb_exchange *x)
{
    sb_set_str(x, "odd.text", "bad \xff byte \x01");
    sb_set_str(x, "odd.nothing", NULL);
    sb_set_number(x, "odd.number", 0.0 / sb_get_number(x, "zero", 0.0));
    return SB_OK;
}

static void values_that_are_no_json_are_mended(void **state)
{
    (void)state;
    struct kit kit;
    kit_begin(&kit, &plugin, "{\"zero\": 0.0}");
    assert_int_equal(kit_work(&kit, write_odd_values), SB_OK);
    AUTO_JSON after = exchange_document(kit.x);
    kit_same(json_object_get(after, "odd"),
             "{\"text\": \"bad \\ufffd byte \\ufffd\", \"nothing\": null, \"number\": null}");
    kit_end(&kit);
}

/* ---- verdicts ------------------------------------------------------------------------------------------ */

static enum sb_verdict say_long(struct sb_exchange *x)
{
    char *text = sb_alloc(x, 2001);
    memset(text, 'x', 2000);
    return sb_skip(x, "\xe2\x82\xac%s\xe2\x82\xac", text);
}

static enum sb_verdict say_secret(struct sb_exchange *x)
{
    return sb_reject(x, "the key %s was refused", sb_option_str(x, "api_key"));
}

static enum sb_verdict say_again(struct sb_exchange *x)
{
    return sb_again(x, -5);
}

static enum sb_verdict say_suspend(struct sb_exchange *x)
{
    return sb_suspend(x, 0, "no credit");
}

static enum sb_verdict say_retry_in(struct sb_exchange *x)
{
    return sb_retry_in(x, INT64_MAX, "later");
}

static void reasons_are_cut_and_show_no_secret(void **state)
{
    (void)state;
    struct kit kit;
    kit_begin(&kit, &plugin, document);
    assert_int_equal(kit_work(&kit, say_long), SB_SKIP);
    assert_true(strlen(kit.x->reason) < EXCHANGE_REASON_MAX);
    assert_string_equal(kit.x->reason + strlen(kit.x->reason) - 4, "x...");
    assert_int_equal(kit_work(&kit, say_secret), SB_REJECT);
    assert_string_equal(kit.x->reason, "the key [api_key] was refused");
    kit_end(&kit);
}

static void delays_are_bounded(void **state)
{
    (void)state;
    struct kit kit;
    kit_begin(&kit, &plugin, document);
    assert_int_equal(kit_work(&kit, say_again), SB_AGAIN);
    assert_int_equal(kit.x->delay_ms, 0);
    assert_int_equal(kit_work(&kit, say_suspend), SB_RETRY);
    assert_true(kit.x->suspend_ms > 0);
    assert_int_equal(kit_work(&kit, say_retry_in), SB_RETRY);
    assert_true(kit.x->delay_ms == INT64_C(31) * 24 * 3600 * 1000);
    kit_end(&kit);
}

static enum sb_verdict build_get(struct sb_exchange *x)
{
    sb_request(x, "GET", sb_option_str(x, "base_url"));
    return SB_OK;
}

static void a_step_without_fold_is_judged_by_the_status(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum sb_verdict verdict;
    } rows[] = { { 200, SB_OK },     { 204, SB_OK },     { 301, SB_REJECT }, { 400, SB_REJECT },
                 { 401, SB_REJECT }, { 404, SB_REJECT }, { 408, SB_RETRY },  { 425, SB_RETRY },
                 { 429, SB_RETRY },  { 500, SB_RETRY },  { 503, SB_RETRY },  { 599, SB_RETRY } };
    struct kit kit;
    kit_begin(&kit, &plugin, document);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(kit_build(&kit, build_get), SB_OK);
        assert_int_equal(exchange_fold(kit.x, http_response_new(rows[i].status, "", 0)), rows[i].verdict);
    }
    kit_end(&kit);
}

/* ---- keys ---------------------------------------------------------------------------------------------- */

static const char *key_of_call(struct sb_exchange *x)
{
    return sb_printf(x, "phone:%s", sb_get_str(x, "talk.from"));
}

static const char *key_none(struct sb_exchange *x)
{
    (void)x;
    return NULL;
}

static const char *key_empty(struct sb_exchange *x)
{
    (void)x;
    return "";
}

static const char *key_that_writes(struct sb_exchange *x)
{
    sb_set_str(x, "talk.from", "b");
    return "phone:b";
}

static void a_key_is_asked_and_a_failing_one_shows(void **state)
{
    (void)state;
    struct kit kit;
    kit_begin(&kit, &plugin, document);
    kit.step.key = key_of_call;
    kit_exchange(&kit);
    assert_string_equal(exchange_key(kit.x), "phone:a");
    assert_string_equal(kit.x->reason, "");
    kit.step.key = key_none;
    kit_exchange(&kit);
    assert_null(exchange_key(kit.x));
    assert_string_equal(kit.x->reason, "");
    kit.step.key = key_empty;
    kit_exchange(&kit);
    assert_null(exchange_key(kit.x));
    assert_true(kit.x->is_defect);
    kit.step.key = key_that_writes;
    kit_exchange(&kit);
    assert_null(exchange_key(kit.x));
    assert_string_equal(kit.x->reason, "sb_set was called where it may not be");
    assert_ptr_equal(kit.x->document, kit.document);
    kit_end(&kit);
}

/* ---- scripts ------------------------------------------------------------------------------------------- */

static int answer(void *script, const char *function, const json_t *record, const json_t *argument,
                  uint64_t seed, int64_t now_ms, json_t **ret_result, struct sb_error *err)
{
    (void)seed;
    (void)now_ms;
    if (strcmp(function, "broken") == 0)
        return sb_fail(err, SB_EINPUT, "map.lua:7: attempt to index nil");
    *ret_result = json_pack("{s:s, s:O, s:O?}", "script", (const char *)script, "from",
                            json_at(record, "talk.from"), "argument", (json_t *)(uintptr_t)argument);
    return 0;
}

static enum sb_verdict call_script(struct sb_exchange *x)
{
    json_t *result = NULL;
    struct sb_error err = SB_ERROR_INIT;
    AUTO_JSON argument = json_integer(3);

    if (sb_script_call(x, "mapping", sb_get_str(x, "function"), argument, &result, &err) < 0)
        return sb_script_failed(x, &err);
    sb_set(x, "mapped", result);
    return SB_OK;
}

static void scripts_are_called_with_the_record(void **state)
{
    (void)state;
    static const struct script_host host = { .call = answer };
    char name[] = "loaded";
    struct kit kit;
    kit_begin(&kit, &plugin, "{\"talk\": {\"from\": \"a\"}, \"function\": \"map\"}");

    assert_int_equal(kit_work(&kit, call_script), SB_REJECT);
    assert_string_equal(kit.x->reason, "script: no script is set for 'mapping' of 'kit'");
    kit.instance->script_host = &host;
    kit.instance->scripts[kit.instance->script_count++] = (struct instance_script){ "mapping", name };
    assert_int_equal(kit_work(&kit, call_script), SB_OK);
    AUTO_JSON after = exchange_document(kit.x);
    kit_same(json_object_get(after, "mapped"), "{\"script\": \"loaded\", \"from\": \"a\", \"argument\": 3}");
    (void)json_object_set_new(kit.document, "function", json_string("broken"));
    assert_int_equal(kit_work(&kit, call_script), SB_REJECT);
    assert_true(kit.x->is_defect);
    assert_string_equal(kit.x->reason, "script: map.lua:7: attempt to index nil");
    kit_end(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_is_a_copy_and_shares_the_rest),
        cmocka_unit_test(only_verdicts_that_keep_changes_keep_them),
        cmocka_unit_test(what_a_step_read_lives_until_the_end),
        cmocka_unit_test(a_shared_value_becomes_the_records_own),
        cmocka_unit_test(values_are_read_by_kind),
        cmocka_unit_test(values_that_are_no_json_are_mended),
        cmocka_unit_test(reasons_are_cut_and_show_no_secret),
        cmocka_unit_test(delays_are_bounded),
        cmocka_unit_test(a_step_without_fold_is_judged_by_the_status),
        cmocka_unit_test(a_key_is_asked_and_a_failing_one_shows),
        cmocka_unit_test(scripts_are_called_with_the_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
