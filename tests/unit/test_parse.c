/* Text to values: what is right, the edges, and the exact words for what is wrong. */
#include "base/parse.h"
#include "check.h"

enum { UNTOUCHED = 12345 };

struct row {
    const char *text;
    int64_t want;
    const char *want_error; /* NULL: must succeed */
};

static void check_rows(const struct row *rows, size_t count,
                       int (*parse)(const char *, int64_t *, struct sb_error *))
{
    for (size_t i = 0; i < count; i++) {
        struct sb_error err = SB_ERROR_INIT;
        int64_t value = UNTOUCHED; /* must survive a failure */
        int rc = parse(rows[i].text, &value, &err);
        CHECK_STR(rows[i].text, rows[i].want_error ? rows[i].want_error : "", err.text);
        CHECK_INT(rows[i].text, rows[i].want_error ? SB_ECONFIG : 0, rc);
        CHECK_INT(rows[i].text, rows[i].want_error ? UNTOUCHED : rows[i].want, value);
    }
}

static void durations(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "250ms", 250, NULL },
        { "30s", 30000, NULL },
        { "15m", 900000, NULL },
        { "2h", 7200000, NULL },
        { "7d", 604800000, NULL },
        { "0s", 0, NULL },
        { "007s", 7000, NULL },
        { "9223372036854775807ms", INT64_MAX, NULL },
        { "", 0, "'' is not a duration such as 30s" },
        { "s", 0, "'s' is not a duration such as 30s" },
        { "-5s", 0, "'-5s' is not a duration such as 30s" },
        { " 5s", 0, "' 5s' is not a duration such as 30s" },
        { "30", 0, "'30' needs a unit: ms, s, m, h or d" },
        { "30sec", 0, "'30sec' needs a unit: ms, s, m, h or d" },
        { "30s ", 0, "'30s ' needs a unit: ms, s, m, h or d" },
        { "1.5h", 0, "'1.5h' is not a whole number; use a smaller unit, as in 90m or 1500ms" },
        { "9223372036854775808ms", 0, "'9223372036854775808ms' is too long a duration" },
        { "9223372036854775807s", 0, "'9223372036854775807s' is too long a duration" },
        { "99999999999999999999d", 0, "'99999999999999999999d' is too long a duration" },
    };

    check_rows(rows, ROWS(rows), parse_duration);
}

static void sizes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "512", 512, NULL },
        { "64k", 65536, NULL },
        { "25M", 26214400, NULL },
        { "2g", INT64_C(2147483648), NULL },
        { "0", 0, NULL },
        { "", 0, "'' is not a size such as 25m" },
        { "-1", 0, "'-1' is not a size such as 25m" },
        { "25mb", 0, "'25mb' has an unknown unit; write bytes, or k, m or g behind a whole number" },
        { "1.5m", 0, "'1.5m' has an unknown unit; write bytes, or k, m or g behind a whole number" },
        { "9223372036854775807k", 0, "'9223372036854775807k' is too large a size" },
    };

    check_rows(rows, ROWS(rows), parse_size);
}

static void whole_numbers(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "0", 0, NULL },
        { "-17", -17, NULL },
        { "9223372036854775807", INT64_MAX, NULL },
        { "-9223372036854775807", -INT64_MAX, NULL },
        { "", 0, "'' is not a whole number" },
        { "-", 0, "'-' is not a whole number" },
        { "+1", 0, "'+1' is not a whole number" },
        { "12abc", 0, "'12abc' is not a whole number" },
        { "1.0", 0, "'1.0' is not a whole number" },
        { "0x10", 0, "'0x10' is not a whole number" },
        { "9223372036854775808", 0, "'9223372036854775808' is too large a number" },
    };

    check_rows(rows, ROWS(rows), parse_int);
}

static void rates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t events, period_ms;
        const char *want_error;
    } rows[] = {
        { "200/min", 200, 60000, NULL },
        { "5/s", 5, 1000, NULL },
        { "1000/h", 1000, 3600000, NULL },
        { "unlimited", 0, 1000, NULL },
        { "Unlimited", 0, 1000, NULL },
        { "", 0, 0, "'' is not a rate such as 200/min, nor \"unlimited\"" },
        { "fast", 0, 0, "'fast' is not a rate such as 200/min, nor \"unlimited\"" },
        { "200", 0, 0, "'200' needs a period: /s, /min or /h" },
        { "200/day", 0, 0, "'200/day' needs a period: /s, /min or /h" },
        { "0/s", 0, 0, "'0/s' would let nothing through; write a rate such as 200/min, or \"unlimited\"" },
        { "99999999999/s", 0, 0, "'99999999999/s' is too high a rate; write \"unlimited\"" },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct sb_error err = SB_ERROR_INIT;
        int64_t events = UNTOUCHED, period_ms = UNTOUCHED;
        int rc = parse_rate(rows[i].text, &events, &period_ms, &err);
        CHECK_STR(rows[i].text, rows[i].want_error ? rows[i].want_error : "", err.text);
        CHECK_INT(rows[i].text, rows[i].want_error ? SB_ECONFIG : 0, rc);
        CHECK_INT(rows[i].text, rows[i].want_error ? UNTOUCHED : rows[i].events, events);
        CHECK_INT(rows[i].text, rows[i].want_error ? UNTOUCHED : rows[i].period_ms, period_ms);
    }
}

static void truth(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int want; /* -1: an error */
    } rows[] = {
        { "true", 1 }, { "false", 0 }, { "Yes", 1 }, { "NO", 0 }, { "on", 1 },   { "off", 0 },
        { "1", 1 },    { "0", 0 },     { "", -1 },   { "2", -1 }, { "tru", -1 }, { "true ", -1 },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct sb_error err = SB_ERROR_INIT;
        for (int before = 0; before < 2; before++) {
            bool value = before;
            int rc = parse_bool(rows[i].text, &value, &err);
            CHECK_INT(rows[i].text, rows[i].want < 0 ? SB_ECONFIG : 0, rc);
            CHECK_INT(rows[i].text, rows[i].want < 0 ? before : rows[i].want, value);
        }
    }
    struct sb_error err = SB_ERROR_INIT;
    bool value = false;
    assert_int_equal(parse_bool("maybe", &value, &err), SB_ECONFIG);
    CHECK_STR("maybe", "'maybe' is neither true nor false", err.text);
}

static void addresses(void **state)
{
    (void)state;
#define NOT_AN_ADDRESS "' is not an address to listen on, such as 127.0.0.1:8080 or [::1]:8080"
#define NEEDS_A_PORT   "' needs a port from 0 to 65535 behind the colon"
    static const struct {
        const char *text, *host;
        int port;
        const char *want_error;
    } rows[] = {
        { "127.0.0.1:8080", "127.0.0.1", 8080, NULL },
        { "[::1]:0", "::1", 0, NULL },
        { ":8080", "", 8080, NULL },
        { "localhost:65535", "localhost", 65535, NULL },
        { "[fe80::1%eth0]:80", "fe80::1%eth0", 80, NULL },
        { "", NULL, 0, "'" NOT_AN_ADDRESS },
        { "8080", NULL, 0, "'8080" NOT_AN_ADDRESS },
        { "::1:8080", NULL, 0, "'::1:8080" NOT_AN_ADDRESS },
        { "[::1]", NULL, 0, "'[::1]" NOT_AN_ADDRESS },
        { "[::1:80", NULL, 0, "'[::1:80" NOT_AN_ADDRESS },
        { "http://x:80", NULL, 0, "'http://x:80" NOT_AN_ADDRESS },
        { "a b:80", NULL, 0, "'a b:80" NOT_AN_ADDRESS },
        { "localhost:", NULL, 0, "'localhost:" NEEDS_A_PORT },
        { "localhost:65536", NULL, 0, "'localhost:65536" NEEDS_A_PORT },
        { "localhost:-1", NULL, 0, "'localhost:-1" NEEDS_A_PORT },
        { "localhost:http", NULL, 0, "'localhost:http" NEEDS_A_PORT },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        struct sb_error err = SB_ERROR_INIT;
        char host[64] = "untouched";
        uint16_t port = UNTOUCHED;
        int rc = parse_listen(rows[i].text, host, &port, &err);
        CHECK_STR(rows[i].text, rows[i].want_error ? rows[i].want_error : "", err.text);
        CHECK_INT(rows[i].text, rows[i].want_error ? SB_ECONFIG : 0, rc);
        CHECK_STR(rows[i].text, rows[i].want_error ? "untouched" : rows[i].host, host);
        CHECK_INT(rows[i].text, rows[i].want_error ? UNTOUCHED : rows[i].port, port);
    }
}

static void too_long_a_host_is_refused(void **state)
{
    (void)state;
    char host[64] = "";
    uint16_t port = 0;
    char text[80];

    memset(text, 'a', sizeof(text));
    memcpy(text + 63, ":80", 4);
    assert_int_equal(parse_listen(text, host, &port, NULL), 0);
    CHECK_INT("63 characters fit", 63, strlen(host));
    memcpy(text + 63, "a:80", 5);
    assert_int_equal(parse_listen(text, host, &port, NULL), SB_ECONFIG);
}

static void nearest_words(void **state)
{
    (void)state;
    static const char *const words[] = { "api_key",   "api_token", "model", "language",
                                         "zoho_desk", "deepgram",  NULL };
    static const struct {
        const char *word, *want;
    } rows[] = {
        { "api_kye", "api_key" }, /* swapped neighbours are one slip */
        { "apikey", "api_key" },
        { "API_KEY", "api_key" },
        { "api-key", "api_key" },
        { "modle", "model" },
        { "mod", NULL },
        { "lang", NULL },
        { "languge", "language" },
        { "zohodesk", "zoho_desk" },
        { "deepgrm", "deepgram" },
        { "whisper", NULL },
        { "", NULL },
        { "x", NULL },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
    };

    for (size_t i = 0; i < ROWS(rows); i++)
        CHECK_STR(rows[i].word, rows[i].want, parse_nearest(rows[i].word, words));
}

static void durations_for_people(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *want;
    } rows[] = {
        { 0, "0s" },       { 250, "250ms" },    { 1000, "1s" },       { 1500, "1.5s" },
        { 30000, "30s" },  { 90000, "90s" },    { 900000, "15m" },    { 5400000, "90m" },
        { 7200000, "2h" }, { 604800000, "7d" }, { 86400000, "1d" },   { 7776000000, "90d" },
        { 3661000, "1h" }, { -5, "-5ms" },      { 1234567, "20.5m" },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[24];
        format_duration(rows[i].ms, text);
        CHECK_STR(rows[i].want, rows[i].want, text);
    }
    char text[24];
    format_duration(INT64_MAX, text);
    assert_true(strlen(text) < 24);
}

static void sizes_for_people(void **state)
{
    (void)state;
    static const struct {
        int64_t bytes;
        const char *want;
    } rows[] = {
        { 0, "0" },       { 512, "512" },      { 1024, "1k" },
        { 1536, "1.5k" }, { 26214400, "25m" }, { INT64_C(2147483648), "2g" },
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[24];
        format_size(rows[i].bytes, text);
        CHECK_STR(rows[i].want, rows[i].want, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations),
        cmocka_unit_test(sizes),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(rates),
        cmocka_unit_test(truth),
        cmocka_unit_test(addresses),
        cmocka_unit_test(too_long_a_host_is_refused),
        cmocka_unit_test(nearest_words),
        cmocka_unit_test(durations_for_people),
        cmocka_unit_test(sizes_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
