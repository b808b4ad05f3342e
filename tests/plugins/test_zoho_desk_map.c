/* The map step: the shipped script, the checks on what scripts return, limits and injection. */
#include "plugins/zoho_desk_kit.h"

/* ---- a script host that returns what the row says ------------------------------------------------------ */

static int return_fields(void *script, const char *function, const json_t *record, const json_t *argument,
                         uint64_t seed, int64_t now_ms, json_t **ret_result, struct sb_error *err)
{
    (void)record, (void)seed, (void)now_ms, (void)err;
    assert_string_equal(function, "ticket");
    assert_string_equal(harness_text(argument, "default_priority"), "Medium");
    assert_string_equal(harness_text(argument, "department_id"), "5000001000000006001");
    assert_string_equal(harness_text(argument, "reference"), "0123456789ABC");
    *ret_result = json_loads(script, JSON_DECODE_ANY, NULL);
    assert_non_null(*ret_result);
    return 0;
}

static const struct script_host fields_host = { .call = return_fields };

static const struct harness_result *map_fields(struct harness *h, const char *fields)
{
    harness_set_script_host(h, &fields_host, (void *)(uintptr_t)fields);
    return harness_work(h, "map");
}

/* ---- the shipped script -------------------------------------------------------------------------------- */

static void maps_a_call_as_people_know_it(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, KIT_NEW);
    const struct harness_result *r = harness_work(h, "map");

    assert_int_equal(r->verdict, SB_OK);
    const json_t *ticket = harness_at(r->record, "ticket");
    assert_string_equal(harness_text(ticket, "subject"),
                        "Call from 05550100001 - Billing inquiry [SB-0123456789ABC]");
    assert_string_equal(harness_text(ticket, "channel"), "Phone");
    assert_string_equal(harness_text(ticket, "status"), "Open");
    assert_string_equal(harness_text(ticket, "priority"), "Medium");
    assert_string_equal(harness_text(ticket, "category"), "Billing");
    assert_string_equal(harness_text(ticket, "phone"), "+915550100001");
    assert_string_equal(harness_text(ticket, "departmentId"), "5000001000000006001");
    assert_string_equal(harness_text(ticket, "reference"), "0123456789ABC");
    const char *description = harness_text(ticket, "description");
    static const char *const lines[] = { "Agent: Asha (Support)<br>",
                                         "2026-03-10 14:30",
                                         "Duration: 2 min 5 s<br>",
                                         "Direction: Incoming<br>",
                                         "Mood: Negative<br>",
                                         "Concern: Billing inquiry<br>",
                                         "Recording: https://recordings.example.com/1.mp3<br>",
                                         "Call id: examplecall000000000000000000001<br>" };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (!strstr(description, lines[i]))
            fail_msg("no '%s' in: %s", lines[i], description);
    assert_null(strstr(description, "No transcription"));
    harness_free(h);
}

static const struct {
    const char *name, *record;
    const char *subject, *priority, *description, *not_in_description;
} calls[] = {
    { "an urgent mood is a high priority",
      "{\"call\": {\"customer\": \"05550100001\"}, \"analysis\": {\"mood\": \"Urgent\", \"concern\": "
      "\"Outage\"}}",
      "Call from 05550100001 - Outage [SB-0123456789ABC]", "High", "Mood: Urgent", NULL },
    { "the priority of the analysis goes before the default",
      "{\"call\": {\"customer\": \"05550100001\"}, \"analysis\": {\"mood\": \"Neutral\", \"concern\": \"x\", "
      "\"priority\": \"Low\"}}",
      "Call from 05550100001 - x [SB-0123456789ABC]", "Low", "Concern: x", NULL },
    { "a missed call says so and has no transcription to miss",
      "{\"call\": {\"customer\": \"05550100001\", \"status\": \"missed\", \"missed_reason\": \"no-answer\"}}",
      "Call from 05550100001 - Missed call [SB-0123456789ABC]", "Medium", "Missed: no-answer",
      "No transcription" },
    { "a transcription that nobody could make is said in words",
      "{\"call\": {\"customer\": \"05550100001\", \"status\": \"answered\"}, \"problems\": [{\"stage\": 0, "
      "\"instance\": \"deepgram\", \"reason\": \"HTTP 402\"}]}",
      "Call from 05550100001 - General inquiry - assistance needed [SB-0123456789ABC]", "Medium",
      "No transcription: the recording could not be transcribed", NULL },
    { "a recording that never came is said in words",
      "{\"call\": {\"customer\": \"05550100001\"}, \"recording\": {\"state\": \"missing\", \"why\": \"never "
      "made\"}}",
      "Call from 05550100001 - General inquiry - assistance needed [SB-0123456789ABC]", "Medium",
      "No transcription: the recording is missing: never made", NULL },
    { "silence is said in words",
      "{\"call\": {\"customer\": \"05550100001\"}, \"transcript\": {\"text\": \"\", \"is_empty\": true}}",
      "Call from 05550100001 - General inquiry - assistance needed [SB-0123456789ABC]", "Medium",
      "No transcription: nobody was heard on the recording", NULL },
    { "an agent who is not listed is named by number",
      "{\"call\": {\"customer\": \"05550100001\", \"agent_number\": \"05550100177\", \"agent_known\": "
      "false}}",
      "Call from 05550100001 - General inquiry - assistance needed [SB-0123456789ABC]", "Medium",
      "Agent: 05550100177 (not in the agents file)", NULL },
    { "a withheld number makes a ticket too", "{\"call\": {\"customer\": null}}",
      "Call from unknown number - General inquiry - assistance needed [SB-0123456789ABC]", "Medium",
      "Agent: nobody", NULL },
    { "a record without a call makes a ticket too", "{\"source\": {\"external_id\": \"conversation-7\"}}",
      "Call from unknown number - General inquiry - assistance needed [SB-0123456789ABC]", "Medium",
      "Call id: conversation-7", NULL },
    { "action items and a request for review are listed",
      "{\"call\": {\"customer\": \"05550100001\"}, \"analysis\": {\"concern\": \"x\", \"needs_review\": "
      "true, "
      "\"category\": \"other\", \"action_items\": [{\"owner\": \"agent\", \"text\": \"call back\", \"due\": "
      "\"Monday\"}, "
      "{\"owner\": null, \"text\": \"send bill\", \"due\": null}]}}",
      "Call from 05550100001 - x [SB-0123456789ABC]", "Medium",
      "To do: agent: call back (Monday)<br>To do: send bill<br>Please check: ", "Category" },
};

static void shipped_script_says_what_happened(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        KIT_ROW(calls[i].name);
        struct harness *h = kit_new(NULL, calls[i].record);
        const struct harness_result *r = harness_work(h, "map");

        assert_int_equal(r->verdict, SB_OK);
        assert_string_equal(harness_text(r->record, "ticket.subject"), calls[i].subject);
        assert_string_equal(harness_text(r->record, "ticket.priority"), calls[i].priority);
        assert_non_null(strstr(harness_text(r->record, "ticket.description"), calls[i].description));
        if (calls[i].not_in_description)
            assert_null(strstr(harness_text(r->record, "ticket.description"), calls[i].not_in_description));
        harness_free(h);
    }
}

static void callers_cannot_inject_markup(void **state)
{
    (void)state;
    struct harness *h = kit_new(
        NULL,
        "{\"call\": {\"customer\": \"05550100001\", \"agent_name\": \"<b>x</b>\"}, \"analysis\": {\"mood\": "
        "\"Neutral\", \"concern\": \"<script>alert(1)</script> & \\\"more\\\"\\nsecond line\", \"summary\": "
        "\"<img src=x onerror='y'>\"}}");
    const struct harness_result *r = harness_work(h, "map");

    const char *description = harness_text(r->record, "ticket.description");
    assert_null(strstr(description, "<script"));
    assert_null(strstr(description, "<img"));
    assert_null(strstr(description, "<b>"));
    assert_non_null(
        strstr(description, "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;<br>second line"));
    assert_string_equal(
        harness_text(r->record, "ticket.subject"),
        "Call from 05550100001 - <script>alert(1)</script> & \"more\" second line [SB-0123456789ABC]");
    harness_free(h);
}

/* ---- what any script may return ------------------------------------------------------------------------ */

static const struct {
    const char *name, *fields;
    const char *want; /* the ticket without subject, reference and org_id */
} taken[] = {
    { "nothing gets the defaults", "{}",
      "{\"departmentId\": \"5000001000000006001\", \"priority\": \"Medium\", \"channel\": \"Phone\", "
      "\"status\": "
      "\"Open\"}" },
    { "the script goes before the defaults",
      "{\"departmentId\": 5000001000000006002, \"priority\": \"High\", \"channel\": \"Chat\", \"status\": "
      "\"On Hold\"}",
      "{\"departmentId\": \"5000001000000006002\", \"priority\": \"High\", \"channel\": \"Chat\", "
      "\"status\": \"On "
      "Hold\"}" },
    { "empty values are left out",
      "{\"category\": \"\", \"productId\": \"\", \"phone\": null, \"cf\": {}, \"entitySkills\": [], "
      "\"assigneeId\": \"\"}",
      "{\"departmentId\": \"5000001000000006001\", \"priority\": \"Medium\", \"channel\": \"Phone\", "
      "\"status\": "
      "\"Open\"}" },
    { "a phone loses the signs that are refused", "{\"phone\": \"(0555) 010-0001 <x>\"}",
      "{\"phone\": \"0555 010-0001 x\", \"departmentId\": \"5000001000000006001\", \"priority\": \"Medium\", "
      "\"channel\": \"Phone\", \"status\": \"Open\"}" },
    { "an e-mail address of the wrong form is left out", "{\"email\": \"not an address\"}",
      "{\"departmentId\": \"5000001000000006001\", \"priority\": \"Medium\", \"channel\": \"Phone\", "
      "\"status\": "
      "\"Open\"}" },
    { "a good e-mail address stays", "{\"email\": \"caller.one@example.com\"}",
      "{\"email\": \"caller.one@example.com\", \"departmentId\": \"5000001000000006001\", \"priority\": "
      "\"Medium\", "
      "\"channel\": \"Phone\", \"status\": \"Open\"}" },
    { "times become UTC with milliseconds", "{\"dueDate\": \"2026-03-12T14:30:00+05:30\"}",
      "{\"dueDate\": \"2026-03-12T09:00:00.000Z\", \"departmentId\": \"5000001000000006001\", \"priority\": "
      "\"Medium\", "
      "\"channel\": \"Phone\", \"status\": \"Open\"}" },
    { "custom fields become text",
      "{\"cf\": {\"cf_mood\": \"Negative\", \"cf_seconds\": 125, \"cf_vip\": true, \"cf_none\": null, "
      "\"cf_empty\": "
      "\"\"}}",
      "{\"cf\": {\"cf_mood\": \"Negative\", \"cf_seconds\": \"125\", \"cf_vip\": \"true\"}, "
      "\"departmentId\": "
      "\"5000001000000006001\", \"priority\": \"Medium\", \"channel\": \"Phone\", \"status\": \"Open\"}" },
    { "ids may be numbers in lists",
      "{\"secondaryContacts\": [5000001000000301002, \"5000001000000301003\"]}",
      "{\"secondaryContacts\": [\"5000001000000301002\", \"5000001000000301003\"], \"departmentId\": "
      "\"5000001000000006001\", \"priority\": \"Medium\", \"channel\": \"Phone\", \"status\": \"Open\"}" },
};

static void fields_are_made_to_fit(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        KIT_ROW(taken[i].name);
        struct harness *h = kit_new(NULL, KIT_NEW);
        const struct harness_result *r = map_fields(h, taken[i].fields);

        assert_int_equal(r->verdict, SB_OK);
        json_t *ticket = json_deep_copy(harness_at(r->record, "ticket"));
        assert_string_equal(harness_text(ticket, "subject"), "Call [SB-0123456789ABC]");
        json_object_del(ticket, "subject");
        json_object_del(ticket, "reference");
        json_object_del(ticket, "org_id");
        harness_same(ticket, taken[i].want);
        json_decref(ticket);
        harness_free(h);
    }
}

static const struct {
    const char *fields, *why;
} defects[] = {
    { "null", "mapping script returns no table of fields from function 'ticket'" },
    { "[\"subject\"]", "mapping script returns no table of fields from function 'ticket'" },
    { "{\"priorty\": \"High\"}", "mapping script sets unknown field 'priorty'; did you mean 'priority'?" },
    { "{\"departmentID\": \"1\"}",
      "mapping script sets unknown field 'departmentID'; did you mean 'departmentId'?" },
    { "{\"something_else\": \"1\"}", "mapping script sets unknown field 'something_else'; a ticket has "
                                     "subject, description, priority, status, category, "
                                     "channel, cf and others (docs/RECORD.md)" },
    { "{\"tags\": [\"vip\"]}",
      "mapping script sets 'tags', which it may not: Zoho Desk takes no tags when a ticket is "
      "created; use a custom field in 'cf'" },
    { "{\"contactId\": \"1\"}", "mapping script sets 'contactId', which it may not: the contact is found or "
                                "made by the caller's number" },
    { "{\"customFields\": {}}",
      "mapping script sets 'customFields', which it may not: give custom fields by their API names in 'cf'" },
    { "{\"departmentId\": \"Support\"}",
      "mapping script sets field 'departmentId' to something that is not an id (digits)" },
    { "{\"subject\": [1]}", "mapping script sets field 'subject' to something that is not text" },
    { "{\"priority\": true}", "mapping script sets field 'priority' to something that is not text" },
    { "{\"secondaryContacts\": \"1\"}",
      "mapping script sets field 'secondaryContacts' to something that is not a list of ids" },
    { "{\"entitySkills\": [\"x\"]}",
      "mapping script sets field 'entitySkills' to something that is not a list of ids (digits)" },
    { "{\"dueDate\": \"tomorrow\"}",
      "mapping script sets field 'dueDate' to something that is not a time such as 2026-03-10T09:00:00Z" },
    { "{\"cf\": \"x\"}",
      "mapping script sets field 'cf' to something that is not a table of cf_<name> = text" },
    { "{\"cf\": {\"mood\": \"x\"}}",
      "mapping script sets custom field 'mood' by another name than its API name, which begins with 'cf_'" },
    { "{\"cf\": {\"cf_x\": {\"a\": 1}}}",
      "mapping script sets field 'cf_x' to something that is not text, a number or a yes or no" },
};

static void wrong_fields_are_defects_of_the_script(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(defects) / sizeof(defects[0]); i++) {
        KIT_ROW(defects[i].fields);
        struct harness *h = kit_new(NULL, KIT_NEW);
        const struct harness_result *r = map_fields(h, defects[i].fields);

        assert_true(r->is_defect);
        assert_non_null(strstr(r->reason, defects[i].why));
        assert_null(json_object_get(r->record, "ticket"));
        harness_free(h);
    }
}

/* ---- limits -------------------------------------------------------------------------------------------- */

/* {"<field>": "<text><unit><unit>..."}; the caller frees it. */
static char *long_field(const char *field, const char *text, const char *unit, size_t count)
{
    size_t size = strlen(field) + strlen(text) + strlen(unit) * count + 16;
    char *json = malloc(size);
    assert_non_null(json);
    int at = snprintf(json, size, "{\"%s\": \"%s", field, text);
    for (size_t i = 0; i < count; i++)
        at += snprintf(json + at, size - (size_t)at, "%s", unit);
    (void)snprintf(json + at, size - (size_t)at, "\"}");
    return json;
}

/* Length as the service counts: characters beyond the basic plane are two. */
static size_t units(const char *text)
{
    size_t count = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        count += (*p & 0xC0) == 0x80 ? 0 : *p >= 0xF0 ? 2 : 1;
    return count;
}

static void long_subjects_are_cut_before_the_reference(void **state)
{
    static const char *const letters[] = { "x", "न", "😀" };
    (void)state;
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        KIT_ROW(letters[i]);
        char *fields = long_field("subject", "Call ", letters[i], 400);
        struct harness *h = kit_new(NULL, KIT_NEW);
        const struct harness_result *r = map_fields(h, fields);
        const char *subject = harness_text(r->record, "ticket.subject");

        assert_in_range(units(subject), 254, 255);
        assert_string_equal(subject + strlen(subject) - strlen("… [SB-0123456789ABC]"),
                            "… [SB-0123456789ABC]");
        harness_free(h);
        free(fields);
    }
}

static void long_values_are_cut_to_their_limit(void **state)
{
    static const struct {
        const char *field;
        size_t max;
    } rows[] = {
        { "priority", 120 }, { "category", 300 }, { "status", 120 }, { "phone", 120 }, { "resolution", 65535 }
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        KIT_ROW(rows[i].field);
        char path[40];
        char *fields = long_field(rows[i].field, "", "1", 70000);
        struct harness *h = kit_new(NULL, KIT_NEW);
        const struct harness_result *r = map_fields(h, fields);

        (void)snprintf(path, sizeof(path), "ticket.%s", rows[i].field);
        assert_int_equal(units(harness_text(r->record, path)), rows[i].max);
        harness_free(h);
        free(fields);
    }
}

static void a_long_description_is_cut_between_entities(void **state)
{
    (void)state;
    char *fields = long_field("description", "", "<", 30000);
    struct harness *h = kit_new(NULL, KIT_NEW);
    const struct harness_result *r = map_fields(h, fields);
    const char *description = harness_text(r->record, "ticket.description");

    assert_in_range(units(description), 40000, 65535);
    const char *tail = description + strlen(description) - strlen("&lt;…");
    assert_string_equal(tail, "&lt;…");
    harness_free(h);
    free(fields);
}

/* ---- options and repetition ---------------------------------------------------------------------------- */

static void the_reference_goes_to_a_custom_field_too(void **state)
{
    (void)state;
    struct harness *h = kit_new("\"reference_field\": \"cf_switchboard\"", KIT_NEW);
    const struct harness_result *r = map_fields(h, "{\"cf\": {\"cf_other\": \"x\"}}");
    harness_same(harness_at(r->record, "ticket.cf"),
                 "{\"cf_other\": \"x\", \"cf_switchboard\": \"0123456789ABC\"}");
    r = map_fields(h, "{}");
    harness_same(harness_at(r->record, "ticket.cf"), "{\"cf_switchboard\": \"0123456789ABC\"}");
    harness_free(h);
}

static void a_record_with_a_ticket_keeps_it(void **state)
{
    (void)state;
    struct harness *h = kit_new(
        NULL,
        "{\"ticket\": {\"id\": \"5000001000000201001\", \"org_id\": \"600000001\", \"subject\": \"old\"}}");
    const struct harness_result *r = harness_work(h, "map");
    assert_int_equal(r->verdict, SB_SKIP);
    assert_string_equal(harness_text(r->record, "ticket.subject"), "old");

    harness_set_record(h, "{\"ticket\": {\"id\": \"5000001000000201001\", \"org_id\": \"600000002\"}}");
    r = harness_work(h, "map");
    assert_int_equal(r->verdict, SB_REJECT);
    assert_string_equal(r->reason, "the record has a ticket in organization '600000002' already: a pipeline "
                                   "can have one zoho_desk sink");
    harness_free(h);
}

static int fail_script(void *script, const char *function, const json_t *record, const json_t *argument,
                       uint64_t seed, int64_t now_ms, json_t **ret_result, struct sb_error *err)
{
    (void)script, (void)function, (void)record, (void)argument, (void)seed, (void)now_ms, (void)ret_result;
    return sb_fail(err, SB_ECONFIG, "zoho_ticket.lua:7: attempt to index a nil value");
}

static void a_failing_script_stops_the_record(void **state)
{
    (void)state;
    static const struct script_host failing = { .call = fail_script };
    struct harness *h = kit_new(NULL, KIT_NEW);
    harness_set_script_host(h, &failing, NULL);
    const struct harness_result *r = harness_work(h, "map");
    assert_true(r->is_defect);
    assert_non_null(strstr(r->reason, "zoho_ticket.lua:7: attempt to index a nil value"));
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_a_call_as_people_know_it),
        cmocka_unit_test(shipped_script_says_what_happened),
        cmocka_unit_test(callers_cannot_inject_markup),
        cmocka_unit_test(fields_are_made_to_fit),
        cmocka_unit_test(wrong_fields_are_defects_of_the_script),
        cmocka_unit_test(long_subjects_are_cut_before_the_reference),
        cmocka_unit_test(long_values_are_cut_to_their_limit),
        cmocka_unit_test(a_long_description_is_cut_between_entities),
        cmocka_unit_test(the_reference_goes_to_a_custom_field_too),
        cmocka_unit_test(a_record_with_a_ticket_keeps_it),
        cmocka_unit_test(a_failing_script_stops_the_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
