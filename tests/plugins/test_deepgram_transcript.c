/* The transcript of every shape of answer. */
#include "deepgram_kit.h"

/* ---- transcripts --------------------------------------------------------------------------------------- */

static void voices_of_one_channel_are_numbered(void **state)
{
    (void)state;
    struct harness *h = with_recording("", SAVED);
    const struct harness_result *result = fold_file(h, "mono.json");

    assert_int_equal(result->verdict, SB_OK);
    harness_same(harness_at(result->record, "transcript"),
                 "{\"text\": \"Good morning. Hello, my order has not arrived.\", \"language\": \"en-IN\","
                 " \"confidence\": 0.99731445, \"segments\": ["
                 "  {\"start_ms\": 80, \"end_ms\": 600, \"speaker\": \"speaker 1\", \"channel\": 0,"
                 "   \"text\": \"Good morning.\", \"confidence\": 0.98},"
                 "  {\"start_ms\": 900, \"end_ms\": 3400, \"speaker\": \"speaker 2\", \"channel\": 0,"
                 "   \"text\": \"Hello, my order has not arrived.\", \"confidence\": 0.9973}],"
                 " \"provider\": \"deepgram\", \"model\": \"general-nova-3\","
                 " \"request_id\": \"5f0c7a0e-3d1b-4c52-9a55-0d6f6a1b2c3d\", \"duration_ms\": 12346,"
                 " \"quality\": \"normal\", \"warnings\": [], \"is_empty\": false}");
    assert_true(json_number_value(harness_at(result->meters, "audio_seconds")) > 12.345);
    assert_true(json_number_value(harness_at(result->meters, "requests")) == 1);
    harness_free(h);
}

static void channels_are_agent_and_customer_where_that_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *agent_channel;
        const char *want[4]; /* speakers in time order: channels 0, 1, 0, 1 */
    } rows[] = {
        { "0", { "agent", "customer", "agent", "customer" } },
        { "1", { "customer", "agent", "customer", "agent" } },
        { "null", { "speaker 1", "speaker 2", "speaker 1", "speaker 2" } },
        { "7", { "speaker 1", "speaker 2", "speaker 1", "speaker 2" } },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char recording[256];
        (void)snprintf(recording, sizeof(recording), SAVED ", \"channels\": 2, \"agent_channel\": %s",
                       rows[i].agent_channel);
        struct harness *h = with_recording("", recording);
        const struct harness_result *result = fold_file(h, "stereo.json");
        assert_int_equal(result->verdict, SB_OK);
        const json_t *segments = harness_at(result->record, "transcript.segments");
        assert_int_equal(json_array_size(segments), 4);
        for (size_t s = 0; s < 4; s++) {
            assert_string_equal(harness_text(json_array_get(segments, s), "speaker"), rows[i].want[s]);
            assert_int_equal(harness_int(json_array_get(segments, s), "channel"), s % 2);
        }
        assert_string_equal(harness_text(result->record, "transcript.text"),
                            "Support, Asha speaking.\nMy order has not arrived.\nLet me look.\nThank you.");
        assert_string_equal(harness_text(result->record, "transcript.warnings.0"), "summarize: skipped");
        assert_true(json_number_value(harness_at(result->meters, "audio_seconds")) == 20);
        harness_free(h);
    }
}

static void without_utterances_words_are_put_together_by_speaker_and_pause(void **state)
{
    (void)state;
    struct harness *h = with_recording("", SAVED);
    char path[] = TEST_SOURCE_DIR "/tests/plugins/deepgram/mono.json";
    json_t *answer = json_load_file(path, 0, NULL);

    assert_non_null(answer);
    (void)json_object_del(json_object_get(answer, "results"), "utterances");
    AUTO_STR body = json_dumps(answer, 0);
    json_decref(answer);
    const struct harness_result *result = fold_body(h, 200, body);
    assert_int_equal(result->verdict, SB_OK);
    const json_t *segments = harness_at(result->record, "transcript.segments");
    assert_int_equal(json_array_size(segments), 3);
    assert_string_equal(harness_text(segments, "0.text"), "Good morning.");
    assert_string_equal(harness_text(segments, "0.speaker"), "speaker 1");
    assert_string_equal(harness_text(segments, "1.text"), "Hello, my");
    assert_string_equal(harness_text(segments, "2.text"), "order has not arrived.");
    assert_string_equal(harness_text(segments, "2.speaker"), "speaker 2");
    assert_int_equal(harness_int(segments, "2.start_ms"), 2500);
    assert_int_equal(harness_int(segments, "2.end_ms"), 3400);
    assert_true(json_number_value(harness_at(segments, "0.confidence")) > 0.979 &&
                json_number_value(harness_at(segments, "0.confidence")) < 0.981);
    harness_free(h);
}

/* Each row: words of one channel as "word speaker start end", and what becomes of them. */
static void a_segment_ends_with_its_speaker_its_sentence_or_a_pause(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        const char *want[4];
    } rows[] = {
        { "Yes. 0 0 0.2|I 0 0.2 0.3|am. 0 0.3 0.5", { "Yes. I am." } },
        { "Yes. 0 0 0.2|I 0 0.6 0.7|am. 0 0.7 0.9", { "Yes.", "I am." } },
        { "Yes? 0 0 0.2|I 0 0.6 0.7|am! 0 0.7 0.9|So 0 1.3 1.4", { "Yes?", "I am!", "So" } },
        { "well, 0 0 0.2|I 0 0.6 0.7", { "well, I" } },
        { "well, 0 0 0.2|I 0 1.0 1.2", { "well,", "I" } },
        { "well 0 0 0.2|yes 1 0.2 0.3|so 0 0.3 0.4", { "well", "yes", "so" } },
        { "\u0939\u093e\u0901\u0964 0 0 0.2|\u0939\u093e\u0901 0 0.6 0.7",
          { "\u0939\u093e\u0901\u0964", "\u0939\u093e\u0901" } },
        { ". 0 0 0.1|a 0 0.1 0.2", { ". a" } },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *words = json_array();
        AUTO_STR text = strdup(rows[i].words);
        for (char *at = text, *end; at; at = end ? end + 1 : NULL) {
            char word[64];
            int speaker;
            double from, to;
            end = strchr(at, '|');
            if (end)
                *end = '\0';
            assert_int_equal(sscanf(at, "%63s %d %lf %lf", word, &speaker, &from, &to), 4);
            (void)json_array_append_new(words, json_pack("{s:s, s:i, s:f, s:f, s:f}", "punctuated_word", word,
                                                         "speaker", speaker, "start", from, "end", to,
                                                         "confidence", 0.5));
        }
        json_t *answer = json_pack("{s:{s:[{s:[{s:s, s:o}]}]}}", "results", "channels", "alternatives",
                                   "transcript", "x", "words", words);
        AUTO_STR body = json_dumps(answer, 0);
        json_decref(answer);
        struct harness *h = with_recording("", SAVED);
        const json_t *segments = harness_at(fold_body(h, 200, body)->record, "transcript.segments");
        size_t count = 0;
        while (count < COUNT_OF(rows[i].want) && rows[i].want[count])
            count++;
        if (json_array_size(segments) != count)
            fail_msg("'%s': %zu segments", rows[i].words, json_array_size(segments));
        for (size_t s = 0; s < count; s++)
            assert_string_equal(harness_text(json_array_get(segments, s), "text"), rows[i].want[s]);
        harness_free(h);
    }
}

/* A monologue without a breath is cut at the end of a sentence, and only there. */
static void a_long_segment_ends_with_its_next_sentence(void **state)
{
    (void)state;
    enum { WORDS = 200, SENTENCE = 10 };
    json_t *words = json_array();

    for (int i = 0; i < WORDS; i++)
        (void)json_array_append_new(words,
                                    json_pack("{s:s, s:f, s:f, s:f}", "punctuated_word",
                                              i % SENTENCE == SENTENCE - 1 ? "order." : "order", "start",
                                              i * 0.1, "end", i * 0.1 + 0.1, "confidence", 0.5));
    json_t *answer = json_pack("{s:{s:[{s:[{s:s, s:o}]}]}}", "results", "channels", "alternatives",
                               "transcript", "x", "words", words);
    AUTO_STR body = json_dumps(answer, 0);
    json_decref(answer);
    struct harness *h = with_recording("", SAVED);
    const json_t *segments = harness_at(fold_body(h, 200, body)->record, "transcript.segments");
    assert_int_equal(json_array_size(segments), 5);
    for (size_t i = 0; i < 4; i++) {
        const char *text = harness_text(json_array_get(segments, i), "text");
        assert_true(strlen(text) >= 240 && strlen(text) < 310);
        assert_string_equal(text + strlen(text) - 7, " order.");
    }
    harness_free(h);
}

static void mono_in_a_stereo_file_is_told_once(void **state)
{
    (void)state;
    struct harness *h = with_recording("", SAVED ", \"channels\": 2, \"agent_channel\": 0");
    const struct harness_result *result = fold_body(
        h, 200,
        "{\"metadata\": {\"duration\": 2.0}, \"results\": {\"channels\": ["
        "{\"alternatives\": [{\"transcript\": \"hello there\", \"confidence\": 0.9}]},"
        "{\"alternatives\": [{\"transcript\": \"hello there\", \"confidence\": 0.9}]}],"
        "\"utterances\": [{\"start\": 0.1, \"end\": 1, \"channel\": 0, \"transcript\": \"hello there\"},"
        "{\"start\": 0.1, \"end\": 1, \"channel\": 1, \"transcript\": \"hello there\"}]}}");

    assert_string_equal(harness_text(result->record, "transcript.text"), "hello there");
    assert_int_equal(json_array_size(harness_at(result->record, "transcript.segments")), 1);
    assert_string_equal(harness_text(result->record, "transcript.segments.0.speaker"), "speaker 1");
    assert_int_equal(json_array_size(harness_at(result->record, "transcript.warnings")), 1);
    harness_free(h);
}

static void silence_is_a_result(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        SILENT,
        "{\"metadata\": {\"duration\": 5.0, \"warnings\": [{\"parameter\": \"summarize\"}]}, \"results\": "
        "{\"channels\":"
        " []}}",
        "{\"results\": {\"channels\": [{}]}}",
    };

    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct harness *h = with_recording("", SAVED);
        const struct harness_result *result = fold_body(h, 200, bodies[i]);
        assert_int_equal(result->verdict, SB_OK);
        assert_true(json_is_true(harness_at(result->record, "transcript.is_empty")));
        assert_string_equal(harness_text(result->record, "transcript.text"), "");
        assert_true(json_is_null(harness_at(result->record, "transcript.confidence")));
        assert_string_equal(harness_text(result->record, "transcript.model"), "nova-3");
        harness_free(h);
    }
}

static void the_language_is_what_was_spoken(void **state)
{
    (void)state;
    static const struct {
        const char *options, *channel;
        const char *want; /* NULL: null */
    } rows[] = {
        { "", "", "en-IN" },
        { "\"language\": \"hi\"", "", "hi" },
        { "\"detect_language\": true", ", \"detected_language\": \"ta\", \"language_confidence\": 0.9",
          "ta" },
        { "\"detect_language\": true", "", NULL },
        { "\"detect_languages\": \"hi,en\"", "", NULL },
        { "\"language\": \"multi\"", "", NULL },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char body[512];
        struct harness *h = with_recording(rows[i].options, SAVED);
        (void)snprintf(body, sizeof(body),
                       "{\"results\": {\"channels\": [{\"alternatives\": [{\"transcript\": \"hi\"}]%s}]}}",
                       rows[i].channel);
        const char *got = harness_text(fold_body(h, 200, body)->record, "transcript.language");
        if ((got == NULL) != (rows[i].want == NULL) || (got && strcmp(got, rows[i].want) != 0))
            fail_msg("row %zu: '%s'", i, got ? got : "null");
        harness_free(h);
    }
}

static void the_first_of_several_languages_is_told(void **state)
{
    (void)state;
    struct harness *h = with_recording("\"language\": \"multi\"", SAVED);
    const struct harness_result *result =
        fold_body(h, 200,
                  "{\"results\": {\"channels\": [{\"alternatives\": [{\"transcript\": \"hi\", \"languages\":"
                  " [\"hi\", \"en\"]}]}]}}");

    assert_string_equal(harness_text(result->record, "transcript.language"), "hi");
    harness_free(h);
}

static void odd_values_do_no_harm(void **state)
{
    (void)state;
    struct harness *h = with_recording("", SAVED);
    const struct harness_result *result = fold_body(
        h, 200,
        "{\"metadata\": {\"duration\": \"12.5\", \"request_id\": null, \"model_info\": []},"
        " \"results\": {\"channels\": [{\"alternatives\": [{\"transcript\": \"a b\", \"confidence\": 7}]}],"
        " \"utterances\": [null, {\"transcript\": \"\"}, {\"start\": -5, \"end\": 1e300, \"transcript\": "
        "\"a\","
        " \"confidence\": -3}, {\"start\": 9, \"end\": 2, \"transcript\": \"b\", \"speaker\": 4}]}}");

    assert_int_equal(result->verdict, SB_OK);
    harness_same(
        harness_at(result->record, "transcript.segments"),
        "[{\"start_ms\": 0, \"end_ms\": 0, \"speaker\": \"speaker 1\", \"channel\": 0, \"text\": \"a\","
        " \"confidence\": null}, {\"start_ms\": 9000, \"end_ms\": 9000, \"speaker\": \"speaker 2\","
        " \"channel\": 0, \"text\": \"b\", \"confidence\": null}]");
    assert_int_equal(harness_int(result->record, "transcript.duration_ms"), 12500);
    assert_true(json_is_null(harness_at(result->record, "transcript.confidence")));
    harness_free(h);
}

/* Thousands of utterances, channel after channel: in time order, and nothing is lost. */
static void long_calls_are_put_in_order(void **state)
{
    (void)state;
    static const size_t each = 3001;
    json_t *utterances = json_array();

    for (int64_t channel = 0; channel < 2; channel++)
        for (size_t i = 0; i < each; i++)
            (void)json_array_append_new(
                utterances, json_pack("{s:f, s:f, s:I, s:s}", "start", (double)(2 * i + (size_t)channel),
                                      "end", (double)(2 * i + (size_t)channel) + 0.5, "channel",
                                      (json_int_t)channel, "transcript", "x"));
    json_t *answer =
        json_pack("{s:{s:[{s:[{s:s}]}, {s:[{s:s}]}], s:o}}", "results", "channels", "alternatives",
                  "transcript", "x", "alternatives", "transcript", "y", "utterances", utterances);
    AUTO_STR body = json_dumps(answer, 0);
    json_decref(answer);
    struct harness *h = with_recording("", SAVED ", \"channels\": 2, \"agent_channel\": 1");
    const struct harness_result *result = fold_body(h, 200, body);
    const json_t *segments = harness_at(result->record, "transcript.segments");
    assert_int_equal(json_array_size(segments), 2 * each);
    for (size_t i = 0; i < 2 * each; i++)
        assert_int_equal(harness_int(json_array_get(segments, i), "start_ms"), i * 1000);
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(voices_of_one_channel_are_numbered),
        cmocka_unit_test(channels_are_agent_and_customer_where_that_is_known),
        cmocka_unit_test(without_utterances_words_are_put_together_by_speaker_and_pause),
        cmocka_unit_test(a_segment_ends_with_its_speaker_its_sentence_or_a_pause),
        cmocka_unit_test(a_long_segment_ends_with_its_next_sentence),
        cmocka_unit_test(mono_in_a_stereo_file_is_told_once),
        cmocka_unit_test(silence_is_a_result),
        cmocka_unit_test(the_language_is_what_was_spoken),
        cmocka_unit_test(the_first_of_several_languages_is_told),
        cmocka_unit_test(odd_values_do_no_harm),
        cmocka_unit_test(long_calls_are_put_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
