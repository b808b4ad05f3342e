/* openai: a processor that classifies a conversation with a language model, through the chat completions form
 * that OpenAI and many compatible servers speak. This file is its tables and its one step. */
#include "openai.h"

#include <string.h>

static const char *const auth_headers[] = { "authorization", "api-key", NULL };
static const char *const token_parameters[] = { "max_completion_tokens", "max_tokens", NULL };

static const struct sb_option options[] = {
    { .name = "base_url",
      .type = SB_OPT_URL,
      .default_text = "https://api.openai.com",
      .help = "the service, with or without its /v1; a compatible server's address works too" },
    { .name = "api_key",
      .type = SB_OPT_SECRET,
      .required = true,
      .help = "API key; any text for a server without keys" },
    { .name = "auth_header",
      .type = SB_OPT_ENUM,
      .default_text = "authorization",
      .choices = auth_headers,
      .help = "header that carries the key: 'authorization' (Bearer), or 'api-key' for Azure" },
    { .name = "api_version",
      .type = SB_OPT_STRING,
      .help = "value of api-version, for Azure's older addresses" },
    { .name = "model",
      .type = SB_OPT_STRING,
      .default_text = "gpt-6-luna",
      .help = "model that classifies; for Azure the name of the deployment" },
    { .name = "reasoning_effort",
      .type = SB_OPT_STRING,
      .default_text = "none",
      .help = "none, minimal, low, medium, high ...; omit leaves it out, for servers that do not know it" },
    { .name = "max_completion_tokens",
      .type = SB_OPT_INT,
      .default_text = "1500",
      .min = 200,
      .max = 32000,
      .help = "most tokens of an answer; reasoning counts too" },
    { .name = "token_parameter",
      .type = SB_OPT_ENUM,
      .default_text = "max_completion_tokens",
      .choices = token_parameters,
      .help = "what the service calls that limit; older compatible servers know max_tokens only" },
    { .name = "categories",
      .type = SB_OPT_LIST,
      .default_text =
          "Billing, Technical, Refund, Cancellation, Delivery, Account, Sales, Complaint, General",
      .help = "the categories to choose from; 'other' is always added" },
    { .name = "instructions",
      .type = SB_OPT_STRING,
      .help = "a few sentences about your business that are added to the instructions" },
    { .name = "transcript_budget",
      .type = SB_OPT_INT,
      .default_text = "48000",
      .min = 2000,
      .max = 2000000,
      .help = "most characters of a conversation that are sent; of a longer one the beginning and the end" },
    { .name = "mask_personal_data",
      .type = SB_OPT_BOOL,
      .default_text = "true",
      .help = "replace numbers of phones, cards, Aadhaar, PAN, e-mail addresses and the like before anything "
              "is sent" },
    { .name = "concurrency",
      .type = SB_OPT_INT,
      .default_text = "20",
      .min = 1,
      .max = 1000,
      .help = "requests at once" },
    { .name = "timeout",
      .type = SB_OPT_DURATION,
      .default_text = "60s",
      .min = 1000,
      .max = INT64_C(30) * 60 * 1000,
      .help = "how long one answer may take" },
    { .name = NULL },
};

static const char *const credential_hosts[] = { "base_url", NULL };

static const struct sb_auth auth = {
    .kind = SB_AUTH_HEADER,
    .hosts = credential_hosts,
    .header = "Authorization",
    .prefix = "Bearer ",
    .secret = "api_key",
};

/* ---- the step ------------------------------------------------------------------------------------------ */

/* "https://api.openai.com" and "https://api.openai.com/v1" are the same service; Azure's addresses that name
 * a deployment have no version in the path. */
static const char *endpoint_path(const char *base)
{
    const char *host = strstr(base, "://");
    const char *path = strchr(host ? host + 3 : base, '/');
    size_t size = path ? strlen(path) : 0;
    while (size && path[size - 1] == '/')
        size--;
    bool has_version = size >= 3 && memcmp(path + size - 3, "/v1", 3) == 0;
    bool has_deployment = path && strstr(path, "/deployments/");
    return has_version || has_deployment ? "/chat/completions" : "/v1/chat/completions";
}

static enum sb_verdict classify_build(struct sb_exchange *x)
{
    const char *conversation = sb_get_bool(x, "transcript.is_empty", false) ? NULL : openai_conversation(x);
    if (!conversation)
        return sb_reject(x, sb_get(x, "escalation") ? "there is nothing to classify"
                                                    : "there is no transcript to classify");

    const char *base = sb_option_str(x, "base_url");
    sb_request(x, "POST", base);
    sb_paths(x, endpoint_path(base));
    if (sb_option_str(x, "api_version") && *sb_option_str(x, "api_version"))
        sb_query(x, "api-version", sb_option_str(x, "api_version"));
    if (strcmp(sb_option_str(x, "auth_header"), "api-key") == 0) {
        sb_anonymous(x);
        sb_header(x, "api-key", sb_option_str(x, "api_key"));
    }
    sb_body_json(x, json_incref(openai_body(x, conversation, sb_round(x) > 0)));
    return SB_OK;
}

static void count_tokens(struct sb_exchange *x)
{
    const json_t *usage = json_object_get(sb_http_json(x), "usage");
    sb_meter(x, "requests", 1);
    sb_meter(x, "tokens_in", (double)sb_json_int(usage, "prompt_tokens", 0));
    sb_meter(x, "tokens_out", (double)sb_json_int(usage, "completion_tokens", 0));
}

/* One more try, for models stumble; then the rules do it. */
static enum sb_verdict ask_again(struct sb_exchange *x, const char *why)
{
    if (sb_round(x) >= OPENAI_INVALID_MAX)
        return sb_reject(x, "the answer cannot be used: %s", why);
    sb_note(x, "the answer cannot be used: %s; asking again", why);
    return sb_again(x, 0);
}

static enum sb_verdict take_answer(struct sb_exchange *x, const char *content)
{
    json_t *analysis = NULL;
    const char *conversation = openai_conversation(x);
    const char *why = openai_check(x, content, conversation ? conversation : "", &analysis);
    if (why)
        return ask_again(x, why);
    const char *model = sb_json_str(sb_http_json(x), "model");
    json_object_set_new(analysis, "model", json_string(model ? model : sb_option_str(x, "model")));
    if (json_is_true(json_object_get(analysis, "injection_suspected")))
        sb_note(
            x,
            "somebody in the conversation seems to address the classifier: a person should check the labels");
    sb_set(x, "analysis", analysis);
    return SB_OK;
}

static enum sb_verdict classify_fold(struct sb_exchange *x)
{
    if (sb_http_status(x) != 200 || openai_has_error(x))
        return openai_refused(x);
    count_tokens(x);

    const json_t *choice = sb_json_at(sb_http_json(x), "choices.0");
    const json_t *message = json_object_get(choice, "message");
    const char *reason = sb_json_str(choice, "finish_reason");
    const char *content = sb_json_str(message, "content");
    const char *refusal = sb_json_str(message, "refusal");
    if (!json_is_object(message))
        return sb_retry(x, "the answer is no chat completion");
    if (refusal && *refusal)
        return sb_reject(x, "the model refuses to classify this conversation");
    if (reason && strcmp(reason, "content_filter") == 0)
        return sb_reject(x, "the service's content filter stopped the answer");
    if (reason && strcmp(reason, "length") == 0)
        return ask_again(x, "it was cut off at max_completion_tokens");
    if (!content || !*content)
        return ask_again(x, "it is empty");
    return take_answer(x, content);
}

static const struct sb_step steps[] = {
    { .name = "classify", .effect = SB_IDEMPOTENT, .build = classify_build, .fold = classify_fold },
    { .name = NULL },
};

static bool is_there_before(const json_t *words, size_t index)
{
    const char *word = json_string_value(json_array_get(words, index));

    for (size_t i = 0; i < index; i++)
        if (strcmp(word, json_string_value(json_array_get(words, i))) == 0)
            return true;
    return false;
}

static int open_instance(struct sb_instance *instance, struct sb_error *err)
{
    const json_t *categories = sb_instance_list(instance, "categories");
    size_t count = json_array_size(categories);
    int rc = 0;

    if (count == 0 || count > OPENAI_CATEGORIES_MAX)
        return sb_instance_mistake(instance, err, "categories has %zu entries; 1 to %d are allowed", count,
                                   OPENAI_CATEGORIES_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *word = json_string_value(json_array_get(categories, i));
        if (!*word || sb_characters(word) > OPENAI_CATEGORY_MAX)
            rc = sb_instance_mistake(instance, err, "category %zu is empty or longer than %d characters",
                                     i + 1, OPENAI_CATEGORY_MAX);
        else if (is_there_before(categories, i))
            rc = sb_instance_mistake(instance, err, "category '%s' is listed twice", word);
    }
    return rc;
}

SB_API const struct sb_plugin switchboard_plugin = {
    .abi = SB_ABI,
    .size = sizeof(struct sb_plugin),
    .kind = SB_PROCESSOR,
    .name = "openai",
    .summary = "classifies a conversation with a language model",
    .version = "1.0.0",
    .options = options,
    .auth = &auth,
    .steps = steps,
    .open = open_instance,
};
