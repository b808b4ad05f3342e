/* What a URL must be before a byte is sent to it, and where a redirect leads. Pure; any thread. */
#ifndef IO_HTTP_URL_H
#define IO_HTTP_URL_H

#include <stdbool.h>

#include "switchboard/error.h"

enum { HTTP_HOST_MAX = 264, HTTP_URL_MAX = 8192 };

/* Where a URL points, as far as the client has to know. */
struct http_target {
    char host_port[HTTP_HOST_MAX]; /* "host:port", lower case, the port always there, IPv6 in brackets */
    bool is_tls;
    bool is_loopback; /* 127.0.0.0/8, ::1 or localhost, by name: nothing is resolved */
};

/* Accepts absolute https URLs, and http URLs to a loopback host; refuses user names in them. */
int http_target_parse(const char *url, struct http_target *ret_target, struct sb_error *err) SB_MUST_CHECK;
/* Gives `location`, seen from `base`, as an absolute URL (free() it), or NULL when it is none. */
char *http_url_follow(const char *base, const char *location);
/* Whether `host_port` is one of `hosts` (NULL-terminated; NULL: none). */
bool http_host_is_one_of(const char *host_port, const char *const *hosts);

#endif
