/* What a URL must be before a byte is sent to it, and where a redirect leads. Pure; any thread. */
#ifndef IO_HTTP_URL_H
#define IO_HTTP_URL_H

#include <stdbool.h>

#include "io/url.h"

/* Accepts absolute https URLs, and http URLs to this machine; refuses user names, secrets and unescaped
 * bytes. */
int http_url_check(const char *url, struct url_place *ret_place, struct sb_error *err) SB_MUST_CHECK;
/* Gives `location`, seen from `base`, as an absolute URL (free() it), or NULL when it is none. */
char *http_url_follow(const char *base, const char *location);
/* Whether `host` ("host:port") fits one of `patterns` (see url_host_fits; NULL-terminated; NULL: none). */
bool http_host_is_one_of(const char *host, const char *const *patterns);

#endif
