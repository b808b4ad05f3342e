/* Reading a chat completion request: nothing passes that the service would refuse (LC.1 to LC.3, LC.7). */
#include "openai.h"
#include "openai_lint.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
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

static bool is_profile(const struct sim_request *req, const char *profile)
{
    return sim_knob_is(req->service, OA_PROFILE, profile);
}

/* Ollama and its kin take whatever they do not know. */
static bool check_names(struct sim_request *req, struct sim_response *res, json_t *body)
{
    const char *name;
    json_t *value;
    bool is_lenient = sim_knob_is(req->service, OA_UNKNOWN_PARAMETERS, "ignored") ||
                      is_profile(req, "ollama") || is_profile(req, "llamacpp") || is_profile(req, "vllm");
    json_object_foreach (body, name, value) {
        size_t i = 0;
        while (i < sizeof(parameters) / sizeof(parameters[0]) && strcmp(parameters[i], name) != 0)
            i++;
        if (i < sizeof(parameters) / sizeof(parameters[0]) || is_lenient)
            continue;
        oa_refuse(req, res, NULL, NULL, sim_text(req, "Unrecognized request argument supplied: %s", name));
        return false;
    }
    return true;
}

static bool refuse_type(struct sim_request *req, struct sim_response *res, const char *name,
                        const char *wanted)
{
    oa_refuse(req, res, name, "invalid_type",
              sim_text(req, "Invalid type for '%s': expected %s.", name, wanted));
    return false;
}

static bool refuse_word(struct sim_request *req, struct sim_response *res, const char *name,
                        const char *value, const char *words)
{
    oa_refuse(req, res, name, "invalid_value",
              sim_text(req, "Invalid value: '%s'. Supported values are: %s.", value, words));
    return false;
}

/* Whether `words` ("'a', 'b'") lists `value`. */
static bool lists_word(struct sim_request *req, const char *words, const char *value)
{
    return !strchr(value, '\'') && strstr(words, sim_text(req, "'%s'", value)) != NULL;
}

static bool check_word(struct sim_request *req, struct sim_response *res, const json_t *body,
                       const char *name, const char *words)
{
    const json_t *value = json_object_get(body, name);
    if (!value || json_is_null(value))
        return true;
    if (!json_is_string(value))
        return refuse_type(req, res, name, "a string");
    return lists_word(req, words, json_string_value(value)) ||
           refuse_word(req, res, name, json_string_value(value), words);
}

static bool check_number(struct sim_request *req, struct sim_response *res, const json_t *body,
                         const char *name, double min, double max)
{
    const json_t *value = json_object_get(body, name);
    if (!value || json_is_null(value))
        return true;
    if (!json_is_number(value))
        return refuse_type(req, res, name, "a number");
    if (json_number_value(value) >= min && json_number_value(value) <= max)
        return true;
    oa_refuse(req, res, name,
              json_number_value(value) < min ? "decimal_below_min_value" : "decimal_above_max_value",
              sim_text(req, "Invalid '%s': expected a value between %g and %g, but got %g instead.", name,
                       min, max, json_number_value(value)));
    return false;
}

static bool check_plain_members(struct sim_request *req, struct sim_response *res, const json_t *body)
{
    static const char *const flags[] = { "store", "stream", "logprobs", "parallel_tool_calls" };
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        const json_t *value = json_object_get(body, flags[i]);
        if (value && !json_is_boolean(value) && !json_is_null(value))
            return refuse_type(req, res, flags[i], "a boolean");
    }
    const json_t *identifier = json_object_get(body, "safety_identifier");
    if (identifier && (!json_is_string(identifier) || json_string_length(identifier) > 64)) {
        oa_refuse(req, res, "safety_identifier", "string_above_max_length",
                  "Invalid 'safety_identifier': string too long. Expected a string with maximum length 64.");
        return false;
    }
    if (json_is_true(json_object_get(body, "stream"))) {
        oa_refuse(req, res, "stream", "unsupported_value", "Streaming is not played by the local services.");
        return false;
    }
    return check_word(req, res, body, "reasoning_effort",
                      "'none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'") &&
           check_word(req, res, body, "verbosity", "'low', 'medium', 'high'") &&
           check_word(req, res, body, "service_tier",
                      "'auto', 'default', 'flex', 'priority', 'fast', 'scale'") &&
           check_number(req, res, body, "temperature", 0, 2) && check_number(req, res, body, "top_p", 0, 1) &&
           check_number(req, res, body, "frequency_penalty", -2, 2) &&
           check_number(req, res, body, "presence_penalty", -2, 2) &&
           check_number(req, res, body, "n", 1, 128);
}

/* ---- messages ---- */

/* Appends text to the prompt; the tokens of all roles count, the words of the user alone are understood. */
static void add_text(struct sim_request *req, struct oa_chat *chat, const char *text, bool is_user)
{
    chat->prompt_tokens += oa_count_tokens(text);
    chat->says_json |= strcasestr(text, "json") != NULL;
    if (is_user)
        chat->prompt = chat->prompt ? sim_text(req, "%s\n%s", chat->prompt, text) : sim_text(req, "%s", text);
}

static bool read_parts(struct sim_request *req, struct sim_response *res, const json_t *parts,
                       size_t position, bool is_user, struct oa_chat *chat)
{
    size_t index;
    json_t *part;
    json_array_foreach (parts, index, part) {
        const char *type = json_string_value(json_object_get(part, "type"));
        const char *text = json_string_value(json_object_get(part, "text"));
        if (!type || strcmp(type, "text") != 0 || !text)
            return refuse_type(req, res, sim_text(req, "messages[%zu].content[%zu]", position, index),
                               "a text part");
        add_text(req, chat, text, is_user);
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
        return refuse_type(req, res, sim_text(req, "messages[%zu].role", position), "a string");
    if (!lists_word(req, roles, role))
        return refuse_word(req, res, sim_text(req, "messages[%zu].role", position), role, roles);
    bool is_user = strcmp(role, "user") == 0;
    chat->prompt_tokens += 4;
    if (json_is_array(content) && json_array_size(content) > 0)
        return read_parts(req, res, content, position, is_user, chat);
    if (!json_is_string(content))
        return refuse_type(req, res, sim_text(req, "messages[%zu].content", position), "a string");
    add_text(req, chat, json_string_value(content), is_user);
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
        return refuse_type(req, res, "messages", "an array of objects");
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
static bool check_sampling(struct sim_request *req, struct sim_response *res, const struct oa_chat *chat)
{
    const json_t *old_limit = json_object_get(chat->body, "max_tokens");
    const json_t *temperature = json_object_get(chat->body, "temperature");
    if (json_is_integer(old_limit) && json_integer_value(old_limit) < 1) {
        oa_refuse(
            req, res, "max_tokens", "integer_below_min_value",
            sim_text(req,
                     "Invalid 'max_tokens': integer below minimum value. Expected a value >= 1, but got "
                     "%" JSON_INTEGER_FORMAT " instead.",
                     json_integer_value(old_limit)));
        return false;
    }
    if (chat->model->is_reasoning && old_limit && !json_is_null(old_limit)) {
        oa_refuse(req, res, "max_tokens", "unsupported_parameter",
                  "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                  "'max_completion_tokens' instead.");
        return false;
    }
    if (!chat->model->is_reasoning || !json_is_number(temperature) || json_number_value(temperature) == 1 ||
        strcmp(chat->effort, "none") == 0)
        return true;
    if (is_profile(req, "azure"))
        oa_refuse(req, res, "temperature", "unsupported_parameter",
                  "Unsupported parameter: 'temperature' is not supported with this model.");
    else
        oa_refuse(
            req, res, "temperature", "unsupported_value",
            sim_text(req,
                     "Unsupported value: 'temperature' does not support %g with this model. Only the default "
                     "(1) value is supported.",
                     json_number_value(temperature)));
    return false;
}

static bool read_limit(struct sim_request *req, struct sim_response *res, struct oa_chat *chat)
{
    const json_t *limit = json_object_get(chat->body, "max_completion_tokens");
    const json_t *old_limit = json_object_get(chat->body, "max_tokens");
    chat->tokens_max = INT64_MAX;
    if (json_is_integer(old_limit))
        chat->tokens_max = json_integer_value(old_limit);
    if (!limit || json_is_null(limit))
        return true;
    if (!json_is_integer(limit))
        return refuse_type(req, res, "max_completion_tokens", "an integer");
    chat->tokens_max = json_integer_value(limit);
    if (chat->tokens_max >= 1)
        return true;
    oa_refuse(
        req, res, "max_completion_tokens", "integer_below_min_value",
        sim_text(
            req,
            "Invalid 'max_completion_tokens': integer below minimum value. Expected a value >= 1, but got "
            "%" PRId64 " instead.",
            chat->tokens_max));
    return false;
}

/* ---- the form of the answer ---- */

static bool is_good_name(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_' && name[i] != '-')
            return false;
    return length >= 1 && length <= 64;
}

static bool read_schema(struct sim_request *req, struct sim_response *res, const json_t *format,
                        struct oa_chat *chat)
{
    const json_t *wrapped = json_object_get(format, "json_schema");
    /* llama.cpp also takes the schema without its wrapping. */
    if (!wrapped && is_profile(req, "llamacpp") && json_is_object(json_object_get(format, "schema"))) {
        chat->schema = json_object_get(format, "schema");
        return true;
    }
    const char *name = json_string_value(json_object_get(wrapped, "name"));
    if (!name) {
        oa_refuse(req, res, "response_format.json_schema", "missing_required_parameter",
                  "Missing required parameter: 'response_format.json_schema'.");
        return false;
    }
    if (!is_good_name(name)) {
        oa_refuse(req, res, "response_format.json_schema.name", "invalid_value",
                  "Invalid 'response_format.json_schema.name': string does not match pattern. Expected a "
                  "string that "
                  "matches the pattern '^[a-zA-Z0-9_-]+$'.");
        return false;
    }
    chat->schema = json_object_get(wrapped, "schema");
    chat->is_strict = json_is_true(json_object_get(wrapped, "strict"));
    char fault[OA_LINT_TEXT_MAX];
    bool allows_limits = sim_knob_is(req->service, OA_SCHEMA_LIMITS, "accepted");
    if (!chat->is_strict || oa_lint_schema(chat->schema, allows_limits, fault))
        return true;
    oa_refuse(req, res, "response_format", NULL,
              sim_text(req, "Invalid schema for response_format '%s': %s", name, fault));
    return false;
}

static bool read_format(struct sim_request *req, struct sim_response *res, struct oa_chat *chat)
{
    static const char types[] = "'json_object', 'json_schema', 'text'";
    const json_t *format = json_object_get(chat->body, "response_format");
    if (!format || json_is_null(format))
        return true;
    const char *type = json_string_value(json_object_get(format, "type"));
    if (!type)
        return refuse_type(req, res, "response_format.type", "a string");
    if (!lists_word(req, types, type))
        return refuse_word(req, res, "response_format.type", type, types);
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

static bool read_model(struct sim_request *req, struct sim_response *res, struct oa_chat *chat)
{
    const char *deployment = sim_param(req, "deployment");
    const json_t *name = json_object_get(chat->body, "model");
    if (!deployment && !name) {
        oa_refuse(req, res, "model", "missing_required_parameter", "you must provide a model parameter");
        return false;
    }
    if (!deployment && !json_is_string(name))
        return refuse_type(req, res, "model", "a string");
    chat->model_name = deployment ? deployment : json_string_value(name);
    chat->model = oa_find_model(req->service, chat->model_name, req->now_ms);
    const json_t *effort = json_object_get(chat->body, "reasoning_effort");
    chat->effort = json_is_string(effort) ? json_string_value(effort) : "medium";
    if (chat->model)
        return true;
    oa_respond_error(
        req, res, 404, "invalid_request_error", NULL, "model_not_found",
        sim_text(req, "The model `%s` does not exist or you do not have access to it.", chat->model_name));
    return false;
}

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
    if (!check_names(req, res, chat->body) || !read_model(req, res, chat) || !read_messages(req, res, chat) ||
        !check_plain_members(req, res, chat->body) || !check_sampling(req, res, chat) ||
        !read_limit(req, res, chat) || !read_format(req, res, chat))
        return false;
    /* A prompt that is too long is paid for before it is refused. */
    return oa_take_budget(req, res, chat->model_name, (double)chat->prompt_tokens) &&
           check_length(req, res, chat);
}

bool oa_read_chat(struct sim_request *req, struct sim_response *res, struct oa_chat *ret_chat)
{
    json_error_t error;
    *ret_chat = (struct oa_chat){ .body = json_loadb(req->body, req->body_size, 0, &error) };
    if (!json_is_object(ret_chat->body)) {
        json_decref(ret_chat->body);
        oa_refuse(req, res, NULL, NULL,
                  "We could not parse the JSON body of your request. The API expects a JSON payload.");
        return false;
    }
    if (check_chat(req, res, ret_chat))
        return true;
    json_decref(ret_chat->body);
    return false;
}
