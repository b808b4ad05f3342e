/* The answer of /v1/listen (DG.8, DG.9, DG.11), kept for when the same audio comes again. */
#include "deepgram.h"
#include "recordings.h"

#include <stdlib.h>
#include <string.h>

/* What is heard in a recording, and how: all that the results depend on besides the query. */
struct heard {
    json_t *script;   /* owned; who says what */
    const char *name; /* tells this from everything else that may be heard */
    const char *call; /* whose recording it is, or NULL */
    uint64_t seed;
};

/* Invented talk comes in this many variants (text, times, confidence), so that a load test with thousands of
 * recordings does not spend its time on inventing. */
enum { VARIANTS = 48 };

static uint64_t seed_of(const char *sha256)
{
    char digits[17] = "";
    memcpy(digits, sha256, 16);
    return strtoull(digits, NULL, 16);
}

/* Who says what in this recording: what a test put there, else what the call has, else something invented. */
static struct heard listen_to(struct sim_request *req, const struct dg_audio *audio)
{
    const struct deepgram *deepgram = req->service->state;
    const char *sha256 = sim_body_sha256(req);
    const struct exo_call *call = recordings_recognise(req->service->sim, req->body, req->body_size, sha256);
    struct heard heard = { .script = json_object_get(deepgram->scripts, sha256),
                           .name = sha256,
                           .call = call ? call->sid : NULL,
                           .seed = seed_of(sha256) };
    if (!heard.script && call)
        heard.script = call->script;
    if (heard.script) {
        json_incref(heard.script);
        return heard;
    }
    bool is_silent = audio->is_silent || (call && call->recording.is_silent);
    heard.seed %= VARIANTS;
    heard.script = is_silent ? json_array() : dg_default_script(heard.seed);
    heard.name = is_silent ? "silence" : sim_text(req, "variant %d", (int)heard.seed);
    return heard;
}

/* The name of an answer: what is heard, for how long, and the query without what only comes back in the metadata. */
static const char *cache_key(struct sim_request *req, const struct dg_audio *audio, const struct heard *heard)
{
    static const char *const echoed[] = { "tag", "extra", "callback", "callback_method", "mip_opt_out" };
    const char *key = sim_text(req, "%s %.17g %u %d ", heard->name, audio->seconds, audio->channels,
                               sim_knob_bool(req->service, DG_NESTED_TOPICS));
    size_t room = strlen(key) + 1;
    for (size_t i = 0; i < req->query_count; i++)
        room += strlen(req->query[i].name) + strlen(req->query[i].value) + 2;
    char *whole = sim_alloc(req, room), *at = stpcpy(whole, key);
    for (size_t i = 0; i < req->query_count; i++) {
        size_t known = 0;
        while (known < sizeof(echoed) / sizeof(echoed[0]) && strcmp(echoed[known], req->query[i].name) != 0)
            known++;
        if (known < sizeof(echoed) / sizeof(echoed[0]))
            continue;
        at = stpcpy(at, req->query[i].name);
        *at++ = '=';
        at = stpcpy(at, req->query[i].value);
        *at++ = '&';
    }
    *at = '\0';
    return whole;
}

static struct dg_cached *find_cached(struct deepgram *deepgram, const char *key)
{
    for (size_t i = 0; i < DG_CACHE_SIZE; i++)
        if (deepgram->cache[i].key && strcmp(deepgram->cache[i].key, key) == 0)
            return &deepgram->cache[i];
    return NULL;
}

static void free_cached(struct dg_cached *entry)
{
    free(entry->key);
    free(entry->results);
    *entry = (struct dg_cached){ 0 };
}

void dg_drop_cache(struct deepgram *deepgram)
{
    for (size_t i = 0; i < DG_CACHE_SIZE; i++)
        free_cached(&deepgram->cache[i]);
}

/* Makes the results, or NULL when the script is of no use. */
static struct dg_cached *make_cached(struct sim_request *req, const struct dg_settings *settings,
                                     const struct dg_audio *audio, const struct heard *heard, const char *key)
{
    struct deepgram *deepgram = req->service->state;
    struct dg_words words;
    if (dg_words_init(heard->script, audio->seconds, heard->seed, &words) < 0)
        return NULL;
    const char *language =
        settings->detect_language || strcmp(settings->language, "multi") == 0 ? "en" : settings->language;
    json_t *results = dg_make_results(req, settings, audio, &words, language, heard->seed,
                                      sim_knob_bool(req->service, DG_NESTED_TOPICS));
    dg_words_done(&words);
    struct dg_cached *entry = &deepgram->cache[deepgram->cache_next++ % DG_CACHE_SIZE];
    free_cached(entry);
    entry->key = sim_strdup(key);
    entry->results = json_dumps(results, JSON_COMPACT);
    json_decref(results);
    return entry;
}

static json_t *repeated(const struct sim_request *req, const char *name)
{
    json_t *list = json_array();
    for (size_t i = 0; i < req->query_count; i++)
        if (strcmp(req->query[i].name, name) == 0)
            json_array_append_new(list, json_string(req->query[i].value));
    return list;
}

static void add_echo(struct sim_request *req, json_t *metadata)
{
    if (sim_query(req, "tag"))
        json_object_set_new(metadata, "tags", repeated(req, "tag"));
    if (!sim_query(req, "extra"))
        return;
    json_t *extra = json_object();
    for (size_t i = 0; i < req->query_count; i++) {
        if (strcmp(req->query[i].name, "extra") != 0)
            continue;
        const char *value = req->query[i].value, *colon = strchr(value, ':');
        json_object_set_new(extra, sim_text(req, "%.*s", (int)(colon - value), value),
                            json_string(colon + 1));
    }
    json_object_set_new(metadata, "extra", extra);
}

/* English-only features on another language are not refused but warned of. */
static void add_warnings(const struct dg_settings *settings, json_t *metadata)
{
    if (!settings->sentiment || settings->detect_language || strncmp(settings->language, "en", 2) == 0)
        return;
    json_object_set_new(metadata, "warnings",
                        json_pack("[{s:s, s:s, s:s}]", "parameter", "sentiment", "type",
                                  "unsupported_language", "message",
                                  "Sentiment is not supported for this language."));
}

static void add_usage(const struct dg_settings *settings, json_t *metadata)
{
    const struct {
        bool is_on;
        const char *name;
    } features[] = { { settings->summarize, "summary_info" },
                     { settings->sentiment, "sentiment_info" },
                     { settings->topics, "topics_info" },
                     { settings->intents, "intents_info" } };
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
        if (features[i].is_on)
            json_object_set_new(metadata, features[i].name,
                                json_pack("{s:s, s:i, s:i}", "model_uuid",
                                          "67875a7f-c9c4-48a0-aa55-5bdb8a91c34a", "input_tokens", 100,
                                          "output_tokens", 20));
}

static void add_model(const struct dg_settings *settings, json_t *metadata)
{
    char arch[64], name[96], id[37];
    uint64_t state = 17;
    for (const char *at = settings->model; *at; at++)
        state = state * 31 + (unsigned char)*at;
    dg_write_uuid(&state, id);
    dg_name_model(settings->model, arch, name, sizeof(arch));
    json_object_set_new(metadata, "models", json_pack("[s]", id));
    json_object_set_new(
        metadata, "model_info",
        json_pack("{s:{s:s, s:s, s:s}}", id, "name", name, "version", "2026-01-01.0", "arch", arch));
}

static json_t *make_metadata(struct sim_request *req, const struct dg_settings *settings,
                             const struct dg_audio *audio)
{
    char created[32];
    sim_time_text(req->now_ms, 0, "%Y-%m-%dT%H:%M:%S", created, sizeof(created));
    json_t *metadata = json_pack("{s:s, s:s, s:s, s:o, s:f, s:i}", "transaction_key", "deprecated",
                                 "request_id", dg_request_id(req), "sha256", sim_body_sha256(req), "created",
                                 json_sprintf("%s.%03dZ", created, (int)(req->now_ms % 1000)), "duration",
                                 audio->seconds, "channels", (int)audio->channels);
    add_model(settings, metadata);
    add_echo(req, metadata);
    add_warnings(settings, metadata);
    add_usage(settings, metadata);
    return metadata;
}

/* Gives the answer in memory for free(). Both halves are whole JSON texts that jansson wrote; the second one is kept as
 * text because it is long. */
static char *make_text(const json_t *metadata, const char *results, size_t *ret_size)
{
    static const char before[] = "{\"metadata\":", between[] = ",\"results\":";
    char *head = json_dumps(metadata, JSON_COMPACT);
    size_t room = strlen(before) + strlen(head) + strlen(between) + strlen(results) + 2;
    char *text = sim_malloc(room);
    char *end = stpcpy(stpcpy(stpcpy(stpcpy(stpcpy(text, before), head), between), results), "}");
    free(head);
    *ret_size = (size_t)(end - text);
    return text;
}

static void send_answer(struct sim_request *req, struct sim_response *res, const json_t *metadata,
                        const char *results)
{
    size_t size;
    char *text = make_text(metadata, results, &size);
    sim_respond_buffer(res, 200, "application/json", text, size);
    if (sim_knob_bool(req->service, DG_REQUEST_ID_HEADER))
        sim_respond_header(res, "dg-request-id", "%s",
                           json_string_value(json_object_get(metadata, "request_id")));
}

/* The same JSON, later and elsewhere; at once there is only its id. */
static void promise_answer(struct sim_request *req, struct sim_response *res, const json_t *metadata,
                           const char *results)
{
    struct deepgram *deepgram = req->service->state;
    size_t size;
    char *text = make_text(metadata, results, &size);
    dg_send_callback(req, text, size);
    free(text);
    deepgram->callbacks++;
    sim_respond_json(res, 200, json_pack("{s:O}", "request_id", json_object_get(metadata, "request_id")));
}

static void note_transcription(struct deepgram *deepgram, const char *sha256, const char *call,
                               double seconds)
{
    json_t *seen = json_object_get(deepgram->seen, sha256);
    if (!seen) {
        seen = json_pack("{s:i, s:s?}", "count", 0, "call", call);
        json_object_set_new(deepgram->seen, sha256, seen);
    }
    json_object_set_new(seen, "count", json_integer(json_integer_value(json_object_get(seen, "count")) + 1));
    deepgram->transcriptions++;
    deepgram->audio_seconds += seconds;
}

void dg_transcribe(struct sim_request *req, struct sim_response *res, const struct dg_settings *settings,
                   const struct dg_audio *audio)
{
    struct deepgram *deepgram = req->service->state;
    struct heard heard = listen_to(req, audio);
    const char *key = cache_key(req, audio, &heard);
    struct dg_cached *entry = find_cached(deepgram, key);
    if (!entry)
        entry = make_cached(req, settings, audio, &heard, key);
    json_decref(heard.script);
    if (!entry) {
        sim_respond_json(res, 500,
                         json_pack("{s:s}", "error", "the script of this recording has another form"));
        return;
    }
    note_transcription(deepgram, sim_body_sha256(req), heard.call, audio->seconds);
    json_t *metadata = make_metadata(req, settings, audio);
    if (sim_query(req, "callback"))
        promise_answer(req, res, metadata, entry->results);
    else
        send_answer(req, res, metadata, entry->results);
    json_decref(metadata);
}
