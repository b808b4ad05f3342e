/* OpenAI's chat completions with a strict schema: labels by the truth of the call whose words are in the prompt. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "simulation/company.h"
#include "simulation/memory.h"
#include "simulation/truth_escalation.h"

static void refuse(struct sim_reply *reply, int status, const char *type, const char *code,
                   const char *message)
{
    sim_reply_json(reply, status,
                   json_pack("{s:{s:s, s:s, s:n, s:s?}}", "error", "message", message, "type", type, "param",
                             "code", code));
}

static const char *user_content(const json_t *body)
{
    size_t i;
    const json_t *message;

    json_array_foreach (json_object_get(body, "messages"), i, message) {
        const char *role = json_string_value(json_object_get(message, "role"));
        if (role && strcmp(role, "user") == 0)
            return json_string_value(json_object_get(message, "content"));
    }
    return NULL;
}

static struct truth_call *spoken_call(const struct company *company, const char *content)
{
    for (size_t i = 0; i < company->truth.call_count; i++)
        if (strstr(content, company->truth.calls[i]->code))
            return company->truth.calls[i];
    for (size_t i = 0; i < company->truth.escalation_count; i++)
        if (strstr(content, company->truth.escalations[i]->said.code))
            return &company->truth.escalations[i]->said;
    return NULL;
}

/* Words that are certainly in the prompt: from the beginning of a line to its full stop. */
static json_t *quote_json(const struct truth_call *call, const char *content)
{
    for (size_t i = 0; i < call->line_count; i++)
        if (strstr(content, call->lines[i].text))
            return json_pack("[{s:s}]", "quote", call->lines[i].text);
    return json_array();
}

static const char *category_of(const struct truth_call *call, const json_t *schema)
{
    const json_t *words =
        json_object_get(json_object_get(json_object_get(schema, "properties"), "category"), "enum");
    size_t i;
    const json_t *word;

    json_array_foreach (words, i, word)
        if (strcmp(json_string_value(word), call->category) == 0)
            return call->category;
    return "other";
}

/* Every property of the schema that is not among these would be missing, and the answer invalid. */
static char *answer_text(const struct truth_call *call, const char *content, const json_t *schema)
{
    json_t *answer = json_pack(
        "{s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:[], s:s, s:b, s:b, s:b}", "language", "en",
        "evidence", quote_json(call, content), "summary", "A customer called and was helped.", "concern",
        "help with an order", "category", category_of(call, schema), "mood",
        call->is_urgent ? "negative" : "neutral", "priority_reason", "as it was said", "priority",
        call->is_urgent ? "urgent" : "normal", "resolved", "partial", "escalation_requested", 0,
        "callback_requested", 0, "action_items", "confidence", "high", "is_support_call", 1,
        "injection_suspected", 0, "not_enough_content", 0);
    char *text = json_dumps(answer, JSON_COMPACT);

    json_decref(answer);
    return text;
}

static void complete(struct sim_reply *reply, const char *content, const char *refusal, const char *reason)
{
    sim_reply_json(
        reply, 200,
        json_pack("{s:s, s:s, s:I, s:s, s:[{s:i, s:{s:s, s:s?, s:s?, s:[]}, s:n, s:s}], s:{s:i, s:i, s:i}}",
                  "id", "chatcmpl-Demo1", "object", "chat.completion", "created", (json_int_t)1773014400,
                  "model", "gpt-6-luna", "choices", "index", 0, "message", "role", "assistant", "content",
                  content, "refusal", refusal, "annotations", "logprobs", "finish_reason", reason, "usage",
                  "prompt_tokens", 800, "completion_tokens", 140, "total_tokens", 940));
}

static void refuse_by_chance(struct company *company, const char *good, struct sim_reply *reply)
{
    char cut[32];

    switch (company_fault_between(company, FAULT_SERVICE_REFUSES, 0, 7)) {
    case 0:
        complete(reply, NULL, "I'm sorry, I cannot help with that.", "stop");
        break;
    case 1:
        complete(reply, "", NULL, "length");
        break;
    case 2:
        (void)snprintf(cut, sizeof(cut), "%s", good);
        complete(reply, cut, NULL, "length");
        break;
    case 3:
        complete(reply, "{\"mood\":\"jolly\"}", NULL, "stop");
        break;
    case 4:
        complete(reply, "No idea.", NULL, "content_filter");
        break;
    case 5:
        refuse(reply, 429, "insufficient_quota", "credit_balance_exhausted",
               "You have no credits remaining. Add credits to continue using the API.");
        break;
    case 6:
        sim_reply_header(reply, "retry-after", "46");
        sim_reply_header(reply, "retry-after-ms", "45175");
        refuse(reply, 429, "tokens", "rate_limit_exceeded",
               "Rate limit reached on tokens per min (TPM). Please try again in 45.175s.");
        break;
    default:
        refuse(reply, 500, "server_error", NULL, "The server had an error while processing your request");
        break;
    }
}

static void classify(struct company *company, const json_t *body, struct sim_reply *reply)
{
    const json_t *format = json_object_get(json_object_get(body, "response_format"), "json_schema");
    const json_t *schema = json_object_get(format, "schema");
    const char *content = user_content(body);
    struct truth_call *call = content ? spoken_call(company, content) : NULL;

    if (!call || !json_is_true(json_object_get(format, "strict")) || !schema) {
        truth_breach(&company->truth, "words-of-a-call",
                     "a classifier was asked about no call of this world");
        refuse(reply, 400, "invalid_request_error", NULL, "Invalid request");
        return;
    }
    AUTO_STR good = answer_text(call, content, schema);
    if (company_fault(company, FAULT_SERVICE_REFUSES)) {
        call->refused++;
        refuse_by_chance(company, good, reply);
        return;
    }
    call->classified++;
    reply->had_effect = true;
    complete(reply, good, NULL, "stop");
}

void openai_handle(void *ctx, const struct sim_request *request, struct sim_reply *reply)
{
    struct company *company = ctx;
    const char *authorization = sim_request_header(request, "Authorization");

    watch_request(company, request);
    reply->think_ms = chance_between(&company->chance, 300, 8000);
    if (!authorization || strcmp(authorization, "Bearer " SIM_OPENAI_KEY) != 0) {
        refuse(reply, 401, "invalid_request_error", "invalid_api_key",
               "Incorrect API key provided. You can find your API key in the settings.");
        return;
    }
    if (strcmp(request->method, "POST") != 0 || strcmp(request->path, "/v1/chat/completions") != 0) {
        refuse(reply, 404, "invalid_request_error", NULL, "Unknown request URL");
        return;
    }
    AUTO_JSON body = json_loadb(request->body, request->body_size, JSON_REJECT_DUPLICATES, NULL);
    const char *model = json_string_value(json_object_get(body, "model"));
    if (!model || strcmp(model, "gpt-6-luna") != 0)
        refuse(reply, 404, "invalid_request_error", "model_not_found",
               "The model does not exist or you do not have access to it.");
    else if (json_object_get(body, "max_tokens") || json_object_get(body, "temperature"))
        refuse(reply, 400, "invalid_request_error", "unsupported_parameter", "Unsupported parameter");
    else
        classify(company, body, reply);
}
