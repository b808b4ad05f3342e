/* The digest of a document is that of the text which jansson writes of it, members sorted. */
#include "base/json_digest.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { FLAGS = JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY };

static void check_same(const char *name, const json_t *value)
{
    char got[DIGEST_HEX_SIZE] = "", want[DIGEST_HEX_SIZE];
    char *text = json_dumps(value, FLAGS);

    assert_non_null(text);
    digest_sha256_hex(text, strlen(text), want);
    assert_true(json_digest_hex(value, got));
    CHECK_STR(name, want, got);
    free(text);
}

static void is_that_of_the_sorted_text(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{}",
        "[]",
        "null",
        "[true,false,null]",
        "\"\"",
        "\"plain\"",
        "[0,-1,9223372036854775807,1.5,-2.25e-7,1e300,0.1]",
        "{\"b\":1,\"a\":2,\"ab\":3,\"a b\":4,\"A\":5,\"\":6}",
        "{\"deep\":{\"z\":[{\"y\":1,\"x\":[[],{}]}],\"a\":\"b\"}}",
        "[\"quote \\\" slash / back \\\\ line\\nbreak\\ttab\"]",
        "[\"\\u0001\\u001f \\u007f\\u0080\"]",
        "[\"\xe0\xa4\xa8\xe0\xa4\xae \xf0\x9f\x99\x82 \xc3\xa9\"]",
        "{\"a \\\"name\\\" with\\nescapes\":\"\xe2\x82\xac\",\"\xc3\xa9\":1}",
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        json_t *value = json_loads(rows[i], JSON_DECODE_ANY, NULL);
        assert_non_null(value);
        check_same(rows[i], value);
        json_decref(value);
    }
}

/* Texts around the size in which pieces are gathered, alone and behind others; one of them with an escape at its end. */
static void length_does_not_matter(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1, 7, 8, 63, 64, 2044, 2045, 2046, 2047, 2048, 2049, 4096, 100000 };

    for (size_t i = 0; i < ROWS(sizes); i++) {
        char *text = malloc(sizes[i]);
        assert_non_null(text);
        memset(text, 'x', sizes[i]);
        json_t *list = json_array();
        assert_int_equal(0, json_array_append_new(list, json_stringn(text, sizes[i])));
        check_same("alone", list);
        text[sizes[i] - 1] = '"';
        assert_int_equal(0, json_array_append_new(list, json_stringn(text, sizes[i])));
        assert_int_equal(0, json_array_append_new(list, json_integer(1)));
        check_same("behind another", list);
        json_decref(list);
        free(text);
    }
}

static void every_character_is_seen_wherever_it_stands(void **state)
{
    (void)state;
    char text[17];

    for (int c = 0; c < 0x80; c++) {
        for (size_t at = 0; at < sizeof(text); at++) {
            memset(text, 'z', sizeof(text));
            text[at] = (char)c;
            json_t *value = json_stringn(text, sizeof(text));
            check_same("one character among others", value);
            json_decref(value);
        }
    }
}

static void a_text_may_hold_a_nul(void **state)
{
    (void)state;
    json_t *value = json_stringn("a\0b", 3);

    check_same("NUL", value);
    json_decref(value);
}

static void many_members_are_sorted_too(void **state)
{
    (void)state;
    for (int count = 30; count < 40; count++) {
        json_t *object = json_object();
        for (int i = 0; i < count; i++) {
            char name[16];
            (void)snprintf(name, sizeof(name), "m%d", i * 37 % 101);
            assert_int_equal(0, json_object_set_new(object, name, json_integer(i)));
        }
        check_same("many members", object);
        json_decref(object);
    }
}

static void order_of_members_does_not_count_and_that_of_items_does(void **state)
{
    (void)state;
    json_t *one = json_pack("{s:i, s:[i,i]}", "a", 1, "b", 2, 3);
    json_t *other = json_pack("{s:[i,i], s:i}", "b", 2, 3, "a", 1);
    json_t *turned = json_pack("{s:i, s:[i,i]}", "a", 1, "b", 3, 2);
    char first[DIGEST_HEX_SIZE], second[DIGEST_HEX_SIZE], third[DIGEST_HEX_SIZE];

    assert_true(json_digest_hex(one, first) && json_digest_hex(other, second) &&
                json_digest_hex(turned, third));
    assert_string_equal(first, second);
    assert_string_not_equal(first, third);
    json_decref(one);
    json_decref(other);
    json_decref(turned);
}

static void what_is_no_document_has_none(void **state)
{
    (void)state;
    char hex[DIGEST_HEX_SIZE];
    json_t *broken = json_stringn_nocheck("\xff\x01", 2);

    assert_false(json_digest_hex(NULL, hex));
    assert_false(json_digest_hex(broken, hex)); /* as jansson says */
    json_decref(broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_that_of_the_sorted_text),
        cmocka_unit_test(length_does_not_matter),
        cmocka_unit_test(every_character_is_seen_wherever_it_stands),
        cmocka_unit_test(a_text_may_hold_a_nul),
        cmocka_unit_test(many_members_are_sorted_too),
        cmocka_unit_test(order_of_members_does_not_count_and_that_of_items_does),
        cmocka_unit_test(what_is_no_document_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
