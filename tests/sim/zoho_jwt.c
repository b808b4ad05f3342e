/* The tokens that come with Desk's webhooks: RS256, made by libcrypto, with the public key as a JWKS. What they sign is who
 * sends and to whom, and not the body. */
#include "zoho.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BITS = 2048, LIFE_S = 300 };

struct zoho_jwt {
    EVP_PKEY *key;   /* owned; the one of the JWKS */
    EVP_PKEY *other; /* owned; one that nobody knows */
};

static const char key_id[] = "localservices-1";

/* Making keys takes a tenth of a second, and most runs sign nothing. */
static struct zoho_jwt *keys_of(struct zoho *zoho)
{
    if (zoho->jwt)
        return zoho->jwt;
    zoho->jwt = sim_calloc(1, sizeof(*zoho->jwt));
    zoho->jwt->key = EVP_RSA_gen(KEY_BITS);
    zoho->jwt->other = EVP_RSA_gen(KEY_BITS);
    if (!zoho->jwt->key || !zoho->jwt->other)
        abort(); /* Like memory: a test tool has nothing better to do. */
    return zoho->jwt;
}

void zoho_jwt_free(struct zoho_jwt *jwt)
{
    if (!jwt)
        return;
    EVP_PKEY_free(jwt->key);
    EVP_PKEY_free(jwt->other);
    free(jwt);
}

/* base64url without padding, in memory for free(). */
static char *encode(const void *data, size_t size)
{
    char *text = sim_malloc((size + 2) / 3 * 4 + 1);
    (void)EVP_EncodeBlock((unsigned char *)text, data, (int)size);
    for (char *at = text; *at; at++)
        *at = (char)(*at == '+' ? '-' : *at == '/' ? '_' : *at == '=' ? '\0' : *at);
    return text;
}

static char *encode_json(json_t *takes)
{
    char *text = json_dumps(takes, JSON_COMPACT);
    char *encoded = encode(text ? text : "", text ? strlen(text) : 0);
    free(text);
    json_decref(takes);
    return encoded;
}

static char *encode_number(EVP_PKEY *key, const char *name)
{
    unsigned char bytes[KEY_BITS / 8];
    BIGNUM *number = NULL;
    int size = EVP_PKEY_get_bn_param(key, name, &number) == 1 && BN_num_bytes(number) <= (int)sizeof(bytes)
                   ? BN_bn2bin(number, bytes)
                   : 0;
    BN_free(number);
    return encode(bytes, (size_t)size);
}

json_t *zoho_jwt_keys(struct zoho *zoho)
{
    EVP_PKEY *key = keys_of(zoho)->key;
    char *modulus = encode_number(key, OSSL_PKEY_PARAM_RSA_N);
    char *exponent = encode_number(key, OSSL_PKEY_PARAM_RSA_E);
    json_t *keys = json_pack("{s:[{s:s, s:s, s:s, s:s, s:s, s:s}]}", "keys", "kty", "RSA", "use", "sig",
                             "alg", "RS256", "kid", key_id, "n", modulus, "e", exponent);
    free(modulus);
    free(exponent);
    return keys;
}

/* Gives the signature, encoded. */
static char *sign(EVP_PKEY *key, const char *text)
{
    unsigned char signature[KEY_BITS / 8];
    size_t size = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(context, signature, &size, (const unsigned char *)text, strlen(text)) != 1)
        abort();
    EVP_MD_CTX_free(context);
    return encode(signature, size);
}

static json_t *make_claims(struct zoho *zoho, const char *webhook_id)
{
    const struct sim_service *desk = zoho->desk;
    bool is_expired = sim_knob_is(desk, DESK_WEBHOOK_SIGNATURE, "expired");
    json_int_t begin_s = sim_now_ms(desk->sim) / 1000 - (is_expired ? 2 * LIFE_S : 0),
               end_s = begin_s + LIFE_S;
    const char *org = sim_knob_is(desk, DESK_WEBHOOK_SIGNATURE, "other_portal") ? "600000999" : zoho->org_id;
    const char *id =
        sim_knob_is(desk, DESK_WEBHOOK_SIGNATURE, "other_webhook") ? "5000001000000000001" : webhook_id;
    return json_pack("{s:o, s:o, s:I, s:I}", "iss", json_sprintf("orgId:%s", org), "aud",
                     json_sprintf("webhookId:%s", id), "iat", begin_s, "exp", end_s);
}

char *zoho_jwt_make(struct zoho *zoho, const char *webhook_id)
{
    if (sim_knob_is(zoho->desk, DESK_WEBHOOK_SIGNATURE, "none"))
        return NULL;
    bool is_wrong = sim_knob_is(zoho->desk, DESK_WEBHOOK_SIGNATURE, "wrong_key");
    const struct zoho_jwt *keys = keys_of(zoho);
    char *head = encode_json(json_pack("{s:s, s:s, s:s}", "alg", "RS256", "typ", "JWT", "kid", key_id));
    char *claims = encode_json(make_claims(zoho, webhook_id)), *signed_part = NULL, *token = NULL;
    if (asprintf(&signed_part, "%s.%s", head, claims) < 0)
        abort();
    char *signature = sign(is_wrong ? keys->other : keys->key, signed_part);
    if (asprintf(&token, "%s.%s", signed_part, signature) < 0)
        abort();
    free(head);
    free(claims);
    free(signed_part);
    free(signature);
    return token;
}
