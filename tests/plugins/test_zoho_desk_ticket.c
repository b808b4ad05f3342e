/* The ticket: what is sent, what is taken from the answer, and how it is found after a lost one. */
#include "plugins/zoho_desk_kit.h"

#define OURS_SUBJECT       "Call from 05550100001 - Billing inquiry [SB-0123456789ABC]"
#define OURS               KIT_TICKET_JSON("5000001000000201001", "103", OURS_SUBJECT, "2026-03-10T09:00:11.000Z")
#define OTHER(id, created) KIT_TICKET_JSON(id, "90", "Call from 05550100001 [SB-0123456789ABD]", created)
#define LIST(items)        "{\"data\": [" items "]}"

static void the_ticket_is_what_was_mapped(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, KIT_READY);
    const struct harness_result *r = harness_build(h, "create_ticket");
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->request, "method"), "POST");
    assert_string_equal(harness_text(r->request, "url"), "https://desk.zoho.com/api/v1/tickets");
    assert_string_equal(harness_text(r->request, "headers.orgId"), "600000001");
    harness_same(harness_at(r->request, "body"),
                 "{\"subject\": \"" OURS_SUBJECT
                 "\", \"departmentId\": \"5000001000000006001\", \"priority\": \"Medium\", "
                 "\"channel\": \"Phone\", \"status\": \"Open\", \"contactId\": \"5000001000000301001\"}");
    harness_same(r->intent,
                 "{\"org_id\": \"600000001\", \"contact_id\": \"5000001000000301001\", \"department_id\": "
                 "\"5000001000000006001\", \"reference\": \"0123456789ABC\", \"reference_field\": \"\"}");
    harness_free(h);
}

static void the_new_ticket_is_written_down(void **state)
{
    (void)state;
    static const int good[] = { 200, 201 };
    for (size_t i = 0; i < 2; i++) {
        struct harness *h = kit_new(NULL, KIT_READY);
        const struct harness_result *r = harness_fold(h, "create_ticket", good[i], NULL, OURS);
        assert_int_equal(r->verdict, SB_OK);
        assert_string_equal(harness_text(r->record, "ticket.id"), "5000001000000201001");
        assert_string_equal(harness_text(r->record, "ticket.number"), "103");
        assert_string_equal(harness_text(r->record, "ticket.url"),
                            "https://desk.zoho.com/support/acmedesk/t/5000001000000201001");
        assert_string_equal(harness_text(r->record, "ticket.reference"), "0123456789ABC");
        assert_true(
            kit_has_note(r, "created Zoho Desk ticket #103 for call examplecall000000000000000000001"));
        assert_int_equal(harness_build(h, "create_ticket")->verdict, SB_SKIP);
        harness_free(h);
    }
}

static const struct {
    const char *name;
    int status;
    const char *body;
    enum sb_verdict verdict;
    const char *reason;
} refusals[] = {
    { "a good answer without an id is uncertain", 200, "{\"ticketNumber\": \"103\"}", SB_RETRY,
      "cannot create the ticket: the answer with status 200 is not what Zoho Desk documents" },
    { "a cut answer is uncertain", 200, "{\"id\": \"50000", SB_RETRY,
      "cannot create the ticket: the answer" },
    { "a department that is none", 422,
      "{\"errorCode\": \"INVALID_DATA\", \"errors\": [{\"fieldName\": \"/departmentId\", \"errorType\": "
      "\"invalid\"}]}",
      SB_REJECT,
      "cannot create the ticket: organization '600000001' has no department '5000001000000006001'; correct "
      "department_id "
      "(ZOHO_DESK_DEPARTMENT_ID) or the mapping script" },
    { "other fields are named", 422,
      "{\"errorCode\": \"INVALID_DATA\", \"errors\": [{\"fieldName\": \"/cf/cf_x\", \"errorType\": "
      "\"missing\"}, "
      "{\"fieldName\": \"/priority\"}]}",
      SB_REJECT, "cannot create the ticket: INVALID_DATA: /cf/cf_x is missing, /priority is wrong" },
    { "a parameter that is extra", 422,
      "{\"errorCode\": \"UNPROCESSABLE_ENTITY\", \"message\": \"An extra parameter 'cf' is found\"}",
      SB_REJECT, "cannot create the ticket: UNPROCESSABLE_ENTITY: An extra parameter 'cf' is found" },
};

static void refusals_name_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        KIT_ROW(refusals[i].name);
        struct harness *h = kit_new(NULL, KIT_READY);
        const struct harness_result *r =
            harness_fold(h, "create_ticket", refusals[i].status, NULL, refusals[i].body);
        assert_int_equal(r->verdict, refusals[i].verdict);
        assert_non_null(strstr(r->reason, refusals[i].reason));
        harness_free(h);
    }
}

static void no_contact_no_ticket(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, "{" KIT_CALL ", " KIT_MAPPED_TICKET "}");
    const struct harness_result *r = harness_build(h, "create_ticket");
    assert_int_equal(r->verdict, SB_REJECT);
    assert_string_equal(r->reason, "cannot create the ticket: the record has no contact");
    harness_free(h);
}

/* ---- reconcile ----------------------------------------------------------------------------------------- */

static struct harness *unknown_outcome(const char *more)
{
    struct harness *h = kit_new(more, KIT_READY);
    assert_int_equal(harness_build(h, "create_ticket")->verdict, SB_OK);
    return h;
}

static const char *look_url(struct harness *h, uint32_t round)
{
    harness_set_round(h, round);
    const struct harness_result *r = harness_reconcile_build(h, "create_ticket");
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->request, "method"), "GET");
    return harness_text(r->request, "url");
}

static void the_looks_go_to_the_list_then_the_search_then_back(void **state)
{
    (void)state;
    struct harness *h = unknown_outcome(NULL);
    static const char list[] = "https://desk.zoho.com/api/v1/contacts/5000001000000301001/"
                               "tickets?sortBy=-createdTime&limit=50&from=";
    char url[200];
    static const struct {
        uint32_t round;
        int from;
    } pages[] = { { 0, 0 }, { 2, 50 }, { 3, 100 }, { 10, 450 } };

    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        (void)snprintf(url, sizeof(url), "%s%d", list, pages[i].from);
        assert_string_equal(look_url(h, pages[i].round), url);
    }
    assert_string_equal(look_url(h, 1),
                        "https://desk.zoho.com/api/v1/tickets/search?_all=0123456789ABC&limit=50");
    harness_free(h);

    h = unknown_outcome("\"reference_field\": \"cf_switchboard\"");
    assert_string_equal(
        look_url(h, 1),
        "https://desk.zoho.com/api/v1/tickets/search?customField1=cf_switchboard%3A0123456789ABC&limit=50");
    harness_free(h);
}

static const struct {
    const char *name;
    uint32_t round;
    int status;
    const char *body;
    enum sb_verdict verdict;
} looks[] = {
    { "found on the first page", 0, 200, LIST(OTHER("1", "2026-03-10T09:01:00.000Z") "," OURS), SB_OK },
    { "found by the search", 1, 200, LIST(OURS), SB_OK },
    { "found on a later page", 3, 200, LIST(OURS), SB_OK },
    { "blanks behind the reference do not matter", 0, 200,
      LIST(KIT_TICKET_JSON("5000001000000201001", "103", OURS_SUBJECT "  ", "2026-03-10T09:00:11.000Z")),
      SB_OK },
    { "another reference is another ticket", 1, 200, LIST(OTHER("1", "2026-03-10T09:01:00.000Z")), SB_AGAIN },
    { "a reference in the middle is a quotation", 1, 200,
      LIST(KIT_TICKET_JSON("1", "103", OURS_SUBJECT " was closed", "2026-03-10T09:00:11.000Z")), SB_AGAIN },
    { "letters of another case are another reference", 1, 200,
      LIST(KIT_TICKET_JSON("1", "103", "Call [SB-0123456789abc]", "2026-03-10T09:00:11.000Z")), SB_AGAIN },
    { "an empty first page asks the search", 0, 204, "", SB_AGAIN },
    { "an empty search asks for more of the list", 1, 204, "", SB_AGAIN },
    { "an empty list ends it", 2, 204, "", SB_SKIP },
    { "a short page ends it", 2, 200, LIST(OTHER("1", "2026-03-10T09:01:00.000Z")), SB_SKIP },
    { "a contact that is gone asks the search", 0, 404, "{\"errorCode\": \"URL_NOT_FOUND\"}", SB_AGAIN },
    { "with a contact that is gone the search had the last word", 2, 404,
      "{\"errorCode\": \"URL_NOT_FOUND\"}", SB_SKIP },
    { "a search that is not there tells nothing", 1, 404, "{\"errorCode\": \"URL_NOT_FOUND\"}", SB_REJECT },
    { "a failed search tells nothing", 1, 422,
      "{\"errorCode\": \"UNPROCESSABLE_ENTITY\", \"message\": \"x\"}", SB_REJECT },
    { "no scope tells nothing", 0, 403, "{\"errorCode\": \"SCOPE_MISMATCH\"}", SB_RETRY },
    { "a fault tells nothing", 0, 500, "", SB_RETRY },
    { "a page tells nothing", 0, 200, "<html>", SB_RETRY },
};

static void only_the_exact_reference_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        KIT_ROW(looks[i].name);
        struct harness *h = unknown_outcome(NULL);
        harness_set_round(h, looks[i].round);
        assert_int_equal(harness_reconcile_build(h, "create_ticket")->verdict, SB_OK);
        const struct harness_result *r =
            harness_reconcile_fold(h, "create_ticket", looks[i].status, NULL, looks[i].body);
        assert_int_equal(r->verdict, looks[i].verdict);
        if (r->verdict == SB_OK)
            assert_string_equal(harness_text(r->record, "ticket.id"), "5000001000000201001");
        else
            assert_null(json_object_get(harness_at(r->record, "ticket"), "id"));
        harness_free(h);
    }
}

static void the_custom_field_tells_too(void **state)
{
    (void)state;
    struct harness *h = unknown_outcome("\"reference_field\": \"cf_switchboard\"");
    harness_set_round(h, 1);
    assert_int_equal(harness_reconcile_build(h, "create_ticket")->verdict, SB_OK);
    const struct harness_result *r = harness_reconcile_fold(
        h, "create_ticket", 200, NULL,
        "{\"data\": [{\"id\": \"1\", \"subject\": \"x\", \"cf\": {\"cf_switchboard\": \"0123456789ABD\"}}, "
        "{\"id\": \"2\", "
        "\"subject\": \"changed by an agent\", \"cf\": {\"cf_switchboard\": \"0123456789ABC\"}}]}");
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->record, "ticket.id"), "2");
    harness_free(h);
}

/* A page of 50 tickets of others, the last of them made at `created`. */
static char *full_page(const char *created)
{
    json_t *list = json_array();
    for (int i = 0; i < 50; i++) {
        char id[24];
        (void)snprintf(id, sizeof(id), "60000%02d", i);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "id", id, "subject", "x", "createdTime",
                                              i == 49 ? created : "2026-03-11T00:00:00.000Z"));
    }
    json_t *page = json_pack("{s:o}", "data", list);
    char *text = json_dumps(page, 0);
    json_decref(page);
    assert_non_null(text);
    return text;
}

static const struct {
    const char *name, *created;
    uint32_t round;
    enum sb_verdict verdict;
} ends[] = {
    { "younger than the call", "2026-03-10T08:57:00.000Z", 2, SB_AGAIN },
    { "a minute older than the call", "2026-03-10T08:54:00.000Z", 2, SB_AGAIN },
    { "more than a minute older than the call", "2026-03-10T08:53:59.000Z", 2, SB_SKIP },
    { "of no age", "yesterday", 2, SB_AGAIN },
    { "too many pages", "2026-03-11T00:00:00.000Z", 60, SB_RETRY },
};

/* The call of the record was at 08:55; its intent may be a day younger, when it was restored from a backup. */
static void the_list_is_read_back_to_the_conversation(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        KIT_ROW(ends[i].name);
        struct harness *h = kit_new(NULL, KIT_READY);
        harness_set_intent(
            h,
            "{\"org_id\": \"600000001\", \"contact_id\": \"5000001000000301001\", \"reference\": "
            "\"0123456789ABC\", \"reference_field\": \"\"}",
            INT64_C(1773219600000));
        char *page = full_page(ends[i].created);
        harness_set_round(h, ends[i].round);
        assert_int_equal(harness_reconcile_build(h, "create_ticket")->verdict, SB_OK);
        assert_int_equal(harness_reconcile_fold(h, "create_ticket", 200, NULL, page)->verdict,
                         ends[i].verdict);
        harness_free(h);
        free(page);
    }
}

static void the_look_uses_the_values_of_then(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, KIT_READY);
    harness_set_intent(
        h,
        "{\"org_id\": \"600000009\", \"contact_id\": \"77\", \"reference\": \"ZZZZZZZZZZZZZ\", "
        "\"reference_field\": \"cf_old\"}",
        INT64_C(1773133200000));
    const struct harness_result *r = harness_reconcile_build(h, "create_ticket");
    assert_non_null(strstr(harness_text(r->request, "url"), "/contacts/77/tickets?"));
    assert_null(strstr(harness_text(r->request, "url"), "departmentId"));
    assert_string_equal(harness_text(r->request, "headers.orgId"), "600000009");
    harness_set_round(h, 1);
    r = harness_reconcile_build(h, "create_ticket");
    assert_non_null(strstr(harness_text(r->request, "url"), "customField1=cf_old%3AZZZZZZZZZZZZZ"));
    assert_int_equal(harness_reconcile_fold(h, "create_ticket", 200, NULL, LIST(OURS))->verdict, SB_AGAIN);
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ticket_is_what_was_mapped),
        cmocka_unit_test(the_new_ticket_is_written_down),
        cmocka_unit_test(refusals_name_what_is_wrong),
        cmocka_unit_test(no_contact_no_ticket),
        cmocka_unit_test(the_looks_go_to_the_list_then_the_search_then_back),
        cmocka_unit_test(only_the_exact_reference_counts),
        cmocka_unit_test(the_custom_field_tells_too),
        cmocka_unit_test(the_list_is_read_back_to_the_conversation),
        cmocka_unit_test(the_look_uses_the_values_of_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
