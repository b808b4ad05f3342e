/* Requests that a step may not write, each with the reason it gets; what is only data stays allowed. */
#include "unit/exchange_kit.h"

static const struct sb_plugin basic = KIT_PLUGIN(&kit_basic);
static const struct sb_plugin nobody = KIT_PLUGIN(NULL);

/* ---- what is refused ---- */

#define BUILD(name, ...)                                                                                     \
    static enum sb_verdict name(struct sb_exchange *x)                                                       \
    {                                                                                                        \
        sb_request(x, "POST", sb_option_str(x, "base_url"));                                                 \
        __VA_ARGS__;                                                                                         \
        return SB_OK;                                                                                        \
    }

BUILD(secret_in_path, sb_path(x, sb_option_str(x, "api_key")))
BUILD(secret_in_query, sb_query(x, "key", sb_option_str(x, "api_key")))
BUILD(secret_in_json, sb_body_json(x, json_pack("{s:s}", "key", sb_option_str(x, "api_key"))))
BUILD(secret_in_form, sb_form(x, "key", sb_option_str(x, "api_key")))
BUILD(secret_in_text, sb_body_text(x, "text/plain", sb_option_str(x, "api_key"), 9))
BUILD(secret_in_part, sb_multipart(x, "key", sb_option_str(x, "api_key")))
BUILD(climbing_path, sb_path(x, ".."))
BUILD(missing_segment, sb_path(x, ""))
BUILD(constant_with_query, sb_paths(x, "/v1?x=1"))
BUILD(two_bodies, sb_body_json(x, json_object()); sb_form(x, "a", "b"))
BUILD(line_break, sb_header(x, "X-Note", "a\r\nX-Evil: 1"))
BUILD(host_header, sb_header(x, "host", "evil.example"))
BUILD(length_header, sb_header(x, "Content-Length", "0"))
BUILD(odd_name, sb_header(x, "X Note", "1"))
BUILD(hidden_file, sb_save_body(x, ".profile", 10))
BUILD(climbing_file, sb_save_body(x, "../x", 10))
BUILD(signed_parts, sb_multipart(x, "a", "b"); sb_sign_body(x, "X-Sig", "hook_key"))
BUILD(signed_unset, sb_body_json(x, json_object()); sb_sign_body(x, "X-Sig", "no_key"))
BUILD(changes_record, sb_set_int(x, "seen", 1))
BUILD(no_time, sb_timeout_ms(x, 0))

static enum sb_verdict nothing_written(struct sb_exchange *x)
{
    (void)x;
    return SB_OK;
}

static enum sb_verdict before_request(struct sb_exchange *x)
{
    sb_query(x, "a", "b");
    return SB_OK;
}

static enum sb_verdict odd_method(struct sb_exchange *x)
{
    sb_request(x, "get", sb_option_str(x, "base_url"));
    return SB_OK;
}

static enum sb_verdict foreign_host(struct sb_exchange *x)
{
    sb_request(x, "GET", "https://evil.example");
    return SB_OK;
}

static enum sb_verdict plain_http(struct sb_exchange *x)
{
    sb_request(x, "GET", "http://api.example.com:443");
    return SB_OK;
}

static enum sb_verdict secret_to_reached_host(struct sb_exchange *x)
{
    sb_request(x, "GET", sb_option_str(x, "files_url"));
    sb_header(x, "X-Key", sb_option_str(x, "api_key"));
    return SB_OK;
}

static const struct {
    kit_fn build;
    const char *reason;
} refusals[] = {
    { secret_in_path, "a secret, or a control character, was put into the address" },
    { secret_in_query, "a secret, or a control character, was put into the address" },
    { secret_in_json, "a secret, or a control character of theirs, was put into the body" },
    { secret_in_form, "a secret was put into a form" },
    { secret_in_text, "a secret, or a control character of theirs, was put into the body" },
    { secret_in_part, "a secret was put into a form" },
    { climbing_path, "'..' cannot be a segment of a path" },
    { missing_segment, "'' cannot be a segment of a path" },
    { constant_with_query, "sb_paths needs a constant path that begins with '/'" },
    { two_bodies, "sb_form: the request has a body already" },
    { line_break, "the value of the header 'X-Note' holds a line break or another control character" },
    { host_header, "'host' is not a header that a plugin may set" },
    { length_header, "'Content-Length' is not a header that a plugin may set" },
    { odd_name, "'X Note' is not a header that a plugin may set" },
    { hidden_file, "'0k/12-.profile' is not a file of this record" },
    { climbing_file, "'0k/12-../x' is not a file of this record" },
    { signed_parts, "only a body of text, JSON or a form can be signed" },
    { signed_unset, "sb_sign_body: 'no_key' is not a secret option with a value" },
    { changes_record, "build changed the record and asked for a request" },
    { no_time, "a time limit must be longer than 0 ms" },
    { nothing_written, "build said SB_OK and wrote no request" },
    { before_request, "sb_query was called before sb_request" },
    { odd_method, "'get' is not a method such as GET" },
    { foreign_host, "'evil.example:443' is not a host of this instance's options" },
    { plain_http, "'api.example.com:443' must be reached by https" },
    { secret_to_reached_host, "the header 'X-Key' has a secret, which 'files.example.com:8443' may not see" },
};

static void each_wrong_request_is_a_defect_with_its_reason(void **state)
{
    (void)state;
    struct kit kit;
    kit_begin(&kit, &basic, "{}");
    kit.instance->files_dir = "/nowhere";

    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        enum sb_verdict verdict = kit_build(&kit, refusals[i].build);
        if (verdict != SB_REJECT || !kit.x->is_defect || strcmp(kit.x->reason, refusals[i].reason) != 0)
            fail_msg("row %zu: verdict %d, defect %d, '%s' instead of '%s'", i, (int)verdict,
                     kit.x->is_defect, kit.x->reason, refusals[i].reason);
        assert_false(kit.x->has_request);
    }
    kit_end(&kit);
}

/* ---- what is allowed ---- */

static enum sb_verdict build_bare(struct sb_exchange *x)
{
    sb_request(x, "GET", sb_option_str(x, "base_url"));
    return SB_OK;
}

static enum sb_verdict build_with_data(struct sb_exchange *x)
{
    (void)build_bare(x);
    sb_body_json(x, json_pack("{s:O}", "text", sb_get(x, "text")));
    return SB_OK;
}

/* What a caller says must not be able to make a step fail, or to look like a secret. */
static void control_characters_of_a_caller_are_only_data(void **state)
{
    (void)state;
    struct kit kit;
    kit_begin(&kit, &basic, "{\"text\": \"hello \\u0002 and \\u0003\"}");
    assert_int_equal(kit_build(&kit, build_with_data), SB_OK);
    assert_string_equal(kit.x->request.body, "{\"text\":\"hello \\u0002 and \\u0003\"}");
    kit_end(&kit);
}

static enum sb_verdict set_and_skip(struct sb_exchange *x)
{
    sb_set_int(x, "seen", 1);
    return sb_skip(x, "nothing to send");
}

static enum sb_verdict set_and_again(struct sb_exchange *x)
{
    sb_request(x, "GET", sb_option_str(x, "base_url"));
    sb_set_int(x, "seen", 2);
    return sb_again(x, 1000);
}

static void build_may_change_the_record_when_it_sends_nothing(void **state)
{
    (void)state;
    struct kit kit;
    kit_begin(&kit, &nobody, "{}");
    assert_int_equal(kit_build(&kit, set_and_skip), SB_SKIP);
    kit_same(kit.x->document, "{\"seen\": 1}");
    assert_int_equal(kit_build(&kit, set_and_again), SB_AGAIN);
    kit_same(kit.x->document, "{\"seen\": 2}");
    assert_false(kit.x->has_request);
    assert_int_equal(kit.x->delay_ms, 1000);
    kit_end(&kit);
}

static enum sb_verdict keep_intent(struct sb_exchange *x)
{
    (void)build_bare(x);
    sb_intent_keep(x, "contact", json_pack("{s:O}", "legs", sb_get(x, "legs")));
    return SB_OK;
}

static void an_intent_is_kept_by_creating_steps_only(void **state)
{
    (void)state;
    struct kit kit;
    kit_begin(&kit, &basic, "{\"legs\": [1]}");
    assert_int_equal(kit_build(&kit, keep_intent), SB_REJECT);
    assert_true(kit.x->is_defect);
    kit.step.effect = SB_CREATE;
    assert_int_equal(kit_build(&kit, keep_intent), SB_OK);
    kit_same(kit.x->intent_kept, "{\"contact\": {\"legs\": [1]}}");
    assert_ptr_not_equal(json_at(kit.x->intent_kept, "contact.legs"), json_object_get(kit.document, "legs"));
    kit_end(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_wrong_request_is_a_defect_with_its_reason),
        cmocka_unit_test(control_characters_of_a_caller_are_only_data),
        cmocka_unit_test(build_may_change_the_record_when_it_sends_nothing),
        cmocka_unit_test(an_intent_is_kept_by_creating_steps_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
