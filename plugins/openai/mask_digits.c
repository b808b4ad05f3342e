/* Numbers that people say or that a transcriber writes: joined over fillers and turns, then judged as a
 * whole.
 *
 * A run is a row of digit tokens with nothing but gaps, fillers and speakers' names between them. It is
 * masked when it is a number of a known kind, when it has four digits or more that were spoken one by one,
 * seven or more in any form, or three or more behind a word such as OTP. Amounts, dates and times are left
 * alone: a ticket needs them. */
#include "openai.h"

#include <string.h>

enum {
    SPOKEN_DIGITS_MIN = 4,
    WRITTEN_DIGITS_MIN = 7,
    SECRET_DIGITS_MIN = 3,
    SECRET_WORDS_BACK = 8, /* how far a word such as OTP reaches */
    RUN_DIGITS_MAX = 64,   /* more are still masked, but not told apart */
    RUN_PIECES_MAX = 256,
    GAP_MAX = 6
};

enum token_class {
    TOKEN_OTHER,  /* ends a run */
    TOKEN_DIGITS, /* adds digits */
    TOKEN_REPEAT, /* "double": the next digit counts twice or three times */
    TOKEN_FILLER  /* is passed over */
};

struct token {
    size_t start, end;
    enum token_class class_;
    char digits[24]; /* "98"; empty unless TOKEN_DIGITS */
    unsigned repeat;
    bool is_spoken; /* a word, or a digit by itself */
};

struct run {
    char digits[RUN_DIGITS_MAX + 1];
    size_t count;        /* of digits, also those beyond the array */
    size_t spoken_count; /* of them */
    unsigned repeat;     /* of the next one */
    struct {
        size_t start, end;
    } pieces[RUN_PIECES_MAX];
    size_t piece_count;
    bool piece_is_open;
};

static const struct {
    const char *word, *digits;
} digit_words[] = {
    { "zero", "0" },      { "oh", "0" },       { "o", "0" },          { "nought", "0" },
    { "one", "1" },       { "two", "2" },      { "three", "3" },      { "four", "4" },
    { "five", "5" },      { "six", "6" },      { "seven", "7" },      { "eight", "8" },
    { "nine", "9" },      { "shunya", "0" },   { "jeero", "0" },      { "ek", "1" },
    { "do", "2" },        { "teen", "3" },     { "char", "4" },       { "chaar", "4" },
    { "paanch", "5" },    { "panch", "5" },    { "chhe", "6" },       { "chhah", "6" },
    { "cheh", "6" },      { "saat", "7" },     { "aath", "8" },       { "nau", "9" },
    { "शून्य", "0" },       { "जीरो", "0" },     { "ज़ीरो", "0" },       { "एक", "1" },
    { "दो", "2" },        { "तीन", "3" },      { "चार", "4" },        { "पांच", "5" },
    { "पाँच", "5" },       { "छह", "6" },       { "छः", "6" },         { "छे", "6" },
    { "सात", "7" },       { "आठ", "8" },       { "नौ", "9" },         { "ten", "10" },
    { "eleven", "11" },   { "twelve", "12" },  { "thirteen", "13" },  { "fourteen", "14" },
    { "fifteen", "15" },  { "sixteen", "16" }, { "seventeen", "17" }, { "eighteen", "18" },
    { "nineteen", "19" },
};

/* "ninety eight" is two digits, and so is "ninety" alone. */
static const struct {
    const char *word;
    char digit;
} tens_words[] = {
    { "twenty", '2' }, { "thirty", '3' },  { "forty", '4' },  { "fifty", '5' },
    { "sixty", '6' },  { "seventy", '7' }, { "eighty", '8' }, { "ninety", '9' },
};

static const struct {
    const char *word;
    unsigned times;
} repeat_words[] = { { "double", 2 }, { "triple", 3 }, { "treble", 3 }, { "डबल", 2 }, { "ट्रिपल", 3 } };

static const char *const fillers[] = { "um",    "umm",  "uh",    "uhh",   "er",       "hmm",    "mm",
                                       "ah",    "and",  "then",  "okay",  "ok",       "yes",    "yeah",
                                       "right", "sir",  "madam", "maam",  "haan",     "han",    "ji",
                                       "aur",   "phir", "and",   "agent", "customer", "caller", "speaker",
                                       "अं",     "हाँ",   "जी",    "और",    "फिर" };

static const char *const secret_words[] = {
    "otp", "cvv", "cvc", "pin", "mpin", "password", "passcode", "code"
};

static const char *const money_words[] = { "rs",   "inr",   "rupee", "rupees", "dollar",   "dollars",
                                           "lakh", "lakhs", "crore", "crores", "thousand", "percent" };

/* ---- tokens -------------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_sign(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_word(const char *text, size_t start, size_t end, const char *word)
{
    /* The first letter tells nearly always; measuring the word first costs more. */
    for (; start < end; start++, word++)
        if (lower(text[start]) != *word)
            return false;
    return *word == '\0';
}

static bool is_one_of(const char *text, size_t start, size_t end, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_word(text, start, end, words[i]))
            return true;
    return false;
}

#define IS_ONE_OF(text, start, end, words)                                                                   \
    is_one_of(text, start, end, words, sizeof(words) / sizeof((words)[0]))

/* Devanagari digits are U+0966 to U+096F: E0 A5 A6 to E0 A5 AF. Returns how many, or 0 when `token` has
 * others. */
static size_t devanagari_digits(const char *text, size_t start, size_t end, char *ret_digits, size_t room)
{
    size_t count = 0;
    for (size_t i = start; i < end; i += 3) {
        const unsigned char *p = (const unsigned char *)text + i;
        if (end - i < 3 || p[0] != 0xE0 || p[1] != 0xA5 || p[2] < 0xA6 || p[2] > 0xAF || count + 1 >= room)
            return 0;
        ret_digits[count++] = (char)('0' + p[2] - 0xA6);
    }
    ret_digits[count] = '\0';
    return count;
}

/* "12,500", "21-11-2026", "21/11/26" and "10:30" as one token that is no number of a person. Returns its end,
 * or 0. */
static size_t plain_figure_end(const char *text, size_t start)
{
    size_t end = start;
    size_t groups = 1;
    size_t width = 0;
    size_t first = 0;
    char sign = '\0';
    bool is_regular = true;
    for (;;) {
        for (width = 0; is_digit(text[end]); width++)
            end++;
        if (groups == 1)
            first = width;
        is_regular = is_regular && (groups == 1 || width <= 4);
        char c = text[end];
        if (!is_digit(text[end] ? text[end + 1] : '\0') || !strchr(",-/.:", c) || (sign && c != sign))
            break;
        sign = c;
        groups++;
        end++;
    }
    if (groups == 1 || !is_regular)
        return 0;
    if (sign == ',')
        return first <= 3 && width == 3 ? end : 0;
    if (sign == ':')
        return first <= 2 && width == 2 ? end : 0;
    bool is_day_first = groups == 3 && first <= 2 && (width == 2 || width == 4);
    bool is_year_first = groups == 3 && first == 4 && width <= 2;
    return is_day_first || is_year_first ? end : 0;
}

static bool follows_money(const char *text, size_t start)
{
    size_t end = start;
    while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '.'))
        end--;
    if (end >= 3 && memcmp(text + end - 3, "₹", 3) == 0)
        return true;
    if (end >= 1 && text[end - 1] == '$')
        return true;
    size_t word = end;
    while (word > 0 && is_word_sign(text[word - 1]))
        word--;
    return IS_ONE_OF(text, word, end, money_words);
}

static bool precedes_money(const char *text, size_t end)
{
    size_t word = end + strspn(text + end, " ");
    size_t word_end = word;
    while (is_word_sign(text[word_end]))
        word_end++;
    return IS_ONE_OF(text, word, word_end, money_words) || text[word] == '%';
}

static void read_written(const char *text, struct token *token)
{
    size_t size = token->end - token->start;
    if (size < WRITTEN_DIGITS_MIN && (follows_money(text, token->start) || precedes_money(text, token->end)))
        return;
    size_t kept = size < sizeof(token->digits) - 1 ? size : sizeof(token->digits) - 1;
    memcpy(token->digits, text + token->start, kept);
    token->digits[kept] = '\0';
    token->class_ = TOKEN_DIGITS;
    token->is_spoken = size == 1;
}

/* "ninety" takes the unit that follows it into the same token. */
static void read_tens(const char *text, struct token *token, char digit)
{
    size_t unit = token->end + strspn(text + token->end, " -");
    size_t unit_end = unit;
    while (is_word_sign(text[unit_end]))
        unit_end++;
    token->class_ = TOKEN_DIGITS;
    token->is_spoken = true;
    token->digits[0] = digit;
    token->digits[1] = '0';
    token->digits[2] = '\0';
    for (size_t i = 0; i < sizeof(digit_words) / sizeof(digit_words[0]); i++) {
        if (digit_words[i].digits[1] == '\0' && is_word(text, unit, unit_end, digit_words[i].word)) {
            token->digits[1] = digit_words[i].digits[0];
            token->end = unit_end;
            return;
        }
    }
}

static void read_spoken(const char *text, struct token *token)
{
    token->class_ = TOKEN_OTHER;
    for (size_t i = 0; i < sizeof(digit_words) / sizeof(digit_words[0]); i++) {
        if (is_word(text, token->start, token->end, digit_words[i].word)) {
            token->class_ = TOKEN_DIGITS;
            token->is_spoken = true;
            memcpy(token->digits, digit_words[i].digits, strlen(digit_words[i].digits) + 1);
            return;
        }
    }
    for (size_t i = 0; i < sizeof(tens_words) / sizeof(tens_words[0]); i++) {
        if (is_word(text, token->start, token->end, tens_words[i].word)) {
            read_tens(text, token, tens_words[i].digit);
            return;
        }
    }
    for (size_t i = 0; i < sizeof(repeat_words) / sizeof(repeat_words[0]); i++) {
        if (is_word(text, token->start, token->end, repeat_words[i].word)) {
            token->class_ = TOKEN_REPEAT;
            token->repeat = repeat_words[i].times;
            return;
        }
    }
    if (IS_ONE_OF(text, token->start, token->end, fillers))
        token->class_ = TOKEN_FILLER;
    if (devanagari_digits(text, token->start, token->end, token->digits, sizeof(token->digits))) {
        token->class_ = TOKEN_DIGITS;
        token->is_spoken = true;
    }
}

static bool is_all_digits(const char *text, const struct token *token)
{
    for (size_t i = token->start; i < token->end; i++)
        if (!is_digit(text[i]))
            return false;
    return true;
}

/* Goes through the text once, and beside it through the spans that were there before. */
struct reader {
    const struct mask *mask;
    size_t span, span_count;
};

static bool is_covered(struct reader *reader, size_t at)
{
    const struct mask_span *spans = reader->mask->spans;
    while (reader->span < reader->span_count && spans[reader->span].end <= at)
        reader->span++;
    return reader->span < reader->span_count && spans[reader->span].start <= at;
}

/* The token at or after `at`; false at the end. */
static bool next_token(struct reader *reader, size_t at, struct token *ret_token)
{
    const char *text = reader->mask->text;
    while (text[at] && !is_word_sign(text[at]))
        at++;
    if (!text[at])
        return false;
    size_t end = at;
    while (is_word_sign(text[end]))
        end++;
    *ret_token = (struct token){ .start = at, .end = end, .class_ = TOKEN_OTHER };
    if (is_covered(reader, at))
        return true;
    if (!is_all_digits(text, ret_token)) {
        read_spoken(text, ret_token);
        return true;
    }
    size_t figure_end = plain_figure_end(text, at);
    if (figure_end)
        ret_token->end = figure_end;
    else
        read_written(text, ret_token);
    return true;
}

/* ---- runs ---------------------------------------------------------------------------------------------- */

/* Whether what stands between two tokens lets a number go on. A new line does: people answer in the next
 * turn. */
static bool is_gap(const char *text, size_t start, size_t end)
{
    if (end - start > GAP_MAX)
        return false;
    for (size_t i = start; i < end; i++)
        if (!strchr(" \t\r\n-.,/()+:'?!", text[i]))
            return false;
    return true;
}

static void add_digit(struct run *run, char digit, bool is_spoken)
{
    if (run->count < RUN_DIGITS_MAX) {
        run->digits[run->count] = digit;
        run->digits[run->count + 1] = '\0';
    }
    run->count++;
    run->spoken_count += is_spoken;
}

static void add_token(struct run *run, const struct token *token)
{
    unsigned times = run->repeat ? run->repeat : 1;
    for (size_t i = 0; token->digits[i]; i++)
        for (unsigned j = 0; j < (i == 0 ? times : 1); j++)
            add_digit(run, token->digits[i], token->is_spoken);
    run->repeat = 0;
}

static void add_piece(struct run *run, size_t start, size_t end)
{
    if (run->piece_is_open) {
        run->pieces[run->piece_count - 1].end = end;
        return;
    }
    /* Beyond the last piece everything up to here is one. */
    if (run->piece_count == RUN_PIECES_MAX) {
        run->pieces[run->piece_count - 1].end = end;
        return;
    }
    run->pieces[run->piece_count].start = start;
    run->pieces[run->piece_count++].end = end;
    run->piece_is_open = true;
}

static const char *kind_of(const struct run *run, bool is_secret)
{
    if (run->count <= RUN_DIGITS_MAX) {
        if (mask_is_aadhaar(run->digits))
            return "AADHAAR";
        if (mask_is_mobile(run->digits))
            return "MOBILE";
        if (mask_is_card(run->digits))
            return "CARD";
    }
    if (is_secret && run->count >= SECRET_DIGITS_MIN)
        return "CODE";
    bool is_number = run->spoken_count >= SPOKEN_DIGITS_MIN || run->count >= WRITTEN_DIGITS_MIN;
    return is_number ? "NUMBER" : NULL;
}

static void end_run(struct mask *mask, struct run *run, bool is_secret)
{
    const char *kind = run->count ? kind_of(run, is_secret) : NULL;
    for (size_t i = 0; kind && i < run->piece_count; i++)
        mask_add(mask, run->pieces[i].start, run->pieces[i].end, kind, sb_strdup(mask->x, run->digits));
    *run = (struct run){ .count = 0 };
}

/* Takes one token into the run. False when it ends the run instead. */
static bool take_token(struct run *run, const struct token *token)
{
    switch (token->class_) {
    case TOKEN_DIGITS:
        add_token(run, token);
        add_piece(run, token->start, token->end);
        return true;
    case TOKEN_REPEAT:
        run->repeat = token->repeat;
        add_piece(run, token->start, token->end);
        return true;
    case TOKEN_FILLER:
        run->piece_is_open = false;
        return true;
    case TOKEN_OTHER:
        break;
    }
    return false;
}

void mask_find_digits(struct mask *mask)
{
    struct run *run = sb_alloc(mask->x, sizeof(*run));
    struct reader reader = { .mask = mask, .span_count = mask->count };
    struct token token;
    size_t at = 0;
    unsigned words_since_secret = SECRET_WORDS_BACK + 1;
    *run = (struct run){ .count = 0 };

    while (next_token(&reader, at, &token)) {
        bool is_secret = words_since_secret <= SECRET_WORDS_BACK;
        if (!is_gap(mask->text, at, token.start))
            end_run(mask, run, is_secret);
        if (!take_token(run, &token)) {
            end_run(mask, run, is_secret);
            words_since_secret++;
            if (IS_ONE_OF(mask->text, token.start, token.end, secret_words))
                words_since_secret = 0;
        }
        at = token.end;
    }
    end_run(mask, run, words_since_secret <= SECRET_WORDS_BACK);
}
