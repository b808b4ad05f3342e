/* Text to values, with errors that say what would have been right. */
#include "base/parse.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *word;
    int64_t factor;
};

static const struct unit duration_units[] = {
    { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 },
};

static const struct unit size_units[] = {
    { "", 1 }, { "k", INT64_C(1) << 10 }, { "m", INT64_C(1) << 20 }, { "g", INT64_C(1) << 30 }, { NULL, 0 },
};

static const struct unit rate_units[] = {
    { "/s", 1000 },
    { "/min", 60000 },
    { "/h", 3600000 },
    { NULL, 0 },
};

static const struct unit *find_unit(const struct unit *units, const char *word)
{
    for (; units->word; units++)
        if (strcasecmp(units->word, word) == 0)
            return units;
    return NULL;
}

/* Reads the digits at the start of `text`. Returns what follows them, NULL when there are none; `*ret_fits`
 * is false when the number is larger than an int64_t. */
static const char *read_digits(const char *text, int64_t *ret_number, bool *ret_fits)
{
    int64_t number = 0;
    bool fits = true;
    const char *p = text;

    for (; isdigit((unsigned char)*p); p++) {
        int digit = *p - '0';
        if (number > (INT64_MAX - digit) / 10)
            fits = false;
        else
            number = number * 10 + digit;
    }
    if (p == text)
        return NULL;
    *ret_number = number;
    *ret_fits = fits;
    return p;
}

int parse_duration(const char *text, int64_t *ret_ms, struct sb_error *err)
{
    int64_t number = 0;
    bool fits = false;
    const char *rest = read_digits(text, &number, &fits);

    if (!rest)
        return sb_fail(err, SB_ECONFIG, "'%s' is not a duration such as 30s", text);
    if (*rest == '.')
        return sb_fail(err, SB_ECONFIG, "'%s' is not a whole number; use a smaller unit, as in 90m or 1500ms",
                       text);
    const struct unit *unit = find_unit(duration_units, rest);
    if (!unit)
        return sb_fail(err, SB_ECONFIG, "'%s' needs a unit: ms, s, m, h or d", text);
    if (!fits || number > INT64_MAX / unit->factor)
        return sb_fail(err, SB_ECONFIG, "'%s' is too long a duration", text);
    *ret_ms = number * unit->factor;
    return 0;
}

int parse_size(const char *text, int64_t *ret_bytes, struct sb_error *err)
{
    int64_t number = 0;
    bool fits = false;
    const char *rest = read_digits(text, &number, &fits);

    if (!rest)
        return sb_fail(err, SB_ECONFIG, "'%s' is not a size such as 25m", text);
    const struct unit *unit = find_unit(size_units, rest);
    if (!unit)
        return sb_fail(err, SB_ECONFIG,
                       "'%s' has an unknown unit; write bytes, or k, m or g behind a whole number", text);
    if (!fits || number > INT64_MAX / unit->factor)
        return sb_fail(err, SB_ECONFIG, "'%s' is too large a size", text);
    *ret_bytes = number * unit->factor;
    return 0;
}

int parse_rate(const char *text, int64_t *ret_events, int64_t *ret_period_ms, struct sb_error *err)
{
    if (strcasecmp(text, "unlimited") == 0) {
        *ret_events = 0;
        *ret_period_ms = 1000;
        return 0;
    }

    int64_t events = 0;
    bool fits = false;
    const char *rest = read_digits(text, &events, &fits);
    if (!rest)
        return sb_fail(err, SB_ECONFIG, "'%s' is not a rate such as 200/min, nor \"unlimited\"", text);
    const struct unit *unit = find_unit(rate_units, rest);
    if (!unit)
        return sb_fail(err, SB_ECONFIG, "'%s' needs a period: /s, /min or /h", text);
    if (!fits || events > INT32_MAX)
        return sb_fail(err, SB_ECONFIG, "'%s' is too high a rate; write \"unlimited\"", text);
    if (events == 0)
        return sb_fail(err, SB_ECONFIG,
                       "'%s' would let nothing through; write a rate such as 200/min, or \"unlimited\"",
                       text);
    *ret_events = events;
    *ret_period_ms = unit->factor;
    return 0;
}

int parse_int(const char *text, int64_t *ret_value, struct sb_error *err)
{
    bool is_negative = *text == '-';
    int64_t number = 0;
    bool fits = false;
    const char *rest = read_digits(is_negative ? text + 1 : text, &number, &fits);

    if (!rest || *rest)
        return sb_fail(err, SB_ECONFIG, "'%s' is not a whole number", text);
    if (!fits)
        return sb_fail(err, SB_ECONFIG, "'%s' is too large a number", text);
    *ret_value = is_negative ? -number : number;
    return 0;
}

int parse_bool(const char *text, bool *ret_value, struct sb_error *err)
{
    static const char *const words[][2] = {
        { "true", "false" }, { "yes", "no" }, { "on", "off" }, { "1", "0" }
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        for (size_t j = 0; j < 2; j++)
            if (strcasecmp(text, words[i][j]) == 0) {
                *ret_value = j == 0;
                return 0;
            }
    return sb_fail(err, SB_ECONFIG, "'%s' is neither true nor false", text);
}

/* Splits "host:port" at the colon that is not part of an IPv6 address. Returns the port's text or NULL. */
static const char *split_listen(const char *text, const char **ret_host, size_t *ret_host_size)
{
    if (*text == '[') {
        const char *end = strchr(text, ']');
        if (!end || end[1] != ':')
            return NULL;
        *ret_host = text + 1;
        *ret_host_size = (size_t)(end - text - 1);
        return end + 2;
    }

    const char *colon = strchr(text, ':');
    if (!colon || strchr(colon + 1, ':'))
        return NULL; /* none, or an IPv6 address without its brackets */
    *ret_host = text;
    *ret_host_size = (size_t)(colon - text);
    return colon + 1;
}

static bool is_host(const char *host, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)host[i]) && !strchr(".-:_%", host[i]))
            return false;
    return true;
}

int parse_listen(const char *text, char ret_host[64], uint16_t *ret_port, struct sb_error *err)
{
    const char *host = NULL;
    size_t host_size = 0;
    const char *port_text = split_listen(text, &host, &host_size);

    if (!port_text || host_size >= 64 || !is_host(host, host_size))
        return sb_fail(err, SB_ECONFIG,
                       "'%s' is not an address to listen on, such as 127.0.0.1:8080 or [::1]:8080", text);
    int64_t port = 0;
    if (parse_int(port_text, &port, NULL) < 0 || port < 0 || port > UINT16_MAX)
        return sb_fail(err, SB_ECONFIG, "'%s' needs a port from 0 to 65535 behind the colon", text);
    memcpy(ret_host, host, host_size);
    ret_host[host_size] = '\0';
    *ret_port = (uint16_t)port;
    return 0;
}

enum { NEAREST_WORD_MAX = 48 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;

    return least < c ? least : c;
}

/* Edits from `a` to `b`, where two swapped neighbours count once, letter case not at all. Both are bounded.
 */
static unsigned edit_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    unsigned rows[3][NEAREST_WORD_MAX + 1];

    assert(a_size <= NEAREST_WORD_MAX && b_size <= NEAREST_WORD_MAX);
    for (size_t j = 0; j <= b_size; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_size; i++) {
        unsigned *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b_size; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                y == tolower((unsigned char)a[i - 2]) && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
    }
    return rows[a_size % 3][b_size];
}

const char *parse_nearest(const char *word, const char *const *words)
{
    size_t size = strlen(word);
    if (size == 0 || size > NEAREST_WORD_MAX)
        return NULL;

    /* One slip in a short word, one more for every three letters: beyond that, a guess misleads. */
    unsigned best_distance = (unsigned)(size < 6 ? 1 : size / 3) + 1;
    const char *best = NULL;
    for (; *words; words++) {
        size_t candidate_size = strlen(*words);
        if (candidate_size > NEAREST_WORD_MAX)
            continue;
        unsigned distance = edit_distance(word, size, *words, candidate_size);
        if (distance < best_distance) {
            best_distance = distance;
            best = *words;
        }
    }
    return best;
}

/* Writes `value` in `unit` with at most one decimal, which is dropped when it is zero. */
static void format_amount(int64_t value, int64_t unit, const char *word, char ret_text[24])
{
    int64_t whole = value / unit;
    int64_t tenth = (value % unit) / (unit / 10 > 0 ? unit / 10 : 1);

    if (unit > 1 && tenth > 0 && tenth < 10)
        (void)snprintf(ret_text, 24, "%" PRId64 ".%" PRId64 "%s", whole, tenth, word);
    else
        (void)snprintf(ret_text, 24, "%" PRId64 "%s", whole, word);
}

void format_duration(int64_t ms, char ret_text[24])
{
    if (ms < 0) {
        (void)snprintf(ret_text, 24, "%" PRId64 "ms", ms);
        return;
    }

    /* The largest unit that fits without a fraction, if it is not a clumsy number; else the largest that is
     * reached. */
    const struct unit *reached = &duration_units[0];
    const struct unit *whole = &duration_units[0];
    for (const struct unit *unit = duration_units; unit->word; unit++) {
        if (ms >= unit->factor)
            reached = unit;
        if (ms > 0 && ms % unit->factor == 0)
            whole = unit;
    }
    const struct unit *unit = ms / whole->factor < 1000 || whole == reached ? whole : reached;
    if (ms == 0)
        unit = &duration_units[1];
    format_amount(ms, unit->factor, unit->word, ret_text);
}

void format_size(int64_t bytes, char ret_text[24])
{
    const struct unit *reached = &size_units[0];

    for (const struct unit *unit = size_units; unit->word; unit++)
        if (bytes >= unit->factor)
            reached = unit;
    format_amount(bytes, reached->factor, reached->word, ret_text);
}
