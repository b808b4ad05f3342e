/* A call whose contact is refused for the ticket: another contact is found or made, and the ticket sent once more. */
#include "plugins/zoho_desk_kit.h"

#define REFUSED "5000001000000301001"
#define OTHER   "5000001000000301002"
#define THIRD   "5000001000000301003"

#define LIST(items)      "{\"data\": [" items "], \"count\": 1}"
#define PERSON(id, time) KIT_CONTACT_JSON(id, "\"+915550100001\"", "null", time)
#define OLD              PERSON(REFUSED, "2026-03-01T09:00:00.000Z")
#define YOUNG            PERSON(OTHER, "2026-03-02T09:00:00.000Z")
#define KNOWN(id)                                                                                            \
    "{\"contact\": {\"id\": \"" id "\", \"org_id\": \"600000001\", \"checked_ms\": 1773133000000}}"
#define BLAMED                                                                                               \
    "{\"errorCode\": \"INVALID_DATA\", \"errors\": [{\"fieldName\": \"/contactId\", \"errorType\": "         \
    "\"invalid\"}]}"
#define TICKET                                                                                               \
    "{\"id\": \"5000001000000201001\", \"ticketNumber\": \"103\", \"webUrl\": "                              \
    "\"https://desk.zoho.com/t/103\", \"cf\": {}}"

/* The records between the refusal and the second try: of a caller, and of one who withheld the number. */
#define LEFT    "\"matching\": {\"refused\": \"" REFUSED "\", \"gone\": [\"" REFUSED "\"]}"
#define WAITING "{" KIT_CALL ", " KIT_TRANSCRIPT ", " KIT_MAPPED_TICKET ", " LEFT "}"

/* ---- the whole way ------------------------------------------------------------------------------------- */

#define REFUSAL                                                                                              \
    {                                                                                                        \
        "POST", "/api/v1/tickets", 422, NULL, BLAMED, 1                                                      \
    }
#define REST(contact)                                                                                        \
    { "POST", "/api/v1/contacts", 200, NULL, contact, 1 },                                                   \
        { "POST", "/comments", 200, NULL, "{\"id\": \"5000001000000401001\"}", 1 },                          \
        { "POST", "/api/v1/tickets", 200, NULL, TICKET, 1 },                                                 \
    {                                                                                                        \
        .status = 0                                                                                          \
    }

static const struct harness_answer nobody_else[] = {
    REFUSAL,
    { "GET", "/contacts/search?", 204, NULL, "", 0 },
    REST(YOUNG),
};
static const struct harness_answer another_by_hand[] = {
    REFUSAL,
    { "GET", "/contacts/search?phone", 200, NULL, LIST(OLD "," YOUNG), 0 },
    REST(YOUNG),
};
/* The index is late, or the contact is there and belongs to another department. */
static const struct harness_answer only_the_refused_one[] = {
    REFUSAL,
    { "GET", "/contacts/search?", 200, NULL, LIST(OLD), 0 },
    REST(YOUNG),
};

static const struct {
    const char *name;
    const struct harness_answer *answers;
    size_t requests;
    bool is_made;
} ways[] = {
    { "a contact is made", nobody_else, 8, true },
    { "another one has the number", another_by_hand, 4, false },
    { "the refused one is not taken again", only_the_refused_one, 8, true },
};

static const json_t *body_of_last_ticket(struct harness *h)
{
    const json_t *requests = harness_requests(h);
    const json_t *body = NULL;
    for (size_t i = 0; i < json_array_size(requests); i++) {
        const char *url = harness_text(json_array_get(requests, i), "url");
        if (strcmp(url, "https://desk.zoho.com/api/v1/tickets") == 0)
            body = harness_at(json_array_get(requests, i), "body");
    }
    assert_non_null(body);
    return body;
}

static void the_ticket_comes_on_another_contact_of_the_caller(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        KIT_ROW(ways[i].name);
        struct harness *h = kit_new(NULL, KIT_NEW);
        harness_set_key_doc(h, KNOWN(REFUSED));
        harness_answers(h, ways[i].answers);
        const struct harness_result *r = harness_run(h);
        assert_in_range(r->verdict, SB_OK, SB_SKIP);
        assert_string_equal(harness_text(r->record, "ticket.id"), "5000001000000201001");
        assert_string_equal(harness_text(r->record, "contact.id"), OTHER);
        assert_int_equal(json_is_true(harness_at(r->record, "contact.created")), ways[i].is_made);
        assert_string_equal(harness_text(r->record, "matching.refused"), REFUSED);
        assert_int_equal(json_array_size(harness_requests(h)), ways[i].requests);
        assert_string_equal(harness_text(body_of_last_ticket(h), "contactId"), OTHER);
        /* A contact inside of a ticket would have no number, and nobody would find it again. */
        assert_null(json_object_get(body_of_last_ticket(h), "contact"));
        harness_free(h);
    }
}

/* ---- the refusal --------------------------------------------------------------------------------------- */

static void a_refused_contact_is_left(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, KIT_READY);
    const struct harness_result *r = harness_fold(h, "create_ticket", 422, NULL, BLAMED);
    assert_int_equal(r->verdict, SB_AGAIN);
    assert_int_equal(r->delay_ms, 0);
    assert_null(json_object_get(r->record, "contact"));
    harness_same(harness_at(r->record, "matching"),
                 "{\"refused\": \"" REFUSED "\", \"gone\": [\"" REFUSED "\"]}");
    assert_true(kit_has_note(r, "contact " REFUSED " is refused for the ticket: deleted, or of another "
                                "department; another contact of the caller is looked for, or made"));

    /* In the round that follows, and in the first one of a span that begins anew after a restart. */
    for (uint32_t round = 0; round < 2; round++) {
        harness_set_round(h, round);
        r = harness_build(h, "create_ticket");
        assert_int_equal(r->verdict, SB_SKIP);
        assert_string_equal(r->reason, "the caller's contact is looked for anew");
        assert_null(r->request);
    }
    harness_free(h);
}

static void a_second_refusal_is_for_a_person(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, "{" KIT_CALL ", " KIT_MAPPED_TICKET ", " LEFT
                                      ", \"contact\": {\"id\": \"" OTHER "\", \"created\": true}}");
    const struct harness_result *r = harness_fold(h, "create_ticket_anew", 422, NULL, BLAMED);
    assert_int_equal(r->verdict, SB_REJECT);
    assert_string_equal(r->reason, "cannot create the ticket: Zoho Desk refuses contact " OTHER
                                   ", as it did contact " REFUSED " before: deleted, or of another "
                                   "department; restore contact " OTHER ", then retry");
    harness_free(h);
}

/* ---- the contact that was learnt ----------------------------------------------------------------------- */

static const struct {
    const char *name, *key_doc;
    const char *contact; /* NULL: none */
    const char *left;    /* what the document holds afterwards; NULL: nothing */
} learnt[] = {
    { "the refused one is forgotten, so that the next call searches", KNOWN(REFUSED), NULL, NULL },
    { "one that another call found meanwhile is taken", KNOWN(OTHER), OTHER, OTHER },
    { "nothing", "{}", NULL, NULL },
};

/* Of two calls of one number that are refused at once, the second finds here what the first has made. */
static void what_is_known_of_the_number_is_asked_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(learnt) / sizeof(learnt[0]); i++) {
        KIT_ROW(learnt[i].name);
        struct harness *h = kit_new(NULL, WAITING);
        harness_set_key_doc(h, learnt[i].key_doc);
        const struct harness_result *r = harness_build(h, "check_contact_anew");
        assert_int_equal(r->verdict, SB_SKIP);
        if (learnt[i].contact)
            assert_string_equal(harness_text(r->record, "contact.id"), learnt[i].contact);
        else
            assert_null(json_object_get(r->record, "contact"));
        if (learnt[i].left)
            assert_string_equal(harness_text(r->key_doc, "contact.id"), learnt[i].left);
        else
            assert_null(json_object_get(r->key_doc, "contact"));
        harness_free(h);
    }
}

static const char *const again[] = { "check_contact_anew",       "find_contact_phone_anew",
                                     "find_contact_mobile_anew", "find_written_phone_anew",
                                     "find_written_mobile_anew", "create_contact_anew",
                                     "await_contact_anew" };
enum { STEPS = sizeof(again) / sizeof(again[0]) };

static void the_second_search_holds_the_lock_of_the_number(void **state)
{
    (void)state;
    const struct sb_step *step = zoho_desk_plugin.steps;
    struct harness *h = kit_new(NULL, WAITING);
    while (strcmp(step->name, again[0]) != 0)
        step++;
    assert_ptr_not_equal(step[-1].key, step->key);
    for (size_t i = 0; i < STEPS; i++) {
        assert_string_equal(step[i].name, again[i]);
        assert_ptr_equal(step[i].key, step->key);
        assert_string_equal(harness_key(h, again[i]), "phone:5550100001");
    }
    assert_string_equal(step[STEPS].name, "create_ticket_anew");
    assert_null(step[STEPS].key);
    harness_free(h);
}

static void a_call_with_a_ticket_passes_in_silence(void **state)
{
    (void)state;
    struct harness *h =
        kit_new(NULL, "{" KIT_CALL ", " KIT_CONTACT ", \"ticket\": {\"id\": \"5000001000000201001\"}}");
    for (size_t i = 0; i <= STEPS; i++) {
        const char *name = i < STEPS ? again[i] : "create_ticket_anew";
        const struct harness_result *r = harness_build(h, name);
        assert_int_equal(r->verdict, SB_SKIP);
        assert_string_equal(r->reason, "");
        assert_int_equal(json_array_size(r->notes), 0);
        assert_null(harness_key(h, name));
    }
    harness_free(h);
}

/* ---- who gets the ticket ------------------------------------------------------------------------------- */

#define WITHHELD "{\"call\": {}, " KIT_MAPPED_TICKET ", " LEFT "}"

static const struct {
    const char *name, *record, *more;
    enum sb_verdict verdict;
    const char *contact; /* NULL: none */
    const char *text;    /* the reason of a rejection, else what the new contact is called; NULL: neither */
} makers[] = {
    { "a caller", WAITING, NULL, SB_OK, NULL, "Caller +915550100001" },
    { "one who withheld the number", WITHHELD, NULL, SB_OK, NULL, "Unknown caller" },
    { "one who withheld it, with a contact for such calls", WITHHELD,
      "\"fallback_contact_id\": \"" THIRD "\"", SB_SKIP, THIRD, NULL },
    { "where the contact for such calls is the refused one", WITHHELD,
      "\"fallback_contact_id\": \"" REFUSED "\"", SB_REJECT, NULL,
      "cannot create the ticket: Zoho Desk refuses fallback_contact_id " REFUSED
      ": deleted, or of another department; set another one, then retry" },
    { "without leave to make contacts, but with a contact for such calls", WAITING,
      "\"auto_create_contact\": false, \"fallback_contact_id\": \"" THIRD "\"", SB_SKIP, THIRD, NULL },
    { "without leave to make contacts", WAITING, "\"auto_create_contact\": false", SB_REJECT, NULL,
      "no contact in Zoho Desk but " REFUSED ", which was refused, has the caller's number, and "
      "auto_create_contact is off: add another contact and retry, set fallback_contact_id, or set "
      "auto_create_contact = true" },
};

static void the_other_contact_is_made_by_the_same_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
        KIT_ROW(makers[i].name);
        struct harness *h = kit_new(makers[i].more, makers[i].record);
        const struct harness_result *r = harness_build(h, "create_contact_anew");
        assert_int_equal(r->verdict, makers[i].verdict);
        if (makers[i].contact)
            assert_string_equal(harness_text(r->record, "contact.id"), makers[i].contact);
        if (makers[i].verdict == SB_REJECT)
            assert_string_equal(r->reason, makers[i].text);
        else if (makers[i].text)
            assert_string_equal(harness_text(r->request, "body.lastName"), makers[i].text);
        harness_free(h);
    }
}

/* A restart between the contact and its ticket reads the contact again. Gone: create_contact is over, and cannot make another. */
static void a_contact_that_goes_before_its_ticket_is_made_again_behind_it(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, "{" KIT_CALL ", " KIT_MAPPED_TICKET ", " KIT_CONTACT "}");
    harness_set_key_doc(h, KNOWN(REFUSED));
    const struct harness_result *r = harness_fold(h, "check_contact", 404, NULL, "{}");
    assert_int_equal(r->verdict, SB_OK);
    harness_same(harness_at(r->record, "matching"), "{\"forgotten\": \"" REFUSED "\"}");
    harness_set_key_doc(h, NULL);
    /* Somebody may restore it meanwhile. */
    r = harness_fold(h, "find_contact_phone", 200, NULL, LIST(OLD));
    assert_string_equal(harness_text(r->record, "contact.id"), REFUSED);
    harness_set_record(h, "{" KIT_CALL ", " KIT_MAPPED_TICKET ", \"matching\": {\"forgotten\": \"" REFUSED
                          "\"}}");
    harness_set_round(h, 7);
    harness_set_age(h, 15 * 60 * 1000 + 1);
    r = harness_fold(h, "await_contact", 204, NULL, "");
    assert_int_equal(r->verdict, SB_SKIP);
    assert_string_equal(r->reason, "the contact that was linked before is gone, and no other one shows");
    harness_same(harness_at(r->record, "matching"), "{\"forgotten\": \"" REFUSED "\", \"refused\": \"" REFUSED
                                                    "\", \"gone\": [\"" REFUSED "\"]}");
    harness_set_round(h, 0);
    harness_set_age(h, 0);
    assert_int_equal(harness_build(h, "create_ticket")->verdict, SB_SKIP);
    assert_int_equal(harness_build(h, "create_contact_anew")->verdict, SB_OK);
    /* There, what is awaited in vain is for a person. */
    harness_set_round(h, 7);
    harness_set_age(h, 15 * 60 * 1000 + 1);
    assert_int_equal(harness_fold(h, "await_contact_anew", 204, NULL, "")->verdict, SB_REJECT);
    harness_free(h);
}

/* ---- found again --------------------------------------------------------------------------------------- */

static void a_lost_answer_is_looked_for_at_the_other_contact(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, "{" KIT_CALL ", " KIT_MAPPED_TICKET ", " LEFT
                                      ", \"contact\": {\"id\": \"" OTHER "\", \"created\": true}}");
    assert_int_equal(harness_build(h, "create_ticket_anew")->verdict, SB_OK);
    const struct harness_result *r = harness_reconcile_build(h, "create_ticket_anew");
    assert_non_null(strstr(harness_text(r->request, "url"), "/contacts/" OTHER "/tickets?"));
    r = harness_reconcile_fold(
        h, "create_ticket_anew", 200, NULL,
        LIST(KIT_TICKET_JSON("5000001000000201001", "103", "Call from 05550100001 [SB-0123456789ABC]",
                             "2026-03-10T09:00:11.000Z")));
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->record, "ticket.number"), "103");
    harness_free(h);
}

/* The search may show the refused contact still: it is not what was made. */
static void the_refused_one_is_not_taken_for_the_one_that_was_made(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, WAITING);
    assert_int_equal(harness_build(h, "create_contact_anew")->verdict, SB_OK);
    assert_int_equal(harness_reconcile_fold(h, "create_contact_anew", 200, NULL, LIST(OLD))->verdict,
                     SB_AGAIN);
    const struct harness_result *r =
        harness_reconcile_fold(h, "create_contact_anew", 200, NULL, LIST(OLD "," YOUNG));
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->record, "contact.id"), OTHER);
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ticket_comes_on_another_contact_of_the_caller),
        cmocka_unit_test(a_refused_contact_is_left),
        cmocka_unit_test(a_second_refusal_is_for_a_person),
        cmocka_unit_test(what_is_known_of_the_number_is_asked_first),
        cmocka_unit_test(the_second_search_holds_the_lock_of_the_number),
        cmocka_unit_test(a_call_with_a_ticket_passes_in_silence),
        cmocka_unit_test(the_other_contact_is_made_by_the_same_rules),
        cmocka_unit_test(a_contact_that_goes_before_its_ticket_is_made_again_behind_it),
        cmocka_unit_test(a_lost_answer_is_looked_for_at_the_other_contact),
        cmocka_unit_test(the_refused_one_is_not_taken_for_the_one_that_was_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
