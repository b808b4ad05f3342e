/* What the checks of all requests share: how a refusal reads, and the forms that members may have. */
#include "openai.h"
#include "openai_lint.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

bool oa_is_profile(const struct sim_request *req, const char *profile)
{
    return sim_knob_is(req->service, OA_PROFILE, profile);
}

bool oa_refuse_type(struct sim_request *req, struct sim_response *res, const char *name, const char *wanted)
{
    oa_refuse(req, res, name, "invalid_type",
              sim_text(req, "Invalid type for '%s': expected %s.", name, wanted));
    return false;
}

bool oa_refuse_word(struct sim_request *req, struct sim_response *res, const char *name, const char *value,
                    const char *words)
{
    oa_refuse(req, res, name, "invalid_value",
              sim_text(req, "Invalid value: '%s'. Supported values are: %s.", value, words));
    return false;
}

/* Whether `words` ("'a', 'b'") lists `value`. */
bool oa_lists_word(struct sim_request *req, const char *words, const char *value)
{
    return !strchr(value, '\'') && strstr(words, sim_text(req, "'%s'", value)) != NULL;
}

bool oa_check_word(struct sim_request *req, struct sim_response *res, const json_t *body, const char *name,
                   const char *words)
{
    const json_t *value = json_object_get(body, name);
    if (!value || json_is_null(value))
        return true;
    if (!json_is_string(value))
        return oa_refuse_type(req, res, name, "a string");
    return oa_lists_word(req, words, json_string_value(value)) ||
           oa_refuse_word(req, res, name, json_string_value(value), words);
}

bool oa_check_number(struct sim_request *req, struct sim_response *res, const json_t *body, const char *name,
                     double min, double max)
{
    const json_t *value = json_object_get(body, name);
    if (!value || json_is_null(value))
        return true;
    if (!json_is_number(value))
        return oa_refuse_type(req, res, name, "a number");
    if (json_number_value(value) >= min && json_number_value(value) <= max)
        return true;
    oa_refuse(req, res, name,
              json_number_value(value) < min ? "decimal_below_min_value" : "decimal_above_max_value",
              sim_text(req, "Invalid '%s': expected a value between %g and %g, but got %g instead.", name,
                       min, max, json_number_value(value)));
    return false;
}

bool oa_is_schema_name(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_' && name[i] != '-')
            return false;
    return length >= 1 && length <= 64;
}

/* Ollama and its kin take whatever they do not know. */
bool oa_takes_unknown(const struct sim_request *req)
{
    return sim_knob_is(req->service, OA_UNKNOWN_PARAMETERS, "ignored") || oa_is_profile(req, "ollama") ||
           oa_is_profile(req, "llamacpp") || oa_is_profile(req, "vllm");
}

bool oa_check_flags(struct sim_request *req, struct sim_response *res, const json_t *body,
                    const char *const *names)
{
    for (; *names; names++) {
        const json_t *value = json_object_get(body, *names);
        if (value && !json_is_boolean(value) && !json_is_null(value))
            return oa_refuse_type(req, res, *names, "a boolean");
    }
    if (!json_is_true(json_object_get(body, "stream")))
        return true;
    oa_refuse(req, res, "stream", "unsupported_value", "Streaming is not played by the local services.");
    return false;
}

bool oa_check_identifier(struct sim_request *req, struct sim_response *res, const json_t *body)
{
    const json_t *identifier = json_object_get(body, "safety_identifier");
    if (!identifier || json_is_null(identifier) ||
        (json_is_string(identifier) && json_string_length(identifier) <= 64))
        return true;
    oa_refuse(req, res, "safety_identifier", "string_above_max_length",
              "Invalid 'safety_identifier': string too long. Expected a string with maximum length 64.");
    return false;
}

bool oa_check_limit(struct sim_request *req, struct sim_response *res, const json_t *body, const char *name,
                    int64_t min, int64_t *ret_limit)
{
    const json_t *limit = json_object_get(body, name);
    if (!limit || json_is_null(limit))
        return true;
    if (!json_is_integer(limit))
        return oa_refuse_type(req, res, name, "an integer");
    if (json_integer_value(limit) < min) {
        oa_refuse(req, res, name, "integer_below_min_value",
                  sim_text(req,
                           "Invalid '%s': integer below minimum value. Expected a value >= %" PRId64
                           ", but got %" JSON_INTEGER_FORMAT " instead.",
                           name, min, json_integer_value(limit)));
        return false;
    }
    *ret_limit = json_integer_value(limit);
    return true;
}

bool oa_check_temperature(struct sim_request *req, struct sim_response *res, const struct oa_chat *chat)
{
    const json_t *temperature = json_object_get(chat->body, "temperature");
    if (!chat->model->is_reasoning || !json_is_number(temperature) || json_number_value(temperature) == 1 ||
        strcmp(chat->effort, "none") == 0)
        return true;
    if (oa_is_profile(req, "azure"))
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

bool oa_check_schema(struct sim_request *req, struct sim_response *res, const char *name, bool is_response,
                     const struct oa_chat *chat)
{
    char fault[OA_LINT_TEXT_MAX];
    bool allows_limits = sim_knob_is(req->service, OA_SCHEMA_LIMITS, "accepted");
    if (!json_is_object(chat->schema) && !chat->is_strict && chat->schema)
        return oa_refuse_type(
            req, res, is_response ? "text.format.schema" : "response_format.json_schema.schema", "an object");
    if (!chat->is_strict || oa_lint_schema(chat->schema, allows_limits, fault))
        return true;
    oa_refuse(req, res, is_response ? "text.format.schema" : "response_format",
              is_response ? "invalid_json_schema" : NULL,
              sim_text(req, "Invalid schema for response_format '%s': %s", name, fault));
    return false;
}

/* ---- the body and its model ---- */

void oa_add_text(struct sim_request *req, struct oa_chat *chat, const char *text, bool is_user)
{
    chat->prompt_tokens += oa_count_tokens(text);
    chat->says_json |= strcasestr(text, "json") != NULL;
    if (is_user)
        chat->prompt = chat->prompt ? sim_text(req, "%s\n%s", chat->prompt, text) : sim_text(req, "%s", text);
}

bool oa_choose_model(struct sim_request *req, struct sim_response *res, struct oa_chat *chat)
{
    const char *deployment = sim_param(req, "deployment");
    const json_t *name = json_object_get(chat->body, "model");
    if (!deployment && !name) {
        oa_refuse(req, res, "model", "missing_required_parameter", "you must provide a model parameter");
        return false;
    }
    if (!deployment && !json_is_string(name))
        return oa_refuse_type(req, res, "model", "a string");
    chat->model_name = deployment ? deployment : json_string_value(name);
    chat->model = oa_find_model(req->service, chat->model_name, req->now_ms);
    if (chat->model)
        return true;
    oa_respond_error(
        req, res, 404, "invalid_request_error", NULL, "model_not_found",
        sim_text(req, "The model `%s` does not exist or you do not have access to it.", chat->model_name));
    return false;
}

bool oa_read_body(struct sim_request *req, struct sim_response *res, oa_check *check,
                  struct oa_chat *ret_chat)
{
    json_error_t error;
    *ret_chat = (struct oa_chat){ .body = json_loadb(req->body, req->body_size, 0, &error),
                                  .tokens_max = INT64_MAX,
                                  .effort = "medium" };
    if (!json_is_object(ret_chat->body)) {
        json_decref(ret_chat->body);
        oa_refuse(req, res, NULL, NULL,
                  "We could not parse the JSON body of your request. The API expects a JSON payload.");
        return false;
    }
    if (check(req, res, ret_chat))
        return true;
    json_decref(ret_chat->body);
    return false;
}
