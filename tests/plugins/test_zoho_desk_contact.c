/* The contact of the caller: locked by what tells callers apart, remembered, found by digits. */
#include "plugins/zoho_desk_kit.h"

#define LIST(items) "{\"data\": [" items "], \"count\": 1}"
#define OURS        KIT_CONTACT_JSON("5000001000000301001", "\"+915550100001\"", "null", "2026-03-01T09:00:00.000Z")

/* ---- keys ---------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *record, *key;
} keys[] = {
    { "the last ten digits",
      "{\"call\": {\"customer\": \"05550100001\", \"customer_e164\": \"+915550100001\"}}",
      "phone:5550100001" },
    { "however it is written", "{\"call\": {\"customer\": \"+91 555-010-0001\"}}", "phone:5550100001" },
    { "a short code by all its digits", "{\"call\": {\"customer\": \"14455\"}}", "phone:14455" },
    { "a SIP address by its text", "{\"call\": {\"customer\": \"sip:asha@example.com\"}}",
      "id:sip:asha@example.com" },
    { "nothing", "{\"call\": {\"customer\": null}}", "caller:unknown" },
    { "no call", "{}", "caller:unknown" },
    { "a word for a withheld number", "{\"call\": {\"customer\": \"Anonymous\"}}", "caller:unknown" },
    { "the same as a SIP address", "{\"call\": {\"customer\": \"sip:anonymous@example.com\"}}",
      "caller:unknown" },
    { "zeros", "{\"call\": {\"customer\": \"0000000000\"}}", "caller:unknown" },
    { "one digit", "{\"call\": {\"customer\": \"1\"}}", "caller:unknown" },
    { "signs that mean something in a search", "{\"call\": {\"customer\": \"${notempty}\"}}",
      "caller:unknown" },
    { "a wildcard", "{\"call\": {\"customer\": \"sip:*\"}}", "caller:unknown" },
    { "a list", "{\"call\": {\"customer\": \"sip:a,sip:b\"}}", "caller:unknown" },
    { "no lock once there is a ticket",
      "{\"call\": {\"customer\": \"05550100001\"}, \"ticket\": {\"id\": \"5000001000000201001\"}}", NULL },
};

static void callers_are_locked_by_what_tells_them_apart(void **state)
{
    (void)state;
    static const char *const steps[] = { "check_contact", "find_contact_phone", "create_contact",
                                         "await_contact" };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        KIT_ROW(keys[i].name);
        struct harness *h = kit_new(NULL, keys[i].record);
        for (size_t j = 0; j < sizeof(steps) / sizeof(steps[0]); j++) {
            const char *key = harness_key(h, steps[j]);
            if (keys[i].key)
                assert_string_equal(key, keys[i].key);
            else
                assert_null(key);
        }
        harness_free(h);
    }
}

/* From check_contact to await_contact: two calls of one caller must not both find nothing. */
static void the_contact_steps_share_one_lock(void **state)
{
    (void)state;
    const struct sb_step *step = zoho_desk_plugin.steps;
    while (strcmp(step->name, "check_contact") != 0)
        step++;
    const char *(*key)(struct sb_exchange *) = step->key;
    assert_non_null(key);
    assert_ptr_not_equal(step[-1].key, key);
    size_t count = 0;
    for (; step->key == key; step++)
        count++;
    assert_int_equal(count, 7);
    assert_string_equal(step[-1].name, "await_contact");
    /* And once more, as a span of its own, for a call whose contact is refused. */
    for (; step->key != key; step++)
        assert_non_null(step->name);
    assert_string_equal(step->name, "check_contact_anew");
    for (; step->key == key; step++)
        count++;
    assert_int_equal(count, 14);
    for (; step->name; step++)
        assert_ptr_not_equal(step->key, key);
}

/* ---- remembered ---------------------------------------------------------------------------------------- */

#define KNOWN(at)                                                                                            \
    "{\"contact\": {\"id\": \"5000001000000301001\", \"org_id\": \"600000001\", \"checked_ms\": " at "}}"

static void a_remembered_contact_needs_no_request(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, KIT_NEW);
    harness_set_key_doc(h, KNOWN("1773133000000"));
    const struct harness_result *r = harness_build(h, "check_contact");
    assert_int_equal(r->verdict, SB_SKIP);
    assert_string_equal(harness_text(r->record, "contact.id"), "5000001000000301001");
    static const char *const later[] = { "find_contact_phone",  "find_contact_mobile", "find_written_phone",
                                         "find_written_mobile", "create_contact",      "await_contact" };
    for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
        assert_int_equal(harness_build(h, later[i])->verdict, SB_SKIP);
    harness_free(h);
}

static const struct {
    const char *name, *key_doc, *record, *more;
    bool asks;
} checked[] = {
    { "checked long ago", KNOWN("1773100000000"), KIT_NEW, NULL, true },
    { "always, when the option says so", KNOWN("1773133199999"), KIT_NEW, "\"contact_check\": \"0ms\"",
      true },
    { "after a ticket was refused", KNOWN("1773133199999"), "{" KIT_CALL ", " KIT_CONTACT "}", NULL, true },
    { "in the future after a clock change", KNOWN("1893456000000"), KIT_NEW, NULL, true },
    { "of another organization",
      "{\"contact\": {\"id\": \"5000001000000301001\", \"org_id\": \"600000009\", \"checked_ms\": "
      "1773133199999}}",
      KIT_NEW, NULL, false },
    { "nothing remembered", "{}", KIT_NEW, NULL, false },
};

static void doubtful_contacts_are_read_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(checked) / sizeof(checked[0]); i++) {
        KIT_ROW(checked[i].name);
        struct harness *h = kit_new(checked[i].more, checked[i].record);
        harness_set_key_doc(h, checked[i].key_doc);
        const struct harness_result *r = harness_build(h, "check_contact");
        assert_int_equal(r->verdict, checked[i].asks ? SB_OK : SB_SKIP);
        if (checked[i].asks) {
            assert_string_equal(harness_text(r->request, "method"), "GET");
            assert_string_equal(harness_text(r->request, "url"),
                                "https://desk.zoho.com/api/v1/contacts/5000001000000301001");
            assert_string_equal(harness_text(r->request, "headers.orgId"), "600000001");
        } else {
            assert_null(json_object_get(r->record, "contact"));
        }
        harness_free(h);
    }
}

static const struct {
    const char *name;
    int status;
    const char *body;
    bool stays;
} answers_of_check[] = {
    { "still there", 200, OURS, true },
    { "deleted for good", 404, "{\"errorCode\": \"URL_NOT_FOUND\", \"message\": \"x\"}", false },
    { "in the trash", 200,
      "{\"id\": \"5000001000000301001\", \"phone\": \"+915550100001\", \"mobile\": null, \"isTrashed\": "
      "true}",
      false },
    { "another number by now", 200,
      "{\"id\": \"5000001000000301001\", \"phone\": \"+915550100002\", \"mobile\": null, \"isTrashed\": "
      "false}",
      false },
};

static void a_contact_that_is_gone_is_forgotten(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(answers_of_check) / sizeof(answers_of_check[0]); i++) {
        KIT_ROW(answers_of_check[i].name);
        struct harness *h = kit_new(NULL, KIT_NEW);
        harness_set_key_doc(h, KNOWN("0"));
        const struct harness_result *r =
            harness_fold(h, "check_contact", answers_of_check[i].status, NULL, answers_of_check[i].body);
        assert_int_equal(r->verdict, SB_OK);
        if (answers_of_check[i].stays) {
            assert_string_equal(harness_text(r->record, "contact.id"), "5000001000000301001");
            assert_int_equal(harness_int(r->key_doc, "contact.checked_ms"), INT64_C(1773133200000));
        } else {
            assert_null(json_object_get(r->record, "contact"));
            assert_null(json_object_get(r->key_doc, "contact"));
            assert_int_equal(harness_build(h, "find_contact_phone")->verdict, SB_OK);
        }
        harness_free(h);
    }
}

/* ---- searched ------------------------------------------------------------------------------------------ */

static const struct {
    const char *name, *step, *record, *more;
    const char *query; /* NULL: skipped */
} searches[] = {
    { "phone by digits", "find_contact_phone", KIT_NEW, NULL,
      "phone=%2A5550100001&sortBy=createdTime&limit=100&from=0" },
    { "mobile by digits", "find_contact_mobile", KIT_NEW, NULL,
      "mobile=%2A5550100001&sortBy=createdTime&limit=100&from=0" },
    { "phone by its end", "find_written_phone", KIT_NEW, NULL,
      "phone=%2A0001&sortBy=createdTime&limit=100&from=0" },
    { "mobile by its end", "find_written_mobile", KIT_NEW, NULL,
      "mobile=%2A0001&sortBy=createdTime&limit=100&from=0" },
    { "not by its end when that is off", "find_written_phone", KIT_NEW, "\"search_written\": false", NULL },
    { "a short code has no end", "find_written_phone", "{\"call\": {\"customer\": \"14455\"}}", NULL, NULL },
    { "a SIP address as it is", "find_contact_phone", "{\"call\": {\"customer\": \"sip:a+b@example.com\"}}",
      NULL, "phone=sip%3Aa%2Bb%40example.com&sortBy=createdTime&limit=100&from=0" },
    { "an unknown caller by name", "find_contact_phone", "{\"call\": {}}", NULL,
      "lastName=Unknown%20caller&sortBy=createdTime&limit=100&from=0" },
    { "an unknown caller once", "find_contact_mobile", "{\"call\": {}}", NULL, NULL },
    { "not at all with a contact for them", "find_contact_phone", "{\"call\": {}}",
      "\"fallback_contact_id\": \"5000001000000309999\"", NULL },
    { "not when the contact is known", "find_contact_phone", "{" KIT_CALL ", " KIT_CONTACT "}", NULL, NULL },
    { "not when there is a ticket", "find_contact_phone",
      "{" KIT_CALL ", \"ticket\": {\"id\": \"5000001000000201001\"}}", NULL, NULL },
};

static void searches_ask_for_the_number(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(searches) / sizeof(searches[0]); i++) {
        KIT_ROW(searches[i].name);
        struct harness *h = kit_new(searches[i].more, searches[i].record);
        const struct harness_result *r = harness_build(h, searches[i].step);
        assert_int_equal(r->verdict, searches[i].query ? SB_OK : SB_SKIP);
        if (searches[i].query) {
            const char *url = harness_text(r->request, "url");
            assert_non_null(strstr(url, "https://desk.zoho.com/api/v1/contacts/search?"));
            assert_string_equal(strchr(url, '?') + 1, searches[i].query);
        }
        harness_free(h);
    }
}

static const struct {
    const char *name, *body;
    const char *id;   /* NULL: none of them */
    const char *note; /* NULL: none */
} found[] = {
    { "the number in full", LIST(OURS), "5000001000000301001", NULL },
    { "with the trunk zero",
      LIST(KIT_CONTACT_JSON("5000001000000301002", "\"05550100001\"", "null", "2026-03-01T09:00:00.000Z")),
      "5000001000000301002", NULL },
    { "with spaces and dashes, as a mobile",
      LIST(KIT_CONTACT_JSON("5000001000000301003", "null", "\"+91 555-010 0001\"",
                            "2026-03-01T09:00:00.000Z")),
      "5000001000000301003", NULL },
    { "more digits in front are another number, unless they are a code",
      LIST(KIT_CONTACT_JSON("5000001000000301004", "\"0015550100001\"", "null", "2026-03-01T09:00:00.000Z")),
      "5000001000000301004", NULL },
    { "the same digits of a real number abroad are somebody else",
      LIST(KIT_CONTACT_JSON("5000001000000301005", "\"+44 5550100001\"", "null", "2026-03-01T09:00:00.000Z")),
      NULL, NULL },
    { "another number that ends alike",
      LIST(KIT_CONTACT_JSON("5000001000000301006", "\"+915550110001\"", "null", "2026-03-01T09:00:00.000Z")),
      NULL, NULL },
    { "trash is not used",
      "{\"data\": [{\"id\": \"5000001000000301007\", \"phone\": \"+915550100001\", \"isTrashed\": true}]}",
      NULL, NULL },
    { "full before tail, though younger",
      LIST(KIT_CONTACT_JSON("5000001000000301008", "\"0005550100001\"", "null",
                            "2020-03-01T09:00:00.000Z") "," OURS),
      "5000001000000301001", "2 contacts fit the caller; contact 5000001000000301001 is linked" },
    { "the oldest of equals",
      LIST(KIT_CONTACT_JSON("5000001000000301010", "\"+915550100001\"", "null",
                            "2026-03-02T09:00:00.000Z") "," KIT_CONTACT_JSON("5000001000000301020",
                                                                             "\"+915550100001\"", "null",
                                                                             "2026-03-01T09:00:00.000Z")),
      "5000001000000301020", "2 contacts fit" },
    { "the smallest id of the same age, by value",
      LIST(KIT_CONTACT_JSON("5000001000000301010", "\"+915550100001\"", "null",
                            "2026-03-01T09:00:00.000Z") "," KIT_CONTACT_JSON("999", "\"+915550100001\"",
                                                                             "null",
                                                                             "2026-03-01T09:00:00.000Z")),
      "999", "2 contacts fit" },
    { "an item without an id is none", "{\"data\": [{\"phone\": \"+915550100001\"}]}", NULL, NULL },
    { "an empty list", "{\"data\": []}", NULL, NULL },
};

static void contacts_are_compared_digit_by_digit(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
        KIT_ROW(found[i].name);
        struct harness *h = kit_new(NULL, KIT_NEW);
        const struct harness_result *r = harness_fold(h, "find_contact_phone", 200, NULL, found[i].body);
        assert_int_equal(r->verdict, SB_OK);
        if (found[i].id) {
            assert_string_equal(harness_text(r->record, "contact.id"), found[i].id);
            assert_false(json_is_true(harness_at(r->record, "contact.created")));
            assert_string_equal(harness_text(r->key_doc, "contact.id"), found[i].id);
            assert_string_equal(harness_text(r->key_doc, "contact.org_id"), "600000001");
        } else {
            assert_null(json_object_get(r->record, "contact"));
        }
        if (found[i].note)
            assert_true(kit_has_note(r, found[i].note));
        else
            assert_int_equal(json_array_size(r->notes), 0);
        harness_free(h);
    }
}

static void nothing_found_is_no_error(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, KIT_NEW);
    const struct harness_result *r = harness_fold(h, "find_contact_phone", 204, NULL, "");
    assert_int_equal(r->verdict, SB_OK);
    assert_null(json_object_get(r->record, "contact"));
    harness_free(h);
}

/* A page of `count` contacts with other numbers. */
static char *full_page(size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        char id[32];
        (void)snprintf(id, sizeof(id), "6%017zu", i);
        json_array_append_new(list, json_pack("{s:s, s:s}", "id", id, "phone", "+915550170001"));
    }
    json_t *page = json_pack("{s:o}", "data", list);
    char *text = json_dumps(page, 0);
    json_decref(page);
    assert_non_null(text);
    return text;
}

static void a_full_page_is_followed_by_the_next(void **state)
{
    (void)state;
    char *page = full_page(100);
    struct harness *h = kit_new(NULL, KIT_NEW);
    assert_int_equal(harness_fold(h, "find_written_phone", 200, NULL, page)->verdict, SB_AGAIN);
    harness_set_round(h, 1);
    const struct harness_result *r = harness_build(h, "find_written_phone");
    assert_non_null(strstr(harness_text(r->request, "url"), "&from=100"));
    harness_set_round(h, 9);
    assert_int_equal(harness_build(h, "find_written_phone")->verdict, SB_OK);
    assert_int_equal(harness_fold(h, "find_written_phone", 200, NULL, page)->verdict, SB_OK);
    harness_free(h);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callers_are_locked_by_what_tells_them_apart),
        cmocka_unit_test(the_contact_steps_share_one_lock),
        cmocka_unit_test(a_remembered_contact_needs_no_request),
        cmocka_unit_test(doubtful_contacts_are_read_again),
        cmocka_unit_test(a_contact_that_is_gone_is_forgotten),
        cmocka_unit_test(searches_ask_for_the_number),
        cmocka_unit_test(contacts_are_compared_digit_by_digit),
        cmocka_unit_test(nothing_found_is_no_error),
        cmocka_unit_test(a_full_page_is_followed_by_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
