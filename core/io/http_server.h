/* The HTTP server: libmicrohttpd on the loop through its epoll descriptor. Loop thread only. */
#ifndef IO_HTTP_SERVER_H
#define IO_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "io/loop.h"

struct http_server;
struct http_call; /* one request being answered */

struct http_server_options {
    const char *socket_path;    /* not NULL: a Unix socket of mode 0600 at this path (an old one is removed)
                                 instead of host  and port; unlinked when the server is freed.
                                 MHD_OPTION_LISTEN_SOCKET takes it. */
    const char *host;           /* "127.0.0.1" */
    uint16_t port;              /* 0: any free one */
    uint32_t connections_max;   /* 0: 1024 */
    size_t body_max;            /* bytes of a request body; more is answered 413; 0: 1 MiB */
    uint32_t idle_timeout_s;    /* 0: 30 */
    uint32_t request_timeout_s; /* a request must be there whole after this and the idle time; 0: 60 */
    const char *cert_file, *key_file; /* TLS when both are set */
    /* How many bytes of a body the call may bring, asked when its head is there; more than body_max counts as that.
     * A larger one is not kept: the handler is called without a body, http_call_is_cut() is true, and it must reply at
     * once. NULL: body_max for all, and the server itself answers 413. */
    size_t (*room)(void *ctx, const struct http_call *call);
};

/* Called with the whole request. It, or somebody later, must call http_call_reply exactly once (unless the server is
 * freed before: calls that wait are then closed, their data is freed, and nobody may reply any more). */
typedef void (*http_handler_fn)(void *ctx, struct http_call *call);

struct http_server *http_server_new(struct loop *loop, const struct http_server_options *options,
                                    http_handler_fn fn, void *ctx, struct log *log, struct sb_error *err);
uint16_t http_server_port(const struct http_server *server);
/* No new connections; what is under way may end. */
void http_server_stop_listening(struct http_server *server);
void http_server_free(struct http_server *server); /* NULL allowed */

/* Borrowed until the reply was sent. */
const char *http_call_method(const struct http_call *call);
const char *http_call_path(const struct http_call *call); /* decoded, without the query */
const char *http_call_header(const struct http_call *call, const char *name);
const char *http_call_query(const struct http_call *call, const char *name);
const char *http_call_body(const struct http_call *call, size_t *ret_size); /* NUL-terminated */
const char *http_call_peer(struct http_call *call);                         /* "127.0.0.1" */
bool http_call_is_cut(const struct http_call *call); /* its body was larger than it may be, and is gone */
/* Whether the peer has closed its side: nobody may read the reply. Costs a system call. */
bool http_call_is_gone(const struct http_call *call);
/* Calls `fn` with each header, in the order of the request. */
void http_call_each_header(const struct http_call *call,
                           void (*fn)(void *to, const char *name, const char *value), void *to);
/* Anything the handler wants to keep with the call; freed by `free_fn` when the call ends. */
void http_call_set_data(struct http_call *call, void *data, void (*free_fn)(void *data));
void *http_call_data(const struct http_call *call);

/* Adds a header to the reply to come. Copies. */
void http_call_add_header(struct http_call *call, const char *name, const char *value);
/* Answers. Copies `body`. The call is gone afterwards. May be called later than the handler (the call is
 * suspended). */
void http_call_reply(struct http_call *call, int status, const char *content_type, const void *body,
                     size_t size);
/* Answers with a file, Range supported; 404 when it cannot be opened. */
void http_call_reply_file(struct http_call *call, const char *content_type, const char *path);

#endif
