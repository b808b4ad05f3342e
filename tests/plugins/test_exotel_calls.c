/* How a listed call is judged and what its record says: every shape of the contract, one row each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/exotel/exotel.h"
#include "base/file.h"
#include "base/scope.h"
#include "exotel_kit.h"

#define OPTIONS "{" KIT_KEYS ", \"since\": \"30d\"}"

static const char unsettled_details[] = "\"Details\": {\"ConversationDuration\": 0, \"Leg1Status\": "
                                        "\"completed\", \"Leg2Status\": null, \"Legs\": []}";

/* One call on the list, and what becomes of it at 15:30: emitted with this status, or kept open. */
static const struct judged {
    const char *name;
    const char *changes;
    const char *want_status; /* NULL: it is kept open */
    const char *want_reason; /* missed_reason */
    const char *want_customer, *want_agent;
    int64_t want_talk_s; /* -1: null */
} judged[] = {
    { "inbound, answered by a number", "{}", "answered", NULL, "05550100001", "05550100101", 64 },
    { "inbound, answered by a SIP agent", "{\"To\": \"sip:demoagent01\"}", "answered", NULL, "05550100001",
      "sip:demoagent01", 64 },
    { "outbound, answered",
      "{\"Direction\": \"outbound-api\", \"From\": \"05550100101\", \"To\": \"05550100004\"}", "answered",
      NULL, "05550100004", "05550100101", 64 },
    { "outbound from the dashboard",
      "{\"Direction\": \"outbound-dial\", \"From\": \"05550100101\", \"To\": \"05550100004\"}", "answered",
      NULL, "05550100004", "05550100101", 64 },
    { "numbers as strings", "{\"Duration\": \"96\", \"Price\": \"1.500\"}", "answered", NULL, "05550100001",
      "05550100101", 64 },
    { "a telephone number as a number", "{\"From\": 5550100001}", "answered", NULL, "5550100001",
      "05550100101", 64 },
    { "our number only in PhoneNumber", "{\"PhoneNumberSid\": \"-\", \"PhoneNumber\": \"05550100900\"}",
      "answered", NULL, "05550100001", "05550100101", 64 },
    { "talk only on the second leg",
      "{\"Details\": {\"ConversationDuration\": 0, \"Leg1Status\": \"completed\", \"Leg2Status\": "
      "\"completed\","
      " \"Legs\": [{\"Leg\": {\"Id\": 1, \"OnCallDuration\": 90}}, {\"Leg\": {\"Id\": 2, \"OnCallDuration\": "
      "33}}]}}",
      "answered", NULL, "05550100001", "05550100101", 33 },
    { "legs without their envelope",
      "{\"Details\": {\"ConversationDuration\": 0, \"Leg2Status\": \"completed\","
      " \"Legs\": [{\"Id\": 1, \"OnCallDuration\": 90}, {\"Id\": 2, \"OnCallDuration\": 34}]}}",
      "answered", NULL, "05550100001", "05550100101", 34 },

    { "inbound, nobody answered",
      "{\"To\": \"05550100900\", \"RecordingUrl\": \"\", \"Details\": {\"ConversationDuration\": 0,"
      " \"Leg1Status\": \"completed\", \"Leg2Status\": \"no-answer\", \"Legs\": []}}",
      "missed", "no agent answered", "05550100001", NULL, 0 },
    { "inbound, agent declined",
      "{\"RecordingUrl\": null, \"Details\": {\"ConversationDuration\": 0, \"Leg2Status\": \"busy\"}}",
      "missed", "the agent declined or was busy", "05550100001", "05550100101", 0 },
    { "inbound, caller gave up",
      "{\"RecordingUrl\": null, \"Details\": {\"ConversationDuration\": 0, \"Leg2Status\": \"canceled\"}}",
      "missed", "the caller hung up before an agent answered", "05550100001", "05550100101", 0 },
    { "inbound, agent unreachable",
      "{\"RecordingUrl\": null, \"Details\": {\"ConversationDuration\": 0, \"Leg2Status\": \"failed\"}}",
      "missed", "the agent could not be reached", "05550100001", "05550100101", 0 },
    { "inbound, left in the menu long ago",
      "{\"To\": \"05550100900\", \"RecordingUrl\": null, \"Details\": {\"ConversationDuration\": 0,"
      " \"Leg1Status\": \"completed\", \"Leg2Status\": null, \"Legs\": []}}",
      "missed", "the caller hung up before an agent was tried", "05550100001", NULL, 0 },
    { "inbound, nothing of its end is written: nobody knows whether an agent answered",
      "{\"To\": \"05550100900\", \"EndTime\": \"1970-01-01 05:30:00\", \"Duration\": null,"
      " \"RecordingUrl\": null, \"Details\": {\"ConversationDuration\": 0, \"Leg1Status\": \"completed\","
      " \"Leg2Status\": null, \"Legs\": []}}",
      "unknown", NULL, "05550100001", NULL, 0 },
    { "outbound, nothing of its end is written",
      "{\"Direction\": \"outbound-api\", \"From\": \"05550100101\", \"To\": \"05550100004\","
      " \"EndTime\": \"1970-01-01 05:30:00\", \"Duration\": null, \"RecordingUrl\": null,"
      " \"Details\": {\"ConversationDuration\": 0, \"Leg1Status\": \"completed\", \"Leg2Status\": null,"
      " \"Legs\": []}}",
      "unknown", NULL, "05550100004", "05550100101", 0 },
    { "outbound, customer busy",
      "{\"Direction\": \"outbound-api\", \"Status\": \"busy\", \"From\": \"05550100101\", \"To\": "
      "\"05550100004\","
      " \"RecordingUrl\": null, \"Details\": {\"ConversationDuration\": 0, \"Leg2Status\": \"busy\"}}",
      "missed", "the customer was busy", "05550100004", "05550100101", 0 },
    { "outbound, customer did not answer, with a recording of the ringing",
      "{\"Direction\": \"outbound-api\", \"Status\": \"no-answer\", \"From\": \"05550100101\","
      " \"To\": \"05550100004\", \"Details\": {\"ConversationDuration\": 0, \"Leg2Status\": \"no-answer\"}}",
      "missed", "the customer did not answer", "05550100004", "05550100101", 0 },
    { "outbound, agent hung up while it rang",
      "{\"Direction\": \"outbound-api\", \"Status\": \"failed\", \"From\": \"05550100101\", \"To\": "
      "\"05550100004\","
      " \"RecordingUrl\": null, \"Details\": {\"ConversationDuration\": 0, \"Leg2Status\": \"canceled\"}}",
      "missed", "the agent hung up before the customer answered", "05550100004", "05550100101", 0 },
    { "outbound, agent did not answer",
      "{\"Direction\": \"outbound-api\", \"Status\": \"no-answer\", \"From\": \"05550100101\","
      " \"To\": \"05550100004\", \"RecordingUrl\": null, \"Details\": {\"ConversationDuration\": 0,"
      " \"Leg1Status\": \"no-answer\", \"Leg2Status\": \"\"}}",
      "missed", "the agent did not answer", "05550100004", "05550100101", 0 },
    { "cancelled with two l",
      "{\"Direction\": \"outbound-api\", \"Status\": \"cancelled\", \"From\": \"05550100101\","
      " \"To\": \"05550100004\", \"RecordingUrl\": null, \"Details\": {\"ConversationDuration\": 0,"
      " \"Leg2Status\": \"cancelled\"}}",
      "missed", "the agent hung up before the customer answered", "05550100004", "05550100101", 0 },

    { "flow call, answered: the customer was called, and there is no agent",
      "{\"Direction\": \"outbound-api\", \"From\": \"05550100007\", \"To\": \"05550100900\","
      " \"Details\": {\"ConversationDuration\": 0, \"Leg1Status\": \"completed\", \"Leg2Status\": null}}",
      "answered", NULL, "05550100007", NULL, 0 },
    { "flow call, not answered",
      "{\"Direction\": \"outbound-api\", \"Status\": \"no-answer\", \"From\": \"05550100007\","
      " \"To\": \"05550100900\", \"RecordingUrl\": null, \"Details\": {\"ConversationDuration\": 0,"
      " \"Leg1Status\": \"no-answer\", \"Leg2Status\": null}}",
      "missed", "the customer did not answer", "05550100007", NULL, 0 },

    { "never settles, but has a recording: somebody may have talked",
      "{\"To\": \"05550100900\", \"EndTime\": \"1970-01-01 05:30:00\", \"Price\": null,"
      " \"DateUpdated\": \"2026-03-10 14:30:55\", \"Details\": {\"ConversationDuration\": 0,"
      " \"Leg1Status\": \"completed\", \"Leg2Status\": null, \"Legs\": []}}",
      "unknown", NULL, "05550100001", NULL, 0 },
    { "ended without a status, but the second leg talked",
      "{\"Direction\": \"outbound-api\", \"Status\": null, \"From\": \"05550100101\", \"To\": "
      "\"05550100004\","
      " \"Details\": {\"ConversationDuration\": 0, \"Leg1Status\": \"completed\", \"Leg2Status\": "
      "\"completed\","
      " \"Legs\": [{\"Leg\": {\"Id\": 1, \"OnCallDuration\": 117}}, {\"Leg\": {\"Id\": 2,"
      " \"OnCallDuration\": 88}}]}}",
      "answered", NULL, "05550100004", "05550100101", 88 },
    { "status is an empty text", "{\"Status\": \"\"}", "answered", NULL, "05550100001", "05550100101", 64 },
    { "a status that nobody knows", "{\"Status\": \"paused\"}", "answered", NULL, "05550100001",
      "05550100101", 64 },
    { "given to an agent, but no leg was ever written",
      "{\"RecordingUrl\": null, \"Details\": {\"ConversationDuration\": 0, \"Leg2Status\": null}}", "unknown",
      NULL, "05550100001", "05550100101", 0 },
    { "without details", "{\"Details\": \"-\"}", "unknown", NULL, "05550100001", "05550100101", -1 },
    { "talk without a recording's address, long ago", "{\"RecordingUrl\": null}", "answered", NULL,
      "05550100001", "05550100101", 64 },
    { "a lot is missing",
      "{\"DateUpdated\": \"-\", \"StartTime\": \"-\", \"EndTime\": \"-\", \"Price\": \"-\", \"AnsweredBy\": "
      "\"-\","
      " \"DateCreated\": \"2026-03-10 09:00:00\", \"Status\": \"-\", \"Duration\": \"-\", \"Details\": \"-\","
      " \"RecordingUrl\": \"-\"}",
      "unknown", NULL, "05550100001", "05550100101", -1 },
    { "its longest time is over and it still runs",
      "{\"DateCreated\": \"2026-03-10 10:30:00\", \"StartTime\": \"2026-03-10 10:30:00\", \"Status\": "
      "\"in-progress\","
      " \"EndTime\": null, \"Duration\": null, \"RecordingUrl\": null, \"Details\": \"-\"}",
      "unknown", NULL, "05550100001", "05550100101", -1 },

    { "runs", "{\"Status\": \"in-progress\", \"EndTime\": null, \"Duration\": null, \"RecordingUrl\": null}",
      NULL, NULL, NULL, NULL, 0 },
    { "rings", "{\"Status\": \"ringing\", \"EndTime\": null, \"Duration\": null, \"RecordingUrl\": null}",
      NULL, NULL, NULL, NULL, 0 },
    { "waits", "{\"Status\": \"queued\", \"EndTime\": \"\", \"Duration\": null}", NULL, NULL, NULL, NULL, 0 },
    { "runs for four hours",
      "{\"DateCreated\": \"2026-03-10 11:31:00\", \"StartTime\": \"2026-03-10 11:31:00\", \"Status\": "
      "\"in-progress\","
      " \"EndTime\": null, \"Duration\": null, \"RecordingUrl\": null, \"Details\": \"-\"}",
      NULL, NULL, NULL, NULL, 0 },
    { "ended seconds ago: no end, no duration",
      "{\"DateUpdated\": \"2026-03-10 15:29:40\", \"EndTime\": \"1970-01-01 05:30:00\", \"Duration\": null,"
      " \"RecordingUrl\": null}",
      NULL, NULL, NULL, NULL, 0 },
    { "ended lately: the end is there, the duration is not",
      "{\"DateUpdated\": \"2026-03-10 15:29:40\", \"EndTime\": \"2026-03-10 15:29:30\", \"Duration\": null}",
      NULL, NULL, NULL, NULL, 0 },
    { "ended lately, no status",
      "{\"DateUpdated\": \"2026-03-10 15:29:40\", \"EndTime\": \"2026-03-10 15:29:30\", \"Status\": \"\"}",
      NULL, NULL, NULL, NULL, 0 },
    { "ended lately, talked, but the agent is not written yet",
      "{\"DateUpdated\": \"2026-03-10 15:29:40\", \"EndTime\": \"2026-03-10 15:29:30\", \"To\": "
      "\"05550100900\"}",
      NULL, NULL, NULL, NULL, 0 },
    { "ended lately, no address of the recording",
      "{\"DateUpdated\": \"2026-03-10 15:29:40\", \"EndTime\": \"2026-03-10 15:29:30\", \"RecordingUrl\": "
      "null}",
      NULL, NULL, NULL, NULL, 0 },
    { "no trace of an end, and no status",
      "{\"EndTime\": null, \"Duration\": null, \"Status\": null, \"RecordingUrl\": null, \"Details\": \"-\"}",
      NULL, NULL, NULL, NULL, 0 },
};

static void check_judged(const struct judged *row)
{
    struct harness *h = harness_new(&exotel_plugin, OPTIONS);

    harness_set_now(h, KIT_NOW_MS);
    const struct harness_result *result = kit_round(h, kit_call(row->changes));
    const json_t *call =
        harness_text(result->emits, "0.account") ? harness_at(result->emits, "0.record.call") : NULL;
    if ((call != NULL) != (row->want_status != NULL))
        fail_msg("'%s' was %s", row->name, call ? "emitted" : "kept open");
    if (!call) {
        assert_non_null(
            json_object_get(harness_at(result->record, "open"), "examplecall000000000000000000001"));
    } else {
        const struct {
            const char *path, *want;
        } texts[] = { { "status", row->want_status },
                      { "missed_reason", row->want_reason },
                      { "customer", row->want_customer },
                      { "agent_number", row->want_agent } };
        for (size_t i = 0; i < COUNT_OF(texts); i++) {
            const char *got = harness_text(call, texts[i].path);
            if ((got == NULL) != (texts[i].want == NULL) || (got && strcmp(got, texts[i].want) != 0))
                fail_msg("'%s': %s is '%s'", row->name, texts[i].path, got ? got : "null");
        }
        const json_t *talk = harness_at(call, "talk_s");
        int64_t talk_s = json_is_null(talk) ? -1 : json_integer_value(talk);
        if (talk_s != row->want_talk_s)
            fail_msg("'%s': talk_s is %lld", row->name, (long long)talk_s);
    }
    harness_free(h);
}

/* All of these ended a minute ago: taken at once only because nothing is missing. */
static const struct judged settled[] = {
    { "answered", "\"To\": \"05550100101\"", "answered", NULL, "05550100001", "05550100101", 64 },
    { "missed, and the second leg says so",
      "\"To\": \"05550100900\", \"RecordingUrl\": null, \"Details\": {\"ConversationDuration\": 0,"
      " \"Leg2Status\": \"no-answer\"}",
      "missed", "no agent answered", "05550100001", NULL, 0 },
    { "an outbound call that failed needs no second leg",
      "\"Direction\": \"outbound-api\", \"Status\": \"failed\", \"From\": \"05550100101\", \"To\": "
      "\"05550100004\","
      " \"RecordingUrl\": null, \"Details\": {\"ConversationDuration\": 0, \"Leg1Status\": \"failed\","
      " \"Leg2Status\": null}",
      "missed", "the agent did not answer", "05550100004", "05550100101", 0 },
    { "a presigned address is an address",
      "\"RecordingUrl\": null, \"PreSignedRecordingUrl\": "
      "\"https://recordings.exotel.com/a.mp3?X-Amz-Signature=1\"",
      "answered", NULL, "05550100001", "05550100101", 64 },
    { "inbound without a second leg may still get one",
      "\"To\": \"05550100900\", \"RecordingUrl\": null, \"Details\": {\"ConversationDuration\": 0,"
      " \"Leg1Status\": \"completed\", \"Leg2Status\": null, \"Legs\": []}",
      NULL, NULL, NULL, NULL, 0 },
    { "inbound, agent written before the legs",
      "\"RecordingUrl\": null, \"Details\": {\"ConversationDuration\": 0, \"Leg1Status\": \"completed\","
      " \"Leg2Status\": null, \"Legs\": []}",
      NULL, NULL, NULL, NULL, 0 },
    { "outbound, completed, and no second leg yet",
      "\"Direction\": \"outbound-api\", \"From\": \"05550100101\", \"To\": \"05550100004\","
      " \"Details\": {\"ConversationDuration\": 0, \"Leg1Status\": \"completed\", \"Leg2Status\": null}",
      NULL, NULL, NULL, NULL, 0 },
};

static void every_shape_of_call_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(judged); i++)
        check_judged(&judged[i]);
}

static void a_fresh_call_is_taken_when_nothing_is_missing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(settled); i++) {
        char changes[1024];
        struct judged row = settled[i];
        (void)snprintf(changes, sizeof(changes),
                       "{\"DateCreated\": \"2026-03-10 15:20:00\", \"StartTime\": \"2026-03-10 15:20:00\","
                       " \"EndTime\": \"2026-03-10 15:29:00\", \"DateUpdated\": \"2026-03-10 15:29:30\", %s}",
                       settled[i].changes);
        row.changes = changes;
        check_judged(&row);
    }
}

/* The same unsettled call, seen again later: kept open until `settle_wait`, then taken as it is. */
static void a_call_that_never_settles_is_taken_after_settle_wait(void **state)
{
    (void)state;
    struct harness *h = harness_new(&exotel_plugin, OPTIONS);
    char changes[512];

    (void)snprintf(changes, sizeof(changes),
                   "{\"DateCreated\": \"2026-03-10 15:28:00\", \"StartTime\": \"2026-03-10 15:28:00\","
                   " \"DateUpdated\": \"-\", \"EndTime\": \"1970-01-01 05:30:00\", \"Duration\": null,"
                   " \"To\": \"05550100900\", %s}",
                   unsettled_details);
    harness_set_now(h, KIT_NOW_MS);
    assert_int_equal(json_array_size(kit_round(h, kit_call(changes))->emits), 0);
    harness_set_now(h, KIT_NOW_MS + 19 * EXO_MINUTE_MS);
    assert_int_equal(json_array_size(kit_round(h, kit_call(changes))->emits), 0);
    harness_set_now(h, KIT_NOW_MS + 20 * EXO_MINUTE_MS);
    const struct harness_result *result = kit_round(h, kit_call(changes));
    assert_int_equal(json_array_size(result->emits), 1);
    assert_int_equal(json_object_size(harness_at(result->record, "open")), 0);
    assert_string_equal(harness_text(result->emits, "0.record.call.status"), "unknown");
    harness_free(h);
}

/* A machine's clock that is set an hour ahead makes no call an hour older: the answers tell their own time. */
static void settle_wait_goes_by_the_clock_of_the_answers(void **state)
{
    static const struct {
        int64_t ours_ms;
        const char *headers;
        size_t emits;
    } rows[] = { { KIT_NOW_MS, "{\"Date\": \"Tue, 10 Mar 2026 10:00:00 GMT\"}", 0 },
                 { KIT_NOW_MS + EXO_HOUR_MS, "{\"Date\": \"Tue, 10 Mar 2026 10:01:00 GMT\"}", 0 },
                 { KIT_NOW_MS + EXO_HOUR_MS, "{\"Date\": \"Tue, 10 Mar 2026 10:20:00 GMT\"}", 1 } };
    struct harness *h = harness_new(&exotel_plugin, OPTIONS);
    char changes[512];

    (void)state;
    (void)snprintf(changes, sizeof(changes),
                   "{\"DateCreated\": \"2026-03-10 15:28:00\", \"StartTime\": \"2026-03-10 15:28:00\","
                   " \"DateUpdated\": \"-\", \"EndTime\": \"1970-01-01 05:30:00\", \"Duration\": null,"
                   " \"To\": \"05550100900\", %s}",
                   unsettled_details);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *text = kit_page(kit_call(changes));
        const struct harness_answer answers[] = { { .method = "GET",
                                                    .url_part = "/v1/Accounts/acmedemo1/Calls.json?",
                                                    .status = 200,
                                                    .headers = rows[i].headers,
                                                    .body = text },
                                                  { .status = 0 } };
        harness_set_now(h, rows[i].ours_ms);
        harness_answers(h, answers);
        assert_int_equal(json_array_size(harness_poll(h)->emits), rows[i].emits);
        harness_answers(h, NULL);
        free(text);
    }
    harness_free(h);
}

static void a_call_that_settles_while_it_is_open_is_taken_at_once(void **state)
{
    (void)state;
    struct harness *h = harness_new(&exotel_plugin, OPTIONS);

    harness_set_now(h, KIT_NOW_MS);
    assert_int_equal(json_array_size(kit_round(h, kit_call("{\"Status\": \"in-progress\", \"EndTime\": null,"
                                                           " \"Duration\": null, \"RecordingUrl\": null}"))
                                         ->emits),
                     0);
    harness_set_now(h, KIT_NOW_MS + 60000);
    const struct harness_result *result = kit_round(h, kit_call("{}"));
    assert_int_equal(json_array_size(result->emits), 1);
    assert_true(json_is_true(harness_at(result->emits, "0.record.call.is_final")));
    assert_int_equal(json_object_size(harness_at(result->record, "open")), 0);
    harness_free(h);
}

static void a_call_is_emitted_once(void **state)
{
    (void)state;
    struct harness *h = harness_new(&exotel_plugin, OPTIONS);

    harness_set_now(h, KIT_NOW_MS);
    assert_int_equal(json_array_size(kit_round(h, kit_call("{}"))->emits), 1);
    harness_set_now(h, KIT_NOW_MS + 60000);
    assert_int_equal(json_array_size(kit_round(h, kit_call("{}"))->emits), 0);
    harness_free(h);
}

static void a_record_says_all_that_is_known(void **state)
{
    (void)state;
    struct harness *h = harness_new(&exotel_plugin, OPTIONS);

    harness_set_now(h, KIT_NOW_MS);
    const struct harness_result *result =
        kit_round(h, kit_call("{\"CustomField\": \"order \\u20b9 17 \\ud83d\\ude00\"}"));
    assert_string_equal(harness_text(result->emits, "0.account"), "acmedemo1");
    assert_string_equal(harness_text(result->emits, "0.external_id"), "examplecall000000000000000000001");
    harness_same(
        harness_at(result->emits, "0.record"),
        "{\"source\": {\"plugin\": \"exotel\", \"account\": \"acmedemo1\","
        "  \"external_id\": \"examplecall000000000000000000001\", \"at_ms\": 1773133296000},"
        " \"call\": {\"sid\": \"examplecall000000000000000000001\", \"direction\": \"inbound\","
        "  \"customer\": \"05550100001\", \"customer_e164\": \"+915550100001\", \"agent_number\": "
        "\"05550100101\","
        "  \"agent_name\": null, \"agent_department\": null, \"agent_known\": false, \"our_number\": "
        "\"05550100900\","
        "  \"is_flow\": false, \"started_at\": \"2026-03-10T09:00:00Z\", \"ended_at\": "
        "\"2026-03-10T09:01:36Z\","
        "  \"duration_s\": 96, \"talk_s\": 64, \"status\": \"answered\", \"missed_reason\": null,"
        "  \"raw_status\": \"completed\", \"raw_direction\": \"inbound\", \"leg1_status\": \"completed\","
        "  \"leg2_status\": \"completed\", \"utc_offset_minutes\": 330,"
        "  \"custom_field\": \"order \\u20b9 17 \\ud83d\\ude00\", \"is_final\": true},"
        " \"recording\": {\"state\": \"pending\", \"url\":"
        "  "
        "\"https://recordings.exotel.com/exotelrecordings/acmedemo1/"
        "examplecall000000000000000000001.mp3\"}}");
    harness_free(h);
}

static void the_zone_of_the_account_is_an_option(void **state)
{
    (void)state;
    struct harness *h =
        harness_new(&exotel_plugin, "{" KIT_KEYS ", \"since\": \"30d\", \"utc_offset\": \"-05:00\"}");

    harness_set_now(h, KIT_NOW_MS + EXO_DAY_MS);
    const struct harness_result *result = kit_round(h, kit_call("{}"));
    assert_string_equal(harness_text(result->emits, "0.record.call.started_at"), "2026-03-10T19:30:00Z");
    assert_int_equal(harness_int(result->emits, "0.record.call.utc_offset_minutes"), -300);
    harness_free(h);
}

static void only_the_wanted_direction_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *direction;
        size_t want_inbound, want_outbound;
        const char *want_filter; /* part of the URL, or NULL */
    } rows[] = {
        { "both", 1, 1, NULL },
        { "inbound", 1, 0, "&Direction=inbound" },
        { "outbound", 0, 1, "&Direction=outbound-dial%2Coutbound-api" },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char options[256];
        (void)snprintf(options, sizeof(options), "{" KIT_KEYS ", \"since\": \"30d\", \"direction\": \"%s\"}",
                       rows[i].direction);
        struct harness *h = harness_new(&exotel_plugin, options);
        harness_set_now(h, KIT_NOW_MS);
        assert_int_equal(json_array_size(kit_round(h, kit_call("{}"))->emits), rows[i].want_inbound);
        const char *url = harness_text(harness_requests(h), "0.url");
        assert_true(rows[i].want_filter ? strstr(url, rows[i].want_filter) != NULL
                                        : !strstr(url, "Direction"));
        harness_set_now(h, KIT_NOW_MS + 60000);
        assert_int_equal(json_array_size(kit_round(h, kit_call("{\"Direction\": \"outbound-api\", \"Sid\": "
                                                               "\"examplecall000000000000000000002\"}"))
                                             ->emits),
                         rows[i].want_outbound);
        harness_free(h);
    }
}

/* The contract's page of four: a SIP agent, a missed call, one that never settles, a broken one. */
static void the_sample_page_gives_four_records(void **state)
{
    (void)state;
    static const char *const want[][4] = {
        { "examplecall000000000000000000001", "answered", "05550100001", "sip:demoagent01" },
        { "examplecall000000000000000000002", "missed", "05550100002", NULL },
        { "examplecall000000000000000000003", "unknown", "05550100003", NULL },
        { "examplecall000000000000000000004", "answered", "05550100004", "05550100101" },
    };
    struct harness *h = harness_new(&exotel_plugin, OPTIONS);
    AUTO_STR page = NULL;
    size_t size;
    struct sb_error err = SB_ERROR_INIT;

    assert_int_equal(
        file_read(TEST_SOURCE_DIR "/tests/plugins/exotel/list_page.json", 65536, &page, &size, &err), 0);
    const struct harness_answer answers[] = { { .status = 200, .url_part = "Calls.json?", .body = page },
                                              { .status = 0 } };
    harness_set_now(h, KIT_NOW_MS);
    harness_answers(h, answers);
    const struct harness_result *result = harness_poll(h);
    assert_int_equal(json_array_size(result->emits), COUNT_OF(want));
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        const json_t *emit = json_array_get(result->emits, i);
        assert_string_equal(harness_text(emit, "external_id"), want[i][0]);
        assert_string_equal(harness_text(emit, "record.call.status"), want[i][1]);
        assert_string_equal(harness_text(emit, "record.call.customer"), want[i][2]);
        const char *agent = harness_text(emit, "record.call.agent_number");
        assert_true(agent ? want[i][3] && strcmp(agent, want[i][3]) == 0 : want[i][3] == NULL);
    }
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_of_call_is_judged),
        cmocka_unit_test(a_fresh_call_is_taken_when_nothing_is_missing),
        cmocka_unit_test(a_call_that_never_settles_is_taken_after_settle_wait),
        cmocka_unit_test(settle_wait_goes_by_the_clock_of_the_answers),
        cmocka_unit_test(a_call_that_settles_while_it_is_open_is_taken_at_once),
        cmocka_unit_test(a_call_is_emitted_once),
        cmocka_unit_test(a_record_says_all_that_is_known),
        cmocka_unit_test(the_zone_of_the_account_is_an_option),
        cmocka_unit_test(only_the_wanted_direction_is_taken),
        cmocka_unit_test(the_sample_page_gives_four_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
