/* URLs by libcurl's parser: the same one that will read them when they are used. */
#include "io/http_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct url_parts {
    char *scheme, *user, *password, *host, *port; /* libcurl's memory */
};

static void parts_done(struct url_parts *parts)
{
    curl_free(parts->scheme);
    curl_free(parts->user);
    curl_free(parts->password);
    curl_free(parts->host);
    curl_free(parts->port);
}

static bool has_control_bytes(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p <= ' ' || *p == 0x7f)
            return true;
    return false;
}

static bool is_loopback_host(const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    char inner[INET6_ADDRSTRLEN];
    size_t size = strlen(host);

    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &four) == 1)
        return (ntohl(four.s_addr) >> 24) == 127;
    if (size < 4 || host[0] != '[' || host[size - 1] != ']' || size - 2 >= sizeof(inner))
        return false;
    memcpy(inner, host + 1, size - 2);
    inner[size - 2] = '\0';
    return inet_pton(AF_INET6, inner, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static int check_parts(const struct url_parts *parts, struct http_target *ret_target, struct sb_error *err)
{
    struct http_target target = { .is_tls = strcmp(parts->scheme, "https") == 0 };

    if (!target.is_tls && strcmp(parts->scheme, "http") != 0)
        return sb_fail(err, SB_EINPUT, "scheme '%.16s' is refused: only https is allowed", parts->scheme);
    if (parts->user || parts->password)
        return sb_fail(err, SB_EINPUT, "the URL holds a user name or password, which belong into a header");
    int size = snprintf(target.host_port, sizeof(target.host_port), "%s:%s", parts->host, parts->port);
    if (size < 0 || (size_t)size >= sizeof(target.host_port))
        return sb_fail(err, SB_EINPUT, "the host name in the URL is longer than %d bytes", HTTP_HOST_MAX - 8);
    for (char *p = target.host_port; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    target.is_loopback = is_loopback_host(parts->host);
    if (!target.is_tls && !target.is_loopback)
        return sb_fail(err, SB_EINPUT, "plain http to '%s' is refused: only https, or http to this machine",
                       target.host_port);
    *ret_target = target;
    return 0;
}

static int split_url(CURLU *handle, const char *url, struct url_parts *ret_parts)
{
    if (curl_url_set(handle, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS) != CURLUE_OK)
        return -1;
    if (curl_url_get(handle, CURLUPART_SCHEME, &ret_parts->scheme, 0) != CURLUE_OK ||
        curl_url_get(handle, CURLUPART_HOST, &ret_parts->host, 0) != CURLUE_OK || !ret_parts->host[0])
        return -1;
    /* Absent is the rule here, and what `check_parts` wants. */
    (void)curl_url_get(handle, CURLUPART_USER, &ret_parts->user, 0);
    (void)curl_url_get(handle, CURLUPART_PASSWORD, &ret_parts->password, 0);
    (void)curl_url_get(handle, CURLUPART_PORT, &ret_parts->port, CURLU_DEFAULT_PORT);
    return 0;
}

int http_target_parse(const char *url, struct http_target *ret_target, struct sb_error *err)
{
    if (!url || strlen(url) > HTTP_URL_MAX)
        return sb_fail(err, SB_EINPUT, "the URL is missing or longer than %d bytes", HTTP_URL_MAX);
    if (has_control_bytes(url))
        return sb_fail(err, SB_EINPUT, "the URL holds a space or a control character: it must be escaped");

    CURLU *handle = curl_url();
    if (!handle)
        return sb_fail(err, SB_ENOMEM, "cannot read the URL: out of memory");
    struct url_parts parts = { 0 };
    int rc = split_url(handle, url, &parts);
    if (rc < 0)
        sb_fail(err, SB_EINPUT, "the URL is not an absolute https URL");
    else if (!parts.port && strncmp(parts.scheme, "http", 4) == 0)
        rc = sb_fail(err, SB_EINPUT, "the port in the URL is not a number up to 65535");
    else
        rc = check_parts(&parts, ret_target, err);
    parts_done(&parts);
    curl_url_cleanup(handle);
    return rc;
}

char *http_url_follow(const char *base, const char *location)
{
    char *text = NULL;
    char *copy = NULL;

    if (!location[0] || strlen(location) > HTTP_URL_MAX || has_control_bytes(location))
        return NULL;
    CURLU *handle = curl_url();
    if (handle && curl_url_set(handle, CURLUPART_URL, base, CURLU_PATH_AS_IS) == CURLUE_OK &&
        curl_url_set(handle, CURLUPART_URL, location, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
        curl_url_get(handle, CURLUPART_URL, &text, 0) == CURLUE_OK)
        copy = strdup(text); /* ours, so that free() fits whatever allocator libcurl has */
    curl_free(text);
    curl_url_cleanup(handle);
    return copy;
}

bool http_host_is_one_of(const char *host_port, const char *const *hosts)
{
    for (; hosts && *hosts; hosts++)
        if (strcmp(*hosts, host_port) == 0)
            return true;
    return false;
}
