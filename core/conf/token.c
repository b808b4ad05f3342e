/* Cuts the text into tokens by the rules of libconfig, a little stricter: a text must end on its line, and a whole number
 * must fit. */
#include "conf/token.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_name_start(char c)
{
    return isalpha((unsigned char)c) || c == '*';
}

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '*' || c == '-' || c == '_';
}

/* What ends a run of characters that is no token. */
static bool is_boundary(char c)
{
    return c == '\0' || isspace((unsigned char)c) || strchr("={}[]();,\"#", c);
}

/* Skips blanks and comments. False when a comment has no end; the tokenizer is at its start then. */
static bool skip_blanks(struct tokenizer *t)
{
    for (;;) {
        if (*t->at == '\n')
            t->line++;
        if (*t->at && isspace((unsigned char)*t->at)) {
            t->at++;
        } else if (*t->at == '#' || (t->at[0] == '/' && t->at[1] == '/')) {
            t->at += strcspn(t->at, "\n");
        } else if (t->at[0] == '/' && t->at[1] == '*') {
            const char *end = strstr(t->at + 2, "*/");
            if (!end)
                return false;
            for (; t->at < end; t->at++)
                if (*t->at == '\n')
                    t->line++;
            t->at = end + 2;
        } else {
            return true;
        }
    }
}

static size_t text_size(const char *start, enum token_kind *ret_kind)
{
    const char *p = start + 1;

    for (; *p && *p != '\n' && *p != '"'; p++)
        if (*p == '\\' && p[1] && p[1] != '\n')
            p++;
    *ret_kind = *p == '"' ? TOKEN_TEXT : TOKEN_OPEN_TEXT;
    return (size_t)(p - start) + (*p == '"');
}

/* A variable without quotes is one run, so that its brackets are not taken for a group's. */
static size_t run_size(const char *start)
{
    size_t size = 0;

    while (!is_boundary(start[size]) || (start[size] == '{' && size > 0 && start[size - 1] == '$')) {
        if (start[size] == '{')
            size += strcspn(start + size, "}\n");
        size += start[size] != '\0' && start[size] != '\n';
    }
    return size > 0 ? size : 1;
}

static enum token_kind whole_number_kind(const char *start, size_t digits_end, size_t suffix)
{
    char *end = NULL;

    errno = 0;
    long long value = strtoll(start, &end, 0);
    if (errno == ERANGE || (size_t)(end - start) != digits_end)
        return errno == ERANGE ? TOKEN_OVERFLOW : TOKEN_JUNK;
    if (suffix > 0)
        return TOKEN_BIG_INT;
    return value < INT32_MIN || value > INT32_MAX ? TOKEN_OVERFLOW : TOKEN_INT;
}

/* What a run of characters that starts like a number is. */
static enum token_kind number_kind(const char *start, size_t size)
{
    size_t sign = *start == '+' || *start == '-' ? 1 : 0;
    size_t suffix = 0;

    while (suffix < 2 && suffix < size && start[size - 1 - suffix] == 'L')
        suffix++;
    size_t end = size - suffix;
    bool is_hex = end > 2 && start[0] == '0' && (start[1] == 'x' || start[1] == 'X');
    if (is_hex && strspn(start + 2, "0123456789abcdefABCDEF") >= end - 2)
        return whole_number_kind(start, end, suffix);
    if (end > sign && strspn(start + sign, "0123456789") >= end - sign) {
        /* With a leading 0, strtoll would read another base than libconfig does. */
        size_t zeros = strspn(start + sign, "0");
        return zeros > 0 && zeros < end - sign ? TOKEN_JUNK : whole_number_kind(start, end, suffix);
    }
    if (suffix == 0 && size > sign && strspn(start + sign, "0123456789.eE+-") >= size - sign) {
        char *float_end = NULL;
        (void)strtod(start, &float_end); /* its end tells whether it is a number at all */
        return (size_t)(float_end - start) == size ? TOKEN_FLOAT : TOKEN_JUNK;
    }
    return TOKEN_JUNK;
}

static enum token_kind word_kind(const char *start, size_t size)
{
    bool is_bool = (size == 4 && strncasecmp(start, "true", 4) == 0) ||
                   (size == 5 && strncasecmp(start, "false", 5) == 0);
    if (is_bool)
        return TOKEN_BOOL;
    for (size_t i = 0; i < size; i++)
        if (!is_name_char(start[i]))
            return TOKEN_JUNK;
    return TOKEN_NAME;
}

static enum token_kind mark_kind(char c)
{
    switch (c) {
    case '=':
    case ':':
        return TOKEN_EQUALS;
    case ';':
        return TOKEN_SEPARATOR;
    case ',':
        return TOKEN_COMMA;
    case '{':
    case '[':
    case '(':
        return TOKEN_OPEN;
    case '}':
    case ']':
    case ')':
        return TOKEN_CLOSE;
    default:
        return TOKEN_END;
    }
}

struct token token_next(struct tokenizer *t)
{
    bool is_closed = skip_blanks(t);
    struct token token = { TOKEN_END, t->at, 0, t->line };
    char c = *t->at;

    if (!is_closed) {
        token.kind = TOKEN_OPEN_COMMENT;
        token.size = strlen(t->at);
    } else if (c != '\0' && mark_kind(c) != TOKEN_END) {
        token.kind = mark_kind(c);
        token.size = 1;
    } else if (c == '"') {
        token.size = text_size(t->at, &token.kind);
    } else if (c != '\0') {
        token.size = run_size(t->at);
        /* "name: value" has no blank before its colon; an address such as https://x has none behind it. */
        const char *colon = is_name_start(c) ? memchr(t->at, ':', token.size) : NULL;
        if (colon && colon[1] != '/')
            token.size = (size_t)(colon - t->at);
        token.kind = is_name_start(c) ? word_kind(t->at, token.size) : TOKEN_JUNK;
        if (isdigit((unsigned char)c) || strchr("+-.", c))
            token.kind = number_kind(t->at, token.size);
    }
    t->at += token.size;
    return token;
}
