/* The answers of the Responses API (LR.2, LR.3): a list of items, and a status that is not the HTTP one. */
#include "openai.h"

#include <string.h>

static const char letters[] = "0123456789abcdef";

static json_t *make_id(struct sim_request *req, const char *prefix)
{
    char id[49];
    sim_random_text(req->service, letters, id, sizeof(id));
    return json_sprintf("%s_%s", prefix, id);
}

static bool is_failed(const struct sim_request *req)
{
    return sim_knob_is(req->service, OA_ANSWER, "failed");
}

/* NULL when there is nothing to say: the budget is used up, or the filter left nothing. */
static json_t *make_message(struct sim_request *req, const struct oa_completion *completion)
{
    const char *text = json_string_value(completion->content);
    json_t *content = NULL;
    if (completion->refusal)
        content = json_pack("{s:s, s:s}", "type", "refusal", "refusal", completion->refusal);
    else if (text && (*text || strcmp(completion->finish, "stop") == 0))
        content = json_pack("{s:s, s:[], s:[], s:O}", "type", "output_text", "annotations", "logprobs",
                            "text", completion->content);
    if (!content)
        return NULL;
    return json_pack("{s:o, s:s, s:s, s:[o], s:s}", "id", make_id(req, "msg"), "type", "message", "status",
                     strcmp(completion->finish, "stop") == 0 ? "completed" : "incomplete", "content", content,
                     "role", "assistant");
}

static json_t *make_output(struct sim_request *req, const struct oa_chat *chat,
                           const struct oa_completion *completion)
{
    json_t *output = json_array();
    if (is_failed(req))
        return output;
    if (chat->model->is_reasoning && sim_knob_is(req->service, OA_REASONING_ITEM, "with"))
        json_array_append_new(
            output, json_pack("{s:o, s:s, s:[]}", "id", make_id(req, "rs"), "type", "reasoning", "summary"));
    json_t *message = make_message(req, completion);
    if (message)
        json_array_append_new(output, message);
    return output;
}

static json_t *make_usage(const struct oa_chat *chat, const struct oa_completion *completion)
{
    return json_pack("{s:I, s:{s:i, s:i}, s:I, s:{s:I}, s:I}", "input_tokens",
                     (json_int_t)chat->prompt_tokens, "input_tokens_details", "cached_tokens", 0,
                     "cache_write_tokens", 0, "output_tokens", (json_int_t)completion->tokens,
                     "output_tokens_details", "reasoning_tokens", (json_int_t)completion->reasoning_tokens,
                     "total_tokens", (json_int_t)chat->prompt_tokens + (json_int_t)completion->tokens);
}

/* The member as it was sent, or `otherwise`, which it takes. */
static json_t *echo(const struct oa_chat *chat, const char *name, json_t *otherwise)
{
    json_t *value = json_object_get(chat->body, name);
    if (!value || json_is_null(value))
        return otherwise;
    json_decref(otherwise);
    return json_incref(value);
}

static json_t *echo_text(const struct oa_chat *chat)
{
    json_t *sent = json_object_get(chat->body, "text");
    json_t *text = json_is_object(sent) ? json_copy(sent) : json_object();
    if (!json_is_object(json_object_get(text, "format")))
        json_object_set_new(text, "format", json_pack("{s:s}", "type", "text"));
    if (!json_is_string(json_object_get(text, "verbosity")))
        json_object_set_new(text, "verbosity", json_string("medium"));
    return text;
}

/* What the request asked for, as the service fills it up. */
static void add_echoes(json_t *json, const struct oa_chat *chat)
{
    json_object_set_new(json, "instructions", echo(chat, "instructions", json_null()));
    json_object_set_new(json, "max_output_tokens", echo(chat, "max_output_tokens", json_null()));
    json_object_set_new(json, "metadata", echo(chat, "metadata", json_object()));
    json_object_set_new(json, "parallel_tool_calls", echo(chat, "parallel_tool_calls", json_true()));
    json_object_set_new(json, "previous_response_id", json_null());
    json_object_set_new(json, "reasoning",
                        chat->model->is_reasoning ? json_pack("{s:s, s:n}", "effort", chat->effort, "summary")
                                                  : json_pack("{s:n, s:n}", "effort", "summary"));
    json_object_set_new(json, "safety_identifier", echo(chat, "safety_identifier", json_null()));
    json_object_set_new(json, "service_tier", json_string("default"));
    json_object_set_new(json, "store", echo(chat, "store", json_true()));
    json_object_set_new(json, "temperature", echo(chat, "temperature", json_real(1)));
    json_object_set_new(json, "text", echo_text(chat));
    json_object_set_new(json, "tool_choice", json_string("auto"));
    json_object_set_new(json, "tools", json_array());
    json_object_set_new(json, "top_p", echo(chat, "top_p", json_real(1)));
    json_object_set_new(json, "truncation", echo(chat, "truncation", json_string("disabled")));
}

static json_t *make_incomplete_details(const struct oa_completion *completion)
{
    if (strcmp(completion->finish, "stop") == 0)
        return json_null();
    bool is_length = strcmp(completion->finish, "length") == 0;
    return json_pack("{s:s}", "reason", is_length ? "max_output_tokens" : "content_filter");
}

static json_t *make_error(const struct sim_request *req)
{
    return is_failed(req)
               ? json_pack("{s:s, s:s}", "code", sim_knob_text(req->service, OA_FAILURE_CODE), "message",
                           "The server had an error while processing your request\u2026")
               : json_null();
}

static json_t *make_response(struct sim_request *req, const struct oa_chat *chat,
                             const struct oa_completion *completion)
{
    json_int_t now_s = (json_int_t)(req->now_ms / 1000);
    bool is_whole = strcmp(completion->finish, "stop") == 0;
    const char *status = is_failed(req) ? "failed" : is_whole ? "completed" : "incomplete";
    json_t *json = json_pack(
        "{s:o, s:s, s:I, s:s, s:b, s:o, s:o, s:o, s:s, s:o}", "id", make_id(req, "resp"), "object",
        "response", "created_at", now_s, "status", status, "background", 0, "completed_at",
        strcmp(status, "completed") == 0 ? json_integer(now_s) : json_null(), "error", make_error(req),
        "incomplete_details", is_failed(req) ? json_null() : make_incomplete_details(completion), "model",
        chat->model_name, "output", make_output(req, chat, completion));
    add_echoes(json, chat);
    if (!is_failed(req))
        json_object_set_new(json, "usage", make_usage(chat, completion));
    return json;
}

void oa_answer_response(struct sim_request *req, struct sim_response *res, const struct oa_chat *chat)
{
    struct openai *openai = req->service->state;
    struct oa_completion completion;
    oa_write_completion(req, chat, &completion);
    oa_note_completion(openai, chat, &completion);
    openai->responses++;
    openai->stored += !json_is_false(json_object_get(chat->body, "store"));
    sim_respond_json(res, 200, make_response(req, chat, &completion));
    json_decref(completion.content);
    oa_add_headers(req, res);
    oa_add_budget_headers(req, res);
}
