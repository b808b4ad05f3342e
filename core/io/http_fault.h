/* Why a transfer failed, in a short sentence for people. Never holds a URL beyond host and port, nor a
 * header. */
#ifndef IO_HTTP_FAULT_H
#define IO_HTTP_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "switchboard/error.h"

enum { HTTP_FAULT_MAX = 200 };

/* Writes a fault text; it ends in "..." when it was cut. */
void http_fault_set(char ret_text[HTTP_FAULT_MAX], const char *fmt, ...) SB_PRINTF(2, 3);

struct http_failure {
    int code;               /* a CURLcode */
    const char *host_port;  /* "127.0.0.1:9" */
    const char *error_text; /* libcurl's own words; used where only it knows, as for certificates */
    long os_errno;          /* of the connect that failed; 0: unknown */
    uint32_t timeout_ms, connect_timeout_ms;
    bool was_asked; /* the request was about to be sent, or was */
    bool has_head;  /* the head of an answer has come */
};

void http_fault_write(const struct http_failure *failure, char ret_text[HTTP_FAULT_MAX]);

#endif
