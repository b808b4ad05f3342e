/* What is replaced, and, as important, what is left alone. */
#include <stdlib.h>

#include "base/mask.h"
#include "check.h"

#define SAME NULL

static const struct {
    const char *text, *want; /* SAME: unchanged */
} rows[] = {
    /* telephone numbers */
    { "+915550100001", "***01" },
    { "05550100001", "***01" },
    { "call from +915550100001 to 05550100017", "call from ***01 to ***17" },
    { "0 555 0100 001", "***01" },
    { "+91-555-010-0001", "***01" },
    { "(0555) 0100-001", "***01" },
    { "+1 (555) 010-0001.", "***01." },
    { "phone:5550100001", "phone:***01" },
    { "\"from\":\"05550100001\"", "\"from\":\"***01\"" },
    { "rec_05550100001.mp3", "rec_***01.mp3" },
    { "5550100", "***00" },

    /* numbers that are none */
    { "555010", SAME },
    { "1892000000042034", SAME },
    { "examplecall000000000000000000001", SAME },
    { "00000000000000000000000000000001", SAME },
    { "call 4f9a0000000000000000000012345678", SAME },
    { "b6b0a4c2-1111-4222-8333-426614174000", SAME },
    { "2026-03-10", SAME },
    { "2026-03-10 09:00:11", SAME },
    { "2026-03-10T09:00:11Z", SAME },
    { "2026-03-10T09:00:11.123Z", SAME },
    { "10/03/2026", SAME },
    { "192.168.100.200", SAME },
    { "127.0.0.1:8080", SAME },
    { "ticket #1234567", SAME },
    { "record 8123 step 2", SAME },
    { "7Z3K0000012AB", SAME },
    { "HTTP 429 after 1500 ms", SAME },

    /* e-mail addresses */
    { "someone@example.com", "[email]" },
    { "mail a.b+c@mail.example.co.in now", "mail [email] now" },
    { "mail a@example.com.", "mail [email]." },
    { "a@b", SAME },
    { "@example.com", SAME },

    /* URLs */
    { "https://user:pa55@example.com/x", "https://[secret]@example.com/x" },
    { "https://key@example.com", "https://[secret]@example.com" },
    { "https://example.com/x?token=abc&b=1", "https://example.com/x?[hidden]" },
    { "GET /v1/Calls.json?From=0555&x=y failed", "GET /v1/Calls.json?[hidden] failed" },
    { "\"https://example.com/a?b=c\" is wrong", "\"https://example.com/a?[hidden]\" is wrong" },
    { "https://example.com/path/to", SAME },
    { "really? yes=no", SAME },
    { "what?x=1", SAME },

    /* credentials */
    { "Authorization: Bearer abcdefgh12345678", "Authorization: Bearer [secret]" },
    { "authorization: basic dXNlcjpwYXNz==", "authorization: basic [secret]" },
    { "Token 0123456789abcdef", "Token [secret]" },
    { "Zoho-oauthtoken 1000.aaaa", "Zoho-oauthtoken [secret]" },
    { "token refreshed again", SAME },
    { "token is invalid_or_expired", SAME },
    { "key sk-proj-abc123def456", "key [secret]" },
    { "sk-abc", SAME },
    { "1000.0123456789abcdef0123456789abcdef.0123456789abcdef0123456789abcdef", "[secret]" },
    { "1000.5", SAME },
    { "api_key=0123456789abcdef0123456789abcdef", "api_key=[secret]" },
    { "\"client_secret\": \"0123456789abcdef0123456789ABCDEF\"", "\"client_secret\": \"[secret]\"" },
    { "password 'correcthorse0batterystaple0again'", "password '[secret]'" },
    { "id=0123456789abcdef0123456789abcdef", SAME },
    { "key phone:5550100001", "key phone:***01" },
    { "", SAME },
};

static void texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_BUF out;
        buf_init(&out, 1000);
        mask_text(&out, rows[i].text);
        CHECK_STR(rows[i].text, rows[i].want ? rows[i].want : rows[i].text, out.data);
    }
}

static void what_is_masked_stays_masked(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        AUTO_BUF once, twice;
        buf_init(&once, 1000);
        buf_init(&twice, 1000);
        mask_text(&once, rows[i].text);
        mask_text(&twice, once.data);
        CHECK_STR(rows[i].text, once.data, twice.data);
    }
}

static void phone_for_people(void **state)
{
    (void)state;
    static const struct {
        const char *phone, *want;
    } cases[] = {
        { "+915550100001", "+9155\xE2\x80\xA6"
                           "01" },
        { "05550100017", "0555\xE2\x80\xA6"
                         "17" },
        { "12345", "\xE2\x80\xA6" },
        { "", "\xE2\x80\xA6" },
        { "sip:agent77", "\xE2\x80\xA6" },
    };

    for (size_t i = 0; i < ROWS(cases); i++) {
        char text[24];
        mask_phone(cases[i].phone, text);
        CHECK_STR(cases[i].phone, cases[i].want, text);
    }
}

static void hostile_text_takes_no_time(void **state)
{
    (void)state;
    static const char *const pieces[] = { "?",    "a-", "0-",  "token ", "a@", "://",
                                          "key=", "(",  "x=?", "sk-",    "1." };

    for (size_t i = 0; i < ROWS(pieces); i++) {
        AUTO_BUF in, out;
        buf_init(&in, 64 * 1024);
        buf_init(&out, 1024 * 1024);
        while (!in.failed)
            buf_str(&in, pieces[i]);
        mask_text(&out, in.data); /* the time limit of the test is the check */
        assert_false(out.failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(what_is_masked_stays_masked),
        cmocka_unit_test(phone_for_people),
        cmocka_unit_test(hostile_text_takes_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
