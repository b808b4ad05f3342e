/* Content that satisfies a schema and says what keyword rules make of the conversation. */
#ifndef OPENAI_CONTENT_H
#define OPENAI_CONTENT_H

#include "openai_text.h"

struct oa_author {
    const struct oa_text *text;
    bool obeys_callers; /* LC.10: does what the conversation tells it to */
    bool breaks_enums;  /* LC.6: picks values that no enumeration holds */
};

/* A value for `schema`. Gives a new reference; null for a schema that no value can satisfy. */
json_t *oa_write_content(const struct oa_author *author, const json_t *schema);

/* What a model says when it is asked for no form at all. Gives a new reference. */
json_t *oa_write_prose(const struct oa_author *author);

#endif
