/* Asking for calls: the request, every answer that is none, pages and cursors, the first start, clocks, open calls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/exotel/exotel.h"
#include "base/scope.h"
#include "exotel_kit.h"

#define SWEEP "sweep_calls"
#define EMPTY "{\"Metadata\": {\"NextPageUri\": null}, \"Calls\": []}"

/* An instance at KIT_NOW_MS whose round is planned. */
static struct harness *planned(const char *more_options)
{
    char options[512];

    (void)snprintf(options, sizeof(options), "{" KIT_KEYS "%s%s}", more_options[0] ? ", " : "", more_options);
    struct harness *h = harness_new(&exotel_plugin, options);
    harness_set_now(h, KIT_NOW_MS);
    assert_int_equal(harness_poll_build(h, "plan_round")->verdict, SB_SKIP);
    return h;
}

static const char *sweep_url(struct harness *h)
{
    const struct harness_result *result = harness_poll_build(h, SWEEP);

    assert_int_equal(result->verdict, SB_OK);
    return harness_text(result->request, "url");
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in '%s'", part, text);
}

/* ---- texts -------------------------------------------------------------------------------------------------------- */

static void offsets_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int want; /* 12345: malformed */
    } rows[] = { { "+05:30", 330 },   { "-05:00", -300 },  { "+00:00", 0 },     { "+18:00", 1080 },
                 { "+05:60", 12345 }, { "+19:00", 12345 }, { "5:30", 12345 },   { "+0530", 12345 },
                 { "", 12345 },       { "+05:3x", 12345 }, { "+05-30", 12345 }, { "05:30+", 12345 } };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int minutes = 12345;
        int rc = exo_parse_offset(rows[i].text, &minutes);
        if (minutes != rows[i].want || (rc < 0) != (rows[i].want == 12345))
            fail_msg("'%s' gave %d", rows[i].text, minutes);
    }
    int unset = 12345;
    assert_true(exo_parse_offset(NULL, &unset) < 0);
}

static void since_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want_ms; /* -1: malformed */
    } rows[] = { { "now", 0 },      { "0s", 0 },         { "90s", 90000 },
                 { "15m", 900000 }, { "24h", 86400000 }, { "180d", 15552000000 },
                 { "", -1 },        { "24", -1 },        { "h", -1 },
                 { "24 h", -1 },    { "-1h", -1 },       { "1.5h", -1 },
                 { "24hh", -1 },    { "1w", -1 },        { "9999999999s", -1 } };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t ms = -1;
        int rc = exo_parse_since(rows[i].text, &ms);
        if (ms != rows[i].want_ms || (rc < 0) != (rows[i].want_ms == -1))
            fail_msg("'%s' gave %lld", rows[i].text, (long long)ms);
    }
}

static void dates_of_answers_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want_ms;
    } rows[] = { { "Tue, 10 Mar 2026 09:00:00 GMT", 1773133200000 },
                 { "Thu, 31 Dec 2026 23:59:59 GMT", 1798761599000 },
                 { "Tue, 10 Mar 2026 09:00:00 IST", -1 },
                 { "Tuesday, 10-Mar-26 09:00:00 GMT", -1 },
                 { "Tue, 10 Foo 2026 09:00:00 GMT", -1 },
                 { "Tue, 99 Mar 2026 09:00:00 GMT", -1 },
                 { "", -1 },
                 { NULL, -1 } };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (exo_parse_http_date(rows[i].text) != rows[i].want_ms)
            fail_msg("row %zu gave %lld", i, (long long)exo_parse_http_date(rows[i].text));
}

/* ---- the request -------------------------------------------------------------------------------------------------- */

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

/* ---- answers that are none ----------------------------------------------------------------------------------------- */

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

/* ---- pages -------------------------------------------------------------------------------------------------------- */

static const struct harness_result *fold_page(struct harness *h, const char *sid, const char *created,
                                              const char *next_uri)
{
    char changes[256];

    (void)snprintf(changes, sizeof(changes), "{\"Sid\": \"%s\", \"DateCreated\": \"%s\"}", sid, created);
    json_t *page =
        json_pack("{s:{s:s?}, s:[o]}", "Metadata", "NextPageUri", next_uri, "Calls", kit_call(changes));
    AUTO_STR text = json_dumps(page, 0);
    json_decref(page);
    (void)sweep_url(h);
    return harness_poll_fold(h, SWEEP, 200, NULL, text);
}

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

/* ---- where it begins ---------------------------------------------------------------------------------------------- */

static void calls_from_before_the_first_start_are_not_taken(void **state)
{
    (void)state;
    static const struct {
        const char *created;
        size_t want;
    } rows[] = { { "2026-03-10 14:29:59", 0 }, { "2026-03-10 14:30:00", 1 }, { "2026-03-10 14:30:01", 1 } };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct harness *h = planned("\"since\": \"1h\"");
        const struct harness_result *result =
            fold_page(h, "examplecall000000000000000000001", rows[i].created, NULL);
        assert_int_equal(json_array_size(result->emits), rows[i].want);
        harness_free(h);
    }
}

static void a_later_start_keeps_what_the_first_one_said(void **state)
{
    (void)state;
    struct harness *h = planned("\"since\": \"1h\"");
    (void)sweep_url(h);
    AUTO_STR cursor = json_dumps(harness_poll_fold(h, SWEEP, 200, NULL, EMPTY)->record, 0);

    harness_free(h);
    h = harness_new(&exotel_plugin, "{" KIT_KEYS ", \"since\": \"30d\"}");
    harness_set_now(h, KIT_NOW_MS + 60000);
    harness_set_cursor(h, cursor);
    (void)harness_poll_build(h, "plan_round");
    assert_has(sweep_url(h), "gte%3A2026-03-10%2014%3A30%3A00%3Blte%3A2026-03-10%2015%3A31%3A00");
    harness_free(h);
}

static void another_account_begins_anew(void **state)
{
    (void)state;
    struct harness *h = planned("\"since\": \"1h\"");
    AUTO_STR cursor = json_dumps(
        fold_page(h, "examplecall000000000000000000001", "2026-03-10 15:00:00", "/x?After=abc")->record, 0);

    harness_free(h);
    h = harness_new(&exotel_plugin,
                    "{\"account_sid\": \"acmedemo2\", \"api_key\": \"k\", \"api_token\": \"t\"}");
    harness_set_now(h, KIT_NOW_MS + 60000);
    harness_set_cursor(h, cursor);
    const struct harness_result *result = harness_poll_build(h, "plan_round");
    assert_string_equal(harness_text(result->record, "state.account"), "acmedemo2");
    assert_null(json_object_get(result->record, "seen"));
    const char *url = sweep_url(h);
    assert_has(url, "gte%3A2026-03-10%2015%3A31%3A00%3B");
    assert_null(strstr(url, "After"));
    harness_free(h);
}

static void the_low_mark_moves_by_their_clock_and_the_overlap(void **state)
{
    (void)state;
    static const struct {
        const char *name, *headers;
        int64_t want_low_ms; /* after a sweep at KIT_NOW_MS that began at 2026-03-09T10:00Z */
    } rows[] = {
        { "their clock agrees", "{\"Date\": \"Tue, 10 Mar 2026 10:00:00 GMT\"}",
          KIT_NOW_MS - 270 * EXO_MINUTE_MS },
        { "ours is ahead", "{\"Date\": \"Tue, 10 Mar 2026 08:00:00 GMT\"}",
          KIT_NOW_MS - 390 * EXO_MINUTE_MS },
        { "ours is behind", "{\"Date\": \"Tue, 10 Mar 2026 12:00:00 GMT\"}",
          KIT_NOW_MS - 270 * EXO_MINUTE_MS },
        { "they tell no time and list nothing", NULL, KIT_NOW_MS - EXO_DAY_MS },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct harness *h = planned("\"since\": \"24h\"");
        (void)sweep_url(h);
        const struct harness_result *result = harness_poll_fold(h, SWEEP, 200, rows[i].headers, EMPTY);
        if (harness_int(result->record, "state.low_ms") != rows[i].want_low_ms)
            fail_msg("'%s': %lld", rows[i].name, (long long)harness_int(result->record, "state.low_ms"));
        harness_free(h);
    }
}

static void time_that_is_refused_is_taken_from_their_clock(void **state)
{
    (void)state;
    struct harness *h = planned("\"since\": \"24h\"");

    (void)sweep_url(h);
    const struct harness_result *result = harness_poll_fold(
        h, SWEEP, 400, "{\"Date\": \"Tue, 10 Mar 2026 09:50:00 GMT\"}",
        "{\"RestException\": {\"Status\": 400, \"Message\": \"time range is out of bounds\"}}");
    assert_int_equal(result->verdict, SB_AGAIN);
    assert_int_equal(json_array_size(result->notes), 1);
    assert_has(sweep_url(h), "lte%3A2026-03-10%2015%3A19%3A59"); /* 09:50:00 less a second */
    assert_int_equal(harness_poll_fold(h, SWEEP, 200, NULL, EMPTY)->verdict, SB_OK);

    /* Half of it is kept for the next round, so that a clock that was set right is believed again. */
    (void)harness_poll_build(h, "plan_round");
    assert_has(sweep_url(h), "lte%3A2026-03-10%2015%3A24%3A59");
    harness_free(h);
}

static void a_standstill_beyond_what_is_listed_is_told(void **state)
{
    (void)state;
    struct harness *h = planned("");

    (void)sweep_url(h);
    (void)harness_poll_fold(h, SWEEP, 200, NULL, EMPTY);
    harness_set_now(h, KIT_NOW_MS + 200 * EXO_DAY_MS);
    const struct harness_result *result = harness_poll_build(h, "plan_round");
    assert_int_equal(json_array_size(result->notes), 1);
    assert_has(sweep_url(h), "gte%3A2026-03-30%2015%3A30%3A00%3B");
    harness_free(h);
}

/* ---- the price ---------------------------------------------------------------------------------------------------- */

/* A sweep of `pages` pages, one call each. */
static void sweep_of(struct harness *h, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++) {
        char sid[40], next[64];
        (void)snprintf(sid, sizeof(sid), "examplecall%021u", i);
        (void)snprintf(next, sizeof(next), "/x?After=page%u", i);
        const struct harness_result *result =
            fold_page(h, sid, "2026-03-10 15:00:00", i + 1 < pages ? next : NULL);
        if (result->verdict == SB_OK && i + 1 < pages)
            (void)harness_poll_build(h, "plan_round");
    }
}

static void a_long_sweep_is_worked_off_in_slices(void **state)
{
    (void)state;
    struct harness *h = planned("\"since\": \"24h\"");
    const struct harness_result *result = NULL;

    for (unsigned i = 1; i <= 60; i++) {
        char next[64];
        (void)snprintf(next, sizeof(next), "/x?After=page%u", i);
        result = fold_page(h, "examplecall000000000000000000001", "2026-03-10 15:00:00", next);
        assert_int_equal(result->verdict, i < 60 ? SB_AGAIN : SB_OK);
    }
    assert_int_equal(harness_poll_build(h, SWEEP)->verdict, SB_SKIP);
    (void)harness_poll_build(h, "plan_round");
    assert_has(sweep_url(h), "&After=page60");
    assert_int_equal(harness_poll_build(h, "list_recent")->verdict,
                     SB_OK); /* meanwhile, the newest are found */
    harness_free(h);
}

static void sweeps_take_a_quarter_of_the_budget_at_most(void **state)
{
    (void)state;
    struct harness *h = planned("\"since\": \"24h\"");

    sweep_of(h, 100); /* two slices; the second round was planned at the same time */
    harness_set_now(h, KIT_NOW_MS + 119000);
    (void)harness_poll_build(h, "plan_round");
    assert_int_equal(harness_poll_build(h, SWEEP)->verdict, SB_SKIP);
    const struct harness_result *result = harness_poll_build(h, "list_recent");
    assert_int_equal(result->verdict, SB_OK);
    /* 4.5 hours in 100 pages: ten pages are 27 minutes. */
    assert_has(harness_text(result->request, "url"),
               "gte%3A2026-03-10%2015%3A04%3A59%3Blte%3A2026-03-10%2015%3A31%3A59");
    harness_set_now(h, KIT_NOW_MS + 120000);
    (void)harness_poll_build(h, "plan_round");
    (void)sweep_url(h);
    harness_free(h);
}

static void a_recent_scan_is_given_up_when_it_is_too_long(void **state)
{
    (void)state;
    struct harness *h = planned("\"since\": \"24h\"");
    unsigned pages = 0;

    sweep_of(h, 100);
    harness_set_now(h, KIT_NOW_MS + 60000);
    (void)harness_poll_build(h, "plan_round");
    for (enum sb_verdict verdict = SB_AGAIN; verdict == SB_AGAIN; pages++) {
        char page[128];
        (void)snprintf(page, sizeof(page),
                       "{\"Metadata\": {\"NextPageUri\": \"/x?After=p%u\"}, \"Calls\": []}", pages);
        assert_int_equal(harness_poll_build(h, "list_recent")->verdict, SB_OK);
        verdict = harness_poll_fold(h, "list_recent", 200, NULL, page)->verdict;
    }
    assert_int_equal(pages, 40);
    assert_int_equal(harness_poll_build(h, "list_recent")->verdict, SB_SKIP);
    harness_free(h);
}

/* Known calls are not emitted again, up to a bound; beyond it they are, which changes nothing in the journal. */
static void known_calls_are_remembered_within_a_bound(void **state)
{
    (void)state;
    enum { PAGES = 51, CALLS = 100 };
    struct harness *h = planned("\"since\": \"24h\"");
    size_t emits[2] = { 0, 0 };

    for (unsigned sweep = 0; sweep < 2; sweep++) {
        for (unsigned p = 0; p < PAGES; p++) {
            json_t *calls = json_array();
            char next[64], changes[128];
            for (unsigned c = 0; c < CALLS; c++) {
                (void)snprintf(changes, sizeof(changes), "{\"Sid\": \"examplecall%021u\"}", p * CALLS + c);
                (void)json_array_append_new(calls, kit_call(changes));
            }
            (void)snprintf(next, sizeof(next), "/x?After=page%u", p);
            json_t *page = json_pack("{s:{s:s?}, s:o}", "Metadata", "NextPageUri",
                                     p + 1 < PAGES ? next : NULL, "Calls", calls);
            AUTO_STR text = json_dumps(page, 0);
            json_decref(page);
            (void)sweep_url(h);
            const struct harness_result *result = harness_poll_fold(h, SWEEP, 200, NULL, text);
            emits[sweep] += json_array_size(result->emits);
        }
        harness_set_now(h, KIT_NOW_MS + 60 * 60000);
        (void)harness_poll_build(h, "plan_round");
    }
    assert_int_equal(emits[0], PAGES * CALLS);
    assert_int_equal(emits[1], PAGES * CALLS - 5000);
    harness_free(h);
}

static void remembered_calls_are_forgotten_behind_the_low_mark(void **state)
{
    (void)state;
    struct harness *h = planned("\"since\": \"24h\"");
    static const char date[] = "{\"Date\": \"Tue, 10 Mar 2026 20:00:00 GMT\"}";

    sweep_of(h, 1);
    harness_set_now(h, KIT_NOW_MS + 10 * EXO_HOUR_MS);
    (void)harness_poll_build(h, "plan_round");
    (void)sweep_url(h);
    const struct harness_result *result = harness_poll_fold(h, SWEEP, 200, date, EMPTY);
    assert_int_equal(json_object_size(harness_at(result->record, "seen")), 0);
    harness_free(h);
}

/* ---- open calls --------------------------------------------------------------------------------------------------- */

static void add_open(json_t *open, unsigned number, int64_t at_ms)
{
    char sid[40];

    (void)snprintf(sid, sizeof(sid), "examplecall%021u", number);
    (void)json_object_set_new(open, sid, json_pack("{s:I, s:i}", "at", (json_int_t)at_ms, "round", 0));
}

/* A cursor with `open` (taken), in its first round. */
static struct harness *with_open(json_t *open)
{
    json_t *cursor = json_pack("{s:{s:s, s:I, s:I, s:i, s:I}, s:o}", "state", "account", "acmedemo1",
                               "floor_ms", (json_int_t)0, "low_ms", (json_int_t)KIT_NOW_MS, "round", 1,
                               "round_ms", (json_int_t)KIT_NOW_MS, "open", open);
    AUTO_STR text = json_dumps(cursor, 0);
    struct harness *h = harness_new(&exotel_plugin, "{" KIT_KEYS "}");

    json_decref(cursor);
    harness_set_now(h, KIT_NOW_MS);
    harness_set_cursor(h, text);
    return h;
}

static size_t count_sids(const char *url)
{
    size_t count = 0;

    for (const char *at = strstr(url, "examplecall"); at; at = strstr(at + 1, "examplecall"))
        count++;
    return count;
}

static void open_calls_are_read_again_a_hundred_at_once(void **state)
{
    (void)state;
    static const size_t want[] = { 100, 100, 50 };
    json_t *open = json_object();

    for (unsigned i = 0; i < 250; i++)
        add_open(open, i, KIT_NOW_MS - EXO_HOUR_MS);
    struct harness *h = with_open(open);
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        const struct harness_result *result = harness_poll_build(h, "settle_calls");
        assert_int_equal(result->verdict, SB_OK);
        const char *url = harness_text(result->request, "url");
        assert_int_equal(count_sids(url), want[i]);
        assert_has(url, "&PageSize=100&details=true");
        assert_null(strstr(url, "DateCreated"));
        assert_int_equal(harness_poll_fold(h, "settle_calls", 200, NULL, EMPTY)->verdict,
                         i + 1 < COUNT_OF(want) ? SB_AGAIN : SB_OK);
    }
    assert_int_equal(harness_poll_build(h, "settle_calls")->verdict, SB_SKIP);
    harness_free(h);
}

static void old_open_calls_are_asked_for_with_their_dates(void **state)
{
    (void)state;
    json_t *open = json_object();

    add_open(open, 1, KIT_NOW_MS - 40 * EXO_DAY_MS);
    add_open(open, 2, KIT_NOW_MS - 20 * EXO_DAY_MS);
    add_open(open, 3, KIT_NOW_MS - EXO_DAY_MS);
    struct harness *h = with_open(open);
    const char *url = harness_text(harness_poll_build(h, "settle_calls")->request, "url");
    assert_int_equal(count_sids(url), 2);
    assert_has(url, "DateCreated=gte%3A2026-01-29%2015%3A30%3A00%3Blte%3A2026-02-18%2015%3A30%3A00");
    assert_int_equal(harness_poll_fold(h, "settle_calls", 200, NULL, EMPTY)->verdict, SB_AGAIN);
    url = harness_text(harness_poll_build(h, "settle_calls")->request, "url");
    assert_int_equal(count_sids(url), 1);
    assert_null(strstr(url, "DateCreated"));
    harness_free(h);
}

static void an_open_call_that_is_not_listed_waits_and_is_then_left_to_its_record(void **state)
{
    (void)state;
    static const struct {
        int64_t age_ms;
        size_t want;
    } rows[] = { { 4 * EXO_HOUR_MS, 0 }, { 290 * EXO_MINUTE_MS - 1000, 0 }, { 290 * EXO_MINUTE_MS, 1 } };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *open = json_object();
        add_open(open, 1, KIT_NOW_MS - rows[i].age_ms);
        struct harness *h = with_open(open);
        (void)harness_poll_build(h, "settle_calls");
        const struct harness_result *result = harness_poll_fold(h, "settle_calls", 200, NULL, EMPTY);
        assert_int_equal(json_array_size(result->emits), rows[i].want);
        assert_int_equal(json_object_size(harness_at(result->record, "open")), 1 - rows[i].want);
        if (rows[i].want)
            assert_true(json_is_false(harness_at(result->emits, "0.record.call.is_final")));
        harness_free(h);
    }
}

static void a_refused_batch_stands_in_nobodys_way(void **state)
{
    (void)state;
    json_t *open = json_object();

    add_open(open, 1, KIT_NOW_MS - EXO_HOUR_MS);
    add_open(open, 2, KIT_NOW_MS - EXO_HOUR_MS);
    struct harness *h = with_open(open);
    (void)harness_poll_build(h, "settle_calls");
    const struct harness_result *result = harness_poll_fold(
        h, "settle_calls", 400, NULL, "{\"RestException\": {\"Message\": \"Invalid parameter\"}}");
    assert_int_equal(result->verdict, SB_OK);
    assert_int_equal(json_array_size(result->emits), 2);
    assert_int_equal(json_object_size(harness_at(result->record, "open")), 0);
    harness_free(h);
}

static void a_failing_batch_keeps_the_calls_open(void **state)
{
    (void)state;
    static const int statuses[] = { 401, 429, 500, 503 };

    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        json_t *open = json_object();
        add_open(open, 1, KIT_NOW_MS - EXO_DAY_MS);
        struct harness *h = with_open(open);
        (void)harness_poll_build(h, "settle_calls");
        const struct harness_result *result = harness_poll_fold(h, "settle_calls", statuses[i], NULL, "");
        assert_int_equal(result->verdict, SB_RETRY);
        assert_int_equal(json_object_size(harness_at(result->record, "open")), 1);
        harness_free(h);
    }
}

static void too_many_open_calls_are_left_to_their_records(void **state)
{
    (void)state;
    json_t *open = json_object();
    static const char running[] = "{\"Status\": \"in-progress\", \"EndTime\": null, \"Duration\": null,"
                                  " \"RecordingUrl\": null, \"DateCreated\": \"2026-03-10 15:29:00\"}";

    for (unsigned i = 0; i < 1000; i++)
        add_open(open, i + 100, KIT_NOW_MS - EXO_MINUTE_MS);
    struct harness *h = with_open(open);
    (void)harness_poll_build(h, "settle_calls");
    AUTO_STR page = kit_page(kit_call(running));
    const struct harness_result *result = harness_poll_fold(h, "settle_calls", 200, NULL, page);
    assert_int_equal(json_array_size(result->emits), 1);
    assert_true(json_is_false(harness_at(result->emits, "0.record.call.is_final")));
    harness_free(h);
}

/* ---- options ------------------------------------------------------------------------------------------------------ */

static void wrong_options_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *option, *want;
    } rows[] = {
        { "\"utc_offset\": \"IST\"", "write it as +05:30" },
        { "\"since\": \"yesterday\"", "write now, or a time such as 24h" },
        { "\"since\": \"181d\"", "at most 180d" },
        { "\"agents\": {\"05550100101\": {}}", "a member 'agents'" },
        { "\"recording_hosts\": [\"http://example.com\"]", "https" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char options[256];
        struct sb_error err = SB_ERROR_INIT;
        (void)snprintf(options, sizeof(options), "{" KIT_KEYS ", %s}", rows[i].option);
        struct harness *h = harness_try(&exotel_plugin, options, &err);
        if (h || !strstr(err.text, rows[i].want))
            fail_msg("%s: '%s'", rows[i].option, err.text);
    }
}

static void a_file_without_an_active_agent_is_noticed(void **state)
{
    (void)state;
    struct harness *h = harness_new(
        &exotel_plugin,
        "{" KIT_KEYS ", \"agents\": {\"agents\": {\"1\": {\"active\": false}, \"2\": {\"active\": false}}}}");

    assert_true(harness_has_notice(h, "every agent of the agents file is inactive"));
    harness_free(h);
    h = harness_new(&exotel_plugin,
                    "{" KIT_KEYS ", \"agents\": {\"agents\": {\"1\": {\"active\": false}, \"2\": {}}}}");
    assert_false(harness_has_notice(h, "inactive"));
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_are_read),
        cmocka_unit_test(since_is_read),
        cmocka_unit_test(dates_of_answers_are_read),
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
        cmocka_unit_test(calls_from_before_the_first_start_are_not_taken),
        cmocka_unit_test(a_later_start_keeps_what_the_first_one_said),
        cmocka_unit_test(another_account_begins_anew),
        cmocka_unit_test(the_low_mark_moves_by_their_clock_and_the_overlap),
        cmocka_unit_test(time_that_is_refused_is_taken_from_their_clock),
        cmocka_unit_test(a_standstill_beyond_what_is_listed_is_told),
        cmocka_unit_test(a_long_sweep_is_worked_off_in_slices),
        cmocka_unit_test(sweeps_take_a_quarter_of_the_budget_at_most),
        cmocka_unit_test(a_recent_scan_is_given_up_when_it_is_too_long),
        cmocka_unit_test(known_calls_are_remembered_within_a_bound),
        cmocka_unit_test(remembered_calls_are_forgotten_behind_the_low_mark),
        cmocka_unit_test(open_calls_are_read_again_a_hundred_at_once),
        cmocka_unit_test(old_open_calls_are_asked_for_with_their_dates),
        cmocka_unit_test(an_open_call_that_is_not_listed_waits_and_is_then_left_to_its_record),
        cmocka_unit_test(a_refused_batch_stands_in_nobodys_way),
        cmocka_unit_test(a_failing_batch_keeps_the_calls_open),
        cmocka_unit_test(too_many_open_calls_are_left_to_their_records),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(a_file_without_an_active_agent_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
