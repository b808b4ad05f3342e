/* The model's answer is checked here as if it came from a stranger: a schema that the service promises to
 * keep is not kept by every service, and never means that the content is true. */
#include "openai.h"

#include <string.h>

const char *const openai_moods[] = { "very_negative", "negative", "neutral", "positive",
                                     "very_positive", "mixed",    "unclear", NULL };
const char *const openai_priorities[] = { "low", "normal", "high", "urgent", NULL };
const char *const openai_resolved[] = { "yes", "no", "partial", "unclear", NULL };
const char *const openai_owners[] = { "agent", "customer", "unknown", NULL };
const char *const openai_confidences[] = { "low", "medium", "high", NULL };

static const char *const mood_words[] = { "Negative", "Negative", "Neutral", "Positive",
                                          "Positive", "Neutral",  "Neutral" };
static const char *const priority_words[] = { "Low", "Medium", "High", "High" };
_Static_assert(sizeof(mood_words) / sizeof(mood_words[0]) + 1 ==
                   sizeof(openai_moods) / sizeof(openai_moods[0]),
               "every mood of the model is one of the record's");
_Static_assert(sizeof(priority_words) / sizeof(priority_words[0]) + 1 ==
                   sizeof(openai_priorities) / sizeof(openai_priorities[0]),
               "every priority of the model is one of the record's");

enum { NOT_FOUND = -1, PRIORITY_HIGH = 2, PRIORITY_URGENT = 3 };

static int index_of(const char *const *words, const char *word)
{
    for (int i = 0; word && words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return NOT_FOUND;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

/* The text from the first brace to the last: some servers wrap it in a fence, some models think aloud before
 * it. */
static json_t *parse(struct sb_exchange *x, const char *text)
{
    const char *start = strchr(text, '{');
    const char *end = strrchr(text, '}');
    if (!start || !end || end < start)
        return NULL;
    json_t *answer = json_loadb(start, (size_t)(end - start) + 1, JSON_REJECT_DUPLICATES, NULL);
    return answer ? sb_keep(x, answer) : NULL;
}

/* Valid, on one line, at most `max` characters. */
static const char *line_of(struct sb_exchange *x, const json_t *value, size_t max)
{
    const char *given = json_string_value(value);
    if (!given)
        return NULL;
    char *text = sb_strdup(x, sb_utf8(x, given));
    size_t size = 0;
    for (const char *p = text; *p; p++) {
        bool is_gap = *p == ' ' || *p == '\n' || *p == '\t' || *p == '\r';
        if (!is_gap)
            text[size++] = *p;
        else if (size && text[size - 1] != ' ')
            text[size++] = ' ';
    }
    while (size && text[size - 1] == ' ')
        size--;
    text[size] = '\0';
    return sb_cut(x, text, max);
}

static json_t *line(struct sb_exchange *x, const json_t *answer, const char *name, size_t max)
{
    const char *text = line_of(x, json_object_get(answer, name), max);
    return text && *text ? json_string(text) : json_null();
}

/* ---- checks: each returns NULL, or what is wrong ------------------------------------------------------- */

static const char *check_types(const json_t *answer)
{
    static const char *const texts[] = { "language", "summary", "concern", "category", "mood", "priority" };
    static const char *const truths[] = { "escalation_requested", "callback_requested", "is_support_call",
                                          "injection_suspected", "not_enough_content" };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (!json_is_string(json_object_get(answer, texts[i])))
            return "a field is missing or no text";
    for (size_t i = 0; i < sizeof(truths) / sizeof(truths[0]); i++)
        if (!json_is_boolean(json_object_get(answer, truths[i])))
            return "a field is missing or neither true nor false";
    if (!json_is_array(json_object_get(answer, "evidence")) ||
        !json_is_array(json_object_get(answer, "action_items")))
        return "a field is missing or no list";
    return NULL;
}

static bool is_category(const json_t *categories, const char *word)
{
    if (strcmp(word, openai_other) == 0)
        return true;
    for (size_t i = 0; i < json_array_size(categories); i++)
        if (strcmp(json_string_value(json_array_get(categories, i)), word) == 0)
            return true;
    return false;
}

static const char *check_words(struct sb_exchange *x, const json_t *answer)
{
    if (index_of(openai_moods, sb_json_str(answer, "mood")) < 0)
        return "mood is none of the allowed words";
    if (index_of(openai_priorities, sb_json_str(answer, "priority")) < 0)
        return "priority is none of the allowed words";
    if (index_of(openai_resolved, sb_json_str(answer, "resolved")) < 0)
        return "resolved is none of the allowed words";
    if (index_of(openai_confidences, sb_json_str(answer, "confidence")) < 0)
        return "confidence is none of the allowed words";
    if (!is_category(sb_option_list(x, "categories"), sb_json_str(answer, "category")))
        return "category is none of the configured words";
    return NULL;
}

/* An invented quote means that the labels rest on nothing. */
static const char *check_evidence(struct sb_exchange *x, const json_t *answer, const char *conversation)
{
    const json_t *evidence = json_object_get(answer, "evidence");
    const char *said = openai_folded(x, conversation);
    for (size_t i = 0; i < json_array_size(evidence); i++) {
        const char *quote = sb_json_str(json_array_get(evidence, i), "quote");
        if (!quote)
            return "a piece of evidence has no quote";
        if (!strstr(said, openai_folded(x, quote)))
            return "a quote is not in the conversation";
    }
    return NULL;
}

/* ---- the record's form --------------------------------------------------------------------------------- */

static json_t *evidence_list(struct sb_exchange *x, const json_t *answer)
{
    const json_t *from = json_object_get(answer, "evidence");
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(from) && json_array_size(list) < OPENAI_EVIDENCE_MAX; i++) {
        const char *quote = line_of(x, json_object_get(json_array_get(from, i), "quote"), OPENAI_LINE_MAX);
        if (quote && *quote)
            json_array_append_new(list, json_string(quote));
    }
    return list;
}

static json_t *action_list(struct sb_exchange *x, const json_t *answer)
{
    const json_t *from = json_object_get(answer, "action_items");
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(from) && json_array_size(list) < OPENAI_ACTIONS_MAX; i++) {
        const json_t *item = json_array_get(from, i);
        const char *text = line_of(x, json_object_get(item, "text"), OPENAI_LINE_MAX);
        int owner = index_of(openai_owners, sb_json_str(item, "owner"));
        if (!text || !*text)
            continue;
        json_t *action = json_object();
        json_object_set_new(action, "owner", json_string(owner < 0 ? "unknown" : openai_owners[owner]));
        json_object_set_new(action, "text", json_string(text));
        json_object_set_new(action, "due", line(x, item, "due", OPENAI_LINE_MAX));
        json_array_append_new(list, action);
    }
    return list;
}

/* Somebody who talks to the model must not get ahead in the queue by it: a raised priority is not believed
 * then. */
static void put_labels(json_t *analysis, const json_t *answer, bool is_suspicious)
{
    int mood = index_of(openai_moods, sb_json_str(answer, "mood"));
    int priority = index_of(openai_priorities, sb_json_str(answer, "priority"));
    bool is_believed = !is_suspicious || priority < PRIORITY_HIGH;
    bool is_urgent = is_believed && priority == PRIORITY_URGENT;
    json_object_set_new(analysis, "mood", json_string(is_urgent ? "Urgent" : mood_words[mood]));
    json_object_set_new(analysis, "priority",
                        is_believed ? json_string(priority_words[priority]) : json_null());
}

static void put_truth(json_t *analysis, const json_t *answer, const char *name)
{
    json_object_set_new(analysis, name, json_boolean(json_is_true(json_object_get(answer, name))));
}

/* A record always has a concern. */
static json_t *concern_of(struct sb_exchange *x, const json_t *answer)
{
    const char *text = line_of(x, json_object_get(answer, "concern"), OPENAI_CONCERN_MAX);
    return json_string(text && *text ? text : "Not clear from the conversation");
}

static json_t *analysis_of(struct sb_exchange *x, const json_t *answer, const char *conversation)
{
    json_t *analysis = sb_keep(x, json_object());
    bool is_suspicious =
        json_is_true(json_object_get(answer, "injection_suspected")) || openai_is_suspicious(x, conversation);
    bool is_thin = json_is_true(json_object_get(answer, "not_enough_content"));
    const char *confidence = sb_json_str(answer, "confidence");

    put_labels(analysis, answer, is_suspicious);
    json_object_set_new(analysis, "concern", concern_of(x, answer));
    json_object_set_new(analysis, "category", line(x, answer, "category", OPENAI_CATEGORY_MAX));
    json_object_set_new(analysis, "priority_reason", line(x, answer, "priority_reason", OPENAI_LINE_MAX));
    json_object_set_new(analysis, "summary", line(x, answer, "summary", OPENAI_SUMMARY_MAX));
    json_object_set_new(analysis, "action_items", action_list(x, answer));
    json_object_set_new(analysis, "evidence", evidence_list(x, answer));
    json_object_set_new(analysis, "language", line(x, answer, "language", OPENAI_LANGUAGE_MAX));
    json_object_set_new(analysis, "resolved", json_string(sb_json_str(answer, "resolved")));
    json_object_set_new(analysis, "confidence", json_string(confidence));
    put_truth(analysis, answer, "escalation_requested");
    put_truth(analysis, answer, "callback_requested");
    put_truth(analysis, answer, "is_support_call");
    put_truth(analysis, answer, "not_enough_content");
    json_object_set_new(analysis, "injection_suspected", json_boolean(is_suspicious));
    bool has_evidence = json_array_size(json_object_get(analysis, "evidence")) > 0;
    bool is_doubtful = is_suspicious || is_thin || !has_evidence || strcmp(confidence, "low") == 0;
    json_object_set_new(analysis, "needs_review", json_boolean(is_doubtful));
    json_object_set_new(analysis, "by", json_string("openai"));
    return analysis;
}

const char *openai_check(struct sb_exchange *x, const char *text, const char *conversation,
                         json_t **ret_analysis)
{
    const json_t *answer = parse(x, text);
    if (!answer)
        return "it is no JSON object";
    const char *why = check_types(answer);
    if (!why)
        why = check_words(x, answer);
    if (!why)
        why = check_evidence(x, answer, conversation);
    if (why)
        return why;
    *ret_analysis = json_incref(analysis_of(x, answer, conversation));
    return NULL;
}
