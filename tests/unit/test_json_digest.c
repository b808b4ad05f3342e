/* The digest of a document is that of what it says: every value counts, and neither white space nor the order of members. */
#include "base/json_digest.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

struct hex {
    char text[DIGEST_HEX_SIZE];
};

/* Takes the value. */
static struct hex digest_of(json_t *value)
{
    struct hex hex = { "" };

    assert_non_null(value);
    assert_true(json_digest_hex(value, hex.text));
    json_decref(value);
    return hex;
}

static struct hex digest_of_text(const char *text)
{
    return digest_of(json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
}

/* ---- the form ---- */

/* What is kept in journals must mean the same for ever: these bytes, by hand. Numbers have eight, the least first. */
#define N(n) n "\0\0\0\0\0\0\0"
static const struct {
    const char *json, *bytes;
    size_t size;
} forms[] = {
#define FORM(json, bytes)                                                                                    \
    {                                                                                                        \
        json, bytes, sizeof(bytes) - 1                                                                       \
    }
    FORM("null", "n"),
    FORM("[]", "[" N("\0")),
    FORM("{}", "{" N("\0")),
    FORM("[true,false,null]", "[" N("\3") "tfn"),
    FORM("\"plain\"", "s" N("\5") "plain"),
    FORM("\"\\u0000\\n\"", "s" N("\2") "\0\n"),
    FORM("258", "i\2\1\0\0\0\0\0\0"),
    FORM("-1", "i\377\377\377\377\377\377\377\377"),
    FORM("1.5", "r\0\0\0\0\0\0\370\77"),
    FORM("{\"b\":[1],\"a\":\"x\",\"A\":{}}",
         "{" N("\3") "m" N("\1") "A{" N("\0") "m" N("\1") "as" N("\1") "xm" N("\1") "b[" N("\1") "i" N("\1")),
};

static void is_that_of_kinds_sizes_and_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(forms); i++) {
        char want[DIGEST_HEX_SIZE];
        digest_sha256_hex(forms[i].bytes, forms[i].size, want);
        CHECK_STR(forms[i].json, want, digest_of_text(forms[i].json).text);
    }
}

/* ---- what counts ---- */

static void documents_that_say_other_things_have_other_digests(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "null",
        "[]",
        "{}",
        "\"\"",
        "0",
        "0.0",
        "false",
        "true",
        "[null]",
        "[[]]",
        "[[],[]]",
        "[[[]]]",
        "\"0\"",
        "[\"ab\",\"c\"]",
        "[\"a\",\"bc\"]",
        "[\"abc\"]",
        "{\"a\":\"b\"}",
        "{\"b\":\"a\"}",
        "[\"a\",\"b\"]",
        "{\"a\":{\"b\":1},\"c\":2}",
        "{\"a\":{\"b\":1,\"c\":2}}",
        "[1,2]",
        "[2,1]",
        "9223372036854775807",
        "-9223372036854775808",
        "[\"\xe0\xa4\xa8\"]",
        "[\"\\ud83d\\ude42\"]",
        "{\"\":1}",
        "{\"a \\\"name\\\" with\\nescapes\":1}",
    };
    struct hex seen[ROWS(rows)];

    for (size_t i = 0; i < ROWS(rows); i++) {
        seen[i] = digest_of_text(rows[i]);
        for (size_t j = 0; j < i; j++)
            if (strcmp(seen[i].text, seen[j].text) == 0)
                fail_msg("%s and %s have one digest", rows[i], rows[j]);
    }
}

static void white_space_order_and_escapes_do_not_count(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        { "{\"a\":{\"c\":true,\"d\":\"x\"},\"b\":[1,2.5,null]}",
          " { \"b\" : [ 1, 2.5,\n null ], \"a\" : { \"d\" : \"x\", \"c\" : true } } " },
        { "[\"\\u00e9\\/\"]", "[\"\xc3\xa9/\"]" },
        { "2.50", "25e-1" },
    };

    for (size_t i = 0; i < ROWS(pairs); i++)
        CHECK_STR(pairs[i][0], digest_of_text(pairs[i][0]).text, digest_of_text(pairs[i][1]).text);
}

static json_t *members_from(int count, int first)
{
    json_t *object = json_object();

    for (int i = 0; i < count; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "m%d", (first + i) % count);
        assert_int_equal(0, json_object_set_new(object, name, json_integer((first + i) % count)));
    }
    return object;
}

static void the_order_of_many_members_does_not_count_either(void **state)
{
    (void)state;
    for (int count = 30; count < 36; count++) {
        struct hex want = digest_of(members_from(count, 0));
        for (int first = 1; first < count; first++)
            CHECK_STR("members in another order", want.text, digest_of(members_from(count, first)).text);
    }
}

/* ---- sizes ---- */

static json_t *two_texts(char *text, size_t size, size_t at, char c)
{
    memset(text, 'x', size);
    text[at] = c;
    return json_pack("[s#, s#]", "ab", 2, text, (int)size);
}

/* Texts around the size in which pieces are gathered: the first and the last character count in each. */
static void every_character_counts_whatever_the_size(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1,    7,    8,    63,   64,   2000, 2019, 2020,
                                    2021, 2028, 2029, 2047, 2048, 2049, 4096, 100000 };

    for (size_t i = 0; i < ROWS(sizes); i++) {
        char *text = malloc(sizes[i]);
        assert_non_null(text);
        struct hex whole = digest_of(two_texts(text, sizes[i], 0, 'x'));
        const size_t places[] = { 0, sizes[i] / 2, sizes[i] - 1 };
        CHECK_STR("the same once more", whole.text, digest_of(two_texts(text, sizes[i], 0, 'x')).text);
        for (size_t j = 0; j < ROWS(places); j++)
            if (strcmp(whole.text, digest_of(two_texts(text, sizes[i], places[j], 'y')).text) == 0)
                fail_msg("character %zu of %zu does not count", places[j], sizes[i]);
        free(text);
    }
}

static void what_is_no_document_has_none(void **state)
{
    (void)state;
    char hex[DIGEST_HEX_SIZE];

    assert_false(json_digest_hex(NULL, hex));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_that_of_kinds_sizes_and_values),
        cmocka_unit_test(documents_that_say_other_things_have_other_digests),
        cmocka_unit_test(white_space_order_and_escapes_do_not_count),
        cmocka_unit_test(the_order_of_many_members_does_not_count_either),
        cmocka_unit_test(every_character_counts_whatever_the_size),
        cmocka_unit_test(what_is_no_document_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
