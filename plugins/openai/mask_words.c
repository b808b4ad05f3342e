/* Personal data that stands in words: addresses, and the ids that Indian offices and banks give out. */
#include "openai.h"

#include <string.h>

enum { PATTERN_KIND_MAX = 12, SPOKEN_WORD_MAX = 40, DIGITS_IN_WORD_MAX = 8 };

/* A letter, 9 digit, 8 digit but not 0, P the holder letters of a PAN, N letter or digit; others stand for
 * themselves. */
static const struct {
    const char *kind, *pattern;
} patterns[] = {
    { "GSTIN", "99AAAPA9999ANZN" }, { "PAN", "AAAPA9999A" },    { "IFSC", "AAAA0NNNNNN" },
    { "VOTER_ID", "AAA9999999" },   { "PASSPORT", "A8999998" }, { "VEHICLE", "AA99AA9999" },
    { "VEHICLE", "AA99A9999" },     { "VEHICLE", "AA9AA9999" }, { "VEHICLE", "AA9A9999" },
    { "VEHICLE", "AA99AAA9999" },
};

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool is_letter(char c)
{
    return upper(c) >= 'A' && upper(c) <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_address_sign(char c)
{
    return is_letter(c) || is_digit(c) || (c != '\0' && strchr("._%+-@", c));
}

static bool fits_sign(char c, char sign)
{
    switch (sign) {
    case 'A':
        return is_letter(c);
    case '9':
        return is_digit(c);
    case '8':
        return is_digit(c) && c != '0';
    case 'P':
        return c != '\0' && strchr("ABCFGHJLPT", upper(c));
    case 'N':
        return is_letter(c) || is_digit(c);
    default:
        return upper(c) == sign;
    }
}

static bool fits_pattern(const char *word, size_t size, const char *pattern)
{
    if (strlen(pattern) != size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (!fits_sign(word[i], pattern[i]))
            return false;
    return true;
}

static const char *normal(struct mask *mask, size_t start, size_t end)
{
    char *value = sb_strndup(mask->x, mask->text + start, end - start);
    for (char *p = value; *p; p++)
        *p = upper(*p);
    return value;
}

static void add_span(struct mask *mask, size_t start, size_t end, const char *kind)
{
    mask_add(mask, start, end, kind, normal(mask, start, end));
}

/* ---- written addresses --------------------------------------------------------------------------------- */

/* name@host.tld is an e-mail address, name@bank a UPI id. */
static void look_at_address(struct mask *mask, size_t start, size_t end)
{
    const char *text = mask->text;
    while (end > start && strchr(".-%+", text[end - 1]))
        end--;
    const char *at = memchr(text + start, '@', end - start);
    if (!at || at == text + start || at + 1 >= text + end)
        return;
    size_t host = (size_t)(at + 1 - text);
    bool has_dot = memchr(text + host, '.', end - host) != NULL;
    add_span(mask, start, end, has_dot ? "EMAIL" : "UPI");
}

/* ---- words --------------------------------------------------------------------------------------------- */

static void look_at_word(struct mask *mask, size_t start, size_t end)
{
    const char *word = mask->text + start;
    size_t size = end - start;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        if (fits_pattern(word, size, patterns[i].pattern)) {
            add_span(mask, start, end, patterns[i].kind);
            return;
        }
    }
    /* "x9876543210": too many digits in a row to be an article number. Pure digits are the business of
     * mask_digits. */
    size_t run = 0;
    for (size_t i = 0; i <= size; i++) {
        if (i < size && is_digit(word[i])) {
            run++;
            continue;
        }
        if (run > DIGITS_IN_WORD_MAX && run < size)
            add_span(mask, start + i - run, start + i, "NUMBER");
        run = 0;
    }
}

static void find_written(struct mask *mask)
{
    const char *text = mask->text;
    for (size_t i = 0; text[i];) {
        size_t start = i;
        while (is_address_sign(text[i]))
            i++;
        if (i == start) {
            i++;
            continue;
        }
        if (memchr(text + start, '@', i - start)) {
            look_at_address(mask, start, i);
            continue;
        }
        for (size_t at = start; at < i;) {
            size_t word = at;
            while (at < i && (is_letter(text[at]) || is_digit(text[at])))
                at++;
            if (at > word)
                look_at_word(mask, word, at);
            else
                at++;
        }
    }
}

/* ---- spelled addresses: "asha dot k at the rate example dot com" --------------------------------------- */

struct word {
    size_t start, end;
};

/* The word at or after `at`; false at the end of the text. */
static bool next_word(const char *text, size_t at, struct word *ret_word)
{
    while (text[at] && !is_letter(text[at]) && !is_digit(text[at]))
        at++;
    size_t end = at;
    while (is_letter(text[end]) || is_digit(text[end]) || text[end] == '_')
        end++;
    *ret_word = (struct word){ .start = at, .end = end };
    return end > at;
}

/* The word that ends before `at`. */
static bool word_before(const char *text, size_t at, struct word *ret_word)
{
    while (at > 0 && !is_letter(text[at - 1]) && !is_digit(text[at - 1])) {
        if (text[at - 1] == '\n' || text[at - 1] == ':')
            return false;
        at--;
    }
    size_t start = at;
    while (start > 0 && (is_letter(text[start - 1]) || is_digit(text[start - 1]) || text[start - 1] == '_'))
        start--;
    *ret_word = (struct word){ .start = start, .end = at };
    return at > start;
}

static bool is_word(const char *text, const struct word *word, const char *want)
{
    size_t size = strlen(want);
    if (word->end - word->start != size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (upper(text[word->start + i]) != upper(want[i]))
            return false;
    return true;
}

/* The end of "at the rate (of)", or of a bare "at"; 0 when `word` begins neither. *ret_is_full: not the bare
 * one. */
static size_t at_sign_end(const char *text, const struct word *word, bool *ret_is_full)
{
    struct word the;
    struct word rate;
    struct word of;
    *ret_is_full = false;
    if (!is_word(text, word, "at"))
        return 0;
    if (!next_word(text, word->end, &the) || !is_word(text, &the, "the") ||
        !next_word(text, the.end, &rate) || !is_word(text, &rate, "rate"))
        return word->end;
    *ret_is_full = true;
    return next_word(text, rate.end, &of) && is_word(text, &of, "of") ? of.end : rate.end;
}

/* Takes "asha dot k" whole: back over "dot", "underscore" and "dash". */
static size_t name_start(const char *text, size_t start)
{
    struct word joint;
    struct word name;
    while (word_before(text, start, &joint) &&
           (is_word(text, &joint, "dot") || is_word(text, &joint, "underscore") ||
            is_word(text, &joint, "dash")) &&
           word_before(text, joint.start, &name))
        start = name.start;
    return start;
}

static void find_spelled(struct mask *mask)
{
    const char *text = mask->text;
    struct word word;
    for (size_t i = 0; next_word(text, i, &word); i = word.end) {
        bool is_full = false;
        struct word name;
        struct word host;
        struct word dot;
        struct word tld;
        size_t after = at_sign_end(text, &word, &is_full);
        if (!after || !word_before(text, word.start, &name) || !next_word(text, after, &host))
            continue;

        size_t end = host.end;
        bool has_dot = false;
        while (next_word(text, end, &dot) && (is_word(text, &dot, "dot") || is_word(text, &dot, "point")) &&
               next_word(text, dot.end, &tld)) {
            end = tld.end;
            has_dot = true;
        }
        if (has_dot || is_full)
            add_span(mask, name_start(text, name.start), end, has_dot ? "EMAIL" : "UPI");
    }
}

void mask_find_words(struct mask *mask)
{
    find_written(mask);
    find_spelled(mask);
}
