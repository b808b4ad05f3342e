/* Classification: the request, its schema, the budget, and the options. */
#include "plugins/openai_kit.h"

/* ---- the request --------------------------------------------------------------------------------------- */

static const struct {
    const char *options, *url;
} addresses[] = {
    { NULL, "https://api.openai.com/v1/chat/completions" },
    { "\"base_url\": \"https://api.openai.com/\"", "https://api.openai.com/v1/chat/completions" },
    { "\"base_url\": \"https://api.openai.com/v1\"", "https://api.openai.com/v1/chat/completions" },
    { "\"base_url\": \"https://api.openai.com/v1/\"", "https://api.openai.com/v1/chat/completions" },
    { "\"base_url\": \"http://127.0.0.1:11434\"", "http://127.0.0.1:11434/v1/chat/completions" },
    { "\"base_url\": \"https://gateway.example.com/llm\"",
      "https://gateway.example.com/llm/v1/chat/completions" },
    { "\"base_url\": \"https://demo.openai.example.com/openai/v1\"",
      "https://demo.openai.example.com/openai/v1/chat/completions" },
    { "\"base_url\": \"https://demo.openai.example.com/openai/deployments/mini\", \"api_version\": "
      "\"2026-02-01\"",
      "https://demo.openai.example.com/openai/deployments/mini/chat/completions?api-version=2026-02-01" },
};

static void every_way_to_write_the_base_works(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        print_message("row: %s\n", addresses[i].url);
        struct harness *h = kit_new(addresses[i].options, KIT_SAID);
        const struct harness_result *r = harness_build(h, "classify");
        assert_int_equal(r->verdict, SB_OK);
        assert_string_equal(harness_text(r->request, "method"), "POST");
        assert_string_equal(harness_text(r->request, "url"), addresses[i].url);
        harness_free(h);
    }
}

static void the_key_goes_into_one_header(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, KIT_SAID);
    const struct harness_result *r = harness_build(h, "classify");
    assert_string_equal(harness_text(r->request, "headers.Authorization"), "Bearer [api_key]");
    assert_null(json_object_get(harness_at(r->request, "headers"), "api-key"));
    harness_free(h);

    h = kit_new("\"auth_header\": \"api-key\"", KIT_SAID);
    r = harness_build(h, "classify");
    assert_string_equal(harness_text(r->request, "headers.api-key"), "[api_key]");
    assert_null(json_object_get(harness_at(r->request, "headers"), "Authorization"));
    harness_free(h);
}

static void the_body_says_what_current_models_want(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, KIT_SAID);
    const struct harness_result *r = harness_build(h, "classify");
    const json_t *body = harness_at(r->request, "body");
    assert_string_equal(harness_text(body, "model"), "gpt-6-luna");
    assert_string_equal(harness_text(body, "reasoning_effort"), "none");
    assert_int_equal(harness_int(body, "max_completion_tokens"), 1500);
    assert_true(json_is_false(json_object_get(body, "store")));
    assert_string_equal(harness_text(body, "messages.0.role"), "system");
    assert_string_equal(harness_text(body, "messages.1.role"), "user");
    assert_int_equal(json_array_size(harness_at(body, "messages")), 2);
    static const char *const absent[] = { "temperature", "max_tokens", "tools", "n", "seed", "stream" };
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
        assert_null(json_object_get(body, absent[i]));
    assert_null(strstr(harness_text(body, "messages.0.content"), "charged"));
    char *said = kit_decode(harness_text(body, "messages.1.content"));
    assert_string_equal(said, KIT_SAID);
    free(said);
    harness_free(h);
}

static void options_change_the_body(void **state)
{
    (void)state;
    struct harness *h =
        kit_new("\"model\": \"small\", \"reasoning_effort\": \"omit\", \"token_parameter\": \"max_tokens\", "
                "\"max_completion_tokens\": 700, \"instructions\": \"We sell demo pumps.\", "
                "\"categories\": [\"Pumps\", \"other\", \"Hoses\"]",
                KIT_SAID);
    const struct harness_result *r = harness_build(h, "classify");
    const json_t *body = harness_at(r->request, "body");
    assert_string_equal(harness_text(body, "model"), "small");
    assert_null(json_object_get(body, "reasoning_effort"));
    assert_null(json_object_get(body, "max_completion_tokens"));
    assert_int_equal(harness_int(body, "max_tokens"), 700);
    const char *system = harness_text(body, "messages.0.content");
    assert_string_equal(system + strlen(system) - strlen("\nWe sell demo pumps."), "\nWe sell demo pumps.");
    harness_same(harness_at(body, "response_format.json_schema.schema.properties.category.enum"),
                 "[\"Pumps\", \"Hoses\", \"other\"]");
    harness_free(h);
}

/* Strict mode: every object is closed and requires all it has. */
static void lint(const json_t *schema)
{
    const json_t *properties = json_object_get(schema, "properties");
    const char *name = NULL;
    json_t *value = NULL;
    assert_non_null(json_object_get(schema, "type"));
    assert_null(json_object_get(schema, "default"));
    if (properties) {
        assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
        const json_t *required = json_object_get(schema, "required");
        assert_int_equal(json_array_size(required), json_object_size(properties));
        size_t i = 0;
        json_object_foreach ((json_t *)(uintptr_t)properties, name, value) {
            assert_string_equal(json_string_value(json_array_get(required, i++)), name);
            lint(value);
        }
    }
    if (json_object_get(schema, "items"))
        lint(json_object_get(schema, "items"));
}

static void the_schema_is_strict_and_evidence_comes_first(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, KIT_SAID);
    const struct harness_result *r = harness_build(h, "classify");
    const json_t *format = harness_at(r->request, "body.response_format");
    assert_string_equal(harness_text(format, "type"), "json_schema");
    assert_string_equal(harness_text(format, "json_schema.name"), "conversation_v1");
    assert_true(json_is_true(harness_at(format, "json_schema.strict")));
    lint(harness_at(format, "json_schema.schema"));

    size_t place = 0;
    size_t evidence = 99;
    size_t category = 0;
    size_t mood = 0;
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach ((json_t *)(uintptr_t)harness_at(format, "json_schema.schema.properties"), name,
                         value) {
        place++;
        if (strcmp(name, "evidence") == 0)
            evidence = place;
        if (strcmp(name, "category") == 0)
            category = place;
        if (strcmp(name, "mood") == 0)
            mood = place;
    }
    assert_true(evidence < category && evidence < mood);
    harness_free(h);
}

/* ---- the conversation ---------------------------------------------------------------------------------- */

static const struct {
    const char *name, *record;
    const char *sent; /* NULL: rejected */
} conversations[] = {
    { "speakers by name",
      "{\"transcript\": {\"text\": \"hello i need help\", \"segments\": [{\"speaker\": \"agent\", \"text\": "
      "\"hello\"}, "
      "{\"speaker\": \"customer\", \"text\": \"i need help\"}]}}",
      "agent: hello\ncustomer: i need help\n" },
    { "speakers by number",
      "{\"transcript\": {\"text\": \"hello\", \"segments\": [{\"speaker\": 0, \"text\": \"hello\"}]}}",
      "speaker 1: hello\n" },
    { "segments that lack words",
      "{\"transcript\": {\"text\": \"alpha beta gamma delta epsilon\", \"segments\": [{\"speaker\": 0, "
      "\"text\": \"alpha\"}]}}",
      "alpha beta gamma delta epsilon" },
    { "no transcript", "{}", NULL },
    { "an empty one", "{\"transcript\": {\"text\": \"\"}}", NULL },
    { "blanks", "{\"transcript\": {\"text\": \" \\n\\t \"}}", NULL },
    { "silence", "{\"transcript\": {\"text\": \"noise\", \"is_empty\": true}}", NULL },
    { "control characters", "{\"transcript\": {\"text\": \"a\\u0001b\"}}",
      "a\xEF\xBF\xBD"
      "b" },
};

static void the_conversation_is_sent_with_speakers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++) {
        print_message("row: %s\n", conversations[i].name);
        struct harness *h = kit_new(NULL, "x");
        harness_set_record(h, conversations[i].record);
        if (conversations[i].sent) {
            char *sent = kit_sent(h);
            assert_string_equal(sent, conversations[i].sent);
            free(sent);
        } else {
            const struct harness_result *r = harness_build(h, "classify");
            assert_int_equal(r->verdict, SB_REJECT);
            assert_string_equal(r->reason, "there is no transcript to classify");
        }
        harness_free(h);
    }
}

static void a_long_conversation_keeps_head_and_tail(void **state)
{
    (void)state;
    static const struct {
        uint32_t round;
        size_t head, tail;
    } rows[] = { { 0, 3000, 2000 }, { 1, 1500, 1000 }, { 2, 750, 500 }, { 3, 375, 250 }, { 9, 375, 250 } };
    enum { LETTERS = 9000 };
    char *said = calloc(LETTERS + 1, 3);
    assert_non_null(said);
    for (size_t i = 0; i < LETTERS; i++)
        memcpy(said + i * 3, i < LETTERS / 2 ? "न" : "म", 3);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char mark[80];
        struct harness *h = kit_new("\"transcript_budget\": 5000", said);
        harness_set_round(h, rows[i].round);
        char *sent = kit_sent(h);
        (void)snprintf(mark, sizeof(mark), "\n[... %zu characters are left out here ...]\n",
                       LETTERS - rows[i].head - rows[i].tail);
        char *at = strstr(sent, mark);
        assert_non_null(at);
        assert_int_equal(at - sent, rows[i].head * 3);
        assert_int_equal(strlen(at + strlen(mark)), rows[i].tail * 3);
        assert_memory_equal(at - 3, "न", 3);
        assert_memory_equal(at + strlen(mark), "म", 3);
        free(sent);
        harness_free(h);
    }
    free(said);
}

/* ---- options ------------------------------------------------------------------------------------------- */

static const struct {
    const char *options, *why;
} wrong[] = {
    { "{\"api_key\": \"k\", \"categories\": [\"a\", \"b\", \"a\"]}", "category 'a' is listed twice" },
    { "{\"api_key\": \"k\", \"categories\": []}", "categories has 0 entries; 1 to 50 are allowed" },
    { "{\"api_key\": \"k\", \"categories\": [\"a\", \"\"]}",
      "category 2 is empty or longer than 100 characters" },
};

static void wrong_options_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct sb_error err = SB_ERROR_INIT;
        assert_null(harness_try(&openai_plugin, wrong[i].options, &err));
        assert_non_null(strstr(err.text, wrong[i].why));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_to_write_the_base_works),
        cmocka_unit_test(the_key_goes_into_one_header),
        cmocka_unit_test(the_body_says_what_current_models_want),
        cmocka_unit_test(options_change_the_body),
        cmocka_unit_test(the_schema_is_strict_and_evidence_comes_first),
        cmocka_unit_test(the_conversation_is_sent_with_speakers),
        cmocka_unit_test(a_long_conversation_keeps_head_and_tail),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
