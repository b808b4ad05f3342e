/* The response: how a handler builds it, and how it goes to MHD, or to the socket by hand when it must be
 * wrong. */
#include "sim.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void answer_clear(struct sim_response *res)
{
    sim_blob_unref(res->body);
    res->body = NULL;
    res->offset = 0;
    res->size = 0;
}

const char *answer_bytes(const struct sim_response *res)
{
    return res->body ? (const char *)sim_blob_data(res->body) + res->offset : "";
}

static void put_body(struct sim_response *res, unsigned status, const char *type, struct sim_blob *takes)
{
    answer_clear(res);
    res->status = status;
    res->body = takes;
    res->size = takes ? sim_blob_size(takes) : 0;
    sim_respond_type(res, type);
}

void sim_respond_type(struct sim_response *res, const char *type)
{
    res->type = type ? sim_text(res->req, "%s", type) : NULL;
}

void sim_respond_json(struct sim_response *res, unsigned status, json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(body);
    if (!text)
        text = sim_strdup("null");
    put_body(res, status, "application/json", sim_blob_new(text, strlen(text)));
}

void sim_respond_bytes(struct sim_response *res, unsigned status, const char *type, const void *data,
                       size_t size)
{
    char *copy = sim_malloc(size + 1);
    memcpy(copy, data, size);
    copy[size] = '\0';
    put_body(res, status, type, sim_blob_new(copy, size));
}

void sim_respond_text(struct sim_response *res, unsigned status, const char *type, const char *text)
{
    sim_respond_bytes(res, status, type, text, strlen(text));
}

void sim_respond_buffer(struct sim_response *res, unsigned status, const char *type, void *data, size_t size)
{
    put_body(res, status, type, sim_blob_new(data, size));
}

void sim_respond_blob(struct sim_response *res, unsigned status, const char *type, struct sim_blob *blob,
                      size_t offset, size_t size)
{
    put_body(res, status, type, sim_blob_ref(blob));
    size_t all = sim_blob_size(blob);
    res->offset = offset < all ? offset : all;
    res->size = size < all - res->offset ? size : all - res->offset;
}

void sim_respond_empty(struct sim_response *res, unsigned status)
{
    put_body(res, status, NULL, NULL);
}

void sim_respond_header(struct sim_response *res, const char *name, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (res->header_count == sizeof(res->headers) / sizeof(res->headers[0]))
        return;
    res->headers[res->header_count].name = sim_text(res->req, "%s", name);
    res->headers[res->header_count++].value = sim_text(res->req, "%s", text);
}

void sim_respond_delay(struct sim_response *res, int64_t delay_ms)
{
    res->delay_ms += delay_ms > 0 ? delay_ms : 0;
}

void sim_respond_chunked(struct sim_response *res)
{
    res->is_chunked = true;
}

void sim_respond_later(struct sim_response *res)
{
    res->is_held = true;
}

void sim_respond_cut(struct sim_response *res, size_t size)
{
    res->is_cut = true;
    res->cut = size;
}

unsigned sim_response_status(const struct sim_response *res)
{
    return res->status;
}

static void drip_again(struct sim_timer *timer)
{
    struct sim_exchange *ex = (struct sim_exchange *)((char *)timer - offsetof(struct sim_exchange, timer));
    ex->phase = SIM_SENT;
    MHD_resume_connection(ex->connection);
}

/* Gives MHD the next piece of the body. A dripping answer suspends the connection between two pieces. */
static ssize_t read_body(void *context, uint64_t position, char *buffer, size_t room)
{
    struct sim_exchange *ex = context;
    struct sim_response *res = &ex->res;
    size_t end = res->is_cut && res->cut < res->size ? res->cut : res->size;
    if (position >= end) {
        if (!res->is_cut || end == res->size)
            return MHD_CONTENT_READER_END_OF_STREAM;
        server_reset_socket(
            MHD_get_connection_info(ex->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size_t size = end - position < room ? end - position : room;
    if (ex->drip_size > 0) {
        if (ex->phase == SIM_WAITING)
            return 0;
        if (position > 0 && position != ex->sent) {
            /* One piece went out since the last wait; the next one waits for its turn. */
            ex->sent = position;
            ex->phase = SIM_WAITING;
            sim_timer_start(ex->sim, &ex->timer, ex->drip_ms, drip_again);
            MHD_suspend_connection(ex->connection);
            return 0;
        }
        size = size < ex->drip_size ? size : ex->drip_size;
    }
    memcpy(buffer, answer_bytes(res) + position, size);
    return (ssize_t)size;
}

static void free_blob(void *context)
{
    sim_blob_unref(context);
}

static struct MHD_Response *make_response(struct sim_exchange *ex)
{
    struct sim_response *res = &ex->res;
    bool is_read = res->is_chunked || (res->is_cut && res->cut < res->size) || ex->drip_size > 0;
    if (is_read && res->size > 0)
        return MHD_create_response_from_callback(res->is_chunked ? MHD_SIZE_UNKNOWN : res->size, 16384,
                                                 read_body, ex, NULL);
    if (!res->body)
        return MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    return MHD_create_response_from_buffer_with_free_callback_cls(
        res->size, (void *)(uintptr_t)answer_bytes(res), free_blob, sim_blob_ref(res->body));
}

enum MHD_Result answer_queue(struct sim_exchange *ex)
{
    struct sim_response *res = &ex->res;
    struct MHD_Response *response = make_response(ex);
    if (!response)
        return MHD_NO;
    if (res->type)
        (void)MHD_add_response_header(response, "Content-Type", res->type);
    for (size_t i = 0; i < res->header_count; i++)
        (void)MHD_add_response_header(response, res->headers[i].name, res->headers[i].value);
    enum MHD_Result queued = MHD_queue_response(ex->connection, res->status, response);
    MHD_destroy_response(response);
    ex->phase = SIM_SENT;
    return queued;
}

/* Where an answer goes that MHD does not write: the socket, or what encrypts for it. */
struct wire {
    int fd;
    gnutls_session_t tls; /* borrowed; NULL on http */
};

static struct wire wire_of(struct sim_exchange *ex)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(ex->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    /* Asked for what a connection does not have, MHD gives NULL. */
    struct wire wire = { .tls = info ? info->tls_session : NULL };
    info = MHD_get_connection_info(ex->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    wire.fd = info->connect_fd;
    return wire;
}

/* How many bytes went out; 0: later, negative: never. */
static ssize_t send_some(const struct wire *wire, const char *data, size_t size)
{
    ssize_t sent =
        wire->tls ? gnutls_record_send(wire->tls, data, size) : send(wire->fd, data, size, MSG_NOSIGNAL);
    if (sent >= 0)
        return sent;
    bool is_full = wire->tls ? sent == GNUTLS_E_AGAIN || sent == GNUTLS_E_INTERRUPTED
                             : errno == EAGAIN || errno == EINTR;
    return is_full ? 0 : -1;
}

/* Sends what the socket takes within a moment; a fault is allowed to lose the rest. */
static void send_all(const struct wire *wire, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send_some(wire, data, size);
        struct pollfd wait = { .fd = wire->fd, .events = POLLOUT };
        if (sent < 0 || (sent == 0 && poll(&wait, 1, 200) <= 0))
            return;
        data += sent;
        size -= (size_t)sent;
    }
}

void answer_write_raw(struct sim_exchange *ex, size_t body_size, size_t length_said)
{
    struct sim_response *res = &ex->res;
    const struct wire wire = wire_of(ex);
    const char *head = sim_text(&ex->req, "HTTP/1.1 %u %s\r\nContent-Length: %zu\r\n", res->status,
                                MHD_get_reason_phrase_for(res->status), length_said);
    if (res->type)
        head = sim_text(&ex->req, "%sContent-Type: %s\r\n", head, res->type);
    for (size_t i = 0; i < res->header_count; i++)
        head = sim_text(&ex->req, "%s%s: %s\r\n", head, res->headers[i].name, res->headers[i].value);
    head = sim_text(&ex->req, "%s\r\n", head);
    send_all(&wire, head, strlen(head));
    send_all(&wire, answer_bytes(res), body_size < res->size ? body_size : res->size);
    (void)shutdown(wire.fd, SHUT_WR);
}
