/* Waiting for a recording: how long, with which pauses, and at which other addresses. */
#include "exotel_recording_kit.h"

#define FRESH URL "?X-Amz-Signature=fresh" /* signed anew, when the call is read again */

static void too_early_is_waited_for_until_the_deadline(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body, *want_why;
    } rows[] = {
        { 404, "", "the recordings host answered 404" },
        { 403, "<Error><Code>AccessDenied</Code></Error>", "the recordings host answered 403" },
        { 401, "", "the recordings host refuses the credentials (401)" },
        { 403, "Invalid IP", "this machine's address is not on the account's list for recordings" },
        { 200, "", "the recording is empty so far" },
        { 200, "<html></html>", "something that is no audio came instead of the recording" },
        { 302, "", "the recordings host answered 302" },
        { 410, "", "the recordings host answered 410" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO_STR call = kit_call_text("{}");
        const struct harness_answer answers[] = {
            { .url_part = CALL_PART, .status = 200, .body = call },
            { .url_part = URL, .status = rows[i].status, .body = rows[i].body },
            { .status = 0 },
        };
        struct harness *h = with_recording("", "\"url\": \"" URL "\"");
        harness_answers(h, answers);

        /* One second before the deadline it is still waited for; at the deadline the call is read again, for a
         * fresh address, and one more try is made. */
        harness_set_now(h, END_MS + 2 * EXO_HOUR_MS - 1000);
        const struct harness_result *result = harness_exchange(h, FETCH);
        assert_int_equal(result->verdict, SB_AGAIN);
        assert_int_equal(result->delay_ms, 1000);
        assert_string_equal(harness_text(result->record, "recording.why"), rows[i].want_why);
        harness_set_now(h, END_MS + 2 * EXO_HOUR_MS);
        size_t exchanges = 0;
        do {
            result = harness_exchange(h, FETCH);
            assert_in_range(++exchanges, 1, 4);
        } while (result->verdict == SB_AGAIN);
        if (result->verdict != SB_SKIP || exchanges < 3)
            fail_msg("row %zu: %d after %zu at the deadline: %s", i, (int)result->verdict, exchanges,
                     result->reason);
        assert_string_equal(harness_text(result->record, "recording.state"), "missing");
        assert_string_equal(harness_text(result->record, "recording.why"), rows[i].want_why);
        assert_null(json_object_get(harness_at(result->record, "recording"), "tries"));
        harness_free(h);
    }
}

/* The engine stood still until long after the deadline: the stored address has expired, a fresh one works. */
static void an_expired_address_after_the_deadline_gets_one_more_try(void **state)
{
    (void)state;
    AUTO_STR call = kit_call_text("{\"PreSignedRecordingUrl\": \"" FRESH "\"}");
    const struct harness_answer answers[] = {
        { .url_part = "X-Amz-Signature=0123abcd", .status = 403, .body = "<Error/>" },
        { .url_part = CALL_PART, .status = 200, .body = call },
        { .url_part = FRESH, .status = 200, .body = ID3 },
        { .status = 0 },
    };
    struct harness *h = with_recording("", "\"url\": \"" URL "\", \"presigned_url\": \"" PRESIGNED "\"");

    harness_set_now(h, END_MS + EXO_DAY_MS);
    harness_answers(h, answers);
    assert_int_equal(harness_run(h)->verdict, SB_OK);
    harness_free(h);
}

static void the_waits_grow(void **state)
{
    (void)state;
    static const int64_t want_s[] = { 5, 10, 20, 40, 80, 0, 160, 0, 320, 0, 600, 0, 600 };
    AUTO_STR call = kit_call_text("{}");
    const struct harness_answer answers[] = {
        { .url_part = CALL_PART, .status = 200, .body = call },
        { .url_part = URL, .status = 404, .body = "" },
        { .status = 0 },
    };
    struct harness *h = with_recording("", "\"url\": \"" URL "\"");

    harness_answers(h, answers);
    for (size_t i = 0; i < COUNT_OF(want_s); i++) {
        const struct harness_result *result = harness_exchange(h, FETCH);
        assert_int_equal(result->verdict, SB_AGAIN);
        if (result->delay_ms != want_s[i] * 1000)
            fail_msg("wait %zu is %lld ms", i, (long long)result->delay_ms);
    }
    harness_free(h);
}

static void a_late_file_is_taken(void **state)
{
    (void)state;
    AUTO_STR call = kit_call_text("{\"RecordingUrl\": \"" URL "\"}");
    const struct harness_answer answers[] = {
        { .url_part = CALL_PART, .status = 200, .body = call },
        { .url_part = URL, .status = 404, .body = "", .times = 12 },
        { .url_part = URL, .status = 200, .body = ID3 },
        { .status = 0 },
    };
    struct harness *h = with_recording("", "\"url\": \"" URL "\"");

    harness_answers(h, answers);
    const struct harness_result *result = harness_run(h);
    assert_int_equal(result->verdict, SB_OK);
    assert_string_equal(harness_text(result->record, "recording.state"), "saved");
    harness_free(h);
}

static void a_service_that_fails_is_retried(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *headers;
        int64_t want_delay_ms;
    } rows[] = { { 500, NULL, 0 },
                 { 503, NULL, 0 },
                 { 408, NULL, 0 },
                 { 429, NULL, 5000 },
                 { 429, "{\"Retry-After\": \"7\"}", 0 } };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct harness *h = with_recording("", "\"url\": \"" URL "\"");
        (void)harness_build(h, FETCH);
        const struct harness_result *result = harness_fold(h, FETCH, rows[i].status, rows[i].headers, "");
        assert_int_equal(result->verdict, SB_RETRY);
        assert_int_equal(result->delay_ms, rows[i].want_delay_ms);
        harness_free(h);
    }
}

static void hours_of_failing_downloads_end_in_a_ticket_that_says_so(void **state)
{
    (void)state;
    struct harness *h = with_recording("", "\"url\": \"" URL "\"");

    harness_set_now(h, END_MS + 9 * EXO_HOUR_MS);
    harness_set_age(h, 6 * EXO_HOUR_MS - 1);
    assert_int_equal(harness_build(h, FETCH)->verdict, SB_OK);
    harness_set_age(h, 6 * EXO_HOUR_MS);
    const struct harness_result *result = harness_build(h, FETCH);
    assert_int_equal(result->verdict, SB_SKIP);
    assert_string_equal(harness_text(result->record, "recording.state"), "missing");
    harness_free(h);
}

/* ---- other addresses ----------------------------------------------------------------------------------- */

static void an_expired_signature_is_renewed(void **state)
{
    (void)state;
    AUTO_STR call = kit_call_text("{\"PreSignedRecordingUrl\": \"" FRESH "\"}");
    const struct harness_answer answers[] = {
        { .url_part = "X-Amz-Signature=0123abcd",
          .status = 403,
          .body = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>" },
        { .url_part = CALL_PART "?details=true&RecordingUrlValidity=30", .status = 200, .body = call },
        { .url_part = FRESH, .status = 200, .body = ID3 },
        { .status = 0 },
    };
    struct harness *h = with_recording("", "\"url\": \"" URL "\", \"presigned_url\": \"" PRESIGNED "\"");

    harness_answers(h, answers);
    const struct harness_result *result = harness_run(h);
    assert_int_equal(result->verdict, SB_OK);
    assert_int_equal(json_array_size(harness_requests(h)), 3);
    assert_false(has_credentials(json_array_get(harness_requests(h), 0)));
    assert_true(has_credentials(json_array_get(harness_requests(h), 1)));
    assert_false(has_credentials(json_array_get(harness_requests(h), 2)));
    harness_free(h);
}

static void a_refusing_storage_host_is_tried_on_the_recordings_host(void **state)
{
    (void)state;
    static const int statuses[] = { 401, 403 };

    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        const struct harness_answer answers[] = {
            { .url_part = S3_URL, .status = statuses[i], .body = "<Error/>" },
            { .url_part = URL, .status = 200, .body = ID3 },
            { .status = 0 },
        };
        struct harness *h = with_recording("", "\"url\": \"" S3_URL "\"");
        harness_answers(h, answers);
        const struct harness_result *result = harness_run(h);
        assert_int_equal(result->verdict, SB_OK);
        assert_false(has_credentials(json_array_get(harness_requests(h), 0)));
        assert_true(has_credentials(json_array_get(harness_requests(h), 1)));
        harness_free(h);
    }
}

static void failures_of_reading_again_go_back_to_the_file(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum sb_verdict want;
        int64_t want_suspend_ms;
    } rows[] = {
        { 404, SB_AGAIN, 0 }, { 400, SB_AGAIN, 0 }, { 503, SB_RETRY, 0 }, { 401, SB_RETRY, EXO_SUSPEND_MS }
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct harness *h = with_recording("", "\"url\": \"" URL "\", \"next\": \"call\", \"tries\": 5");
        (void)harness_build(h, FETCH);
        const struct harness_result *result = harness_fold(h, FETCH, rows[i].status, NULL, "");
        assert_int_equal(result->verdict, rows[i].want);
        assert_int_equal(result->suspend_ms, rows[i].want_suspend_ms);
        if (rows[i].want == SB_AGAIN)
            assert_string_equal(harness_text(harness_build(h, FETCH)->request, "url"), URL);
        harness_free(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_early_is_waited_for_until_the_deadline),
        cmocka_unit_test(an_expired_address_after_the_deadline_gets_one_more_try),
        cmocka_unit_test(the_waits_grow),
        cmocka_unit_test(a_late_file_is_taken),
        cmocka_unit_test(a_service_that_fails_is_retried),
        cmocka_unit_test(hours_of_failing_downloads_end_in_a_ticket_that_says_so),
        cmocka_unit_test(an_expired_signature_is_renewed),
        cmocka_unit_test(a_refusing_storage_host_is_tried_on_the_recordings_host),
        cmocka_unit_test(failures_of_reading_again_go_back_to_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
