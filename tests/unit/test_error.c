/* The first failure wins, long texts are marked, positions come once. */
#include "check.h"
#include "switchboard/error.h"

static void first_failure_wins(void **state)
{
    (void)state;
    struct sb_error err = SB_ERROR_INIT;

    CHECK_INT("first", SB_EINPUT, sb_fail(&err, SB_EINPUT, "bad '%s'", "x"));
    CHECK_INT("second gives its own status", SB_EREMOTE, sb_fail(&err, SB_EREMOTE, "later"));
    CHECK_INT("kept", SB_EINPUT, err.status);
    CHECK_STR("kept", "bad 'x'", err.text);
}

static void null_error_is_allowed(void **state)
{
    (void)state;
    CHECK_INT("null", SB_EBUSY, sb_fail(NULL, SB_EBUSY, "full"));
    sb_error_at(NULL, "a", 1);
}

static void long_text_ends_in_dots(void **state)
{
    (void)state;
    char text[SB_ERROR_TEXT_MAX + 50];
    struct sb_error err = SB_ERROR_INIT;

    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void)sb_fail(&err, SB_EINPUT, "%s", text);
    CHECK_INT("length", SB_ERROR_TEXT_MAX - 1, strlen(err.text));
    CHECK_STR("end", "a...", err.text + SB_ERROR_TEXT_MAX - 5);
}

static void exact_fit_is_not_marked(void **state)
{
    (void)state;
    char text[SB_ERROR_TEXT_MAX];
    struct sb_error err = SB_ERROR_INIT;

    memset(text, 'b', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void)sb_fail(&err, SB_EINPUT, "%s", text);
    CHECK_STR("whole", text, err.text);
}

static void cut_leaves_whole_characters(void **state)
{
    (void)state;
    char text[SB_ERROR_TEXT_MAX * 2];
    struct sb_error err = SB_ERROR_INIT;

    for (size_t shift = 0; shift < 3; shift++) {
        size_t at = 0;
        memset(text, 'x', shift);
        for (at = shift; at + 3 < sizeof(text); at += 3)
            memcpy(text + at, "\xE0\xA4\x95", 3);
        text[at] = '\0';
        err = (struct sb_error)SB_ERROR_INIT;
        (void)sb_fail(&err, SB_EINPUT, "%s", text);
        size_t length = strlen(err.text);
        assert_true(length >= SB_ERROR_TEXT_MAX - 6);
        CHECK_STR("dots", "...", err.text + length - 3);
        CHECK_INT("the character before the dots is whole", 0x95, (unsigned char)err.text[length - 4]);
    }
}

static void position_comes_once(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "'30' needs a unit", "engine.conf:12: '30' needs a unit" },
        { "other.conf:3: 'x' is wrong", "other.conf:3: 'x' is wrong" },
        { "3:5: invalid token", "engine.conf:12: 3:5: invalid token" },
        { "cannot open 'a:1: b'", "engine.conf:12: cannot open 'a:1: b'" },
        { "status 5: no", "engine.conf:12: status 5: no" },
        { "", "engine.conf:12: " },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct sb_error err = SB_ERROR_INIT;
        (void)sb_fail(&err, SB_ECONFIG, "%s", rows[i].text);
        sb_error_at(&err, "engine.conf", 12);
        CHECK_STR(rows[i].text, rows[i].want, err.text);
        CHECK_INT(rows[i].text, SB_ECONFIG, err.status);
        sb_error_at(&err, "again.conf", 1);
        CHECK_STR("twice", rows[i].want, err.text);
    }
}

static void no_failure_has_no_position(void **state)
{
    (void)state;
    struct sb_error err = SB_ERROR_INIT;

    sb_error_at(&err, "engine.conf", 12);
    CHECK_STR("untouched", "", err.text);
    CHECK_INT("untouched", 0, err.status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_failure_wins),          cmocka_unit_test(null_error_is_allowed),
        cmocka_unit_test(long_text_ends_in_dots),      cmocka_unit_test(exact_fit_is_not_marked),
        cmocka_unit_test(cut_leaves_whole_characters), cmocka_unit_test(position_comes_once),
        cmocka_unit_test(no_failure_has_no_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
