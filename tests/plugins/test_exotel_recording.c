/* Downloading a recording: from where, with which credentials, what is audio, and for how long it is waited for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/exotel/exotel.h"
#include "base/scope.h"
#include "exotel_kit.h"

#define END_MS    INT64_C(1773133296000)
#define FETCH     "download_recording"
#define NAME      "examplecall000000000000000000001.mp3"
#define URL       "https://recordings.exotel.com/exotelrecordings/acmedemo1/" NAME
#define S3_URL    "https://s3-ap-southeast-1.amazonaws.com/exotelrecordings/acmedemo1/" NAME
#define PRESIGNED URL "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=300&X-Amz-Signature=0123abcd"
#define ID3       "ID3\x04 and then sound"
#define CALL_PART "/v1/Accounts/acmedemo1/Calls/examplecall000000000000000000001.json"

static struct harness *with_recording(const char *options, const char *recording)
{
    char text[2048], all[512];

    (void)snprintf(all, sizeof(all), "{" KIT_KEYS "%s%s}", options[0] ? ", " : "", options);
    struct harness *h = harness_new(&exotel_plugin, all);
    (void)snprintf(text, sizeof(text),
                   "{\"source\": {\"plugin\": \"exotel\", \"at_ms\": %lld}, \"call\": {\"sid\": "
                   "\"examplecall000000000000000000001\","
                   " \"direction\": \"inbound\", \"status\": \"answered\", \"is_final\": true},"
                   " \"recording\": {\"state\": \"pending\", %s}}",
                   (long long)END_MS, recording);
    harness_set_record(h, text);
    harness_set_now(h, END_MS + 3 * EXO_MINUTE_MS);
    return h;
}

static bool has_credentials(const json_t *request)
{
    AUTO_STR text = json_dumps(request, 0);

    assert_non_null(text);
    return strstr(text, "[basic]") != NULL;
}

static void credentials_go_to_our_own_hosts_only(void **state)
{
    (void)state;
    static const struct {
        const char *name, *options, *recording;
        const char *want_url;
        bool want_credentials;
    } rows[] = {
        { "recordings host", "", "\"url\": \"" URL "\"", URL, true },
        { "API host", "", "\"url\": \"https://api.exotel.com/r/a.mp3\"", "https://api.exotel.com/r/a.mp3",
          true },
        { "old storage host, Singapore", "", "\"url\": \"" S3_URL "\"", S3_URL, false },
        { "old storage host, Mumbai", "",
          "\"url\": \"https://s3-ap-south-1.amazonaws.com/exotel-mum1-recordings/acmedemo1/" NAME "\"",
          "https://s3-ap-south-1.amazonaws.com/exotel-mum1-recordings/acmedemo1/" NAME, false },
        { "presigned, on our own host", "", "\"url\": \"" URL "\", \"presigned_url\": \"" PRESIGNED "\"",
          PRESIGNED, false },
        { "a presigned address as RecordingUrl", "", "\"url\": \"" PRESIGNED "\"", PRESIGNED, false },
        { "another recordings host by option", "\"recordings_url\": \"http://127.0.0.1:4011\"",
          "\"url\": \"http://127.0.0.1:4011/exotelrecordings/acmedemo1/" NAME "\"",
          "http://127.0.0.1:4011/exotelrecordings/acmedemo1/" NAME, true },
        { "another storage host by option", "\"recording_hosts\": \"store.example.com\"",
          "\"url\": \"https://store.example.com/a.mp3\"", "https://store.example.com/a.mp3", false },
        { "the name of a VoIP call's file", "",
          "\"url\": \"https://recordings.exotel.com/exotelrecordings/acmedemo1/1700000000.12345_1.mp3\"",
          "https://recordings.exotel.com/exotelrecordings/acmedemo1/1700000000.12345_1.mp3", true },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct harness *h = with_recording(rows[i].options, rows[i].recording);
        const struct harness_result *result = harness_build(h, FETCH);
        if (result->verdict != SB_OK)
            fail_msg("'%s': %d '%s'", rows[i].name, (int)result->verdict, result->reason);
        const char *url = harness_text(result->request, "url");
        if (strcmp(url, rows[i].want_url) != 0 ||
            has_credentials(result->request) != rows[i].want_credentials)
            fail_msg("'%s': %s, %s credentials", rows[i].name, url,
                     has_credentials(result->request) ? "with" : "without");
        harness_free(h);
    }
}

static void addresses_elsewhere_are_never_asked(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "https://evil.example.com/a.mp3",
        "http://recordings.exotel.com/a.mp3",
        "https://recordings.exotel.com.example.com/a.mp3",
        "https://user:word@recordings.exotel.com/a.mp3",
        "https://recordings.exotel.com:8443/a.mp3",
        "file:///etc/passwd",
        "ftp://recordings.exotel.com/a.mp3",
        "//recordings.exotel.com/a.mp3",
        "nonsense",
    };

    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        char recording[256];
        (void)snprintf(recording, sizeof(recording), "\"url\": \"%s\"", urls[i]);
        struct harness *h = with_recording("", recording);
        const struct harness_result *result = harness_build(h, FETCH);
        if (result->verdict != SB_AGAIN || json_array_size(result->notes) != 1)
            fail_msg("'%s': %d", urls[i], (int)result->verdict);
        assert_non_null(
            strstr(harness_text(result->record, "recording.why"), "'recording_hosts' does not name"));
        const struct harness_answer answers[] = { { .url_part = CALL_PART, .status = 404, .body = "" },
                                                  { .status = 0 } };
        harness_answers(h, answers);
        harness_set_now(h, END_MS + 2 * EXO_HOUR_MS);
        result = harness_run(h);
        assert_int_equal(result->verdict, SB_SKIP);
        assert_string_equal(harness_text(result->record, "recording.state"), "missing");
        harness_free(h);
    }
}

static void audio_is_known_by_its_first_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *name, *body;
        const char *want_type; /* NULL: not yet */
        int64_t want_channels; /* 0: null */
    } rows[] = {
        { "tagged mp3", ID3, "audio/mpeg", 0 },
        { "a tag longer than what is known", "ID3\x04\x01\x01\x01\x01\x01\x02 cover", "audio/mpeg", 0 },
        { "bare mp3, mono", "\xff\xfb\x90\xc4 sound", "audio/mpeg", 1 },
        { "bare mp3, joint stereo", "\xff\xfb\x90\x64 sound", "audio/mpeg", 2 },
        { "bare mp3, MPEG 2.5", "\xff\xe3\x18\xc4 sound", "audio/mpeg", 1 },
        { "ogg", "OggS and so on", "audio/ogg", 0 },
        { "flac", "fLaC and so on", "audio/flac", 0 },
        { "XML error", "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", NULL, 0 },
        { "web page", "<!DOCTYPE html><html></html>", NULL, 0 },
        { "JSON error", "{\"RestException\": {\"Status\": 404}}", NULL, 0 },
        { "one byte", "\xff", NULL, 0 },
        { "empty", "", NULL, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct harness *h = with_recording("", "\"url\": \"" URL "\", \"presigned_url\": null");
        (void)harness_build(h, FETCH);
        const struct harness_result *result = harness_fold(h, FETCH, 200, NULL, rows[i].body);
        if (result->verdict != (rows[i].want_type ? SB_OK : SB_AGAIN))
            fail_msg("'%s': %d", rows[i].name, (int)result->verdict);
        const json_t *recording = harness_at(result->record, "recording");
        if (rows[i].want_type) {
            assert_string_equal(harness_text(recording, "state"), "saved");
            assert_string_equal(harness_text(recording, "content_type"), rows[i].want_type);
            const json_t *channels = harness_at(recording, "channels");
            if ((json_is_null(channels) ? 0 : json_integer_value(channels)) != rows[i].want_channels)
                fail_msg("'%s': wrong channels", rows[i].name);
        } else {
            assert_string_equal(harness_text(recording, "state"), "pending");
            assert_null(json_object_get(recording, "file"));
        }
        harness_free(h);
    }
}

static void wave_channels_are_read(void **state)
{
    (void)state;
    static const unsigned char wave[] = "RIFF\x24\x08\x01\x01WAVEfmt \x10\x01\x01\x01\x01\x01\x02\x01";
    struct harness *h = with_recording("", "\"url\": \"" URL "\"");

    (void)harness_build(h, FETCH);
    const struct harness_result *result = harness_fold(h, FETCH, 200, NULL, (const char *)wave);
    assert_int_equal(result->verdict, SB_OK);
    assert_string_equal(harness_text(result->record, "recording.content_type"), "audio/wav");
    assert_int_equal(harness_int(result->record, "recording.channels"), 0x102);
    harness_free(h);
}

static void a_saved_recording_says_all_and_keeps_no_signature(void **state)
{
    (void)state;
    struct harness *h = with_recording("", "\"url\": \"" URL "\", \"presigned_url\": \"" PRESIGNED
                                           "\", \"tries\": 3, \"why\": \"not yet\"");

    (void)harness_build(h, FETCH);
    const struct harness_result *result = harness_fold(h, FETCH, 200, NULL, ID3);
    assert_int_equal(result->verdict, SB_OK);
    harness_same(harness_at(result->record, "recording"),
                 "{\"state\": \"saved\", \"url\": \"" URL
                 "\", \"file\": \"0k/1-recording.mp3\", \"size\": 19,"
                 " \"sha256\": \"26bea040e9e84889730b8c675b5f304b4b53a203b0b458e27f5a5d07d2352171\","
                 " \"content_type\": \"audio/mpeg\", \"channels\": null, \"agent_channel\": null}");
    assert_true(json_number_value(harness_at(result->meters, "recording_bytes")) == 19);
    harness_free(h);
}

static void a_signature_within_the_address_is_not_kept(void **state)
{
    (void)state;
    struct harness *h = with_recording("", "\"url\": \"" PRESIGNED "\"");

    (void)harness_build(h, FETCH);
    const struct harness_result *result = harness_fold(h, FETCH, 200, NULL, ID3);
    assert_string_equal(harness_text(result->record, "recording.url"), URL);
    harness_free(h);
}

static void the_agents_channel_is_said_where_it_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *channels, *call;
        int64_t want; /* -1: null */
    } rows[] = {
        { "auto", "\"direction\": \"inbound\"", -1 },
        { "auto", "\"direction\": \"outbound\"", 0 },
        { "auto", "\"direction\": \"outbound\", \"is_flow\": true", -1 },
        { "left", "\"direction\": \"inbound\"", 0 },
        { "right", "\"direction\": \"outbound\"", 1 },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char options[64], record[512];
        (void)snprintf(options, sizeof(options), "\"channels\": \"%s\"", rows[i].channels);
        struct harness *h = with_recording(options, "\"url\": \"" URL "\"");
        (void)snprintf(record, sizeof(record),
                       "{\"source\": {\"plugin\": \"exotel\", \"at_ms\": %lld}, \"call\": {\"sid\": \"x\", "
                       "%s}, \"recording\": {\"state\":"
                       " \"pending\", \"url\": \"" URL "\"}}",
                       (long long)END_MS, rows[i].call);
        harness_set_record(h, record);
        (void)harness_build(h, FETCH);
        const struct harness_result *result = harness_fold(h, FETCH, 200, NULL, ID3);
        const json_t *channel = harness_at(result->record, "recording.agent_channel");
        if ((json_is_null(channel) ? -1 : json_integer_value(channel)) != rows[i].want)
            fail_msg("row %zu", i);
        harness_free(h);
    }
}

/* ---- too early ----------------------------------------------------------------------------------------- */

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
        AUTO_STR call = NULL;
        json_t *body = json_pack("{s:o}", "Call", kit_call("{}"));
        call = json_dumps(body, 0);
        json_decref(body);
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
    json_t *body = json_pack("{s:o}", "Call", kit_call("{}"));
    (void)json_object_set_new(json_object_get(body, "Call"), "PreSignedRecordingUrl",
                              json_string(URL "?X-Amz-Signature=fresh"));
    AUTO_STR call = json_dumps(body, 0);
    json_decref(body);
    const struct harness_answer answers[] = {
        { .url_part = "X-Amz-Signature=0123abcd", .status = 403, .body = "<Error/>" },
        { .url_part = CALL_PART, .status = 200, .body = call },
        { .url_part = "X-Amz-Signature=fresh", .status = 200, .body = ID3 },
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
    AUTO_STR call = NULL;
    json_t *body = json_pack("{s:o}", "Call", kit_call("{}"));
    call = json_dumps(body, 0);
    json_decref(body);
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
    AUTO_STR call = NULL;
    json_t *body = json_pack("{s:o}", "Call", kit_call("{\"RecordingUrl\": \"" URL "\"}"));
    call = json_dumps(body, 0);
    json_decref(body);
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
    static const char fresh[] = URL "?X-Amz-Signature=fresh";
    AUTO_STR call = NULL;
    json_t *body = json_pack("{s:o}", "Call", kit_call("{}"));
    (void)json_object_set_new(json_object_get(body, "Call"), "PreSignedRecordingUrl", json_string(fresh));
    call = json_dumps(body, 0);
    json_decref(body);
    const struct harness_answer answers[] = {
        { .url_part = "X-Amz-Signature=0123abcd",
          .status = 403,
          .body = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>" },
        { .url_part = CALL_PART "?details=true&RecordingUrlValidity=30", .status = 200, .body = call },
        { .url_part = fresh, .status = 200, .body = ID3 },
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

static void nothing_is_downloaded_twice(void **state)
{
    (void)state;
    static const char *const states[] = { "saved", "missing" };

    for (size_t i = 0; i < COUNT_OF(states); i++) {
        char recording[128];
        (void)snprintf(recording, sizeof(recording), "\"url\": \"" URL "\", \"state\": \"%s\"", states[i]);
        char record[256];
        (void)snprintf(record, sizeof(record), "{\"recording\": {%s}}", recording);
        struct harness *h = with_recording("", "\"url\": null");
        harness_set_record(h, record);
        assert_int_equal(harness_build(h, FETCH)->verdict, SB_SKIP);
        harness_free(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_go_to_our_own_hosts_only),
        cmocka_unit_test(addresses_elsewhere_are_never_asked),
        cmocka_unit_test(audio_is_known_by_its_first_bytes),
        cmocka_unit_test(wave_channels_are_read),
        cmocka_unit_test(a_saved_recording_says_all_and_keeps_no_signature),
        cmocka_unit_test(a_signature_within_the_address_is_not_kept),
        cmocka_unit_test(the_agents_channel_is_said_where_it_is_known),
        cmocka_unit_test(too_early_is_waited_for_until_the_deadline),
        cmocka_unit_test(an_expired_address_after_the_deadline_gets_one_more_try),
        cmocka_unit_test(the_waits_grow),
        cmocka_unit_test(a_late_file_is_taken),
        cmocka_unit_test(a_service_that_fails_is_retried),
        cmocka_unit_test(hours_of_failing_downloads_end_in_a_ticket_that_says_so),
        cmocka_unit_test(an_expired_signature_is_renewed),
        cmocka_unit_test(a_refusing_storage_host_is_tried_on_the_recordings_host),
        cmocka_unit_test(failures_of_reading_again_go_back_to_the_file),
        cmocka_unit_test(nothing_is_downloaded_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
