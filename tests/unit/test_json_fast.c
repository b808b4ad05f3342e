/* The quick reader and writer against jansson's own: the same documents, never one that jansson refuses, the same bytes. */
#include <stdlib.h>

#include "base/json.h"
#include "base/json_fast.h"
#include "unit/check.h"

enum { FLAGS = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, MUTATIONS = 60000, DOC_MAX = 4096 };

/* Equal, and of the same types inside: json_equal alone tells 1 from 1.0, but compares reals as numbers. */
static void assert_same(const char *text, size_t size, const json_t *quick, const json_t *slow)
{
    char *a = quick ? json_dumps(quick, JSON_ENCODE_ANY) : NULL;
    char *b = slow ? json_dumps(slow, JSON_ENCODE_ANY) : NULL;

    if (!a || !b || strcmp(a, b) != 0)
        fail_msg("'%.*s': quick %s, jansson %s", (int)size, text, a ? a : "-", b ? b : "-");
    free(a);
    free(b);
    char *written = json_text(slow), *dumped = json_dumps(slow, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_string_equal(written, dumped);
    free(written);
    free(dumped);
}

static json_t *read_quickly(const char *text, size_t size)
{
    bool is_full = true;
    json_t *value = json_fast(text, size, &is_full);

    assert_false(is_full);
    return value;
}

static void plain_documents_are_read_quickly_and_alike(void **state)
{
    static const char *const rows[] = {
        "{}",
        "[]",
        "[[]]",
        " [ ] ",
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-1",
        "17",
        "123456789012345678",
        "-999999999999999999",
        "0.5",
        "-0.0",
        "1e3",
        "1E+3",
        "1e-3",
        "12.25e2",
        "0.001",
        "3.0",
        "0.97271730724027317",
        "2.2250738585072014e-308",
        "1e22",
        "1e23",
        "9007199254740993.0",
        "123456789012345.678",
        "0.1e-400",
        "1.7976931348623157e308",
        "\"\"",
        "\"plain\"",
        "\"quote \\\" slash \\/ back \\\\ rest \\b\\f\\n\\r\\t\"",
        "\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"",
        "\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"",
        "\"\x7f\"",
        "{\"a\": 1, \"b\": [true, false, null, {\"c\": \"d\"}], \"\": {}}",
        "\t{\r\n\"words\" : [ { \"word\" : \"hello\" , \"start\" : 0.080000000000000002 } ] }\n",
        "{\"a\\u0062\": 1}",
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        json_t *quick = read_quickly(rows[i], strlen(rows[i])),
               *slow = json_loadb(rows[i], strlen(rows[i]), FLAGS, NULL);
        if (!quick)
            fail_msg("'%s' was left to jansson", rows[i]);
        assert_same(rows[i], strlen(rows[i]), quick, slow);
        json_decref(quick);
        json_decref(slow);
    }
}

static void what_is_wrong_or_unusual_is_left_to_jansson(void **state)
{
    static const char *const rows[] = {
        "",
        " ",
        "{",
        "[",
        "}",
        "]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "[1]]",
        "nul",
        "True",
        "01",
        "-",
        "-01",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x10",
        "1e999",
        "1234567890123456789",
        "99999999999999999999",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\\u0000\"",
        "\"new\nline\"",
        "\"tab\t\"",
        "\"\xc3\"",
        "\"\xff\"",
        "\"\xed\xa0\x80\"",
        "\"\xc0\xaf\"",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "\xef\xbb\xbf{}",
        "[1] x",
        "\"a\" \"b\"",
        "// c\n1",
        "NaN",
        "Infinity",
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        json_t *quick = read_quickly(rows[i], strlen(rows[i]));
        if (quick)
            fail_msg("'%s' was taken", rows[i]);
    }
    assert_null(read_quickly(NULL, 0));
    assert_null(read_quickly("[1]", 2)); /* never looks beyond the size */
    assert_null(read_quickly("{\"a\0b\":1}", 9));
}

static void deep_documents_are_left_to_jansson(void **state)
{
    char text[2 * 200 + 1] = "";

    (void)state;
    for (int depth = 1; depth <= 200; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        json_t *quick = read_quickly(text, 2 * (size_t)depth);
        assert_true((quick != NULL) == (depth <= 64));
        json_decref(quick);
    }
}

static void long_texts_with_escapes_are_whole(void **state)
{
    char text[DOC_MAX];
    size_t size = 0;

    (void)state;
    text[size++] = '"';
    while (size < sizeof(text) - 20) {
        memcpy(text + size, "abc\\n\\u00e9", 11);
        size += 11;
    }
    text[size++] = '"';
    json_t *quick = read_quickly(text, size), *slow = json_loadb(text, size, FLAGS, NULL);
    assert_non_null(quick);
    assert_same(text, size, quick, slow);
    json_decref(quick);
    json_decref(slow);
}

static uint32_t chance(uint32_t *state, uint32_t limit)
{
    *state = *state * 1664525 + 1013904223;
    return (*state >> 8) % limit;
}

/* Seeded damage: bytes changed, cut out, doubled. Whatever the quick one takes, jansson takes, and alike. */
static void damaged_documents_are_judged_as_jansson_does(void **state)
{
    static const char *const seeds[] = {
        "{\"results\":{\"channels\":[{\"alternatives\":[{\"transcript\":\"Hello, caf\xc3\xa9 "
        "\\ud83d\\ude00\",\"confidence\":0.94688166662396334,"
        "\"words\":[{\"word\":\"hello\",\"start\":0.080000000000000002,\"end\":0.5,\"speaker\":0}]}]}]}}",
        "[1,-2,3.5,1e10,-0.25E-3,true,false,null,\"a\\\"b\\\\c\\u00e9\",{\"k\":{}},[[],[0]]]",
        "{\"a\":\"b\",\"c\":[12345678901234567,0.1,\"\\n\"],\"d\":{\"e\":null}}",
    };
    static const char alphabet[] = "\"\\{}[],:0123456789.eE+-truefalsn ud\xc3\xa9\xf0\x00\x1f";
    char text[DOC_MAX];
    uint32_t seed = 20;
    unsigned taken = 0;

    (void)state;
    for (int i = 0; i < MUTATIONS; i++) {
        const char *base = seeds[chance(&seed, ROWS(seeds))];
        size_t size = strlen(base);
        memcpy(text, base, size);
        for (uint32_t n = 1 + chance(&seed, 3); n > 0 && size > 1; n--) {
            uint32_t at = chance(&seed, (uint32_t)size), kind = chance(&seed, 3);
            if (kind == 0) {
                text[at] = alphabet[chance(&seed, sizeof(alphabet) - 1)];
            } else if (kind == 1) {
                memmove(text + at, text + at + 1, size - at - 1);
                size--;
            } else if (size < sizeof(text)) {
                memmove(text + at + 1, text + at, size - at);
                size++;
            }
        }
        char *exact = malloc(size); /* so that a sanitizer sees a byte read too far */
        assert_non_null(exact);
        memcpy(exact, text, size);
        json_t *quick = read_quickly(exact, size);
        if (quick) {
            json_t *slow = json_loadb(exact, size, FLAGS, NULL);
            assert_same(exact, size, quick, slow);
            json_decref(slow);
            taken++;
        }
        json_decref(quick);
        free(exact);
    }
    assert_true(taken > MUTATIONS / 50);
}

static void every_value_is_written_as_jansson_does(void **state)
{
    static const double reals[] = { 0.0,     -0.0,   1.0,    -1.5,  0.1,  1e15,  1e16,   1e17,
                                    1e20,    1e21,   1e22,   1e100, 1e-4, 1e-5,  1e-10,  1e-100,
                                    1e308,   5e-324, 123456, 1e5,   0.95, 1.0e9, 2.5e-7, 3.141592653589793,
                                    1.0 / 3, 1e300,  -1e-7 };
    static const json_int_t integers[] = { 0, 1, -1, 9, 10, 1795231256163, INT64_MAX, INT64_MIN };
    char bytes[127];

    (void)state;
    for (size_t i = 0; i < ROWS(reals); i++) {
        json_t *value = json_real(reals[i]);
        assert_same("real", 4, value, value);
        json_decref(value);
    }
    for (size_t i = 0; i < ROWS(integers); i++) {
        json_t *value = json_integer(integers[i]);
        assert_same("integer", 7, value, value);
        json_decref(value);
    }
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i + 1);
    json_t *value =
        json_pack("{s%:s%, s:s%}", bytes, sizeof(bytes), bytes, sizeof(bytes), "with NUL", "a\0b", (size_t)3);
    assert_non_null(value);
    assert_same("bytes", 5, value, value);
    json_decref(value);
}

static void what_jansson_refuses_to_write_is_refused(void **state)
{
    json_t *rows[] = { json_string_nocheck("\xff"), json_string_nocheck("caf\xc3"),
                       json_string_nocheck("\xed\xa0\x80"), json_array() };

    (void)state;
    json_t *inner = json_array(); /* nested deeper than any document that was read */
    for (int i = 0; i < 3000; i++) {
        json_t *outer = json_array();
        assert_int_equal(json_array_append_new(outer, inner), 0);
        inner = outer;
    }
    assert_int_equal(json_array_append_new(rows[3], inner), 0);
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_null(json_text(rows[i]));
        json_decref(rows[i]);
    }
    assert_null(json_text(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_documents_are_read_quickly_and_alike),
        cmocka_unit_test(what_is_wrong_or_unusual_is_left_to_jansson),
        cmocka_unit_test(deep_documents_are_left_to_jansson),
        cmocka_unit_test(long_texts_with_escapes_are_whole),
        cmocka_unit_test(damaged_documents_are_judged_as_jansson_does),
        cmocka_unit_test(every_value_is_written_as_jansson_does),
        cmocka_unit_test(what_jansson_refuses_to_write_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
