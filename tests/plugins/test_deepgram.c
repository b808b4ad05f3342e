/* The Deepgram processor: the request for every option, every refusal, and options that are refused. */
#include "deepgram_kit.h"

/* ---- the request --------------------------------------------------------------------------------------- */

#define HEAD "https://api.deepgram.com/v1/listen?model=nova-3&language=en-IN&smart_format=true"

static void every_option_is_in_the_request(void **state)
{
    (void)state;
    static const struct {
        const char *options, *recording, *want_url;
    } rows[] = {
        { "", "", HEAD "&diarize_model=latest&mip_opt_out=true" },
        { "\"model\": \"nova-2-phonecall\"", "",
          "https://api.deepgram.com/v1/"
          "listen?model=nova-2-phonecall&language=en-IN&smart_format=true"
          "&diarize_model=latest&mip_opt_out=true" },
        { "\"language\": \"multi\"", "",
          "https://api.deepgram.com/v1/listen?model=nova-3&language=multi&smart_format=true"
          "&diarize_model=latest&mip_opt_out=true" },
        { "\"detect_language\": true", "",
          "https://api.deepgram.com/v1/"
          "listen?model=nova-3&detect_language=true&smart_format=true"
          "&diarize_model=latest&mip_opt_out=true" },
        { "\"detect_languages\": [\"hi\", \"en\"]", "",
          "https://api.deepgram.com/v1/"
          "listen?model=nova-3&detect_language=hi&detect_language=en&smart_format=true"
          "&diarize_model=latest&mip_opt_out=true" },
        { "\"diarize_model\": \"off\"", "", HEAD "&mip_opt_out=true" },
        { "\"diarize_model\": \"v1\"", "", HEAD "&diarize_model=v1&mip_opt_out=true" },
        { "\"utterances\": true", "", HEAD "&utterances=true&diarize_model=latest&mip_opt_out=true" },
        { "\"smart_format\": false", "",
          "https://api.deepgram.com/v1/"
          "listen?model=nova-3&language=en-IN&diarize_model=latest&mip_opt_out=true" },
        { "\"multichannel\": \"on\"", "", HEAD "&multichannel=true&mip_opt_out=true" },
        { "", "\"channels\": 2", HEAD "&multichannel=true&mip_opt_out=true" },
        { "", "\"channels\": 1", HEAD "&diarize_model=latest&mip_opt_out=true" },
        { "", "\"channels\": null", HEAD "&diarize_model=latest&mip_opt_out=true" },
        { "\"multichannel\": \"off\"", "\"channels\": 2", HEAD "&diarize_model=latest&mip_opt_out=true" },
        { "\"keyterms\": [\"Acme Fresh\", \"UPI, QR\"]", "",
          HEAD "&diarize_model=latest&keyterm=Acme%20Fresh&keyterm=UPI%2C%20QR&mip_opt_out=true" },
        { "\"redact\": \"pci, numbers\"", "",
          HEAD "&diarize_model=latest&redact=pci&redact=numbers&mip_opt_out=true" },
        { "\"tag\": [\"switchboard\"]", "", HEAD "&diarize_model=latest&tag=switchboard&mip_opt_out=true" },
        { "\"mip_opt_out\": false", "", HEAD "&diarize_model=latest" },
        { "\"region\": \"in\"", "",
          "https://api.in.deepgram.com/v1/"
          "listen?model=nova-3&language=en-IN&smart_format=true"
          "&diarize_model=latest&mip_opt_out=true" },
        { "\"region\": \"eu\"", "",
          "https://api.eu.deepgram.com/v1/"
          "listen?model=nova-3&language=en-IN&smart_format=true"
          "&diarize_model=latest&mip_opt_out=true" },
        { "\"region\": \"au\"", "",
          "https://api.au.deepgram.com/v1/"
          "listen?model=nova-3&language=en-IN&smart_format=true"
          "&diarize_model=latest&mip_opt_out=true" },
        { "\"base_url\": \"http://127.0.0.1:8090/dg\"", "",
          "http://127.0.0.1:8090/dg/v1/listen?model=nova-3&language=en-IN&smart_format=true"
          "&diarize_model=latest&mip_opt_out=true" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char recording[256];
        (void)snprintf(recording, sizeof(recording), SAVED "%s%s", rows[i].recording[0] ? ", " : "",
                       rows[i].recording);
        struct harness *h = with_recording(rows[i].options, recording);
        const struct harness_result *result = harness_build(h, STEP);
        assert_int_equal(result->verdict, SB_OK);
        assert_string_equal(harness_text(result->request, "method"), "POST");
        if (strcmp(harness_text(result->request, "url"), rows[i].want_url) != 0)
            fail_msg("%s %s: %s", rows[i].options, rows[i].recording, harness_text(result->request, "url"));
        harness_free(h);
    }
}

static void the_file_is_streamed_with_key_type_and_time(void **state)
{
    (void)state;
    static const struct {
        const char *recording, *want_type;
    } rows[] = {
        { SAVED, "audio/mpeg" },
        { "\"state\": \"saved\", \"file\": \"0k/1-recording.mp3\", \"content_type\": \"audio/wav\"",
          "audio/wav" },
        { "\"state\": \"saved\", \"file\": \"0k/1-recording.mp3\"", "audio/mpeg" },
        { "\"state\": \"saved\", \"file\": \"0k/1-recording.mp3\", \"content_type\": \"application/json\"",
          "audio/mpeg" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct harness *h = with_recording("", rows[i].recording);
        const struct harness_result *result = harness_build(h, STEP);
        AUTO_STR text = json_dumps(result->request, 0);
        assert_non_null(strstr(text, "Token [api_key]"));
        assert_non_null(strstr(text, rows[i].want_type));
        assert_non_null(strstr(text, "recording.mp3"));
        assert_null(strstr(text, "demo-key"));
        assert_int_equal(harness_int(result->request, "timeout_ms"), 600000);
        harness_free(h);
    }
}

static void without_a_recording_there_is_a_transcript_that_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *recording;
        const char *want_why;
    } rows[] = {
        { "\"state\": \"missing\", \"why\": \"Exotel names no recording for this call\"",
          "Exotel names no recording for this call" },
        { "\"state\": \"missing\", \"file\": \"0k/1-recording.mp3\"", "there is no recording" },
        { "\"state\": \"pending\"", "there is no recording" },
        { "", "there is no recording" },
        { "\"state\": \"saved\", \"file\": \"1/deleted.mp3\"", "the recording is not stored any more" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct harness *h = with_recording("", rows[i].recording);
        const struct harness_result *result = harness_build(h, STEP);
        assert_int_equal(result->verdict, SB_SKIP);
        assert_non_null(strstr(result->reason, rows[i].want_why));
        assert_string_equal(harness_text(result->record, "transcript.why"), rows[i].want_why);
        assert_true(json_is_true(harness_at(result->record, "transcript.is_empty")));
        assert_string_equal(harness_text(result->record, "transcript.text"), "");
        assert_int_equal(json_array_size(harness_at(result->record, "transcript.segments")), 0);
        harness_free(h);
    }
}

static void an_empty_file_is_not_sent(void **state)
{
    (void)state;
    struct harness *h = with_recording("", SAVED);

    (void)harness_put_file(h, "recording.mp3", "", 0);
    const struct harness_result *result = harness_build(h, STEP);
    assert_int_equal(result->verdict, SB_REJECT);
    assert_string_equal(result->reason, "the recording is empty");
    harness_free(h);
}

/* ---- refusals ------------------------------------------------------------------------------------------ */

#define LEGACY(code, message)                                                                                \
    "{\"err_code\": \"" code "\", \"err_msg\": \"" message                                                   \
    "\", \"request_id\": \"5f0c7a0e-3d1b-4c52-9a55-0d6f6a1b2c3d\"}"

enum { CONFIG_MS = 600000, MONEY_MS = 3600000 };

static const struct {
    int status;
    const char *body;
    enum sb_verdict want;
    int64_t want_suspend_ms;
    const char *want_reason;
} refusals[] = {
    { 400, LEGACY("Bad Request", "Bad Request: failed to process audio: corrupt or unsupported data"),
      SB_REJECT, 0, "corrupt or unsupported data" },
    { 400, LEGACY("Bad Request", "Bad Request: No such model/language/tier combination found."), SB_RETRY,
      CONFIG_MS, "check 'model' and 'language'" },
    { 400,
      LEGACY("Bad Request", "Content-type was application/json, but we could not process the JSON payload."),
      SB_REJECT, 0, "JSON payload" },
    { 400,
      "{\"category\": \"INVALID_JSON\", \"message\": \"Invalid JSON submitted.\", \"details\": \"missing "
      "field\"}",
      SB_REJECT, 0, "Invalid JSON submitted." },
    { 400, LEGACY("INVALID_QUERY_PARAMETER", "Failed to deserialize query parameters: bad"), SB_REJECT, 0,
      "query parameters" },
    { 400,
      LEGACY("REMOTE_CONTENT_ERROR", "The remote server hosting the media returned a client error: 404."),
      SB_RETRY, 0, "could not fetch" },
    { 400,
      LEGACY("Bad Request",
             "Keyterm limit exceeded. The maximum number of tokens across all keyterms is 500."),
      SB_REJECT, 0, "Keyterm limit" },
    { 400, "\"just a text\"", SB_REJECT, 0, "just a text" },
    { 400, "not even JSON", SB_REJECT, 0, "without a reason" },
    { 401, LEGACY("INVALID_AUTH", "Invalid credentials."), SB_RETRY, CONFIG_MS, "check DEEPGRAM_API_KEY" },
    { 401, LEGACY("INSUFFICIENT_PERMISSIONS", "User does not have sufficient permissions."), SB_RETRY,
      CONFIG_MS, "may not transcribe" },
    { 401, "", SB_RETRY, CONFIG_MS, "check DEEPGRAM_API_KEY" },
    { 402, LEGACY("ASR_PAYMENT_REQUIRED", "Project does not have enough credits"), SB_RETRY, MONEY_MS,
      "no credit left" },
    { 403, LEGACY("INSUFFICIENT_PERMISSIONS", "Project does not have access to the requested model."),
      SB_RETRY, CONFIG_MS, "'model' is wrong" },
    { 404, "", SB_RETRY, CONFIG_MS, "'base_url'" },
    { 405, "", SB_RETRY, CONFIG_MS, "'base_url'" },
    { 408, LEGACY("SLOW_UPLOAD", "Request upload timeout."), SB_RETRY, 0, "Request upload timeout." },
    { 411, "", SB_REJECT, 0, "411" },
    { 413, "<html></html>", SB_REJECT, 0, "too large" },
    { 414, "", SB_REJECT, 0, "'keyterms'" },
    { 422, LEGACY("ASR_UNPROCESSABLE_ENTITY", "Unable to read the entire client request."), SB_RETRY, 0,
      "422" },
    { 429, LEGACY("TOO_MANY_REQUESTS", "Too many requests. Please try again later"), SB_RETRY, 0, "429" },
    { 499, "", SB_RETRY, 0, "499" },
    { 500, "", SB_RETRY, 0, "500" },
    { 502, "<html></html>", SB_RETRY, 0, "502" },
    { 503, "{\"error_code\": \"Service Unavailable\", \"err_msg\": \"Please try again later.\"}", SB_RETRY, 0,
      "Please try again later." },
    { 504, "", SB_RETRY, 0, "504" },
    { 302, "", SB_REJECT, 0, "302" },
    { 200, "<html></html>", SB_RETRY, 0, "no JSON" },
    { 200, "{\"results\": {\"chan", SB_RETRY, 0, "cut off" },
    { 200, "{\"request_id\": \"5f0c7a0e\"}", SB_RETRY, 0, "no transcript" },
    { 200, "{\"results\": {}}", SB_RETRY, 0, "no transcript" },
};

static void every_refusal_is_told_apart(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct harness *h = with_recording("", SAVED);
        const struct harness_result *result = fold_body(h, refusals[i].status, refusals[i].body);
        if (result->verdict != refusals[i].want || result->suspend_ms != refusals[i].want_suspend_ms ||
            !strstr(result->reason, refusals[i].want_reason))
            fail_msg("%d %s: verdict %d, suspend %lld, '%s'", refusals[i].status, refusals[i].body,
                     (int)result->verdict, (long long)result->suspend_ms, result->reason);
        assert_null(json_object_get(result->record, "transcript"));
        harness_free(h);
    }
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *options, *want;
    } rows[] = {
        { "\"keyterms\": \"Acme\", \"model\": \"nova-2\"",
          "'keyterms' need a model of nova-3, and 'model' is 'nova-2'" },
        { "\"model\": \"flux-general-en\"", "works on live audio only" },
        { "\"redact\": [\"pci\", \"ssn\"]", "'redact' has 'ssn'" },
        { "\"redact\": \"aggressive_numbers\"", "'redact' has 'aggressive_numbers'" },
        { "\"region\": \"in\", \"base_url\": \"https://dg.example.com\"",
          "'region' is 'in' and 'base_url' is 'https://dg.example.com': set one of them" },
        { "\"region\": \"moon\"", "cannot be 'moon'" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char options[256];
        struct sb_error err = SB_ERROR_INIT;
        (void)snprintf(options, sizeof(options), "{" KEY ", %s}", rows[i].options);
        const struct harness *h = harness_try(&deepgram_plugin, options, &err);
        if (h || !strstr(err.text, rows[i].want))
            fail_msg("%s: '%s'", rows[i].options, err.text);
    }
}

static void too_many_keyterms_are_refused_at_the_start(void **state)
{
    (void)state;
    for (int count = 500; count <= 501; count++) {
        json_t *terms = json_array();
        struct sb_error err = SB_ERROR_INIT;
        for (int i = 0; i < count; i++)
            (void)json_array_append_new(terms, json_string("word"));
        json_t *options = json_pack("{s:s, s:o}", "api_key", "demo-key", "keyterms", terms);
        AUTO_STR text = json_dumps(options, 0);
        json_decref(options);
        struct harness *h = harness_try(&deepgram_plugin, text, &err);
        assert_true(count == 500 ? h != NULL : strstr(err.text, "more than the 500 tokens") != NULL);
        harness_free(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_is_in_the_request),
        cmocka_unit_test(the_file_is_streamed_with_key_type_and_time),
        cmocka_unit_test(without_a_recording_there_is_a_transcript_that_says_why),
        cmocka_unit_test(an_empty_file_is_not_sent),
        cmocka_unit_test(every_refusal_is_told_apart),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(too_many_keyterms_are_refused_at_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
