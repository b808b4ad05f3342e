/* ai_agent: every mistake that a body may have, with its place and what would be right; and what is forgiven. */
#include "plugins/ai_agent_kit.h"

static const struct {
    const char *changes; /* of a good body */
    const char *pointer, *message, *expected;
} mistakes[] = {
    { "{\"id\": null}", "/id", "is missing",
      "1 to 128 letters, digits and . _ ~ : @ -, unique for each escalation" },
    { "{\"id\": 7}", "/id", "is a number", "a text" },
    { "{\"id\": \"\"}", "/id", "is empty",
      "1 to 128 letters, digits and . _ ~ : @ -, unique for each escalation" },
    { "{\"id\": \"a/b\"}", "/id", "does not have the right form",
      "1 to 128 letters, digits and . _ ~ : @ -, unique for each escalation" },
    { "{\"id\": \"..\"}", "/id", "does not have the right form",
      "1 to 128 letters, digits and . _ ~ : @ -, unique for each escalation" },
    { "{\"user\": []}", "/user", "is a list", "an object" },
    { "{\"user\": {\"id\": \" \"}}", "/user/id", "is empty", "a text" },
    { "{\"user\": {\"id\": \"u\", \"email\": \"asha@example\"}}", "/user/email",
      "does not have the right form", "an e-mail address such as asha@example.com" },
    { "{\"user\": {\"id\": \"u\", \"email\": \"a b@example.com\"}}", "/user/email",
      "does not have the right form", "an e-mail address such as asha@example.com" },
    { "{\"user\": {\"id\": \"u\", \"phone\": \"1234\"}}", "/user/phone", "does not have the right form",
      "a number with 5 to 20 digits such as +91 555 010 0001" },
    { "{\"user\": {\"id\": \"u\", \"locale\": \"english\"}}", "/user/locale", "does not have the right form",
      "a BCP 47 tag such as en-IN" },
    { "{\"user\": {\"id\": \"u\", \"a/b~c\": 1}}", "/user/a~1b~0c", "is not known",
      "one of id, crm_contact_id, name, email, phone, locale" },
    { "{\"user\": {\"id\": \"u\", \"crmContactId\": 1}}", "/user/crmContactId", "is not known",
      "crm_contact_id" },
    { "{\"priority\": \"asap\"}", "/priority", "is 'asap'", "one of low, medium, high, urgent" },
    { "{\"priority\": 1}", "/priority", "is a number", "a text" },
    { "{\"conversation\": {}}", "/conversation", "is an object", "a list" },
    { "{\"conversation\": [null]}", "/conversation/0", "is null", "an object" },
    { "{\"conversation\": [{\"content\": \"x\"}]}", "/conversation/0/role", "is missing",
      "one of user, agent, assistant, system, tool" },
    { "{\"conversation\": [{\"role\": \"user\", \"at\": \"2026-03-10 09:00\"}]}", "/conversation/0/at",
      "does not have the right form", "RFC 3339 with a zone, such as 2026-03-10T14:30:00+05:30" },
    { "{\"conversation\": [{\"role\": \"user\", \"attachments\": [{\"name\": \"a\"}]}]}",
      "/conversation/0/attachments/0", "has no content", "either url or base64" },
    { "{\"conversation\": [{\"role\": \"user\", \"attachments\": [{\"name\": \"..\", \"base64\": "
      "\"AAAA\"}]}]}",
      "/conversation/0/attachments/0/name", "does not have the right form", "a file name without a folder" },
    { "{\"conversation\": [{\"role\": \"user\", \"attachments\": [{\"name\": \"a\", \"base64\": \"AAA\"}]}]}",
      "/conversation/0/attachments/0/base64", "does not have the right form",
      "base64 with padding and without line breaks" },
    { "{\"conversation\": [{\"role\": \"user\", \"attachments\": [{\"name\": \"a\", \"url\": "
      "\"https://other.example.com/a\"}]}]}",
      "/conversation/0/attachments/0/url", "is at a host that is not allowed",
      "a host that attachment_hosts allows" },
    { "{\"conversation\": [{\"role\": \"user\", \"attachments\": [{\"name\": \"a\", \"content_type\": "
      "\"png\", \"base64\": \"AAAA\"}]}]}",
      "/conversation/0/attachments/0/content_type", "does not have the right form",
      "a media type such as image/png" },
    { "{\"steps_tried\": [{\"result\": \"x\"}]}", "/steps_tried/0/what", "is missing",
      "What the agent did." },
    { "{\"metadata\": \"x\"}", "/metadata", "is a text", "an object" },
    { "{\"callback_url\": \"http://agent.example.com/x\"}", "/callback_url", "does not have the right form",
      "an absolute https address without a user name" },
    { "{\"callback_url\": \"https://user:pass@agent.example.com/x\"}", "/callback_url",
      "does not have the right form", "an absolute https address without a user name" },
    { "{\"reason\": {\"code\": true}}", "/reason/code", "is true or false", "a text" },
};

static void every_mistake_says_where_it_is_and_what_would_be_right(void **state)
{
    (void)state;
    struct harness *h = kit_agent("{\"attachment_hosts\": [\"files.example.com\"]}");

    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        const struct harness_reply *r = kit_post(h, mistakes[i].changes, NULL);
        if (r->status != 422 ||
            json_array_size(json_object_get(json_object_get(r->json, "error"), "details")) != 1)
            fail_msg("%s: %d", mistakes[i].changes, r->status);
        const json_t *found = harness_at(r->json, "error.details.0");
        assert_string_equal(harness_text(found, "pointer"), mistakes[i].pointer);
        assert_string_equal(harness_text(found, "message"), mistakes[i].message);
        assert_string_equal(harness_text(found, "expected"), mistakes[i].expected);
        assert_int_equal(json_array_size(r->emits), 0);
    }
    harness_free(h);
}

static const char *const forgiven[] = {
    "{\"category\": \"\", \"language\": \"\", \"priority\": \"\"}",
    "{\"priority\": \"HIGH\"}",
    "{\"conversation\": [{\"role\": \"Assistant\", \"content\": \"\"}]}",
    "{\"conversation\": []}",
    "{\"user\": {\"id\": \"u\", \"email\": null, \"locale\": \"zh-Hant-TW\", \"phone\": \"+91 (555) "
    "010-0001\"}}",
    "{\"callback_url\": \"https://agent.example.com:8443/hook?x=1\"}",
    "{\"callback_url\": \"http://127.0.0.1:9000/hook\"}",
    "{\"metadata\": {\"deep\": {\"er\": [[[1]]]}, \"\": null}}",
    "{\"summary\": \"\\u0939\\u093f\\u0928\\u094d\\u0926\\u0940 \\ud83d\\ude00\"}",
    "{\"conversation\": [{\"role\": \"user\", \"attachments\": [{\"name\": \"a b \\u0939.txt\", \"url\": "
    "\"https://files.example.com/a%20b\"}]}]}",
};

static void what_is_forgiven_is_taken(void **state)
{
    (void)state;
    struct harness *h = kit_agent("{\"attachment_hosts\": [\"files.example.com\"]}");

    for (size_t i = 0; i < sizeof(forgiven) / sizeof(forgiven[0]); i++) {
        const struct harness_reply *r = kit_post(h, forgiven[i], NULL);
        if (r->status != 202)
            fail_msg("%s: %d", forgiven[i], r->status);
    }
    harness_free(h);
}

/* A text of `count` times the two bytes of U+00E9. The caller frees it. */
static char *long_summary(size_t count)
{
    static const char head[] = "{\"summary\": \"";
    char *text = malloc(sizeof(head) + count * 2 + 3), *to = text;

    assert_non_null(text);
    to = stpcpy(to, head);
    for (size_t i = 0; i < count; i++)
        to = stpcpy(to, "\xc3\xa9");
    (void)stpcpy(to, "\"}");
    return text;
}

static void limits_count_characters(void **state)
{
    (void)state;
    struct harness *h = kit_agent(NULL);
    char *most = long_summary(4000), *more = long_summary(4001);

    assert_int_equal(kit_post(h, most, NULL)->status, 202);
    const struct harness_reply *r = kit_post(h, more, NULL);
    assert_int_equal(r->status, 422);
    assert_string_equal(harness_text(r->json, "error.details.0.message"), "has 4001 characters");
    assert_string_equal(harness_text(r->json, "error.details.0.expected"), "at most 4000 characters");
    free(more);
    free(most);
    harness_free(h);
}

static void mistakes_are_listed_up_to_a_limit(void **state)
{
    (void)state;
    struct harness *h = kit_agent(NULL);
    json_t *messages = json_array();

    for (int i = 0; i < 150; i++)
        json_array_append_new(messages, json_integer(i));
    json_t *changes = json_pack("{s:o}", "conversation", messages);
    char *text = json_dumps(changes, 0);
    const struct harness_reply *r = kit_post(h, text, NULL);
    const json_t *details = harness_at(r->json, "error.details");
    assert_int_equal(json_array_size(details), 101);
    assert_string_equal(harness_text(details, "99.pointer"), "/conversation/99");
    assert_string_equal(harness_text(details, "100.message"), "there are more mistakes than are listed here");
    free(text);
    json_decref(changes);
    harness_free(h);
}

static void options_set_the_limits(void **state)
{
    static const struct {
        const char *options, *changes, *pointer, *expected;
    } rows[] = {
        { "{\"depth_max\": 5}", "{\"metadata\": {\"a\": {\"b\": {\"c\": {\"d\": {}}}}}}", "",
          "at most 5 levels" },
        { "{\"messages_max\": 1}", "{}", "/conversation", "at most 1 items" },
        { "{\"attachments_max\": 0}",
          "{\"conversation\": [{\"role\": \"user\", \"attachments\": [{\"name\": \"a\", \"base64\": "
          "\"AAAA\"}]}]}",
          "/conversation/0/attachments", "at most 0 items" },
        { "{\"inline_max\": \"2\"}",
          "{\"conversation\": [{\"role\": \"user\", \"attachments\": [{\"name\": \"a\", \"base64\": "
          "\"AAAA\"}]}]}",
          "/conversation/0/attachments/0/base64", "at most 2 bytes once decoded" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct harness *h = kit_agent(rows[i].options);
        const struct harness_reply *r = kit_post(h, rows[i].changes, NULL);
        assert_int_equal(r->status, 422);
        assert_string_equal(harness_text(r->json, "error.details.0.pointer"), rows[i].pointer);
        assert_string_equal(harness_text(r->json, "error.details.0.expected"), rows[i].expected);
        harness_free(h);
    }
}

static void unknown_members_are_kept_where_that_is_wanted(void **state)
{
    (void)state;
    struct harness *h = kit_agent("{\"unknown_keys\": \"metadata\"}");
    const struct harness_reply *r = kit_post(h,
                                             "{\"mood\": {\"x\": 1}, \"user\": {\"id\": \"u\", \"vip\": "
                                             "true}, \"metadata\": {\"mood\": \"given\"},"
                                             " \"conversation\": [{\"role\": \"user\", \"lang\": \"en\"}]}",
                                             NULL);

    assert_int_equal(r->status, 202);
    harness_same(harness_at(r->emits, "0.record.escalation.metadata"),
                 "{\"mood\": \"given\", \"user.vip\": true, \"conversation.0.lang\": \"en\"}");
    harness_free(h);
}

static const struct {
    const char *headers, *body;
    int status;
    const char *code;
} bodies[] = {
    { KIT_JSON, "", 400, "not_json" },
    { KIT_JSON, "{", 400, "not_json" },
    { KIT_JSON, "{\"id\": \"a\", \"id\": \"b\"}", 400, "not_json" },
    { KIT_JSON, "\xff", 400, "not_json" },
    { KIT_JSON, "[]", 422, "invalid" },
    { KIT_JSON, "\"x\"", 422, "invalid" },
    { "{}", "{}", 415, "not_json" },
    { "{\"Content-Type\": \"text/json\"}", "{}", 415, "not_json" },
    { "{\"Content-Type\": \"application/jsonp\"}", "{}", 415, "not_json" },
    { "{\"content-type\": \"Application/JSON;charset=utf-8\"}", "{}", 422, "invalid" },
    { "{\"content-type\": \"application/x.agent+json\"}", "{}", 422, "invalid" },
};

static void bodies_must_be_json(void **state)
{
    (void)state;
    struct harness *h = kit_agent("{\"adapter\": \"scripts/escalation.lua\"}");

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        const struct harness_reply *r =
            harness_route(h, "POST", "/v1/escalations", bodies[i].headers, NULL, bodies[i].body);
        if (r->status != bodies[i].status || strcmp(harness_text(r->json, "error.code"), bodies[i].code) != 0)
            fail_msg("[%s] %d %s", bodies[i].body, r->status, harness_text(r->json, "error.code"));
        r = harness_route(h, "POST", "/v1/escalations/from/chat", bodies[i].headers, NULL, bodies[i].body);
        assert_int_equal(r->status, bodies[i].status);
    }
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_says_where_it_is_and_what_would_be_right),
        cmocka_unit_test(what_is_forgiven_is_taken),
        cmocka_unit_test(limits_count_characters),
        cmocka_unit_test(mistakes_are_listed_up_to_a_limit),
        cmocka_unit_test(options_set_the_limits),
        cmocka_unit_test(unknown_members_are_kept_where_that_is_wanted),
        cmocka_unit_test(bodies_must_be_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
