/* Straight from the values into the buffer: runs of plain characters at once, no calls for single ones. */
#include "base/json_write.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum { DEPTH_MAX = 2048, REAL_SIZE = 40, INTEGER_SIZE = 24 };

static bool write_value(struct buf *out, const json_t *value, unsigned depth);

/* ---- texts --------------------------------------------------------------------------------------------- */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

static void write_escaped(struct buf *out, unsigned char c)
{
    static const char shorts[] = {
        '"', '"', '\\', '\\', '\b', 'b', '\f', 'f', '\n', 'n', '\r', 'r', '\t', 't'
    };

    for (size_t i = 0; i < sizeof(shorts); i += 2) {
        if ((unsigned char)shorts[i] == c) {
            const char pair[2] = { '\\', shorts[i + 1] };
            buf_add(out, pair, sizeof(pair));
            return;
        }
    }
    buf_printf(out, "\\u%04X", c);
}

static bool write_text(struct buf *out, const char *text, size_t size)
{
    const char *end = text + size, *run = text;
    unsigned char seen = 0;

    buf_char(out, '"');
    for (const char *at = text; at < end; at++) {
        seen |= (unsigned char)*at;
        if (is_plain((unsigned char)*at))
            continue;
        buf_add(out, run, (size_t)(at - run));
        write_escaped(out, (unsigned char)*at);
        run = at + 1;
    }
    buf_add(out, run, (size_t)(end - run));
    buf_char(out, '"');
    return seen < 0x80 || utf8_is_valid(text, size);
}

/* ---- numbers ------------------------------------------------------------------------------------------- */

static void write_integer(struct buf *out, json_int_t value)
{
    char text[INTEGER_SIZE];
    char *at = text + sizeof(text);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        *--at = '-';
    buf_add(out, at, (size_t)(text + sizeof(text) - at));
}

/* Always with a point or an exponent, and that without a plus and leading zeros: it is read as a real again. */
static void write_real(struct buf *out, double value)
{
    char text[REAL_SIZE];
    int size = snprintf(text, sizeof(text), "%.17g", value);
    char *exponent = strchr(text, 'e');

    if (!exponent) {
        buf_add(out, text, (size_t)size);
        if (!strchr(text, '.'))
            buf_add(out, ".0", 2);
        return;
    }
    const char *digits = exponent + 2; /* printf always writes a sign */
    while (*digits == '0' && digits[1])
        digits++;
    buf_add(out, text, (size_t)(exponent - text) + 1);
    if (exponent[1] == '-')
        buf_char(out, '-');
    buf_str(out, digits);
}

/* ---- arrays and objects -------------------------------------------------------------------------------- */

static bool write_array(struct buf *out, const json_t *array, unsigned depth)
{
    size_t count = json_array_size(array);

    buf_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_char(out, ',');
        if (!write_value(out, json_array_get(array, i), depth))
            return false;
    }
    buf_char(out, ']');
    return true;
}

static bool write_object(struct buf *out, json_t *object, unsigned depth)
{
    bool is_first = true;

    buf_char(out, '{');
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        if (!is_first)
            buf_char(out, ',');
        is_first = false;
        if (!write_text(out, json_object_iter_key(at), json_object_iter_key_len(at)))
            return false;
        buf_char(out, ':');
        if (!write_value(out, json_object_iter_value(at), depth))
            return false;
    }
    buf_char(out, '}');
    return true;
}

static bool write_value(struct buf *out, const json_t *value, unsigned depth)
{
    if (!value || depth >= DEPTH_MAX)
        return false;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return write_object(out, (json_t *)(uintptr_t)value, depth + 1); /* its iterator wants no const */
    case JSON_ARRAY:
        return write_array(out, value, depth + 1);
    case JSON_STRING:
        return write_text(out, json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
        write_integer(out, json_integer_value(value));
        return true;
    case JSON_REAL:
        write_real(out, json_real_value(value));
        return true;
    case JSON_TRUE:
        buf_add(out, "true", 4);
        return true;
    case JSON_FALSE:
        buf_add(out, "false", 5);
        return true;
    case JSON_NULL:
        buf_add(out, "null", 4);
        return true;
    }
    return false;
}

bool json_write(struct buf *out, const json_t *value)
{
    return write_value(out, value, 0) && !out->failed;
}
