/* An escalation and the tickets that are there already: which one it is added to, the note in parts, the priority; and what
 * is shown for proof. */
#include "plugins/zoho_desk_user_kit.h"

#define OPEN_RECORD(more)                                                                                    \
    RECORD(KIT_FULL_USER,                                                                                    \
           ", \"contact\": {\"id\": \"" A "\", \"created\": false}, \"ticket\": {\"subject\": \"s\", "       \
           "\"departmentId\": \"5000001000000006001\"}, \"escalation_text\": {\"text\": \"all of it\", "     \
           "\"described\": 9}" more)
#define ATTACHED                                                                                             \
    RECORD(KIT_FULL_USER,                                                                                    \
           ", \"contact\": {\"id\": \"" A "\"}, \"ticket\": {\"id\": \"201\", \"number\": \"103\", "         \
           "\"attached\": true, \"departmentId\": \"5000001000000006001\", \"subject\": \"Charged "          \
           "twice\"}, \"escalation_text\": {\"text\": \"all "                                                \
           "of it\", \"described\": 9}, \"open_ticket\": {\"is_public\": false, \"size_max\": 30000}")

#define TICKET(id, more)                                                                                     \
    "{\"id\": \"" id "\", \"ticketNumber\": \"1" id                                                          \
    "\", \"subject\": \"Charged twice for one invoice\", \"departmentId\": "                                 \
    "\"5000001000000006001\", \"status\": \"Open\", \"statusType\": \"Open\", \"priority\": \"Low\", "       \
    "\"category\": null, "                                                                                   \
    "\"createdTime\": \"2026-03-09T09:00:00.000Z\", \"isSpam\": false, \"isArchived\": false" more "}"

/* Later members win over earlier ones of the same name. */
static const struct {
    const char *name, *mode, *items;
    const char *id; /* NULL: a ticket of its own */
    const char *priority;
} rows[] = {
    { "the same matter", "ask_rules", TICKET("201", ""), "201", "High" },
    { "another matter, then the same", "ask_rules",
      TICKET("202", ", \"subject\": \"Password lost\"") ", " TICKET("201", ""), "201", "High" },
    { "another category", "ask_rules", TICKET("201", ", \"category\": \"Access\""), NULL, NULL },
    { "always takes the first", "always",
      TICKET("202", ", \"subject\": \"Password lost\"") ", " TICKET("201", ""), "202", NULL },
    { "closed", "always", TICKET("201", ", \"statusType\": \"Closed\""), NULL, NULL },
    { "on hold is not closed", "always", TICKET("201", ", \"statusType\": \"On Hold\""), "201", "High" },
    { "spam", "always", TICKET("201", ", \"isSpam\": true"), NULL, NULL },
    { "archived", "always", TICKET("201", ", \"isArchived\": true"), NULL, NULL },
    { "another department", "always", TICKET("201", ", \"departmentId\": \"5000001000000006002\""), NULL,
      NULL },
    { "too old", "always", TICKET("201", ", \"createdTime\": \"2026-03-01T09:00:00.000Z\""), NULL, NULL },
    { "old, but the customer wrote since", "always",
      TICKET("201", ", \"createdTime\": \"2026-03-01T09:00:00.000Z\", \"customerResponseTime\": "
                    "\"2026-03-09T09:00:00.000Z\""),
      "201", "High" },
    { "the priority is never lowered", "ask_rules", TICKET("201", ", \"priority\": \"High\""), "201", NULL },
    { "no ticket", "always", "", NULL, NULL },
};

/* jansson keeps the last of two members of one name, as the rows expect. */
static const struct harness_result *fold_list(struct harness *h, const char *step, const char *items)
{
    char body[3000];
    (void)snprintf(body, sizeof(body), "{\"data\": [%s]}", items);
    json_t *list = json_loads(body, 0, NULL);
    char *text = json_dumps(list, 0);
    assert_non_null(text);
    const struct harness_result *r = harness_fold(h, step, 200, NULL, text);
    free(text);
    json_decref(list);
    return r;
}

static const struct harness_result *find_open(struct harness *h, const char *items)
{
    return fold_list(h, "find_open_ticket", items);
}

static void an_open_ticket_is_chosen(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        KIT_ROW(rows[i].name);
        char options[100];
        (void)snprintf(options, sizeof(options), "\"attach_to_open\": \"%s\"", rows[i].mode);
        struct harness *h = kit_new(options, OPEN_RECORD(""));
        const struct harness_result *r = find_open(h, rows[i].items);
        assert_int_equal(r->verdict, SB_OK);
        const char *id = json_string_value(json_object_get(harness_at(r->record, "ticket"), "id"));
        if (rows[i].id ? !id || strcmp(id, rows[i].id) != 0 : id != NULL)
            fail_msg("ticket %s instead of %s", id ? id : "none", rows[i].id ? rows[i].id : "none");
        const json_t *open = json_object_get(r->record, "open_ticket");
        const char *priority = json_string_value(json_object_get(open, "priority"));
        assert_true(rows[i].priority ? priority && strcmp(priority, rows[i].priority) == 0 : !priority);
        if (rows[i].id)
            assert_true(json_is_true(harness_at(r->record, "ticket.attached")));
        harness_free(h);
    }
}

static const struct {
    const char *name, *options, *record;
} unasked[] = {
    { "never is the default", NULL, OPEN_RECORD("") },
    { "never", "\"attach_to_open\": \"never\"", OPEN_RECORD("") },
    { "the fallback contact's tickets are other people's",
      "\"attach_to_open\": \"always\", \"fallback_contact_id\": \"" A "\"", OPEN_RECORD("") },
    { "a call", "\"attach_to_open\": \"always\"", KIT_READY },
};

static void nobody_is_asked_without_need(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(unasked) / sizeof(unasked[0]); i++) {
        KIT_ROW(unasked[i].name);
        struct harness *h = kit_new(unasked[i].options, unasked[i].record);
        assert_int_equal(harness_build(h, "find_open_ticket")->verdict, SB_SKIP);
        harness_free(h);
    }
}

/* A record out of a backup may have made its ticket long ago. */
static void its_own_ticket_is_no_other(void **state)
{
    (void)state;
    struct harness *h = kit_new("\"attach_to_open\": \"always\"", OPEN_RECORD(""));
    const struct harness_result *r =
        find_open(h, TICKET("202", "") ", " TICKET("201", ", \"subject\": \"x [SB-0123456789ABC]\""));
    assert_string_equal(harness_text(r->record, "ticket.id"), "201");
    assert_null(json_object_get(harness_at(r->record, "ticket"), "attached"));
    assert_int_equal(harness_build(h, "attach_note")->verdict, SB_SKIP);
    harness_free(h);
}

/* ---- out of a backup ---- */

#define COMMENT(id, content) "{\"id\": \"" id "\", \"content\": \"" content "\"}"

static void out_of_a_backup_the_ticket_with_the_note_is_found_again(void **state)
{
    (void)state;
    struct harness *h = kit_new("\"attach_to_open\": \"always\"", OPEN_RECORD(""));
    assert_int_equal(harness_build(h, "find_noted_ticket")->verdict, SB_SKIP); /* nothing is forgotten */
    harness_set_doubtful(h, true);
    const char *list = KIT_LIST(TICKET("202", "") ", " TICKET("203", "") ", " TICKET("201", ""));
    assert_int_equal(harness_fold(h, "find_noted_ticket", 200, NULL, list)->verdict, SB_AGAIN);
    harness_set_round(h, 1);
    const struct harness_result *r = harness_build(h, "find_noted_ticket");
    assert_non_null(strstr(harness_text(r->request, "url"), "/tickets/202/comments?"));
    r = harness_fold(h, "find_noted_ticket", 200, NULL,
                     KIT_LIST(COMMENT("1", "about [SB-0123456789ABD/A1]")));
    assert_int_equal(r->verdict, SB_AGAIN);
    harness_set_round(h, 2);
    assert_int_equal(harness_fold(h, "find_noted_ticket", 404, NULL, "{}")->verdict, SB_AGAIN);
    harness_set_round(h, 3);
    r = harness_fold(h, "find_noted_ticket", 200, NULL,
                     KIT_LIST(COMMENT("1", "about [SB-0123456789ABC/A2]")));
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->record, "ticket.id"), "201");
    assert_true(json_is_true(harness_at(r->record, "ticket.attached")));
    harness_set_round(h, 0);
    assert_int_equal(harness_build(h, "find_open_ticket")->verdict, SB_SKIP);
    assert_int_equal(harness_build(h, "attach_note")->verdict, SB_OK);
    harness_free(h);
}

static void out_of_a_backup_without_a_note_a_ticket_is_chosen_as_ever(void **state)
{
    (void)state;
    struct harness *h = kit_new("\"attach_to_open\": \"always\"", OPEN_RECORD(""));
    harness_set_doubtful(h, true);
    assert_int_equal(harness_fold(h, "find_noted_ticket", 200, NULL, KIT_LIST(TICKET("202", "")))->verdict,
                     SB_AGAIN);
    harness_set_round(h, 1);
    assert_int_equal(harness_fold(h, "find_noted_ticket", 204, NULL, "")->verdict, SB_AGAIN);
    harness_set_round(h, 2);
    const struct harness_result *r = harness_build(h, "find_noted_ticket");
    assert_int_equal(r->verdict, SB_SKIP);
    assert_null(json_object_get(r->record, "open_ticket"));
    harness_set_round(h, 0);
    assert_int_equal(harness_build(h, "find_open_ticket")->verdict, SB_OK);
    harness_free(h);
}

/* On a contact that the user has no more, so that no list of the user's shows it. */
static void out_of_a_backup_its_own_ticket_is_searched_for_before_another_is_chosen(void **state)
{
    (void)state;
    struct harness *h = kit_new("\"attach_to_open\": \"always\"", OPEN_RECORD(""));
    assert_int_equal(harness_build(h, "find_own_ticket")->verdict, SB_SKIP); /* nothing is forgotten */
    harness_set_doubtful(h, true);
    const struct harness_result *r = harness_build(h, "find_own_ticket");
    assert_non_null(strstr(harness_text(r->request, "url"), "/tickets/search?_all=0123456789ABC&"));

    static const struct {
        int64_t age_ms;
        const char *items; /* NULL: nothing is found */
        enum sb_verdict verdict;
        int64_t delay_ms;
        const char *ticket_id;
    } looks[] = {
        { 1000, NULL, SB_AGAIN, 15 * 60 * 1000 + 29000, NULL },
        { 15 * 60 * 1000, NULL, SB_AGAIN, 30000, NULL }, /* a request takes up to 30 s to arrive */
        { 15 * 60 * 1000 + 30000, NULL, SB_SKIP, 0, NULL },
        { 15 * 60 * 1000 + 30000, TICKET("202", ", \"subject\": \"about [SB-0123456789ABC]!\""), SB_SKIP, 0,
          NULL },
        { 1000, TICKET("201", ", \"subject\": \"x [SB-0123456789ABC]\""), SB_OK, 0, "201" },
    };
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        harness_set_age(h, looks[i].age_ms);
        assert_int_equal(harness_build(h, "find_own_ticket")->verdict, SB_OK);
        r = looks[i].items ? fold_list(h, "find_own_ticket", looks[i].items)
                           : harness_fold(h, "find_own_ticket", 204, NULL, "");
        const char *id = json_string_value(json_object_get(harness_at(r->record, "ticket"), "id"));
        if (r->verdict != looks[i].verdict || r->delay_ms != looks[i].delay_ms || !id != !looks[i].ticket_id)
            fail_msg("look %zu: %d %lld %s", i, (int)r->verdict, (long long)r->delay_ms, id);
    }
    assert_string_equal(harness_text(r->record, "ticket.id"), "201");
    assert_int_equal(harness_build(h, "find_open_ticket")->verdict, SB_SKIP);
    assert_int_equal(harness_build(h, "attach_note")->verdict, SB_SKIP);
    harness_free(h);
}

/* ---- the note ---- */

static void the_note_has_it_all_and_no_ticket_is_made(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, ATTACHED);
    const struct harness_result *r = harness_build(h, "attach_note");
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->request, "url"), "https://desk.zoho.com/api/v1/tickets/201/comments");
    harness_same(harness_at(r->request, "body"), "{\"content\": \"Another escalation of this user: Charged "
                                                 "twice\\n[SB-0123456789ABC/A1]\\nall of it\", "
                                                 "\"isPublic\": false, \"contentType\": \"plainText\"}");
    r = harness_fold(h, "attach_note", 200, NULL, "{\"id\": \"401\"}");
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(json_string_value(json_array_get(r->found, 0)), "401");
    assert_int_equal(harness_build(h, "attach_note")->verdict, SB_SKIP);
    assert_int_equal(harness_build(h, "create_ticket")->verdict, SB_SKIP);
    assert_int_equal(harness_build(h, "add_note")->verdict, SB_SKIP);
    harness_free(h);
}

static void a_ticket_that_is_gone_gives_way_to_a_new_one(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, ATTACHED);
    const struct harness_result *r =
        harness_fold(h, "attach_note", 404, NULL, "{\"errorCode\": \"URL_NOT_FOUND\"}");
    assert_int_equal(r->verdict, SB_OK);
    assert_null(json_object_get(harness_at(r->record, "ticket"), "id"));
    assert_true(kit_has_note(r, "gets a ticket of its own"));
    assert_int_equal(harness_build(h, "raise_priority")->verdict, SB_SKIP);
    assert_int_equal(harness_build(h, "create_ticket")->verdict, SB_OK);
    harness_free(h);
}

static void a_lost_note_is_found_by_its_marker(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, ATTACHED);
    assert_int_equal(harness_build(h, "attach_note")->verdict, SB_OK);
    assert_int_equal(harness_reconcile_build(h, "attach_note")->verdict, SB_OK);
    const struct harness_result *r = harness_reconcile_fold(
        h, "attach_note", 200, NULL, KIT_LIST("{\"id\": \"400\", \"content\": \"[SB-0123456789ABC/1]\"}"));
    assert_int_equal(r->verdict, SB_SKIP);
    r = harness_reconcile_fold(h, "attach_note", 200, NULL,
                               KIT_LIST("{\"id\": \"401\", \"content\": \"x [SB-0123456789ABC/A1] y\"}"));
    assert_int_equal(r->verdict, SB_OK);
    assert_false(r->has_more);
    harness_same(harness_at(r->record, "open_ticket.ids"), "[\"401\"]");
    assert_int_equal(harness_reconcile_fold(h, "attach_note", 404, NULL, "{}")->verdict, SB_SKIP);
    harness_free(h);
}

static const struct {
    int status;
    enum sb_verdict verdict;
} raises[] = { { 200, SB_OK }, { 404, SB_OK }, { 422, SB_OK }, { 500, SB_RETRY } };

static void the_priority_is_raised_if_that_is_possible(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(raises) / sizeof(raises[0]); i++) {
        struct harness *h =
            kit_new(NULL, RECORD(KIT_FULL_USER,
                                 ", \"ticket\": {\"id\": \"201\", \"number\": \"103\", \"attached\": true}, "
                                 "\"open_ticket\": {\"priority\": \"High\"}"));
        const struct harness_result *r = harness_build(h, "raise_priority");
        assert_int_equal(r->verdict, SB_OK);
        assert_string_equal(harness_text(r->request, "method"), "PATCH");
        harness_same(harness_at(r->request, "body"), "{\"priority\": \"High\"}");
        r = harness_fold(h, "raise_priority", raises[i].status, NULL, "{\"id\": \"201\"}");
        assert_int_equal(r->verdict, raises[i].verdict);
        harness_free(h);
    }
}

/* ---- a contact that the ticket is refused for ---- */

#define REFUSED                                                                                              \
    "{\"errorCode\": \"INVALID_DATA\", \"errors\": [{\"fieldName\": \"/contactId\", \"errorType\": "         \
    "\"invalid\"}]}"

static void a_refused_contact_is_left_in_the_same_step(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, OPEN_RECORD(""));
    const struct harness_result *r = harness_fold(h, "create_ticket", 422, NULL, REFUSED);
    assert_int_equal(r->verdict, SB_AGAIN);
    assert_string_equal(harness_text(r->record, "matching.refused"), A);
    /* Also in round 0, which a restart begins the span with. */
    r = harness_build(h, "create_ticket");
    assert_int_equal(r->verdict, SB_OK);
    assert_null(json_object_get(harness_at(r->request, "body"), "contactId"));
    harness_same(harness_at(r->request, "body.contact"),
                 "{\"lastName\": \"Rao\", \"firstName\": \"Asha\", \"email\": \"asha@example.com\"}");

    harness_set_round(h, 0);
    r = harness_reconcile_build(h, "create_ticket");
    assert_non_null(strstr(harness_text(r->request, "url"), "/tickets/search?"));
    assert_int_equal(harness_reconcile_fold(h, "create_ticket", 204, NULL, "")->verdict, SB_SKIP);
    r = harness_reconcile_fold(
        h, "create_ticket", 200, NULL,
        KIT_LIST("{\"id\": \"201\", \"subject\": \"s [SB-0123456789ABC]\", \"contactId\": \"" B "\"}"));
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->record, "contact.id"), B);
    r = harness_build(h, "add_remark");
    assert_int_equal(r->verdict, SB_OK);
    assert_non_null(strstr(harness_text(r->request, "body.content"), "Contact " A));
    harness_free(h);

    /* A second refusal is one for a person. */
    h = kit_new(NULL, OPEN_RECORD(""));
    assert_int_equal(harness_fold(h, "create_ticket", 422, NULL, REFUSED)->verdict, SB_AGAIN);
    harness_set_round(h, 1);
    assert_int_equal(harness_fold(h, "create_ticket", 422, NULL, REFUSED)->verdict, SB_REJECT);
    harness_free(h);
}

/* ---- proof ---- */

static void all_that_is_there_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *step, *body;
    } looks[] = {
        { "upload_attachment",
          KIT_LIST("{\"id\": \"1\", \"name\": \"0123456789ABC-1-bill.png\"}, {\"id\": \"2\", \"name\": "
                   "\"0123456789ABC-1-bill.png\"}, {\"id\": \"3\", \"name\": \"bill.png\"}") },
        { "attach_note",
          KIT_LIST("{\"id\": \"1\", \"content\": \"[SB-0123456789ABC/A1]\"}, {\"id\": \"2\", \"content\": "
                   "\"[SB-0123456789ABC/A1]\"}") },
    };
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        KIT_ROW(looks[i].step);
        struct harness *h = kit_new(NULL, ATTACHED);
        assert_int_equal(harness_build(h, looks[i].step)->verdict, SB_OK);
        harness_set_look(h, /* looks_for_all= */ true, NULL, false);
        assert_int_equal(harness_reconcile_build(h, looks[i].step)->verdict, SB_OK);
        const struct harness_result *r = harness_reconcile_fold(h, looks[i].step, 200, NULL, looks[i].body);
        assert_int_equal(r->verdict, SB_SKIP);
        assert_int_equal(json_array_size(r->found), 2);
        /* Another one than an operator names is not taken. */
        harness_set_look(h, /* looks_for_all= */ false, "9", false);
        assert_int_equal(harness_reconcile_build(h, looks[i].step)->verdict, SB_OK);
        assert_int_equal(harness_reconcile_fold(h, looks[i].step, 200, NULL, looks[i].body)->verdict,
                         SB_REJECT);
        harness_free(h);
    }
}

/* Both steps list the contact's tickets, and read the list in the same way. */
static void the_list_of_tickets_is_read_alike(void **state)
{
    (void)state;
    static const char *const steps[] = { "find_noted_ticket", "find_open_ticket" };
    for (size_t i = 0; i < 2; i++) {
        KIT_ROW(steps[i]);
        struct harness *h = kit_new("\"attach_to_open\": \"always\"", OPEN_RECORD(""));
        harness_set_doubtful(h, true);
        const struct harness_result *r =
            harness_fold(h, steps[i], 403, NULL, "{\"errorCode\": \"SCOPE_MISMATCH\"}");
        assert_int_equal(r->verdict, SB_RETRY);
        assert_non_null(strstr(r->reason, "cannot list the contact's tickets"));
        assert_non_null(strstr(r->reason, "Desk.contacts.READ,Desk.tickets.READ,Desk.search.READ"));
        assert_int_equal(harness_fold(h, steps[i], 404, NULL, "{}")->verdict, SB_OK);
        r = harness_fold(
            h, steps[i], 200, NULL,
            KIT_LIST(KIT_TICKET_JSON("202", "104", "Mine [SB-0123456789ABC]", "2026-03-09T09:00:00.000Z")));
        assert_int_equal(r->verdict, SB_OK);
        assert_string_equal(harness_text(r->record, "ticket.id"), "202");
        assert_null(json_object_get(harness_at(r->record, "ticket"), "attached"));
        harness_free(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_ticket_is_chosen),
        cmocka_unit_test(nobody_is_asked_without_need),
        cmocka_unit_test(its_own_ticket_is_no_other),
        cmocka_unit_test(the_list_of_tickets_is_read_alike),
        cmocka_unit_test(out_of_a_backup_the_ticket_with_the_note_is_found_again),
        cmocka_unit_test(out_of_a_backup_without_a_note_a_ticket_is_chosen_as_ever),
        cmocka_unit_test(out_of_a_backup_its_own_ticket_is_searched_for_before_another_is_chosen),
        cmocka_unit_test(the_note_has_it_all_and_no_ticket_is_made),
        cmocka_unit_test(a_ticket_that_is_gone_gives_way_to_a_new_one),
        cmocka_unit_test(a_lost_note_is_found_by_its_marker),
        cmocka_unit_test(the_priority_is_raised_if_that_is_possible),
        cmocka_unit_test(a_refused_contact_is_left_in_the_same_step),
        cmocka_unit_test(all_that_is_there_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
