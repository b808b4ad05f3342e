/* pocketsphinx: speech made by flite is heard, silence and noise are not, and what cannot be read is refused. */
#include "plugins/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct sb_plugin pocketsphinx_plugin;

static char folder[] = "/tmp/switchboard-speech-XXXXXX";

/* Runs one line of shell in the folder of this run. */
static void run(const char *command)
{
    char line[1200];

    assert_in_range(snprintf(line, sizeof(line), "cd %s && %s >/dev/null 2>&1", folder, command), 1,
                    sizeof(line) - 1);
    if (system(line) != 0) // NOLINT(cert-env33-c): fixed commands, in a folder of our own
        fail_msg("failed: %s", line);
}

static int make_sounds(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    run("flite -voice slt -t 'i want a refund for my last order' -o refund.wav");
    run("flite -voice rms -t 'thank you for calling customer support' -o agent.wav");
    run("sox refund.wav -r 16000 clean.wav");
    run("sox refund.wav -r 8000 -e u-law phone.wav sinc 300-3400");
    run("sox refund.wav -C 64 clean.mp3");
    run("sox -n -r 16000 -c 1 silence.wav trim 0 4");
    run("sox -R -n -r 16000 -c 1 noise.wav synth 4 whitenoise vol 0.02");
    run("sox -n -r 16000 -c 1 tone.wav synth 4 sine 440 vol 0.3");
    run("sox -n -r 16000 -c 1 pause.wav trim 0 3");
    run("sox refund.wav -r 16000 one.wav && sox pause.wav one.wav pause.wav late.wav");
    /* The agent speaks first on the left, the customer three seconds later on the right. */
    run("sox agent.wav -r 16000 a.wav pad 0 6 && sox one.wav c.wav pad 3 0 && sox -M a.wav c.wav stereo.wav");
    run("head -c 300 clean.mp3 > cut.mp3 && printf hello > text.mp3 && : > empty.wav");
    return 0;
}

static int remove_sounds(void **state)
{
    (void)state;
    run("rm -f ./*.wav ./*.mp3");
    return rmdir(folder);
}

static const struct harness_result *hear(struct harness *h, const char *name, const char *more)
{
    char from[200], record[400];

    (void)snprintf(from, sizeof(from), "%s/%s", folder, name);
    const char *file = harness_copy_file(h, name, from);
    (void)snprintf(record, sizeof(record), "{\"recording\": {\"state\": \"saved\", \"file\": \"%s\"%s}}",
                   file, more);
    harness_set_record(h, record);
    return harness_work(h, "transcribe");
}

/* How many of the words of `want` are in `text`. */
static unsigned count_words(const char *text, const char *want)
{
    char list[200], *rest = list;
    unsigned count = 0;

    (void)snprintf(list, sizeof(list), "%s", want);
    for (const char *word; (word = strsep(&rest, " "));)
        count += strstr(text, word) != NULL;
    return count;
}

/* ---- speech -------------------------------------------------------------------------------------------- */

static const char *const spoken[] = { "clean.wav", "phone.wav", "clean.mp3", "late.wav" };

static void keywords_are_heard(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(spoken) / sizeof(spoken[0]); i++) {
        struct harness *h =
            harness_new(&pocketsphinx_plugin, NULL); /* the harness hears it twice, and compares */
        const struct harness_result *r = hear(h, spoken[i], "");
        if (r->verdict != SB_OK)
            fail_msg("[%s] %s", spoken[i], r->reason);
        const char *text = harness_text(r->record, "transcript.text");
        if (!strstr(text, "refund") || count_words(text, "want refund last order") < 3)
            fail_msg("[%s] heard '%s'", spoken[i], text);
        assert_string_equal(harness_text(r->record, "transcript.quality"), "low");
        assert_string_equal(harness_text(r->record, "transcript.provider"), "pocketsphinx");
        assert_true(json_is_false(harness_at(r->record, "transcript.is_empty")));

        double confidence = json_number_value(harness_at(r->record, "transcript.confidence"));
        assert_true(confidence > 0 && confidence <= 1);
        assert_true(json_number_value(harness_at(r->meters, "audio_seconds")) > 1.5);
        harness_free(h);
    }
}

static const json_t *segment_at(const json_t *record, size_t index)
{
    const json_t *segment = json_array_get(harness_at(record, "transcript.segments"), index);

    assert_non_null(segment);
    return segment;
}

static void times_are_where_the_speech_is(void **state)
{
    (void)state;
    struct harness *h = harness_new(&pocketsphinx_plugin, NULL);
    const struct harness_result *r = hear(h, "late.wav", "");

    assert_int_equal(r->verdict, SB_OK);
    size_t count = json_array_size(harness_at(r->record, "transcript.segments"));
    int64_t start = harness_int(segment_at(r->record, 0), "start_ms");
    int64_t end = harness_int(segment_at(r->record, count - 1), "end_ms");
    int64_t duration = harness_int(r->record, "transcript.duration_ms");
    assert_in_range(start, 2500, 3500);
    assert_in_range(end, duration - 3500, duration - 2500);
    harness_free(h);
}

static void channels_are_heard_apart(void **state)
{
    (void)state;
    struct harness *h = harness_new(&pocketsphinx_plugin, NULL);
    const struct harness_result *r = hear(h, "stereo.wav", ", \"agent_channel\": 0");
    const char *first = "", *last = "";

    if (r->verdict != SB_OK)
        fail_msg("%s", r->reason);
    size_t count = json_array_size(harness_at(r->record, "transcript.segments"));
    assert_true(count >= 2);
    first = harness_text(segment_at(r->record, 0), "speaker");
    last = harness_text(segment_at(r->record, count - 1), "speaker");
    assert_string_equal(first, "agent");
    assert_string_equal(last, "customer");
    int64_t before = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *segment = segment_at(r->record, i);
        bool is_agent = strcmp(harness_text(segment, "speaker"), "agent") == 0;
        assert_int_equal(harness_int(segment, "channel"), is_agent ? 0 : 1);
        assert_true(harness_int(segment, "start_ms") >= before);
        before = harness_int(segment, "start_ms");
        if (!is_agent)
            assert_in_range(before, 2500, 6000);
        if (is_agent)
            assert_null(strstr(harness_text(segment, "text"), "refund"));
    }
    assert_true(count_words(harness_text(r->record, "transcript.text"),
                            "thank calling support want refund order") >= 4);

    r = hear(h, "stereo.wav", ", \"agent_channel\": 1");
    assert_string_equal(harness_text(segment_at(r->record, 0), "speaker"), "customer");
    r = hear(h, "stereo.wav", "");
    assert_string_equal(harness_text(segment_at(r->record, 0), "speaker"), "speaker 1");
    harness_free(h);
}

/* ---- no speech ----------------------------------------------------------------------------------------- */

static const char *const quiet[] = { "silence.wav", "noise.wav", "tone.wav" };

static void nothing_is_heard_where_nobody_speaks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++) {
        struct harness *h = harness_new(&pocketsphinx_plugin, NULL);
        const struct harness_result *r = hear(h, quiet[i], "");
        if (r->verdict != SB_OK)
            fail_msg("[%s] %s", quiet[i], r->reason);
        const char *text = harness_text(r->record, "transcript.text");
        if (text[0])
            fail_msg("[%s] heard '%s'", quiet[i], text);
        assert_true(json_is_true(harness_at(r->record, "transcript.is_empty")));
        assert_true(json_is_null(harness_at(r->record, "transcript.confidence")));
        harness_free(h);
    }
}

static const char *const broken[] = { "text.mp3", "empty.wav" };

static void what_is_no_audio_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        struct harness *h = harness_new(&pocketsphinx_plugin, NULL);
        const struct harness_result *r = hear(h, broken[i], "");
        if (r->verdict != SB_REJECT || !r->reason[0])
            fail_msg("[%s] verdict %d: %s", broken[i], (int)r->verdict, r->reason);
        assert_null(json_object_get(r->record, "transcript"));
        harness_free(h);
    }
    struct harness *h = harness_new(&pocketsphinx_plugin, NULL);
    harness_set_record(h, "{\"recording\": {\"state\": \"missing\"}}");
    const struct harness_result *r = harness_work(h, "transcribe");
    assert_int_equal(r->verdict, SB_SKIP);
    assert_string_equal(r->reason, "there is no recording to transcribe");
    harness_free(h);
}

static void missing_models_say_what_to_do(void **state)
{
    (void)state;
    struct harness *h = harness_new(&pocketsphinx_plugin, "{\"acoustic_model\": \"/nowhere\"}");
    const struct harness_result *r = hear(h, "clean.wav", "");

    assert_int_equal(r->verdict, SB_REJECT);
    assert_non_null(strstr(r->reason, "install the package pocketsphinx-en-us"));
    assert_non_null(strstr(r->reason, "'language_dir'"));
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keywords_are_heard),          cmocka_unit_test(times_are_where_the_speech_is),
        cmocka_unit_test(channels_are_heard_apart),    cmocka_unit_test(nothing_is_heard_where_nobody_speaks),
        cmocka_unit_test(what_is_no_audio_is_refused), cmocka_unit_test(missing_models_say_what_to_do),
    };

    return cmocka_run_group_tests(tests, make_sounds, remove_sounds);
}
