/* What an exchange signs for a plugin with a time stamp, and requests that may go only to the public internet. */
#include "unit/exchange_kit.h"

#include "base/json_digest.h"

static const struct sb_plugin plain = KIT_PLUGIN(NULL);

static enum sb_verdict build_timed(struct sb_exchange *x)
{
    sb_request(x, "POST", sb_option_str(x, "files_url"));
    sb_body_json(x, json_pack("{s:s}", "a", "b"));
    sb_sign_timed(x, "X-Time", "X-Signature", "hook_key");
    return SB_OK;
}

static void the_time_is_signed_with_the_body(void **state)
{
    static const char signed_text[] = "1773133200.{\"a\":\"b\"}";
    char hex[DIGEST_HEX_SIZE], want[96];
    struct kit kit;

    (void)state;
    kit_begin(&kit, &plain, "{}");
    assert_int_equal(kit_build(&kit, build_timed), SB_OK);
    digest_hmac_hex("not-a-real-hook", strlen("not-a-real-hook"), signed_text, sizeof(signed_text) - 1, hex);
    (void)snprintf(want, sizeof(want), "sha256=%s", hex);
    assert_string_equal(kit_header_of(kit.x, "X-Signature"), want);
    assert_string_equal(kit_header_of(kit.x, "X-Time"), "1773133200");
    AUTO_JSON shown = exchange_request_json(kit.x);
    assert_string_equal(json_string_value(json_object_get(json_object_get(shown, "headers"), "X-Signature")),
                        "sha256=[hmac]");
    kit_end(&kit);
}

static enum sb_verdict build_without_time_header(struct sb_exchange *x)
{
    sb_request(x, "POST", sb_option_str(x, "files_url"));
    sb_body_json(x, json_object());
    sb_sign_timed(x, NULL, "X-Signature", "hook_key");
    return SB_OK;
}

static enum sb_verdict build_parts(struct sb_exchange *x)
{
    sb_request(x, "POST", sb_option_str(x, "files_url"));
    sb_multipart(x, "a", "b");
    sb_sign_timed(x, "X-Time", "X-Signature", "hook_key");
    return SB_OK;
}

static enum sb_verdict build_unset(struct sb_exchange *x)
{
    sb_request(x, "POST", sb_option_str(x, "files_url"));
    sb_body_json(x, json_object());
    sb_sign_timed(x, "X-Time", "X-Signature", "no_key");
    return SB_OK;
}

static enum sb_verdict build_too_early(struct sb_exchange *x)
{
    sb_public_only(x);
    return SB_OK;
}

static const struct {
    enum sb_verdict (*build)(struct sb_exchange *);
    const char *reason;
} wrong[] = {
    { build_without_time_header, "sb_sign_timed needs a header for the time" },
    { build_parts, "only a body of text, JSON or a form can be signed" },
    { build_unset, "sb_sign_body: 'no_key' is not a secret option with a value" },
    { build_too_early, "sb_public_only was called before sb_request" },
};

static void what_cannot_be_signed_is_a_defect(void **state)
{
    struct kit kit;

    (void)state;
    kit_begin(&kit, &plain, "{}");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(kit_build(&kit, wrong[i].build), SB_REJECT);
        assert_true(kit.x->is_defect);
        assert_string_equal(kit.x->reason, wrong[i].reason);
    }
    kit_end(&kit);
}

static enum sb_verdict build_public(struct sb_exchange *x)
{
    sb_request(x, "POST", sb_option_str(x, "files_url"));
    sb_public_only(x);
    return SB_OK;
}

static enum sb_verdict build_anywhere(struct sb_exchange *x)
{
    sb_request(x, "POST", sb_option_str(x, "files_url"));
    sb_public_only(x);
    sb_request(x, "POST", sb_option_str(x, "files_url")); /* starts anew */
    return SB_OK;
}

static void the_guard_belongs_to_one_request(void **state)
{
    struct kit kit;

    (void)state;
    kit_begin(&kit, &plain, "{}");
    assert_int_equal(kit_build(&kit, build_public), SB_OK);
    assert_true(kit.x->request.public_only);
    assert_int_equal(kit_build(&kit, build_anywhere), SB_OK);
    assert_false(kit.x->request.public_only);
    kit_end(&kit);
}

/* ---- digests of documents ------------------------------------------------------------------------------ */

static enum sb_verdict digest_record(struct sb_exchange *x)
{
    json_t *value = sb_keep(x, json_pack("{s:s}", "a", "b"));
    char want[DIGEST_HEX_SIZE];

    assert_true(json_digest_hex(value, want));
    assert_string_equal(sb_json_sha256(x, value), want);
    return SB_SKIP;
}

static void a_document_has_the_digest_of_what_it_says(void **state)
{
    struct kit kit;

    (void)state;
    kit_begin(&kit, &plain, "{}");
    assert_int_equal(kit_build(&kit, digest_record), SB_SKIP);
    kit_end(&kit);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_time_is_signed_with_the_body),
        cmocka_unit_test(what_cannot_be_signed_is_a_defect),
        cmocka_unit_test(the_guard_belongs_to_one_request),
        cmocka_unit_test(a_document_has_the_digest_of_what_it_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
