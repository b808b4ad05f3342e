/* The ceiling holds, failures stick, and the text is always terminated. */
#include <stdlib.h>

#include "base/buf.h"
#include "check.h"

static void text_grows(void **state)
{
    (void)state;
    AUTO_BUF buf;
    buf_init(&buf, 1000);
    CHECK_STR("empty", "", buf.data);

    buf_str(&buf, "ab");
    buf_char(&buf, 'c');
    buf_add(&buf, "d\0e", 3);
    buf_printf(&buf, "%d-%s", 17, "x");
    CHECK_INT("len", 10, buf.len);
    assert_memory_equal(buf.data, "abcd\0e17-x", 11);
    for (int i = 0; i < 99; i++)
        buf_str(&buf, "0123456789");
    CHECK_INT("full to the brim", 1000, buf.len);
    assert_false(buf.failed);
    CHECK_INT("terminated", '\0', buf.data[1000]);
}

static void ceiling_holds_and_failure_sticks(void **state)
{
    (void)state;
    AUTO_BUF buf;
    buf_init(&buf, 5);
    buf_str(&buf, "abc");
    buf_str(&buf, "def");
    assert_true(buf.failed);
    CHECK_STR("unchanged by the write that failed", "abc", buf.data);
    buf_char(&buf, 'x');
    buf_printf(&buf, "%d", 1);
    CHECK_STR("and by all after it", "abc", buf.data);
    assert_null(buf_take(&buf, NULL));
    CHECK_STR("empty after take", "", buf.data);

    buf_str(&buf, "abcde");
    CHECK_STR("usable again", "abcde", buf.data);
    buf_str(&buf, "f");
    buf_clear(&buf);
    assert_false(buf.failed);
    CHECK_INT("clear", 0, buf.len);
    CHECK_STR("clear", "", buf.data);
}

static void printf_over_the_ceiling_changes_nothing(void **state)
{
    (void)state;
    AUTO_BUF buf;
    buf_init(&buf, 4);
    buf_printf(&buf, "%s", "12345");
    assert_true(buf.failed);
    CHECK_STR("empty", "", buf.data);
}

static void take_gives_the_text(void **state)
{
    (void)state;
    struct buf buf;
    size_t length = 99;
    buf_init(&buf, 100);

    char *text = buf_take(&buf, &length);
    CHECK_STR("nothing written", "", text);
    CHECK_INT("nothing written", 0, length);
    free(text);

    buf_str(&buf, "hello");
    text = buf_take(&buf, &length);
    CHECK_STR("taken", "hello", text);
    CHECK_INT("taken", 5, length);
    free(text);
    CHECK_INT("left empty", 0, buf.len);
    buf_done(&buf);
    buf_done(&buf);
    buf_done(NULL);
}

static void zero_ceiling_holds_nothing(void **state)
{
    (void)state;
    AUTO_BUF buf;
    buf_init(&buf, 0);
    buf_add(&buf, "", 0);
    assert_false(buf.failed);
    buf_char(&buf, 'x');
    assert_true(buf.failed);
}

static void largest_ceiling_does_not_overflow(void **state)
{
    (void)state;
    AUTO_BUF buf;
    buf_init(&buf, SIZE_MAX);
    buf_str(&buf, "x");
    CHECK_STR("written", "x", buf.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_grows),
        cmocka_unit_test(ceiling_holds_and_failure_sticks),
        cmocka_unit_test(printf_over_the_ceiling_changes_nothing),
        cmocka_unit_test(take_gives_the_text),
        cmocka_unit_test(zero_ceiling_holds_nothing),
        cmocka_unit_test(largest_ceiling_does_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
