/* The server of hostile_server.h. */
#include "unit/hostile_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/hostile_tls.h"

enum { CONNECTIONS_MAX = 8192, STACK_SIZE = 256 * 1024, FULL_CLIENTS = 8 };

struct hostile_conn {
    struct hostile *server;
    int fd;
    SSL *ssl;
    bool is_reset;
    unsigned number;
    pthread_t thread;
    struct hostile_request request;
    char value[1024];
    char spare[8192]; /* read, but of the next request */
    size_t spare_size;
};

struct hostile {
    hostile_serve_fn serve;
    void *ctx;
    const struct hostile_tls *tls;
    int listen_fd, stop_fd; /* stop_fd is readable once the server stops */
    uint16_t port;
    char host[32], url[1024];
    pthread_t thread;

    pthread_mutex_t lock; /* guards what follows */
    struct hostile_conn *conns[CONNECTIONS_MAX];
    unsigned conn_count, request_count;
};

#define MUST(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, strerror(errno));             \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* ---- bytes ---- */

/* Waits for `events`; false once the server stops. */
static bool wait_for(struct hostile_conn *conn, short events, int timeout_ms)
{
    struct pollfd fds[2] = { { .fd = conn->fd, .events = events },
                             { .fd = conn->server->stop_fd, .events = POLLIN } };

    if (poll(fds, 2, timeout_ms) <= 0)
        return false;
    return fds[1].revents == 0;
}

static ssize_t receive(struct hostile_conn *conn, char *room, size_t size)
{
    if (conn->ssl)
        return SSL_pending(conn->ssl) > 0 || wait_for(conn, POLLIN, -1) ? SSL_read(conn->ssl, room, (int)size)
                                                                        : -1;
    return wait_for(conn, POLLIN, -1) ? recv(conn->fd, room, size, 0) : -1;
}

bool hostile_send(struct hostile_conn *conn, const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        if (!wait_for(conn, POLLOUT, -1))
            return false;
        ssize_t sent = conn->ssl ? SSL_write(conn->ssl, at, (int)size)
                                 : send(conn->fd, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && !conn->ssl && errno == EAGAIN)
            continue;
        if (sent <= 0)
            return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

bool hostile_take(struct hostile_conn *conn, void *room, size_t size)
{
    char *at = room;

    while (size > 0) {
        ssize_t got = receive(conn, at, size);
        if (got <= 0)
            return false;
        at += got;
        size -= (size_t)got;
    }
    return true;
}

bool hostile_send_text(struct hostile_conn *conn, const char *text)
{
    return hostile_send(conn, text, strlen(text));
}

bool hostile_reply(struct hostile_conn *conn, int status, const char *headers, const char *body)
{
    char head[2048];
    int size = snprintf(head, sizeof(head), "HTTP/1.1 %d Text\r\nContent-Length: %zu\r\n%s\r\n", status,
                        strlen(body), headers);

    MUST(size > 0 && (size_t)size < sizeof(head));
    return hostile_send(conn, head, (size_t)size) && hostile_send_text(conn, body);
}

void hostile_reset(struct hostile_conn *conn)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };

    conn->is_reset = true;
    MUST(setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0);
}

void hostile_pause(struct hostile_conn *conn, unsigned ms)
{
    struct pollfd stop = { .fd = conn->server->stop_fd, .events = POLLIN };

    (void)poll(&stop, 1, (int)ms);
}

void hostile_wait_for_close(struct hostile_conn *conn)
{
    char room[4096];

    while (receive(conn, room, sizeof(room)) > 0)
        continue;
}

unsigned hostile_number(const struct hostile_conn *conn)
{
    return conn->number;
}

/* ---- requests ---- */

static size_t read_some(struct hostile_conn *conn, char *room, size_t size)
{
    if (conn->spare_size > 0) {
        size_t part = conn->spare_size < size ? conn->spare_size : size;
        memcpy(room, conn->spare, part);
        memmove(conn->spare, conn->spare + part, conn->spare_size - part);
        conn->spare_size -= part;
        return part;
    }
    ssize_t got = receive(conn, room, size);
    return got > 0 ? (size_t)got : 0;
}

static bool read_head(struct hostile_conn *conn)
{
    struct hostile_request *request = &conn->request;
    size_t size = 0;

    for (;;) {
        size_t got = read_some(conn, request->head + size, sizeof(request->head) - 1 - size);
        if (got == 0)
            return false;
        size += got;
        request->head[size] = '\0';
        char *end = strstr(request->head, "\r\n\r\n");
        if (end) {
            conn->spare_size = size - (size_t)(end + 4 - request->head);
            memcpy(conn->spare, end + 4, conn->spare_size);
            end[4] = '\0';
            return sscanf(request->head, "%15s %511s", request->method, request->path) == 2;
        }
    }
}

const char *hostile_header(struct hostile_conn *conn, const char *name)
{
    char line[128];

    MUST(snprintf(line, sizeof(line), "\r\n%s:", name) < (int)sizeof(line));
    const char *at = strcasestr(conn->request.head, line);
    if (!at)
        return NULL;
    at += strlen(line);
    at += strspn(at, " ");
    size_t size = strcspn(at, "\r\n");
    MUST(size < sizeof(conn->value));
    memcpy(conn->value, at, size);
    conn->value[size] = '\0';
    return conn->value;
}

const struct hostile_request *hostile_read(struct hostile_conn *conn)
{
    struct hostile_request *request = &conn->request;

    free(request->body);
    request->body = NULL;
    if (!read_head(conn))
        return NULL;
    const char *length = hostile_header(conn, "Content-Length");
    size_t size = length ? strtoull(length, NULL, 10) : 0;
    request->body = malloc(size + 1);
    MUST(request->body);
    request->body_size = 0;
    while (request->body_size < size) {
        size_t got = read_some(conn, request->body + request->body_size, size - request->body_size);
        if (got == 0)
            return NULL;
        request->body_size += got;
    }
    request->body[size] = '\0';
    pthread_mutex_lock(&conn->server->lock);
    conn->server->request_count++;
    pthread_mutex_unlock(&conn->server->lock);
    return request;
}

/* ---- threads ---- */

static bool shake_hands(struct hostile_conn *conn)
{
    if (!conn->server->tls)
        return true;
    conn->ssl = SSL_new(hostile_tls_context(conn->server->tls));
    MUST(conn->ssl && SSL_set_fd(conn->ssl, conn->fd) == 1);
    return SSL_accept(conn->ssl) == 1;
}

static void *run_conn(void *ctx)
{
    struct hostile_conn *conn = ctx;

    if (shake_hands(conn))
        conn->server->serve(conn, conn->server->ctx);
    if (conn->ssl) {
        if (!conn->is_reset)
            (void)SSL_shutdown(conn->ssl);
        SSL_free(conn->ssl);
    }
    free(conn->request.body);
    pthread_mutex_lock(&conn->server->lock);
    (void)close(conn->fd);
    conn->fd = -1;
    pthread_mutex_unlock(&conn->server->lock);
    return NULL;
}

static void start_conn(struct hostile *server, int fd)
{
    const int on = 1;
    pthread_attr_t attr;
    struct hostile_conn *conn = calloc(1, sizeof(*conn));

    MUST(conn && server->conn_count < CONNECTIONS_MAX);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* pieces arrive as they were sent */
    conn->server = server;
    conn->fd = fd;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    pthread_mutex_lock(&server->lock);
    conn->number = server->conn_count++;
    server->conns[conn->number] = conn;
    MUST(pthread_create(&conn->thread, &attr, run_conn, conn) == 0);
    pthread_mutex_unlock(&server->lock);
    pthread_attr_destroy(&attr);
}

static void *run_server(void *ctx)
{
    struct hostile *server = ctx;
    struct pollfd fds[2] = { { .fd = server->listen_fd, .events = POLLIN },
                             { .fd = server->stop_fd, .events = POLLIN } };

    for (;;) {
        MUST(poll(fds, 2, -1) > 0);
        if (fds[1].revents)
            return NULL;
        int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            start_conn(server, fd);
    }
}

static int listen_somewhere(int backlog, uint16_t *ret_port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);

    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(fd >= 0);
    MUST(bind(fd, (struct sockaddr *)&address, size) == 0);
    MUST(listen(fd, backlog) == 0);
    MUST(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

struct hostile *hostile_start(hostile_serve_fn serve, void *ctx, const struct hostile_tls *tls)
{
    struct hostile *server = calloc(1, sizeof(*server));

    MUST(server);
    server->serve = serve;
    server->ctx = ctx;
    server->tls = tls;
    pthread_mutex_init(&server->lock, NULL);
    server->stop_fd = eventfd(0, EFD_CLOEXEC);
    MUST(server->stop_fd >= 0);
    server->listen_fd = listen_somewhere(4096, &server->port);
    MUST(snprintf(server->host, sizeof(server->host), "127.0.0.1:%u", server->port) > 0);
    MUST(pthread_create(&server->thread, NULL, run_server, server) == 0);
    return server;
}

static void interrupt_conns(struct hostile *server)
{
    pthread_mutex_lock(&server->lock);
    for (unsigned i = 0; i < server->conn_count; i++)
        if (server->conns[i]->fd >= 0)
            (void)shutdown(server->conns[i]->fd, SHUT_RDWR);
    pthread_mutex_unlock(&server->lock);
}

void hostile_stop(struct hostile *server)
{
    const uint64_t one = 1;

    MUST(write(server->stop_fd, &one, sizeof(one)) == (ssize_t)sizeof(one));
    MUST(pthread_join(server->thread, NULL) == 0);
    interrupt_conns(server);
    for (unsigned i = 0; i < server->conn_count; i++) {
        MUST(pthread_join(server->conns[i]->thread, NULL) == 0);
        free(server->conns[i]);
    }
    (void)close(server->listen_fd);
    (void)close(server->stop_fd);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

uint16_t hostile_port(const struct hostile *server)
{
    return server->port;
}

const char *hostile_host(const struct hostile *server)
{
    return server->host;
}

const char *hostile_url(struct hostile *server, const char *path)
{
    int size = snprintf(server->url, sizeof(server->url), "%s://%s%s", server->tls ? "https" : "http",
                        server->host, path);

    MUST(size > 0 && (size_t)size < sizeof(server->url));
    return server->url;
}

unsigned hostile_connections(struct hostile *server)
{
    pthread_mutex_lock(&server->lock);
    unsigned count = server->conn_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

unsigned hostile_requests(struct hostile *server)
{
    pthread_mutex_lock(&server->lock);
    unsigned count = server->request_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

/* ---- a full queue ---- */

struct hostile_full {
    int listen_fd;
    int clients[FULL_CLIENTS];
    uint16_t port;
};

struct hostile_full *hostile_full_start(void)
{
    struct hostile_full *full = calloc(1, sizeof(*full));

    MUST(full);
    full->listen_fd = listen_somewhere(0, &full->port);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                   .sin_port = htons(full->port) };
    for (unsigned i = 0; i < FULL_CLIENTS; i++) {
        full->clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        MUST(full->clients[i] >= 0);
        (void)connect(full->clients[i], (struct sockaddr *)&address,
                      sizeof(address)); /* most of them will hang */
    }
    return full;
}

uint16_t hostile_full_port(const struct hostile_full *full)
{
    return full->port;
}

void hostile_full_stop(struct hostile_full *full)
{
    for (unsigned i = 0; i < FULL_CLIENTS; i++)
        (void)close(full->clients[i]);
    (void)close(full->listen_fd);
    free(full);
}
