/* Finds what must not be shown in a text: one function for each kind of it, tried at every position in turn.
 */
#include "base/mask.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PHONE_DIGITS_MIN = 7, PHONE_DIGITS_MAX = 15, KEY_LENGTH_MIN = 32, WORD_BEFORE_MAX = 16 };

static const char secret_word[] = "[secret]";

/* One look at one place. `text` is the whole, `at` the place; each matcher appends its replacement and
 * returns how many bytes it stands for, or returns 0. */
typedef size_t (*matcher_fn)(struct buf *out, const char *text, const char *at);

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_key_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.' || c == '~' || c == '+' || c == '/';
}

static size_t span_of(const char *at, bool (*is_member)(char))
{
    size_t size = 0;

    while (at[size] && is_member(at[size]))
        size++;
    return size;
}

static bool starts_word(const char *text, const char *at)
{
    return at == text || !is_word_char(at[-1]);
}

/* ---- URLs and credentials ---- */

static bool is_host_char(char c)
{
    return c && !isspace((unsigned char)c) && !strchr("/?#\"'<>\\", c);
}

static bool is_path_char(char c)
{
    return c && !isspace((unsigned char)c) && !strchr("?#\"'<>\\", c);
}

static bool is_query_char(char c)
{
    return c && !isspace((unsigned char)c) && !strchr("\"'<>\\", c);
}

/* "://" and the part up to the '@' of "https://user:password@host". */
static size_t match_userinfo(struct buf *out, const char *text, const char *at)
{
    if (strncmp(at, "://", 3) != 0 || at == text || !isalpha((unsigned char)at[-1]))
        return 0;
    size_t host = span_of(at + 3, is_host_char);
    size_t userinfo = host;
    while (userinfo > 0 && at[3 + userinfo - 1] != '@')
        userinfo--;
    if (userinfo == 0)
        return 0;
    buf_str(out, "://[secret]@");
    return 3 + userinfo;
}

/* The query of a URL or of an absolute path; any other question mark ends a sentence. */
static size_t match_query(struct buf *out, const char *text, const char *at)
{
    if (*at != '?')
        return 0;
    const char *start = at;
    while (start > text && is_path_char(start[-1]))
        start--;
    if (start == at || (*start != '/' && !memmem(start, (size_t)(at - start), "://", 3)))
        return 0;
    size_t query = span_of(at + 1, is_query_char);
    if (!memchr(at, '=', query + 1))
        return 0;
    buf_str(out, "?[hidden]");
    return 1 + query;
}

/* "Bearer x", "Basic x", "Token x", "Zoho-oauthtoken x", where x is long enough not to be a word of a
 * sentence. */
static size_t match_credentials(struct buf *out, const char *text, const char *at)
{
    static const char *const schemes[] = { "bearer ", "basic ", "token ", "oauthtoken " };
    enum { CREDENTIAL_MIN = 8 };

    if (at > text && isalnum((unsigned char)at[-1]))
        return 0;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t scheme = strlen(schemes[i]);
        if (strncasecmp(at, schemes[i], scheme) != 0)
            continue;
        size_t size = span_of(at + scheme, is_key_char);
        bool is_a_word = strcspn(at + scheme, "0123456789+/_=.") >= size && i != 0 && i != 1;
        while (at[scheme + size] == '=')
            size++;
        if (size < CREDENTIAL_MIN || is_a_word)
            return 0;
        buf_add(out, at, scheme);
        buf_str(out, secret_word);
        return scheme + size;
    }
    return 0;
}

/* "sk-..." and the "1000.xxx.yyy" of Zoho's tokens, whatever stands before them. */
static size_t match_known_key(struct buf *out, const char *text, const char *at)
{
    enum { SK_MIN = 12, ZOHO_PART_MIN = 16 };

    if (!starts_word(text, at))
        return 0;
    if (strncmp(at, "sk-", 3) == 0) {
        size_t size = span_of(at, is_key_char);
        if (size < SK_MIN)
            return 0;
        buf_str(out, secret_word);
        return size;
    }
    if (strncmp(at, "1000.", 5) != 0)
        return 0;
    size_t first = strspn(at + 5, "0123456789abcdefABCDEF");
    size_t second = at[5 + first] == '.' ? strspn(at + 6 + first, "0123456789abcdefABCDEF") : 0;
    if (first < ZOHO_PART_MIN || second < ZOHO_PART_MIN)
        return 0;
    buf_str(out, secret_word);
    return 6 + first + second;
}

/* Whether one of the words that announce a secret ends right before `at`, quotes and an equal sign or colon
 * apart. */
static bool is_announced(const char *text, const char *at)
{
    static const char *const words[] = { "key", "token", "secret", "password" };
    const char *end = at;

    while (end > text && strchr(" \t=:\"'", end[-1]))
        end--;
    if (end == at)
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t length = strlen(words[i]);
        if ((size_t)(end - text) >= length && strncasecmp(end - length, words[i], length) == 0)
            return true;
    }
    return false;
}

/* A long mixed run behind a word that announces it. */
static size_t match_announced_key(struct buf *out, const char *text, const char *at)
{
    size_t size = starts_word(text, at) && is_announced(text, at) ? span_of(at, is_key_char) : 0;
    bool has_digit = false, has_letter = false;

    for (size_t i = 0; i < size; i++) {
        has_digit = has_digit || isdigit((unsigned char)at[i]);
        has_letter = has_letter || isalpha((unsigned char)at[i]);
    }
    if (size < KEY_LENGTH_MIN || !has_digit || !has_letter)
        return 0;
    buf_str(out, secret_word);
    return size;
}

/* ---- personal data ---- */

static bool is_mailbox_char(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 || (c && strchr("._%+-", c));
}

static bool is_domain_char(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '.';
}

static size_t match_email(struct buf *out, const char *text, const char *at)
{
    if (at > text && is_mailbox_char(at[-1]))
        return 0;
    size_t mailbox = span_of(at, is_mailbox_char);
    if (mailbox == 0 || at[mailbox] != '@')
        return 0;
    size_t domain = span_of(at + mailbox + 1, is_domain_char);
    while (domain > 0 &&
           !isalnum((unsigned char)at[mailbox + domain])) /* the full stop of a sentence is not part of it */
        domain--;
    if (domain == 0 || !memchr(at + mailbox + 1, '.', domain))
        return 0;
    buf_str(out, "[email]");
    return mailbox + 1 + domain;
}

/* Reads `text` by `form`: '9' stands for a digit, 'x' for a hexadecimal one, everything else for itself. */
static size_t match_form(const char *text, const char *form)
{
    size_t i = 0;

    for (; form[i]; i++) {
        bool is_good = form[i] == '9'   ? isdigit((unsigned char)text[i])
                       : form[i] == 'x' ? isxdigit((unsigned char)text[i])
                                        : text[i] == form[i];
        if (!is_good)
            return 0;
    }
    return i;
}

/* Four numbers with dots: more digits than a phone number needs, and yet an address of the network. */
static size_t match_ipv4(const char *at)
{
    size_t size = 0;

    for (int part = 0; part < 4; part++) {
        size_t digits = strspn(at + size, "0123456789");
        if (digits == 0 || digits > 3)
            return 0;
        size += digits;
        if (part < 3 && at[size++] != '.')
            return 0;
    }
    return at[size] == '.' && isdigit((unsigned char)at[size + 1]) ? 0 : size;
}

/* Dates, times, addresses and identifiers that look like phone numbers: kept as they are. */
static size_t match_innocent(struct buf *out, const char *text, const char *at)
{
    static const char *const forms[] = {
        "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
        "9999-99-99T99:99:99.999",
        "9999-99-99T99:99:99",
        "9999-99-99 99:99:99",
        "9999-99-99",
        "9999/99/99",
        "99/99/9999",
        "99:99:99",
    };

    if (!starts_word(text, at) || !isxdigit((unsigned char)*at))
        return 0;
    size_t size = match_ipv4(at);
    for (size_t i = 0; size == 0 && i < sizeof(forms) / sizeof(forms[0]); i++)
        size = match_form(at, forms[i]);
    if (size == 0 || isalnum((unsigned char)at[size])) {
        /* "...T09:00:11Z" ends in a letter that belongs to it */
        if (size == 0 || at[size] != 'Z' || is_word_char(at[size + 1]))
            return 0;
    }
    buf_add(out, at, size);
    return size;
}

/* The length of a telephone number written at `at`: groups of digits with at most two separators between
 * them. */
static size_t phone_length(const char *at, size_t *ret_digits)
{
    size_t size = 0, digits = 0;

    if (at[0] == '+' || at[0] == '(')
        size = at[0] == '+' && at[1] == '(' ? 2 : 1;
    for (size_t end = size;;) {
        size_t group = strspn(at + end, "0123456789");
        if (group == 0)
            break;
        digits += group;
        end += group;
        size = end;
        if (digits > PHONE_DIGITS_MAX)
            break;
        size_t gap = strspn(at + end, " -().");
        if (gap > 2)
            break;
        end += gap;
    }
    *ret_digits = digits;
    return size;
}

static size_t match_phone(struct buf *out, const char *text, const char *at)
{
    /* A digit behind a letter is part of an identifier; '#' announces a ticket's number. */
    bool can_start =
        at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '#' || (unsigned char)at[-1] >= 0x80);
    if (!can_start || !(isdigit((unsigned char)*at) || *at == '+' || *at == '('))
        return 0;
    size_t digits = 0;
    size_t size = phone_length(at, &digits);
    if (digits < PHONE_DIGITS_MIN || digits > PHONE_DIGITS_MAX || isalpha((unsigned char)at[size]))
        return 0;

    char last[3] = "";
    size_t kept = 2;
    for (size_t i = size; i > 0 && kept > 0; i--)
        if (isdigit((unsigned char)at[i - 1]))
            last[--kept] = at[i - 1];
    buf_printf(out, "***%s", last);
    return size;
}

void mask_text(struct buf *out, const char *text)
{
    static const matcher_fn matchers[] = { match_userinfo,  match_query,         match_credentials,
                                           match_known_key, match_announced_key, match_email,
                                           match_innocent,  match_phone };

    for (const char *at = text; *at;) {
        size_t size = 0;
        for (size_t i = 0; i < sizeof(matchers) / sizeof(matchers[0]) && size == 0; i++)
            size = matchers[i](out, text, at);
        if (size == 0 && isdigit((unsigned char)*at)) {
            /* What was not a phone number from its first digit is none from its second. */
            size = strspn(at, "0123456789");
            buf_add(out, at, size);
        } else if (size == 0) {
            size = 1;
            buf_char(out, *at);
        }
        at += size;
    }
}

void mask_phone(const char *phone, char ret_text[24])
{
    size_t length = strlen(phone);

    if (length < PHONE_DIGITS_MIN || strspn(phone, "+-() .0123456789") != length)
        (void)snprintf(ret_text, 24, "…");
    else
        (void)snprintf(ret_text, 24, "%.*s…%s", phone[0] == '+' ? 5 : 4, phone, phone + length - 2);
}
