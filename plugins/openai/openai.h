/* What the files of the openai plugin share: one conversation in, one classification out. All text that the
 * functions give lives as long as the exchange. */
#ifndef OPENAI_OPENAI_H
#define OPENAI_OPENAI_H

#include "switchboard/switchboard.h"

enum {
    OPENAI_SUMMARY_MAX = 600, /* characters; longer answers are cut */
    OPENAI_CONCERN_MAX = 200,
    OPENAI_LINE_MAX = 300, /* other free text */
    OPENAI_LANGUAGE_MAX = 40,
    OPENAI_CATEGORY_MAX = 100,
    OPENAI_CATEGORIES_MAX = 50,
    OPENAI_EVIDENCE_MAX = 10,
    OPENAI_ACTIONS_MAX = 10,
    OPENAI_SHORTER_MAX = 3, /* times that a conversation is asked about again with half the text */
    OPENAI_INVALID_MAX = 1  /* times that it is asked about again after an answer that cannot be used */
};

/* Text that grows in the exchange's memory. Start with {0}. */
struct openai_text {
    char *at; /* NUL-terminated once something was added */
    size_t size, room;
};
void openai_add(struct sb_exchange *x, struct openai_text *text, const char *more);
void openai_add_n(struct sb_exchange *x, struct openai_text *text, const char *more, size_t size);

/* ---- conversation.c ------------------------------------------------------------------------------------ */

/* The conversation as it is sent: speakers and words, personal data masked, marks of other formats removed,
 * cut to the budget, which every further round halves. NULL when there is nothing to read. */
const char *openai_conversation(struct sb_exchange *x);
/* Whether somebody in the conversation seems to talk to the model. */
bool openai_is_suspicious(struct sb_exchange *x, const char *conversation);
/* Lower case, one space for white space, plain quotation marks: for comparing quotes with what was said. */
const char *openai_folded(struct sb_exchange *x, const char *text);

/* ---- masking (mask.c, mask_words.c, mask_digits.c) ----------------------------------------------------- */

/* `text` with personal data replaced by placeholders such as [MOBILE_1]; the same value has the same
 * placeholder. Errs on the side of masking. */
const char *openai_mask(struct sb_exchange *x, const char *text);

/* A piece of the text that is masked. */
struct mask_span {
    size_t start, end;
    const char *kind;  /* "MOBILE" */
    const char *value; /* normalised: equal values share a placeholder */
};

struct mask {
    struct sb_exchange *x;
    const char *text;
    struct mask_span *spans;
    size_t count, room;
};
void mask_add(struct mask *mask, size_t start, size_t end, const char *kind, const char *value);
/* By start, the longer first. */
void mask_sort(struct mask *mask);
/* E-mail, UPI, PAN, GSTIN, IFSC and the like, and addresses that are spelled out. */
void mask_find_words(struct mask *mask);
/* Runs of digits, written or spoken, in one piece or in several over turns. The spans found before must be
 * sorted; what they cover is left alone. */
void mask_find_digits(struct mask *mask);

bool mask_is_aadhaar(const char *digits); /* twelve digits with the Verhoeff check */
bool mask_is_card(const char *digits);    /* 13 to 19 digits with the Luhn check */
bool mask_is_mobile(const char *digits);  /* ten digits from 6 on, with or without 0, 91 in front */

/* ---- prompt.c ------------------------------------------------------------------------------------------ */

/* The whole request body: kept by the exchange. `again` adds that an earlier answer could not be used. */
json_t *openai_body(struct sb_exchange *x, const char *conversation, bool again);
/* The word for "none of the configured categories". */
extern const char openai_other[];

/* ---- answer.c ------------------------------------------------------------------------------------------ */

extern const char *const openai_moods[],
    *const openai_priorities[],
        *const openai_resolved[],
            *const openai_owners[],
                *const openai_confidences[]; /* NULL-terminated; the same for schema and check */

/* Checks the model's text and gives the classification as a new object in *ret_analysis. Returns NULL, or why
 * the text cannot be used. */
const char *openai_check(struct sb_exchange *x, const char *text, const char *conversation,
                         json_t **ret_analysis);

/* ---- refusal.c ----------------------------------------------------------------------------------------- */

/* What an answer that is no success means. */
enum sb_verdict openai_refused(struct sb_exchange *x);
/* The same for a 200 that holds an error. */
bool openai_has_error(const struct sb_exchange *x);

#endif
