/* An escalation from its record to the ticket, through the shipped script: fields, text in parts, files, remarks, and what
 * the user is told. */
#include "plugins/zoho_desk_user_kit.h"

#define CONTACT   "5000001000000301001"
#define PERSON    KIT_PERSON(CONTACT, "\"asha@example.com\"", "null", "null", "null")
#define TICKET_ID "5000001000000201001"

/* ---- the whole way ---- */

static const struct harness_answer new_user[] = {
    { "GET", "/contacts/7000001", 404, NULL, "{\"errorCode\": \"URL_NOT_FOUND\", \"message\": \"x\"}", 0 },
    { "GET", "/contacts/search", 204, NULL, "", 0 },
    { "POST", "/api/v1/contacts", 200, NULL, PERSON, 1 },
    { "POST", "/comments", 200, NULL, "{\"id\": \"5000001000000401001\"}", 0 },
    { "POST", "/attachments", 200, NULL, "{\"id\": \"5000001000000501001\", \"name\": \"x\"}", 0 },
    { "POST", "/api/v1/tickets", 200, NULL,
      "{\"id\": \"" TICKET_ID "\", \"ticketNumber\": \"103\", \"contactId\": \"" CONTACT "\"}", 1 },
    { .status = 0 },
};

static const json_t *request_to(struct harness *h, const char *method, const char *part)
{
    const json_t *requests = harness_requests(h);
    for (size_t i = 0; i < json_array_size(requests); i++) {
        const json_t *one = json_array_get(requests, i);
        if (strcmp(harness_text(one, "method"), method) == 0 && strstr(harness_text(one, "url"), part))
            return one;
    }
    fail_msg("no %s %s", method, part);
    return NULL;
}

static void a_new_user_gets_contact_ticket_files_and_message(void **state)
{
    (void)state;
    struct harness *h = kit_new(KIT_FIELD, KIT_ESCALATED);
    harness_answers(h, new_user);
    const struct harness_result *r = harness_run(h);
    assert_in_range(r->verdict, SB_OK, SB_SKIP);
    assert_string_equal(harness_text(r->record, "ticket.number"), "103");
    assert_string_equal(harness_text(r->record, "contact.id"), CONTACT);
    assert_true(json_is_true(harness_at(r->record, "contact.created")));
    harness_same(harness_at(r->record, "uploads.ids"), "[\"5000001000000501001\"]");
    assert_non_null(strstr(harness_text(r->record, "ticket.user_message"), "#103"));
    assert_non_null(strstr(harness_text(r->record, "ticket.user_message"), "टिकट"));
    assert_null(json_object_get(r->record, "remark"));

    harness_same(
        harness_at(request_to(h, "POST", "/api/v1/contacts"), "body"),
        "{\"lastName\": \"Rao\", \"firstName\": \"Asha\", \"email\": \"asha@example.com\", \"phone\": "
        "\"+915550100001\", \"description\": \"User id: u-1\\nCRM id: 7000001\", \"cf\": "
        "{\"cf_crm_id\": \"7000001\"}}");
    r = harness_build(h, "learn_contact");
    harness_same(harness_at(r->key_doc, "contact"),
                 "{\"id\": \"" CONTACT
                 "\", \"org_id\": \"600000001\", \"checked_ms\": 1773133200000, \"by\": "
                 "\"new\", \"crm_id\": \"7000001\", \"mapped_crm_id\": null, \"mapped_contact_id\": null}");
    assert_null(json_object_get(r->key_doc, "lock"));
    harness_free(h);
}

static void the_ticket_says_everything(void **state)
{
    (void)state;
    static const char *const said[] = {
        "Summary: Charged twice for one invoice.",
        "Why a person is needed: Billing dispute: The user disputes a charge.",
        "1. Looked at the invoice -&gt; two charges",
        "Name: Asha Rao",
        "User id: u-1",
        "CRM id: 7000001",
        "order.id: 17",
        "Agent: helper",
        "Received: 2026-03-10 14:30",
        "Reference: 0123456789ABC",
        "The conversation (2 messages)<br>[2026-03-10 14:28] User: I was &lt;b&gt;charged&lt;/b&gt;",
        " twice<br>    (attached: bill.png)<br>[2026-03-10 14:28] AI agent: Let me see.",
    };
    struct harness *h = kit_new(NULL, KIT_ESCALATED);
    const struct harness_result *r = harness_work(h, "map");
    assert_int_equal(r->verdict, SB_OK);
    const char *text = harness_text(r->record, "ticket.description");
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
        if (!strstr(text, said[i]))
            fail_msg("'%s' is not in: %s", said[i], text);
    assert_string_equal(harness_text(r->record, "ticket.subject"),
                        "Charged twice for one invoice. - Asha Rao [SB-0123456789ABC]");
    assert_string_equal(harness_text(r->record, "ticket.channel"), "Chat");
    assert_string_equal(harness_text(r->record, "ticket.category"), "Billing");
    assert_string_equal(harness_text(r->record, "ticket.email"), "asha@example.com");
    harness_free(h);
}

/* ---- who decides ---- */

static const struct {
    const char *name, *agent, *analysis;
    const char *priority, *category;
} deciders[] = {
    { "the agent first", "\"priority\": \"Low\", \"category\": \"Billing\"",
      "{\"mood\": \"Urgent\", \"concern\": \"x\", \"by\": \"keyword\", \"category\": \"Other matter\"}",
      "Low", "Billing" },
    { "then the classification", "\"reason_code\": \"billing_dispute\"",
      "{\"mood\": \"Neutral\", \"concern\": \"x\", \"by\": \"openai\", \"category\": \"Access\", "
      "\"priority\": "
      "\"Low\"}",
      "Low", "Access" },
    { "urgent is high", "\"reason_code\": \"question\"",
      "{\"mood\": \"Urgent\", \"concern\": \"x\", \"by\": \"keyword\", \"category\": \"other\"}", "High",
      NULL },
    { "then the reason", "\"reason_code\": \"billing_dispute\"", "null", "High", NULL },
    { "then the default", "\"reason_code\": \"question\"", "null", "Medium", NULL },
};

static void priority_and_category_come_in_the_scripts_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(deciders) / sizeof(deciders[0]); i++) {
        KIT_ROW(deciders[i].name);
        char record[1500];
        (void)snprintf(
            record, sizeof(record),
            "{\"escalation\": {\"id\": \"e\", \"agent\": \"a\", \"summary\": \"s\", \"received_at\": "
            "\"2026-03-10T09:00:00Z\", \"digest\": \"0\", %s}, \"user\": {\"id\": \"u\"}, "
            "\"conversation\": {\"messages\": []}, \"analysis\": %s}",
            deciders[i].agent, deciders[i].analysis);
        struct harness *h = kit_new(NULL, record);
        const struct harness_result *r = harness_work(h, "map");
        assert_int_equal(r->verdict, SB_OK);
        assert_string_equal(harness_text(r->record, "ticket.priority"), deciders[i].priority);
        const json_t *category = json_object_get(json_object_get(r->record, "ticket"), "category");
        if (deciders[i].category)
            assert_string_equal(json_string_value(category), deciders[i].category);
        else
            assert_null(category);
        harness_free(h);
    }
}

/* ---- long conversations ---- */

static char *long_record(size_t count)
{
    json_t *messages = json_array();
    for (size_t i = 0; i < count; i++) {
        char text[200];
        (void)snprintf(text, sizeof(text), "Line %zu & more: नमस्ते \xf0\x9f\x99\x8f <%zu>", i, i);
        json_array_append_new(messages,
                              json_pack("{s:s, s:s}", "role", i % 2 ? "agent" : "user", "content", text));
    }
    json_t *record = json_loads(KIT_ESCALATED, 0, NULL);
    json_object_set_new(json_object_get(record, "conversation"), "messages", messages);
    char *json = json_dumps(record, 0);
    json_decref(record);
    assert_non_null(json);
    return json;
}

static size_t units(const char *text)
{
    size_t count = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        count += (*p & 0xC0) == 0x80 ? 0 : *p >= 0xF0 ? 2 : 1;
    return count;
}

/* Every line is once in the description or in one of the notes, in order. */
static void a_long_conversation_is_complete(void **state)
{
    (void)state;
    enum { LINES = 3000 };
    char *json = long_record(LINES);
    struct harness *h = kit_new("\"note_size_max\": 20000", json);
    free(json);
    const struct harness_result *r = harness_work(h, "map");
    assert_int_equal(r->verdict, SB_OK);
    assert_in_range(units(harness_text(r->record, "ticket.description")), 20000, 32000);

    char *all = calloc(1, 1 << 20);
    assert_non_null(all);
    memcpy(all, harness_text(r->record, "ticket.description"),
           strlen(harness_text(r->record, "ticket.description")));
    json_t *record = json_deep_copy(r->record);
    json_object_set_new(json_object_get(record, "ticket"), "id", json_string(TICKET_ID));
    json = json_dumps(record, 0);
    harness_set_record(h, json);
    json_decref(record);
    free(json);
    size_t parts = 0;
    for (uint32_t round = 0;; round++, parts++) {
        harness_set_round(h, round);
        r = harness_build(h, "add_note");
        assert_int_equal(r->verdict, SB_OK);
        const char *content = harness_text(r->request, "body.content");
        assert_in_range(units(content), 1, 20000);
        assert_non_null(strstr(content, "Escalation, continued of escalation esc-1\n"));
        assert_true(json_is_false(harness_at(r->request, "body.isPublic")));
        memcpy(all + strlen(all), content, strlen(content));
        if (harness_fold(h, "add_note", 200, NULL, "{\"id\": \"5000001000000401001\"}")->verdict == SB_OK)
            break;
    }
    assert_in_range(parts, 2, 20);
    const char *at = all;
    for (size_t i = 0; i < LINES; i++) {
        char in_html[64], in_text[64];
        (void)snprintf(in_html, sizeof(in_html), "Line %zu &amp; more: नमस्ते", i);
        (void)snprintf(in_text, sizeof(in_text), "Line %zu & more: नमस्ते", i);
        const char *html = strstr(at, in_html), *text = strstr(at, in_text);
        const char *found = html ? html : text;
        if (!found)
            fail_msg("line %zu is missing", i);
        at = found + 1;
    }
    free(all);
    harness_free(h);
}

static void a_short_one_needs_no_note(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, KIT_ESCALATED);
    assert_int_equal(harness_work(h, "map")->verdict, SB_OK);
    assert_int_equal(harness_build(h, "add_note")->verdict, SB_SKIP);
    harness_free(h);
}

/* ---- files ---- */

#define READY(items, more)                                                                                   \
    "{" KIT_ESCALATION_BARE ", " KIT_FULL_USER ", \"attachments\": {\"items\": [" items "]}, \"ticket\": {"  \
    "\"id\": \"" TICKET_ID "\", \"number\": \"103\"}, \"contact\": {\"id\": \"" CONTACT "\"}" more "}"
#define KIT_ESCALATION_BARE                                                                                  \
    "\"escalation\": {\"id\": \"esc-1\", \"agent\": \"helper\", \"summary\": \"s\", \"received_at\": "       \
    "\"2026-03-10T09:00:00Z\", \"digest\": \"0\"}"

static void a_saved_file_goes_along_under_its_own_name(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, "{}");
    const char *file = harness_put_file(h, "a0.bin", "abc", 3);
    char record[1500];
    (void)snprintf(
        record, sizeof(record),
        READY("{\"name\": \"a/b \\\"c\\\".txt\", \"content_type\": \"text/plain\", \"file\": \"%s\"}", ""),
        file);
    harness_set_record(h, record);
    const struct harness_result *r = harness_build(h, "upload_attachment");
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->request, "url"),
                        "https://desk.zoho.com/api/v1/tickets/" TICKET_ID "/attachments?isPublic=false");
    assert_string_equal(harness_text(r->intent, "name"), "0123456789ABC-1-a_b _c_.txt");
    r = harness_fold(h, "upload_attachment", 200, NULL, "{\"id\": \"5000001000000501001\"}");
    assert_int_equal(r->verdict, SB_OK);
    harness_same(harness_at(r->record, "uploads"), "{\"ids\": [\"5000001000000501001\"]}");
    harness_free(h);
}

static const struct {
    const char *name, *item, *more;
    int status; /* 0: it is not sent */
    const char *why;
} failures[] = {
    { "never fetched",
      "{\"name\": \"a\", \"url\": \"https://files.example.com/a\", \"why\": \"host not allowed\"}", NULL, 0,
      "host not allowed" },
    { "gone", "{\"name\": \"a\", \"file\": \"1/none.bin\"}", NULL, 0, "the file is not there any more" },
    { "too large", "{\"name\": \"a\", \"base64\": \"AAECgP8=\"}", "\"attachment_max\": \"3\"", 0,
      "it is larger than 3 bytes" },
    { "no base64", "{\"name\": \"a\", \"base64\": \"AAE!gP8=\"}", NULL, 0, "it is no valid base64" },
    { "empty", "{\"name\": \"a\", \"base64\": \"\"}", NULL, 0, "it is empty" },
    { "refused for its size", "{\"name\": \"a\", \"base64\": \"AAECgP8=\"}", NULL, 413,
      "Zoho Desk calls it too large" },
    { "refused", "{\"name\": \"a\", \"base64\": \"AAECgP8=\"}", NULL, 422, "Zoho Desk refused it (422)" },
    { "no ticket", "{\"name\": \"a\", \"base64\": \"AAECgP8=\"}", NULL, 404,
      "the ticket was deleted or merged" },
};

static void a_file_that_cannot_be_attached_is_remarked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        KIT_ROW(failures[i].name);
        char record[2000];
        (void)snprintf(record, sizeof(record), READY("%s", ""), failures[i].item);
        struct harness *h = kit_new(failures[i].more, record);
        const struct harness_result *r = harness_build(h, "upload_attachment");
        assert_int_equal(r->verdict, failures[i].status ? SB_OK : SB_SKIP);
        if (failures[i].status)
            r = harness_fold(h, "upload_attachment", failures[i].status, NULL, "{\"errorCode\": \"X\"}");
        assert_in_range(r->verdict, SB_OK, SB_SKIP);
        assert_string_equal(harness_text(r->record, "uploads.failed.0.why"), failures[i].why);
        r = harness_build(h, "add_remark");
        assert_int_equal(r->verdict, SB_OK);
        assert_true(json_is_false(harness_at(r->request, "body.isPublic")));
        assert_non_null(strstr(harness_text(r->request, "body.content"), failures[i].why));
        assert_non_null(strstr(harness_text(r->request, "body.content"), "[SB-0123456789ABC/R]"));
        harness_free(h);
    }
}

#define TWO "{\"name\": \"a.png\", \"base64\": \"AAECgP8=\"}, {\"name\": \"a.png\", \"base64\": \"AAECgP8=\"}"

static void two_files_of_one_name_are_told_apart(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, READY(TWO, ""));
    assert_int_equal(harness_build(h, "upload_attachment")->verdict, SB_OK);
    const struct harness_result *r = harness_reconcile_fold(
        h, "upload_attachment", 200, NULL,
        KIT_LIST(
            "{\"id\": \"1\", \"name\": \"0123456789ABC-2-a.png\"}, {\"id\": \"2\", \"name\": \"a.png\"}"));
    assert_int_equal(r->verdict, SB_SKIP);
    r = harness_reconcile_fold(
        h, "upload_attachment", 200, NULL,
        KIT_LIST("{\"id\": \"3\", \"name\": \"0123456789ABC-1-a.png\", \"size\": \"5\"}"));
    assert_int_equal(r->verdict, SB_OK);
    assert_true(r->has_more);
    harness_set_round(h, 1);
    r = harness_build(h, "upload_attachment");
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->intent, "name"), "0123456789ABC-2-a.png");
    assert_int_equal(harness_fold(h, "upload_attachment", 200, NULL, "{\"id\": \"4\"}")->verdict, SB_OK);
    harness_set_round(h, 0);
    assert_int_equal(harness_build(h, "upload_attachment")->verdict, SB_AGAIN);
    harness_free(h);
}

static void a_long_name_keeps_its_extension(void **state)
{
    (void)state;
    char name[300], record[2000];
    memset(name, 'n', sizeof(name));
    memcpy(name + 200, ".jpeg", 6);
    (void)snprintf(record, sizeof(record), READY("{\"name\": \"%s\", \"base64\": \"AAECgP8=\"}", ""), name);
    struct harness *h = kit_new(NULL, record);
    const struct harness_result *r = harness_build(h, "upload_attachment");
    const char *sent = harness_text(r->intent, "name");
    assert_int_equal(strlen(sent), 100);
    assert_string_equal(sent + 95, ".jpeg");
    harness_free(h);
}

/* ---- remarks and the message ---- */

static void an_ambiguous_contact_is_remarked_with_all_ids(void **state)
{
    (void)state;
    struct harness *h = kit_new(
        NULL,
        READY("",
              ", \"matching\": {\"candidates\": [\"11\", \"12\"], \"ambiguous\": \"have the user's e-mail "
              "address\"}"));
    const struct harness_result *r = harness_build(h, "add_remark");
    assert_int_equal(r->verdict, SB_OK);
    const char *content = harness_text(r->request, "body.content");
    assert_non_null(strstr(content, "2 contacts have the user's e-mail address"));
    assert_non_null(strstr(content, "- 11\n- 12\n"));
    r = harness_fold(h, "add_remark", 200, NULL, "{\"id\": \"5000001000000401001\"}");
    assert_int_equal(r->verdict, SB_OK);
    assert_int_equal(harness_build(h, "add_remark")->verdict, SB_SKIP);
    harness_free(h);
}

static const struct {
    const char *locale, *attached, *text;
} messages[] = {
    { "en", "false", "Your ticket is #103; a person" },
    { "fr-FR", "false", "Your ticket is #103; a person" },
    { "hi", "false", "टिकट संख्या: #103" },
    { "hi-IN", "true", "टिकट #103 में जोड़ दी" },
    { "en-US", "true", "added this to your open ticket #103" },
};

static void the_user_is_told_in_their_language(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        KIT_ROW(messages[i].locale);
        char record[1000];
        (void)snprintf(record, sizeof(record),
                       "{" KIT_ESCALATION_BARE ", \"user\": {\"id\": \"u\", \"locale\": \"%s\"}, \"ticket\": "
                       "{\"id\": \"" TICKET_ID "\", \"number\": \"103\", \"attached\": %s}}",
                       messages[i].locale, messages[i].attached);
        struct harness *h = kit_new(NULL, record);
        const struct harness_result *r = harness_build(h, "write_message");
        assert_int_equal(r->verdict, SB_SKIP);
        if (!strstr(harness_text(r->record, "ticket.user_message"), messages[i].text))
            fail_msg("no '%s' in '%s'", messages[i].text, harness_text(r->record, "ticket.user_message"));
        harness_free(h);
    }
}

static int say(void *script, const char *function, const json_t *record, const json_t *argument,
               uint64_t seed, int64_t now_ms, json_t **ret_result, struct sb_error *err)
{
    (void)function;
    (void)record;
    (void)argument;
    (void)seed;
    (void)now_ms;
    if (!script)
        return sb_fail(err, SB_EINPUT, "zoho_ticket.lua:7: attempt to index a nil value");
    *ret_result = json_loads(script, JSON_DECODE_ANY, NULL);
    return 0;
}

static bool has_nothing(void *script, const char *function)
{
    (void)script;
    (void)function;
    return false;
}

/* A script of before, one that fails, and ones that say nothing of use: the ticket is there all the same. */
static void the_user_is_told_whatever_the_script_does(void **state)
{
    (void)state;
    static const struct script_host host = { .call = say };
    static const struct script_host old = { .call = say, .has = has_nothing };
    static const struct {
        const char *script;
        bool is_old;
        const char *text;
    } scripts[] = { { NULL, false, "ticket #103. A person" },
                    { NULL, true, "ticket #103. A person" },
                    { "17", false, "ticket #103. A person" },
                    { "null", false, "ticket #103. A person" },
                    { "\"Hello #103\"", false, "Hello #103" } };
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        struct harness *h = kit_new(NULL, READY("", ""));
        harness_set_script_host(h, scripts[i].is_old ? &old : &host, (void *)(uintptr_t)scripts[i].script);
        const struct harness_result *r = harness_build(h, "write_message");
        assert_int_equal(r->verdict, SB_SKIP);
        assert_non_null(strstr(harness_text(r->record, "ticket.user_message"), scripts[i].text));
        harness_free(h);
    }
}

/* The steps of escalations leave calls alone. */
static void calls_pass_by(void **state)
{
    (void)state;
    static const char *const names[] = {
        "read_mapping",         "recall_contact",     "check_given_contact",  "find_crm_id",
        "check_mapped_contact", "find_mapped_crm_id", "check_learnt_contact", "find_user_id",
        "find_email",           "choose_lock",        "find_open_ticket",     "attach_note",
        "raise_priority",       "upload_attachment",  "add_remark",           "write_message",
        "learn_contact",
    };
    struct harness *h = kit_new(KIT_FIELD, KIT_READY);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        KIT_ROW(names[i]);
        const struct harness_result *r = harness_build(h, names[i]);
        assert_int_equal(r->verdict, SB_SKIP);
        assert_string_equal(r->reason, ""); /* it costs no commit */
        harness_same(r->record, KIT_READY);
    }
    assert_null(harness_key(h, "read_mapping"));
    assert_null(harness_key(h, "recall_contact"));
    assert_null(harness_key(h, "learn_contact"));
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_user_gets_contact_ticket_files_and_message),
        cmocka_unit_test(the_ticket_says_everything),
        cmocka_unit_test(priority_and_category_come_in_the_scripts_order),
        cmocka_unit_test(a_long_conversation_is_complete),
        cmocka_unit_test(a_short_one_needs_no_note),
        cmocka_unit_test(a_saved_file_goes_along_under_its_own_name),
        cmocka_unit_test(a_file_that_cannot_be_attached_is_remarked),
        cmocka_unit_test(two_files_of_one_name_are_told_apart),
        cmocka_unit_test(a_long_name_keeps_its_extension),
        cmocka_unit_test(an_ambiguous_contact_is_remarked_with_all_ids),
        cmocka_unit_test(the_user_is_told_in_their_language),
        cmocka_unit_test(the_user_is_told_whatever_the_script_does),
        cmocka_unit_test(calls_pass_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
