/* Request headers as libcurl wants them, with their secrets. */
#ifndef IO_HTTP_HEADERS_H
#define IO_HTTP_HEADERS_H

#include "io/http_transfer.h"

/* Builds transfer->headers for the hop that transfer->target names. On a host other than the first, headers
 * that are credentials or hold a secret are left out. */
int http_headers_build(struct http_transfer *transfer, struct http_scratch *scratch,
                       struct sb_error *err) SB_MUST_CHECK;
void http_headers_free(struct http_transfer *transfer);

#endif
