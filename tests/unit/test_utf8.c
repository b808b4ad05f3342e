/* Every form of a character, and every way to write one wrong. */
#include "base/utf8.h"
#include "check.h"

#define FFFD "\xEF\xBF\xBD"

static void decoding(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        int32_t code;
        size_t length;
    } rows[] = {
        { "a", 1, 'a', 1 },
        { "\0", 1, 0, 1 },
        { "\xC3\xA9", 2, 0xE9, 2 },
        { "\xE0\xA4\x95", 3, 0x915, 3 },
        { "\xF0\x9F\x98\x80", 4, 0x1F600, 4 },
        { "\xF4\x8F\xBF\xBF", 4, 0x10FFFF, 4 },
        { "\x80", 1, -1, 1 },                 /* a tail without a head */
        { "\xC3", 1, -1, 1 },                 /* cut short */
        { "\xC3\x41", 2, -1, 1 },             /* no tail */
        { "\xC0\x80", 2, -1, 1 },             /* overlong */
        { "\xE0\x80\xAF", 3, -1, 1 },         /* overlong */
        { "\xF0\x80\x80\xAF", 4, -1, 1 },     /* overlong */
        { "\xED\xA0\x80", 3, -1, 1 },         /* a surrogate */
        { "\xF4\x90\x80\x80", 4, -1, 1 },     /* beyond the last */
        { "\xF8\x88\x80\x80\x80", 5, -1, 1 }, /* five bytes */
        { "\xFF", 1, -1, 1 },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        size_t length = 99;
        CHECK_INT(rows[i].text, rows[i].code, utf8_decode(rows[i].text, rows[i].size, &length));
        CHECK_INT(rows[i].text, rows[i].length, length);
        CHECK_INT(rows[i].text, rows[i].code >= 0, utf8_is_valid(rows[i].text, rows[i].size));
    }
    assert_true(utf8_is_valid("", 0));
}

static void every_code_point_survives_the_round_trip(void **state)
{
    (void)state;
    for (int32_t code = 0; code <= 0x10FFFF; code++) {
        if (code >= 0xD800 && code <= 0xDFFF)
            continue;
        AUTO_BUF out;
        size_t length = 0;
        buf_init(&out, 8);
        utf8_add(&out, code);
        int32_t got = utf8_decode(out.data, out.len, &length);
        if (got != code || length != out.len)
            CHECK_INT("code point", code, got);
    }
}

static void counting_and_cutting(void **state)
{
    (void)state;
    const char *text = "a\xC3\xA9\xE0\xA4\x95z\xFF";

    CHECK_INT("characters", 5, utf8_characters(text));
    CHECK_INT("empty", 0, utf8_characters(""));
    static const size_t want[] = { 0, 1, 3, 6, 7, 8, 8 };
    for (size_t i = 0; i < ROWS(want); i++)
        CHECK_INT("prefix", want[i], utf8_prefix(text, i));
}

static void mending(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "plain\n\ttext", "plain\n\ttext" },
        { "a\xFF\xFE"
          "b",
          "a" FFFD FFFD "b" },
        { "cut\xE0\xA4", "cut" FFFD FFFD },
        { "bell\a cr\r esc\x1B del\x7F", "bell" FFFD " cr" FFFD " esc" FFFD " del" FFFD },
        { "c1\xC2\x85x", "c1" FFFD "x" },
        { "\xC2\xA0ok", "\xC2\xA0ok" },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_BUF out;
        buf_init(&out, 100);
        utf8_mend(&out, rows[i].text, strlen(rows[i].text));
        CHECK_STR(rows[i].want, rows[i].want, out.data);
        assert_true(utf8_is_valid(out.data, out.len));
    }
    AUTO_BUF out;
    buf_init(&out, 100);
    utf8_mend(&out, "a\0b", 3);
    CHECK_STR("a NUL inside", "a" FFFD "b", out.data);
}

static void html(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "a & b < c > \"d\" 'e'", "a &amp; b &lt; c &gt; &quot;d&quot; &#39;e&#39;" },
        { "one\ntwo\r\nthree\rfour", "one<br>two<br>three<br>four" },
        { "<script>", "&lt;script&gt;" },
        { "caf\xC3\xA9", "caf\xC3\xA9" },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_BUF out;
        buf_init(&out, 200);
        utf8_html(&out, rows[i].text);
        CHECK_STR(rows[i].want, rows[i].want, out.data);
    }
}

static void folding(void **state)
{
    (void)state;
    static const struct {
        int32_t capital, small;
    } rows[] = {
        { 'A', 'a' },       { 'Z', 'z' },       { 0xC0, 0xE0 },   { 0xD7, 0xD7 },   { 0xDE, 0xFE },
        { 0x100, 0x101 },   { 0x139, 0x13A },   { 0x178, 0xFF },  { 0x17D, 0x17E }, { 0x391, 0x3B1 },
        { 0x386, 0x3AC },   { 0x38C, 0x3CC },   { 0x38F, 0x3CE }, { 0x3C2, 0x3C3 }, { 0x3A9, 0x3C9 },
        { 0x410, 0x430 },   { 0x401, 0x451 },   { 0x4C1, 0x4C2 }, { 0x531, 0x561 }, { 0x1E00, 0x1E01 },
        { 0x1EF8, 0x1EF9 }, { 0xFF21, 0xFF41 }, { 'a', 'a' },     { '1', '1' },     { 0xDF, 0xDF },
        { 0x915, 0x915 },   { 0x3A2, 0x3A2 },   { 0x130, 0x130 }, { 0x131, 0x131 }, { 0x138, 0x138 },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        CHECK_INT("fold", rows[i].small, utf8_fold(rows[i].capital));
        CHECK_INT("folding twice changes nothing", rows[i].small, utf8_fold(rows[i].small));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding),
        cmocka_unit_test(every_code_point_survives_the_round_trip),
        cmocka_unit_test(counting_and_cutting),
        cmocka_unit_test(mending),
        cmocka_unit_test(html),
        cmocka_unit_test(folding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
