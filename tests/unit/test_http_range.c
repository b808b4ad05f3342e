/* Range headers. */
#include "unit/check.h"

#include "io/http_range.h"

static const struct {
    const char *text;
    uint64_t file_size;
    enum http_range_kind want;
    uint64_t want_from, want_size;
} rows[] = {
    { NULL, 100, HTTP_RANGE_ALL, 0, 100 },
    { "bytes=0-9", 100, HTTP_RANGE_PART, 0, 10 },
    { "bytes=0-0", 100, HTTP_RANGE_PART, 0, 1 },
    { "BYTES=90-99", 100, HTTP_RANGE_PART, 90, 10 },
    { "bytes=90-1000", 100, HTTP_RANGE_PART, 90, 10 },
    { "bytes=0-", 100, HTTP_RANGE_PART, 0, 100 },
    { "bytes=99-", 100, HTTP_RANGE_PART, 99, 1 },
    { "bytes=-1", 100, HTTP_RANGE_PART, 99, 1 },
    { "bytes=-100", 100, HTTP_RANGE_PART, 0, 100 },
    { "bytes=-1000", 100, HTTP_RANGE_PART, 0, 100 },
    { "bytes=0-18446744073709551615", 100, HTTP_RANGE_ALL, 0,
      100 }, /* larger than any file: not understood */
    { "bytes=5-999999999999999999", 100, HTTP_RANGE_PART, 5, 95 },

    { "bytes=100-", 100, HTTP_RANGE_NONE_FITS, 7, 7 },
    { "bytes=100-200", 100, HTTP_RANGE_NONE_FITS, 7, 7 },
    { "bytes=-0", 100, HTTP_RANGE_NONE_FITS, 7, 7 },
    { "bytes=0-", 0, HTTP_RANGE_NONE_FITS, 7, 7 },
    { "bytes=-5", 0, HTTP_RANGE_NONE_FITS, 7, 7 },

    { "", 100, HTTP_RANGE_ALL, 0, 100 },
    { "bytes=", 100, HTTP_RANGE_ALL, 0, 100 },
    { "bytes=-", 100, HTTP_RANGE_ALL, 0, 100 },
    { "bytes=9-0", 100, HTTP_RANGE_ALL, 0, 100 },
    { "bytes=0-1,5-6", 100, HTTP_RANGE_ALL, 0, 100 },
    { "bytes=a-b", 100, HTTP_RANGE_ALL, 0, 100 },
    { "bytes=1", 100, HTTP_RANGE_ALL, 0, 100 },
    { "bytes=--5", 100, HTTP_RANGE_ALL, 0, 100 },
    { "bytes=99999999999999999999999-", 100, HTTP_RANGE_ALL, 0, 100 },
    { "items=0-9", 100, HTTP_RANGE_ALL, 0, 100 },
};

static void ranges_are_understood_or_left_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *row = rows[i].text ? rows[i].text : "(none)";
        struct http_range range = { .from = 7, .size = 7 }; /* must survive a range that does not fit */
        CHECK_INT(row, rows[i].want, http_range_parse(rows[i].text, rows[i].file_size, &range));
        CHECK_INT(row, rows[i].want_from, range.from);
        CHECK_INT(row, rows[i].want_size, range.size);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_understood_or_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
