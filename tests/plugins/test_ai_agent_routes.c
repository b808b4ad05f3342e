/* ai_agent: attachments that are fetched, the description of the API, the Model Context Protocol, and scripts that adapt
 * what others send. */
#include "plugins/ai_agent_kit.h"

/* ---- attachments --------------------------------------------------------------------------------------- */

#define ITEM(more)                                                                                           \
    "{\"attachments\": {\"items\": [{\"name\": \"a\", \"url\": \"https://files.example.com/a\"" more "}]}}"

static const struct {
    const char *name;
    int64_t age_ms; /* of the 300 s that it is tried for */
    int status;     /* 0: no answer */
    enum sb_verdict verdict;
    int64_t delay_ms;
    const char *file, *why;
} fetches[] = {
    { "it is there", 0, 200, SB_AGAIN, 0, "attachment-1", NULL },
    { "it is not there", 0, 404, SB_AGAIN, 0, NULL, "the server answered 404" },
    { "it is elsewhere", 0, 302, SB_AGAIN, 0, NULL, "the server answered 302" },
    { "there is nothing in it", 0, 204, SB_AGAIN, 0, NULL, "the server answered 204" },
    { "the server is busy", 0, 503, SB_AGAIN, 2000, NULL, NULL },
    { "the server is still busy", 30000, 503, SB_AGAIN, 15000, NULL, NULL },
    { "it is busy for minutes", 200000, 503, SB_AGAIN, 60000, NULL, NULL },
    { "the last time is at the end", 270000, 503, SB_AGAIN, 30000, NULL, NULL },
    { "the server is busy for long", 299000, 503, SB_AGAIN, 0, NULL, "the server answered 503" },
    { "too many requests", 0, 429, SB_AGAIN, 2000, NULL, NULL },
    { "no answer", 0, 0, SB_AGAIN, 2000, NULL, NULL },
    { "no answer for long", 299000, 0, SB_AGAIN, 0, NULL, "it could not be fetched: " },
};

static void what_can_be_fetched_is_and_the_rest_says_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fetches) / sizeof(fetches[0]); i++) {
        struct harness *h =
            kit_agent("{\"attachment_hosts\": [\"files.example.com\"], \"attachment_wait\": \"5m\"}");
        harness_set_record(h, ITEM(""));
        harness_set_age(h, fetches[i].age_ms);
        const struct harness_result *r = harness_build(h, "fetch_attachment");
        assert_int_equal(r->verdict, SB_OK);
        assert_string_equal(harness_text(r->request, "url"), "https://files.example.com/a");
        assert_null(json_object_get(harness_at(r->request, "headers"), "Authorization"));
        r = harness_fold(h, "fetch_attachment", fetches[i].status, "{\"Content-Type\": \"image/png; x=y\"}",
                         "hello");
        const json_t *item = harness_at(r->record, "attachments.items.0");
        const char *file = json_string_value(json_object_get(item, "file"));
        const char *why = json_string_value(json_object_get(item, "why"));
        if (r->verdict != fetches[i].verdict || r->delay_ms != fetches[i].delay_ms ||
            !file != !fetches[i].file || !why != !fetches[i].why)
            fail_msg("[%s] %d %lld %s %s", fetches[i].name, (int)r->verdict, (long long)r->delay_ms, file,
                     why);
        if (file) {
            assert_non_null(strstr(file, fetches[i].file));
            assert_int_equal(harness_int(item, "size"), 5);
            assert_string_equal(harness_text(item, "content_type"), "image/png");
        }
        if (why)
            assert_memory_equal(why, fetches[i].why, strlen(fetches[i].why));
        harness_free(h);
    }
}

static void nothing_is_fetched_twice_nor_from_elsewhere(void **state)
{
    (void)state;
    struct harness *h = kit_agent("{\"attachment_hosts\": [\"files.example.com\"]}");
    static const char *const settled[] = {
        "{}", ITEM(", \"file\": \"1/attachment-1\""), ITEM(", \"why\": \"gone\""),
        "{\"attachments\": {\"items\": [{\"name\": \"a\", \"base64\": \"AAAA\"}]}}"
    };

    for (size_t i = 0; i < sizeof(settled) / sizeof(settled[0]); i++) {
        harness_set_record(h, settled[i]);
        assert_int_equal(harness_build(h, "fetch_attachment")->verdict, SB_SKIP);
    }
    harness_set_record(
        h, "{\"attachments\": {\"items\": [{\"name\": \"a\", \"url\": \"https://other.example.com/a\"}]}}");
    const struct harness_result *r = harness_build(h, "fetch_attachment");
    assert_int_equal(r->verdict, SB_AGAIN);
    assert_string_equal(harness_text(r->record, "attachments.items.0.why"),
                        "its host is not among attachment_hosts");
    harness_set_record(h, ITEM(""));
    harness_set_age(h, 61000);
    r = harness_build(h, "fetch_attachment");
    assert_int_equal(r->verdict, SB_AGAIN);
    assert_string_equal(harness_text(r->record, "attachments.items.0.why"),
                        "it could not be fetched in time");
    harness_free(h);
}

static const struct {
    const char *name, *url, *content_type, *answered;
    bool is_kept;
} kinds[] = {
    { "a", "https://files.example.com/a.png", NULL, "image/png", true },
    { "a", "https://files.example.com/a.png", NULL, "text/html; charset=utf-8", false },
    { "a", "https://files.example.com/a.PDF?key=1.html#x", NULL, "Text/HTML", false },
    { "a", "https://files.example.com/a.pdf", NULL, "application/xhtml+xml", false },
    { "a.pdf", "https://files.example.com/get?id=1", NULL, "text/html", false },
    { "a", "https://files.example.com/get?name=a.pdf", NULL, "text/html", true },
    { "a", "https://files.example.com/get", "image/png", "text/html", false },
    { "a", "https://files.example.com/get", "image/png", "application/octet-stream", true },
    { "a", "https://files.example.com/get", "application/octet-stream", "text/html", true },
    { "a.pdf", "https://files.example.com/get", "application/octet-stream", "text/html", false },
    { "a.html", "https://files.example.com/a.html", NULL, "text/html", true },
    { "a.png", "https://files.example.com/a.png", "text/html", "text/html", true },
    { "a", "https://files.example.com/a.png", NULL, NULL, true },
};

static void a_page_instead_of_the_file_that_was_announced_is_not_that_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct harness *h = kit_agent("{\"attachment_hosts\": [\"files.example.com\"]}");
        json_t *record = json_pack("{s:{s:[{s:s, s:s, s:s*}]}}", "attachments", "items", "name",
                                   kinds[i].name, "url", kinds[i].url, "content_type", kinds[i].content_type);
        json_t *header = json_pack("{s:s*}", "Content-Type", kinds[i].answered);
        char *text = json_dumps(record, 0), *head = json_dumps(header, 0);
        harness_set_record(h, text);
        const struct harness_result *r = harness_fold(h, "fetch_attachment", 200, head, "hello");
        const json_t *item = harness_at(r->record, "attachments.items.0");
        const char *why = json_string_value(json_object_get(item, "why"));
        if (r->verdict != SB_AGAIN || !json_object_get(item, "file") == kinds[i].is_kept ||
            !why != kinds[i].is_kept)
            fail_msg("[%zu] %s", i, why ? why : "was kept");
        if (why)
            assert_string_equal(why, "the server answered with a web page instead of the file");
        free(text);
        free(head);
        json_decref(record);
        json_decref(header);
        harness_free(h);
    }
}

static void what_is_fetched_is_on_the_public_internet_unless_the_operator_says_otherwise(void **state)
{
    static const struct {
        const char *more;
        bool is_public_only;
    } rows[] = { { "", true },
                 { ", \"allow_private\": false", true },
                 { ", \"allow_private\": true", false } };
    char options[200];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)snprintf(options, sizeof(options), "{\"attachment_hosts\": [\"files.example.com\"]%s}",
                       rows[i].more);
        struct harness *h = kit_agent(options);
        harness_set_record(h, ITEM(""));
        const struct harness_result *r = harness_build(h, "fetch_attachment");
        assert_int_equal(r->verdict, SB_OK);
        assert_int_equal(json_is_true(json_object_get(r->request, "public_only")), rows[i].is_public_only);
        harness_free(h);
    }
}

static void the_first_step_adds_the_number_in_full(void **state)
{
    static const struct {
        const char *record, *e164;
        enum sb_verdict verdict;
    } rows[] = {
        { "{\"user\": {\"id\": \"u-1\", \"phone\": \"0555 0100 001\"}}", "+915550100001", SB_SKIP },
        { "{\"user\": {\"id\": \"u-1\", \"phone\": \"0555 0100 001\"}, \"attachments\": {\"items\": "
          "[{\"name\": \"a\", "
          "\"url\": "
          "\"https://files.example.com/a\"}]}}",
          "+915550100001", SB_AGAIN },
        { "{\"user\": {\"id\": \"u-1\", \"phone\": \"0555 0100 001\", \"phone_e164\": \"+915550100009\"}}",
          "+915550100009", SB_SKIP },
        { "{\"user\": {\"id\": \"u-1\", \"phone\": \"none\"}}", NULL, SB_SKIP },
        { "{\"user\": {\"id\": \"u-1\"}}", NULL, SB_SKIP },
    };
    (void)state;
    struct harness *h = kit_agent("{\"attachment_hosts\": [\"files.example.com\"]}");

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        harness_set_record(h, rows[i].record);
        const struct harness_result *r = harness_build(h, "fetch_attachment");
        const char *e164 = json_string_value(json_object_get(harness_at(r->record, "user"), "phone_e164"));
        if (r->is_defect || r->verdict != rows[i].verdict || !e164 != !rows[i].e164 ||
            (e164 && strcmp(e164, rows[i].e164) != 0))
            fail_msg("[%zu] %d %s %s", i, (int)r->verdict, r->reason, e164);
    }
    harness_free(h);
}

/* ---- the description ----------------------------------------------------------------------------------- */

/* Every reference leads somewhere. */
static void check_references(const json_t *document, const json_t *value)
{
    const char *name = NULL, *reference = json_string_value(json_object_get(value, "$ref"));
    json_t *member = NULL;
    size_t index = 0;
    char path[200] = "";

    if (reference) {
        assert_memory_equal(reference, "#/", 2);
        (void)snprintf(path, sizeof(path), "%s", reference + 2);
        for (char *c = path; *c; c++)
            *c = *c == '/' ? '.' : *c;
        assert_non_null(harness_at(document, path));
    }
    json_object_foreach ((json_t *)(uintptr_t)value, name, member)
        check_references(document, member);
    json_array_foreach (value, index, member)
        check_references(document, member);
}

static void the_description_is_that_of_the_table(void **state)
{
    (void)state;
    struct harness *h = kit_agent("{\"messages_max\": 5, \"public_url\": \"https://agents.example.com\"}");
    harness_set_caller(h, NULL);
    const struct harness_reply *r = harness_route(h, "GET", "/openapi.json", NULL, NULL, NULL);

    assert_int_equal(r->status, 200);
    assert_string_equal(harness_text(r->json, "openapi"), "3.1.0");
    assert_string_equal(harness_text(r->json, "servers.0.url"), "https://agents.example.com");
    const json_t *body = harness_at(r->json, "components.schemas.EscalationInput");
    harness_same(harness_at(body, "required"), "[\"id\", \"user\", \"summary\"]");
    assert_int_equal(harness_int(body, "properties.conversation.maxItems"), 5);
    harness_same(harness_at(body, "properties.priority.enum"),
                 "[\"low\", \"medium\", \"high\", \"urgent\", null]");
    harness_same(harness_at(body, "properties.user.properties.email.type"), "[\"string\", \"null\"]");
    assert_true(json_is_false(harness_at(body, "additionalProperties")));
    check_references(r->json, r->json);
    harness_free(h);
}

/* ---- the protocol -------------------------------------------------------------------------------------- */

static const struct harness_reply *tell(struct harness *h, const char *message)
{
    return harness_route(h, "POST", "/mcp", KIT_JSON, NULL, message);
}

static void the_tool_takes_what_the_api_takes(void **state)
{
    (void)state;
    struct harness *h = kit_agent("{\"mcp_wait\": \"4s\"}");
    static const char call[] =
        "{\"jsonrpc\": \"2.0\", \"id\": 3, \"method\": \"tools/call\", \"params\": {\"name\": "
        "\"escalate_to_human\", \"arguments\": {\"user\": {\"id\": \"u\"}, \"summary\": \"S\"}}}";
    const struct harness_reply *r = tell(h, call);

    assert_int_equal(r->status, 200);
    assert_int_equal(r->wait_ms, 4000);
    assert_int_equal(harness_int(r->json, "id"), 3);
    assert_true(json_is_false(harness_at(r->json, "result.isError")));
    assert_string_equal(harness_text(r->json, "result.structuredContent.status"), "accepted");
    char *first = strdup(harness_text(r->emits, "0.external_id"));
    assert_memory_equal(first, "auto-", 5);
    assert_string_equal(harness_text(tell(h, call)->emits, "0.external_id"), first);
    free(first);
    harness_free(h);
}

static const struct {
    const char *message;
    int status, code; /* code 0: no error */
} messages[] = {
    { "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"ping\"}", 200, 0 },
    { "{\"jsonrpc\": \"2.0\", \"id\": \"a\", \"method\": \"tools/list\"}", 200, 0 },
    { "{\"jsonrpc\": \"2.0\", \"method\": \"notifications/initialized\"}", 202, 0 },
    { "{\"jsonrpc\": \"2.0\", \"method\": 7}", 202, 0 },
    { "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": 7}", 400, -32600 },
    { "{\"jsonrpc\": \"2.0\", \"id\": null, \"method\": \"ping\"}", 400, -32600 },
    { "{\"jsonrpc\": \"1.0\", \"id\": 1, \"method\": \"ping\"}", 400, -32600 },
    { "{}", 400, -32600 },
    { "[]", 400, -32600 },
    { "7", 400, -32600 },
    { "{", 400, -32700 },
    { "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"prompts/list\"}", 200, -32601 },
    { "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"tools/call\"}", 200, -32602 },
    { "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"tools/call\", \"params\": {\"name\": \"x\"}}", 200,
      -32602 },
    { "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"tools/call\", \"params\": []}", 200, -32602 },
};

static void messages_are_answered_as_the_protocol_says(void **state)
{
    (void)state;
    struct harness *h = kit_agent(NULL);

    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        const struct harness_reply *r = tell(h, messages[i].message);
        json_int_t code = json_integer_value(json_object_get(json_object_get(r->json, "error"), "code"));
        if (r->status != messages[i].status || code != messages[i].code || r->is_defect)
            fail_msg("%s: %d, %lld", messages[i].message, r->status, (long long)code);
    }
    harness_free(h);
}

static void arguments_of_any_kind_are_no_more_than_mistakes(void **state)
{
    static const char *const arguments[] = { "null", "[]", "7", "\"x\"", "{\"user\": 1}", "{\"id\": {}}" };
    (void)state;
    struct harness *h = kit_agent(NULL);
    char message[300];

    for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
        for (int tool = 0; tool < 2; tool++) {
            (void)snprintf(
                message, sizeof(message),
                "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"tools/call\", \"params\": {\"name\": \"%s\","
                " \"arguments\": %s}}",
                tool ? "get_escalation" : "escalate_to_human", arguments[i]);
            const struct harness_reply *r = tell(h, message);
            assert_int_equal(r->status, 200);
            assert_true(json_is_true(harness_at(r->json, "result.isError")));
            assert_int_equal(json_array_size(r->emits), 0);
        }
    }
    harness_free(h);
}

/* ---- scripts ------------------------------------------------------------------------------------------- */

static void a_script_makes_an_escalation_of_what_others_send(void **state)
{
    (void)state;
    struct harness *h = kit_agent("{\"adapter\": \"scripts/escalation.lua\"}");
    const struct harness_reply *r =
        harness_route(h, "POST", "/v1/escalations/from/handoff", KIT_JSON, "{\"wait\": \"3\"}",
                      "{\"session_id\": 17, \"customer\": {\"external_id\": \"u\", \"unknown\": 1}, "
                      "\"summary\": \"S\", \"urgency\": \"low\","
                      " \"transcript\": [{\"speaker\": \"customer\", \"text\": \"Hi\"}, {\"speaker\": "
                      "\"bot\", \"text\": \"Hello\"}]}");

    assert_int_equal(r->status, 202);
    assert_int_equal(r->wait_ms, 3000);
    assert_string_equal(harness_text(r->emits, "0.external_id"), "17");
    assert_string_equal(harness_text(r->emits, "0.record.escalation.priority"), "Low");
    assert_string_equal(harness_text(r->emits, "0.record.conversation.messages.1.role"), "agent");
    r = harness_route(h, "POST", "/v1/escalations/from/handoff", KIT_JSON, NULL,
                      "{\"session_id\": \"s\", \"customer\": 7, \"summary\": [], \"transcript\": \"x\"}");
    assert_int_equal(r->status, 422);
    r = harness_route(h, "POST", "/v1/escalations/from/other", KIT_JSON, NULL, "{}");
    assert_int_equal(r->status, 422);
    assert_string_equal(harness_text(r->json, "error.code"), "not_an_escalation");
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_be_fetched_is_and_the_rest_says_why),
        cmocka_unit_test(nothing_is_fetched_twice_nor_from_elsewhere),
        cmocka_unit_test(a_page_instead_of_the_file_that_was_announced_is_not_that_file),
        cmocka_unit_test(what_is_fetched_is_on_the_public_internet_unless_the_operator_says_otherwise),
        cmocka_unit_test(the_first_step_adds_the_number_in_full),
        cmocka_unit_test(the_description_is_that_of_the_table),
        cmocka_unit_test(the_tool_takes_what_the_api_takes),
        cmocka_unit_test(messages_are_answered_as_the_protocol_says),
        cmocka_unit_test(arguments_of_any_kind_are_no_more_than_mistakes),
        cmocka_unit_test(a_script_makes_an_escalation_of_what_others_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
