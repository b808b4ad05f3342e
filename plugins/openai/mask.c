/* Masking of personal data: spans are found by mask_words.c and mask_digits.c, and replaced here. */
#include "openai.h"

#include <stdlib.h>
#include <string.h>

enum { KNOWN_MAX = 500, AADHAAR_DIGITS = 12, CARD_DIGITS_MIN = 13, CARD_DIGITS_MAX = 19, MOBILE_DIGITS = 10 };

/* A value that has a placeholder. */
struct known {
    const char *kind, *value;
    unsigned number;
    struct known *next;
};

struct known_list {
    struct known *first;
    size_t count;
};

void mask_add(struct mask *mask, size_t start, size_t end, const char *kind, const char *value)
{
    if (mask->count == mask->room) {
        size_t room = mask->room ? mask->room * 2 : 32;
        struct mask_span *spans = sb_alloc(mask->x, room * sizeof(*spans));
        if (mask->count)
            memcpy(spans, mask->spans, mask->count * sizeof(*spans));
        mask->spans = spans;
        mask->room = room;
    }
    mask->spans[mask->count++] =
        (struct mask_span){ .start = start, .end = end, .kind = kind, .value = value };
}

static int compare_spans(const void *a, const void *b)
{
    const struct mask_span *left = a;
    const struct mask_span *right = b;
    if (left->start != right->start)
        return left->start < right->start ? -1 : 1;
    return left->end > right->end ? -1 : left->end < right->end;
}

void mask_sort(struct mask *mask)
{
    if (mask->count)
        qsort(mask->spans, mask->count, sizeof(*mask->spans), compare_spans);
}

/* [MOBILE_1]: numbered by kind, in the order of the conversation. Whoever recites numbers for hours gets the
 * rest of them unnumbered. */
static const char *placeholder(struct sb_exchange *x, struct known_list *all, const struct mask_span *span)
{
    unsigned number = 1;
    for (struct known *known = all->first; known; known = known->next) {
        if (strcmp(known->kind, span->kind) != 0)
            continue;
        if (strcmp(known->value, span->value) == 0)
            return sb_printf(x, "[%s_%u]", known->kind, known->number);
        if (known->number >= number)
            number = known->number + 1;
    }
    if (all->count == KNOWN_MAX)
        return sb_printf(x, "[%s]", span->kind);
    struct known *known = sb_alloc(x, sizeof(*known));
    *known = (struct known){ .kind = span->kind, .value = span->value, .number = number, .next = all->first };
    all->first = known;
    all->count++;
    return sb_printf(x, "[%s_%u]", known->kind, known->number);
}

const char *openai_mask(struct sb_exchange *x, const char *text)
{
    struct mask mask = { .x = x, .text = text };
    mask_find_words(&mask);
    mask_sort(&mask);
    mask_find_digits(&mask);
    mask_sort(&mask);
    if (mask.count == 0)
        return text;

    struct known_list known = { 0 };
    struct openai_text out = { 0 };
    size_t at = 0;
    for (size_t i = 0; i < mask.count; i++) {
        const struct mask_span *span = &mask.spans[i];
        if (span->start < at)
            continue;
        openai_add_n(x, &out, text + at, span->start - at);
        openai_add(x, &out, placeholder(x, &known, span));
        at = span->end;
    }
    openai_add(x, &out, text + at);
    return out.at;
}

/* ---- check digits -------------------------------------------------------------------------------------- */

/* Verhoeff: multiplication in the dihedral group of order ten, with a permutation by place. */
static bool has_verhoeff(const char *digits, size_t size)
{
    static const unsigned char times[10][10] = {
        { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 }, { 1, 2, 3, 4, 0, 6, 7, 8, 9, 5 }, { 2, 3, 4, 0, 1, 7, 8, 9, 5, 6 },
        { 3, 4, 0, 1, 2, 8, 9, 5, 6, 7 }, { 4, 0, 1, 2, 3, 9, 5, 6, 7, 8 }, { 5, 9, 8, 7, 6, 0, 4, 3, 2, 1 },
        { 6, 5, 9, 8, 7, 1, 0, 4, 3, 2 }, { 7, 6, 5, 9, 8, 2, 1, 0, 4, 3 }, { 8, 7, 6, 5, 9, 3, 2, 1, 0, 4 },
        { 9, 8, 7, 6, 5, 4, 3, 2, 1, 0 },
    };
    static const unsigned char moved[8][10] = {
        { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 }, { 1, 5, 7, 6, 2, 8, 3, 0, 9, 4 }, { 5, 8, 0, 3, 7, 9, 6, 1, 4, 2 },
        { 8, 9, 1, 6, 0, 4, 3, 5, 2, 7 }, { 9, 4, 5, 3, 1, 2, 6, 8, 7, 0 }, { 4, 2, 8, 6, 5, 7, 3, 9, 0, 1 },
        { 2, 7, 9, 3, 8, 0, 6, 4, 1, 5 }, { 7, 0, 4, 6, 9, 1, 3, 2, 5, 8 },
    };
    unsigned check = 0;
    for (size_t i = 0; i < size; i++)
        check = times[check][moved[i % 8][digits[size - 1 - i] - '0']];
    return check == 0;
}

static bool is_palindrome(const char *digits, size_t size)
{
    for (size_t i = 0; i < size / 2; i++)
        if (digits[i] != digits[size - 1 - i])
            return false;
    return true;
}

bool mask_is_aadhaar(const char *digits)
{
    return strlen(digits) == AADHAAR_DIGITS && digits[0] >= '2' && !is_palindrome(digits, AADHAAR_DIGITS) &&
           has_verhoeff(digits, AADHAAR_DIGITS);
}

bool mask_is_card(const char *digits)
{
    size_t size = strlen(digits);
    unsigned sum = 0;
    if (size < CARD_DIGITS_MIN || size > CARD_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < size; i++) {
        unsigned digit = (unsigned)(digits[size - 1 - i] - '0');
        if (i % 2)
            digit = digit > 4 ? digit * 2 - 9 : digit * 2;
        sum += digit;
    }
    return sum % 10 == 0;
}

bool mask_is_mobile(const char *digits)
{
    size_t size = strlen(digits);
    if (size < MOBILE_DIGITS)
        return false;
    const char *number = digits + size - MOBILE_DIGITS;
    size_t before = size - MOBILE_DIGITS;
    bool has_good_prefix = before == 0 || (before == 1 && digits[0] == '0') ||
                           (before == 2 && strncmp(digits, "91", 2) == 0) ||
                           (before == 4 && strncmp(digits, "0091", 4) == 0);
    return has_good_prefix && number[0] >= '6';
}
