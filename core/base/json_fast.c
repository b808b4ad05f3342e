/* Recursive descent straight over the text. Sound, not complete: what it gives is what jansson would give; whatever is
 * not plain (errors, deep nesting, huge numbers, NUL in texts) it leaves to jansson. */
#include "base/json_fast.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEPTH_MAX = 64,
    SCRATCH_SIZE = 512,
    NUMBER_MAX = 40,
    INTEGER_DIGITS_MAX = 18,
    EXACT_DIGITS_MAX = 15,
    EXACT_POWER_MAX = 22
};

struct reader {
    const char *at, *end;
    unsigned depth;
    bool is_full; /* an allocation failed */
};

/* A text between quotes. `text` is in the document, in `scratch`, or `owned`. */
struct string {
    const char *text;
    size_t size;
    bool is_ascii;
    char *owned;
    char scratch[SCRATCH_SIZE];
};

static json_t *read_value(struct reader *r);

/* Passes a new value on, and remembers when there was no memory for it. */
static json_t *made(struct reader *r, json_t *value)
{
    if (!value)
        r->is_full = true;
    return value;
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
        r->at++;
}

/* Takes `c` after blanks. */
static bool take(struct reader *r, char c)
{
    skip_blanks(r);
    if (r->at >= r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static bool take_word(struct reader *r, const char *word, size_t size)
{
    if ((size_t)(r->end - r->at) < size || memcmp(r->at, word, size) != 0)
        return false;
    r->at += size;
    return true;
}

/* ---- texts --------------------------------------------------------------------------------------------- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Four hexadecimal digits; -1 when they are not. */
static int32_t read_hex4(const char *at, const char *end)
{
    int32_t code = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int value = hex_value(at[i]);
        if (value < 0)
            return -1;
        code = code * 16 + value;
    }
    return code;
}

static size_t put_utf8(char *to, uint32_t code)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xC0 | (code >> 6));
        to[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (char)(0xE0 | (code >> 12));
        to[1] = (char)(0x80 | ((code >> 6) & 0x3F));
        to[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | (code >> 18));
    to[1] = (char)(0x80 | ((code >> 12) & 0x3F));
    to[2] = (char)(0x80 | ((code >> 6) & 0x3F));
    to[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

/* What follows "\u". Gives the bytes written, 0 for what is not plain; moves *at behind it. */
static size_t read_unicode(const char **at, const char *end, char *to)
{
    int32_t code = read_hex4(*at, end);

    *at += 4;
    if (code <= 0 || (code >= 0xDC00 && code <= 0xDFFF))
        return 0;
    if (code < 0xD800 || code > 0xDBFF)
        return put_utf8(to, (uint32_t)code);
    if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return 0;
    int32_t low = read_hex4(*at + 2, end);
    if (low < 0xDC00 || low > 0xDFFF)
        return 0;
    *at += 6;
    return put_utf8(to, 0x10000 + (((uint32_t)code - 0xD800) << 10) + ((uint32_t)low - 0xDC00));
}

/* What follows a backslash. Gives the bytes written, 0 for what is not plain. */
static size_t read_escape(const char **at, const char *end, char *to)
{
    static const char meant[] = { '"', '"',  '\\', '\\', '/', '/',  'b', '\b',
                                  'f', '\f', 'n',  '\n', 'r', '\r', 't', '\t' };

    if (*at >= end)
        return 0;
    char c = *(*at)++;
    if (c == 'u')
        return read_unicode(at, end, to);
    for (size_t i = 0; i < sizeof(meant); i += 2) {
        if (meant[i] == c) {
            to[0] = meant[i + 1];
            return 1;
        }
    }
    return 0;
}

/* A text with escapes: `first` is its first backslash, `last` its closing quote. It only gets shorter. */
static bool unescape(struct string *string, const char *begin, const char *first, const char *last)
{
    size_t size = (size_t)(last - begin), used = (size_t)(first - begin);
    char *to = string->scratch;

    if (size > sizeof(string->scratch))
        to = string->owned = malloc(size);
    if (!to)
        return false;
    memcpy(to, begin, used);
    for (const char *at = first; at < last;) {
        if (*at != '\\') {
            to[used++] = *at++;
            continue;
        }
        at++;
        size_t written = read_escape(&at, last, to + used);
        if (written == 0)
            return false;
        if ((unsigned char)to[used] >= 0x80)
            string->is_ascii = false;
        used += written;
    }
    string->text = to;
    string->size = used;
    return true;
}

/* Behind the opening quote. */
static bool read_string(struct reader *r, struct string *string)
{
    const char *begin = r->at, *first = NULL, *at = begin;
    unsigned char seen = 0;

    string->owned = NULL;
    for (; at < r->end && *at != '"'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c < 0x20)
            return false;
        seen |= c;
        if (c == '\\') {
            if (!first)
                first = at;
            at++; /* whatever it escapes does not end the text */
        }
    }
    if (at >= r->end)
        return false;
    r->at = at + 1;
    string->is_ascii = seen < 0x80;
    string->text = begin;
    string->size = (size_t)(at - begin);
    return !first || unescape(string, begin, first, at);
}

static json_t *read_text(struct reader *r)
{
    struct string string;
    json_t *value = NULL;

    if (read_string(r, &string)) /* jansson looks whether it is UTF-8; plain ASCII is */
        value = string.is_ascii ? made(r, json_stringn_nocheck(string.text, string.size))
                                : json_stringn(string.text, string.size);
    free(string.owned);
    return value;
}

/* ---- numbers ------------------------------------------------------------------------------------------- */

/* The parts of a number, as they are written. */
struct number {
    uint64_t digits; /* all of them, as one integer; only when `count` is small */
    int count, fraction, exponent;
    bool is_negative, is_real;
};

static bool is_digit(const struct reader *r)
{
    return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

/* At least one digit. */
static bool read_digits(struct reader *r, struct number *number)
{
    if (!is_digit(r))
        return false;
    for (; is_digit(r); r->at++) {
        if (number->count < INTEGER_DIGITS_MAX)
            number->digits = number->digits * 10 + (uint64_t)(*r->at - '0');
        if (number->count > 0 || *r->at != '0' || number->is_real)
            number->count++;
    }
    return true;
}

static bool read_exponent(struct reader *r, struct number *number)
{
    bool is_negative = false;
    int exponent = 0;

    if (r->at < r->end && (*r->at == '+' || *r->at == '-'))
        is_negative = *r->at++ == '-';
    if (!is_digit(r))
        return false;
    for (; is_digit(r); r->at++)
        if (exponent < 10000)
            exponent = exponent * 10 + (*r->at - '0');
    number->exponent = is_negative ? -exponent : exponent;
    return true;
}

static bool scan_number(struct reader *r, struct number *number)
{
    *number = (struct number){ .is_negative = *r->at == '-' };
    if (number->is_negative)
        r->at++;
    bool begins_with_zero = r->at < r->end && *r->at == '0';
    const char *begin = r->at;
    if (!read_digits(r, number) || (begins_with_zero && r->at - begin > 1))
        return false;
    if (r->at < r->end && *r->at == '.') {
        r->at++;
        number->is_real = true;
        begin = r->at;
        if (!read_digits(r, number))
            return false;
        number->fraction = (int)(r->at - begin);
    }
    if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        r->at++;
        number->is_real = true;
        return read_exponent(r, number);
    }
    return true;
}

/* With few digits and a small power of ten both are exact as doubles, and so one multiplication or division rounds as
 * strtod does. */
static bool quick_real(const struct number *number, double *ret_real)
{
    static const double powers[EXACT_POWER_MAX + 1] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                        1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                        1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    int power = number->exponent - number->fraction;

    if (number->count > EXACT_DIGITS_MAX || power > EXACT_POWER_MAX || power < -EXACT_POWER_MAX)
        return false;
    double real = (double)number->digits;
    real = power < 0 ? real / powers[-power] : real * powers[power];
    *ret_real = number->is_negative ? -real : real;
    return true;
}

static bool slow_real(const char *begin, size_t size, double *ret_real)
{
    char text[NUMBER_MAX + 1];
    char *end = NULL;

    if (size > NUMBER_MAX)
        return false;
    memcpy(text, begin, size);
    text[size] = '\0';
    *ret_real = strtod(text, &end);
    return *end == '\0' && isfinite(*ret_real);
}

static json_t *read_number(struct reader *r)
{
    const char *begin = r->at;
    struct number number;
    double real = 0;

    if (!scan_number(r, &number))
        return NULL;
    if (number.is_real)
        return quick_real(&number, &real) || slow_real(begin, (size_t)(r->at - begin), &real)
                   ? made(r, json_real(real))
                   : NULL;
    if (number.count > INTEGER_DIGITS_MAX)
        return NULL;
    json_int_t integer = (json_int_t)number.digits;
    return made(r, json_integer(number.is_negative ? -integer : integer));
}

/* ---- arrays and objects -------------------------------------------------------------------------------- */

static bool read_items(struct reader *r, json_t *array)
{
    if (take(r, ']'))
        return true;
    do {
        json_t *value = read_value(r);
        if (!value)
            return false;
        if (json_array_append_new(array, value) < 0) {
            r->is_full = true;
            return false;
        }
    } while (take(r, ','));
    return take(r, ']');
}

/* A member that is there already is found by the object not growing: jansson has the words for it. */
static bool read_member(struct reader *r, json_t *object)
{
    struct string name;
    size_t size = json_object_size(object);

    if (!take(r, '"'))
        return false;
    bool is_good = read_string(r, &name) && name.is_ascii && take(r, ':');
    json_t *value = is_good ? read_value(r) : NULL;
    if (value && json_object_setn_new_nocheck(object, name.text, name.size, value) < 0)
        r->is_full = true;
    free(name.owned);
    return value && json_object_size(object) > size;
}

static bool read_members(struct reader *r, json_t *object)
{
    if (take(r, '}'))
        return true;
    do {
        if (!read_member(r, object))
            return false;
    } while (take(r, ','));
    return take(r, '}');
}

static json_t *read_container(struct reader *r, bool is_object)
{
    json_t *container = NULL;

    r->at++;
    if (r->depth >= DEPTH_MAX)
        return NULL;
    r->depth++;
    container = made(r, is_object ? json_object() : json_array());
    if (container && !(is_object ? read_members(r, container) : read_items(r, container))) {
        json_decref(container);
        container = NULL;
    }
    r->depth--;
    return container;
}

static json_t *read_value(struct reader *r)
{
    skip_blanks(r);
    if (r->at >= r->end)
        return NULL;
    switch (*r->at) {
    case '{':
        return read_container(r, true);
    case '[':
        return read_container(r, false);
    case '"':
        r->at++;
        return read_text(r);
    case 't':
        return take_word(r, "true", 4) ? json_true() : NULL;
    case 'f':
        return take_word(r, "false", 5) ? json_false() : NULL;
    case 'n':
        return take_word(r, "null", 4) ? json_null() : NULL;
    default:
        return *r->at == '-' || is_digit(r) ? read_number(r) : NULL;
    }
}

json_t *json_fast(const char *text, size_t size, bool *ret_is_full)
{
    struct reader r = { .at = text, .end = text + size };
    json_t *value = text ? read_value(&r) : NULL;

    *ret_is_full = r.is_full;
    skip_blanks(&r);
    if (value && r.at < r.end) {
        json_decref(value);
        return NULL;
    }
    return value;
}
