/* A walk over a document; what is small is gathered, for each piece that is handed on has its price. */
#include "base/json_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum {
    ROOM = 4096,
    DEPTH_MAX = 32, /* jansson writes what lies deeper */
    KEYS_FIRST = 32,
    NUMBER_MAX = 32
};

/* A member's name, for sorting. */
struct key {
    const char *name;
    size_t size;
    const json_t *value;
};

struct writer {
    json_piece_fn fn;
    void *ctx;
    enum json_order order;
    struct key *keys; /* owned: those of all objects that are being written, the innermost last */
    size_t key_count, key_room;
    size_t size;
    char room[ROOM];
};

/* An object or a list that is being written, and those around it. */
struct level {
    const struct level *up; /* NULL: the outermost */
    const json_t *value;
    unsigned depth;
};

static bool write_value(struct writer *writer, const json_t *value, const struct level *up);

/* ---- pieces -------------------------------------------------------------------------------------------- */

static void flush(struct writer *writer)
{
    if (writer->size > 0)
        writer->fn(writer->ctx, writer->room, writer->size);
    writer->size = 0;
}

static void put(struct writer *writer, const char *text, size_t size)
{
    if (size > sizeof(writer->room) - writer->size)
        flush(writer);
    if (size > sizeof(writer->room)) {
        writer->fn(writer->ctx, text, size);
        return;
    }
    memcpy(writer->room + writer->size, text, size);
    writer->size += size;
}

static void put_char(struct writer *writer, char c)
{
    if (writer->size == sizeof(writer->room))
        flush(writer);
    writer->room[writer->size++] = c;
}

/* ---- texts --------------------------------------------------------------------------------------------- */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The letter of a short escape, or 0. */
static char escape_letter(unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return '\0';
    }
}

static void put_escape(struct writer *writer, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char letter = escape_letter(c);

    if (letter) {
        put(writer, (const char[]){ '\\', letter }, 2);
        return;
    }
    put(writer, (const char[]){ '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] }, 6);
}

static bool write_text(struct writer *writer, const char *text, size_t size)
{
    const char *end = text + size, *at = text;
    size_t length = 0;

    put_char(writer, '"');
    while (at < end) {
        unsigned char c = (unsigned char)*at;
        if (is_plain(c)) {
            at++;
        } else if (c >= 0x80) {
            if (utf8_decode(at, (size_t)(end - at), &length) < 0)
                return false;
            at += length;
        } else {
            put(writer, text, (size_t)(at - text));
            put_escape(writer, c);
            text = ++at;
        }
    }
    put(writer, text, (size_t)(end - text));
    put_char(writer, '"');
    return true;
}

/* ---- objects and lists --------------------------------------------------------------------------------- */

static int compare_keys(const void *a, const void *b)
{
    const struct key *left = a, *right = b;
    int order = memcmp(left->name, right->name, left->size < right->size ? left->size : right->size);

    return order ? order : (left->size > right->size) - (left->size < right->size);
}

static bool make_key_room(struct writer *writer, size_t count)
{
    size_t need = writer->key_count + count, room = writer->key_room ? writer->key_room : KEYS_FIRST;

    if (need <= writer->key_room)
        return true;
    while (room < need)
        room *= 2;
    struct key *keys = reallocarray(writer->keys, room, sizeof(*keys));
    if (!keys)
        return false;
    writer->keys = keys;
    writer->key_room = room;
    return true;
}

static bool write_member(struct writer *writer, const struct key *key, bool is_first,
                         const struct level *here)
{
    if (!is_first)
        put_char(writer, ',');
    if (!write_text(writer, key->name, key->size))
        return false;
    put_char(writer, ':');
    return write_value(writer, key->value, here);
}

static struct key key_at(void *iter)
{
    return (struct key){ .name = json_object_iter_key(iter),
                         .size = json_object_iter_key_len(iter),
                         .value = json_object_iter_value(iter) };
}

static bool write_sorted(struct writer *writer, json_t *object, const struct level *here)
{
    size_t first = writer->key_count, count = json_object_size(object);
    bool is_good = true;

    if (!make_key_room(writer, count))
        return false;
    for (void *iter = json_object_iter(object); iter; iter = json_object_iter_next(object, iter))
        writer->keys[writer->key_count++] = key_at(iter);
    if (count > 1)
        qsort(writer->keys + first, count, sizeof(*writer->keys), compare_keys);
    /* A copy of each: the list may move while the objects within are written. */
    for (size_t i = 0; is_good && i < count; i++) {
        const struct key key = writer->keys[first + i];
        is_good = write_member(writer, &key, i == 0, here);
    }
    writer->key_count = first;
    return is_good;
}

static bool write_object(struct writer *writer, const json_t *value, const struct level *here)
{
    json_t *object = (json_t *)(uintptr_t)value; /* jansson's way through an object; nothing changes */
    bool is_good = true, is_first = true;

    put_char(writer, '{');
    if (writer->order == JSON_ORDER_SORTED)
        is_good = write_sorted(writer, object, here);
    else
        for (void *iter = json_object_iter(object); is_good && iter;
             iter = json_object_iter_next(object, iter)) {
            const struct key key = key_at(iter);
            is_good = write_member(writer, &key, is_first, here);
            is_first = false;
        }
    put_char(writer, '}');
    return is_good;
}

static bool write_list(struct writer *writer, const json_t *list, const struct level *here)
{
    bool is_good = true;

    put_char(writer, '[');
    for (size_t i = 0; is_good && i < json_array_size(list); i++) {
        if (i > 0)
            put_char(writer, ',');
        is_good = write_value(writer, json_array_get(list, i), here);
    }
    put_char(writer, ']');
    return is_good;
}

static bool contains_itself(const struct level *here)
{
    for (const struct level *level = here->up; level; level = level->up)
        if (level->value == here->value)
            return true;
    return false;
}

/* ---- values -------------------------------------------------------------------------------------------- */

static int put_piece(const char *text, size_t size, void *writer)
{
    put(writer, text, size);
    return 0;
}

static bool write_by_jansson(struct writer *writer, const json_t *value)
{
    size_t order = writer->order == JSON_ORDER_SORTED ? JSON_SORT_KEYS : 0;

    return json_dump_callback(value, put_piece, writer, JSON_COMPACT | JSON_ENCODE_ANY | order) == 0;
}

static bool write_container(struct writer *writer, const json_t *value, const struct level *up)
{
    const struct level here = { .up = up, .value = value, .depth = up ? up->depth + 1 : 1 };

    if (here.depth > DEPTH_MAX)
        return write_by_jansson(writer, value);
    if (contains_itself(&here))
        return false;
    return json_is_object(value) ? write_object(writer, value, &here) : write_list(writer, value, &here);
}

static void write_integer(struct writer *writer, const json_t *value)
{
    char text[NUMBER_MAX];
    int size = snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));

    put(writer, text, (size_t)size); /* twenty characters at most */
}

static bool write_value(struct writer *writer, const json_t *value, const struct level *up)
{
    if (!value)
        return false;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return write_container(writer, value, up);
    case JSON_STRING:
        return write_text(writer, json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
        write_integer(writer, value);
        return true;
    case JSON_REAL:
        return write_by_jansson(writer, value);
    case JSON_TRUE:
        put(writer, "true", 4);
        return true;
    case JSON_FALSE:
        put(writer, "false", 5);
        return true;
    case JSON_NULL:
        put(writer, "null", 4);
        return true;
    }
    return false;
}

bool json_write(const json_t *value, enum json_order order, json_piece_fn fn, void *ctx)
{
    struct writer writer; /* not set as a whole: its room is large */

    writer.fn = fn;
    writer.ctx = ctx;
    writer.order = order;
    writer.keys = NULL;
    writer.key_count = writer.key_room = 0;
    writer.size = 0;
    bool is_good = write_value(&writer, value, /* up= */ NULL);
    if (is_good)
        flush(&writer);
    free(writer.keys);
    return is_good;
}
