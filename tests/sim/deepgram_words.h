/* From a script (who says what) to timed words: the part of a transcript that no parameter changes. */
#ifndef DEEPGRAM_WORDS_H
#define DEEPGRAM_WORDS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct dg_word {
    char *punctuated; /* owned; as written in the script */
    char *plain;      /* owned; lower case, without punctuation */
    double start, end, confidence;
    unsigned role; /* 0 agent, 1 customer, or the script's own number; the channel of a stereo recording */
    unsigned turn; /* index of the turn in the script */
};

/* The words of one recording in time order. */
struct dg_words {
    struct dg_word *items;
    size_t count;
};

/* Spreads `script` over `seconds`: speech at a natural pace with pauses between the turns, pressed together
 * when the recording is shorter than that. `script` is a list of {"speaker": "agent" | "customer" | number,
 * "text": "..."}, or one text spoken by the customer. The same arguments give the same words. Borrows
 * `script`; 0, or -1 on a script of another form. The caller releases *ret_words with dg_words_done. */
int dg_words_init(const json_t *script, double seconds, uint64_t seed, struct dg_words *ret_words);

void dg_words_done(struct dg_words *words);

/* Replaces what `redact` asks for (pci, pii, numbers or true, or an entity name) by markers such as
 * [CREDIT_CARD_1]; several words become one. Digits may be written or spoken. */
void dg_words_redact(struct dg_words *words, const char *redact);

/* A script of invented support talk, chosen by `seed`. Gives a new reference. */
json_t *dg_default_script(uint64_t seed);

/* The next value of a small deterministic generator over *state. */
uint64_t dg_next_random(uint64_t *state);

#endif
