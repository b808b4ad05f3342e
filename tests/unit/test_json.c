/* Paths into documents, forgiving readers, and errors without the document's content. */
#include <stdlib.h>

#include "base/json.h"
#include "base/scope.h"
#include "check.h"

static json_t *parsed(const char *text)
{
    json_t *value = json_parse(text, strlen(text), NULL);

    assert_non_null(value);
    return value;
}

static void looking_by_path(void **state)
{
    (void)state;
    static const struct {
        const char *path, *want; /* NULL: absent */
    } rows[] = {
        { "a", "{\"b\":[{\"c\":7},null]}" },
        { "a.b.0.c", "7" },
        { "a.b.1", "null" },
        { "a.b.2", NULL },
        { "a.b.-1", NULL },
        { "a.b.x", NULL },
        { "a.b.0.c.d", NULL },
        { "x", NULL },
        { "", NULL },
        { ".", NULL },
        { "a.", NULL },
        { ".a", NULL },
        { "a..b", NULL },
    };
    AUTO_JSON root = parsed("{\"a\":{\"b\":[{\"c\":7},null]}}");

    for (size_t i = 0; i < ROWS(rows); i++) {
        json_t *value = json_at(root, rows[i].path);
        AUTO_STR text = value ? json_text(value) : NULL;
        CHECK_STR(rows[i].path, rows[i].want, text);
    }
    assert_null(json_at(NULL, "a"));
}

static void putting_by_path(void **state)
{
    (void)state;
    static const struct {
        const char *before, *path, *value; /* value NULL: remove */
        int want_rc;
        const char *want;
    } rows[] = {
        { "{}", "a", "1", 0, "{\"a\":1}" },
        { "{}", "a.b.c", "\"x\"", 0, "{\"a\":{\"b\":{\"c\":\"x\"}}}" },
        { "{\"a\":{\"b\":1}}", "a.c", "2", 0, "{\"a\":{\"b\":1,\"c\":2}}" },
        { "{\"a\":1}", "a", "2", 0, "{\"a\":2}" },
        { "{\"a\":1}", "a.b", "2", -1, "{\"a\":1}" },
        { "{\"a\":[1]}", "a.0", "2", -1, "{\"a\":[1]}" },
        { "{}", "", "2", -1, "{}" },
        { "{}", "a.", "2", -1, "{}" },
        { "[]", "a", "2", -1, "[]" },
        { "{\"a\":{\"b\":1,\"c\":2}}", "a.b", NULL, 0, "{\"a\":{\"c\":2}}" },
        { "{\"a\":1}", "x.y", NULL, 0, "{\"a\":1}" },
        { "{\"a\":1}", "x", NULL, 0, "{\"a\":1}" },
        { "{\"a\":1}", "a.b", NULL, -1, "{\"a\":1}" },
        { "{\"a\":1}", "", NULL, -1, "{\"a\":1}" },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_JSON root = parsed(rows[i].before);
        json_t *value = rows[i].value ? parsed(rows[i].value) : NULL;
        CHECK_INT(rows[i].path, rows[i].want_rc, json_put(root, rows[i].path, value));
        AUTO_STR text = json_text(root);
        CHECK_STR(rows[i].path, rows[i].want, text);
    }
    CHECK_INT("value is taken when there is no root", -1, json_put(NULL, "a", json_integer(1)));
}

static void forgiving_readers(void **state)
{
    (void)state;
    AUTO_JSON root =
        parsed("{\"int\":17,\"text\":\"17\",\"real\":17.0,\"half\":17.5,\"huge\":1e300,\"null\":null,"
               "\"empty\":\"\",\"word\":\"x17\",\"neg\":\"-3\",\"dec\":\"12.5\",\"inf\":\"inf\","
               "\"hex\":\"0x10\",\"blank\":\" 5\",\"exp\":\"1e3\",\"bool\":true}");
    static const struct {
        const char *name;
        int64_t want_int;
        double want_num;
    } rows[] = {
        { "int", 17, 17 },     { "text", 17, 17 },  { "real", 17, 17 },  { "half", -9, 17.5 },
        { "huge", -9, 1e300 }, { "null", -9, -9 },  { "empty", -9, -9 }, { "word", -9, -9 },
        { "neg", -3, -3 },     { "dec", -9, 12.5 }, { "inf", -9, -9 },   { "hex", -9, -9 },
        { "blank", -9, -9 },   { "exp", -9, 1000 }, { "bool", -9, -9 },  { "absent", -9, -9 },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        CHECK_INT(rows[i].name, rows[i].want_int, json_int(root, rows[i].name, -9));
        double got = json_num(root, rows[i].name, -9);
        CHECK_INT(rows[i].name, 1, got >= rows[i].want_num && got <= rows[i].want_num);
    }
    CHECK_STR("text", "17", json_str(root, "text"));
    CHECK_STR("not a text", NULL, json_str(root, "int"));
    CHECK_STR("absent", NULL, json_str(root, "absent"));
    CHECK_STR("no object", NULL, json_str(NULL, "x"));
    CHECK_INT("no object", 5, json_int(NULL, "x", 5));
}

static void each_kind_has_a_name(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "[{}]", "an object" },        { "[[]]", "a list" },    { "[\"1\"]", "a text" },
        { "[1]", "a number" },          { "[1.5]", "a number" }, { "[true]", "true or false" },
        { "[false]", "true or false" }, { "[null]", "null" },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_JSON list = parsed(rows[i].text);
        CHECK_STR(rows[i].text, rows[i].want, json_kind(json_array_get(list, 0)));
    }
    CHECK_STR("what is not there", "nothing", json_kind(NULL));
}

static void errors_show_the_place_and_not_the_content(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "{\"token\": secret1}", "1:16: invalid token" },
        { "{\"a\":1,\"a\":2}", "1:10: duplicate object key" },
        { "{\n \"a\": }", "2:7: unexpected token" },
        { "", "1:0: '[' or '{' expected" },
        { "{} x", "1:4: end of file expected" },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct sb_error err = SB_ERROR_INIT;
        assert_null(json_parse(rows[i].text, strlen(rows[i].text), &err));
        CHECK_INT(rows[i].text, SB_EINPUT, err.status);
        assert_null(strstr(err.text, "secret1"));
        assert_null(strstr(err.text, "near"));
        /* The words are jansson's; line and column are what people need. */
        size_t place = (size_t)(strchr(strchr(rows[i].want, ':') + 1, ':') - rows[i].want) + 2;
        CHECK_INT(rows[i].text, 0, strncmp(err.text, rows[i].want, place));
    }
}

static void depth_is_bounded(void **state)
{
    (void)state;
    static char deep[200001];

    memset(deep, '[', sizeof(deep) - 1);
    struct sb_error err = SB_ERROR_INIT;
    assert_null(json_parse(deep, sizeof(deep) - 1, &err));
    CHECK_INT("status", SB_EINPUT, err.status);
}

static void text_keeps_the_order(void **state)
{
    (void)state;
    AUTO_JSON root = parsed("{ \"z\": 1, \"a\": [ true, null ], \"m\": \"\\u00e9\" }");
    AUTO_STR text = json_text(root);
    CHECK_STR("compact", "{\"z\":1,\"a\":[true,null],\"m\":\"\xC3\xA9\"}", text);
    AUTO_JSON scalar = json_integer(5);
    AUTO_STR scalar_text = json_text(scalar);
    CHECK_STR("scalar", "5", scalar_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looking_by_path),
        cmocka_unit_test(putting_by_path),
        cmocka_unit_test(forgiving_readers),
        cmocka_unit_test(each_kind_has_a_name),
        cmocka_unit_test(errors_show_the_place_and_not_the_content),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(text_keeps_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
