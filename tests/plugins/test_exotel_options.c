/* The options of the Exotel source, and the small texts that it reads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/exotel/exotel.h"
#include "base/scope.h"
#include "exotel_kit.h"

/* ---- texts --------------------------------------------------------------------------------------------- */

static void offsets_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int want; /* 12345: malformed */
    } rows[] = { { "+05:30", 330 },   { "-05:00", -300 },  { "+00:00", 0 },     { "+18:00", 1080 },
                 { "+05:60", 12345 }, { "+19:00", 12345 }, { "5:30", 12345 },   { "+0530", 12345 },
                 { "", 12345 },       { "+05:3x", 12345 }, { "+05-30", 12345 }, { "05:30+", 12345 } };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int minutes = 12345;
        int rc = exo_parse_offset(rows[i].text, &minutes);
        if (minutes != rows[i].want || (rc < 0) != (rows[i].want == 12345))
            fail_msg("'%s' gave %d", rows[i].text, minutes);
    }
    int unset = 12345;
    assert_true(exo_parse_offset(NULL, &unset) < 0);
}

static void since_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want_ms; /* -1: malformed */
    } rows[] = { { "now", 0 },      { "0s", 0 },         { "90s", 90000 },
                 { "15m", 900000 }, { "24h", 86400000 }, { "180d", 15552000000 },
                 { "", -1 },        { "24", -1 },        { "h", -1 },
                 { "24 h", -1 },    { "-1h", -1 },       { "1.5h", -1 },
                 { "24hh", -1 },    { "1w", -1 },        { "9999999999s", -1 } };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t ms = -1;
        int rc = exo_parse_since(rows[i].text, &ms);
        if (ms != rows[i].want_ms || (rc < 0) != (rows[i].want_ms == -1))
            fail_msg("'%s' gave %lld", rows[i].text, (long long)ms);
    }
}

static void dates_of_answers_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want_ms;
    } rows[] = { { "Tue, 10 Mar 2026 09:00:00 GMT", 1773133200000 },
                 { "Thu, 31 Dec 2026 23:59:59 GMT", 1798761599000 },
                 { "Tue, 10 Mar 2026 09:00:00 IST", -1 },
                 { "Tuesday, 10-Mar-26 09:00:00 GMT", -1 },
                 { "Tue, 10 Foo 2026 09:00:00 GMT", -1 },
                 { "Tue, 99 Mar 2026 09:00:00 GMT", -1 },
                 { "", -1 },
                 { NULL, -1 } };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (exo_parse_http_date(rows[i].text) != rows[i].want_ms)
            fail_msg("row %zu gave %lld", i, (long long)exo_parse_http_date(rows[i].text));
}

/* ---- options ------------------------------------------------------------------------------------------- */

static void wrong_options_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *option, *want;
    } rows[] = {
        { "\"utc_offset\": \"IST\"", "write it as +05:30" },
        { "\"since\": \"yesterday\"", "write now, or a time such as 24h" },
        { "\"since\": \"181d\"", "at most 180d" },
        { "\"agents\": {\"05550100101\": {}}", "a member 'agents'" },
        { "\"recording_hosts\": [\"http://example.com\"]", "https" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char options[256];
        struct sb_error err = SB_ERROR_INIT;
        (void)snprintf(options, sizeof(options), "{" KIT_KEYS ", %s}", rows[i].option);
        struct harness *h = harness_try(&exotel_plugin, options, &err);
        if (h || !strstr(err.text, rows[i].want))
            fail_msg("%s: '%s'", rows[i].option, err.text);
    }
}

static void a_file_without_an_active_agent_is_noticed(void **state)
{
    (void)state;
    struct harness *h = harness_new(
        &exotel_plugin,
        "{" KIT_KEYS ", \"agents\": {\"agents\": {\"1\": {\"active\": false}, \"2\": {\"active\": false}}}}");

    assert_true(harness_has_notice(h, "every agent of the agents file is inactive"));
    harness_free(h);
    h = harness_new(&exotel_plugin,
                    "{" KIT_KEYS ", \"agents\": {\"agents\": {\"1\": {\"active\": false}, \"2\": {}}}}");
    assert_false(harness_has_notice(h, "inactive"));
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_are_read),
        cmocka_unit_test(since_is_read),
        cmocka_unit_test(dates_of_answers_are_read),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(a_file_without_an_active_agent_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
