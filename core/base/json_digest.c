/* Digests of JSON documents: what jansson writes goes into the digest piece by piece, and never lies in memory as a whole. */
#include "base/json_digest.h"

#include <string.h>

enum { ROOM = 2048, FLAGS = JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY };

/* Gathers small pieces, for each call of libcrypto has its price. */
struct sink {
    struct digest *digest;
    size_t size;
    char room[ROOM];
};

static void flush(struct sink *sink)
{
    digest_add(sink->digest, sink->room, sink->size);
    sink->size = 0;
}

static int add(const char *text, size_t size, void *data)
{
    struct sink *sink = data;

    if (size > sizeof(sink->room) - sink->size)
        flush(sink);
    if (size > sizeof(sink->room)) {
        digest_add(sink->digest, text, size);
        return 0;
    }
    memcpy(sink->room + sink->size, text, size);
    sink->size += size;
    return 0;
}

bool json_digest_hex(const json_t *value, char ret_hex[DIGEST_HEX_SIZE])
{
    struct sink sink = { .digest = digest_new(), .size = 0 };

    bool is_good = sink.digest && json_dump_callback(value, add, &sink, FLAGS) == 0;
    if (is_good) {
        flush(&sink);
        digest_hex(sink.digest, ret_hex);
    }
    digest_free(sink.digest);
    return is_good;
}
