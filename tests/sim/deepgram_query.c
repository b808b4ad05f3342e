/* The query of /v1/listen: types, enumerations, and pairs that exclude each other. */
#include "deepgram.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int refuse(struct dg_fault *fault, const char *code, const char *text)
{
    fault->status = 400;
    fault->code = code;
    (void)snprintf(fault->text, sizeof(fault->text), "%s", text);
    return -1;
}

static int refuse_value(struct dg_fault *fault, const char *name, const char *rule)
{
    char text[DG_FAULT_MAX];
    (void)snprintf(text, sizeof(text), "Failed to deserialize query parameters: %.60s: %s", name, rule);
    return refuse(fault, "INVALID_QUERY_PARAMETER", text);
}

static bool is_one_of(const char *value, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(value, *words) == 0)
            return true;
    return false;
}

static const char *const bool_words[] = { "true", "false", NULL };

/* Parameters that are true or false; those without a place in the settings change nothing in invented talk.
 */
static const struct {
    const char *name;
    size_t offset;
    bool is_kept;
} flags[] = {
#define KEPT(member)                                                                                         \
    {                                                                                                        \
#member, offsetof(struct dg_settings, member), true                                                  \
    }
    KEPT(smart_format),
    KEPT(punctuate),
    KEPT(paragraphs),
    KEPT(utterances),
    KEPT(multichannel),
    KEPT(diarize),
    KEPT(detect_entities),
    KEPT(sentiment),
    KEPT(topics),
    KEPT(intents),
#undef KEPT
    { "numerals", 0, false },
    { "measurements", 0, false },
    { "dictation", 0, false },
    { "filler_words", 0, false },
    { "profanity_filter", 0, false },
    { "mip_opt_out", 0, false },
};

static const char *const callback_methods[] = { "POST", "PUT", "post", "put", NULL };
static const char *const diarize_models[] = { "latest", "v1", "v2", NULL };
static const char *const modes[] = { "extended", "strict", NULL };
static const char *const encodings[] = { "linear16", "flac",  "mulaw", "amr-nb", "amr-wb",
                                         "opus",     "speex", "g729",  NULL };
static const char *const summaries[] = { "v2", "true", "false", NULL };

static const struct {
    const char *name;
    const char *const *words;
    const char *rule;
} choices[] = {
    { "callback_method", callback_methods, "unknown variant, expected `POST` or `PUT`" },
    { "diarize_model", diarize_models, "unknown variant, expected one of `latest`, `v1`, `v2`" },
    { "custom_topic_mode", modes, "unknown variant, expected `extended` or `strict`" },
    { "custom_intent_mode", modes, "unknown variant, expected `extended` or `strict`" },
    { "encoding", encodings, "unknown variant, expected a supported encoding" },
    { "summarize", summaries, "unknown variant, expected `v2`, `true` or `false`" },
};

static const char *const texts[] = { "model",    "language", "language_hint", "redact",       "replace",
                                     "search",   "keyterm",  "keywords",      "custom_topic", "custom_intent",
                                     "callback", "tag",      "extra",         "version",      NULL };

static int read_flag(const struct sim_field *field, struct dg_settings *settings, struct dg_fault *fault,
                     bool *ret_is_known)
{
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strcmp(flags[i].name, field->name) != 0)
            continue;
        if (!is_one_of(field->value, bool_words))
            return refuse_value(fault, field->name, "provided string was not `true` or `false`");
        if (flags[i].is_kept)
            *(bool *)((char *)settings + flags[i].offset) = field->value[0] == 't';
        return 0;
    }
    *ret_is_known = false;
    return 0;
}

/* true, false, or a list of languages to choose from. */
static int read_detection(const struct sim_field *field, struct dg_settings *settings, struct dg_fault *fault)
{
    if (strcmp(field->value, "false") == 0)
        return 0;
    if (strcmp(field->value, "true") != 0 && (strlen(field->value) < 2 || strlen(field->value) > 8))
        return refuse_value(fault, field->name, "expected a boolean or a language");
    settings->detect_language = true;
    return 0;
}

static int read_number(const struct sim_field *field, double min, double max, double *ret_number,
                       struct dg_fault *fault)
{
    char *end;
    double number = strtod(field->value, &end);
    if (end == field->value || *end || !(number >= min && number <= max))
        return refuse_value(fault, field->name, "invalid number");
    *ret_number = number;
    return 0;
}

static int read_choice(const struct sim_field *field, struct dg_settings *settings, struct dg_fault *fault,
                       bool *ret_is_known)
{
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        if (strcmp(choices[i].name, field->name) != 0)
            continue;
        if (!is_one_of(field->value, choices[i].words))
            return refuse_value(fault, field->name, choices[i].rule);
        if (strcmp(field->name, "diarize_model") == 0)
            settings->has_diarize_model = true;
        if (strcmp(field->name, "encoding") == 0)
            settings->encoding = field->value;
        if (strcmp(field->name, "summarize") == 0) {
            settings->summarize = strcmp(field->value, "false") != 0;
            settings->is_summary_v2 = strcmp(field->value, "v2") == 0;
        }
        return 0;
    }
    *ret_is_known = false;
    return 0;
}

static int read_field(const struct sim_field *field, struct dg_settings *settings, struct dg_fault *fault,
                      bool *ret_is_known)
{
    double number = 0;
    *ret_is_known = true;
    if (strcmp(field->name, "detect_language") == 0)
        return read_detection(field, settings, fault);
    if (strcmp(field->name, "utt_split") == 0)
        return read_number(field, 0, 1000, &settings->utt_split, fault);
    if (strcmp(field->name, "sample_rate") == 0) {
        int rc = read_number(field, 1, 1000000, &number, fault);
        settings->sample_rate = (int64_t)number;
        return rc;
    }
    if (is_one_of(field->name, texts)) {
        if (strcmp(field->name, "model") == 0) {
            settings->model = field->value;
            settings->has_model = true;
        }
        if (strcmp(field->name, "language") == 0)
            settings->language = field->value;
        if (strcmp(field->name, "extra") == 0 && (!strchr(field->value, ':') || field->size > 2048))
            return refuse_value(fault, field->name, "expected KEY:VALUE of at most 2048 characters");
        return 0;
    }
    int rc = read_flag(field, settings, fault, ret_is_known);
    if (rc < 0 || *ret_is_known)
        return rc;
    *ret_is_known = true;
    return read_choice(field, settings, fault, ret_is_known);
}

/* Words and long words count as several tokens; close enough to a tokenizer to find a list that is far too
 * long. */
static size_t count_tokens(const char *text)
{
    size_t words = 0, length = strlen(text);
    for (const char *at = text; *at;) {
        at += strspn(at, " ");
        words += *at != '\0';
        at += strcspn(at, " ");
    }
    return words > length / 4 ? words : length / 4;
}

static int check_keyterms(const struct sim_request *req, const struct dg_settings *settings,
                          struct dg_fault *fault)
{
    enum { TOKENS_MAX = 500 };
    size_t tokens = 0;
    for (size_t i = 0; i < req->query_count; i++) {
        if (strcmp(req->query[i].name, "keyterm") != 0)
            continue;
        if (strncmp(settings->model, "nova-3", 6) != 0)
            return refuse(fault, "Bad Request", "keyterm is only supported with nova-3");
        tokens += count_tokens(req->query[i].value);
    }
    if (tokens > TOKENS_MAX)
        return refuse(fault, "Bad Request",
                      "Keyterm limit exceeded. The maximum number of tokens across all keyterms is 500.");
    return 0;
}

/* "http://127.0.0.1:8080/x": only the four ports that the service calls. */
static bool is_good_callback(const char *url)
{
    static const char *const ports[] = { "80", "443", "8080", "8443", NULL };
    const char *host = strncmp(url, "https://", 8) == 0  ? url + 8
                       : strncmp(url, "http://", 7) == 0 ? url + 7
                                                         : NULL;
    if (!host)
        return false;
    size_t length = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', length);
    const char *colon = memrchr(at ? at : host, ':', (size_t)(host + length - (at ? at : host)));
    char port[8] = "443";
    if (colon)
        (void)snprintf(port, sizeof(port), "%.*s", (int)(host + length - colon - 1), colon + 1);
    return length > 0 && is_one_of(port, ports);
}

static int check_pairs(const struct sim_request *req, const struct dg_settings *settings,
                       struct dg_fault *fault)
{
    const char *callback = sim_query(req, "callback");
    if (settings->has_diarize_model && settings->diarize)
        return refuse(fault, "Bad Request", "diarize together with diarize_model");
    if (check_keyterms(req, settings, fault) < 0)
        return -1;
    if (settings->is_summary_v2 && !settings->detect_language && strncmp(settings->language, "en", 2) != 0)
        return refuse(fault, "Bad Request", "Summarization v2 not supported for non-English languages");
    if (callback && !is_good_callback(callback))
        return refuse(fault, "INVALID_QUERY_PARAMETER", "Invalid callback url.");
    return 0;
}

int dg_read_settings(const struct sim_request *req, bool refuses_unknown, struct dg_settings *ret_settings,
                     struct dg_fault *ret_fault)
{
    *ret_settings = (struct dg_settings){ .model = "base-general", .language = "en", .utt_split = 0.8 };
    if (req->is_malformed)
        return refuse_value(ret_fault, "query", "malformed percent-encoding");
    for (size_t i = 0; i < req->query_count; i++) {
        bool is_known;
        if (read_field(&req->query[i], ret_settings, ret_fault, &is_known) < 0)
            return -1;
        if (!is_known && refuses_unknown)
            return refuse_value(ret_fault, req->query[i].name, "unknown field");
    }
    return check_pairs(req, ret_settings, ret_fault);
}
