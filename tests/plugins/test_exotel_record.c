/* What a call's record goes through: agents and screening, reading the call again, the recording. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/exotel/exotel.h"
#include "base/scope.h"
#include "exotel_kit.h"

#define END_MS  INT64_C(1773133296000) /* 2026-03-10T09:01:36Z, as kit_call() ended */
#define SCREEN  "screen"
#define REFRESH "refresh_call"
#define URL     "https://recordings.exotel.com/exotelrecordings/acmedemo1/examplecall000000000000000000001.mp3"
#define ID3     "ID3\x04 and then sound"

/* A record of one answered call, with `call` and `recording` (objects without braces) put over its sections. */
static void set_record(struct harness *h, const char *call, const char *recording)
{
    char text[4096];

    (void)snprintf(
        text, sizeof(text),
        "{\"source\": {\"plugin\": \"exotel\", \"account\": \"acmedemo1\", \"external_id\":"
        " \"examplecall000000000000000000001\", \"at_ms\": %lld}, \"call\": {\"sid\":"
        " \"examplecall000000000000000000001\", \"direction\": \"inbound\", \"customer\": \"05550100001\","
        " \"agent_number\": \"05550100101\", \"agent_name\": null, \"agent_department\": null,"
        " \"agent_known\": false, \"started_at\": \"2026-03-10T09:00:00Z\", \"talk_s\": 64,"
        " \"status\": \"answered\", \"missed_reason\": null, \"is_final\": true%s%s},"
        " \"recording\": {\"state\": \"pending\"%s%s}}",
        (long long)END_MS, call[0] ? ", " : "", call, recording[0] ? ", " : "", recording);
    json_t *record = json_loads(text, 0, NULL); /* a member that is there twice: the last one counts */
    assert_non_null(record);
    AUTO_STR clean = json_dumps(record, 0);
    json_decref(record);
    harness_set_record(h, clean);
}

static struct harness *new_harness(const char *more_options)
{
    char options[1024];

    (void)snprintf(options, sizeof(options), "{" KIT_KEYS "%s%s}", more_options[0] ? ", " : "", more_options);
    struct harness *h = harness_new(&exotel_plugin, options);
    harness_set_now(h, END_MS + 3 * EXO_MINUTE_MS);
    return h;
}

static void check_text(const char *row, const json_t *record, const char *path, const char *want)
{
    const char *got = harness_text(record, path);

    if ((got == NULL) != (want == NULL) || (got && strcmp(got, want) != 0))
        fail_msg("'%s': %s is '%s'", row, path, got ? got : "null");
}

/* ---- agents -------------------------------------------------------------------------------------------- */

#define LISTED                                                                                               \
    "\"09631084471\": {\"name\": \"Prateek\", \"department\": \"Customer Success\", \"active\": true},"      \
    "\"+915550100101\": {\"name\": \"Asha\", \"department\": \"Support\"},"                                  \
    "\"sip:DemoAgent01\": {\"name\": \"Ravi\"},"                                                             \
    "\"0201\": {\"name\": \"Front desk\"},"                                                                  \
    "\"05550100109\": {\"name\": \"Gone\", \"active\": false}"
#define FALLBACK                                                                                             \
    "\"default_agent\": {\"name\": \"Team\", \"department\": \"Support\", \"active\": true},"                \
    "\"settings\": {\"fallback_to_default\": true}"

static void agents_are_found_as_people_mean_it(void **state)
{
    (void)state;
    static const struct {
        const char *name, *file, *call;
        const char *want_name, *want_department; /* NULL: null */
        bool want_known;
        enum sb_verdict want_verdict;
        size_t want_notes;
    } rows[] = {
        { "+91 in the file", "{\"agents\": {" LISTED "}}", "", "Asha", "Support", true, SB_SKIP, 0 },
        { "0 in the file, +91 in the call", "{\"agents\": {" LISTED "}}",
          "\"agent_number\": \"+919631084471\"", "Prateek", "Customer Success", true, SB_SKIP, 0 },
        { "ten digits in the call", "{\"agents\": {" LISTED "}}", "\"agent_number\": \"9631084471\"",
          "Prateek", "Customer Success", true, SB_SKIP, 0 },
        { "91 and blanks in the call", "{\"agents\": {" LISTED "}}", "\"agent_number\": \"91 96310-84471\"",
          "Prateek", "Customer Success", true, SB_SKIP, 0 },
        { "SIP in another case", "{\"agents\": {" LISTED "}}", "\"agent_number\": \"sip:demoagent01\"",
          "Ravi", NULL, true, SB_SKIP, 0 },
        { "SIP with a domain on one side", "{\"agents\": {" LISTED "}}",
          "\"agent_number\": \"sip:demoagent01@voice.example.com\"", "Ravi", NULL, true, SB_SKIP, 0 },
        { "another SIP id", "{\"agents\": {" LISTED "}}", "\"agent_number\": \"sip:demoagent011\"", NULL,
          NULL, false, SB_SKIP, 1 },
        { "an extension", "{\"agents\": {" LISTED "}}", "\"agent_number\": \"201\"", "Front desk", NULL, true,
          SB_SKIP, 0 },
        { "an inactive agent", "{\"agents\": {" LISTED "}}", "\"agent_number\": \"+915550100109\"", "Gone",
          NULL, true, SB_DROP, 0 },
        { "not listed, no stand-in", "{\"agents\": {" LISTED "}}", "\"agent_number\": \"05550100999\"", NULL,
          NULL, false, SB_SKIP, 1 },
        { "not listed, stand-in", "{\"agents\": {" LISTED "}, " FALLBACK "}",
          "\"agent_number\": \"05550100999\"", "Team", "Support", false, SB_SKIP, 0 },
        { "stand-in, but not wanted",
          "{\"agents\": {}, \"default_agent\": {\"name\": \"Team\"}, \"settings\": {\"fallback_to_default\": "
          "false}}",
          "", NULL, NULL, false, SB_SKIP, 1 },
        { "stand-in is inactive",
          "{\"agents\": {}, \"default_agent\": {\"name\": \"Team\", \"active\": false},"
          " \"settings\": {\"fallback_to_default\": true}}",
          "", "Team", NULL, false, SB_DROP, 0 },
        { "agent not known, stand-in", "{\"agents\": {" LISTED "}, " FALLBACK "}", "\"agent_number\": null",
          "Team", "Support", false, SB_SKIP, 0 },
        { "a flow has no agent", "{\"agents\": {" LISTED "}, " FALLBACK "}",
          "\"agent_number\": null, \"is_flow\": true", NULL, NULL, false, SB_SKIP, 0 },
        { "nobody took a missed call", "{\"agents\": {" LISTED "}, " FALLBACK "}",
          "\"agent_number\": null, \"status\": \"missed\"", NULL, NULL, false, SB_SKIP, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char options[1024];
        (void)snprintf(options, sizeof(options), "\"missed\": \"ticket\", \"agents\": %s", rows[i].file);
        struct harness *h = new_harness(options);
        set_record(h, rows[i].call, "");
        const struct harness_result *result = harness_build(h, SCREEN);
        if (result->verdict != rows[i].want_verdict || json_array_size(result->notes) != rows[i].want_notes)
            fail_msg("'%s': verdict %d, %zu notes", rows[i].name, (int)result->verdict,
                     json_array_size(result->notes));
        check_text(rows[i].name, result->record, "call.agent_name", rows[i].want_name);
        check_text(rows[i].name, result->record, "call.agent_department", rows[i].want_department);
        assert_int_equal(json_is_true(harness_at(result->record, "call.agent_known")), rows[i].want_known);
        harness_free(h);
    }
}

static void without_an_agents_file_nothing_is_said(void **state)
{
    (void)state;
    struct harness *h = new_harness("");

    set_record(h, "", "");
    const struct harness_result *result = harness_build(h, SCREEN);
    assert_int_equal(result->verdict, SB_SKIP);
    assert_int_equal(json_array_size(result->notes), 0);
    harness_free(h);
}

/* ---- screening ----------------------------------------------------------------------------------------- */

static void calls_that_nobody_wants_are_dropped_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *name, *options, *call;
        enum sb_verdict want;
        const char *want_reason;
    } rows[] = {
        { "answered", "", "", SB_SKIP, "" },
        { "missed", "", "\"status\": \"missed\", \"missed_reason\": \"no agent answered\"", SB_DROP,
          "missed call: no agent answered" },
        { "missed without a reason", "", "\"status\": \"missed\"", SB_DROP, "missed call: nobody answered" },
        { "missed, but wanted", "\"missed\": \"ticket\"", "\"status\": \"missed\"", SB_SKIP,
          "no recording: the call was not answered" },
        { "unclear", "\"min_talk\": \"10s\"", "\"status\": \"unknown\", \"talk_s\": 0", SB_SKIP, "" },
        { "too short", "\"min_talk\": \"65s\"", "", SB_DROP,
          "the parties talked for 64 s, less than min_talk" },
        { "just long enough", "\"min_talk\": \"64s\"", "", SB_SKIP, "" },
        { "nobody knows how long", "\"min_talk\": \"65s\"", "\"talk_s\": null", SB_SKIP, "" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct harness *h = new_harness(rows[i].options);
        set_record(h, rows[i].call, "");
        const struct harness_result *result = harness_build(h, SCREEN);
        if (result->verdict != rows[i].want || strcmp(result->reason, rows[i].want_reason) != 0)
            fail_msg("'%s': %d '%s'", rows[i].name, (int)result->verdict, result->reason);
        harness_free(h);
    }
}

static void a_missed_call_with_a_ticket_has_no_recording(void **state)
{
    (void)state;
    struct harness *h = new_harness("\"missed\": \"ticket\"");

    set_record(h, "\"status\": \"missed\"", "\"url\": \"" URL "\"");
    const struct harness_result *result = harness_run(h);
    assert_int_equal(result->verdict, SB_SKIP);
    assert_string_equal(harness_text(result->record, "recording.state"), "missing");
    assert_string_equal(harness_text(result->record, "recording.why"), "the call was not answered");
    assert_int_equal(json_array_size(harness_requests(h)), 0);
    harness_free(h);
}

/* ---- reading the call again ---------------------------------------------------------------------------- */

static void a_call_with_an_address_is_not_read_again(void **state)
{
    (void)state;
    static const char *const recordings[] = {
        "\"url\": \"" URL "\"",
        "\"presigned_url\": \"" URL "?X-Amz-Signature=1\"",
        "\"state\": \"missing\"",
        "\"state\": \"saved\"",
    };

    for (size_t i = 0; i < COUNT_OF(recordings); i++) {
        struct harness *h = new_harness("");
        set_record(h, "", recordings[i]);
        assert_int_equal(harness_build(h, REFRESH)->verdict, SB_SKIP);
        harness_free(h);
    }
}

static void a_missing_address_is_asked_for_rarely_and_until_the_deadline(void **state)
{
    (void)state;
    AUTO_STR body = kit_call_text("{\"RecordingUrl\": null}");
    const struct harness_answer answers[] = {
        { .method = "GET",
          .url_part = "/Calls/examplecall000000000000000000001.json?details=true",
          .status = 200,
          .body = body },
        { .status = 0 },
    };
    struct harness *h = new_harness("");

    set_record(h, "", "\"url\": null");
    harness_answers(h, answers);
    const struct harness_result *result = harness_run(h);
    assert_int_equal(result->verdict, SB_SKIP);
    assert_string_equal(harness_text(result->record, "recording.state"), "missing");
    assert_string_equal(harness_text(result->record, "recording.why"),
                        "Exotel names no recording for this call");
    assert_in_range(json_array_size(harness_requests(h)), 3, 6);
    harness_free(h);
}

static void an_address_that_comes_late_is_used(void **state)
{
    (void)state;
    AUTO_STR without = kit_call_text("{\"RecordingUrl\": \"\"}");
    AUTO_STR with = kit_call_text("{}");
    const struct harness_answer answers[] = {
        { .url_part = "/Calls/", .status = 200, .body = without, .times = 2 },
        { .url_part = "/Calls/", .status = 200, .body = with },
        { .url_part = "recordings.exotel.com", .status = 200, .body = ID3 },
        { .status = 0 },
    };
    struct harness *h = new_harness("");

    set_record(h, "", "");
    harness_answers(h, answers);
    const struct harness_result *result = harness_run(h);
    assert_int_equal(result->verdict, SB_OK);
    assert_string_equal(harness_text(result->record, "recording.state"), "saved");
    assert_int_equal(json_array_size(harness_requests(h)), 4);
    harness_free(h);
}

static void a_call_that_ran_is_read_until_it_is_over(void **state)
{
    (void)state;
    AUTO_STR running = kit_call_text("{\"Status\": \"in-progress\", \"EndTime\": null, \"Duration\": null,"
                                     " \"RecordingUrl\": null}");
    AUTO_STR over = kit_call_text("{}");
    const struct harness_answer answers[] = {
        { .url_part = "/Calls/", .status = 200, .body = running, .times = 3 },
        { .url_part = "/Calls/", .status = 200, .body = over },
        { .url_part = "recordings.exotel.com", .status = 200, .body = ID3 },
        { .status = 0 },
    };
    struct harness *h = new_harness("");

    set_record(h, "\"is_final\": false, \"status\": \"unknown\", \"agent_number\": null, \"talk_s\": null",
               "");
    harness_answers(h, answers);
    const struct harness_result *result = harness_run(h);
    assert_int_equal(result->verdict, SB_OK);
    assert_string_equal(harness_text(result->record, "call.status"), "answered");
    assert_string_equal(harness_text(result->record, "call.agent_number"), "05550100101");
    assert_true(json_is_true(harness_at(result->record, "call.is_final")));
    assert_int_equal(json_array_size(harness_requests(h)), 5);
    harness_free(h);
}

static void a_call_that_turns_out_to_be_missed_is_dropped(void **state)
{
    (void)state;
    AUTO_STR body = kit_call_text("{\"RecordingUrl\": null, \"Details\": {\"ConversationDuration\": 0,"
                                  " \"Leg1Status\": \"completed\", \"Leg2Status\": \"no-answer\"}}");
    struct harness *h = new_harness("");

    set_record(h, "\"is_final\": false, \"status\": \"unknown\"", "");
    (void)harness_build(h, REFRESH);
    const struct harness_result *result = harness_fold(h, REFRESH, 200, NULL, body);
    assert_int_equal(result->verdict, SB_DROP);
    assert_string_equal(result->reason, "missed call: no agent answered");
    harness_free(h);
}

/* A newer reading that says less never wipes what is known. */
static void missing_values_wipe_nothing(void **state)
{
    (void)state;
    AUTO_STR body = kit_call_text(
        "{\"From\": null, \"To\": \"\", \"Details\": \"-\", \"Duration\": null, \"EndTime\": null,"
        " \"DateCreated\": \"-\", \"StartTime\": null, \"Status\": \"completed\"}");
    struct harness *h = new_harness("");

    set_record(h, "", "");
    harness_set_round(h, 1);
    (void)harness_build(h, REFRESH);
    const struct harness_result *result = harness_fold(h, REFRESH, 200, NULL, body);
    assert_int_equal(result->verdict, SB_OK);
    assert_string_equal(harness_text(result->record, "call.customer"), "05550100001");
    assert_string_equal(harness_text(result->record, "call.agent_number"), "05550100101");
    assert_string_equal(harness_text(result->record, "call.started_at"), "2026-03-10T09:00:00Z");
    assert_string_equal(harness_text(result->record, "call.status"), "answered");
    assert_int_equal(harness_int(result->record, "call.talk_s"), 64);
    assert_string_equal(harness_text(result->record, "recording.url"), URL);
    harness_free(h);
}

static void failures_of_reading_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum sb_verdict want;
        int64_t want_suspend_ms, want_delay_ms;
    } rows[] = {
        { 404, "{\"RestException\": {\"Status\": 404, \"Message\": \"Not Found\"}}", SB_AGAIN, 0,
          10 * EXO_MINUTE_MS },
        { 401, "", SB_RETRY, EXO_SUSPEND_MS, 0 },
        { 403, "", SB_RETRY, EXO_SUSPEND_MS, 0 },
        { 402, "", SB_RETRY, EXO_SUSPEND_MS, 0 },
        { 429, "", SB_RETRY, 0, 5000 },
        { 503, "", SB_RETRY, 0, 0 },
        { 200, "<html></html>", SB_RETRY, 0, 0 },
        { 200, "{\"Call\": {}}", SB_RETRY, 0, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct harness *h = new_harness("");
        set_record(h, "", "");
        harness_set_round(h, 1);
        (void)harness_build(h, REFRESH);
        const struct harness_result *result = harness_fold(h, REFRESH, rows[i].status, NULL, rows[i].body);
        if (result->verdict != rows[i].want || result->suspend_ms != rows[i].want_suspend_ms ||
            result->delay_ms != rows[i].want_delay_ms)
            fail_msg("row %zu: %d, %lld, %lld", i, (int)result->verdict, (long long)result->suspend_ms,
                     (long long)result->delay_ms);
        harness_free(h);
    }
}

/* The minimal record of a call that vanished from the list, and that nobody can read either. */
static void a_call_that_is_gone_still_gets_its_record_through(void **state)
{
    (void)state;
    const struct harness_answer answers[] = { { .url_part = "/Calls/", .status = 404, .body = "" },
                                              { .status = 0 } };
    struct harness *h = new_harness("");

    set_record(h, "\"is_final\": false, \"status\": \"unknown\", \"customer\": null, \"talk_s\": null", "");
    harness_answers(h, answers);
    const struct harness_result *result = harness_run(h);
    assert_int_equal(result->verdict, SB_SKIP);
    assert_string_equal(harness_text(result->record, "recording.state"), "missing");
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agents_are_found_as_people_mean_it),
        cmocka_unit_test(without_an_agents_file_nothing_is_said),
        cmocka_unit_test(calls_that_nobody_wants_are_dropped_with_the_reason),
        cmocka_unit_test(a_missed_call_with_a_ticket_has_no_recording),
        cmocka_unit_test(a_call_with_an_address_is_not_read_again),
        cmocka_unit_test(a_missing_address_is_asked_for_rarely_and_until_the_deadline),
        cmocka_unit_test(an_address_that_comes_late_is_used),
        cmocka_unit_test(a_call_that_ran_is_read_until_it_is_over),
        cmocka_unit_test(a_call_that_turns_out_to_be_missed_is_dropped),
        cmocka_unit_test(missing_values_wipe_nothing),
        cmocka_unit_test(failures_of_reading_are_told_apart),
        cmocka_unit_test(a_call_that_is_gone_still_gets_its_record_through),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
