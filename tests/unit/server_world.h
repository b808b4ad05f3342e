/* A server and a client on one loop for the tests of the HTTP server, a handler that describes what it sees, and
 * clients that send any bytes. */
#ifndef TESTS_UNIT_SERVER_WORLD_H
#define TESTS_UNIT_SERVER_WORLD_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "io/http_server.h"
#include "unit/http_world.h"

enum { RAW_MAX = 65536, HELD_MAX = 1024 };

/* ---- a server in the world of the client ---- */

struct fixture {
    struct world world;
    struct http_server *server;
    char url[64];
    struct loop_timer *timer;
    struct http_call *held[HELD_MAX]; /* calls that wait for their reply */
    unsigned held_count, hold_until;
    unsigned calls, calls_at_once, calls_max, freed;
    const char *file;
};

typedef void (*serve_fn)(void *ctx, struct http_call *call);

static inline void open_with(struct fixture *fixture, serve_fn serve,
                             const struct http_server_options *options)
{
    struct sb_error err = SB_ERROR_INIT;

    memset(fixture, 0, sizeof(*fixture));
    world_open(&fixture->world);
    fixture->server = http_server_new(fixture->world.loop, options, serve, fixture, NULL, &err);
    if (!fixture->server)
        fail_msg("%s", err.text);
    (void)snprintf(fixture->url, sizeof(fixture->url), "http://127.0.0.1:%u",
                   http_server_port(fixture->server));
}

static inline void open_fixture(struct fixture *fixture, serve_fn serve)
{
    const struct http_server_options options = { .host = "127.0.0.1" };

    open_with(fixture, serve, &options);
}

static inline void close_fixture(struct fixture *fixture)
{
    loop_timer_free(fixture->timer);
    http_server_free(fixture->server);
    world_close(&fixture->world);
}

/* ---- raw clients ---- */

/* Sends bytes as they are from a thread of its own and reads to the end of the connection. */
struct raw {
    struct fixture *fixture;
    const char *bytes;
    size_t size;
    const char *unix_path; /* instead of the server's port */
    bool hangs_up;         /* closes at once after sending */
    bool trickles;         /* goes on with a byte now and then */
    char answer[RAW_MAX];
    struct loop_post *done;
};

static inline int connect_raw(const struct raw *raw)
{
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    struct sockaddr_in inet = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(raw->unix_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc;

    if (raw->unix_path) {
        (void)snprintf(local.sun_path, sizeof(local.sun_path), "%s", raw->unix_path);
        rc = connect(fd, (struct sockaddr *)&local, sizeof(local));
    } else {
        inet.sin_port = htons(http_server_port(raw->fixture->server));
        rc = connect(fd, (struct sockaddr *)&inet, sizeof(inet));
    }
    return rc == 0 ? fd : -1;
}

/* Sends a byte every 50 ms until there is something to read, which is the end. */
static inline void trickle(int fd)
{
    struct pollfd reader = { .fd = fd, .events = POLLIN };

    while (poll(&reader, 1, 50) == 0)
        (void)send(fd, "x", 1, MSG_NOSIGNAL);
}

static inline void *run_raw(void *ctx)
{
    struct raw *raw = ctx;
    size_t size = 0;
    int fd = connect_raw(raw);

    if (fd >= 0) {
        (void)send(fd, raw->bytes, raw->size, MSG_NOSIGNAL);
        if (raw->trickles)
            trickle(fd);
        while (!raw->hangs_up && size + 1 < sizeof(raw->answer)) {
            ssize_t got = recv(fd, raw->answer + size, sizeof(raw->answer) - 1 - size, 0);
            if (got <= 0)
                break;
            size += (size_t)got;
        }
        (void)close(fd);
    }
    raw->answer[size] = '\0';
    loop_post_send(raw->done);
    return NULL;
}

static inline void stop_loop(void *ctx)
{
    loop_stop(ctx);
}

static inline void exchange_raw(struct fixture *fixture, struct raw *raw)
{
    struct sb_error err = SB_ERROR_INIT;
    pthread_t thread;

    raw->fixture = fixture;
    raw->done = loop_post_new(fixture->world.loop, stop_loop, fixture->world.loop);
    loop_timer_arm(fixture->world.patience, WORLD_PATIENCE_MS);
    assert_int_equal(0, pthread_create(&thread, NULL, run_raw, raw));
    assert_int_equal(0, loop_run(fixture->world.loop, &err));
    assert_int_equal(0, pthread_join(thread, NULL));
    loop_timer_disarm(fixture->world.patience);
    loop_post_free(raw->done);
}

static inline const char *exchange_text(struct fixture *fixture, const char *bytes)
{
    static struct raw raw;

    raw = (struct raw){ .bytes = bytes, .size = strlen(bytes) };
    exchange_raw(fixture, &raw);
    return raw.answer;
}

/* ---- a handler ---- */

static inline const char *or_dash(const char *text)
{
    return text ? text : "-";
}

static inline void describe(void *ctx, struct http_call *call)
{
    struct fixture *fixture = ctx;
    char text[2048];
    size_t size = 0;

    fixture->calls++;
    const char *body = http_call_body(call, &size);
    int length = snprintf(text, sizeof(text), "%s|%s|a=%s|b=%s|x=%s|%zu:%s|%s", http_call_method(call),
                          http_call_path(call), or_dash(http_call_query(call, "a")),
                          or_dash(http_call_query(call, "b")), or_dash(http_call_header(call, "x-one")), size,
                          body, http_call_peer(call));
    http_call_add_header(call, "X-Reply", "yes");
    http_call_reply(call, 201, "text/plain", text, (size_t)length);
}

#endif
