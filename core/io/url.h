/* Addresses: taken apart and put together by libcurl's URL API, with escaping. Pure; any thread. */
#ifndef IO_URL_H
#define IO_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { URL_HOST_MAX = 272, URL_SIZE_MAX = 16 * 1024 };

/* Where an address leads. */
struct url_place {
    char host[URL_HOST_MAX]; /* "host:port", lower case, the scheme's port when none is given, IPv6 in
                                brackets */
    bool is_https;
    bool is_loopback; /* "localhost", 127.0.0.0/8 or ::1 */
    bool has_user;    /* a user name or password is in it */
    bool has_secret;  /* a byte that only secret placeholders have is in it */
};

/* Reads an absolute http or https address. SB_EINPUT with `err` when it is none. The text may hold anything.
 */
int url_place(const char *url, struct url_place *ret_place, struct sb_error *err) SB_MUST_CHECK;

/* Appends '/' and the escaped segment. */
void url_add_segment(struct buf *path, const char *segment);
/* Appends name=value, escaped, behind '&' when `out` is not empty: for queries and urlencoded forms. */
void url_add_pair(struct buf *out, const char *name, const char *value);
/* Appends `text` escaped as in a query or form. */
void url_add_escaped(struct buf *out, const char *text, size_t size);

/* Appends to `out` the address `base` with `path` (starts with '/' or is empty) behind its own path, and
 * `query` (escaped already, may be empty) behind its own query. */
int url_build(const char *base, const char *path, const char *query, struct buf *out,
              struct sb_error *err) SB_MUST_CHECK;

/* Whether `host` ("host:port") fits `pattern`: the same text; or "*.example.com:443", which fits every name
 * that ends in ".example.com:443". */
bool url_host_fits(const char *host, const char *pattern);
/* "example.com", "example.com:8443", "*.example.com" or a whole address, as a pattern for url_host_fits: the
 * port is 443 when none is given. SB_EINPUT when it is none of these. */
int url_host_pattern(const char *text, char ret_pattern[URL_HOST_MAX], struct sb_error *err) SB_MUST_CHECK;

#endif
