/* Classification: the request, its schema, the budget, and what is believed of an answer. */
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

/* ---- answers ------------------------------------------------------------------------------------------- */

static void a_good_answer_becomes_the_analysis(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, KIT_SAID);
    const struct harness_result *r = kit_fold(h, kit_answer(NULL), "stop");
    assert_int_equal(r->verdict, SB_OK);
    harness_same(harness_at(r->record, "analysis"),
                 "{\"mood\": \"Negative\", \"priority\": \"Medium\", \"concern\": \"Charged twice\", "
                 "\"category\": \"Billing\", "
                 "\"priority_reason\": \"Money was taken twice.\", \"summary\": \"The customer was charged "
                 "twice and asks for a "
                 "refund.\", \"action_items\": [{\"owner\": \"agent\", \"text\": \"Refund the second "
                 "charge\", \"due\": null}], "
                 "\"evidence\": [\"charged twice\"], \"language\": \"en\", \"resolved\": \"no\", "
                 "\"confidence\": \"high\", "
                 "\"escalation_requested\": false, \"callback_requested\": true, \"is_support_call\": true, "
                 "\"not_enough_content\": false, \"injection_suspected\": false, \"needs_review\": false, "
                 "\"by\": \"openai\", "
                 "\"model\": \"gpt-6-luna\"}");
    harness_same(r->meters, "{\"requests\": 1.0, \"tokens_in\": 812.0, \"tokens_out\": 143.0}");
    harness_free(h);
}

static const struct {
    const char *changes, *mood, *priority;
    bool needs_review;
} labels[] = {
    { "{\"mood\": \"very_negative\", \"priority\": \"high\"}", "Negative", "High", false },
    { "{\"mood\": \"negative\", \"priority\": \"low\"}", "Negative", "Low", false },
    { "{\"mood\": \"neutral\"}", "Neutral", "Medium", false },
    { "{\"mood\": \"mixed\"}", "Neutral", "Medium", false },
    { "{\"mood\": \"unclear\"}", "Neutral", "Medium", false },
    { "{\"mood\": \"positive\"}", "Positive", "Medium", false },
    { "{\"mood\": \"very_positive\"}", "Positive", "Medium", false },
    { "{\"mood\": \"neutral\", \"priority\": \"urgent\"}", "Urgent", "High", false },
    { "{\"confidence\": \"low\"}", "Negative", "Medium", true },
    { "{\"confidence\": \"medium\"}", "Negative", "Medium", false },
    { "{\"not_enough_content\": true}", "Negative", "Medium", true },
    { "{\"evidence\": []}", "Negative", "Medium", true },
    { "{\"evidence\": [{\"quote\": \"  \"}]}", "Negative", "Medium", true },
    { "{\"injection_suspected\": true, \"priority\": \"urgent\"}", "Negative", NULL, true },
    { "{\"injection_suspected\": true, \"priority\": \"high\"}", "Negative", NULL, true },
    { "{\"injection_suspected\": true, \"priority\": \"low\"}", "Negative", "Low", true },
};

static void labels_become_those_of_the_record(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        print_message("row: %s\n", labels[i].changes);
        struct harness *h = kit_new(NULL, KIT_SAID);
        const struct harness_result *r = kit_fold(h, kit_answer(labels[i].changes), "stop");
        assert_int_equal(r->verdict, SB_OK);
        assert_string_equal(harness_text(r->record, "analysis.mood"), labels[i].mood);
        if (labels[i].priority)
            assert_string_equal(harness_text(r->record, "analysis.priority"), labels[i].priority);
        else
            assert_true(json_is_null(harness_at(r->record, "analysis.priority")));
        assert_int_equal(json_is_true(harness_at(r->record, "analysis.needs_review")),
                         labels[i].needs_review);
        harness_free(h);
    }
}

static const struct {
    const char *name, *changes, *why;
} invalid[] = {
    { "a word outside the list of moods", "{\"mood\": \"furious\"}", "mood is none of the allowed words" },
    { "a word outside the list of priorities", "{\"priority\": \"P1\"}",
      "priority is none of the allowed words" },
    { "a word outside the categories", "{\"category\": \"Free money\"}",
      "category is none of the configured words" },
    { "another case is another word", "{\"category\": \"billing\"}",
      "category is none of the configured words" },
    { "a word outside resolved", "{\"resolved\": \"maybe\"}", "resolved is none of the allowed words" },
    { "a word outside confidence", "{\"confidence\": 0.9}", "confidence is none of the allowed words" },
    { "a missing text", "{\"summary\": \"-\"}", "a field is missing or no text" },
    { "a text of another type", "{\"concern\": 17}", "a field is missing or no text" },
    { "a missing truth", "{\"is_support_call\": \"-\"}", "a field is missing or neither true nor false" },
    { "a truth as text", "{\"injection_suspected\": \"no\"}",
      "a field is missing or neither true nor false" },
    { "evidence as text", "{\"evidence\": \"charged twice\"}", "a field is missing or no list" },
    { "no action items", "{\"action_items\": \"-\"}", "a field is missing or no list" },
    { "an invented quote",
      "{\"evidence\": [{\"quote\": \"charged twice\"}, {\"quote\": \"refund was approved\"}]}",
      "a quote is not in the conversation" },
    { "a quote that is none", "{\"evidence\": [\"charged twice\"]}", "a piece of evidence has no quote" },
};

static void unusable_answers_are_asked_for_once_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        print_message("row: %s\n", invalid[i].name);
        struct harness *h = kit_new(NULL, KIT_SAID);
        const struct harness_result *r = kit_fold(h, kit_answer(invalid[i].changes), "stop");
        assert_int_equal(r->verdict, SB_AGAIN);
        assert_true(kit_has_note(r, invalid[i].why));
        assert_null(json_object_get(r->record, "analysis"));
        harness_same(r->meters, "{\"requests\": 1.0, \"tokens_in\": 812.0, \"tokens_out\": 143.0}");

        harness_set_round(h, 1);
        r = harness_build(h, "classify");
        assert_non_null(
            strstr(harness_text(r->request, "body.messages.0.content"), "An earlier answer to this request"));
        assert_int_equal(harness_int(r->request, "body.max_completion_tokens"), 3000);
        r = kit_fold(h, kit_answer(invalid[i].changes), "stop");
        assert_int_equal(r->verdict, SB_REJECT);
        assert_non_null(strstr(r->reason, invalid[i].why));
        harness_free(h);
    }
}

static const struct {
    const char *name, *message, *finish;
    enum sb_verdict first, second;
    const char *why; /* of the second, or of the first when it rejects */
} odd[] = {
    { "a refusal", "{\"content\": null, \"refusal\": \"I cannot help with that.\"}", "stop", SB_REJECT,
      SB_REJECT, "the model refuses to classify this conversation" },
    { "a refusal with empty content", "{\"content\": \"\", \"refusal\": \"no\"}", "stop", SB_REJECT,
      SB_REJECT, "the model refuses" },
    { "filtered", "{\"content\": \"{\"}", "content_filter", SB_REJECT, SB_REJECT,
      "the service's content filter" },
    { "cut off", "{\"content\": \"{\\\"language\\\": \\\"e\"}", "length", SB_AGAIN, SB_REJECT,
      "it was cut off at max_completion_tokens" },
    { "all reasoning", "{\"content\": \"\"}", "length", SB_AGAIN, SB_REJECT,
      "it was cut off at max_completion_tokens" },
    { "empty", "{\"content\": \"\"}", "stop", SB_AGAIN, SB_REJECT, "it is empty" },
    { "null", "{\"content\": null}", "stop", SB_AGAIN, SB_REJECT, "it is empty" },
    { "prose", "{\"content\": \"I think it is about billing.\"}", "stop", SB_AGAIN, SB_REJECT,
      "it is no JSON object" },
    { "a list", "{\"content\": \"[1]\"}", "stop", SB_AGAIN, SB_REJECT, "it is no JSON object" },
    { "cut JSON that claims to be whole", "{\"content\": \"{\\\"language\\\": {}\"}", "stop", SB_AGAIN,
      SB_REJECT, "it is no JSON object" },
};

static void odd_answers_are_no_classification(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        print_message("row: %s\n", odd[i].name);
        char body[1000];
        (void)snprintf(body, sizeof(body), "{\"choices\": [{\"finish_reason\": \"%s\", \"message\": %s}]}",
                       odd[i].finish, odd[i].message);
        struct harness *h = kit_new(NULL, KIT_SAID);
        const struct harness_result *r = harness_fold(h, "classify", 200, NULL, body);
        assert_int_equal(r->verdict, odd[i].first);
        harness_set_round(h, 1);
        assert_int_equal(harness_build(h, "classify")->verdict, SB_OK);
        r = harness_fold(h, "classify", 200, NULL, body);
        assert_int_equal(r->verdict, odd[i].second);
        assert_non_null(strstr(r->reason, odd[i].why));
        harness_free(h);
    }
}

static void fences_and_loud_thoughts_are_passed_over(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
    } wraps[] = { { "```json\n", "\n```" },
                  { "```", "```" },
                  { "<think>billing?</think>\n", "" },
                  { "\xEF\xBB\xBF", "\n" } };
    for (size_t i = 0; i < sizeof(wraps) / sizeof(wraps[0]); i++) {
        char *answer = kit_answer(NULL);
        size_t size = strlen(answer) + 100;
        char *content = malloc(size);
        assert_non_null(content);
        (void)snprintf(content, size, "%s%s%s", wraps[i].before, answer, wraps[i].after);
        struct harness *h = kit_new(NULL, KIT_SAID);
        assert_int_equal(kit_fold(h, content, "stop")->verdict, SB_OK);
        harness_free(h);
        free(answer);
    }
}

static void quotes_may_differ_in_case_blanks_and_marks(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, "I can\xE2\x80\x99t  log\nin since Monday");
    const struct harness_result *r =
        kit_fold(h, kit_answer("{\"evidence\": [{\"quote\": \" i CAN't log in \"}]}"), "stop");
    assert_int_equal(r->verdict, SB_OK);
    harness_free(h);
}

/* The model saw placeholders, so it quotes them. */
static void quotes_are_compared_with_what_was_sent(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, "call me on 9876543210 today");
    assert_int_equal(
        kit_fold(h, kit_answer("{\"evidence\": [{\"quote\": \"on [MOBILE_1] today\"}]}"), "stop")->verdict,
        SB_OK);
    assert_int_equal(
        kit_fold(h, kit_answer("{\"evidence\": [{\"quote\": \"on 9876543210\"}]}"), "stop")->verdict,
        SB_AGAIN);
    harness_free(h);
}

static void a_record_always_has_a_concern(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, KIT_SAID);
    const struct harness_result *r =
        kit_fold(h, kit_answer("{\"concern\": \" \\n \", \"summary\": \"\"}"), "stop");
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->record, "analysis.concern"), "Not clear from the conversation");
    assert_true(json_is_null(harness_at(r->record, "analysis.summary")));
    harness_free(h);
}

static void long_texts_are_cut_and_lists_bounded(void **state)
{
    (void)state;
    json_t *changes = json_object();
    json_t *items = json_array();
    char *text = malloc(3001);
    assert_non_null(text);
    memset(text, 'x', 3000);
    text[3000] = '\0';
    for (int i = 0; i < 30; i++)
        json_array_append_new(items, json_pack("{s:s, s:s, s:s}", "owner", i ? "nobody" : "customer", "text",
                                               i % 2 ? "" : text, "due", "soon"));
    json_object_set_new(changes, "summary", json_string(text));
    json_object_set_new(changes, "concern", json_string(text));
    json_object_set_new(changes, "language", json_string(text));
    json_object_set_new(changes, "action_items", items);
    char *json = json_dumps(changes, 0);
    struct harness *h = kit_new(NULL, KIT_SAID);
    const struct harness_result *r = kit_fold(h, kit_answer(json), "stop");
    assert_int_equal(r->verdict, SB_OK);
    assert_int_equal(sb_characters(harness_text(r->record, "analysis.summary")), 600);
    assert_int_equal(sb_characters(harness_text(r->record, "analysis.concern")), 200);
    assert_int_equal(sb_characters(harness_text(r->record, "analysis.language")), 40);
    assert_int_equal(json_array_size(harness_at(r->record, "analysis.action_items")), 10);
    assert_string_equal(harness_text(r->record, "analysis.action_items.0.owner"), "customer");
    assert_string_equal(harness_text(r->record, "analysis.action_items.1.owner"), "unknown");
    assert_int_equal(sb_characters(harness_text(r->record, "analysis.action_items.1.text")), 300);
    harness_free(h);
    free(json);
    free(text);
    json_decref(changes);
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
        cmocka_unit_test(a_good_answer_becomes_the_analysis),
        cmocka_unit_test(labels_become_those_of_the_record),
        cmocka_unit_test(unusable_answers_are_asked_for_once_more),
        cmocka_unit_test(odd_answers_are_no_classification),
        cmocka_unit_test(fences_and_loud_thoughts_are_passed_over),
        cmocka_unit_test(quotes_may_differ_in_case_blanks_and_marks),
        cmocka_unit_test(quotes_are_compared_with_what_was_sent),
        cmocka_unit_test(a_record_always_has_a_concern),
        cmocka_unit_test(long_texts_are_cut_and_lists_bounded),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
