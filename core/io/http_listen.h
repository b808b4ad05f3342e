/* A listening socket, by host and port or by the path of a Unix socket. */
#ifndef IO_HTTP_LISTEN_H
#define IO_HTTP_LISTEN_H

#include <stdint.h>

#include "switchboard/error.h"

/* Gives a socket that listens. `host`: an address, "localhost", or "" for all addresses. *ret_port is the port it got. */
int http_listen_tcp(const char *host, uint16_t port, uint16_t *ret_port, int *ret_fd,
                    struct sb_error *err) SB_MUST_CHECK;
/* A Unix socket of mode 0600. An old socket at `path` is removed; anything else there is left alone and refused. */
int http_listen_unix(const char *path, int *ret_fd, struct sb_error *err) SB_MUST_CHECK;

#endif
