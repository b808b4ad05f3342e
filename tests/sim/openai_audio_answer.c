/* The answers of /v1/audio/transcriptions in all their forms (OA.6, OA.9), and its errors. */
#include "deepgram_words.h"
#include "openai_audio.h"
#include "recordings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- errors ---- */

/* Whether the service writes this error with line breaks and indentation. */
static bool is_pretty(unsigned status)
{
    return status == 404;
}

void oa_refuse_audio(struct sim_request *req, struct sim_response *res, unsigned status, const char *param,
                     const char *code, bool has_usage, const char *message)
{
    struct openai *openai = req->service->state;
    bool is_key = status == 401;
    json_t *body =
        json_pack("{s:{s:s, s:s, s:s?, s:s?}}", "error", "message", message, "type",
                  status == 413 ? "server_error" : "invalid_request_error", "param", param, "code", code);
    openai->refused++;
    if (has_usage)
        json_object_set_new(body, "usage", json_pack("{s:s, s:i}", "type", "duration", "seconds", 0));
    if (is_key)
        json_object_set_new(body, "status", json_integer((json_int_t)status));
    char *text = json_dumps(body, is_pretty(status) ? JSON_INDENT(2) : JSON_COMPACT);
    json_decref(body);
    sim_respond_buffer(res, status, is_key ? "text/plain" : "application/json", text, strlen(text));
    oa_add_headers(req, res);
}

/* ---- what is heard ---- */

struct heard {
    struct dg_words words;
    char sha256[65];
    const char *call; /* whose recording it is, or NULL */
    uint64_t seed;
};

/* A run of words that the answer shows as one: [first, end). */
struct segment {
    size_t first, end;
};

/* Who says what in this file: what a test put there, else what the call has, else something invented. Gives a
 * new reference. */
static json_t *choose_script(struct sim_request *req, const struct oa_upload *upload, struct heard *heard)
{
    const struct openai *openai = req->service->state;
    json_t *script = json_object_get(openai->scripts, heard->sha256);
    const struct exo_call *call =
        recordings_recognise(req->service->sim, upload->file->data, upload->file->size, heard->sha256);
    heard->call = call ? call->sid : NULL;
    if (!script && call)
        script = call->script;
    if (script)
        return json_incref(script);
    bool is_silent = upload->audio.is_silent || (call && call->recording.is_silent);
    return is_silent ? json_array() : dg_default_script(heard->seed);
}

static bool listen_to(struct sim_request *req, const struct oa_upload *upload, struct heard *ret_heard)
{
    struct heard heard = { 0 };
    char digits[17] = "";
    sim_sha256(upload->file->data, upload->file->size, heard.sha256);
    memcpy(digits, heard.sha256, 16);
    heard.seed = strtoull(digits, NULL, 16);
    json_t *script = choose_script(req, upload, &heard);
    bool is_good = dg_words_init(script, upload->audio.seconds, heard.seed, &heard.words) == 0;
    json_decref(script);
    *ret_heard = heard;
    return is_good;
}

static const char *join(struct sim_request *req, const struct heard *heard, struct segment segment)
{
    size_t room = 1;
    for (size_t i = segment.first; i < segment.end; i++)
        room += strlen(heard->words.items[i].punctuated) + 1;
    char *text = sim_alloc(req, room), *at = text;
    for (size_t i = segment.first; i < segment.end; i++) {
        if (i > segment.first)
            *at++ = ' ';
        at = stpcpy(at, heard->words.items[i].punctuated);
    }
    *at = '\0';
    return text;
}

static const char *join_all(struct sim_request *req, const struct heard *heard)
{
    return join(req, heard, (struct segment){ 0, heard->words.count });
}

/* The segment that begins at `first`: to the end of the turn, or with `by_sentence` of the sentence. */
static struct segment find_segment(const struct heard *heard, size_t first, bool by_sentence)
{
    const struct dg_word *items = heard->words.items;
    size_t end = first;
    while (end < heard->words.count && items[end].turn == items[first].turn) {
        size_t length = strlen(items[end].punctuated);
        end++;
        if (by_sentence && length > 0 && strchr(".?!", items[end - 1].punctuated[length - 1]))
            break;
    }
    return (struct segment){ first, end };
}

static double start_of(const struct heard *heard, struct segment segment)
{
    return heard->words.items[segment.first].start;
}

static double end_of(const struct heard *heard, struct segment segment)
{
    return heard->words.items[segment.end - 1].end;
}

/* ---- parts of the JSON forms ---- */

static json_t *make_duration_usage(const struct oa_upload *upload)
{
    return json_pack("{s:s, s:I}", "type", "duration", "seconds", (json_int_t)ceil(upload->audio.seconds));
}

static json_t *make_token_usage(const struct oa_upload *upload, const char *text)
{
    json_int_t audio = (json_int_t)ceil(upload->audio.seconds * 10);
    json_int_t said = (json_int_t)oa_count_tokens(upload->prompt), out = (json_int_t)oa_count_tokens(text);
    return json_pack("{s:s, s:I, s:{s:I, s:I}, s:I, s:I}", "type", "tokens", "input_tokens", audio + said,
                     "input_token_details", "text_tokens", said, "audio_tokens", audio, "output_tokens", out,
                     "total_tokens", audio + said + out);
}

static json_t *make_logprobs(struct sim_request *req, const struct heard *heard)
{
    json_t *list = json_array();
    for (size_t i = 0; i < heard->words.count; i++) {
        const char *token = sim_text(req, "%s%s", i > 0 ? " " : "", heard->words.items[i].punctuated);
        json_t *bytes = json_array();
        for (const char *at = token; *at; at++)
            json_array_append_new(bytes, json_integer((unsigned char)*at));
        json_array_append_new(list, json_pack("{s:s, s:f, s:o}", "token", token, "logprob",
                                              log(heard->words.items[i].confidence), "bytes", bytes));
    }
    return list;
}

static json_t *make_json(struct sim_request *req, const struct oa_upload *upload, const struct heard *heard)
{
    const char *text = join_all(req, heard);
    json_t *json = json_pack("{s:s}", "text", text);
    if (strcmp(upload->model->name, "gpt-transcribe") == 0) {
        bool is_known = sim_knob_is(req->service, OA_LANGUAGES, "detected") && heard->words.count > 0;
        json_object_set_new(json, "languages",
                            is_known
                                ? json_pack("[{s:s}]", "code", upload->language ? upload->language : "en")
                                : json_array());
    }
    if (upload->has_logprobs)
        json_object_set_new(json, "logprobs", make_logprobs(req, heard));
    json_object_set_new(json, "usage",
                        strncmp(upload->model->name, "gpt-4o", 6) == 0 ? make_token_usage(upload, text)
                                                                       : make_duration_usage(upload));
    return json;
}

static json_t *make_segment(struct sim_request *req, const struct oa_upload *upload,
                            const struct heard *heard, struct segment segment, int id)
{
    uint64_t state = heard->seed + (uint64_t)id;
    json_t *tokens = json_array();
    for (size_t i = segment.first; i < segment.end; i++)
        json_array_append_new(tokens, json_integer((json_int_t)(dg_next_random(&state) % 50000)));
    return json_pack("{s:i, s:i, s:f, s:f, s:s, s:o, s:f, s:f, s:f, s:f}", "id", id, "seek",
                     (int)(start_of(heard, segment) / 30) * 3000, "start", start_of(heard, segment), "end",
                     end_of(heard, segment), "text", sim_text(req, " %s", join(req, heard, segment)),
                     "tokens", tokens, "temperature", upload->temperature, "avg_logprob", -0.2860786020755768,
                     "compression_ratio", 1.2363636493682861, "no_speech_prob", 0.00985979475080967);
}

static json_t *make_verbose(struct sim_request *req, const struct oa_upload *upload,
                            const struct heard *heard)
{
    json_t *segments = json_array(), *words = json_array();
    json_t *json = json_pack("{s:s, s:s, s:f, s:s}", "task", "transcribe", "language",
                             oa_language_name(upload->language ? upload->language : "en"), "duration",
                             upload->audio.seconds, "text", join_all(req, heard));
    int id = 0;
    for (size_t first = 0; first < heard->words.count;) {
        struct segment segment = find_segment(heard, first, true);
        json_array_append_new(segments, make_segment(req, upload, heard, segment, id++));
        first = segment.end;
    }
    for (size_t i = 0; i < heard->words.count; i++)
        json_array_append_new(words,
                              json_pack("{s:s, s:f, s:f}", "word", heard->words.items[i].plain, "start",
                                        heard->words.items[i].start, "end", heard->words.items[i].end));
    /* Segments are there unless words alone were asked for. */
    if (upload->has_words)
        json_object_set(json, "words", words);
    if (upload->has_segments || !upload->has_words)
        json_object_set(json, "segments", segments);
    json_decref(words);
    json_decref(segments);
    json_object_set_new(json, "usage", make_duration_usage(upload));
    return json;
}

/* Known speakers by their names in the order in which they are heard, the others by letters. */
static const char *name_speaker(struct sim_request *req, const struct oa_upload *upload, unsigned roles[],
                                size_t *count, unsigned role)
{
    enum { LETTERS = 26 };
    size_t i = 0;
    while (i < *count && roles[i] != role)
        i++;
    if (i == *count && *count < LETTERS)
        roles[(*count)++] = role;
    return i < upload->speaker_count
               ? upload->speakers[i]
               : sim_text(req, "%c", (char)('A' + (int)((i - upload->speaker_count) % LETTERS)));
}

static json_t *make_diarized(struct sim_request *req, const struct oa_upload *upload,
                             const struct heard *heard)
{
    unsigned roles[26] = { 0 };
    size_t role_count = 0, number = 0;
    json_t *segments = json_array();
    for (size_t first = 0; first < heard->words.count;) {
        struct segment segment = find_segment(heard, first, false);
        const char *speaker = name_speaker(req, upload, roles, &role_count, heard->words.items[first].role);
        json_array_append_new(segments,
                              json_pack("{s:s, s:o, s:f, s:f, s:s, s:s}", "type", "transcript.text.segment",
                                        "id", json_sprintf("seg_%03d", (int)++number), "start",
                                        start_of(heard, segment), "end", end_of(heard, segment), "text",
                                        join(req, heard, segment), "speaker", speaker));
        first = segment.end;
    }
    return json_pack("{s:s, s:f, s:s, s:o, s:o}", "task", "transcribe", "duration", upload->audio.seconds,
                     "text", join_all(req, heard), "segments", segments, "usage",
                     make_duration_usage(upload));
}

/* ---- subtitles ---- */

static const char *write_time(struct sim_request *req, double seconds, char point)
{
    int64_t ms = (int64_t)llround(seconds * 1000);
    return sim_text(req, "%02d:%02d:%02d%c%03d", (int)(ms / 3600000), (int)(ms / 60000 % 60),
                    (int)(ms / 1000 % 60), point, (int)(ms % 1000));
}

/* srt numbers its cues and has a comma in its times; vtt has a first line and a point. */
static const char *write_subtitles(struct sim_request *req, const struct heard *heard, bool is_srt)
{
    const char *text = is_srt ? "" : "WEBVTT\n\n";
    int number = 0;
    for (size_t first = 0; first < heard->words.count;) {
        struct segment segment = find_segment(heard, first, true);
        const char *from = write_time(req, start_of(heard, segment), is_srt ? ',' : '.');
        const char *to = write_time(req, end_of(heard, segment), is_srt ? ',' : '.');
        text = sim_text(req, "%s%s%s --> %s\n%s\n\n", text, is_srt ? sim_text(req, "%d\n", ++number) : "",
                        from, to, join(req, heard, segment));
        first = segment.end;
    }
    return text;
}

/* ---- the whole ---- */

static void note_transcription(struct openai *openai, const struct oa_upload *upload,
                               const struct heard *heard)
{
    json_t *seen = json_object_get(openai->uploads, heard->sha256);
    if (!seen) {
        seen = json_pack("{s:i, s:s?}", "count", 0, "call", heard->call);
        json_object_set_new(openai->uploads, heard->sha256, seen);
    }
    json_object_set_new(seen, "count", json_integer(json_integer_value(json_object_get(seen, "count")) + 1));
    openai->transcriptions++;
    openai->audio_seconds += upload->audio.seconds;
}

static void respond(struct sim_request *req, struct sim_response *res, const struct oa_upload *upload,
                    const struct heard *heard)
{
    const char *format = upload->format, *plain = NULL;
    if (strcmp(format, "text") == 0)
        plain = sim_text(req, "%s\n", join_all(req, heard));
    else if (strcmp(format, "srt") == 0 || strcmp(format, "vtt") == 0)
        plain = write_subtitles(req, heard, strcmp(format, "srt") == 0);
    if (plain)
        sim_respond_text(res, 200, "text/plain; charset=utf-8", plain);
    else if (strcmp(format, "verbose_json") == 0)
        sim_respond_json(res, 200, make_verbose(req, upload, heard));
    else if (strcmp(format, "diarized_json") == 0)
        sim_respond_json(res, 200, make_diarized(req, upload, heard));
    else
        sim_respond_json(res, 200, make_json(req, upload, heard));
    oa_add_headers(req, res);
    oa_add_budget_headers(req, res);
}

void oa_answer_upload(struct sim_request *req, struct sim_response *res, const struct oa_upload *upload)
{
    struct heard heard;
    if (listen_to(req, upload, &heard)) {
        note_transcription(req->service->state, upload, &heard);
        respond(req, res, upload, &heard);
    } else {
        sim_respond_json(res, 500,
                         json_pack("{s:s}", "error", "the script of this recording has another form"));
    }
    dg_words_done(&heard.words);
}
