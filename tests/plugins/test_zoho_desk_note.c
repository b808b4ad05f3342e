/* The private note: complete, in parts that fit, each once. */
#include "plugins/zoho_desk_kit.h"

#define TICKET      "\"ticket\": {\"id\": \"5000001000000201001\", \"number\": \"103\"}"
#define WITH_TICKET "{" KIT_CALL ", " KIT_TRANSCRIPT ", " TICKET "}"
#define COMMENT(id) "{\"id\": \"" id "\", \"content\": \"x\"}"

static void a_short_transcription_is_one_private_note(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, WITH_TICKET);
    const struct harness_result *r = harness_build(h, "add_note");
    assert_int_equal(r->verdict, SB_OK);
    assert_string_equal(harness_text(r->request, "method"), "POST");
    assert_string_equal(harness_text(r->request, "url"),
                        "https://desk.zoho.com/api/v1/tickets/5000001000000201001/comments");
    harness_same(
        harness_at(r->request, "body"),
        "{\"content\": \"Transcription of call "
        "examplecall000000000000000000001\\n[SB-0123456789ABC/1]\\nLanguage: "
        "en-IN\\n\\n[00:00] Agent: hello\\n[01:01] Customer: i was charged twice\\n\", \"isPublic\": false, "
        "\"contentType\": \"plainText\"}");
    r = harness_fold(h, "add_note", 200, NULL, COMMENT("5000001000000401001"));
    assert_int_equal(r->verdict, SB_OK);
    harness_same(harness_at(r->record, "notes"), "{\"parts\": 1, \"ids\": [\"5000001000000401001\"]}");
    assert_true(kit_has_note(r, "added transcription note to ticket #103"));
    assert_int_equal(harness_build(h, "add_note")->verdict, SB_SKIP);
    harness_free(h);
}

static const struct {
    const char *name, *transcript;
    const char *text; /* in the note; NULL: no note */
} texts[] = {
    { "text without segments", "{\"text\": \"only text\"}", "\n\nonly text" },
    { "segments that lack words of the text are not used",
      "{\"text\": \"one two three four five six seven\", \"segments\": [{\"start_ms\": 0, \"speaker\": "
      "\"agent\", \"text\": "
      "\"one\"}]}",
      "\n\none two three four five six seven" },
    { "numbered speakers",
      "{\"text\": \"hi\", \"segments\": [{\"start_ms\": 3725000, \"speaker\": 0, \"text\": \"hi\"}]}",
      "[1:02:05] Speaker 1: hi\n" },
    { "no speaker",
      "{\"text\": \"hi\", \"segments\": [{\"start_ms\": 5000, \"speaker\": null, \"text\": \"hi\"}]}",
      "[00:05] hi\n" },
    { "low quality says so", "{\"text\": \"hi\", \"quality\": \"low\"}", "Low quality: " },
    { "Hindi", "{\"text\": \"नमस्ते जी\", \"language\": \"hi\"}", "Language: hi\n\nनमस्ते जी" },
    { "no words", "{\"text\": \" \\n \", \"is_empty\": true}", NULL },
    { "an empty text", "{\"text\": \"\", \"segments\": []}", NULL },
    { "null", "null", NULL },
};

static void the_note_holds_all_that_was_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        KIT_ROW(texts[i].name);
        char record[1000];
        (void)snprintf(record, sizeof(record), "{" TICKET ", \"transcript\": %s}", texts[i].transcript);
        struct harness *h = kit_new(NULL, record);
        const struct harness_result *r = harness_build(h, "add_note");
        assert_int_equal(r->verdict, texts[i].text ? SB_OK : SB_SKIP);
        if (texts[i].text && !strstr(harness_text(r->request, "body.content"), texts[i].text))
            fail_msg("no '%s' in: %s", texts[i].text, harness_text(r->request, "body.content"));
        harness_free(h);
    }
}

/* ---- parts --------------------------------------------------------------------------------------------- */

/* A record whose transcript is `unit` again and again. */
static char *long_record(const char *unit, size_t count)
{
    size_t size = strlen(unit) * count + 1;
    char *text = malloc(size);
    assert_non_null(text);
    size_t at = 0;
    for (size_t i = 0; i < count; i++, at += strlen(unit))
        memcpy(text + at, unit, strlen(unit));
    text[at] = '\0';
    json_t *record =
        json_pack("{s:{s:s, s:s}, s:{s:s}, s:{s:s}}", "ticket", "id", "5000001000000201001", "number", "103",
                  "transcript", "text", text, "call", "sid", "examplecall000000000000000000001");
    char *json = json_dumps(record, 0);
    json_decref(record);
    free(text);
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

/* Adds all parts; gives the text of all, without what stands in front of each; the caller frees it. */
static char *add_all_parts(struct harness *h, size_t units_max, size_t *ret_parts)
{
    char *all = calloc(1, 1 << 20);
    assert_non_null(all);
    for (uint32_t round = 0;; round++) {
        char marker[40];
        char id[40];
        (void)snprintf(marker, sizeof(marker), "[SB-0123456789ABC/%u]\n", round + 1);
        (void)snprintf(id, sizeof(id), "{\"id\": \"%u\"}", 1000 + round);
        harness_set_round(h, round);
        const struct harness_result *r = harness_build(h, "add_note");
        assert_int_equal(r->verdict, SB_OK);
        const char *content = harness_text(r->request, "body.content");
        assert_in_range(units(content), 1, units_max);
        assert_int_equal(json_string_length(harness_at(r->request, "body.content")), strlen(content));
        const char *start = strstr(content, marker);
        assert_non_null(start);
        size_t end = strlen(all);
        memcpy(all + end, start + strlen(marker), strlen(start + strlen(marker)) + 1);
        if (harness_fold(h, "add_note", 200, NULL, id)->verdict == SB_OK) {
            *ret_parts = round + 1;
            return all;
        }
    }
}

static const struct {
    const char *name, *unit;
    size_t count, parts;
} splits[] = {
    { "words", "word ", 10000, 4 },
    { "lines", "[00:00] Agent: hello and welcome\n", 1000, 3 },
    { "one endless word", "x", 32500, 3 },
    { "characters of three bytes", "न", 32500, 3 },
    { "characters of two units", "😀", 16250, 3 },
    { "just one part", "x", 14599, 1 },
    { "one more than a part", "x", 14600, 2 },
};

static void a_long_transcription_is_split_and_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
        KIT_ROW(splits[i].name);
        char *record = long_record(splits[i].unit, splits[i].count);
        struct harness *h = kit_new("\"note_size_max\": 15000", record);
        size_t parts = 0;
        char *all = add_all_parts(h, 15000, &parts);

        assert_int_equal(parts, splits[i].parts);
        const char *p = all + strspn(all, "\n");
        for (size_t j = 0; j < splits[i].count; j++, p += strlen(splits[i].unit))
            assert_memory_equal(p, splits[i].unit, strlen(splits[i].unit));
        assert_string_equal(p, "");
        harness_set_round(h, 0);
        const struct harness_result *r = harness_build(h, "add_note");
        assert_int_equal(r->verdict, SB_SKIP);
        assert_int_equal(harness_int(r->record, "notes.parts"), parts);
        harness_free(h);
        free(all);
        free(record);
    }
}

static void parts_are_numbered_and_small_when_told(void **state)
{
    (void)state;
    char *record = long_record("word ", 500);
    struct harness *h = kit_new("\"note_size_max\": 1000", record);
    const struct harness_result *r = harness_build(h, "add_note");
    assert_non_null(
        strstr(harness_text(r->request, "body.content"),
               "Transcription of call examplecall000000000000000000001\nPart 1 of 5 [SB-0123456789ABC/1]\n"));
    size_t parts = 0;
    char *all = add_all_parts(h, 1000, &parts);
    assert_int_equal(parts, 5);
    free(all);
    harness_free(h);
    free(record);
}

static void parts_that_are_there_are_passed_over(void **state)
{
    (void)state;
    char *record = long_record("word ", 20000);
    struct harness *h = kit_new(NULL, record);
    assert_int_equal(harness_fold(h, "add_note", 200, NULL, COMMENT("1000"))->verdict, SB_AGAIN);
    assert_int_equal(harness_build(h, "add_note")->verdict, SB_AGAIN);
    harness_set_round(h, 1);
    const struct harness_result *r = harness_build(h, "add_note");
    assert_non_null(strstr(harness_text(r->request, "body.content"), "Part 2 of 4 [SB-0123456789ABC/2]\n"));
    harness_free(h);
    free(record);
}

/* Somebody sets another size between two parts: the cuts stay where the first part put them, and nothing is left out. */
static void a_note_that_was_begun_keeps_its_size(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool is_found; /* the first part is found by its marker, not answered */
        const char *size;
    } rows[] = { { "answered, larger now", false, "\"note_size_max\": 30000" },
                 { "answered, smaller now", false, "\"note_size_max\": 1001" },
                 { "found, larger now", true, "\"note_size_max\": 30000" } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        KIT_ROW(rows[i].name);
        char *record = long_record("word ", 500);
        struct harness *before = kit_new("\"note_size_max\": 1000", record);
        const struct harness_result *r = harness_build(before, "add_note");
        char *second = NULL;
        if (rows[i].is_found)
            r = harness_reconcile_fold(
                before, "add_note", 200, NULL,
                "{\"data\": [{\"id\": \"8\", \"content\": \"[SB-0123456789ABC/1]\\n\"}]}");
        else
            r = harness_fold(before, "add_note", 200, NULL, COMMENT("8"));
        char *half = json_dumps(r->record, 0);
        harness_set_round(before, 1);
        r = harness_build(before, "add_note");
        second = strdup(harness_text(r->request, "body.content"));
        harness_free(before);

        struct harness *after = kit_new(rows[i].size, half);
        harness_set_round(after, 1);
        r = harness_build(after, "add_note");
        assert_int_equal(r->verdict, SB_OK);
        assert_string_equal(harness_text(r->request, "body.content"), second);
        assert_int_equal(harness_fold(after, "add_note", 200, NULL, COMMENT("9"))->verdict, SB_AGAIN);
        harness_free(after);
        free(second);
        free(half);
        free(record);
    }
}

/* A record that passes its steps once more, with another size, or another text of the same call. */
static void a_complete_note_stays_as_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *name, *size;
        size_t words;
    } rows[] = { { "a smaller size", "\"note_size_max\": 1000", 500 },
                 { "a longer text", "\"note_size_max\": 30000", 20000 } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        KIT_ROW(rows[i].name);
        char *record = long_record("word ", 500);
        char *now = long_record("word ", rows[i].words);
        struct harness *before = kit_new("\"note_size_max\": 30000", record);
        const struct harness_result *r = harness_fold(before, "add_note", 200, NULL, COMMENT("8"));
        assert_int_equal(r->verdict, SB_OK);
        json_t *again = json_loads(now, 0, NULL);
        json_object_set(again, "notes", json_object_get(r->record, "notes"));
        char *text = json_dumps(again, 0);
        harness_free(before);

        struct harness *after = kit_new(rows[i].size, text);
        assert_int_equal(harness_build(after, "add_note")->verdict, SB_SKIP);
        harness_set_round(after, 1);
        assert_int_equal(harness_build(after, "add_note")->verdict, SB_SKIP);
        harness_free(after);
        json_decref(again);
        free(text);
        free(now);
        free(record);
    }
}

/* ---- found again --------------------------------------------------------------------------------------- */

static void a_lost_part_is_looked_for_by_its_marker(void **state)
{
    (void)state;
    char *record = long_record("word ", 20000);
    struct harness *h = kit_new(NULL, record);
    const struct harness_result *r = harness_build(h, "add_note");
    assert_int_equal(r->verdict, SB_OK);
    harness_same(r->intent, "{\"org_id\": \"600000001\", \"ticket_id\": \"5000001000000201001\", \"marker\": "
                            "\"[SB-0123456789ABC/1]\", \"parts\": 4, \"size_max\": 30000}");

    r = harness_reconcile_build(h, "add_note");
    assert_string_equal(harness_text(r->request, "url"),
                        "https://desk.zoho.com/api/v1/tickets/5000001000000201001/"
                        "comments?sortBy=-commentedTime&limit=100&from=0");
    assert_int_equal(harness_reconcile_fold(h, "add_note", 204, NULL, "")->verdict, SB_SKIP);
    r = harness_reconcile_fold(
        h, "add_note", 200, NULL,
        "{\"data\": [{\"id\": \"7\", \"content\": \"Part 1 of 12 [SB-0123456789ABC/11]\\nx\"}]}");
    assert_int_equal(r->verdict, SB_SKIP);
    r = harness_reconcile_fold(
        h, "add_note", 200, NULL,
        "{\"data\": [{\"id\": \"7\", \"content\": \"x\"}, {\"id\": \"8\", \"content\": \"Part 1 of 4 "
        "[SB-0123456789ABC/1]\\nx\"}]}");
    assert_int_equal(r->verdict, SB_OK);
    harness_same(harness_at(r->record, "notes"), "{\"parts\": 4, \"ids\": [\"8\"], \"size_max\": 30000}");

    /* The next round goes on with part 2. */
    assert_int_equal(harness_build(h, "add_note")->verdict, SB_AGAIN);
    harness_set_round(h, 1);
    r = harness_build(h, "add_note");
    assert_string_equal(harness_text(r->intent, "marker"), "[SB-0123456789ABC/2]");
    harness_free(h);
    free(record);
}

static void a_full_page_of_comments_is_followed_by_the_next(void **state)
{
    (void)state;
    json_t *list = json_array();
    for (int i = 0; i < 100; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "id", "7", "content", "x"));
    json_t *page = json_pack("{s:o}", "data", list);
    char *text = json_dumps(page, 0);
    struct harness *h = kit_new(NULL, WITH_TICKET);
    assert_int_equal(harness_build(h, "add_note")->verdict, SB_OK);
    assert_int_equal(harness_reconcile_fold(h, "add_note", 200, NULL, text)->verdict, SB_AGAIN);
    harness_set_round(h, 1);
    assert_non_null(
        strstr(harness_text(harness_reconcile_build(h, "add_note")->request, "url"), "&from=100"));
    harness_set_round(h, 59);
    assert_int_equal(harness_reconcile_build(h, "add_note")->verdict, SB_OK);
    assert_int_equal(harness_reconcile_fold(h, "add_note", 200, NULL, text)->verdict, SB_RETRY);
    harness_free(h);
    free(text);
    json_decref(page);
}

static const struct {
    const char *name;
    int status;
    const char *body;
    enum sb_verdict verdict;
    const char *reason;
} refusals[] = {
    { "the ticket is gone", 404, "{\"errorCode\": \"URL_NOT_FOUND\"}", SB_REJECT,
      "cannot add the note: ticket #103 was deleted or merged in Zoho Desk" },
    { "no scope", 403, "{\"errorCode\": \"SCOPE_MISMATCH\"}", SB_RETRY, "Desk.tickets.UPDATE" },
    { "too long after all", 422,
      "{\"errorCode\": \"INVALID_DATA\", \"errors\": [{\"fieldName\": \"/content\", \"errorType\": "
      "\"invalid\"}]}",
      SB_REJECT, "cannot add the note: INVALID_DATA: /content is invalid" },
    { "no id", 200, "{}", SB_RETRY, "cannot add the note: the answer" },
};

static void refusals_of_notes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        KIT_ROW(refusals[i].name);
        struct harness *h = kit_new(NULL, WITH_TICKET);
        const struct harness_result *r =
            harness_fold(h, "add_note", refusals[i].status, NULL, refusals[i].body);
        assert_int_equal(r->verdict, refusals[i].verdict);
        assert_non_null(strstr(r->reason, refusals[i].reason));
        assert_null(json_object_get(r->record, "notes"));
        harness_free(h);
    }
}

static void no_ticket_no_note(void **state)
{
    (void)state;
    struct harness *h = kit_new(NULL, "{" KIT_CALL ", " KIT_TRANSCRIPT "}");
    assert_int_equal(harness_build(h, "add_note")->verdict, SB_REJECT);
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_transcription_is_one_private_note),
        cmocka_unit_test(the_note_holds_all_that_was_said),
        cmocka_unit_test(a_long_transcription_is_split_and_complete),
        cmocka_unit_test(parts_are_numbered_and_small_when_told),
        cmocka_unit_test(parts_that_are_there_are_passed_over),
        cmocka_unit_test(a_complete_note_stays_as_it_is),
        cmocka_unit_test(a_note_that_was_begun_keeps_its_size),
        cmocka_unit_test(a_lost_part_is_looked_for_by_its_marker),
        cmocka_unit_test(a_full_page_of_comments_is_followed_by_the_next),
        cmocka_unit_test(refusals_of_notes),
        cmocka_unit_test(no_ticket_no_note),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
