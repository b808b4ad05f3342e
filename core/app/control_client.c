/* Asking the running engine: one HTTP request over its Unix socket, blocking, for the command line. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/control.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/parse.h"
#include "base/scope.h"
#include "base/timefmt.h"

enum {
    ASK_TIMEOUT_MS = 30 * 1000,
    ANSWER_BYTES_MAX = 16 * 1024 * 1024,
    REQUEST_BYTES_MAX = 16 * 1024 * 1024
};

struct asking {
    int fd;
    int64_t deadline_ms; /* monotonic */
    const char *data_dir;
};

/* ---- the connection ---- */

/* A peer that takes no more connections would otherwise hold us for ever. */
static void bound_connect(int fd)
{
    const struct timeval limit = { .tv_sec = ASK_TIMEOUT_MS / 1000 };

    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)); /* at worst it waits longer */
}

/* A socket's name has room for 107 bytes; through the open folder any data_dir fits. */
static int connect_socket(const char *data_dir, int fd, struct sb_error *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    AUTO_FD dir = open(data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0)
        return errno == ENOENT ? sb_fail(err, SB_EBUSY, "no engine runs on '%s'", data_dir)
                               : sb_fail(err, SB_ECONFIG, "cannot open '%s': %s", data_dir, strerror(errno));
    bound_connect(fd);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" CONTROL_SOCKET_NAME, dir);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return 0;
    if (errno == ENOENT || errno == ECONNREFUSED)
        return sb_fail(err, SB_EBUSY, "no engine runs on '%s'", data_dir);
    if (errno == EACCES)
        return sb_fail(err, SB_ECONFIG,
                       "cannot ask the engine on '%s': %s; run this as the user that runs the engine",
                       data_dir, strerror(errno));
    return sb_fail(err, SB_EREMOTE, "cannot ask the engine on '%s': %s", data_dir, strerror(errno));
}

static int wait_for(const struct asking *asking, short events, struct sb_error *err)
{
    struct pollfd watched = { .fd = asking->fd, .events = events };

    for (;;) {
        int64_t left_ms = asking->deadline_ms - clock_mono_ms();
        int rc = left_ms > 0 ? poll(&watched, 1, (int)left_ms) : 0;
        if (rc > 0)
            return 0;
        if (rc == 0)
            return sb_fail(err, SB_EREMOTE, "the engine on '%s' has not answered within %d s",
                           asking->data_dir, ASK_TIMEOUT_MS / 1000);
        if (errno != EINTR)
            return sb_fail(err, SB_EREMOTE, "cannot ask the engine on '%s': %s", asking->data_dir,
                           strerror(errno));
    }
}

static int send_all(const struct asking *asking, const char *data, size_t size, struct sb_error *err)
{
    while (size > 0) {
        int rc = wait_for(asking, POLLOUT, err);
        if (rc < 0)
            return rc;
        ssize_t sent = send(asking->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (sent < 0)
            return sb_fail(err, SB_EREMOTE, "cannot ask the engine on '%s': %s", asking->data_dir,
                           strerror(errno));
        data += sent;
        size -= (size_t)sent;
    }
    return 0;
}

static int receive_all(const struct asking *asking, struct buf *answer, struct sb_error *err)
{
    char piece[16 * 1024];

    for (;;) {
        int rc = wait_for(asking, POLLIN, err);
        if (rc < 0)
            return rc;
        ssize_t got = recv(asking->fd, piece, sizeof(piece), MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got < 0)
            return sb_fail(err, SB_EREMOTE, "the engine on '%s' broke off: %s", asking->data_dir,
                           strerror(errno));
        if (got == 0)
            return 0;
        buf_add(answer, piece, (size_t)got);
        if (answer->failed)
            return sb_fail(err, SB_EREMOTE, "the engine's answer is larger than %d bytes", ANSWER_BYTES_MAX);
    }
}

/* ---- the messages ---- */

static int write_request(struct buf *request, const char *verb, const json_t *body, struct sb_error *err)
{
    AUTO_STR text = body ? json_text(body) : NULL;

    if (body && !text)
        return sb_fail(err, SB_ENOMEM, "out of memory");
    buf_printf(request, "%s /%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", body ? "POST" : "GET",
               verb);
    if (text)
        buf_printf(request, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(text));
    buf_str(request, "\r\n");
    if (text)
        buf_str(request, text);
    return request->failed ? sb_fail(err, SB_ENOMEM, "out of memory") : 0;
}

/* What the header line says, or -1. `head` ends where the body begins. */
static int64_t announced_length(const char *head)
{
    static const char name[] = "\r\nContent-Length:";
    const char *at = strcasestr(head, name);
    char digits[24];
    int64_t length = -1;

    if (!at)
        return -1;
    at += sizeof(name) - 1;
    at += strspn(at, " ");
    (void)snprintf(digits, sizeof(digits), "%.*s", (int)strspn(at, "0123456789"), at);
    return parse_int(digits, &length, NULL) == 0 ? length : -1;
}

/* Cuts the head off and looks at it. Gives the status, or -1 when the answer is not whole. */
static int read_head(const struct buf *answer, const char **ret_body)
{
    char *end = strstr(answer->data, "\r\n\r\n");
    int64_t status = 0;
    char digits[4] = "";

    if (!end || strncmp(answer->data, "HTTP/1.", 7) != 0 || answer->len < 12)
        return -1;
    end[2] = '\0';
    memcpy(digits, answer->data + 9, 3);
    const char *body = end + 4;
    size_t size = answer->len - (size_t)(body - answer->data);
    int64_t length = announced_length(answer->data);
    if (parse_int(digits, &status, NULL) < 0 || (length >= 0 && (size_t)length != size))
        return -1;
    *ret_body = body;
    return (int)status;
}

static int read_answer(const struct asking *asking, const struct buf *answer, json_t **ret_answer,
                       struct sb_error *err)
{
    const char *body = NULL;
    int status = read_head(answer, &body);
    AUTO_JSON value = status > 0 ? json_parse(body, strlen(body), NULL) : NULL;

    if (status < 0)
        return sb_fail(err, SB_EREMOTE, "the engine on '%s' broke off; look at its log, then try again",
                       asking->data_dir);
    if (status >= 200 && status < 300 && json_is_object(value)) {
        *ret_answer = TAKE(value);
        return 0;
    }
    const char *text = json_str(value, "error");
    if (!text)
        return sb_fail(err, SB_EREMOTE, "the engine on '%s' answered with status %d", asking->data_dir,
                       status);
    return sb_fail(err, status >= 500 ? SB_EREMOTE : SB_EINPUT, "%s", text);
}

static int exchange(const struct asking *asking, const char *verb, const json_t *body, json_t **ret_answer,
                    struct sb_error *err)
{
    AUTO_BUF request;
    AUTO_BUF answer;

    buf_init(&request, REQUEST_BYTES_MAX);
    buf_init(&answer, ANSWER_BYTES_MAX);
    int rc = connect_socket(asking->data_dir, asking->fd, err);
    if (rc == 0)
        rc = write_request(&request, verb, body, err);
    if (rc == 0)
        rc = send_all(asking, request.data, request.len, err);
    if (rc == 0)
        rc = receive_all(asking, &answer, err);
    return rc == 0 ? read_answer(asking, &answer, ret_answer, err) : rc;
}

int control_ask(const char *data_dir, const char *verb, const json_t *body, json_t **ret_answer,
                struct sb_error *err)
{
    AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct asking asking = { .fd = fd,
                                   .deadline_ms = clock_mono_ms() + ASK_TIMEOUT_MS,
                                   .data_dir = data_dir };

    if (fd < 0)
        return sb_fail(err, SB_EINTERNAL, "cannot make a socket: %s", strerror(errno));
    return exchange(&asking, verb, body, ret_answer, err);
}
