/* The service "openai": its knobs, its paths, its keys. */
#include "deepgram_words.h"
#include "openai_audio.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const struct sim_knob knobs[] = {
    [OA_PROFILE] = { "profile", SIM_WORD, "openai", "openai|azure|ollama|llamacpp|vllm", 0, 0,
                     "LM.2: which server of this form is played" },
    [OA_ANSWER] = { "answer", SIM_WORD, "normal",
                    "normal|refusal|refusal_empty|content_filter|length_empty|length_cut|fenced|wrong_enum|"
                    "not_json|failed",
                    0, 0,
                    "LC.6, LR.3: what completions are like; fenced and not_json only make sense for "
                    "compatible "
                    "servers, wrong_enum needs a schema that is not strict, failed is for responses only" },
    [OA_FAULT] = { "fault", SIM_WORD, "none",
                   "none|credit_balance_exhausted|insufficient_quota|organization_spend_limit_exceeded|"
                   "project_spend_limit_exceeded|organization_usage_limit_exceeded|billing_hard_limit_"
                   "reached|slow_down|"
                   "server_error|overloaded|bad_gateway|content_filter",
                   0, 0, "LF.2, LF.3: answers every request but GET /models with this error" },
    [OA_INJECTION_PRONE] = { "injection_prone", SIM_BOOL, "false", NULL, 0, 0,
                             "LC.10: does what the conversation tells it to" },
    [OA_SCHEMA_LIMITS] = { "schema_limits", SIM_WORD, "accepted", "accepted|rejected", 0, 0,
                           "LC.3: minimum, maxLength and their like in a strict schema" },
    [OA_UNKNOWN_PARAMETERS] = { "unknown_parameters", SIM_WORD, "rejected", "rejected|ignored", 0, 0,
                                "what a member of the request that the OpenAPI does not have does" },
    [OA_CONTEXT_TOKENS] = { "context_tokens", SIM_INT, "128000", NULL, 1, 100000000, "LC.7: longest prompt" },
    [OA_TOKENS_PER_MINUTE] = { "tokens_per_minute", SIM_INT, "4000000", NULL, 0, 1000000000000,
                               "LF.1: token bucket; 0 is no limit" },
    [OA_REQUESTS_PER_MINUTE] = { "requests_per_minute", SIM_INT, "10000", NULL, 0, 1000000000,
                                 "LF.1: request bucket; 0 is no limit" },
    [OA_RETRY_AFTER] = { "retry_after", SIM_WORD, "seconds_and_ms", "seconds_and_ms|seconds|date|none", 0, 0,
                         "LF.1, LF.4: what a 429 of the buckets says about when to come back" },
    [OA_RETRY_AFTER_S] = { "retry_after_s", SIM_INT, "0", NULL, 0, 1000000,
                           "LF.4: said instead of the true wait; 0 says the true one" },
    [OA_SHOULD_RETRY] = { "should_retry", SIM_WORD, "none", "none|true|false", 0, 0,
                          "LF.4: x-should-retry of errors" },
    [OA_LOADING] = { "loading", SIM_BOOL, "false", NULL, 0, 0, "LM.2: llamacpp answers /health with 503" },
    [OA_SPARSE] = { "sparse", SIM_BOOL, "false", NULL, 0, 0,
                    "LC.5: completions lack refusal, annotations and logprobs that are null or empty" },
    [OA_REASONING_ITEM] = { "reasoning_item", SIM_WORD, "with", "with|without", 0, 0,
                            "LR.2: responses of reasoning models begin with a reasoning item" },
    [OA_FAILURE_CODE] = { "failure_code", SIM_WORD, "server_error",
                          "server_error|rate_limit_exceeded|invalid_prompt|data_residency_mismatch|bio_"
                          "policy",
                          0, 0, "LR.3: the error of a response that failed" },
    [OA_TOO_LARGE] = { "too_large", SIM_WORD, "with_status", "with_status|without_status", 0, 0,
                       "OA.2: whether the text of a transcription's 413 begins with it" },
    [OA_LANGUAGES] = { "languages", SIM_WORD, "detected", "detected|empty", 0, 0,
                       "OA.6: languages in answers of gpt-transcribe" },
    [OA_MINI_TOKENS] = { "mini_tokens", SIM_INT, "16000", NULL, 1, 100000000,
                         "5.4: longest prompt and audio of gpt-4o-mini-transcribe, ten tokens a second" },
};
static_assert(sizeof(knobs) / sizeof(knobs[0]) == OA_KNOBS, "every knob has its row");

/* ---- LC.1: who asks ---- */

/* The key as errors repeat it: its ends only. */
static const char *mask_key(struct sim_request *req, const char *key)
{
    size_t length = strlen(key);
    char *masked = sim_text(req, "%s", key);
    for (size_t i = 0; i < length; i++)
        if (length < 16 || (i >= 8 && i < length - 4))
            masked[i] = '*';
    return masked;
}

static const char *find_key(const struct sim_request *req)
{
    const char *header = sim_header(req, "Authorization"), *own = sim_header(req, "api-key");
    if (sim_knob_is(req->service, OA_PROFILE, "azure") && own)
        return own;
    return header && strncasecmp(header, "Bearer ", 7) == 0 ? header + 7 : NULL;
}

/* NULL for a key that is known; else what is wrong with it, and *ret_code. */
static const char *find_key_fault(struct sim_request *req, const char **ret_code)
{
    const struct openai *openai = req->service->state;
    const char *key = find_key(req);
    *ret_code = key ? "invalid_api_key" : NULL;
    if (oa_is_profile(req, "ollama") || (key && json_object_get(openai->keys, key)))
        return NULL;
    if (!key)
        return "You didn't provide an API key in an Authorization header using Bearer auth.";
    return sim_text(req,
                    "Incorrect API key provided: %s. You can find your API key at "
                    "https://platform.openai.com/account/api-keys.",
                    mask_key(req, key));
}

static bool check_key(struct sim_request *req, struct sim_response *res)
{
    const char *code, *fault = find_key_fault(req, &code);
    if (!fault)
        return true;
    oa_respond_error(req, res, 401, "invalid_request_error", NULL, code, fault);
    sim_respond_header(res, "WWW-Authenticate", "Bearer realm=\"OpenAI API\"");
    return false;
}

/* ---- paths ---- */

static void note_in_flight(const struct sim_request *req)
{
    struct openai *openai = req->service->state;
    if (req->in_flight > openai->in_flight_max)
        openai->in_flight_max = req->in_flight;
}

static void handle_chat(struct sim_request *req, struct sim_response *res)
{
    struct oa_chat chat;
    note_in_flight(req);
    if (!check_key(req, res) || oa_respond_scripted(req, res) || !oa_read_chat(req, res, &chat))
        return;
    oa_answer_chat(req, res, &chat);
    json_decref(chat.body);
}

static void handle_response(struct sim_request *req, struct sim_response *res)
{
    struct oa_chat chat;
    note_in_flight(req);
    if (!check_key(req, res) || oa_respond_scripted(req, res) || !oa_read_response(req, res, &chat))
        return;
    oa_answer_response(req, res, &chat);
    json_decref(chat.body);
}

static void handle_upload(struct sim_request *req, struct sim_response *res)
{
    struct oa_upload upload;
    const char *code, *fault = find_key_fault(req, &code);
    note_in_flight(req);
    if (fault)
        oa_refuse_audio(req, res, 401, NULL, code, false, fault);
    else if (!oa_respond_scripted(req, res) && oa_read_upload(req, res, &upload))
        oa_answer_upload(req, res, &upload);
}

static void handle_models(struct sim_request *req, struct sim_response *res)
{
    if (check_key(req, res))
        oa_handle_models(req, res);
}

/* Only Azure has deployments in its paths, and wants the version of the API with them. */
static void handle_deployment(struct sim_request *req, struct sim_response *res)
{
    if (!sim_knob_is(req->service, OA_PROFILE, "azure") || !sim_query(req, "api-version")) {
        sim_respond_json(
            res, 404, json_pack("{s:{s:s, s:s}}", "error", "code", "404", "message", "Resource not found"));
        return;
    }
    handle_chat(req, res);
}

static void handle_health(struct sim_request *req, struct sim_response *res)
{
    if (!sim_knob_is(req->service, OA_PROFILE, "llamacpp"))
        sim_respond_empty(res, 404);
    else if (sim_knob_bool(req->service, OA_LOADING))
        sim_respond_json(res, 503,
                         json_pack("{s:{s:i, s:s, s:s}}", "error", "code", 503, "message", "Loading model",
                                   "type", "unavailable_error"));
    else
        sim_respond_json(res, 200, json_pack("{s:s}", "status", "ok"));
}

static void handle_unknown(struct sim_request *req, struct sim_response *res)
{
    oa_respond_error(req, res, 404, "invalid_request_error", NULL, NULL,
                     sim_text(req, "Invalid URL (%s %s)", req->method, req->path));
}

static const struct sim_route routes[] = {
    { "POST", "/v1/chat/completions", handle_chat },
    { "POST", "/v1/responses", handle_response },
    { "POST", "/v1/audio/transcriptions", handle_upload },
    { "GET", "/v1/models", handle_models },
    { "POST", "/openai/v1/chat/completions", handle_chat },
    { "POST", "/openai/v1/responses", handle_response },
    { "POST", "/openai/deployments/{deployment}/chat/completions", handle_deployment },
    { "GET", "/health", handle_health },
    { "*", "/{rest...}", handle_unknown },
    { NULL, NULL, NULL },
};

/* ---- control ---- */

static bool is_script(const json_t *script)
{
    struct dg_words words;
    if (dg_words_init(script, 10, 0, &words) < 0)
        return false;
    dg_words_done(&words);
    return true;
}

/* POST {"sha256": "...", "script": [...]}: what this audio says from now on. */
static void handle_script(struct sim_request *req, struct sim_response *res)
{
    struct openai *openai = req->service->state;
    json_error_t error;
    const char *sha256 = NULL;
    json_t *script = NULL, *body = json_loadb(req->body, req->body_size, 0, &error);
    if (!body ||
        json_unpack_ex(body, &error, JSON_STRICT, "{s:s, s:o}", "sha256", &sha256, "script", &script) < 0) {
        sim_respond_json(res, 400, json_pack("{s:s}", "error", error.text));
    } else if (!is_script(script)) {
        sim_respond_json(
            res, 400, json_pack("{s:s}", "error", "script is a text or a list of {\"speaker\", \"text\"}"));
    } else {
        json_object_set(openai->scripts, sha256, script);
        sim_respond_empty(res, 204);
    }
    json_decref(body);
}

static const struct sim_route control[] = {
    { "POST", "/scripts", handle_script },
    { NULL, NULL, NULL },
};

/* ---- the service ---- */

static int load_names(const json_t *list, json_t *names, const char *what, struct sim_error *err)
{
    size_t index;
    json_t *name;
    if (list && !json_is_array(list))
        return sim_fail(err, "openai: %s is not a list of texts", what);
    json_array_foreach (list, index, name) {
        if (!json_is_string(name))
            return sim_fail(err, "openai: %s is not a list of texts", what);
        json_object_set_new(names, json_string_value(name), json_object());
    }
    return 0;
}

static int load_openai(struct sim_service *service, const json_t *section, struct sim_error *err)
{
    struct openai *openai = service->state;
    json_t *keys = NULL, *models = NULL, *scripts = NULL;
    json_error_t error;
    if (json_unpack_ex((json_t *)section, &error, JSON_STRICT, "{s?o, s?o, s?o}", "keys", &keys, "models",
                       &models, "scripts", &scripts) < 0)
        return sim_fail(err, "openai: %s; it takes keys, models and scripts", error.text);
    if (scripts && !json_is_object(scripts))
        return sim_fail(err, "openai: scripts is an object from sha256 to script");
    if (scripts)
        json_object_update(openai->scripts, scripts);
    if (keys)
        json_object_clear(openai->keys);
    return load_names(keys, openai->keys, "keys", err) < 0
               ? -1
               : load_names(models, openai->models, "models", err);
}

static void let_go(struct openai *openai)
{
    json_decref(openai->keys);
    json_decref(openai->models);
    json_decref(openai->seen);
    json_decref(openai->scripts);
    json_decref(openai->uploads);
}

static void set_defaults(struct openai *openai)
{
    let_go(openai);
    *openai = (struct openai){ .keys = json_pack("{s:{}}", "sk-demo-openai-key-0000"),
                               .models = json_object(),
                               .seen = json_object(),
                               .scripts = json_object(),
                               .uploads = json_object() };
}

static int start_openai(struct sim_service *service, struct sim_error *err)
{
    (void)err; /* Nothing here can fail. */
    service->state = sim_calloc(1, sizeof(struct openai));
    set_defaults(service->state);
    return 0;
}

static void stop_openai(struct sim_service *service)
{
    struct openai *openai = service->state;
    if (!openai)
        return;
    let_go(openai);
    free(openai);
    service->state = NULL;
}

static void reset_openai(struct sim_service *service)
{
    set_defaults(service->state);
}

static json_t *report_openai(struct sim_service *service)
{
    const struct openai *openai = service->state;
    return json_pack("{s:I, s:f, s:O, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "transcriptions",
                     (json_int_t)openai->transcriptions, "audio_seconds", openai->audio_seconds, "by_sha256",
                     openai->uploads, "completions", (json_int_t)openai->completions, "responses",
                     (json_int_t)openai->responses, "stored", (json_int_t)openai->stored, "distinct",
                     (json_int_t)json_object_size(openai->seen), "refused", (json_int_t)openai->refused,
                     "rate_limited", (json_int_t)openai->rate_limited, "prompt_tokens",
                     (json_int_t)openai->prompt_tokens, "completion_tokens",
                     (json_int_t)openai->completion_tokens, "in_flight_max",
                     (json_int_t)openai->in_flight_max, "by_content", openai->seen);
}

static void write_env(struct sim_service *service, struct sim_env *env)
{
    const struct openai *openai = service->state;
    void *first = json_object_iter(openai->keys);
    if (first)
        sim_env_put(env, "OPENAI_API_KEY", json_object_iter_key(first));
}

const struct sim_service_def sim_openai = {
    .name = "openai",
    .url_env = "OPENAI_API_URL",
    .url_suffix = "/v1",
    .knobs = knobs,
    .knob_count = OA_KNOBS,
    .routes = routes,
    .control = control,
    .start = start_openai,
    .stop = stop_openai,
    .reset = reset_openai,
    .load = load_openai,
    .report = report_openai,
    .env = write_env,
};
