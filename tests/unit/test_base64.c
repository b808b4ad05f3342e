/* Base64 read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/digest.h"

static const struct {
    const char *name, *text;
    int64_t size; /* -1: none */
} rows[] = {
    { "nothing", "", 0 },
    { "one byte", "Zg==", 1 },
    { "two bytes", "Zm8=", 2 },
    { "three bytes", "Zm9v", 3 },
    { "cut", "Zm9", -1 },
    { "a blank", "Zm 9", -1 },
    { "a line break at the end", "Zm9v\n", -1 },
    { "padding inside", "Zg==Zm9v", -1 },
    { "three pads", "Z===", -1 },
    { "only pads", "====", -1 },
    { "the other alphabet", "-_-_", -1 },
};

static void only_base64_has_a_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("row: %s\n", rows[i].name);
        assert_int_equal(base64_size(rows[i].text, strlen(rows[i].text)), rows[i].size);
    }
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    unsigned char bytes[10000], back[10004];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 7 + i / 256);
    for (size_t size = 0; size < sizeof(bytes); size += size < 20 ? 1 : 997) {
        struct buf text;
        buf_init(&text, 100000);
        digest_base64(bytes, size, &text);
        assert_int_equal(base64_size(text.len ? text.data : "", text.len), size);
        assert_int_equal(base64_read(text.len ? text.data : "", text.len, back), size);
        assert_memory_equal(bytes, back, size);
        buf_done(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_base64_has_a_size),
        cmocka_unit_test(what_was_written_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
