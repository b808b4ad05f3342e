/* The answers of the chat: completions in all their shapes (LC.4 to LC.6, LC.9), and errors (LF.2, LF.3). */
#include "openai.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_answer(const struct sim_request *req, const char *answer)
{
    return sim_knob_is(req->service, OA_ANSWER, answer);
}

static bool has_number_codes(const struct sim_request *req)
{
    return sim_knob_is(req->service, OA_PROFILE, "llamacpp") || sim_knob_is(req->service, OA_PROFILE, "vllm");
}

void oa_respond_error(struct sim_request *req, struct sim_response *res, unsigned status, const char *type,
                      const char *param, const char *code, const char *message)
{
    struct openai *openai = req->service->state;
    openai->refused++;
    if (sim_knob_is(req->service, OA_PROFILE, "llamacpp"))
        sim_respond_json(
            res, status,
            json_pack("{s:{s:i, s:s, s:s}}", "error", "code", (int)status, "message", message, "type", type));
    else
        sim_respond_json(res, status,
                         json_pack("{s:{s:s?, s:s, s:s?, s:o}}", "error", "message", message, "type", type,
                                   "param", param, "code",
                                   has_number_codes(req) ? json_integer((json_int_t)status)
                                   : code                ? json_string(code)
                                                         : json_null()));
    oa_add_headers(req, res);
    if (!sim_knob_is(req->service, OA_SHOULD_RETRY, "none"))
        sim_respond_header(res, "x-should-retry", "%s", sim_knob_text(req->service, OA_SHOULD_RETRY));
}

void oa_refuse(struct sim_request *req, struct sim_response *res, const char *param, const char *code,
               const char *message)
{
    bool is_vllm = sim_knob_is(req->service, OA_PROFILE, "vllm");
    oa_respond_error(req, res, 400, is_vllm ? "BadRequestError" : "invalid_request_error", param, code,
                     message);
}

/* ---- LF: told to fail ---- */

static const struct {
    const char *word, *type, *code, *message;
    unsigned status;
} faults[] = {
    { "credit_balance_exhausted", "insufficient_quota", "credit_balance_exhausted",
      "You have no credits remaining. Add credits to continue using the API at "
      "https://platform.openai.com/settings/organization/billing/.",
      429 },
    { "insufficient_quota", "insufficient_quota", "insufficient_quota",
      "You exceeded your current quota, please check your plan and billing details. For more information on "
      "this "
      "error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
      429 },
    { "organization_spend_limit_exceeded", "insufficient_quota", "organization_spend_limit_exceeded",
      "The organization has reached its spend limit.", 429 },
    { "project_spend_limit_exceeded", "insufficient_quota", "project_spend_limit_exceeded",
      "The project has reached its spend limit.", 429 },
    { "organization_usage_limit_exceeded", "insufficient_quota", "organization_usage_limit_exceeded",
      "The organization has reached its usage limit.", 429 },
    { "billing_hard_limit_reached", "insufficient_quota", "billing_hard_limit_reached",
      "Billing hard limit has been reached.", 429 },
    { "slow_down", "rate_limit_error", "slow_down", "Slow down.", 429 },
    { "server_error", "server_error", NULL, "The server had an error while processing your request\u2026",
      500 },
    { "overloaded", "service_unavailable_error", "server_is_overloaded", "The server is overloaded.", 503 },
};

bool oa_respond_scripted(struct sim_request *req, struct sim_response *res)
{
    const char *word = sim_knob_text(req->service, OA_FAULT);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        if (strcmp(faults[i].word, word) != 0)
            continue;
        oa_respond_error(req, res, faults[i].status, faults[i].type, NULL, faults[i].code, faults[i].message);
        return true;
    }
    if (strcmp(word, "bad_gateway") == 0) {
        sim_respond_text(res, 502, "text/html",
                         "<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>");
        return true;
    }
    if (strcmp(word, "content_filter") != 0)
        return false;
    oa_respond_error(req, res, 400, "invalid_request_error", "prompt", "content_filter",
                     "The response was filtered due to the prompt triggering the content management policy.");
    return true;
}

/* ---- completions ---- */

size_t oa_count_tokens(const char *text)
{
    return (strlen(text) + 3) / 4;
}

static size_t count_reasoning(const struct oa_chat *chat)
{
    static const struct {
        const char *effort;
        size_t tokens;
    } efforts[] = { { "none", 0 },    { "minimal", 16 }, { "low", 64 },  { "medium", 256 },
                    { "high", 1024 }, { "xhigh", 4096 }, { "max", 8192 } };
    for (size_t i = 0; chat->model->is_reasoning && i < sizeof(efforts) / sizeof(efforts[0]); i++)
        if (strcmp(efforts[i].effort, chat->effort) == 0)
            return efforts[i].tokens;
    return 0;
}

/* The text that an undisturbed model would write. Gives memory for free(). */
static char *write_text(struct sim_request *req, const struct oa_chat *chat)
{
    struct oa_text text;
    oa_text_init(chat->prompt, &text);
    const struct oa_author author = { .text = &text,
                                      .obeys_callers = sim_knob_bool(req->service, OA_INJECTION_PRONE),
                                      .breaks_enums = is_answer(req, "wrong_enum") && !chat->is_strict };
    json_t *value = chat->schema ? oa_write_content(&author, chat->schema) : oa_write_prose(&author);
    char *written = json_is_string(value) && !chat->schema
                        ? sim_strdup(json_string_value(value))
                        : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(value);
    oa_text_done(&text);
    return written;
}

/* Cuts the text where a byte stands that begins a character. */
static json_t *cut_text(const char *text, size_t bytes)
{
    size_t length = strlen(text);
    if (bytes > length)
        bytes = length;
    while (bytes > 0 && ((unsigned char)text[bytes] & 0xc0u) == 0x80u)
        bytes--;
    return json_stringn(text, bytes);
}

static bool is_compatible(const struct sim_request *req)
{
    return !sim_knob_is(req->service, OA_PROFILE, "openai") &&
           !sim_knob_is(req->service, OA_PROFILE, "azure");
}

/* What the answer becomes once reasoning and length have had their share. */
static void limit_completion(const struct oa_chat *chat, const char *text, struct oa_completion *completion)
{
    size_t limit = chat->tokens_max == INT64_MAX ? SIZE_MAX : (size_t)chat->tokens_max;
    if (completion->reasoning_tokens >= limit) {
        completion->reasoning_tokens = limit;
        completion->content = json_string("");
        completion->tokens = limit;
        completion->finish = "length";
        return;
    }
    size_t left = limit - completion->reasoning_tokens, wanted = oa_count_tokens(text);
    completion->finish = wanted > left ? "length" : "stop";
    completion->content = wanted > left ? cut_text(text, left * 4) : json_string(text);
    completion->tokens = completion->reasoning_tokens + (wanted > left ? left : wanted);
}

void oa_write_completion(struct sim_request *req, const struct oa_chat *chat,
                         struct oa_completion *ret_completion)
{
    static const char refusal[] = "I'm sorry, but I can't help with that.";
    struct oa_completion *completion = ret_completion;
    *completion = (struct oa_completion){ .finish = "stop", .tokens = 12 };
    if (is_answer(req, "refusal") || is_answer(req, "refusal_empty")) {
        completion->refusal = refusal;
        completion->content = is_answer(req, "refusal") ? json_null() : json_string("");
        return;
    }
    completion->reasoning_tokens = count_reasoning(chat);
    char *text = write_text(req, chat);
    if (is_answer(req, "length_empty") || is_answer(req, "content_filter")) {
        completion->content = json_string("");
        completion->finish = is_answer(req, "length_empty") ? "length" : "content_filter";
        completion->tokens = chat->tokens_max < 1000000 ? (size_t)chat->tokens_max : 64;
        completion->reasoning_tokens = is_answer(req, "length_empty") ? completion->tokens : 0;
    } else if (is_answer(req, "length_cut")) {
        completion->content = cut_text(text ? text : "", strlen(text ? text : "") / 2);
        completion->finish = "length";
        completion->tokens = oa_count_tokens(json_string_value(completion->content));
    } else if (is_answer(req, "not_json")) {
        limit_completion(chat, "Certainly! The caller sounds satisfied.", completion);
    } else if (is_answer(req, "fenced") && is_compatible(req)) {
        limit_completion(chat, sim_text(req, "```json\n%s\n```", text ? text : ""), completion);
    } else {
        limit_completion(chat, text ? text : "", completion);
    }
    free(text);
}

static json_t *usage_json(const struct oa_chat *chat, const struct oa_completion *completion)
{
    size_t total = chat->prompt_tokens + completion->tokens;
    return json_pack("{s:I, s:I, s:I, s:{s:i, s:i}, s:{s:I, s:i, s:i, s:i}}", "prompt_tokens",
                     (json_int_t)chat->prompt_tokens, "completion_tokens", (json_int_t)completion->tokens,
                     "total_tokens", (json_int_t)total, "prompt_tokens_details", "cached_tokens", 0,
                     "audio_tokens", 0, "completion_tokens_details", "reasoning_tokens",
                     (json_int_t)completion->reasoning_tokens, "audio_tokens", 0,
                     "accepted_prediction_tokens", 0, "rejected_prediction_tokens", 0);
}

/* Takes completion->content. */
static json_t *completion_json(struct sim_request *req, const struct oa_chat *chat,
                               struct oa_completion *completion)
{
    char id[30];
    sim_random_text(req->service, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", id,
                    sizeof(id));
    json_t *message = json_pack("{s:s, s:o, s:s?, s:[]}", "role", "assistant", "content", completion->content,
                                "refusal", completion->refusal, "annotations");
    json_t *choice = json_pack("{s:i, s:o, s:n, s:s}", "index", 0, "message", message, "logprobs",
                               "finish_reason", completion->finish);
    if (sim_knob_bool(req->service, OA_SPARSE)) {
        if (!completion->refusal)
            json_object_del(message, "refusal");
        json_object_del(message, "annotations");
        json_object_del(choice, "logprobs");
    }
    json_t *json =
        json_pack("{s:o, s:s, s:I, s:s, s:[o], s:o, s:s, s:s}", "id", json_sprintf("chatcmpl-%s", id),
                  "object", "chat.completion", "created", (json_int_t)(req->now_ms / 1000), "model",
                  chat->model_name, "choices", choice, "usage", usage_json(chat, completion), "service_tier",
                  "default", "system_fingerprint", "fp_demo");
    if (sim_knob_is(req->service, OA_PROFILE, "llamacpp"))
        json_object_set_new(json, "timings",
                            json_pack("{s:I, s:f, s:I, s:f}", "prompt_n", (json_int_t)chat->prompt_tokens,
                                      "prompt_ms", 812.5, "predicted_n", (json_int_t)completion->tokens,
                                      "predicted_ms", 4031.25));
    if (sim_knob_is(req->service, OA_PROFILE, "azure")) {
        json_t *filter = json_pack("{s:{s:b, s:s}, s:{s:b, s:s}}", "hate", "filtered", 0, "severity", "safe",
                                   "violence", "filtered", 0, "severity", "safe");
        json_object_set_new(choice, "content_filter_results", filter);
        json_object_set_new(json, "prompt_filter_results",
                            json_pack("[{s:i, s:O}]", "prompt_index", 0, "content_filter_results", filter));
    }
    return json;
}

void oa_note_completion(struct openai *openai, const struct oa_chat *chat,
                        const struct oa_completion *completion)
{
    char hash[65];
    sim_sha256(chat->prompt, strlen(chat->prompt), hash);
    json_int_t count = json_integer_value(json_object_get(openai->seen, hash));
    json_object_set_new(openai->seen, hash, json_integer(count + 1));
    openai->prompt_tokens += chat->prompt_tokens;
    openai->completion_tokens += completion->tokens;
    openai->tokens.used += (double)completion->tokens;
}

void oa_answer_chat(struct sim_request *req, struct sim_response *res, const struct oa_chat *chat)
{
    struct openai *openai = req->service->state;
    struct oa_completion completion;
    oa_write_completion(req, chat, &completion);
    oa_note_completion(openai, chat, &completion);
    openai->completions++;
    sim_respond_json(res, 200, completion_json(req, chat, &completion));
    oa_add_headers(req, res);
    oa_add_budget_headers(req, res);
}
