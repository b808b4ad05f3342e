/* HTTP messages as plain data: what the plugin layer writes, flow sends and the client carries. No behaviour.
 */
#ifndef IO_HTTP_MESSAGE_H
#define IO_HTTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

enum http_limits {
    HTTP_HEADERS_MAX = 32,
    HTTP_PARTS_MAX = 16,
    HTTP_REDIRECTS_MAX = 4,
    HTTP_SAVED_HEAD_MAX = 64,
    HTTP_RESPONSE_HEADERS_SIZE_MAX = 64 * 1024
};

/* The first byte of a secret's placeholder, in header values and bodies. */
enum { HTTP_PLACEHOLDER_BEGIN = 0x02 };

struct http_header {
    const char *name;
    const char *value; /* may hold secret placeholders, resolved by the caller's `resolve` while it is sent */
};

enum http_body_kind { HTTP_BODY_NONE = 0, HTTP_BODY_BYTES, HTTP_BODY_FILE, HTTP_BODY_MULTIPART };

struct http_part {
    const char *name;
    const char *filename;     /* NULL: a plain field */
    const char *content_type; /* NULL: none */
    const char *bytes;        /* plain field */
    size_t size;
    const char *path; /* or a file, absolute path, streamed */
};

/* Everything is borrowed until the transfer has ended; it lives in the exchange's arena. */
struct http_request {
    const char *method;
    const char *url; /* absolute, escaped; never holds a secret */
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t header_count;

    enum http_body_kind body_kind;
    const char *body; /* BYTES; may hold placeholders (forms of the token endpoint) */
    size_t body_size;
    const char *body_path; /* FILE: absolute path, streamed, rewound when a READ is sent again */
    struct http_part parts[HTTP_PARTS_MAX];
    size_t part_count;

    const char *save_path;    /* where the body of a 2xx answer goes (absolute); NULL: memory */
    uint64_t save_size_max;   /* 0: the client's default (1 GiB) */
    size_t response_size_max; /* in memory; 0: the client's default (16 MiB) */

    uint32_t timeout_ms;         /* the whole exchange, redirects included; 0: 60 s */
    uint32_t connect_timeout_ms; /* 0: 10 s */
    bool never_resend;           /* SB_CREATE: the client must not be able to send the body twice */
    bool public_only; /* only to addresses of the public internet, also after the name was resolved */

    const char *const
        *redirect_hosts; /* hosts ("host:port", lower case) that a redirect may go to; NULL: none */
};

/* What is known about whether the other side has seen the request. */
enum http_sent {
    HTTP_NOT_SENT, /* no byte of the request left, or the connection was never made: safe to repeat */
    HTTP_MAYBE_SENT
};

struct http_response {
    int status; /* 0: no complete answer, see `fault` */
    struct http_header *headers;
    size_t header_count;
    char *body; /* NUL-terminated, owned; "" when saved or empty */
    size_t body_size;

    bool is_saved; /* the body is in save_path, complete and synced with its folder */
    uint64_t saved_size;
    char saved_sha256[DIGEST_HEX_SIZE];
    unsigned char saved_head[HTTP_SAVED_HEAD_MAX];
    size_t saved_head_size;

    bool is_forbidden; /* with status 0: `public_only`, and the host has no such address; nothing was sent */
    bool is_too_large; /* with status 0: the answer passed its limit; asking again brings the same */
    enum http_sent sent; /* with status 0 */
    char fault[200];     /* with status 0: why, for people: "connection refused", "timed out after 30s" */
    uint32_t duration_ms;
};

/* Frees what the response owns and the response. NULL allowed. */
void http_response_free(struct http_response *response);
/* First header of that name, any case; NULL when absent. */
const char *http_response_header(const struct http_response *response, const char *name);
/* A response made by hand (simulation, tests): copies `body`; NULL when out of memory. */
struct http_response *http_response_new(int status, const char *body, size_t body_size);
/* Copies. -1 when out of memory. */
int http_response_add_header(struct http_response *response, const char *name, const char *value);
int http_response_add_header_sized(struct http_response *response, const char *name, size_t name_size,
                                   const char *value, size_t value_size);
void http_response_clear_headers(struct http_response *response);

#endif
