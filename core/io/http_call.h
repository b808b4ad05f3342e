/* One request to the server and the reply to it, between libmicrohttpd and the handler. */
#ifndef IO_HTTP_CALL_H
#define IO_HTTP_CALL_H

#include <stdbool.h>

#include "base/buf.h"
#include "io/http_server.h"

struct MHD_Connection;
struct MHD_Response;

enum { HTTP_REPLY_HEADERS_MAX = 32, HTTP_PEER_MAX = 64 };

struct http_reply_header {
    char *name, *value; /* owned */
};

struct http_call {
    struct http_server *server;
    struct http_call *prev, *next; /* of the server's calls */
    struct MHD_Connection *connection;
    char *method, *path;      /* owned */
    char peer[HTTP_PEER_MAX]; /* "": nobody has asked yet */
    struct buf body;
    size_t overflow; /* bytes of the body beyond its limit */

    void *data;
    void (*free_data)(void *data);
    struct http_reply_header headers[HTTP_REPLY_HEADERS_MAX];
    size_t header_count;

    bool was_handed_over; /* the handler has seen it */
    bool is_cut;          /* the body is larger than it may be */
    bool is_suspended;
    bool is_aborted;               /* the server goes away: no reply any more */
    struct MHD_Response *response; /* owned; NULL until the reply is known */
    unsigned status;
};

/* Has the server look at calls that were resumed; http_server.c. */
void http_server_wake(struct http_server *server);

/* NULL when out of memory. */
struct http_call *http_call_new(struct http_server *server, struct MHD_Connection *connection,
                                const char *method, const char *path, size_t body_max);
void http_call_free(struct http_call *call);

#endif
