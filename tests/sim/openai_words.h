/* Which word of a list fits a conversation, and which sentence of it says what it is about. */
#ifndef OPENAI_WORDS_H
#define OPENAI_WORDS_H

#include "openai_text.h"

/* Chooses the member of `list` for a property called `name`. Borrowed from the list; NULL when it has no text
 * in it. */
const json_t *oa_choose_word(const struct oa_text *text, const char *name, const json_t *list);

/* The member that the attack in the conversation asks for, or NULL. */
const json_t *oa_choose_obediently(const struct oa_text *text, const json_t *list);

/* The sentence that the call is about; "" when there is none. */
const char *oa_concern(const struct oa_text *text);

/* The `index`-th sentence in which somebody promises or asks for something, or NULL. */
const char *oa_action(const struct oa_text *text, size_t index);

/* Whether the folded property name holds one of the words; the list ends with NULL. */
bool oa_names_any(const char *name, const char *const *words);

#endif
