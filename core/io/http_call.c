/* Calls: what the handler reads of a request, and the replies that it makes. */
#include "io/http_call.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "io/http_range.h"

/* ---- life ---- */

/* When it is asked for: most calls come and go without anybody asking who called. */
static void write_peer(struct http_call *call)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(call->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    const char *text = NULL;

    if (address && address->sa_family == AF_INET)
        text = inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, call->peer,
                         sizeof(call->peer));
    if (address && address->sa_family == AF_INET6)
        text = inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
                         call->peer, sizeof(call->peer));
    if (!text)
        (void)snprintf(call->peer, sizeof(call->peer), "unix");
    if (strncmp(call->peer, "::ffff:", 7) == 0) /* an IPv4 peer of a socket for both */
        memmove(call->peer, call->peer + 7, strlen(call->peer + 7) + 1);
}

struct http_call *http_call_new(struct http_server *server, struct MHD_Connection *connection,
                                const char *method, const char *path, size_t body_max)
{
    struct http_call *call = calloc(1, sizeof(*call));
    if (!call)
        return NULL;
    call->server = server;
    call->connection = connection;
    buf_init(&call->body, body_max);
    call->method = strdup(method);
    call->path = strdup(path);
    if (!call->method || !call->path) {
        http_call_free(call);
        return NULL;
    }
    return call;
}

void http_call_free(struct http_call *call)
{
    if (!call)
        return;
    if (call->free_data)
        call->free_data(call->data);
    if (call->response)
        MHD_destroy_response(call->response);
    for (size_t i = 0; i < call->header_count; i++) {
        free(call->headers[i].name);
        free(call->headers[i].value);
    }
    buf_done(&call->body);
    free(call->method);
    free(call->path);
    free(call);
}

/* ---- the request ---- */

const char *http_call_method(const struct http_call *call)
{
    return call->method;
}

const char *http_call_path(const struct http_call *call)
{
    return call->path;
}

const char *http_call_header(const struct http_call *call, const char *name)
{
    return MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, name);
}

const char *http_call_query(const struct http_call *call, const char *name)
{
    return MHD_lookup_connection_value(call->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *http_call_body(const struct http_call *call, size_t *ret_size)
{
    if (ret_size)
        *ret_size = call->body.len;
    return call->body.data;
}

const char *http_call_peer(struct http_call *call)
{
    if (!call->peer[0])
        write_peer(call);
    return call->peer;
}

bool http_call_is_cut(const struct http_call *call)
{
    return call->is_cut;
}

/* Libmicrohttpd does not look at a connection that is suspended. */
bool http_call_is_gone(const struct http_call *call)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(call->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct pollfd look = { .fd = info ? info->connect_fd : -1, .events = POLLRDHUP };

    return info && poll(&look, 1, 0) > 0;
}

struct header_visit {
    void (*fn)(void *to, const char *name, const char *value);
    void *to;
};

static enum MHD_Result visit_header(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
    const struct header_visit *visit = ctx;

    (void)kind;
    visit->fn(visit->to, name, value ? value : "");
    return MHD_YES;
}

void http_call_each_header(const struct http_call *call,
                           void (*fn)(void *to, const char *name, const char *value), void *to)
{
    struct header_visit visit = { .fn = fn, .to = to };

    (void)MHD_get_connection_values(call->connection, MHD_HEADER_KIND, visit_header, &visit);
}

void http_call_set_data(struct http_call *call, void *data, void (*free_fn)(void *data))
{
    if (call->free_data)
        call->free_data(call->data);
    call->data = data;
    call->free_data = free_fn;
}

void *http_call_data(const struct http_call *call)
{
    return call->data;
}

/* ---- the reply ---- */

void http_call_add_header(struct http_call *call, const char *name, const char *value)
{
    assert(call->header_count < HTTP_REPLY_HEADERS_MAX);

    struct http_reply_header *header = &call->headers[call->header_count];
    header->name = strdup(name);
    header->value = strdup(value);
    if (header->name && header->value) {
        call->header_count++;
        return;
    }
    /* Without memory the reply goes without the header. */
    free(header->name);
    free(header->value);
}

/* Takes `response` (NULL: out of memory), puts the headers on it, and lets the connection go on. */
static void answer_with(struct http_call *call, unsigned status, struct MHD_Response *response)
{
    assert(!call->response && !call->is_aborted); /* exactly one reply */
    if (!response) {
        static char none[] = "";
        response = MHD_create_response_from_buffer(0, none, MHD_RESPMEM_PERSISTENT);
        status = MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
    /* A value that libmicrohttpd refuses (empty, or with a line break) is left out; so is all without memory. */
    for (size_t i = 0; response && i < call->header_count; i++)
        (void)MHD_add_response_header(response, call->headers[i].name, call->headers[i].value);
    call->response = response;
    call->status = status;
    call->is_aborted = !response; /* not even an empty reply fits: the connection is closed */
    if (call->is_suspended) {
        call->is_suspended = false;
        MHD_resume_connection(call->connection);
        http_server_wake(call->server);
    }
}

void http_call_reply(struct http_call *call, int status, const char *content_type, const void *body,
                     size_t size)
{
    assert(status >= 200 && status <= 599);

    if (content_type)
        http_call_add_header(call, "Content-Type", content_type);
    void *bytes = (void *)(uintptr_t)body; /* copied, not written to */
    answer_with(call, (unsigned)status, MHD_create_response_from_buffer(size, bytes, MHD_RESPMEM_MUST_COPY));
}

static void reply_not_found(struct http_call *call)
{
    static const char text[] = "not found\n";

    http_call_reply(call, MHD_HTTP_NOT_FOUND, "text/plain; charset=utf-8", text, sizeof(text) - 1);
}

/* Gives the descriptor of a regular file and its size, or -1. */
static int open_file(const char *path, uint64_t *ret_size)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return -1;
    if (fstat(fd, &about) < 0 || !S_ISREG(about.st_mode)) {
        (void)close(fd); /* only read */
        return -1;
    }
    *ret_size = (uint64_t)about.st_size;
    return fd;
}

static void reply_unsatisfiable(struct http_call *call, uint64_t size)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "bytes */%" PRIu64, size);
    http_call_add_header(call, "Content-Range", text);
    http_call_reply(call, MHD_HTTP_RANGE_NOT_SATISFIABLE, NULL, "", 0);
}

void http_call_reply_file(struct http_call *call, const char *content_type, const char *path)
{
    uint64_t size = 0;
    struct http_range range = { 0 };
    char text[96];

    int fd = open_file(path, &size);
    if (fd < 0) {
        reply_not_found(call);
        return;
    }
    /* A condition on the range cannot be met: the whole file is always right. */
    const char *wanted = http_call_header(call, "If-Range") ? NULL : http_call_header(call, "Range");
    enum http_range_kind kind = http_range_parse(wanted, size, &range);
    http_call_add_header(call, "Accept-Ranges", "bytes");
    if (kind == HTTP_RANGE_NONE_FITS) {
        (void)close(fd); /* only read */
        reply_unsatisfiable(call, size);
        return;
    }
    if (kind == HTTP_RANGE_PART) {
        (void)snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range.from,
                       range.from + range.size - 1, size);
        http_call_add_header(call, "Content-Range", text);
    }
    if (content_type)
        http_call_add_header(call, "Content-Type", content_type);
    struct MHD_Response *response = MHD_create_response_from_fd_at_offset64(range.size, fd, range.from);
    if (!response)
        (void)close(fd); /* otherwise the response owns it */
    answer_with(call, kind == HTTP_RANGE_PART ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK, response);
}
