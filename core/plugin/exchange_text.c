/* Texts and times on a plugin's behalf: escaping, cutting, mending, the clock's faces. */
#include <stdlib.h>
#include <string.h>

#include "base/json_digest.h"
#include "base/timefmt.h"
#include "base/utf8.h"
#include "io/url.h"
#include "plugin/exchange_inner.h"

const char *sb_html(struct sb_exchange *x, const char *text)
{
    struct buf out;

    buf_init(&out, EXCHANGE_MEMORY_MAX);
    utf8_html(&out, text ? text : "");
    return exchange_keep_buf(x, &out);
}

const char *sb_utf8(struct sb_exchange *x, const char *text)
{
    struct buf out;

    buf_init(&out, EXCHANGE_MEMORY_MAX);
    utf8_mend(&out, text ? text : "", text ? strlen(text) : 0);
    return exchange_keep_buf(x, &out);
}

const char *sb_cut(struct sb_exchange *x, const char *text, size_t characters_max)
{
    static const char mark[] = "\xe2\x80\xa6"; /* an ellipsis, one character */

    if (!text || characters_max == 0)
        return "";
    if (utf8_characters(text) <= characters_max)
        return sb_strdup(x, text);
    size_t size = utf8_prefix(text, characters_max - 1);
    char *cut = exchange_alloc(x, size + sizeof(mark));
    memcpy(cut, text, size);
    memcpy(cut + size, mark, sizeof(mark));
    return cut;
}

size_t sb_characters(const char *text)
{
    return text ? utf8_characters(text) : 0;
}

int64_t sb_parse_wall_time(const char *text, int offset_minutes)
{
    return text ? time_parse_wall(text, offset_minutes) : -1;
}

int64_t sb_parse_rfc3339(const char *text)
{
    return text ? time_parse_rfc3339(text) : -1;
}

const char *sb_wall_time(struct sb_exchange *x, int64_t ms, int offset_minutes)
{
    char *text = exchange_alloc(x, TIME_TEXT_MAX);

    time_format_wall(ms, offset_minutes, text);
    return text;
}

const char *sb_rfc3339(struct sb_exchange *x, int64_t ms)
{
    char *text = exchange_alloc(x, TIME_TEXT_MAX);

    time_format_rfc3339(ms, text);
    return text;
}

const char *sb_json_sha256(struct sb_exchange *x, const json_t *value)
{
    char *hex = exchange_alloc(x, DIGEST_HEX_SIZE);

    if (!json_digest_hex(value, hex))
        exchange_run_out(x);
    return hex;
}

const char *sb_url_host(struct sb_exchange *x, const char *url, bool *ret_is_allowed)
{
    struct url_place place;

    if (ret_is_allowed)
        *ret_is_allowed = false;
    if (!url || strlen(url) >= URL_SIZE_MAX || url_place(url, &place, NULL) < 0)
        return NULL;
    if (place.has_secret || place.has_user || (!place.is_https && !place.is_loopback))
        return NULL;
    if (ret_is_allowed)
        *ret_is_allowed = instance_host_is_allowed(x->in.instance, place.host);
    return sb_strdup(x, place.host);
}
