/* What the tests of the Exotel source share: one plain call to vary, and a round of asking with one page. */
#ifndef EXOTEL_KIT_H
#define EXOTEL_KIT_H

#include "plugins/harness.h"

extern const struct sb_plugin exotel_plugin;

#define KIT_KEYS "\"account_sid\": \"acmedemo1\", \"api_key\": \"demo-key\", \"api_token\": \"demo-token\""

/* 2026-03-10T10:00:00Z, an hour after the calls of the samples (15:30 in the account's zone). */
#define KIT_NOW_MS INT64_C(1773136800000)

/* A call that was answered and has settled; the caller releases it. `changes` is an object whose members replace its
 * own; null stays null, and "-" removes the member. */
static inline json_t *kit_call(const char *changes)
{
    json_t *call = json_pack(
        "{s:s, s:n, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:f, s:s, s:s, s:s, s:{s:i, s:s, s:s, "
        "s:[{s:{s:i, s:i}}, {s:{s:i, s:i}}]}}",
        "Sid", "examplecall000000000000000000001", "ParentCallSid", "DateCreated", "2026-03-10 14:30:00",
        "DateUpdated", "2026-03-10 14:33:40", "AccountSid", "acmedemo1", "To", "05550100101", "From",
        "05550100001", "PhoneNumberSid", "05550100900", "Status", "completed", "StartTime",
        "2026-03-10 14:30:00", "EndTime", "2026-03-10 14:31:36", "Duration", 96, "Price", 0.75, "Direction",
        "inbound", "AnsweredBy", "human", "RecordingUrl",
        "https://recordings.exotel.com/exotelrecordings/acmedemo1/examplecall000000000000000000001.mp3",
        "Details", "ConversationDuration", 64, "Leg1Status", "completed", "Leg2Status", "completed", "Legs",
        "Leg", "Id", 1, "OnCallDuration", 81, "Leg", "Id", 2, "OnCallDuration", 64);
    json_t *wanted = json_loads(changes ? changes : "{}", 0, NULL);
    const char *name;
    json_t *value;

    assert_non_null(call);
    assert_non_null(wanted);
    json_object_foreach (wanted, name, value) {
        if (json_is_string(value) && json_string_value(value)[0] == '-' && !json_string_value(value)[1])
            (void)json_object_del(call, name);
        else
            (void)json_object_set(call, name, value);
    }
    json_decref(wanted);
    return call;
}

/* The answer to reading that call, as text; the caller frees it. */
static inline char *kit_call_text(const char *changes)
{
    json_t *body = json_pack("{s:o}", "Call", kit_call(changes));
    char *text = json_dumps(body, 0);

    assert_non_null(text);
    json_decref(body);
    return text;
}

/* A page with one call, as text; the caller frees it. Takes `call`. */
static inline char *kit_page(json_t *call)
{
    json_t *page = json_pack("{s:{s:i, s:i, s:n, s:n}, s:[o]}", "Metadata", "Total", 1, "PageSize", 100,
                             "PrevPageUri", "NextPageUri", "Calls", call);
    char *text = json_dumps(page, 0);

    assert_non_null(text);
    json_decref(page);
    return text;
}

/* One round over a page with `call` (taken). The result is that of the last call, with all emits. */
static inline const struct harness_result *kit_round(struct harness *h, json_t *call)
{
    char *text = kit_page(call);
    const struct harness_answer answers[] = {
        { .method = "GET", .url_part = "/v1/Accounts/acmedemo1/Calls.json?", .status = 200, .body = text },
        { .status = 0 },
    };

    harness_answers(h, answers);
    const struct harness_result *result = harness_poll(h);
    harness_answers(h, NULL);
    free(text);
    return result;
}

#endif
