/* callback: what is told, to whom, under which id, and what the receiver's answers mean. */
#include "plugins/harness.h"

#include <stdio.h>
#include <string.h>

extern const struct sb_plugin callback_plugin;

#define SECRET  "\"secret\": \"demo-signing-key\""
#define HOSTS   "\"hosts\": [\"agent.example.com\", \"*.bots.example.com\", \"127.0.0.1:9001\"]"
#define OPTIONS "{" SECRET ", " HOSTS "}"
#define FIXED   "{" SECRET ", \"url\": \"https://hooks.example.com/tickets?team=1\"}"
#define SCRIPT(x)                                                                                            \
    "{" SECRET ", " HOSTS ", \"messages\": \"" TEST_SOURCE_DIR "/tests/plugins/callback/" x ".lua\"}"

#define USER                                                                                                 \
    "\"user\": {\"id\": \"user-17\", \"name\": \"Asha Rao\", \"email\": \"asha@example.com\", \"locale\": "  \
    "\"en-IN\"}"
#define USER_HINDI "\"user\": {\"id\": \"user-17\", \"locale\": \"hi\"}"
#define ESCALATION(url)                                                                                      \
    "\"source\": {\"plugin\": \"ai_agent\", \"account\": \"webchat\", \"external_id\": \"esc-1\"}, "         \
    "\"escalation\": {\"id\": \"esc-1\", \"agent\": \"webchat\", \"summary\": \"charged twice\"" url "}"
#define TO(url) ", \"callback_url\": \"" url "\""
#define TICKET(more)                                                                                         \
    "\"ticket\": {\"id\": \"5000001000000401001\", \"number\": \"101\", "                                    \
    "\"url\": \"https://desk.zoho.com/support/acmedesk/t/1\", \"reference\": \"0123456789ABC\", "            \
    "\"created_at\": \"2026-03-10T09:00:05Z\"" more "}"
#define RECORD(url) "{" ESCALATION(TO(url)) ", " USER ", " TICKET("") "}"
#define GOOD_URL    "https://agent.example.com/hooks/tickets?conversation=7"
#define NOTICE                                                                                               \
    "\"notice\": {\"event\": \"ticket.delayed\", \"of\": 12, \"reference\": \"MAINREFERENCE\", "             \
    "\"at\": \"2026-03-10T09:10:00Z\"}"

static struct harness *with(const char *options, const char *record)
{
    struct harness *h = harness_new(&callback_plugin, options);

    harness_set_record(h, record);
    return h;
}

/* ---- what is told -------------------------------------------------------------------------------------- */

static void a_ticket_is_told_of(void **state)
{
    struct harness *h = with(OPTIONS, RECORD(GOOD_URL));
    const struct harness_result *r = harness_build(h, "tell");

    (void)state;
    assert_int_equal(r->verdict, SB_OK);
    harness_same(
        r->request,
        "{\"method\": \"POST\", \"url\": \"" GOOD_URL
        "\", \"timeout_ms\": 30000, \"public_only\": true, \"headers\": {"
        "\"Idempotency-Key\": \"0123456789ABC.ticket.created\", \"X-Switchboard-Timestamp\": \"1773133200\","
        "\"Content-Type\": \"application/json\", \"X-Switchboard-Signature\": \"sha256=[hmac]\"},"
        "\"body\": {\"event\": \"ticket.created\", \"id\": \"0123456789ABC.ticket.created\", \"sequence\": 2,"
        "\"escalation_id\": \"esc-1\", \"user_id\": \"user-17\", \"reference\": \"0123456789ABC\","
        "\"ticket_number\": \"101\", \"ticket_url\": \"https://desk.zoho.com/support/acmedesk/t/1\","
        "\"attached\": false, \"message\": \"Your request is ticket 101. A member of our team will get back "
        "to you.\", \"created_at\": \"2026-03-10T09:00:05Z\"}}");
    harness_free(h);
}

static void the_id_is_the_same_at_every_attempt_and_the_time_is_not(void **state)
{
    struct harness *h = with(OPTIONS, RECORD(GOOD_URL));
    char first[100];

    (void)state;
    (void)snprintf(first, sizeof(first), "%s",
                   harness_text(harness_build(h, "tell")->request, "headers.Idempotency-Key"));
    harness_set_now(h, INT64_C(1773133200000) + 3600 * 1000);
    const json_t *request = harness_build(h, "tell")->request;
    assert_string_equal(harness_text(request, "headers.Idempotency-Key"), first);
    assert_string_equal(harness_text(request, "headers.X-Switchboard-Timestamp"), "1773136800");
    harness_free(h);
}

static void a_ticket_that_was_open_already_is_told_as_such(void **state)
{
    struct harness *h =
        with(OPTIONS, "{" ESCALATION(TO(GOOD_URL)) ", " USER ", " TICKET(", \"attached\": true") "}");

    (void)state;
    assert_true(json_is_true(harness_at(harness_build(h, "tell")->request, "body.attached")));
    harness_free(h);
}

static void a_notice_tells_of_the_delay(void **state)
{
    struct harness *h = with(OPTIONS, "{" ESCALATION(TO(GOOD_URL)) ", " USER ", " NOTICE "}");
    const struct harness_result *r = harness_build(h, "tell");

    (void)state;
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->request, "headers.Idempotency-Key"), "MAINREFERENCE.ticket.delayed");
    harness_same(
        harness_at(r->request, "body"),
        "{\"event\": \"ticket.delayed\", \"id\": \"MAINREFERENCE.ticket.delayed\", \"sequence\": 1,"
        "\"escalation_id\": \"esc-1\", \"user_id\": \"user-17\", \"reference\": \"MAINREFERENCE\","
        "\"ticket_number\": null, \"ticket_url\": null, \"attached\": false,"
        "\"message\": \"We have your request and are still passing it on. A member of our team will get back "
        "to you.\", \"created_at\": \"2026-03-10T09:10:00Z\"}");
    harness_free(h);
}

static void a_call_is_told_of_at_the_fixed_address(void **state)
{
    struct harness *h =
        with(FIXED,
             "{\"source\": {\"plugin\": \"exotel\", \"external_id\": \"examplecall000000000000000000001\"}, "
             "\"call\": {\"sid\": \"examplecall000000000000000000001\", \"direction\": \"inbound\", "
             "\"customer\": \"05550100001\", \"started_at\": \"2026-03-10T08:50:00Z\"}, " TICKET("") "}");
    const struct harness_result *r = harness_build(h, "tell");

    (void)state;
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->request, "url"), "https://hooks.example.com/tickets?team=1");
    harness_same(
        harness_at(r->request, "body"),
        "{\"event\": \"ticket.created\", \"id\": \"0123456789ABC.ticket.created\", \"sequence\": 2,"
        "\"call_id\": \"examplecall000000000000000000001\", \"direction\": \"inbound\","
        "\"started_at\": \"2026-03-10T08:50:00Z\", \"ended_at\": null, \"reference\": \"0123456789ABC\","
        "\"ticket_number\": \"101\", \"ticket_url\": \"https://desk.zoho.com/support/acmedesk/t/1\","
        "\"attached\": false, \"message\": \"Your request is ticket 101. A member of our team will get back "
        "to you.\", \"created_at\": \"2026-03-10T09:00:05Z\"}");
    harness_free(h);
}

/* ---- words --------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *options, *record, *want, *note;
} word_rows[] = {
    { "the mapping's words come before the option's", OPTIONS,
      "{" ESCALATION(TO(GOOD_URL)) ", " USER ", " TICKET(", \"user_message\": \"It is ticket 101.\"") "}",
      "It is ticket 101.", NULL },
    { "a notice does not use the words for a ticket", OPTIONS,
      "{" ESCALATION(TO(GOOD_URL)) ", " USER ", " NOTICE
                                   ", " TICKET(", \"user_message\": \"It is ticket 101.\"") "}",
      "We have your request and are still passing it on. A member of our team will get back to you.", NULL },
    { "the script's words come first", SCRIPT("messages"),
      "{" ESCALATION(TO(GOOD_URL)) ", " USER_HINDI
                                   ", " TICKET(", \"user_message\": \"It is ticket 101.\"") "}",
      "आपका अनुरोध टिकट 101 है।", NULL },
    { "the script words a notice, too", SCRIPT("messages"),
      "{" ESCALATION(TO(GOOD_URL)) ", " USER_HINDI ", " NOTICE "}", "आपका अनुरोध हमारे पास है।", NULL },
    { "a script that has no words leaves them to the mapping", SCRIPT("messages"),
      "{" ESCALATION(TO(GOOD_URL)) ", " USER ", " TICKET(", \"user_message\": \"It is ticket 101.\"") "}",
      "It is ticket 101.", NULL },
    { "a script with words for tickets gives those", SCRIPT("one"), RECORD(GOOD_URL), "ticket.created 101",
      NULL },
    { "a script without words for delays leaves them to the option", SCRIPT("one"),
      "{" ESCALATION(TO(GOOD_URL)) ", " USER ", " NOTICE "}",
      "We have your request and are still passing it on. A member of our team will get back to you.", NULL },
    { "a script that fails does not keep the user from hearing", SCRIPT("broken"), RECORD(GOOD_URL),
      "Your request is ticket 101. A member of our team will get back to you.", "failed" },
    { "a script that gives no text neither", SCRIPT("wrong"), RECORD(GOOD_URL),
      "Your request is ticket 101. A member of our team will get back to you.", "gave no text" },
    { "own words with the number in the middle",
      "{" SECRET ", " HOSTS ", \"created_message\": \"Ticket {number} is yours.\"}", RECORD(GOOD_URL),
      "Ticket 101 is yours.", NULL },
};

static void the_words_for_the_user_are_chosen(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(word_rows) / sizeof(word_rows[0]); i++) {
        struct harness *h = with(word_rows[i].options, word_rows[i].record);
        const struct harness_result *r = harness_build(h, "tell");
        print_message("row: %s\n", word_rows[i].name);
        assert_int_equal(r->verdict, SB_OK);
        assert_string_equal(harness_text(r->request, "body.message"), word_rows[i].want);
        assert_int_equal(json_array_size(r->notes), word_rows[i].note ? 1 : 0);
        if (word_rows[i].note)
            assert_non_null(strstr(json_string_value(json_array_get(r->notes, 0)), word_rows[i].note));
        harness_free(h);
    }
}

/* ---- whom ---------------------------------------------------------------------------------------------- */

#define REFUSED_HOST  "the user could not be told: callback_url is not https, or its host is not among 'hosts'"
#define REFUSED_PLAIN "the user could not be told: callback_url does not begin with https://"
#define ALLOW         "{" SECRET ", " HOSTS ", \"allow_private\": true}"

static const struct {
    const char *options, *url;
    enum sb_verdict verdict;
    const char *reason;
} address_rows[] = {
    { OPTIONS, "https://agent.example.com/x", SB_OK, "" },
    { OPTIONS, "https://AGENT.example.com:443/x", SB_OK, "" },
    { OPTIONS, "https://one.bots.example.com/x", SB_OK, "" },
    { OPTIONS, "https://bots.example.com/x", SB_REJECT, REFUSED_HOST },
    { OPTIONS, "https://agent.example.com:8443/x", SB_REJECT, REFUSED_HOST },
    { OPTIONS, "https://agent.example.com.evil.example/x", SB_REJECT, REFUSED_HOST },
    { OPTIONS, "https://evil.example/?agent.example.com", SB_REJECT, REFUSED_HOST },
    { OPTIONS, "https://agent.example.com@evil.example/", SB_REJECT, REFUSED_HOST },
    { OPTIONS, "https://someone:secret@agent.example.com/", SB_REJECT, REFUSED_HOST },
    { OPTIONS, "http://agent.example.com/x", SB_REJECT, REFUSED_PLAIN },
    { OPTIONS, "http://127.0.0.1:9001/x", SB_REJECT, REFUSED_PLAIN },
    { OPTIONS, "ftp://agent.example.com/x", SB_REJECT, REFUSED_PLAIN },
    { OPTIONS, "//agent.example.com/x", SB_REJECT, REFUSED_PLAIN },
    { OPTIONS, "https://169.254.169.254/latest/meta-data", SB_REJECT, REFUSED_HOST },
    { ALLOW, "http://127.0.0.1:9001/x", SB_OK, "" },
    { ALLOW, "http://127.0.0.1:9002/x", SB_REJECT, REFUSED_HOST },
    { ALLOW, "http://agent.example.com/x", SB_REJECT, REFUSED_HOST },
    { FIXED, "https://hooks.example.com/else", SB_OK, "" },
    { FIXED, "https://agent.example.com/x", SB_REJECT, REFUSED_HOST },
};

static void only_those_hosts_are_told_that_the_operator_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(address_rows) / sizeof(address_rows[0]); i++) {
        char record[2000];
        (void)snprintf(record, sizeof(record), "{" ESCALATION(TO("%s")) ", " USER ", " TICKET("") "}",
                       address_rows[i].url);
        struct harness *h = with(address_rows[i].options, record);
        const struct harness_result *r = harness_build(h, "tell");
        print_message("row: %s\n", address_rows[i].url);
        assert_int_equal(r->verdict, address_rows[i].verdict);
        assert_string_equal(r->reason, address_rows[i].reason);
        if (r->request)
            assert_int_equal(json_is_true(json_object_get(r->request, "public_only")),
                             strcmp(address_rows[i].options, ALLOW) != 0);
        assert_false(r->is_defect);
        harness_free(h);
    }
}

static void the_conversations_own_address_wins_over_the_fixed_one(void **state)
{
    struct harness *h =
        with("{" SECRET ", " HOSTS ", \"url\": \"https://hooks.example.com/\"}", RECORD(GOOD_URL));

    (void)state;
    assert_string_equal(harness_text(harness_build(h, "tell")->request, "url"), GOOD_URL);
    harness_free(h);
}

static const struct {
    const char *name, *options, *record;
} silent_rows[] = {
    { "no address at all", OPTIONS, "{" ESCALATION("") ", " USER ", " TICKET("") "}" },
    { "no ticket", OPTIONS, "{" ESCALATION(TO(GOOD_URL)) ", " USER "}" },
    { "a ticket that was mapped and not made", OPTIONS,
      "{" ESCALATION(TO(GOOD_URL)) ", " USER ", \"ticket\": {\"reference\": \"0123456789ABC\"}}" },
    { "a notice for nobody", OPTIONS, "{" ESCALATION("") ", " USER ", " NOTICE "}" },
};

static void where_there_is_nothing_to_tell_nothing_happens(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(silent_rows) / sizeof(silent_rows[0]); i++) {
        struct harness *h = with(silent_rows[i].options, silent_rows[i].record);
        const struct harness_result *r = harness_build(h, "tell");
        print_message("row: %s\n", silent_rows[i].name);
        assert_int_equal(r->verdict, SB_SKIP);
        assert_null(r->request);
        assert_string_equal(r->reason, "");
        harness_free(h);
    }
}

/* ---- answers ------------------------------------------------------------------------------------------- */

static const struct {
    int status;
    enum sb_verdict verdict;
    const char *reason;
} answer_rows[] = {
    { 200, SB_OK, "" },
    { 202, SB_OK, "" },
    { 204, SB_OK, "" },
    { 301, SB_REJECT, "the user could not be told: HTTP 301, and redirects are not followed" },
    { 307, SB_REJECT, "the user could not be told: HTTP 307, and redirects are not followed" },
    { 400, SB_REJECT, "the user could not be told: the receiver refused it with HTTP 400" },
    { 401, SB_REJECT, "the user could not be told: the receiver refused it with HTTP 401" },
    { 404, SB_REJECT, "the user could not be told: the receiver refused it with HTTP 404" },
    { 408, SB_RETRY, "HTTP 408" },
    { 410, SB_REJECT, "the user could not be told: the receiver refused it with HTTP 410" },
    { 425, SB_RETRY, "HTTP 425" },
    { 429, SB_RETRY, "HTTP 429" },
    { 500, SB_RETRY, "HTTP 500" },
    { 503, SB_RETRY, "HTTP 503" },
};

static void each_answer_means_what_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(answer_rows) / sizeof(answer_rows[0]); i++) {
        struct harness *h = with(OPTIONS, RECORD(GOOD_URL));
        const struct harness_result *r = harness_fold(h, "tell", answer_rows[i].status, NULL, "");
        print_message("row: %d\n", answer_rows[i].status);
        assert_int_equal(r->verdict, answer_rows[i].verdict);
        assert_string_equal(r->reason, answer_rows[i].reason);
        assert_int_equal(json_object_get(r->record, "callback") != NULL, answer_rows[i].verdict == SB_OK);
        harness_free(h);
    }
}

static void that_it_was_told_is_on_the_record(void **state)
{
    struct harness *h = with(OPTIONS, RECORD(GOOD_URL));
    const struct harness_result *r = harness_fold(h, "tell", 200, NULL, "{\"anything\": 1}");

    (void)state;
    harness_same(harness_at(r->record, "callback"),
                 "{\"event\": \"ticket.created\", \"told_at\": \"2026-03-10T09:00:00Z\"}");
    assert_string_equal(json_string_value(json_array_get(r->notes, 0)), "told the agent: ticket.created");
    harness_free(h);
}

/* ---- options ------------------------------------------------------------------------------------------- */

static void wrong_options_are_refused(void **state)
{
    static const struct {
        const char *options, *text;
    } rows[] = {
        { "{" SECRET ", \"hosts\": [\"*.com\"]}", "'*.com' is not a host" },
        { "{" SECRET ", \"hosts\": [\"http://agent.example.com/\"]}", "must begin with https://" },
        { "{" SECRET ", \"hosts\": [\"https://me:you@agent.example.com\"]}", "must not hold a user name" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sb_error err = SB_ERROR_INIT;
        assert_null(harness_try(&callback_plugin, rows[i].options, &err));
        if (!strstr(err.text, rows[i].text))
            fail_msg("'%s' instead of '%s'", err.text, rows[i].text);
    }
}

static void a_sink_that_can_tell_nobody_says_so(void **state)
{
    struct harness *h = harness_new(&callback_plugin, "{" SECRET "}");

    (void)state;
    assert_true(harness_has_notice(h, "nobody can be told: neither 'hosts' nor 'url' is set"));
    harness_free(h);
    h = harness_new(&callback_plugin, OPTIONS);
    assert_false(harness_has_notice(h, "nobody"));
    harness_free(h);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_is_told_of),
        cmocka_unit_test(the_id_is_the_same_at_every_attempt_and_the_time_is_not),
        cmocka_unit_test(a_ticket_that_was_open_already_is_told_as_such),
        cmocka_unit_test(a_notice_tells_of_the_delay),
        cmocka_unit_test(a_call_is_told_of_at_the_fixed_address),
        cmocka_unit_test(the_words_for_the_user_are_chosen),
        cmocka_unit_test(only_those_hosts_are_told_that_the_operator_names),
        cmocka_unit_test(the_conversations_own_address_wins_over_the_fixed_one),
        cmocka_unit_test(where_there_is_nothing_to_tell_nothing_happens),
        cmocka_unit_test(each_answer_means_what_it_says),
        cmocka_unit_test(that_it_was_told_is_on_the_record),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(a_sink_that_can_tell_nobody_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
