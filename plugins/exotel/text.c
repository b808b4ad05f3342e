/* Small texts of the Exotel source: offsets, spans, dates, query values, telephone lines; and JSON that
 * cannot fail. */
#include <string.h>

#include "exotel.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Two digits at `text` as a number, or -1. */
static int two_digits(const char *text)
{
    if (!is_digit(text[0]) || !is_digit(text[1]))
        return -1;
    return (text[0] - '0') * 10 + (text[1] - '0');
}

int exo_parse_offset(const char *text, int *ret_minutes)
{
    enum { HOURS_MAX = 18 };

    if (!text || strlen(text) != strlen("+05:30") || (text[0] != '+' && text[0] != '-') || text[3] != ':')
        return -1;
    int hours = two_digits(text + 1);
    int minutes = two_digits(text + 4);
    if (hours < 0 || hours > HOURS_MAX || minutes < 0 || minutes > 59)
        return -1;
    *ret_minutes = (text[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
    return 0;
}

static int64_t unit_ms(const char *unit)
{
    if (!unit[0] || unit[1])
        return -1;
    switch (unit[0]) {
    case 's':
        return EXO_SECOND_MS;
    case 'm':
        return EXO_MINUTE_MS;
    case 'h':
        return EXO_HOUR_MS;
    case 'd':
        return EXO_DAY_MS;
    default:
        return -1;
    }
}

int exo_parse_since(const char *text, int64_t *ret_ms)
{
    enum { DIGITS_MAX = 9 };
    int64_t count = 0;
    size_t digits = 0;

    if (!text)
        return -1;
    if (strcmp(text, "now") == 0) {
        *ret_ms = 0;
        return 0;
    }
    for (; is_digit(text[digits]); digits++) {
        if (digits == DIGITS_MAX)
            return -1;
        count = count * 10 + (text[digits] - '0');
    }
    int64_t unit = unit_ms(text + digits);
    if (digits == 0 || unit < 0)
        return -1;
    *ret_ms = count * unit;
    return 0;
}

int64_t exo_parse_http_date(const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char wall[] = "YYYY-MM-DD hh:mm:ss";

    /* "Tue, 10 Mar 2026 09:00:00 GMT" */
    if (!text || strlen(text) != 29 || strcmp(text + 25, " GMT") != 0)
        return EXO_UNKNOWN;
    size_t month = 0;
    for (size_t i = 0; i < 12 && month == 0; i++)
        if (memcmp(months + 3 * i, text + 8, 3) == 0)
            month = i + 1;
    if (month == 0)
        return EXO_UNKNOWN;
    memcpy(wall, text + 12, 4);
    wall[5] = (char)('0' + month / 10);
    wall[6] = (char)('0' + month % 10);
    memcpy(wall + 8, text + 5, 2);
    memcpy(wall + 11, text + 17, 8);
    return sb_parse_wall_time(wall, 0);
}

const char *exo_text(struct sb_exchange *x, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (json_is_integer(value))
        return sb_printf(x, "%lld", (long long)json_integer_value(value));
    const char *text = json_string_value(value);
    if (!text || !text[0] || strcmp(text, "null") == 0 || strcmp(text, "N/A") == 0)
        return NULL;
    return text;
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    c = to_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes the `size` bytes at `text`. A '+' stays what it is: the value is an opaque token. */
static const char *decode(struct sb_exchange *x, const char *text, size_t size)
{
    char *out = sb_alloc(x, size + 1);
    size_t length = 0;

    for (size_t i = 0; i < size; i++) {
        bool is_escape =
            text[i] == '%' && i + 2 < size && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
        if (is_escape) {
            out[length++] = (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        } else {
            out[length++] = text[i];
        }
    }
    out[length] = '\0';
    return out;
}

const char *exo_query_value(struct sb_exchange *x, const char *uri, const char *name)
{
    size_t name_size = strlen(name);

    for (const char *at = strchr(uri, '?'); at; at = strchr(at, '&')) {
        at++;
        if (strncmp(at, name, name_size) != 0 || at[name_size] != '=')
            continue;
        const char *value = at + name_size + 1;
        size_t size = strcspn(value, "&#");
        return size > 0 ? decode(x, value, size) : NULL;
    }
    return NULL;
}

const char *exo_without_query(struct sb_exchange *x, const char *url)
{
    return sb_strndup(x, url, strcspn(url, "?#"));
}

bool exo_is_signed(const char *url)
{
    return strstr(url, "X-Amz-") || strstr(url, "x-amz-") || strstr(url, "Signature=");
}

const char *exo_host(struct sb_exchange *x, const char *url)
{
    const char *begin = strstr(url, "://");

    if (!begin)
        return "";
    begin += 3;
    size_t size = strcspn(begin, "/?#");
    const char *user_end = memchr(begin, '@', size);
    if (user_end) {
        size -= (size_t)(user_end + 1 - begin);
        begin = user_end + 1;
    }
    char *host = sb_strndup(x, begin, size);
    for (char *c = host; *c; c++)
        *c = to_lower(*c);
    return host;
}

/* ---- telephone lines ----------------------------------------------------------------------------------- */

/* The part of a SIP address behind "sip:" (and "sips:"), in lower case; NULL when `text` is none. */
static const char *sip_name(struct sb_exchange *x, const char *text)
{
    char *lower = sb_strdup(x, text);

    for (char *c = lower; *c; c++)
        *c = to_lower(*c);
    if (strncmp(lower, "sip:", 4) == 0)
        return lower + 4;
    return strncmp(lower, "sips:", 5) == 0 ? lower + 5 : NULL;
}

/* The list of calls names "sip:id", other places "sip:id@domain": without a domain on one side, it does not
 * count. */
static bool same_sip(const char *a, const char *b)
{
    const char *domain_a = strchr(a, '@');
    const char *domain_b = strchr(b, '@');

    if ((domain_a == NULL) == (domain_b == NULL))
        return strcmp(a, b) == 0;
    size_t size_a = strcspn(a, "@");
    return size_a == strcspn(b, "@") && memcmp(a, b, size_a) == 0;
}

bool exo_same_line(struct sb_exchange *x, const char *a, const char *b)
{
    enum { NATIONAL_DIGITS = 10 };

    if (!a || !b)
        return false;
    const char *sip_a = sip_name(x, a);
    const char *sip_b = sip_name(x, b);
    if (sip_a || sip_b)
        return sip_a && sip_b && same_sip(sip_a, sip_b);
    const char *last_a = sb_last_digits(x, a, NATIONAL_DIGITS);
    const char *last_b = sb_last_digits(x, b, NATIONAL_DIGITS);
    if (last_a && last_b)
        return strcmp(last_a, last_b) == 0;

    /* Short numbers (extensions): as numbers, whatever zeros stand in front. */
    const char *digits_a = sb_digits(x, a);
    const char *digits_b = sb_digits(x, b);
    digits_a += strspn(digits_a, "0");
    digits_b += strspn(digits_b, "0");
    return digits_a[0] && strcmp(digits_a, digits_b) == 0;
}

/* ---- JSON ---------------------------------------------------------------------------------------------- */

void exo_must(struct sb_exchange *x, int rc)
{
    if (rc < 0)
        (void)sb_alloc(x, SIZE_MAX / 2); /* leaves the function: no memory is a retry of the step */
}

json_t *exo_object(struct sb_exchange *x)
{
    json_t *object = json_object();

    exo_must(x, object ? 0 : -1);
    return sb_keep(x, object);
}

json_t *exo_copy(struct sb_exchange *x, const json_t *value)
{
    json_t *copy = json_deep_copy(value);

    exo_must(x, copy ? 0 : -1);
    return sb_keep(x, copy);
}

void exo_put(struct sb_exchange *x, json_t *object, const char *name, json_t *value)
{
    exo_must(x, json_object_set_new(object, name, value));
}

void exo_put_str(struct sb_exchange *x, json_t *object, const char *name, const char *text)
{
    exo_put(x, object, name, text ? json_string(text) : json_null());
}
