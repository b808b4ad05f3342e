/* Calendar arithmetic, both ways, without the zone of the machine. */
#include <stdlib.h>
#include <time.h>

#include "base/timefmt.h"
#include "check.h"

static void wall_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int offset_minutes;
        int64_t want;
    } rows[] = {
        { "1970-01-01 05:30:00", 330, 0 }, /* how the source says "not set" */
        { "2026-03-10 14:30:11", 330, 1773133211000 },
        { "2026-03-10 09:00:11", 0, 1773133211000 },
        { "2026-03-10 04:00:11", -300, 1773133211000 },
        { "2024-02-29 00:00:00", 0, 1709164800000 },
        { "2000-02-29 12:00:00", 0, 951825600000 },
        { "2023-02-29 00:00:00", 0, -1 },
        { "2100-02-29 00:00:00", 0, -1 },
        { "2026-13-01 00:00:00", 0, -1 },
        { "2026-00-01 00:00:00", 0, -1 },
        { "2026-04-31 00:00:00", 0, -1 },
        { "2026-04-00 00:00:00", 0, -1 },
        { "2026-01-01 24:00:00", 0, -1 },
        { "2026-01-01 00:60:00", 0, -1 },
        { "2026-01-01 00:00:60", 0, -1 },
        { "1969-12-31 23:59:59", 0, -1 },
        { "1970-01-01 00:00:00", 330, -1 }, /* before 1970 in UTC */
        { "2026-01-01T00:00:00", 0, -1 },
        { "2026-01-01 00:00:00 ", 0, -1 },
        { "2026-1-1 00:00:00", 0, -1 },
        { "0000-00-00 00:00:00", 0, -1 },
        { "", 0, -1 },
    };

    for (size_t i = 0; i < ROWS(rows); i++)
        CHECK_INT(rows[i].text, rows[i].want, time_parse_wall(rows[i].text, rows[i].offset_minutes));
}

static void rfc3339_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want;
    } rows[] = {
        { "2026-03-10T09:00:11Z", 1773133211000 },
        { "2026-03-10t09:00:11z", 1773133211000 },
        { "2026-03-10 09:00:11Z", 1773133211000 },
        { "2026-03-10T14:30:11+05:30", 1773133211000 },
        { "2026-03-10T14:30:11+0530", 1773133211000 },
        { "2026-03-10T01:00:11-08:00", 1773133211000 },
        { "2026-03-10T09:00:11.5Z", 1773133211500 },
        { "2026-03-10T09:00:11.123456789Z", 1773133211123 },
        { "2016-12-31T23:59:60Z", 1483228799000 }, /* a leap second */
        { "2026-03-10T09:00:11", -1 },
        { "2026-03-10T09:00:11.Z", -1 },
        { "2026-03-10T09:00:11+5:30", -1 },
        { "2026-03-10T09:00:11+05:30x", -1 },
        { "2026-03-10T09:00:11+24:00", -1 },
        { "2026-03-10X09:00:11Z", -1 },
        { "2026-03-10", -1 },
        { "2026-03-10T", -1 },
        { "", -1 },
    };

    for (size_t i = 0; i < ROWS(rows); i++)
        CHECK_INT(rows[i].text, rows[i].want, time_parse_rfc3339(rows[i].text));
}

static void http_dates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want;
    } rows[] = {
        { "Tue, 10 Mar 2026 09:00:11 GMT", 1773133211000 },
        { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
        { "Wed, 10 Mar 2026 09:00:11 GMT", -1 }, /* not that day */
        { "Tue, 10 Mrz 2026 09:00:11 GMT", -1 },
        { "Tue, 10 Mar 2026 09:00:11 UTC", -1 },
        { "Tue, 10 Mar 2026 09:00:11", -1 },
        { "Tuesday, 10-Mar-26 09:00:11 GMT", -1 },
        { "120", -1 },
        { "", -1 },
    };

    for (size_t i = 0; i < ROWS(rows); i++)
        CHECK_INT(rows[i].text, rows[i].want, time_parse_http(rows[i].text));
}

static void formats(void **state)
{
    (void)state;
    char text[TIME_TEXT_MAX];

    time_format_wall(1773133211999, 330, text);
    CHECK_STR("wall", "2026-03-10 14:30:11", text);
    time_format_rfc3339(1773133211999, text);
    CHECK_STR("rfc3339", "2026-03-10T09:00:11Z", text);
    time_format_rfc3339_ms(1773133211007, text);
    CHECK_STR("with milliseconds", "2026-03-10T09:00:11.007Z", text);
    time_format_rfc3339_ms(-1, text);
    CHECK_STR("before 1970", "1969-12-31T23:59:59.999Z", text);
    time_format_rfc3339(INT64_MAX, text);
    CHECK_STR("too late", "9999-12-31T23:59:59Z", text);
    time_format_rfc3339(INT64_MIN + 86400000, text);
    CHECK_STR("too early", "0001-01-01T00:00:00Z", text);
}

static void every_day_survives_the_round_trip(void **state)
{
    (void)state;
    char text[TIME_TEXT_MAX];

    for (int64_t day = 0; day < 366 * 140; day++) {
        int64_t ms = day * 86400000 + 43200000;
        time_format_wall(ms, 0, text);
        if (time_parse_wall(text, 0) != ms)
            CHECK_INT(text, ms, time_parse_wall(text, 0));
        struct tm tm;
        time_t seconds = (time_t)(ms / 1000);
        char want[TIME_TEXT_MAX];
        assert_non_null(gmtime_r(&seconds, &tm));
        assert_true(strftime(want, sizeof(want), "%Y-%m-%d %H:%M:%S", &tm) > 0);
        CHECK_STR("as the C library says", want, text);
        time_format_rfc3339(ms, text);
        CHECK_INT(text, ms, time_parse_rfc3339(text));
    }
}

static void zone_of_the_machine_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "America/New_York", 1), 0);
    tzset();
    CHECK_INT("wall", 1773133211000, time_parse_wall("2026-03-10 14:30:11", 330));
}

static void clocks_move_forward(void **state)
{
    (void)state;
    int64_t first = clock_mono_ms();

    assert_true(clock_wall_ms() > 1600000000000);
    assert_true(clock_mono_ms() >= first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wall_times),
        cmocka_unit_test(rfc3339_times),
        cmocka_unit_test(http_dates),
        cmocka_unit_test(formats),
        cmocka_unit_test(every_day_survives_the_round_trip),
        cmocka_unit_test(zone_of_the_machine_changes_nothing),
        cmocka_unit_test(clocks_move_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
