/* Addresses: taken apart and put together by libcurl's URL API, with escaping. */
#include "io/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"

enum { SECRET_BEGIN = 0x02, SECRET_END = 0x03, TEXT_SHOWN_MAX = 100 };

static void scope_url(CURLU **handle)
{
    curl_url_cleanup(*handle);
}

static void scope_curl_free(char **text)
{
    curl_free(*text);
}

#define AUTO_URL  SB_CLEANUP(scope_url) CURLU *
#define AUTO_PART SB_CLEANUP(scope_curl_free) char *

/* Addresses may hold customers' data behind the host, so that errors name only what comes before. */
static int fail_with(struct sb_error *err, const char *url, const char *why)
{
    size_t shown = strcspn(url, "?#@\x02");

    return sb_fail(err, SB_EINPUT, "'%.*s' is not a usable address: %s",
                   (int)(shown > TEXT_SHOWN_MAX ? TEXT_SHOWN_MAX : shown), url, why);
}

/* NULL when the address has no such part. Sets *no_memory when that cannot be told. */
static char *get_part(CURLU *handle, CURLUPart part, unsigned flags, bool *no_memory)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(handle, part, &text, flags);

    *no_memory = *no_memory || code == CURLUE_OUT_OF_MEMORY;
    return code == CURLUE_OK ? text : NULL;
}

static int fail_without_memory(struct sb_error *err)
{
    return sb_fail(err, SB_ENOMEM, "cannot read an address: out of memory");
}

static bool is_loopback(const char *host)
{
    unsigned char v6[16];
    struct in_addr v4;
    size_t size = strlen(host);
    char bare[64];

    if (strcmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    if (size < 2 || size > sizeof(bare) || host[0] != '[' || host[size - 1] != ']')
        return false;
    memcpy(bare, host + 1, size - 2);
    bare[size - 2] = '\0';
    static const unsigned char one[16] = { [15] = 1 };
    return inet_pton(AF_INET6, bare, v6) == 1 && memcmp(v6, one, sizeof(one)) == 0;
}

static int parse_url(CURLU *handle, const char *url, struct sb_error *err)
{
    if (!handle)
        return fail_without_memory(err);
    if (strlen(url) > URL_SIZE_MAX)
        return fail_with(err, url, "it is too long");
    /* libcurl would take "example.com" for an http address and accepts other schemes. */
    if (strncasecmp(url, "https://", 8) != 0 && strncasecmp(url, "http://", 7) != 0)
        return fail_with(err, url, "it must begin with https://");
    CURLUcode code = curl_url_set(handle, CURLUPART_URL, url, 0);
    if (code == CURLUE_OUT_OF_MEMORY)
        return fail_without_memory(err);
    if (code != CURLUE_OK)
        return fail_with(err, url, curl_url_strerror(code));
    return 0;
}

int url_place(const char *url, struct url_place *ret_place, struct sb_error *err)
{
    AUTO_URL handle = curl_url();
    struct url_place place = { .has_secret = strpbrk(url, "\x02\x03") != NULL };

    int rc = parse_url(handle, url, err);
    if (rc < 0)
        return rc;
    bool no_memory = false;
    AUTO_PART scheme = get_part(handle, CURLUPART_SCHEME, 0, &no_memory);
    AUTO_PART host = get_part(handle, CURLUPART_HOST, 0, &no_memory);
    AUTO_PART port = get_part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT, &no_memory);
    AUTO_PART user = get_part(handle, CURLUPART_USER, 0, &no_memory);
    AUTO_PART password = get_part(handle, CURLUPART_PASSWORD, 0, &no_memory);
    if (no_memory)
        return fail_without_memory(err);
    if (!scheme || !host || !port || !*host)
        return fail_with(err, url, "it has no host");

    for (char *c = host; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    int size = snprintf(place.host, sizeof(place.host), "%s:%s", host, port);
    if (size < 0 || (size_t)size >= sizeof(place.host))
        return fail_with(err, url, "its host is too long");
    place.is_https = strcasecmp(scheme, "https") == 0;
    place.is_loopback = is_loopback(host);
    place.has_user = user || password;
    *ret_place = place;
    return 0;
}

void url_add_escaped(struct buf *out, const char *text, size_t size)
{
    if (size == 0)
        return; /* libcurl would measure the text itself */
    if (size > URL_SIZE_MAX) {
        out->failed = true;
        return;
    }
    AUTO_PART escaped = curl_easy_escape(NULL, text, (int)size);
    if (escaped)
        buf_str(out, escaped);
    else
        out->failed = out->ran_out = true;
}

void url_add_segment(struct buf *path, const char *segment)
{
    buf_char(path, '/');
    url_add_escaped(path, segment, strlen(segment));
}

void url_add_pair(struct buf *out, const char *name, const char *value)
{
    if (out->len > 0)
        buf_char(out, '&');
    url_add_escaped(out, name, strlen(name));
    buf_char(out, '=');
    url_add_escaped(out, value, strlen(value));
}

int url_build(const char *base, const char *path, const char *query, struct buf *out, struct sb_error *err)
{
    AUTO_URL handle = curl_url();

    int rc = parse_url(handle, base, err);
    if (rc < 0)
        return rc;
    bool no_memory = false;
    AUTO_PART old_query = get_part(handle, CURLUPART_QUERY, 0, &no_memory);
    if (curl_url_set(handle, CURLUPART_QUERY, NULL, 0) != CURLUE_OK ||
        curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK)
        return fail_without_memory(err);
    AUTO_PART front = get_part(handle, CURLUPART_URL, 0, &no_memory);
    if (!front || no_memory)
        return fail_without_memory(err);

    size_t keep = strlen(front);
    while (*path && keep > 0 && front[keep - 1] == '/')
        keep--;
    bool has_old = old_query && *old_query;
    buf_add(out, front, keep);
    buf_str(out, path);
    buf_printf(out, "%s%s%s%s", has_old || *query ? "?" : "", has_old ? old_query : "",
               has_old && *query ? "&" : "", query);
    if (out->ran_out)
        return fail_without_memory(err);
    if (out->failed || out->len > URL_SIZE_MAX)
        return fail_with(err, base, "it is too long with its path and query");
    return 0;
}

bool url_host_fits(const char *host, const char *pattern)
{
    if (pattern[0] != '*')
        return strcmp(host, pattern) == 0;
    size_t host_size = strlen(host), tail_size = strlen(pattern + 1);
    return host_size > tail_size && strcmp(host + host_size - tail_size, pattern + 1) == 0;
}

int url_host_pattern(const char *text, char ret_pattern[URL_HOST_MAX], struct sb_error *err)
{
    AUTO_BUF url;
    struct url_place place;
    bool any = strncmp(text, "*.", 2) == 0;

    buf_init(&url, URL_SIZE_MAX);
    if (!strstr(text, "://"))
        buf_str(&url, "https://");
    buf_str(&url, any ? text + 2 : text);
    /* "*.com" would be an open door. */
    if (url.failed || (any && !strchr(text + 2, '.')))
        return sb_fail(err, SB_EINPUT, "'%.*s' is not a host such as files.example.com", TEXT_SHOWN_MAX,
                       text);
    int rc = url_place(url.data, &place, err);
    if (rc < 0)
        return rc;
    int size = snprintf(ret_pattern, URL_HOST_MAX, "%s%s", any ? "*." : "", place.host);
    return size < URL_HOST_MAX ? 0
                               : sb_fail(err, SB_EINPUT, "'%.*s' is too long a host", TEXT_SHOWN_MAX, text);
}
