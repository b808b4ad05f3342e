/* What the sink shows for proof: the ids of what it made, whether there are two, and the one that an operator names. */
#include "plugins/zoho_desk_kit.h"

#define OURS        KIT_TICKET_JSON("201", "103", "Call - Billing [SB-0123456789ABC]", "2026-03-10T09:00:11.000Z")
#define TWIN        KIT_TICKET_JSON("202", "104", "Call - Billing [SB-0123456789ABC]", "2026-03-10T09:05:11.000Z")
#define ANOTHER     KIT_TICKET_JSON("203", "105", "Call - Billing [SB-0123456789ABD]", "2026-03-10T09:00:11.000Z")
#define LIST(items) "{\"data\": [" items "]}"

static struct harness *unknown_ticket(void)
{
    struct harness *h = kit_new(NULL, KIT_READY);

    assert_int_equal(harness_build(h, "create_ticket")->verdict, SB_OK);
    return h;
}

static void assert_found(const struct harness_result *r, const char *first, const char *second)
{
    assert_int_equal(json_array_size(r->found), (first != NULL) + (second != NULL));
    if (first)
        assert_string_equal(json_string_value(json_array_get(r->found, 0)), first);
    if (second)
        assert_string_equal(json_string_value(json_array_get(r->found, 1)), second);
}

/* ---- what was made ------------------------------------------------------------------------------------- */

static void the_ids_of_ticket_and_note_are_told(void **state)
{
    (void)state;
    struct harness *h = unknown_ticket();
    assert_found(harness_fold(h, "create_ticket", 200, NULL, OURS), "201", NULL);
    const struct harness_result *r =
        harness_fold(h, "add_note", 200, NULL, "{\"id\": \"401\", \"content\": \"x\", \"isPublic\": false}");
    assert_int_equal(r->verdict, SB_OK);
    assert_found(r, "401", NULL);
    harness_free(h);
}

static void what_was_found_by_looking_is_told(void **state)
{
    (void)state;
    struct harness *h = unknown_ticket();
    assert_int_equal(harness_reconcile_build(h, "create_ticket")->verdict, SB_OK);
    const struct harness_result *r =
        harness_reconcile_fold(h, "create_ticket", 200, NULL, LIST(ANOTHER "," OURS));
    assert_int_equal(r->verdict, SB_OK);
    assert_found(r, "201", NULL);
    harness_free(h);
}

/* ---- whether there are two ----------------------------------------------------------------------------- */

static void all_tickets_with_the_reference_are_told(void **state)
{
    (void)state;
    struct harness *h = unknown_ticket();
    harness_set_look(h, /* looks_for_all= */ true, NULL, false);
    for (uint32_t round = 0; round < 3; round++) {
        harness_set_round(h, round);
        assert_int_equal(harness_reconcile_build(h, "create_ticket")->verdict, SB_OK);
        const struct harness_result *r =
            harness_reconcile_fold(h, "create_ticket", 200, NULL, LIST(TWIN "," ANOTHER "," OURS));
        assert_int_equal(r->verdict, round < 2 ? SB_AGAIN : SB_SKIP);
        assert_found(r, "202", "201");
    }
    harness_free(h);
}

static void all_notes_with_the_marker_are_told(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, "{" KIT_CALL ", " KIT_TRANSCRIPT ", \"ticket\": {\"id\": \"201\"}}");
    assert_int_equal(harness_build(h, "add_note")->verdict, SB_OK);
    harness_set_look(h, /* looks_for_all= */ true, NULL, false);
    assert_int_equal(harness_reconcile_build(h, "add_note")->verdict, SB_OK);
    const struct harness_result *r =
        harness_reconcile_fold(h, "add_note", 200, NULL,
                               LIST("{\"id\": \"401\", \"content\": \"a [SB-0123456789ABC/1] b\"}, {\"id\": "
                                    "\"402\", \"content\": \"other\"}, "
                                    "{\"id\": \"403\", \"content\": \"a [SB-0123456789ABC/1] b\"}"));
    assert_int_equal(r->verdict, SB_SKIP);
    assert_found(r, "401", "403");
    harness_free(h);
}

/* ---- the one that is named ----------------------------------------------------------------------------- */

static const struct {
    const char *name, *id;
    bool is_forced;
    int status;
    const char *body;
    enum sb_verdict verdict;
    const char *reason;
} named[] = {
    { "ours", "201", false, 200, OURS, SB_OK, "" },
    { "another's", "203", false, 200, ANOTHER, SB_REJECT, "ticket #105 does not carry the reference" },
    { "another's, forced", "203", true, 200, ANOTHER, SB_OK, "" },
    { "none", "209", false, 404, "{\"errorCode\": \"URL_NOT_FOUND\"}", SB_REJECT,
      "has no ticket with the id 209" },
    { "none, forced", "209", true, 404, "{\"errorCode\": \"URL_NOT_FOUND\"}", SB_OK, "" },
    { "an answer about another ticket", "201", false, 200, TWIN, SB_RETRY, "not what Zoho Desk documents" },
    { "a fault", "201", false, 503, "", SB_RETRY, "503" },
    { "no right to read", "201", false, 403, "{\"errorCode\": \"SCOPE_MISMATCH\"}", SB_RETRY,
      "lacks a scope" },
};

static void the_ticket_that_an_operator_names_is_read_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        KIT_ROW(named[i].name);
        struct harness *h = unknown_ticket();
        harness_set_look(h, false, named[i].id, named[i].is_forced);
        const struct harness_result *r = harness_reconcile_build(h, "create_ticket");
        assert_int_equal(r->verdict, SB_OK);
        char url[100];
        (void)snprintf(url, sizeof(url), "https://desk.zoho.com/api/v1/tickets/%s", named[i].id);
        assert_string_equal(harness_text(r->request, "url"), url);
        assert_string_equal(harness_text(r->request, "method"), "GET");
        r = harness_reconcile_fold(h, "create_ticket", named[i].status, NULL, named[i].body);
        assert_int_equal(r->verdict, named[i].verdict);
        assert_non_null(strstr(r->reason, named[i].reason));
        if (r->verdict == SB_OK) {
            assert_found(r, named[i].id, NULL);
            assert_string_equal(harness_text(r->record, "ticket.id"), named[i].id);
        }
        harness_free(h);
    }
}

static void what_is_no_id_of_a_ticket_is_refused_before_anything_is_sent(void **state)
{
    static const char *const ids[] = { "#103", "ticket 103", "../contacts/1", "-1",
                                       "1234567890123456789012345678901" };

    (void)state;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct harness *h = unknown_ticket();
        harness_set_look(h, false, ids[i], true);
        const struct harness_result *r = harness_reconcile_build(h, "create_ticket");
        assert_int_equal(r->verdict, SB_REJECT);
        assert_non_null(strstr(r->reason, "is not the id of a ticket"));
        harness_free(h);
    }
}

static void a_note_that_an_operator_names_must_be_the_one_with_the_marker(void **state)
{
    (void)state;
    for (int is_it = 0; is_it < 2; is_it++) {
        struct harness *h =
            kit_new(NULL, "{" KIT_CALL ", " KIT_TRANSCRIPT ", \"ticket\": {\"id\": \"201\"}}");
        assert_int_equal(harness_build(h, "add_note")->verdict, SB_OK);
        harness_set_look(h, false, is_it ? "401" : "402", false);
        assert_int_equal(harness_reconcile_build(h, "add_note")->verdict, SB_OK);
        const struct harness_result *r = harness_reconcile_fold(
            h, "add_note", 200, NULL, LIST("{\"id\": \"401\", \"content\": \"a [SB-0123456789ABC/1] b\"}"));
        assert_int_equal(r->verdict, is_it ? SB_OK : SB_REJECT);
        if (is_it)
            assert_found(r, "401", NULL);
        harness_free(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ids_of_ticket_and_note_are_told),
        cmocka_unit_test(what_was_found_by_looking_is_told),
        cmocka_unit_test(all_tickets_with_the_reference_are_told),
        cmocka_unit_test(all_notes_with_the_marker_are_told),
        cmocka_unit_test(the_ticket_that_an_operator_names_is_read_first),
        cmocka_unit_test(what_is_no_id_of_a_ticket_is_refused_before_anything_is_sent),
        cmocka_unit_test(a_note_that_an_operator_names_must_be_the_one_with_the_marker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
