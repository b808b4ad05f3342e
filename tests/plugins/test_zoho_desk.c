/* The sink as a whole: options, refusals that concern the account, the way from a call to its ticket. */
#include "plugins/zoho_desk_kit.h"

/* ---- options ------------------------------------------------------------------------------------------- */

static const struct {
    const char *more;
    const char *why; /* NULL: fine */
} options[] = {
    { "\"base_url\": \"https://desk.zoho.in\"", NULL },
    { "\"base_url\": \"https://DESK.zoho.com.au/\"", NULL },
    { "\"base_url\": \"https://desk.zohocloud.ca\"", NULL },
    { "\"base_url\": \"http://127.0.0.1:4000\", \"accounts_url\": \"http://127.0.0.1:4001\"", NULL },
    { "\"base_url\": \"http://127.0.0.1:4000\"",
      "cannot tell the accounts server of base_url 'http://127.0.0.1:4000', which is none of Zoho's data "
      "centres; set "
      "accounts_url (ZOHO_ACCOUNTS_URL)" },
    { "\"base_url\": \"https://desk.zoho.com.evil.example\"", "cannot tell the accounts server" },
    { "\"base_url\": \"https://www.zohoapis.in\"",
      "base_url 'https://www.zohoapis.in' does not serve Zoho Desk; use 'https://desk.zoho.in'" },
    { "\"base_url\": \"https://accounts.zoho.eu\"",
      "base_url 'https://accounts.zoho.eu' does not serve Zoho Desk; use 'https://desk.zoho.eu'" },
    { "\"base_url\": \"https://www.zohoapis.ca\"", "use 'https://desk.zohocloud.ca'" },
    { "\"org_id\": \"acmedesk\"", "'acmedesk' is not an id for org_id, which is digits such as 600000001" },
    { "\"department_id\": \"Support\"",
      "'Support' is not an id for department_id, which is digits such as 600000001" },
    { "\"fallback_contact_id\": \"x\"", "'x' is not an id for fallback_contact_id" },
    { "\"fallback_contact_id\": \"\"", NULL },
    { "\"reference_field\": \"Switchboard\"",
      "reference_field 'Switchboard' is no API name of a custom field, which begins with 'cf_'" },
    { "\"reference_field\": \"cf_switchboard\"", NULL },
    { "\"region\": \"India\"", "region 'India' is not a country code of two letters such as IN" },
};

static void wrong_options_are_refused_with_what_is_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        KIT_ROW(options[i].more);
        struct sb_error err = SB_ERROR_INIT;
        char text[2000];
        json_t *all = json_loads("{" KIT_REQUIRED "}", 0, NULL);
        (void)snprintf(text, sizeof(text), "{%s}", options[i].more);
        json_t *more = json_loads(text, 0, NULL);
        assert_int_equal(json_object_update(all, more), 0);
        char *json = json_dumps(all, 0);
        struct harness *h = harness_try(&zoho_desk_plugin, json, &err);
        if (options[i].why) {
            assert_null(h);
            if (!strstr(err.text, options[i].why))
                fail_msg("no '%s' in: %s", options[i].why, err.text);
        } else if (!h) {
            fail_msg("%s", err.text);
        }
        harness_free(h);
        free(json);
        json_decref(more);
        json_decref(all);
    }
}

static void calls_that_will_find_no_contact_are_announced(void **state)
{
    (void)state;
    struct harness *h = kit_new("\"auto_create_contact\": false", KIT_NEW);
    assert_true(harness_has_notice(h, "auto_create_contact is off and fallback_contact_id is not set"));
    harness_free(h);
    h = kit_new("\"auto_create_contact\": false, \"fallback_contact_id\": \"5000001000000309999\"", KIT_NEW);
    assert_false(harness_has_notice(h, "auto_create_contact"));
    harness_free(h);
}

static const struct {
    const char *options, *want;
} accounts[] = {
    { "\"base_url\": \"https://desk.zoho.com\"", "https://accounts.zoho.com" },
    { "\"base_url\": \"https://desk.zoho.eu\"", "https://accounts.zoho.eu" },
    { "\"base_url\": \"https://desk.zoho.in/api/v1\"", "https://accounts.zoho.in" },
    { "\"base_url\": \"https://desk.zoho.com.au\"", "https://accounts.zoho.com.au" },
    { "\"base_url\": \"https://desk.zoho.jp\"", "https://accounts.zoho.jp" },
    { "\"base_url\": \"https://desk.zohocloud.ca\"", "https://accounts.zohocloud.ca" },
    { "\"base_url\": \"https://desk.zoho.com.cn\"", "https://accounts.zoho.com.cn" },
    { "\"base_url\": \"https://desk.zoho.sa\"", "https://accounts.zoho.sa" },
    { "\"base_url\": \"https://desk.zoho.sg\"", "https://accounts.zoho.sg" },
    { "\"base_url\": \"https://desk.zoho.ae\"", "https://accounts.zoho.ae" },
    { "\"base_url\": \"https://desk.zoho.in\", \"accounts_url\": \"https://accounts.example.com\"",
      "https://accounts.example.com" },
    { "\"base_url\": \"https://desk.zoho.in\", \"accounts_url\": \"\"", "https://accounts.zoho.in" },
};

static void tokens_come_from_the_same_data_centre(void **state)
{
    (void)state;
    const struct sb_auth *auth = zoho_desk_plugin.auth;
    assert_int_equal(auth->kind, SB_AUTH_OAUTH2);
    assert_string_equal(auth->prefix, "Zoho-oauthtoken ");
    assert_string_equal(auth->token_path, "/oauth/v2/token");
    assert_int_equal(auth->throttled_ms, 15 * 60 * 1000);
    for (size_t i = 0; i < sizeof(accounts) / sizeof(accounts[0]); i++) {
        KIT_ROW(accounts[i].options);
        struct harness *h = kit_new(accounts[i].options, KIT_NEW);
        assert_string_equal(auth->token_base(harness_instance(h)), accounts[i].want);
        harness_free(h);
    }
}

static void a_base_with_the_api_path_is_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *options, *url;
    } rows[] = {
        { "\"base_url\": \"https://desk.zoho.in\"", "https://desk.zoho.in/api/v1/contacts" },
        { "\"base_url\": \"https://desk.zoho.in/\"", "https://desk.zoho.in/api/v1/contacts" },
        { "\"base_url\": \"https://desk.zoho.in/api/v1\"", "https://desk.zoho.in/api/v1/contacts" },
        { "\"base_url\": \"https://desk.zoho.in/api/v1/\"", "https://desk.zoho.in/api/v1/contacts" },
        { "\"base_url\": \"http://127.0.0.1:4000/desk\", \"accounts_url\": \"http://127.0.0.1:4001\"",
          "http://127.0.0.1:4000/desk/api/v1/contacts" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        KIT_ROW(rows[i].options);
        struct harness *h = kit_new(rows[i].options, KIT_NEW);
        assert_string_equal(harness_text(harness_build(h, "create_contact")->request, "url"), rows[i].url);
        harness_free(h);
    }
}

static void requests_carry_the_token_and_no_secret(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, KIT_NEW);
    const struct harness_result *r = harness_build(h, "create_contact");
    assert_string_equal(harness_text(r->request, "headers.Authorization"), "Zoho-oauthtoken [token]");
    char *text = json_dumps(r->request, 0);
    assert_null(strstr(text, "demo-secret"));
    assert_null(strstr(text, "demo-refresh"));
    free(text);
    harness_free(h);
}

/* ---- refusals that any call may get -------------------------------------------------------------------- */

static const struct {
    const char *name;
    int status;
    const char *headers, *body;
    enum sb_verdict verdict;
    int64_t delay_ms, suspend_ms;
    const char *reason;
} refusals[] = {
    { "a scope is missing", 403, NULL, "{\"errorCode\": \"SCOPE_MISMATCH\", \"message\": \"x\"}", SB_RETRY, 0,
      900000,
      "cannot search contacts: the refresh token lacks a scope; make a new one with "
      "Desk.contacts.READ,Desk.search.READ "
      "('switchboard login zoho' asks for all that is needed)" },
    { "another organization", 403, NULL, "{\"errorCode\": \"OAUTH_ORG_MISMATCH\", \"message\": \"x\"}",
      SB_RETRY, 0, 900000,
      "cannot search contacts: the token belongs to another organization than org_id '600000001'; correct "
      "org_id "
      "(ZOHO_DESK_ORG_ID), or make a refresh token for that portal" },
    { "the agent may not", 403, NULL, "{\"errorCode\": \"FORBIDDEN\", \"message\": \"x\"}", SB_RETRY, 0,
      900000, "the Zoho agent who made the refresh token may not do this (FORBIDDEN)" },
    { "the edition does not have it", 403, NULL, "{\"errorCode\": \"LICENSE_ACCESS_LIMITED\"}", SB_RETRY, 0,
      900000, "this edition of Zoho Desk does not allow it" },
    { "the same with another status", 400, NULL, "{\"errorCode\": \"LICENSE_ACCESS_LIMITED\"}", SB_RETRY, 0,
      900000, "this edition of Zoho Desk does not allow it" },
    { "a fresh token is refused", 401, NULL, "{\"errorCode\": \"INVALID_OAUTH\", \"message\": \"x\"}",
      SB_RETRY, 0, 900000,
      "a fresh access token is refused (INVALID_OAUTH); check that the refresh token comes from the data "
      "centre of base_url "
      "'https://desk.zoho.com'" },
    { "an HTML page instead of a reason", 401, NULL, "<html>no</html>", SB_RETRY, 0, 0,
      "Zoho Desk answered 401 without a reason" },
    { "an HTML page in front", 403, NULL, "<html>no</html>", SB_RETRY, 0, 0,
      "Zoho Desk answered 403 without a reason" },
    { "too many at once", 429, NULL, "{\"errorCode\": \"TOO_MANY_REQUESTS\"}", SB_RETRY, 2000, 0,
      "cannot search contacts: too many calls at once for this organization" },
    { "too many at once, with a time", 429, "{\"Retry-After\": \"30\"}",
      "{\"errorCode\": \"TOO_MANY_REQUESTS\"}", SB_RETRY, 30000, 0, "too many calls at once" },
    { "no credits left, with a time", 429, "{\"Retry-After\": \"7200\"}",
      "{\"errorCode\": \"THRESHOLD_EXCEEDED\"}", SB_RETRY, 0, 7200000,
      "cannot search contacts: the daily API credits of the organization are used up" },
    { "no credits left, without a time", 429, NULL, "{\"errorCode\": \"THRESHOLD_EXCEEDED\"}", SB_RETRY, 0,
      3600000, "the daily API credits" },
    { "no credits left, for years", 429, "{\"Retry-After\": \"99999999999999999999\"}",
      "{\"errorCode\": \"THRESHOLD_EXCEEDED\"}", SB_RETRY, 0, 86400000, "the daily API credits" },
    { "429 of an unknown kind", 429, NULL, "<html>", SB_RETRY, 2000, 0, "too many calls at once" },
    { "a fault of the server", 500, NULL, "{\"errorCode\": \"INTERNAL_SERVER_ERROR\"}", SB_RETRY, 0, 0,
      "cannot search contacts: Zoho Desk answered 500" },
    { "a gateway", 502, NULL, "<html>", SB_RETRY, 0, 0, "Zoho Desk answered 502" },
    { "a slow request", 408, NULL, "", SB_RETRY, 0, 0, "Zoho Desk answered 408" },
    { "a bad request", 400, NULL, "{\"errorCode\": \"BAD_REQUEST\"}", SB_REJECT, 0, 0,
      "cannot search contacts: Zoho Desk answered 400 (BAD_REQUEST)" },
    { "a wrong path", 404, NULL, "{\"errorCode\": \"URL_NOT_FOUND\"}", SB_REJECT, 0, 0,
      "Zoho Desk answered 404 (URL_NOT_FOUND)" },
    { "a wrong method", 405, NULL, "{\"errorCode\": \"METHOD_NOT_ALLOWED\"}", SB_REJECT, 0, 0,
      "405 (METHOD_NOT_ALLOWED)" },
    { "too large", 413, NULL, "{\"errorCode\": \"RESOURCE_SIZE_EXCEEDED\"}", SB_REJECT, 0, 0,
      "413 (RESOURCE_SIZE_EXCEEDED)" },
    { "a wrong type", 415, NULL, "", SB_REJECT, 0, 0, "415 (no error code)" },
    { "an extra parameter", 422, NULL,
      "{\"errorCode\": \"UNPROCESSABLE_ENTITY\", \"message\": \"Extra query parameter 'sortOrder' is present "
      "in the input.\"}",
      SB_REJECT, 0, 0, "UNPROCESSABLE_ENTITY: Extra query parameter 'sortOrder' is present in the input." },
    { "422 without anything", 422, NULL, "{}", SB_REJECT, 0, 0, "no error code: no reason given" },
    { "a good status with a page", 200, NULL, "<html>", SB_RETRY, 0, 0,
      "the answer with status 200 is not what Zoho Desk documents" },
    { "a redirect", 302, NULL, "", SB_REJECT, 0, 0, "Zoho Desk answered 302" },
};

static void refusals_say_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        KIT_ROW(refusals[i].name);
        struct harness *h = kit_new(NULL, KIT_NEW);
        const struct harness_result *r =
            harness_fold(h, "find_contact_phone", refusals[i].status, refusals[i].headers, refusals[i].body);
        assert_int_equal(r->verdict, refusals[i].verdict);
        assert_int_equal(r->delay_ms, refusals[i].delay_ms);
        assert_int_equal(r->suspend_ms, refusals[i].suspend_ms);
        if (!strstr(r->reason, refusals[i].reason))
            fail_msg("no '%s' in: %s", refusals[i].reason, r->reason);
        assert_null(strstr(r->reason, "5550100001"));
        harness_free(h);
    }
}

/* ---- the whole way ------------------------------------------------------------------------------------- */

#define NEW_CONTACT                                                                                          \
    "{\"id\": \"5000001000000301001\", \"lastName\": \"Caller +915550100001\", \"phone\": "                  \
    "\"+915550100001\", \"mobile\": null}"
#define NEW_TICKET                                                                                           \
    "{\"id\": \"5000001000000201001\", \"ticketNumber\": \"103\", \"webUrl\": "                              \
    "\"https://desk.zoho.com/t/103\", \"cf\": {}}"

static const struct harness_answer new_caller[] = {
    { "GET", "/contacts/search?", 204, NULL, "", 0 },
    { "POST", "/api/v1/contacts", 200, NULL, NEW_CONTACT, 1 },
    { "POST", "/comments", 200, NULL, "{\"id\": \"5000001000000401001\"}", 1 },
    { "POST", "/api/v1/tickets", 200, NULL, NEW_TICKET, 1 },
    { .status = 0 },
};

static void a_new_caller_gets_contact_ticket_and_note(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, KIT_NEW);
    harness_answers(h, new_caller);
    const struct harness_result *r = harness_run(h);
    assert_in_range(r->verdict, SB_OK, SB_SKIP);
    assert_string_equal(harness_text(r->record, "ticket.number"), "103");
    assert_string_equal(harness_text(r->record, "contact.id"), "5000001000000301001");
    assert_int_equal(harness_int(r->record, "notes.parts"), 1);
    assert_int_equal(json_array_size(harness_requests(h)), 7);
    harness_free(h);
}

static void a_known_caller_costs_two_requests(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, KIT_NEW);
    harness_set_key_doc(
        h, "{\"contact\": {\"id\": \"5000001000000301001\", \"org_id\": \"600000001\", \"checked_ms\": "
           "1773133000000}}");
    harness_answers(h, new_caller);
    assert_in_range(harness_run(h)->verdict, SB_OK, SB_SKIP);
    assert_int_equal(json_array_size(harness_requests(h)), 2);
    harness_free(h);
}

/* Everything is done but the note: its transcription came late. */
static void a_late_transcription_only_adds_the_note(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, "{" KIT_CALL "}");
    harness_answers(h, new_caller);
    const struct harness_result *r = harness_run(h);
    assert_int_equal(r->verdict, SB_SKIP);
    assert_int_equal(json_array_size(harness_requests(h)), 6);

    json_t *record = json_deep_copy(r->record);
    json_t *late = json_loads("{" KIT_TRANSCRIPT "}", 0, NULL);
    assert_int_equal(json_object_update(record, late), 0);
    char *text = json_dumps(record, 0);
    harness_set_record(h, text);
    r = harness_run(h);
    assert_in_range(r->verdict, SB_OK, SB_SKIP);
    assert_int_equal(json_array_size(harness_requests(h)), 7);
    assert_non_null(strstr(harness_text(json_array_get(harness_requests(h), 6), "url"), "/comments"));
    r = harness_run(h);
    assert_int_equal(json_array_size(harness_requests(h)), 7);
    free(text);
    json_decref(late);
    json_decref(record);
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_options_are_refused_with_what_is_right),
        cmocka_unit_test(calls_that_will_find_no_contact_are_announced),
        cmocka_unit_test(tokens_come_from_the_same_data_centre),
        cmocka_unit_test(a_base_with_the_api_path_is_the_same),
        cmocka_unit_test(requests_carry_the_token_and_no_secret),
        cmocka_unit_test(refusals_say_what_to_do),
        cmocka_unit_test(a_new_caller_gets_contact_ticket_and_note),
        cmocka_unit_test(a_known_caller_costs_two_requests),
        cmocka_unit_test(a_late_transcription_only_adds_the_note),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
