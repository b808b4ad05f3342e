/* What the local model understands of a conversation: keyword rules, nothing more. */
#ifndef OPENAI_TEXT_H
#define OPENAI_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { OA_SENTENCES_MAX = 200 };

enum oa_mood { OA_MOOD_NEUTRAL, OA_MOOD_POSITIVE, OA_MOOD_NEGATIVE, OA_MOOD_URGENT };

struct oa_text {
    char *full;       /* owned; the conversation as it stands in the request, decoded */
    char *folded;     /* owned; the same in ASCII lower case */
    char **sentences; /* owned; each is a substring of `full` */
    size_t sentence_count;
    enum oa_mood mood;
    bool is_escalation, is_callback, is_resolved, has_injection;
    const char *injection; /* borrowed from `folded`: the text from the attack on, or NULL */
};

/* Understands `content`, the user messages of a request. When it holds JSON (a text between markers, an
 * object), the longest value is the conversation and what surrounds it is left out. The caller releases
 * *ret_text with oa_text_done. */
void oa_text_init(const char *content, struct oa_text *ret_text);

void oa_text_done(struct oa_text *text);

/* How often `phrase` occurs in the conversation as whole words, not counting those after a negation. Lower
 * case. */
unsigned oa_text_count(const struct oa_text *text, const char *phrase);

/* Whether `phrase` stands in `folded` as whole words. */
bool oa_has_phrase(const char *folded, const char *phrase);

/* A new string in ASCII lower case with '_' and '-' as spaces. Gives memory for free(). */
char *oa_fold(const char *text);

#endif
