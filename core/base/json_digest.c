/* Digests of JSON documents. Texts that need no escape, which nearly all are, go into the digest as they lie in memory; all
 * else is written by jansson. A document's digest is asked for while somebody waits, and writing it all takes its time. */
#include "base/json_digest.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 2048, MEMBERS = 32, DEPTH_MAX = 2048 /* as jansson reads */ };

/* Gathers small pieces, for each call of libcrypto has its price. */
struct sink {
    struct digest *digest;
    size_t size, depth;
    char room[ROOM];
};

static bool add_value(struct sink *sink, const json_t *value);

static void flush(struct sink *sink)
{
    digest_add(sink->digest, sink->room, sink->size);
    sink->size = 0;
}

static void add(struct sink *sink, const char *text, size_t size)
{
    if (size > sizeof(sink->room) - sink->size)
        flush(sink);
    if (size > sizeof(sink->room)) {
        digest_add(sink->digest, text, size);
        return;
    }
    memcpy(sink->room + sink->size, text, size);
    sink->size += size;
}

/* The highest bit of each byte of `word` that is less than `limit`, which is at most 0x80. Bytes of 0x80 and more are never; a
 * borrow can only reach a byte above one that is. */
static uint64_t bytes_below(uint64_t word, unsigned limit)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);

    return (word - ones * limit) & ~word & (ones << 7);
}

static bool is_plain_byte(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

/* Eight bytes at a time: this looks at every byte that comes in. */
static bool is_plain(const char *text, size_t size)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t special = 0, word = 0;
    size_t i = 0;

    for (; size - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, text + i, sizeof(word));
        special |=
            bytes_below(word, 0x20) | bytes_below(word ^ ones * '"', 1) | bytes_below(word ^ ones * '\\', 1);
    }
    for (; i < size && !special; i++)
        special = !is_plain_byte((unsigned char)text[i]);
    return !special;
}

static bool add_as_written(struct sink *sink, const json_t *value)
{
    enum { FLAGS = JSON_COMPACT | JSON_ENCODE_ANY };
    size_t size = json_dumpb(value, NULL, 0, FLAGS);
    char *text = size > 0 ? malloc(size) : NULL;

    bool is_good = text && json_dumpb(value, text, size, FLAGS) == size;
    if (is_good)
        add(sink, text, size);
    free(text);
    return is_good;
}

static bool add_text(struct sink *sink, const char *text, size_t size)
{
    if (is_plain(text, size)) {
        add(sink, "\"", 1);
        add(sink, text, size);
        add(sink, "\"", 1);
        return true;
    }
    json_t *value = json_stringn_nocheck(text, size);
    bool is_good = value && add_as_written(sink, value);
    json_decref(value);
    return is_good;
}

/* ---- members by name ----------------------------------------------------------------------------------- */

struct member {
    const char *name;
    const json_t *value;
};

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static bool add_members(struct sink *sink, struct member *members, size_t count)
{
    add(sink, "{", 1);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            add(sink, ",", 1);
        if (!add_text(sink, members[i].name, strlen(members[i].name)))
            return false;
        add(sink, ":", 1);
        if (!add_value(sink, members[i].value))
            return false;
    }
    add(sink, "}", 1);
    return true;
}

static bool add_object(struct sink *sink, const json_t *object)
{
    struct member few[MEMBERS];
    size_t count = json_object_size(object), i = 0;
    struct member *members = count > MEMBERS ? calloc(count, sizeof(*members)) : few;
    const char *name;
    json_t *value;

    if (!members)
        return false;
    json_object_foreach ((json_t *)(uintptr_t)object, name, value)
        members[i++] = (struct member){ .name = name, .value = value };
    qsort(members, count, sizeof(*members), compare);
    bool is_good = add_members(sink, members, count);
    if (members != few)
        free(members);
    return is_good;
}

static bool add_array(struct sink *sink, const json_t *array)
{
    size_t index;
    json_t *item;

    add(sink, "[", 1);
    json_array_foreach (array, index, item) {
        if (index > 0)
            add(sink, ",", 1);
        if (!add_value(sink, item))
            return false;
    }
    add(sink, "]", 1);
    return true;
}

/* ---- values -------------------------------------------------------------------------------------------- */

static bool add_container(struct sink *sink, const json_t *value)
{
    if (sink->depth == DEPTH_MAX)
        return false; /* one that holds itself has no end */
    sink->depth++;
    bool is_good = json_is_object(value) ? add_object(sink, value) : add_array(sink, value);
    sink->depth--;
    return is_good;
}

static bool add_value(struct sink *sink, const json_t *value)
{
    if (json_is_object(value) || json_is_array(value))
        return add_container(sink, value);
    if (json_is_string(value))
        return add_text(sink, json_string_value(value), json_string_length(value));
    return value && add_as_written(sink, value);
}

bool json_digest_hex(const json_t *value, char ret_hex[DIGEST_HEX_SIZE])
{
    struct sink sink = { .digest = digest_new(), .size = 0 };

    bool is_good = sink.digest && add_value(&sink, value);
    if (is_good) {
        flush(&sink);
        digest_hex(sink.digest, ret_hex);
    }
    digest_free(sink.digest);
    return is_good;
}
