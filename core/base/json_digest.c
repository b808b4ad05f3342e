/* Digests of JSON documents: what is written of one goes into the digest piece by piece, and never lies in memory as a
 * whole. */
#include "base/json_digest.h"

#include "base/json_write.h"

static void add_piece(void *ctx, const char *piece, size_t size)
{
    digest_add(ctx, piece, size);
}

bool json_digest_hex(const json_t *value, char ret_hex[DIGEST_HEX_SIZE])
{
    struct digest *digest = digest_new();

    bool is_good = digest && json_write(value, JSON_ORDER_SORTED, add_piece, digest);
    if (is_good)
        digest_hex(digest, ret_hex);
    digest_free(digest);
    return is_good;
}
