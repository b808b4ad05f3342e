/* libcurl's multi handles on the loop: as many as the transfers need, each with at most `transfers_max`,
 * because one handle walks its whole pool of connections for every request. All their sockets hang on one
 * epoll descriptor. */
#ifndef IO_HTTP_MULTIS_H
#define IO_HTTP_MULTIS_H

#include <stddef.h>
#include <stdint.h>

#include "io/http_client.h"
#include "io/loop.h"

struct http_multis;
struct http_multi;

/* Called for each transfer that has ended, on the loop, from nothing else of this file. `code` is a CURLcode.
 * The easy handle is still in its multi handle: http_multis_remove takes it out. */
typedef void (*http_ended_fn)(void *ctx, void *easy, int code);
/* Called after a round of http_ended_fn. */
typedef void (*http_settled_fn)(void *ctx);

struct http_multis *http_multis_new(struct loop *loop, const struct http_client_options *options,
                                    http_ended_fn ended, http_settled_fn settled, void *ctx,
                                    struct sb_error *err);
/* No transfer may be left. NULL allowed. */
void http_multis_free(struct http_multis *multis);

/* Where the connections of one transfer may lead. */
struct http_guard {
    bool public_only; /* set before the transfer is added: no private, loopback or other special address */
    bool has_refused; /* an address was refused for that */
    bool has_opened;  /* one was not */
    struct http_multi *multi; /* where the transfer is */
};

/* Starts the transfer of an easy handle. Borrows `guard` until http_multis_remove. NULL when libcurl refuses. */
struct http_multi *http_multis_add(struct http_multis *multis, void *easy, struct http_guard *guard);
void http_multis_remove(struct http_multi *multi, void *easy);

/* Drops multi handles that have long been idle, with their connections. Returns whether there may be more to
 * drop later, so that an idle engine need not look for ever. */
bool http_multis_tidy(struct http_multis *multis);

size_t http_multis_count(const struct http_multis *multis);   /* multi handles */
size_t http_multis_sockets(const struct http_multis *multis); /* open connections, idle ones included */

#endif
