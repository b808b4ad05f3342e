/* The certificates of --tls: an authority made at the start, which signs one certificate and is then forgotten. Clients
 * check them like any other; nothing here makes anybody trust less. */
#include "sim.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

enum { LIFE_S = 30 * 86400, CLOCKS_MAY_DIFFER_S = 3600 };

struct sim_tls {
    char *key_pem, *cert_pem; /* owned */
};

/* What is being made; freed together whatever happened. */
struct making {
    EVP_PKEY *ca_key, *key;
    X509 *ca, *cert;
};

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool is_added = extension && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_added;
}

/* A certificate without extensions and signature, for `key`; gives NULL when it cannot be made. */
static X509 *begin_cert(EVP_PKEY *key, long serial, const char *common_name)
{
    X509 *cert = X509_new();
    bool is_made = cert && key && X509_set_version(cert, 2) == 1 &&
                   ASN1_INTEGER_set(X509_get_serialNumber(cert), serial) == 1 &&
                   X509_gmtime_adj(X509_getm_notBefore(cert), -CLOCKS_MAY_DIFFER_S) &&
                   X509_gmtime_adj(X509_getm_notAfter(cert), LIFE_S) && X509_set_pubkey(cert, key) == 1 &&
                   X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                                              (const unsigned char *)common_name, -1, -1, 0) == 1;
    if (is_made)
        return cert;
    X509_free(cert);
    return NULL;
}

static bool make_authority(struct making *making)
{
    making->ca_key = EVP_EC_gen("P-256");
    making->ca = begin_cert(making->ca_key, 1, "local services authority");
    X509 *ca = making->ca;
    return ca && X509_set_issuer_name(ca, X509_get_subject_name(ca)) == 1 &&
           add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           add_extension(ca, ca, NID_subject_key_identifier, "hash") &&
           X509_sign(ca, making->ca_key, EVP_sha256()) > 0;
}

static bool make_server(struct making *making, const char *name)
{
    char names[300];
    struct in_addr address;
    bool is_address = inet_pton(AF_INET, name, &address) == 1;
    int length = snprintf(names, sizeof(names), "%s:%s", is_address ? "IP" : "DNS", name);
    making->key = EVP_EC_gen("P-256");
    making->cert = begin_cert(making->key, 2, "local services");
    X509 *cert = making->cert;
    return length > 0 && (size_t)length < sizeof(names) && cert &&
           X509_set_issuer_name(cert, X509_get_subject_name(making->ca)) == 1 &&
           add_extension(cert, making->ca, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(cert, making->ca, NID_ext_key_usage, "serverAuth") &&
           add_extension(cert, making->ca, NID_subject_alt_name, names) &&
           add_extension(cert, making->ca, NID_authority_key_identifier, "keyid") &&
           X509_sign(cert, making->ca_key, EVP_sha256()) > 0;
}

/* Gives the text of what was written to `bio`, and frees it. */
static char *take_text(BIO *bio, bool is_written)
{
    char *data = NULL, *text = NULL;
    long size = is_written ? BIO_get_mem_data(bio, &data) : 0;
    if (size > 0) {
        text = sim_malloc((size_t)size + 1);
        (void)snprintf(text, (size_t)size + 1, "%.*s", (int)size, data);
    }
    BIO_free(bio);
    return text;
}

static char *cert_text(X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    return take_text(bio, bio && PEM_write_bio_X509(bio, cert) == 1);
}

static char *key_text(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    return take_text(bio, bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
}

static int write_text(const char *path, const char *text)
{
    FILE *out = fopen(path, "we");
    if (!out)
        return -1;
    int put = fputs(text, out);
    return fclose(out) == 0 && put >= 0 ? 0 : -1;
}

static int make_all(struct making *making, struct sim_tls *tls, const char *ca_path, const char *name,
                    struct sim_error *err)
{
    if (!make_authority(making) || !make_server(making, name))
        return sim_fail(err, "cannot make a certificate for '%.100s'; is it a host or an IPv4 address?",
                        name);
    char *ca_pem = cert_text(making->ca);
    tls->cert_pem = cert_text(making->cert);
    tls->key_pem = key_text(making->key);
    int rc = ca_pem && tls->cert_pem && tls->key_pem ? 0 : sim_fail(err, "cannot write certificates as text");
    if (rc == 0 && write_text(ca_path, ca_pem) < 0)
        rc = sim_fail(err, "cannot write '%s'", ca_path);
    free(ca_pem);
    return rc;
}

struct sim_tls *tls_new(const char *ca_path, const char *name, struct sim_error *err)
{
    struct making making = { 0 };
    struct sim_tls *tls = sim_calloc(1, sizeof(*tls));
    int rc = make_all(&making, tls, ca_path, name, err);
    EVP_PKEY_free(making.ca_key);
    EVP_PKEY_free(making.key);
    X509_free(making.ca);
    X509_free(making.cert);
    if (rc == 0)
        return tls;
    tls_free(tls);
    return NULL;
}

void tls_free(struct sim_tls *tls)
{
    if (!tls)
        return;
    free(tls->key_pem);
    free(tls->cert_pem);
    free(tls);
}

const char *tls_key_pem(const struct sim_tls *tls)
{
    return tls->key_pem;
}

const char *tls_cert_pem(const struct sim_tls *tls)
{
    return tls->cert_pem;
}
