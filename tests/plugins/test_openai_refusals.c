/* Refusals: worth another try, a matter of this conversation, or of the whole account. */
#include "plugins/openai_kit.h"

#define ERROR(type, code)                                                                                    \
    "{\"error\": {\"message\": \"text sk-demo-0000\", \"type\": \"" type                                     \
    "\", \"param\": null, \"code\": " code "}}"
#define MINUTES_15 900000

static const struct {
    const char *name;
    int status;
    const char *headers, *body;
    enum sb_verdict verdict;
    int64_t delay_ms, suspend_ms;
    const char *reason;
} rows[] = {
    /* Passing. */
    { "tokens a minute", 429,
      "{\"retry-after\": \"46\", \"retry-after-ms\": \"45175\", \"x-ratelimit-reset-requests\": \"0s\"}",
      ERROR("tokens", "\"rate_limit_exceeded\""), SB_RETRY, 45175, 0,
      "the service is busy: HTTP 429 rate_limit_exceeded" },
    { "requests a minute", 429, "{\"retry-after\": \"20\"}", ERROR("requests", "\"rate_limit_exceeded\""),
      SB_RETRY, 20000, 0, "429 rate_limit_exceeded" },
    { "a fraction of a millisecond", 429, "{\"retry-after-ms\": \"45175.3\"}",
      ERROR("tokens", "\"rate_limit_exceeded\""), SB_RETRY, 45175, 0, "429" },
    { "a date", 429, "{\"retry-after\": \"Tue, 10 Mar 2026 09:00:30 GMT\"}",
      ERROR("tokens", "\"rate_limit_exceeded\""), SB_RETRY, 30000, 0, "429" },
    { "a date that has passed", 429, "{\"retry-after\": \"Tue, 10 Mar 2026 08:00:00 GMT\"}",
      ERROR("tokens", "\"rate_limit_exceeded\""), SB_RETRY, 0, 0, "429" },
    { "a time that is none", 429, "{\"retry-after\": \"soon\"}", ERROR("tokens", "\"rate_limit_exceeded\""),
      SB_RETRY, 0, 0, "429" },
    { "no time", 429, NULL, ERROR("rate_limit_error", "\"slow_down\""), SB_RETRY, 0, 0, "429 slow_down" },
    { "two minutes exactly", 429, "{\"retry-after\": \"120\"}", ERROR("tokens", "\"rate_limit_exceeded\""),
      SB_RETRY, 120000, 0, "429" },
    { "longer than two minutes falls over", 429, "{\"retry-after\": \"121\"}",
      ERROR("tokens", "\"rate_limit_exceeded\""), SB_RETRY, 0, 121000,
      "the service asks to wait longer than 120 s: HTTP 429 rate_limit_exceeded" },
    { "a date far away falls over", 429, "{\"retry-after\": \"Tue, 10 Mar 2026 10:00:00 GMT\"}",
      ERROR("tokens", "\"rate_limit_exceeded\""), SB_RETRY, 0, 3600000, "the service asks to wait longer" },
    { "a fault", 500, NULL, ERROR("server_error", "null"), SB_RETRY, 0, 0,
      "the service is busy: HTTP 500 server_error" },
    { "overload", 503, NULL, ERROR("service_unavailable_error", "\"server_is_overloaded\""), SB_RETRY, 0, 0,
      "503 server_is_overloaded" },
    { "a page of the front", 502, NULL, "<html>", SB_RETRY, 0, 0, "HTTP 502" },
    { "a slow request", 408, NULL, "", SB_RETRY, 0, 0, "HTTP 408" },
    { "a conflict", 409, NULL, "{}", SB_RETRY, 0, 0, "HTTP 409" },
    { "told to try again", 400, "{\"x-should-retry\": \"true\"}", ERROR("invalid_request_error", "null"),
      SB_RETRY, 0, 0, "HTTP 400" },
    { "told not to try again", 500, "{\"x-should-retry\": \"false\"}", ERROR("server_error", "null"),
      SB_REJECT, 0, 0, "the request is refused: HTTP 500 server_error" },
    { "told not to try a busy service again", 429, "{\"x-should-retry\": \"false\"}",
      ERROR("tokens", "\"rate_limit_exceeded\""), SB_REJECT, 0, 0,
      "the request is refused: HTTP 429 rate_limit_exceeded" },

    /* The account. */
    { "no credit", 429, NULL, ERROR("insufficient_quota", "\"credit_balance_exhausted\""), SB_RETRY, 0,
      MINUTES_15, "the account has no credit or has reached its limit (credit_balance_exhausted)" },
    { "no credit, by an older code", 429, NULL, ERROR("insufficient_quota", "\"insufficient_quota\""),
      SB_RETRY, 0, MINUTES_15, "(insufficient_quota)" },
    { "no credit, by the type alone", 429, NULL, ERROR("insufficient_quota", "null"), SB_RETRY, 0, MINUTES_15,
      "(insufficient_quota)" },
    { "no credit, by the code alone", 429, "{\"retry-after\": \"1\"}",
      ERROR("requests", "\"billing_hard_limit_reached\""), SB_RETRY, 0, MINUTES_15,
      "(billing_hard_limit_reached)" },
    { "no credit although told to try again", 429, "{\"x-should-retry\": \"true\"}",
      ERROR("insufficient_quota", "\"credit_balance_exhausted\""), SB_RETRY, 0, MINUTES_15, "no credit" },
    { "the organization's limit", 429, NULL, ERROR("x", "\"organization_spend_limit_exceeded\""), SB_RETRY, 0,
      MINUTES_15, "add credit or raise the limit" },
    { "the project's limit", 429, NULL, ERROR("x", "\"project_spend_limit_exceeded\""), SB_RETRY, 0,
      MINUTES_15, "limit" },
    { "the usage limit", 429, NULL, ERROR("x", "\"organization_usage_limit_exceeded\""), SB_RETRY, 0,
      MINUTES_15, "limit" },
    { "a wrong key", 401, NULL, ERROR("invalid_request_error", "\"invalid_api_key\""), SB_RETRY, 0,
      MINUTES_15, "the API key is refused (invalid_api_key); correct api_key (OPENAI_API_KEY)" },
    { "a wrong key without a code", 401, NULL, "no", SB_RETRY, 0, MINUTES_15,
      "the API key is refused (HTTP 401)" },
    { "a model that is none", 404, NULL, ERROR("invalid_request_error", "\"model_not_found\""), SB_RETRY, 0,
      MINUTES_15,
      "model 'gpt-6-luna' or the address does not exist for this account (model_not_found); correct model or "
      "base_url" },
    { "a key that may not", 403, NULL, ERROR("invalid_request_error", "\"unsupported_country\""), SB_RETRY, 0,
      MINUTES_15, "the API key may not use model 'gpt-6-luna' (unsupported_country)" },

    /* This request. */
    { "an unknown parameter", 400, NULL, ERROR("invalid_request_error", "\"unsupported_parameter\""),
      SB_REJECT, 0, 0, "the request is refused: HTTP 400 unsupported_parameter" },
    { "a schema that it does not take", 400, NULL, ERROR("invalid_request_error", "null"), SB_REJECT, 0, 0,
      "HTTP 400 invalid_request_error" },
    { "a filter that blocks the prompt", 400, NULL, ERROR("x", "\"content_filter\""), SB_REJECT, 0, 0,
      "content_filter" },
    { "too large", 413, NULL, "", SB_REJECT, 0, 0, "HTTP 413" },
    { "not processable", 422, NULL, "{\"detail\": [{\"msg\": \"x\"}]}", SB_REJECT, 0, 0, "HTTP 422" },
    { "an integer code", 400, NULL, ERROR("invalid_request_error", "400"), SB_REJECT, 0, 0, "HTTP 400 400" },
    { "an error as text", 400, NULL, "{\"error\": \"bad sk-demo-0000\"}", SB_REJECT, 0, 0, "HTTP 400" },
    { "a code that is a sentence is not repeated", 400, NULL, ERROR("x y", "\"key sk-demo-0000 is bad\""),
      SB_REJECT, 0, 0, "the request is refused: HTTP 400 " },
    { "a redirect", 302, NULL, "", SB_REJECT, 0, 0, "HTTP 302" },

    /* 200 is not success. */
    { "an error inside a success", 200, NULL, ERROR("server_error", "\"rate_limit_exceeded\""), SB_RETRY, 0,
      0, "rate_limit_exceeded" },
    { "no credit inside a success", 200, NULL, ERROR("insufficient_quota", "null"), SB_RETRY, 0, MINUTES_15,
      "no credit" },
    { "a page", 200, NULL, "<html>", SB_RETRY, 0, 0, "the answer is no chat completion" },
    { "no choices", 200, NULL, "{\"choices\": []}", SB_RETRY, 0, 0, "the answer is no chat completion" },
};

static void refusals_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("row: %s\n", rows[i].name);
        struct harness *h = kit_new(NULL, KIT_SAID);
        const struct harness_result *r =
            harness_fold(h, "classify", rows[i].status, rows[i].headers, rows[i].body);
        assert_int_equal(r->verdict, rows[i].verdict);
        assert_int_equal(r->delay_ms, rows[i].delay_ms);
        assert_int_equal(r->suspend_ms, rows[i].suspend_ms);
        if (!strstr(r->reason, rows[i].reason))
            fail_msg("no '%s' in: %s", rows[i].reason, r->reason);
        assert_null(strstr(r->reason, "sk-demo"));
        assert_null(json_object_get(r->record, "analysis"));
        harness_free(h);
    }
}

static void too_long_a_prompt_is_halved_and_given_up(void **state)
{
    (void)state;
    static const char body[] = ERROR("invalid_request_error", "\"context_length_exceeded\"");
    struct harness *h = kit_new(NULL, KIT_SAID);
    for (uint32_t round = 0; round < 3; round++) {
        harness_set_round(h, round);
        assert_int_equal(harness_build(h, "classify")->verdict, SB_OK);
        const struct harness_result *r = harness_fold(h, "classify", 400, NULL, body);
        assert_int_equal(r->verdict, SB_AGAIN);
        assert_true(kit_has_note(r, "too long for the model: asking again with half of the text"));
    }
    harness_set_round(h, 3);
    assert_int_equal(harness_build(h, "classify")->verdict, SB_OK);
    const struct harness_result *r = harness_fold(h, "classify", 400, NULL, body);
    assert_int_equal(r->verdict, SB_REJECT);
    assert_string_equal(
        r->reason,
        "the conversation is too long for model 'gpt-6-luna', even cut to an eighth of transcript_budget");
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_are_told_apart),
        cmocka_unit_test(too_long_a_prompt_is_halved_and_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
