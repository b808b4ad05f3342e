/* Reading a request to the Responses API (LR.1): flat form of the answer, input instead of messages. */
#include "openai.h"

#include <string.h>

static const char *const parameters[] = { "background",
                                          "context_management",
                                          "conversation",
                                          "include",
                                          "input",
                                          "instructions",
                                          "max_output_tokens",
                                          "max_tool_calls",
                                          "metadata",
                                          "model",
                                          "moderation",
                                          "parallel_tool_calls",
                                          "previous_response_id",
                                          "prompt",
                                          "prompt_cache_key",
                                          "prompt_cache_options",
                                          "prompt_cache_retention",
                                          "reasoning",
                                          "safety_identifier",
                                          "service_tier",
                                          "store",
                                          "stream",
                                          "stream_options",
                                          "temperature",
                                          "text",
                                          "tool_choice",
                                          "tools",
                                          "top_logprobs",
                                          "top_p",
                                          "truncation",
                                          "user" };

/* What the chat calls otherwise: the names that people carry over. */
static const struct {
    const char *chat, *here;
} moved[] = { { "response_format", "text.format" },
              { "max_tokens", "max_output_tokens" },
              { "max_completion_tokens", "max_output_tokens" },
              { "reasoning_effort", "reasoning.effort" },
              { "messages", "input" },
              { "verbosity", "text.verbosity" } };

static bool refuse_name(struct sim_request *req, struct sim_response *res, const char *name)
{
    for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
        if (strcmp(moved[i].chat, name) != 0)
            continue;
        oa_refuse(req, res, name, "unsupported_parameter",
                  sim_text(req, "Unsupported parameter: '%s'. In the Responses API, use '%s' instead.", name,
                           moved[i].here));
        return false;
    }
    oa_refuse(req, res, name, "unknown_parameter", sim_text(req, "Unknown parameter: '%s'.", name));
    return false;
}

/* Members of `json`, which stands at `place` ("" or "text."), against a list that ends after `count` names. */
static bool check_names(struct sim_request *req, struct sim_response *res, json_t *json, const char *place,
                        const char *const *names, size_t count)
{
    const char *name;
    json_t *value;
    if (oa_takes_unknown(req))
        return true;
    json_object_foreach (json, name, value) {
        size_t i = 0;
        while (i < count && strcmp(names[i], name) != 0)
            i++;
        if (i == count)
            return refuse_name(req, res, sim_text(req, "%s%s", place, name));
    }
    return true;
}

/* What the API offers and the local services do not play. */
static bool check_unplayed(struct sim_request *req, struct sim_response *res, const json_t *body)
{
    static const char *const unplayed[] = { "conversation", "prompt", "context_management" };
    for (size_t i = 0; i < sizeof(unplayed) / sizeof(unplayed[0]); i++) {
        const json_t *value = json_object_get(body, unplayed[i]);
        if (!value || json_is_null(value))
            continue;
        oa_refuse(req, res, unplayed[i], "unsupported_value",
                  sim_text(req, "'%s' is not played by the local services.", unplayed[i]));
        return false;
    }
    if (json_is_true(json_object_get(body, "background")) ||
        json_array_size(json_object_get(body, "tools")) > 0) {
        bool is_background = json_is_true(json_object_get(body, "background"));
        oa_refuse(req, res, is_background ? "background" : "tools", "unsupported_value",
                  "Work in the background and tools are not played by the local services.");
        return false;
    }
    const char *previous = json_string_value(json_object_get(body, "previous_response_id"));
    if (!previous)
        return true;
    oa_refuse(req, res, "previous_response_id", "previous_response_not_found",
              sim_text(req, "Previous response with id '%s' not found.", previous));
    return false;
}

static bool check_plain_members(struct sim_request *req, struct sim_response *res, const json_t *body)
{
    static const char *const flags[] = { "background", "store", "stream", "parallel_tool_calls", NULL };
    const json_t *instructions = json_object_get(body, "instructions");
    const json_t *metadata = json_object_get(body, "metadata");
    if (instructions && !json_is_string(instructions) && !json_is_null(instructions))
        return oa_refuse_type(req, res, "instructions", "a string");
    if (metadata && !json_is_object(metadata) && !json_is_null(metadata))
        return oa_refuse_type(req, res, "metadata", "an object");
    return oa_check_flags(req, res, body, flags) && oa_check_identifier(req, res, body) &&
           oa_check_word(req, res, body, "service_tier", OA_TIERS) &&
           oa_check_word(req, res, body, "truncation", "'auto', 'disabled'") &&
           oa_check_number(req, res, body, "temperature", 0, 2) &&
           oa_check_number(req, res, body, "top_p", 0, 1) &&
           oa_check_number(req, res, body, "top_logprobs", 0, 20);
}

/* ---- input ---- */

static bool read_parts(struct sim_request *req, struct sim_response *res, const json_t *parts,
                       size_t position, const char *role, struct oa_chat *chat)
{
    const char *wanted = strcmp(role, "assistant") == 0 ? "output_text" : "input_text";
    size_t index;
    json_t *part;
    json_array_foreach (parts, index, part) {
        const char *type = json_string_value(json_object_get(part, "type"));
        const char *text = json_string_value(json_object_get(part, "text"));
        const char *place = sim_text(req, "input[%zu].content[%zu]", position, index);
        if (!type)
            return oa_refuse_type(req, res, place, "an object with a type");
        if (strcmp(type, wanted) != 0)
            return oa_refuse_word(req, res, place, type, sim_text(req, "'%s'", wanted));
        if (!text)
            return oa_refuse_type(req, res, sim_text(req, "%s.text", place), "a string");
        oa_add_text(req, chat, text, strcmp(role, "user") == 0);
    }
    return true;
}

static bool read_item(struct sim_request *req, struct sim_response *res, const json_t *item, size_t position,
                      struct oa_chat *chat)
{
    static const char roles[] = "'assistant', 'system', 'developer', 'user'";
    const char *type = json_string_value(json_object_get(item, "type"));
    const char *role = json_string_value(json_object_get(item, "role"));
    const json_t *content = json_object_get(item, "content");
    if (type && strcmp(type, "message") != 0)
        return oa_refuse_word(req, res, sim_text(req, "input[%zu]", position), type, "'message'");
    if (!role)
        return oa_refuse_type(req, res, sim_text(req, "input[%zu].role", position), "a string");
    if (!oa_lists_word(req, roles, role))
        return oa_refuse_word(req, res, sim_text(req, "input[%zu].role", position), role, roles);
    chat->prompt_tokens += 4;
    if (json_is_array(content))
        return read_parts(req, res, content, position, role, chat);
    if (!json_is_string(content))
        return oa_refuse_type(req, res, sim_text(req, "input[%zu].content", position), "a string");
    oa_add_text(req, chat, json_string_value(content), strcmp(role, "user") == 0);
    return true;
}

static bool read_input(struct sim_request *req, struct sim_response *res, struct oa_chat *chat)
{
    const json_t *input = json_object_get(chat->body, "input");
    const char *instructions = json_string_value(json_object_get(chat->body, "instructions"));
    if (!input || json_is_null(input)) {
        oa_refuse(req, res, "input", "missing_required_parameter", "Missing required parameter: 'input'.");
        return false;
    }
    if (instructions)
        oa_add_text(req, chat, instructions, false);
    if (json_is_string(input)) {
        chat->prompt_tokens += 4;
        oa_add_text(req, chat, json_string_value(input), true);
    } else if (!json_is_array(input)) {
        return oa_refuse_type(req, res, "input", "a string or an array of items");
    }
    for (size_t i = 0; i < json_array_size(input); i++)
        if (!read_item(req, res, json_array_get(input, i), i, chat))
            return false;
    if (!chat->prompt)
        chat->prompt = sim_text(req, "%s", "");
    return true;
}

/* ---- the form of the answer ---- */

static bool refuse_missing(struct sim_request *req, struct sim_response *res, const char *name)
{
    oa_refuse(req, res, name, "missing_required_parameter",
              sim_text(req, "Missing required parameter: '%s'.", name));
    return false;
}

static bool read_schema(struct sim_request *req, struct sim_response *res, json_t *format,
                        struct oa_chat *chat)
{
    static const char *const names[] = { "type", "name", "schema", "strict", "description" };
    const char *name = json_string_value(json_object_get(format, "name"));
    if (!name)
        return refuse_missing(req, res, "text.format.name");
    if (!check_names(req, res, format, "text.format.", names, sizeof(names) / sizeof(names[0])))
        return false;
    if (!oa_is_schema_name(name)) {
        oa_refuse(req, res, "text.format.name", "invalid_value",
                  "Invalid 'text.format.name': string does not match pattern. Expected a string that "
                  "matches the pattern '^[a-zA-Z0-9_-]+$'.");
        return false;
    }
    chat->schema = json_object_get(format, "schema");
    chat->is_strict = json_is_true(json_object_get(format, "strict"));
    return chat->schema ? oa_check_schema(req, res, name, true, chat)
                        : refuse_missing(req, res, "text.format.schema");
}

static bool read_format(struct sim_request *req, struct sim_response *res, json_t *format,
                        struct oa_chat *chat)
{
    static const char types[] = "'text', 'json_schema', 'json_object'";
    const char *type = json_string_value(json_object_get(format, "type"));
    if (!type)
        return refuse_missing(req, res, "text.format.type");
    if (!oa_lists_word(req, types, type))
        return oa_refuse_word(req, res, "text.format.type", type, types);
    if (strcmp(type, "json_schema") == 0)
        return read_schema(req, res, format, chat);
    if (strcmp(type, "json_object") == 0 && !chat->says_json) {
        oa_refuse(req, res, "input", NULL,
                  "Response input messages must contain the word 'json' in some form to use 'text.format' of "
                  "type 'json_object'.");
        return false;
    }
    return true;
}

static bool read_text(struct sim_request *req, struct sim_response *res, struct oa_chat *chat)
{
    static const char *const names[] = { "format", "verbosity" };
    json_t *text = json_object_get(chat->body, "text");
    if (!text || json_is_null(text))
        return true;
    if (!json_is_object(text))
        return oa_refuse_type(req, res, "text", "an object");
    json_t *format = json_object_get(text, "format");
    return check_names(req, res, text, "text.", names, sizeof(names) / sizeof(names[0])) &&
           oa_check_word(req, res, text, "verbosity", OA_VERBOSITIES) &&
           (!format || json_is_null(format) || read_format(req, res, format, chat));
}

static bool read_reasoning(struct sim_request *req, struct sim_response *res, struct oa_chat *chat)
{
    static const char *const names[] = { "mode", "effort", "summary", "context", "generate_summary" };
    json_t *reasoning = json_object_get(chat->body, "reasoning");
    if (!reasoning || json_is_null(reasoning))
        return true;
    if (!json_is_object(reasoning))
        return oa_refuse_type(req, res, "reasoning", "an object");
    const char *effort = json_string_value(json_object_get(reasoning, "effort"));
    chat->effort = effort ? effort : chat->effort;
    return check_names(req, res, reasoning, "reasoning.", names, sizeof(names) / sizeof(names[0])) &&
           oa_check_word(req, res, reasoning, "effort", OA_EFFORTS) &&
           oa_check_word(req, res, reasoning, "summary", "'auto', 'concise', 'detailed'");
}

/* ---- the whole ---- */

static bool check_length(struct sim_request *req, struct sim_response *res, const struct oa_chat *chat)
{
    if (chat->prompt_tokens <= (size_t)sim_knob_int(req->service, OA_CONTEXT_TOKENS))
        return true;
    oa_refuse(req, res, "input", "context_length_exceeded",
              "Your input exceeds the context window of this model. Please adjust your input and try again.");
    return false;
}

static bool check_response(struct sim_request *req, struct sim_response *res, struct oa_chat *chat)
{
    /* As in the chat, a prompt that is too long is paid for before it is refused. */
    return check_names(req, res, chat->body, "", parameters, sizeof(parameters) / sizeof(parameters[0])) &&
           oa_choose_model(req, res, chat) && check_plain_members(req, res, chat->body) &&
           check_unplayed(req, res, chat->body) && read_input(req, res, chat) &&
           read_reasoning(req, res, chat) && oa_check_temperature(req, res, chat) &&
           oa_check_limit(req, res, chat->body, "max_output_tokens", 16, &chat->tokens_max) &&
           read_text(req, res, chat) &&
           oa_take_budget(req, res, chat->model_name, (double)chat->prompt_tokens) &&
           check_length(req, res, chat);
}

bool oa_read_response(struct sim_request *req, struct sim_response *res, struct oa_chat *ret_chat)
{
    return oa_read_body(req, res, check_response, ret_chat);
}
