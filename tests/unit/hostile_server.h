/* A server on loopback that does what a test tells it, however wrong: it stops at any byte, resets, lies
 * about lengths, talks TLS with certificates of one's choice. One thread a connection, so that a script reads
 * like a story. */
#ifndef TESTS_UNIT_HOSTILE_SERVER_H
#define TESTS_UNIT_HOSTILE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hostile;
struct hostile_conn;

/* Plays one connection; it is closed when this returns. Runs on the connection's thread. */
typedef void (*hostile_serve_fn)(struct hostile_conn *conn, void *ctx);

struct hostile_tls; /* a certificate and its key: hostile_tls.h */

/* Any free port on 127.0.0.1. `tls` NULL: plain. Ends the test when it cannot. */
struct hostile *hostile_start(hostile_serve_fn serve, void *ctx, const struct hostile_tls *tls);
/* Closes everything and waits for the threads. */
void hostile_stop(struct hostile *server);
uint16_t hostile_port(const struct hostile *server);
/* "http://127.0.0.1:port/path", or https. Static memory of the server, overwritten by the next call. */
const char *hostile_url(struct hostile *server, const char *path);
/* "127.0.0.1:port" */
const char *hostile_host(const struct hostile *server);
unsigned hostile_connections(struct hostile *server); /* accepted so far */
unsigned hostile_requests(struct hostile *server);    /* read completely so far, by all connections */

struct hostile_request {
    char method[16];
    char path[512];
    char head[8192]; /* as it came, NUL-terminated */
    char *body;      /* NUL-terminated; freed by the next read and the end of the connection */
    size_t body_size;
};

/* Reads one request with its body. NULL when the other side closed or the server stops. */
const struct hostile_request *hostile_read(struct hostile_conn *conn);
/* Value of a request header, NULL when absent. Static memory of the connection. */
const char *hostile_header(struct hostile_conn *conn, const char *name);
bool hostile_send(struct hostile_conn *conn, const void *data, size_t size);
bool hostile_send_text(struct hostile_conn *conn, const char *text);
/* A whole answer with Content-Length; `headers` are lines with "\r\n", or "". */
bool hostile_reply(struct hostile_conn *conn, int status, const char *headers, const char *body);
/* Reads exactly `size` raw bytes; false at the end. Not together with hostile_read. */
bool hostile_take(struct hostile_conn *conn, void *room, size_t size);
/* Closes by RST at the end of the script, and over TLS without a goodbye. */
void hostile_reset(struct hostile_conn *conn);
/* Waits, but no longer than the server lives. */
void hostile_pause(struct hostile_conn *conn, unsigned ms);
/* Waits until the other side has closed, or the server stops. */
void hostile_wait_for_close(struct hostile_conn *conn);
unsigned hostile_number(const struct hostile_conn *conn); /* 0 for the first connection */

/* A port that takes no more connections: its queue is full, so a connect hangs. */
struct hostile_full;
struct hostile_full *hostile_full_start(void);
uint16_t hostile_full_port(const struct hostile_full *full);
void hostile_full_stop(struct hostile_full *full);

#endif
