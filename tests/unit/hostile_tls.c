/* Certificates made with OpenSSL's library: one P-256 key and one certificate each. */
#include "unit/hostile_tls.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HOUR_S = 3600, ALPN_MAX = 16 };

struct hostile_ca {
    EVP_PKEY *key;
    X509 *cert;
};

struct hostile_tls {
    SSL_CTX *context;
    unsigned char alpn[ALPN_MAX]; /* length byte and name; empty when alpn[0] is 0 */
};

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "cannot make a test certificate: %s\n", what);
    abort();
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    must(extension && X509_add_ext(cert, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

static X509 *make_cert(EVP_PKEY *key, const char *name, long from_s, long until_s)
{
    static long serial = 1;
    X509 *cert = X509_new();

    must(cert != NULL, "no memory");
    must(X509_set_version(cert, 2) == 1, "version");
    must(ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++) == 1, "serial");
    must(X509_gmtime_adj(X509_getm_notBefore(cert), from_s) != NULL, "from");
    must(X509_gmtime_adj(X509_getm_notAfter(cert), until_s) != NULL, "until");
    must(X509_set_pubkey(cert, key) == 1, "key");
    must(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                                    (const unsigned char *)name, -1, -1, 0) == 1,
         "name");
    return cert;
}

struct hostile_ca *hostile_ca_new(const char *path)
{
    struct hostile_ca *ca = calloc(1, sizeof(*ca));

    must(ca != NULL, "no memory");
    ca->key = EVP_EC_gen("P-256");
    must(ca->key != NULL, "CA key");
    ca->cert = make_cert(ca->key, path, -HOUR_S, HOUR_S);
    must(X509_set_issuer_name(ca->cert, X509_get_subject_name(ca->cert)) == 1, "issuer");
    add_extension(ca->cert, ca->cert, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(ca->cert, ca->cert, NID_key_usage, "critical,keyCertSign,cRLSign");
    must(X509_sign(ca->cert, ca->key, EVP_sha256()) > 0, "CA signature");

    FILE *out = fopen(path, "we");
    must(out && PEM_write_X509(out, ca->cert) == 1, path);
    must(fclose(out) == 0, path);
    return ca;
}

void hostile_ca_free(struct hostile_ca *ca)
{
    X509_free(ca->cert);
    EVP_PKEY_free(ca->key);
    free(ca);
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                           const unsigned char *in, unsigned int in_size, void *ctx)
{
    const struct hostile_tls *tls = ctx;
    unsigned char *chosen = NULL;

    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_size, tls->alpn, tls->alpn[0] + 1u, in, in_size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

struct hostile_tls *hostile_tls_new(const struct hostile_ca *ca, const char *name, bool is_expired,
                                    const char *alpn)
{
    struct hostile_tls *tls = calloc(1, sizeof(*tls));
    EVP_PKEY *key = EVP_EC_gen("P-256");
    char names[256];

    must(tls && key, "server key");
    X509 *cert =
        is_expired ? make_cert(key, name, -HOUR_S, -HOUR_S / 2) : make_cert(key, name, -HOUR_S, HOUR_S);
    must(X509_set_issuer_name(cert, X509_get_subject_name(ca->cert)) == 1, "issuer");
    bool is_address = strspn(name, "0123456789.") == strlen(name);
    must(snprintf(names, sizeof(names), "%s:%s", is_address ? "IP" : "DNS", name) < (int)sizeof(names), name);
    add_extension(cert, ca->cert, NID_subject_alt_name, names);
    must(X509_sign(cert, ca->key, EVP_sha256()) > 0, "signature");

    tls->context = SSL_CTX_new(TLS_server_method());
    must(tls->context && SSL_CTX_use_certificate(tls->context, cert) == 1 &&
             SSL_CTX_use_PrivateKey(tls->context, key) == 1,
         "context");
    if (alpn) {
        must(strlen(alpn) + 1 < ALPN_MAX, alpn);
        for (const char *p = alpn; *p; p++)
            tls->alpn[++tls->alpn[0]] = (unsigned char)*p;
        SSL_CTX_set_alpn_select_cb(tls->context, choose_protocol, tls);
    }
    X509_free(cert);
    EVP_PKEY_free(key);
    return tls;
}

void hostile_tls_free(struct hostile_tls *tls)
{
    SSL_CTX_free(tls->context);
    free(tls);
}

void hostile_tls_write(const struct hostile_tls *tls, const char *cert_path, const char *key_path)
{
    FILE *cert = fopen(cert_path, "we");
    FILE *key = fopen(key_path, "we");

    must(cert && PEM_write_X509(cert, SSL_CTX_get0_certificate(tls->context)) == 1, cert_path);
    must(key &&
             PEM_write_PrivateKey(key, SSL_CTX_get0_privatekey(tls->context), NULL, NULL, 0, NULL, NULL) == 1,
         key_path);
    must(fclose(cert) == 0 && fclose(key) == 0, cert_path);
}

void *hostile_tls_context(const struct hostile_tls *tls)
{
    return tls->context;
}
