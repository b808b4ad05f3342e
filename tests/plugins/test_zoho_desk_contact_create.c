/* A contact for a caller who has none: made once, found again after a lost answer, waited for when it exists already. */
#include "plugins/zoho_desk_kit.h"

#define LIST(items) "{\"data\": [" items "], \"count\": 1}"
#define OURS        KIT_CONTACT_JSON("5000001000000301001", "\"+915550100001\"", "null", "2026-03-01T09:00:00.000Z")

/* ---- created ------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *record, *more, *body;
} created[] = {
    { "by number", KIT_NEW, NULL, "{\"lastName\": \"Caller +915550100001\", \"phone\": \"+915550100001\"}" },
    { "by a short code", "{\"call\": {\"customer\": \"14455\"}}", NULL,
      "{\"lastName\": \"Caller 14455\", \"phone\": \"14455\"}" },
    { "by a SIP address", "{\"call\": {\"customer\": \"sip:asha@example.com\"}}", NULL,
      "{\"lastName\": \"Caller sip:asha@example.com\", \"phone\": \"sip:asha@example.com\"}" },
    { "without a number", "{\"call\": {}}", NULL, "{\"lastName\": \"Unknown caller\"}" },
    { "without a number, under another name", "{\"call\": {}}", "\"unknown_caller_name\": \"Withheld\"",
      "{\"lastName\": \"Withheld\"}" },
    { "by template", KIT_NEW, "\"contact_last_name\": \"{number} (phone)\"",
      "{\"lastName\": \"+915550100001 (phone)\", \"phone\": \"+915550100001\"}" },
    { "by a template without the number", KIT_NEW, "\"contact_last_name\": \"Customer\"",
      "{\"lastName\": \"Customer\", \"phone\": \"+915550100001\"}" },
    { "by the name that the source knows",
      "{\"call\": {\"customer\": \"05550100001\", \"customer_name\": \" Ravi\\n K \"}}", NULL,
      "{\"lastName\": \"Ravi K\", \"phone\": \"+915550100001\"}" },
};

static void a_new_contact_has_a_name_and_the_number(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(created) / sizeof(created[0]); i++) {
        KIT_ROW(created[i].name);
        struct harness *h = kit_new(created[i].more, created[i].record);
        const struct harness_result *r = harness_build(h, "create_contact");
        assert_int_equal(r->verdict, SB_OK);
        assert_string_equal(harness_text(r->request, "method"), "POST");
        assert_string_equal(harness_text(r->request, "url"), "https://desk.zoho.com/api/v1/contacts");
        harness_same(harness_at(r->request, "body"), created[i].body);
        assert_string_equal(harness_text(r->intent, "org_id"), "600000001");
        harness_free(h);
    }
}

static void the_new_contact_is_linked_and_remembered(void **state)
{
    (void)state;
    static const int good[] = { 200, 201 };
    for (size_t i = 0; i < 2; i++) {
        struct harness *h = kit_new(NULL, KIT_NEW);
        const struct harness_result *r = harness_fold(h, "create_contact", good[i], NULL, OURS);
        assert_int_equal(r->verdict, SB_OK);
        assert_string_equal(harness_text(r->record, "contact.id"), "5000001000000301001");
        assert_true(json_is_true(harness_at(r->record, "contact.created")));
        harness_same(
            harness_at(r->key_doc, "contact"),
            "{\"id\": \"5000001000000301001\", \"org_id\": \"600000001\", \"checked_ms\": 1773133200000}");
        harness_free(h);
    }
}

static void a_good_answer_without_an_id_is_uncertain(void **state)
{
    (void)state;
    static const char *const bodies[] = { "", "<html>", "{}", "{\"id\": 17}", "[]" };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct harness *h = kit_new(NULL, KIT_NEW);
        assert_int_equal(harness_fold(h, "create_contact", 200, NULL, bodies[i])->verdict, SB_RETRY);
        harness_free(h);
    }
}

static const struct {
    const char *name, *record, *more;
    enum sb_verdict verdict;
    const char *contact; /* NULL: none */
} fallbacks[] = {
    { "no leave and no other contact", KIT_NEW, "\"auto_create_contact\": false", SB_REJECT, NULL },
    { "no leave, but another contact", KIT_NEW,
      "\"auto_create_contact\": false, \"fallback_contact_id\": \"5000001000000309999\"", SB_SKIP,
      "5000001000000309999" },
    { "a withheld number goes there too", "{\"call\": {}}",
      "\"fallback_contact_id\": \"5000001000000309999\"", SB_SKIP, "5000001000000309999" },
    { "a known number does not", KIT_NEW, "\"fallback_contact_id\": \"5000001000000309999\"", SB_OK, NULL },
};

static void contacts_are_made_only_with_leave(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fallbacks) / sizeof(fallbacks[0]); i++) {
        KIT_ROW(fallbacks[i].name);
        struct harness *h = kit_new(fallbacks[i].more, fallbacks[i].record);
        const struct harness_result *r = harness_build(h, "create_contact");
        assert_int_equal(r->verdict, fallbacks[i].verdict);
        if (fallbacks[i].contact)
            assert_string_equal(harness_text(r->record, "contact.id"), fallbacks[i].contact);
        if (r->verdict == SB_REJECT)
            assert_string_equal(
                r->reason,
                "no contact in Zoho Desk has the caller's number, and auto_create_contact is off: add the "
                "contact and retry, set fallback_contact_id, or set auto_create_contact = true");
        harness_free(h);
    }
}

/* ---- found again --------------------------------------------------------------------------------------- */

static void a_lost_answer_is_looked_for_in_both_fields(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, KIT_NEW);
    assert_int_equal(harness_build(h, "create_contact")->verdict, SB_OK);

    const struct harness_result *r = harness_reconcile_build(h, "create_contact");
    assert_non_null(strstr(harness_text(r->request, "url"), "/contacts/search?phone=%2A5550100001&"));
    assert_int_equal(harness_reconcile_fold(h, "create_contact", 204, NULL, "")->verdict, SB_AGAIN);
    harness_set_round(h, 1);
    r = harness_reconcile_build(h, "create_contact");
    assert_non_null(strstr(harness_text(r->request, "url"), "/contacts/search?mobile=%2A5550100001&"));
    assert_int_equal(harness_reconcile_fold(h, "create_contact", 204, NULL, "")->verdict, SB_SKIP);
    r = harness_reconcile_fold(h, "create_contact", 200, NULL, LIST(OURS));
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->record, "contact.id"), "5000001000000301001");
    assert_string_equal(harness_text(r->key_doc, "contact.id"), "5000001000000301001");
    harness_free(h);
}

static void an_unknown_caller_is_looked_for_once(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, "{\"call\": {}}");
    assert_int_equal(harness_build(h, "create_contact")->verdict, SB_OK);
    const struct harness_result *r = harness_reconcile_build(h, "create_contact");
    assert_non_null(strstr(harness_text(r->request, "url"), "lastName=Unknown%20caller"));
    assert_int_equal(harness_reconcile_fold(h, "create_contact", 204, NULL, "")->verdict, SB_SKIP);
    r = harness_reconcile_fold(h, "create_contact", 200, NULL,
                               "{\"data\": [{\"id\": \"1\", \"lastName\": \"Unknown caller 2\"}, {\"id\": "
                               "\"2\", \"lastName\": \"Unknown caller\"}]}");
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->record, "contact.id"), "2");
    harness_free(h);
}

static void an_uncertain_look_decides_nothing(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
    } rows[] = { { 403, "{\"errorCode\": \"SCOPE_MISMATCH\"}" },
                 { 429, "{\"errorCode\": \"TOO_MANY_REQUESTS\"}" },
                 { 500, "{\"errorCode\": \"INTERNAL_SERVER_ERROR\"}" },
                 { 200, "<html>" },
                 { 422, "{\"errorCode\": \"UNPROCESSABLE_ENTITY\", \"message\": \"x\"}" } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct harness *h = kit_new(NULL, KIT_NEW);
        assert_int_equal(harness_build(h, "create_contact")->verdict, SB_OK);
        enum sb_verdict verdict =
            harness_reconcile_fold(h, "create_contact", rows[i].status, NULL, rows[i].body)->verdict;
        assert_true(verdict == SB_RETRY || verdict == SB_REJECT);
        harness_free(h);
    }
}

/* After a change of the configuration the look goes where the request went. */
static void the_look_uses_the_values_of_then(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, KIT_NEW);
    harness_set_intent(
        h, "{\"org_id\": \"600000009\", \"caller_kind\": 0, \"digits\": \"5550100777\", \"e164\": null}",
        INT64_C(1773133200000));
    const struct harness_result *r = harness_reconcile_build(h, "create_contact");
    assert_string_equal(harness_text(r->request, "headers.orgId"), "600000009");
    assert_non_null(strstr(harness_text(r->request, "url"), "5550100777"));
    harness_free(h);
}

/* ---- a number that must be unique ---------------------------------------------------------------------- */

static void a_duplicate_is_waited_for(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, KIT_NEW);
    const struct harness_result *r = harness_fold(
        h, "create_contact", 422, NULL,
        "{\"errorCode\": \"INVALID_DATA\", \"message\": \"x\", \"errors\": [{\"fieldName\": \"/phone\", "
        "\"errorType\": \"duplicate\", \"errorMessage\": \"\"}]}");
    assert_int_equal(r->verdict, SB_SKIP);
    assert_null(json_object_get(r->record, "contact"));

    assert_int_equal(harness_build(h, "await_contact")->verdict, SB_OK);
    r = harness_fold(h, "await_contact", 204, NULL, "");
    assert_int_equal(r->verdict, SB_AGAIN);
    assert_int_equal(r->delay_ms, 0);
    harness_set_round(h, 1);
    r = harness_fold(h, "await_contact", 204, NULL, "");
    assert_int_equal(r->verdict, SB_AGAIN);
    assert_int_equal(r->delay_ms, 5000);
    harness_set_round(h, 7);
    harness_set_age(h, 15 * 60 * 1000 + 1);
    assert_int_equal(harness_build(h, "await_contact")->verdict, SB_OK);
    r = harness_fold(h, "await_contact", 204, NULL, "");
    assert_int_equal(r->verdict, SB_REJECT);
    r = harness_fold(h, "await_contact", 200, NULL, LIST(OURS));
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->record, "contact.id"), "5000001000000301001");
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_contact_has_a_name_and_the_number),
        cmocka_unit_test(the_new_contact_is_linked_and_remembered),
        cmocka_unit_test(a_good_answer_without_an_id_is_uncertain),
        cmocka_unit_test(contacts_are_made_only_with_leave),
        cmocka_unit_test(a_lost_answer_is_looked_for_in_both_fields),
        cmocka_unit_test(an_unknown_caller_is_looked_for_once),
        cmocka_unit_test(an_uncertain_look_decides_nothing),
        cmocka_unit_test(the_look_uses_the_values_of_then),
        cmocka_unit_test(a_duplicate_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
