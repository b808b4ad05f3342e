/* Ranges: "bytes=0-99", "bytes=100-", "bytes=-500". Several at once are answered with the whole file, which is
 * allowed and keeps a small request from asking for a large answer many times over. */
#include "io/http_range.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Reads digits; false when there are none or too many. Leaves *text behind them. */
static bool read_number(const char **text, uint64_t *ret_value)
{
    const char *at = *text;
    uint64_t value = 0;

    for (; *at >= '0' && *at <= '9'; at++) {
        if (value > (UINT64_MAX - 9) / 10)
            return false;
        value = value * 10 + (uint64_t)(*at - '0');
    }
    if (at == *text)
        return false;
    *text = at;
    *ret_value = value;
    return true;
}

static enum http_range_kind take_part(uint64_t from, uint64_t size, uint64_t file_size,
                                      struct http_range *ret_range)
{
    if (from >= file_size || size == 0)
        return HTTP_RANGE_NONE_FITS;
    *ret_range =
        (struct http_range){ .from = from, .size = size < file_size - from ? size : file_size - from };
    return HTTP_RANGE_PART;
}

enum http_range_kind http_range_parse(const char *text, uint64_t file_size, struct http_range *ret_range)
{
    struct http_range all = { .from = 0, .size = file_size };
    uint64_t from = 0;
    uint64_t last = 0;

    enum http_range_kind kind = HTTP_RANGE_ALL;
    if (!text || strncasecmp(text, "bytes=", 6) != 0) {
        *ret_range = all;
        return kind;
    }
    text += 6;
    bool has_from = read_number(&text, &from);
    bool has_dash = *text == '-';
    text += has_dash ? 1 : 0;
    bool has_last = read_number(&text, &last);
    if (!has_dash || *text != '\0' || (!has_from && !has_last) || (has_from && has_last && last < from))
        kind = HTTP_RANGE_ALL;
    else if (!has_from)
        kind = take_part(last < file_size ? file_size - last : 0, last, file_size, &all);
    else
        kind = take_part(from, has_last && last < UINT64_MAX ? last - from + 1 : UINT64_MAX, file_size, &all);
    if (kind != HTTP_RANGE_NONE_FITS)
        *ret_range = all;
    return kind;
}
