/* What is written of a document is, byte for byte, what jansson writes, in either order of members. */
#include "base/json_write.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/scope.h"
#include "check.h"

enum { TEXT_MAX = 64 * 1024 * 1024, PIECE_MAX = 4096, DOCUMENTS = 3000, DEEPEST = 200 };

/* Pieces, with a watch over how small they are: each has its price for who gets it. */
struct pieces {
    struct buf text;
    size_t count;
};

static void add_piece(void *ctx, const char *text, size_t size)
{
    struct pieces *pieces = ctx;

    assert_true(size > 0);
    buf_add(&pieces->text, text, size);
    pieces->count++;
}

static void check_same(const char *name, const json_t *value)
{
    static const struct {
        enum json_order order;
        size_t flags;
    } rows[] = { { JSON_ORDER_KEPT, 0 }, { JSON_ORDER_SORTED, JSON_SORT_KEYS } };

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct pieces pieces = { .count = 0 };
        AUTO_STR want = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | rows[i].flags);
        buf_init(&pieces.text, TEXT_MAX);
        assert_non_null(want);
        assert_true(json_write(value, rows[i].order, add_piece, &pieces));
        assert_false(pieces.text.failed);
        CHECK_STR(name, want, pieces.text.data);
        buf_done(&pieces.text);
    }
}

static json_t *parsed(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    assert_non_null(value);
    return value;
}

static void is_what_jansson_writes(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{}",
        "[]",
        "null",
        "true",
        "false",
        "\"\"",
        "{\"\":\"\"}",
        "[[],{},[[]],[{}]]",
        "[0,-1,7,-9223372036854775808,9223372036854775807]",
        "[1.0,-0.0,1.5,-2.25e-7,1e300,1e22,0.1,123456789.123,5e-324]",
        "{\"b\":1,\"a\":2,\"ab\":3,\"a b\":4,\"A\":5,\"\":6,\"\xc3\xa9\":7,\"~\":8}",
        "{\"deep\":{\"z\":[{\"y\":1,\"x\":[[],{}]}],\"a\":\"b\"},\"b\":{\"d\":1,\"c\":2}}",
        "[\"quote \\\" slash / back \\\\ line\\nbreak\\ttab\\b\\f\\r\"]",
        "[\"\\u0000\\u0001\\u001f \\u007f\\u0080\"]",
        "[\"\xe0\xa4\xa8\xe0\xa4\xae \xf0\x9f\x99\x82 \xc3\xa9 \xef\xbf\xbf \xf4\x8f\xbf\xbf\"]",
        "{\"a \\\"name\\\" with\\nescapes\":\"\xe2\x82\xac\",\"\xc3\xa9\":1}",
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_JSON value = parsed(rows[i]);
        check_same(rows[i], value);
    }
}

/* As little as a generator needs; the seed makes each document again. */
static uint32_t next(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525U + 1013904223U;
    return (*seed >> 8) % below;
}

static json_t *some_text(uint32_t *seed)
{
    static const char *const parts[] = { "a",    "word ",    "\"",           "\\",
                                         "/",    "\n",       "\x01",         "\t",
                                         "\x7f", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x99\x82",
                                         "zz",   "0" };
    AUTO_BUF text;

    buf_init(&text, TEXT_MAX);
    for (uint32_t left = next(seed, 12); left > 0; left--)
        buf_str(&text, parts[next(seed, ROWS(parts))]);
    return json_stringn(text.data, text.len);
}

static json_t *some_value(uint32_t *seed, int depth)
{
    uint32_t kind = next(seed, depth > 0 ? 9 : 7), count = next(seed, 6);

    if (kind == 0)
        return json_null();
    if (kind == 1)
        return json_boolean(next(seed, 2));
    if (kind == 2)
        return json_integer((json_int_t)next(seed, 1U << 24) - (1 << 23));
    if (kind == 3)
        return json_real(((double)next(seed, 1U << 24) - (1 << 23)) / (1 + next(seed, 1000)));
    if (kind < 7)
        return some_text(seed);
    json_t *made = kind == 7 ? json_object() : json_array();
    while (count-- > 0) {
        AUTO_JSON name = some_text(seed);
        json_t *value = some_value(seed, depth - 1);
        assert_int_equal(0, kind == 7 ? json_object_set_new(made, json_string_value(name), value)
                                      : json_array_append_new(made, value));
    }
    return made;
}

static void any_document_is_what_jansson_writes(void **state)
{
    (void)state;
    for (uint32_t number = 0; number < DOCUMENTS; number++) {
        uint32_t seed = number;
        char name[32];
        AUTO_JSON value = some_value(&seed, 5);
        (void)snprintf(name, sizeof(name), "document %u", (unsigned)number);
        check_same(name, value);
    }
}

/* Texts around the size in which pieces are gathered, alone and behind others; one of them with an escape at its end. */
static void length_does_not_matter(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1,
                                    7,
                                    PIECE_MAX - 5,
                                    PIECE_MAX - 4,
                                    PIECE_MAX - 3,
                                    PIECE_MAX - 2,
                                    PIECE_MAX - 1,
                                    PIECE_MAX,
                                    PIECE_MAX + 1,
                                    1000000 };

    for (size_t i = 0; i < ROWS(sizes); i++) {
        AUTO_STR text = malloc(sizes[i]);
        AUTO_JSON list = json_array();
        assert_true(text && list);
        memset(text, 'x', sizes[i]);
        assert_int_equal(0, json_array_append_new(list, json_stringn(text, sizes[i])));
        check_same("alone", list);
        text[sizes[i] - 1] = '"';
        assert_int_equal(0, json_array_append_new(list, json_stringn(text, sizes[i])));
        assert_int_equal(0, json_array_append_new(list, json_true()));
        check_same("behind another", list);
    }
}

/* The last levels are jansson's own. */
static void depth_does_not_matter(void **state)
{
    (void)state;
    AUTO_JSON value = parsed("{\"b\":[1.5,\"x\"],\"a\":null}");

    for (int depth = 1; depth < DEEPEST; depth++) {
        json_t *outer = depth % 2 ? json_array() : json_object();
        assert_int_equal(0, depth % 2 ? json_array_append_new(outer, value)
                                      : json_object_set_new(outer, "b\"", value));
        value = outer;
        if (depth % 2 == 0)
            assert_int_equal(0, json_object_set_new(outer, "a", json_integer(depth)));
        check_same("deep", value);
    }
}

static void small_parts_are_gathered(void **state)
{
    (void)state;
    struct pieces pieces = { .count = 0 };
    AUTO_JSON list = json_array();

    for (int i = 0; i < 10000; i++)
        assert_int_equal(0, json_array_append_new(list, json_integer(i)));
    buf_init(&pieces.text, TEXT_MAX);
    assert_true(json_write(list, JSON_ORDER_KEPT, add_piece, &pieces));
    assert_true(pieces.text.len > 10 * (size_t)PIECE_MAX);
    assert_in_range(pieces.count, 1, pieces.text.len / (PIECE_MAX - 32) + 1);
    buf_done(&pieces.text);
}

static void forget_piece(void *ctx, const char *text, size_t size)
{
    (void)ctx;
    (void)text;
    (void)size;
}

static bool can_be_written(const json_t *value)
{
    bool is_written = json_write(value, JSON_ORDER_KEPT, forget_piece, NULL);

    assert_int_equal(is_written, json_write(value, JSON_ORDER_SORTED, forget_piece, NULL));
    return is_written;
}

static void what_is_not_utf8_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "\xff",
        "a\x80",
        "\xc3",
        "\xc0\x80",
        "\xed\xa0\x80",
        "\xe2\x82",
        "\xc3(",
        "\xf4\x90\x80\x80",
        "\xf0\x80\x80\x80",
        "x\xf8\x88\x80\x80\x80",
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_JSON text = json_string_nocheck(rows[i]);
        AUTO_JSON named = json_object();
        assert_int_equal(0, json_object_set_new_nocheck(named, rows[i], json_null()));
        assert_false(can_be_written(text));
        assert_false(can_be_written(named));
    }
    assert_false(can_be_written(NULL));
}

/* Through a short way and through one that is longer than what is looked through here. */
static void what_contains_itself_is_refused(void **state)
{
    (void)state;
    static const int lengths[] = { 1, 2, 31, 32, 33, 100 };

    for (size_t i = 0; i < ROWS(lengths); i++) {
        json_t *outer = json_array(), *inner = outer;
        for (int depth = 0; depth < lengths[i]; depth++) {
            json_t *next_one = json_array();
            assert_int_equal(0, json_array_append_new(inner, next_one));
            inner = next_one;
        }
        assert_true(can_be_written(outer));
        assert_int_equal(0, json_array_append(inner, outer));
        assert_false(can_be_written(outer));
        assert_int_equal(0, json_array_clear(inner));
        json_decref(outer);
    }
}

/* One value at two places is no cycle. */
static void what_is_shared_is_written_twice(void **state)
{
    (void)state;
    AUTO_JSON shared = parsed("{\"b\":1,\"a\":[2]}");
    AUTO_JSON value = json_pack("{s:O, s:[O,O]}", "one", shared, "more", shared, shared);

    check_same("shared", value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_what_jansson_writes),
        cmocka_unit_test(any_document_is_what_jansson_writes),
        cmocka_unit_test(length_does_not_matter),
        cmocka_unit_test(depth_does_not_matter),
        cmocka_unit_test(small_parts_are_gathered),
        cmocka_unit_test(what_is_not_utf8_is_refused),
        cmocka_unit_test(what_contains_itself_is_refused),
        cmocka_unit_test(what_is_shared_is_written_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
