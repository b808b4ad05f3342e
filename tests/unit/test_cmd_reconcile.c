/* What a comparison says of one conversation, and the sums over all. */
#include "check.h"

#include "app/reconcile_report.h"
#include "base/json.h"
#include "base/scope.h"

#define DONE  "\"standing\": {\"record_id\": 7, \"state\": \"done\"}"
#define MADE  "\"job\": {\"made\": \"201\"}"
#define ENTRY "\"account\": \"acmedemo1\", \"external_id\": \"a\""

static const struct {
    const char *row, *entry, *what, *why;
} cases[] = {
    { "nobody knows it", "\"record\": {}", "missing", "the journal has never heard of it" },
    { "its source would take it yet", "\"reason\": \"the next rounds take it\"", "explained",
      "the next rounds" },
    { "known, and its source would take it yet", "\"reason\": \"the next rounds take it\", " DONE,
      "delivered", "" },
    { "imported or expired", "\"standing\": {\"record_id\": 0}", "explained", "delivered before" },
    { "in flight", "\"standing\": {\"record_id\": 7, \"state\": \"active\"}", "explained", "in flight" },
    { "unknown", "\"standing\": {\"record_id\": 7, \"state\": \"dead\", \"is_unknown\": true}", "explained",
      "unknown: " },
    { "dropped", "\"standing\": {\"record_id\": 7, \"state\": \"dropped\", \"reason\": \"missed call\"}",
      "explained", "dropped: missed call" },
    { "disabled", "\"standing\": {\"record_id\": 7, \"state\": \"disabled\"}", "explained", "disabled" },
    { "done, and its sink names nothing", DONE, "delivered", "" },
    { "done, and there", DONE ", " MADE ", \"found\": [\"201\"]", "delivered", "" },
    { "done, and there twice", DONE ", " MADE ", \"found\": [\"202\", \"201\"]", "doubled",
      "1 more at the helpdesk carries" },
    { "done, and there three times", DONE ", " MADE ", \"found\": [\"202\", \"201\", \"203\"]", "doubled",
      "2 more" },
    { "done, and only another is there", DONE ", " MADE ", \"found\": [\"202\"]", "doubled", "201 was made" },
    { "done, and gone", DONE ", " MADE ", \"found\": []", "explained", "deleted or merged" },
    { "done, and not shown yet", DONE ", " MADE ", \"is_young\": true, \"found\": []", "explained",
      "not shown yet" },
    { "done, young, and there", DONE ", " MADE ", \"is_young\": true, \"found\": [\"201\"]", "delivered",
      "" },
    { "done, and nobody answers", DONE ", " MADE ", \"look_fault\": \"HTTP 503\"", "uncertain", "HTTP 503" },
};

static json_t *entry_of(size_t i)
{
    char text[600];

    (void)snprintf(text, sizeof(text), "{" ENTRY ", %s}", cases[i].entry);
    json_t *entry = json_parse(text, strlen(text), NULL);
    if (!entry)
        fail_msg("%s", text);
    return entry;
}

static void every_conversation_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char why[400] = "untouched";
        AUTO_JSON entry = entry_of(i);
        CHECK_STR(cases[i].row, cases[i].what, reconcile_judge(entry, why));
        if (*cases[i].why ? !strstr(why, cases[i].why) : *why != '\0')
            fail_msg("%s: %s", cases[i].row, why);
    }
}

static void the_sums_and_the_rows_fit_the_judgements(void **state)
{
    AUTO_JSON entries = json_array();
    AUTO_JSON none = json_array();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        (void)json_array_append_new(entries, entry_of(i));
    AUTO_JSON report = reconcile_report(entries, none, none, 12345, 1);
    CHECK_INT("listed", COUNT_OF(cases), json_int(report, "listed", 0));
    CHECK_INT("delivered", 4, json_int(report, "delivered", 0));
    CHECK_INT("missing", 1, json_int(report, "missing", 0));
    CHECK_INT("doubled", 3, json_int(report, "doubled", 0));
    CHECK_INT("uncertain", 1, json_int(report, "uncertain", 0));
    CHECK_INT("explained", 8, json_int(report, "explained", 0));
    CHECK_INT("since", 12345, json_int(report, "since_ms", 0));
    CHECK_INT("filled", 1, json_int(report, "back_filled", 0));
    CHECK_INT("rows", COUNT_OF(cases) - 4, json_array_size(json_object_get(report, "rows")));
}

static void only_what_was_seen_once_is_taken_for_single(void **state)
{
    AUTO_JSON entries = json_array();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        (void)json_array_append_new(entries, entry_of(i));
    AUTO_JSON single = reconcile_single(entries);
    CHECK_INT("there once", 2, json_array_size(single));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_conversation_is_judged),
        cmocka_unit_test(the_sums_and_the_rows_fit_the_judgements),
        cmocka_unit_test(only_what_was_seen_once_is_taken_for_single),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
