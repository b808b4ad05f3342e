/* The record schema: its checks, and that docs/RECORD.md says the same. */
#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "plugin/record_schema.h"
#include "unit/check.h"

static const struct {
    const char *name, *record, *want_error; /* want_error NULL: fits */
} cases[] = {
    { "a call as Exotel brings it",
      "{\"source\":{\"plugin\":\"exotel\",\"at_ms\":1},\"call\":{\"sid\":\"x\",\"direction\":\"inbound\"}}",
      NULL },
    { "optional members may be null", "{\"call\":{\"sid\":\"x\",\"agent_name\":null}}", NULL },
    { "members that nobody knows are allowed", "{\"call\":{\"sid\":\"x\",\"queue\":7}}", NULL },
    { "sections that nobody knows are allowed", "{\"mine\":[1,2]}", NULL },
    { "a required member is missing", "{\"call\":{}}", "record member 'call.sid' must be a text" },
    { "a required member is null", "{\"analysis\":{\"mood\":null}}",
      "record member 'analysis.mood' must be one of the words in docs/RECORD.md" },
    { "a number is not a text", "{\"call\":{\"sid\":7}}", "record member 'call.sid' must be a text" },
    { "a fraction is not a whole number", "{\"call\":{\"sid\":\"x\",\"talk_s\":1.5}}",
      "record member 'call.talk_s' must be a whole number" },
    { "a word that is none of them", "{\"call\":{\"sid\":\"x\",\"direction\":\"sideways\"}}",
      "record member 'call.direction' must be one of the words in docs/RECORD.md" },
    { "a member of a list's item", "{\"problems\":[{\"phase\":\"stage\",\"index\":0,\"instance\":\"a\"}]}",
      "record member 'problems.*.reason' must be a text" },
    { "an escalation as an agent brings it",
      "{\"escalation\":{\"id\":\"e\",\"agent\":\"a\",\"summary\":\"s\",\"received_at\":\"t\",\"digest\":"
      "\"d\"},"
      "\"user\":{\"id\":\"u\"},\"conversation\":{\"messages\":[{\"role\":\"tool\",\"content\":\"\"}]},"
      "\"attachments\":{\"items\":[{\"name\":\"a.png\",\"size\":3}]}}",
      NULL },
    { "a list in a section may be absent",
      "{\"escalation\":{\"id\":\"e\",\"agent\":\"a\",\"summary\":\"s\",\"received_at\":\"t\",\"digest\":"
      "\"d\"}}",
      NULL },
    { "a member of an item of a list in a section",
      "{\"conversation\":{\"messages\":[{\"role\":\"user\",\"content\":\"\"},{\"role\":\"bot\",\"content\":"
      "\"\"}]}}",
      "record member 'conversation.messages.*.role' must be one of the words in docs/RECORD.md" },
};

static void records_are_checked_against_the_schema(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct sb_error err = SB_ERROR_INIT;
        AUTO_JSON record = json_parse(cases[i].record, strlen(cases[i].record), NULL);
        assert_non_null(record);
        int rc = record_check(record, &err);
        CHECK_INT(cases[i].name, cases[i].want_error ? SB_EINPUT : 0, rc);
        CHECK_STR(cases[i].name, cases[i].want_error ? cases[i].want_error : "", err.text);
    }
}

static void the_page_about_records_lists_every_member(void **state)
{
    struct sb_error err = SB_ERROR_INIT;
    AUTO_STR text = NULL;
    size_t size = 0;
    char cell[80];

    (void)state;
    assert_int_equal(file_read(TEST_SOURCE_DIR "/docs/RECORD.md", 1 << 20, &text, &size, &err), 0);
    for (const struct record_field *field = record_schema(); field->path; field++) {
        (void)snprintf(cell, sizeof(cell), "| `%s` |", field->path);
        CHECK_INT(field->path, true, strstr(text, cell) != NULL);
        for (const char *const *word = field->words; word && *word; word++)
            CHECK_INT(*word, true, strstr(text, *word) != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_checked_against_the_schema),
        cmocka_unit_test(the_page_about_records_lists_every_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
