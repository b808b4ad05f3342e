/* The HTTP server: libmicrohttpd without threads of its own, driven by the loop. Its epoll descriptor is readable
 * when it has something to do, and it says when it wants to be asked again. */
#include "io/http_server.h"

#include <assert.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/parse.h"
#include "io/http_call.h"
#include "io/http_listen.h"

enum {
    CONNECTIONS_DEFAULT = 1024,
    BODY_DEFAULT_MAX = 1024 * 1024,
    IDLE_DEFAULT_S = 30,
    REQUEST_DEFAULT_S = 60,
    SWEEP_MAX_MS = 5000,
    CONNECTION_MEMORY = 16 * 1024, /* its half is the most that a request's head may have */
    PEM_MAX = 256 * 1024,
    LAST_RUNS = 4, /* turns in which last replies may leave */
    LOG_TEXT_MAX = 256
};

/* A connection, for the watch over slow ones. */
struct peer {
    struct peer *prev, *next;
    int fd;
    bool is_busy;      /* its request is being answered */
    uint64_t since_ms; /* begin of the connection, or end of its last request */
};

struct http_server {
    struct loop *loop;
    struct log *log;
    http_handler_fn fn;
    void *ctx;
    struct MHD_Daemon *daemon;
    struct loop_watch *watch;
    struct loop_timer *timer; /* libmicrohttpd's time limits */
    struct loop_timer *sweep; /* ours */
    bool is_sweeping, is_driving;
    bool has_resumed; /* since libmicrohttpd last ran; it does not tell by itself */
    uint16_t port;
    int listen_fd; /* -1 once nobody listens */
    char *socket_path;
    char *cert, *key; /* PEM text */
    size_t key_size;
    size_t body_max;
    size_t (*room)(void *ctx, const struct http_call *call); /* NULL: body_max */
    uint64_t request_max_ms;
    struct http_call *calls;
    struct peer *peers;
    char last_log[LOG_TEXT_MAX];
};

/* ---- driving ---- */

static void drive(void *ctx)
{
    struct http_server *server = ctx;
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;

    server->is_driving = true;
    server->has_resumed = false;
    (void)MHD_run(server->daemon); /* fails only for a daemon with threads */
    server->is_driving = false;
    if (server->has_resumed)
        loop_timer_arm(server->timer, 0);
    else if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES)
        loop_timer_arm(server->timer, wait_ms);
    else
        loop_timer_disarm(server->timer);
}

void http_server_wake(struct http_server *server)
{
    server->has_resumed = true;
    if (!server->is_driving)
        loop_timer_arm(server->timer, 0);
}

/* ---- connections ---- */

static void sweep_soon(struct http_server *server)
{
    uint64_t half_ms = server->request_max_ms / 2;

    server->is_sweeping = true;
    loop_timer_arm(server->sweep, half_ms < SWEEP_MAX_MS ? half_ms : SWEEP_MAX_MS);
}

/* Who sends a byte now and then is never idle to libmicrohttpd, and could hold a connection for ever. */
static void sweep(void *ctx)
{
    struct http_server *server = ctx;
    uint64_t now_ms = loop_now_ms(server->loop);

    for (struct peer *peer = server->peers; peer; peer = peer->next)
        if (!peer->is_busy && now_ms - peer->since_ms > server->request_max_ms)
            (void)shutdown(peer->fd, SHUT_RDWR); /* libmicrohttpd sees the end and closes it */
    server->is_sweeping = false;
    if (server->peers)
        sweep_soon(server);
}

static struct peer *peer_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static void add_peer(struct http_server *server, struct MHD_Connection *connection, void **socket_context)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct peer *peer = info ? calloc(1, sizeof(*peer)) : NULL;

    if (!peer)
        return; /* such a connection is merely not watched */
    peer->fd = info->connect_fd;
    peer->since_ms = loop_now_ms(server->loop);
    peer->next = server->peers;
    if (server->peers)
        server->peers->prev = peer;
    server->peers = peer;
    *socket_context = peer;
    if (!server->is_sweeping)
        sweep_soon(server);
}

static void remove_peer(struct http_server *server, struct peer *peer)
{
    if (peer->prev)
        peer->prev->next = peer->next;
    else
        server->peers = peer->next;
    if (peer->next)
        peer->next->prev = peer->prev;
    free(peer);
}

static void on_connection(void *ctx, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http_server *server = ctx;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        add_peer(server, connection, socket_context);
    } else if (*socket_context) {
        remove_peer(server, *socket_context);
        *socket_context = NULL;
    }
}

/* ---- calls ---- */

static void reply_too_large(struct http_call *call)
{
    static const char text[] = "the request body is too large\n";

    http_call_reply(call, MHD_HTTP_CONTENT_TOO_LARGE, "text/plain; charset=utf-8", text, sizeof(text) - 1);
}

static enum MHD_Result queue_reply(const struct http_call *call)
{
    return call->is_aborted ? MHD_NO : MHD_queue_response(call->connection, call->status, call->response);
}

static bool announces_too_much(const struct http_call *call)
{
    int64_t size = 0;
    const char *text = http_call_header(call, "Content-Length");

    return text && (parse_int(text, &size, NULL) < 0 || size < 0 || (uint64_t)size > call->body.max);
}

/* The server answers by itself, or has the handler do it. */
static void refuse_body(struct http_server *server, struct http_call *call)
{
    call->is_cut = true;
    buf_clear(&call->body);
    if (server->room)
        server->fn(server->ctx, call);
    else
        reply_too_large(call);
    assert(call->response || call->is_aborted);
}

/* The head is there. A body that is announced too large is refused before it comes. */
static enum MHD_Result begin_call(struct http_server *server, struct MHD_Connection *connection,
                                  const char *method, const char *path, void **call_slot)
{
    struct http_call *call = http_call_new(server, connection, method, path, server->body_max);
    if (!call)
        return MHD_NO;
    call->next = server->calls;
    if (server->calls)
        server->calls->prev = call;
    server->calls = call;
    *call_slot = call;
    size_t room = server->room ? server->room(server->ctx, call) : server->body_max;
    if (room < call->body.max)
        call->body.max = room;
    if (!announces_too_much(call))
        return MHD_YES;
    call->was_handed_over = true;
    refuse_body(server, call);
    return queue_reply(call);
}

/* Bytes beyond the limit are dropped, so that the refusal can be sent behind them; but not for ever. */
static enum MHD_Result take_body(const struct http_server *server, struct http_call *call, const char *data,
                                 size_t *size)
{
    size_t room = call->body.max - call->body.len;
    size_t part = *size < room ? *size : room;

    buf_add(&call->body, data, part);
    call->overflow += *size - part;
    if (call->body.failed || call->overflow > server->body_max)
        return MHD_NO;
    *size = 0;
    return MHD_YES;
}

static enum MHD_Result hand_over(struct http_server *server, struct http_call *call)
{
    struct peer *peer = peer_of(call->connection);

    call->was_handed_over = true;
    if (peer)
        peer->is_busy = true;
    if (call->overflow > 0)
        refuse_body(server, call);
    else
        server->fn(server->ctx, call);
    if (call->response || call->is_aborted)
        return queue_reply(call);
    call->is_suspended = true;
    MHD_suspend_connection(call->connection);
    return MHD_YES;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **call_slot)
{
    struct http_server *server = ctx;
    struct http_call *call = *call_slot;

    (void)version;
    if (!call)
        return begin_call(server, connection, method, path, call_slot);
    if (*data_size > 0 && !call->was_handed_over)
        return take_body(server, call, data, data_size);
    if (!call->was_handed_over)
        return hand_over(server, call);
    return queue_reply(call); /* after a late reply, or an abort */
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **call_slot,
                         enum MHD_RequestTerminationCode why)
{
    struct http_server *server = ctx;
    struct http_call *call = *call_slot;
    struct peer *peer = peer_of(connection);

    (void)why;
    if (peer) {
        peer->is_busy = false;
        peer->since_ms = loop_now_ms(server->loop);
    }
    if (!call)
        return;
    if (call->prev)
        call->prev->next = call->next;
    else
        server->calls = call->next;
    if (call->next)
        call->next->prev = call->prev;
    *call_slot = NULL;
    http_call_free(call);
}

/* ---- what libmicrohttpd asks for ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent escapes in place. "%00" stays as it is: decoded, it would end the text and hide the rest of it. */
static size_t unescape(void *ctx, struct MHD_Connection *connection, char *text)
{
    char *to = text;

    (void)ctx;
    (void)connection;
    for (const char *from = text; *from; from++) {
        int high = *from == '%' ? hex_digit(from[1]) : -1;
        int low = high >= 0 ? hex_digit(from[2]) : -1;
        if (low >= 0 && (high | low) != 0) {
            *to++ = (char)(high << 4 | low);
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
    return (size_t)(to - text);
}

static void note_log(void *ctx, const char *fmt, va_list args) SB_PRINTF(2, 0);
static void note_log(void *ctx, const char *fmt, va_list args)
{
    struct http_server *server = ctx;

    (void)vsnprintf(server->last_log, sizeof(server->last_log), fmt, args); /* cut at worst */
    server->last_log[strcspn(server->last_log, "\r\n")] = '\0';
    LOG_DEBUG(server->log, "http server", LOG_STR("says", server->last_log));
}

/* ---- life ---- */

static int read_pem(struct http_server *server, const struct http_server_options *options,
                    struct sb_error *err)
{
    size_t cert_size = 0;

    if (!options->cert_file || !options->key_file)
        return 0;
    int rc = file_read(options->cert_file, PEM_MAX, &server->cert, &cert_size, err);
    return rc < 0 ? rc : file_read(options->key_file, PEM_MAX, &server->key, &server->key_size, err);
}

static int open_listener(struct http_server *server, const struct http_server_options *options,
                         struct sb_error *err)
{
    if (!options->socket_path)
        return http_listen_tcp(options->host, options->port, &server->port, &server->listen_fd, err);
    int rc = http_listen_unix(options->socket_path, &server->listen_fd, err);
    if (rc < 0)
        return rc;
    server->socket_path = strdup(options->socket_path);
    return server->socket_path ? 0 : sb_fail(err, SB_ENOMEM, "cannot make the HTTP server: out of memory");
}

static int start_daemon(struct http_server *server, const struct http_server_options *options,
                        struct sb_error *err)
{
    unsigned connections = options->connections_max ? options->connections_max : CONNECTIONS_DEFAULT;
    unsigned idle_s = options->idle_timeout_s ? options->idle_timeout_s : IDLE_DEFAULT_S;
    unsigned flags = MHD_USE_EPOLL | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    const struct MHD_OptionItem tls[] = { { MHD_OPTION_HTTPS_MEM_CERT, 0, server->cert },
                                          { MHD_OPTION_HTTPS_MEM_KEY, 0, server->key },
                                          { MHD_OPTION_END, 0, NULL } };
    const struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };

    unsigned request_s = options->request_timeout_s ? options->request_timeout_s : REQUEST_DEFAULT_S;
    server->request_max_ms = (request_s + idle_s) * UINT64_C(1000);
    server->daemon = MHD_start_daemon(
        server->cert ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, on_request,
        server, /* the log comes first: */
        MHD_OPTION_EXTERNAL_LOGGER, note_log, server, MHD_OPTION_LISTEN_SOCKET, server->listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_CONNECTION_TIMEOUT, idle_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_UNESCAPE_CALLBACK, unescape, server,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
        server, MHD_OPTION_ARRAY, server->cert ? tls : none, MHD_OPTION_END);
    if (!server->daemon)
        return sb_fail(err, SB_ECONFIG, "cannot start the HTTP server: %s",
                       server->last_log[0] ? server->last_log : "libmicrohttpd gives no reason");
    return 0;
}

static int start_driving(struct http_server *server, struct sb_error *err)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);

    server->timer = loop_timer_new(server->loop, drive, server);
    server->sweep = loop_timer_new(server->loop, sweep, server);
    if (!info || !server->timer || !server->sweep)
        return sb_fail(err, SB_ENOMEM, "cannot make the HTTP server: out of memory");
    server->watch = loop_watch(server->loop, info->epoll_fd, drive, server, err);
    return server->watch ? 0 : SB_EBUSY;
}

struct http_server *http_server_new(struct loop *loop, const struct http_server_options *options,
                                    http_handler_fn fn, void *ctx, struct log *log, struct sb_error *err)
{
    struct http_server *server = calloc(1, sizeof(*server));
    if (!server) {
        sb_fail(err, SB_ENOMEM, "cannot make the HTTP server: out of memory");
        return NULL;
    }
    server->loop = loop;
    server->log = log;
    server->fn = fn;
    server->ctx = ctx;
    server->listen_fd = -1;
    server->body_max = options->body_max ? options->body_max : BODY_DEFAULT_MAX;
    server->room = options->room;
    (void)signal(SIGPIPE, SIG_IGN); /* a peer that leaves is no end of the process */
    if (read_pem(server, options, err) < 0 || open_listener(server, options, err) < 0 ||
        start_daemon(server, options, err) < 0 || start_driving(server, err) < 0) {
        http_server_free(server);
        return NULL;
    }
    return server;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_stop_listening(struct http_server *server)
{
    if (server->listen_fd < 0)
        return;
    if (server->daemon)
        (void)MHD_quiesce_daemon(server->daemon); /* gives the socket back, which is ours anyway */
    (void)close(server->listen_fd);
    server->listen_fd = -1;
}

/* Libmicrohttpd refuses to stop while calls are suspended. Woken with `is_aborted` they close their connections; those
 * whose reply is known get it. */
static void abort_calls(struct http_server *server)
{
    for (struct http_call *call = server->calls; call; call = call->next) {
        bool was_suspended = call->is_suspended;
        call->is_aborted = !call->response;
        call->is_suspended = false;
        if (was_suspended)
            MHD_resume_connection(call->connection);
    }
    for (int i = 0; i < LAST_RUNS && (i == 0 || server->calls); i++)
        (void)MHD_run(server->daemon); /* fails only for a daemon with threads */
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    assert(!server->is_driving);
    http_server_stop_listening(server);
    loop_unwatch(server->watch);
    if (server->daemon) {
        abort_calls(server);
        MHD_stop_daemon(server->daemon);
    }
    loop_timer_free(server->timer);
    loop_timer_free(server->sweep);
    if (server->socket_path)
        (void)unlink(server->socket_path); /* already gone is as good */
    if (server->key)
        explicit_bzero(server->key, server->key_size);
    free(server->socket_path);
    free(server->cert);
    free(server->key);
    free(server);
}
