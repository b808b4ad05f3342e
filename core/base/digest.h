/* SHA-256, HMAC-SHA-256, and short names made of them (OpenSSL's libcrypto). Any thread. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { DIGEST_SIZE = 32, DIGEST_HEX_SIZE = 65, REFERENCE_SIZE = 14 };

struct digest; /* a running SHA-256 */

struct digest *digest_new(void); /* NULL when out of memory */
void digest_add(struct digest *digest, const void *data, size_t size);
/* Ends the run; the digest may only be freed afterwards. */
void digest_hex(struct digest *digest, char ret_hex[DIGEST_HEX_SIZE]);
/* The same in bytes, and ready for the next run: one digest serves any number of them, one after the other. */
void digest_take(struct digest *digest, unsigned char ret[DIGEST_SIZE]);
void digest_free(struct digest *digest); /* NULL allowed */

void digest_sha256(const void *data, size_t size, unsigned char ret[DIGEST_SIZE]);
void digest_sha256_hex(const void *data, size_t size, char ret_hex[DIGEST_HEX_SIZE]);
/* A digest as 64 hexadecimal digits. */
void digest_to_hex(const unsigned char digest[DIGEST_SIZE], char ret_hex[DIGEST_HEX_SIZE]);
void digest_hmac_hex(const void *key, size_t key_size, const void *data, size_t size,
                     char ret_hex[DIGEST_HEX_SIZE]);
/* Whether two texts are equal, in time that depends on their lengths only. */
bool digest_equal(const char *a, const char *b);

/* Appends `data` in base 64, padded. */
void digest_base64(const void *data, size_t size, struct buf *out);

/* The reference of a conversation: 13 characters of Crockford's base 32 (0-9 A-Z without I L O U), 65 bits of
 * SHA-256 over account, a NUL, and external id. */
void digest_reference(const char *account, const char *external_id, char ret_text[REFERENCE_SIZE]);

#endif
