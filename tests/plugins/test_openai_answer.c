/* What is believed of the model's answer, what is asked for once more, and what the record keeps of it. */
#include "plugins/openai_kit.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_answer_becomes_the_analysis),
        cmocka_unit_test(labels_become_those_of_the_record),
        cmocka_unit_test(unusable_answers_are_asked_for_once_more),
        cmocka_unit_test(odd_answers_are_no_classification),
        cmocka_unit_test(fences_and_loud_thoughts_are_passed_over),
        cmocka_unit_test(quotes_may_differ_in_case_blanks_and_marks),
        cmocka_unit_test(quotes_are_compared_with_what_was_sent),
        cmocka_unit_test(a_record_always_has_a_concern),
        cmocka_unit_test(long_texts_are_cut_and_lists_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
