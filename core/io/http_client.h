/* The HTTP client: libcurl multi handles on the loop. Loop thread only.
 *
 * Transfers are spread over several multi handles of at most 250, because one handle walks its whole pool for
 * every request. TLS is always verified, with a CA file and no CA path, so that libcurl's CA cache works.
 * HTTP/2 is used where it is offered. Redirects go only to the request's redirect_hosts, over https or
 * loopback, at most HTTP_REDIRECTS_MAX, never with credentials to another host, and never for a method other
 * than GET or HEAD. A redirect that may not be followed is handed over as the answer it is. Proxies from the
 * environment are ignored unless the options say so.
 *
 * Repetitions: a request with `never_resend` is written to the network at most once, whatever happens. Any
 * other one is repeated by libcurl when a kept-alive connection turns out to be dead before the first byte of
 * an answer (over HTTP/2 only when the server says that it refused the stream; else it is reported). `sent` says HTTP_NOT_SENT exactly when no connection ever was ready to take the request. */
#ifndef IO_HTTP_CLIENT_H
#define IO_HTTP_CLIENT_H

#include "base/log.h"
#include "io/http_message.h"
#include "io/loop.h"

struct http_client;

struct http_client_options {
    const char *ca_file;          /* NULL: the system's bundle */
    const char *user_agent;       /* "switchboard/0.1.0" */
    const char *proxy;            /* NULL: none */
    uint32_t transfers_per_multi; /* 0: 250 */
    uint32_t stall_timeout_ms;    /* 0: 30 s; a body that comes slower than 64 bytes a second for so long is
                                     given up */
    uint32_t idle_timeout_ms;     /* 0: 15 s; then connections of a burst are closed, but for a few */
};

struct http_client *http_client_new(struct loop *loop, const struct http_client_options *options,
                                    struct log *log, struct sb_error *err);
/* Ends what is under way without calling back. NULL allowed. */
void http_client_free(struct http_client *client);

/* Replaces the placeholders in `text` (a header value or a small body) by secrets: appends the result to
 * `out`. A body without a HTTP_PLACEHOLDER_BEGIN is sent as it is, without being asked about. Returns negative with `err` when a placeholder is unknown, or when `host` ("host:port") may not
 * receive it. */
typedef int (*http_resolve_fn)(void *ctx, const char *text, const char *host, struct buf *out,
                               struct sb_error *err);
/* Gives the answer (owned by the callee) exactly once, never from within http_client_send. */
typedef void (*http_done_fn)(void *ctx, struct http_response *response);

/* Starts a transfer. Borrows `request` until `done` was called. A failure to start is reported through `done`
 * too, as HTTP_NOT_SENT. Secrets live in memory that is wiped when the transfer ends. Gives an id for
 * http_client_cancel; 0 when out of memory, and then `done` is never called. */
uint64_t http_client_send(struct http_client *client, const struct http_request *request,
                          http_resolve_fn resolve, void *resolve_ctx, http_done_fn done, void *done_ctx);
/* Ends a transfer: `done` is called soon with status 0 and "cancelled". Unknown ids are ignored. */
void http_client_cancel(struct http_client *client, uint64_t id);
/* Transfers whose `done` has not been called. */
size_t http_client_in_flight(const struct http_client *client);

/* Once a process, before and after everything else. */
int http_client_global_init(struct sb_error *err) SB_MUST_CHECK;
void http_client_global_done(void);

#endif
