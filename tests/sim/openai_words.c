/* Keyword rules for enumerations and sentences. */
#include "openai_words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { PHRASES_MAX = 14 };

/* A subject: what labels call it, and what people say when they mean it. */
struct subject {
    const char *aliases[PHRASES_MAX];
    const char *phrases[PHRASES_MAX];
};

static const struct subject subjects[] = {
    { { "billing", "payment", "payments", "invoice", "charge" },
      { "billing", "payment", "payments", "charge", "charged", "charges", "invoice", "invoices", "bill",
        "subscription" } },
    { { "technical", "tech", "bug", "app", "error", "outage", "support" },
      { "technical", "not working", "error", "errors", "problem", "issue", "crash", "crashes", "is down",
        "stopped", "login", "password" } },
    { { "refund", "refunds", "return", "returns", "cancel", "cancellation" },
      { "refund", "refunds", "cancel", "cancelled", "cancellation", "return it", "money back" } },
    { { "delivery", "shipping", "shipment", "order", "logistics" },
      { "delivery", "deliver", "delivered", "parcel", "shipment", "courier", "tracking", "shipped",
        "arrived" } },
    { { "account", "login", "access", "security" },
      { "account", "login", "password", "sign in", "profile" } },
    { { "sales", "pricing", "purchase" }, { "price", "pricing", "discount", "buy", "demo" } },
    { { "complaint", "complaints", "feedback" }, { "complaint", "complain", "manager", "supervisor" } },
};

static const char *const general_aliases[] = { "general",  "inquiry", "enquiry", "information",
                                               "question", "other",   NULL };

bool oa_names_any(const char *name, const char *const *words)
{
    for (; *words; words++)
        if (strstr(name, *words))
            return true;
    return false;
}

static bool has_alias(const struct subject *subject, const char *folded)
{
    for (size_t i = 0; i < PHRASES_MAX && subject->aliases[i]; i++)
        if (oa_has_phrase(folded, subject->aliases[i]))
            return true;
    return false;
}

static unsigned count_subject(const struct oa_text *text, const struct subject *subject)
{
    unsigned count = 0;
    for (size_t i = 0; i < PHRASES_MAX && subject->phrases[i]; i++)
        count += oa_text_count(text, subject->phrases[i]);
    return count;
}

/* How well a label fits: what is said about its subject, or its own name said aloud. */
static unsigned score_label(const struct oa_text *text, const char *folded)
{
    unsigned best = 0;
    bool is_known = false;
    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
        if (!has_alias(&subjects[i], folded))
            continue;
        unsigned score = 2 * count_subject(text, &subjects[i]);
        is_known = true;
        best = score > best ? score : best;
    }
    return is_known ? best : oa_text_count(text, folded);
}

static bool is_general(const char *folded)
{
    for (const char *const *alias = general_aliases; *alias; alias++)
        if (oa_has_phrase(folded, *alias))
            return true;
    return false;
}

/* The best label; without one that fits, "other", then "general", then the last. */
static const json_t *choose_subject(const struct oa_text *text, const json_t *list)
{
    const json_t *chosen = NULL, *other = NULL, *last = NULL;
    unsigned best = 0;
    bool is_other = false;
    size_t index;
    json_t *member;
    json_array_foreach (list, index, member) {
        char *folded = json_is_string(member) ? oa_fold(json_string_value(member)) : NULL;
        if (!folded)
            continue;
        unsigned score = score_label(text, folded);
        if (score > best) {
            best = score;
            chosen = member;
        }
        if (is_general(folded) && !is_other) {
            other = member;
            is_other = oa_has_phrase(folded, "other");
        }
        last = member;
        free(folded);
    }
    return chosen ? chosen : other ? other : last;
}

/* ---- words with an order ---- */

static const char *const mood_words[][6] = {
    [OA_MOOD_NEUTRAL] = { "neutral", "calm", "mixed", "unclear", NULL },
    [OA_MOOD_POSITIVE] = { "positive", "happy", "satisfied", "very positive", NULL },
    [OA_MOOD_NEGATIVE] = { "negative", "frustrated", "angry", "very negative", NULL },
    [OA_MOOD_URGENT] = { "urgent", "very negative", "negative", "angry", "worried", NULL },
};
static const char *const priority_words[][6] = {
    [OA_MOOD_NEUTRAL] = { "normal", "medium", "low", "p3", NULL },
    [OA_MOOD_POSITIVE] = { "low", "normal", "medium", "p4", NULL },
    [OA_MOOD_NEGATIVE] = { "high", "medium", "normal", "p2", NULL },
    [OA_MOOD_URGENT] = { "urgent", "critical", "highest", "high", "p1", NULL },
};
static const char *const yes_words[] = { "yes", "true", "resolved", "solved", NULL };
static const char *const no_words[] = { "no", "unclear", "unresolved", "open", "unknown", NULL };
static const char *const sure_words[] = { "high", "medium", NULL };
static const char *const unsure_words[] = { "low", "medium", NULL };
static const char *const agent_words[] = { "agent", NULL };
static const char *const language_words[] = { "en", "english", "en in", NULL };

static const json_t *find_word(const json_t *list, const char *const *words)
{
    for (; *words; words++) {
        size_t index;
        json_t *member;
        json_array_foreach (list, index, member) {
            char *folded = json_is_string(member) ? oa_fold(json_string_value(member)) : NULL;
            bool is_it = folded && strcmp(folded, *words) == 0;
            free(folded);
            if (is_it)
                return member;
        }
    }
    return NULL;
}

const json_t *oa_choose_word(const struct oa_text *text, const char *name, const json_t *list)
{
    static const char *const moods[] = { "mood", "sentiment", "tone", "emotion", NULL };
    static const char *const priorities[] = { "priority", "urgency", "severity", "impact", NULL };
    static const char *const outcomes[] = { "resolved", "resolution", "solved", NULL };
    static const char *const confidences[] = { "confidence", NULL };
    static const char *const owners[] = { "owner", "assignee", NULL };
    static const char *const languages[] = { "lang", NULL };
    const struct {
        const char *const *names;
        const char *const *words;
    } rules[] = { { moods, mood_words[text->mood] },
                  { priorities, priority_words[text->mood] },
                  { outcomes, text->is_resolved ? yes_words : no_words },
                  { confidences, text->sentence_count > 1 ? sure_words : unsure_words },
                  { owners, agent_words },
                  { languages, language_words } };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const json_t *word = oa_names_any(name, rules[i].names) ? find_word(list, rules[i].words) : NULL;
        if (word)
            return word;
    }
    return choose_subject(text, list);
}

const json_t *oa_choose_obediently(const struct oa_text *text, const json_t *list)
{
    size_t index;
    json_t *member;
    json_array_foreach (list, index, member) {
        char *folded = json_is_string(member) && text->injection ? oa_fold(json_string_value(member)) : NULL;
        bool is_named = folded && oa_has_phrase(text->injection, folded);
        free(folded);
        if (is_named)
            return member;
    }
    return NULL;
}

/* ---- sentences ---- */

static unsigned score_sentence(const char *sentence)
{
    char *folded = oa_fold(sentence);
    unsigned score = 0;
    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
        for (size_t k = 0; k < PHRASES_MAX && subjects[i].phrases[k]; k++)
            score += oa_has_phrase(folded, subjects[i].phrases[k]);
    free(folded);
    return score;
}

const char *oa_concern(const struct oa_text *text)
{
    const char *best = text->sentence_count > 0 ? text->sentences[0] : "";
    unsigned best_score = 0;
    for (size_t i = 0; i < text->sentence_count; i++) {
        unsigned score = score_sentence(text->sentences[i]);
        if (score > best_score) {
            best_score = score;
            best = text->sentences[i];
        }
    }
    for (size_t i = 0; i < text->sentence_count && best_score == 0; i++)
        if (strlen(text->sentences[i]) > strlen(best))
            best = text->sentences[i];
    return best;
}

const char *oa_action(const struct oa_text *text, size_t index)
{
    static const char *const promises[] = { "i will", "we will", "i'll", "please", "i am raising", NULL };
    for (size_t i = 0; i < text->sentence_count; i++) {
        char *folded = oa_fold(text->sentences[i]);
        bool is_action = false;
        for (const char *const *promise = promises; *promise; promise++)
            is_action |= oa_has_phrase(folded, *promise);
        free(folded);
        if (is_action && index-- == 0)
            return text->sentences[i];
    }
    return NULL;
}
