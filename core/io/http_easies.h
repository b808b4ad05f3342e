/* libcurl's easy handles: made once with what is the same for all transfers, and kept for the next one; and what all of
 * them share. */
#ifndef IO_HTTP_EASIES_H
#define IO_HTTP_EASIES_H

#include "io/http_client.h"

struct http_easies;

/* NULL with `err` when the CA file cannot be read. Copies what it needs of `options`. */
struct http_easies *http_easies_new(const struct http_client_options *options, struct sb_error *err);
/* No handle may be in a multi handle, and every multi handle must be gone. NULL allowed. */
void http_easies_free(struct http_easies *easies);

/* Gives a handle; NULL when out of memory. What one transfer sets, the next one must set too. */
void *http_easies_take(struct http_easies *easies);
void http_easies_put(struct http_easies *easies, void *easy);

#endif
