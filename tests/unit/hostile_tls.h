/* Certificates for tests: made at run time, so that none is kept and none runs out. */
#ifndef TESTS_UNIT_HOSTILE_TLS_H
#define TESTS_UNIT_HOSTILE_TLS_H

#include <stdbool.h>

struct hostile_ca;
struct hostile_tls;

/* Makes a CA and writes its certificate to `path`, which is also its name (at most 64 bytes). */
struct hostile_ca *hostile_ca_new(const char *path);
void hostile_ca_free(struct hostile_ca *ca);

/* A server certificate for `name` ("127.0.0.1" or a host name), signed by `ca`; `is_expired`: its time is
 * over. `alpn`: what the server chooses when it is offered ("h2", "http/1.1"); NULL: it chooses nothing. */
struct hostile_tls *hostile_tls_new(const struct hostile_ca *ca, const char *name, bool is_expired,
                                    const char *alpn);
void hostile_tls_free(struct hostile_tls *tls);

/* Writes certificate and key as PEM files, for a server that reads its own. */
void hostile_tls_write(const struct hostile_tls *tls, const char *cert_path, const char *key_path);

/* The SSL_CTX, for hostile_server.c. */
void *hostile_tls_context(const struct hostile_tls *tls);

#endif
