/* Downloading a recording: from where, with which credentials, what is audio, and what is kept of it. */
#include "exotel_recording_kit.h"

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
        cmocka_unit_test(nothing_is_downloaded_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
