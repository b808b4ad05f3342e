/* A contact for the user of an escalation: under the lock of the number, made once, found again by the ids on it. */
#include "plugins/zoho_desk_user_kit.h"

/* ---- under the number's lock ---- */

#define LOCKED ", \"matching\": {\"lock\": \"phone:5550100001\"}"
#define OF_CALLS                                                                                             \
    "{\"contact\": {\"id\": \"" A "\", \"org_id\": \"600000001\", \"checked_ms\": 1773133000000}}"

static void the_contact_of_calls_is_read_and_compared(void **state)
{
    (void)state;
    struct harness *h = kit_new(KIT_FIELD, RECORD(KIT_FULL_USER, LOCKED));
    harness_set_key_doc(h, OF_CALLS);
    const struct harness_result *r = harness_build(h, "check_contact");
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->request, "url"), "https://desk.zoho.com/api/v1/contacts/" A);
    r = harness_fold(h, "check_contact", 200, NULL, P(A, "null", "\"05550100001\"", "\"u-2\"", "null"));
    assert_int_equal(r->verdict, SB_OK);
    assert_null(json_object_get(r->record, "contact"));
    r = harness_fold(h, "check_contact", 200, NULL, P(A, "null", "\"05550100001\"", "null", "null"));
    assert_string_equal(harness_text(r->record, "contact.id"), A);
    assert_string_equal(harness_text(r->key_doc, "users.u-1.id"), A);
    harness_free(h);
}

static void a_new_contact_is_there_for_calls_and_for_the_users_next(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, RECORD(KIT_FULL_USER, LOCKED));
    const struct harness_result *r =
        harness_fold(h, "create_contact", 200, NULL, P(A, MINE, "\"+915550100001\"", "null", "null"));
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->key_doc, "contact.id"), A);
    assert_string_equal(harness_text(r->key_doc, "users.u-1.id"), A);

    json_t *doc = json_deep_copy(r->key_doc);
    char *text = json_dumps(doc, 0);
    struct harness *next = kit_new(NULL, RECORD(KIT_USER(""), LOCKED));
    harness_set_key_doc(next, text);
    r = harness_build(next, "check_contact");
    assert_int_equal(r->verdict, SB_OK);
    r = harness_fold(next, "check_contact", 200, NULL, P(A, MINE, "null", "\"u-2\"", "null"));
    assert_string_equal(harness_text(r->record, "contact.id"), A);
    free(text);
    json_decref(doc);
    harness_free(next);
    harness_free(h);
}

static void the_key_remembers_a_limited_number_of_users(void **state)
{
    (void)state;
    char doc[4000] = "{\"users\": {";
    for (int i = 0; i < 16; i++) {
        char one[200];
        (void)snprintf(one, sizeof(one), "%s\"v-%d\": {\"id\": \"%d\", \"org_id\": \"600000001\"}",
                       i ? ", " : "", i, i + 1);
        memcpy(doc + strlen(doc), one, strlen(one) + 1);
    }
    memcpy(doc + strlen(doc), "}}", 3);
    struct harness *h = kit_new(NULL, RECORD(KIT_FULL_USER, LOCKED));
    harness_set_key_doc(h, doc);
    const struct harness_result *r =
        harness_fold(h, "create_contact", 200, NULL, P(A, MINE, "\"+915550100001\"", "null", "null"));
    const json_t *users = harness_at(r->key_doc, "users");
    assert_int_equal(json_object_size(users), 16);
    assert_null(json_object_get(users, "v-0"));
    assert_non_null(json_object_get(users, "v-1"));
    assert_non_null(json_object_get(users, "u-1"));
    harness_free(h);
}

/* ---- a new one ---- */

static const struct {
    const char *name, *user, *options, *body;
} created[] = {
    { "a user with a name only", ", \"name\": \"  Asha   M. Rao \"", NULL,
      "{\"lastName\": \"Rao\", \"firstName\": \"Asha M.\", \"description\": \"User id: u-1\"}" },
    { "one word is a last name", ", \"name\": \"Asha\"", NULL,
      "{\"lastName\": \"Asha\", \"description\": \"User id: u-1\"}" },
    { "no name but an address", ", \"email\": \"a@example.com\"", NULL,
      "{\"lastName\": \"a@example.com\", \"email\": \"a@example.com\", \"description\": \"User id: u-1\"}" },
    { "only the id", "", KIT_FIELD,
      "{\"lastName\": \"User u-1\", \"description\": \"User id: u-1\", \"cf\": {\"cf_crm_id\": \"u-1\"}}" },
    { "signs of the search's own", ", \"name\": \"Asha *Rao$\"", NULL,
      "{\"lastName\": \"Rao\", \"firstName\": \"Asha\", \"description\": \"User id: u-1\"}" },
    { "a first name that is too long", ", \"name\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa Rao\"", NULL,
      "{\"lastName\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa Rao\", \"description\": \"User id: "
      "u-1\"}" },
};

static void a_new_contact_carries_the_ids(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(created) / sizeof(created[0]); i++) {
        KIT_ROW(created[i].name);
        char record[2500];
        (void)snprintf(record, sizeof(record), RECORD("\"user\": {\"id\": \"u-1\"%s}", ""), created[i].user);
        struct harness *h = kit_new(created[i].options, record);
        const struct harness_result *r = harness_build(h, "create_contact");
        assert_int_equal(r->verdict, SB_OK);
        harness_same(harness_at(r->request, "body"), created[i].body);
        harness_free(h);
    }
}

static const struct {
    const char *name, *item;
    bool is_ours;
} carried[] = {
    { "the ids in its description",
      "{\"id\": \"" A "\", \"description\": \"User id: u-1\\nCRM id: 7000001\"}", true },
    { "the id in the field", "{\"id\": \"" A "\", \"cf\": {\"cf_crm_id\": \"7000001\"}}", true },
    { "another's ids", "{\"id\": \"" A "\", \"description\": \"User id: u-10\"}", false },
    { "a name alone", "{\"id\": \"" A "\", \"lastName\": \"Rao\"}", false },
    { "trash",
      "{\"id\": \"" A "\", \"description\": \"User id: u-1\\nCRM id: 7000001\", \"isTrashed\": true}",
      false },
};

static void a_lost_answer_is_found_by_what_the_contact_carries(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(carried) / sizeof(carried[0]); i++) {
        KIT_ROW(carried[i].name);
        char body[600];
        (void)snprintf(body, sizeof(body), KIT_LIST("%s"), carried[i].item);
        struct harness *h = kit_new(KIT_FIELD, RECORD(KIT_FULL_USER, LOCKED));
        assert_int_equal(harness_build(h, "create_contact")->verdict, SB_OK);
        const struct harness_result *r = harness_reconcile_build(h, "create_contact");
        assert_non_null(strstr(harness_text(r->request, "url"), "lastName=Rao&sortBy=-createdTime"));
        r = harness_reconcile_fold(h, "create_contact", 200, NULL, body);
        assert_int_equal(r->verdict, carried[i].is_ours ? SB_OK : SB_AGAIN);
        if (carried[i].is_ours)
            assert_string_equal(harness_text(r->record, "contact.id"), A);
        harness_set_round(h, 1);
        r = harness_reconcile_build(h, "create_contact");
        assert_non_null(strstr(harness_text(r->request, "url"), "email=asha%40example.com"));
        assert_int_equal(harness_reconcile_fold(h, "create_contact", 204, NULL, "")->verdict, SB_SKIP);
        harness_free(h);
    }
}

static void a_duplicate_is_waited_for_everywhere(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, RECORD(KIT_FULL_USER, LOCKED));
    const struct harness_result *r =
        harness_fold(h, "create_contact", 422, NULL,
                     "{\"errorCode\": \"INVALID_DATA\", \"errors\": [{\"fieldName\": \"/email\", "
                     "\"errorType\": \"duplicate\"}]}");
    assert_int_equal(r->verdict, SB_SKIP);
    static const char *const asked[] = { "email=asha", "phone=%2A5550100001", "mobile=%2A5550100001" };
    for (uint32_t i = 0; i < 3; i++) {
        harness_set_round(h, i);
        r = harness_build(h, "await_contact");
        assert_int_equal(r->verdict, SB_OK);
        assert_non_null(strstr(harness_text(r->request, "url"), asked[i]));
        assert_int_equal(harness_fold(h, "await_contact", 204, NULL, "")->verdict, SB_AGAIN);
    }
    r = harness_fold(h, "await_contact", 200, NULL, KIT_LIST(P(A, MINE, "\"05550100001\"", "null", "null")));
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->record, "contact.id"), A);
    harness_free(h);
}

static void contacts_are_made_only_with_leave(void **state)
{
    (void)state;
    struct harness *h = kit_new("\"auto_create_contact\": false", FULL);
    assert_int_equal(harness_build(h, "create_contact")->verdict, SB_REJECT);
    harness_free(h);
    h = kit_new("\"auto_create_contact\": false, \"fallback_contact_id\": \"" C "\"", FULL);
    const struct harness_result *r = harness_build(h, "create_contact");
    assert_int_equal(r->verdict, SB_SKIP);
    assert_string_equal(harness_text(r->record, "contact.id"), C);
    harness_free(h);
    /* Nobody's own contact is learnt as somebody's. */
    h = kit_new("\"fallback_contact_id\": \"" C "\"",
                RECORD(KIT_FULL_USER, ", \"contact\": {\"id\": \"" C "\"}, \"ticket\": {\"id\": \"1\"}"));
    r = harness_build(h, "learn_contact");
    assert_int_equal(r->verdict, SB_SKIP);
    assert_null(json_object_get(r->key_doc, "contact"));
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_contact_of_calls_is_read_and_compared),
        cmocka_unit_test(a_new_contact_is_there_for_calls_and_for_the_users_next),
        cmocka_unit_test(the_key_remembers_a_limited_number_of_users),
        cmocka_unit_test(a_new_contact_carries_the_ids),
        cmocka_unit_test(a_lost_answer_is_found_by_what_the_contact_carries),
        cmocka_unit_test(a_duplicate_is_waited_for_everywhere),
        cmocka_unit_test(contacts_are_made_only_with_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
