/* Redaction: digits and addresses in the words of a transcript become markers. */
#include "deepgram_words.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many digits a word stands for: written ones, or one that is spoken. 0 when the word has anything else
 * in it. */
static size_t count_digits(const char *plain)
{
    static const char *const spoken[] = { "zero", "oh",  "one",   "two",   "three", "four",
                                          "five", "six", "seven", "eight", "nine" };
    for (size_t i = 0; i < sizeof(spoken) / sizeof(spoken[0]); i++)
        if (strcmp(plain, spoken[i]) == 0)
            return 1;
    size_t digits = 0;
    for (const char *at = plain; *at; at++) {
        if (isdigit((unsigned char)*at))
            digits++;
        else if (!strchr("-.", *at))
            return 0;
    }
    return digits;
}

enum { KINDS = 5 };
enum kind { CREDIT_CARD, CVV, PHONE_NUMBER, EMAIL_ADDRESS, NUMERICAL_PII };

static const struct {
    const char *marker, *entity;
    bool is_pci, is_pii;
} kinds[KINDS] = {
    [CREDIT_CARD] = { "CREDIT_CARD", "credit_card", true, true },
    [CVV] = { "CVV", "cvv", true, true },
    [PHONE_NUMBER] = { "PHONE_NUMBER", "phone_number", false, true },
    [EMAIL_ADDRESS] = { "EMAIL_ADDRESS", "email_address", false, true },
    [NUMERICAL_PII] = { "NUMERICAL_PII", "numerical_pii", false, true },
};

static bool is_wanted(enum kind kind, const char *redact)
{
    if (strcmp(redact, "pci") == 0)
        return kinds[kind].is_pci;
    if (strcmp(redact, "pii") == 0)
        return kinds[kind].is_pii && kind != NUMERICAL_PII;
    if (strcmp(redact, "numbers") == 0 || strcmp(redact, "true") == 0)
        return kind != EMAIL_ADDRESS;
    return strcmp(redact, kinds[kind].entity) == 0;
}

static bool follows_cvv(const struct dg_words *words, size_t first)
{
    for (size_t back = 1; back <= 3 && back <= first; back++)
        if (strcmp(words->items[first - back].plain, "cvv") == 0)
            return true;
    return false;
}

static enum kind name_run(const struct dg_words *words, size_t first, size_t digits)
{
    if (digits >= 13 && digits <= 19)
        return CREDIT_CARD;
    if (digits >= 10 && digits <= 12)
        return PHONE_NUMBER;
    if ((digits == 3 || digits == 4) && follows_cvv(words, first))
        return CVV;
    return NUMERICAL_PII;
}

/* The end of the run of number words that begins at `first`, and its digits. A run does not cross a turn. */
static size_t find_run_end(const struct dg_words *words, size_t first, size_t *ret_digits)
{
    size_t digits = 0, end = first;
    for (; end < words->count && words->items[end].turn == words->items[first].turn; end++) {
        size_t more = count_digits(words->items[end].plain);
        if (more == 0)
            break;
        digits += more;
    }
    *ret_digits = digits;
    return end;
}

static void replace_run(struct dg_words *words, size_t first, size_t end, const char *marker, unsigned number)
{
    struct dg_word *word = &words->items[first];
    char text[48];
    (void)snprintf(text, sizeof(text), "[%s_%u]", marker, number); /* The longest marker has 20 characters. */
    char *punctuated = strdup(text), *plain = strdup(text);
    if (!punctuated || !plain) {
        free(punctuated);
        free(plain);
        return;
    }
    word->end = words->items[end - 1].end;
    for (size_t i = first; i < end; i++) {
        free(words->items[i].punctuated);
        free(words->items[i].plain);
    }
    word->punctuated = punctuated;
    word->plain = plain;
    memmove(word + 1, words->items + end, (words->count - end) * sizeof(*word));
    words->count -= end - first - 1;
}

void dg_words_redact(struct dg_words *words, const char *redact)
{
    unsigned numbers[KINDS] = { 0 };
    for (size_t i = 0; i < words->count; i++) {
        size_t digits = 0, end = find_run_end(words, i, &digits);
        enum kind kind = EMAIL_ADDRESS;
        if (end > i)
            kind = name_run(words, i, digits);
        else if (!strchr(words->items[i].plain, '@'))
            continue;
        else
            end = i + 1;
        /* A lone spoken "one" is a word of its own far more often than a number. */
        if (is_wanted(kind, redact) && !(digits == 1 && isalpha((unsigned char)words->items[i].plain[0])))
            replace_run(words, i, end, kinds[kind].marker, ++numbers[kind]);
        else
            i = end - 1;
    }
}
