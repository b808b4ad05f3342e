/* Listening sockets, made here and not by the server library, so that a failure can be told in full. */
#include "io/http_listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024, PORT_TEXT_MAX = 8 };

static int open_socket(int family)
{
    return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Closes the socket and leaves errno as it was. */
static int give_up(int fd)
{
    int why = errno;

    if (fd >= 0)
        (void)close(fd);
    errno = why;
    return -1;
}

static int bind_address(const struct addrinfo *address)
{
    const int on = 1;
    const int off = 0;
    int fd = open_socket(address->ai_family);

    if (fd < 0)
        return -1;
    /* A restart must not wait for connections of the last run to be forgotten. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
        return give_up(fd);
    if (address->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0)
        return give_up(fd);
    if (bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
        return give_up(fd);
    return fd;
}

static uint16_t port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } address;
    socklen_t size = sizeof(address);

    memset(&address, 0, sizeof(address));
    if (getsockname(fd, &address.any, &size) < 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.six.sin6_port : address.four.sin_port);
}

/* Tries the addresses of `host` in turn; of "" the IPv6 one, which takes IPv4 too, before the IPv4 one. */
static int bind_first(const struct addrinfo *addresses)
{
    static const int families[] = { AF_INET6, AF_INET };

    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        for (const struct addrinfo *address = addresses; address; address = address->ai_next) {
            int fd = address->ai_family == families[i] ? bind_address(address) : -1;
            if (fd >= 0)
                return fd;
        }
    }
    return -1;
}

int http_listen_tcp(const char *host, uint16_t port, uint16_t *ret_port, int *ret_fd, struct sb_error *err)
{
    /* Only numbers, and the one name that needs no resolver: a listener must not depend on DNS. */
    const char *address = host && strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV };
    struct addrinfo *addresses = NULL;
    char port_text[PORT_TEXT_MAX];

    (void)snprintf(port_text, sizeof(port_text), "%u", (unsigned)port); /* five digits at most */
    int rc = getaddrinfo(address && address[0] ? address : NULL, port_text, &hints, &addresses);
    if (rc != 0)
        return sb_fail(err, SB_ECONFIG, "cannot listen on '%s:%u': it is not an address such as 127.0.0.1",
                       host ? host : "", (unsigned)port);
    int fd = bind_first(addresses);
    freeaddrinfo(addresses);
    if (fd < 0)
        return sb_fail(err, SB_EBUSY, "cannot listen on '%s:%u': %s", host ? host : "", (unsigned)port,
                       strerror(errno));
    *ret_port = port_of(fd);
    *ret_fd = fd;
    return 0;
}

/* Whether nothing is in the way at `path` any more. */
static int clear_path(const char *path, struct sb_error *err)
{
    struct stat about;

    if (lstat(path, &about) < 0)
        return errno == ENOENT ? 0
                               : sb_fail(err, SB_EBUSY, "cannot listen on '%s': %s", path, strerror(errno));
    if (!S_ISSOCK(about.st_mode))
        return sb_fail(err, SB_ECONFIG, "cannot listen on '%s': there is a file that is not a socket", path);
    if (unlink(path) < 0)
        return sb_fail(err, SB_EBUSY, "cannot remove the old socket '%s': %s", path, strerror(errno));
    return 0;
}

int http_listen_unix(const char *path, int *ret_fd, struct sb_error *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t size = strlen(path);

    if (size == 0 || size >= sizeof(address.sun_path))
        return sb_fail(err, SB_ECONFIG, "cannot listen on '%s': a socket's path has at most %zu bytes", path,
                       sizeof(address.sun_path) - 1);
    int rc = clear_path(path, err);
    if (rc < 0)
        return rc;
    memcpy(address.sun_path, path, size);
    int fd = open_socket(AF_UNIX);
    /* The mode is set before the name exists, so that nobody gets in between. */
    if (fd < 0 || fchmod(fd, S_IRUSR | S_IWUSR) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, BACKLOG) < 0) {
        (void)give_up(fd);
        return sb_fail(err, SB_EBUSY, "cannot listen on '%s': %s", path, strerror(errno));
    }
    *ret_fd = fd;
    return 0;
}
