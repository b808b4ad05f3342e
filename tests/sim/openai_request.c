/* Reading a chat completion request: nothing passes that the service would refuse (LC.1 to LC.3, LC.7). */
#include "openai.h"

#include <inttypes.h>
#include <string.h>

static const char *const parameters[] = { "audio",
                                          "frequency_penalty",
                                          "function_call",
                                          "functions",
                                          "logit_bias",
                                          "logprobs",
                                          "max_tokens",
                                          "max_completion_tokens",
                                          "messages",
                                          "metadata",
                                          "modalities",
                                          "model",
                                          "moderation",
                                          "n",
                                          "parallel_tool_calls",
                                          "prediction",
                                          "presence_penalty",
                                          "prompt_cache_key",
                                          "reasoning_effort",
                                          "prompt_cache_options",
                                          "prompt_cache_retention",
                                          "response_format",
                                          "safety_identifier",
                                          "seed",
                                          "service_tier",
                                          "stop",
                                          "store",
                                          "stream",
                                          "stream_options",
                                          "temperature",
                                          "tool_choice",
                                          "tools",
                                          "top_logprobs",
                                          "top_p",
                                          "user",
                                          "verbosity",
                                          "web_search_options" };

static bool check_names(struct sim_request *req, struct sim_response *res, json_t *body)
{
    const char *name;
    json_t *value;
    json_object_foreach (body, name, value) {
        size_t i = 0;
        while (i < sizeof(parameters) / sizeof(parameters[0]) && strcmp(parameters[i], name) != 0)
            i++;
        if (i < sizeof(parameters) / sizeof(parameters[0]) || oa_takes_unknown(req))
            continue;
        oa_refuse(req, res, NULL, NULL, sim_text(req, "Unrecognized request argument supplied: %s", name));
        return false;
    }
    return true;
}

static bool check_plain_members(struct sim_request *req, struct sim_response *res, const json_t *body)
{
    static const char *const flags[] = { "store", "stream", "logprobs", "parallel_tool_calls", NULL };
    if (json_integer_value(json_object_get(body, "n")) > 1) {
        oa_refuse(req, res, "n", "unsupported_value",
                  "Several choices are not played by the local services.");
        return false;
    }
    return oa_check_flags(req, res, body, flags) && oa_check_identifier(req, res, body) &&
           oa_check_word(req, res, body, "reasoning_effort", OA_EFFORTS) &&
           oa_check_word(req, res, body, "verbosity", OA_VERBOSITIES) &&
           oa_check_word(req, res, body, "service_tier", OA_TIERS) &&
           oa_check_number(req, res, body, "temperature", 0, 2) &&
           oa_check_number(req, res, body, "top_p", 0, 1) &&
           oa_check_number(req, res, body, "frequency_penalty", -2, 2) &&
           oa_check_number(req, res, body, "presence_penalty", -2, 2) &&
           oa_check_number(req, res, body, "n", 1, 128);
}

/* ---- messages ---- */

static bool read_parts(struct sim_request *req, struct sim_response *res, const json_t *parts,
                       size_t position, bool is_user, struct oa_chat *chat)
{
    size_t index;
    json_t *part;
    json_array_foreach (parts, index, part) {
        const char *type = json_string_value(json_object_get(part, "type"));
        const char *text = json_string_value(json_object_get(part, "text"));
        if (!type || strcmp(type, "text") != 0 || !text)
            return oa_refuse_type(req, res, sim_text(req, "messages[%zu].content[%zu]", position, index),
                                  "a text part");
        oa_add_text(req, chat, text, is_user);
    }
    return true;
}

static bool read_message(struct sim_request *req, struct sim_response *res, const json_t *message,
                         size_t position, struct oa_chat *chat)
{
    static const char roles[] = "'system', 'developer', 'user', 'assistant', 'tool', 'function'";
    const char *role = json_string_value(json_object_get(message, "role"));
    const json_t *content = json_object_get(message, "content");
    if (!role)
        return oa_refuse_type(req, res, sim_text(req, "messages[%zu].role", position), "a string");
    if (!oa_lists_word(req, roles, role))
        return oa_refuse_word(req, res, sim_text(req, "messages[%zu].role", position), role, roles);
    bool is_user = strcmp(role, "user") == 0;
    chat->prompt_tokens += 4;
    if (json_is_array(content) && json_array_size(content) > 0)
        return read_parts(req, res, content, position, is_user, chat);
    if (!json_is_string(content))
        return oa_refuse_type(req, res, sim_text(req, "messages[%zu].content", position), "a string");
    oa_add_text(req, chat, json_string_value(content), is_user);
    return true;
}

static bool read_messages(struct sim_request *req, struct sim_response *res, struct oa_chat *chat)
{
    const json_t *messages = json_object_get(chat->body, "messages");
    if (!messages) {
        oa_refuse(req, res, "messages", "missing_required_parameter",
                  "Missing required parameter: 'messages'.");
        return false;
    }
    if (!json_is_array(messages))
        return oa_refuse_type(req, res, "messages", "an array of objects");
    if (json_array_size(messages) == 0) {
        oa_refuse(req, res, "messages", "empty_array",
                  "Invalid 'messages': empty array. Expected an array with minimum length 1.");
        return false;
    }
    for (size_t i = 0; i < json_array_size(messages); i++)
        if (!read_message(req, res, json_array_get(messages, i), i, chat))
            return false;
    if (!chat->prompt)
        chat->prompt = sim_text(req, "%s", "");
    return true;
}

/* ---- limits of the answer ---- */

/* LC.2, in the service's words. */
static bool check_limits(struct sim_request *req, struct sim_response *res, struct oa_chat *chat)
{
    const json_t *old_limit = json_object_get(chat->body, "max_tokens");
    if (!oa_check_limit(req, res, chat->body, "max_tokens", 1, &chat->tokens_max))
        return false;
    if (chat->model->is_reasoning && old_limit && !json_is_null(old_limit)) {
        oa_refuse(req, res, "max_tokens", "unsupported_parameter",
                  "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                  "'max_completion_tokens' instead.");
        return false;
    }
    return oa_check_temperature(req, res, chat) &&
           oa_check_limit(req, res, chat->body, "max_completion_tokens", 1, &chat->tokens_max);
}

/* ---- the form of the answer ---- */

static bool read_schema(struct sim_request *req, struct sim_response *res, const json_t *format,
                        struct oa_chat *chat)
{
    const json_t *wrapped = json_object_get(format, "json_schema");
    /* llama.cpp also takes the schema without its wrapping. */
    if (!wrapped && oa_is_profile(req, "llamacpp") && json_is_object(json_object_get(format, "schema"))) {
        chat->schema = json_object_get(format, "schema");
        return true;
    }
    const char *name = json_string_value(json_object_get(wrapped, "name"));
    if (!name) {
        oa_refuse(req, res, "response_format.json_schema", "missing_required_parameter",
                  "Missing required parameter: 'response_format.json_schema'.");
        return false;
    }
    if (!oa_is_schema_name(name)) {
        oa_refuse(req, res, "response_format.json_schema.name", "invalid_value",
                  "Invalid 'response_format.json_schema.name': string does not match pattern. Expected a "
                  "string that "
                  "matches the pattern '^[a-zA-Z0-9_-]+$'.");
        return false;
    }
    chat->schema = json_object_get(wrapped, "schema");
    chat->is_strict = json_is_true(json_object_get(wrapped, "strict"));
    return oa_check_schema(req, res, name, false, chat);
}

static bool read_format(struct sim_request *req, struct sim_response *res, struct oa_chat *chat)
{
    static const char types[] = "'json_object', 'json_schema', 'text'";
    const json_t *format = json_object_get(chat->body, "response_format");
    if (!format || json_is_null(format))
        return true;
    const char *type = json_string_value(json_object_get(format, "type"));
    if (!type)
        return oa_refuse_type(req, res, "response_format.type", "a string");
    if (!oa_lists_word(req, types, type))
        return oa_refuse_word(req, res, "response_format.type", type, types);
    if (strcmp(type, "json_schema") == 0)
        return read_schema(req, res, format, chat);
    if (strcmp(type, "json_object") == 0 && !chat->says_json) {
        oa_refuse(req, res, "messages", NULL,
                  "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
                  "'json_object'.");
        return false;
    }
    return true;
}

/* ---- the whole ---- */

static bool check_length(struct sim_request *req, struct sim_response *res, const struct oa_chat *chat)
{
    int64_t limit = sim_knob_int(req->service, OA_CONTEXT_TOKENS);
    if (chat->prompt_tokens <= (size_t)limit)
        return true;
    oa_refuse(req, res, "messages", "context_length_exceeded",
              sim_text(req,
                       "This model's maximum context length is %" PRId64
                       " tokens. However, your messages resulted in "
                       "%zu tokens. Please reduce the length of the messages.",
                       limit, chat->prompt_tokens));
    return false;
}

static bool check_chat(struct sim_request *req, struct sim_response *res, struct oa_chat *chat)
{
    const char *effort = json_string_value(json_object_get(chat->body, "reasoning_effort"));
    chat->effort = effort ? effort : chat->effort;
    /* A prompt that is too long is paid for before it is refused. */
    return check_names(req, res, chat->body) && oa_choose_model(req, res, chat) &&
           read_messages(req, res, chat) && check_plain_members(req, res, chat->body) &&
           check_limits(req, res, chat) && read_format(req, res, chat) &&
           oa_take_budget(req, res, chat->model_name, (double)chat->prompt_tokens) &&
           check_length(req, res, chat);
}

bool oa_read_chat(struct sim_request *req, struct sim_response *res, struct oa_chat *ret_chat)
{
    return oa_read_body(req, res, check_chat, ret_chat);
}
