/* The service "deepgram": its knobs, its path, its keys and scripts. */
#include "deepgram.h"

#include <assert.h>
#include <stdlib.h>

static const struct sim_knob knobs[] = {
    [DG_SELF_HOSTED] = { "self_hosted", SIM_BOOL, "false", NULL, 0, 0, "DG.1: no key is asked for" },
    [DG_UNKNOWN_PARAMETERS] = { "unknown_parameters", SIM_WORD, "ignored", "ignored|rejected", 0, 0,
                                "DG.3: what a parameter that is not documented does" },
    [DG_UNKNOWN_MODEL] = { "unknown_model", SIM_WORD, "403", "403|400", 0, 0,
                           "DG.4: status for an invented model" },
    [DG_CONCURRENCY_MAX] = { "concurrency_max", SIM_INT, "100", NULL, 0, 1000000,
                             "DG.5: requests at a time; 0 is no limit" },
    [DG_CONCURRENCY_INTELLIGENCE_MAX] = { "concurrency_intelligence_max", SIM_INT, "10", NULL, 0, 1000000,
                                          "DG.5: the same with summary, sentiment, topics or intents" },
    [DG_CONCURRENCY_ENTITIES_MAX] = { "concurrency_entities_max", SIM_INT, "5", NULL, 0, 1000000,
                                      "DG.5: the same with detect_entities" },
    [DG_RETRY_AFTER_S] = { "retry_after_s", SIM_INT, "0", NULL, 0, 86400,
                           "DG.5: Retry-After of the 429; 0 sends none" },
    [DG_JSON_ERRORS] = { "json_errors", SIM_WORD, "legacy", "legacy|modern", 0, 0,
                         "DG.6: shape of the error for a bad JSON body" },
    [DG_SLOW_UPLOAD_MS] = { "slow_upload_ms", SIM_INT, "60000", NULL, 0, 86400000,
                            "DG.7: an upload that takes longer gets 408; 0 is no limit" },
    [DG_ANSWER] = { "answer", SIM_WORD, "normal",
                    "normal|overloaded|overloaded_error_code|timed_out|timed_out_html|cut_upload|slow_upload",
                    0, 0,
                    "DG.7: answers everything with 503 (two spellings of its key), 504 (empty, HTML), 422 or "
                    "408" },
    [DG_NESTED_TOPICS] = { "nested_topics", SIM_BOOL, "false", NULL, 0, 0,
                           "DG.8: topics and intents where the OpenAPI has them" },
    [DG_REQUEST_ID_HEADER] = { "request_id_header", SIM_BOOL, "false", NULL, 0, 0,
                               "DG.11: sends dg-request-id" },
    [DG_CALLBACK_DELAY_MS] = { "callback_delay_ms", SIM_INT, "1000", NULL, 0, 86400000,
                               "DG.10: simulated time from the answer to the callback" },
    [DG_CALLBACK_TIMEOUT_MS] = { "callback_timeout_ms", SIM_INT, "10000", NULL, 1, 600000,
                                 "DG.10: how long (real time) one try may take" },
    [DG_CALLBACK_PORT] = { "callback_port", SIM_INT, "0", NULL, 0, 65535,
                           "DG.10: where on 127.0.0.1 callbacks really go; 0: the port of the URL" },
};
static_assert(sizeof(knobs) / sizeof(knobs[0]) == DG_KNOBS, "every knob has its row");

static void handle_listen(struct sim_request *req, struct sim_response *res)
{
    const json_t *key;
    struct dg_settings settings;
    struct dg_fault fault;
    struct dg_audio audio;
    if (dg_respond_scripted(req, res) || !dg_check_key(req, res, &key))
        return;
    if (dg_read_settings(req, sim_knob_is(req->service, DG_UNKNOWN_PARAMETERS, "rejected"), &settings,
                         &fault) < 0) {
        dg_respond_fault(req, res, fault.status, fault.code, fault.text);
        return;
    }
    if (!dg_check_model(req, res, &settings, key) || !dg_check_concurrency(req, res, &settings) ||
        !dg_read_body(req, res, &settings, &audio))
        return;
    dg_transcribe(req, res, &settings, &audio);
}

static const struct sim_route routes[] = {
    { "POST", "/v1/listen", handle_listen },
    { NULL, NULL, NULL },
};

/* ---- control, scenario, report ---- */

/* POST {"sha256": "...", "script": [...]}: what this audio says from now on. */
static void handle_script(struct sim_request *req, struct sim_response *res)
{
    struct deepgram *deepgram = req->service->state;
    json_error_t error;
    const char *sha256 = NULL;
    json_t *script = NULL, *body = json_loadb(req->body, req->body_size, 0, &error);
    struct dg_words words;
    if (!body ||
        json_unpack_ex(body, &error, JSON_STRICT, "{s:s, s:o}", "sha256", &sha256, "script", &script) < 0) {
        sim_respond_json(res, 400, json_pack("{s:s}", "error", error.text));
    } else if (dg_words_init(script, 10, 0, &words) < 0) {
        sim_respond_json(
            res, 400, json_pack("{s:s}", "error", "script is a text or a list of {\"speaker\", \"text\"}"));
    } else {
        dg_words_done(&words);
        json_object_set(deepgram->scripts, sha256, script);
        dg_drop_cache(deepgram);
        sim_respond_empty(res, 204);
    }
    json_decref(body);
}

static const struct sim_route control[] = {
    { "POST", "/scripts", handle_script },
    { NULL, NULL, NULL },
};

static int load_keys(struct deepgram *deepgram, json_t *plans, struct sim_error *err)
{
    json_t *keys = json_object();
    size_t index;
    json_t *plan;
    json_array_foreach (plans, index, plan) {
        const char *key = NULL, *id = NULL;
        int scope = 1, credit = 1;
        json_t *forbidden = NULL;
        json_error_t error;
        if (json_unpack_ex(plan, &error, JSON_STRICT, "{s:s, s?s, s?b, s?b, s?o}", "key", &key, "id", &id,
                           "scope", &scope, "credit", &credit, "forbidden_models", &forbidden) < 0) {
            json_decref(keys);
            return sim_fail(err, "deepgram: key %zu: %s", index, error.text);
        }
        json_object_set(keys, key, plan);
    }
    json_decref(deepgram->keys);
    deepgram->keys = keys;
    return 0;
}

static int load_deepgram(struct sim_service *service, const json_t *section, struct sim_error *err)
{
    struct deepgram *deepgram = service->state;
    json_t *keys = NULL, *scripts = NULL;
    json_error_t error;
    if (json_unpack_ex((json_t *)section, &error, JSON_STRICT, "{s?o, s?o}", "keys", &keys, "scripts",
                       &scripts) < 0)
        return sim_fail(err, "deepgram: %s; it takes keys and scripts", error.text);
    if ((keys && !json_is_array(keys)) || (scripts && !json_is_object(scripts)))
        return sim_fail(err, "deepgram: keys is a list and scripts an object from sha256 to script");
    if (keys && load_keys(deepgram, keys, err) < 0)
        return -1;
    if (scripts)
        json_object_update(deepgram->scripts, scripts);
    dg_drop_cache(deepgram);
    return 0;
}

static void set_defaults(struct deepgram *deepgram)
{
    json_decref(deepgram->keys);
    json_decref(deepgram->scripts);
    json_decref(deepgram->seen);
    deepgram->keys = json_pack("{s:{s:s}}", "demo-deepgram-key", "key", "demo-deepgram-key");
    deepgram->scripts = json_object();
    deepgram->seen = json_object();
    deepgram->transcriptions = deepgram->too_many = deepgram->callbacks = 0;
    deepgram->audio_seconds = 0;
    deepgram->in_flight_max = 0;
    dg_drop_cache(deepgram);
}

static int start_deepgram(struct sim_service *service, struct sim_error *err)
{
    (void)err; /* Nothing here can fail. */
    service->state = sim_calloc(1, sizeof(struct deepgram));
    set_defaults(service->state);
    return 0;
}

static void stop_deepgram(struct sim_service *service)
{
    struct deepgram *deepgram = service->state;
    if (!deepgram)
        return;
    dg_drop_cache(deepgram);
    json_decref(deepgram->keys);
    json_decref(deepgram->scripts);
    json_decref(deepgram->seen);
    free(deepgram);
    service->state = NULL;
}

static void reset_deepgram(struct sim_service *service)
{
    set_defaults(service->state);
}

static json_t *report_deepgram(struct sim_service *service)
{
    const struct deepgram *deepgram = service->state;
    return json_pack(
        "{s:I, s:I, s:f, s:I, s:I, s:I, s:O}", "transcriptions", (json_int_t)deepgram->transcriptions,
        "distinct", (json_int_t)json_object_size(deepgram->seen), "audio_seconds", deepgram->audio_seconds,
        "too_many", (json_int_t)deepgram->too_many, "in_flight_max", (json_int_t)deepgram->in_flight_max,
        "callbacks", (json_int_t)deepgram->callbacks, "by_sha256", deepgram->seen);
}

/* The key that everybody gets; with keys in the scenario, the first of them. */
static void write_env(struct sim_service *service, struct sim_env *env)
{
    const struct deepgram *deepgram = service->state;
    void *first = json_object_iter(deepgram->keys);
    if (first)
        sim_env_put(env, "DEEPGRAM_API_KEY", json_object_iter_key(first));
}

const struct sim_service_def sim_deepgram = {
    .name = "deepgram",
    .url_env = "DEEPGRAM_API_URL",
    .knobs = knobs,
    .knob_count = DG_KNOBS,
    .routes = routes,
    .control = control,
    .start = start_deepgram,
    .stop = stop_deepgram,
    .reset = reset_deepgram,
    .load = load_deepgram,
    .report = report_deepgram,
    .env = write_env,
};
