/* Asking for calls: the request, every answer that is none, pages and their cursors. */
#include "exotel_poll_kit.h"

/* ---- the request --------------------------------------------------------------------------------------- */

static void a_page_is_asked_for_in_the_accounts_wall_clock(void **state)
{
    (void)state;
    struct harness *h = planned("\"since\": \"24h\"");
    const struct harness_result *result = harness_poll_build(h, SWEEP);

    assert_string_equal(harness_text(result->request, "method"), "GET");
    assert_string_equal(harness_text(result->request, "url"),
                        "https://api.exotel.com/v1/Accounts/acmedemo1/Calls.json"
                        "?DateCreated=gte%3A2026-03-09%2015%3A30%3A00%3Blte%3A2026-03-10%2015%3A30%3A00"
                        "&SortBy=DateCreated%3Aasc&PageSize=100&details=true");
    harness_free(h);
}

static void base_url_and_page_size_are_options(void **state)
{
    (void)state;
    struct harness *h = planned("\"base_url\": \"http://127.0.0.1:4010/exo\", \"page_size\": 7");
    const char *url = sweep_url(h);

    assert_has(url, "http://127.0.0.1:4010/exo/v1/Accounts/acmedemo1/Calls.json?");
    assert_has(url, "&PageSize=7&");
    harness_free(h);
}

static void the_account_is_escaped(void **state)
{
    (void)state;
    struct harness *h =
        harness_new(&exotel_plugin, "{\"account_sid\": \"a/b c\", \"api_key\": \"k\", \"api_token\": \"t\"}");

    harness_set_now(h, KIT_NOW_MS);
    (void)harness_poll_build(h, "plan_round");
    assert_has(sweep_url(h), "/v1/Accounts/a%2Fb%20c/Calls.json?");
    harness_free(h);
}

static void the_credentials_go_along(void **state)
{
    (void)state;
    struct harness *h = planned("");
    const struct harness_result *result = harness_poll_build(h, SWEEP);
    AUTO_STR text = json_dumps(result->request, 0);

    assert_has(text, "Authorization");
    assert_has(text, "Basic [basic]");
    assert_null(strstr(text, "demo-token"));
    harness_free(h);
}

/* ---- answers that are none ----------------------------------------------------------------------------- */

static void every_failure_says_what_to_do(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int status;
        const char *headers, *body;
        int64_t want_suspend_ms, want_delay_ms;
        const char *want_reason;
    } rows[] = {
        { "refused key", 401, NULL,
          "{\"RestException\": {\"Status\": 401, \"Message\": \"Authentication failed\"}}", EXO_SUSPEND_MS, 0,
          "EXOTEL_API_KEY" },
        { "refused key, empty body", 401, NULL, "", EXO_SUSPEND_MS, 0, "EXOTEL_API_TOKEN" },
        { "refused key, XML", 401, NULL, "<?xml version=\"1.0\"?><TwilioResponse/>", EXO_SUSPEND_MS, 0,
          "api.in.exotel.com" },
        { "plan", 402, NULL, "", EXO_SUSPEND_MS, 0, "plan" },
        { "no access", 403, NULL,
          "{\"RestException\": {\"Status\": 403, \"Message\": \"Your account is not yet KYC compliant\","
          " \"Code\": 340030}}",
          EXO_SUSPEND_MS, 0, "not yet KYC compliant" },
        { "wrong region or account", 404, NULL,
          "{\"RestException\": {\"Status\": 404, \"Message\": \"Not Found\"}}", EXO_SUSPEND_MS, 0,
          "EXOTEL_SID" },
        { "bad request", 400, NULL,
          "{\"RestException\": {\"Status\": 400, \"Message\": \"Invalid parameter\"}}", EXO_SUSPEND_MS, 0,
          "Invalid parameter" },
        { "exception within a 200", 200, NULL,
          "{\"RestException\": {\"Status\": \"401\", \"Message\": \"Authentication failed\"}}",
          EXO_SUSPEND_MS, 0, "EXOTEL_API_KEY" },
        { "limit without a time", 429, NULL, "", 0, 5000, "limit of requests" },
        { "limit with a time", 429, "{\"Retry-After\": \"30\"}",
          "{\"RestException\": {\"Status\": 429, \"Code\": \"RATE_LIMIT_EXCEEDED\"}}", 0, 0,
          "limit of requests" },
        { "limit as a page", 429, NULL, "<html>slow down</html>", 0, 5000, "limit of requests" },
        { "overload", 503, NULL,
          "{\"RestException\": {\"Status\": 503, \"Message\": \"Service Unavailable; \", \"Code\": 35008}}",
          0, 0, "503 Service Unavailable; " },
        { "server fault", 500, NULL, "", 0, 0, "500" },
        { "gateway", 502, NULL, "<html>bad gateway</html>", 0, 0, "502" },
        { "XML with a 200", 200, NULL, "<?xml version=\"1.0\"?><TwilioResponse><Calls/></TwilioResponse>", 0,
          0, "'base_url'" },
        { "XML without a declaration", 200, NULL, "<TwilioResponse></TwilioResponse>", 0, 0, "XML" },
        { "a web page with a 200", 200, NULL, "\n <!DOCTYPE html><html></html>", 0, 0, "web page" },
        { "nothing", 200, NULL, "", 0, 0, "empty" },
        { "cut off", 200, NULL, "{\"Metadata\": {", 0, 0, "cut off" },
        { "JSON of something else", 200, NULL, "{\"Account\": {}}", 0, 0, "no list of calls" },
        { "redirect", 302, NULL, "", 0, 0, "302" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct harness *h = planned("");
        (void)sweep_url(h);
        const struct harness_result *result =
            harness_poll_fold(h, SWEEP, rows[i].status, rows[i].headers, rows[i].body);
        if (result->verdict != SB_RETRY || result->suspend_ms != rows[i].want_suspend_ms ||
            result->delay_ms != rows[i].want_delay_ms || !strstr(result->reason, rows[i].want_reason))
            fail_msg("'%s': verdict %d, suspend %lld, delay %lld, '%s'", rows[i].name, (int)result->verdict,
                     (long long)result->suspend_ms, (long long)result->delay_ms, result->reason);
        harness_free(h);
    }
}

/* ---- pages --------------------------------------------------------------------------------------------- */

static void the_next_page_is_asked_for_by_its_cursor_alone(void **state)
{
    (void)state;
    static const struct {
        const char *next_uri;
        const char *want; /* in the next URL; NULL: there is no next page */
    } rows[] = {
        { "/v1/Accounts/acmedemo1/Calls.json?PageSize=20&After=Y3Vyc29yLTQw", "&After=Y3Vyc29yLTQw" },
        { "/v1/Accounts/acmedemo1/Calls?After=Y3Vyc29yLTQw&PageSize=20", "&After=Y3Vyc29yLTQw" },
        { "https://api.exotel.com/v1/Accounts/acmedemo1/Calls.json?After=abc", "&After=abc" },
        { "/v1/Accounts/acmedemo1/Calls.json?After=a%2Bb%2Fc%3D%3D", "&After=a%2Bb%2Fc%3D%3D" },
        { "/v1/Accounts/acmedemo1/Calls.json?Before=x&After=a%zz#top", "&After=a%25zz" },
        { "/v1/Accounts/acmedemo1/Calls.json?NotAfter=1", "DateCreated=gte%3A2026-03-10%2014%3A30%3A00%3B" },
        { "", NULL },
        { NULL, NULL },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct harness *h = planned("\"since\": \"24h\"");
        const struct harness_result *result =
            fold_page(h, "examplecall000000000000000000001", "2026-03-10 14:30:00", rows[i].next_uri);
        assert_int_equal(result->verdict, rows[i].want ? SB_AGAIN : SB_OK);
        assert_int_equal(json_array_size(result->emits), 1);
        if (rows[i].want) {
            const char *url = sweep_url(h);
            assert_has(url, "/v1/Accounts/acmedemo1/Calls.json?DateCreated=gte%3A2026-03-");
            assert_has(url, "SortBy=DateCreated%3Aasc&PageSize=100&details=true");
            assert_has(url, rows[i].want);
        }
        harness_free(h);
    }
}

static void a_restart_goes_on_with_the_page(void **state)
{
    (void)state;
    struct harness *h = planned("\"since\": \"24h\"");
    const struct harness_result *result =
        fold_page(h, "examplecall000000000000000000001", "2026-03-10 14:30:00", "/x?After=abc");
    AUTO_STR cursor = json_dumps(result->record, 0);

    harness_free(h);
    h = harness_new(&exotel_plugin, "{" KIT_KEYS ", \"since\": \"24h\"}");
    harness_set_now(h, KIT_NOW_MS + 7000);
    harness_set_cursor(h, cursor);
    (void)harness_poll_build(h, "plan_round");
    const char *url = sweep_url(h);
    assert_has(url, "&After=abc");
    assert_has(url, "lte%3A2026-03-10%2015%3A30%3A00"); /* the filters of then */
    harness_free(h);
}

static void a_refused_page_cursor_goes_on_from_the_last_call(void **state)
{
    (void)state;
    struct harness *h = planned("\"since\": \"24h\"");

    (void)fold_page(h, "examplecall000000000000000000001", "2026-03-10 14:30:00", "/x?After=abc");
    (void)sweep_url(h);
    const struct harness_result *result = harness_poll_fold(
        h, SWEEP, 400, NULL, "{\"RestException\": {\"Status\": 400, \"Message\": \"Invalid parameter\"}}");
    assert_int_equal(result->verdict, SB_AGAIN);
    assert_int_equal(json_array_size(result->notes), 1);
    const char *url = sweep_url(h);
    assert_has(url, "gte%3A2026-03-10%2014%3A30%3A00%3Blte%3A2026-03-10%2015%3A30%3A00");
    assert_null(strstr(url, "After"));
    harness_free(h);
}

/* A server that takes no cursor at all, and a second with more calls than a page holds: no endless round. */
static void cursors_that_never_work_end_in_a_clear_stop(void **state)
{
    (void)state;
    struct harness *h = planned("\"since\": \"24h\"");
    const struct harness_result *result = NULL;
    enum sb_verdict verdict = SB_AGAIN;

    for (unsigned i = 0; i < 100 && verdict == SB_AGAIN; i++) {
        (void)fold_page(h, "examplecall000000000000000000001", "2026-03-10 14:30:00", "/x?After=abc");
        (void)sweep_url(h);
        result = harness_poll_fold(h, SWEEP, 400, NULL,
                                   "{\"RestException\": {\"Message\": \"Invalid parameter\"}}");
        verdict = result->verdict;
    }
    assert_int_equal(verdict, SB_RETRY);
    assert_int_equal(result->suspend_ms, EXO_SUSPEND_MS);
    harness_free(h);
}

static void windows_are_no_longer_than_a_month(void **state)
{
    (void)state;
    struct harness *h = planned("\"since\": \"70d\"");
    static const char *const want[] = {
        "gte%3A2025-12-30%2015%3A30%3A00%3Blte%3A2026-01-29%2015%3A30%3A00",
        "gte%3A2026-01-29%2015%3A30%3A00%3Blte%3A2026-02-28%2015%3A30%3A00",
        "gte%3A2026-02-28%2015%3A30%3A00%3Blte%3A2026-03-10%2015%3A30%3A00",
    };

    for (size_t i = 0; i < COUNT_OF(want); i++) {
        assert_has(sweep_url(h), want[i]);
        assert_int_equal(harness_poll_fold(h, SWEEP, 200, NULL, EMPTY)->verdict,
                         i + 1 < COUNT_OF(want) ? SB_AGAIN : SB_OK);
    }
    assert_int_equal(harness_poll_build(h, SWEEP)->verdict, SB_SKIP);
    harness_free(h);
}

static void a_list_may_come_in_other_shapes(void **state)
{
    (void)state;
    static const char *const shapes[] = {
        "{\"Calls\": [%s]}", "{\"Calls\": %s}", "[%s]",
        "{\"Metadata\": null, \"Calls\": [%s, null, {}, {\"Sid\": null}]}"
    };

    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        struct harness *h = planned("\"since\": \"24h\"");
        json_t *call = kit_call("{}");
        AUTO_STR item = json_dumps(call, 0);
        char body[4096];
        json_decref(call);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(body, sizeof(body), shapes[i], item);
#pragma GCC diagnostic pop
        (void)sweep_url(h);
        const struct harness_result *result = harness_poll_fold(h, SWEEP, 200, NULL, body);
        assert_int_equal(result->verdict, SB_OK);
        assert_int_equal(json_array_size(result->emits), 1);
        harness_free(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_asked_for_in_the_accounts_wall_clock),
        cmocka_unit_test(base_url_and_page_size_are_options),
        cmocka_unit_test(the_account_is_escaped),
        cmocka_unit_test(the_credentials_go_along),
        cmocka_unit_test(every_failure_says_what_to_do),
        cmocka_unit_test(the_next_page_is_asked_for_by_its_cursor_alone),
        cmocka_unit_test(a_restart_goes_on_with_the_page),
        cmocka_unit_test(a_refused_page_cursor_goes_on_from_the_last_call),
        cmocka_unit_test(cursors_that_never_work_end_in_a_clear_stop),
        cmocka_unit_test(windows_are_no_longer_than_a_month),
        cmocka_unit_test(a_list_may_come_in_other_shapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
