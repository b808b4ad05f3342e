/* keyword: the shipped rules on many conversations, other rules by option, and what bad rules end in. */
#include "plugins/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct sb_plugin keyword_plugin;

#define CASES TEST_SOURCE_DIR "/tests/plugins/keyword/cases.json"

/* An escalation: its section as it stands, and messages as pairs of role and content. */
static json_t *escalation_of(const json_t *row)
{
    json_t *messages = json_array(), *pair;
    size_t index;

    json_array_foreach (json_object_get(row, "messages"), index, pair) {
        json_array_append_new(messages, json_pack("{s:O, s:O}", "role", json_array_get(pair, 0), "content",
                                                  json_array_get(pair, 1)));
    }
    return json_pack("{s:O, s:{s:o}}", "escalation", json_object_get(row, "escalation"), "conversation",
                     "messages", messages);
}

static json_t *record_of(const json_t *row)
{
    if (json_object_get(row, "escalation"))
        return escalation_of(row);
    json_t *record = json_pack("{s:{s:s}}", "call", "status", "answered");
    json_t *transcript = json_object();
    static const char *const copied[] = { "text", "segments", "is_empty" };

    for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++)
        if (json_object_get(row, copied[i]))
            json_object_set(transcript, copied[i], json_object_get(row, copied[i]));
    if (json_object_get(row, "status"))
        json_object_set(json_object_get(record, "call"), "status", json_object_get(row, "status"));
    if (json_object_size(transcript))
        json_object_set(record, "transcript", transcript);
    json_decref(transcript);
    return record;
}

static bool is_same_field(const json_t *analysis, const json_t *row, const char *field)
{
    const char *want = json_string_value(json_object_get(row, field));
    const char *got = json_string_value(json_object_get(analysis, field));
    bool is_same = want && got ? strcmp(want, got) == 0 : want == got;

    if (!is_same)
        print_error("[%s] %s: want '%s', got '%s'\n", json_string_value(json_object_get(row, "name")), field,
                    want ? want : "(none)", got ? got : "(none)");
    return is_same;
}

static void shipped_rules_classify(void **state)
{
    (void)state;
    static const char *const fields[] = { "mood", "concern", "category", "priority" };
    struct harness *h = harness_new(&keyword_plugin, NULL);
    json_error_t at;
    json_t *rows = json_load_file(CASES, 0, &at), *row;
    size_t index, wrong = 0;

    if (!rows)
        fail_msg("%s:%d: %s", CASES, at.line, at.text);
    assert_true(json_array_size(rows) >= 60);
    json_array_foreach (rows, index, row) {
        json_t *record = record_of(row);
        char *text = json_dumps(record, 0);
        harness_set_record(h, text);
        const struct harness_result *r = harness_work(h, "classify");
        if (r->verdict != SB_OK)
            fail_msg("%s", r->reason);
        for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
            wrong += !is_same_field(harness_at(r->record, "analysis"), row, fields[i]);
        assert_string_equal(harness_text(r->record, "analysis.by"), "keyword");
        free(text);
        json_decref(record);
    }
    assert_int_equal(wrong, 0);
    json_decref(rows);
    harness_free(h);
}

static void long_texts_are_read_to_the_end(void **state)
{
    (void)state;
    struct harness *h = harness_new(&keyword_plugin, NULL);
    static const char filler[] = "and then we talked about the weather not being so nice, ";
    enum { TEXT_SIZE = 100 * 1000 };
    char *text = malloc(TEXT_SIZE + 100);

    assert_non_null(text);
    size_t size = 0;
    while (size + sizeof(filler) < TEXT_SIZE) {
        memcpy(text + size, filler, sizeof(filler) - 1);
        size += sizeof(filler) - 1;
    }
    (void)snprintf(text + size, 100, "I want a refund, urgently");
    json_t *record = json_pack("{s:{s:s}}", "transcript", "text", text);
    char *dumped = json_dumps(record, 0);
    harness_set_record(h, dumped);
    const struct harness_result *r = harness_work(h, "classify");
    if (r->verdict != SB_OK)
        fail_msg("%s", r->reason);
    assert_string_equal(harness_text(r->record, "analysis.mood"), "Urgent");
    assert_string_equal(harness_text(r->record, "analysis.concern"), "Refund/cancellation request");
    free(dumped);
    json_decref(record);
    free(text);
    harness_free(h);
}

/* ---- other rules --------------------------------------------------------------------------------------- */

static struct harness *harness_with_rules(const char *rules, char ret_path[512])
{
    static int number;
    char options[700];

    (void)snprintf(ret_path, 512, "%s/keyword-%d-%d.lua", TEST_BINARY_DIR, (int)getpid(), ++number);
    FILE *file = fopen(ret_path, "w");
    assert_non_null(file);
    assert_true(fputs(rules, file) >= 0);
    assert_int_equal(fclose(file), 0);
    (void)snprintf(options, sizeof(options), "{\"rules\": \"%s\"}", ret_path);
    struct harness *h = harness_new(&keyword_plugin, options);
    harness_set_record(h, "{\"transcript\": {\"text\": \"hello\"}}");
    return h;
}

static const struct {
    const char *name, *rules, *reason;
} bad[] = {
    { "a wrong mood", "function classify() return { mood = 'Furious', concern = 'x' } end",
      "classify() returned the mood 'Furious': there are Positive, Neutral, Negative and Urgent" },
    { "a mood in small letters", "function classify() return { mood = 'urgent', concern = 'x' } end",
      "classify() returned the mood 'urgent'" },
    { "a wrong priority",
      "function classify() return { mood = 'Urgent', concern = 'x', priority = 'Top' } end",
      "classify() returned the priority 'Top': there are High, Medium and Low" },
    { "no mood", "function classify() return { concern = 'x' } end", "must return a text as 'mood'" },
    { "no concern", "function classify() return { mood = 'Neutral' } end",
      "must return a text as 'concern'" },
    { "an empty concern", "function classify() return { mood = 'Neutral', concern = '' } end",
      "must return a text as 'concern'" },
    { "a number as concern", "function classify() return { mood = 'Neutral', concern = 5 } end",
      "must return a text as 'concern'" },
    { "a table as category",
      "function classify() return { mood = 'Neutral', concern = 'x', category = {} } end",
      "must return a text as 'category'" },
    { "nothing", "function classify() end", "must return a table with mood and concern" },
    { "a text", "function classify() return 'Urgent' end", "must return a table with mood and concern" },
    { "a list", "function classify() return { 'Urgent', 'x' } end",
      "must return a table with mood and concern" },
    { "an error", "function classify(record)\n  return record.nowhere.mood\nend",
      ".lua:2: attempt to index a nil value (field 'nowhere')" },
    { "no function", "function classfy() end", "there is no function 'classify'" },
    { "an endless loop", "function classify() while true do end end",
      ".lua:1: the script took longer than it may" },
    { "too much memory", "function classify() return string.rep('x', 1 << 30) end",
      ".lua:1: the script used more memory than it may" },
};

static void bad_rules_reject_the_record(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char path[512];
        struct harness *h = harness_with_rules(bad[i].rules, path);
        const struct harness_result *r = harness_work(h, "classify");
        if (r->verdict != SB_REJECT || !strstr(r->reason, bad[i].reason))
            fail_msg("[%s] verdict %d: %s", bad[i].name, (int)r->verdict, r->reason);
        if (json_object_get(r->record, "analysis"))
            fail_msg("[%s] the record passed half done", bad[i].name);
        harness_free(h);
        assert_int_equal(unlink(path), 0);
    }
}

static const struct {
    const char *name, *rules, *analysis;
} good[] = {
    { "all fields",
      "function classify() return { mood = 'Positive', concern = 'x', category = 'c', priority = 'Low', "
      "summary = 's' } end",
      "{\"mood\": \"Positive\", \"concern\": \"x\", \"category\": \"c\", \"priority\": \"Low\", \"summary\": "
      "\"s\", "
      "\"by\": \"keyword\"}" },
    { "urgent is high", "function classify() return { mood = 'Urgent', concern = 'x' } end",
      "{\"mood\": \"Urgent\", \"concern\": \"x\", \"category\": null, \"summary\": null, \"priority\": "
      "\"High\", \"by\": \"keyword\"}" },
    { "unless the rules say otherwise",
      "function classify() return { mood = 'Urgent', concern = 'x', priority = 'Low' } end",
      "{\"mood\": \"Urgent\", \"concern\": \"x\", \"category\": null, \"summary\": null, \"priority\": "
      "\"Low\", \"by\": \"keyword\"}" },
    { "the record is there",
      "function classify(r) return { mood = 'Neutral', concern = r.transcript.text } end",
      "{\"mood\": \"Neutral\", \"concern\": \"hello\", \"category\": null, \"summary\": null, \"priority\": "
      "null, \"by\": \"keyword\"}" },
    { "unknown fields are left out",
      "function classify() return { mood = 'Neutral', concern = 'x', other = 1 } end",
      "{\"mood\": \"Neutral\", \"concern\": \"x\", \"category\": null, \"summary\": null, \"priority\": "
      "null, \"by\": \"keyword\"}" },
};

static void good_rules_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char path[512];
        struct harness *h = harness_with_rules(good[i].rules, path);
        const struct harness_result *r = harness_work(h, "classify");
        if (r->verdict != SB_OK)
            fail_msg("[%s] %s", good[i].name, r->reason);
        harness_same(harness_at(r->record, "analysis"), good[i].analysis);
        harness_free(h);
        assert_int_equal(unlink(path), 0);
    }
}

static void long_fields_are_cut(void **state)
{
    (void)state;
    char path[512];
    struct harness *h =
        harness_with_rules("function classify() return { mood = 'Neutral', concern = ('x'):rep(5000), "
                           "category = ('y'):rep(5000) } end",
                           path);
    const struct harness_result *r = harness_work(h, "classify");

    assert_int_equal(r->verdict, SB_OK);
    assert_in_range(strlen(harness_text(r->record, "analysis.concern")), 150, 210);
    assert_in_range(strlen(harness_text(r->record, "analysis.category")), 50, 110);
    harness_free(h);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_rules_classify),      cmocka_unit_test(long_texts_are_read_to_the_end),
        cmocka_unit_test(bad_rules_reject_the_record), cmocka_unit_test(good_rules_are_taken),
        cmocka_unit_test(long_fields_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
