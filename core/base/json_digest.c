/* Digests of JSON documents: the values themselves go into the digest, each behind its kind and size, so that nothing has to
 * be written as text for it. */
#include "base/json_digest.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"

enum { ROOM = 2048, NUMBER_SIZE = 8, FEW = 32 };

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

static void add(struct sink *sink, const void *data, size_t size)
{
    if (size > sizeof(sink->room) - sink->size)
        flush(sink);
    if (size > sizeof(sink->room)) {
        digest_add(sink->digest, data, size);
        return;
    }
    memcpy(sink->room + sink->size, data, size);
    sink->size += size;
}

/* The same on every machine: the least byte first. */
static void add_number(struct sink *sink, char kind, uint64_t number)
{
    unsigned char bytes[1 + NUMBER_SIZE] = { (unsigned char)kind };

    for (size_t i = 0; i < NUMBER_SIZE; i++, number >>= 8)
        bytes[1 + i] = (unsigned char)number;
    add(sink, bytes, sizeof(bytes));
}

static void add_text(struct sink *sink, char kind, const char *text, size_t size)
{
    add_number(sink, kind, size);
    add(sink, text, size);
}

static void add_real(struct sink *sink, double real)
{
    uint64_t bits = 0;

    static_assert(sizeof(bits) == sizeof(real), "a real number has eight bytes");
    memcpy(&bits, &real, sizeof(bits));
    add_number(sink, 'r', bits);
}

/* ---- objects and lists --------------------------------------------------------------------------------- */

struct member {
    const char *name;
    size_t name_size;
    const json_t *value;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static bool add_value(struct sink *sink, const json_t *value);

static bool add_members(struct sink *sink, const struct member *members, size_t count)
{
    bool is_good = true;

    for (size_t i = 0; is_good && i < count; i++) {
        add_text(sink, 'm', members[i].name, members[i].name_size);
        is_good = add_value(sink, members[i].value);
    }
    return is_good;
}

static bool add_object(struct sink *sink, const json_t *object)
{
    size_t size = json_object_size(object), count = 0;
    struct member few[FEW], *members = size <= FEW ? few : calloc(size, sizeof(*members));
    json_t *borrowed = (json_t *)object; /* the iterators of jansson 2.14 take no const */

    if (!members)
        return false;
    for (void *at = json_object_iter(borrowed); at; at = json_object_iter_next(borrowed, at))
        members[count++] = (struct member){ .name = json_object_iter_key(at),
                                            .name_size = json_object_iter_key_len(at),
                                            .value = json_object_iter_value(at) };
    qsort(members, count, sizeof(*members), by_name);
    add_number(sink, '{', size);
    bool is_good = add_members(sink, members, count);
    if (members != few)
        free(members);
    return is_good;
}

static bool add_list(struct sink *sink, const json_t *list)
{
    bool is_good = true;

    add_number(sink, '[', json_array_size(list));
    for (size_t i = 0; is_good && i < json_array_size(list); i++)
        is_good = add_value(sink, json_array_get(list, i));
    return is_good;
}

static bool add_value(struct sink *sink, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return add_object(sink, value);
    case JSON_ARRAY:
        return add_list(sink, value);
    case JSON_STRING:
        add_text(sink, 's', json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        add_number(sink, 'i', (uint64_t)json_integer_value(value));
        break;
    case JSON_REAL:
        add_real(sink, json_real_value(value));
        break;
    case JSON_TRUE:
        add(sink, "t", 1);
        break;
    case JSON_FALSE:
        add(sink, "f", 1);
        break;
    case JSON_NULL:
        add(sink, "n", 1);
        break;
    }
    return true;
}

bool json_digest_hex(const json_t *value, char ret_hex[DIGEST_HEX_SIZE])
{
    struct sink sink = { .digest = digest_new(), .size = 0 };

    bool is_good = sink.digest && value && add_value(&sink, value);
    if (is_good) {
        flush(&sink);
        digest_hex(sink.digest, ret_hex);
    }
    digest_free(sink.digest);
    return is_good;
}
