/* The contact of an escalation's user: each rule, what is compared, what is remembered, and which lock is held. */
#include "plugins/zoho_desk_user_kit.h"

#define MAPPED(crm, contact)                                                                                 \
    ", \"matching\": {\"mapped_crm_id\": " crm ", \"mapped_contact_id\": " contact "}"

/* ---- keys ---- */

static const struct {
    const char *name, *step, *record, *key;
} keys[] = {
    { "the mapping of a user", "read_mapping", FULL, "mapped:u-1" },
    { "the user", "recall_contact", FULL, "user:u-1" },
    { "a user with a ticket needs no contact", "recall_contact",
      RECORD(KIT_FULL_USER, ", \"ticket\": {\"id\": \"1\"}"), NULL },
    { "but learns then", "learn_contact", RECORD(KIT_FULL_USER, ", \"ticket\": {\"id\": \"1\"}"),
      "user:u-1" },
    { "what was chosen", "create_contact",
      RECORD(KIT_FULL_USER, ", \"matching\": {\"lock\": \"phone:5550100001\"}"), "phone:5550100001" },
    { "nothing was chosen", "create_contact", FULL, "user:u-1" },
    { "no lock for a contact that is known", "check_contact",
      RECORD(KIT_FULL_USER, ", \"contact\": {\"id\": \"" A "\"}"), NULL },
    { "calls have the number's", "check_contact", KIT_NEW, "phone:5550100001" },
};

static void each_span_has_its_lock(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        KIT_ROW(keys[i].name);
        struct harness *h = kit_new(NULL, keys[i].record);
        const char *key = harness_key(h, keys[i].step);
        if (keys[i].key)
            assert_string_equal(key, keys[i].key);
        else
            assert_null(key);
        harness_free(h);
    }
}

static void long_ids_have_locks_of_their_own(void **state)
{
    (void)state;
    char names[2][200];
    for (int i = 0; i < 2; i++) {
        char record[2000], id[400];
        memset(id, 'x', sizeof(id));
        id[300] = (char)('a' + i);
        id[301] = '\0';
        (void)snprintf(
            record, sizeof(record),
            "{\"escalation\": {\"id\": \"e\", \"agent\": \"a\", \"summary\": \"s\", \"received_at\": "
            "\"2026-03-10T09:00:00Z\", \"digest\": \"0\"}, \"user\": {\"id\": \"%s\"}}",
            id);
        struct harness *h = kit_new(NULL, record);
        assert_null(harness_key(h, "read_mapping"));
        const char *key = harness_key(h, "recall_contact");
        assert_in_range(strlen(key), 20, 120);
        (void)snprintf(names[i], sizeof(names[i]), "%s", key);
        harness_free(h);
    }
    assert_string_not_equal(names[0], names[1]);
}

/* ---- which lock ---- */

static const struct {
    const char *name, *record, *doc;
    const char *lock, *number; /* lock NULL: none is chosen */
} locks[] = {
    { "the number's, which calls hold too", FULL, "{}", "phone:5550100001", "+915550100001" },
    { "the user's own without a number", RECORD(KIT_USER(""), ""), "{}", "user:u-1", NULL },
    { "the one that an earlier escalation went to", RECORD(KIT_USER(""), ""),
      "{\"lock\": {\"name\": \"phone:5550100009\", \"number\": \"+915550100009\", \"at_ms\": 1773133199000}}",
      "phone:5550100009", "+915550100009" },
    { "also when the clock was put back since", RECORD(KIT_USER(""), ""),
      "{\"lock\": {\"name\": \"phone:5550100009\", \"number\": \"+915550100009\", \"at_ms\": 1773136800000}}",
      "phone:5550100009", "+915550100009" },
    { "not one of next month", FULL,
      "{\"lock\": {\"name\": \"phone:5550100009\", \"number\": \"+915550100009\", \"at_ms\": 1775733200000}}",
      "phone:5550100001", "+915550100001" },
    { "not one of last week", FULL,
      "{\"lock\": {\"name\": \"phone:5550100009\", \"number\": \"+915550100009\", \"at_ms\": 1772433199000}}",
      "phone:5550100001", "+915550100001" },
    { "none for a contact that is known", RECORD(KIT_FULL_USER, ", \"contact\": {\"id\": \"" A "\"}"), "{}",
      NULL, NULL },
};

static void escalations_of_one_user_go_to_one_lock(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++) {
        KIT_ROW(locks[i].name);
        struct harness *h = kit_new(NULL, locks[i].record);
        harness_set_key_doc(h, locks[i].doc);
        const struct harness_result *r = harness_build(h, "choose_lock");
        assert_int_equal(r->verdict, SB_SKIP);
        if (!locks[i].lock) {
            assert_null(json_object_get(r->record, "matching"));
            harness_free(h);
            continue;
        }
        assert_string_equal(harness_text(r->record, "matching.lock"), locks[i].lock);
        assert_string_equal(harness_text(r->key_doc, "lock.name"), locks[i].lock);
        const char *number = json_string_value(harness_at(r->record, "matching.number"));
        assert_true(locks[i].number ? number && strcmp(number, locks[i].number) == 0 : !number);
        harness_free(h);
    }
}

/* Who has no number of their own looks by the one that another escalation of theirs gave. */
static void the_number_of_another_escalation_serves_as_well(void **state)
{
    (void)state;
    struct harness *h =
        kit_new(NULL, RECORD(KIT_USER(""), ", \"matching\": {\"lock\": \"phone:5550100009\", \"number\": "
                                           "\"+915550100009\"}"));
    const struct harness_result *r = harness_build(h, "find_contact_phone");
    assert_int_equal(r->verdict, SB_OK);
    assert_non_null(strstr(harness_text(r->request, "url"), "phone=%2A5550100009"));
    harness_free(h);

    h = kit_new(NULL, RECORD(KIT_USER(""), ""));
    assert_int_equal(harness_build(h, "find_contact_phone")->verdict, SB_SKIP);
    assert_int_equal(harness_build(h, "find_contact_mobile")->verdict, SB_SKIP);
    harness_free(h);
}

/* ---- what was learnt ---- */

#define LEARNT(at, crm)                                                                                      \
    "{\"contact\": {\"id\": \"" A "\", \"org_id\": \"600000001\", \"checked_ms\": " at                       \
    ", \"by\": \"the e-mail address\", "                                                                     \
    "\"crm_id\": " crm ", \"mapped_crm_id\": null, \"mapped_contact_id\": null}}"

static const struct {
    const char *name, *record, *doc;
    bool is_linked; /* without a request */
} recalls[] = {
    { "fresh, and nothing new is said", RECORD(KIT_USER(""), ""), LEARNT("1773133000000", "null"), true },
    { "the same CRM id", FULL, LEARNT("1773133000000", "\"7000001\""), true },
    { "another CRM id", FULL, LEARNT("1773133000000", "\"7000009\""), false },
    { "a CRM id that is new", FULL, LEARNT("1773133000000", "null"), false },
    { "a mapping that is new", RECORD(KIT_USER(""), MAPPED("null", "\"" B "\"")),
      LEARNT("1773133000000", "null"), false },
    { "old", RECORD(KIT_USER(""), ""), LEARNT("1773100000000", "null"), false },
    { "found gone by this very record", RECORD(KIT_USER(""), ", \"matching\": {\"gone\": [\"" A "\"]}"),
      LEARNT("1773133000000", "null"), false },
    { "another organization's", RECORD(KIT_USER(""), ""),
      "{\"contact\": {\"id\": \"" A "\", \"org_id\": \"600000009\", \"checked_ms\": 1773133000000}}", false },
    { "nothing", FULL, "{}", false },
};

static void what_was_learnt_is_used_while_nothing_new_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(recalls) / sizeof(recalls[0]); i++) {
        KIT_ROW(recalls[i].name);
        struct harness *h = kit_new(NULL, recalls[i].record);
        harness_set_key_doc(h, recalls[i].doc);
        const struct harness_result *r = harness_build(h, "recall_contact");
        assert_int_equal(r->verdict, SB_SKIP);
        const char *id = json_string_value(json_object_get(json_object_get(r->record, "contact"), "id"));
        assert_true(recalls[i].is_linked ? id && strcmp(id, A) == 0 : !id);
        harness_free(h);
    }
}

static void a_record_on_its_second_way_starts_afresh(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, RECORD(KIT_FULL_USER, ", \"contact\": {\"id\": \"" A
                                                            "\"}, \"matching\": {\"candidates\": "
                                                            "[\"1\", \"2\"], \"lock\": \"phone:1\"}"));
    const struct harness_result *r = harness_build(h, "recall_contact");
    assert_int_equal(r->verdict, SB_SKIP);
    assert_null(json_object_get(r->record, "contact"));
    assert_null(json_object_get(harness_at(r->record, "matching"), "candidates"));
    assert_null(json_object_get(harness_at(r->record, "matching"), "lock"));
    harness_free(h);
}

/* ---- read before it is believed ---- */

static const struct {
    const char *name, *step, *record, *doc;
    int status;
    const char *body;
    const char *id;   /* linked; NULL: none */
    const char *gone; /* NULL: none */
} reads[] = {
    { "the id that was given is a contact's", "check_given_contact", FULL, "{}", 200,
      "{\"id\": \"7000001\", \"lastName\": \"Rao\"}", "7000001", NULL },
    { "the id that was given is of the CRM", "check_given_contact", FULL, "{}", 404,
      "{\"errorCode\": \"URL_NOT_FOUND\"}", NULL, "7000001" },
    { "trash", "check_given_contact", FULL, "{}", 200, "{\"id\": \"7000001\", \"isTrashed\": true}", NULL,
      "7000001" },
    { "merged into another", "check_given_contact", FULL, "{}", 200, "{\"id\": \"" B "\"}", B, NULL },
    { "the mapping file's", "check_mapped_contact", RECORD(KIT_USER(""), MAPPED("null", "\"" B "\"")), "{}",
      200, "{\"id\": \"" B "\"}", B, NULL },
    { "the mapping file's is gone", "check_mapped_contact", RECORD(KIT_USER(""), MAPPED("null", "\"" B "\"")),
      "{}", 404, "{\"errorCode\": \"URL_NOT_FOUND\"}", NULL, B },
    { "the learnt one", "check_learnt_contact", FULL, LEARNT("0", "null"), 200, "{\"id\": \"" A "\"}", A,
      NULL },
    { "the learnt one is gone", "check_learnt_contact", FULL, LEARNT("0", "null"), 200,
      "{\"id\": \"" A "\", \"isDeleted\": true}", NULL, A },
};

static void contacts_are_read_before_they_are_believed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
        KIT_ROW(reads[i].name);
        struct harness *h = kit_new(KIT_FIELD, reads[i].record);
        harness_set_key_doc(h, reads[i].doc);
        const struct harness_result *r = harness_fold(h, reads[i].step, reads[i].status, NULL, reads[i].body);
        assert_int_equal(r->verdict, SB_OK);
        const char *id = json_string_value(json_object_get(json_object_get(r->record, "contact"), "id"));
        assert_true(reads[i].id ? id && strcmp(id, reads[i].id) == 0 : !id);
        if (reads[i].gone)
            assert_string_equal(harness_text(r->record, "matching.gone.0"), reads[i].gone);
        harness_free(h);
    }
}

static void a_failed_read_decides_nothing(void **state)
{
    (void)state;
    static const char *const steps[] = { "check_given_contact", "find_crm_id", "find_email" };
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct harness *h = kit_new(KIT_FIELD, FULL);
        assert_int_equal(
            harness_fold(h, steps[i], 500, NULL, "{\"errorCode\": \"INTERNAL_SERVER_ERROR\"}")->verdict,
            SB_RETRY);
        harness_free(h);
    }
}

/* ---- searches ---- */

static const struct {
    const char *name, *step, *record, *options, *query; /* query NULL: no request */
} searches[] = {
    { "the CRM id in the custom field", "find_crm_id", FULL, KIT_FIELD, "customField1=cf_crm_id%3A7000001&" },
    { "not without the option", "find_crm_id", FULL, NULL, NULL },
    { "not an id with a wildcard", "find_crm_id", RECORD(KIT_USER(", \"crm_contact_id\": \"7*\""), ""),
      KIT_FIELD, NULL },
    { "the mapping file's CRM id", "find_mapped_crm_id", RECORD(KIT_FULL_USER, MAPPED("\"7000002\"", "null")),
      KIT_FIELD, "customField1=cf_crm_id%3A7000002&" },
    { "the same CRM id is not asked for twice", "find_mapped_crm_id",
      RECORD(KIT_FULL_USER, MAPPED("\"7000001\"", "null")), KIT_FIELD, NULL },
    { "the canonical id", "find_user_id", FULL, KIT_FIELD, "customField1=cf_crm_id%3Au-1&" },
    { "the e-mail address", "find_email", FULL, NULL, "email=asha%40example.com&" },
    { "an address that would ask for many", "find_email",
      RECORD(KIT_USER(", \"email\": \"a*@example.com\""), ""), NULL, NULL },
    { "two addresses", "find_email", RECORD(KIT_USER(", \"email\": \"a@example.com,b@example.com\""), ""),
      NULL, NULL },
    { "no address", "find_email", RECORD(KIT_USER(", \"email\": \"asha\""), ""), NULL, NULL },
};

static void searches_ask_for_one_person(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(searches) / sizeof(searches[0]); i++) {
        KIT_ROW(searches[i].name);
        struct harness *h = kit_new(searches[i].options, searches[i].record);
        const struct harness_result *r = harness_build(h, searches[i].step);
        assert_int_equal(r->verdict, searches[i].query ? SB_OK : SB_SKIP);
        if (searches[i].query && !strstr(harness_text(r->request, "url"), searches[i].query))
            fail_msg("no '%s' in %s", searches[i].query, harness_text(r->request, "url"));
        harness_free(h);
    }
}

static const struct {
    const char *name, *step, *items;
    const char *id; /* NULL: none */
    size_t candidates;
} finds[] = {
    { "exactly the field", "find_crm_id",
      P(A, "null", "null", "\"70000012\"", "null") ", " P(B, "null", "null", "\"7000001\"", "null"), B, 0 },
    { "a field that two carry", "find_crm_id",
      P(B, "null", "null", "\"7000001\"", "null") ", " P(A, "null", "null", "\"7000001\"", "null"), A, 2 },
    { "the address, whatever the case", "find_email", P(A, "\"ASHA@Example.com\"", "null", "null", "null"), A,
      0 },
    { "a look-alike is none", "find_email", P(A, "\"asha@example.com.au\"", "null", "null", "null"), NULL,
      0 },
    { "the number decides between two, who stay candidates", "find_email",
      P(A, MINE, "null", "null", "null") ", " P(B, MINE, "\"05550100001\"", "null", "null"), B, 2 },
    { "the CRM link is certain", "find_email",
      P(A, MINE, "\"05550100001\"", "null", "null") ", " P(B, MINE, "null", "null",
                                                           "{\"id\": 7000001, \"type\": \"contacts\"}"),
      B, 0 },
    { "another CRM contact is another person", "find_email",
      P(A, MINE, "null", "null", "{\"id\": \"7000009\"}"), NULL, 0 },
    { "another id in the field is another person", "find_email", P(A, MINE, "null", "\"u-2\"", "null"), NULL,
      0 },
    { "one that was made for another user", "find_email",
      "{\"id\": \"" A "\", \"email\": " MINE ", \"description\": \"User id: u-10\"}", NULL, 0 },
    { "one that was made for this user", "find_email",
      "{\"id\": \"" A "\", \"email\": " MINE ", \"description\": \"User id: u-1\\nCRM id: 9\"}", A, 0 },
    { "the user's own id in the field", "find_email", P(A, MINE, "null", "\"u-1\"", "null"), A, 0 },
    { "the number", "find_contact_phone", P(C, "null", "\"0555 010 0001\"", "null", "null"), C, 0 },
    { "the number of another user", "find_contact_phone", P(C, "null", "\"05550100001\"", "\"u-2\"", "null"),
      NULL, 0 },
    { "the number that two have", "find_contact_phone",
      P(B, "null", "\"05550100001\"", "null", "null") ", " P(C, "null", "\"+915550100001\"", "null", "null"),
      B, 2 },
};

static void what_is_found_is_compared(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
        KIT_ROW(finds[i].name);
        char body[2000];
        (void)snprintf(body, sizeof(body), KIT_LIST("%s"), finds[i].items);
        struct harness *h = kit_new(KIT_FIELD, FULL);
        const struct harness_result *r = harness_fold(h, finds[i].step, 200, NULL, body);
        assert_int_equal(r->verdict, SB_OK);
        const char *id = json_string_value(json_object_get(json_object_get(r->record, "contact"), "id"));
        if (finds[i].id ? !id || strcmp(id, finds[i].id) != 0 : id != NULL)
            fail_msg("contact %s instead of %s", id ? id : "none", finds[i].id ? finds[i].id : "none");
        const json_t *matching = json_object_get(r->record, "matching");
        assert_int_equal(json_array_size(json_object_get(matching, "candidates")), finds[i].candidates);
        harness_free(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_span_has_its_lock),
        cmocka_unit_test(long_ids_have_locks_of_their_own),
        cmocka_unit_test(escalations_of_one_user_go_to_one_lock),
        cmocka_unit_test(the_number_of_another_escalation_serves_as_well),
        cmocka_unit_test(what_was_learnt_is_used_while_nothing_new_is_said),
        cmocka_unit_test(a_record_on_its_second_way_starts_afresh),
        cmocka_unit_test(contacts_are_read_before_they_are_believed),
        cmocka_unit_test(a_failed_read_decides_nothing),
        cmocka_unit_test(searches_ask_for_one_person),
        cmocka_unit_test(what_is_found_is_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
