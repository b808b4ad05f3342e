/* A server that answers everything with 200 and keeps what it was sent last, and a client for it. */
#ifndef TESTS_UNIT_HTTP_ECHO_H
#define TESTS_UNIT_HTTP_ECHO_H

#include <pthread.h>

#include "unit/hostile_server.h"
#include "unit/http_world.h"

/* What the server saw last. */
struct seen {
    pthread_mutex_t lock;
    char head[8192];
    char body[65536];
    size_t body_size;
};

static inline void echo(struct hostile_conn *conn, void *ctx)
{
    struct seen *seen = ctx;
    const struct hostile_request *request;

    while ((request = hostile_read(conn))) {
        pthread_mutex_lock(&seen->lock);
        memcpy(seen->head, request->head, sizeof(seen->head));
        seen->body_size = request->body_size;
        if (request->body_size < sizeof(seen->body))
            memcpy(seen->body, request->body, request->body_size + 1);
        pthread_mutex_unlock(&seen->lock);
        if (strcmp(request->method, "HEAD") == 0)
            hostile_send_text(conn, "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nX-Size: big\r\n\r\n");
        else
            hostile_reply(conn, 200, "X-One: 1\r\nX-Two:  two words \r\nx-one: again\r\n", "{\"ok\":true}");
    }
}

struct fixture {
    struct world world;
    struct seen seen;
    struct hostile *server;
};

static inline void open_fixture(struct fixture *fixture)
{
    memset(&fixture->seen, 0, sizeof(fixture->seen));
    pthread_mutex_init(&fixture->seen.lock, NULL);
    fixture->server = hostile_start(echo, &fixture->seen, NULL);
    world_open(&fixture->world);
}

static inline void close_fixture(struct fixture *fixture)
{
    world_close(&fixture->world);
    hostile_stop(fixture->server);
    pthread_mutex_destroy(&fixture->seen.lock);
}

#endif
