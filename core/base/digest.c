/* SHA-256 and what is made of it. A digest that cannot be made ends the process: a wrong one would be an
 * identity. */
#include "base/digest.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct digest {
    EVP_MD_CTX *ctx; /* owned */
    bool has_ended;
};

_Static_assert(DIGEST_HEX_SIZE == 2 * DIGEST_SIZE + 1, "two characters a byte, and a NUL");
_Static_assert((REFERENCE_SIZE - 1) * 5 <= DIGEST_SIZE * 8, "a reference is cut from one digest");

static void require(bool is_done)
{
    if (is_done)
        return;
    (void)fputs("switchboard: SHA-256 failed in libcrypto\n", stderr);
    abort();
}

void digest_to_hex(const unsigned char bytes[DIGEST_SIZE], char ret_hex[DIGEST_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        ret_hex[2 * i] = digits[bytes[i] >> 4];
        ret_hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret_hex[2 * (size_t)DIGEST_SIZE] = '\0';
}

struct digest *digest_new(void)
{
    struct digest *digest = calloc(1, sizeof(*digest));
    if (!digest)
        return NULL;

    digest->ctx = EVP_MD_CTX_new();
    if (!digest->ctx || EVP_DigestInit_ex(digest->ctx, EVP_sha256(), NULL) != 1) {
        digest_free(digest);
        return NULL;
    }
    return digest;
}

void digest_add(struct digest *digest, const void *data, size_t size)
{
    assert(!digest->has_ended);
    require(EVP_DigestUpdate(digest->ctx, data, size) == 1);
}

void digest_hex(struct digest *digest, char ret_hex[DIGEST_HEX_SIZE])
{
    unsigned char bytes[DIGEST_SIZE];

    assert(!digest->has_ended);
    digest->has_ended = true;
    require(EVP_DigestFinal_ex(digest->ctx, bytes, NULL) == 1);
    digest_to_hex(bytes, ret_hex);
}

void digest_take(struct digest *digest, unsigned char ret[DIGEST_SIZE])
{
    assert(!digest->has_ended);
    require(EVP_DigestFinal_ex(digest->ctx, ret, NULL) == 1);
    require(EVP_DigestInit_ex(digest->ctx, NULL, NULL) == 1); /* keeps the algorithm that was looked up */
}

void digest_free(struct digest *digest)
{
    if (!digest)
        return;
    EVP_MD_CTX_free(digest->ctx);
    free(digest);
}

void digest_sha256(const void *data, size_t size, unsigned char ret[DIGEST_SIZE])
{
    require(EVP_Digest(data, size, ret, NULL, EVP_sha256(), NULL) == 1);
}

void digest_sha256_hex(const void *data, size_t size, char ret_hex[DIGEST_HEX_SIZE])
{
    unsigned char bytes[DIGEST_SIZE];

    digest_sha256(data, size, bytes);
    digest_to_hex(bytes, ret_hex);
}

void digest_hmac_hex(const void *key, size_t key_size, const void *data, size_t size,
                     char ret_hex[DIGEST_HEX_SIZE])
{
    unsigned char bytes[DIGEST_SIZE];
    unsigned length = sizeof(bytes);

    assert(key_size <= INT32_MAX);
    require(HMAC(EVP_sha256(), key, (int)key_size, data, size, bytes, &length) != NULL);
    assert(length == DIGEST_SIZE);
    digest_to_hex(bytes, ret_hex);
}

bool digest_equal(const char *a, const char *b)
{
    size_t a_size = strlen(a);

    return a_size == strlen(b) && CRYPTO_memcmp(a, b, a_size) == 0;
}

void digest_reference(const char *account, const char *external_id, char ret_text[REFERENCE_SIZE])
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    unsigned char bytes[DIGEST_SIZE];

    _Static_assert(sizeof(alphabet) == 32 + 1, "five bits a character");
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    require(ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1);
    /* The account goes in with its NUL, so that "a" and "bc" are not "ab" and "c". */
    require(EVP_DigestUpdate(ctx, account, strlen(account) + 1) == 1);
    require(EVP_DigestUpdate(ctx, external_id, strlen(external_id)) == 1);
    require(EVP_DigestFinal_ex(ctx, bytes, NULL) == 1);
    EVP_MD_CTX_free(ctx);

    for (size_t i = 0; i + 1 < REFERENCE_SIZE; i++) {
        size_t bit = i * 5;
        unsigned pair = (unsigned)bytes[bit / 8] << 8 | bytes[bit / 8 + 1];
        ret_text[i] = alphabet[pair >> (11 - bit % 8) & 31U];
    }
    ret_text[REFERENCE_SIZE - 1] = '\0';
}

void digest_base64(const void *data, size_t size, struct buf *out)
{
    enum { CHUNK = 48 }; /* a multiple of 3, so that only the last chunk is padded */
    const unsigned char *bytes = data;

    for (size_t done = 0; done < size; done += CHUNK) {
        unsigned char text[CHUNK / 3 * 4 + 1];
        size_t part = size - done < CHUNK ? size - done : CHUNK;
        int length = EVP_EncodeBlock(text, bytes + done, (int)part);
        buf_add(out, (const char *)text, (size_t)length);
        OPENSSL_cleanse(text, sizeof(text));
    }
}
