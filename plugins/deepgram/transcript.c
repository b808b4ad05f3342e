/* The record's section "transcript", made from Deepgram's answer. */
#include <string.h>

#include "deepgram.h"

static void must(struct sb_exchange *x, int rc)
{
    if (rc < 0)
        (void)sb_alloc(x, SIZE_MAX / 2); /* leaves the function: no memory is a retry of the step */
}

static json_t *new_object(struct sb_exchange *x)
{
    json_t *object = json_object();

    must(x, object ? 0 : -1);
    return sb_keep(x, object);
}

static json_t *new_array(struct sb_exchange *x)
{
    json_t *array = json_array();

    must(x, array ? 0 : -1);
    return sb_keep(x, array);
}

static void put(struct sb_exchange *x, json_t *object, const char *name, json_t *value)
{
    must(x, json_object_set_new(object, name, value));
}

static void put_str(struct sb_exchange *x, json_t *object, const char *name, const char *text)
{
    put(x, object, name, text ? json_string(text) : json_null());
}

static void put_confidence(struct sb_exchange *x, json_t *object, double confidence)
{
    bool is_known = confidence >= 0 && confidence <= 1;

    put(x, object, "confidence", is_known ? json_real(confidence) : json_null());
}

static void warn(struct sb_exchange *x, json_t *warnings, const char *text)
{
    must(x, json_array_append_new(warnings, json_string(text)));
}

/* ---- channels ------------------------------------------------------------------------------------------ */

static const char *channel_text(const json_t *channel)
{
    const char *text = sb_json_str(sb_json_at(channel, "alternatives.0"), "transcript");

    return text ? text : "";
}

/* Two channels with one text: a mono recording in a stereo file, heard (and paid for) twice. */
static bool is_same_twice(const json_t *channels)
{
    const char *first = channel_text(json_array_get(channels, 0));

    return json_array_size(channels) == 2 && first[0] &&
           strcmp(first, channel_text(json_array_get(channels, 1))) == 0;
}

static void drop_second_channel(struct dg_segments *segments)
{
    size_t kept = 0;

    for (size_t i = 0; i < segments->count; i++)
        if (segments->items[i].channel == 0)
            segments->items[kept++] = segments->items[i];
    segments->count = kept;
}

/* The mean over the channels that hold speech. */
static double confidence_of(const json_t *channels)
{
    double sum = 0;
    size_t i, count = 0;
    const json_t *channel;

    json_array_foreach (channels, i, channel) {
        double confidence = sb_json_number(sb_json_at(channel, "alternatives.0"), "confidence", -1);
        if (confidence < 0 || !channel_text(channel)[0])
            continue;
        sum += confidence;
        count++;
    }
    return count > 0 ? sum / (double)count : -1;
}

/* What was detected; else what was asked for. Of "multi", the answer may name the languages, or none. */
static const char *language_of(struct sb_exchange *x, const json_t *channels)
{
    const json_t *channel = json_array_get(channels, 0);
    const char *detected = sb_json_str(channel, "detected_language");
    const char *asked = sb_option_str(x, "language");

    if (detected)
        return detected;
    if (sb_option_bool(x, "detect_language") || json_array_size(sb_option_list(x, "detect_languages")) > 0)
        return NULL;
    if (strcmp(asked, "multi") == 0)
        return json_string_value(sb_json_at(channel, "alternatives.0.languages.0"));
    return asked;
}

/* ---- speakers ------------------------------------------------------------------------------------------ */

/* Numbers of the speakers, as they are shown: in the order in which they are first heard. */
enum { SPEAKERS_MAX = 64 };

struct speakers {
    int64_t ids[SPEAKERS_MAX];
    size_t count;
};

static size_t number_of(struct speakers *speakers, int64_t id)
{
    for (size_t i = 0; i < speakers->count; i++)
        if (speakers->ids[i] == id)
            return i + 1;
    if (speakers->count == SPEAKERS_MAX)
        return SPEAKERS_MAX;
    speakers->ids[speakers->count] = id;
    return ++speakers->count;
}

/* Who speaks: known where each party has a channel and the agent's is known. Diarization tells voices apart,
 * not whose they are, so that those are numbered and nobody is called what he may not be. */
static const char *speaker_of(struct sb_exchange *x, const struct dg_segment *segment, size_t channel_count,
                              struct speakers *speakers)
{
    int64_t agent_channel = sb_get_int(x, "recording.agent_channel", -1);

    if (channel_count == 2 && agent_channel >= 0 && agent_channel <= 1)
        return segment->channel == agent_channel ? "agent" : "customer";
    int64_t id = channel_count > 1 ? segment->channel : segment->speaker;
    return sb_printf(x, "speaker %zu", number_of(speakers, id));
}

static json_t *segments_json(struct sb_exchange *x, const struct dg_segments *segments, size_t channel_count)
{
    json_t *list = new_array(x);
    struct speakers speakers = { .count = 0 };

    for (size_t i = 0; i < segments->count; i++) {
        const struct dg_segment *segment = &segments->items[i];
        json_t *item = json_object();
        must(x, item ? json_array_append_new(list, item) : -1);
        put(x, item, "start_ms", json_integer(segment->start_ms));
        put(x, item, "end_ms",
            json_integer(segment->end_ms > segment->start_ms ? segment->end_ms : segment->start_ms));
        put_str(x, item, "speaker", speaker_of(x, segment, channel_count, &speakers));
        put(x, item, "channel", json_integer(segment->channel));
        put_str(x, item, "text", segment->text);
        put_confidence(x, item, segment->confidence);
    }
    return list;
}

/* ---- text ---------------------------------------------------------------------------------------------- */

/* One channel: its own text, which is formatted best. Several: the segments in time order, a line each. */
static const char *whole_text(struct sb_exchange *x, const json_t *channels,
                              const struct dg_segments *segments, size_t channel_count)
{
    size_t size = 1;

    if (channel_count <= 1 || segments->count == 0)
        return channel_text(json_array_get(channels, 0));
    for (size_t i = 0; i < segments->count; i++)
        size += strlen(segments->items[i].text) + 1;
    char *text = sb_alloc(x, size);
    char *out = text;
    for (size_t i = 0; i < segments->count; i++) {
        size_t part = strlen(segments->items[i].text);
        if (i > 0)
            *out++ = '\n';
        memcpy(out, segments->items[i].text, part);
        out += part;
    }
    return text;
}

/* The model that answered, as Deepgram names it; else the one that was asked for. */
static const char *model_of(const struct sb_exchange *x, const json_t *metadata)
{
    const char *id;
    json_t *info;

    json_object_foreach (json_object_get(metadata, "model_info"), id, info) {
        const char *name = sb_json_str(info, "name");
        if (name)
            return name;
    }
    return sb_option_str(x, "model");
}

static void add_foreign_warnings(struct sb_exchange *x, json_t *warnings, const json_t *metadata)
{
    enum { WARNING_CHARS = 300 };
    size_t i;
    const json_t *item;

    json_array_foreach (json_object_get(metadata, "warnings"), i, item) {
        const char *parameter = sb_json_str(item, "parameter");
        const char *message = sb_json_str(item, "message");
        warn(x, warnings,
             sb_cut(
                 x,
                 sb_printf(x, "%s: %s", parameter ? parameter : "deepgram", message ? message : "no reason"),
                 WARNING_CHARS));
    }
}

static void put_origin(struct sb_exchange *x, json_t *transcript, const json_t *metadata)
{
    const char *request_id = sb_json_str(metadata, "request_id");

    put_str(x, transcript, "provider", "deepgram");
    put_str(x, transcript, "model", model_of(x, metadata));
    put_str(x, transcript, "request_id", request_id ? request_id : sb_http_header(x, "dg-request-id"));
    put(x, transcript, "duration_ms", json_integer(dg_ms(sb_json_number(metadata, "duration", 0))));
    put_str(x, transcript, "quality", "normal");
}

bool dg_write_transcript(struct sb_exchange *x, const json_t *answer)
{
    const json_t *results = json_object_get(answer, "results");
    const json_t *metadata = json_object_get(answer, "metadata");
    const json_t *channels = json_object_get(results, "channels");
    size_t channel_count = json_array_size(channels);

    if (!json_is_array(channels))
        return false;
    json_t *transcript = new_object(x);
    json_t *warnings = new_array(x);
    struct dg_segments segments = dg_read_segments(x, results);
    sb_meter(x, "audio_seconds",
             sb_json_number(metadata, "duration", 0) * (double)(channel_count > 1 ? channel_count : 1));

    add_foreign_warnings(x, warnings, metadata);
    if (is_same_twice(channels)) {
        drop_second_channel(&segments);
        channel_count = 1;
        warn(x, warnings, "both channels hold the same speech: the recording is mono in a stereo file");
    }
    const char *text = whole_text(x, channels, &segments, channel_count);
    put_str(x, transcript, "text", text);
    put_str(x, transcript, "language", language_of(x, channels));
    put_confidence(x, transcript, confidence_of(channels));
    put(x, transcript, "segments", json_incref(segments_json(x, &segments, channel_count)));
    put_origin(x, transcript, metadata);
    put(x, transcript, "warnings", json_incref(warnings));
    put(x, transcript, "is_empty", json_boolean(!text[0] && segments.count == 0));
    sb_set(x, "transcript", json_incref(transcript));
    return true;
}

void dg_write_none(struct sb_exchange *x, const char *why)
{
    json_t *transcript = new_object(x);

    put_str(x, transcript, "text", "");
    put(x, transcript, "language", json_null());
    put(x, transcript, "confidence", json_null());
    put(x, transcript, "segments", json_array());
    put(x, transcript, "provider", json_null());
    put(x, transcript, "warnings", json_array());
    put(x, transcript, "is_empty", json_true());
    put_str(x, transcript, "why", why);
    sb_set(x, "transcript", json_incref(transcript));
}
