/* pocketsphinx: transcribes without a network, for demos and for trying Switchboard without keys. Its text is not a
 * record of what was said: it says so in every transcript, and nothing chooses it by itself. */
#include <string.h>

#include "recogniser.h"

static const struct sb_option options[] = {
    { .name = "acoustic_model",
      .type = SB_OPT_PATH,
      .default_text = ACOUSTIC_MODEL_DIR,
      .help = "the folder of the acoustic model; Debian's package pocketsphinx-en-us has the default" },
    { .name = "language_dir",
      .type = SB_OPT_PATH,
      .default_text = "pocketsphinx",
      .help =
          "the folder of support.lm and support.dict, made by tools/build_language_model.py; the default is "
          "installed with the program" },
    { .name = "concurrency",
      .type = SB_OPT_INT,
      .default_text = "2",
      .min = 1,
      .max = 64,
      .help = "recordings at once; each needs a processor for about a tenth of its length" },
    { .name = NULL },
};

/* What has been put together so far. */
struct transcript {
    json_t *segments; /* kept by the exchange */
    double confidence_sum;
    size_t confidence_count;
};

static const char *speaker_of(struct sb_exchange *x, uint32_t channel, uint32_t channels)
{
    int64_t agent = sb_get_int(x, "recording.agent_channel", -1);

    if (channels == 2 && agent >= 0)
        return channel == (uint32_t)agent ? "agent" : "customer";
    return channels == 1 ? "speaker 1" : sb_printf(x, "speaker %u", channel + 1);
}

static void add_segment(struct sb_exchange *x, struct transcript *transcript, const struct ps_piece *piece,
                        const struct ps_heard *heard, uint32_t channel, uint32_t channels)
{
    json_t *segment =
        json_pack("{s:I, s:I, s:s, s:i, s:s, s:o}", "start_ms", (json_int_t)(piece->start * 1000 / PS_RATE),
                  "end_ms", (json_int_t)((piece->start + piece->count) * 1000 / PS_RATE), "speaker",
                  speaker_of(x, channel, channels), "channel", (int)channel, "text", heard->text,
                  "confidence", heard->confidence >= 0 ? json_real(heard->confidence) : json_null());

    if (json_array_append_new(transcript->segments, segment) < 0)
        (void)sb_alloc(x, SIZE_MAX / 2); /* leaves the function: no memory is a retry of the step */
    if (heard->confidence >= 0) {
        transcript->confidence_sum += heard->confidence;
        transcript->confidence_count++;
    }
}

static bool hear_channel(struct sb_exchange *x, struct ps_hearing *hearing, const struct sb_audio *audio,
                         uint32_t channel, struct transcript *transcript)
{
    struct ps_piece *pieces = sb_alloc(x, PS_PIECES_MAX * sizeof(*pieces));
    size_t count = ps_cut(audio->samples[channel], audio->frames, pieces, PS_PIECES_MAX);

    for (size_t i = 0; i < count; i++) {
        struct ps_heard heard = { .text = "" };
        if (!ps_hear(x, hearing, audio->samples[channel], &pieces[i], &heard))
            return false;
        if (heard.text[0])
            add_segment(x, transcript, &pieces[i], &heard, channel, audio->channels);
    }
    return true;
}

/* By start; the channels were heard one after the other, so a stable insertion is enough. */
static json_t *in_time_order(struct sb_exchange *x, const json_t *segments)
{
    json_t *sorted = sb_keep(x, json_array());
    size_t index;
    json_t *segment;

    json_array_foreach (segments, index, segment) {
        size_t at = json_array_size(sorted);
        while (at > 0 && sb_json_int(json_array_get(sorted, at - 1), "start_ms", 0) >
                             sb_json_int(segment, "start_ms", 0))
            at--;
        (void)json_array_insert(sorted, at, segment);
    }
    return sorted;
}

static const char *join_text(struct sb_exchange *x, const json_t *segments)
{
    size_t index, size = 1;
    const json_t *segment;

    json_array_foreach (segments, index, segment)
        size += strlen(sb_json_str(segment, "text")) + 1;
    char *text = sb_alloc(x, size), *end = text;
    json_array_foreach (segments, index, segment) {
        const char *part = sb_json_str(segment, "text");
        if (end != text)
            *end++ = '\n';
        memcpy(end, part, strlen(part));
        end += strlen(part);
    }
    *end = '\0';
    return text;
}

static void write_transcript(struct sb_exchange *x, const struct sb_audio *audio,
                             const struct transcript *transcript)
{
    json_t *segments = in_time_order(x, transcript->segments);
    const char *text = join_text(x, segments);
    double seconds = (double)audio->frames / audio->rate;

    sb_set_str(x, "transcript.text", text);
    sb_set(x, "transcript.segments", json_incref(segments));
    sb_set_str(x, "transcript.language", "en-US");
    sb_set(x, "transcript.confidence",
           transcript->confidence_count
               ? json_real(transcript->confidence_sum / (double)transcript->confidence_count)
               : json_null());
    sb_set_str(x, "transcript.provider", "pocketsphinx");
    sb_set_str(x, "transcript.model", "support");
    sb_set_str(x, "transcript.request_id", NULL);
    sb_set_int(x, "transcript.duration_ms", (int64_t)(seconds * 1000));
    sb_set_str(x, "transcript.quality", "low");
    sb_set_bool(x, "transcript.is_empty", text[0] == '\0');
    sb_set(x, "transcript.warnings",
           json_pack("[s]", "made offline by pocketsphinx: many words are wrong; do not rely on it"));
    sb_meter(x, "audio_seconds", seconds * audio->channels);
}

static enum sb_verdict transcribe(struct sb_exchange *x, const struct sb_audio *audio)
{
    struct transcript transcript = { .segments = sb_keep(x, json_array()) };
    const char *why = NULL;
    struct ps_hearing *hearing = ps_open(x, &why);
    bool is_good = hearing != NULL;

    if (!hearing)
        return sb_reject(x, "%s", why);
    for (uint32_t channel = 0; is_good && channel < audio->channels; channel++)
        is_good = hear_channel(x, hearing, audio, channel, &transcript);
    ps_close(hearing);
    if (!is_good)
        return sb_reject(x, "the recogniser failed on this recording");
    write_transcript(x, audio, &transcript);
    return SB_OK;
}

static enum sb_verdict work(struct sb_exchange *x)
{
    const char *file = sb_get_str(x, "recording.file");
    const struct sb_audio *audio = NULL;
    struct sb_error err = SB_ERROR_INIT;

    if (!file || sb_file_size(x, file) < 0)
        return sb_skip(x, "there is no recording to transcribe");
    if (sb_audio_decode(x, file, PS_RATE, &audio, &err) < 0)
        return sb_reject(x, "%s", err.text);
    return transcribe(x, audio);
}

static const struct sb_step steps[] = {
    { .name = "transcribe", .effect = SB_IDEMPOTENT, .work = work },
    { .name = NULL },
};

SB_API const struct sb_plugin switchboard_plugin = {
    .abi = SB_ABI,
    .size = sizeof(struct sb_plugin),
    .kind = SB_PROCESSOR,
    .name = "pocketsphinx",
    .summary = "transcribes offline, in low quality: for demos and for trying without keys",
    .version = "0.1.0",
    .flags = SB_READS_FILES,
    .options = options,
    .steps = steps,
};
