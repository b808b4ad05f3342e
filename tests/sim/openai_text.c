/* Reads the conversation out of a prompt and applies keyword rules to it. */
#include "openai_text.h"
#include "service.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

char *oa_fold(const char *text)
{
    char *folded = sim_strdup(text);
    for (char *at = folded; *at; at++) {
        unsigned char c = (unsigned char)*at;
        *at = c == '_' || c == '-' ? ' ' : (char)(c < 0x80 ? tolower(c) : c);
    }
    return folded;
}

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static const char *find_phrase(const char *folded, const char *phrase)
{
    size_t length = strlen(phrase);
    for (const char *at = folded; length > 0 && (at = strstr(at, phrase)) != NULL; at++)
        if ((at == folded || !is_word_byte(at[-1])) && !is_word_byte(at[length]))
            return at;
    return NULL;
}

bool oa_has_phrase(const char *folded, const char *phrase)
{
    return find_phrase(folded, phrase) != NULL;
}

/* Whether one of the three words before `at`, in the same sentence, turns the meaning round. */
static bool is_negated(const char *folded, const char *at)
{
    static const char *const negations[] = { "not", "no", "never", "isn't", "wasn't", "don't", "nothing" };
    enum { REACH = 24 };
    size_t before = (size_t)(at - folded);
    const char *start = before > REACH ? at - REACH : folded;
    char window[REACH + 1] = { 0 };
    memcpy(window, start, (size_t)(at - start));
    for (char *end = window; (end = strpbrk(end, ".?!,;\"")) != NULL; end++)
        memset(window, ' ', (size_t)(end - window) + 1);
    for (size_t i = 0; i < sizeof(negations) / sizeof(negations[0]); i++)
        if (oa_has_phrase(window, negations[i]))
            return true;
    return false;
}

unsigned oa_text_count(const struct oa_text *text, const char *phrase)
{
    unsigned count = 0;
    for (const char *at = text->folded; (at = find_phrase(at, phrase)) != NULL; at++)
        count += !is_negated(text->folded, at);
    return count;
}

static bool has_any(const struct oa_text *text, const char *const *phrases)
{
    for (; *phrases; phrases++)
        if (oa_text_count(text, *phrases) > 0)
            return true;
    return false;
}

static enum oa_mood choose_mood(const struct oa_text *text)
{
    static const char *const urgent[] = { "urgent", "urgently", "emergency", "immediately", "asap", NULL };
    static const char *const negative[] = { "angry",        "frustrated",   "frustrating",
                                            "disappointed", "upset",        "terrible",
                                            "unhappy",      "unacceptable", NULL };
    static const char *const positive[] = { "great",     "happy",   "satisfied", "excellent",
                                            "wonderful", "perfect", NULL };
    if (has_any(text, urgent))
        return OA_MOOD_URGENT;
    if (has_any(text, negative))
        return OA_MOOD_NEGATIVE;
    return has_any(text, positive) ? OA_MOOD_POSITIVE : OA_MOOD_NEUTRAL;
}

static const char *find_injection(const char *folded)
{
    static const char *const attacks[] = {
        "ignore previous instructions", "ignore all previous instructions", "ignore your instructions",
        "ignore the instructions",      "disregard previous instructions",  "disregard your instructions",
        "forget your instructions"
    };
    const char *first = NULL;
    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        const char *at = strstr(folded, attacks[i]);
        if (at && (!first || at < first))
            first = at;
    }
    return first;
}

static void understand(struct oa_text *text)
{
    static const char *const escalation[] = { "manager", "supervisor", "escalate", "complaint", NULL };
    static const char *const callback[] = { "call me back", "callback", "call back", "ring me back", NULL };
    static const char *const resolved[] = { "resolved", "solved",        "works now",
                                            "all good", "it is changed", NULL };
    text->mood = choose_mood(text);
    text->is_escalation = has_any(text, escalation);
    text->is_callback = has_any(text, callback);
    text->is_resolved = has_any(text, resolved);
    text->injection = find_injection(text->folded);
    text->has_injection = text->injection != NULL;
}

/* ---- finding the conversation in the prompt ---- */

/* Appends every text inside `value` to `text`, one a line, and adds to *length how many bytes that are. */
static void gather_strings(const json_t *value, char **text, size_t *length, unsigned depth)
{
    enum { DEPTH_MAX = 8 };
    const char *name;
    json_t *member;
    size_t index;
    if (depth > DEPTH_MAX)
        return;
    if (json_is_string(value)) {
        size_t more = json_string_length(value);
        *text = sim_realloc(*text, *length + more + 2);
        memcpy(*text + *length, json_string_value(value), more);
        (*text)[*length + more] = '\n';
        *length += more + 1;
        (*text)[*length] = '\0';
        return;
    }
    json_object_foreach ((json_t *)value, name, member) {
        gather_strings(member, text, length, depth + 1);
    }
    json_array_foreach (value, index, member) {
        gather_strings(member, text, length, depth + 1);
    }
}

/* The longest text that is JSON inside `content`: prompts put the conversation there as one encoded value. */
static char *find_conversation(const char *content)
{
    enum { CANDIDATES_MAX = 64, WORTH_BYTES = 24 };
    char *longest = NULL;
    size_t longest_length = WORTH_BYTES, length = strlen(content);
    const char *at = content;
    for (unsigned tried = 0; tried < CANDIDATES_MAX && (at = strpbrk(at, "\"{[")) != NULL; tried++) {
        json_error_t error;
        json_t *value =
            json_loadb(at, length - (size_t)(at - content), JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, &error);
        if (!value) {
            at++;
            continue;
        }
        char *text = NULL;
        size_t text_length = 0;
        gather_strings(value, &text, &text_length, 0);
        if (text_length > longest_length) {
            free(longest);
            longest = text;
            longest_length = text_length;
            text = NULL;
        }
        free(text);
        json_decref(value);
        at += error.position > 0 ? error.position : 1;
    }
    return longest ? longest : sim_strdup(content);
}

/* ---- sentences ---- */

/* Where the words of a line begin: behind "Customer: ", "[00:12] Agent 2:" and the like. */
static const char *skip_label(const char *line, const char *end)
{
    enum { LABEL_MAX = 32 };
    for (const char *at = line; at < end && at - line < LABEL_MAX; at++) {
        if (*at == ':' && at + 1 < end && at[1] == ' ')
            return at + 2;
        if (!is_word_byte(*at) && !strchr(" []():_-", *at))
            break;
    }
    return line;
}

static void add_sentence(struct oa_text *text, const char *start, const char *end)
{
    start = skip_label(start, end);
    while (start < end && isspace((unsigned char)*start))
        start++;
    while (end > start && isspace((unsigned char)end[-1]))
        end--;
    size_t length = (size_t)(end - start);
    if (length < 2 || text->sentence_count == OA_SENTENCES_MAX)
        return;
    char *sentence = sim_calloc(length + 1, 1);
    memcpy(sentence, start, length);
    text->sentences[text->sentence_count++] = sentence;
}

static void split_sentences(struct oa_text *text)
{
    text->sentences = sim_calloc(OA_SENTENCES_MAX, sizeof(*text->sentences));
    const char *start = text->full;
    for (const char *at = start; *at; at++) {
        bool ends = *at == '\n' || (strchr(".?!", *at) && (at[1] == '\0' || isspace((unsigned char)at[1])));
        if (!ends)
            continue;
        add_sentence(text, start, at + 1);
        start = at + 1;
    }
    add_sentence(text, start, start + strlen(start));
}

void oa_text_init(const char *content, struct oa_text *ret_text)
{
    struct oa_text text = { .full = find_conversation(content) };
    text.folded = sim_strdup(text.full);
    for (char *at = text.folded; *at; at++)
        *at = (char)((unsigned char)*at < 0x80 ? tolower((unsigned char)*at) : *at);
    split_sentences(&text);
    understand(&text);
    *ret_text = text;
}

void oa_text_done(struct oa_text *text)
{
    for (size_t i = 0; i < text->sentence_count; i++)
        free(text->sentences[i]);
    free(text->sentences);
    free(text->folded);
    free(text->full);
    *text = (struct oa_text){ 0 };
}
